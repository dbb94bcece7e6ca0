//! The console's side of one node: what is known of it, and what it is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU16, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

use arc_swap::ArcSwapOption;
use crossbeam::channel::Sender;
use parking_lot::Mutex;

use super::cache::{Cache, Times};
use super::fetch::{Answer, Asked, Requests, unit};
use super::{NodeSpec, NodeStatus};
use crate::capture::clock::HouseClock;
use crate::capture::decode::FeedFormats;
use crate::capture::error::CaptureError;
use crate::capture::feed::FeedShared;
use crate::capture::preview::PreviewFrame;
use crate::capture::record::Note;
use crate::link::{Header, LinkClock};
use crate::ring::disk::Kept;
use crate::ring::{AccessUnit, GopForInstant, Ring};
use crate::time::MediaTime;

/// A range is fetched with what comes after it: what rolls goes on, nanoseconds.
const LOOK_AHEAD_NANOS: i64 = 1_000_000_000;
/// Changes of a camera's offset that are remembered.
const NUDGES: usize = 256;
/// Removed marks that are remembered.
const FORGOTTEN: usize = 512;
/// Units of different runs of a node never follow each other.
const RUN_ORDERS: u64 = 1 << 40;

/// What clients share with their session.
#[derive(Debug, Clone)]
pub(in crate::capture) struct Surroundings {
    pub clock: HouseClock,
    pub ring: Arc<Ring>,
    pub formats: Arc<FeedFormats>,
}

#[derive(Debug)]
pub(super) struct Camera {
    pub(super) shared: Arc<FeedShared>,
    pub(super) preview: ArcSwapOption<PreviewFrame>,
    pub(super) times: Mutex<Times>,
    pub(super) oldest_nanos: AtomicI64,
    /// What the operator added to its times, nanoseconds, and since when on the node's clock: the past stays as it was.
    pub(super) nudges: Mutex<Vec<(i64, i64)>>,
    /// Format of the units that come live.
    pub(super) live_format: AtomicU16,
}

/// Who is at the other end, as of now.
#[derive(Debug, Default)]
pub(super) struct Peer {
    pub(super) run: u64,
    /// Runs so far.
    pub(super) runs: u64,
    /// Camera of the node's list by ours, and ours by the node's.
    pub(super) theirs: Vec<Option<u16>>,
    pub(super) ours: Vec<Option<usize>>,
    /// Its clock is known: it can be asked. Orders and requests go here.
    pub(super) here: Option<(Sender<Header>, Sender<Header>)>,
    pub(super) problem: Option<String>,
    pub(super) warnings: Vec<String>,
    pub(super) ring_bytes: (u64, u64),
    pub(super) pinned_bytes: u64,
    pub(super) connections: u64,
}

#[derive(Debug, Clone)]
pub(super) struct Pin {
    from: MediaTime,
    until: MediaTime,
    data: Option<serde_json::Value>,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) spec: NodeSpec,
    pub(super) around: Surroundings,
    pub(super) console: u64,
    pub(super) cameras: Vec<Camera>,
    pub(super) clock: Mutex<LinkClock>,
    pub(super) peer: Mutex<Peer>,
    pub(super) requests: Requests,
    pub(super) cache: Mutex<Cache>,
    pub(super) pins: Mutex<BTreeMap<u64, Pin>>,
    /// Removed marks: told again when the node comes back, since it may not have heard.
    pub(super) forgotten: Mutex<BTreeSet<u64>>,
    pub(super) live: Mutex<Vec<usize>>,
    pub(super) live_bytes: AtomicU64,
    pub(super) fetched_bytes: AtomicU64,
    pub(super) stop: AtomicBool,
}

