//! A moment taken apart into foreground and background by the plates of its cameras.
//!
//! The plates are solved once, like a moment ([`Backdrop`]). Then each moment's depth is brought to its mattes, and it gets a scene of its
//! own for what is behind ([`Background`]): the same cameras, the pictures without the foreground, the depth of the plates. Must not
//! know: virtual cameras, footage.

use std::sync::Arc;

use rayon::iter::{IndexedParallelIterator as _, IntoParallelRefIterator as _, ParallelIterator as _};

use super::{
    Plan, Scene, SceneError, SceneOptions, SceneSolver,
    gpu_data::CameraGpu,
    matte,
    plan::{MAX_NEIGHBOURS, largest},
    plate::Plate,
    solver::{array_texture, tiles, view},
    upload::write_layer,
};
use crate::{
    frame::Picture,
    gpu::{Gpu, Kernel, Timer, uniform},
    rig::Rig,
    telemetry::StageTimes,
};

/// `Snap` of shaders/scene/snap.wgsl.
#[repr(C)]
#[derive(Debug, Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
pub struct SnapGpu {
    /// fx, fy, cx, cy of the plate's working picture, px.
    pub plate_lens: [f32; 4],
    /// Its width and height; its layer, below zero where the camera has no plate; number of neighbours.
    pub plate_size: [f32; 4],
}

crate::shader_struct!(SnapGpu as "Snap" in "scene/snap.wgsl" { plate_lens, plate_size });

/// `Carve` of shaders/scene/carve.wgsl.
#[repr(C)]
#[derive(Debug, Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
pub struct CarveGpu {
    /// Bounds of the scene's inverse depth, 1/m.
    pub rho_min: f32,
    /// See `rho_min`.
    pub rho_max: f32,
    /// Number of neighbours.
    pub neighbours: f32,
    /// Unused.
    pub pad_a: f32,
}

crate::shader_struct!(CarveGpu as "Carve" in "scene/carve.wgsl" { rho_min, rho_max, neighbours, pad_a });

/// The camera itself and its neighbours.
const SNAP_CAMERAS: usize = MAX_NEIGHBOURS + 1;

/// The solved plates of a rig: what its cameras see when nobody is there.
#[derive(Debug)]
pub struct Backdrop {
    /// Their depth; the alpha of the pictures is the plates' confidence.
    scene: Scene,
    plates: Vec<Arc<Plate>>,
}

/// What is behind a moment's foreground.
#[derive(Debug)]
pub struct Background {
    /// The cameras of the moment, its pictures with the plate in place of the foreground, and the depth of the plates; unknown depth where
    /// no plate knows.
    pub scene: Scene,
    /// 1 foreground, 0 background; one layer per camera, of the pictures' size, `R8Unorm`.
    pub mattes: wgpu::Texture,
    /// A plain backdrop, whose depth nobody knows: a view blends its colours, and sees it wherever a camera does.
    pub is_plain: bool,
}

impl Backdrop {
    /// Solves plates like a moment; `plates[i]` belongs to `rig.cameras[i]`. `progress` gets 0…1 and returns false to cancel.
    pub fn solve(
        solver: &mut SceneSolver,
        rig: &Rig,
        plates: Vec<Arc<Plate>>,
        options: &SceneOptions,
        progress: &mut dyn FnMut(f32) -> bool,
    ) -> Result<Self, SceneError> {
        let pictures: Vec<&Picture> = plates.iter().map(|p| &p.picture).collect();
        let scene = solver.solve(rig, &pictures, &SceneOptions { has_plates: true, ..*options }, progress)?;
        Ok(Self { scene, plates })
    }

    /// The cameras that have a plate.
    pub const fn rig(&self) -> &Rig {
        &self.scene.rig
    }

    /// GPU memory that it holds, bytes.
    pub fn bytes(&self) -> u64 {
        self.scene.bytes()
    }

    /// GPU seconds per stage of the solve.
    pub const fn times(&self) -> &StageTimes {
        &self.scene.times
    }
}

/// Owns the pipeline that takes moments apart.
#[derive(Debug)]
pub struct Layering {
    gpu: Gpu,
    snap: Kernel,
    carve: Kernel,
}

impl Layering {
    /// Compiles the pipeline.
    pub fn new(gpu: &Gpu) -> Result<Self, SceneError> {
        Ok(Self {
            snap: Kernel::new(gpu, "scene/snap.wgsl", "snap", &[])?,
            carve: Kernel::new(gpu, "scene/carve.wgsl", "carve", &[])?,
            gpu: gpu.clone(),
        })
    }

