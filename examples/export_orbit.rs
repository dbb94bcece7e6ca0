//! A lesson: from a rig and pictures to a film of an orbit, in five steps.
//!
//! ```text
//! cargo run --release --example export_orbit -- --rig fox/transforms.json --pictures fox/images --out fox.mp4
//! ```
//!
//! The pictures are one instant seen by all cameras. Time stands still while the virtual camera travels.

use std::path::PathBuf;

use clap::Parser as _;
use volte::{
    engine::export::{self, ExportJob, Moments},
    gpu::{Gpu, GpuOptions},
    output::{CancelToken, OutputSpec, SidecarHeader},
    replay::path::{Path, Preset, PresetOptions},
    rig,
    scene::SceneOptions,
    time::{FrameRate, MediaTime},
    view::ViewMode,
};

/// Rig + pictures + path → video or sequence.
#[derive(Debug, clap::Parser)]
struct Args {
    /// The calibration, in any format of the field.
    #[arg(long)]
    rig: PathBuf,
    /// One picture per camera, named like its camera.
    #[arg(long)]
    pictures: PathBuf,
    /// A preset's name, or a path file (.toml).
    #[arg(long, default_value = "bounce")]
    path: String,
    /// First camera, counted along the arc.
    #[arg(long, default_value_t = 0.0)]
    from: f64,
    /// Last camera, counted along the arc; default: the arc's last.
    #[arg(long)]
    to: Option<f64>,
    /// Length of the film.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Frames per second: 25, 50, 59.94, 60000/1001 …
    #[arg(long, default_value = "25")]
    rate: FrameRate,
    /// Width of the film in pixels.
    #[arg(long, default_value_t = 640)]
    width: u32,
    /// Height of the film in pixels.
    #[arg(long, default_value_t = 360)]
    height: u32,
    /// Longest side of the depth maps in pixels: smaller is faster. Default: as the pictures.
    #[arg(long)]
    depth_size: Option<u32>,
    /// .mp4, .mkv, .mov, or a sequence such as orbit_%04d.png.
    #[arg(long)]
    out: PathBuf,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();

    // 1. The rig says where the cameras stand and how their lenses draw. `match_rig` finds every camera's picture and
    //    scales the lenses when the pictures have another size than the calibration's.
    let matched = rig::pictures::match_rig(&rig::load(&args.rig)?, &args.pictures)?;
    for notice in &matched.notices {
        println!("note: {notice}");
    }

    // 2. A moment is the frames of all cameras at one instant. Live, a ring and its decoder give it; here, files do.
    let moment = export::moment_of_pictures(&matched.rig, &matched.paths)?;

    // 3. The arc is the cameras in order around the subject. A path runs along it: positions are fractional camera
    //    numbers, so 2.5 stands in the middle between the third and the fourth, where no camera is.
    let arc = rig::Arc::fit(&matched.rig)?;
    let last = (arc.order.len() - 1) as f64;
    println!("{} cameras around {:.2} m, ring closed: {}", arc.order.len(), arc.radius_m, arc.closed);
    let path = match Preset::from_name(&args.path) {
        Some(preset) => preset.path(&PresetOptions {
            from: args.from,
            to: args.to.unwrap_or(last),
            secs: args.seconds,
            hold_secs: 0.2,
            ring_cameras: arc.order.len(),
            ..PresetOptions::default()
        }),
        None => Path::from_toml(&std::fs::read_to_string(&args.path)?)?,
    };

    // 4. Ctrl-C asks the job to stop; a file that is not complete never appears under its name.
    let cancel = CancelToken::default();
    let asked = cancel.clone();
    ctrlc::set_handler(move || {
        asked.cancel();
    })?;

    // 5. Solve the moment once (depth and confidence per camera, on the GPU), render a view per frame, write.
    let gpu = Gpu::open(&GpuOptions::default())?;
    let job = ExportJob {
        rig: matched.rig,
        moments: Moments::One(moment),
        path,
        mark: MediaTime::ZERO,
        follow: false,
        mode: ViewMode::Synthesis,
        gaps: vec![],
        scene: SceneOptions { max_depth_size_px: args.depth_size, ..SceneOptions::default() },
        plates: vec![],
        phases: vec![],
        graphics: vec![],
        trims: volte::replay::trim::TrimList::default(),
        output: OutputSpec {
            path: args.out,
            width_px: args.width,
            height_px: args.height,
            rate: args.rate,
            codec: None,
            threads: 0,
            overwrite: true,
            // The sidecar says for every frame which cameras it was made of, and which share was synthesized.
            sidecar: Some(SidecarHeader::default()),
            cancel: cancel.clone(),
        },
    };
    let mut told = 0;
    let report = export::run(
        job,
        &gpu,
        &mut |p| {
            let tenth = p.frames_done * 10 / p.frames;
            if tenth > told {
                told = tenth;
                println!("{} of {} frames", p.frames_done, p.frames);
            }
        },
        &cancel,
    )?;
    println!("{}: {} frames, {} bytes", report.output.path.display(), report.output.frames, report.output.bytes);
    for (stage, secs) in report.secs.iter() {
        println!("  {stage}: {secs:.3} s");
    }
    Ok(())
}
