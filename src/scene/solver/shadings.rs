//! The solver's very last pass: surfaces in two cameras, sampled on the GPU, from which [`shading`] solves dark rims and responses.

use std::time::Instant;

use glam::DVec2;

use super::{SceneSolver, Textures, tiles, view};
use crate::{
    gpu::{GpuError, Timer, storage, uniform},
    rig::{Camera, Rig},
    scene::{
        Plan, gains,
        gpu_data::Working,
        plan::MAX_NEIGHBOURS,
        shading::{self, Sample},
    },
};

/// Places of a camera's picture that are sampled, about.
const PLACES: f64 = 1500.0;
/// Bytes of a sample.
const SAMPLE_BYTES: u64 = 32;

/// Square of the distance from the middle of the real picture of a place in the working picture, 1 in the corners.
fn rho2(camera: &Camera, working: &Working, at: DVec2) -> Option<f64> {
    let ideal = (at - DVec2::new(working.lens[2], working.lens[3])) / DVec2::new(working.lens[0], working.lens[1]);
    let size = DVec2::new(f64::from(camera.width_px), f64::from(camera.height_px));
    let px = camera.lens.project(ideal.extend(1.0))?;
    Some(4.0 * (px - 0.5 * size).length_squared() / size.length_squared())
}

/// Stride, columns and rows of a camera's places.
type Grid = (u32, u32, u32);

fn grid_of(plan: &Plan, camera: usize) -> Grid {
    let (w, h) = plan.level_size(camera, 0);
    let stride = ((f64::from(w) * f64::from(h) / PLACES).sqrt() as u32).max(1);
    (stride, w / stride, h / stride)
}

fn bytes_of((_, columns, rows): Grid) -> u64 {
    u64::from((columns * rows).max(1)) * MAX_NEIGHBOURS as u64 * SAMPLE_BYTES
}

/// What the samples of all cameras take, bytes.
pub(in crate::scene) fn bytes(plan: &Plan) -> u64 {
    // Each camera's own, and all of them together.
    2 * (0..plan.working.len()).map(|i| bytes_of(grid_of(plan, i))).sum::<u64>()
}

impl SceneSolver {
    /// Exposures, rims and responses of the cameras against each other, and the seconds that it took.
    pub(super) fn matched(
        &self,
        plan: &Plan,
        rig: &Rig,
        textures: &Textures,
        depths: &wgpu::Texture,
        timer: &mut Timer,
    ) -> Result<(shading::Found, f64), GpuError> {
        let begun = Instant::now();
        let exposures = self.exposures(plan, rig, textures, depths, timer, &gains::SOLVED)?;
        let found = self.shadings(plan, rig, textures, depths, timer, &exposures)?;
        Ok((found, begun.elapsed().as_secs_f64()))
    }

    /// What lens and response of each camera make of the light, against the others', and exposures that explain it better than those given.
    fn shadings(
        &self,
        plan: &Plan,
        rig: &Rig,
        textures: &Textures,
        depths: &wgpu::Texture,
        timer: &mut Timer,
        exposures: &[[f32; 3]],
    ) -> Result<shading::Found, GpuError> {
        let gpu = &self.gpu;
        let (level_view, depths) = (view(&textures.levels[0]), view(depths));
        let grids: Vec<Grid> = (0..rig.cameras.len()).map(|i| grid_of(plan, i)).collect();
        let all = storage(gpu, "samples of all", grids.iter().map(|g| bytes_of(*g)).sum());
        let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("shadings") });
        timer.mark(&mut encoder, "shadings");
        let mut at = 0;
        for (i, grid) in grids.iter().enumerate() {
            let mut parameters = self.parameters(plan, i, 0);
            parameters.stride = grid.0 as f32;
            let (pairs, _) = self.pairs(plan, rig, i);
            let solve = uniform(gpu, "solve", &parameters);
            let samples = storage(gpu, "samples", bytes_of(*grid));
            let bind = self.surfaces.bind(
                gpu,
                &[
                    (0, solve.as_entire_binding()),
                    (1, pairs.as_entire_binding()),
                    (2, wgpu::BindingResource::TextureView(&level_view)),
                    (5, samples.as_entire_binding()),
                    (6, wgpu::BindingResource::TextureView(&depths)),
                ],
            );
            self.surfaces.dispatch(&mut encoder, &bind, tiles((grid.1, grid.2)));
            encoder.copy_buffer_to_buffer(&samples, 0, &all, at, bytes_of(*grid));
            at += bytes_of(*grid);
        }
        timer.mark(&mut encoder, "");
        gpu.queue.submit([encoder.finish()]);
        let bytes = gpu.read_buffer(&all)?;
        let found: Vec<[f32; 8]> = bytemuck::pod_collect_to_vec(&bytes);
        let mut samples = Vec::new();
        let mut first = 0;
        for (i, (stride, columns, rows)) in grids.iter().enumerate() {
            for (k, &[r, g, b, x, there_r, there_g, there_b, y]) in
                found[first..].iter().take((columns * rows) as usize * MAX_NEIGHBOURS).enumerate()
            {
                let Some(&j) = plan.neighbours[i].get(k % MAX_NEIGHBOURS).filter(|_| x >= 0.0 && r > 0.0) else { continue };
                let place = (k / MAX_NEIGHBOURS) as u32;
                let here =
                    DVec2::new(f64::from(place % columns * stride + stride / 2), f64::from(place / columns * stride + stride / 2)) + 0.5;
                let there = DVec2::new(f64::from(x), f64::from(y));
                let (own_rho2, other_rho2) =
                    (rho2(&rig.cameras[i], &plan.working[i], here), rho2(&rig.cameras[j], &plan.working[j], there));
                if let (Some(own_rho2), Some(other_rho2)) = (own_rho2, other_rho2) {
                    let stops = [[r, g, b], [there_r, there_g, there_b]].map(|c| c.map(|light| f64::from(light).log2()));
                    samples.push(Sample { cameras: [i, j], stops, rho2: [own_rho2, other_rho2] });
                }
            }
            first += (columns * rows).max(1) as usize * MAX_NEIGHBOURS;
        }
        Ok(shading::found(exposures, &samples))
    }
}
