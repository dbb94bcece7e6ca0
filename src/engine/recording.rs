//! A recording folder for an export: what was recorded to disk, by instant or by event, also while recording goes on.
//!
//! Must not know: windows, command lines, views. Nothing in the folder is changed.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::export::MomentSource;
use crate::{
    capture::{CaptureError, FeedFormats, MomentDecoder},
    frame::{Moment, Picture},
    replay::{Event, EventId},
    rig::Rig,
    ring::{
        Ring, RingConfig,
        disk::{DiskError, DiskStore, Kept, SegmentEntry, read_head},
    },
    time::MediaTime,
};

/// Between two files of a feed, more than this is a hole, nanoseconds.
const HOLE_NANOS: i64 = 500_000_000;
/// How far about the mark the cameras' past is looked at, nanoseconds.
const SPAN_NANOS: i64 = 10_000_000_000;

/// What can go wrong with a recording.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// The folder.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// GStreamer.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// Cameras of the rig are not in it.
    #[error("{folder:?} has no recording of {cameras} (there is: {found}). Give the rig of that show, or choose cameras with --use")]
    Missing {
        /// The folder.
        folder: PathBuf,
        /// Names.
        cameras: String,
        /// Names of the feeds there are.
        found: String,
    },
    /// No such event, and no time.
    #[error("{at:?} is no time and no event of the recording ({found}). Write seconds or HH:MM:SS.mmm of house time, or an event's name")]
    NoSuchInstant {
        /// What was asked for.
        at: String,
        /// Events there are.
        found: String,
    },
    /// Not recorded, or deleted to make room.
    #[error("the path needs two cameras' pictures from {from} to {until}, but there is: {spans}. Choose another instant or a shorter path")]
    Outside {
        /// Begin.
        from: MediaTime,
        /// End.
        until: MediaTime,
        /// Recorded spans, in words.
        spans: String,
    },
}

/// A recording folder, and the instant in it.
pub struct Recording {
    store: Arc<DiskStore>,
    decoder: MomentDecoder,
    mark: MediaTime,
    /// Of the rig's cameras.
    segments: Vec<SegmentEntry>,
}

impl std::fmt::Debug for Recording {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recording").field("mark", &self.mark).finish_non_exhaustive()
    }
}

impl Recording {
    /// Opens the folder for the rig's cameras. `at` is house time (seconds, or HH:MM:SS.mmm) or an event's name; the path needs
    /// `from_secs` to `until_secs` about it, of two cameras at least.
    pub fn open(rig: &Rig, folder: &Path, at: &str, (from_secs, until_secs): (f64, f64)) -> Result<Self, RecordingError> {
        crate::capture::init()?;
        let store = Arc::new(DiskStore::open_to_read(folder)?);
        let mark = instant_of(&store, at)?;
        Self::opened(store, rig, folder, mark, (from_secs, until_secs))
    }

    /// The same at an instant of the house clock.
    pub fn open_at(rig: &Rig, folder: &Path, mark: MediaTime, span_secs: (f64, f64)) -> Result<Self, RecordingError> {
        crate::capture::init()?;
        Self::opened(Arc::new(DiskStore::open_to_read(folder)?), rig, folder, mark, span_secs)
    }

    fn opened(
        store: Arc<DiskStore>,
        rig: &Rig,
        folder: &Path,
        mark: MediaTime,
        (from_secs, until_secs): (f64, f64),
    ) -> Result<Self, RecordingError> {
        let all: Vec<SegmentEntry> = store.segments().into_iter().filter(|s| s.units > 0).collect();
        let missing: Vec<&str> = rig.cameras.iter().map(|c| c.name.as_str()).filter(|name| of(&all, name).next().is_none()).collect();
        if !missing.is_empty() {
            let mut found: Vec<&str> = all.iter().map(|s| &*s.feed).collect();
            found.sort_unstable();
            found.dedup();
            let found = if found.is_empty() { "nothing".to_owned() } else { found.join(", ") };
            return Err(RecordingError::Missing { folder: folder.to_owned(), cameras: missing.join(", "), found });
        }
        let secs = |secs: f64| mark.plus_nanos((secs.clamp(-1e6, 1e6) * 1e9).round() as i64);
        let (from, until) = (secs(from_secs), secs(until_secs));
        let has = |camera: &str, t: MediaTime| of(&all, camera).any(|s| s.from <= t && t <= s.until);
        let enough = |t: MediaTime| rig.cameras.iter().filter(|c| has(&c.name, t)).count() >= 2;
        if !enough(from) || !enough(until) {
            return Err(RecordingError::Outside { from, until, spans: spans(&all) });
        }
        // Nothing is in memory: everything is taken from the disk.
        let ring = Arc::new(Ring::new(RingConfig { budget_bytes: 1 << 20, ..RingConfig::default() }));
        for camera in &rig.cameras {
            let (nanos, units) =
                of(&all, &camera.name).fold((0, 0), |(nanos, units), s| (nanos + (s.until - s.from), units + s.units as i64));
            ring.add_feed(&camera.name, nanos / units.max(1));
        }
        let decoder = MomentDecoder::new(ring, Arc::new(FeedFormats::default())).with_disk(Arc::clone(&store));
        let segments = all.into_iter().filter(|s| rig.camera(&s.feed).is_some()).collect();
        Ok(Self { store, decoder, mark, segments })
    }

    /// The instant, house time.
    pub const fn mark(&self) -> MediaTime {
        self.mark
    }

