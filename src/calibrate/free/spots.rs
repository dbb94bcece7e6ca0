//! Spots of texture that are found again from another side: extrema of differences of Gaussians over scale, each with a histogram of the
//! gradients about it (D. Lowe, "Distinctive image features from scale-invariant keypoints", 2004), compared as R. Arandjelović and
//! A. Zisserman do ("Three things everyone should know to improve object retrieval", 2012).

use std::f32::consts::TAU;

use glam::DVec2;
use rayon::prelude::*;

use crate::rig::check::Luma;

/// Numbers of a description: 4 × 4 places, 8 directions.
pub(super) const NUMBERS: usize = 128;
/// A description of length one has the square of this.
pub(super) const UNIT: f64 = 512.0;
/// At most so many spots per picture.
const MOST: usize = 3000;
/// Layers per octave in which extrema are looked for.
const LAYERS: usize = 3;
/// Blur of the first layer, px of its octave.
const SIGMA: f32 = 1.6;
/// Blur that a picture has by itself, px.
const OWN_SIGMA: f32 = 0.5;
/// Least contrast of an extremum, of 255.
const LEAST_CONTRAST: f32 = 1.6;
/// Largest ratio of the curvatures: beyond it, it is an edge.
const EDGE: f32 = 12.0;
/// Pictures smaller than this are doubled first.
const SMALL_PX: usize = 720;
/// So many cells across; strong spots of one cell do not take the place of all others.
const CELLS: usize = 16;

/// One spot.
#[derive(Debug, Clone)]
pub(super) struct Spot {
    /// Where, px of the reduced picture, first pixel's centre at (0.5, 0.5).
    pub px: DVec2,
    /// How large, px of the reduced picture.
    pub size_px: f32,
    /// What the gradients about it are like.
    pub numbers: Box<[i16; NUMBERS]>,
}

/// A plane of values.
#[derive(Clone)]
struct Plane {
    w: usize,
    h: usize,
    v: Vec<f32>,
}

impl Plane {
    fn at(&self, x: usize, y: usize) -> f32 {
        self.v[y * self.w + x]
    }

    fn blurred(&self, sigma: f32) -> Self {
        let radius = (3.5 * sigma).ceil() as usize;
        let mut kernel: Vec<f32> = (0..=2 * radius).map(|i| (-0.5 * ((i as f32 - radius as f32) / sigma).powi(2)).exp()).collect();
        let sum: f32 = kernel.iter().sum();
        for k in &mut kernel {
            *k /= sum;
        }
        let (w, h) = (self.w, self.h);
        let mut across = vec![0.0; w * h];
        across.par_chunks_mut(w).zip(self.v.par_chunks(w)).for_each(|(to, from)| {
            let padded: Vec<f32> = (0..w + 2 * radius).map(|i| from[i.saturating_sub(radius).min(w - 1)]).collect();
            for (k, weight) in kernel.iter().enumerate() {
                to.iter_mut().zip(&padded[k..k + w]).for_each(|(t, f)| *t += weight * f);
            }
        });
        let mut v = vec![0.0; w * h];
        v.par_chunks_mut(w).enumerate().for_each(|(y, to)| {
            for (k, weight) in kernel.iter().enumerate() {
                let row = (y + k).saturating_sub(radius).min(h - 1);
                to.iter_mut().zip(&across[row * w..(row + 1) * w]).for_each(|(t, f)| *t += weight * f);
            }
        });
        Self { w, h, v }
    }

    fn every_second(&self) -> Self {
        let (w, h) = (self.w / 2, self.h / 2);
        Self { w, h, v: (0..w * h).map(|i| self.at(i % w * 2, i / w * 2)).collect() }
    }

