//! A board in a picture: its corners, or the reason why not.

use glam::{DMat2, DMat3, DVec2};

use super::{
    chess,
    corners::{Corner, Meets, settled, settled_as},
    description::{Board, Markers},
    markers::{Found, search},
    plane::{apply, homography, jacobian},
    sides::either,
    tags::TagGrid,
};
use crate::frame::{Picture, gray::Gray};

/// A board that was found in a picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Detection {
    /// Corners by number (see [`Board::corner_m`]) and where they are, px.
    pub corners: Vec<(usize, DVec2)>,
    /// Side of a square where the board is, px.
    pub square_px: f64,
    /// Width of its edges, px: about 1.2 where everything is sharp.
    pub edge_px: f64,
}

/// Why a picture gives nothing, in words for the one who holds the board.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum Rejection {
    /// Nothing of it is seen.
    #[error(
        "no board seen. Hold all of it into this picture, in the light; if it is there, check what --board says, and that its margin is not cut off"
    )]
    NoBoard,
    /// Markers, but of another board.
    #[error(
        "another board: {markers} markers were read, but they do not stand where this board has them. Check --board (squares or tags across × down, dictionary, :legacy)"
    )]
    OtherBoard {
        /// How many.
        markers: usize,
    },
    /// A camera that shows the world in a mirror.
    #[error("the picture is mirrored: {markers} marks can only be read in a mirror. Switch the mirror (flip) off in the camera")]
    Mirrored {
        /// How many.
        markers: usize,
    },
    /// Hidden, cut off or in bad light.
    #[error(
        "too few corners: {found} of the {needed} that are needed. Keep hands off the squares and all of the board, with its margin, in the picture"
    )]
    TooFewCorners {
        /// How many.
        found: usize,
        /// How many it takes.
        needed: usize,
    },
    /// Too far away.
    #[error("too small: a square is {square_px:.0} px wide, {needed_px:.0} are needed. Go nearer, or use a larger board")]
    TooSmall {
        /// Width of a square.
        square_px: f64,
        /// What it takes.
        needed_px: f64,
    },
    /// Seen from the side.
    #[error("too oblique: seen {tilt_deg:.0}° from its front, {limit_deg:.0}° at most. Turn it towards the camera")]
    TooOblique {
        /// How far off the front.
        tilt_deg: f64,
        /// The limit.
        limit_deg: f64,
    },
    /// Out of focus, or moved during the exposure.
    #[error("blurred: its edges are {edge_px:.1} px wide, {limit_px:.1} at most. Hold it still, shorten the exposure, or check the focus")]
    Blurred {
        /// Width of its edges.
        edge_px: f64,
        /// The limit.
        limit_px: f64,
    },
    /// Moving faster than the cameras are in step.
    #[error("moving: {px_per_frame:.0} px from frame to frame, {limit_px:.0} at most. Hold it still for a moment")]
    Moving {
        /// How far.
        px_per_frame: f64,
        /// The limit.
        limit_px: f64,
    },
}

impl Rejection {
    /// The reason in one or two words, for tables.
    pub const fn short(&self) -> &'static str {
        match self {
            Self::NoBoard => "no board",
            Self::OtherBoard { .. } => "another board",
            Self::Mirrored { .. } => "mirrored",
            Self::TooFewCorners { .. } => "few corners",
            Self::TooSmall { .. } => "too small",
            Self::TooOblique { .. } => "oblique",
            Self::Blurred { .. } => "blurred",
            Self::Moving { .. } => "moving",
        }
    }
}

/// The least side of a square, px.
const LEAST_SQUARE_PX: f64 = 9.0;
/// The board may be seen as far as this off its front.
const MAX_TILT_DEG: f64 = 75.0;
/// Larger pictures are halved for the search; corners are settled in the whole picture.
const SEARCH_SIDE_PX: usize = 2000;

/// Finds a board in a picture, whichever side of it is seen.
pub fn detect(board: &Board, picture: &Picture) -> Result<Detection, Rejection> {
    let gray = Gray::from_picture(picture);
    either(board, &|side| {
        if side.inverted {
            let values = gray.values.iter().map(|v| 255.0 - v).collect();
            detect_in(side, &Gray { values, ..gray })
        } else {
            detect_in(side, &gray)
        }
    })
}

