//! Timecode that comes with the pictures, or as a tone beside them, as a source of time: one generator for all cameras of a venue.
//!
//! What the generator's labels mean in house time is known once for the session ([`TimecodeReference`]): by when those of one camera arrive,
//! the line under all transits ([`SourceClock`]), skew of the generator included. All cameras use that one relation, so that frames with one
//! label have one time, however long each was on its way. Whether a camera's labels are to be believed nobody can know but the operator:
//! they are used only where the address asks for them (`time=timecode`, `time=ltc`).
//!
//! Must not know: streams, elements, who shows it.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::time::{ClockEstimate, FrameRate, MediaTime, SourceClock, Timecode};

/// Who leads and says nothing for so long is followed by another, nanoseconds.
const LEAD_SILENT_NANOS: i64 = 5_000_000_000;
/// A label whose time is so much before its arrival, or after it, is another generator's, nanoseconds.
const MOST_LATE_NANOS: i64 = 5_000_000_000;
const MOST_EARLY_NANOS: i64 = 1_000_000_000;
/// Labels over which the relation to a stream's own times is averaged, and which part of the time that has passed goes into following it at most. A tone is
/// read to a part of a sample; a picture's own label says its time by itself.
const AVERAGE: Follow = Follow { over: 8, slew: 16 };
/// A label so far from where its frame should be is a new count, if as many in turn say the same; nanoseconds.
const JUMP_NANOS: i64 = 100_000_000;
const JUMP_AFTER: u32 = 8;
/// Labels in which a repeated one is looked for: pictures come in another order than they are shown.
const REPEATED_WITHIN: usize = 6;
/// Labels by which pairs are told from a picture that came twice: each repeated label counts two, each other one less, up to the second figure; from the
/// third on frames share their labels in pairs.
const PAIRS_KNOWN_AFTER: u32 = 12;
const MOST_PAIRED: u32 = 8;
const PAIRED_FROM: u32 = 4;
/// Running time without a label after which it is gone, and within which the first should come, nanoseconds.
const GONE_NANOS: i64 = 5_000_000_000;
const NEVER_NANOS: i64 = 10_000_000_000;
/// A repeated label says for so long that the generator stands, nanoseconds.
const STANDS_NANOS: i64 = 1_000_000_000;

/// What labels mean in house time, for all feeds of a session.
#[derive(Debug, Default)]
pub(super) struct TimecodeReference {
    state: Mutex<Reference>,
}

#[derive(Debug, Default)]
struct Reference {
    clock: SourceClock,
    lead: Option<Lead>,
}

#[derive(Debug)]
struct Lead {
    name: Arc<str>,
    heard_nanos: i64,
    /// Added to its arrivals: what was said before it led goes on.
    bias_nanos: i64,
}

impl TimecodeReference {
    /// Labels' time `code_nanos` (of day) as one that counts on over midnight: the day that is nearest to `arrival`.
    fn unwrapped(&self, code_nanos: i64, day_nanos: i64, arrival: MediaTime) -> i64 {
        let state = self.state.lock();
        if state.lead.is_none() {
            return code_nanos;
        }
        let expected = arrival.nanos().saturating_sub(state.clock.estimate().offset_nanos);
        let days = (expected.saturating_sub(code_nanos) as f64 / day_nanos.max(1) as f64).round() as i64;
        code_nanos.saturating_add(days.saturating_mul(day_nanos))
    }

