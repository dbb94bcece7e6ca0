//! Records every feed to disk while it goes into the ring in memory. Streaming threads hand over references and never wait; one
//! thread writes, another sees to it that what was written reaches the disk.

mod late;
mod packing;
mod status;
mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::thread::JoinHandle;

use crossbeam::channel::{Sender, TrySendError, bounded};
use parking_lot::Mutex;

pub use crate::ring::disk::DiskState;
pub(super) use late::Recording;
pub(super) use packing::Note;
pub use status::{DiskDrops, DiskFeedStatus, DiskStatus};

use super::decode::FeedFormats;
use super::error::CaptureError;
use crate::ring::disk::{DiskStore, Kept};
use crate::ring::{AccessUnit, FeedId};
use crate::telemetry::Counter;

/// Units that may wait for the disk.
const WAITING_UNITS: usize = 8192;
/// Payload bytes that may wait for the disk: they are held in memory beyond the ring's budget.
const WAITING_BYTES: u64 = 256 << 20;
/// Marks that may wait for the disk.
const WAITING_MARKS: usize = 1024;

#[derive(Debug)]
enum Mark {
    Keep(Kept),
    Forget(u64),
}

/// One feed's counters.
#[derive(Debug)]
struct FeedCounters {
    name: Arc<str>,
    /// Recording begins in the middle of the stream: nothing is missing before its next keyframe.
    begins: AtomicBool,
    /// A unit was left out: what refers to it is useless. Only the feed's own thread writes it.
    skips: AtomicBool,
    units: Counter,
    slow: Counter,
    full: Counter,
    failed: Counter,
    no_keyframe: Counter,
    unsupported: Counter,
    note: Mutex<Option<String>>,
}

/// What threads share.
#[derive(Debug)]
struct Shared {
    store: Arc<DiskStore>,
    feeds: Vec<FeedCounters>,
    waiting_bytes: AtomicU64,
    /// Why recording pauses.
    problem: Mutex<Option<String>>,
    payload_bytes: AtomicU64,
    file_bytes: AtomicU64,
    /// Processor time of the writing thread so far is not known; this is the time that writing took, nanoseconds.
    write_nanos: AtomicU64,
    rate_bytes_per_sec: AtomicU64,
    free_bytes: AtomicI64,
    sync_errors: Counter,
    /// Segments deleted because others fill the disk.
    deleted_for_room: Counter,
}

fn shared(store: Arc<DiskStore>, names: &[Arc<str>]) -> Shared {
    let counters = |name: &Arc<str>| FeedCounters {
        name: Arc::clone(name),
        begins: AtomicBool::new(false),
        skips: AtomicBool::new(false),
        units: Counter::default(),
        slow: Counter::default(),
        full: Counter::default(),
        failed: Counter::default(),
        no_keyframe: Counter::default(),
        unsupported: Counter::default(),
        note: Mutex::default(),
    };
    Shared {
        store,
        feeds: names.iter().map(counters).collect(),
        waiting_bytes: AtomicU64::new(0),
        problem: Mutex::default(),
        payload_bytes: AtomicU64::new(0),
        file_bytes: AtomicU64::new(0),
        write_nanos: AtomicU64::new(0),
        rate_bytes_per_sec: AtomicU64::new(0),
        free_bytes: AtomicI64::new(-1),
        sync_errors: Counter::default(),
        deleted_for_room: Counter::default(),
    }
}

/// Records all feeds of a session.
#[derive(Debug)]
pub(super) struct Recorder {
    shared: Arc<Shared>,
    units_lossless: Sender<(FeedId, AccessUnit)>,
    marks_lossless: Sender<Mark>,
    stop: Arc<AtomicBool>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Recorder {
    /// Starts its threads; `names` are the feeds in the order of the ring.
    pub(super) fn start(store: Arc<DiskStore>, names: &[Arc<str>], formats: Arc<FeedFormats>) -> Result<Self, CaptureError> {
        let shared = Arc::new(shared(store, names));
        let (units_lossless, units) = bounded(WAITING_UNITS);
        let (marks_lossless, marks) = bounded(WAITING_MARKS);
        let (sync_latest, to_sync) = bounded(1);
        let stop = Arc::new(AtomicBool::new(false));
        let recorder =
            Self { shared: Arc::clone(&shared), units_lossless, marks_lossless, stop: Arc::clone(&stop), threads: Mutex::default() };
        let counting = Arc::clone(&shared);
        recorder.spawn("disk-sync", move || writer::sync(&to_sync, &counting.sync_errors))?;
        recorder.spawn("disk-write", move || writer::Writer::new(shared, formats, sync_latest).run(&units, &marks, &stop))?;
        Ok(recorder)
    }

    fn spawn(&self, name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), CaptureError> {
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(work);
        self.threads.lock().push(thread.map_err(|source| CaptureError::Thread { name: name.to_owned(), source })?);
        Ok(())
    }

    /// Streams run already: what comes before the next keyframe of each belongs to the time before recording.
    fn begin_with_keyframes(&self) {
        self.shared.feeds.iter().for_each(|feed| feed.begins.store(true, Ordering::Relaxed));
    }

    /// Takes one unit; never waits. What the disk has no time for is counted, with what refers to it.
    pub(super) fn offer(&self, feed: FeedId, unit: AccessUnit) {
        let Some(counters) = self.shared.feeds.get(feed.0) else { return };
        if counters.begins.load(Ordering::Relaxed) {
            if !unit.keyframe {
                return;
            }
            counters.begins.store(false, Ordering::Relaxed);
        }
        if counters.skips.load(Ordering::Relaxed) && !unit.keyframe {
            counters.slow.add_one();
            return;
        }
        let bytes = unit.payload.len() as u64;
        let droppable = unit.droppable;
        let fits = self.shared.waiting_bytes.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes) <= WAITING_BYTES;
        if fits && self.units_lossless.try_send((feed, unit)).is_ok() {
            counters.skips.store(false, Ordering::Relaxed);
            return;
        }
        self.shared.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
        counters.slow.add_one();
        if !droppable {
            counters.skips.store(true, Ordering::Relaxed);
        }
    }

