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

use std::{path::PathBuf, time::Instant};

use anyhow::{Context as _, ensure};
use clap::Parser;
use volte::{
    engine::truth::{HeldOut, TruthMeter},
    frame::Picture,
    gpu::{Gpu, GpuOptions},
    rig::{self, pictures},
    scene::SceneOptions,
    view::ViewMode,
};

#[derive(Parser)]
#[command(about = "Hide real cameras, synthesize them from the others, compare")]
struct Arguments {
    /// Rig file or folder, any format that `volte rig check` reads.
    #[arg(long)]
    rig: PathBuf,
    /// Folder with one picture per camera, named as the camera.
    #[arg(long)]
    pictures: PathBuf,
    /// Folder for the synthesized pictures.
    #[arg(long)]
    out: PathBuf,
    /// Restrict the rig to these cameras.
    #[arg(long = "use", value_delimiter = ',')]
    use_: Vec<String>,
    /// Hide all of these together (default: each camera in turn).
    #[arg(long, value_delimiter = ',')]
    hold: Vec<String>,
    /// Scores and times (default: OUT/scores.json).
    #[arg(long)]
    json: Option<PathBuf>,
    /// What to compare: full synthesis, or what a rig without synthesis shows.
    #[arg(long, default_value = "synthesis", value_parser = ["synthesis", "cross-fade", "nearest"])]
    mode: String,
    /// Longest side of the finest depth level, px (default: the pictures' own size).
    #[arg(long)]
    depth_size: Option<u32>,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let started = Instant::now();

    // 1. The rig, in whatever format the field handed it over, restricted to the cameras asked for.
    let mut rig = rig::load(&arguments.rig)?;
    let index =
        |rig: &rig::Rig, name: &String| rig.index_of(name).with_context(|| format!("the rig {:?} has no camera {name:?}", arguments.rig));
    if !arguments.use_.is_empty() {
        let keep = arguments.use_.iter().map(|n| index(&rig, n)).collect::<anyhow::Result<Vec<_>>>()?;
        rig = rig.restricted_to(&keep);
    }

    // 2. A picture for every camera; the rig is fitted to their size.
    let matched = pictures::match_rig(&rig, &arguments.pictures)?;
    matched.notices.iter().for_each(|notice| eprintln!("note: {notice}"));
    let rig = matched.rig;
    let loaded = matched.paths.iter().map(|p| Picture::load(p)).collect::<Result<Vec<_>, _>>()?;
    let loaded: Vec<&Picture> = loaded.iter().collect();
    let hold = arguments.hold.iter().map(|n| index(&rig, n)).collect::<anyhow::Result<Vec<_>>>()?;
    ensure!(rig.cameras.len() >= 3, "leaving one out needs at least 3 cameras, the rig has {}", rig.cameras.len());

    // 3. Hide, solve, synthesize, compare.
    let gpu = Gpu::open(&GpuOptions::default())?;
    let mut meter = TruthMeter::new(&gpu, SceneOptions { max_depth_size_px: arguments.depth_size })?;
    let mode = match arguments.mode.as_str() {
        "cross-fade" => ViewMode::CrossFade,
        "nearest" => ViewMode::Nearest,
        _ => ViewMode::Synthesis,
    };
    let bar = indicatif::ProgressBar::new(1000).with_style(indicatif::ProgressStyle::with_template("{bar:40} {percent}% {eta}")?);
    let mut progress = |p: f32| {
        bar.set_position((p * 1000.0) as u64);
        true
    };
    let truth = if hold.is_empty() {
        meter.each_in_turn(&rig, &loaded, mode, &mut progress)?
    } else {
        meter.hold_together(&rig, &loaded, &hold, mode, &mut progress)?
    };
    bar.finish_and_clear();

    // 4. Pictures and scores.
    std::fs::create_dir_all(&arguments.out).with_context(|| format!("cannot create the folder {:?}", arguments.out))?;
    let mut rows = Vec::new();
    for held in &truth.held_out {
        let name = &rig.cameras[held.camera].name;
        held.picture.save(&arguments.out.join(format!("{name}.png")))?;
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
    let path = arguments.json.unwrap_or_else(|| arguments.out.join("scores.json"));
    std::fs::write(&path, serde_json::to_string_pretty(&json)?).with_context(|| format!("cannot write {path:?}"))?;
    Ok(())
}
