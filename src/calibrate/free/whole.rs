//! What a solved rig is worth: its cameras, the links between them, the gate.

use glam::{DMat3, DVec2, DVec3};

use super::{
    FreeFailure, FreeOptions, LensFreedom, Unjoined,
    mirror::name_mirrored,
    solve::{LEAST_SPOTS, Material, Whole},
};
use crate::{
    calibrate::{
        CalibrateError, Errors, RefineOptions,
        board::{CELLS, Candidate, GATE_PX, GateFinding, Light, Tally, of_rig},
        refine::refine,
        triangulate::off_px,
    },
    frame::Picture,
    geometry::{Distortion, NormalEquations, Pose, nearest_point_to_rays},
    rig::{Camera, Rig, check::Gap},
};

/// How a camera fits.
#[derive(Debug, Clone, PartialEq)]
pub struct FreeFit {
    /// Spots of texture in its best picture; of a ball, at how many instants it was seen.
    pub spots: usize,
    /// Sightings that the rig rests on.
    pub sightings: usize,
    /// Sightings that were taken out as wrong.
    pub wrong: usize,
    /// Root of the mean square distance between where it sees points and where it should, px.
    pub rms_px: f64,
    /// Standard deviation of its rotation about the worst axis, rad, where the fine adjustment told.
    pub rotation_sigma_rad: Option<f64>,
    /// Where in its picture the points are that hold it: `cells`, `heat_map()`, `emptiest()`.
    pub coverage: Tally,
    /// Why it is not in the rig.
    pub unjoined: Option<Unjoined>,
}

/// What two cameras share.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FreeLink {
    /// The first camera (index of the candidates).
    pub from: usize,
    /// The second one.
    pub to: usize,
    /// Points that both see.
    pub points: usize,
    /// Angle between them as seen from where the cameras look, degrees.
    pub angle_deg: f64,
}

/// A rig without scale: up is where the cameras' pictures have it, the distance to the subject is 5.
#[derive(Debug, Clone)]
pub struct FreeRig {
    /// The cameras that were solved, in the order of the candidates.
    pub rig: Rig,
    /// Per candidate.
    pub cameras: Vec<FreeFit>,
    /// Pairs that share points.
    pub links: Vec<FreeLink>,
    /// Points that it rests on.
    pub points: usize,
    /// Of all sightings that it rests on, px.
    pub errors: Errors,
    /// Of points that the fine adjustment did not know, px.
    pub held_out: Option<Errors>,
    /// What the operator should know, one sentence each.
    pub notes: Vec<String>,
}

/// Neighbours further apart than this are hardly matched, and hardly interpolated, degrees.
const WIDE_DEG: f64 = 25.0;
/// A camera with fewer sightings stands on thin ice.
const THIN: usize = 60;
/// What the distance to the subject is called where nobody knows better.
const SUBJECT_AWAY: f64 = 5.0;
/// Distortion of lenses that were not given which moves the corner of the picture by less is none: each picture would be resampled for it.
const STRAIGHT_PX: f64 = 0.6;
/// Rounds of the fine adjustment at most.
const FINE_ROUNDS: usize = 2;

impl FreeRig {
    /// What the check of any rig says of this one, the worst first, and its gaps with what synthesis can do with them.
    pub fn gate(&self) -> (Vec<GateFinding>, Vec<Gap>) {
        of_rig(&self.rig)
    }

    /// Green within the gate with all cameras, none of them on thin evidence or far from its neighbours; amber up to twice that; red else. Never better
    /// than what the check of any rig says.
    pub fn light(&self) -> Light {
        self.gate().0.iter().map(|f| f.light).max().unwrap_or(Light::Green).max(self.fit_light())
    }

    fn fit_light(&self) -> Light {
        let (rms, p95) =
            (self.errors.rms_px, self.held_out.map_or(self.errors.p95_px, |h| h.p95_px.min(2.0 * GATE_PX.1).max(self.errors.p95_px)));
        let all = self.cameras.iter().all(|c| c.unjoined.is_none());
        if !all || rms > 2.0 * GATE_PX.0 || p95 > 2.0 * GATE_PX.1 {
            Light::Red
        } else if rms > GATE_PX.0 || p95 > GATE_PX.1 || !self.thin().is_empty() || !self.wide().is_empty() {
            Light::Amber
        } else {
            Light::Green
        }
    }

    fn thin(&self) -> Vec<usize> {
        (0..self.cameras.len()).filter(|i| self.cameras[*i].unjoined.is_none() && self.cameras[*i].sightings < THIN).collect()
    }

