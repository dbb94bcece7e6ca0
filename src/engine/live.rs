//! The live engine: the one owner of state. Commands and reports come in, one immutable snapshot goes out.
//!
//! Threads: `engine` (single writer of everything below), `gpu` (the only one that touches pipelines), `moment` (decoding), `near` (decoding about the playhead),
//! `strip` (decoding what rolls; `strip B` for program B), `watch` (whether cameras stand), and the output's own (`program`, `encode …`, `sink …`).
//! The engine waits for nobody: the board and the moment wish are `latest` slots, the reports are bounded `lossless` queues that
//! only the engine reads, commands are a bounded `lossless` queue that tells the sender when it is full.

use std::{path::PathBuf, sync::Arc, thread, time::Duration};

use arc_swap::ArcSwap;
use crossbeam::channel::{Receiver, Sender, bounded};

#[cfg(feature = "gstreamer")]
use super::program::{Channel, ProgramPictures};
use super::{
    Command, ConsoleLook, DeskFiles, Match, Quality, Snapshot, StingerSource,
    board::Board,
    director::Director,
    export_thread::ExportNews,
    feeds::Feeds,
    gpu_thread,
    gpu_thread::GpuReport,
    moment_thread,
    moment_thread::MomentNews,
    naming::NameTemplate,
    program::{OutputFeeds, OutputSlot},
    retime::RetimePolicy,
    rig_book::RigBook,
    strip,
    strip::ChunkReport,
    watch_thread,
    watch_thread::{WatchDesk, WatchNews},
};
#[cfg(feature = "gstreamer")]
use crate::output::program::{ChannelOptions, FrameTaker, ProgramOutput, SinkSpec};
use crate::{
    frame::Picture,
    output::{Credentials, program::ChannelError},
    replay::operators::{Holder, LockChannel, Origin},
};

const COMMANDS_LOSSLESS: usize = 256;
/// Looks of others that wait; more are refused.
const LOOKS_DROP_NEWEST: usize = 4;
const REPORTS_LOSSLESS: usize = 64;
/// Whoever wants to know whether a command was obeyed waits so long for the engine's word.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
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
#[expect(clippy::struct_excessive_bools, reason = "switches that have nothing to do with each other")]
#[derive(Debug, Clone, Default)]
pub struct EngineOptions {
    /// Quality level; `None` is automatic: the best one that is in time.
    pub quality: Option<Quality>,
    /// Work without a GPU: orbits step through the real cameras.
    pub without_gpu: bool,
    /// Where [`Command::Export`] writes; `None` is the current folder.
    pub export_folder: Option<PathBuf>,
    /// What its files are called; `None` is `volte_{event}`.
    pub export_name: Option<NameTemplate>,
    /// What they are signed with.
    pub credentials: Option<Credentials>,
    /// Whether moments are interpolated to their very instant where cameras are not in time.
    pub retime: RetimePolicy,
    /// Where the playlist, own templates and paths are kept.
    pub desk: DeskFiles,
    /// What becomes of differences in exposure and white between the cameras.
    pub matching: Match,
    /// Slow motion makes pictures between the cameras' frames.
    pub interpolate: bool,
    /// No graphics on program and in exports.
    pub clean_feed: bool,
    /// Films with alpha that takes and playlists may change behind, by their numbers from 1.
    pub stingers: Vec<StingerSource>,
    /// Do not learn what does not move: every moment is solved alone.
    pub without_plates: bool,
    /// The show's rig file: a calibration is written there where it does not exist yet, else beside it under a name of its own.
    pub rig_file: Option<PathBuf>,
    /// Bytes of decoded pictures about the playhead, and as many again on the GPU; `None`: 1 GiB each, on a GPU that is one.
    pub near_bytes: Option<u64>,
    /// Leave the rig as its file says, also where the pictures know better.
    pub rig_as_filed: bool,
    /// A second program, B: live cameras and rolls of their own pictures, beside program A.
    pub second_channel: bool,
    /// Do not watch whether the cameras stand where the rig says.
    pub without_watch: bool,
}