    fn doubled(&self) -> Self {
        let (w, h) = (2 * self.w, 2 * self.h);
        // Pixel centres at .5: the finer one lies a quarter beside.
        let at = |i: usize, n: usize| {
            let x = (i as f32 - 0.5) * 0.5;
            let x0 = x.floor().max(0.0);
            (x0 as usize, (x0 as usize + 1).min(n - 1), (x - x0).clamp(0.0, 1.0))
        };
        let value = |i: usize| {
            let ((x0, x1, fx), (y0, y1, fy)) = (at(i % w, self.w), at(i / w, self.h));
            let row = |y| self.at(x0, y) * (1.0 - fx) + self.at(x1, y) * fx;
            row(y0) * (1.0 - fy) + row(y1) * fy
        };
        Self { w, h, v: (0..w * h).map(value).collect() }
    }
}

/// An extremum before it is described.
struct Found {
    x: f32,
    y: f32,
    layer: usize,
    /// Blur in px of its octave.
    sigma: f32,
    strength: f32,
}

/// Finds and describes the spots of a picture.
pub(super) fn spots(luma: &Luma) -> Vec<Spot> {
    if luma.width < 32 || luma.height < 32 {
        return Vec::new();
    }
    let plane = Plane { w: luma.width, h: luma.height, v: luma.values.clone() };
    let double = plane.w.max(plane.h) <= SMALL_PX;
    let (first, own) = if double { (plane.doubled(), 2.0 * OWN_SIGMA) } else { (plane, OWN_SIGMA) };
    let mut base = first.blurred((SIGMA * SIGMA - own * own).sqrt());
    let mut px = if double { 0.5 } else { 1.0 };
    let mut all: Vec<(f32, Spot)> = Vec::new();
    while base.w.min(base.h) >= 24 {
        let mut layers = vec![base];
        for k in 1..LAYERS + 3 {
            let ratio = 2.0_f32.powf(1.0 / LAYERS as f32);
            let (before, after) = (SIGMA * ratio.powi(k as i32 - 1), SIGMA * ratio.powi(k as i32));
            let next = layers[k - 1].blurred((after * after - before * before).sqrt());
            layers.push(next);
        }
        let differences: Vec<Plane> = layers
            .windows(2)
            .map(|l| Plane { w: l[0].w, h: l[0].h, v: l[1].v.iter().zip(&l[0].v).map(|(a, b)| a - b).collect() })
            .collect();
        let found: Vec<Found> = (1..=LAYERS).flat_map(|layer| extrema(&differences, layer)).collect();
        let described: Vec<Vec<(f32, Spot)>> = found
            .par_iter()
            .map(|f| {
                let plane = &layers[f.layer];
                let spot = |angle: f32| {
                    let numbers = described(plane, f, angle)?;
                    // Every second pixel was taken: the first pixel's centre stays where it was.
                    let at = |v: f32| f64::from(v) * px + if double { 0.25 } else { 0.5 };
                    Some((f.strength, Spot { px: DVec2::new(at(f.x), at(f.y)), size_px: f.sigma * px as f32, numbers }))
                };
                directions(plane, f).into_iter().filter_map(spot).collect()
            })
            .collect();
        all.extend(described.into_iter().flatten());
        base = layers[LAYERS].every_second();
        px *= 2.0;
    }
    spread(all, luma)
}

/// The strongest, spread over the picture.
fn spread(mut all: Vec<(f32, Spot)>, luma: &Luma) -> Vec<Spot> {
    let side = luma.width.max(luma.height).div_ceil(CELLS) as f64;
    all.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.px.x.total_cmp(&b.1.px.x)).then(a.1.px.y.total_cmp(&b.1.px.y)));
    if all.len() > MOST {
        let columns = (luma.width as f64 / side) as usize + 1;
        let mut rank = vec![0_usize; columns * ((luma.height as f64 / side) as usize + 1)];
        let mut ranked: Vec<(usize, Spot)> = all
            .into_iter()
            .map(|(_, s)| {
                let cell = &mut rank[(s.px.y / side) as usize * columns + (s.px.x / side) as usize];
                *cell += 1;
                (*cell, s)
            })
            .collect();
        ranked.sort_by_key(|r| r.0);
        ranked.truncate(MOST);
        return ranked.into_iter().map(|r| r.1).collect();
    }
    all.into_iter().map(|r| r.1).collect()
}

