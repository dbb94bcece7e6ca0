//! A camera's plate while the show runs: learned picture by picture, at memory that does not grow.
//!
//! Per pixel two colours are kept, each with how often it was seen: the plate, and what was seen there besides. The plate follows slowly
//! what drifts (light). Who stands before it for a minute is the other colour, and the plate stays; after long it becomes unknown, and only
//! after longer still the other takes its place (a new banner). Who stood there from the beginning is the plate until they leave: what is
//! uncovered then soon has the greater share. Must not know: the GPU, threads, who recorded.

use rayon::{
    iter::{IndexedParallelIterator as _, ParallelIterator as _},
    slice::ParallelSliceMut as _,
};

use super::{
    SceneError,
    plate::{LEAST_TOLERANCE, MOST_TOLERANCE, Plate, SPARSE_PX, curves, difference, gains_of},
};
use crate::{
    color::{linear_from_srgb, srgb_from_linear},
    frame::Picture,
};

/// Pictures of a colour that are counted at most: more tell nothing, and what is older is forgotten.
const MOST_SEEN: u8 = 90;
/// Pictures that show the other colour before it may take the place of a plate that was seen half as often, and so has the lead.
const TAKES_OVER: u8 = 45;
/// The plate forgets one of its pictures for so many in which it was not seen.
const FORGETS_EVERY: u32 = 4;
/// A colour seen less often than this is nobody's plate; seen so much more often it is sure.
const LEAST_SEEN: u8 = 5;
/// See [`LEAST_SEEN`].
const SURE_SEEN: u8 = 10;
/// By what share of both the plate must have been seen more often than the other colour to be sure of it.
const SURE_LEAD: f32 = 0.35;
/// Share of all pictures that show the plate: below the first nothing is known, from the second on it is sure.
const LEAST_SHARE: (f32, f32) = (0.25, 0.5);
/// The plate follows a difference by this share of it per picture, at the slowest.
const SLOWEST: i32 = 16;
/// Exposure that is so far off, stops, twice in a row and by about as much, is the light of now: the plate goes there.
const DRIFTED_STOPS: f32 = 0.1;
/// See [`DRIFTED_STOPS`]: by how much the two may differ.
const SAME_STOPS: f32 = 0.06;
/// A picture that is so much brighter or darker all at once is a flash, stops.
const FLASH_STOPS: f32 = 0.8;
/// Where more than this share of what is known has changed at once, so many times in a row, the camera looks elsewhere.
const CHANGED_SHARE: f64 = 0.6;
/// See [`CHANGED_SHARE`].
const CHANGED_TIMES: u32 = 3;

/// What became of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It was learned from.
    Learned,
    /// It was not: a flash, or it shows something else altogether.
    Skipped,
    /// The camera shows something else than before: all that was known is thrown away, and this is the first picture.
    Restarted,
}

/// What is known of a pixel.
#[derive(Debug, Clone, Copy, Default)]
struct Cell {
    /// The plate's colour, 256ths of a code value.
    mean: [u16; 3],
    /// How far its pictures scatter, code values.
    spread: u8,
    seen: u8,
    /// What else was seen.
    other: [u8; 3],
    other_seen: u8,
}

impl Cell {
    fn color(&self) -> [u8; 3] {
        self.mean.map(rounded)
    }