    /// A label of the feed `name` arrived.
    fn note(&self, name: &Arc<str>, code_nanos: i64, arrival: MediaTime) {
        let mut state = self.state.lock();
        let now = arrival.nanos();
        let off_nanos = code_nanos.saturating_add(state.clock.estimate().offset_nanos).saturating_sub(now);
        let agrees = off_nanos.saturating_abs() <= MOST_LATE_NANOS;
        let leads = match &state.lead {
            Some(lead) if lead.name == *name => false,
            Some(lead) => {
                // Somebody who counts as the lead did goes before somebody with another generator.
                let silent_nanos = now.saturating_sub(lead.heard_nanos);
                if silent_nanos <= LEAD_SILENT_NANOS || (!agrees && silent_nanos <= 2 * LEAD_SILENT_NANOS) {
                    return;
                }
                true
            }
            None => true,
        };
        if leads {
            // A generator that was set anew meanwhile is one that nobody follows any more.
            let bias_nanos = if state.lead.is_some() && agrees { off_nanos } else { 0 };
            state.lead = Some(Lead { name: Arc::clone(name), heard_nanos: now, bias_nanos });
        }
        let Reference { clock, lead } = &mut *state;
        if let Some(lead) = lead {
            lead.heard_nanos = now;
            clock.house_time(code_nanos, arrival.plus_nanos(lead.bias_nanos));
        }
    }

    /// What the feed `name` said was nothing: if it led, nobody does.
    fn retract(&self, name: &Arc<str>) {
        let mut state = self.state.lock();
        if state.lead.as_ref().is_some_and(|lead| lead.name == *name) {
            *state = Reference::default();
        }
    }

    fn offset_nanos(&self) -> i64 {
        self.state.lock().clock.estimate().offset_nanos
    }

    fn estimate(&self) -> ClockEstimate {
        self.state.lock().clock.estimate()
    }

    fn lead(&self) -> Option<Arc<str>> {
        self.state.lock().lead.as_ref().map(|lead| Arc::clone(&lead.name))
    }
}

#[derive(Debug, Clone, Copy)]
struct Follow {
    over: i64,
    slew: i64,
}

/// What a label changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Noted {
    /// Nothing but the estimate.
    Same,
    /// From here on times are the timecode's.
    Begun,
    /// It is not to be believed (any more); said once until it is again.
    Lost(String),
}

/// Relates one connection's own times to labels.
#[derive(Debug, Default)]
pub(super) struct EmbeddedClock {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Labels' time minus running time.
    code_from_running: Option<i64>,
    noted_running: i64,
    /// Labels in turn that stand elsewhere, all in one place, which is this.
    astray: u32,
    astray_at: i64,
    believed: bool,
    complained: bool,
    scatter_nanos: f64,
    jumps: u64,
    recent: VecDeque<Timecode>,
    /// Labels seen in pictures, up to [`PAIRS_KNOWN_AFTER`].
    seen: u32,
    /// How sure it is that two frames share each label (50 and 60 frames a second, as the standard has it).
    paired: u32,
    /// Running time of the first look, and of the last label.
    begun_running: Option<i64>,
    heard_running: Option<i64>,
    /// Labels in pictures that had not come before, counted to two: then it runs.
    distinct: u8,
    /// Running time of the last label that had come before.
    stood_running: Option<i64>,
    /// It was told that there is none.
    told_missing: bool,
    /// Running time and labels' time of the picture that was labelled last.
    exact: Option<(i64, i64)>,
}

impl EmbeddedClock {
    /// House time of running time zero; `None` while no label is believed.
    pub fn origin(&self, reference: &TimecodeReference) -> Option<MediaTime> {
        let state = self.state.lock();
        let code = state.code_from_running.filter(|_| state.believed)?;
        Some(MediaTime::from_nanos(code.saturating_add(reference.offset_nanos())))
    }

    /// The same for the picture of running time `running`: where it has a label, that is its time.
    pub fn origin_of(&self, running: i64, reference: &TimecodeReference) -> Option<MediaTime> {
        let exact = {
            let state = self.state.lock();
            state.exact.filter(|(at, _)| *at == running && state.believed).map(|(_, code)| code)
        };
        let labelled = |code: i64| MediaTime::from_nanos(code.saturating_sub(running).saturating_add(reference.offset_nanos()));
        exact.map(labelled).or_else(|| self.origin(reference))
    }

    /// How the generator runs by the house clock, and how far labels and the stream's own times scatter.
    pub fn estimate(&self, reference: &TimecodeReference) -> Option<ClockEstimate> {
        let state = self.state.lock();
        let scatter = state.scatter_nanos as i64;
        state.believed.then(|| ClockEstimate { jitter_nanos: scatter, jumps: state.jumps, ..reference.estimate() })
    }

