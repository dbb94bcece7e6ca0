//! A clap as a clock: one sound that every camera heard on its own track, wherever it looks and however dark it is.
//!
//! Sound is slow: three metres are a frame's half at 50 frames a second. So the way from where the clap was to each camera is taken out, at the speed of
//! sound in air of that temperature, √(γRT/M) (331.3 m/s at 0 °C). The first arrival is found to a millisecond by how suddenly it gets loud, and then to a part of a
//! sample by correlating the two cameras' sound about it. What is left is mostly where the clap really was, and that is what the uncertainty says: for cameras
//! on opposite sides half a metre is three milliseconds.
//!
//! It cannot know how far a camera's sound is beside its own pictures: [`TRACK_SIGMA_NANOS`] is allowed for that.
//!
//! Must not know: files, feeds, GPUs.

use glam::DVec3;

use super::solve::CameraClock;
use crate::sound::RATE;

/// What a camera's sound may be beside its pictures, and nobody can hear, nanoseconds: one standard deviation.
pub const TRACK_SIGMA_NANOS: f64 = 1_000_000.0;
/// Sound is looked at in pieces of a millisecond.
const PIECE: usize = RATE as usize / 1000;
/// What was before a piece, pieces: from … until so many earlier.
const BEFORE: std::ops::Range<usize> = 4..84;
/// A clap is so many times louder (in power) than what was before, and at least this loud (mean square of full scale).
const SUDDEN: f32 = 25.0;
const LEAST_POWER: f32 = 1e-7;
/// After a clap nothing counts for so long, pieces: its echoes are none.
const APART: usize = 200;
/// So many claps of a track are compared, the most sudden ones.
const MOST_CLAPS: usize = 32;
/// Claps of two tracks are the same one within this, nanoseconds.
const SLACK_NANOS: i64 = 4_000_000;
/// Correlated: from so long before the first arrival, over so long, and shifted by so much, samples.
const LEAD: usize = RATE as usize / 500;
const LENGTH: usize = RATE as usize / 50;
const SHIFT: usize = RATE as usize / 250;
/// Below this correlation the two sound too different: the first arrivals count, to a millisecond.
const ALIKE: f32 = 0.4;

/// One camera's sound.
#[derive(Debug, Clone, PartialEq)]
pub struct Track {
    /// When its first sample was, nanoseconds of the camera's own stamps.
    pub begin_nanos: i64,
    /// One channel, [`RATE`] samples a second.
    pub samples: Vec<f32>,
}

/// Where the clap was, and what is known of the air.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Source {
    /// Metres.
    pub at_in_world: DVec3,
    /// One standard deviation of that, metres.
    pub at_sigma_m: f64,
    /// Degrees Celsius, and one standard deviation of that.
    pub celsius: f64,
    /// Degrees.
    pub celsius_sigma: f64,
}

impl Source {
    /// Metres per second in dry air: an ideal gas, 331.3 m/s at 0 °C.
    pub fn speed_m_s(&self) -> f64 {
        331.3 * (1.0 + self.celsius / 273.15).max(0.1).sqrt()
    }

    /// How long sound takes from there, nanoseconds.
    pub fn travel_nanos(&self, to_in_world: DVec3) -> f64 {
        to_in_world.distance(self.at_in_world) / self.speed_m_s() * 1e9
    }

    /// What is not known of the difference of two ways, nanoseconds.
    fn sigma_nanos(&self, a: DVec3, b: DVec3) -> f64 {
        let toward = |p: DVec3| (p - self.at_in_world).normalize_or_zero();
        let place = self.at_sigma_m * toward(a).distance(toward(b)) / self.speed_m_s() * 1e9;
        // Half a percent of the temperature is a quarter of the speed.
        let share = 0.5 * self.celsius_sigma / (273.15 + self.celsius).max(1.0);
        place.hypot(share * (self.travel_nanos(a) - self.travel_nanos(b)))
    }
}

/// What is loud because it is sudden: the difference of neighbouring samples, so that rumble and hum are none.
fn edges(samples: &[f32]) -> Vec<f32> {
    let mut edges: Vec<f32> = samples.windows(2).map(|w| w[1] - w[0]).collect();
    edges.push(0.0);
    edges
}

