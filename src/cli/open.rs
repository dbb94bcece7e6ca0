//! `volte open` and `volte show`: a production from its show file.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use volte::{
    app,
    capture::{CaptureSession, DiskState, DiskStatus, FeedStatus, NodeStatus},
    engine::{
        CapturedFeeds, Engine, EngineOptions, Feeds,
        clocks::ClockJob,
        preflight::{self, LookedAt},
        production::{Production, learn_sizes},
    },
    output::program::ProgramStatus,
    ring::RingStatus,
    show::Show,
};

use super::console::Desk;

/// What `volte open` takes.
#[derive(Debug, clap::Args)]
#[command(long_about = ABOUT, after_help = EXAMPLES)]
#[expect(clippy::struct_excessive_bools, reason = "they are independent switches of the command line")]
pub struct Args {
    /// The show file.
    #[arg(value_name = "SHOW.toml")]
    show: PathBuf,
    /// No windows: print how every feed and every output fares, once a second; outputs carry the live camera.
    #[arg(long)]
    headless: bool,
    /// End after so many seconds.
    #[arg(long, value_name = "SECONDS", requires = "headless", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: Option<u64>,
    /// Open the program window in full screen.
    #[arg(long)]
    full_screen: bool,
    /// Run the commands of a text file, with windows or (--headless) without: docs/operator.md.
    #[arg(long, value_name = "FILE", conflicts_with = "seconds")]
    commands: Option<PathBuf>,
    /// Write every command of the operator to a text file that --commands runs again.
    #[arg(long, value_name = "FILE", conflicts_with = "headless")]
    record_commands: Option<PathBuf>,
    /// Before there is a rig: open with the cameras as the show names them, on the page of the calibration. Nothing is recorded to disk and there is no output.
    #[arg(long, conflicts_with = "headless")]
    calibrate: bool,
    /// Language of the console: en or fr [default: the show's, else that of the environment].
    #[arg(long, value_parser = super::console::parse_language)]
    language: Option<app::Language>,
    /// What the console opens with: whole, or simple with one large button; F10 changes it [default: the show's, else as it was left, at first whole].
    #[arg(long, value_parser = super::console::parse_layout)]
    layout: Option<app::Arrangement>,
    /// Do not open the program window; F11 opens it later.
    #[arg(long)]
    no_program_window: bool,
}

const ABOUT: &str = "\
Open the console on a production: its rig, its cameras and its settings from one file (docs/show.md).

A camera that is away holds up nobody: it is connected again and again, and joins when it comes.";

const EXAMPLES: &str = "\
Examples:
  volte show check final.toml                 all that is wrong with the file, and what this machine lacks for it
  volte show check final.toml --connect       the same, and a look at every camera: is it there, are its keyframes near?
  volte show sync final.toml                  clock offsets of running cameras, from what moves
  volte open final.toml                       the console
  volte open final.toml --calibrate           the same before there is a rig: make one with a board
  volte open final.toml --headless --seconds 30
                                              are all cameras there? State, rate, losses and delay, each second";

/// What `volte show` takes.
#[derive(Debug, clap::Subcommand)]
pub enum ShowArgs {
    /// Check a show file: all its mistakes, what this machine lacks for it, and files whose freezes would be slow. Calls no camera unless asked to.
    Check {
        /// The show file.
        #[arg(value_name = "SHOW.toml")]
        show: PathBuf,
        /// Open the cameras too, for so many seconds at most, and say whether each is there, what it sends and how far its keyframes are apart.
        #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "15", value_parser = clap::value_parser!(u64).range(1..=600))]
        connect: Option<u64>,
    },
    /// Find the cameras' clock offsets live, from what moves in front of them, and print `offset_ms` as it belongs into the show file.
    ///
    /// Somebody shall move while it looks, best jump: docs/sync.md.
    Sync {
        /// The show file.
        #[arg(value_name = "SHOW.toml")]
        show: PathBuf,
        /// How long to look, seconds; the ring must reach so far back.
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(2..=600))]
        seconds: u64,
        /// At how many instants, spread evenly.
        #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=1000))]
        bursts: u32,
        /// The camera whose clock is the measure; left out: the one that shares most with its neighbours.
        #[arg(long, value_name = "CAMERA")]
        reference: Option<String>,
        #[command(flatten)]
        flash: super::sync::FlashArgs,
    },
}

