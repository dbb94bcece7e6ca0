//! What is measured on a picture or on a run of pictures. Pure.

use crate::{
    color::{linear_from_srgb, srgb_from_linear},
    frame::Picture,
};

/// From this ratio on, the depths of two neighbouring pixels are those of two surfaces. The floor of the venue seen at its flattest
/// stays below it.
const EDGE_RATIO: f32 = 1.06;

/// The pixels no farther than `radius_px` (in x and in y) from a depth edge: where two pixels that touch differ in depth by more than 6 %.
/// `depth_m` is row-major, `width` wide; infinity is sky.
pub fn edge_band(depth_m: &[f32], width: usize, radius_px: usize) -> Vec<bool> {
    let height = depth_m.len() / width.max(1);
    let at = |x: usize, y: usize| depth_m[y * width + x];
    let jump = |a: f32, b: f32| (a.is_finite() || b.is_finite()) && a.max(b) > a.min(b) * EDGE_RATIO;
    let mut edge = vec![false; depth_m.len()];
    for y in 0..height {
        for x in 0..width {
            if x + 1 < width && jump(at(x, y), at(x + 1, y)) {
                edge[y * width + x] = true;
                edge[y * width + x + 1] = true;
            }
            if y + 1 < height && jump(at(x, y), at(x, y + 1)) {
                edge[y * width + x] = true;
                edge[(y + 1) * width + x] = true;
            }
        }
    }
    let near = |i: usize, n: usize| i.saturating_sub(radius_px)..(i + radius_px + 1).min(n);
    let rows: Vec<bool> = (0..edge.len()).map(|i| near(i % width, width).any(|x| edge[i / width * width + x])).collect();
    (0..edge.len()).map(|i| near(i / width, height).any(|y| rows[y * width + i % width])).collect()
}

/// Mean of a squared error of RGB as PSNR of 8 bits, dB; none at all gives 99 dB.
fn psnr_of(sum: f64, count: u64) -> f64 {
    if sum <= 0.0 || count == 0 { 99.0 } else { 10.0 * (255.0 * 255.0 / (sum / count as f64)).log10() }
}

/// How a run of pictures changes from one to the next, against how the truth does.
#[derive(Debug, Default)]
pub struct Changes {
    before: Option<(Picture, Picture)>,
    sum: f64,
    count: u64,
    steps: Vec<f64>,
}

impl Changes {
    /// The next picture and its truth, of the size of the first.
    pub fn push(&mut self, shown: &Picture, truth: &Picture) {
        if let Some((shown_before, truth_before)) = &self.before {
            let change = |now: &Picture, before: &Picture, i: usize| f64::from(now.rgba()[i]) - f64::from(before.rgba()[i]);
            let (mut absolute, mut count) = (0.0, 0);
            for i in (0..shown.rgba().len().min(truth.rgba().len())).filter(|i| i % 4 != 3) {
                let error = change(shown, shown_before, i) - change(truth, truth_before, i);
                self.sum += error.powi(2);
                absolute += error.abs();
                count += 1;
            }
            self.count += count;
            self.steps.push(absolute / (count as f64).max(1.0));
        }
        self.before = Some((shown.clone(), truth.clone()));
    }

    /// PSNR of the temporal differences `I(t) − I(t−1)` of all frames together, dB.
    pub fn psnr_db(&self) -> f64 {
        psnr_of(self.sum, self.count)
    }

    /// Mean absolute error of each change over RGB, code values: one fewer than there are frames.
    pub fn steps(&self) -> &[f64] {
        &self.steps
    }
}

/// The largest wrong change across a camera as a multiple of the largest between two cameras: nothing happens at cameras when it is one.
/// `steps[k]` is the change from frame `k` to the next, `positions` those of the frames along the arc, gaps.
pub fn flicker_index(steps: &[f64], positions: &[f64]) -> f64 {
    let (mut across, mut between) = (0.0_f64, 0.0_f64);
    for (step, p) in steps.iter().zip(positions.windows(2)) {
        let place = if p[0].ceil() <= p[1] { &mut across } else { &mut between };
        *place = place.max(*step);
    }
    across / between.max(1e-9)
}

