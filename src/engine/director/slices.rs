//! Slices: other instants of the movement in the prepared picture. Their moments are fetched and solved one after the other beside the prepared
//! one, as far as memory goes; they end with it.
//!
//! Must not know: how instants are put together.

use std::sync::Arc;

use super::{Director, NoticeLevel};
use crate::{
    engine::{Slice, SlicesView, board::PhaseWish, export::MOST_SLICES},
    frame::Moment,
    replay::Readiness,
    time::MediaTime,
};

/// What SLICES alone asks for: phases in all, and the time between two.
const USUAL: (u32, i64) = (3, 250_000_000);

/// The other instants of the picture.
#[derive(Debug, Default)]
pub(in crate::engine) struct SliceState {
    /// The prepared instant that they belong to.
    base: Option<MediaTime>,
    /// The other instants, oldest first.
    wanted: Vec<MediaTime>,
    moments: Vec<Arc<Moment>>,
    solved: Vec<MediaTime>,
    /// The instant that is being fetched or solved.
    asked: Option<MediaTime>,
    serial: u64,
    /// The instant that is on air with slices, and which: as they were taken.
    on_air: Option<(MediaTime, Vec<MediaTime>)>,
}

impl SliceState {
    /// Whether the frames of one are being fetched, or solved.
    pub(super) const fn is_fetching(&self) -> bool {
        self.asked.is_some()
    }
}

impl Director {
    pub(super) fn slice(&mut self, slice: Slice) {
        if slice == Slice::Off || slice == Slice::Switch && self.slices.base.is_some() {
            return self.drop_slices();
        }
        let Some(base) = self.transport.preview().map(|p| p.instant) else {
            return self.warn("Nothing is prepared to show in slices. Mark an instant (Space) or choose an event".to_owned());
        };
        if self.gpu.adapter.is_empty() {
            return self
                .warn("Slices need a GPU: each of their instants is solved. Without one there is one instant in a picture".to_owned());
        }
        let before = |count: u32, step: i64| (1..i64::from(count)).rev().map(|k| base.plus_nanos(-k * step)).collect::<Vec<_>>();
        let same = self.slices.base == Some(base);
        let kept = if same { self.slices.wanted.clone() } else { vec![] };
        let mut wanted = match slice {
            Slice::Switch | Slice::Off => before(USUAL.0, USUAL.1),
            Slice::Phases { count, step_nanos } => before(count, step_nanos),
            Slice::At(at) => kept.into_iter().chain([at]).collect(),
            Slice::Event(id) => match self.transport.events().get(id).map(|e| e.instant) {
                Some(at) => kept.into_iter().chain([at]).collect(),
                None => return self.warn(format!("There is no event {} to take a slice of. Choose one of the list", id.0)),
            },
        };
        wanted.sort_unstable();
        wanted.dedup();
        wanted.retain(|at| *at != base);
        if wanted.len() > MOST_SLICES {
            return self
                .warn(format!("More than {MOST_SLICES} other instants do not go into one picture. Ask for fewer, or farther apart"));
        }
        if !same {
            self.drop_slices();
        }
        self.slices.base = Some(base);
        let is_wanted = |at: &MediaTime| wanted.contains(at);
        self.slices.moments.retain(|m| is_wanted(&m.instant));
        self.slices.solved.retain(is_wanted);
        self.slices.wanted = wanted;
        self.slices_changed();
        self.advance_slices();
    }

    fn slices_changed(&mut self) {
        self.preview.asked = None;
        self.board.keep_phases(self.slices.wanted.clone(), self.slices.on_air.clone().map_or_else(Vec::new, |(_, at)| at));
    }

    /// What is taken is what preview shows: slices that come or go afterwards change nothing on air.
    pub(super) fn slices_to_air(&mut self) {
        self.slices.on_air = self.on_air_instant().map(|at| (at, self.slices_of(at))).filter(|(_, slices)| !slices.is_empty());
        self.slices_changed();
    }

    /// The GPU has no memory left: those that are not on air were let go.
    pub(super) fn slices_spared(&mut self) {
        if self.slices.base.is_some() {
            self.drop_slices();
            self.warn("The GPU has no memory left for slices: there is one instant in preview again. SLICES (S) tries anew".to_owned());
        }
    }

    /// One instant in a picture again.
    fn drop_slices(&mut self) {
        if self.slices.base.is_none() {
            return;
        }
        let serial = self.slices.serial + 1;
        self.slices = SliceState { serial, on_air: self.slices.on_air.take(), ..SliceState::default() };
        self.board.forget_phases(serial);
        self.slices_changed();
    }

    /// The device is another one: what was solved is gone.
    pub(super) fn slices_lost(&mut self) {
        self.slices.solved.clear();
        self.slices.asked = None;
    }

    /// The cameras stand elsewhere, also at the instants that are solved.
    pub(super) fn slices_of_another_rig(&mut self) {
        self.slices_lost();
        self.slices.serial += 1;
        self.board.forget_phases(self.slices.serial);
    }

