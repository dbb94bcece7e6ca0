//! A flash as a clock: one instant that every camera saw, whatever the angle between them.
//!
//! A flash lights the rows that are being exposed. A sensor that reads its rows one after the other (a rolling shutter) shows an edge: the last row that is lit
//! had just begun its exposure, so its place in the picture is the flash's time within the frame, to a row. Where the whole picture is lit,
//! or the readout is not known, the flash was somewhere before the next frame began. Each sighting is therefore a **span** of the camera's own
//! stamps that holds the flash; two cameras' spans of one flash bound the difference of their clocks, and several flashes narrow it. What is
//! left is the uncertainty, and it is told.
//!
//! Needed: a short flash (a photographer's; a lamp that is switched on and stays on is none), and the time that the sensor takes from the first row to
//! the last. What stamps mean (the first row's beginning, here) must be the same in all cameras.
//!
//! Must not know: feeds, GPUs.

use super::solve::CameraClock;
use crate::{frame::Picture, time::MediaTime};

/// Rows of a picture are looked at in so many bands.
const BANDS: usize = 120;
/// A band is lit when it is brighter than before by this, of full scale, and by so many times its own noise.
const LIT: f32 = 0.06;
const LIT_SIGMAS: f32 = 6.0;
/// A band this dark says nothing when it stays dark: a black wall does not show a flash.
const SHOWS: f32 = 0.03;
/// A flash lights at least this share of the bands, over its frames.
const LEAST_SHARE: f32 = 0.08;
/// Frames that one flash may be in.
const MOST_FRAMES: usize = 3;
/// Frames before that tell what is dark.
const BEFORE: usize = 3;
/// So many flashes tell which rows one lights at all.
const LEAST_FOR_REACH: usize = 4;
/// What is left of clocks, stamps and flashes that are not infinitely short, nanoseconds.
const LEAST_SIGMA_NANOS: f64 = 100_000.0;

/// How bright the rows of one frame are.
#[derive(Debug, Clone, PartialEq)]
pub struct RowLight {
    /// The frame's stamp: when its first row's exposure began.
    pub time: MediaTime,
    /// From top to bottom, 0…1.
    bands: Vec<f32>,
}

impl RowLight {
    /// Of a frame's luma or any other plane of light, row by row.
    pub fn of_plane(time: MediaTime, plane: &[u8], width: usize, stride: usize, height: usize) -> Self {
        let band = |k: usize| {
            let (from, until) = (k * height / BANDS, ((k + 1) * height / BANDS).max(k * height / BANDS + 1));
            // Every eighth pixel is enough: a band has thousands.
            let rows = (from..until).filter_map(|row| plane.get(row * stride..row * stride + width));
            let (sum, count) = rows.flat_map(|row| row.iter().step_by(8)).fold((0_u64, 0_u64), |(s, n), v| (s + u64::from(*v), n + 1));
            sum as f32 / (count.max(1) as f32 * 255.0)
        };
        Self { time, bands: (0..BANDS).map(band).collect() }
    }

    /// Of a picture: its green.
    pub fn of_picture(time: MediaTime, picture: &Picture) -> Self {
        let green: Vec<u8> = picture.rgba().chunks_exact(4).map(|px| px[1]).collect();
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        Self::of_plane(time, &green, width, width, height)
    }
}

/// A flash in one camera: it was between these stamps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sighting {
    /// Not before, nanoseconds of the camera's stamps.
    pub from_nanos: i64,
    /// Not after.
    pub until_nanos: i64,
}

impl Sighting {
    const fn middle(self) -> i64 {
        i64::midpoint(self.from_nanos, self.until_nanos)
    }

    const fn half(self) -> i64 {
        (self.until_nanos - self.from_nanos) / 2
    }
}

/// The flashes in a camera's consecutive frames, in order. `readout_nanos` is the time from the first row to the last; 0 for a global shutter, `None` where
/// nobody knows it.
pub fn sightings(frames: &[RowLight], interval_nanos: i64, readout_nanos: Option<i64>) -> Vec<Sighting> {
    let mut flashes: Vec<(Vec<Lit>, MediaTime)> = Vec::new();
    let mut k = BEFORE;
    while k < frames.len() {
        let dark = &frames[k - BEFORE..k];
        let first = Lit::of(&frames[k], dark);
        if !first.any() {
            k += 1;
            continue;
        }
        let mut lit = vec![first];
        while lit.len() <= MOST_FRAMES && k + lit.len() < frames.len() {
            let next = Lit::of(&frames[k + lit.len()], dark);
            if !next.any() {
                break;
            }
            lit.push(next);
        }
        let after = k + lit.len();
        let share: f32 = lit.iter().map(Lit::share).sum();
        // What stays bright is a lamp; what ends the footage may be one.
        if lit.len() <= MOST_FRAMES && after < frames.len() && share >= LEAST_SHARE {
            let in_step = frames[k..=after].windows(2).all(|w| w[1].time - w[0].time < interval_nanos * 3 / 2);
            if in_step {
                flashes.push((lit, frames[after - 1].time));
            }
        }
        k = after + BEFORE;
    }
    // Rows that no flash of several ever lit are out of its reach (a sky, a far stand).
    let reached = |band: usize| flashes.len() < LEAST_FOR_REACH || flashes.iter().any(|(lit, _)| lit.iter().any(|f| f.lit[band]));
    let reached: Vec<bool> = (0..BANDS).map(reached).collect();
    let seen = flashes.iter().filter_map(|(lit, time)| Some(lit.last()?.sighting(*time, &reached, interval_nanos, readout_nanos)));
    seen.collect()
}

