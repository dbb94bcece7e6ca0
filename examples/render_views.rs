//! Lesson: synthesize the exact cameras of another rig file.
//!
//! The pictures of one rig are solved once; then every camera of the target rig (any format, its own lens, distortion and size)
//! is synthesized from them. This is how pictures are made where no camera stands, e.g. for a truth that was filmed apart.
//!
//! ```text
//! cargo run --release --example render_views -- --rig RIG --pictures DIR --at TARGET_RIG --out DIR
//! ```
//!
//! Writes OUT/NAME.png for every camera of TARGET_RIG, opaque, in its own size, and OUT/views.json: for each which cameras
//! went in, with which weight, and which share of pixels is synthesized or filled.

use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use clap::Parser;
use volte::{
    frame::Picture,
    gpu::{Gpu, GpuOptions},
    rig::{self, pictures},
    scene::{SceneOptions, SceneSolver},
    view::{ViewMode, ViewSynthesizer},
};

#[derive(Parser)]
#[command(about = "Synthesize the cameras of another rig file")]
struct Arguments {
    /// Rig file or folder of the real cameras.
    #[arg(long)]
    rig: PathBuf,
    /// Folder with one picture per real camera.
    #[arg(long)]
    pictures: PathBuf,
    /// Rig file or folder of the cameras to synthesize.
    #[arg(long)]
    at: PathBuf,
    /// Folder for the views.
    #[arg(long)]
    out: PathBuf,
    /// Restrict the real cameras to these.
    #[arg(long = "use", value_delimiter = ',')]
    use_: Vec<String>,
    /// What to render.
    #[arg(long, default_value = "synthesis", value_parser = ["synthesis", "cross-fade", "nearest"])]
    mode: String,
    /// Longest side of the finest depth level, px (default: the pictures' own size).
    #[arg(long)]
    depth_size: Option<u32>,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();

    // 1. The real cameras and their pictures.
    let mut rig = rig::load(&arguments.rig)?;
    if !arguments.use_.is_empty() {
        let keep = arguments
            .use_
            .iter()
            .map(|n| rig.index_of(n).with_context(|| format!("the rig {:?} has no camera {n:?}", arguments.rig)))
            .collect::<anyhow::Result<Vec<_>>>()?;
        rig = rig.restricted_to(&keep);
    }
    let matched = pictures::match_rig(&rig, &arguments.pictures)?;
    matched.notices.iter().for_each(|notice| eprintln!("note: {notice}"));
    let loaded = matched.paths.iter().map(|p| Picture::load(p)).collect::<Result<Vec<_>, _>>()?;
    let loaded: Vec<&Picture> = loaded.iter().collect();

    // 2. The cameras to synthesize. Formats without a picture size take that of the real cameras.
    let mut targets = rig::load(&arguments.at)?;
    let size = (matched.rig.cameras[0].width_px, matched.rig.cameras[0].height_px);
    for camera in &mut targets.cameras {
        if camera.width_px == 0 {
            (camera.width_px, camera.height_px) = size;
        }
    }
    ensure!(!targets.cameras.is_empty(), "the rig {:?} has no cameras to synthesize", arguments.at);

    // 3. Solve once, render many.
    let gpu = Gpu::open(&GpuOptions::default())?;
    let bar = indicatif::ProgressBar::new(1000).with_style(indicatif::ProgressStyle::with_template("{bar:40} {percent}% {eta}")?);
    let options = SceneOptions { max_depth_size_px: arguments.depth_size };
    let scene = SceneSolver::new(&gpu)?.solve(&matched.rig, &loaded, &options, &mut |p| {
        bar.set_position((p * 1000.0) as u64);
        true
    })?;
    bar.finish_and_clear();
    let mode = match arguments.mode.as_str() {
        "cross-fade" => ViewMode::CrossFade,
        "nearest" => ViewMode::Nearest,
        _ => ViewMode::Synthesis,
    };
    let mut synthesizer = ViewSynthesizer::new(&gpu)?;
    std::fs::create_dir_all(&arguments.out).with_context(|| format!("cannot create the folder {:?}", arguments.out))?;
    let mut rows = Vec::new();
    for target in &targets.cameras {
        let view = synthesizer.render(&scene, target, mode)?;
        view.read(&gpu)?.save(&arguments.out.join(format!("{}.png", target.name)))?;
        println!("{:<16} filled {:.3} %", target.name, view.report.filled_share * 100.0);
        rows.push(serde_json::json!({ "camera": target.name, "view": view.report }));
    }
    let path = arguments.out.join("views.json");
    let json = serde_json::json!({ "adapter": gpu.info.name, "views": rows, "gpu_seconds": { "solve": scene.times, "last_view": synthesizer.last_times() } });
    std::fs::write(&path, serde_json::to_string_pretty(&json)?).with_context(|| format!("cannot write {path:?}"))?;
    Ok(())
}
