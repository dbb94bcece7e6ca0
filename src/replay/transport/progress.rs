//! How far what is prepared has come, and what takes it back: the transport's part that hears reports.
//!
//! Must not know: who prepares, events.

use super::{Effect, Program, Readiness, Transport};
use crate::time::MediaTime;

impl Transport {
    /// Report: solved scenes went with the GPU; what was solved steps through real cameras until it is solved again.
    pub fn forget_scenes(&mut self) {
        if let Some(p) = &mut self.preview {
            p.readiness = p.readiness.min(Readiness::RealCameras);
        }
        if let Program::Replay(on_air) = &mut self.program {
            on_air.solved = false;
        }
    }

    /// A camera that what is on air was solved with does not belong there: it steps through real cameras until it is solved without.
    pub fn forget_air(&mut self) {
        if let Program::Replay(on_air) = &mut self.program {
            on_air.solved = false;
        }
    }

    /// What is in preview must be prepared anew; what is on air stays.
    pub fn forget_prepared(&mut self) {
        if let Some(p) = &mut self.preview {
            (p.readiness, p.problem) = (Readiness::default(), None);
        }
    }

    /// The cameras stand in another order (indices as for [`Transport::new`]): positions go with their nearest cameras.
    pub fn rearrange(&mut self, arc_order: &[usize], closed: bool) {
        let order = super::whole_order(self.names.len(), arc_order);
        if order != self.arc_order {
            let moved = |position: f64| self.camera_at(position).and_then(|c| order.iter().position(|k| *k == c)).unwrap_or(0) as f64;
            let last = moved(self.last_position);
            let prepared = self.preview.as_ref().map(|p| moved(p.position));
            let on_second = match self.second.as_ref().map(|second| &second.program) {
                Some(Program::Replay(on_air)) => Some(moved(on_air.from_position)),
                _ => None,
            };
            self.last_position = last;
            if let (Some(p), Some(position)) = (&mut self.preview, prepared) {
                p.position = position;
            }
            if let (Some(second), Some(position)) = (&mut self.second, on_second)
                && let Program::Replay(on_air) = &mut second.program
            {
                on_air.from_position = position;
            }
            self.arc_order = order;
        }
        self.closed = closed;
    }

    pub(super) fn reached(&mut self, instant: MediaTime, readiness: Readiness) {
        if let Some(p) = &mut self.preview
            && p.instant == instant
        {
            p.readiness = p.readiness.max(readiness);
            p.problem = None;
        }
    }

    pub(super) fn prepare_failed(&mut self, instant: MediaTime, why: String, fatal: bool) -> Vec<Effect> {
        let mut effects = vec![];
        if let Some(p) = &mut self.preview
            && p.instant == instant
        {
            if fatal {
                p.readiness = Readiness::Fetching;
            }
            p.problem = Some(why.clone());
            effects.push(Effect::Warn(why));
        }
        effects
    }
}
