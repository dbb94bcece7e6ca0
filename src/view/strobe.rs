//! Several instants in one view: what moved, at each of them, laid into the view of one of them by depth.
//!
//! Must not know: which instants, who wants them.

use super::{View, ViewError, ViewMode, ViewSynthesizer, sources, synthesizer};
use crate::{
    gpu::{Gpu, Kernel, storage, uniform},
    rig::Camera,
    scene::Scene,
};

/// `Strobe` of shaders/view/strobe.wgsl.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
pub struct StrobeGpu {
    /// 1: the other instant has a background.
    pub layered: u32,
    /// Inverse depth per px of disparity, 1/m.
    pub unit: f32,
    /// Of the layout.
    pub pad_a: u32,
    /// Of the layout.
    pub pad_b: u32,
}

crate::shader_struct!(StrobeGpu as "Strobe" in "view/strobe.wgsl" { layered, unit, pad_a, pad_b });

/// The pipeline.
#[derive(Debug)]
pub(super) struct StrobePass {
    kernel: Kernel,
}

impl StrobePass {
    pub(super) fn new(gpu: &Gpu) -> Result<Self, ViewError> {
        Ok(Self { kernel: Kernel::new(gpu, "view/strobe.wgsl", "strobe", &[])? })
    }
}

impl ViewSynthesizer {
    /// The view of `target` from `scene`, and in it what moved at the instants of `others`: each by its own depth, hidden by what is nearer and
    /// hiding what is farther. What moved is what the mattes of a scene with a background say, else what stands before what `scene` shows.
    /// Scenes without depth are refused. One picture of the others is held at a time.
    pub fn render_strobe(&mut self, scene: &Scene, others: &[&Scene], target: &Camera) -> Result<View, ViewError> {
        if !scene.has_depth() || others.iter().any(|s| !s.has_depth()) {
            return Err(ViewError::Input("several instants in one picture need their depth: render by synthesis".to_owned()));
        }
        let mut view = self.render(scene, target, ViewMode::Synthesis)?;
        let base = view.surface.clone();
        let gpu = self.gpu().clone();
        let size = (target.width_px, target.height_px);
        let pixels = u64::from(size.0) * u64::from(size.1);
        for other in others {
            let phase = self.render(other, target, ViewMode::Synthesis)?;
            let chosen = sources::choose(other, target, ViewMode::Synthesis);
            let unit = chosen.first().map_or(1.0, |(i, _)| other.plan.working[*i].rho_per_px) as f32;
            let step = StrobeGpu { layered: u32::from(phase.layers.is_some()), unit, pad_a: 0, pad_b: 0 };
            let cover = phase.layers.as_ref().map_or_else(|| storage(&gpu, "nothing", 16), |(_, cover)| cover.clone());
            // Against what stands still where that is known, else against what the moment shows.
            let still = phase.layers.as_ref().map_or(&base, |(behind, _)| behind);
            let parameters = uniform(&gpu, "view", &synthesizer::parameters_of(other, target, ViewMode::Synthesis, chosen.len()));
            let out = synthesizer::picture_texture(&gpu, size);
            let surface = storage(&gpu, "surface", pixels * super::memory::SURFACE_BYTES);
            let flat = |t: &wgpu::Texture| t.create_view(&wgpu::TextureViewDescriptor::default());
            let (so_far, shown, out_view) = (flat(&view.texture), flat(&phase.texture), flat(&out));
            let bind = self.strobe.kernel.bind(
                &gpu,
                &[
                    (0, parameters.as_entire_binding()),
                    (3, wgpu::BindingResource::TextureView(&so_far)),
                    (4, wgpu::BindingResource::TextureView(&shown)),
                    (5, view.surface.as_entire_binding()),
                    (6, wgpu::BindingResource::TextureView(&out_view)),
                    (7, uniform(&gpu, "strobe", &step).as_entire_binding()),
                    (8, phase.surface.as_entire_binding()),
                    (9, still.as_entire_binding()),
                    (10, cover.as_entire_binding()),
                    (11, surface.as_entire_binding()),
                ],
            );
            gpu.checked("putting instants together", || {
                let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("strobe") });
                self.strobe.kernel.dispatch(&mut encoder, &bind, [size.0.div_ceil(8), size.1.div_ceil(8), 1]);
                gpu.queue.submit([encoder.finish()]);
                Ok(())
            })?;
            view.texture = out;
            view.surface = surface;
            view.report.synthesized_share = view.report.synthesized_share.max(phase.report.synthesized_share);
            view.report.filled_share = view.report.filled_share.max(phase.report.filled_share);
        }
        // What is drawn over it is hidden by the surfaces of all instants.
        if !others.is_empty() {
            view.layers = None;
        }
        Ok(view)
    }
}
