//! The bundle adjustment: cameras and points together, so that every camera sees every point where it was found.
//!
//! Levenberg and Marquardt's iteration on Cauchy's robust cost; points are eliminated (Schur's complement), so that the system has six
//! unknowns per camera and those of the lenses. A weak pull towards the rig that came in holds what the pictures do not determine, the
//! seven freedoms of the whole among it.

use glam::{DMat3, DVec2, DVec3};
use rayon::prelude::*;

use super::{
    CalibrateError,
    linear::Symmetric,
    matching::{Sighting, Track},
    triangulate::off_px,
};
use crate::{
    geometry::{Distortion, Lens, Pose},
    rig::Camera,
};

/// What of the lenses is adjusted with the places of the cameras.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LensFreedom {
    /// Nothing.
    #[default]
    Keep,
    /// Focal length, principal point and the first two radial coefficients, one set for all cameras that have the same lens in the rig.
    Shared,
    /// The same, for each camera its own.
    Each,
}

/// Unknowns of a camera's place: rotation about its own axes (rad), centre in the world (in units of [`Problem::unit_m`]).
const POSE: usize = 6;
/// Unknowns of a lens: logarithm of the focal length, principal point (in focal lengths), two radial coefficients.
const LENS: usize = 5;
/// How far the cameras of a rig that somebody calibrated are off, roughly: the pull back has this strength. Beyond that it slackens
/// (Cauchy again), so that a camera that was bumped comes free and does not bend the others.
const IMPORTED: Pull = Pull { rotation_rad: 0.001, center_share: 0.001, lens: [0.02, 0.02, 0.02, 0.1, 0.1], lens_guessed: false };
/// Principal points of lenses that nobody measured lie so near to the middle of the picture, shares of its longer side: about a third of what real
/// lenses do, because sightings that are off together count as if they were not.
const MIDDLE_SHARE: f64 = 0.003;
/// The pull's strength against sightings is told for this error of a sighting, px.
const PRIOR_SIGHTING_PX: f64 = 0.3;
/// What a point behind its camera costs, px beside.
const BEHIND_PX: f64 = 1e3;
/// Tracks that are summed as one piece: never by the number of threads, or the same pictures would give another rig on another machine.
const PIECE: usize = 128;

/// How far the rig that came in may be off, as standard deviations: what the pictures do not tell stays within.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pull {
    /// Rotation of a camera, rad.
    pub rotation_rad: f64,
    /// Place of a camera, in distances to the subject.
    pub center_share: f64,
    /// Logarithm of the focal length, principal point in focal lengths, two radial coefficients.
    pub lens: [f64; LENS],
    /// Nobody measured the lenses: principal points are pulled towards the middle of their pictures ([`MIDDLE_SHARE`]) and distortion towards none,
    /// however often the adjustment begins anew from what it has reached.
    pub lens_guessed: bool,
}

impl Pull {
    /// For a rig that somebody calibrated.
    pub const CALIBRATED: Self = IMPORTED;
    /// For a rig that was put together from the pictures: places are free, lenses are guesses.
    pub const GUESSED: Self = Self { rotation_rad: 1.0, center_share: 1.0, lens: [0.7, 0.01, 0.01, 0.1, 0.1], lens_guessed: true };
}

/// What is adjusted.
#[derive(Debug, Clone)]
pub(super) struct Problem<'a> {
    /// The cameras as the rig has them.
    pub imported: &'a [Camera],
    /// Cameras that stay as they are.
    pub kept: &'a [bool],
    pub lens: LensFreedom,
    /// Cameras whose lens stays in any case; none of them when empty.
    pub lens_known: &'a [bool],
    pub pull: Pull,
    /// Length that counts as one: the distance to the subject, metres.
    pub unit_m: f64,
}

/// Where everything is.
#[derive(Debug, Clone)]
pub(super) struct State {
    pub cameras: Vec<Camera>,
    pub points: Vec<DVec3>,
}

