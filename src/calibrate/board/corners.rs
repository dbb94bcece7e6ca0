//! Corners of squares to a fraction of a pixel, and how sharp they are.

use glam::{DMat2, DVec2};

use crate::frame::gray::Gray;

/// A corner where two dark and two bright squares meet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Corner {
    pub px: DVec2,
    /// Width of the softer of the two edges that cross here, px: about 1.2 where everything is sharp.
    pub edge_px: f64,
}

/// How far a corner may be from where it was expected, in sides of a square.
const REACH: f64 = 0.22;
/// Largest half side of the window that is looked at, px.
const MAX_HALF_PX: f64 = 9.0;

/// What meets at a corner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meets {
    /// Two dark and two bright squares, as on a chessboard.
    Cross,
    /// That, or one dark square alone in the bright: a tag without small squares at its corners.
    CrossOrOne,
}

/// Settles a corner near `p`: the point that lies on the lines of all edges about it (W. Förstner and E. Gülch, 1987; OpenCV's
/// `cornerSubPix` asks the same). `px_from_square` are the steps in the picture that are one square on the board, `clear` is how many squares
/// about the corner are free of other edges.
pub(super) fn settled(gray: &Gray, p: DVec2, px_from_square: DMat2, clear: f64) -> Option<Corner> {
    settled_as(gray, p, px_from_square, clear, Meets::Cross)
}

/// The same for other corners.
pub(super) fn settled_as(gray: &Gray, p: DVec2, px_from_square: DMat2, clear: f64, meets: Meets) -> Option<Corner> {
    let square_from_px = px_from_square.inverse();
    if !square_from_px.is_finite() {
        return None;
    }
    let (a, b) = (px_from_square.x_axis, px_from_square.y_axis);
    let least = px_from_square.determinant().abs() / a.length().max(b.length()).max(1e-9);
    // The window is a parallelogram like the square, but never less than two pixels about the corner.
    let reach = clear.min(MAX_HALF_PX / least);
    let half = (a.abs() * reach + b.abs() * reach).ceil().min(DVec2::splat(14.0)).max(DVec2::splat(3.0));
    let mut at = p;
    for _ in 0..20 {
        if !(at.x > half.x + 3.0
            && at.y > half.y + 3.0
            && at.x < gray.width as f64 - half.x - 3.0
            && at.y < gray.height as f64 - half.y - 3.0)
        {
            return None;
        }
        let (mut xx, mut xy, mut yy, mut right) = (0.0, 0.0, 0.0, DVec2::ZERO);
        let middle = (at - 0.5).round() + 0.5;
        for dy in -(half.y as i32)..=half.y as i32 {
            for dx in -(half.x as i32)..=half.x as i32 {
                let q = middle + DVec2::new(f64::from(dx), f64::from(dy));
                let d = q - at;
                let inside = square_from_px * d / reach;
                let near = inside.abs().max_element();
                let weight = if near < 1.0 {
                    (1.0 - near * near).powi(2) + 0.05
                } else if d.length_squared() < 6.0 {
                    0.05
                } else {
                    continue;
                };
                let g = slope(gray, q);
                xx += weight * g.x * g.x;
                xy += weight * g.x * g.y;
                yy += weight * g.y * g.y;
                right += weight * g * g.dot(q);
            }
        }
        let det = xx * yy - xy * xy;
        if det < 0.01 * (xx + yy).powi(2) * 0.25 || det <= 0.0 {
            return None;
        }
        let next = DVec2::new(yy * right.x - xy * right.y, xx * right.y - xy * right.x) / det;
        let step = (next - at).length();
        at = next;
        if (square_from_px * (at - p)).length() > REACH {
            return None;
        }
        if step < 1e-3 {
            break;
        }
    }
    judged(gray, at, px_from_square, clear, meets)
}

/// The slope after a smoothing, code values per pixel; `q` is a pixel's centre. A narrower one would be off by 0.07 px where edges are as
/// sharp as the pixels, this one is by 0.04.
fn slope(gray: &Gray, q: DVec2) -> DVec2 {
    const ALONG: [f64; 5] = [-0.125, -0.25, 0.0, 0.25, 0.125];
    const BESIDE: [f64; 5] = [0.0625, 0.25, 0.375, 0.25, 0.0625];
    let (x, y) = (q.x as usize - 2, q.y as usize - 2);
    let mut sum = DVec2::ZERO;
    for dy in 0..5 {
        let row = &gray.values[(y + dy) * gray.width + x..][..5];
        for dx in 0..5 {
            sum += DVec2::new(ALONG[dx] * BESIDE[dy], BESIDE[dx] * ALONG[dy]) * f64::from(row[dx]);
        }
    }
    sum
}

