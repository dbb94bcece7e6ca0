//! The recording folder: which segments there are, how much room they take, what is kept, and what a feed saw at an instant.

use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::journal::{self, Journal, Kept};
use super::late::Shift;
use super::reader::{self, ByteSource as _, Segment, SegmentError};
use crate::ring::track::Track;
use crate::ring::{AccessUnit, Dishonest, GopForInstant};
use crate::time::MediaTime;

/// Segments whose index is kept in memory.
const PARSED_SEGMENTS: usize = 64;
/// Around an instant, segments are looked into that are this near, nanoseconds.
const NEAR_NANOS: i64 = 2_000_000_000;
/// A new session begins this long after the newest recording when the wall clock says that it is earlier.
const AFTER_NEWEST_NANOS: i64 = 1_000_000_000;

/// Settings of recording to disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskConfig {
    /// The folder; made when it is not there. One program at a time records into it.
    pub folder: PathBuf,
    /// Bytes of all segments together.
    pub budget_bytes: u64,
    /// Length of a segment, nanoseconds; it ends with the first keyframe after that.
    pub segment_nanos: i64,
}

impl DiskConfig {
    /// Segments of 20 s.
    pub fn new(folder: impl Into<PathBuf>, budget_bytes: u64) -> Self {
        Self { folder: folder.into(), budget_bytes, segment_nanos: 20_000_000_000 }
    }
}

/// Why the recording folder cannot be used, or not now.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// The folder.
    #[error(
        "the recording folder {folder:?} cannot be used: {source}. Mount its disk, let this user write there, or make room: it is tried again"
    )]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The folder, only to be looked at.
    #[error("the recording folder {folder:?} cannot be read: {source}. Give the folder that was recorded into")]
    Look {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Somebody else records there.
    #[error(
        "another program records into {folder:?} already. Give every session a folder of its own, or end the other one: it is tried again"
    )]
    InUse {
        /// The folder.
        folder: PathBuf,
    },
    /// No room left on the disk.
    #[error(
        "the disk of {folder:?} is full: make room on it or give another folder. What marks keep is not deleted; remove marks to free it"
    )]
    Full {
        /// The folder.
        folder: PathBuf,
    },
    /// Everything that is left is kept by marks.
    #[error("marks keep all of the {budget_mib} MiB allowed in {folder:?}: remove marks or allow more, else nothing new is recorded")]
    KeptFillBudget {
        /// The folder.
        folder: PathBuf,
        /// The budget, MiB.
        budget_mib: u64,
    },
    /// Writing failed.
    #[error("{path:?} cannot be written: {source}. Check the disk; recording is tried again every second")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Reading failed.
    #[error("{path:?} {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: SegmentError,
    },
}

/// One segment as the folder's index knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentEntry {
    /// The feed.
    pub feed: Arc<str>,
    /// The file.
    pub path: PathBuf,
    /// Earliest time.
    pub from: MediaTime,
    /// End of the last frame.
    pub until: MediaTime,
    /// Bytes of the file.
    pub bytes: u64,
    /// Access units.
    pub units: u64,
    /// Bytes that belong to no whole fragment: it was cut off or is damaged.
    pub lost_bytes: u64,
    /// It is being written.
    pub open: bool,
}

/// Which segment: its number in this run of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentId(u64);

#[derive(Debug, Default)]
struct Index {
    segments: BTreeMap<SegmentId, SegmentEntry>,
    next: u64,
    bytes: u64,
    kept: BTreeMap<u64, Kept>,
    deleted: u64,
}

/// What was found in the folder when it was opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Restored {
    /// Segments.
    pub segments: usize,
    /// Files that are none of ours or whose beginning is damaged: left alone.
    pub foreign: usize,
    /// Segments that were cut off or damaged; their whole fragments are there.
    pub cut_off: usize,
    /// Sessions that recorded here before.
    pub sessions: usize,
    /// Lines of the journal that could not be read.
    pub torn_lines: usize,
    /// The wall clock is behind the newest recording by this many nanoseconds: it was set back. House time goes on after that.
    pub clock_set_back_nanos: Option<i64>,
}

/// What to decode to see one frame, and the descriptions of the streams: a unit's format is its place in `notes`.
#[derive(Debug, Clone)]
pub struct FoundOnDisk {
    /// The units.
    pub gop: GopForInstant,
    /// The producers' descriptions.
    pub notes: Vec<String>,
}

