//! Records and runs the passes of a solve.

mod exposures;
mod flatten;
mod range;
mod shadings;
mod strategy;

pub(super) use shadings::bytes as shading_bytes;
pub use strategy::Aggregation;

use super::{
    Plan, Scene, SceneError, SceneOptions,
    gpu_data::{CameraGpu, PairGpu, PrepareGpu, SolveGpu},
    memory,
    plan::{MAX_NEIGHBOURS, largest},
    shading::Found,
    tune::Tuner,
    upload::write_layer,
};
use crate::{
    frame::Picture,
    gpu::{Gpu, Kernel, Timer, storage, storage_init, uniform},
    rig::Rig,
    telemetry::StageTimes,
};

/// Passes of refinement per level, finest first; coarser levels beyond the list use the last.
const REFINE_PASSES: [u32; 3] = [1, 2, 4];
/// The same for a thorough solve, which takes twice the time of the whole solve and gave 0.1 dB.
const THOROUGH_PASSES: [u32; 3] = [3, 3, 4];
/// Share of a thorough solve's progress that the tuning takes.
const TUNE_SHARE: f32 = 0.4;
/// Strides of the repair passes, px.
const REPAIR_STRIDES: [u32; 6] = [1, 2, 4, 8, 4, 1];
/// Share of the absolute colour difference in the matching cost.
const COLOR_WEIGHT: f32 = 0.12;
/// Weight of the smoothness term against the matching cost.
const SMOOTHNESS: f32 = 0.08;

/// Owns the pipelines of the solve.
#[derive(Debug)]
pub struct SceneSolver {
    gpu: Gpu,
    undistort: Kernel,
    halve: Kernel,
    pack: Kernel,
    sweep: Kernel,
    sweep_all: Kernel,
    aggregate: Kernel,
    aggregate_wide: Kernel,
    aggregation: Aggregation,
    select_best: Kernel,
    slopes: Kernel,
    upsample: Kernel,
    refine: Kernel,
    store: Kernel,
    check: Kernel,
    repair: Kernel,
    sample: Kernel,
    flatten: Kernel,
    compare: Kernel,
    surfaces: Kernel,
    tuner: Tuner,
}

/// The textures of one solve.
struct Textures {
    pictures: wgpu::Texture,
    levels: Vec<wgpu::Texture>,
    /// Before the check.
    depths: wgpu::Texture,
}

pub(super) fn view(texture: &wgpu::Texture) -> wgpu::TextureView {
    texture.create_view(&wgpu::TextureViewDescriptor { dimension: Some(wgpu::TextureViewDimension::D2Array), ..Default::default() })
}

pub(super) fn array_texture(gpu: &Gpu, label: &str, size: (u32, u32), layers: u32, format: wgpu::TextureFormat) -> wgpu::Texture {
    gpu.device.create_texture(&wgpu::TextureDescriptor {
        label: Some(label),
        size: wgpu::Extent3d { width: size.0, height: size.1, depth_or_array_layers: layers },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format,
        usage: wgpu::TextureUsages::TEXTURE_BINDING
            | wgpu::TextureUsages::STORAGE_BINDING
            | wgpu::TextureUsages::COPY_DST
            | wgpu::TextureUsages::COPY_SRC,
        view_formats: &[],
    })
}

pub(super) fn tiles(size: (u32, u32)) -> [u32; 3] {
    [size.0.div_ceil(8), size.1.div_ceil(8), 1]
}

impl SceneSolver {
    /// Compiles the pipelines.
    pub fn new(gpu: &Gpu) -> Result<Self, SceneError> {
        let kernel = |shader: &str, entry: &str| Kernel::new(gpu, &format!("scene/{shader}.wgsl"), entry, &[]);
        let (aggregate, aggregate_wide) = (kernel("sgm", "aggregate")?, kernel("sgm", "aggregate_wide")?);
        Ok(Self {
            aggregation: Aggregation::fastest(gpu, &aggregate, &aggregate_wide)?,
            undistort: kernel("prepare", "undistort")?,
            halve: kernel("prepare", "halve")?,
            pack: kernel("quads", "pack")?,
            sweep: kernel("sweep", "sweep")?,
            sweep_all: kernel("sweep", "sweep_all")?,
            aggregate,
            aggregate_wide,
            select_best: kernel("sgm", "select_best")?,
            slopes: kernel("refine", "slopes")?,
            upsample: kernel("refine", "upsample")?,
            refine: kernel("refine", "refine")?,
            store: kernel("finish", "store")?,
            check: kernel("finish", "check")?,
            repair: kernel("finish", "repair")?,
            sample: kernel("flatten", "sample")?,
            flatten: kernel("flatten", "flatten")?,
            compare: kernel("gains", "compare")?,
            surfaces: kernel("gains", "surfaces")?,
            tuner: Tuner::new(gpu)?,
            gpu: gpu.clone(),
        })
    }