fn extrema(differences: &[Plane], layer: usize) -> Vec<Found> {
    let here = &differences[layer];
    let (w, h) = (here.w, here.h);
    let margin = 5;
    if w < 3 * margin || h < 3 * margin {
        return Vec::new();
    }
    let is_extremum = |x: usize, y: usize| {
        let v = here.at(x, y);
        if v.abs() < 0.5 * LEAST_CONTRAST {
            return false;
        }
        let sign = v.signum();
        let v = v * sign;
        for (l, plane) in differences[layer - 1..=layer + 1].iter().enumerate() {
            for dy in 0..3 {
                for dx in 0..3 {
                    if (l, dy, dx) != (1, 1, 1) && plane.at(x + dx - 1, y + dy - 1) * sign >= v {
                        return false;
                    }
                }
            }
        }
        true
    };
    (margin..h - margin)
        .into_par_iter()
        .flat_map_iter(|y| (margin..w - margin).filter(move |x| is_extremum(*x, y)).map(move |x| (x, y)))
        .filter_map(|(x, y)| settled(differences, layer, x, y))
        .collect()
}

/// Where the paraboloid through the neighbours has its peak; `None` for edges, and where there is too little contrast.
fn settled(differences: &[Plane], layer: usize, x: usize, y: usize) -> Option<Found> {
    let (mut x, mut y, mut layer) = (x, y, layer);
    for _ in 0..5 {
        let at = |l: isize, dy: isize, dx: isize| {
            differences[(layer as isize + l) as usize].at((x as isize + dx) as usize, (y as isize + dy) as usize)
        };
        let v = at(0, 0, 0);
        let g = glam::Vec3::new(0.5 * (at(0, 0, 1) - at(0, 0, -1)), 0.5 * (at(0, 1, 0) - at(0, -1, 0)), 0.5 * (at(1, 0, 0) - at(-1, 0, 0)));
        let (xx, yy, ss) =
            (at(0, 0, 1) + at(0, 0, -1) - 2.0 * v, at(0, 1, 0) + at(0, -1, 0) - 2.0 * v, at(1, 0, 0) + at(-1, 0, 0) - 2.0 * v);
        let cross = |a: f32, b: f32, c: f32, d: f32| 0.25 * (a - b - c + d);
        let xy = cross(at(0, 1, 1), at(0, 1, -1), at(0, -1, 1), at(0, -1, -1));
        let xs = cross(at(1, 0, 1), at(1, 0, -1), at(-1, 0, 1), at(-1, 0, -1));
        let ys = cross(at(1, 1, 0), at(1, -1, 0), at(-1, 1, 0), at(-1, -1, 0));
        let hessian = glam::Mat3::from_cols_array(&[xx, xy, xs, xy, yy, ys, xs, ys, ss]);
        if hessian.determinant().abs() < 1e-12 {
            return None;
        }
        let step = -(hessian.inverse() * g);
        if step.abs().max_element() <= 0.6 {
            let strength = (v + 0.5 * g.dot(step)).abs();
            let (trace, determinant) = (xx + yy, xx * yy - xy * xy);
            let edge = determinant <= 0.0 || trace * trace * EDGE >= (EDGE + 1.0).powi(2) * determinant;
            let sigma = SIGMA * 2.0_f32.powf((layer as f32 + step.z) / LAYERS as f32);
            let found = Found { x: x as f32 + step.x, y: y as f32 + step.y, layer, sigma, strength };
            return (!edge && strength >= LEAST_CONTRAST).then_some(found);
        }
        let moved = |p: usize, by: f32, least: usize, most: usize| {
            let next = p as isize + by.round().clamp(-1.0, 1.0) as isize;
            (next >= least as isize && next < most as isize).then_some(next as usize)
        };
        let (w, h) = (differences[layer].w, differences[layer].h);
        (x, y, layer) = (moved(x, step.x, 5, w - 5)?, moved(y, step.y, 5, h - 5)?, moved(layer, step.z, 1, LAYERS + 1)?);
    }
    None
}

