//! What is on air and lost its scene, or has none yet, while preview has moved on: it is solved after what preview wants, and program comes back from
//! the real cameras.
//!
//! Must not know: why the scene is gone.

use super::Director;
use crate::{
    engine::board::SolveWish,
    replay::{Program, TransportCommand},
    time::MediaTime,
};

/// A moment on air without a scene.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mend {
    instant: MediaTime,
    /// Of the solve that was asked for.
    serial: Option<u64>,
}

impl Director {
    /// What is taken before it was solved is solved for preview; should preview go elsewhere, for program. A playlist's elements are what they are.
    pub(super) fn mend_taken(&mut self) {
        self.program.mend = match self.transport.program() {
            Program::Replay(on_air) if !on_air.solved && self.starting.is_none() => Some(Mend { instant: on_air.instant, serial: None }),
            _ => None,
        };
    }

    /// What is on air has no scene any more that may be shown: it steps through the real cameras until it has one.
    pub(super) fn air_has_no_scene(&mut self) {
        self.transport.forget_air();
        (self.program.asked, self.program.cut) = (None, None);
        self.program.mend = self.on_air_instant().map(|instant| Mend { instant, serial: None });
    }

    /// Asks for the scene, as soon as that makes sense: where preview has the same instant, its solve serves both.
    pub(super) fn mend_air(&mut self) {
        let Some(mend) = self.program.mend else { return };
        let is_wanted = matches!(self.transport.program(), Program::Replay(on_air) if on_air.instant == mend.instant && !on_air.solved);
        let is_prepared = self.transport.preview().is_some_and(|p| p.instant == mend.instant);
        if !is_wanted || is_prepared {
            if mend.serial.is_some() {
                self.board.post_mend_latest(None);
            }
            self.program.mend = is_wanted.then_some(Mend { serial: None, ..mend });
            return;
        }
        if mend.serial.is_some() || self.gpu.adapter.is_empty() {
            return;
        }
        let Some(moment) = self.moment(mend.instant).map(|m| self.without_bumped(&m)).filter(|m| m.frames.len() >= 2) else { return };
        let serial = self.next_serial();
        self.program.mend = Some(Mend { serial: Some(serial), ..mend });
        let level = self.governor.level();
        self.board.post_mend_latest(Some(SolveWish { moment, level, serial, first: vec![], plates: false, for_air: true }));
    }

    /// It is solved, or cannot be.
    pub(super) fn mended(&mut self, instant: MediaTime, serial: u64, result: Result<(), String>) {
        if self.program.mend.is_none_or(|mend| mend.serial != Some(serial)) {
            return;
        }
        self.program.mend = None;
        match result {
            Ok(()) => {
                tracing::info!(%instant, "what is on air is solved once more");
                self.program.asked = None;
                self.apply(TransportCommand::SceneReady(instant));
            }
            Err(why) => self.warn(format!("What is on air cannot be solved once more: {why}. It steps through the real cameras")),
        }
    }
}
