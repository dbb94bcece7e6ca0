//! Tuning: depth and confidence of all cameras, by drawing them as soft splats and comparing with what each camera really shows.
//!
//! What a hero solve adds (docs/synthesis.md). Must not know: the search that found the depth.

use super::{
    Plan, Scene, SceneError,
    gpu_data::{CameraGpu, TuneGpu},
    solver::{array_texture, tiles, view},
};
use crate::{
    gpu::{Gpu, Kernel, Timer, storage, uniform},
    telemetry::StageTimes,
};

/// How often every camera is compared.
const ROUNDS: usize = 8;
/// Px of disparity, and units of the opacity's logit, that a splat goes in a step of Adam.
const RATE: f32 = 0.1;
/// Longest side of the grid of splats, px; larger depth maps are tuned on every second, third … pixel, for the memory.
const MOST_SIDE_PX: u32 = 960;
/// Sources that are drawn into a camera.
const MOST_SOURCES: usize = 4;
/// Share of a source's opacity that stays however far it stands.
const FAR_SHARE: f64 = 0.15;
/// What a step keeps of Adam's means (as in the shader).
const KEEP: [f32; 2] = [0.8, 0.95];
/// Inverse depth and opacity of a splat.
const VALUE_BYTES: u64 = 8;
/// Adam's means of it.
const MOMENT_BYTES: u64 = 16;
/// A splat that is drawn: spot, look, link and slopes.
const SPLAT_BYTES: u64 = 16 + 16 + 4 + 8;
/// Stage of the times.
const STAGE: &str = "tune";

/// The pipelines.
#[derive(Debug)]
pub(super) struct Tuner {
    begin: Kernel,
    draw: Kernel,
    descend: Kernel,
    follow: Kernel,
    end: Kernel,
}

/// What is learned of one camera.
struct Learned {
    size: (u32, u32),
    values: wgpu::Buffer,
    moments: wgpu::Buffer,
    steps: i32,
}

/// What the splats of a camera's sources are sorted and judged with; the same for every camera.
struct Work {
    spots: wgpu::Buffer,
    looks: wgpu::Buffer,
    heads: wgpu::Buffer,
    links: wgpu::Buffer,
    slopes: wgpu::Buffer,
    grid: Grid,
}

/// How the points of all grids lie and are numbered.
#[derive(Clone, Copy)]
struct Grid {
    slot_size: u32,
    stride: u32,
}

impl Tuner {
    pub(super) fn new(gpu: &Gpu) -> Result<Self, SceneError> {
        let kernel = |entry| Kernel::new(gpu, "scene/tune.wgsl", entry, &[]);
        Ok(Self {
            begin: kernel("begin")?,
            draw: kernel("draw")?,
            descend: kernel("descend")?,
            follow: kernel("follow")?,
            end: kernel("end")?,
        })
    }

