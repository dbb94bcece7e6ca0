//! The owner of all feeds: clock, ring, pipelines, previews and decoders.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam::channel::{Receiver, RecvTimeoutError, Sender, bounded};

use super::clock::{ClockReference, HouseClock};
use super::decode::{FeedFormats, MomentDecoder};
use super::error::CaptureError;
use super::feed::{FeedShared, FeedSource, FeedSpec, FeedStatus};
use super::file::{FeedEvent, FileFeed};
use super::ingest::Ingest;
use super::node::{NodeSpec, NodeStatus, Nodes, Surroundings};
use super::preview::{self, PreviewConfig, PreviewFrame, Previews};
use super::push::{LiveInput, PushFeed};
use super::record::{DiskStatus, Recorder, Recording};
use super::sound::{SoundSettings, SoundTap, SoundThread};
use super::stream::StreamFeed;
use crate::frame::Moment;
use crate::ring::disk::{DiskConfig, DiskStore, Kept};
use crate::ring::{FeedId, Ring, RingConfig};
use crate::sound::SoundInput;
use crate::time::MediaTime;

/// How long a file may take to show its first frame.
const OPEN_TIMEOUT: Duration = Duration::from_secs(10);
/// Files begin this long after the last of them is open, so that all begin together.
const START_DELAY_NANOS: i64 = 50_000_000;

/// Settings of a session.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CaptureConfig {
    /// Bounds of the ring.
    pub ring: RingConfig,
    /// Cost of the multiview.
    pub preview: PreviewConfig,
    /// Recording to disk; `None` keeps everything in memory only.
    pub disk: Option<DiskConfig>,
    /// Whose clock house time is counted by.
    pub clock: ClockReference,
    /// Machines that have some of the cameras.
    pub nodes: Vec<NodeSpec>,
    /// The sound input.
    pub sound: Option<SoundSettings>,
}

#[derive(Debug)]
enum Running {
    File(Arc<FileFeed>),
    Push(PushFeed),
    Stream(StreamFeed),
    /// It could not be opened; its status says why.
    None,
}

/// All feeds of a show, running. Dropping it stops them.
#[derive(Debug)]
pub struct CaptureSession {
    clock: HouseClock,
    ring: Arc<Ring>,
    formats: Arc<FeedFormats>,
    decoder: Arc<MomentDecoder>,
    feeds: Vec<(Arc<FeedShared>, Running)>,
    previews: Arc<Previews>,
    nodes: Option<Arc<Nodes>>,
    recording: Option<Arc<Recording>>,
    sound: Option<Arc<SoundInput>>,
    sound_thread: Option<SoundThread>,
    stop: Arc<AtomicBool>,
    events_lossless: Sender<FeedEvent>,
    threads: Vec<JoinHandle<()>>,
}

