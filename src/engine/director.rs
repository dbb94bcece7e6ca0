//! The single writer of the engine's state: turns commands, reports and the passing of time into transport commands, wishes for
//! the other threads, and snapshots.

mod calibration;
mod channel;
mod desk;
mod effects;
mod exports;
mod fitted;
mod free;
mod graphics;
mod health;
mod levels;
mod lists;
mod log;
mod looks;
mod matching;
mod mend;
mod near;
mod new_rig;
mod operators;
mod orders;
mod outputs;
mod paths;
mod pictures;
mod pivot;
mod plates;
pub(super) use pictures::FULL_SIZE_WITHIN;
mod reports;
mod rolls;
mod second;
mod slices;
mod slow_motion;
mod t_bar;
mod tiers;
mod transitions;
mod truth;
mod watch;

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use crossbeam::{channel::Sender, select};

use super::{
    Command, EngineOptions, FeedHealth, FeedStatus, Feeds, GpuView, Notice, NoticeLevel, ShownPicture, Snapshot,
    board::Board,
    export_thread::{ExportList, ExportNews},
    level::{Governor, program_size_px},
    live::Inbox,
    moment_thread::MomentWish,
    orbit,
    playing::Playing,
    program::OutputSlot,
    rig_book::RigBook,
    snapshot::slate,
    stingers::Stingers,
    strip::{Strip, StripWish},
};
use crate::{
    frame::{Moment, Picture},
    output::program::Keyed,
    replay::{
        EventId, Program, Readiness, Transport, TransportCommand,
        operators::{Operators, Origin},
        path::Path,
        playlist::{Player, Template},
    },
    rig,
    telemetry::PowerMeter,
    time::MediaTime,
};

use channel::{PreviewState, ProgramState};

/// Moments kept decoded: the one on air, the one in preview, and some to go back to.
const MOMENTS: usize = 4;
/// Notices kept.
const NOTICES: usize = 50;
/// Snapshots and replay pictures are made at most this often.
const MAX_TICKS_PER_SEC: f64 = 60.0;
/// Health of the feeds is looked at this often.
const HEALTH_EVERY: Duration = Duration::from_millis(100);
/// Depth of an export where the main processor solves, px: its own size would take an hour.
const SLOW_DEPTH_SIZE_PX: u32 = 960;
/// A live picture older than this many frame intervals counts as repeated.
const UNDERRUN_INTERVALS: f64 = 2.5;

/// The owner of the state.
pub(super) struct Director {
    pub feeds: Arc<dyn Feeds>,
    pub arc: Option<rig::Arc>,
    pub transport: Transport,
    pub governor: Governor,
    pub chosen_move: usize,
    pub preview: PreviewState,
    pub program: ProgramState,
    pub gpu: GpuView,
    pub status: Vec<FeedStatus>,
    pub notices: Vec<Notice>,
    pub published: u64,
    pub exports_of: ExportList,
    /// Asked for before their frames were there.
    exports_waiting: Vec<exports::Waiting>,
    pub power: PowerMeter,
    pub truth: truth::TruthState,
    pub watch: watch::WatchState,
    pub matching: matching::MatchState,
    pub plates: plates::PlateState,
    pub fit: fitted::FitState,
    pub near: near::NearState,
    pub calibration: calibration::CalibrationState,
    pub output: Arc<OutputSlot>,
    /// Program B, where the show has one.
    pub second: Option<Box<second::SecondState>>,
    export_folder: PathBuf,
    exports: Sender<ExportNews>,
    board: Arc<Board>,
    moment_wish: Arc<MomentWish>,
    strip_wish: Arc<StripWish>,
    strip: Strip,
    prefetch: Option<rolls::Prefetch>,
    /// A playlist that waits for its first picture, and one that takes program now.
    cueing: Option<lists::Cueing>,
    starting: Option<(Playing, Player)>,
    templates: Vec<Template>,
    desk: desk::Desk,
    drawn: paths::Drawn,
    picking: pivot::Picking,
    pub graphics: graphics::GraphicsState,
    pub free: free::FreeState,
    pub slices: slices::SliceState,
    pub slow: slow_motion::SlowMotion,
    pub stingers: Stingers,
    pub chosen_template: usize,
    /// Speed of the next roll, percent.
    pub speed_percent: i32,
    moments: Vec<Arc<Moment>>,
    /// The adapter is a processor.
    solves_slowly: bool,
    makes_room: bool,
    delivering: usize,
    next_serial: u64,
    /// The number of the newest solve that was wanted.
    solving: u64,
    next_notice: u64,
    health_due: Instant,
    /// Warnings of recording that were told.
    told: Vec<String>,
    operators: Operators,
    begun: Instant,
}

