//! A wand with two lights of unequal brightness that is carried through the volume: where the cameras stand, from nothing but their lenses.
//!
//! The brighter light is known from the dimmer one in every picture, so nothing can be turned the wrong way round. Pairs of cameras find
//! each other by the points that they share ([`pair`]), the length of the wand gives the scale, and one adjustment of all cameras and of the wand at
//! every instant ([`super::adjust`]; the wand is rigid) makes it exact.

mod lights;
mod pair;

use std::collections::BTreeMap;

use glam::{DMat3, DVec2, DVec3};
use rayon::prelude::*;

use super::{
    BoardFailure, Calibration, CameraFit, Candidate, Link, TakenOut, Unsolved,
    adjust::{Problem, State, View, residuals},
    gate::of_rig,
    graph::groups,
    solve::frame,
};
use crate::{
    frame::{Picture, gray::Gray},
    geometry::{Pose, nearest_point_to_rays},
    rig::{Camera, Rig},
};

use self::lights::{Spot, spots};

/// A light that stays within this of one place in so much of the pictures is a lamp of the hall, px and share.
const LAMP_PX: f64 = 2.0;
const LAMP_SHARE: f64 = 0.25;
/// The brighter light gives so many times the light of the dimmer one.
const BRIGHTER: f64 = 1.25;
/// And no more than so many times.
const MOST_BRIGHTER: f64 = 30.0;
/// Instants that two cameras must share.
const LEAST_SHARED: usize = 12;
/// What a light may be off before anything is adjusted, px.
const START_PX: f64 = 1.0;

/// Why a picture gives no wand, in one or two words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoWand {
    /// No light that moves.
    Dark,
    /// One light only: the other is hidden.
    OneLight,
    /// More than two lights that move.
    ManyLights,
    /// Both are equally bright.
    Alike,
    /// Of a ball: two lights that move.
    TwoLights,
}

impl NoWand {
    /// What to do about it.
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::Dark => "no light that moves: darken the hall, shorten the exposure, or carry it before this camera",
            Self::OneLight => "one light is hidden: hold the wand so that nobody stands before it",
            Self::ManyLights => "more than two lights move: cover what shines or reflects",
            Self::TwoLights => "two lights move, and nobody can tell which one is the ball: cover what shines or reflects",
            Self::Alike => "both lights are equally bright: dim one of them (tape over it), or nobody can tell which is which",
        }
    }
}

/// A wand carried before the cameras.
#[derive(Debug, Clone)]
pub struct WandSession {
    length_m: f64,
    cameras: Vec<Candidate>,
    secs: Vec<f64>,
    /// For each instant and camera.
    spots: Vec<Vec<Option<Vec<Spot>>>>,
}

/// How the pictures of one camera fared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WandTally {
    /// Pictures looked at.
    pub pictures: usize,
    /// Wands found.
    pub found: usize,
    /// The others, by reason.
    pub without: BTreeMap<NoWand, usize>,
}

/// Where a camera saw the wand: the brighter light and the dimmer one.
type Sight = (DVec2, DVec2);

impl WandSession {
    /// For cameras of these names; the length from the middle of one light to that of the other.
    pub fn new(length_m: f64, names: &[String]) -> Self {
        let camera = |name: &String| Candidate { name: name.clone(), width_px: 0, height_px: 0, lens: None };
        Self { length_m, cameras: names.iter().map(camera).collect(), secs: Vec::new(), spots: Vec::new() }
    }

    /// The cameras, with the sizes of their pictures; their lenses are to be given.
    pub fn cameras_mut(&mut self) -> &mut [Candidate] {
        &mut self.cameras
    }

    /// Looks at one instant's pictures, in the order of the names; returns how many show at least two bright spots.
    pub fn look(&mut self, secs: f64, pictures: &[Option<&Picture>]) -> usize {
        for (c, p) in self.cameras.iter_mut().zip(pictures) {
            if let Some(p) = p {
                (c.width_px, c.height_px) = (p.width(), p.height());
            }
        }
        let found: Vec<Option<Vec<Spot>>> = pictures.par_iter().map(|p| p.map(|p| spots(&Gray::from_picture(p)))).collect();
        let seen = found.iter().flatten().filter(|s| s.len() > 1).count();
        self.secs.push(secs);
        self.spots.push(found);
        seen
    }

