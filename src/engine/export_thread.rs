//! Exports asked for from the console: a list, of which one at a time is written, on a thread and a GPU device of its own, so that program
//! and preview go on; while a replay moves on air it waits.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use crossbeam::channel::Sender;

use super::{
    ExportOrder, ExportState, ExportView,
    board::Board,
    clip::Clip,
    export::{self, ExportError, ExportJob, ExportProgress, ExportStage, Moments},
    naming::{NameFields, NameTemplate},
};
use crate::{
    gpu::{Gpu, GpuOptions},
    output::{CancelToken, Credentials, OutputSpec, SidecarHeader},
    scene::SceneError,
    telemetry::EnergyMeter,
    view::ViewError,
};

/// Exports that hold their pictures: waiting, running, or to be tried again.
const MOST_HELD: usize = 8;
/// Exports that stand still in their middle, each with its memory of the GPU, while others go on; then the list waits for the next.
const MOST_PARKED: usize = 2;
/// Lines of the list.
const MOST_LINES: usize = 12;
/// The engine's device is waited for so long to let memory go.
const SPARE_WITHIN: Duration = Duration::from_secs(10);
/// How often one that waits looks whether it may go on.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// What an export reports.
#[derive(Debug)]
pub(super) enum ExportNews {
    /// How far export number so is, 0…1.
    Progress(u32, f32),
    /// It is written.
    Done { number: u32, path: PathBuf, frames: u64 },
    /// It is not; nothing was left behind. Whether it was cancelled.
    Failed { number: u32, why: String, cancelled: bool },
    /// The rig as it stands is written, or why it is not.
    Rig(Result<PathBuf, String>),
    /// A rig that was calibrated is written, or why it is not.
    Calibrated(Result<PathBuf, String>),
}

#[derive(Debug)]
struct Entry {
    number: u32,
    path: PathBuf,
    state: ExportState,
    progress: f32,
    /// What to write; gone when it is written.
    job: Option<Work>,
}

/// What an export of the list writes.
#[derive(Debug)]
pub(super) enum Work {
    /// Views of moments.
    Moments(Box<ExportJob>),
    /// One camera's own frames.
    Clip(Box<Clip>),
}

impl Work {
    fn again(&self) -> Option<Self> {
        match self {
            Self::Moments(job) => job.again().map(|job| Self::Moments(Box::new(job))),
            Self::Clip(clip) => Some(Self::Clip(clip.clone())),
        }
    }

    fn output(&mut self) -> &mut OutputSpec {
        match self {
            Self::Moments(job) => &mut job.output,
            Self::Clip(clip) => &mut clip.output,
        }
    }
}

/// The thread of the export that runs; dropped, it is cancelled and leaves nothing.
#[derive(Debug)]
struct Running {
    number: u32,
    cancel: CancelToken,
    held: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Running {
    fn is_held(&self) -> bool {
        // One that was cancelled is about to end, and clears its place.
        self.held.load(Ordering::Relaxed) && !self.cancel.is_cancelled()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.cancel.cancel();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::warn!("the export thread ended by panic");
        }
    }
}

/// All exports of a show, oldest first.
#[derive(Debug)]
pub(super) struct ExportList {
    entries: VecDeque<Entry>,
    next: u32,
    template: NameTemplate,
    /// What they are signed with.
    credentials: Option<Credentials>,
    news: Sender<ExportNews>,
    /// At most one of them is not held.
    runners: Vec<Running>,
    /// Program needs the machine.
    yields: Arc<AtomicBool>,
    /// Where to ask for memory that the engine's device can spare.
    board: Arc<Board>,
}

impl ExportList {
    pub fn new((template, credentials): (NameTemplate, Option<Credentials>), news: Sender<ExportNews>, board: Arc<Board>) -> Self {
        Self { entries: VecDeque::new(), next: 1, template, credentials, news, runners: Vec::new(), yields: Arc::default(), board }
    }

    /// What begins its sidecar.
    pub fn header(&self) -> SidecarHeader {
        SidecarHeader { credentials: self.credentials.clone(), ..SidecarHeader::default() }
    }