/// Which unknowns are whose.
#[derive(Debug, Clone)]
struct Columns {
    pose: Vec<Option<usize>>,
    lens: Vec<Option<usize>>,
    count: usize,
}

impl Problem<'_> {
    fn knows_lens(&self, camera: usize) -> bool {
        self.lens_known.get(camera).copied().unwrap_or(false)
    }

    fn columns(&self) -> Columns {
        let n = self.imported.len();
        let mut count = 0;
        let mut take = |size: usize| {
            count += size;
            count - size
        };
        let pose: Vec<Option<usize>> = (0..n).map(|i| (!self.kept[i]).then(|| take(POSE))).collect();
        let mut lens = vec![None; n];
        for i in 0..n {
            let same = |j: usize| {
                let (a, b) = (&self.imported[i], &self.imported[j]);
                !self.kept[j] && !self.knows_lens(j) && a.lens == b.lens && (a.width_px, a.height_px) == (b.width_px, b.height_px)
            };
            lens[i] = match self.lens {
                _ if self.kept[i] || self.knows_lens(i) => None,
                LensFreedom::Keep => None,
                LensFreedom::Each => Some(take(LENS)),
                LensFreedom::Shared => (0..i).find(|j| same(*j)).and_then(|j| lens[j]).or_else(|| Some(take(LENS))),
            };
        }
        Columns { pose, lens, count }
    }

    /// The robust cost: of sightings beyond `spread_px`, less and less.
    fn cost(&self, state: &State, tracks: &[Track], spread_px: f64) -> f64 {
        let robust = |r: f64| spread_px * spread_px * (1.0 + (r / spread_px).powi(2)).ln();
        let of = |(track, p): (&Track, &DVec3)| -> f64 {
            track.sightings.iter().map(|s| robust(off_px(&state.cameras, s, *p).unwrap_or(BEHIND_PX))).sum()
        };
        // Summed in their order: the same result whatever the threads did first.
        let sightings: f64 = tracks.par_iter().zip(&state.points).map(of).collect::<Vec<_>>().iter().sum();
        let mut prior = 0.0;
        self.each_prior(state, &self.columns(), |rows| {
            let square: f64 = rows.iter().map(|(_, off, sigma)| (off / sigma).powi(2)).sum();
            prior += PRIOR_SIGHTING_PX.powi(2) * if rows.len() == POSE { square.ln_1p() } else { square };
        });
        sightings + prior
    }

    /// Calls for each camera's place and each lens with its (column, how far it is off what came in, standard deviation).
    fn each_prior(&self, state: &State, columns: &Columns, mut f: impl FnMut(&[(usize, f64, f64)])) {
        let mut told = std::collections::BTreeSet::new();
        for (i, (now, was)) in state.cameras.iter().zip(self.imported).enumerate() {
            if let Some(first) = columns.pose[i] {
                let turned = rotation_vector(now.camera_from_world.rotation * was.camera_from_world.rotation.transpose());
                let moved = (now.center_in_world() - was.center_in_world()) / self.unit_m;
                let off = [turned.x, turned.y, turned.z, moved.x, moved.y, moved.z];
                let sigma = |k: usize| if k < 3 { self.pull.rotation_rad } else { self.pull.center_share };
                f(&std::array::from_fn::<_, POSE, _>(|k| (first + k, off[k], sigma(k))));
            }
            if let Some(first) = columns.lens[i].filter(|first| told.insert(*first)) {
                let (width_px, height_px) = (f64::from(was.width_px), f64::from(was.height_px));
                let (now, was) = (&now.lens, &was.lens);
                let (mut sigma, guessed) = (self.pull.lens, self.pull.lens_guessed);
                let (center_px, b) = if guessed {
                    sigma[1..3].fill(MIDDLE_SHARE * width_px.max(height_px) / now.fx_px);
                    ([0.5 * width_px, 0.5 * height_px], [0.0; 2])
                } else {
                    ([was.cx_px, was.cy_px], radial(was))
                };
                let a = radial(now);
                let off = [
                    (now.fx_px / was.fx_px).ln(),
                    (now.cx_px - center_px[0]) / now.fx_px,
                    (now.cy_px - center_px[1]) / now.fy_px,
                    a[0] - b[0],
                    a[1] - b[1],
                ];
                f(&std::array::from_fn::<_, LENS, _>(|k| (first + k, off[k], sigma[k])));
            }
        }
    }
}

