//! A camera's plate: its picture of what does not move, from frames of its past.
//!
//! Per pixel the samples that agree with each other are counted, and the largest group is the plate: a median would need half of the time
//! to be free, a group needs more time than any other colour. Where no group is clearly the largest nothing is known, and nothing is
//! invented. Must not know: the GPU, footage, who recorded.

use rayon::{
    iter::{IndexedParallelIterator as _, ParallelIterator as _},
    slice::ParallelSliceMut as _,
};

use super::SceneError;
use crate::{
    color::{linear_from_srgb, srgb_from_linear},
    frame::Picture,
};

/// Fewer frames than these tell nothing about what moves.
pub const LEAST_SAMPLES: usize = 5;
/// More add nothing that is worth their time.
pub const MOST_SAMPLES: usize = 15;
/// Code values by which samples of one surface differ at least before they are told apart: the noise of a clean camera.
pub(super) const LEAST_TOLERANCE: u8 = 8;
/// The same at most, however noisy the camera is.
pub(super) const MOST_TOLERANCE: u8 = 24;
/// What a plate that is given (and not learned) is believed to scatter, code values.
const GIVEN_SPREAD: u8 = 3;
/// Share of the samples that the largest group has at least, and by how much more than the second it is sure.
const LEAST_SHARE: f32 = 0.3;
/// See [`LEAST_SHARE`].
const SURE_LEAD: f32 = 0.35;
/// Between the pixels that are looked at for exposure and noise, px.
pub(super) const SPARSE_PX: usize = 3;

/// What a camera sees when nobody is there.
#[derive(Debug, Clone, PartialEq)]
pub struct Plate {
    /// Its picture; alpha is the confidence: 255 where the samples agree, 0 where nothing is known.
    pub picture: Picture,
    /// Per pixel: how far a sample of it may lie from its mean, code values of the worst channel.
    pub spread: Vec<u8>,
}

impl Plate {
    /// Of frames of one camera that stands still, from [`LEAST_SAMPLES`] of them on; more than [`MOST_SAMPLES`] are thinned. Brightness
    /// that drifts from frame to frame is brought to that of the middle one.
    pub fn of(samples: &[&Picture]) -> Result<Self, SceneError> {
        let n = samples.len().min(MOST_SAMPLES);
        if n < LEAST_SAMPLES {
            return Err(SceneError::Input(format!(
                "a plate needs {LEAST_SAMPLES} frames of a camera's past at least, there are {n}. Wait, or give a longer recording"
            )));
        }
        let chosen: Vec<&Picture> = (0..n).map(|i| samples[i * samples.len() / n]).collect();
        let middle = chosen[n / 2];
        let (w, h) = (middle.width(), middle.height());
        if let Some(other) = chosen.iter().find(|p| (p.width(), p.height()) != (w, h)) {
            return Err(SceneError::Input(format!(
                "the frames for a plate have {w}×{h} and {}×{} px. Give frames of one camera",
                other.width(),
                other.height()
            )));
        }
        let curves: Vec<[[u8; 256]; 3]> = chosen.iter().map(|p| curves(gains(middle, p))).collect();
        let tolerance = tolerance(&chosen, &curves);
        let mut rgba = vec![0_u8; middle.rgba().len()];
        let mut spread = vec![0_u8; rgba.len() / 4];
        let row = w as usize;
        rgba.par_chunks_exact_mut(row * 4).zip(spread.par_chunks_exact_mut(row)).enumerate().for_each(|(y, (rgba, spread))| {
            let mut values = [[0_u8; 3]; MOST_SAMPLES];
            for x in 0..row {
                let at = (y * row + x) * 4;
                for (value, (sample, curve)) in values.iter_mut().zip(chosen.iter().zip(&curves)) {
                    let p = &sample.rgba()[at..at + 3];
                    *value = [curve[0][usize::from(p[0])], curve[1][usize::from(p[1])], curve[2][usize::from(p[2])]];
                }
                let found = largest_group(&values[..n], tolerance);
                rgba[x * 4..x * 4 + 3].copy_from_slice(&found.mean);
                rgba[x * 4 + 3] = (found.confidence * 255.0).round() as u8;
                spread[x] = found.spread;
            }
        });
        let picture = Picture::from_rgba(w, h, rgba).map_err(|e| SceneError::Input(e.to_string()))?;
        Ok(Self { picture, spread })
    }

    /// A picture of the empty stage, all of it believed.
    pub fn given(mut picture: Picture) -> Self {
        picture.rgba_mut().chunks_exact_mut(4).for_each(|p| p[3] = 255);
        let spread = vec![GIVEN_SPREAD; picture.rgba().len() / 4];
        Self { picture, spread }
    }

