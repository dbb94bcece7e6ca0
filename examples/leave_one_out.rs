//! Lesson: how true are the pictures between the cameras?
//!
//! Real cameras are hidden, synthesized from the others at their own pose and lens, and compared with what they really saw.
//!
//! ```text
//! cargo run --release --example leave_one_out -- --rig RIG --pictures DIR --out DIR [--use A,B,…] [--hold A,B,…] [--json FILE]
//! ```
//!
//! Without `--hold` each camera is hidden in turn; with it, all the named are hidden together. Writes OUT/NAME.png per
//! hidden camera, in that camera's own size, and a JSON with PSNR, SSIM, seconds, and GPU seconds per stage.

mod common;

use std::{path::PathBuf, time::Instant};

use anyhow::{Context as _, ensure};
use clap::Parser;
use volte::{
    engine::truth::{HeldOut, TruthMeter},
    frame::Picture,
    gpu::{Gpu, GpuOptions},
    scene::{Quality, SceneOptions},
};

#[derive(Parser)]
#[command(about = "Hide real cameras, synthesize them from the others, compare")]
struct Arguments {
    #[command(flatten)]
    stills: common::Stills,
    /// Hide all of these together (default: each camera in turn).
    #[arg(long, value_delimiter = ',')]
    hold: Vec<String>,
    /// draft, air or hero.
    #[arg(long, default_value = "air")]
    quality: String,
    /// Scores and times (default: OUT/scores.json).
    #[arg(long)]
    json: Option<PathBuf>,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let started = Instant::now();

    // 1. The rig, and a picture for every camera.
    let (rig, pictures) = arguments.stills.load()?;
    let pictures: Vec<&Picture> = pictures.iter().collect();
    ensure!(rig.cameras.len() >= 3, "leaving one out needs at least 3 cameras, the rig has {}", rig.cameras.len());

    // 2. Whom to hide.
    let hold = rig.indices_of(&arguments.hold).context("--hold")?;

    // 3. Hide, solve, synthesize, compare.
    let gpu = Gpu::open(&GpuOptions::default())?;
    let level = Quality::from_name(&arguments.quality).context("--quality is draft, air or hero")?.scene();
    let depth_size_px = arguments.stills.depth_size.or(level.max_depth_size_px);
    let mut meter = TruthMeter::new(&gpu, SceneOptions { max_depth_size_px: depth_size_px, ..level })?;
    let mode = arguments.stills.view_mode();
    let bar = common::progress_bar()?;
    let mut progress = |p: f32| {
        bar.set_position((p * 1000.0) as u64);
        true
    };
    let truth = if hold.is_empty() {
        meter.each_in_turn(&rig, &pictures, mode, &mut progress)?
    } else {
        meter.hold_together(&rig, &pictures, &hold, mode, &mut progress)?
    };
    bar.finish_and_clear();

    // 4. Pictures and scores.
    arguments.stills.make_out()?;
    let mut rows = Vec::new();
    for held in &truth.held_out {
        let name = &rig.cameras[held.camera].name;
        held.picture.save(&arguments.stills.out.join(format!("{name}.png")))?;
        println!("{name:<16} psnr {:.3} dB  ssim {:.4}  filled {:.3} %", held.psnr_db, held.ssim, held.report.filled_share * 100.0);
        rows.push(serde_json::json!({ "camera": name, "psnr_db": held.psnr_db, "ssim": held.ssim, "view": held.report }));
    }
    let n = truth.held_out.len().max(1) as f64;
    let mean = |f: fn(&HeldOut) -> f64| truth.held_out.iter().map(f).sum::<f64>() / n;
    let (psnr_db, ssim) = (mean(|h| h.psnr_db), mean(|h| h.ssim));
    println!("{:<16} psnr {psnr_db:.3} dB  ssim {ssim:.4}", format!("mean ({})", truth.held_out.len()));
    let json = serde_json::json!({
        "adapter": gpu.info.name,
        "mode": mode,
        "cameras": rows,
        "mean": { "psnr_db": psnr_db, "ssim": ssim },
        "seconds": started.elapsed().as_secs_f64(),
        "gpu_seconds": { "solve": truth.solve_times, "view": truth.view_times },
    });
    let path = arguments.json.unwrap_or_else(|| arguments.stills.out.join("scores.json"));
    common::write_json(&path, &json)
}
