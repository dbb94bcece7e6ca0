//! The corners of a chessboard, which says no numbers: saddles of brightness that continue each other as a grid.
//!
//! A chessboard is used only where all of its inner corners (but for a tenth) are seen: else nobody could say which they are. Which end is the
//! first follows from the colour of its upper left square.

use std::collections::{BTreeMap, VecDeque};

use glam::{DMat2, DVec2, IVec2};

use super::{
    corners::{Corner, settled},
    description::Board,
    detect::Rejection,
};
use crate::frame::gray::Gray;

/// A place where brightness is a saddle.
#[derive(Debug, Clone, Copy)]
struct Saddle {
    px: DVec2,
    /// Second derivatives: xx, xy, yy.
    bend: [f64; 3],
    /// Directions of the two edges that cross there.
    edges: [DVec2; 2],
    strength: f64,
}

impl Saddle {
    /// Second derivative along a direction: negative where the squares on that diagonal are the dark ones.
    fn along(&self, d: DVec2) -> f64 {
        self.bend[0] * d.x * d.x + 2.0 * self.bend[1] * d.x * d.y + self.bend[2] * d.y * d.y
    }
}

/// At most so many saddles, the strongest.
const MOST_SADDLES: usize = 1200;
/// At most so many of them are tried as the beginning of a grid.
const MOST_SEEDS: usize = 80;
/// Second derivative that is more than grain, squared.
const LEAST_STRENGTH: f64 = 25.0;

pub(super) fn corners(board: &Board, looked_at: &Gray, gray: &Gray, scale: f64) -> Result<Vec<(usize, Corner)>, Rejection> {
    let saddles = saddles(looked_at);
    let size = IVec2::new(board.columns as i32 - 1, board.rows as i32 - 1);
    let mut tried = vec![false; saddles.len()];
    let mut most = 0;
    for seed in 0..saddles.len().min(MOST_SEEDS) {
        if tried[seed] {
            continue;
        }
        let Some(grid) = grown(&saddles, seed) else { continue };
        for &i in grid.values() {
            tried[i] = true;
        }
        most = most.max(grid.len());
        if let Some(numbered) = numbered(&saddles, &grid, size) {
            return Ok(settle(board, gray, scale, size, &numbered));
        }
    }
    let all = board.corner_count();
    Err(if most * 4 >= all { Rejection::TooFewCorners { found: most.min(all - 1), needed: all } } else { Rejection::NoBoard })
}

fn settle(board: &Board, gray: &Gray, scale: f64, size: IVec2, numbered: &BTreeMap<(i32, i32), DVec2>) -> Vec<(usize, Corner)> {
    let step = |(x, y): (i32, i32), d: (i32, i32)| -> Option<DVec2> {
        let at = |k: i32| numbered.get(&(x + k * d.0, y + k * d.1)).copied();
        match (at(-1), at(0), at(1)) {
            (Some(a), _, Some(b)) => Some((b - a) * 0.5),
            (None, Some(a), Some(b)) | (Some(a), Some(b), None) => Some(b - a),
            _ => None,
        }
    };
    let one = |(at, px): (&(i32, i32), &DVec2)| {
        let steps = DMat2::from_cols(step(*at, (1, 0))? * scale, step(*at, (0, 1))? * scale);
        Some(((at.1 * size.x + at.0) as usize, settled(gray, *px * scale, steps, 0.35)?))
    };
    let mut all: Vec<(usize, Corner)> = numbered.iter().filter_map(one).collect();
    all.sort_by_key(|(i, _)| *i);
    all.retain(|(i, _)| *i < board.corner_count());
    all
}

/// The same, blurred by about 1.4 px: the binomial of five, twice.
fn blurred(gray: &Gray) -> Gray {
    const TAPS: [f32; 5] = [0.0625, 0.25, 0.375, 0.25, 0.0625];
    let (w, h) = (gray.width, gray.height);
    let mut values = gray.values.clone();
    let mut next = values.clone();
    for _ in 0..2 {
        for y in 0..h {
            for x in 0..w {
                next[y * w + x] = (0..5).map(|k| TAPS[k] * values[y * w + (x + k).saturating_sub(2).min(w - 1)]).sum();
            }
        }
        for y in 0..h {
            let rows: [usize; 5] = std::array::from_fn(|k| (y + k).saturating_sub(2).min(h - 1) * w);
            for x in 0..w {
                values[y * w + x] = (0..5).map(|k| TAPS[k] * next[rows[k] + x]).sum();
            }
        }
    }
    Gray { width: w, height: h, values }
}

