//! The first three parts: against true depth, over a dense orbit, over the spacing of the cameras.

use super::{
    Gallery, Scope,
    measure::{Changes, Pop, edge_band, flicker_index, luma_error, mean, unfilled},
    report::{OraclePart, OracleView, OrbitPart, OrbitRun, Pair, SpacingPart, SpacingRow},
    stage::{Shots, Stage, Steps},
    warp::{self, Source, Warped},
};
use crate::{
    engine::{
        bench::BenchError,
        ladder::{GapQuality, Ladder, gap_scores},
        truth::MomentMeter,
    },
    frame::{Picture, metrics::psnr_db},
    scene::{Quality, Scene, SceneError},
    view::ViewMode,
};

/// Positions of mid-gap views among six cameras: all four sources stand around them.
pub const MIDDLES: [f64; 3] = [1.5, 2.5, 3.5];
/// Half width of the band around depth edges, px.
pub const BAND_PX: usize = 8;
/// What the meter's score of a camera costs: five small cameras, two views.
pub const METER_COST: f64 = 2.5;

/// Synthesis with solved depth and with true depth, both against the truth.
pub fn oracle(stage: &mut Stage, scope: &Scope, gallery: &mut Gallery<'_>, steps: &mut Steps<'_>) -> Result<OraclePart, BenchError> {
    let mut views = Vec::new();
    for &spacing_deg in &scope.oracle_deg {
        let rig = stage.rig(6, spacing_deg);
        for (instant, &phase) in scope.phases.iter().enumerate() {
            let shots = stage.shoot(&rig, phase, steps)?;
            let solved = stage.solve(&shots, steps)?;
            let known = shots.known(&stage.gpu, 1.0)?;
            for (place, position) in MIDDLES.into_iter().enumerate() {
                let target = stage.between(&rig, position)?;
                let truth = stage.truth(&target, phase, steps)?;
                let band = edge_band(&truth.depth, target.width_px as usize, BAND_PX);
                let pair = |picture: &Picture| -> Result<Pair, BenchError> {
                    Ok(Pair { psnr_db: psnr_db(picture, &truth.picture, None)?, band_db: psnr_db(picture, &truth.picture, Some(&band))? })
                };
                let (_, synthesis) = stage.view(&solved, &target, ViewMode::Synthesis, steps)?;
                let (_, oracle) = stage.view(&known, &target, ViewMode::Synthesis, steps)?;
                let file = format!("oracle-{spacing_deg}-{}-{}", instant + 1, place + 1);
                for (what, picture) in [("truth", &truth.picture), ("synthesis", &synthesis), ("oracle", &oracle)] {
                    gallery.add(&format!("{file}-{what}"), picture);
                }
                views.push(OracleView {
                    spacing_deg,
                    phase,
                    position,
                    synthesis: pair(&synthesis)?,
                    oracle: pair(&oracle)?,
                    band_share: band.iter().filter(|b| **b).count() as f64 / band.len().max(1) as f64,
                    file,
                });
            }
        }
    }
    Ok(OraclePart { views })
}

/// What one way of making pictures does over the orbit.
#[derive(Default)]
struct Tracker {
    changes: Changes,
    db: Vec<f64>,
    errors: Vec<f64>,
    holes: Vec<f64>,
    unfilled: usize,
}

impl Tracker {
    fn push(&mut self, shown: &Picture, truth: &Picture, holes: f64) -> Result<(), BenchError> {
        self.changes.push(shown, truth);
        self.db.push(psnr_db(shown, truth, None)?);
        self.errors.push(luma_error(shown, truth));
        self.holes.push(holes);
        self.unfilled += unfilled(shown);
        Ok(())
    }

    fn run(self, name: &str, positions: &[f64]) -> OrbitRun {
        let pop = Pop::of(&self.errors, positions);
        OrbitRun {
            name: name.to_owned(),
            change_db: self.changes.psnr_db(),
            mean_db: mean(self.db.iter().copied()),
            worst_db: self.db.iter().copied().fold(f64::MAX, f64::min),
            pop,
            pop_index: pop.index(),
            flicker_index: flicker_index(self.changes.steps(), positions),
            luma_errors: self.errors,
            unseen_share: self.holes.iter().copied().fold(0.0, f64::max),
            unfilled: self.unfilled,
        }
    }
}

