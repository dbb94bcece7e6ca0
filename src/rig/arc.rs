//! The arc: the cameras in order around the subject, its centre (the default pivot), up axis and gaps.

use glam::DVec3;

use super::Rig;
use crate::geometry::nearest_point_to_rays;

/// Why no arc can be fitted.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ArcError {
    /// Fewer than two cameras.
    #[error("an arc needs at least two cameras, the rig has {0}. Add cameras to the rig file")]
    TooFew(usize),
    /// The viewing directions never meet in front of the cameras.
    #[error("the cameras do not look at a common subject. Check the axes of the rig file (OpenCV: +z forward) with `volte rig check`")]
    NoCommonSubject,
}

/// The cameras in order around the subject.
#[derive(Debug, Clone, PartialEq)]
pub struct Arc {
    /// Where the cameras look, metres: the point nearest to all optical axes.
    pub center_in_world: DVec3,
    /// Unit normal of the plane of the cameras, towards the cameras' own "up".
    pub up_in_world: DVec3,
    /// Mean distance of the cameras to the centre, metres.
    pub radius_m: f64,
    /// Camera indices by azimuth about `up`, starting after the widest gap.
    pub order: Vec<usize>,
    /// Azimuth of each camera of `order`, radians, increasing; the first is 0.
    pub azimuth_rad: Vec<f64>,
    /// Whether the cameras close a full ring (the widest gap is not much wider than the others).
    pub closed: bool,
}

impl Arc {
    /// Fits the arc to a rig.
    pub fn fit(rig: &Rig) -> Result<Self, ArcError> {
        let n = rig.cameras.len();
        if n < 2 {
            return Err(ArcError::TooFew(n));
        }
        let centers: Vec<DVec3> = rig.cameras.iter().map(super::Camera::center_in_world).collect();
        let rays: Vec<_> = rig.cameras.iter().zip(&centers).map(|(c, o)| (*o, c.camera_from_world.forward_in_world())).collect();
        let center_in_world = nearest_point_to_rays(&rays)
            .filter(|p| {
                let in_front = rays.iter().filter(|(o, d)| (*p - *o).dot(*d) > 0.0).count();
                in_front * 2 > n
            })
            .ok_or(ArcError::NoCommonSubject)?;
        let camera_up: DVec3 = rig.cameras.iter().map(|c| c.camera_from_world.rotation.transpose() * -DVec3::Y).sum();
        let up_in_world = plane_normal(&centers, center_in_world, camera_up);
        let radius_m = centers.iter().map(|c| (*c - center_in_world).length()).sum::<f64>() / n as f64;

        let first = flatten(centers[0] - center_in_world, up_in_world);
        let x_axis = first.try_normalize().unwrap_or_else(|| up_in_world.any_orthonormal_vector());
        let y_axis = up_in_world.cross(x_axis);
        let mut by_azimuth: Vec<(f64, usize)> = centers
            .iter()
            .enumerate()
            .map(|(i, c)| {
                let v = *c - center_in_world;
                (v.dot(y_axis).atan2(v.dot(x_axis)).rem_euclid(std::f64::consts::TAU), i)
            })
            .collect();
        by_azimuth.sort_by(|a, b| a.0.total_cmp(&b.0));
        let gap_after = |k: usize| (by_azimuth[(k + 1) % n].0 - by_azimuth[k].0).rem_euclid(std::f64::consts::TAU);
        let widest = (0..n).max_by(|&a, &b| gap_after(a).total_cmp(&gap_after(b))).unwrap_or(0);
        let widest_rad = gap_after(widest);
        let mean_other = (std::f64::consts::TAU - widest_rad) / (n - 1) as f64;
        let second_rad = (0..n).filter(|&k| k != widest).map(gap_after).fold(0.0, f64::max);
        // Uneven rings exist: there the widest gap is no outlier against the second widest.
        let even = widest_rad < (1.9 * mean_other).max(1e-6) && widest_rad < 2.4;
        let uneven = widest_rad < 1.5 * second_rad && widest_rad < std::f64::consts::FRAC_PI_2;
        let closed = n >= 3 && (even || uneven);
        by_azimuth.rotate_left((widest + 1) % n);
        let zero = by_azimuth[0].0;
        Ok(Self {
            center_in_world,
            up_in_world,
            radius_m,
            azimuth_rad: by_azimuth.iter().map(|(a, _)| (a - zero).rem_euclid(std::f64::consts::TAU)).collect(),
            order: by_azimuth.into_iter().map(|(_, i)| i).collect(),
            closed,
        })
    }

