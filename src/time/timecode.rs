//! Timecode: a label for every frame, SMPTE ST 12-1; written on what goes out, read from what comes in. A label, never the clock.

use std::fmt;

use super::FrameRate;

/// Hours, minutes, seconds, frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timecode {
    /// 0…23.
    pub hours: u8,
    /// 0…59.
    pub minutes: u8,
    /// 0…59.
    pub seconds: u8,
    /// 0 … frames per second less one.
    pub frames: u8,
    /// Whether labels are left out so that it keeps to the time of day (29.97 and 59.94).
    pub drop_frame: bool,
}

/// Labels per second.
fn nominal(rate: FrameRate) -> u64 {
    (rate.fps().round() as u64).max(1)
}

/// Labels left out at the beginning of every minute but each tenth.
fn dropped(rate: FrameRate) -> u64 {
    if rate.denominator() == 1001 && rate.numerator().is_multiple_of(30000) { nominal(rate) / 15 } else { 0 }
}

/// Frames of a day by their labels.
fn frames_per_day(rate: FrameRate) -> u64 {
    24 * 6 * (nominal(rate) * 600 - 9 * dropped(rate))
}

impl Timecode {
    /// The label of frame `index`, frame 0 being 00:00:00:00; a day later it begins again.
    pub fn of_frame(index: u64, rate: FrameRate) -> Self {
        let (fps, drop) = (nominal(rate), dropped(rate));
        let mut label = index % frames_per_day(rate);
        if drop > 0 {
            let (ten_minutes, minute) = (fps * 600 - 9 * drop, fps * 60 - drop);
            let (tens, rest) = (label / ten_minutes, label % ten_minutes);
            // The first minute of ten is whole.
            let minutes = if rest < fps * 60 { 0 } else { 1 + (rest - fps * 60) / minute };
            label += drop * (9 * tens + minutes);
        }
        let secs = label / fps;
        Self {
            hours: (secs / 3600 % 24) as u8,
            minutes: (secs / 60 % 60) as u8,
            seconds: (secs % 60) as u8,
            frames: (label % fps) as u8,
            drop_frame: drop > 0,
        }
    }

    /// The frame of a day whose label comes next at a time of day: where an output that begins then begins to count.
    pub fn frame_at(nanos_of_day: u64, rate: FrameRate) -> u64 {
        let nanos = u128::from(nanos_of_day);
        let (n, d) = match dropped(rate) {
            // Without dropping, a label's second is a little longer than a second of 1000/1001 rates: the label is what counts.
            0 => (u128::from(nominal(rate)), 1),
            _ => (u128::from(rate.numerator()), u128::from(rate.denominator())),
        };
        ((nanos * n).div_ceil(d * 1_000_000_000)) as u64 % frames_per_day(rate)
    }
}

impl Timecode {
    /// The frame of a day that has this label; `None` where the rate has no such label. Counts without dropping where the label says so,
    /// whatever the rate.
    pub fn frame_of_day(self, rate: FrameRate) -> Option<u64> {
        let (fps, drop) = (nominal(rate), if self.drop_frame { dropped(rate) } else { 0 });
        let [h, m, s, f] = [self.hours, self.minutes, self.seconds, self.frames].map(u64::from);
        if h > 23 || m > 59 || s > 59 || f >= fps || (f < drop && s == 0 && m % 10 != 0) {
            return None;
        }
        let minutes = 60 * h + m;
        Some((60 * minutes + s) * fps + f - drop * (minutes - minutes / 10))
    }

    /// When its frame begins, since the frame 00:00:00:00, nanoseconds; `None` where the rate has no such label.
    pub fn nanos_of_day(self, rate: FrameRate) -> Option<i64> {
        Some(rate.frame_nanos(i64::try_from(self.frame_of_day(rate)?).ok()?))
    }

