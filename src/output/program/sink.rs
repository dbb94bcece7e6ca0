//! One sink: a thread that opens it, feeds it, and opens it again when it breaks. Nobody else waits for it.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crossbeam::channel::{Receiver, bounded};
use gst::prelude::{
    Cast as _, ElementExt as _, ElementExtManual as _, GstBinExtManual as _, GstObjectExt as _, ObjectExt as _, PadExtManual as _,
};
use parking_lot::Mutex;

use super::{
    Container, ProgramFormat, RtpForm, SinkCodec, SinkKind, SinkSpec, SinkState, SrtSide, elements,
    queue::{Popped, SinkQueue, Unit},
};

/// The first wait before it is opened again; it doubles with every attempt.
const BACKOFF_FIRST: Duration = Duration::from_millis(500);
/// The longest wait.
const BACKOFF_LAST: Duration = Duration::from_secs(10);
/// One that ran for so long starts the backoff anew.
const GOOD_AFTER: Duration = Duration::from_secs(5);
/// Units within the pipeline in front of the sink.
const INSIDE: u64 = 8;
/// A sink that takes nothing for so long hangs.
const STALL: Duration = Duration::from_secs(5);
/// How long the end of a file may take.
const END_WITHIN: Duration = Duration::from_secs(3);
/// How long the end of the output waits for a sink that hangs.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// What a sink's thread shares.
#[derive(Debug)]
pub(super) struct SinkShared {
    pub spec: SinkSpec,
    pub queue: Arc<SinkQueue>,
    pub said: Mutex<Said>,
    pub frames: AtomicU64,
    /// What left towards the other side.
    sent_bytes: Arc<AtomicU64>,
    rate: Mutex<Rate>,
}

/// What its thread says.
#[derive(Debug, Default, Clone)]
pub(super) struct Said {
    pub state: SinkState,
    pub problem: Option<String>,
    pub retries: u64,
}

/// Bytes at two times.
#[derive(Debug)]
struct Rate {
    since: Instant,
    bytes: u64,
    bits_per_sec: u64,
}

impl SinkShared {
    /// (bytes, bits per second).
    pub fn traffic(&self) -> (u64, u64) {
        let bytes = self.sent_bytes.load(Ordering::Relaxed);
        let mut rate = self.rate.lock();
        let elapsed = rate.since.elapsed();
        if elapsed >= Duration::from_secs(1) {
            rate.bits_per_sec = ((bytes - rate.bytes) as f64 * 8.0 / elapsed.as_secs_f64()) as u64;
            (rate.since, rate.bytes) = (Instant::now(), bytes);
        }
        (bytes, rate.bits_per_sec)
    }

    fn say(&self, state: SinkState, problem: Option<String>) {
        let mut said = self.said.lock();
        if said.state != state || said.problem != problem {
            let (name, label) = (&self.spec.name, self.spec.address.label());
            if let Some(problem) = &problem {
                tracing::warn!(sink = name, "{label}: {}: {problem}", state.word());
            } else {
                tracing::info!(sink = name, "{label}: {}", state.word());
            }
        }
        (said.state, said.problem) = (state, problem);
    }
}

/// A running sink; dropping it ends it.
#[derive(Debug)]
pub(super) struct Sink {
    pub shared: Arc<SinkShared>,
    thread: Option<(thread::JoinHandle<()>, Receiver<()>)>,
}

impl Sink {
    pub fn start(spec: SinkSpec, format: ProgramFormat, queue: Arc<SinkQueue>) -> std::io::Result<Self> {
        let shared = Arc::new(SinkShared {
            spec,
            queue,
            said: Mutex::default(),
            frames: AtomicU64::new(0),
            sent_bytes: Arc::default(),
            rate: Mutex::new(Rate { since: Instant::now(), bytes: 0, bits_per_sec: 0 }),
        });
        let keeper = Keeper { shared: Arc::clone(&shared), format };
        let (over, is_over) = bounded(1);
        let work = move || {
            keeper.run();
            drop(over);
        };
        let thread = thread::Builder::new().name(format!("sink {}", shared.spec.name)).spawn(work)?;
        Ok(Self { shared, thread: Some((thread, is_over)) })
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.shared.queue.stop();
        let Some((thread, over)) = self.thread.take() else { return };
        if over.recv_timeout(STOP_WITHIN) == Err(crossbeam::channel::RecvTimeoutError::Timeout) {
            tracing::warn!(sink = self.shared.spec.name, "it does not end within {} s and is left behind", STOP_WITHIN.as_secs());
        } else if thread.join().is_err() {
            tracing::warn!(sink = self.shared.spec.name, "its thread panicked");
        }
    }
}