    /// Asks for what is needed next.
    pub(super) fn advance_slices(&mut self) {
        let Some(base) = self.slices.base else { return };
        let prepared = self.transport.preview().filter(|p| p.instant == base).map(|p| p.readiness);
        if prepared.is_none() && self.on_air_instant() != Some(base) {
            return self.drop_slices();
        }
        if prepared.is_none() {
            // What was asked for is nobody's wish any more, and may never come: back here it is asked for anew.
            self.slices.asked = None;
        }
        if prepared != Some(Readiness::Solved) || self.slices.asked.is_some() {
            return;
        }
        let Some(at) = self.slices.wanted.iter().copied().find(|at| !self.slices.solved.contains(at)) else { return };
        self.slices.asked = Some(at);
        match self.slices.moments.iter().find(|m| m.instant == at).cloned() {
            Some(moment) => {
                let (level, serial) = (self.governor.level(), self.slices.serial);
                self.board.post_phase_latest(PhaseWish { moment, level, serial });
            }
            None => self.moment_wish.post_latest(at),
        }
    }

    /// A moment was decoded, or cannot be; whether it was one of these.
    pub(super) fn slice_decoded(&mut self, instant: MediaTime, result: &Result<Arc<Moment>, String>) -> bool {
        if self.slices.asked != Some(instant) || self.transport.preview().is_some_and(|p| p.instant == instant) {
            return false;
        }
        self.slices.asked = None;
        match result {
            Ok(moment) if moment.frames.len() >= 2 => {
                let moment = self.without_bumped(moment);
                self.watch.look_first(Arc::clone(&moment));
                self.slices.moments.push(moment);
            }
            Ok(_) => self.leave_slice_out(instant, "fewer than two cameras have a frame"),
            Err(why) => self.leave_slice_out(instant, why),
        }
        self.advance_slices();
        true
    }

    /// A camera turned out to have been bumped: slices that it is in are solved again without it.
    pub(super) fn slices_without_bumped(&mut self) {
        let mut changed = Vec::new();
        for k in 0..self.slices.moments.len() {
            let honest = self.without_bumped(&self.slices.moments[k]);
            if !Arc::ptr_eq(&honest, &self.slices.moments[k]) {
                changed.push(honest.instant);
                self.slices.moments[k] = honest;
            }
        }
        if changed.is_empty() {
            return;
        }
        self.slices.solved.retain(|at| !changed.contains(at));
        if self.slices.asked.is_some_and(|at| changed.contains(&at)) {
            self.slices.asked = None;
            self.slices.serial += 1;
            self.board.forget_phases(self.slices.serial);
        }
        if let Some((_, on_air)) = &mut self.slices.on_air {
            on_air.retain(|at| !changed.contains(at));
            self.program.asked = None;
        }
        self.slices_changed();
        self.advance_slices();
    }

    fn leave_slice_out(&mut self, instant: MediaTime, why: &str) {
        self.slices.wanted.retain(|at| *at != instant);
        self.slices_changed();
        self.warn(format!("The slice at {instant} is left out: {why}"));
    }

    /// A slice is solved (`Ok(true)`), was dropped for something more urgent, or cannot be.
    pub(super) fn slice_solved(&mut self, instant: MediaTime, serial: u64, result: Result<bool, String>) {
        if serial != self.slices.serial || self.slices.asked != Some(instant) {
            return;
        }
        self.slices.asked = None;
        match result {
            Ok(true) => {
                self.slices.solved.push(instant);
                self.preview.asked = None;
                // Solved again, on another device.
                if self.slices.on_air.as_ref().is_some_and(|(_, slices)| slices.contains(&instant)) {
                    self.program.asked = None;
                }
                if self.slices.solved.len() == self.slices.wanted.len() {
                    let phases = self.slices.wanted.len() + 1;
                    self.notice(NoticeLevel::Info, format!("{phases} phases are in the picture; SLICES (S) takes them out"));
                }
            }
            Ok(false) => {}
            Err(why) => self.leave_slice_out(instant, &why),
        }
        self.advance_slices();
    }

    /// The instants that are ready to be laid into the picture of this one.
    pub(super) fn slices_of(&self, instant: MediaTime) -> Vec<MediaTime> {
        if self.slices.base == Some(instant) && !self.truth.ladder.real_pixels_only { self.slices.solved.clone() } else { vec![] }
    }

    /// The instants that are on air in the picture of this one.
    pub(in crate::engine) fn slices_on_air(&self, instant: MediaTime) -> Vec<MediaTime> {
        let taken = self.slices.on_air.as_ref().filter(|(at, _)| *at == instant && !self.truth.ladder.real_pixels_only);
        taken.map_or_else(Vec::new, |(_, slices)| slices.clone())
    }

    /// The moments that an export of this instant shows besides.
    pub(super) fn slice_moments(&self, instant: MediaTime) -> Vec<Moment> {
        let is_ready = |m: &&Arc<Moment>| self.slices_of(instant).contains(&m.instant);
        self.slices.moments.iter().filter(is_ready).map(|m| m.as_ref().clone()).collect()
    }

    /// The slices as everybody else sees them.
    pub(in crate::engine) fn slices_view(&self) -> SlicesView {
        SlicesView { instants: self.slices.wanted.clone(), ready: self.slices.solved.clone() }
    }
}
