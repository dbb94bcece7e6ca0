//! What the transport's decisions mean for everybody else: pins, preparations, solves, cuts.
//!
//! Must not know: who decided, windows.

use std::{sync::Arc, time::Instant};

use super::{Director, PreviewState};
use crate::{
    engine::{board::SolveWish, orbit, rig_book::is_placed},
    frame::Moment,
    replay::{Effect, Program, TransportCommand, playlist::Player},
    time::MediaTime,
};

impl Director {
    pub fn apply(&mut self, command: TransportCommand) {
        for effect in self.transport.apply(command) {
            match effect {
                Effect::Pin(event) => {
                    let (begin, end) = event.pinned_range();
                    if let Err(why) = self.feeds.pin(event.id, begin, end) {
                        self.warn(format!("{}: {why}", event.name));
                    }
                    self.remember(&event);
                }
                Effect::Remember(event) => self.remember(&event),
                Effect::Unpin(id) => self.feeds.unpin(id),
                Effect::Prepare(instant) => {
                    self.preview = PreviewState::default();
                    self.refresh_ladder();
                    self.start_preparing(instant);
                }
                Effect::StopPreparing => {
                    self.preview = PreviewState::default();
                    self.moment_wish.clear();
                    self.exports_ask_again();
                    self.board.prepare_only(None);
                    self.refresh_ladder();
                }
                Effect::Cut => {
                    self.begin_change();
                    self.program.shot += 1;
                    self.program.cut_at = Instant::now();
                    self.program.asked = None;
                    self.program.live_time = None;
                    self.program.report = None;
                    self.program.cut = None;
                    self.program.matching = self.matching.choice;
                    self.program.trims = Arc::clone(&self.matching.trims);
                    self.program.trims_number = self.matching.trims_number;
                    self.program.rungs = self.truth.ladder.gaps().iter().map(|g| g.rung).collect();
                    (self.program.roll, self.program.layer, self.cueing) = (None, None, None);
                    let on_air = match self.transport.program() {
                        Program::Replay(on_air) => Some((on_air.instant, on_air.from_position, on_air.event)),
                        Program::Live { .. } | Program::Hold => None,
                    };
                    self.mend_taken();
                    self.remember_take();
                    self.board.set_on_air(on_air.map(|(instant, ..)| instant));
                    // What preview shows is what goes on air; what is changed afterwards waits for the next take.
                    self.graphics_to_air();
                    self.slices_to_air();
                    let (playing, player) = match (self.starting.take(), on_air) {
                        (Some((playing, player)), Some(_)) => (Some(playing), player),
                        (_, Some((instant, from, event))) => (self.playing_for_take(instant, from, event), Player::default()),
                        (_, None) => (None, Player::default()),
                    };
                    self.start_clock(playing);
                    self.program.player = player;
                    self.feeds.focus(self.transport.live_camera());
                    self.refresh_program();
                }
                Effect::CutSecond => self.cut_second(),
                Effect::Warn(text) => self.warn(text),
            }
        }
    }

    pub(super) fn start_preparing(&mut self, instant: MediaTime) {
        self.board.prepare_only(Some(instant));
        self.exports_ask_again();
        if let Some(moment) = self.moment_of_now(instant) {
            self.apply(TransportCommand::MomentReady(instant));
            if !self.watch.is_looked_at(instant) {
                self.watch.look_first(Arc::clone(&moment));
            }
            self.start_solving(moment);
        } else {
            self.moment_wish.post_latest(instant);
        }
    }

    pub(super) fn start_solving(&mut self, moment: Arc<Moment>) {
        if self.gpu.adapter.is_empty() {
            // Solved as soon as a GPU opens.
            return;
        }
        let instant = moment.instant;
        if moment.frames.len() < 2 {
            let why =
                format!("Only {} camera has a frame at {instant}: no view between cameras. Choose another instant", moment.frames.len());
            self.apply(TransportCommand::PrepareFailed { instant, why, fatal: false });
            return;
        }
        if !is_placed(&self.watch.rig_at(instant)) {
            let why = "Nobody knew yet where the cameras stand: the orbit steps through the real cameras. Calibrate them (Ctrl+B), use the rig, and mark anew";
            self.apply(TransportCommand::PrepareFailed { instant, why: why.to_owned(), fatal: false });
            return;
        }
        // A fast GPU solves all cameras before the operator has looked; a software adapter needs a minute.
        let part = self.solves_slowly.then(|| orbit::Part::around(self.position(), self.transport.arc_order(), self.closed())).flatten();
        let first = part.as_ref().map_or_else(Vec::new, |p| p.cameras.clone());
        (self.preview.part, self.preview.part_solved) = (part, false);
        self.solving = self.next_serial();
        let plates = self.shows_plates();
        self.board.post_solve_latest(SolveWish {
            moment,
            level: self.governor.level(),
            serial: self.solving,
            first,
            plates,
            for_air: false,
        });
    }
}
