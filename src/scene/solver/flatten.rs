//! Puts what shows no texture on the large planes of the moment: the passes around `scene::flat`.

use super::{Asking, SceneSolver, Textures, tiles, view};
use crate::{
    gpu::{Timer, storage, uniform},
    rig::Rig,
    scene::{
        Plan, SceneError,
        flat::{self, Eyes, Sample},
        gpu_data::SolveGpu,
    },
};

/// Samples along the longest side of a picture.
const GRID: u32 = 64;
/// Each reaches farther from what is known; even, so that the result comes back to where it was.
const PASSES: usize = 4;
/// Px between the taps of the patch whose texture is looked at.
const STRIDE_PX: f32 = 2.0;

impl SceneSolver {
    /// Samples of the trusted depth of all cameras.
    fn flat_samples(&self, plan: &Plan, rig: &Rig, depths: &wgpu::TextureView, timer: &mut Timer) -> Result<Vec<Sample>, SceneError> {
        let gpu = &self.gpu;
        let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("flat samples") });
        timer.mark(&mut encoder, "flatten");
        let grids: Vec<[u32; 4]> = (0..rig.cameras.len())
            .scan(0, |first, i| {
                let (w, h) = plan.level_size(i, 0);
                let step = w.max(h).div_ceil(GRID).max(1);
                let grid = [w.div_ceil(step), h.div_ceil(step), step, *first];
                *first += grid[0] * grid[1];
                Some(grid)
            })
            .collect();
        let count: u32 = grids.iter().map(|g| g[0] * g[1]).sum();
        let samples = storage(gpu, "flat samples", u64::from(count) * 8);
        for (i, grid) in grids.iter().enumerate() {
            let solve = uniform(gpu, "solve", &self.parameters(plan, i, 0));
            let grid_buffer = uniform(gpu, "grid", grid);
            let bind = self.sample.bind(
                gpu,
                &[
                    (0, solve.as_entire_binding()),
                    (6, wgpu::BindingResource::TextureView(depths)),
                    (9, grid_buffer.as_entire_binding()),
                    (10, samples.as_entire_binding()),
                ],
            );
            self.sample.dispatch(&mut encoder, &bind, tiles((grid[0], grid[1])));
        }
        timer.mark(&mut encoder, "");
        gpu.queue.submit([encoder.finish()]);
        let read: Vec<[f32; 2]> = bytemuck::pod_collect_to_vec(&gpu.read_buffer(&samples)?);
        let mut out = Vec::new();
        for (i, &[columns, rows, step, first]) in grids.iter().enumerate() {
            let size = plan.level_size(i, 0);
            let cells = read.iter().skip(first as usize).take((columns * rows) as usize).enumerate();
            out.extend(cells.filter_map(|(k, &[rho, confidence])| {
                let k = k as u32;
                let px =
                    [(k % columns, size.0), (k / columns, size.1)].map(|(at, size)| f64::from((at * step + step / 2).min(size - 1)) + 0.5);
                Sample::of(rig, plan, i, px, rho, confidence)
            }));
        }
        Ok(out)
    }

    /// Puts what is flat or unsure of `checked` on the planes of the moment; overwrites `textures.depths`.
    pub(super) fn put_on_planes(
        &self,
        plan: &Plan,
        rig: &Rig,
        textures: &Textures,
        checked: &wgpu::Texture,
        timer: &mut Timer,
        asking: &mut Asking<'_>,
    ) -> Result<(), SceneError> {
        let gpu = &self.gpu;
        let views = [view(checked), view(&textures.depths)];
        let samples = self.flat_samples(plan, rig, &views[0], timer)?;
        let eyes = Eyes::new(rig, plan);
        let planes = flat::planes(&eyes, &samples);
        tracing::debug!(samples = samples.len(), ?planes, "large planes of the moment");
        if planes.is_empty() {
            return Ok(());
        }
        let level = view(&textures.levels[0]);
        for i in 0..rig.cameras.len() {
            let parameters = SolveGpu { stride: STRIDE_PX, ..self.parameters(plan, i, 0) };
            let solve = uniform(gpu, "solve", &parameters);
            let (pairs, _) = self.pairs(plan, rig, i);
            let rows: [[f32; 4]; flat::MOST] = std::array::from_fn(|k| {
                planes.get(k).map_or([0.0; 4], |plane| {
                    let [a, b, c] = eyes.in_camera(plane, rig, plan, i);
                    [a, b, c, 1.0]
                })
            });
            let rows = uniform(gpu, "planes", &rows);
            // One camera at a time, so that the packed luma of one is all that is held.
            let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("flatten") });
            timer.mark(&mut encoder, "flatten");
            let quads = self.pack_quads(&mut encoder, &parameters, &pairs, &level);
            for pass in 0..PASSES {
                let bind = self.flatten.bind(
                    gpu,
                    &[
                        (0, solve.as_entire_binding()),
                        (1, pairs.as_entire_binding()),
                        (2, wgpu::BindingResource::TextureView(&level)),
                        (5, wgpu::BindingResource::TextureView(&views[(pass + 1) % 2])),
                        (6, wgpu::BindingResource::TextureView(&views[pass % 2])),
                        (7, rows.as_entire_binding()),
                        (8, wgpu::BindingResource::TextureView(&quads)),
                    ],
                );
                self.flatten.dispatch(&mut encoder, &bind, tiles((parameters.width, parameters.height)));
            }
            timer.mark(&mut encoder, "");
            gpu.queue.submit([encoder.finish()]);
            gpu.wait()?;
            asking.stage(1.0)?;
        }
        Ok(())
    }
}
