//! One sink: a thread that opens it, feeds it, and opens it again when it breaks. Nobody else waits for it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crossbeam::channel::{Receiver, bounded};
use gst::prelude::{Cast as _, ElementExt as _, ElementExtManual as _, GstBinExtManual as _, GstObjectExt as _, PadExtManual as _};
use parking_lot::Mutex;

use super::{
    ProgramFormat, SinkKind, SinkSpec, SinkState,
    queue::{Popped, SinkQueue, Unit},
    sink_chain::chain,
    track::{Carried, SoundTrack},
    whip,
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
/// How long what was shown may take through the encoder into a file that ends.
const FINISH_WITHIN: Duration = Duration::from_secs(3);
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

    /// A frame of so many bytes left.
    pub fn went(&self, bytes: usize) {
        self.frames.fetch_add(1, Ordering::Relaxed);
        self.sent_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub fn say(&self, state: SinkState, problem: Option<String>) {
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
    pub fn start(spec: SinkSpec, format: ProgramFormat, queue: Arc<SinkQueue>, sound: Carried) -> std::io::Result<Self> {
        let shared = Arc::new(SinkShared {
            spec,
            queue,
            said: Mutex::default(),
            frames: AtomicU64::new(0),
            sent_bytes: Arc::default(),
            rate: Mutex::new(Rate { since: Instant::now(), bytes: 0, bits_per_sec: 0 }),
        });
        let keeper = Keeper { shared: Arc::clone(&shared), format, sound };
        let (over, is_over) = bounded(1);
        let work = move || {
            keeper.run();
            drop(over);
        };
        let thread = thread::Builder::new().name(format!("sink {}", shared.spec.name)).spawn(work)?;
        Ok(Self { shared, thread: Some((thread, is_over)) })
    }
}

impl Sink {
    /// Pictures up to `last_nanos` of the output's time still go out, where they make something whole; waited for when it is dropped.
    pub fn finish(&self, last_nanos: u64) {
        let is_running = self.shared.said.lock().state == SinkState::Running;
        if is_running && has_end(&self.shared.spec.address.kind) {
            self.shared.queue.finish(last_nanos);
        } else {
            self.shared.queue.stop();
        }
    }
}

/// Whether what was sent must be finished to be of use.
const fn has_end(kind: &SinkKind) -> bool {
    matches!(kind, SinkKind::File { .. } | SinkKind::Hls { .. } | SinkKind::Dash { .. } | SinkKind::Rtmp { .. })
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.end();
    }
}

impl Sink {
    /// Waits for its end.
    pub fn end(&mut self) {
        let Some((thread, over)) = self.thread.take() else { return };
        if self.shared.queue.is_finishing() {
            over.recv_timeout(FINISH_WITHIN).ok();
        }
        self.shared.queue.stop();
        if over.recv_timeout(STOP_WITHIN) == Err(crossbeam::channel::RecvTimeoutError::Timeout) {
            tracing::warn!(sink = self.shared.spec.name, "it does not end within {} s and is left behind", STOP_WITHIN.as_secs());
        } else if thread.join().is_err() {
            tracing::warn!(sink = self.shared.spec.name, "its thread panicked");
        }
    }
}

/// Why a sink is not open.
pub(super) enum Trouble {
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
    sound: Carried,
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
        if let SinkKind::Whip { at, url, token } = &self.shared.spec.address.kind {
            // It wants pictures of the time when it is connected, which may take long.
            queue.close_after(first);
            return whip::connection(&self.shared, &self.sound, &whip::Server { at, url, token: token.as_ref() });
        }
        let mut open = Open::new(&self.shared, self.format, &first, &self.sound)?;
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
            open.feed_sound();
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
    sound: Option<SoundTrack>,
    /// Units within the pipeline in front of the sink.
    inside: u64,
    bus: gst::Bus,
    /// Buffers that have come to the last element.
    arrived: Arc<AtomicU64>,
    /// Whether what was sent must be finished to be of use.
    has_end: bool,
}

impl Open {
    fn new(shared: &SinkShared, format: ProgramFormat, first: &Unit, carried: &Carried) -> Result<Self, Trouble> {
        let spec = &shared.spec;
        // Pictures wait within the muxer until their sound is there.
        let inside = INSIDE + if matches!(carried, Carried::None) { 0 } else { format.rate.fps().ceil() as u64 };
        let source = gst_app::AppSrc::builder()
            .caps(&first.caps)
            .format(gst::Format::Time)
            .is_live(false)
            .block(false)
            .max_bytes(0)
            .max_time(gst::ClockTime::ZERO)
            .max_buffers(inside * 2)
            .build();
        let pipeline = gst::Pipeline::new();
        let (chain, muxer) = chain(spec, format, !matches!(carried, Carried::None))?;
        let mut all: Vec<gst::Element> = vec![source.clone().upcast()];
        all.extend(chain);
        let refused = |e: gst::glib::BoolError| Trouble::ForGood(format!("its pipeline cannot be built: {e}"));
        pipeline.add_many(&all).map_err(refused)?;
        // The muxer's pads are asked for by name: a source fits anywhere until its caps are known.
        let mux = muxer.map(|at| at + 1);
        for (k, pair) in all.windows(2).enumerate() {
            let kind = if mux == Some(k + 1) { "video" } else { "" };
            link_to(&pair[0], &pair[1], kind).map_err(refused)?;
        }
        let mut sound = None;
        if let Some(at) = muxer {
            sound = SoundTrack::new(carried, spec, first.pts_nanos).map_err(Trouble::ForGood)?;
            if let Some(track) = &sound {
                pipeline.add_many(&track.chain).map_err(refused)?;
                gst::Element::link_many(&track.chain).map_err(refused)?;
                if let Some(last) = track.chain.last() {
                    link_to(last, &all[at + 1], "audio").map_err(refused)?;
                }
            }
        }
        let arrived = Arc::new(AtomicU64::new(0));
        if let Some(pad) = all.last().and_then(|last| last.sink_pads().into_iter().next()) {
            count(&pad, &arrived, &shared.sent_bytes);
        }
        let bus = pipeline.bus().ok_or_else(|| Trouble::ForGood("a pipeline without a bus".to_owned()))?;
        let has_end = has_end(&spec.address.kind);
        let open = Self { pipeline, source, sound, inside, bus, arrived, has_end };
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
    fn wait_for_room(&mut self, queue: &SinkQueue) -> Option<String> {
        let since = Instant::now();
        while self.source.current_level_buffers() >= self.inside && !queue.is_stopped() {
            self.feed_sound();
            if let Some(problem) = self.problem(gst::ClockTime::from_mseconds(2)) {
                return Some(problem);
            }
            if since.elapsed() > STALL {
                return Some(format!("it took nothing for {} s", STALL.as_secs()));
            }
        }
        None
    }

    /// Hands over what sound there is.
    fn feed_sound(&mut self) {
        if let Some(sound) = &mut self.sound {
            sound.feed();
        }
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
        if let Some(sound) = &self.sound {
            sound.end();
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

/// Links to a pad of the kind, where `to` has kinds.
fn link_to(from: &gst::Element, to: &gst::Element, kind: &str) -> Result<(), gst::glib::BoolError> {
    if let Some(pad) = to.static_pad(kind) {
        return from.link_pads(None, to, Some(pad.name().as_str()));
    }
    let of_kind = to.pad_template_list().into_iter().find(|t| !kind.is_empty() && t.name_template().starts_with(kind));
    from.link_pads(None, to, of_kind.map(|t| t.name_template().to_string()).as_deref())
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
