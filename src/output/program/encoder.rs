//! One encoder for all sinks that want the same: frames in, coded units to every sink's queue.

use std::{sync::Arc, thread, time::Duration, time::Instant};

use crossbeam::channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};
use gst::prelude::{Cast as _, ElementExt as _, GstBinExtManual as _, GstObjectExt as _, PadExtManual as _};
use parking_lot::Mutex;

use super::{
    Frame, FrameTaker, ProgramFormat, Signal, SinkCodec, Tick, Timecode, elements,
    labels::Labeller,
    queue::{SinkQueue, Unit},
    weave::Weaver,
};
use crate::{telemetry::Counter, time::FrameRate};

/// Frames that may wait for the encoder: a third of a second at 50 a second, so that a hiccup loses none.
const FRAMES_DROP_OLDEST: usize = 16;
/// Frames within the pipeline in front of the encoder.
const INSIDE: u64 = 2;
/// An encoder that broke within so long is not tried again before the others were: longer than [`STALL`], so that this holds for one that
/// hangs from the start.
const GOOD_AFTER: Duration = Duration::from_secs(15);
const AGAIN_AFTER: Duration = Duration::from_secs(1);
/// How long an encoder that nobody needs any more may take to give what it has.
const FINISH_WITHIN: Duration = Duration::from_secs(1);
/// Keyframes that receivers ask for come at most so often: each of them costs all others quality.
const KEY_EVERY: Duration = Duration::from_millis(300);
/// An encoder that takes nothing for so long hangs.
const STALL: Duration = Duration::from_secs(10);

/// Sinks with the same key share an encoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct EncoderKey {
    pub codec: SinkCodec,
    pub kilobits: u32,
    pub signal: Signal,
    pub form: Form,
}

/// What receivers want of a stream besides its codec.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Usual,
    /// Every picture in one piece: what receivers of bare RTP want (ffmpeg shows one slice only).
    OneSlice,
    /// In constrained baseline: the profile of H.264 that every browser takes.
    Browsers,
}

impl EncoderKey {
    /// Whether pictures carry their timecode.
    fn has_labels(self) -> bool {
        matches!(self.codec, SinkCodec::H264 | SinkCodec::H265)
    }
}

/// What an encoder's thread shares.
#[derive(Debug)]
pub(super) struct EncoderShared {
    pub key: EncoderKey,
    format: ProgramFormat,
    queues: Mutex<Vec<Arc<SinkQueue>>>,
    /// The element in use, and what is wrong with it.
    state: Mutex<(String, Option<String>)>,
    /// Frames that it had no time for.
    pub dropped: Counter,
    /// Coded frames that it gave.
    given: Counter,
}

impl EncoderShared {
    pub fn subscribe(&self, queue: &Arc<SinkQueue>) {
        self.queues.lock().push(Arc::clone(queue));
    }

    pub fn unsubscribe(&self, queue: &Arc<SinkQueue>) {
        self.queues.lock().retain(|q| !Arc::ptr_eq(q, queue));
    }

    /// The element in use, and what is wrong.
    pub fn state(&self) -> (String, Option<String>) {
        self.state.lock().clone()
    }

    /// Whether a sink's receiver asked for a keyframe.
    fn take_key_asked(&self) -> bool {
        // One keyframe serves all who asked.
        self.queues.lock().iter().filter(|queue| queue.take_key_asked()).count() > 0
    }

    fn publish(&self, unit: &Unit) {
        for queue in self.queues.lock().iter() {
            queue.push(unit.clone());
        }
    }
}

/// Planes as GStreamer's memory, without a copy.
struct Shared(Arc<Frame>);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        self.0.as_ref().as_ref()
    }
}

/// Caps of what the channel makes.
fn raw_caps(format: ProgramFormat) -> gst::Caps {
    let rate = format.coded_rate();
    let caps = gst::Caps::builder("video/x-raw")
        .field("format", "I420")
        .field("width", format.width_px as i32)
        .field("height", format.height_px as i32)
        .field("framerate", gst::Fraction::new(rate.numerator() as i32, rate.denominator() as i32))
        .field("pixel-aspect-ratio", gst::Fraction::new(1, 1))
        .field("interlace-mode", if format.is_interlaced { "interleaved" } else { "progressive" })
        .field("colorimetry", "bt709")
        .field("chroma-site", "mpeg2");
    if format.is_interlaced { caps.field("field-order", "top-field-first").build() } else { caps.build() }
}

