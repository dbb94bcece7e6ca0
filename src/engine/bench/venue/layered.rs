//! The layers part: views with plates and mattes and without, around the athlete and over the whole.
//!
//! The past that plates are learned from is the hall before the athlete comes in: the others move in it already, and the crowd. The true
//! plate and the true matte are known from the venue.

use super::{
    Gallery, Scope,
    measure::mean,
    parts::{BAND_PX, MIDDLES},
    report::{Pair, Table},
    stage::{Shots, Stage, Steps},
};
use crate::{
    engine::bench::BenchError,
    frame::{Picture, metrics::psnr_db},
    scene::{Backdrop, Layering, Scene, SceneOptions, matte, plate::Plate},
    venue::{Dressing, VenueFrame},
    view::ViewMode,
};

/// Frames that a plate is learned from.
pub const PAST: u32 = 9;
/// What taking a moment apart costs, in solved cameras.
pub const SPLIT_COST: f64 = 1.0;

/// One way of making the views: means over them.
#[derive(Debug, Clone, serde::Serialize)]
pub struct LayersRow {
    /// What it is.
    pub name: &'static str,
    /// PSNR over the whole picture, and within 8 px of the athlete's outline.
    pub score: Pair,
    /// Share of pixels that nobody saw and that were filled, 0…1.
    pub filled_share: f64,
}

/// The layers part.
#[derive(Debug, Clone, serde::Serialize)]
pub struct LayersPart {
    /// Degrees between cameras.
    pub spacing_deg: f64,
    /// PSNR of the plates where they are known and nothing moves, dB.
    pub plate_db: f64,
    /// How much of the plates is known, 0…1.
    pub plate_known_share: f64,
    /// Share of the athlete's pixels that the mattes miss, 0…1.
    pub missed_share: f64,
    /// Share of the pixels where nothing moves that the mattes take for foreground, 0…1.
    pub false_share: f64,
    /// Without plates; with plates; with true depth and no plates.
    pub rows: Vec<LayersRow>,
}

impl LayersPart {
    /// For the report.
    pub fn table(&self) -> (&'static str, Table) {
        let percent = |v: f64| format!("{:.2} %", v * 100.0);
        let mut rows: Vec<Vec<String>> = self
            .rows
            .iter()
            .map(|r| vec![r.name.to_owned(), format!("{:.2}", r.score.psnr_db), format!("{:.2}", r.score.band_db), percent(r.filled_share)])
            .collect();
        rows.push(vec![
            "plates, where known".to_owned(),
            format!("{:.2}", self.plate_db),
            "–".to_owned(),
            percent(1.0 - self.plate_known_share),
        ]);
        let mattes = format!("missed {}, false {}", percent(self.missed_share), percent(self.false_share));
        rows.push(vec!["mattes".to_owned(), mattes, "–".to_owned(), "–".to_owned()]);
        ("Plates and mattes, mid-gap, dB", (vec!["views", "whole", "8 px around the athlete", "filled, or unknown"], rows))
    }
}

