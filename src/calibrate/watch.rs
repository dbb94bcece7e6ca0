//! The watch: has a camera been bumped, and where does it stand now?
//!
//! What stands in the hall is learned once as points that several cameras see (the same as in [`super::refine`]), each with its place in the
//! world. A look at one picture finds them again: where most of them stand, the camera stands; where most of them went as a
//! turn of the camera would take them, it was bumped. People who walk through hide points or carry some off, each its own way, and light
//! that flickers changes no place. The bumped camera alone is then solved anew from the points' places in the world.

use glam::{DMat2, DVec2, DVec3};
use rayon::prelude::*;

use super::{
    CalibrateError,
    bundle::{linearized, moved, rotation_of, rotation_vector},
    matching::{Sighting, luma, neighbours, prepare, radius_m, subject, tracks},
    triangulate::{off_px, triangulated},
};
use crate::{
    frame::{
        Picture,
        gray::{Gray, correlation, settle},
    },
    geometry::NormalEquations,
    rig::{Camera, Rig},
};

/// Matches for learning lie so near to the rig's lines, px of the reduced picture.
const BAND_PX: f64 = 4.0;
/// Points that a camera's watch needs.
const MIN_POINTS: usize = 16;
/// Most points that a camera is watched by.
const MOST_POINTS: usize = 240;
/// Points that must be found again for a word on the camera.
const MIN_FOUND: usize = 10;
/// A point stands if it is found within this of its place, px of the reduced picture.
const STANDS_PX: f64 = 0.35;
/// A point goes with the camera if it is found within this of where the turn takes it, px of the reduced picture.
const GOES_WITH_PX: f64 = 0.8;
/// What most do.
const MOST_SHARE: f64 = 0.5;
/// Looks at fewer points first: where these stand, nothing else is done.
const FIRST_LOOK: usize = 60;
const LEAST_CORRELATION: f32 = 0.8;
/// Levels of the pyramid: motion of up to some 60 px of the reduced picture is followed.
const LEVELS: usize = 5;

/// Something that stands in the hall, as one camera sees it.
#[derive(Debug, Clone)]
struct Anchor {
    /// In the reduced reference picture, px.
    at: DVec2,
    /// On the camera's own ray through `at`: by how much the rig itself is off there is no part of a bump.
    p_in_world: DVec3,
}

/// One camera's reference.
#[derive(Debug, Clone)]
struct Reference {
    camera: Camera,
    /// Finest first.
    levels: Vec<Gray>,
    /// Picture px per px of the finest level.
    scale: f64,
    anchors: Vec<Anchor>,
}

/// What one look at a camera's picture says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Look {
    /// The camera stands.
    Stands {
        /// Share of the points found that stand, 0…1.
        share: f64,
    },
    /// It was bumped.
    Moved {
        /// How far its picture moved: the middle of all points that went along, px of the picture.
        shift_px: f64,
        /// How far it was turned, as far as a turn alone explains it, rad.
        turned_rad: f64,
        /// Share of the points found that went along, 0…1.
        share: f64,
    },
    /// Too little is seen to say: people before the camera, darkness, another picture.
    Unsure {
        /// Points found again.
        found: usize,
        /// Of so many.
        of: usize,
    },
}

/// A camera solved anew.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolved {
    /// Where it stands now.
    pub camera: Camera,
    /// How far it was turned, rad.
    pub turned_rad: f64,
    /// How far it was moved, metres.
    pub moved_m: f64,
    /// Middle distance between where it sees the points and where it should now, px of the picture.
    pub median_px: f64,
    /// Points that it rests on.
    pub points: usize,
    /// Points that fit no place of the camera.
    pub wrong: usize,
}

