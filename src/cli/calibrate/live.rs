//! The board before live cameras, with the coach in the terminal.

use std::{
    io::{BufRead as _, IsTerminal as _},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use crossbeam::channel::{Receiver, bounded};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use volte::{
    calibrate::board::{Board, BoardFailure, Coach, CoachedCamera, LEAST_SHARED, Light},
    capture::{CaptureConfig, CaptureSession, FeedSource, FeedSpec, FeedState, Pace},
    engine::{
        CapturedFeeds, FeedHealth, Feeds as _,
        board_looks::{BoardLooks, BoardSolved, LookOptions, MOST_SECS},
        footage,
        production::Production,
    },
    output::CancelToken,
    rig::{Camera, Rig},
    show::Show,
};

use super::{Args, Carried};

/// After a rig that was not green the next one is tried no sooner.
const TRY_EVERY: Duration = Duration::from_secs(8);

/// Without new pictures for so long the cameras are told.
const SILENT: Duration = Duration::from_secs(3);

/// Looks at live cameras until somebody says that it is enough.
pub fn carried(args: &Args, board: Board, sources: &[String], lenses: Option<&Rig>, cancel: &CancelToken) -> anyhow::Result<Carried> {
    let feeds = opened(args, sources)?;
    // Nobody is on air: no camera is followed at full rate.
    feeds.focus(usize::MAX);
    let names: Vec<String> = feeds.rig().cameras.iter().map(|c| c.name.clone()).collect();
    println!("{} cameras: {}", names.len(), names.join(", "));
    println!("Enter finishes, f and Enter: the board lies on the floor now, Ctrl-C cancels and writes nothing");
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let options = LookOptions {
        board,
        most_motion_px: args.most_motion,
        every_secs: args.every,
        threads: (cores / 2).max(1),
        lenses: lenses.cloned(),
        model: args.model.of_lens(),
    };
    let mut looks = BoardLooks::new(feeds.as_ref(), options)?;
    let (keys, begun) = (keys()?, Instant::now());
    let most_secs = args.seconds.unwrap_or(MOST_SECS).min(MOST_SECS);
    let mut display = Display::new(names.len())?;
    let mut trial = Trial::new(cancel);
    let mut fresh = Instant::now();
    loop {
        ensure!(!cancel.is_cancelled(), "cancelled; nothing was written");
        match keys.try_recv().as_deref().map(str::trim) {
            Ok("") => break,
            Ok("f") if looks.lies_on_the_floor() => display.say(&format!("the board lies on the floor at {:.1} s", looks.secs())),
            Ok("f") => display.say("no camera sees the board now: give it a clear view, and press f and Enter again"),
            Ok(other) => display.say(&format!("{other:?}: Enter finishes, f and Enter says that the board lies on the floor")),
            Err(_) => {}
        }
        if begun.elapsed().as_secs_f64() >= most_secs {
            display.say(&format!("{most_secs:.0} s are over"));
            break;
        }
        let looked = looks.look(feeds.as_ref(), &|| !cancel.is_cancelled())?;
        if looked.is_some() {
            fresh = Instant::now();
        }
        let silence = match () {
            () if fresh.elapsed() > SILENT => silent(&feeds),
            () => looks.nobody().or_else(|| looks.other_size().map(str::to_owned)).unwrap_or_default(),
        };
        display.update(&looks, &silence, trial.told());
        if args.until_green && trial.goes_on(&looks)? {
            break;
        }
        if looked.is_none() {
            if let Some(why) = over(&feeds)? {
                display.say(why);
                break;
            }
            thread::sleep(Duration::from_millis(10));
        }
    }
    display.clear();
    let offsets_nanos = feeds.rig().cameras.iter().map(|c| c.clock_offset_nanos).collect();
    let (frame_secs, floor_secs) = (looks.frame_secs(), looks.floor_secs());
    Ok(Carried { session: looks.session().clone(), frame_secs, floor_secs, offsets_nanos })
}

/// The cameras that were asked for, running.
fn opened(args: &Args, sources: &[String]) -> anyhow::Result<Arc<CapturedFeeds>> {
    let unposed = |names: &[String]| Rig { cameras: names.iter().map(|n| Camera::unposed(n)).collect(), points_in_world: vec![] };
    let (rig, config, specs) = if !args.footage.is_empty() {
        ensure!(sources.is_empty(), "--live: give a show file or addresses, or --footage, not both");
        let rig = unposed(&footage::camera_names(&args.footage)?).only(&args.only).context("--use")?;
        let spec =
            |(camera, path): (&Camera, _)| FeedSpec::new(&camera.name, FeedSource::File { path, pace: Pace::Live { looped: false } });
        let specs: Vec<FeedSpec> = rig.cameras.iter().zip(footage::match_files(&rig, &args.footage)?).map(spec).collect();
        (rig, CaptureConfig::default(), specs)
    } else if let [show] = sources
        && Path::new(show).is_file()
    {
        let production = Production::to_calibrate(&Show::load(Path::new(show))?)?;
        (production.rig.only(&args.only).context("--use")?, production.capture, production.specs)
    } else {
        let mut specs = Vec::new();
        for source in sources {
            let (name, address) =
                source.split_once('=').filter(|(name, _)| !name.is_empty() && !name.contains(':')).with_context(|| {
                    format!(
                        "--live: {:?} is no show file and no camera with its address, like cam01=rtsp://10.0.0.11/stream",
                        hidden(source)
                    )
                })?;
            specs.push(FeedSpec::new(name, FeedSource::parse(address).with_context(|| format!("--live: {name}"))?));
        }
        let names: Vec<String> = specs.iter().map(|s| s.name.clone()).collect();
        (unposed(&names).only(&args.only).context("--use")?, CaptureConfig::default(), specs)
    };
    ensure!(rig.cameras.len() > 1, "--live: one camera alone is no rig: give two at least");
    let specs: Vec<FeedSpec> = specs.into_iter().filter(|s| rig.camera(&s.name).is_some()).collect();
    let mut config = config;
    // Nobody looks at small pictures, and nothing is recorded.
    config.preview.enabled = false;
    config.disk = None;
    let session = CaptureSession::start(config, &specs)?;
    Ok(Arc::new(CapturedFeeds::new(rig, session, None)?))
}

/// What may be shown of a text that may be an address with a password.
fn hidden(source: &str) -> String {
    let scheme = source.split_once("://").map(|(scheme, _)| format!("{scheme}://…"));
    scheme.unwrap_or_else(|| source.chars().take(40).collect())
}

/// Why there is nothing new to look at.
fn silent(feeds: &CapturedFeeds) -> String {
    let status = feeds.status();
    let away = feeds.rig().cameras.iter().zip(&status).filter(|(_, s)| s.health != FeedHealth::Good);
    let told = away.map(|(c, s)| if s.note.is_empty() { format!("{}: no picture yet", c.name) } else { format!("{}: {}", c.name, s.note) });
    format!("nothing new to look at. {}", told.take(3).collect::<Vec<_>>().join("; "))
}

/// Why nothing more will come, if so.
fn over(feeds: &CapturedFeeds) -> anyhow::Result<Option<&'static str>> {
    let status = feeds.session().status();
    if status.iter().all(|f| f.state == FeedState::Failed) {
        let why: Vec<String> =
            status.iter().map(|f| format!("{}: {}", f.name, f.last_error.as_deref().unwrap_or("it cannot go on"))).collect();
        bail!("no camera can be opened. {}", why.join("; "));
    }
    let all = status.iter().all(|f| matches!(f.state, FeedState::Ended | FeedState::Failed));
    Ok(all.then_some("the footage is at its end"))
}