fn raw_buffer(format: ProgramFormat, frame: &Arc<Frame>, Tick { index, timecode }: Tick, labelled: bool) -> gst::Buffer {
    let mut buffer = gst::Buffer::from_slice(Shared(Arc::clone(frame)));
    let nanos = |index: u64| format.coded_rate().frame_nanos(index as i64);
    let (pts, next) = (nanos(index), nanos(index + 1));
    if let Some(buffer) = buffer.get_mut() {
        buffer.set_pts(gst::ClockTime::from_nseconds(pts.max(0) as u64));
        buffer.set_duration(gst::ClockTime::from_nseconds((next - pts).max(0) as u64));
        if format.is_interlaced {
            buffer.set_flags(gst::BufferFlags::from_bits_retain(
                (gst_video::VideoBufferFlags::INTERLACED | gst_video::VideoBufferFlags::TFF).bits(),
            ));
        }
        if labelled {
            label(buffer, format.coded_rate(), timecode);
        }
    }
    buffer
}

/// Writes the frame's timecode on it; encoders hand it on.
fn label(buffer: &mut gst::BufferRef, rate: FrameRate, code: Timecode) {
    let drops = if code.drop_frame { gst_video::VideoTimeCodeFlags::DROP_FRAME } else { gst_video::VideoTimeCodeFlags::empty() };
    let fps = gst::Fraction::new(rate.numerator() as i32, rate.denominator() as i32);
    let [h, m, s, f] = [code.hours, code.minutes, code.seconds, code.frames].map(u32::from);
    // Rates that have no timecode by the standard have none in the stream.
    if let Ok(code) = gst_video::ValidVideoTimeCode::try_from(gst_video::VideoTimeCode::new(fps, None, drops, h, m, s, f, 0)) {
        gst_video::VideoTimeCodeMeta::add(buffer, &code);
    }
}

/// The end of the channel: hands frames to the encoder's thread.
pub(super) struct EncoderInput {
    frames: Sender<(Arc<Frame>, Tick)>,
    oldest: Receiver<(Arc<Frame>, Tick)>,
    shared: Arc<EncoderShared>,
}

impl FrameTaker for EncoderInput {
    fn take(&mut self, frame: &Arc<Frame>, tick: Tick) {
        if let Err(TrySendError::Full(newest)) = self.frames.try_send((Arc::clone(frame), tick)) {
            self.shared.dropped.add_one();
            self.oldest.try_recv().ok();
            self.frames.try_send(newest).ok();
        }
    }
}

/// The same for sinks that take pictures as they are.
pub(super) struct RawInput {
    shared: Arc<EncoderShared>,
    caps: gst::Caps,
}

impl FrameTaker for RawInput {
    fn take(&mut self, frame: &Arc<Frame>, tick: Tick) {
        let buffer = raw_buffer(self.shared.format, frame, tick, false);
        let pts_nanos = self.shared.format.coded_rate().frame_nanos(tick.index as i64).max(0) as u64;
        self.shared.publish(&Unit { buffer, caps: self.caps.clone(), pts_nanos, key: true });
    }
}

/// Starts the encoder's thread; it ends when its input is dropped.
pub(super) fn start(key: EncoderKey, format: ProgramFormat) -> std::io::Result<(Arc<EncoderShared>, Box<dyn FrameTaker>)> {
    let name = if key.codec == SinkCodec::Raw { "no encoder" } else { "" };
    let shared = Arc::new(EncoderShared {
        key,
        format,
        queues: Mutex::default(),
        state: Mutex::new((name.to_owned(), None)),
        dropped: Counter::default(),
        given: Counter::default(),
    });
    if key.codec == SinkCodec::Raw {
        let input = RawInput { shared: Arc::clone(&shared), caps: raw_caps(format) };
        return Ok((shared, woven(format, input)));
    }
    let (frames, waiting) = bounded(FRAMES_DROP_OLDEST);
    let input = EncoderInput { frames, oldest: waiting.clone(), shared: Arc::clone(&shared) };
    let on_thread = Arc::clone(&shared);
    thread::Builder::new().name(format!("encode {}", key.codec.name())).spawn(move || run(&on_thread, &waiting))?;
    Ok((shared, woven(format, input)))
}

