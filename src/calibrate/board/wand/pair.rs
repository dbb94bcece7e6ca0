//! How two cameras of known lenses stand to each other, from points that both saw (the essential matrix: H. C. Longuet-Higgins 1981; eight points
//! with normalization: R. Hartley 1997; rotation and baseline from it in closed form: B. Horn 1990).

use glam::{DMat3, DVec2, DVec3};

use super::super::super::linear::Symmetric;
use crate::geometry::Pose;

/// A point in both pictures: ideal coordinates (x/z, y/z).
pub(super) type Match = (DVec2, DVec2);

const TRIALS: usize = 400;

/// Deterministic.
fn chance(k: u64) -> u64 {
    let h = k.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let h = (h ^ (h >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    h ^ (h >> 27)
}

/// First-order distance from the epipolar lines (Sampson), ideal coordinates.
fn off(e: &DMat3, (a, b): &Match) -> f64 {
    let (a, b) = (a.extend(1.0), b.extend(1.0));
    let (ea, eb) = (*e * a, e.transpose() * b);
    b.dot(ea).abs() / (ea.truncate().length_squared() + eb.truncate().length_squared()).max(1e-300).sqrt()
}

/// Middle and scale that bring points to the origin and to a mean distance of √2.
fn normalized(points: &[DVec2]) -> (DVec2, f64) {
    let middle = points.iter().sum::<DVec2>() / points.len().max(1) as f64;
    let mean = points.iter().map(|p| (*p - middle).length()).sum::<f64>() / points.len().max(1) as f64;
    (middle, std::f64::consts::SQRT_2 / mean.max(1e-12))
}

/// The matrix `E` with `bᵀ E a = 0` that eight or more matches suggest.
fn essential(matches: &[Match]) -> Option<DMat3> {
    let firsts: Vec<DVec2> = matches.iter().map(|m| m.0).collect();
    let seconds: Vec<DVec2> = matches.iter().map(|m| m.1).collect();
    let ((ma, sa), (mb, sb)) = (normalized(&firsts), normalized(&seconds));
    let mut products = Symmetric::zero(9);
    for (a, b) in matches {
        let (a, b) = ((*a - ma) * sa, (*b - mb) * sb);
        let row = [b.x * a.x, b.x * a.y, b.x, b.y * a.x, b.y * a.y, b.y, a.x, a.y, 1.0];
        for i in 0..9 {
            for j in 0..9 {
                products.add(i, j, row[i] * row[j]);
            }
        }
    }
    let trace: f64 = (0..9).map(|i| products.at(i, i)).sum();
    (0..9).for_each(|i| products.add(i, i, 1e-10 * trace));
    let lower = products.cholesky()?;
    // The least eigenvector, by inverse iteration.
    let mut v = [0.3, -0.2, 0.4, 0.1, 0.35, -0.5, -0.3, 0.45, 0.2];
    for _ in 0..12 {
        lower.solve(&mut v);
        let length = v.iter().map(|x| x * x).sum::<f64>().sqrt();
        if !(length.is_finite() && length > 0.0) {
            return None;
        }
        for x in &mut v {
            *x /= length;
        }
    }
    let rows = DMat3::from_cols(DVec3::new(v[0], v[1], v[2]), DVec3::new(v[3], v[4], v[5]), DVec3::new(v[6], v[7], v[8])).transpose();
    let to_unit = |m: DVec2, s: f64| DMat3::from_cols(DVec3::X * s, DVec3::Y * s, DVec3::new(-s * m.x, -s * m.y, 1.0));
    let e = to_unit(mb, sb).transpose() * rows * to_unit(ma, sa);
    let norm = e.to_cols_array().iter().map(|x| x * x).sum::<f64>().sqrt();
    (norm > 1e-12).then(|| e * (std::f64::consts::SQRT_2 / norm))
}

/// The four places of the second camera that the matrix allows (`second_from_first`, baselines of length 1).
fn poses(e: &DMat3) -> Vec<Pose> {
    let outer = *e * e.transpose();
    let half_trace = 0.5 * (outer.x_axis.x + outer.y_axis.y + outer.z_axis.z);
    let bb = DMat3::from_diagonal(DVec3::splat(half_trace)) - outer;
    let columns = [bb.x_axis, bb.y_axis, bb.z_axis];
    let Some(k) = (0..3).max_by(|a, b| columns[*a][*a].total_cmp(&columns[*b][*b])) else { return vec![] };
    let baseline = columns[k] / columns[k][k].max(1e-300).sqrt();
    let cofactors = DMat3::from_cols(e.y_axis.cross(e.z_axis), e.z_axis.cross(e.x_axis), e.x_axis.cross(e.y_axis));
    let skew = |b: DVec3| DMat3::from_cols(DVec3::new(0.0, b.z, -b.y), DVec3::new(-b.z, 0.0, b.x), DVec3::new(b.y, -b.x, 0.0));
    let mut all = Vec::new();
    for b in [baseline, -baseline] {
        let rotation = (cofactors - skew(b) * *e) * (1.0 / b.length_squared().max(1e-300));
        let Some(rotation) = Pose::orthonormalized(rotation) else { continue };
        for t in [b, -b] {
            all.push(Pose { rotation, translation: t.normalize_or(DVec3::X) });
        }
    }
    all
}

/// Where two rays meet, in the first camera's axes; `None` behind one of them.
pub(super) fn met(pose: &Pose, (a, b): &Match) -> Option<DVec3> {
    let (center, here) = (pose.inverse().translation, a.extend(1.0));
    let there = pose.rotation.transpose() * b.extend(1.0);
    let (hh, ht, tt) = (here.dot(here), here.dot(there), there.dot(there));
    let det = hh * tt - ht * ht;
    if det < 1e-12 {
        return None;
    }
    let s = (here.dot(center) * tt - there.dot(center) * ht) / det;
    let u = (here.dot(center) * ht - there.dot(center) * hh) / det;
    let p = 0.5 * (here * s + center + there * u);
    (s > 0.0 && u > 0.0).then_some(p)
}

/// Where the second camera stands to the first (a baseline of length 1), and which matches agree; `spread` is what one may be off, ideal coordinates.
pub(super) fn relative(matches: &[Match], spread: f64) -> Option<(Pose, Vec<bool>)> {
    let n = matches.len();
    if n < 12 {
        return None;
    }
    let agreeing = |e: &DMat3, limit: f64| -> Vec<bool> { matches.iter().map(|m| off(e, m) < limit).collect() };
    let count = |a: &[bool]| a.iter().filter(|x| **x).count();
    let mut best: Option<(usize, DMat3)> = None;
    for trial in 0..TRIALS {
        let chosen: Vec<Match> = (0..8).map(|k| matches[(chance((trial * 8 + k) as u64) % n as u64) as usize]).collect();
        let Some(e) = essential(&chosen) else { continue };
        let with = count(&agreeing(&e, 3.0 * spread));
        if best.as_ref().is_none_or(|(most, _)| with > *most) {
            best = Some((with, e));
        }
    }
    let (_, mut e) = best?;
    for _ in 0..4 {
        let with = agreeing(&e, 3.0 * spread);
        let inside: Vec<Match> = matches.iter().zip(&with).filter(|(_, w)| **w).map(|(m, _)| *m).collect();
        if inside.len() < 10 {
            return None;
        }
        e = essential(&inside)?;
    }
    let with = agreeing(&e, 4.0 * spread);
    let before = |pose: &Pose| matches.iter().zip(&with).filter(|(m, w)| **w && met(pose, m).is_some()).count();
    let (pose, seen) = poses(&e).into_iter().map(|p| (p, before(&p))).max_by_key(|(_, seen)| *seen)?;
    (10 * seen >= 8 * count(&with).max(1)).then_some((pose, with))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_cameras_find_each_other_with_a_third_of_the_matches_wrong() {
        let truth = Pose::look_at(DVec3::new(3.0, -4.0, 1.0), DVec3::new(0.2, 0.1, 0.9), DVec3::Z).unwrap();
        let first = Pose::look_at(DVec3::new(-2.0, -4.5, 1.5), DVec3::new(0.0, 0.0, 1.0), DVec3::Z).unwrap();
        let second_from_first = truth.then_from(&first.inverse());
        let unit = |k: u64| (chance(k) >> 11) as f64 / (1_u64 << 53) as f64 - 0.5;
        let matches: Vec<Match> = (0..150)
            .map(|k| {
                let p = DVec3::new(3.0 * unit(9 * k), 3.0 * unit(9 * k + 1), 2.0 * unit(9 * k + 2) + 1.0);
                let (a, b) = (first.apply(p), truth.apply(p));
                let noise = |s: u64| 2e-4 * DVec2::new(unit(9 * k + s), unit(9 * k + s + 1));
                let wrong = if k % 3 == 0 { DVec2::new(unit(9 * k + 7), unit(9 * k + 8)) } else { DVec2::ZERO };
                (a.truncate() / a.z + noise(3), b.truncate() / b.z + noise(5) + wrong)
            })
            .collect();
        let (pose, agree) = relative(&matches, 2e-4).unwrap();
        let off_rad = (pose.rotation * second_from_first.rotation.transpose()).to_cols_array();
        let trace = off_rad[0] + off_rad[4] + off_rad[8];
        assert!((0.5 * (trace - 1.0)).min(1.0).acos() < 2e-3, "{pose:?}");
        assert!(pose.translation.dot(second_from_first.translation.normalize_or(DVec3::X)) > 0.9999);
        assert!((95..112).contains(&agree.iter().filter(|a| **a).count()));
    }
}
