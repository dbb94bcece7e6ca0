//! The stage: a textured ball before a textured wall, ray-cast for four cameras with different lenses and sizes.

use std::sync::LazyLock;

use glam::{DVec2, DVec3, IVec2, UVec2};
use volte::{
    geometry::{Distortion, Lens, Pose},
    rig::Camera,
    scene::gpu_data::{CameraGpu, PairGpu, SolveGpu, Working},
};

use crate::{
    bench::{Colors, Depths},
    prepare,
};

/// Nearest and farthest inverse depth, 1/m.
pub const RHO: (f32, f32) = (0.15, 0.42);
pub const BALL: (DVec3, f64) = (DVec3::new(0.15, 0.0, 0.05), 0.8);
const WALL_Y_M: f64 = 1.6;

pub struct Stage {
    pub cameras: Vec<Camera>,
    pub working: Vec<Working>,
    pub gpu_cameras: Vec<CameraGpu>,
    /// Real pictures.
    pub pictures: Colors,
    /// Working pictures, level 0 and 1, luma in alpha.
    pub levels: [Colors; 2],
    /// True inverse depth of the working pictures, confidence 1.
    pub truth: Depths,
}

pub static STAGE: LazyLock<Stage> = LazyLock::new(Stage::new);

/// A repeatable number 0..1.
pub fn noise(x: u32, y: u32, z: u32) -> f32 {
    let mut h = x.wrapping_mul(0x9e37_79b1) ^ y.wrapping_mul(0x85eb_ca77) ^ z.wrapping_mul(0xc2b2_ae3d);
    h = (h ^ (h >> 15)).wrapping_mul(0x2c1b_3c6d);
    h = (h ^ (h >> 12)).wrapping_mul(0x297a_2d39);
    ((h ^ (h >> 15)) >> 8) as f32 / 16_777_216.0
}

fn color_at(p: DVec3, on_ball: bool) -> [f64; 3] {
    let s = |f: DVec3, phase: f64| (p.dot(f) + phase).sin();
    let a = s(DVec3::new(7.0, 5.0, 3.0), 0.0) * s(DVec3::new(-4.0, 6.0, 9.0), 1.0);
    let b = s(DVec3::new(13.0, -3.0, 11.0), 2.0);
    let check = if ((p.x * 3.0).floor() + (p.z * 3.0).floor()).rem_euclid(2.0) < 1.0 { 0.08 } else { -0.08 };
    if on_ball { [0.65 + 0.2 * a + check, 0.4 + 0.15 * b, 0.25 + 0.1 * a] } else { [0.3 + 0.1 * b, 0.45 + 0.2 * a + check, 0.5 + 0.2 * b] }
}

/// Depth along z and colour of the ray `ray` (z = 1 in camera axes).
fn cast(camera: &Camera, ray: DVec3) -> (f64, [f64; 3]) {
    let world_from_camera = camera.camera_from_world.inverse();
    let eye = world_from_camera.apply(DVec3::ZERO);
    let dir = world_from_camera.apply(ray) - eye;
    let (a, oc) = (dir.length_squared(), eye - BALL.0);
    let half_b = oc.dot(dir);
    let root = half_b * half_b - a * (oc.length_squared() - BALL.1 * BALL.1);
    let (z, on_ball) = if root > 0.0 { ((-half_b - root.sqrt()) / a, true) } else { ((WALL_Y_M - eye.y) / dir.y, false) };
    (z, color_at(eye + dir * z, on_ball))
}

/// A camera at an angle about the subject.
pub fn camera(angle_deg: f64, size: (u32, u32), lens: Lens) -> Camera {
    let (s, c) = angle_deg.to_radians().sin_cos();
    let eye = DVec3::new(4.0 * s, -4.0 * c, 0.3 + 0.1 * s);
    Camera {
        name: format!("at {angle_deg}"),
        width_px: size.0,
        height_px: size.1,
        lens,
        camera_from_world: Pose::look_at(eye, DVec3::ZERO, DVec3::Z).unwrap(),
        clock_offset_nanos: 0,
    }
}

impl Stage {
    fn new() -> Self {
        let brown = Distortion::BrownConrady { k: [-0.12, 0.03, 0.01, 0.02, -0.01, 0.005], p: [0.002, -0.003] };
        let fisheye = Distortion::Fisheye { k: [0.02, -0.01, 0.004, -0.001] };
        let lens = |distortion| Lens { distortion, ..Lens::pinhole(132.0, 130.0, 65.0, 47.0) };
        let cameras = vec![
            camera(-12.0, (128, 96), lens(Distortion::None)),
            camera(-4.0, (128, 96), lens(brown)),
            camera(4.0, (128, 96), lens(fisheye)),
            // A smaller picture: it does not fill its layer.
            camera(12.0, (120, 88), Lens::pinhole(128.0, 126.0, 59.0, 45.0)),
        ];
        let working: Vec<Working> = cameras
            .iter()
            .map(|c| {
                let l = &c.lens;
                let lens = [l.fx_px, l.fy_px, l.cx_px, l.cy_px].map(|v| v * 0.5);
                Working { width_px: c.width_px / 2, height_px: c.height_px / 2, lens, rho_per_px: 1.0 / (lens[0] * 0.56) }
            })
            .collect();
        let gpu_cameras: Vec<CameraGpu> =
            cameras.iter().zip(&working).enumerate().map(|(i, (c, w))| CameraGpu::new(c, DVec3::ZERO, w, i as u32, 0.25)).collect();
        let mut pictures = Colors::new(128, 96, 4);
        let mut truth = Depths::new(64, 48, 4);
        for (i, (c, w)) in cameras.iter().zip(&working).enumerate() {
            for (x, y) in pixels(c.width_px, c.height_px) {
                let (_, rgb) = cast(c, c.lens.unproject(DVec2::new(f64::from(x) + 0.5, f64::from(y) + 0.5)));
                let [r, g, b] = rgb.map(|v| (v.clamp(0.0, 1.0) * 255.0).round() as u8);
                pictures.set(x, y, i, [r, g, b, 255]);
            }
            for (x, y) in pixels(w.width_px, w.height_px) {
                let ray = DVec3::new((f64::from(x) + 0.5 - w.lens[2]) / w.lens[0], (f64::from(y) + 0.5 - w.lens[3]) / w.lens[1], 1.0);
                truth.set(x, y, i, [(1.0 / cast(c, ray).0) as f32, 1.0]);
            }
        }
        let mut levels = [Colors::new(64, 48, 4), Colors::new(32, 24, 4)];
        for (i, c) in gpu_cameras.iter().enumerate() {
            let size = (working[i].width_px, working[i].height_px);
            levels[0].layers[i] = prepare::undistort(&pictures, c, size, 2, (64, 48));
            levels[1].layers[i] = prepare::halve(&levels[0], i, size, (size.0.div_ceil(2), size.1.div_ceil(2)), (32, 24));
        }
        Self { cameras, working, gpu_cameras, pictures, levels, truth }
    }

