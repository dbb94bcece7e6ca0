//! Rigid transforms.

use glam::{DMat3, DMat4, DVec3};

/// A rigid transform `dst = rotation · src + translation`; a camera's pose is always its `camera_from_world`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pose {
    /// Proper rotation (orthonormal, determinant +1).
    pub rotation: DMat3,
    /// Metres.
    pub translation: DVec3,
}

impl Pose {
    /// No motion.
    pub const IDENTITY: Self = Self { rotation: DMat3::IDENTITY, translation: DVec3::ZERO };

    /// `self · p`.
    pub fn apply(&self, p: DVec3) -> DVec3 {
        self.rotation * p + self.translation
    }

    /// The inverse transform.
    #[must_use]
    pub fn inverse(&self) -> Self {
        let r = self.rotation.transpose();
        Self { rotation: r, translation: -(r * self.translation) }
    }

    /// `a_from_b.then_from(b_from_c) = a_from_c`.
    #[must_use]
    pub fn then_from(&self, b_from_c: &Self) -> Self {
        Self { rotation: self.rotation * b_from_c.rotation, translation: self.apply(b_from_c.translation) }
    }

    /// For a `camera_from_world`: the camera's centre in the world, metres.
    pub fn center_in_world(&self) -> DVec3 {
        -(self.rotation.transpose() * self.translation)
    }

    /// For a `camera_from_world`: the viewing direction (+z of the camera) in the world, unit length.
    pub fn forward_in_world(&self) -> DVec3 {
        self.rotation.transpose() * DVec3::Z
    }

    /// `camera_from_world` of a camera at `eye` that looks at `target`, with `up` (world) pointing up in the picture.
    /// `None` when eye and target coincide or `up` is parallel to the view.
    pub fn look_at(eye: DVec3, target: DVec3, up: DVec3) -> Option<Self> {
        let z = (target - eye).try_normalize()?;
        let x = z.cross(up).try_normalize()?;
        let y = z.cross(x);
        let rotation = DMat3::from_cols(x, y, z).transpose();
        Some(Self { rotation, translation: -(rotation * eye) })
    }

    /// Whether the rotation is a proper one: orthonormal within 1e-6 and right-handed.
    pub fn is_rigid(&self) -> bool {
        let off = self.rotation * self.rotation.transpose() - DMat3::IDENTITY;
        off.to_cols_array().iter().all(|v| v.abs() < 1e-6) && self.rotation.determinant() > 0.0
    }

    /// Nearest proper rotation to `m` by polar iteration; `None` if `m` is singular or mirrored.
    pub fn orthonormalized(m: DMat3) -> Option<DMat3> {
        if m.determinant() <= 1e-12 || !m.is_finite() {
            return None;
        }
        let mut r = m;
        for _ in 0..64 {
            let next = (r + r.inverse().transpose()) * 0.5;
            let change = (next - r).to_cols_array().iter().fold(0.0_f64, |a, v| a.max(v.abs()));
            r = next;
            if change < 1e-15 {
                break;
            }
        }
        Some(r)
    }

    /// As a 4×4 matrix.
    pub fn to_mat4(&self) -> DMat4 {
        DMat4::from_mat3_translation(self.rotation, self.translation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn look_at_puts_target_on_axis_and_up_is_up() {
        let eye = DVec3::new(3.0, -4.0, 1.5);
        let camera_from_world = Pose::look_at(eye, DVec3::ZERO, DVec3::Z).unwrap();
        assert!((camera_from_world.center_in_world() - eye).length() < 1e-12);
        let p = camera_from_world.apply(DVec3::ZERO);
        assert!(p.x.abs() < 1e-12 && p.y.abs() < 1e-12 && p.z > 0.0);
        // A point higher in the world has a smaller y in the picture (+y is down).
        assert!(camera_from_world.apply(DVec3::Z * 0.1).y < 0.0);
        assert!((camera_from_world.rotation.determinant() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn inverse_and_composition() {
        let a = Pose::look_at(DVec3::new(1.0, 2.0, 3.0), DVec3::ZERO, DVec3::Y).unwrap();
        let p = DVec3::new(0.3, -0.2, 0.9);
        assert!((a.inverse().apply(a.apply(p)) - p).length() < 1e-12);
        assert!((a.then_from(&a.inverse()).apply(p) - p).length() < 1e-12);
    }
}
