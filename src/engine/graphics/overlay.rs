//! A picture with alpha on top of a frame, in a corner of its safe area, in linear light.

use rayon::{
    iter::{IndexedParallelIterator as _, ParallelIterator as _},
    slice::ParallelSliceMut as _,
};

use crate::{
    color::{linear_from_srgb, srgb_from_linear},
    frame::Picture,
    replay::graphics::Corner,
};

/// Graphics stay inside 90 % of the frame, both ways (EBU R 95, graphics safe area of 16:9 production).
const SAFE: f32 = 0.05;
/// Between two in the same corner, as a share of the upper one's height.
const APART: f32 = 0.25;

/// A picture as it is laid over frames: linear light multiplied with alpha.
#[derive(Debug)]
pub(super) struct Patch {
    width: u32,
    height: u32,
    light: Vec<[f32; 4]>,
}

impl Patch {
    /// A picture so high, and no wider than the safe area of a frame: averaged over what each pixel covers of it.
    pub fn new(picture: &Picture, height_px: u32, frame_px: u32) -> Self {
        let (w, h) = (picture.width(), picture.height());
        let widest = ((1.0 - 2.0 * SAFE) * frame_px as f32) as u32;
        let scale = (f64::from(height_px) / f64::from(h)).min(f64::from(widest.max(1)) / f64::from(w));
        let size = |px: u32| ((f64::from(px) * scale).round() as u32).max(1);
        let (width, height) = (size(w), size(h));
        let table: [f32; 256] = std::array::from_fn(|v| linear_from_srgb(v as f32 / 255.0));
        let mean = |i: u32| {
            let (x, y) = (i % width, i / width);
            let span = |k: u32, n: u32, of: u32| {
                let (from, to) = (f64::from(k) * f64::from(of) / f64::from(n), f64::from(k + 1) * f64::from(of) / f64::from(n));
                (from.floor() as u32..(to.ceil() as u32).min(of)).map(move |q| {
                    let covered = (f64::from(q) + 1.0).min(to) - f64::from(q).max(from);
                    (q, covered as f32)
                })
            };
            let (mut sum, mut total) = ([0.0_f32; 4], 0.0);
            for (qy, wy) in span(y, height, h) {
                for (qx, wx) in span(x, width, w) {
                    let p = picture.pixel(qx, qy);
                    let (share, alpha) = (wx * wy, f32::from(p[3]) / 255.0);
                    for c in 0..3 {
                        sum[c] += share * alpha * table[usize::from(p[c])];
                    }
                    sum[3] += share * alpha;
                    total += share;
                }
            }
            sum.map(|v| v / total.max(1e-9))
        };
        Self { width, height, light: (0..width * height).map(mean).collect() }
    }

    /// What it takes of memory.
    pub fn bytes(&self) -> usize {
        self.light.len() * size_of::<[f32; 4]>()
    }

    /// Lays it over a frame, or alone into an empty one, whose alpha then is its own; `taken` says how much of each corner is taken already, px.
    pub fn lay_over(&self, picture: &mut Picture, corner: Corner, opacity: f32, taken: &mut [u32; 4]) {
        let (w, h) = (picture.width(), picture.height());
        let margin = |px: u32| (SAFE * px as f32).round() as u32;
        let taken = &mut taken[corner as usize];
        let left = match corner {
            Corner::TopLeft | Corner::BottomLeft => margin(w),
            Corner::TopRight | Corner::BottomRight => w.saturating_sub(margin(w) + self.width),
        };
        let top = match corner {
            Corner::TopLeft | Corner::TopRight => margin(h) + *taken,
            Corner::BottomLeft | Corner::BottomRight => h.saturating_sub(margin(h) + self.height + *taken),
        };
        *taken += self.height + (APART * self.height as f32) as u32;
        let rows = picture.rgba_mut().par_chunks_exact_mut(w as usize * 4).skip(top as usize).take(self.height as usize);
        rows.enumerate().for_each(|(y, row)| {
            let own = &self.light[y * self.width as usize..(y + 1) * self.width as usize];
            for (px, light) in row[left as usize * 4..].chunks_exact_mut(4).zip(own) {
                let alpha = light[3] * opacity;
                if alpha > 0.0 && px[3] < 255 {
                    over_empty(px, light, opacity);
                } else if alpha > 0.0 {
                    for c in 0..3 {
                        let under = linear_from_srgb(f32::from(px[c]) / 255.0);
                        let v = under * (1.0 - alpha) + light[c] * opacity;
                        px[c] = (srgb_from_linear(v).clamp(0.0, 1.0) * 255.0).round() as u8;
                    }
                }
            }
        });
    }
}