/// Runs `volte show`.
pub fn run_show(args: ShowArgs) -> anyhow::Result<()> {
    match args {
        ShowArgs::Check { show, connect } => check_show(&show, connect.map(Duration::from_secs)),
        ShowArgs::Sync { show, seconds, bursts, reference, flash } => sync_show(&show, seconds, bursts, reference.as_deref(), flash),
    }
}

/// Says everything that is wrong with a show.
fn check_show(file: &Path, connect: Option<Duration>) -> anyhow::Result<()> {
    let found = preflight::look_over(file, connect, &super::cancelled_by_ctrl_c()?)?;
    if connect.is_some() {
        for feed in &found.feeds {
            println!("{}", looked_at(feed));
        }
        for line in found.nodes.iter().flat_map(node_lines) {
            println!("{line}");
        }
    }
    // Whoever is misspelt has no feed either.
    if found.mistakes.is_empty() {
        note_without_feed(&found.without_feed);
    }
    for advice in &found.advice {
        eprintln!("note: {advice}");
    }
    match (found.mistakes.as_slice(), &found.summary) {
        ([], summary) => {
            let verdict = match found.advice.len() {
                0 => "nothing wrong".to_owned(),
                1 => "nothing wrong, one thing to mend before the show".to_owned(),
                n => format!("nothing wrong, {n} things to mend before the show"),
            };
            println!("{}, {verdict}", summary.as_deref().unwrap_or_default());
            Ok(())
        }
        (all, _) => Err(super::mistakes_in_words(all)),
    }
}

/// What a camera sends.
fn looked_at(feed: &LookedAt) -> String {
    let LookedAt { camera, node, keyframes, status } = feed;
    let state = format!("{:?}", status.state).to_lowercase();
    let codec = status.codec.map_or_else(|| "-".to_owned(), |c| c.to_string());
    let size = status.size_px.map_or_else(|| "-".to_owned(), |(w, h)| format!("{w}x{h}"));
    let rate = status.rate.map_or_else(|| "-".to_owned(), |rate| rate.to_string());
    let keyframes = match (node, keyframes) {
        (Some(node), _) => format!("at node {node}"),
        (None, Some(distance)) => format!("keyframes {distance} apart"),
        (None, None) => "no keyframe".to_owned(),
    };
    format!("{camera:<12} {state:<12} {codec:<7} {size:>9} {rate:>10} fps  {keyframes}, {}", status.clock_in_words())
}

/// A show and its production; all that is wrong with them is the error.
fn opened(path: &Path, calibrates: bool) -> anyhow::Result<(Show, Production)> {
    super::without_mistakes(path, |show| if calibrates { Production::examine_to_calibrate(show) } else { Production::examine(show) })
}

