//! Export: rig + moment + path → file. The one function that the command line, the examples and the console share.
//!
//! Lossless: every frame of the path is rendered and written, in order. Must not know: windows, command lines.

use std::{sync::Arc, time::Instant};

use super::{
    export_ladder::OnLadder,
    export_rolls::Rolling,
    export_sound::{ExportSound, SourceSound},
    export_told::{retimed_of, times_of, told_of},
    graphics::{Artist, Drawing},
    ladder::GapState,
    plates::{Layers, NamedPlate},
    trims,
    truth::TruthError,
};
use crate::{
    frame::{Moment, MomentFrame, Picture, PictureError},
    gpu::{Gpu, GpuError},
    output::{self, CancelToken, FrameReport, FrameSink, OutputError, OutputSpec, OutputSummary, SidecarHeader},
    replay::{
        graphics::Graphic,
        path::{Path, PathError, Track},
        trim::TrimList,
    },
    rig::{Camera, Rig, fit_to_pictures, pictures::PicturesError},
    scene::{Scene, SceneError, SceneOptions, SceneSolver},
    telemetry::{EnergyMeter, StageTimes},
    time::{FrameRate, MediaTime},
    view::{ViewError, ViewMode, ViewReport, ViewSynthesizer},
};

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The path does not fit the rig.
    #[error(transparent)]
    Path(#[from] PathError),
    /// Rig and pictures do not go together.
    #[error(transparent)]
    Pictures(#[from] PicturesError),
    /// A picture cannot be read.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// The scene cannot be solved.
    #[error(transparent)]
    Scene(#[from] SceneError),
    /// A view cannot be rendered.
    #[error(transparent)]
    View(#[from] ViewError),
    /// A picture of the graphics cannot be drawn.
    #[error("a graphic cannot be drawn: {0}")]
    Graphics(String),
    /// The file cannot be written.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// A gap could not be measured.
    #[error(transparent)]
    Truth(#[from] TruthError),
    /// There are no gaps to measure.
    #[error("the gaps between the cameras cannot be measured: {0}")]
    Gaps(String),
    /// Nothing that can be shown at an instant.
    #[error("{when} only {found} cameras have a frame; two are needed. Left out: {left_out}. Choose another instant")]
    TooFewCameras {
        /// The instant, in words that count from the mark.
        when: String,
        /// Cameras with a frame.
        found: usize,
        /// `camera (why), …`.
        left_out: String,
    },
    /// Time runs along the path, but there is only one moment.
    #[error("the path {path:?} lets time run, but these are pictures of one instant. Use footage, or a path that freezes")]
    OneInstantOnly {
        /// Name of the path.
        path: String,
    },
    /// Several instants in one picture, along a path in which time runs.
    #[error(
        "the path {path:?} lets time run, and several instants in one picture are for paths in which it stands. Choose a frozen path, or leave the slices out"
    )]
    SlicesRoll {
        /// Name of the path.
        path: String,
    },
    /// They do not fit into memory.
    #[error("{wanted} instants in one picture take more GPU memory than {} GB; {fit} fit. Ask for fewer, or for smaller depth (--depth-size, draft)", SLICES_BYTES / 1_000_000_000)]
    TooManySlices {
        /// Asked for.
        wanted: usize,
        /// Those that fit.
        fit: usize,
    },
    /// The footage gives no moment.
    #[error("no moment at {instant}: {problem}")]
    Moment {
        /// The instant.
        instant: MediaTime,
        /// Why.
        problem: String,
    },
}

impl ExportError {
    /// Whether the caller's cancel ended the job (and not a fault).
    pub const fn is_cancelled(&self) -> bool {
        matches!(self, Self::Output(OutputError::Cancelled) | Self::Scene(SceneError::Cancelled))
    }

    /// Whether the GPU had no memory left.
    pub const fn is_out_of_memory(&self) -> bool {
        match self {
            Self::Scene(e) | Self::Truth(TruthError::Scene(e)) => e.is_out_of_memory(),
            Self::View(e) | Self::Truth(TruthError::View(e)) => matches!(e, ViewError::Gpu(GpuError::OutOfMemory { .. })),
            _ => false,
        }
    }
}

/// Gives the frames of all cameras at any instant, e.g. a ring and its decoder.
pub trait MomentSource: Send {
    /// The moment nearest to `instant`; the error is words for the operator.
    fn moment_at(&mut self, instant: MediaTime) -> Result<Moment, String>;

    /// The sound that goes with its moments; `None` without.
    fn sound(&self) -> Option<SourceSound> {
        None
    }

    /// For each frame of `moment`, what the same camera saw next on the other side of the instant, and when. Empty: not known.
    fn other_side(&mut self, _moment: &Moment) -> Vec<Option<(Arc<Picture>, MediaTime)>> {
        Vec::new()
    }
}

/// Where the pictures come from.
pub enum Moments {
    /// One moment; the path must freeze.
    One(Moment),
    /// Any instant.
    Any(Box<dyn MomentSource>),
    /// Of a running show: one moment, and where time runs the cameras' own frames, as on air.
    AsOnAir(Box<Rolling>),
}

impl std::fmt::Debug for Moments {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::One(moment) => f.debug_tuple("One").field(&moment.instant).finish(),
            Self::Any(_) => f.write_str("Any"),
            Self::AsOnAir(rolling) => f.debug_tuple("AsOnAir").field(rolling).finish(),
        }
    }
}

