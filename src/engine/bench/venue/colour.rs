//! The colour part: what is left of it when every camera has an exposure and a white of its own.
//!
//! All cameras are a stop off, half of them brighter and half of them darker, and 800 K off to either side, so that neighbours differ by up to two
//! stops and 1600 K. Nobody is right, and the middle of all is.

use super::{
    Gallery, Scope,
    faulty::WHITE_KELVIN,
    measure::{at_one_level, mean},
    parts::MIDDLES,
    report::{Table, Verdict},
    stage::{Shots, Stage, Steps},
};
use crate::{
    color::{delta_e_2000, lab_from_srgb, linear_from_srgb, srgb_from_linear},
    engine::bench::BenchError,
    frame::{Picture, metrics::psnr_db},
    rig::Camera,
    scene::{Matching, Scene},
    venue::Faults,
    view::ViewMode,
};

/// How far each camera is off: stops, kelvin. Both signs in all four pairs, as many of the one as of the other over six cameras.
const CASTS: [(f32, f32); 6] = [(1.0, 800.0), (-1.0, 800.0), (1.0, -800.0), (-1.0, -800.0), (1.0, 800.0), (-1.0, -800.0)];
/// Cameras that are hidden in turn.
const HIDDEN: [usize; 2] = [2, 3];
/// What is darker or brighter than this in either picture has lost its colour, code values.
const CLEAR: std::ops::Range<u8> = 8..247;
/// Most that may be left, and what it may cost.
const MOST_DELTA_E: f64 = 2.0;
const MOST_COST_DB: f64 = 0.5;

/// What is left at one camera.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct AtCamera {
    /// Its name.
    pub name: String,
    /// How far it is off.
    pub ev: f32,
    /// The same of its white.
    pub kelvin: f32,
    /// Median CIEDE2000 difference of the view at the camera to what it would have seen without a cast: as it is, and matched.
    pub as_it_is: f64,
    /// At the common level.
    pub matched: f64,
}

/// The colour part.
#[derive(Debug, Clone, serde::Serialize)]
pub struct ColourPart {
    /// Degrees between cameras.
    pub spacing_deg: f64,
    /// By camera.
    pub cameras: Vec<AtCamera>,
    /// Mean PSNR of the views in the middle of gaps, at one level, dB: without casts, and with them.
    pub between_db: (f64, f64),
    /// The same where somebody knows the casts and takes them away before anything else, dB: what is clipped, and code values that are lost, stay.
    pub known_db: f64,
    /// The same of the hidden cameras.
    pub hidden_db: (f64, f64),
}

impl ColourPart {
    /// The greatest difference that is left at a camera.
    pub fn worst_delta_e(&self) -> f64 {
        self.cameras.iter().map(|c| c.matched).fold(0.0, f64::max)
    }

    /// How it stands against the targets.
    pub fn verdicts(&self) -> Vec<Verdict> {
        let verdict = |what: &str, figure: f64, unit: &str, target, limit: f64| Verdict {
            what: format!("±1 EV and ±800 K: {what}"),
            measured: format!("{figure:.2}{unit}"),
            target,
            met: figure <= limit,
        };
        let cost = |(clean, cast): (f64, f64)| clean - cast;
        vec![
            verdict("median ΔE2000 at the worst camera", self.worst_delta_e(), "", "≤ 2", MOST_DELTA_E),
            verdict("cost between cameras", cost(self.between_db), " dB", "≤ 0.5 dB", MOST_COST_DB),
            verdict("cost at hidden cameras", cost(self.hidden_db), " dB", "≤ 0.5 dB", MOST_COST_DB),
        ]
    }

