//! One adjustment of everything: lenses, cameras, and the board at each instant.
//!
//! Levenberg and Marquardt's iteration on Cauchy's robust cost. The board is rigid: each instant has six unknowns, which are eliminated
//! (Schur's complement), so that the system has six unknowns per camera and those of the lenses (Triggs et al., 1999).

use std::collections::BTreeMap;

use glam::{DVec2, DVec3};
use rayon::prelude::*;

use super::super::{
    bundle::{linearized, moved, rotation_of},
    linear::Symmetric,
    matching::Sighting,
};
use crate::{
    geometry::{Distortion, Lens, Pose},
    rig::Camera,
};

/// What of a lens is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LensModel {
    /// Focal lengths and principal point.
    Pinhole,
    /// And k1 k2 p1 p2 k3.
    #[default]
    Five,
    /// And k4 k5 k6: wide lenses that are no fisheyes.
    Eight,
    /// OpenCV's fisheye, k1 … k4.
    Fisheye,
}

/// Logarithm of the focal length, logarithm of its ratio y : x, principal point in focal lengths, then the distortion's.
pub(super) const LENS: usize = 12;
const POSE: usize = 6;
const BEHIND_PX: f64 = 1e3;
/// Instants that are summed as one piece: never by the number of threads, or the same pictures would give another rig on another machine.
const PIECE: usize = 16;

impl LensModel {
    /// The distortion without any.
    pub(super) const fn straight(self) -> Distortion {
        match self {
            Self::Pinhole => Distortion::None,
            Self::Five | Self::Eight => Distortion::BrownConrady { k: [0.0; 6], p: [0.0; 2] },
            Self::Fisheye => Distortion::Fisheye { k: [0.0; 4] },
        }
    }

    /// How far each unknown may be from where it starts, roughly: only where the pictures say nothing, this holds it. `radius` is that of the
    /// picture's corners in focal lengths.
    fn priors(self, width_px: f64, focal_px: f64, radius: f64) -> [f64; LENS] {
        let mut sigma = [0.0; LENS];
        let off_center = 0.04 * width_px / focal_px;
        sigma[..4].copy_from_slice(&[2.0, 0.002, off_center, off_center]);
        // The share by which the corner may be displaced.
        let radial = |share: f64, power: i32| share / radius.powi(power);
        let tangential = 0.01 / radius;
        let more: [f64; 8] = match self {
            Self::Pinhole => [0.0; 8],
            Self::Five => [radial(0.5, 2), radial(0.3, 4), tangential, tangential, radial(0.1, 6), 0.0, 0.0, 0.0],
            Self::Eight => {
                [radial(0.5, 2), radial(0.3, 4), tangential, tangential, radial(0.1, 6), radial(0.3, 2), radial(0.2, 4), radial(0.1, 6)]
            }
            Self::Fisheye => [radial(0.3, 2), radial(0.2, 4), radial(0.1, 6), radial(0.05, 8), 0.0, 0.0, 0.0, 0.0],
        };
        sigma[4..].copy_from_slice(&more);
        sigma
    }
}

fn coefficients(d: &Distortion) -> [f64; 8] {
    match d {
        Distortion::None => [0.0; 8],
        Distortion::BrownConrady { k, p } => [k[0], k[1], p[0], p[1], k[2], k[3], k[4], k[5]],
        Distortion::Fisheye { k } => [k[0], k[1], k[2], k[3], 0.0, 0.0, 0.0, 0.0],
    }
}

fn with_coefficients(d: &Distortion, c: &[f64; 8]) -> Distortion {
    match d {
        Distortion::None => Distortion::None,
        Distortion::BrownConrady { .. } => Distortion::BrownConrady { k: [c[0], c[1], c[4], c[5], c[6], c[7]], p: [c[2], c[3]] },
        Distortion::Fisheye { .. } => Distortion::Fisheye { k: [c[0], c[1], c[2], c[3]] },
    }
}

