//! The last minutes of one sound input, sample by sample on the house clock.

use std::collections::VecDeque;

use parking_lot::Mutex;

use super::{FADE, RATE, Stereo, StereoF, fade_in, quantized, sample_at, unquantized};
use crate::time::MediaTime;

/// A block further from its expected place than this is a gap or an overlap, samples: 60 ms.
const JUMP: i64 = 2880;
/// A mean distance beyond this is worked off, one sample with each block: 1 ms.
const DRIFT: f64 = 48.0;
/// Blocks over which the distance is averaged.
const AVERAGE: f64 = 32.0;

/// So many samples that all came too late: the time of those before was wrong, and the ring begins anew; 0.5 s.
const WRONG: usize = 24_000;
/// Silence is written in pieces, between which readers have their turn, samples.
const PIECE: i64 = 48_000;

/// What is known about an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SoundRingStatus {
    /// Bytes held.
    pub bytes: u64,
    /// Bytes allowed.
    pub budget_bytes: u64,
    /// House time of the oldest and of the newest sample, nanoseconds; `None` before the first.
    pub span_nanos: Option<(i64, i64)>,
    /// Gaps that the input left: filled with silence.
    pub gaps: u64,
    /// Blocks that came twice or too late.
    pub overlaps: u64,
    /// Samples that were put in or taken out to follow the input's own clock.
    pub corrected: u64,
    /// How often the ring began anew, because what it held was of a wrong time.
    pub restarts: u64,
}

#[derive(Debug, Default)]
struct State {
    samples: VecDeque<Stereo>,
    /// Index of the sample after the newest one; `None` before the first.
    end: Option<i64>,
    mean_error: f64,
    gaps: u64,
    overlaps: u64,
    corrected: u64,
    restarts: u64,
    /// Samples that came too late, one after the other.
    late: usize,
}

/// A bounded ring of samples without holes; one writer, any readers.
#[derive(Debug)]
pub struct SoundRing {
    capacity: usize,
    state: Mutex<State>,
}

impl SoundRing {
    /// Keeps `secs` of sound: 192 kB a second.
    pub fn new(secs: f64) -> Self {
        let capacity = (secs.clamp(1.0, 3600.0) * f64::from(RATE)) as usize;
        // Whole at once: nothing is allocated on air.
        let samples = VecDeque::with_capacity(capacity);
        Self { capacity, state: Mutex::new(State { samples, ..State::default() }) }
    }

    /// A block whose first sample was heard at `at`. Times may be uncertain by some milliseconds and their clock may drift: the block goes
    /// where the one before ended, and a lasting distance is worked off sample by sample. A real gap becomes silence, faded on both sides.
    /// Blocks that come too late are left out, but for a lasting stream of them: then it was the newest of the ring that had a wrong time.
    pub fn write(&self, at: MediaTime, block: &[Stereo]) {
        if block.is_empty() {
            return;
        }
        let begin = sample_at(at.nanos());
        let mut state = self.state.lock();
        let mut error = begin - *state.end.get_or_insert(begin);
        let mut first = state.samples.is_empty();
        if error > JUMP {
            state.gaps += 1;
            state.mean_error = 0.0;
            drop(state);
            self.silence(error);
            self.append(&mut self.state.lock(), block, true);
            return;
        }
        let state = &mut *state;
        if error < -JUMP {
            state.overlaps += 1;
            state.mean_error = 0.0;
            let new = usize::try_from(-error).ok().and_then(|known| block.get(known..)).filter(|new| !new.is_empty());
            if let Some(new) = new {
                state.late = 0;
                self.append(state, new, true);
                return;
            }
            state.late += block.len();
            if state.late < WRONG {
                return;
            }
            state.restarts += 1;
            state.samples.clear();
            state.end = Some(begin);
            (error, first) = (0, true);
        }
        state.late = 0;
        state.mean_error += (error as f64 - state.mean_error) / AVERAGE;
        let by = if state.mean_error > DRIFT { 1 } else { -i64::from(state.mean_error < -DRIFT) };
        if by == 0 || block.len() < 64 {
            self.append(state, block, first);
        } else {
            state.corrected += 1;
            self.append(state, &resampled(block, (block.len() as i64 + by) as usize), first);
        }
    }

