//! The disk tier of the ring: hours of every feed as standard, crash-safe files, found again after a restart.
//!
//! One file per feed and some twenty seconds: fragmented MP4 that any player and editor opens, with a fragment about twice a second,
//! so that a process that dies at any point has lost less than a second. House time in nanoseconds, marks of units and check sums
//! are in boxes of our own that others pass over. What is oldest over all feeds is deleted first; what is kept never is.
//!
//! Must not know: GStreamer, codecs, pictures, threads. Who calls it decides on which thread the disk is waited for.

mod boxes;
mod journal;
mod late;
mod log;
mod reader;
mod segment;
mod store;
#[cfg(test)]
mod tests;

pub use journal::Kept;
pub use log::{FeedLog, Unsynced};
pub use reader::{ByteSource, Segment, SegmentError, UnitEntry, read_head, read_segment, read_tail};
pub use segment::{FragmentTooLarge, SegmentFormat, SegmentHead, SegmentWriter};
pub use store::{DiskConfig, DiskError, DiskStore, FoundOnDisk, Restored, SegmentEntry, SegmentId};

/// Whether feeds are recorded to disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DiskState {
    /// Nobody asked for it.
    #[default]
    Off,
    /// It goes on.
    Recording,
    /// Not now; it is tried again every second.
    Paused,
    /// It could not begin; that is tried again, less and less often.
    Failed,
}

/// Brings the names of a folder's files to the disk; waits for it.
#[cfg(unix)]
pub fn sync_folder(folder: &std::path::Path) -> std::io::Result<()> {
    std::fs::File::open(folder)?.sync_all()
}

/// Brings the names of a folder's files to the disk: the system does so with the files.
#[cfg(not(unix))]
pub fn sync_folder(_folder: &std::path::Path) -> std::io::Result<()> {
    Ok(())
}
