//! Planes and their pictures: homographies.

use glam::{DMat3, DVec2};

use crate::geometry::NormalEquations;

/// Where a homography takes a point; NaN on its horizon.
pub(in crate::calibrate) fn apply(h: &DMat3, p: DVec2) -> DVec2 {
    let q = *h * p.extend(1.0);
    if q.z.abs() < 1e-12 { DVec2::NAN } else { q.truncate() / q.z }
}

/// How the picture of a point moves with the point: derivatives by its x and by its y.
pub(super) fn jacobian(h: &DMat3, p: DVec2) -> (DVec2, DVec2) {
    let q = *h * p.extend(1.0);
    let at = q.truncate() / q.z;
    ((h.x_axis.truncate() - at * h.x_axis.z) / q.z, (h.y_axis.truncate() - at * h.y_axis.z) / q.z)
}

/// The homography that takes the first of each pair to the second, from four pairs or more, least squares in the picture (the linear
/// solution, weighted anew twice: R. Hartley and A. Zisserman, "Multiple View Geometry", §4). `None` where they do not determine it.
pub(in crate::calibrate) fn homography(pairs: &[(DVec2, DVec2)]) -> Option<DMat3> {
    if pairs.len() < 4 {
        return None;
    }
    let n = pairs.len() as f64;
    let normal = |of: &dyn Fn(&(DVec2, DVec2)) -> DVec2| {
        let middle = pairs.iter().map(of).sum::<DVec2>() / n;
        let spread = (pairs.iter().map(|p| (of(p) - middle).length_squared()).sum::<f64>() / n).sqrt();
        (spread > 1e-12).then_some((middle, 1.0 / spread))
    };
    let ((from, from_scale), (to, to_scale)) = (normal(&|p| p.0)?, normal(&|p| p.1)?);
    let mut h = DMat3::IDENTITY;
    for round in 0..3 {
        let mut equations = NormalEquations::new(8);
        for (a, b) in pairs {
            let (a, b) = ((*a - from) * from_scale, (*b - to) * to_scale);
            let depth = if round == 0 { 1.0 } else { (h * a.extend(1.0)).z };
            let weight = 1.0 / depth.powi(2).max(1e-4);
            equations.add(&[(0, a.x), (1, a.y), (2, 1.0), (6, -a.x * b.x), (7, -a.y * b.x)], b.x, weight);
            equations.add(&[(3, a.x), (4, a.y), (5, 1.0), (6, -a.x * b.y), (7, -a.y * b.y)], b.y, weight);
        }
        let (x, _) = equations.solve()?;
        h = DMat3::from_cols_array(&[x[0], x[3], x[6], x[1], x[4], x[7], x[2], x[5], 1.0]);
    }
    let before = DMat3::from_cols_array(&[from_scale, 0.0, 0.0, 0.0, from_scale, 0.0, -from.x * from_scale, -from.y * from_scale, 1.0]);
    let after = DMat3::from_cols_array(&[1.0 / to_scale, 0.0, 0.0, 0.0, 1.0 / to_scale, 0.0, to.x, to.y, 1.0]);
    let h = after * h * before;
    h.is_finite().then_some(h)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_plane_does_is_found_again() {
        let truth = DMat3::from_cols_array(&[310.0, 12.0, 0.2, -40.0, 280.0, -0.3, 400.0, 300.0, 1.0]);
        let points = [(0.0, 0.0), (1.0, 0.1), (0.9, 0.8), (0.1, 1.0), (0.4, 0.6)].map(|(x, y)| DVec2::new(x, y));
        let found = homography(&points.map(|p| (p, apply(&truth, p)))).unwrap();
        let p = DVec2::new(0.3, 0.7);
        assert!((apply(&found, p) - apply(&truth, p)).length() < 1e-9);
        let (dx, _) = jacobian(&truth, p);
        assert!((dx - (apply(&truth, p + DVec2::X * 1e-6) - apply(&truth, p)) * 1e6).length() < 1e-3);
        // Four on a line determine nothing.
        let line = [0.0, 1.0, 2.0, 3.0].map(|x| (DVec2::new(x, x), DVec2::new(x, 2.0 * x)));
        assert!(homography(&line).is_none());
    }
}
