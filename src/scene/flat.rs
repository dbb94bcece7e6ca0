//! Large flat surfaces of a moment (floor, boards, walls), found in the depth of all cameras together.
//!
//! A plane is `m · (X − origin) = 1`. In every camera its inverse depth is linear in the picture, so that thousands of trusted pixels of many cameras
//! tell its three numbers far more exactly than any pixel its own depth. Must not know: the GPU, virtual cameras.

use glam::{DMat3, DVec3};

use super::Plan;
use crate::rig::Rig;

/// Planes at most.
pub const MOST: usize = 4;
/// A pixel lies on a plane that passes so near, px of disparity.
const NEAR_PX: f64 = 0.7;
/// Share of all samples that a plane must hold.
const LEAST_SHARE: f64 = 0.04;
/// What is trusted less tells nothing.
const LEAST_CONFIDENCE: f32 = 0.5;
/// Samples that a triple is judged by.
const JUDGES: usize = 2000;
/// Triples tried per plane.
const TRIES: usize = 400;
/// Rounds of the robust fit.
const ROUNDS: usize = 8;

/// A trusted pixel of one camera.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// Camera that saw it.
    pub camera: usize,
    /// Direction of its ray in the world, with depth 1 along the camera's axis.
    pub ray_in_world: DVec3,
    /// Inverse depth, 1/m.
    pub rho: f64,
    /// 0…1.
    pub confidence: f64,
}

/// A flat surface: `m · (X − origin) = 1`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plane {
    /// Normal over distance from the origin, 1/m.
    pub m: DVec3,
    /// Share of the samples that lie on it.
    pub share: f64,
}

impl Sample {
    /// What camera `i` knows at `px` of its working picture; `None` where it trusts it too little.
    pub fn of(rig: &Rig, plan: &Plan, i: usize, px: [f64; 2], rho: f32, confidence: f32) -> Option<Self> {
        if confidence < LEAST_CONFIDENCE || rho <= 0.0 {
            return None;
        }
        let [fx, fy, cx, cy] = plan.working[i].lens;
        let ray = DVec3::new((px[0] - cx) / fx, (px[1] - cy) / fy, 1.0);
        let ray_in_world = rig.cameras[i].camera_from_world.rotation.transpose() * ray;
        Some(Self { camera: i, ray_in_world, rho: f64::from(rho), confidence: f64::from(confidence) })
    }
}

/// Where the cameras stand about the origin of the planes, their middle: no surface that they see passes through it.
#[derive(Debug)]
pub struct Eyes {
    centers: Vec<DVec3>,
    units: Vec<f64>,
}

impl Eyes {
    /// Of the cameras of a rig.
    pub fn new(rig: &Rig, plan: &Plan) -> Self {
        let centers: Vec<DVec3> = rig.cameras.iter().map(|c| c.camera_from_world.center_in_world()).collect();
        let origin = centers.iter().sum::<DVec3>() / centers.len().max(1) as f64;
        Self { centers: centers.iter().map(|c| *c - origin).collect(), units: plan.working.iter().map(|w| w.rho_per_px).collect() }
    }

    fn rho(&self, m: DVec3, s: &Sample) -> f64 {
        m.dot(s.ray_in_world) / (1.0 - m.dot(self.centers[s.camera]))
    }

    fn off_px(&self, m: DVec3, s: &Sample) -> f64 {
        (self.rho(m, s) - s.rho) / self.units[s.camera]
    }

    /// `(a, b, c)` with inverse depth = a·x + b·y + c at the working pixel (x, y) of camera `i`.
    pub fn in_camera(&self, plane: &Plane, rig: &Rig, plan: &Plan, i: usize) -> [f32; 3] {
        let d = 1.0 - plane.m.dot(self.centers[i]);
        let n = rig.cameras[i].camera_from_world.rotation * plane.m / d;
        let [fx, fy, cx, cy] = plan.working[i].lens;
        let (a, b) = (n.x / fx, n.y / fy);
        [a as f32, b as f32, (n.z - a * cx - b * cy) as f32]
    }

    fn fit(&self, samples: &[Sample], start: DVec3, on: &[usize]) -> Option<DVec3> {
        let mut m = start;
        for _ in 0..ROUNDS {
            let (mut normal, mut right) = (DMat3::ZERO, DVec3::ZERO);
            for &k in on {
                let s = &samples[k];
                let e = self.off_px(m, s) / 0.5;
                let d = 1.0 - m.dot(self.centers[s.camera]);
                let w = s.confidence / (1.0 + e * e) / (self.units[s.camera] * d).powi(2);
                let row = s.ray_in_world + s.rho * self.centers[s.camera];
                normal += DMat3::from_cols(row * row.x, row * row.y, row * row.z) * w;
                right += row * (s.rho * w);
            }
            let det = normal.determinant();
            let trace = normal.x_axis.x + normal.y_axis.y + normal.z_axis.z;
            if !det.is_finite() || det <= 1e-15 * trace.powi(3) {
                return None;
            }
            m = normal.inverse() * right;
        }
        m.is_finite().then_some(m)
    }
}

/// The largest planes.
pub fn planes(eyes: &Eyes, samples: &[Sample]) -> Vec<Plane> {
    let total: f64 = samples.iter().map(|s| s.confidence).sum();
    let mut left: Vec<usize> = (0..samples.len()).collect();
    let mut found = Vec::new();
    let mut seed = 0x9E37_79B9_7F4A_7C15_u64;
    let mut random = |n: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed % n.max(1) as u64) as usize
    };
    while found.len() < MOST && left.len() >= 50 {
        let mut best = (0.0, DVec3::ZERO);
        let stride = (left.len() / JUDGES).max(1);
        for _ in 0..TRIES {
            let three = [0; 3].map(|_| samples[left[random(left.len())]]);
            let rows = DMat3::from_cols_array_2d(&three.map(|s| (s.ray_in_world + s.rho * eyes.centers[s.camera]).to_array())).transpose();
            if rows.determinant().abs() < 1e-12 {
                continue;
            }
            let m = rows.inverse() * DVec3::from_array(three.map(|s| s.rho));
            let score: f64 = left
                .iter()
                .step_by(stride)
                .map(|&k| {
                    let e = eyes.off_px(m, &samples[k]) / NEAR_PX;
                    if e.abs() < 1.0 { samples[k].confidence * (1.0 - e * e) } else { 0.0 }
                })
                .sum();
            if score > best.0 {
                best = (score, m);
            }
        }
        let mut m = best.1;
        for reach in [3.0, 2.0, 1.5] {
            let on: Vec<usize> = left.iter().copied().filter(|&k| eyes.off_px(m, &samples[k]).abs() < reach * NEAR_PX).collect();
            match eyes.fit(samples, m, &on) {
                Some(better) => m = better,
                None => return found,
            }
        }
        let share =
            left.iter().filter(|&&k| eyes.off_px(m, &samples[k]).abs() < NEAR_PX).map(|&k| samples[k].confidence).sum::<f64>() / total;
        if share < LEAST_SHARE {
            break;
        }
        found.push(Plane { m, share });
        left.retain(|&k| eyes.off_px(m, &samples[k]).abs() >= 2.0 * NEAR_PX);
    }
    found
}

#[cfg(test)]
mod tests;
