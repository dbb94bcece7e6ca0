//! The ring: the bounded, encoded history of every feed, in memory.
//!
//! Decoded pictures of sixteen cameras are 3 GB/s, so the ring holds **encoded access units** with an index of keyframes.
//! It is bounded by bytes (one budget shared by all feeds) and by duration. What is oldest goes first, whole groups of
//! pictures at a time, over all feeds: every feed reaches equally far back. A **pin** protects a range of time; nothing
//! pinned is ever evicted, and when pins leave no room the ring refuses new units and says so ([`RingStatus`]).
//!
//! A producer takes the lock of its own feed for the time of a few pointer writes, and allocates nothing: the payload is
//! the only memory that a unit brings. Readers copy references out in bounded pieces.
//!
//! Frames are matched **by time, never by index**. A duplicated, late or damaged unit is marked: it may be needed to
//! decode others, but it is never the answer to "what did this camera see at that instant".
//!
//! Must not know: GStreamer, codecs, pictures, threads.

pub mod disk;
mod lane;
mod lookup;
mod status;
#[cfg(test)]
mod tests;
mod track;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use arc_swap::ArcSwap;
use parking_lot::Mutex;

#[cfg(feature = "gstreamer")]
pub(crate) use lookup::allowed_error_nanos;
pub use lookup::{Dishonest, GopForInstant, Nearest};
pub use status::{KeyframeDistance, RingFeedStatus, RingStatus};

use crate::telemetry::Counter;
use crate::time::MediaTime;
use track::Track;

/// Which feed: its place in the ring, in the order of [`Ring::add_feed`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FeedId(pub usize);

/// A protected range of time, from [`Ring::pin`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PinId(u64);

/// Why a unit must not be shown as an honest frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UnitFlags {
    /// It repeats a frame that is already there (same time, or the same picture sent again).
    pub duplicated: bool,
    /// It came so late that its time cannot be trusted.
    pub late: bool,
    /// Its source says that data is missing in it.
    pub damaged: bool,
}

impl UnitFlags {
    /// Whether the unit may be shown.
    pub const fn is_honest(self) -> bool {
        !(self.duplicated || self.late || self.damaged)
    }
}

/// One encoded frame of one feed. Cloning copies a reference, not the payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessUnit {
    /// When the frame was seen, on the house clock.
    pub pts: MediaTime,
    /// Place in decode order; the ring sets it on arrival. Presentation order is `pts`.
    pub order: u64,
    /// How long the frame is shown, nanoseconds; 0 when unknown.
    pub duration_nanos: u32,
    /// Which of the feed's formats (codec headers) it belongs to; the producer's own numbering.
    pub format: u16,
    /// Decoding can start here.
    pub keyframe: bool,
    /// No other unit needs it (a non-reference B-frame); decoding may skip it.
    pub droppable: bool,
    /// Marks.
    pub flags: UnitFlags,
    /// The encoded bytes.
    pub payload: bytes::Bytes,
}

impl AccessUnit {
    /// A unit without marks; `order` is set by the ring.
    pub const fn new(pts: MediaTime, duration_nanos: u32, keyframe: bool, payload: bytes::Bytes) -> Self {
        let flags = UnitFlags { duplicated: false, late: false, damaged: false };
        Self { pts, order: 0, duration_nanos, format: 0, keyframe, droppable: false, flags, payload }
    }
}

/// Bounds of a [`Ring`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RingConfig {
    /// Payload bytes of all feeds together.
    pub budget_bytes: u64,
    /// How far back the ring reaches, nanoseconds.
    pub duration_nanos: i64,
    /// Take a keyframe that is byte for byte its predecessor as a repeated frame (a frozen camera). Cameras have noise; a
    /// rendered still picture has none, so tests with stills turn it off.
    pub detect_repeats: bool,
}

impl Default for RingConfig {
    /// Two minutes within 2 GiB.
    fn default() -> Self {
        Self { budget_bytes: 2 << 30, duration_nanos: 120_000_000_000, detect_repeats: true }
    }
}

/// Why a unit was not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Pinned ranges fill the budget. Export or release marks, or raise the budget.
    PinsFull,
    /// It refers to units that the ring does not have; recording goes on with the next keyframe.
    NoKeyframe,
    /// A keyframe older than the one before it: the feed's clock went back.
    TimeWentBack,
    /// No such feed.
    UnknownFeed,
}