impl Director {
    pub fn new(
        feeds: Arc<dyn Feeds>,
        book: Arc<RigBook>,
        board: Arc<Board>,
        (moment_wish, strip_wish): (Arc<MomentWish>, Arc<StripWish>),
        exports: Sender<ExportNews>,
        options: &EngineOptions,
    ) -> Self {
        let names: Vec<String> = feeds.rig().cameras.iter().map(|c| c.name.clone()).collect();
        let fitted = rig::Arc::fit(feeds.rig());
        // Of cameras that are still to be calibrated nobody expects one.
        let problem = fitted.as_ref().err().filter(|_| book.is_calibrated()).map(ToString::to_string);
        let arc = fitted.ok();
        let order: Vec<usize> = arc.as_ref().map_or_else(|| (0..names.len()).collect(), |a| a.order.clone());
        let closed = arc.as_ref().is_some_and(|a| a.closed);
        let transport = Transport::new(names, &order, closed);
        let sizes_px: Vec<(u32, u32)> = feeds.rig().cameras.iter().map(|c| (c.width_px, c.height_px)).collect();
        let governor = Governor::new(options.quality, &sizes_px, feeds.rate().fps());
        let (width_px, height_px) = program_size_px(governor.level());
        let degrees: Vec<f64> =
            arc.as_ref().map_or_else(Vec::new, |a| (0..a.gap_count()).map(|k| a.gap_rad(feeds.rig(), k).to_degrees()).collect());
        let mut director = Self {
            truth: truth::TruthState::new(&degrees),
            watch: watch::WatchState::new(book),
            matching: matching::MatchState::new(options.matching),
            plates: plates::PlateState::new(!options.without_plates),
            fit: fitted::FitState::new(!options.rig_as_filed),
            near: near::NearState::new(options.near_bytes),
            calibration: calibration::CalibrationState::new(options.rig_file.clone()),
            output: Arc::default(),
            second: None,
            arc,
            transport,
            governor,
            chosen_move: 0,
            preview: PreviewState::default(),
            program: ProgramState::new(slate(width_px, height_px), options.matching),
            gpu: GpuView::default(),
            status: feeds.status(),
            notices: Vec::new(),
            published: 0,
            exports_of: ExportList::new(
                (options.export_name.clone().unwrap_or_default(), options.credentials.clone()),
                exports.clone(),
                Arc::clone(&board),
            ),
            exports_waiting: Vec::new(),
            power: PowerMeter::default(),
            export_folder: options.export_folder.clone().unwrap_or_default(),
            exports,
            board,
            moment_wish,
            strip_wish,
            strip: Strip::new(feeds.rate()),
            prefetch: None,
            cueing: None,
            starting: None,
            templates: lists::templates(),
            desk: desk::Desk::new(options.desk.clone()),
            drawn: paths::Drawn::default(),
            picking: pivot::Picking::default(),
            graphics: graphics::GraphicsState::new(options.clean_feed),
            free: free::FreeState::default(),
            slices: slices::SliceState::default(),
            slow: slow_motion::SlowMotion::new(options.interpolate),
            stingers: Stingers::start(&options.stingers, feeds.rate()),
            chosen_template: 0,
            speed_percent: 50,
            moments: Vec::new(),
            solves_slowly: false,
            makes_room: false,
            delivering: 0,
            next_serial: 1,
            solving: 0,
            next_notice: 0,
            health_due: Instant::now(),
            told: Vec::new(),
            operators: Operators::default(),
            begun: Instant::now(),
            feeds,
        };
        if let Some(problem) = problem {
            director.warn(format!("No orbit between the cameras: {problem}"));
        }
        if options.without_gpu {
            director.gpu.problem = Some("switched off: orbits step through the real cameras".to_owned());
        }
        director.feeds.focus(director.transport.live_camera());
        director.feeds.set_near_budget(director.near.budget_bytes());
        director.restore_events();
        director.restore_desk();
        director
    }

    /// There is a program B from now on.
    pub fn open_second(&mut self, wish: Arc<StripWish>, output: Arc<OutputSlot>) {
        self.transport.open_second();
        self.second = Some(second::SecondState::new(self.program.shown.clone(), self.feeds.rate(), wish, output));
        self.feeds.focus_second(self.transport.second().map(|second| second.live_camera));
    }

