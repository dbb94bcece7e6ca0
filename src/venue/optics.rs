//! Faults of lens, light and sensor: blur, a dirty place, flicker, stuck pixels, a dark rim, a response of its own.

use super::faults::{FaultError, mix, secs, unit};
use crate::{
    color::{linear_from_srgb, srgb_from_linear},
    frame::Picture,
    time::MediaTime,
};

/// A fault that is there for a while, and how strong.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Timed {
    /// From this time on.
    pub from: MediaTime,
    /// Until this time.
    pub until: MediaTime,
    /// As the fault counts it.
    pub strength: f64,
}

impl Timed {
    /// From a time on, for ever.
    pub const fn since(from: MediaTime, strength: f64) -> Self {
        Self { from, until: MediaTime::from_nanos(i64::MAX), strength }
    }

    fn at(self, time: MediaTime) -> Option<f64> {
        (time >= self.from && time < self.until).then_some(self.strength)
    }
}

/// What is wrong with a camera's lens, light or sensor. The default is nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct OpticFaults {
    /// Out of focus: standard deviation of the blur, px.
    pub blur: Option<Timed>,
    /// A dirty place on the lens: its radius, share of the picture's width.
    pub dirt: Option<Timed>,
    /// Light that goes up and down by this share of itself.
    pub flicker: Option<Timed>,
    /// How often it does, Hz: lamps on a mains of 60 Hz by default, which beat at 25 frames a second.
    pub flicker_hz: f64,
    /// Stuck pixels: how many.
    pub stuck: Option<Timed>,
    /// Share of the light that is missing in the corners.
    pub vignette: f64,
    /// Exponent of the coded values: above 1 darker in the middle.
    pub gamma: f64,
}

impl Default for OpticFaults {
    fn default() -> Self {
        Self { blur: None, dirt: None, flicker: None, flicker_hz: 120.0, stuck: None, vignette: 0.0, gamma: 1.0 }
    }
}

impl OpticFaults {
    /// Reads one fault; `None` where it is none of these.
    pub(super) fn read(&mut self, name: &str, value: &str, item: &str) -> Option<Result<(), FaultError>> {
        let wrong = || FaultError::NotUnderstood(item.to_owned());
        let number = |text: &str| text.trim().parse::<f64>().ok().filter(|v| v.is_finite()).ok_or_else(wrong);
        let within = |text: &str, range: std::ops::RangeInclusive<f64>| number(text).ok().filter(|v| range.contains(v)).ok_or_else(wrong);
        let timed = |default: f64, range: std::ops::RangeInclusive<f64>| {
            let (when, strength) = value.split_once('/').map_or((value, None), |(when, strength)| (when, Some(strength)));
            let (from, until) = when.split_once('-').map_or((when, None), |(from, until)| (from, Some(until)));
            let time = |text: &str| secs(text).map(MediaTime::from_secs_f64).ok_or_else(wrong);
            let until = until.map_or(Ok(MediaTime::from_nanos(i64::MAX)), time)?;
            Ok(Some(Timed { from: time(from)?, until, strength: strength.map_or(Ok(default), |s| within(s, range.clone()))? }))
        };
        let read = match name {
            "blur" => timed(2.5, 0.0..=50.0).map(|t| self.blur = t),
            "dirt" => timed(0.1, 0.0..=0.5).map(|t| self.dirt = t),
            "flicker" => timed(0.1, 0.0..=0.9).map(|t| self.flicker = t),
            "flickerhz" => within(value.trim_end_matches("Hz"), 0.0..=10_000.0).map(|hz| self.flicker_hz = hz),
            "stuck" => timed(5.0, 0.0..=10_000.0).map(|t| self.stuck = t),
            "vignette" => within(value, 0.0..=0.9).map(|v| self.vignette = v),
            "gamma" => within(value, 0.5..=2.0).map(|g| self.gamma = g),
            _ => return None,
        };
        Some(read)
    }

    /// Whether it changes anything at any time.
    pub fn is_any(&self) -> bool {
        self.is_constant() || [self.blur, self.dirt, self.flicker, self.stuck].iter().any(Option::is_some)
    }

    /// Whether it changes something all the time.
    pub fn is_constant(&self) -> bool {
        self.vignette > 0.0 || self.gamma.to_bits() != 1_f64.to_bits()
    }

    /// What happens to the light before the sensor: blur, dirt, flicker.
    pub(super) fn bend(&self, picture: &mut Picture, time: MediaTime, seed: u64, rolling_shutter_nanos: i64) {
        let all = [0, 0, picture.width() as usize, picture.height() as usize];
        if let Some(sigma_px) = self.blur.and_then(|t| t.at(time)).filter(|s| *s > 0.05) {
            let blurred = blurred(picture, all, sigma_px as f32);
            for (p, b) in picture.rgba_mut().chunks_exact_mut(4).zip(&blurred) {
                (0..3).for_each(|c| p[c] = b[c].round() as u8);
            }
        }
        if let Some(radius) = self.dirt.and_then(|t| t.at(time)).filter(|r| *r > 0.0) {
            dirty(picture, radius as f32, seed);
        }
        if let Some(share) = self.flicker.and_then(|t| t.at(time)) {
            let rows = picture.height();
            let mut curve = None;
            for (y, row) in picture.rgba_mut().chunks_exact_mut(4 * all[2]).enumerate() {
                let at = time.plus_nanos(rolling_shutter_nanos * y as i64 / i64::from(rows.max(1)));
                let phase = (at.nanos() as f64 * 1e-9 * self.flicker_hz).fract() * std::f64::consts::TAU;
                if curve.is_none() || rolling_shutter_nanos != 0 {
                    curve = Some(curve_of((1.0 + share * phase.sin()) as f32));
                }
                let Some(curve) = &curve else { return };
                row.chunks_exact_mut(4).for_each(|p| (0..3).for_each(|c| p[c] = curve[usize::from(p[c])]));
            }
        }
    }

