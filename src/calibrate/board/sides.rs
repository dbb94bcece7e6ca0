//! Boards that are printed on both sides: one rigid thing with a front and a back, which cameras on opposite sides see at one time.
//!
//! Corners of the back are numbered after those of the front. The back is the front turned about a vertical line:
//!
//! ```text
//!   seen from above        viewer of the back
//!                     x_back <──────┐ middle of the back
//!            z = thickness ─────────┼───────── y of both: into the page, downwards
//!            z = 0         ─────────┼─────────
//!                      middle of the front └──────> x_front       z_front: from the viewer of the front into the board
//!                          viewer of the front
//! ```
//!
//! Middles lie on each other, upper edges are parallel and on the same side:
//! `p_front = diag(−1, 1, −1) · (p_back − middle_back) + middle_front + (0, 0, thickness)`.

use glam::{DMat3, DVec2, DVec3};

use super::{
    description::Board,
    detect::{Detection, Rejection},
    pose::{Pairs, Placed, placed},
};
use crate::geometry::{Lens, Pose};

/// What is on the other side of a board.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Back {
    pub board: Board,
    pub thickness_m: f64,
}

/// Thicker things are no boards.
const THICKEST_M: f64 = 0.5;

impl Board {
    /// A board with another one on its back. Each must be told from the other by what is printed on it.
    pub fn two_sided(mut self, back: Self, thickness_m: f64) -> Result<Self, String> {
        if !(0.0..=THICKEST_M).contains(&thickness_m) {
            return Err(format!("a thickness of {thickness_m} m; measure it, print to print, in metres (5 mm are 0.005)"));
        }
        if self.back.is_some() || back.back.is_some() {
            return Err("a board has two sides".into());
        }
        // Small markers are overlooked in a chessboard's squares.
        let is_bare = |b: &Self| b.markers.is_none();
        if is_bare(&self) || is_bare(&back) {
            let same = [(back.columns, back.rows), (back.rows, back.columns)].contains(&(self.columns, self.rows));
            if same {
                return Err(
                    "both sides have as many squares, and a chessboard has nothing else to be told by: use another number, or markers on both sides"
                        .into(),
                );
            }
        }
        let codes = |b: &Self| -> Vec<u64> {
            let all = b.markers.iter().flat_map(|m| m.at.iter().filter_map(|(id, _)| m.dictionary.codes.get(*id as usize)));
            all.copied().collect()
        };
        let bits = |b: &Self| b.markers.as_ref().map(|m| (m.dictionary.bits, m.border));
        let (front, behind) = (codes(&self), codes(&back));
        if bits(&self) == bits(&back) && front.iter().any(|c| behind.contains(c)) {
            return Err(format!(
                "both sides have some of the same markers: nobody could tell which one is seen. Print the back with other numbers, for instance :from{}",
                self.markers.iter().flat_map(|m| &m.at).map(|(id, _)| id + 1).max().unwrap_or(0)
            ));
        }
        self.back = Some(Box::new(Back { board: back, thickness_m }));
        Ok(self)
    }

    /// Metres from print to print; `None` where only one side is printed.
    pub fn thickness_m(&self) -> Option<f64> {
        self.back.as_ref().map(|b| b.thickness_m)
    }

    /// What is printed on the back, as a board of its own.
    pub fn back(&self) -> Option<&Self> {
        self.back.as_ref().map(|b| &b.board)
    }

    /// Where the back's axes are (`front_from_back`); the identity without a back.
    pub fn front_from_back(&self) -> Pose {
        let Some(back) = &self.back else { return Pose::IDENTITY };
        let middle = |b: &Self| (0.5 * b.size_m()).extend(0.0);
        let rotation = DMat3::from_diagonal(DVec3::new(-1.0, 1.0, -1.0));
        Pose { rotation, translation: middle(self) + DVec3::Z * back.thickness_m - rotation * middle(&back.board) }
    }

    /// Whether a corner is on the back.
    pub(super) const fn is_back(&self, corner: usize) -> bool {
        corner >= self.corner_count()
    }

    /// Where any corner is on its own side, metres.
    pub(super) fn flat_m(&self, corner: usize) -> DVec2 {
        match &self.back {
            Some(back) if self.is_back(corner) => back.board.corner_m(corner - self.corner_count()),
            _ => self.corner_m(corner),
        }
    }

    /// Where any corner is, front or back, in the front's axes, metres.
    pub fn corner_in_board(&self, corner: usize) -> DVec3 {
        let flat = self.flat_m(corner).extend(0.0);
        if self.is_back(corner) { self.front_from_back().apply(flat) } else { flat }
    }

    /// The poses of the board that a picture of one of its sides allows (see [`placed`]); `pairs` are on that side.
    pub(super) fn placed(&self, lens: &Lens, pairs: &Pairs, back: bool) -> Vec<Placed> {
        let mut all = placed(lens, pairs);
        if back {
            let back_from_front = self.front_from_back().inverse();
            for p in &mut all {
                p.camera_from_board = p.camera_from_board.then_from(&back_from_front);
            }
        }
        all
    }
}

