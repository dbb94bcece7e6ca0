//! Footage for an export: the cameras' video files go through the same ring and moment decoder as live feeds.
//!
//! Must not know: windows, command lines, views.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use super::{SourceSound, export::MomentSource};
use crate::{
    capture::{
        CaptureConfig, CaptureError, CaptureSession, FeedSource, FeedSpec, FeedState, FeedStatus, Pace, PreviewConfig, SoundFrom,
        SoundSettings,
    },
    frame::{Moment, Picture},
    output::CancelToken,
    rig::Rig,
    ring::RingConfig,
    sound::{FreezeSound, sample_at},
    time::{FrameRate, MediaTime},
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
    #[error("the path needs two cameras' footage {needs}, but it lasts: {spans}. {remedy}")]
    Outside {
        /// The time or times that the path needs, in words.
        needs: String,
        /// First to last frame of each camera, in words.
        spans: String,
        /// What to choose.
        remedy: String,
    },
    /// The caller cancelled.
    #[error("cancelled; nothing was written")]
    Cancelled,
}

/// More than this is never held, however long the files are: what lies before the instant goes.
const MAX_RING_BYTES: u64 = 8 << 30;
/// Read beyond the last instant, so that frames that are stored out of order are complete.
const READ_ON_NANOS: i64 = 1_500_000_000;
/// So much of the sound is held, seconds; memory is taken as it comes in.
const SOUND_SECS: f64 = 3600.0;
/// How long the sound may be behind the pictures that were read.
const SOUND_WITHIN: Duration = Duration::from_secs(3);
const STALL: Duration = Duration::from_secs(20);
const EXTENSIONS: [&str; 10] = ["mp4", "mov", "mkv", "m4v", "avi", "ts", "mts", "mxf", "webm", "mpg"];

/// Synchronized files, read into a ring.
#[derive(Debug)]
pub struct Footage {
    session: CaptureSession,
    mark: MediaTime,
    /// First and last frame of each camera as seconds since the first of all; those without a frame are missing.
    spans_secs: Vec<(String, f64, f64)>,
    start: MediaTime,
    /// Up to here everything was waited for; what lies after it may have been read, or not yet.
    waited_until: MediaTime,
}

impl Footage {
    /// Reads the files of the rig's cameras (a folder, or files by name) from the start until the path has all that it
    /// needs: from `from_secs` to `until_secs` about `at_secs`, all since the first frame. A camera whose footage is shorter is left out
    /// of the moments that it lacks; two must have both ends of the path.
    pub fn open(
        rig: &Rig,
        files: &[PathBuf],
        at_secs: f64,
        (from_secs, until_secs): (f64, f64),
        cancel: &CancelToken,
    ) -> Result<Self, FootageError> {
        Self::open_with_sound(rig, files, None, at_secs, (from_secs, until_secs), cancel)
    }

