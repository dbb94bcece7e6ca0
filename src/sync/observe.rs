//! From bursts to equations: which moving points two cameras share, and what each says about their clocks.

use glam::{DMat2, DMat3, DVec2, DVec3};
use rayon::iter::{IntoParallelIterator as _, IntoParallelRefIterator as _, ParallelIterator as _};

use super::{
    Burst, CameraBurst, MAX_ANGLE_DEG,
    motion::{Mover, Movers, movers},
};
use crate::{
    frame::gray::{correlation, settle},
    geometry::nearest_point_to_rays,
};

/// Neighbours tried on each camera's two sides.
const NEIGHBOURS: usize = 2;
/// Two pictures of one point look at least so alike.
const LEAST_CORRELATION: f32 = 0.80;
/// Before its place is found to the fraction of a pixel, a candidate looks at least so alike.
const LEAST_AT_FIRST: f32 = 0.45;
/// The second best candidate must be worse by this.
const AMBIGUITY: f32 = 0.04;
/// Beside its line by more than this at an offset of zero is no match, px.
const SLACK_PX: f64 = 2.5;
/// Matched to the neighbour and back, a point is off by at most this, px.
const MOST_RETURN_PX: f64 = 0.5;
/// Slower than this across the lines tells no time, px/s.
const LEAST_RATE_PX_PER_SEC: f64 = 6.0;

/// What one moving point says about the clocks of two cameras `i` and `j`:
/// `beside_px + rate_px_per_sec · (stamps_apart_secs + offset(j) − offset(i)) = 0`, where an offset is what must be added to a camera's
/// stamps to get house time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Observation {
    /// One camera, by index of the burst.
    pub i: usize,
    /// The other.
    pub j: usize,
    /// Which burst.
    pub burst: usize,
    /// Stamp of camera `i`, seconds of house time.
    pub at_secs: f64,
    /// Signed distance of the two points from their epipolar lines (Sampson's), px.
    pub beside_px: f64,
    /// How fast that distance changes with time, px/s.
    pub rate_px_per_sec: f64,
    /// Stamp of `j` minus stamp of `i`, seconds.
    pub stamps_apart_secs: f64,
}

/// One moving point in two neighbours, found in three frames of either.
#[derive(Debug, Clone, Copy)]
pub struct Match {
    /// One camera, by index of the burst.
    pub i: usize,
    /// The other.
    pub j: usize,
    /// Which burst.
    pub burst: usize,
    /// Stamp of camera `i`, seconds of house time.
    pub at_secs: f64,
    /// Stamp of `j` minus stamp of `i`, seconds.
    pub stamps_apart_secs: f64,
    pair: Pair,
    of_i: Ray,
    of_j: Ray,
}

impl Match {
    /// What it says about the clocks when the offsets of its two cameras are about `about_secs`: both points go along their curved ways to the
    /// time between their frames, so that what is left is small and its rate steady.
    pub(super) fn observation(&self, about_secs: [f64; 2]) -> Observation {
        let clocks_apart_secs = about_secs[1] - about_secs[0];
        let frames_apart_secs = self.stamps_apart_secs + clocks_apart_secs;
        let (of_i, of_j) = (self.of_i.after(0.5 * frames_apart_secs), self.of_j.after(-0.5 * frames_apart_secs));
        let (beside_px, rate_i, rate_j) = self.pair.residual(of_i.x, of_i.u, of_j.x, of_j.u);
        Observation {
            i: self.i,
            j: self.j,
            burst: self.burst,
            at_secs: self.at_secs,
            beside_px,
            rate_px_per_sec: 0.5 * (rate_i - rate_j),
            stamps_apart_secs: -clocks_apart_secs,
        }
    }
}

/// Two cameras' epipolar geometry.
#[derive(Debug, Clone, Copy)]
struct Pair {
    /// Essential matrix: `x_j · E x_i = 0` for rays with z = 1.
    essential: DMat3,
    /// Mean focal length, px.
    focal_px: f64,
}

impl Pair {
    fn new(a: &CameraBurst, b: &CameraBurst) -> Self {
        let (a, b) = (&a.camera, &b.camera);
        let j_from_i = b.camera_from_world.then_from(&a.camera_from_world.inverse());
        let t = j_from_i.translation;
        let cross = DMat3::from_cols(DVec3::new(0.0, t.z, -t.y), DVec3::new(-t.z, 0.0, t.x), DVec3::new(t.y, -t.x, 0.0));
        let focal_px = 0.25 * (a.lens.fx_px + a.lens.fy_px + b.lens.fx_px + b.lens.fy_px);
        Self { essential: cross * j_from_i.rotation, focal_px }
    }

