//! Words as a picture: strokes on a dark plate, so that they are read over anything.

use crate::{frame::Picture, rig::check::font};

/// Height of capitals, px, and of the plate over it.
const CAPITALS_PX: f32 = 60.0;
const PLATE_PX: f32 = 96.0;
/// Half the width of a stroke, px.
const HALF_STROKE_PX: f32 = 5.5;
const MARGIN_PX: f32 = 24.0;
/// The plate, sRGB code values and alpha.
const PLATE: [u8; 4] = [10, 14, 20, 190];

/// The words in a colour.
pub(super) fn draw(text: &str, color: [u8; 3]) -> Picture {
    let width = (font::width(text, CAPITALS_PX) + 2.0 * MARGIN_PX).ceil().max(PLATE_PX) as u32;
    let height = PLATE_PX as u32;
    let mut ink = vec![0.0_f32; (width * height) as usize];
    let baseline = 0.5 * (PLATE_PX + CAPITALS_PX);
    let left = 0.5 * (width as f32 - font::width(text, CAPITALS_PX));
    font::lines(text, left, baseline, CAPITALS_PX, |a, b| {
        let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
        let length2 = dx * dx + dy * dy;
        let reach = HALF_STROKE_PX + 1.0;
        let range = |p: f32, q: f32, n: u32| {
            let low = (p.min(q) - reach).floor().clamp(0.0, n as f32) as u32;
            low..((p.max(q) + reach).ceil().clamp(0.0, n as f32) as u32)
        };
        for y in range(a[1], b[1], height) {
            for x in range(a[0], b[0], width) {
                let (px, py) = (x as f32 + 0.5, y as f32 + 0.5);
                let t = if length2 > 0.0 { (((px - a[0]) * dx + (py - a[1]) * dy) / length2).clamp(0.0, 1.0) } else { 0.0 };
                let away = (px - a[0] - t * dx).hypot(py - a[1] - t * dy);
                let here = &mut ink[(y * width + x) as usize];
                *here = here.max((HALF_STROKE_PX + 0.5 - away).clamp(0.0, 1.0));
            }
        }
    });
    let mut picture = Picture::filled(width, height, PLATE);
    for (px, ink) in picture.rgba_mut().chunks_exact_mut(4).zip(&ink) {
        for (v, own) in px.iter_mut().zip([color[0], color[1], color[2], 255]) {
            *v = (f32::from(*v) * (1.0 - ink) + f32::from(own) * ink).round() as u8;
        }
    }
    picture
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_differ_and_are_in_their_colour() {
        let [a, b] = ["1.20 m", "1.26 m"].map(|text| draw(text, [255, 0, 0]));
        assert_eq!((a.width(), a.height()), (b.width(), 96));
        assert_ne!(a, b);
        let red = a.rgba().chunks_exact(4).filter(|p| p[0] > 200 && p[1] < 60 && p[3] == 255).count();
        assert!(red > 500, "{red}");
        assert_eq!(a.pixel(0, 0), PLATE);
        assert!(draw("", [0; 3]).width() > 0);
    }
}
