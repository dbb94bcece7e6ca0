//! The playlist on program: laid out, cued, gone through, mixed; and its elements as the operator adds them.
//!
//! Must not know: how frames are decoded, windows.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{Director, NoticeLevel, paths::Choice, transitions::Mixing};
use crate::{
    engine::{
        ElementView, PlaylistView,
        playing::{Playing, Segment},
        strip::Found,
    },
    frame::Picture,
    output::program::Keyed,
    replay::{
        Program, Readiness, TransportCommand,
        path::{Path, Roll, ramped_roll, roll, still},
        playlist::{Element, Place, Player, PlaylistEdit, Shot, Template, Transition},
    },
};

/// The first picture of a list is waited for so long while it is being decoded, and so long where nothing could be decoded.
const CUE_WITHIN: Duration = Duration::from_secs(10);
const CUE_TRIED_WITHIN: Duration = Duration::from_secs(2);
/// Length of a still that is added, seconds.
const STILL_SECS: f64 = 2.0;

/// Templates that come with the program.
const TEMPLATES: [&str; 3] = [
    include_str!("../../../assets/templates/wide-freeze-close.toml"),
    include_str!("../../../assets/templates/two-angles.toml"),
    include_str!("../../../assets/templates/freeze-and-hold.toml"),
];

/// A list that waits for its first picture.
#[derive(Debug)]
pub(in crate::engine) struct Cueing {
    pub playing: Playing,
    pub player: Player,
    since: Instant,
}

/// The templates at hand.
pub(super) fn templates() -> Vec<Template> {
    let read = |text: &&str| Template::from_toml(text).inspect_err(|e| tracing::error!(%e, "a template of the program")).ok();
    TEMPLATES.iter().filter_map(read).collect()
}

fn playing_transition(playing: Option<&Playing>, slot: usize) -> Transition {
    playing.and_then(|p| p.segments.get(slot)).map(|s| s.transition).unwrap_or_default()
}

impl Director {
    /// The path of an element, about its mark.
    fn element_path(&self, e: &Element) -> Path {
        let secs = |t: crate::time::MediaTime| (t - e.mark) as f64 * 1e-9;
        let range = Roll { in_secs: secs(e.begin), out_secs: secs(e.end), speed: f64::from(e.speed_percent) / 100.0 };
        let position = self.transport.wrap_position(e.position);
        match &e.shot {
            Shot::Angle => {
                let position = self.transport.wrap_position(position.round());
                e.ramp_percent.map_or_else(|| roll(position, &range), |end| ramped_roll(position, &range, f64::from(end) / 100.0))
            }
            Shot::Still { secs } => still(position, 0.0, *secs),
            Shot::Move(name) => match self.choice_named(name) {
                Some(choice) => self.path_of(&choice, position, e.mark, self.transport.events().get(e.event), &range),
                None => still(position, 0.0, STILL_SECS),
            },
        }
    }

    /// Adds the prepared event with the chosen move.
    pub(super) fn add_element(&mut self) {
        let prepared = self.transport.preview().map(|p| (p.event, p.instant, p.position));
        let Some((Some(event), instant, position)) = prepared.map(|(id, at, p)| (id.and_then(|id| self.transport.events().get(id)), at, p))
        else {
            return self.warn("No event is prepared to add. Mark one (Space, Shift+Space) or choose one in the list".to_owned());
        };
        let shot = match self.choice() {
            Some(Choice::Program(m)) if m.is_plain_roll() => Shot::Angle,
            Some(Choice::Program(m)) if m.name != "Hold" => Shot::Move(m.name.to_owned()),
            Some(Choice::Own(path)) => Shot::Move(path.name.clone()),
            _ => Shot::Still { secs: STILL_SECS },
        };
        let element = Element { mark: instant, ..Element::of(event, shot, position, self.speed_percent) };
        self.apply(TransportCommand::Playlist(PlaylistEdit::Add(vec![element])));
    }

    /// Adds what the chosen template makes of the prepared event.
    pub(super) fn apply_template(&mut self) {
        let prepared = self.transport.preview().map(|p| (p.event, p.position));
        let Some((Some(event), position)) = prepared.map(|(id, p)| (id.and_then(|id| self.transport.events().get(id)), p)) else {
            return self.warn("No event is prepared for the template. Mark one (Space) or choose one in the list".to_owned());
        };
        let Some(template) = self.templates.get(self.chosen_template) else { return };
        let cameras = &self.feeds.rig().cameras;
        let names: Vec<String> = self.transport.arc_order().iter().map(|k| cameras[*k].name.clone()).collect();
        let elements = template.elements(event, &names, position, self.speed_percent);
        self.apply(TransportCommand::Playlist(PlaylistEdit::Add(elements)));
    }

