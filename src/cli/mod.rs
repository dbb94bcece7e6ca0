//! The command line: what each command takes, and the one call into the library that it makes.
//!
//! One file per command, each with its `Args` and a `run`.

mod arena;
mod bench;
mod calibrate;
mod cameras;
mod console;
mod demo;
mod devices;
mod export;
mod node;
mod open;
mod playlist;
mod preview;
mod provenance;
mod recordings;
mod refine;
mod rig;
mod sync;
mod venue;
mod watch;

pub use arena::one_arena;

use std::path::Path;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use volte::{
    output::CancelToken,
    scene::{Matching, Quality},
    show::{Show, ShowError},
};

/// Multi-camera freeze-frame replay: mark an instant, travel around it, put it on air.
///
/// Cameras stand around an athlete. Volte keeps the last minutes of all of them, and on a mark it freezes the picture
/// and flies between the cameras, through positions where no camera stands.
#[derive(Debug, Parser)]
#[command(version, subcommand_required = false, after_help = TOUR, max_term_width = 120)]
pub struct Cli {
    /// Say more on standard error; twice for everything. `RUST_LOG` overrides it.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    #[command(subcommand)]
    command: Option<Command>,
}

const TOUR: &str = "\
A first walk:
  volte demo                                  sixteen synthetic cameras around an athlete, live
  volte rig check path/to/transforms.json     what a calibration says and what is wrong with it
  volte export --help                         pictures and a rig in, a video of the orbit out
Without a command the console opens.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Open the operator's console (the default).
    Console(console::Args),
    /// Open the console on a production from its show file.
    Open(open::Args),
    /// Look on at a running console as a producer.
    Preview(preview::Args),
    /// Capture cameras on this machine for a console on another one.
    Node(node::Args),
    /// Check a show file.
    #[command(subcommand)]
    Show(open::ShowArgs),
    /// Show Volte on its built-in venue: no cameras, no data needed.
    Demo(demo::Args),
    /// Write an orbit around one instant to a video file or a sequence of pictures.
    Export(export::Args),
    /// Write the playlist of a recording for editing programs: OTIO, EDL.
    Playlist(playlist::Args),
    /// Say what of a written file is real: it is set against its sidecar, and one that was changed is refused.
    Provenance(provenance::Args),
    /// List what a recording folder holds: feeds, spans, events, damage.
    Recordings(recordings::Args),
    /// Calibrate cameras from pictures of a board, a wand or a ball that is carried through the volume, or of the venue alone.
    ///
    /// Finds a ChArUco board, chessboard or AprilGrid (--board), two lights on a wand (--wand), one ball (--ball), or without any of them what the venue itself shows, in
    /// synchronized footage or folders of pictures, solves each camera's lens and where all stand, and says what is missing and where to hold the
    /// board. --live does the same with a board before running cameras. What can be solved is written, also where cameras are missing.
    Calibrate(calibrate::Args),
    /// Read, check, draw and convert the calibration of the cameras.
    #[command(subcommand)]
    Rig(rig::Args),
    /// Draw the built-in synthetic venue into files: pictures, calibration, ground truth.
    #[command(subcommand)]
    Venue(venue::Args),
    /// Measure by a fixed protocol: how true the pictures between the cameras are, and how many cameras this machine takes.
    #[command(subcommand)]
    Bench(bench::Args),
    /// List the GPUs, the cameras and the encoders that Volte finds on this machine.
    Devices(devices::Args),
}

/// Runs what was asked for.
pub fn run(cli: Cli) -> anyhow::Result<()> {
    match cli.command.unwrap_or_else(|| Command::Console(console::Args::default())) {
        Command::Console(args) => console::run(args),
        Command::Open(args) => open::run(&args),
        Command::Preview(args) => preview::run(&args),
        Command::Node(args) => node::run(&args),
        Command::Show(args) => open::run_show(args),
        Command::Demo(args) => demo::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Playlist(args) => playlist::run(&args),
        Command::Provenance(args) => provenance::run(&args),
        Command::Recordings(args) => recordings::run(&args),
        Command::Calibrate(args) => calibrate::run(&args),
        Command::Rig(args) => rig::run(args),
        Command::Venue(args) => venue::run(args),
        Command::Bench(args) => bench::run(args),
        Command::Devices(args) => devices::run(args),
    }
}

/// A quality level by its name.
fn parse_matching(text: &str) -> Result<Matching, String> {
    Matching::from_name(text).ok_or_else(|| format!("{text:?} is none of glide, common, off"))
}

fn parse_quality(text: &str) -> Result<Quality, String> {
    Quality::from_name(text).ok_or_else(|| format!("{text:?} is none of draft, air, hero"))
}

/// Becomes cancelled with the first Ctrl-C, or when the process is asked to end; the second ends it at once.
fn cancelled_by_ctrl_c() -> anyhow::Result<CancelToken> {
    let cancel = CancelToken::default();
    let asked = cancel.clone();
    ctrlc::set_handler(move || {
        if asked.cancel() {
            // Asked twice: do not wait for anything.
            std::process::exit(130);
        }
    })
    .context("cannot listen for Ctrl-C")?;
    Ok(cancel)
}

/// Sends log lines to standard error: warnings, with `-v` also what happens, with `-vv` everything.
pub fn log_to_stderr(verbose: u8) {
    let level = ["volte=warn", "volte=info", "volte=debug"][usize::from(verbose.min(2))];
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_unset| level.into());
    // Fails only when a logger is set already; then that one is as good.
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .without_time()
        .try_init()
        .ok();
}

/// Reads a show file and makes of it what `examine` makes; all that is wrong with either is the error.
fn without_mistakes<T>(path: &Path, examine: impl FnOnce(&Show) -> (T, Vec<ShowError>)) -> anyhow::Result<(Show, T)> {
    let text = std::fs::read_to_string(path).map_err(|source| ShowError::Read { file: path.to_owned(), source })?;
    let (show, mut wrong) = Show::examine(&text, path);
    let made = show.map(|show| {
        let (made, more) = examine(&show);
        wrong.extend(more);
        (show, made)
    });
    wrong.sort_by_key(|e| if let ShowError::Line { line, .. } = e { *line } else { 0 });
    made.filter(|_| wrong.is_empty()).ok_or_else(|| mistakes_in_words(&wrong))
}

/// The mistakes of a show file, a line each.
fn mistakes_in_words(all: &[ShowError]) -> anyhow::Error {
    if let [one] = all {
        return anyhow::anyhow!("{one}");
    }
    let lines: Vec<String> = all.iter().map(ToString::to_string).collect();
    anyhow::anyhow!("{} mistakes:\n  {}", all.len(), lines.join("\n  "))
}

/// An error and its causes on one line; a cause that the error itself already tells is not repeated.
pub fn chain(problem: &anyhow::Error) -> String {
    problem.chain().skip(1).fold(problem.to_string(), |told, cause| {
        let cause = cause.to_string();
        if told.contains(&cause) { told } else { format!("{told}: {cause}") }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
    }

    #[test]
    fn causes_are_told_once() {
        let inner = anyhow::anyhow!("disk full");
        assert_eq!(chain(&inner.context("cannot write x: disk full")), "cannot write x: disk full");
        assert_eq!(chain(&anyhow::anyhow!("disk full").context("cannot write x")), "cannot write x: disk full");
    }
}