    fn append(&self, state: &mut State, block: &[Stereo], fades_in: bool) {
        let block = &block[block.len().saturating_sub(self.capacity)..];
        let room = self.capacity - block.len();
        if state.samples.len() > room {
            state.samples.drain(..state.samples.len() - room);
        }
        if fades_in {
            let length = FADE.min(block.len());
            state.samples.extend(block.iter().enumerate().map(|(k, s)| {
                let gain = if k < length { fade_in(k, length) } else { 1.0 };
                quantized(unquantized(*s).map(|v| v * gain))
            }));
        } else {
            state.samples.extend(block);
        }
        state.end = state.end.map(|end| end + block.len() as i64);
    }

    /// The last sample is led to zero, then nothing. Whoever reads waits for a piece of it at most.
    fn silence(&self, length: i64) {
        if length >= self.capacity as i64 {
            // Nothing older is kept; where nothing is, silence is read.
            let mut state = self.state.lock();
            state.samples.clear();
            state.end = state.end.map(|end| end + length);
            return;
        }
        let mut done = 0;
        while done < length {
            let piece = (length - done).min(PIECE) as usize;
            let mut state = self.state.lock();
            let over = (state.samples.len() + piece).saturating_sub(self.capacity);
            state.samples.drain(..over);
            if done == 0 {
                let last = state.samples.back().map_or([0.0; 2], |s| unquantized(*s));
                state.samples.extend((0..piece.min(FADE)).map(|k| quantized(last.map(|v| v * (1.0 - fade_in(k, FADE))))));
                state.samples.extend(std::iter::repeat_n([0; 2], piece - piece.min(FADE)));
            } else {
                state.samples.extend(std::iter::repeat_n([0; 2], piece));
            }
            state.end = state.end.map(|end| end + piece as i64);
            done += piece as i64;
        }
    }

    /// Fills `out` from the sample `from` on, zero where there is none; returns how many there were without a break from the first.
    pub fn read(&self, from: i64, out: &mut [StereoF]) -> usize {
        let state = self.state.lock();
        let begin = state.end.map(|end| end - state.samples.len() as i64);
        let mut there = 0;
        for (k, sample) in out.iter_mut().enumerate() {
            let at = begin.and_then(|begin| usize::try_from(from + k as i64 - begin).ok());
            match at.and_then(|at| state.samples.get(at)) {
                Some(found) => {
                    *sample = unquantized(*found);
                    there += usize::from(there == k);
                }
                None => *sample = [0.0; 2],
            }
        }
        there
    }

    /// First sample held, and the one after the last.
    pub fn span(&self) -> Option<(i64, i64)> {
        let state = self.state.lock();
        state.end.filter(|_| !state.samples.is_empty()).map(|end| (end - state.samples.len() as i64, end))
    }

    /// What is held and what happened.
    pub fn status(&self) -> SoundRingStatus {
        let span = self.span();
        let state = self.state.lock();
        let size = size_of::<Stereo>() as u64;
        let nanos = |sample: i64| (i128::from(sample) * 1_000_000_000 / i128::from(RATE)) as i64;
        SoundRingStatus {
            bytes: state.samples.len() as u64 * size,
            budget_bytes: self.capacity as u64 * size,
            span_nanos: span.map(|(begin, end)| (nanos(begin), nanos(end))),
            gaps: state.gaps,
            overlaps: state.overlaps,
            corrected: state.corrected,
            restarts: state.restarts,
        }
    }
}

