//! Rigs to stand around the venue's pivot.

use glam::{DQuat, DVec3};

use crate::geometry::{Distortion, Lens, Pose};
use crate::rig::{Camera, Rig};

/// How cameras are placed around the venue's pivot (athlete at the origin, +z up, metres).
#[derive(Debug, Clone, PartialEq)]
pub struct VenueRig {
    /// Where all cameras look.
    pub target_in_world: DVec3,
    /// Horizontal distance of the cameras to the target, metres.
    pub radius_m: f64,
    /// Height of the cameras above the floor, metres.
    pub height_m: f64,
    /// Where the middle of an arc stands (a ring: the first camera), degrees to the right of the athlete's front.
    pub center_deg: f64,
    /// Picture width, px.
    pub width_px: u32,
    /// Picture height, px.
    pub height_px: u32,
    /// Horizontal field of view, radians.
    pub fov_rad: f64,
    /// Lens distortion of every camera.
    pub distortion: Distortion,
    /// How far cameras stand and look off the ideal (0 = machine-perfect, 1 = as riggers leave them: some centimetres and
    /// a few tenths of a degree). The rig file knows it exactly.
    pub unevenness: f64,
}

impl VenueRig {
    /// Defaults for a picture size: 6 m away, 1.55 m high, 56° lens, no distortion, a little unevenness.
    pub fn of_size(width_px: u32, height_px: u32) -> Self {
        Self {
            target_in_world: DVec3::new(0.0, 0.0, 1.32),
            radius_m: 6.0,
            height_m: 1.55,
            center_deg: 0.0,
            width_px: width_px.max(1),
            height_px: height_px.max(1),
            fov_rad: 56_f64.to_radians(),
            distortion: Distortion::None,
            unevenness: 0.5,
        }
    }

    /// `n` cameras on an arc of `span_deg` degrees, `radius_m` away, centred on −y (the athlete's front).
    pub fn arc(n: usize, span_deg: f64, radius_m: f64, (width_px, height_px): (u32, u32)) -> Rig {
        Self { radius_m, ..Self::of_size(width_px, height_px) }.on_arc(n, span_deg)
    }

    /// `n` cameras on a full ring.
    pub fn ring(n: usize, radius_m: f64, (width_px, height_px): (u32, u32)) -> Rig {
        Self { radius_m, ..Self::of_size(width_px, height_px) }.on_ring(n)
    }

    /// `n` cameras on an arc of `span_deg` degrees, left to right as seen from the subject's front.
    pub fn on_arc(&self, n: usize, span_deg: f64) -> Rig {
        let step = if n > 1 { span_deg / (n - 1) as f64 } else { 0.0 };
        let first = if n > 1 { -0.5 * span_deg } else { 0.0 };
        self.at_azimuths(&(0..n).map(|i| first + step * i as f64).collect::<Vec<_>>(), "cam", self.unevenness)
    }

    /// `n` cameras evenly around.
    pub fn on_ring(&self, n: usize) -> Rig {
        self.at_azimuths(&(0..n).map(|i| 360.0 * i as f64 / n.max(1) as f64).collect::<Vec<_>>(), "cam", self.unevenness)
    }

    /// Perfect cameras in the middle of each gap of [`Self::on_arc`] or, `closed`, of [`Self::on_ring`]: named `oAA_1` after
    /// the camera before the gap.
    pub fn between(&self, n: usize, span_deg: f64, closed: bool) -> Rig {
        let azimuths: Vec<f64> = if closed {
            (0..n).map(|i| 360.0 * (i as f64 + 0.5) / n.max(1) as f64).collect()
        } else {
            let step = if n > 1 { span_deg / (n - 1) as f64 } else { 0.0 };
            (0..n.saturating_sub(1)).map(|i| -0.5 * span_deg + step * (i as f64 + 0.5)).collect()
        };
        let mut rig = self.at_azimuths(&azimuths, "o", 0.0);
        for c in &mut rig.cameras {
            c.name.push_str("_1");
        }
        rig
    }

