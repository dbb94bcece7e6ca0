//! A picture of any size → planes of the output's size: fitted with its shape kept, BT.709, limited range.
//!
//! Integer arithmetic on one thread, in buffers that stay: the output's clock waits for no thread pool that others fill.

use crate::{frame::Picture, rig::check::font};

/// Sum of the weights of one filter.
const ONE: i32 = 1 << 14;
const BACKGROUND: [u8; 4] = [38, 44, 58, 255];
const INK: [u8; 4] = [232, 232, 232, 255];
const BARS: [[u8; 4]; 7] = [
    [191, 191, 191, 255],
    [191, 191, 0, 255],
    [0, 191, 191, 255],
    [0, 191, 0, 255],
    [191, 0, 191, 255],
    [191, 0, 0, 255],
    [0, 0, 191, 255],
];

/// Bytes from row to row, and all in all, of planar 4:2:0 as GStreamer lays it out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    width: usize,
    height: usize,
    luma_stride: usize,
    chroma_stride: usize,
}

impl Layout {
    pub const fn new(width_px: u32, height_px: u32) -> Self {
        let (width, height) = (width_px as usize, height_px as usize);
        Self { width, height, luma_stride: width.next_multiple_of(4), chroma_stride: (width / 2).next_multiple_of(4) }
    }

    pub const fn luma_bytes(self) -> usize {
        self.luma_stride * self.height
    }

    pub const fn bytes(self) -> usize {
        self.luma_bytes() + self.chroma_stride * self.height
    }

    /// The three planes: where each begins, and its bytes from row to row.
    #[cfg(feature = "gstreamer")]
    pub const fn planes(self) -> [(std::ops::Range<usize>, usize); 3] {
        let (luma, chroma) = (self.luma_bytes(), self.chroma_stride * self.height / 2);
        [(0..luma, self.luma_stride), (luma..luma + chroma, self.chroma_stride), (luma + chroma..luma + 2 * chroma, self.chroma_stride)]
    }
}

/// One axis of a resize: which samples make each of the new ones.
#[derive(Debug, Default)]
struct Axis {
    /// First sample of each.
    first: Vec<usize>,
    /// As many weights for each, one after the other.
    weights: Vec<i32>,
    taps: usize,
}

impl Axis {
    /// A triangle as wide as the coarser grid: smooth upwards, without aliasing downwards. `shift` moves the new samples, in samples
    /// of the source.
    fn new(from: usize, to: usize, shift: f64) -> Self {
        let scale = from as f64 / to as f64;
        let reach = scale.max(1.0);
        let taps = ((reach * 2.0).ceil() as usize + 1).min(from);
        let mut axis = Self { first: Vec::with_capacity(to), weights: Vec::with_capacity(to * taps), taps };
        for i in 0..to {
            let center = ((i as f64 + 0.5) * scale - 0.5 + shift).clamp(0.0, from as f64 - 1.0);
            let first = ((center - reach).ceil().max(0.0) as usize).min(from - taps);
            let raw: Vec<f64> = (first..first + taps).map(|k| (1.0 - (k as f64 - center).abs() / reach).max(0.0)).collect();
            let sum: f64 = raw.iter().sum::<f64>().max(1e-9);
            let begin = axis.weights.len();
            axis.weights.extend(raw.iter().map(|w| (w / sum * f64::from(ONE)).round() as i32));
            let error = ONE - axis.weights[begin..].iter().sum::<i32>();
            // The heaviest takes what rounding left over.
            if let Some(heaviest) = axis.weights[begin..].iter_mut().max() {
                *heaviest += error;
            }
            axis.first.push(first);
        }
        axis
    }

    /// One row across.
    fn row(&self, from: &[u8], to: &mut [u8]) {
        match self.taps {
            2 => self.row_of::<2>(from, to),
            3 => self.row_of::<3>(from, to),
            4 => self.row_of::<4>(from, to),
            5 => self.row_of::<5>(from, to),
            _ => {
                for ((&first, weights), to) in self.first.iter().zip(self.weights.chunks_exact(self.taps)).zip(to) {
                    let sum: i32 = weights.iter().zip(&from[first..first + self.taps]).map(|(w, px)| w * i32::from(*px)).sum();
                    *to = ((sum + ONE / 2) >> 14) as u8;
                }
            }
        }
    }

