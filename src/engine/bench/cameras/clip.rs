//! The source clips of the bench: footage, or a picture made here, long enough that no file begins again while a step is measured
//! (opening a file anew is a cost that cameras do not have).
//!
//! Both are captured and recorded as in a show; the recorded units are then written again, as often as needed, into one file.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::{CamerasError, Footage};
use crate::capture::{
    CaptureConfig, CaptureSession, FeedSource, FeedSpec, FeedState, FeedStatus, LiveFrame, LiveInput, Pace, PreviewConfig, PushSettings,
};
use crate::color::YuvMatrix;
use crate::frame::{YuvFormat, YuvFrame, YuvRange};
use crate::output::CancelToken;
use crate::ring::AccessUnit;
use crate::ring::disk::{DiskConfig, SegmentFormat, SegmentWriter, UnitEntry, read_head, read_segment};
use crate::time::{FrameRate, MediaTime};

/// One segment for the whole clip, nanoseconds.
const ONE_SEGMENT_NANOS: i64 = 3_600_000_000_000;
/// Bytes of footage looked at, at most.
const BUDGET_BYTES: u64 = 4 << 30;
/// Units per fragment of the clip.
const FRAGMENT_UNITS: usize = 30;
/// Length of the picture that is made here, seconds; then it repeats.
const MADE_SECS: f64 = 2.0;
/// An encoder that takes nothing for so long is dead.
const ENCODER_TIMEOUT: Duration = Duration::from_secs(30);

/// A folder that is removed with everything in it when it is dropped.
#[derive(Debug)]
pub(super) struct Scratch(PathBuf);

