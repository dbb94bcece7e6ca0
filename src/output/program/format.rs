//! The format of the program output, in words: `1080p50`.

use std::{fmt, str::FromStr};

use crate::time::FrameRate;

/// Lines and the width that belongs to them.
const NAMED: [(u32, u32); 6] = [(360, 640), (540, 960), (720, 1280), (1080, 1920), (1440, 2560), (2160, 3840)];
/// More is no picture that an encoder takes.
const MOST_PX: u32 = 8192;
/// Slower or faster is a mistake.
const FPS: std::ops::RangeInclusive<f64> = 1.0..=120.0;

/// Size and rate of the program output; progressive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProgramFormat {
    /// Pixels across; even.
    pub width_px: u32,
    /// Pixels down; even.
    pub height_px: u32,
    /// Frames per second.
    pub rate: FrameRate,
}

/// Why a text is no format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// It has no such form.
    #[error("{0:?} is no format. Write lines, p and rate, such as 1080p50, 1080p59.94 or 2160p60, or a size, such as 1280x720p25")]
    Form(String),
    /// Fields instead of frames.
    #[error("{0:?} is interlaced, which is not made yet. Write 1080p50 or 1080p25 (1080p59.94 or 1080p29.97)")]
    Interlaced(String),
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
        Ok(Self { width_px, height_px, rate })
    }

    /// When frame `index` begins, nanoseconds from frame 0, exact for any index.
    pub const fn frame_nanos(&self, index: u64) -> i64 {
        self.rate.frame_nanos(index as i64)
    }
}

impl FromStr for ProgramFormat {
    type Err = FormatError;

    fn from_str(text: &str) -> Result<Self, FormatError> {
        let wrong = || FormatError::Form(text.to_owned());
        let trimmed = text.trim();
        let at = trimmed.find(|c: char| !(c.is_ascii_digit() || c == 'x')).ok_or_else(wrong)?;
        let (size, rest) = trimmed.split_at(at);
        let rate = match rest.as_bytes().first() {
            Some(b'p') => &rest[1..],
            Some(b'i') => return Err(FormatError::Interlaced(text.to_owned())),
            _ => return Err(wrong()),
        };
        let (width_px, height_px) = if let Some((w, h)) = size.split_once('x') {
            (w.parse().map_err(|_e| wrong())?, h.parse().map_err(|_e| wrong())?)
        } else {
            let lines: u32 = size.parse().map_err(|_e| wrong())?;
            NAMED.iter().find(|(l, _)| *l == lines).map(|(l, w)| (*w, *l)).ok_or_else(wrong)?
        };
        let rate: FrameRate = rate.parse().map_err(|_e| wrong())?;
        Self::new(width_px, height_px, rate)
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
        match NAMED.iter().find(|(l, w)| *l == self.height_px && *w == self.width_px) {
            Some((lines, _)) => write!(f, "{lines}p{rate}"),
            None => write!(f, "{}x{}p{rate}", self.width_px, self.height_px),
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
    fn what_is_no_format_is_told() {
        for (text, word) in [
            ("1080i50", "interlaced"),
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