    /// Solves depth and confidence for every camera; `pictures[i]` belongs to `rig.cameras[i]` and has its size. `progress`
    /// gets 0…1 and returns false to cancel.
    pub fn solve(
        &mut self,
        rig: &Rig,
        pictures: &[&Picture],
        options: &SceneOptions,
        progress: &mut dyn FnMut(f32) -> bool,
    ) -> Result<Scene, SceneError> {
        check_input(rig, pictures, &self.gpu)?;
        let gpu = self.gpu.clone();
        gpu.checked("solving a scene", || Ok(self.solve_unchecked(rig, pictures, options, progress)))?
    }

    fn solve_unchecked(
        &mut self,
        rig: &Rig,
        pictures: &[&Picture],
        options: &SceneOptions,
        whole: &mut dyn FnMut(f32) -> bool,
    ) -> Result<Scene, SceneError> {
        let gpu = self.gpu.clone();
        let share = if options.thorough { 1.0 - TUNE_SHARE } else { 1.0 };
        let progress = &mut |p: f32| whole(share * p);
        let fitting = options.fitted(rig, u64::MAX, memory::most_binding_bytes(&gpu));
        if fitting != *options {
            tracing::warn!(
                depth_size_px = fitting.max_depth_size_px,
                "this GPU binds too little memory for full depth; it is made smaller"
            );
        }
        let mut plan = Plan::new(rig, fitting.max_depth_size_px);
        let n = rig.cameras.len();
        let mut times = StageTimes::default();
        let mut timer = Timer::new(&gpu);

        let mut textures = self.prepare(rig, pictures, &plan, &mut timer);
        times.merge(&timer.collect(&gpu)?);
        if n >= 2 && !plan.range_is_known {
            plan.rho_range = self.tighten_range(&plan, rig, &textures, &mut timer)?;
            times.merge(&timer.collect(&gpu)?);
        }
        // Where a pass takes long, and in the background, the caller is asked after every pass; else only after every camera, because
        // waiting for each pass costs a fast GPU more than the pass.
        let fine = self.gpu.is_software() || options.thorough;
        for i in 0..n {
            let mut step = |share: f32| progress(0.05 + 0.8 * (i as f32 + share) / n as f32);
            if !step(0.0) {
                return Err(SceneError::Cancelled);
            }
            let mut between: Option<&mut dyn FnMut(f32) -> bool> = if fine { Some(&mut step) } else { None };
            self.solve_camera(&plan, rig, i, &textures, options.thorough, &mut timer, &mut between)?;
            times.merge(&timer.collect(&gpu)?);
        }
        // What only the coarse levels and the candidates need makes room for the second depth.
        textures.levels.truncate(1);
        let mut step = |share: f32| progress(0.85 + 0.15 * share);
        let mut between: Option<&mut dyn FnMut(f32) -> bool> = if fine { Some(&mut step) } else { None };
        let depths = self.finish(&plan, rig, &textures, &mut timer, &mut between)?;
        times.merge(&timer.collect(&gpu)?);
        if !progress(1.0) {
            return Err(SceneError::Cancelled);
        }
        let exposures = self.exposures(&plan, rig, &textures, &depths, &mut timer)?;
        let Found { exposures, shadings } = self.shadings(&plan, rig, &textures, &depths, &mut timer, &exposures)?;
        times.merge(&timer.collect(&gpu)?);
        let thorough = options.thorough;
        let pictures = textures.pictures;
        // Tuning needs room, and neither working pictures nor unchecked depth.
        drop((textures.levels, textures.depths));
        let mut scene = Scene {
            rig: rig.clone(),
            exposures,
            shadings,
            matching: options.matching,
            by_hand: vec![],
            plan,
            pictures,
            depths,
            thorough,
            aligned: !options.plain,
            times,
            background: None,
        };
        if thorough {
            let tuned = self.tuner.tune(&gpu, &mut scene, &mut |p| whole(share + TUNE_SHARE * p))?;
            scene.times.merge(&tuned);
        }
        Ok(scene)
    }

    /// An array of depth maps, one layer per camera.
    fn depth_texture(&self, plan: &Plan) -> wgpu::Texture {
        array_texture(&self.gpu, "depths", plan.layer_size(0), plan.working.len() as u32, wgpu::TextureFormat::Rg32Float)
    }