/// Why a sink is not open.
enum Trouble {
    /// No other attempt would help.
    ForGood(String),
    /// Another may.
    ForNow(String),
}

impl From<String> for Trouble {
    fn from(problem: String) -> Self {
        Self::ForGood(problem)
    }
}

struct Keeper {
    shared: Arc<SinkShared>,
    format: ProgramFormat,
}

impl Keeper {
    fn run(&self) {
        let (shared, queue) = (&self.shared, &self.shared.queue);
        let mut backoff = BACKOFF_FIRST;
        loop {
            queue.open();
            let begun = Instant::now();
            let problem = match self.connection() {
                Ok(None) => return,
                Ok(Some(problem)) | Err(Trouble::ForNow(problem)) => problem,
                Err(Trouble::ForGood(problem)) => {
                    queue.close();
                    shared.say(SinkState::Failed, Some(shared.spec.address.redact(&problem)));
                    while queue.rest(Duration::from_hours(1)) {}
                    return;
                }
            };
            queue.close();
            let problem = shared.spec.address.redact(problem.trim_end_matches('.'));
            let problem = format!("{problem}. {}", shared.spec.address.remedy());
            shared.say(SinkState::Retrying, Some(problem));
            if begun.elapsed() > GOOD_AFTER + STALL {
                backoff = BACKOFF_FIRST;
            }
            if !queue.rest(backoff) {
                return;
            }
            backoff = (backoff * 2).min(BACKOFF_LAST);
            shared.said.lock().retries += 1;
        }
    }

    /// From the first keyframe until it breaks (why) or is ended (`None`).
    fn connection(&self) -> Result<Option<String>, Trouble> {
        let queue = &self.shared.queue;
        let first = loop {
            match queue.pop(Duration::from_millis(200)) {
                Popped::Unit(unit) => break unit,
                Popped::Nothing => {}
                Popped::Stopped => return Ok(None),
            }
        };
        let open = Open::new(&self.shared, self.format, &first)?;
        let base = first.pts_nanos;
        let mut next = Some(first);
        loop {
            if open.arrived.load(Ordering::Relaxed) >= 2 && self.shared.said.lock().state != SinkState::Running {
                self.shared.say(SinkState::Running, None);
            }
            if let Some(problem) = open.problem(gst::ClockTime::ZERO) {
                return Ok(Some(problem));
            }
            if let Some(unit) = next.take() {
                if let Some(problem) = open.wait_for_room(queue) {
                    return Ok(Some(problem));
                }
                if queue.is_stopped() {
                    open.end();
                    return Ok(None);
                }
                if let Some(problem) = open.push(&unit, base) {
                    return Ok(Some(problem));
                }
                self.shared.frames.fetch_add(1, Ordering::Relaxed);
            }
            match queue.pop(Duration::from_millis(100)) {
                Popped::Unit(unit) => next = Some(unit),
                Popped::Nothing => {}
                Popped::Stopped => {
                    open.end();
                    return Ok(None);
                }
            }
        }
    }
}

/// A sink's pipeline at work.
struct Open {
    pipeline: gst::Pipeline,
    source: gst_app::AppSrc,
    silence: Option<gst::Element>,
    bus: gst::Bus,
    /// Buffers that have come to the last element.
    arrived: Arc<AtomicU64>,
    /// Whether what was sent must be finished to be of use.
    has_end: bool,
}

