//! Records and runs the passes of a view.

mod color;
mod layers;

use color::Job;
use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};

use super::{
    View, ViewError, ViewMode, ViewReport,
    align::{self, Align, Inputs},
    graphics::{DrawGpu, GraphicsPass, ShapeGpu},
    light,
    memory::{self, SPLAT_BYTES, SURFACE_BYTES},
    polish::{self, Polish, PolishGpu},
    sources,
    specks::Specks,
    strobe::{StrobeGpu, StrobePass},
    veil::{Veil, VeilGpu},
};
use crate::{
    gpu::{
        Gpu, Kernel, Timer,
        layout::{ShaderStruct as _, StructLayout},
        storage, storage_init, uniform,
    },
    rig::Camera,
    scene::{
        Scene,
        gpu_data::{CameraGpu, Working},
    },
    telemetry::StageTimes,
};

/// `View` of shaders/view/common.wgsl.
#[repr(C)]
#[derive(Debug, Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
pub struct ViewGpu {
    /// Target size, px.
    pub width: u32,
    /// See `width`.
    pub height: u32,
    /// Sources used.
    pub sources: u32,
    /// 1: rays from the buffer.
    pub has_rays: u32,
    /// Inverse depth of the pivot plane.
    pub rho_pivot: f32,
    /// Scene bounds.
    pub rho_min: f32,
    /// Scene bounds.
    pub rho_max: f32,
    /// 1: plane only.
    pub plane_only: u32,
    /// Share below the best score that a nearer surface may have; weight of conflict; of disagreement in colour; trust below
    /// which the smooth surface is used.
    pub tune: [f32; 4],
    /// Px between the nodes of the grid of shifts; 0: sources are not moved.
    pub align_step: u32,
    /// 1: what is behind the moment is a plain backdrop.
    pub plain_backdrop: u32,
    /// Of the layout.
    pub pad_b: u32,
    /// Of the layout.
    pub pad_c: u32,
}

crate::shader_struct!(ViewGpu as "View" in "view/splat.wgsl" {
    width, height, sources, has_rays, rho_pivot, rho_min, rho_max, plane_only, tune, align_step, plain_backdrop, pad_b, pad_c,
});

/// What the view uploads, for the test that compares it with the shaders. (Its cameras are the scene's.)
pub(crate) fn shader_structs() -> Vec<StructLayout> {
    vec![ViewGpu::LAYOUT, PolishGpu::LAYOUT, VeilGpu::LAYOUT, DrawGpu::LAYOUT, ShapeGpu::LAYOUT, StrobeGpu::LAYOUT]
}

/// Cameras that the passes take at most: the target and its sources.
const VIEW_CAMERAS: usize = 7;

/// Chosen by leave-one-out on the development sets (docs/synthesis.md): see [`ViewGpu::tune`].
const TUNING: [f32; 4] = [0.3, 0.8, 1.0, 0.05];
/// Trust below which [`ViewMode::SoftFade`] uses the smooth surface and the angle alone.
const SOFT_TRUST: f32 = 0.6;

/// Owns the pipelines of the synthesis.
#[derive(Debug)]
pub struct ViewSynthesizer {
    gpu: Gpu,
    scatter: Kernel,
    vote: Kernel,
    settle: Kernel,
    mend: Kernel,
    polish: Polish,
    polishes: bool,
    align: Align,
    specks: Specks,
    veil: Veil,
    shade: Kernel,
    compose: Kernel,
    gather: Kernel,
    reduce: Kernel,
    spread: Kernel,
    lean: Kernel,
    pub(super) graphics: GraphicsPass,
    pub(super) strobe: StrobePass,
    /// Rays of the last distorted target (lens, size): an orbit asks for the same lens again and again.
    rays: Option<(crate::geometry::Lens, (u32, u32), wgpu::Buffer)>,
    times: StageTimes,
}

