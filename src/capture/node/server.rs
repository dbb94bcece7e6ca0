//! The node's side: listens, and serves a running session to whoever has the key.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::keeper::Keeper;
use super::streaming::Streaming;
use crate::capture::{CaptureError, CaptureSession};
use crate::link::{self, Header, LinkError, LinkKey, Message, SealedReader, SealedWriter};
use crate::ring::disk::Kept;
use crate::ring::{FeedId, PinId};
use crate::time::MediaTime;

/// Connections at once; a console has two.
const CONNECTIONS: usize = 32;
/// Who calls proves within so long that it has the key, or gives its place to the next one that calls.
const PROVEN_WITHIN: Duration = Duration::from_secs(5);
/// Marks of a console that went are kept so long: it may be started again and tell them anew.
const KEPT_FOR_GONE: Duration = Duration::from_mins(10);
/// A console says something at least so often, or it is gone.
const PATIENCE: Duration = Duration::from_secs(10);
/// Pins that a console may hold.
const PINS: usize = 4096;

/// A clock that is wrong on purpose, for tests of the link: what goes out and comes in is shifted and stretched.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct PretendClock {
    /// Added, nanoseconds.
    pub offset_nanos: i64,
    /// Runs faster by this, parts per million.
    pub ppm: f64,
}

impl PretendClock {
    /// What the node says of a house time.
    pub(super) fn tell(self, time: MediaTime) -> i64 {
        time.nanos().saturating_add((time.nanos() as f64 * self.ppm * 1e-6) as i64).saturating_add(self.offset_nanos)
    }

    /// What it understands.
    pub(super) fn hear(self, nanos: i64) -> MediaTime {
        let shifted = nanos.saturating_sub(self.offset_nanos);
        MediaTime::from_nanos(shifted.saturating_sub((shifted as f64 * (self.ppm * 1e-6 / (1.0 + self.ppm * 1e-6))) as i64))
    }
}

/// Settings of a node.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeServerConfig {
    /// ADDRESS:PORT to listen at; port 0 takes a free one.
    pub listen: String,
    /// The key that consoles must have.
    pub key: LinkKey,
    /// For tests.
    pub pretend: PretendClock,
}

/// What all connections share.
#[derive(Debug)]
pub(super) struct Shared {
    pub session: Arc<CaptureSession>,
    pub cameras: Vec<(FeedId, Arc<str>)>,
    pub pretend: PretendClock,
    key: LinkKey,
    run: u64,
    pins: Mutex<BTreeMap<(u64, u64), PinId>>,
    /// Open ones, by number.
    connections: Mutex<BTreeMap<usize, Open>>,
    /// Those whose console is known: how often each is connected.
    consoles: Mutex<BTreeMap<u64, usize>>,
    keeper: Keeper,
    /// Consoles that went, and when.
    gone: Mutex<BTreeMap<u64, Instant>>,
    stop: AtomicBool,
}

/// A connection; since when it owes the proof that it has the key.
#[derive(Debug)]
struct Open {
    stream: TcpStream,
    unproven: Option<Instant>,
}

/// A node that listens. Dropping it hangs up.
#[derive(Debug)]
pub struct NodeServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    listener: Option<JoinHandle<()>>,
}

