//! The shape of the frame, where it is another than the cameras': upright for phones, square, and the like.
//!
//! A crop is never cut out of a finished picture: the virtual camera gets a frame of that shape and draws it at full sharpness.
//! Must not know: files, pictures.

use std::{fmt, str::FromStr};

/// Width to height of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Aspect {
    width: u32,
    height: u32,
}

/// Not `W:H`, or a strip.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no shape of a frame. Write width:height, e.g. 1:1, 9:16, 4:5 or 16:9 (none is narrower than 1:8)")]
pub struct AspectError(String);

impl FromStr for Aspect {
    type Err = AspectError;

    fn from_str(text: &str) -> Result<Self, AspectError> {
        let wrong = || AspectError(text.to_owned());
        let (width, height) = text.split_once(':').ok_or_else(wrong)?;
        let side = |word: &str| word.trim().parse::<u32>().ok().filter(|v| (1..=10_000).contains(v)).ok_or_else(wrong);
        let (width, height) = (side(width)?, side(height)?);
        if width.max(height) > 8 * width.min(height) { Err(wrong()) } else { Ok(Self { width, height }) }
    }
}

impl TryFrom<String> for Aspect {
    type Error = AspectError;

    fn try_from(text: String) -> Result<Self, AspectError> {
        text.parse()
    }
}

impl From<Aspect> for String {
    fn from(aspect: Aspect) -> Self {
        aspect.to_string()
    }
}

impl fmt::Display for Aspect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.width, self.height)
    }
}

impl Aspect {
    /// The largest frame of this shape in a picture of that size, px; both sides even, as video needs them.
    pub fn within(self, width_px: u32, height_px: u32) -> (u32, u32) {
        let (w, h) = (u64::from(width_px & !1), u64::from(height_px & !1));
        let (aw, ah) = (u64::from(self.width), u64::from(self.height));
        let even = |v: u64| ((v as u32) & !1).max(2);
        // To the nearest even number, but not beyond the picture.
        let nearest = |n: u64, d: u64| (n + d) / (2 * d) * 2;
        if w * ah >= h * aw { (even(nearest(h * aw, ah).min(w)), even(h)) } else { (even(w), even(nearest(w * ah, aw).min(h))) }
    }

    /// Whether a frame of that size has this shape, but for what whole and even sides ask for.
    pub fn is_of(self, width_px: u32, height_px: u32) -> bool {
        let (w, h) = (f64::from(width_px), f64::from(height_px));
        let (aw, ah) = (f64::from(self.width), f64::from(self.height));
        (w - h * aw / ah).abs() < 2.0 || (h - w * ah / aw).abs() < 2.0
    }
}

/// How far the frame is shifted for a wish of `px`, where the picture has `room` px beyond it on either side: all of it in the middle,
/// ever less towards the edge of the picture, never beyond, without a kink.
pub(super) fn shift_px(wish_px: f64, room_px: f64) -> f64 {
    let free = 0.75 * room_px;
    let rest = room_px - free;
    if wish_px.abs() <= free || rest <= 0.0 {
        return wish_px.clamp(-room_px.max(0.0), room_px.max(0.0));
    }
    (free + rest * ((wish_px.abs() - free) / rest).tanh()).copysign(wish_px)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_read_and_laid_into_pictures() {
        let shape = |text: &str| text.parse::<Aspect>().unwrap();
        assert_eq!(shape("9:16").within(1920, 1080), (608, 1080));
        assert_eq!(shape("1:1").within(1920, 1080), (1080, 1080));
        assert_eq!(shape("4:5").within(1920, 1080), (864, 1080));
        assert_eq!(shape("16:9").within(1920, 1080), (1920, 1080));
        assert_eq!(shape("16:9").within(1080, 1920), (1080, 608));
        assert_eq!(shape("1:1").within(321, 181), (180, 180));
        for text in ["1:1", "9:16", "4:5", "16:9", "21:9"] {
            let (w, h) = shape(text).within(1920, 1080);
            assert!(shape(text).is_of(w, h), "{text} {w}×{h}");
            assert_eq!(shape(text).to_string(), text);
        }
        assert!(!shape("9:16").is_of(1920, 1080) && shape("9:16").is_of(1080, 1920));
        for wrong in ["", "9x16", "0:1", "1:9", "9:", "-1:1", "1:1:1", "nan:1"] {
            assert!(wrong.parse::<Aspect>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_frame_glides_to_the_edge_and_no_farther() {
        assert_eq!(shift_px(30.0, 100.0), 30.0);
        assert_eq!(shift_px(-30.0, 0.0), 0.0);
        let mut before = 0.0;
        for k in 1..4000 {
            let at = shift_px(f64::from(k) * 0.1, 100.0);
            assert!(at <= 100.0 && at >= before && at - before <= 0.1 + 1e-9, "{k} {at}");
            assert_eq!(at, -shift_px(f64::from(k) * -0.1, 100.0));
            before = at;
        }
        assert!(before > 99.9);
    }
}
