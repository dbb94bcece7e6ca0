//! One connection to a node, from the call to the hang-up, and the next one: the threads behind [`super::client::NodeClient`].

use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam::channel::{Receiver, RecvTimeoutError, Sender, bounded};

use super::client::{Camera, Shared};
use crate::address::look_up;
use crate::capture::ingest::MOST_AHEAD_NANOS;
use crate::capture::preview::PreviewFrame;
use crate::capture::record::Note;
use crate::frame::Picture;
use crate::link::{self, CameraReport, Header, LinkClock, LinkError, Message, SealedReader, SealedWriter};
use crate::time::FrameRate;

const CONNECT_WITHIN: Duration = Duration::from_secs(2);
/// A node says something fifty times a second; silent for so long it is gone.
const SILENT_FOR: Duration = Duration::from_millis(1500);
/// Between attempts to connect, the first and the last.
const BACKOFF: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(5)];
/// Between questions for the time, and at the beginning.
const PING_EVERY: [Duration; 2] = [Duration::from_millis(250), Duration::from_millis(20)];
/// So many at the beginning.
const FIRST_PINGS: u32 = 8;
/// What was read is told after so many bytes.
const TELL_BYTES: u64 = 64 << 10;
/// Orders and requests that wait to be written.
const WAITING: usize = 1024;
/// Small pictures are no larger, px.
const PREVIEW_PX: u32 = 2048;

type Ends = (SealedReader<TcpStream>, SealedWriter<TcpStream>);

fn malformed(what: &str) -> LinkError {
    LinkError::Malformed { reason: what.to_owned() }
}

/// Tells the threads of a connection that it is over, however the one that holds this ends.
struct Hangup<'a>(&'a AtomicBool, [TcpStream; 2]);

impl Drop for Hangup<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
        for stream in &self.1 {
            stream.shutdown(Shutdown::Both).ok();
        }
    }
}