/// The samples at which claps begin, in order.
pub fn onsets(track: &Track) -> Vec<usize> {
    let edges = edges(&track.samples);
    let power: Vec<f32> = edges.chunks_exact(PIECE).map(|piece| piece.iter().map(|e| e * e).sum::<f32>() / PIECE as f32).collect();
    let mut found: Vec<(usize, f32)> = Vec::new();
    let mut k = BEFORE.end;
    while k < power.len() {
        let before = &power[k - BEFORE.end..k - BEFORE.start];
        let usual = before.iter().sum::<f32>() / before.len() as f32;
        let least = (SUDDEN * usual).max(LEAST_POWER);
        if power[k] < least {
            k += 1;
            continue;
        }
        // The edge that first stands out, from the piece before on, in which it may have begun.
        let (from, until) = ((k - 1) * PIECE, ((k + 3) * PIECE).min(edges.len()));
        let loudest = edges[from..until].iter().fold(0.0_f32, |m, e| m.max(e.abs()));
        let wanted = (loudest * 0.25).max((usual * 9.0).sqrt());
        let first = edges[from..until].iter().position(|e| e.abs() >= wanted).unwrap_or(PIECE);
        found.push((
            from + first,
            power[k..power.len().min(k + 4)].iter().fold(0.0, |m: f32, p| m.max(*p)) / usual.max(LEAST_POWER / SUDDEN),
        ));
        k += APART;
    }
    found.sort_by(|a, b| b.1.total_cmp(&a.1));
    found.truncate(MOST_CLAPS);
    let mut found: Vec<usize> = found.into_iter().map(|(at, _)| at).collect();
    found.sort_unstable();
    found
}

/// How far (samples, with a fraction) `b` about `at_b` comes after `a` about `at_a`, and how alike both are, −1…1.
fn lag(a: &[f32], at_a: usize, b: &[f32], at_b: usize) -> Option<(f64, f32)> {
    let template = a.get(at_a.checked_sub(LEAD)?..at_a - LEAD + LENGTH)?;
    let begin = at_b.checked_sub(LEAD + SHIFT)?;
    let field = b.get(begin..begin + LENGTH + 2 * SHIFT)?;
    let power = |s: &[f32]| s.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>();
    let own = power(template);
    let alike = |k: usize| {
        let there = &field[k..k + LENGTH];
        let product: f64 = template.iter().zip(there).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum();
        (product / (own * power(there)).sqrt().max(1e-30)) as f32
    };
    let all: Vec<f32> = (0..=2 * SHIFT).map(alike).collect();
    let best = (0..all.len()).max_by(|x, y| all[*x].total_cmp(&all[*y]))?;
    // The top of a parabola through the best and its neighbours.
    let part = match (best.checked_sub(1).map(|k| all[k]), all.get(best + 1)) {
        (Some(left), Some(right)) if left + right < 2.0 * all[best] => 0.5 * f64::from((left - right) / (left - 2.0 * all[best] + right)),
        _ => 0.0,
    };
    Some((best as f64 - SHIFT as f64 + part, all[best]))
}

/// Which claps of two tracks are the same ones, as the places in both lists; times in nanoseconds.
fn pairs(a: &[i64], b: &[i64], most_nanos: i64) -> Vec<(usize, usize)> {
    let at = |shift: i64| -> Vec<(usize, usize)> {
        let near = |(k, t): (usize, &i64)| {
            let (j, other) = b.iter().enumerate().min_by_key(|(_, o)| (t - shift - **o).abs())?;
            ((t - shift - other).abs() <= SLACK_NANOS).then_some((k, j))
        };
        a.iter().enumerate().filter_map(near).collect()
    };
    let shifts = a.iter().flat_map(|t| b.iter().map(move |o| t - o)).filter(|shift| shift.abs() <= most_nanos);
    // Claps at even distances fit in many ways: then the nearest one.
    shifts.max_by_key(|shift| (at(*shift).len(), -shift.abs())).map(at).unwrap_or_default()
}