/// Whoever takes frames, and gets interlaced ones where the format is.
fn woven(format: ProgramFormat, taker: impl FrameTaker) -> Box<dyn FrameTaker> {
    if format.is_interlaced { Box::new(Weaver::new(format, taker)) } else { Box::new(taker) }
}

/// Encodes until nobody hands frames over any more.
fn run(shared: &Arc<EncoderShared>, frames: &Receiver<(Arc<Frame>, Tick)>) {
    let all = elements::encoders(shared.key.codec);
    let mut next = 0;
    loop {
        let serves = |name: &&str| !shared.format.is_interlaced || elements::codes_fields(name);
        let there: Vec<&str> = all.iter().copied().filter(serves).filter(|name| elements::is_there(name)).collect();
        let begun = Instant::now();
        let reason = match there.get(next % there.len().max(1)) {
            None => {
                let software = all.iter().copied().rfind(serves).unwrap_or_default();
                format!("no encoder for {} is installed. {}", shared.key.codec.name(), elements::remedy(software))
            }
            Some(name) => match Encoding::open(shared, name) {
                Ok(encoding) => match encoding.feed(frames) {
                    None => return,
                    Some(reason) => format!("{name}: {reason}"),
                },
                Err(reason) => reason,
            },
        };
        tracing::warn!("encoder: {reason}");
        shared.state.lock().1 = Some(reason);
        if begun.elapsed() < GOOD_AFTER {
            next += 1;
        }
        let again = Instant::now() + AGAIN_AFTER;
        while Instant::now() < again {
            match frames.recv_timeout(Duration::from_millis(50)) {
                Ok(_) => shared.dropped.add_one(),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }
}

/// An encoder at work.
struct Encoding {
    shared: Arc<EncoderShared>,
    pipeline: gst::Pipeline,
    source: gst_app::AppSrc,
    encoder: gst::Element,
    bus: gst::Bus,
}

impl Encoding {
    fn open(shared: &Arc<EncoderShared>, name: &str) -> Result<Self, String> {
        let EncoderKey { codec, kilobits, form, .. } = shared.key;
        let rate = shared.format.coded_rate();
        let group = (rate.fps().round() as u32).max(1);
        let encoder = elements::encoder(name, kilobits, group)?;
        if shared.format.is_interlaced {
            elements::set(&encoder, "interlaced", "true");
        }
        if form == Form::OneSlice && name == "x264enc" {
            elements::set(&encoder, "threads", "1");
        }
        let source = gst_app::AppSrc::builder()
            .caps(&raw_caps(shared.format))
            .format(gst::Format::Time)
            .is_live(true)
            .block(false)
            .max_bytes(0)
            .max_time(gst::ClockTime::ZERO)
            .max_buffers(INSIDE * 2)
            .build();
        let mut chain: Vec<gst::Element> = vec![source.clone().upcast()];
        // Encoders of hardware take other layouts; JPEG is full range; ProRes has ten bits.
        let wanted = match codec {
            SinkCodec::H264 | SinkCodec::H265 | SinkCodec::Av1
                if ["x26", "open", "av1enc", "svt"].iter().any(|own| name.starts_with(own)) =>
            {
                None
            }
            SinkCodec::Mjpeg => Some(gst::Caps::builder("video/x-raw").field("format", "I420").field("colorimetry", "1:4:0:0").build()),
            SinkCodec::ProRes => Some(gst::Caps::builder("video/x-raw").field("format", "I422_10LE").field("colorimetry", "bt709").build()),
            _ => Some(gst::Caps::builder("video/x-raw").field("colorimetry", "bt709").build()),
        };
        if let Some(caps) = wanted {
            let filter = elements::make("capsfilter")?;
            gst::prelude::ObjectExt::set_property(&filter, "caps", &caps);
            chain.extend([elements::make("videoconvert")?, filter]);
        }
        chain.push(encoder.clone());
        if form == Form::Browsers {
            let filter = elements::make("capsfilter")?;
            let profile = gst::Caps::builder("video/x-h264").field("profile", "constrained-baseline").build();
            gst::prelude::ObjectExt::set_property(&filter, "caps", &profile);
            chain.push(filter);
        }
        let coded = match codec {
            SinkCodec::H264 => Some(("h264parse", "video/x-h264")),
            SinkCodec::H265 => Some(("h265parse", "video/x-h265")),
            SinkCodec::Av1 => Some(("av1parse", "video/x-av1")),
            _ => None,
        };
        if let Some((parser, media)) = coded {
            let parse = elements::make(parser)?;
            // Headers before every keyframe: receivers join anywhere.
            elements::set(&parse, "config-interval", "-1");
            let filter = elements::make("capsfilter")?;
            let (form, unit) = if codec == SinkCodec::Av1 { ("obu-stream", "tu") } else { ("byte-stream", "au") };
            let caps = gst::Caps::builder(media).field("stream-format", form).field("alignment", unit).build();
            gst::prelude::ObjectExt::set_property(&filter, "caps", &caps);
            chain.extend([parse, filter]);
        }
        let publish = Arc::clone(shared);
        let mut labeller =
            shared.key.has_labels().then(|| Labeller::new(codec == SinkCodec::H265, rate.fps(), shared.format.is_interlaced));
        let on_sample = move |sink: &gst_app::AppSink| {
            let sample = sink.pull_sample().map_err(|_eos| gst::FlowError::Eos)?;
            if let Some(unit) = unit_of(&sample, labeller.as_mut()) {
                publish.given.add_one();
                publish.publish(&unit);
            }
            Ok(gst::FlowSuccess::Ok)
        };
        let sink = gst_app::AppSink::builder()
            .sync(false)
            .async_(false)
            .callbacks(gst_app::AppSinkCallbacks::builder().new_sample(on_sample).build())
            .build();
        chain.push(sink.upcast());
        let pipeline = gst::Pipeline::new();
        let refused = |e: gst::glib::BoolError| format!("{name}: its pipeline cannot be built: {e}");
        pipeline.add_many(&chain).map_err(refused)?;
        gst::Element::link_many(&chain).map_err(refused)?;
        let bus = pipeline.bus().ok_or_else(|| "a pipeline without a bus".to_owned())?;
        let encoding = Self { shared: Arc::clone(shared), pipeline, source, encoder, bus };
        encoding.pipeline.set_state(gst::State::Playing).map_err(|e| encoding.error().unwrap_or_else(|| format!("{name}: {e}")))?;
        *shared.state.lock() = (name.to_owned(), None);
        Ok(encoding)
    }

    /// The next frame becomes a keyframe, where the encoder can.
    fn ask_key(&self) {
        let event = gst_video::UpstreamForceKeyUnitEvent::builder().all_headers(true).build();
        if !self.encoder.static_pad("src").is_some_and(|pad| pad.send_event(event)) {
            tracing::debug!("the encoder gives no keyframe when it is asked; the next one comes within a second");
        }
    }

    /// What it was given comes out.
    fn finish(&self) {
        if self.source.end_of_stream().is_ok() {
            let wanted = [gst::MessageType::Eos, gst::MessageType::Error];
            self.bus.timed_pop_filtered(gst::ClockTime::from_nseconds(FINISH_WITHIN.as_nanos() as u64), &wanted);
        }
    }

    fn error(&self) -> Option<String> {
        let message = self.bus.timed_pop_filtered(gst::ClockTime::ZERO, &[gst::MessageType::Error])?;
        match message.view() {
            gst::MessageView::Error(e) => Some(e.error().to_string()),
            _ => None,
        }
    }

    /// Until it breaks (why), or nobody hands frames over any more (`None`).
    fn feed(&self, frames: &Receiver<(Arc<Frame>, Tick)>) -> Option<String> {
        let mut silence = Silence::new(self.shared.format.coded_rate().fps());
        let mut keyed = None;
        loop {
            let waiting_since = Instant::now();
            while self.source.current_level_buffers() >= INSIDE {
                if let Some(error) = self.error() {
                    return Some(error);
                }
                if waiting_since.elapsed() > STALL {
                    return Some(format!("it took no frame for {} s", STALL.as_secs()));
                }
                thread::sleep(Duration::from_millis(1));
            }
            let (frame, tick) = match frames.recv_timeout(Duration::from_millis(100)) {
                Ok(next) => next,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => {
                    self.finish();
                    return None;
                }
            };
            let buffer = raw_buffer(self.shared.format, &frame, tick, self.shared.key.has_labels());
            drop(frame);
            if silence.lasts(self.shared.given.get(), Instant::now()) {
                return Some(format!("it takes frames and has given none for {} s", STALL.as_secs()));
            }
            if keyed.is_none_or(|at: Instant| at.elapsed() > KEY_EVERY) && self.shared.take_key_asked() {
                keyed = Some(Instant::now());
                self.ask_key();
            }
            if let Err(e) = self.source.push_buffer(buffer) {
                return Some(self.error().unwrap_or_else(|| e.to_string()));
            }
            if let Some(error) = self.error() {
                return Some(error);
            }
        }
    }
}

/// Notices an encoder that takes frames and gives none.
struct Silence {
    /// Frames that an encoder takes in the time of a stall, were it half as fast as it should be.
    patience: u32,
    given: u64,
    since: Option<Instant>,
    taken: u32,
}

impl Silence {
    fn new(fps: f64) -> Self {
        Self { patience: (0.5 * fps * STALL.as_secs_f64()).ceil() as u32, given: 0, since: None, taken: 0 }
    }

    /// Another frame goes in at `now`, when so many have come out. Whoever has no frames to give it does not wait.
    fn lasts(&mut self, given: u64, now: Instant) -> bool {
        if given != self.given || self.since.is_none() {
            (self.given, self.since, self.taken) = (given, Some(now), 0);
        }
        self.taken += 1;
        self.taken > self.patience && self.since.is_some_and(|since| now.duration_since(since) > STALL)
    }
}

impl Drop for Encoding {
    fn drop(&mut self) {
        self.bus.set_flushing(true);
        if let Err(e) = self.pipeline.set_state(gst::State::Null) {
            tracing::warn!("{}: the encoder does not stop: {e}", self.pipeline.name());
        }
    }
}

/// A coded frame with the output's time on it (some encoders shift time to have room before zero), and its timecode within.
fn unit_of(sample: &gst::Sample, labeller: Option<&mut Labeller>) -> Option<Unit> {
    let segment = sample.segment()?.downcast_ref::<gst::ClockTime>()?.clone();
    let buffer = sample.buffer()?;
    let running = |time: Option<gst::ClockTime>| segment.to_running_time(time?);
    let pts = running(buffer.pts())?;
    let key = !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT);
    let mut stamped = labeller.and_then(|labeller| labelled(buffer, labeller)).unwrap_or_else(|| buffer.copy());
    let own = stamped.make_mut();
    own.set_pts(pts);
    own.set_dts(running(buffer.dts()).unwrap_or(pts));
    // It is within the stream by now; muxers must not make a track of it.
    if let Some(label) = own.meta_mut::<gst_video::VideoTimeCodeMeta>()
        && let Err(e) = label.remove()
    {
        tracing::debug!("a label stays on a coded frame: {e}");
    }
    Some(Unit { buffer: stamped, caps: sample.caps()?.to_owned(), pts_nanos: pts.nseconds(), key })
}

/// The frame's label, as the encoder hands it on, written into it; `None` where there is none or no room for it.
fn labelled(buffer: &gst::BufferRef, labeller: &mut Labeller) -> Option<gst::Buffer> {
    let code = buffer.meta::<gst_video::VideoTimeCodeMeta>()?.tc();
    let [hours, minutes, seconds, frames] = [code.hours(), code.minutes(), code.seconds(), code.frames()].map(|n| u8::try_from(n).ok());
    let drop_frame = code.flags().contains(gst_video::VideoTimeCodeFlags::DROP_FRAME);
    let label = Timecode { hours: hours?, minutes: minutes?, seconds: seconds?, frames: frames?, drop_frame };
    let bytes = labeller.label(&buffer.map_readable().ok()?, label)?;
    let mut with = gst::Buffer::from_mut_slice(bytes);
    let own = with.get_mut()?;
    own.set_duration(buffer.duration());
    own.set_flags(buffer.flags());
    Some(with)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoder_that_only_takes_is_noticed_and_one_that_waits_is_not() {
        let begin = Instant::now();
        let at = |k: u64| begin + Duration::from_millis(20 * k);
        let mut silence = Silence::new(50.0);
        // It gives one for one, ten frames late.
        assert!((0..2000).all(|k| !silence.lasts(u64::saturating_sub(k, 10), at(k))));
        // It gives no more.
        let noticed = (2000..4000).find(|k| silence.lasts(1990, at(*k)));
        assert!(noticed.is_some_and(|k| (2480..2550).contains(&k)), "{noticed:?}");
        // Nobody had a frame for it for a minute: the next one is no reason.
        let mut silence = Silence::new(50.0);
        assert!(!silence.lasts(5, at(0)) && !silence.lasts(5, at(3000)) && !silence.lasts(6, at(3001)));
    }
}
