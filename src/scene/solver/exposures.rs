//! The solver's last pass: how the cameras' exposures compare, counted on the GPU and solved in [`gains`].

use super::{SceneSolver, Textures, tiles, view};
use crate::{
    gpu::{GpuError, Timer, storage, uniform},
    rig::Rig,
    scene::{Plan, gains, gpu_data::SolveGpu, plan::MAX_NEIGHBOURS},
};

impl SceneSolver {
    /// Per camera and channel: the exposure in stops about the mean, as far as pairs are believed.
    pub(super) fn exposures(
        &self,
        plan: &Plan,
        rig: &Rig,
        textures: &Textures,
        depths: &wgpu::Texture,
        timer: &mut Timer,
        belief: &gains::Belief,
    ) -> Result<Vec<[f32; 3]>, GpuError> {
        let gpu = &self.gpu;
        let n = rig.cameras.len();
        let (level_view, depths) = (view(&textures.levels[0]), view(depths));
        let per_camera = MAX_NEIGHBOURS * 3 * gains::BINS;
        let all = storage(gpu, "counts of all", (n * per_camera * 4) as u64);
        let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("exposures") });
        timer.mark(&mut encoder, "exposures");
        for i in 0..n {
            let parameters = SolveGpu { stride: belief.stride_px as f32, ..self.parameters(plan, i, 0) };
            let (pairs, _) = self.pairs(plan, rig, i);
            let solve = uniform(gpu, "solve", &parameters);
            let counts = storage(gpu, "counts", (per_camera * 4) as u64);
            let bind = self.compare.bind(
                gpu,
                &[
                    (0, solve.as_entire_binding()),
                    (1, pairs.as_entire_binding()),
                    (2, wgpu::BindingResource::TextureView(&level_view)),
                    (4, counts.as_entire_binding()),
                    (6, wgpu::BindingResource::TextureView(&depths)),
                ],
            );
            self.compare.dispatch(
                &mut encoder,
                &bind,
                tiles((parameters.width.div_ceil(belief.stride_px), parameters.height.div_ceil(belief.stride_px))),
            );
            encoder.copy_buffer_to_buffer(&counts, 0, &all, (i * per_camera * 4) as u64, (per_camera * 4) as u64);
        }
        timer.mark(&mut encoder, "");
        gpu.queue.submit([encoder.finish()]);
        let bytes = gpu.read_buffer(&all)?;
        let counts: Vec<u32> = bytemuck::pod_collect_to_vec(&bytes);
        let mut exposures = vec![[0.0; 3]; n];
        for channel in 0..3 {
            let mut ratios = Vec::new();
            for (i, neighbours) in plan.neighbours.iter().enumerate() {
                for (s, &j) in neighbours.iter().enumerate() {
                    let first = i * per_camera + (s * 3 + channel) * gains::BINS;
                    ratios.extend(counts.get(first..first + gains::BINS).and_then(|counts| gains::ratio(i, j, counts, belief)));
                }
            }
            for (to, stops) in exposures.iter_mut().zip(gains::exposures(n, &ratios)) {
                to[channel] = stops as f32;
            }
        }
        tracing::debug!(?exposures, "exposures of the cameras, stops");
        Ok(exposures)
    }
}