impl Open {
    fn new(shared: &SinkShared, format: ProgramFormat, first: &Unit) -> Result<Self, Trouble> {
        let spec = &shared.spec;
        let source = gst_app::AppSrc::builder()
            .caps(&first.caps)
            .format(gst::Format::Time)
            .is_live(false)
            .block(false)
            .max_bytes(0)
            .max_time(gst::ClockTime::ZERO)
            .max_buffers(INSIDE * 2)
            .build();
        let pipeline = gst::Pipeline::new();
        let (chain, muxer) = chain(spec, format)?;
        let mut all: Vec<gst::Element> = vec![source.clone().upcast()];
        all.extend(chain);
        let refused = |e: gst::glib::BoolError| Trouble::ForGood(format!("its pipeline cannot be built: {e}"));
        pipeline.add_many(&all).map_err(refused)?;
        gst::Element::link_many(&all).map_err(refused)?;
        let mut silence = None;
        if let Some(at) = muxer.filter(|_| spec.silence && spec.address.takes_sound()) {
            let sound = silent_track().map_err(Trouble::ForGood)?;
            pipeline.add_many(&sound).map_err(refused)?;
            gst::Element::link_many(&sound).map_err(refused)?;
            if let Some(last) = sound.last() {
                last.link(&all[at + 1]).map_err(refused)?;
            }
            silence = sound.into_iter().next();
        }
        let arrived = Arc::new(AtomicU64::new(0));
        if let Some(pad) = all.last().and_then(|last| last.sink_pads().into_iter().next()) {
            count(&pad, &arrived, &shared.sent_bytes);
        }
        let bus = pipeline.bus().ok_or_else(|| Trouble::ForGood("a pipeline without a bus".to_owned()))?;
        let has_end = matches!(spec.address.kind, SinkKind::File { .. } | SinkKind::Hls { .. } | SinkKind::Rtmp { .. });
        let open = Self { pipeline, source, silence, bus, arrived, has_end };
        if let Err(e) = open.pipeline.set_state(gst::State::Playing) {
            let problem = open.problem(gst::ClockTime::ZERO).unwrap_or_else(|| format!("it does not start ({e})"));
            return Err(Trouble::ForNow(problem));
        }
        Ok(open)
    }

    fn problem(&self, patience: gst::ClockTime) -> Option<String> {
        let message = self.bus.timed_pop_filtered(patience, &[gst::MessageType::Error, gst::MessageType::Eos])?;
        Some(match message.view() {
            gst::MessageView::Error(e) => {
                if e.error().matches(gst::ResourceError::NoSpaceLeft) {
                    "no room left on the disk".to_owned()
                } else {
                    e.error().to_string()
                }
            }
            _ => "the other side ended it".to_owned(),
        })
    }

    /// Why there is none; returns early when it shall end.
    fn wait_for_room(&self, queue: &SinkQueue) -> Option<String> {
        let since = Instant::now();
        while self.source.current_level_buffers() >= INSIDE && !queue.is_stopped() {
            if let Some(problem) = self.problem(gst::ClockTime::from_mseconds(2)) {
                return Some(problem);
            }
            if since.elapsed() > STALL {
                return Some(format!("it took nothing for {} s", STALL.as_secs()));
            }
        }
        None
    }

    fn push(&self, unit: &Unit, base_nanos: u64) -> Option<String> {
        let mut buffer = unit.buffer.clone();
        let own = buffer.make_mut();
        let since = |time: Option<gst::ClockTime>| time.map(|t| t.saturating_sub(gst::ClockTime::from_nseconds(base_nanos)));
        let (pts, dts) = (since(own.pts()), since(own.dts()));
        own.set_pts(pts);
        own.set_dts(dts);
        match self.source.push_buffer(buffer) {
            Ok(_) => None,
            Err(e) => Some(self.problem(gst::ClockTime::from_mseconds(50)).unwrap_or_else(|| e.to_string())),
        }
    }

    /// Finishes what was begun.
    fn end(&self) {
        self.source.end_of_stream().ok();
        if let Some(silence) = &self.silence {
            silence.send_event(gst::event::Eos::new());
        }
        let patience = if self.has_end { END_WITHIN } else { Duration::from_millis(300) };
        let wanted = [gst::MessageType::Eos, gst::MessageType::Error];
        self.bus.timed_pop_filtered(gst::ClockTime::from_nseconds(patience.as_nanos() as u64), &wanted);
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.bus.set_flushing(true);
        if let Err(e) = self.pipeline.set_state(gst::State::Null) {
            tracing::warn!("{}: the sink does not stop: {e}", self.pipeline.name());
        }
    }
}

