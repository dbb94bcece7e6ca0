//! One connection of a stream: a pipeline from its source into the ring, until it breaks.

mod clocks;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use crossbeam::channel::Sender;
use gst::prelude::{Cast as _, GstBinExt as _, GstObjectExt as _};
use gst::prelude::{ElementExt as _, ElementExtManual as _, GstBinExtManual as _, ObjectExt as _, PadExt as _, PadExtManual as _};
use parking_lot::Mutex;

use super::elements::{self, Ends, SourceElements};
use super::labels;
use super::sender_clock::SenderClock;
use super::shared_clock::SharedClock;
use crate::capture::address::{RtspClock, StreamKind, StreamSource, TimeWish};
use crate::capture::chain::{attach, chain_into, element, is_video, unknown_codec};
use crate::capture::codec::Codec;
use crate::capture::embedded::{self, EmbeddedClock};
use crate::capture::error::CaptureError;
use crate::capture::feed::Trouble;
use crate::capture::ingest::Ingest;
use crate::capture::inlet::{Incoming, Inlet};
use crate::capture::pacer::Pacer;
use crate::capture::sound::decode_apart;
use crate::capture::stamp::{HouseStamp, Rule, TimeOrigin};
use crate::time::{FrameRate, MediaTime, Timecode};

/// What a connection tells its feed's thread.
#[derive(Debug)]
pub(super) enum Event {
    /// It is broken, for this reason.
    Broken(String),
    /// The video ended; another may follow within the stream.
    Ended,
}

/// A pipeline at work. [`Connection::close`] ends it; dropping it as well.
#[derive(Debug)]
pub(super) struct Connection {
    pipeline: gst::Pipeline,
    link: Arc<Link>,
}

/// What the pipeline's callbacks share.
#[derive(Debug)]
struct Link {
    pipeline: gst::glib::WeakRef<gst::Pipeline>,
    source: Arc<StreamSource>,
    ingest: Arc<Ingest>,
    events: Sender<Event>,
    stamp: Mutex<HouseStamp>,
    sender_clock: SenderClock,
    /// Timecode in the pictures or beside them, where the address wants it.
    embedded: EmbeddedClock,
    /// Where times come from when nothing better is known.
    fallback: Mutex<TimeOrigin>,
    /// A sound track is read for a tone already.
    /// The track that is read as a tone, while it lasts.
    tone: Mutex<Option<gst::glib::WeakRef<gst::Pad>>>,
    pacer: Pacer,
    /// The pad that the video comes from, and what hangs behind it.
    video: Mutex<Option<(gst::Pad, Vec<gst::Element>)>>,
    /// Further videos, in case the first one ends (a programme of a transport stream that changes brings the new one first).
    spares: Mutex<Vec<(gst::Pad, gst::Caps, Codec)>>,
    /// Bytes from the source, whatever they are.
    source_bytes: AtomicU64,
    /// Ticks a second of RTP times, where the pad's own description leaves it open; 0 while unknown.
    rtp_rate: AtomicU64,
    other_found: AtomicBool,
}

impl Connection {
    /// Builds the pipeline and starts it. May take as long as the source needs to connect or to give up.
    pub fn open(source: &Arc<StreamSource>, ingest: &Arc<Ingest>, events: Sender<Event>) -> Result<Self, CaptureError> {
        let made = elements::make(source, "video")?;
        ingest.shared.set_time_origin(made.time_origin);
        let pipeline = gst::Pipeline::new();
        let running_zero = ingest.clock().govern(&pipeline);
        let link = Arc::new(Link {
            pipeline: pipeline.downgrade(),
            source: Arc::clone(source),
            ingest: Arc::clone(ingest),
            events,
            stamp: Mutex::new(HouseStamp::new(made.rule, running_zero)),
            sender_clock: SenderClock::default(),
            embedded: EmbeddedClock::default(),
            fallback: Mutex::new(made.time_origin),
            tone: Mutex::default(),
            pacer: Pacer::default(),
            video: Mutex::default(),
            spares: Mutex::default(),
            source_bytes: AtomicU64::new(0),
            rtp_rate: AtomicU64::new(0),
            other_found: AtomicBool::new(false),
        });
        link.watch(&pipeline);
        let connection = Self { pipeline, link };
        connection.build(&made, running_zero)?;
        if let Err(e) = connection.pipeline.set_state(gst::State::Playing) {
            // The bus has told the cause, if there is one.
            connection.link.tell(Event::Broken(format!("{} does not start ({e}). {}", source.label(), source.remedy())));
        }
        Ok(connection)
    }

