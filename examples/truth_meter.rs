//! Lesson: what may be shown between the cameras?
//!
//! The truth meter hides each camera of a moment in turn, synthesizes it small from its neighbours, and scores each gap by the
//! worse of its two ends. From the score follows the rung of the fallback ladder: full synthesis, soft fade, or a cut.
//!
//! ```text
//! cargo run --release --example truth_meter -- --rig RIG --pictures DIR [--use A,B,…] [--hide A,B,…]
//! ```

use std::{path::PathBuf, time::Instant};

use anyhow::Context as _;
use clap::Parser;
use volte::{
    engine::{Ladder, can_be_hidden, gap_scores, truth::MomentMeter},
    frame::Picture,
    gpu::{Gpu, GpuOptions},
    rig::{self, pictures},
    scene::{Quality, SceneSolver},
    view::ViewSynthesizer,
};

#[derive(Parser)]
#[command(about = "Score every gap between the cameras of a moment")]
struct Arguments {
    /// Rig file or folder, any format that `volte rig check` reads.
    #[arg(long)]
    rig: PathBuf,
    /// Folder with one picture per camera, named as the camera.
    #[arg(long)]
    pictures: PathBuf,
    /// Restrict the rig to these cameras.
    #[arg(long = "use", value_delimiter = ',')]
    use_: Vec<String>,
    /// Hide only these (default: every camera but the ends of an open arc).
    #[arg(long, value_delimiter = ',')]
    hide: Vec<String>,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let rig = rig::load(&arguments.rig)?.only(&arguments.use_).with_context(|| format!("--use, {:?}", arguments.rig))?;
    let matched = pictures::match_rig(&rig, &arguments.pictures)?;
    let loaded = matched.paths.iter().map(|p| Picture::load(p)).collect::<Result<Vec<_>, _>>()?;
    let arc = rig::Arc::fit(&matched.rig)?;

    let gpu = Gpu::open(&GpuOptions::default())?;
    let (mut solver, mut synthesizer) = (SceneSolver::new(&gpu)?, ViewSynthesizer::new(&gpu)?);
    let begun = Instant::now();
    let meter = MomentMeter::new(&matched.rig, &loaded.iter().collect::<Vec<_>>())?;

    // 1. The cameras along the arc: each is left out of everything, synthesized, compared.
    let present = vec![true; arc.order.len()];
    let mut cameras = vec![None; arc.order.len()];
    for (k, &camera) in arc.order.iter().enumerate() {
        let name = &matched.rig.cameras[camera].name;
        let wanted = arguments.hide.is_empty() || arguments.hide.contains(name);
        if !wanted || !can_be_hidden(&present, arc.closed, k) {
            continue;
        }
        let s = meter.score(&mut solver, &mut synthesizer, camera, Quality::Air, &mut |_| true)?;
        let filled = s.filled_share * 100.0;
        let (own, soft, fade) = (s.psnr_db, s.soft_psnr_db, s.fade_psnr_db);
        println!("{name:<16} {own:6.2} dB  soft {soft:6.2} dB  cross-fade {fade:6.2} dB  ssim {:.3}  filled {filled:4.1} %", s.ssim);
        cameras[k] = Some(s);
    }
    println!("{:.1} s on {}", begun.elapsed().as_secs_f64(), gpu.info.name);

    // 2. The gaps: as true as the worse end; what is shown follows.
    let degrees: Vec<f64> = (0..arc.gap_count()).map(|k| arc.gap_rad(&matched.rig, k).to_degrees()).collect();
    let mut ladder = Ladder::new(&degrees);
    ladder.update(&gap_scores(&present, arc.closed, &cameras));
    for (k, gap) in ladder.gaps().iter().enumerate() {
        let ends = [k, (k + 1) % arc.order.len()].map(|k| matched.rig.cameras[arc.order[k]].name.as_str());
        let score = gap.score.map_or_else(|| "-".to_owned(), |s| format!("{:.2} dB ({:+.2})", s.db, s.lead_db));
        let (class, rung, why) = (gap.quality.label(), gap.rung.label(), gap.why.label());
        println!("{:<34} {:5.1}°  {score:>17}  {class}: {rung} ({why})", ends.join(" – "), gap.degrees);
    }
    Ok(())
}
