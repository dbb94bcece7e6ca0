//! The sound of the venue: a feed's own, or that of an address of its own, decoded and put on the house clock.
//!
//! One thread (`sound`) connects to an address and connects again; a feed's own sound comes on its feed's threads. Pushed sound comes from
//! whoever makes it. Must not know: what is heard when.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use crossbeam::channel::{Receiver, Sender, bounded};
use gst::prelude::{
    Cast as _, ElementExt as _, ElementExtManual as _, GObjectExtManualGst as _, GstBinExt as _, GstBinExtManual as _, GstObjectExt as _,
    ObjectExt as _, PadExt as _,
};
use parking_lot::Mutex;

use super::{
    chain::{element, filter},
    clock::HouseClock,
    error::CaptureError,
    feed::{FeedSource, FeedSpec, Pace},
    inlet::running_nanos,
    pacer::Pacer,
    stamp::{HouseStamp, Rule},
    stream::sound_source,
};
use crate::{
    sound::{FreezeSound, RATE, SoundInput, Stereo},
    time::MediaTime,
};

/// Decoded sound further ahead of now than this is not of this world, nanoseconds.
const MOST_AHEAD_NANOS: i64 = 2_000_000_000;
/// How long the end of the session waits for a source of sound that hangs.
const STOP_WITHIN: Duration = Duration::from_secs(2);
/// So much coded sound may wait for its decoder, nanoseconds; then the oldest goes.
const WAITING_NANOS: u64 = 5_000_000_000;
/// Without sound for so long a connection is opened again.
const STALL: Duration = Duration::from_secs(5);
/// What a connection says at its end.
const ENDED: &str = "it has ended";
const BACKOFF_FIRST: Duration = Duration::from_millis(500);
const BACKOFF_LAST: Duration = Duration::from_secs(10);

/// Where the sound of the venue comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum SoundFrom {
    /// The feed of this name carries it besides its pictures.
    Feed(String),
    /// An address, or a file; pictures in it are left alone.
    Source(FeedSource),
    /// A sound card, by ALSA's name.
    Card(String),
    /// Whoever makes it puts it into the ring.
    Pushed(String),
}

/// The sound input of a session.
#[derive(Debug, Clone, PartialEq)]
pub struct SoundSettings {
    /// Where it comes from.
    pub from: SoundFrom,
    /// How much is kept, seconds.
    pub keep_secs: f64,
    /// Added to its times, nanoseconds: positive where it is heard too early.
    pub offset_nanos: i64,
    /// How long after its picture it may arrive, nanoseconds.
    pub wait_nanos: i64,
    /// What is heard while time stands still.
    pub freeze: FreezeSound,
}

impl SoundSettings {
    /// As usual: three minutes, 80 ms to arrive, a tail under a freeze.
    pub fn new(from: SoundFrom) -> Self {
        Self { from, keep_secs: 180.0, offset_nanos: 0, wait_nanos: 80_000_000, freeze: FreezeSound::Tail }
    }

    /// The address of `[audio]`: one of a feed, or `alsa:DEVICE`.
    pub fn parse_from(address: &str) -> Result<SoundFrom, CaptureError> {
        match address.strip_prefix("alsa:") {
            Some(card) => Ok(SoundFrom::Card(card.trim().to_owned())),
            None => FeedSource::parse(address).map(SoundFrom::Source),
        }
    }

    pub(super) fn input(&self) -> Arc<SoundInput> {
        let name = match &self.from {
            SoundFrom::Feed(name) | SoundFrom::Pushed(name) => name.clone(),
            SoundFrom::Source(FeedSource::Stream(stream)) => stream.label().to_owned(),
            SoundFrom::Source(FeedSource::File { path, .. }) => path.display().to_string(),
            SoundFrom::Source(_) => "sound".to_owned(),
            SoundFrom::Card(device) => format!("alsa:{device}"),
        };
        Arc::new(SoundInput::new(name, self.keep_secs, self.wait_nanos, self.freeze))
    }
}

