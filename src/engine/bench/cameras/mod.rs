//! How many cameras can this machine take? Live feeds are added until frames drop, arrive late or the streaming threads fall behind.
//!
//! Each step is a whole capture session as in a show: every camera a pipeline of its own that reads a file at live pace, one ring, the
//! multiview, and recording to disk when that is asked for. [`measure`] doubles the cameras until a step fails, then halves the gap
//! until it is one camera. Not part of it: the network's own cost, synthesis and the console.
//! Must not know: windows, command lines.

mod clip;
mod judge;
mod machine;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub use judge::{Limit, MAX_LATE_SHARE, Search, Trouble};

use crate::capture::{
    CaptureConfig, CaptureError, CaptureSession, DiskStatus, FeedSource, FeedSpec, FeedState, FeedStatus, Pace, PreviewConfig,
};
use crate::output::CancelToken;
use crate::ring::RingConfig;
use crate::ring::disk::DiskConfig;
use crate::time::FrameRate;
use clip::{Clip, Scratch};
use machine::Usage;

/// A frame that arrives later than this after its time is late: an operator feels it.
pub const LATE_AFTER_NANOS: i64 = 50_000_000;
/// Cameras at most: more is no question for one machine.
pub const MAX_CAMERAS: usize = 512;
/// After all feeds are live, so long nothing is counted.
const SETTLE: Duration = Duration::from_millis(700);
/// All feeds must be live after so long.
const LIVE_TIMEOUT: Duration = Duration::from_secs(10);
/// How often delays are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// The recording folder's budget in a step.
const DISK_BUDGET_BYTES: u64 = 8 << 30;

/// What the cameras are.
#[derive(Debug, Clone, PartialEq)]
pub enum Footage {
    /// Video files, taken in turn.
    Files(Vec<PathBuf>),
    /// A moving picture that the program makes and encodes itself: H.264 as [`crate::capture::PushSettings::h264`] has it.
    Made {
        /// Picture width and height, px; even.
        size_px: (u32, u32),
        /// Pictures per second.
        rate: FrameRate,
    },
}

/// What is measured.
#[derive(Debug, Clone, PartialEq)]
pub struct CamerasOptions {
    /// The cameras' pictures.
    pub footage: Footage,
    /// Cameras at most.
    pub max: usize,
    /// How long each step is looked at, seconds.
    pub seconds: f64,
    /// Bounds of the ring.
    pub ring: RingConfig,
    /// How far back memory must reach, seconds.
    pub history_secs: f64,
    /// Record to disk as well, into a new folder below this one that is removed again.
    pub record: Option<PathBuf>,
    /// With the multiview's small pictures.
    pub multiview: bool,
}

