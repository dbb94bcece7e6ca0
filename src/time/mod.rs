//! Media time on the house clock, frame rates and durations.
//!
//! One clock for all feeds; integer nanoseconds; frame rates are rationals. Timecode is a label, never the clock.
//! Must not know: feeds, pictures, threads.

mod source_clock;
mod timecode;

use std::{fmt, ops};

pub use source_clock::{ClockEstimate, SourceClock};
pub use timecode::Timecode;

/// A point of media time on the house clock: signed integer nanoseconds since the clock's epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct MediaTime(i64);

impl MediaTime {
    /// The clock's epoch.
    pub const ZERO: Self = Self(0);

    /// From nanoseconds.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// From seconds, rounded to the nanosecond; non-finite input gives zero.
    pub fn from_secs_f64(secs: f64) -> Self {
        Self((secs * 1e9).round() as i64)
    }

    /// Nanoseconds since the epoch.
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Seconds since the epoch.
    pub fn secs_f64(self) -> f64 {
        self.0 as f64 * 1e-9
    }

    /// Absolute distance to `other`, in nanoseconds.
    pub const fn distance_nanos(self, other: Self) -> u64 {
        self.0.abs_diff(other.0)
    }

    /// `self + nanos`, saturating.
    #[must_use]
    pub const fn plus_nanos(self, nanos: i64) -> Self {
        Self(self.0.saturating_add(nanos))
    }
}

impl ops::Sub for MediaTime {
    /// Nanoseconds.
    type Output = i64;

    fn sub(self, rhs: Self) -> i64 {
        self.0.saturating_sub(rhs.0)
    }
}

impl fmt::Display for MediaTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let millis = self.0.unsigned_abs() / 1_000_000;
        let (s, ms) = (millis / 1000, millis % 1000);
        write!(f, "{sign}{:02}:{:02}:{:02}.{ms:03}", s / 3600, s / 60 % 60, s % 60)
    }
}

/// Frames per second as a rational, e.g. 60000/1001.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct FrameRate {
    numerator: u32,
    denominator: u32,
}

impl FrameRate {
    /// Returns `None` when either part is zero.
    pub const fn new(numerator: u32, denominator: u32) -> Option<Self> {
        if numerator == 0 || denominator == 0 { None } else { Some(Self { numerator, denominator }) }
    }

    /// Whole frames per second; zero is taken as one.
    pub const fn whole(fps: u32) -> Self {
        Self { numerator: if fps == 0 { 1 } else { fps }, denominator: 1 }
    }

    /// Numerator of the rational.
    pub const fn numerator(self) -> u32 {
        self.numerator
    }

    /// Denominator of the rational.
    pub const fn denominator(self) -> u32 {
        self.denominator
    }

    /// Frames per second.
    pub fn fps(self) -> f64 {
        f64::from(self.numerator) / f64::from(self.denominator)
    }

    /// The rate that timecode and television know which is within 0.2 % of frames so far apart: clocks of transport are coarse (90 kHz), and labels counted at
    /// 25.0006 frames a second would be a second off by noon.
    pub fn nominal(interval_nanos: i64) -> Option<Self> {
        const WHOLE: [u32; 8] = [24, 25, 30, 48, 50, 60, 100, 120];
        let fps = 1e9 / interval_nanos as f64;
        let slower = |whole: &u32| (!whole.is_multiple_of(25)).then_some(Self { numerator: whole * 1000, denominator: 1001 });
        let all = WHOLE.iter().map(|whole| Self::whole(*whole)).chain(WHOLE.iter().filter_map(slower));
        let off = |rate: &Self| (rate.fps() / fps - 1.0).abs();
        all.min_by(|a, b| off(a).total_cmp(&off(b))).filter(|rate| off(rate) < 0.002)
    }

    /// Nanoseconds from frame 0 to frame `index`, exact to the nanosecond for any index (no drift).
    pub const fn frame_nanos(self, index: i64) -> i64 {
        (index as i128 * self.denominator as i128 * 1_000_000_000 / self.numerator as i128) as i64
    }