fn count(pad: &gst::Pad, arrived: &Arc<AtomicU64>, bytes: &Arc<AtomicU64>) {
    let (arrived, bytes) = (Arc::clone(arrived), Arc::clone(bytes));
    pad.add_probe(gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST, move |_, info| {
        let size = match &info.data {
            Some(gst::PadProbeData::Buffer(buffer)) => buffer.size(),
            Some(gst::PadProbeData::BufferList(list)) => list.iter().map(gst::BufferRef::size).sum(),
            _ => 0,
        };
        arrived.fetch_add(1, Ordering::Relaxed);
        bytes.fetch_add(size as u64, Ordering::Relaxed);
        gst::PadProbeReturn::Ok
    });
}

/// The elements behind the source, and which of them is the muxer that takes sound.
fn chain(spec: &SinkSpec, format: ProgramFormat) -> Result<(Vec<gst::Element>, Option<usize>), Trouble> {
    let mut chain = Vec::new();
    match spec.codec {
        SinkCodec::H264 => chain.push(elements::make("h264parse")?),
        SinkCodec::H265 => chain.push(elements::make("h265parse")?),
        SinkCodec::Raw => chain.push(elements::make("videoconvert")?),
        SinkCodec::Mjpeg | SinkCodec::ProRes | SinkCodec::DnxHr => {}
    }
    let at = chain.len();
    let (mut rest, has_muxer) = match &spec.address.kind {
        SinkKind::Udp { at, ttl } => {
            let sink = elements::make("udpsink")?;
            sink.set_property("host", &at.host);
            sink.set_property("port", i32::from(at.port));
            sink.set_property("ttl-mc", *ttl as i32);
            (vec![ts_muxer()?, sink], true)
        }
        SinkKind::Rtp { at, form, sdp } => {
            let sink = elements::make("udpsink")?;
            sink.set_property("host", &at.host);
            sink.set_property("port", i32::from(at.port));
            match form {
                RtpForm::Ts => (vec![ts_muxer()?, elements::make("rtpmp2tpay")?, sink], true),
                RtpForm::Elementary { payload } => {
                    if let Some(file) = sdp {
                        let text = description(&at.host, at.port, *payload, spec.codec);
                        std::fs::write(file, text)
                            .map_err(|e| Trouble::ForNow(format!("the description {file:?} cannot be written: {e}")))?;
                    }
                    (vec![payloader(spec.codec, *payload)?, sink], false)
                }
            }
        }
        SinkKind::Srt { at, side, passphrase, key_bytes, latency_ms, stream_id } => {
            let sink = elements::make("srtsink")?;
            let host = if at.host.contains(':') { format!("[{}]", at.host) } else { at.host.clone() };
            sink.set_property("uri", format!("srt://{host}:{}", at.port));
            elements::set(&sink, "mode", if *side == SrtSide::Caller { "caller" } else { "listener" });
            sink.set_property("latency", *latency_ms as i32);
            sink.set_property("wait-for-connection", false);
            // Whoever is gone is called again by the sink's own thread, which says so.
            elements::set(&sink, "auto-reconnect", "false");
            if let Some(passphrase) = passphrase {
                sink.set_property("passphrase", passphrase.expose());
                elements::set(&sink, "pbkeylen", &key_bytes.to_string());
            }
            if let Some(id) = stream_id {
                sink.set_property("streamid", id.expose());
            }
            (vec![ts_muxer()?, sink], true)
        }
        SinkKind::Rtmp { url } => {
            let muxer = elements::make("flvmux")?;
            muxer.set_property("streamable", true);
            let sink = elements::make("rtmp2sink")?;
            sink.set_property("location", url.expose());
            (vec![muxer, sink], true)
        }
        SinkKind::Rist { at, buffer_ms } => {
            let sink = elements::make("ristsink")?;
            sink.set_property("address", &at.host);
            sink.set_property("port", u32::from(at.port));
            sink.set_property("sender-buffer", *buffer_ms);
            (vec![ts_muxer()?, elements::make("rtpmp2tpay")?, sink], true)
        }
        SinkKind::Hls { folder, segment_secs, keep } => (vec![hls(folder, *segment_secs, *keep)?], true),
        SinkKind::File { path, container } => (file(path, *container)?, true),
        SinkKind::Ndi { name } => {
            let sink = elements::make("ndisink")?;
            sink.set_property("ndi-name", name);
            (vec![sink], false)
        }
        SinkKind::DeckLink { device } => {
            let sink = elements::make("decklinkvideosink")?;
            sink.set_property("device-number", *device as i32);
            elements::set(&sink, "mode", &decklink_mode(format)?);
            (vec![sink], false)
        }
        SinkKind::V4l2 { device } => {
            let sink = elements::make("v4l2sink")?;
            sink.set_property("device", device);
            (vec![sink], false)
        }
    };
    if let Some(sink) = rest.last() {
        // The output's clock has paced everything already; a sink of its own pace (a card) keeps it.
        if !matches!(spec.address.kind, SinkKind::DeckLink { .. }) {
            elements::set(sink, "sync", "false");
        }
        elements::set(sink, "async", "false");
    }
    chain.append(&mut rest);
    Ok((chain, has_muxer.then_some(at)))
}