    /// Uploads the pictures and builds the working pyramid.
    fn prepare(&self, rig: &Rig, pictures: &[&Picture], plan: &Plan, timer: &mut Timer) -> Textures {
        let gpu = &self.gpu;
        let n = rig.cameras.len() as u32;
        let picture_size = largest(rig.cameras.iter().map(|c| (c.width_px, c.height_px)));
        let textures = Textures {
            pictures: array_texture(gpu, "pictures", picture_size, n, wgpu::TextureFormat::Rgba8Unorm),
            // One level more than the plan has: the range finder works below the coarsest.
            levels: (0..=plan.levels)
                .map(|l| array_texture(gpu, "level", plan.layer_size(l), n, wgpu::TextureFormat::Rgba8Unorm))
                .collect(),
            depths: self.depth_texture(plan),
        };
        for (layer, picture) in pictures.iter().enumerate() {
            write_layer(gpu, &textures.pictures, layer, (picture.width(), picture.height()), picture.rgba());
        }
        let cameras: Vec<CameraGpu> =
            rig.cameras.iter().enumerate().map(|(i, c)| CameraGpu::new(c, plan.center_in_world, &plan.working[i], i as u32, 0.0)).collect();
        let cameras = storage_init(gpu, "cameras", &cameras);
        let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("prepare") });
        timer.mark(&mut encoder, "prepare");
        let picture_view = view(&textures.pictures);
        let level_views: Vec<_> = textures.levels.iter().map(view).collect();
        for i in 0..rig.cameras.len() {
            let (w, h) = plan.level_size(i, 0);
            let samples = (f64::from(rig.cameras[i].width_px) / f64::from(w)).ceil().clamp(1.0, 8.0) as u32;
            let parameters = uniform(gpu, "prepare", &PrepareGpu { camera: i as u32, width: w, height: h, samples });
            let bind = self.undistort.bind(
                gpu,
                &[
                    (0, parameters.as_entire_binding()),
                    (1, cameras.as_entire_binding()),
                    (2, wgpu::BindingResource::TextureView(&picture_view)),
                    (3, wgpu::BindingResource::TextureView(&level_views[0])),
                ],
            );
            self.undistort.dispatch(&mut encoder, &bind, tiles((w, h)));
            for l in 1..=plan.levels {
                let (fine, size) = (plan.level_size(i, l - 1), plan.level_size(i, l));
                let parameters =
                    uniform(gpu, "halve", &PrepareGpu { camera: i as u32, width: size.0, height: size.1, samples: fine.1 << 16 | fine.0 });
                let bind = self.halve.bind(
                    gpu,
                    &[
                        (0, parameters.as_entire_binding()),
                        (1, cameras.as_entire_binding()),
                        (3, wgpu::BindingResource::TextureView(&level_views[l as usize])),
                        (4, wgpu::BindingResource::TextureView(&level_views[l as usize - 1])),
                    ],
                );
                self.halve.dispatch(&mut encoder, &bind, tiles(size));
            }
        }
        timer.mark(&mut encoder, "");
        gpu.queue.submit([encoder.finish()]);
        textures
    }

    fn pairs(&self, plan: &Plan, rig: &Rig, i: usize) -> (wgpu::Buffer, Vec<PairGpu>) {
        let mut pairs: Vec<PairGpu> = plan.neighbours[i]
            .iter()
            .map(|&s| PairGpu::new((&rig.cameras[i], &plan.working[i]), (&rig.cameras[s], &plan.working[s]), s as u32))
            .collect();
        let used = pairs.clone();
        pairs.resize(MAX_NEIGHBOURS, bytemuck::Zeroable::zeroed());
        let pairs: [PairGpu; MAX_NEIGHBOURS] = std::array::from_fn(|k| pairs[k]);
        (uniform(&self.gpu, "pairs", &pairs), used)
    }

    #[allow(clippy::unused_self, reason = "called like the passes that it serves")]
    fn parameters(&self, plan: &Plan, i: usize, level: u32) -> SolveGpu {
        let (width, height) = plan.level_size(i, level);
        let depths = plan.depth_count(i, level);
        let quads = largest(plan.neighbours[i].iter().map(|&s| plan.level_size(s, level)));
        SolveGpu {
            width,
            height,
            layer: i as u32,
            depths,
            rho_min: plan.rho_range.0 as f32,
            rho_step: ((plan.rho_range.1 - plan.rho_range.0) / f64::from(depths - 1)) as f32,
            scale: (1_u32 << level) as f32,
            rho_per_px: plan.working[i].rho_per_px as f32,
            iteration: 0,
            stride: 1.0,
            smoothness: SMOOTHNESS,
            color_weight: COLOR_WEIGHT,
            rho_max: plan.rho_range.1 as f32,
            sources: plan.neighbours[i].len() as u32,
            p1: 6.0,
            p2: 60.0,
            second_share: plan.second_share[i],
            quad_width: quads.0,
            quad_rows: quads.1,
            pad_a: 0.0,
        }
    }

    /// Packs the luma of the sources at the level of `parameters`.
    fn pack_quads(
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
    fn coarse(
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

    /// Depth of one camera; `between` its passes, where it is given, the GPU is waited for and the caller asked.
    fn solve_camera(
        &self,
        plan: &Plan,
        rig: &Rig,
        i: usize,
        textures: &Textures,
        thorough: bool,
        timer: &mut Timer,
        between: &mut Option<&mut dyn FnMut(f32) -> bool>,
    ) -> Result<(), SceneError> {
        let gpu = &self.gpu;
        let (pairs, _) = self.pairs(plan, rig, i);
        let full = plan.level_size(i, 0);
        let bytes = u64::from(full.0) * u64::from(full.1) * memory::STATE_BYTES;
        let mut states = [storage(gpu, "state", bytes), storage(gpu, "state", bytes)];
        let coarsest = plan.levels - 1;
        let mut parameters = self.parameters(plan, i, coarsest);
        let mut level_view = view(&textures.levels[coarsest as usize]);
        self.coarse("sweep", (&parameters, plan.looks_apart[i]), &pairs, &level_view, &states[0], timer);

        let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("refine") });
        let run = |kernel: &Kernel,
                   encoder: &mut wgpu::CommandEncoder,
                   p: &SolveGpu,
                   v: &wgpu::TextureView,
                   s: &[wgpu::Buffer; 2],
                   extra: Option<[u32; 4]>,
                   quads: Option<&wgpu::TextureView>| {
            let solve = uniform(gpu, "solve", p);
            let coarse = uniform(gpu, "coarse", &extra.unwrap_or([0; 4]));
            let mut resources = vec![(0, solve.as_entire_binding()), (4, s[0].as_entire_binding()), (5, s[1].as_entire_binding())];
            if quads.is_some() || extra.is_some() {
                resources.push((2, wgpu::BindingResource::TextureView(v)));
            }
            if let Some(quads) = quads {
                resources.push((8, wgpu::BindingResource::TextureView(quads)));
                resources.push((1, pairs.as_entire_binding()));
            }
            if extra.is_some() {
                resources.push((6, coarse.as_entire_binding()));
            }
            let bind = kernel.bind(gpu, &resources);
            kernel.dispatch(encoder, &bind, tiles((p.width, p.height)));
        };
        timer.mark(&mut encoder, "slopes");
        run(&self.slopes, &mut encoder, &parameters, &level_view, &states, None, None);
        states.swap(0, 1);
        let mut done = 0.0_f32;
        for level in (0..=coarsest).rev() {
            if level != coarsest {
                let coarse_size = (parameters.width, parameters.height);
                parameters = self.parameters(plan, i, level);
                level_view = view(&textures.levels[level as usize]);
                timer.mark(&mut encoder, "upsample");
                run(&self.upsample, &mut encoder, &parameters, &level_view, &states, Some([coarse_size.0, coarse_size.1, 0, 0]), None);
                states.swap(0, 1);
            }
            timer.mark(&mut encoder, &format!("refine L{level}"));
            let quads = self.pack_quads(&mut encoder, &parameters, &pairs, &level_view);
            let table = if thorough { THOROUGH_PASSES } else { REFINE_PASSES };
            let passes = table[(level as usize).min(table.len() - 1)];
            for pass in 0..passes {
                parameters.iteration = level * 8 + pass;
                parameters.stride = if level == 0 { 2.0 } else { 1.0 };
                timer.mark(&mut encoder, &format!("refine L{level}"));
                run(&self.refine, &mut encoder, &parameters, &level_view, &states, None, Some(&quads));
                states.swap(0, 1);
                timer.mark(&mut encoder, "");
                gpu.queue.submit([std::mem::replace(
                    &mut encoder,
                    gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("refine") }),
                )
                .finish()]);
                // Each level costs a quarter of the one below it.
                done += 0.75 * 0.25_f32.powi(level as i32) / passes as f32;
                ask(gpu, between, done.min(0.95))?;
            }
        }
        let solve = uniform(gpu, "solve", &parameters);
        let out = view(&textures.depths);
        let bind = self.store.bind(
            gpu,
            &[(0, solve.as_entire_binding()), (4, states[0].as_entire_binding()), (5, wgpu::BindingResource::TextureView(&out))],
        );
        self.store.dispatch(&mut encoder, &bind, tiles((parameters.width, parameters.height)));
        gpu.queue.submit([encoder.finish()]);
        Ok(gpu.wait()?)
    }

    /// Consistency over all cameras, then repair; the result.
    fn finish(
        &self,
        plan: &Plan,
        rig: &Rig,
        textures: &Textures,
        timer: &mut Timer,
        between: &mut Option<&mut dyn FnMut(f32) -> bool>,
    ) -> Result<wgpu::Texture, SceneError> {
        let gpu = &self.gpu;
        let level_view = view(&textures.levels[0]);
        let checked = self.depth_texture(plan);
        let views = [view(&checked), view(&textures.depths)];
        let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("finish") });
        timer.mark(&mut encoder, "check");
        for i in 0..rig.cameras.len() {
            let parameters = self.parameters(plan, i, 0);
            let (pairs, _) = self.pairs(plan, rig, i);
            let solve = uniform(gpu, "solve", &parameters);
            let bind = self.check.bind(
                gpu,
                &[
                    (0, solve.as_entire_binding()),
                    (1, pairs.as_entire_binding()),
                    (5, wgpu::BindingResource::TextureView(&views[0])),
                    (6, wgpu::BindingResource::TextureView(&views[1])),
                ],
            );
            self.check.dispatch(&mut encoder, &bind, tiles((parameters.width, parameters.height)));
        }
        // An even number of passes brings the result back to `checked`.
        for (k, stride) in REPAIR_STRIDES.iter().enumerate() {
            timer.mark(&mut encoder, "repair");
            for i in 0..rig.cameras.len() {
                let parameters = SolveGpu { stride: *stride as f32, ..self.parameters(plan, i, 0) };
                let solve = uniform(gpu, "solve", &parameters);
                let bind = self.repair.bind(
                    gpu,
                    &[
                        (0, solve.as_entire_binding()),
                        (2, wgpu::BindingResource::TextureView(&level_view)),
                        (5, wgpu::BindingResource::TextureView(&views[(k + 1) % 2])),
                        (6, wgpu::BindingResource::TextureView(&views[k % 2])),
                    ],
                );
                self.repair.dispatch(&mut encoder, &bind, tiles((parameters.width, parameters.height)));
            }
            if between.is_some() {
                timer.mark(&mut encoder, "");
                let next = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("finish") });
                gpu.queue.submit([std::mem::replace(&mut encoder, next).finish()]);
                ask(gpu, between, k as f32 / REPAIR_STRIDES.len() as f32)?;
            }
        }
        timer.mark(&mut encoder, "");
        gpu.queue.submit([encoder.finish()]);
        gpu.wait()?;
        self.put_on_planes(plan, rig, textures, &checked, timer, between)?;
        Ok(checked)
    }
}