    /// The angle between two neighbours of the order as seen from the centre, radians; `k` counts gaps, and a closed
    /// ring has one more gap than an open arc.
    pub fn gap_rad(&self, rig: &Rig, k: usize) -> f64 {
        let (a, b) = (self.order[k % self.order.len()], self.order[(k + 1) % self.order.len()]);
        let va = rig.cameras[a].center_in_world() - self.center_in_world;
        let vb = rig.cameras[b].center_in_world() - self.center_in_world;
        va.angle_between(vb)
    }

    /// Number of gaps between neighbours.
    pub fn gap_count(&self) -> usize {
        if self.closed { self.order.len() } else { self.order.len() - 1 }
    }
}

fn flatten(v: DVec3, up: DVec3) -> DVec3 {
    v - up * v.dot(up)
}

/// Normal of the cameras' plane, on the side of the cameras' own up; that up itself where the cameras are (nearly) in a
/// line or do not lie in a plane.
fn plane_normal(centers: &[DVec3], center: DVec3, camera_up_sum: DVec3) -> DVec3 {
    let camera_up = camera_up_sum.try_normalize().unwrap_or(DVec3::Z);
    let mean = centers.iter().sum::<DVec3>() / centers.len() as f64;
    let mut m = glam::DMat3::ZERO;
    for c in centers {
        let d = *c - mean;
        m += glam::DMat3::from_cols(d * d.x, d * d.y, d * d.z);
    }
    let trace = m.x_axis.x + m.y_axis.y + m.z_axis.z;
    if !trace.is_finite() || trace <= 0.0 || (mean - center).length_squared() == 0.0 {
        return camera_up;
    }
    // Inverse iteration towards the eigenvector of the smallest spread; the start is no axis of anything.
    let inverse = (m + glam::DMat3::from_diagonal(DVec3::splat(trace * 1e-9))).inverse();
    let mut normal = camera_up + DVec3::new(0.013, 0.029, 0.017);
    for _ in 0..64 {
        normal = (inverse * normal).normalize_or(camera_up);
    }
    let spread = |v: DVec3| v.dot(m * v).max(0.0);
    // The two spreads within the plane, from their sum and product.
    let (a, b) = normal.any_orthonormal_pair();
    let (saa, sbb, sab) = (spread(a), spread(b), a.dot(m * b));
    let half = f64::hypot(saa - sbb, 2.0 * sab) * 0.5;
    let (large, small) = ((saa + sbb) * 0.5 + half, (saa + sbb) * 0.5 - half);
    let along_up = normal.dot(camera_up);
    // An arc in a slant against the cameras' up is believed only where the plane is beyond doubt: a ring around a subject
    // that lies on its side, where every camera has another up.
    let in_plane = spread(normal) <= 0.25 * small;
    // Two rows of cameras side by side lie in a plane too, but in one that faces the subject.
    let faces_subject = (center - mean).try_normalize().is_some_and(|d| normal.dot(d).abs() > 0.7);
    let agree_about_up = camera_up_sum.length() > 0.7 * centers.len() as f64;
    // A short arc is a line with a little bulge: there the plane must be so much the flatter (cameras hung on their side).
    let flat = |share: f64, bulge: f64| spread(normal) <= share * small && small >= bulge * large;
    let beyond_doubt = (flat(0.02, 0.1) || flat(0.002, 0.01)) && !(faces_subject && agree_about_up);
    // Cameras hung on their side, not quite in a plane: who has up along the row itself has it from the row and the subject.
    let angle = (2.0 * sab).atan2(saa - sbb) * 0.5;
    let row = a * angle.cos() + b * angle.sin();
    if !beyond_doubt
        && small <= 0.5 * large
        && row.dot(camera_up).abs() > std::f64::consts::FRAC_1_SQRT_2
        && let Some(up) = row.cross(center - mean).try_normalize()
    {
        return if up.dot(camera_up) < 0.0 { -up } else { up };
    }
    if beyond_doubt || (in_plane && along_up.abs() >= 0.5) { if along_up < 0.0 { -normal } else { normal } } else { camera_up }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::{Lens, Pose};
    use crate::rig::Camera;

    pub(crate) fn ring(n: usize, span_rad: f64, closed: bool) -> Rig {
        let step = span_rad / if closed { n as f64 } else { (n - 1) as f64 };
        let target = DVec3::new(0.5, -0.2, 1.0);
        // Scrambled on purpose: the order must come from geometry, not from the file.
        let cameras = (0..n)
            .map(|i| (i * 7) % n)
            .map(|i| {
                let a = step * i as f64;
                let eye = target + DVec3::new(4.0 * a.cos(), 4.0 * a.sin(), 0.3);
                Camera {
                    name: format!("cam{i:02}"),
                    width_px: 640,
                    height_px: 360,
                    lens: Lens::pinhole(600.0, 600.0, 320.0, 180.0),
                    camera_from_world: Pose::look_at(eye, target, DVec3::Z).unwrap(),
                    clock_offset_nanos: 0,
                }
            })
            .collect();
        Rig { cameras, points_in_world: vec![] }
    }

    #[test]
    fn an_open_arc_is_ordered_and_measured() {
        let rig = ring(12, 1.2, false);
        let arc = Arc::fit(&rig).unwrap();
        assert!(!arc.closed);
        assert_eq!(arc.gap_count(), 11);
        assert!((arc.center_in_world - DVec3::new(0.5, -0.2, 1.0)).length() < 1e-6);
        assert!(arc.up_in_world.dot(DVec3::Z) > 0.99);
        let names: Vec<_> = arc.order.iter().map(|&i| rig.cameras[i].name.clone()).collect();
        let mut sorted = names.clone();
        sorted.sort();
        assert_eq!(names, sorted);
        assert!((arc.gap_rad(&rig, 3) - 1.2 / 11.0).abs() < 2e-3);
    }

    /// Cameras on their side, a hand's breadth above and below each other: the arc is neither flat nor bent enough to be believed by itself.
    #[test]
    fn an_uneven_arc_of_cameras_on_their_side_is_ordered() {
        for (span, uneven_m) in [(1.4, 0.07), (1.4, 0.2), (0.7, 0.05)] {
            let mut rig = ring(19, span, false);
            for (i, c) in rig.cameras.iter_mut().enumerate() {
                let eye = c.center_in_world() + DVec3::Z * (uneven_m * (i as f64 * 12.9898).sin());
                let turned = glam::DMat3::from_rotation_z(88_f64.to_radians()) * c.camera_from_world.rotation;
                c.camera_from_world = Pose { rotation: turned, translation: -(turned * eye) };
            }
            let arc = Arc::fit(&rig).unwrap();
            assert!(arc.up_in_world.z.abs() > 0.99, "{span} {uneven_m}: {arc:?}");
            let names: Vec<_> = arc.order.iter().map(|&i| rig.cameras[i].name.clone()).collect();
            assert!(names.is_sorted() || names.iter().rev().is_sorted(), "{names:?}");
        }
    }

    #[test]
    fn a_ring_closes() {
        let arc = Arc::fit(&ring(16, std::f64::consts::TAU, true)).unwrap();
        assert!(arc.closed);
        assert_eq!(arc.gap_count(), 16);
    }

    #[test]
    fn a_ring_of_cameras_that_disagree_about_up_is_ordered() {
        // Each camera's up is the tangent of the ring, as in a gantry around a subject on its side.
        let mut rig = ring(16, std::f64::consts::TAU, true);
        for c in &mut rig.cameras {
            let eye = c.center_in_world();
            let target = DVec3::new(0.5, -0.2, 1.0);
            c.camera_from_world = Pose::look_at(eye, target, DVec3::Z.cross(eye - target)).unwrap();
        }
        let arc = Arc::fit(&rig).unwrap();
        assert!(arc.closed && arc.up_in_world.z.abs() > 0.99, "{arc:?}");
        for k in 0..16 {
            assert!((arc.gap_rad(&rig, k) - std::f64::consts::TAU / 16.0).abs() < 5e-3);
        }
    }

    #[test]
    fn cameras_that_look_apart_have_no_arc() {
        let mut rig = ring(4, 1.0, false);
        for c in &mut rig.cameras {
            c.camera_from_world = Pose::look_at(c.center_in_world(), c.center_in_world() * 3.0, DVec3::Z).unwrap();
        }
        assert_eq!(Arc::fit(&rig).unwrap_err(), ArcError::NoCommonSubject);
        assert_eq!(Arc::fit(&Rig::default()).unwrap_err(), ArcError::TooFew(0));
    }
}