    /// Light that is left at a pixel, of 1 in the middle.
    pub(super) fn rim(&self, x: usize, y: usize, width: u32, height: u32) -> f32 {
        let (w, h) = (f64::from(width), f64::from(height));
        let (dx, dy) = (x as f64 + 0.5 - 0.5 * w, y as f64 + 0.5 - 0.5 * h);
        (1.0 - self.vignette * 4.0 * (dx * dx + dy * dy) / (w * w + h * h)) as f32
    }

    /// Pixels that show what they always show.
    pub(super) fn stick(&self, picture: &mut Picture, time: MediaTime, seed: u64) {
        let Some(count) = self.stuck.and_then(|t| t.at(time)) else { return };
        for (k, (x, y)) in stuck_at(count as usize, picture.width(), picture.height(), seed).into_iter().enumerate() {
            let at = 4 * (y as usize * picture.width() as usize + x as usize);
            let value = if k % 3 == 2 { 0 } else { 255 };
            picture.rgba_mut()[at..at + 3].fill(value);
        }
    }
}

/// Where the stuck pixels of that seed are.
pub fn stuck_at(count: usize, width: u32, height: u32, seed: u64) -> Vec<(u32, u32)> {
    let place = |k: usize, n: u32, salt: u64| {
        let n = n.max(9);
        4 + (unit(mix(seed ^ salt) ^ k as u64) * f64::from(n - 8)) as u32
    };
    (0..count).map(|k| (place(k, width, 0x57ac), place(k, height, 0xf00d))).collect()
}

/// Where the dirty place of that seed is, shares of width and height.
pub fn dirt_at(seed: u64) -> [f32; 2] {
    // Beside the middle, where the athlete is.
    let (side, x) = (unit(seed ^ 0xd129), 0.18 + 0.14 * unit(seed ^ 0xd127));
    [(if side < 0.5 { x } else { 1.0 - x }) as f32, (0.3 + 0.4 * unit(seed ^ 0xd128)) as f32]
}

fn curve_of(gain: f32) -> [u8; 256] {
    std::array::from_fn(|v| (srgb_from_linear((linear_from_srgb(v as f32 / 255.0) * gain).clamp(0.0, 1.0)) * 255.0).round() as u8)
}

/// A part (left, top, right, bottom) of a picture under a Gaussian, red, green and blue.
fn blurred(picture: &Picture, [x0, y0, x1, y1]: [usize; 4], sigma_px: f32) -> Vec<[f32; 3]> {
    let reach = (3.0 * sigma_px).ceil() as i64;
    let kernel: Vec<f32> = (-reach..=reach).map(|d| (-0.5 * (d as f32 / sigma_px).powi(2)).exp()).collect();
    let sum: f32 = kernel.iter().sum();
    let (w, h, full) = (x1 - x0, y1 - y0, picture.width() as usize);
    let read = |x: usize, y: usize| {
        let p = &picture.rgba()[4 * ((y0 + y) * full + x0 + x)..];
        [f32::from(p[0]), f32::from(p[1]), f32::from(p[2])]
    };
    let one_way = |read: &dyn Fn(usize, usize) -> [f32; 3], is_row: bool| {
        let mut out = Vec::with_capacity(w * h);
        for y in 0..h {
            for x in 0..w {
                let mut all = [0.0_f32; 3];
                for (k, weight) in kernel.iter().enumerate() {
                    let d = k as i64 - reach;
                    let shifted = |v: usize, n: usize, d: i64| (v as i64 + d).clamp(0, n as i64 - 1) as usize;
                    let p = if is_row { read(shifted(x, w, d), y) } else { read(x, shifted(y, h, d)) };
                    (0..3).for_each(|c| all[c] += weight / sum * p[c]);
                }
                out.push(all);
            }
        }
        out
    };
    let rows = one_way(&read, true);
    one_way(&|x, y| rows[y * w + x], false)
}

/// A smear: what is behind it is blurred and greyer, most in its middle.
fn dirty(picture: &mut Picture, radius: f32, seed: u64) {
    let (w, h) = (picture.width() as usize, picture.height() as usize);
    let [cx, cy] = dirt_at(seed);
    let (cx, cy, r) = (cx * w as f32, cy * h as f32, (radius * w as f32).max(2.0));
    let low = |c: f32| (c - r).max(0.0) as usize;
    let part = [low(cx), low(cy), ((cx + r) as usize + 1).min(w), ((cy + r) as usize + 1).min(h)];
    let behind = blurred(picture, part, 0.12 * r);
    let columns = part[2] - part[0];
    for (k, b) in behind.iter().enumerate() {
        let (x, y) = (part[0] + k % columns, part[1] + k / columns);
        let away = ((x as f32 - cx).hypot(y as f32 - cy) / r).min(1.0);
        let share = (1.6 * (1.0 - away * away)).min(1.0);
        let p = &mut picture.rgba_mut()[4 * (y * w + x)..4 * (y * w + x) + 3];
        for c in 0..3 {
            let smeared = 0.7 * b[c] + 20.0;
            p[c] = (f32::from(p[c]) * (1.0 - share) + smeared * share).round() as u8;
        }
    }
}