/// Where decoded sound goes.
#[derive(Debug, Clone)]
pub(super) struct SoundTap {
    /// The feed whose sound it is.
    pub feed: String,
    input: Arc<SoundInput>,
    offset_nanos: i64,
    clock: HouseClock,
    /// The first stream that is sound is taken, while it lasts.
    taken: Arc<Mutex<Option<gst::glib::WeakRef<gst::Pad>>>>,
}

impl SoundTap {
    /// The tap for a feed's own sound.
    pub fn of(
        settings: Option<&SoundSettings>,
        input: Option<&Arc<SoundInput>>,
        specs: &[FeedSpec],
        clock: &HouseClock,
    ) -> Result<Option<Self>, CaptureError> {
        let (Some(settings), Some(input)) = (settings, input) else { return Ok(None) };
        let SoundFrom::Feed(feed) = &settings.from else { return Ok(None) };
        if !specs.iter().any(|spec| spec.name == *feed) {
            let names = specs.iter().map(|s| s.name.as_str()).collect::<Vec<_>>().join(", ");
            return Err(CaptureError::Feed {
                feed: feed.clone(),
                reason: format!("its sound is wanted, and there is no such feed. Name one of {names}"),
            });
        }
        Ok(Some(Self::new(feed.clone(), input, settings.offset_nanos, clock)))
    }

    fn new(feed: String, input: &Arc<SoundInput>, offset_nanos: i64, clock: &HouseClock) -> Self {
        Self { feed, input: Arc::clone(input), offset_nanos, clock: clock.clone(), taken: Arc::default() }
    }

    /// Whether a stream is sound, and the first.
    pub fn takes(&self, caps: &gst::CapsRef) -> bool {
        let is_sound = caps.structure(0).is_some_and(|s| s.name().starts_with("audio/"));
        is_sound && self.taken.lock().as_ref().and_then(gst::glib::WeakRef::upgrade).is_none_or(|pad| pad.parent().is_none())
    }

    /// Decodes what comes from `pad`; `time` says when running time (nanoseconds) was on the house clock, and may wait until then; `None`
    /// leaves it out. Sound that cannot be decoded is complained of and left out from there on: the pictures beside it go on. `is_live`:
    /// sound that its decoder has no time for is left out rather than waited for.
    pub fn attach(
        &self,
        pipeline: &gst::Pipeline,
        pad: &gst::Pad,
        is_live: bool,
        time: impl Fn(i64) -> Option<MediaTime> + Send + Sync + 'static,
    ) {
        *self.taken.lock() = Some(pad.downgrade());
        if let Err(e) = self.attached(pipeline, pad, is_live, Arc::new(time)) {
            self.complain(format!("its sound cannot be read: {e}"));
        }
    }

    fn complain(&self, problem: String) {
        tracing::warn!(sound = self.input.name, "{problem}");
        self.input.set_problem(Some(problem));
    }

    fn attached(
        &self,
        pipeline: &gst::Pipeline,
        pad: &gst::Pad,
        is_live: bool,
        time: Arc<dyn Fn(i64) -> Option<MediaTime> + Send + Sync>,
    ) -> Result<(), String> {
        let tail = self.tail(time, is_live).map_err(|e| e.to_string())?;
        let tap = self.clone();
        decode_apart(pipeline, pad, (&tail, is_live), move |cause| {
            tap.complain(format!(
                "the sound of {} cannot be decoded: {cause}. Its pictures go on without. Check the sender's sound, or convert it to AAC or PCM",
                tap.feed
            ));
        })
    }

    /// From any uncompressed sound into the ring.
    fn tail(&self, time: Arc<dyn Fn(i64) -> Option<MediaTime> + Send + Sync>, is_live: bool) -> Result<Vec<gst::Element>, CaptureError> {
        let (input, offset_nanos, clock) = (Arc::clone(&self.input), self.offset_nanos, self.clock.clone());
        let ahead = AtomicBool::new(false);
        stereo_tail(move |running, block| {
            let Some(at) = time(running) else { return };
            let at = at.plus_nanos(offset_nanos);
            if is_live && at - clock.now() > MOST_AHEAD_NANOS {
                // In the ring it would keep all sound out until then.
                if !ahead.swap(true, Ordering::Relaxed) {
                    let secs = (at - clock.now()) as f64 * 1e-9;
                    let problem = format!("its sound is {secs:.1} s ahead of now and is left out. Check the sender's clock, and offset_ms");
                    tracing::warn!(sound = input.name, "{problem}");
                    input.set_problem(Some(problem));
                }
                return;
            }
            ahead.store(false, Ordering::Relaxed);
            input.ring.write(at, block);
            if input.problem().is_some() {
                input.set_problem(None);
            }
        })
    }
}

