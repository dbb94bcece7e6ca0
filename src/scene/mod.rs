//! The scene: a moment solved on the GPU into depth and confidence per camera.
//!
//! Coarse plane sweep → semi-global aggregation → slanted-plane refinement level by level → cross-view consistency →
//! edge-aware repair (docs/synthesis.md). Must not know: feeds, virtual cameras, who asked.

pub mod flat;
pub mod gains;
pub mod gpu_data;
mod layers;
pub mod matching;
pub mod matte;
mod memory;
pub mod plain;
mod plan;
pub mod plate;
mod quality;
mod resident;
pub mod retime;
pub mod shading;
pub mod slow_plate;
mod solver;
mod tune;
mod upload;

pub(crate) use gpu_data::shader_structs;
pub use layers::{Backdrop, Background, CarveGpu, Layering, SnapGpu};
pub use matching::{ByHand, Match, Matching};
pub use memory::Memory;
pub use plan::Plan;
pub use quality::Quality;
pub use resident::{Resident, ResidentCounts, picture_bytes};
pub use retime::{Between, Missed, Motion, Retimer};
pub use shading::Shading;
pub use solver::{Aggregation, SceneSolver};

use crate::{
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

impl SceneError {
    /// Whether there was not enough memory on the GPU: less might fit.
    pub const fn is_out_of_memory(&self) -> bool {
        matches!(self, Self::Gpu(GpuError::OutOfMemory { .. }))
    }
}

/// How a moment is solved; a [`Quality`] gives the usual ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SceneOptions {
    /// Longest side of the finest depth level, px; `None` = the pictures' own size.
    pub max_depth_size_px: Option<u32>,
    /// Three times the passes of refinement at the finest level; then depth and confidence are tuned by drawing them into each other's
    /// cameras, and views are polished.
    pub thorough: bool,
    /// Views are blended from the cameras' pictures as they are, without moving them onto each other by fractions of a pixel: for pictures
    /// that must be cheap.
    pub plain: bool,
    /// The moment is taken apart by plates ([`Layering::split`]): no plain backdrop is looked for ([`plain`]).
    pub has_plates: bool,
    /// How views match the cameras.
    pub matching: Match,
}

/// A solved moment, resident on the GPU.
#[derive(Debug)]
pub struct Scene {
    /// The cameras of the moment, scaled to their pictures.
    pub rig: Rig,
    /// Levels, neighbours, range of the solve.
    pub plan: Plan,
    /// Per camera and channel: its exposure in stops about the mean of all, in linear light; what makes a surface brighter in one
    /// picture than in another.
    pub exposures: Vec<[f32; 3]>,
    /// Per camera: what lens and response make of the light, against the others'.
    pub shadings: Vec<Shading>,
    /// What views make of them.
    pub matching: Match,
    /// What is added to that by hand, per camera. Empty: nothing.
    pub by_hand: Vec<ByHand>,
    /// Real pictures, one layer per camera, `Rgba8Unorm`.
    pub pictures: wgpu::Texture,
    /// Inverse depth (r, 1/m along z) and confidence (g, 0…1) of the working pictures, one layer per camera, `Rg32Float`.
    pub depths: wgpu::Texture,
    /// Solved thoroughly: its views are worth polishing.
    pub thorough: bool,
    /// Views move the cameras' pictures onto each other before they blend them ([`SceneOptions::plain`] says not to).
    pub aligned: bool,
    /// GPU seconds per stage of the solve.
    pub times: StageTimes,
    /// Seconds, on the clock, that exposures, rims and responses took of the solve: sampling on the GPU, reading back, least squares.
    pub match_secs: f64,
    /// What is behind its foreground, where its cameras have plates ([`Layering::split`]) or show a plain backdrop ([`plain`]).
    pub background: Option<Box<Background>>,
}

impl Scene {
    /// Whether its depth is known, and not only its pictures ([`Scene::without_depth`]).
    pub fn has_depth(&self) -> bool {
        self.depths.width() > 1
    }

    /// Whether it was taken apart by plates.
    pub fn has_plates(&self) -> bool {
        self.background.as_ref().is_some_and(|b| !b.is_plain)
    }

    /// Whether it was taken apart by a plain backdrop.
    pub fn has_plain_backdrop(&self) -> bool {
        self.background.as_ref().is_some_and(|b| b.is_plain)
    }

    /// Inverse depth (1/m along z) and confidence of camera `i`, row-major, of the size of its working picture.
    pub fn read_depth(&self, gpu: &Gpu, i: usize) -> Result<Vec<[f32; 2]>, SceneError> {
        let Some(working) = self.plan.working.get(i) else {
            return Err(SceneError::Input(format!("the scene has {} cameras, not {}", self.plan.working.len(), i + 1)));
        };
        let bytes = gpu.read_texture(&self.depths, i as u32)?;
        let (width, height) = (working.width_px.min(self.depths.width()) as usize, working.height_px.min(self.depths.height()) as usize);
        let row_bytes = self.depths.width() as usize * 8;
        let texel = |b: &[u8]| [[b[0], b[1], b[2], b[3]], [b[4], b[5], b[6], b[7]]].map(f32::from_le_bytes);
        Ok(bytes.chunks_exact(row_bytes).take(height).flat_map(|row| row.chunks_exact(8).take(width).map(texel)).collect())
    }

    /// How it is matched from now on, with what is behind its foreground.
    pub fn set_match(&mut self, matching: Match, by_hand: Vec<ByHand>) {
        if let Some(background) = &mut self.background {
            background.scene.set_match(matching, by_hand.clone());
        }
        (self.matching, self.by_hand) = (matching, by_hand);
    }

    /// A camera's exposure, stops per channel about the mean of all; where rims and responses are evened out, what is left without those.
    pub fn exposure(&self, camera: usize, is_evened: bool) -> [f32; 3] {
        let evened = self.shadings.get(camera).filter(|_| is_evened && self.shadings.iter().any(|s| !s.is_none()));
        evened.map_or_else(|| self.exposures.get(camera).copied().unwrap_or_default(), |s| s.exposure)
    }

    /// The one in the middle of all cameras: one that is far off does not count.
    pub fn middle_exposure(&self, is_evened: bool) -> [f32; 3] {
        std::array::from_fn(|k| {
            let mut stops: Vec<f32> = (0..self.exposures.len()).map(|i| self.exposure(i, is_evened)[k]).collect();
            stops.sort_by(f32::total_cmp);
            match stops.len() {
                0 => 0.0,
                n if n % 2 == 1 => stops[n / 2],
                n => 0.5 * (stops[n / 2 - 1] + stops[n / 2]),
            }
        })
    }
}
