//! Other instants of one picture: solved beside the scenes of single instants, as many as memory holds, until others are wanted.

use std::sync::Arc;

use super::{GpuReport, Held, Worker, affordable};
use crate::{
    engine::{board::PhaseWish, export::SLICES_BYTES},
    scene::{SceneError, SceneSolver},
};

/// They may take so much of the memory that exports may use.
const BYTES: u64 = SLICES_BYTES / 2;

impl Worker<'_> {
    /// Solves one; dropped, to be asked for again, as soon as another moment is prepared.
    pub(super) fn solve_phase(&mut self, solver: &mut SceneSolver, wish: &PhaseWish) {
        let (instant, serial) = (wish.moment.instant, wish.serial);
        self.rig = self.book.at(instant);
        let (cameras, _) = self.present(&wish.moment);
        // A camera that turned out to have been bumped is in none.
        let is_held = |h: &Held| {
            h.instant == instant
                && !h.is_stale
                && h.cameras == cameras
                && (Arc::ptr_eq(&h.rig, &self.rig) || self.board.has_phase_on_air(instant))
        };
        if self.phases.iter().any(is_held) {
            return self.report(GpuReport::Phase { instant, serial, result: Ok(true) });
        }
        let moment = self.in_time(&wish.moment);
        let (cameras, pictures) = self.present(&moment);
        let rig = self.rig.restricted_to(&cameras);
        let options = affordable(wish.level, &rig);
        let mut solve = |worker: &mut Self| {
            worker.rehearse_shortage()?;
            solver.solve(&rig, &pictures, &options, &mut |_| {
                worker.overtake();
                worker.board.wants_phase(serial)
            })
        };
        let mut solved = solve(self);
        while solved.as_ref().is_err_and(SceneError::is_out_of_memory) && self.spare_some() {
            solved = solve(self);
        }
        let solved = solved.map(|mut scene| {
            self.put_behind_slice(self.board.preparing(), &mut scene, &moment);
            scene
        });
        let held: u64 = self.phases.iter().map(|h| h.scene.bytes()).sum();
        let result = match solved {
            Ok(scene) if held + scene.bytes() > BYTES => {
                Err(format!("{} instants fill the {} GB of GPU memory that slices may take", self.phases.len(), BYTES / 1_000_000_000))
            }
            // Taken out while its last step ran.
            Ok(_) if !self.board.keeps_phase(instant) => Ok(false),
            Ok(scene) => {
                self.phases.retain(|h| h.instant != instant);
                let rig = Arc::clone(&self.rig);
                let level = wish.level;
                self.phases.push(Held { instant, level, is_part: false, rig, cameras, scene, moment, is_stale: false });
                Ok(true)
            }
            Err(SceneError::Cancelled) => Ok(false),
            Err(_) if self.gpu.is_lost() => Ok(false),
            Err(e) => Err(e.to_string()),
        };
        self.report(GpuReport::Phase { instant, serial, result });
    }
}