/// Decodes what comes from `pad` into `tail` ([`stereo_tail`]), in a running pipeline. What goes wrong there is told once to `broke`; it is no error of
/// the pipeline, and whoever sends to `pad` does not hear of it: the same element sends pictures.
pub(super) fn decode_apart(
    pipeline: &gst::Pipeline,
    pad: &gst::Pad,
    (tail, is_live): (&[gst::Element], bool),
    broke: impl Fn(String) + Send + Sync + 'static,
) -> Result<(), String> {
    let refused = |e: gst::glib::BoolError| e.to_string();
    let queue = element("queue", "sound").map_err(|e| e.to_string())?;
    queue.set_property("max-size-buffers", 0_u32);
    queue.set_property("max-size-bytes", 0_u32);
    queue.set_property("max-size-time", WAITING_NANOS);
    if is_live {
        queue.set_property_from_str("leaky", "downstream");
    }
    let decode = element("decodebin", "decoding sound").map_err(|e| e.to_string())?;
    // Its messages go nowhere ([`keep_apart`]), so its parent does not learn that the decoder was late: it goes on to its own state by itself. Without
    // this it stays paused, and nothing is heard.
    let apart = gst::Bin::builder().async_handling(true).build();
    apart.add_many([&queue, &decode]).map_err(refused)?;
    apart.add_many(tail).map_err(refused)?;
    gst::Element::link_many(tail).map_err(refused)?;
    queue.link(&decode).map_err(refused)?;
    let first = tail.first().cloned().ok_or("nothing to decode into")?;
    decode.connect_pad_added(move |_, pad| {
        if let Some(target) = first.static_pad("sink").filter(|target| !target.is_linked()) {
            pad.link(&target).ok();
        }
    });
    let inner = queue.static_pad("sink").ok_or("a queue without an input")?;
    let is_broken = Arc::new(AtomicBool::new(false));
    let swallow = |broken: Arc<AtomicBool>, done: Result<gst::FlowSuccess, gst::FlowError>| match done {
        Err(gst::FlowError::Flushing) if !broken.load(Ordering::Relaxed) => Err(gst::FlowError::Flushing),
        _ => Ok(gst::FlowSuccess::Ok),
    };
    let (of_buffers, of_lists) = (Arc::clone(&is_broken), Arc::clone(&is_broken));
    let entry = gst::GhostPad::builder_with_target(&inner)
        .map_err(refused)?
        .name("sink")
        .chain_function(move |pad, parent, buffer| {
            if of_buffers.load(Ordering::Relaxed) {
                return Ok(gst::FlowSuccess::Ok);
            }
            swallow(Arc::clone(&of_buffers), gst::ProxyPad::chain_default(pad, parent, buffer))
        })
        .chain_list_function(move |pad, parent, list| {
            if of_lists.load(Ordering::Relaxed) {
                return Ok(gst::FlowSuccess::Ok);
            }
            swallow(Arc::clone(&of_lists), gst::ProxyPad::chain_list_default(pad, parent, list))
        })
        .build();
    // A track that goes takes its decoder along.
    let bin = apart.downgrade();
    let leaving = Arc::clone(&is_broken);
    entry.connect_unlinked(move |_, _| {
        if let Some(bin) = bin.upgrade().filter(|_| !leaving.swap(true, Ordering::Relaxed)) {
            bin.call_async(leave);
        }
    });
    apart.add_pad(&entry).map_err(refused)?;
    pipeline.add(&apart).map_err(refused)?;
    keep_apart(&apart, is_broken, broke);
    apart.sync_state_with_parent().map_err(refused)?;
    pad.link(&entry).map_err(|e| format!("{e:?}")).map(|_| ())
}

