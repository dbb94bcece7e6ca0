//! A feed: where it comes from, how it fares.

mod words;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use parking_lot::Mutex;

use super::address::{StreamSource, wrong};
use super::error::CaptureError;
use super::stamp::TimeOrigin;
use super::{Codec, PushSettings};
use crate::ring::FeedId;
use crate::telemetry::Counter;
use crate::time::{ClockEstimate, FrameRate, MediaTime, Timecode};

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

/// Where a feed comes from. In show files it is an address ([`FeedSource::parse`]).
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
    /// Numbered pictures in files.
    Images {
        /// The first picture's path with a place for the number: `cam01/frame_%05d.png`.
        pattern: String,
        /// Pictures per second.
        rate: FrameRate,
        /// How fast they are read.
        pace: Pace,
    },
    /// A camera on the network or at this machine.
    Stream(StreamSource),
    /// Pictures that the program makes itself, encoded on arrival ([`super::CaptureSession::input`]).
    Push(PushSettings),
    /// A camera of a capture node ([`super::CaptureConfig::nodes`]).
    Node {
        /// The node's name.
        node: String,
    },
}

impl FeedSource {
    /// From an address. docs/capture.md lists all of them: a path or `file:PATH` (`?live`, `?loop`, `?fast`),
    /// `images:DIR/f_%05d.png?fps=25`, `rtsp://…`, `srt://…`, `rtp://…`, `udp://…`, `rist://…`, `rtmp://…`, `http(s)://….m3u8`,
    /// `v4l2:/dev/videoN`, `ndi:NAME`, `decklink:N`, `aravis:NAME`.
    pub fn parse(uri: &str) -> Result<Self, CaptureError> {
        let uri = uri.trim();
        if let Some(stream) = StreamSource::parse(uri) {
            return Ok(Self::Stream(stream?));
        }
        let wrong = |reason: &str| wrong(uri, reason);
        if let Some((scheme, _)) = uri.split_once("//")
            && STREAMS.iter().any(|s| s.eq_ignore_ascii_case(scheme))
        {
            return Err(wrong(&format!("a colon is missing: write {scheme}://…")));
        }
        let rest = match uri.split_once(':') {
            Some(("file", rest)) => rest.strip_prefix("//").unwrap_or(rest),
            Some(("images", rest)) => return images(rest.strip_prefix("//").unwrap_or(rest)).map_err(|reason| wrong(&reason)),
            Some((scheme, _)) if scheme.len() > 1 && uri.contains("://") => {
                return Err(wrong(&format!("{scheme:?} is none of {SCHEMES}")));
            }
            _ => uri,
        };
        let (path, pace) = match rest.rsplit_once('?') {
            Some((path, words)) => (path, pace(words).ok_or_else(|| wrong(&format!("{words:?} is none of live, loop, fast")))?),
            None => (rest, Pace::Live { looped: false }),
        };
        if path.is_empty() {
            return Err(wrong("the path is empty"));
        }
        Ok(Self::File { path: path.into(), pace })
    }

    /// Numbered pictures; the pattern must be one.
    pub fn images(pattern: &str, rate: FrameRate, pace: Pace) -> Result<Self, CaptureError> {
        if super::images::is_pattern(pattern) {
            return Ok(Self::Images { pattern: pattern.to_owned(), rate, pace });
        }
        Err(wrong(&format!("images:{pattern}"), NO_PATTERN))
    }
}

const NO_PATTERN: &str =
    "there is no single place for the number, such as %05d, or it is no .png or .jpg; write images:DIR/frame_%05d.png?fps=25";
const SCHEMES: &str = "file, images, rtsp, rtsps, srt, rtp, udp, rist, rtmp, rtmps, http, https, v4l2, ndi, decklink, aravis";
/// Those that call somebody or listen.
const STREAMS: [&str; 10] = ["rtsp", "rtsps", "srt", "rtp", "udp", "rist", "rtmp", "rtmps", "http", "https"];

fn pace(word: &str) -> Option<Pace> {
    match word {
        "live" => Some(Pace::Live { looped: false }),
        "loop" => Some(Pace::Live { looped: true }),
        "fast" => Some(Pace::AsFastAsPossible),
        _ => None,
    }
}