    /// The plate of the same camera at another size.
    #[must_use]
    pub fn resized(&self, width_px: u32, height_px: u32) -> Self {
        let (w, h) = (self.picture.width() as usize, self.picture.height() as usize);
        let (to_w, to_h) = (width_px.max(1) as usize, height_px.max(1) as usize);
        // The mean over what a pixel covers, one pixel at least.
        let covered = |k: usize, from: usize, to: usize| {
            let begin = (k * from / to).min(from - 1);
            begin..((k + 1) * from / to).clamp(begin + 1, from)
        };
        let spread = |(x, y): (usize, usize)| {
            let (mut sum, mut n) = (0_u32, 0_u32);
            for v in covered(y, h, to_h).flat_map(|v| covered(x, w, to_w).map(move |u| v * w + u)) {
                (sum, n) = (sum + u32::from(self.spread[v]), n + 1);
            }
            (sum / n.max(1)) as u8
        };
        let spread = (0..to_w * to_h).map(|i| spread((i % to_w, i / to_w))).collect();
        Self { picture: self.picture.resized(to_w as u32, to_h as u32), spread }
    }

    /// How much of the picture is known, 0…1.
    pub fn known_share(&self) -> f64 {
        let known: u64 = self.picture.rgba().chunks_exact(4).map(|p| u64::from(p[3])).sum();
        known as f64 / (255.0 * self.spread.len().max(1) as f64)
    }
}

/// The largest group of samples that agree.
struct Group {
    mean: [u8; 3],
    spread: u8,
    confidence: f32,
}

pub(super) fn difference(a: [u8; 3], b: [u8; 3]) -> u8 {
    a[0].abs_diff(b[0]).max(a[1].abs_diff(b[1])).max(a[2].abs_diff(b[2]))
}

fn largest_group(values: &[[u8; 3]], tolerance: u8) -> Group {
    let n = values.len();
    let members = |i: usize| values.iter().filter(move |v| difference(**v, values[i]) <= tolerance);
    let (mut first, mut most) = (0, 0);
    for i in 0..n {
        let count = members(i).count();
        if count > most {
            (first, most) = (i, count);
        }
        // No other can have more.
        if most == n {
            break;
        }
    }
    let mut sums = [0_u32; 3];
    for v in members(first) {
        for (sum, v) in sums.iter_mut().zip(v) {
            *sum += u32::from(*v);
        }
    }
    let mean = sums.map(|s| ((s + most as u32 / 2) / most.max(1) as u32) as u8);
    let spread = members(first).map(|v| difference(*v, mean)).max().unwrap_or(0);
    // Whoever is near the group is no rival: a gradient of noise is one surface.
    let is_rival = |i: &usize| difference(values[*i], mean) > tolerance.saturating_mul(2);
    let second = (0..n).filter(is_rival).map(|i| members(i).count()).max().unwrap_or(0);
    let share = |count: usize| count as f32 / n.max(1) as f32;
    let lead = (share(most) - share(second)) / SURE_LEAD;
    let confidence = if share(most) < LEAST_SHARE { 0.0 } else { lead.clamp(0.0, 1.0) };
    Group { mean, spread, confidence }
}

/// By how much samples of one surface may differ: four times the usual difference of two frames.
fn tolerance(samples: &[&Picture], curves: &[[[u8; 256]; 3]]) -> u8 {
    let mut counts = [0_u64; 256];
    for (pair, curve) in samples.windows(2).zip(curves.windows(2)) {
        for (a, b) in pair[0].rgba().chunks_exact(4).zip(pair[1].rgba().chunks_exact(4)).step_by(SPARSE_PX * SPARSE_PX) {
            let (a, b) = (curve[0][1][usize::from(a[1])], curve[1][1][usize::from(b[1])]);
            counts[usize::from(a.abs_diff(b))] += 1;
        }
    }
    // Half of all pixels do not move, in all but the wildest shows.
    let half = counts.iter().sum::<u64>() / 2;
    let mut below = 0;
    let median = counts.iter().position(|c| {
        below += c;
        below > half
    });
    (median.unwrap_or(0).min(64) as u8 * 4).clamp(LEAST_TOLERANCE, MOST_TOLERANCE)
}

/// What each channel of `other`, in linear light, is multiplied with so that it is as bright as `reference`: the median over the pixels, so
/// that what moves does not count.
pub(super) fn gains(reference: &Picture, other: &Picture) -> [f32; 3] {
    let pairs = || reference.rgba().chunks_exact(4).zip(other.rgba().chunks_exact(4)).step_by(SPARSE_PX * SPARSE_PX);
    gains_of(|| pairs().filter(|(a, _)| a[3] >= 128).map(|(a, b)| ([a[0], a[1], a[2]], [b[0], b[1], b[2]])))
}

