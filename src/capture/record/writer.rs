//! The thread that writes, and the one that waits for the disk.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossbeam::channel::{Receiver, Sender};
use crossbeam::select;

use super::packing::Packer;
use super::{FeedCounters, Mark, Shared};
use crate::capture::decode::FeedFormats;
use crate::ring::disk::{DiskError, FeedLog};
use crate::ring::{AccessUnit, FeedId};
use crate::telemetry::Counter;

/// A fragment is written when its first unit has waited so long: what a crash loses.
const FRAGMENT_AFTER: Duration = Duration::from_millis(400);
/// How often the clock is looked at.
const TICK: Duration = Duration::from_millis(25);
/// The disk is asked to have what was written, and its free room is looked at, this often.
const HOUSEKEEPING: Duration = Duration::from_secs(1);
/// After an error, recording is tried again after this.
const PAUSE: Duration = Duration::from_secs(1);
/// Room that is left to others on the disk: the smaller of these bytes and this share of it.
const RESERVE_BYTES: u64 = 256 << 20;
const RESERVE_SHARE: u64 = 50;

/// One feed as the writing thread sees it.
struct Lane {
    log: FeedLog,
    /// The stream's format by its number, and how it is packed; `None` when it cannot be.
    packer: Option<(u16, Option<Packer>)>,
    since: Option<Instant>,
    counted_units: u64,
}

