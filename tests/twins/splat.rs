//! The virtual camera of the view passes, what they share, and the twin of shaders/view/splat.wgsl.

use std::sync::LazyLock;

use glam::{DVec2, DVec3, IVec2, Vec2, Vec4, Vec4Swizzles as _};
use volte::{
    geometry::{Distortion, Lens},
    gpu::{storage_init, uniform},
    scene::gpu_data::{CameraGpu, Working},
    view::ViewGpu,
};

use crate::{
    bench::{Allowed, DEPTHS, Depths, GPU, array_view, judge, read, run, tiles},
    camera::{camera_from_world, ideal_of_working, picture_px, world_from_camera},
    finish::nearest_around,
    stage::{self, STAGE, pixels},
};

#[derive(Clone)]
pub struct ViewStage {
    pub view: ViewGpu,
    /// The target, then its sources.
    pub cameras: Vec<CameraGpu>,
    pub depths: Depths,
    /// Ideal normalized coordinates of the target's pixels.
    pub rays: Vec<[f32; 2]>,
}

/// A target between the cameras with a distorted lens, and one with a pinhole.
pub static VIEWS: LazyLock<[ViewStage; 2]> = LazyLock::new(|| {
    let brown = Distortion::BrownConrady { k: [-0.15, 0.04, 0.0, 0.0, 0.0, 0.0], p: [0.001, 0.002] };
    [ViewStage::new(0.7, brown), ViewStage::new(-6.5, Distortion::None)]
});

/// The cameras as the shaders want them: always seven.
pub fn cameras_buffer(cameras: &[CameraGpu]) -> wgpu::Buffer {
    let seven: [CameraGpu; 7] = std::array::from_fn(|k| cameras.get(k).copied().unwrap_or(bytemuck::Zeroable::zeroed()));
    uniform(&GPU, "cameras", &seven)
}

impl ViewStage {
    fn new(angle_deg: f64, distortion: Distortion) -> Self {
        let stage = &*STAGE;
        let (width, height) = (72, 52);
        let target = stage::camera(angle_deg, (width, height), Lens { distortion, ..Lens::pinhole(78.0, 77.0, 36.5, 25.5) });
        let l = &target.lens;
        let working = Working { width_px: width, height_px: height, lens: [l.fx_px, l.fy_px, l.cx_px, l.cy_px], rho_per_px: 1.0 };
        let mut cameras = vec![CameraGpu::new(&target, DVec3::ZERO, &working, 0, 0.0)];
        cameras[0].look = [0.2, 0.1, 0.0, 0.0];
        for (i, weight) in [(1, 0.45), (2, 0.35), (0, 0.15), (3, 0.05)] {
            let camera = CameraGpu::new(&stage.cameras[i], DVec3::ZERO, &stage.working[i], i as u32, weight);
            // Each of another exposure.
            let gain = [1.0 + 0.04 * i as f32, 1.0, 1.0 - 0.05 * i as f32, 1.0];
            let look = [0.3 - 0.1 * i as f32, 0.1, 0.04 * i as f32 - 0.06, 0.015 * i as f32 - 0.03];
            cameras.push(CameraGpu { gain, look, ..camera });
        }
        let rays = pixels(width, height)
            .map(|(x, y)| {
                let ray = target.lens.unproject(DVec2::new(f64::from(x) + 0.5, f64::from(y) + 0.5));
                [ray.x as f32, ray.y as f32]
            })
            .collect();
        let view = ViewGpu {
            width,
            height,
            sources: 4,
            has_rays: u32::from(!distortion.is_none()),
            rho_pivot: 0.25,
            rho_min: 0.03,
            rho_max: 2.0,
            plane_only: 0,
            tune: [0.3, 0.8, 1.0, 0.05],
            align_step: 0,
            plain_backdrop: 0,
            pad_b: 0,
            pad_c: 0,
        };
        Self { view, cameras, depths: stage.solved_depths(), rays }
    }

    /// The same with something changed.
    pub fn changed(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut other = self.clone();
        change(&mut other);
        other
    }

    pub fn ray(&self, x: u32, y: u32) -> Vec2 {
        if self.view.has_rays == 1 {
            return self.rays[(y * self.view.width + x) as usize].into();
        }
        let lens = Vec4::from(self.cameras[0].lens);
        (Vec2::new(x as f32, y as f32) + 0.5 - lens.zw()) / lens.xy()
    }

