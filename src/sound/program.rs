//! The sound of a program on its output's own count of samples, for whoever sends it on.

use std::collections::VecDeque;

use parking_lot::Mutex;

use super::{Loudness, LoudnessMeter, RATE, Stereo, StereoF, quantized};

/// How much is kept for those who send it, seconds.
const KEPT_SECS: u32 = 4;

#[derive(Debug, Default)]
struct State {
    samples: VecDeque<Stereo>,
    end: u64,
    meter: LoudnessMeter,
    underruns: u64,
}

/// The last seconds of a program's sound; sample 0 belongs to its frame 0.
#[derive(Debug, Default)]
pub struct ProgramSound {
    state: Mutex<State>,
}

impl ProgramSound {
    /// The next samples; `underruns` counts those of the input so far.
    pub fn push(&self, samples: &[StereoF], underruns: u64) {
        let mut state = self.state.lock();
        state.meter.feed(samples);
        state.samples.extend(samples.iter().map(|s| quantized(*s)));
        state.end += samples.len() as u64;
        state.underruns = underruns;
        let kept = (KEPT_SECS * RATE) as usize;
        if state.samples.len() > kept {
            let over = state.samples.len() - kept;
            state.samples.drain(..over);
        }
    }

    /// So many samples were never made: silence for whoever asks.
    pub fn skip(&self, samples: u64) {
        let mut state = self.state.lock();
        state.samples.clear();
        state.end += samples;
    }

    /// The sample after the newest.
    pub fn end(&self) -> u64 {
        self.state.lock().end
    }

    /// Appends the samples from `from` to the newest, `most` at most; silence for those that are gone already.
    pub fn read(&self, from: u64, most: usize, into: &mut Vec<Stereo>) {
        let state = self.state.lock();
        let begin = state.end - state.samples.len() as u64;
        let until = state.end.min(from.saturating_add(most as u64));
        let sample = |at: u64| at.checked_sub(begin).and_then(|k| state.samples.get(k as usize)).copied().unwrap_or_default();
        into.extend((from..until).map(sample));
    }

    /// How loud it is, and how often the input had nothing.
    pub fn status(&self) -> (Loudness, u64) {
        let state = self.state.lock();
        (state.meter.loudness(), state.underruns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_keeps_the_last_seconds_and_gives_silence_for_the_rest() {
        let sound = ProgramSound::default();
        (0..60).for_each(|_| sound.push(&vec![[0.5; 2]; 4800], 3));
        let mut out = Vec::new();
        sound.read(60 * 4800 - 4 * 48_000 - 10, 20, &mut out);
        assert_eq!((out.len(), out[9], out[10]), (20, [0; 2], [16_384; 2]));
        out.clear();
        sound.read(sound.end() - 5, 100, &mut out);
        assert_eq!((out.len(), sound.status().1), (5, 3));
        sound.read(sound.end() + 5, 100, &mut out);
        assert_eq!(out.len(), 5);
    }
}
