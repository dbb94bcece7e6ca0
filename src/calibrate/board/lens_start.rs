//! One camera alone: its lens and where the board was before it.

use glam::{DVec2, DVec3};

use super::{
    adjust::{Deviation, LensModel, Problem, State, View, residuals},
    description::Board,
    lens_model::{Misfit, misfit},
    outcome::Seen,
    plane::{apply, homography},
    pose::{Pairs, focal_px, placed},
};
use crate::{
    geometry::{Lens, Pose},
    rig::Camera,
};

/// Boards that it takes to find a lens.
pub(super) const LEAST_VIEWS: usize = 5;
/// At most so many that differ most are used for a camera's lens.
const MOST_VIEWS: usize = 36;
/// A focal length that is known worse than this is none.
const WORST_FOCAL_SHARE: f64 = 0.03;

/// Why a camera has no lens.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum NoLens {
    /// Not seen often enough.
    #[error(
        "{views} boards were found in its pictures, {needed} are needed. Carry the board through its picture, tilted each time another way"
    )]
    TooFew {
        /// How many.
        views: usize,
        /// How many it takes.
        needed: usize,
    },
    /// All alike.
    #[error(
        "its focal length stays unknown (± {percent:.0} %): the board was held too flat towards it. Tilt the board by 30° to 45° to each side, near and far \
         (long lenses need it most), or give the lens with --lenses"
    )]
    NotTilted {
        /// How well it is known.
        percent: f64,
    },
    /// No lens explains it.
    #[error("no lens explains its pictures of the board. Check --board: squares across × down, and their side")]
    NoFit,
}

/// The corners of a sighting as pairs, on the side that is seen.
pub(super) fn pairs(board: &Board, seen: &Seen) -> Vec<(DVec3, DVec2)> {
    seen.corners.iter().map(|(i, px)| (board.flat_m(*i).extend(0.0), *px)).collect()
}

/// A lens from one camera's own pictures.
#[derive(Debug, Clone, Copy)]
pub(super) struct OwnLens {
    pub lens: Lens,
    pub deviation: Deviation,
    /// Another model explains the pictures much better.
    pub misfit: Option<Misfit>,
}

/// Whether a camera's own pictures of the board contradict the lens that it was given.
pub(super) fn given_misfit(camera: &Camera, views: &[Vec<(DVec3, DVec2)>], board: &Board) -> Option<Misfit> {
    let chosen = most_different(views, board, MOST_VIEWS);
    if chosen.len() < LEAST_VIEWS {
        return None;
    }
    let mut state = State {
        cameras: vec![Camera { camera_from_world: Pose::IDENTITY, ..camera.clone() }],
        world_from_board: vec![],
        back_off: DVec3::ZERO,
    };
    let kept = with_places(&mut state, views, &chosen);
    let problem = Problem { lens_free: vec![None], pose_free: vec![false], back_free: false, start: vec![camera.lens], spread_px: 1.0 };
    problem.solve(&mut state, &kept, 25, &mut || true);
    misfit(&state, &kept, None, &Deviation::default())
}

/// The chosen views in the order of time, each placed as well as the lens allows.
fn with_places(state: &mut State, views: &[Vec<(DVec3, DVec2)>], chosen: &[usize]) -> Vec<View> {
    let mut kept: Vec<View> = Vec::new();
    let mut chosen = chosen.to_vec();
    chosen.sort_unstable();
    for i in &chosen {
        if let Some(p) = placed(&state.cameras[0].lens, &views[*i]).first() {
            kept.push(View { camera: 0, board: state.world_from_board.len(), corners: views[*i].clone(), back: false });
            state.world_from_board.push(p.camera_from_board);
        }
    }
    kept
}

