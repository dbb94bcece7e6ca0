//! `AprilGrids`: tags in rows, with small dark squares at their corners, as Kalibr prints and describes them.
//!
//! Must not know: pictures.

use glam::DVec2;

use super::{
    description::{Board, Markers, number, whole},
    dictionary::{Dictionary, FAMILIES_KNOWN},
};

/// Where the corners of an `AprilGrid` are.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TagGrid {
    columns: u32,
    rows: u32,
    tag_m: f64,
    gap_m: f64,
    /// Small dark squares fill the crossings of the gaps.
    squares: bool,
}

impl TagGrid {
    /// So much about a corner is free of other edges, metres; the tag's border is so wide.
    pub fn clear_m(&self, border_m: f64) -> f64 {
        border_m.min(self.gap_m)
    }

    /// From a corner to the middles of the tags about it, along each axis at most, metres.
    pub fn reach_m(&self) -> f64 {
        0.5 * self.tag_m + self.gap_m
    }

    /// The tag that a corner belongs to: column and row from the upper left.
    pub const fn tag_of(across: usize, down: usize) -> (usize, usize) {
        (across / 2, down / 2)
    }

    /// The upper left corner of a tag, metres.
    fn tag_at(&self, column: usize, row: usize) -> DVec2 {
        DVec2::new(column as f64, row as f64) * (self.tag_m + self.gap_m) + self.gap_m
    }

    pub fn corner_m(&self, across: usize, down: usize) -> DVec2 {
        let (column, row) = Self::tag_of(across, down);
        self.tag_at(column, row) + DVec2::new((across % 2) as f64, (down % 2) as f64) * self.tag_m
    }

    /// With the small squares about it, also where they are not printed.
    pub fn size_m(&self) -> DVec2 {
        DVec2::new(f64::from(self.columns), f64::from(self.rows)) * (self.tag_m + self.gap_m) + self.gap_m
    }

    /// Whether a place is in one of the small squares.
    pub fn is_in_square(&self, p_m: DVec2) -> bool {
        let pitch = self.tag_m + self.gap_m;
        self.squares && p_m.x.rem_euclid(pitch) < self.gap_m && p_m.y.rem_euclid(pitch) < self.gap_m
    }
}

impl Board {
    /// An `AprilGrid`: so many tags across and down, their side, the gap between them as a share of it. Tags are numbered row by row from the *lower*
    /// left, upright, with a dark border of `border` of their own squares (Kalibr's has 2, those of `AprilTag`'s own tools 1); `squares`: small dark
    /// squares at their corners, as Kalibr prints them.
    pub fn aprilgrid(
        (columns, rows): (u32, u32),
        tag_m: f64,
        gap: f64,
        family: &str,
        border: usize,
        squares: bool,
    ) -> Result<Self, String> {
        if !(1..=24).contains(&columns) || !(1..=24).contains(&rows) || columns * rows < 4 {
            return Err(format!("{columns} × {rows} tags; it takes four at least, and 24 each way at most"));
        }
        if !(5e-3..=5.0).contains(&tag_m) {
            return Err(format!("tags of {tag_m} m; give their side in metres (88 mm are 0.088)"));
        }
        if !(0.08..=1.0).contains(&gap) {
            return Err(format!("a gap of {gap} tags; give it as a share of a tag's side, 0.08 to 1 (Kalibr's tagSpacing)"));
        }
        let dictionary =
            Dictionary::april(family).ok_or_else(|| format!("{family:?} is no family of AprilTags here. There are {FAMILIES_KNOWN}"))?;
        let grid = TagGrid { columns, rows, tag_m, gap_m: gap * tag_m, squares };
        let place = |row: u32, column: u32| grid.tag_at(column as usize, (rows - 1 - row) as usize);
        let at: Vec<(u32, DVec2)> =
            (0..rows).flat_map(|y| (0..columns).map(move |x| (y, x))).enumerate().map(|(i, (y, x))| (i as u32, place(y, x))).collect();
        if at.len() > dictionary.codes.len() {
            return Err(format!("it has {} tags, its family {}", at.len(), dictionary.codes.len()));
        }
        let markers = Markers { dictionary, side_m: tag_m, border, touching: squares, at };
        Ok(Self {
            columns: 2 * columns + 1,
            rows: 2 * rows + 1,
            square_m: 0.5 * (1.0 + gap) * tag_m,
            markers: Some(markers),
            inverted: false,
            grid: Some(grid),
            back: None,
        })
    }

