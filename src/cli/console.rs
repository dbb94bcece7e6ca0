//! `volte console`: the operator's console on cameras' footage as live feeds.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::{Context as _, bail};
use volte::{
    address::Secret,
    app,
    capture::{CaptureConfig, CaptureSession, FeedSource, FeedSpec, Pace},
    control::{
        hub::{Hub, Recorder},
        script,
        server::{ControlOptions, ControlServer},
        text,
    },
    engine::{
        CapturedFeeds, DeskFiles, Engine, EngineOptions, Feeds, Match, Matching, Quality, Snapshot, StingerSource, footage,
        naming::NameTemplate, production::learn_sizes, retime::RetimePolicy,
    },
    output::{
        Credentials,
        program::{ChannelOptions, ProgramFormat, SinkAddress, SinkSpec},
    },
    replay::operators::OperatorName,
    rig,
    ring::{RingConfig, disk::DiskConfig},
    show::Show,
    time::FrameRate,
};

/// What `volte console` takes.
#[derive(Debug, Default, clap::Args)]
#[command(long_about = ABOUT, after_help = EXAMPLES)]
pub struct Args {
    /// The calibration of the cameras, in any format that `volte rig check` reads. Without it: the built-in venue.
    #[arg(long, requires = "footage")]
    rig: Option<PathBuf>,
    /// Synchronized video, one file per camera, each named like its camera: a folder or files. They play in real time, as
    /// cameras would.
    #[arg(long, value_name = "FOLDER|FILES", num_args = 1.., requires = "rig")]
    footage: Vec<PathBuf>,
    /// Play the footage once instead of over and over.
    #[arg(long, requires = "footage")]
    once: bool,
    #[command(flatten)]
    pub desk: Desk,
}

