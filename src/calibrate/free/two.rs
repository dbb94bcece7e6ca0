//! How two cameras stand to each other, from spots that look alike in both: most of the matches are right, some are not, and sometimes
//! they cannot tell (everything in one plane, or the cameras in one place).

use glam::{DMat3, DVec2, DVec3};

use super::roots::{essentials, motions};
use crate::{
    calibrate::{
        board::{homography, through_plane},
        bundle::rotation_of,
    },
    geometry::{NormalEquations, Pose},
};

/// What the matches of a pair say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Depth and a baseline: fit to begin with.
    Deep,
    /// All that both see lies in one plane.
    Flat,
    /// Both look from one place.
    OnePlace,
}

/// A pair of cameras.
#[derive(Debug, Clone)]
pub(super) struct Two {
    pub kind: Kind,
    /// Indices of the matches that fit.
    pub inliers: Vec<usize>,
    /// `b_from_a`, the baseline of length 1.
    pub pose: Pose,
    /// Middle angle between the rays of the matches, rad.
    pub angle_rad: f64,
}

/// Numbers that are the same in every run.
pub(super) struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let h = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let h = (h ^ (h >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((h ^ (h >> 31)) % n.max(1) as u64) as usize
    }

    /// Different indices below `n`, which is at least `N`.
    pub fn some<const N: usize>(&mut self, n: usize) -> [usize; N] {
        let mut chosen = [usize::MAX; N];
        for k in 0..N {
            loop {
                let i = self.below(n);
                if !chosen[..k].contains(&i) {
                    chosen[k] = i;
                    break;
                }
            }
        }
        chosen
    }
}

/// Fewest matches that fit.
pub(super) const LEAST_MATCHES: usize = 16;
/// A plane, or a mere turn, that explains so much of what two cameras explain, explains it all.
const EXPLAINS: f64 = 0.88;
const ROUNDS: usize = 1200;

/// Square of Sampson's distance, in rays' units.
fn sampson(e: &DMat3, a: DVec3, b: DVec3) -> f64 {
    let (ea, eb) = (*e * a, e.transpose() * b);
    let below = ea.x * ea.x + ea.y * ea.y + eb.x * eb.x + eb.y * eb.y;
    b.dot(ea).powi(2) / below.max(1e-300)
}

fn essential(pose: &Pose) -> DMat3 {
    let t = pose.translation;
    DMat3::from_cols(t.cross(pose.rotation.x_axis), t.cross(pose.rotation.y_axis), t.cross(pose.rotation.z_axis))
}

/// From rays (`z` = 1) in both cameras; matches within `limit` (in focal lengths) fit. `None` where too few do.
pub(super) fn two(pairs: &[(DVec3, DVec3)], limit: f64, seed: u64) -> Option<Two> {
    if pairs.len() < LEAST_MATCHES {
        return None;
    }
    let limit2 = limit * limit;
    let score = |e: &DMat3| pairs.iter().map(|(a, b)| (1.0 - sampson(e, *a, *b) / limit2).max(0.0)).sum::<f64>();
    let mut dice = Dice(seed);
    let mut best: Option<(f64, DMat3)> = None;
    let mut rounds = ROUNDS;
    let mut round = 0;
    while round < rounds {
        round += 1;
        let chosen = dice.some::<5>(pairs.len()).map(|i| pairs[i]);
        for e in essentials(&chosen) {
            let s = score(&e);
            if best.is_none_or(|(b, _)| s > b) {
                best = Some((s, e));
                let share = pairs.iter().filter(|(a, b)| sampson(&e, *a, *b) < limit2).count() as f64 / pairs.len() as f64;
                // So many rounds find five right ones with 99.9 %.
                let needed = (0.001_f64.ln() / (1.0 - share.powi(5)).max(1e-12).ln()).ceil();
                rounds = rounds.min((needed as usize).max(100) + round);
            }
        }
    }
    let (_, e) = best?;
    let fits = |e: &DMat3| -> Vec<usize> { (0..pairs.len()).filter(|i| sampson(e, pairs[*i].0, pairs[*i].1) < limit2).collect() };
    let mut pose = before_both(&e, pairs, &fits(&e))?;
    for _ in 0..2 {
        let inliers = fits(&essential(&pose));
        if inliers.len() < LEAST_MATCHES {
            return None;
        }
        pose = settled(pose, pairs, &inliers, limit);
    }
    let mut inliers = fits(&essential(&pose));
    let in_front = |i: &usize| depth_signs(&pose, pairs[*i]).is_none_or(|(a, b)| a && b);
    let all = inliers.len();
    inliers.retain(in_front);
    if inliers.len() < LEAST_MATCHES || 2 * inliers.len() < all {
        return None;
    }
    let mut angles: Vec<f64> = inliers.iter().map(|i| (pose.rotation * pairs[*i].0).angle_between(pairs[*i].1)).collect();
    angles.sort_by(f64::total_cmp);
    let explained = inliers.len() as f64 * EXPLAINS;
    let kind = if turn_fits(pairs, limit, &mut dice) as f64 >= explained {
        Kind::OnePlace
    } else if plane_fits(pairs, limit, &mut dice) as f64 >= explained {
        Kind::Flat
    } else {
        Kind::Deep
    };
    let angle_rad = angles[angles.len() / 2];
    Some(Two { kind, inliers, pose, angle_rad })
}

