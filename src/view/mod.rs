//! The view: one picture synthesized from a scene for a virtual camera, once per output frame.
//!
//! Must not know: feeds, paths, who asked.

mod align;
mod graphics;
mod light;
mod memory;
mod polish;
mod sources;
mod specks;
mod strobe;
mod synthesizer;
mod veil;

pub use graphics::{Artwork, DrawGpu, Form, Shape, ShapeGpu};
pub use memory::ViewMemory;
pub use polish::PolishGpu;
pub use strobe::StrobeGpu;
pub(crate) use synthesizer::shader_structs;
pub use synthesizer::{ViewGpu, ViewSynthesizer};
pub use veil::VeilGpu;

use crate::{
    frame::Picture,
    gpu::{Gpu, GpuError},
};

/// What can go wrong while rendering a view.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// The GPU failed.
    #[error(transparent)]
    Gpu(#[from] GpuError),
    /// The scene cannot give this view.
    #[error("{0}")]
    Input(String),
}

/// How to render.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ViewMode {
    /// Full synthesis.
    #[default]
    Synthesis,
    /// The two nearest pictures through a smoothed surface, weighted by angle alone: a cross-fade with depth. It has no
    /// splinters where the depth is in doubt, and no sharp silhouettes.
    SoftFade,
    /// The two nearest pictures through the plane facing the virtual camera at the pivot.
    CrossFade,
    /// The nearest camera's picture through that plane ("real pixels only").
    Nearest,
}

impl ViewMode {
    /// Whether the scene must have depth; else one of pictures alone will do ([`Scene::without_depth`](crate::scene::Scene::without_depth)).
    pub const fn needs_depth(self) -> bool {
        match self {
            Self::Synthesis | Self::SoftFade => true,
            Self::CrossFade | Self::Nearest => false,
        }
    }
}

/// What went into a view, for the sidecar and the operator.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ViewReport {
    /// Mode used.
    pub mode: ViewMode,
    /// (camera, weight 0…1), heaviest first.
    pub sources: Vec<(String, f32)>,
    /// Share of pixels that are not one camera's real pixels, 0…1.
    pub synthesized_share: f32,
    /// Share of pixels that no source saw and that were filled, 0…1.
    pub filled_share: f32,
    /// Share of pixels that no source honestly upholds, 0…1, where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsure_share: Option<f32>,
}

/// A rendered view: an opaque RGBA8 (sRGB-encoded) texture and its report.
#[derive(Debug)]
pub struct View {
    /// `Rgba8Unorm`, usable as a sampled texture and copy source.
    pub texture: wgpu::Texture,
    /// Per pixel, row-major: (inverse depth, trust), see [`View::read_trust`].
    pub surface: wgpu::Buffer,
    /// Of a scene with a background: the background's own surface, likewise, and the share of the foreground in each pixel.
    pub layers: Option<(wgpu::Buffer, wgpu::Buffer)>,
    /// The background is a plain backdrop, which is known wherever it shows.
    pub has_plain_backdrop: bool,
    /// What went in.
    pub report: ViewReport,
}

impl View {
    /// How sure the view is of each pixel's surface, row-major: the support of the sources as a share of those that could see the
    /// point, 0 (nobody upholds it) to about 1; negative where no source offered a surface and it was filled. A plain backdrop is sure.
    pub fn read_trust(&self, gpu: &Gpu) -> Result<Vec<f32>, ViewError> {
        Ok(self.read_surface(gpu)?.into_iter().map(|(_, trust)| trust).collect())
    }

    /// Each pixel's surface, row-major: inverse depth (1/m along z of the target) and trust as of [`View::read_trust`].
    pub fn read_surface(&self, gpu: &Gpu) -> Result<Vec<(f32, f32)>, ViewError> {
        let bytes = gpu.read_buffer(&self.surface)?;
        let pixels = self.texture.width() as usize * self.texture.height() as usize;
        let value = |b: &[u8]| f32::from_le_bytes([b[0], b[1], b[2], b[3]]);
        let mut surface: Vec<(f32, f32)> = bytes.chunks_exact(8).take(pixels).map(|b| (value(&b[..4]), value(&b[4..]))).collect();
        if let Some((_, cover)) = self.layers.as_ref().filter(|_| self.has_plain_backdrop) {
            let cover = gpu.read_buffer(cover)?;
            for (pixel, share) in surface.iter_mut().zip(cover.chunks_exact(4)) {
                if value(share) < 0.5 {
                    pixel.1 = 1.0;
                }
            }
        }
        Ok(surface)
    }

    /// Reads the picture back.
    pub fn read(&self, gpu: &Gpu) -> Result<Picture, ViewError> {
        let rgba = gpu.read_texture(&self.texture, 0)?;
        Picture::from_rgba(self.texture.width(), self.texture.height(), rgba).map_err(|e| ViewError::Input(e.to_string()))
    }
}
