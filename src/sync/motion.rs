//! Corners that move, tracked through three frames of one camera.

use glam::{DMat2, DVec2};
use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};

use super::CameraBurst;
use crate::frame::gray::{Gray, PATCH, Pyramid, correlation, settle};

/// Corners are the best of cells of this size, px of the working picture.
const CELL_PX: usize = 7;
/// Less motion than this from the first frame to the third carries no time, px.
const LEAST_MOTION_PX: f64 = 0.6;
/// The corner must look the same in all three frames.
const LEAST_CORRELATION: f32 = 0.85;
/// At most so many are followed per camera.
const MOST: usize = 900;
/// Levels of the pyramid that motion is followed through: up to 2⁴ · 2 px per step at the coarsest.
const LEVELS: usize = 5;

/// A moving corner; positions in px of the camera's picture, pixel centres at .5.
#[derive(Debug, Clone)]
pub(super) struct Mover {
    /// In the middle frame.
    pub at: DVec2,
    /// In the working picture of the middle frame, px.
    pub at_working: DVec2,
    /// In the frame before and the frame after.
    pub before: DVec2,
    pub after: DVec2,
    /// Its looks in the middle frame.
    pub looks: [f32; PATCH],
}

/// One camera's moving corners.
#[derive(Debug)]
pub(super) struct Movers {
    pub middle: Pyramid,
    pub movers: Vec<Mover>,
}

/// Finds and follows the moving corners of a burst.
pub(super) fn movers(burst: &CameraBurst) -> Movers {
    let [before, middle, after] = [0, 1, 2].map(|i| Pyramid::new(&burst.frames[i].1, LEVELS));
    let scale = middle.picture_px;
    let corners = moving_corners(middle.finest(), before.finest(), after.finest());
    let movers = corners
        .into_par_iter()
        .filter_map(|at| {
            let to_before = follow(&middle, &before, at)?;
            let to_after = follow(&middle, &after, at)?;
            let motion = to_after - to_before;
            // Over three frames real motion is nearly uniform; what is not was followed to the wrong place.
            let bend = (to_after + to_before - 2.0 * at).length();
            if motion.length() < LEAST_MOTION_PX || bend > 0.3 * motion.length() + 0.3 {
                return None;
            }
            let looks = middle.finest().patch(at, DMat2::IDENTITY);
            Some(Mover { at: at * scale, at_working: at, before: to_before * scale, after: to_after * scale, looks })
        })
        .collect();
    Movers { middle, movers }
}

/// Corners of the middle frame where something changes before and after it, best first.
fn moving_corners(middle: &Gray, before: &Gray, after: &Gray) -> Vec<DVec2> {
    let (width, height) = (middle.width, middle.height);
    if (before.width, before.height) != (width, height) || (after.width, after.height) != (width, height) {
        return Vec::new();
    }
    let at = |g: &Gray, x: usize, y: usize| g.values[y * width + x];
    // Half a patch and a little more must fit.
    let margin = 10;
    if width <= 2 * margin || height <= 2 * margin {
        return Vec::new();
    }
    let changes = |x: usize, y: usize| {
        let mut sum = 0.0;
        for (dx, dy) in [(0, 0), (2, 0), (0, 2), (2, 2), (1, 1)] {
            let (x, y) = (x + dx - 1, y + dy - 1);
            let m = at(middle, x, y);
            sum += (m - at(before, x, y)).abs().min((m - at(after, x, y)).abs());
        }
        sum / 5.0
    };
    let strength = |x: usize, y: usize| {
        let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
        for v in y - 2..=y + 2 {
            for u in x - 2..=x + 2 {
                let gx = 0.5 * (at(middle, u + 1, v) - at(middle, u - 1, v));
                let gy = 0.5 * (at(middle, u, v + 1) - at(middle, u, v - 1));
                (xx, xy, yy) = (xx + gx * gx, xy + gx * gy, yy + gy * gy);
            }
        }
        0.5 * (xx + yy - ((xx - yy) * (xx - yy) + 4.0 * xy * xy).sqrt())
    };
    let rows: Vec<usize> = (margin..height - margin - CELL_PX).step_by(CELL_PX).collect();
    let mut found: Vec<(f32, DVec2)> = rows
        .into_par_iter()
        .flat_map_iter(|y0| {
            (margin..width - margin - CELL_PX).step_by(CELL_PX).filter_map(move |x0| {
                let cell = (y0..y0 + CELL_PX).flat_map(|y| (x0..x0 + CELL_PX).map(move |x| (x, y)));
                let moving = cell.filter(|&(x, y)| changes(x, y) > 4.0);
                let best = moving.map(|(x, y)| (strength(x, y), x, y)).max_by(|a, b| a.0.total_cmp(&b.0))?;
                (best.0 > 60.0).then(|| (best.0, DVec2::new(best.1 as f64 + 0.5, best.2 as f64 + 0.5)))
            })
        })
        .collect();
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.y.total_cmp(&b.1.y)).then(a.1.x.total_cmp(&b.1.x)));
    found.truncate(MOST);
    found.into_iter().map(|(_, p)| p).collect()
}

/// Where a corner of one picture is in the other, coarse to fine; `None` when it is lost.
fn follow(from: &Pyramid, to: &Pyramid, at: DVec2) -> Option<DVec2> {
    let mut moved = DVec2::ZERO;
    for level in (0..from.levels.len().min(to.levels.len())).rev() {
        let shrink = f64::from(1_u32 << level);
        let p = at / shrink;
        moved *= if level + 1 < from.levels.len() { 2.0 } else { 1.0 };
        if !from.levels[level].holds(p, 2.0) {
            continue;
        }
        let wanted = from.levels[level].patch(p, DMat2::IDENTITY);
        match settle(&wanted, &to.levels[level], p + moved, DMat2::IDENTITY) {
            Some(q) => moved = q - p,
            None if level == 0 => return None,
            None => {}
        }
    }
    let q = at + moved;
    let same = correlation(&from.finest().patch(at, DMat2::IDENTITY), &to.finest().patch(q, DMat2::IDENTITY));
    (to.finest().holds(q, 2.0) && same > LEAST_CORRELATION).then_some(q)
}