/// A lens from a camera's own pictures of the board.
pub(super) fn own_lens(camera: &Camera, views: &[Vec<(DVec3, DVec2)>], board: &Board, model: LensModel) -> Result<OwnLens, NoLens> {
    let chosen = most_different(views, board, MOST_VIEWS);
    if chosen.len() < LEAST_VIEWS {
        return Err(NoLens::TooFew { views: chosen.len(), needed: LEAST_VIEWS });
    }
    let size = (f64::from(camera.width_px), f64::from(camera.height_px));
    let few: Vec<&Pairs> = chosen.iter().take(12).map(|i| views[*i].as_slice()).collect();
    let focal = focal_px(&few, size).ok_or(NoLens::NoFit)?;
    let start = Lens { distortion: model.straight(), ..Lens::pinhole(focal, focal, 0.5 * size.0, 0.5 * size.1) };
    let mut state = State {
        cameras: vec![Camera { lens: start, camera_from_world: Pose::IDENTITY, ..camera.clone() }],
        world_from_board: vec![],
        back_off: DVec3::ZERO,
    };
    let kept = with_places(&mut state, views, &chosen);
    let problem = |start: Lens, spread_px| Problem {
        lens_free: vec![Some(model)],
        pose_free: vec![false],
        back_free: false,
        start: vec![start],
        spread_px,
    };
    // Wide first: a wrong start is many pixels off.
    for spread_px in [20.0, 3.0, 1.0] {
        problem(start, spread_px).solve(&mut state, &kept, 40, &mut || true);
    }
    // The tilt of a board may have started the wrong way: try the other with the lens as it is now.
    for v in &kept {
        let rms = |pose: &Pose| {
            let sum: f64 = v
                .corners
                .iter()
                .map(|(p, px)| state.cameras[0].lens.project(pose.apply(*p)).map_or(1e6, |s| (s - *px).length_squared()))
                .sum();
            (sum / v.corners.len() as f64).sqrt()
        };
        let now = rms(&state.world_from_board[v.board]);
        if let Some(better) = placed(&state.cameras[0].lens, &v.corners).first().filter(|p| p.rms_px < 0.8 * now) {
            state.world_from_board[v.board] = better.camera_from_board;
        }
    }
    problem(start, 1.0).solve(&mut state, &kept, 40, &mut || true);
    let lens = state.cameras[0].lens;
    let mut off: Vec<f64> = kept.iter().flat_map(|v| residuals(&state, v).map(|r| r.map_or(1e3, DVec2::length))).collect();
    off.sort_by(f64::total_cmp);
    if off[off.len() / 2] > 0.01 * size.0 {
        return Err(NoLens::NoFit);
    }
    let deviation = problem(lens, 1.0).deviations(&state, &kept).0[0];
    let share = deviation.focal_px / lens.fx_px;
    if share > WORST_FOCAL_SHARE {
        return Err(NoLens::NotTilted { percent: (100.0 * share).min(999.0) });
    }
    let misfit = misfit(&state, &kept, Some(model), &deviation);
    Ok(OwnLens { lens, deviation, misfit })
}

/// Views that differ most in where the board's outline is, the first the largest.
fn most_different(views: &[Vec<(DVec3, DVec2)>], board: &Board, most: usize) -> Vec<usize> {
    let size = board.size_m();
    let outline = |v: &Vec<(DVec3, DVec2)>| -> Option<[DVec2; 4]> {
        let flat: Vec<(DVec2, DVec2)> = v.iter().map(|(p, px)| (p.truncate(), *px)).collect();
        let h = homography(&flat)?;
        let corners = [DVec2::ZERO, DVec2::X, DVec2::ONE, DVec2::Y].map(|c| apply(&h, c * size));
        corners.iter().all(|c| c.is_finite()).then_some(corners)
    };
    let outlines: Vec<Option<[DVec2; 4]>> = views.iter().map(outline).collect();
    let area = |o: &[DVec2; 4]| (o[2] - o[0]).perp_dot(o[3] - o[1]).abs();
    let mut left: Vec<(usize, f64)> = (0..views.len()).filter(|i| outlines[*i].is_some()).map(|i| (i, f64::INFINITY)).collect();
    let mut chosen: Vec<usize> = Vec::new();
    while chosen.len() < most && !left.is_empty() {
        let rank = |(i, away): &(usize, f64)| if away.is_finite() { *away } else { outlines[*i].as_ref().map_or(0.0, area) };
        let best = (0..left.len()).max_by(|a, b| rank(&left[*a]).total_cmp(&rank(&left[*b])));
        let Some((next, away)) = best.map(|b| left.swap_remove(b)) else { break };
        // The same again says nothing new.
        if away < 2.0 {
            break;
        }
        chosen.push(next);
        if let Some(o) = outlines[next] {
            for (i, away) in &mut left {
                if let Some(p) = outlines[*i] {
                    *away = away.min((0..4).map(|k| (p[k] - o[k]).length()).fold(0.0, f64::max));
                }
            }
        }
    }
    chosen
}
