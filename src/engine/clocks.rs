//! The cameras' clocks from their pictures: bursts out of a ring, and what moving points in them say ([`crate::sync`]).
//!
//! Must not know: windows, command lines.

use std::sync::Arc;

use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};

use crate::{
    capture::{CaptureSession, MomentDecoder},
    rig::{Camera, Rig},
    ring::FeedId,
    sync::{Burst, CameraBurst, Match, Solution, SyncError, observe, solve},
    time::MediaTime,
};

/// Why no clocks were found.
#[derive(Debug, thiserror::Error)]
pub enum ClocksError {
    /// Nothing to tell time by.
    #[error(transparent)]
    Sync(#[from] SyncError),
    /// The caller cancelled.
    #[error("cancelled")]
    Cancelled,
}

/// What to look at.
#[derive(Debug, Clone, PartialEq)]
pub struct ClockJob {
    /// Instants about which three frames of every camera are compared.
    pub instants: Vec<MediaTime>,
    /// Camera whose clock is the measure; `None`: the one that shares most.
    pub reference: Option<usize>,
    /// How far two cameras' clocks may be off against each other, seconds.
    pub max_offset_secs: f64,
}

impl ClockJob {
    /// So many instants, spread evenly over a span.
    pub fn spread(from: MediaTime, until: MediaTime, bursts: u32, reference: Option<usize>, max_offset_secs: f64) -> Self {
        let n = i64::from(bursts.max(1));
        let instants = (0..n).map(|i| from.plus_nanos((until - from) / (2 * n) * (2 * i + 1))).collect();
        Self { instants, reference, max_offset_secs }
    }
}

/// The clocks of the rig's cameras from what `session` holds of them. `progress` gets 0…1 and returns false to cancel.
///
/// # Errors
/// Where too little moves ([`SyncError`]), and when cancelled.
pub fn measured(
    session: &CaptureSession,
    rig: &Rig,
    job: &ClockJob,
    progress: &mut dyn FnMut(f32) -> bool,
) -> Result<Solution, ClocksError> {
    let feeds: Vec<Option<FeedId>> = rig.cameras.iter().map(|c| session.ring().feed_named(&c.name)).collect();
    let mut matches: Vec<Match> = Vec::new();
    for (number, instant) in job.instants.iter().enumerate() {
        if !progress(number as f32 / job.instants.len().max(1) as f32) {
            return Err(ClocksError::Cancelled);
        }
        let pairs: Vec<(&Camera, Option<FeedId>)> = rig.cameras.iter().zip(feeds.iter().copied()).collect();
        let burst: Burst = pairs
            .par_iter()
            .map(|(camera, feed)| camera_burst(session.decoder(), session.ring().interval_nanos((*feed)?)?, camera, (*feed)?, *instant))
            .collect();
        matches.extend(observe(&burst, number, job.max_offset_secs));
    }
    progress(1.0);
    Ok(solve(&matches, rig.cameras.len(), job.reference)?)
}

/// Three consecutive honest frames of a feed about an instant.
fn camera_burst(decoder: &MomentDecoder, interval_nanos: i64, camera: &Camera, feed: FeedId, instant: MediaTime) -> Option<CameraBurst> {
    let reach = interval_nanos * 5 / 2;
    let frames = decoder.decode_range(feed, instant.plus_nanos(-reach), instant.plus_nanos(reach), 8).ok()?;
    let middle = (1..frames.len().saturating_sub(1)).min_by_key(|&i| frames[i].time.distance_nanos(instant))?;
    // A frame that is missing between them would be taken for fast motion that is none.
    let apart = frames[middle + 1].time - frames[middle - 1].time;
    if apart > interval_nanos * 5 / 2 {
        return None;
    }
    let mut three = frames[middle - 1..=middle + 1].iter().map(|f| Some((f.time, Arc::new(f.frame.to_picture()?))));
    let [a, b, c] = [three.next()??, three.next()??, three.next()??];
    // Rigs that do not say how large their pictures are mean these.
    let mut camera = camera.clone();
    if camera.width_px == 0 || camera.height_px == 0 {
        (camera.width_px, camera.height_px) = (b.1.width(), b.1.height());
    }
    Some(CameraBurst { camera, frames: [a, b, c] })
}