/// First two radial coefficients.
fn radial(lens: &Lens) -> [f64; 2] {
    match lens.distortion {
        Distortion::None => [0.0; 2],
        Distortion::BrownConrady { k, .. } => [k[0], k[1]],
        Distortion::Fisheye { k } => [k[0], k[1]],
    }
}

fn with_radial(lens: &Lens, r: [f64; 2]) -> Distortion {
    match lens.distortion {
        Distortion::None if r == [0.0; 2] => Distortion::None,
        Distortion::None => Distortion::BrownConrady { k: [r[0], r[1], 0.0, 0.0, 0.0, 0.0], p: [0.0; 2] },
        Distortion::BrownConrady { k, p } => Distortion::BrownConrady { k: [r[0], r[1], k[2], k[3], k[4], k[5]], p },
        Distortion::Fisheye { k } => Distortion::Fisheye { k: [r[0], r[1], k[2], k[3]] },
    }
}

/// Axis times angle of a rotation near the identity.
pub(super) fn rotation_vector(r: DMat3) -> DVec3 {
    let v = 0.5 * DVec3::new(r.y_axis.z - r.z_axis.y, r.z_axis.x - r.x_axis.z, r.x_axis.y - r.y_axis.x);
    let (sin, cos) = (v.length(), 0.5 * (r.x_axis.x + r.y_axis.y + r.z_axis.z - 1.0));
    if sin < 1e-12 { v } else { v * (sin.atan2(cos) / sin) }
}

/// The rotation of axis times angle.
pub(super) fn rotation_of(v: DVec3) -> DMat3 {
    v.try_normalize().map_or(DMat3::IDENTITY, |axis| DMat3::from_axis_angle(axis, v.length()))
}

/// A camera turned by `w` about its own axes and moved.
pub(super) fn moved(camera: &Camera, w: DVec3, center_step_m: DVec3) -> Camera {
    let turned = rotation_of(w) * camera.camera_from_world.rotation;
    let rotation = Pose::orthonormalized(turned).unwrap_or(turned);
    let center = camera.center_in_world() + center_step_m;
    Camera { camera_from_world: Pose { rotation, translation: -(rotation * center) }, ..camera.clone() }
}

/// One sighting's residual and how it changes, px.
pub(super) struct Linear {
    pub residual: DVec2,
    /// Per unit of rotation (3) and of the camera's centre in metres (3).
    pub by_pose: [DVec2; POSE],
    by_lens: [DVec2; LENS],
    /// Per metre of the point in the world.
    pub by_point: [DVec2; 3],
}

