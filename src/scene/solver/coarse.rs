//! The search at the coarsest level, of all cameras before any is refined: what it finds also tells how far the cameras' exposures are
//! apart, and pictures that are as bright as each other are matched better.

use super::{Aggregation, Asking, SceneSolver, Textures, array_texture, tiles, view};
use crate::{
    gpu::{GpuError, Timer, storage, uniform},
    rig::Rig,
    scene::{Plan, SceneError, gains, gpu_data::SolveGpu, memory},
};

/// Cameras that are closer together than this are matched as they are, stops: a twelfth of the colour's part in the matching cost, and less
/// than gloss makes of it.
const ALIKE_STOPS: f32 = 0.15;

impl SceneSolver {
    /// Planes of all cameras at the coarsest level. Where the cameras' exposures or whites turn out to differ, the working pyramid is built
    /// anew at that of the darkest in each channel (nothing is clipped that was not), and the search made once more; true then.
    pub(super) fn search(
        &self,
        plan: &Plan,
        rig: &Rig,
        textures: &Textures,
        timer: &mut Timer,
        asking: &mut Asking<'_>,
    ) -> Result<(Vec<wgpu::Buffer>, bool), SceneError> {
        let states = self.search_once(plan, rig, textures, timer, asking)?;
        if rig.cameras.len() < 2 {
            return Ok((states, false));
        }
        let stops = self.coarse_exposures(plan, rig, textures, &states, timer)?;
        asking.stage(1.0)?;
        let Some(gains) = gains::to_the_darkest(&stops, ALIKE_STOPS) else { return Ok((states, false)) };
        tracing::debug!(?stops, "cameras are brought to one exposure before they are matched");
        self.build_levels(rig, plan, textures, Some(&gains), timer);
        Ok((self.search_once(plan, rig, textures, timer, asking)?, true))
    }

    fn search_once(
        &self,
        plan: &Plan,
        rig: &Rig,
        textures: &Textures,
        timer: &mut Timer,
        asking: &mut Asking<'_>,
    ) -> Result<Vec<wgpu::Buffer>, SceneError> {
        let gpu = &self.gpu;
        let level = plan.levels - 1;
        let level_view = view(&textures.levels[level as usize]);
        let n = rig.cameras.len();
        let mut states = Vec::with_capacity(n);
        for i in 0..n {
            asking.pass(gpu, i as f32 / n as f32)?;
            let parameters = self.parameters(plan, i, level);
            let (pairs, _) = self.pairs(plan, rig, i);
            let state = storage(gpu, "coarse state", u64::from(parameters.width) * u64::from(parameters.height) * memory::STATE_BYTES);
            self.coarse("sweep", (&parameters, plan.looks_apart[i]), &pairs, &level_view, &state, timer);
            states.push(state);
        }
        Ok(states)
    }