/// A picture of the size in which boards are searched.
pub(super) fn at_search_size(mut gray: Gray) -> Gray {
    while gray.width.max(gray.height) > SEARCH_SIDE_PX {
        gray = gray.halved();
    }
    gray
}

fn detect_in(board: &Board, gray: &Gray) -> Result<Detection, Rejection> {
    let mut small = None;
    let mut scale = 1.0;
    while small.as_ref().unwrap_or(gray).width.max(small.as_ref().unwrap_or(gray).height) > SEARCH_SIDE_PX {
        small = Some(small.as_ref().unwrap_or(gray).halved());
        scale *= 2.0;
    }
    let looked_at = small.as_ref().unwrap_or(gray);
    let mut needed = (board.corner_count() / 4).max(6);
    let corners = match (&board.markers, &board.grid) {
        (Some(markers), None) => {
            let agreeing = markers_of(markers, looked_at, scale)?;
            between_markers(board, markers, &agreeing, gray)
        }
        (Some(markers), Some(grid)) => {
            // Three tags have as many corners as a ChArUco board shows in its quarter.
            needed = needed.min(12);
            let agreeing = markers_of(markers, looked_at, scale)?;
            of_tags(board, markers, grid, &agreeing, gray)
        }
        (None, _) => chess::corners(board, looked_at, gray, scale)?,
    };
    // Two squares of something else that look like markers are no board.
    if corners.len() < 3 {
        return Err(Rejection::NoBoard);
    }
    judged(board, &corners, needed)
}

/// The markers of the board that agree with each other, or why there are none.
fn markers_of(markers: &Markers, looked_at: &Gray, scale: f64) -> Result<Vec<Found>, Rejection> {
    let mut found = search(looked_at, markers);
    for corner in found.found.iter_mut().flat_map(|f| &mut f.corners_px) {
        *corner *= scale;
    }
    let agreeing = agreeing(markers, &found.found);
    // Two boards may share their first rows.
    let strangers = found.found.len() - agreeing.len();
    if strangers >= 4 && strangers > agreeing.len() && agreeing.len() >= 2 {
        return Err(Rejection::OtherBoard { markers: found.found.len() });
    }
    if agreeing.len() < 2 {
        return Err(match (found.found.len(), found.mirrored) {
            (read, mirrored) if mirrored >= 3 && mirrored > read => Rejection::Mirrored { markers: mirrored },
            (read, _) if read >= 4 => Rejection::OtherBoard { markers: read },
            (..) => Rejection::NoBoard,
        });
    }
    Ok(agreeing)
}

/// The corners of squares, which lie between markers.
fn between_markers(board: &Board, markers: &Markers, agreeing: &[Found], gray: &Gray) -> Vec<(usize, Corner)> {
    let clear = 1.25 * 0.5 * (1.0 - markers.side_m / board.square_m);
    let mut corners = Vec::new();
    for i in 0..board.corner_count() {
        let p = board.corner_m(i);
        let near = |f: &&Found| middle_m(markers, f.id).is_some_and(|m| (m - p).abs().max_element() < 1.01 * board.square_m);
        let mut beside: Vec<&Found> = agreeing.iter().filter(near).collect();
        if beside.len() < 2 {
            // Those a little further off help where the one beside it is hidden.
            let further = |f: &&Found| middle_m(markers, f.id).is_some_and(|m| (m - p).abs().max_element() < 2.01 * board.square_m);
            beside = agreeing.iter().filter(further).collect();
        }
        if beside.len() < 2 {
            continue;
        }
        let Some(h) = homography_of(markers, &beside) else { continue };
        let (dx, dy) = jacobian(&h, p);
        let steps = DMat2::from_cols(dx * board.square_m, dy * board.square_m);
        corners.extend(settled(gray, apply(&h, p), steps, clear).map(|c| (i, c)));
    }
    corners
}