/// What became of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Push {
    /// Stored; with the marks that it ended up with.
    Stored(UnitFlags),
    /// Not stored.
    Refused(Refusal),
}

/// One feed: its name, its nominal frame interval, its units.
#[derive(Debug)]
struct Feed {
    name: Arc<str>,
    interval_nanos: AtomicI64,
    /// End of the oldest group that may be evicted, nanoseconds; `i64::MAX` when there is none. Lets eviction choose
    /// its victim over all feeds without a lock.
    oldest_end_nanos: AtomicI64,
    track: Mutex<Track>,
    evicted: Counter,
    refused_pins_full: Counter,
    refused_other: Counter,
    starved: Counter,
}

/// The bounded history of every feed. Share it in an [`Arc`]; all methods take `&self`.
#[derive(Debug)]
pub struct Ring {
    config: RingConfig,
    feeds: ArcSwap<Vec<Arc<Feed>>>,
    bytes: AtomicU64,
    newest_nanos: AtomicI64,
    pins: Mutex<Vec<(PinId, track::Span)>>,
    next_pin: AtomicU64,
}

impl Ring {
    /// An empty ring.
    pub fn new(config: RingConfig) -> Self {
        Self {
            config,
            feeds: ArcSwap::default(),
            bytes: AtomicU64::new(0),
            newest_nanos: AtomicI64::new(i64::MIN),
            pins: Mutex::default(),
            next_pin: AtomicU64::new(1),
        }
    }

    /// The bounds.
    pub const fn config(&self) -> RingConfig {
        self.config
    }

    /// Adds a feed. `interval_nanos` is its nominal frame interval (0 = unknown; see [`Ring::set_interval`]).
    pub fn add_feed(&self, name: &str, interval_nanos: i64) -> FeedId {
        let pins = self.pins.lock();
        let units = expected_units(self.config.duration_nanos, interval_nanos);
        let feed = Arc::new(Feed {
            name: name.into(),
            interval_nanos: AtomicI64::new(interval_nanos),
            oldest_end_nanos: AtomicI64::new(i64::MAX),
            track: Mutex::new(Track::with_capacity(units, pins.iter().map(|(_, span)| *span).collect())),
            evicted: Counter::default(),
            refused_pins_full: Counter::default(),
            refused_other: Counter::default(),
            starved: Counter::default(),
        });
        let mut id = 0;
        self.feeds.rcu(|feeds| {
            let mut feeds = Vec::clone(feeds);
            id = feeds.len();
            feeds.push(Arc::clone(&feed));
            feeds
        });
        FeedId(id)
    }

    /// Sets the nominal frame interval of a feed, nanoseconds, once it is known.
    pub fn set_interval(&self, feed: FeedId, interval_nanos: i64) {
        if let Some(feed) = self.feeds.load().get(feed.0) {
            feed.interval_nanos.store(interval_nanos, Ordering::Relaxed);
        }
    }

    /// The nominal frame interval of a feed, nanoseconds; `None` when unknown.
    pub fn interval_nanos(&self, feed: FeedId) -> Option<i64> {
        let nanos = self.feeds.load().get(feed.0)?.interval_nanos.load(Ordering::Relaxed);
        (nanos > 0).then_some(nanos)
    }

    /// Every feed and its name, in order.
    pub fn feeds(&self) -> Vec<(FeedId, Arc<str>)> {
        self.feeds.load().iter().enumerate().map(|(i, feed)| (FeedId(i), Arc::clone(&feed.name))).collect()
    }

    /// The feed of that name.
    pub fn feed_named(&self, name: &str) -> Option<FeedId> {
        self.feeds.load().iter().position(|feed| &*feed.name == name).map(FeedId)
    }

