//! The format of the program output, in words: `1080p50`.

use std::{fmt, str::FromStr};

use crate::time::FrameRate;

/// Lines and the width that belongs to them.
const NAMED: [(u32, u32); 6] = [(360, 640), (540, 960), (720, 1280), (1080, 1920), (1440, 2560), (2160, 3840)];
/// More is no picture that an encoder takes.
const MOST_PX: u32 = 8192;
/// Whoever writes an interlaced format with less than this counts frames, with more fields.
const FRAMES_AT_MOST: f64 = 30.0;
/// Slower or faster is a mistake.
const FPS: std::ops::RangeInclusive<f64> = 1.0..=120.0;

/// Size and rate of the program output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProgramFormat {
    /// Pixels across; even.
    pub width_px: u32,
    /// Pixels down; even.
    pub height_px: u32,
    /// Pictures per second: frames, or fields where it is interlaced.
    pub rate: FrameRate,
    /// Two pictures are woven into one frame, the upper field first: every second line of each.
    pub is_interlaced: bool,
}

/// Why a text is no format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// It has no such form.
    #[error("{0:?} is no format. Write lines, p or i, and rate, such as 1080p50, 1080i50 or 2160p60, or a size, such as 1280x720p25")]
    Form(String),
    /// A height that cannot be made of fields.
    #[error("{0} lines cannot be interlaced: the number must be one that 4 divides, such as 1080")]
    Interlaced(u32),
    /// A size that no encoder takes.
    #[error("{width_px}x{height_px} cannot be sent: both sides must be even and from 16 to 8192")]
    Size {
        /// Pixels across.
        width_px: u32,
        /// Pixels down.
        height_px: u32,
    },
    /// A rate that is none.
    #[error("{0} frames per second cannot be sent: 1 to 120 can, such as 25, 29.97, 50, 59.94 and 60")]
    Rate(String),
}

impl ProgramFormat {
    /// Checks sides and rate.
    pub fn new(width_px: u32, height_px: u32, rate: FrameRate) -> Result<Self, FormatError> {
        let good = |side: u32| (16..=MOST_PX).contains(&side) && side.is_multiple_of(2);
        if !good(width_px) || !good(height_px) {
            return Err(FormatError::Size { width_px, height_px });
        }
        if !FPS.contains(&rate.fps()) {
            return Err(FormatError::Rate(rate.to_string()));
        }
        Ok(Self { width_px, height_px, rate, is_interlaced: false })
    }

    /// The same size and rate in fields: two make a frame.
    pub fn interlaced(self) -> Result<Self, FormatError> {
        // Colour has half as many lines, and they go by turns, too.
        if !self.height_px.is_multiple_of(4) {
            return Err(FormatError::Interlaced(self.height_px));
        }
        Ok(Self { is_interlaced: true, ..self })
    }

    /// Coded frames per second: half as many as pictures where it is interlaced.
    pub fn coded_rate(&self) -> FrameRate {
        if self.is_interlaced { halved(self.rate) } else { self.rate }
    }

    /// When frame `index` begins, nanoseconds from frame 0, exact for any index.
    pub const fn frame_nanos(&self, index: u64) -> i64 {
        self.rate.frame_nanos(index as i64)
    }
}

fn halved(rate: FrameRate) -> FrameRate {
    let (n, d) = (rate.numerator(), rate.denominator());
    let half = if n.is_multiple_of(2) { FrameRate::new(n / 2, d) } else { FrameRate::new(n, d * 2) };
    half.unwrap_or(rate)
}

fn doubled(rate: FrameRate) -> FrameRate {
    let (n, d) = (rate.numerator(), rate.denominator());
    let twice = if d.is_multiple_of(2) { FrameRate::new(n, d / 2) } else { FrameRate::new(n.saturating_mul(2), d) };
    twice.unwrap_or(rate)
}

impl FromStr for ProgramFormat {
    type Err = FormatError;