    /// Takes a solved moment apart: its depth is brought to the mattes, and it gets a background. `pictures[i]` are those that it was
    /// solved from. A camera without a plate, or with one of another size or place, is foreground everywhere.
    pub fn split(&self, scene: &mut Scene, pictures: &[&Picture], backdrop: &Backdrop) -> Result<(), SceneError> {
        self.split_while(scene, pictures, backdrop, &mut || true)
    }

    /// The same, asking before every camera whether to go on; where not it is cancelled, and the scene stays as it was.
    pub fn split_while(
        &self,
        scene: &mut Scene,
        pictures: &[&Picture],
        backdrop: &Backdrop,
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<(), SceneError> {
        if scene.rig.cameras.len() != pictures.len() {
            return Err(SceneError::Input(format!("{} pictures for a scene of {} cameras", pictures.len(), scene.rig.cameras.len())));
        }
        let layers = scene.rig.cameras.iter().map(|c| backdrop.scene.rig.cameras.iter().position(|p| p == c)).collect::<Vec<_>>();
        if layers.iter().all(Option::is_none) {
            return Err(SceneError::Input("none of the plates is of a camera of this moment. Take new plates".to_owned()));
        }
        let mut splits = Vec::new();
        for (picture, layer) in pictures.iter().zip(&layers) {
            if !go_on() {
                return Err(SceneError::Cancelled);
            }
            splits.push(match layer.and_then(|l| backdrop.plates.get(l)) {
                Some(plate) => Some(matte::split(picture, plate)?),
                None => None,
            });
        }
        let gpu = self.gpu.clone();
        gpu.checked("taking a moment apart", || Ok(self.split_unchecked(scene, pictures, &splits, (backdrop, &layers))))?
    }

    fn split_unchecked(
        &self,
        scene: &mut Scene,
        pictures: &[&Picture],
        splits: &[Option<matte::Split>],
        (backdrop, layers): (&Backdrop, &[Option<usize>]),
    ) -> Result<(), SceneError> {
        let gpu = &self.gpu;
        let n = pictures.len() as u32;
        let (mattes, behind) = self.uploaded(pictures, splits);
        let depth = |label: &str| array_texture(gpu, label, scene.plan.layer_size(0), n, wgpu::TextureFormat::Rg32Float);
        let (depths, background_depths) = (depth("snapped depths"), depth("background depths"));
        let mut timer = Timer::new(gpu);
        let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("snap") });
        timer.mark(&mut encoder, "snap");
        let views = [&scene.depths, &backdrop.scene.depths, &backdrop.scene.pictures, &mattes, &depths, &background_depths].map(view);
        for (i, layer) in layers.iter().enumerate() {
            let around = &scene.plan.neighbours[i];
            let cameras = cameras_around(scene, i);
            let step = snap_of(&backdrop.scene.plan, *layer, around.len().min(MAX_NEIGHBOURS));
            let (step, cameras) = (uniform(gpu, "snap", &step), uniform(gpu, "snap cameras", &cameras));
            let mut resources = vec![(0, step.as_entire_binding()), (1, cameras.as_entire_binding())];
            resources.extend(views.iter().enumerate().map(|(k, v)| (k as u32 + 2, wgpu::BindingResource::TextureView(v))));
            let bind = self.snap.bind(gpu, &resources);
            self.snap.dispatch(&mut encoder, &bind, tiles(scene.plan.level_size(i, 0)));
        }
        timer.mark(&mut encoder, "");
        gpu.queue.submit([encoder.finish()]);
        scene.times.merge(&timer.collect(gpu)?);
        put_behind(scene, behind, (depths, background_depths), mattes, false);
        Ok(())
    }

    /// Mattes and background pictures of all cameras.
    fn uploaded(&self, pictures: &[&Picture], splits: &[Option<matte::Split>]) -> (wgpu::Texture, wgpu::Texture) {
        let gpu = &self.gpu;
        let n = pictures.len() as u32;
        let size = largest(pictures.iter().map(|p| (p.width(), p.height())));
        let mattes = gpu.device.create_texture(&wgpu::TextureDescriptor {
            label: Some("mattes"),
            size: wgpu::Extent3d { width: size.0, height: size.1, depth_or_array_layers: n },
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: wgpu::TextureFormat::R8Unorm,
            usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST | wgpu::TextureUsages::COPY_SRC,
            view_formats: &[],
        });
        let behind = array_texture(gpu, "background pictures", size, n, wgpu::TextureFormat::Rgba8Unorm);
        for (layer, (picture, split)) in pictures.iter().zip(splits).enumerate() {
            let size = (picture.width(), picture.height());
            let all;
            let (matte, background) = if let Some(split) = split {
                (&split.matte, &split.background)
            } else {
                all = vec![255; size.0 as usize * size.1 as usize];
                (&all, *picture)
            };
            write_layer(gpu, &mattes, layer, size, matte);
            write_layer(gpu, &behind, layer, size, background.rgba());
        }
        (mattes, behind)
    }

    /// Takes a moment before a plain backdrop apart ([`plain`]): what is foreground is brought into the visual hull, and what is not has no
    /// surface. `plates[i]` belongs to `pictures[i]`.
    pub(super) fn split_plain(&self, scene: &mut Scene, pictures: &[&Picture], plates: &[Plate]) -> Result<(), SceneError> {
        let splits: Vec<matte::Split> =
            pictures.par_iter().zip(plates).map(|(picture, plate)| matte::split(picture, plate)).collect::<Result<_, _>>()?;
        let splits: Vec<Option<matte::Split>> = splits.into_iter().map(Some).collect();
        let gpu = &self.gpu;
        let n = pictures.len() as u32;
        let (mattes, behind) = self.uploaded(pictures, &splits);
        let depth = |label: &str| array_texture(gpu, label, scene.plan.layer_size(0), n, wgpu::TextureFormat::Rg32Float);
        let (depths, behind_depths) = (depth("carved depths"), depth("backdrop depths"));
        let mut timer = Timer::new(gpu);
        let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("carve") });
        timer.mark(&mut encoder, "carve");
        let views = [&scene.depths, &mattes, &depths, &behind_depths].map(view);
        for i in 0..pictures.len() {
            let around = &scene.plan.neighbours[i];
            let (rho_min, rho_max) = scene.plan.rho_range;
            let step = CarveGpu {
                rho_min: rho_min as f32,
                rho_max: rho_max as f32,
                neighbours: around.len().min(MAX_NEIGHBOURS) as f32,
                pad_a: 0.0,
            };
            let (step, cameras) = (uniform(gpu, "carve", &step), uniform(gpu, "carve cameras", &cameras_around(scene, i)));
            let mut resources = vec![(0, step.as_entire_binding()), (1, cameras.as_entire_binding())];
            resources.extend(views.iter().enumerate().map(|(k, v)| (k as u32 + 2, wgpu::BindingResource::TextureView(v))));
            let bind = self.carve.bind(gpu, &resources);
            self.carve.dispatch(&mut encoder, &bind, tiles(scene.plan.level_size(i, 0)));
        }
        timer.mark(&mut encoder, "");
        gpu.queue.submit([encoder.finish()]);
        scene.times.merge(&timer.collect(gpu)?);
        put_behind(scene, behind, (depths, behind_depths), mattes, true);
        Ok(())
    }
}

