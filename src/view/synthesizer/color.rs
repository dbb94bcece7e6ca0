//! The colour of a view whose surface is found: the sources are aligned, blended, specks are wiped off, and what is doubted goes out of focus.

use super::{ViewSynthesizer, picture_texture};
use crate::{
    gpu::{Timer, storage},
    view::align::Inputs,
};

/// What is asked for, and what may be overwritten.
#[derive(Debug, Clone, Copy)]
pub(super) struct Job<'a> {
    pub size: (u32, u32),
    pub sources: usize,
    /// Move the sources' pictures onto each other first.
    pub aligned: bool,
    /// There is no surface but the pivot's plane: nothing is moved, nothing wiped.
    pub plane_only: bool,
    /// 4 bytes per source and pixel, and 8 per pixel.
    pub scratch: [&'a wgpu::Buffer; 2],
    /// Counts pixels that are filled, and that mix cameras.
    pub tally: &'a wgpu::Buffer,
}

impl ViewSynthesizer {
    /// Records the passes from the surface to the picture.
    pub(super) fn color(&self, encoder: &mut wgpu::CommandEncoder, timer: &mut Timer, inputs: &Inputs<'_>, job: &Job<'_>) -> wgpu::Texture {
        let gpu = &self.gpu;
        let groups = [job.size.0.div_ceil(8), job.size.1.div_ceil(8), 1];
        let shifts = if job.aligned {
            timer.mark(encoder, "align");
            self.align.record(gpu, encoder, inputs, job.scratch, job.size, job.sources)
        } else {
            storage(gpu, "no shifts", 8)
        };
        let shaded = picture_texture(gpu, job.size);
        let shaded_view = shaded.create_view(&wgpu::TextureViewDescriptor::default());
        timer.mark(encoder, "shade");
        let bind = self.shade.bind(
            gpu,
            &[
                (0, inputs.parameters.as_entire_binding()),
                (1, inputs.cameras.as_entire_binding()),
                (2, wgpu::BindingResource::TextureView(inputs.depths)),
                (3, inputs.surface.as_entire_binding()),
                (4, wgpu::BindingResource::TextureView(inputs.pictures)),
                (5, inputs.rays.as_entire_binding()),
                (6, wgpu::BindingResource::TextureView(&shaded_view)),
                (7, job.tally.as_entire_binding()),
                (8, shifts.as_entire_binding()),
            ],
        );
        self.shade.dispatch(encoder, &bind, groups);
        if job.plane_only {
            return shaded;
        }
        let wiped = picture_texture(gpu, job.size);
        let wiped_view = wiped.create_view(&wgpu::TextureViewDescriptor::default());
        timer.mark(encoder, "specks");
        let of = (inputs.parameters, inputs.cameras, inputs.surface);
        self.specks.record(gpu, encoder, of, [&shaded_view, &wiped_view], groups);
        timer.mark(encoder, "veil");
        self.veil.record(gpu, encoder, of, [&wiped_view, &shaded_view], job.size);
        shaded
    }
}