/// Lines that are typed. Without anybody who types there are none.
fn keys() -> anyhow::Result<Receiver<String>> {
    let (sender_lossless, keys) = bounded(16);
    let read = move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if sender_lossless.send(line).is_err() {
                break;
            }
        }
    };
    thread::Builder::new().name("keys".to_owned()).spawn(read).context("cannot listen for keys")?;
    Ok(keys)
}

/// Rigs that are solved beside, to see whether one is green.
struct Trial {
    cancel: CancelToken,
    /// Nobody waits for it any more.
    over: Arc<AtomicBool>,
    running: Option<JoinHandle<Result<BoardSolved, BoardFailure>>>,
    last: Option<Instant>,
    /// Boards held still when it was tried the last time.
    boards: usize,
    told: String,
}

impl Trial {
    fn new(cancel: &CancelToken) -> Self {
        Self { cancel: cancel.clone(), over: Arc::default(), running: None, last: None, boards: 0, told: String::new() }
    }

    fn told(&self) -> &str {
        &self.told
    }

    /// Tries again where there is more than before; true as soon as one was green.
    fn goes_on(&mut self, looks: &BoardLooks) -> anyhow::Result<bool> {
        if let Some(job) = self.running.take_if(|job| job.is_finished()) {
            self.last = Some(Instant::now());
            // What was carried is not lost by a try.
            let Ok(solved) = job.join() else {
                "tried: the try failed".clone_into(&mut self.told);
                return Ok(false);
            };
            self.told = match solved {
                Ok(s) if s.calibration.light() == Light::Green => return Ok(true),
                Ok(s) => format!(
                    "tried: {}, rms {:.2} px, 95 % within {:.2} px. {}",
                    super::light_word(s.calibration.light()),
                    s.calibration.rms_px,
                    s.calibration.p95_px,
                    s.remedies.first().map_or("", String::as_str)
                ),
                Err(BoardFailure::Cancelled) => return Ok(false),
                Err(why) => format!("tried: {why}"),
            };
        }
        let boards: usize = looks.coach().cameras().iter().map(|c| c.boards).sum();
        let is_time = self.last.is_none_or(|at| at.elapsed() >= TRY_EVERY) && boards > self.boards;
        if self.running.is_none() && is_time && looks.coach().is_enough() {
            self.boards = boards;
            let (job, cancel, over) = (looks.job(), self.cancel.clone(), Arc::clone(&self.over));
            let solve = move || job.solve_anyhow(&mut |_| !cancel.is_cancelled() && !over.load(Ordering::Relaxed));
            self.running = Some(thread::Builder::new().name("trial".to_owned()).spawn(solve).context("cannot try to solve")?);
        }
        Ok(false)
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

/// The status block, drawn anew on a terminal; lines where there is none.
struct Display {
    lines: Vec<ProgressBar>,
    on_terminal: bool,
    told: String,
}

impl Display {
    fn new(cameras: usize) -> anyhow::Result<Self> {
        let block = MultiProgress::new();
        let style = ProgressStyle::with_template("{wide_msg}")?;
        // What to do, why not, each camera, what hangs together, what is missing, what was tried.
        let lines = (0..cameras + 5).map(|_| block.add(ProgressBar::new_spinner().with_style(style.clone()))).collect();
        Ok(Self { lines, on_terminal: std::io::stderr().is_terminal(), told: String::new() })
    }

    fn say(&self, line: &str) {
        match self.lines.first() {
            Some(first) if self.on_terminal => first.println(line),
            _ => println!("{line}"),
        }
    }

    fn update(&mut self, looks: &BoardLooks, silence: &str, tried: &str) {
        let coach = looks.coach();
        let advice = coach.advice();
        let next = match (coach.is_enough(), advice.to_string()) {
            (true, next) if advice.is_optional() && !next.starts_with("enough") => format!("enough to finish. Better: {next}"),
            (_, next) => next,
        };
        let reason = match coach.reason(&advice) {
            _ if !silence.is_empty() => silence.to_owned(),
            Some((camera, why)) => format!("{camera}: {why}"),
            None => String::new(),
        };
        if !self.on_terminal {
            let now = [next.as_str(), &reason, tried].into_iter().filter(|t| !t.is_empty()).collect::<Vec<_>>().join("; ");
            // Figures of a reason come and go; the same advice is told once.
            let key = format!("{next} {} {tried}", reason.split(':').take(2).collect::<String>());
            if self.told != key {
                let boards: Vec<String> = coach.cameras().iter().map(|c| format!("{} {}", c.name, c.boards)).collect();
                println!("{:7.1} s  {now}  [boards: {}]", looks.secs(), boards.join(", "));
                self.told = key;
            }
            return;
        }
        let mut lines = vec![format!("{:6.0} s  NEXT: {next}", looks.secs()), format!("          {reason}")];
        let wide = coach.cameras().iter().map(|c| c.name.chars().count()).max().unwrap_or(0);
        lines.extend(coach.cameras().iter().map(|c| camera_line(c, wide, looks.secs())));
        lines.extend(links(coach));
        lines.push(tried.to_owned());
        for (bar, line) in self.lines.iter().zip(lines) {
            bar.set_message(line);
            bar.tick();
        }
    }

    fn clear(&self) {
        self.lines.iter().for_each(ProgressBar::finish_and_clear);
    }
}

/// Boards, tilt, where in the picture, and how it is now.
fn camera_line(c: &CoachedCamera, wide: usize, secs: f64) -> String {
    let mark = |n: &u32| match n {
        0 => '·',
        1..20 => '+',
        _ => '#',
    };
    let parts: Vec<String> = c.parts().chunks(3).map(|row| row.iter().map(mark).collect()).collect();
    let now = match (c.sees, &c.rejected) {
        (true, _) => "sees the board".to_owned(),
        _ if c.pictures == 0 => "no picture".to_owned(),
        (false, Some((at, why))) if secs - at < 5.0 => why.to_string(),
        (false, Some((at, why))) => format!("{} {:.0} s ago", why.short(), secs - at),
        (false, None) => String::new(),
    };
    format!("{:wide$}  {:>3} boards  {:>2} turned {:>2} tipped  {}  {now}", c.name, c.boards, c.turned, c.tipped, parts.join(" "))
}

/// What hangs together, and pairs that are on the way.
fn links(coach: &Coach) -> [String; 2] {
    let name = |i: usize| coach.cameras()[i].name.as_str();
    let groups: Vec<String> = coach.groups().iter().map(|g| g.iter().map(|i| name(*i)).collect::<Vec<_>>().join("=")).collect();
    let pairs = coach.pairs();
    let weak = pairs.iter().filter(|p| !p.holds()).map(|p| format!("{}–{} {} of {LEAST_SHARED}", name(p.from), name(p.to), p.shared));
    [format!("linked: {}", groups.join("   ")), format!("begun: {}", weak.take(8).collect::<Vec<_>>().join(", "))]
}
