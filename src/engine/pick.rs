//! Which point of the world a click into a picture means: pure geometry, for a solved scene and for two clicks without one.
//!
//! Must not know: the GPU, who clicked.

use glam::{DVec2, DVec3};

use crate::{geometry::nearest_point_to_rays, rig::Camera};

/// The view that is looked at for a click is made no larger than this, px: a finger does not point better.
const LONGEST_PX: u32 = 640;
/// Surfaces that nobody upholds more than this are not hit; the heat map calls them doubtful.
const LEAST_TRUST: f32 = 0.25;
/// What was clicked beside is looked for so far away, px.
const REACH_PX: i32 = 4;
/// Rays that pass further apart than this share of their length do not mean the same point.
const MISSES: f64 = 0.05;

/// A smaller camera through which a click is looked for, and where it is there, px.
pub(super) fn small(eye: &Camera, at_px: [f64; 2]) -> (Camera, [f64; 2]) {
    let scale = (f64::from(LONGEST_PX) / f64::from(eye.width_px.max(eye.height_px).max(1))).min(1.0);
    let size = |px: u32| ((f64::from(px) * scale).round() as u32).max(1);
    let (width_px, height_px) = (size(eye.width_px), size(eye.height_px));
    let at = [
        at_px[0] * f64::from(width_px) / f64::from(eye.width_px.max(1)),
        at_px[1] * f64::from(height_px) / f64::from(eye.height_px.max(1)),
    ];
    (eye.scaled_to(width_px, height_px), at)
}

/// The inverse depth that a click hit, of a view's (inverse depth, trust) per pixel: that of the pixel itself, else the frontmost one
/// close by (who clicks beside an arm means the arm); `None` where nobody upholds a surface.
pub(super) fn frontmost(surface: &[(f32, f32)], width_px: u32, at_px: [f64; 2]) -> Option<f64> {
    let width = width_px.max(1) as i32;
    let height = surface.len() as i32 / width;
    let (x, y) = (at_px[0].floor() as i32, at_px[1].floor() as i32);
    let upheld = |x: i32, y: i32| {
        let inside = (0..width).contains(&x) && (0..height).contains(&y);
        let (rho, trust) = if inside { surface[(y * width + x) as usize] } else { return None };
        (trust >= LEAST_TRUST && rho.is_finite() && rho > 0.0).then_some(rho)
    };
    let near = || (-REACH_PX..=REACH_PX).flat_map(|dy| (-REACH_PX..=REACH_PX).map(move |dx| (dx, dy)));
    upheld(x, y).or_else(|| near().filter_map(|(dx, dy)| upheld(x + dx, y + dy)).max_by(f32::total_cmp)).map(f64::from)
}

/// The point of the world at a pixel of a camera and an inverse depth along its z, 1/m.
pub(super) fn point_at(eye: &Camera, at_px: [f64; 2], inverse_depth: f64) -> Option<DVec3> {
    let p_in_camera = eye.lens.unproject(DVec2::from_array(at_px)) / inverse_depth;
    let p_in_world = eye.camera_from_world.inverse().apply(p_in_camera);
    (inverse_depth > 0.0 && p_in_world.is_finite()).then_some(p_in_world)
}

/// The ray of a pixel in the world: where it begins, and its direction of unit length.
pub(super) fn ray(eye: &Camera, at_px: [f64; 2]) -> Option<(DVec3, DVec3)> {
    let direction = eye.camera_from_world.rotation.transpose() * eye.lens.unproject(DVec2::from_array(at_px));
    Some((eye.center_in_world(), direction.try_normalize()?))
}

/// Why two rays mean no point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum NoMeeting {
    /// They begin in one place or run alongside.
    Parallel,
    /// They meet behind a camera.
    Behind,
    /// They pass so far apart, metres.
    Apart(f64),
}

