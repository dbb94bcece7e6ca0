//! `volte rig sync`: the cameras' clocks from their footage.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use glam::DVec3;
use indicatif::{ProgressBar, ProgressStyle};
use volte::{
    capture::CaptureSession,
    engine::{
        claps,
        clocks::{self, ClockJob, ClocksError, FlashJob},
        footage::Footage,
    },
    rig::{self, Format, Rig},
    sync::{Solution, clap::Source},
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

/// Whether a clap tells the time.
#[derive(Debug, Clone, clap::Args)]
pub struct ClapArgs {
    /// Somebody claps meanwhile, once or more, and every file has its camera's own sound: clocks are found from that first, however far they are apart, then from
    /// what moves.
    #[arg(long, conflicts_with = "flash")]
    clap: bool,
    /// Where the clap was, metres in the world of the rig; left out: where the cameras look, to a metre. The way of the sound to each camera is taken out.
    #[arg(long, value_name = "X,Y,Z", requires = "clap", value_delimiter = ',', num_args = 1, allow_hyphen_values = true)]
    at: Vec<f64>,
    /// How sure that is, metres: one standard deviation [default: 0.3 with --at, else 1].
    #[arg(long, value_name = "METRES", requires = "clap")]
    at_within: Option<f64>,
    /// Temperature of the air, °C: it tells the speed of sound [default: 20 ± 10].
    #[arg(long, value_name = "C", requires = "clap", allow_hyphen_values = true)]
    celsius: Option<f64>,
}

impl ClapArgs {
    /// Where the clap was, if there is one.
    fn source(&self, rig: &Rig) -> anyhow::Result<Option<Source>> {
        if !self.clap {
            return Ok(None);
        }
        let at_in_world = match self.at[..] {
            [x, y, z] if [x, y, z].iter().all(|v| v.is_finite() && v.abs() < 1e4) => DVec3::new(x, y, z),
            [] => rig::Arc::fit(rig)
                .map(|arc| arc.center_in_world)
                .context("the cameras look at no common point: give where the clap was as --at X,Y,Z")?,
            _ => bail!("--at: give three numbers, metres, e.g. 0,0,1.2"),
        };
        let at_sigma_m = self.at_within.unwrap_or(if self.at.is_empty() { 1.0 } else { 0.3 });
        let celsius = self.celsius.unwrap_or(20.0);
        if !(0.0..=100.0).contains(&at_sigma_m) || !(-60.0..=60.0).contains(&celsius) {
            bail!("--at-within takes metres from 0 to 100, --celsius degrees from -60 to 60");
        }
        let celsius_sigma = if self.celsius.is_some() { 2.0 } else { 10.0 };
        Ok(Some(Source { at_in_world, at_sigma_m, celsius, celsius_sigma }))
    }
}

/// Says what was taken out for the way of the sound.
fn print_ways(rig: &Rig, source: &Source) {
    let at = source.at_in_world;
    println!(
        "a clap at ({:.2}, {:.2}, {:.2}) m ± {:.1} m; sound at {:.1} m/s ({:.0} °C); its way is taken out:",
        at.x,
        at.y,
        at.z,
        source.at_sigma_m,
        source.speed_m_s(),
        source.celsius
    );
    for camera in &rig.cameras {
        let place = camera.center_in_world();
        println!("  {:<16} {:6.2} m {:7.2} ms", camera.name, place.distance(at), source.travel_nanos(place) * 1e-6);
    }
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
    #[command(flatten)]
    clap: ClapArgs,
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
    let source = args.clap.source(&rig)?;
    let cancel = super::cancelled_by_ctrl_c()?;
    let footage = Footage::beginning(&rig, &args.footage, args.seconds, &cancel)?;
    let (from, until) = footage.span();
    let bar = ProgressBar::new(1000);
    bar.set_style(ProgressStyle::with_template("looking at what moves {bar:40} {percent:>3} %  {elapsed}")?);
    let clocks = ClockJob::spread(from, until, args.bursts, reference.and_then(|r| r.first().copied()), args.within * 1e-3);
    let mut progress = |share: f32| {
        bar.set_position((share * 1000.0) as u64);
        !cancel.is_cancelled()
    };
    let solution = match &source {
        Some(source) => {
            let job = claps::ClapJob { source: *source, secs: args.seconds, max_offset_nanos: FLASH_WITHIN_NANOS, span: (from, until) };
            claps::measured(footage.session(), &rig, &args.footage, (&clocks, &job), &cancel, &mut progress).map_err(anyhow::Error::from)
        }
        None => args.flash.measured(footage.session(), &rig, &clocks, (from, until), &mut progress).map_err(anyhow::Error::from),
    };
    bar.finish_and_clear();
    let solution = solution?;
    if let Some(source) = &source {
        print_ways(&rig, source);
    }
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
                "  {:<16} not known: it shares neither a moving point nor a flash or clap with another camera; its stamps stay as they are",
                camera.name
            ),
        }
    }
    if solution.used == 0 {
        println!("by what all cameras saw or heard at once alone: too little moves to say more");
        return;
    }
    println!("{} points used, {} left out as wrong, {:.2} px beside their lines", solution.used, solution.rejected, solution.residual_px);
}