/// The recording folder. Share it; all methods take `&self`.
#[derive(Debug)]
pub struct DiskStore {
    config: DiskConfig,
    epoch_unix_nanos: i64,
    start: MediaTime,
    shift: Shift,
    restored: Restored,
    index: Mutex<Index>,
    journal: Mutex<Option<Journal>>,
    parsed: Mutex<VecDeque<(SegmentId, u64, Arc<Segment>)>>,
    /// Payloads that were no longer what was written.
    pub(super) damaged_reads: AtomicU64,
    /// Held while this program records here.
    _lock: Option<File>,
}

impl DiskStore {
    /// Opens the folder to record into it; `now_unix_nanos` is the wall clock. What earlier sessions recorded is found again.
    pub fn open(config: DiskConfig, now_unix_nanos: i64) -> Result<Self, DiskError> {
        Self::open_in(config, now_unix_nanos, None)
    }

    /// Opens it for a session that runs already: it keeps its house time, which is `house_now`, and its numbers; files and journal
    /// have those of the folder. What earlier sessions recorded there has times before the session's first.
    pub fn open_late(config: DiskConfig, now_unix_nanos: i64, house_now: MediaTime) -> Result<Self, DiskError> {
        Self::open_in(config, now_unix_nanos, Some(house_now))
    }

