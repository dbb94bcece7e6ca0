//! A video file as a feed.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use crossbeam::channel::Sender;
use gst::prelude::{ElementExt as _, ElementExtManual as _, GstBinExtManual as _, ObjectExt as _, PadExt as _, PadExtManual as _};

use super::Pace;
use super::chain::{attach, chain_into, element, is_video, unknown_codec};
use super::codec::Codec;
use super::error::CaptureError;
use super::images;
use super::ingest::Ingest;
use super::inlet::{Incoming, Inlet};
use super::pacer::Pacer;
use super::stamp::TimeOrigin;
use crate::time::{FrameRate, MediaTime};

/// What a feed tells the session's control thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FeedEvent {
    /// The file of the feed at this index is at its end.
    EndOfFile(usize),
    /// The session stops.
    Stop,
}

/// A file being read.
#[derive(Debug)]
pub(super) struct FileFeed {
    pub pipeline: gst::Pipeline,
    /// Or the pattern of numbered pictures.
    path: PathBuf,
    pace: Pace,
    pub ingest: Arc<Ingest>,
    /// Where its pictures arrive.
    inlet: OnceLock<Inlet>,
    /// House time of the file's first frame in this round, nanoseconds.
    origin_nanos: Arc<AtomicI64>,
    pacer: Arc<Pacer>,
    /// The last frame's end in the file, nanoseconds.
    last_end_nanos: AtomicI64,
    has_video: AtomicBool,
    /// Sound or data was found.
    has_other: AtomicBool,
    /// The first frame is there.
    prerolled: AtomicBool,
    /// Nothing more will be found in the file.
    searched: AtomicBool,
}

impl Drop for FileFeed {
    fn drop(&mut self) {
        self.stop();
    }
}

impl FileFeed {
    /// Builds the pipeline; frames flow after [`FileFeed::preroll`] and [`FileFeed::play`].
    pub(super) fn open(
        index: usize,
        path: &Path,
        pace: Pace,
        ingest: &Arc<Ingest>,
        events_lossless: Sender<FeedEvent>,
    ) -> Result<Arc<Self>, CaptureError> {
        let feed_error = |reason: String| CaptureError::Feed { feed: ingest.shared.name.to_string(), reason };
        let meta = std::fs::metadata(path).map_err(|e| feed_error(format!("cannot open {path:?}: {e}. Check the path")))?;
        if !meta.is_file() {
            return Err(feed_error(format!("{path:?} is not a file; give a video file")));
        }
        if meta.len() == 0 {
            return Err(feed_error(format!(
                "{path:?} is empty (0 bytes); the recording or the copy failed, take it from its source again"
            )));
        }
        let feed = Self::new(path, pace, ingest);
        let pipeline = &feed.pipeline;
        let source = element("filesrc", "reading files")?;
        source.set_property("location", path.to_string_lossy().as_ref());
        // What a file is takes `parsebin` long to find out, and its guesses stay in the way of every picture.
        let demuxer = demuxer_of(path).and_then(|name| element(name, "reading files").ok());
        let is_known = demuxer.is_some();
        let finder = demuxer.map_or_else(parsebin, Ok)?;
        let add = |e: gst::glib::BoolError| feed_error(format!("its pipeline cannot be built: {e}"));
        pipeline.add_many([&source, &finder]).map_err(add)?;
        source.link(&finder).map_err(add)?;

        let inlet = feed.inlet(index, events_lossless)?;
        feed.inlet.set(inlet.clone()).ok();
        if is_known {
            feed.watch_demuxer(&finder, &inlet);
        } else {
            feed.watch_finder(&finder, &inlet);
        }
        watch_bus(pipeline, ingest, &feed.path);
        Ok(feed)
    }

    /// What is in a container is known by its own words; only a codec that has no parser of its own here is looked at again.
    fn watch_demuxer(self: &Arc<Self>, demuxer: &gst::Element, inlet: &Inlet) {
        let (weak, inlet) = (Arc::downgrade(self), inlet.clone());
        let is_looked_at = Arc::new(AtomicBool::new(false));
        let looked_at = Arc::clone(&is_looked_at);
        demuxer.connect_pad_added(move |_, pad| {
            let Some(feed) = weak.upgrade() else { return };
            let caps = pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
            if !is_video(&caps) {
                feed.link(pad, &inlet);
            } else if looked_at.load(Ordering::Relaxed) || feed.has_video.load(Ordering::Relaxed) {
                // The first video is the one.
            } else if matches!(Codec::of_caps(&caps), None | Some(Codec::H264 | Codec::H265)) {
                feed.link(pad, &inlet);
            } else {
                looked_at.store(true, Ordering::Relaxed);
                if let Err(e) = feed.find_within(pad, &inlet) {
                    feed.ingest.shared.fail(format!("{:?} cannot be read: {e}", feed.path));
                }
            }
        });
        let weak = Arc::downgrade(self);
        demuxer.connect_no_more_pads(move |_| {
            // Who looks at it tells when all is found.
            if let Some(feed) = weak.upgrade()
                && !is_looked_at.load(Ordering::Relaxed)
            {
                feed.searched.store(true, Ordering::Release);
            }
        });
    }