/// A dense orbit through several gaps, frame by frame against the truth.
pub fn orbit(stage: &mut Stage, scope: &Scope, steps: &mut Steps<'_>) -> Result<OrbitPart, BenchError> {
    let phase = scope.phases.first().copied().unwrap_or_default();
    let rig = stage.rig(scope.orbit_gaps + 4, scope.near_deg);
    let shots = stage.shoot(&rig, phase, steps)?;
    let solved = stage.solve(&shots, steps)?;
    let known = shots.known(&stage.gpu, 1.0)?;
    let rhos = solved_rhos(stage, &solved, &shots)?;
    // From the middle of one gap to the middle of another, so that each camera is crossed in full. No frame stands at a camera, where it
    // would be the camera's own picture.
    let at = |k: usize| 1.5 + (k as f64 + 0.5) / scope.frames_per_gap as f64;
    let positions: Vec<f64> = (0..scope.orbit_gaps * scope.frames_per_gap).map(at).collect();
    let mut trackers: [Tracker; 4] = Default::default();
    for &position in &positions {
        let target = stage.between(&rig, position)?;
        let truth = stage.truth(&target, phase, steps)?.picture;
        for (scene, tracker) in [&solved, &known].into_iter().zip(&mut trackers) {
            let (view, picture) = stage.view(scene, &target, ViewMode::Synthesis, steps)?;
            tracker.push(&picture, &truth, f64::from(view.report.filled_share))?;
        }
        let warp = |camera: usize| {
            warp::warp(&Source { camera: &rig.cameras[camera], picture: &shots.pictures[camera], rho: &rhos[camera] }, &target)
        };
        let before = position.floor() as usize;
        let (left, right) = rayon::join(|| warp(before), || warp(before + 1));
        let share = position - position.floor();
        let two = warp::blend(&left, &right, share);
        let one = if share < 0.5 { &left } else { &right };
        let holes = |w: &Warped| w.holes() as f64 / w.known.len().max(1) as f64;
        trackers[2].push(&one.picture, &truth, holes(one))?;
        trackers[3].push(&two.picture, &truth, holes(&two))?;
    }
    let names = ["synthesis", "oracle", "plain warp of the nearest", "plain warp of the two nearest"];
    let runs = trackers.into_iter().zip(names).map(|(t, name)| t.run(name, &positions)).collect();
    Ok(OrbitPart { spacing_deg: scope.near_deg, frames_per_gap: scope.frames_per_gap, positions, runs })
}

/// The solved inverse depths of all cameras, per pixel of their pictures.
pub fn solved_rhos(stage: &Stage, scene: &Scene, shots: &Shots) -> Result<Vec<Vec<f32>>, BenchError> {
    let mut out = Vec::new();
    for (layer, camera) in shots.rig.cameras.iter().enumerate() {
        let bytes = stage.gpu.read_texture(&scene.depths, layer as u32).map_err(SceneError::from)?;
        let texels: Vec<[f32; 2]> = bytemuck::pod_collect_to_vec(&bytes);
        let across = scene.depths.width() as usize;
        let (w, h) = (camera.width_px as usize, camera.height_px as usize);
        out.push((0..w * h).map(|i| texels[i / w * across + i % w][0]).collect());
    }
    Ok(out)
}

/// The same view from ever sparser cameras, by every rung of the ladder.
pub fn spacing(stage: &mut Stage, scope: &Scope, gallery: &mut Gallery<'_>, steps: &mut Steps<'_>) -> Result<SpacingPart, BenchError> {
    const MODES: [(&str, ViewMode); 4] = [
        ("synthesis", ViewMode::Synthesis),
        ("soft-fade", ViewMode::SoftFade),
        ("cross-fade", ViewMode::CrossFade),
        ("nearest", ViewMode::Nearest),
    ];
    let mut rows = Vec::new();
    for &spacing_deg in &scope.spacings_deg {
        let rig = stage.rig(6, spacing_deg);
        let mut db: [Vec<f64>; 4] = Default::default();
        let mut meter = None;
        for (instant, &phase) in scope.phases.iter().enumerate() {
            let shots = stage.shoot(&rig, phase, steps)?;
            let solved = stage.solve(&shots, steps)?;
            let target = stage.between(&rig, 2.5)?;
            let truth = stage.truth(&target, phase, steps)?.picture;
            for ((name, mode), db) in MODES.into_iter().zip(&mut db) {
                let (_, picture) = stage.view(&solved, &target, mode, steps)?;
                db.push(psnr_db(&picture, &truth, None)?);
                if instant == 0 {
                    gallery.add(&format!("spacing-{spacing_deg}-{name}"), &picture);
                }
            }
            if instant == 0 {
                gallery.add(&format!("spacing-{spacing_deg}-truth"), &truth);
                meter = score_of_gap(stage, &shots, steps)?;
            }
        }
        let mut ladder = Ladder::new(&[spacing_deg]);
        ladder.update(&[meter]);
        let [synthesis_db, soft_fade_db, cross_fade_db, nearest_db] = db.map(mean);
        rows.push(SpacingRow {
            spacing_deg,
            synthesis_db,
            soft_fade_db,
            cross_fade_db,
            nearest_db,
            meter_db: meter.map(|m| m.db),
            meter_lead_db: meter.map(|m| m.lead_db),
            rung: ladder.gaps().first().map(|g| g.rung).unwrap_or_default(),
            by_angle: GapQuality::of_degrees(spacing_deg).label(),
        });
    }
    Ok(SpacingPart { rows })
}

/// What the truth meter says of the middle gap of six cameras: both ends hidden in turn.
fn score_of_gap(stage: &mut Stage, shots: &Shots, steps: &mut Steps<'_>) -> Result<Option<crate::engine::GapScore>, BenchError> {
    let failed = |e| BenchError::Truth { set: "venue".to_owned(), source: Box::new(e) };
    let pictures: Vec<&Picture> = shots.pictures.iter().collect();
    let meter = MomentMeter::new(&shots.rig, &pictures).map_err(failed)?;
    let mut cameras = vec![None; shots.rig.cameras.len()];
    for end in [2, 3] {
        let score = meter.score(&mut stage.solver, &mut stage.synthesizer, end, Quality::Air, &mut |_| true).map_err(failed)?;
        cameras[end] = Some(score);
        steps.step(METER_COST)?;
    }
    let present = vec![true; cameras.len()];
    Ok(gap_scores(&present, false, &cameras).get(2).copied().flatten())
}
