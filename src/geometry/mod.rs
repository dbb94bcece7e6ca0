//! Lenses, poses and rays. Pure `f64` maths; one CPU model that the shaders mirror.
//!
//! Conventions: world right-handed, metres; camera axes +x right, +y down, +z forward (OpenCV, COLMAP); pixel centres at
//! .5; depth as inverse depth along z. Must not know: files, pictures, GPU.

mod lens;
mod normal;
mod pose;

pub use lens::{Distortion, Lens};
pub use normal::NormalEquations;
pub use pose::Pose;

use glam::DVec3;

/// The point nearest to all rays in the least-squares sense (origin + t·direction), weights equal.
/// `None` when fewer than two rays or all are parallel.
pub fn nearest_point_to_rays(rays: &[(DVec3, DVec3)]) -> Option<DVec3> {
    let mut a = glam::DMat3::ZERO;
    let mut b = DVec3::ZERO;
    for (origin, direction) in rays {
        let d = direction.try_normalize()?;
        let m = glam::DMat3::IDENTITY - glam::DMat3::from_cols(d * d.x, d * d.y, d * d.z);
        a += m;
        b += m * *origin;
    }
    // Two rays 0.6° apart have a determinant of about 1e-4 × n²: below 1e-9 there is no crossing to speak of.
    (rays.len() >= 2 && a.determinant().abs() > 1e-9).then(|| a.inverse() * b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rays_meet() {
        let target = DVec3::new(1.0, 2.0, 3.0);
        let rays: Vec<_> = [DVec3::ZERO, DVec3::X * 5.0, DVec3::Y * -3.0].iter().map(|o| (*o, target - *o)).collect();
        assert!((nearest_point_to_rays(&rays).unwrap() - target).length() < 1e-9);
        assert!(nearest_point_to_rays(&[(DVec3::ZERO, DVec3::Z), (DVec3::X, DVec3::Z)]).is_none());
    }
}
