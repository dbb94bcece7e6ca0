//! What is heard with each picture: live sound, silence, a tail, slow motion; cross-faded, without a gap.

use std::collections::VecDeque;

use super::{FADE, FreezeSound, SoundRing, StereoF, Stretch, fade_in, sample_at};
use crate::time::MediaTime;

/// Sound and picture may be so far apart on average before the sound jumps, samples: 12 ms.
const APART: f64 = 576.0;
/// Pictures over which that is judged.
const JUDGED: u32 = 25;
/// So far apart is another place, samples: 250 ms.
const ELSEWHERE: i64 = 12_000;
/// Length of the tail of a freeze, samples: 1.2 s.
const TAIL: usize = 57_600;
/// Slower than this, slow motion is only noise: it is silent.
const SLOWEST: f64 = 0.2;
/// Faster than this nothing is understood.
const FASTEST: f64 = 4.0;

/// Fades within each other; more are nothing that anybody asks for.
const MOST_LEAVING: usize = 8;

/// What shall be heard with a picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SoundCue {
    /// Nothing.
    Silence,
    /// The sound of this time, which is now, or a little ago.
    Live(MediaTime),
    /// Time stands still in the picture.
    Freeze(FreezeSound),
    /// The sound of this time in the past at a speed (1 is as it was), in its own pitch.
    Roll(MediaTime, f64),
}

#[derive(Debug, Clone)]
enum Voice {
    Nothing,
    /// The ring from this sample on; the other number counts the samples of the tail.
    Ring {
        next: i64,
        tail: Option<usize>,
    },
    Slow(Stretch),
}

/// Makes the sound of a program; its samples are consecutive, whatever is asked for.
#[derive(Debug)]
pub struct Mixer {
    voice: Voice,
    /// What fades out, oldest first, each into the one after it, and the samples that its fade still has.
    leaving: VecDeque<(Voice, usize)>,
    /// The live place goes on while something else is heard.
    live: Option<i64>,
    cue: SoundCue,
    judged: (f64, u32),
    last: StereoF,
    /// Samples since the ring had none, for the fade.
    missing_since: Option<usize>,
    back_since: usize,
    underruns: u64,
}

impl Default for Mixer {
    fn default() -> Self {
        Self {
            voice: Voice::Nothing,
            leaving: VecDeque::new(),
            live: None,
            cue: SoundCue::Silence,
            judged: (0.0, 0),
            last: [0.0; 2],
            missing_since: None,
            back_since: FADE,
            underruns: 0,
        }
    }
}

impl Mixer {
    /// How often the input had no sound where some was due.
    pub const fn underruns(&self) -> u64 {
        self.underruns
    }

    fn change(&mut self, to: Voice) {
        let from = std::mem::replace(&mut self.voice, to);
        if self.leaving.len() >= MOST_LEAVING {
            self.leaving.pop_front();
        }
        self.leaving.push_back((from, FADE));
        self.judged = (0.0, 0);
    }

    /// Turns to what is asked for.
    fn turn(&mut self, cue: SoundCue) {
        let before = std::mem::replace(&mut self.cue, cue);
        match cue {
            SoundCue::Silence | SoundCue::Freeze(FreezeSound::Silence) => {
                if !matches!(self.voice, Voice::Nothing) {
                    self.change(Voice::Nothing);
                }
            }
            SoundCue::Freeze(FreezeSound::Live) => {
                // After a roll the sound is in the past.
                if let (Some(live), false) = (self.live, matches!(self.voice, Voice::Ring { next, tail: None } if Some(next) == self.live))
                {
                    self.change(Voice::Ring { next: live, tail: None });
                }
            }
            SoundCue::Freeze(FreezeSound::Tail) => match (&mut self.voice, before) {
                (_, SoundCue::Freeze(FreezeSound::Tail)) | (Voice::Nothing, _) => {}
                (Voice::Ring { tail, .. }, _) => *tail = Some(0),
                (Voice::Slow(_), _) => self.change(Voice::Nothing),
            },
            SoundCue::Roll(_, speed) if !(SLOWEST..=FASTEST).contains(&speed) => {
                if !matches!(self.voice, Voice::Nothing) {
                    self.change(Voice::Nothing);
                }
            }
            SoundCue::Roll(time, speed) if (speed - 1.0).abs() > 0.01 => {
                let wanted = sample_at(time.nanos());
                match &mut self.voice {
                    Voice::Slow(stretch) if (stretch.position() - wanted as f64).abs() < ELSEWHERE as f64 => stretch.set_speed(speed),
                    _ => self.change(Voice::Slow(Stretch::new(wanted, speed))),
                }
            }
            SoundCue::Live(time) | SoundCue::Roll(time, _) => {
                // A picture that is shown again says nothing new.
                if before == cue && matches!(self.voice, Voice::Ring { tail: None, .. }) {
                    return;
                }
                let wanted = sample_at(time.nanos());
                match self.voice {
                    Voice::Ring { next, tail: None } if (wanted - next).abs() < ELSEWHERE => {
                        let (sum, count) = self.judged;
                        self.judged = (sum + (wanted - next) as f64, count + 1);
                        let mean = self.judged.0 / f64::from(self.judged.1);
                        if self.judged.1 >= JUDGED {
                            self.judged = (0.0, 0);
                            if mean.abs() > APART {
                                self.change(Voice::Ring { next: next + mean as i64, tail: None });
                            }
                        }
                    }
                    _ => self.change(Voice::Ring { next: wanted, tail: None }),
                }
            }
        }
    }