    /// Stores one unit, in decode order; evicts what is oldest over all feeds to make room. Does not wait for readers
    /// longer than it takes to copy a bounded number of references, and does not allocate.
    pub fn push(&self, feed: FeedId, unit: AccessUnit) -> Push {
        let feeds = self.feeds.load();
        let Some(feed) = feeds.get(feed.0) else { return Push::Refused(Refusal::UnknownFeed) };
        let size = unit.payload.len() as u64;
        let pts = unit.pts;
        // The horizon follows what was stored: a unit that is refused moves it for nobody.
        let newest = self.newest_nanos.load(Ordering::Relaxed);
        self.bytes.fetch_add(size, Ordering::Relaxed);
        if !self.make_room(&feeds, newest) {
            self.bytes.fetch_sub(size, Ordering::Relaxed);
            feed.refused_pins_full.add_one();
            if !unit.droppable {
                feed.track.lock().break_chain();
            }
            return Push::Refused(Refusal::PinsFull);
        }
        let interval = feed.interval_nanos.load(Ordering::Relaxed);
        let mut track = feed.track.lock();
        let outcome = track.push(unit, interval, self.config.detect_repeats);
        feed.oldest_end_nanos.store(track.oldest_end_nanos(), Ordering::Relaxed);
        drop(track);
        if matches!(outcome, Push::Stored(_)) {
            self.newest_nanos.fetch_max(pts.nanos(), Ordering::Relaxed);
        } else {
            self.bytes.fetch_sub(size, Ordering::Relaxed);
            feed.refused_other.add_one();
        }
        outcome
    }

    /// Evicts until the bounds hold; false when nothing more may be evicted and the bytes still do not fit.
    fn make_room(&self, feeds: &[Arc<Feed>], newest_nanos: i64) -> bool {
        let horizon_nanos = newest_nanos.saturating_sub(self.config.duration_nanos);
        loop {
            let over = self.bytes.load(Ordering::Relaxed) > self.config.budget_bytes;
            let victim = feeds.iter().min_by_key(|feed| feed.oldest_end_nanos.load(Ordering::Relaxed));
            let Some(victim) = victim else { return !over };
            let end_nanos = victim.oldest_end_nanos.load(Ordering::Relaxed);
            if end_nanos == i64::MAX {
                return !over;
            }
            if !over && end_nanos >= horizon_nanos {
                return true;
            }
            let mut track = victim.track.lock();
            let freed = track.evict_oldest();
            victim.oldest_end_nanos.store(track.oldest_end_nanos(), Ordering::Relaxed);
            drop(track);
            self.bytes.fetch_sub(freed.bytes, Ordering::Relaxed);
            victim.evicted.add(freed.units);
            if freed.was_open && over {
                victim.starved.add_one();
            }
        }
    }

    /// Protects `from ≤ time < until` on all feeds, with the groups of pictures needed to decode it. `until` may lie in
    /// the future: units are protected as they arrive. Never fails; [`RingStatus`] says when pins fill the budget.
    pub fn pin(&self, from: MediaTime, until: MediaTime) -> PinId {
        let id = PinId(self.next_pin.fetch_add(1, Ordering::Relaxed));
        let mut pins = self.pins.lock();
        pins.push((id, track::Span { from, until }));
        self.spread_pins(&pins);
        id
    }

    /// Releases a pin; false when there is no such pin.
    pub fn unpin(&self, id: PinId) -> bool {
        let mut pins = self.pins.lock();
        let before = pins.len();
        pins.retain(|(other, _)| *other != id);
        let found = pins.len() != before;
        if found {
            self.spread_pins(&pins);
        }
        found
    }

    fn spread_pins(&self, pins: &[(PinId, track::Span)]) {
        for feed in self.feeds.load().iter() {
            let mut track = feed.track.lock();
            let freed = track.set_pins(pins.iter().map(|(_, span)| *span).collect());
            feed.oldest_end_nanos.store(track.oldest_end_nanos(), Ordering::Relaxed);
            drop(track);
            self.bytes.fetch_sub(freed.bytes, Ordering::Relaxed);
            feed.evicted.add(freed.units);
        }
    }

    /// Forgets every unit of a feed, pinned ones too (the feed was removed or its clock was set anew).
    pub fn clear_feed(&self, feed: FeedId) {
        if let Some(feed) = self.feeds.load().get(feed.0) {
            let mut track = feed.track.lock();
            let freed = track.clear();
            feed.oldest_end_nanos.store(i64::MAX, Ordering::Relaxed);
            drop(track);
            self.bytes.fetch_sub(freed.bytes, Ordering::Relaxed);
        }
    }
}

/// Units to allocate for at the start: what the duration holds at the nominal rate (60 fps when unknown), within reason.
fn expected_units(duration_nanos: i64, interval_nanos: i64) -> usize {
    let interval = if interval_nanos > 0 { interval_nanos } else { 16_666_667 };
    usize::try_from(duration_nanos / interval).unwrap_or(0).saturating_add(64).min(1 << 15)
}