/// The point that two rays mean.
pub(super) fn meeting(a: (DVec3, DVec3), b: (DVec3, DVec3)) -> Result<DVec3, NoMeeting> {
    // Below a degree the depth would be a guess.
    if a.1.cross(b.1).length() < 0.0175 {
        return Err(NoMeeting::Parallel);
    }
    let point = nearest_point_to_rays(&[a, b]).ok_or(NoMeeting::Parallel)?;
    let along = [a, b].map(|(origin, direction)| (point - origin).dot(direction));
    if along.iter().any(|d| *d <= 0.0) {
        return Err(NoMeeting::Behind);
    }
    let apart = 2.0 * (point - a.0 - a.1 * along[0]).length();
    if apart > MISSES * along[0].min(along[1]) { Err(NoMeeting::Apart(apart)) } else { Ok(point) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::{Lens, Pose};

    fn camera(eye: DVec3) -> Camera {
        Camera {
            name: "c".to_owned(),
            width_px: 1920,
            height_px: 1080,
            lens: Lens::pinhole(1500.0, 1500.0, 960.0, 540.0),
            camera_from_world: Pose::look_at(eye, DVec3::Z, DVec3::Z).unwrap(),
            clock_offset_nanos: 0,
        }
    }

    #[test]
    fn a_pixel_and_its_depth_are_the_point_again() {
        let point = DVec3::new(0.4, -0.3, 1.2);
        let eye = camera(DVec3::new(6.0, 1.0, 1.5));
        let px = eye.project(point).unwrap().to_array();
        let depth = eye.camera_from_world.apply(point).z;
        assert!((point_at(&eye, px, 1.0 / depth).unwrap() - point).length() < 1e-9);
        assert!(point_at(&eye, px, -1.0).is_none() && point_at(&eye, px, 0.0).is_none());
        // The same through the smaller eye.
        let (smaller, at) = small(&eye, px);
        assert_eq!((smaller.width_px, smaller.height_px), (640, 360));
        assert!((point_at(&smaller, at, 1.0 / depth).unwrap() - point).length() < 1e-9);
    }

    #[test]
    fn two_rays_mean_the_point_where_they_meet() {
        let point = DVec3::new(0.4, -0.3, 1.2);
        let eyes = [DVec3::new(6.0, 1.0, 1.5), DVec3::new(2.0, 6.0, 1.0)].map(camera);
        let [a, b] = eyes.each_ref().map(|eye| ray(eye, eye.project(point).unwrap().to_array()).unwrap());
        assert!((meeting(a, b).unwrap() - point).length() < 1e-9);
        assert_eq!(meeting(a, a), Err(NoMeeting::Parallel));
        // The same two rays, told backwards, meet behind.
        assert_eq!(meeting((a.0, -a.1), b), Err(NoMeeting::Behind));
        let other = ray(&eyes[1], [960.0, 100.0]).unwrap();
        assert!(matches!(meeting(a, other), Err(NoMeeting::Apart(m)) if m > 0.3));
    }

    #[test]
    fn a_click_beside_an_arm_means_the_arm_and_a_doubtful_surface_is_none() {
        let mut surface = vec![(0.1, 0.9); 20 * 10];
        surface[5 * 20 + 10] = (0.5, 0.9);
        assert_eq!(frontmost(&surface, 20, [10.5, 5.5]), Some(0.5));
        assert_eq!(frontmost(&surface, 20, [3.5, 5.5]).map(|v| (v * 10.0).round()), Some(1.0));
        // The pixel itself is nobody's: the frontmost one near it, which is upheld.
        surface[5 * 20 + 12] = (0.9, -1.0);
        assert_eq!(frontmost(&surface, 20, [12.5, 5.5]), Some(0.5));
        assert_eq!(frontmost(&vec![(0.1, 0.1); 200], 20, [10.5, 5.5]), None);
        assert_eq!(frontmost(&surface, 20, [-50.0, 5.5]), None);
        assert_eq!(frontmost(&[], 0, [0.0, 0.0]), None);
    }
}