    /// The same with the sound in the file of a camera, and what is heard of it while time stands still.
    pub fn open_with_sound(
        rig: &Rig,
        files: &[PathBuf],
        sound: Option<(&str, FreezeSound)>,
        at_secs: f64,
        (from_secs, until_secs): (f64, f64),
        cancel: &CancelToken,
    ) -> Result<Self, FootageError> {
        if let Some((camera, _)) = sound.filter(|(camera, _)| rig.camera(camera).is_none()) {
            let problem = "its sound is wanted, and the rig has no such camera. Choose another with --sound".to_owned();
            return Err(FootageError::Feed { camera: camera.to_owned(), reason: problem });
        }
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
            sound: sound.map(|(camera, freeze)| SoundSettings {
                keep_secs: SOUND_SECS,
                freeze,
                ..SoundSettings::new(SoundFrom::Feed(camera.to_owned()))
            }),
            ..CaptureConfig::default()
        };
        let session = CaptureSession::start(config, &specs)?;
        let start = first_frame(&session, cancel)?;
        let at = |secs: f64| start.plus_nanos((secs.clamp(-1e9, 1e9) * 1e9).round() as i64);
        let (mark, from, until) = (at(at_secs), at(at_secs + from_secs), at(at_secs + until_secs));
        let waited_until = until.plus_nanos(READ_ON_NANOS);
        wait(&session, cancel, |feed| feed.newest.is_some_and(|t| t >= waited_until))?;
        let has_sound = || session.sound().and_then(|input| input.ring.span());
        let patience = Instant::now() + SOUND_WITHIN;
        while sound.is_some() && has_sound().is_none_or(|(_, end)| end < sample_at(until.nanos())) && Instant::now() < patience {
            std::thread::sleep(Duration::from_millis(10));
        }
        if let (Some((camera, _)), Some(input)) = (sound, session.sound())
            && has_sound().is_none()
        {
            let problem = input.problem().unwrap_or_else(|| "its file has no sound. Choose another camera with --sound".to_owned());
            return Err(FootageError::Feed { camera: camera.to_owned(), reason: problem });
        }
        let has = |feed: &FeedStatus, t: MediaTime| session.ring().nearest(feed.id, t).is_ok();
        let status = session.status();
        if [from, until].iter().any(|t| status.iter().filter(|f| has(f, *t)).count() < 2) {
            // Some files may still be read: what is told must be what they have to the end.
            wait(&session, cancel, |_| false)?;
            return Err(outside(&spans_secs(&session, start), at_secs, (from_secs, until_secs)));
        }
        let spans_secs = spans_secs(&session, start);
        Ok(Self { session, mark, spans_secs, start, waited_until })
    }

    /// Reads the files of the rig's cameras from the start, at most `secs` of them; the mark is the first frame.
    pub fn beginning(rig: &Rig, files: &[PathBuf], secs: f64, cancel: &CancelToken) -> Result<Self, FootageError> {
        let footage = Self::open(rig, files, 0.0, (0.0, 0.0), cancel)?;
        let waited_until = footage.start.plus_nanos((secs.clamp(0.0, 1e6) * 1e9) as i64);
        wait(&footage.session, cancel, |feed| feed.newest.is_some_and(|t| t >= waited_until))?;
        let spans_secs = spans_secs(&footage.session, footage.start);
        Ok(Self { spans_secs, waited_until, ..footage })
    }

    /// The capture session that holds it.
    pub const fn session(&self) -> &CaptureSession {
        &self.session
    }

    /// When the first frame of all was, on the house clock of this session; another session reads the same files at another time.
    pub const fn start(&self) -> MediaTime {
        self.start
    }

    /// The instant of `at_secs`, on the house clock.
    pub const fn mark(&self) -> MediaTime {
        self.mark
    }

    /// From when to when all cameras have frames, on the house clock; no longer than was waited for, so that the same files and path give the
    /// same span however fast they were read.
    pub fn span(&self) -> (MediaTime, MediaTime) {
        let at = |secs: f64| self.start.plus_nanos((secs * 1e9).round() as i64);
        let first = self.spans_secs.iter().map(|s| s.1).fold(0.0, f64::max);
        let last = self.spans_secs.iter().map(|s| s.2).fold(f64::INFINITY, f64::min);
        (at(first), at(if last.is_finite() { last } else { first }).min(self.waited_until))
    }

    /// How the feeds fared.
    pub fn status(&self) -> Vec<FeedStatus> {
        self.session.status()
    }
}

impl MomentSource for Footage {
    fn sound(&self) -> Option<SourceSound> {
        self.session.sound().map(|input| SourceSound { input: Arc::clone(input), offset_nanos: 0 })
    }

    fn other_side(&mut self, moment: &Moment) -> Vec<Option<(Arc<Picture>, MediaTime)>> {
        self.session.decoder().other_side(moment)
    }

    fn moment_at(&mut self, instant: MediaTime) -> Result<Moment, String> {
        let mut moment = self.session.moment(instant);
        let at_secs = (instant - self.start) as f64 * 1e-9;
        for (camera, why) in &mut moment.left_out {
            match self.spans_secs.iter().find(|(name, ..)| name == camera) {
                Some((_, _, last)) if at_secs > *last => *why = format!("its footage ends with the frame at {last:.3} s"),
                Some((_, first, _)) if at_secs < *first => *why = format!("its footage begins with the frame at {first:.3} s"),
                _ => {}
            }
        }
        Ok(moment)
    }
}

/// First and last frame of each feed that has one, as seconds since `start`.
fn spans_secs(session: &CaptureSession, start: MediaTime) -> Vec<(String, f64, f64)> {
    let ring = session.ring().status();
    let secs = |t: MediaTime| (t - start) as f64 * 1e-9;
    let span = |feed: &FeedStatus| {
        let held = ring.feeds.iter().find(|f| *f.name == *feed.name)?;
        let interval = feed.rate.map_or(40_000_000, FrameRate::interval_nanos);
        let (first, end) = (held.oldest?, held.newest?);
        Some((feed.name.to_string(), secs(first), secs(end.plus_nanos(-interval)).max(secs(first))))
    };
    session.status().iter().filter_map(span).collect()
}