/// The target, then its sources, each with what brings its light to the view's.
pub(super) fn cameras_of(scene: &Scene, target: &Camera, mode: ViewMode, chosen: &[(usize, f32)]) -> [CameraGpu; VIEW_CAMERAS] {
    let working = Working {
        width_px: target.width_px,
        height_px: target.height_px,
        lens: [target.lens.fx_px, target.lens.fy_px, target.lens.cx_px, target.lens.cy_px],
        rho_per_px: 1.0,
    };
    let origin = scene.plan.center_in_world;
    let mut cameras = vec![CameraGpu::new(target, origin, &working, 0, 0.0)];
    cameras.extend(chosen.iter().map(|&(i, w)| CameraGpu::new(&scene.rig.cameras[i], origin, &scene.plan.working[i], i as u32, w)));
    light::bring_to_view(scene, mode, chosen, &mut cameras);
    cameras.resize(VIEW_CAMERAS, bytemuck::Zeroable::zeroed());
    std::array::from_fn(|k| cameras[k])
}

pub(super) fn parameters_of(scene: &Scene, target: &Camera, mode: ViewMode, sources: usize) -> ViewGpu {
    let origin = scene.plan.center_in_world;
    let z_pivot = target.camera_from_world.apply(origin).z;
    let (rho_min, rho_max) = scene.plan.rho_range;
    // A target behind or at the pivot has no plane in front of it: then the middle of the range serves.
    let rho_pivot = if z_pivot > 1e-6 { 1.0 / z_pivot } else { 0.5 * (rho_min + rho_max) };
    ViewGpu {
        width: target.width_px,
        height: target.height_px,
        sources: sources as u32,
        has_rays: u32::from(!target.lens.distortion.is_none()),
        rho_pivot: rho_pivot as f32,
        // The target may stand nearer or farther than any camera; only nonsense is cut off.
        rho_min: (rho_min * 0.2).min(rho_pivot * 0.2) as f32,
        rho_max: (rho_max * 5.0).max(rho_pivot * 5.0) as f32,
        plane_only: u32::from(matches!(mode, ViewMode::CrossFade | ViewMode::Nearest)),
        tune: if mode == ViewMode::SoftFade { [TUNING[0], TUNING[1], TUNING[2], SOFT_TRUST] } else { TUNING },
        align_step: if scene.aligned && mode.needs_depth() { align::STEP_PX } else { 0 },
        plain_backdrop: u32::from(scene.background.as_ref().is_some_and(|b| b.is_plain)),
        pad_b: 0,
        pad_c: 0,
    }
}

/// The texture of a view.
pub(super) fn picture_texture(gpu: &Gpu, (width, height): (u32, u32)) -> wgpu::Texture {
    gpu.device.create_texture(&wgpu::TextureDescriptor {
        label: Some("view"),
        size: wgpu::Extent3d { width, height, depth_or_array_layers: 1 },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format: wgpu::TextureFormat::Rgba8Unorm,
        usage: wgpu::TextureUsages::STORAGE_BINDING | wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_SRC,
        view_formats: &[],
    })
}

impl ViewSynthesizer {
    /// Compiles the pipelines.
    pub fn new(gpu: &Gpu) -> Result<Self, ViewError> {
        Ok(Self {
            scatter: Kernel::new(gpu, "view/splat.wgsl", "scatter", &[])?,
            vote: Kernel::new(gpu, "view/vote.wgsl", "vote", &[])?,
            settle: Kernel::new(gpu, "view/settle.wgsl", "settle", &[])?,
            mend: Kernel::new(gpu, "view/vote.wgsl", "mend", &[])?,
            polish: Polish::new(gpu)?,
            polishes: true,
            align: Align::new(gpu)?,
            specks: Specks::new(gpu)?,
            veil: Veil::new(gpu)?,
            shade: Kernel::new(gpu, "view/shade.wgsl", "shade", &[])?,
            compose: Kernel::new(gpu, "view/compose.wgsl", "compose", &[])?,
            gather: Kernel::new(gpu, "view/smooth.wgsl", "gather", &[])?,
            reduce: Kernel::new(gpu, "view/smooth.wgsl", "reduce", &[])?,
            spread: Kernel::new(gpu, "view/smooth.wgsl", "spread", &[])?,
            lean: Kernel::new(gpu, "view/smooth.wgsl", "lean", &[])?,
            graphics: GraphicsPass::new(gpu)?,
            strobe: StrobePass::new(gpu)?,
            rays: None,
            times: StageTimes::default(),
            gpu: gpu.clone(),
        })
    }