/// What to export.
#[derive(Debug)]
pub struct ExportJob {
    /// The calibrated cameras.
    pub rig: Rig,
    /// Their pictures.
    pub moments: Moments,
    /// The way of the virtual camera.
    pub path: Path,
    /// The instant that the path's times count from.
    pub mark: MediaTime,
    /// Whether the frame is shifted inside the cameras' pictures so that the pivot stays in it ([`Track::following`]); for frames of
    /// another shape than theirs.
    pub follow: bool,
    /// How to render where `gaps` says nothing.
    pub mode: ViewMode,
    /// The ladder of the gaps along the rig's arc; empty: `mode` everywhere.
    pub gaps: Vec<GapState>,
    /// How to solve.
    pub scene: SceneOptions,
    /// Plates of its cameras ([`super::plates`]): with them what nobody sees at the instant is shown as it was. None: without.
    pub plates: Vec<NamedPlate>,
    /// Other instants whose movement is shown in the same picture, each with its own depth; for paths in which time stands still.
    pub phases: Vec<Moment>,
    /// What is drawn into the scene and on top; those that are not shown are left out.
    pub graphics: Vec<Graphic>,
    /// What is added by hand to the match of its cameras.
    pub trims: TrimList,
    /// The file. Its `sidecar` is filled in here when it is `Some`.
    pub output: OutputSpec,
}

/// GPU memory that the other instants of one picture may take, bytes.
pub const SLICES_BYTES: u64 = 4_000_000_000;
/// Instants in one picture, at most.
pub const MOST_SLICES: usize = 12;

/// What an export is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportStage {
    /// Depth of a moment.
    Solving,
    /// Frames of the path.
    Rendering,
    /// Encoding the rest, reading back, giving the file its name.
    Finishing,
}

/// How far an export is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExportProgress {
    /// What it does now.
    pub stage: ExportStage,
    /// Share of that stage, 0…1.
    pub share: f32,
    /// Frames written.
    pub frames_done: u64,
    /// Frames of the path.
    pub frames: u64,
}

/// What an export did.
#[derive(Debug, Clone, serde::Serialize)]
pub struct ExportReport {
    /// The file.
    pub output: OutputSummary,
    /// Moments that were solved, or uploaded where the mode needs no depth.
    pub moments: u64,
    /// (camera, why) of cameras that gave no honest frame, at any instant of the path.
    pub left_out: Vec<(String, String)>,
    /// Seconds per stage, wall clock.
    pub secs: StageTimes,
    /// GPU seconds per stage of the solves.
    pub solve_gpu_secs: StageTimes,
}

