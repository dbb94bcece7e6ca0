//! The house clock: one clock for all feeds.

use gst::prelude::ClockExt as _;

use crate::time::MediaTime;

/// The clock that all feeds are stamped with. Monotonic for now; a PTP clock takes its place behind the same face.
#[derive(Debug, Clone)]
pub struct HouseClock {
    clock: gst::Clock,
    epoch_nanos: i64,
}

impl HouseClock {
    /// The system's monotonic clock; its epoch is now.
    pub fn monotonic() -> Self {
        Self::continuing(MediaTime::ZERO)
    }

    /// The system's monotonic clock; house time is `now` now, and goes on from there: that of an earlier session that recorded.
    pub fn continuing(now: MediaTime) -> Self {
        let clock = gst::SystemClock::obtain();
        let epoch_nanos = (clock.time().nseconds() as i64).saturating_sub(now.nanos());
        Self { clock, epoch_nanos }
    }

    /// House time now.
    pub fn now(&self) -> MediaTime {
        MediaTime::from_nanos(self.clock.time().nseconds() as i64 - self.epoch_nanos)
    }
}
