//! The level that the engine works at: the director's part that feeds the governor and does what it says, also when the GPU fails.
//!
//! Must not know: how a level is chosen, how a scene is solved.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::Director;
use crate::{
    engine::{NoticeLevel, board::RefineWish, ladder::can_be_hidden},
    frame::Moment,
    replay::{Program, TransportCommand},
    scene::Quality,
    time::MediaTime,
};

/// Cameras that judge a refinement.
const JUDGES: usize = 3;
/// The last picture stays on program for so long while a lost GPU is opened anew and its scene is solved; then program steps through
/// the real cameras.
const HOLD: Duration = Duration::from_secs(10);

impl Director {
    pub(super) fn engine_secs(&self) -> f64 {
        self.begun.elapsed().as_secs_f64()
    }

    /// The operator's choice; `None` is automatic.
    pub(super) fn choose_level(&mut self, chosen: Option<Quality>) {
        let before = (self.governor.level(), self.governor.refines());
        let now_secs = self.engine_secs();
        self.governor.choose(chosen, now_secs);
        self.preview.asked = None;
        if before.0 != self.governor.level() {
            if let Some(at) = self.transport.preview().map(|p| p.instant) {
                self.start_preparing(at);
            }
        } else if before.1 != self.governor.refines()
            && let Some(moment) = self.prepared_moment()
        {
            self.start_refining(&moment);
        }
    }

    /// Lowers the level before a frame is missed, raises it when there is room.
    pub(super) fn judge_level(&mut self) {
        let Some(change) = self.governor.judge(self.engine_secs()) else { return };
        self.preview.asked = None;
        if change.raised {
            self.notice(NoticeLevel::Info, change.text);
            // What is prepared gains by it; the scene that there is serves until then.
            if let Some(moment) = self.prepared_moment() {
                self.start_solving(moment);
            }
        } else {
            self.board.post_refine_latest(None);
            self.warn(change.text);
        }
    }

    /// Has a solved moment refined in the background, judged by the cameras around the prepared position.
    pub(super) fn start_refining(&mut self, moment: &Arc<Moment>) {
        if !self.governor.refines() {
            return self.board.post_refine_latest(None);
        }
        let present = self.present(moment.instant);
        let closed = self.closed();
        let mut judges = self.nearest_first((0..present.len()).filter(|&k| can_be_hidden(&present, closed, k)).collect());
        judges.truncate(JUDGES);
        self.board.post_refine_latest((!judges.is_empty()).then(|| RefineWish { moment: Arc::clone(moment), judges }));
    }

    /// A refinement has ended.
    pub(super) fn refined(&mut self, instant: MediaTime, kept: bool, (air_db, hero_db): (f64, f64)) {
        if kept {
            // It was solved anew, and has no plates yet.
            if let Some(moment) = self.prepared_moment().filter(|m| m.instant == instant) {
                self.start_layering(&moment);
            }
            if self.transport.preview().is_some_and(|p| p.instant == instant) {
                self.preview.asked = None;
            }
            self.notice(NoticeLevel::Info, format!("Refined to Hero: {hero_db:.2} dB where cameras are left out, {air_db:.2} dB before"));
        } else {
            self.notice(
                NoticeLevel::Info,
                format!("Not refined to Hero: {hero_db:.2} dB where cameras are left out is no better than {air_db:.2} dB"),
            );
        }
    }

    /// The device is gone and another one is being opened: one level lower, because what was too much once may be so again.
    pub(super) fn gpu_lost(&mut self) {
        self.gpu.adapter.clear();
        self.near_lost();
        let now_secs = self.engine_secs();
        let lower = self.governor.fault("the GPU was lost", now_secs);
        let level = lower.map_or_else(|| "the lowest level already".to_owned(), |l| format!("quality goes down to {}", l.label()));
        self.warn(format!(
            "The GPU was lost (driver reset or time-out). It is opened again; {level}. If this repeats, update the driver and close other programs that use the GPU"
        ));
        // Scenes went with the device. Until one is there again, program keeps its last picture.
        if matches!(self.transport.program(), Program::Replay(on_air) if on_air.solved) {
            self.air_has_no_scene();
        }
        self.transport.forget_scenes();
        self.board.forget_views();
        self.preview.asked = None;
        self.program.asked = None;
        if matches!(self.transport.program(), Program::Replay(_)) {
            self.program.held_until = Some(Instant::now() + HOLD);
        }
    }

    /// There was no memory for a solve or a picture: the same again, one level lower.
    pub(super) fn out_of_memory(&mut self, instant: MediaTime, picture: bool, program: bool, why: String) {
        let now_secs = self.engine_secs();
        let Some(lower) = self.governor.fault("the GPU had no memory left", now_secs) else {
            return if program {
                self.apply(TransportCommand::ProgramFault(why));
            } else {
                self.apply(TransportCommand::PrepareFailed { instant, why, fatal: false });
            };
        };
        self.slices_spared();
        tracing::warn!(%instant, why, "out of GPU memory");
        self.warn(format!(
            "The GPU has no memory left: quality goes down to {}. Close other programs that use the GPU, then choose Auto",
            lower.label()
        ));
        self.board.post_refine_latest(None);
        self.preview.asked = None;
        self.program.asked = None;
        if !picture
            && self.transport.preview().is_some_and(|p| p.instant == instant)
            && let Some(moment) = self.moment(instant)
        {
            self.start_solving(moment);
        }
    }
}
