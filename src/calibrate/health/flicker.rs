//! Whether the light of consecutive frames goes up and down: lamps on the mains against a shutter that is not in step with them.
//!
//! With a rolling shutter it goes through the picture in bands, so rows are judged as well as the whole. The middle over a row's cells leaves
//! out whoever moves through it.

use crate::frame::Picture;

/// Told from here on, mended below, percent of the light.
pub(super) const TOLD_PERCENT: f32 = 2.0;
pub(super) const MENDED_PERCENT: f32 = 1.2;
/// Fewer frames tell nothing.
const LEAST_FRAMES: usize = 8;
const COLUMNS: usize = 16;
const ROWS: usize = 8;
/// Cells outside of these code values are clipped or black.
const USABLE: std::ops::Range<f32> = 12.0..235.0;
/// Light per code value, as powers of each other: near to what BT.709 and sRGB have in the middle.
const GAMMA: f32 = 2.2;

/// By how much the light goes up and down about its middle, percent; `None` where too little is seen.
pub(super) fn percent<'a>(frames: impl IntoIterator<Item = &'a Means>) -> Option<f32> {
    let all: Vec<&Means> = frames.into_iter().collect();
    if all.len() < LEAST_FRAMES {
        return None;
    }
    // Logarithms of each cell about its middle over time; `None` for cells that cannot be used.
    let cells: Vec<Option<Vec<f32>>> = (0..COLUMNS * ROWS)
        .map(|k| {
            let over_time: Vec<f32> = all.iter().map(|f| f.0[k]).collect();
            over_time.iter().all(|v| USABLE.contains(v)).then(|| {
                let logs: Vec<f32> = over_time.iter().map(|v| v.ln()).collect();
                let middle = median(logs.clone());
                logs.into_iter().map(|l| l - middle).collect()
            })
        })
        .collect();
    let swing = |of: &[Option<Vec<f32>>]| {
        let used: Vec<&Vec<f32>> = of.iter().flatten().collect();
        (2 * used.len() >= of.len() && !used.is_empty())
            .then(|| amplitude(&(0..all.len()).map(|t| median(used.iter().map(|c| c[t]).collect())).collect::<Vec<f32>>()))
    };
    let rows = cells.chunks(COLUMNS).filter_map(swing);
    // One row may be an accident: the second of them, or the whole.
    let mut of_rows: Vec<f32> = rows.collect();
    of_rows.sort_by(|a, b| b.total_cmp(a));
    let whole = swing(&cells);
    let worst = of_rows.get(1).copied().into_iter().chain(whole).reduce(f32::max)?;
    Some(100.0 * GAMMA * worst)
}

/// Half the swing of a series that goes up and down, less its trend; 0 where it does not.
fn amplitude(series: &[f32]) -> f32 {
    let n = series.len() as f32;
    let middle_t = 0.5 * (n - 1.0);
    let mean = series.iter().sum::<f32>() / n;
    let (mut tv, mut tt) = (0.0, 0.0);
    for (t, v) in series.iter().enumerate() {
        let t = t as f32 - middle_t;
        (tv, tt) = (tv + t * (v - mean), tt + t * t);
    }
    let rest: Vec<f32> = series.iter().enumerate().map(|(t, v)| v - mean - tv / tt * (t as f32 - middle_t)).collect();
    let rms = (rest.iter().map(|v| v * v).sum::<f32>() / n).sqrt();
    // What only jumps once or bends is no flicker.
    let turns = rest.windows(2).filter(|w| (w[0] > 0.2 * rms && w[1] < 0.2 * rms) || (w[0] < -0.2 * rms && w[1] > -0.2 * rms)).count();
    if turns >= 4 { std::f32::consts::SQRT_2 * rms } else { 0.0 }
}

fn median(mut values: Vec<f32>) -> f32 {
    values.sort_by(f32::total_cmp);
    values[values.len() / 2]
}

/// Mean luma of every cell of a picture: of every second pixel of every second row, which is plenty.
#[derive(Debug, Clone)]
pub(super) struct Means(Vec<f32>);

pub(super) fn means(picture: &Picture) -> Means {
    let (w, h) = (picture.width() as usize, picture.height() as usize);
    let mut sums = vec![(0.0_f32, 0_u32); COLUMNS * ROWS];
    for y in (0..h).step_by(2) {
        let row = &picture.rgba()[4 * y * w..4 * (y + 1) * w];
        let cells = &mut sums[y * ROWS / h * COLUMNS..];
        for (x, p) in row.chunks_exact(8).enumerate() {
            let cell = &mut cells[2 * x * COLUMNS / w];
            cell.0 += 0.2126 * f32::from(p[0]) + 0.7152 * f32::from(p[1]) + 0.0722 * f32::from(p[2]);
            cell.1 += 1;
        }
    }
    Means(sums.into_iter().map(|(sum, n)| sum / n.max(1) as f32).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(light: impl Fn(usize, u32) -> f32) -> Vec<Picture> {
        let frame = |t: usize| {
            let pixel = |k: u32| {
                let (x, y) = (k % 64, k / 64);
                // Somebody walks through.
                let is_person = x.abs_diff(8 + 3 * t as u32) < 5 && y > 10;
                let v = if is_person { 30.0 } else { 90.0 + f32::from((x * 7 + y * 13) as u8 % 50) };
                let v = (v * light(t, y).powf(1.0 / GAMMA)).round() as u8;
                [v, v, v, 255]
            };
            Picture::from_rgba(64, 36, (0..64 * 36).flat_map(pixel).collect()).unwrap()
        };
        (0..12).map(frame).collect()
    }

    fn of(frames: &[Picture]) -> f32 {
        percent(&frames.iter().map(means).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn light_that_beats_is_measured_and_a_person_or_a_dimmer_is_not() {
        let beat = |t: usize| 1.0 + 0.08 * (std::f32::consts::TAU * 0.2 * t as f32).sin();
        let found = of(&frames(|t, _| beat(t)));
        assert!((found - 8.0).abs() < 1.0, "{found}");
        // Bands of a rolling shutter, whose mean over the picture is constant.
        let found = of(&frames(|t, y| 1.0 + 0.08 * (std::f32::consts::TAU * (0.2 * t as f32 + y as f32 / 18.0)).sin()));
        assert!((4.0..9.0).contains(&found), "{found}");
        assert!(of(&frames(|_, _| 1.0)) < 0.5);
        assert!(of(&frames(|t, _| 1.0 + 0.03 * t as f32)) < MENDED_PERCENT, "a dimmer");
        assert!(of(&frames(|t, _| if t < 5 { 1.0 } else { 0.7 })) < MENDED_PERCENT, "a switch");
        assert_eq!(percent(&frames(|_, _| 1.0).iter().take(5).map(means).collect::<Vec<_>>()), None, "too few");
    }
}