    /// A picture of running time `running` came, of a stream whose labels are wanted: whether they are missing.
    pub fn look(&self, running: i64) -> Noted {
        let mut state = self.state.lock();
        let begun = *state.begun_running.get_or_insert(running);
        let stands = state.stood_running.is_some_and(|stood| running.saturating_sub(stood) <= STANDS_NANOS);
        let (since, patience, what) = match state.heard_running {
            Some(heard) if stands => (heard, GONE_NANOS, "its timecode has stood still"),
            Some(heard) => (heard, GONE_NANOS, "its timecode has been gone"),
            None => (begun, NEVER_NANOS, "no timecode has come"),
        };
        if running.saturating_sub(since) <= patience || std::mem::replace(&mut state.told_missing, true) {
            return Noted::Same;
        }
        state.believed = false;
        let remedy = if stands {
            "Let it run freely (FREE RUN, not REC RUN), and check that the generator runs"
        } else {
            "Check the generator and the cable, and that the camera puts it into its stream"
        };
        Noted::Lost(format!("{what} for {:.0} s; times are those of arrival. {remedy}", patience as f64 * 1e-9))
    }

    /// A label in a picture: shown with the picture of running time `running`. Which of them a second has follows from the labels.
    pub fn note_picture(
        &self,
        (name, reference): (&Arc<str>, &TimecodeReference),
        (label, rate): (Timecode, FrameRate),
        running: i64,
        arrival: MediaTime,
    ) -> Noted {
        let paired = {
            let mut state = self.state.lock();
            let repeated = state.recent.contains(&label);
            if repeated {
                state.stood_running = Some(running);
                // The first was believed at once, or pictures would step back in time with the second; but it stands.
                if state.distinct < 2 && state.believed {
                    (state.believed, state.code_from_running, state.exact) = (false, None, None);
                    reference.retract(name);
                }
            } else {
                state.distinct = (state.distinct + 1).min(2);
                state.hear(running);
            }
            if state.recent.len() == REPEATED_WITHIN {
                state.recent.pop_front();
            }
            state.recent.push_back(label);
            state.seen = (state.seen + 1).min(PAIRS_KNOWN_AFTER);
            state.paired = match repeated {
                // No pair has such a label.
                _ if u64::from(label.frames) >= (rate.fps().round() as u64) / 2 => 0,
                true => (state.paired + 2).min(MOST_PAIRED),
                false => state.paired.saturating_sub(1),
            };
            if repeated {
                // The second of a pair has no label of its own.
                return Noted::Same;
            }
            // Whether labels come twice shows after a few.
            if rate.fps() > 31.0 && state.seen < PAIRS_KNOWN_AFTER {
                return Noted::Same;
            }
            rate.fps() > 31.0 && state.paired >= PAIRED_FROM
        };
        let halved = FrameRate::new(rate.numerator() / 2, rate.denominator());
        let rate = if paired { halved.unwrap_or(rate) } else { rate };
        let noted = self.note((name, reference), (label, rate), running, arrival);
        let mut state = self.state.lock();
        let code = label.nanos_of_day(rate).zip(state.code_from_running);
        // The day is that of the average, which it was not far from.
        state.exact = code.filter(|_| state.astray == 0).map(|(of_day, average)| {
            let day = Timecode::day_nanos(rate, label.drop_frame).max(1);
            let days = (running.saturating_add(average).saturating_sub(of_day) as f64 / day as f64).round() as i64;
            (running, of_day.saturating_add(days.saturating_mul(day)))
        });
        noted
    }

