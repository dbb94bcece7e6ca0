//! The cameras' clocks from their pictures: bursts out of a ring and what moving points in them say, and flashes ([`crate::sync`]).
//!
//! Must not know: windows, command lines.

use std::sync::Arc;

use rayon::iter::{IndexedParallelIterator as _, IntoParallelRefIterator as _, ParallelIterator as _};

use crate::{
    capture::{CaptureSession, DecodeError, MomentDecoder},
    rig::{Camera, Rig},
    ring::FeedId,
    sync::{
        Burst, CameraBurst, CameraClock, Match, Solution, SyncError,
        flash::{self, RowLight, Sighting},
        observe, solve,
    },
    time::MediaTime,
};

/// Why no clocks were found.
#[derive(Debug, thiserror::Error)]
pub enum ClocksError {
    /// Nothing to tell time by.
    #[error(transparent)]
    Sync(#[from] SyncError),
    /// Nobody shares a flash with anybody.
    #[error(
        "no flash was seen by two cameras. Let a photographer's flash go off once or more while they look, bright in every picture (a lamp that stays on is none){0}"
    )]
    NoFlash(String),
    /// Nobody shares a clap with anybody.
    #[error(
        "no clap was heard by two cameras. Clap once or more, loud and short, while all record their sound, where nobody speaks meanwhile{0}"
    )]
    NoClap(String),
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
    /// What is known already of what must be added to each camera's stamps, nanoseconds; those that are missing are 0.
    pub known_nanos: Vec<i64>,
}

/// Flashes to look for.
#[derive(Debug, Clone, PartialEq)]
pub struct FlashJob {
    /// Where.
    pub span: (MediaTime, MediaTime),
    /// The sensors' time from the first row to the last, nanoseconds; 0 for global shutters, `None` where nobody knows it.
    pub readout_nanos: Option<i64>,
    /// How far two cameras' clocks may be off against each other, nanoseconds.
    pub max_offset_nanos: i64,
}

impl ClockJob {
    /// So many instants, spread evenly over a span.
    pub fn spread(from: MediaTime, until: MediaTime, bursts: u32, reference: Option<usize>, max_offset_secs: f64) -> Self {
        let n = i64::from(bursts.max(1));
        let instants = (0..n).map(|i| from.plus_nanos((until - from) / (2 * n) * (2 * i + 1))).collect();
        Self { instants, reference, max_offset_secs, known_nanos: Vec::new() }
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
            .enumerate()
            .map(|(k, (camera, feed))| {
                let known = job.known_nanos.get(k).copied().unwrap_or(0);
                let interval = session.ring().interval_nanos((*feed)?)?;
                let mut burst = camera_burst(session.decoder(), interval, camera, (*feed)?, instant.plus_nanos(-known))?;
                burst.frames.iter_mut().for_each(|(time, _)| *time = time.plus_nanos(known));
                Some(burst)
            })
            .collect();
        matches.extend(observe(&burst, number, job.max_offset_secs));
    }
    progress(1.0);
    Ok(solve(&matches, rig.cameras.len(), job.reference)?)
}

/// The clocks from flashes and from what moves together: flashes say it however far apart clocks and cameras are, moving points then look about
/// there. `progress` gets 0…1 and returns false to cancel.
///
/// # Errors
/// Where no flash is shared, and when cancelled. That too little moves is no error here.
pub fn measured_with_flashes(
    session: &CaptureSession,
    rig: &Rig,
    (job, flash_job): (&ClockJob, &FlashJob),
    progress: &mut dyn FnMut(f32) -> bool,
) -> Result<Solution, ClocksError> {
    let (seen, unread) = sightings(session, rig, flash_job, &mut |share| progress(share * 0.5))?;
    let reference = job.reference.or_else(|| (0..seen.len()).max_by_key(|k| (seen[*k].len(), usize::MAX - k))).unwrap_or(0);
    let by_flash = flash::clocks(&seen, reference, flash_job.max_offset_nanos);
    if by_flash.iter().flatten().count() < 2 {
        let unread = unread.join("; ");
        return Err(ClocksError::NoFlash(if unread.is_empty() { unread } else { format!(". {unread}") }));
    }
    for problem in &unread {
        tracing::warn!("{problem}");
    }
    with_what_moves(session, rig, job, (reference, by_flash, flash_job.span), &mut |share| progress(0.5 + share * 0.5))
}

