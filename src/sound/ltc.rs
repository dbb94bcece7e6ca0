//! Linear timecode: the label of each frame as a tone on a sound track (SMPTE ST 12-1), read to a part of a sample.
//!
//! Eighty bits per frame, each begun by a change of polarity; a one has another change in its middle. The last sixteen are the same in every
//! frame and say where it ends. What is loud, quiet, turned over or a little fast or slow is read all the same; what is no timecode gives
//! nothing: two labels that follow each other are asked for.
//!
//! Must not know: where the sound comes from.

use super::RATE;
use crate::time::{FrameRate, Timecode};

/// Bits of a frame.
const BITS: usize = 80;
/// The last sixteen, the first of them as the highest.
const SYNC: u16 = 0x3ffd;
/// Between changes of polarity, samples: half a bit at 30 frames a second takes 10 samples, a whole one at 24 takes 25; between both, 16.
const SHORTEST: f64 = 7.0;
const HALF_OR_WHOLE: f64 = 16.0;
const LONGEST: f64 = 32.0;
/// A change counts when the tone goes beyond this share of its peaks on the other side.
const HYSTERESIS: f32 = 0.25;
/// Peaks fade by this share per sample: within some 20 ms.
const FADE: f32 = 0.001;
/// Quieter than this is silence (−60 dB).
const SILENCE: f32 = 0.001;
/// Frames over which the rate is measured.
const RATE_OVER: f64 = 16.0;
/// Frames whose lengths differ by a smaller share are of one rate (24 and 25 a second differ by 4 %).
const SAME_PERIOD: f64 = 0.02;

/// A label that was read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LtcFrame {
    /// The label.
    pub label: Timecode,
    /// Frames per second that the labels count.
    pub rate: FrameRate,
    /// Where its first bit begins, samples since the reader began.
    pub begins: f64,
}

/// Reads one channel.
#[derive(Debug, Clone)]
pub struct LtcReader {
    samples: u64,
    last: f32,
    high: bool,
    peak: f32,
    /// Where the sample before the last change of sign was crossed.
    crossing: f64,
    changed_at: f64,
    half: Option<f64>,
    bits: [bool; BITS],
    begins: [f64; BITS],
    /// Bits read since something was no timecode; the newest is at `(count - 1) % BITS`.
    count: usize,
    before: Option<(Timecode, f64)>,
    /// Samples per frame, on average.
    period: Option<f64>,
}

impl Default for LtcReader {
    fn default() -> Self {
        Self {
            samples: 0,
            last: 0.0,
            high: false,
            peak: 0.0,
            crossing: 0.0,
            changed_at: 0.0,
            half: None,
            bits: [false; BITS],
            begins: [0.0; BITS],
            count: 0,
            before: None,
            period: None,
        }
    }
}

impl LtcReader {
    /// Samples taken so far.
    pub const fn samples(&self) -> u64 {
        self.samples
    }

    /// Takes one sample, full scale 1; a label where its last bit has just ended.
    pub fn take(&mut self, sample: f32) -> Option<LtcFrame> {
        // One sample that is no number, or beyond all bounds, would else set the threshold for good.
        let sample = if sample.is_finite() { sample.clamp(-1.0, 1.0) } else { 0.0 };
        let at = self.samples as f64;
        self.samples += 1;
        self.peak = (self.peak * (1.0 - FADE)).max(sample.abs());
        if (sample >= 0.0) != (self.last >= 0.0) {
            // Where the line between both samples is zero.
            let step = f64::from(self.last - sample);
            self.crossing = at - 1.0 + f64::from(self.last) / step;
        }
        self.last = sample;
        let beyond = self.peak * HYSTERESIS;
        if self.peak < SILENCE || (if self.high { sample > -beyond } else { sample < beyond }) {
            return None;
        }
        self.high = !self.high;
        let crossing = self.crossing;
        self.changed(crossing)
    }

    fn lose(&mut self) {
        self.count = 0;
        self.half = None;
    }

    fn changed(&mut self, at: f64) -> Option<LtcFrame> {
        let (from, length) = (self.changed_at, at - self.changed_at);
        self.changed_at = at;
        if !(SHORTEST..LONGEST).contains(&length) {
            self.lose();
            return None;
        }
        if length >= HALF_OR_WHOLE {
            if self.half.take().is_some() {
                // The first half belonged to a bit that had no second one: from here on it is whole bits.
                self.lose();
            }
            return self.bit(false, from, at);
        }
        if let Some(begun) = self.half.take() {
            return self.bit(true, begun, at);
        }
        self.half = Some(from);
        None
    }