    /// Runs until told to stop.
    pub fn run(&mut self, inbox: &super::live::Inbox, snapshot: &ArcSwap<Snapshot>) {
        let mut interval = self.tick_interval();
        let mut due = Instant::now() + interval;
        let Inbox { commands, looks, gpu, moments, chunks, second_chunks, watch, exports, stop } = inbox;
        // A channel whose other end is gone is always ready: it must not be selected again.
        let never_gpu = crossbeam::channel::never();
        let mut gpu = gpu;
        let never_watch = crossbeam::channel::never();
        let mut watch = watch;
        loop {
            select! {
                recv(stop) -> _ => return,
                recv(commands) -> command => match command {
                    Ok(asked) => self.asked(asked),
                    Err(_) => return,
                },
                recv(looks) -> ask => if let Ok(ask) = ask { self.look(ask) },
                recv(gpu) -> report => if let Ok(report) = report { self.gpu_report(report) } else {
                    gpu = &never_gpu;
                    if self.gpu.problem.is_none() {
                        self.gpu.problem = Some("the GPU thread has ended; restart Volte".to_owned());
                        self.apply(TransportCommand::ProgramFault("the GPU thread has ended. Restart Volte when you can".to_owned()));
                    }
                },
                recv(moments) -> report => match report {
                    Ok(news) => self.moment_news(news),
                    Err(_) => return,
                },
                recv(chunks) -> report => match report {
                    Ok(report) => self.chunk_report(report),
                    Err(_) => return,
                },
                recv(second_chunks) -> report => match report {
                    Ok(report) => self.second_chunk(report),
                    Err(_) => return,
                },
                recv(watch) -> report => if let Ok((edition, report)) = report { self.watch_report(edition, report) } else {
                    // It is switched off, or could not start.
                    self.watch.has_ended();
                    watch = &never_watch;
                },
                recv(exports) -> news => match news {
                    Ok(news) => self.export_news(news),
                    Err(_) => return,
                },
                default(due.saturating_duration_since(Instant::now())) => {
                    self.tick();
                    // An output that is faster than the cameras may have started or ended, or slow motion was chosen.
                    interval = self.tick_interval();
                    due += interval;
                    // After a pause (a debugger, a suspended machine) the lost ticks are not made up for.
                    let now = Instant::now();
                    if due < now {
                        due = now + interval;
                    }
                    snapshot.store(Arc::new(self.snapshot()));
                    continue;
                }
            }
            // Commands and reports that wait already are taken in one go, then shown at once.
            if commands.is_empty() && gpu.is_empty() && moments.is_empty() {
                self.refresh_preview();
                snapshot.store(Arc::new(self.snapshot()));
            }
            if Instant::now() >= due {
                self.tick();
                due = Instant::now() + interval;
                snapshot.store(Arc::new(self.snapshot()));
            }
        }
    }

    fn next_serial(&mut self) -> u64 {
        self.next_serial += 1;
        self.next_serial
    }

    pub fn warn(&mut self, text: String) {
        self.notice(NoticeLevel::Warning, text);
    }

    fn notice(&mut self, level: NoticeLevel, text: String) {
        tracing::info!(?level, text, "notice");
        self.next_notice += 1;
        let at = self.feeds.now();
        // The same line again is the same notice, seen anew.
        self.notices.retain(|n| n.text != text);
        self.notices.push(Notice { id: self.next_notice, at, level, text });
        if self.notices.len() > NOTICES {
            self.notices.remove(0);
        }
    }

    fn newest(&self) -> Option<MediaTime> {
        let alive = |(i, s): (usize, &FeedStatus)| self.transport.is_alive(i).then_some(s.newest).flatten();
        self.feeds.ring().newest.or_else(|| self.status.iter().enumerate().filter_map(alive).min())
    }

    fn command(&mut self, command: Command, origin: &Origin) {
        let before = log::Standing::of(self);
        let told = command.clone();
        self.obey(command);
        self.keep_desk();
        log::tell(&told, origin, &before, &log::Standing::of(self));
    }

    /// Where the orbit bar stands.
    pub fn position(&self) -> f64 {
        self.transport.position()
    }

    pub fn moment(&self, instant: MediaTime) -> Option<Arc<Moment>> {
        self.moments.iter().find(|m| m.instant == instant).cloned()
    }