/// The same from pairs of what is compared: reference, other.
pub(super) fn gains_of<I: Iterator<Item = ([u8; 3], [u8; 3])>>(pairs: impl Fn() -> I) -> [f32; 3] {
    const PER_STOP: f32 = 64.0;
    const HALF: i32 = 128;
    let linear: [f32; 256] = std::array::from_fn(|v| linear_from_srgb(v as f32 / 255.0));
    std::array::from_fn(|c| {
        let mut counts = [0_u32; 2 * HALF as usize + 1];
        let mut total = 0_u32;
        for (a, b) in pairs() {
            // Near black and near white a ratio says nothing.
            if (24..=240).contains(&a[c]) && (24..=240).contains(&b[c]) {
                let stops = (linear[usize::from(a[c])] / linear[usize::from(b[c])]).log2();
                counts[(((stops * PER_STOP).round() as i32).clamp(-HALF, HALF) + HALF) as usize] += 1;
                total += 1;
            }
        }
        if total < 200 {
            return 1.0;
        }
        let mut below = 0;
        let median = counts.iter().position(|n| {
            below += n;
            below > total / 2
        });
        ((median.unwrap_or(HALF as usize) as f32 - HALF as f32) / PER_STOP).exp2()
    })
}

/// Code values after a gain in linear light, per channel.
pub(super) fn curves(gains: [f32; 3]) -> [[u8; 256]; 3] {
    gains.map(|gain| {
        std::array::from_fn(|v| {
            if (gain - 1.0).abs() < 1e-4 {
                return v as u8;
            }
            (srgb_from_linear((linear_from_srgb(v as f32 / 255.0) * gain).min(1.0)) * 255.0).round() as u8
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A wall with a gradient and noise; a dark block, 12 px wide, walks along it or stands at `stands` in some frames.
    fn frames(stands: usize, gain: impl Fn(usize) -> f32) -> Vec<Picture> {
        (0..15)
            .map(|t| {
                let block = if t < stands { 20 } else { (t * 17) % 84 };
                let curve = curves([gain(t); 3]);
                let rgba = (0..96 * 40).flat_map(|i| {
                    let (x, y) = (i % 96, i / 96);
                    let noise = ((i * 7919 + t * 104_729) % 5) as u8;
                    let v = if (block..block + 12).contains(&x) && y > 8 { 25 + (t as u8 * 9) % 40 } else { 90 + x as u8 + noise };
                    let v = curve[0][usize::from(v)];
                    [v, v, v / 2, 255]
                });
                Picture::from_rgba(96, 40, rgba.collect()).unwrap()
            })
            .collect()
    }

    fn worst(plate: &Plate) -> u8 {
        let error = |(i, p): (usize, &[u8])| p[0].abs_diff(92 + (i % 96) as u8);
        plate.picture.rgba().chunks_exact(4).enumerate().filter(|(_, p)| p[3] >= 128).map(error).max().unwrap()
    }

    #[test]
    fn what_walks_through_is_not_in_the_plate() {
        let frames = frames(0, |_| 1.0);
        let plate = Plate::of(&frames.iter().collect::<Vec<_>>()).unwrap();
        assert!(worst(&plate) <= 3, "{}", worst(&plate));
        assert!(plate.known_share() > 0.99, "{}", plate.known_share());
        assert!(plate.spread.iter().all(|s| *s <= LEAST_TOLERANCE));
    }

    #[test]
    fn where_something_stood_for_half_of_the_time_nothing_is_known() {
        let frames = frames(7, |_| 1.0);
        let plate = Plate::of(&frames.iter().collect::<Vec<_>>()).unwrap();
        let at = |x: usize| plate.picture.rgba()[(20 * 96 + x) * 4 + 3];
        assert!(at(25) < 160 && at(70) == 255, "{} {}", at(25), at(70));
    }

    #[test]
    fn brightness_that_drifts_is_no_ghost() {
        let frames = frames(0, |t| 1.0 + 0.04 * (t as f32 - 7.0));
        let plate = Plate::of(&frames.iter().collect::<Vec<_>>()).unwrap();
        assert!(plate.known_share() > 0.95 && worst(&plate) <= 6, "{} {}", plate.known_share(), worst(&plate));
    }

    #[test]
    fn too_few_frames_and_frames_of_two_sizes_are_refused() {
        let frames = frames(0, |_| 1.0);
        let few: Vec<&Picture> = frames.iter().take(4).collect();
        assert!(Plate::of(&few).unwrap_err().to_string().contains("5 frames"));
        let small = Picture::filled(8, 8, [0; 4]);
        let mut mixed: Vec<&Picture> = frames.iter().collect();
        mixed[3] = &small;
        assert!(Plate::of(&mixed).unwrap_err().to_string().contains("8×8"));
    }
}
