//! A rig that grows camera by camera: from the pair that tells most, each next one where it sees enough of the points that are known
//! (N. Snavely, S. Seitz and R. Szeliski, "Photo tourism", 2006), adjusted as it grows.

use glam::{DVec2, DVec3};
use rayon::prelude::*;

use super::{
    place::placed,
    two::{Kind, Two},
};
use crate::{
    calibrate::{
        CalibrateError, LensFreedom,
        bundle::{Problem, Pull, State, settled_point, solve},
        matching::Track,
        refine::Adjuster,
        triangulate::{off_px, triangulated},
    },
    rig::{Camera, Rig},
};

/// A pair of cameras whose matches agree.
#[derive(Debug, Clone)]
pub(super) struct Pair {
    pub a: usize,
    pub b: usize,
    pub two: Two,
}

/// What a rig grows from.
pub(super) struct Soil<'a> {
    /// With the lenses to begin with.
    pub cameras: &'a [Camera],
    pub lens_known: &'a [bool],
    pub freedom: LensFreedom,
    pub pairs: &'a [Pair],
    pub tracks: &'a [Track],
    /// A sighting this far off is wrong, px.
    pub limit_px: f64,
    /// Not beyond so many cameras.
    pub most: usize,
}

/// What has grown.
#[derive(Debug, Clone)]
pub(super) struct Grown {
    pub cameras: Vec<Camera>,
    pub joined: Vec<bool>,
    /// What the adjustment rests on.
    pub tracks: Vec<Track>,
    pub points: Vec<DVec3>,
    /// Sightings taken out, per camera.
    pub wrong: Vec<usize>,
    /// Of the sightings, how well they fit: the sum of what each is short of the limit, as shares.
    pub fit: f64,
}

/// Rays that meet under less than this tell no depth, rad.
const LEAST_ANGLE_RAD: f64 = 0.015;
/// Points that a pair to begin with needs.
const LEAST_SEED: usize = 20;
/// While it grows, so many points are enough.
const WHILE_GROWING: usize = 2500;

impl Grown {
    /// Takes a camera out again, with what rests on it alone.
    pub fn leave_out(&mut self, camera: usize) {
        self.joined[camera] = false;
        let tracks = std::mem::take(&mut self.tracks).into_iter().zip(std::mem::take(&mut self.points));
        let kept = tracks.filter_map(|(mut t, p)| {
            t.sightings.retain(|s| s.camera != camera);
            (t.sightings.len() >= 2).then_some((t, p))
        });
        (self.tracks, self.points) = kept.unzip();
    }
}

impl Soil<'_> {
    /// `None` where no pair is fit to begin with.
    pub fn grow(&self, progress: &mut dyn FnMut(f64) -> bool) -> Result<Option<Grown>, CalibrateError> {
        let mut seeds: Vec<&Pair> = self.pairs.iter().filter(|p| p.two.kind == Kind::Deep).collect();
        let worth = |p: &Pair| p.two.inliers.len() as f64 * p.two.angle_rad.min(0.2);
        seeds.sort_by(|x, y| worth(y).total_cmp(&worth(x)).then((x.a, x.b).cmp(&(y.a, y.b))));
        let mut best: Option<Grown> = None;
        // A beginning that leads nowhere is not the only one.
        for seed in seeds.into_iter().take(3) {
            let Some(growth) = Growth::begun(self, seed) else { continue };
            let grown = growth.grown(progress)?;
            let count = |g: &Grown| g.joined.iter().filter(|j| **j).count();
            let all = count(&grown) == self.most.min(self.cameras.len());
            if best.as_ref().is_none_or(|b| (count(&grown), grown.fit) > (count(b), b.fit)) {
                best = Some(grown);
            }
            if all || best.as_ref().is_some_and(|b| 2 * count(b) > self.cameras.len()) {
                break;
            }
        }
        Ok(best)
    }
}

struct Growth<'a> {
    soil: &'a Soil<'a>,
    cameras: Vec<Camera>,
    joined: Vec<bool>,
    /// Of each track of the soil.
    points: Vec<Option<DVec3>>,
}

impl<'a> Growth<'a> {
    fn begun(soil: &'a Soil<'a>, seed: &Pair) -> Option<Self> {
        let mut cameras = soil.cameras.to_vec();
        cameras[seed.a].camera_from_world = crate::geometry::Pose::IDENTITY;
        cameras[seed.b].camera_from_world = seed.two.pose;
        let mut joined = vec![false; cameras.len()];
        (joined[seed.a], joined[seed.b]) = (true, true);
        let mut growth = Self { soil, cameras, joined, points: vec![None; soil.tracks.len()] };
        growth.place_points();
        (growth.points.iter().flatten().count() >= LEAST_SEED).then_some(growth)
    }