/// Why a camera cannot be solved anew.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// Not watched.
    #[error("camera {camera:?} has only {points} points to be watched by; {needed} are needed. Light or texture in its background helps")]
    NotWatched {
        /// The camera.
        camera: String,
        /// Points that it has.
        points: usize,
        /// Points that it takes.
        needed: usize,
    },
    /// Too little was found again.
    #[error(
        "camera {camera:?} shows too little of what it showed before ({found} of {of} points). Was it turned away, zoomed or covered? Turn it back, or calibrate it again"
    )]
    NotFound {
        /// The camera.
        camera: String,
        /// Points found again that agree about a place.
        found: usize,
        /// Of so many.
        of: usize,
    },
    /// There is no such camera.
    #[error("there is no camera {0} in the watch")]
    NoSuchCamera(usize),
}

/// What is known of the hall, per camera.
#[derive(Debug, Clone)]
pub struct Watch {
    references: Vec<Reference>,
    unit_m: f64,
}

impl Watch {
    /// Learns from a rig and one or more moments of its pictures (`[moment][camera]`, of the cameras' sizes): the last moment in which a camera
    /// has a picture is its reference. With several moments, points that do not stay in their place are left out.
    ///
    /// # Errors
    /// Where the cameras have no common subject, and when `progress` (0…1) returns false.
    pub fn learn(rig: &Rig, moments: &[Vec<Option<&Picture>>], progress: &mut dyn FnMut(f64) -> bool) -> Result<Self, CalibrateError> {
        let center = subject(rig)?;
        let pairs = neighbours(rig, center);
        let n = rig.cameras.len();
        let mut references: Vec<Option<Reference>> = vec![None; n];
        for (m, pictures) in moments.iter().enumerate() {
            if pictures.len() != n {
                return Err(CalibrateError::PictureCount { moment: m, pictures: pictures.len(), cameras: n });
            }
            if !progress(m as f64 / moments.len() as f64) {
                return Err(CalibrateError::Cancelled);
            }
            let shots = prepare(rig, center, pictures);
            let scales: Vec<f64> = shots.iter().map(|s| s.as_ref().map_or(1.0, |s| s.scale)).collect();
            let mut anchors: Vec<Vec<Anchor>> = vec![Vec::new(); n];
            for track in tracks(rig, m, &shots, &pairs, BAND_PX, &|_| {}) {
                let Some(p) = triangulated(&rig.cameras, &track, 2.0) else { continue };
                for s in &track.sightings {
                    if off_px(&rig.cameras, s, p).is_some_and(|r| r < 1.5 * scales[s.camera]) {
                        let p_in_world = on_ray(&rig.cameras[s.camera], s.px, p);
                        anchors[s.camera].push(Anchor { at: s.px / scales[s.camera], p_in_world });
                    }
                }
            }
            for (i, found) in anchors.into_iter().enumerate() {
                let Some(picture) = pictures[i] else { continue };
                let mut reference = Reference::new(&rig.cameras[i], picture, found);
                // What moved since the moment before stands in nobody's way.
                if let Some(before) = &references[i] {
                    reference.leave_out_moving(before);
                }
                references[i] = Some(reference);
            }
        }
        let references = references
            .into_iter()
            .zip(&rig.cameras)
            .map(|(r, camera)| {
                let mut r = r.unwrap_or_else(|| Reference { camera: camera.clone(), levels: Vec::new(), scale: 1.0, anchors: Vec::new() });
                r.thin_out();
                r
            })
            .collect();
        progress(1.0);
        Ok(Self { references, unit_m: radius_m(rig, center) })
    }

    /// How many points a camera is watched by; below a handful it cannot be.
    pub fn points(&self, camera: usize) -> usize {
        self.references.get(camera).map_or(0, |r| r.anchors.len())
    }

    /// Whether a camera has enough points to be watched by.
    pub fn can_watch(&self, camera: usize) -> bool {
        self.points(camera) >= MIN_POINTS
    }

    /// Watches a camera by what another watch of the same rig learned of it.
    pub fn adopt(&mut self, camera: usize, other: &Self) {
        if let (Some(own), Some(theirs)) = (self.references.get_mut(camera), other.references.get(camera)) {
            own.clone_from(theirs);
        }
    }

