//! Paths in which time runs, from the marks of an event: a roll on one camera, a roll that travels, a roll that freezes and orbits
//! on its way. Instants are seconds since the mark; a speed is 1 as it was, negative backwards, and never 0.

use super::{Easing, Key, PATH_VERSION, Path, Station};

/// The slowest speed.
pub const SLOWEST: f64 = 0.05;
/// The shortest path, seconds.
const SHORTEST_SECS: f64 = 0.04;

/// Straight parts of a ramp: instants are at most an 8192nd of its time times the change of its speed beside the curve.
const RAMP_PARTS: u32 = 32;

/// A stretch of time and how fast it runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Roll {
    /// In point, seconds since the mark.
    pub in_secs: f64,
    /// Out point, seconds since the mark.
    pub out_secs: f64,
    /// Speed; backwards it runs from out to in.
    pub speed: f64,
}

impl Roll {
    fn speed(&self) -> f64 {
        let speed = if self.speed.is_finite() { self.speed.clamp(-16.0, 16.0) } else { 1.0 };
        if speed.abs() < SLOWEST { SLOWEST.copysign(speed) } else { speed }
    }

    /// Where it begins and ends, in the order in which it runs.
    pub fn ends(&self) -> (f64, f64) {
        let (a, b) = (self.in_secs.min(self.out_secs), self.in_secs.max(self.out_secs));
        if self.speed() < 0.0 { (b, a) } else { (a, b) }
    }

    /// How long it takes, seconds.
    pub fn secs(&self) -> f64 {
        ((self.out_secs - self.in_secs).abs() / self.speed().abs()).clamp(SHORTEST_SECS, 3600.0)
    }
}

fn path(name: &str, keys: Vec<Key>) -> Path {
    let duration_secs = keys.last().map_or(SHORTEST_SECS, |k| k.at_secs).max(SHORTEST_SECS);
    Path { version: PATH_VERSION, name: name.to_owned(), duration_secs, looped: false, stabilize: false, keys }
}

fn at(secs: f64, position: f64, instant_secs: f64) -> Key {
    Key::new(secs, Station::Position(position)).showing(instant_secs).eased(Easing::Linear)
}

/// The camera stays, time runs.
pub fn roll(position: f64, roll: &Roll) -> Path {
    let (from, to) = roll.ends();
    path("roll", vec![at(0.0, position, from), at(roll.secs(), position, to)])
}

/// The camera stays, time runs, and its speed changes evenly from the stretch's own to another one in the same direction, which it has at the end.
pub fn ramped_roll(position: f64, roll: &Roll, end_speed: f64) -> Path {
    let (from, to) = roll.ends();
    let way = to - from;
    let first = roll.speed().abs();
    let last = Roll { speed: end_speed, ..*roll }.speed().abs();
    // Evenly from one speed to the other it is as long as at their mean.
    let secs = (2.0 * way.abs() / (first + last)).clamp(SHORTEST_SECS, 3600.0);
    let key = |k: u32| {
        let u = f64::from(k) / f64::from(RAMP_PARTS);
        // The share of the way after a share of the time: the integral of the speed.
        let share = u * (first + 0.5 * (last - first) * u) / (0.5 * (first + last));
        at(secs * u, position, from + way * share)
    };
    path("ramped roll", (0..=RAMP_PARTS).map(key).collect())
}

/// Time stands still at an instant for so long.
pub fn still(position: f64, instant_secs: f64, secs: f64) -> Path {
    let secs = if secs.is_finite() { secs.clamp(SHORTEST_SECS, 3600.0) } else { 2.0 };
    path("still", vec![at(0.0, position, instant_secs), at(secs, position, instant_secs)])
}

/// Time runs while the camera travels.
pub fn roll_through(from: f64, to: f64, roll: &Roll) -> Path {
    let (begin, end) = roll.ends();
    let eased = |u: f64| u * u * (3.0 - 2.0 * u);
    let key = |u: f64| at(roll.secs() * u, from + (to - from) * eased(u), begin + (end - begin) * u).eased(Easing::Smooth);
    path("roll-through", (0..=8).map(|k| key(f64::from(k) / 8.0)).collect())
}