fn images(rest: &str) -> Result<FeedSource, String> {
    let (pattern, words) = rest.split_once('?').unwrap_or((rest, ""));
    let (mut rate, mut how) = (FrameRate::whole(25), Pace::Live { looped: false });
    for word in words.split('&').filter(|w| !w.is_empty()) {
        if let Some(fps) = word.strip_prefix("fps=") {
            rate = fps.parse().map_err(|e| format!("fps={fps}: {e}"))?;
        } else {
            how = pace(word).ok_or_else(|| format!("{word:?} is none of fps=25, live, loop, fast"))?;
        }
    }
    if !super::images::is_pattern(pattern) {
        return Err(NO_PATTERN.to_owned());
    }
    Ok(FeedSource::Images { pattern: pattern.to_owned(), rate, pace: how })
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
    /// Decoded and encoded again on arrival, every frame by itself (4:2:2 JPEG): for cameras whose groups of pictures are so long that
    /// a moment takes seconds. Costs most of a core per 1080p60 and some quality; what is intra-only already is kept as it is.
    pub make_intra: bool,
}

impl FeedSpec {
    /// A feed without clock offset; lateness is not judged.
    pub fn new(name: impl Into<String>, source: FeedSource) -> Self {
        Self { name: name.into(), source, clock_offset_nanos: 0, late_after_nanos: None, make_intra: false }
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
    /// The stream is away; it is connected again and again. [`FeedStatus::last_error`] says why.
    Reconnecting,
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
    /// Their times are far ahead of now.
    pub clock_ahead: u64,
    /// They carry no time.
    pub no_time: u64,
}

impl DropCounts {
    /// All of them.
    pub const fn total(&self) -> u64 {
        self.missing + self.overload + self.pins_full + self.no_keyframe + self.clock_back + self.clock_ahead + self.no_time
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
    /// How often it was tried to connect its stream again, with or without success.
    pub reconnects: u64,
    /// Where its times come from.
    pub time_origin: TimeOrigin,
    /// What is known of the clock that its times come from: its own ([`TimeOrigin::Arrival`], [`TimeOrigin::Pcr`], and the clock of its RTP times where
    /// they are put on the house clock by another one: [`TimeOrigin::SenderReport`], [`TimeOrigin::Rfc7273`]), or the timecode generator's
    /// ([`TimeOrigin::Timecode`], [`TimeOrigin::Ltc`]).
    pub source_clock: Option<ClockEstimate>,
    /// The newest timecode that came with it, whether its times come from there or not.
    pub timecode: Option<Timecode>,
    /// What its node says of its clock, where a node has it.
    pub clock_on_node: Option<String>,
    /// What is wrong now, and what helps; the newest of it. Nothing when it is over.
    pub last_error: Option<String>,
    /// What was wrong last and is over.
    pub past_error: Option<String>,
    /// How often something went wrong.
    pub errors: u64,
}

/// What ails a feed that goes on. Each is told while it lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Its stream is away.
    Away,
    /// A frame of it could not be taken.
    Frame,
    /// Its frames are ahead of now.
    Ahead,
    /// Its rate is another one than it says.
    Rate,
    /// The clock that its address names cannot be reached.
    SharedClock,
    /// The camera's clock is not to be believed.
    SenderClock,
    /// Its timecode is missing, or another generator's.
    Labels,
    /// Its timecode track cannot be read.
    Tone,
}

/// An operator's nudge beyond this is a mistake, nanoseconds.
const MOST_NUDGED_NANOS: u64 = 10_000_000_000;

#[derive(Debug, Default)]
struct Described {
    codec: Option<Codec>,
    size_px: Option<(u32, u32)>,
    rate: Option<FrameRate>,
    time_origin: TimeOrigin,
    source_clock: Option<ClockEstimate>,
    timecode: Option<Timecode>,
    clock_on_node: Option<String>,
    /// Why it cannot go on.
    failure: Option<String>,
    /// What is wrong now, the newest last.
    troubles: Vec<(Trouble, String)>,
    past_error: Option<String>,
    errors: u64,
}

/// The live side of [`FeedStatus`]: counters that streaming threads write.
#[derive(Debug)]
pub(super) struct FeedShared {
    pub name: Arc<str>,
    pub id: FeedId,
    pub clock_offset_nanos: i64,
    /// What the operator added to it, nanoseconds.
    nudge_nanos: AtomicI64,
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
    pub clock_ahead: Counter,
    pub no_time: Counter,
    pub loops: Counter,
    pub reconnects: Counter,
    pub delay_nanos: AtomicI64,
    newest_nanos: AtomicI64,
    live: AtomicBool,
    ended: AtomicBool,
    failed: AtomicBool,
    reconnecting: AtomicBool,
    /// A frame could not be taken; the next one that can ends it.
    stumbled: AtomicBool,
    described: Mutex<Described>,
}

impl FeedShared {
    pub(super) fn new(name: &str, id: FeedId, clock_offset_nanos: i64) -> Self {
        Self {
            name: name.into(),
            id,
            clock_offset_nanos,
            nudge_nanos: AtomicI64::new(0),
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
            clock_ahead: Counter::default(),
            no_time: Counter::default(),
            loops: Counter::default(),
            reconnects: Counter::default(),
            delay_nanos: AtomicI64::new(0),
            newest_nanos: AtomicI64::new(i64::MIN),
            live: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            failed: AtomicBool::new(false),
            reconnecting: AtomicBool::new(false),
            stumbled: AtomicBool::new(false),
            described: Mutex::default(),
        }
    }