/// Which bands of a frame are lit.
struct Lit {
    lit: Vec<bool>,
    /// Would show a flash.
    shows: Vec<bool>,
}

impl Lit {
    fn of(frame: &RowLight, dark: &[RowLight]) -> Self {
        let band = |k: usize| {
            let before = dark.iter().filter_map(|d| d.bands.get(k));
            let (low, high) = before.fold((1.0_f32, 0.0_f32), |(low, high), v| (low.min(*v), high.max(*v)));
            let now = frame.bands.get(k).copied().unwrap_or(0.0);
            let wanted = LIT.max(LIT_SIGMAS * (high - low) / 1.7);
            (now - high > wanted, low > SHOWS)
        };
        let (lit, shows) = (0..BANDS).map(band).unzip();
        Self { lit, shows }
    }

    fn any(&self) -> bool {
        self.lit.iter().filter(|l| **l).count() >= 2
    }

    fn share(&self) -> f32 {
        self.lit.iter().filter(|l| **l).count() as f32 / BANDS as f32
    }

    /// In the last frame that the flash is in, stamped `time`.
    fn sighting(&self, time: MediaTime, reached: &[bool], interval_nanos: i64, readout_nanos: Option<i64>) -> Sighting {
        let last = self.lit.iter().rposition(|l| *l).unwrap_or(0);
        let beyond = (last + 1..BANDS).find(|k| self.shows[*k] && reached[*k]);
        let at = |nanos: f64| time.plus_nanos(nanos.round() as i64).nanos();
        let share = |band: usize| band as f64 / BANDS as f64;
        match (readout_nanos, beyond) {
            // Its edge is between the last lit band and the next that would show it; the band itself may be lit in part.
            (Some(readout), Some(next)) if readout > 0 => {
                let readout = readout as f64;
                Sighting { from_nanos: at(share(last) * readout), until_nanos: at(share(next + 1) * readout) }
            }
            // All rows had begun, and none of the next frame.
            (Some(readout), _) => Sighting {
                from_nanos: at((share(last) * readout as f64).min(interval_nanos as f64)),
                until_nanos: at(interval_nanos as f64),
            },
            (None, Some(next)) => Sighting { from_nanos: at(0.0), until_nanos: at(share(next + 1) * interval_nanos as f64) },
            (None, None) => Sighting { from_nanos: at(0.0), until_nanos: at(interval_nanos as f64) },
        }
    }
}

/// The cameras' clocks against `reference`'s, from the flashes of each; `None` where a camera shares none with it. Clocks that are more than
/// `max_offset_nanos` apart are not thought of. [`CameraClock::points`] counts flashes.
pub fn clocks(cameras: &[Vec<Sighting>], reference: usize, max_offset_nanos: i64) -> Vec<Option<CameraClock>> {
    let Some(measure) = cameras.get(reference) else { return vec![None; cameras.len()] };
    let clock = |(k, own): (usize, &Vec<Sighting>)| {
        if k == reference {
            let nothing = CameraClock { offset_nanos: 0, sigma_nanos: 0, skew_ppm: None, points: own.len() };
            return (!own.is_empty()).then_some(nothing);
        }
        shared(measure, own, max_offset_nanos)
    };
    cameras.iter().enumerate().map(clock).collect()
}

/// So many flashes of a camera are compared at most: more say nothing new, and each is compared with each.
const MOST_FLASHES: usize = 64;

/// At most [`MOST_FLASHES`] of them, in order of time: all of the first, for what two cameras have of a stroboscope must be the same flashes.
fn spread_over(flashes: &[Sighting]) -> Vec<Sighting> {
    let mut sorted = flashes.to_vec();
    sorted.sort_by_key(|flash| flash.middle());
    sorted.truncate(MOST_FLASHES);
    sorted
}