/// Clocks that one instant told all cameras, and what moves when they are taken as known, joined by their uncertainties.
pub(super) fn with_what_moves(
    session: &CaptureSession,
    rig: &Rig,
    job: &ClockJob,
    (reference, told, (from, until)): (usize, Vec<Option<CameraClock>>, (MediaTime, MediaTime)),
    progress: &mut dyn FnMut(f32) -> bool,
) -> Result<Solution, ClocksError> {
    let known_nanos: Vec<i64> = told.iter().map(|clock| clock.map_or(0, |c| c.offset_nanos)).collect();
    let job = ClockJob { reference: Some(reference), known_nanos: known_nanos.clone(), ..job.clone() };
    let nothing_moves = Solution {
        reference,
        cameras: vec![None; told.len()],
        middle_secs: from.plus_nanos((until - from) / 2).secs_f64(),
        residual_px: 0.0,
        used: 0,
        rejected: 0,
    };
    let moving = match measured(session, rig, &job, progress) {
        Ok(solution) => solution,
        Err(ClocksError::Sync(why)) => {
            tracing::info!("by what all cameras saw or heard alone: {why}");
            nothing_moves
        }
        Err(other) => return Err(other),
    };
    let both = |(k, told): (usize, &Option<CameraClock>)| {
        let whole = |c: CameraClock| CameraClock { offset_nanos: c.offset_nanos + known_nanos[k], ..c };
        if k == reference { *told } else { flash::combined(*told, moving.cameras[k].map(whole)) }
    };
    Ok(Solution { cameras: told.iter().enumerate().map(both).collect(), ..moving })
}

/// The flashes that each camera of the rig saw, and whose pictures could not be read at all, with the cause.
fn sightings(
    session: &CaptureSession,
    rig: &Rig,
    job: &FlashJob,
    progress: &mut dyn FnMut(f32) -> bool,
) -> Result<(Vec<Vec<Sighting>>, Vec<String>), ClocksError> {
    let (mut all, mut unread) = (Vec::new(), Vec::new());
    for (number, camera) in rig.cameras.iter().enumerate() {
        if !progress(number as f32 / rig.cameras.len() as f32) {
            return Err(ClocksError::Cancelled);
        }
        let feed = session.ring().feed_named(&camera.name);
        let rows = feed.and_then(|feed| Some((feed, session.ring().interval_nanos(feed)?)));
        let Some((feed, interval)) = rows else {
            unread.push(format!("there are no pictures of {}", camera.name));
            all.push(Vec::new());
            continue;
        };
        let (light, problem) =
            row_light(session.decoder(), feed, interval, job.span, &mut || progress(number as f32 / rig.cameras.len() as f32))?;
        if let (true, Some(problem)) = (light.is_empty(), problem) {
            unread.push(format!("the pictures of {} cannot be read: {problem}", camera.name));
        }
        all.push(flash::sightings(&light, interval, job.readout_nanos));
    }
    Ok((all, unread))
}

/// How bright the rows of all frames of a span are, and the first thing that went wrong; pictures are kept for a second at most.
fn row_light(
    decoder: &MomentDecoder,
    feed: FeedId,
    interval_nanos: i64,
    (from, until): (MediaTime, MediaTime),
    goes_on: &mut dyn FnMut() -> bool,
) -> Result<(Vec<RowLight>, Option<DecodeError>), ClocksError> {
    let piece = interval_nanos.max(1) * 25;
    let (mut rows, mut problem, mut at) = (Vec::new(), None, from);
    while at < until {
        if !goes_on() {
            return Err(ClocksError::Cancelled);
        }
        let next = at.plus_nanos(piece).min(until);
        match decoder.decode_onward(feed, at, next, 64) {
            Ok(frames) => rows.extend(frames.iter().map(|timed| {
                let (width, height) = (timed.frame.width as usize, timed.frame.height as usize);
                RowLight::of_plane(timed.time, &timed.frame.data, width, width, height)
            })),
            // A hole in the recording has no flash.
            Err(e) => problem = problem.or(Some(e)),
        }
        at = next;
    }
    Ok((rows, problem))
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