    /// After so many nanoseconds labels begin again: a day, and 86.4 s more where labels of a 1000/1001 rate are not dropped.
    pub fn day_nanos(rate: FrameRate, drop_frame: bool) -> i64 {
        let frames = if drop_frame { frames_per_day(rate) } else { 86_400 * nominal(rate) };
        rate.frame_nanos(i64::try_from(frames).unwrap_or(i64::MAX))
    }
}

impl fmt::Display for Timecode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.drop_frame { ';' } else { ':' };
        write!(f, "{:02}:{:02}:{:02}{mark}{:02}", self.hours, self.minutes, self.seconds, self.frames)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(index: u64, rate: &str) -> String {
        Timecode::of_frame(index, rate.parse().unwrap()).to_string()
    }

    #[test]
    fn labels_count_and_drop_as_the_standard_has_it() {
        assert_eq!((at(0, "25"), at(24, "25"), at(25, "25")), ("00:00:00:00".into(), "00:00:00:24".into(), "00:00:01:00".into()));
        // ST 12-1: 00 and 01 are left out at minute 1, not at minute 10.
        assert_eq!((at(1799, "29.97"), at(1800, "29.97")), ("00:00:59;29".into(), "00:01:00;02".into()));
        assert_eq!((at(17981, "29.97"), at(17982, "29.97")), ("00:09:59;29".into(), "00:10:00;00".into()));
        assert_eq!((at(3599, "59.94"), at(3600, "59.94")), ("00:00:59;59".into(), "00:01:00;04".into()));
        assert_eq!(at(24 * 3600 * 50, "50"), "00:00:00:00");
        assert_eq!(at(24 * 107_892, "29.97"), "00:00:00;00");
        assert_eq!(at(24, "23.976"), "00:00:01:00");
    }

    #[test]
    fn labels_grow_and_keep_to_the_time_of_day() {
        for rate in ["25", "29.97", "50", "59.94", "60"] {
            let rate: FrameRate = rate.parse().unwrap();
            let mut last = Timecode::of_frame(0, rate);
            for index in 1..90_000 {
                let next = Timecode::of_frame(index, rate);
                assert!(next > last, "{index}: {last} {next}");
                last = next;
            }
            // 13:37:00 of the day is labelled so, to a frame.
            let label = Timecode::of_frame(Timecode::frame_at((13 * 3600 + 37 * 60) * 1_000_000_000, rate), rate);
            assert!((label.hours, label.minutes, label.seconds) == (13, 37, 0) && label.frames <= 7, "{label}");
        }
    }

    #[test]
    fn every_label_of_a_day_leads_back_to_its_frame() {
        for rate in ["24", "25", "29.97", "50", "59.94"] {
            let rate: FrameRate = rate.parse().unwrap();
            for index in (0..frames_per_day(rate)).step_by(613) {
                let label = Timecode::of_frame(index, rate);
                assert_eq!(label.frame_of_day(rate), Some(index), "{label}");
            }
            let last = Timecode::of_frame(frames_per_day(rate) - 1, rate);
            let next = last.nanos_of_day(rate).unwrap() + rate.interval_nanos();
            assert!((next - Timecode::day_nanos(rate, last.drop_frame)).abs() < 2, "{last}");
        }
        let ntsc: FrameRate = "29.97".parse().unwrap();
        let at = |minutes, seconds, frames, drop_frame| Timecode { hours: 0, minutes, seconds, frames, drop_frame };
        // Labels that are left out, and labels that no rate has.
        assert_eq!(at(1, 0, 1, true).frame_of_day(ntsc), None);
        assert_eq!(at(10, 0, 1, true).frame_of_day(ntsc), Some(17_983));
        assert_eq!(at(1, 0, 1, false).frame_of_day(ntsc), Some(1801));
        assert_eq!((at(60, 0, 0, false).frame_of_day(ntsc), at(0, 0, 30, false).frame_of_day(ntsc)), (None, None));
        // Not dropped, a day of labels lasts a thousandth longer than a day.
        assert_eq!(Timecode::day_nanos(ntsc, false), 86_486_400_000_000);
        assert!((Timecode::day_nanos(ntsc, true) - 86_399_913_600_000).abs() < 10);
    }
}