/// Seven packets to a datagram, as everybody expects them.
fn ts_muxer() -> Result<gst::Element, String> {
    let muxer = elements::make("mpegtsmux")?;
    muxer.set_property("alignment", 7);
    Ok(muxer)
}

fn payloader(codec: SinkCodec, payload: u8) -> Result<gst::Element, String> {
    let made = elements::make(match codec {
        SinkCodec::H265 => "rtph265pay",
        SinkCodec::Mjpeg => "rtpjpegpay",
        _ => "rtph264pay",
    })?;
    elements::set(&made, "config-interval", "-1");
    elements::set(&made, "aggregate-mode", "zero-latency");
    made.set_property("pt", u32::from(if codec == SinkCodec::Mjpeg { 26 } else { payload }));
    Ok(made)
}

/// The session description that receivers of bare RTP need.
fn description(host: &str, port: u16, payload: u8, codec: SinkCodec) -> String {
    let version = if host.contains(':') { "IP6" } else { "IP4" };
    let (payload, encoding) = match codec {
        SinkCodec::H265 => (payload, "H265"),
        SinkCodec::Mjpeg => (26, "JPEG"),
        _ => (payload, "H264"),
    };
    let mode = if codec == SinkCodec::H264 { format!("a=fmtp:{payload} packetization-mode=1\r\n") } else { String::new() };
    format!(
        "v=0\r\no=- 0 0 IN {version} {host}\r\ns=Volte program\r\nc=IN {version} {host}\r\nt=0 0\r\nm=video {port} RTP/AVP {payload}\r\n\
         a=rtpmap:{payload} {encoding}/90000\r\n{mode}"
    )
}

fn hls(folder: &Path, segment_secs: u32, keep: u32) -> Result<gst::Element, Trouble> {
    std::fs::create_dir_all(folder).map_err(|e| Trouble::ForNow(format!("the folder {folder:?} cannot be made: {e}")))?;
    let sink = elements::make("hlssink2")?;
    // Another name with every start: a player that has the old list never gets the new start under an old name.
    let unix = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_millis());
    sink.set_property("location", folder.join(format!("program-{unix}-%05d.ts")).to_string_lossy().as_ref());
    sink.set_property("playlist-location", folder.join("program.m3u8").to_string_lossy().as_ref());
    sink.set_property("target-duration", segment_secs);
    sink.set_property("playlist-length", keep);
    sink.set_property("max-files", keep + 3);
    sink.set_property("send-keyframe-requests", false);
    Ok(sink)
}

