//! The sound of an export: that of the instants that its path shows, at the path's speed; under what stands still, what was chosen.

use std::sync::Arc;

use crate::{
    sound::{FADE, Mixer, SoundCue, SoundInput, Stereo, StereoF, faded_out, quantized, sample_at},
    time::{FrameRate, MediaTime},
};

/// Sound that goes with the moments of a source.
#[derive(Debug, Clone)]
pub struct SourceSound {
    /// The sound, and what is heard under a freeze.
    pub input: Arc<SoundInput>,
    /// What must be added to the source's instants to get the sound's times, nanoseconds.
    pub offset_nanos: i64,
}

/// Makes an export's sound, frame by frame.
#[derive(Debug)]
pub(super) struct ExportSound {
    source: SourceSound,
    mixer: Mixer,
    rate: FrameRate,
    made: i64,
}

impl ExportSound {
    /// `first` is the instant of the first frame.
    pub fn new(source: SourceSound, rate: FrameRate, first: MediaTime) -> Self {
        let mut mixer = Mixer::default();
        // A path that begins with a freeze has something that may fade or go on.
        let at = first.plus_nanos(source.offset_nanos);
        mixer.render(Some(&source.input.ring), SoundCue::Live(at), &mut []);
        Self { source, mixer, rate, made: 0 }
    }

    /// The samples of frame `index`, which shows `instant`, as the one after it shows `next`; the last frame fades out.
    pub fn frame(&mut self, index: u64, instant: MediaTime, next: MediaTime, is_last: bool) -> Vec<Stereo> {
        let frame_nanos = self.rate.frame_nanos(index as i64 + 1) - self.rate.frame_nanos(index as i64);
        let speed = (next - instant) as f64 / frame_nanos.max(1) as f64;
        let cue = if speed.abs() < 0.01 {
            SoundCue::Freeze(self.source.input.freeze())
        } else {
            SoundCue::Roll(instant.plus_nanos(self.source.offset_nanos), speed)
        };
        let until = sample_at(self.rate.frame_nanos(index as i64 + 1));
        let mut out: Vec<StereoF> = vec![[0.0; 2]; (until - self.made).max(0) as usize];
        self.made = until;
        self.mixer.render(Some(&self.source.input.ring), cue, &mut out);
        if is_last {
            faded_out(&mut out, FADE);
        }
        out.into_iter().map(quantized).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sound::FreezeSound;

    /// Ten seconds that get louder, so that a sample tells its time.
    fn source(freeze: FreezeSound) -> SourceSound {
        let input = SoundInput::new("test", 12.0, 0, freeze);
        let block: Vec<Stereo> = (0..480_000).map(|k| [((k / 48) as f64 * (k as f64 * 0.06).sin()) as i16; 2]).collect();
        input.ring.write(MediaTime::ZERO, &block);
        SourceSound { input: Arc::new(input), offset_nanos: 2_000_000_000 }
    }

    fn exported(freeze: FreezeSound, instants: impl Fn(i64) -> i64) -> Vec<Stereo> {
        let at = |k: i64| MediaTime::from_nanos(instants(k) * 20_000_000);
        let mut sound = ExportSound::new(source(freeze), FrameRate::whole(50), at(0));
        (0..100).flat_map(|k| sound.frame(k as u64, at(k), at(k + 1), k == 99)).collect()
    }

    #[test]
    fn at_full_speed_it_is_the_sound_of_the_time_and_ends_without_a_click() {
        let all = exported(FreezeSound::Silence, |k| k);
        assert_eq!(all.len(), 96_000);
        let wanted = &mut vec![[0.0; 2]; 96_000];
        source(FreezeSound::Silence).input.ring.read(96_000, wanted);
        let wanted: Vec<Stereo> = wanted.iter().map(|s| quantized(*s)).collect();
        assert_eq!(all[480..95_000], wanted[480..95_000]);
        assert!(all[95_990..].iter().all(|s| s[0].abs() < 20), "{:?}", &all[95_990..]);
    }

    #[test]
    fn a_freeze_has_what_was_chosen() {
        let peak = |all: &[Stereo]| all.iter().map(|s| s[0].unsigned_abs()).max().unwrap();
        let live = exported(FreezeSound::Live, |_| 0);
        assert!(peak(&live[90_000..95_000]) > 3500, "{}", peak(&live[90_000..95_000]));
        let tail = exported(FreezeSound::Tail, |_| 0);
        assert!(peak(&tail[1000..10_000]) > 1500 && peak(&tail[60_000..]) == 0);
        assert_eq!(peak(&exported(FreezeSound::Silence, |_| 0)[1000..]), 0);
        // A roll, then a freeze.
        let mixed = exported(FreezeSound::Silence, |k| k.min(50));
        assert!(peak(&mixed[40_000..47_000]) > 1500 && peak(&mixed[49_000..]) == 0);
    }
}
