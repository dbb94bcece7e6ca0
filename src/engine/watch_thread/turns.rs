//! How much of the machine the watch takes, and whose turn it is: a look at where a camera stands rests by a share of its own, so that all cameras come
//! round in time, whatever health and plates take, which are a multiple of it and rest by another.
//!
//! Pure: the time is given. Must not know: pictures.

use std::time::{Duration, Instant};

/// Share of each core that looking may take, and health and plates together as much again.
const SHARE_OF_A_CORE: f64 = 0.06;
/// Share of one core that either takes at most, however many there are.
const MOST_SHARE: f64 = 0.5;

/// What the watch may take, and who was longest without.
#[derive(Debug)]
pub(super) struct Turns {
    share: f64,
    /// Health and plates rest until then.
    upkeep_due: Instant,
    /// When each camera had its last upkeep.
    kept: Vec<Option<Instant>>,
}

impl Turns {
    pub fn new(cores: usize, cameras: usize, now: Instant) -> Self {
        Self { share: (SHARE_OF_A_CORE * cores as f64).min(MOST_SHARE), upkeep_due: now, kept: vec![None; cameras] }
    }

    /// How long to rest after what took so long. What is `urgent` rests as little as anything may.
    pub fn rest(&self, took: Duration, urgent: bool) -> Duration {
        let share = if urgent { MOST_SHARE } else { self.share };
        took.mul_f64(1.0 / share - 1.0)
    }

    /// Whether a camera that was just looked at has upkeep now: nobody who `is_there` was longer without.
    pub fn is_due(&self, camera: usize, now: Instant, is_there: impl Fn(usize) -> bool) -> bool {
        let own = self.kept.get(camera).copied().flatten();
        now >= self.upkeep_due && !self.kept.iter().enumerate().any(|(other, kept)| *kept < own && is_there(other))
    }

    /// It had it, from `begun` to `now`, of which so much counts.
    pub fn kept(&mut self, camera: usize, begun: Instant, now: Instant, counts: Duration) {
        if let Some(kept) = self.kept.get_mut(camera) {
            *kept = Some(begun);
        }
        self.upkeep_due = now + self.rest(counts, false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOK: Duration = Duration::from_millis(16);
    const UPKEEP: Duration = Duration::from_millis(100);

    /// Cameras in turn for a minute: the longest time between two looks and between two upkeeps of one of them, and the share of a core that it took.
    fn longest(cores: usize, cameras: usize, delivers: impl Fn(usize) -> bool) -> (Duration, Duration, f64) {
        let begin = Instant::now();
        let mut now = begin;
        let mut turns = Turns::new(cores, cameras, now);
        let (mut looked, mut kept) = (vec![begin; cameras], vec![begin; cameras]);
        let (mut between_looks, mut between_upkeeps, mut worked) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
        for camera in (0..cameras).cycle().filter(|c| delivers(*c)) {
            if now - begin > Duration::from_mins(1) {
                break;
            }
            between_looks = between_looks.max(now - looked[camera]);
            looked[camera] = now;
            now += LOOK;
            worked += LOOK;
            let rest = turns.rest(LOOK, false);
            if turns.is_due(camera, now, &delivers) {
                between_upkeeps = between_upkeeps.max(now - kept[camera]);
                kept[camera] = now;
                turns.kept(camera, now, now + UPKEEP, UPKEEP);
                now += UPKEEP;
                worked += UPKEEP;
            }
            now += rest;
        }
        for camera in (0..cameras).filter(|c| delivers(*c)) {
            between_looks = between_looks.max(now - looked[camera]);
            between_upkeeps = between_upkeeps.max(now - kept[camera]);
        }
        (between_looks, between_upkeeps, worked.as_secs_f64() / (now - begin).as_secs_f64())
    }

    #[test]
    fn twelve_large_cameras_on_two_cores_come_round_in_two_seconds_and_all_have_upkeep() {
        for (cores, cameras) in [(2, 12), (4, 16), (8, 24)] {
            let (looks, upkeeps, share) = longest(cores, cameras, |_| true);
            println!("{cameras} cameras on {cores} cores: looked at each {looks:?}, upkeep each {upkeeps:?}, {share:.2} of a core");
            assert!(looks <= Duration::from_secs(2), "{cameras} cameras on {cores} cores: {looks:?}");
            assert!(upkeeps <= Duration::from_secs(20), "{cameras} cameras on {cores} cores: {upkeeps:?}");
            assert!(share < 2.2 * SHARE_OF_A_CORE * cores as f64, "{share}");
        }
    }

    #[test]
    fn a_camera_that_delivers_nothing_keeps_nobody_from_upkeep() {
        let (_, upkeeps, _) = longest(2, 5, |camera| camera != 2);
        assert!(upkeeps <= Duration::from_secs(8), "{upkeeps:?}");
    }

    #[test]
    fn what_is_urgent_rests_least_and_many_cores_are_not_all_taken() {
        let turns = |cores| Turns::new(cores, 1, Instant::now());
        assert_eq!(turns(2).rest(LOOK, true), LOOK);
        assert!(turns(2).rest(LOOK, false) > 7 * LOOK && turns(64).rest(LOOK, false) == LOOK);
    }
}