/// Measures it.
pub fn layers(stage: &mut Stage, scope: &Scope, gallery: &mut Gallery<'_>, steps: &mut Steps<'_>) -> Result<LayersPart, BenchError> {
    let phase = scope.phases.first().copied().unwrap_or_default();
    let rig = stage.rig(6, scope.near_deg);
    let shots = stage.shoot(&rig, phase, steps)?;
    let plain = stage.venue.options().clone();
    let empty = crate::venue::VenueOptions { dressing: Dressing::BeforeEntrance, ..plain.clone() };
    stage.venue.set_options(empty.clone());
    let mut plates = Vec::new();
    let mut nobody = Vec::new();
    for camera in &rig.cameras {
        // Phases that no other frame of this bench has.
        let past: Vec<Picture> = (0..PAST)
            .map(|k| Ok(stage.truth(camera, (k as f32 + 0.21) / PAST as f32, steps)?.picture))
            .collect::<Result<_, BenchError>>()?;
        plates.push(Plate::of(&past.iter().collect::<Vec<_>>())?);
        nobody.push(stage.truth(camera, phase, steps)?);
    }
    stage.venue.set_options(plain.clone());
    let mut part = LayersPart {
        spacing_deg: scope.near_deg,
        plate_db: mean(plates.iter().zip(&nobody).map(|(p, truth)| plate_db(p, truth))),
        plate_known_share: mean(plates.iter().map(Plate::known_share)),
        missed_share: 0.0,
        false_share: 0.0,
        rows: Vec::new(),
    };
    let (mut missed, mut wrong) = (Vec::new(), Vec::new());
    for (i, plate) in plates.iter().enumerate() {
        let split = matte::split(&shots.pictures[i], plate)?;
        let athlete = athlete(&stage.truth(&rig.cameras[i], phase, steps)?, &nobody[i]);
        let share = |of: &dyn Fn(usize) -> bool, bad: &dyn Fn(usize) -> bool| {
            let all: Vec<usize> = (0..athlete.len()).filter(|i| of(*i)).collect();
            all.iter().filter(|i| bad(**i)).count() as f64 / all.len().max(1) as f64
        };
        missed.push(share(&|k| athlete[k] >= 200, &|k| split.matte[k] < 80));
        wrong.push(share(&|k| athlete[k] == 0 && nobody[i].matte[k] == 0, &|k| split.matte[k] > 180));
        if i == 2 {
            gallery.add("layers-plate", &plate.picture);
            gallery.add("layers-background", &split.background);
        }
    }
    (part.missed_share, part.false_share) = (mean(missed), mean(wrong));
    let layered = apart(stage, &shots, plates, steps)?;
    let solved = stage.solve(&shots, steps)?;
    let known = shots.known(&stage.gpu, 1.0)?;
    let scenes: [(&'static str, &Scene); 3] =
        [("without plates", &solved), ("with plates", &layered), ("true depth, without plates", &known)];
    let mut scores: [Vec<(Pair, f64)>; 3] = Default::default();
    for position in MIDDLES {
        let target = stage.between(&rig, position)?;
        let truth = stage.truth(&target, phase, steps)?;
        stage.venue.set_options(empty.clone());
        let before = stage.truth(&target, phase, steps)?;
        stage.venue.set_options(plain.clone());
        let band = outline_band(&athlete(&truth, &before), target.width_px as usize);
        for ((name, scene), scores) in scenes.iter().zip(&mut scores) {
            let (view, picture) = stage.view(scene, &target, ViewMode::Synthesis, steps)?;
            let score =
                Pair { psnr_db: psnr_db(&picture, &truth.picture, None)?, band_db: psnr_db(&picture, &truth.picture, Some(&band))? };
            scores.push((score, f64::from(view.report.filled_share)));
            if position == MIDDLES[1] {
                gallery.add(&format!("layers-{}", name.replace([' ', ','], "-")), &picture);
            }
        }
        if position == MIDDLES[1] {
            gallery.add("layers-truth", &truth.picture);
        }
    }
    for ((name, _), of) in scenes.into_iter().zip(scores) {
        let score = Pair { psnr_db: mean(of.iter().map(|s| s.0.psnr_db)), band_db: mean(of.iter().map(|s| s.0.band_db)) };
        part.rows.push(LayersRow { name, score, filled_share: mean(of.iter().map(|s| s.1)) });
    }
    Ok(part)
}

/// The moment solved, and taken apart by these plates.
fn apart(stage: &mut Stage, shots: &Shots, plates: Vec<Plate>, steps: &mut Steps<'_>) -> Result<Scene, BenchError> {
    let cost = plates.len() as f64;
    let options = SceneOptions::default();
    let plates = plates.into_iter().map(std::sync::Arc::new).collect();
    let backdrop = Backdrop::solve(&mut stage.solver, &shots.rig, plates, &options, &mut |p| steps.at(cost * f64::from(p)))?;
    steps.step(cost)?;
    let mut scene = stage.solve(shots, steps)?;
    Layering::new(&stage.gpu)?.split(&mut scene, &shots.pictures.iter().collect::<Vec<_>>(), &backdrop)?;
    steps.step(SPLIT_COST)?;
    Ok(scene)
}

/// PSNR of a plate where it is known and the truth has nothing that moves, dB.
fn plate_db(plate: &Plate, truth: &VenueFrame) -> f64 {
    let known: Vec<bool> = plate.picture.rgba().chunks_exact(4).zip(&truth.matte).map(|(p, m)| p[3] >= 128 && *m == 0).collect();
    psnr_db(&plate.picture, &truth.picture, Some(&known)).unwrap_or(0.0)
}

/// How much of each pixel the athlete (with racket and ball) covers, 0…255, from a frame with and one without.
fn athlete(with: &VenueFrame, without: &VenueFrame) -> Vec<u8> {
    let depths = with.depth.iter().zip(&without.depth);
    let mattes = with.matte.iter().zip(&without.matte);
    // Where somebody else stands behind, the matte says nothing; depth does.
    mattes.zip(depths).map(|((a, b), (d, e))| if *b == 0 { *a } else { u8::from((d - e).abs() > 0.05) * 255 }).collect()
}

/// The pixels no farther than [`BAND_PX`] (in x and in y) from the outline of a matte.
fn outline_band(matte: &[u8], width: usize) -> Vec<bool> {
    let height = matte.len() / width.max(1);
    let inside = |i: usize| matte.get(i).is_some_and(|m| *m >= 128);
    let edge: Vec<bool> = (0..matte.len())
        .map(|i| (i % width + 1 < width && inside(i) != inside(i + 1)) || inside(i) != inside((i + width).min(matte.len() - 1)))
        .collect();
    let near = |i: usize, n: usize| i.saturating_sub(BAND_PX)..(i + BAND_PX + 1).min(n);
    let rows: Vec<bool> = (0..edge.len()).map(|i| near(i % width, width).any(|x| edge[i / width * width + x])).collect();
    (0..edge.len()).map(|i| near(i / width, height).any(|y| rows[y * width + i % width])).collect()
}