    /// How far apart two places of a camera show what it is watched by, px of the picture: the middle of all points.
    pub fn apart_px(&self, camera: usize, one: &Camera, other: &Camera) -> f64 {
        let Some(r) = self.references.get(camera) else { return f64::INFINITY };
        let apart = |a: &Anchor| Some((one.project(a.p_in_world)? - other.project(a.p_in_world)?).length());
        let mut apart: Vec<f64> = r.anchors.iter().filter_map(apart).collect();
        apart.sort_by(f64::total_cmp);
        apart.get(apart.len() / 2).copied().unwrap_or(f64::INFINITY)
    }

    /// Looks at a camera's newest picture. Some milliseconds where it stands, some ten where it does not.
    pub fn look(&self, camera: usize, picture: &Picture) -> Look {
        let Some(r) = self.references.get(camera).filter(|r| r.anchors.len() >= MIN_POINTS && r.fits(picture)) else {
            return Look::Unsure { found: 0, of: self.points(camera) };
        };
        let now = pyramid(picture).0;
        // First at a few, from where they were.
        let step = r.anchors.len().div_ceil(FIRST_LOOK);
        let few: Vec<Option<f64>> = r.anchors.par_iter().step_by(step).map(|a| r.stays(a, &now[0])).collect();
        let stand = few.iter().flatten().filter(|d| **d < STANDS_PX).count();
        let share = stand as f64 / few.len().max(1) as f64;
        if stand >= MIN_FOUND && share > MOST_SHARE {
            return Look::Stands { share };
        }
        let found = r.found(&now);
        if found.len() < MIN_FOUND {
            return Look::Unsure { found: found.len(), of: r.anchors.len() };
        }
        let shift = |(a, px): &(&Anchor, DVec2)| (*px - a.at).length();
        let stand = found.iter().filter(|f| shift(f) < STANDS_PX).count();
        let share_of = |count: usize| count as f64 / found.len() as f64;
        let (turn, along) = r.turn(&found);
        // That it stands needs no fit; that it turned needs most of what was found, and more than stand.
        if along.len() > stand && along.len() >= MIN_FOUND && share_of(along.len()) > MOST_SHARE {
            let mut shifts: Vec<f64> = along.iter().map(|&k| shift(&found[k])).collect();
            shifts.sort_by(f64::total_cmp);
            let shift_px = shifts[shifts.len() / 2];
            if shift_px >= STANDS_PX {
                return Look::Moved { shift_px: shift_px * r.scale, turned_rad: turn.length(), share: share_of(along.len()) };
            }
            return Look::Stands { share: share_of(along.len()) };
        }
        if stand >= MIN_FOUND && 3 * stand >= found.len() && stand >= along.len() {
            return Look::Stands { share: share_of(stand) };
        }
        Look::Unsure { found: found.len(), of: r.anchors.len() }
    }