    /// Seconds of an instant.
    pub fn secs(&self, instant: usize) -> f64 {
        self.secs.get(instant).copied().unwrap_or_default()
    }

    /// Where each camera saw the wand, by instant, and how its pictures fared.
    fn sights(&self) -> (Vec<Vec<Option<Sight>>>, Vec<WandTally>) {
        let of = |i: usize| {
            let lamps = self.lamps(i);
            let mut tally = WandTally::default();
            let sights = (0..self.spots.len())
                .map(|t| {
                    let all = self.spots[t][i].as_ref()?;
                    tally.pictures += 1;
                    let moving: Vec<Spot> = all.iter().filter(|s| !lamps.iter().any(|l| (s.px - *l).length() < LAMP_PX)).copied().collect();
                    let found = match moving.as_slice() {
                        [] => Err(NoWand::Dark),
                        [_] => Err(NoWand::OneLight),
                        // Glints may be there, but far dimmer.
                        [a, b, rest @ ..] if rest.first().is_none_or(|c| c.flux < 0.25 * b.flux) => match a.flux / b.flux {
                            ratio if ratio < BRIGHTER => Err(NoWand::Alike),
                            ratio if ratio > MOST_BRIGHTER => Err(NoWand::OneLight),
                            _ => Ok((a.px, b.px)),
                        },
                        _ => Err(NoWand::ManyLights),
                    };
                    match found {
                        Ok(sight) => {
                            tally.found += 1;
                            Some(sight)
                        }
                        Err(why) => {
                            *tally.without.entry(why).or_default() += 1;
                            None
                        }
                    }
                })
                .collect();
            (sights, tally)
        };
        (0..self.cameras.len()).into_par_iter().map(of).unzip()
    }

    /// Where each camera saw one bright ball that moves, by instant; how its pictures fared.
    pub fn ball(&self) -> (Vec<Vec<Option<DVec2>>>, Vec<WandTally>) {
        let n = self.cameras.len();
        let mut tallies = vec![WandTally::default(); n];
        let mut sights = vec![vec![None; n]; self.spots.len()];
        for (i, tally) in tallies.iter_mut().enumerate() {
            let lamps = self.lamps(i);
            for (t, looked) in self.spots.iter().enumerate() {
                let Some(all) = &looked[i] else { continue };
                tally.pictures += 1;
                let mut moving = all.iter().filter(|s| !lamps.iter().any(|l| (s.px - *l).length() < LAMP_PX));
                match (moving.next(), moving.next()) {
                    (None, _) => *tally.without.entry(NoWand::Dark).or_default() += 1,
                    // Glints may be there, but far dimmer.
                    (Some(a), b) if b.is_none_or(|b| b.flux < 0.25 * a.flux) => {
                        tally.found += 1;
                        sights[t][i] = Some(a.px);
                    }
                    _ => *tally.without.entry(NoWand::TwoLights).or_default() += 1,
                }
            }
        }
        (sights, tallies)
    }

    /// Places of a camera's picture that shine all the time.
    fn lamps(&self, camera: usize) -> Vec<DVec2> {
        let mut places: Vec<(DVec2, usize)> = Vec::new();
        let mut pictures = 0;
        for all in self.spots.iter().filter_map(|s| s[camera].as_ref()) {
            pictures += 1;
            for s in all {
                match places.iter_mut().find(|(p, _)| (*p - s.px).length() < LAMP_PX) {
                    Some((_, count)) => *count += 1,
                    None => places.push((s.px, 1)),
                }
            }
        }
        let least = (LAMP_SHARE * f64::from(pictures)).max(3.0);
        places.into_iter().filter(|(_, count)| *count as f64 > least).map(|(p, _)| p).collect()
    }

    /// How the pictures of each camera fared.
    pub fn tallies(&self) -> Vec<WandTally> {
        self.sights().1
    }

