//! What the operator sees of recording to disk.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Shared;
use crate::{ring::disk::DiskState, time::MediaTime};

/// Units that are in no file, by reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DiskDrops {
    /// The disk is too slow for all feeds together.
    pub slow: u64,
    /// The disk is full, or marks keep all of the budget.
    pub full: u64,
    /// Writing failed.
    pub failed: u64,
    /// The keyframe that they refer to is not on disk.
    pub no_keyframe: u64,
    /// Their codec has no place in MP4.
    pub unsupported: u64,
}

impl DiskDrops {
    /// All of them.
    pub const fn total(&self) -> u64 {
        self.slow + self.full + self.failed + self.no_keyframe + self.unsupported
    }

    /// Every reason: its name, units, and what to say of it, with the remedy.
    pub fn reasons(&self) -> impl Iterator<Item = (&'static str, u64, &'static str)> {
        [
            ("slow", self.slow, "because it is too slow; record to a faster disk"),
            ("full", self.full, "because there was no room; make room on the disk, allow more, or remove marks"),
            ("failed", self.failed, "because they could not be written; check the disk"),
            ("no keyframe", self.no_keyframe, "because what they refer to is missing there; shorter keyframe intervals lose less"),
            ("unsupported", self.unsupported, "because their codec has no place in MP4; set the camera to another one"),
        ]
        .into_iter()
    }
}

/// How one feed is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskFeedStatus {
    /// The feed.
    pub name: Arc<str>,
    /// Units on disk.
    pub units: u64,
    /// Those that are not.
    pub dropped: DiskDrops,
    /// Why it cannot be recorded at all, and the remedy.
    pub note: Option<String>,
}

/// Recording to disk at a glance.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DiskStatus {
    /// Whether there is recording.
    pub state: DiskState,
    /// What is wrong, and the remedy.
    pub problem: Option<String>,
    /// The folder.
    pub folder: PathBuf,
    /// Bytes of all segments.
    pub bytes: u64,
    /// Bytes allowed.
    pub budget_bytes: u64,
    /// Bytes free on the disk, where the system says.
    pub free_bytes: Option<u64>,
    /// Oldest time on disk.
    pub oldest: Option<MediaTime>,
    /// Bytes written per second, over the last seconds.
    pub bytes_per_sec: u64,
    /// Seconds until the budget is used up and the oldest is deleted for the newest; 0 from then on.
    pub secs_left: Option<f64>,
    /// Segments deleted to make room.
    pub deleted_segments: u64,
    /// Those of them that were deleted because others fill the disk, not because the budget is used up.
    pub deleted_for_room: u64,
    /// Payload bytes written in this session.
    pub payload_bytes: u64,
    /// File bytes written in this session.
    pub file_bytes: u64,
    /// Seconds that the writing thread spent on writing in this session.
    pub write_secs: f64,
    /// Payload bytes that wait for the disk.
    pub waiting_bytes: u64,
    /// How often the system could not bring what was written to the disk.
    pub sync_errors: u64,
    /// The wall clock is behind the newest recording by so many seconds: house time goes on after that.
    pub clock_set_back_secs: Option<f64>,
    /// Recording began so many seconds after the session: what was before is in memory only.
    pub late_secs: Option<f64>,
    /// Every feed, in the order of the ring.
    pub feeds: Vec<DiskFeedStatus>,
}

impl DiskStatus {
    /// Recording could not begin; it is tried again.
    pub(in crate::capture) fn failed(folder: PathBuf, budget_bytes: u64, problem: String) -> Self {
        Self { state: DiskState::Failed, problem: Some(problem), folder, budget_bytes, ..Self::default() }
    }

    /// What is wrong, in words that name the remedy; empty when all is well.
    pub fn warnings(&self) -> Vec<String> {
        let mut out: Vec<String> = self.problem.iter().cloned().collect();
        if let Some(secs) = self.clock_set_back_secs {
            out.push(format!(
                "this machine's clock is {secs:.1} s behind the newest recording: it was set back. House time goes on after that; check the clock"
            ));
        }
        if let Some(secs) = self.late_secs {
            out.push(format!("it goes on into {:?}; the first {secs:.0} s of the session are not on disk", self.folder));
        }
        if self.sync_errors > 0 {
            out.push(format!("{:?}: what was written did not reach the disk. Check the disk", self.folder));
        }
        if self.deleted_for_room > 0 {
            out.push(format!(
                "{:?}: the disk is nearly full: {} recordings deleted. Make room on it, or record to another one",
                self.folder, self.deleted_for_room
            ));
        }
        for feed in &self.feeds {
            if let Some(note) = &feed.note {
                out.push(format!("{}: not recorded to disk: {note}", feed.name));
            }
            // Told once for each reason, also when recording goes on: what is missing stays missing.
            out.extend(feed.dropped.reasons().filter(|(_, count, _)| *count > 0).filter_map(|(name, _, words)| {
                let is_told = name == "unsupported" && feed.note.is_some();
                (!is_told).then(|| format!("{}: frames are missing on disk {words}", feed.name))
            }));
        }
        out
    }
}

impl Shared {
    pub(super) fn status(&self) -> DiskStatus {
        let (bytes, deleted_segments, oldest) = self.store.totals();
        let budget_bytes = self.store.config().budget_bytes;
        let problem = self.problem.lock().clone();
        let rate = self.rate_bytes_per_sec.load(Ordering::Relaxed);
        let feeds = self.feeds.iter().map(|feed| DiskFeedStatus {
            name: Arc::clone(&feed.name),
            units: feed.units.get(),
            dropped: DiskDrops {
                slow: feed.slow.get(),
                full: feed.full.get(),
                failed: feed.failed.get(),
                no_keyframe: feed.no_keyframe.get(),
                unsupported: feed.unsupported.get(),
            },
            note: feed.note.lock().clone(),
        });
        DiskStatus {
            state: if problem.is_some() { DiskState::Paused } else { DiskState::Recording },
            problem,
            folder: self.store.config().folder.clone(),
            bytes,
            budget_bytes,
            free_bytes: u64::try_from(self.free_bytes.load(Ordering::Relaxed)).ok(),
            oldest,
            bytes_per_sec: rate,
            secs_left: (rate > 0).then(|| budget_bytes.saturating_sub(bytes) as f64 / rate as f64),
            deleted_segments,
            deleted_for_room: self.deleted_for_room.get(),
            payload_bytes: self.payload_bytes.load(Ordering::Relaxed),
            file_bytes: self.file_bytes.load(Ordering::Relaxed),
            write_secs: self.write_nanos.load(Ordering::Relaxed) as f64 * 1e-9,
            waiting_bytes: self.waiting_bytes.load(Ordering::Relaxed),
            sync_errors: self.sync_errors.get(),
            clock_set_back_secs: self.store.restored().clock_set_back_nanos.map(|nanos| nanos as f64 * 1e-9),
            late_secs: None,
            feeds: feeds.collect(),
        }
    }
}