/// The corners of the tags that were read, each expected where its tag and those beside it have it.
fn of_tags(board: &Board, markers: &Markers, grid: &TagGrid, agreeing: &[Found], gray: &Gray) -> Vec<(usize, Corner)> {
    let clear_m = grid.clear_m(markers.side_m * markers.border as f64 / (markers.dictionary.bits + 2 * markers.border) as f64);
    // The steps of the search: a square with as much room about its corners as a chessboard's has.
    let step_m = 2.0 * clear_m;
    let meets = if markers.touching { Meets::Cross } else { Meets::CrossOrOne };
    let mut corners = Vec::new();
    for i in 0..board.corner_count() {
        let p = board.corner_m(i);
        let reach = |f: &Found| middle_m(markers, f.id).map_or(f64::INFINITY, |m| (m - p).abs().max_element());
        let beside: Vec<&Found> = agreeing.iter().filter(|f| reach(f) < 1.01 * grid.reach_m()).collect();
        // A tag that is hidden has no corners, whatever is seen in their places.
        if !beside.iter().any(|f| reach(f) < 0.51 * markers.side_m) {
            continue;
        }
        let Some(h) = homography_of(markers, &beside) else { continue };
        let (dx, dy) = jacobian(&h, p);
        let steps = DMat2::from_cols(dx * step_m, dy * step_m);
        corners.extend(settled_as(gray, apply(&h, p), steps, 0.5, meets).map(|c| (i, c)));
    }
    corners
}

fn corners_m(markers: &Markers, id: u32) -> Option<[DVec2; 4]> {
    let (_, at) = markers.at.iter().find(|(other, _)| *other == id)?;
    Some([DVec2::ZERO, DVec2::X, DVec2::ONE, DVec2::Y].map(|d| *at + d * markers.side_m))
}

fn middle_m(markers: &Markers, id: u32) -> Option<DVec2> {
    Some(corners_m(markers, id)?.iter().sum::<DVec2>() * 0.25)
}

fn homography_of(markers: &Markers, found: &[&Found]) -> Option<DMat3> {
    let pairs = found.iter().flat_map(|f| corners_m(markers, f.id).into_iter().flatten().zip(f.corners_px)).collect::<Vec<_>>();
    homography(&pairs)
}

/// The largest group of markers whose neighbours are where each of them expects them.
fn agreeing(markers: &Markers, found: &[Found]) -> Vec<Found> {
    let planes: Vec<Option<DMat3>> = found.iter().map(|f| homography_of(markers, &[f])).collect();
    let expects = |i: usize, j: usize| {
        let (Some(h), Some(here), Some(there)) = (planes[i], middle_m(markers, found[i].id), middle_m(markers, found[j].id)) else {
            return false;
        };
        let away = (there - here).length() / markers.side_m;
        let seen = found[j].corners_px.iter().sum::<DVec2>() * 0.25;
        let side = (found[j].corners_px[0] - found[j].corners_px[2]).length() * 0.7;
        found[i].id != found[j].id && away < 4.5 && (apply(&h, there) - seen).length() < side * (0.1 + 0.13 * away)
    };
    let n = found.len();
    let mut group: Vec<usize> = (0..n).collect();
    let links: Vec<(usize, usize)> =
        (0..n).flat_map(|i| (0..i).map(move |j| (i, j))).filter(|(i, j)| expects(*i, *j) && expects(*j, *i)).collect();
    for _ in 0..n {
        for (i, j) in &links {
            let least = group[*i].min(group[*j]);
            (group[*i], group[*j]) = (least, least);
        }
    }
    let largest = (0..n).max_by_key(|g| (group.iter().filter(|o| *o == g).count(), usize::MAX - g));
    let mut kept: Vec<Found> = (0..n).filter(|i| Some(group[*i]) == largest).map(|i| found[i].clone()).collect();
    // A number twice in one group: neither is to be trusted.
    let twice: Vec<u32> = kept.iter().map(|f| f.id).filter(|id| kept.iter().filter(|f| f.id == *id).count() > 1).collect();
    kept.retain(|f| !twice.contains(&f.id));
    kept
}

