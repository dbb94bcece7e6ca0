//! A folder that opens when its session runs already. House time never jumps, so the session keeps the time that it has, and files and journal
//! keep the time of the folder: here one becomes the other. Events are numbered by their session, so what is kept has other numbers in the folder.

use super::journal::Kept;
use super::store::SegmentEntry;
use crate::ring::AccessUnit;
use crate::time::MediaTime;

/// Numbers beyond this are no count of events (capture nodes make theirs of two).
const COUNTED: u64 = 1 << 32;

/// How a session's house time and numbers relate to those of its folder; nothing to do where the folder was there first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Shift {
    /// Session's time = folder's time + this.
    nanos: i64,
    /// Folder's number = session's number + this.
    numbers: u64,
    /// The folder's time when the session came.
    begin: Option<MediaTime>,
}

impl Shift {
    /// A session whose house time is `house_now` while the folder's is `start`, where `kept` is there already.
    pub fn of<'a>(house_now: MediaTime, start: MediaTime, kept: impl Iterator<Item = &'a u64>) -> Self {
        let highest = kept.filter(|id| **id < COUNTED).max().copied().unwrap_or(0);
        Self { nanos: house_now - start, numbers: highest, begin: Some(start) }
    }

    pub fn to_folder(self, time: MediaTime) -> MediaTime {
        time.plus_nanos(self.nanos.saturating_neg())
    }

    pub fn to_session(self, time: MediaTime) -> MediaTime {
        time.plus_nanos(self.nanos)
    }

    pub fn number_in_folder(self, id: u64) -> u64 {
        id.wrapping_add(self.numbers)
    }

    pub fn kept_in_folder(self, kept: Kept) -> Kept {
        Kept {
            id: self.number_in_folder(kept.id),
            from: self.to_folder(kept.from),
            until: self.to_folder(kept.until),
            data: kept.data,
            shift_nanos: kept.shift_nanos.saturating_sub(self.nanos),
        }
    }

    pub fn kept_in_session(self, kept: Kept) -> Kept {
        Kept {
            id: kept.id.wrapping_sub(self.numbers),
            from: self.to_session(kept.from),
            until: self.to_session(kept.until),
            data: kept.data,
            shift_nanos: kept.shift_nanos.saturating_add(self.nanos),
        }
    }

    pub fn units_in_session(self, units: &mut [AccessUnit]) {
        for unit in units {
            unit.pts = self.to_session(unit.pts);
        }
    }

    /// Whether a file is of the past that the session sees: what was there before it has times before its first.
    pub fn is_of_session(self, entry: &SegmentEntry) -> bool {
        self.begin.is_none_or(|begin| entry.from >= begin)
    }
}