    /// Solves a camera anew from what it shows now: rotation and place, its lens as it was.
    ///
    /// # Errors
    /// Where too little of what it showed before is found again.
    pub fn resolve(&self, camera: usize, picture: &Picture) -> Result<Resolved, ResolveError> {
        let r = self.references.get(camera).ok_or(ResolveError::NoSuchCamera(camera))?;
        let (name, of) = (&r.camera.name, r.anchors.len());
        if of < MIN_POINTS {
            return Err(ResolveError::NotWatched { camera: name.clone(), points: of, needed: MIN_POINTS });
        }
        let not_found = |found: usize| ResolveError::NotFound { camera: name.clone(), found, of };
        if !r.fits(picture) {
            return Err(not_found(0));
        }
        let now = pyramid(picture).0;
        let found = r.found(&now);
        let (turn, along) = r.turn(&found);
        if along.len() < MIN_FOUND {
            return Err(not_found(along.len()));
        }
        let sightings: Vec<(Sighting, DVec3)> =
            found.iter().map(|(a, px)| (Sighting { camera, px: *px * r.scale }, a.p_in_world)).collect();
        let start = moved(&r.camera, turn, DVec3::ZERO);
        let (solved, spread_px) = placed(&start, &r.camera, &sightings, 4.0 * GOES_WITH_PX * r.scale, self.unit_m);
        let off = |c: &Camera, (s, p): &(Sighting, DVec3)| c.project(*p).map_or(1e3, |px| (px - s.px).length());
        let mut fits: Vec<f64> = sightings.iter().map(|s| off(&solved, s)).filter(|d| *d <= 3.0 * spread_px.max(0.2)).collect();
        fits.sort_by(f64::total_cmp);
        if fits.len() < MIN_FOUND || 3 * fits.len() < found.len() {
            return Err(not_found(fits.len()));
        }
        Ok(Resolved {
            turned_rad: rotation_vector(solved.camera_from_world.rotation * r.camera.camera_from_world.rotation.transpose()).length(),
            moved_m: (solved.center_in_world() - r.camera.center_in_world()).length(),
            median_px: fits[fits.len() / 2],
            points: fits.len(),
            wrong: found.len() - fits.len(),
            camera: solved,
        })
    }

    /// From now on the camera stands where it was solved, and this picture is its reference.
    pub fn accept(&mut self, camera: usize, resolved: &Resolved, picture: &Picture) {
        let Some(r) = self.references.get_mut(camera).filter(|r| r.fits(picture)) else { return };
        let (levels, scale) = pyramid(picture);
        // Each point where the solved camera sees it; what is out of the picture is lost until the next learning.
        let margin_px = 12.0;
        r.anchors.retain_mut(|a| {
            let Some(px) = resolved.camera.project(a.p_in_world) else { return false };
            a.at = px / scale;
            levels[0].holds(a.at, margin_px)
        });
        (r.levels, r.scale, r.camera) = (levels, scale, resolved.camera.clone());
    }
}

impl Reference {
    fn new(camera: &Camera, picture: &Picture, anchors: Vec<Anchor>) -> Self {
        let (levels, scale) = pyramid(picture);
        Self { camera: camera.clone(), levels, scale, anchors }
    }

    fn fits(&self, picture: &Picture) -> bool {
        (picture.width(), picture.height()) == (self.camera.width_px, self.camera.height_px)
    }

    fn leave_out_moving(&mut self, before: &Self) {
        if before.levels.is_empty() || before.scale != self.scale {
            return;
        }
        let stays: Vec<bool> = self.anchors.par_iter().map(|a| self.stays(a, &before.levels[0]).is_some_and(|d| d < STANDS_PX)).collect();
        // A camera that was bumped between the moments keeps its points.
        if stays.iter().filter(|s| **s).count() * 2 > stays.len() {
            let mut stays = stays.iter();
            self.anchors.retain(|_| *stays.next().unwrap_or(&true));
        }
    }

    /// Evenly over the picture.
    fn thin_out(&mut self) {
        let Some(finest) = self.levels.first() else { return };
        let columns = 12.0;
        let cell = |a: &Anchor| ((a.at.x / finest.width as f64 * columns) as i64, (a.at.y / finest.height as f64 * columns) as i64);
        let mut counts: std::collections::BTreeMap<(i64, i64), usize> = std::collections::BTreeMap::new();
        let mut ranked: Vec<(usize, Anchor)> = std::mem::take(&mut self.anchors)
            .into_iter()
            .map(|a| {
                let count = counts.entry(cell(&a)).or_default();
                *count += 1;
                (*count, a)
            })
            .collect();
        ranked.sort_by_key(|(rank, _)| *rank);
        ranked.truncate(MOST_POINTS);
        self.anchors = ranked.into_iter().map(|(_, a)| a).collect();
    }

