//! A picture in cells: how bright each is, how much detail it has at two scales, and what it looks like from afar.

use crate::frame::gray::Gray;

pub(super) const COLUMNS: usize = 24;
pub(super) const ROWS: usize = 14;
pub(super) const CELLS: usize = COLUMNS * ROWS;
/// Samples of a cell's coarse look, per side.
const SIDE: usize = 6;
/// Two cells show the same if their coarse looks correlate by this.
pub(super) const SAME: f32 = 0.6;
/// Larger pictures are halved first.
const MOST_WIDTH_PX: usize = 2048;
/// Energy of the coarse gradient, (code values)², below which there is nothing to see.
const TEXTURE: f32 = 8.0;
/// Contrast of the coarse look, code values, below which it tells nothing.
const CONTRAST: f32 = 1.5;
/// Darkness is divided by gently: code values.
const PEDESTAL: f32 = 16.0;

/// A picture's cells, row by row.
#[derive(Debug, Clone)]
pub(super) struct Cells {
    /// Of the picture.
    pub size_px: (usize, usize),
    mean: Vec<f32>,
    /// Energy of the gradient at full size and at half of it, (code values)², less what noise has.
    fine: Vec<f32>,
    coarse: Vec<f32>,
    /// Coarse look, `SIDE`² samples per cell.
    look: Vec<f32>,
    is_textured: Vec<bool>,
}

/// First pixel of a cell.
fn bound(k: usize, cells: usize, px: usize) -> usize {
    k * px / cells
}

/// Mean energy of the gradient per cell.
fn gradient_energy(gray: &Gray) -> Vec<f32> {
    let (w, h) = (gray.width, gray.height);
    let mut out = vec![0.0; CELLS];
    for row in 0..ROWS {
        let (y0, y1) = (bound(row, ROWS, h).max(1), bound(row + 1, ROWS, h).min(h.saturating_sub(1)));
        for column in 0..COLUMNS {
            let (x0, x1) = (bound(column, COLUMNS, w).max(1), bound(column + 1, COLUMNS, w).min(w.saturating_sub(1)));
            let (mut sum, mut n) = (0.0_f32, 0);
            for y in y0..y1 {
                let line = &gray.values[y * w..(y + 1) * w];
                let (above, below) = (&gray.values[(y - 1) * w..y * w], &gray.values[(y + 1) * w..(y + 2) * w]);
                for x in x0..x1 {
                    let (dx, dy) = (line[x + 1] - line[x - 1], below[x] - above[x]);
                    sum += 0.25 * (dx * dx + dy * dy);
                    n += 1;
                }
            }
            out[row * COLUMNS + column] = if n > 0 { sum / n as f32 } else { 0.0 };
        }
    }
    out
}

/// What lies under all cells is noise: the quietest of them, where there are quiet ones.
fn less_noise(energy: &mut [f32]) {
    let mut sorted = energy.to_vec();
    sorted.sort_by(f32::total_cmp);
    let floor = sorted[sorted.len() / 20].min(0.25 * sorted[sorted.len() / 2]);
    for e in energy {
        *e = (*e - floor).max(0.05 * floor).max(0.02);
    }
}

impl Cells {
    pub fn new(gray: Gray) -> Self {
        let size_px = (gray.width, gray.height);
        let mut gray = gray;
        while gray.width > MOST_WIDTH_PX {
            gray = gray.halved();
        }
        let half = gray.halved();
        let (mut fine, mut coarse) = (gradient_energy(&gray), gradient_energy(&half));
        less_noise(&mut fine);
        less_noise(&mut coarse);
        let look = coarse_look(&half);
        let mean = look.chunks(SIDE * SIDE).map(|cell| cell.iter().sum::<f32>() / (SIDE * SIDE) as f32).collect();
        let is_textured = coarse.iter().map(|e| *e >= TEXTURE).collect();
        Self { size_px, mean, fine, coarse, look, is_textured }
    }

    /// What several pictures of one camera have in common: cells that look the same in all of them, the middle of their detail.
    pub fn common(all: &[Self]) -> Option<Self> {
        let mut out = all.last()?.clone();
        let likeness: Vec<Vec<f32>> = all.iter().map(|c| out.likeness(c)).collect();
        for k in 0..CELLS {
            let middle = |of: fn(&Self) -> &Vec<f32>| {
                let mut values: Vec<f32> = all.iter().map(|c| of(c)[k]).collect();
                values.sort_by(f32::total_cmp);
                (values[values.len() / 2], values[values.len() - 1] / values[0].max(1e-3))
            };
            let (fine, spread) = middle(|c| &c.fine);
            (out.fine[k], out.coarse[k]) = (fine, middle(|c| &c.coarse).0);
            out.is_textured[k] = all.iter().all(|c| c.is_textured[k]) && likeness.iter().all(|l| l[k] > 0.8) && spread < 2.5;
        }
        Some(out)
    }