    fn build(&self, made: &SourceElements, running_zero: MediaTime) -> Result<(), CaptureError> {
        let wrong = |reason: String| CaptureError::Feed { feed: self.link.ingest.shared.name.to_string(), reason };
        let refused = |e: gst::glib::BoolError| wrong(format!("its pipeline cannot be built: {e}"));
        self.pipeline.add_many(&made.elements).map_err(refused)?;
        gst::Element::link_many(&made.elements).map_err(refused)?;
        let (Some(first), Some(last)) = (made.elements.first(), made.elements.last()) else {
            return Err(wrong("it has no source".to_owned()));
        };
        if let Some(pad) = first.static_pad("src") {
            self.link.count_bytes(&pad);
        }
        if made.transport
            && self.link.source.time != TimeWish::Arrival
            && let Some(pad) = last.static_pad("src")
        {
            self.link.follow_reference(&pad, running_zero);
        }
        match &self.link.source.kind {
            StreamKind::Rtsp { .. } => self.link.follow_packets_of_rtsp(first, running_zero),
            // The transport stream inside has times of its own.
            StreamKind::Rtp { payload, .. } if payload.encoding != "MP2T" => {
                if let Some(pad) = first.static_pad("src") {
                    self.link.follow_packets(&pad, running_zero);
                }
            }
            _ => {}
        }
        if let StreamKind::Rtp { payload, .. } = &self.link.source.kind
            && let (Some(clock), Some(pad)) = (&payload.reference_clock, made.elements.get(1).and_then(|buffer| buffer.static_pad("src")))
        {
            self.link.follow_shared(&pad, SharedClock::addressed(&clock.server));
        }
        let parse = match made.demuxer {
            Some(name) => Some(self.demuxer(name)?),
            None if made.coded => Some(self.parser()?),
            None => None,
        };
        match (made.ends, parse) {
            (Ends::Always, Some(parse)) => last.link(&parse).map_err(refused)?,
            (Ends::Always, None) => {
                let pad = last.static_pad("src").ok_or_else(|| wrong("its source has no output".to_owned()))?;
                self.link.attach_video(&pad, None, Codec::Raw)?;
            }
            (Ends::Told, _) => {
                let pad = last.static_pad("src").ok_or_else(|| wrong("its source has no output".to_owned()))?;
                self.link.attach_when_told(&pad);
            }
            (Ends::Later, parse) => {
                let link = Arc::downgrade(&self.link);
                last.connect_pad_added(move |_, pad| {
                    if let Some(link) = link.upgrade() {
                        link.source_pad(pad, parse.as_ref());
                    }
                });
                self.link.watch_removal(last);
            }
        }
        Ok(())
    }

    /// Takes a container apart whose name is known.
    fn demuxer(&self, name: &str) -> Result<gst::Element, CaptureError> {
        let demuxer = element(name, "finding the video in a stream")?;
        let link = Arc::downgrade(&self.link);
        demuxer.connect_pad_added(move |_, pad| {
            if let Some(link) = link.upgrade()
                && !link.video_pad(pad)
            {
                link.let_go(pad);
            }
        });
        self.add_finder(&demuxer)?;
        Ok(demuxer)
    }

    fn add_finder(&self, finder: &gst::Element) -> Result<(), CaptureError> {
        self.link.watch_removal(finder);
        self.pipeline.add(finder).map_err(|e| CaptureError::Feed {
            feed: self.link.ingest.shared.name.to_string(),
            reason: format!("its pipeline cannot be built: {e}"),
        })
    }