/// The bin's messages go no further: an error of sound is no error of its camera. It then leaves the pipeline.
fn keep_apart(apart: &gst::Bin, is_broken: Arc<AtomicBool>, broke: impl Fn(String) + Send + Sync + 'static) {
    let bus = gst::Bus::new();
    let bin = apart.downgrade();
    bus.set_sync_handler(move |_, message| {
        if let gst::MessageView::Error(error) = message.view()
            && !is_broken.swap(true, Ordering::Relaxed)
        {
            broke(error.error().to_string().trim_end_matches('.').to_owned());
            if let Some(bin) = bin.upgrade() {
                // Not on this thread, which is one of the bin's own.
                bin.call_async(leave);
            }
        }
        gst::BusSyncReply::Drop
    });
    apart.set_bus(Some(&bus));
}

/// The elements from any uncompressed sound to blocks of it, with the running time at which they begin, nanoseconds.
pub(super) fn stereo_tail(take: impl Fn(i64, &[Stereo]) + Send + Sync + 'static) -> Result<Vec<gst::Element>, CaptureError> {
    let caps = gst::Caps::builder("audio/x-raw")
        .field("format", "S16LE")
        .field("layout", "interleaved")
        .field("rate", RATE as i32)
        .field("channels", 2)
        .build();
    let on_sample = move |sink: &gst_app::AppSink| {
        let sample = sink.pull_sample().map_err(|_eos| gst::FlowError::Eos)?;
        let Some(buffer) = sample.buffer() else { return Ok(gst::FlowSuccess::Ok) };
        let segment = sample.segment().and_then(|s| s.downcast_ref());
        let Some(running) = segment.zip(buffer.pts()).and_then(|(s, t)| running_nanos(s, t)) else { return Ok(gst::FlowSuccess::Ok) };
        let Ok(map) = buffer.map_readable() else { return Ok(gst::FlowSuccess::Ok) };
        let block: Vec<Stereo> =
            map.chunks_exact(4).map(|b| [i16::from_le_bytes([b[0], b[1]]), i16::from_le_bytes([b[2], b[3]])]).collect();
        take(running, &block);
        Ok(gst::FlowSuccess::Ok)
    };
    let sink = gst_app::AppSink::builder()
        .sync(false)
        .async_(false)
        .max_buffers(16)
        .callbacks(gst_app::AppSinkCallbacks::builder().new_sample(on_sample).build())
        .build();
    Ok(vec![element("audioconvert", "sound")?, element("audioresample", "sound")?, filter(&caps)?, sink.upcast()])
}

/// Takes sound that broke out of its pipeline.
fn leave(apart: &gst::Bin) {
    if let Some(entry) = apart.static_pad("sink")
        && let Some(before) = entry.peer()
    {
        before.unlink(&entry).ok();
    }
    apart.set_locked_state(true);
    apart.set_state(gst::State::Null).ok();
    if let Some(pipeline) = apart.parent().and_then(|p| p.downcast::<gst::Bin>().ok()) {
        pipeline.remove(apart).ok();
    }
}

/// The thread of an address; ends when dropped.
#[derive(Debug)]
pub(super) struct SoundThread {
    stop: Arc<Pacer>,
    /// With what is closed when it is over.
    thread: Option<(JoinHandle<()>, Receiver<()>)>,
}

impl SoundThread {
    /// Starts it where the settings name an address.
    pub fn start(
        settings: Option<&SoundSettings>,
        input: Option<&Arc<SoundInput>>,
        clock: &HouseClock,
    ) -> Result<Option<Self>, CaptureError> {
        let (Some(settings), Some(input)) = (settings, input) else { return Ok(None) };
        if matches!(settings.from, SoundFrom::Feed(_) | SoundFrom::Pushed(_)) {
            return Ok(None);
        }
        let stop = Arc::new(Pacer::default());
        let keeper = Keeper {
            from: settings.from.clone(),
            tap: SoundTap::new(input.name.clone(), input, settings.offset_nanos, clock),
            clock: clock.clone(),
            stop: Arc::clone(&stop),
        };
        let name = "sound".to_owned();
        Self::run(name, stop, move || keeper.run()).map(Some)
    }