/// One node.
#[derive(Debug)]
pub(super) struct NodeClient {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl NodeClient {
    /// Calls it, again and again. `cameras` are the session's feeds that are its.
    pub fn start(spec: &NodeSpec, cameras: Vec<Arc<FeedShared>>, around: &Surroundings) -> Result<Self, CaptureError> {
        let camera = |shared| Camera {
            shared,
            preview: ArcSwapOption::empty(),
            times: Mutex::default(),
            oldest_nanos: AtomicI64::new(i64::MAX),
            nudges: Mutex::default(),
            live_format: AtomicU16::new(0),
        };
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let shared = Arc::new(Shared {
            spec: spec.clone(),
            around: around.clone(),
            console: since.as_nanos() as u64 ^ u64::from(std::process::id()) << 40,
            cameras: cameras.into_iter().map(camera).collect(),
            clock: Mutex::default(),
            peer: Mutex::default(),
            requests: Requests::default(),
            cache: Mutex::default(),
            pins: Mutex::default(),
            forgotten: Mutex::default(),
            live: Mutex::default(),
            live_bytes: AtomicU64::new(0),
            fetched_bytes: AtomicU64::new(0),
            stop: AtomicBool::new(false),
        });
        let calling = Arc::clone(&shared);
        let name = format!("node {}", spec.name);
        let thread = thread::Builder::new().name(name.clone()).spawn(move || calling.run());
        let thread = thread.map_err(|source| CaptureError::Thread { name, source })?;
        Ok(Self { shared, thread: Mutex::new(Some(thread)) })
    }

    /// Asks for what must be decoded to see a camera at an instant.
    pub fn ask_gop(&self, camera: usize, instant: MediaTime) -> Asked {
        let at = self.shared.node_time(camera, instant);
        let (to, their) = self.shared.asked_of(camera);
        self.shared.requests.ask(camera, to.and_then(|to| at.map(|_| to).ok_or_else(unknown_clock)), |id| Header::WantGop {
            id,
            camera: their,
            at: at.unwrap_or(0),
        })
    }

    /// Waits for it.
    pub fn wait(&self, asked: &Asked) -> Result<Vec<AccessUnit>, String> {
        let answer = self.shared.requests.wait(asked).map_err(|why| self.shared.named(&why))?;
        self.shared.understood(asked.camera, answer)
    }

    /// The group of pictures up to the frame at `instant`, of ranges that were fetched before.
    pub fn fetched(&self, camera: usize, instant: MediaTime, interval_nanos: i64) -> Option<GopForInstant> {
        self.shared.cache.lock().gop_for(camera, instant, interval_nanos)
    }

    /// All units of a range.
    pub fn range(&self, camera: usize, from: MediaTime, until: MediaTime) -> Result<Vec<AccessUnit>, String> {
        let shared = &self.shared;
        if let Some(units) = shared.cache.lock().range(camera, from, until) {
            return Ok(units);
        }
        let ahead = until.plus_nanos(LOOK_AHEAD_NANOS);
        let range = shared.node_time(camera, from).zip(shared.node_time(camera, ahead));
        let (to, their) = shared.asked_of(camera);
        let newest = shared.cameras.get(camera).and_then(|c| c.shared.newest());
        let asked = shared.requests.ask(camera, to.and_then(|to| range.map(|_| to).ok_or_else(unknown_clock)), |id| {
            let (from, until) = range.unwrap_or((0, 0));
            Header::WantRange { id, camera: their, from, until }
        });
        let units = self.wait(&asked)?;
        // It is whole only up to what there was when it was asked.
        let whole = ahead.min(newest.unwrap_or(from));
        if from < whole {
            shared.cache.lock().put(camera, (from, whole), units.clone());
        }
        let end = units.iter().rposition(|u| u.pts < until).map_or(0, |last| last + 1);
        Ok(units[..end].to_vec())
    }

    pub fn preview(&self, camera: usize) -> Option<Arc<PreviewFrame>> {
        self.shared.cameras.get(camera)?.preview.load_full()
    }

