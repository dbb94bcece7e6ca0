//! What is on air and has no scene, because a camera that turned out to have been bumped was in it, or because the device was lost, while preview has
//! moved on: solved when preview wants nothing, so that program comes back from the real cameras.

use super::{GpuReport, Held, Worker};
use crate::{
    engine::board::SolveWish,
    scene::{SceneError, SceneSolver},
};

impl Worker<'_> {
    /// Given up, to be asked for again, as soon as a moment is prepared.
    pub(super) fn mend(&mut self, solver: &mut SceneSolver, wish: &SolveWish) {
        let (instant, serial) = (wish.moment.instant, wish.serial);
        self.rig = self.book.at(instant);
        let wish = &SolveWish { moment: self.in_time(&wish.moment), ..wish.clone() };
        let (cameras, _) = self.present(&wish.moment);
        let mut solved = self.solve_some(solver, wish, &cameras, (0.0, 1.0));
        while solved.as_ref().is_err_and(SceneError::is_out_of_memory) && self.spare_some() {
            solved = self.solve_some(solver, wish, &cameras, (0.0, 1.0));
        }
        let result = match solved {
            Ok(scene) => {
                let (rig, moment) = (self.rig.clone(), wish.moment.clone());
                self.hold(Held { instant, level: wish.level, is_part: false, rig, cameras, scene, moment, is_stale: false });
                Ok(())
            }
            Err(SceneError::Cancelled) => return,
            // Solved on the next device.
            Err(_) if self.gpu.is_lost() => return,
            Err(e) => Err(e.to_string()),
        };
        self.board.mended(serial);
        self.report(GpuReport::Mended { instant, serial, result });
    }
}