    fn bit(&mut self, one: bool, from: f64, until: f64) -> Option<LtcFrame> {
        let place = self.count % BITS;
        (self.bits[place], self.begins[place]) = (one, from);
        self.count += 1;
        if self.count < BITS {
            return None;
        }
        let first = self.count % BITS;
        let bit = |k: usize| self.bits[(first + k) % BITS];
        let sync = (64..BITS).fold(0_u16, |word, k| word << 1 | u16::from(bit(k)));
        if sync != SYNC {
            return None;
        }
        let number = |from: usize, bits: usize| (0..bits).fold(0_u8, |n, k| n | u8::from(bit(from + k)) << k);
        let two = |units: usize, tens: usize, bits: usize| number(units, 4) + 10 * number(tens, bits);
        let label =
            Timecode { frames: two(0, 8, 2), drop_frame: bit(10), seconds: two(16, 24, 3), minutes: two(32, 40, 3), hours: two(48, 56, 2) };
        let (begins, period) = self.line(first, until);
        self.read(label, begins, period)
    }

    /// The straight line through the beginnings of a frame's bits: where it begins, and how long it lasts, samples.
    fn line(&self, first: usize, until: f64) -> (f64, f64) {
        let at = |k: usize| if k == BITS { until } else { self.begins[(first + k) % BITS] };
        let (base, middle) = (at(0), BITS as f64 / 2.0);
        let (mut sum, mut moment, mut squares) = (0.0, 0.0, 0.0);
        for k in 0..=BITS {
            let t = k as f64 - middle;
            sum += at(k) - base;
            moment += t * (at(k) - base);
            squares += t * t;
        }
        let slope = moment / squares;
        (base + sum / (BITS + 1) as f64 - slope * middle, slope * BITS as f64)
    }

    /// A label is believed when it follows the one before.
    fn read(&mut self, label: Timecode, begins: f64, period: f64) -> Option<LtcFrame> {
        let before = self.before.replace((label, begins));
        let average = self.period.get_or_insert(period);
        // Another rate begins anew: a mean of both is neither.
        let change = if (period / *average - 1.0).abs() > SAME_PERIOD { 1.0 } else { 1.0 / RATE_OVER };
        *average += (period - *average) * change;
        let rate = rate_of(f64::from(RATE) / *average, label.drop_frame)?;
        let (last, at) = before?;
        let (last, now) = (last.frame_of_day(rate)?, label.frame_of_day(rate)?);
        let follows = now == last + 1 || (now == 0 && last > 1_000_000);
        let in_time = ((begins - at) / period - 1.0).abs() < SAME_PERIOD;
        (follows && in_time).then_some(LtcFrame { label, rate, begins })
    }
}

/// The nearest of the rates that timecode has.
fn rate_of(fps: f64, drop_frame: bool) -> Option<FrameRate> {
    let rates = [(24_000, 1001), (24, 1), (25, 1), (30_000, 1001), (30, 1)];
    let rates = rates.iter().filter_map(|(n, d)| FrameRate::new(*n, *d)).filter(|r| !drop_frame || r.numerator() == 30_000);
    rates.min_by(|a, b| (a.fps() - fps).abs().total_cmp(&(b.fps() - fps).abs())).filter(|r| (r.fps() / fps - 1.0).abs() < 0.03)
}

/// Writes labels as a tone of 48 000 samples a second: for tests, and for whoever wants a timecode generator.
#[derive(Debug, Clone)]
pub struct LtcWriter {
    rate: FrameRate,
    high: bool,
}

impl LtcWriter {
    /// For labels of a rate.
    pub const fn new(rate: FrameRate) -> Self {
        Self { rate, high: false }
    }

    /// Appends the frame `index` of the day to sound whose first sample stands where frame 0 begins, full scale 1; `drop_frame` as in the
    /// standard's bit 10. Every frame from the first one on must be asked for, in order.
    pub fn write(&mut self, index: u64, sound: &mut Vec<f32>) {
        let label = Timecode::of_frame(index, self.rate);
        let mut bits = [false; BITS];
        let mut put = |at: usize, count: usize, value: u8| (0..count).for_each(|k| bits[at + k] = value >> k & 1 == 1);
        for (units, tens, count, value) in
            [(0, 8, 2, label.frames), (16, 24, 3, label.seconds), (32, 40, 3, label.minutes), (48, 56, 2, label.hours)]
        {
            put(units, 4, value % 10);
            put(tens, count, value / 10);
        }
        put(10, 1, u8::from(label.drop_frame));
        (0..16).for_each(|k| bits[64 + k] = SYNC >> (15 - k) & 1 == 1);
        // An even number of changes per frame, so that each frame begins alike (bit 27, at 25 frames a second 59).
        let zeros = bits.iter().filter(|b| !**b).count();
        bits[if self.rate.numerator() == 25 { 59 } else { 27 }] = zeros % 2 == 1;
        let samples = f64::from(RATE) * f64::from(self.rate.denominator()) / f64::from(self.rate.numerator());
        let begin = sound.len() as f64;
        let first = samples * (begin / samples).round();
        for (k, one) in bits.iter().enumerate() {
            let at = |halves: f64| (first + samples * (k as f64 + halves / 2.0) / BITS as f64).round() as usize;
            self.high = !self.high;
            if *one {
                self.fill(at(1.0), sound);
                self.high = !self.high;
            }
            self.fill(at(2.0), sound);
        }
    }

