//! What to match with what: levels, neighbours, depth range. Pure arithmetic on the rig.

use glam::{DVec2, DVec3};

use super::gpu_data::Working;
use crate::rig::{Arc, Rig};

/// Most neighbours that a camera is matched with.
pub const MAX_NEIGHBOURS: usize = 4;
/// Most hypotheses of a sweep (the shaders' private arrays have this room).
pub const MAX_DEPTHS: u32 = 256;
/// Share of the second-best neighbour in the matching cost where neighbours are close. Less than half: the better of two tells more, because the
/// other may look past an edge.
const SECOND_SHARE: f64 = 0.35;

/// The plan of a solve.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Where the cameras look; the shaders' world origin.
    pub center_in_world: DVec3,
    /// Per camera.
    pub working: Vec<Working>,
    /// Per camera: indices of its neighbours, nearest first.
    pub neighbours: Vec<Vec<usize>>,
    /// Per camera: whether its two nearest neighbours look elsewhere in a good part of its picture, which neighbours farther away see.
    pub looks_apart: Vec<bool>,
    /// Smallest and largest inverse depth to look at, 1/m.
    pub rho_range: (f64, f64),
    /// Per camera: how much the second-best neighbour counts in the matching cost, 0…`SECOND_SHARE`.
    pub second_share: Vec<f32>,
    /// Number of pyramid levels; the last is the coarsest.
    pub levels: u32,
    /// Whether the range comes from known points.
    pub range_is_known: bool,
}

/// Longest side of the coarsest level, px. A quarter of the pixels and half of the hypotheses of 240 px, and a better start: what is textureless
/// at 240 px is decided by its surroundings (docs/synthesis.md).
const COARSEST_SIDE_PX: u32 = 120;

/// Share of a camera's picture from which on the sweep asks all neighbours: it takes twice as long then.
const APART_SHARE: f64 = 0.1;

impl Plan {
    /// Plans for the cameras of `rig`, with working pictures no larger than `max_size_px`.
    pub fn new(rig: &Rig, max_size_px: Option<u32>) -> Self {
        let centers: Vec<DVec3> = rig.cameras.iter().map(crate::rig::Camera::center_in_world).collect();
        let center_in_world = Arc::fit(rig).map_or_else(
            |_no_arc| {
                // Without a common subject: a point ahead of the mean camera, as far as the cameras are apart.
                let mean = centers.iter().sum::<DVec3>() / centers.len().max(1) as f64;
                let ahead: DVec3 = rig.cameras.iter().map(|c| c.camera_from_world.forward_in_world()).sum();
                let spread = centers.iter().map(|c| (*c - mean).length()).fold(0.1, f64::max);
                mean + ahead.try_normalize().unwrap_or(DVec3::Z) * spread * 2.0
            },
            |arc| arc.center_in_world,
        );
        let neighbours: Vec<Vec<usize>> = (0..rig.cameras.len()).map(|i| neighbours_of(i, &centers, center_in_world)).collect();
        let mut longest = 1;
        let working: Vec<Working> = rig
            .cameras
            .iter()
            .enumerate()
            .map(|(i, c)| {
                let side = c.width_px.max(c.height_px);
                let scale = max_size_px.map_or(1.0, |m| (f64::from(m) / f64::from(side)).min(1.0));
                let (w, h) =
                    (((f64::from(c.width_px) * scale).round() as u32).max(1), ((f64::from(c.height_px) * scale).round() as u32).max(1));
                longest = longest.max(w.max(h));
                let (sx, sy) = (f64::from(w) / f64::from(c.width_px), f64::from(h) / f64::from(c.height_px));
                let lens = [c.lens.fx_px * sx, c.lens.fy_px * sy, c.lens.cx_px * sx, c.lens.cy_px * sy];
                Working { width_px: w, height_px: h, lens, rho_per_px: 1.0 / (lens[0] * typical_baseline_m(i, &neighbours[i], rig)) }
            })
            .collect();
        let mut levels = 1;
        while longest >> (levels - 1) > COARSEST_SIDE_PX {
            levels += 1;
        }
        let second_share = neighbours
            .iter()
            .enumerate()
            .map(|(i, list)| {
                let own = centers[i] - center_in_world;
                let angle = |j: usize| own.angle_between(centers[j] - center_in_world).to_degrees();
                let mean = list.iter().take(2).map(|&j| angle(j)).sum::<f64>() / list.len().clamp(1, 2) as f64;
                // A patch that two neighbours 15° away see is seen alike by both; from 30° on it seldom is.
                (SECOND_SHARE * (1.0 - (mean - 15.0) / 15.0)).clamp(0.0, SECOND_SHARE) as f32
            })
            .collect();
        let looks_apart =
            (0..rig.cameras.len()).map(|i| share_seen_only_afar(i, &neighbours[i], rig, center_in_world) >= APART_SHARE).collect();
        let (rho_range, range_is_known) = depth_range(rig, &centers, center_in_world);
        Self { center_in_world, working, neighbours, looks_apart, rho_range, second_share, levels, range_is_known }
    }

