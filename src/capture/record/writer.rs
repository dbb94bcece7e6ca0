//! The thread that writes, and the one that waits for the disk.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossbeam::channel::{Receiver, Sender, TrySendError};
use crossbeam::select;

use super::packing::Packer;
use super::{FeedCounters, Mark, Shared};
use crate::capture::decode::FeedFormats;
use crate::ring::disk::{DiskError, FeedLog, sync_folder};
use crate::ring::{AccessUnit, FeedId};
use crate::telemetry::Counter;

/// A fragment is written when its first unit has waited so long: what a crash loses.
const FRAGMENT_AFTER: Duration = Duration::from_millis(400);
/// How often the clock is looked at.
const TICK: Duration = Duration::from_millis(25);
/// The disk is asked to have what was written, and its free room is looked at, this often.
const HOUSEKEEPING: Duration = Duration::from_secs(1);
/// A pause for the same reason is logged again after so long; the status always shows it.
const SAID_AGAIN: Duration = Duration::from_mins(1);
/// After an error, recording is tried again after this.
const PAUSE: Duration = Duration::from_secs(1);
/// Room that is left to others on the disk: the smaller of these bytes and this share of it.
const RESERVE_BYTES: u64 = 256 << 20;
const RESERVE_SHARE: u64 = 50;
/// Files deleted at a time because others fill the disk.
const DELETIONS_PER_LOOK: u64 = 4;
/// When deleting frees nothing (the room of a deleted file is still held, or others take it at once), it is not tried before this.
const DELETIONS_AGAIN: Duration = Duration::from_secs(30);
/// Closed files that may wait for the disk; with more, the writing thread waits, and what that costs is counted.
const CLOSED_FILES: usize = 256;

/// What is to reach the disk.
#[derive(Debug, Default)]
pub(super) struct SyncJob {
    pub(super) files: Vec<Arc<File>>,
    /// Files were created in it.
    pub(super) folder: Option<PathBuf>,
}

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
    sync_latest: Sender<SyncJob>,
    /// Closed with their last bytes, not handed over yet.
    closed: Vec<Arc<File>>,
    /// Files were created since the folder was handed over.
    created: bool,
    room_due: Option<Instant>,
    lanes: Vec<Lane>,
    paused_until: Option<Instant>,
    /// What pauses it is room, not a failure.
    is_full: bool,
    /// What was last logged of a pause, and when: a full disk is paused and tried again for hours.
    said: Option<(String, Instant)>,
    housekeeping_due: Instant,
    bytes_before: u64,
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>, formats: Arc<FeedFormats>, sync_latest: Sender<SyncJob>) -> Self {
        let lane = |feed: &FeedCounters| Lane {
            log: FeedLog::new(Arc::clone(&shared.store), &feed.name, shared.feeds.len()),
            packer: None,
            since: None,
            counted_units: 0,
        };
        let lanes = shared.feeds.iter().map(lane).collect();
        let housekeeping_due = Instant::now();
        Self {
            shared,
            formats,
            sync_latest,
            closed: Vec::new(),
            created: false,
            room_due: None,
            lanes,
            paused_until: None,
            is_full: false,
            said: None,
            housekeeping_due,
            bytes_before: 0,
        }
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
        self.sync(true);
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

    fn take(&mut self, feed: FeedId, mut unit: AccessUnit) {
        unit.pts = self.shared.store.folder_time(unit.pts);
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
        let unsynced = lane.log.take_unsynced();
        self.closed.extend(unsynced.closed);
        self.created |= unsynced.created;
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
                    tracing::debug!("recording to disk goes on");
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
                *self.shared.problem.lock() = Some(text.clone());
                if self.said.as_ref().is_none_or(|(said, at)| *said != text || at.elapsed() > SAID_AGAIN) {
                    tracing::warn!("recording to disk pauses: {text}");
                    self.said = Some((text, Instant::now()));
                }
                self.paused_until = Some(Instant::now() + PAUSE);
            }
        }
        // At once: as long as a file is held here, deleting it frees nothing.
        if !self.closed.is_empty() {
            self.sync(false);
        }
    }

    fn keep_house(&mut self) {
        self.make_free_room();
        self.sync(self.closed.len() >= CLOSED_FILES);
        let bytes = self.shared.file_bytes.load(Ordering::Relaxed);
        let fresh = bytes - self.bytes_before;
        self.bytes_before = bytes;
        // Smoothed over some four seconds.
        let before = self.shared.rate_bytes_per_sec.load(Ordering::Relaxed);
        let rate = if before == 0 { fresh } else { (3 * before + fresh) / 4 };
        self.shared.rate_bytes_per_sec.store(rate, Ordering::Relaxed);
    }

    /// Hands over what was written, closed and created. Unless it `waits`, what the disk has no time for goes with the next round.
    fn sync(&mut self, waits: bool) {
        let mut files = std::mem::take(&mut self.closed);
        let closed = files.len();
        files.extend(self.lanes.iter().filter_map(|lane| lane.log.file()));
        let folder = self.created.then(|| self.shared.store.config().folder.clone());
        if files.is_empty() && folder.is_none() {
            return;
        }
        let job = SyncJob { files, folder };
        let refused = if waits {
            self.sync_latest.send(job).err().map(|e| e.0)
        } else {
            self.sync_latest.try_send(job).err().map(TrySendError::into_inner)
        };
        match refused {
            None => self.created = false,
            Some(mut job) => {
                job.files.truncate(closed);
                self.closed = job.files;
                tracing::trace!("the disk is still busy");
            }
        }
    }

    /// Deletes what is oldest before the disk is full, whatever the budget allows: others write to it as well.
    fn make_free_room(&mut self) {
        let shared = &self.shared;
        let folder = &shared.store.config().folder;
        let Some((free, all)) = room(folder) else { return };
        let reserve = RESERVE_BYTES.min(all / RESERVE_SHARE);
        let now = Instant::now();
        if free < reserve && self.room_due.is_none_or(|due| now >= due) {
            let (deleted, helps) = delete_until(reserve, free, || shared.store.delete_oldest(), || room(folder).map(|(free, _)| free));
            self.room_due = (!helps).then(|| now + DELETIONS_AGAIN);
            if deleted > 0 {
                shared.deleted_for_room.add(deleted);
                tracing::warn!("the disk of {folder:?} is nearly full: {deleted} recordings deleted");
            }
        }
        shared.free_bytes.store(i64::try_from(free).unwrap_or(i64::MAX), Ordering::Relaxed);
    }
}

