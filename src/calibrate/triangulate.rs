//! Where a point stands that several cameras see, also when some of the sightings are wrong.

use glam::DVec3;

use super::matching::{Sighting, Track};
use crate::{geometry::nearest_point_to_rays, rig::Camera};

/// At most so many pairs of sightings propose a point.
const MOST_PAIRS: usize = 66;

/// The point that most sightings agree about, in the world; `None` where no two cameras have it before them. `spread_px` is where
/// disagreement begins to count less.
pub(super) fn triangulated(cameras: &[Camera], track: &Track, spread_px: f64) -> Option<DVec3> {
    let rays: Vec<(DVec3, DVec3)> = track.sightings.iter().map(|s| ray(&cameras[s.camera], s)).collect();
    let cost =
        |p: DVec3| track.sightings.iter().map(|s| off_px(cameras, s, p).map_or(1e4, |r| (1.0 + (r / spread_px).powi(2)).ln())).sum::<f64>();
    let n = rays.len();
    let mut best: Option<(f64, DVec3)> = None;
    // Of very many pairs, some: the sum grows with the cube of the sightings.
    let every = (n * n.saturating_sub(1) / 2).div_ceil(MOST_PAIRS).max(1);
    let pairs = (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j))).step_by(every).map(|(i, j)| vec![rays[i], rays[j]]);
    for chosen in pairs.chain(std::iter::once(rays.clone())) {
        let Some(p) = nearest_point_to_rays(&chosen) else { continue };
        if chosen.iter().any(|(o, d)| (p - *o).dot(*d) <= 0.0) {
            continue;
        }
        let c = cost(p);
        if best.is_none_or(|(b, _)| c < b) {
            best = Some((c, p));
        }
    }
    best.map(|(_, p)| p)
}

/// Distance of a sighting from where its camera would see the point, px; `None` behind the camera.
pub(super) fn off_px(cameras: &[Camera], s: &Sighting, p_in_world: DVec3) -> Option<f64> {
    cameras[s.camera].project(p_in_world).map(|px| (px - s.px).length())
}

/// Origin and direction in the world.
fn ray(camera: &Camera, s: &Sighting) -> (DVec3, DVec3) {
    (camera.center_in_world(), camera.camera_from_world.rotation.transpose() * camera.lens.unproject(s.px))
}