    /// Nanoseconds of one frame, rounded down.
    pub const fn interval_nanos(self) -> i64 {
        self.frame_nanos(1)
    }
}

impl fmt::Display for FrameRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hundredths = u64::from(self.numerator) * 100;
        match (self.denominator, hundredths % u64::from(self.denominator)) {
            (1, _) => write!(f, "{}", self.numerator),
            // 12.5, as people say it; 60000/1001 has no such form.
            (_, 0) => write!(f, "{}", self.fps()),
            _ => write!(f, "{}/{}", self.numerator, self.denominator),
        }
    }
}

impl std::str::FromStr for FrameRate {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        let wrong = || format!("frame rate {s:?} is not of the form 50, 59.94 or 60000/1001");
        let (n, d) = match s.split_once('/') {
            Some((n, d)) => (n.trim().parse().map_err(|_e| wrong())?, d.trim().parse().map_err(|_e| wrong())?),
            None => match s.trim() {
                "23.976" | "23.98" => (24000, 1001),
                "29.97" => (30000, 1001),
                "59.94" => (60000, 1001),
                "119.88" => (120_000, 1001),
                number => match number.split_once('.') {
                    Some((whole, part)) if (1..=2).contains(&part.len()) => {
                        let digits: u32 = format!("{whole}{part}").parse().map_err(|_e| wrong())?;
                        let scale = 10_u32.pow(part.len() as u32);
                        let common = (1..=scale).rev().find(|k| digits.is_multiple_of(*k) && scale.is_multiple_of(*k)).unwrap_or(1);
                        (digits / common, scale / common)
                    }
                    _ => (number.parse().map_err(|_e| wrong())?, 1),
                },
            },
        };
        Self::new(n, d).ok_or_else(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_known_by_frames_that_are_about_so_far_apart() {
        let ntsc = |whole: u32| FrameRate::new(whole * 1000, 1001);
        // Declared, measured on a clock of 90 kHz, and a microsecond off.
        for (nanos, rate) in [
            (40_000_000, Some(FrameRate::whole(25))),
            (39_999_000, Some(FrameRate::whole(25))),
            (33_366_666, ntsc(30)),
            (33_333_333, Some(FrameRate::whole(30))),
            (1501 * 1_000_000 / 90, ntsc(60)),
            (1502 * 1_000_000 / 90, ntsc(60)),
            (16_666_667, Some(FrameRate::whole(60))),
            (41_711_000, ntsc(24)),
            (20_000_000, Some(FrameRate::whole(50))),
            // A clock of whole milliseconds tells neither 30 from 29.97.
            (33_000_000, None),
            (80_000_000, None),
            (0, None),
            (-40_000_000, None),
            (i64::MAX, None),
        ] {
            assert_eq!(FrameRate::nominal(nanos), rate, "{nanos}");
        }
    }

    #[test]
    fn ntsc_frames_do_not_drift() {
        let rate = FrameRate::new(60000, 1001).unwrap();
        // One hour of 59.94 is 215784.2157… frames; frame 215784 is 3599.9964 s exactly.
        assert_eq!(rate.frame_nanos(215_784), 3_599_996_400_000);
        assert_eq!("59.94".parse::<FrameRate>().unwrap(), rate);
        assert!("0".parse::<FrameRate>().is_err());
        let slow = FrameRate::new(25, 2).unwrap();
        assert_eq!((slow.to_string().as_str(), "12.5".parse::<FrameRate>()), ("12.5", Ok(slow)));
        assert_eq!((rate.to_string().as_str(), FrameRate::whole(50).to_string().as_str()), ("60000/1001", "50"));
        assert_eq!("50.0".parse::<FrameRate>(), Ok(FrameRate::whole(50)));
        for bad in ["12.", ".", "1.234", "-5.5", "1.x", ""] {
            assert!(bad.parse::<FrameRate>().is_err(), "{bad}");
        }
    }

    #[test]
    fn time_prints_and_subtracts() {
        let t = MediaTime::from_secs_f64(3661.25);
        assert_eq!(t.to_string(), "01:01:01.250");
        assert_eq!(t - MediaTime::ZERO, 3_661_250_000_000);
    }
}