    /// A label whose frame begins at running time `running` and is known since `arrival`.
    pub fn note(
        &self,
        (name, reference): (&Arc<str>, &TimecodeReference),
        (label, rate): (Timecode, FrameRate),
        running: i64,
        arrival: MediaTime,
    ) -> Noted {
        let Some(of_day) = label.nanos_of_day(rate) else { return Noted::Same };
        let code = reference.unwrapped(of_day, Timecode::day_nanos(rate, label.drop_frame), arrival);
        let mut state = self.state.lock();
        state.hear(running);
        if !state.follow(code, running) {
            return Noted::Same;
        }
        reference.note(name, code, arrival);
        let age = arrival.nanos().saturating_sub(code).saturating_sub(reference.offset_nanos());
        if !(-MOST_EARLY_NANOS..=MOST_LATE_NANOS).contains(&age) {
            state.believed = false;
            if std::mem::replace(&mut state.complained, true) {
                return Noted::Same;
            }
            let of = reference.lead().map_or_else(|| "the others'".to_owned(), |lead| format!("that of {lead}"));
            return Noted::Lost(format!(
                "its timecode {label} is {:.1} s off {of}; times are those of arrival. Set both by the same generator",
                age as f64 * 1e-9
            ));
        }
        state.complained = false;
        if std::mem::replace(&mut state.believed, true) { Noted::Same } else { Noted::Begun }
    }
}

impl State {
    /// A label that has not been before.
    fn hear(&mut self, running: i64) {
        self.heard_running = Some(running);
        self.told_missing = false;
    }