    /// Lays the list out and waits for its first picture.
    pub(super) fn play_list(&mut self) {
        let list = self.transport.playlist().clone();
        let mut segments = Vec::new();
        for e in list.elements() {
            if let Shot::Move(name) = &e.shot
                && self.choice_named(name).is_none()
            {
                return self
                    .warn(format!("The playlist shows the move {name:?}, which there is not (any more). Undo, or take the element out"));
            }
            let Some(track) = self.laid(&self.element_path(e), e.mark) else { return };
            segments.push(Segment { track, anchor: e.mark, element: Some((e.id, e.event)), transition: e.transition });
        }
        if segments.is_empty() {
            return self
                .warn("The playlist is empty. ADD (A) puts the prepared event into it, TEMPLATE (T) a few elements at once".to_owned());
        }
        let schedule = list.schedule(|e| self.element_path(e).duration_secs);
        self.cueing =
            Some(Cueing { playing: Playing { segments, schedule, plain: false }, player: Player::default(), since: Instant::now() });
    }

    /// On to the next element.
    pub(super) fn next_element(&mut self) {
        match &self.program.playing {
            Some(playing) if playing.is_list() => {
                self.program.player.next(&playing.schedule);
                self.refresh_program();
            }
            _ => self.warn("No playlist is on air. PLAY LIST puts it there".to_owned()),
        }
    }

    /// Puts the list that waits on program as soon as its first picture is there.
    pub(super) fn start_cued(&mut self) {
        let Some(cueing) = &self.cueing else { return };
        let Some(cue) = cueing.playing.at(&cueing.player) else { return };
        let (at, position) = (cue.sample.instant, self.transport.wrap_position(cue.sample.position));
        let waited = cueing.since.elapsed();
        let is_at_hand = cue.is_at_anchor(self.feeds.rate().interval_nanos()) && self.moment(cue.anchor).is_some();
        let found = if is_at_hand { None } else { Some(self.rolling_picture(position, at, None).1) };
        match found {
            Some(Found::NotYet) if waited < CUE_WITHIN => {}
            Some(Found::Nothing) if waited < CUE_TRIED_WITHIN => {}
            Some(Found::NotYet | Found::Nothing) => {
                self.cueing = None;
                self.warn(
                    "The playlist cannot begin: no camera has a picture where its first element begins. Take that element out".to_owned(),
                );
            }
            None | Some(Found::Picture(_)) => {
                if let Some(Cueing { playing, player, .. }) = self.cueing.take() {
                    let now = self.feeds.now();
                    let first = playing.segments.first().and_then(|s| Some((s.anchor, s.element?)));
                    self.starting = Some((playing, player));
                    if let Some((anchor, (_, event))) = first {
                        let solved = self.is_solved(anchor);
                        self.with_transition(TransportCommand::Cue { event, instant: anchor, position, solved, taken: Some(now) });
                    }
                }
            }
        }
    }

    /// Whether views of an instant can be made: it is the one in preview, and solved.
    fn is_solved(&self, instant: crate::time::MediaTime) -> bool {
        self.transport.preview().is_some_and(|p| p.instant == instant && p.readiness == Readiness::Solved)
    }

    /// A replay begins to play: its clock starts with the next tick.
    pub(super) fn start_clock(&mut self, playing: Option<Playing>) {
        self.program.playing = playing;
        (self.program.origin, self.program.ticked_secs, self.program.player) = (None, 0.0, Player::default());
        (self.program.slot, self.program.mixing, self.program.outgoing) = (0, None, None);
        self.program.by_hand = None;
    }

    /// Follows the list from element to element; false when it has ended and program is live again.
    pub(super) fn follow_list(&mut self, place: &Place) -> bool {
        let Some(playing) = self.program.playing.as_ref().filter(|p| p.is_list()) else { return true };
        if place.ended {
            let total = playing.schedule.total_secs();
            self.with_transition(TransportCommand::Return);
            self.notice(NoticeLevel::Info, format!("The playlist has ended after {total:.1} s"));
            return false;
        }
        if place.slot != self.program.slot {
            let segment = playing.segments.get(place.slot).and_then(|s| Some((s.anchor, s.element?.1)));
            let position = playing.cue(place.slot, 0.0).map_or(0.0, |c| c.sample.position);
            self.program.slot = place.slot;
            self.program.outgoing = self.program.layer.take();
            (self.program.asked, self.program.cut) = (None, None);
            if let Some((anchor, event)) = segment {
                let solved = self.is_solved(anchor);
                self.board.set_on_air(Some(anchor));
                self.apply(TransportCommand::Cue { event, instant: anchor, position, solved, taken: None });
                self.remember_take();
            }
        }
        let mixed = self.program.mixing.is_some();
        let how = playing_transition(self.program.playing.as_ref(), place.slot);
        self.program.mixing = place
            .from
            .and_then(|(slot, secs, share)| Some(Mixing { from: self.behind(slot, secs)?, share, how, begun: false, live: false }));
        // A dissolve ends in the picture itself, also where that one stands.
        self.program.layer_is_new |= mixed && self.program.mixing.is_none();
        true
    }