/// Measures the clocks of a show's cameras while they run.
fn sync_show(path: &Path, seconds: u64, bursts: u32, reference: Option<&str>, flash: super::sync::FlashArgs) -> anyhow::Result<()> {
    flash.check()?;
    let (_, mut production) = opened(path, false)?;
    production.capture.preview.enabled = false;
    // Nothing is recorded for it.
    production.capture.disk = None;
    note_missing(&production);
    let reference = reference.map(|name| production.rig.indices_of(&[name])).transpose().context("--reference")?;
    let cancel = super::cancelled_by_ctrl_c()?;
    let session = production.start()?;
    let begun = session.house_now();
    let bar = ProgressBar::new(1000).with_style(ProgressStyle::with_template("{msg:24} {bar:40} {percent:>3} %  {elapsed}")?);
    bar.set_message("taking pictures");
    let until = begun.plus_nanos(seconds as i64 * 1_000_000_000);
    // The last frames need a moment to arrive.
    while session.house_now() < until.plus_nanos(1_000_000_000) {
        if cancel.is_cancelled() {
            anyhow::bail!("cancelled");
        }
        std::thread::sleep(Duration::from_millis(50));
        bar.set_position(((session.house_now() - begun) as f64 / (seconds as f64 + 1.0) * 1e-6) as u64);
    }
    let Some((from, until)) = session.ring().status().common_span() else {
        let away: Vec<String> = session.status().iter().filter(|f| f.newest.is_none()).map(|f| f.name.to_string()).collect();
        anyhow::bail!("the cameras have no time in common; without a frame: {}. volte open --headless says why", away.join(", "));
    };
    bar.set_message("looking at what moves");
    let job = ClockJob::spread(from, until, bursts, reference.and_then(|r| r.first().copied()), 0.05);
    let solution = flash.measured(&session, &production.rig, &job, (from, until), &mut |share| {
        bar.set_position((share * 1000.0) as u64);
        !cancel.is_cancelled()
    });
    bar.finish_and_clear();
    let solution = solution?;
    super::sync::print(&production.rig, &solution);
    println!("in the show file:");
    for (camera, clock) in production.rig.cameras.iter().zip(&solution.cameras) {
        let own = production.specs.iter().find(|s| s.name == camera.name).map_or(0, |s| s.clock_offset_nanos - camera.clock_offset_nanos);
        if let Some(clock) = clock {
            println!("  camera = {:?}  offset_ms = {:.2}", camera.name, (own + clock.offset_nanos) as f64 * 1e-6);
        }
    }
    Ok(())
}

fn note_missing(production: &Production) {
    note_without_feed(&production.without_feed);
}

fn note_without_feed(cameras: &[String]) {
    if !cameras.is_empty() {
        eprintln!("note: no feed for {}: left out of every moment", cameras.join(", "));
    }
}

/// Runs `volte open`.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let (show, mut production) = opened(&args.show, args.calibrate)?;
    // Nobody looks at small pictures there.
    production.capture.preview.enabled = !args.headless;
    if !args.headless && !app::has_display() {
        return Err(app::AppError::NoDisplay("neither DISPLAY nor WAYLAND_DISPLAY is set; --headless needs none".to_owned()).into());
    }
    note_missing(&production);
    let session = production.start()?;
    let (program, export_name, credentials) = (production.program.take(), production.export_name.take(), production.credentials.take());
    let second = production.second.take();
    if args.headless && program.is_none() && args.commands.is_none() {
        return watch(&session, None, args.seconds);
    }
    let mut rig = production.rig;
    learn_sizes(&mut rig, &session);
    for feed in session.status() {
        if let Some(problem) = feed.last_error {
            eprintln!("note: {}: {problem}", feed.name);
        }
    }
    let feeds = Arc::new(CapturedFeeds::new(rig, session, None)?);
    let mut desk = Desk::of_show(&show, args.full_screen, args.no_program_window);
    (desk.rig_file, desk.calibrates) = (Some(show.rig.clone()), args.calibrate);
    desk.second_sinks.clone_from(&second);
    desk.language = args.language.or(desk.language);
    desk.layout = args.layout.or(desk.layout);
    (desk.export_name, desk.credentials) = (export_name, credentials);
    (desk.commands, desk.record_commands) = (args.commands.clone(), args.record_commands.clone());
    if args.headless && args.commands.is_some() {
        return desk.run_commands(feeds, program);
    }
    if let (true, Some((options, sinks))) = (args.headless, &program) {
        // Nobody operates it: program is the live camera, and no GPU is needed.
        let engine = Engine::start(
            Arc::clone(&feeds) as Arc<dyn Feeds>,
            &EngineOptions { without_gpu: true, second_channel: second.is_some(), ..EngineOptions::default() },
        )?;
        engine.start_output(options, sinks.clone())?;
        if let Some(sinks) = second {
            engine.start_second_output(options, sinks)?;
        }
        return watch(feeds.session(), Some(&engine), args.seconds);
    }
    desk.open(feeds, program)
}

