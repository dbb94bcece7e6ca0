//! Footage for an export: the cameras' video files go through the same ring and moment decoder as live feeds.
//!
//! Must not know: windows, command lines, views.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use super::export::MomentSource;
use crate::{
    capture::{CaptureConfig, CaptureError, CaptureSession, FeedSource, FeedSpec, FeedState, FeedStatus, Pace, PreviewConfig},
    frame::Moment,
    output::CancelToken,
    rig::Rig,
    ring::RingConfig,
    time::MediaTime,
};

/// What can go wrong with footage.
#[derive(Debug, thiserror::Error)]
pub enum FootageError {
    /// A folder or file is not there.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// What was looked for.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Cameras of the rig have no file.
    #[error(
        "no footage for the camera {cameras} (files are matched by name: CAMERA.mp4, .mov, .mkv …; found: {found}). Rename the files, or choose cameras with --use"
    )]
    Missing {
        /// Names.
        cameras: String,
        /// File names.
        found: String,
    },
    /// Two files for one camera.
    #[error("the camera {camera:?} has two files, {} and {}. Remove one", first.display(), second.display())]
    Ambiguous {
        /// Name.
        camera: String,
        /// One.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// A file cannot be used.
    #[error("the footage of {camera:?}: {reason}")]
    Feed {
        /// Camera.
        camera: String,
        /// What is wrong, and the remedy.
        reason: String,
    },
    /// Capture failed.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// The files give nothing.
    #[error("the footage gives no frame for {secs} s; read so far: {state}. Is the disk there?")]
    Stalled {
        /// Seconds.
        secs: u64,
        /// Per feed.
        state: String,
    },
    /// The instant lies outside.
    #[error("the footage lasts {lasts_secs:.3} s, and the path needs it from {from_secs:.3} s to {until_secs:.3} s. Choose another --at")]
    Outside {
        /// Seconds that all cameras have.
        lasts_secs: f64,
        /// Seconds since the start.
        from_secs: f64,
        /// Seconds since the start.
        until_secs: f64,
    },
    /// The caller cancelled.
    #[error("cancelled; nothing was written")]
    Cancelled,
}

/// More than this is never held, however long the files are: what lies before the instant goes.
const MAX_RING_BYTES: u64 = 8 << 30;
/// Read beyond the last instant, so that frames that are stored out of order are complete.
const READ_ON_NANOS: i64 = 1_500_000_000;
const STALL: Duration = Duration::from_secs(20);
const EXTENSIONS: [&str; 10] = ["mp4", "mov", "mkv", "m4v", "avi", "ts", "mts", "mxf", "webm", "mpg"];

/// Synchronized files, read into a ring.
#[derive(Debug)]
pub struct Footage {
    session: CaptureSession,
    mark: MediaTime,
}

impl Footage {
    /// Reads the files of the rig's cameras (a folder, or files by name) from the start until the path has all that it
    /// needs: from `from_secs` to `until_secs` about `at_secs`, all since the first frame.
    pub fn open(
        rig: &Rig,
        files: &[PathBuf],
        at_secs: f64,
        (from_secs, until_secs): (f64, f64),
        cancel: &CancelToken,
    ) -> Result<Self, FootageError> {
        let files = match_files(rig, files)?;
        let bytes = files
            .iter()
            .map(|path| std::fs::metadata(path).map(|m| m.len()).map_err(|source| FootageError::Read { path: path.clone(), source }))
            .sum::<Result<u64, _>>()?;
        let specs: Vec<FeedSpec> = rig
            .cameras
            .iter()
            .zip(&files)
            .map(|(camera, path)| FeedSpec {
                clock_offset_nanos: camera.clock_offset_nanos,
                ..FeedSpec::new(&camera.name, FeedSource::File { path: path.clone(), pace: Pace::AsFastAsPossible })
            })
            .collect();
        let config = CaptureConfig {
            ring: RingConfig {
                budget_bytes: (bytes + bytes / 4 + (64 << 20)).min(MAX_RING_BYTES),
                duration_nanos: i64::MAX / 4,
                ..RingConfig::default()
            },
            preview: PreviewConfig { enabled: false, ..PreviewConfig::default() },
        };
        let session = CaptureSession::start(config, &specs)?;
        let start = first_frame(&session, cancel)?;
        let at = |secs: f64| start.plus_nanos((secs.clamp(-1e9, 1e9) * 1e9).round() as i64);
        let (mark, from, until) = (at(at_secs), at(at_secs + from_secs), at(at_secs + until_secs));
        wait(&session, cancel, |feed| feed.newest.is_some_and(|t| t >= until.plus_nanos(READ_ON_NANOS)))?;
        if let Some((_, last)) = session.ring().status().common_span()
            && (from < start || until > last.plus_nanos(100_000_000))
        {
            let lasts_secs = (last - start) as f64 * 1e-9;
            return Err(FootageError::Outside { lasts_secs, from_secs: at_secs + from_secs, until_secs: at_secs + until_secs });
        }
        Ok(Self { session, mark })
    }

