//! The GPU thread: the only one that touches pipelines. It serves the board, most urgent job first; pictures overtake a running
//! solve between two of its steps. A lost device is opened anew; memory that runs out is told, after what can be spared was freed.

mod between;
mod mend;
mod near;
mod phases;
mod plates;
mod refine;
mod retime;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crossbeam::channel::Sender;

use super::{
    board::{Board, Job, LookWish, PickWish, SolveWish, ViewWish},
    graphics::Artist,
    heat,
    live::GpuFault,
    live_plates::PlateSet,
    meter::{CameraScore, MomentMeter},
    pick,
    plate_judge::PlatesVerdict,
    retime::RetimePolicy,
    rig_book::RigBook,
    slow_motion::BetweenReport,
    trims,
    truth::TruthError,
};
use crate::{
    frame::{Moment, Picture},
    gpu::{Gpu, GpuError, GpuOptions},
    rig::Rig,
    scene::{Quality, ResidentCounts, Scene, SceneError, SceneOptions, SceneSolver, Shading},
    telemetry::StageTimes,
    time::MediaTime,
    view::{ViewError, ViewMode, ViewReport, ViewSynthesizer},
};

/// Scenes kept on the GPU: the one on air, the one in preview, and the one before.
const SCENES: usize = 3;
/// The one before is kept only while all of them take no more than this.
const SCENES_BYTES: u64 = 3 << 30;
/// Pause between attempts to open a device.
const RETRY: Duration = Duration::from_secs(2);

/// A solve may take so much memory: beyond, its depth maps are made smaller.
const SOLVE_BYTES: u64 = 4_000_000_000;

/// How to solve a rig at a level within [`SOLVE_BYTES`].
fn affordable(level: Quality, rig: &Rig) -> SceneOptions {
    let options = level.scene().fitted(rig, SOLVE_BYTES, u64::MAX);
    if options != level.scene() {
        tracing::info!(cameras = rig.cameras.len(), depth_size_px = options.max_depth_size_px, "smaller depth, to save GPU memory");
    }
    options
}

/// What the GPU thread reports.
#[derive(Debug)]
pub(super) enum GpuReport {
    /// A device is open.
    Opened { adapter: String, is_software: bool, again: bool },
    /// No device; tried again later.
    NoDevice { why: String },
    /// The solve goes on.
    Progress { instant: MediaTime, progress: f32 },
    /// The scene of the cameras that were wanted first is resident; the solve of all goes on.
    PartSolved { instant: MediaTime, serial: u64, secs: f64 },
    /// A scene is resident.
    Solved {
        instant: MediaTime,
        serial: u64,
        level: Quality,
        cameras: usize,
        secs: f64,
        stages: StageTimes,
        exposures: Vec<(usize, [f32; 3])>,
        shadings: Vec<(usize, Shading)>,
        /// The plates that it has already.
        plates: Option<Arc<PlateSet>>,
    },
    /// A scene was solved better, and judged; it is resident if `kept`.
    Refined { instant: MediaTime, kept: bool, air_db: f64, hero_db: f64, cameras: usize, secs: f64, stages: StageTimes },
    /// Plates are solved, of so many cameras, or cannot be.
    PlatesSolved { number: u64, result: Result<usize, String>, secs: f64 },
    /// The judges have said whether a moment is truer with plates; where it is, its scene has them now.
    Layered { instant: MediaTime, set: Arc<PlateSet>, verdict: PlatesVerdict, secs: f64 },
    /// Pictures about the playhead that the GPU keeps; none any more when it `is_off`.
    Near { bytes: u64, counts: ResidentCounts, is_off: bool },
    /// What is on air has a scene again, or why it cannot have one.
    Mended { instant: MediaTime, serial: u64, result: Result<(), String> },
    /// There was no memory left: plates were let go.
    PlatesLetGo,
    /// The device is lost; another one is being opened.
    Lost,
    /// There was no memory left for a solve or (`picture`) a view. Scenes that nobody needs now are freed.
    OutOfMemory { instant: MediaTime, picture: bool, program: bool, why: String },
    /// It cannot be solved.
    SolveFailed { instant: MediaTime, why: String },
    /// A picture.
    Rendered { program: bool, instant: MediaTime, picture: Arc<Picture>, report: ViewReport, layered: bool, secs: f64 },
    /// No picture. Nothing is to be done when the device `is_lost`: that is told by itself.
    RenderFailed { program: bool, instant: MediaTime, is_lost: bool, why: String },
    /// What a click hit: inverse depth along z of the eye, 1/m; `None` where nobody upholds a surface, an error without the scene.
    Picked { wish: Box<PickWish>, found: Result<Option<f64>, String> },
    /// Another instant of the picture is resident (`Ok(true)`), was dropped, or cannot be solved.
    Phase { instant: MediaTime, serial: u64, result: Result<bool, String> },
    /// A picture between two frames of a camera.
    Between(Box<BetweenReport>),
    /// A picture of the graphics cannot be drawn.
    GraphicsProblem(String),
    /// Hidden cameras have said whether interpolating frames in time is truer.
    TimingJudged { pays: bool, worst_error_nanos: i64, nearest_db: f64, exact_db: f64 },
    /// A camera (index in the rig) was left out and scored, or cannot be.
    Measured { instant: MediaTime, camera: usize, result: Result<CameraScore, String>, secs: f64 },
}