/// Pictures of one instant as a moment at the epoch; `paths[i]` belongs to `rig.cameras[i]`. Reads on all cores.
pub fn moment_of_pictures(rig: &Rig, paths: &[std::path::PathBuf]) -> Result<Moment, PictureError> {
    use rayon::iter::{IndexedParallelIterator as _, IntoParallelRefIterator as _, ParallelIterator as _};
    let read = |(camera, path): (&crate::rig::Camera, &std::path::PathBuf)| {
        Ok(MomentFrame {
            camera: camera.name.clone(),
            picture: Arc::new(Picture::load(path)?),
            time: MediaTime::ZERO,
            error_nanos: 0,
            retimed: false,
        })
    };
    let frames = rig.cameras.par_iter().zip(paths).map(read).collect::<Result<_, PictureError>>()?;
    Ok(Moment { instant: MediaTime::ZERO, frames, ..Moment::default() })
}

/// Cameras that have a frame in `moment`, fitted to their pictures; the pictures in the same order; who is left out.
pub(super) struct Present {
    pub rig: Rig,
    pub pictures: Vec<Arc<Picture>>,
    pub left_out: Vec<(String, String)>,
}

pub(super) fn present(rig: &Rig, moment: &Moment, mark: MediaTime) -> Result<Present, ExportError> {
    let (mut keep, mut pictures, mut left_out) = (vec![], vec![], moment.left_out.clone());
    for (i, camera) in rig.cameras.iter().enumerate() {
        if let Some(frame) = moment.frames.iter().find(|f| f.camera == camera.name) {
            keep.push(i);
            pictures.push(Arc::clone(&frame.picture));
        } else if !left_out.iter().any(|(name, _)| *name == camera.name) {
            left_out.push((camera.name.clone(), "no frame".to_owned()));
        }
    }
    if keep.len() < 2 {
        let left_out = left_out.iter().map(|(name, why)| format!("{name} ({why})")).collect::<Vec<_>>().join(", ");
        let secs = (moment.instant - mark) as f64 * 1e-9;
        let when = match secs {
            s if s.abs() < 5e-4 => "at the mark".to_owned(),
            s if s > 0.0 => format!("{s:.3} s after the mark"),
            s => format!("{:.3} s before the mark", -s),
        };
        return Err(ExportError::TooFewCameras { when, found: keep.len(), left_out });
    }
    let mut rig = rig.restricted_to(&keep);
    let sizes: Vec<_> = rig.cameras.iter().zip(&pictures).map(|(c, p)| (c.name.clone(), p.width(), p.height())).collect();
    for notice in fit_to_pictures(&mut rig, &sizes)? {
        tracing::info!("{notice}");
    }
    Ok(Present { rig, pictures, left_out })
}

/// Runs the job: `progress` hears where it is, `cancel` (share it with `job.output.cancel`) stops it and leaves nothing.
pub fn run(job: ExportJob, gpu: &Gpu, progress: &mut dyn FnMut(ExportProgress), cancel: &CancelToken) -> Result<ExportReport, ExportError> {
    run_metered(job, gpu, progress, cancel, &EnergyMeter::default())
}

/// The same with a meter that its caller looks at while the export waits.
pub(super) fn run_metered(
    job: ExportJob,
    gpu: &Gpu,
    progress: &mut dyn FnMut(ExportProgress),
    cancel: &CancelToken,
    meter: &EnergyMeter,
) -> Result<ExportReport, ExportError> {
    // Its counters begin again within minutes.
    let mut look_and_tell = |at: ExportProgress| {
        meter.look();
        progress(at);
    };
    work(job, gpu, &mut look_and_tell, cancel, meter)
}

