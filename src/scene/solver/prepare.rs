//! The solver's first pass: pictures go to the GPU and become the working pyramid.

use super::{SceneSolver, Textures, array_texture, tiles, view};
use crate::{
    frame::Picture,
    gpu::{Timer, storage_init, uniform},
    rig::Rig,
    scene::{
        Plan,
        gpu_data::{CameraGpu, PrepareGpu},
        plan::largest,
    },
};

impl SceneSolver {
    /// Uploads the pictures and makes room for everything that is worked with.
    pub(super) fn upload(&self, rig: &Rig, pictures: &[&Picture], plan: &Plan) -> Textures {
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
        self.resident.write(gpu, &textures.pictures, pictures);
        textures
    }

    /// Builds the working pyramid, as many levels as there are textures for; `gains`: what the linear light of each camera is multiplied with.
    pub(super) fn build_levels(&self, rig: &Rig, plan: &Plan, textures: &Textures, gains: Option<&[[f32; 3]]>, timer: &mut Timer) {
        let gpu = &self.gpu;
        let mut cameras: Vec<CameraGpu> =
            rig.cameras.iter().enumerate().map(|(i, c)| CameraGpu::new(c, plan.center_in_world, &plan.working[i], i as u32, 0.0)).collect();
        for (camera, gains) in cameras.iter_mut().zip(gains.unwrap_or_default()) {
            camera.gain[..3].copy_from_slice(gains);
        }
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
            for l in 1..textures.levels.len() as u32 {
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
    }
}
