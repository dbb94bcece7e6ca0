//! Points that several cameras see: corners matched along the known rig's epipolar lines, then measured to a fraction of a pixel.

use std::collections::{BTreeMap, BTreeSet};

use glam::{DMat2, DVec2, DVec3};
use rayon::prelude::*;

use super::CalibrateError;
use crate::{
    frame::{
        Picture,
        gray::{Gray, correlation, settle},
    },
    geometry::nearest_point_to_rays,
    rig::{
        Arc, Camera, Rig, check,
        check::{
            Luma,
            epipolar::{best, down_in_picture, essential, zooms},
            features::{Feature, find},
        },
    },
};

/// Each camera is matched with so many others, those that look from the most similar side.
const NEIGHBOURS: usize = 4;
/// Beyond this patches look too different, radians.
const MAX_ANGLE_RAD: f64 = 0.6;
/// Cameras closer to each other than this share of their distance to the subject say nothing about each other's place.
const MIN_ANGLE_RAD: f64 = 0.004;
/// How far the place of best likeness may lie from the corner that was found there, px of the reduced picture.
const MAX_SETTLED_PX: f64 = 2.5;
/// Two pictures of one patch look at least so alike.
const LEAST_CORRELATION: f32 = 0.85;

/// One camera's picture at one instant, ready for matching.
#[derive(Debug)]
pub(super) struct Shot {
    gray: Gray,
    features: Vec<Feature>,
    /// Picture px per px of the reduced picture.
    pub scale: f64,
}

/// Which corner of which picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FeatureId {
    pub moment: usize,
    pub camera: usize,
    pub feature: usize,
}

/// Where a camera sees a point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sighting {
    pub camera: usize,
    /// Px of the camera's own picture.
    pub px: DVec2,
}

/// One point of the scene, seen by several cameras; the first sighting is the one that the others were measured against.
#[derive(Debug, Clone)]
pub(super) struct Track {
    pub sightings: Vec<Sighting>,
    pub features: Vec<FeatureId>,
}

/// The pictures of one moment.
pub(super) fn prepare(rig: &Rig, center_in_world: DVec3, pictures: &[Option<&Picture>]) -> Vec<Option<Shot>> {
    let lumas: Vec<Option<Luma>> = pictures.par_iter().map(|p| p.map(luma)).collect();
    let scales: Vec<f64> = lumas.iter().map(|l| l.as_ref().map_or(1.0, |l| l.scale)).collect();
    let zooms = zooms(rig, center_in_world, &scales);
    let up = up(rig) * radius_m(rig, center_in_world);
    lumas
        .into_par_iter()
        .zip(rig.cameras.par_iter().zip(&zooms))
        .map(|(luma, (camera, zoom))| {
            let luma = luma?;
            let features = find(&luma, down_in_picture(camera, center_in_world, up), *zoom);
            Some(Shot { features, scale: luma.scale, gray: Gray { width: luma.width, height: luma.height, values: luma.values } })
        })
        .collect()
}

/// A picture's brightness, reduced for matching.
pub(super) fn luma(picture: &Picture) -> Luma {
    let value = |p: &[u8]| ((u32::from(p[0]) * 54 + u32::from(p[1]) * 183 + u32::from(p[2]) * 19 + 128) >> 8) as u8;
    let values: Vec<u8> = picture.rgba().chunks_exact(4).map(value).collect();
    Luma::new(picture.width() as usize, picture.height() as usize, &values)
}

fn up(rig: &Rig) -> DVec3 {
    let cameras_up =
        || rig.cameras.iter().map(|c| c.camera_from_world.rotation.transpose() * -DVec3::Y).sum::<DVec3>().normalize_or(DVec3::Z);
    Arc::fit(rig).map_or_else(|_| cameras_up(), |arc| arc.up_in_world)
}

/// Middle distance of the cameras to the subject, metres.
pub(super) fn radius_m(rig: &Rig, center_in_world: DVec3) -> f64 {
    let mut distances: Vec<f64> = rig.cameras.iter().map(|c| (c.center_in_world() - center_in_world).length()).collect();
    distances.sort_by(f64::total_cmp);
    distances.get(distances.len() / 2).copied().unwrap_or(1.0).max(1e-9)
}

