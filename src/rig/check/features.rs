//! Corners and patch descriptors for measuring how well pictures agree with a calibration. Not for speed: a check runs
//! once per calibration.

use glam::DVec2;
use rayon::prelude::*;

/// A picture's brightness at a size that is good for matching.
#[derive(Debug, Clone)]
pub struct Luma {
    /// Width, px.
    pub width: usize,
    /// Height, px.
    pub height: usize,
    /// Rows of values, 0…255.
    pub values: Vec<f32>,
    /// Original pixels per pixel of this picture.
    pub scale: f64,
}

/// Pictures are reduced until their longer side is at most this.
const LONGEST_SIDE_PX: usize = 1200;

impl Luma {
    /// From 8-bit brightness, reduced by a whole factor (mean of the pixels).
    pub fn new(width: usize, height: usize, values: &[u8]) -> Self {
        let factor = width.max(height).div_ceil(LONGEST_SIDE_PX).max(1);
        let (w, h) = (width / factor, height / factor);
        let reduced = (0..h)
            .into_par_iter()
            .flat_map_iter(|y| {
                (0..w).map(move |x| {
                    let block = (0..factor).flat_map(|j| (0..factor).map(move |i| (i, j)));
                    let sum: u32 =
                        block.map(|(i, j)| u32::from(values.get((y * factor + j) * width + x * factor + i).copied().unwrap_or(0))).sum();
                    sum as f32 / (factor * factor) as f32
                })
            })
            .collect();
        Self { width: w, height: h, values: reduced, scale: factor as f64 }
    }

    fn at(&self, x: isize, y: isize) -> f32 {
        let x = x.clamp(0, self.width as isize - 1) as usize;
        let y = y.clamp(0, self.height as isize - 1) as usize;
        self.values[y * self.width + x]
    }

    /// Bilinear, with the first pixel's centre at (0.5, 0.5).
    fn sample(&self, p: DVec2) -> f32 {
        let (x, y) = ((p.x - 0.5) as f32, (p.y - 0.5) as f32);
        let (x0, y0) = (x.floor(), y.floor());
        let (fx, fy) = (x - x0, y - y0);
        let (x0, y0) = (x0 as isize, y0 as isize);
        let top = self.at(x0, y0) * (1.0 - fx) + self.at(x0 + 1, y0) * fx;
        let bottom = self.at(x0, y0 + 1) * (1.0 - fx) + self.at(x0 + 1, y0 + 1) * fx;
        top * (1.0 - fy) + bottom * fy
    }
}

const SIDE: usize = 9;
/// Samples per descriptor.
const SAMPLES: usize = SIDE * SIDE;
/// Distance of the samples, px.
const SPACING_PX: f64 = 2.0;

/// A corner with its surroundings, normalized to mean 0 and length 1.
#[derive(Debug, Clone)]
pub(crate) struct Feature {
    /// In pixels of the [`Luma`], first pixel's centre at (0.5, 0.5).
    pub px: DVec2,
    descriptor: [f32; SAMPLES],
}

impl Feature {
    /// Normalized correlation, −1…1.
    pub fn similarity(&self, other: &Self) -> f32 {
        self.descriptor.iter().zip(&other.descriptor).map(|(a, b)| a * b).sum()
    }
}

/// At most so many corners per picture.
const MAX_FEATURES: usize = 3000;
/// At most so many in each square of [`CELL_PX`], so that one busy corner of the picture does not take all.
const PER_CELL: usize = 2;
const CELL_PX: usize = 20;

/// Finds corners. `down` is the picture's direction of the world's down and `zoom` the picture's scale against the other
/// pictures: patches are sampled upright and at one scale, so turned cameras and other lenses match too.
pub(crate) fn find(picture: &Luma, down: DVec2, zoom: f64) -> Vec<Feature> {
    let (w, h) = (picture.width, picture.height);
    let margin = 10;
    if w < 3 * margin || h < 3 * margin {
        return Vec::new();
    }
    let strength = corner_strength(picture);
    let peak = strength.iter().fold(0.0_f32, |a, v| a.max(*v));
    let threshold = (peak * 1e-3).max(1.0);
    let mut found: Vec<(f32, usize, usize)> = Vec::new();
    for y in margin..h - margin {
        for x in margin..w - margin {
            let s = strength[y * w + x];
            let higher = |dx: isize, dy: isize| {
                let n = strength[(y as isize + dy) as usize * w + (x as isize + dx) as usize];
                n > s || (n == s && (dy, dx) < (0, 0))
            };
            if s > threshold && !(-2..=2).any(|dy| (-2..=2).any(|dx| (dx, dy) != (0, 0) && higher(dx, dy))) {
                found.push((s, x, y));
            }
        }
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.2, a.1).cmp(&(b.2, b.1))));
    let columns = w / CELL_PX + 1;
    let mut cells = vec![0_usize; columns * (h / CELL_PX + 1)];
    found.retain(|(_, x, y)| {
        let cell = &mut cells[y / CELL_PX * columns + x / CELL_PX];
        *cell += 1;
        *cell <= PER_CELL
    });
    found.truncate(MAX_FEATURES);
    let down = down.try_normalize().unwrap_or(DVec2::Y);
    let right = DVec2::new(down.y, -down.x);
    let step = SPACING_PX * zoom.clamp(0.4, 2.5);
    found.into_iter().filter_map(|(s, x, y)| describe(picture, refined(&strength, w, s, x, y), right * step, down * step)).collect()
}