/// Mean absolute error of luma (BT.601), code values.
pub fn luma_error(shown: &Picture, truth: &Picture) -> f64 {
    let luma = |p: &[u8]| 0.299 * f64::from(p[0]) + 0.587 * f64::from(p[1]) + 0.114 * f64::from(p[2]);
    let pairs = shown.rgba().chunks_exact(4).zip(truth.rgba().chunks_exact(4));
    pairs.map(|(a, b)| (luma(a) - luma(b)).abs()).sum::<f64>() / f64::from(shown.width() * shown.height()).max(1.0)
}

/// Pixels that are not opaque: that nothing was written to.
pub fn unfilled(picture: &Picture) -> usize {
    picture.rgba().chunks_exact(4).filter(|p| p[3] != 255).count()
}

/// How much the error of a run jumps.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Pop {
    /// Largest second difference of the mean luma error where the run crosses a camera, code values.
    pub at_cameras: f64,
    /// The same elsewhere.
    pub between: f64,
}

impl Pop {
    /// Of the mean luma error of each frame; `positions` are those of the frames along the arc, gaps (whole numbers are cameras). The
    /// second difference of a frame belongs to a camera when the camera lies between the frame before and the frame after.
    pub fn of(errors: &[f64], positions: &[f64]) -> Self {
        let mut pop = Self { at_cameras: 0.0, between: 0.0 };
        for (e, p) in errors.windows(3).zip(positions.windows(3)) {
            let second = (e[2] - 2.0 * e[1] + e[0]).abs();
            let camera = p[1].round();
            let place = if (p[0]..=p[2]).contains(&camera) { &mut pop.at_cameras } else { &mut pop.between };
            *place = place.max(second);
        }
        pop
    }

    /// The pop index: how many times stronger at cameras than between them.
    pub fn index(&self) -> f64 {
        self.at_cameras / self.between.max(1e-9)
    }
}

/// Both pictures at one exposure and white: the shown one with the gain per channel, in linear light, that brings it nearest to the truth,
/// and the truth ended where the shown one's white lies then. What is left is not a matter of which camera's exposure and white were
/// right: what a brighter exposure clips, it clips in the truth as well.
pub fn at_one_level(shown: &Picture, truth: &Picture) -> (Picture, Picture) {
    let linear: [f64; 256] = std::array::from_fn(|v| f64::from(linear_from_srgb(v as f32 / 255.0)));
    let mut out = (shown.clone(), truth.clone());
    for c in 0..3 {
        // A clipped value says nothing about the gain.
        let (mut both, mut own) = (0.0, 0.0);
        for (a, b) in shown.rgba().chunks_exact(4).zip(truth.rgba().chunks_exact(4)).filter(|(a, b)| a[c] < 250 && b[c] < 250) {
            let (a, b) = (linear[usize::from(a[c])], linear[usize::from(b[c])]);
            both += a * b;
            own += a * a;
        }
        let gain = if own > 0.0 && both > 0.0 { both / own } else { 1.0 };
        let code = |v: f64| (srgb_from_linear(v.min(1.0) as f32) * 255.0).round().clamp(0.0, 255.0) as u8;
        let curve: [u8; 256] = std::array::from_fn(|v| code(linear[v] * gain));
        let white = code(gain);
        for (p, t) in out.0.rgba_mut().chunks_exact_mut(4).zip(out.1.rgba_mut().chunks_exact_mut(4)) {
            p[c] = curve[usize::from(p[c])];
            t[c] = t[c].min(white);
        }
    }
    out
}