impl NodeServer {
    /// Listens, and serves `session`.
    pub fn start(session: Arc<CaptureSession>, config: &NodeServerConfig) -> Result<Self, CaptureError> {
        let wrong = |e: std::io::Error| CaptureError::Listen { address: config.listen.clone(), source: e };
        let listener = TcpListener::bind(&config.listen).map_err(wrong)?;
        let address = listener.local_addr().map_err(wrong)?;
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let shared = Arc::new(Shared {
            cameras: session.ring().feeds(),
            session,
            pretend: config.pretend,
            key: config.key.clone(),
            run: since.as_nanos() as u64,
            pins: Mutex::default(),
            connections: Mutex::default(),
            consoles: Mutex::default(),
            keeper: Keeper::default(),
            gone: Mutex::default(),
            stop: AtomicBool::new(false),
        });
        let serving = Arc::clone(&shared);
        let name = "node-listen".to_owned();
        let thread = thread::Builder::new().name(name.clone()).spawn(move || listen(&listener, &serving));
        Ok(Self { address, shared, listener: Some(thread.map_err(|source| CaptureError::Thread { name, source })?) })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Consoles that are connected.
    pub fn consoles(&self) -> usize {
        self.shared.consoles.lock().len()
    }
}

impl Drop for NodeServer {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        for open in self.shared.connections.lock().values() {
            open.stream.shutdown(Shutdown::Both).ok();
        }
        // It waits for somebody to call.
        let own = SocketAddr::new(
            if self.address.ip().is_unspecified() { [127, 0, 0, 1].into() } else { self.address.ip() },
            self.address.port(),
        );
        TcpStream::connect_timeout(&own, Duration::from_secs(1)).ok();
        if let Some(thread) = self.listener.take()
            && thread.join().is_err()
        {
            tracing::warn!("the listening thread panicked");
        }
    }
}

fn listen(listener: &TcpListener, shared: &Arc<Shared>) {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    for stream in listener.incoming() {
        if shared.stop.load(Ordering::Relaxed) {
            return;
        }
        let Ok(stream) = stream else {
            // Out of file descriptors, say.
            thread::sleep(Duration::from_millis(100));
            continue;
        };
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let Ok(own) = stream.try_clone() else { continue };
        {
            let mut connections = shared.connections.lock();
            // Who has no key takes nobody's place for long.
            for open in connections.values().filter(|open| open.unproven.is_some_and(|since| since.elapsed() > PROVEN_WITHIN)) {
                open.stream.shutdown(Shutdown::Both).ok();
            }
            if connections.len() >= CONNECTIONS {
                tracing::warn!("more than {CONNECTIONS} connections: one more is refused");
                continue;
            }
            connections.insert(number, Open { stream: own, unproven: Some(Instant::now()) });
        }
        let serving = Arc::clone(shared);
        let served = thread::Builder::new().name("node-serve".to_owned()).spawn(move || {
            let from = stream.peer_addr().map_or_else(|_| "somebody".to_owned(), |a| a.to_string());
            if let Err(e) = serve(stream, number, &serving) {
                match e {
                    LinkError::Io(e) => tracing::info!("{from}: {e}"),
                    other => tracing::warn!("{from} is not served: {other}"),
                }
            }
            serving.connections.lock().remove(&number);
        });
        if let Err(e) = served {
            tracing::warn!("no thread for a console: {e}");
            shared.connections.lock().remove(&number);
        }
    }
}

fn unexpected(what: &str) -> LinkError {
    LinkError::Malformed { reason: what.to_owned() }
}

/// One connection, from its first byte to its last.
fn serve(stream: TcpStream, number: usize, shared: &Arc<Shared>) -> Result<(), LinkError> {
    let (mut reader, mut writer) = link::answer(stream, &shared.key)?;
    reader.stream().set_read_timeout(Some(PATIENCE))?;
    let first = reader.receive().map_err(|e| if matches!(e, LinkError::Broken) { LinkError::WrongKey } else { e })?;
    if let Some(open) = shared.connections.lock().get_mut(&number) {
        open.unproven = None;
    }
    let Header::Hello { version, console, fetches } = first.header else { return Err(unexpected("no greeting")) };
    let cameras = shared.cameras.iter().map(|(_, name)| name.to_string()).collect();
    let continues = shared.session.disk().is_some();
    writer.send(&Message::new(Header::Welcome { version: link::VERSION, run: shared.run, continues, cameras }))?;
    if version != link::VERSION {
        return Err(LinkError::Foreign);
    }
    if fetches {
        return fetched(&mut reader, &mut writer, shared);
    }
    *shared.consoles.lock().entry(console).or_insert(0) += 1;
    shared.gone.lock().remove(&console);
    shared.release_pins_of_others();
    tracing::info!("a console is here");
    let streaming = Streaming::new(Arc::clone(shared), writer);
    let result = streamed(&mut reader, &streaming, shared, console);
    let mut consoles = shared.consoles.lock();
    if let Some(count) = consoles.get_mut(&console) {
        *count -= 1;
        if *count == 0 {
            consoles.remove(&console);
            shared.gone.lock().insert(console, Instant::now());
        }
    }
    result
}

