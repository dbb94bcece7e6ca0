//! Pixels that show the same whatever is before them: dead, hot or stuck ones.
//!
//! A pixel that stands out alone from what is around it is a candidate; a lens spreads a lamp of the hall over more than one. It is stuck if it
//! still stands out after what is around it has changed, or if it is new and stays where it is for long.

use std::collections::{BTreeMap, BTreeSet};

use crate::{frame::gray::Gray, time::MediaTime};

/// By how many code values a candidate stands out.
const STANDS_OUT: f32 = 24.0;
/// What is around it is even: it varies by less than this share of that.
const EVEN: f32 = 0.35;
/// Its next neighbours have less than this share of it on the average.
const ALONE: f32 = 0.5;
/// More candidates than this are noise or rain, not pixels.
const MOST_CANDIDATES: usize = 3000;
/// Looks that it must be seen in, and of how many of them: eight of ten.
const LEAST_LOOKS: u32 = 20;
/// A change of what is around it, code values.
const CHANGED: f32 = 24.0;
/// One that is new is believed after so long, in so many looks.
const NEW_NANOS: i64 = 40_000_000_000;
const NEW_LOOKS: u32 = 28;
/// What stood out in the first looks, even by half as much, belongs to the hall until the contrary is seen.
const FIRST_LOOKS: u32 = 6;
const FIRST_SHARE: f32 = 0.5;
/// Where so many of the hall's spots vanish at once, and this share of them, the camera was moved or the hall is another one.
const VANISHED: (usize, f64) = (6, 0.4);

#[derive(Debug, Clone, Copy)]
struct Spot {
    /// Looks in which it stood out, and in which it did not.
    seen: u32,
    missed: u32,
    looks: u32,
    /// In a row.
    missed_last: u32,
    since: MediaTime,
    is_new: bool,
    is_bright: bool,
    /// Darkest and brightest of what was around it while it stood out, and of itself.
    around: (f32, f32),
    own: (f32, f32),
    is_stuck: bool,
}

/// All candidates of one camera, by row and column.
#[derive(Debug, Clone, Default)]
pub(super) struct Spots {
    looks: u32,
    size_px: (usize, usize),
    all: BTreeMap<(u32, u32), Spot>,
}

/// What stands around a pixel, two pixels away: middle and range.
fn around(gray: &Gray, x: usize, y: usize) -> (f32, f32) {
    let mut ring = [0.0_f32; 16];
    let mut n = 0;
    for dy in 0..5 {
        for dx in 0..5 {
            if dx == 0 || dx == 4 || dy == 0 || dy == 4 {
                ring[n] = gray.values[(y + dy - 2) * gray.width + x + dx - 2];
                n += 1;
            }
        }
    }
    ring.sort_by(f32::total_cmp);
    (0.5 * (ring[7] + ring[8]), ring[14] - ring[1])
}

/// By how much a pixel stands out of its surroundings, and how bright those are; `None` where it does not stand alone.
fn stands_out(gray: &Gray, x: usize, y: usize, least: f32) -> Option<(f32, f32)> {
    let w = gray.width;
    let v = gray.values[y * w + x];
    let (middle, range) = around(gray, x, y);
    let out = v - middle;
    if out.abs() < least || range > EVEN * out.abs() {
        return None;
    }
    let mut next = 0.0;
    for (dx, dy) in [(0, 0), (1, 0), (2, 0), (0, 1), (2, 1), (0, 2), (1, 2), (2, 2)] {
        next += gray.values[(y + dy - 1) * w + x + dx - 1] - middle;
    }
    (next / 8.0 / out < ALONE).then_some((out, middle))
}

impl Spots {
    /// The picture is another one from now on (moved, refocused): what stands out in the next looks belongs to the hall. Pixels that are known to be
    /// stuck stay known.
    pub fn begin_again(&mut self) {
        self.looks = 0;
        self.all.retain(|_, s| s.is_stuck);
    }

