//! The venue bench: synthesis measured on the built-in synthetic venue, where pose and depth are known exactly and a truth can be drawn
//! at any place between the cameras.
//!
//! Seven parts: against the same renderer with true depth (oracle), over a dense orbit (orbit), over the spacing of the cameras (spacing),
//! with faulty cameras (robustness), what is hard, each alone (scenes), with plates and mattes (layers), and with cameras that are not alike
//! (colour). [`run`] measures and writes a folder with figures, plots and a page. Must not know: windows,
//! command lines.

mod colour;
mod faulty;
mod hard;
mod layered;
mod measure;
mod page;
mod parts;
mod plot;
mod plots;
mod report;
mod stage;
mod warp;

pub use colour::{AtCamera, ColourPart};
pub use faulty::{DeadGap, RobustnessPart};
pub use layered::{LayersPart, LayersRow};
pub use measure::Pop;
pub use report::{
    FaultCurve, FaultPoint, InRegion, OraclePart, OracleView, OrbitPart, OrbitRun, Pair, SceneRow, ScenesPart, SpacingPart, SpacingRow,
    VenueReport, Verdict,
};

use std::{fs, path::Path, time::Instant};

use super::{BenchError, Progress, folder};
use crate::{
    frame::Picture,
    gpu::Gpu,
    scene::SceneError,
    venue::{SMASH_PHASE, Sensor},
};
use stage::{Stage, Steps};

const PROGRAM: &str = "volte bench venue";

/// A part of the bench.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Solved depth against true depth.
    Oracle,
    /// Steadiness over a dense orbit.
    Orbit,
    /// Quality over the spacing of the cameras.
    Spacing,
    /// What faulty cameras cost.
    Robustness,
    /// What is hard for synthesis, each alone.
    Scenes,
    /// With plates and mattes, and without.
    Layers,
    /// With cameras of other exposure and white.
    Colour,
}

impl Part {
    /// All, in the order in which they run.
    pub const ALL: [Self; 7] = [Self::Oracle, Self::Orbit, Self::Spacing, Self::Robustness, Self::Scenes, Self::Layers, Self::Colour];

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Oracle => "oracle",
            Self::Orbit => "orbit",
            Self::Spacing => "spacing",
            Self::Robustness => "robustness",
            Self::Scenes => "scenes",
            Self::Layers => "layers",
            Self::Colour => "colour",
        }
    }

    /// The parts of these names, in their order; all when there are no names. The name of a hard scene stands for the part that it is of.
    pub fn only(names: &[String]) -> Result<Vec<Self>, BenchError> {
        let scenes = hard::all();
        if let Some(name) = names.iter().find(|n| !scenes.contains(n) && Self::ALL.iter().all(|p| p.name() != n.as_str())) {
            let known = Self::ALL.map(Self::name).join(", ");
            return Err(BenchError::NoSuchPart { name: name.clone(), known, scenes: scenes.join(", ") });
        }
        let named = |p: Self| names.iter().any(|n| n == p.name() || p == Self::Scenes && scenes.contains(n));
        Ok(Self::ALL.into_iter().filter(|p| names.is_empty() || named(*p)).collect())
    }
}

/// How much is measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Scope {
    /// Less than the protocol: the figures compare with no others.
    pub quick: bool,
    /// Size of all pictures, px.
    pub size_px: (u32, u32),
    /// What all pictures go through, the truth too.
    pub sensor: Sensor,
    /// Instants, as phases of the action 0…1. The orbit and the robustness are of the first.
    pub phases: Vec<f32>,
    /// Degrees between cameras: of the oracle.
    pub oracle_deg: Vec<f64>,
    /// Of the orbit and the robustness.
    pub near_deg: f64,
    /// Gaps that the orbit goes through.
    pub orbit_gaps: usize,
    /// Its frames per gap.
    pub frames_per_gap: usize,
    /// Of the curve of quality.
    pub spacings_deg: Vec<f64>,
    /// Errors of every second camera's exposure, stops.
    pub exposures_ev: Vec<f64>,
    /// Errors of every second camera's white, kelvin.
    pub whites_kelvin: Vec<f64>,
    /// Errors of all cameras' directions, px.
    pub calibrations_px: Vec<f64>,
    /// Names of the hard scenes ([`crate::venue::HARD_SCENES`]).
    pub scenes: Vec<String>,
}

