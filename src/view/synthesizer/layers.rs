//! A view of a moment with a background: both are synthesized, and the one is put over the other.

use super::{ViewSynthesizer, cameras_of, parameters_of};
use crate::{
    gpu::{Timer, storage, uniform},
    rig::Camera,
    scene::{Background, Scene},
    view::{View, ViewError, ViewMode, memory::COVER_BYTES},
};

impl ViewSynthesizer {
    /// The moment over its background.
    pub(super) fn render_layers(
        &mut self,
        scene: &Scene,
        background: &Background,
        target: &Camera,
        mode: ViewMode,
        chosen: &[(usize, f32)],
    ) -> Result<View, ViewError> {
        let behind = self.render_unchecked(&background.scene, target, mode, chosen)?;
        let mut times = self.times.clone();
        let mut view = self.render_unchecked(scene, target, mode, chosen)?;
        times.merge(&self.times);
        let gpu = self.gpu.clone();
        let size = (target.width_px, target.height_px);
        let cameras = uniform(&gpu, "view cameras", &cameras_of(scene, target, mode, chosen));
        let parameters = uniform(&gpu, "view", &parameters_of(scene, target, mode, chosen.len()));
        let rays = self.rays_of(target, !target.lens.distortion.is_none());
        let tally = storage(&gpu, "tally", 8);
        let cover = storage(&gpu, "cover", u64::from(size.0) * u64::from(size.1) * COVER_BYTES);
        let out = super::picture_texture(&gpu, size);
        let flat = |t: &wgpu::Texture| t.create_view(&wgpu::TextureViewDescriptor::default());
        let (shown, back, out_view) = (flat(&view.texture), flat(&behind.texture), flat(&out));
        let mattes = background
            .mattes
            .create_view(&wgpu::TextureViewDescriptor { dimension: Some(wgpu::TextureViewDimension::D2Array), ..Default::default() });
        let mut timer = Timer::new(&gpu);
        let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("compose") });
        encoder.clear_buffer(&tally, 0, None);
        timer.mark(&mut encoder, "compose");
        let bind = self.compose.bind(
            &gpu,
            &[
                (0, parameters.as_entire_binding()),
                (1, cameras.as_entire_binding()),
                (3, view.surface.as_entire_binding()),
                (4, behind.surface.as_entire_binding()),
                (5, rays.as_entire_binding()),
                (6, wgpu::BindingResource::TextureView(&out_view)),
                (7, tally.as_entire_binding()),
                (8, wgpu::BindingResource::TextureView(&shown)),
                (9, wgpu::BindingResource::TextureView(&back)),
                (10, wgpu::BindingResource::TextureView(&mattes)),
                (11, cover.as_entire_binding()),
            ],
        );
        self.compose.dispatch(&mut encoder, &bind, [size.0.div_ceil(8), size.1.div_ceil(8), 1]);
        timer.mark(&mut encoder, "");
        gpu.queue.submit([encoder.finish()]);
        times.merge(&timer.collect(&gpu)?);
        self.times = times;
        let tally = gpu.read_buffer(&tally)?;
        let filled = u32::from_le_bytes([tally[0], tally[1], tally[2], tally[3]]);
        view.texture = out;
        view.layers = Some((behind.surface, cover));
        view.has_plain_backdrop = background.is_plain;
        view.report.filled_share = filled as f32 / (size.0 as f32 * size.1 as f32);
        Ok(view)
    }
}