    /// Replaces the depth of the scene by the tuned one. `step` hears a share 0…1 after each camera; when it returns false the
    /// tuning ends with [`SceneError::Cancelled`] and the scene stays as it was.
    pub(super) fn tune(&self, gpu: &Gpu, scene: &mut Scene, step: &mut dyn FnMut(f32) -> bool) -> Result<StageTimes, SceneError> {
        let mut times = StageTimes::default();
        let n = scene.rig.cameras.len();
        if n < 3 {
            // One source alone says nothing: its splats have nobody to be compared with but those that they were matched with.
            return Ok(times);
        }
        let stride = stride_of(&scene.plan);
        let mut learned: Vec<Learned> = (0..n)
            .map(|i| {
                let size = grid_of(&scene.plan, i, stride);
                let splats = u64::from(size.0) * u64::from(size.1);
                let [values, moments] = [VALUE_BYTES, MOMENT_BYTES].map(|bytes| bytes * splats);
                Learned { size, values: storage(gpu, "splats", values), moments: storage(gpu, "moments", moments), steps: 0 }
            })
            .collect();
        let slot_size = learned.iter().map(|l| l.size.0 * l.size.1).max().unwrap_or(1);
        let splats = u64::from(slot_size) * MOST_SOURCES as u64;
        let work = Work {
            spots: storage(gpu, "spots", 16 * splats),
            looks: storage(gpu, "looks", 16 * splats),
            heads: storage(gpu, "heads", 4 * u64::from(slot_size)),
            links: storage(gpu, "links", 4 * splats),
            slopes: storage(gpu, "slopes", 8 * splats),
            grid: Grid { slot_size, stride },
        };
        let grid = work.grid;
        let depths = view(&scene.depths);
        let pictures = view(&scene.pictures);
        let mut timer = Timer::new(gpu);
        let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("tune") });
        encoder.clear_buffer(&work.slopes, 0, None);
        for (i, own) in learned.iter().enumerate() {
            let (cameras, tune) = alone(gpu, scene, i, own, grid);
            let bind = self.begin.bind(
                gpu,
                &[
                    (0, tune.as_entire_binding()),
                    (1, cameras.as_entire_binding()),
                    (2, wgpu::BindingResource::TextureView(&depths)),
                    (4, own.values.as_entire_binding()),
                    (5, own.moments.as_entire_binding()),
                ],
            );
            self.begin.dispatch(&mut encoder, &bind, tiles(own.size));
        }
        gpu.queue.submit([encoder.finish()]);
        for round in 0..ROUNDS {
            for target in 0..n {
                let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("tune") });
                timer.mark(&mut encoder, STAGE);
                self.compare(gpu, &mut encoder, scene, [&depths, &pictures], target, &mut learned, &work);
                timer.mark(&mut encoder, "");
                gpu.queue.submit([encoder.finish()]);
                times.merge(&timer.collect(gpu)?);
                if !step((round * n + target + 1) as f32 / (ROUNDS * n) as f32) {
                    return Err(SceneError::Cancelled);
                }
            }
        }
        // Makes room for the new depth.
        drop(work);
        gpu.wait()?;
        let tuned = array_texture(
            gpu,
            "tuned depths",
            (scene.depths.width(), scene.depths.height()),
            scene.depths.depth_or_array_layers(),
            wgpu::TextureFormat::Rg32Float,
        );
        let out = view(&tuned);
        let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("tuned") });
        for (i, own) in learned.iter().enumerate() {
            let (cameras, tune) = alone(gpu, scene, i, own, grid);
            let bind = self.end.bind(
                gpu,
                &[
                    (0, tune.as_entire_binding()),
                    (1, cameras.as_entire_binding()),
                    (2, wgpu::BindingResource::TextureView(&depths)),
                    (4, own.values.as_entire_binding()),
                    (16, wgpu::BindingResource::TextureView(&out)),
                ],
            );
            let w = &scene.plan.working[i];
            self.end.dispatch(&mut encoder, &bind, tiles((w.width_px, w.height_px)));
        }
        gpu.queue.submit([encoder.finish()]);
        gpu.wait()?;
        scene.depths = tuned;
        Ok(times)
    }

    /// Draws the sources of camera `target` into it, and moves them.
    fn compare(
        &self,
        gpu: &Gpu,
        encoder: &mut wgpu::CommandEncoder,
        scene: &Scene,
        [depths, pictures]: [&wgpu::TextureView; 2],
        target: usize,
        learned: &mut [Learned],
        work: &Work,
    ) {
        let sources = sources_of(scene, target);
        let cameras = uniform(gpu, "tune cameras", &cameras_of(scene, target, &sources));
        let size = learned[target].size;
        encoder.clear_buffer(&work.heads, 0, None);
        let parameters: Vec<wgpu::Buffer> = sources
            .iter()
            .enumerate()
            .map(|(slot, &(i, _))| {
                let own = &mut learned[i];
                own.steps += 1;
                let bias = KEEP.map(|keep| 1.0 - keep.powi(own.steps));
                uniform(gpu, "tune", &parameters_of(size, own.size, slot, sources.len(), work.grid, bias))
            })
            .collect();
        for (tune, &(i, _)) in parameters.iter().zip(&sources) {
            let bind = self.draw.bind(
                gpu,
                &[
                    (0, tune.as_entire_binding()),
                    (1, cameras.as_entire_binding()),
                    (3, wgpu::BindingResource::TextureView(pictures)),
                    (4, learned[i].values.as_entire_binding()),
                    (6, work.spots.as_entire_binding()),
                    (7, work.looks.as_entire_binding()),
                    (8, work.heads.as_entire_binding()),
                    (9, work.links.as_entire_binding()),
                ],
            );
            self.draw.dispatch(encoder, &bind, tiles(learned[i].size));
        }
        let Some(first) = parameters.first() else { return };
        let bind = self.descend.bind(
            gpu,
            &[
                (0, first.as_entire_binding()),
                (1, cameras.as_entire_binding()),
                (3, wgpu::BindingResource::TextureView(pictures)),
                (10, work.heads.as_entire_binding()),
                (11, work.spots.as_entire_binding()),
                (12, work.looks.as_entire_binding()),
                (13, work.links.as_entire_binding()),
                (14, work.slopes.as_entire_binding()),
            ],
        );
        self.descend.dispatch(encoder, &bind, tiles(size));
        for (tune, &(i, _)) in parameters.iter().zip(&sources) {
            let bind = self.follow.bind(
                gpu,
                &[
                    (0, tune.as_entire_binding()),
                    (1, cameras.as_entire_binding()),
                    (2, wgpu::BindingResource::TextureView(depths)),
                    (4, learned[i].values.as_entire_binding()),
                    (5, learned[i].moments.as_entire_binding()),
                    (15, work.slopes.as_entire_binding()),
                ],
            );
            self.follow.dispatch(encoder, &bind, tiles(learned[i].size));
        }
    }
}

