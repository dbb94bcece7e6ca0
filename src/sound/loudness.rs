//! How loud: ITU-R BS.1770-4 (K-weighting, gating, true peak) over the times of EBU Tech 3341.

use std::collections::VecDeque;

use super::{RATE, StereoF};

/// The coefficients for 48 kHz of BS.1770-4, tables 1 and 2: b0 b1 b2 a1 a2.
const SHELF: [f64; 5] = [1.535_124_859_586_97, -2.691_696_189_406_38, 1.198_392_810_852_85, -1.690_659_293_182_41, 0.732_480_774_215_85];
const HIGH_PASS: [f64; 5] = [1.0, -2.0, 1.0, -1.990_047_454_833_98, 0.990_072_250_366_21];
/// The interpolating filter of BS.1770-4, annex 2: phases 0 and 1; 3 and 2 are these backwards.
const PHASES: [[f32; 12]; 2] = [
    [
        0.001_708_984_4,
        0.010_986_328,
        -0.019_653_32,
        0.033_203_125,
        -0.059_448_242,
        0.137_329_1,
        0.972_167_97,
        -0.102_294_92,
        0.047_607_422,
        -0.026_611_328,
        0.014_892_578,
        -0.008_300_781,
    ],
    [
        -0.029_174_805,
        0.029_296_875,
        -0.051_757_812,
        0.089_111_33,
        -0.166_503_9,
        0.465_087_9,
        0.779_785_16,
        -0.200_317_38,
        0.101_562_5,
        -0.058_227_54,
        0.033_081_055,
        -0.018_920_898,
    ],
];
/// Samples of a step: 100 ms.
const STEP: usize = RATE as usize / 10;
const MOMENTARY_STEPS: usize = 4;
const SHORT_STEPS: usize = 30;
/// Blocks quieter than this do not count, LUFS, nor those so much below the mean of the others, LU.
const ABSOLUTE_GATE: f64 = -70.0;
const RELATIVE_GATE: f64 = -10.0;
/// Loudness of blocks is kept in classes of a twentieth of a LU from the gate up to +10 LUFS.
const PER_LU: f64 = 20.0;
const CLASSES: usize = 1600;

/// How loud it is. `None` where it is too early or there is nothing louder than −70 LUFS.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Loudness {
    /// Over the last 400 ms, LUFS.
    pub momentary: Option<f64>,
    /// Over the last 3 s, LUFS.
    pub short_term: Option<f64>,
    /// Since the beginning, gated, LUFS.
    pub integrated: Option<f64>,
    /// The largest true peak so far, dBTP.
    pub true_peak_db: Option<f64>,
}

impl std::fmt::Display for Loudness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let one = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |v| format!("{v:.1}"));
        let [m, s, i, p] = [self.momentary, self.short_term, self.integrated, self.true_peak_db].map(one);
        write!(f, "M {m} S {s} I {i} LUFS, peak {p} dBTP")
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Biquad {
    x: [f64; 2],
    y: [f64; 2],
}

impl Biquad {
    fn step(&mut self, [b0, b1, b2, a1, a2]: &[f64; 5], x: f64) -> f64 {
        let y = b0 * x + b1 * self.x[0] + b2 * self.x[1] - a1 * self.y[0] - a2 * self.y[1];
        (self.x, self.y) = ([x, self.x[0]], [y, self.y[0]]);
        y
    }
}

/// Measures for as long as it is fed, in constant memory.
#[derive(Debug, Clone)]
pub struct LoudnessMeter {
    filters: [[Biquad; 2]; 2],
    history: [[f32; 12]; 2],
    energy: f64,
    filled: usize,
    /// Mean squares of the last steps, both channels together.
    steps: VecDeque<f64>,
    /// Number and energy of blocks by their loudness.
    classes: Vec<(u64, f64)>,
    peak: f32,
}

impl Default for LoudnessMeter {
    fn default() -> Self {
        Self {
            filters: Default::default(),
            history: [[0.0; 12]; 2],
            energy: 0.0,
            filled: 0,
            steps: VecDeque::with_capacity(SHORT_STEPS + 1),
            classes: vec![(0, 0.0); CLASSES],
            peak: 0.0,
        }
    }
}

fn lufs(mean_square: f64) -> f64 {
    -0.691 + 10.0 * mean_square.log10()
}

impl LoudnessMeter {
    /// The next samples.
    pub fn feed(&mut self, samples: &[StereoF]) {
        for sample in samples {
            for (channel, value) in sample.iter().enumerate() {
                let [shelf, high_pass] = &mut self.filters[channel];
                let weighted = high_pass.step(&HIGH_PASS, shelf.step(&SHELF, f64::from(*value)));
                self.energy += weighted * weighted;
                self.look_for_peak(channel, *value);
            }
            self.filled += 1;
            if self.filled == STEP {
                self.end_step();
            }
        }
    }

