//! The epipolar residual: how far matched points lie beside the lines on which the calibration says they must lie.

use glam::{DMat3, DVec2, DVec3};
use rayon::prelude::*;

use super::{
    Gap, Luma,
    features::{Feature, find},
};
use crate::rig::{Arc, Camera, Rig};

/// How well two pictures agree with the calibration of their cameras.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Residual {
    /// Median distance of matched points from their epipolar lines (mean of both pictures), px of the original pictures.
    pub median_px: f64,
    /// How many points were matched, beyond those that match by chance.
    pub matches: usize,
}

/// Matches are sought so far beside the line, px of the reduced picture.
const BAND_PX: f64 = 12.0;
/// Bands of the same width beside the line: of a camera that stands where the rig says they hold chance matches only and
/// tell how many of the band's are chance; of a camera that was moved one of them holds the true matches.
const BESIDE_PX: [f64; 4] = [-48.0, -24.0, 24.0, 48.0];
/// Fewer matches beyond chance prove nothing.
const MIN_MATCHES: f64 = 12.0;
/// Nor does a smaller share of all.
const MIN_SHARE: f64 = 0.5;
const MIN_SIMILARITY: f32 = 0.75;
/// The second best must be so much worse (of the distance 1 − similarity).
const MAX_RATIO: f32 = 0.8;

/// The residual of each gap; `pictures[i]` belongs to `rig.cameras[i]`, both of one size. `progress` gets 0…1.
pub fn epipolar_residuals(rig: &Rig, pictures: &[Luma], arc: &Arc, gaps: &[Gap], progress: &(dyn Fn(f64) + Sync)) -> Vec<Option<Residual>> {
    let zooms = zooms(rig, arc.center_in_world, &pictures.iter().map(|p| p.scale).collect::<Vec<_>>());
    let done = std::sync::atomic::AtomicUsize::new(0);
    let features: Vec<Vec<Feature>> = rig
        .cameras
        .par_iter()
        .zip(pictures.par_iter().zip(&zooms))
        .map(|(c, (p, zoom))| {
            let found = find(p, down_in_picture(c, arc.center_in_world, arc.up_in_world * arc.radius_m), *zoom);
            let n = done.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
            progress(0.8 * n as f64 / pictures.len() as f64);
            found
        })
        .collect();
    let residuals = gaps
        .par_iter()
        .map(|g| {
            let side = |i: usize| Some(Side { camera: rig.cameras.get(i)?, features: features.get(i)?, scale: pictures.get(i)?.scale });
            residual(&side(g.from)?, &side(g.to)?)
        })
        .collect();
    progress(1.0);
    residuals
}

/// How large each camera shows the subject, in pixels of its reduced picture, against the middle one of all.
pub(crate) fn zooms(rig: &Rig, center_in_world: DVec3, scales: &[f64]) -> Vec<f64> {
    let zoom = |(c, scale): (&Camera, &f64)| c.lens.fx_px / scale / (c.center_in_world() - center_in_world).length().max(1e-9);
    let zooms: Vec<f64> = rig.cameras.iter().zip(scales).map(zoom).collect();
    let mut sorted = zooms.clone();
    sorted.sort_by(f64::total_cmp);
    let usual = sorted.get(sorted.len() / 2).copied().unwrap_or(1.0);
    zooms.into_iter().map(|z| z / usual).collect()
}

/// The picture's direction of the world's down at the subject (`up` as long as the cameras are far); straight down where that cannot be said.
pub(crate) fn down_in_picture(c: &Camera, center_in_world: DVec3, up: DVec3) -> DVec2 {
    let (a, b) = (c.project(center_in_world), c.project(center_in_world - up * 0.02));
    a.zip(b).map_or(DVec2::Y, |(a, b)| b - a)
}

struct Side<'a> {
    camera: &'a Camera,
    features: &'a [Feature],
    /// Original pixels per pixel of the features.
    scale: f64,
}

/// The essential matrix: a point's rays (z = 1) obey `ray_b · E ray_a = 0`. `None` for cameras in one place.
pub(crate) fn essential(a: &Camera, b: &Camera) -> Option<DMat3> {
    let b_from_a = b.camera_from_world.then_from(&a.camera_from_world.inverse());
    let t = b_from_a.translation.try_normalize()?;
    let cross = DMat3::from_cols(DVec3::new(0.0, t.z, -t.y), DVec3::new(-t.z, 0.0, t.x), DVec3::new(t.y, -t.x, 0.0));
    Some(cross * b_from_a.rotation)
}

