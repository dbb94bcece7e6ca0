//! The decoded pictures about the playhead, on the GPU: uploaded while nobody waits for anything, one at a time; the first to go when memory runs out,
//! before plates, before the level is lowered, and before anything else gives up: plates, slices, refining, an export on a device of its own.

use super::{GpuReport, Worker};
use crate::{
    engine::board::NearWish,
    scene::{Resident, ResidentCounts, picture_bytes},
};

/// The pictures, and whether there is room for any.
pub(super) struct NearPictures {
    resident: Resident,
    /// Memory has run out on this device: none are kept any more.
    is_off: bool,
    /// What moments of preview took from here, and what not; the truth meter's pictures are its own.
    solved: ResidentCounts,
}

impl NearPictures {
    pub fn new(resident: Resident) -> Self {
        Self { resident, is_off: false, solved: ResidentCounts::default() }
    }

    /// What all solves took so far.
    pub fn counts(&self) -> ResidentCounts {
        self.resident.counts()
    }
}

impl Worker<'_> {
    /// Uploads the next picture of those that are wanted near, and has the board come back for the rest.
    pub(super) fn keep_near(&mut self, wish: &NearWish) {
        if self.near.is_off {
            return;
        }
        let resident = &self.near.resident;
        let mut bytes = 0;
        let fits = |picture: &&std::sync::Arc<crate::frame::Picture>| {
            bytes += picture_bytes(picture);
            bytes <= wish.budget_bytes
        };
        let wanted: Vec<_> = wish.pictures.iter().take_while(fits).cloned().collect();
        resident.keep_only(&wanted);
        let mut missing = wanted.iter().filter(|picture| !resident.has(picture));
        if let Some(next) = missing.next() {
            match resident.add(&self.gpu, next) {
                Ok(()) if missing.next().is_some() => self.board.post_near_again(wish.clone()),
                Ok(()) => {}
                Err(why) => {
                    tracing::info!(%why, "no pictures are kept on the GPU about the playhead");
                    self.spare_near();
                }
            }
        }
        self.report_near();
    }

    /// Frees them, for the rest of this device's time; whether there were any.
    pub(super) fn spare_near(&mut self) -> bool {
        self.near.is_off = true;
        let had = self.near.resident.clear();
        self.report_near();
        had
    }

    /// An export, which has a device of its own, has no memory left.
    pub(super) fn spare_for_others(&mut self) {
        let had = self.spare_near();
        // What is let go is free once the device has looked.
        self.gpu.wait().ok();
        self.board.near_spared(had);
    }

    /// Frees what can be spared before the level has to go down: first these, then plates.
    pub(super) fn spare_some(&mut self) -> bool {
        self.spare_near() || self.spare_plates()
    }

    /// A moment was solved since all solves had taken so much.
    pub(super) fn count_near(&mut self, before: ResidentCounts) {
        let now = self.near.counts();
        self.near.solved.uploaded += now.uploaded - before.uploaded;
        self.near.solved.copied += now.copied - before.copied;
        self.report_near();
    }

    fn report_near(&self) {
        let NearPictures { resident, is_off, solved } = &self.near;
        self.report(GpuReport::Near { bytes: resident.bytes(), counts: *solved, is_off: *is_off });
    }
}