/// Working px between the points of a grid.
fn stride_of(plan: &Plan) -> u32 {
    plan.working.iter().map(|w| w.width_px.max(w.height_px)).max().unwrap_or(1).div_ceil(MOST_SIDE_PX)
}

/// Size of the grid of a camera.
fn grid_of(plan: &Plan, camera: usize, stride: u32) -> (u32, u32) {
    (plan.working[camera].width_px.div_ceil(stride), plan.working[camera].height_px.div_ceil(stride))
}

/// What tuning takes beside the scene: what is learned stays, what it is learned with goes before the new depth comes.
pub(super) fn bytes(plan: &Plan, depth_bytes: u64) -> u64 {
    let splats = (0..plan.working.len()).map(|i| grid_of(plan, i, stride_of(plan))).map(|(w, h)| u64::from(w) * u64::from(h));
    let work = splats.clone().max().unwrap_or(0) * (SPLAT_BYTES * MOST_SOURCES as u64 + 4);
    splats.sum::<u64>() * (VALUE_BYTES + MOMENT_BYTES) + work.max(depth_bytes)
}

/// Cameras whose splats are drawn into `target`, with how opaque they are from there: those that it is matched with, the nearest most.
fn sources_of(scene: &Scene, target: usize) -> Vec<(usize, f64)> {
    let pivot = scene.plan.center_in_world;
    let towards = |i: usize| scene.rig.cameras[i].center_in_world() - pivot;
    let mut sources: Vec<(usize, f64)> = scene.plan.neighbours[target]
        .iter()
        .take(MOST_SOURCES)
        .map(|&i| {
            let angle = towards(target).angle_between(towards(i));
            (i, if angle.is_finite() { angle.max(1e-3) } else { std::f64::consts::PI })
        })
        .collect();
    let nearest = sources.iter().map(|s| s.1).fold(f64::INFINITY, f64::min);
    for source in &mut sources {
        source.1 = FAR_SHARE + (1.0 - FAR_SHARE) * nearest / source.1;
    }
    sources
}

fn cameras_of(scene: &Scene, target: usize, sources: &[(usize, f64)]) -> [CameraGpu; MOST_SOURCES + 1] {
    let origin = scene.plan.center_in_world;
    let camera = |i: usize, share: f64| CameraGpu::new(&scene.rig.cameras[i], origin, &scene.plan.working[i], i as u32, share as f32);
    let mut cameras = [camera(target, 1.0); MOST_SOURCES + 1];
    for (slot, &(i, share)) in cameras[1..].iter_mut().zip(sources) {
        *slot = camera(i, share);
        for (k, gain) in slot.gain.iter_mut().take(3).enumerate() {
            *gain = (scene.exposures[target][k] - scene.exposures[i][k]).exp2();
        }
    }
    cameras
}

fn parameters_of(size: (u32, u32), source: (u32, u32), slot: usize, sources: usize, grid: Grid, bias: [f32; 2]) -> TuneGpu {
    TuneGpu {
        width: size.0,
        height: size.1,
        source_width: source.0,
        source_height: source.1,
        stride: grid.stride,
        slot: slot as u32,
        slot_size: grid.slot_size,
        sources: sources as u32,
        rate: RATE,
        bias_mean: bias[0],
        bias_square: bias[1],
        pad: 0.0,
    }
}

/// Uniforms of a pass over one camera alone.
fn alone(gpu: &Gpu, scene: &Scene, i: usize, own: &Learned, grid: Grid) -> (wgpu::Buffer, wgpu::Buffer) {
    let cameras = uniform(gpu, "tune cameras", &cameras_of(scene, i, &[(i, 1.0)]));
    (cameras, uniform(gpu, "tune", &parameters_of(own.size, own.size, 0, 1, grid, [1.0; 2])))
}
