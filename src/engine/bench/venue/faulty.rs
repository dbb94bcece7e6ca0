//! The fourth part: what faulty cameras cost the pictures between them.

use super::{
    Scope,
    measure::{at_one_level, mean},
    parts::MIDDLES,
    report::{FaultCurve, FaultPoint},
    stage::{Shots, Stage, Steps},
};
use crate::{
    engine::{
        bench::BenchError,
        refine::{Fit, fit},
    },
    frame::{Picture, metrics::psnr_db},
    rig::{Camera, Rig},
    scene::Scene,
    venue::Faults,
    view::ViewMode,
};

/// The middle of a gap, with and without the dead camera.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct DeadGap {
    /// The gap after this camera.
    pub gap: usize,
    /// With all cameras, dB.
    pub whole_db: f64,
    /// Without the dead one, dB.
    pub dead_db: f64,
}

/// The robustness part.
#[derive(Debug, Clone, serde::Serialize)]
pub struct RobustnessPart {
    /// Degrees between cameras.
    pub spacing_deg: f64,
    /// Exposure, white, direction.
    pub curves: Vec<FaultCurve>,
    /// The camera that dies.
    pub dead_camera: usize,
    /// All gaps.
    pub dead: Vec<DeadGap>,
}

impl RobustnessPart {
    /// The greatest cost of the dead camera, dB: (in its own two gaps, in all others).
    pub fn dead_cost_db(&self) -> (f64, f64) {
        let own = |d: &DeadGap| d.gap == self.dead_camera || d.gap + 1 == self.dead_camera;
        let worst = |which: bool| self.dead.iter().filter(|d| own(d) == which).map(|d| d.whole_db - d.dead_db).fold(0.0, f64::max);
        (worst(true), worst(false))
    }
}

/// Of the white for which a perfect camera is set, kelvin.
pub const WHITE_KELVIN: f64 = 6504.0;
/// The curve of directions after the rig was adjusted to the pictures.
pub const ADJUSTED: &str = "direction of every camera, rig adjusted to its pictures";
/// Cameras of the arc in which one dies, and which does.
const DEAD: (usize, usize) = (8, 3);

/// A fault of colour: its name, its unit, the strengths to measure, and what a strength means.
type ColourFault<'a> = (&'static str, &'static str, &'a [f64], fn(f64) -> Faults);

/// Runs the faults one after the other, each in several strengths.
pub fn robustness(stage: &mut Stage, scope: &Scope, steps: &mut Steps<'_>) -> Result<RobustnessPart, BenchError> {
    let phase = scope.phases.first().copied().unwrap_or_default();
    let rig = stage.rig(6, scope.near_deg);
    let clean = stage.shoot(&rig, phase, steps)?;
    let mut targets = Vec::new();
    for position in MIDDLES {
        let camera = stage.between(&rig, position)?;
        let truth = stage.truth(&camera, phase, steps)?.picture;
        targets.push((camera, truth));
    }
    let without_fault = score(stage, &clean, &targets, steps)?;
    let clean_point = FaultPoint { strength: 0.0, db: without_fault.0, level_db: without_fault.1 };

    let mut curves = Vec::new();
    let colour: [ColourFault<'_>; 2] = [
        ("exposure of every second camera", "EV", &scope.exposures_ev, |ev| Faults { exposure_ev: ev as f32, ..Faults::default() }),
        ("white of every second camera", "K", &scope.whites_kelvin, |kelvin| Faults {
            gains: Faults::gains_of_kelvin((WHITE_KELVIN + kelvin) as f32),
            ..Faults::default()
        }),
    ];
    for (name, unit, strengths, fault) in colour {
        let mut points = vec![clean_point];
        for &strength in strengths {
            let mut shots = clean.clone();
            for picture in shots.pictures.iter_mut().skip(1).step_by(2) {
                fault(strength).degrade(picture, 0);
            }
            let (db, level_db) = score(stage, &shots, &targets, steps)?;
            points.push(FaultPoint { strength, db, level_db });
        }
        curves.push(FaultCurve::new(name, unit, points));
    }
    let mut points = vec![clean_point];
    let mut adjusted = vec![clean_point];
    for &strength in &scope.calibrations_px {
        let mut shots = clean.clone();
        for (i, camera) in rig.cameras.iter().enumerate() {
            let faults = Faults { seed: i as u64 + 1, calibration_error_px: strength, ..Faults::default() };
            let time = stage.time_of(phase);
            shots.pictures[i] = stage.truth(&faults.true_camera(camera, time), phase, steps)?.picture;
        }
        let (db, level_db) = score(stage, &shots, &targets, steps)?;
        points.push(FaultPoint { strength, db, level_db });
        // As a running show and an export do it by themselves: from these very pictures.
        shots.rig = adjusted_to(&shots, steps)?;
        let (db, level_db) = score(stage, &shots, &targets, steps)?;
        adjusted.push(FaultPoint { strength, db, level_db });
    }
    curves.push(FaultCurve::new("direction of every camera", "px", points));
    curves.push(FaultCurve::new(ADJUSTED, "px", adjusted));
    Ok(RobustnessPart { spacing_deg: scope.near_deg, curves, dead_camera: DEAD.1, dead: dead(stage, scope, phase, steps)? })
}

/// The rig as its own pictures say.
fn adjusted_to(shots: &Shots, steps: &mut Steps<'_>) -> Result<Rig, BenchError> {
    let seen = vec![shots.pictures.iter().map(Some).collect()];
    let fitted = fit(&shots.rig, &seen, &mut |_| steps.at(0.0)).map_err(|e| BenchError::Refine(Box::new(e)))?;
    Ok(match fitted {
        Fit::Better(refined) => refined.rig,
        Fit::AsItIs | Fit::Unknown(_) => shots.rig.clone(),
    })
}

/// Mean PSNR of the targets: as it is, and at one exposure and white.
fn score(stage: &mut Stage, shots: &Shots, targets: &[(Camera, Picture)], steps: &mut Steps<'_>) -> Result<(f64, f64), BenchError> {
    let scene = stage.solve(shots, steps)?;
    let mut db = Vec::new();
    let mut level_db = Vec::new();
    for (camera, truth) in targets {
        let (_, picture) = stage.view(&scene, camera, ViewMode::Synthesis, steps)?;
        db.push(psnr_db(&picture, truth, None)?);
        let (picture, truth) = at_one_level(&picture, truth);
        level_db.push(psnr_db(&picture, &truth, None)?);
    }
    Ok((mean(db), mean(level_db)))
}

/// The middle of every gap, with all cameras and without one.
fn dead(stage: &mut Stage, scope: &Scope, phase: f32, steps: &mut Steps<'_>) -> Result<Vec<DeadGap>, BenchError> {
    let rig = stage.rig(DEAD.0, scope.near_deg);
    let shots = stage.shoot(&rig, phase, steps)?;
    let whole = stage.solve(&shots, steps)?;
    let bridged = stage.solve(&shots.without(DEAD.1), steps)?;
    let mut gaps = Vec::new();
    for gap in 0..DEAD.0 - 1 {
        let target = stage.between(&rig, gap as f64 + 0.5)?;
        let truth = stage.truth(&target, phase, steps)?.picture;
        let mut db = |scene: &Scene| -> Result<f64, BenchError> {
            let (_, picture) = stage.view(scene, &target, ViewMode::Synthesis, steps)?;
            Ok(psnr_db(&picture, &truth, None)?)
        };
        gaps.push(DeadGap { gap, whole_db: db(&whole)?, dead_db: db(&bridged)? });
    }
    Ok(gaps)
}