/// Time runs up to the mark, stands still while the camera travels, and runs on from there.
pub fn freeze_in_roll(from: f64, to: f64, orbit_secs: f64, roll: &Roll) -> Path {
    let (begin, end) = roll.ends();
    let speed = roll.speed().abs();
    let orbit_secs = if orbit_secs.is_finite() { orbit_secs.clamp(SHORTEST_SECS, 600.0) } else { 3.0 };
    let hold = 0.2;
    // A mark outside of the stretch has nothing before it, or nothing after it.
    let (low, high) = (begin.min(end), begin.max(end));
    let mark = 0.0_f64.clamp(low, high);
    let mut keys = vec![];
    let mut t = 0.0;
    let before = (mark - begin).abs() / speed;
    if before > 1e-3 {
        keys.push(at(0.0, from, begin));
        t += before;
    }
    keys.push(at(t, from, mark));
    keys.push(at(t + hold, from, mark).eased(Easing::EaseInOut));
    t += hold + orbit_secs;
    keys.push(at(t, to, mark));
    keys.push(at(t + hold, to, mark));
    t += hold;
    let after = (end - mark).abs() / speed;
    if after > 1e-3 {
        keys.push(at(t + after, to, end));
    }
    path("freeze in the roll", keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rolls_run_from_end_to_end_at_their_speed() {
        for (speed, secs, ends) in [(0.5, 8.0, (-3.0, 1.0)), (-1.0, 4.0, (1.0, -3.0)), (4.0, 1.0, (-3.0, 1.0)), (0.0, 80.0, (-3.0, 1.0))] {
            let r = Roll { in_secs: -3.0, out_secs: 1.0, speed };
            let p = roll(2.0, &r);
            p.check().unwrap();
            assert!((p.duration_secs - secs).abs() < 1e-9, "{speed}: {}", p.duration_secs);
            assert_eq!((p.keys[0].instant_secs, p.keys[1].instant_secs), ends);
            assert!(!p.is_frozen());
        }
        let r = Roll { in_secs: f64::NAN, ..Roll { in_secs: 0.0, out_secs: 0.0, speed: 1.0 } };
        assert!(Roll { in_secs: 0.0, ..r }.secs() > 0.0);
    }

    #[test]
    fn a_roll_freezes_at_the_mark_and_goes_on_in_its_direction() {
        for speed in [0.5, -0.5, 2.0] {
            for (in_secs, out_secs) in [(-3.0, 1.0), (0.0, 2.0), (-2.0, 0.0), (0.5, 2.0), (0.0, 0.0)] {
                let r = Roll { in_secs, out_secs, speed };
                let p = freeze_in_roll(1.0, 4.0, 3.0, &r);
                p.check().unwrap();
                let sign = if speed < 0.0 { -1.0 } else { 1.0 };
                for k in p.keys.windows(2) {
                    assert!((k[1].instant_secs - k[0].instant_secs) * sign >= -1e-9, "{p:?}");
                }
                let moved = |k: &&[Key]| k[0].camera != k[1].camera;
                let orbit: Vec<_> = p.keys.windows(2).filter(moved).collect();
                assert_eq!(orbit.len(), 1);
                assert!((orbit[0][0].instant_secs - orbit[0][1].instant_secs).abs() < 1e-9, "it travels only while time stands still");
            }
            let r = Roll { in_secs: -3.0, out_secs: 1.0, speed };
            roll_through(0.0, 5.0, &r).check().unwrap();
            assert!(still(1.5, -0.5, 2.0).is_frozen());
        }
    }

    #[test]
    fn a_ramp_is_even_and_ends_where_the_roll_ends() {
        for (speed, end_speed, secs) in [(1.0, 0.25, 6.4), (0.25, 1.0, 6.4), (-2.0, -0.5, 3.2), (1.0, -0.25, 6.4), (0.5, 0.5, 8.0)] {
            let r = Roll { in_secs: -3.0, out_secs: 1.0, speed };
            let p = ramped_roll(2.0, &r, end_speed);
            p.check().unwrap();
            assert!((p.duration_secs - secs).abs() < 1e-9, "{speed} {end_speed}: {}", p.duration_secs);
            let (from, to) = r.ends();
            let (first, last) = (&p.keys[0], &p.keys[p.keys.len() - 1]);
            assert!((first.instant_secs - from).abs() < 1e-9 && (last.instant_secs - to).abs() < 1e-9, "{first:?} {last:?}");
            // The speed of each part is the ramp's in its middle.
            for (k, w) in p.keys.windows(2).enumerate() {
                let is = (w[1].instant_secs - w[0].instant_secs) / (w[1].at_secs - w[0].at_secs);
                let u = (k as f64 + 0.5) / f64::from(RAMP_PARTS);
                let wanted = speed.signum() * (speed.abs() + (f64::abs(end_speed) - speed.abs()) * u);
                assert!((is - wanted).abs() < 1e-9, "{speed} {end_speed}: {is}, not {wanted}");
            }
        }
    }
}