    /// The same without polish, which doubles or triples the time of a view of a hero scene: for pictures that must be in time.
    #[must_use]
    pub fn without_polish(mut self) -> Self {
        self.polishes = false;
        self
    }

    /// The GPU that the pipelines live on.
    pub fn gpu(&self) -> &Gpu {
        &self.gpu
    }

    /// GPU seconds per stage of the last view.
    pub fn last_times(&self) -> &StageTimes {
        &self.times
    }

    /// Synthesizes the picture of `target` (pose, lens and size) from the scene.
    pub fn render(&mut self, scene: &Scene, target: &Camera, mode: ViewMode) -> Result<View, ViewError> {
        if target.width_px == 0 || target.height_px == 0 {
            return Err(ViewError::Input(format!("the view {:?} has no size ({}×{} px)", target.name, target.width_px, target.height_px)));
        }
        let limit = self.gpu.device.limits().max_texture_dimension_2d;
        if target.width_px > limit || target.height_px > limit {
            return Err(ViewError::Input(format!(
                "a view of {}×{} px is larger than this GPU takes ({limit} px). Ask for a smaller picture",
                target.width_px, target.height_px
            )));
        }
        let mut chosen = sources::choose(scene, target, mode);
        if chosen.is_empty() {
            return Err(ViewError::Input("the scene has no cameras".to_owned()));
        }
        let most = memory::most_sources(&self.gpu, (target.width_px, target.height_px));
        if most == 0 {
            return Err(ViewError::Input(format!(
                "a view of {}×{} px takes larger buffers than this GPU binds. Ask for a smaller picture",
                target.width_px, target.height_px
            )));
        }
        if chosen.len() > most {
            chosen.truncate(most);
            // Weights sum to one, or the exposure of the view would drift.
            let sum = chosen.iter().map(|c| c.1).sum::<f32>().max(f32::MIN_POSITIVE);
            for c in &mut chosen {
                c.1 /= sum;
            }
        }
        let gpu = self.gpu.clone();
        gpu.checked("synthesizing a view", || match &scene.background {
            Some(background) if mode.needs_depth() => Ok(self.render_layers(scene, background, target, mode, &chosen)),
            _ => Ok(self.render_unchecked(scene, target, mode, &chosen)),
        })?
    }