/// The peak of the parabolas through the neighbours, px.
fn refined(strength: &[f32], w: usize, s: f32, x: usize, y: usize) -> DVec2 {
    let offset = |a: f32, b: f32| {
        let curvature = a + b - 2.0 * s;
        if curvature < -1e-6 { f64::from((0.5 * (a - b) / curvature).clamp(-0.5, 0.5)) } else { 0.0 }
    };
    let i = y * w + x;
    DVec2::new(x as f64 + 0.5 + offset(strength[i - 1], strength[i + 1]), y as f64 + 0.5 + offset(strength[i - w], strength[i + w]))
}

fn describe(picture: &Luma, px: DVec2, right: DVec2, down: DVec2) -> Option<Feature> {
    let mut descriptor = [0.0_f32; SAMPLES];
    let half = (SIDE / 2) as f64;
    for (i, d) in descriptor.iter_mut().enumerate() {
        let (u, v) = ((i % SIDE) as f64 - half, (i / SIDE) as f64 - half);
        let p = px + right * u + down * v;
        // Two by two samples: the spacing is wider than a pixel.
        let (a, b) = (right * 0.25, down * 0.25);
        *d = picture.sample(p + a + b) + picture.sample(p - a + b) + picture.sample(p + a - b) + picture.sample(p - a - b);
    }
    let mean = descriptor.iter().sum::<f32>() / SAMPLES as f32;
    for d in &mut descriptor {
        *d -= mean;
    }
    let length = descriptor.iter().map(|d| d * d).sum::<f32>().sqrt();
    // Below a contrast of about one grey level a patch is noise.
    if length < 4.0 * SIDE as f32 {
        return None;
    }
    for d in &mut descriptor {
        *d /= length;
    }
    Some(Feature { px, descriptor })
}

/// The smaller eigenvalue of the gradients' covariance in a 5 × 5 window (Shi and Tomasi 1994).
fn corner_strength(picture: &Luma) -> Vec<f32> {
    let (w, h) = (picture.width, picture.height);
    let products: Vec<[f32; 3]> = (0..h)
        .flat_map(|y| (0..w).map(move |x| (x as isize, y as isize)))
        .map(|(x, y)| {
            let gx = 0.5 * (picture.at(x + 1, y) - picture.at(x - 1, y));
            let gy = 0.5 * (picture.at(x, y + 1) - picture.at(x, y - 1));
            [gx * gx, gx * gy, gy * gy]
        })
        .collect();
    // Separable binomial-like weights: smoother than a box, so that the peak can be located below a pixel.
    let weights = [1.0, 4.0, 6.0, 4.0, 1.0_f32];
    let blur = |source: &[[f32; 3]], along_x: bool| -> Vec<[f32; 3]> {
        (0..w * h)
            .map(|i| {
                let (x, y) = ((i % w) as isize, (i / w) as isize);
                let mut sum = [0.0; 3];
                for (k, weight) in weights.iter().enumerate() {
                    let d = k as isize - 2;
                    let (sx, sy) = if along_x { (x + d, y) } else { (x, y + d) };
                    let (sx, sy) = (sx.clamp(0, w as isize - 1) as usize, sy.clamp(0, h as isize - 1) as usize);
                    for (s, v) in sum.iter_mut().zip(source[sy * w + sx]) {
                        *s += weight * v;
                    }
                }
                sum
            })
            .collect()
    };
    blur(&blur(&products, true), false)
        .into_iter()
        .map(|[xx, xy, yy]| {
            let half = 0.5 * (xx + yy);
            half - (0.25 * (xx - yy) * (xx - yy) + xy * xy).sqrt()
        })
        .collect()
}