    /// Size of the working picture of camera `i`, px.
    pub fn size(&self, i: usize, level: u32) -> (u32, u32) {
        (self.working[i].width_px.div_ceil(1 << level), self.working[i].height_px.div_ceil(1 << level))
    }

    /// The other cameras as sources of camera `i`.
    pub fn pairs(&self, i: usize) -> Vec<PairGpu> {
        (0..self.cameras.len())
            .filter(|&s| s != i)
            .map(|s| PairGpu::new((&self.cameras[i], &self.working[i]), (&self.cameras[s], &self.working[s]), s as u32))
            .collect()
    }

    pub fn parameters(&self, i: usize, level: u32) -> SolveGpu {
        let (width, height) = self.size(i, level);
        let depths = 28;
        SolveGpu {
            width,
            height,
            layer: i as u32,
            depths,
            rho_min: RHO.0,
            rho_step: (RHO.1 - RHO.0) / (depths - 1) as f32,
            scale: (1_u32 << level) as f32,
            rho_per_px: self.working[i].rho_per_px as f32,
            iteration: 1,
            stride: 1.0,
            smoothness: 0.08,
            color_weight: 0.12,
            rho_max: RHO.1,
            sources: 3,
            p1: 6.0,
            p2: 60.0,
            second_share: 0.35,
            quad_width: 64 >> level,
            quad_rows: 48 >> level,
            pad_a: 0.0,
        }
    }

    /// Planes near the truth at camera `i`: what a refinement begins from.
    pub fn rough_state(&self, i: usize, level: u32, error_px: f32) -> Vec<[f32; 4]> {
        let (w, h) = self.size(i, level);
        let unit = self.working[i].rho_per_px as f32;
        pixels(w, h)
            .map(|(x, y)| {
                let at = UVec2::new(x << level, y << level).as_ivec2();
                let rho = self.truth.at(at, i)[0] + (noise(x, y, 7) * 2.0 - 1.0) * error_px * unit;
                let slope = |k| (noise(x, y, k) - 0.5) * 0.1 * unit;
                [rho.clamp(RHO.0, RHO.1), slope(8), slope(9), -1.0]
            })
            .collect()
    }

    /// Depth as a solve leaves it: near the truth, here and there wrong, with a confidence that knows some of it.
    pub fn solved_depths(&self) -> Depths {
        let mut depths = self.truth.clone();
        for (i, w) in self.working.iter().enumerate() {
            for (x, y) in pixels(w.width_px, w.height_px) {
                let [rho, _] = self.truth.at(IVec2::new(x as i32, y as i32), i);
                let wrong = noise(x / 3, y / 3, i as u32) < 0.12;
                let error = (noise(x, y, 40 + i as u32) - 0.5) * if wrong { 12.0 } else { 0.6 };
                let confidence = if wrong { 0.3 * noise(x, y, 50) } else { 0.4 + 0.6 * noise(x, y, 60) };
                depths.set(x, y, i, [(rho + error * w.rho_per_px as f32).clamp(0.05, 0.6), confidence]);
            }
        }
        depths
    }
}

/// All pixels, row by row.
pub fn pixels(width: u32, height: u32) -> impl Iterator<Item = (u32, u32)> {
    (0..height).flat_map(move |y| (0..width).map(move |x| (x, y)))
}

#[test]
fn the_stage_shows_one_world_to_all_cameras() {
    let stage = &*STAGE;
    // Carried over by true depth, the colours of two working pictures agree.
    let (mut sum, mut n) = (0.0, 0.0);
    for (x, y) in pixels(64, 48) {
        let at = IVec2::new(x as i32, y as i32);
        let rho = stage.truth.at(at, 1)[0];
        let pair = stage.pairs(1)[1];
        let (uv, ratio) = pair.map([x as f32 + 0.5, y as f32 + 0.5], rho).unwrap();
        if uv[0] < 1.0 || uv[1] < 1.0 || uv[0] > 63.0 || uv[1] > 47.0 {
            continue;
        }
        let other = stage.truth.at(IVec2::new(uv[0] as i32, uv[1] as i32), 2)[0];
        if (other - rho / ratio).abs() < 0.5 * stage.working[2].rho_per_px as f32 {
            sum += (stage.levels[0].load(at, 1) - stage.levels[0].between(uv.into(), 2)).abs().element_sum() / 4.0;
            n += 1.0;
        }
    }
    assert!(n > 1500.0 && sum / n < 0.02, "{n} pixels agree in depth, their colours differ by {}", sum / n);
}
