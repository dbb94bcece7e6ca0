//! A rig that fits what the cameras show better than the one of the file: it is used as soon as nothing is on air, and the operator may go back.
//!
//! Must not know: how a rig is fitted.

use super::{Director, NoticeLevel};
use crate::{
    calibrate::Refined,
    engine::Stand,
    replay::{Program, Readiness},
    rig::{self, Rig},
    time::MediaTime,
};

/// A rig that fits better than this is left alone: points that half of the cameras see cannot tell less from chance for long, px.
const WORTH_PX: f64 = 0.15;
/// What is left of the distance must be so much of it at most.
const WORTH_SHARE: f64 = 0.8;

/// What the director knows of how well the rig fits.
#[derive(Debug, Default)]
pub(in crate::engine) struct FitState {
    off: bool,
    /// What was found, and the rig that it was made of once it is used.
    found: Option<Box<Refined>>,
    before: Option<Rig>,
}

impl FitState {
    pub fn new(on: bool) -> Self {
        Self { off: !on, ..Self::default() }
    }

    /// The watch has found a rig that fits better.
    pub fn found(&mut self, refined: Box<Refined>) {
        let (before_px, after_px) = (refined.before.median_px, refined.after.median_px);
        let is_worth = before_px >= WORTH_PX && after_px <= WORTH_SHARE * before_px;
        tracing::info!(before_px, after_px, is_worth, "another rig fits what the cameras show better");
        if is_worth {
            (self.found, self.before) = (Some(refined), None);
        }
    }

    /// The cameras were calibrated anew.
    pub fn forget(&mut self) {
        (self.found, self.before) = (None, None);
    }
}

impl Director {
    /// Uses what was found, or goes back, as soon as nothing is on air.
    pub(super) fn fit_rig(&mut self) {
        let Some(found) = &self.fit.found else { return };
        if self.fit.off == self.fit.before.is_none() || self.is_on_air() {
            return;
        }
        if self.fit.off {
            // Where a bumped camera stands is known in the world of the fitted rig alone: first it is solved, or stands again.
            if self.watch.stands.iter().any(|s| matches!(s, Stand::Bumped { .. })) {
                return;
            }
            let Some(before) = self.fit.before.take() else { return };
            // A camera that was bumped meanwhile was solved in the world of the fitted rig.
            if self.watch.rig_now().cameras != found.rig.cameras {
                self.fit.forget();
                return self.warn(
                    "The rig stays as it is: a camera was solved anew since it was adjusted. Open the show again for the rig of the file"
                        .to_owned(),
                );
            }
            if self.use_rig(before) {
                self.notice(NoticeLevel::Info, "The rig is as its file says again".to_owned());
            }
            return;
        }
        // What is solved and waits for its TAKE is not taken from under the operator's hand.
        if self.cueing.is_some() || self.transport.preview().is_some_and(|p| p.readiness >= Readiness::Solved) {
            return;
        }
        // What a bumped camera showed before is not where it stands now.
        if self.watch.stands.iter().any(|s| matches!(s, Stand::Bumped { .. } | Stand::Solved { .. })) {
            return self.fit.forget();
        }
        let (fitted, before_px, after_px) = (found.rig.clone(), found.before.median_px, found.after.median_px);
        let before = Rig::clone(&self.watch.rig_now());
        if !self.use_rig(fitted) {
            return self.fit.forget();
        }
        self.fit.before = Some(before);
        self.notice(
            NoticeLevel::Info,
            format!("The rig was {before_px:.2} px off what the cameras show and is adjusted to it: {after_px:.2} px. `save-rig` keeps it, `fit-rig off` goes back to the file's"),
        );
    }

    fn is_on_air(&self) -> bool {
        matches!(self.transport.program(), Program::Replay(_)) || self.starting.is_some() || self.program.changing.is_some()
    }

    /// The cameras stood so from the beginning on. False where the arc would be another one.
    fn use_rig(&mut self, rig: Rig) -> bool {
        let Ok(arc) = rig::Arc::fit(&rig) else { return false };
        if arc.order != self.transport.arc_order() || arc.closed != self.closed() {
            return false;
        }
        self.take_rig(rig, arc, MediaTime::from_nanos(i64::MIN));
        self.slices_of_another_rig();
        true
    }

    /// The operator's choice.
    pub(super) fn choose_fit(&mut self, on: Option<bool>) {
        self.fit.off = !on.unwrap_or(self.fit.off);
        self.notice(
            NoticeLevel::Info,
            if self.fit.off {
                "The rig stays as its file says"
            } else {
                "The rig is adjusted to what the cameras show where that is clearly better"
            }
            .to_owned(),
        );
    }
}