    /// The same where the compiler knows the count: three times as fast.
    fn row_of<const TAPS: usize>(&self, from: &[u8], to: &mut [u8]) {
        for ((&first, weights), to) in self.first.iter().zip(self.weights.as_chunks::<TAPS>().0).zip(to) {
            let Some(px) = from[first..].first_chunk::<TAPS>() else { continue };
            let mut sum = ONE / 2;
            for k in 0..TAPS {
                sum += weights[k] * i32::from(px[k]);
            }
            *to = (sum >> 14) as u8;
        }
    }

    /// All rows, each a mix of rows that are `width` wide.
    fn rows(&self, (from, from_stride): (&[u8], usize), (to, to_stride): (&mut [u8], usize), sums: &mut [i32]) {
        let width = sums.len();
        for ((&first, weights), out) in self.first.iter().zip(self.weights.chunks_exact(self.taps)).zip(to.chunks_mut(to_stride)) {
            sums.fill(ONE / 2);
            for (weight, row) in weights.iter().zip(from[first * from_stride..].chunks(from_stride)).filter(|(w, _)| **w != 0) {
                for (sum, px) in sums.iter_mut().zip(row) {
                    *sum += weight * i32::from(*px);
                }
            }
            for (out, sum) in out[..width].iter_mut().zip(sums.iter()) {
                *out = (sum >> 14) as u8;
            }
        }
    }
}

/// A plane, resized.
#[derive(Debug)]
struct Resize {
    from: (usize, usize),
    to: (usize, usize),
    across: Axis,
    down: Axis,
    /// Resized in one direction: first in the one that leaves less.
    half: Vec<u8>,
    sums: Vec<i32>,
}

impl Resize {
    fn new(from: (usize, usize), to: (usize, usize), shift: f64) -> Self {
        let (across, down) = (Axis::new(from.0, to.0, shift), Axis::new(from.1, to.1, 0.0));
        let (half, sums) = if to.1 < from.1 { (from.0 * to.1, from.0) } else { (to.0 * from.1, to.0) };
        Self { from, to, across, down, half: vec![0; half], sums: vec![0; sums] }
    }

    /// Both with their bytes from row to row; `to` begins at the first sample.
    fn plane(&mut self, from: &[u8], from_stride: usize, to: &mut [u8], to_stride: usize) {
        if self.to.1 < self.from.1 {
            self.down.rows((from, from_stride), (&mut self.half, self.from.0), &mut self.sums);
            for (row, to) in self.half.chunks_exact(self.from.0).zip(to.chunks_mut(to_stride)) {
                self.across.row(row, &mut to[..self.to.0]);
            }
            return;
        }
        for (row, half) in from.chunks(from_stride).zip(self.half.chunks_exact_mut(self.to.0)) {
            self.across.row(&row[..self.from.0], half);
        }
        self.down.rows((&self.half, self.to.0), (to, to_stride), &mut self.sums);
    }
}

/// Where a picture of some size goes.
#[derive(Debug)]
struct Fit {
    from: Layout,
    at: (usize, usize),
    planes: Vec<u8>,
    luma: Resize,
    chroma: Resize,
}

impl Fit {
    fn new(width_px: u32, height_px: u32, into: Layout) -> Self {
        // An odd side loses its last row or column: colour has half the size.
        let from = Layout::new((width_px & !1).max(2), (height_px & !1).max(2));
        let scale = (into.width as f64 / f64::from(width_px)).min(into.height as f64 / f64::from(height_px));
        let side = |side: u32, most: usize| (((f64::from(side) * scale / 2.0).round() as usize) * 2).clamp(2, most);
        let size = (side(width_px, into.width), side(height_px, into.height));
        let at = ((into.width - size.0) / 4 * 2, (into.height - size.1) / 4 * 2);
        let half = |(w, h): (usize, usize)| (w / 2, h / 2);
        let own = (from.width, from.height);
        // Colour stands at the left of its two pixels, before and after.
        let shift = 0.25 - 0.25 * own.0 as f64 / size.0 as f64;
        Self {
            from,
            at,
            planes: vec![0; from.bytes()],
            luma: Resize::new(own, size, 0.0),
            chroma: Resize::new(half(own), half(size), shift),
        }
    }
}

/// Draws pictures of any size at one size.
#[derive(Debug)]
pub struct Canvas {
    layout: Layout,
    fit: Option<((u32, u32), Fit)>,
    /// Where the slate is drawn.
    rgba: Vec<u8>,
}