fn saddles(gray: &Gray) -> Vec<Saddle> {
    let soft = blurred(gray);
    let (w, h) = (gray.width, gray.height);
    if w < 24 || h < 24 {
        return vec![];
    }
    let bend = |x: usize, y: usize| -> [f32; 3] {
        let at = |dx: usize, dy: usize| soft.values[(y + dy - 2) * w + x + dx - 2];
        let middle = at(2, 2);
        [at(4, 2) - 2.0 * middle + at(0, 2), 0.25 * (at(4, 4) - at(0, 4) - at(4, 0) + at(0, 0)), at(2, 4) - 2.0 * middle + at(2, 0)]
    };
    let mut strength = vec![0.0_f32; w * h];
    for y in 4..h - 4 {
        for x in 4..w - 4 {
            let [xx, xy, yy] = bend(x, y);
            strength[y * w + x] = (xy * xy - xx * yy).max(0.0);
        }
    }
    let mut all = Vec::new();
    for y in 6..h - 6 {
        for x in 6..w - 6 {
            let s = strength[y * w + x];
            if f64::from(s) < LEAST_STRENGTH {
                continue;
            }
            let beaten = (-3_i32..=3).any(|dy| {
                let row = (y as i32 + dy) as usize * w;
                (-3_i32..=3).any(|dx| {
                    let other = strength[row + (x as i32 + dx) as usize];
                    other > s || (other == s && (dy, dx) < (0, 0))
                })
            });
            if beaten {
                continue;
            }
            let bend = bend(x, y).map(f64::from);
            if let Some(edges) = edges(bend) {
                all.push(Saddle { px: DVec2::new(x as f64 + 0.5, y as f64 + 0.5), bend, edges, strength: f64::from(s) });
            }
        }
    }
    all.sort_by(|a, b| b.strength.total_cmp(&a.strength));
    all.truncate(MOST_SADDLES);
    all
}

/// The two directions in which brightness does not bend: beside the principal axes.
fn edges([xx, xy, yy]: [f64; 3]) -> Option<[DVec2; 2]> {
    let half = (0.25 * (xx - yy).powi(2) + xy * xy).sqrt();
    let (rises, falls) = (0.5 * (xx + yy) + half, 0.5 * (xx + yy) - half);
    if !(rises > 0.0 && falls < 0.0) {
        return None;
    }
    let axis = 0.5 * (2.0 * xy).atan2(xx - yy);
    let beside = (-rises / falls).sqrt().atan();
    let [a, b] = [axis + beside, axis - beside].map(DVec2::from_angle);
    (a.perp_dot(b).abs() > 0.2).then_some([a, b])
}