    /// Solves the rig. `progress` gets the share done and returns false to cancel.
    ///
    /// # Errors
    /// Where a lens is not known, and where no two cameras can be put together.
    pub fn calibrate(&self, progress: &mut dyn FnMut(f64) -> bool) -> Result<Calibration, BoardFailure> {
        let n = self.cameras.len();
        let mut cameras = Vec::with_capacity(n);
        for c in &self.cameras {
            let lens = c.lens.ok_or_else(|| {
                BoardFailure::Nothing(format!(
                    "{}: its lens is not known, and a wand alone does not tell it. Give lenses with --lenses RIG",
                    c.name
                ))
            })?;
            let (name, camera_from_world) = (c.name.clone(), Pose::IDENTITY);
            cameras.push(Camera { name, width_px: c.width_px, height_px: c.height_px, lens, camera_from_world, clock_offset_nanos: 0 });
        }
        let (sights, _) = self.sights();
        let go_on = |done: f64, progress: &mut dyn FnMut(f64) -> bool| if progress(done) { Ok(()) } else { Err(BoardFailure::Cancelled) };
        go_on(0.05, progress)?;
        let pairs: Vec<(usize, usize)> = (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j))).collect();
        let found: Vec<(Link, Option<Pose>)> = pairs.par_iter().map(|&(i, j)| self.link(&cameras, &sights, i, j)).collect();
        go_on(0.4, progress)?;
        let together = groups(n, &found).into_iter().next().unwrap_or_default();
        let links: Vec<Link> = found.iter().map(|(l, _)| *l).collect();
        let mut unsolved: Vec<Option<Unsolved>> = (0..n).map(|i| self.unconnected(&links, &together, i)).collect();
        if together.len() < 2 {
            let told: Vec<String> =
                unsolved.iter().zip(&self.cameras).filter_map(|(u, c)| Some(format!("{}: {}", c.name, u.as_ref()?))).collect();
            return Err(BoardFailure::Nothing(told.join("; ")));
        }
        for (i, pose) in &together {
            cameras[*i].camera_from_world = *pose;
        }
        let mut whole = Whole::new(self.length_m, cameras, &sights, &together);
        whole.adjust(&mut |done| progress(0.4 + 0.6 * done))?;
        Ok(whole.finish(links, &mut unsolved))
    }

    /// Two cameras: where the second stands to the first, metres.
    fn link(&self, cameras: &[Camera], sights: &[Vec<Option<Sight>>], from: usize, to: usize) -> (Link, Option<Pose>) {
        let ideal = |c: usize, px: DVec2| cameras[c].lens.unproject(px).truncate();
        let shared: Vec<[pair::Match; 2]> = sights[from]
            .iter()
            .zip(&sights[to])
            .filter_map(|(a, b)| {
                let ((a0, a1), (b0, b1)) = ((*a)?, (*b)?);
                Some([(ideal(from, a0), ideal(to, b0)), (ideal(from, a1), ideal(to, b1))])
            })
            .collect();
        let none = |agreeing: usize| (Link { from, to, shared: shared.len(), agreeing }, None);
        if shared.len() < LEAST_SHARED {
            return none(0);
        }
        let matches: Vec<pair::Match> = shared.iter().flatten().copied().collect();
        let spread = START_PX / cameras[from].lens.fx_px.min(cameras[to].lens.fx_px);
        let Some((pose, agree)) = pair::relative(&matches, spread) else { return none(0) };
        let mut lengths: Vec<f64> = shared
            .iter()
            .zip(agree.chunks(2))
            .filter(|(_, agree)| agree.iter().all(|a| *a))
            .filter_map(|(m, _)| Some((pair::met(&pose, &m[0])? - pair::met(&pose, &m[1])?).length()))
            .collect();
        lengths.sort_by(f64::total_cmp);
        let Some(middle) = lengths.get(lengths.len() / 2).copied().filter(|l| lengths.len() >= LEAST_SHARED && *l > 1e-9) else {
            return none(0);
        };
        // Those where the wand has its length.
        let agreeing = lengths.iter().filter(|l| (**l / middle - 1.0).abs() < 0.1).count();
        let link = Link { from, to, shared: shared.len(), agreeing };
        let pose = Pose { translation: pose.translation * (self.length_m / middle), ..pose };
        (link, Some(pose).filter(|_| link.holds() && agreeing >= LEAST_SHARED))
    }

    fn unconnected(&self, links: &[Link], together: &[(usize, Pose)], i: usize) -> Option<Unsolved> {
        let inside = |j: usize| together.iter().any(|(k, _)| *k == j);
        if inside(i) {
            return None;
        }
        let other = |l: &Link| if l.from == i { l.to } else { l.from };
        let best = links.iter().filter(|l| (l.from == i || l.to == i) && inside(other(l))).max_by_key(|l| (l.agreeing, l.shared));
        let with = best.map_or_else(|| "none".to_owned(), |l| self.cameras[other(l)].name.clone());
        let name = &self.cameras[i].name;
        let remedy = match best {
            Some(l) if l.shared >= LEAST_SHARED => {
                format!(
                    "At {} instants both saw the wand, but they do not agree: check that {name} and {with} are in step, and their lenses",
                    l.shared
                )
            }
            _ => format!("Carry the wand where {name} and {with} both see it"),
        };
        Some(Unsolved::Unconnected { with, best: best.map_or(0, |l| l.agreeing), needed: LEAST_SHARED, remedy })
    }
}

