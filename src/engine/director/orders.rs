//! What each command of the operator does: the director's part that turns it into transport commands and jobs.
//!
//! Must not know: who asked, how pictures are made.

use super::{Director, NoticeLevel};
use crate::{
    engine::Command,
    replay::{TransportCommand, playlist::PlaylistEdit},
    time::MediaTime,
};

impl Director {
    pub(super) fn obey(&mut self, command: Command) {
        // These mean what preview shows, also while it rolls.
        if matches!(command, Command::MarkHere | Command::MarkIn | Command::MarkOut | Command::Export) {
            self.stop_preview();
        }
        match command {
            Command::Mark => match self.newest() {
                Some(at) => self.apply(TransportCommand::Mark { at }),
                None => self.warn("Nothing to mark yet: no camera has delivered a picture. Check the camera list".to_owned()),
            },
            Command::MarkHere => match self.transport.preview().map(|p| p.instant) {
                Some(at) => self.apply(TransportCommand::Mark { at }),
                None => self.warn("Nothing is in preview to mark. Jog there first, or press MARK for the newest instant".to_owned()),
            },
            Command::MarkIn => self.with_head(|head| TransportCommand::MarkIn { head }),
            Command::MarkOut => self.with_head(|head| TransportCommand::MarkOut { head }),
            Command::LastFive => self.mark_last(5),
            Command::LastTen => self.mark_last(10),
            Command::EditEvent(id, edit) => self.apply(TransportCommand::Edit(id, edit)),
            Command::PickPivot { camera, at } => self.pick_pivot(camera, at),
            Command::EditGraphics(edit) => self.edit_graphics(&edit),
            Command::DrawGraphic { kind, file, camera, at } => self.draw_graphic(kind, file, camera, at),
            Command::CleanFeed(clean) => self.clean_feed(clean),
            Command::GraphicsToAir => self.update_air(),
            Command::DropGraphic => self.drop_draft(),
            Command::Slice(slice) => self.slice(slice),
            Command::FreeBy { dolly_m, height_m } => self.free_by(dolly_m, height_m),
            Command::FreeTo { dolly_m, height_m } => self.free_to(dolly_m, height_m),
            Command::Undo => self.apply(TransportCommand::Undo),
            Command::Redo => self.apply(TransportCommand::Redo),
            Command::Take => {
                let now = self.feeds.now();
                self.with_transition(TransportCommand::Take { now });
            }
            Command::Return => {
                self.cueing = None;
                self.with_transition(TransportCommand::Return);
            }
            // By hand the view is that of the arc again, not that of a path.
            Command::MoveOrbit(_) | Command::SetOrbit(_) | Command::StepCamera(_) if self.preview.scrub_secs.take().is_some() => {
                self.preview.asked = None;
                self.obey(command);
            }
            Command::MoveOrbit(by) => self.apply(TransportCommand::MoveOrbit(by)),
            Command::StepCamera(by) => {
                let from = self.position();
                // From between two cameras, the first step goes to the next one in that direction.
                let to = if by >= 0 { (from + 1e-6).floor() + f64::from(by) } else { (from - 1e-6).ceil() + f64::from(by) };
                self.apply(TransportCommand::SetOrbit(to));
            }
            Command::SetOrbit(to) => self.apply(TransportCommand::SetOrbit(to)),
            Command::TBar { share, in_time } => self.t_bar(share, in_time),
            Command::JogFrames(frames) => {
                self.stop_preview();
                if let Some(from) = self.transport.preview().map(|p| p.instant).or_else(|| self.newest()) {
                    let nanos = self.feeds.rate().frame_nanos(i64::from(frames));
                    self.jog_to(from.plus_nanos(nanos));
                }
            }
            Command::JogTo(at) => self.jog_to(at),
            Command::SelectEvent(id) => self.apply(TransportCommand::SelectEvent(id)),
            Command::NextEvent => self.apply(TransportCommand::StepEvent(true)),
            Command::PreviousEvent => self.apply(TransportCommand::StepEvent(false)),
            Command::RemoveEvent(id) => self.apply(TransportCommand::RemoveEvent(id)),
            Command::SelectCamera(number) => {
                // Numbers beyond the arc are answered by the transport, which names the remedy.
                let camera = self.transport.arc_order().get(number).copied().unwrap_or(number);
                self.apply(TransportCommand::SelectCamera(camera));
            }
            Command::Nudge { camera, by_nanos } => self.nudge(camera, by_nanos),
            Command::SelectMove(_) | Command::NextMove => {
                self.chosen_move = match command {
                    Command::SelectMove(k) => k.min(self.move_count() - 1),
                    _ => (self.chosen_move + 1) % self.move_count(),
                };
                // Preview shows where the chosen move begins, not where another one was looked at.
                if self.preview.scrub_secs.take().is_some() {
                    self.preview.asked = None;
                }
            }
            Command::NewPath(preset) => self.new_path(preset),
            Command::NextPath => self.next_path(),
            Command::EditPath(edit) => self.edit_path(&edit),
            Command::ScrubPath(secs) => self.scrub_path(secs),
            Command::SetQuality(chosen) => self.choose_level(chosen),
            Command::SetMatching(chosen) => self.choose_matching(chosen),
            Command::SetPlates(live) => self.choose_plates(live),
            Command::SetSlowMotion(interpolate) => self.choose_slow_motion(interpolate),
            Command::SetShading(chosen) => self.choose_shading(chosen),
            Command::FitRig(on) => self.choose_fit(on),
            Command::TrimMatch { camera, edit } => self.trim_match(&camera, &edit),
            Command::ToggleHeatMap => self.truth.heat_map = !self.truth.heat_map,
            Command::ToggleRealPixels => self.toggle_real_pixels(),
            Command::SetRung { gap, rung } => self.choose_rung(gap, rung),
            Command::NextRung => self.next_rung(),
            Command::Play => self.play(),
            Command::Shuttle(by) => self.shuttle(by),
            Command::RollOn => self.roll_on(),
            Command::SetSpeed(percent) => self.set_speed(percent),
            Command::StepSpeed(by) => self.step_speed(by),
            Command::AddElement => self.add_element(),
            Command::ApplyTemplate => self.apply_template(),
            Command::NextTemplate => self.chosen_template = (self.chosen_template + 1) % self.templates.len().max(1),
            Command::SaveTemplate(name) => self.save_template(&name),
            Command::EditPlaylist(PlaylistEdit::Transition(id, asked)) => {
                if let Some(how) = self.shown_as(asked) {
                    self.apply(TransportCommand::Playlist(PlaylistEdit::Transition(id, how)));
                }
            }
            Command::EditPlaylist(edit) => self.apply(TransportCommand::Playlist(edit)),
            Command::SetTransition(asked) => self.choose_transition(asked),
            Command::NextTransition => self.next_transition(),
            Command::PlayList => self.play_list(),
            Command::NextElement => self.next_element(),
            Command::Export => self.start_export(),
            Command::EditExports(order, number) => self.edit_exports(order, number),
            Command::AddOutput { name, address } => self.add_output(&name, address),
            Command::RemoveOutput(name) => self.remove_output(&name),
            Command::Second(order) => self.on_second(order),
            Command::SetFreezeSound(freeze) => self.set_freeze_sound(freeze),
            Command::SaveRig => self.save_rig(),
            Command::Calibrate(order) => self.calibrate(order),
            // Locks are done before anything else is.
            Command::Lock(..)
            | Command::ShowKeys
            | Command::FullScreenProgram
            | Command::Search
            | Command::Rename
            | Command::Palette
            | Command::PivotMode
            | Command::Graphics
            | Command::Controls
            | Command::SimpleLayout
            | Command::CalibratePage
            | Command::PathEditor => {}
        }
    }