    fn open_in(config: DiskConfig, now_unix_nanos: i64, house_now: Option<MediaTime>) -> Result<Self, DiskError> {
        let folder = config.folder.clone();
        let wrong = |source| DiskError::Folder { folder: folder.clone(), source };
        fs::create_dir_all(&folder).map_err(wrong)?;
        let lock_path = folder.join("volte.lock");
        journal::plain_or_absent(&lock_path).map_err(wrong)?;
        let lock = File::create(lock_path).map_err(wrong)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(DiskError::InUse { folder }),
            // Some network disks know no locks: better to record unguarded than not at all.
            Err(fs::TryLockError::Error(e)) => {
                tracing::warn!("{folder:?} cannot be locked: {e}. See that no other program records into it");
            }
        }
        let mut store = Self::scan(config, Some(lock), false).map_err(wrong)?;
        let past = store.index.lock().segments.values().map(|s| s.until).max();
        store.start = MediaTime::from_nanos(now_unix_nanos.saturating_sub(store.epoch_unix_nanos));
        let known = store.restored.sessions > 0 || past.is_some();
        if !known {
            store.start = house_now.unwrap_or(MediaTime::ZERO);
            store.epoch_unix_nanos = now_unix_nanos.saturating_sub(store.start.nanos());
        } else if let newest = past.unwrap_or_default().max(MediaTime::ZERO)
            && store.start < newest
        {
            store.restored.clock_set_back_nanos = Some(newest - store.start);
            store.start = newest.plus_nanos(AFTER_NEWEST_NANOS);
        }
        if let Some(house_now) = house_now {
            store.shift = Shift::of(house_now, store.start, store.index.lock().kept.keys());
        }
        let mut journal = Journal::open(&folder).map_err(wrong)?;
        journal.epoch(store.epoch_unix_nanos).and_then(|()| journal.session(now_unix_nanos, store.start.nanos())).map_err(wrong)?;
        store.journal = Mutex::new(Some(journal));
        // Some network disks cannot; the journal itself is on the disk.
        if let Err(e) = super::sync_folder(&folder) {
            tracing::debug!("{folder:?}: {e}");
        }
        Ok(store)
    }

    /// Opens a folder to look at it; nothing in it is changed. Every file is walked through, so that damage anywhere between its
    /// pictures is found, also where its end is whole.
    pub fn look(folder: impl Into<PathBuf>) -> Result<Self, DiskError> {
        let folder = folder.into();
        Self::scan(DiskConfig::new(folder.clone(), u64::MAX), None, true).map_err(|source| DiskError::Look { folder, source })
    }

    /// Opens a folder to take pictures from it; nothing in it is changed, and somebody may be recording there. What is recorded later is
    /// not seen.
    pub fn open_to_read(folder: impl Into<PathBuf>) -> Result<Self, DiskError> {
        let folder = folder.into();
        Self::scan(DiskConfig::new(folder.clone(), u64::MAX), None, false).map_err(|source| DiskError::Look { folder, source })
    }

    fn scan(config: DiskConfig, lock: Option<File>, walks: bool) -> io::Result<Self> {
        let past = journal::read(&config.folder)?;
        let mut restored = Restored { sessions: past.sessions, torn_lines: past.torn, ..Restored::default() };
        let mut index = Index { kept: past.kept, ..Index::default() };
        let mut epoch = past.epoch_unix_nanos;
        let mut paths: Vec<PathBuf> = fs::read_dir(&config.folder)?.filter_map(|e| Some(e.ok()?.path())).collect();
        paths.retain(|path| path.extension().is_some_and(|e| e == "mp4") && path.is_file());
        paths.sort();
        for path in paths {
            match look_at(&path, walks) {
                Ok((entry, its_epoch)) => {
                    restored.segments += 1;
                    restored.cut_off += usize::from(entry.lost_bytes > 0);
                    epoch.get_or_insert(its_epoch);
                    index.add(entry);
                }
                Err(e) => {
                    tracing::info!("{path:?} {e}");
                    restored.foreign += 1;
                }
            }
        }
        Ok(Self {
            config,
            epoch_unix_nanos: epoch.unwrap_or(0),
            start: MediaTime::ZERO,
            shift: Shift::default(),
            restored,
            index: Mutex::new(index),
            journal: Mutex::default(),
            parsed: Mutex::default(),
            damaged_reads: AtomicU64::new(0),
            _lock: lock,
        })
    }

    /// The settings.
    pub const fn config(&self) -> &DiskConfig {
        &self.config
    }

    /// Wall clock at house time zero, nanoseconds since 1970 (UTC).
    pub const fn epoch_unix_nanos(&self) -> i64 {
        self.epoch_unix_nanos
    }

    /// The folder's house time when it was opened: later than everything in it.
    pub const fn start(&self) -> MediaTime {
        self.start
    }

    /// What was found when the folder was opened.
    pub const fn restored(&self) -> &Restored {
        &self.restored
    }

    /// A time of the session as the folder's files have it.
    pub fn folder_time(&self, time: MediaTime) -> MediaTime {
        self.shift.to_folder(time)
    }

    /// Every segment, in the folder's time.
    pub fn segments(&self) -> Vec<SegmentEntry> {
        self.index.lock().segments.values().cloned().collect()
    }

    /// Bytes of all segments, how many were deleted to make room, and the oldest time there is.
    pub fn totals(&self) -> (u64, u64, Option<MediaTime>) {
        let index = self.index.lock();
        let oldest = index.segments.values().filter(|s| s.units > 0 && self.shift.is_of_session(s)).map(|s| s.from).min();
        (index.bytes, index.deleted, oldest.map(|at| self.shift.to_session(at)))
    }

    /// What is kept, by identity.
    pub fn kept(&self) -> Vec<Kept> {
        self.index.lock().kept.values().cloned().map(|kept| self.shift.kept_in_session(kept)).collect()
    }

    /// Keeps a range from now on; written down at once. Keeping an identity again replaces it.
    pub fn keep(&self, kept: Kept) -> Result<(), DiskError> {
        let kept = self.shift.kept_in_folder(kept);
        let written = self.journal.lock().as_mut().map_or(Ok(()), |journal| journal.keep(&kept));
        self.index.lock().kept.insert(kept.id, kept);
        written.map_err(|source| self.journal_error(source))
    }

    /// Keeps it no longer.
    pub fn forget(&self, id: u64) -> Result<(), DiskError> {
        let id = self.shift.number_in_folder(id);
        let written = self.journal.lock().as_mut().map_or(Ok(()), |journal| journal.forget(id));
        self.index.lock().kept.remove(&id);
        written.map_err(|source| self.journal_error(source))
    }

    fn journal_error(&self, source: io::Error) -> DiskError {
        let path = self.journal.lock().as_ref().map_or_else(|| self.config.folder.join(journal::FILE_NAME), |j| j.path().to_owned());
        DiskError::Write { path, source }
    }

    pub(super) fn add(&self, entry: SegmentEntry) -> SegmentId {
        self.index.lock().add(entry)
    }

    pub(super) fn grew(&self, id: SegmentId, bytes: u64, span: (MediaTime, MediaTime), units: u64, open: bool) {
        let mut index = self.index.lock();
        let Some(entry) = index.segments.get_mut(&id) else { return };
        let before = entry.bytes;
        (entry.bytes, entry.from, entry.until, entry.units, entry.open) = (bytes, span.0, span.1, units, open);
        index.bytes = index.bytes - before + bytes;
    }

    pub(super) fn drop_entry(&self, id: SegmentId) {
        let mut index = self.index.lock();
        if let Some(entry) = index.segments.remove(&id) {
            index.bytes -= entry.bytes;
        }
    }

    /// Deletes what is oldest over all feeds until `wanted_bytes` more fit into the budget; false when what is left is kept or
    /// being written.
    pub(super) fn make_room(&self, wanted_bytes: u64) -> bool {
        loop {
            if self.index.lock().bytes.saturating_add(wanted_bytes) <= self.config.budget_bytes {
                return true;
            }
            if !self.delete_oldest() {
                return false;
            }
        }
    }

    /// Deletes the oldest segment that nothing keeps; false when there is none.
    pub fn delete_oldest(&self) -> bool {
        let mut index = self.index.lock();
        let Index { segments, kept, .. } = &*index;
        let is_kept = |s: &SegmentEntry| kept.values().any(|k| s.from < k.until && k.from < s.until);
        let victim = segments.iter().filter(|(_, s)| !s.open && !is_kept(s)).min_by_key(|(_, s)| s.until).map(|(id, _)| *id);
        let Some(entry) = victim.and_then(|id| index.segments.remove(&id)) else { return false };
        index.bytes -= entry.bytes;
        index.deleted += 1;
        drop(index);
        if let Err(e) = fs::remove_file(&entry.path)
            && e.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!("{:?} cannot be deleted: {e}. Delete it by hand, it counts no longer", entry.path);
        }
        true
    }

    /// Segments of a feed around a range, oldest first, with the one before them (leading pictures may need it).
    fn around(&self, feed: &str, from: MediaTime, until: MediaTime) -> Vec<(SegmentId, SegmentEntry)> {
        let index = self.index.lock();
        let mut all: Vec<_> = index.segments.iter().filter(|(_, s)| *s.feed == *feed && s.from < until).collect();
        all.sort_by_key(|(_, s)| s.from);
        let first = all.iter().position(|(_, s)| s.until > from).unwrap_or(all.len());
        if first == all.len() {
            return Vec::new();
        }
        all[first.saturating_sub(1)..].iter().map(|(id, s)| (**id, (*s).clone())).collect()
    }

    fn parse(&self, id: SegmentId, entry: &SegmentEntry) -> Result<Arc<Segment>, DiskError> {
        let mut parsed = self.parsed.lock();
        if let Some(at) = parsed.iter().position(|(other, ..)| *other == id) {
            let Some(found) = parsed.remove(at) else { return Err(vanished(entry)) };
            if found.1 == entry.bytes {
                let segment = Arc::clone(&found.2);
                parsed.push_back(found);
                return Ok(segment);
            }
        }
        drop(parsed);
        let wrong = |source| DiskError::Read { path: entry.path.clone(), source };
        let mut file = File::open(&entry.path).map_err(|e| wrong(e.into()))?;
        let segment = Arc::new(reader::read_segment(&mut file).map_err(wrong)?);
        let mut parsed = self.parsed.lock();
        parsed.push_back((id, entry.bytes, Arc::clone(&segment)));
        if parsed.len() > PARSED_SEGMENTS {
            parsed.pop_front();
        }
        Ok(segment)
    }

    /// What must be decoded to see a feed's honest frame at `instant`, as [`crate::ring::Ring::gop_for`] does from memory and by the
    /// same rules. `interval_nanos` is the feed's frame interval (0: each unit's own duration).
    pub fn gop_for(&self, feed: &str, instant: MediaTime, interval_nanos: i64) -> Result<FoundOnDisk, Dishonest> {
        let instant = self.shift.to_folder(instant);
        let near = self.around(feed, instant.plus_nanos(-NEAR_NANOS), instant.plus_nanos(NEAR_NANOS));
        let shelf = self.shelf(&near);
        let gop = shelf.track.gop_for(instant, interval_nanos)?;
        let mut units = shelf
            .load(&gop.units, self)
            .ok_or(Dishonest::Marked { flags: crate::ring::UnitFlags { damaged: true, ..Default::default() } })?;
        self.shift.units_in_session(&mut units);
        Ok(FoundOnDisk { gop: GopForInstant { units, pts: self.shift.to_session(gop.pts), ..gop }, notes: shelf.notes })
    }

    /// Every unit of a feed with `from ≤ time < until` and those needed to decode them, in decode order, with the descriptions of
    /// their streams. Units whose payload is damaged end it.
    pub fn range(&self, feed: &str, from: MediaTime, until: MediaTime) -> (Vec<AccessUnit>, Vec<String>) {
        let (from, until) = (self.shift.to_folder(from), self.shift.to_folder(until));
        let near = self.around(feed, from, until);
        let shelf = self.shelf(&near);
        let units = shelf.track.range(from, until);
        let mut out = Vec::with_capacity(units.len());
        for unit in &units {
            match shelf.load(std::slice::from_ref(unit), self) {
                Some(loaded) => out.extend(loaded),
                None => break,
            }
        }
        self.shift.units_in_session(&mut out);
        (out, shelf.notes)
    }

    fn shelf(&self, near: &[(SegmentId, SegmentEntry)]) -> Shelf {
        let mut shelf = Shelf { track: Track::with_capacity(0, Vec::new()), places: Vec::new(), paths: Vec::new(), notes: Vec::new() };
        for (id, entry) in near {
            match self.parse(*id, entry) {
                Ok(segment) => shelf.add(&entry.path, &segment),
                Err(e) => tracing::warn!("{e}"),
            }
        }
        shelf
    }
}

