//! The T-bar: the path by hand, in space or (with the modifier) in time; on program where a replay is on air, else in preview.
//!
//! Must not know: what moves it.

use super::Director;
use crate::{
    engine::playing::Playing,
    replay::{Program, TransportCommand, playlist::Player},
};

/// Program while a hand is on the bar.
#[derive(Debug)]
pub(in crate::engine) struct ByHand {
    in_time: bool,
    /// What the take plays in space; in time it is a roll on one camera.
    taken: Playing,
}

impl Director {
    /// The bar stands at a share (0…1) of what it moves along.
    pub(super) fn t_bar(&mut self, share: f64, in_time: bool) {
        let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { return };
        match self.transport.program() {
            Program::Replay(_) => self.t_bar_on_air(share, in_time),
            Program::Live { .. } | Program::Hold => self.t_bar_in_preview(share, in_time),
        }
    }

    fn t_bar_on_air(&mut self, share: f64, in_time: bool) {
        let Program::Replay(on_air) = self.transport.program().clone() else { return };
        let Some(playing) = self.program.playing.clone() else { return };
        if playing.is_list() {
            return self.warn("A playlist is on air and keeps its own time. NEXT (N) goes on to its next element".to_owned());
        }
        let by_hand = self.program.by_hand.take().unwrap_or(ByHand { in_time: false, taken: playing });
        if in_time != by_hand.in_time || self.program.playing.is_none() {
            let now_shown = if in_time {
                let position = self.program.position;
                let event = on_air.event.and_then(|id| self.transport.events().get(id));
                let Some((begin, end)) = event.map(|e| (e.begin, e.end)) else {
                    self.program.by_hand = Some(by_hand);
                    return self
                        .warn("This replay belongs to no event, so time has no ends for the T-bar. Mark it before the take".to_owned());
                };
                let path = self.plain_roll(position, on_air.instant, begin, end, 100);
                let Some(track) = self.laid(&path, on_air.instant) else {
                    self.program.by_hand = Some(by_hand);
                    return;
                };
                Playing::take(track, on_air.instant, false)
            } else {
                by_hand.taken.clone()
            };
            self.start_clock(Some(now_shown));
            self.program.asked = None;
        }
        if let Some(playing) = &self.program.playing {
            // Not its very end: the end of a loop is its beginning.
            let whole = playing.schedule.total_secs();
            let mut player = Player::default();
            player.advance((share * whole).min(whole - 1e-6), &playing.schedule);
            self.program.player = player;
        }
        self.program.by_hand = Some(ByHand { in_time, ..by_hand });
        self.refresh_program();
    }

    fn t_bar_in_preview(&mut self, share: f64, in_time: bool) {
        if in_time {
            let event = self.transport.preview().and_then(|p| self.transport.events().get(p.event?));
            let Some((begin, end)) = event.map(|e| (e.begin, e.end)) else {
                return self
                    .warn("No event is prepared for the T-bar to move in time. Mark an instant (Space) or choose an event".to_owned());
            };
            let frames = ((end - begin) as f64 * share / self.feeds.rate().interval_nanos().max(1) as f64).round();
            return self.jog_to(begin.plus_nanos(self.feeds.rate().frame_nanos(frames as i64)).min(end));
        }
        // Along the operator's own path where it is what a take plays, else along the arc.
        let own = matches!(self.choice(), Some(super::paths::Choice::Own(_))).then(|| self.transport.paths().chosen()).flatten();
        if let (Some(secs), Some(_)) = (own.map(|path| path.duration_secs * share), self.transport.preview()) {
            return self.scrub_path(secs);
        }
        if self.preview.scrub_secs.take().is_some() {
            self.preview.asked = None;
        }
        let n = self.transport.arc_order().len() as f64;
        let last = if self.closed() { n - 1e-3 } else { n - 1.0 };
        self.apply(TransportCommand::SetOrbit(share * last.max(0.0)));
    }
}