fn residual(a: &Side<'_>, b: &Side<'_>) -> Option<Residual> {
    let essential = essential(a.camera, b.camera)?;
    let rays = |s: &Side<'_>| -> Vec<DVec3> { s.features.iter().map(|f| s.camera.lens.unproject(f.px * s.scale)).collect() };
    let (rays_a, rays_b) = (rays(a), rays(b));
    let lines_in_b: Vec<DVec3> = rays_a.iter().map(|r| essential * *r).collect();
    let lines_in_a: Vec<DVec3> = rays_b.iter().map(|r| essential.transpose() * *r).collect();
    // Distance from a line of the normalized plane, in reduced pixels.
    let px =
        |s: &Side<'_>, line: DVec3| DVec2::new(line.x / s.camera.lens.fx_px, line.y / s.camera.lens.fy_px).length().max(1e-300) * s.scale;
    let (norm_b, norm_a): (Vec<f64>, Vec<f64>) =
        (lines_in_b.iter().map(|l| px(b, *l)).collect(), lines_in_a.iter().map(|l| px(a, *l)).collect());
    // Mean of the signed distances in both pictures, reduced pixels.
    let distance = |i: usize, j: usize| {
        let e = rays_b[j].dot(lines_in_b[i]);
        0.5 * (e / norm_b[i] + e / norm_a[j])
    };
    let matched = |offset: f64| -> Vec<f64> {
        let allowed = |i: usize, j: usize| (distance(i, j) - offset).abs() <= BAND_PX;
        let best_in_b: Vec<Option<usize>> = (0..rays_a.len()).map(|i| best(&a.features[i], b.features, |j| allowed(i, j))).collect();
        let mutual = best_in_b.iter().enumerate().filter_map(|(i, j)| j.map(|j| (i, j)));
        mutual
            .filter(|&(i, j)| best(&b.features[j], a.features, |i| allowed(i, j)) == Some(i))
            .map(|(i, j)| (distance(i, j) - offset).abs())
            .collect()
    };
    let mut distances = matched(0.0);
    let mut beside: Vec<(usize, f64)> = BESIDE_PX.iter().map(|offset| (matched(*offset).len(), offset.abs())).collect();
    beside.sort_by_key(|(n, _)| *n);
    // The middle two: true matches of a moved camera may fill one.
    let chance = 0.5 * (beside[1].0 + beside[2].0) as f64;
    let real = |n: usize| Some(n as f64 - chance).filter(|real| *real >= MIN_MATCHES && *real >= MIN_SHARE * n as f64);
    let scale = 0.5 * (a.scale + b.scale);
    let Some(inside) = real(distances.len()) else {
        // That a camera was moved needs more evidence: this is the best of four.
        let (n, offset) = beside[beside.len() - 1];
        return real(n)
            .filter(|outside| *outside >= 3.0 * MIN_MATCHES && *outside >= 0.6 * n as f64)
            .map(|outside| Residual { median_px: offset * scale, matches: outside.round() as usize });
    };
    distances.sort_by(f64::total_cmp);
    // The median of the real matches: chance matches are spread evenly over the band.
    let real_within = |n: usize, d: f64| (n + 1) as f64 - chance * d / BAND_PX;
    let median = distances.iter().enumerate().find(|(n, d)| real_within(*n, **d) >= 0.5 * inside).map_or(BAND_PX, |(_, d)| *d);
    Some(Residual { median_px: median * scale, matches: inside.round() as usize })
}

/// The most similar allowed feature, if it is similar enough and clearly better than any other elsewhere.
pub(crate) fn best(f: &Feature, among: &[Feature], allowed: impl Fn(usize) -> bool) -> Option<usize> {
    let mut scored: Vec<(f32, usize)> = (0..among.len()).filter(|&j| allowed(j)).map(|j| (f.similarity(&among[j]), j)).collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    let &(score, j) = scored.first().filter(|(s, _)| *s >= MIN_SIMILARITY)?;
    let rival = scored[1..].iter().find(|(_, k)| (among[*k].px - among[j].px).length() > 4.0);
    rival.is_none_or(|(s, _)| (1.0 - score) < MAX_RATIO * (1.0 - s)).then_some(j)
}
