//! Where in a camera's picture corners of the board were seen.
//!
//! Must not know: pictures, boards, what a lens makes of it.

use std::fmt;

use glam::DVec2;

/// Cells across and down in which a camera's corners are counted.
pub const CELLS: (usize, usize) = (12, 7);

/// One of nine parts of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// 0 upper, 1 middle, 2 lower.
    pub row: usize,
    /// 0 left, 1 middle, 2 right.
    pub column: usize,
}

impl Part {
    /// Whether it is one of the four corners.
    pub const fn is_corner(self) -> bool {
        self.row != 1 && self.column != 1
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = ["upper", "middle", "lower"][self.row.min(2)];
        let column = ["left", "middle", "right"][self.column.min(2)];
        match (self.row, self.column) {
            (1, 1) => f.write_str("middle"),
            (_, 1) => f.write_str(row),
            (1, _) => f.write_str(column),
            _ => write!(f, "{row} {column}"),
        }
    }
}

/// The cell of a place in a picture of that size, px.
pub(super) fn cell_of(px: DVec2, (width_px, height_px): (u32, u32)) -> usize {
    let cell = |v: f64, size: u32, n: usize| ((v / f64::from(size.max(1)) * n as f64) as usize).min(n - 1);
    cell(px.y, height_px, CELLS.1) * CELLS.0 + cell(px.x, width_px, CELLS.0)
}

/// Corners in each of nine parts of the picture, row by row.
pub(super) fn parts(cells: &[u32]) -> [u32; 9] {
    let (w, h) = CELLS;
    let mut counts = [0_u32; 9];
    for (i, c) in cells.iter().enumerate().take(w * h) {
        counts[(i / w * 3 / h) * 3 + i % w * 3 / w] += c;
    }
    counts
}

/// A part that has nothing; `None` when each has something.
pub(super) fn empty_part(cells: &[u32]) -> Option<Part> {
    let part = parts(cells).iter().position(|c| *c == 0)?;
    Some(Part { row: part / 3, column: part % 3 })
}
