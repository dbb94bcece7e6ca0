//! What is on program as a function of time: the track that a take plays, laid out from its start.
//!
//! Must not know: pictures, who decodes them.

use crate::{
    replay::path::{PathSample, Track},
    time::MediaTime,
};

/// A replay that plays.
#[derive(Debug, Clone)]
pub(super) struct Playing {
    pub track: Track,
    /// The instant whose scene may be solved: at it views between the cameras can be shown.
    pub anchor: MediaTime,
    /// It is nothing but a roll on one camera, so that its speed may be changed under way.
    pub plain: bool,
}

/// What is to be seen at one time of it.
#[derive(Debug, Clone)]
pub(super) struct Cue {
    pub anchor: MediaTime,
    pub sample: PathSample,
    /// Elapsed share, 0…1.
    pub progress: f32,
    /// Percent; 0 where time stands.
    pub speed_percent: i32,
}

/// Over so long the speed is measured, seconds.
const SPEED_OVER_SECS: f64 = 0.01;

impl Playing {
    /// What is to be seen so long after its start.
    pub fn at(&self, secs: f64) -> Cue {
        let whole = self.track.path().duration_secs;
        let sample = self.track.sample(secs);
        let ended = secs >= whole && !self.track.path().looped;
        let nanos = self.track.sample(secs + SPEED_OVER_SECS).instant - sample.instant;
        let speed_percent = if ended { 0 } else { (nanos as f64 * 1e-9 / SPEED_OVER_SECS * 100.0).round() as i32 };
        Cue { anchor: self.anchor, progress: (secs / whole).clamp(0.0, 1.0) as f32, sample, speed_percent }
    }
}

impl Cue {
    /// Whether this is the anchor's own instant, at the rate of the feeds.
    pub fn is_at_anchor(&self, interval_nanos: i64) -> bool {
        self.sample.instant.distance_nanos(self.anchor) * 2 < interval_nanos.unsigned_abs()
    }
}