impl Scratch {
    /// A new folder below `parent`.
    pub fn new(parent: &Path) -> Result<Self, CamerasError> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let path = parent.join(format!("volte-bench-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed)));
        match fs::create_dir_all(&path) {
            Ok(()) => Ok(Self(path)),
            Err(source) => Err(CamerasError::Scratch { path, source }),
        }
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(e) = fs::remove_dir_all(&self.0) {
            tracing::warn!("{:?} is not removed: {e}", self.0);
        }
    }
}

/// A file that stands for a camera.
#[derive(Debug, Clone)]
pub(super) struct Clip {
    pub path: PathBuf,
    /// From frame to frame.
    pub interval_nanos: i64,
    name: String,
    codec: String,
    size_px: (u32, u32),
    bytes_per_sec: f64,
}

impl Clip {
    /// For people: what each camera sends.
    pub fn in_words(&self) -> String {
        let (w, h) = self.size_px;
        let fps = 1e9 / self.interval_nanos as f64;
        format!("{}: {} {w}×{h}, {fps:.2} frames/s, {:.2} Mbit/s", self.name, self.codec, self.bytes_per_sec * 8e-6)
    }
}

/// Makes the clips, each at least `secs` long; `None` when it was stopped.
pub(super) fn prepare(footage: &Footage, secs: f64, scratch: &Scratch, cancel: &CancelToken) -> Result<Option<Vec<Clip>>, CamerasError> {
    match footage {
        Footage::Made { size_px, rate } => {
            let settings = PushSettings::h264(size_px.0, size_px.1, *rate);
            let spec = FeedSpec::new("made", FeedSource::Push(settings.clone()));
            let frames = (MADE_SECS * rate.fps()).round().max(2.0) as i64;
            let work = |session: &CaptureSession| session.input("made").map_or(Ok(()), |input| draw_all(session, &input, frames, cancel));
            Ok(clip("moving picture made here", &spec, secs, scratch, cancel, work)?.map(|clip| vec![clip]))
        }
        Footage::Files(files) => {
            let mut clips = Vec::new();
            for (i, path) in files.iter().enumerate() {
                let source = FeedSource::File { path: path.clone(), pace: Pace::AsFastAsPossible };
                let spec = FeedSpec::new(format!("footage{i}"), source);
                let work = |session: &CaptureSession| {
                    let enough = |f: &FeedStatus| f.newest.is_some_and(|t| t.secs_f64() > secs + 1.0) || f.state != FeedState::Live;
                    let opened = |f: &[FeedStatus]| f.iter().all(|f| f.state != FeedState::Starting);
                    session.wait_until(ENCODER_TIMEOUT, opened);
                    session.wait_until(Duration::from_mins(5), |f| cancel.is_cancelled() || f.iter().all(enough));
                    Ok(())
                };
                let Some(clip) = clip(&path.display().to_string(), &spec, secs, scratch, cancel, work)? else { return Ok(None) };
                clips.push(clip);
            }
            Ok(Some(clips))
        }
    }
}

/// Captures and records what `work` brings, then writes it into one file as often as needed.
fn clip(
    name: &str,
    spec: &FeedSpec,
    secs: f64,
    scratch: &Scratch,
    cancel: &CancelToken,
    work: impl FnOnce(&CaptureSession) -> Result<(), String>,
) -> Result<Option<Clip>, CamerasError> {
    let unusable = |reason: String| CamerasError::Footage { what: name.to_owned(), reason };
    let folder = Scratch::new(scratch.path())?;
    let disk = DiskConfig { segment_nanos: ONE_SEGMENT_NANOS, ..DiskConfig::new(folder.path(), BUDGET_BYTES) };
    let config = CaptureConfig {
        preview: PreviewConfig { enabled: false, ..PreviewConfig::default() },
        disk: Some(disk),
        ..CaptureConfig::default()
    };
    let mut session = CaptureSession::start(config, std::slice::from_ref(spec))?;
    let worked = work(&session);
    session.stop();
    if cancel.is_cancelled() {
        return Ok(None);
    }
    let (status, disk) = (session.status(), session.disk_status());
    let feed = status.first().ok_or_else(|| unusable("it is not there".to_owned()))?;
    if feed.state == FeedState::Failed
        && let Some(reason) = &feed.last_error
    {
        return Err(unusable(reason.clone()));
    }
    worked.map_err(unusable)?;
    if let Some(recorded) = disk.feeds.first()
        && let Some(reason) = recorded.note.clone().or_else(|| disk.problem.clone()).or_else(|| {
            (recorded.dropped.total() > 0).then(|| "the folder for temporary files is on a disk that is too slow; set TMPDIR".to_owned())
        })
    {
        return Err(unusable(reason));
    }
    let interval_nanos = feed.rate.map(FrameRate::interval_nanos).filter(|nanos| *nanos > 0);
    let interval_nanos =
        interval_nanos.ok_or_else(|| unusable("its frame rate is unknown; give footage of at least 16 frames".to_owned()))?;
    let segment = session.disk().and_then(|disk| disk.segments().into_iter().next());
    let segment = segment.ok_or_else(|| unusable("nothing of it can be recorded; give a video file with frames".to_owned()))?;
    let path = scratch.path().join(format!("{}.mp4", spec.name));
    let bytes_per_sec = lengthen(&segment.path, &path, interval_nanos, (secs * 1e9) as i64).map_err(|e| match e {
        Problem::Io(source) => CamerasError::Scratch { path: path.clone(), source },
        Problem::Words(reason) => unusable(reason),
    })?;
    let codec = feed.codec.map_or_else(String::new, |codec| codec.to_string());
    Ok(Some(Clip { path, interval_nanos, name: name.to_owned(), codec, size_px: feed.size_px.unwrap_or_default(), bytes_per_sec }))
}

enum Problem {
    Io(std::io::Error),
    Words(String),
}

impl From<std::io::Error> for Problem {
    fn from(e: std::io::Error) -> Self {
        Self::Io(e)
    }
}

/// Writes the units of a segment into a new file, again and again until it is `nanos` long. Returns the payload's bytes per second.
fn lengthen(from: &Path, to: &Path, interval_nanos: i64, nanos: i64) -> Result<f64, Problem> {
    let words = |e: &dyn std::fmt::Display| Problem::Words(e.to_string());
    let mut source = File::open(from)?;
    let segment = read_segment(&mut source).map_err(|e| words(&e))?;
    let (_, fragments_at) = read_head(&mut source).map_err(|e| words(&e))?;
    let (first, until) = segment.span().ok_or_else(|| Problem::Words("it holds no frame".to_owned()))?;
    // Whole frames, so that the joint is no step in time.
    let length = (((until - first) + interval_nanos / 2) / interval_nanos).max(1) * interval_nanos;
    let mut beginning = Vec::new();
    File::open(from)?.take(fragments_at).read_to_end(&mut beginning)?;
    let mut out = std::io::BufWriter::new(File::create(to)?);
    out.write_all(&beginning)?;
    // Only its fragments are used: what a file begins with comes from the segment.
    let format = SegmentFormat { entry: *b"avc1", config: None, width_px: 0, height_px: 0, note: String::new() };
    let (mut writer, _) = SegmentWriter::new("", 0, &format);
    let (mut bytes, mut written_nanos) = (0, 0);
    'rounds: loop {
        let shift = written_nanos;
        for chunk in segment.units.chunks(FRAGMENT_UNITS) {
            let mut read = |entry: &UnitEntry| -> Result<AccessUnit, Problem> {
                let damaged = || Problem::Words("what was recorded cannot be read back".to_owned());
                let payload = entry.payload(&mut source)?.ok_or_else(damaged)?;
                let pts = MediaTime::ZERO.plus_nanos(entry.pts - first + shift);
                let mut unit = AccessUnit::new(pts, entry.duration_nanos, entry.keyframe, payload);
                unit.droppable = entry.droppable;
                Ok(unit)
            };
            let units = chunk.iter().map(&mut read).collect::<Result<Vec<_>, _>>()?;
            out.write_all(&writer.fragment(&units).map_err(|e| words(&e))?)?;
            for unit in &units {
                out.write_all(&unit.payload)?;
                bytes += unit.payload.len() as u64;
                written_nanos += interval_nanos;
            }
            if written_nanos >= nanos {
                break 'rounds;
            }
        }
        written_nanos = shift + length;
    }
    out.write_all(&writer.tail())?;
    out.flush()?;
    Ok(bytes as f64 * 1e9 / written_nanos as f64)
}