fn stepped(lens: &Lens, step: &[f64; LENS]) -> Lens {
    let fx = lens.fx_px * step[0].clamp(-0.3, 0.3).exp();
    let mut c = coefficients(&lens.distortion);
    c.iter_mut().zip(&step[4..]).for_each(|(c, s)| *c += s);
    Lens {
        fx_px: fx,
        fy_px: lens.fy_px * (step[0].clamp(-0.3, 0.3) + step[1]).exp(),
        cx_px: lens.cx_px + step[2] * lens.fx_px,
        cy_px: lens.cy_px + step[3] * lens.fx_px,
        distortion: with_coefficients(&lens.distortion, &c),
    }
}

/// How far a lens is from another in the unknowns of the adjustment.
fn difference(now: &Lens, was: &Lens) -> [f64; LENS] {
    let mut d = [0.0; LENS];
    d[0] = (now.fx_px / was.fx_px).ln();
    d[1] = (now.fy_px / was.fy_px).ln() - d[0];
    d[2] = (now.cx_px - was.cx_px) / was.fx_px;
    d[3] = (now.cy_px - was.cy_px) / was.fx_px;
    let (a, b) = (coefficients(&now.distortion), coefficients(&was.distortion));
    for k in 0..8 {
        d[4 + k] = a[k] - b[k];
    }
    d
}

/// One camera's picture of the board at one instant.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct View {
    pub camera: usize,
    pub board: usize,
    /// On the board (m; z = 0 on its front) and in the picture (px).
    pub corners: Vec<(DVec3, DVec2)>,
    /// It shows the board's back.
    pub back: bool,
}

/// Where everything is.
#[derive(Debug, Clone)]
pub(super) struct State {
    pub cameras: Vec<Camera>,
    pub world_from_board: Vec<Pose>,
    /// Of a two-sided board: how far the back's print is from where the description has it, metres along the board's axes.
    pub back_off: DVec3,
}

/// What is adjusted.
#[derive(Debug, Clone)]
pub(super) struct Problem {
    pub lens_free: Vec<Option<LensModel>>,
    pub pose_free: Vec<bool>,
    /// Where the back's print is against the front's.
    pub back_free: bool,
    /// Where the lenses started; the weak priors hold them there.
    pub start: Vec<Lens>,
    /// Error of a corner, px: beyond it the cost slackens.
    pub spread_px: f64,
}

/// A standard deviation for each camera.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Deviation {
    /// Of the focal length along x, px; 0 where the lens was given.
    pub focal_px: f64,
    /// Of the principal point, px.
    pub center_px: (f64, f64),
    /// Of the camera's rotation about its worst axis against the first camera, rad.
    pub rotation_rad: f64,
    /// Of its place along the worst direction, metres.
    pub place_m: f64,
}

struct Columns {
    pose: Vec<Option<usize>>,
    lens: Vec<Option<usize>>,
    sigma: Vec<[f64; LENS]>,
    back: Option<usize>,
    count: usize,
}

/// Deviations are told from so many stretches of the time at most and at least.
const MOST_STRETCHES: usize = 32;
const LEAST_STRETCHES: usize = 4;
/// The back is about so near to where somebody measured it, metres: it holds where pictures say nothing.
const BACK_SIGMA_M: f64 = 0.01;

/// One instant's part of the system.
struct Part {
    /// Derivatives' products between the global unknowns, sparse by camera.
    blocks: Vec<(Vec<usize>, Vec<f64>)>,
    right: BTreeMap<usize, f64>,
    cross: BTreeMap<usize, [f64; POSE]>,
    own: Symmetric,
    own_right: [f64; POSE],
}

impl Problem {
    fn columns(&self, state: &State) -> Columns {
        let mut count = 0;
        let (mut pose, mut lens, mut sigma) = (vec![], vec![], vec![]);
        for (i, c) in state.cameras.iter().enumerate() {
            let mut take = |wanted: bool, size: usize| {
                let first = wanted.then_some(count);
                count += if wanted { size } else { 0 };
                first
            };
            pose.push(take(self.pose_free[i], POSE));
            lens.push(take(self.lens_free[i].is_some(), LENS));
            let radius = 0.5 * f64::from(c.width_px).hypot(f64::from(c.height_px)) / self.start[i].fx_px;
            sigma.push(self.lens_free[i].map_or([0.0; LENS], |m| m.priors(f64::from(c.width_px), self.start[i].fx_px, radius)));
        }
        let back = self.back_free.then_some(count);
        Columns { pose, lens, sigma, back, count: count + back.map_or(0, |_| 3) }
    }