    /// The instant of `at_secs`, on the house clock.
    pub const fn mark(&self) -> MediaTime {
        self.mark
    }

    /// How the feeds fared.
    pub fn status(&self) -> Vec<FeedStatus> {
        self.session.status()
    }
}

impl MomentSource for Footage {
    fn moment_at(&mut self, instant: MediaTime) -> Result<Moment, String> {
        Ok(self.session.moment(instant))
    }
}

/// House time of the first frame of all.
fn first_frame(session: &CaptureSession, cancel: &CancelToken) -> Result<MediaTime, FootageError> {
    wait(session, cancel, |feed| feed.newest.is_some())?;
    let oldest = session.ring().status().feeds.iter().filter_map(|feed| feed.oldest).min();
    Ok(oldest.unwrap_or_else(|| session.house_now()))
}

/// Waits until every feed has enough or is at its end; a feed that fails is an error.
fn wait(session: &CaptureSession, cancel: &CancelToken, enough: impl Fn(&FeedStatus) -> bool) -> Result<(), FootageError> {
    let (mut since, mut bytes_before) = (Instant::now(), 0);
    loop {
        if cancel.is_cancelled() {
            return Err(FootageError::Cancelled);
        }
        let status = session.status();
        if let Some(feed) = status.iter().find(|f| f.state == FeedState::Failed) {
            let reason = feed.last_error.clone().unwrap_or_else(|| "it cannot be read".to_owned());
            return Err(FootageError::Feed { camera: feed.name.to_string(), reason });
        }
        if status.iter().all(|f| f.state == FeedState::Ended || enough(f)) {
            return Ok(());
        }
        let bytes = status.iter().map(|f| f.bytes).sum::<u64>();
        if bytes != bytes_before {
            (since, bytes_before) = (Instant::now(), bytes);
        }
        if since.elapsed() > STALL {
            let state = status.iter().map(|f| format!("{} {:?} {} frames", f.name, f.state, f.received)).collect::<Vec<_>>().join(", ");
            return Err(FootageError::Stalled { secs: STALL.as_secs(), state });
        }
        std::thread::sleep(Duration::from_millis(3));
    }
}

/// The file of every camera, in the rig's order, from folders and files.
pub fn match_files(rig: &Rig, given: &[PathBuf]) -> Result<Vec<PathBuf>, FootageError> {
    let mut files = vec![];
    for path in given {
        let read = |source| FootageError::Read { path: path.clone(), source };
        if std::fs::metadata(path).map_err(read)?.is_dir() {
            for entry in std::fs::read_dir(path).map_err(read)? {
                let file = entry.map_err(read)?.path();
                let extension = file.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
                if EXTENSIONS.contains(&extension.as_str()) {
                    files.push(file);
                }
            }
        } else {
            files.push(path.clone());
        }
    }
    files.sort();
    files.dedup();
    let stem = |p: &Path| p.file_stem().map(|s| s.to_string_lossy().to_lowercase()).unwrap_or_default();
    let (mut matched, mut missing) = (vec![], vec![]);
    for camera in &rig.cameras {
        let wanted = camera.name.to_lowercase();
        let mut of_camera = files.iter().filter(|p| stem(p) == wanted);
        match (of_camera.next(), of_camera.next()) {
            (Some(first), Some(second)) => {
                return Err(FootageError::Ambiguous { camera: camera.name.clone(), first: first.clone(), second: second.clone() });
            }
            (Some(only), None) => matched.push(only.clone()),
            (None, _) => missing.push(camera.name.as_str()),
        }
    }
    if missing.is_empty() {
        return Ok(matched);
    }
    let found = files.iter().take(8).filter_map(|p| p.file_name()).map(|n| n.to_string_lossy()).collect::<Vec<_>>().join(", ");
    Err(FootageError::Missing { cameras: missing.join(", "), found: if found.is_empty() { "none".to_owned() } else { found } })
}