    /// Cameras whose nearest neighbour is too far away, with that neighbour and the angle in degrees.
    fn wide(&self) -> Vec<FreeLink> {
        let mut found: Vec<FreeLink> = Vec::new();
        for i in 0..self.cameras.len() {
            let own = self.links.iter().filter(|l| l.from == i || l.to == i);
            if let Some(l) = own.min_by(|a, b| a.angle_deg.total_cmp(&b.angle_deg)).filter(|l| l.angle_deg > WIDE_DEG)
                && !found.iter().any(|f| (f.from, f.to) == (l.from, l.to))
            {
                found.push(*l);
            }
        }
        found
    }

    /// What to do about it, the most pressing first.
    pub fn remedies(&self, candidates: &[Candidate]) -> Vec<String> {
        let mut lines = Vec::new();
        for (c, fit) in candidates.iter().zip(&self.cameras) {
            if let Some(why) = &fit.unjoined {
                lines.push(format!("{}: {why}", c.name));
            }
        }
        lines.extend(self.gate().0.iter().map(ToString::to_string));
        for l in self.wide() {
            lines.push(format!(
                "{} and {} stand {:.0}° apart: beyond {WIDE_DEG:.0}° the same things look different, and what is between them is guessed. Put a camera between them, or take one more picture from there for the calibration",
                candidates[l.from].name, candidates[l.to].name, l.angle_deg
            ));
        }
        for i in self.thin() {
            lines.push(format!(
                "{}: only {} sightings hold it. Give more instants, or something with texture where it looks",
                candidates[i].name, self.cameras[i].sightings
            ));
        }
        for (c, fit) in candidates.iter().zip(&self.cameras) {
            if fit.unjoined.is_none() && fit.rms_px > 2.0 * GATE_PX.0 && fit.rms_px > 1.4 * self.errors.rms_px {
                lines.push(format!(
                    "{}: its points are {:.2} px off, the others' less. Is it in focus, still, and in step?",
                    c.name, fit.rms_px
                ));
            }
        }
        lines
    }
}

/// Solves a rig from moments of pictures: `moments[m][i]` is what candidate `i` saw. `progress` gets 0…1 and returns false to cancel.
///
/// # Errors
/// Where nothing can be solved, with the reason and what to do; single cameras that cannot be joined are told in [`FreeRig::cameras`].
pub fn free(
    candidates: &[Candidate],
    moments: &[Vec<Option<&Picture>>],
    options: &FreeOptions,
    progress: &mut dyn FnMut(f64) -> bool,
) -> Result<FreeRig, FreeFailure> {
    check(candidates, moments)?;
    let n = candidates.len();
    let mut material = Material::of(moments, n, &mut |s| progress(0.7 * s))?;
    let poor: Vec<String> = (0..n).filter(|i| material.most_spots(*i) < LEAST_SPOTS).map(|i| candidates[i].name.clone()).collect();
    if n - poor.len() < 3 {
        return Err(FreeFailure::NoTexture { cameras: poor });
    }
    material.pair_up(n, &mut |s| progress(0.7 * s))?;
    let mut whole = material.solve(candidates, options, &mut |s| progress(0.7 * s))?;
    name_mirrored(&mut whole, &material, candidates, moments);
    let mut solved = of_whole(&whole, &material);
    if options.fine {
        fine(&mut solved, candidates, moments, options, &mut |s| progress(0.7 + 0.3 * s))?;
    }
    solved.links = links(&whole, &solved.rig, candidates);
    progress(1.0);
    Ok(solved)
}

fn check(candidates: &[Candidate], moments: &[Vec<Option<&Picture>>]) -> Result<(), FreeFailure> {
    for (moment, pictures) in moments.iter().enumerate() {
        if pictures.len() != candidates.len() {
            return Err(FreeFailure::PictureCount { moment, pictures: pictures.len(), cameras: candidates.len() });
        }
        for (p, c) in pictures.iter().zip(candidates) {
            if let Some(p) = p.filter(|p| (p.width(), p.height()) != (c.width_px, c.height_px)) {
                return Err(FreeFailure::OtherSize { camera: c.name.clone(), sizes: ((c.width_px, c.height_px), (p.width(), p.height())) });
            }
        }
    }
    let there = (0..candidates.len()).filter(|&i| moments.iter().any(|m| m[i].is_some())).count();
    if there < 3 { Err(FreeFailure::TooFewCameras(there)) } else { Ok(()) }
}