    fn count(&self) -> usize {
        self.joined.iter().filter(|j| **j).count()
    }

    fn place_points(&mut self) {
        let (cameras, joined, limit) = (&self.cameras, &self.joined, self.soil.limit_px);
        self.points = self.soil.tracks.par_iter().map(|t| Some(point(cameras, joined, t, limit)?.0)).collect();
    }

    fn grown(mut self, progress: &mut dyn FnMut(f64) -> bool) -> Result<Grown, CalibrateError> {
        let n = self.cameras.len();
        self.adjust_quickly()?;
        let mut adjusted_at = 2;
        while self.count() < self.soil.most.min(n) {
            if !progress(self.count() as f64 / n as f64 * 0.8) {
                return Err(CalibrateError::Cancelled);
            }
            if !self.join_one() {
                // Once more with everything as good as it gets.
                if adjusted_at < self.count() {
                    self.adjust_quickly()?;
                    adjusted_at = self.count();
                    if self.join_one() {
                        continue;
                    }
                }
                break;
            }
            self.place_points();
            if self.count() < 8 || self.count() * 8 >= adjusted_at * 9 {
                self.adjust_quickly()?;
                adjusted_at = self.count();
            }
        }
        self.finished(progress)
    }

    /// The camera that sees most of the known points.
    fn join_one(&mut self) -> bool {
        let n = self.cameras.len();
        let mut sees: Vec<Vec<(DVec3, DVec2)>> = vec![vec![]; n];
        for (track, p) in self.soil.tracks.iter().zip(&self.points) {
            let Some(p) = p else { continue };
            for s in track.sightings.iter().filter(|s| !self.joined[s.camera]) {
                sees[s.camera].push((*p, s.px));
            }
        }
        let mut order: Vec<usize> = (0..n).filter(|i| !self.joined[*i] && !sees[*i].is_empty()).collect();
        order.sort_by_key(|i| (usize::MAX - sees[*i].len(), *i));
        for i in order {
            if let Some((pose, _)) = placed(&self.cameras[i].lens, &sees[i], 2.0 * self.soil.limit_px, i as u64 + 1) {
                self.cameras[i].camera_from_world = pose;
                self.joined[i] = true;
                return true;
            }
        }
        false
    }

    /// The sightings that fit, and where their points are.
    fn evidence(&self, limit_px: f64) -> (Vec<Track>, Vec<DVec3>) {
        let (cameras, joined) = (&self.cameras, &self.joined);
        let kept: Vec<Option<(Track, DVec3)>> = self
            .soil
            .tracks
            .par_iter()
            .map(|t| {
                let (p, fits) = point(cameras, joined, t, limit_px)?;
                let mut keep = fits.iter();
                let mut track = t.clone();
                track.sightings.retain(|_| *keep.next().unwrap_or(&false));
                Some((track, p))
            })
            .collect();
        kept.into_iter().flatten().unzip()
    }

    /// Distance that counts as one.
    fn unit(&self, points: &[DVec3]) -> f64 {
        let camera = self.joined.iter().position(|j| *j).unwrap_or(0);
        let center = self.cameras[camera].center_in_world();
        let mut away: Vec<f64> = points.iter().map(|p| (*p - center).length()).collect();
        away.sort_by(f64::total_cmp);
        away.get(away.len() / 2).copied().unwrap_or(1.0).max(1e-9)
    }

    fn freedom(&self) -> LensFreedom {
        // Two cameras alone do not tell their lens.
        if self.count() < 3 { LensFreedom::Keep } else { self.soil.freedom }
    }

