//! `volte rig sync`: the cameras' clocks from their footage.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use indicatif::{ProgressBar, ProgressStyle};
use volte::{
    capture::CaptureSession,
    engine::{
        clocks::{self, ClockJob, ClocksError, FlashJob},
        footage::Footage,
    },
    rig::{self, Format, Rig},
    sync::Solution,
    time::MediaTime,
};

/// Clocks that are further apart are not thought of, whatever a flash says: several of them fit in many ways.
const FLASH_WITHIN_NANOS: i64 = 5_000_000_000;

/// Whether a flash tells the time.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct FlashArgs {
    /// A flash goes off meanwhile, once or more: clocks are found from it first, however far they are apart, then from what moves.
    #[arg(long)]
    flash: bool,
    /// The sensors' time from the first row to the last, milliseconds; 0 for a global shutter. With --flash; left out, a flash tells to a frame.
    #[arg(long, value_name = "MS", requires = "flash")]
    readout: Option<f64>,
}

impl FlashArgs {
    /// Refuses a readout that no sensor has.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        match self.readout {
            Some(ms) if !(0.0..=1000.0).contains(&ms) => bail!("--readout {ms}: give milliseconds from 0 (a global shutter) to 1000"),
            _ => Ok(()),
        }
    }

    /// The clocks by what was asked for.
    pub(super) fn measured(
        &self,
        session: &CaptureSession,
        rig: &Rig,
        job: &ClockJob,
        span: (MediaTime, MediaTime),
        progress: &mut dyn FnMut(f32) -> bool,
    ) -> Result<Solution, ClocksError> {
        if !self.flash {
            return clocks::measured(session, rig, job, progress);
        }
        let readout_nanos = self.readout.map(|ms| (ms * 1e6).round() as i64);
        let flash = FlashJob { span, readout_nanos, max_offset_nanos: FLASH_WITHIN_NANOS };
        clocks::measured_with_flashes(session, rig, (job, &flash), progress)
    }
}

/// What `volte rig sync` takes.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The calibration: a file or a folder, of any format that `check` reads.
    rig: PathBuf,
    /// Video, one file per camera, each named like its camera: a folder or files.
    #[arg(long, value_name = "FOLDER|FILES", num_args = 1.., required = true)]
    footage: Vec<PathBuf>,
    /// How much of the footage to look at, seconds from its start.
    #[arg(long, default_value_t = 20.0)]
    seconds: f64,
    /// At how many instants, spread evenly.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=1000))]
    bursts: u32,
    /// The camera whose clock is the measure; left out: the one that shares most with its neighbours.
    #[arg(long, value_name = "CAMERA")]
    reference: Option<String>,
    /// How far two cameras may be off against each other, milliseconds.
    #[arg(long, default_value_t = 50.0, value_name = "MS")]
    within: f64,
    #[command(flatten)]
    flash: FlashArgs,
    /// Only these cameras, by name, separated by commas.
    #[arg(long = "use", value_name = "A,B,…", value_delimiter = ',')]
    only: Vec<String>,
    /// Write the rig with the offsets that were found (rig.toml).
    #[arg(long, value_name = "OUT.toml")]
    out: Option<PathBuf>,
    /// Replace the file of that name.
    #[arg(long)]
    overwrite: bool,
}

/// Runs it.
pub fn run(args: &Args) -> anyhow::Result<()> {
    if !(args.seconds.is_finite() && args.seconds > 0.0) {
        bail!("--seconds {}: give how much of the footage to look at, e.g. 20", args.seconds);
    }
    if !(args.within.is_finite() && (0.1..=2000.0).contains(&args.within)) {
        bail!("--within {}: give milliseconds from 0.1 to 2000", args.within);
    }
    args.flash.check()?;
    if let Some(out) = &args.out {
        super::rig::refuse_taken(out, Format::RigToml, args.overwrite)?;
    }
    let mut rig = rig::load(&args.rig)?.only(&args.only).context("--use")?;
    let reference = args.reference.as_ref().map(|name| rig.indices_of(&[name])).transpose().context("--reference")?;
    let cancel = super::cancelled_by_ctrl_c()?;
    let footage = Footage::beginning(&rig, &args.footage, args.seconds, &cancel)?;
    let (from, until) = footage.span();
    let bar = ProgressBar::new(1000);
    bar.set_style(ProgressStyle::with_template("looking at what moves {bar:40} {percent:>3} %  {elapsed}")?);
    let job = ClockJob::spread(from, until, args.bursts, reference.and_then(|r| r.first().copied()), args.within * 1e-3);
    let mut progress = |share: f32| {
        bar.set_position((share * 1000.0) as u64);
        !cancel.is_cancelled()
    };
    let solution = args.flash.measured(footage.session(), &rig, &job, (from, until), &mut progress);
    bar.finish_and_clear();
    let solution = solution?;
    print(&rig, &solution);
    if let Some(out) = &args.out {
        for (camera, clock) in rig.cameras.iter_mut().zip(&solution.cameras) {
            camera.clock_offset_nanos += clock.map_or(0, |c| c.offset_nanos);
        }
        rig::save(&rig, out, Format::RigToml)?;
        println!("written to {}", out.display());
    }
    Ok(())
}

pub(super) fn print(rig: &Rig, solution: &Solution) {
    println!("clocks against {}: what to add to a camera's stamps", rig.cameras[solution.reference].name);
    for (i, (camera, clock)) in rig.cameras.iter().zip(&solution.cameras).enumerate() {
        match clock {
            _ if i == solution.reference => println!("  {:<16} the measure", camera.name),
            Some(c) => {
                let skew = c.skew_ppm.map_or_else(String::new, |(ppm, sigma)| format!("  {ppm:+.1} ± {sigma:.1} ppm"));
                let (ms, sigma) = (c.offset_nanos as f64 * 1e-6, c.sigma_nanos as f64 * 1e-6);
                println!("  {:<16} {ms:+8.3} ± {sigma:.3} ms  {} points{skew}", camera.name, c.points);
            }
            None => println!(
                "  {:<16} not known: it shares neither a moving point nor a flash with another camera; its stamps stay as they are",
                camera.name
            ),
        }
    }
    if solution.used == 0 {
        println!("by flashes alone: too little moves to say more");
        return;
    }
    println!("{} points used, {} left out as wrong, {:.2} px beside their lines", solution.used, solution.rejected, solution.residual_px);
}
