//! The whole way from pictures to a rig.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::{AtomicUsize, Ordering},
};

use glam::{DVec2, DVec3};
use rayon::prelude::*;

use super::{
    FreeFailure, FreeOptions, Unjoined,
    grow::{Grown, Pair, Soil},
    pairing::{largest, matches},
    spots::{NUMBERS, Spot, spots},
    tracks::{SpotId, joined},
    two::{Kind, LEAST_MATCHES, two},
};
use crate::{
    calibrate::{CalibrateError, board::Candidate, matching::luma},
    frame::Picture,
    geometry::{Lens, Pose},
    rig::Camera,
};

/// A picture with fewer spots has no texture to speak of.
pub(super) const LEAST_SPOTS: usize = 40;
/// So many of the largest spots tell which pictures have anything in common.
pub(super) const COARSE: usize = 600;
/// Each camera is matched with so many others.
const NEIGHBOURS: usize = 7;
/// Up to so many cameras, each is matched with all others.
const FEW: usize = 9;
/// A right match lies so near, px of the reduced picture: where the lens is known, and where it is a guess.
pub(super) const LIMIT_PX: (f64, f64) = (2.0, 3.0);
/// Focal lengths that are tried, in picture widths (the longer side).
const FOCALS: [f64; 5] = [0.6, 0.9, 1.3, 2.0, 3.2];
/// Sightings that a camera of the rig has at least.
pub(super) const LEAST_SIGHTINGS: usize = 40;
/// With so many cameras a focal length is tried.
const TRIAL: usize = 6;

/// The pictures, and what was found in them.
pub(super) struct Material {
    /// Per moment and camera.
    spots: Vec<Vec<Vec<Spot>>>,
    /// Own px per px of the reduced picture, per camera.
    pub scale: Vec<f64>,
    /// Matches of pairs of cameras, all moments.
    found: BTreeMap<(usize, usize), Vec<(SpotId, SpotId)>>,
    /// Of a ball: one spot per picture at most.
    is_ball: bool,
}

/// What was solved, and what of the cameras that were not.
pub(super) struct Whole {
    pub grown: Grown,
    pub unjoined: Vec<Option<Unjoined>>,
}

/// Two cameras, and their matches.
type Matched<'a> = (&'a (usize, usize), &'a Vec<(SpotId, SpotId)>);
/// What grew and the pairs that it grew from, or the pairs of which nothing did.
type Growth = Result<(Grown, Vec<Pair>), Vec<Pair>>;
type Progress<'a> = &'a mut dyn FnMut(f64) -> bool;

fn go_on(progress: Progress<'_>, share: f64) -> Result<(), FreeFailure> {
    if progress(share) { Ok(()) } else { Err(FreeFailure::Cancelled) }
}

impl Material {
    /// Looks through all pictures.
    pub fn of(moments: &[Vec<Option<&Picture>>], cameras: usize, progress: Progress<'_>) -> Result<Self, FreeFailure> {
        let mut all = Vec::new();
        let mut scale = vec![1.0; cameras];
        for (m, pictures) in moments.iter().enumerate() {
            let one = |p: Option<&Picture>| p.map_or((1.0, vec![]), |p| (luma(p).scale, spots(&luma(p))));
            let found: Vec<(f64, Vec<Spot>)> = pictures.par_iter().map(|p| one(*p)).collect();
            for (i, (s, _)) in found.iter().enumerate().filter(|(i, _)| pictures[*i].is_some()) {
                scale[i] = *s;
            }
            all.push(found.into_iter().map(|f| f.1).collect());
            go_on(progress, 0.3 * (m + 1) as f64 / moments.len() as f64)?;
        }
        Ok(Self { spots: all, scale, found: BTreeMap::new(), is_ball: false })
    }

    /// Where each camera saw a ball at each instant.
    pub fn of_ball(sights: &[Vec<Option<DVec2>>], cameras: usize) -> Self {
        let spot = |px: &Option<DVec2>| px.map(|px| Spot { px, size_px: 1.0, numbers: Box::new([0; NUMBERS]) }).into_iter().collect();
        let spots: Vec<Vec<Vec<Spot>>> = sights.iter().map(|m| m.iter().map(spot).collect()).collect();
        let mut found: BTreeMap<(usize, usize), Vec<(SpotId, SpotId)>> = BTreeMap::new();
        for (m, seen) in sights.iter().enumerate() {
            let who: Vec<usize> = (0..cameras).filter(|i| seen.get(*i).copied().flatten().is_some()).collect();
            for (k, a) in who.iter().enumerate() {
                for b in &who[k + 1..] {
                    found.entry((*a, *b)).or_default().push(((m, *a, 0), (m, *b, 0)));
                }
            }
        }
        Self { spots, scale: vec![1.0; cameras], found, is_ball: true }
    }

