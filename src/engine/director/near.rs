//! The decoded tier about the playhead: how much room it has, when it is filled, and what is told of it.
//!
//! Must not know: how frames are decoded, how the GPU keeps them.

use std::sync::Arc;

use super::Director;
use crate::{
    engine::{NearView, board::NearWish, near::Playhead},
    frame::Picture,
    replay::{Program, Readiness},
    scene::ResidentCounts,
    time::MediaTime,
};

/// Room for decoded pictures where nobody says how much, bytes: as much again on a GPU.
const STANDARD_BYTES: u64 = 1 << 30;

/// What is known of the tier.
#[derive(Debug)]
pub(in crate::engine) struct NearState {
    /// As it was asked for.
    chosen_bytes: Option<u64>,
    /// The GPU's.
    gpu_bytes: u64,
    counts: ResidentCounts,
    gpu_is_off: bool,
    covered: Option<(MediaTime, MediaTime)>,
    /// What was posted last.
    posted: Option<Playhead>,
}

impl NearState {
    pub const fn new(chosen_bytes: Option<u64>) -> Self {
        let counts = ResidentCounts { uploaded: 0, copied: 0 };
        Self { chosen_bytes, gpu_bytes: 0, counts, gpu_is_off: false, covered: None, posted: None }
    }

    pub fn budget_bytes(&self) -> u64 {
        self.chosen_bytes.unwrap_or(STANDARD_BYTES)
    }
}

impl Director {
    /// Where there is no graphics processor, its memory is this machine's, and a second copy is of no use unless somebody insists.
    fn near_gpu_budget(&self) -> u64 {
        let has_none = self.gpu.adapter.is_empty() || self.near.gpu_is_off || self.solves_slowly && self.near.chosen_bytes.is_none();
        if has_none { 0 } else { self.near.budget_bytes() }
    }

    /// Says where the playhead is, so that its neighbours are decoded; or that they have to wait.
    pub(super) fn look_around(&mut self) {
        let playhead = self.playhead();
        if playhead != self.near.posted {
            self.near.posted = playhead;
            self.moment_wish.post_playhead_latest(playhead);
        }
    }

    /// The prepared instant, while nobody needs the machine for what is seen: neither on air nor in a file.
    fn playhead(&self) -> Option<Playhead> {
        let prepared = self.transport.preview().filter(|p| p.readiness >= Readiness::RealCameras)?;
        let is_playing = matches!(self.transport.program(), Program::Replay(_)) && self.program.progress < 1.0;
        let is_second = self.second.as_ref().is_some_and(|b| b.runs());
        if is_playing || is_second || self.exports_of.is_working() || self.preview.roll.is_some() {
            return None;
        }
        let moment = self.moment(prepared.instant)?;
        let one: u64 = moment.frames.iter().map(|f| crate::scene::picture_bytes(&f.picture)).sum();
        let instants = self.feeds.near_bytes().1.checked_div(one)?;
        let (newest, oldest) = (self.newest()?, self.oldest()?);
        let interval_nanos = self.feeds.rate().interval_nanos();
        Some(Playhead { at: prepared.instant, oldest, newest, interval_nanos, instants })
    }

    /// Something about the playhead is decoded.
    pub(super) fn near_decoded(&mut self, pictures: Vec<Arc<Picture>>, covered: Option<(MediaTime, MediaTime)>) {
        self.near.covered = covered;
        let budget_bytes = self.near_gpu_budget();
        if budget_bytes > 0 {
            self.board.post_near_latest(NearWish { pictures: pictures.into(), budget_bytes });
        }
    }

    /// The GPU has said what it keeps.
    pub(super) fn near_on_gpu(&mut self, bytes: u64, counts: ResidentCounts, is_off: bool) {
        (self.near.gpu_bytes, self.near.counts, self.near.gpu_is_off) = (bytes, counts, is_off);
    }

    /// The device that kept them is gone.
    pub(super) fn near_lost(&mut self) {
        (self.near.gpu_bytes, self.near.gpu_is_off) = (0, false);
    }

    /// The pictures that are at hand go to a device that has just opened.
    pub(super) fn near_again(&mut self) {
        self.near_decoded(self.feeds.near_pictures(), self.near.covered);
    }

    /// The tier as everybody sees it.
    pub(in crate::engine) fn near_view(&self) -> NearView {
        let (bytes, budget_bytes) = self.feeds.near_bytes();
        let about = self.transport.preview().map(|p| p.instant).zip(self.near.covered);
        let secs = |nanos: i64| (nanos as f64 * 1e-9).max(0.0);
        let (before_secs, after_secs) = about.map_or((0.0, 0.0), |(at, (from, until))| (secs(at - from), secs(until - at)));
        NearView {
            bytes,
            budget_bytes,
            gpu_bytes: self.near.gpu_bytes,
            gpu_budget_bytes: self.near_gpu_budget(),
            before_secs,
            after_secs,
            uploaded: self.near.counts.uploaded,
            copied: self.near.counts.copied,
        }
    }
}