    fn run(name: String, stop: Arc<Pacer>, work: impl FnOnce() + Send + 'static) -> Result<Self, CaptureError> {
        let (over, is_over) = bounded(1);
        let all = move || {
            work();
            // Its end is told by the channel's closing.
            drop(over);
        };
        let thread = std::thread::Builder::new().name(name.clone()).spawn(all);
        Ok(Self { stop, thread: Some((thread.map_err(|source| CaptureError::Thread { name, source })?, is_over)) })
    }

    /// Asks it to end; dropping waits for it.
    pub fn stop(&self) {
        self.stop.stop();
    }
}

impl Drop for SoundThread {
    fn drop(&mut self) {
        self.stop.stop();
        let Some((thread, is_over)) = self.thread.take() else { return };
        // Nothing is ever sent: the channel closes, or time is over.
        if is_over.recv_timeout(STOP_WITHIN) == Err(crossbeam::channel::RecvTimeoutError::Timeout) {
            tracing::warn!("the source of sound does not stop within {} s; it is left behind", STOP_WITHIN.as_secs());
        } else if thread.join().is_err() {
            tracing::warn!("the thread of the sound panicked");
        }
    }
}

struct Keeper {
    from: SoundFrom,
    tap: SoundTap,
    clock: HouseClock,
    stop: Arc<Pacer>,
}

impl Keeper {
    fn run(&self) {
        let mut backoff = BACKOFF_FIRST;
        loop {
            let begun = Instant::now();
            let problem = match self.connection() {
                Ok(()) => return,
                Err(problem) => problem,
            };
            if problem == ENDED
                && let SoundFrom::Source(FeedSource::File { pace, .. }) = &self.from
            {
                // A file is over, or begins again.
                match pace {
                    Pace::Live { looped: true } if begun.elapsed() > BACKOFF_FIRST => continue,
                    Pace::Live { looped: true } => {}
                    _ => return,
                }
            }
            let problem = match &self.from {
                SoundFrom::Source(FeedSource::Stream(stream)) => stream.redact(&problem),
                _ => problem,
            };
            self.tap.complain(format!("{}: {problem}", self.tap.input.name));
            if begun.elapsed() > 2 * STALL {
                backoff = BACKOFF_FIRST;
            }
            if !self.stop.wait(backoff.as_nanos() as i64) || self.stop.is_stopped() {
                return;
            }
            backoff = (backoff * 2).min(BACKOFF_LAST);
        }
    }

    /// The elements that bring it, and how its times become house time.
    fn source(&self) -> Result<(Vec<gst::Element>, Rule), CaptureError> {
        let wrong = |reason: &str| CaptureError::Feed { feed: self.tap.input.name.clone(), reason: reason.to_owned() };
        match &self.from {
            SoundFrom::Source(FeedSource::Stream(stream)) => sound_source(stream),
            SoundFrom::Source(FeedSource::File { path, pace: Pace::Live { .. } }) => {
                let file = element("filesrc", "reading files")?;
                file.set_property("location", PathBuf::from(path).to_string_lossy().as_ref());
                Ok((vec![file], Rule::Paced))
            }
            SoundFrom::Card(device) => {
                let card = element("alsasrc", "sound cards")?;
                if !device.is_empty() {
                    card.set_property("device", device);
                }
                Ok((vec![card], Rule::Running))
            }
            _ => Err(wrong("there is no sound in such an address. Name a stream, a file or alsa:DEVICE")),
        }
    }

