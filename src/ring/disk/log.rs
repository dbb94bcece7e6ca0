//! Writes one feed into the recording folder: fragment by fragment, segment by segment. No thread of its own: whoever owns it calls
//! [`FeedLog::push`] with every unit and [`FeedLog::flush`] about twice a second.

use std::fs::{self, File, OpenOptions};
use std::io::{self, IoSlice, Write as _};
use std::path::PathBuf;
use std::sync::Arc;

use super::segment::{MAX_HIDDEN_NANOS, MAX_PAYLOAD_BYTES, MAX_UNITS, SegmentFormat, SegmentWriter};
use super::store::{DiskError, DiskStore, SegmentEntry, SegmentId};
use crate::ring::AccessUnit;

/// A fragment is written at the latest when so much waits for it.
const FRAGMENT_BYTES: u64 = 32 << 20;
/// How often room is made when the disk is full before recording pauses.
const DELETIONS_PER_WRITE: usize = 16;

/// Closed files that are held for whoever brings them to the disk.
const CLOSED_FILES: usize = 64;

#[derive(Debug)]
struct Open {
    id: SegmentId,
    path: PathBuf,
    file: Arc<File>,
    bytes: u64,
    writer: SegmentWriter,
}

/// What nobody has brought to the disk yet.
#[derive(Debug, Default)]
pub struct Unsynced {
    /// Files that were closed, with their last bytes.
    pub closed: Vec<Arc<File>>,
    /// Files were created: the folder that names them must reach the disk as well.
    pub created: bool,
}

/// One feed's recorder.
#[derive(Debug)]
pub struct FeedLog {
    store: Arc<DiskStore>,
    feed: Arc<str>,
    format: Option<SegmentFormat>,
    /// The same codec headers with another description: taken over at the next keyframe, so that nothing is left out.
    next_format: Option<SegmentFormat>,
    open: Option<Open>,
    unsynced: Unsynced,
    waiting: Vec<AccessUnit>,
    waiting_bytes: u64,
    /// Nothing can be decoded before the next keyframe.
    broken: bool,
    /// Payload bytes and file bytes written.
    written: (u64, u64),
    written_units: u64,
    /// Segments are not longer than this, so that the budget is shared in small pieces, bytes.
    max_segment_bytes: u64,
}

impl FeedLog {
    /// Records `feed` into the folder; `feeds` is how many share it.
    pub fn new(store: Arc<DiskStore>, feed: &str, feeds: usize) -> Self {
        let max_segment_bytes = (store.config().budget_bytes / (8 * feeds.max(1) as u64)).max(64 << 10);
        Self {
            store,
            feed: feed.into(),
            format: None,
            next_format: None,
            open: None,
            unsynced: Unsynced::default(),
            waiting: Vec::new(),
            waiting_bytes: 0,
            broken: true,
            written: (0, 0),
            written_units: 0,
            max_segment_bytes,
        }
    }

    /// How the units from now on are coded; another format begins another segment, with the next keyframe.
    pub fn set_format(&mut self, format: SegmentFormat) -> Result<(), DiskError> {
        if self.format.as_ref() == Some(&format) {
            self.next_format = None;
            return Ok(());
        }
        if self.format.as_ref().is_some_and(|now| (now.entry, &now.config) == (format.entry, &format.config)) {
            self.next_format = Some(format);
            return Ok(());
        }
        let closed = self.close();
        self.next_format = None;
        self.format = Some(format);
        self.broken = true;
        closed
    }

    /// Takes one unit; true when it is on its way to the disk, false when it cannot be used (its keyframe is missing).
    pub fn push(&mut self, unit: AccessUnit) -> Result<bool, DiskError> {
        if self.format.is_none() || (self.broken && !unit.keyframe) || unit.payload.len() as u64 > MAX_PAYLOAD_BYTES {
            self.broken |= !unit.droppable;
            return Ok(false);
        }
        let mut result = Ok(());
        if unit.keyframe && (self.next_format.is_some() || self.is_long_enough(&unit)) {
            result = self.close();
            self.format = self.next_format.take().or(self.format.take());
        }
        self.broken = false;
        let bytes = unit.payload.len() as u64;
        // The next fragment says itself when it begins.
        let after_hole = self.waiting.last().is_some_and(|last| unit.pts - last.pts > MAX_HIDDEN_NANOS / 2);
        if self.waiting.len() >= MAX_UNITS || self.waiting_bytes.saturating_add(bytes) > FRAGMENT_BYTES || after_hole {
            result = result.and_then(|()| self.flush());
        }
        self.waiting_bytes += bytes;
        self.waiting.push(unit);
        result.map(|()| true)
    }