impl CaptureSession {
    /// Opens and starts all feeds. A feed that cannot be opened does not stop the others: its status is `Failed` and says
    /// why. Files begin together: their first frames share one house time.
    pub fn start(config: CaptureConfig, specs: &[FeedSpec]) -> Result<Self, CaptureError> {
        super::init()?;
        let mut names = BTreeSet::new();
        for spec in specs {
            if !names.insert(&spec.name) {
                return Err(CaptureError::DuplicateName { name: spec.name.clone() });
            }
        }
        let formats = Arc::new(FeedFormats::default());
        let (clock, recording) = match config.disk {
            Some(disk) => {
                let names = specs.iter().map(|spec| spec.name.as_str().into()).collect();
                let (clock, recording) = Recording::open(disk, &config.clock, names, &formats)?;
                (clock, Some(Arc::new(recording)))
            }
            None => (HouseClock::continuing(&config.clock, MediaTime::ZERO), None),
        };
        let ring = Arc::new(Ring::new(config.ring));
        let sound = config.sound.as_ref().map(SoundSettings::input);
        let tap = SoundTap::of(config.sound.as_ref(), sound.as_ref(), specs, &clock)?;
        // One end per feed at a time, and the stop: never full.
        let (events_lossless, events) = bounded(specs.len() + 1);
        let mut feeds = Vec::new();
        for (index, spec) in specs.iter().enumerate() {
            let interval = if let FeedSource::Push(settings) = &spec.source { settings.rate.interval_nanos() } else { 0 };
            let id = ring.add_feed(&spec.name, interval);
            let shared = Arc::new(FeedShared::new(&spec.name, id, spec.clock_offset_nanos));
            if let FeedSource::Node { .. } = spec.source {
                feeds.push((shared, Running::None));
                continue;
            }
            let (ring, formats) = (Arc::clone(&ring), Arc::clone(&formats));
            let ingest = Arc::new(Ingest::new(
                ring,
                Arc::clone(&shared),
                formats,
                clock.clone(),
                spec.late_after_nanos,
                spec.make_intra,
                recording.clone(),
                tap.clone().filter(|tap| tap.feed == spec.name),
            ));
            let opened = |file| match file {
                Ok(file) => Running::File(file),
                Err(CaptureError::Feed { reason, .. }) => {
                    shared.fail(reason);
                    Running::None
                }
                Err(other) => {
                    shared.fail(other.to_string());
                    Running::None
                }
            };
            let running = match &spec.source {
                FeedSource::File { path, pace } => opened(FileFeed::open(index, path, *pace, &ingest, events_lossless.clone())),
                FeedSource::Images { pattern, rate, pace } => {
                    opened(FileFeed::open_images(index, (pattern, *rate), *pace, &ingest, events_lossless.clone()))
                }
                FeedSource::Stream(source) => Running::Stream(StreamFeed::start(source, &ingest)?),
                FeedSource::Push(settings) => Running::Push(PushFeed::open(settings, &ingest)?),
                FeedSource::Node { .. } => Running::None,
            };
            feeds.push((shared, running));
        }
        let previews = Arc::new(Previews::new(feeds.len()));
        let mut decoder = MomentDecoder::new(Arc::clone(&ring), Arc::clone(&formats));
        if let Some(recorder) = recording.as_ref().and_then(|recording| recording.recorder()) {
            decoder = decoder.with_disk(Arc::clone(recorder.store()));
        }
        let around = Surroundings { clock: clock.clone(), ring: Arc::clone(&ring), formats: Arc::clone(&formats) };
        let nodes = start_nodes(&config.nodes, specs, &feeds, &around)?;
        if let Some(nodes) = &nodes {
            decoder = decoder.with_nodes(Arc::clone(nodes));
        }
        let decoder = Arc::new(decoder);
        let clock_of_sound = clock.clone();
        let mut session = Self {
            clock,
            ring,
            formats,
            decoder,
            feeds,
            previews,
            nodes,
            recording,
            sound_thread: SoundThread::start(config.sound.as_ref(), sound.as_ref(), &clock_of_sound)?,
            sound,
            stop: Arc::new(AtomicBool::new(false)),
            events_lossless,
            threads: Vec::new(),
        };
        session.start_files(events)?;
        session.begin_late()?;
        if config.preview.enabled {
            let (ring, formats) = (Arc::clone(&session.ring), Arc::clone(&session.formats));
            let (previews, stop) = (Arc::clone(&session.previews), Arc::clone(&session.stop));
            let here = |(shared, _): &(Arc<FeedShared>, Running)| (!session.is_remote(shared.id)).then_some(shared.id);
            let feeds: Vec<FeedId> = session.feeds.iter().filter_map(here).collect();
            session.spawn("capture-preview", move || preview::run(&ring, &formats, (&previews, &feeds), &config.preview, &stop))?;
        }
        Ok(session)
    }

    fn spawn(&mut self, name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), CaptureError> {
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(work);
        self.threads.push(thread.map_err(|source| CaptureError::Thread { name: name.to_owned(), source })?);
        Ok(())
    }

    /// A folder that cannot be used yet is tried again.
    fn begin_late(&mut self) -> Result<(), CaptureError> {
        let Some(recording) = self.recording.clone().filter(|recording| recording.recorder().is_none()) else { return Ok(()) };
        let (clock, decoder, stop) = (self.clock.clone(), Arc::clone(&self.decoder), Arc::clone(&self.stop));
        self.spawn("disk-begin", move || recording.begin_late(&clock, &stop, |store| decoder.set_disk(store)))
    }

    fn start_files(&mut self, events: Receiver<FeedEvent>) -> Result<(), CaptureError> {
        let files: Vec<Option<Arc<FileFeed>>> =
            self.feeds.iter().map(|(_, running)| if let Running::File(file) = running { Some(Arc::clone(file)) } else { None }).collect();
        files.iter().flatten().for_each(|file| file.begin_preroll());
        let deadline = Instant::now() + OPEN_TIMEOUT;
        let ready: Vec<&Arc<FileFeed>> = files.iter().flatten().filter(|file| file.finish_preroll(deadline)).collect();
        let declared: Vec<Option<i64>> = files.iter().map(|file| file.as_ref().and_then(|file| file.declared_nanos())).collect();
        let start = self.clock.now().plus_nanos(START_DELAY_NANOS);
        for file in ready {
            file.play(start.plus_nanos(file.ingest.shared.clock_offset_nanos));
        }
        self.spawn("capture-control", move || Control { files, declared, waiting: BTreeSet::new(), period_nanos: None }.run(&events))
    }

    /// House time now.
    pub fn house_now(&self) -> MediaTime {
        self.clock.now()
    }