fn work(
    mut job: ExportJob,
    gpu: &Gpu,
    progress: &mut dyn FnMut(ExportProgress),
    cancel: &CancelToken,
    meter: &EnergyMeter,
) -> Result<ExportReport, ExportError> {
    check(&job)?;
    let rate = job.output.rate;
    let frames = job.path.frame_count(rate);
    let first_instant = job.mark.plus_nanos(job.path.keys.first().map_or(0, |k| (k.instant_secs * 1e9).round() as i64));
    let first = moment_at(&mut job.moments, first_instant)?;
    let mut now = present(&job.rig, &first, job.mark)?;
    // The path runs along all cameras whose picture size is known, also those that miss at this instant.
    let whole = whole_rig(&job.rig, &now.rig);
    let track = Track::new(&job.path, &whole, job.mark, job.output.width_px, job.output.height_px)?;
    let track = if job.follow { track.following() } else { track };

    let drawing = Drawing::read(&job.graphics, &whole);
    if let Some(why) = drawing.problem() {
        return Err(ExportError::Graphics(why));
    }
    let mut artist = Artist::default();

    if let Some(wanted) = job.output.sidecar.take() {
        let (left_out, graphics) = (now.left_out.clone(), drawing.graphics.iter().map(|g| g.name.clone()).collect());
        let (header, gpu, meter) = (header_of(&job, wanted, &first, &whole), gpu.info.name.clone(), Some(meter.clone()));
        job.output.sidecar = Some(SidecarHeader { left_out, graphics, gpu, meter, ..header });
    }
    // Opened before the solve: a folder that cannot be written shall not cost a minute to find out.
    let (sound, stands) = match &job.moments {
        Moments::One(_) => (None, true),
        Moments::Any(source) => (source.sound(), true),
        Moments::AsOnAir(rolling) => (rolling.sound(), rolling.begin(&track, (rate, frames), progress, cancel)?),
    };
    let mut sink = output::open_with(job.output.clone(), sound.is_some())?;
    let mut sound = sound.map(|source| ExportSound::new(source, rate, track.sample(0.0).instant));
    let mut work = || -> Result<ExportReport, ExportError> {
        let mut secs = StageTimes::default();
        let mut solve_gpu_secs = StageTimes::default();
        let timed = |secs: &mut StageTimes, stage: &str, start: Instant| secs.add(stage, start.elapsed().as_secs_f64());
        let start = Instant::now();
        // Depth is for synthesis only, and for what hides graphics: real pixels are there at once.
        let mut solver = if stands && needs_depth(&job, &drawing) { Some(SceneSolver::new(gpu)?) } else { None };
        let mut synthesizer = ViewSynthesizer::new(gpu)?;
        timed(&mut secs, "pipelines", start);
        let start = Instant::now();
        let layers = match &mut solver {
            Some(solver) if !job.plates.is_empty() => Layers::of(gpu, solver, &whole, &job.plates, &job.scene, &mut |share| {
                progress(ExportProgress { stage: ExportStage::Solving, share, frames_done: 0, frames });
                !cancel.is_cancelled()
            })?,
            _ => None,
        };
        timed(&mut secs, "plates", start);
        let mut times = times_of(&first);
        let mut retimed = retimed_of(&first);
        let mut scene: Option<Scene> = None;
        let mut left_out = now.left_out.clone();
        let mut moments = 0;
        let mut ladder = OnLadder::new(&job.gaps, &whole, &track);
        let start = Instant::now();
        let phases = match &mut solver {
            Some(solver) => phases_of(&job, solver, layers.as_ref(), &mut |share| {
                progress(ExportProgress { stage: ExportStage::Solving, share, frames_done: 0, frames });
                !cancel.is_cancelled()
            })?,
            None => vec![],
        };
        timed(&mut secs, "slices", start);
        for index in 0..frames {
            if cancel.is_cancelled() {
                return Err(OutputError::Cancelled.into());
            }
            let at = |stage, share| ExportProgress { stage, share, frames_done: index, frames };
            let at_secs = rate.frame_nanos(index as i64) as f64 * 1e-9;
            let sample = track.sample(at_secs);
            if let Moments::AsOnAir(rolling) = &mut job.moments
                && rolling.runs(&track, at_secs)
            {
                let start = Instant::now();
                let size_px = (job.output.width_px, job.output.height_px);
                let (picture, report) = rolling.frame((index, &sample), size_px, &mut artist, &drawing)?;
                timed(&mut secs, "roll", start);
                written(&mut sink, &mut sound, (&picture, &report), &track, rate)?;
                progress(ExportProgress { frames_done: index + 1, ..at(ExportStage::Rendering, (index + 1) as f32 / frames as f32) });
                continue;
            }
            if index > 0 && matches!(job.moments, Moments::Any(_)) && !job.path.is_frozen() {
                let start = Instant::now();
                let moment = moment_at(&mut job.moments, sample.instant)?;
                timed(&mut secs, "moment", start);
                let next_times = times_of(&moment);
                // Slow motion shows the same frames more than once: solve them once.
                if next_times != times {
                    now = present(&job.rig, &moment, job.mark)?;
                    for who in &now.left_out {
                        // Once by name, with the first reason: the words differ from instant to instant.
                        if !left_out.iter().any(|(camera, _)| *camera == who.0) {
                            left_out.push(who.clone());
                        }
                    }
                    (times, retimed, scene) = (next_times, retimed_of(&moment), None);
                }
            }
            let solved = if let Some(solved) = scene.take() {
                solved
            } else {
                let start = Instant::now();
                let pictures: Vec<&Picture> = now.pictures.iter().map(AsRef::as_ref).collect();
                let mut solved = if let Some(solver) = &mut solver {
                    let mut tell = |share| {
                        progress(at(ExportStage::Solving, share));
                        !cancel.is_cancelled()
                    };
                    let options = SceneOptions { has_plates: layers.is_some(), ..job.scene };
                    solver.solve(&now.rig, &pictures, &options, &mut tell)?
                } else {
                    Scene::without_depth(gpu, &now.rig, &pictures)?
                };
                if let Some(layers) = &layers {
                    layers.split(&mut solved, &pictures)?;
                }
                trim(&mut solved, &job);
                timed(&mut secs, if solver.is_some() { "solve" } else { "upload" }, start);
                solve_gpu_secs.merge(&solved.times);
                moments += 1;
                solved
            };
            let start = Instant::now();
            let (target, gap) = ladder.target(&sample, at_secs, &now.rig);
            let mode = gap.map_or(job.mode, |g| g.rung.mode());
            let (picture, told) = drawn(&mut synthesizer, &mut artist, (&solved, &phases), (&target, mode), &drawing)?;
            timed(&mut secs, "render", start);
            scene = Some(solved);
            let start = Instant::now();
            let mut report = told_of(told, (index, &sample), gap, &times, &retimed);
            report.real_pixels &= drawing.is_empty() && phases.is_empty();
            written(&mut sink, &mut sound, (&picture, &report), &track, rate)?;
            timed(&mut secs, "write", start);
            progress(ExportProgress { frames_done: index + 1, ..at(ExportStage::Rendering, (index + 1) as f32 / frames as f32) });
        }
        let output = OutputSummary { path: job.output.path.clone(), sidecar: None, frames, bytes: 0 };
        Ok(ExportReport { output, moments, left_out, secs, solve_gpu_secs })
    };
    match work() {
        Ok(mut report) => {
            progress(ExportProgress { stage: ExportStage::Finishing, share: 0.0, frames_done: frames, frames });
            let start = Instant::now();
            report.output = sink.finish()?;
            report.secs.add("finish", start.elapsed().as_secs_f64());
            progress(ExportProgress { stage: ExportStage::Finishing, share: 1.0, frames_done: frames, frames });
            Ok(report)
        }
        Err(error) => {
            sink.cancel();
            Err(error)
        }
    }
}

