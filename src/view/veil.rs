//! The passes that put what is doubted, and lies among what is doubted, out of focus.

use super::ViewError;
use crate::gpu::{Gpu, Kernel, storage, uniform};

/// `Veil` of shaders/view/veil.wgsl.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, bytemuck::Pod, bytemuck::Zeroable)]
pub struct VeilGpu {
    /// Pixels of the view per cell of the small picture.
    pub cell: u32,
    /// Size of the small picture.
    pub width: u32,
    /// Size of the small picture.
    pub height: u32,
    /// 1: blurs along rows, 0: along columns.
    pub across: u32,
}

crate::shader_struct!(VeilGpu as "Veil" in "view/veil.wgsl" { cell, width, height, across });

/// The small picture is about this wide, cells: the blur is the same part of the picture at every size.
const ABOUT_CELLS: u32 = 400;
/// Colour and doubt of a cell.
const CELL_BYTES: u64 = 16;

impl VeilGpu {
    /// For a view of that size, pixels.
    pub const fn of((width_px, height_px): (u32, u32)) -> Self {
        let rounded = (width_px + ABOUT_CELLS / 2) / ABOUT_CELLS;
        let cell = if rounded > 1 { rounded } else { 1 };
        Self { cell, width: width_px.div_ceil(cell), height: height_px.div_ceil(cell), across: 0 }
    }

    /// Bytes of one small picture; there are two.
    pub(super) const fn bytes(self) -> u64 {
        CELL_BYTES * self.width as u64 * self.height as u64
    }
}

/// The pipelines.
#[derive(Debug)]
pub(super) struct Veil {
    gather: Kernel,
    blur: Kernel,
    lay: Kernel,
}

impl Veil {
    pub(super) fn new(gpu: &Gpu) -> Result<Self, ViewError> {
        let kernel = |entry| Kernel::new(gpu, "view/veil.wgsl", entry, &[]);
        Ok(Self { gather: kernel("gather")?, blur: kernel("blur")?, lay: kernel("lay")? })
    }

    /// Records the passes from the picture `shaded` to `out`, both of `size` pixels.
    pub(super) fn record(
        &self,
        gpu: &Gpu,
        encoder: &mut wgpu::CommandEncoder,
        (parameters, cameras, surface): (&wgpu::Buffer, &wgpu::Buffer, &wgpu::Buffer),
        [shaded, out]: [&wgpu::TextureView; 2],
        size: (u32, u32),
    ) {
        let of = VeilGpu::of(size);
        let cells = [storage(gpu, "veil", of.bytes()), storage(gpu, "veil", of.bytes())];
        let steps = [VeilGpu { across: 1, ..of }, of].map(|step| uniform(gpu, "veil", &step));
        let small = [of.width.div_ceil(8), of.height.div_ceil(8), 1];
        let bind = self.gather.bind(
            gpu,
            &[
                (0, parameters.as_entire_binding()),
                (3, surface.as_entire_binding()),
                (4, wgpu::BindingResource::TextureView(shaded)),
                (5, steps[0].as_entire_binding()),
                (8, cells[0].as_entire_binding()),
            ],
        );
        self.gather.dispatch(encoder, &bind, small);
        for (step, from, to) in [(&steps[0], &cells[0], &cells[1]), (&steps[1], &cells[1], &cells[0])] {
            let bind = self.blur.bind(gpu, &[(5, step.as_entire_binding()), (7, from.as_entire_binding()), (8, to.as_entire_binding())]);
            self.blur.dispatch(encoder, &bind, small);
        }
        let bind = self.lay.bind(
            gpu,
            &[
                (0, parameters.as_entire_binding()),
                (1, cameras.as_entire_binding()),
                (3, surface.as_entire_binding()),
                (4, wgpu::BindingResource::TextureView(shaded)),
                (5, steps[0].as_entire_binding()),
                (6, wgpu::BindingResource::TextureView(out)),
                (7, cells[0].as_entire_binding()),
            ],
        );
        self.lay.dispatch(encoder, &bind, [size.0.div_ceil(8), size.1.div_ceil(8), 1]);
    }
}