/// Prints a table every second.
fn watch(session: &CaptureSession, engine: Option<&Engine>, seconds: Option<u64>) -> anyhow::Result<()> {
    let cancel = super::cancelled_by_ctrl_c()?;
    let begun = Instant::now();
    let mut before: Vec<u64> = session.status().iter().map(|f| f.received).collect();
    let mut last = begun;
    for second in 1..=seconds.unwrap_or(u64::MAX) {
        while begun.elapsed() < Duration::from_secs(second) && !cancel.is_cancelled() {
            std::thread::sleep(Duration::from_millis(20));
        }
        let status = session.status();
        let elapsed = last.elapsed().as_secs_f64().max(1e-3);
        last = Instant::now();
        println!(
            "{second:>5} s  {:<12} {:<12} {:<7} {:>9} {:>6} {:>9} {:>7} {:>9} {:<9} {:>6} {:>9} attempts",
            "camera", "state", "codec", "size", "fps", "received", "dropped", "delay ms", "time from", "ppm", "jitter ms"
        );
        for (feed, before) in status.iter().zip(&before) {
            println!("         {}", row(feed, since(*before, feed.received) as f64 / elapsed));
        }
        let clock = session.clock().status();
        println!("         house clock: {clock}{}", clock.problem.as_ref().map_or_else(String::new, |why| format!(". {why}")));
        for line in ring_lines(&session.ring().status()).into_iter().chain(disk_lines(&session.disk_status())) {
            println!("         {line}");
        }
        for line in session.nodes().iter().flat_map(node_lines) {
            println!("         {line}");
        }
        if let Some(output) = engine.and_then(|e| e.snapshot().output.clone()) {
            for line in output_lines(&output) {
                println!("         {line}");
            }
        }
        if let Some(output) = engine.and_then(|e| e.snapshot().second.as_ref()?.output.clone()) {
            for line in output_lines(&output) {
                println!("         program B {line}");
            }
        }
        before = status.iter().map(|f| f.received).collect();
        if cancel.is_cancelled() {
            break;
        }
    }
    not_recorded(&session.disk_status()).map_or(Ok(()), |why| Err(anyhow::anyhow!("recording was asked for and is not happening: {why}")))
}

/// What has come since. A node that was started again counts its cameras' frames anew.
const fn since(before: u64, received: u64) -> u64 {
    if received < before { received } else { received - before }
}

/// How full the ring is, and what is wrong with it.
fn ring_lines(ring: &RingStatus) -> Vec<String> {
    let mut lines = vec![format!("ring: {:.1} of {:.1} MB", ring.bytes as f64 * 1e-6, ring.budget_bytes as f64 * 1e-6)];
    lines.extend(ring.warnings().into_iter().map(|warning| format!("  {warning}")));
    lines
}

/// Whether a node is there, how its clock is known, what came of it.
fn node_lines(node: &NodeStatus) -> Vec<String> {
    let state = if node.is_here { node.clock_in_words() } else { format!("node {} ({}) is away", node.name, node.address) };
    let (bytes, budget) = node.ring_bytes;
    let mb = |bytes: u64| bytes as f64 * 1e-6;
    let came = format!(
        "ring {:.1} of {:.1} MB, came {:.1} MB live, {:.1} MB fetched",
        mb(bytes),
        mb(budget),
        mb(node.live_bytes),
        mb(node.fetched_bytes)
    );
    let mut lines = vec![format!("{state}; {came}, {} connections", node.connections)];
    lines.extend(node.problem.iter().map(|problem| format!("  {problem}")));
    lines
}