fn gradient(plane: &Plane, x: usize, y: usize) -> (f32, f32) {
    (plane.at(x + 1, y) - plane.at(x - 1, y), plane.at(x, y + 1) - plane.at(x, y - 1))
}

/// Main directions of the gradients about a spot, rad: one, or two.
fn directions(plane: &Plane, f: &Found) -> Vec<f32> {
    const BINS: usize = 36;
    let sigma = 1.5 * f.sigma;
    let radius = (3.0 * sigma).round() as isize;
    let mut bins = [0.0_f32; BINS];
    let (cx, cy) = (f.x.round() as isize, f.y.round() as isize);
    for dy in -radius..=radius {
        for dx in -radius..=radius {
            let (x, y) = (cx + dx, cy + dy);
            if x < 1 || y < 1 || x >= plane.w as isize - 1 || y >= plane.h as isize - 1 {
                continue;
            }
            let (gx, gy) = gradient(plane, x as usize, y as usize);
            let away = (x as f32 - f.x).powi(2) + (y as f32 - f.y).powi(2);
            let weight = (-0.5 * away / (sigma * sigma)).exp() * gx.hypot(gy);
            let bin = ((gy.atan2(gx) + TAU) / TAU * BINS as f32).round() as usize % BINS;
            bins[bin] += weight;
        }
    }
    for _ in 0..2 {
        let b = bins;
        for i in 0..BINS {
            bins[i] = 0.25 * b[(i + BINS - 1) % BINS] + 0.5 * b[i] + 0.25 * b[(i + 1) % BINS];
        }
    }
    let peak = bins.iter().fold(0.0_f32, |a, v| a.max(*v));
    let mut peaks: Vec<(f32, f32)> = (0..BINS)
        .filter_map(|i| {
            let (l, c, r) = (bins[(i + BINS - 1) % BINS], bins[i], bins[(i + 1) % BINS]);
            let offset = 0.5 * (l - r) / (l + r - 2.0 * c).min(-1e-12);
            (c > l && c >= r && c >= 0.8 * peak).then(|| (c, (i as f32 + offset) / BINS as f32 * TAU))
        })
        .collect();
    peaks.sort_by(|a, b| b.0.total_cmp(&a.0));
    peaks.truncate(2);
    peaks.into_iter().map(|p| p.1).collect()
}

