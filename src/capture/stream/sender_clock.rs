//! The sender's wall clock, as its RTCP sender reports tell it: when a picture was taken rather than when it arrived.
//!
//! GStreamer's jitter buffer notes the sender's NTP time on every packet once a report has come. Sender and this machine must both be
//! set by NTP or PTP; how far they are apart is how wrong the result is.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::time::MediaTime;

/// From the beginning of NTP's era (1900) to that of Unix (1970), nanoseconds.
const NTP_TO_UNIX_NANOS: i64 = 2_208_988_800_000_000_000;
/// A sender that is further off is not set at all, nanoseconds.
const BELIEVABLE_NANOS: i64 = 5_000_000_000;
/// Packets over which the relation is averaged.
const AVERAGE_OVER: i64 = 32;

/// Relates running time to house time by the sender's clock. Written by one streaming thread, read by another.
#[derive(Debug)]
pub(super) struct SenderClock {
    /// House time of running time zero, nanoseconds; `i64::MIN` while unknown.
    origin_nanos: AtomicI64,
    complained: AtomicBool,
}

impl Default for SenderClock {
    fn default() -> Self {
        Self { origin_nanos: AtomicI64::new(i64::MIN), complained: AtomicBool::new(false) }
    }
}

impl SenderClock {
    /// House time of running time zero; `None` before the first report.
    pub fn origin(&self) -> Option<MediaTime> {
        let nanos = self.origin_nanos.load(Ordering::Relaxed);
        (nanos != i64::MIN).then(|| MediaTime::from_nanos(nanos))
    }

    /// A packet of running time `running_nanos`, taken at `ntp_nanos` by the sender's clock. An error, once, when that clock is not
    /// set; true when this was the first that could be used.
    pub fn note(&self, ntp_nanos: u64, running_nanos: i64, house_now: MediaTime, unix_now_nanos: i64) -> Result<bool, String> {
        let taken_unix = i64::try_from(ntp_nanos).unwrap_or(i64::MAX).saturating_sub(NTP_TO_UNIX_NANOS);
        let age = unix_now_nanos.saturating_sub(taken_unix);
        if age.saturating_abs() > BELIEVABLE_NANOS {
            if self.complained.swap(true, Ordering::Relaxed) {
                return Ok(false);
            }
            return Err(format!(
                "the camera's clock is {:.1} s off this machine's; times are those of arrival. Set both by the same NTP server",
                age as f64 * 1e-9
            ));
        }
        let now = house_now.nanos().saturating_sub(age).saturating_sub(running_nanos);
        let before = self.origin_nanos.load(Ordering::Relaxed);
        let first = before == i64::MIN;
        // A step is a clock that was set: it is taken at once.
        let next = if first || (now - before).abs() > 100_000_000 { now } else { before + (now - before) / AVERAGE_OVER };
        self.origin_nanos.store(next, Ordering::Relaxed);
        Ok(first)
    }
}

/// The machine's wall clock, nanoseconds since 1970.
pub(super) fn unix_now_nanos() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| i64::try_from(d.as_nanos()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNIX: i64 = 1_800_000_000_000_000_000;

    fn ntp(unix_nanos: i64) -> u64 {
        (unix_nanos + NTP_TO_UNIX_NANOS) as u64
    }

    #[test]
    fn pictures_get_the_house_time_at_which_they_were_taken() {
        let clock = SenderClock::default();
        assert_eq!(clock.origin(), None);
        // Taken 80 ms ago; running time counts from 3 s of house time and says "now".
        let house = MediaTime::from_nanos(10_000_000_000);
        assert_eq!(clock.note(ntp(UNIX - 80_000_000), 7_000_000_000, house, UNIX), Ok(true));
        assert_eq!(clock.origin().map(|o| o.nanos() + 7_000_000_000), Some(9_920_000_000));
        // Noise is averaged.
        assert_eq!(clock.note(ntp(UNIX - 112_000_000), 7_000_000_000, house, UNIX), Ok(false));
        assert_eq!(clock.origin().map(|o| o.nanos() + 7_000_000_000), Some(9_919_000_000));
    }

    #[test]
    fn a_clock_that_is_not_set_is_told_once_and_not_used() {
        let clock = SenderClock::default();
        let house = MediaTime::from_nanos(1);
        for far in [ntp(UNIX - 3_600_000_000_000), 0, u64::MAX] {
            let told = clock.note(far, 0, house, UNIX);
            assert!(told.is_err() == (far == ntp(UNIX - 3_600_000_000_000)), "{told:?}");
        }
        assert_eq!(clock.origin(), None);
    }
}