/// Everything together.
struct Whole {
    problem: Problem,
    state: State,
    views: Vec<View>,
    wrong: Vec<usize>,
    taken_out: Vec<TakenOut>,
    solved: Vec<bool>,
}

impl Whole {
    fn new(length_m: f64, cameras: Vec<Camera>, sights: &[Vec<Option<Sight>>], together: &[(usize, Pose)]) -> Self {
        let n = cameras.len();
        let solved: Vec<bool> = (0..n).map(|i| together.iter().any(|(k, _)| *k == i)).collect();
        let root = together.first().map_or(0, |(i, _)| *i);
        let instants = sights.first().map_or(0, Vec::len);
        let ends = [DVec3::ZERO, DVec3::X * length_m];
        let (mut world_from_board, mut views) = (vec![Pose::IDENTITY; instants], Vec::new());
        for (t, pose) in world_from_board.iter_mut().enumerate() {
            let seen: Vec<(usize, Sight)> = (0..n).filter(|i| solved[*i]).filter_map(|i| Some((i, sights[i][t]?))).collect();
            let Some(placed) = placed(&cameras, &seen) else { continue };
            *pose = placed;
            views.extend(seen.iter().map(|(i, s)| View {
                camera: *i,
                board: t,
                corners: vec![(ends[0], s.0), (ends[1], s.1)],
                back: false,
            }));
        }
        let problem = Problem {
            back_free: false,
            lens_free: vec![None; n],
            pose_free: (0..n).map(|i| solved[i] && i != root).collect(),
            start: cameras.iter().map(|c| c.lens).collect(),
            spread_px: 10.0,
        };
        Self {
            problem,
            state: State { cameras, world_from_board, back_off: DVec3::ZERO },
            views,
            wrong: vec![0; n],
            taken_out: vec![],
            solved,
        }
    }

    fn adjust(&mut self, progress: &mut dyn FnMut(f64) -> bool) -> Result<(), BoardFailure> {
        for (k, spread_px) in [Some(20.0), Some(5.0), None, None, None].into_iter().enumerate() {
            self.problem.spread_px = spread_px.unwrap_or((2.5 * self.sigma_px()).clamp(0.1, 5.0));
            if !self.problem.solve(&mut self.state, &self.views, 30, &mut || progress(0.2 * k as f64)) {
                return Err(BoardFailure::Cancelled);
            }
            if k > 0 && k < 4 {
                self.take_out_wrong(if k == 1 { 10.0 } else { 5.0 });
            }
        }
        Ok(())
    }

    fn off_px(&self, view: &View) -> Vec<f64> {
        residuals(&self.state, view).map(|r| r.map_or(1e3, DVec2::length)).collect()
    }

    fn sigma_px(&self) -> f64 {
        let mut off: Vec<f64> = self.views.iter().flat_map(|v| self.off_px(v)).collect();
        off.sort_by(f64::total_cmp);
        // The median of a Rayleigh distribution is 1.177 σ.
        off.get(off.len() / 2).copied().unwrap_or(1.0) / 1.177
    }

    /// Takes out sightings that contradict all others, and instants that only one camera is left of.
    fn take_out_wrong(&mut self, sigmas: f64) {
        let limit_px = (sigmas * self.sigma_px()).max(0.3);
        for view in std::mem::take(&mut self.views) {
            let off = self.off_px(&view).into_iter().fold(0.0, f64::max);
            if off > limit_px {
                self.wrong[view.camera] += view.corners.len();
                self.taken_out.push(TakenOut { camera: view.camera, instant: view.board, off_px: off });
            } else {
                self.views.push(view);
            }
        }
        let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
        self.views.iter().for_each(|v| *counts.entry(v.board).or_default() += 1);
        self.views.retain(|v| counts.get(&v.board).is_some_and(|c| *c > 1));
    }