    /// See [`super::CaptureSession::nudge`].
    pub(super) fn nudge(&self, by_nanos: i64) -> Result<i64, String> {
        let wanted = self.nudged_nanos().saturating_add(by_nanos);
        if wanted.unsigned_abs() > MOST_NUDGED_NANOS {
            let (name, most) = (&self.name, MOST_NUDGED_NANOS / 1_000_000_000);
            return Err(format!(
                "{name}: its clock can be nudged by {most} s at most. Set offset_ms in the show file, or the camera's clock"
            ));
        }
        self.nudge_nanos.store(wanted, Ordering::Relaxed);
        Ok(self.clock_offset_nanos + wanted)
    }

    /// What the operator added to the feed's times, nanoseconds.
    pub(super) fn nudged_nanos(&self) -> i64 {
        self.nudge_nanos.load(Ordering::Relaxed)
    }

    pub(super) fn arrived(&self, pts: MediaTime) {
        self.newest_nanos.fetch_max(pts.nanos(), Ordering::Relaxed);
        self.live.store(true, Ordering::Relaxed);
        // Looked at with every frame: what is rare is asked for only then.
        if self.reconnecting.load(Ordering::Relaxed) && self.reconnecting.swap(false, Ordering::Relaxed) {
            self.over(Trouble::Away);
        }
        if self.stumbled.load(Ordering::Relaxed) && self.stumbled.swap(false, Ordering::Relaxed) {
            self.over(Trouble::Frame);
        }
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
            described.errors += 1;
            described.failure = Some(reason);
        }
    }

    /// Notes a fault that the feed survives, until it is [`FeedShared::over`]. What was told already is not told again.
    pub(super) fn complain(&self, trouble: Trouble, reason: String) {
        let mut described = self.described.lock();
        if described.troubles.iter().any(|(is, told)| *is == trouble && *told == reason) {
            return;
        }
        // One outage is one fault, whatever each attempt ends with.
        if trouble == Trouble::Away
            && let Some((_, told)) = described.troubles.iter_mut().find(|(is, _)| *is == trouble)
        {
            tracing::debug!(feed = &*self.name, "{reason}");
            *told = reason;
            return;
        }
        tracing::warn!(feed = &*self.name, "{reason}");
        described.errors += 1;
        described.troubles.retain(|(is, _)| *is != trouble);
        described.troubles.push((trouble, reason));
        if trouble == Trouble::Frame {
            self.stumbled.store(true, Ordering::Relaxed);
        }
    }

    /// What was complained of has ended; it is kept as what was wrong last.
    pub(super) fn over(&self, trouble: Trouble) {
        let mut described = self.described.lock();
        if let Some(at) = described.troubles.iter().position(|(is, _)| *is == trouble) {
            let (_, reason) = described.troubles.remove(at);
            tracing::info!(feed = &*self.name, "over: {reason}");
            described.past_error = Some(reason);
        }
    }

    /// The stream is away, for this reason; its next unit brings it back.
    pub(super) fn lose(&self, reason: String) {
        // A camera that is away for hours fails in the same way every ten seconds: that is one line in the log.
        self.complain(Trouble::Away, reason);
        self.reconnecting.store(true, Ordering::Relaxed);
    }

    /// Says where the feed's times come from.
    pub(super) fn set_source_clock(&self, estimate: Option<ClockEstimate>) {
        self.described.lock().source_clock = estimate;
    }

    pub(super) fn set_clock_on_node(&self, words: &str) {
        let mut described = self.described.lock();
        if described.clock_on_node.as_deref() != Some(words) {
            described.clock_on_node = Some(words.to_owned());
        }
    }