    /// A name in `folder` that neither a file nor an export of the list has.
    pub fn name_for(&self, folder: &Path, fields: &NameFields<'_>) -> PathBuf {
        let held = |path: &Path| self.entries.iter().any(|e| e.job.is_some() && e.path == path);
        self.template.free(folder, fields, held)
    }

    /// The list for whoever shows it.
    pub fn view(&self) -> Vec<ExportView> {
        let of = |e: &Entry| ExportView { number: e.number, path: e.path.display().to_string(), state: e.state, progress: e.progress };
        self.entries.iter().map(of).collect()
    }

    /// The one that is being written, else one that waits in its middle.
    pub fn current(&self) -> Option<ExportView> {
        let number = self.runners.iter().find(|r| !r.is_held()).or_else(|| self.runners.first())?.number;
        self.view().into_iter().find(|e| e.number == number)
    }

    /// Whether one is being written: one that is held takes nothing of the machine.
    pub fn is_working(&self) -> bool {
        self.runners.iter().any(|r| !r.is_held())
    }

    /// While set, the export that runs waits.
    pub fn yield_to_program(&self, yields: bool) {
        self.yields.store(yields, Ordering::Relaxed);
    }

    /// Puts a job at the end; it begins when those before it are done.
    pub fn add(&mut self, mut job: Work) -> Result<(), String> {
        if self.entries.iter().filter(|e| e.job.is_some()).count() >= MOST_HELD {
            // What failed or was cancelled makes room, the oldest first.
            let running: Vec<u32> = self.runners.iter().map(|r| r.number).collect();
            let is_over = |e: &&mut Entry| {
                e.job.is_some() && matches!(e.state, ExportState::Failed | ExportState::Cancelled) && !running.contains(&e.number)
            };
            if let Some(over) = self.entries.iter_mut().find(is_over) {
                over.job = None;
            }
        }
        if self.entries.iter().filter(|e| e.job.is_some()).count() >= MOST_HELD {
            return Err(format!("{MOST_HELD} exports are in the list, each with its pictures. Wait until one is written, or cancel one"));
        }
        let path = job.output().path.clone();
        self.entries.push_back(Entry { number: self.next, path, state: ExportState::Waiting, progress: 0.0, job: Some(job) });
        self.next += 1;
        while self.entries.len() > MOST_LINES {
            let Some(old) = self.entries.iter().position(|e| e.job.is_none()) else { break };
            self.entries.remove(old);
        }
        self.go_on()
    }

    /// Begins the next one that waits, or goes on with it where it stood, if none runs.
    fn go_on(&mut self) -> Result<(), String> {
        if self.runners.iter().any(|r| !r.is_held()) {
            return Ok(());
        }
        let has_room = self.runners.len() <= MOST_PARKED;
        let begun: Vec<u32> = self.runners.iter().map(|r| r.number).collect();
        let next = |e: &&mut Entry| e.state == ExportState::Waiting && (has_room || begun.contains(&e.number));
        let Some(entry) = self.entries.iter_mut().find(next) else { return Ok(()) };
        if let Some(parked) = self.runners.iter().find(|r| r.number == entry.number) {
            parked.held.store(false, Ordering::Relaxed);
            entry.state = ExportState::Running;
            return Ok(());
        }
        let Some(mut job) = entry.job.as_ref().and_then(Work::again) else { return Ok(()) };
        let (number, cancel, held) = (entry.number, CancelToken::default(), Arc::new(AtomicBool::new(false)));
        job.output().cancel = cancel.clone();
        let (token, hold, yields, news) = (cancel.clone(), Arc::clone(&held), Arc::clone(&self.yields), self.news.clone());
        let board = Arc::clone(&self.board);
        let work = move || write(number, job, &token, &[hold, yields], &news, &board);
        let thread = thread::Builder::new().name("export".to_owned()).spawn(work).map_err(|e| format!("the export's thread: {e}"))?;
        (entry.state, entry.progress) = (ExportState::Running, 0.0);
        self.runners.push(Running { number, cancel, held, thread: Some(thread) });
        Ok(())
    }