    /// Keeps a range, written down as soon as the disk takes it.
    pub(super) fn keep(&self, kept: Kept) -> Result<(), String> {
        self.mark(Mark::Keep(kept))
    }

    /// Keeps it no longer.
    pub(super) fn forget(&self, id: u64) -> Result<(), String> {
        self.mark(Mark::Forget(id))
    }

    fn mark(&self, mark: Mark) -> Result<(), String> {
        self.marks_lossless.try_send(mark).map_err(|e| match e {
            TrySendError::Full(_) => "the disk takes no marks; they will be gone after a restart. Check the disk".to_owned(),
            TrySendError::Disconnected(_) => "recording to disk has ended; marks will be gone after a restart".to_owned(),
        })
    }

    pub(super) fn store(&self) -> &Arc<DiskStore> {
        &self.shared.store
    }

    pub(super) fn status(&self) -> DiskStatus {
        self.shared.status()
    }

    /// Writes what waits, closes the files, and ends the threads.
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Release);
        for thread in self.threads.lock().drain(..).rev() {
            if thread.join().is_err() {
                tracing::warn!("a recording thread panicked");
            }
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.stop();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may fail")]

    use super::*;
    use crate::ring::disk::DiskConfig;
    use crate::time::MediaTime;

    #[test]
    fn every_reason_is_told_by_feed_also_when_recording_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(DiskStore::open(DiskConfig::new(dir.path(), 1 << 20), 0).unwrap());
        let shared = shared(store, &["a".into(), "b".into()]);
        assert_eq!(shared.status().warnings(), [""; 0]);
        let b = &shared.feeds[1];
        for (counter, words) in [
            (&b.slow, "too slow"),
            (&b.full, "no room"),
            (&b.failed, "could not be written"),
            (&b.no_keyframe, "refer to"),
            (&b.unsupported, "no place in MP4"),
        ] {
            counter.add(3);
            let status = shared.status();
            let told = status.warnings();
            assert!(status.state == DiskState::Recording && told.iter().all(|w| w.starts_with("b: ")), "{told:?}");
            assert_eq!(told.iter().filter(|w| w.contains(words)).count(), 1, "{words}: {told:?}");
        }
        assert_eq!(shared.status().warnings().len(), 5);
        shared.deleted_for_room.add(2);
        assert!(shared.status().warnings()[0].contains("nearly full: 2 recordings deleted"));
    }

    #[test]
    fn a_disk_that_is_too_slow_costs_groups_that_are_counted_and_nobody_waits() {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(DiskStore::open(DiskConfig::new(dir.path(), 1 << 20), 0).unwrap());
        let names: [Arc<str>; 1] = ["cam01".into()];
        let mut recorder = Recorder::start(store, &names, Arc::new(FeedFormats::default())).unwrap();
        recorder.stop();
        // From here on nobody writes.
        let (units_lossless, waiting) = bounded(5);
        recorder.units_lossless = units_lossless;
        let unit = |i: i64| AccessUnit::new(MediaTime::from_nanos(i), 1, i % 4 == 0, vec![0; 100].into());
        for i in 0..20 {
            recorder.offer(FeedId(0), unit(i));
        }
        let feed = &recorder.status().feeds[0];
        assert_eq!((waiting.len(), feed.dropped.slow, feed.dropped.total()), (5, 15, 15));
        assert_eq!(recorder.status().waiting_bytes, 500);
        assert!(recorder.status().warnings().iter().any(|w| w.contains("cam01") && w.contains("too slow")));
        // Room again in the middle of a group: what refers to the lost units is left out, the next keyframe goes.
        while waiting.try_recv().is_ok() {}
        (21..26).for_each(|i| recorder.offer(FeedId(0), unit(i)));
        let taken: Vec<i64> = waiting.try_iter().map(|(_, unit)| unit.pts.nanos()).collect();
        assert_eq!(taken, [24, 25]);
        // A feed that is not there is nobody's trouble.
        recorder.offer(FeedId(7), unit(0));
    }
}