/// What every way to open the console takes.
#[derive(Debug, Default, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "they are independent switches of the command line")]
pub struct Desk {
    /// Memory of the ring, MiB [default: 2048].
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(16..=1_048_576))]
    ring_mib: Option<u64>,
    /// Memory for decoded pictures about the playhead, and as much again of a graphics processor's, MiB; 0: none [default: 1024].
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(0..=1_048_576))]
    near_mib: Option<u64>,
    /// How far back the ring reaches, seconds [default: 120].
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(2..=86_400))]
    ring_seconds: Option<u32>,
    /// Record every feed to disk as well, into this folder: files that any player opens. What was recorded and marked there is found
    /// again after a restart.
    #[arg(long, value_name = "FOLDER")]
    record: Option<PathBuf>,
    /// Room for recordings, GB; then the oldest is deleted for the newest, except what marks keep.
    #[arg(long, value_name = "GB", default_value = "100", requires = "record", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    record_gb: u32,
    /// draft, air or hero (air, refined in the background); by default the best one that is in time.
    #[arg(long, value_parser = super::parse_quality)]
    pub quality: Option<Quality>,
    /// Language of the console: en or fr [default: that of the environment].
    #[arg(long, value_parser = parse_language)]
    pub language: Option<app::Language>,
    /// What the console opens with: whole, or simple with one large button; F10 changes it [default: as it was left, at first whole].
    #[arg(long, value_parser = parse_layout)]
    pub layout: Option<app::Arrangement>,
    /// Open the program window in full screen.
    #[arg(long)]
    full_screen: bool,
    /// Do not open the program window; F11 opens it later.
    #[arg(long)]
    no_program_window: bool,
    /// Send program there as well, e.g. srt://:7001, `rtmp://HOST/APP/KEY`, hls:FOLDER or program.mkv (docs/output.md lists all forms). May be
    /// given more than once.
    // Parsed later: what refuses an argument here repeats it with its secrets.
    #[arg(long = "output", value_name = "ADDRESS")]
    pub outputs: Vec<String>,
    /// A second program, B: live cameras and rolls of their own pictures beside program A (docs/operator.md).
    #[arg(long)]
    pub second_channel: bool,
    /// Send program B there, in the format of program; there is a program B then. May be given more than once.
    #[arg(long = "output-b", value_name = "ADDRESS")]
    pub second_outputs: Vec<String>,
    /// Where program B goes, from a show file.
    #[arg(skip)]
    pub second_sinks: Option<Vec<SinkSpec>>,
    /// Size and rate of program where it is sent: 720p25, 1080p50, 1080i50, 1080p59.94, … [default: 1080p50].
    #[arg(long, value_name = "FORMAT")]
    pub program_format: Option<ProgramFormat>,
    /// Run the commands of a text file: one line each, as `--record-commands` writes them (docs/operator.md).
    #[arg(long, value_name = "FILE")]
    pub commands: Option<PathBuf>,
    /// Write every command of the operator to a text file that `--commands` runs again.
    #[arg(long, value_name = "FILE")]
    pub record_commands: Option<PathBuf>,
    /// Folder for the operator's own templates and paths, and for the playlist where nothing is recorded [default with --record: a folder
    /// `desk` in it].
    #[arg(long = "desk", value_name = "FOLDER")]
    pub kept: Option<PathBuf>,
    /// The graphics in the scene: a small text that the console reads and keeps [default: graphics.toml in the desk's folder].
    #[arg(long, value_name = "FILE")]
    pub graphics: Option<PathBuf>,
    /// Begin with a clean feed: no graphics on program and in exports.
    #[arg(long)]
    pub clean_feed: bool,
    /// A film with alpha behind which takes and playlists may change: a folder of PNG pictures, shown at the rate of the feeds; the first one
    /// given is stinger 1.
    #[arg(long = "stinger", value_name = "FOLDER")]
    pub stingers: Vec<PathBuf>,
    /// The same with their rates, from a show file.
    #[arg(skip)]
    pub rated_stingers: Vec<(PathBuf, Option<f64>)>,
    /// Cameras whose frames are beside the instant by more than a millisecond: frames interpolated to it, where hidden cameras say that they
    /// are truer (auto), always, or never.
    #[arg(long, value_name = "auto|on|off", default_value = "auto")]
    pub retime: RetimePolicy,
    /// Listen for commands over HTTP there, e.g. 127.0.0.1:8700; a browser there shows the producer's page (docs/control.md).
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub control_http: Option<SocketAddr>,
    /// Listen for OSC there, e.g. 127.0.0.1:9000.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub control_osc: Option<SocketAddr>,
    /// What others must send with a command; needed where other machines can reach the address.
    // In the environment, so that the list of processes does not show it.
    #[arg(long, value_name = "TOKEN", env = "VOLTE_CONTROL_TOKEN", hide_env_values = true, value_parser = |token: &str| Ok::<_, std::convert::Infallible>(Secret::new(token)))]
    pub control_token: Option<Secret>,
    /// Operators with a token of their own, from a show file.
    #[arg(skip)]
    pub operators: Vec<(String, Secret)>,
    /// A control surface: a MIDI device such as /dev/snd/midiC1D0, or an input device (jog shuttle, game pad) below /dev/input.
    #[arg(long = "surface", value_name = "DEVICE")]
    pub surfaces: Vec<PathBuf>,
    /// The show's rig file, which a calibration may make.
    #[arg(skip)]
    pub rig_file: Option<PathBuf>,
    /// It is opened to be calibrated: nobody knows yet where the cameras stand.
    #[arg(skip)]
    pub calibrates: bool,
    /// What becomes of differences in exposure and white between the cameras: views glide from one to the next, all have one common level, or
    /// cameras are blended as they are.
    #[arg(long = "match", value_name = "glide|common|off", default_value = "glide", value_parser = super::parse_matching)]
    pub matching: Matching,
    /// Learn what does not move while the show runs, and show moments with it where hidden cameras say that it is truer (live), or solve every
    /// moment alone.
    #[arg(long, value_name = "live|off", default_value = "live", value_parser = ["live", "off"])]
    pub plates: String,
    /// What slow motion shows between a camera's frames: pictures interpolated on the GPU, or the frame held.
    #[arg(long, value_name = "interpolate|hold", default_value = "hold", value_parser = ["interpolate", "hold"])]
    pub slow_motion: String,
    /// Leave the rig as its file says; else it is adjusted to what the cameras show where that is clearly better.
    #[arg(long)]
    pub rig_as_filed: bool,
    /// Leave dark corners and responses of the cameras' own; else the match evens them out.
    #[arg(long)]
    pub no_shading: bool,
    /// Folder for what EXPORT writes.
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    pub export_folder: PathBuf,
    /// What its files are called: {event}, {date}, {time}, {camera}, {n}, and an ending such as .mov.
    #[arg(long, value_name = "TEMPLATE")]
    pub export_name: Option<NameTemplate>,
    /// What they are signed with: a show file says it.
    #[arg(skip)]
    pub credentials: Option<Credentials>,
}

