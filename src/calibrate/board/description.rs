//! Which board it is: a line of text, or a TOML file as caliscope writes it.

use std::path::Path;

use glam::DVec2;

use super::{
    dictionary::{Dictionary, KNOWN},
    sides::Back,
    tags::TagGrid,
};

/// A flat calibration target, which may have another one on its back ([`Board::two_sided`]).
///
/// Its axes, seen from the front: +x right, +y down, +z away from the viewer, metres, from the upper left corner of its squares.
#[derive(Debug, Clone, PartialEq)]
pub struct Board {
    /// Squares along x; one more than corners.
    pub columns: u32,
    /// Squares along y; one more than corners.
    pub rows: u32,
    /// Side of a square, metres; of an `AprilGrid` half of the way from tag to tag, which has two corners.
    pub square_m: f64,
    /// The markers in its white squares; `None` for a chessboard.
    pub(super) markers: Option<Markers>,
    /// Printed black for white.
    pub inverted: bool,
    /// Where the corners of an `AprilGrid` are; `None` for all boards of squares.
    pub(super) grid: Option<TagGrid>,
    /// What is on its other side.
    pub(super) back: Option<Box<Back>>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Markers {
    pub dictionary: Dictionary,
    pub side_m: f64,
    /// Width of its dark border, in its own squares.
    pub border: usize,
    /// The dark squares beside them touch their corners.
    pub touching: bool,
    /// The upper left corner of each and its number.
    pub at: Vec<(u32, DVec2)>,
}

/// Why a description of a board is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the board {text:?}: {what}. Say e.g. charuco:7x10:0.030:0.022:4x4_50 (squares across × down, side of a square and of a marker in metres, \
     dictionary; add :inverted for white markers on black, :legacy for boards of OpenCV before 4.6), chessboard:7x10:0.030, \
     aprilgrid:6x6:0.088:0.3 (tags across × down, side of a tag in metres, gap as a share of it), or give a .toml or Kalibr's target.yaml"
)]
pub struct BoardError {
    /// What was given.
    pub text: String,
    /// What is wrong with it.
    pub what: String,
}

impl Board {
    /// A ChArUco board: markers in the white squares, numbered row by row, the upper left square black (OpenCV's of 4.6 and later; `legacy`:
    /// with an even number of rows the upper left square is white, as before), from the dictionary's first marker.
    pub fn charuco(
        (columns, rows): (u32, u32),
        square_m: f64,
        marker_m: f64,
        dictionary: &str,
        inverted: bool,
        legacy: bool,
    ) -> Result<Self, String> {
        sizes(columns, rows, square_m)?;
        if !(marker_m > 0.3 * square_m && marker_m < 0.97 * square_m) {
            return Err(format!("a marker of {marker_m} m does not fit into a square of {square_m} m"));
        }
        let dictionary = Dictionary::by_name(dictionary).ok_or_else(|| format!("{dictionary:?} is no dictionary. There are {KNOWN}"))?;
        let white_first = legacy && rows.is_multiple_of(2);
        let margin = 0.5 * (square_m - marker_m);
        let white = (0..rows).flat_map(|y| (0..columns).map(move |x| (x, y))).filter(|(x, y)| (x + y).is_multiple_of(2) == white_first);
        let place = |(x, y): (u32, u32)| DVec2::new(f64::from(x), f64::from(y)) * square_m + margin;
        let at: Vec<(u32, DVec2)> = white.enumerate().map(|(i, square)| (i as u32, place(square))).collect();
        if at.len() > dictionary.codes.len() {
            return Err(format!("it has {} markers, its dictionary {}", at.len(), dictionary.codes.len()));
        }
        let markers = Markers { dictionary, side_m: marker_m, border: 1, touching: false, at };
        Ok(Self { columns, rows, square_m, markers: Some(markers), inverted, grid: None, back: None })
    }

    /// With markers whose numbers begin at `first` instead of 0: a second board that is told from the first.
    pub(super) fn numbered_from(mut self, first: u32) -> Result<Self, String> {
        let markers = self.markers.as_mut().ok_or("a chessboard has no numbers")?;
        for (id, _) in &mut markers.at {
            *id = id.saturating_add(first);
        }
        match markers.at.iter().map(|(id, _)| *id as usize).max() {
            Some(last) if last < markers.dictionary.codes.len() => Ok(self),
            _ => Err(format!("its markers go beyond the last of its dictionary, {}", markers.dictionary.codes.len() - 1)),
        }
    }