    /// The picture of the element that goes: its own frame, or the last picture of it.
    fn behind(&mut self, slot: usize, secs: f64) -> Option<Arc<Picture>> {
        let cue = self.program.playing.as_ref()?.cue(slot, secs)?;
        let stands = cue.speed_percent == 0;
        let position = self.transport.wrap_position(cue.sample.position);
        match (stands, &self.program.outgoing) {
            (true, Some(last)) => Some(Arc::clone(last)),
            _ => match self.rolling_picture(position, cue.sample.instant, None).1 {
                Found::Picture(live) => Some(self.with_bugs(&live.picture, true)),
                Found::NotYet | Found::Nothing => self.program.outgoing.clone(),
            },
        }
    }

    /// The replay's newest picture.
    pub(super) fn put_layer(&mut self, picture: &Arc<Picture>) {
        let picture = self.with_bugs(picture, true);
        if self.program.layer.as_ref().is_none_or(|layer| !Arc::ptr_eq(layer, &picture)) {
            self.program.layer = Some(picture);
            self.program.layer_is_new = true;
        }
    }

    /// Puts the replay's picture on program, mixed with the one before it while it dissolves in.
    pub(super) fn compose(&mut self) {
        let is_new = std::mem::take(&mut self.program.layer_is_new);
        match (&self.program.mixing, &self.program.layer) {
            (Some(mixing), Some(to)) => {
                let (mixed, to) = (Arc::new(self.mixed(mixing, to)), Arc::clone(to));
                let keyed = self.keyed_of_replay(mixing, &mixed, to);
                self.show_program(mixed, keyed);
            }
            // What is shown stays until the next picture is there.
            (Some(mixing), None) if mixing.begun => {}
            (Some(mixing), None) => {
                let (from, is_live) = (Arc::clone(&mixing.from), mixing.live);
                self.show_program(Arc::clone(&from), (!is_live).then_some(Keyed::whole(from)));
            }
            (None, Some(layer)) if is_new => {
                let layer = Arc::clone(layer);
                self.show_program(Arc::clone(&layer), Some(Keyed::whole(layer)));
            }
            (None, _) => self.refresh_graphics_alone(),
        }
    }

    /// Graphics beside a clean program may change while its picture stands.
    fn refresh_graphics_alone(&mut self) {
        if self.program.keyed.is_none() {
            return;
        }
        let picture = &self.program.shown.picture;
        let graphics = self.graphics_alone((picture.width(), picture.height()));
        if let Some(keyed) = &mut self.program.keyed {
            keyed.graphics = graphics;
        }
    }

    /// The list as everybody else sees it.
    pub(in crate::engine) fn playlist_view(&self) -> PlaylistView {
        let list = self.transport.playlist();
        let schedule = list.schedule(|e| self.element_path(e).duration_secs);
        let on_air = self.program.playing.as_ref().filter(|p| p.is_list() && matches!(self.transport.program(), Program::Replay(_)));
        let slot = on_air.and_then(|p| p.segments.get(self.program.slot)).and_then(|s| s.element).map(|(id, _)| id);
        let cameras = &self.feeds.rig().cameras;
        let element = |(e, slot_of): (&Element, &crate::replay::playlist::Slot)| ElementView {
            id: e.id,
            event: self.transport.events().get(e.event).map_or_else(String::new, |event| event.name.clone()),
            what: match &e.shot {
                Shot::Angle => "Roll".to_owned(),
                Shot::Move(name) => name.clone(),
                Shot::Still { .. } => "Still".to_owned(),
            },
            camera: self.transport.camera_at(e.position).map_or_else(String::new, |k| cameras[k].name.clone()),
            rolls: match &e.shot {
                Shot::Angle => true,
                Shot::Still { .. } => false,
                Shot::Move(name) => matches!(self.choice_named(name), Some(Choice::Program(m)) if m.rolls()),
            },
            speed_percent: e.speed_percent,
            ramp_percent: (e.shot == Shot::Angle).then(|| e.ramp_percent.unwrap_or(e.speed_percent)),
            transition: e.transition,
            hold: e.hold,
            secs: slot_of.secs,
            starts_secs: slot_of.start_secs,
            from: e.mark.plus_nanos(self.element_path(e).keys.first().map_or(0, |key| (key.instant_secs * 1e9).round() as i64)),
            on_air: slot == Some(e.id),
        };
        PlaylistView {
            elements: list.elements().iter().zip(schedule.slots()).map(element).collect(),
            total_secs: schedule.total_secs(),
            elapsed_secs: on_air.map(|_| self.program.player.secs()),
            holds: on_air.is_some_and(|p| self.program.player.holds(&p.schedule)),
            looped: list.looped,
            template: self.templates.get(self.chosen_template).map_or_else(String::new, |t| t.name.clone()),
        }
    }
}