/// Gradients about a spot, turned by its direction; `None` too near to the border of the picture.
fn described(plane: &Plane, f: &Found, angle: f32) -> Option<Box<[i16; NUMBERS]>> {
    const PLACES: usize = 4;
    const TURNS: usize = 8;
    let bin_px = 3.0 * f.sigma;
    let radius = (bin_px * std::f32::consts::SQRT_2 * 2.5).round() as isize;
    let (sin, cos) = angle.sin_cos();
    let mut bins = [0.0_f32; NUMBERS];
    let (cx, cy) = (f.x.round() as isize, f.y.round() as isize);
    let mut inside = 0;
    for dy in -radius..=radius {
        for dx in -radius..=radius {
            let (px, py) = (cx + dx, cy + dy);
            let (ox, oy) = (px as f32 - f.x, py as f32 - f.y);
            let (u, v) = ((cos * ox + sin * oy) / bin_px, (-sin * ox + cos * oy) / bin_px);
            let (column, row) = (u + 1.5, v + 1.5);
            if column <= -1.0 || row <= -1.0 || column >= PLACES as f32 || row >= PLACES as f32 {
                continue;
            }
            if px < 1 || py < 1 || px >= plane.w as isize - 1 || py >= plane.h as isize - 1 {
                continue;
            }
            inside += 1;
            let (gx, gy) = gradient(plane, px as usize, py as usize);
            let weight = gx.hypot(gy) * (-(u * u + v * v) / 8.0).exp();
            let turn = (gy.atan2(gx) - angle + 2.0 * TAU) / TAU * TURNS as f32;
            let (c0, r0, t0) = (column.floor(), row.floor(), turn.floor());
            let (fc, fr, ft) = (column - c0, row - r0, turn - t0);
            for (r, wr) in [(r0, 1.0 - fr), (r0 + 1.0, fr)] {
                for (c, wc) in [(c0, 1.0 - fc), (c0 + 1.0, fc)] {
                    if r < 0.0 || c < 0.0 || r >= PLACES as f32 || c >= PLACES as f32 {
                        continue;
                    }
                    let place = (r as usize * PLACES + c as usize) * TURNS;
                    bins[place + t0 as usize % TURNS] += weight * wr * wc * (1.0 - ft);
                    bins[place + (t0 as usize + 1) % TURNS] += weight * wr * wc * ft;
                }
            }
        }
    }
    let area = (5.0 * bin_px).powi(2);
    if (inside as f32) < 0.6 * area {
        return None;
    }
    let length = |b: &[f32; NUMBERS]| b.iter().map(|v| v * v).sum::<f32>().sqrt().max(1e-9);
    let l = length(&bins);
    for v in &mut bins {
        *v = (*v / l).min(0.2);
    }
    // Roots of shares: a dot product is then Hellinger's likeness.
    let sum = bins.iter().sum::<f32>().max(1e-9);
    let mut numbers = Box::new([0; NUMBERS]);
    numbers.iter_mut().zip(&bins).for_each(|(n, v)| *n = ((v / sum).sqrt() * UNIT as f32).round() as i16);
    Some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Blobs at known places, the whole turned and scaled.
    fn drawn(angle: f64, scale: f64) -> (Luma, Vec<DVec2>) {
        let (w, h) = (360_usize, 360_usize);
        let middle = DVec2::splat(180.0);
        let turn = glam::DMat2::from_angle(angle) * scale;
        let noise = crate::calibrate::tests::noise;
        let blobs: Vec<(DVec2, f64, f64)> = (0..120_u64)
            .map(|k| {
                let p = DVec2::new(noise(3 * k), noise(3 * k + 1)) * 130.0;
                (p, 2.5 + 2.0 * noise(900 + k).abs(), 70.0 * noise(3 * k + 2))
            })
            .collect();
        let value = |i: usize| {
            let p = DVec2::new((i % w) as f64 + 0.5, (i / w) as f64 + 0.5);
            let own = turn.inverse() * (p - middle);
            let sum: f64 = blobs.iter().map(|(b, s, a)| a * (-0.5 * ((own - *b) / *s).length_squared()).exp()).sum();
            (128.0 + sum).round().clamp(0.0, 255.0) as u8
        };
        let values: Vec<u8> = (0..w * h).map(value).collect();
        (Luma::new(w, h, &values), blobs.iter().map(|b| middle + turn * b.0).collect())
    }

    #[test]
    fn spots_are_found_again_turned_and_scaled() {
        let a = spots(&drawn(0.0, 1.0).0);
        assert!(a.len() > 60, "{}", a.len());
        for (angle, scale) in [(0.0, 1.0), (0.4, 1.0), (-0.25, 1.3), (1.7, 0.8)] {
            let b = spots(&drawn(angle, scale).0);
            let turn = glam::DMat2::from_angle(angle) * scale;
            let found = super::super::pairing::matches(&a, &b);
            let right = found
                .iter()
                .filter(|(i, j)| {
                    let wanted = DVec2::splat(180.0) + turn * (a[*i].px - DVec2::splat(180.0));
                    (b[*j].px - wanted).length() < 1.0
                })
                .count();
            assert!(right > 40 && right * 10 > found.len() * 9, "{angle} {scale}: {right} of {}", found.len());
            let mut off: Vec<f64> =
                found.iter().map(|(i, j)| (b[*j].px - DVec2::splat(180.0) - turn * (a[*i].px - DVec2::splat(180.0))).length()).collect();
            off.sort_by(f64::total_cmp);
            assert!(off[off.len() / 2] < 0.25, "{angle} {scale}: median {}", off[off.len() / 2]);
        }
    }

    #[test]
    fn a_picture_without_texture_has_none() {
        assert!(spots(&Luma::new(320, 240, &vec![90; 320 * 240])).is_empty());
    }
}