    /// A chessboard, counted in squares, the upper left one black. One of the two numbers must be even and the other odd: else it looks the
    /// same upside down, and cameras would not agree on which corner is the first.
    pub fn chessboard((columns, rows): (u32, u32), square_m: f64) -> Result<Self, String> {
        sizes(columns, rows, square_m)?;
        if columns.is_multiple_of(2) == rows.is_multiple_of(2) {
            return Err(format!(
                "a chessboard of {columns} × {rows} squares looks the same upside down, so that cameras would not agree where its origin is. \
                 Use one with an even and an odd number of squares (7x10), or a ChArUco board"
            ));
        }
        Ok(Self { columns, rows, square_m, markers: None, inverted: false, grid: None, back: None })
    }

    /// What an operator says in one line: a description ([`Board::parse`]) or the name of a file ([`Board::load`]), and for a board with two sides
    /// `back`, the other side and the thickness in metres after it.
    pub fn said(text: &str) -> Result<Self, BoardError> {
        let text = text.trim();
        let read = |text: &str| if Path::new(text).is_file() { Self::load(Path::new(text)) } else { Self::parse(text) };
        let Some((front, back)) = text.split_once(" back ") else { return read(text) };
        let error = |what: String| BoardError { text: text.to_owned(), what };
        let (back, thickness) = back
            .trim()
            .rsplit_once(char::is_whitespace)
            .ok_or_else(|| error("after `back` come the other side and the thickness in metres, like 0.005".to_owned()))?;
        read(front.trim())?.two_sided(read(back.trim())?, number(thickness).map_err(error)?).map_err(error)
    }

    /// Reads a line like `charuco:7x10:0.030:0.022:4x4_50`.
    pub fn parse(text: &str) -> Result<Self, BoardError> {
        Self::from_words(text).map_err(|what| BoardError { text: text.into(), what })
    }

    fn from_words(text: &str) -> Result<Self, String> {
        let words: Vec<&str> = text.split(':').map(str::trim).collect();
        let size = |w: &str| -> Result<(u32, u32), String> {
            let (a, b) = w.split_once(['x', '×']).ok_or_else(|| format!("{w:?} is no number of squares like 7x10"))?;
            Ok((whole(a)?, whole(b)?))
        };
        // `from30`: the number of the first marker.
        let from = |flag: &str| flag.strip_prefix("from").and_then(|n| n.parse::<u32>().ok());
        let known = |flags: &[&str], names: &[&str]| match flags.iter().find(|f| !names.contains(f) && from(f).is_none()) {
            Some(unknown) => Err(format!("{unknown:?} is none of {} and from30 (the number of its first marker)", names.join(", "))),
            None => Ok(flags.iter().find_map(|f| from(f))),
        };
        match words.as_slice() {
            ["charuco", squares, square, marker, dictionary, flags @ ..] => {
                let first = known(flags, &["inverted", "legacy"])?;
                let is = |flag: &str| flags.contains(&flag);
                let board = Self::charuco(size(squares)?, number(square)?, number(marker)?, dictionary, is("inverted"), is("legacy"))?;
                first.map_or(Ok(board.clone()), |first| board.numbered_from(first))
            }
            ["chessboard", squares, square] => Self::chessboard(size(squares)?, number(square)?),
            ["aprilgrid", tags, side, gap, flags @ ..] => {
                let (family, flags) = match flags {
                    [family, rest @ ..] if Dictionary::april(family).is_some() => (*family, rest),
                    _ => ("36h11", flags),
                };
                let first = known(flags, &["inverted", "border1", "plain"])?;
                let is = |flag: &str| flags.contains(&flag);
                let border = if is("border1") { 1 } else { 2 };
                let mut board = Self::aprilgrid(size(tags)?, number(side)?, number(gap)?, family, border, !is("plain"))?;
                board.inverted = is("inverted");
                first.map_or(Ok(board.clone()), |first| board.numbered_from(first))
            }
            ["charuco" | "chessboard" | "aprilgrid", ..] => Err("a number is missing or too many".into()),
            _ => Err("it is none of charuco:…, chessboard:… and aprilgrid:…".into()),
        }
    }