    /// What the adjustment makes least, px².
    pub fn cost(&self, state: &State, views: &[View]) -> f64 {
        let s2 = self.spread_px * self.spread_px;
        let of = |v: &View| -> f64 {
            residuals(state, v).map(|r| s2 * (r.map_or(BEHIND_PX * BEHIND_PX, DVec2::length_squared) / s2).ln_1p()).sum()
        };
        let seen: f64 = views.par_iter().map(of).collect::<Vec<_>>().iter().sum();
        let columns = self.columns(state);
        let mut prior = 0.0;
        for (i, c) in state.cameras.iter().enumerate().filter(|(i, _)| columns.lens[*i].is_some()) {
            let d = difference(&c.lens, &self.start[i]);
            prior += (0..LENS).filter(|k| columns.sigma[i][*k] > 0.0).map(|k| (d[k] / columns.sigma[i][k]).powi(2)).sum::<f64>();
        }
        if self.back_free {
            prior += state.back_off.length_squared() / (BACK_SIGMA_M * BACK_SIGMA_M);
        }
        seen + prior * prior_weight(self.spread_px)
    }

    fn part(&self, columns: &Columns, state: &State, views: &[&View]) -> Part {
        let mut part =
            Part { blocks: vec![], right: BTreeMap::new(), cross: BTreeMap::new(), own: Symmetric::zero(POSE), own_right: [0.0; POSE] };
        let s2 = self.spread_px * self.spread_px;
        for view in views {
            let (camera, board) = (&state.cameras[view.camera], &state.world_from_board[view.board]);
            let mut of: Vec<usize> = columns.pose[view.camera].map_or(vec![], |f| (f..f + POSE).collect());
            let lens_at = of.len();
            of.extend(columns.lens[view.camera].map_or(0..0, |f| f..f + LENS));
            let back_at = of.len();
            of.extend(columns.back.filter(|_| view.back).map_or(0..0, |f| f..f + 3));
            let n = of.len();
            let (mut block, mut right, mut cross) = (vec![0.0; n * n], vec![0.0; n], vec![[0.0; POSE]; n]);
            let mut row = vec![DVec2::ZERO; n];
            for (p, px) in &view.corners {
                let arm = board.rotation * state.on_board(view, *p);
                let Some(l) = linearized(camera, &Sighting { camera: view.camera, px: *px }, arm + board.translation, false) else {
                    continue;
                };
                let weight = 1.0 / (1.0 + l.residual.length_squared() / s2);
                if columns.pose[view.camera].is_some() {
                    row[..POSE].copy_from_slice(&l.by_pose);
                }
                if lens_at < back_at {
                    let at = camera.camera_from_world.apply(arm + board.translation);
                    row[lens_at..back_at].copy_from_slice(&by_lens(&camera.lens, at.truncate() / at.z, &columns.sigma[view.camera]));
                }
                let [x, y, z] = l.by_point;
                let by = |d: DVec3| x * d.x + y * d.y + z * d.z;
                for (k, axis) in (back_at..n).zip([board.rotation.x_axis, board.rotation.y_axis, board.rotation.z_axis]) {
                    row[k] = by(axis);
                }
                let own: [DVec2; POSE] = [by(DVec3::X.cross(arm)), by(DVec3::Y.cross(arm)), by(DVec3::Z.cross(arm)), x, y, z];
                for i in 0..n {
                    right[i] -= weight * row[i].dot(l.residual);
                    for j in 0..=i {
                        block[i * n + j] += weight * row[i].dot(row[j]);
                    }
                    for k in 0..POSE {
                        cross[i][k] += weight * row[i].dot(own[k]);
                    }
                }
                for i in 0..POSE {
                    part.own_right[i] -= weight * own[i].dot(l.residual);
                    for j in 0..POSE {
                        part.own.add(i, j, weight * own[i].dot(own[j]));
                    }
                }
            }
            for (i, column) in of.iter().enumerate() {
                *part.right.entry(*column).or_default() += right[i];
                let sum = part.cross.entry(*column).or_insert([0.0; POSE]);
                sum.iter_mut().zip(&cross[i]).for_each(|(a, b)| *a += b);
            }
            part.blocks.push((of, block));
        }
        part
    }