/// Owns the threads; ends them when dropped.
#[derive(Debug)]
pub struct Engine {
    commands: Sender<Asked>,
    looks: Sender<LookAsk>,
    snapshot: Arc<ArcSwap<Snapshot>>,
    board: Arc<Board>,
    moments: Arc<moment_thread::MomentWish>,
    strip: Arc<strip::StripWish>,
    watch: Arc<WatchDesk>,
    stop: Sender<()>,
    threads: Vec<thread::JoinHandle<()>>,
    /// How the console was left by the session before.
    look: ConsoleLook,
    output: Arc<OutputSlot>,
    second_strip: Arc<strip::StripWish>,
    second_output: Arc<OutputSlot>,
    #[cfg_attr(not(feature = "gstreamer"), expect(dead_code, reason = "only an output reads them"))]
    feeds: OutputFeeds,
}

/// The way to a running engine for those who live as long as they like; when the engine has ended, nothing is taken any more.
#[derive(Debug, Clone)]
pub struct EngineHandle {
    commands: Sender<Asked>,
    looks: Sender<LookAsk>,
    snapshot: Arc<ArcSwap<Snapshot>>,
}

/// What comes from operators.
#[derive(Debug)]
pub(super) enum Asked {
    /// A wish, whose it is, and who wants to know whether it was obeyed.
    Command(Origin, Command, Option<Sender<Result<(), LockedOut>>>),
    /// This operator is there and wants nothing.
    Heard(Origin),
    /// How the console is arranged now, to be kept.
    Look(ConsoleLook),
}

/// Why a command of one operator was not obeyed: another has locked what it changes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct LockedOut {
    /// In words, with the remedy.
    pub why: String,
    /// What is locked, and by whom, where it is that.
    pub held: Option<(LockChannel, Holder)>,
}

/// Why [`EngineHandle::ask`] has no good word.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotDone {
    /// It is locked.
    #[error(transparent)]
    Locked(#[from] LockedOut),
    /// It was not taken.
    #[error("the engine is behind and did not take the command. Send it again")]
    Behind,
    /// Nobody knows.
    #[error("the engine took the command and has not said whether it was obeyed. Look at the state before you send it again")]
    Unanswered,
}

/// Somebody else wants to look along the arc at the prepared instant, without moving preview.
#[derive(Debug)]
pub(super) struct LookAsk {
    /// Along the arc, gaps.
    pub position: f64,
    pub width_px: u32,
    pub answer: Sender<Result<Arc<Picture>, String>>,
}

impl EngineHandle {
    /// As [`Engine::send`].
    #[must_use]
    pub fn send(&self, command: Command) -> bool {
        self.send_as(Origin::default(), command)
    }

    /// The same for somebody; what another has locked is refused with a notice.
    #[must_use]
    pub fn send_as(&self, origin: Origin, command: Command) -> bool {
        self.commands.try_send(Asked::Command(origin, command, None)).is_ok()
    }

    /// The same, and waits for the engine's word on whether it was obeyed.
    pub fn ask(&self, origin: Origin, command: Command) -> Result<(), NotDone> {
        let (answer, answered) = bounded(1);
        self.commands.try_send(Asked::Command(origin, command, Some(answer))).or(Err(NotDone::Behind))?;
        Ok(answered.recv_timeout(ANSWER_WITHIN).or(Err(NotDone::Unanswered))??)
    }

    /// Somebody is there, so that locks stay. When the engine is behind, the next word tells it.
    pub fn hear(&self, origin: Origin) {
        self.commands.try_send(Asked::Heard(origin)).ok();
    }

    /// As [`Engine::snapshot`].
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// A view of the prepared instant from a position along the arc, for somebody who looks on: preview and program stay as they are and
    /// come first. Waits for at most `within`; an error says why there is none.
    pub fn look(&self, position: f64, width_px: u32, within: Duration) -> Result<Arc<Picture>, String> {
        let (answer, answered) = bounded(1);
        let ask = LookAsk { position, width_px: width_px.clamp(16, 1920), answer };
        self.looks.try_send(ask).or(Err("others look already; ask again"))?;
        answered.recv_timeout(within).or(Err("the GPU is busy with preview and program; ask again"))?
    }
}