    /// Finds the video in what the source brings.
    fn parser(&self) -> Result<gst::Element, CaptureError> {
        let parse = element("parsebin", "finding the video in a stream")?;
        // Headers in front of every keyframe: the ring is entered anywhere.
        if let Some(bin) = parse.downcast_ref::<gst::Bin>() {
            bin.connect_deep_element_added(|_, _, added| {
                let name = added.factory().map(|f| f.name().to_string()).unwrap_or_default();
                if name == "h264parse" || name == "h265parse" {
                    added.set_property("config-interval", -1_i32);
                }
            });
        }
        let link = Arc::downgrade(&self.link);
        parse.connect_pad_added(move |_, pad| {
            if let Some(link) = link.upgrade() {
                // What is left alone does not stop the rest: all streams are there.
                link.video_pad(pad);
            }
        });
        let link = Arc::downgrade(&self.link);
        parse.connect("unknown-type", false, move |values| {
            let caps = values.get(2)?.get::<gst::Caps>().ok()?;
            if is_video(&caps) {
                link.upgrade()?.unknown(&caps);
            }
            None
        });
        self.add_finder(&parse)?;
        Ok(parse)
    }

    /// Bytes that the source brought so far, whatever they are.
    pub fn source_bytes(&self) -> u64 {
        self.link.source_bytes.load(Ordering::Relaxed)
    }

    /// Whether a video was found that is being read.
    pub fn has_video(&self) -> bool {
        self.link.video.lock().is_some()
    }

    /// Whether something else than video was found.
    pub fn has_other(&self) -> bool {
        self.link.other_found.load(Ordering::Relaxed)
    }

    /// Ends it; streaming threads are gone when this returns.
    pub fn close(&self) {
        self.link.pacer.stop();
        if let Some(bus) = self.pipeline.bus() {
            bus.unset_sync_handler();
            bus.set_flushing(true);
        }
        if let Err(e) = self.pipeline.set_state(gst::State::Null) {
            tracing::warn!(feed = &*self.link.ingest.shared.name, "the pipeline does not stop: {e}");
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.close();
    }
}

impl Link {
    /// Never waits: when the feed's thread has enough to read already, this is one of the same.
    fn tell(&self, event: Event) {
        if self.events.try_send(event).is_err() {
            tracing::debug!(feed = &*self.ingest.shared.name, "the feed's thread has been told enough");
        }
    }

    fn unknown(&self, caps: &gst::CapsRef) {
        self.tell(Event::Broken(unknown_codec(self.source.label(), caps)));
    }

    fn watch(self: &Arc<Self>, pipeline: &gst::Pipeline) {
        let Some(bus) = pipeline.bus() else { return };
        let link = Arc::downgrade(self);
        bus.set_sync_handler(move |_, message| {
            if let (gst::MessageView::Error(error), Some(link)) = (message.view(), link.upgrade()) {
                link.tell(Event::Broken(link.in_words(error)));
            }
            gst::BusSyncReply::Drop
        });
    }

    fn in_words(&self, error: &gst::message::Error) -> String {
        let cause = self.source.redact(&error.error().to_string());
        let detail = error.debug().map(|d| self.source.redact(&d));
        tracing::debug!(feed = &*self.ingest.shared.name, "{cause}: {}", detail.as_deref().unwrap_or_default());
        let remedy = if error.error().matches(gst::ResourceError::NotAuthorized) {
            "User or password are wrong, or missing from the address (rtsp://USER:PASSWORD@…)".to_owned()
        } else if error.error().matches(gst::CoreError::MissingPlugin) {
            "A GStreamer plugin is missing for it; `volte devices` lists what is there".to_owned()
        } else {
            self.source.remedy()
        };
        format!("{}: {}. {remedy}", self.source.label(), cause.trim_end_matches('.'))
    }

    fn count_bytes(self: &Arc<Self>, pad: &gst::Pad) {
        let link = Arc::downgrade(self);
        pad.add_probe(gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST, move |_, info| {
            if let Some(link) = link.upgrade() {
                let bytes = match &info.data {
                    Some(gst::PadProbeData::Buffer(buffer)) => buffer.size(),
                    Some(gst::PadProbeData::BufferList(list)) => list.iter().map(gst::BufferRef::size).sum(),
                    _ => 0,
                };
                link.source_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
            }
            gst::PadProbeReturn::Ok
        });
    }