    /// Reads a TOML file like caliscope's `charuco.toml`: `columns`, `rows`, `dictionary`, `square_size_override_cm` (or `square_m`),
    /// `aruco_scale` (or `marker_m`), `inverted`, `legacy` (or `legacy_pattern`); or Kalibr's `target.yaml` ([`Board::from_kalibr`]).
    pub fn load(path: &Path) -> Result<Self, BoardError> {
        let error = |what: String| BoardError { text: path.display().to_string(), what };
        let text = std::fs::read_to_string(path).map_err(|e| error(format!("cannot be read: {e}")))?;
        if path.extension().is_some_and(|e| e == "yaml" || e == "yml") {
            return Self::from_kalibr(&text).map_err(error);
        }
        let table: toml::Table = text.parse().map_err(|e: toml::de::Error| error(e.to_string()))?;
        Self::from_table(table.get("charuco").and_then(toml::Value::as_table).unwrap_or(&table)).map_err(error)
    }

    fn from_table(table: &toml::Table) -> Result<Self, String> {
        let float = |key: &str| table.get(key).and_then(|v| v.as_float().or_else(|| v.as_integer().map(|i| i as f64)));
        let count = |key: &str| {
            let n = table.get(key).and_then(toml::Value::as_integer).and_then(|n| u32::try_from(n).ok());
            n.ok_or_else(|| format!("{key} (a whole number of squares) is missing"))
        };
        let flag = |key: &str| table.get(key).and_then(toml::Value::as_bool).unwrap_or(false);
        let square_m = float("square_m")
            // Older files write it with one r.
            .or_else(|| float("square_size_override_cm").or_else(|| float("square_size_overide_cm")).map(|cm| cm * 0.01))
            .ok_or("square_m (or square_size_override_cm) is missing: measure a square of the printed board")?;
        let squares = (count("columns")?, count("rows")?);
        let Some(dictionary) = table.get("dictionary") else { return Self::chessboard(squares, square_m) };
        let dictionary = dictionary.as_str().ok_or("dictionary is no text like \"4x4_50\"")?;
        let marker_m =
            float("marker_m").or_else(|| float("aruco_scale").map(|s| s * square_m)).ok_or("marker_m (or aruco_scale) is missing")?;
        Self::charuco(squares, square_m, marker_m, dictionary, flag("inverted"), flag("legacy") || flag("legacy_pattern"))
    }

    /// Number of inner corners, of its front alone.
    pub const fn corner_count(&self) -> usize {
        ((self.columns - 1) * (self.rows - 1)) as usize
    }

    /// Where an inner corner is, metres on the board; row by row from the upper left.
    pub fn corner_m(&self, corner: usize) -> DVec2 {
        let across = self.columns as usize - 1;
        if let Some(grid) = &self.grid {
            return grid.corner_m(corner % across, corner / across);
        }
        DVec2::new((corner % across + 1) as f64, (corner / across + 1) as f64) * self.square_m
    }

    /// Width and height, metres.
    pub fn size_m(&self) -> DVec2 {
        if let Some(grid) = &self.grid {
            return grid.size_m();
        }
        DVec2::new(f64::from(self.columns), f64::from(self.rows)) * self.square_m
    }

    /// Whether it is dark at a place on the board (m); outside, it has a white margin. The board as it is drawn.
    pub fn is_dark_at(&self, p_m: DVec2) -> bool {
        let size = self.size_m();
        if p_m.x < 0.0 || p_m.y < 0.0 || p_m.x >= size.x || p_m.y >= size.y {
            return self.inverted;
        }
        let square = (p_m / self.square_m).floor();
        let first_is_dark =
            self.markers.as_ref().is_none_or(|m| m.at.first().is_none_or(|(_, p)| p.x > self.square_m || p.y > self.square_m));
        let mut dark = match &self.grid {
            Some(grid) => grid.is_in_square(p_m),
            None => ((square.x + square.y) as i64 % 2 == 0) == first_is_dark,
        };
        if let Some(m) = self.markers.as_ref().filter(|_| !dark) {
            let inside = |(_, at): &&(u32, DVec2)| {
                let d = p_m - *at;
                d.x >= 0.0 && d.y >= 0.0 && d.x < m.side_m && d.y < m.side_m
            };
            if let Some((id, at)) = m.at.iter().find(inside) {
                let (n, b) = (m.dictionary.bits, m.border);
                let cell = ((p_m - *at) * ((n + 2 * b) as f64 / m.side_m)).floor();
                let (x, y) = (cell.x as usize, cell.y as usize);
                let inside = (b..n + b).contains(&x) && (b..n + b).contains(&y);
                dark = !inside || (m.dictionary.codes[*id as usize] >> (n * n - 1 - ((y - b) * n + x - b))) & 1 == 0;
            }
        }
        dark != self.inverted
    }
}

