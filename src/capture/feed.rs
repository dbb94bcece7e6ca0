//! A feed: where it comes from, how it fares.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use parking_lot::Mutex;

use super::error::CaptureError;
use super::{Codec, PushSettings};
use crate::ring::FeedId;
use crate::telemetry::Counter;
use crate::time::{FrameRate, MediaTime};

/// How fast a file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pace {
    /// As a camera would deliver it, in real time. With `looped`, over and over: all looped files of a session repeat with
    /// one period, the longest, so that synchronized files stay synchronized.
    Live {
        /// Start again at the end.
        looped: bool,
    },
    /// As fast as the disk gives it; its times are those of a live feed that began at the same moment.
    #[default]
    AsFastAsPossible,
}

/// Where a feed comes from. In show files it is an address ([`FeedSource::parse`]); cameras on the network, SDI and USB
/// become further variants with addresses of their own.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum FeedSource {
    /// A video file.
    File {
        /// The file.
        path: PathBuf,
        /// How fast it is read.
        pace: Pace,
    },
    /// Pictures that the program makes itself, encoded on arrival ([`super::CaptureSession::input`]).
    Push(PushSettings),
}

impl FeedSource {
    /// From an address: a path, or `file:PATH` with `?live`, `?loop` or `?fast` (default: live).
    pub fn parse(uri: &str) -> Result<Self, CaptureError> {
        let wrong = |reason: &str| CaptureError::Address { uri: uri.to_owned(), reason: reason.to_owned() };
        let rest = match uri.split_once(':') {
            Some(("file", rest)) => rest.strip_prefix("//").unwrap_or(rest),
            Some((scheme, _)) if scheme.len() > 1 && scheme.bytes().all(|b| b.is_ascii_alphanumeric()) && uri.contains("://") => {
                return Err(wrong("this version reads files only; use file:PATH"));
            }
            _ => uri,
        };
        let (path, pace) = match rest.rsplit_once('?') {
            Some((path, "live")) => (path, Pace::Live { looped: false }),
            Some((path, "loop")) => (path, Pace::Live { looped: true }),
            Some((path, "fast")) => (path, Pace::AsFastAsPossible),
            Some((_, other)) => return Err(wrong(&format!("{other:?} is none of live, loop, fast"))),
            None => (rest, Pace::Live { looped: false }),
        };
        if path.is_empty() {
            return Err(wrong("the path is empty"));
        }
        Ok(Self::File { path: path.into(), pace })
    }
}

/// A feed to capture.
#[derive(Debug, Clone, PartialEq)]
pub struct FeedSpec {
    /// The name of its camera in the rig.
    pub name: String,
    /// Where it comes from.
    pub source: FeedSource,
    /// Added to the source's times to get house time, nanoseconds (the rig's `clock_offset_nanos`).
    pub clock_offset_nanos: i64,
    /// A frame that arrives later than this after its own time is marked late; `None` for sources whose times are true
    /// however late they are read (files).
    pub late_after_nanos: Option<i64>,
}

impl FeedSpec {
    /// A feed without clock offset; lateness is not judged.
    pub fn new(name: impl Into<String>, source: FeedSource) -> Self {
        Self { name: name.into(), source, clock_offset_nanos: 0, late_after_nanos: None }
    }

    /// A file, named by its stem, in real time.
    pub fn live_file(path: impl Into<PathBuf>, looped: bool) -> Self {
        let path = path.into();
        let name = path.file_stem().map_or_else(|| "feed".to_owned(), |stem| stem.to_string_lossy().into_owned());
        Self::new(name, FeedSource::File { path, pace: Pace::Live { looped } })
    }
}

/// Where a feed is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedState {
    /// Being opened.
    Starting,
    /// Delivering.
    Live,
    /// Its file is at its end.
    Ended,
    /// It cannot go on; [`FeedStatus::last_error`] says why.
    Failed,
}

/// Frames that did not make it into the ring, by reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DropCounts {
    /// Never arrived: gaps in the feed's own times.
    pub missing: u64,
    /// The encoder of a pushed feed was too slow: the oldest waiting pictures were dropped.
    pub overload: u64,
    /// Marks fill the ring.
    pub pins_full: u64,
    /// The keyframe that they refer to never came.
    pub no_keyframe: u64,
    /// Their clock went back.
    pub clock_back: u64,
    /// They carry no time.
    pub no_time: u64,
}

impl DropCounts {
    /// All of them.
    pub const fn total(&self) -> u64 {
        self.missing + self.overload + self.pins_full + self.no_keyframe + self.clock_back + self.no_time
    }
}

/// How a feed fares.
#[derive(Debug, Clone, PartialEq)]
pub struct FeedStatus {
    /// Its name.
    pub name: Arc<str>,
    /// Its place in the ring.
    pub id: FeedId,
    /// Where it is in its life.
    pub state: FeedState,
    /// Codec in the ring.
    pub codec: Option<Codec>,
    /// Picture size, px.
    pub size_px: Option<(u32, u32)>,
    /// Frame rate, as declared or else as measured.
    pub rate: Option<FrameRate>,
    /// Access units that arrived.
    pub received: u64,
    /// Those that did not make it.
    pub dropped: DropCounts,
    /// Marked as repetitions.
    pub duplicated: u64,
    /// Marked as late.
    pub late: u64,
    /// Marked as damaged by their source.
    pub damaged: u64,
    /// Payload bytes that arrived.
    pub bytes: u64,
    /// Added to its times to get house time, nanoseconds.
    pub clock_offset_nanos: i64,
    /// How long after its own time the newest unit arrived, nanoseconds (negative when read ahead).
    pub delay_nanos: i64,
    /// Time of the newest unit.
    pub newest: Option<MediaTime>,
    /// How often its file began again.
    pub loops: u64,
    /// What went wrong last, and what helps.
    pub last_error: Option<String>,
}