    /// The source found a stream (RTSP, HLS, NDI).
    fn source_pad(self: &Arc<Self>, pad: &gst::Pad, parse: Option<&gst::Element>) {
        self.count_bytes(pad);
        if let Some(rate) = clocks::ticks_per_sec(pad) {
            self.rtp_rate.store(u64::from(rate), Ordering::Relaxed);
        }
        match self.source.kind {
            StreamKind::Rtsp { clock: RtspClock::SenderReport, .. } => self.read_sender_times(pad),
            StreamKind::Rtsp { clock: RtspClock::Described, .. } => self.follow_shared(pad, SharedClock::described(pad)),
            _ => {}
        }
        match parse.map(|parse| parse.static_pad("sink")) {
            Some(Some(target)) if !target.is_linked() => {
                if let Err(e) = pad.link(&target) {
                    self.tell(Event::Broken(format!(
                        "{}: its stream cannot be read: {e:?}. {}",
                        self.source.label(),
                        self.source.remedy()
                    )));
                }
            }
            None if pad.name() == "video" => self.attach_or_tell(pad, None, Codec::Raw),
            // A second stream, or one after the first has ended: the feed connects anew when the first one ends.
            _ => {}
        }
    }

    /// A stream was found: the first video goes into the ring, sound where it is wanted; false for what is left alone.
    fn video_pad(self: &Arc<Self>, pad: &gst::Pad) -> bool {
        let caps = pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
        if !is_video(&caps) {
            self.other_found.store(true, Ordering::Relaxed);
            return self.tap_tone(pad, &caps) || self.tap_sound(pad, &caps);
        }
        match Codec::of_caps(&caps) {
            Some(codec) => self.attach_or_tell(pad, Some(&caps), codec),
            None => self.unknown(&caps),
        }
        true
    }

    /// Takes what nobody wants: a stream that goes nowhere, and is the only one so far, would be taken for the end of all.
    fn let_go(&self, pad: &gst::Pad) {
        let Some(pipeline) = self.pipeline.upgrade() else { return };
        let nowhere = element("fakesink", "streams that nobody wants").and_then(|sink| {
            sink.set_property("sync", false);
            sink.set_property("async", false);
            attach(&pipeline, pad, &[sink], &self.ingest.shared.name)
        });
        if let Err(e) = nowhere {
            tracing::debug!(feed = &*self.ingest.shared.name, "{e}");
        }
    }

    /// True when the sound of this feed is wanted: on the same clock as its pictures, from where they put it.
    fn tap_sound(self: &Arc<Self>, pad: &gst::Pad, caps: &gst::CapsRef) -> bool {
        let (Some(tap), Some(pipeline)) = (self.ingest.sound.as_ref().filter(|tap| tap.takes(caps)), self.pipeline.upgrade()) else {
            return false;
        };
        let link = Arc::downgrade(self);
        tap.attach(&pipeline, pad, true, move |running| {
            let link = link.upgrade()?;
            let origin = link.embedded_origin().or_else(|| link.sender_clock.origin()).or_else(|| link.stamp.lock().known_origin())?;
            Some(origin.plus_nanos(running + link.ingest.shared.clock_offset_nanos + link.ingest.shared.nudged_nanos()))
        });
        true
    }