/// The thread that writes.
pub(super) struct Writer {
    shared: Arc<Shared>,
    formats: Arc<FeedFormats>,
    sync_latest: Sender<Vec<Arc<File>>>,
    lanes: Vec<Lane>,
    paused_until: Option<Instant>,
    /// What pauses it is room, not a failure.
    is_full: bool,
    housekeeping_due: Instant,
    bytes_before: u64,
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>, formats: Arc<FeedFormats>, sync_latest: Sender<Vec<Arc<File>>>) -> Self {
        let lane = |feed: &FeedCounters| Lane {
            log: FeedLog::new(Arc::clone(&shared.store), &feed.name, shared.feeds.len()),
            packer: None,
            since: None,
            counted_units: 0,
        };
        let lanes = shared.feeds.iter().map(lane).collect();
        let housekeeping_due = Instant::now();
        Self { shared, formats, sync_latest, lanes, paused_until: None, is_full: false, housekeeping_due, bytes_before: 0 }
    }

    /// Runs until told to stop; then everything that waits is written and the files are closed.
    pub(super) fn run(mut self, units: &Receiver<(FeedId, AccessUnit)>, marks: &Receiver<Mark>, stop: &AtomicBool) {
        let mut look_due = Instant::now();
        loop {
            select! {
                recv(marks) -> mark => if let Ok(mark) = mark { self.mark(mark) } else { break },
                recv(units) -> unit => if let Ok((feed, unit)) = unit { self.take(feed, unit) } else { break },
                default(TICK) => if stop.load(Ordering::Acquire) { break },
            }
            let now = Instant::now();
            if now < look_due {
                continue;
            }
            look_due = now + TICK;
            self.flush_due(now);
            if now >= self.housekeeping_due {
                self.housekeeping_due = now + HOUSEKEEPING;
                self.keep_house();
            }
            if stop.load(Ordering::Acquire) && units.is_empty() && marks.is_empty() {
                break;
            }
        }
        for lane in 0..self.lanes.len() {
            self.with_lane(lane, FeedLog::close);
        }
        self.sync();
    }

    fn mark(&self, mark: Mark) {
        let written = match mark {
            Mark::Keep(kept) => self.shared.store.keep(kept),
            Mark::Forget(id) => self.shared.store.forget(id),
        };
        if let Err(e) = written {
            tracing::warn!("a mark is not written down and will be gone after a restart: {e}");
        }
    }

    fn take(&mut self, feed: FeedId, unit: AccessUnit) {
        self.shared.waiting_bytes.fetch_sub(unit.payload.len() as u64, Ordering::Relaxed);
        let (Some(lane), Some(counters)) = (self.lanes.get_mut(feed.0), self.shared.feeds.get(feed.0)) else { return };
        if let Some(until) = self.paused_until {
            if Instant::now() < until {
                lane.log.break_chain();
                if self.is_full {
                    counters.full.add_one();
                } else {
                    counters.failed.add_one();
                }
                return;
            }
            self.paused_until = None;
        }
        if lane.packer.as_ref().is_none_or(|(number, _)| *number != unit.format) {
            let Some(stream) = self.formats.get(feed, unit.format) else {
                counters.no_keyframe.add_one();
                return;
            };
            let previous = lane.packer.take().and_then(|(_, packer)| packer);
            let packer = Packer::new(stream).map_err(|why| *counters.note.lock() = Some(why)).ok();
            let packer = packer.map(|packer| packer.after(previous));
            if packer.is_some() {
                *counters.note.lock() = None;
            }
            lane.packer = Some((unit.format, packer));
        }
        let Some((_, Some(packer))) = &mut lane.packer else {
            counters.unsupported.add_one();
            return;
        };
        let Some((unit, format)) = packer.pack(unit) else {
            counters.no_keyframe.add_one();
            return;
        };
        let mut taken = true;
        self.with_lane(feed.0, |log| {
            let closed = format.map_or(Ok(()), |format| log.set_format(format));
            let pushed = log.push(unit).map(|is_taken| taken = is_taken);
            closed.and(pushed)
        });
        let (Some(lane), Some(counters)) = (self.lanes.get_mut(feed.0), self.shared.feeds.get(feed.0)) else { return };
        if !taken {
            counters.no_keyframe.add_one();
        }
        if lane.since.is_none() && lane.log.waiting() > 0 {
            lane.since = Some(Instant::now());
        }
    }

    fn flush_due(&mut self, now: Instant) {
        for lane in 0..self.lanes.len() {
            if self.lanes[lane].since.is_some_and(|since| now - since >= FRAGMENT_AFTER) {
                self.with_lane(lane, FeedLog::flush);
            }
        }
    }

    /// Works on one feed's log, keeps the books, and pauses when the disk does not take it.
    fn with_lane(&mut self, at: usize, work: impl FnOnce(&mut FeedLog) -> Result<(), DiskError>) {
        let (Some(lane), Some(counters)) = (self.lanes.get_mut(at), self.shared.feeds.get(at)) else { return };
        let (begun, waiting) = (Instant::now(), lane.log.waiting() as u64);
        let (payload, file) = lane.log.written_bytes();
        let result = work(&mut lane.log);
        let (payload_now, file_now) = lane.log.written_bytes();
        self.shared.payload_bytes.fetch_add(payload_now - payload, Ordering::Relaxed);
        self.shared.file_bytes.fetch_add(file_now - file, Ordering::Relaxed);
        let written = lane.log.written_units() - lane.counted_units;
        lane.counted_units += written;
        counters.units.add(written);
        if lane.log.waiting() == 0 {
            lane.since = None;
        }
        match result {
            Ok(()) if written > 0 => {
                self.shared.write_nanos.fetch_add(begun.elapsed().as_nanos() as u64, Ordering::Relaxed);
                if self.shared.problem.lock().take().is_some() {
                    tracing::info!("recording to disk goes on");
                }
            }
            Ok(()) => {}
            Err(e) => {
                self.is_full = matches!(e, DiskError::Full { .. } | DiskError::KeptFillBudget { .. });
                let lost = waiting.saturating_sub(written);
                if self.is_full {
                    counters.full.add(lost);
                } else {
                    counters.failed.add(lost);
                }
                let text = e.to_string();
                if self.shared.problem.lock().replace(text.clone()).as_ref() != Some(&text) {
                    tracing::warn!("recording to disk pauses: {text}");
                }
                self.paused_until = Some(Instant::now() + PAUSE);
            }
        }
    }

    fn keep_house(&mut self) {
        self.make_free_room();
        self.sync();
        let bytes = self.shared.file_bytes.load(Ordering::Relaxed);
        let fresh = bytes - self.bytes_before;
        self.bytes_before = bytes;
        // Smoothed over some four seconds.
        let before = self.shared.rate_bytes_per_sec.load(Ordering::Relaxed);
        let rate = if before == 0 { fresh } else { (3 * before + fresh) / 4 };
        self.shared.rate_bytes_per_sec.store(rate, Ordering::Relaxed);
    }

    fn sync(&self) {
        let files: Vec<Arc<File>> = self.lanes.iter().filter_map(|lane| lane.log.file()).collect();
        // When the last round still goes on, the next one brings these along.
        if !files.is_empty() && self.sync_latest.try_send(files).is_err() {
            tracing::trace!("the disk is still busy");
        }
    }

    /// Deletes what is oldest before the disk is full, whatever the budget allows: others write to it as well.
    fn make_free_room(&self) {
        let folder = &self.shared.store.config().folder;
        let Some((mut free, all)) = room(folder) else { return };
        let reserve = RESERVE_BYTES.min(all / RESERVE_SHARE);
        while free < reserve && self.shared.store.delete_oldest() {
            match room(folder) {
                Some((now, _)) => free = now,
                None => break,
            }
        }
        self.shared.free_bytes.store(i64::try_from(free).unwrap_or(i64::MAX), Ordering::Relaxed);
    }
}

/// Bytes free and bytes there are on a folder's disk.
#[cfg(unix)]
fn room(folder: &std::path::Path) -> Option<(u64, u64)> {
    let is = rustix::fs::statvfs(folder).ok()?;
    Some((is.f_bavail.saturating_mul(is.f_frsize), is.f_blocks.saturating_mul(is.f_frsize)))
}

/// Bytes free and bytes there are on a folder's disk.
#[cfg(not(unix))]
fn room(_folder: &std::path::Path) -> Option<(u64, u64)> {
    None
}

/// Sees to it that what was written reaches the disk, until nobody sends any more.
pub(super) fn sync(files: &Receiver<Vec<Arc<File>>>, errors: &Counter) {
    for files in files {
        for file in files {
            if let Err(e) = file.sync_data() {
                errors.add_one();
                tracing::warn!("what was recorded does not reach the disk: {e}");
            }
        }
    }
}