#[derive(Debug, Default)]
struct Described {
    codec: Option<Codec>,
    size_px: Option<(u32, u32)>,
    rate: Option<FrameRate>,
    last_error: Option<String>,
}

/// The live side of [`FeedStatus`]: counters that streaming threads write.
#[derive(Debug)]
pub(super) struct FeedShared {
    pub name: Arc<str>,
    pub id: FeedId,
    pub clock_offset_nanos: i64,
    pub received: Counter,
    pub duplicated: Counter,
    pub late: Counter,
    pub damaged: Counter,
    pub bytes: Counter,
    pub missing: Counter,
    pub overload: Counter,
    pub pins_full: Counter,
    pub no_keyframe: Counter,
    pub clock_back: Counter,
    pub no_time: Counter,
    pub loops: Counter,
    pub delay_nanos: AtomicI64,
    newest_nanos: AtomicI64,
    live: AtomicBool,
    ended: AtomicBool,
    failed: AtomicBool,
    described: Mutex<Described>,
}

impl FeedShared {
    pub(super) fn new(name: &str, id: FeedId, clock_offset_nanos: i64) -> Self {
        Self {
            name: name.into(),
            id,
            clock_offset_nanos,
            received: Counter::default(),
            duplicated: Counter::default(),
            late: Counter::default(),
            damaged: Counter::default(),
            bytes: Counter::default(),
            missing: Counter::default(),
            overload: Counter::default(),
            pins_full: Counter::default(),
            no_keyframe: Counter::default(),
            clock_back: Counter::default(),
            no_time: Counter::default(),
            loops: Counter::default(),
            delay_nanos: AtomicI64::new(0),
            newest_nanos: AtomicI64::new(i64::MIN),
            live: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            failed: AtomicBool::new(false),
            described: Mutex::default(),
        }
    }

    pub(super) fn arrived(&self, pts: MediaTime) {
        self.newest_nanos.fetch_max(pts.nanos(), Ordering::Relaxed);
        self.live.store(true, Ordering::Relaxed);
    }

    pub(super) fn describe(&self, codec: Codec, size_px: Option<(u32, u32)>, rate: Option<FrameRate>) {
        let mut described = self.described.lock();
        described.codec = Some(codec);
        described.size_px = size_px.or(described.size_px);
        described.rate = rate.or(described.rate);
    }

    /// Ends the feed with a reason; the first reason is the cause, later ones are its consequences.
    pub(super) fn fail(&self, reason: String) {
        let mut described = self.described.lock();
        if !self.failed.swap(true, Ordering::Relaxed) {
            tracing::warn!(feed = &*self.name, "{reason}");
            described.last_error = Some(reason);
        }
    }

    /// Notes a fault that the feed survives.
    pub(super) fn complain(&self, reason: String) {
        tracing::warn!(feed = &*self.name, "{reason}");
        self.described.lock().last_error = Some(reason);
    }

    pub(super) fn end(&self) {
        self.ended.store(true, Ordering::Relaxed);
    }

    pub(super) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    pub(super) fn state(&self) -> FeedState {
        if self.has_failed() {
            FeedState::Failed
        } else if self.ended.load(Ordering::Relaxed) {
            FeedState::Ended
        } else if self.live.load(Ordering::Relaxed) {
            FeedState::Live
        } else {
            FeedState::Starting
        }
    }

    pub(super) fn newest(&self) -> Option<MediaTime> {
        let nanos = self.newest_nanos.load(Ordering::Relaxed);
        (nanos != i64::MIN).then(|| MediaTime::from_nanos(nanos))
    }

    pub(super) fn status(&self) -> FeedStatus {
        let described = self.described.lock();
        FeedStatus {
            name: Arc::clone(&self.name),
            id: self.id,
            state: self.state(),
            codec: described.codec,
            size_px: described.size_px,
            rate: described.rate,
            received: self.received.get(),
            dropped: DropCounts {
                // A picture that the encoder had no time for leaves a gap as well; it is counted once.
                missing: self.missing.get().saturating_sub(self.overload.get()),
                overload: self.overload.get(),
                pins_full: self.pins_full.get(),
                no_keyframe: self.no_keyframe.get(),
                clock_back: self.clock_back.get(),
                no_time: self.no_time.get(),
            },
            duplicated: self.duplicated.get(),
            late: self.late.get(),
            damaged: self.damaged.get(),
            bytes: self.bytes.get(),
            clock_offset_nanos: self.clock_offset_nanos,
            delay_nanos: self.delay_nanos.load(Ordering::Relaxed),
            newest: self.newest(),
            loops: self.loops.get(),
            last_error: described.last_error.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_feeds() {
        let file = |path: &str, pace| FeedSource::File { path: path.into(), pace };
        assert_eq!(FeedSource::parse("a/cam01.mp4").unwrap(), file("a/cam01.mp4", Pace::Live { looped: false }));
        assert_eq!(FeedSource::parse("file:///a/b.mov?loop").unwrap(), file("/a/b.mov", Pace::Live { looped: true }));
        assert_eq!(FeedSource::parse("file:b.mov?fast").unwrap(), file("b.mov", Pace::AsFastAsPossible));
        for bad in ["rtsp://10.0.0.1/1", "file:", "a.mp4?slow"] {
            let e = FeedSource::parse(bad).unwrap_err().to_string();
            assert!(e.contains(bad), "{e}");
        }
    }
}
