//! What the cameras saw of the board so far: counts, coverage, and the sightings that a rig is solved from.

use std::collections::BTreeMap;

use glam::DVec2;
use rayon::prelude::*;

use super::{
    coverage::{CELLS, cell_of, empty_part},
    description::Board,
    detect::{Detection, Rejection, detect},
    lens_start::NoLens,
    outcome::{Calibration, Candidate, GATE_PX, Motion, Seen, Unsolved},
    unread::Unread,
};
use crate::frame::Picture;

/// A board carried before the cameras.
#[derive(Debug, Clone)]
pub struct BoardSession {
    board: Board,
    cameras: Vec<Candidate>,
    looks: Vec<Look>,
    unread: Unread,
}

/// A picture's size, px, and what was found in it.
pub type Looked = ((u32, u32), Result<Detection, Rejection>);

#[derive(Debug, Clone)]
struct Look {
    secs: f64,
    /// Looked at only to see who moves.
    aside: bool,
    /// For each camera; `None` without a picture.
    results: Vec<Option<Result<Detection, Rejection>>>,
}

/// How the pictures of one camera fared.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tally {
    /// Pictures looked at.
    pub pictures: usize,
    /// Boards found.
    pub found: usize,
    /// Those of them that moved: they count for the lens only.
    pub moving: usize,
    /// Rejections by their short reason: how many, and the first in full.
    pub rejected: BTreeMap<&'static str, (usize, String)>,
    /// Corners per cell of the picture, row by row ([`CELLS`]).
    pub cells: Vec<u32>,
}

/// What a rig is solved from.
#[derive(Debug, Clone, Default)]
pub struct Sightings {
    /// Boards that are used.
    pub seen: Vec<Seen>,
    /// Seconds of each instant.
    pub secs: Vec<f64>,
    /// For each camera.
    pub tallies: Vec<Tally>,
}

/// A camera's picture has another size than before.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{camera}: a picture of {}×{} px after some of {}×{}. Calibrate with the size that you shoot", now.0, now.1, before.0, before.1)]
pub struct OtherSize {
    camera: String,
    before: (u32, u32),
    now: (u32, u32),
}

/// At most so many instants are solved: more tell hardly more.
const MOST_INSTANTS: usize = 240;
/// A reason that was met less often is none.
const LEAST_REASON: usize = 3;
/// [`Rejection::Moving`] in short.
const MOVING: &str = "moving";
/// A board that moved by less than this share of the width in every camera says nothing new.
pub(super) const SAME_SHARE: f64 = 0.004;

impl BoardSession {
    /// For cameras of these names; their sizes follow from their first pictures.
    pub fn new(board: Board, names: &[String]) -> Self {
        let camera = |name: &String| Candidate { name: name.clone(), width_px: 0, height_px: 0, lens: None };
        Self { board, cameras: names.iter().map(camera).collect(), looks: Vec::new(), unread: Unread::default() }
    }

    /// Looks at one instant's pictures, in the order of the names; returns how many saw the board.
    pub fn look(&mut self, secs: f64, pictures: &[Option<&Picture>]) -> Result<usize, OtherSize> {
        let board = &self.board;
        let seen = pictures.par_iter().map(|p| p.map(|p| ((p.width(), p.height()), detect(board, p)))).collect();
        let found = self.keep(secs, seen)?;
        self.unread.look(found, pictures);
        Ok(found)
    }

    /// Where no board was found in any picture that this session looked at: what they show instead, with what to say.
    pub fn what_else(&self) -> Option<String> {
        self.unread.told(&self.board)
    }

    /// The same of pictures that somebody else looked at: their sizes (px) and what was found in them.
    pub fn keep(&mut self, secs: f64, seen: Vec<Option<Looked>>) -> Result<usize, OtherSize> {
        self.take(secs, false, seen)
    }

    /// What some cameras saw at a time of which only counts whether the board moved from or to it.
    pub fn keep_aside(&mut self, secs: f64, seen: Vec<Option<Looked>>) -> Result<usize, OtherSize> {
        self.take(secs, true, seen)
    }