    /// The next samples, with a picture for which `cue` is asked.
    pub fn render(&mut self, ring: Option<&SoundRing>, cue: SoundCue, out: &mut [StereoF]) {
        self.turn(cue);
        out.fill([0.0; 2]);
        let Some(ring) = ring else { return };
        let there = read(&mut self.voice, ring, out);
        if let (Voice::Ring { next, tail: None }, SoundCue::Live(_)) = (&self.voice, cue) {
            self.live = Some(*next);
        } else if let Some(live) = &mut self.live {
            *live += out.len() as i64;
        }
        self.fade(ring, out);
        self.cover(there, out);
    }

    /// What leaves, into `out`: whoever is asked to change in the middle of a fade fades from what is heard just then.
    fn fade(&mut self, ring: &SoundRing, out: &mut [StereoF]) {
        let (mut heard, mut before) = (Vec::new(), 0);
        for k in 0..self.leaving.len() {
            let Some((voice, left)) = self.leaving.get_mut(k) else { break };
            let length = (*left).min(out.len());
            let mut own = vec![[0.0; 2]; length];
            read(voice, ring, &mut own);
            cross(&heard, before, &mut own);
            before = std::mem::replace(left, *left - length);
            heard = own;
        }
        cross(&heard, before, out);
        // Fades are of one length: those that began earlier are over earlier.
        while self.leaving.front().is_some_and(|(_, left)| *left == 0) {
            self.leaving.pop_front();
        }
    }

    /// Where the ring had nothing: what was heard last is led to zero, and what comes again comes gently.
    fn cover(&mut self, there: usize, out: &mut [StereoF]) {
        if there < out.len() && self.missing_since.is_none() {
            self.underruns += 1;
        }
        for (k, sample) in out.iter_mut().enumerate() {
            if k < there {
                if self.missing_since.take().is_some() {
                    self.back_since = 0;
                }
                if self.back_since < FADE {
                    let gain = fade_in(self.back_since, FADE);
                    *sample = sample.map(|v| v * gain);
                    self.back_since += 1;
                }
                self.last = *sample;
            } else {
                let since = self.missing_since.get_or_insert(0);
                let gain = if *since < FADE { 1.0 - fade_in(*since, FADE) } else { 0.0 };
                *since += 1;
                *sample = self.last.map(|v| v * gain);
            }
        }
    }
}

/// Fades from `old`, of whose fade `left` samples are left, to what is in `new`.
fn cross(old: &[StereoF], left: usize, new: &mut [StereoF]) {
    for (k, (new, old)) in new.iter_mut().zip(old).enumerate().take(left) {
        let gain = fade_in(FADE - left + k, FADE);
        *new = [new[0] * gain + old[0] * (1.0 - gain), new[1] * gain + old[1] * (1.0 - gain)];
    }
}

