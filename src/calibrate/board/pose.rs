//! Where a flat board is before one camera whose lens is known.

use glam::{DMat2, DMat3, DVec2, DVec3};

use super::{super::bundle::rotation_of, plane::homography};
use crate::geometry::{Lens, NormalEquations, Pose};

/// Corners of a board: on it (m, z = 0) and in the picture (px).
pub(in crate::calibrate) type Pairs = [(DVec3, DVec2)];

/// A pose of the board and how well it fits.
#[derive(Debug, Clone, Copy)]
pub(in crate::calibrate) struct Placed {
    pub camera_from_board: Pose,
    pub rms_px: f64,
}

/// The poses that a picture of the board allows, best first: one, or two where its tilt may be either way (G. Schweighofer and A. Pinz,
/// "Robust pose estimation from a planar target", 2006).
pub(super) fn placed(lens: &Lens, pairs: &Pairs) -> Vec<Placed> {
    let flat: Vec<(DVec2, DVec2)> = pairs.iter().map(|(p, px)| (p.truncate(), lens.unproject(*px).truncate())).collect();
    let Some(start) = homography(&flat).and_then(|h| from_homography(&h)) else { return vec![] };
    let middle = pairs.iter().map(|p| p.0).sum::<DVec3>() / pairs.len() as f64;
    let Some(first) = settled(lens, pairs, start) else { return vec![] };
    let seen = first.camera_from_board.apply(middle).normalize_or(DVec3::Z);
    let half_turn = |axis: DVec3| DMat3::from_axis_angle(axis, std::f64::consts::PI);
    let rotation = half_turn(seen) * first.camera_from_board.rotation * half_turn(DVec3::Z);
    let translation = first.camera_from_board.apply(middle) - rotation * middle;
    let mut all = vec![first];
    if let Some(second) = settled(lens, pairs, Pose { rotation, translation }) {
        let apart = (second.camera_from_board.rotation * first.camera_from_board.rotation.transpose() - DMat3::IDENTITY)
            .to_cols_array()
            .iter()
            .fold(0.0_f64, |a, v| a.max(v.abs()));
        if apart > 0.02 && second.rms_px < 4.0 * first.rms_px + 1.0 {
            all.push(second);
        }
    }
    all.sort_by(|a, b| a.rms_px.total_cmp(&b.rms_px));
    all
}

/// The pose that a homography from the board to the normalized picture stands for (Z. Zhang, "A flexible new technique for camera
/// calibration", 2000, §3.1).
fn from_homography(h: &DMat3) -> Option<Pose> {
    let scale = 0.5 * (h.x_axis.length() + h.y_axis.length());
    if scale.is_nan() || scale <= 1e-12 {
        return None;
    }
    // The board is before the camera.
    let h = *h * (if h.z_axis.z < 0.0 { -1.0 } else { 1.0 } / scale);
    let rotation = Pose::orthonormalized(DMat3::from_cols(h.x_axis, h.y_axis, h.x_axis.cross(h.y_axis)))?;
    Some(Pose { rotation, translation: h.z_axis })
}

/// Least squares in the picture, by Levenberg and Marquardt; points need not lie in a plane.
pub(in crate::calibrate) fn settled(lens: &Lens, pairs: &Pairs, start: Pose) -> Option<Placed> {
    let square = |pose: &Pose| -> Option<f64> {
        pairs.iter().try_fold(0.0, |sum, (p, px)| Some(sum + (lens.project(pose.apply(*p))? - *px).length_squared()))
    };
    let mut pose = start;
    let mut cost = square(&pose)?;
    let mut damping = 1e-3;
    for _ in 0..25 {
        let mut equations = NormalEquations::new(6);
        for (p, px) in pairs {
            let turned = pose.rotation * *p;
            let at = turned + pose.translation;
            let ideal = at.truncate() / at.z;
            let by_ideal = lens_jacobian(lens, ideal);
            let off = lens.project(at)? - *px;
            let by = |d: DVec3| by_ideal * DVec2::new(d.x - ideal.x * d.z, d.y - ideal.y * d.z) / at.z;
            let axes = [DVec3::X, DVec3::Y, DVec3::Z];
            let rows: [DVec2; 6] = std::array::from_fn(|k| if k < 3 { by(axes[k].cross(turned)) } else { by(axes[k - 3]) });
            for (axis, wanted) in [(0, -off.x), (1, -off.y)] {
                equations.add(&std::array::from_fn::<_, 6, _>(|k| (k, rows[k][axis])), wanted, 1.0);
            }
        }
        let mut fell = false;
        for _ in 0..6 {
            let Some((x, _)) = equations.damped(damping).solve() else {
                damping *= 10.0;
                continue;
            };
            let turn = rotation_of(DVec3::new(x[0], x[1], x[2]));
            let rotation = Pose::orthonormalized(turn * pose.rotation)?;
            let next = Pose { rotation, translation: pose.translation + DVec3::new(x[3], x[4], x[5]) };
            match square(&next) {
                Some(c) if c < cost => {
                    fell = cost - c > 1e-9 * cost;
                    (pose, cost) = (next, c);
                    damping = (damping * 0.1).max(1e-12);
                    break;
                }
                _ => damping *= 10.0,
            }
        }
        if !fell {
            break;
        }
    }
    Some(Placed { camera_from_board: pose, rms_px: (cost / pairs.len() as f64).sqrt() })
}