    fn learn(&mut self, v: [u8; 3], tolerance: u8, beat: u32) {
        if self.seen == 0 {
            *self = Self { mean: v.map(|v| u16::from(v) << 8), spread: LEAST_TOLERANCE / 4, seen: 1, other: v, other_seen: 0 };
            return;
        }
        let off = difference(v, self.color());
        if off <= tolerance {
            self.seen = (self.seen + 1).min(MOST_SEEN);
            let share = i32::from(self.seen).min(SLOWEST);
            for (mean, v) in self.mean.iter_mut().zip(v) {
                *mean = (i32::from(*mean) + ((i32::from(v) << 8) - i32::from(*mean)) / share).clamp(0, 0xffff) as u16;
            }
            if off > self.spread {
                self.spread += (off - self.spread).div_ceil(2);
            } else if beat.is_multiple_of(8) {
                self.spread = self.spread.saturating_sub(1).max(off);
            }
            self.other_seen = self.other_seen.saturating_sub(1);
            return;
        }
        if beat.is_multiple_of(FORGETS_EVERY) {
            self.seen -= 1;
        }
        if self.other_seen > 0 && difference(v, self.other) <= tolerance {
            self.other_seen = (self.other_seen + 1).min(MOST_SEEN);
            for (other, v) in self.other.iter_mut().zip(v) {
                *other = other.saturating_add_signed((i16::from(v) - i16::from(*other)).signum() as i8);
            }
        } else if self.other_seen <= 1 {
            (self.other, self.other_seen) = (v, 1);
        } else {
            self.other_seen -= 1;
        }
        let leads = self.other_seen > self.seen && self.other_seen >= TAKES_OVER;
        if leads || u16::from(self.other_seen) > 2 * u16::from(self.seen) {
            let (was, seen) = (self.color(), self.seen);
            (self.mean, self.seen) = (self.other.map(|v| u16::from(v) << 8), self.other_seen);
            (self.other, self.other_seen) = (was, seen);
            self.spread = tolerance / 2;
        }
    }

    /// 0…255, of so many pictures.
    fn confidence(&self, pictures: u32) -> u8 {
        if self.seen < LEAST_SEEN {
            return 0;
        }
        let (seen, other) = (f32::from(self.seen), f32::from(self.other_seen));
        let often = f32::from(self.seen - LEAST_SEEN + 1) / f32::from(SURE_SEEN - LEAST_SEEN + 1);
        let lead = (seen - other) / (seen + other) / SURE_LEAD;
        let share = (seen / pictures.clamp(1, u32::from(MOST_SEEN)) as f32 - LEAST_SHARE.0) / (LEAST_SHARE.1 - LEAST_SHARE.0);
        (often.min(lead).min(share).clamp(0.0, 1.0) * 255.0).round() as u8
    }
}

const fn rounded(mean: u16) -> u8 {
    let v = (mean as u32 + 128) >> 8;
    if v > 255 { 255 } else { v as u8 }
}

/// A plate that is learned for as long as the camera stands.
#[derive(Debug)]
pub struct SlowPlate {
    size: (u32, u32),
    cells: Vec<Cell>,
    pictures: u32,
    tolerance: u8,
    /// The exposure of the last picture, where it was off.
    drift: Option<[f32; 3]>,
    changed: u32,
}

impl SlowPlate {
    /// Memory that a plate of that size takes while it is learned, and once it is given ([`Self::plate`]), bytes.
    pub const fn bytes_of((width_px, height_px): (u32, u32)) -> u64 {
        width_px as u64 * height_px as u64 * (size_of::<Cell>() as u64 + 5)
    }

    /// From the first picture of a camera that stands still.
    pub fn new(first: &Picture) -> Self {
        let size = (first.width(), first.height());
        let cells = vec![Cell::default(); size.0 as usize * size.1 as usize];
        let mut new = Self { size, cells, pictures: 0, tolerance: LEAST_TOLERANCE, drift: None, changed: 0 };
        new.learn(first, [1.0; 3]);
        new
    }

    /// Size of its pictures, px.
    pub const fn size(&self) -> (u32, u32) {
        self.size
    }

    /// Pictures that were learned from.
    pub const fn pictures(&self) -> u32 {
        self.pictures
    }