    pub fn oldest(&self, camera: usize) -> Option<MediaTime> {
        let nanos = self.shared.cameras.get(camera)?.oldest_nanos.load(Ordering::Relaxed);
        (nanos != i64::MAX).then(|| MediaTime::from_nanos(nanos))
    }

    /// These cameras are wanted at full rate.
    pub fn watch(&self, cameras: &[usize]) {
        let before = std::mem::replace(&mut *self.shared.live.lock(), cameras.to_vec());
        if before == cameras {
            return;
        }
        for camera in cameras.iter().filter(|c| !before.contains(c)).filter_map(|c| self.shared.cameras.get(*c)) {
            // What it left there when it was watched before is no past: it has holes.
            self.shared.around.ring.clear_feed(camera.shared.id);
        }
        self.shared.order(self.shared.watch_header());
    }

    pub fn pin(&self, id: u64, from: MediaTime, until: MediaTime) {
        let data = self.shared.pins.lock().get(&id).and_then(|p| p.data.clone());
        self.shared.pins.lock().insert(id, Pin { from, until, data });
        self.shared.forgotten.lock().remove(&id);
        self.shared.tell_pin(id);
    }

    pub fn keep(&self, kept: &Kept) {
        let pin = Pin { from: kept.from, until: kept.until, data: Some(kept.data.clone()) };
        self.shared.pins.lock().insert(kept.id, pin);
        self.shared.forgotten.lock().remove(&kept.id);
        self.shared.tell_pin(kept.id);
    }

    pub fn forget(&self, id: u64) {
        if self.shared.pins.lock().remove(&id).is_some() {
            let mut forgotten = self.shared.forgotten.lock();
            forgotten.insert(id);
            while forgotten.len() > FORGOTTEN {
                forgotten.pop_first();
            }
            drop(forgotten);
            self.shared.order(Header::Forget { id });
        }
    }

    pub fn status(&self) -> NodeStatus {
        let shared = &self.shared;
        let clock = shared.clock.lock().reading();
        let peer = shared.peer.lock();
        let problem = peer.problem.clone().or_else(|| (!peer.warnings.is_empty()).then(|| peer.warnings.join("; ")));
        NodeStatus {
            name: shared.spec.name.clone(),
            address: shared.spec.address.clone(),
            is_here: peer.here.is_some(),
            problem,
            clock: clock.filter(|_| peer.here.is_some()),
            connections: peer.connections,
            live_bytes: shared.live_bytes.load(Ordering::Relaxed),
            fetched_bytes: shared.fetched_bytes.load(Ordering::Relaxed),
            ring_bytes: peer.ring_bytes,
            pinned_bytes: peer.pinned_bytes,
            cameras: shared.cameras.iter().map(|c| Arc::clone(&c.shared.name)).collect(),
        }
    }

    pub fn ask_to_stop(&self) {
        self.shared.stop.store(true, Ordering::Relaxed);
    }

    pub fn stop(&self) {
        self.ask_to_stop();
        if let Some(thread) = self.thread.lock().take()
            && thread.join().is_err()
        {
            tracing::warn!("a node's thread panicked");
        }
    }
}

impl Drop for NodeClient {
    fn drop(&mut self) {
        self.stop();
    }
}

fn unknown_clock() -> String {
    "its clock is not known yet".to_owned()
}

impl Camera {
    /// From here on, what the operator has added counts.
    pub(super) fn take_nudge(&self, at: i64) {
        let wanted = self.shared.nudged_nanos();
        let mut nudges = self.nudges.lock();
        if nudges.last().map_or(0, |(_, nudge)| *nudge) != wanted {
            nudges.push((at.saturating_add(1), wanted));
            let surplus = nudges.len().saturating_sub(NUDGES);
            nudges.drain(..surplus);
        }
    }
}

impl Shared {
    pub(super) fn named(&self, why: &str) -> String {
        format!("node {:?} ({}): {why}", self.spec.name, self.spec.address)
    }

