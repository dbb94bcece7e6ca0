//! The ladder of an export without a console: every gap of the moment is measured first, then the rungs follow.
//!
//! Must not know: windows, how a score is made, how a rung is rendered.

use super::{
    export::{ExportError, Moments, moment_at, present},
    ladder::{GapState, Ladder, can_be_hidden, gap_scores},
    meter::MomentMeter,
};
use crate::{
    frame::Picture,
    gpu::Gpu,
    output::OutputError,
    rig::{Arc, Rig},
    scene::{Quality, SceneSolver},
    time::MediaTime,
    view::ViewSynthesizer,
};

/// The gaps along the arc of `rig`, with their scores at `instant` and the rungs that follow. Cameras that have no frame then are
/// bridged. `progress` gets 0…1 and returns false to cancel.
///
/// # Errors
/// Where the rig has no arc, fewer than two cameras have a frame, the GPU fails, or the caller cancels.
pub fn measured(
    gpu: &Gpu,
    rig: &Rig,
    moments: &mut Moments,
    instant: MediaTime,
    progress: &mut dyn FnMut(f32) -> bool,
) -> Result<Vec<GapState>, ExportError> {
    let arc = Arc::fit(rig).map_err(|e| ExportError::Gaps(e.to_string()))?;
    let now = present(rig, &moment_at(moments, instant)?, instant)?;
    let pictures: Vec<&Picture> = now.pictures.iter().map(AsRef::as_ref).collect();
    let meter = MomentMeter::new(&now.rig, &pictures)?;
    let own = |k: usize| now.rig.cameras.iter().position(|c| c.name == rig.cameras[arc.order[k]].name);
    let n = arc.order.len();
    let there: Vec<bool> = (0..n).map(|k| own(k).is_some()).collect();
    let (mut solver, mut synthesizer) = (SceneSolver::new(gpu)?, ViewSynthesizer::new(gpu)?);
    let mut scores = vec![None; n];
    for (k, score) in scores.iter_mut().enumerate() {
        if !progress(k as f32 / n as f32) {
            return Err(OutputError::Cancelled.into());
        }
        if let Some(hidden) = own(k)
            && can_be_hidden(&there, arc.closed, k)
        {
            *score = Some(meter.score(&mut solver, &mut synthesizer, hidden, Quality::Air, &mut |_| true)?);
        }
    }
    let degrees: Vec<f64> = (0..arc.gap_count()).map(|k| arc.gap_rad(rig, k).to_degrees()).collect();
    let mut ladder = Ladder::new(&degrees);
    ladder.update(&gap_scores(&there, arc.closed, &scores));
    Ok(ladder.gaps().to_vec())
}