    fn take(&mut self, secs: f64, aside: bool, seen: Vec<Option<Looked>>) -> Result<usize, OtherSize> {
        for (c, p) in self.cameras.iter_mut().zip(&seen) {
            let Some((now, _)) = *p else { continue };
            let before = (c.width_px, c.height_px);
            if before != (0, 0) && before != now {
                return Err(OtherSize { camera: c.name.clone(), before, now });
            }
            (c.width_px, c.height_px) = now;
        }
        let mut results: Vec<_> = seen.into_iter().map(|p| p.map(|(_, result)| result)).collect();
        results.resize(self.cameras.len(), None);
        let found = results.iter().flatten().filter(|r| r.is_ok()).count();
        self.looks.push(Look { secs, aside, results });
        Ok(found)
    }

    /// The cameras, with the sizes of their pictures.
    pub fn cameras(&self) -> &[Candidate] {
        &self.cameras
    }

    /// The board.
    pub const fn board(&self) -> &Board {
        &self.board
    }

    /// All that may be used. Boards that move by more than `most_px` within `frame_secs` count for the lenses only (by how far they are from one look to the
    /// next, whichever side is less), those that stand still are used once. `floor_secs` is the time whose instant is kept in any case; its
    /// index comes back.
    pub fn sightings(&self, frame_secs: f64, most_px: f64, floor_secs: Option<f64>) -> (Sightings, Option<usize>) {
        let looks = &self.looks;
        let moving = |t: usize, camera: usize| self.motion(t, camera, frame_secs).filter(|px| *px > most_px);
        let floor = floor_secs.and_then(|f| {
            (0..looks.len()).filter(|t| !looks[*t].aside).min_by(|a, b| (looks[*a].secs - f).abs().total_cmp(&(looks[*b].secs - f).abs()))
        });
        let mut kept: Vec<usize> = Vec::new();
        for t in (0..looks.len()).filter(|t| !looks[*t].aside) {
            let found = looks[t].results.iter().flatten().any(Result::is_ok);
            let says_more = kept.last().is_none_or(|k| self.differ(&looks[*k], &looks[t]));
            if found && (says_more || Some(t) == floor) {
                kept.push(t);
            }
        }
        if kept.len() > MOST_INSTANTS {
            let n = kept.len();
            kept = (0..MOST_INSTANTS).map(|i| kept[i * n / MOST_INSTANTS]).chain(floor).collect();
            kept.sort_unstable();
            kept.dedup();
        }
        let mut seen = Vec::new();
        for (instant, t) in kept.iter().enumerate() {
            for (camera, result) in looks[*t].results.iter().enumerate() {
                if let Some(Ok(d)) = result {
                    let moving = moving(*t, camera).is_some();
                    let motion = self.way(*t, camera).map(|px_per_sec| Motion { px_per_sec, frame_secs });
                    seen.push(Seen { camera, instant, corners: d.corners.clone(), moving, motion });
                }
            }
        }
        let tallies = (0..self.cameras.len()).map(|i| self.tally(i, most_px, &|t| moving(t, i))).collect();
        let at_floor = floor.and_then(|f| kept.iter().position(|t| *t == f));
        (Sightings { seen, secs: kept.iter().map(|t| looks[*t].secs).collect(), tallies }, at_floor)
    }

    /// Px per frame, from the nearer of its looks before and after: not everybody looks each time.
    fn motion(&self, t: usize, camera: usize, frame_secs: f64) -> Option<f64> {
        let of = |t: usize| self.looks.get(t)?.results[camera].as_ref()?.as_ref().ok();
        let here = of(t)?;
        let to = |other: usize| {
            let there = of(other)?;
            let secs = (self.looks[other].secs - self.looks[t].secs).abs();
            (secs > 0.0).then(|| moved_px(here, there).map(|px| px * frame_secs / secs))?
        };
        // Further apart, the way between them says nothing.
        let is_near = |other: &usize| (self.looks[*other].secs - self.looks[t].secs).abs() < 1.01;
        let has_looked = |other: &usize| self.looks[*other].results[camera].is_some();
        let before = (0..t).rev().take_while(is_near).find(has_looked);
        let after = (t + 1..self.looks.len()).take_while(is_near).find(has_looked);
        let sides = [before.and_then(to), after.and_then(to)];
        sides.into_iter().flatten().min_by(f64::total_cmp)
    }

