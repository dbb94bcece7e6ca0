//! The outline of a plane: whether it is one, and corners in turn where they were clicked across.
//!
//! Must not know: who draws it.

use glam::{DVec2, DVec3};

/// Less area than this, against the square of the longest side, is a line.
const FLAT: f64 = 1e-6;

/// The corners in the plane that they about lie in; `None` where they lie in one line.
fn flattened(points_m: &[[f64; 3]]) -> Option<Vec<DVec2>> {
    let points: Vec<DVec3> = points_m.iter().map(|p| DVec3::from_array(*p)).collect();
    let a = *points.first()?;
    let span = points.iter().map(|p| p.distance_squared(a)).fold(0.0, f64::max);
    // The largest triangle with the first corner: also corners whose sides cross have one.
    let crosses = points.iter().flat_map(|p| points.iter().map(move |q| (*p - a).cross(*q - a)));
    let normal = crosses.max_by(|p, q| p.length_squared().total_cmp(&q.length_squared()))?;
    if normal.length() <= FLAT * span {
        return None;
    }
    let normal = normal.try_normalize()?;
    let u = normal.any_orthonormal_vector();
    let v = normal.cross(u);
    Some(points.iter().map(|p| DVec2::new((*p - a).dot(u), (*p - a).dot(v))).collect())
}

/// What is wrong with corners in this order.
pub(super) fn problem(points_m: &[[f64; 3]]) -> Option<&'static str> {
    let Some(corners) = flattened(points_m) else { return Some("the corners of the plane lie in one line") };
    let n = corners.len();
    let side = |a: DVec2, b: DVec2, p: DVec2| (b - a).perp_dot(p - a);
    let crossing = |i: usize, k: usize| {
        let (a, b, c, d) = (corners[i], corners[(i + 1) % n], corners[k], corners[(k + 1) % n]);
        side(a, b, c) * side(a, b, d) < 0.0 && side(c, d, a) * side(c, d, b) < 0.0
    };
    let crosses = (0..n).any(|i| (i + 2..n).any(|k| (k + 1) % n != i && crossing(i, k)));
    crosses.then_some("the sides of the plane cross. Give its corners in turn, around it")
}

/// Corners in turn around their middle, from the first on, where their sides would cross; else as they are.
pub fn in_turn(points_m: &[[f64; 3]]) -> Vec<[f64; 3]> {
    let Some(corners) = flattened(points_m).filter(|_| problem(points_m).is_some()) else { return points_m.to_vec() };
    let middle = corners.iter().sum::<DVec2>() / corners.len() as f64;
    let turn = |p: DVec2| (corners[0] - middle).angle_to(p - middle).rem_euclid(std::f64::consts::TAU);
    let mut order: Vec<usize> = (1..corners.len()).collect();
    order.sort_by(|a, b| turn(corners[*a]).total_cmp(&turn(corners[*b])));
    std::iter::once(0).chain(order).map(|k| points_m[k]).collect()
}