    fn is_long_enough(&self, unit: &AccessUnit) -> bool {
        let Some(open) = &self.open else { return false };
        let long = open.writer.span().is_some_and(|(from, _)| unit.pts - from >= self.store.config().segment_nanos);
        long || open.bytes >= self.max_segment_bytes
    }

    /// Units that wait for the next fragment.
    pub const fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Payload bytes and file bytes written so far.
    pub const fn written_bytes(&self) -> (u64, u64) {
        self.written
    }

    /// Units written so far.
    pub const fn written_units(&self) -> u64 {
        self.written_units
    }

    /// The file being written, for whoever sees to it that it reaches the disk.
    pub fn file(&self) -> Option<Arc<File>> {
        self.open.as_ref().map(|open| Arc::clone(&open.file))
    }

    /// What was closed and created since the last call, for whoever sees to it that it reaches the disk. The files
    /// stay open until then; when nobody calls it, closing a file waits for the disk.
    pub fn take_unsynced(&mut self) -> Unsynced {
        std::mem::take(&mut self.unsynced)
    }

    /// Units are missing here: the next one must be a keyframe.
    pub const fn break_chain(&mut self) {
        self.broken = true;
    }

    /// Hands what waits to the system as one fragment. After an error nothing of it is on disk, and recording goes on with the
    /// next keyframe in a new segment.
    pub fn flush(&mut self) -> Result<(), DiskError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let units = std::mem::take(&mut self.waiting);
        self.waiting_bytes = 0;
        let result = self.write(&units);
        if result.is_err() {
            self.broken = true;
            self.end_segment();
        }
        // The memory is used again.
        self.waiting = units;
        self.waiting.clear();
        result
    }

    fn write(&mut self, units: &[AccessUnit]) -> Result<(), DiskError> {
        let folder = self.store.config().folder.clone();
        let payload: u64 = units.iter().map(|u| u.payload.len() as u64).sum();
        let needed = payload + (256 + 40 * units.len()) as u64;
        if !self.store.make_room(needed) {
            let budget_mib = self.store.config().budget_bytes >> 20;
            return Err(DiskError::KeptFillBudget { folder, budget_mib });
        }
        let mut tries = 0;
        loop {
            match self.try_write(units) {
                Ok(()) => return Ok(()),
                Err(e) if is_full(&e) => {
                    tries += 1;
                    if tries > DELETIONS_PER_WRITE || !self.store.delete_oldest() {
                        return Err(DiskError::Full { folder });
                    }
                }
                Err(source) => {
                    let path = self.open.as_ref().map_or(folder, |open| open.path.clone());
                    return Err(DiskError::Write { path, source });
                }
            }
        }
    }

    fn try_write(&mut self, units: &[AccessUnit]) -> io::Result<()> {
        if self.open.is_none() {
            self.open = Some(self.begin(units)?);
        }
        let Some(open) = &mut self.open else { return Ok(()) };
        // Taken over when it is written: the next try begins with the same number.
        let mut writer = open.writer.clone();
        let head = writer.fragment(units).map_err(io::Error::other)?;
        let mut slices = Vec::with_capacity(units.len() + 1);
        slices.push(IoSlice::new(&head));
        slices.extend(units.iter().map(|u| IoSlice::new(&u.payload)));
        if let Err(e) = write_all(&open.file, &mut slices) {
            // Nothing half written stays: what is read later ends with a whole fragment.
            if let Err(e) = open.file.set_len(open.bytes) {
                tracing::debug!("{:?} cannot be shortened: {e}", open.path);
            }
            return Err(e);
        }
        open.writer = writer;
        let payload: u64 = units.iter().map(|u| u.payload.len() as u64).sum();
        open.bytes += head.len() as u64 + payload;
        self.written.0 += payload;
        self.written.1 += head.len() as u64 + payload;
        self.written_units += units.len() as u64;
        if let Some(span) = open.writer.span() {
            self.store.grew(open.id, open.bytes, span, open.writer.units(), true);
        }
        Ok(())
    }

    fn begin(&mut self, units: &[AccessUnit]) -> io::Result<Open> {
        let Some(format) = &self.format else { return Err(io::Error::other("its format is not known")) };
        let from = units.iter().map(|u| u.pts).min().unwrap_or_default();
        let (writer, beginning) = SegmentWriter::new(&self.feed, self.store.epoch_unix_nanos(), format);
        let (path, file) = self.create(from.nanos())?;
        if let Err(e) = write_all(&file, &mut [IoSlice::new(&beginning)]) {
            drop(file);
            if let Err(e) = fs::remove_file(&path) {
                tracing::debug!("{path:?} cannot be removed: {e}");
            }
            return Err(e);
        }
        self.unsynced.created = true;
        let bytes = beginning.len() as u64;
        self.written.1 += bytes;
        let feed = Arc::clone(&self.feed);
        let entry = SegmentEntry { feed, path: path.clone(), from, until: from, bytes, units: 0, lost_bytes: 0, open: true };
        Ok(Open { id: self.store.add(entry), path, file: Arc::new(file), bytes, writer })
    }

    /// A new file, named for people: feed and house time. What counts stands inside.
    fn create(&self, from_nanos: i64) -> io::Result<(PathBuf, File)> {
        let name: String = self.feed.chars().map(|c| if c.is_alphanumeric() || "-_".contains(c) { c } else { '_' }).take(60).collect();
        let mut number = 0;
        loop {
            let suffix = if number == 0 { String::new() } else { format!("_{number}") };
            let path = self.store.config().folder.join(format!("{name}_{:013}{suffix}.mp4", from_nanos / 1_000_000));
            // Appending: what is written after a failed write was taken back begins where the file ends.
            match OpenOptions::new().append(true).create_new(true).open(&path) {
                Ok(file) => return Ok((path, file)),
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists && number < 10_000 => number += 1,
                Err(e) => return Err(e),
            }
        }
    }

    /// Writes what waits and closes the segment.
    pub fn close(&mut self) -> Result<(), DiskError> {
        let result = self.flush();
        self.end_segment();
        result
    }

    fn end_segment(&mut self) {
        let Some(open) = self.open.take() else { return };
        let Some(span) = open.writer.span().filter(|_| open.writer.units() > 0) else {
            // Not one fragment was written.
            self.store.drop_entry(open.id);
            if let Err(e) = fs::remove_file(&open.path) {
                tracing::debug!("{:?} cannot be removed: {e}", open.path);
            }
            return;
        };
        let tail = open.writer.tail();
        let mut bytes = open.bytes;
        match write_all(&open.file, &mut [IoSlice::new(&tail)]) {
            Ok(()) => {
                bytes += tail.len() as u64;
                self.written.1 += tail.len() as u64;
            }
            Err(e) => {
                tracing::debug!("{:?} is not closed in order: {e}", open.path);
                if let Err(e) = open.file.set_len(open.bytes) {
                    tracing::debug!("{:?} cannot be shortened: {e}", open.path);
                }
            }
        }
        self.store.grew(open.id, bytes, span, open.writer.units(), false);
        if self.unsynced.closed.len() >= CLOSED_FILES {
            // Nobody asks for them: this one waits here.
            if let Err(e) = open.file.sync_data() {
                tracing::warn!("{:?} does not reach the disk: {e}", open.path);
            }
            return;
        }
        self.unsynced.closed.push(open.file);
    }
}

impl Drop for FeedLog {
    fn drop(&mut self) {
        if let Err(e) = self.close() {
            tracing::warn!("{}: {e}", self.feed);
        }
    }
}

fn write_all(mut file: &File, mut slices: &mut [IoSlice<'_>]) -> io::Result<()> {
    // The system takes at most so many pieces at a time.
    const PIECES: usize = 1024;
    while !slices.is_empty() {
        let now = slices.len().min(PIECES);
        match file.write_vectored(&slices[..now]) {
            Ok(0) => {
                if slices.iter().all(|s| s.is_empty()) {
                    return Ok(());
                }
                return Err(io::ErrorKind::WriteZero.into());
            }
            Ok(n) => IoSlice::advance_slices(&mut slices, n),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// No room: the disk, a quota, or the largest file that is allowed.
fn is_full(e: &io::Error) -> bool {
    matches!(e.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::WriteZero)
}
