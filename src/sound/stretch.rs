//! Slow motion that keeps its pitch: WSOLA (Verhelst and Roelands, ICASSP 1993). Windows of 40 ms of the past are laid over each other
//! every 20 ms, each from the place near its due one that continues the one before best.

use std::collections::VecDeque;

use super::{SoundRing, StereoF};

/// Samples of a window, and between two of them.
const WINDOW: usize = 1920;
const HOP: usize = WINDOW / 2;
/// How far from its due place a window may be taken, samples.
const SEARCH: i64 = 480;
/// Places are compared at every so many samples.
const STRIDE: usize = 4;

/// Reads a ring slower or faster than it was recorded.
#[derive(Debug, Clone)]
pub struct Stretch {
    /// Where the next window is due, samples of the ring.
    due: f64,
    speed: f64,
    /// Where the window before was taken.
    before: Option<i64>,
    /// The second half of the window before, faded out.
    rest: Vec<StereoF>,
    ready: VecDeque<StereoF>,
}

impl Stretch {
    /// Begins at a sample of the ring; `speed` 1 is as recorded.
    pub fn new(begin: i64, speed: f64) -> Self {
        Self { due: begin as f64, speed, before: None, rest: vec![[0.0; 2]; HOP], ready: VecDeque::new() }
    }

    /// Where in the ring it is.
    pub fn position(&self) -> f64 {
        self.due - self.ready.len() as f64 * self.speed
    }

    /// From here on with another speed.
    pub const fn set_speed(&mut self, speed: f64) {
        self.speed = speed;
    }

    /// The next samples; false when the ring did not have all of them (those are silent).
    pub fn read(&mut self, ring: &SoundRing, out: &mut [StereoF]) -> bool {
        let mut whole = true;
        for sample in out {
            if self.ready.is_empty() {
                whole &= self.step(ring);
            }
            *sample = self.ready.pop_front().unwrap_or([0.0; 2]);
        }
        whole
    }

    fn step(&mut self, ring: &SoundRing) -> bool {
        let due = self.due.round() as i64;
        let mut near = vec![[0.0; 2]; WINDOW + 2 * SEARCH as usize];
        // The search may reach past what is held; the due window itself may not.
        ring.read(due - SEARCH, &mut near);
        let there = ring.span().is_some_and(|(begin, end)| due >= begin && due + WINDOW as i64 <= end);
        let offset = match self.before {
            Some(before) => {
                let mut wanted = vec![[0.0; 2]; HOP];
                ring.read(before + HOP as i64, &mut wanted);
                best(&wanted, &near)
            }
            None => SEARCH as usize,
        };
        let window = &near[offset..offset + WINDOW];
        for (k, rest) in self.rest.iter_mut().enumerate() {
            let (up, down) = (hann(k), hann(k + HOP));
            let (a, b) = (window[k], window[k + HOP]);
            self.ready.push_back([rest[0] + a[0] * up, rest[1] + a[1] * up]);
            *rest = [b[0] * down, b[1] * down];
        }
        self.before = Some(due - SEARCH + offset as i64);
        self.due += HOP as f64 * self.speed;
        there
    }
}

/// A window whose halves add up to one.
fn hann(k: usize) -> f32 {
    0.5 - 0.5 * (std::f32::consts::TAU * (k as f32 + 0.5) / WINDOW as f32).cos()
}

/// Where in `near` the samples are most like `wanted` (normalized correlation of the middle).
fn best(wanted: &[StereoF], near: &[StereoF]) -> usize {
    let mono = |s: &StereoF| s[0] + s[1];
    let score = |offset: usize| {
        let (mut along, mut energy) = (0.0_f32, 1e-9_f32);
        for (w, n) in wanted.iter().step_by(STRIDE).zip(near[offset..].iter().step_by(STRIDE)) {
            let n = mono(n);
            along += mono(w) * n;
            energy += n * n;
        }
        along / energy.sqrt()
    };
    let places = (0..=2 * SEARCH as usize).step_by(STRIDE);
    let coarse = places.map(|o| (o, score(o))).max_by(|a, b| a.1.total_cmp(&b.1)).map_or(SEARCH as usize, |(o, _)| o);
    let fine = coarse.saturating_sub(STRIDE - 1)..=(coarse + STRIDE - 1).min(2 * SEARCH as usize);
    fine.map(|o| (o, score(o))).max_by(|a, b| a.1.total_cmp(&b.1)).map_or(coarse, |(o, _)| o)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::MediaTime;

    /// Zero crossings per sample.
    fn pitch(samples: &[StereoF]) -> f64 {
        samples.windows(2).filter(|w| w[0][0] <= 0.0 && w[1][0] > 0.0).count() as f64 / samples.len() as f64
    }

    #[test]
    fn half_speed_takes_twice_as_long_at_the_same_pitch() {
        let ring = SoundRing::new(5.0);
        // 440 Hz for two seconds, then 880 Hz.
        let tone = |k: usize| {
            let hz = if k < 96_000 { 440.0 } else { 880.0 };
            [((k as f64 * hz / 48_000.0 * std::f64::consts::TAU).sin() * 12_000.0) as i16; 2]
        };
        ring.write(MediaTime::ZERO, &(0..192_000).map(tone).collect::<Vec<_>>());
        for speed in [0.5, 0.25] {
            let mut stretch = Stretch::new(0, speed);
            let mut out = vec![[0.0; 2]; (150_000.0 / speed) as usize];
            assert!(stretch.read(&ring, &mut out));
            assert!((stretch.position() - 150_000.0).abs() < 2000.0, "{}", stretch.position());
            let change = (96_000.0 / speed) as usize;
            let (low, high) = (pitch(&out[4800..change - 4800]) * 48_000.0, pitch(&out[change + 4800..]) * 48_000.0);
            assert!((low - 440.0).abs() < 4.0 && (high - 880.0).abs() < 8.0, "{speed}: {low} {high}");
            // Neither holes nor beats: every 20 ms have the energy of the tone.
            let energies = out[4800..change - 4800].chunks(960).map(|c| c.iter().map(|s| s[0] * s[0]).sum::<f32>() / c.len() as f32);
            let wanted = (12_000.0_f32 / 32_768.0).powi(2) / 2.0;
            assert!(energies.into_iter().all(|e| (e / wanted - 1.0).abs() < 0.15), "{speed}");
        }
    }

    #[test]
    fn what_is_not_held_is_told() {
        let mut out = vec![[0.0; 2]; 4800];
        assert!(!Stretch::new(0, 0.5).read(&SoundRing::new(1.0), &mut out));
        assert!(out.iter().all(|s| *s == [0.0; 2]));
    }
}