    /// The same plan with the working pictures of `level` for its only ones.
    #[must_use]
    pub fn at_level(&self, level: u32) -> Self {
        let scale = f64::from(1_u32 << level);
        let working = self.working.iter().enumerate().map(|(i, w)| {
            let (width_px, height_px) = self.level_size(i, level);
            Working { width_px, height_px, lens: w.lens.map(|v| v / scale), rho_per_px: w.rho_per_px * scale }
        });
        Self { working: working.collect(), levels: 1, ..self.clone() }
    }

    /// Size of camera `i` at `level`, px.
    pub fn level_size(&self, i: usize, level: u32) -> (u32, u32) {
        let mut size = (self.working[i].width_px, self.working[i].height_px);
        for _ in 0..level {
            size = (size.0.div_ceil(2), size.1.div_ceil(2));
        }
        size
    }

    /// Size of the layers of an array of all cameras at `level`, px: that of the largest.
    pub fn layer_size(&self, level: u32) -> (u32, u32) {
        largest((0..self.working.len()).map(|i| self.level_size(i, level)))
    }

    /// Hypotheses that camera `i` needs at `level` for steps of one px, a multiple of four.
    pub fn depth_count(&self, i: usize, level: u32) -> u32 {
        let step = self.working[i].rho_per_px * f64::from(1_u32 << level);
        let n = ((self.rho_range.1 - self.rho_range.0) / step).ceil() as u32 + 1;
        n.clamp(24, MAX_DEPTHS).next_multiple_of(4).min(MAX_DEPTHS)
    }
}

/// The size that all of these fit in, px.
pub(super) fn largest(sizes: impl Iterator<Item = (u32, u32)>) -> (u32, u32) {
    sizes.fold((1, 1), |a, b| (a.0.max(b.0), a.1.max(b.1)))
}

/// Mean distance to the two nearest neighbours, across the line of sight.
fn typical_baseline_m(i: usize, neighbours: &[usize], rig: &Rig) -> f64 {
    let c = &rig.cameras[i];
    let forward = c.camera_from_world.forward_in_world();
    let across: Vec<f64> = neighbours
        .iter()
        .take(2)
        .map(|&n| {
            let d = rig.cameras[n].center_in_world() - c.center_in_world();
            (d - forward * d.dot(forward)).length()
        })
        .collect();
    if across.is_empty() { 1.0 } else { (across.iter().sum::<f64>() / across.len() as f64).max(1e-9) }
}

/// Share of camera `i`'s picture, taken as a plane through the subject, that its two nearest neighbours do not see and another does.
fn share_seen_only_afar(i: usize, neighbours: &[usize], rig: &Rig, subject: DVec3) -> f64 {
    const GRID: (u32, u32) = (16, 10);
    let c = &rig.cameras[i];
    let z = c.camera_from_world.apply(subject).z;
    if neighbours.len() < 3 || z <= 1e-6 {
        return 0.0;
    }
    let world_from_camera = c.camera_from_world.inverse();
    let sees = |j: usize, p_in_world: DVec3| rig.cameras[j].project(p_in_world).is_some_and(|px| rig.cameras[j].contains_px(px));
    let only_afar = (0..GRID.0 * GRID.1)
        .filter(|k| {
            let share = |k: u32, n: u32| (f64::from(k) + 0.5) / f64::from(n);
            let px = DVec2::new(f64::from(c.width_px) * share(k % GRID.0, GRID.0), f64::from(c.height_px) * share(k / GRID.0, GRID.1));
            let p_in_world = world_from_camera.apply(c.lens.unproject(px) * z);
            !neighbours[..2].iter().any(|&j| sees(j, p_in_world)) && neighbours[2..].iter().any(|&j| sees(j, p_in_world))
        })
        .count();
    only_afar as f64 / f64::from(GRID.0 * GRID.1)
}

