//! `volte bench`: measures against others, by a fixed protocol.

use std::{path::PathBuf, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};
use volte::{
    engine::bench::{
        self, Protocol, Report,
        venue::{self, Part, Scope, VenueReport},
    },
    gpu::{Gpu, GpuOptions},
    output::CancelToken,
};

/// What `volte bench` takes.
#[derive(Debug, clap::Subcommand)]
pub enum Args {
    /// Hide real cameras, synthesize them from the others, and compare with what they really saw.
    ///
    /// Runs every development set by one protocol, prints how Volte stands against what others reach on the same pictures, and writes a
    /// folder with a page to look at: real, synthesized, difference and cross-fade, the worst picture first. Open its index.html in a
    /// browser; it needs no server.
    Pictures(PicturesArgs),
    /// Measure synthesis on the built-in venue, where pose and depth are known exactly. Needs no data.
    ///
    /// Six parts: how far the pictures stay behind the same renderer with true depth; how steady an orbit is; quality over the spacing of
    /// the cameras; what faulty cameras cost; what is hard (thin things, no texture, motion blur, …), each alone; and what plates and
    /// mattes give. Prints the figures with their targets and writes a folder with a page and plots.
    Venue(VenueArgs),
    /// Find out how many cameras this machine can take, and what limits it. Needs no data.
    ///
    /// Adds live feeds (files at live pace, each with a pipeline of its own) until frames drop, arrive late or the streaming threads fall
    /// behind. Prints a row per step, and at the end the limit and what it is: processor, memory budget, disk.
    Cameras(super::cameras::CamerasArgs),
}

/// What `volte bench venue` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = VENUE_EXAMPLES)]
pub struct VenueArgs {
    /// Where the report goes: a new or empty folder, or the report of an earlier run, which is replaced.
    #[arg(long, value_name = "DIR", default_value = "out/bench-venue")]
    out: PathBuf,
    /// Only these parts, separated by commas: oracle, orbit, spacing, robustness, scenes, layers, colour; or single scenes (docs/scenes.md).
    #[arg(long, value_name = "A,B,…", value_delimiter = ',')]
    only: Vec<String>,
    /// For a look: small pictures, few of them. The figures compare with no others.
    #[arg(long)]
    quick: bool,
}

const VENUE_EXAMPLES: &str = "\
Examples:
  volte bench venue
  volte bench venue --only orbit --out /tmp/orbit
  volte bench venue --only racket,partial

The report: index.html (the page), scores.json (all figures), pictures (what was compared, and the plots as SVG).";

/// What `volte bench pictures` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct PicturesArgs {
    /// The folder that holds the data sets.
    #[arg(long, env = "VOLTE_DATA", value_name = "DIR", default_value = "../shared/data")]
    data: PathBuf,
    /// Where the report goes: a new or empty folder, or the report of an earlier run, which is replaced.
    #[arg(long, value_name = "DIR", default_value = "out/bench-pictures")]
    out: PathBuf,
    /// Only these sets, separated by commas.
    #[arg(long, value_name = "A,B,…", value_delimiter = ',')]
    only: Vec<String>,
    /// For a look: hide two neighbours in the middle of each set, and synthesize them from six. The figures compare with no others.
    #[arg(long)]
    quick: bool,
    /// Adjust each rig to the pictures that go in first, as `volte rig refine` does; the hidden cameras have no part in it.
    #[arg(long)]
    refine: bool,
    /// Another table of sets: your own data by the same protocol (the form is explained in src/engine/bench/pictures.toml).
    #[arg(long, value_name = "FILE.toml")]
    sets: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  volte bench pictures --data ../shared/data
  volte bench pictures --only walk,fox --quick --out /tmp/look
  volte bench pictures --sets mine.toml --data my-pictures

The report: index.html (the page), scores.json (all figures), and per set the folders real, synthesized, cross-fade, difference and mask.";

/// Runs it.
pub fn run(args: Args) -> anyhow::Result<()> {
    match args {
        Args::Pictures(args) => pictures(&args),
        Args::Venue(args) => on_venue(&args),
        Args::Cameras(args) => super::cameras::run(args),
    }
}

fn progress_bar() -> anyhow::Result<ProgressBar> {
    let style = ProgressStyle::with_template("{prefix:16} {bar:32} {percent:>3} %  {elapsed} gone, {eta} to go")?;
    let bar = ProgressBar::new(1000).with_style(style);
    bar.enable_steady_tick(Duration::from_secs(1));
    Ok(bar)
}

/// Shows how far a bench is; false when it shall stop.
fn show(bar: &ProgressBar, p: &bench::Progress<'_>, cancel: &CancelToken) -> bool {
    bar.set_prefix(format!("{}/{} {}", p.index + 1, p.sets, p.set));
    bar.set_position((p.share * 1000.0) as u64);
    !cancel.is_cancelled()
}

fn pictures(args: &PicturesArgs) -> anyhow::Result<()> {
    // Everything that can be missing comes before everything that takes time.
    let protocol = match &args.sets {
        Some(path) => Protocol::load(path)?,
        None => Protocol::own()?,
    };
    let protocol = protocol.only(&args.only)?;
    let sets = bench::find(&protocol, &args.data, args.quick)?;
    let cancel = super::cancelled_by_ctrl_c()?;
    let gpu = Gpu::open(&GpuOptions::default())?;
    let bar = progress_bar()?;
    let mut progress = |p: bench::Progress<'_>| show(&bar, &p, &cancel);
    let mut finished = |set: &bench::SetResult| {
        let mean = set.mean.volte;
        bar.suspend(|| eprintln!("{:<14} {:.2} dB / {:.3}, {:.0} s", set.id, mean.psnr_db, mean.ssim, set.seconds));
    };
    let report = Report::new(protocol.source, args.quick);
    let done = bench::run(&sets, report, &gpu, &args.out, args.refine, &mut progress, &mut finished);
    bar.finish_and_clear();
    let report = done?;
    println!("{}", report.table());
    for remark in report.remarks() {
        println!("{remark}");
    }
    println!("\nLook at them: {}", args.out.join("index.html").display());
    Ok(())
}

fn on_venue(args: &VenueArgs) -> anyhow::Result<()> {
    let parts = Part::only(&args.only)?;
    let scope = if args.quick { Scope::quick() } else { Scope::full() }.with_scenes_of(&args.only);
    let cancel = super::cancelled_by_ctrl_c()?;
    let gpu = Gpu::open(&GpuOptions::default())?;
    let bar = progress_bar()?;
    let mut progress = |p: bench::Progress<'_>| show(&bar, &p, &cancel);
    let mut finished = |part: Part, report: &VenueReport| {
        bar.suspend(|| eprintln!("{} measured, {:.0} s", part.name(), report.seconds));
    };
    let done = venue::run(&parts, &scope, &gpu, &args.out, &mut progress, &mut finished);
    bar.finish_and_clear();
    let report = done?;
    println!("{}", report.text());
    println!("Computed on {} in {:.0} s.\nLook at it: {}", report.adapter, report.seconds, args.out.join("index.html").display());
    Ok(())
}