const ABOUT: &str = "\
Open the operator's console.

Two windows open: the console, and a clean program window for the screen or the converter that feeds the show. All \
cameras are always recorded into a ring in memory. MARK (space) freezes the newest instant of all cameras; left and right \
travel around the athlete; TAKE (enter) puts the move on program; RETURN (escape) goes back to live. The question mark \
shows all keys.";

const EXAMPLES: &str = "\
Examples:
  volte console                                         the built-in venue, no data needed
  volte console --rig Calib.toml --footage videos/      one video per camera, in real time, over and over
  volte console --rig rig.toml --footage cam*.mp4 --ring-seconds 300 --ring-mib 8192 --full-screen";

/// The outputs of both programs, where there are some.
struct Outputs {
    program: Option<(ChannelOptions, Vec<SinkSpec>)>,
    second: Option<(ChannelOptions, Vec<SinkSpec>)>,
}

impl Outputs {
    fn start(self, engine: &Engine) -> anyhow::Result<()> {
        if let Some((options, sinks)) = self.program {
            engine.start_output(&options, sinks)?;
        }
        if let Some((options, sinks)) = self.second {
            engine.start_second_output(&options, sinks)?;
        }
        Ok(())
    }
}

impl Desk {
    /// As a show says; bounds of ring and disk are its production's.
    pub fn of_show(show: &Show, full_screen: bool, no_program_window: bool) -> Self {
        // The show file was checked for its words.
        let retime = show.retime.as_deref().and_then(|r| r.parse().ok()).unwrap_or_default();
        let quality = show.quality.as_deref().and_then(Quality::from_name);
        let matching = show.matching.as_deref().and_then(Matching::from_name).unwrap_or_default();
        Self {
            quality,
            retime,
            matching,
            near_mib: show.near_bytes.map(|bytes| bytes >> 20),
            plates: show.plates.clone().unwrap_or_else(|| "live".to_owned()),
            slow_motion: show.slow_motion.clone().unwrap_or_else(|| "hold".to_owned()),
            no_shading: show.match_shading == Some(false),
            rig_as_filed: show.fit_rig == Some(false),
            full_screen,
            no_program_window,
            language: show.language.as_deref().and_then(app::Language::from_tag),
            layout: show.layout.as_deref().and_then(app::Arrangement::from_name),
            record: show.disk.as_ref().map(|disk| disk.folder.clone()),
            kept: Some(show.desk_folder.clone()),
            graphics: show.graphics.clone(),
            clean_feed: show.clean_feed,
            rated_stingers: show.stingers.clone(),
            export_folder: show.export_folder.clone(),
            control_http: show.control.http,
            control_osc: show.control.osc,
            control_token: show.control.token.clone(),
            operators: show.control.operators.clone(),
            surfaces: show.control.surfaces.clone(),
            ..Self::default()
        }
    }

    /// Bounds of the ring.
    pub fn capture(&self) -> CaptureConfig {
        let standard = RingConfig::default();
        CaptureConfig {
            ring: RingConfig {
                budget_bytes: self.ring_mib.map_or(standard.budget_bytes, |mib| mib << 20),
                duration_nanos: self.ring_seconds.map_or(standard.duration_nanos, |s| i64::from(s) * 1_000_000_000),
                ..standard
            },
            disk: self.record.as_ref().map(|folder| DiskConfig::new(folder, u64::from(self.record_gb) * 1_000_000_000)),
            ..CaptureConfig::default()
        }
    }

    /// How the engine starts.
    fn engine_options(&self) -> EngineOptions {
        EngineOptions {
            quality: self.quality,
            retime: self.retime,
            matching: Match { level: self.matching, shading: !self.no_shading },
            without_plates: self.plates == "off",
            interpolate: self.slow_motion == "interpolate",
            rig_as_filed: self.rig_as_filed,
            near_bytes: self.near_mib.map(|mib| mib << 20),
            export_folder: Some(self.export_folder.clone()),
            desk: DeskFiles { graphics: self.graphics.clone(), ..DeskFiles::of(self.record.as_deref(), self.kept.as_deref()) },
            clean_feed: self.clean_feed,
            second_channel: self.has_second(),
            stingers: {
                let given = self.stingers.iter().map(|folder| StingerSource { folder: folder.clone(), fps: None });
                let rated = self.rated_stingers.iter().map(|(folder, fps)| StingerSource { folder: folder.clone(), fps: *fps });
                rated.chain(given).collect()
            },
            export_name: self.export_name.clone(),
            credentials: self.credentials.clone(),
            rig_file: self.rig_file.clone(),
            ..EngineOptions::default()
        }
    }