    /// The house clock.
    pub const fn clock(&self) -> &HouseClock {
        &self.clock
    }

    /// Shifts a feed's times by so much more from now on, nanoseconds: for a camera that is seen to run early (negative: its times are
    /// too late) or late. Frames that are recorded keep their times. It gets there within seconds, a little with each frame, so that
    /// frames keep their order. Returns the feed's whole offset.
    pub fn nudge(&self, feed: FeedId, by_nanos: i64) -> Result<i64, String> {
        let (shared, _) = self.feeds.get(feed.0).ok_or("there is no such feed")?;
        shared.nudge(by_nanos)
    }

    /// The sound input.
    pub const fn sound(&self) -> Option<&Arc<SoundInput>> {
        self.sound.as_ref()
    }

    /// The ring.
    pub const fn ring(&self) -> &Arc<Ring> {
        &self.ring
    }

    /// The formats of the streams in the ring, for a decoder of one's own.
    pub const fn formats(&self) -> &Arc<FeedFormats> {
        &self.formats
    }

    /// The session's moment decoder; its decoders stay warm.
    pub const fn decoder(&self) -> &Arc<MomentDecoder> {
        &self.decoder
    }

    /// How every feed fares, in the order of the specs. Cheap: counters and one short lock per feed.
    pub fn status(&self) -> Vec<FeedStatus> {
        self.feeds.iter().map(|(shared, _)| shared.status()).collect()
    }

    /// How recording to disk fares.
    pub fn disk_status(&self) -> DiskStatus {
        self.recording.as_ref().map_or_else(DiskStatus::default, |recording| recording.status())
    }

    /// The recording folder, once there is recording.
    pub fn disk(&self) -> Option<&Arc<DiskStore>> {
        self.recorder().map(|recorder| recorder.store())
    }

    fn recorder(&self) -> Option<&Arc<Recorder>> {
        self.recording.as_ref()?.recorder()
    }

    /// Whether a node has this feed.
    pub fn is_remote(&self, feed: FeedId) -> bool {
        self.nodes.as_ref().is_some_and(|nodes| nodes.has(feed))
    }

    /// How the nodes fare, in the order of the settings.
    pub fn nodes(&self) -> Vec<NodeStatus> {
        self.nodes.as_ref().map(|nodes| nodes.status()).unwrap_or_default()
    }

    /// The node of a feed.
    pub fn node_of(&self, feed: FeedId) -> Option<NodeStatus> {
        self.nodes.as_ref()?.status_of(feed)
    }

    /// Oldest instant of a feed that its node has.
    pub fn oldest_on_node(&self, feed: FeedId) -> Option<MediaTime> {
        self.nodes.as_ref()?.oldest(feed)
    }

    /// This feed is shown at full rate: if it is a node's, its units come from now on.
    pub fn watch(&self, feed: FeedId) {
        if let Some(nodes) = &self.nodes {
            nodes.watch(feed);
        }
    }

    /// The same for a second channel; `None`: for nobody.
    pub fn watch_second(&self, feed: Option<FeedId>) {
        if let Some(nodes) = &self.nodes {
            nodes.watch_second(feed);
        }
    }

    /// Keeps a range in the rings of the nodes, until it is forgotten; the ring here is its owner's matter.
    pub fn pin_on_nodes(&self, id: u64, from: MediaTime, until: MediaTime) {
        if let Some(nodes) = &self.nodes {
            nodes.pin(id, from, until);
        }
    }

    /// Keeps a range on disk, and its owner's words about it, over restarts, here and on the nodes; without recording nothing happens.
    /// Never waits.
    pub fn keep(&self, kept: Kept) -> Result<(), String> {
        if let Some(nodes) = &self.nodes {
            nodes.keep(&kept);
        }
        self.recording.as_ref().map_or(Ok(()), |recording| recording.keep(kept))
    }

    /// Keeps it no longer.
    pub fn forget(&self, id: u64) -> Result<(), String> {
        if let Some(nodes) = &self.nodes {
            nodes.forget(id);
        }
        self.recording.as_ref().map_or(Ok(()), |recording| recording.forget(id))
    }

    /// Where to put the pictures of a pushed feed.
    pub fn input(&self, name: &str) -> Option<LiveInput> {
        self.feeds.iter().find_map(|(shared, running)| match running {
            Running::Push(push) if &*shared.name == name => Some(push.input.clone()),
            _ => None,
        })
    }

    /// The newest small picture of a feed.
    pub fn preview(&self, feed: FeedId) -> Option<Arc<PreviewFrame>> {
        self.nodes.as_ref().filter(|nodes| nodes.has(feed)).map_or_else(|| self.previews.get(feed), |nodes| nodes.preview(feed))
    }