fn vanished(entry: &SegmentEntry) -> DiskError {
    let source = SegmentError::Io(io::ErrorKind::NotFound.into());
    DiskError::Read { path: entry.path.clone(), source }
}

/// Units of a few segments, indexed like a feed of the ring in memory, without their payloads.
struct Shelf {
    track: Track,
    /// By order in the track: which file, and where in it.
    places: Vec<(usize, reader::UnitEntry)>,
    paths: Vec<PathBuf>,
    notes: Vec<String>,
}

impl Shelf {
    fn add(&mut self, path: &Path, segment: &Segment) {
        let format = self.notes.iter().position(|n| *n == segment.head.note).unwrap_or_else(|| {
            self.notes.push(segment.head.note.clone());
            self.notes.len() - 1
        });
        self.paths.push(path.to_owned());
        for entry in &segment.units {
            if entry.after_gap {
                self.track.break_chain();
            }
            let mut unit = AccessUnit::new(entry.pts, entry.duration_nanos, entry.keyframe, bytes::Bytes::new());
            (unit.format, unit.droppable, unit.flags) = (format as u16, entry.droppable, entry.flags);
            if let crate::ring::Push::Stored(_) = self.track.push(unit, i64::from(entry.duration_nanos), false) {
                self.places.push((self.paths.len() - 1, *entry));
            }
        }
    }

