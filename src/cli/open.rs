//! `volte open` and `volte show`: a production from its show file.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use volte::{
    app,
    capture::{CaptureSession, FeedStatus},
    engine::{
        CapturedFeeds,
        production::{Production, learn_sizes},
    },
    show::Show,
};

use super::console::Desk;

/// What `volte open` takes.
#[derive(Debug, clap::Args)]
#[command(long_about = ABOUT, after_help = EXAMPLES)]
pub struct Args {
    /// The show file.
    #[arg(value_name = "SHOW.toml")]
    show: PathBuf,
    /// No windows: print how every feed fares, once a second.
    #[arg(long)]
    headless: bool,
    /// End after so many seconds.
    #[arg(long, value_name = "SECONDS", requires = "headless", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: Option<u64>,
    /// Open the program window in full screen.
    #[arg(long)]
    full_screen: bool,
    /// Do not open the program window; F11 opens it later.
    #[arg(long)]
    no_program_window: bool,
}

const ABOUT: &str = "\
Open the console on a production: its rig, its cameras and its settings from one file (docs/show.md).

A camera that is away holds up nobody: it is connected again and again, and joins when it comes.";

const EXAMPLES: &str = "\
Examples:
  volte show check final.toml                 what is wrong with the file, without opening anything
  volte open final.toml                       the console
  volte open final.toml --headless --seconds 30
                                              are all cameras there? State, rate, losses and delay, each second";

/// What `volte show` takes.
#[derive(Debug, clap::Subcommand)]
pub enum ShowArgs {
    /// Check a show file against its rig, without opening anything.
    Check {
        /// The show file.
        #[arg(value_name = "SHOW.toml")]
        show: PathBuf,
    },
}

/// Runs `volte show`.
pub fn run_show(args: ShowArgs) -> anyhow::Result<()> {
    let ShowArgs::Check { show } = args;
    let show = Show::load(&show)?;
    let production = Production::of_show(&show)?;
    note_missing(&production);
    println!("{}: {} feeds, {} cameras, nothing wrong", show.name, production.specs.len(), production.rig.cameras.len());
    Ok(())
}

fn note_missing(production: &Production) {
    if !production.without_feed.is_empty() {
        eprintln!("note: no feed for {}: left out of every moment", production.without_feed.join(", "));
    }
}

/// Runs `volte open`.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let show = Show::load(&args.show)?;
    let mut production = Production::of_show(&show)?;
    // Nobody looks at small pictures there.
    production.capture.preview.enabled = !args.headless;
    if !args.headless && !app::has_display() {
        return Err(app::AppError::NoDisplay("neither DISPLAY nor WAYLAND_DISPLAY is set; --headless needs none".to_owned()).into());
    }
    note_missing(&production);
    let session = production.start()?;
    if args.headless {
        return watch(&session, args.seconds);
    }
    let mut rig = production.rig;
    learn_sizes(&mut rig, &session);
    for feed in session.status() {
        if let Some(problem) = feed.last_error {
            eprintln!("note: {}: {problem}", feed.name);
        }
    }
    let feeds = Arc::new(CapturedFeeds::new(rig, session, None)?);
    Desk::of_show(&show, args.full_screen, args.no_program_window).open(feeds)
}

/// Prints a table every second.
fn watch(session: &CaptureSession, seconds: Option<u64>) -> anyhow::Result<()> {
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
            "{second:>5} s  {:<12} {:<12} {:<7} {:>9} {:>6} {:>9} {:>7} {:>9} {:<9} {:>6} {:>9} again",
            "camera", "state", "codec", "size", "fps", "received", "dropped", "delay ms", "time from", "ppm", "jitter ms"
        );
        for (feed, before) in status.iter().zip(&before) {
            println!("         {}", row(feed, (feed.received - before) as f64 / elapsed));
        }
        before = status.iter().map(|f| f.received).collect();
        if cancel.is_cancelled() {
            break;
        }
    }
    Ok(())
}

fn row(feed: &FeedStatus, fps: f64) -> String {
    let codec = feed.codec.map_or_else(|| "-".to_owned(), |c| c.to_string());
    let size = feed.size_px.map_or_else(|| "-".to_owned(), |(w, h)| format!("{w}x{h}"));
    let state = format!("{:?}", feed.state).to_lowercase();
    let line = format!(
        "{:<12} {state:<12} {codec:<7} {size:>9} {fps:>6.1} {:>9} {:>7} {:>9.1} {:<9} {:>6} {:>9} {:>5}",
        feed.name,
        feed.received,
        feed.dropped.total(),
        feed.delay_nanos as f64 * 1e-6,
        feed.time_origin.to_string(),
        feed.source_clock.and_then(|c| c.skew_ppm).map_or_else(|| "-".to_owned(), |ppm| format!("{ppm:+.1}")),
        feed.source_clock.map_or_else(|| "-".to_owned(), |c| format!("{:.2}", c.jitter_nanos as f64 * 1e-6)),
        feed.reconnects
    );
    let healthy = feed.state == volte::capture::FeedState::Live;
    match &feed.last_error {
        Some(problem) if !healthy => format!("{line}\n           {problem}"),
        _ => line,
    }
}
