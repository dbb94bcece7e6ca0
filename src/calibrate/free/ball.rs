//! One bright ball (or lamp) that is carried through the volume: its place in each camera's picture at each instant is a point that all of them
//! share, so the rig grows of them as it does of the venue's texture. One point at a time tells no scale: a measured distance gives it.

use glam::DVec2;

use super::{
    FreeFailure, FreeOptions, FreeRig, LensFreedom,
    solve::Material,
    whole::{links, of_whole},
};
use crate::calibrate::board::Candidate;

/// Solves a rig from a ball: `sights[t][i]` is where candidate `i`, whose lens is known, saw it at instant `t`. `progress` gets 0…1 and returns false to
/// cancel.
///
/// # Errors
/// Where nothing can be solved, with the reason and what to do; single cameras that cannot be joined are told in [`FreeRig::cameras`].
pub fn ball(
    candidates: &[Candidate],
    sights: &[Vec<Option<DVec2>>],
    progress: &mut dyn FnMut(f64) -> bool,
) -> Result<FreeRig, FreeFailure> {
    if candidates.len() < 3 {
        return Err(FreeFailure::TooFewCameras(candidates.len()));
    }
    if let Some(c) = candidates.iter().find(|c| c.lens.is_none()) {
        return Err(FreeFailure::NoLens(c.name.clone()));
    }
    let material = Material::of_ball(sights, candidates.len());
    let options = FreeOptions { lens: LensFreedom::Keep, fine: false, ..FreeOptions::default() };
    let whole = material.solve(candidates, &options, progress)?;
    let mut solved = of_whole(&whole, &material);
    solved.links = links(&whole, &solved.rig, candidates);
    progress(1.0);
    Ok(solved)
}
