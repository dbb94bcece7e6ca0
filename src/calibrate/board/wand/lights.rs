//! The two lights of a wand in a picture, to a fraction of a pixel.

use glam::DVec2;

use crate::frame::gray::Gray;

/// A bright spot.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Spot {
    pub px: DVec2,
    /// How much light it gives, code values summed up over it.
    pub flux: f64,
}

/// Brighter than what is around it by so many code values.
const BRIGHTER: f32 = 50.0;
/// And at least as bright as this.
const BRIGHT: f32 = 110.0;
/// Half the side of the square that a spot is compared with, px.
const AROUND_PX: usize = 24;
const SMALLEST_PX: usize = 3;
const LARGEST_PX: usize = 1200;
/// A spot is about as high as wide, and fills its box.
const LONGEST: f64 = 2.2;
const FILLED: f64 = 0.45;
/// More spots than this are no wand.
const MOST_SPOTS: usize = 400;

/// Bright spots of a picture, brightest first.
pub(super) fn spots(gray: &Gray) -> Vec<Spot> {
    let (w, h) = (gray.width, gray.height);
    let sums = sums(gray);
    let mean = |x: usize, y: usize| {
        let (x0, y0) = (x.saturating_sub(AROUND_PX), y.saturating_sub(AROUND_PX));
        let (x1, y1) = ((x + AROUND_PX + 1).min(w), (y + AROUND_PX + 1).min(h));
        let at = |x: usize, y: usize| sums[y * (w + 1) + x];
        ((at(x1, y1) - at(x0, y1) - at(x1, y0) + at(x0, y0)) / ((x1 - x0) * (y1 - y0)) as f64) as f32
    };
    let is_bright = |x: usize, y: usize| {
        let v = gray.values[y * w + x];
        v >= BRIGHT && v - mean(x, y) >= BRIGHTER
    };
    let mut is_taken = vec![false; w * h];
    let mut found = Vec::new();
    for y in 0..h {
        for x in 0..w {
            if is_taken[y * w + x] || !is_bright(x, y) {
                continue;
            }
            let mut pixels = vec![(x, y)];
            is_taken[y * w + x] = true;
            let mut k = 0;
            while k < pixels.len() && pixels.len() <= LARGEST_PX {
                let (px, py) = pixels[k];
                k += 1;
                for (nx, ny) in [(px.wrapping_sub(1), py), (px + 1, py), (px, py.wrapping_sub(1)), (px, py + 1)] {
                    if nx < w && ny < h && !is_taken[ny * w + nx] && is_bright(nx, ny) {
                        is_taken[ny * w + nx] = true;
                        pixels.push((nx, ny));
                    }
                }
            }
            found.extend(spot(gray, &pixels));
        }
    }
    found.sort_by(|a, b| b.flux.total_cmp(&a.flux));
    if found.len() > MOST_SPOTS { Vec::new() } else { found }
}

/// Sums of all values above and to the left.
fn sums(gray: &Gray) -> Vec<f64> {
    let width = gray.width + 1;
    let mut sums = vec![0.0; width * (gray.height + 1)];
    for y in 0..gray.height {
        let mut row = 0.0;
        for x in 0..gray.width {
            row += f64::from(gray.values[y * gray.width + x]);
            sums[(y + 1) * width + x + 1] = sums[y * width + x + 1] + row;
        }
    }
    sums
}

/// The middle of its light, its dark surroundings taken off.
fn spot(gray: &Gray, pixels: &[(usize, usize)]) -> Option<Spot> {
    let (x0, x1) = (pixels.iter().map(|p| p.0).min()?, pixels.iter().map(|p| p.0).max()?);
    let (y0, y1) = (pixels.iter().map(|p| p.1).min()?, pixels.iter().map(|p| p.1).max()?);
    let (wide, high) = ((x1 - x0 + 1) as f64, (y1 - y0 + 1) as f64);
    let is_round = wide.max(high) <= LONGEST * wide.min(high) && pixels.len() as f64 >= FILLED * wide * high;
    let margin = 3;
    let is_inside = x0 > margin && y0 > margin && x1 + margin + 1 < gray.width && y1 + margin + 1 < gray.height;
    if !(SMALLEST_PX..=LARGEST_PX).contains(&pixels.len()) || !is_round || !is_inside {
        return None;
    }
    let (left, top, right, bottom) = (x0 - margin, y0 - margin, x1 + margin, y1 + margin);
    let mut border: Vec<f32> = (left..=right)
        .flat_map(|x| [(x, top), (x, bottom)])
        .chain((top..=bottom).flat_map(|y| [(left, y), (right, y)]))
        .map(|(x, y)| gray.values[y * gray.width + x])
        .collect();
    border.sort_by(f32::total_cmp);
    let dark = f64::from(border[border.len() / 2]);
    let (mut flux, mut sum) = (0.0, DVec2::ZERO);
    for y in top..=bottom {
        for x in left..=right {
            let v = f64::from(gray.values[y * gray.width + x]) - dark;
            // Grain around it shall not pull.
            if v > 6.0 {
                flux += v;
                sum += v * DVec2::new(x as f64 + 0.5, y as f64 + 0.5);
            }
        }
    }
    (flux > 0.0).then(|| Spot { px: sum / flux, flux })
}
