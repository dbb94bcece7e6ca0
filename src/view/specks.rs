//! The pass that wipes single pixels of another colour off surfaces that are little trusted.

use super::ViewError;
use crate::gpu::{Gpu, Kernel};

/// The pipeline.
#[derive(Debug)]
pub(super) struct Specks {
    kernel: Kernel,
}

impl Specks {
    pub(super) fn new(gpu: &Gpu) -> Result<Self, ViewError> {
        Ok(Self { kernel: Kernel::new(gpu, "view/specks.wgsl", "wipe", &[])? })
    }

    /// Records the pass from the picture `shaded` to `out`; both are of the size that `groups` cover.
    pub(super) fn record(
        &self,
        gpu: &Gpu,
        encoder: &mut wgpu::CommandEncoder,
        (parameters, cameras, surface): (&wgpu::Buffer, &wgpu::Buffer, &wgpu::Buffer),
        [shaded, out]: [&wgpu::TextureView; 2],
        groups: [u32; 3],
    ) {
        let bind = self.kernel.bind(
            gpu,
            &[
                (0, parameters.as_entire_binding()),
                (1, cameras.as_entire_binding()),
                (3, surface.as_entire_binding()),
                (4, wgpu::BindingResource::TextureView(shaded)),
                (6, wgpu::BindingResource::TextureView(out)),
            ],
        );
        self.kernel.dispatch(encoder, &bind, groups);
    }
}