impl Scope {
    /// The protocol: some minutes on two cores without a GPU.
    pub fn full() -> Self {
        Self {
            quick: false,
            size_px: (480, 270),
            sensor: Sensor::CAMERA,
            phases: vec![SMASH_PHASE],
            oracle_deg: vec![3.0, 6.0],
            near_deg: 6.0,
            orbit_gaps: 3,
            frames_per_gap: 10,
            spacings_deg: vec![3.0, 6.0, 9.0, 12.0, 15.0, 20.0, 25.0, 30.0],
            exposures_ev: vec![-1.0, -0.5, 0.5, 1.0],
            whites_kelvin: vec![-1000.0, -500.0, 500.0, 1000.0],
            calibrations_px: vec![0.25, 0.5, 1.0, 2.0],
            scenes: hard::all(),
        }
    }

    /// A look: small pictures, few of them.
    pub fn quick() -> Self {
        Self {
            quick: true,
            size_px: (160, 90),
            sensor: Sensor::NONE,
            phases: vec![SMASH_PHASE],
            oracle_deg: vec![6.0],
            orbit_gaps: 1,
            frames_per_gap: 4,
            spacings_deg: vec![6.0, 25.0],
            exposures_ev: vec![1.0],
            whites_kelvin: vec![500.0],
            calibrations_px: vec![2.0],
            scenes: vec!["net".to_owned(), "wall".to_owned()],
            ..Self::full()
        }
    }

    /// The same with only the hard scenes that are named, when any is.
    #[must_use]
    pub fn with_scenes_of(mut self, names: &[String]) -> Self {
        let named: Vec<String> = hard::all().into_iter().filter(|s| names.contains(s)).collect();
        if !named.is_empty() && !names.iter().any(|n| n == Part::Scenes.name()) {
            self.scenes = named;
        }
        self
    }

    /// What a part costs, in solved cameras: for the progress.
    fn cost(&self, part: Part) -> f64 {
        let (frame, view) = (stage::FRAME_COST, stage::VIEW_COST);
        let phases = self.phases.len() as f64;
        let six = 6.0 * (1.0 + frame);
        match part {
            Part::Oracle => self.oracle_deg.len() as f64 * phases * (six + parts::MIDDLES.len() as f64 * (frame + 2.0 * view)),
            Part::Orbit => {
                let cameras = (self.orbit_gaps + 4) as f64;
                cameras * (1.0 + frame) + (self.orbit_gaps * self.frames_per_gap) as f64 * (frame + 2.0 * view)
            }
            Part::Spacing => self.spacings_deg.len() as f64 * (phases * (six + frame + 2.0 * view + 0.2) + 2.0 * parts::METER_COST),
            Part::Robustness => {
                let one = 6.0 + parts::MIDDLES.len() as f64 * view;
                let colour = (self.exposures_ev.len() + self.whites_kelvin.len()) as f64;
                let dead = 8.0 * (1.0 + frame) + 7.0 + 7.0 * (frame + 2.0 * view);
                one * (1.0 + colour) + (2.0 * one + 6.0 * frame) * self.calibrations_px.len() as f64 + 9.0 * frame + dead
            }
            Part::Scenes => self.scenes.len() as f64 * (six + parts::MIDDLES.len() as f64 * (frame + 2.0 * view + 0.1)),
            Part::Layers => {
                let frames = 6.0 * f64::from(layered::PAST + 3) + 2.0 * parts::MIDDLES.len() as f64;
                frames * frame + 18.0 + layered::SPLIT_COST + parts::MIDDLES.len() as f64 * 3.0 * view
            }
            Part::Colour => six + parts::MIDDLES.len() as f64 * (frame + 2.0 * view) + 32.0 + 16.0 * view,
        }
    }
}