/// The output's clock, and how every sink fares.
fn output_lines(output: &ProgramStatus) -> Vec<String> {
    let ProgramStatus { format, channel, sinks, sound } = output;
    let latency = channel.latency_nanos.map_or_else(|| "-".to_owned(), |nanos| format!("{:.0} ms", nanos as f64 * 1e-6));
    let mut lines = vec![format!(
        "output: {format}, {}, {} frames, {} repeated ({} underruns), {} slates, {} skipped, latency {latency}, at worst {:.1} ms late",
        channel.timecode,
        channel.frames,
        channel.repeated,
        channel.underruns,
        channel.slates,
        channel.skipped,
        channel.worst_late_nanos as f64 * 1e-6
    )];
    if !sound.input.is_empty() {
        lines.push(format!(
            "  sound: {}, freeze {}, {} underruns, {} gaps, {:.1} of {:.1} MB, {}",
            sound.input,
            sound.freeze.name(),
            sound.underruns,
            sound.ring.gaps,
            sound.ring.bytes as f64 * 1e-6,
            sound.ring.budget_bytes as f64 * 1e-6,
            sound.loudness
        ));
        lines.extend(sound.problem.iter().map(|problem| format!("    {problem}")));
    }
    for sink in sinks {
        lines.push(format!(
            "  {:<12} {:<8} {:<18} {:>7} frames {:>6.2} Mb/s {:>5} dropped {:>6} missed {:>3} retries  {}",
            sink.name,
            sink.state.word(),
            sink.codec,
            sink.frames,
            sink.bits_per_sec as f64 * 1e-6,
            sink.dropped,
            sink.missed,
            sink.retries,
            sink.address
        ));
        lines.extend(sink.problem.iter().map(|problem| format!("    {problem}")));
    }
    lines
}

/// Whether there is recording, what is missing on disk and why, and what is wrong; nothing when nobody asked for it.
fn disk_lines(disk: &DiskStatus) -> Vec<String> {
    if disk.state == DiskState::Off {
        return Vec::new();
    }
    let state = format!("{:?}", disk.state).to_lowercase();
    let missing = disk.feeds.iter().filter_map(|feed| {
        let reasons: Vec<String> =
            feed.dropped.reasons().filter(|(_, count, _)| *count > 0).map(|(name, count, _)| format!("{count} {name}")).collect();
        (!reasons.is_empty()).then(|| format!(", not on disk: {}: {}", feed.name, reasons.join(", ")))
    });
    let missing = missing.collect::<String>();
    let mut lines = vec![format!("disk: {state}, {:.1} of {:.1} MB{missing}", disk.bytes as f64 * 1e-6, disk.budget_bytes as f64 * 1e-6)];
    lines.extend(disk.warnings().into_iter().map(|warning| format!("  {warning}")));
    lines
}

/// Why what was asked for is not recorded, now.
fn not_recorded(disk: &DiskStatus) -> Option<String> {
    match disk.state {
        DiskState::Off => None,
        DiskState::Recording => disk.feeds.iter().find_map(|feed| Some(format!("{}: {}", feed.name, feed.note.as_ref()?))),
        DiskState::Paused | DiskState::Failed => Some(disk.problem.clone().unwrap_or_default()),
    }
}

fn row(feed: &FeedStatus, fps: f64) -> String {
    let codec = feed.codec.map_or_else(|| "-".to_owned(), |c| c.to_string());
    let size = feed.size_px.map_or_else(|| "-".to_owned(), |(w, h)| format!("{w}x{h}"));
    let state = format!("{:?}", feed.state).to_lowercase();
    let line = format!(
        "{:<12} {state:<12} {codec:<7} {size:>9} {fps:>6.1} {:>9} {:>7} {:>9.1} {:<9} {:>6} {:>9} {:>8}",
        feed.name,
        feed.received,
        feed.dropped.total(),
        feed.delay_nanos as f64 * 1e-6,
        feed.time_origin.to_string(),
        feed.source_clock.and_then(|c| c.skew_ppm).map_or_else(|| "-".to_owned(), |ppm| format!("{ppm:+.1}")),
        feed.source_clock.map_or_else(|| "-".to_owned(), |c| format!("{:.2}", c.jitter_nanos as f64 * 1e-6)),
        feed.reconnects
    );
    let mut lines = vec![line];
    lines.extend(feed.last_error.as_ref().map(|problem| format!("           {problem}")));
    // It is over, and the next table may be looked at first an hour later.
    let times = if feed.errors == 1 { "once".to_owned() } else { format!("{} times", feed.errors) };
    let past = feed.past_error.as_ref().filter(|_| feed.last_error.is_none());
    lines.extend(past.map(|problem| format!("           over (something was wrong {times}): {problem}")));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_that_begins_anew_is_no_rate_without_end() {
        assert_eq!((since(0, 60), since(60, 121), since(360, 45), since(360, 0)), (60, 61, 45, 0));
    }
}