    /// Until it breaks, or the session ends (`Ok`).
    fn connection(&self) -> Result<(), String> {
        let (elements, rule) = self.source().map_err(|e| e.to_string())?;
        let pipeline = gst::Pipeline::new();
        let stamp = Mutex::new(HouseStamp::new(rule, self.clock.govern(&pipeline)));
        let (broken, told) = bounded(4);
        let refused = |e: gst::glib::BoolError| format!("its pipeline cannot be built: {e}");
        let decode = element("decodebin", "finding the sound").map_err(|e| e.to_string())?;
        // Pictures are not decoded.
        decode.set_property("caps", gst::Caps::builder("audio/x-raw").build());
        decode.set_property("expose-all-streams", false);
        pipeline.add_many(&elements).map_err(refused)?;
        pipeline.add(&decode).map_err(refused)?;
        gst::Element::link_many(&elements).map_err(refused)?;
        let last = elements.last().ok_or("it has no source")?;
        if last.static_pad("src").is_some() {
            last.link(&decode).map_err(refused)?;
        } else {
            let decode = decode.clone();
            last.connect_pad_added(move |_, pad| {
                if let Some(target) = decode.static_pad("sink").filter(|target| !target.is_linked()) {
                    pad.link(&target).ok();
                }
            });
        }
        let (clock, stop) = (self.clock.clone(), Arc::clone(&self.stop));
        let time: Arc<dyn Fn(i64) -> Option<MediaTime> + Send + Sync> = Arc::new(move |running| {
            let now = clock.now();
            let (origin, paced) = {
                let mut stamp = stamp.lock();
                (stamp.origin(running, now), stamp.rule() == Rule::Paced)
            };
            let at = origin.plus_nanos(running);
            (!paced || stop.wait(at - now)).then_some(at)
        });
        let tail = self.tap.tail(time, true).map_err(|e| e.to_string())?;
        pipeline.add_many(&tail).map_err(refused)?;
        gst::Element::link_many(&tail).map_err(refused)?;
        let first = tail[0].clone();
        decode.connect_pad_added(move |_, pad| {
            if let Some(target) = first.static_pad("sink").filter(|target| !target.is_linked()) {
                pad.link(&target).ok();
            }
        });
        watch(&pipeline, broken);
        if let Err(e) = pipeline.set_state(gst::State::Playing) {
            let told = told.try_recv().unwrap_or_else(|_none| e.to_string());
            pipeline.set_state(gst::State::Null).ok();
            return Err(told);
        }
        let outcome = self.wait(&told);
        if let Some(bus) = pipeline.bus() {
            bus.unset_sync_handler();
        }
        pipeline.set_state(gst::State::Null).ok();
        outcome
    }

    fn wait(&self, told: &Receiver<String>) -> Result<(), String> {
        let end = || self.tap.input.ring.span().map(|(_, end)| end);
        let (mut newest, mut since) = (end(), Instant::now());
        loop {
            if let Ok(problem) = told.recv_timeout(Duration::from_millis(100)) {
                return if self.stop.is_stopped() { Ok(()) } else { Err(problem) };
            }
            if self.stop.is_stopped() {
                return Ok(());
            }
            if end() != newest {
                (newest, since) = (end(), Instant::now());
            }
            if since.elapsed() > STALL {
                return Err(format!("no sound for {} s. Check the sender, and that it sends sound", STALL.as_secs()));
            }
        }
    }
}

fn watch(pipeline: &gst::Pipeline, broken: Sender<String>) {
    let Some(bus) = pipeline.bus() else { return };
    bus.set_sync_handler(move |_, message| {
        match message.view() {
            gst::MessageView::Error(e) => {
                broken.try_send(format!("{}. Check the address and the sender", e.error())).ok();
            }
            gst::MessageView::Eos(_) => {
                broken.try_send(ENDED.to_owned()).ok();
            }
            _ => {}
        }
        gst::BusSyncReply::Drop
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_that_hangs_is_left_behind() {
        let (let_go, hangs) = bounded::<()>(0);
        let (told, ended) = bounded(1);
        let work = move || {
            hangs.recv().ok();
            told.send(()).ok();
        };
        let thread = SoundThread::run("sound".to_owned(), Arc::default(), work).unwrap();
        // With an endless wait this never came back.
        drop(thread);
        assert!(ended.is_empty());
        drop(let_go);
        assert!(ended.recv().is_ok());
    }
}
