//! Twins of shaders/common: the camera and colour.

use glam::{IVec2, Vec2, Vec3, Vec4, Vec4Swizzles as _};
use volte::scene::gpu_data::CameraGpu;

use crate::bench::Colors;

pub fn camera_from_world(c: &CameraGpu, p: Vec3) -> Vec3 {
    let h = p.extend(1.0);
    Vec3::new(Vec4::from(c.row_x).dot(h), Vec4::from(c.row_y).dot(h), Vec4::from(c.row_z).dot(h))
}

pub fn world_from_camera(c: &CameraGpu, p: Vec3) -> Vec3 {
    let d = p - Vec3::new(c.row_x[3], c.row_y[3], c.row_z[3]);
    Vec4::from(c.row_x).xyz() * d.x + Vec4::from(c.row_y).xyz() * d.y + Vec4::from(c.row_z).xyz() * d.z
}

fn distort(c: &CameraGpu, ideal: Vec2) -> Vec2 {
    let kind = c.size_kind_layer[2];
    if kind < 0.5 {
        return ideal;
    }
    let [k1, k2, p1, p2] = c.distortion_a;
    if kind < 1.5 {
        let [k3, k4, k5, k6] = c.distortion_b;
        let r2 = ideal.length_squared();
        let radial = (1.0 + r2 * (k1 + r2 * (k2 + r2 * k3))) / (1.0 + r2 * (k4 + r2 * (k5 + r2 * k6)));
        let xy = ideal.x * ideal.y;
        return ideal * radial
            + Vec2::new(2.0 * p1 * xy + p2 * (r2 + 2.0 * ideal.x * ideal.x), p1 * (r2 + 2.0 * ideal.y * ideal.y) + 2.0 * p2 * xy);
    }
    let r = ideal.length();
    if r < 1e-6 {
        return ideal;
    }
    let t = r.atan();
    let t2 = t * t;
    ideal * (t * (1.0 + t2 * (k1 + t2 * (k2 + t2 * (p1 + t2 * p2)))) / r)
}

pub fn picture_px(c: &CameraGpu, ideal: Vec2) -> Vec2 {
    let lens = Vec4::from(c.lens);
    distort(c, ideal) * lens.xy() + lens.zw()
}

pub fn working_px(c: &CameraGpu, ideal: Vec2) -> Vec2 {
    let lens = Vec4::from(c.working_lens);
    ideal * lens.xy() + lens.zw()
}

/// Ideal normalized coordinates of a position in the working picture.
pub fn ideal_of_working(c: &CameraGpu, px: Vec2) -> Vec2 {
    let lens = Vec4::from(c.working_lens);
    (px - lens.zw()) / lens.xy()
}

pub fn linear_from_srgb(v: Vec3) -> Vec3 {
    v.map(|v| if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) })
}

pub fn srgb_from_linear(v: Vec3) -> Vec3 {
    v.max(Vec3::ZERO).map(|c| if c <= 0.003_130_8 { c * 12.92 } else { 1.055 * c.powf(1.0 / 2.4) - 0.055 })
}

pub fn luma_of(c: Vec3) -> f32 {
    c.dot(Vec3::new(0.299, 0.587, 0.114))
}

/// Catmull-Rom (a = -0.5) from its definition as a kernel over distance.
fn cubic(x: f32) -> f32 {
    let x = x.abs();
    if x < 1.0 {
        (1.5 * x - 2.5) * x * x + 1.0
    } else if x < 2.0 {
        ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    } else {
        0.0
    }
}

pub fn fetch_cubic(picture: &Colors, px: Vec2, size: Vec2, layer: usize) -> Vec3 {
    let q = px.clamp(Vec2::splat(0.5), size - 0.5) - 0.5;
    let base = q.floor();
    let hi = size.as_ivec2() - 1;
    let mut sum = Vec3::ZERO;
    for dy in -1..=2 {
        for dx in -1..=2 {
            let at = base.as_ivec2() + IVec2::new(dx, dy);
            let weight = cubic(q.x - at.x as f32) * cubic(q.y - at.y as f32);
            sum += picture.load(at.clamp(IVec2::ZERO, hi), layer).xyz() * weight;
        }
    }
    sum.clamp(Vec3::ZERO, Vec3::ONE)
}

/// Light that a rim leaves at a place of a picture of that size.
pub fn rim_of(c: &CameraGpu, px: Vec2, size: Vec2) -> f32 {
    let rho2 = 4.0 * (px - 0.5 * size).length_squared() / size.length_squared();
    (-(c.look[0] * rho2 + c.look[1] * rho2 * rho2)).exp2()
}

pub fn gain_of(c: &CameraGpu, px: Vec2, light: Vec3) -> Vec3 {
    let gain = Vec3::from_slice(&c.gain);
    if c.look == [0.0; 4] {
        return gain;
    }
    let lifted = 1.0 / rim_of(c, px, Vec2::new(c.size_kind_layer[0], c.size_kind_layer[1]));
    let added = |light: f32| {
        let v = (light * lifted / 0.18).max(1e-4).log2().clamp(-6.0, 2.5);
        (c.look[2] * v + c.look[3] * v * v).exp2()
    };
    gain * lifted * Vec3::new(added(light.x), added(light.y), added(light.z))
}

pub fn evened(c: &CameraGpu, px: Vec2, coded: Vec3) -> Vec3 {
    coded * gain_of(c, px, linear_from_srgb(coded)).powf(1.0 / 2.4)
}