/// Whether a point lies before each of the two; `None` where the rays are all but parallel.
fn depth_signs(pose: &Pose, (a, b): (DVec3, DVec3)) -> Option<(bool, bool)> {
    let a = pose.rotation * a;
    let across = a.cross(b);
    let l2 = across.length_squared();
    if l2 < 1e-8 * a.length_squared() * b.length_squared() {
        return None;
    }
    // za · a + t = zb · b
    let t = pose.translation;
    let (za, zb) = (b.cross(t).dot(across), a.cross(t).dot(across));
    Some((za > 0.0, zb > 0.0))
}

/// Of the four motions of an essential matrix, that with the points before both cameras.
fn before_both(e: &DMat3, pairs: &[(DVec3, DVec3)], inliers: &[usize]) -> Option<Pose> {
    let front = |p: &Pose| inliers.iter().filter(|i| depth_signs(p, pairs[**i]) == Some((true, true))).count();
    motions(e)?.into_iter().max_by_key(front)
}

/// Least squares of Sampson's distances: rotation (3) and direction of the baseline (2).
fn settled(start: Pose, pairs: &[(DVec3, DVec3)], inliers: &[usize], limit: f64) -> Pose {
    let mut pose = start;
    let signed = |pose: &Pose, i: usize| {
        let (a, b) = pairs[i];
        let e = essential(pose);
        let (ea, eb) = (e * a, e.transpose() * b);
        b.dot(ea) / (ea.x * ea.x + ea.y * ea.y + eb.x * eb.x + eb.y * eb.y).max(1e-300).sqrt()
    };
    let step = |pose: &Pose, x: &[f64]| {
        let t = pose.translation;
        let u = t.any_orthonormal_vector();
        let v = t.cross(u);
        let rotation = rotation_of(DVec3::new(x[0], x[1], x[2])) * pose.rotation;
        Pose { rotation: Pose::orthonormalized(rotation).unwrap_or(rotation), translation: (t + u * x[3] + v * x[4]).normalize_or(t) }
    };
    let cost = |pose: &Pose| inliers.iter().map(|i| (signed(pose, *i) / limit).powi(2).ln_1p()).sum::<f64>();
    let mut now = cost(&pose);
    let mut damping = 1e-4;
    for _ in 0..12 {
        let mut equations = NormalEquations::new(5);
        let h = 1e-6;
        let moved: [Pose; 5] = std::array::from_fn(|k| step(&pose, &std::array::from_fn::<_, 5, _>(|j| if j == k { h } else { 0.0 })));
        for &i in inliers {
            let r = signed(&pose, i);
            let weight = 1.0 / (1.0 + (r / limit).powi(2));
            let row: [(usize, f64); 5] = std::array::from_fn(|k| (k, (signed(&moved[k], i) - r) / h));
            equations.add(&row, -r, weight);
        }
        let Some((x, _)) = equations.damped(damping).solve() else { break };
        let next = step(&pose, &x);
        let after = cost(&next);
        if after < now {
            let fell = now - after;
            (pose, now) = (next, after);
            damping *= 0.2;
            if fell < 1e-7 * now {
                break;
            }
        } else {
            damping *= 20.0;
        }
    }
    pose
}