    /// How far from its place a point is found, looked for only there, px of the reduced picture.
    fn stays(&self, anchor: &Anchor, now: &Gray) -> Option<f64> {
        let finest = &self.levels[0];
        if !finest.holds(anchor.at, 2.0) {
            return None;
        }
        let wanted = finest.patch(anchor.at, DMat2::IDENTITY);
        let px = settle(&wanted, now, anchor.at, DMat2::IDENTITY)?;
        (now.holds(px, 1.0) && correlation(&wanted, &now.patch(px, DMat2::IDENTITY)) >= LEAST_CORRELATION)
            .then(|| (px - anchor.at).length())
    }

    /// The points that are found again, coarse to fine, with their places in the reduced picture.
    fn found(&self, now: &[Gray]) -> Vec<(&Anchor, DVec2)> {
        let levels = self.levels.len().min(now.len());
        // What most points do at the coarsest levels is where each begins: a single patch there has little to hold on to.
        let mut common = DVec2::ZERO;
        for level in (1..levels).rev() {
            let scale = f64::from(1_u32 << level);
            let mut shifts: Vec<DVec2> =
                self.anchors.par_iter().filter_map(|a| self.followed(a, now, level, scale, common / scale)).collect();
            if shifts.len() >= MIN_FOUND {
                let mut middle = |axis: fn(&DVec2) -> f64| {
                    shifts.sort_by(|a, b| axis(a).total_cmp(&axis(b)));
                    axis(&shifts[shifts.len() / 2])
                };
                common = DVec2::new(middle(|v| v.x), middle(|v| v.y)) * scale;
            }
        }
        let from_common = |a: &Anchor| {
            let mut shift = common;
            for level in (1..levels.min(3)).rev() {
                let scale = f64::from(1_u32 << level);
                shift = self.followed(a, now, level, scale, shift / scale).map_or(shift, |s| s * scale);
            }
            self.followed(a, now, 0, 1.0, shift)
        };
        self.anchors.par_iter().filter_map(|a| from_common(a).map(|shift| (a, a.at + shift))).collect()
    }

    /// The shift of a point at one level, px of that level, from a first guess.
    fn followed(&self, anchor: &Anchor, now: &[Gray], level: usize, scale: f64, shift: DVec2) -> Option<DVec2> {
        let (was, now) = (&self.levels[level], &now[level]);
        let at = anchor.at / scale;
        if !was.holds(at, 2.0) {
            return None;
        }
        let wanted = was.patch(at, DMat2::IDENTITY);
        let px = settle(&wanted, now, at + shift, DMat2::IDENTITY)?;
        (now.holds(px, 1.0) && correlation(&wanted, &now.patch(px, DMat2::IDENTITY)) >= LEAST_CORRELATION).then_some(px - at)
    }

    /// The turn of the camera about its own axes (rad) that takes most points where they were found, and which those are.
    fn turn(&self, found: &[(&Anchor, DVec2)]) -> (DVec3, Vec<usize>) {
        let ray = |px: DVec2| self.camera.lens.unproject(px * self.scale).normalize_or(DVec3::Z);
        let rays: Vec<(DVec3, DVec3)> = found.iter().map(|(a, px)| (ray(a.at), ray(*px))).collect();
        let along = |turn: DVec3| -> Vec<usize> {
            let r = rotation_of(turn);
            let off = |k: usize| self.camera.lens.project(r * rays[k].0).map_or(1e3, |px| (px / self.scale - found[k].1).length());
            (0..found.len()).filter(|&k| off(k) <= GOES_WITH_PX).collect()
        };
        let fit = |of: &[usize]| -> Option<DVec3> {
            let mut turn = DVec3::ZERO;
            for _ in 0..3 {
                let r = rotation_of(turn);
                let mut equations = NormalEquations::new(3);
                for &k in of {
                    let (was, now) = (r * rays[k].0, rays[k].1);
                    // now − was ≈ w × was.
                    let axes = [DVec3::X, DVec3::Y, DVec3::Z];
                    for i in 0..3 {
                        let row: [(usize, f64); 3] = std::array::from_fn(|j| (j, axes[j].cross(was)[i]));
                        equations.add(&row, (now - was)[i], 1.0);
                    }
                }
                let x = equations.solve()?.0;
                turn = rotation_vector(rotation_of(DVec3::new(x[0], x[1], x[2])) * r);
            }
            Some(turn)
        };
        let n = found.len();
        let mut best = (DVec3::ZERO, along(DVec3::ZERO));
        // Pairs far apart, the same in every run.
        for k in 0..(4 * n).min(400) {
            let (i, j) = (k % n, (k * 7 + n / 2 + k / n) % n);
            if i == j || (found[i].0.at - found[j].0.at).length() < 40.0 {
                continue;
            }
            let Some(turn) = fit(&[i, j]) else { continue };
            let with = along(turn);
            if with.len() > best.1.len() {
                best = (turn, with);
            }
        }
        for _ in 0..3 {
            let Some(turn) = fit(&best.1) else { break };
            let with = along(turn);
            if with.len() < best.1.len() {
                break;
            }
            best = (turn, with);
        }
        best
    }
}