    fn from_str(text: &str) -> Result<Self, FormatError> {
        let wrong = || FormatError::Form(text.to_owned());
        let trimmed = text.trim();
        let at = trimmed.find(|c: char| !(c.is_ascii_digit() || c == 'x')).ok_or_else(wrong)?;
        let (size, rest) = trimmed.split_at(at);
        let (is_interlaced, rate) = match rest.as_bytes().first() {
            Some(b'p') => (false, &rest[1..]),
            Some(b'i') => (true, &rest[1..]),
            _ => return Err(wrong()),
        };
        let (width_px, height_px) = if let Some((w, h)) = size.split_once('x') {
            (w.parse().map_err(|_e| wrong())?, h.parse().map_err(|_e| wrong())?)
        } else {
            let lines: u32 = size.parse().map_err(|_e| wrong())?;
            NAMED.iter().find(|(l, _)| *l == lines).map(|(l, w)| (*w, *l)).ok_or_else(wrong)?
        };
        let rate: FrameRate = rate.parse().map_err(|_e| wrong())?;
        if !is_interlaced {
            return Self::new(width_px, height_px, rate);
        }
        // Some count fields (1080i50), some frames (1080i25): the same format.
        let fields = if rate.fps() <= FRAMES_AT_MOST { doubled(rate) } else { rate };
        Self::new(width_px, height_px, fields)?.interlaced()
    }
}

impl fmt::Display for ProgramFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = match (self.rate.numerator(), self.rate.denominator()) {
            (24000, 1001) => "23.976".to_owned(),
            (30000, 1001) => "29.97".to_owned(),
            (60000, 1001) => "59.94".to_owned(),
            (120_000, 1001) => "119.88".to_owned(),
            _ => self.rate.to_string(),
        };
        let scan = if self.is_interlaced { 'i' } else { 'p' };
        match NAMED.iter().find(|(l, w)| *l == self.height_px && *w == self.width_px) {
            Some((lines, _)) => write!(f, "{lines}{scan}{rate}"),
            None => write!(f, "{}x{}{scan}{rate}", self.width_px, self.height_px),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_read_and_written() {
        for (text, w, h, n, d) in [
            ("1080p50", 1920, 1080, 50, 1),
            ("1080p59.94", 1920, 1080, 60000, 1001),
            ("720p25", 1280, 720, 25, 1),
            ("2160p60", 3840, 2160, 60, 1),
            ("1080p29.97", 1920, 1080, 30000, 1001),
            ("320x180p12.5", 320, 180, 25, 2),
        ] {
            let format: ProgramFormat = text.parse().unwrap();
            assert_eq!((format.width_px, format.height_px, format.rate), (w, h, FrameRate::new(n, d).unwrap()), "{text}");
            assert_eq!(format.to_string(), text);
        }
    }

    #[test]
    fn fields_and_frames_are_the_same_format() {
        for (text, written, n, d, frames) in [
            ("1080i50", "1080i50", 50, 1, (25, 1)),
            ("1080i25", "1080i50", 50, 1, (25, 1)),
            ("1080i59.94", "1080i59.94", 60000, 1001, (30000, 1001)),
            ("1080i29.97", "1080i59.94", 60000, 1001, (30000, 1001)),
            ("1080i60", "1080i60", 60, 1, (30, 1)),
            ("320x180i25", "320x180i50", 50, 1, (25, 1)),
        ] {
            let format: ProgramFormat = text.parse().unwrap();
            assert!(format.is_interlaced && format.rate == FrameRate::new(n, d).unwrap(), "{text}: {format:?}");
            assert_eq!(format.coded_rate(), FrameRate::new(frames.0, frames.1).unwrap(), "{text}");
            assert_eq!((format.to_string().as_str(), format.to_string().parse()), (written, Ok(format)));
        }
        let progressive: ProgramFormat = "1080p50".parse().unwrap();
        assert_eq!(progressive.coded_rate(), progressive.rate);
        assert_eq!(
            (halved(FrameRate::new(25, 2).unwrap()), doubled(FrameRate::new(25, 4).unwrap())),
            (FrameRate::new(25, 4).unwrap(), FrameRate::new(25, 2).unwrap())
        );
    }

    #[test]
    fn what_is_no_format_is_told() {
        for (text, word) in [
            ("1078i50", "no format"),
            ("320x182i50", "4 divides"),
            ("1081p50", "no format"),
            ("1080p", "no format"),
            ("1080", "no format"),
            ("", "no format"),
            ("p50", "no format"),
            ("x20p50", "no format"),
            ("321x180p25", "even"),
            ("99999x180p25", "even"),
            ("1080p500", "1 to 120"),
            ("1080p0.5", "1 to 120"),
            ("1080p50 ü", "no format"),
        ] {
            let told = text.parse::<ProgramFormat>().unwrap_err().to_string();
            assert!(told.contains(word), "{text}: {told}");
        }
    }
}
