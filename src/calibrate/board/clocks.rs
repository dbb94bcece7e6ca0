//! How far the cameras are out of step, from boards in motion in a rig that is solved.
//!
//! A camera whose pictures are taken late sees each corner where it will be: by the corner's speed in its picture times the delay beside the place
//! where the others have it. Delays of all cameras and the board's pose at each instant are adjusted together (Gauss and Newton's iteration on Cauchy's
//! robust cost), the poses eliminated; deviations are those of the instants' own disagreement.

use glam::{DVec2, DVec3};

use super::{
    super::{
        bundle::{linearized, rotation_of},
        linear::Symmetric,
        matching::Sighting,
    },
    description::Board,
    graph::board_in_world,
    lens_start::pairs,
    outcome::{ClockOff, Seen},
    pose::Placed,
};
use crate::{geometry::Pose, rig::Camera};

const POSE: usize = 6;
/// Fewer boards tell nothing.
const LEAST_BOARDS: usize = 4;
/// Slower than this says nothing, px per frame.
const LEAST_PX_PER_FRAME: f64 = 0.5;
const ROUNDS: usize = 8;

/// One camera's picture of a board in motion: on the board (m), in the picture (px), px per second.
struct Moving {
    camera: usize,
    corners: Vec<(DVec3, DVec2, DVec2)>,
}

/// One instant's part: pose, delays of its cameras, and what couples them.
#[derive(Default)]
struct Part {
    own: Option<super::super::linear::Lower>,
    own_right: [f64; POSE],
    /// Camera, its own square, its right side, its coupling with the pose.
    delays: Vec<(usize, f64, f64, [f64; POSE])>,
}

/// For each camera its clock against the others'; none where boards in motion do not tell.
pub(super) fn clocks(board: &Board, cameras: &[Camera], solved: &[bool], seen: &[Seen]) -> Vec<Option<ClockOff>> {
    let n = cameras.len();
    let nothing = vec![None; n];
    let Some(frame_secs) = seen.iter().find_map(|s| s.motion.as_ref().map(|m| m.frame_secs)).filter(|f| *f > 0.0) else { return nothing };
    let mut instants = gathered(board, cameras, solved, seen, frame_secs);
    let together = group(n, &instants);
    instants.retain(|(_, views)| together[views[0].camera]);
    if instants.is_empty() {
        return nothing;
    }
    let mut delay = vec![0.0; n];
    let mut spread_px = 10.0;
    let mut covariance = None;
    for round in 0..ROUNDS {
        let mut parts = Vec::with_capacity(instants.len());
        let mut off = Vec::new();
        for (pose, views) in &mut instants {
            for _ in 0..3 {
                let part = part(cameras, pose, views, &delay, spread_px, &mut Vec::new());
                let Some(own) = &part.own else { break };
                let mut x = part.own_right;
                own.solve(&mut x);
                let Some(rotation) = Pose::orthonormalized(rotation_of(DVec3::new(x[0], x[1], x[2])) * pose.rotation) else { break };
                *pose = Pose { rotation, translation: pose.translation + DVec3::new(x[3], x[4], x[5]) };
            }
            parts.push(part(cameras, pose, views, &delay, spread_px, &mut off));
        }
        let Some((step, spread)) = step(n, &parts, &together) else { return nothing };
        for (d, s) in delay.iter_mut().zip(&step) {
            *d += s;
        }
        if round + 1 == ROUNDS {
            covariance = Some(spread);
        }
        off.sort_by(f64::total_cmp);
        spread_px = (2.5 * off.get(off.len() / 2).copied().unwrap_or(1.0) / 1.177).clamp(0.3, 10.0);
    }
    let boards = |i: usize| instants.iter().filter(|(_, views)| views.iter().any(|v| v.camera == i)).count();
    let told: Vec<usize> = (0..n).filter(|i| together[*i] && boards(*i) >= LEAST_BOARDS).collect();
    let mut sorted: Vec<f64> = told.iter().map(|i| delay[*i]).collect();
    sorted.sort_by(f64::total_cmp);
    // The lower of two middles is a camera's own: of two cameras one is the measure of the other.
    let (Some(middle), Some(covariance)) = (sorted.get(sorted.len().saturating_sub(1) / 2).copied(), covariance) else { return nothing };
    let of = |i: usize| {
        told.contains(&i).then(|| ClockOff {
            secs: delay[i] - middle,
            sigma_secs: covariance.at(i, i).max(0.0).sqrt(),
            boards: boards(i),
            frame_secs,
        })
    };
    (0..n).map(of).collect()
}

/// Instants at which two cameras or more saw the board in motion, with where it was.
fn gathered(board: &Board, cameras: &[Camera], solved: &[bool], seen: &[Seen], frame_secs: f64) -> Vec<(Pose, Vec<Moving>)> {
    let last = seen.iter().map(|s| s.instant + 1).max().unwrap_or(0);
    let mut by_instant: Vec<Vec<&Seen>> = vec![vec![]; last];
    for s in seen.iter().filter(|s| solved[s.camera] && s.motion.is_some()) {
        by_instant[s.instant].push(s);
    }
    let mut all = Vec::new();
    for of in by_instant.iter().filter(|of| of.len() > 1) {
        let mut views = Vec::new();
        let mut placed: Vec<(usize, Vec<Placed>)> = Vec::new();
        for s in of {
            let speed = |i: usize| s.motion.as_ref()?.px_per_sec.iter().find(|(j, _)| *j == i).map(|(_, v)| *v);
            let corners: Vec<_> = s.corners.iter().filter_map(|(i, px)| Some((board.corner_in_board(*i), *px, speed(*i)?))).collect();
            if corners.len() < 6 {
                continue;
            }
            placed.push((s.camera, board.placed(&cameras[s.camera].lens, &pairs(board, s), s.is_of_back(board))));
            views.push(Moving { camera: s.camera, corners });
        }
        let fast = |v: &Moving| v.corners.iter().map(|(.., v)| v.length()).sum::<f64>() / v.corners.len() as f64 * frame_secs;
        if views.len() < 2 || !views.iter().any(|v| fast(v) > LEAST_PX_PER_FRAME) {
            continue;
        }
        let placed: Vec<(usize, &[Placed])> = placed.iter().map(|(i, p)| (*i, p.as_slice())).collect();
        all.extend(board_in_world(board, cameras, &placed).map(|pose| (pose, views)));
    }
    all
}