impl Shared {
    /// Connects, again and again.
    pub(super) fn run(&self) {
        let mut pause = BACKOFF[0];
        while !self.stop.load(Ordering::Relaxed) {
            let began = Instant::now();
            let result = self.connected();
            let was_here = {
                let mut peer = self.peer.lock();
                let was_here = peer.here.take().is_some();
                if let Err(e) = &result {
                    let why = if was_here {
                        format!("it is away ({e}); connecting again. Is `volte node` still running there?")
                    } else {
                        e.to_string()
                    };
                    peer.problem = Some(why);
                }
                was_here
            };
            self.requests.fail_all();
            if self.stop.load(Ordering::Relaxed) {
                return;
            }
            let why = self.peer.lock().problem.clone().unwrap_or_default();
            for camera in &self.cameras {
                camera.shared.lose(self.named(&why));
                camera.shared.reconnects.add_one();
            }
            if was_here && began.elapsed() > BACKOFF[1] {
                pause = BACKOFF[0];
            }
            let until = Instant::now() + pause;
            while Instant::now() < until && !self.stop.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_millis(20));
            }
            pause = (pause * 2).min(BACKOFF[1]);
        }
    }

    fn call(&self, fetches: bool) -> Result<(Ends, Header), LinkError> {
        let unfound = |text: String| std::io::Error::new(std::io::ErrorKind::NotFound, text);
        let found = look_up(self.spec.address.as_str())
            .map_err(|why| unfound(format!("{:?} {}; `address` says where it is", self.spec.address, why.in_words())))?;
        let mut last = unfound("its name has no address; check `address`".to_owned());
        for address in found {
            match TcpStream::connect_timeout(&address, CONNECT_WITHIN) {
                Ok(stream) => {
                    let (mut reader, mut writer) = link::call(stream, &self.spec.key)?;
                    reader.stream().set_read_timeout(Some(CONNECT_WITHIN))?;
                    writer.send(&Message::new(Header::Hello { version: link::VERSION, console: self.console, fetches }))?;
                    let welcome = reader.receive()?.header;
                    return Ok(((reader, writer), welcome));
                }
                Err(e) => last = e,
            }
        }
        Err(std::io::Error::new(last.kind(), format!("{last}; is `volte node` running there, and is the port open?")).into())
    }

    /// One connection's life.
    fn connected(&self) -> Result<(), LinkError> {
        let ((mut live, live_out), welcome) = self.call(false)?;
        let ((fetched, fetch_out), _) = self.call(true)?;
        let Header::Welcome { version, run, continues, cameras } = welcome else { return Err(malformed("no greeting")) };
        if version != link::VERSION {
            return Err(LinkError::Foreign);
        }
        self.meet(run, continues, &cameras);
        live.stream().set_read_timeout(Some(SILENT_FOR))?;
        fetched.stream().set_read_timeout(None)?;
        let (orders, to_order) = bounded(WAITING);
        let (requests, to_request) = bounded(WAITING);
        let over = AtomicBool::new(false);
        let streams = [live.stream().try_clone()?, fetched.stream().try_clone()?];
        thread::scope(|scope| {
            let hangup = Hangup(&over, streams);
            let named = |name: &str| thread::Builder::new().name(format!("node {} {name}", self.spec.name));
            named("out").spawn_scoped(scope, || self.write_orders(live_out, &to_order, &over))?;
            named("ask").spawn_scoped(scope, || self.write_requests(fetch_out, &to_request, &over))?;
            named("fetch").spawn_scoped(scope, || self.read_answers(fetched, &over))?;
            let result = self.listen(&mut live, (&orders, &requests), &over);
            drop(hangup);
            result
        })
    }

    /// Who is there, and what of the past holds.
    fn meet(&self, run: u64, continues: bool, cameras: &[String]) {
        let mut peer = self.peer.lock();
        peer.connections += 1;
        if peer.run != run {
            peer.run = run;
            peer.runs += 1;
            self.cache.lock().clear();
            if continues {
                self.clock.lock().begin_anew();
            } else {
                *self.clock.lock() = LinkClock::default();
                for camera in &self.cameras {
                    camera.times.lock().clear();
                    // Its times are others now; what the operator has added counts for all of them.
                    *camera.nudges.lock() = vec![(i64::MIN, camera.shared.nudged_nanos())];
                }
            }
        }
        peer.theirs = self
            .cameras
            .iter()
            .map(|ours| cameras.iter().position(|name| **name == *ours.shared.name).and_then(|k| u16::try_from(k).ok()))
            .collect();
        peer.ours = cameras.iter().map(|name| self.cameras.iter().position(|c| **name == *c.shared.name)).collect();
        let theirs = peer.theirs.clone();
        drop(peer);
        for (camera, _) in self.cameras.iter().zip(theirs).filter(|(_, their)| their.is_none()) {
            camera.shared.lose(self.named(&format!("it has no camera of this name; it has {}", cameras.join(", "))));
        }
    }

    /// Writes orders, and asks for the time.
    fn write_orders(&self, mut out: SealedWriter<TcpStream>, orders: &Receiver<Header>, over: &AtomicBool) {
        let (mut ping_at, mut pings) = (Instant::now(), 0_u32);
        while !over.load(Ordering::Relaxed) {
            let order = orders.recv_deadline(ping_at.min(Instant::now() + Duration::from_millis(100)));
            let header = match order {
                Ok(header) => header,
                Err(RecvTimeoutError::Timeout) if Instant::now() >= ping_at => {
                    pings += 1;
                    ping_at = Instant::now() + PING_EVERY[usize::from(pings <= FIRST_PINGS)];
                    Header::Ping { t1: self.around.clock.now().nanos() }
                }
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            if out.send(&Message::new(header)).is_err() {
                break;
            }
        }
        out.stream().shutdown(Shutdown::Both).ok();
    }

    fn write_requests(&self, mut out: SealedWriter<TcpStream>, requests: &Receiver<Header>, over: &AtomicBool) {
        let mut said = Instant::now();
        while !over.load(Ordering::Relaxed) {
            let header = match requests.recv_timeout(Duration::from_millis(100)) {
                Ok(header) => header,
                // Something must be said now and then.
                Err(RecvTimeoutError::Timeout) if said.elapsed() > Duration::from_secs(1) => Header::Ping { t1: 0 },
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            said = Instant::now();
            if let Err(e) = out.send(&Message::new(header)) {
                tracing::debug!("{}", self.named(&e.to_string()));
                break;
            }
        }
        out.stream().shutdown(Shutdown::Both).ok();
    }

    fn read_answers(&self, mut answers: SealedReader<TcpStream>, over: &AtomicBool) {
        while !over.load(Ordering::Relaxed) {
            let before = answers.bytes();
            if let Err(e) = answers.receive().and_then(|message| self.requests.came(message)) {
                tracing::debug!("{}", self.named(&e.to_string()));
                break;
            }
            self.fetched_bytes.fetch_add(answers.bytes() - before, Ordering::Relaxed);
        }
        // The other connection goes with it.
        over.store(true, Ordering::Relaxed);
        self.requests.fail_all();
    }

    /// Hears what the node says by itself.
    fn listen(
        &self,
        live: &mut SealedReader<TcpStream>,
        (orders, requests): (&Sender<Header>, &Sender<Header>),
        over: &AtomicBool,
    ) -> Result<(), LinkError> {
        let mut told = 0;
        while !self.stop.load(Ordering::Relaxed) {
            if over.load(Ordering::Relaxed) {
                return Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset).into());
            }
            let before = live.bytes();
            let message = live.receive().map_err(|e| match e {
                LinkError::Io(e) if matches!(e.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {
                    std::io::Error::new(std::io::ErrorKind::TimedOut, "nothing comes from it; check its network and its power").into()
                }
                LinkError::Io(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => {
                    std::io::Error::new(e.kind(), "it hung up; is `volte node` running there?").into()
                }
                other => other,
            })?;
            self.live_bytes.fetch_add(live.bytes() - before, Ordering::Relaxed);
            if let Header::Pong { t1, t2, t3 } = message.header {
                self.clock.lock().add([t1, t2, t3, self.around.clock.now().nanos()]);
                if self.peer.lock().here.is_none() && self.clock.lock().reading().is_some() {
                    self.arrive(orders, requests);
                }
            } else {
                self.heard(message)?;
            }
            if live.bytes() - told >= TELL_BYTES {
                told = live.bytes();
                orders.try_send(Header::Got { bytes: told }).ok();
            }
        }
        Ok(())
    }

    /// Its clock is known: from here on it can be asked.
    fn arrive(&self, orders: &Sender<Header>, requests: &Sender<Header>) {
        {
            let mut peer = self.peer.lock();
            peer.here = Some((orders.clone(), requests.clone()));
            peer.problem = None;
        }
        tracing::info!("{}", self.named("it is here"));
        for camera in self.live.lock().iter().filter_map(|c| self.cameras.get(*c)) {
            self.around.ring.clear_feed(camera.shared.id);
        }
        self.order(self.watch_header());
        let pins: Vec<u64> = self.pins.lock().keys().copied().collect();
        for id in self.forgotten.lock().iter() {
            self.order(Header::Forget { id: *id });
        }
        for id in pins {
            self.tell_pin(id);
        }
    }

    fn our(&self, their: usize) -> Option<&Camera> {
        let ours = self.peer.lock().ours.get(their).copied().flatten()?;
        self.cameras.get(ours)
    }

    fn heard(&self, message: Message) -> Result<(), LinkError> {
        match message.header {
            // Before it can be asked nothing of it counts as there.
            Header::Heads { .. } if self.peer.lock().here.is_none() => {}
            Header::Heads { newest } => {
                for (their, at) in newest.into_iter().enumerate() {
                    if let (Some(camera), Some(at)) = (self.our(their), at)
                        && let Some(time) = self.time_of(camera, at).filter(|time| self.is_believable(*time))
                        && camera.shared.newest().is_none_or(|before| before < time)
                    {
                        camera.shared.arrived(time);
                        camera.take_nudge(at);
                    }
                }
            }
            Header::Status { cameras, ring_bytes, ring_budget_bytes, pinned_bytes, warnings } => {
                for (their, report) in cameras.iter().enumerate() {
                    if let Some(camera) = self.our(their) {
                        self.reported(camera, report);
                    }
                }
                let mut peer = self.peer.lock();
                peer.ring_bytes = (ring_bytes, ring_budget_bytes);
                peer.pinned_bytes = pinned_bytes;
                peer.warnings = warnings;
            }
            Header::Preview { camera, at } => {
                if let Some(camera) = self.our(usize::from(camera))
                    && let Some(time) = self.time_of(camera, at)
                    && let Some(picture) = Picture::from_jpeg(&message.payload, PREVIEW_PX)
                {
                    camera.preview.store(Some(Arc::new(PreviewFrame { picture: Arc::new(picture), time })));
                }
            }
            Header::Live { camera, unit: head, note } => {
                let Some(camera) = self.our(usize::from(camera)) else { return Ok(()) };
                if head.len as usize != message.payload.len() {
                    return Err(malformed("a unit is not as long as it says"));
                }
                let known = note.as_deref().and_then(Note::read);
                if let Some(stream) = known {
                    let format = self.around.formats.add(camera.shared.id, &stream.caps, stream.codec);
                    camera.live_format.store(format, Ordering::Relaxed);
                }
                let Some(pts) = self.time_of(camera, head.at).filter(|time| self.is_believable(*time)) else { return Ok(()) };
                // A buffer of its own: the ring counts payloads.
                let payload = bytes::Bytes::copy_from_slice(&message.payload);
                let format = camera.live_format.load(Ordering::Relaxed);
                self.around.ring.push(camera.shared.id, super::fetch::unit(&head, payload, pts, format, 0));
                camera.shared.arrived(pts);
            }
            _ => return Err(malformed("a node does not say this")),
        }
        Ok(())
    }

    /// Frames from the future would push everybody's past out of the ring.
    fn is_believable(&self, time: crate::time::MediaTime) -> bool {
        time - self.around.clock.now() < MOST_AHEAD_NANOS
    }

    fn reported(&self, camera: &Camera, report: &CameraReport) {
        let shared = &camera.shared;
        for (counter, value) in [
            (&shared.received, report.received),
            (&shared.missing, report.dropped),
            (&shared.duplicated, report.duplicated),
            (&shared.late, report.late),
            (&shared.damaged, report.damaged),
            (&shared.bytes, report.bytes),
        ] {
            counter.set(value);
        }
        let way = self.clock.lock().reading().map_or(0, |r| r.last_round_trip_nanos / 2);
        shared.delay_nanos.store(report.delay_nanos.saturating_add(way), Ordering::Relaxed);
        let oldest = report.oldest.and_then(|at| self.clock.lock().console_from_node(at));
        camera.oldest_nanos.store(oldest.map_or(i64::MAX, |t| t.plus_nanos(shared.clock_offset_nanos).nanos()), Ordering::Relaxed);
        let rate = report.rate.and_then(|(n, d)| FrameRate::new(n, d));
        if let Some(codec) = report.codec.as_deref().and_then(|c| c.parse().ok()) {
            shared.describe(codec, report.size_px, rate);
        }
        if let Some(rate) = rate {
            self.around.ring.set_interval(shared.id, rate.interval_nanos());
        }
        shared.set_clock_on_node(&report.clock);
        if let Some(problem) = &report.problem {
            shared.lose(format!("on node {:?}: {problem}", self.spec.name));
        }
    }
}
