//! Luma pyramids, sampling, and the comparison of small patches.

use glam::{DMat2, DVec2};

use super::Picture;

/// Larger pictures are halved until they fit: the gain in precision stops where the sensor's noise begins.
const MAX_SIDE_PX: u32 = 1400;
/// Half the side of the patches that are compared, px.
pub(crate) const HALF_PX: i32 = 7;
/// Pixels of a patch.
pub(crate) const PATCH: usize = ((2 * HALF_PX + 1) * (2 * HALF_PX + 1)) as usize;

/// A picture's luma, code values 0–255, row-major.
#[derive(Debug, Clone)]
pub(crate) struct Gray {
    pub width: usize,
    pub height: usize,
    pub values: Vec<f32>,
}

impl Gray {
    pub(crate) fn from_picture(picture: &Picture) -> Self {
        let luma = |p: &[u8]| 0.2126 * f32::from(p[0]) + 0.7152 * f32::from(p[1]) + 0.0722 * f32::from(p[2]);
        let values = picture.rgba().chunks_exact(4).map(luma).collect();
        Self { width: picture.width() as usize, height: picture.height() as usize, values }
    }

    /// Half the size, averaged over 2×2.
    pub(crate) fn halved(&self) -> Self {
        let (width, height) = ((self.width / 2).max(1), (self.height / 2).max(1));
        let mut values = Vec::with_capacity(width * height);
        for y in 0..height {
            for x in 0..width {
                let at =
                    |dx: usize, dy: usize| self.values[(2 * y + dy).min(self.height - 1) * self.width + (2 * x + dx).min(self.width - 1)];
                values.push(0.25 * (at(0, 0) + at(1, 0) + at(0, 1) + at(1, 1)));
            }
        }
        Self { width, height, values }
    }

    /// Value at a position with pixel centres at .5, bilinear, edges repeated.
    pub(crate) fn sample(&self, p: DVec2) -> f32 {
        let (x, y) = (p.x - 0.5, p.y - 0.5);
        let (x0, y0) = (x.floor(), y.floor());
        let (fx, fy) = ((x - x0) as f32, (y - y0) as f32);
        let column = |c: f64| (c.max(0.0) as usize).min(self.width - 1);
        let row = |r: f64| (r.max(0.0) as usize).min(self.height - 1) * self.width;
        let (a, b) = (column(x0), column(x0 + 1.0));
        let (top, bottom) = (row(y0), row(y0 + 1.0));
        let upper = self.values[top + a] * (1.0 - fx) + self.values[top + b] * fx;
        let lower = self.values[bottom + a] * (1.0 - fx) + self.values[bottom + b] * fx;
        upper * (1.0 - fy) + lower * fy
    }

    /// Whether a patch about `p` with `margin` more pixels lies inside.
    pub(crate) fn holds(&self, p: DVec2, margin: f64) -> bool {
        let m = f64::from(HALF_PX) + margin;
        p.x > m && p.y > m && p.x < self.width as f64 - m && p.y < self.height as f64 - m
    }

    /// The patch about `p`, its grid sheared by `dst_from_patch`.
    pub(crate) fn patch(&self, p: DVec2, dst_from_patch: DMat2) -> [f32; PATCH] {
        let mut out = [0.0; PATCH];
        let mut i = 0;
        for dy in -HALF_PX..=HALF_PX {
            for dx in -HALF_PX..=HALF_PX {
                out[i] = self.sample(p + dst_from_patch * DVec2::new(f64::from(dx), f64::from(dy)));
                i += 1;
            }
        }
        out
    }
}

/// A pyramid, finest first, and how many picture pixels one pixel of its finest level is.
#[derive(Debug, Clone)]
pub(crate) struct Pyramid {
    pub levels: Vec<Gray>,
    pub picture_px: f64,
}

impl Pyramid {
    pub(crate) fn new(picture: &Picture, levels: usize) -> Self {
        let mut finest = Gray::from_picture(picture);
        let mut picture_px = 1.0;
        while finest.width.max(finest.height) > MAX_SIDE_PX as usize {
            finest = finest.halved();
            picture_px *= 2.0;
        }
        let mut all = vec![finest];
        while all.len() < levels && all[all.len() - 1].width.min(all[all.len() - 1].height) >= 48 {
            let next = all[all.len() - 1].halved();
            all.push(next);
        }
        Self { levels: all, picture_px }
    }

    pub(crate) fn finest(&self) -> &Gray {
        &self.levels[0]
    }
}

/// Normalized correlation of two patches, −1 to 1; 0 where one has no texture.
pub(crate) fn correlation(a: &[f32; PATCH], b: &[f32; PATCH]) -> f32 {
    let mean = |p: &[f32; PATCH]| p.iter().sum::<f32>() / PATCH as f32;
    let (ma, mb) = (mean(a), mean(b));
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (x, y) in a.iter().zip(b) {
        let (x, y) = (x - ma, y - mb);
        (ab, aa, bb) = (ab + x * y, aa + x * x, bb + y * y);
    }
    // Less than one and a half code values of contrast is noise.
    let least = 2.0 * PATCH as f32;
    if aa < least || bb < least { 0.0 } else { ab / (aa * bb).sqrt() }
}

/// Moves `p` until the (sheared) patch of `gray` about it looks like `wanted`, up to brightness and contrast: Lucas and Kanade's iteration.
/// `None` when it does not settle.
pub(crate) fn settle(wanted: &[f32; PATCH], gray: &Gray, p: DVec2, dst_from_patch: DMat2) -> Option<DVec2> {
    let mut p = p;
    let mean_wanted = wanted.iter().sum::<f32>() / PATCH as f32;
    for _ in 0..12 {
        if !gray.holds(p, 2.0) {
            return None;
        }
        let here = gray.patch(p, dst_from_patch);
        let mean = here.iter().sum::<f32>() / PATCH as f32;
        let (mut var_w, mut cov) = (1e-3, 0.0);
        for (w, h) in wanted.iter().zip(&here) {
            var_w += (h - mean) * (h - mean);
            cov += (w - mean_wanted) * (h - mean);
        }
        let gain = (cov / var_w).clamp(0.5, 2.0);
        let (mut xx, mut xy, mut yy, mut bx, mut by) = (0.0, 0.0, 0.0, 0.0, 0.0);
        let mut i = 0;
        for dy in -HALF_PX..=HALF_PX {
            for dx in -HALF_PX..=HALF_PX {
                let q = p + dst_from_patch * DVec2::new(f64::from(dx), f64::from(dy));
                let gx = f64::from(gain * 0.5 * (gray.sample(q + DVec2::X) - gray.sample(q - DVec2::X)));
                let gy = f64::from(gain * 0.5 * (gray.sample(q + DVec2::Y) - gray.sample(q - DVec2::Y)));
                let r = f64::from((wanted[i] - mean_wanted) - gain * (here[i] - mean));
                (xx, xy, yy, bx, by) = (xx + gx * gx, xy + gx * gy, yy + gy * gy, bx + gx * r, by + gy * r);
                i += 1;
            }
        }
        let det = xx * yy - xy * xy;
        if det < 1e-3 * (xx + yy).powi(2) || det < 1.0 {
            return None;
        }
        let step = DVec2::new(yy * bx - xy * by, xx * by - xy * bx) / det;
        p += step.clamp_length_max(2.0);
        if step.length_squared() < 1e-4 {
            return Some(p);
        }
    }
    None
}
