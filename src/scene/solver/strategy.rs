//! Which variant of a pass suits an adapter: measured once, when the first solver opens on it.

use std::{
    collections::HashMap,
    sync::LazyLock,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use super::{SceneSolver, array_texture, view};
use crate::{
    gpu::{Gpu, GpuError, Kernel, storage, uniform},
    scene::gpu_data::SolveGpu,
};

/// How SGM goes along its lines; the sums are the same to the byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aggregation {
    /// A thread per line: no barriers, which suits software.
    ThreadPerLine,
    /// A workgroup per line, four hypotheses per thread: fills a large GPU.
    GroupPerLine,
}

/// What was found, by adapter and driver.
static FOUND: LazyLock<Mutex<HashMap<String, Aggregation>>> = LazyLock::new(Mutex::default);

/// Size and hypotheses of the trial: a coarse level.
const TRIAL: (u32, u32, u32) = (160, 90, 32);

impl Aggregation {
    /// Workgroups for so many lines.
    pub(super) const fn groups(self, lines: u32) -> u32 {
        match self {
            Self::ThreadPerLine => lines.div_ceil(16),
            Self::GroupPerLine => lines,
        }
    }

    /// The faster of the two on this adapter.
    pub(super) fn fastest(gpu: &Gpu, thread_per_line: &Kernel, group_per_line: &Kernel) -> Result<Self, GpuError> {
        let name = format!("{} {}", gpu.info.name, gpu.info.driver_info);
        if let Some(found) = FOUND.lock().get(&name) {
            return Ok(*found);
        }
        let narrow = trial(gpu, thread_per_line, Self::ThreadPerLine)?;
        let wide = trial(gpu, group_per_line, Self::GroupPerLine)?;
        let found = if wide < narrow { Self::GroupPerLine } else { Self::ThreadPerLine };
        tracing::info!(adapter = gpu.info.name, thread_per_line = ?narrow, group_per_line = ?wide, "SGM: {found:?}");
        FOUND.lock().insert(name, found);
        Ok(found)
    }
}

/// How long a variant takes along the rows and the columns of a small volume; the first run, which compiles, does not count.
fn trial(gpu: &Gpu, kernel: &Kernel, variant: Aggregation) -> Result<Duration, GpuError> {
    let (width, height, depths) = TRIAL;
    let cells = u64::from(width * height * depths);
    let level = view(&array_texture(gpu, "trial", (width, height), 1, wgpu::TextureFormat::Rgba8Unorm));
    let (volume, sums) = (storage(gpu, "trial", cells), storage(gpu, "trial", cells * 2));
    let solve = uniform(gpu, "trial", &SolveGpu { width, height, depths, p1: 6.0, p2: 60.0, ..bytemuck::Zeroable::zeroed() });
    let mut least = Duration::MAX;
    for run in 0..3 {
        let begun = Instant::now();
        gpu.checked("a trial of SGM", || {
            let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("trial") });
            for (step, lines) in [([1, 0], height), ([0, 1], width)] {
                let direction = uniform(gpu, "direction", &[step[0], step[1], 0_i32, 0]);
                let bind = kernel.bind(
                    gpu,
                    &[
                        (0, solve.as_entire_binding()),
                        (2, wgpu::BindingResource::TextureView(&level)),
                        (4, volume.as_entire_binding()),
                        (5, sums.as_entire_binding()),
                        (6, direction.as_entire_binding()),
                    ],
                );
                kernel.dispatch(&mut encoder, &bind, [variant.groups(lines), 1, 1]);
            }
            gpu.queue.submit([encoder.finish()]);
            gpu.wait()
        })?;
        if run > 0 {
            least = least.min(begun.elapsed());
        }
    }
    Ok(least)
}

impl SceneSolver {
    /// The variant of SGM that is used; it was measured to be the faster one here.
    pub const fn aggregation(&self) -> Aggregation {
        self.aggregation
    }

    /// Uses a variant whatever was measured, for tests and benches.
    pub const fn set_aggregation(&mut self, aggregation: Aggregation) {
        self.aggregation = aggregation;
    }
}
