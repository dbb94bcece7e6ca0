//! A lesson: the frozen moment for the web, without a server. One HTML file that any browser plays from a disk and lets its reader drag
//! around the athlete (an interactive orbit package), and the same moment as splats, for viewers that walk through it.
//!
//! ```text
//! cargo run --release --example export_moment -- --rig fox/transforms.json --pictures fox/images --out fox
//! ```
//!
//! On the command line: `volte export … --out turn.html`, `--out moment.splat`, `--out moment.gs.ply`.

use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use clap::Parser as _;
use volte::{
    engine::{
        export::{self, ExportJob, Moments},
        interchange::{self, MomentForm},
    },
    frame::Moment,
    gpu::{Gpu, GpuOptions},
    output::{CancelToken, OutputSpec, SidecarHeader},
    replay::{
        path::{Path, Preset, PresetOptions},
        trim::TrimList,
    },
    rig::{self, Rig},
    scene::SceneOptions,
    time::{FrameRate, MediaTime},
    view::ViewMode,
};

/// Rig + pictures → `turn.html`, `moment.splat`, `moment.gs.ply`.
#[derive(Debug, clap::Parser)]
struct Args {
    /// The calibration, in any format of the field.
    #[arg(long)]
    rig: PathBuf,
    /// One picture per camera, named like its camera.
    #[arg(long)]
    pictures: PathBuf,
    /// Only these cameras.
    #[arg(long = "use", value_delimiter = ',')]
    only: Vec<String>,
    /// Longest side of the depth maps in pixels: smaller is faster, and makes fewer splats.
    #[arg(long)]
    depth_size: Option<u32>,
    /// Places of the page per camera: more turn smoother, and make a larger file.
    #[arg(long, default_value_t = 6)]
    places: u32,
    /// Folder for the three files.
    #[arg(long)]
    out: PathBuf,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    std::fs::create_dir_all(&args.out).with_context(|| format!("cannot make the folder {}", args.out.display()))?;
    let matched = rig::pictures::match_rig(&rig::load(&args.rig)?.only(&args.only)?, &args.pictures)?;
    let moment = export::moment_of_pictures(&matched.rig, &matched.paths)?;
    let gpu = Gpu::open(&GpuOptions::default())?;
    let cancel = CancelToken::default();

    // 1. A path from the first camera to the last at constant speed: a page has no time, only places, so there are no holds.
    let gaps = matched.rig.cameras.len() - 1;
    ensure!(gaps > 0, "one camera has nothing to turn around; give two or more");
    let places = args.places * gaps as u32;
    let secs = f64::from(places) / 10.0;
    let options = PresetOptions { to: gaps as f64, secs, hold_secs: 0.0, ring_cameras: gaps + 1, ..PresetOptions::default() };
    let path = Preset::FreezeOrbit.path(&options);

    // 2. The page. Its pictures and its script are in it, so it asks the net for nothing; its sidecar's words are in it as well, so that
    //    the reader sees which camera is near and how many pixels no camera saw.
    let page = job(&args, &matched.rig, &moment, &path, "turn.html");
    let report = export::run(page, &gpu, &mut |_progress| {}, &cancel)?;
    println!("{}: {} places, {} kB", report.output.path.display(), report.output.frames, report.output.bytes / 1000);

    // 3. The moment itself: what the cameras saw with confidence, as Gaussians as large as their pixels. They are not trained; a trainer
    //    goes on from `MomentForm::Folder`, which has the frames and their poses.
    for (name, form) in [("moment.splat", MomentForm::Splat), ("moment.gs.ply", MomentForm::Gaussians)] {
        let asked = job(&args, &matched.rig, &moment, &path, name);
        let report = interchange::write_moment(asked, form, &gpu, &mut |_share| {}, &cancel)?;
        println!("{}: {} splats of {} cameras", report.path.display(), report.points, report.cameras);
    }
    Ok(())
}

fn job(args: &Args, rig: &Rig, moment: &Moment, path: &Path, name: &str) -> ExportJob {
    ExportJob {
        rig: rig.clone(),
        moments: Moments::One(moment.clone()),
        path: path.clone(),
        mark: MediaTime::ZERO,
        follow: false,
        mode: ViewMode::Synthesis,
        gaps: vec![],
        scene: SceneOptions { max_depth_size_px: args.depth_size, ..SceneOptions::default() },
        plates: vec![],
        phases: vec![],
        graphics: vec![],
        trims: TrimList::default(),
        output: OutputSpec {
            path: args.out.join(name),
            width_px: 480,
            height_px: 270,
            rate: FrameRate::whole(10),
            codec: None,
            threads: 0,
            overwrite: true,
            sidecar: Some(SidecarHeader::default()),
            cancel: CancelToken::default(),
        },
    }
}
