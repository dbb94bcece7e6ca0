//! Other instants of one picture: solved beside the scenes of single instants, as many as memory holds, until others are wanted.

use std::sync::Arc;

use super::{GpuReport, Held, Worker, affordable};
use crate::{
    engine::{
        board::{Job, PhaseWish},
        export::SLICES_BYTES,
    },
    scene::{SceneError, SceneSolver},
};

/// They may take so much of the memory that exports may use.
const BYTES: u64 = SLICES_BYTES / 2;

impl Worker<'_> {
    /// Solves one; dropped, to be asked for again, as soon as another moment is prepared.
    pub(super) fn solve_phase(&mut self, solver: &mut SceneSolver, wish: &PhaseWish) {
        let (instant, serial) = (wish.moment.instant, wish.serial);
        if self.phases.0 != serial {
            self.phases = (serial, Vec::new());
        }
        self.rig = self.book.at(instant);
        let moment = self.in_time(&wish.moment);
        let (cameras, pictures) = self.present(&moment);
        let rig = self.rig.restricted_to(&cameras);
        let solved = solver.solve(&rig, &pictures, &affordable(wish.level, &rig), &mut |_| {
            while let Some(job) = self.board.take_view() {
                match job {
                    Job::Program(wish) => self.render(true, &wish),
                    Job::Preview(wish) => self.render(false, &wish),
                    _ => {}
                }
            }
            self.board.wants_phase(serial)
        });
        let held: u64 = self.phases.1.iter().map(|h| h.scene.bytes()).sum();
        let result = match solved {
            Ok(scene) if held + scene.bytes() > BYTES => {
                Err(format!("{} instants fill the {} GB of GPU memory that slices may take", self.phases.1.len(), BYTES / 1_000_000_000))
            }
            Ok(scene) => {
                let rig = Arc::clone(&self.rig);
                self.phases.1.push(Held { instant, level: wish.level, is_part: false, rig, cameras, scene });
                Ok(true)
            }
            Err(SceneError::Cancelled) => Ok(false),
            Err(_) if self.gpu.is_lost() => Ok(false),
            Err(e) => Err(e.to_string()),
        };
        self.report(GpuReport::Phase { instant, serial, result });
    }
}