    /// (distance, rate by motion in `i`, rate by motion in `j`), px and px/s (Hartley and Zisserman, "Multiple view geometry", 11.4.3).
    fn residual(&self, xi: DVec3, ui: DVec3, xj: DVec3, uj: DVec3) -> (f64, f64, f64) {
        let (line_j, line_i) = (self.essential * xi, self.essential.transpose() * xj);
        let norm = (line_j.truncate().length_squared() + line_i.truncate().length_squared()).sqrt().max(1e-12);
        let k = self.focal_px / norm;
        (k * xj.dot(line_j), k * xj.dot(self.essential * ui), k * uj.dot(line_j))
    }
}

/// A mover as rays of its camera: position, change per second, and half of the change of that per second.
#[derive(Debug, Clone, Copy)]
struct Ray {
    x: DVec3,
    u: DVec3,
    bend: DVec3,
}

impl Ray {
    fn after(&self, secs: f64) -> Self {
        Self { x: self.x + self.u * secs + self.bend * (secs * secs), u: self.u + self.bend * (2.0 * secs), ..*self }
    }
}

fn ray(burst: &CameraBurst, mover: &Mover) -> Ray {
    let lens = &burst.camera.lens;
    let secs = ((burst.frames[2].0 - burst.frames[0].0) as f64 * 1e-9).max(1e-6);
    let [before, x, after] = [mover.before, mover.at, mover.after].map(|px| lens.unproject(px));
    Ray { x, u: (after - before) / secs, bend: (after + before - 2.0 * x) * (2.0 / (secs * secs)) }
}

/// What the moving points of a burst say. `max_offset_secs` bounds how far two cameras' stamps may be off against each other.
pub fn observe(burst: &Burst, number: usize, max_offset_secs: f64) -> Vec<Match> {
    let burst: Vec<Option<CameraBurst>> = burst.iter().map(|c| c.as_ref().and_then(at_picture_size)).collect();
    let found: Vec<Option<(Movers, Vec<Ray>)>> = burst
        .par_iter()
        .map(|camera| {
            let camera = camera.as_ref()?;
            let found = movers(camera);
            let rays = found.movers.iter().map(|m| ray(camera, m)).collect();
            Some((found, rays))
        })
        .collect();
    pairs(&burst)
        .into_par_iter()
        .flat_map_iter(|(i, j)| {
            let (Some(a), Some(b), Some(of_a), Some(of_b)) = (&burst[i], &burst[j], &found[i], &found[j]) else { return Vec::new() };
            match_pair(a, b, of_a, of_b, max_offset_secs)
                .into_iter()
                .map(|(pair, of_i, of_j)| Match {
                    i,
                    j,
                    burst: number,
                    at_secs: a.frames[1].0.secs_f64(),
                    stamps_apart_secs: (b.frames[1].0 - a.frames[1].0) as f64 * 1e-9,
                    pair,
                    of_i,
                    of_j,
                })
                .collect()
        })
        .collect()
}

/// The burst with its camera scaled to the pictures; `None` when they are of several sizes.
fn at_picture_size(burst: &CameraBurst) -> Option<CameraBurst> {
    let size = (burst.frames[1].1.width(), burst.frames[1].1.height());
    let same = burst.frames.iter().all(|(_, p)| (p.width(), p.height()) == size);
    same.then(|| CameraBurst { camera: burst.camera.scaled_to(size.0, size.1), frames: burst.frames.clone() })
}

/// Pairs of cameras that stand next to each other, each once.
fn pairs(burst: &[Option<CameraBurst>]) -> Vec<(usize, usize)> {
    let forward: Vec<Option<DVec3>> = burst.iter().map(|c| c.as_ref().map(|c| c.camera.camera_from_world.forward_in_world())).collect();
    let mut out = std::collections::BTreeSet::new();
    for (i, a) in forward.iter().enumerate() {
        let Some(a) = a else { continue };
        let mut near: Vec<(f64, usize)> = forward
            .iter()
            .enumerate()
            .filter_map(|(j, b)| Some((a.angle_between((*b)?).to_degrees(), j)))
            .filter(|&(angle, j)| j != i && angle < MAX_ANGLE_DEG)
            .collect();
        near.sort_by(|p, q| p.0.total_cmp(&q.0));
        // Two on each side of an arc are the four nearest.
        out.extend(near.iter().take(2 * NEIGHBOURS).map(|&(_, j)| (i.min(j), i.max(j))));
    }
    out.into_iter().collect()
}