    pub fn look(&mut self, gray: &Gray, time: MediaTime) {
        let (w, h) = (gray.width, gray.height);
        let mean = gray.values.iter().sum::<f32>() / gray.values.len().max(1) as f32;
        if self.size_px != (w, h) {
            *self = Self { size_px: (w, h), ..Self::default() };
        }
        if w < 8 || h < 8 || mean < 4.0 {
            return;
        }
        let is_first = self.looks < FIRST_LOOKS;
        let least = if is_first { FIRST_SHARE * STANDS_OUT } else { STANDS_OUT };
        let mut found = Vec::new();
        for y in 2..h - 2 {
            let row = |dy: usize| &gray.values[(y + dy - 2) * w..(y + dy - 1) * w];
            let (above, here, below) = (row(0), row(2), row(4));
            for x in 2..w - 2 {
                let (v, a, b, c, d) = (here[x], above[x], below[x], here[x - 2], here[x + 2]);
                let (high, low) = (a.max(b).max(c).max(d), a.min(b).min(c).min(d));
                if (v > high + 0.8 * least || v < low - 0.8 * least)
                    && let Some((out, middle)) = stands_out(gray, x, y, least)
                {
                    found.push(((y as u32, x as u32), out, middle));
                }
            }
        }
        if found.iter().filter(|(_, out, _)| out.abs() >= STANDS_OUT).count() > MOST_CANDIDATES {
            return;
        }
        self.looks += 1;
        let mut is_seen: BTreeSet<(u32, u32)> = BTreeSet::new();
        for (at, out, middle) in found {
            is_seen.insert(at);
            let own = middle + out;
            let spot = self.all.entry(at).or_insert(Spot {
                seen: 0,
                missed: 0,
                looks: 0,
                missed_last: 0,
                since: time,
                is_new: !is_first,
                is_bright: out > 0.0,
                around: (middle, middle),
                own: (own, own),
                is_stuck: false,
            });
            if spot.is_bright == (out > 0.0) && out.abs() >= STANDS_OUT {
                (spot.seen, spot.missed_last) = (spot.seen + 1, 0);
                spot.around = (spot.around.0.min(middle), spot.around.1.max(middle));
                spot.own = (spot.own.0.min(own), spot.own.1.max(own));
            }
        }
        let (mut firm, mut vanished) = (0, 0);
        self.all.retain(|at, spot| {
            spot.looks += 1;
            if !is_seen.contains(at) {
                let (x, y) = (at.1 as usize, at.0 as usize);
                let v = gray.values[y * w + x];
                let middle = around(gray, x, y).0;
                // Before something as bright as itself it cannot be told either way.
                let own = 0.5 * (spot.own.0 + spot.own.1);
                let (expected, cannot_tell) = ((own - middle).abs(), (own - middle).abs() < FIRST_SHARE * STANDS_OUT);
                let is_weak = (v - own).abs() <= 0.5 * expected;
                if !cannot_tell && !is_weak {
                    (spot.missed, spot.missed_last) = (spot.missed + 1, spot.missed_last + 1);
                }
            }
            let is_firm =
                spot.missed_last < 3 && spot.seen >= LEAST_LOOKS && 10 * spot.missed <= spot.seen && 10 * spot.seen >= 8 * spot.looks;
            // What is lit otherwise changes with what is around it.
            let changed = spot.around.1 - spot.around.0;
            let has_changed = changed >= CHANGED && spot.own.1 - spot.own.0 < 0.5 * changed;
            let is_old = spot.is_new && spot.seen >= NEW_LOOKS && time.nanos() - spot.since.nanos() >= NEW_NANOS;
            spot.is_stuck = (spot.is_stuck && spot.missed_last < 3) || (is_firm && (has_changed || is_old));
            if !spot.is_new && !spot.is_stuck && spot.seen >= FIRST_LOOKS {
                firm += 1;
                vanished += usize::from(spot.missed_last == 3);
            }
            spot.is_stuck || !spot.is_new || (spot.missed_last < 3 && 4 * spot.missed <= spot.seen + 2)
        });
        if vanished >= VANISHED.0 && vanished as f64 > VANISHED.1 * f64::from(firm) {
            self.begin_again();
        }
    }

    /// How many pixels are stuck, and the first of them (column, row).
    pub fn stuck(&self) -> Option<(usize, [u32; 2])> {
        let mut stuck = self.all.iter().filter(|(_, s)| s.is_stuck).map(|(at, _)| [at.1, at.0]);
        let first = stuck.next()?;
        Some((1 + stuck.count(), first))
    }
}