/// A name that nobody has yet: `NAME.mp4`, `NAME-2.mp4`, …
fn free_name(path: &Path) -> PathBuf {
    let taken = |p: &Path| p.symlink_metadata().is_ok();
    if !taken(path) {
        return path.to_owned();
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    let numbered = |k: u32| path.with_file_name(format!("{stem}-{k}.{extension}"));
    (2..100_000).map(numbered).find(|p| !taken(p)).unwrap_or_else(|| numbered(100_000))
}

fn file(path: &Path, container: Container) -> Result<Vec<gst::Element>, Trouble> {
    let muxer = match container {
        Container::Mp4 => elements::make("mp4mux")?,
        Container::Mov => elements::make("qtmux")?,
        Container::Matroska => elements::make("matroskamux")?,
        Container::Ts => ts_muxer()?,
    };
    if matches!(container, Container::Mp4 | Container::Mov) {
        // In fragments: what is on the disk plays, whatever happens next.
        muxer.set_property("fragment-duration", 1000_u32);
    }
    if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|e| Trouble::ForNow(format!("the folder {folder:?} cannot be made: {e}")))?;
    }
    let sink = elements::make("filesink")?;
    sink.set_property("location", free_name(path).to_string_lossy().as_ref());
    Ok(vec![muxer, sink])
}

/// The name of a card's mode.
fn decklink_mode(format: ProgramFormat) -> Result<String, String> {
    let rate = match (format.rate.numerator(), format.rate.denominator()) {
        (24000, 1001) => "2398",
        (30000, 1001) => "2997",
        (60000, 1001) => "5994",
        (24, 1) => "24",
        (25, 1) => "25",
        (30, 1) => "30",
        (50, 1) => "50",
        (60, 1) => "60",
        _ => "",
    };
    match (format.width_px, format.height_px, rate) {
        (1280, 720, "50" | "5994" | "60") | (1920 | 3840, 1080 | 2160, "2398" | "24" | "25" | "2997" | "30" | "50" | "5994" | "60") => {
            Ok(format!("{}p{rate}", format.height_px))
        }
        _ => Err(format!("a card has no mode {format}. Choose 720p50, 1080p25, 1080p50, 1080p59.94, 2160p50 or the like")),
    }
}

/// Silence as AAC, as long as the muxer asks for it.
fn silent_track() -> Result<Vec<gst::Element>, String> {
    let source = elements::make("audiotestsrc")?;
    elements::set(&source, "wave", "silence");
    let filter = elements::make("capsfilter")?;
    let caps = gst::Caps::builder("audio/x-raw").field("rate", 48_000).field("channels", 2).build();
    filter.set_property("caps", &caps);
    let names = ["fdkaacenc", "avenc_aac", "voaacenc"];
    let name = names.into_iter().find(|n| elements::is_there(n)).unwrap_or("voaacenc");
    Ok(vec![source, elements::make("audioconvert")?, filter, elements::make(name)?, elements::make("aacparse")?, elements::make("queue")?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_there_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("show.mp4");
        assert_eq!(free_name(&path), path);
        std::fs::write(&path, b"x").unwrap();
        assert_eq!(free_name(&path), dir.path().join("show-2.mp4"));
        std::fs::write(dir.path().join("show-2.mp4"), b"x").unwrap();
        assert_eq!(free_name(&path), dir.path().join("show-3.mp4"));
    }

    #[test]
    fn cards_have_their_own_names_for_formats() {
        for (format, mode) in [("1080p59.94", "1080p5994"), ("1080p25", "1080p25"), ("2160p50", "2160p50"), ("720p60", "720p60")] {
            assert_eq!(decklink_mode(format.parse().unwrap()).unwrap(), mode);
        }
        assert!(decklink_mode("320x180p25".parse().unwrap()).unwrap_err().contains("320x180p25"));
    }

    #[test]
    fn the_description_names_what_comes() {
        let text = description("239.0.0.1", 5004, 97, SinkCodec::H264);
        assert!(text.contains("m=video 5004 RTP/AVP 97\r\n") && text.contains("a=rtpmap:97 H264/90000\r\n"), "{text}");
        assert!(description("h", 1, 96, SinkCodec::Mjpeg).contains("RTP/AVP 26"));
    }
}