/// Draws and encodes `frames` pictures, as fast as the encoder takes them.
fn draw_all(session: &CaptureSession, input: &LiveInput, frames: i64, cancel: &CancelToken) -> Result<(), String> {
    let settings = input.settings();
    let received = || session.status().first().map_or(0, |f| f.received as i64);
    let wait_for = |count: i64| {
        let begun = Instant::now();
        while received() < count && !cancel.is_cancelled() {
            if begun.elapsed() > ENCODER_TIMEOUT {
                return Err("the encoder delivers nothing; `volte devices` lists the encoders".to_owned());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    };
    for number in 0..frames {
        // Fewer than the queue before the encoder holds: none is dropped.
        wait_for(number - 3)?;
        let picture = draw(settings.width_px, settings.height_px, number);
        let time = MediaTime::from_nanos(number * settings.rate.interval_nanos());
        input.push_frame(time, LiveFrame::Yuv(picture)).map_err(|e| e.to_string())?;
    }
    input.finish();
    wait_for(frames)
}

/// A picture that costs an encoder what a camera's costs: a textured wall that moves past, a ball before it, and the noise of a sensor.
fn draw(width_px: u32, height_px: u32, number: i64) -> YuvFrame {
    let (w, h, n) = (i64::from(width_px), i64::from(height_px), number);
    let radius = (h / 6).max(2);
    let (ball_x, ball_y) = ((n * w / 90) % w, h / 2 + ((n as f64 * 0.2).sin() * h as f64 * 0.3) as i64);
    let in_ball = |x: i64, y: i64| (x - ball_x).pow(2) + (y - ball_y).pow(2) < radius * radius;
    let (mut noise, texture) = (n as u32 ^ 0x9E37_79B9, |x: i64, y: i64| (x * 7919 + y * 104_729).wrapping_mul(2_654_435_761) >> 20 & 63);
    let mut data = Vec::with_capacity((w * h * 3 / 2) as usize);
    for y in 0..h {
        for x in 0..w {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let grain = i64::from(noise >> 29);
            let luma = if in_ball(x, y) { 200 } else { 60 + texture((x + n * 3) / 8, y / 8) };
            data.push((luma + grain) as u8);
        }
    }
    for plane in 0..2 {
        for y in 0..h / 2 {
            for x in 0..w / 2 {
                let wall = 112 + (((x + n) / 32 + y / 32 + plane) & 31);
                data.push(if in_ball(2 * x, 2 * y) { 90 + 70 * plane } else { wall } as u8);
            }
        }
    }
    YuvFrame {
        width: width_px,
        height: height_px,
        format: YuvFormat::I420,
        matrix: YuvMatrix::Bt709,
        range: YuvRange::Limited,
        data: data.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_moves_and_has_its_size() {
        let (a, b) = (draw(64, 48, 0), draw(64, 48, 1));
        assert_eq!((a.data.len(), a.expected_bytes()), (64 * 48 * 3 / 2, 64 * 48 * 3 / 2));
        assert!(a.data.iter().zip(&b.data[..]).filter(|(a, b)| a != b).count() > 64 * 48 / 4);
    }

    #[test]
    fn clips_are_repeated_until_they_are_long_enough() {
        let scratch = Scratch::new(&std::env::temp_dir()).unwrap();
        let footage = Footage::Made { size_px: (64, 48), rate: FrameRate::whole(25) };
        let clips = prepare(&footage, 5.0, &scratch, &CancelToken::default()).unwrap().unwrap();
        let segment = read_segment(&mut File::open(&clips[0].path).unwrap()).unwrap();
        assert_eq!((segment.lost_bytes, clips[0].interval_nanos), (0, 40_000_000));
        // Every frame once, at its own time, over the joints.
        assert!(segment.units.len() >= 125, "{}", segment.units.len());
        for (i, unit) in segment.units.iter().enumerate() {
            assert_eq!(unit.pts.nanos(), i as i64 * 40_000_000, "unit {i}");
        }
        let folder = scratch.path().to_owned();
        drop(scratch);
        assert!(!folder.exists());
    }
}