impl Canvas {
    pub const fn new(width_px: u32, height_px: u32) -> Self {
        Self { layout: Layout::new(width_px, height_px), fit: None, rgba: Vec::new() }
    }

    pub const fn layout(&self) -> Layout {
        self.layout
    }

    /// Draws `picture` into `out` ([`Layout::bytes`] bytes); `tick` marks it as synthesized in a corner.
    pub fn draw(&mut self, picture: &Picture, tick: bool, out: &mut [u8]) {
        let (width, height) = (picture.width(), picture.height());
        if (width as usize, height as usize) == (self.layout.width, self.layout.height) {
            to_planes(picture.rgba(), width as usize, self.layout, out);
        } else if width >= 2 && height >= 2 {
            self.resize(picture, out);
        }
        if tick {
            self.mark(out);
        }
    }

    fn resize(&mut self, picture: &Picture, out: &mut [u8]) {
        let Layout { height, luma_stride, chroma_stride, .. } = self.layout;
        let size = (picture.width(), picture.height());
        if self.fit.as_ref().is_none_or(|(from, _)| *from != size) {
            self.fit = Some((size, Fit::new(size.0, size.1, self.layout)));
        }
        let Some((_, fit)) = &mut self.fit else { return };
        to_planes(picture.rgba(), size.0 as usize, fit.from, &mut fit.planes);
        let (luma, chroma) = out.split_at_mut(luma_stride * height);
        // Bars: frames are used again, so what another picture left there goes.
        if fit.luma.to != (self.layout.width, height) {
            luma.fill(16);
            chroma.fill(128);
        }
        let (u, v) = chroma.split_at_mut(chroma_stride * height / 2);
        let from = fit.from;
        let (own_luma, own_chroma) = fit.planes.split_at(from.luma_stride * from.height);
        let (own_u, own_v) = own_chroma.split_at(from.chroma_stride * from.height / 2);
        fit.luma.plane(own_luma, from.luma_stride, &mut luma[fit.at.1 * luma_stride + fit.at.0..], luma_stride);
        let at = fit.at.1 / 2 * chroma_stride + fit.at.0 / 2;
        for (own, out) in [(own_u, u), (own_v, v)] {
            fit.chroma.plane(own, from.chroma_stride, &mut out[at..], chroma_stride);
        }
    }

    /// The visible tick of a synthesized picture: a light square with a dark edge, bottom right within the safe area.
    fn mark(&self, out: &mut [u8]) {
        let Layout { width, height, luma_stride, chroma_stride } = self.layout;
        let side = (height / 45).max(4) & !1;
        let (x0, y0) = ((width - width / 20 - side) & !1, (height - height / 20 - side) & !1);
        let (luma, chroma) = out.split_at_mut(luma_stride * height);
        for y in y0..y0 + side {
            for x in x0..x0 + side {
                let edge = x == x0 || y == y0 || x == x0 + side - 1 || y == y0 + side - 1;
                luma[y * luma_stride + x] = if edge { 36 } else { 215 };
            }
        }
        let (u, v) = chroma.split_at_mut(chroma_stride * height / 2);
        for plane in [u, v] {
            for y in y0 / 2..y0 / 2 + side / 2 {
                plane[y * chroma_stride + x0 / 2..][..side / 2].fill(128);
            }
        }
    }

    /// What goes out before any picture: bars, so that the way is seen to work, and the words that say what is missing.
    pub fn slate(&mut self, words: &str, out: &mut [u8]) {
        let (width, height) = (self.layout.width, self.layout.height);
        self.rgba.resize(width * height * 4, 255);
        for (y, row) in self.rgba.chunks_exact_mut(width * 4).enumerate() {
            let bars = y * 6 >= height * 5;
            for (x, px) in row.as_chunks_mut::<4>().0.iter_mut().enumerate() {
                *px = if bars { BARS[(x * BARS.len() / width).min(BARS.len() - 1)] } else { BACKGROUND };
            }
        }
        let letters = (height as f32 / 16.0).max(5.0);
        self.text("VOLTE", width as f32 * 0.06, height as f32 * 0.2, letters * 1.6);
        // As long a line as fits at this height.
        let per_line = ((width as f32 * 0.88 / (letters * 5.6 / 6.0)) as usize).max(8);
        let mut lines = vec![String::new()];
        for word in words.split_whitespace() {
            let full = lines.last().is_some_and(|l| !l.is_empty() && l.chars().count() + 1 + word.chars().count() > per_line);
            if full {
                lines.push(String::new());
            }
            if let Some(line) = lines.last_mut() {
                line.push_str(if line.is_empty() { "" } else { " " });
                line.push_str(word);
            }
        }
        for (k, line) in lines.iter().take(5).enumerate() {
            self.text(line, width as f32 * 0.06, height as f32 * 0.36 + k as f32 * letters * 1.7, letters);
        }
        to_planes(&self.rgba, width, self.layout, out);
    }