    /// The reduced system: matrix, right side.
    fn system(&self, columns: &Columns, state: &State, by_board: &[Vec<&View>], damping: f64) -> (Symmetric, Vec<f64>) {
        let n = columns.count;
        let empty = || (Symmetric::zero(n), vec![0.0; n]);
        let parts: Vec<(Symmetric, Vec<f64>)> = by_board
            .par_chunks(PIECE)
            .map(|boards| {
                let mut sum = empty();
                for views in boards.iter().filter(|v| !v.is_empty()) {
                    let part = self.part(columns, state, views);
                    part.add_to(&mut sum.0, &mut sum.1, damping);
                }
                sum
            })
            .collect();
        // In their order: the same result whatever the threads did first, and however many there are.
        let (mut matrix, mut right) = empty();
        for (m, r) in parts {
            matrix.values.iter_mut().zip(&m.values).for_each(|(a, b)| *a += b);
            right.iter_mut().zip(&r).for_each(|(a, b)| *a += b);
        }
        for (i, c) in state.cameras.iter().enumerate() {
            let Some(first) = columns.lens[i] else { continue };
            let d = difference(&c.lens, &self.start[i]);
            for k in 0..LENS {
                let sigma = columns.sigma[i][k];
                // What the model does not have stays.
                let weight = if sigma > 0.0 { prior_weight(self.spread_px) / (sigma * sigma) } else { 1e12 };
                matrix.add(first + k, first + k, weight);
                if sigma > 0.0 {
                    right[first + k] -= weight * d[k];
                }
            }
        }
        if let Some(first) = columns.back {
            let weight = prior_weight(self.spread_px) / (BACK_SIGMA_M * BACK_SIGMA_M);
            for k in 0..3 {
                matrix.add(first + k, first + k, weight);
                right[first + k] -= weight * state.back_off[k];
            }
        }
        (matrix, right)
    }

    fn step(&self, columns: &Columns, state: &State, by_board: &[Vec<&View>], damping: f64) -> Option<State> {
        let (mut matrix, mut x) = self.system(columns, state, by_board, damping);
        for i in 0..columns.count {
            let d = matrix.at(i, i);
            matrix.add(i, i, damping * d + 1e-12);
        }
        if columns.count > 0 {
            matrix.cholesky()?.solve(&mut x);
        }
        if x.iter().any(|v| !v.is_finite()) {
            return None;
        }
        let three = |first: usize| DVec3::new(x[first], x[first + 1], x[first + 2]);
        let cameras = state
            .cameras
            .iter()
            .enumerate()
            .map(|(i, c)| {
                let mut c = columns.pose[i].map_or_else(|| c.clone(), |first| moved(c, three(first), three(first + 3)));
                if let Some(first) = columns.lens[i] {
                    c.lens = stepped(&c.lens, &std::array::from_fn(|k| x[first + k]));
                }
                c
            })
            .collect();
        let world_from_board = by_board
            .par_iter()
            .zip(&state.world_from_board)
            .map(|(views, pose)| {
                if views.is_empty() {
                    return Some(*pose);
                }
                let part = self.part(columns, state, views);
                let mut own = part.own_right;
                for (column, cross) in &part.cross {
                    own.iter_mut().zip(cross).for_each(|(o, c)| *o -= c * x[*column]);
                }
                damped(&part.own, damping).cholesky()?.solve(&mut own);
                let turn = rotation_of(DVec3::new(own[0], own[1], own[2]));
                let rotation = Pose::orthonormalized(turn * pose.rotation)?;
                Some(Pose { rotation, translation: pose.translation + DVec3::new(own[3], own[4], own[5]) })
            })
            .collect::<Option<Vec<_>>>()?;
        let back_off = state.back_off + columns.back.map_or(DVec3::ZERO, three);
        Some(State { cameras, world_from_board, back_off })
    }