    /// Where requests for a camera go, and its place there.
    fn asked_of(&self, camera: usize) -> (Result<Sender<Header>, String>, u16) {
        let peer = self.peer.lock();
        let Some((_, requests)) = &peer.here else {
            return (Err(peer.problem.clone().unwrap_or_else(|| "it is away; connecting again".to_owned())), 0);
        };
        match peer.theirs.get(camera).copied().flatten() {
            Some(their) => (Ok(requests.clone()), their),
            None => (Err("it has no such camera".to_owned()), 0),
        }
    }

    pub(super) fn order(&self, header: Header) {
        if let Some((orders, _)) = &self.peer.lock().here
            && orders.try_send(header).is_err()
        {
            tracing::warn!("{}", self.named("the way to it is blocked; an order is lost"));
        }
    }

    pub(super) fn watch_header(&self) -> Header {
        let theirs = self.peer.lock().theirs.clone();
        let live = self.live.lock().iter().filter_map(|c| theirs.get(*c).copied().flatten()).collect();
        Header::Watch { previews: true, live }
    }

    pub(super) fn tell_pin(&self, id: u64) {
        let Some(pin) = self.pins.lock().get(&id).cloned() else { return };
        let clock = self.clock.lock();
        // A frame more on each side for what is not known of the clock.
        let slack = clock.reading().map_or(0, |r| r.uncertainty_nanos).saturating_add(50_000_000);
        let range = clock.node_from_console(pin.from.plus_nanos(-slack)).zip(clock.node_from_console(pin.until.plus_nanos(slack)));
        drop(clock);
        let Some((from, until)) = range else { return };
        self.order(Header::Pin { id, from, until });
        if let Some(data) = pin.data {
            self.order(Header::Keep { id, from, until, data });
        }
    }

    /// A camera's time on the node.
    fn node_time(&self, camera: usize, instant: MediaTime) -> Option<i64> {
        let camera = self.cameras.get(camera)?;
        // A frame that was told is asked for by its own time.
        if let Some(at) = camera.times.lock().node_time_of(instant) {
            return Some(at);
        }
        let clock = self.clock.lock();
        let at = |nudge: i64| clock.node_from_console(instant.plus_nanos(-camera.shared.clock_offset_nanos - nudge));
        let nudges = camera.nudges.lock();
        let found = nudges.iter().rev().find_map(|(since, nudge)| at(*nudge).filter(|at| at >= since));
        found.or_else(|| at(0))
    }

    /// A node's time here.
    pub(super) fn time_of(&self, camera: &Camera, at: i64) -> Option<MediaTime> {
        let nudged = camera.nudges.lock().iter().rev().find(|(since, _)| *since <= at).map_or(0, |(_, nudge)| *nudge);
        let offset = camera.shared.clock_offset_nanos + nudged;
        camera.times.lock().of(at, || Some(self.clock.lock().console_from_node(at)?.plus_nanos(offset)))
    }

    /// An answer with the console's times and formats.
    fn understood(&self, camera: usize, answer: Answer) -> Result<Vec<AccessUnit>, String> {
        let base = self.peer.lock().runs.wrapping_mul(RUN_ORDERS);
        let camera = self.cameras.get(camera).ok_or("there is no such camera")?;
        let known = |note: &String| Note::read(note).map(|s| self.around.formats.add(camera.shared.id, &s.caps, s.codec));
        let formats: Vec<Option<u16>> = answer.notes.iter().map(known).collect();
        let units = answer.units.into_iter().map(|(head, payload)| {
            let format = formats.get(usize::from(head.format)).copied().flatten();
            let format = format.ok_or_else(|| self.named("the stream of this camera is not understood; run the same version there"))?;
            let pts = self.time_of(camera, head.at).ok_or_else(|| self.named(&unknown_clock()))?;
            Ok(unit(&head, payload, pts, format, base))
        });
        units.collect()
    }
}
