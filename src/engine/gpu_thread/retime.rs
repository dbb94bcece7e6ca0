//! Console moments at their very instant: what cameras saw before or after it is interpolated where that was found to be truer.
//!
//! Whether it is, hidden cameras say, beside the truth meter and by its rules: every camera that it hides is scored once more with
//! interpolated frames. A rig whose clocks are in step is never asked. Must not know: who fetched the frames.

use std::sync::Arc;

use super::{super::truth::TruthError, GpuReport, Worker};
use crate::{
    engine::{
        meter::MomentMeter,
        retime::{IN_TIME_NANOS, RetimePolicy, retimed},
    },
    frame::Moment,
    gpu::Gpu,
    scene::{Quality, Retimer, SceneError, SceneSolver},
    time::MediaTime,
};

/// So many hidden cameras must have been asked.
const JUDGES: usize = 4;
/// Less of a difference than this says nothing, dB: nothing moves there. Others are asked at the next moment.
const LEAST_DB: f64 = 0.1;

/// What is known of interpolation in time.
#[derive(Default)]
pub(super) struct Timing {
    policy: RetimePolicy,
    /// Whether it pays; `None` until hidden cameras have spoken.
    verdict: Option<bool>,
    retimer: Option<Retimer>,
    /// The moment that was interpolated last.
    exact: Option<Arc<Moment>>,
    /// Its meter.
    meter: Option<(MediaTime, Option<MomentMeter>)>,
    /// dB of hidden cameras with the nearest and with interpolated frames.
    scores_db: Vec<(f64, f64)>,
}

impl Timing {
    /// `verdict` is what was found on another device.
    pub fn new(policy: RetimePolicy, verdict: Option<bool>) -> Self {
        Self { policy, verdict, ..Self::default() }
    }

    /// The pipelines, compiled when they are first wanted.
    pub fn retimer(&mut self, gpu: &Gpu) -> Result<&Retimer, SceneError> {
        if self.retimer.is_none() {
            self.retimer = Some(Retimer::new(gpu)?);
        }
        self.retimer.as_ref().ok_or(SceneError::Cancelled)
    }

    pub const fn verdict(&self) -> Option<bool> {
        self.verdict
    }

    fn pays(&self) -> bool {
        match self.policy {
            RetimePolicy::Off => false,
            RetimePolicy::On => true,
            RetimePolicy::Auto => self.verdict == Some(true),
        }
    }

    fn is_open(&self, moment: &Moment) -> bool {
        self.policy == RetimePolicy::Auto && self.verdict.is_none() && moment.worst_error_nanos() > IN_TIME_NANOS
    }

    /// The mean gain once enough cameras have spoken, dB: nearest, interpolated.
    fn means_db(&self) -> Option<(f64, f64)> {
        let n = self.scores_db.len();
        let mean = |of: &dyn Fn(&(f64, f64)) -> f64| self.scores_db.iter().map(of).sum::<f64>() / n as f64;
        (n >= JUDGES).then(|| (mean(&|s| s.0), mean(&|s| s.1)))
    }
}

impl Worker<'_> {
    /// The moment as it is to be solved.
    pub(super) fn in_time(&mut self, moment: &Arc<Moment>) -> Arc<Moment> {
        if !self.timing.pays() {
            return Arc::clone(moment);
        }
        self.exact(moment).unwrap_or_else(|| Arc::clone(moment))
    }

    /// The moment with interpolated frames; `None` where there are no others to interpolate with, or it fails.
    fn exact(&mut self, moment: &Arc<Moment>) -> Option<Arc<Moment>> {
        if moment.others.iter().all(Option::is_none) {
            return None;
        }
        let timing = &mut self.timing;
        if let Some(exact) =
            timing.exact.as_ref().filter(|exact| exact.instant == moment.instant && exact.frames.len() == moment.frames.len())
        {
            return Some(Arc::clone(exact));
        }
        let told = |e: &dyn std::fmt::Display| tracing::warn!(instant = %moment.instant, "frames are not interpolated in time: {e}");
        let retimer = timing.retimer(&self.gpu).inspect_err(|e| told(e)).ok()?;
        let exact = retimed(&self.gpu, retimer, Moment::clone(moment), &moment.others).inspect_err(|e| told(e)).ok()?;
        let exact = Arc::new(exact);
        timing.exact = Some(Arc::clone(&exact));
        Some(exact)
    }

    /// After a camera (index in the rig) was hidden and scored with the nearest frames: the same with interpolated ones, while it is not
    /// known whether they are truer.
    pub(super) fn judge_timing(&mut self, solver: &mut SceneSolver, moment: &Arc<Moment>, camera: usize, nearest_db: f64) {
        if !self.timing.is_open(moment) {
            return;
        }
        let Some(exact) = self.exact(moment) else { return };
        let (keep, pictures) = self.present(&exact);
        if self.timing.meter.as_ref().is_none_or(|(at, _)| *at != exact.instant) {
            let meter = MomentMeter::new(&self.rig.restricted_to(&keep), &pictures).ok();
            self.timing.meter = Some((exact.instant, meter));
        }
        let (board, instant) = (self.board, moment.instant);
        let (Some((_, Some(meter))), Some(hidden)) = (&self.timing.meter, keep.iter().position(|&i| i == camera)) else { return };
        match meter.score(solver, &mut self.synthesizer, hidden, Quality::Air, &mut |_| board.may_measure(instant)) {
            Ok(score) => self.timing.scores_db.push((nearest_db, score.psnr_db)),
            // Another moment will be asked.
            Err(TruthError::Scene(SceneError::Cancelled)) => return,
            Err(e) => {
                tracing::debug!(%instant, "not judged: {e}");
                return;
            }
        }
        let Some((nearest_db, exact_db)) = self.timing.means_db() else { return };
        self.timing.scores_db.clear();
        if (exact_db - nearest_db).abs() < LEAST_DB {
            return;
        }
        let pays = exact_db > nearest_db;
        self.timing.verdict = Some(pays);
        // What was measured so far was measured with the other frames.
        self.meter = None;
        self.report(GpuReport::TimingJudged { pays, worst_error_nanos: moment.worst_error_nanos(), nearest_db, exact_db });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_decides_and_when() {
        let moment = |error_nanos: i64| {
            let picture = Arc::new(crate::frame::Picture::filled(4, 4, [0; 4]));
            let frame = crate::frame::MomentFrame { camera: "a".to_owned(), picture, time: MediaTime::ZERO, error_nanos, retimed: false };
            Moment { frames: vec![frame], ..Moment::default() }
        };
        let mut timing = Timing::new(RetimePolicy::Auto, None);
        assert!(!timing.pays() && timing.is_open(&moment(-9_000_000)) && !timing.is_open(&moment(300_000)));
        timing.scores_db = vec![(20.0, 22.0), (21.0, 22.0), (19.0, 18.0)];
        assert_eq!(timing.means_db(), None, "three are too few");
        timing.scores_db.push((20.0, 22.0));
        assert_eq!(timing.means_db(), Some((20.0, 21.0)));
        timing.verdict = Some(true);
        assert!(timing.pays() && !timing.is_open(&moment(-9_000_000)));
        assert!(Timing::new(RetimePolicy::On, None).pays() && !Timing::new(RetimePolicy::Off, None).pays());
        assert!(!Timing::new(RetimePolicy::Off, None).is_open(&moment(9_000_000)));
    }
}