    fn text(&mut self, text: &str, x: f32, baseline: f32, letters: f32) {
        let (width, height) = (self.layout.width, self.layout.height);
        let half = (letters / 14.0).max(0.6);
        let rgba = &mut self.rgba;
        font::lines(text, x, baseline, letters, |a, b| {
            let steps = ((b[0] - a[0]).hypot(b[1] - a[1]) * 2.0).ceil().max(1.0);
            for i in 0..=steps as usize {
                let t = i as f32 / steps;
                let (cx, cy) = (a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t);
                for py in (cy - half).max(0.0) as usize..=(cy + half).max(0.0) as usize {
                    for px in (cx - half).max(0.0) as usize..=(cx + half).max(0.0) as usize {
                        if px < width && py < height {
                            let at = (py * width + px) * 4;
                            rgba[at..at + 4].copy_from_slice(&INK);
                        }
                    }
                }
            }
        });
    }
}

/// `from` fading into `to`: `share` of 0…256 is how far.
pub fn mix(from: &[u8], to: &[u8], share: u32, out: &mut [u8]) {
    let share = share.min(256);
    for ((out, a), b) in out.iter_mut().zip(from).zip(to) {
        *out = ((u32::from(*a) * (256 - share) + u32::from(*b) * share + 128) >> 8) as u8;
    }
}