    /// The frames of the instant in preview, where they are in hand.
    fn prepared_moment(&self) -> Option<Arc<Moment>> {
        self.moment(self.transport.preview()?.instant)
    }

    /// Sorts cameras (places on the arc) by how near they stand to the handle, and gives their indices in the rig.
    fn nearest_first(&self, mut places: Vec<usize>) -> Vec<usize> {
        let (closed, position, order) = (self.closed(), self.position(), self.transport.arc_order());
        let distance = |k: usize| {
            let straight = (k as f64 - position).abs();
            if closed { straight.min(order.len() as f64 - straight) } else { straight }
        };
        places.sort_by(|&a, &b| distance(a).total_cmp(&distance(b)));
        places.into_iter().map(|k| order[k]).collect()
    }

    fn move_name(&self) -> &str {
        match self.choice() {
            Some(paths::Choice::Program(m)) => m.name,
            Some(paths::Choice::Own(path)) => &path.name,
            None => "none",
        }
    }

    /// The path of the chosen move from a position.
    fn chosen_path(&self, instant: MediaTime, from: f64, event: Option<EventId>) -> Option<Path> {
        let range = self.prepared_range(instant, event);
        let event = event.and_then(|id| self.transport.events().get(id));
        Some(self.freed(self.path_of(&self.choice()?, from, instant, event, &range)))
    }

    /// Whether the arc is a ring.
    pub fn closed(&self) -> bool {
        self.arc.as_ref().is_some_and(|a| a.closed)
    }

    /// The instant that is on air, if a replay is.
    pub fn on_air_instant(&self) -> Option<MediaTime> {
        match self.transport.program() {
            Program::Replay(on_air) => Some(on_air.instant),
            Program::Live { .. } | Program::Hold => None,
        }
    }

    /// Shows a picture, and says what of it is a replay's.
    fn show_program(&mut self, picture: Arc<Picture>, keyed: Option<Keyed>) {
        let serial = self.next_serial();
        self.program.keyed = keyed.map(|keyed| Keyed { graphics: self.graphics_alone((picture.width(), picture.height())), ..keyed });
        self.program.shown = ShownPicture { picture, serial };
        self.program.shown_shot = self.program.shot;
        self.program.changed = Instant::now();
    }

    fn tick(&mut self) {
        if Instant::now() >= self.health_due {
            self.health_due = Instant::now() + HEALTH_EVERY;
            self.judge_level();
            self.look_around();
            self.fit_rig();
            self.tell_recording();
            self.tell_desk();
            self.tell_stingers();
            self.let_locks_go();
            self.status = self.feeds.status();
            self.transport.oldest = self.oldest();
            for camera in 0..self.status.len() {
                let alive = match self.status[camera].health {
                    FeedHealth::Waiting => continue,
                    FeedHealth::Good | FeedHealth::Degraded => true,
                    FeedHealth::Lost => false,
                };
                let was_away = !self.transport.is_alive(camera);
                self.apply(TransportCommand::CameraAlive { camera, alive });
                if alive && was_away {
                    let name = self.feeds.rig().cameras[camera].name.clone();
                    self.notice(NoticeLevel::Info, format!("{name} is back"));
                }
            }
        }
        self.tell_delivering();
        self.take_pictures();
        self.keep_within();
        self.make_room();
        self.program.frames += 1;
        self.advance_program();
        self.want_frames();
        self.want_betweens();
        self.start_cued();
        self.advance_slices();
        self.mend_air();
        self.advance_exports();
        self.refresh_program();
        self.tick_second();
        self.refresh_preview();
    }

    /// Lets the feeds put off what has time while somebody waits for a picture.
    fn make_room(&mut self) {
        let preparing = self.transport.preview().is_some_and(|p| p.readiness < Readiness::Solved && p.problem.is_none());
        let playing = matches!(self.transport.program(), Program::Replay(_)) && self.program.progress < 1.0;
        self.exports_of.yield_to_program(playing || self.second.as_ref().is_some_and(|b| b.runs()));
        let second = self.second.as_ref().is_some_and(|b| b.runs());
        let wanted = self.exports_of.is_working() || playing || second || preparing && !self.gpu.adapter.is_empty();
        if wanted != self.makes_room {
            self.makes_room = wanted;
            self.feeds.make_room(wanted);
            self.watch.desk.make_room(wanted);
            self.calibration.make_room(wanted);
        }
    }
}