/// Mean of a list; nought of none.
pub fn mean(values: impl IntoIterator<Item = f64>) -> f64 {
    let (mut sum, mut n) = (0.0, 0.0_f64);
    for v in values {
        sum += v;
        n += 1.0;
    }
    sum / n.max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_band_is_around_the_jump_and_nowhere_else() {
        // 40 × 20: a wall at 10 m, from column 20 on at 5 m; the last row is sky beside sky.
        let depth: Vec<f32> = (0..800)
            .map(|i| {
                if i / 40 == 19 {
                    f32::INFINITY
                } else if i % 40 < 20 {
                    10.0
                } else {
                    5.0
                }
            })
            .collect();
        let band = edge_band(&depth, 40, 3);
        let row: Vec<usize> = (0..40).filter(|x| band[5 * 40 + x]).collect();
        assert_eq!(row, (16..=23).collect::<Vec<_>>());
        assert!(band[18 * 40] && band[19 * 40] && !band[14 * 40], "the border of the sky is an edge");
        // A floor that falls away smoothly has none.
        let floor: Vec<f32> = (0..800).map(|i| 3.0 * 1.05_f32.powi(i / 40)).collect();
        assert!(!edge_band(&floor, 40, 3).contains(&true));
    }

    #[test]
    fn changes_are_compared_and_not_pictures() {
        let frame = |level: u8| Picture::filled(4, 4, [level, level, level, 255]);
        let mut offset = Changes::default();
        let mut stuck = Changes::default();
        for t in 0..5_u8 {
            let truth = frame(100 + 8 * t);
            offset.push(&frame(40 + 8 * t), &truth);
            stuck.push(&frame(100), &truth);
        }
        assert_eq!(offset.psnr_db(), 99.0, "an offset that stays is no flicker");
        assert_eq!(stuck.steps(), [8.0; 4]);
        // Frames at 0.75, 1.25, 1.75, 2.25, 2.75: the first and the third change cross a camera.
        let positions = [0.75, 1.25, 1.75, 2.25, 2.75];
        assert_eq!(flicker_index(stuck.steps(), &positions), 1.0);
        assert_eq!(flicker_index(&[2.0, 2.0, 5.0, 2.0], &positions), 2.5);
        assert_eq!(flicker_index(&[2.0, 4.0, 2.0, 2.0], &positions), 0.5);
        assert!((stuck.psnr_db() - 10.0 * (255.0_f64.powi(2) / 64.0).log10()).abs() < 1e-9);
    }

    #[test]
    fn a_jump_at_a_camera_is_a_pop() {
        let positions: Vec<f64> = (0..=24).map(|i| 1.5 + f64::from(i) / 12.0).collect();
        let smooth: Vec<f64> = positions.iter().map(|p| 4.0 + (p * std::f64::consts::TAU).cos()).collect();
        let calm = Pop::of(&smooth, &positions);
        assert!(calm.index() < 1.2, "{calm:?}");
        let jumps: Vec<f64> = smooth.iter().zip(&positions).map(|(e, p)| if *p >= 2.0 { e + 0.8 } else { *e }).collect();
        let pop = Pop::of(&jumps, &positions);
        assert!(pop.index() > 2.0 && pop.between == calm.between, "{pop:?}");
        // The same jump in the middle of a gap counts there.
        let inside: Vec<f64> = smooth.iter().zip(&positions).map(|(e, p)| if *p >= 2.5 { e + 0.8 } else { *e }).collect();
        assert!(Pop::of(&inside, &positions).index() < 1.0);
    }

    #[test]
    fn one_gain_per_channel_is_no_fault_and_two_are() {
        let truth = crate::frame::Picture::from_rgba(16, 1, (0..64_u8).map(|i| if i % 4 == 3 { 255 } else { 40 + i }).collect()).unwrap();
        let brighter = |from: usize| {
            let mut p = truth.clone();
            for px in p.rgba_mut().chunks_exact_mut(4).skip(from) {
                for v in &mut px[..3] {
                    *v = (srgb_from_linear(linear_from_srgb(f32::from(*v) / 255.0) * 1.5) * 255.0).round() as u8;
                }
            }
            p
        };
        let db = |p: &Picture| crate::frame::metrics::psnr_db(p, &truth, None).unwrap();
        let level_db = |p: &Picture, truth: &Picture| {
            let (p, truth) = at_one_level(p, truth);
            crate::frame::metrics::psnr_db(&p, &truth, None).unwrap()
        };
        assert!(db(&brighter(0)) < 30.0 && level_db(&brighter(0), &truth) > 50.0);
        assert!(level_db(&brighter(8), &truth) < 35.0, "half a picture is a seam");
        // White that a brighter exposure cannot hold is no fault of the synthesis; grey that is missing is.
        let with = |v: u8| {
            let mut p = truth.clone();
            p.rgba_mut()[..3].fill(v);
            p
        };
        let (white, mut clipped) = (with(255), brighter(0));
        clipped.rgba_mut()[..3].fill(255);
        assert!(level_db(&clipped, &white) > 45.0, "{}", level_db(&clipped, &white));
        assert!(level_db(&with(140), &white) < 30.0);
        assert_eq!(unfilled(&truth), 0);
        assert_eq!(unfilled(&Picture::filled(3, 2, [0, 0, 0, 0])), 6);
    }
}
