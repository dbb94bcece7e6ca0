//! Pick-up of faders ("soft takeover"): a fader that stands elsewhere than what it moves takes hold only when it comes there, so that a touch never
//! makes program jump.
//!
//! Must not know: devices, the table of controls.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use crate::engine::{ProgramKind, Snapshot};

/// A fader this near to what it moves takes hold, as a share of its way: two or three steps of MIDI's 127.
const NEAR: f64 = 0.02;
/// What the engine was asked for is seen after so long at the latest.
const LAG: Duration = Duration::from_secs(1);
/// Values that are on their way to the engine, at most.
const MOST: usize = 2000;

/// Where that stands which a fader moves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    /// As a share of the fader's way, 0…1.
    pub share: f64,
    /// Its smallest step, as such a share.
    pub grain: f64,
    /// Which shot of program is moved; `None` where program is not. Another one is held by nobody yet.
    pub shot: Option<u64>,
}

/// Where that stands which a command with `{}` moves; `None` where the command has nothing to be picked up.
pub fn place_of(command: &str, [low, high]: [f64; 2], snapshot: &Snapshot) -> Option<Place> {
    let in_time = command.trim() == "t-bar-time {}";
    let is_bar = in_time || command.trim() == "t-bar {}";
    let (value, grain) = match command.trim() {
        // A playlist on air keeps its own time: the engine says so.
        _ if is_bar && snapshot.playlist.elapsed_secs.is_some() => return None,
        _ if is_bar => (snapshot.t_bar(in_time)?, snapshot.t_bar_grain(in_time)),
        "orbit-to {}" => (snapshot.position, 0.0),
        "speed {}" => (f64::from(snapshot.speed_percent), 1.0),
        "b speed {}" => (f64::from(snapshot.second.as_ref()?.speed_percent), 1.0),
        _ => return None,
    };
    let way = high - low;
    let is_on_air = is_bar && matches!(snapshot.program.kind, ProgramKind::Replay { .. });
    (way != 0.0).then(|| Place {
        // What stands beyond the fader's ends is picked up there.
        share: ((value - low) / way).clamp(0.0, 1.0),
        grain: (grain / way).abs(),
        shot: is_on_air.then_some(snapshot.program.shot),
    })
}

/// What one fader did so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PickUp {
    /// Where it was last, and when.
    last: Option<(Instant, f64)>,
    shot: Option<u64>,
    /// Where it took hold, and what it asked for since, oldest first, as far as that was not seen yet: what stands at one of these it holds.
    asked: VecDeque<(Instant, f64)>,
}

impl PickUp {
    /// Whether a fader that was moved to a share of its way holds what stands at `place`.
    pub fn holds(&mut self, share: f64, place: &Place, now: Instant) -> bool {
        let near = NEAR.max(place.grain);
        let is_near = |at: f64| (at - place.share).abs() <= near;
        let is_old = |when: Instant| now.saturating_duration_since(when) > LAG;
        if self.shot != place.shot {
            self.asked.clear();
        }
        self.shot = place.shot;
        // The engine is behind a fast hand: what it shows may be any of what was asked for lately, or else the last.
        while self.asked.len() > 1 && self.asked.front().is_some_and(|(when, _)| is_old(*when)) {
            self.asked.pop_front();
        }
        let seen = self.asked.iter().rposition(|(_, at)| is_near(*at));
        self.asked.drain(..seen.unwrap_or(self.asked.len()));
        let before = self.last.replace((now, share)).filter(|(when, _)| !is_old(*when)).map(|(_, at)| at);
        let passes = || before.is_some_and(|before| (before - place.share) * (share - place.share) <= 0.0);
        let holds = seen.is_some() || is_near(share) || passes();
        if holds {
            if self.asked.is_empty() {
                self.asked.push_back((now, place.share));
            }
            while self.asked.len() >= MOST {
                self.asked.pop_front();
            }
            self.asked.push_back((now, share));
        }
        holds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place = Place { share: 0.0, grain: 0.0, shot: None };

    /// A hand that moves a fader to each place at its time (ms) while what it moves stands where the engine last put it, `lag` moves behind.
    fn moved(pick: &mut PickUp, begun: Instant, stands: f64, lag: usize, hand: &[(u64, f64)]) -> Vec<f64> {
        let mut at = vec![stands];
        for (millis, share) in hand {
            let seen = at[at.len().saturating_sub(1 + lag)];
            if pick.holds(*share, &Place { share: seen, ..PLACE }, begun + Duration::from_millis(*millis)) {
                at.push(*share);
            }
        }
        at.remove(0);
        at
    }

    #[test]
    fn a_fader_that_stands_elsewhere_takes_hold_where_it_meets_what_it_moves() {
        let begun = Instant::now();
        // Upwards from the bottom, while program stands at 0.6: nothing, nothing, near, and then it is followed whatever way.
        let up = [(0, 0.0), (10, 0.3), (20, 0.59), (30, 0.9), (40, 0.1)];
        assert_eq!(moved(&mut PickUp::default(), begun, 0.6, 0, &up), [0.59, 0.9, 0.1]);
        // A fast hand passes it without coming near.
        assert_eq!(moved(&mut PickUp::default(), begun, 0.6, 0, &[(0, 0.9), (10, 0.7), (20, 0.4), (30, 0.3)]), [0.4, 0.3]);
        // Between two touches long apart nobody knows where it was: that is no passing.
        assert_eq!(moved(&mut PickUp::default(), begun, 0.6, 0, &[(0, 0.9), (5000, 0.2), (5010, 0.1)]), Vec::<f64>::new());
        // It rests, and goes on from where it left it.
        assert_eq!(moved(&mut PickUp::default(), begun, 0.6, 0, &[(0, 0.6), (10, 0.8), (60_000, 0.85), (60_010, 0.2)]).len(), 4);
    }

    #[test]
    fn an_engine_that_is_behind_a_fast_hand_is_not_another_hand() {
        let begun = Instant::now();
        let sweep: Vec<(u64, f64)> = (0..=20).map(|k| (k * 2, k as f64 * 0.05)).collect();
        for lag in 0..6 {
            assert_eq!(moved(&mut PickUp::default(), begun, 0.525, lag, &sweep).len(), 10, "{lag} moves behind");
        }
    }

    #[test]
    fn what_somebody_else_moved_and_another_shot_must_be_picked_up_again() {
        let begun = Instant::now();
        let later = |secs: u64| begun + Duration::from_secs(secs);
        let at = |share: f64, shot| Place { share, shot, ..PLACE };
        let mut pick = PickUp::default();
        assert!(pick.holds(0.5, &at(0.5, None), begun) && pick.holds(0.7, &at(0.5, None), begun));
        // A key put it elsewhere.
        assert!(!pick.holds(0.71, &at(0.2, None), later(5)));
        assert!(pick.holds(0.19, &at(0.2, None), later(6)));
        // A take: the same place of another thing, by chance, is near and held; any other is not.
        assert!(!pick.holds(0.3, &at(0.0, Some(4)), later(6)), "asked for 0.19 of preview, not of program");
        assert!(pick.holds(0.01, &at(0.0, Some(4)), later(8)));
        assert!(!pick.holds(0.1, &at(0.2, Some(5)), later(8)), "and the next take again");
        // What goes by frames is near within a frame.
        assert!(PickUp::default().holds(0.5, &Place { share: 0.41, grain: 0.1, shot: None }, begun));
    }
}
