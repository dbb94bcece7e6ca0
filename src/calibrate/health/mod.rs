//! What else is wrong with a camera's pictures: out of focus, a dirty lens, light that flickers, dead or stuck pixels.
//!
//! Every camera is compared with itself: what stands in the hall is learned as cells of the picture with their detail at two scales, and found
//! again by its coarse look, so that people who walk through count for nothing and a change of exposure changes nothing. Detail that is gone
//! everywhere is focus, detail that is gone for long at one place while the rest is sharp is dirt. Must not know: rigs, threads, who is told.

mod cells;
mod flicker;
mod spots;

use std::sync::Arc;

use self::{
    cells::{CELLS, COLUMNS, Cells, ROWS},
    spots::Spots,
};
use crate::{
    frame::{Picture, gray::Gray},
    time::MediaTime,
};

/// Looks that the state at the beginning is learned from.
const LEARN_LOOKS: usize = 5;
/// Cells that must be seen for a word on the focus.
const LEAST_CELLS: usize = 12;
/// Fine detail that is lost, in powers of two of its energy: told from there on, mended from there on.
const BLURRED: f32 = -1.3;
const SHARP: f32 = -0.6;
/// Blur takes more of the fine than of the coarse; haze and a veil take as much of both.
const MORE_OF_THE_FINE: f32 = 0.35;
/// A cell is dull that lost so much more than the others.
const DULL: f32 = -2.0;
/// Looks in a row, nearly, that a cell is dull for: a person stands still for seconds.
const DULL_LOOKS: i32 = 7;
/// The same for a spot through which nothing is seen any more.
const OPAQUE_LOOKS: i32 = 40;
const MOST_LOOKS: i32 = 48;
/// Cells of a dirty place, and how like the learned ones it and what surrounds it must be.
const LEAST_DULL_CELLS: usize = 4;
const SEEN_THROUGH: f32 = 0.7;
const STILL_THERE: f32 = 0.4;
/// Looks in a row that say the same before it is said.
const SURE_LOOKS: u32 = 3;
/// Where the hall is another one for so many looks, it is learned anew.
const LOST_LOOKS: u32 = 60;

/// Something that is wrong with a camera's picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Ailment {
    /// The whole picture lost its detail: the lens is out of focus, or the camera shakes.
    Blurred {
        /// Fine detail that is left, percent of what it had.
        detail_percent: f32,
    },
    /// One place of the picture lost its detail: the lens is dirty or wet there.
    Dirty {
        /// The place's middle, shares of the picture's width and height.
        at: [f32; 2],
        /// Share of the picture, percent.
        share_percent: f32,
    },
    /// Its brightness goes up and down from frame to frame.
    Flickers {
        /// By so much about the middle, percent of the light.
        percent: f32,
    },
    /// Pixels that show the same whatever is before them.
    StuckPixels {
        /// How many.
        count: usize,
        /// The first, px from the top left.
        at: [u32; 2],
    },
}

