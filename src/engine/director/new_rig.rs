//! A rig that was calibrated while the show runs, and that the show takes: from its instant on everything is solved with it; what was before
//! keeps the rig of its time. A show that was opened without a rig comes to its orbits that way.
//!
//! Must not know: how a rig is calibrated, files.

use super::{Director, NoticeLevel, paths::Drawn, truth::TruthState};
use crate::{
    calibrate::board::Light,
    engine::{JudgedRig, Stand, board_thread::BoardDesk, rig_book::is_placed},
    replay::Program,
    rig::{self, Rig},
    time::MediaTime,
};

impl Director {
    /// Takes the rig of a calibration, or says why not and what to do.
    pub(super) fn use_calibrated(&mut self, desk: &BoardDesk, judged: &JudgedRig) {
        let Some(solved) = desk.solved() else {
            return self.warn("The calibration has no rig yet. Finish it first".to_owned());
        };
        let (rig, arc) = match self.usable(&solved.rig, judged) {
            Ok(usable) => usable,
            Err(why) => return self.warn(format!("The calibrated rig is not used: {why}")),
        };
        let is_first = !is_placed(&self.watch.rig_now());
        // What was marked so far keeps its rig. Without one nothing could be solved: there the cameras stand where the board saw them from
        // the first look on.
        let newest = || self.newest().map_or_else(|| self.feeds.now(), |at| at.plus_nanos(1));
        let from = solved.begun.filter(|_| is_first).unwrap_or_else(newest);
        self.fit.forget();
        self.take_rig(rig, arc, from);
        desk.used(from);
        let saved = if judged.saved.is_some() { "" } else { ". It is not saved yet: SAVE RIG" };
        self.notice(
            NoticeLevel::Info,
            if is_first {
                format!("The show uses the calibrated rig: mark an instant (Space) for the first orbit. What it records and sends begins when it is opened again without --calibrate{saved}")
            } else {
                format!("The show uses the calibrated rig from now on; older events keep theirs{saved}")
            },
        );
        if !self.transport.graphics().all().is_empty() {
            self.warn("Graphics in the scene stand where the rig before had its origin and axes. Look whether they still do".to_owned());
        }
    }

    /// The calibrated cameras in the order of the show's, and their arc.
    fn usable(&self, solved: &Rig, judged: &JudgedRig) -> Result<(Rig, rig::Arc), String> {
        if matches!(self.transport.program(), Program::Replay(_)) || self.starting.is_some() || self.program.changing.is_some() {
            return Err("a replay is on air. Go back to live first (RETURN)".to_owned());
        }
        let show = &self.feeds.rig().cameras;
        let missing: Vec<&str> = show.iter().map(|c| c.name.as_str()).filter(|name| solved.camera(name).is_none()).collect();
        if !missing.is_empty() {
            let names = missing.join(", ");
            return Err(format!(
                "{names}: not in it. Carry the board on before what is missing (GO ON), or save the rig and open a show without what is missing"
            ));
        }
        if judged.light == Light::Red {
            return Err("it is red, not fit for air. Do what would help, carry the board on (GO ON) and finish again".to_owned());
        }
        let cameras = show.iter().filter_map(|c| solved.camera(&c.name).cloned()).collect();
        let rig = Rig { cameras, points_in_world: solved.points_in_world.clone() };
        let arc = rig::Arc::fit(&rig).map_err(|e| e.to_string())?;
        let is_like_before = arc.order == self.transport.arc_order() && arc.closed == self.closed();
        if is_placed(&self.watch.rig_now()) && !is_like_before {
            return Err("the cameras stand in another order in it than in the show's, and replays that are prepared go by that order. Save it (SAVE RIG), give the show that file and open it again".to_owned());
        }
        Ok((rig, arc))
    }

    /// From `from` on this is the rig. Nothing of it is on air.
    pub(super) fn take_rig(&mut self, rig: Rig, arc: rig::Arc, from: MediaTime) {
        let is_first = !is_placed(&self.watch.rig_now());
        let degrees: Vec<f64> = (0..arc.gap_count()).map(|k| arc.gap_rad(&rig, k).to_degrees()).collect();
        let sizes_px: Vec<(u32, u32)> = rig.cameras.iter().map(|c| (c.width_px, c.height_px)).collect();
        tracing::info!(cameras = rig.cameras.len(), from = from.nanos(), "a calibrated rig is used");
        self.transport.rearrange(&arc.order, arc.closed);
        self.second_rearranged();
        self.arc = Some(arc);
        self.watch.renew(from, rig);
        self.governor.set_sizes(&sizes_px);
        self.renew_truth(&degrees);
        self.renew_plates();
        self.drawn = Drawn::default();
        self.renew_drawing();
        if is_first {
            self.restore_paths();
        }
        // What is prepared of before is solved as it was; what is after, anew.
        self.prepare_with(from);
        self.preview.asked = None;
    }

    /// The ladder begins anew with the new gaps; what was chosen by hand stays.
    fn renew_truth(&mut self, degrees: &[f64]) {
        let before = std::mem::replace(&mut self.truth, TruthState::new(degrees));
        self.truth.heat_map = before.heat_map;
        self.truth.ladder.real_pixels_only = before.ladder.real_pixels_only;
        for k in 0..before.ladder.gaps().len() {
            if let Some(rung) = before.ladder.chosen(k) {
                self.truth.ladder.choose(k, Some(rung));
            }
        }
        self.refresh_ladder();
    }
}

impl super::watch::WatchState {
    /// All cameras stand elsewhere from `from` on; whether they stand is learned anew.
    fn renew(&mut self, from: MediaTime, rig: Rig) {
        self.stands.fill(Stand::default());
        self.book.renew(from, rig);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn the_book_is_told_and_nobody_is_watched_until_the_hall_is_learned_again() {
        let unposed = |name: &str| crate::rig::Camera::unposed(name);
        let rig = Rig { cameras: vec![unposed("a"), unposed("b")], ..Rig::default() };
        let book = Arc::new(crate::engine::rig_book::RigBook::new(rig.clone()));
        let mut state = super::super::watch::WatchState::new(Arc::clone(&book));
        state.stands[1] = Stand::Unsure;
        state.renew(MediaTime::from_nanos(5), rig);
        assert_eq!((state.stand(1), book.edition()), (Stand::NotWatched, 1));
    }
}