/// The board as a whole: enough of it, large, upright and sharp enough.
fn judged(board: &Board, corners: &[(usize, Corner)], needed: usize) -> Result<Detection, Rejection> {
    let pairs: Vec<(DVec2, DVec2)> = corners.iter().map(|(i, c)| (board.corner_m(*i), c.px)).collect();
    let few = Rejection::TooFewCorners { found: corners.len(), needed };
    let h = homography(&pairs).filter(|_| corners.len() >= needed).ok_or(few)?;
    // Corners all in one row determine no plane.
    let across = board.columns as usize - 1;
    let mut rows: Vec<usize> = corners.iter().map(|(i, _)| i / across).collect();
    let mut columns: Vec<usize> = corners.iter().map(|(i, _)| i % across).collect();
    for lines in [&mut rows, &mut columns] {
        lines.sort_unstable();
        lines.dedup();
    }
    if rows.len() < 2 || columns.len() < 2 {
        return Err(few);
    }
    let middle = pairs.iter().map(|p| p.0).sum::<DVec2>() / pairs.len() as f64;
    let (dx, dy) = jacobian(&h, middle);
    let (dx, dy) = (dx * board.square_m, dy * board.square_m);
    if dx.perp_dot(dy) < 0.0 {
        return Err(Rejection::Mirrored { markers: corners.len() });
    }
    let square_px = dx.perp_dot(dy).abs().sqrt();
    // Singular values of the local picture of the plane: their ratio is the cosine of the tilt.
    let (sum, det) = (dx.length_squared() + dy.length_squared(), dx.perp_dot(dy).abs());
    let root = (sum * sum - 4.0 * det * det).max(0.0).sqrt();
    let tilt_deg = ((sum - root) / (sum + root).max(1e-12)).max(0.0).sqrt().clamp(0.0, 1.0).acos().to_degrees();
    if square_px < LEAST_SQUARE_PX {
        return Err(Rejection::TooSmall { square_px, needed_px: LEAST_SQUARE_PX });
    }
    if tilt_deg > MAX_TILT_DEG {
        return Err(Rejection::TooOblique { tilt_deg, limit_deg: MAX_TILT_DEG });
    }
    let mut edges: Vec<f64> = corners.iter().map(|(_, c)| c.edge_px).collect();
    edges.sort_by(f64::total_cmp);
    let edge_px = edges[edges.len() / 2];
    let limit_px = (0.08 * square_px).clamp(2.0, 4.0);
    if edge_px > limit_px {
        return Err(Rejection::Blurred { edge_px, limit_px });
    }
    Ok(Detection { corners: corners.iter().map(|(i, c)| (*i, c.px)).collect(), square_px, edge_px })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All corners of a board whose squares are so many px wide and high, with edges of that width.
    fn corners(board: &Board, wide: DVec2, edge_px: f64) -> Vec<(usize, Corner)> {
        let at = |i: usize| board.corner_m(i) / board.square_m * wide + 40.0;
        (0..board.corner_count()).map(|i| (i, Corner { px: at(i), edge_px })).collect()
    }

    #[test]
    fn a_small_an_oblique_and_a_soft_board_are_told_apart_with_what_to_do() {
        let board = Board::parse("charuco:6x5:0.22:0.176:4x4_50").unwrap();
        let told = |wide: DVec2, edge_px: f64| judged(&board, &corners(&board, wide, edge_px), 6).unwrap_err().to_string();
        assert_eq!(told(DVec2::splat(6.2), 1.2), "too small: a square is 6 px wide, 9 are needed. Go nearer, or use a larger board");
        assert_eq!(
            told(DVec2::new(40.0 * 80.0_f64.to_radians().cos(), 40.0), 1.2),
            "too oblique: seen 80° from its front, 75° at most. Turn it towards the camera"
        );
        assert_eq!(
            told(DVec2::splat(30.0), 4.6),
            "blurred: its edges are 4.6 px wide, 2.4 at most. Hold it still, shorten the exposure, or check the focus"
        );
        let few = judged(&board, &corners(&board, DVec2::splat(30.0), 1.2)[..5], 6).unwrap_err().to_string();
        assert_eq!(
            few,
            "too few corners: 5 of the 6 that are needed. Keep hands off the squares and all of the board, with its margin, in the picture"
        );
        // On this side of each limit it is a board.
        let found = judged(&board, &corners(&board, DVec2::new(40.0 * 74.0_f64.to_radians().cos(), 40.0), 1.2), 6).unwrap();
        assert!((found.square_px - 21.0).abs() < 0.1 && found.corners.len() == 20, "{found:?}");
        assert!(judged(&board, &corners(&board, DVec2::splat(9.3), 1.2), 6).is_ok());
        // A row of corners is no plane.
        assert!(matches!(judged(&board, &corners(&board, DVec2::splat(30.0), 1.2)[..5], 5), Err(Rejection::TooFewCorners { .. })));
    }
}
