//! A stream as a feed: one thread that connects, watches, and connects again.
//!
//! Each stream has a thread and a pipeline of its own, so that one that hangs in a connect or goes silent holds up nobody.
//! Streaming threads only hand units over; everything that can wait happens here.

mod connection;
mod elements;
mod labels;
mod pcr;
mod rtp_clock;
mod sender_clock;
mod shared_clock;

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam::channel::{Receiver, bounded};

use super::address::StreamSource;
use super::error::CaptureError;
use super::ingest::Ingest;
use super::pacer::Pacer;
use super::stamp::Rule;
use connection::{Connection, Event};

/// The first wait before connecting again; it doubles with every attempt that brings nothing.
const BACKOFF_FIRST: Duration = Duration::from_millis(500);
/// The longest wait.
const BACKOFF_LAST: Duration = Duration::from_secs(10);
/// A connection that lasted so long starts the backoff anew.
const GOOD_AFTER: Duration = Duration::from_secs(5);
/// How often counters are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How long a stream may be without video after one ended.
const NEXT_VIDEO_WITHIN: Duration = Duration::from_millis(700);
/// How long a connection may take to bring its first picture, at least.
const FIRST_PICTURE_WITHIN: Duration = Duration::from_secs(8);
/// How long the end of the session waits for a connection that hangs.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// The elements of a stream of which only the sound is wanted, and how its times become house time.
pub(super) fn sound_source(source: &StreamSource) -> Result<(Vec<gst::Element>, Rule), CaptureError> {
    let made = elements::make(source, "audio")?;
    if !made.coded {
        let reason = format!("{}: sound of such a source is not taken. Name a stream, a file or alsa:DEVICE", source.label());
        return Err(CaptureError::Feed { feed: "sound".to_owned(), reason });
    }
    Ok((made.elements, made.rule))
}

/// A stream being captured.
#[derive(Debug)]
pub(super) struct StreamFeed {
    stop: Arc<Pacer>,
    thread: parking_lot::Mutex<Option<(JoinHandle<()>, Receiver<()>)>>,
}

impl StreamFeed {
    /// Starts the feed's thread; nothing is waited for.
    pub(super) fn start(source: &StreamSource, ingest: &Arc<Ingest>) -> Result<Self, CaptureError> {
        let stop = Arc::new(Pacer::default());
        let (over, is_over) = bounded(1);
        let mut keeper = Keeper {
            source: Arc::new(source.clone()),
            ingest: Arc::clone(ingest),
            stop: Arc::clone(&stop),
            backoff: Backoff::new(&ingest.shared.name),
        };
        let name = format!("feed {}", ingest.shared.name);
        let work = move || {
            keeper.run();
            // Its end is told by the channel's closing.
            drop(over);
        };
        let thread = std::thread::Builder::new().name(name.clone()).spawn(work).map_err(|source| CaptureError::Thread { name, source })?;
        Ok(Self { stop, thread: parking_lot::Mutex::new(Some((thread, is_over))) })
    }

    /// Asks it to end; see [`StreamFeed::finish`].
    pub(super) fn stop(&self) {
        self.stop.stop();
    }

    /// Waits for its end. A connect that hangs in the system is left behind rather than waited for.
    pub(super) fn finish(&self) {
        self.stop();
        let Some((thread, is_over)) = self.thread.lock().take() else { return };
        // Nothing is ever sent: the channel closes, or time is over.
        if is_over.recv_timeout(STOP_WITHIN) == Err(crossbeam::channel::RecvTimeoutError::Timeout) {
            tracing::warn!(thread = thread.thread().name(), "a stream does not stop within {} s; it is left behind", STOP_WITHIN.as_secs());
        } else if thread.join().is_err() {
            tracing::warn!("a stream's thread panicked");
        }
    }
}

impl Drop for StreamFeed {
    fn drop(&mut self) {
        self.finish();
    }
}

/// Waits that double, each a little different from everybody else's: feeds that fell together do not all come back at once.
#[derive(Debug)]
struct Backoff {
    next: Duration,
    seed: u64,
}