/// What begins the sidecar of a job, as far as the job itself says it.
fn header_of(job: &ExportJob, wanted: SidecarHeader, first: &Moment, whole: &Rig) -> SidecarHeader {
    SidecarHeader {
        mark_nanos: job.mark,
        path: job.path.name.clone(),
        cameras: job.rig.cameras.iter().map(|c| c.name.clone()).collect(),
        retimed: retimed_of(first),
        slices: job.phases.iter().map(|m| m.instant).collect(),
        plates: job.plates.iter().map(|p| p.0.clone()).filter(|name| whole.camera(name).is_some()).collect(),
        ..wanted
    }
}

/// Writes a frame with its sound.
fn written(
    sink: &mut Box<dyn FrameSink>,
    sound: &mut Option<ExportSound>,
    (picture, report): (&Picture, &FrameReport),
    track: &Track,
    rate: FrameRate,
) -> Result<(), ExportError> {
    sink.write(picture, report)?;
    if let Some(sound) = sound {
        let next = track.sample(rate.frame_nanos(report.index as i64 + 1) as f64 * 1e-9).instant;
        let is_last = report.index + 1 == track.path().frame_count(rate);
        sink.write_sound(&sound.frame(report.index, report.instant_nanos, next, is_last))?;
    }
    Ok(())
}

