//! A moment taken apart into foreground and background by the plates of its cameras.
//!
//! The plates are solved once, like a moment ([`Backdrop`]). Then each moment's depth is brought to its mattes, and it gets a scene of its
//! own for what is behind ([`Background`]): the same cameras, the pictures without the foreground, the depth of the plates. Must not
//! know: virtual cameras, footage.

use std::sync::Arc;

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
        let scene = solver.solve(rig, &pictures, options, progress)?;
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
}

impl Layering {
    /// Compiles the pipeline.
    pub fn new(gpu: &Gpu) -> Result<Self, SceneError> {
        Ok(Self { snap: Kernel::new(gpu, "scene/snap.wgsl", "snap", &[])?, gpu: gpu.clone() })
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
        let depth = |label: &str| array_texture(gpu, label, scene.plan.layer_size(0), n, wgpu::TextureFormat::Rg32Float);
        let (depths, background_depths) = (depth("snapped depths"), depth("background depths"));
        let mut timer = Timer::new(gpu);
        let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("snap") });
        timer.mark(&mut encoder, "snap");
        let views = [&scene.depths, &backdrop.scene.depths, &backdrop.scene.pictures, &mattes, &depths, &background_depths].map(view);
        let camera = |i: usize| CameraGpu::new(&scene.rig.cameras[i], scene.plan.center_in_world, &scene.plan.working[i], i as u32, 0.0);
        for (i, layer) in layers.iter().enumerate() {
            let around = &scene.plan.neighbours[i];
            let mut cameras = [camera(i); SNAP_CAMERAS];
            for (slot, &k) in cameras.iter_mut().skip(1).zip(around) {
                *slot = camera(k);
            }
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
        let behind = Scene {
            rig: scene.rig.clone(),
            plan: scene.plan.clone(),
            exposures: scene.exposures.clone(),
            shadings: scene.shadings.clone(),
            matching: scene.matching,
            by_hand: scene.by_hand.clone(),
            pictures: behind,
            depths: background_depths,
            thorough: false,
            aligned: scene.aligned,
            times: StageTimes::default(),
            match_secs: 0.0,
            background: None,
        };
        scene.depths = depths;
        scene.background = Some(Box::new(Background { scene: behind, mattes }));
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