/// Nearest cameras by angle about the subject, alternating between the two sides; nearer than 1.5° only if there is no
/// better, wider than 75° only if there is none.
fn neighbours_of(i: usize, centers: &[DVec3], subject: DVec3) -> Vec<usize> {
    let own = centers[i] - subject;
    let mut candidates: Vec<(f64, usize)> = (0..centers.len())
        .filter(|&j| j != i && (centers[j] - centers[i]).length() > 1e-9)
        .map(|j| (own.angle_between(centers[j] - subject), j))
        .collect();
    candidates.sort_by(|a, b| {
        let class = |t: f64| {
            if t < 1.5_f64.to_radians() {
                1
            } else if t > 75.0_f64.to_radians() {
                2
            } else {
                0
            }
        };
        class(a.0).cmp(&class(b.0)).then(a.0.total_cmp(&b.0))
    });
    let Some(&(_, nearest)) = candidates.first() else { return vec![] };
    // Sides are told along the direction to the nearest neighbour.
    let axis = centers[nearest] - centers[i];
    let same_side = |j: usize| (centers[j] - centers[i]).dot(axis) > 0.0;
    let usable = candidates.iter().filter(|(t, _)| *t <= 75.0_f64.to_radians()).count().max(2);
    let (mut near, mut far): (Vec<usize>, Vec<usize>) = candidates.iter().take(usable).map(|(_, j)| *j).partition(|&j| same_side(j));
    near.reverse();
    far.reverse();
    let mut chosen = Vec::new();
    while chosen.len() < MAX_NEIGHBOURS && !(near.is_empty() && far.is_empty()) {
        chosen.extend(near.pop());
        if chosen.len() < MAX_NEIGHBOURS {
            chosen.extend(far.pop());
        }
    }
    chosen
}

/// Inverse depths between which to look: from the rig's sparse points where it has them, else from its geometry.
fn depth_range(rig: &Rig, centers: &[DVec3], subject: DVec3) -> ((f64, f64), bool) {
    let mut rhos: Vec<f64> = rig
        .cameras
        .iter()
        .flat_map(|c| {
            rig.points_in_world
                .iter()
                .filter_map(|p| c.project(*p).filter(|px| c.contains_px(*px)).map(|_| 1.0 / c.camera_from_world.apply(*p).z))
        })
        .collect();
    if rhos.len() >= 200 {
        rhos.sort_by(f64::total_cmp);
        let at = |q: f64| rhos[((rhos.len() - 1) as f64 * q) as usize];
        return ((at(0.005) * 0.7, at(0.995) * 1.25), true);
    }
    let nearest = centers.iter().map(|c| (*c - subject).length()).fold(f64::INFINITY, f64::min).max(1e-6);
    let mean = centers.iter().map(|c| (*c - subject).length()).sum::<f64>() / centers.len().max(1) as f64;
    ((1.0 / (30.0 * mean.max(1e-6)), 1.0 / (0.3 * nearest)), false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        geometry::{Lens, Pose},
        rig::Camera,
    };

    /// Seven cameras 6° apart that look at the origin; every second one with `lens`, its aim `raised_m` above, the others as far below.
    fn rig(raised_m: f64, lens: Lens) -> Rig {
        let camera = |i: usize| {
            let angle = (6.0 * i as f64).to_radians();
            let aim = DVec3::Z * if i.is_multiple_of(2) { raised_m } else { -raised_m };
            Camera {
                name: format!("cam{i}"),
                width_px: 640,
                height_px: 360,
                lens: if i.is_multiple_of(2) { lens } else { Lens::pinhole(600.0, 600.0, 320.0, 180.0) },
                camera_from_world: Pose::look_at(DVec3::new(6.0 * angle.cos(), 6.0 * angle.sin(), 0.0), aim, DVec3::Z).unwrap(),
                clock_offset_nanos: 0,
            }
        };
        Rig { cameras: (0..7).map(camera).collect(), ..Rig::default() }
    }

    #[test]
    fn neighbours_that_look_elsewhere_are_noticed() {
        let usual = Lens::pinhole(600.0, 600.0, 320.0, 180.0);
        let apart = |rig: &Rig| Plan::new(rig, None).looks_apart;
        assert_eq!(apart(&rig(0.0, usual)), [false; 7]);
        // A little of tilt is nothing, a picture's half is.
        assert_eq!(apart(&rig(0.1, usual)), [false; 7]);
        // (The outermost camera's second neighbour is tilted as it is.)
        assert_eq!(apart(&rig(0.9, usual)), [false, true, true, true, true, true, false]);
        // A wide lens between two long ones sees more than they do; the long ones see nothing that the wide ones miss.
        let wide = apart(&rig(0.0, Lens::pinhole(300.0, 300.0, 320.0, 180.0)));
        assert_eq!(wide, [false, false, true, false, true, false, false]);
    }
}
