//! Markers in a gray picture: dark rings of four sides that say a number.
//!
//! Pictures are thresholded against the mean about each pixel at several scales; connected dark areas whose hull is a quadrilateral are looked
//! into through its homography (the way of S. Garrido-Jurado et al., 2014; nothing is taken from their code).

use glam::DVec2;

use super::{
    description::Markers,
    dictionary::Dictionary,
    plane::{apply, homography},
};
use crate::frame::gray::Gray;

/// A marker that was read.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub id: u32,
    /// Upper left, upper right, lower right, lower left on the board; px.
    pub corners_px: [DVec2; 4],
    contrast: f32,
}

/// What was found, also where nothing was read.
#[derive(Debug, Default)]
pub(super) struct Search {
    pub found: Vec<Found>,
    /// Markers of the board that can only be read in a mirror.
    pub mirrored: usize,
}

/// Sides of the squares over which the mean is taken, px.
const WINDOWS_PX: [usize; 3] = [13, 27, 61];
/// As dark as this against the mean is dark, code values and share of the mean.
const DARKER: (f32, f32) = (4.0, 0.04);
/// The least side of a marker, px: two pixels for each of its squares.
const LEAST_SIDE_PX: f64 = 11.0;

/// Finds the markers of a board; `gray` has dark markers.
pub(super) fn search(gray: &Gray, markers: &Markers) -> Search {
    let allowed: Vec<u32> = markers.at.iter().map(|(id, _)| *id).collect();
    let sums = Sums::new(gray);
    let mut search = Search::default();
    for window in WINDOWS_PX {
        let mask = dark(gray, &sums, window);
        let mut all = quads(&mask, gray.width, gray.height);
        if markers.touching {
            all.extend(quads(&thinned(&mask, gray.width), gray.width, gray.height).iter().map(|q| grown(q, 1.0)));
        }
        for quad in all {
            let Some((code, contrast)) = read(gray, &quad, markers.dictionary.bits, markers.border) else { continue };
            if let Some((id, turns)) = markers.dictionary.find(code, &allowed, markers.dictionary.wrong) {
                let sharp = sharpened(gray, &quad).unwrap_or(quad);
                let corners_px = std::array::from_fn(|i| sharp[(i + turns as usize) % 4]);
                add(&mut search.found, Found { id, corners_px, contrast });
            } else if mirrored(&markers.dictionary, code, &allowed) {
                search.mirrored += 1;
            }
        }
    }
    search
}

fn mirrored(dictionary: &Dictionary, code: u64, allowed: &[u32]) -> bool {
    dictionary.find(dictionary.mirrored(code), allowed, 0).is_some()
}

/// One marker is found at several scales: the one of most contrast stays.
fn add(found: &mut Vec<Found>, new: Found) {
    let middle = |f: &Found| f.corners_px.iter().sum::<DVec2>() * 0.25;
    let side = (new.corners_px[0] - new.corners_px[2]).length();
    match found.iter_mut().find(|f| f.id == new.id && (middle(f) - middle(&new)).length() < 0.3 * side) {
        Some(old) if new.contrast > old.contrast => *old = new,
        Some(_) => {}
        None => found.push(new),
    }
}

/// Sums of all values above and to the left.
struct Sums {
    width: usize,
    values: Vec<f64>,
}

impl Sums {
    fn new(gray: &Gray) -> Self {
        let width = gray.width + 1;
        let mut values = vec![0.0; width * (gray.height + 1)];
        for y in 0..gray.height {
            let mut row = 0.0;
            for x in 0..gray.width {
                row += f64::from(gray.values[y * gray.width + x]);
                values[(y + 1) * width + x + 1] = values[y * width + x + 1] + row;
            }
        }
        Self { width, values }
    }
}

fn dark(gray: &Gray, sums: &Sums, window: usize) -> Vec<bool> {
    let (w, h, half) = (gray.width, gray.height, window / 2);
    let mut mask = vec![false; w * h];
    for y in 0..h {
        let (top, bottom) = (y.saturating_sub(half), (y + half + 1).min(h));
        let (above, below) = (&sums.values[top * sums.width..], &sums.values[bottom * sums.width..]);
        for x in 0..w {
            let (left, right) = (x.saturating_sub(half), (x + half + 1).min(w));
            let sum = below[right] - below[left] - above[right] + above[left];
            let mean = (sum / ((right - left) * (bottom - top)) as f64) as f32;
            mask[y * w + x] = gray.values[y * w + x] < mean - DARKER.0.max(DARKER.1 * mean);
        }
    }
    mask
}