    /// Listens for commands from outside, where that is asked for.
    fn listen(&self, engine: &Engine, recorder: Option<Recorder>) -> anyhow::Result<ControlServer> {
        let options = ControlOptions {
            osc: self.control_osc,
            http: self.control_http,
            token: self.control_token.clone(),
            operators: named_operators(&self.operators)?,
            surfaces: self.surfaces.clone(),
            mapping: DeskFiles::of(self.record.as_deref(), self.kept.as_deref()).folder.map(|folder| folder.join("controls.toml")),
        };
        let server = ControlServer::start(&Hub::new(engine.handle(), recorder), &options)?;
        if let Some(at) = server.http() {
            eprintln!("commands and the producer's page: http://{at}/");
        }
        Ok(server)
    }

    /// Whether there is a program B.
    fn has_second(&self) -> bool {
        self.second_channel || !self.second_outputs.is_empty() || self.second_sinks.is_some()
    }

    /// The format that the command line asks for.
    fn format(&self) -> ProgramFormat {
        let standard = ProgramFormat { width_px: 1920, height_px: 1080, rate: FrameRate::whole(50), is_interlaced: false };
        self.program_format.unwrap_or(standard)
    }

    /// The sinks that the command line asks for.
    fn sinks(&self, addresses: &[String], option: &'static str, name: &str) -> anyhow::Result<Vec<SinkSpec>> {
        let mut sinks = Vec::new();
        for address in addresses {
            let address: SinkAddress = address.parse().context(option)?;
            let spec = SinkSpec::new(format!("{name} {}", sinks.len() + 1), address);
            spec.check(self.format()).context(option)?;
            sinks.push(spec);
        }
        Ok(sinks)
    }

    /// The outputs of program and of program B that the command line or a show asks for.
    fn outputs(&self, program: Option<(ChannelOptions, Vec<SinkSpec>)>) -> anyhow::Result<Outputs> {
        if self.program_format.is_some() && self.outputs.is_empty() && self.second_outputs.is_empty() {
            bail!("--program-format is that of what is sent: give --output ADDRESS (or --output-b) as well");
        }
        let of_line = self.sinks(&self.outputs, "--output", "output")?;
        let second_of_line = self.sinks(&self.second_outputs, "--output-b", "output B")?;
        let program = program.or_else(|| (!of_line.is_empty()).then(|| (ChannelOptions::new(self.format()), of_line)));
        let format = || program.as_ref().map_or_else(|| ChannelOptions::new(self.format()), |(options, _)| options.clone());
        let second = self.second_sinks.clone().or_else(|| (!second_of_line.is_empty()).then_some(second_of_line));
        let second = second.map(|sinks| (format(), sinks));
        Ok(Outputs { program, second })
    }

    /// Runs the engine and its windows on feeds until the console is closed.
    pub fn open(&self, feeds: Arc<dyn Feeds>, program: Option<(ChannelOptions, Vec<SinkSpec>)>) -> anyhow::Result<()> {
        // Both files before anything is on air.
        let script = self.commands.as_deref().map(read_script).transpose()?;
        let recorder = self.record_commands.as_ref().map(|file| created(file)).transpose()?.map(Recorder::new);
        let options = self.engine_options();
        let outputs = self.outputs(program)?;
        let engine = Engine::start(feeds, &options)?;
        outputs.start(&engine)?;
        let control = self.listen(&engine, recorder.clone())?;
        let windows = app::WindowOptions {
            program_full_screen: self.full_screen,
            no_program_window: self.no_program_window,
            recorder,
            calibrate: self.calibrates,
            surface: Some(Arc::clone(control.surface())),
            language: self.language.unwrap_or_else(app::Language::of_environment),
            arrangement: self.layout,
            ..app::WindowOptions::default()
        };
        let quit = Arc::clone(&windows.quit);
        ctrlc::set_handler(move || quit.store(true, Ordering::Relaxed)).context("cannot listen for Ctrl-C")?;
        let closed = AtomicBool::new(false);
        std::thread::scope(|scope| {
            if let Some(script) = &script {
                let (engine, closed) = (&engine, &closed);
                scope.spawn(move || {
                    if let Err(e) = script::run(engine, script, tell_step, || closed.load(Ordering::Relaxed)) {
                        eprintln!("the commands have ended: {e}");
                    }
                });
            }
            let ran = app::run(&engine, windows);
            closed.store(true, Ordering::Relaxed);
            ran
        })?;
        Ok(())
    }

