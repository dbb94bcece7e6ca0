//! Refining: a solved moment once more with three times the passes, kept only where hidden cameras say that it is better.
//!
//! The judges come first: they cost less than the solve, and where they see no gain there is nothing to solve.

use std::{sync::Arc, time::Instant};

use super::{
    super::{board::RefineWish, truth::TruthError},
    GpuReport, Held, Worker, affordable,
};
use crate::{
    engine::meter::CameraScore,
    scene::{Quality, SceneError, SceneSolver},
    telemetry::StageTimes,
    time::MediaTime,
};

/// A score that is won by leaving out more pixels is none: so much more may be filled.
const MAY_FILL_MORE: f64 = 0.005;

/// What the judges of a moment have said.
#[derive(Debug)]
pub(super) struct Trial {
    instant: MediaTime,
    /// (camera, at air, at hero).
    scores: Vec<(usize, CameraScore, CameraScore)>,
}

impl Trial {
    /// Mean PSNR at air and at hero, dB; `None` before anybody has spoken.
    fn verdict(&self) -> Option<(f64, f64, bool)> {
        let n = self.scores.len();
        let mean = |of: &dyn Fn(&(usize, CameraScore, CameraScore)) -> f64| self.scores.iter().map(of).sum::<f64>() / n as f64;
        let (air, hero) = (mean(&|s| s.1.psnr_db), mean(&|s| s.2.psnr_db));
        let filled = mean(&|s| s.2.filled_share - s.1.filled_share);
        (n > 0).then_some((air, hero, hero > air && filled <= MAY_FILL_MORE))
    }
}

impl Worker<'_> {
    /// Gives way, to be done again later, as soon as anything else is wanted.
    pub(super) fn refine(&mut self, solver: &mut SceneSolver, wish: &RefineWish) {
        let begun = Instant::now();
        let instant = wish.moment.instant;
        self.rig = self.book.at(instant);
        let held = self.scenes.iter().find(|held| held.instant == instant && !held.is_part && Arc::ptr_eq(&held.rig, &self.rig));
        if held.is_none_or(|held| held.level >= Quality::Hero) {
            return self.board.refined(instant);
        }
        let wish = &RefineWish { moment: self.in_time(&wish.moment), ..wish.clone() };
        match self.judge(solver, wish).map(|()| self.trial.as_ref().and_then(Trial::verdict)) {
            Ok(Some((air_db, hero_db, is_better))) => {
                let refined = if is_better { self.solve_hero(solver, wish).map(Some) } else { Ok(None) };
                let (kept, cameras, stages) = match refined {
                    Ok(Some((cameras, stages))) => (true, cameras, stages),
                    Ok(None) => (false, 0, StageTimes::default()),
                    Err(SceneError::Cancelled) => return,
                    Err(_) if self.gpu.is_lost() => return,
                    // It is on the board still: once more with what is let go.
                    Err(e) if e.is_out_of_memory() && self.spare_near() => return,
                    Err(e) => {
                        // The scene that there is stays; this one is not asked for again.
                        tracing::warn!(%instant, %e, "not refined");
                        return self.board.refined(instant);
                    }
                };
                self.board.refined(instant);
                let secs = begun.elapsed().as_secs_f64();
                self.report(GpuReport::Refined { instant, kept, air_db, hero_db, cameras, secs, stages });
            }
            Ok(None) => self.board.refined(instant),
            Err(TruthError::Scene(SceneError::Cancelled)) => {}
            Err(_) if self.gpu.is_lost() => {}
            Err(TruthError::Scene(e)) if e.is_out_of_memory() && self.spare_near() => {}
            Err(e) => {
                tracing::warn!(%instant, %e, "not refined");
                self.board.refined(instant);
            }
        }
    }

    /// Scores the judges that have not spoken yet, at both levels.
    fn judge(&mut self, solver: &mut SceneSolver, wish: &RefineWish) -> Result<(), TruthError> {
        let instant = wish.moment.instant;
        let keep = self.reduce(&wish.moment);
        let mut trial = self.trial.take().filter(|t| t.instant == instant).unwrap_or(Trial { instant, scores: Vec::new() });
        let board = self.board;
        let mut result = Ok(());
        if let Some((_, Ok(meter))) = &self.meter {
            for &camera in &wish.judges {
                let Some(hidden) = keep.iter().position(|&i| i == camera).filter(|_| trial.scores.iter().all(|s| s.0 != camera)) else {
                    continue;
                };
                let mut score = |level| meter.score(solver, &mut self.synthesizer, hidden, level, &mut |_| board.may_refine(instant));
                match score(Quality::Air).and_then(|air| Ok((air, score(Quality::Hero)?))) {
                    Ok((air, hero)) => trial.scores.push((camera, air, hero)),
                    Err(e) => {
                        result = Err(e);
                        break;
                    }
                }
            }
        }
        self.trial = Some(trial);
        result
    }

    /// Solves all cameras at hero and keeps the scene: how many cameras, and GPU seconds.
    fn solve_hero(&mut self, solver: &mut SceneSolver, wish: &RefineWish) -> Result<(usize, StageTimes), SceneError> {
        let instant = wish.moment.instant;
        let (keep, pictures) = self.present(&wish.moment);
        let rig = self.rig.restricted_to(&keep);
        let board = self.board;
        self.rehearse_shortage()?;
        let scene = solver.solve(&rig, &pictures, &affordable(Quality::Hero, &rig), &mut |_| board.may_refine(instant))?;
        let stages = scene.times.clone();
        let cameras = keep.len();
        let (rig, moment) = (Arc::clone(&self.rig), Arc::clone(&wish.moment));
        self.hold(Held { instant, level: Quality::Hero, is_part: false, rig, cameras: keep, scene, moment, is_stale: false });
        Ok((cameras, stages))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(psnr_db: f64, filled_share: f64) -> CameraScore {
        CameraScore { psnr_db, soft_psnr_db: psnr_db, fade_psnr_db: psnr_db, ssim: 0.9, filled_share }
    }

    #[test]
    fn only_what_is_better_and_covers_as_much_is_kept() {
        let trial = |hero: [CameraScore; 2]| Trial {
            instant: MediaTime::ZERO,
            scores: vec![(3, score(25.0, 0.02), hero[0]), (5, score(27.0, 0.02), hero[1])],
        };
        let kept = |hero| trial(hero).verdict().map(|(.., kept)| kept);
        assert_eq!(kept([score(25.1, 0.02), score(26.95, 0.02)]), Some(true), "the mean decides");
        assert_eq!(kept([score(25.0, 0.02), score(27.0, 0.02)]), Some(false), "as good is not better");
        assert_eq!(kept([score(24.0, 0.0), score(27.0, 0.0)]), Some(false));
        assert_eq!(kept([score(26.0, 0.04), score(28.0, 0.02)]), Some(false), "it has left out pixels");
        assert!(Trial { instant: MediaTime::ZERO, scores: vec![] }.verdict().is_none());
    }
}