    /// For the report.
    pub fn table(&self) -> (&'static str, Table) {
        let of = |c: &AtCamera| {
            vec![c.name.clone(), format!("{:+} EV, {:+} K", c.ev, c.kelvin), format!("{:.2}", c.as_it_is), format!("{:.2}", c.matched)]
        };
        let mut rows: Vec<Vec<String>> = self.cameras.iter().map(of).collect();
        for (name, (clean, cast)) in [("between cameras, dB", self.between_db), ("hidden cameras, dB", self.hidden_db)] {
            rows.push(vec![name.to_owned(), "all".to_owned(), format!("{cast:.2}"), format!("{clean:.2} without casts")]);
        }
        rows.push(vec!["between, casts known, dB".to_owned(), "all".to_owned(), "–".to_owned(), format!("{:.2}", self.known_db)]);
        ("Cameras that are not alike: median ΔE2000", (vec!["camera", "off by", "as it is", "matched"], rows))
    }
}

/// Solves with casts and without.
pub fn colour(stage: &mut Stage, scope: &Scope, gallery: &mut Gallery<'_>, steps: &mut Steps<'_>) -> Result<ColourPart, BenchError> {
    let phase = scope.phases.first().copied().unwrap_or_default();
    let rig = stage.rig(CASTS.len(), scope.near_deg);
    let clean = stage.shoot(&rig, phase, steps)?;
    let mut cast = clean.clone();
    for (picture, (ev, kelvin)) in cast.pictures.iter_mut().zip(CASTS) {
        Faults { gains: gains(ev, kelvin), ..Faults::default() }.degrade(picture, 0);
    }
    let mut targets = Vec::new();
    for position in MIDDLES {
        let camera = stage.between(&rig, position)?;
        let truth = stage.truth(&camera, phase, steps)?.picture;
        targets.push((camera, truth));
    }

    let mut known = cast.clone();
    for (picture, (ev, kelvin)) in known.pictures.iter_mut().zip(CASTS) {
        take_away(picture, gains(ev, kelvin));
    }
    let scene = stage.solve(&known, steps)?;
    let known_db = between_db(stage, &scene, &targets, steps)?.0;

    let mut cameras = Vec::new();
    let mut sides = Vec::new();
    for (shots, is_cast) in [(&clean, false), (&cast, true)] {
        let mut scene = stage.solve(shots, steps)?;
        let (between, middle) = between_db(stage, &scene, &targets, steps)?;
        gallery.add(if is_cast { "colour-cast" } else { "colour-clean" }, &middle);
        if is_cast {
            scene.set_match(Matching::Common.into(), vec![]);
            for (((camera, truth), seen), (ev, kelvin)) in rig.cameras.iter().zip(&clean.pictures).zip(&cast.pictures).zip(CASTS) {
                let (_, picture) = stage.view(&scene, camera, ViewMode::Synthesis, steps)?;
                let (as_it_is, matched) = (median_delta_e(seen, truth), median_delta_e(&picture, truth));
                cameras.push(AtCamera { name: camera.name.clone(), ev, kelvin, as_it_is, matched });
            }
        }
        let hidden = HIDDEN.map(|camera| hidden_db(stage, shots, camera, (&rig.cameras[camera], &clean.pictures[camera]), steps));
        let hidden = hidden.into_iter().collect::<Result<Vec<f64>, BenchError>>()?;
        sides.push((between, mean(hidden)));
    }
    let [(between, hidden), (between_cast, hidden_cast)] = [sides[0], sides[1]];
    Ok(ColourPart { spacing_deg: scope.near_deg, cameras, between_db: (between, between_cast), known_db, hidden_db: (hidden, hidden_cast) })
}

/// Of a cast, in linear light, per channel.
fn gains(ev: f32, kelvin: f32) -> [f32; 3] {
    Faults::gains_of_kelvin(WHITE_KELVIN as f32 + kelvin).map(|g| g * ev.exp2())
}

/// Divides by gains in linear light.
fn take_away(picture: &mut Picture, gains: [f32; 3]) {
    let curves: [[u8; 256]; 3] = gains.map(|gain| {
        std::array::from_fn(|v| (srgb_from_linear((linear_from_srgb(v as f32 / 255.0) / gain).clamp(0.0, 1.0)) * 255.0).round() as u8)
    });
    for pixel in picture.rgba_mut().chunks_exact_mut(4) {
        for (value, curve) in pixel.iter_mut().zip(&curves) {
            *value = curve[usize::from(*value)];
        }
    }
}