fn snap_of(plates: &Plan, layer: Option<usize>, neighbours: usize) -> SnapGpu {
    let working = layer.map(|l| plates.working[l]);
    let [w, h] = working.map_or([1.0; 2], |w| [w.width_px as f32, w.height_px as f32]);
    SnapGpu {
        plate_lens: working.map_or([1.0; 4], |w| w.lens.map(|v| v as f32)),
        plate_size: [w, h, layer.map_or(-1.0, |l| l as f32), neighbours as f32],
    }
}

/// A camera and its neighbours, as the passes want them.
fn cameras_around(scene: &Scene, i: usize) -> [CameraGpu; SNAP_CAMERAS] {
    let camera = |i: usize| CameraGpu::new(&scene.rig.cameras[i], scene.plan.center_in_world, &scene.plan.working[i], i as u32, 0.0);
    let mut cameras = [camera(i); SNAP_CAMERAS];
    for (slot, &k) in cameras.iter_mut().skip(1).zip(&scene.plan.neighbours[i]) {
        *slot = camera(k);
    }
    cameras
}

/// The scene's new depth, and what is behind it.
fn put_behind(
    scene: &mut Scene,
    pictures: wgpu::Texture,
    (depths, behind_depths): (wgpu::Texture, wgpu::Texture),
    mattes: wgpu::Texture,
    is_plain: bool,
) {
    let behind = Scene {
        rig: scene.rig.clone(),
        plan: scene.plan.clone(),
        exposures: scene.exposures.clone(),
        shadings: scene.shadings.clone(),
        matching: scene.matching,
        by_hand: scene.by_hand.clone(),
        pictures,
        depths: behind_depths,
        thorough: false,
        aligned: scene.aligned,
        times: StageTimes::default(),
        match_secs: 0.0,
        background: None,
    };
    scene.depths = depths;
    scene.background = Some(Box::new(Background { scene: behind, mattes, is_plain }));
}
