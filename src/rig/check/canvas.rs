//! A small rasterizer: filled polygons, discs, lines with round ends and text, smoothed by supersampling.

use super::font;

/// Sub-pixels per pixel and side.
const FINE: usize = 3;

/// Colour with opacity, 0…1.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ink {
    pub rgb: [f32; 3],
    pub opacity: f32,
}

/// An opaque colour.
pub(super) const fn ink(rgb: u32) -> Ink {
    Ink { rgb: [channel(rgb >> 16), channel(rgb >> 8), channel(rgb)], opacity: 1.0 }
}

const fn channel(bits: u32) -> f32 {
    (bits & 255) as f32 / 255.0
}

impl Ink {
    pub const fn faint(self, opacity: f32) -> Self {
        Self { opacity, ..self }
    }
}

/// A picture being drawn; coordinates in pixels, y down.
pub(super) struct Canvas {
    width: usize,
    height: usize,
    fine: Vec<[f32; 3]>,
}

impl Canvas {
    pub fn new(width: usize, height: usize, background: Ink) -> Self {
        Self { width, height, fine: vec![background.rgb; width * height * FINE * FINE] }
    }

    /// Mixes the ink into every sub-pixel inside the box for which `inside` holds (in pixel coordinates).
    fn fill(&mut self, min: [f32; 2], max: [f32; 2], ink: Ink, inside: impl Fn(f32, f32) -> bool) {
        let (w, h) = (self.width * FINE, self.height * FINE);
        let range = |lo: f32, hi: f32, n: usize| {
            let clamp = |v: f32| (v * FINE as f32).clamp(0.0, n as f32) as usize;
            clamp(lo.floor())..clamp(hi.ceil() + 1.0)
        };
        for y in range(min[1], max[1], h) {
            for x in range(min[0], max[0], w) {
                if inside((x as f32 + 0.5) / FINE as f32, (y as f32 + 0.5) / FINE as f32) {
                    let p = &mut self.fine[y * w + x];
                    for (c, i) in p.iter_mut().zip(ink.rgb) {
                        *c += (i - *c) * ink.opacity;
                    }
                }
            }
        }
    }

    pub fn polygon(&mut self, points: &[[f32; 2]], ink: Ink) {
        let bound = |f: fn(f32, f32) -> f32, i: usize, start: f32| points.iter().map(|p| p[i]).fold(start, f);
        let min = [bound(f32::min, 0, f32::MAX), bound(f32::min, 1, f32::MAX)];
        let max = [bound(f32::max, 0, f32::MIN), bound(f32::max, 1, f32::MIN)];
        self.fill(min, max, ink, |x, y| {
            let mut inside = false;
            let mut previous = points.len().saturating_sub(1);
            for i in 0..points.len() {
                let (a, b) = (points[i], points[previous]);
                if (a[1] > y) != (b[1] > y) && x < (b[0] - a[0]) * (y - a[1]) / (b[1] - a[1]) + a[0] {
                    inside = !inside;
                }
                previous = i;
            }
            inside
        });
    }

    pub fn disc(&mut self, center: [f32; 2], radius: f32, ink: Ink) {
        let [cx, cy] = center;
        self.fill([cx - radius, cy - radius], [cx + radius, cy + radius], ink, |x, y| (x - cx).hypot(y - cy) <= radius);
    }

    pub fn circle(&mut self, center: [f32; 2], radius: f32, width: f32, ink: Ink) {
        let [cx, cy] = center;
        let outer = radius + 0.5 * width;
        self.fill([cx - outer, cy - outer], [cx + outer, cy + outer], ink, |x, y| ((x - cx).hypot(y - cy) - radius).abs() <= 0.5 * width);
    }

    pub fn line(&mut self, a: [f32; 2], b: [f32; 2], width: f32, ink: Ink) {
        let r = 0.5 * width;
        let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
        let length2 = dx * dx + dy * dy;
        let min = [a[0].min(b[0]) - r, a[1].min(b[1]) - r];
        let max = [a[0].max(b[0]) + r, a[1].max(b[1]) + r];
        self.fill(min, max, ink, |x, y| {
            let t = if length2 > 0.0 { (((x - a[0]) * dx + (y - a[1]) * dy) / length2).clamp(0.0, 1.0) } else { 0.0 };
            (x - a[0] - t * dx).hypot(y - a[1] - t * dy) <= r
        });
    }

    /// A dashed line.
    pub fn dashes(&mut self, a: [f32; 2], b: [f32; 2], width: f32, dash: f32, ink: Ink) {
        let length = (b[0] - a[0]).hypot(b[1] - a[1]);
        let n = (length / dash).clamp(1.0, 2000.0) as usize;
        let at = |t: f32| [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t];
        for i in (0..n).step_by(2) {
            self.line(at(i as f32 / n as f32), at(((i + 1) as f32 / n as f32).min(1.0)), width, ink);
        }
    }

    /// Text whose capitals are `height` high, from (x, baseline y).
    pub fn text(&mut self, text: &str, x: f32, y: f32, height: f32, ink: Ink) {
        let width = (height * 0.14).max(1.0);
        font::lines(text, x, y, height, |a, b| self.line(a, b, width, ink));
    }

    /// Text around a middle.
    pub fn text_centered(&mut self, text: &str, center: [f32; 2], height: f32, ink: Ink) {
        self.text(text, center[0] - 0.5 * font::width(text, height), center[1] + 0.5 * height, height, ink);
    }

    /// The picture.
    pub fn finish(&self) -> image::RgbImage {
        let w = self.width * FINE;
        image::RgbImage::from_fn(self.width as u32, self.height as u32, |x, y| {
            let mut sum = [0.0_f32; 3];
            for j in 0..FINE {
                for i in 0..FINE {
                    let p = self.fine[(y as usize * FINE + j) * w + x as usize * FINE + i];
                    sum.iter_mut().zip(p).for_each(|(s, v)| *s += v);
                }
            }
            image::Rgb(sum.map(|s| (s / (FINE * FINE) as f32 * 255.0).round().clamp(0.0, 255.0) as u8))
        })
    }
}