    /// A stream of a container whose parser is not ours to choose.
    fn find_within(self: &Arc<Self>, pad: &gst::Pad, inlet: &Inlet) -> Result<(), CaptureError> {
        let finder = parsebin()?;
        self.watch_finder(&finder, inlet);
        attach(&self.pipeline, pad, &[finder], &self.ingest.shared.name)
    }

    fn watch_finder(self: &Arc<Self>, finder: &gst::Element, inlet: &Inlet) {
        let (weak, inlet) = (Arc::downgrade(self), inlet.clone());
        finder.connect_pad_added(move |_, pad| {
            if let Some(feed) = weak.upgrade() {
                feed.link(pad, &inlet);
            }
        });
        let weak = Arc::downgrade(self);
        finder.connect("unknown-type", false, move |values| {
            let caps = values.get(2)?.get::<gst::Caps>().ok()?;
            if is_video(&caps)
                && let Some(feed) = weak.upgrade()
            {
                feed.fail_codec(&caps);
            }
            None
        });
        for signal in ["no-more-pads", "drained"] {
            let weak = Arc::downgrade(self);
            finder.connect(signal, false, move |_| {
                weak.upgrade()?.searched.store(true, Ordering::Release);
                None
            });
        }
    }

    /// The same for numbered pictures.
    pub(super) fn open_images(
        index: usize,
        (pattern, rate): (&str, FrameRate),
        pace: Pace,
        ingest: &Arc<Ingest>,
        events_lossless: Sender<FeedEvent>,
    ) -> Result<Arc<Self>, CaptureError> {
        let (elements, codec) = images::elements(pattern, rate)?;
        let feed = Self::new(Path::new(pattern), pace, ingest);
        let wrong = |reason: String| CaptureError::Feed { feed: ingest.shared.name.to_string(), reason };
        let refused = |e: gst::glib::BoolError| wrong(format!("its pipeline cannot be built: {e}"));
        feed.pipeline.add_many(&elements).map_err(refused)?;
        gst::Element::link_many(&elements).map_err(refused)?;
        let inlet = feed.inlet(index, events_lossless)?;
        feed.inlet.set(inlet.clone()).ok();
        let pad = elements.last().and_then(|e| e.static_pad("src")).ok_or_else(|| wrong("its pipeline cannot be built".to_owned()))?;
        feed.link_video(&pad, None, codec, &inlet)?;
        feed.has_video.store(true, Ordering::Relaxed);
        watch_bus(&feed.pipeline, ingest, &feed.path);
        Ok(feed)
    }

    fn new(path: &Path, pace: Pace, ingest: &Arc<Ingest>) -> Arc<Self> {
        ingest.shared.set_time_origin(TimeOrigin::Container);
        // A file is read a unit at a time.
        ingest.keeps_memory.store(true, Ordering::Relaxed);
        ingest.reads_ahead.store(pace == Pace::AsFastAsPossible, Ordering::Relaxed);
        Arc::new(Self {
            pipeline: gst::Pipeline::new(),
            path: path.to_owned(),
            pace,
            ingest: Arc::clone(ingest),
            inlet: OnceLock::new(),
            origin_nanos: Arc::default(),
            pacer: Arc::default(),
            last_end_nanos: AtomicI64::new(0),
            has_video: AtomicBool::new(false),
            has_other: AtomicBool::new(false),
            prerolled: AtomicBool::new(false),
            searched: AtomicBool::new(false),
        })
    }

    fn fail_codec(&self, caps: &gst::Caps) {
        self.ingest.shared.fail(unknown_codec(&format!("{:?}", self.path), caps));
    }

    fn inlet(self: &Arc<Self>, index: usize, events_lossless: Sender<FeedEvent>) -> Result<Inlet, CaptureError> {
        let weak = Arc::downgrade(self);
        let take = move |incoming: Incoming<'_>| weak.upgrade().ok_or(gst::FlowError::Flushing)?.take(incoming);
        let at_end = move || {
            // The control thread drains this queue always; it has room for every feed's end.
            // Nobody listens any more when the session has ended: then it does not matter.
            if let Err(crossbeam::channel::TrySendError::Full(_)) = events_lossless.try_send(FeedEvent::EndOfFile(index)) {
                tracing::warn!(
                    feed = index,
                    "its file is at its end, and the session is too busy to begin it again: it stays on its last frame. Restart it"
                );
            }
        };
        Inlet::new(take, at_end)
    }

