//! Where a camera stands that sees points whose places are known: three of them propose, all of them judge.

use glam::{DVec2, DVec3};

use super::{roots::from_three, two::Dice};
use crate::{
    calibrate::board::settled,
    geometry::{Lens, Pose},
};

/// Fewest points that have to fit.
pub(super) const LEAST_POINTS: usize = 14;
const ROUNDS: usize = 400;

/// The pose (`camera_from_world`) and how many points fit it within `limit_px`; `None` where too few do.
pub(super) fn placed(lens: &Lens, pairs: &[(DVec3, DVec2)], limit_px: f64, seed: u64) -> Option<(Pose, usize)> {
    if pairs.len() < LEAST_POINTS {
        return None;
    }
    let rays: Vec<DVec3> = pairs.iter().map(|(_, px)| lens.unproject(*px).normalize_or(DVec3::Z)).collect();
    let off = |pose: &Pose, (p, px): &(DVec3, DVec2)| lens.project(pose.apply(*p)).map_or(f64::INFINITY, |q| (q - *px).length());
    let score = |pose: &Pose| pairs.iter().map(|pair| (1.0 - (off(pose, pair) / limit_px).powi(2)).max(0.0)).sum::<f64>();
    let mut dice = Dice(seed);
    let mut best: Option<(f64, Pose)> = None;
    let (mut round, mut rounds) = (0, ROUNDS);
    while round < rounds {
        round += 1;
        let chosen = dice.some::<3>(pairs.len());
        for pose in from_three(&chosen.map(|i| pairs[i].0), &chosen.map(|i| rays[i])) {
            let s = score(&pose);
            if best.is_none_or(|(b, _)| s > b) {
                best = Some((s, pose));
                let share = pairs.iter().filter(|p| off(&pose, p) < limit_px).count() as f64 / pairs.len() as f64;
                let needed = (0.001_f64.ln() / (1.0 - share.powi(3)).max(1e-12).ln()).ceil();
                rounds = rounds.min((needed as usize).max(50) + round);
            }
        }
    }
    let (_, mut pose) = best?;
    let mut count = 0;
    for _ in 0..3 {
        let near: Vec<(DVec3, DVec2)> = pairs.iter().filter(|p| off(&pose, p) < limit_px).copied().collect();
        if near.len() < LEAST_POINTS {
            return None;
        }
        pose = settled(lens, &near, pose)?.camera_from_board;
        count = pairs.iter().filter(|p| off(&pose, p) < limit_px).count();
    }
    (count >= LEAST_POINTS && 4 * count >= pairs.len()).then_some((pose, count))
}
