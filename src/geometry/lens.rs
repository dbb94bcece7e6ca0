//! Lens models: pinhole with OpenCV's distortions.

use glam::{DVec2, DVec3};

/// Distortion on the normalized image plane (z = 1), in OpenCV's parametrization.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Distortion {
    /// Ideal pinhole.
    #[default]
    None,
    /// OpenCV's rational model: radial k1…k6 ((1+k1r²+k2r⁴+k3r⁶)/(1+k4r²+k5r⁴+k6r⁶)) and tangential p1, p2.
    /// (OpenCV documentation, "Camera Calibration and 3D Reconstruction".)
    BrownConrady {
        /// k1…k6.
        k: [f64; 6],
        /// p1, p2.
        p: [f64; 2],
    },
    /// OpenCV's fisheye: `θ_d = θ(1 + k1θ² + k2θ⁴ + k3θ⁶ + k4θ⁸)`.
    Fisheye {
        /// k1…k4.
        k: [f64; 4],
    },
}

/// Focal lengths and principal point in pixels (first pixel's centre at (0.5, 0.5)), and distortion.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lens {
    /// Focal length along x, px.
    pub fx_px: f64,
    /// Focal length along y, px.
    pub fy_px: f64,
    /// Principal point x, px.
    pub cx_px: f64,
    /// Principal point y, px.
    pub cy_px: f64,
    /// Distortion.
    pub distortion: Distortion,
}

impl Distortion {
    /// Whether the model is the identity.
    pub fn is_none(&self) -> bool {
        match self {
            Self::None => true,
            Self::BrownConrady { k, p } => k.iter().chain(p).all(|v| *v == 0.0),
            Self::Fisheye { .. } => false,
        }
    }

    /// Ideal normalized coordinates → distorted normalized coordinates.
    pub fn distort(&self, ideal: DVec2) -> DVec2 {
        match self {
            Self::None => ideal,
            Self::BrownConrady { k, p } => {
                let r2 = ideal.length_squared();
                let radial = (1.0 + r2 * (k[0] + r2 * (k[1] + r2 * k[2]))) / (1.0 + r2 * (k[3] + r2 * (k[4] + r2 * k[5])));
                let (x, y) = (ideal.x, ideal.y);
                DVec2::new(
                    x * radial + 2.0 * p[0] * x * y + p[1] * (r2 + 2.0 * x * x),
                    y * radial + p[0] * (r2 + 2.0 * y * y) + 2.0 * p[1] * x * y,
                )
            }
            Self::Fisheye { k } => {
                let r = ideal.length();
                if r < 1e-12 {
                    return ideal;
                }
                let t = r.atan();
                let t2 = t * t;
                let td = t * (1.0 + t2 * (k[0] + t2 * (k[1] + t2 * (k[2] + t2 * k[3]))));
                ideal * (td / r)
            }
        }
    }

    /// Distorted → ideal normalized coordinates, by damped Newton iteration with a numerical Jacobian.
    /// Outside the model's invertible range the nearest point found is returned.
    pub fn undistort(&self, distorted: DVec2) -> DVec2 {
        if self.is_none() {
            return distorted;
        }
        let mut p = distorted;
        if let Self::Fisheye { .. } = self {
            // Start from the undistorted angle: tan of the distorted radius, kept below 89°.
            let td = distorted.length();
            if td > 1e-12 {
                p = distorted * (td.min(1.55).tan() / td);
            }
        }
        let mut error = (self.distort(p) - distorted).length_squared();
        for _ in 0..40 {
            if error < 1e-28 {
                break;
            }
            let f = self.distort(p) - distorted;
            let h = 1e-7 * (1.0 + p.length());
            let dx = (self.distort(p + DVec2::X * h) - self.distort(p - DVec2::X * h)) / (2.0 * h);
            let dy = (self.distort(p + DVec2::Y * h) - self.distort(p - DVec2::Y * h)) / (2.0 * h);
            let det = dx.x * dy.y - dx.y * dy.x;
            if det.abs() < 1e-12 || !det.is_finite() {
                break;
            }
            let step = DVec2::new(dy.y * f.x - dy.x * f.y, dx.x * f.y - dx.y * f.x) / det;
            let mut damping = 1.0;
            loop {
                let next = p - step * damping;
                let next_error = (self.distort(next) - distorted).length_squared();
                if next_error < error {
                    p = next;
                    error = next_error;
                    break;
                }
                damping *= 0.5;
                if damping < 1e-4 {
                    return p;
                }
            }
        }
        p
    }
}

impl Lens {
    /// An ideal pinhole.
    pub const fn pinhole(fx_px: f64, fy_px: f64, cx_px: f64, cy_px: f64) -> Self {
        Self { fx_px, fy_px, cx_px, cy_px, distortion: Distortion::None }
    }

    /// Projects a point in camera axes to pixels; `None` at or behind the camera's plane.
    pub fn project(&self, p_in_camera: DVec3) -> Option<DVec2> {
        if p_in_camera.z <= 1e-9 {
            return None;
        }
        let d = self.distortion.distort(p_in_camera.truncate() / p_in_camera.z);
        Some(DVec2::new(self.fx_px * d.x + self.cx_px, self.fy_px * d.y + self.cy_px))
    }

    /// The viewing ray of a pixel position, scaled to z = 1, in camera axes.
    pub fn unproject(&self, px: DVec2) -> DVec3 {
        let d = DVec2::new((px.x - self.cx_px) / self.fx_px, (px.y - self.cy_px) / self.fy_px);
        self.distortion.undistort(d).extend(1.0)
    }

    /// The lens of the same camera with its picture scaled by `sx`, `sy`.
    #[must_use]
    pub fn scaled(&self, sx: f64, sy: f64) -> Self {
        Self { fx_px: self.fx_px * sx, fy_px: self.fy_px * sy, cx_px: self.cx_px * sx, cy_px: self.cy_px * sy, distortion: self.distortion }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distortion_round_trips() {
        let models = [
            Distortion::BrownConrady { k: [-0.33, 0.046, 0.0666, 0.0, 0.0, 0.0], p: [-0.0043, 0.0041] },
            Distortion::BrownConrady { k: [0.1, -0.2, 0.05, 0.08, -0.1, 0.02], p: [0.001, -0.002] },
            Distortion::Fisheye { k: [-0.02, 0.01, -0.003, 0.0004] },
        ];
        for model in models {
            for i in -4..=4 {
                for j in -4..=4 {
                    let ideal = DVec2::new(f64::from(i), f64::from(j)) * 0.12;
                    assert!((model.undistort(model.distort(ideal)) - ideal).length() < 1e-9, "{model:?} {ideal}");
                }
            }
        }
    }

    #[test]
    fn project_unproject() {
        let lens = Lens {
            distortion: Distortion::BrownConrady { k: [0.05, -0.08, 0.0, 0.0, 0.0, 0.0], p: [-0.001, 0.0002] },
            ..Lens::pinhole(1375.5, 1374.5, 554.6, 965.3)
        };
        let px = DVec2::new(100.5, 1800.5);
        assert!((lens.project(lens.unproject(px) * 3.7).unwrap() - px).length() < 1e-7);
        assert!(lens.project(DVec3::new(0.0, 0.0, -1.0)).is_none());
    }
}