    /// A command at the newest instant.
    fn with_head(&mut self, command: impl FnOnce(MediaTime) -> TransportCommand) {
        match self.newest() {
            Some(head) => self.apply(command(head)),
            None => self.warn("Nothing to mark yet: no camera has delivered a picture. Check the camera list".to_owned()),
        }
    }

    /// The oldest instant that memory or disk holds.
    pub(super) fn oldest(&self) -> Option<MediaTime> {
        let ring = self.feeds.ring();
        ring.disk.oldest.into_iter().chain(ring.oldest).min()
    }

    fn mark_last(&mut self, secs: i64) {
        self.with_head(|head| TransportCommand::MarkLast { from: head.plus_nanos(-secs * 1_000_000_000), head });
    }

    fn nudge(&mut self, number: usize, by_nanos: i64) {
        let Some(camera) = self.transport.arc_order().get(number).copied() else {
            return self.warn(format!("There is no camera {}. The arc has {}", number + 1, self.transport.arc_order().len()));
        };
        let name = self.feeds.rig().cameras[camera].name.clone();
        match self.feeds.nudge(camera, by_nanos) {
            Ok(nanos) => {
                let ms = nanos as f64 * 1e-6;
                self.notice(NoticeLevel::Info, format!("{name}: its times are shifted by {ms:+.1} ms from here on. Mark again to see it; offset_ms in the show file keeps it"));
            }
            Err(why) => self.warn(format!("{name} cannot be nudged: {why}")),
        }
    }

    pub(super) fn jog_to(&mut self, at: MediaTime) {
        self.preview.roll = None;
        // What a mark keeps can be reached even when the ring has moved on.
        let kept = self.transport.events().iter().any(|e| e.pinned_range().0 <= at && at <= e.pinned_range().1);
        let mut at = at;
        if let Some(oldest) = self.oldest()
            && !kept
        {
            at = at.max(oldest);
        }
        if let Some(newest) = self.newest() {
            self.apply(TransportCommand::SetInstant(at.min(newest)));
        }
    }
}