/// Runs until the board stops.
pub(super) fn run(book: &RigBook, board: &Board, policy: RetimePolicy, reports: &Sender<GpuReport>) {
    let mut opened_before = false;
    let mut last_problem = String::new();
    let mut verdict = None;
    loop {
        match open() {
            Ok((gpu, solver, synthesizer)) => {
                let opened = GpuReport::Opened { adapter: gpu.info.name.clone(), is_software: gpu.is_software(), again: opened_before };
                opened_before = true;
                last_problem.clear();
                // The engine drains this lossless queue for as long as it lives; a failed send means that it has ended.
                if reports.send(opened).is_err() {
                    return;
                }
                let mut worker = Worker {
                    rig: book.newest(),
                    book,
                    board,
                    reports,
                    gpu,
                    synthesizer,
                    artist: Artist::default(),
                    scenes: Vec::new(),
                    phases: Vec::new(),
                    meter: None,
                    metered: (book.newest(), Vec::new()),
                    trial: None,
                    plates: plates::Plates::default(),
                    near: near::NearPictures::new(solver.resident()),
                    has_no_memory: false,
                    timing: retime::Timing::new(policy, verdict),
                    motions: Vec::new(),
                };
                let stopped = worker.serve(solver);
                verdict = worker.timing.verdict();
                if stopped || reports.send(GpuReport::Lost).is_err() {
                    return;
                }
            }
            Err(why) => {
                if why != last_problem && reports.send(GpuReport::NoDevice { why: why.clone() }).is_err() {
                    return;
                }
                last_problem = why;
                if board.wait_stopped(RETRY) {
                    return;
                }
            }
        }
    }
}

fn open() -> Result<(Gpu, SceneSolver, ViewSynthesizer), String> {
    let gpu = Gpu::open(&GpuOptions::default()).map_err(|e| e.to_string())?;
    let solver = SceneSolver::new(&gpu).map_err(|e| e.to_string())?;
    let synthesizer = ViewSynthesizer::new(&gpu).map_err(|e| e.to_string())?.without_polish();
    Ok((gpu, solver, synthesizer))
}

struct Worker<'a> {
    book: &'a RigBook,
    /// The rig of the moment that is worked on.
    rig: Arc<Rig>,
    board: &'a Board,
    reports: &'a Sender<GpuReport>,
    gpu: Gpu,
    synthesizer: ViewSynthesizer,
    artist: Artist,
    /// Newest last.
    scenes: Vec<Held>,
    /// Other instants of one picture.
    phases: Vec<Held>,
    /// The moment that was last measured, reduced; an error when that is impossible.
    meter: Option<(MediaTime, Result<MomentMeter, String>)>,
    /// What the meter was made of.
    metered: (Arc<Rig>, Vec<usize>),
    /// How a refinement does so far.
    trial: Option<refine::Trial>,
    /// What does not move.
    plates: plates::Plates,
    /// What is near the playhead.
    near: near::NearPictures,
    /// The next solve rehearses a device without memory.
    has_no_memory: bool,
    /// Interpolation in time.
    timing: retime::Timing,
    /// For slow motion, newest last.
    motions: Vec<between::KeptMotion>,
}

