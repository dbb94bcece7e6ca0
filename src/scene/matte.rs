//! A soft matte: how much of each pixel belongs to what is not on the plate; and the picture without it.
//!
//! Pixels are told apart by their difference to the plate, beyond what the plate's own samples scatter and after the exposure is matched.
//! Then the matte is cleaned up along the colours of the picture, and at its edge each pixel is taken for a mixture of the
//! plate and the foreground beside it. Where the plate knows nothing everything may be foreground. Must not know: the GPU, depth.

use rayon::{
    iter::{IndexedParallelIterator as _, ParallelIterator as _},
    slice::ParallelSliceMut as _,
};

use super::{
    SceneError,
    plate::{Plate, curves, gains},
};
use crate::frame::Picture;

/// Difference up to which a pixel is background, code values: this and the plate's spread.
const NONE: f32 = 7.0;
/// Difference from which on it is foreground: this and twice the plate's spread.
const ALL: f32 = 22.0;
/// Passes of the clean-up.
const CLEANING: usize = 2;
/// Half width of the clean-up and of the search for pure foreground, px.
const REACH: i32 = 2;
/// See [`REACH`].
const PURE_REACH: i32 = 3;

/// A picture taken apart.
#[derive(Debug, Clone, PartialEq)]
pub struct Split {
    /// Row-major: 0 the plate, 255 foreground.
    pub matte: Vec<u8>,
    /// The picture with the plate, in the picture's own exposure, in place of the foreground.
    pub background: Picture,
}

/// Takes a picture apart by its camera's plate.
pub fn split(picture: &Picture, plate: &Plate) -> Result<Split, SceneError> {
    let (w, h) = (picture.width(), picture.height());
    if (plate.picture.width(), plate.picture.height()) != (w, h) {
        return Err(SceneError::Input(format!(
            "the plate has {}×{} px, the picture {w}×{h} px. Take the plate from the same camera at the same size",
            plate.picture.width(),
            plate.picture.height()
        )));
    }
    let curves = curves(gains(&plate.picture, picture).map(|g| 1.0 / g.max(1e-3)));
    let mut matched = plate.picture.clone();
    for p in matched.rgba_mut().chunks_exact_mut(4) {
        for c in 0..3 {
            p[c] = curves[c][usize::from(p[c])];
        }
    }
    let (row, width, height) = (w as usize, w as i32, h as i32);
    let mut matte = vec![0_u8; row * h as usize];
    for_each_pixel(&mut matte, row, |x, y| {
        let i = y * row + x;
        differs(at(picture, i), at(&matched, i), plate.spread[i], matched.rgba()[i * 4 + 3])
    });
    let mut next = matte.clone();
    for _ in 0..CLEANING {
        for_each_pixel(&mut next, row, |x, y| cleaned(picture, &matte, (x as i32, y as i32), (width, height)));
        std::mem::swap(&mut matte, &mut next);
    }
    for_each_pixel(&mut next, row, |x, y| mixed(picture, &matched, &matte, (x as i32, y as i32), (width, height)));
    let matte = next;
    let mut background = picture.clone();
    background.rgba_mut().par_chunks_exact_mut(row * 4).enumerate().for_each(|(y, out)| {
        for (x, p) in out.chunks_exact_mut(4).enumerate() {
            let i = y * row + x;
            let (own, plate) = (at(picture, i), at(&matched, i));
            // A pixel that is only nearly pure is still stained.
            let share = (f32::from(matte[i]) / 255.0 * 4.0).min(1.0);
            for c in 0..3 {
                p[c] = (own[c] + (plate[c] - own[c]) * share).round() as u8;
            }
        }
    });
    Ok(Split { matte, background })
}

/// Fills a matte of `row` pixels a row, all rows at once.
fn for_each_pixel(matte: &mut [u8], row: usize, value: impl Fn(usize, usize) -> u8 + Sync) {
    matte.par_chunks_exact_mut(row).enumerate().for_each(|(y, out)| {
        for (x, m) in out.iter_mut().enumerate() {
            *m = value(x, y);
        }
    });
}