/// One side or the other: the one that is found; where none is, the one that tells more.
pub(super) fn either(board: &Board, look: &dyn Fn(&Board) -> Result<Detection, Rejection>) -> Result<Detection, Rejection> {
    let front = look(board);
    let Some(back) = &board.back else { return front };
    let said = match front {
        Ok(found) => return Ok(found),
        Err(said) => said,
    };
    match look(&back.board) {
        Ok(mut found) => {
            for (i, _) in &mut found.corners {
                *i += board.corner_count();
            }
            Ok(found)
        }
        Err(Rejection::NoBoard) => Err(said),
        Err(behind) => Err(if said == Rejection::NoBoard { behind } else { said }),
    }
}

/// Less than this is the ruler's.
const LEAST_OFF_M: f64 = 1e-3;

/// Where it is off by more than chance: by how much, and in words with the remedy.
pub(super) fn tell_back_off(off_m: DVec3, sigma_m: DVec3, thickness_m: f64) -> Option<(DVec3, String)> {
    let counts = |off: f64, sigma: f64| off.abs() > (4.0 * sigma).max(LEAST_OFF_M);
    let mut said = Vec::new();
    if counts(off_m.z, sigma_m.z) {
        said.push(format!(
            "their prints are {:.1} ± {:.2} mm apart, not {:.1} as --thickness has it",
            (thickness_m + off_m.z) * 1e3,
            sigma_m.z * 1e3,
            thickness_m * 1e3
        ));
    }
    for (off, sigma, ways) in [(off_m.x, sigma_m.x, ["right", "left"]), (off_m.y, sigma_m.y, ["lower edge", "upper edge"])] {
        if counts(off, sigma) {
            let way = ways[usize::from(off < 0.0)];
            let (mm, sigma_mm) = (off.abs() * 1e3, sigma * 1e3);
            said.push(format!("the back's middle is {mm:.1} ± {sigma_mm:.2} mm towards the {way} of the front's, as seen from the front"));
        }
    }
    let told = format!(
        "the sides of the board are not where --thickness has them: {}. The rig was solved with the back where it is; measure from print to print, and \
         check that the board is stiff",
        said.join("; ")
    );
    (!said.is_empty()).then_some((off_m, told))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_back_is_the_front_turned_about_a_vertical_line() {
        let front = Board::parse("charuco:6x5:0.1:0.08:4x4_50").unwrap();
        let back = Board::parse("charuco:6x5:0.1:0.08:4x4_50:from20").unwrap();
        let b = front.clone().two_sided(back, 0.02).unwrap();
        assert_eq!((b.thickness_m(), b.corner_count()), (Some(0.02), 20));
        // The upper left corner of the back is behind the upper right one of the front.
        assert!((b.corner_in_board(20) - (b.corner_m(4).extend(0.02))).length() < 1e-12);
        assert!((b.corner_in_board(24) - (b.corner_m(0).extend(0.02))).length() < 1e-12);
        assert!((b.corner_in_board(3) - b.corner_m(3).extend(0.0)).length() < 1e-12);
        let r = b.front_from_back().rotation;
        assert!((r.determinant() - 1.0).abs() < 1e-12 && (r * DVec3::Z + DVec3::Z).length() < 1e-12);
        // A smaller back lies with its middle on that of the front.
        let small = front.two_sided(Board::parse("chessboard:3x4:0.05").unwrap(), 0.0).unwrap();
        let middle = (0..6).map(|i| small.corner_in_board(20 + i)).sum::<DVec3>() / 6.0;
        assert!((middle - DVec3::new(0.3, 0.25, 0.0)).length() < 1e-12);
    }

    #[test]
    fn sides_that_nobody_could_tell_apart_are_refused_with_the_remedy() {
        let board = |text: &str| Board::parse(text).unwrap();
        let same = "charuco:6x5:0.1:0.08:4x4_50";
        let told = board(same).two_sided(board("charuco:7x4:0.1:0.08:4x4_250"), 0.005).unwrap_err();
        assert!(told.contains("same markers") && told.contains(":from15"), "{told}");
        assert!(board(same).two_sided(board("charuco:6x5:0.1:0.08:5x5_50"), 0.005).is_ok());
        assert!(board("chessboard:7x6:0.1").two_sided(board("chessboard:6x7:0.1"), 0.005).unwrap_err().contains("as many squares"));
        assert!(board("chessboard:7x6:0.1").two_sided(board(same), 0.005).is_ok());
        assert!(board(same).two_sided(board("chessboard:7x6:0.1"), 5.0).unwrap_err().contains("5 mm are 0.005"));
        assert!(board(same).two_sided(board("chessboard:7x6:0.1"), f64::NAN).is_err());
    }
}