/// What a console says on the connection for what is live.
fn streamed(reader: &mut SealedReader<TcpStream>, streaming: &Arc<Streaming>, shared: &Shared, console: u64) -> Result<(), LinkError> {
    let sender = {
        let streaming = Arc::clone(streaming);
        thread::Builder::new().name("node-live".to_owned()).spawn(move || streaming.run())?
    };
    let result = loop {
        let message = match reader.receive() {
            Ok(message) => message,
            Err(e) => break Err(e),
        };
        match message.header {
            Header::Ping { t1 } => {
                let t2 = shared.pretend.tell(shared.session.house_now());
                if let Err(e) = streaming.pong(t1, t2) {
                    break Err(e);
                }
            }
            Header::Got { bytes } => streaming.got(bytes),
            Header::Watch { previews, live } => streaming.watch(previews, &live),
            Header::Pin { id, from, until } => shared.pin((console, id), from, until),
            Header::Keep { id, from, until, data } => shared.keep((console, id), from, until, data),
            Header::Forget { id } => shared.forget((console, id)),
            _ => break Err(unexpected("a console does not say this")),
        }
    };
    streaming.end();
    if sender.join().is_err() {
        tracing::warn!("a sending thread panicked");
    }
    result
}

/// Requests, answered in their order.
fn fetched(reader: &mut SealedReader<TcpStream>, writer: &mut SealedWriter<TcpStream>, shared: &Shared) -> Result<(), LinkError> {
    loop {
        match reader.receive()?.header {
            Header::Ping { .. } => {}
            Header::WantGop { id, camera, at } => super::report::answer_gop(shared, writer, id, camera, at)?,
            Header::WantRange { id, camera, from, until } => super::report::answer_range(shared, writer, id, camera, (from, until))?,
            _ => return Err(unexpected("a console does not ask this")),
        }
    }
}

impl Shared {
    fn keep(&self, event: (u64, u64), from: i64, until: i64, data: serde_json::Value) {
        let there = self.session.disk().map(|disk| disk.kept()).unwrap_or_default();
        let id = self.keeper.number(event, &data, &there, |console| self.consoles.lock().contains_key(&console));
        let kept = Kept { id, from: self.pretend.hear(from), until: self.pretend.hear(until), data, shift_nanos: 0 };
        if let Err(why) = self.session.keep(kept) {
            tracing::warn!("{why}");
        }
    }

    fn pin(&self, id: (u64, u64), from: i64, until: i64) {
        let mut pins = self.pins.lock();
        if pins.len() >= PINS && !pins.contains_key(&id) {
            tracing::warn!("more than {PINS} marks: one more is not kept");
            return;
        }
        let ring = self.session.ring();
        let pin = ring.pin(self.pretend.hear(from), self.pretend.hear(until));
        if let Some(old) = pins.insert(id, pin) {
            ring.unpin(old);
        }
    }

    fn forget(&self, id: (u64, u64)) {
        if let Some(pin) = self.pins.lock().remove(&id) {
            self.session.ring().unpin(pin);
        }
        if let Err(why) = self.session.forget(self.keeper.forget(id)) {
            tracing::warn!("{why}");
        }
    }

    /// A console that is back has the same number; one that began anew has another, and tells its marks again: until it has, those that
    /// it told before are kept.
    fn release_pins_of_others(&self) {
        let mut gone = self.gone.lock();
        let over: BTreeSet<u64> = gone.iter().filter(|(_, since)| since.elapsed() > KEPT_FOR_GONE).map(|(console, _)| *console).collect();
        gone.retain(|console, _| !over.contains(console));
        drop(gone);
        self.pins.lock().retain(|(console, _), pin| {
            let stays = !over.contains(console);
            if !stays {
                self.session.ring().unpin(*pin);
            }
            stays
        });
    }
}