    /// How fast each corner goes, px per second, from the looks before and after; `None` where they are far off, or the way is bent too much to tell.
    fn way(&self, t: usize, camera: usize) -> Option<Vec<(usize, DVec2)>> {
        const FURTHEST_SECS: f64 = 0.51;
        const MOST_BENT: f64 = 0.5;
        let of = |t: usize| self.looks.get(t)?.results[camera].as_ref()?.as_ref().ok();
        let secs = |t: usize| self.looks.get(t).map(|l| l.secs);
        let (before, here, after) = (of(t.checked_sub(1)?)?, of(t)?, of(t + 1)?);
        let (since, until) = (secs(t)? - secs(t - 1)?, secs(t + 1)? - secs(t)?);
        if !(since > 0.0 && until > 0.0 && since < FURTHEST_SECS && until < FURTHEST_SECS) {
            return None;
        }
        let at = |d: &Detection, i: usize| d.corners.iter().find(|(j, _)| *j == i).map(|(_, px)| *px);
        let mut ways = Vec::new();
        let (mut along, mut aside) = (0.0, 0.0);
        for (i, px) in &here.corners {
            let (Some(was), Some(will)) = (at(before, *i), at(after, *i)) else { continue };
            let (came, goes) = ((*px - was) / since, (will - *px) / until);
            ways.push((*i, (came * until + goes * since) / (since + until)));
            along += (came + goes).length();
            aside += (goes - came).length();
        }
        (!ways.is_empty() && aside <= MOST_BENT * along).then_some(ways)
    }

    fn differ(&self, a: &Look, b: &Look) -> bool {
        let ok = |r: &Option<Result<Detection, Rejection>>| r.as_ref().and_then(|r| r.as_ref().ok().cloned());
        let differs = |((a, b), c): ((&_, &_), &Candidate)| match (ok(a), ok(b)) {
            (Some(a), Some(b)) => moved_px(&a, &b).is_none_or(|px| px > SAME_SHARE * f64::from(c.width_px)),
            (None, Some(_)) => true,
            _ => false,
        };
        a.results.iter().zip(&b.results).zip(&self.cameras).any(differs)
    }

    fn tally(&self, camera: usize, limit_px: f64, moving: &dyn Fn(usize) -> Option<f64>) -> Tally {
        let mut tally = Tally { cells: vec![0; CELLS.0 * CELLS.1], ..Tally::default() };
        let c = &self.cameras[camera];
        let mut reject = |r: Rejection| tally.rejected.entry(r.short()).or_insert_with(|| (0, r.to_string())).0 += 1;
        for (t, look) in self.looks.iter().enumerate() {
            let Some(result) = look.results[camera].as_ref() else { continue };
            tally.pictures += 1;
            match result {
                Ok(d) => {
                    tally.found += 1;
                    if let Some(px_per_frame) = moving(t) {
                        tally.moving += 1;
                        reject(Rejection::Moving { px_per_frame, limit_px });
                    }
                    for (_, px) in &d.corners {
                        tally.cells[cell_of(*px, (c.width_px, c.height_px))] += 1;
                    }
                }
                Err(r) => reject(*r),
            }
        }
        tally
    }
}

/// Median way of the corners that both have, px.
pub(super) fn moved_px(a: &Detection, b: &Detection) -> Option<f64> {
    let other = |i: usize| b.corners.iter().find(|(j, _)| *j == i).map(|(_, px)| *px);
    let mut ways: Vec<f64> = a.corners.iter().filter_map(|(i, px)| Some((other(*i)? - *px).length())).collect();
    ways.sort_by(f64::total_cmp);
    ways.get(ways.len() / 2).copied()
}

impl Tally {
    /// Share of the picture's cells in which a corner was seen.
    pub fn covered(&self) -> f64 {
        self.cells.iter().filter(|c| **c > 0).count() as f64 / self.cells.len().max(1) as f64
    }

