//! Whether plates make a moment's pictures truer: hidden cameras are synthesized with and without them, and compared.
//!
//! The protocol is the truth meter's: the hidden camera is in nothing, its plate neither. Both pictures are compared as a whole, with what
//! was filled, since that is what would be shown; plates that are ragged spoil edges, and are seen in that. Must not know: threads, who asked.

use super::{meter::MomentMeter, plates::NamedPlate, truth::TruthError};
use crate::{
    frame::metrics,
    scene::{Backdrop, Layering, Quality, SceneOptions, SceneSolver, plate::Plate},
    view::{ViewMode, ViewSynthesizer},
};
use std::sync::Arc;

/// Plates must gain so much on average, dB.
const LEAST_GAIN_DB: f64 = 0.1;
/// None of the judges may lose more than this, dB.
const MOST_LOSS_DB: f64 = 0.25;
/// Share of the progress that each of the two solves takes.
const SOLVE_SHARE: f32 = 0.45;

/// What hidden cameras say about a moment with and without plates.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlatesVerdict {
    /// Mean PSNR of the hidden cameras without plates, dB.
    pub without_db: f64,
    /// The same with plates, dB.
    pub with_db: f64,
    /// Whether the moment is shown with plates.
    pub used: bool,
}

impl PlatesVerdict {
    /// Of each judge's (without, with), dB; `None` before anybody has spoken.
    pub(super) fn of(scores_db: &[(f64, f64)]) -> Option<Self> {
        let n = scores_db.len();
        let mean = |of: &dyn Fn(&(f64, f64)) -> f64| scores_db.iter().map(of).sum::<f64>() / n as f64;
        let (without_db, with_db) = (mean(&|s| s.0), mean(&|s| s.1));
        let loses = scores_db.iter().any(|(without, with)| without - with > MOST_LOSS_DB);
        (n > 0).then_some(Self { without_db, with_db, used: with_db - without_db >= LEAST_GAIN_DB && !loses })
    }
}

/// Plates in the size of the meter, for the cameras of a moment.
#[derive(Debug)]
pub(super) struct JudgedPlates(Vec<Option<Arc<Plate>>>);