    fn look_for_peak(&mut self, channel: usize, value: f32) {
        let history = &mut self.history[channel];
        history.copy_within(1.., 0);
        history[11] = value;
        let mut peak = value.abs();
        // Nothing between quiet samples is louder than three times the loudest of them.
        if history.iter().fold(0.0_f32, |m, v| m.max(v.abs())) * 3.0 > self.peak {
            for phase in &PHASES {
                let along = |order: &mut dyn Iterator<Item = &f32>| order.zip(history.iter()).map(|(c, v)| c * v).sum::<f32>();
                peak = peak.max(along(&mut phase.iter()).abs()).max(along(&mut phase.iter().rev()).abs());
            }
        }
        self.peak = self.peak.max(peak);
    }

    fn end_step(&mut self) {
        self.steps.push_back(self.energy / STEP as f64);
        (self.energy, self.filled) = (0.0, 0);
        if self.steps.len() > SHORT_STEPS {
            self.steps.pop_front();
        }
        if let Some(block) = self.mean_of_last(MOMENTARY_STEPS) {
            let loud = lufs(block);
            if loud > ABSOLUTE_GATE {
                let class = (((loud - ABSOLUTE_GATE) * PER_LU) as usize).min(CLASSES - 1);
                self.classes[class].0 += 1;
                self.classes[class].1 += block;
            }
        }
    }

    fn mean_of_last(&self, steps: usize) -> Option<f64> {
        let from = self.steps.len().checked_sub(steps)?;
        Some(self.steps.iter().skip(from).sum::<f64>() / steps as f64)
    }

    fn integrated(&self) -> Option<f64> {
        let mean_from = |class: usize| {
            let (count, energy) = self.classes[class..].iter().fold((0, 0.0), |(n, e), (count, sum)| (n + count, e + sum));
            (count > 0).then(|| energy / count as f64)
        };
        let gate = lufs(mean_from(0)?) + RELATIVE_GATE;
        mean_from(((gate - ABSOLUTE_GATE) * PER_LU).max(0.0) as usize).map(lufs)
    }

    /// How loud it is now.
    pub fn loudness(&self) -> Loudness {
        let audible = |mean: Option<f64>| mean.map(lufs).filter(|l| *l > ABSOLUTE_GATE);
        Loudness {
            momentary: audible(self.mean_of_last(MOMENTARY_STEPS)),
            short_term: audible(self.mean_of_last(SHORT_STEPS)),
            integrated: self.integrated(),
            true_peak_db: (self.peak > 0.0).then(|| 20.0 * f64::from(self.peak).log10()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hz: f64, db: f64, secs: f64) -> Vec<StereoF> {
        let level = 10_f64.powf(db / 20.0);
        (0..(secs * 48_000.0) as usize).map(|k| [((k as f64 * hz / 48_000.0 * std::f64::consts::TAU).sin() * level) as f32; 2]).collect()
    }

    /// The compliance signals of EBU Tech 3341: 1000 Hz in both channels at −23 dBFS is −23 LUFS.
    #[test]
    fn the_signals_of_the_standard_measure_as_they_must() {
        let mut meter = LoudnessMeter::default();
        assert_eq!(meter.loudness(), Loudness::default());
        meter.feed(&tone(1000.0, -23.0, 20.0));
        let loud = meter.loudness();
        for value in [loud.momentary, loud.short_term, loud.integrated] {
            assert!(value.is_some_and(|v| (v + 23.0).abs() < 0.1), "{loud:?}");
        }
        assert!(loud.true_peak_db.is_some_and(|p| (p + 23.0).abs() < 0.3), "{loud:?}");
        // Case 3: -36 for 10 s, -23 for 60 s, -36 for 10 s: the gate takes the quiet parts out.
        let mut meter = LoudnessMeter::default();
        for (db, secs) in [(-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0)] {
            meter.feed(&tone(1000.0, db, secs));
        }
        assert!(meter.loudness().integrated.is_some_and(|v| (v + 23.0).abs() < 0.1), "{:?}", meter.loudness());
        // Another level is another number.
        assert!(meter.loudness().momentary.is_some_and(|v| (v + 36.0).abs() < 0.1));
        meter.feed(&vec![[0.0; 2]; 5 * 48_000]);
        assert_eq!((meter.loudness().momentary, meter.loudness().short_term), (None, None));
    }

    #[test]
    fn a_peak_between_samples_is_seen() {
        // A quarter of the rate, 45° off: samples at 0.707 of the wave's height.
        let wave = |k: usize| ((k as f32) * std::f32::consts::FRAC_PI_2 + std::f32::consts::FRAC_PI_4).sin() * 0.5;
        let mut meter = LoudnessMeter::default();
        meter.feed(&(0..4800).map(|k| [wave(k); 2]).collect::<Vec<_>>());
        let peak = meter.loudness().true_peak_db.unwrap();
        assert!((peak + 6.02).abs() < 0.6, "{peak}");
    }
}