    /// Learns from one more picture; about two seconds should lie between two.
    pub fn take(&mut self, picture: &Picture) -> Taken {
        if (picture.width(), picture.height()) != self.size {
            *self = Self::new(picture);
            return Taken::Restarted;
        }
        let mut gains = gains_of(|| self.sparse(picture));
        let stops = gains.map(f32::log2);
        let worst = stops.iter().fold(0.0_f32, |w, s| w.max(s.abs()));
        let is_same = |before: [f32; 3]| before.iter().zip(stops).all(|(b, s)| (b - s).abs() <= SAME_STOPS);
        let again = self.drift.replace(stops).is_some_and(is_same);
        if worst > FLASH_STOPS && !again {
            return Taken::Skipped;
        }
        // Before the plate goes anywhere: a cover is dark too, and no light of the hall.
        if self.has_changed(picture, gains) {
            self.changed += 1;
            if self.changed < CHANGED_TIMES {
                return Taken::Skipped;
            }
            *self = Self::new(picture);
            return Taken::Restarted;
        }
        self.changed = 0;
        if worst > DRIFTED_STOPS && again {
            self.rebase(gains);
            gains = [1.0; 3];
            self.drift = None;
        }
        self.learn(picture, gains);
        Taken::Learned
    }

    /// The plate as it is known now; unknown where alpha is 0.
    pub fn plate(&self) -> Result<Plate, SceneError> {
        let mut rgba = vec![0_u8; self.cells.len() * 4];
        let mut spread = vec![0_u8; self.cells.len()];
        let row = self.size.0 as usize;
        let rows = rgba.par_chunks_exact_mut(row * 4).zip(spread.par_chunks_exact_mut(row)).enumerate();
        rows.for_each(|(y, (rgba, spread))| {
            for ((cell, p), spread) in self.cells[y * row..(y + 1) * row].iter().zip(rgba.chunks_exact_mut(4)).zip(spread) {
                p[..3].copy_from_slice(&cell.color());
                p[3] = cell.confidence(self.pictures);
                *spread = cell.spread;
            }
        });
        let picture = Picture::from_rgba(self.size.0, self.size.1, rgba).map_err(|e| SceneError::Input(e.to_string()))?;
        Ok(Plate { picture, spread })
    }

    /// The plate's colours where it has any, with those of a picture, at a few pixels.
    fn sparse<'a>(&'a self, picture: &'a Picture) -> impl Iterator<Item = ([u8; 3], [u8; 3])> + 'a {
        let pairs = self.cells.iter().zip(picture.rgba().chunks_exact(4)).step_by(SPARSE_PX * SPARSE_PX);
        pairs.filter(|(cell, _)| cell.seen > cell.other_seen).map(|(cell, p)| (cell.color(), [p[0], p[1], p[2]]))
    }

    /// Whether a picture shows something else in most places that were known.
    fn has_changed(&self, picture: &Picture, gains: [f32; 3]) -> bool {
        let curves = curves(gains);
        let (mut known, mut off) = (0_u32, 0_u32);
        let pairs = self.cells.iter().zip(picture.rgba().chunks_exact(4)).step_by(SPARSE_PX * SPARSE_PX);
        for (cell, p) in pairs.filter(|(cell, _)| cell.confidence(self.pictures) >= 128) {
            let v = std::array::from_fn(|c| curves[c][usize::from(p[c])]);
            known += 1;
            off += u32::from(difference(v, cell.color()) > self.tolerance.saturating_mul(2));
        }
        known >= 100 && f64::from(off) > CHANGED_SHARE * f64::from(known)
    }

    fn learn(&mut self, picture: &Picture, gains: [f32; 3]) {
        let curves = curves(gains);
        let (row, beat) = (self.size.0 as usize, self.pictures);
        if beat > 0 {
            self.tolerance = self.tolerance_with(picture, &curves);
        }
        let tolerance = self.tolerance;
        self.cells.par_chunks_exact_mut(row).enumerate().for_each(|(y, cells)| {
            let line = &picture.rgba()[y * row * 4..(y + 1) * row * 4];
            for (cell, p) in cells.iter_mut().zip(line.chunks_exact(4)) {
                cell.learn(std::array::from_fn(|c| curves[c][usize::from(p[c])]), tolerance, beat);
            }
        });
        self.pictures = self.pictures.saturating_add(1);
    }

