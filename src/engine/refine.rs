//! A rig adjusted to its own pictures without anybody's hand, and the second judge of an adjusted rig: pictures of hidden cameras, synthesized
//! with the rig as it was and with the adjusted one.
//!
//! Must not know: windows, command lines, how a rig is adjusted.

use super::{meter::MomentMeter, truth::TruthError};
use crate::{
    calibrate::{CalibrateError, RefineOptions, Refined, Verdict, refine},
    frame::Picture,
    gpu::Gpu,
    rig::{Arc, Rig},
    scene::{Quality, SceneError, SceneSolver},
    view::ViewSynthesizer,
};

/// What the pictures of a moment say of a rig that nobody doubts.
#[derive(Debug)]
pub enum Fit {
    /// They agree with another one better: directions and places were adjusted, lenses were not.
    Better(Box<Refined>),
    /// They agree as well as they can tell.
    AsItIs,
    /// They cannot tell, and why: too few points, cameras that share none.
    Unknown(CalibrateError),
}

/// Adjusts a rig to moments (`moments[m][i]` is what camera `i` saw), and believes it only where points that were kept out say so. `progress` gets
/// 0…1 and returns false to cancel.
///
/// # Errors
/// Only [`CalibrateError::Cancelled`], and pictures that are not of the rig's sizes.
pub fn fit(rig: &Rig, moments: &[Vec<Option<&Picture>>], progress: &mut dyn FnMut(f64) -> bool) -> Result<Fit, CalibrateError> {
    match refine(rig, moments, &RefineOptions::default(), progress) {
        Ok(refined) if refined.verdict == Verdict::Better => Ok(Fit::Better(Box::new(refined))),
        Ok(_) => Ok(Fit::AsItIs),
        Err(e @ (CalibrateError::Cancelled | CalibrateError::PictureCount { .. } | CalibrateError::PictureSize { .. })) => Err(e),
        Err(why) => Ok(Fit::Unknown(why)),
    }
}

/// At most so many cameras are hidden, spread over the arc.
const HIDDEN: usize = 4;
/// What the mean of some cameras at this size varies without a reason, dB.
pub const NO_DIFFERENCE_DB: f64 = 0.05;

/// Leave-one-out with both rigs, means over the same hidden cameras.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SynthesisScores {
    /// With the rig as it was, dB.
    pub before_db: f64,
    /// With the adjusted rig, dB.
    pub after_db: f64,
    /// How many cameras were hidden, each in turn.
    pub hidden: usize,
}

impl SynthesisScores {
    /// Of several instants together; `None` of none.
    pub fn mean(all: impl IntoIterator<Item = Self>) -> Option<Self> {
        let (mut before, mut after, mut hidden) = (0.0, 0.0, 0);
        for s in all {
            before += s.before_db * s.hidden as f64;
            after += s.after_db * s.hidden as f64;
            hidden += s.hidden;
        }
        let count = hidden as f64;
        (hidden > 0).then(|| Self { before_db: before / count, after_db: after / count, hidden })
    }

    /// Whether the adjusted rig makes pictures that are worse by more than chance.
    pub fn is_worse(&self) -> bool {
        self.after_db < self.before_db - NO_DIFFERENCE_DB
    }
}

/// Hides some cameras of a moment in turn and synthesizes them from their neighbours, with both rigs. `None` where there are too few
/// cameras to hide one between two. `progress` gets 0…1 and returns false to cancel.
///
/// # Errors
/// Where the GPU fails, and when cancelled ([`SceneError::Cancelled`]).
pub fn synthesis_scores(
    gpu: &Gpu,
    before: &Rig,
    after: &Rig,
    pictures: &[Option<&Picture>],
    progress: &mut dyn FnMut(f32) -> bool,
) -> Result<Option<SynthesisScores>, TruthError> {
    let there: Vec<usize> = (0..before.cameras.len()).filter(|&i| pictures.get(i).is_some_and(Option::is_some)).collect();
    let pictures: Vec<&Picture> = there.iter().filter_map(|&i| pictures[i]).collect();
    let (before, after) = (before.restricted_to(&there), after.restricted_to(&there));
    let Ok(arc) = Arc::fit(&before) else { return Ok(None) };
    // The ends of an open arc have neighbours on one side only.
    let between = if arc.closed { &arc.order[..] } else { arc.order.get(1..arc.order.len().saturating_sub(1)).unwrap_or_default() };
    let count = between.len().min(HIDDEN);
    if there.len() < 3 || count == 0 {
        return Ok(None);
    }
    let hidden: Vec<usize> = (0..count).map(|k| between[(2 * k + 1) * between.len() / (2 * count)]).collect();
    let (mut solver, mut synthesizer) = (SceneSolver::new(gpu)?, ViewSynthesizer::new(gpu)?);
    let mut sums = [0.0; 2];
    let total = (2 * count) as f32;
    let mut done = 0.0;
    for (sum, rig) in sums.iter_mut().zip([&before, &after]) {
        let meter = MomentMeter::new(rig, &pictures)?;
        for &camera in &hidden {
            let mut part = |share: f32| progress((done + share) / total);
            if !part(0.0) {
                return Err(SceneError::Cancelled.into());
            }
            *sum += meter.score(&mut solver, &mut synthesizer, camera, Quality::Draft, &mut part)?.psnr_db;
            done += 1.0;
        }
    }
    Ok(Some(SynthesisScores { before_db: sums[0] / count as f64, after_db: sums[1] / count as f64, hidden: count }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_that_become_worse_are_told_from_chance() {
        let of = |before_db: f64, after_db: f64, hidden: usize| SynthesisScores { before_db, after_db, hidden };
        assert!(of(30.0, 29.9, 4).is_worse() && of(30.0, 12.0, 1).is_worse() && of(30.0, 30.0 - NO_DIFFERENCE_DB - 1e-6, 4).is_worse());
        assert!(!of(30.0, 30.4, 4).is_worse() && !of(30.0, 30.0, 4).is_worse() && !of(30.0, 29.96, 4).is_worse());
        // Of several instants those count most at which most cameras were hidden.
        let mean = SynthesisScores::mean([of(30.0, 31.0, 1), of(30.0, 29.0, 3)]).unwrap();
        assert!(mean.is_worse() && mean.hidden == 4 && (mean.after_db - 29.5).abs() < 1e-9);
        assert_eq!(SynthesisScores::mean([]), None);
    }
}