impl Backoff {
    fn new(name: &str) -> Self {
        // FNV-1a of the name; any spread will do.
        let seed = name.bytes().fold(0xcbf2_9ce4_8422_2325, |h: u64, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
        Self { next: BACKOFF_FIRST, seed: seed | 1 }
    }

    const fn reset(&mut self) {
        self.next = BACKOFF_FIRST;
    }

    /// The next wait: within a quarter of its nominal length.
    fn wait(&mut self) -> Duration {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        let share = 0.75 + (self.seed % 1024) as f64 / 2048.0;
        let wait = self.next.mul_f64(share);
        self.next = (self.next * 2).min(BACKOFF_LAST);
        wait
    }
}

/// The work of a stream's thread.
struct Keeper {
    source: Arc<StreamSource>,
    ingest: Arc<Ingest>,
    stop: Arc<Pacer>,
    backoff: Backoff,
}

impl Keeper {
    fn run(&mut self) {
        let mut first = true;
        while !self.stop.is_stopped() {
            if !first {
                self.ingest.shared.reconnects.add_one();
                tracing::info!(feed = &*self.ingest.shared.name, "connecting again to {}", self.source.label());
            }
            first = false;
            let begun = Instant::now();
            let (events, told) = bounded(8);
            let opened = match self.source.check_place() {
                Ok(()) => Connection::open(&self.source, &self.ingest, events),
                Err(reason) => Err(CaptureError::Address { uri: self.source.label().to_owned(), reason }),
            };
            let reason = match opened {
                Ok(connection) => {
                    let reason = self.watch(&connection, &told);
                    connection.close();
                    reason
                }
                // No other attempt brings an element that is not installed.
                Err(missing @ CaptureError::MissingElement { .. }) => {
                    self.ingest.shared.fail(format!("{}: {missing}", self.source.label()));
                    return;
                }
                // It may be known when its network is there. Both are without secrets.
                Err(CaptureError::Address { uri, reason }) => Some(format!("{uri}: {reason}")),
                Err(other) => Some(self.source.redact(&other.to_string())),
            };
            let Some(reason) = reason else { return };
            self.ingest.shared.lose(reason);
            if begun.elapsed() > GOOD_AFTER + self.source.stall_after {
                self.backoff.reset();
            }
            let wait = self.backoff.wait();
            if !self.stop.wait(wait.as_nanos() as i64) {
                return;
            }
        }
    }

    /// Until the connection breaks: why it did; `None` when the session stops.
    fn watch(&mut self, connection: &Connection, told: &Receiver<Event>) -> Option<String> {
        let shared = &self.ingest.shared;
        let mut received = shared.received.get();
        let mut last_unit = Instant::now();
        let mut ended: Option<Instant> = None;
        let mut any = false;
        let mut complained = false;
        loop {
            match told.recv_timeout(LOOK_EVERY) {
                Ok(Event::Broken(reason)) => return (!self.stop.is_stopped()).then_some(reason),
                Ok(Event::Ended) => ended = Some(Instant::now()),
                Err(_nothing) => {}
            }
            if self.stop.is_stopped() {
                return None;
            }
            let now_received = shared.received.get();
            if now_received != received {
                received = now_received;
                last_unit = Instant::now();
                ended = None;
                any = true;
            }
            if ended.is_some_and(|at| at.elapsed() > NEXT_VIDEO_WITHIN) {
                return Some(format!("{}: the stream has ended. {}", self.source.label(), self.source.remedy()));
            }
            let patience = if any { self.source.stall_after } else { self.source.stall_after.max(FIRST_PICTURE_WITHIN) };
            if last_unit.elapsed() > self.source.stall_after && !any && !complained && self.source.listens() {
                // Nobody sends yet: that is worth a word, and no reason to build anew.
                complained = true;
                shared.lose(self.silence(connection, last_unit.elapsed()));
            }
            if last_unit.elapsed() > patience && (any || !self.source.listens() || connection.source_bytes() > 0) {
                return Some(self.silence(connection, last_unit.elapsed()));
            }
        }
    }

    fn silence(&self, connection: &Connection, since: Duration) -> String {
        let (label, secs, remedy) = (self.source.label(), since.as_secs_f64(), self.source.remedy());
        if connection.source_bytes() == 0 {
            format!("{label}: nothing has arrived for {secs:.1} s. {remedy}")
        } else if connection.has_video() {
            format!("{label}: no picture for {secs:.1} s. {remedy}")
        } else if connection.has_other() {
            format!("{label}: it has sound or data, but no video. Switch the sender's video on")
        } else {
            format!("{label}: data arrives, but no video is found in it. {remedy}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_ten_seconds_and_differ() {
        let (mut a, mut b) = (Backoff::new("cam01"), Backoff::new("cam02"));
        let waits: Vec<Duration> = (0..8).map(|_| a.wait()).collect();
        let nominal = [0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0, 10.0];
        for (wait, nominal) in waits.iter().zip(nominal) {
            assert!((nominal * 0.74..nominal * 1.26).contains(&wait.as_secs_f64()), "{waits:?}");
        }
        assert_ne!(waits[0], b.wait());
        a.reset();
        assert!(a.wait() < Duration::from_millis(700));
    }
}