/// The next samples of a voice; how many of them were there.
fn read(voice: &mut Voice, ring: &SoundRing, out: &mut [StereoF]) -> usize {
    match voice {
        Voice::Nothing => {
            out.fill([0.0; 2]);
            out.len()
        }
        Voice::Ring { next, tail } => {
            let there = ring.read(*next, out);
            *next += out.len() as i64;
            let Some(since) = tail else { return there };
            for (k, sample) in out.iter_mut().enumerate() {
                let gain = if *since + k < TAIL { 1.0 - fade_in(*since + k, TAIL) } else { 0.0 };
                *sample = sample.map(|v| v * gain);
            }
            *since = (*since + out.len()).min(TAIL);
            // Nobody misses what cannot be heard any more.
            if *since >= TAIL { out.len() } else { there }
        }
        Voice::Slow(stretch) => {
            if stretch.read(ring, out) {
                out.len()
            } else {
                0
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten seconds of 440 Hz on the house clock.
    fn ring() -> SoundRing {
        tone(440.0)
    }

    fn tone(hz: f64) -> SoundRing {
        let ring = SoundRing::new(12.0);
        let tone = |k: usize| [((k as f64 * hz / 48_000.0 * std::f64::consts::TAU).sin() * 9000.0) as i16; 2];
        ring.write(MediaTime::ZERO, &(0..480_000).map(tone).collect::<Vec<_>>());
        ring
    }

    fn level(samples: &[StereoF]) -> f32 {
        (samples.iter().map(|s| s[0] * s[0]).sum::<f32>() / samples.len() as f32).sqrt()
    }

    /// The largest step between two samples: of the tone itself 0.016.
    fn step(samples: &[StereoF]) -> f32 {
        samples.windows(2).map(|w| (w[1][0] - w[0][0]).abs()).fold(0.0, f32::max)
    }

    fn played(cues: impl Iterator<Item = SoundCue>, ring: &SoundRing) -> (Vec<StereoF>, u64) {
        let (mut mixer, mut all) = (Mixer::default(), Vec::new());
        for cue in cues {
            let mut out = vec![[0.0; 2]; 960];
            mixer.render(Some(ring), cue, &mut out);
            all.extend(out);
        }
        (all, mixer.underruns())
    }

    fn at(frame: i64) -> SoundCue {
        SoundCue::Live(MediaTime::from_nanos(frame * 20_000_000))
    }

    #[test]
    fn live_sound_is_that_of_its_picture() {
        let ring = ring();
        let (all, underruns) = played((50..100).map(at), &ring);
        let mut wanted = vec![[0.0; 2]; all.len()];
        ring.read(48_000, &mut wanted);
        assert_eq!((&all[FADE..], underruns), (&wanted[FADE..], 0));
    }

    #[test]
    fn every_change_is_without_a_click() {
        let ring = ring();
        for freeze in FreezeSound::ALL {
            let cues = (50..80).map(at);
            let cues = cues.chain((80..160).map(|_| SoundCue::Freeze(freeze)));
            let cues = cues.chain((0..60).map(|k| SoundCue::Roll(MediaTime::from_nanos(1_000_000_000 + k * 10_000_000), 0.5)));
            let cues = cues.chain((220..260).map(at)).chain((0..20).map(|_| SoundCue::Silence)).chain((280..300).map(at));
            let (all, underruns) = played(cues, &ring);
            assert!(step(&all) < 0.03, "{freeze:?}: {}", step(&all));
            assert_eq!(underruns, 0, "{freeze:?}");
            let (live, soon, later) = (level(&all[4800..28_800]), level(&all[31_200..36_000]), level(&all[96_000..105_000]));
            match freeze {
                FreezeSound::Live => assert!((later / live - 1.0).abs() < 0.05, "{live} {later}"),
                FreezeSound::Silence => assert!(soon == 0.0 && later == 0.0, "{soon} {later}"),
                FreezeSound::Tail => assert!(soon > 0.8 * live && later == 0.0, "{live} {soon} {later}"),
            }
        }
    }

    #[test]
    fn live_sound_under_a_freeze_goes_on_where_it_was() {
        let ring = ring();
        let (all, _) =
            played((50..80).map(at).chain((80..100).map(|_| SoundCue::Freeze(FreezeSound::Live))).chain((100..120).map(at)), &ring);
        let mut wanted = vec![[0.0; 2]; all.len()];
        ring.read(48_000, &mut wanted);
        assert_eq!(&all[FADE..], &wanted[FADE..]);
    }

    #[test]
    fn sound_that_is_not_there_is_counted_and_faded() {
        let (all, underruns) = played((480..520).map(at), &ring());
        assert_eq!(underruns, 1);
        assert!(step(&all) < 0.03 && level(&all[20_000..]) == 0.0, "{}", step(&all));
    }

    #[test]
    fn pictures_that_jitter_do_not_move_the_sound_and_those_that_stay_off_do() {
        let ring = ring();
        let shifted = |off: i64| move |k: i64| SoundCue::Live(MediaTime::from_nanos(k * 20_000_000 + (k * 7 % 3 - 1) * 8_000_000 + off));
        let (all, _) = played((50..200).map(shifted(0)), &ring);
        let mut wanted = vec![[0.0; 2]; all.len()];
        let begin = sample_at(1_000_000_000 + 8_000_000);
        ring.read(begin, &mut wanted);
        assert_eq!(&all[FADE..], &wanted[FADE..], "it moved");
        // 30 ms later from some picture on: 50 Hz would be upside down.
        let ring = tone(50.0);
        let (all, _) = played((50..100).map(at).chain((100..200).map(shifted(30_000_000))), &ring);
        ring.read(48_000 + sample_at(30_000_000) + 100 * 960, &mut wanted);
        let off = all[96_000..].iter().zip(&wanted[..48_000]).map(|(a, b)| (a[0] - b[0]).abs()).fold(0.0, f32::max);
        assert!(off < 0.06, "{off}");
        assert!(step(&all) < 0.03);
    }

    #[test]
    fn a_change_in_the_middle_of_a_fade_is_without_a_click() {
        let ring = ring();
        let (mut mixer, mut all) = (Mixer::default(), Vec::new());
        let mut render = |cue, length: usize, all: &mut Vec<StereoF>| {
            let mut out = vec![[0.0; 2]; length];
            mixer.render(Some(&ring), cue, &mut out);
            all.extend(out);
        };
        render(at(50), 9600, &mut all);
        // Pictures of 400 samples (120 a second), and shorter ones.
        for k in 0..60_usize {
            let past = SoundCue::Roll(MediaTime::from_nanos(500_000_000 + k as i64 * 300_000_000 % 4_000_000_000), 1.0);
            let cue = if k.is_multiple_of(3) { SoundCue::Silence } else { past };
            render(cue, [400, 170, 90][k % 3], &mut all);
        }
        assert!(step(&all) < 0.03, "{}", step(&all));
    }
}