/// One camera against the measure: which of its flashes are which, then what all of them allow.
fn shared(measure: &[Sighting], own: &[Sighting], max_offset_nanos: i64) -> Option<CameraClock> {
    let (measure, own) = (spread_over(measure), spread_over(own));
    let pairs_at = |shift: i64| -> Vec<(Sighting, Sighting)> {
        let near = |a: &Sighting| {
            let wanted = a.middle() - shift;
            let after = own.partition_point(|b| b.middle() < wanted);
            let best = own[after.saturating_sub(1)..own.len().min(after + 1)].iter().min_by_key(|b| (wanted - b.middle()).abs())?;
            let slack = a.half() + best.half() + 2_000_000;
            ((wanted - best.middle()).abs() <= slack).then_some((*a, *best))
        };
        measure.iter().filter_map(near).collect()
    };
    let shifts = measure.iter().flat_map(|a| own.iter().map(|b| a.middle() - b.middle())).filter(|s| s.abs() <= max_offset_nanos);
    // Flashes at even distances fit in many ways: then the nearest one.
    let shift = shifts.max_by_key(|s| (pairs_at(*s).len(), -s.abs()))?;
    let pairs = pairs_at(shift);
    // Each pair allows the offsets that put both spans over one another.
    let spans = pairs.iter().map(|(a, b)| (a.from_nanos - b.until_nanos, a.until_nanos - b.from_nanos));
    let (low, high) = spans.fold((i64::MIN, i64::MAX), |(low, high), (l, h)| (low.max(l), high.min(h)));
    let (low, high) = (low.min(high), low.max(high));
    // Uniform between both ends; where they contradict each other, that is how far.
    let sigma = ((high - low) as f64 / 12_f64.sqrt()).hypot(LEAST_SIGMA_NANOS);
    Some(CameraClock { offset_nanos: i64::midpoint(low, high), sigma_nanos: sigma.round() as i64, skew_ppm: None, points: pairs.len() })
}

