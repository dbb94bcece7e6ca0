//! When frames are due: integer arithmetic, no clock in it.

use crate::time::FrameRate;

/// A pause longer than this is not made up for, nanoseconds: the machine slept, or somebody stopped the process.
const MADE_UP_NANOS: i64 = 1_000_000_000;

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beat {
    /// Number of the frame; grows by one, or by more where [`Beat::skipped`] says so.
    pub index: u64,
    /// How late it is made, nanoseconds.
    pub late_nanos: i64,
    /// Frames before it that were never made.
    pub skipped: u64,
}

/// The clock of an output: frame `n` is due at `origin + n / rate`, exactly, for ever.
#[derive(Debug, Clone)]
pub struct TickClock {
    rate: FrameRate,
    origin_nanos: i64,
    next: u64,
}

impl TickClock {
    /// Frame 0 is due at `origin_nanos`.
    pub const fn new(rate: FrameRate, origin_nanos: i64) -> Self {
        Self { rate, origin_nanos, next: 0 }
    }

    /// When the next frame is due.
    pub const fn due_nanos(&self) -> i64 {
        self.origin_nanos.saturating_add(self.rate.frame_nanos(self.next as i64))
    }

    /// The next frame, if it is due. Who is late gets the frames that were missed one after the other, at once: none is left out
    /// unless the pause was longer than a second.
    pub fn take(&mut self, now_nanos: i64) -> Option<Beat> {
        let mut late_nanos = now_nanos.saturating_sub(self.due_nanos());
        if late_nanos < 0 {
            return None;
        }
        let mut skipped = 0;
        if late_nanos > MADE_UP_NANOS {
            let passed = i128::from(late_nanos) * i128::from(self.rate.numerator());
            skipped = (passed / (i128::from(self.rate.denominator()) * 1_000_000_000)) as u64;
            self.next += skipped;
            late_nanos = now_nanos.saturating_sub(self.due_nanos());
        }
        let beat = Beat { index: self.next, late_nanos, skipped };
        self.next += 1;
        Some(beat)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_has_as_many_frames_as_it_must_have() {
        for (rate, frames) in [("25", 90_000), ("29.97", 107_893), ("50", 180_000), ("59.94", 215_785), ("60", 216_000)] {
            let rate: FrameRate = rate.parse().unwrap();
            let mut clock = TickClock::new(rate, 7);
            let (mut count, mut now) = (0_u64, 7);
            while now < 3_600_000_000_007 {
                // Woken a little late, each time by another amount.
                let beat = clock.take(now + (count as i64 * 7919) % 3_000_000).expect("it is due");
                assert_eq!((beat.index, beat.skipped), (count, 0));
                count += 1;
                now = clock.due_nanos();
            }
            assert_eq!(count, frames, "{rate}");
        }
    }

    #[test]
    fn nothing_comes_early_and_a_short_pause_is_made_up_for() {
        let mut clock = TickClock::new(FrameRate::whole(50), 1000);
        assert_eq!(clock.take(999), None);
        assert_eq!(clock.take(1000), Some(Beat { index: 0, late_nanos: 0, skipped: 0 }));
        assert_eq!(clock.take(1001), None);
        // 100 ms of pause: five frames at once, then none.
        let now = 1000 + 100_000_000;
        let made: Vec<u64> = std::iter::from_fn(|| clock.take(now)).map(|b| b.index).collect();
        assert_eq!(made, [1, 2, 3, 4, 5]);
        assert!(clock.due_nanos() > now);
    }

    #[test]
    fn a_long_pause_is_skipped_and_counted() {
        let mut clock = TickClock::new("59.94".parse().unwrap(), 0);
        clock.take(0).expect("it is due");
        let beat = clock.take(3_600_000_000_000).expect("it is due");
        assert_eq!(beat.index, beat.skipped + 1);
        assert!(beat.late_nanos < 16_700_000, "{beat:?}");
        assert_eq!(clock.take(3_600_000_000_000), None);
    }
}