    /// The first sound track is a tone, says the address; true when it is read as one.
    fn tap_tone(self: &Arc<Self>, pad: &gst::Pad, caps: &gst::CapsRef) -> bool {
        let is_sound = caps.structure(0).is_some_and(|s| s.name().starts_with("audio/"));
        if self.source.time != TimeWish::Ltc || !is_sound {
            return false;
        }
        {
            // One that was taken away and comes again is the tone again, not the sound of the venue.
            let mut tone = self.tone.lock();
            if tone.as_ref().and_then(gst::glib::WeakRef::upgrade).is_some_and(|tone| tone.parent().is_some()) {
                return false;
            }
            *tone = Some(pad.downgrade());
        }
        let Some(pipeline) = self.pipeline.upgrade() else { return false };
        let link = Arc::downgrade(self);
        let tail = labels::tone_tail(move |label, rate, running| {
            if let Some(link) = link.upgrade() {
                link.ingest.shared.set_timecode(label);
                let Some(origin) = link.stamp.lock().known_origin() else { return };
                let (of, at) = ((&link.ingest.shared.name, link.ingest.clock().timecodes()), origin.plus_nanos(running));
                link.told(link.embedded.note(of, (label, rate), running, at), TimeOrigin::Ltc);
            }
        });
        let link = Arc::downgrade(self);
        let broke = move |cause: String| {
            if let Some(link) = link.upgrade() {
                let label = link.source.label();
                let words = format!("{label}: its timecode track cannot be decoded: {cause}. Send the tone as PCM or AAC");
                link.ingest.shared.complain(Trouble::Tone, words);
            }
        };
        let read = tail.map_err(|e| e.to_string()).and_then(|tail| decode_apart(&pipeline, pad, (&tail, true), broke));
        if let Err(e) = read {
            let words = format!("{}: its timecode track cannot be read: {e}", self.source.label());
            self.ingest.shared.complain(Trouble::Tone, words);
        }
        true
    }

    /// A label in a picture of running time `running`, which by arrival was at `at`.
    fn note_label(&self, picture: &gst::BufferRef, running: i64, at: MediaTime) {
        let standard = || FrameRate::nominal(self.ingest.declared_interval_nanos()?);
        let Some((label, rate)): Option<(Timecode, _)> = labels::on_picture(picture, standard) else { return };
        self.ingest.shared.set_timecode(label);
        if self.source.time == TimeWish::Timecode {
            let of = (&self.ingest.shared.name, self.ingest.clock().timecodes());
            self.told(self.embedded.note_picture(of, (label, rate), running, at), TimeOrigin::Timecode);
        }
    }

    fn told(&self, noted: embedded::Noted, origin: TimeOrigin) {
        let shared = &self.ingest.shared;
        match noted {
            embedded::Noted::Begun => {
                shared.over(Trouble::Labels);
                shared.over(Trouble::Tone);
                shared.set_time_origin(origin);
            }
            embedded::Noted::Same => {}
            embedded::Noted::Lost(problem) => {
                shared.set_time_origin(*self.fallback.lock());
                shared.complain(Trouble::Labels, format!("{}: {problem}", self.source.label()));
            }
        }
    }

    fn embedded_origin(&self) -> Option<MediaTime> {
        self.embedded.origin(self.ingest.clock().timecodes())
    }

    fn attach_or_tell(self: &Arc<Self>, pad: &gst::Pad, caps: Option<&gst::CapsRef>, codec: Codec) {
        if let Err(e) = self.attach_video(pad, caps, codec) {
            self.tell(Event::Broken(format!("{}: {e}", self.source.label())));
        }
    }

    /// Waits for the description of what a pad brings, which goes before it.
    fn attach_when_told(self: &Arc<Self>, pad: &gst::Pad) {
        let link = Arc::downgrade(self);
        pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |pad, info| {
            let caps = info.event().and_then(|event| match event.view() {
                gst::EventView::Caps(caps) => Some(caps.caps_owned()),
                _ => None,
            });
            let (Some(link), Some(caps)) = (link.upgrade(), caps) else { return gst::PadProbeReturn::Ok };
            link.attach_or_tell(pad, Some(&caps), Codec::Raw);
            gst::PadProbeReturn::Remove
        });
    }

    fn attach_video(self: &Arc<Self>, pad: &gst::Pad, caps: Option<&gst::CapsRef>, codec: Codec) -> Result<(), CaptureError> {
        let Some(pipeline) = self.pipeline.upgrade() else { return Ok(()) };
        let mut video = self.video.lock();
        if video.is_some() {
            if let Some(caps) = caps {
                self.spares.lock().push((pad.clone(), caps.to_owned(), codec));
            }
            return Ok(());
        }
        let chain = chain_into(&self.inlet()?, codec, caps, &self.ingest)?;
        *video = Some((pad.clone(), chain.clone()));
        drop(video);
        attach(&pipeline, pad, &chain, &self.ingest.shared.name)
    }

