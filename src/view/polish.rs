//! The pass that moves unsure pixels to where the sources' pictures agree best.

use super::ViewError;
use crate::gpu::{Gpu, Kernel, uniform};

/// `Polish` of shaders/view/polish.wgsl.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
pub struct PolishGpu {
    /// Between the pixel and the nearer four whose inverse depth is tried, px; the farther four stand three times as far.
    pub reach_px: u32,
    /// Step of the offsets that are tried about the own inverse depth, px of disparity.
    pub offset_px: f32,
    /// Of the layout.
    pub pad_a: u32,
    /// Of the layout.
    pub pad_b: u32,
}

crate::shader_struct!(PolishGpu as "Polish" in "view/polish.wgsl" { reach_px, offset_px, pad_a, pad_b });

/// Coarse, then fine.
const STEPS: [PolishGpu; 2] =
    [PolishGpu { reach_px: 4, offset_px: 1.0, pad_a: 0, pad_b: 0 }, PolishGpu { reach_px: 3, offset_px: 0.5, pad_a: 0, pad_b: 0 }];

/// The pipeline.
#[derive(Debug)]
pub(super) struct Polish {
    kernel: Kernel,
}

/// What it reads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Inputs<'a> {
    pub parameters: &'a wgpu::Buffer,
    pub cameras: &'a wgpu::Buffer,
    pub depths: &'a wgpu::TextureView,
    pub pictures: &'a wgpu::TextureView,
    pub rays: &'a wgpu::Buffer,
}

impl Polish {
    pub(super) fn new(gpu: &Gpu) -> Result<Self, ViewError> {
        Ok(Self { kernel: Kernel::new(gpu, "view/polish.wgsl", "polish", &[])? })
    }

    /// Records both passes; the result is where the surface was. `other` is overwritten.
    pub(super) fn record(
        &self,
        gpu: &Gpu,
        encoder: &mut wgpu::CommandEncoder,
        inputs: &Inputs<'_>,
        [surface, other]: [&wgpu::Buffer; 2],
        groups: [u32; 3],
    ) {
        for (step, from, to) in [(&STEPS[0], surface, other), (&STEPS[1], other, surface)] {
            let bind = self.kernel.bind(
                gpu,
                &[
                    (0, inputs.parameters.as_entire_binding()),
                    (1, inputs.cameras.as_entire_binding()),
                    (2, wgpu::BindingResource::TextureView(inputs.depths)),
                    (3, uniform(gpu, "polish", step).as_entire_binding()),
                    (4, to.as_entire_binding()),
                    (5, inputs.rays.as_entire_binding()),
                    (6, from.as_entire_binding()),
                    (7, wgpu::BindingResource::TextureView(inputs.pictures)),
                ],
            );
            self.kernel.dispatch(encoder, &bind, groups);
        }
    }
}