/// `None` behind the camera.
pub(super) fn linearized(camera: &Camera, s: &Sighting, p_in_world: DVec3, with_lens: bool) -> Option<Linear> {
    let (lens, pose) = (&camera.lens, &camera.camera_from_world);
    let p = pose.apply(p_in_world);
    if p.z <= 1e-9 {
        return None;
    }
    let ideal = p.truncate() / p.z;
    let focal = DVec2::new(lens.fx_px, lens.fy_px);
    let distorted = lens.distortion.distort(ideal);
    let h = 1e-6;
    let by = |step: DVec2| (lens.distortion.distort(ideal + step) - lens.distortion.distort(ideal - step)) * focal / (2.0 * h);
    let (by_x, by_y) = if lens.distortion.is_none() { (DVec2::X * focal, DVec2::Y * focal) } else { (by(DVec2::X * h), by(DVec2::Y * h)) };
    let by_camera_point = |d: DVec3| by_x * ((d.x - ideal.x * d.z) / p.z) + by_y * ((d.y - ideal.y * d.z) / p.z);
    let axes = [DVec3::X, DVec3::Y, DVec3::Z];
    let by_rotation = axes.map(|axis| by_camera_point(axis.cross(p)));
    let by_point = axes.map(|axis| by_camera_point(pose.rotation * axis));
    let mut by_lens = [DVec2::ZERO; LENS];
    if with_lens {
        let r = radial(lens);
        let h = 1e-4;
        let with = |r: [f64; 2]| with_radial(lens, r).distort(ideal);
        by_lens = [
            distorted * focal,
            DVec2::X * lens.fx_px,
            DVec2::Y * lens.fy_px,
            (with([r[0] + h, r[1]]) - with([r[0] - h, r[1]])) * focal / (2.0 * h),
            (with([r[0], r[1] + h]) - with([r[0], r[1] - h])) * focal / (2.0 * h),
        ];
    }
    let [a, b, c] = by_rotation;
    let [x, y, z] = by_point;
    let px = distorted * focal + DVec2::new(lens.cx_px, lens.cy_px);
    Some(Linear { residual: px - s.px, by_pose: [a, b, c, -x, -y, -z], by_lens, by_point })
}

/// A point moved to where the cameras that see it agree best, robustly.
pub(super) fn settled_point(cameras: &[Camera], track: &Track, p_in_world: DVec3, spread_px: f64) -> DVec3 {
    let mut p = p_in_world;
    for _ in 0..6 {
        let (mut matrix, mut right) = (DMat3::ZERO, DVec3::ZERO);
        for s in &track.sightings {
            let Some(l) = linearized(&cameras[s.camera], s, p, false) else { continue };
            let weight = 1.0 / (1.0 + l.residual.length_squared() / (spread_px * spread_px));
            for i in 0..3 {
                right[i] -= weight * l.by_point[i].dot(l.residual);
                for j in 0..3 {
                    matrix.col_mut(j)[i] += weight * l.by_point[i].dot(l.by_point[j]);
                }
            }
        }
        let trace = matrix.x_axis.x + matrix.y_axis.y + matrix.z_axis.z;
        let damped = matrix + DMat3::from_diagonal(DVec3::splat((1e-6 * trace).max(1e-12)));
        let step = damped.inverse() * right;
        if !step.is_finite() {
            break;
        }
        p += step;
    }
    p
}

/// The system after the points are taken out, and what it takes to get their steps back.
struct Reduced {
    matrix: Symmetric,
    right: Vec<f64>,
}

/// A sighting's (column, derivative)s, its residual (px) and its weight.
type Row = (Vec<(usize, DVec2)>, DVec2, f64);

/// One track's part: its sightings' columns and derivatives, and its point's own 3×3.
struct Part {
    rows: Vec<Row>,
    cross: Vec<(usize, DVec3)>,
    inverse: DMat3,
    right: DVec3,
}