    /// Moves everything until the robust cost falls no more; false when `going_on` said to stop.
    pub fn solve(&self, state: &mut State, views: &[View], rounds: usize, going_on: &mut dyn FnMut() -> bool) -> bool {
        let by_board = grouped(views, state.world_from_board.len());
        let columns = self.columns(state);
        let mut damping = 1e-4;
        let mut cost = self.cost(state, views);
        for _ in 0..rounds {
            if !going_on() {
                return false;
            }
            let mut fell = None;
            for _ in 0..8 {
                let next = self.step(&columns, state, &by_board, damping);
                let next_cost = next.as_ref().map_or(f64::INFINITY, |s| self.cost(s, views));
                if let Some(next) = next.filter(|_| next_cost < cost) {
                    *state = next;
                    fell = Some((cost - next_cost) / cost.max(1e-300));
                    cost = next_cost;
                    damping = (damping * 0.2_f64).max(1e-10);
                    break;
                }
                damping *= 8.0;
            }
            if fell.is_none_or(|share| share < 1e-7) {
                break;
            }
        }
        true
    }

    /// Standard deviations from how much the solution would move without one stretch of the time, for all stretches in turn: the jackknife by blocks
    /// (H. R. Künsch, 1989), each step solved from the equations at hand (the CR3 of R. M. Bell and D. F. `McCaffrey`, 2002). All corners of one board are off
    /// together, and so are those of boards that follow each other: the board bends, a shutter rolls while it moves. How long they do nobody knows, so
    /// stretches are made longer and longer, and the largest deviation of all is told (H. Flyvbjerg and H. G. Petersen, 1989). One for each camera, and of
    /// where the back is, metres.
    pub fn deviations(&self, state: &State, views: &[View]) -> (Vec<Deviation>, DVec3) {
        let by_board: Vec<Vec<&View>> = grouped(views, state.world_from_board.len()).into_iter().filter(|v| !v.is_empty()).collect();
        let columns = self.columns(state);
        let n = columns.count;
        let (matrix, _) = self.system(&columns, state, &by_board, 0.0);
        let Some(lower) = matrix.cholesky().filter(|_| n > 0) else {
            return (vec![Deviation::default(); state.cameras.len()], DVec3::ZERO);
        };
        let moves = |boards: &[Vec<&View>]| -> Vec<f64> {
            let (mut own, mut pull) = (Symmetric::zero(n), vec![0.0; n]);
            for views in boards {
                self.part(&columns, state, views).add_to(&mut own, &mut pull, 0.0);
            }
            let mut without = matrix.clone();
            without.values.iter_mut().zip(&own.values).for_each(|(all, own)| *all -= own);
            // Where nothing else holds an unknown, at least what it pulls.
            let is_held = (0..n).all(|i| without.at(i, i) > 1e-6 * matrix.at(i, i));
            without.cholesky().filter(|_| is_held).as_ref().unwrap_or(&lower).solve(&mut pull);
            pull
        };
        let boards = by_board.len();
        let mut variance = vec![0.0_f64; n];
        let mut stretch = boards.div_ceil(MOST_STRETCHES).max(1);
        loop {
            let stretches: Vec<&[Vec<&View>]> = by_board.chunks(stretch).collect();
            let moved: Vec<Vec<f64>> = stretches.par_iter().map(|s| moves(s)).collect();
            let count = moved.len() as f64;
            for (i, v) in variance.iter_mut().enumerate() {
                *v = v.max(moved.iter().map(|m| m[i] * m[i]).sum::<f64>() * (count - 1.0) / count);
            }
            stretch *= 2;
            if boards.div_ceil(stretch) < LEAST_STRETCHES {
                break;
            }
        }
        let sigma = |i: usize| variance[i].sqrt();
        let worst = |first: usize| (0..3).map(|k| sigma(first + k)).fold(0.0, f64::max);
        let of = |(i, c): (usize, &Camera)| {
            let mut d = Deviation::default();
            if let Some(first) = columns.lens[i] {
                d.focal_px = sigma(first) * c.lens.fx_px;
                d.center_px = (sigma(first + 2) * c.lens.fx_px, sigma(first + 3) * c.lens.fx_px);
            }
            if let Some(first) = columns.pose[i] {
                (d.rotation_rad, d.place_m) = (worst(first), worst(first + 3));
            }
            d
        };
        let back = columns.back.map_or(DVec3::ZERO, |first| DVec3::new(sigma(first), sigma(first + 1), sigma(first + 2)));
        (state.cameras.iter().enumerate().map(of).collect(), back)
    }
}