    /// Does what was ordered for the export of that number.
    pub fn edit(&mut self, order: ExportOrder, number: u32) -> Result<(), String> {
        let known = || self.entries.iter().map(|e| e.number.to_string()).collect::<Vec<_>>().join(", ");
        let Some(entry) = self.entries.iter().position(|e| e.number == number).and_then(|at| self.entries.get(at)) else {
            return Err(format!("There is no export {number}; in the list are: {}", known()));
        };
        let (state, has_job) = (entry.state, entry.job.is_some());
        let running = self.runners.iter().find(|r| r.number == number);
        let next = match (order, state) {
            (ExportOrder::Hold, ExportState::Waiting | ExportState::Running) => {
                if let Some(running) = running {
                    running.held.store(true, Ordering::Relaxed);
                }
                ExportState::Held
            }
            (ExportOrder::Resume, ExportState::Held | ExportState::Failed | ExportState::Cancelled) if has_job => ExportState::Waiting,
            (ExportOrder::Cancel, ExportState::Waiting | ExportState::Held | ExportState::Running) => {
                // Its thread says so when it has left nothing behind.
                if let Some(running) = running {
                    running.cancel.cancel();
                }
                ExportState::Cancelled
            }
            _ => return Err(format!("Export {number} is {}: it cannot {}", state.name(), order.name())),
        };
        if let Some(entry) = self.entries.iter_mut().find(|e| e.number == number) {
            entry.state = next;
        }
        self.go_on()
    }

    /// Takes note of what a thread reports; what the operator shall read.
    pub fn note(&mut self, news: ExportNews) -> Result<Option<String>, String> {
        match news {
            ExportNews::Progress(number, progress) => {
                if let Some(entry) = self.entries.iter_mut().find(|e| e.number == number) {
                    entry.progress = progress;
                }
                Ok(None)
            }
            ExportNews::Done { number, path, frames } => {
                if let Some(entry) = self.entries.iter_mut().find(|e| e.number == number) {
                    (entry.state, entry.progress, entry.job) = (ExportState::Done, 1.0, None);
                }
                self.end(number)?;
                Ok(Some(format!("Exported {frames} frames to {}", path.display())))
            }
            ExportNews::Failed { number, why, cancelled } => {
                if let Some(entry) = self.entries.iter_mut().find(|e| e.number == number && e.state != ExportState::Waiting) {
                    entry.state = if cancelled { ExportState::Cancelled } else { ExportState::Failed };
                }
                self.end(number)?;
                if cancelled {
                    Ok(Some(format!("Export {number} was cancelled")))
                } else {
                    Err(format!("The export was not written: {why}"))
                }
            }
            ExportNews::Rig(_) | ExportNews::Calibrated(_) => Ok(None),
        }
    }

    fn end(&mut self, number: u32) -> Result<(), String> {
        self.runners.retain(|r| r.number != number);
        self.go_on()
    }
}

impl ExportJob {
    /// The same job once more; `None` where its moments can be taken only once.
    pub(super) fn again(&self) -> Option<Self> {
        let moments = match &self.moments {
            Moments::One(moment) => Moments::One(moment.clone()),
            Moments::AsOnAir(rolling) => Moments::AsOnAir(rolling.clone()),
            Moments::Any(_) => return None,
        };
        Some(Self {
            rig: self.rig.clone(),
            moments,
            path: self.path.clone(),
            gaps: self.gaps.clone(),
            plates: self.plates.clone(),
            phases: self.phases.clone(),
            graphics: self.graphics.clone(),
            trims: self.trims.clone(),
            output: self.output.clone(),
            ..*self
        })
    }
}

/// Tries once more where memory has run out and some was let go.
fn with_room<T>(mut attempt: impl FnMut() -> Result<T, ExportError>, spare: impl FnOnce() -> bool) -> Result<T, ExportError> {
    match attempt() {
        Err(e) if e.is_out_of_memory() && spare() => {
            tracing::info!("an export had no GPU memory left; it is tried once more with what was let go");
            attempt()
        }
        result => result,
    }
}