/// Without the outermost pixels: what only touches at a corner comes apart.
fn thinned(mask: &[bool], width: usize) -> Vec<bool> {
    let last = mask.len().saturating_sub(width);
    let whole = |i: usize| mask[i] && mask[i - 1] && mask[i + 1] && mask[i - width] && mask[i + width];
    (0..mask.len()).map(|i| i > width && i < last && i + 1 < mask.len() && whole(i)).collect()
}

/// Each side moved outwards by so many px; corners clockwise as seen.
fn grown(quad: &[DVec2; 4], by_px: f64) -> [DVec2; 4] {
    let side = |i: usize| {
        let (a, b) = (quad[i], quad[(i + 1) % 4]);
        let along = (b - a).normalize_or(DVec2::X);
        (a + DVec2::new(along.y, -along.x) * by_px, along)
    };
    std::array::from_fn(|i| meet(side((i + 3) % 4), side(i)).unwrap_or(quad[i]))
}

/// A stretch of dark pixels in a row.
struct Run {
    y: usize,
    x0: usize,
    x1: usize,
}

/// Quadrilaterals about connected dark areas; corners clockwise as seen.
fn quads(mask: &[bool], width: usize, height: usize) -> Vec<[DVec2; 4]> {
    let mut runs: Vec<Run> = Vec::new();
    let mut parent: Vec<usize> = Vec::new();
    let mut above = 0..0;
    for y in 0..height {
        let row = &mask[y * width..(y + 1) * width];
        let first = runs.len();
        let mut x = 0;
        while x < width {
            if row[x] {
                let x0 = x;
                while x < width && row[x] {
                    x += 1;
                }
                runs.push(Run { y, x0, x1: x });
                parent.push(parent.len());
            } else {
                x += 1;
            }
        }
        let mut upper = above.start;
        for i in first..runs.len() {
            while upper < above.end && runs[upper].x1 <= runs[i].x0 {
                upper += 1;
            }
            let mut j = upper;
            while j < above.end && runs[j].x0 < runs[i].x1 {
                let (a, b) = (root(&mut parent, i), root(&mut parent, j));
                parent[a.max(b)] = a.min(b);
                j += 1;
            }
        }
        above = first..runs.len();
    }
    let mut of: std::collections::BTreeMap<usize, Vec<usize>> = std::collections::BTreeMap::new();
    for i in 0..runs.len() {
        of.entry(root(&mut parent, i)).or_default().push(i);
    }
    of.values().filter_map(|members| quad_about(&runs, members, width, height)).collect()
}

fn root(parent: &mut [usize], mut i: usize) -> usize {
    while parent[i] != i {
        parent[i] = parent[parent[i]];
        i = parent[i];
    }
    i
}

fn quad_about(runs: &[Run], members: &[usize], width: usize, height: usize) -> Option<[DVec2; 4]> {
    let (first, last) = (runs[*members.first()?].y, runs[*members.last()?].y);
    if last - first < 8 || first == 0 || last + 1 == height {
        return None;
    }
    let mut rows = vec![(usize::MAX, 0); last - first + 1];
    for run in members.iter().map(|i| &runs[*i]) {
        let row = &mut rows[run.y - first];
        *row = (row.0.min(run.x0), row.1.max(run.x1));
    }
    let (left, right) = (rows.iter().map(|r| r.0).min()?, rows.iter().map(|r| r.1).max()?);
    if right - left < 8 || left == 0 || right >= width {
        return None;
    }
    let mut points: Vec<DVec2> = Vec::with_capacity(rows.len() * 4);
    for (i, (a, b)) in rows.iter().enumerate().filter(|(_, r)| r.0 < r.1) {
        let y = (first + i) as f64;
        points.extend([(*a, y), (*b, y), (*a, y + 1.0), (*b, y + 1.0)].map(|(x, y)| DVec2::new(x as f64, y)));
    }
    let hull = hull(points);
    let quad = largest_quad(&hull)?;
    let (quad_area, hull_area) = (area(&quad), area(&hull));
    let sides: Vec<f64> = (0..4).map(|i| (quad[i] - quad[(i + 1) % 4]).length()).collect();
    let shortest = sides.iter().fold(f64::INFINITY, |a, b| a.min(*b));
    let thinnest = quad_area / sides.iter().fold(0.0_f64, |a, b| a.max(*b));
    (hull_area < 1.18 * quad_area && shortest > 0.7 * LEAST_SIDE_PX && quad_area.sqrt() > LEAST_SIDE_PX && thinnest > 0.6 * LEAST_SIDE_PX)
        .then_some(quad)
}