pub(super) fn of_whole(whole: &Whole, material: &Material) -> FreeRig {
    let grown = &whole.grown;
    let n = grown.cameras.len();
    let mut all = Vec::new();
    let mut own = vec![Vec::new(); n];
    let mut coverage = vec![Tally { cells: vec![0; CELLS.0 * CELLS.1], ..Tally::default() }; n];
    for (t, p) in grown.tracks.iter().zip(&grown.points) {
        for s in &t.sightings {
            if let Some(off) = off_px(&grown.cameras, s, *p) {
                all.push(off);
                own[s.camera].push(off);
                let (c, (across, down)) = (&grown.cameras[s.camera], CELLS);
                let cell = |v: f64, size: u32, n: usize| ((v / f64::from(size) * n as f64).max(0.0) as usize).min(n - 1);
                coverage[s.camera].cells[cell(s.px.y, c.height_px, down) * across + cell(s.px.x, c.width_px, across)] += 1;
            }
        }
    }
    let fit = |i: usize| FreeFit {
        spots: material.spots_told(i),
        sightings: own[i].len(),
        wrong: grown.wrong[i],
        rms_px: Errors::of(own[i].clone()).rms_px,
        rotation_sigma_rad: None,
        coverage: coverage[i].clone(),
        unjoined: whole.unjoined[i].clone(),
    };
    let cameras: Vec<FreeFit> = (0..n).map(fit).collect();
    let rig = Rig {
        cameras: grown.cameras.iter().zip(&grown.joined).filter(|(_, j)| **j).map(|(c, _)| c.clone()).collect(),
        // Points of a rig bound the depth that a scene searches, and these are where the texture is: an athlete in plain clothes is not.
        points_in_world: vec![],
    };
    FreeRig {
        rig: upright(rig),
        cameras,
        links: vec![],
        points: grown.points.len(),
        errors: Errors::of(all),
        held_out: None,
        notes: vec![],
    }
}

/// Corners matched along the lines of the solved rig, and everything adjusted to them, as [`refine()`] does with any rig.
fn fine(
    solved: &mut FreeRig,
    candidates: &[Candidate],
    moments: &[Vec<Option<&Picture>>],
    options: &FreeOptions,
    progress: &mut dyn FnMut(f64) -> bool,
) -> Result<(), FreeFailure> {
    let of: Vec<usize> = (0..candidates.len()).filter(|i| solved.cameras[*i].unjoined.is_none()).collect();
    let pictures: Vec<Vec<Option<&Picture>>> = moments.iter().map(|m| of.iter().map(|i| m[*i]).collect()).collect();
    // Where some lenses are given and some are not, they stay: the adjustment knows no such difference.
    let lens = if candidates.iter().all(|c| c.lens.is_none()) { options.lens } else { LensFreedom::Keep };
    let as_grown = solved.rig.clone();
    let straight = lens != LensFreedom::Keep && solved.rig.cameras.iter().all(|c| bent_px(c) < STRAIGHT_PX);
    if straight {
        solved.rig.cameras.iter_mut().for_each(|c| c.lens.distortion = Distortion::None);
    }
    let refine_options = RefineOptions { lens, keep: vec![], band_px: 6.0, straight, lens_guessed: true };
    for round in 0..FINE_ROUNDS {
        let mut part = |s: f64| progress((round as f64 + s) / FINE_ROUNDS as f64);
        let refined = match refine(&solved.rig, &pictures, &refine_options, &mut part) {
            Ok(refined) => refined,
            Err(CalibrateError::Cancelled) => return Err(FreeFailure::Cancelled),
            Err(e) => {
                if round == 0 {
                    solved.rig = as_grown.clone();
                    solved.notes.push(format!("the fine adjustment was not possible, the rig is that of the spots alone: {e}"));
                }
                return Ok(());
            }
        };
        // Judged on points that it never saw; from the second round on only what is a gain.
        if round > 0 && refined.verdict == crate::calibrate::Verdict::NothingToGain {
            break;
        }
        if refined.after.rms_px > refined.before.rms_px && refined.after.median_px > refined.before.median_px {
            if round == 0 {
                solved.rig = as_grown.clone();
            }
            break;
        }
        let mut squares = (0.0, 0);
        for (i, change) in of.iter().zip(&refined.cameras) {
            let fit = &mut solved.cameras[*i];
            (fit.sightings, fit.wrong, fit.rms_px) = (change.sightings, change.wrong, change.rms_after_px);
            fit.rotation_sigma_rad = change.rotation_sigma_rad;
            squares = (squares.0 + change.rms_after_px.powi(2) * change.sightings as f64, squares.1 + change.sightings);
        }
        solved.points = refined.points;
        let rms_px = (squares.0 / squares.1.max(1) as f64).sqrt();
        // The median and the worst twentieth are those of the points that were kept out.
        solved.errors = Errors { rms_px, sightings: squares.1, median_px: refined.after.median_px, p95_px: refined.after.p95_px };
        solved.held_out = Some(refined.after);
        solved.rig = refined.adjusted;
        if straight {
            solved.rig.cameras.iter_mut().for_each(|c| c.lens.distortion = Distortion::None);
        }
    }
    Ok(())
}