    fn finish(mut self, links: Vec<Link>, unsolved: &mut [Option<Unsolved>]) -> Calibration {
        for (i, reason) in unsolved.iter_mut().enumerate() {
            if !self.solved[i] {
                continue;
            }
            let kept = self.views.iter().filter(|v| v.camera == i).count();
            let out = self.taken_out.iter().filter(|t| t.camera == i).count();
            if kept < LEAST_SHARED {
                *reason = Some(Unsolved::Contradicts { out, of: kept + out });
                (self.solved[i], self.problem.pose_free[i]) = (false, false);
            }
        }
        self.views.retain(|v| self.solved[v.camera]);
        let (deviations, _) = self.problem.deviations(&self.state, &self.views);
        let rms = |off: &[f64]| (off.iter().map(|o| o * o).sum::<f64>() / off.len().max(1) as f64).sqrt();
        let mut all: Vec<f64> = self.views.iter().flat_map(|v| self.off_px(v)).collect();
        all.sort_by(f64::total_cmp);
        let cameras: Vec<CameraFit> = unsolved
            .iter()
            .enumerate()
            .map(|(i, unsolved)| {
                let own: Vec<&View> = self.views.iter().filter(|v| v.camera == i).collect();
                let off: Vec<f64> = own.iter().flat_map(|v| self.off_px(v)).collect();
                CameraFit {
                    boards: own.len(),
                    corners: off.len(),
                    wrong: self.wrong[i],
                    rms_px: rms(&off),
                    deviation: deviations[i],
                    unsolved: unsolved.clone(),
                }
            })
            .collect();
        let new_from_world = self.upright();
        let world_from_new = new_from_world.inverse();
        let kept = self.state.cameras.into_iter().zip(&self.solved).filter(|(_, is)| **is);
        let rig = Rig {
            cameras: kept.map(|(c, _)| Camera { camera_from_world: c.camera_from_world.then_from(&world_from_new), ..c }).collect(),
            points_in_world: vec![],
        };
        let notes = vec![
            "up is the mean of the cameras' own, the origin where they look: a board on the floor (--board, --floor) gives a true floor"
                .to_owned(),
        ];
        let p95_px = all.get(all.len() * 95 / 100).copied().unwrap_or(0.0);
        let (findings, gaps) = of_rig(&rig);
        Calibration {
            rig,
            clocks: vec![None; cameras.len()],
            cameras,
            links,
            taken_out: self.taken_out,
            rms_px: rms(&all),
            p95_px,
            step_px: None,
            back_off_m: None,
            notes,
            findings,
            gaps,
            reference: None,
        }
    }

    /// +z up by the cameras' own up, the origin where they look.
    fn upright(&self) -> Pose {
        let cameras: Vec<&Camera> = self.state.cameras.iter().zip(&self.solved).filter(|(_, s)| **s).map(|(c, _)| c).collect();
        let up = cameras.iter().map(|c| c.camera_from_world.rotation.transpose() * DVec3::NEG_Y).sum::<DVec3>().normalize_or(DVec3::Z);
        let rays: Vec<(DVec3, DVec3)> = cameras.iter().map(|c| (c.center_in_world(), c.camera_from_world.forward_in_world())).collect();
        let middle = nearest_point_to_rays(&rays).unwrap_or_else(|| rays.iter().map(|r| r.0).sum::<DVec3>() / rays.len().max(1) as f64);
        let forward = rays.iter().map(|r| r.1).sum::<DVec3>();
        frame(forward.cross(up), up, middle)
    }
}

/// Where the wand is, by the rays of those who see it; `None` where one camera alone does.
fn placed(cameras: &[Camera], seen: &[(usize, Sight)]) -> Option<Pose> {
    if seen.len() < 2 {
        return None;
    }
    let point = |of: fn(&Sight) -> DVec2| {
        let ray = |(i, s): &(usize, Sight)| {
            let c = &cameras[*i];
            (c.center_in_world(), (c.camera_from_world.rotation.transpose() * c.lens.unproject(of(s))).normalize_or(DVec3::Z))
        };
        nearest_point_to_rays(&seen.iter().map(ray).collect::<Vec<_>>())
    };
    let (a, b) = (point(|s| s.0)?, point(|s| s.1)?);
    let x = (b - a).try_normalize()?;
    let y = x.any_orthonormal_vector();
    Some(Pose { rotation: DMat3::from_cols(x, y, x.cross(y)), translation: a })
}