impl Ailment {
    /// Whether both are of one kind, however bad.
    pub fn is_like(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Flicker {
    looks: u32,
    percent: Option<f32>,
}

impl Flicker {
    fn judge(&mut self, percent: f32) {
        let is_bad = percent >= if self.percent.is_some() { flicker::MENDED_PERCENT } else { flicker::TOLD_PERCENT };
        self.looks = if is_bad == self.percent.is_some() { 0 } else { self.looks + 1 };
        if self.looks >= 2 {
            self.looks = 0;
            self.percent = is_bad.then_some(percent);
        } else if is_bad && self.percent.is_some() {
            self.percent = Some(percent);
        }
    }
}

/// What is known of one camera.
#[derive(Debug, Clone, Default)]
struct Patient {
    learning: Vec<Cells>,
    reference: Option<Arc<Cells>>,
    /// Fine detail lost at the last look, powers of two of its energy: all of it, and of it against the coarse.
    lost: Option<(f32, f32)>,
    /// Looks in a row that found it blurred (or found it sharp while it is told).
    blur_looks: u32,
    blurred: Option<f32>,
    /// Per cell, how long it has been dull.
    dull: Vec<i32>,
    dirty: Option<([f32; 2], f32)>,
    clean_looks: u32,
    flicker: Flicker,
    spots: Spots,
    lost_looks: u32,
}

/// The health of all cameras' pictures.
#[derive(Debug, Clone)]
pub struct Checkup {
    cameras: Vec<Patient>,
}

impl Checkup {
    /// Nothing is known of so many cameras.
    pub fn new(cameras: usize) -> Self {
        Self { cameras: vec![Patient::default(); cameras] }
    }

    /// What is wrong with a camera, in the order of [`Ailment`].
    pub fn ailments(&self, camera: usize) -> Vec<Ailment> {
        let Some(p) = self.cameras.get(camera) else { return Vec::new() };
        let blurred = p.blurred.map(|detail_percent| Ailment::Blurred { detail_percent });
        let dirty = p.dirty.map(|(at, share_percent)| Ailment::Dirty { at, share_percent });
        let flickers = p.flicker.percent.map(|percent| Ailment::Flickers { percent });
        let stuck = p.spots.stuck().map(|(count, at)| Ailment::StuckPixels { count, at });
        [blurred, dirty, flickers, stuck].into_iter().flatten().collect()
    }

    /// The camera was moved: a healthy one is learned anew, one with a fault keeps what it looked like before.
    pub fn moved(&mut self, camera: usize) {
        if self.ailments(camera).is_empty()
            && let Some(p) = self.cameras.get_mut(camera)
        {
            *p = Patient::default();
        } else if let Some(p) = self.cameras.get_mut(camera) {
            p.spots.begin_again();
        }
    }

    /// Looks at a camera's newest picture, some 20 ms for 1080p. A second or two should lie between the looks at one camera.
    pub fn look(&mut self, camera: usize, picture: &Picture, time: MediaTime) {
        // What happens to all cameras at once (fog, other light) is no camera's fault.
        let mut lost: Vec<f32> = self.cameras.iter().filter_map(|p| p.lost.map(|(fine, _)| fine)).collect();
        lost.sort_by(f32::total_cmp);
        let common = if lost.len() >= 3 { lost[lost.len() / 2].min(0.0) } else { 0.0 };
        let Some(p) = self.cameras.get_mut(camera) else { return };
        let gray = Gray::from_picture(picture);
        p.spots.look(&gray, time);
        let now = Cells::new(gray);
        let Some(reference) = p.reference.clone().filter(|r| r.size_px == now.size_px) else {
            p.learn(now);
            return;
        };
        let like = reference.likeness(&now);
        let known: Vec<usize> = (0..CELLS).filter(|&k| reference.is_textured(k)).collect();
        let mut seen: Vec<(f32, f32)> = known
            .iter()
            .filter(|&&k| like[k] > cells::SAME)
            .map(|&k| (reference.lost_fine(&now, k), reference.lost_coarse(&now, k)))
            .collect();
        if seen.len() < LEAST_CELLS.max(known.len() / 8) {
            (p.lost, p.lost_looks) = (None, p.lost_looks + 1);
            if p.lost_looks > LOST_LOOKS && p.blurred.is_none() && p.dirty.is_none() {
                p.spots.begin_again();
                *p = Patient { spots: std::mem::take(&mut p.spots), flicker: p.flicker, ..Patient::default() };
            }
            return;
        }
        p.lost_looks = 0;
        let mut more: Vec<f32> = seen.iter().map(|(fine, coarse)| fine - coarse).collect();
        more.sort_by(f32::total_cmp);
        seen.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (fine, more) = (seen[seen.len() / 2].0, more[more.len() / 2]);
        p.lost = Some((fine, more));
        p.judge_focus(fine - common, more);
        // A place is dirty while the rest is sharp.
        if p.blurred.is_some() || fine - common < SHARP {
            return;
        }
        if p.dull.len() != CELLS {
            p.dull = vec![0; CELLS];
        }
        for &k in &known {
            let is_dull = reference.lost_fine(&now, k) - fine < DULL;
            p.dull[k] = if is_dull { (p.dull[k] + 1).min(MOST_LOOKS) } else { p.dull[k] / 2 };
        }
        let found = dirty_place(&p.dull, &like, &known, p.dirty.is_some(), &reference, &now);
        // Once told, one look that says nothing mends nothing.
        p.clean_looks = if found.is_some() { 0 } else { p.clean_looks + 1 };
        if found.is_some() || p.clean_looks >= SURE_LOOKS {
            p.dirty = found;
        }
    }

    /// Looks at frames that follow each other: whether the light flickers.
    pub fn look_at_burst(&mut self, camera: usize, frames: &[&Picture]) {
        let Some(p) = self.cameras.get_mut(camera) else { return };
        if let Some(percent) = flicker::percent(&frames.iter().map(|f| flicker::means(f)).collect::<Vec<_>>()) {
            p.flicker.judge(percent);
        }
    }

    /// Whether a burst of this camera found flicker that is not yet said, or said and not yet mended: it wants another one soon.
    pub fn wants_burst(&self, camera: usize) -> bool {
        self.cameras.get(camera).is_some_and(|p| p.flicker.looks > 0 || p.flicker.percent.is_some())
    }
}

impl Patient {
    fn learn(&mut self, now: Cells) {
        if self.learning.first().is_some_and(|first| first.size_px != now.size_px) {
            self.learning.clear();
        }
        self.learning.push(now);
        if self.learning.len() >= LEARN_LOOKS {
            self.reference = Cells::common(&std::mem::take(&mut self.learning)).map(Arc::new);
        }
    }

    fn judge_focus(&mut self, fine: f32, more: f32) {
        let is_bad = if self.blurred.is_some() { fine < SHARP } else { fine < BLURRED && more < -MORE_OF_THE_FINE };
        self.blur_looks = if is_bad == self.blurred.is_some() { 0 } else { self.blur_looks + 1 };
        // Amplitude is the root of energy.
        let percent = 100.0 * (0.5 * fine).exp2();
        if self.blur_looks >= SURE_LOOKS {
            self.blur_looks = 0;
            self.blurred = is_bad.then_some(percent);
            self.spots.begin_again();
        } else if is_bad && self.blurred.is_some() {
            self.blurred = Some(percent);
        }
    }
}

/// The largest place that has been dull for long: its middle and its share of the picture in percent.
fn dirty_place(dull: &[i32], like: &[f32], known: &[usize], was_dirty: bool, reference: &Cells, now: &Cells) -> Option<([f32; 2], f32)> {
    let enough = if was_dirty { DULL_LOOKS / 2 } else { DULL_LOOKS };
    let around = |k: usize| {
        let (x, y) = ((k % COLUMNS) as i32, (k / COLUMNS) as i32);
        let inside = |(x, y): (i32, i32)| x >= 0 && y >= 0 && x < COLUMNS as i32 && y < ROWS as i32;
        let steps = (-1..=1).flat_map(move |dy| (-1..=1).map(move |dx| (x + dx, y + dy)));
        steps.filter(move |p| inside(*p)).map(|(x, y)| y as usize * COLUMNS + x as usize).filter(move |&n| n != k)
    };
    let mut is_taken = vec![false; dull.len()];
    let mut best: Option<Vec<usize>> = None;
    for start in (0..dull.len()).filter(|&k| dull[k] >= enough) {
        if is_taken[start] {
            continue;
        }
        let (mut place, mut next) = (Vec::new(), vec![start]);
        is_taken[start] = true;
        while let Some(k) = next.pop() {
            place.push(k);
            for n in around(k) {
                if dull[n] >= enough && !std::mem::replace(&mut is_taken[n], true) {
                    next.push(n);
                }
            }
        }
        // A place in the hall that shows something else now has an edge, and what is at its edge is another thing as well.
        let mut ring: Vec<usize> = place.iter().flat_map(|&k| around(k)).filter(|n| !place.contains(n) && known.contains(n)).collect();
        ring.sort_unstable();
        ring.dedup();
        let is_same = |cells: &[usize]| 3 * cells.iter().filter(|&&k| like[k] > STILL_THERE).count() >= 2 * cells.len();
        let is_opaque = place.iter().all(|&k| dull[k] >= OPAQUE_LOOKS.min(MOST_LOOKS) && reference.is_dark(now, k));
        let is_lens = ring.len() >= 3 && is_same(&ring) && (reference.likeness_of(now, &place) > SEEN_THROUGH || is_opaque);
        if place.len() >= LEAST_DULL_CELLS && is_lens && best.as_ref().is_none_or(|b| b.len() < place.len()) {
            best = Some(place);
        }
    }
    let place = best?;
    let middle = |of: fn(usize) -> f32| place.iter().map(|&k| of(k)).sum::<f32>() / place.len() as f32;
    let at = [middle(|k| ((k % COLUMNS) as f32 + 0.5) / COLUMNS as f32), middle(|k| ((k / COLUMNS) as f32 + 0.5) / ROWS as f32)];
    Some((at, 100.0 * place.len() as f32 / CELLS as f32))
}