/// Deletes until `reserve` bytes are free, a few at a time: how many were deleted, and whether it helped.
fn delete_until(reserve: u64, mut free: u64, mut delete: impl FnMut() -> bool, mut room: impl FnMut() -> Option<u64>) -> (u64, bool) {
    let mut deleted = 0;
    while free < reserve && deleted < DELETIONS_PER_LOOK && delete() {
        deleted += 1;
        match room() {
            Some(now) if now > free => free = now,
            _ => return (deleted, false),
        }
    }
    (deleted, true)
}

/// Bytes free and bytes there are on a folder's disk.
#[cfg(unix)]
fn room(folder: &Path) -> Option<(u64, u64)> {
    let is = rustix::fs::statvfs(folder).ok()?;
    Some((is.f_bavail.saturating_mul(is.f_frsize), is.f_blocks.saturating_mul(is.f_frsize)))
}

/// Bytes free and bytes there are on a folder's disk.
#[cfg(not(unix))]
fn room(_folder: &Path) -> Option<(u64, u64)> {
    None
}

/// Sees to it that what was written reaches the disk, until nobody sends any more.
pub(super) fn sync(jobs: &Receiver<SyncJob>, errors: &Counter) {
    for job in jobs {
        let mut results: Vec<_> = job.files.iter().map(|file| file.sync_data()).collect();
        results.extend(job.folder.as_deref().map(sync_folder));
        for e in results.into_iter().filter_map(Result::err) {
            errors.add_one();
            tracing::warn!("what was recorded does not reach the disk: {e}");
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may fail")]

    use std::cell::Cell;

    use crossbeam::channel::bounded;

    use super::*;
    use crate::capture::record::shared;
    use crate::ring::disk::{DiskConfig, DiskStore, SegmentFormat};
    use crate::time::MediaTime;

    #[test]
    fn closed_files_and_the_folder_reach_the_disk_also_when_it_is_busy() {
        let dir = tempfile::tempdir().unwrap();
        let mut config = DiskConfig::new(dir.path(), 1 << 20);
        config.segment_nanos = 10;
        let store = Arc::new(DiskStore::open(config, 0).unwrap());
        let (sync_latest, jobs) = bounded(1);
        let mut writer = Writer::new(Arc::new(shared(store, &["a".into()])), Arc::default(), sync_latest);
        let format = SegmentFormat { entry: *b"jpeg", config: None, width_px: 8, height_px: 8, note: String::new() };
        let unit = |i: i64| AccessUnit::new(MediaTime::from_nanos(i), 1, true, vec![0; 100].into());
        writer.with_lane(0, |log| log.set_format(format).and(log.push(unit(0))).map(|_| ()).and_then(|()| log.flush()));
        writer.sync(false);
        // The disk is busy with that; a segment ends meanwhile, and another begins.
        writer.with_lane(0, |log| log.push(unit(20)).map(|_| ()).and_then(|()| log.flush()));
        writer.sync(false);
        let first = jobs.try_recv().unwrap();
        assert_eq!((first.files.len(), first.folder.as_deref()), (1, Some(dir.path())));
        assert!(jobs.try_recv().is_err());
        writer.sync(false);
        let second = jobs.try_recv().unwrap();
        assert_eq!((second.files.len(), second.folder.as_deref()), (2, Some(dir.path())));
        assert!(Arc::ptr_eq(&second.files[0], &first.files[0]), "the closed file comes again, now with its tail");
        writer.sync(false);
        let third = jobs.try_recv().unwrap();
        assert_eq!((third.files.len(), third.folder), (1, None), "nothing new but the open file");
        writer.with_lane(0, FeedLog::close);
        writer.sync(true);
        assert_eq!(jobs.try_recv().unwrap().files.len(), 1);
    }

    #[test]
    fn deleting_ends_where_it_does_not_help() {
        let free = Cell::new(10);
        let deletes = |by: u64| {
            let free = &free;
            move || {
                free.set(free.get() + by);
                true
            }
        };
        assert_eq!(delete_until(100, 10, deletes(0), || Some(free.get())), (1, false), "frees nothing");
        assert_eq!(delete_until(100, 10, deletes(1), || Some(free.get())), (DELETIONS_PER_LOOK, true), "a little at a time");
        free.set(10);
        assert_eq!(delete_until(100, 10, deletes(50), || Some(free.get())), (2, true));
        assert_eq!(delete_until(100, 10, || false, || None), (0, true));
    }
}
