//! The passes that move the sources' pictures by fractions of a pixel, so that they lie on each other before they are blended.

use super::ViewError;
use crate::gpu::{Gpu, Kernel, storage};

/// Between the nodes of the grid of shifts, px of the view.
pub(super) const STEP_PX: u32 = 8;
/// Shift per source and node.
const SHIFT_BYTES: u64 = 8;

/// Nodes of the grid: one more to each side than fits, so that every pixel lies between four.
const fn nodes((width_px, height_px): (u32, u32)) -> (u32, u32) {
    (width_px / STEP_PX + 2, height_px / STEP_PX + 2)
}

/// What the shifts take, bytes.
pub(super) const fn shifts_bytes(size: (u32, u32), sources: u64) -> u64 {
    let (columns, rows) = nodes(size);
    columns as u64 * rows as u64 * sources * SHIFT_BYTES
}

/// The pipelines.
#[derive(Debug)]
pub(super) struct Align {
    warp: Kernel,
    align: Kernel,
}

/// What it reads, and *shade* after it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Inputs<'a> {
    pub parameters: &'a wgpu::Buffer,
    pub cameras: &'a wgpu::Buffer,
    pub depths: &'a wgpu::TextureView,
    pub pictures: &'a wgpu::TextureView,
    pub rays: &'a wgpu::Buffer,
    pub surface: &'a wgpu::Buffer,
}

impl Align {
    pub(super) fn new(gpu: &Gpu) -> Result<Self, ViewError> {
        Ok(Self { warp: Kernel::new(gpu, "view/align.wgsl", "warp", &[])?, align: Kernel::new(gpu, "view/align.wgsl", "align", &[])? })
    }

    /// Records both passes for a view of `size` from so many sources, and returns the shifts. What is in `warped` (4 bytes per source and
    /// pixel) and `middle` (8 bytes per pixel) is overwritten.
    pub(super) fn record(
        &self,
        gpu: &Gpu,
        encoder: &mut wgpu::CommandEncoder,
        inputs: &Inputs<'_>,
        [warped, middle]: [&wgpu::Buffer; 2],
        size: (u32, u32),
        sources: usize,
    ) -> wgpu::Buffer {
        let shifts = storage(gpu, "shifts", shifts_bytes(size, sources as u64));
        let bind = self.warp.bind(
            gpu,
            &[
                (0, inputs.parameters.as_entire_binding()),
                (1, inputs.cameras.as_entire_binding()),
                (2, wgpu::BindingResource::TextureView(inputs.depths)),
                (3, inputs.surface.as_entire_binding()),
                (4, wgpu::BindingResource::TextureView(inputs.pictures)),
                (5, inputs.rays.as_entire_binding()),
                (8, warped.as_entire_binding()),
                (9, middle.as_entire_binding()),
            ],
        );
        self.warp.dispatch(encoder, &bind, [size.0.div_ceil(8), size.1.div_ceil(8), 1]);
        let (columns, rows) = nodes(size);
        let bind = self.align.bind(
            gpu,
            &[
                (0, inputs.parameters.as_entire_binding()),
                (1, inputs.cameras.as_entire_binding()),
                (3, inputs.surface.as_entire_binding()),
                (8, warped.as_entire_binding()),
                (9, middle.as_entire_binding()),
                (10, shifts.as_entire_binding()),
            ],
        );
        self.align.dispatch(encoder, &bind, [columns.div_ceil(8), rows.div_ceil(8), 1]);
        shifts
    }
}