    /// Averages the relation; false while a label stands elsewhere than its frame should.
    fn follow(&mut self, code: i64, running: i64) -> bool {
        let wanted = code.saturating_sub(running);
        let Some(before) = self.code_from_running else {
            (self.code_from_running, self.noted_running) = (Some(wanted), running);
            return true;
        };
        let off = wanted.saturating_sub(before);
        if off.saturating_abs() > JUMP_NANOS {
            let as_before = self.astray > 0 && wanted.saturating_sub(self.astray_at).saturating_abs() <= JUMP_NANOS;
            self.astray = if as_before { self.astray + 1 } else { 1 };
            self.astray_at = wanted;
            if self.astray < JUMP_AFTER {
                return false;
            }
            self.jumps += 1;
            self.code_from_running = Some(wanted);
        } else {
            let passed = running.saturating_sub(self.noted_running).max(0);
            let most = passed / AVERAGE.slew;
            self.code_from_running = Some(before.saturating_add((off / AVERAGE.over).clamp(-most, most)));
            self.scatter_nanos += (off.saturating_abs() as f64 - self.scatter_nanos) / 64.0;
        }
        self.astray = 0;
        self.noted_running = self.noted_running.max(running);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: i64 = 40_000_000;

    fn pal() -> FrameRate {
        FrameRate::whole(25)
    }

    fn at(nanos: i64) -> MediaTime {
        MediaTime::from_nanos(nanos)
    }

    struct Camera {
        name: Arc<str>,
        clock: EmbeddedClock,
        /// Its running time's beginning in house time, how long its pictures are on their way, and how many labels it is off.
        begun: i64,
        transit: i64,
        labels_off: u64,
    }

    impl Camera {
        fn new(name: &str, begun: i64, transit: i64, labels_off: u64) -> Self {
            Self { name: name.into(), clock: EmbeddedClock::default(), begun, transit, labels_off }
        }

        /// Its picture of the generator's frame `k` (house time: 10 s later), in running time of its own; returns its house time.
        fn show(&self, reference: &TimecodeReference, k: i64, first_label: u64) -> (Noted, Option<i64>) {
            let seen = 10_000_000_000 + k * FRAME;
            let running = seen - self.begun;
            let label = Timecode::of_frame(first_label + self.labels_off + k as u64, pal());
            let noted = self.clock.note_picture((&self.name, reference), (label, pal()), running, at(seen + self.transit));
            (noted, self.clock.origin_of(running, reference).map(|o| o.nanos() + running))
        }
    }

    #[test]
    fn frames_with_one_label_have_one_time_however_long_they_travel() {
        let reference = TimecodeReference::default();
        let cameras = [Camera::new("a", 3, 60_000_000, 0), Camera::new("b", 9_000_000_000, 900_000_000, 0)];
        // Over midnight: the labels begin again after a hundred frames.
        let first = 2_160_000 - 100;
        for k in 0..400 {
            let times: Vec<_> = cameras.iter().map(|c| c.show(&reference, k, first)).collect();
            if k > 0 {
                assert_eq!(times[0].1, times[1].1, "frame {k}");
                // House time is the lead's arrival.
                let lead = 10_000_000_000 + k * FRAME + 60_000_000;
                assert!((times[1].1.unwrap() - lead).abs() < 1000, "frame {k}: {times:?}");
            }
        }
        assert!(cameras.iter().all(|c| c.clock.estimate(&reference).unwrap().jumps == 0));
    }

    #[test]
    fn another_generator_is_told_and_the_next_leads_when_the_first_is_silent() {
        let reference = TimecodeReference::default();
        let (a, b) = (Camera::new("a", 0, 50_000_000, 0), Camera::new("b", 0, 500_000_000, 0));
        let wrong = Camera::new("wrong", 0, 10_000_000, 90_000);
        let mut told = 0;
        for k in 0..100 {
            a.show(&reference, k, 1000);
            b.show(&reference, k, 1000);
            let (noted, time) = wrong.show(&reference, k, 1000);
            if let Noted::Lost(why) = noted {
                told += 1;
                assert!(why.contains("that of a") && why.contains("s off"), "{why}");
            }
            assert_eq!(time, None);
        }
        assert_eq!(told, 1);
        let mut last = i64::MIN;
        for k in 100..1000 {
            // It goes on, and is there before `b` when the lead's silence ends.
            assert_eq!(wrong.show(&reference, k, 1000).1, None);
            // `a` is away; half a second of transit more does not move the times of `b`.
            let (_, time) = b.show(&reference, k, 1000);
            let time = time.unwrap();
            assert!(time > last && (time - 10_050_000_000 - k * FRAME).abs() < 1_000_000, "frame {k}");
            last = time;
        }
        assert_eq!(reference.lead().as_deref(), Some("b"));
    }

    #[test]
    fn a_label_that_is_wrong_once_changes_nothing_and_a_generator_that_is_set_is_followed() {
        let reference = TimecodeReference::default();
        let camera = Camera::new("a", 0, 50_000_000, 0);
        for k in 0..100 {
            camera.show(&reference, k, 1000);
        }
        let (noted, time) = camera.show(&reference, 100, 7000);
        assert_eq!((noted, time.unwrap() / FRAME), (Noted::Same, (10_050_000_000 + 100 * FRAME) / FRAME));
        for k in 101..300 {
            let (_, time) = camera.show(&reference, k, 500_000);
            if k > 120 {
                assert!((time.unwrap() - 10_050_000_000 - k * FRAME).abs() < 2_000_000, "frame {k}");
            }
        }
        assert_eq!(camera.clock.estimate(&reference).unwrap().jumps, 1);
    }

    #[test]
    fn two_frames_that_share_a_label_are_known() {
        let reference = TimecodeReference::default();
        let (name, clock, rate): (Arc<str>, _, _) = ("a".into(), EmbeddedClock::default(), FrameRate::whole(50));
        for k in 0..500_i64 {
            let (running, label) = (k * FRAME / 2, Timecode::of_frame(2000 + k as u64 / 2, pal()));
            clock.note_picture((&name, &reference), (label, rate), running, at(running + 5_000_000));
            if k > 100 {
                let time = clock.origin(&reference).unwrap().nanos() + running;
                assert!((time - running - 5_000_000).abs() < 1_000_000, "frame {k}: {}", time - running);
            }
        }
    }

    #[test]
    fn one_picture_that_came_twice_makes_no_pairs() {
        let reference = TimecodeReference::default();
        let (name, clock, rate): (Arc<str>, _, _) = ("a".into(), EmbeddedClock::default(), FrameRate::whole(50));
        for k in 0..1000_i64 {
            // A frame synchronizer repeats one at 100; the generator goes on.
            let (running, label) = (k * FRAME / 2, Timecode::of_frame(2000 + k as u64 - u64::from(k == 100), rate));
            clock.note_picture((&name, &reference), (label, rate), running, at(running + 5_000_000));
            if k > 20 {
                let time = clock.origin_of(running, &reference).unwrap().nanos() + running;
                assert!((time - running - 5_000_000).abs() < 1_000_000, "frame {k}: {}", time - running);
            }
        }
        assert_eq!(clock.estimate(&reference).unwrap().jumps, 0);
    }

    #[test]
    fn labels_that_never_come_or_go_away_are_told_once() {
        let reference = TimecodeReference::default();
        let camera = Camera::new("a", 0, 50_000_000, 0);
        let told = |from: i64, until: i64| {
            let lost: Vec<_> = (from..until).map(|k| camera.clock.look(k * FRAME)).filter(|n| *n != Noted::Same).collect();
            assert!(lost.len() <= 1, "{lost:?}");
            lost.into_iter().next()
        };
        assert!(matches!(told(0, 400), Some(Noted::Lost(why)) if why.contains("no timecode has come for 10 s")));
        for k in 400..600 {
            camera.show(&reference, k, 1000);
            let seen = 10_000_000_000 + k * FRAME;
            assert_eq!(camera.clock.look(seen), Noted::Same);
        }
        assert!(camera.clock.origin(&reference).is_some());
        let away = 250 + 600;
        assert!(matches!(told(away, away + 400), Some(Noted::Lost(why)) if why.contains("gone for 5 s")));
        assert_eq!(camera.clock.origin(&reference), None);
        assert_eq!(camera.show(&reference, away + 400, 1000).0, Noted::Begun);
    }

    #[test]
    fn a_generator_that_stands_is_not_believed_and_told() {
        let reference = TimecodeReference::default();
        // Each stands for twelve seconds, the second one, connected later, at a label that is two seconds old; then both run with the generator.
        let label_at = |k: i64| Timecode::of_frame(90_000 + k as u64, pal());
        for (name, begins, stands_at) in [("a", 0, 0), ("b", 400, 350)] {
            let (name, clock): (Arc<str>, _) = (name.into(), EmbeddedClock::default());
            let show = |k: i64, label: Timecode| {
                let (running, arrival) = ((k - begins) * FRAME, at(10_000_000_000 + k * FRAME));
                (clock.note_picture((&name, &reference), (label, pal()), running, arrival), clock.origin_of(running, &reference))
            };
            let mut told = Vec::new();
            for k in begins..begins + 300 {
                let (noted, origin) = show(k, label_at(stands_at));
                if k > begins {
                    assert_eq!((noted, origin), (Noted::Same, None), "frame {k}");
                }
                told.extend(Some(clock.look((k - begins) * FRAME)).filter(|noted| *noted != Noted::Same));
            }
            assert!(matches!(&told[..], [Noted::Lost(why)] if why.contains("stood still for 5 s") && why.contains("FREE RUN")), "{told:?}");
            let runs: Vec<_> = (begins + 300..begins + 320).map(|k| show(k, label_at(k))).collect();
            assert_eq!(runs.iter().filter(|(noted, _)| *noted != Noted::Same).map(|(noted, _)| noted).collect::<Vec<_>>(), [&Noted::Begun]);
            // Its first picture came at 10 s and `begins` frames.
            assert!(
                runs.iter().all(|(_, origin)| origin.is_some_and(|o| (o.nanos() - 10_000_000_000 - begins * FRAME).abs() < 2_000_000)),
                "{runs:?}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn no_label_breaks_it(labels in proptest::collection::vec((0_u8..100, 0_u8..100, 0_u8..100, proptest::bool::ANY, proptest::num::i64::ANY), 1..200)) {
            let (reference, clock, name): (_, _, Arc<str>) = (TimecodeReference::default(), EmbeddedClock::default(), "a".into());
            for (k, (hours, seconds, frames, drop_frame, running)) in labels.into_iter().enumerate() {
                let label = Timecode { hours, minutes: seconds, seconds, frames, drop_frame };
                clock.note_picture((&name, &reference), (label, pal()), running, at(k as i64 * FRAME));
                clock.origin(&reference);
            }
        }
    }
}