    /// The moment at `instant`: one picture per camera, decoded in parallel; who has no honest frame is left out by name.
    /// A feed that failed says its own reason.
    pub fn moment(&self, instant: MediaTime) -> Moment {
        let mut moment = self.decoder.decode(instant);
        for (name, why) in &mut moment.left_out {
            let away =
                |shared: &FeedShared| shared.has_failed() || (shared.is_reconnecting() && shared.newest().is_none_or(|at| at < instant));
            let failed = self.feeds.iter().find(|(shared, _)| **name == *shared.name && away(shared));
            if let Some(cause) = failed.and_then(|(shared, _)| shared.status().last_error) {
                *why = cause;
            }
        }
        moment
    }

    /// Waits until `done` says so of the feeds, or `timeout` is over; true when done.
    pub fn wait_until(&self, timeout: Duration, done: impl Fn(&[FeedStatus]) -> bool) -> bool {
        let deadline = Instant::now() + timeout;
        while Instant::now() < deadline {
            if done(&self.status()) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        done(&self.status())
    }

    /// Stops all feeds. The ring stays as it is, for whoever holds it.
    pub fn stop(&mut self) {
        if self.stop.swap(true, Ordering::Relaxed) {
            return;
        }
        if let Some(nodes) = &self.nodes {
            nodes.stop();
        }
        if let Some(sound) = &self.sound_thread {
            sound.stop();
        }
        if self.events_lossless.try_send(FeedEvent::Stop).is_err() {
            tracing::debug!("the control thread is gone already");
        }
        for (_, running) in &self.feeds {
            match running {
                Running::File(file) => file.stop(),
                Running::Stream(stream) => stream.stop(),
                Running::Push(_) | Running::None => {}
            }
        }
        // All of them were asked first: those who need a moment to hang up do so together.
        for (_, running) in &self.feeds {
            if let Running::Stream(stream) = running {
                stream.finish();
            }
        }
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::warn!("a capture thread panicked");
            }
        }
        if let Some(recorder) = self.recorder() {
            recorder.stop();
        }
        // Last: what was recorded is safe, whatever the source of sound does.
        self.sound_thread.take();
    }
}

/// Calls the nodes that have some of the feeds.
fn start_nodes(
    nodes: &[NodeSpec],
    specs: &[FeedSpec],
    feeds: &[(Arc<FeedShared>, Running)],
    around: &Surroundings,
) -> Result<Option<Arc<Nodes>>, CaptureError> {
    if nodes.is_empty() {
        return Ok(None);
    }
    let node_of = |spec: &FeedSpec| if let FeedSource::Node { node } = &spec.source { Some(node.clone()) } else { None };
    let feeds: Vec<_> = feeds.iter().zip(specs).map(|((shared, _), spec)| (Arc::clone(shared), node_of(spec))).collect();
    Ok(Some(Arc::new(Nodes::start(nodes, &feeds, around)?)))
}

impl Drop for CaptureSession {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Ends files or begins them again.
struct Control {
    files: Vec<Option<Arc<FileFeed>>>,
    declared: Vec<Option<i64>>,
    /// Looped files that ended their first round before the longest of them did.
    waiting: BTreeSet<usize>,
    /// One period for all looped files, so that frames of later rounds align as well: what the longest of them turned out
    /// to last in the first round (what files declare is often a few frames off).
    period_nanos: Option<i64>,
}

impl Control {
    fn run(mut self, events: &Receiver<FeedEvent>) {
        loop {
            match events.recv_timeout(Duration::from_millis(50)) {
                Ok(FeedEvent::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                Ok(FeedEvent::EndOfFile(index)) => {
                    let Some(Some(file)) = self.files.get(index) else { continue };
                    if !file.has_ended(self.declared[index]) {
                        match self.period_nanos {
                            Some(period) => file.begin_again(period),
                            None => {
                                self.waiting.insert(index);
                            }
                        }
                    }
                }
                // A file that failed is not waited for any longer.
                Err(RecvTimeoutError::Timeout) => {}
            }
            if self.period_nanos.is_none() && !self.waiting.is_empty() {
                self.end_first_round();
            }
        }
    }

    fn end_first_round(&mut self) {
        let looped = self.files.iter().enumerate().filter_map(|(i, file)| Some((i, file.as_ref()?)));
        let looped: Vec<_> = looped.filter(|(_, file)| file.loops() && !file.ingest.shared.has_failed()).collect();
        if looped.iter().any(|(i, _)| !self.waiting.contains(i)) {
            return;
        }
        let period = looped.iter().map(|(_, file)| file.length_nanos()).max().unwrap_or(1);
        for (_, file) in &looped {
            file.begin_again(period);
        }
        self.period_nanos = Some(period);
        self.waiting.clear();
    }
}