/// The block in another number of samples, first and last kept, by straight lines.
fn resampled(block: &[Stereo], length: usize) -> Vec<Stereo> {
    let step = (block.len() - 1) as f32 / (length - 1).max(1) as f32;
    let at = |k: usize| {
        let place = k as f32 * step;
        let low = (place as usize).min(block.len() - 1);
        let (a, b, share) = (unquantized(block[low]), unquantized(block[(low + 1).min(block.len() - 1)]), place - low as f32);
        quantized([a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share])
    };
    (0..length).map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(from: i64, length: usize) -> Vec<Stereo> {
        (0..length).map(|k| [((from + k as i64) as f64 * 0.02).sin().mul_add(8000.0, 0.0) as i16; 2]).collect()
    }

    fn at(sample: i64) -> MediaTime {
        MediaTime::from_nanos((i128::from(sample) * 1_000_000_000 / 48_000) as i64 + 1)
    }

    /// The largest bend of the wave: a click is a large one.
    fn roughness(samples: &[StereoF]) -> f32 {
        samples.windows(3).map(|w| (w[0][0] - 2.0 * w[1][0] + w[2][0]).abs()).fold(0.0, f32::max)
    }

    #[test]
    fn blocks_with_uncertain_times_join_without_a_break() {
        let ring = SoundRing::new(2.0);
        for k in 0..100_i64 {
            ring.write(at(k * 480 + (k * 7 % 5 - 2) * 40), &tone(k * 480, 480));
        }
        assert_eq!(ring.status().gaps + ring.status().overlaps, 0);
        let (begin, end) = ring.span().unwrap();
        let mut out = vec![[0.0; 2]; (end - begin) as usize];
        assert_eq!(ring.read(begin, &mut out), out.len());
        assert!(roughness(&out[600..]) < 0.001, "{}", roughness(&out[600..]));
    }

    #[test]
    fn it_is_bounded_and_keeps_the_newest() {
        let ring = SoundRing::new(1.0);
        (0..300).for_each(|k| ring.write(at(k * 480), &tone(k * 480, 480)));
        assert_eq!(ring.span(), Some((300 * 480 - 48_000, 300 * 480)));
        assert_eq!((ring.status().bytes, ring.status().budget_bytes), (192_000, 192_000));
    }

    #[test]
    fn an_input_whose_clock_drifts_stays_on_the_house_clock() {
        for ppm in [-200_i64, 200] {
            let ring = SoundRing::new(4.0);
            for k in 0..12_000_i64 {
                ring.write(at(k * 480 + k * 480 * ppm / 1_000_000), &tone(k * 480, 480));
            }
            let expected = 12_000 * 480 + 12_000 * 480 * ppm / 1_000_000;
            let (begin, end) = ring.span().unwrap();
            assert!((end - expected).abs() < 144, "{ppm} ppm: {} samples off", end - expected);
            assert!(ring.status().corrected > 1000 && ring.status().gaps == 0, "{:?}", ring.status());
            let mut out = vec![[0.0; 2]; 96_000];
            ring.read(begin, &mut out);
            assert!(roughness(&out) < 0.001, "{}", roughness(&out));
        }
    }

    #[test]
    fn a_gap_is_faded_silence_and_an_overlap_is_left_out() {
        let ring = SoundRing::new(4.0);
        ring.write(at(0), &tone(100, 4800));
        ring.write(at(24_000), &tone(0, 9600));
        // The same once more.
        ring.write(at(24_000), &tone(0, 9600));
        assert_eq!((ring.status().gaps, ring.status().overlaps, ring.span()), (1, 1, Some((0, 33_600))));
        let mut out = vec![[0.0; 2]; 33_600];
        ring.read(0, &mut out);
        assert!(out[10_000..23_000].iter().all(|s| s[0] == 0.0));
        let step = out.windows(2).map(|w| (w[0][0] - w[1][0]).abs()).fold(0.0, f32::max);
        assert!(step < 0.01, "{step}");
    }

    #[test]
    fn one_wrong_time_costs_half_a_second_and_not_until_then() {
        let ring = SoundRing::new(4.0);
        (0..100).for_each(|k| ring.write(at(k * 480), &tone(k * 480, 480)));
        // A hundred seconds ahead, once.
        ring.write(at(4_800_000), &tone(0, 480));
        (100..300).for_each(|k| ring.write(at(k * 480), &tone(k * 480, 480)));
        let end = ring.span().unwrap().1;
        assert_eq!((end, ring.status().restarts), (300 * 480, 1), "{:?}", ring.status());
        let mut out = vec![[0.0; 2]; 480];
        assert_eq!(ring.read(end - 480, &mut out), 480);
        // A sender that says everything twice is no reason.
        (100..300).for_each(|k| (0..2).for_each(|_| ring.write(at((200 + k) * 480), &tone(k * 480, 480))));
        assert_eq!(ring.status().restarts, 1);
    }

    #[test]
    fn a_gap_longer_than_the_ring_leaves_nothing_and_costs_nothing() {
        let ring = SoundRing::new(2.0);
        ring.write(at(0), &tone(0, 48_000));
        // Half a year: filled sample by sample this held every reader up.
        let later = 750_000_000_000;
        ring.write(at(later), &tone(0, 4800));
        assert_eq!(ring.span(), Some((later, later + 4800)));
        // Longer than a piece, shorter than the ring: what was before stays.
        ring.write(at(later + 4800 + 80_000), &tone(0, 4800));
        let (begin, end) = ring.span().unwrap();
        assert_eq!((begin, end), (later, later + 4800 + 80_000 + 4800));
        let mut out = vec![[1.0; 2]; 80_000];
        assert_eq!(ring.read(later + 4800, &mut out), 80_000);
        assert!(out[FADE..].iter().all(|s| s[0] == 0.0) && out[0][0].abs() <= 0.25);
    }
}