    pub(super) fn set_timecode(&self, label: Timecode) {
        self.described.lock().timecode = Some(label);
    }

    pub(super) fn set_time_origin(&self, origin: TimeOrigin) {
        self.described.lock().time_origin = origin;
    }

    pub(super) fn is_reconnecting(&self) -> bool {
        self.reconnecting.load(Ordering::Relaxed)
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
        } else if self.is_reconnecting() {
            FeedState::Reconnecting
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
                clock_ahead: self.clock_ahead.get(),
                no_time: self.no_time.get(),
            },
            duplicated: self.duplicated.get(),
            late: self.late.get(),
            damaged: self.damaged.get(),
            bytes: self.bytes.get(),
            clock_offset_nanos: self.clock_offset_nanos + self.nudged_nanos(),
            delay_nanos: self.delay_nanos.load(Ordering::Relaxed),
            newest: self.newest(),
            loops: self.loops.get(),
            reconnects: self.reconnects.get(),
            time_origin: described.time_origin,
            source_clock: described.source_clock.filter(|_| described.time_origin.has_own_clock()),
            timecode: described.timecode,
            clock_on_node: described.clock_on_node.clone(),
            last_error: described.failure.as_ref().or(described.troubles.last().map(|(_, reason)| reason)).cloned(),
            past_error: described.past_error.clone(),
            errors: described.errors,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_over_is_told_as_past_and_what_lasts_stays() {
        let feed = FeedShared::new("cam01", FeedId(0), 0);
        let told = || (feed.status().last_error, feed.status().past_error, feed.status().errors);
        let words = |text: &str| Some(text.to_owned());
        feed.complain(Trouble::SharedClock, "no clock".to_owned());
        // The same once more is no further fault.
        (0..3).for_each(|_| feed.lose("away".to_owned()));
        assert_eq!((feed.state(), told()), (FeedState::Reconnecting, (words("away"), None, 2)));
        feed.arrived(MediaTime::ZERO);
        assert_eq!((feed.state(), told()), (FeedState::Live, (words("no clock"), words("away"), 2)));
        feed.complain(Trouble::Frame, "unreadable".to_owned());
        assert_eq!(told(), (words("unreadable"), words("away"), 3));
        feed.arrived(MediaTime::ZERO);
        feed.over(Trouble::Labels);
        assert_eq!(told(), (words("no clock"), words("unreadable"), 3));
        feed.over(Trouble::SharedClock);
        assert_eq!(told(), (None, words("no clock"), 3));
        // It comes again, and is told again.
        feed.lose("away".to_owned());
        assert_eq!(told(), (words("away"), words("no clock"), 4));
        feed.fail("gone".to_owned());
        feed.fail("its consequence".to_owned());
        assert_eq!((feed.state(), told().0), (FeedState::Failed, words("gone")));
    }

    #[test]
    fn addresses_of_feeds() {
        let file = |path: &str, pace| FeedSource::File { path: path.into(), pace };
        assert_eq!(FeedSource::parse("a/cam01.mp4").unwrap(), file("a/cam01.mp4", Pace::Live { looped: false }));
        assert_eq!(FeedSource::parse("file:///a/b.mov?loop").unwrap(), file("/a/b.mov", Pace::Live { looped: true }));
        assert_eq!(FeedSource::parse("file:b.mov?fast").unwrap(), file("b.mov", Pace::AsFastAsPossible));
        let images = |pattern: &str, fps, pace| FeedSource::Images { pattern: pattern.to_owned(), rate: FrameRate::whole(fps), pace };
        assert_eq!(FeedSource::parse("images:a/f_%05d.png").unwrap(), images("a/f_%05d.png", 25, Pace::Live { looped: false }));
        assert_eq!(FeedSource::parse("images:f%d.jpg?fps=50&loop").unwrap(), images("f%d.jpg", 50, Pace::Live { looped: true }));
        assert!(matches!(FeedSource::parse("rtsp://10.0.0.1/1").unwrap(), FeedSource::Stream(_)));
        for bad in ["gopher://10.0.0.1/1", "file:", "a.mp4?slow", "images:a.png", "images:%s.png", "images:%d.png?fps=x", "srt://x"] {
            let e = FeedSource::parse(bad).unwrap_err().to_string();
            assert!(e.contains(bad), "{e}");
        }
    }
}