    fn fill(&self, until: usize, sound: &mut Vec<f32>) {
        let value = if self.high { 0.5 } else { -0.5 };
        let until = until.max(sound.len());
        sound.resize(until, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(rate: FrameRate, from: u64, frames: u64) -> Vec<f32> {
        let (mut writer, mut sound) = (LtcWriter::new(rate), Vec::new());
        (from..from + frames).for_each(|index| writer.write(index, &mut sound));
        sound
    }

    fn read(sound: &[f32]) -> Vec<LtcFrame> {
        let mut reader = LtcReader::default();
        sound.iter().filter_map(|s| reader.take(*s)).collect()
    }

    #[test]
    fn labels_are_read_to_a_part_of_a_sample_at_every_rate_and_over_midnight() {
        for (rate, day) in [("24", 2_073_600), ("25", 2_160_000), ("29.97", 2_589_408), ("30", 2_592_000), ("23.976", 2_073_600)] {
            let rate: FrameRate = rate.parse().unwrap();
            // Twenty frames before midnight and forty behind.
            let (mut writer, mut sound) = (LtcWriter::new(rate), Vec::new());
            (0..60).for_each(|k| writer.write(day - 20 + k, &mut sound));
            // Slopes as a cable makes them, and turned over.
            let mut last = 0.0;
            let sound: Vec<f32> = sound
                .iter()
                .map(|s| {
                    last += (s - last) * 0.4;
                    -last
                })
                .collect();
            let got = read(&sound);
            assert!(got.len() >= 56, "{rate}: {} of 60", got.len());
            for frame in &got {
                let samples = 48_000.0 / rate.fps();
                let index = (frame.begins / samples).round();
                assert_eq!((frame.label, frame.rate), (Timecode::of_frame(day - 20 + index as u64, rate), rate));
                assert!((frame.begins - index * samples).abs() < 2.0, "{rate}: {} for {}", frame.begins, index * samples);
            }
        }
    }

    #[test]
    fn noise_a_gap_and_another_speed_are_survived() {
        let rate = FrameRate::whole(25);
        let mut seed = 1_u32;
        let mut noise = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 8) as f32 / (1 << 23) as f32 - 1.0
        };
        let clean = tone(rate, 90_000, 50);
        let noisy: Vec<f32> = clean.iter().map(|s| 0.2 * s + 0.03 * noise()).collect();
        let got = read(&noisy);
        assert!(got.len() >= 46, "{} of 50 in noise", got.len());
        let errors: Vec<f64> = got.iter().map(|f| (f.begins - 1920.0 * (f.begins / 1920.0).round()).abs()).collect();
        assert!(errors.iter().all(|e| *e < 2.0), "{errors:?}");
        // Half a second is away.
        let mut torn = clean.clone();
        torn[20_000..44_000].fill(0.0);
        let got = read(&torn);
        assert!((30..40).contains(&got.len()), "{}", got.len());
        assert!(got.iter().all(|f| f.label == Timecode::of_frame(90_000 + (f.begins / 1920.0).round() as u64, rate)));
        // Noise alone, and silence, are no timecode.
        assert_eq!(read(&(0..200_000).map(|_| noise()).collect::<Vec<_>>()), []);
        assert_eq!(read(&vec![0.0; 100_000]), []);
        // Another rate is told from its second label on: 24 frames a second after 25.
        let mut both = clean;
        let begins = both.len() as f64;
        both.extend(tone(FrameRate::whole(24), 5000, 30));
        let got = read(&both);
        let after: Vec<&LtcFrame> = got.iter().filter(|f| f.begins > begins + 10.0).collect();
        assert!(after.len() >= 27 && after.iter().all(|f| f.rate == FrameRate::whole(24)), "{after:?}");
        // Labels that do not follow each other are told by nobody.
        let (mut writer, mut sound) = (LtcWriter::new(rate), Vec::new());
        (0..20).for_each(|k| writer.write(k * 7, &mut sound));
        assert_eq!(read(&sound), []);
    }

    proptest::proptest! {
        /// Whatever was there before, the labels behind it are read, and read right.
        #[test]
        fn any_sound_before_a_tone_is_survived(bits in proptest::collection::vec(proptest::prelude::any::<u32>(), 0..6000), loud: bool, from in 0_u64..2_000_000) {
            let rate = FrameRate::whole(25);
            // Any bits at all (infinite and not-a-number among them), or noise of full scale.
            let noise = |b: &u32| if loud { f32::from_bits(*b) } else { (*b >> 8) as f32 / (1 << 23) as f32 - 1.0 };
            let mut sound: Vec<f32> = bits.iter().map(noise).collect();
            let begun = sound.len() as f64;
            let (mut writer, mut clean) = (LtcWriter::new(rate), Vec::new());
            (0..24).for_each(|k| writer.write(from + k, &mut clean));
            sound.extend(clean);
            let got = read(&sound);
            let after: Vec<&LtcFrame> = got.iter().filter(|f| f.begins > begun + 1900.0).collect();
            proptest::prop_assert!(after.len() >= 20, "{} of 24", after.len());
            for frame in after {
                let index = ((frame.begins - begun) / 1920.0).round();
                proptest::prop_assert_eq!(frame.label, Timecode::of_frame(from + index as u64, rate));
            }
        }
    }
}