    /// Reads Kalibr's `target.yaml`: `target_type: 'aprilgrid'` with `tagCols`, `tagRows`, `tagSize` (m) and `tagSpacing`; or `'checkerboard'` with
    /// `targetCols`, `targetRows` (inner corners), `colSpacingMeters` and `rowSpacingMeters`.
    pub fn from_kalibr(text: &str) -> Result<Self, String> {
        let value = |key: &str| {
            let of = |line: &str| {
                let (name, value) = line.split('#').next()?.split_once(':')?;
                (name.trim() == key).then(|| value.trim().trim_matches(['\'', '"']).to_owned())
            };
            text.lines().find_map(of)
        };
        let must = |key: &str| value(key).ok_or_else(|| format!("{key} is missing"));
        match must("target_type")?.as_str() {
            "aprilgrid" => {
                let tags = (whole(&must("tagCols")?)?, whole(&must("tagRows")?)?);
                Self::aprilgrid(tags, number(&must("tagSize")?)?, number(&must("tagSpacing")?)?, "36h11", 2, true)
            }
            "checkerboard" => {
                let (across, down) = (number(&must("colSpacingMeters")?)?, number(&must("rowSpacingMeters")?)?);
                if (across - down).abs() > 1e-9 {
                    return Err(format!("its squares are {across} m wide and {down} m high; they must be square"));
                }
                Self::chessboard((whole(&must("targetCols")?)?.saturating_add(1), whole(&must("targetRows")?)?.saturating_add(1)), across)
            }
            other => Err(format!("its target_type is {other:?}; aprilgrid and checkerboard are read")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KALIBR: &str = "target_type: 'aprilgrid' #gridtype\ntagCols: 6               #number of apriltags\ntagRows: 5\ntagSize: 0.088           #[m]\n\
                          tagSpacing: 0.3          #ratio of space between tags to tagSize\n";

    #[test]
    fn an_aprilgrid_is_kalibrs() {
        let b = Board::parse("aprilgrid:6x5:0.088:0.3").unwrap();
        assert_eq!(b, Board::from_kalibr(KALIBR).unwrap());
        assert_eq!(b.corner_count(), 120);
        // Kalibr counts from the lower left: tag 0 is in the lowest row, tag 6 above it, the last one at the upper right.
        let at = |id: u32| b.markers.as_ref().unwrap().at.iter().find(|(i, _)| *i == id).unwrap().1;
        let pitch = 1.3 * 0.088;
        assert!((at(6) - at(0) - DVec2::new(0.0, -pitch)).length() < 1e-12 && (at(1) - at(0) - DVec2::new(pitch, 0.0)).length() < 1e-12);
        assert!((at(29) - DVec2::new(5.0 * pitch + 0.3 * 0.088, 0.3 * 0.088)).length() < 1e-12);
        // Kalibr's points, from the lower left corner of tag 0 with y upwards, are our corners.
        let origin = at(0) + DVec2::new(0.0, 0.088);
        for (r, c) in [(0_usize, 0_usize), (3, 5), (9, 11)] {
            let kalibr = DVec2::new((c / 2) as f64 * pitch + (c % 2) as f64 * 0.088, (r / 2) as f64 * pitch + (r % 2) as f64 * 0.088);
            assert!((b.corner_m((9 - r) * 12 + c) - (origin + kalibr * DVec2::new(1.0, -1.0))).length() < 1e-12);
        }
        // Tag 0 is 0xd5d628584: its uppermost row reads 110101, black border two squares wide.
        let cell = |x: f64, y: f64| b.is_dark_at(at(0) + (DVec2::new(x, y) + 0.5) * 0.0088);
        let row: Vec<bool> = (0..10).map(|x| !cell(f64::from(x), 2.0)).collect();
        assert_eq!(row, [false, false, true, true, false, true, false, true, false, false]);
        assert!((0..10).all(|x| cell(f64::from(x), 1.0)));
        // A small square meets the tag's corner, the gap is white.
        assert!(b.is_dark_at(at(0) - 0.001) && !b.is_dark_at(at(0) + DVec2::new(0.04, -0.001)));
        let plain = Board::parse("aprilgrid:6x5:0.088:0.3:plain").unwrap();
        assert!(!plain.is_dark_at(at(0) - 0.001));
    }

    #[test]
    fn families_borders_and_numbers_can_be_told_and_nonsense_is_refused() {
        let b = Board::parse("aprilgrid:3x4:0.1:0.25:tag25h9:border1:from20").unwrap();
        let m = b.markers.unwrap();
        assert_eq!((m.dictionary.bits, m.border, m.at[0].0, m.at.len()), (5, 1, 20, 12));
        for (text, word) in [
            ("aprilgrid:6x6:88:0.3", "metres"),
            ("aprilgrid:6x6:0.088:0.02", "share of a tag"),
            ("aprilgrid:6x6:0.088:0.3:16h5", "36 tags"),
            ("aprilgrid:6x5:0.088:0.3:16h5:from3", "beyond the last"),
            ("aprilgrid:6x6:0.088:0.3:36h10", "36h10"),
            ("aprilgrid:6x6:0.088", "missing"),
            ("aprilgrid:1x2:0.088:0.3", "four at least"),
        ] {
            let told = Board::parse(text).unwrap_err().to_string();
            assert!(told.contains(word) && told.contains("aprilgrid:6x6:0.088:0.3 ("), "{text}: {told}");
        }
        for (text, word) in [
            ("target_type: 'circlegrid'", "circlegrid"),
            ("target_type: aprilgrid\ntagCols: 6", "tagRows"),
            ("tagCols: 6", "target_type"),
            ("target_type: checkerboard\ntargetCols: 6\ntargetRows: 7\ncolSpacingMeters: 0.05\nrowSpacingMeters: 0.06", "must be square"),
        ] {
            assert!(Board::from_kalibr(text).unwrap_err().contains(word), "{text}");
        }
        let chess = "target_type: checkerboard\ntargetCols: 6\ntargetRows: 7\ncolSpacingMeters: 0.05\nrowSpacingMeters: 0.05";
        assert_eq!(Board::from_kalibr(chess), Board::chessboard((7, 8), 0.05));
    }
}
