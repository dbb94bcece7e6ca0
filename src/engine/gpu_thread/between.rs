//! Pictures between a camera's frames for slow motion: one at a time, most urgent first. Motion between two frames is searched once for all
//! pictures between them.

use std::{sync::Arc, time::Instant};

use super::{GpuReport, Worker};
use crate::{
    engine::slow_motion::{BetweenReport, BetweenWish},
    frame::Picture,
    scene::{Missed, Motion, SceneError},
    time::MediaTime,
};

/// Motions kept: what is on air, what is in preview, and what a take would play.
const KEPT: usize = 3;

/// Motion of a camera (index in the rig) between two of its frames.
pub(super) struct KeptMotion {
    camera: usize,
    times: [MediaTime; 2],
    motion: Motion,
}

impl Worker<'_> {
    /// Makes a picture between two frames, or says that they do not agree.
    pub(super) fn make_between(&mut self, wish: BetweenWish) {
        let begun = Instant::now();
        let result = match self.between(&wish) {
            // Memory of others is no more urgent than what is on air; else they keep it.
            Err(e) if e.is_out_of_memory() && wish.on_air && self.spare_some() => self.between(&wish),
            other => other,
        };
        if result.is_err() {
            self.motions.clear();
        }
        let result = result.map_err(|e| e.to_string());
        let secs = begun.elapsed().as_secs_f64();
        self.report(GpuReport::Between(Box::new(BetweenReport { wish, result, secs })));
    }

    fn between(&mut self, wish: &BetweenWish) -> Result<Option<Arc<Picture>>, SceneError> {
        let retimer = self.timing.retimer(&self.gpu)?;
        let times = wish.times();
        if !self.motions.iter().any(|m| m.camera == wish.camera && m.times == times) {
            let motion = retimer.motion_between(&self.gpu, wish.frames.each_ref().map(|f| f.picture.as_ref()))?;
            if self.motions.len() >= KEPT {
                self.motions.remove(0);
            }
            self.motions.push(KeptMotion { camera: wish.camera, times, motion });
        }
        let Some(at) = self.motions.iter().position(|m| m.camera == wish.camera && m.times == times) else { return Ok(None) };
        // The one that was used last goes last.
        let kept = self.motions.remove(at);
        let made = retimer.draw(&self.gpu, &kept.motion, wish.share, Missed::Faded);
        self.motions.push(kept);
        let made = made?;
        Ok(made.agrees().then(|| Arc::new(made.picture)))
    }
}