    fn at_azimuths(&self, azimuths_deg: &[f64], prefix: &str, unevenness: f64) -> Rig {
        let focal = 0.5 * f64::from(self.width_px) / (0.5 * self.fov_rad).tan();
        let lens = Lens {
            distortion: self.distortion,
            ..Lens::pinhole(focal, focal, 0.5 * f64::from(self.width_px), 0.5 * f64::from(self.height_px))
        };
        let cameras = azimuths_deg
            .iter()
            .enumerate()
            .map(|(i, azimuth)| {
                let jitter = |salt: u64| unevenness * centered(i as u64, salt);
                let a = (azimuth + self.center_deg).to_radians() - std::f64::consts::FRAC_PI_2;
                let eye = DVec3::new(
                    self.target_in_world.x + self.radius_m * a.cos(),
                    self.target_in_world.y + self.radius_m * a.sin(),
                    self.height_m,
                ) + DVec3::new(jitter(1), jitter(2), jitter(3)) * 0.06;
                let target = self.target_in_world + DVec3::new(jitter(4), jitter(5), jitter(6)) * 0.05;
                // Never parallel: the eye stands off the target horizontally unless the radius is nought.
                let level = Pose::look_at(eye, target, DVec3::Z).unwrap_or(Pose::IDENTITY);
                let roll = glam::DMat3::from_quat(DQuat::from_rotation_z(jitter(7) * 0.012));
                Camera {
                    name: format!("{prefix}{i:02}"),
                    width_px: self.width_px,
                    height_px: self.height_px,
                    lens,
                    camera_from_world: Pose { rotation: roll * level.rotation, translation: roll * level.translation },
                    clock_offset_nanos: 0,
                }
            })
            .collect();
        Rig { cameras, points_in_world: Vec::new() }
    }
}

/// Points all over the venue (floor, people, boards, stands), as the calibration of a real one leaves them in its rig: a solve
/// then knows between which depths to look.
pub fn landmarks_in_world() -> Vec<DVec3> {
    // (radius, lowest, highest) of rings of points, metres: the people among their props, floor, boards, rising stands, back wall.
    const RINGS: [(f64, f64, f64); 12] = [
        (0.3, 0.1, 2.8),
        (1.5, 0.0, 2.2),
        (2.5, 0.0, 2.0),
        (3.5, 0.0, 1.8),
        (6.0, 0.0, 1.0),
        (9.0, 0.0, 0.0),
        (13.0, 0.0, 0.0),
        (17.0, 0.0, 1.5),
        (21.0, 3.8, 3.8),
        (26.0, 6.6, 6.6),
        (31.0, 9.5, 9.5),
        (35.0, 11.8, 17.0),
    ];
    let around = 36;
    let ring = |&(radius, low, high): &(f64, f64, f64)| {
        (0..around * 3).map(move |i| {
            let a = std::f64::consts::TAU * f64::from(i % around) / f64::from(around);
            DVec3::new(radius * a.cos(), radius * a.sin(), low + (high - low) * 0.5 * f64::from(i / around))
        })
    };
    RINGS.iter().flat_map(ring).collect()
}

/// A deterministic number in −1…1.
fn centered(index: u64, salt: u64) -> f64 {
    let mut h = index.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ salt.wrapping_mul(0xd1b5_4a32_d192_ed03);
    h = (h ^ (h >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    h = (h ^ (h >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((h ^ (h >> 31)) >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Arc;

    #[test]
    fn arcs_and_rings_are_what_they_say() {
        let rig = VenueRig::arc(16, 90.0, 6.0, (640, 360));
        let arc = Arc::fit(&rig).unwrap();
        assert!(!arc.closed);
        assert!((arc.azimuth_rad[15].to_degrees() - 90.0).abs() < 2.0, "{:?}", arc.azimuth_rad);
        assert!((arc.center_in_world - DVec3::new(0.0, 0.0, 1.32)).length() < 0.1);
        let ring = Arc::fit(&VenueRig::ring(24, 7.0, (640, 360))).unwrap();
        assert!(ring.closed && ring.gap_count() == 24);
        assert_eq!(VenueRig::of_size(64, 36).between(16, 90.0, false).cameras.len(), 15);
        assert_eq!(VenueRig::of_size(64, 36).between(16, 90.0, true).cameras[3].name, "o03_1");
        for c in &rig.cameras {
            let m = c.camera_from_world.rotation;
            assert!((m.determinant() - 1.0).abs() < 1e-9);
            let px = c.project(DVec3::new(0.0, 0.0, 1.32)).unwrap();
            assert!((px - glam::DVec2::new(320.0, 180.0)).length() < 12.0, "{px}");
        }
    }
}