/// A grid of saddles about one of them.
fn grown(saddles: &[Saddle], seed: usize) -> Option<BTreeMap<(i32, i32), usize>> {
    let first = &saddles[seed];
    let [u, v] = first.edges;
    let sign = |s: &Saddle| s.along(u + v) - s.along(u - v);
    // Neighbours along an edge have their dark squares on the other diagonal.
    // At the board's rim a single dark square meets the margin: a saddle too, of a quarter of the strength.
    let opposite = |a: &Saddle, b: &Saddle| sign(a) * sign(b) < 0.0 && b.strength > 0.5 * a.strength && a.strength > 0.5 * b.strength;
    let beside = |d: DVec2| -> Option<usize> {
        let fits = |i: &usize| {
            let way = saddles[*i].px - first.px;
            let length = way.length();
            length > 5.0 && way.dot(d) > 0.97 * length && opposite(first, &saddles[*i])
        };
        (0..saddles.len()).filter(fits).min_by(|a, b| (saddles[*a].px - first.px).length().total_cmp(&(saddles[*b].px - first.px).length()))
    };
    let step = |d: DVec2| beside(d).map(|i| saddles[i].px - first.px).or_else(|| beside(-d).map(|i| first.px - saddles[i].px));
    let (across, down) = (step(u)?, step(v)?);
    let mut grid: BTreeMap<(i32, i32), usize> = BTreeMap::from([((0, 0), seed)]);
    let mut steps: BTreeMap<(i32, i32), [DVec2; 2]> = BTreeMap::from([((0, 0), [across, down])]);
    let mut open = VecDeque::from([(0_i32, 0_i32)]);
    while let Some(at) = open.pop_front() {
        let (here, known) = (saddles[grid[&at]].px, steps[&at]);
        for (axis, way) in [(0, 1), (0, -1), (1, 1), (1, -1)] {
            let next = if axis == 0 { (at.0 + way, at.1) } else { (at.0, at.1 + way) };
            if grid.contains_key(&next) || grid.len() > 5000 {
                continue;
            }
            let expected = here + known[axis] * f64::from(way);
            let reach = 0.3 * known[0].length().min(known[1].length());
            let off = |i: &usize| (saddles[*i].px - expected).length();
            let found = (0..saddles.len()).filter(|i| off(i) < reach).min_by(|a, b| off(a).total_cmp(&off(b)));
            let Some(i) = found.filter(|i| opposite(&saddles[grid[&at]], &saddles[*i]) && !grid.values().any(|g| g == i)) else { continue };
            let mut own = known;
            own[axis] = (saddles[i].px - here) * f64::from(way);
            grid.insert(next, i);
            steps.insert(next, own);
            open.push_back(next);
        }
    }
    (grid.len() >= 4).then_some(grid)
}

/// The grid as the board counts it: where its size is the board's, whichever way it is turned.
fn numbered(saddles: &[Saddle], grid: &BTreeMap<(i32, i32), usize>, size: IVec2) -> Option<BTreeMap<(i32, i32), DVec2>> {
    let low = grid.keys().fold(IVec2::MAX, |a, k| a.min(IVec2::new(k.0, k.1)));
    let high = grid.keys().fold(IVec2::MIN, |a, k| a.max(IVec2::new(k.0, k.1)));
    let found = high - low + 1;
    if (found != size && found != IVec2::new(size.y, size.x)) || grid.len() as i32 * 10 < size.x * size.y * 9 {
        return None;
    }
    let mut at: BTreeMap<(i32, i32), usize> = grid.iter().map(|(k, i)| ((k.0 - low.x, k.1 - low.y), *i)).collect();
    let mut now = found;
    let step = |at: &BTreeMap<(i32, i32), usize>, d: (i32, i32)| -> DVec2 {
        at.iter().filter_map(|(k, i)| Some(saddles[*at.get(&(k.0 + d.0, k.1 + d.1))?].px - saddles[*i].px)).sum()
    };
    // As it is seen, y follows x clockwise.
    if step(&at, (1, 0)).perp_dot(step(&at, (0, 1))) < 0.0 {
        at = at.into_iter().map(|(k, i)| ((k.0, now.y - 1 - k.1), i)).collect();
    }
    if now != size {
        at = at.into_iter().map(|(k, i)| ((k.1, now.x - 1 - k.0), i)).collect();
        now = size;
    }
    // The upper left square is black: about the corners of even places, the diagonal through both axes falls.
    let (x, y) = (step(&at, (1, 0)).normalize_or(DVec2::X), step(&at, (0, 1)).normalize_or(DVec2::Y));
    let falls: f64 = at
        .iter()
        .map(|(k, i)| {
            let s = &saddles[*i];
            (s.along(x + y) - s.along(x - y)).signum() * if (k.0 + k.1) % 2 == 0 { 1.0 } else { -1.0 }
        })
        .sum();
    if falls > 0.0 {
        at = at.into_iter().map(|(k, i)| ((now.x - 1 - k.0, now.y - 1 - k.1), i)).collect();
    }
    Some(at.into_iter().map(|(k, i)| (k, saddles[i].px)).collect())
}