    fn take(&self, incoming: Incoming<'_>) -> Result<gst::FlowSuccess, gst::FlowError> {
        self.prerolled.store(true, Ordering::Release);
        if !self.pacer.wait_for_start() {
            return Err(gst::FlowError::Flushing);
        }
        let origin = MediaTime::from_nanos(self.origin_nanos.load(Ordering::Relaxed));
        let buffer = incoming.buffer;
        if let Some(pts) = incoming.running_nanos(buffer.pts()) {
            let nanos = buffer.duration().map_or(0, |d| i64::try_from(d.nseconds()).unwrap_or(0));
            self.last_end_nanos.fetch_max(pts.saturating_add(nanos), Ordering::Relaxed);
        }
        if matches!(self.pace, Pace::Live { .. })
            && let Some(due) = incoming.running_nanos(buffer.dts_or_pts())
            && !self.pacer.wait(origin.plus_nanos(due) - self.ingest.clock().now())
        {
            return Err(gst::FlowError::Flushing);
        }
        self.ingest.take(incoming, origin);
        Ok(gst::FlowSuccess::Ok)
    }

    /// A stream was found: the first video goes on to the inlet, all else is left alone.
    fn link(&self, pad: &gst::Pad, inlet: &Inlet) {
        let caps = pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
        let is_video = is_video(&caps);
        if !is_video {
            self.has_other.store(true, Ordering::Release);
            if let Some(tap) = self.ingest.sound.as_ref().filter(|tap| tap.takes(&caps)) {
                let (origin, pacer) = (Arc::clone(&self.origin_nanos), Arc::clone(&self.pacer));
                let (clock, paced) = (self.ingest.clock().clone(), matches!(self.pace, Pace::Live { .. }));
                tap.attach(&self.pipeline, pad, paced, move |running| {
                    if !pacer.wait_for_start() {
                        return None;
                    }
                    let at = MediaTime::from_nanos(origin.load(Ordering::Relaxed)).plus_nanos(running);
                    (!paced || pacer.wait(at - clock.now())).then_some(at)
                });
            }
        }
        if !is_video || self.has_video.swap(true, Ordering::Relaxed) {
            return;
        }
        let Some(codec) = Codec::of_caps(&caps) else {
            self.fail_codec(&caps);
            return;
        };
        if let Err(e) = self.link_video(pad, Some(&caps), codec, inlet) {
            self.ingest.shared.fail(format!("{:?} cannot be read: {e}", self.path));
        }
    }

    fn link_video(&self, pad: &gst::Pad, caps: Option<&gst::CapsRef>, codec: Codec, inlet: &Inlet) -> Result<(), CaptureError> {
        let chain = chain_into(inlet, codec, caps, &self.ingest)?;
        attach(&self.pipeline, pad, &chain, &self.ingest.shared.name)
    }

    /// Opens the file up to its first frame; failures are in the feed's status.
    pub(super) fn begin_preroll(&self) {
        if let Err(e) = self.pipeline.set_state(gst::State::Paused) {
            self.ingest.shared.fail(format!("{:?} cannot be opened: {e}", self.path));
        }
    }

