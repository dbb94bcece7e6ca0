//! `volte venue`: the built-in synthetic venue as files.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use indicatif::{ProgressBar, ProgressStyle};
use volte::{
    gpu::{Gpu, GpuOptions},
    rig::Rig,
    time::MediaTime,
    venue::{Dataset, FaultRequest, HardScene, Sensor, Venue, VenueOptions, VenueRig},
};

/// What `volte venue` takes.
#[derive(Debug, clap::Subcommand)]
pub enum Args {
    /// Draw the venue from any number of cameras: pictures, calibration and ground truth, an open benchmark.
    #[command(after_help = EXAMPLES)]
    Export(Export),
}

const EXAMPLES: &str = "\
Examples:
  volte venue export --out hall                                     16 cameras on 90 degrees, 1280x720
  volte venue export --cameras 24 --layout ring --out ring          a full ring
  volte venue export --ground-truth --times 0.4,0.96 --out truth    two instants with depth and mattes
  volte venue export --scene wall --cameras 6 --span 30 --out wall  a hard scene: a wall without texture
  volte venue export --fault cam04:calibration=2 --fault all:noise=2,kelvin=4300 --out poor
The folder holds images/ with transforms.json, and orbit/ with transforms_orbit.json: what a perfect view synthesis would
show in the middle of each gap.";

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Layout {
    /// On an arc in front of the athlete.
    Arc,
    /// All around.
    Ring,
}

/// What `volte venue export` takes.
#[derive(Debug, clap::Args)]
pub struct Export {
    /// How many cameras.
    #[arg(long, default_value_t = 16)]
    cameras: usize,
    /// How they stand.
    #[arg(long, value_enum, default_value = "arc")]
    layout: Layout,
    /// Degrees from the first camera of an arc to the last.
    #[arg(long, default_value_t = 90.0)]
    span: f64,
    /// Metres from the cameras to the athlete.
    #[arg(long, default_value_t = 6.0)]
    radius: f64,
    /// A hard scene: bar, racket, net, hair, floor, wall, highlights, blur, overlap, partial, lenses (docs/scenes.md says what each is).
    /// It brings its own place and lenses; cameras, span and size are as given.
    #[arg(long, value_name = "NAME", value_parser = parse_scene, conflicts_with_all = ["layout", "radius"])]
    scene: Option<&'static HardScene>,
    /// Picture size in pixels.
    #[arg(long, default_value = "1280x720", value_parser = parse_size)]
    size: (u32, u32),
    /// Instants in seconds, separated by commas; with more than one, each gets a folder.
    #[arg(long, value_delimiter = ',', default_value = "0.96")]
    times: Vec<f64>,
    /// Rays per pixel at edges, 1 to 16.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=16))]
    samples: u32,
    /// Also write depth (16-bit PNG, millimetres) and mattes.
    #[arg(long)]
    ground_truth: bool,
    /// Leave out the truth in the gaps.
    #[arg(long)]
    no_orbit: bool,
    /// What is wrong with a camera: CAMERA:FAULT=VALUE, e.g. cam04:bump=0s/0.01 or all:noise=2,kelvin=4300. May be given more
    /// than once; `all` or `*` is every camera. Faults: offset, skew, kelvin, ev, noise, shot, rolling, bump, dies, calibration, seed
    /// (docs/venue.md). Pictures suffer; calibration, depth and mattes stay those of the perfect camera.
    #[arg(long = "fault", value_name = "CAMERA:FAULTS")]
    faults: Vec<FaultRequest>,
    /// The folder to write; it must not exist or be empty.
    #[arg(long)]
    out: PathBuf,
}

fn parse_scene(name: &str) -> Result<&'static HardScene, String> {
    HardScene::find(name).ok_or_else(|| format!("there is no scene {name:?}. There are {}", HardScene::names()))
}

fn parse_size(text: &str) -> Result<(u32, u32), String> {
    let wrong = || format!("{text:?} is not a size like 1280x720");
    let (w, h) = text.split_once('x').ok_or_else(wrong)?;
    let side = |s: &str| s.trim().parse::<u32>().ok().filter(|v| (16..=8192).contains(v)).ok_or_else(wrong);
    Ok((side(w)?, side(h)?))
}

/// Runs it.
pub fn run(args: Args) -> anyhow::Result<()> {
    let Args::Export(args) = args;
    if !(1..=1000).contains(&args.cameras) {
        bail!("{} cameras cannot be placed: give 1 to 1000", args.cameras);
    }
    if !(1.0..=12.0).contains(&args.radius) || !(0.0..=360.0).contains(&args.span) {
        bail!("a radius of {} m and a span of {} degrees do not fit the venue: radius 1 to 12, span 0 to 360", args.radius, args.span);
    }
    if let Some(t) = args.times.iter().find(|t| !t.is_finite() || t.abs() > 1e6) {
        bail!("{t} is not an instant in seconds");
    }
    let (width, height) = args.size;
    let own = VenueRig { radius_m: args.radius, ..VenueRig::of_size(width, height) };
    let place = args.scene.map_or(own, |s| s.place(width, height));
    let closed = args.layout == Layout::Ring;
    let rig = match args.scene {
        Some(scene) => scene.rig(width, height, args.cameras, args.span / args.cameras.saturating_sub(1).max(1) as f64),
        None if closed => place.on_ring(args.cameras),
        None => place.on_arc(args.cameras, args.span),
    };
    let names: Vec<&str> = rig.cameras.iter().map(|c| c.name.as_str()).collect();
    let faults = FaultRequest::resolve(&args.faults, &names).context("--fault")?;
    faults.iter().try_for_each(volte::venue::Faults::refuse_in_stills).context("--fault")?;
    let dataset = Dataset {
        faults,
        rig,
        orbit: if args.no_orbit { Rig::default() } else { place.between(args.cameras, args.span, closed) },
        times: args.times.iter().map(|t| MediaTime::from_secs_f64(*t)).collect(),
        ground_truth: args.ground_truth,
        sensor: args.scene.map_or(Sensor::NONE, |s| s.sensor(Sensor::NONE)),
    };
    let gpu = Gpu::open(&GpuOptions::default())?;
    let options = VenueOptions { samples: args.samples, ..VenueOptions::default() };
    let options = args.scene.map_or_else(|| options.clone(), |s| s.options(&options));
    let mut venue = Venue::new(&gpu, options)?;
    let cancel = super::cancelled_by_ctrl_c()?;
    let style = ProgressStyle::with_template("{msg} [{bar:40}] {pos}/{len} {eta}")?;
    let bar = ProgressBar::new(dataset.picture_count() as u64).with_style(style).with_message("drawing");
    dataset.write(&mut venue, &args.out, |done| {
        bar.set_position(done as u64);
        !cancel.is_cancelled()
    })?;
    bar.finish_and_clear();
    println!("{} pictures in {}", dataset.picture_count(), args.out.display());
    Ok(())
}