/// What two independent measurements of one clock say together; `None` where neither was made.
pub fn combined(a: Option<CameraClock>, b: Option<CameraClock>) -> Option<CameraClock> {
    let (Some(a), Some(b)) = (a, b) else { return a.or(b) };
    let weight = |c: &CameraClock| 1.0 / (c.sigma_nanos.max(1) as f64).powi(2);
    let (wa, wb) = (weight(&a), weight(&b));
    let apart = (b.offset_nanos - a.offset_nanos) as f64;
    let sigma = (1.0 / (wa + wb)).sqrt();
    // Two that contradict each other are both surer than they should be.
    let strain = (apart.powi(2) * wa * wb / (wa + wb)).sqrt().max(1.0);
    Some(CameraClock {
        offset_nanos: a.offset_nanos + (apart * wb / (wa + wb)).round() as i64,
        sigma_nanos: (sigma * strain).round() as i64,
        skew_ppm: a.skew_ppm.or(b.skew_ppm),
        points: a.points + b.points,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: i64 = 20_000_000;

    /// A camera's frames while flashes of no length go off: rows begin one after the other and are exposed for `exposure`.
    fn frames(begin: i64, readout: i64, exposure: i64, flashes: &[i64], dark_rows: std::ops::Range<usize>) -> Vec<RowLight> {
        let (width, height) = (64, 540);
        let frame = |k: i64| {
            let time = begin + k * FRAME;
            let mut plane = vec![0_u8; width * height];
            for (row, px) in plane.chunks_exact_mut(width).enumerate() {
                let starts = time + readout * row as i64 / height as i64;
                let lit = flashes.iter().any(|f| (starts..starts + exposure).contains(f));
                let base = if dark_rows.contains(&row) { 2 } else { 60 + (row as i64 * 7 + k * 3).rem_euclid(11) };
                px.fill((base + if lit && base > 10 { 90 } else { 0 }) as u8);
            }
            RowLight::of_plane(MediaTime::from_nanos(time), &plane, width, width, height)
        };
        (0..100).map(frame).collect()
    }

    #[test]
    fn a_rolling_shutter_tells_to_a_tenth_of_a_millisecond() {
        let flashes = [503_217_000, 911_000_123, 1_404_771_000];
        for (readout, exposure) in [(16_000_000, 10_000_000), (16_000_000, 6_000_000), (19_000_000, 19_500_000)] {
            let cameras: Vec<Vec<Sighting>> = [0, -7_250_000, 13_500_000, 44_000_000]
                .iter()
                // A stamp that is too small by the offset: the frames began later by the true clock.
                .map(|offset| {
                    let seen: Vec<i64> = flashes.iter().map(|f| f - offset).collect();
                    sightings(&frames(0, readout, exposure, &seen, 0..0), FRAME, Some(readout))
                })
                .collect();
            assert!(cameras.iter().all(|c| c.len() == 3), "{cameras:?}");
            let clocks = clocks(&cameras, 0, 100_000_000);
            for (clock, offset) in clocks.iter().zip([0, -7_250_000, 13_500_000, 44_000_000]).skip(1) {
                let clock = clock.unwrap();
                let off = clock.offset_nanos - offset;
                assert!(off.abs() < 300_000 && off.abs() <= 3 * clock.sigma_nanos, "{readout} {exposure}: {off} ns, says {clock:?}");
                assert!(clock.sigma_nanos < 700_000 && clock.points == 3, "{clock:?}");
            }
        }
    }

    #[test]
    fn a_global_shutter_tells_to_a_frame_and_says_so_and_several_flashes_narrow_it() {
        let all: Vec<i64> = (0..8).map(|k| 143_000_000 + k * 217_300_000).collect();
        let mut sigmas = Vec::new();
        for flashes in [&all[..1], &all] {
            let seen: Vec<i64> = flashes.iter().map(|f| f + 8_000_000).collect();
            let cameras = [flashes.to_vec(), seen].map(|seen| sightings(&frames(0, 0, 19_000_000, &seen, 0..0), FRAME, Some(0)));
            assert!(!cameras[0].is_empty() && !cameras[1].is_empty());
            let clock = clocks(&cameras, 0, 60_000_000)[1].unwrap();
            assert!((clock.offset_nanos + 8_000_000).abs() < 2 * clock.sigma_nanos, "{clock:?}");
            sigmas.push(clock.sigma_nanos);
        }
        assert!(sigmas[0] > 5_000_000 && sigmas[1] < sigmas[0], "{sigmas:?}");
    }

    #[test]
    fn dark_rows_a_lamp_and_no_readout_are_told_by_the_span() {
        let at = 700_000_000 + 8_100_000;
        let (readout, exposure) = (16_000_000, 8_000_000);
        let one = |frames: &[RowLight], readout| {
            let seen = sightings(frames, FRAME, readout);
            assert_eq!(seen.len(), 1, "{seen:?}");
            assert!((seen[0].from_nanos..=seen[0].until_nanos).contains(&at), "{seen:?}");
            seen[0].half()
        };
        let clear = frames(0, readout, exposure, &[at], 0..0);
        // The edge lies in rows that show nothing: the span is as wide as they are.
        let hidden = frames(0, readout, exposure, &[at], 200..340);
        let (sure, unsure, unknown) = (one(&clear, Some(readout)), one(&hidden, Some(readout)), one(&clear, None));
        assert!(sure < 200_000 && unsure > 1_500_000 && unknown > 3_000_000, "{sure} {unsure} {unknown}");
        // A lamp that stays on is no flash, and neither is nothing.
        let lamp = frames(0, readout, FRAME * 40, &[at], 0..0);
        assert_eq!(sightings(&lamp, FRAME, Some(readout)), []);
        assert_eq!(sightings(&frames(0, readout, exposure, &[], 0..0), FRAME, Some(readout)), []);
        assert_eq!(clocks(&[vec![], vec![]], 0, FRAME), [None, None]);
    }

    #[test]
    fn a_thousand_flashes_are_no_more_work_than_some() {
        let of = |offset: i64| -> Vec<Sighting> {
            let at = |k: i64| 100_000_000 * k + k * k % 37 * 1_000_000 - offset;
            (0..1000).map(|k| Sighting { from_nanos: at(k), until_nanos: at(k) + 400_000 }).collect()
        };
        let clock = clocks(&[of(0), of(23_000_000)], 0, 2_000_000_000)[1].unwrap();
        assert!((clock.offset_nanos - 23_000_000).abs() < 500_000 && clock.points <= MOST_FLASHES, "{clock:?}");
    }

    #[test]
    fn two_measurements_give_a_better_one_unless_they_contradict() {
        let clock = |offset_nanos, sigma_nanos| Some(CameraClock { offset_nanos, sigma_nanos, skew_ppm: None, points: 1 });
        let both = combined(clock(1_000_000, 300_000), clock(1_200_000, 300_000)).unwrap();
        assert_eq!((both.offset_nanos, both.points), (1_100_000, 2));
        assert!((212_000..213_000).contains(&both.sigma_nanos), "{both:?}");
        let torn = combined(clock(0, 100_000), clock(3_000_000, 100_000)).unwrap();
        assert!(torn.sigma_nanos > 1_000_000, "{torn:?}");
        assert_eq!((combined(clock(5, 6), None), combined(None, None)), (clock(5, 6), None));
    }
}