/// Runs the parts and writes `out`: `index.html`, `scores.json` and `pictures` with the plots. `finished` is told the report after each part;
/// the run ends when `progress` returns false, and what was finished stays.
pub fn run(
    parts: &[Part],
    scope: &Scope,
    gpu: &Gpu,
    out: &Path,
    progress: &mut dyn FnMut(Progress<'_>) -> bool,
    finished: &mut dyn FnMut(Part, &VenueReport),
) -> Result<VenueReport, BenchError> {
    folder::prepare(out, PROGRAM)?;
    let pictures = out.join(folder::PICTURES);
    fs::create_dir_all(&pictures).map_err(|source| BenchError::Write { path: pictures.clone(), source })?;
    let mut stage = Stage::new(gpu, scope.size_px, scope.sensor)?;
    let mut report = VenueReport::new(format!("{PROGRAM} {}", env!("CARGO_PKG_VERSION")), gpu.info.name.clone(), scope);
    let started = Instant::now();
    let whole = parts.iter().map(|p| scope.cost(*p)).sum();
    let mut before = 0.0;
    // Costs are estimates: a part that took less than its share is made up for, one that took more is not taken back.
    let mut told = 0.0_f64;
    let mut rising = |p: Progress<'_>| {
        told = told.max(p.share);
        progress(Progress { share: told, ..p })
    };
    for (index, &part) in parts.iter().enumerate() {
        let mut steps = Steps { part: part.name(), place: (index, parts.len()), done: before, whole, tell: &mut rising };
        let mut gallery = Gallery { folder: &pictures, failed: None };
        let measured = match part {
            Part::Oracle => parts::oracle(&mut stage, scope, &mut gallery, &mut steps).map(|p| report.oracle = Some(p)),
            Part::Orbit => parts::orbit(&mut stage, scope, &mut steps).map(|p| report.orbit = Some(p)),
            Part::Spacing => parts::spacing(&mut stage, scope, &mut gallery, &mut steps).map(|p| report.spacing = Some(p)),
            Part::Robustness => faulty::robustness(&mut stage, scope, &mut steps).map(|p| report.robustness = Some(p)),
            Part::Scenes => hard::scenes(&mut stage, scope, &mut gallery, &mut steps).map(|p| report.scenes = Some(p)),
            Part::Layers => layered::layers(&mut stage, scope, &mut gallery, &mut steps).map(|p| report.layers = Some(p)),
            Part::Colour => colour::colour(&mut stage, scope, &mut gallery, &mut steps).map(|p| report.colour = Some(p)),
        };
        match measured {
            Err(BenchError::Scene(SceneError::Cancelled)) => {
                let kept = if index > 0 { format!("; those are in {}", out.display()) } else { String::new() };
                if index == 0 {
                    // Leave nothing that was not there; the second fails when the folder holds something, and that is right.
                    fs::remove_dir_all(&pictures).ok();
                    fs::remove_dir(out).ok();
                }
                return Err(BenchError::Cancelled { done: index, of: parts.len(), kept });
            }
            other => other?,
        }
        if let Some(failed) = gallery.failed {
            return Err(failed);
        }
        before += scope.cost(part);
        report.seconds = started.elapsed().as_secs_f64();
        write(&report, out)?;
        finished(part, &report);
    }
    Ok(report)
}

/// Where pictures go that the page shows.
struct Gallery<'a> {
    folder: &'a Path,
    failed: Option<BenchError>,
}

impl Gallery<'_> {
    /// Writes one; the first failure is told when the part ends.
    fn add(&mut self, name: &str, picture: &Picture) {
        if let Err(e) = picture.save(&self.folder.join(format!("{name}.png"))) {
            self.failed.get_or_insert(e.into());
        }
    }
}

fn write(report: &VenueReport, out: &Path) -> Result<(), BenchError> {
    let at = out.join(folder::SCORES);
    let text =
        serde_json::to_string_pretty(report).map_err(|e| BenchError::Write { path: at.clone(), source: std::io::Error::other(e) })?;
    folder::replace(&at, &text)?;
    for (name, plot) in report.plots() {
        folder::replace(&out.join(folder::PICTURES).join(format!("{name}.svg")), &plot.svg())?;
    }
    folder::replace(&out.join(folder::PAGE), &page::html(report))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_named() {
        assert_eq!(Part::only(&[]).unwrap(), Part::ALL);
        assert_eq!(Part::only(&["spacing".to_owned(), "oracle".to_owned()]).unwrap(), [Part::Oracle, Part::Spacing]);
        let names = ["partial".to_owned(), "oracle".to_owned()];
        assert_eq!(Part::only(&names).unwrap(), [Part::Oracle, Part::Scenes]);
        assert_eq!(Scope::full().with_scenes_of(&names).scenes, ["partial"]);
        assert_eq!(Scope::full().with_scenes_of(&[names[0].clone(), "scenes".to_owned()]).scenes, hard::all());
        let told = Part::only(&["orbits".to_owned()]).unwrap_err().to_string();
        assert!(told.contains("partial"), "{told}");
        assert!(told.contains("orbits") && told.contains("oracle, orbit, spacing, robustness, scenes, layers, colour"), "{told}");
    }
}