/// Waits for what was submitted and asks whether to go on, where that is wanted.
fn ask(gpu: &Gpu, between: &mut Option<&mut dyn FnMut(f32) -> bool>, share: f32) -> Result<(), SceneError> {
    let Some(between) = between else { return Ok(()) };
    gpu.wait()?;
    if between(share) { Ok(()) } else { Err(SceneError::Cancelled) }
}

pub(super) fn check_input(rig: &Rig, pictures: &[&Picture], gpu: &Gpu) -> Result<(), SceneError> {
    if rig.cameras.is_empty() {
        return Err(SceneError::Input("a scene needs at least one camera; the rig has none".to_owned()));
    }
    if rig.cameras.len() != pictures.len() {
        return Err(SceneError::Input(format!("{} pictures for a rig of {} cameras", pictures.len(), rig.cameras.len())));
    }
    let limit = gpu.device.limits().max_texture_dimension_2d;
    for (c, p) in rig.cameras.iter().zip(pictures) {
        if (c.width_px, c.height_px) != (p.width(), p.height()) {
            return Err(SceneError::Input(format!(
                "camera {:?} is calibrated for {}×{} px, its picture has {}×{} px. Fit the rig to the pictures first, or give the pictures it was made for",
                c.name,
                c.width_px,
                c.height_px,
                p.width(),
                p.height()
            )));
        }
        if p.width() > limit || p.height() > limit {
            return Err(SceneError::Input(format!("the picture of camera {:?} is wider than this GPU takes ({limit} px)", c.name)));
        }
    }
    Ok(())
}
