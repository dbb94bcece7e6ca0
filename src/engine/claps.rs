//! The cameras' clocks from a clap on the sound tracks of their own files ([`crate::sync::clap`]), and from what moves besides.
//!
//! Must not know: windows, command lines.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use super::{
    clocks::{ClockJob, ClocksError, with_what_moves},
    footage::{self, FootageError},
};
use crate::{
    capture::{CaptureConfig, CaptureSession, FeedSource, FeedSpec, Pace, PreviewConfig, SoundFrom, SoundSettings},
    output::CancelToken,
    rig::{Camera, Rig},
    sound::sample_at,
    sync::{
        Solution,
        clap::{self, Source, Track},
    },
    time::MediaTime,
};

/// Sound may come so much later than the pictures that were read.
const SOUND_WITHIN: Duration = Duration::from_secs(3);

/// Claps to listen for.
#[derive(Debug, Clone, PartialEq)]
pub struct ClapJob {
    /// Where they were.
    pub source: Source,
    /// How much of each file, seconds from its beginning.
    pub secs: f64,
    /// How far two cameras' clocks may be off against each other, nanoseconds.
    pub max_offset_nanos: i64,
    /// The same span of the pictures.
    pub span: (MediaTime, MediaTime),
}

/// Why no clocks were found.
#[derive(Debug, thiserror::Error)]
pub enum ClapsError {
    /// The files.
    #[error(transparent)]
    Footage(#[from] FootageError),
    /// What they hold.
    #[error(transparent)]
    Clocks(#[from] ClocksError),
}

/// The clocks of the rig's cameras from the sound of their files (`files` as for [`footage::Footage`]) and from what moves in `session`, which holds the pictures of the same
/// files. `progress` gets 0…1 and returns false to cancel.
///
/// # Errors
/// Where a file cannot be read or no clap is shared, and when cancelled. That too little moves is no error here.
pub fn measured(
    session: &CaptureSession,
    rig: &Rig,
    files: &[PathBuf],
    (clocks, job): (&ClockJob, &ClapJob),
    cancel: &CancelToken,
    progress: &mut dyn FnMut(f32) -> bool,
) -> Result<Solution, ClapsError> {
    let (mut tracks, mut silent) = (Vec::new(), Vec::new());
    for (number, (camera, path)) in rig.cameras.iter().zip(footage::match_files(rig, files)?).enumerate() {
        if !progress(0.5 * number as f32 / rig.cameras.len() as f32) {
            return Err(ClocksError::Cancelled.into());
        }
        let heard = track(camera, &path, job.secs, cancel)?;
        silent.extend(heard.is_none().then(|| camera.name.clone()));
        tracks.push(heard.unwrap_or(Track { begin_nanos: 0, samples: Vec::new() }));
    }
    let places: Vec<_> = rig.cameras.iter().map(Camera::center_in_world).collect();
    let claps: Vec<usize> = tracks.iter().map(|track| clap::onsets(track).len()).collect();
    let most = (0..claps.len()).max_by_key(|k| (claps[*k], usize::MAX - k));
    let reference = clocks.reference.or(most).unwrap_or(0);
    let told = clap::clocks(&tracks, &places, &job.source, reference, job.max_offset_nanos);
    if told.iter().flatten().count() < 2 {
        let why = if silent.is_empty() { String::new() } else { format!(". Without sound: {}", silent.join(", ")) };
        return Err(ClocksError::NoClap(why).into());
    }
    if !silent.is_empty() {
        tracing::warn!("without sound: {}", silent.join(", "));
    }
    Ok(with_what_moves(session, rig, clocks, (reference, told, job.span), &mut |share| progress(0.5 + share * 0.5))?)
}

/// The sound of a camera's file, by the camera's own stamps since the first frame of all files; `None` where there is none.
fn track(camera: &Camera, path: &Path, secs: f64, cancel: &CancelToken) -> Result<Option<Track>, FootageError> {
    let spec = FeedSpec::new(&camera.name, FeedSource::File { path: path.to_owned(), pace: Pace::AsFastAsPossible });
    let sound = SoundSettings { keep_secs: secs + 10.0, ..SoundSettings::new(SoundFrom::Feed(camera.name.clone())) };
    let config = CaptureConfig {
        preview: PreviewConfig { enabled: false, ..PreviewConfig::default() },
        sound: Some(sound),
        ..CaptureConfig::default()
    };
    let session = CaptureSession::start(config, &[spec])?;
    let start = footage::first_frame(&session, cancel)?;
    let end = start.plus_nanos((secs * 1e9) as i64);
    footage::wait(&session, cancel, |feed| feed.newest.is_some_and(|t| t >= end))?;
    let span = || session.sound().and_then(|input| input.ring.span());
    let (mut held, mut since) = (span(), Instant::now());
    // As long as more comes; a file that is shorter ends it by itself.
    let patience = |held: Option<(i64, i64)>| if held.is_some() { SOUND_WITHIN / 3 } else { SOUND_WITHIN };
    while held.is_none_or(|(_, last)| last < sample_at(end.nanos())) && since.elapsed() < patience(held) && !cancel.is_cancelled() {
        std::thread::sleep(Duration::from_millis(10));
        let now = span();
        if now != held {
            (held, since) = (now, Instant::now());
        }
    }
    let (Some((first, last)), Some(input)) = (held, session.sound()) else { return Ok(None) };
    let mut stereo = vec![[0.0; 2]; usize::try_from(last - first).unwrap_or(0)];
    input.ring.read(first, &mut stereo);
    let begin_nanos = (first as i128 * 1_000_000_000 / i128::from(crate::sound::RATE)) as i64 - start.nanos() + camera.clock_offset_nanos;
    Ok(Some(Track { begin_nanos, samples: stereo.into_iter().map(|[left, right]| left + right).collect() }))
}