impl State {
    /// Where a corner is on the board, the back being where it is.
    fn on_board(&self, view: &View, p: DVec3) -> DVec3 {
        if view.back { p + self.back_off } else { p }
    }
}

/// The priors are told in deviations; the sightings' cost is in px², a corner being known to so much.
fn prior_weight(spread_px: f64) -> f64 {
    (0.3 * spread_px).min(0.3).powi(2)
}

impl Part {
    fn add_to(&self, matrix: &mut Symmetric, right: &mut [f64], damping: f64) {
        for (of, block) in &self.blocks {
            let n = of.len();
            for i in 0..n {
                for j in 0..=i {
                    matrix.add(of[i], of[j], block[i * n + j]);
                    if i != j {
                        matrix.add(of[j], of[i], block[i * n + j]);
                    }
                }
            }
        }
        let Some(own) = damped(&self.own, damping).cholesky() else { return };
        let mut own_right = self.own_right;
        own.solve(&mut own_right);
        let dot = |a: &[f64; POSE], b: &[f64; POSE]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        for (i, r) in &self.right {
            right[*i] += r - self.cross.get(i).map_or(0.0, |c| dot(c, &own_right));
        }
        let solved: Vec<(usize, [f64; POSE])> = self
            .cross
            .iter()
            .map(|(i, c)| {
                let mut c = *c;
                own.solve(&mut c);
                (*i, c)
            })
            .collect();
        for (i, a) in &solved {
            for (j, b) in &self.cross {
                matrix.add(*i, *j, -dot(a, b));
            }
        }
    }
}

fn damped(own: &Symmetric, damping: f64) -> Symmetric {
    let mut m = own.clone();
    let trace: f64 = (0..POSE).map(|i| own.at(i, i)).sum();
    for i in 0..POSE {
        m.add(i, i, damping * own.at(i, i) + 1e-10 * trace + 1e-12);
    }
    m
}

fn grouped(views: &[View], boards: usize) -> Vec<Vec<&View>> {
    let mut by_board = vec![vec![]; boards];
    for v in views {
        by_board[v.board].push(v);
    }
    by_board
}

/// How the picture of an ideal point moves with the lens; what the model does not have is zero.
fn by_lens(lens: &Lens, ideal: DVec2, sigma: &[f64; LENS]) -> [DVec2; LENS] {
    let focal = DVec2::new(lens.fx_px, lens.fy_px);
    let distorted = lens.distortion.distort(ideal);
    let mut by = [DVec2::ZERO; LENS];
    by[0] = distorted * focal;
    by[1] = DVec2::new(0.0, distorted.y * focal.y);
    by[2] = DVec2::X * lens.fx_px;
    by[3] = DVec2::Y * lens.fx_px;
    let c = coefficients(&lens.distortion);
    for k in (0..8).filter(|k| sigma[4 + k] > 0.0) {
        let h = 1e-5;
        let with = |step: f64| {
            let mut c = c;
            c[k] += step;
            with_coefficients(&lens.distortion, &c).distort(ideal)
        };
        by[4 + k] = (with(h) - with(-h)) * focal / (2.0 * h);
    }
    by
}

/// How far each corner is seen from where it should be; `None` behind the camera.
pub(super) fn residuals<'a>(state: &'a State, view: &'a View) -> impl Iterator<Item = Option<DVec2>> + 'a {
    let (camera, board) = (&state.cameras[view.camera], &state.world_from_board[view.board]);
    view.corners.iter().map(move |(p, px)| camera.project(board.apply(state.on_board(view, *p))).map(|seen| seen - *px))
}