/// Whether the parts of a job go together.
fn check(job: &ExportJob) -> Result<(), ExportError> {
    job.path.check()?;
    if matches!(job.moments, Moments::One(_)) && !job.path.is_frozen() {
        return Err(ExportError::OneInstantOnly { path: job.path.name.clone() });
    }
    // On air they are shown where time stands.
    if !job.phases.is_empty() && !job.path.is_frozen() && !matches!(job.moments, Moments::AsOnAir(_)) {
        return Err(ExportError::SlicesRoll { path: job.path.name.clone() });
    }
    Ok(())
}

/// All cameras whose picture size is known, with the sizes of those that have a picture.
fn whole_rig(rig: &Rig, there: &Rig) -> Rig {
    let mut whole = rig.clone();
    for camera in &mut whole.cameras {
        if let Some(fitted) = there.camera(&camera.name) {
            *camera = fitted.clone();
        }
    }
    whole.cameras.retain(|c| c.width_px > 0 && c.height_px > 0);
    whole
}

fn needs_depth(job: &ExportJob, drawing: &Drawing) -> bool {
    let by_mode = job.mode.needs_depth() || job.gaps.iter().any(|gap| gap.rung.mode().needs_depth());
    by_mode || drawing.is_in_scene() || !job.phases.is_empty()
}

/// What is added by hand to the match of its cameras.
fn trim(scene: &mut Scene, job: &ExportJob) {
    let by_hand = trims::by_hand(&job.trims, &scene.rig);
    scene.set_match(scene.matching, by_hand);
}

/// A frame: the moment and the other instants seen by `target`, with what is drawn into the scene and on top of it.
fn drawn(
    synthesizer: &mut ViewSynthesizer,
    artist: &mut Artist,
    (solved, phases): (&Scene, &[Scene]),
    (target, mode): (&Camera, ViewMode),
    drawing: &Drawing,
) -> Result<(Picture, ViewReport), ExportError> {
    let mut view = if phases.is_empty() {
        synthesizer.render(solved, target, mode)?
    } else {
        synthesizer.render_strobe(solved, &phases.iter().collect::<Vec<_>>(), target)?
    };
    artist.draw(synthesizer, solved, target, &mut view, drawing)?;
    let mut picture = view.read(synthesizer.gpu())?;
    artist.overlay(&mut picture, drawing);
    Ok((picture, view.report))
}

/// The other instants of one picture, solved.
fn phases_of(
    job: &ExportJob,
    solver: &mut SceneSolver,
    layers: Option<&Layers>,
    go_on: &mut dyn FnMut(f32) -> bool,
) -> Result<Vec<Scene>, ExportError> {
    let (mut solved, wanted) = (Vec::new(), job.phases.len());
    let mut bytes = 0;
    for (k, moment) in job.phases.iter().enumerate() {
        let there = present(&job.rig, moment, job.mark)?;
        let pictures: Vec<&Picture> = there.pictures.iter().map(AsRef::as_ref).collect();
        let options = SceneOptions { has_plates: layers.is_some(), ..job.scene };
        let mut scene = solver.solve(&there.rig, &pictures, &options, &mut |share| go_on((k as f32 + share) / wanted as f32))?;
        if let Some(layers) = layers {
            layers.split(&mut scene, &pictures)?;
        }
        trim(&mut scene, job);
        bytes += scene.bytes();
        if bytes > SLICES_BYTES || k >= MOST_SLICES {
            return Err(ExportError::TooManySlices { wanted, fit: k });
        }
        solved.push(scene);
    }
    Ok(solved)
}

pub(super) fn moment_at(moments: &mut Moments, instant: MediaTime) -> Result<Moment, ExportError> {
    match moments {
        Moments::One(moment) => Ok(moment.clone()),
        Moments::AsOnAir(rolling) => Ok(rolling.moment().clone()),
        Moments::Any(source) => source.moment_at(instant).map_err(|problem| ExportError::Moment { instant, problem }),
    }
}