    /// Why most pictures in which something of a board was seen gave none, and of how many; where nothing was seen, that.
    pub fn most_rejected(&self) -> Option<(usize, &str)> {
        let nothing = Rejection::NoBoard.short();
        let rank = |(reason, (count, _)): &(&&str, &(usize, String))| (**reason != nothing && *count >= LEAST_REASON, *count);
        // Boards that moved were found.
        let all = self.rejected.iter().filter(|(reason, _)| **reason != MOVING);
        all.max_by_key(rank).map(|(_, (count, why))| (*count, why.as_str()))
    }

    /// A heat map in text: a line per row of cells, from nothing to `#`.
    pub fn heat_map(&self) -> Vec<String> {
        let most = self.cells.iter().copied().max().unwrap_or(0).max(1);
        let mark = |c: &u32| match c * 4 / most {
            _ if *c == 0 => '·',
            0 => '-',
            1 => '+',
            2 => 'x',
            _ => '#',
        };
        self.cells.chunks(CELLS.0).map(|row| row.iter().map(mark).collect()).collect()
    }

    /// One of nine parts of the picture that has nothing, in words; `None` when each has something.
    pub fn emptiest(&self) -> Option<String> {
        empty_part(&self.cells).map(|part| part.to_string())
    }
}

/// What to do about a calibration that is not green, or could be better: one line each, the most pressing first.
pub fn remedies(calibration: &Calibration, cameras: &[Candidate], tallies: &[Tally]) -> Vec<String> {
    let mut lines = Vec::new();
    for ((c, fit), tally) in cameras.iter().zip(&calibration.cameras).zip(tallies) {
        match (&fit.unsolved, tally.most_rejected()) {
            (Some(Unsolved::Lens(NoLens::TooFew { views, needed })), Some((count, why))) => lines.push(format!(
                "{}: {views} boards were found in its pictures, {needed} are needed. In {count} of {}: {why}",
                c.name, tally.pictures
            )),
            (Some(why), _) => lines.push(format!("{}: {why}", c.name)),
            (None, _) => {}
        }
    }
    lines.extend(calibration.findings.iter().map(ToString::to_string));
    let missing: Vec<String> = weak_neighbours(calibration, cameras);
    lines.extend(missing);
    for ((c, fit), tally) in cameras.iter().zip(&calibration.cameras).zip(tallies) {
        if fit.unsolved.is_some() {
            continue;
        }
        if fit.rms_px > 2.0 * GATE_PX.0 && fit.rms_px > 1.4 * calibration.rms_px {
            lines.push(format!(
                "{}: its corners are {:.2} px off, the others' less. Is it in focus, still, and in step?",
                c.name, fit.rms_px
            ));
        }
        if let Some(part) = tally.emptiest().filter(|_| c.lens.is_none()) {
            lines.push(format!("{}: the {part} of its picture never saw the board, so its lens is unsure there. Carry it there", c.name));
        }
    }
    lines
}

/// Solved cameras that stand next to each other and share too little.
fn weak_neighbours(calibration: &Calibration, cameras: &[Candidate]) -> Vec<String> {
    let place = |i: usize| calibration.rig.camera(&cameras[i].name).map(crate::rig::Camera::center_in_world);
    let mut lines = Vec::new();
    for i in 0..cameras.len() {
        let Some(here) = place(i) else { continue };
        let away = |j: usize| place(j).filter(|_| j != i).map(|there| (there - here).length());
        let nearest = (0..cameras.len()).filter_map(|j| Some((j, away(j)?))).min_by(|a, b| a.1.total_cmp(&b.1));
        let Some((j, _)) = nearest else { continue };
        let link = calibration.links.iter().find(|l| (l.from, l.to) == (i.min(j), i.max(j)));
        if let Some(l) = link.filter(|l| !l.holds()) {
            let line = format!(
                "{} and {} stand next to each other but share only {} boards. Hold the board where both see it, turned half-way between them",
                cameras[l.from].name, cameras[l.to].name, l.agreeing
            );
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
    }
    lines
}