/// Whether dark and bright alternate about it, and how sharply.
fn judged(gray: &Gray, at: DVec2, px_from_square: DMat2, clear: f64, meets: Meets) -> Option<Corner> {
    let d = 0.62 * clear;
    let value = |x: f64, y: f64| gray.sample(at + px_from_square * DVec2::new(x, y));
    let quarters = [value(d, d), value(-d, -d), value(d, -d), value(-d, d)];
    let (one, other) = ((quarters[0] + quarters[1]) * 0.5, (quarters[2] + quarters[3]) * 0.5);
    let contrast = (one - other).abs();
    let parted = if one > other {
        quarters[0].min(quarters[1]) - quarters[2].max(quarters[3])
    } else {
        quarters[2].min(quarters[3]) - quarters[0].max(quarters[1])
    };
    let is_cross = contrast >= 8.0 && parted >= 0.25 * contrast;
    let alone = (meets == Meets::CrossOrOne && !is_cross).then(|| one_dark(quarters)).flatten();
    if !is_cross && alone.is_none() {
        return None;
    }
    // Profiles across the two edges, on both sides of the corner, well away from it.
    let mut widths = [0.0; 2];
    for (k, width) in widths.iter_mut().enumerate() {
        let (across, along) = if k == 0 { (DVec2::X, DVec2::Y) } else { (DVec2::Y, DVec2::X) };
        let step = px_from_square * across;
        let normal = {
            let along_px = (px_from_square * along).normalize_or(DVec2::X);
            let out = DVec2::new(along_px.y, -along_px.x);
            if out.dot(step) < 0.0 { -out } else { out }
        };
        // Not as far as the marker in the bright square.
        let reach_px = (0.6 * clear * normal.dot(step)).clamp(1.5, 8.0);
        let (mut sum, mut sides) = (0.0, 0.0);
        for side in [-1.0, 1.0] {
            // A square that is alone has its edges on its own side only.
            if alone.is_some_and(|d| side * d.dot(along) < 0.0) {
                continue;
            }
            sides += 1.0;
            let p = at + px_from_square * (along * side * 0.3);
            let profile = |t: f64| f64::from(gray.sample(p + normal * t));
            let whole = (profile(reach_px) - profile(-reach_px)).abs();
            let n = (2.0 * reach_px / 0.5) as i32;
            let steepest =
                (0..=n).map(|i| -reach_px + f64::from(i) * 0.5).map(|t| (profile(t + 0.5) - profile(t - 0.5)).abs()).fold(1e-6, f64::max);
            sum += (whole / steepest).clamp(1.0, 30.0);
        }
        *width = sum / sides;
    }
    Some(Corner { px: at, edge_px: widths[0].max(widths[1]) })
}

/// On which side the one dark square of four lies: those at (+,+), (−,−), (+,−), (−,+).
fn one_dark(quarters: [f32; 4]) -> Option<DVec2> {
    const AT: [DVec2; 4] = [DVec2::ONE, DVec2::NEG_ONE, DVec2::new(1.0, -1.0), DVec2::new(-1.0, 1.0)];
    let darkest = (0..4).min_by(|a, b| quarters[*a].total_cmp(&quarters[*b]))?;
    let others = (0..4).filter(|i| *i != darkest).map(|i| quarters[i]);
    let (low, high) = others.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
    let contrast = high - quarters[darkest];
    (contrast >= 8.0 && low - quarters[darkest] >= 0.6 * contrast).then_some(AT[darkest])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A corner at a fraction of a pixel, averaged over each pixel.
    fn picture(at: DVec2, turned_rad: f64, blur_px: f64) -> Gray {
        let (w, h) = (40, 40);
        let turn = DVec2::from_angle(-turned_rad);
        let soft = |x: f64| (x / blur_px.max(0.05)).clamp(-1.0, 1.0);
        let mut values = Vec::new();
        for y in 0..h {
            for x in 0..w {
                let mut sum = 0.0;
                for i in 0..64 {
                    let p = DVec2::new(x as f64 + (f64::from(i % 8) + 0.5) / 8.0, y as f64 + (f64::from(i / 8) + 0.5) / 8.0);
                    let q = turn.rotate(p - at);
                    sum += 120.0 + 90.0 * soft(q.x) * soft(q.y);
                }
                values.push((sum / 64.0) as f32);
            }
        }
        Gray { width: w, height: h, values }
    }

    #[test]
    fn a_corner_is_found_to_a_twentieth_of_a_pixel_and_its_blur_is_told() {
        for (k, turned) in [0.0, 0.3, 0.7].into_iter().enumerate() {
            let truth = DVec2::new(20.3 + 0.17 * k as f64, 19.8 - 0.23 * k as f64);
            let steps = DMat2::from_angle(turned) * 30.0;
            let found = settled(&picture(truth, turned, 0.0), truth + DVec2::new(1.1, -0.8), steps, 0.2).unwrap();
            assert!((found.px - truth).length() < 0.05, "{turned}: {} {truth}", found.px);
            let soft = settled(&picture(truth, turned, 4.0), truth, steps, 0.2).unwrap();
            assert!(found.edge_px < 2.0 && soft.edge_px > 3.0, "{} {}", found.edge_px, soft.edge_px);
        }
        // An edge alone is no corner.
        let edge = Gray { width: 40, height: 40, values: (0..1600).map(|i| if i % 40 < 20 { 30.0 } else { 200.0 }).collect() };
        assert!(settled(&edge, DVec2::new(20.0, 20.0), DMat2::IDENTITY * 30.0, 0.2).is_none());
    }
}