    /// How the cameras' exposures compare at what the search at the coarsest level found, stops about the mean.
    fn coarse_exposures(
        &self,
        plan: &Plan,
        rig: &Rig,
        textures: &Textures,
        states: &[wgpu::Buffer],
        timer: &mut Timer,
    ) -> Result<Vec<[f32; 3]>, GpuError> {
        let gpu = &self.gpu;
        let level = plan.levels - 1;
        let plan = plan.at_level(level);
        let textures = Textures {
            pictures: textures.pictures.clone(),
            levels: vec![textures.levels[level as usize].clone()],
            depths: self.depth_texture(&plan),
        };
        let out = view(&textures.depths);
        let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("coarse exposures") });
        timer.mark(&mut encoder, "coarse exposures");
        for (i, state) in states.iter().enumerate() {
            let parameters = self.parameters(&plan, i, 0);
            let solve = uniform(gpu, "solve", &parameters);
            let bind = self.store.bind(
                gpu,
                &[(0, solve.as_entire_binding()), (4, state.as_entire_binding()), (5, wgpu::BindingResource::TextureView(&out))],
            );
            self.store.dispatch(&mut encoder, &bind, tiles((parameters.width, parameters.height)));
        }
        let checked = self.depth_texture(&plan);
        self.check(&mut encoder, &plan, rig, &out, &view(&checked));
        timer.mark(&mut encoder, "");
        gpu.queue.submit([encoder.finish()]);
        self.exposures(&plan, rig, &textures, &checked, timer, &gains::SEARCHED)
    }

    /// Packs the luma of the sources at the level of `parameters`.
    pub(super) fn pack_quads(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        parameters: &SolveGpu,
        pairs: &wgpu::Buffer,
        level: &wgpu::TextureView,
    ) -> wgpu::TextureView {
        let gpu = &self.gpu;
        let size = (parameters.quad_width, parameters.quad_rows);
        let quads = view(&array_texture(gpu, "quads", size, parameters.sources.max(1), wgpu::TextureFormat::R32Uint));
        let solve = uniform(gpu, "solve", parameters);
        let bind = self.pack.bind(
            gpu,
            &[
                (0, solve.as_entire_binding()),
                (1, pairs.as_entire_binding()),
                (2, wgpu::BindingResource::TextureView(level)),
                (4, wgpu::BindingResource::TextureView(&quads)),
            ],
        );
        let [x, y, _] = tiles((parameters.quad_width, parameters.quad_rows));
        self.pack.dispatch(encoder, &bind, [x, y, parameters.sources.max(1)]);
        quads
    }

    /// Sweep (`wide`: against all neighbours), aggregation and choice at `level`, timed as `name`; leaves planes in `state`.
    pub(super) fn coarse(
        &self,
        name: &str,
        (parameters, wide): (&SolveGpu, bool),
        pairs: &wgpu::Buffer,
        level: &wgpu::TextureView,
        state: &wgpu::Buffer,
        timer: &mut Timer,
    ) {
        let gpu = &self.gpu;
        let size = (parameters.width, parameters.height);
        let pixels = u64::from(size.0) * u64::from(size.1);
        let volume = storage(gpu, "volume", pixels * u64::from(parameters.depths));
        let sums = storage(gpu, "sums", pixels * u64::from(parameters.depths) * 2);
        let solve = uniform(gpu, "solve", parameters);
        let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("coarse") });
        timer.mark(&mut encoder, name);
        let quads = self.pack_quads(&mut encoder, parameters, pairs, level);
        let sweep = if wide { &self.sweep_all } else { &self.sweep };
        let bind = sweep.bind(
            gpu,
            &[
                (0, solve.as_entire_binding()),
                (1, pairs.as_entire_binding()),
                (2, wgpu::BindingResource::TextureView(level)),
                (4, volume.as_entire_binding()),
                (8, wgpu::BindingResource::TextureView(&quads)),
            ],
        );
        sweep.dispatch(&mut encoder, &bind, tiles(size));
        timer.mark(&mut encoder, "sgm");
        let directions: [[i32; 2]; 8] = [[1, 0], [-1, 0], [0, 1], [0, -1], [1, 1], [-1, -1], [1, -1], [-1, 1]];
        for (k, d) in directions.iter().enumerate() {
            let direction = uniform(gpu, "direction", &[d[0], d[1], k as i32, 0]);
            let kernel = match self.aggregation {
                Aggregation::ThreadPerLine => &self.aggregate,
                Aggregation::GroupPerLine => &self.aggregate_wide,
            };
            let bind = kernel.bind(
                gpu,
                &[
                    (0, solve.as_entire_binding()),
                    (2, wgpu::BindingResource::TextureView(level)),
                    (4, volume.as_entire_binding()),
                    (5, sums.as_entire_binding()),
                    (6, direction.as_entire_binding()),
                ],
            );
            let lines = if d[1] == 0 {
                size.1
            } else if d[0] == 0 {
                size.0
            } else {
                size.0 + size.1 - 1
            };
            kernel.dispatch(&mut encoder, &bind, [self.aggregation.groups(lines), 1, 1]);
        }
        let bind =
            self.select_best.bind(gpu, &[(0, solve.as_entire_binding()), (5, sums.as_entire_binding()), (7, state.as_entire_binding())]);
        self.select_best.dispatch(&mut encoder, &bind, tiles(size));
        timer.mark(&mut encoder, "");
        gpu.queue.submit([encoder.finish()]);
    }
}
