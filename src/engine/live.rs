//! The live engine: the one owner of state. Commands and reports come in, one immutable snapshot goes out.
//!
//! Threads: `engine` (single writer of everything below), `gpu` (the only one that touches pipelines), `moment` (decoding),
//! `strip` (decoding what rolls), `watch` (whether cameras stand), and the output's own (`program`, `encode …`, `sink …`).
//! The engine waits for nobody: the board and the moment wish are `latest` slots, the reports are bounded `lossless` queues that
//! only the engine reads, commands are a bounded `lossless` queue that tells the sender when it is full.

use std::{path::PathBuf, sync::Arc, thread, time::Duration};

use arc_swap::ArcSwap;
use crossbeam::channel::{Receiver, Sender, bounded};

#[cfg(feature = "gstreamer")]
use super::program::ProgramPictures;
use super::{
    Command, DeskFiles, Quality, Snapshot,
    board::Board,
    director::Director,
    export_thread::ExportNews,
    feeds::Feeds,
    gpu_thread,
    gpu_thread::GpuReport,
    moment_thread,
    moment_thread::MomentReport,
    program::{OutputFeeds, OutputSlot},
    retime::RetimePolicy,
    rig_book::RigBook,
    strip,
    strip::ChunkReport,
    watch_thread,
    watch_thread::{WatchDesk, WatchReport},
};
use crate::output::program::ChannelError;
#[cfg(feature = "gstreamer")]
use crate::output::program::{ChannelOptions, FrameTaker, ProgramOutput, SinkSpec};

const COMMANDS_LOSSLESS: usize = 256;
const REPORTS_LOSSLESS: usize = 64;
/// Chunks hold many pictures.
const CHUNKS_LOSSLESS: usize = 4;

/// Why the engine does not start.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A thread could not be started.
    #[error("the engine's thread {name:?} cannot be started: {source}. Close other programs or raise the limit of processes")]
    Thread {
        /// Name of the thread.
        name: String,
        /// The system's word.
        source: std::io::Error,
    },
    /// The output does not start.
    #[error(transparent)]
    Output(#[from] ChannelError),
    /// The rig has no cameras.
    #[error("the rig has no cameras. Give a rig file with at least one camera")]
    NoCameras,
}

/// What can break on a GPU, for rehearsals ([`Engine::rehearse`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GpuFault {
    /// The device is destroyed, as by a driver that resets or a time-out.
    DeviceLost,
    /// At the next solve the driver is asked for more memory than there is.
    OutOfMemory,
}

/// How the engine runs.
#[derive(Debug, Clone, Default)]
pub struct EngineOptions {
    /// Quality level; `None` is automatic: the best one that is in time.
    pub quality: Option<Quality>,
    /// Work without a GPU: orbits step through the real cameras.
    pub without_gpu: bool,
    /// Where [`Command::Export`] writes; `None` is the current folder.
    pub export_folder: Option<PathBuf>,
    /// Whether moments are interpolated to their very instant where cameras are not in time.
    pub retime: RetimePolicy,
    /// Where the playlist, own templates and paths are kept.
    pub desk: DeskFiles,
    /// Do not watch whether the cameras stand where the rig says.
    pub without_watch: bool,
}

/// Owns the threads; ends them when dropped.
#[derive(Debug)]
pub struct Engine {
    commands: Sender<Command>,
    snapshot: Arc<ArcSwap<Snapshot>>,
    board: Arc<Board>,
    moments: Arc<moment_thread::MomentWish>,
    strip: Arc<strip::StripWish>,
    watch: Arc<WatchDesk>,
    stop: Sender<()>,
    threads: Vec<thread::JoinHandle<()>>,
    output: Arc<OutputSlot>,
    #[cfg_attr(not(feature = "gstreamer"), expect(dead_code, reason = "only an output reads them"))]
    feeds: OutputFeeds,
}

/// What the engine thread listens to.
pub(super) struct Inbox {
    pub commands: Receiver<Command>,
    pub gpu: Receiver<GpuReport>,
    pub moments: Receiver<MomentReport>,
    pub chunks: Receiver<ChunkReport>,
    pub watch: Receiver<WatchReport>,
    pub exports: Receiver<ExportNews>,
    pub stop: Receiver<()>,
}