/// Twice the area would be its shoelace; positive when clockwise with y down.
fn area(polygon: &[DVec2]) -> f64 {
    0.5 * (0..polygon.len()).map(|i| polygon[i].perp_dot(polygon[(i + 1) % polygon.len()])).sum::<f64>()
}

/// The convex hull, clockwise with y down (Andrew's monotone chain).
fn hull(mut points: Vec<DVec2>) -> Vec<DVec2> {
    points.sort_by(|a, b| a.x.total_cmp(&b.x).then(a.y.total_cmp(&b.y)));
    points.dedup();
    let half = |points: &mut dyn Iterator<Item = DVec2>| {
        let mut chain: Vec<DVec2> = Vec::new();
        for p in points {
            while let [.., a, b] = chain.as_slice() {
                if (*b - *a).perp_dot(p - *b) > 0.0 {
                    break;
                }
                chain.pop();
            }
            chain.push(p);
        }
        chain.pop();
        chain
    };
    let mut chain = half(&mut points.iter().copied());
    chain.extend(half(&mut points.iter().rev().copied()));
    chain
}

/// Four of the hull's corners that span the largest area, found by exchanging one at a time.
fn largest_quad(hull: &[DVec2]) -> Option<[DVec2; 4]> {
    let n = hull.len();
    if n < 4 {
        return None;
    }
    let far = |from: DVec2| (0..n).max_by(|a, b| (hull[*a] - from).length_squared().total_cmp(&(hull[*b] - from).length_squared()));
    let a = far(hull.iter().sum::<DVec2>() / n as f64)?;
    let c = far(hull[a])?;
    let beside = |sign: f64| {
        let off = |i: usize| sign * (hull[c] - hull[a]).perp_dot(hull[i] - hull[a]);
        (0..n).max_by(|i, j| off(*i).total_cmp(&off(*j)))
    };
    let mut at = [a, beside(1.0)?, c, beside(-1.0)?];
    at.sort_unstable();
    let of = |at: &[usize; 4]| area(&at.map(|i| hull[i]));
    for _ in 0..6 {
        let before = at;
        for k in 0..4 {
            let (low, high) = (at[(k + 3) % 4], at[(k + 1) % 4]);
            // Between its neighbours, around the end of the list.
            let span = (high + n - low) % n;
            for step in 1..span {
                let mut other = at;
                other[k] = (low + step) % n;
                if of(&other) > of(&at) + 1e-9 {
                    at = other;
                }
            }
        }
        if at == before {
            break;
        }
    }
    at.sort_unstable();
    let distinct = at.windows(2).all(|w| w[0] < w[1]);
    distinct.then(|| at.map(|i| hull[i])).filter(|q| area(q) > 0.0)
}

const UNIT: [DVec2; 4] = [DVec2::ZERO, DVec2::X, DVec2::ONE, DVec2::Y];

/// The bits inside a dark border so many squares wide, white = 1, and the contrast; `None` where the border is not dark.
fn read(gray: &Gray, quad: &[DVec2; 4], bits: usize, border: usize) -> Option<(u64, f32)> {
    let h = homography(&std::array::from_fn::<_, 4, _>(|i| (UNIT[i], quad[i])))?;
    let n = bits + 2 * border;
    let inside = border..n - border;
    let mut values = Vec::with_capacity(n * n);
    for y in 0..n {
        for x in 0..n {
            let mut sum = 0.0;
            for (dx, dy) in [(0.0, 0.0), (-0.2, -0.2), (0.2, -0.2), (-0.2, 0.2), (0.2, 0.2)] {
                sum += gray.sample(apply(&h, DVec2::new(x as f64 + 0.5 + dx, y as f64 + 0.5 + dy) / n as f64));
            }
            values.push(sum * 0.2);
        }
    }
    let (threshold, contrast) = otsu(&values)?;
    let mut wrong = 0;
    let mut code = 0;
    for (i, v) in values.iter().enumerate() {
        let (x, y, white) = (i % n, i / n, *v > threshold);
        if inside.contains(&x) && inside.contains(&y) {
            code = code << 1 | u64::from(white);
        } else {
            wrong += usize::from(white);
        }
    }
    (wrong <= border * bits / 4 && contrast > 8.0).then_some((code, contrast))
}