    fn adjust_quickly(&mut self) -> Result<(), CalibrateError> {
        for round in 0..2 {
            let (mut tracks, mut points) = self.evidence(self.soil.limit_px * if round == 0 { 2.0 } else { 1.0 });
            if tracks.len() > WHILE_GROWING {
                // Long ones first; each camera has its share of them.
                let mut order: Vec<usize> = (0..tracks.len()).collect();
                order.sort_by_key(|i| (usize::MAX - tracks[*i].sightings.len(), (*i).wrapping_mul(0x9e37_79b9) & 0xffff));
                let mut seen = vec![0_usize; self.cameras.len()];
                let (mut chosen, mut more) = (Vec::new(), Vec::new());
                for i in order {
                    let poor = tracks[i].sightings.iter().any(|s| seen[s.camera] < 120);
                    if poor {
                        tracks[i].sightings.iter().for_each(|s| seen[s.camera] += 1);
                        chosen.push(i);
                    } else {
                        more.push(i);
                    }
                }
                chosen.extend(more.into_iter().take(WHILE_GROWING.saturating_sub(chosen.len())));
                (tracks, points) = chosen.into_iter().map(|i| (tracks[i].clone(), points[i])).unzip();
            }
            let kept: Vec<bool> = self.joined.iter().map(|j| !j).collect();
            let problem = Problem {
                imported: &self.cameras.clone(),
                kept: &kept,
                lens: self.freedom(),
                lens_known: self.soil.lens_known,
                pull: Pull::GUESSED,
                unit_m: self.unit(&points),
            };
            let mut state = State { cameras: self.cameras.clone(), points };
            solve(&problem, &mut state, &tracks, 0.5 * self.soil.limit_px, if round == 0 { 8 } else { 12 }, &mut |_| true)?;
            self.cameras = state.cameras;
            self.share_lenses();
        }
        self.place_points();
        Ok(())
    }

    /// Cameras that are still to come begin with what those of the same lens have learned.
    fn share_lenses(&mut self) {
        let soil = self.soil;
        for i in 0..self.cameras.len() {
            if self.joined[i] || soil.lens_known[i] {
                continue;
            }
            let same = |j: &usize| {
                let (a, b) = (&soil.cameras[i], &soil.cameras[*j]);
                self.joined[*j] && !soil.lens_known[*j] && a.lens == b.lens && (a.width_px, a.height_px) == (b.width_px, b.height_px)
            };
            if let Some(j) = (0..self.cameras.len()).find(same) {
                self.cameras[i].lens = self.cameras[j].lens;
            }
        }
    }

    fn finished(mut self, progress: &mut dyn FnMut(f64) -> bool) -> Result<Grown, CalibrateError> {
        let kept: Vec<bool> = self.joined.iter().map(|j| !j).collect();
        let mut last = None;
        for round in 0..2 {
            let (tracks, points) = self.evidence(self.soil.limit_px);
            if tracks.is_empty() {
                return Err(CalibrateError::NoSolution);
            }
            let rig = Rig { cameras: self.cameras.clone(), points_in_world: vec![] };
            let unit = self.unit(&points);
            let mut adjuster = Adjuster::new(&rig, &kept, self.freedom(), unit);
            (adjuster.lens_known, adjuster.pull) = (self.soil.lens_known, Pull::GUESSED);
            let share = 0.8 + 0.1 * f64::from(round);
            adjuster.adjust(tracks, 0.7 * self.soil.limit_px, &mut |s| progress(share + 0.1 * s))?;
            let Adjuster { state, tracks, wrong, .. } = adjuster;
            self.cameras.clone_from(&state.cameras);
            last = Some((state, tracks, wrong));
        }
        let Some((State { cameras, points }, tracks, wrong)) = last else { return Err(CalibrateError::NoSolution) };
        let limit = self.soil.limit_px;
        let off = |(t, p): (&Track, &DVec3)| -> f64 {
            t.sightings.iter().map(|s| off_px(&cameras, s, *p).map_or(0.0, |r| (1.0 - (r / limit).powi(2)).max(0.0))).sum()
        };
        let fit = tracks.iter().zip(&points).map(off).sum();
        Ok(Grown { cameras, joined: self.joined, tracks, points, wrong, fit })
    }
}

/// Where a point stands by the cameras that have joined, and which of its sightings fit; `None` where fewer than two do, or where their rays
/// are all but parallel.
fn point(cameras: &[Camera], joined: &[bool], track: &Track, limit_px: f64) -> Option<(DVec3, Vec<bool>)> {
    let own: Vec<_> = track.sightings.iter().filter(|s| joined[s.camera]).copied().collect();
    if own.len() < 2 {
        return None;
    }
    let part = Track { sightings: own, features: vec![] };
    let p = triangulated(cameras, &part, 0.5 * limit_px)?;
    let p = settled_point(cameras, &part, p, 0.5 * limit_px);
    let fits: Vec<bool> =
        track.sightings.iter().map(|s| joined[s.camera] && off_px(cameras, s, p).is_some_and(|r| r <= limit_px)).collect();
    let rays: Vec<DVec3> = track
        .sightings
        .iter()
        .zip(&fits)
        .filter(|(_, f)| **f)
        .map(|(s, _)| (p - cameras[s.camera].center_in_world()).normalize_or(DVec3::Z))
        .collect();
    let wide = rays.iter().any(|r| r.cross(rays[0]).length() >= LEAST_ANGLE_RAD);
    (rays.len() >= 2 && wide && p.is_finite()).then_some((p, fits))
}
