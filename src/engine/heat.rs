//! The heat map: how sure each pixel of a view is, laid over its picture. Pure.
//!
//! Must not know: GPU, who looks at it.

use crate::frame::Picture;

/// (trust, colour, words): the legend, surest first. Between two stops the colour is mixed. Yellow to purple can be told apart
/// with any colour vision and in grey.
pub const HEAT_LEGEND: [(f32, [u8; 3], &str); 4] = [
    (0.60, [64, 190, 170], "sure"),
    (0.30, [245, 220, 70], "fair"),
    (0.05, [235, 90, 50], "doubtful"),
    (-0.01, [150, 30, 160], "never seen"),
];

/// How strongly the colour covers the picture, 0…1: nothing to hide where the view is sure.
const COVER_SURE: f32 = 0.25;
const COVER_DOUBTFUL: f32 = 0.7;

/// The colour of a trust ([`crate::view::View::read_trust`]).
pub fn heat_color(trust: f32) -> [u8; 3] {
    let [sure, .., unseen] = HEAT_LEGEND;
    if trust < 0.0 || !trust.is_finite() {
        return unseen.1;
    }
    if trust >= sure.0 {
        return sure.1;
    }
    for pair in HEAT_LEGEND[..3].windows(2) {
        let ((high, a, _), (low, b, _)) = (pair[0], pair[1]);
        if trust >= low {
            let t = (trust - low) / (high - low);
            return std::array::from_fn(|c| (f32::from(a[c]) * t + f32::from(b[c]) * (1.0 - t)).round() as u8);
        }
    }
    HEAT_LEGEND[2].1
}

/// The share of pixels that are doubtful or were never seen, 0…1.
pub(super) fn unsure_share(trust: &[f32]) -> f32 {
    let least = HEAT_LEGEND[1].0 * 0.5;
    trust.iter().filter(|t| !t.is_finite() || **t < least).count() as f32 / trust.len().max(1) as f32
}

/// Lays the heat over `picture`, which turns grey underneath; `trust` has one value per pixel.
pub fn lay_over(picture: &mut Picture, trust: &[f32]) {
    for (px, &trust) in picture.rgba_mut().chunks_exact_mut(4).zip(trust) {
        let grey = 0.299 * f32::from(px[0]) + 0.587 * f32::from(px[1]) + 0.114 * f32::from(px[2]);
        let color = heat_color(trust);
        let sure = (trust / HEAT_LEGEND[0].0).clamp(0.0, 1.0);
        let cover = COVER_DOUBTFUL + (COVER_SURE - COVER_DOUBTFUL) * sure;
        for c in 0..3 {
            px[c] = (grey * (1.0 - cover) + f32::from(color[c]) * cover).round() as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubt_is_hotter_and_what_was_never_seen_is_apart() {
        assert_eq!(heat_color(1.1), HEAT_LEGEND[0].1);
        assert_eq!(heat_color(0.30), HEAT_LEGEND[1].1);
        assert_eq!(heat_color(0.0), HEAT_LEGEND[2].1);
        assert_eq!([heat_color(-0.2), heat_color(f32::NAN)], [HEAT_LEGEND[3].1; 2]);
        assert!((unsure_share(&[0.9, 0.1, -1.0, f32::NAN]) - 0.75).abs() < 1e-6 && unsure_share(&[]) == 0.0);
        let mut picture = Picture::filled(3, 1, [200, 100, 50, 255]);
        lay_over(&mut picture, &[1.0, 0.0, -1.0]);
        let [sure, doubtful, unseen] = [0, 1, 2].map(|x| picture.pixel(x, 0));
        assert!(sure != doubtful && doubtful != unseen && sure[3] == 255);
        // Where the view is sure, the picture's own light remains the most of it.
        assert!(sure.iter().take(3).all(|v| (90..150).contains(v)), "{sure:?}");
    }
}