/// Where the cameras look.
pub(super) fn subject(rig: &Rig) -> Result<DVec3, CalibrateError> {
    check::subject_center(rig).ok_or(CalibrateError::NoSubject)
}

/// Cameras that look at the subject from similar sides.
pub(super) fn neighbours(rig: &Rig, center_in_world: DVec3) -> BTreeSet<(usize, usize)> {
    let arm = |i: usize| rig.cameras[i].center_in_world() - center_in_world;
    let n = rig.cameras.len();
    let mut pairs = BTreeSet::new();
    for i in 0..n {
        let angle = |j: usize| arm(i).angle_between(arm(j)).max((arm(i) - arm(j)).length() / arm(i).length().max(arm(j).length()) * 0.5);
        let mut others: Vec<(f64, usize)> = (0..n).filter(|j| *j != i).map(|j| (angle(j), j)).collect();
        others.retain(|(a, _)| (MIN_ANGLE_RAD..MAX_ANGLE_RAD).contains(a));
        others.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        pairs.extend(others.into_iter().take(NEIGHBOURS).map(|(_, j)| (i.min(j), i.max(j))));
    }
    pairs
}

/// Two cameras; or a camera and one of its features; or a feature of each of two cameras.
type Pair = (usize, usize);

/// The points that neighbours share at one moment. Matches lie within `band_px` (reduced picture) of the rig's lines.
pub(super) fn tracks(
    rig: &Rig,
    moment: usize,
    shots: &[Option<Shot>],
    pairs: &BTreeSet<(usize, usize)>,
    band_px: f64,
    progress: &(dyn Fn(f64) + Sync),
) -> Vec<Track> {
    let rays: Vec<Vec<DVec3>> = shots
        .par_iter()
        .zip(&rig.cameras)
        .map(|(s, c)| s.iter().flat_map(|s| s.features.iter().map(|f| c.lens.unproject(f.px * s.scale))).collect())
        .collect();
    let done = std::sync::atomic::AtomicUsize::new(0);
    let matched: Vec<(Pair, Vec<Pair>)> = pairs
        .par_iter()
        .map(|&(a, b)| {
            let found = shots[a]
                .as_ref()
                .zip(shots[b].as_ref())
                .map_or_else(Vec::new, |(sa, sb)| matches((&rig.cameras[a], sa, &rays[a]), (&rig.cameras[b], sb, &rays[b]), band_px));
            progress((done.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1) as f64 / pairs.len() as f64);
            ((a, b), found)
        })
        .collect();
    // Of each corner, where the neighbours see it.
    let mut seen: BTreeMap<Pair, Vec<Pair>> = BTreeMap::new();
    for ((a, b), found) in &matched {
        for (i, j) in found {
            seen.entry((*a, *i)).or_default().push((*b, *j));
            seen.entry((*b, *j)).or_default().push((*a, *i));
        }
    }
    // Stars: the corner that most neighbours know is the middle of a track, and each corner is in one track only. Chains would be longer,
    // and one wrong link would tie two points together.
    let mut order: Vec<(Pair, Vec<Pair>)> = seen.into_iter().collect();
    order.sort_by_key(|(id, others)| (usize::MAX - others.len(), *id));
    let mut used = BTreeSet::new();
    let mut stars = Vec::new();
    for (middle, others) in order {
        if used.contains(&middle) {
            continue;
        }
        let free: Vec<(usize, usize)> = others.into_iter().filter(|o| !used.contains(o)).collect();
        if free.is_empty() {
            continue;
        }
        used.insert(middle);
        used.extend(free.iter().copied());
        stars.push((middle, free));
    }
    stars.par_iter().filter_map(|(middle, others)| measured(rig, moment, shots, *middle, others)).collect()
}

/// A camera, its shot, the rays of its features.
type Side<'a> = (&'a Camera, &'a Shot, &'a [DVec3]);