    /// Difference to the stored inverse depth in px of disparity, and the confidence there.
    pub fn judge(&self, c: &CameraGpu, uv: Vec2, expected: f32) -> (f32, f32) {
        let size = IVec2::new(c.working_size[0] as i32, c.working_size[1] as i32);
        let (off, confidence) = nearest_around(&self.depths, uv, size, c.size_kind_layer[3] as usize, expected);
        (off / c.working_size[2], confidence)
    }

    pub fn pixel_count(&self) -> usize {
        (self.view.width * self.view.height) as usize
    }

    /// Per source and target pixel: the largest inverse depth (seen from the target) that falls there; 0 = none.
    pub fn scatter(&self) -> Vec<f32> {
        let (w, h) = (self.view.width as i32, self.view.height as i32);
        let target = &self.cameras[0];
        let target_lens = Vec4::from(target.lens);
        let mut splats = vec![0.0_f32; self.pixel_count() * self.view.sources as usize];
        for (s, c) in self.cameras[1..].iter().enumerate().take(self.view.sources as usize) {
            for (x, y) in pixels(c.working_size[0] as u32, c.working_size[1] as u32) {
                let [rho, _] = self.depths.at(IVec2::new(x as i32, y as i32), c.size_kind_layer[3] as usize);
                if rho <= 0.0 {
                    continue;
                }
                let ideal = ideal_of_working(c, Vec2::new(x as f32, y as f32) + 0.5);
                let p = camera_from_world(target, world_from_camera(c, (ideal / rho).extend(1.0 / rho)));
                if p.z <= 1e-6 {
                    continue;
                }
                let px = picture_px(target, Vec2::new(p.x, p.y) / p.z);
                let growth = target_lens.xy() / Vec4::from(c.working_lens).xy() / (rho * p.z);
                let half = (growth * 0.55 + 0.05).clamp(Vec2::splat(0.5), Vec2::splat(3.0));
                for (tx, ty) in
                    pixels(self.view.width, self.view.height).skip((((px.y - 4.0) as i32).clamp(0, h) * w) as usize).take((w * 9) as usize)
                {
                    // A target pixel is hit when its centre lies in the square.
                    let off = (Vec2::new(tx as f32, ty as f32) + 0.5 - px).abs();
                    if off.x <= half.x && off.y <= half.y {
                        let at = &mut splats[s * self.pixel_count() + (ty as i32 * w + tx as i32) as usize];
                        *at = at.max(1.0 / p.z);
                    }
                }
            }
        }
        splats
    }
}

#[test]
fn scatter_agrees_with_its_twin() {
    for v in &*VIEWS {
        // Some pixels have no depth at all.
        let mut holes = v.depths.clone();
        holes.layers.iter_mut().for_each(|l| l.iter_mut().step_by(37).for_each(|d| *d = [0.0, 0.0]));
        let v = ViewStage { depths: holes, ..v.clone() };
        let splats = storage_init(&GPU, "splats", &vec![0.0_f32; v.pixel_count() * 4]);
        let depths = array_view(&v.depths.upload(DEPTHS));
        for (s, c) in v.cameras[1..].iter().enumerate() {
            run(
                "view/splat.wgsl",
                "scatter",
                &[
                    (0, uniform(&GPU, "view", &v.view).as_entire_binding()),
                    (1, cameras_buffer(&v.cameras).as_entire_binding()),
                    (2, wgpu::BindingResource::TextureView(&depths)),
                    (3, splats.as_entire_binding()),
                    (4, uniform(&GPU, "splat", &[s as u32, 0, 0, 0]).as_entire_binding()),
                ],
                tiles(c.working_size[0] as u32, c.working_size[1] as u32),
            );
        }
        let changed = |change: fn(&mut ViewStage)| v.changed(change).scatter();
        judge(
            "scatter",
            &read::<f32>(&splats),
            &v.scatter(),
            // On the edge of a square either is right.
            Allowed { tolerance: 1e-5, share: 0.002 },
            &[
                ("a source turned by 1°", changed(|v| v.cameras[2].row_x[2] += 0.017)),
                ("depths 2 % farther", changed(|v| v.depths.layers.iter_mut().flatten().for_each(|d| d[0] *= 0.98))),
                ("a principal point off by half a px", changed(|v| v.cameras[0].lens[2] += 0.5)),
                ("a missing source", {
                    let mut splats = v.scatter();
                    splats[3 * v.pixel_count()..].fill(0.0);
                    splats
                }),
            ],
        );
    }
}