fn part(problem: &Problem<'_>, columns: &Columns, state: &State, track: &Track, p: DVec3, spread_px: f64, damping: f64) -> Part {
    let (mut point, mut right) = (DMat3::ZERO, DVec3::ZERO);
    let mut rows = Vec::with_capacity(track.sightings.len());
    let mut cross: Vec<(usize, DVec3)> = Vec::new();
    for s in &track.sightings {
        let Some(l) = linearized(&state.cameras[s.camera], s, p, columns.lens[s.camera].is_some()) else { continue };
        let weight = 1.0 / (1.0 + l.residual.length_squared() / (spread_px * spread_px));
        let mut row: Vec<(usize, DVec2)> = Vec::with_capacity(POSE + LENS);
        if let Some(first) = columns.pose[s.camera] {
            row.extend((0..POSE).map(|k| (first + k, if k < 3 { l.by_pose[k] } else { l.by_pose[k] * problem.unit_m })));
        }
        if let Some(first) = columns.lens[s.camera] {
            row.extend((0..LENS).map(|k| (first + k, l.by_lens[k])));
        }
        let by_point = l.by_point;
        for i in 0..3 {
            right[i] -= weight * by_point[i].dot(l.residual);
            for j in 0..3 {
                point.col_mut(j)[i] += weight * by_point[i].dot(by_point[j]);
            }
        }
        for (column, d) in &row {
            let c = weight * DVec3::new(d.dot(by_point[0]), d.dot(by_point[1]), d.dot(by_point[2]));
            match cross.iter_mut().find(|(k, _)| k == column) {
                Some((_, sum)) => *sum += c,
                None => cross.push((*column, c)),
            }
        }
        rows.push((row, l.residual, weight));
    }
    let trace = (point.x_axis.x + point.y_axis.y + point.z_axis.z).max(1e-12);
    let diagonal = DVec3::new(point.x_axis.x, point.y_axis.y, point.z_axis.z);
    let damped = point + DMat3::from_diagonal(diagonal * damping + DVec3::splat(1e-9 * trace));
    Part { rows, cross, inverse: damped.inverse(), right }
}

fn reduced(problem: &Problem<'_>, columns: &Columns, state: &State, tracks: &[Track], spread_px: f64, damping: f64) -> Reduced {
    let n = columns.count;
    let empty = || Reduced { matrix: Symmetric::zero(n), right: vec![0.0; n] };
    let parts: Vec<Reduced> = tracks
        .par_chunks(PIECE)
        .zip(state.points.par_chunks(PIECE))
        .map(|(tracks, points)| {
            let mut sum = empty();
            for (track, p) in tracks.iter().zip(points) {
                let part = part(problem, columns, state, track, *p, spread_px, damping);
                for (row, residual, weight) in &part.rows {
                    for (i, a) in row {
                        sum.right[*i] -= weight * a.dot(*residual);
                        for (j, b) in row {
                            sum.matrix.add(*i, *j, weight * a.dot(*b));
                        }
                    }
                }
                for (i, a) in &part.cross {
                    let a = part.inverse * *a;
                    sum.right[*i] -= a.dot(part.right);
                    for (j, b) in &part.cross {
                        sum.matrix.add(*i, *j, -a.dot(*b));
                    }
                }
            }
            sum
        })
        .collect();
    // In their order: the same result whatever the threads did first, and however many there are.
    let mut sum = empty();
    for part in parts {
        sum.matrix.values.iter_mut().zip(&part.matrix.values).for_each(|(a, b)| *a += b);
        sum.right.iter_mut().zip(&part.right).for_each(|(a, b)| *a += b);
    }
    problem.each_prior(state, columns, |rows| {
        let square: f64 = rows.iter().map(|(_, off, sigma)| (off / sigma).powi(2)).sum();
        let slack = if rows.len() == POSE { 1.0 + square } else { 1.0 };
        for (column, off, sigma) in rows {
            let weight = (PRIOR_SIGHTING_PX / sigma).powi(2) / slack;
            sum.matrix.add(*column, *column, weight);
            sum.right[*column] -= weight * off;
        }
    });
    sum
}