/// Over a pixel that has alpha itself (Porter and Duff, Compositing digital images, 1984: over), its colour not multiplied with it.
fn over_empty(px: &mut [u8], light: &[f32; 4], opacity: f32) {
    let alpha = light[3] * opacity;
    let under = f32::from(px[3]) / 255.0 * (1.0 - alpha);
    for c in 0..3 {
        let v = (linear_from_srgb(f32::from(px[c]) / 255.0) * under + light[c] * opacity) / (alpha + under);
        px[c] = (srgb_from_linear(v).clamp(0.0, 1.0) * 255.0).round() as u8;
    }
    px[3] = ((alpha + under) * 255.0).round() as u8;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stays_in_the_safe_area_and_adds_light() {
        let white = Picture::filled(40, 10, [255, 255, 255, 255]);
        for corner in Corner::ALL {
            let mut frame = Picture::filled(200, 100, [0, 0, 0, 255]);
            let patch = Patch::new(&white, 10, 200);
            let mut taken = [0; 4];
            patch.lay_over(&mut frame, corner, 0.5, &mut taken);
            patch.lay_over(&mut frame, corner, 0.5, &mut taken);
            let lit: Vec<(u32, u32)> = (0..20_000).map(|i| (i % 200, i / 200)).filter(|(x, y)| frame.pixel(*x, *y)[0] > 0).collect();
            assert_eq!(lit.len(), 800, "{corner:?}: two, beside each other");
            assert!(lit.iter().all(|(x, y)| (10..190).contains(x) && (5..95).contains(y)), "{corner:?}");
            // Half of white's light is 188.
            let (x, y) = lit[0];
            assert_eq!(frame.pixel(x, y), [188, 188, 188, 255]);
            let is_left = matches!(corner, Corner::TopLeft | Corner::BottomLeft);
            assert_eq!(lit.iter().all(|(x, _)| *x < 100), is_left, "{corner:?}");
        }
        // What is too wide is made smaller, and no frame is too small.
        let wide = Patch::new(&Picture::filled(400, 10, [255; 4]), 50, 100);
        assert_eq!(wide.width, 90);
        wide.lay_over(&mut Picture::filled(20, 4, [0, 0, 0, 255]), Corner::BottomRight, 1.0, &mut [0; 4]);
    }

    #[test]
    fn alone_it_has_its_colour_and_its_alpha() {
        let half = Picture::filled(40, 10, [200, 100, 50, 128]);
        let patch = Patch::new(&half, 10, 200);
        let mut alone = Picture::filled(200, 100, [0; 4]);
        patch.lay_over(&mut alone, Corner::TopLeft, 0.5, &mut [0; 4]);
        for (x, y) in (0..200).flat_map(|x| (0..100).map(move |y| (x, y))) {
            let inside = (10..50).contains(&x) && (5..15).contains(&y);
            assert_eq!(alone.pixel(x, y), if inside { [200, 100, 50, 64] } else { [0; 4] }, "{x} {y}");
        }
        // Over a picture, in light, it is what it is at once.
        let mut frame = Picture::filled(200, 100, [90, 160, 30, 255]);
        patch.lay_over(&mut frame, Corner::TopLeft, 0.5, &mut [0; 4]);
        let light = |v: u8| linear_from_srgb(f32::from(v) / 255.0);
        let (over, under, alpha) = (alone.pixel(20, 10), [90, 160, 30], 64.0 / 255.0);
        for c in 0..3 {
            let v = srgb_from_linear(light(over[c]) * alpha + light(under[c]) * (1.0 - alpha)) * 255.0;
            assert!((v - f32::from(frame.pixel(20, 10)[c])).abs() <= 1.0, "{c}: {v}");
        }
        // Two on the same place: the one below shines through.
        patch.lay_over(&mut alone, Corner::TopLeft, 0.5, &mut [0; 4]);
        assert_eq!(alone.pixel(20, 10), [200, 100, 50, 112]);
    }
}