/// Why there is no measurement.
#[derive(Debug, thiserror::Error)]
pub enum CamerasError {
    /// An option makes no sense.
    #[error("{0}")]
    Option(String),
    /// A folder or file of the bench's own.
    #[error("{path:?} cannot be written: {source}. Give a folder with room that this user may write to (TMPDIR for temporary files)")]
    Scratch {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The footage cannot be used.
    #[error("{what} cannot be used as a camera: {reason}")]
    Footage {
        /// Which.
        what: String,
        /// Why.
        reason: String,
    },
    /// A session does not start.
    #[error(transparent)]
    Capture(#[from] CaptureError),
}

/// What one number of cameras gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// How many cameras.
    pub cameras: usize,
    /// How long it was looked at, seconds.
    pub secs: f64,
    /// Frames per second that all cameras together send.
    pub sent_per_sec: f64,
    /// Frames that arrived in that time.
    pub arrived: u64,
    /// Frames that did not make it into memory.
    pub dropped: u64,
    /// Frames that arrived later than [`LATE_AFTER_NANOS`].
    pub late: u64,
    /// The longest that a camera's newest frame was overdue, nanoseconds; seen every 10 ms.
    pub worst_delay_nanos: i64,
    /// How long the camera that is furthest behind was overdue at the end, nanoseconds.
    pub last_delay_nanos: i64,
    /// Payload bytes per second of all cameras.
    pub bytes_per_sec: f64,
    /// This program's share of all processor cores (0…1), where the system tells.
    pub own_share: Option<f64>,
    /// Everybody's share of all processor cores (0…1), where the system tells.
    pub machine_share: Option<f64>,
    /// Resident memory per camera beyond what the program had before the first step, bytes, where the system tells.
    pub resident_per_camera: Option<u64>,
    /// How far back the ring would reach when it is full, seconds.
    pub history_secs: f64,
    /// Frames that did not make it to disk.
    pub disk_dropped: u64,
    /// What recording says is wrong.
    pub disk_problem: Option<String>,
    /// The first feed that failed, and why.
    pub failed: Option<String>,
    /// Why it is too much; `None` when all is well.
    pub trouble: Option<Trouble>,
}

/// What the measurement says.
#[derive(Debug, Clone, PartialEq)]
pub struct CamerasReport {
    /// All steps in the order of measuring.
    pub steps: Vec<Step>,
    /// The most cameras of which a step went well.
    pub cameras: usize,
    /// What the next camera would break; `None` when no limit was found.
    pub limit: Option<Limit>,
    /// It was stopped before its end.
    pub stopped: bool,
}

/// How far it is.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// The source clips are made or read.
    Preparing,
    /// They are there: codec, size, rate and bits per second of each, in words.
    Prepared(&'a [String]),
    /// A step begins.
    Begins(usize),
    /// It is over.
    Done(&'a Step),
}

/// Measures; `tell` hears of every step. When `cancel` is set, what was measured so far is the result.
pub fn measure(options: &CamerasOptions, cancel: &CancelToken, tell: &mut dyn FnMut(Event<'_>)) -> Result<CamerasReport, CamerasError> {
    check(options)?;
    crate::capture::init()?;
    tell(Event::Preparing);
    let scratch = Scratch::new(&std::env::temp_dir())?;
    let disk = options.record.as_deref().map(Scratch::new).transpose()?;
    let mut report = CamerasReport { steps: Vec::new(), cameras: 0, limit: None, stopped: false };
    let needed_secs = options.seconds + SETTLE.as_secs_f64() + 2.0;
    let Some(clips) = clip::prepare(&options.footage, needed_secs, &scratch, cancel)? else {
        report.stopped = true;
        return Ok(report);
    };
    let words: Vec<String> = clips.iter().map(Clip::in_words).collect();
    tell(Event::Prepared(&words));
    let resident_before = machine::resident_bytes();
    let mut search = Search::new(options.max);
    let mut trouble = None;
    while let Some(cameras) = search.next() {
        tell(Event::Begins(cameras));
        // A hiccup of the machine is no limit: what fails is tried a second time.
        for attempt in 0..2 {
            let folder = disk.as_ref().map(|disk| disk.path().join(format!("{cameras}-{attempt}")));
            let Some(step) = step(options, &clips, cameras, folder.as_deref(), resident_before, cancel)? else {
                report.stopped = true;
                report.cameras = search.good();
                return Ok(report);
            };
            tell(Event::Done(&step));
            let last = step.clone();
            report.steps.push(step);
            match last.trouble {
                None => {
                    search.went_well(cameras);
                    break;
                }
                // What follows from arithmetic does not change.
                Some(why) if attempt == 1 || why == Trouble::History => {
                    trouble = Some(Limit::of(&report.steps[report.steps.len() - 1], why));
                    search.failed(cameras);
                    break;
                }
                Some(_) => {}
            }
        }
    }
    report.cameras = search.good();
    report.limit = trouble;
    Ok(report)
}

fn check(options: &CamerasOptions) -> Result<(), CamerasError> {
    let wrong = |what: String| Err(CamerasError::Option(what));
    if options.max == 0 || options.max > MAX_CAMERAS {
        return wrong(format!("{} cameras cannot be measured; give 1 to {MAX_CAMERAS} as --max", options.max));
    }
    if !(0.5..=60.0).contains(&options.seconds) {
        return wrong(format!("a step of {} s tells nothing; give 0.5 to 60 as --seconds", options.seconds));
    }
    if !(0.0..=86_400.0).contains(&options.history_secs) {
        return wrong(format!("a history of {} s is none; give 0 to 86400 as --history", options.history_secs));
    }
    match &options.footage {
        Footage::Files(files) if files.is_empty() => wrong("no footage is given; name video files after --footage".to_owned()),
        Footage::Files(_) => Ok(()),
        Footage::Made { size_px: (w, h), rate } => {
            if *w < 16 || *h < 16 || *w > 8192 || *h > 8192 || !w.is_multiple_of(2) || !h.is_multiple_of(2) {
                return wrong(format!("pictures of {w}×{h} cannot be made; give even sizes of 16 to 8192 as --size, such as 1920x1080"));
            }
            if !(1.0..=1000.0).contains(&rate.fps()) {
                return wrong(format!("{} pictures per second cannot be made; give 1 to 1000 as --rate", rate.fps()));
            }
            Ok(())
        }
    }
}

/// Sums over all feeds.
#[derive(Debug, Clone, Copy)]
struct Totals {
    received: u64,
    dropped: u64,
    late: u64,
    bytes: u64,
    disk_dropped: u64,
}

impl Totals {
    fn of(feeds: &[FeedStatus], disk: &DiskStatus) -> Self {
        let sum = |of: fn(&FeedStatus) -> u64| feeds.iter().map(of).sum();
        Self {
            received: sum(|f| f.received),
            dropped: sum(|f| f.dropped.total()),
            late: sum(|f| f.late),
            bytes: sum(|f| f.bytes),
            disk_dropped: disk.feeds.iter().map(|f| f.dropped.total()).sum(),
        }
    }
}

/// One number of cameras; `None` when it was stopped.
fn step(
    options: &CamerasOptions,
    clips: &[Clip],
    cameras: usize,
    folder: Option<&Path>,
    resident_before: Option<u64>,
    cancel: &CancelToken,
) -> Result<Option<Step>, CamerasError> {
    let used: Vec<&Clip> = clips.iter().cycle().take(cameras).collect();
    let spec = |(i, clip): (usize, &&Clip)| {
        let source = FeedSource::File { path: clip.path.clone(), pace: Pace::Live { looped: true } };
        FeedSpec { late_after_nanos: Some(LATE_AFTER_NANOS), ..FeedSpec::new(format!("cam{:03}", i + 1), source) }
    };
    let specs: Vec<FeedSpec> = used.iter().enumerate().map(spec).collect();
    let config = CaptureConfig {
        ring: options.ring,
        preview: PreviewConfig { enabled: options.multiview, ..PreviewConfig::default() },
        disk: folder.map(|folder| DiskConfig::new(folder, DISK_BUDGET_BYTES)),
        ..CaptureConfig::default()
    };
    let mut session = CaptureSession::start(config, &specs)?;
    let is_up = |feeds: &[FeedStatus]| {
        cancel.is_cancelled() || feeds.iter().all(|f| f.state == FeedState::Live) || feeds.iter().any(|f| f.state == FeedState::Failed)
    };
    session.wait_until(LIVE_TIMEOUT, is_up);
    let settled = Instant::now() + SETTLE;
    while Instant::now() < settled && !cancel.is_cancelled() {
        std::thread::sleep(LOOK_EVERY);
    }

    let (before, usage, begun) = (Totals::of(&session.status(), &session.disk_status()), Usage::now(), Instant::now());
    let (mut worst, mut last) = (0, 0);
    while begun.elapsed().as_secs_f64() < options.seconds {
        if cancel.is_cancelled() {
            return Ok(None);
        }
        std::thread::sleep(LOOK_EVERY);
        // The time first: whatever holds this thread up now is not taken for a camera's delay.
        let now = session.house_now();
        let overdue = |(feed, clip): (&FeedStatus, &&Clip)| Some(now - feed.newest? - clip.interval_nanos);
        last = session.status().iter().zip(&used).filter_map(overdue).max().unwrap_or(0).max(0);
        worst = worst.max(last);
    }
    let secs = begun.elapsed().as_secs_f64();
    let spent = usage.zip(Usage::now()).map(|(before, after)| after.since(&before, secs));
    let (feeds, disk) = (session.status(), session.disk_status());
    let after = Totals::of(&feeds, &disk);
    let resident = machine::resident_bytes().zip(resident_before).map(|(now, before)| now.saturating_sub(before) / cameras as u64);
    session.stop();
    drop(session);
    if let Some(folder) = folder
        && let Err(e) = std::fs::remove_dir_all(folder)
    {
        tracing::warn!("{folder:?} is not removed: {e}");
    }

    let bytes_per_sec = (after.bytes - before.bytes) as f64 / secs;
    let not_live = |f: &&FeedStatus| f.state != FeedState::Live;
    let failed = feeds.iter().find(not_live).map(|f| {
        let why = f.last_error.clone().unwrap_or_else(|| format!("no frame came within {} s", LIVE_TIMEOUT.as_secs()));
        format!("{}: {why}", f.name)
    });
    let mut step = Step {
        cameras,
        secs,
        sent_per_sec: used.iter().map(|clip| 1e9 / clip.interval_nanos as f64).sum(),
        arrived: after.received - before.received,
        dropped: after.dropped.saturating_sub(before.dropped),
        late: after.late - before.late,
        worst_delay_nanos: worst,
        last_delay_nanos: last,
        bytes_per_sec,
        own_share: spent.map(|s| s.own),
        machine_share: spent.and_then(|s| s.machine),
        resident_per_camera: resident,
        history_secs: if bytes_per_sec > 0.0 { options.ring.budget_bytes as f64 / bytes_per_sec } else { f64::INFINITY },
        disk_dropped: after.disk_dropped.saturating_sub(before.disk_dropped),
        disk_problem: disk.problem,
        failed,
        trouble: None,
    };
    step.trouble = judge::judge(&step, options.history_secs);
    Ok(Some(step))
}
