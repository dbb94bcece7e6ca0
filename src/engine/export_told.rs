//! What an export's sidecar says of its frames.
//!
//! Must not know: how frames are rendered, or written.

use super::ladder::GapState;
use crate::{
    frame::Moment,
    output::FrameReport,
    replay::path::PathSample,
    time::MediaTime,
    view::{ViewMode, ViewReport},
};

/// What the sidecar says of a frame.
pub(super) fn told_of(
    report: ViewReport,
    (index, sample): (u64, &PathSample),
    gap: Option<&GapState>,
    times: &[(String, MediaTime)],
    retimed: &[String],
) -> FrameReport {
    let mode = match report.mode {
        ViewMode::Synthesis => "synthesis",
        ViewMode::SoftFade => "soft_fade",
        ViewMode::CrossFade => "cross_fade",
        ViewMode::Nearest => "nearest",
    };
    FrameReport {
        index,
        instant_nanos: sample.instant,
        position: sample.position,
        mode: mode.to_owned(),
        source_nanos: report.sources.iter().map(|(name, _)| time_of(times, name)).collect(),
        real_pixels: report.mode == ViewMode::Nearest
            && report.synthesized_share == 0.0
            && report.filled_share == 0.0
            && report.sources.iter().all(|(name, weight)| *weight == 0.0 || !retimed.contains(name)),
        sources: report.sources,
        synthesized_share: report.synthesized_share,
        filled_share: report.filled_share,
        rung: gap.map_or_else(String::new, |g| word_of(&g.rung)),
        rung_reason: gap.map_or_else(String::new, |g| word_of(&g.why)),
        gap_db: gap.and_then(|g| g.score).map(|s| s.db),
        ..FrameReport::default()
    }
}

/// The word that a value is written with in JSON.
fn word_of(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

/// What tells two moments apart: which cameras, and when each frame was taken.
pub(super) fn times_of(moment: &Moment) -> Vec<(String, MediaTime)> {
    moment.frames.iter().map(|f| (f.camera.clone(), f.time)).collect()
}

/// Cameras whose picture no camera made.
pub(super) fn retimed_of(moment: &Moment) -> Vec<String> {
    moment.frames.iter().filter(|f| f.retimed).map(|f| f.camera.clone()).collect()
}

fn time_of(times: &[(String, MediaTime)], camera: &str) -> MediaTime {
    times.iter().find(|t| t.0 == camera).map_or(MediaTime::ZERO, |t| t.1)
}
