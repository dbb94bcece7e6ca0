//! Which cameras saw the board together, and where that puts them to each other.

use glam::DVec3;
use rayon::prelude::*;

use super::{description::Board, pose::Placed};
use crate::{
    geometry::{Lens, Pose},
    rig::Camera,
};

/// What two cameras saw together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Link {
    /// Camera, by index.
    pub from: usize,
    /// Camera, by index.
    pub to: usize,
    /// Instants at which both saw the board.
    pub shared: usize,
    /// Those that agree where the two stand to each other.
    pub agreeing: usize,
}

/// Instants that two cameras must share.
pub const LEAST_SHARED: usize = 3;
/// Boards that agree about two cameras are seen within so much of the picture's width of where they should be: a start, no measurement.
const AGREES_SHARE: f64 = 0.03;

impl Link {
    /// Whether it ties the two together. A few that agree among many that do not agree by chance.
    pub const fn holds(&self) -> bool {
        self.agreeing >= LEAST_SHARED && 3 * self.agreeing >= self.shared
    }
}

/// A camera's sightings by instant: the poses that each allows.
pub(super) type Poses = Vec<Vec<Placed>>;

/// All pairs, each with where the second stands to the first (`to_from_from`) when it holds.
pub(super) fn links(board: &Board, cameras: &[Camera], poses: &[Poses]) -> Vec<(Link, Option<Pose>)> {
    let pairs: Vec<(usize, usize)> = (0..cameras.len()).flat_map(|i| (i + 1..cameras.len()).map(move |j| (i, j))).collect();
    pairs.par_iter().map(|(i, j)| link(board, cameras, poses, *i, *j)).collect()
}

/// Four corners of the board's outline.
fn outline(board: &Board) -> [DVec3; 4] {
    let s = board.size_m();
    [(0.0, 0.0), (s.x, 0.0), (s.x, s.y), (0.0, s.y)].map(|(x, y)| DVec3::new(x, y, 0.0))
}

/// How far a camera sees a board from where its own pose of it has it, as a share of its width; the worst of the outline's corners.
pub(super) fn off_share(lens: &Lens, width_px: u32, corners: &[DVec3; 4], expected: &Pose, own: &[Placed]) -> f64 {
    let off = |own: &Pose| {
        let worst = corners.iter().map(|p| match (lens.project(expected.apply(*p)), lens.project(own.apply(*p))) {
            (Some(a), Some(b)) => (a - b).length() / f64::from(width_px),
            _ => 1.0,
        });
        worst.fold(0.0, f64::max)
    };
    own.iter().map(|p| off(&p.camera_from_board)).fold(1.0, f64::min)
}

fn link(board: &Board, cameras: &[Camera], poses: &[Poses], from: usize, to: usize) -> (Link, Option<Pose>) {
    let shared: Vec<usize> = (0..poses[from].len()).filter(|t| !poses[from][*t].is_empty() && !poses[to][*t].is_empty()).collect();
    let corners = outline(board);
    let off = |to_from_from: &Pose, t: usize| -> f64 {
        let there = |p: &Placed| {
            let expected = to_from_from.then_from(&p.camera_from_board);
            off_share(&cameras[to].lens, cameras[to].width_px, &corners, &expected, &poses[to][t])
        };
        poses[from][t].iter().map(there).fold(1.0, f64::min)
    };
    // At most forty instants propose; all judge.
    let step = shared.len().div_ceil(40).max(1);
    let mut best: Option<(usize, f64, Pose)> = None;
    for t in shared.iter().step_by(step) {
        for a in &poses[from][*t] {
            for b in &poses[to][*t] {
                let proposed = b.camera_from_board.then_from(&a.camera_from_board.inverse());
                let offs: Vec<f64> = shared.iter().map(|t| off(&proposed, *t)).collect();
                let agreeing = offs.iter().filter(|o| **o < AGREES_SHARE).count();
                let sum: f64 = offs.iter().map(|o| o.min(2.0 * AGREES_SHARE)).sum();
                if best.as_ref().is_none_or(|(_, s, _)| sum < *s) {
                    best = Some((agreeing, sum, proposed));
                }
            }
        }
    }
    let (agreeing, pose) = best.map_or((0, None), |(n, _, pose)| (n, Some(pose)));
    let link = Link { from, to, shared: shared.len(), agreeing };
    (link, pose.filter(|_| link.holds()))
}

/// Groups of cameras that links hold together, each with where its cameras stand (`camera_from_world`, the first one found being the world);
/// the largest first.
pub(super) fn groups(count: usize, links: &[(Link, Option<Pose>)]) -> Vec<Vec<(usize, Pose)>> {
    let strength =
        |i: usize| links.iter().filter(|(l, p)| p.is_some() && (l.from == i || l.to == i)).map(|(l, _)| l.agreeing).sum::<usize>();
    let mut left: Vec<usize> = (0..count).collect();
    let mut all = Vec::new();
    while let Some(root) = left.iter().copied().max_by_key(|i| (strength(*i), usize::MAX - i)) {
        let mut group = vec![(root, Pose::IDENTITY)];
        left.retain(|i| *i != root);
        // Always along the strongest link that leads out (Prim's tree).
        loop {
            let leads = |(l, p): &&(Link, Option<Pose>)| {
                p.is_some() && (group.iter().any(|(i, _)| *i == l.from) != group.iter().any(|(i, _)| *i == l.to))
            };
            let Some((l, Some(to_from_from))) = links.iter().filter(leads).max_by_key(|(l, _)| l.agreeing) else { break };
            let known = |i: usize| group.iter().find(|(g, _)| *g == i).map(|(_, p)| *p);
            let (new, pose) = match (known(l.from), known(l.to)) {
                (Some(from), None) => (l.to, to_from_from.then_from(&from)),
                (None, Some(to)) => (l.from, to_from_from.inverse().then_from(&to)),
                _ => break,
            };
            group.push((new, pose));
            left.retain(|i| *i != new);
        }
        all.push(group);
    }
    all.sort_by_key(|g| std::cmp::Reverse(g.len()));
    all
}

/// Where a board was, of all that its cameras allow: what they agree about best (`world_from_board`).
pub(super) fn board_in_world(board: &Board, cameras: &[Camera], seen: &[(usize, &[Placed])]) -> Option<Pose> {
    let corners = outline(board);
    let mut best: Option<(f64, Pose)> = None;
    for (camera, placed) in seen {
        let world_from_camera = cameras[*camera].camera_from_world.inverse();
        for p in *placed {
            let world_from_board = world_from_camera.then_from(&p.camera_from_board);
            let off = |(c, own): &(usize, &[Placed])| {
                let expected = cameras[*c].camera_from_world.then_from(&world_from_board);
                off_share(&cameras[*c].lens, cameras[*c].width_px, &corners, &expected, own).min(0.05)
            };
            // Where all else is equal, the one that its own camera sees better.
            let sum = seen.iter().map(off).sum::<f64>() + 1e-4 * p.rms_px;
            if best.as_ref().is_none_or(|(s, _)| sum < *s) {
                best = Some((sum, world_from_board));
            }
        }
    }
    best.map(|(_, pose)| pose)
}