/// Moves cameras and points until the robust cost falls no more. `progress` returns false to cancel.
pub(super) fn solve(
    problem: &Problem<'_>,
    state: &mut State,
    tracks: &[Track],
    spread_px: f64,
    rounds: usize,
    progress: &mut dyn FnMut(f64) -> bool,
) -> Result<(), CalibrateError> {
    let columns = problem.columns();
    let mut damping = 1e-4;
    let mut cost = problem.cost(state, tracks, spread_px);
    for round in 0..rounds {
        if !progress(round as f64 / rounds as f64) {
            return Err(CalibrateError::Cancelled);
        }
        let mut fell = None;
        for _ in 0..8 {
            let next = step(problem, &columns, state, tracks, spread_px, damping);
            let next_cost = next.as_ref().map_or(f64::INFINITY, |s| problem.cost(s, tracks, spread_px));
            if let Some(next) = next.filter(|_| next_cost < cost) {
                *state = next;
                fell = Some((cost - next_cost) / cost.max(1e-300));
                cost = next_cost;
                damping = (damping * 0.2_f64).max(1e-9);
                break;
            }
            damping *= 8.0;
        }
        if fell.is_none_or(|share| share < 1e-6) {
            break;
        }
    }
    if cost.is_finite() { Ok(()) } else { Err(CalibrateError::NoSolution) }
}

fn step(problem: &Problem<'_>, columns: &Columns, state: &State, tracks: &[Track], spread_px: f64, damping: f64) -> Option<State> {
    let mut system = reduced(problem, columns, state, tracks, spread_px, damping);
    for i in 0..columns.count {
        let d = system.matrix.at(i, i);
        system.matrix.add(i, i, damping * d + 1e-12);
    }
    system.matrix.cholesky()?.solve(&mut system.right);
    let x = system.right;
    if x.iter().any(|v| !v.is_finite()) {
        return None;
    }
    let three = |first: usize| DVec3::new(x[first], x[first + 1], x[first + 2]);
    let cameras: Vec<Camera> = state
        .cameras
        .iter()
        .enumerate()
        .map(|(i, c)| {
            let mut c = columns.pose[i].map_or_else(|| c.clone(), |first| moved(c, three(first), three(first + 3) * problem.unit_m));
            if let Some(first) = columns.lens[i] {
                let r = radial(&c.lens);
                let (fx, fy) = (c.lens.fx_px, c.lens.fy_px);
                c.lens = Lens {
                    fx_px: fx * x[first].clamp(-0.1, 0.1).exp(),
                    fy_px: fy * x[first].clamp(-0.1, 0.1).exp(),
                    cx_px: c.lens.cx_px + x[first + 1] * fx,
                    cy_px: c.lens.cy_px + x[first + 2] * fy,
                    distortion: with_radial(&c.lens, [r[0] + x[first + 3], r[1] + x[first + 4]]),
                };
            }
            c
        })
        .collect();
    let points = tracks
        .par_iter()
        .zip(&state.points)
        .map(|(track, p)| {
            let part = part(problem, columns, state, track, *p, spread_px, damping);
            let right = part.right - part.cross.iter().map(|(column, c)| *c * x[*column]).sum::<DVec3>();
            *p + part.inverse * right
        })
        .collect();
    Some(State { cameras, points })
}