    /// Runs the commands of `--commands` on feeds without windows.
    pub fn run_commands(&self, feeds: Arc<dyn Feeds>, program: Option<(ChannelOptions, Vec<SinkSpec>)>) -> anyhow::Result<()> {
        let Some(script) = self.commands.as_deref().map(read_script).transpose()? else { return Ok(()) };
        let options = self.engine_options();
        let outputs = self.outputs(program)?;
        let engine = Engine::start(feeds, &options)?;
        outputs.start(&engine)?;
        let _control = self.listen(&engine, None)?;
        let cancel = super::cancelled_by_ctrl_c()?;
        script::run(&engine, &script, tell_step, || cancel.is_cancelled())?;
        let s = engine.snapshot();
        println!(
            "{} commands done: {}, {} events, {} of {} program pictures repeated",
            script.len(),
            s.phase.label(),
            s.events.len(),
            s.program.repeated,
            s.program.frames
        );
        Ok(())
    }
}

/// The operators of a show file.
fn named_operators(read: &[(String, Secret)]) -> anyhow::Result<Vec<(OperatorName, Secret)>> {
    let named = |(name, token): &(String, Secret)| Ok((name.parse::<OperatorName>().context("operators of [control]")?, token.clone()));
    read.iter().map(named).collect()
}

/// Which panels are shown, by name.
pub fn parse_layout(name: &str) -> Result<app::Arrangement, String> {
    app::Arrangement::from_name(name).ok_or_else(|| format!("{name:?} is no layout of the console: whole, simple"))
}

/// A language by its tag.
pub fn parse_language(tag: &str) -> Result<app::Language, String> {
    let known = || app::Language::all().map(|l| format!("{} ({})", l.tag(), l.name())).collect::<Vec<_>>().join(", ");
    app::Language::from_tag(tag).ok_or_else(|| format!("the console speaks {}", known()))
}

fn created(file: &std::path::Path) -> anyhow::Result<std::fs::File> {
    std::fs::File::create_new(file)
        .with_context(|| format!("cannot write the commands to {}; give a file that is not there yet", file.display()))
}

fn read_script(file: &std::path::Path) -> anyhow::Result<Vec<script::Line>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read the commands in {}", file.display()))?;
    script::parse(&text).with_context(|| file.display().to_string())
}

/// A line for every step of a script.
fn tell_step(line: usize, step: &script::Step, s: &Snapshot) {
    let what = match step {
        script::Step::Do(command) => text::text_of(command).unwrap_or_default(),
        script::Step::As(name, command) => format!("as {name} {}", text::text_of(command).unwrap_or_default()),
        script::Step::Wait(until) => format!("until {until:?}").to_lowercase(),
    };
    println!("{}  line {line}: {what}  ({}, {} of {} pictures repeated)", s.now, s.phase.label(), s.program.repeated, s.program.frames);
}

/// Runs it.
pub fn run(args: Args) -> anyhow::Result<()> {
    let Some(file) = &args.rig else {
        return super::demo::run(&super::demo::Args::at(args.desk));
    };
    if !app::has_display() {
        return Err(app::AppError::NoDisplay("neither DISPLAY nor WAYLAND_DISPLAY is set".to_owned()).into());
    }
    let mut rig = rig::load(file)?;
    let files = footage::match_files(&rig, &args.footage)?;
    let specs: Vec<FeedSpec> = rig
        .cameras
        .iter()
        .zip(files)
        .map(|(camera, path)| FeedSpec {
            clock_offset_nanos: camera.clock_offset_nanos,
            ..FeedSpec::new(&camera.name, FeedSource::File { path, pace: Pace::Live { looped: !args.once } })
        })
        .collect();
    let session = CaptureSession::start(args.desk.capture(), &specs)?;
    learn_sizes(&mut rig, &session);
    for feed in session.status() {
        if let Some(problem) = feed.last_error {
            eprintln!("note: {}: {problem}", feed.name);
        }
    }
    args.desk.open(Arc::new(CapturedFeeds::new(rig, session, None)?), None)
}
