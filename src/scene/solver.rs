//! Records and runs the passes of a solve.

mod coarse;
mod exposures;
mod flatten;
mod prepare;
mod range;
mod shadings;
mod strategy;

pub(super) use shadings::bytes as shading_bytes;
pub use strategy::Aggregation;

use super::{
    Plan, Scene, SceneError, SceneOptions,
    gpu_data::{PairGpu, SolveGpu},
    layers::Layering,
    memory, plain,
    plan::{MAX_NEIGHBOURS, largest},
    resident::Resident,
    shading::Found,
    tune::Tuner,
};
use crate::{
    frame::Picture,
    gpu::{Gpu, Kernel, Timer, storage, uniform},
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
    layering: Layering,
    pub(super) resident: Resident,
    asks_rarely: bool,
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
            layering: Layering::new(gpu)?,
            resident: Resident::default(),
            asks_rarely: false,
            gpu: gpu.clone(),
        })
    }

    /// Asks between its steps as rarely as on a graphics processor, whatever it runs on: for tests of what is asked there.
    #[doc(hidden)]
    #[must_use]
    pub const fn asking_rarely(mut self) -> Self {
        self.asks_rarely = true;
        self
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

        let mut textures = self.upload(rig, pictures, &plan);
        self.build_levels(rig, &plan, &textures, None, &mut timer);
        times.merge(&timer.collect(&gpu)?);
        if n >= 2 && !plan.range_is_known {
            plan.rho_range = self.tighten_range(&plan, rig, &textures, &mut timer)?;
            times.merge(&timer.collect(&gpu)?);
        }
        let fine = options.thorough || !self.asks_rarely && self.gpu.is_software();
        let mut asking = Asking { step: &mut |share: f32| progress(0.05 + 0.1 * share), fine };
        asking.stage(0.0)?;
        let (found, is_evened) = self.search(&plan, rig, &textures, &mut timer, &mut asking)?;
        times.merge(&timer.collect(&gpu)?);
        for (i, coarse) in found.iter().enumerate() {
            let mut asking = Asking { step: &mut |share: f32| progress(0.15 + 0.7 * (i as f32 + share) / n as f32), fine };
            asking.stage(0.0)?;
            self.solve_camera(&plan, rig, (i, coarse), &textures, options.thorough, &mut timer, &mut asking)?;
            times.merge(&timer.collect(&gpu)?);
        }
        // What only the coarse levels and the candidates need makes room for the second depth.
        textures.levels.truncate(1);
        let mut asking = Asking { step: &mut |share: f32| progress(0.85 + 0.15 * share), fine };
        let depths = self.finish(&plan, rig, &textures, &mut timer, &mut asking)?;
        times.merge(&timer.collect(&gpu)?);
        if !progress(1.0) {
            return Err(SceneError::Cancelled);
        }
        if is_evened {
            // Exposures and what lenses make of them are of the pictures as they are.
            self.build_levels(rig, &plan, &textures, None, &mut timer);
        }
        let (Found { exposures, shadings }, match_secs) = self.matched(&plan, rig, &textures, &depths, &mut timer)?;
        times.merge(&timer.collect(&gpu)?);
        let thorough = options.thorough;
        let on_gpu = textures.pictures;
        // Tuning needs room, and neither working pictures nor unchecked depth.
        drop((textures.levels, textures.depths));
        let mut scene = Scene {
            rig: rig.clone(),
            exposures,
            shadings,
            matching: options.matching,
            by_hand: vec![],
            plan,
            pictures: on_gpu,
            depths,
            thorough,
            aligned: !options.plain,
            times,
            match_secs,
            background: None,
        };
        if thorough {
            let tuned = self.tuner.tune(&gpu, &mut scene, &mut |p| whole(share + TUNE_SHARE * p))?;
            scene.times.merge(&tuned);
        }
        if n >= 2
            && !options.has_plates
            && let Some(plates) = plain::plates(pictures)
        {
            tracing::debug!("a plain backdrop");
            self.layering.split_plain(&mut scene, pictures, &plates)?;
        }
        Ok(scene)
    }

    /// An array of depth maps, one layer per camera.
    fn depth_texture(&self, plan: &Plan) -> wgpu::Texture {
        array_texture(&self.gpu, "depths", plan.layer_size(0), plan.working.len() as u32, wgpu::TextureFormat::Rg32Float)
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

    /// Depth of one camera, from what was found at the coarsest level.
    fn solve_camera(
        &self,
        plan: &Plan,
        rig: &Rig,
        (i, coarse): (usize, &wgpu::Buffer),
        textures: &Textures,
        thorough: bool,
        timer: &mut Timer,
        asking: &mut Asking<'_>,
    ) -> Result<(), SceneError> {
        let gpu = &self.gpu;
        let (pairs, _) = self.pairs(plan, rig, i);
        let full = plan.level_size(i, 0);
        let bytes = u64::from(full.0) * u64::from(full.1) * memory::STATE_BYTES;
        let mut states = [storage(gpu, "state", bytes), storage(gpu, "state", bytes)];
        let coarsest = plan.levels - 1;
        let mut parameters = self.parameters(plan, i, coarsest);
        let mut level_view = view(&textures.levels[coarsest as usize]);
        let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("refine") });
        encoder.copy_buffer_to_buffer(coarse, 0, &states[0], 0, coarse.size());
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
                asking.pass(gpu, done.min(0.95))?;
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

    /// Consistency of the depth of all cameras with each other's.
    fn check(&self, encoder: &mut wgpu::CommandEncoder, plan: &Plan, rig: &Rig, from: &wgpu::TextureView, to: &wgpu::TextureView) {
        for i in 0..rig.cameras.len() {
            let parameters = self.parameters(plan, i, 0);
            let (pairs, _) = self.pairs(plan, rig, i);
            let solve = uniform(&self.gpu, "solve", &parameters);
            let bind = self.check.bind(
                &self.gpu,
                &[
                    (0, solve.as_entire_binding()),
                    (1, pairs.as_entire_binding()),
                    (5, wgpu::BindingResource::TextureView(to)),
                    (6, wgpu::BindingResource::TextureView(from)),
                ],
            );
            self.check.dispatch(encoder, &bind, tiles((parameters.width, parameters.height)));
        }
    }

    /// Consistency over all cameras, then repair; the result.
    fn finish(
        &self,
        plan: &Plan,
        rig: &Rig,
        textures: &Textures,
        timer: &mut Timer,
        asking: &mut Asking<'_>,
    ) -> Result<wgpu::Texture, SceneError> {
        let gpu = &self.gpu;
        let level_view = view(&textures.levels[0]);
        let checked = self.depth_texture(plan);
        let views = [view(&checked), view(&textures.depths)];
        let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("finish") });
        timer.mark(&mut encoder, "check");
        self.check(&mut encoder, plan, rig, &views[1], &views[0]);
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
            if asking.fine {
                timer.mark(&mut encoder, "");
                let next = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("finish") });
                gpu.queue.submit([std::mem::replace(&mut encoder, next).finish()]);
                asking.pass(gpu, k as f32 / REPAIR_STRIDES.len() as f32)?;
            }
        }
        timer.mark(&mut encoder, "");
        gpu.queue.submit([encoder.finish()]);
        gpu.wait()?;
        asking.stage(0.9)?;
        self.put_on_planes(plan, rig, textures, &checked, timer, asking)?;
        Ok(checked)
    }
}

/// Asks whoever wants the scene whether he still does.
struct Asking<'a> {
    step: &'a mut dyn FnMut(f32) -> bool,
    /// Where a pass takes long, and in the background, after every pass, which is waited for. Else only where the GPU was waited for anyway:
    /// waiting for each pass costs a fast one more than the pass.
    fine: bool,
}

impl Asking<'_> {
    /// A pass was submitted.
    fn pass(&mut self, gpu: &Gpu, share: f32) -> Result<(), SceneError> {
        if !self.fine {
            return Ok(());
        }
        gpu.wait()?;
        self.stage(share)
    }

    /// A stage is over.
    fn stage(&mut self, share: f32) -> Result<(), SceneError> {
        if (self.step)(share) { Ok(()) } else { Err(SceneError::Cancelled) }
    }
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