    /// Most spots in one picture of a camera; of a ball, at how many instants it was seen.
    pub fn spots_told(&self, camera: usize) -> usize {
        if self.is_ball { self.spots.iter().map(|m| m[camera].len()).sum() } else { self.most_spots(camera) }
    }

    /// Most spots in one picture of a camera.
    pub fn most_spots(&self, camera: usize) -> usize {
        self.spots.iter().map(|m| m[camera].len()).max().unwrap_or(0)
    }

    /// The spots of one picture.
    pub fn spots_of(&self, moment: usize, camera: usize) -> &[Spot] {
        &self.spots[moment][camera]
    }

    fn px(&self, id: SpotId) -> DVec2 {
        self.spots[id.0][id.1][id.2].px * self.scale[id.1]
    }

    /// Matches the pictures that have something in common.
    pub fn pair_up(&mut self, cameras: usize, progress: Progress<'_>) -> Result<(), FreeFailure> {
        let all: Vec<(usize, usize)> = (0..cameras).flat_map(|a| (a + 1..cameras).map(move |b| (a, b))).collect();
        let wanted: BTreeSet<(usize, usize)> = if cameras <= FEW {
            all.into_iter().collect()
        } else {
            let coarse: Vec<Vec<Vec<Spot>>> = self.spots.iter().map(|m| m.iter().map(|s| largest(s, COARSE)).collect()).collect();
            let common: Vec<usize> = all.par_iter().map(|(a, b)| coarse.iter().map(|m| matches(&m[*a], &m[*b]).len()).sum()).collect();
            let mut wanted = BTreeSet::new();
            for i in 0..cameras {
                let mut own: Vec<(usize, (usize, usize))> =
                    all.iter().zip(&common).filter(|(p, _)| p.0 == i || p.1 == i).map(|(p, c)| (*c, *p)).collect();
                own.sort_by(|x, y| y.0.cmp(&x.0).then(x.1.cmp(&y.1)));
                wanted.extend(own.into_iter().take(NEIGHBOURS).map(|(_, p)| p));
            }
            wanted
        };
        go_on(progress, 0.35)?;
        let jobs: Vec<((usize, usize), usize)> = wanted.iter().flat_map(|p| (0..self.spots.len()).map(move |m| (*p, m))).collect();
        let done = AtomicUsize::new(0);
        // In pieces, so that it can be cancelled.
        for piece in jobs.chunks(jobs.len().div_ceil(12).max(1)) {
            let found: Vec<Vec<(usize, usize)>> =
                piece.par_iter().map(|((a, b), m)| matches(&self.spots[*m][*a], &self.spots[*m][*b])).collect();
            for (((a, b), m), found) in piece.iter().zip(found) {
                self.found.entry((*a, *b)).or_default().extend(found.into_iter().map(|(i, j)| ((*m, *a, i), (*m, *b, j))));
            }
            let share = done.fetch_add(piece.len(), Ordering::Relaxed) as f64 / jobs.len() as f64;
            go_on(progress, 0.35 + 0.25 * share)?;
        }
        Ok(())
    }