/// RGB of full range → YUV of BT.709, limited range; chroma low-passed [1 2 1] about its place (left, as MPEG-2 has it).
/// `row_px` is the width of `rgba`, of which `layout` takes the upper left.
fn to_planes(rgba: &[u8], row_px: usize, layout: Layout, out: &mut [u8]) {
    let Layout { width, height, luma_stride, chroma_stride } = layout;
    if out.len() < layout.bytes() || rgba.len() < row_px * height * 4 || row_px < width {
        return;
    }
    let (luma, chroma) = out.split_at_mut(luma_stride * height);
    let (u, v) = chroma.split_at_mut(chroma_stride * height / 2);
    let rows = rgba.chunks_exact(row_px * 8).zip(luma.chunks_exact_mut(luma_stride * 2));
    for ((pair, luma), (u, v)) in rows.zip(u.chunks_exact_mut(chroma_stride).zip(v.chunks_exact_mut(chroma_stride))) {
        let (upper, lower) = pair.split_at(row_px * 4);
        let (upper, lower) = (&upper[..width * 4], &lower[..width * 4]);
        for (row, luma) in [upper, lower].iter().zip(luma.chunks_exact_mut(luma_stride)) {
            for (px, y) in row.as_chunks::<4>().0.iter().zip(luma) {
                let [r, g, b, _] = px.map(u32::from);
                *y = ((11_966 * r + 40_254 * g + 4_064 * b + (16 << 16) + (1 << 15)) >> 16) as u8;
            }
        }
        let (upper, lower) = (upper.as_chunks::<4>().0, lower.as_chunks::<4>().0);
        for (cx, (u, v)) in u.iter_mut().zip(v.iter_mut()).take(width / 2).enumerate() {
            let (l, c, r) = ((cx * 2).saturating_sub(1), cx * 2, cx * 2 + 1);
            let sum = |k: usize| {
                let side = |x: usize| i32::from(upper[x][k]) + i32::from(lower[x][k]);
                side(l) + 2 * side(c) + side(r)
            };
            let (r, g, b) = (sum(0), sum(1), sum(2));
            let code = |value: i32| ((value + (128 << 19) + (1 << 18)) >> 19) as u8;
            *u = code(-6_596 * r - 22_188 * g + 28_784 * b);
            *v = code(28_784 * r - 26_145 * g - 2_639 * b);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::planes_420_8bit;

    fn drawn(picture: &Picture, width: u32, height: u32) -> Vec<u8> {
        let mut canvas = Canvas::new(width, height);
        let mut out = vec![0; canvas.layout().bytes()];
        canvas.draw(picture, false, &mut out);
        out
    }

    fn noisy(w: u32, h: u32) -> Picture {
        let mut state = 12_345_u32;
        let rgba = (0..w * h * 4).map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        });
        Picture::from_rgba(w, h, rgba.collect()).unwrap()
    }

    #[test]
    fn planes_are_those_of_exports_to_a_code() {
        for (w, h) in [(64, 32), (54, 18), (16, 16)] {
            let picture = noisy(w, h);
            let (ours, theirs) = (drawn(&picture, w, h), planes_420_8bit(&picture).data);
            assert_eq!(ours.len(), theirs.len());
            assert!(ours.iter().zip(&theirs).all(|(a, b)| a.abs_diff(*b) <= 1), "{w}x{h}");
        }
    }

    #[test]
    fn other_shapes_are_fitted_between_bars() {
        // A 4:3 picture in 16:9: pillars; its colour fills exactly the middle.
        let out = drawn(&Picture::filled(40, 30, [255, 255, 255, 255]), 160, 90);
        let row = |y: usize| &out[y * 160..(y + 1) * 160];
        assert!(
            row(45)[..20].iter().all(|y| *y == 16) && row(45)[20..140].iter().all(|y| *y == 235) && row(45)[140..].iter().all(|y| *y == 16)
        );
        // A wide one: letterbox.
        let out = drawn(&Picture::filled(640, 160, [255, 255, 255, 255]), 160, 90);
        let lit: Vec<usize> = (0..90).filter(|y| out[y * 160 + 80] == 235).collect();
        assert_eq!((lit.len(), lit[0]), (40, 24));
    }

    #[test]
    fn resizing_keeps_levels_and_edges_in_place() {
        for (w, h) in [(640, 360), (80, 44), (1280, 720), (333, 187)] {
            let mut picture = Picture::filled(w, h, [200, 60, 30, 255]);
            for px in picture.rgba_mut().chunks_exact_mut(4 * w as usize).flat_map(|r| r[..2 * w as usize].chunks_exact_mut(4)) {
                px.copy_from_slice(&[20, 90, 220, 255]);
            }
            let out = drawn(&picture, 160, 90);
            let same = |rgb: [u8; 4]| drawn(&Picture::filled(160, 90, rgb), 160, 90)[160 * 45 + 80];
            let row = &out[160 * 45..160 * 46];
            assert!(row[10..74].iter().all(|y| y.abs_diff(same([20, 90, 220, 255])) <= 1), "{w}x{h}");
            assert!(row[86..150].iter().all(|y| y.abs_diff(same([200, 60, 30, 255])) <= 1), "{w}x{h}");
        }
    }

    #[test]
    fn a_size_that_changes_leaves_nothing_behind() {
        let mut canvas = Canvas::new(160, 90);
        let mut out = vec![0; canvas.layout().bytes()];
        canvas.draw(&Picture::filled(32, 18, [255; 4]), true, &mut out);
        canvas.draw(&Picture::filled(40, 30, [255; 4]), false, &mut out);
        assert!(out[45 * 160..45 * 160 + 20].iter().all(|y| *y == 16));
        assert!(out[85 * 160 + 20..85 * 160 + 140].iter().all(|y| *y == 235), "the tick is still there");
    }

    #[test]
    fn the_slate_has_words_and_no_black() {
        let mut canvas = Canvas::new(640, 360);
        let mut out = vec![0; canvas.layout().bytes()];
        canvas.slate("no picture of camera cam01 yet: it is connected again and again until it comes", &mut out);
        let luma = &out[..640 * 360];
        assert!(luma.iter().all(|y| *y > 20), "black");
        let ink = luma[100 * 640..280 * 640].iter().filter(|y| **y > 200).count();
        assert!(ink > 1500, "{ink} px of letters");
        canvas.slate("", &mut out);
    }

    #[test]
    fn a_dissolve_begins_and_ends_with_its_pictures() {
        let (a, b) = ([16_u8, 200, 128], [235_u8, 100, 128]);
        let mut out = [0; 3];
        mix(&a, &b, 0, &mut out);
        assert_eq!(out, a);
        mix(&a, &b, 256, &mut out);
        assert_eq!(out, b);
        mix(&a, &b, 128, &mut out);
        assert_eq!(out, [126, 150, 128]);
    }
}