/// The cameras' clocks against `reference`'s from the claps of each; `None` where a camera shares none with it. `places` are the cameras, metres. Clocks that are more than
/// `most_nanos` apart are not thought of. [`CameraClock::points`] counts claps.
pub fn clocks(tracks: &[Track], places: &[DVec3], source: &Source, reference: usize, most_nanos: i64) -> Vec<Option<CameraClock>> {
    let heard: Vec<(Vec<f32>, Vec<usize>)> = tracks.iter().map(|track| (edges(&track.samples), onsets(track))).collect();
    // When each clap was at its source, by each camera's stamps.
    let at_source = |k: usize, sample: f64| {
        let travel = source.travel_nanos(places[k]);
        tracks[k].begin_nanos as f64 + sample * 1e9 / f64::from(RATE) - travel
    };
    let times = |k: usize| -> Vec<i64> { heard[k].1.iter().map(|at| at_source(k, *at as f64).round() as i64).collect() };
    let clock = |k: usize| {
        let (measure, own) = (heard.get(reference)?, &heard[k]);
        if k == reference {
            let nothing = CameraClock { offset_nanos: 0, sigma_nanos: 0, skew_ppm: None, points: own.1.len() };
            return (!own.1.is_empty()).then_some(nothing);
        }
        let one = |(i, j): (usize, usize)| {
            let (a, b) = (measure.1[i], own.1[j]);
            let (shift, sigma) = match lag(&measure.0, a, &own.0, b) {
                Some((shift, alike)) if alike >= ALIKE => (shift, 50_000.0),
                _ => (0.0, 1_000_000.0),
            };
            (at_source(reference, a as f64) - at_source(k, b as f64 + shift), sigma)
        };
        let mut found: Vec<(f64, f64)> = pairs(&times(reference), &times(k), most_nanos).into_iter().map(one).collect();
        found.sort_by(|a, b| a.0.total_cmp(&b.0));
        let middle = found.get(found.len() / 2)?.0;
        // One that comes from elsewhere is another sound.
        found.retain(|(offset, _)| (offset - middle).abs() <= SLACK_NANOS as f64);
        let n = found.len() as f64;
        let weight: f64 = found.iter().map(|(_, s)| s.powi(-2)).sum();
        let offset = found.iter().map(|(o, s)| o * s.powi(-2)).sum::<f64>() / weight;
        let spread = (found.iter().map(|(o, _)| (o - offset).powi(2)).sum::<f64>() / (n - 1.0).max(1.0)).sqrt();
        let heard = weight.powf(-0.5).max(spread / n.sqrt());
        let sigma = heard.hypot(source.sigma_nanos(places[reference], places[k])).hypot(TRACK_SIGMA_NANOS);
        Some(CameraClock { offset_nanos: offset.round() as i64, sigma_nanos: sigma.round() as i64, skew_ppm: None, points: found.len() })
    };
    (0..tracks.len().min(places.len())).map(clock).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Noise that is the same every time, −1…1.
    fn noise(k: u64) -> f32 {
        let h = k.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let h = (h ^ (h >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        ((h >> 40) as f32) / f32::from(1_u16 << 15) / 256.0 - 1.0
    }

    /// A clap: a burst of noise that dies away in some milliseconds, at a part of a sample.
    fn clap(number: u64, secs: f64) -> f32 {
        if secs < 0.0 {
            return 0.0;
        }
        let at = secs * 48_000.0;
        let (k, part) = (at.floor() as u64, at.fract() as f32);
        let value = noise(number << 20 | k) * (1.0 - part) + noise(number << 20 | (k + 1)) * part;
        value * (-secs / 0.004).exp() as f32
    }

    /// What a camera hears at `place` of claps at the source, with hum, hiss and an echo from a wall.
    fn track(source: &Source, place: DVec3, claps: &[f64], offset_nanos: i64, seed: u64) -> Track {
        let travel = source.travel_nanos(place) * 1e-9;
        let loud = 3.0 / place.distance(source.at_in_world).max(1.0);
        let sample = |k: u64| {
            let secs = k as f64 / 48_000.0 + offset_nanos as f64 * 1e-9;
            let heard: f32 = claps
                .iter()
                .enumerate()
                .map(|(n, at)| clap(n as u64, secs - at - travel) + 0.4 * clap(n as u64, secs - at - travel - 0.031 - 0.002 * seed as f64))
                .sum();
            let hum = 0.05 * (secs * 50.0 * std::f64::consts::TAU).sin() as f32;
            0.4 * loud as f32 * heard + hum + 0.003 * noise(seed << 40 | k)
        };
        Track { begin_nanos: 0, samples: (0..3 * 48_000).map(sample).collect() }
    }

    fn ring() -> [DVec3; 4] {
        [DVec3::new(8.0, 0.0, 1.5), DVec3::new(0.0, 5.0, 1.5), DVec3::new(-12.0, 0.0, 2.0), DVec3::new(0.0, -20.0, 3.0)]
    }

    const SOURCE: Source = Source { at_in_world: DVec3::new(0.3, -0.2, 1.2), at_sigma_m: 0.1, celsius: 20.0, celsius_sigma: 3.0 };
    const OFFSETS: [i64; 4] = [0, -132_400_000, 47_250_000, 3_125_000];

    #[test]
    fn claps_tell_to_a_part_of_a_sample_when_the_way_of_the_sound_is_taken_out() {
        assert!((SOURCE.speed_m_s() - 343.2).abs() < 0.1);
        let claps = [0.61, 1.13, 2.02];
        let tracks: Vec<Track> = (0..4).map(|k| track(&SOURCE, ring()[k], &claps, OFFSETS[k], k as u64)).collect();
        assert!(tracks.iter().all(|t| onsets(t).len() == 3), "{:?}", tracks.iter().map(onsets).collect::<Vec<_>>());
        let found = clocks(&tracks, &ring(), &SOURCE, 0, 5_000_000_000);
        for (k, clock) in found.iter().enumerate().skip(1) {
            let clock = clock.unwrap();
            let off = clock.offset_nanos - OFFSETS[k];
            assert!(off.abs() < 60_000 && clock.points == 3, "camera {k}: {off} ns off, {clock:?}");
            assert!((1_000_000..1_400_000).contains(&clock.sigma_nanos), "{clock:?}");
        }
        // With the clap believed elsewhere the same sounds tell other clocks, and within what is claimed then.
        let wrong = Source { at_in_world: SOURCE.at_in_world + DVec3::new(1.0, 0.0, 0.0), at_sigma_m: 1.0, ..SOURCE };
        let wrongly = clocks(&tracks, &ring(), &wrong, 0, 5_000_000_000)[2].unwrap();
        let off = wrongly.offset_nanos - OFFSETS[2];
        assert!(off.abs() > 4_000_000 && off.abs() < 2 * wrongly.sigma_nanos, "{off} {wrongly:?}");
    }

    #[test]
    fn what_is_no_clap_and_what_only_one_hears_tell_nothing() {
        let silence = Track { begin_nanos: 0, samples: vec![0.0; 48_000] };
        let hum = Track { samples: (0..96_000).map(|k| 0.5 * (k as f32 * 0.0065).sin() + 0.01 * noise(k)).collect(), begin_nanos: 0 };
        let short = Track { begin_nanos: 0, samples: vec![0.5; 7] };
        for track in [&silence, &hum, &short] {
            assert_eq!(onsets(track), [] as [usize; 0]);
        }
        let heard = track(&SOURCE, ring()[0], &[0.7], 0, 0);
        let found = clocks(&[heard.clone(), silence, heard], &ring()[..3], &SOURCE, 0, 1_000_000_000);
        assert!(found[0].is_some() && found[1].is_none() && found[2].is_some());
        assert_eq!(clocks(&[], &[], &SOURCE, 0, 1), []);
    }

    #[test]
    fn a_sound_from_elsewhere_among_claps_moves_little() {
        let mut tracks: Vec<Track> =
            (0..2).map(|k| track(&SOURCE, ring()[2 * k], &[0.5, 1.1, 1.9, 2.5], OFFSETS[2 * k], k as u64)).collect();
        // One of them hears a door slam that the other one hears 2 ms beside where a clap would be.
        let way = (SOURCE.travel_nanos(ring()[2]) - SOURCE.travel_nanos(ring()[0]) - OFFSETS[2] as f64) * 1e-9;
        for (track, at) in tracks.iter_mut().zip([1.52, 1.52 + way + 0.002]) {
            for s in 0..2000 {
                track.samples[(at * 48_000.0) as usize + s] += 0.3 * clap(9, s as f64 / 48_000.0);
            }
        }
        let clock = clocks(&tracks, &[ring()[0], ring()[2]], &SOURCE, 0, 1_000_000_000)[1].unwrap();
        assert!((clock.offset_nanos - OFFSETS[2]).abs() < 600_000 && clock.points >= 4, "{clock:?}");
    }
}