/// Corners that are each other's best match along the lines.
fn matches((camera_a, a, rays_a): Side<'_>, (camera_b, b, rays_b): Side<'_>, band_px: f64) -> Vec<(usize, usize)> {
    let Some(essential) = essential(camera_a, camera_b) else { return Vec::new() };
    let focal_px = DVec2::new(camera_b.lens.fx_px, camera_b.lens.fy_px);
    let (band_px, width) = (band_px * 0.5 * (a.scale + b.scale), rays_b.len());
    let mut allowed = vec![false; rays_a.len() * width];
    for (i, ray_a) in rays_a.iter().enumerate() {
        let in_b = essential * *ray_a;
        let norm_b = (in_b.truncate() / focal_px).length().max(1e-300);
        for (j, ray_b) in rays_b.iter().enumerate() {
            allowed[i * width + j] = (ray_b.dot(in_b) / norm_b).abs() <= band_px;
        }
    }
    let in_b: Vec<Option<usize>> = (0..rays_a.len()).map(|i| best(&a.features[i], &b.features, |j| allowed[i * width + j])).collect();
    let mutual = in_b.iter().enumerate().filter_map(|(i, j)| j.map(|j| (i, j)));
    mutual.filter(|&(i, j)| best(&b.features[j], &a.features, |i| allowed[i * width + j]) == Some(i)).collect()
}

/// The sightings of a star, each measured against the picture in its middle; `None` where nothing is left.
fn measured(rig: &Rig, moment: usize, shots: &[Option<Shot>], middle: (usize, usize), others: &[(usize, usize)]) -> Option<Track> {
    let shot = |camera: usize| shots[camera].as_ref();
    let at = |(camera, feature): (usize, usize)| Some((&rig.cameras[camera], shot(camera)?, shot(camera)?.features[feature].px));
    let id = |(camera, feature)| FeatureId { moment, camera, feature };
    let (camera_a, a, px_a) = at(middle)?;
    if !a.gray.holds(px_a, 2.0) {
        return None;
    }
    let wanted = a.gray.patch(px_a, DMat2::IDENTITY);
    let mut track = Track { sightings: vec![Sighting { camera: middle.0, px: px_a * a.scale }], features: vec![id(middle)] };
    for &other in others {
        let Some((camera_b, b, px_b)) = at(other) else { continue };
        let Some(b_from_a) = shear((camera_a, px_a * a.scale), (camera_b, px_b * b.scale)) else { continue };
        let b_from_a = b_from_a * (a.scale / b.scale);
        let Some(settled) = settle(&wanted, &b.gray, px_b, b_from_a) else { continue };
        let alike = |p: DVec2| b.gray.holds(p, 2.0) && correlation(&wanted, &b.gray.patch(p, b_from_a)) >= LEAST_CORRELATION;
        if (settled - px_b).length() <= MAX_SETTLED_PX && alike(settled) {
            track.sightings.push(Sighting { camera: other.0, px: settled * b.scale });
            track.features.push(id(other));
        }
    }
    (track.sightings.len() >= 2).then_some(track)
}

/// How a small patch that faces both cameras looks in `b` against `a`, px of `b` per px of `a`; `None` where the point is behind one.
fn shear((a, px_a): (&Camera, DVec2), (b, px_b): (&Camera, DVec2)) -> Option<DMat2> {
    let ray = |c: &Camera, px: DVec2| (c.center_in_world(), c.camera_from_world.rotation.transpose() * c.lens.unproject(px));
    let (ray_a, ray_b) = (ray(a, px_a), ray(b, px_b));
    let p_in_world = nearest_point_to_rays(&[ray_a, ray_b])?;
    if (p_in_world - ray_a.0).dot(ray_a.1) <= 0.0 || (p_in_world - ray_b.0).dot(ray_b.1) <= 0.0 {
        return None;
    }
    let normal = (ray_a.1 / ray_a.1.length() + ray_b.1 / ray_b.1.length()).try_normalize()?;
    let on_plane = |px: DVec2| {
        let (o, d) = ray(a, px);
        b.project(o + d * ((p_in_world - o).dot(normal) / d.dot(normal)))
    };
    let middle = on_plane(px_a)?;
    let step_px = 4.0;
    let columns = [DVec2::X, DVec2::Y].map(|axis| on_plane(px_a + axis * step_px).map(|p| (p - middle) / step_px));
    let shear = DMat2::from_cols(columns[0]?, columns[1]?);
    (0.3..3.0).contains(&shear.determinant().abs().sqrt()).then_some(shear)
}