    /// By how much a picture may differ from the plate: some five times as much as it usually does, and no leap from the last.
    fn tolerance_with(&self, picture: &Picture, curves: &[[u8; 256]; 3]) -> u8 {
        let mut counts = [0_u32; 256];
        let mut total = 0_u32;
        for (a, b) in self.sparse(picture) {
            counts[usize::from(a[1].abs_diff(curves[1][usize::from(b[1])]))] += 1;
            total += 1;
        }
        let mut below = 0;
        let median = counts.iter().position(|n| {
            below += n;
            below > total / 2
        });
        let now = (median.unwrap_or(0).min(32) as u8 * 5).clamp(LEAST_TOLERANCE, MOST_TOLERANCE);
        if self.pictures == 1 { now } else { ((3 * u16::from(self.tolerance) + u16::from(now)).div_ceil(4)) as u8 }
    }

    /// Brings all that is known to the exposure of a picture that is `gains` times darker.
    fn rebase(&mut self, gains: [f32; 3]) {
        let tables: [Vec<u16>; 3] = gains.map(|gain| {
            let value = |v: usize| srgb_from_linear((linear_from_srgb((v as f32 / 255.0).min(1.0)) / gain.max(1e-3)).min(1.0));
            (0..=256).map(|v| (value(v) * 255.0 * 256.0).round() as u16).collect()
        });
        let between = |table: &[u16], mean: u16| {
            let (at, share) = (usize::from(mean >> 8), i32::from(mean & 0xff));
            let (a, b) = (i32::from(table[at]), i32::from(table[at + 1]));
            (a + (b - a) * share / 256).clamp(0, 0xffff) as u16
        };
        self.cells.par_chunks_mut(4096).for_each(|cells| {
            for cell in cells {
                for (c, table) in tables.iter().enumerate() {
                    cell.mean[c] = between(table, cell.mean[c]);
                    cell.other[c] = rounded(table[usize::from(cell.other[c])]);
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: (usize, usize) = (96, 60);

    /// A hall with texture and noise; `who` says what stands at a pixel.
    fn picture(t: u32, gain: f32, who: impl Fn(usize, usize) -> Option<u8>) -> Picture {
        let curve = curves([gain; 3]);
        let rgba = (0..SIZE.0 * SIZE.1).flat_map(|i| {
            let (x, y) = (i % SIZE.0, i / SIZE.0);
            let noise = ((i as u32 * 7919 + t * 104_729).wrapping_mul(2_654_435_761) >> 20) % 5;
            let v = curve[0][usize::from(who(x, y).unwrap_or_else(|| hall(x, y)) + noise as u8)];
            [v, v, v / 2, 255]
        });
        Picture::from_rgba(SIZE.0 as u32, SIZE.1 as u32, rgba.collect()).unwrap()
    }

    fn hall(x: usize, y: usize) -> u8 {
        60 + ((x / 4 * 37 + y / 4 * 101) % 120) as u8
    }

    /// Somebody dark, 14 px wide, whose clothes move a little.
    fn person(at: usize, t: u32) -> impl Fn(usize, usize) -> Option<u8> {
        move |x, y| ((at..at + 14).contains(&x) && y > 12).then_some(14 + (t % 3) as u8)
    }

    const EMPTY: fn(usize, usize) -> Option<u8> = |_, _| None;

    fn learned(n: u32) -> SlowPlate {
        let mut plate = SlowPlate::new(&picture(0, 1.0, EMPTY));
        (1..n).for_each(|t| assert_eq!(plate.take(&picture(t, 1.0, EMPTY)), Taken::Learned));
        plate
    }

    fn show(plate: &mut SlowPlate, times: std::ops::Range<u32>, of: impl Fn(u32) -> Picture) {
        for t in times {
            plate.take(&of(t));
        }
    }

    #[test]
    fn a_cover_that_is_dark_is_not_taken_for_the_light_of_the_hall() {
        let mut plate = learned(20);
        let before = plate.plate().unwrap();
        // Twice the same, so that it could be the light of now; a third time the camera would be believed to look elsewhere.
        for t in 20..22 {
            assert_eq!(plate.take(&picture(t, 1.0, |_, _| Some(6))), Taken::Skipped);
        }
        assert_eq!(plate.plate().unwrap().picture, before.picture, "the plate has followed the cover");
        assert_eq!(plate.take(&picture(22, 1.0, EMPTY)), Taken::Learned);
        // The hall's own light is followed, however far it goes in two steps.
        assert_eq!(plate.take(&picture(23, 0.65, EMPTY)), Taken::Learned);
        assert_eq!(plate.take(&picture(24, 0.65, EMPTY)), Taken::Learned);
        let now = plate.plate().unwrap();
        let mean = |p: &Plate| p.picture.rgba().chunks_exact(4).map(|p| f64::from(p[0])).sum::<f64>() / (SIZE.0 * SIZE.1) as f64;
        assert!(mean(&now) < 0.9 * mean(&before), "{} {}", mean(&now), mean(&before));
    }

    /// (mean error where it is known, how much is known 0…1) against a hall, where somebody at `at` would stand.
    fn at(plate: &SlowPlate, at: usize, truth: impl Fn(usize, usize) -> u8) -> (f64, f64) {
        let plate = plate.plate().unwrap();
        let (mut error, mut known, mut all) = (0.0, 0.0, 0.0);
        for (x, y) in (14..SIZE.1).flat_map(|y| (at + 1..at + 13).map(move |x| (x, y))) {
            let p = plate.picture.pixel(x as u32, y as u32);
            let sure = f64::from(p[3]) / 255.0;
            (error, known, all) = (error + sure * (f64::from(p[0]) - f64::from(truth(x, y)) - 2.0).abs(), known + sure, all + 1.0);
        }
        (error / f64::max(known, 1e-9), known / all)
    }

    #[test]
    fn an_empty_hall_is_known_after_a_dozen_pictures_and_not_before_five() {
        assert!(learned(4).plate().unwrap().known_share() < 1e-9, "nothing is known of four pictures");
        let plate = learned(12).plate().unwrap();
        assert!(plate.known_share() > 0.99, "{}", plate.known_share());
        assert!(plate.spread.iter().all(|s| *s <= 6));
    }

    #[test]
    fn who_stands_for_a_minute_is_no_background_and_who_leaves_uncovers_it() {
        let mut plate = learned(90);
        // Thirty pictures, two seconds apart: a minute.
        (0..30).for_each(|t| assert_eq!(plate.take(&picture(90 + t, 1.0, person(30, t))), Taken::Learned));
        let (error, known) = at(&plate, 30, hall);
        assert!(error < 3.0 && known > 0.9, "after a minute: {error} {known}");
        // Two minutes more: not the hall any more, and nobody is taken for it without doubt before that.
        show(&mut plate, 30..60, |t| picture(90 + t, 1.0, person(30, t)));
        let (error, known) = at(&plate, 30, hall);
        assert!(error < 3.0 && known < 0.9, "after two minutes: {error} {known}");
        show(&mut plate, 0..30, |t| picture(200 + t, 1.0, EMPTY));
        let (error, known) = at(&plate, 30, hall);
        assert!(error < 3.0 && known > 0.95, "a minute after they left: {error} {known}");
    }

    #[test]
    fn who_stood_there_from_the_beginning_is_forgotten_after_they_left() {
        let mut plate = SlowPlate::new(&picture(0, 1.0, person(30, 0)));
        show(&mut plate, 1..10, |t| picture(t, 1.0, person(30, t)));
        assert!(at(&plate, 30, hall).0 > 20.0, "a ghost is to be got rid of");
        show(&mut plate, 10..20, |t| picture(t, 1.0, EMPTY));
        assert!(at(&plate, 30, hall).1 < 0.3, "as often the one as the other: unknown, {}", at(&plate, 30, hall).1);
        show(&mut plate, 20..50, |t| picture(t, 1.0, EMPTY));
        let (error, known) = at(&plate, 30, hall);
        assert!(error < 3.0 && known > 0.9, "{error} {known}");
        assert!(at(&plate, 60, hall).1 > 0.99, "beside them everything was known all the time");
    }

    #[test]
    fn light_that_drifts_and_light_that_is_switched_is_followed_and_a_flash_is_not() {
        let mut plate = learned(20);
        // A stop darker in two minutes; then the sun is on one wall, a code value every two pictures.
        (0..60).for_each(|t| assert_eq!(plate.take(&picture(t, (-(t as f32) / 60.0).exp2(), EMPTY)), Taken::Learned));
        let half = curves([0.5; 3]);
        let (error, known) = at(&plate, 30, |x, y| half[0][usize::from(hall(x, y) + 2)] - 2);
        assert!(error < 5.0 && known > 0.97, "{error} {known}");
        let sunny = |t: u32| move |x: usize, y: usize| (x > 24).then_some(hall(x, y) + (t / 2) as u8);
        let mut plate = learned(20);
        show(&mut plate, 0..60, |t| picture(t, 1.0, sunny(t)));
        let (error, known) = at(&plate, 40, |x, y| hall(x, y) + 29);
        assert!(error < 6.0 && known > 0.97, "{error} {known}");
        let before = plate.plate().unwrap();
        assert_eq!(plate.take(&picture(7, 2.2, sunny(60))), Taken::Skipped);
        assert_eq!(plate.plate().unwrap(), before);
    }

    #[test]
    fn a_banner_that_is_changed_is_unknown_and_then_the_new_one() {
        let mut plate = learned(90);
        let banner = |x: usize, y: usize| (x >= 30 && y > 12).then(|| hall(x + 8, y + 4));
        let new = |x: usize, y: usize| banner(x, y).unwrap_or_else(|| hall(x, y));
        // Only where old and new differ: the old one is there for half a minute, then nobody is sure, then the new one.
        show(&mut plate, 0..12, |t| picture(t, 1.0, banner));
        assert!(at(&plate, 40, hall).0 < 3.0);
        show(&mut plate, 12..150, |t| picture(t, 1.0, banner));
        let (error, known) = at(&plate, 40, new);
        assert!(error < 3.0 && known > 0.9, "{error} {known}");
    }

    #[test]
    fn a_camera_that_looks_elsewhere_or_has_another_size_begins_anew() {
        let mut plate = learned(40);
        let bumped = |x: usize, y: usize| Some(hall(x + 6, y + 3));
        let taken: Vec<Taken> = (0..4).map(|t| plate.take(&picture(t, 1.0, bumped))).collect();
        assert_eq!(taken, [Taken::Skipped, Taken::Skipped, Taken::Restarted, Taken::Learned]);
        assert_eq!(plate.pictures(), 2);
        assert!(plate.plate().unwrap().known_share() < 1e-9);
        assert_eq!(plate.take(&Picture::filled(32, 32, [90; 4])), Taken::Restarted);
        assert_eq!(plate.plate().unwrap().spread.len(), 32 * 32);
    }

    #[test]
    fn where_somebody_never_stands_still_nothing_is_known() {
        // A crowd: every picture shows another colour.
        let crowd = |t: u32| {
            move |x: usize, y: usize| {
                (x > 48).then(|| ((x as u32 * 31 + y as u32 * 17 + t * 97).wrapping_mul(2_654_435_761) >> 24) as u8 % 200)
            }
        };
        let mut plate = SlowPlate::new(&picture(0, 1.0, crowd(0)));
        show(&mut plate, 1..60, |t| picture(t, 1.0, crowd(t)));
        assert!(at(&plate, 70, hall).1 < 0.2, "{}", at(&plate, 70, hall).1);
        assert!(at(&plate, 20, hall).1 > 0.99);
    }
}