impl JudgedPlates {
    /// Those of the cameras of `meter` that have one.
    pub fn new(meter: &MomentMeter, plates: &[NamedPlate]) -> Self {
        use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};
        let of = |camera: &crate::rig::Camera| {
            let (_, plate) = plates.iter().find(|(name, _)| *name == camera.name)?;
            Some(Arc::new(plate.resized(camera.width_px, camera.height_px)))
        };
        Self(meter.rig().cameras.par_iter().map(of).collect())
    }

    /// Hides a camera of the meter's rig: PSNR of the whole picture without and with plates, dB; `None` where fewer than two of the
    /// cameras around it have one.
    pub fn score(
        &self,
        meter: &MomentMeter,
        (solver, synthesizer): (&mut SceneSolver, &mut ViewSynthesizer),
        layering: &Layering,
        hidden: usize,
        progress: &mut dyn FnMut(f32) -> bool,
    ) -> Result<Option<(f64, f64)>, TruthError> {
        let inputs = meter.inputs_around(hidden)?;
        let with: Vec<usize> = inputs.iter().copied().filter(|&i| self.0.get(i).is_some_and(Option::is_some)).collect();
        if with.len() < 2 {
            return Ok(None);
        }
        let pictures: Vec<_> = inputs.iter().map(|&i| meter.picture(i)).collect();
        let (target, real) = (&meter.rig().cameras[hidden], meter.picture(hidden));
        let options = SceneOptions { has_plates: true, ..meter.options(Quality::Air) };
        let mut scene = solver.solve(&meter.rig().restricted_to(&inputs), &pictures, &options, &mut |p| progress(p * SOLVE_SHARE))?;
        let mismatch = |e: metrics::SizeMismatch| TruthError::Input(e.to_string());
        let without = synthesizer.render(&scene, target, ViewMode::Synthesis)?.read(synthesizer.gpu())?;
        let plates = with.iter().filter_map(|&i| self.0[i].clone()).collect();
        let rig = meter.rig().restricted_to(&with);
        let backdrop = Backdrop::solve(solver, &rig, plates, &options, &mut |p| progress(SOLVE_SHARE * (1.0 + p)))?;
        layering.split(&mut scene, &pictures, &backdrop)?;
        let with = synthesizer.render(&scene, target, ViewMode::Synthesis)?.read(synthesizer.gpu())?;
        progress(1.0);
        let psnr_db = |picture| metrics::psnr_db(real, picture, None).map_err(mismatch);
        Ok(Some((psnr_db(&without)?, psnr_db(&with)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        frame::Picture,
        gpu::{Gpu, GpuOptions},
        rig::Rig,
        scene::slow_plate::{SlowPlate, Taken},
        time::MediaTime,
        venue::{Dressing, Venue, VenueOptions, VenueRig, landmarks_in_world},
    };

    #[test]
    fn plates_must_gain_and_nobody_may_lose_much() {
        let used = |scores: &[(f64, f64)]| PlatesVerdict::of(scores).map(|v| v.used);
        assert_eq!(used(&[(25.0, 25.6), (27.0, 26.9)]), Some(true), "the mean decides");
        assert_eq!(used(&[(25.0, 25.0), (27.0, 27.0)]), Some(false), "as good is not truer");
        assert_eq!(used(&[(25.0, 26.6), (27.0, 26.6)]), Some(false), "ragged on one side");
        assert_eq!(used(&[(25.0, 24.0)]), Some(false));
        assert_eq!(used(&[]), None);
    }

    const SIZE_PX: (u32, u32) = (240, 136);

    /// Four cameras 6° apart in the venue's hall: the verdict of the two inner ones on the athlete in mid-air, with plates learned from so
    /// many pictures of the hall, dressed as it is given, at phases of the action.
    fn verdict(stage: &mut (Gpu, SceneSolver, ViewSynthesizer), past: &[(Dressing, f64)]) -> PlatesVerdict {
        let (gpu, solver, synthesizer) = stage;
        let options = VenueOptions { samples: 2, ..VenueOptions::default() };
        let mut venue = Venue::new(gpu, options.clone()).unwrap();
        let rig = VenueRig::of_size(SIZE_PX.0, SIZE_PX.1).on_arc(4, 18.0);
        let rig = Rig { points_in_world: landmarks_in_world(), ..rig };
        let at = |phase: f64| MediaTime::from_nanos((options.period_nanos as f64 * phase) as i64);
        let now: Vec<Picture> = rig.cameras.iter().map(|c| venue.render_picture(c, at(0.35)).unwrap()).collect();
        let mut plates = Vec::new();
        for camera in &rig.cameras {
            let mut draw = |k: usize| {
                let (dressing, phase) = past[k % past.len()];
                venue.set_options(VenueOptions { dressing, ..options.clone() });
                venue.render_picture(camera, at(phase)).unwrap()
            };
            let drawn: Vec<Picture> = (0..past.len()).map(&mut draw).collect();
            let mut slow = SlowPlate::new(&drawn[0]);
            (1..20).for_each(|k| assert_eq!(slow.take(&drawn[k % past.len()]), Taken::Learned));
            plates.push((camera.name.clone(), Arc::new(slow.plate().unwrap())));
        }
        let known: Vec<f64> = plates.iter().map(|p| p.1.known_share()).collect();
        let meter = MomentMeter::new(&rig, &now.iter().collect::<Vec<_>>()).unwrap();
        let (judged, layering) = (JudgedPlates::new(&meter, &plates), Layering::new(gpu).unwrap());
        let mut score = |hidden| judged.score(&meter, (solver, synthesizer), &layering, hidden, &mut |_| true).unwrap().unwrap();
        let scores: Vec<(f64, f64)> = (1..3).map(&mut score).collect();
        println!("known {known:.2?}: {scores:.2?}");
        PlatesVerdict::of(&scores).unwrap()
    }

    #[test]
    fn an_empty_hall_makes_a_moment_truer_and_plates_of_another_hall_or_of_who_does_not_leave_are_refused() {
        let gpu = Gpu::open(&GpuOptions::default()).unwrap();
        let (solver, synthesizer) = (SceneSolver::new(&gpu).unwrap(), ViewSynthesizer::new(&gpu).unwrap());
        let mut stage = (gpu, solver, synthesizer);
        let over = |dressing, from: f64, step: f64| [0.0, 1.0, 2.0, 3.0, 4.0].map(|k| (dressing, from + step * k));
        let empty = verdict(&mut stage, &over(Dressing::BeforeEntrance, 0.04, 0.2));
        assert!(empty.used && empty.with_db > empty.without_db + 0.2, "{empty:?}");
        let ghost = verdict(&mut stage, &over(Dressing::None, 0.6, 0.002));
        assert!(!ghost.used && ghost.with_db < empty.with_db, "{ghost:?}");
        let wall = verdict(&mut stage, &over(Dressing::PlainWall, 0.04, 0.2));
        assert!(!wall.used, "{wall:?}");
    }
}
