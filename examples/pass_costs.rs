//! Lesson: what every pass costs, beside what it must cost.
//!
//! Solves a few cameras, renders a view, and prints per pass: bytes that must be moved, operations, the time that memory and
//! arithmetic alone would take (*calculated*, for two machines), and what the timestamps say.
//!
//! ```text
//! cargo run --release --example pass_costs -- --rig RIG --pictures DIR --out . [--use A,B,…]
//! ```

#[allow(dead_code, reason = "this lesson needs less than the others")]
mod common;

use clap::Parser;
use volte::{
    frame::Picture,
    gpu::{Gpu, GpuOptions},
    scene::{Plan, SceneOptions, SceneSolver},
    telemetry::StageTimes,
    view::ViewSynthesizer,
};

/// Memory bytes per second and operations per second of a machine.
struct Machine(&'static str, f64, f64);

/// Two cores with eight lanes and two multiply-adds per clock at 2.5 GHz, one memory channel or so; and the data sheet of one card.
const MACHINES: [Machine; 2] = [Machine("2 cores AVX2", 20e9, 160e9), Machine("RTX 4070", 504e9, 29.15e12)];

/// Arithmetic of one patch of 13 taps against one source, counted in `shaders/scene/match.wgsl`: 13 bilinear samples of a packed word
/// with their positions (22 each), the sums (8 each), the projection and the rest.
const MATCH_OPS: f64 = 13.0 * 30.0 + 70.0;
/// A patch of the reference, loaded once per pixel.
const PATCH_OPS: f64 = 13.0 * 20.0;

/// A pass: its stage in the timings, bytes and operations.
type Pass = (String, f64, f64);

/// The passes of a solve of all cameras: what must be moved at least once, and what is computed at most.
fn solve_passes(plan: &Plan, cameras: usize, passes: [u32; 3]) -> Vec<Pass> {
    let mut out: Vec<Pass> = Vec::new();
    let mut add = |name: &str, bytes: f64, ops: f64| match out.iter_mut().find(|p| p.0 == name) {
        Some(pass) => (pass.1, pass.2) = (pass.1 + bytes, pass.2 + ops),
        None => out.push((name.to_owned(), bytes, ops)),
    };
    for i in 0..cameras {
        let px = |l: u32| f64::from(plan.level_size(i, l).0) * f64::from(plan.level_size(i, l).1);
        let sources = plan.neighbours[i].len() as f64;
        let coarsest = plan.levels - 1;
        let full = px(0);
        // Read the picture, write the levels; a third more for halving.
        add("prepare", full * (4.0 + 4.0 + 4.0 * 4.0 / 3.0), full * 140.0);
        let search = |level: u32| (px(level), px(level) * f64::from(plan.depth_count(i, level)));
        let (p, cells) = search(coarsest);
        // Pack four sources; match two at every hypothesis; write a byte.
        add("sweep", p * (8.0 * sources + 4.0) + cells, cells * 2.0 * MATCH_OPS + p * PATCH_OPS);
        // Eight directions read costs and add to sums; the choice reads the sums.
        add("sgm", cells * (8.0 * 5.0 + 2.0) + p * 16.0, cells * 8.0 * 12.0);
        add("slopes", p * 32.0, p * 60.0);
        for level in (0..=coarsest).rev() {
            let p = px(level);
            let upsampled = if level == coarsest { 0.0 } else { p };
            add("upsample", upsampled * (4.0 + 4.0 + 16.0), upsampled * 120.0);
            let n = f64::from(passes[(level as usize).min(2)]);
            let candidates = (if level == 0 { 4.0 + (n - 1.0) * 5.0 } else { 9.0 + (n - 1.0) * 10.0 }) / n;
            let bytes = p * (8.0 * sources) + n * p * (16.0 + 16.0 + 4.0 + 4.0 * sources);
            add(&format!("refine L{level}"), bytes, n * p * (candidates * sources * MATCH_OPS + PATCH_OPS));
        }
        // The own depth, and what each source's map offers for it (found in four steps), judged by all sources; every pixel asks in software.
        add("check", full * (8.0 + 8.0 * sources + 8.0), full * sources * (60.0 * (1.0 + sources) + 4.0 * 25.0));
        add("repair", 6.0 * full * (8.0 + 4.0 + 8.0), 6.0 * full * 13.0 * 25.0);
        add("exposures", full / 16.0 * (12.0 + 12.0 * sources), full / 16.0 * sources * 80.0);
    }
    out
}

/// The passes of a view of so many pixels from `sources` of so many depth pixels each. A splat writes about two pixels; a vote asks all sources for all offers.
fn view_passes(px: f64, depth_px: f64, sources: f64) -> Vec<Pass> {
    let pass = |name: &str, bytes: f64, ops: f64| (name.to_owned(), bytes, ops);
    vec![
        pass("splat", sources * (px * 4.0 + depth_px * (8.0 + 8.0)), sources * depth_px * 90.0),
        pass("vote", px * (4.0 * sources + 12.0 * sources + 8.0), px * sources * sources * 90.0),
        // Three passes; a third of the pixels is not sure and compares 25 with 25, and one pass weighs all with 48.
        pass("settle", px * 3.0 * 16.0, px * (3.0 * (625.0 * 7.0 / 3.0) + 48.0 * 9.0)),
        pass("mend", px * 16.0, px * 60.0),
        pass("smooth", px * 8.0 * (1.0 + 2.0 / 3.0 + 1.0 + 1.0), px * 4.0 / 3.0 * 40.0),
        // What *shade* does, a word per source and the mean; then twice 49 samples of both at every 64th pixel.
        pass("align", px * (32.0 + sources * 20.0), px * sources * (464.0 + 2.0 * 49.0 * 130.0 / 64.0)),
        // Depth, the eight depths around, and sixteen texels (each fetched from memory once) per source, which is projected twice.
        pass("shade", px * (8.0 + sources * (8.0 + 4.0) + 4.0), px * sources * (16.0 * 14.0 + 8.0 * 15.0 + 190.0)),
        // A third of the pixels is little trusted and compares 25 colours.
        pass("specks", px * 16.0, px * (25.0 * 8.0 / 3.0)),
        // Twice the picture and the trust, and a small picture of 400 cells across.
        pass("veil", px * 28.0, px * 40.0),
    ]
}

fn print(title: &str, passes: &[Pass], times: &StageTimes) {
    println!("\n{title}\n| pass | MB | Gop | floor {} ms | floor {} ms | measured ms | times its floor |", MACHINES[0].0, MACHINES[1].0);
    println!("|---|---|---|---|---|---|---|");
    for (name, bytes, ops) in passes {
        let secs = times.iter().find(|(stage, _)| stage == name).map_or(0.0, |(_, secs)| secs);
        let floor = |m: &Machine| (bytes / m.1).max(ops / m.2);
        let (here, card) = (floor(&MACHINES[0]), floor(&MACHINES[1]));
        let (mb, gop, ms) = (bytes / 1e6, ops / 1e9, secs * 1e3);
        println!("| {name} | {mb:.1} | {gop:.2} | {:.1} | {:.3} | {ms:.0} | {:.1} |", here * 1e3, card * 1e3, secs / here);
    }
    println!("all stages: {}", times.iter().map(|(s, secs)| format!("{s} {:.0} ms", secs * 1e3)).collect::<Vec<_>>().join(", "));
}

/// Per stage the shorter of two: the first run also compiles, and the machine has other things to do.
fn least(a: &StageTimes, b: &StageTimes) -> StageTimes {
    let mut out = StageTimes::default();
    for (name, secs) in b.iter() {
        out.add(name, a.iter().find(|(n, _)| *n == name).map_or(secs, |(_, other)| secs.min(other)));
    }
    out
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse().stills;
    let (rig, pictures) = arguments.load()?;
    let pictures: Vec<&Picture> = pictures.iter().collect();
    let gpu = Gpu::open(&GpuOptions::default())?;
    let options = SceneOptions { max_depth_size_px: arguments.depth_size, ..SceneOptions::default() };
    let mut solver = SceneSolver::new(&gpu)?;
    let mut solve = || solver.solve(&rig, &pictures, &options, &mut |_| true);
    let (first, scene) = (solve()?.times, solve()?);
    let solve_times = least(&first, &scene.times);
    let n = rig.cameras.len();
    let title = format!("scene: {n} cameras of {}×{} px, {}", rig.cameras[0].width_px, rig.cameras[0].height_px, gpu.info.name);
    print(&title, &solve_passes(&scene.plan, n, [1, 2, 4]), &solve_times);
    let mut synthesizer = ViewSynthesizer::new(&gpu)?;
    let target = &rig.cameras[n / 2];
    let mut view_times = StageTimes::default();
    for _ in 0..4 {
        synthesizer.render(&scene, target, arguments.view_mode())?;
        view_times = least(&view_times, synthesizer.last_times());
    }
    let pixels = f64::from(target.width_px) * f64::from(target.height_px);
    let depth_pixels = f64::from(scene.plan.working[0].width_px) * f64::from(scene.plan.working[0].height_px);
    print("view: one picture of that size", &view_passes(pixels, depth_pixels, n.min(4) as f64), &view_times);
    Ok(())
}

#[derive(Parser)]
#[command(about = "What every pass costs, beside what it must cost")]
struct Arguments {
    #[command(flatten)]
    stills: common::Stills,
}
