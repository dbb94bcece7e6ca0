//! The house clock: one clock for all feeds.

use gst::prelude::{ClockExt as _, ElementExt as _, PipelineExt as _};

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

    /// Makes a pipeline count by the house clock, whenever it starts: the result is the house time of its running time zero.
    /// That is zero, unless house time goes on from a session that ran for longer than this machine.
    pub(super) fn govern(&self, pipeline: &gst::Pipeline) -> MediaTime {
        pipeline.use_clock(Some(&self.clock));
        pipeline.set_start_time(gst::ClockTime::NONE);
        let base_nanos = self.epoch_nanos.max(0);
        pipeline.set_base_time(gst::ClockTime::from_nseconds(base_nanos as u64));
        MediaTime::from_nanos(base_nanos - self.epoch_nanos)
    }

    /// House time now.
    pub fn now(&self) -> MediaTime {
        MediaTime::from_nanos(self.clock.time().nseconds() as i64 - self.epoch_nanos)
    }
}
