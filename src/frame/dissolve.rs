//! One picture becomes another, in linear light: as the light of both would add up, and not their code values.

use std::sync::OnceLock;

use rayon::{
    iter::{IndexedParallelIterator as _, ParallelIterator as _},
    slice::ParallelSliceMut as _,
};

use super::Picture;
use crate::color::{linear_from_srgb, srgb_from_linear};

/// Steps of linear light on the way back; fine enough that every code value comes back as itself.
const STEPS: usize = 1 << 14;

pub(super) struct Tables {
    pub linear: [u16; 256],
    pub code: Vec<u8>,
}

pub(super) fn tables() -> &'static Tables {
    static TABLES: OnceLock<Tables> = OnceLock::new();
    TABLES.get_or_init(|| {
        let last = (STEPS - 1) as f32;
        let linear = std::array::from_fn(|v| (linear_from_srgb(v as f32 / 255.0) * last).round() as u16);
        let code = (0..STEPS).map(|v| (srgb_from_linear(v as f32 / last) * 255.0).round() as u8).collect();
        Tables { linear, code }
    })
}

/// `from` at share 0, `to` at share 1; opaque. The picture has the size of `to`; `from` is taken by its nearest pixels where its size differs.
pub fn dissolve(from: &Picture, to: &Picture, share: f32) -> Picture {
    let Tables { linear, code } = tables();
    let share = if share.is_finite() { (share.clamp(0.0, 1.0) * 256.0).round() as u32 } else { 256 };
    let (w, h) = (to.width() as usize, to.height() as usize);
    let (from_w, from_h) = (from.width() as usize, from.height() as usize);
    let mut mixed = Picture::filled(to.width(), to.height(), [0, 0, 0, 255]);
    if from_w == 0 || from_h == 0 || w == 0 || h == 0 {
        return to.clone();
    }
    let (a, b) = (from.rgba(), to.rgba());
    mixed.rgba_mut().par_chunks_mut(w * 4).enumerate().for_each(|(y, row)| {
        let from_row = (y * from_h / h) * from_w;
        for (x, px) in row.chunks_exact_mut(4).enumerate() {
            let i = (from_row + x * from_w / w) * 4;
            let j = (y * w + x) * 4;
            for c in 0..3 {
                let light = u32::from(linear[usize::from(a[i + c])]) * (256 - share) + u32::from(linear[usize::from(b[j + c])]) * share;
                px[c] = code[(light >> 8) as usize];
            }
        }
    });
    mixed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_begins_and_ends_with_its_pictures_and_adds_light() {
        let mut a = Picture::filled(16, 16, [0, 0, 0, 255]);
        for (v, px) in a.rgba_mut().chunks_exact_mut(4).enumerate() {
            px[..3].copy_from_slice(&[v as u8, 255 - v as u8, v as u8]);
        }
        let b = Picture::filled(16, 16, [255, 255, 255, 255]);
        assert_eq!(dissolve(&a, &b, 0.0).rgba(), a.rgba(), "every code value comes back");
        assert_eq!(dissolve(&a, &b, 1.0).rgba(), b.rgba());
        // Half of white's light over black is 188 and not 128.
        let black = Picture::filled(4, 4, [0, 0, 0, 255]);
        assert_eq!(dissolve(&black, &b, 0.5).pixel(0, 0), [188, 188, 188, 255]);
        let half = dissolve(&Picture::filled(1, 1, [10, 20, 30, 255]), &b, f32::NAN);
        assert_eq!((half.width(), half.pixel(5, 5)), (16, [255, 255, 255, 255]));
    }
}