/// The error of a path that needs more than the footage has: each file with what it has, and what would fit.
fn outside(spans_secs: &[(String, f64, f64)], at_secs: f64, (from_secs, until_secs): (f64, f64)) -> FootageError {
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for (name, first, last) in spans_secs {
        let span = format!("{first:.3} to {last:.3} s");
        match groups.iter_mut().find(|(s, _)| *s == span) {
            Some((_, names)) => names.push(name),
            None => groups.push((span, vec![name])),
        }
    }
    let spans = groups.iter().map(|(span, names)| format!("{} {span}", names.join(", "))).collect::<Vec<_>>().join("; ");
    // Two cameras have what the second of each has.
    let second = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values.get(1).copied()
    };
    let begins = second(spans_secs.iter().map(|s| s.1).collect());
    let ends = second(spans_secs.iter().map(|s| -s.2).collect()).map(|e| -e);
    let remedy = match (begins.map(|b| b - from_secs), ends.map(|e| e - until_secs)) {
        (Some(a), Some(b)) if a <= b => format!("Choose --at from {a:.3} to {b:.3}"),
        (Some(_), Some(_)) => "Choose a shorter path or a slower --speed".to_owned(),
        _ => "Give the footage of two cameras at least".to_owned(),
    };
    let (from, until) = (at_secs + from_secs, at_secs + until_secs);
    let needs = if until - from < 5e-4 { format!("at {from:.3} s") } else { format!("from {from:.3} to {until:.3} s") };
    FootageError::Outside { needs, spans: if spans.is_empty() { "nothing".to_owned() } else { spans }, remedy }
}

/// House time of the first frame of all.
pub(super) fn first_frame(session: &CaptureSession, cancel: &CancelToken) -> Result<MediaTime, FootageError> {
    wait(session, cancel, |feed| feed.newest.is_some())?;
    let oldest = session.ring().status().feeds.iter().filter_map(|feed| feed.oldest).min();
    Ok(oldest.unwrap_or_else(|| session.house_now()))
}

/// Waits until every feed has enough or is at its end; a feed that fails is an error.
pub(super) fn wait(session: &CaptureSession, cancel: &CancelToken, enough: impl Fn(&FeedStatus) -> bool) -> Result<(), FootageError> {
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

/// What the cameras of footage are called that belongs to no rig yet: the stems of its files, sorted.
pub fn camera_names(given: &[PathBuf]) -> Result<Vec<String>, FootageError> {
    let files = video_files(given)?;
    let stem = |p: &PathBuf| p.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let mut names: Vec<String> = files.iter().map(stem).collect();
    names.dedup();
    if names.is_empty() {
        return Err(FootageError::Missing { cameras: "any name".into(), found: "none".into() });
    }
    Ok(names)
}

/// The video files of folders, and files, sorted.
fn video_files(given: &[PathBuf]) -> Result<Vec<PathBuf>, FootageError> {
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
    Ok(files)
}

/// The file of every camera, in the rig's order, from folders and files.
pub fn match_files(rig: &Rig, given: &[PathBuf]) -> Result<Vec<PathBuf>, FootageError> {
    let files = video_files(given)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_beyond_the_footage_is_told_what_each_file_has_and_what_would_fit() {
        let span = |name: &str, first, last| (name.to_owned(), first, last);
        let spans = [span("cam01", 0.0, 1.64), span("cam02", 0.0, 1.64), span("cam03", 0.02, 0.8)];
        let told = outside(&spans, 1.7, (0.0, 0.0)).to_string();
        for word in ["at 1.700 s", "cam01, cam02 0.000 to 1.640 s", "cam03 0.020 to 0.800 s", "--at from 0.000 to 1.640", "lasts"] {
            assert!(told.contains(word), "{word}: {told}");
        }
        let told = outside(&spans, 1.0, (-0.5, 2.0)).to_string();
        assert!(told.contains("from 0.500 to 3.000 s") && told.contains("shorter path"), "{told}");
        assert!(outside(&spans[..1], 0.0, (0.0, 0.0)).to_string().contains("two cameras"));
    }
}
