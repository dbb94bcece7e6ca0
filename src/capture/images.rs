//! Numbered pictures in files: the pattern, the first number, and the elements that read them.

use std::path::{Path, PathBuf};

use gst::prelude::ObjectExt as _;

use super::chain::element;
use super::codec::Codec;
use super::error::CaptureError;
use crate::time::FrameRate;

/// Text, `%`, optional `0` and digits, `d`, text.
fn split(pattern: &str) -> Option<(&str, usize, &str)> {
    let (before, rest) = pattern.split_once('%')?;
    let (width, after) = rest.split_once('d')?;
    let digits = width.strip_prefix('0').unwrap_or(width);
    if after.contains('%') || !digits.bytes().all(|b| b.is_ascii_digit()) || digits.len() > 2 {
        return None;
    }
    Some((before, digits.parse().unwrap_or(0), after))
}

fn codec(pattern: &str) -> Option<Codec> {
    match Path::new(pattern).extension()?.to_string_lossy().to_ascii_lowercase().as_str() {
        "png" => Some(Codec::Raw),
        "jpg" | "jpeg" => Some(Codec::Mjpeg),
        _ => None,
    }
}

/// Whether a pattern has one place for a number and names pictures that can be read. GStreamer formats it like C's printf,
/// so nothing else gets through.
pub(super) fn is_pattern(pattern: &str) -> bool {
    split(pattern).is_some() && codec(pattern).is_some()
}

/// The lowest number that has a file, and the file.
fn first_file(pattern: &str) -> Option<(i32, PathBuf)> {
    let (before, width, after) = split(pattern)?;
    let (folder, stem) =
        before.rsplit_once('/').map_or((".", before), |(folder, stem)| (if folder.is_empty() { "/" } else { folder }, stem));
    let number = |name: &str| {
        let digits = name.strip_prefix(stem)?.strip_suffix(after)?;
        let plain = digits.len() == width || (digits.len() > width && !digits.starts_with('0')) || digits == "0";
        (plain && digits.bytes().all(|b| b.is_ascii_digit())).then(|| digits.parse::<i32>().ok()).flatten()
    };
    let files = std::fs::read_dir(folder).ok()?.flatten();
    files.filter_map(|file| Some((number(&file.file_name().to_string_lossy())?, file.path()))).min()
}

/// The elements that read a sequence, first to last, and what comes out of them.
pub(super) fn elements(pattern: &str, rate: FrameRate) -> Result<(Vec<gst::Element>, Codec), CaptureError> {
    let wrong = |reason: String| CaptureError::Address { uri: format!("images:{pattern}"), reason };
    let codec =
        codec(pattern).filter(|_| split(pattern).is_some()).ok_or_else(|| wrong("it is no pattern of .png or .jpg files".to_owned()))?;
    let (start, _) =
        first_file(pattern).ok_or_else(|| wrong("no file fits; check the folder, and how many digits the numbers have".to_owned()))?;
    let source = element("imagesequencesrc", "reading numbered pictures")?;
    source.set_property("location", pattern);
    source.set_property("start-index", start);
    let fraction = gst::Fraction::new(rate.numerator() as i32, rate.denominator() as i32);
    source.set_property("framerate", fraction);
    let decoder = if codec == Codec::Raw { element("pngdec", "reading PNG")? } else { element("jpegparse", "reading JPEG headers")? };
    Ok((vec![source, decoder], codec))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_strict() {
        for good in ["a/f_%05d.png", "%d.jpg", "x%4d.JPEG"] {
            assert!(is_pattern(good), "{good}");
        }
        for bad in ["a.png", "%s.png", "%n%d.png", "%d%d.png", "%05d.tif", "%-5d.png", "%5.3d.png", "%123d.png"] {
            assert!(!is_pattern(bad), "{bad}");
        }
    }

    #[test]
    fn the_first_number_is_found() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["f_00012.png", "f_00013.png", "f_0001.png", "g_00001.png", "f_xxxxx.png"] {
            std::fs::write(dir.path().join(name), b"").unwrap();
        }
        let pattern = format!("{}/f_%05d.png", dir.path().display());
        assert_eq!(first_file(&pattern).map(|(n, _)| n), Some(12));
        assert_eq!(first_file(&format!("{}/h_%05d.png", dir.path().display())), None);
    }
}