fn at(picture: &Picture, i: usize) -> [f32; 3] {
    let p = &picture.rgba()[i * 4..i * 4 + 3];
    [f32::from(p[0]), f32::from(p[1]), f32::from(p[2])]
}

fn smoothstep(low: f32, high: f32, v: f32) -> f32 {
    let t = ((v - low) / (high - low)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

fn byte(share: f32) -> u8 {
    (share.clamp(0.0, 1.0) * 255.0).round() as u8
}

/// By the pixel alone.
fn differs(own: [f32; 3], plate: [f32; 3], spread: u8, confidence: u8) -> u8 {
    let difference = (0..3).map(|c| (own[c] - plate[c]).abs()).fold(0.0, f32::max);
    let spread = f32::from(spread);
    let sure = f32::from(confidence) / 255.0;
    byte(1.0 - sure * (1.0 - smoothstep(NONE + spread, ALL + 2.0 * spread, difference)))
}

/// What the pixels of like colour around say, together with the pixel itself.
fn cleaned(picture: &Picture, matte: &[u8], (x, y): (i32, i32), (w, h): (i32, i32)) -> u8 {
    let i = (y * w + x) as usize;
    // Where all around is alike there is nothing to clean: nearly everywhere.
    let (left, right) = ((x - REACH).max(0), (x + REACH).min(w - 1));
    let row = |qy: i32| &matte[(qy * w + left) as usize..=(qy * w + right) as usize];
    if matte[i] == 0 || matte[i] == 255 {
        let is_alike = ((y - REACH).max(0)..=(y + REACH).min(h - 1)).all(|qy| row(qy).iter().all(|m| *m == matte[i]));
        if is_alike {
            return matte[i];
        }
    }
    let own = at(picture, i);
    let (mut sum, mut total) = (0.0, 0.0);
    for dy in -REACH..=REACH {
        for dx in -REACH..=REACH {
            let (qx, qy) = (x + dx, y + dy);
            if qx < 0 || qy < 0 || qx >= w || qy >= h {
                continue;
            }
            let q = (qy * w + qx) as usize;
            let other = at(picture, q);
            let unlike: f32 = (0..3).map(|c| (own[c] - other[c]).powi(2)).sum();
            let weight = 1.0 / (1.0 + unlike * (1.0 / 300.0)) / (1.0 + 0.4 * (dx * dx + dy * dy) as f32);
            sum += weight * f32::from(matte[q]);
            total += weight;
        }
    }
    byte(smoothstep(0.2, 0.8, sum / (255.0 * total)) * 0.6 + f32::from(matte[i]) / 255.0 * 0.4)
}

/// At the edge: the share of the nearest pure foreground in the mixture with the plate.
fn mixed(picture: &Picture, plate: &Picture, matte: &[u8], (x, y): (i32, i32), (w, h): (i32, i32)) -> u8 {
    let i = (y * w + x) as usize;
    // Only where foreground and plate meet, and where the plate is known.
    let (left, right) = ((x - 1).max(0), (x + 1).min(w - 1));
    let around = ((y - 1).max(0)..=(y + 1).min(h - 1)).flat_map(|qy| &matte[(qy * w + left) as usize..=(qy * w + right) as usize]);
    let (least, most) = around.fold((255, 0), |(l, m), v| (l.min(*v), m.max(*v)));
    if most < 200 || least > 55 || plate.rgba()[i * 4 + 3] < 128 {
        return matte[i];
    }
    let (mut pure, mut total) = ([0.0_f32; 3], 0.0_f32);
    for dy in -PURE_REACH..=PURE_REACH {
        for dx in -PURE_REACH..=PURE_REACH {
            let (qx, qy) = (x + dx, y + dy);
            if qx < 0 || qy < 0 || qx >= w || qy >= h {
                continue;
            }
            let q = (qy * w + qx) as usize;
            // Pure: it and what touches it is foreground.
            let is_foreground = |q: usize| matte.get(q).is_some_and(|m| *m > 230);
            let touches = |step: usize| is_foreground(q.wrapping_sub(step)) && is_foreground(q + step);
            if matte[q] > 240 && touches(1) && touches(w as usize) {
                let weight = 1.0 / (1.0 + (dx * dx + dy * dy) as f32);
                let other = at(picture, q);
                for c in 0..3 {
                    pure[c] += weight * other[c];
                }
                total += weight;
            }
        }
    }
    if total <= 0.0 {
        return matte[i];
    }
    let (own, plate) = (at(picture, i), at(plate, i));
    let (mut along, mut length) = (0.0, 0.0);
    for c in 0..3 {
        let way = pure[c] / total - plate[c];
        along += (own[c] - plate[c]) * way;
        length += way * way;
    }
    // Two colours that are hardly apart tell no share.
    let told = smoothstep(400.0, 2500.0, length);
    let share = (along / length.max(1.0)).clamp(0.0, 1.0);
    byte(share * told + f32::from(matte[i]) / 255.0 * (1.0 - told))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A plate of two greys, a disc of 20.4 px radius with soft edge, the picture `gain` times as bright.
    fn scene(gain: f32) -> (Picture, Plate, Vec<f32>) {
        let wall = |x: usize, y: usize| if (x / 24 + y / 24).is_multiple_of(2) { 150 } else { 118 };
        let plate: Vec<u8> = (0..96 * 96).flat_map(|i| [wall(i % 96, i / 96), wall(i % 96, i / 96), 120, 255]).collect();
        let share: Vec<f32> =
            (0..96 * 96).map(|i| (20.9 - ((i % 96) as f32 - 48.0).hypot((i / 96) as f32 - 48.0)).clamp(0.0, 1.0)).collect();
        let curve = curves([gain; 3]);
        let rgba = plate.chunks_exact(4).zip(&share).flat_map(|(p, s)| {
            let mix = |a: u8, b: f32| curve[0][(f32::from(a) * (1.0 - s) + b * s).round() as usize];
            [mix(p[0], 40.0), mix(p[1], 200.0), mix(p[2], 60.0), 255]
        });
        let picture = Picture::from_rgba(96, 96, rgba.collect()).unwrap();
        (picture, Plate::given(Picture::from_rgba(96, 96, plate).unwrap()), share)
    }

    fn error(split: &Split, share: &[f32]) -> f32 {
        split.matte.iter().zip(share).map(|(m, s)| (f32::from(*m) / 255.0 - s).abs()).sum::<f32>() / share.iter().sum::<f32>()
    }

    #[test]
    fn a_disc_is_cut_out_softly_whatever_the_exposure() {
        for gain in [1.0, 0.8, 1.2] {
            let (picture, plate, share) = scene(gain);
            let split = split(&picture, &plate).unwrap();
            assert!(error(&split, &share) < 0.03, "{gain}: {}", error(&split, &share));
            // What is left is the plate, as bright as the picture.
            let curve = curves([gain; 3]);
            let wrong = split.background.rgba().iter().zip(plate.picture.rgba()).enumerate().filter(|(i, _)| i % 4 != 3);
            let worst = wrong.map(|(_, (a, b))| a.abs_diff(curve[0][usize::from(*b)])).max().unwrap();
            assert!(worst < 30, "{gain}: {worst}");
        }
        // The check can fail: the plate of another wall.
        let (picture, mut plate, share) = scene(1.0);
        plate.picture.rgba_mut().rotate_left(24 * 4);
        assert!(error(&split(&picture, &plate).unwrap(), &share) > 0.3);
    }

    #[test]
    fn where_nothing_is_known_everything_may_be_foreground() {
        let (picture, mut plate, _) = scene(1.0);
        plate.picture.rgba_mut().chunks_exact_mut(4).for_each(|p| p[3] = 0);
        assert!(split(&picture, &plate).unwrap().matte.iter().all(|m| *m > 250));
        assert!(split(&Picture::filled(8, 8, [0; 4]), &plate).unwrap_err().to_string().contains("96×96"));
    }
}