/// The work of an export's thread.
fn write(number: u32, job: Work, cancel: &CancelToken, waits: &[Arc<AtomicBool>], news: &Sender<ExportNews>, board: &Board) {
    let meter = EnergyMeter::default();
    let attempt = |job: Work| {
        let mut tell = |p: ExportProgress| {
            // Progress is "latest": when nobody has read the last one, this one may be lost.
            news.try_send(ExportNews::Progress(number, overall(p))).ok();
            let mut looks = 0_u32;
            while waits.iter().any(|w| w.load(Ordering::Relaxed)) && !cancel.is_cancelled() {
                thread::sleep(LOOK_EVERY);
                looks += 1;
                if looks.is_multiple_of(1000) {
                    meter.look();
                }
            }
        };
        match job {
            Work::Moments(job) => {
                let gpu = Gpu::open(&GpuOptions::default()).map_err(ViewError::from)?;
                export::run_metered(*job, &gpu, &mut tell, cancel, &meter)
            }
            Work::Clip(clip) => clip.run(&mut tell, cancel, &meter),
        }
    };
    let again = job.again();
    let mut jobs = std::iter::once(job).chain(again);
    let tried = with_room(
        || jobs.next().map_or(Err(ExportError::Scene(SceneError::Cancelled)), &attempt),
        || !cancel.is_cancelled() && board.spare_near(SPARE_WITHIN),
    );
    let result = tried.map_err(|e| e.to_string());
    let cancelled = cancel.is_cancelled();
    let last = match result {
        Ok(report) => ExportNews::Done { number, path: report.output.path, frames: report.output.frames },
        Err(why) => ExportNews::Failed { number, why, cancelled },
    };
    // After a cancel the engine may have ended; then nobody wants to know, and nobody reads.
    if cancelled {
        news.send_timeout(last, Duration::from_millis(500)).ok();
    } else {
        news.send(last).ok();
    }
}

/// One bar for all stages: solving is the first third; what is solved later on stops the bar where it is.
fn overall(p: ExportProgress) -> f32 {
    match p.stage {
        ExportStage::Solving if p.frames_done > 0 => 0.33 + p.frames_done as f32 / p.frames.max(1) as f32 * 0.6,
        ExportStage::Solving => p.share * 0.33,
        ExportStage::Rendering => 0.33 + p.share * 0.6,
        ExportStage::Finishing => 0.93 + p.share * 0.07,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_export_that_is_held_takes_nothing_of_the_machine() {
        let (news, _inbox) = crossbeam::channel::bounded(1);
        let mut list = ExportList::new((NameTemplate::default(), None), news, Arc::default());
        assert!(!list.is_working());
        let (cancel, held) = (CancelToken::default(), Arc::new(AtomicBool::new(false)));
        list.runners.push(Running { number: 1, cancel: cancel.clone(), held: Arc::clone(&held), thread: None });
        assert!(list.is_working());
        held.store(true, Ordering::Relaxed);
        assert!(!list.is_working());
        // It clears its place.
        cancel.cancel();
        assert!(list.is_working());
    }
    #[test]
    fn an_export_without_memory_is_tried_once_more_when_some_was_let_go() {
        let shortage =
            || ExportError::Scene(crate::gpu::GpuError::OutOfMemory { what: "a test".to_owned(), problem: String::new() }.into());
        let run = |fails: usize, has: bool| {
            let (mut tried, mut asked) = (0, 0);
            let attempt = || {
                tried += 1;
                if tried <= fails { Err(shortage()) } else { Ok(()) }
            };
            let result = with_room(attempt, || {
                asked += 1;
                has
            });
            (result.is_ok(), tried, asked)
        };
        assert_eq!(run(0, true), (true, 1, 0), "what fits asks nobody");
        assert_eq!(run(1, true), (true, 2, 1));
        assert_eq!(run(1, false), (false, 1, 1), "nothing was let go: it would fail again");
        assert_eq!(run(2, true), (false, 2, 1), "once");
        assert!(!ExportError::Graphics(String::new()).is_out_of_memory());
    }
}