/// Where dark and bright part best, and how far they are apart (N. Otsu, 1979).
fn otsu(values: &[f32]) -> Option<(f32, f32)> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f32::total_cmp);
    let total: f32 = sorted.iter().sum();
    let n = sorted.len();
    let (mut below, mut best): (f32, Option<(f32, f32, f32)>) = (0.0, None);
    for i in 1..n {
        below += sorted[i - 1];
        let (low, high) = (below / i as f32, (total - below) / (n - i) as f32);
        let between = (i * (n - i)) as f32 * (high - low).powi(2);
        if best.is_none_or(|(b, ..)| between > b) {
            best = Some((between, 0.5 * (low + high), high - low));
        }
    }
    best.map(|(_, threshold, contrast)| (threshold, contrast))
}

/// The corners where lines along the steepest fall of its sides meet.
fn sharpened(gray: &Gray, quad: &[DVec2; 4]) -> Option<[DVec2; 4]> {
    let mut lines = Vec::with_capacity(4);
    for i in 0..4 {
        let (a, b) = (quad[i], quad[(i + 1) % 4]);
        let along = (b - a).try_normalize()?;
        // Clockwise with y down: the outside lies to the left.
        let out = DVec2::new(along.y, -along.x);
        let mut points = Vec::new();
        for k in 0..16 {
            let p = a.lerp(b, 0.12 + 0.76 * f64::from(k) / 15.0);
            let slope = |t: f64| gray.sample(p + out * (t + 0.5)) - gray.sample(p + out * (t - 0.5));
            let (mut best, mut at) = (0.0, None);
            for j in -5..=5 {
                let t = f64::from(j) * 0.5;
                if slope(t) > best {
                    (best, at) = (slope(t), Some(t));
                }
            }
            points.extend(at.map(|t| p + out * t));
        }
        lines.push(line(&points)?);
    }
    let corner = |i: usize| meet(lines[(i + 3) % 4], lines[i]);
    let corners = [corner(0)?, corner(1)?, corner(2)?, corner(3)?];
    let far = (0..4).any(|i| (corners[i] - quad[i]).length() > 3.5);
    (!far).then_some(corners)
}

/// A point and a direction, by least squares, twice: the second time without what lies beside.
fn line(points: &[DVec2]) -> Option<(DVec2, DVec2)> {
    let mut kept = points.to_vec();
    let mut result = None;
    for _ in 0..2 {
        if kept.len() < 4 {
            return None;
        }
        let middle = kept.iter().sum::<DVec2>() / kept.len() as f64;
        let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
        for d in kept.iter().map(|p| *p - middle) {
            (xx, xy, yy) = (xx + d.x * d.x, xy + d.x * d.y, yy + d.y * d.y);
        }
        let angle = 0.5 * (2.0 * xy).atan2(xx - yy);
        let along = DVec2::new(angle.cos(), angle.sin());
        result = Some((middle, along));
        let off = |p: &DVec2| (*p - middle).perp_dot(along).abs();
        let mut sorted: Vec<f64> = kept.iter().map(off).collect();
        sorted.sort_by(f64::total_cmp);
        let limit = (2.5 * sorted[sorted.len() / 2]).max(0.4);
        kept.retain(|p| off(p) <= limit);
    }
    result
}

fn meet((a, along_a): (DVec2, DVec2), (b, along_b): (DVec2, DVec2)) -> Option<DVec2> {
    let det = along_a.perp_dot(along_b);
    (det.abs() > 0.05).then(|| a + along_a * ((b - a).perp_dot(along_b) / det))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hull_of_a_turned_square_gives_its_corners() {
        let corners = [(20.0, 5.0), (45.0, 12.0), (38.0, 40.0), (10.0, 30.0)].map(|(x, y)| DVec2::new(x, y));
        let inside = |p: DVec2| (0..4).all(|i| (corners[(i + 1) % 4] - corners[i]).perp_dot(p - corners[i]) > 0.0);
        let mask: Vec<bool> = (0..60 * 50).map(|i| inside(DVec2::new(f64::from(i % 60) + 0.5, f64::from(i / 60) + 0.5))).collect();
        let found = quads(&mask, 60, 50);
        assert_eq!(found.len(), 1);
        for c in corners {
            assert!(found[0].iter().any(|f| (*f - c).length() < 1.6), "{found:?}");
        }
        // A disc has no corners.
        let disc: Vec<bool> = (0..60 * 50).map(|i| (DVec2::new(f64::from(i % 60), f64::from(i / 60)) - 25.0).length() < 18.0).collect();
        assert!(quads(&disc, 60, 50).is_empty());
    }
}