/// The point of a camera's ray through a pixel that is as far from it as `p_in_world`.
fn on_ray(camera: &Camera, px: DVec2, p_in_world: DVec3) -> DVec3 {
    let center = camera.center_in_world();
    let ray = camera.camera_from_world.rotation.transpose() * camera.lens.unproject(px);
    center + ray.normalize_or(DVec3::Z) * (p_in_world - center).length()
}

/// A camera's place from points of known place, robustly, and the spread of what fits (px). What the points do not tell stays near `was`.
fn placed(start: &Camera, was: &Camera, sightings: &[(Sighting, DVec3)], spread_px: f64, unit_m: f64) -> (Camera, f64) {
    let (mut camera, mut spread_px) = (start.clone(), spread_px);
    for round in 0..30 {
        let mut equations = NormalEquations::new(6);
        let mut offs = Vec::with_capacity(sightings.len());
        for (s, p) in sightings {
            let Some(l) = linearized(&camera, s, *p, false) else { continue };
            let off = l.residual.length();
            offs.push(off);
            let weight = 1.0 / (1.0 + (off / spread_px).powi(2));
            for axis in 0..2 {
                let row: [(usize, f64); 6] = std::array::from_fn(|k| (k, l.by_pose[k][axis]));
                equations.add(&row, -l.residual[axis], weight);
            }
        }
        // The place is pulled towards where it was: a bump turns a camera more than it carries it.
        let pull = (spread_px / (0.01 * unit_m)).powi(2);
        let away = camera.center_in_world() - was.center_in_world();
        for k in 0..3 {
            equations.add(&[(3 + k, 1.0)], -away[k], pull);
        }
        let Some((x, _)) = equations.solve() else { break };
        camera = moved(&camera, DVec3::new(x[0], x[1], x[2]), DVec3::new(x[3], x[4], x[5]));
        offs.sort_by(f64::total_cmp);
        if round >= 3 {
            let middle = offs.get(offs.len() / 2).copied().unwrap_or(spread_px);
            spread_px = (2.0 * middle).clamp(0.05, spread_px);
        }
        if round > 8 && x.iter().all(|v| v.abs() < 1e-9) {
            break;
        }
    }
    (camera, spread_px)
}

/// A picture's pyramid, finest first, and picture px per px of the finest.
fn pyramid(picture: &Picture) -> (Vec<Gray>, f64) {
    let luma = luma(picture);
    let mut levels = vec![Gray { width: luma.width, height: luma.height, values: luma.values }];
    while levels.len() < LEVELS && levels[levels.len() - 1].width.min(levels[levels.len() - 1].height) >= 96 {
        let next = levels[levels.len() - 1].halved();
        levels.push(next);
    }
    (levels, luma.scale)
}