    /// The units with their payloads; `None` when one of them is damaged or gone.
    fn load(&self, units: &[AccessUnit], store: &DiskStore) -> Option<Vec<AccessUnit>> {
        let mut open: Option<(usize, File)> = None;
        let mut out = Vec::with_capacity(units.len());
        for unit in units {
            let (which, entry) = self.places.get(usize::try_from(unit.order).ok()?)?;
            if open.as_ref().is_none_or(|(other, _)| other != which) {
                open = Some((*which, File::open(&self.paths[*which]).ok()?));
            }
            let (_, file) = open.as_mut()?;
            let payload = entry.payload(file).ok().flatten();
            if payload.is_none() {
                store.damaged_reads.fetch_add(1, Ordering::Relaxed);
            }
            out.push(AccessUnit { payload: payload?, ..unit.clone() });
        }
        Some(out)
    }
}

impl Index {
    fn add(&mut self, entry: SegmentEntry) -> SegmentId {
        let id = SegmentId(self.next);
        self.next += 1;
        self.bytes += entry.bytes;
        self.segments.insert(id, entry);
        id
    }
}

/// What the index needs of a file; a segment that was closed in order tells it by its beginning and its end, unless it `walks`.
fn look_at(path: &Path, walks: bool) -> Result<(SegmentEntry, i64), SegmentError> {
    let mut file = File::open(path)?;
    let bytes = file.size()?;
    let (head, _) = reader::read_head(&mut file)?;
    let (span, units, lost_bytes) = if let Some((from, until, units)) = reader::read_tail(&mut file).filter(|_| !walks) {
        (Some((from, until)), units, 0)
    } else {
        let segment = reader::read_segment(&mut file)?;
        (segment.span(), segment.units.len() as u64, segment.lost_bytes)
    };
    let (from, until) = span.unwrap_or((MediaTime::from_nanos(i64::MIN), MediaTime::from_nanos(i64::MIN)));
    let entry = SegmentEntry { feed: head.feed.into(), path: path.to_owned(), from, until, bytes, units, lost_bytes, open: false };
    Ok((entry, head.epoch_unix_nanos))
}