    /// Whether the cell has something to be judged by.
    pub fn is_textured(&self, k: usize) -> bool {
        self.is_textured[k]
    }

    /// How alike the coarse looks of each cell are, −1 to 1.
    pub fn likeness(&self, now: &Self) -> Vec<f32> {
        self.look.chunks(SIDE * SIDE).zip(now.look.chunks(SIDE * SIDE)).map(|(a, b)| alike(a, b)).collect()
    }

    /// How alike a place of several cells is, seen so coarsely that a smear on the lens does not matter, −1 to 1.
    pub fn likeness_of(&self, now: &Self, place: &[usize]) -> f32 {
        const PARTS: usize = 2;
        let parts = |c: &Self| -> Vec<f32> {
            let of = |k: usize, part: usize| {
                let (x0, y0) = (part % PARTS * (SIDE / PARTS), part / PARTS * (SIDE / PARTS));
                let inside = |i: &usize| (x0..x0 + SIDE / PARTS).contains(&(i % SIDE)) && (y0..y0 + SIDE / PARTS).contains(&(i / SIDE));
                (0..SIDE * SIDE).filter(inside).map(|i| c.look[k * SIDE * SIDE + i]).sum::<f32>() / (SIDE / PARTS).pow(2) as f32
            };
            place.iter().flat_map(|&k| (0..PARTS * PARTS).map(move |part| (k, part))).map(|(k, part)| of(k, part)).collect()
        };
        alike(&parts(self), &parts(now))
    }

    /// By how many powers of two a cell's contrast energy is more than it was: brightness does not count.
    fn gained(&self, now: &Self, k: usize, of: fn(&Self) -> &Vec<f32>) -> f32 {
        let contrast = |c: &Self| of(c)[k] / (c.mean[k] + PEDESTAL).powi(2);
        (contrast(now) / contrast(self)).log2()
    }

    pub fn lost_fine(&self, now: &Self, k: usize) -> f32 {
        self.gained(now, k, |c| &c.fine)
    }

    pub fn lost_coarse(&self, now: &Self, k: usize) -> f32 {
        self.gained(now, k, |c| &c.coarse)
    }

    /// Whether a cell is by far darker than it was, against the whole picture.
    pub fn is_dark(&self, now: &Self, k: usize) -> bool {
        let all = |c: &Self| c.mean.iter().sum::<f32>() / CELLS as f32 + PEDESTAL;
        (now.mean[k] + PEDESTAL) / all(now) < 0.6 * (self.mean[k] + PEDESTAL) / all(self)
    }
}

/// Correlation; 0 where there is nothing to see.
fn alike(a: &[f32], b: &[f32]) -> f32 {
    let n = a.len().max(1) as f32;
    let (ma, mb) = (a.iter().sum::<f32>() / n, b.iter().sum::<f32>() / n);
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (x, y) in a.iter().zip(b) {
        let (x, y) = (x - ma, y - mb);
        (ab, aa, bb) = (ab + x * y, aa + x * x, bb + y * y);
    }
    let least = n * CONTRAST * CONTRAST;
    if aa < least || bb < 0.01 * least { 0.0 } else { ab / (aa * bb).sqrt() }
}

/// Means of `SIDE`² parts of every cell.
fn coarse_look(gray: &Gray) -> Vec<f32> {
    let (w, h) = (gray.width, gray.height);
    let mut out = Vec::with_capacity(CELLS * SIDE * SIDE);
    for cell in 0..CELLS {
        let (column, row) = (cell % COLUMNS, cell / COLUMNS);
        for part in 0..SIDE * SIDE {
            let (px, py) = (column * SIDE + part % SIDE, row * SIDE + part / SIDE);
            let (x0, y0) = (bound(px, COLUMNS * SIDE, w), bound(py, ROWS * SIDE, h));
            let (x1, y1) = (bound(px + 1, COLUMNS * SIDE, w).max(x0 + 1).min(w), bound(py + 1, ROWS * SIDE, h).max(y0 + 1).min(h));
            let sum: f32 = (y0..y1).map(|y| gray.values[y * w + x0..y * w + x1].iter().sum::<f32>()).sum();
            out.push(sum / ((x1 - x0) * (y1 - y0)).max(1) as f32);
        }
    }
    out
}
