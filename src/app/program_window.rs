//! The clean program window: the program's picture and nothing else, in its own window with its own pace. Never black: it
//! keeps the last picture.

use std::sync::Arc;

use winit::{
    event::WindowEvent,
    window::{Fullscreen, Window},
};

use super::{
    AppError,
    pictures::PictureSlot,
    surface::{Frame, WindowGpu, WindowSurface, pass_on_black},
};
use crate::{frame::Picture, gpu::shaders};

/// Window and what it draws with.
pub(super) struct ProgramWindow {
    pub window: Arc<Window>,
    surface: WindowSurface,
    pipeline: wgpu::RenderPipeline,
    sampler: wgpu::Sampler,
    slot: PictureSlot,
    bound: Option<wgpu::BindGroup>,
    /// Something has changed since the last frame.
    pub stale: bool,
}

impl ProgramWindow {
    /// Draws on `window` with `gpu`.
    pub fn new(gpu: &WindowGpu, window: Arc<Window>) -> Result<Self, AppError> {
        let surface = WindowSurface::new(gpu, &window, !gpu.is_software())?;
        let source = shaders::source("present/blit.wgsl").map_err(|e| AppError::Gpu(e.to_string()))?;
        let module = gpu
            .device
            .create_shader_module(wgpu::ShaderModuleDescriptor { label: Some("program"), source: wgpu::ShaderSource::Wgsl(source.into()) });
        let pipeline = gpu.device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
            label: Some("program"),
            layout: None,
            vertex: wgpu::VertexState {
                module: &module,
                entry_point: Some("corner"),
                compilation_options: wgpu::PipelineCompilationOptions::default(),
                buffers: &[],
            },
            primitive: wgpu::PrimitiveState::default(),
            depth_stencil: None,
            multisample: wgpu::MultisampleState::default(),
            fragment: Some(wgpu::FragmentState {
                module: &module,
                entry_point: Some("shade"),
                compilation_options: wgpu::PipelineCompilationOptions::default(),
                targets: &[Some(surface.format().into())],
            }),
            multiview_mask: None,
            cache: None,
        });
        let sampler = gpu.device.create_sampler(&wgpu::SamplerDescriptor {
            label: Some("program"),
            mag_filter: wgpu::FilterMode::Linear,
            min_filter: wgpu::FilterMode::Linear,
            ..wgpu::SamplerDescriptor::default()
        });
        Ok(Self { window, surface, pipeline, sampler, slot: PictureSlot::new(), bound: None, stale: true })
    }

    /// Follows the window.
    pub fn on_event(&mut self, gpu: &WindowGpu, event: &WindowEvent) {
        if let WindowEvent::Resized(size) = event {
            self.surface.resize(gpu, size.width, size.height);
        }
        self.stale = true;
    }

    /// Full screen or window; true when it fills the screen now.
    pub fn toggle_full_screen(&self) -> bool {
        let full = if self.window.fullscreen().is_some() { None } else { Some(Fullscreen::Borderless(None)) };
        let fills = full.is_some();
        self.window.set_cursor_visible(!fills);
        self.window.set_fullscreen(full);
        fills
    }

    /// Draws the picture, letterboxed.
    pub fn draw(&mut self, gpu: &WindowGpu, picture: &Arc<Picture>) {
        if self.slot.show(&gpu.device, &gpu.queue, picture) {
            self.bound = None;
        }
        let Some(texture) = self.slot.texture() else { return };
        let bound = self.bound.get_or_insert_with(|| {
            gpu.device.create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some("program"),
                layout: &self.pipeline.get_bind_group_layout(0),
                entries: &[
                    wgpu::BindGroupEntry {
                        binding: 0,
                        resource: wgpu::BindingResource::TextureView(&texture.create_view(&wgpu::TextureViewDescriptor::default())),
                    },
                    wgpu::BindGroupEntry { binding: 1, resource: wgpu::BindingResource::Sampler(&self.sampler) },
                ],
            })
        });
        let Frame::Ready(frame) = self.surface.frame(gpu) else { return };
        let view = frame.texture.create_view(&wgpu::TextureViewDescriptor::default());
        let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("program") });
        {
            let mut pass = pass_on_black(&mut encoder, &view, "program");
            let [x, y, w, h] = letterbox(self.surface.size_px(), [texture.width(), texture.height()]);
            pass.set_viewport(x, y, w, h, 0.0, 1.0);
            pass.set_pipeline(&self.pipeline);
            pass.set_bind_group(0, &*bound, &[]);
            pass.draw(0..3, 0..1);
        }
        gpu.queue.submit([encoder.finish()]);
        self.surface.present(gpu, frame);
        self.stale = false;
    }
}

/// (x, y, width, height) in px of the largest centred rectangle of the picture's shape.
fn letterbox(room_px: [u32; 2], picture_px: [u32; 2]) -> [f32; 4] {
    let [rw, rh] = room_px.map(|v| v.max(1) as f32);
    let [pw, ph] = picture_px.map(|v| v.max(1) as f32);
    let scale = (rw / pw).min(rh / ph);
    // The side that decides fills the room exactly, whatever rounding says.
    let (w, h) = if rw * ph <= rh * pw { (rw, ph * scale) } else { (pw * scale, rh) };
    [(rw - w) / 2.0, (rh - h) / 2.0, w, h]
}

#[cfg(test)]
mod tests {
    use super::letterbox;

    #[test]
    fn a_picture_keeps_its_shape_and_stays_inside() {
        let near = |room, picture, expected: [f32; 4]| {
            let found = letterbox(room, picture);
            assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 0.01), "{found:?} instead of {expected:?}");
        };
        near([1920, 1080], [640, 360], [0.0, 0.0, 1920.0, 1080.0]);
        near([1000, 1000], [1920, 1080], [0.0, 218.75, 1000.0, 562.5]);
        near([1920, 1080], [1080, 1920], [656.25, 0.0, 607.5, 1080.0]);
        let [x, y, w, h] = letterbox([333, 777], [1366, 768]);
        assert!(x >= 0.0 && y >= 0.0 && x + w <= 333.01 && y + h <= 777.01);
    }
}