    /// A stream that goes takes its chain along; another may come.
    fn watch_removal(self: &Arc<Self>, element: &gst::Element) {
        let link = Arc::downgrade(self);
        element.connect_pad_removed(move |_, pad| {
            let Some((link, pipeline)) = link.upgrade().and_then(|l| Some((Arc::clone(&l), l.pipeline.upgrade()?))) else { return };
            link.spares.lock().retain(|(spare, ..)| spare != pad);
            let gone = link.video.lock().take_if(|(current, _)| current == pad);
            let Some((_, chain)) = gone else { return };
            detach(&pipeline, &chain);
            let next = link.spares.lock().pop();
            match next {
                Some((pad, caps, codec)) => link.attach_or_tell(&pad, Some(&caps), codec),
                None => link.tell(Event::Ended),
            }
        });
    }

    fn inlet(self: &Arc<Self>) -> Result<Inlet, CaptureError> {
        let link = Arc::downgrade(self);
        let take = move |incoming: Incoming<'_>| link.upgrade().ok_or(gst::FlowError::Flushing)?.take(incoming);
        let link: Weak<Self> = Arc::downgrade(self);
        let at_end = move || {
            if let Some(link) = link.upgrade() {
                link.tell(Event::Ended);
            }
        };
        Inlet::new(take, at_end)
    }

    fn take(&self, incoming: Incoming<'_>) -> Result<gst::FlowSuccess, gst::FlowError> {
        let clock = self.ingest.clock();
        let (due, pts) = (incoming.running_nanos(incoming.buffer.dts_or_pts()), incoming.running_nanos(incoming.buffer.pts()));
        let Some(due) = due else {
            // It has no time, and is counted as such.
            self.ingest.take(incoming, clock.now());
            return Ok(gst::FlowSuccess::Ok);
        };
        let (origin, paced) = {
            let mut stamp = self.stamp.lock();
            // What is shown later than it is decoded (before B-frames) arrives early: no picture was seen after it came.
            let paced = stamp.rule() == Rule::Paced;
            let origin = stamp.origin(if paced { due } else { pts.unwrap_or(due) }, clock.now());
            if stamp.estimate().is_some() && *self.fallback.lock() == TimeOrigin::Arrival {
                self.ingest.shared.set_source_clock(stamp.estimate());
            }
            (origin, paced)
        };
        let shown = pts.unwrap_or(due);
        self.note_label(incoming.buffer, shown, origin.plus_nanos(shown));
        let wished = match self.source.time {
            TimeWish::Timecode => Some(TimeOrigin::Timecode),
            TimeWish::Ltc => Some(TimeOrigin::Ltc),
            _ => None,
        };
        if let Some(origin) = wished {
            self.told(self.embedded.look(shown), origin);
        }
        let timecodes = self.ingest.clock().timecodes();
        if let Some(estimate) = self.embedded.estimate(timecodes) {
            self.ingest.shared.set_source_clock(Some(estimate));
        }
        let by_label = self.embedded.origin_of(shown, timecodes);
        let origin = by_label.or_else(|| self.sender_clock.origin()).unwrap_or(origin);
        if paced && !self.pacer.wait(origin.plus_nanos(due) - clock.now()) {
            return Err(gst::FlowError::Flushing);
        }
        self.ingest.take(incoming, origin.plus_nanos(self.ingest.shared.clock_offset_nanos));
        Ok(gst::FlowSuccess::Ok)
    }
}

/// Takes a chain out of its pipeline.
fn detach(pipeline: &gst::Pipeline, chain: &[gst::Element]) {
    for e in chain {
        if let Err(problem) = e.set_state(gst::State::Null) {
            tracing::debug!("{} does not stop: {problem}", e.name());
        }
        if let Err(problem) = pipeline.remove(e) {
            tracing::debug!("{}: {problem}", e.name());
        }
    }
}