    /// The files that moments from `from` to `until` are taken from; a frame just beyond may be the nearest one.
    pub fn files(&self, from: MediaTime, until: MediaTime) -> Vec<PathBuf> {
        let (from, until) = (from.plus_nanos(-HOLE_NANOS), until.plus_nanos(HOLE_NANOS));
        let mut files: Vec<PathBuf> = self.segments.iter().filter(|s| s.from <= until && s.until >= from).map(|s| s.path.clone()).collect();
        files.sort();
        files
    }

    /// The events that are written down there.
    pub fn events(&self) -> Vec<Event> {
        events(&self.store)
    }

    /// Size of a camera's pictures, px.
    pub fn size_px(&self, camera: &str) -> Option<(u32, u32)> {
        let segment = self.segments.iter().find(|s| &*s.feed == camera)?;
        let (head, _) = read_head(&mut std::fs::File::open(&segment.path).ok()?).ok()?;
        (head.width_px > 0 && head.height_px > 0).then_some((head.width_px, head.height_px))
    }

    /// About the mark: from when to when all cameras were recorded without a hole, as far as their past is looked at.
    pub fn span(&self) -> (MediaTime, MediaTime) {
        let (mut from, mut until) = (self.mark.plus_nanos(-SPAN_NANOS), self.mark.plus_nanos(SPAN_NANOS));
        let mut feeds: Vec<&str> = self.segments.iter().map(|s| &*s.feed).collect();
        feeds.sort_unstable();
        feeds.dedup();
        for feed in feeds {
            let mut files: Vec<&SegmentEntry> = of(&self.segments, feed).collect();
            files.sort_by_key(|s| s.from);
            let holes = || files.windows(2).filter(|w| w[1].from - w[0].until > HOLE_NANOS);
            let begins = files.first().map(|s| s.from).into_iter().chain(holes().map(|w| w[1].from));
            let ends = holes().map(|w| w[0].until).chain(files.last().map(|s| s.until));
            from = from.max(begins.filter(|t| *t <= self.mark).max().unwrap_or(self.mark));
            until = until.min(ends.filter(|t| *t >= self.mark).min().unwrap_or(self.mark));
        }
        (from, until)
    }
}

impl MomentSource for Recording {
    fn moment_at(&mut self, instant: MediaTime) -> Result<Moment, String> {
        Ok(self.decoder.decode(instant))
    }

    fn other_side(&mut self, moment: &Moment) -> Vec<Option<(Arc<Picture>, MediaTime)>> {
        self.decoder.other_side(moment)
    }
}

/// The files of one camera.
fn of<'a>(segments: &'a [SegmentEntry], camera: &'a str) -> impl Iterator<Item = &'a SegmentEntry> {
    segments.iter().filter(move |s| &*s.feed == camera)
}

/// The event that a folder keeps, in the folder's time; `None` where the words are somebody else's.
pub fn event_of(kept: Kept) -> Option<Event> {
    let event: Event = serde_json::from_value(kept.data).ok()?;
    // A session that began before its folder could be used counted for itself.
    Some(if kept.shift_nanos == 0 { event } else { event.moved(EventId(kept.id), kept.shift_nanos) })
}

fn events(store: &DiskStore) -> Vec<Event> {
    store.kept().into_iter().filter_map(event_of).collect()
}

/// The instant that a text means: an event's, or a time.
fn instant_of(store: &DiskStore, at: &str) -> Result<MediaTime, RecordingError> {
    let events = events(store);
    if let Some(event) = events.iter().rev().find(|e| e.name == at) {
        return Ok(event.instant);
    }
    house_time(at).ok_or_else(|| {
        let found = if events.is_empty() {
            "it has no events".to_owned()
        } else {
            events.iter().map(|e| e.name.as_str()).collect::<Vec<_>>().join(", ")
        };
        RecordingError::NoSuchInstant { at: at.to_owned(), found }
    })
}

/// Seconds, MM:SS.mmm or HH:MM:SS.mmm.
fn house_time(text: &str) -> Option<MediaTime> {
    let mut secs = 0.0;
    let parts: Vec<&str> = text.trim().split(':').collect();
    let plain = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if parts.len() > 3 || !parts.iter().all(plain) {
        return None;
    }
    for part in parts {
        secs = secs * 60.0 + part.parse::<f64>().ok()?;
    }
    // A century of house time is a slip of the finger.
    (secs < 3.2e9).then(|| MediaTime::from_nanos((secs * 1e9).round() as i64))
}

/// What there is, a span per feed.
fn spans(segments: &[SegmentEntry]) -> String {
    let mut out: Vec<(&str, MediaTime, MediaTime)> = Vec::new();
    for s in segments {
        match out.iter_mut().find(|(feed, ..)| *feed == &*s.feed) {
            Some((_, from, until)) => (*from, *until) = (s.from.min(*from), s.until.max(*until)),
            None => out.push((&s.feed, s.from, s.until)),
        }
    }
    out.sort_by_key(|s| s.0);
    out.iter().map(|(feed, from, until)| format!("{feed} {from} to {until}")).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_they_are_listed() {
        let nanos = |text| house_time(text).map(MediaTime::nanos);
        assert_eq!(nanos("12.5"), Some(12_500_000_000));
        assert_eq!(nanos("01:02:03.250"), Some(3_723_250_000_000));
        assert_eq!(nanos("2:03"), Some(123_000_000_000));
        let listed = MediaTime::from_nanos(3_723_250_000_000).to_string();
        assert_eq!(nanos(&listed), Some(3_723_250_000_000));
        for wrong in ["", ":", "E001", "-1", "1:2:3:4", "nan", "1e9", "99999999999", "1..2"] {
            assert_eq!(nanos(wrong), None, "{wrong}");
        }
    }
}