    /// Waits for the first frame; false when there is none.
    pub(super) fn finish_preroll(&self, deadline: Instant) -> bool {
        let shared = &self.ingest.shared;
        while !self.prerolled.load(Ordering::Acquire) && !shared.has_failed() {
            let has_video = self.has_video.load(Ordering::Relaxed);
            if (self.searched.load(Ordering::Acquire) && !has_video) || Instant::now() > deadline {
                let path = &self.path;
                shared.fail(if has_video {
                    format!("{path:?}: its first frame does not come; it is damaged or truncated. Take it from its source again")
                } else if self.has_other.load(Ordering::Acquire) {
                    format!("{path:?} has no video stream, only sound or data. Give the camera's video, or leave this file out")
                } else {
                    format!("{path:?}: no video is found in it; it is damaged, truncated or not a video. Take it from its source again")
                });
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        !shared.has_failed()
    }

    /// What the file says about its length, nanoseconds.
    pub(super) fn declared_nanos(&self) -> Option<i64> {
        self.inlet.get()?.pad().peer_query_duration::<gst::ClockTime>().map(|d| d.nseconds() as i64)
    }

    /// Starts delivering; the file's first frame was seen at `origin`.
    pub(super) fn play(&self, origin: MediaTime) {
        self.origin_nanos.store(origin.nanos(), Ordering::Relaxed);
        self.pacer.start();
        if let Err(e) = self.pipeline.set_state(gst::State::Playing) {
            self.ingest.shared.fail(format!("{:?} does not play: {e}", self.path));
        }
    }

    /// Whether it plays over and over.
    pub(super) const fn loops(&self) -> bool {
        matches!(self.pace, Pace::Live { looped: true })
    }

    /// How long it turned out to be so far, nanoseconds: a whole number of frames.
    pub(super) fn length_nanos(&self) -> i64 {
        let end = self.last_end_nanos.load(Ordering::Relaxed).max(1);
        match self.ingest.declared_interval_nanos() {
            Some(interval) if interval > 0 => ((end + interval / 2) / interval).max(1) * interval,
            _ => end,
        }
    }

    /// At the end of the file: true when the feed ends with it, false when it is to begin again.
    pub(super) fn has_ended(&self, declared_nanos: Option<i64>) -> bool {
        let shared = &self.ingest.shared;
        let last_end = self.last_end_nanos.load(Ordering::Relaxed);
        if shared.received.get() == 0 {
            shared.fail(format!("{:?} holds no video frame; take it from its source again", self.path));
        } else if let Some(declared) = declared_nanos
            && declared - last_end > 100_000_000.max(declared / 50)
        {
            let (says, is) = (declared as f64 * 1e-9, last_end as f64 * 1e-9);
            shared
                .fail(format!("{:?} is truncated: it says {says:.2} s and ends after {is:.2} s; take it from its source again", self.path));
        }
        if self.loops() && !shared.has_failed() {
            return false;
        }
        shared.end();
        true
    }

    /// Begins again, `period_nanos` after the last beginning.
    pub(super) fn begin_again(&self, period_nanos: i64) {
        let shared = &self.ingest.shared;
        self.origin_nanos.fetch_add(period_nanos, Ordering::Relaxed);
        shared.loops.add_one();
        let flags = gst::SeekFlags::FLUSH | gst::SeekFlags::KEY_UNIT;
        let seek = gst::event::Seek::new(1.0, flags, gst::SeekType::Set, gst::ClockTime::ZERO, gst::SeekType::None, gst::ClockTime::NONE);
        if !self.inlet.get().is_some_and(|inlet| inlet.pad().push_event(seek)) {
            shared.fail(format!("{:?} cannot be played again from its beginning; give it as MP4", self.path));
        }
    }

    /// Stops for good.
    pub(super) fn stop(&self) {
        self.pacer.stop();
        if let Err(e) = self.pipeline.set_state(gst::State::Null) {
            tracing::warn!(path = ?self.path, "the pipeline does not stop: {e}");
        }
    }
}

/// The element that reads a file by its first bytes; `None` where it takes a longer look.
fn demuxer_of(path: &Path) -> Option<&'static str> {
    let mut first = [0_u8; 8];
    std::fs::File::open(path).ok()?.read_exact(&mut first).ok()?;
    // ISO 14496-12: the first box says what it is, or QuickTime's first says that it is the index or the pictures.
    let is_boxes = matches!(&first[4..], b"ftyp" | b"moov" | b"styp");
    if is_boxes {
        return Some("qtdemux");
    }
    // EBML's own number (RFC 8794).
    first.starts_with(&[0x1a, 0x45, 0xdf, 0xa3]).then_some("matroskademux")
}

fn parsebin() -> Result<gst::Element, CaptureError> {
    element("parsebin", "finding the video in a file")
}

/// Turns error messages into the feed's status, in the thread that posts them: nobody has to poll.
pub(super) fn watch_bus(pipeline: &gst::Pipeline, ingest: &Arc<Ingest>, path: &Path) {
    let Some(bus) = pipeline.bus() else { return };
    let shared = Arc::clone(&ingest.shared);
    let path = path.to_owned();
    bus.set_sync_handler(move |_, message| {
        match message.view() {
            gst::MessageView::Error(error) => shared.fail(in_words(&path, error)),
            gst::MessageView::Warning(warning) => tracing::debug!(feed = &*shared.name, "{}", warning.error()),
            _ => {}
        }
        gst::BusSyncReply::Drop
    });
}

fn in_words(path: &Path, error: &gst::message::Error) -> String {
    let cause = error.error();
    let remedy = if cause.matches(gst::StreamError::TypeNotFound) || cause.matches(gst::StreamError::WrongType) {
        "it is not a video file that is known here; check what it is, or convert it"
    } else if cause.matches(gst::StreamError::CodecNotFound) {
        "its codec is unknown; convert it to H.264, H.265, MJPEG, ProRes or MPEG-4, or install its GStreamer plugin"
    } else if cause.matches(gst::CoreError::MissingPlugin) {
        "a GStreamer plugin is missing for it; `volte devices` lists what is there"
    } else if cause.matches(gst::ResourceError::Read) || cause.matches(gst::ResourceError::OpenRead) {
        "it cannot be read; check permissions and the disk"
    } else {
        "it is damaged or truncated; take it from its source again"
    };
    format!("{path:?}: {remedy} ({cause})")
}