/// Standard deviations of each camera's rotation (rad, about the worst axis) and centre (m, along the worst), against the whole of the
/// cameras. Kept cameras have none.
///
/// From how far the tracks really disagree, each as a whole (the sandwich estimator of Huber 1967, by track): points at edges
/// are off by more than the middle of all, and all sightings of one are off together.
pub(super) fn deviations(problem: &Problem<'_>, state: &State, tracks: &[Track], spread_px: f64) -> Vec<Option<(f64, f64)>> {
    let columns = problem.columns();
    let n = columns.count;
    let system = reduced(problem, &columns, state, tracks, spread_px, 0.0);
    let Some(lower) = system.matrix.cholesky() else { return vec![None; state.cameras.len()] };
    // What each track pulls at the cameras where all pulls balance, and how much the robust weights overstate the curvature.
    let mut spread = Symmetric::zero(n);
    let (mut weights, mut curvatures) = (0.0, 0.0);
    for (track, p) in tracks.iter().zip(&state.points) {
        let part = part(problem, &columns, state, track, *p, spread_px, 0.0);
        let mut pull: std::collections::BTreeMap<usize, f64> = std::collections::BTreeMap::new();
        for (row, residual, weight) in &part.rows {
            for (i, a) in row {
                *pull.entry(*i).or_default() -= weight * a.dot(*residual);
            }
            weights += weight;
            curvatures += 0.5 * weight * (1.0 + (1.0 - residual.length_squared() / (spread_px * spread_px)) * weight);
        }
        for (i, a) in &part.cross {
            *pull.entry(*i).or_default() -= (part.inverse * *a).dot(part.right);
        }
        for (i, a) in &pull {
            for (j, b) in &pull {
                spread.add(*i, *j, a * b);
            }
        }
    }
    let overstated = (weights / curvatures.max(0.1 * weights).max(1e-300)).powi(2);
    // H⁻¹ · M · H⁻¹: solve for the columns, then for the columns of the transpose.
    let solved = |m: &Symmetric| Symmetric {
        n,
        values: m
            .values
            .par_chunks(n.max(1))
            .flat_map_iter(|row| {
                let mut row = row.to_vec();
                lower.solve(&mut row);
                row
            })
            .collect(),
    };
    let mut covariance = solved(&solved(&spread).transposed());
    // With cameras that stay, the whole cannot float.
    if !problem.kept.iter().any(|k| *k) {
        without_gauge(&mut covariance, &gauge_directions(problem, &columns, state));
    }
    let worst = |first: usize| {
        let block = DMat3::from_cols_array(&std::array::from_fn(|i| covariance.at(first + i / 3, first + i % 3)));
        // The largest eigenvalue of a 3×3, by power iteration.
        let mut v = DVec3::new(0.6, 0.5, 0.62);
        for _ in 0..50 {
            v = (block * v).normalize_or(v);
        }
        (v.dot(block * v).max(0.0) * overstated).sqrt()
    };
    (0..state.cameras.len()).map(|i| columns.pose[i].map(|first| (worst(first), worst(first + 3) * problem.unit_m))).collect()
}

/// The seven ways in which all cameras can move together without a change of any picture, orthonormal.
fn gauge_directions(problem: &Problem<'_>, columns: &Columns, state: &State) -> Vec<Vec<f64>> {
    let axes = [DVec3::X, DVec3::Y, DVec3::Z];
    let mut directions: Vec<Vec<f64>> = Vec::new();
    for k in 0..7 {
        let mut v = vec![0.0; columns.count];
        for (i, camera) in state.cameras.iter().enumerate() {
            let Some(first) = columns.pose[i] else { continue };
            let center = camera.center_in_world() / problem.unit_m;
            let (turn, shift) = match k {
                0..3 => (-(camera.camera_from_world.rotation * axes[k]), axes[k].cross(center)),
                3..6 => (DVec3::ZERO, axes[k - 3]),
                _ => (DVec3::ZERO, center),
            };
            v[first..first + 3].copy_from_slice(&turn.to_array());
            v[first + 3..first + 6].copy_from_slice(&shift.to_array());
        }
        for _ in 0..2 {
            for d in &directions {
                let along: f64 = d.iter().zip(&v).map(|(a, b)| a * b).sum();
                v.iter_mut().zip(d).for_each(|(a, b)| *a -= along * b);
            }
        }
        let length = v.iter().map(|a| a * a).sum::<f64>().sqrt();
        if length > 1e-9 {
            for a in &mut v {
                *a /= length;
            }
            directions.push(v);
        }
    }
    directions
}

/// Takes the part along the directions out of a covariance, on both sides.
fn without_gauge(covariance: &mut Symmetric, directions: &[Vec<f64>]) {
    let n = covariance.n;
    for d in directions {
        let product: Vec<f64> = (0..n).map(|i| (0..n).map(|j| covariance.at(i, j) * d[j]).sum()).collect();
        let twice: f64 = product.iter().zip(d).map(|(a, b)| a * b).sum();
        for i in 0..n {
            for j in 0..n {
                covariance.add(i, j, d[i] * twice * d[j] - d[i] * product[j] - product[i] * d[j]);
            }
        }
    }
}
