//! The sender's wall clock, as its RTCP sender reports tell it: when a picture was taken rather than when it arrived.
//!
//! GStreamer's jitter buffer notes the sender's NTP time on every packet once a report has come. The sender must be set
//! by the same NTP or PTP server as this machine, or as the house clock where that is a server's; how far they are apart is how wrong
//! the result is.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use crate::{capture::clock::NTP_TO_UNIX_NANOS, time::MediaTime};

/// A sender that is further off is not set at all, nanoseconds.
const BELIEVABLE_NANOS: i64 = 5_000_000_000;
/// Packets over which the relation is averaged.
const AVERAGE_OVER: i64 = 32;

/// At most this part of the time that has passed goes into following a sender's clock that was set: times never go back.
const SLEW: i64 = 256;

/// What a packet changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Noted {
    /// Nothing but the estimate.
    Same,
    /// From here on times are the sender's.
    Begun,
    /// The sender's clock is not to be believed (any more): times are those of arrival. Said once until it is believed again.
    Lost(String),
}

/// Relates running time to house time by the sender's clock. Written by one streaming thread, read by another.
#[derive(Debug)]
pub(super) struct SenderClock {
    /// House time of running time zero, nanoseconds; `i64::MIN` while unknown.
    origin_nanos: AtomicI64,
    /// Running time of the newest packet that was believed, nanoseconds.
    noted_nanos: AtomicI64,
    complained: AtomicBool,
}

impl Default for SenderClock {
    fn default() -> Self {
        Self { origin_nanos: AtomicI64::new(i64::MIN), noted_nanos: AtomicI64::new(0), complained: AtomicBool::new(false) }
    }
}

impl SenderClock {
    /// House time of running time zero; `None` before the first report, and while the sender's clock is not believed.
    pub fn origin(&self) -> Option<MediaTime> {
        let nanos = self.origin_nanos.load(Ordering::Relaxed);
        (nanos != i64::MIN).then(|| MediaTime::from_nanos(nanos))
    }

    /// A packet of running time `running_nanos`, taken at `ntp_nanos` by the sender's clock.
    pub fn note(&self, ntp_nanos: u64, running_nanos: i64, house_now: MediaTime, unix_now_nanos: i64) -> Noted {
        let taken_unix = i64::try_from(ntp_nanos).unwrap_or(i64::MAX).saturating_sub(NTP_TO_UNIX_NANOS);
        let age = unix_now_nanos.saturating_sub(taken_unix);
        if age.saturating_abs() > BELIEVABLE_NANOS {
            self.origin_nanos.store(i64::MIN, Ordering::Relaxed);
            if self.complained.swap(true, Ordering::Relaxed) {
                return Noted::Same;
            }
            return Noted::Lost(format!(
                "the camera's clock is {:.1} s off the house's; times are those of arrival. Set both by the same NTP server",
                age as f64 * 1e-9
            ));
        }
        let wanted = house_now.nanos().saturating_sub(age).saturating_sub(running_nanos);
        let before = self.origin_nanos.load(Ordering::Relaxed);
        let passed = running_nanos.saturating_sub(self.noted_nanos.swap(running_nanos, Ordering::Relaxed)).max(0);
        if before == i64::MIN {
            self.origin_nanos.store(wanted, Ordering::Relaxed);
            self.complained.store(false, Ordering::Relaxed);
            return Noted::Begun;
        }
        let most = passed / SLEW;
        let change = (wanted.saturating_sub(before) / AVERAGE_OVER).clamp(-most, most);
        self.origin_nanos.store(before.saturating_add(change), Ordering::Relaxed);
        Noted::Same
    }
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
        assert_eq!(clock.note(ntp(UNIX - 80_000_000), 7_000_000_000, house, UNIX), Noted::Begun);
        assert_eq!(clock.origin().map(|o| o.nanos() + 7_000_000_000), Some(9_920_000_000));
        // Noise is averaged: a 32nd of 3.2 ms, within a 256th of the 40 ms that have passed.
        let (later, unix) = (house.plus_nanos(40_000_000), UNIX + 40_000_000);
        assert_eq!(clock.note(ntp(unix - 83_200_000), 7_040_000_000, later, unix), Noted::Same);
        assert_eq!(clock.origin().map(|o| o.nanos() + 7_000_000_000), Some(9_919_900_000));
    }

    #[test]
    fn a_clock_that_is_not_set_is_told_once_and_not_used() {
        let clock = SenderClock::default();
        let house = MediaTime::from_nanos(1);
        for far in [ntp(UNIX - 3_600_000_000_000), 0, u64::MAX] {
            let told = clock.note(far, 0, house, UNIX);
            assert!(matches!(told, Noted::Lost(_)) == (far == ntp(UNIX - 3_600_000_000_000)), "{told:?}");
        }
        assert_eq!(clock.origin(), None);
    }

    #[test]
    fn a_clock_that_goes_wrong_later_gives_way_to_arrival_until_it_is_right_again() {
        let clock = SenderClock::default();
        let house = MediaTime::from_nanos(10_000_000_000);
        assert_eq!(clock.note(ntp(UNIX), 1, house, UNIX), Noted::Begun);
        for _ in 0..2 {
            assert!(matches!(clock.note(ntp(UNIX - 60_000_000_000), 2, house, UNIX), Noted::Lost(_)));
            assert_eq!(clock.origin(), None);
            assert_eq!(clock.note(ntp(UNIX - 60_000_000_000), 3, house, UNIX), Noted::Same);
            assert_eq!(clock.note(ntp(UNIX), 4, house, UNIX), Noted::Begun);
            assert!(clock.origin().is_some());
        }
    }

    #[test]
    fn a_clock_that_is_set_back_is_followed_without_times_that_go_back() {
        let clock = SenderClock::default();
        let (mut last, mut error) = (i64::MIN, 0);
        for k in 0..60_000_i64 {
            let now = k * 40_000_000;
            // After four seconds the camera's clock is set back by two.
            let step = if k < 100 { 0 } else { -2_000_000_000 };
            clock.note(ntp(UNIX + now + step), now, MediaTime::from_nanos(now), UNIX + now);
            let taken = now + clock.origin().expect("it is believed").nanos();
            assert!(taken > last, "picture {k} went back");
            (last, error) = (taken, taken - (now + step));
        }
        assert!(error.abs() < 1_000_000, "{error} ns off");
    }
}