/// Whether each camera belongs to the largest group that saw boards in motion together.
fn group(n: usize, instants: &[(Pose, Vec<Moving>)]) -> Vec<bool> {
    let mut of: Vec<usize> = (0..n).collect();
    for _ in 0..n {
        for (_, views) in instants {
            let least = views.iter().map(|v| of[v.camera]).min().unwrap_or(0);
            for v in views {
                of[v.camera] = least;
            }
        }
    }
    let size = |g: usize| instants.iter().filter(|(_, views)| of[views[0].camera] == g).count();
    let largest = (0..n).max_by_key(|g| (size(*g), usize::MAX - g)).unwrap_or(0);
    (0..n).map(|i| of[i] == largest && instants.iter().any(|(_, views)| views.iter().any(|v| v.camera == i))).collect()
}

fn part(cameras: &[Camera], pose: &Pose, views: &[Moving], delay: &[f64], spread_px: f64, off: &mut Vec<f64>) -> Part {
    let (mut own, mut own_right) = (Symmetric::zero(POSE), [0.0; POSE]);
    let mut delays = Vec::with_capacity(views.len());
    for view in views {
        let (mut square, mut right, mut cross) = (0.0, 0.0, [0.0; POSE]);
        for (p, px, speed) in &view.corners {
            let arm: DVec3 = pose.rotation * *p;
            // Where it would have been seen in time.
            let sighting = Sighting { camera: view.camera, px: *px - *speed * delay[view.camera] };
            let Some(l) = linearized(&cameras[view.camera], &sighting, arm + pose.translation, false) else { continue };
            off.push(l.residual.length());
            let weight = 1.0 / (1.0 + l.residual.length_squared() / (spread_px * spread_px));
            let [x, y, z] = l.by_point;
            let by = |d: DVec3| x * d.x + y * d.y + z * d.z;
            let row: [DVec2; POSE] = [by(DVec3::X.cross(arm)), by(DVec3::Y.cross(arm)), by(DVec3::Z.cross(arm)), x, y, z];
            // The residual is what is expected less what was seen: it grows with the delay by the speed.
            square += weight * speed.length_squared();
            right -= weight * speed.dot(l.residual);
            for i in 0..POSE {
                cross[i] += weight * row[i].dot(*speed);
                own_right[i] -= weight * row[i].dot(l.residual);
                for j in 0..POSE {
                    own.add(i, j, weight * row[i].dot(row[j]));
                }
            }
        }
        delays.push((view.camera, square, right, cross));
    }
    let trace: f64 = (0..POSE).map(|i| own.at(i, i)).sum();
    for i in 0..POSE {
        own.add(i, i, 1e-9 * trace + 1e-12);
    }
    Part { own: own.cholesky(), own_right, delays }
}

/// The delays' step and covariance; their sum stays.
fn step(n: usize, parts: &[Part], together: &[bool]) -> Option<(Vec<f64>, Symmetric)> {
    let (mut matrix, mut right, mut spread) = (Symmetric::zero(n), vec![0.0; n], Symmetric::zero(n));
    let mut used = 0.0;
    for part in parts {
        let Some(own) = &part.own else { continue };
        let dot = |a: &[f64; POSE], b: &[f64; POSE]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let mut own_right = part.own_right;
        own.solve(&mut own_right);
        let mut pull = Vec::new();
        for (i, square, r, cross) in &part.delays {
            matrix.add(*i, *i, *square);
            let mut solved = *cross;
            own.solve(&mut solved);
            for (j, _, _, other) in &part.delays {
                matrix.add(*i, *j, -dot(&solved, other));
            }
            let reduced = r - dot(cross, &own_right);
            right[*i] += reduced;
            pull.push((*i, reduced));
        }
        for (i, a) in &pull {
            for (j, b) in &pull {
                spread.add(*i, *j, a * b);
            }
        }
        used += 1.0;
    }
    let trace: f64 = (0..n).map(|i| matrix.at(i, i)).sum();
    if trace.is_nan() || trace <= 0.0 {
        return None;
    }
    for i in 0..n {
        matrix.add(i, i, if together[i] { 1e-9 * trace } else { trace });
        for j in 0..n {
            if together[i] && together[j] {
                matrix.add(i, j, trace / n as f64);
            }
        }
    }
    let lower = matrix.cholesky()?;
    lower.solve(&mut right);
    let solved = |m: &Symmetric| {
        let mut values = m.values.clone();
        values.chunks_mut(n).for_each(|row| lower.solve(row));
        Symmetric { n, values }
    };
    let mut covariance = solved(&solved(&spread).transposed());
    let few = used / (used - 3.0_f64).max(1.0);
    covariance.values.iter_mut().for_each(|v| *v *= few);
    right.iter().all(|v| v.is_finite()).then_some((right, covariance))
}