/// What the engine thread listens to.
pub(super) struct Inbox {
    pub commands: Receiver<Asked>,
    pub looks: Receiver<LookAsk>,
    pub gpu: Receiver<GpuReport>,
    pub moments: Receiver<MomentNews>,
    pub chunks: Receiver<ChunkReport>,
    pub second_chunks: Receiver<ChunkReport>,
    pub watch: Receiver<WatchNews>,
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
        let (looks, looks_in) = bounded(LOOKS_DROP_NEWEST);
        let mut engine = Self {
            commands,
            looks,
            snapshot: Arc::new(ArcSwap::from_pointee(Snapshot::empty())),
            board: Arc::clone(&board),
            moments: Arc::clone(&moments),
            strip: Arc::clone(&strip),
            watch: Arc::default(),
            stop,
            threads: Vec::new(),
            look: ConsoleLook::default(),
            output: Arc::default(),
            second_strip: Arc::default(),
            second_output: Arc::default(),
            feeds: OutputFeeds(Arc::clone(&feeds)),
        };

        let book = Arc::new(RigBook::new(feeds.rig().clone()));
        if !options.without_gpu {
            let (board, book, retime) = (Arc::clone(&board), Arc::clone(&book), options.retime);
            moments.want_others(retime != RetimePolicy::Off);
            engine.spawn("gpu", move || gpu_thread::run(&book, &board, retime, &gpu_out))?;
        }
        let (wish, decoding, rigs) = (Arc::clone(&moments), Arc::clone(&feeds), Arc::clone(&book));
        let near_out = moments_out.clone();
        engine.spawn("moment", move || moment_thread::run(decoding.as_ref(), &rigs, &wish, &moments_out))?;
        let (wish, decoding) = (Arc::clone(&moments), Arc::clone(&feeds));
        engine.spawn("near", move || moment_thread::run_ahead(decoding.as_ref(), &wish, &near_out))?;
        let (watch_out, watch_in) = bounded(REPORTS_LOSSLESS);
        if !options.without_watch {
            let (desk, looking, rigs) = (Arc::clone(&engine.watch), Arc::clone(&feeds), Arc::clone(&book));
            desk.learn_plates(!options.without_plates);
            engine.spawn("watch", move || watch_thread::run(looking.as_ref(), &rigs, &desk, &watch_out))?;
        }
        let chunks_in = engine.spawn_strip(&feeds, &strip, ["strip", "strip remote"])?;
        // Without a program B nothing ever comes.
        let mut second_chunks_in = crossbeam::channel::never();
        if options.second_channel {
            let wish = Arc::clone(&engine.second_strip);
            second_chunks_in = engine.spawn_strip(&feeds, &wish, ["strip B", "strip B remote"])?;
        }
        let (exports_out, exports_in) = bounded(REPORTS_LOSSLESS);
        let mut director = Director::new(feeds, book, board, (moments, strip), exports_out, options);
        engine.look = director.console_look();
        director.output = Arc::clone(&engine.output);
        director.watch.desk = Arc::clone(&engine.watch);
        if options.second_channel {
            director.open_second(Arc::clone(&engine.second_strip), Arc::clone(&engine.second_output));
        }
        let snapshot = Arc::clone(&engine.snapshot);
        snapshot.store(Arc::new(director.snapshot()));
        let inbox = Inbox {
            commands: commands_in,
            looks: looks_in,
            gpu: gpu_in,
            moments: moments_in,
            chunks: chunks_in,
            second_chunks: second_chunks_in,
            watch: watch_in,
            exports: exports_in,
            stop: stop_in,
        };
        engine.spawn("engine", move || director.run(&inbox, &snapshot))?;
        Ok(engine)
    }

    /// The threads that decode what rolls: for the cameras of this machine, and for those of others.
    fn spawn_strip(
        &mut self,
        feeds: &Arc<dyn Feeds>,
        wish: &Arc<strip::StripWish>,
        names: [&str; 2],
    ) -> Result<Receiver<ChunkReport>, EngineError> {
        let (chunks_out, chunks_in) = bounded(CHUNKS_LOSSLESS);
        for (name, remote) in names.into_iter().zip([false, true]) {
            let (wish, decoding, chunks) = (Arc::clone(wish), Arc::clone(feeds), chunks_out.clone());
            self.spawn(name, move || strip::run(decoding.as_ref(), &wish, remote, &chunks))?;
        }
        Ok(chunks_in)
    }

    fn spawn(&mut self, name: &str, body: impl FnOnce() + Send + 'static) -> Result<(), EngineError> {
        let handle = thread::Builder::new()
            .name(name.to_owned())
            .spawn(body)
            .map_err(|source| EngineError::Thread { name: name.to_owned(), source })?;
        self.threads.push(handle);
        Ok(())
    }

    /// The way here for threads of their own.
    pub fn handle(&self) -> EngineHandle {
        EngineHandle { commands: self.commands.clone(), looks: self.looks.clone(), snapshot: Arc::clone(&self.snapshot) }
    }

    /// Hands over a command; false when the engine is so far behind that it was not taken (say so to the operator).
    #[must_use]
    pub fn send(&self, command: Command) -> bool {
        self.send_as(Origin::default(), command)
    }

    /// The same for somebody; what another has locked is refused with a notice.
    #[must_use]
    pub fn send_as(&self, origin: Origin, command: Command) -> bool {
        self.commands.try_send(Asked::Command(origin, command, None)).is_ok()
    }

    /// How the console was left by the session before; nothing where none is kept ([`DeskFiles::folder`]).
    pub const fn console_look(&self) -> ConsoleLook {
        self.look
    }

    /// Keeps how the console is arranged now for the next session, in the desk's folder; false when the engine is so far behind that it was not
    /// taken.
    #[must_use]
    pub fn keep_console_look(&self, look: ConsoleLook) -> bool {
        self.commands.try_send(Asked::Look(look)).is_ok()
    }

    /// The state now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// Starts the program output with its sinks; one that ran before ends. Nothing is waited for: sinks open on threads of their own,
    /// and [`Snapshot::output`] says how they fare.
    #[cfg(feature = "gstreamer")]
    pub fn start_output(&self, options: &ChannelOptions, sinks: Vec<SinkSpec>) -> Result<(), EngineError> {
        self.start_channel(&self.output, Channel::A, options, sinks)
    }

    /// The same for program B, which has sinks of its own. An engine without B ([`EngineOptions::second_channel`]) sends its slate.
    #[cfg(feature = "gstreamer")]
    pub fn start_second_output(&self, options: &ChannelOptions, sinks: Vec<SinkSpec>) -> Result<(), EngineError> {
        self.start_channel(&self.second_output, Channel::B, options, sinks)
    }

    #[cfg(feature = "gstreamer")]
    fn start_channel(
        &self,
        slot: &OutputSlot,
        channel: Channel,
        options: &ChannelOptions,
        sinks: Vec<SinkSpec>,
    ) -> Result<(), EngineError> {
        let other = if channel == Channel::A { &self.second_output } else { &self.output };
        sinks.iter().try_for_each(|sink| other.check_beside(sink)).map_err(ChannelError::from)?;
        slot.set(None);
        let pictures = ProgramPictures::new(Arc::clone(&self.feeds.0), Arc::clone(&self.snapshot), channel);
        let output = ProgramOutput::start(options, pictures)?;
        for sink in sinks {
            output.add(sink)?;
        }
        slot.set(Some((output, options.format.rate)));
        Ok(())
    }

    /// Hands every frame of the running output to somebody in this program; false when there is no output.
    #[cfg(feature = "gstreamer")]
    pub fn watch_output(&self, taker: impl FrameTaker) -> bool {
        self.output.watch(taker)
    }

    /// The same of program B's output.
    #[cfg(feature = "gstreamer")]
    pub fn watch_second_output(&self, taker: impl FrameTaker) -> bool {
        self.second_output.watch(taker)
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
        for output in [&self.output, &self.second_output] {
            output.set(None);
        }
        self.stop.try_send(()).ok();
        self.board.stop();
        self.moments.stop();
        self.strip.stop();
        self.second_strip.stop();
        self.watch.stop();
        for handle in self.threads.drain(..) {
            if let Err(panic) = handle.join() {
                tracing::error!(?panic, "an engine thread ended by panic");
            }
        }
    }
}
