//! Lesson: synthesize the exact cameras of another rig file.
//!
//! The pictures of one rig are solved once; then every camera of the target rig (any format, its own lens, distortion and size)
//! is synthesized from them. This is how pictures are made where no camera stands, e.g. for a truth that was filmed apart.
//!
//! ```text
//! cargo run --release --example render_views -- --rig RIG --pictures DIR --at TARGET_RIG --out DIR
//! ```
//!
//! Writes OUT/NAME.png for every camera of the target rig, opaque, in its own size, and OUT/views.json: for each which cameras
//! went in, with which weight, and which share of pixels is synthesized or filled.

mod common;

use std::path::PathBuf;

use anyhow::ensure;
use clap::Parser;
use volte::{
    frame::Picture,
    gpu::{Gpu, GpuOptions},
    rig,
    scene::{Scene, SceneOptions, SceneSolver},
    view::ViewSynthesizer,
};

#[derive(Parser)]
#[command(about = "Synthesize the cameras of another rig file")]
struct Arguments {
    #[command(flatten)]
    stills: common::Stills,
    /// Rig file or folder of the cameras to synthesize.
    #[arg(long)]
    at: PathBuf,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();

    // 1. The real cameras and their pictures.
    let (real, pictures) = arguments.stills.load()?;
    let pictures: Vec<&Picture> = pictures.iter().collect();

    // 2. The cameras to synthesize. Formats without a picture size take that of the real cameras.
    let mut targets = rig::load(&arguments.at)?;
    let size = real.cameras.first().map_or((0, 0), |c| (c.width_px, c.height_px));
    for camera in &mut targets.cameras {
        if camera.width_px == 0 {
            (camera.width_px, camera.height_px) = size;
        }
    }
    ensure!(!targets.cameras.is_empty(), "the rig {:?} has no cameras to synthesize", arguments.at);

    // 3. Solve once, render many.
    let gpu = Gpu::open(&GpuOptions::default())?;
    let bar = common::progress_bar()?;
    let options = SceneOptions { max_depth_size_px: arguments.stills.depth_size, ..SceneOptions::default() };
    let mut tell = |p| {
        bar.set_position((p * 1000.0) as u64);
        true
    };
    let mode = arguments.stills.view_mode();
    let scene = if mode.needs_depth() {
        SceneSolver::new(&gpu)?.solve(&real, &pictures, &options, &mut tell)?
    } else {
        Scene::without_depth(&gpu, &real, &pictures)?
    };
    bar.finish_and_clear();
    let mut synthesizer = ViewSynthesizer::new(&gpu)?;
    arguments.stills.make_out()?;
    let mut rows = Vec::new();
    for target in &targets.cameras {
        let view = synthesizer.render(&scene, target, mode)?;
        view.read(&gpu)?.save(&arguments.stills.out.join(format!("{}.png", target.name)))?;
        println!("{:<16} filled {:.3} %", target.name, view.report.filled_share * 100.0);
        rows.push(serde_json::json!({ "camera": target.name, "view": view.report }));
    }
    let path = arguments.stills.out.join("views.json");
    let json = serde_json::json!({ "adapter": gpu.info.name, "views": rows, "gpu_seconds": { "solve": scene.times, "last_view": synthesizer.last_times() } });
    common::write_json(&path, &json)
}