impl Engine {
    /// Starts the threads on live feeds.
    pub fn start(feeds: Arc<dyn Feeds>, options: &EngineOptions) -> Result<Self, EngineError> {
        if feeds.rig().cameras.is_empty() {
            return Err(EngineError::NoCameras);
        }
        let (commands, commands_in) = bounded(COMMANDS_LOSSLESS);
        let (gpu_out, gpu_in) = bounded(REPORTS_LOSSLESS);
        let (moments_out, moments_in) = bounded(REPORTS_LOSSLESS);
        let (stop, stop_in) = bounded(1);
        let board = Arc::new(Board::default());
        let moments = Arc::new(moment_thread::MomentWish::default());
        let strip = Arc::new(strip::StripWish::default());
        let mut engine = Self {
            commands,
            snapshot: Arc::new(ArcSwap::from_pointee(Snapshot::empty())),
            board: Arc::clone(&board),
            moments: Arc::clone(&moments),
            strip: Arc::clone(&strip),
            watch: Arc::default(),
            stop,
            threads: Vec::new(),
            output: Arc::default(),
            feeds: OutputFeeds(Arc::clone(&feeds)),
        };

        let book = Arc::new(RigBook::new(feeds.rig().clone()));
        if !options.without_gpu {
            let (board, book, retime) = (Arc::clone(&board), Arc::clone(&book), options.retime);
            moments.want_others(retime != RetimePolicy::Off);
            engine.spawn("gpu", move || gpu_thread::run(&book, &board, retime, &gpu_out))?;
        }
        let (wish, decoding, rigs) = (Arc::clone(&moments), Arc::clone(&feeds), Arc::clone(&book));
        engine.spawn("moment", move || moment_thread::run(decoding.as_ref(), &rigs, &wish, &moments_out))?;
        let (watch_out, watch_in) = bounded(REPORTS_LOSSLESS);
        if !options.without_watch {
            let (desk, looking, rigs) = (Arc::clone(&engine.watch), Arc::clone(&feeds), Arc::clone(&book));
            engine.spawn("watch", move || watch_thread::run(looking.as_ref(), &rigs, &desk, &watch_out))?;
        }
        let (chunks_out, chunks_in) = bounded(CHUNKS_LOSSLESS);
        for (name, remote) in [("strip", false), ("strip remote", true)] {
            let (wish, decoding, chunks) = (Arc::clone(&strip), Arc::clone(&feeds), chunks_out.clone());
            engine.spawn(name, move || strip::run(decoding.as_ref(), &wish, remote, &chunks))?;
        }
        let (exports_out, exports_in) = bounded(REPORTS_LOSSLESS);
        let mut director = Director::new(feeds, book, board, (moments, strip), exports_out, options);
        director.output = Arc::clone(&engine.output);
        director.watch.desk = Arc::clone(&engine.watch);
        let snapshot = Arc::clone(&engine.snapshot);
        snapshot.store(Arc::new(director.snapshot()));
        let inbox = Inbox {
            commands: commands_in,
            gpu: gpu_in,
            moments: moments_in,
            chunks: chunks_in,
            watch: watch_in,
            exports: exports_in,
            stop: stop_in,
        };
        engine.spawn("engine", move || director.run(&inbox, &snapshot))?;
        Ok(engine)
    }

    fn spawn(&mut self, name: &str, body: impl FnOnce() + Send + 'static) -> Result<(), EngineError> {
        let handle = thread::Builder::new()
            .name(name.to_owned())
            .spawn(body)
            .map_err(|source| EngineError::Thread { name: name.to_owned(), source })?;
        self.threads.push(handle);
        Ok(())
    }

    /// Hands over a command; false when the engine is so far behind that it was not taken (say so to the operator).
    #[must_use]
    pub fn send(&self, command: Command) -> bool {
        self.commands.try_send(command).is_ok()
    }

    /// The state now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// Starts the program output with its sinks; one that ran before ends. Nothing is waited for: sinks open on threads of their own,
    /// and [`Snapshot::output`] says how they fare.
    #[cfg(feature = "gstreamer")]
    pub fn start_output(&self, options: &ChannelOptions, sinks: Vec<SinkSpec>) -> Result<(), EngineError> {
        self.output.set(None);
        let pictures = ProgramPictures::new(Arc::clone(&self.feeds.0), Arc::clone(&self.snapshot));
        let output = ProgramOutput::start(options, pictures)?;
        for sink in sinks {
            output.add(sink)?;
        }
        self.output.set(Some(output));
        Ok(())
    }

    /// Hands every frame of the running output to somebody in this program; false when there is no output.
    #[cfg(feature = "gstreamer")]
    pub fn watch_output(&self, taker: impl FrameTaker) -> bool {
        self.output.watch(taker)
    }

    /// Lets something break on the GPU, to see that the show goes on.
    pub fn rehearse(&self, fault: GpuFault) {
        self.board.post_fault_latest(fault);
    }

    /// Waits until the state satisfies `wanted` and returns it; `None` after `timeout`. For scripts, examples and tests.
    pub fn wait_for(&self, timeout: Duration, mut wanted: impl FnMut(&Snapshot) -> bool) -> Option<Arc<Snapshot>> {
        let until = std::time::Instant::now() + timeout;
        loop {
            let snapshot = self.snapshot();
            if wanted(&snapshot) {
                return Some(snapshot);
            }
            if std::time::Instant::now() >= until {
                return None;
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // What goes out ends before what it shows.
        #[cfg(feature = "gstreamer")]
        self.output.set(None);
        self.stop.try_send(()).ok();
        self.board.stop();
        self.moments.stop();
        self.strip.stop();
        self.watch.stop();
        for handle in self.threads.drain(..) {
            if let Err(panic) = handle.join() {
                tracing::error!(?panic, "an engine thread ended by panic");
            }
        }
    }
}