/// How far distortion moves the corner of the picture, px.
fn bent_px(c: &Camera) -> f64 {
    let lens = &c.lens;
    let ideal = DVec2::new(f64::from(c.width_px) - lens.cx_px, f64::from(c.height_px) - lens.cy_px) / DVec2::new(lens.fx_px, lens.fy_px);
    // Also half-way: what turns back at the corner may bend in between.
    [0.6, 1.0].into_iter().map(|s| (lens.distortion.distort(ideal * s) - ideal * s).length() * lens.fx_px).fold(0.0, f64::max)
}

pub(super) fn links(whole: &Whole, rig: &Rig, candidates: &[Candidate]) -> Vec<FreeLink> {
    let center = middle(rig);
    let arm = |i: usize| rig.camera(&candidates[i].name).map(|c| c.center_in_world() - center);
    let mut links = Vec::new();
    for a in 0..candidates.len() {
        for b in a + 1..candidates.len() {
            let sees = |t: &crate::calibrate::matching::Track, i: usize| t.sightings.iter().any(|s| s.camera == i);
            let points = whole.grown.tracks.iter().filter(|t| sees(t, a) && sees(t, b)).count();
            let Some((x, y)) = arm(a).zip(arm(b)) else { continue };
            if points > 0 {
                links.push(FreeLink { from: a, to: b, points, angle_deg: x.angle_between(y).to_degrees() });
            }
        }
    }
    links
}

/// Where the cameras look.
fn middle(rig: &Rig) -> DVec3 {
    let rays: Vec<(DVec3, DVec3)> = rig.cameras.iter().map(|c| (c.center_in_world(), c.camera_from_world.forward_in_world())).collect();
    nearest_point_to_rays(&rays).unwrap_or_else(|| rays.iter().map(|r| r.0 + r.1).sum::<DVec3>() / rays.len().max(1) as f64)
}

/// Up as most pictures have it: the cameras' horizons are level, so up is square to all of their x axes.
pub(super) fn up(cameras: &[Camera]) -> DVec3 {
    let axis = |c: &Camera, v: DVec3| c.camera_from_world.rotation.transpose() * v;
    let mut up = cameras.iter().map(|c| axis(c, DVec3::NEG_Y)).sum::<DVec3>().normalize_or(DVec3::Z);
    for _ in 0..10 {
        let (u, v) = (up.any_orthonormal_vector(), up.cross(up.any_orthonormal_vector()));
        let mut equations = NormalEquations::new(2);
        for c in cameras {
            let x = axis(c, DVec3::X);
            let off = x.dot(up);
            // A camera that hangs on its side has no say.
            let weight = 1.0 / (1.0 + (off / 0.05).powi(2));
            equations.add(&[(0, x.dot(u)), (1, x.dot(v))], -off, weight);
        }
        // Where all look the same way, the tilt about their x axis stays as the pictures have it.
        let held = 0.02 * cameras.len() as f64;
        equations.add(&[(0, 1.0)], 0.0, held);
        equations.add(&[(1, 1.0)], 0.0, held);
        let Some((x, _)) = equations.solve() else { break };
        up = (up + u * x[0] + v * x[1]).normalize_or(up);
    }
    up
}

/// +z up, the origin where the cameras look, the distance to it 5, the first camera on the side of −y.
fn upright(rig: Rig) -> Rig {
    let (center, z) = (middle(&rig), up(&rig.cameras));
    let mut away: Vec<f64> = rig.cameras.iter().map(|c| (c.center_in_world() - center).length()).collect();
    away.sort_by(f64::total_cmp);
    let scale = SUBJECT_AWAY / away.get(away.len() / 2).copied().unwrap_or(1.0).max(1e-12);
    let forward = rig.cameras.iter().map(|c| c.camera_from_world.forward_in_world()).sum::<DVec3>();
    let y = forward - z * forward.dot(z);
    // A closed ring looks nowhere in the mean.
    let first = rig.cameras.first().map_or(DVec3::X, |c| center - c.center_in_world());
    let y = if y.length() > 0.2 * rig.cameras.len() as f64 { y } else { first - z * first.dot(z) };
    let y = y.try_normalize().unwrap_or_else(|| z.any_orthonormal_vector());
    let new_from_world = DMat3::from_cols(y.cross(z), y, z).transpose();
    moved(rig, new_from_world, scale, -(new_from_world * center) * scale)
}

/// A rig in another world: `new = scale · rotation · old + shift`.
pub(super) fn moved(mut rig: Rig, rotation: DMat3, scale: f64, shift: DVec3) -> Rig {
    for c in &mut rig.cameras {
        let center = rotation * c.center_in_world() * scale + shift;
        let turned = c.camera_from_world.rotation * rotation.transpose();
        let turned = Pose::orthonormalized(turned).unwrap_or(turned);
        c.camera_from_world = Pose { rotation: turned, translation: -(turned * center) };
    }
    rig.points_in_world.iter_mut().for_each(|p| *p = rotation * *p * scale + shift);
    rig
}