/// A scene on the GPU.
struct Held {
    instant: MediaTime,
    level: Quality,
    /// Of some cameras only, until all are solved.
    is_part: bool,
    /// The rig that it was solved with, and the cameras (indices in it) that had a picture.
    rig: Arc<Rig>,
    cameras: Vec<usize>,
    scene: Scene,
    /// What it was solved from.
    moment: Arc<Moment>,
    /// It has plates that nobody wants any more.
    is_stale: bool,
}

impl Held {
    /// Matched as a wish has it.
    fn match_as(&mut self, wish: &ViewWish) {
        let by_hand = trims::by_hand(&wish.trims, &self.scene.rig);
        self.scene.set_match(wish.matching, by_hand);
    }

    /// Exposures of the cameras (indices in the rig), stops about the middle of all.
    fn exposures(&self) -> Vec<(usize, [f32; 3])> {
        let middle = self.scene.middle_exposure(false);
        let about = |e: &[f32; 3]| std::array::from_fn(|k| e[k] - middle[k]);
        self.cameras.iter().copied().zip(self.scene.exposures.iter().map(about)).collect()
    }
}

impl Held {
    /// What lens and response of each camera (indices in the rig) make of the light.
    fn shadings(&self) -> Vec<(usize, Shading)> {
        self.cameras.iter().copied().zip(self.scene.shadings.iter().copied()).collect()
    }
}