pub(super) fn sizes(columns: u32, rows: u32, square_m: f64) -> Result<(), String> {
    if !(3..=64).contains(&columns) || !(3..=64).contains(&rows) {
        return Err(format!("{columns} × {rows} squares; it takes 3 to 64 each way"));
    }
    if !(1e-3..=5.0).contains(&square_m) {
        return Err(format!("squares of {square_m} m; give their side in metres (30 mm are 0.030)"));
    }
    Ok(())
}

pub(super) fn whole(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_bad| format!("{text:?} is no whole number"))
}

pub(super) fn number(text: &str) -> Result<f64, String> {
    text.parse().map_err(|_bad| format!("{text:?} is no length in metres like 0.030"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boards_by_text_and_by_file() {
        let b = Board::parse("charuco:7x10:0.030:0.022:4x4_50").unwrap();
        assert_eq!((b.corner_count(), b.markers.as_ref().unwrap().at.len()), (54, 35));
        assert!((b.corner_m(7) - DVec2::new(0.06, 0.06)).length() < 1e-12);
        // The upper left square is black, the one beside it has marker 0 in a white margin.
        assert!(b.is_dark_at(DVec2::splat(0.01)) && !b.is_dark_at(DVec2::new(0.032, 0.01)) && b.is_dark_at(DVec2::new(0.035, 0.01)));
        assert!(!b.is_dark_at(DVec2::splat(-0.01)));
        let legacy = Board::parse("charuco:7x10:0.030:0.022:4x4_50:legacy").unwrap();
        assert!(!legacy.is_dark_at(DVec2::splat(0.002)) && legacy.markers.unwrap().at[0].1.x < 0.03);
        let inverted = Board::parse("charuco:7x10:0.030:0.022:4x4_50:inverted").unwrap();
        assert!(!inverted.is_dark_at(DVec2::splat(0.01)));
        assert!(Board::parse("chessboard:7x10:0.03").unwrap().is_dark_at(DVec2::splat(0.01)));
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("charuco.toml");
        let text =
            "columns = 4\nrows = 5\ndictionary = \"DICT_4X4_1000\"\naruco_scale = 0.75\nsquare_size_override_cm = 5.4\ninverted = true\n";
        std::fs::write(&path, text).unwrap();
        let b = Board::load(&path).unwrap();
        assert_eq!((b.columns, b.rows, b.inverted), (4, 5, true));
        assert!((b.square_m - 0.054).abs() < 1e-12 && (b.markers.unwrap().side_m - 0.0405).abs() < 1e-12);
    }

    #[test]
    fn a_board_with_two_sides_is_said_in_one_line() {
        let front = "charuco:7x10:0.03:0.022:4x4_100";
        let said = Board::said(&format!(" {front} back {front}:from35 0.005 ")).unwrap();
        let back = Board::parse(&format!("{front}:from35")).unwrap();
        assert_eq!(said, Board::parse(front).unwrap().two_sided(back, 0.005).unwrap());
        assert_eq!(Board::said(front).unwrap(), Board::parse(front).unwrap());
        for (text, word) in [
            (format!("{front} back {front}:from35"), "thickness"),
            (format!("{front} back {front}:from35 5mm"), "5mm"),
            (format!("{front} back {front}:from35 5"), "5 m"),
            (format!("{front} back circles:3x4:0.1 0.005"), "none of"),
            ("no-such-file.yaml".to_owned(), "Say e.g."),
        ] {
            let told = Board::said(&text).unwrap_err().to_string();
            assert!(told.contains(word), "{text}: {told}");
        }
    }

    #[test]
    fn what_is_no_board_is_told_with_the_remedy() {
        for (text, word) in [
            ("charuco:7x10:0.030", "missing"),
            ("charuco:7x10:30:22:4x4_50", "metres"),
            ("charuco:7x10:0.030:0.040:4x4_50", "does not fit"),
            ("charuco:7x10:0.030:0.022:9x9_50", "4x4_50"),
            ("charuco:20x20:0.030:0.022:4x4_50", "200 markers"),
            ("charuco:7x10:0.030:0.022:4x4_50:mirrored", "mirrored"),
            ("chessboard:8x8:0.03", "looks the same upside down"),
            ("circles:4x11:0.02", "none of"),
            ("chessboard:7by10:0.03", "7by10"),
        ] {
            let told = Board::parse(text).unwrap_err().to_string();
            assert!(told.contains(word) && told.contains("Say e.g."), "{text}: {told}");
        }
    }
}