/// How many matches a mere turn explains.
fn turn_fits(pairs: &[(DVec3, DVec3)], limit: f64, dice: &mut Dice) -> usize {
    let frame = |p: DVec3, q: DVec3| {
        let x = p.try_normalize()?;
        let z = x.cross(q).try_normalize()?;
        Some(DMat3::from_cols(x, z.cross(x), z))
    };
    let fits = |r: &DMat3| {
        pairs
            .iter()
            .filter(|(a, b)| {
                let turned = *r * *a;
                turned.z > 1e-9 && (turned.truncate() / turned.z - b.truncate()).length() < limit
            })
            .count()
    };
    let mut best = 0;
    for _ in 0..150 {
        let [i, j] = dice.some::<2>(pairs.len());
        if let (Some(a), Some(b)) = (frame(pairs[i].0, pairs[j].0), frame(pairs[i].1, pairs[j].1)) {
            best = best.max(fits(&(b * a.transpose())));
        }
    }
    best
}

/// How many matches one plane explains.
fn plane_fits(pairs: &[(DVec3, DVec3)], limit: f64, dice: &mut Dice) -> usize {
    let flat: Vec<(DVec2, DVec2)> = pairs.iter().map(|(a, b)| (a.truncate(), b.truncate())).collect();
    let fits =
        |h: &DMat3| -> Vec<usize> { (0..flat.len()).filter(|i| (through_plane(h, flat[*i].0) - flat[*i].1).length() < limit).collect() };
    let mut best = Vec::new();
    for _ in 0..200 {
        let chosen = dice.some::<4>(flat.len()).map(|i| flat[i]);
        if let Some(h) = homography(&chosen) {
            let now = fits(&h);
            if now.len() > best.len() {
                best = now;
            }
        }
    }
    // Once more from all of them.
    let all: Vec<(DVec2, DVec2)> = best.iter().map(|i| flat[*i]).collect();
    homography(&all).map_or(best.len(), |h| fits(&h).len().max(best.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calibrate::tests::noise;

    fn pairs(pose: &Pose, point: impl Fn(u64) -> DVec3, wrong: f64) -> Vec<(DVec3, DVec3)> {
        let flat = |p: DVec3| p / p.z;
        (0..300_u64)
            .map(|k| {
                let p = point(10 * k);
                let grain = DVec3::new(noise(7 * k + 1), noise(7 * k + 2), 0.0) * 0.0004;
                let stray = DVec3::new(noise(7 * k + 3), noise(7 * k + 4), 0.0) * if (k as f64) < 300.0 * wrong { 0.5 } else { 0.0 };
                (flat(p), flat(pose.apply(p)) + grain + stray)
            })
            .collect()
    }

    fn in_the_room(k: u64) -> DVec3 {
        DVec3::new(2.0 * noise(k), noise(k + 1), 6.0 + 2.0 * noise(k + 2))
    }

    #[test]
    fn two_cameras_among_wrong_matches() {
        let rotation = rotation_of(DVec3::new(0.02, -0.2, 0.01));
        let pose = Pose { rotation, translation: DVec3::new(1.0, 0.05, 0.1).normalize_or(DVec3::X) };
        for wrong in [0.0, 0.3, 0.5] {
            let found = two(&pairs(&pose, in_the_room, wrong), 0.002, 5).unwrap();
            assert_eq!(found.kind, Kind::Deep);
            let off = rotation_of(DVec3::ZERO) * found.pose.rotation * rotation.transpose();
            let off_deg = crate::calibrate::bundle::rotation_vector(off).length().to_degrees();
            let aside_deg = found.pose.translation.angle_between(pose.translation).to_degrees();
            assert!(off_deg < 0.15 && aside_deg < 2.0, "{wrong}: {off_deg}° {aside_deg}°");
        }
    }

    #[test]
    fn a_plane_and_a_mere_turn_are_told() {
        let rotation = rotation_of(DVec3::new(0.02, -0.2, 0.01));
        let turn = Pose { rotation, translation: DVec3::ZERO };
        assert_eq!(two(&pairs(&turn, in_the_room, 0.1), 0.002, 5).map(|t| t.kind), Some(Kind::OnePlace));
        let pose = Pose { rotation, translation: DVec3::new(1.0, 0.05, 0.1) };
        let wall = |k: u64| DVec3::new(2.0 * noise(k), noise(k + 1), 6.0 + 0.5 * noise(k));
        assert_eq!(two(&pairs(&pose, wall, 0.1), 0.002, 5).map(|t| t.kind), Some(Kind::Flat));
    }
}