    fn render_unchecked(&mut self, scene: &Scene, target: &Camera, mode: ViewMode, chosen: &[(usize, f32)]) -> Result<View, ViewError> {
        let gpu = self.gpu.clone();
        let size = (target.width_px, target.height_px);
        let pixels = u64::from(size.0) * u64::from(size.1);
        let plane_only = matches!(mode, ViewMode::CrossFade | ViewMode::Nearest);
        let cameras = uniform(&gpu, "view cameras", &cameras_of(scene, target, mode, chosen));
        let has_rays = !target.lens.distortion.is_none();
        let parameters = parameters_of(scene, target, mode, chosen.len());
        let aligned = parameters.align_step > 0;
        let parameters = uniform(&gpu, "view", &parameters);
        let rays = self.rays_of(target, has_rays);
        let splats = storage(&gpu, "splats", if plane_only { SPLAT_BYTES } else { pixels * SPLAT_BYTES * chosen.len() as u64 });
        let mut surfaces = [storage(&gpu, "surface", pixels * SURFACE_BYTES), storage(&gpu, "surface", pixels * SURFACE_BYTES)];
        let tally = storage(&gpu, "tally", 8);
        let depths = scene
            .depths
            .create_view(&wgpu::TextureViewDescriptor { dimension: Some(wgpu::TextureViewDimension::D2Array), ..Default::default() });
        let pictures = scene
            .pictures
            .create_view(&wgpu::TextureViewDescriptor { dimension: Some(wgpu::TextureViewDimension::D2Array), ..Default::default() });

        let mut timer = Timer::new(&gpu);
        let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("view") });
        let groups = [size.0.div_ceil(8), size.1.div_ceil(8), 1];
        encoder.clear_buffer(&tally, 0, None);
        timer.mark(&mut encoder, "splat");
        encoder.clear_buffer(&splats, 0, None);
        if !plane_only {
            for (k, &(i, _)) in chosen.iter().enumerate() {
                let w = &scene.plan.working[i];
                let splat = uniform(&gpu, "splat", &[k as u32, 0, 0, 0]);
                let bind = self.scatter.bind(
                    &gpu,
                    &[
                        (0, parameters.as_entire_binding()),
                        (1, cameras.as_entire_binding()),
                        (2, wgpu::BindingResource::TextureView(&depths)),
                        (3, splats.as_entire_binding()),
                        (4, splat.as_entire_binding()),
                    ],
                );
                self.scatter.dispatch(&mut encoder, &bind, [w.width_px.div_ceil(8), w.height_px.div_ceil(8), 1]);
            }
        }
        timer.mark(&mut encoder, "vote");
        let bind = self.vote.bind(
            &gpu,
            &[
                (0, parameters.as_entire_binding()),
                (1, cameras.as_entire_binding()),
                (2, wgpu::BindingResource::TextureView(&depths)),
                (3, splats.as_entire_binding()),
                (4, surfaces[0].as_entire_binding()),
                (5, rays.as_entire_binding()),
                (7, wgpu::BindingResource::TextureView(&pictures)),
            ],
        );
        self.vote.dispatch(&mut encoder, &bind, groups);
        let settle = |encoder: &mut wgpu::CommandEncoder, stride: u32, weigh: bool, from: &wgpu::Buffer, to: &wgpu::Buffer| {
            let step = uniform(&gpu, "settle", &[stride, u32::from(weigh), 0, 0]);
            let bind = self.settle.bind(
                &gpu,
                &[
                    (0, parameters.as_entire_binding()),
                    (1, cameras.as_entire_binding()),
                    (2, wgpu::BindingResource::TextureView(&depths)),
                    (3, step.as_entire_binding()),
                    (4, to.as_entire_binding()),
                    (5, rays.as_entire_binding()),
                    (6, from.as_entire_binding()),
                    (7, wgpu::BindingResource::TextureView(&pictures)),
                ],
            );
            self.settle.dispatch(encoder, &bind, groups);
        };
        if !plane_only {
            timer.mark(&mut encoder, "settle");
            settle(&mut encoder, 2, false, &surfaces[0], &surfaces[1]);
            settle(&mut encoder, 1, true, &surfaces[1], &surfaces[0]);
        }
        timer.mark(&mut encoder, "mend");
        let bind = self.mend.bind(
            &gpu,
            &[
                (0, parameters.as_entire_binding()),
                (1, cameras.as_entire_binding()),
                (4, surfaces[1].as_entire_binding()),
                (6, surfaces[0].as_entire_binding()),
            ],
        );
        self.mend.dispatch(&mut encoder, &bind, groups);
        if !plane_only {
            timer.mark(&mut encoder, "smooth");
            self.smooth(&mut encoder, &parameters, &surfaces[1], size);
            // What leans on the smooth surface and what does not lie side by side: once more.
            timer.mark(&mut encoder, "settle");
            settle(&mut encoder, 1, false, &surfaces[1], &surfaces[0]);
            surfaces.swap(0, 1);
            if scene.thorough && self.polishes {
                timer.mark(&mut encoder, "polish");
                let inputs =
                    polish::Inputs { parameters: &parameters, cameras: &cameras, depths: &depths, pictures: &pictures, rays: &rays };
                self.polish.record(&gpu, &mut encoder, &inputs, [&surfaces[1], &surfaces[0]], groups);
            }
        }
        let inputs =
            Inputs { parameters: &parameters, cameras: &cameras, depths: &depths, pictures: &pictures, rays: &rays, surface: &surfaces[1] };
        // Nobody needs the splats and the other surface any more.
        let job = Job { size, sources: chosen.len(), aligned, plane_only, scratch: [&splats, &surfaces[0]], tally: &tally };
        let texture = self.color(&mut encoder, &mut timer, &inputs, &job);
        timer.mark(&mut encoder, "");
        gpu.queue.submit([encoder.finish()]);
        self.times = timer.collect(&gpu)?;
        let tally = gpu.read_buffer(&tally)?;
        let count = |k: usize| u32::from_le_bytes([tally[4 * k], tally[4 * k + 1], tally[4 * k + 2], tally[4 * k + 3]]);
        let mut named: Vec<(String, f32)> = chosen.iter().map(|&(i, w)| (scene.rig.cameras[i].name.clone(), w)).collect();
        named.sort_by(|a, b| b.1.total_cmp(&a.1));
        let [_, surface] = surfaces;
        Ok(View {
            texture,
            surface,
            layers: None,
            has_plain_backdrop: false,
            report: ViewReport {
                mode,
                sources: named,
                synthesized_share: count(1) as f32 / pixels as f32,
                filled_share: count(0) as f32 / pixels as f32,
                unsure_share: None,
            },
        })
    }

    /// Builds the smooth surface of `surface` and leans weak votes on it.
    fn smooth(&self, encoder: &mut wgpu::CommandEncoder, parameters: &wgpu::Buffer, surface: &wgpu::Buffer, size: (u32, u32)) {
        let gpu = &self.gpu;
        let mut sizes = vec![size];
        while sizes.last().is_some_and(|s| s.0 > 1 || s.1 > 1) {
            let s = sizes[sizes.len() - 1];
            sizes.push((s.0.div_ceil(2), s.1.div_ceil(2)));
        }
        // The finest level is the surface itself.
        let size_bytes = |l: usize| if l == 0 { 0 } else { u64::from(sizes[l].0) * u64::from(sizes[l].1) * SURFACE_BYTES };
        let buffers: Vec<wgpu::Buffer> = (0..sizes.len()).map(|l| storage(gpu, "smooth", size_bytes(l))).collect();
        let groups = |s: (u32, u32)| [s.0.div_ceil(8), s.1.div_ceil(8), 1];
        let level = |coarse: (u32, u32), fine: (u32, u32)| uniform(gpu, "smooth level", &[coarse.0, coarse.1, fine.0, fine.1]);
        for l in 1..sizes.len() {
            let level = level(sizes[l], sizes[l - 1]);
            let (kernel, fine) = if l == 1 { (&self.gather, surface) } else { (&self.reduce, &buffers[l - 1]) };
            let bind =
                kernel.bind(gpu, &[(3, level.as_entire_binding()), (4, fine.as_entire_binding()), (5, buffers[l].as_entire_binding())]);
            kernel.dispatch(encoder, &bind, groups(sizes[l]));
        }
        for l in (1..sizes.len().saturating_sub(1)).rev() {
            let level = level(sizes[l + 1], sizes[l]);
            let bind = self
                .spread
                .bind(gpu, &[(3, level.as_entire_binding()), (6, buffers[l + 1].as_entire_binding()), (7, buffers[l].as_entire_binding())]);
            self.spread.dispatch(encoder, &bind, groups(sizes[l]));
        }
        if sizes.len() > 1 {
            let level = level(sizes[1], sizes[0]);
            let bind = self.lean.bind(
                gpu,
                &[
                    (0, parameters.as_entire_binding()),
                    (3, level.as_entire_binding()),
                    (6, buffers[1].as_entire_binding()),
                    (8, surface.as_entire_binding()),
                ],
            );
            self.lean.dispatch(encoder, &bind, groups(sizes[0]));
        }
    }

    /// Ideal normalized coordinates of every pixel of a distorted target, row-major.
    pub(super) fn rays_of(&mut self, target: &Camera, needed: bool) -> wgpu::Buffer {
        if !needed {
            return storage(&self.gpu, "no rays", 16);
        }
        let size = (target.width_px, target.height_px);
        if let Some((lens, s, buffer)) = &self.rays
            && *lens == target.lens
            && *s == size
        {
            return buffer.clone();
        }
        let rays: Vec<[f32; 2]> = (0..size.1)
            .into_par_iter()
            .flat_map_iter(|y| {
                (0..size.0).map(move |x| {
                    let r = target.lens.unproject(glam::DVec2::new(f64::from(x) + 0.5, f64::from(y) + 0.5));
                    [r.x as f32, r.y as f32]
                })
            })
            .collect();
        let buffer = storage_init(&self.gpu, "rays", &rays);
        self.rays = Some((target.lens, size, buffer.clone()));
        buffer
    }
}
