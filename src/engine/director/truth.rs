//! What the truth meter found, moment by moment, and the ladder that follows from it: the director's part that decides what may
//! be shown between the cameras.
//!
//! Must not know: how a score is made, windows.

use std::sync::Arc;

use super::Director;
use crate::{
    engine::{
        TruthProgress,
        board::MeasureWish,
        ladder::{Ladder, Rung, can_be_hidden, gap_at, gap_scores},
        meter::CameraScore,
    },
    frame::Moment,
    replay::Program,
    time::MediaTime,
};

/// Moments whose scores are kept.
const KEPT: usize = 64;

/// What is known of one camera.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Measured {
    NotYet,
    /// It cannot be measured.
    Never,
    Score(CameraScore),
}

/// The scores of a moment, along the arc.
#[derive(Debug)]
struct MomentTruth {
    instant: MediaTime,
    /// Which cameras have a picture.
    present: Vec<bool>,
    cameras: Vec<Measured>,
}

impl MomentTruth {
    fn can_be_hidden(&self, closed: bool, k: usize) -> bool {
        can_be_hidden(&self.present, closed, k)
    }
}

/// What is known about the truth of the pictures.
#[derive(Debug, Default)]
pub(in crate::engine) struct TruthState {
    pub ladder: Ladder,
    pub heat_map: bool,
    /// Oldest first.
    moments: Vec<MomentTruth>,
}

impl TruthState {
    pub fn new(degrees: &[f64]) -> Self {
        Self { ladder: Ladder::new(degrees), ..Self::default() }
    }
}

impl Director {
    /// Which cameras, along the arc, have a picture at an instant; all of them when its frames are not at hand.
    pub(super) fn present(&self, instant: MediaTime) -> Vec<bool> {
        let cameras = &self.feeds.rig().cameras;
        let moment = self.moment(instant);
        let has = |i: &usize| moment.as_ref().is_none_or(|m| m.frames.iter().any(|f| f.camera == cameras[*i].name));
        self.transport.arc_order().iter().map(has).collect()
    }

    /// The instant that the gaps are judged at: the one in preview, else the one on air.
    fn judged_instant(&self) -> Option<MediaTime> {
        self.transport.preview().map(|p| p.instant).or_else(|| match self.transport.program() {
            Program::Replay(on_air) => Some(on_air.instant),
            Program::Live { .. } | Program::Hold => None,
        })
    }

    fn truth_of(&self, instant: MediaTime) -> Option<&MomentTruth> {
        self.truth.moments.iter().find(|m| m.instant == instant)
    }

    /// Asks for the scores of a solved moment that are not known yet, from the prepared position outwards.
    pub(super) fn start_measuring(&mut self, moment: Arc<Moment>) {
        let instant = moment.instant;
        if self.truth.ladder.gaps().is_empty() {
            return;
        }
        let present = self.present(instant);
        let known = self.truth_of(instant).is_some_and(|t| t.present == present);
        if !known {
            self.truth.moments.retain(|t| t.instant != instant);
            if self.truth.moments.len() >= KEPT {
                self.truth.moments.remove(0);
            }
            let cameras = vec![Measured::NotYet; present.len()];
            self.truth.moments.push(MomentTruth { instant, present, cameras });
        }
        let closed = self.closed();
        let Some(truth) = self.truth_of(instant) else { return };
        let wanted = (0..truth.cameras.len()).filter(|&k| truth.cameras[k] == Measured::NotYet && truth.can_be_hidden(closed, k));
        let cameras = self.nearest_first(wanted.collect());
        self.board.post_measure_latest(MeasureWish { moment, cameras });
    }

    /// A score has come (or the word that there is none).
    pub(super) fn measured(&mut self, instant: MediaTime, camera: usize, result: Result<CameraScore, String>) {
        if let Err(why) = &result {
            tracing::debug!(%instant, camera, why, "no leave-one-out score");
        }
        let Some(k) = self.transport.arc_order().iter().position(|&c| c == camera) else { return };
        if let Some(truth) = self.truth.moments.iter_mut().find(|t| t.instant == instant) {
            truth.cameras[k] = result.map_or(Measured::Never, Measured::Score);
        }
        self.refresh_ladder();
    }

    /// Brings the ladder up to the instant that is judged now.
    pub(super) fn refresh_ladder(&mut self) {
        let closed = self.closed();
        let scores = self.judged_instant().and_then(|at| self.truth_of(at)).map_or_else(Vec::new, |t| {
            let cameras: Vec<Option<CameraScore>> =
                t.cameras.iter().map(|c| if let Measured::Score(s) = c { Some(*s) } else { None }).collect();
            gap_scores(&t.present, closed, &cameras)
        });
        self.truth.ladder.update(&scores);
    }

    /// How far the meter is with the judged instant.
    pub(in crate::engine) fn truth_progress(&self) -> TruthProgress {
        let closed = self.closed();
        self.judged_instant().and_then(|at| self.truth_of(at)).map_or_else(TruthProgress::default, |t| {
            let hidden = || (0..t.present.len()).filter(|&k| t.can_be_hidden(closed, k));
            TruthProgress { measured: hidden().filter(|&k| t.cameras[k] != Measured::NotYet).count(), of: hidden().count() }
        })
    }

    /// Shows nothing but the cameras' own pictures, or goes back to the ladder.
    pub(super) fn toggle_real_pixels(&mut self) {
        self.truth.ladder.real_pixels_only = !self.truth.ladder.real_pixels_only;
        self.refresh_ladder();
    }

    /// The operator's choice for a gap; `None` gives it back to the score.
    pub(super) fn choose_rung(&mut self, gap: usize, rung: Option<Rung>) {
        if self.truth.ladder.choose(gap, rung) {
            self.refresh_ladder();
        } else {
            self.warn(format!("There is no gap {}: this arc has {}", gap + 1, self.truth.ladder.gaps().len()));
        }
    }

    /// The next choice for the gap at the prepared position: each rung in turn, then by its score again.
    pub(super) fn next_rung(&mut self) {
        let Some(gap) = gap_at(self.position(), self.truth.ladder.gaps().len()) else {
            return self.warn("There is no gap to choose a rung for: the rig has no arc".to_owned());
        };
        let next = match self.truth.ladder.chosen(gap) {
            None => Some(Rung::Synthesis),
            Some(Rung::Synthesis) => Some(Rung::SoftFade),
            Some(Rung::SoftFade) => Some(Rung::Cut),
            Some(Rung::Cut) => None,
        };
        self.choose_rung(gap, next);
    }
}