/// The points that two cameras share.
fn match_pair(
    a: &CameraBurst,
    b: &CameraBurst,
    (of_a, rays_a): &(Movers, Vec<Ray>),
    (of_b, rays_b): &(Movers, Vec<Ray>),
    max_offset_secs: f64,
) -> Vec<(Pair, Ray, Ray)> {
    let pair = Pair::new(a, b);
    let apart_secs = (b.frames[1].0 - a.frames[1].0) as f64 * 1e-9;
    let scale = of_a.middle.picture_px / of_b.middle.picture_px;
    let one = |k: usize| -> Option<(Pair, Ray, Ray)> {
        let (mover, ray_a) = (&of_a.movers[k], &rays_a[k]);
        let mut best: Option<(f32, usize, DVec2)> = None;
        let mut second = 0.0_f32;
        for (l, ray_b) in rays_b.iter().enumerate() {
            let (beside, rate_i, rate_j) = pair.residual(ray_a.x, ray_a.u, ray_b.x, ray_b.u);
            let rate = 0.5 * (rate_i - rate_j);
            let within = SLACK_PX + rate.abs() * max_offset_secs;
            if (beside + rate * apart_secs).abs() > within || (rate_i + rate_j).abs() > 0.3 * rate.abs() + 12.0 {
                continue;
            }
            let candidate = &of_b.movers[l];
            let Some(b_from_a) = shear(a, b, mover.at, candidate.at).map(|m| m * scale) else { continue };
            if correlation(&mover.looks, &of_b.middle.finest().patch(candidate.at_working, b_from_a)) < LEAST_AT_FIRST {
                continue;
            }
            let Some(at) = settle(&mover.looks, of_b.middle.finest(), candidate.at_working, b_from_a) else { continue };
            if (at - candidate.at_working).length() > 4.0 {
                continue;
            }
            let same = correlation(&mover.looks, &of_b.middle.finest().patch(at, b_from_a));
            match best {
                Some((score, _, place)) if same <= score => {
                    if (at - place).length() > 3.0 {
                        second = second.max(same);
                    }
                }
                _ => {
                    if let Some((score, _, place)) = best
                        && (at - place).length() > 3.0
                    {
                        second = second.max(score);
                    }
                    best = Some((same, l, at));
                }
            }
        }
        let (score, l, at) = best?;
        if score < LEAST_CORRELATION || second > score - AMBIGUITY {
            return None;
        }
        // And back: what does not return to where it came from is no point (two edges that cross at different depths); the mean of
        // both ways has no preference for one of the two pictures.
        let b_from_a = shear(a, b, mover.at, at * of_b.middle.picture_px).map(|m| m * scale)?;
        let a_from_b = b_from_a.inverse();
        let looks_in_b = of_b.middle.finest().patch(at, DMat2::IDENTITY);
        let returned = settle(&looks_in_b, of_a.middle.finest(), mover.at_working, a_from_b)?;
        if (returned - mover.at_working).length() > MOST_RETURN_PX {
            return None;
        }
        let x_a = a.camera.lens.unproject(0.5 * (returned + mover.at_working) * of_a.middle.picture_px);
        let x_b = b.camera.lens.unproject(at * of_b.middle.picture_px);
        let (of_a, of_b) = (Ray { x: x_a, ..*ray_a }, Ray { x: x_b, ..rays_b[l] });
        let (_, rate_i, rate_j) = pair.residual(of_a.x, of_a.u, of_b.x, of_b.u);
        let rate = 0.5 * (rate_i - rate_j);
        let agree = (rate_i + rate_j).abs() < 0.25 * rate.abs() + 8.0;
        (agree && rate.abs() > LEAST_RATE_PX_PER_SEC).then_some((pair, of_a, of_b))
    };
    (0..of_a.movers.len()).into_par_iter().filter_map(one).collect()
}

/// How a small patch at `p` in `a` lies in `b` about `q`, taken for a piece of plane that looks between the two cameras.
fn shear(a: &CameraBurst, b: &CameraBurst, p: DVec2, q: DVec2) -> Option<DMat2> {
    let (ca, cb) = (&a.camera, &b.camera);
    let ray = |camera: &crate::rig::Camera, px: DVec2| {
        let world_from_camera = camera.camera_from_world.inverse();
        (world_from_camera.translation, (world_from_camera.rotation * camera.lens.unproject(px)).normalize_or_zero())
    };
    let (ray_a, ray_b) = (ray(ca, p), ray(cb, q));
    let place = nearest_point_to_rays(&[ray_a, ray_b])?;
    let normal = (ray_a.1 + ray_b.1).normalize_or_zero();
    let on_plane = |px: DVec2| {
        let (from, along) = ray(ca, px);
        let steep = along.dot(normal);
        (steep > 0.1).then(|| from + along * ((place - from).dot(normal) / steep))
    };
    let step = 3.0;
    let seen = |px: DVec2| cb.project(on_plane(px)?);
    let (right, left) = (seen(p + DVec2::X * step)?, seen(p - DVec2::X * step)?);
    let (below, above) = (seen(p + DVec2::Y * step)?, seen(p - DVec2::Y * step)?);
    let m = DMat2::from_cols((right - left) / (2.0 * step), (below - above) / (2.0 * step));
    let area = m.determinant().abs();
    // Behind a camera, or so foreshortened that nothing can be compared.
    (m.is_finite() && (0.25..4.0).contains(&area)).then_some(m)
}