/// The mean of the views, dB, and the one in the middle.
fn between_db(
    stage: &mut Stage,
    scene: &Scene,
    targets: &[(Camera, Picture)],
    steps: &mut Steps<'_>,
) -> Result<(f64, Picture), BenchError> {
    let mut each = Vec::new();
    for (camera, truth) in targets {
        let (_, picture) = stage.view(scene, camera, ViewMode::Synthesis, steps)?;
        each.push((level_db(&picture, truth)?, picture));
    }
    let db = mean(each.iter().map(|e| e.0));
    Ok((db, each.swap_remove(targets.len() / 2).1))
}

/// A camera synthesized from the others.
fn hidden_db(
    stage: &mut Stage,
    shots: &Shots,
    hidden: usize,
    (camera, truth): (&Camera, &Picture),
    steps: &mut Steps<'_>,
) -> Result<f64, BenchError> {
    let scene = stage.solve(&shots.without(hidden), steps)?;
    let (_, picture) = stage.view(&scene, camera, ViewMode::Synthesis, steps)?;
    level_db(&picture, truth)
}

fn level_db(picture: &Picture, truth: &Picture) -> Result<f64, BenchError> {
    let (picture, truth) = at_one_level(picture, truth);
    Ok(psnr_db(&picture, &truth, None)?)
}

/// Median CIEDE2000 difference, over pixels that are neither clipped nor nearly black in either; nought where there are none.
fn median_delta_e(a: &Picture, b: &Picture) -> f64 {
    let is_clear = |p: &[u8]| p[..3].iter().all(|v| CLEAR.contains(v));
    let lab = |p: &[u8]| lab_from_srgb([p[0], p[1], p[2]]);
    let pixels = a.rgba().chunks_exact(4).zip(b.rgba().chunks_exact(4));
    let mut found: Vec<f64> = pixels.filter(|(a, b)| is_clear(a) && is_clear(b)).map(|(a, b)| delta_e_2000(lab(a), lab(b))).collect();
    let middle = found.len() / 2;
    if found.is_empty() {
        return 0.0;
    }
    *found.select_nth_unstable_by(middle, f64::total_cmp).1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cast_is_seen_and_judged() {
        let grey = |r, g, b| Picture::from_rgba(2, 1, [r, g, b, 255].repeat(2)).unwrap();
        assert_eq!(median_delta_e(&grey(120, 120, 120), &grey(120, 120, 120)), 0.0);
        assert!(median_delta_e(&grey(120, 120, 120), &grey(132, 120, 108)) > 5.0);
        assert_eq!(median_delta_e(&grey(255, 120, 120), &grey(120, 120, 120)), 0.0, "what is clipped does not count");
        let camera = |matched| AtCamera { name: "cam".to_owned(), ev: 1.0, kelvin: 800.0, as_it_is: 14.0, matched };
        let part = ColourPart {
            spacing_deg: 6.0,
            cameras: vec![camera(0.4), camera(2.2)],
            between_db: (30.0, 29.7),
            known_db: 29.8,
            hidden_db: (28.0, 27.4),
        };
        let met: Vec<bool> = part.verdicts().iter().map(|v| v.met).collect();
        assert_eq!(met, [false, true, false], "{:?}", part.verdicts());
        assert!(part.verdicts()[0].measured == "2.20" && part.table().1.1[1][3] == "2.20");
        // What is not clipped comes back, but for rounding.
        let (mut picture, cast) = (grey(90, 120, 60), gains(1.0, 800.0));
        Faults { gains: cast, ..Faults::default() }.degrade(&mut picture, 0);
        assert!(picture.rgba()[1] > 150);
        take_away(&mut picture, cast);
        assert!(picture.rgba().iter().zip(grey(90, 120, 60).rgba()).all(|(a, b)| a.abs_diff(*b) <= 1), "{:?}", picture.rgba());
        // As many are brighter as darker, bluer as redder, so the middle of all is right.
        assert_eq!(CASTS.iter().fold((0.0, 0.0), |s, c| (s.0 + c.0, s.1 + c.1)), (0.0, 0.0));
    }
}