/// How the picture moves with the ideal point, px.
fn lens_jacobian(lens: &Lens, ideal: DVec2) -> DMat2 {
    let focal = DVec2::new(lens.fx_px, lens.fy_px);
    if lens.distortion.is_none() {
        return DMat2::from_diagonal(focal);
    }
    let h = 1e-6;
    let by = |step: DVec2| (lens.distortion.distort(ideal + step) - lens.distortion.distort(ideal - step)) * focal / (2.0 * h);
    DMat2::from_cols(by(DVec2::X * h), by(DVec2::Y * h))
}

/// The focal length (px) that some pictures of the board suggest, the principal point being in the middle: the closed solution of Zhang
/// (2000, §3.1) for square pixels, then the best of many, by how well the board can be placed. `None` where nothing fits.
pub(super) fn focal_px(views: &[&Pairs], (width_px, height_px): (f64, f64)) -> Option<f64> {
    let center = DVec2::new(width_px, height_px) * 0.5;
    let (mut ab, mut aa) = (0.0, 0.0);
    for view in views {
        let flat: Vec<(DVec2, DVec2)> = view.iter().map(|(p, px)| (p.truncate(), (*px - center) / width_px)).collect();
        let Some(h) = homography(&flat) else { continue };
        let (a, b) = (h.x_axis, h.y_axis);
        let scale = 1.0 / a.length_squared().max(1e-300);
        for (flat, deep) in [(a.x * b.x + a.y * b.y, a.z * b.z), (a.x * a.x + a.y * a.y - b.x * b.x - b.y * b.y, a.z * a.z - b.z * b.z)] {
            ab -= flat * deep * scale * scale;
            aa += flat * flat * scale * scale;
        }
    }
    let zhang = (aa > 0.0 && ab > 0.0).then(|| width_px * (aa / ab).sqrt());
    let fit = |focal: f64| -> f64 {
        let lens = Lens::pinhole(focal, focal, center.x, center.y);
        let mut each: Vec<f64> = views.iter().map(|v| placed(&lens, v).first().map_or(1e3, |p| p.rms_px)).collect();
        each.sort_by(f64::total_cmp);
        each[..each.len().div_ceil(2)].iter().sum::<f64>() / each.len().div_ceil(2).max(1) as f64
    };
    // From a very wide lens to one of 12 picture widths (432 mm on full frame).
    let steps = (0..22).map(|k| width_px * 0.35 * 1.18_f64.powi(k));
    let all = steps.chain(zhang.filter(|f| (0.2 * width_px..20.0 * width_px).contains(f)));
    all.map(|f| (fit(f), f)).filter(|(rms, _)| rms.is_finite() && *rms < 900.0).min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, f)| f)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(lens: &Lens, pose: &Pose) -> Vec<(DVec3, DVec2)> {
        let points = (0..30).map(|i| DVec3::new(f64::from(i % 6) * 0.05, f64::from(i / 6) * 0.05, 0.0));
        points.map(|p| (p, lens.project(pose.apply(p)).unwrap())).collect()
    }

    fn tilted(x: f64, y: f64, distance: f64) -> Pose {
        let rotation = DMat3::from_rotation_x(x) * DMat3::from_rotation_y(y);
        Pose { rotation, translation: DVec3::new(-0.1, -0.1, distance) }
    }

    #[test]
    fn a_board_is_placed_and_the_other_way_that_it_may_tilt_is_told() {
        let lens = Lens::pinhole(1400.0, 1400.0, 640.0, 360.0);
        let truth = tilted(0.3, -0.2, 6.0);
        let all = placed(&lens, &seen(&lens, &truth));
        assert_eq!(all.len(), 2, "far away, a tilt looks like its opposite");
        assert!((all[0].camera_from_board.translation - truth.translation).length() < 1e-6 && all[0].rms_px < 1e-6);
        assert!(all[1].rms_px > all[0].rms_px);
        assert_eq!(placed(&lens, &seen(&lens, &tilted(0.6, -0.5, 0.6))).len(), 1, "close by there is no doubt");
    }

    #[test]
    fn the_focal_length_of_a_long_lens_is_near() {
        for focal in [700.0, 2400.0, 9000.0] {
            let lens = Lens::pinhole(focal, focal, 640.0, 360.0);
            let away = focal / 1400.0;
            let views: Vec<_> =
                [(0.5, 0.0), (0.0, 0.6), (-0.5, 0.3), (0.4, -0.5)].iter().map(|(x, y)| seen(&lens, &tilted(*x, *y, away))).collect();
            let views: Vec<&Pairs> = views.iter().map(Vec::as_slice).collect();
            let found = focal_px(&views, (1280.0, 720.0)).unwrap();
            assert!((found / focal - 1.0).abs() < 0.02, "{focal}: {found}");
        }
    }
}