impl Worker<'_> {
    /// True when the board has stopped, false when the device is lost.
    fn serve(&mut self, mut solver: SceneSolver) -> bool {
        loop {
            match self.board.wait() {
                Job::Stop => return true,
                Job::Program(wish) => self.render(true, &wish),
                Job::Preview(wish) => self.render(false, &wish),
                Job::Between(wish) => self.make_between(*wish),
                Job::KeepPhases => self.phases.retain(|h| self.board.keeps_phase(h.instant)),
                Job::Pick(wish) => self.pick(wish),
                Job::Solve(wish) => self.solve(&mut solver, &wish),
                Job::Mend(wish) => self.mend(&mut solver, &wish),
                Job::Spare => self.spare_for_others(),
                Job::Phase(wish) => self.solve_phase(&mut solver, &wish),
                Job::Look(wish) => self.look(&wish),
                Job::Near(wish) => self.keep_near(&wish),
                Job::Measure(moment, camera) => self.measure(&mut solver, &moment, camera),
                Job::Layer(wish) => self.layer(&mut solver, &wish),
                Job::Refine(wish) => self.refine(&mut solver, &wish),
                Job::Plates(set) => self.solve_plates(&mut solver, &set),
                Job::DropPlates => self.drop_plates(),
                Job::Fault(GpuFault::DeviceLost) => {
                    self.gpu.device.destroy();
                    // The loss is told to whoever asks next.
                    self.gpu.wait().ok();
                }
                Job::Fault(GpuFault::OutOfMemory) => self.has_no_memory = true,
            }
            if self.gpu.is_lost() {
                return false;
            }
        }
    }

    fn report(&self, report: GpuReport) {
        // The engine outlives this thread or has ended; then nobody wants to know.
        self.reports.send(report).ok();
    }

    fn render(&mut self, program: bool, wish: &ViewWish) {
        let begun = Instant::now();
        let instant = wish.instant;
        for held in &mut self.phases {
            held.match_as(wish);
        }
        let Some(held) = self.scenes.iter_mut().rev().find(|held| held.instant == instant) else {
            let why = "the scene is not on the GPU any more".to_owned();
            return self.report(GpuReport::RenderFailed { program, instant, is_lost: false, why });
        };
        held.match_as(wish);
        let scene = &mut held.scene;
        let layered = scene.has_plates();
        let slices: Vec<&Scene> = self.phases.iter().filter(|h| wish.slices.contains(&h.instant)).map(|h| &h.scene).collect();
        let view = if slices.is_empty() || !wish.mode.needs_depth() {
            self.synthesizer.render(scene, &wish.target, wish.mode)
        } else {
            self.synthesizer.render_strobe(scene, &slices, &wish.target)
        };
        let mut undrawn = None;
        let rendered = view.and_then(|mut view| {
            if let Some(drawing) = &wish.graphics
                && let Err(e) = self.artist.draw(&mut self.synthesizer, scene, &wish.target, &mut view, drawing)
            {
                // A graphic that cannot be drawn is no reason to leave the air: the picture goes out without.
                if matches!(e, ViewError::Gpu(_)) {
                    return Err(e);
                }
                undrawn = Some(e.to_string());
            }
            let mut picture = view.read(&self.gpu)?;
            // The heat map is not what a program picture costs.
            let secs = begun.elapsed().as_secs_f64();
            if wish.heat || wish.weigh {
                let trust = view.read_trust(&self.gpu)?;
                view.report.unsure_share = Some(heat::unsure_share(&trust));
                if wish.heat {
                    heat::lay_over(&mut picture, &trust);
                }
            }
            Ok((picture, view.report, secs))
        });
        if let Some(why) = undrawn {
            self.report(GpuReport::GraphicsProblem(why));
        }
        match rendered {
            Ok((picture, report, secs)) => {
                let picture = Arc::new(picture);
                self.report(GpuReport::Rendered { program, instant, picture, report, layered, secs });
            }
            Err(ViewError::Gpu(GpuError::OutOfMemory { .. })) if self.spare_some() => self.render(program, wish),
            Err(e @ ViewError::Gpu(GpuError::OutOfMemory { .. })) => {
                self.spare(instant);
                self.report(GpuReport::OutOfMemory { instant, picture: true, program, why: e.to_string() });
            }
            Err(e) => {
                let is_lost = self.gpu.is_lost();
                self.report(GpuReport::RenderFailed { program, instant, is_lost, why: e.to_string() });
            }
        }
    }

    /// A view for somebody who looks on.
    fn look(&mut self, wish: &LookWish) {
        let picture = match self.scenes.iter().rev().find(|held| held.instant == wish.instant) {
            None => Err("the scene is not on the GPU any more".to_owned()),
            Some(Held { scene, .. }) => {
                let drawn = |worker: &mut ViewSynthesizer, artist: &mut Artist| {
                    let mut view = worker.render(scene, &wish.target, wish.mode)?;
                    if let Some(drawing) = &wish.graphics {
                        artist.draw(worker, scene, &wish.target, &mut view, drawing)?;
                    }
                    let mut picture = view.read(&self.gpu)?;
                    if let Some(drawing) = &wish.graphics {
                        artist.overlay(&mut picture, drawing);
                    }
                    Ok(picture)
                };
                drawn(&mut self.synthesizer, &mut self.artist).map(Arc::new).map_err(|e: ViewError| e.to_string())
            }
        };
        // Who asked may have gone.
        wish.answer.try_send(picture).ok();
    }

    /// Looks for the surface that a click hit, by a small view of the scene through the same eye.
    fn pick(&mut self, wish: PickWish) {
        let look = |worker: &mut Self| {
            let held = worker.scenes.iter().rev().find(|held| held.instant == wish.instant);
            let scene = &held.ok_or("the scene is not on the GPU any more")?.scene;
            let (eye, at_px) = pick::small(&wish.eye, wish.at_px);
            let view = worker.synthesizer.render(scene, &eye, ViewMode::Synthesis).map_err(|e| e.to_string())?;
            let surface = view.read_surface(&worker.gpu).map_err(|e| e.to_string())?;
            Ok(pick::frontmost(&surface, eye.width_px, at_px))
        };
        let found = look(self);
        self.report(GpuReport::Picked { wish: Box::new(wish), found });
    }

    /// Frees every scene but that of an instant and the one on air, and the slices that are not on air.
    fn spare(&mut self, instant: MediaTime) {
        let on_air = self.board.on_air();
        self.scenes.retain(|held| held.instant == instant || Some(held.instant) == on_air);
        self.phases.retain(|held| self.board.has_phase_on_air(held.instant));
        self.meter = None;
    }

    /// The cameras (indices in the rig) that have a picture in a moment, and their pictures.
    fn present<'m>(&self, moment: &'m Moment) -> (Vec<usize>, Vec<&'m Picture>) {
        moment.frames.iter().filter_map(|f| Some((self.rig.index_of(&f.camera)?, f.picture.as_ref()))).unzip()
    }

    /// Has the meter of a moment ready, and gives the cameras (indices in the rig) in its order.
    fn reduce(&mut self, moment: &Moment) -> Vec<usize> {
        let (keep, pictures) = self.present(moment);
        let same = Arc::ptr_eq(&self.metered.0, &self.rig) && self.metered.1 == keep;
        if !same || self.meter.as_ref().is_none_or(|(at, _)| *at != moment.instant) {
            self.metered = (Arc::clone(&self.rig), keep.clone());
            let meter = MomentMeter::new(&self.rig.restricted_to(&keep), &pictures).map_err(|e| e.to_string());
            self.meter = Some((moment.instant, meter));
        }
        keep
    }

    /// One step of the truth meter; dropped, to be done later, as soon as anything else is wanted.
    fn measure(&mut self, solver: &mut SceneSolver, moment: &Arc<Moment>, camera: usize) {
        let begun = Instant::now();
        let instant = moment.instant;
        let raw = Arc::clone(moment);
        self.rig = self.book.at(instant);
        let moment = &self.in_time(moment);
        let keep = self.reduce(moment);
        let board = self.board;
        let result = match (&self.meter, keep.iter().position(|&i| i == camera)) {
            (Some((_, Ok(meter))), Some(hidden)) => {
                let score = meter.score(solver, &mut self.synthesizer, hidden, Quality::Air, &mut |_| board.may_measure(instant));
                match score {
                    Err(TruthError::Scene(SceneError::Cancelled)) => return,
                    // Once more with what is let go.
                    Err(TruthError::Scene(e)) if e.is_out_of_memory() && self.spare_near() => return,
                    // Measured again on the next device.
                    Err(_) if self.gpu.is_lost() => return,
                    score => score.map_err(|e| e.to_string()),
                }
            }
            (Some((_, Err(why))), _) => Err(why.clone()),
            (_, None) | (None, _) => Err("the camera has no picture at this instant".to_owned()),
        };
        if let Ok(score) = &result {
            self.judge_timing(solver, &raw, camera, score.psnr_db);
        }
        self.board.measured(instant, camera);
        self.report(GpuReport::Measured { instant, camera, result, secs: begun.elapsed().as_secs_f64() });
    }

    fn solve(&mut self, solver: &mut SceneSolver, wish: &SolveWish) {
        let begun = Instant::now();
        let instant = wish.moment.instant;
        self.rig = self.book.at(instant);
        let all: Vec<usize> = wish.moment.frames.iter().filter_map(|f| self.rig.index_of(&f.camera)).collect();
        // What is better than wanted is good; what a camera that has moved is in is not.
        let rig = Arc::clone(&self.rig);
        let is_of = |held: &Held| held.instant == instant && Arc::ptr_eq(&held.rig, &rig);
        let is_whole = |held: &&Held| !held.is_part && is_of(held) && held.cameras == all && held.level >= wish.level && !held.is_stale;
        if let Some(held @ Held { level, .. }) = self.scenes.iter().find(is_whole) {
            let (stages, exposures, shadings) = (StageTimes::default(), held.exposures(), held.shadings());
            let plates = self.plates_behind(instant);
            return self.report(GpuReport::Solved {
                instant,
                serial: wish.serial,
                level: *level,
                cameras: 0,
                secs: 0.0,
                stages,
                exposures,
                shadings,
                plates,
            });
        }
        let wish = &SolveWish { moment: self.in_time(&wish.moment), ..wish.clone() };
        let first: Vec<usize> = all.iter().copied().filter(|i| wish.first.contains(i)).collect();
        // Shares of the progress by the number of cameras.
        let share = first.len() as f32 / (first.len() + all.len()).max(1) as f32;
        let mut from = 0.0;
        // A camera that is missing there opens a gap which only its neighbours outside can bridge.
        if !first.is_empty() && first.len() == wish.first.len() && !self.scenes.iter().any(is_of) {
            match self.solve_some(solver, wish, &first, (0.0, share)) {
                Ok(scene) => {
                    let (rig, moment) = (Arc::clone(&self.rig), Arc::clone(&wish.moment));
                    self.hold(Held { instant, level: wish.level, is_part: true, rig, cameras: first, scene, moment, is_stale: false });
                    self.report(GpuReport::PartSolved { instant, serial: wish.serial, secs: begun.elapsed().as_secs_f64() });
                    from = share;
                }
                Err(SceneError::Cancelled) => return,
                Err(e) if e.is_out_of_memory() && self.spare_some() => tracing::info!("once more with what was spared"),
                Err(e) if e.is_out_of_memory() => return self.has_run_out(instant, &e),
                Err(e) => tracing::debug!(%e, "the first cameras cannot be solved alone"),
            }
        }
        let mut solved = self.solve_some(solver, wish, &all, (from, 1.0));
        // First what is near, then plates.
        while solved.as_ref().is_err_and(SceneError::is_out_of_memory) && self.spare_some() {
            solved = self.solve_some(solver, wish, &all, (from, 1.0));
        }
        match solved {
            Ok(scene) => {
                let stages = scene.times.clone();
                let cameras = scene.rig.cameras.len();
                let (rig, moment) = (Arc::clone(&self.rig), Arc::clone(&wish.moment));
                let held = Held { instant, level: wish.level, is_part: false, rig, cameras: all, scene, moment, is_stale: false };
                let (exposures, shadings) = (held.exposures(), held.shadings());
                self.hold(held);
                let (board, moment) = (self.board, Arc::clone(&wish.moment));
                let plates = if wish.plates { self.put_behind_as_before(&moment, || board.wants(instant, wish.serial)) } else { None };
                let secs = begun.elapsed().as_secs_f64();
                self.report(GpuReport::Solved {
                    instant,
                    serial: wish.serial,
                    level: wish.level,
                    cameras,
                    secs,
                    stages,
                    exposures,
                    shadings,
                    plates,
                });
            }
            Err(SceneError::Cancelled) => {}
            // Solved again on the next device.
            Err(_) if self.gpu.is_lost() => {}
            Err(e) if e.is_out_of_memory() => self.has_run_out(instant, &e),
            Err(e) => {
                let why = format!("This instant could not be solved: {e}. The orbit steps through the real cameras");
                self.report(GpuReport::SolveFailed { instant, why });
            }
        }
    }

    /// What does not wait for the end of a solve.
    fn overtake(&mut self) {
        while let Some(job) = self.board.take_view() {
            match job {
                Job::Program(wish) => self.render(true, &wish),
                Job::Preview(wish) => self.render(false, &wish),
                Job::Between(wish) => self.make_between(*wish),
                Job::Spare => self.spare_for_others(),
                // The board gives no others here.
                _ => {}
            }
        }
    }

    /// The device has no memory once, if that is rehearsed.
    fn rehearse_shortage(&mut self) -> Result<(), GpuError> {
        if std::mem::take(&mut self.has_no_memory) { self.gpu.exhaust() } else { Ok(()) }
    }

    fn has_run_out(&mut self, instant: MediaTime, e: &SceneError) {
        self.spare(instant);
        self.report(GpuReport::OutOfMemory { instant, picture: false, program: false, why: e.to_string() });
    }

    /// Solves the frames of these cameras, which are on (part of) the progress bar `from`…`to`; pictures overtake meanwhile.
    fn solve_some(
        &mut self,
        solver: &mut SceneSolver,
        wish: &SolveWish,
        cameras: &[usize],
        (from, to): (f32, f32),
    ) -> Result<Scene, SceneError> {
        let instant = wish.moment.instant;
        let mut keep = Vec::new();
        let mut pictures = Vec::new();
        for frame in &wish.moment.frames {
            if let Some(i) = self.rig.index_of(&frame.camera).filter(|i| cameras.contains(i)) {
                keep.push(i);
                pictures.push(frame.picture.as_ref());
            }
        }
        let rig = self.rig.restricted_to(&keep);
        self.rehearse_shortage()?;
        let mut said = 0.0_f32;
        let before = self.near.counts();
        let solved = solver.solve(&rig, &pictures, &affordable(wish.level, &rig), &mut |progress| {
            if progress - said >= 0.02 || progress >= 1.0 {
                said = progress;
                self.report(GpuReport::Progress { instant, progress: from + (to - from) * progress });
            }
            self.overtake();
            self.board.goes_on(wish)
        });
        self.count_near(before);
        solved
    }

    /// Keeps a scene instead of what there was of its instant, and lets the oldest go.
    fn hold(&mut self, held: Held) {
        self.scenes.retain(|old| old.instant != held.instant);
        self.scenes.push(held);
        let on_air = self.board.on_air();
        let bytes = |scenes: &[Held]| scenes.iter().map(|held| held.scene.bytes()).sum::<u64>();
        while self.scenes.len() > SCENES || self.scenes.len() > 2 && bytes(&self.scenes) > SCENES_BYTES {
            let evict = self.scenes.iter().position(|held| Some(held.instant) != on_air).unwrap_or(0);
            self.scenes.remove(evict);
        }
    }
}