    /// What the matches of each pair say with these lenses.
    fn verified(&self, cameras: &[Camera], of: &dyn Fn(usize, usize) -> bool, limit_px: f64) -> Vec<Pair> {
        let pairs: Vec<Matched<'_>> = self.found.iter().filter(|((a, b), _)| of(*a, *b)).collect();
        let say = |((a, b), found): Matched<'_>| {
            let ray = |id: SpotId| {
                let r = cameras[id.1].lens.unproject(self.px(id));
                if r.z > 0.05 { r / r.z } else { DVec3::new(99.0, 99.0, 1.0) }
            };
            let rays: Vec<(DVec3, DVec3)> = found.iter().map(|(i, j)| (ray(*i), ray(*j))).collect();
            let limit = |i: usize| limit_px * self.scale[i] / cameras[i].lens.fx_px;
            let two = two(&rays, 0.5 * (limit(*a) + limit(*b)), (*a * 1000 + *b) as u64)?;
            Some(Pair { a: *a, b: *b, two })
        };
        pairs.into_par_iter().filter_map(say).collect()
    }

    fn tracks(&self, pairs: &[Pair]) -> Vec<crate::calibrate::matching::Track> {
        let matched: Vec<(SpotId, SpotId)> =
            pairs.iter().flat_map(|p| p.two.inliers.iter().map(move |i| self.found[&(p.a, p.b)][*i])).collect();
        joined(&matched, &|id| self.px(id))
    }

    fn largest_scale(&self) -> f64 {
        self.scale.iter().copied().fold(1.0, f64::max)
    }

    /// A rig from the matches.
    pub fn solve(&self, candidates: &[Candidate], options: &FreeOptions, progress: Progress<'_>) -> Result<Whole, FreeFailure> {
        let n = candidates.len();
        let known: Vec<bool> = candidates.iter().map(|c| c.lens.is_some()).collect();
        let all_known = known.iter().all(|k| *k);
        let shares = match options.field_of_view_deg {
            Some(deg) => vec![0.5 / (0.5 * deg.to_radians()).tan()],
            None if all_known => vec![1.0],
            None => self.focal_shares(candidates, &known, options, progress)?,
        };
        go_on(progress, 0.7)?;
        let all = |_: usize, _: usize| true;
        let mut best: Option<(Grown, Vec<Pair>)> = None;
        let mut failure = None;
        for (k, share) in shares.iter().enumerate() {
            let from = 0.7 + 0.15 * k as f64 / shares.len() as f64;
            let cameras = with_lenses(candidates, *share);
            match self.grown(&cameras, &known, options, &all, n, &mut |s| progress(from + 0.15 / shares.len() as f64 * s))? {
                Ok(found) if best.as_ref().is_none_or(|(g, _)| found.0.fit > g.fit) => best = Some(found),
                Ok(_) => {}
                Err(pairs) => failure = Some(self.nothing(candidates, &pairs, all_known)),
            }
        }
        let Some(mut found) = best else { return Err(failure.unwrap_or_else(|| CalibrateError::NoSolution.into())) };
        if !all_known {
            // Once more with what the lenses turned out to be: more matches are right then.
            let again = self.grown(&found.0.cameras, &known, options, &all, n, &mut |s| progress(0.85 + 0.15 * s))?;
            if let Ok(again) = again.map_err(drop)
                && again.0.fit > found.0.fit
            {
                found = again;
            }
        }
        let (mut grown, pairs) = found;
        // A camera that hardly anything holds has no place that anybody vouches for.
        for i in 0..n {
            let sightings = |g: &Grown| g.tracks.iter().filter(|t| t.sightings.iter().any(|s| s.camera == i)).count();
            if grown.joined[i] && sightings(&grown) < LEAST_SIGHTINGS {
                grown.leave_out(i);
            }
        }
        let unjoined = (0..n).map(|i| (!grown.joined[i]).then(|| self.why(i, candidates, &grown, &pairs))).collect();
        Ok(Whole { grown, unjoined })
    }

    /// What grows with these lenses; the pairs where nothing does.
    fn grown(
        &self,
        cameras: &[Camera],
        known: &[bool],
        options: &FreeOptions,
        of: &dyn Fn(usize, usize) -> bool,
        most: usize,
        progress: Progress<'_>,
    ) -> Result<Growth, FreeFailure> {
        let limit = if known.iter().all(|k| *k) { LIMIT_PX.0 } else { LIMIT_PX.1 };
        let pairs = self.verified(cameras, of, limit);
        go_on(progress, 0.2)?;
        let tracks = self.tracks(&pairs);
        let soil = Soil {
            cameras,
            lens_known: known,
            freedom: options.lens,
            pairs: &pairs,
            tracks: &tracks,
            limit_px: limit * self.largest_scale(),
            most,
        };
        let grown = soil.grow(&mut |s| progress(0.2 + 0.8 * s)).map_err(FreeFailure::from)?;
        Ok(grown.map_or_else(|| Err(pairs.clone()), |g| Ok((g, pairs.clone()))))
    }

    /// The focal lengths (in picture widths) with which a few cameras fit best: one, or two that are hardly to be told apart.
    fn focal_shares(
        &self,
        candidates: &[Candidate],
        known: &[bool],
        options: &FreeOptions,
        progress: Progress<'_>,
    ) -> Result<Vec<f64>, FreeFailure> {
        let n = candidates.len();
        let count = |a: usize, b: usize| self.found.get(&(a.min(b), a.max(b))).map_or(0, Vec::len);
        let Some(first) = self.found.iter().max_by_key(|(p, f)| (f.len(), usize::MAX - p.0)).map(|(p, _)| *p) else {
            return Ok(vec![FOCALS[2]]);
        };
        let mut few = vec![first.0, first.1];
        while few.len() < TRIAL.min(n) {
            let next = (0..n).filter(|i| !few.contains(i)).max_by_key(|i| (few.iter().map(|f| count(*f, *i)).sum::<usize>(), n - i));
            few.extend(next);
        }
        // (fit, focal length that it became)
        let mut tried: Vec<(f64, f64)> = Vec::new();
        for (k, share) in FOCALS.iter().enumerate() {
            go_on(progress, 0.6 + 0.1 * k as f64 / FOCALS.len() as f64)?;
            let cameras = with_lenses(candidates, *share);
            let among = |a: usize, b: usize| few.contains(&a) && few.contains(&b);
            let Ok((grown, _)) = self.grown(&cameras, known, options, &among, few.len(), &mut |_| true)? else { continue };
            let became = few.iter().find(|i| !known[**i] && grown.joined[**i]).map_or(*share, |i| {
                let c = &grown.cameras[*i];
                c.lens.fx_px / f64::from(c.width_px.max(c.height_px))
            });
            if (0.2..12.0).contains(&became) {
                tried.push((grown.fit, became));
            }
        }
        tried.sort_by(|a, b| b.0.total_cmp(&a.0));
        let Some(best) = tried.first().copied() else { return Ok(vec![FOCALS[2]]) };
        let other = tried.iter().find(|t| t.0 > 0.93 * best.0 && (t.1 / best.1).ln().abs() > 0.1);
        Ok([Some(best), other.copied()].into_iter().flatten().map(|t| t.1).collect())
    }

    fn nothing(&self, candidates: &[Candidate], pairs: &[Pair], lens_known: bool) -> FreeFailure {
        let strongest = self.found.iter().max_by_key(|(p, f)| (f.len(), usize::MAX - p.0)).map(|(p, f)| (*p, f.len()));
        let name = |i: usize| candidates[i].name.clone();
        let kinds = |kind: Kind| pairs.iter().filter(|p| p.two.kind == kind).count();
        if kinds(Kind::OnePlace) > 0 && kinds(Kind::OnePlace) >= kinds(Kind::Flat) {
            return FreeFailure::OnePlace;
        }
        if kinds(Kind::Flat) > 0 {
            return FreeFailure::Flat { lens_known };
        }
        if self.is_ball {
            let ((a, b), shared) = strongest.unwrap_or(((0, 1), 0));
            return FreeFailure::NoBallTogether { from: name(a), to: name(b), shared, needed: LEAST_MATCHES };
        }
        match strongest {
            Some(((a, b), matches)) => FreeFailure::NoBeginning { from: name(a), to: name(b), matches, needed: LEAST_MATCHES },
            None => FreeFailure::NoBeginning { from: name(0), to: name(1), matches: 0, needed: LEAST_MATCHES },
        }
    }

    fn why(&self, i: usize, candidates: &[Candidate], grown: &Grown, pairs: &[Pair]) -> Unjoined {
        let spots = self.spots_told(i);
        if self.is_ball {
            let shared = |j: usize| self.found.get(&(i.min(j), i.max(j))).map_or(0, Vec::len);
            let with = (0..candidates.len()).filter(|j| grown.joined[*j]).max_by_key(|j| (shared(*j), usize::MAX - j.abs_diff(i)));
            return match with {
                Some(j) if spots >= LEAST_SIGHTINGS => {
                    Unjoined::BallApart { with: candidates[j].name.clone(), shared: shared(j), needed: LEAST_SIGHTINGS }
                }
                _ => Unjoined::NoBall { seen: spots },
            };
        }
        if spots < LEAST_SPOTS {
            return Unjoined::NoTexture { spots };
        }
        let other = |p: &Pair| if p.a == i { p.b } else { p.a };
        let own = || pairs.iter().filter(|p| p.a == i || p.b == i);
        let best = own().filter(|p| grown.joined[other(p)]).max_by_key(|p| p.two.inliers.len());
        let points = grown.tracks.iter().filter(|t| t.sightings.iter().any(|s| s.camera == i)).count();
        if let Some(p) = best {
            return Unjoined::NotPlaced { with: candidates[other(p)].name.clone(), matches: p.two.inliers.len(), points };
        }
        // Nothing agrees: the nearest one by what looks alike, else by name.
        let count = |j: usize| self.found.get(&(i.min(j), i.max(j))).map_or(0, Vec::len);
        let with = (0..candidates.len()).filter(|j| grown.joined[*j]).max_by_key(|j| (count(*j), usize::MAX - j.abs_diff(i)));
        Unjoined::NoLink { with: with.map_or_else(|| "none".into(), |j| candidates[j].name.clone()), needed: LEAST_MATCHES }
    }
}

fn with_lenses(candidates: &[Candidate], focal_share: f64) -> Vec<Camera> {
    let camera = |c: &Candidate| {
        let (w, h) = (f64::from(c.width_px), f64::from(c.height_px));
        let focal = focal_share * w.max(h);
        Camera {
            name: c.name.clone(),
            width_px: c.width_px,
            height_px: c.height_px,
            lens: c.lens.unwrap_or(Lens::pinhole(focal, focal, 0.5 * w, 0.5 * h)),
            camera_from_world: Pose::IDENTITY,
            clock_offset_nanos: 0,
        }
    };
    candidates.iter().map(camera).collect()
}
