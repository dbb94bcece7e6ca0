//! What the venue sounds like: a crowd, the athlete's steps, the smash, and on request a beep with each flash. A pure function of time.

use super::{SMASH_PHASE, VenueOptions};
use crate::{
    sound::{RATE, Stereo, sample_at},
    time::FrameRate,
};

/// Length and pitch of the beep.
const BEEP_SECS: f64 = 0.06;
const BEEP_HZ: f64 = 1000.0;
/// Steps in one loop of the action.
const STEPS: i64 = 4;

/// The venue's sound.
#[derive(Debug, Clone, PartialEq)]
pub struct VenueSound {
    period_nanos: i64,
    /// Every so often it beeps, with the frame that is white, nanoseconds; 0 = never.
    flash_nanos: i64,
    rate: FrameRate,
}

/// White noise by number, -1…1 (a multiplicative hash, no state).
fn noise(n: i64) -> f32 {
    let mut h = (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    h ^= h >> 29;
    h = h.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    ((h >> 40) as f32) / 8_388_608.0 - 1.0
}

/// Noise without anything above about `RATE / spacing`, by smooth steps between numbers.
fn soft_noise(sample: i64, spacing: i64, seed: i64) -> f32 {
    let (cell, share) = (sample.div_euclid(spacing), sample.rem_euclid(spacing) as f32 / spacing as f32);
    let smooth = share * share * (3.0 - 2.0 * share);
    let (a, b) = (noise(cell.wrapping_mul(7).wrapping_add(seed)), noise((cell + 1).wrapping_mul(7).wrapping_add(seed)));
    a + (b - a) * smooth
}

impl VenueSound {
    /// Of the action that these options loop; `flash_nanos` as in [`super::Faults`], with the rate of the cameras.
    pub const fn new(options: &VenueOptions, flash_nanos: i64, rate: FrameRate) -> Self {
        Self { period_nanos: options.period_nanos, flash_nanos, rate }
    }

    /// When the beep nearest before a time began: with the white frame, whose time is a whole number of frames.
    fn beep_before(&self, nanos: i64) -> Option<i64> {
        if self.flash_nanos <= 0 {
            return None;
        }
        let interval = self.rate.interval_nanos().max(1);
        let of = |period: i64| (period * self.flash_nanos).div_euclid(interval) * interval;
        let first_at = |period: i64| {
            let at = of(period);
            if at < period * self.flash_nanos { at + interval } else { at }
        };
        let period = nanos.div_euclid(self.flash_nanos);
        let at = first_at(period);
        Some(if at <= nanos { at } else { first_at(period - 1) })
    }

    /// One sample, by its index on the house clock.
    pub fn sample(&self, index: i64) -> Stereo {
        let nanos = (i128::from(index) * 1_000_000_000 / i128::from(RATE)) as i64;
        if let Some(begin) = self.beep_before(nanos) {
            let secs = (index - sample_at(begin)) as f64 / f64::from(RATE);
            if (0.0..BEEP_SECS).contains(&secs) {
                return [((secs * BEEP_HZ * std::f64::consts::TAU).sin() * 16_000.0) as i16; 2];
            }
        }
        let swell = 1.0 + 0.5 * soft_noise(index, i64::from(RATE) / 2, 91);
        let crowd = |seed: i64| (soft_noise(index, 12, seed) * 0.5 + soft_noise(index, 60, seed + 1)) * 0.03 * swell;
        let phase_nanos = nanos.rem_euclid(self.period_nanos.max(1));
        let after = |at_nanos: i64| (phase_nanos - at_nanos).rem_euclid(self.period_nanos.max(1)) as f32 * 1e-9;
        let knock = |secs: f32, hz: f32, decay: f32| (-secs * decay).exp() * (secs * hz * std::f32::consts::TAU).sin();
        let step = after(phase_nanos / (self.period_nanos / STEPS).max(1) * (self.period_nanos / STEPS));
        let smash = after((f64::from(SMASH_PHASE) * self.period_nanos as f64) as i64);
        let action =
            knock(step, 90.0, 40.0) * 0.15 + knock(smash, 320.0, 25.0) * 0.4 + soft_noise(index, 4, 5) * (-smash * 60.0).exp() * 0.2;
        let one = |v: f32| (v.clamp(-1.0, 1.0) * 32_000.0) as i16;
        [one(crowd(11) + action), one(crowd(57) + action)]
    }

    /// The samples from `from` on.
    pub fn block(&self, from: i64, length: usize) -> Vec<Stereo> {
        (from..from + length as i64).map(|index| self.sample(index)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{time::MediaTime, venue::Faults};

    #[test]
    fn it_beeps_with_the_white_frame() {
        for rate in ["25", "12.5", "29.97"] {
            let rate: FrameRate = rate.parse().unwrap();
            let faults = Faults { flash_nanos: 1_000_000_000, ..Faults::default() };
            let sound = VenueSound::new(&VenueOptions::default(), faults.flash_nanos, rate);
            let interval = rate.interval_nanos();
            let first = 1_700_000_000_000_000_000 / interval;
            let white: Vec<i64> =
                (first..first + 100).map(|k| k * interval).filter(|n| faults.flashes(MediaTime::from_nanos(*n), rate)).collect();
            assert!((3..=9).contains(&white.len()), "{rate}: {white:?}");
            for at in white {
                let begin = sound.beep_before(at + 20_000_000).unwrap();
                assert!((begin - at).abs() <= 1, "{rate}: {} ns apart", begin - at);
                let loud = |from: i64| sound.block(sample_at(from), 480).iter().map(|s| i32::from(s[0]).abs()).max().unwrap();
                assert!(loud(at) > 15_000 && loud(at - 11_000_000) < 15_000, "{rate}");
            }
        }
    }

    #[test]
    fn it_is_heard_and_never_too_loud() {
        let sound = VenueSound::new(&VenueOptions::default(), 0, FrameRate::whole(25));
        let block = sound.block(0, 96_000);
        let peak = block.iter().flatten().map(|v| i32::from(*v).abs()).max().unwrap();
        assert!((4000..32_000).contains(&peak), "{peak}");
        assert_ne!(block[5000], block[5001]);
        assert_eq!(block[700..900], sound.block(700, 200)[..]);
    }
}
