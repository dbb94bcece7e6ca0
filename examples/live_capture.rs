//! A lesson: live feeds into the ring, a mark in the past, the moment decoded while capture goes on, an orbit from it.
//!
//! ```text
//! cargo run --release --example live_capture -- balance/cam0*.mp4 --out out/
//! cargo run --release --example live_capture -- balance/cam0*.mp4 --rig balance/Calib_scene.toml --orbit out/orbit.mp4
//! ```
//!
//! The files play over and over, in real time, as cameras would deliver them. Feeds are named by their files; the rig's
//! cameras carry the same names (or stand in the same order, with `--by-order`).

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Parser as _;
use volte::capture::{CaptureConfig, CaptureSession, FeedSpec};
use volte::engine::export::{self, ExportJob, Moments};
use volte::gpu::{Gpu, GpuOptions};
use volte::output::{CancelToken, OutputSpec, SidecarHeader};
use volte::replay::path::{Preset, PresetOptions};
use volte::time::{FrameRate, MediaTime};
use volte::{rig, scene::SceneOptions, view::ViewMode};

/// N live feeds → ring → mark → the moment's pictures, and an orbit.
#[derive(Debug, clap::Parser)]
struct Args {
    /// Synchronized videos, one per camera.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// How long to record before the mark.
    #[arg(long, default_value_t = 8.0)]
    record_secs: f64,
    /// How far back the mark lies.
    #[arg(long, default_value_t = 5.0)]
    back_secs: f64,
    /// Folder for the moment's pictures.
    #[arg(long, default_value = "out")]
    out: PathBuf,
    /// The cameras' calibration, for the orbit.
    #[arg(long, requires = "orbit")]
    rig: Option<PathBuf>,
    /// The rig's cameras have names of their own and stand in the order of the files.
    #[arg(long)]
    by_order: bool,
    /// The orbit's file.
    #[arg(long, requires = "rig")]
    orbit: Option<PathBuf>,
}

fn counters(session: &CaptureSession) {
    let ring = session.ring().status();
    let [held, pinned, budget] = [ring.bytes, ring.pinned_bytes, ring.budget_bytes].map(|bytes| bytes as f64 / 1_048_576.0);
    println!("{}  ring {held:.1} of {budget:.0} MiB, pinned {pinned:.1}", session.house_now());
    for feed in session.status() {
        let fault = feed.last_error.unwrap_or_default();
        println!(
            "  {:<8} {:?}  received {:>5}  dropped {}  duplicated {}  late {}  offset {:.1} ms  {fault}",
            feed.name,
            feed.state,
            feed.received,
            feed.dropped.total(),
            feed.duplicated,
            feed.late,
            feed.clock_offset_nanos as f64 * 1e-6
        );
    }
    ring.warnings().iter().for_each(|warning| println!("  ! {warning}"));
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();

    // 1. One spec per camera. The rig knows how far each camera's clock is off; capture applies it to every time stamp.
    let rig = args.rig.as_deref().map(rig::load).transpose()?;
    let mut specs: Vec<FeedSpec> = args.files.iter().map(|path| FeedSpec::live_file(path, true)).collect();
    for (index, spec) in specs.iter_mut().enumerate() {
        let Some(rig) = &rig else { break };
        let camera = if args.by_order { rig.cameras.get(index) } else { rig.camera(&spec.name) };
        let camera =
            camera.ok_or_else(|| anyhow::anyhow!("the rig has no camera for {:?}; rename the file, or use --by-order", spec.name))?;
        spec.name.clone_from(&camera.name);
        spec.clock_offset_nanos = camera.clock_offset_nanos;
    }

    // 2. From here on every access unit goes into the ring, stamped with house time. Nothing below ever holds it up.
    let session = CaptureSession::start(CaptureConfig::default(), &specs)?;
    let began = Instant::now();
    while began.elapsed().as_secs_f64() < args.record_secs {
        std::thread::sleep(Duration::from_secs(1));
        counters(&session);
    }

    // 3. The mark: an instant in the past. Its surroundings are pinned, so they stay however long the replay takes.
    let instant = session.house_now().plus_nanos(-(args.back_secs * 1e9) as i64);
    session.ring().pin(instant.plus_nanos(-500_000_000), instant.plus_nanos(500_000_000));

    // 4. The moment: every camera's frame nearest to the instant, all cameras decoded in parallel from their last keyframe.
    let before: u64 = session.status().iter().map(|feed| feed.received).sum();
    let decoding = Instant::now();
    let moment = session.moment(instant);
    println!("moment at {instant}: {} of {} cameras in {:.0} ms", moment.frames.len(), specs.len(), decoding.elapsed().as_secs_f64() * 1e3);
    let lacking: Vec<String> = moment.left_out.iter().map(|(camera, why)| format!("{camera} ({why})")).collect();
    for camera in &lacking {
        println!("  left out: {camera}");
    }
    std::fs::create_dir_all(&args.out)?;
    for frame in &moment.frames {
        let path = args.out.join(format!("{}.png", frame.camera));
        frame.picture.save(&path)?;
        println!("  {} ({:+.2} ms)", path.display(), frame.error_nanos as f64 * 1e-6);
    }

    // 5. The orbit: the same export as for pictures from files.
    if let (Some(rig), Some(orbit)) = (rig, args.orbit) {
        let arc = rig::Arc::fit(&rig)?;
        let last = (arc.order.len() - 1) as f64;
        let options =
            PresetOptions { from: 0.0, to: last, secs: 1.5, hold_secs: 0.2, ring_cameras: arc.order.len(), ..PresetOptions::default() };
        let (cancel, scene) = (CancelToken::default(), SceneOptions { max_depth_size_px: Some(480), ..SceneOptions::default() });
        let output = OutputSpec {
            path: orbit,
            width_px: 270,
            height_px: 480,
            rate: FrameRate::whole(25),
            codec: None,
            threads: 0,
            overwrite: true,
            sidecar: Some(SidecarHeader::default()),
            cancel: cancel.clone(),
        };
        let (path, mark, mode, gaps, plates) = (Preset::Bounce.path(&options), MediaTime::ZERO, ViewMode::Synthesis, vec![], vec![]);
        let (moments, phases, graphics) = (Moments::One(moment), vec![], vec![]);
        let trims = volte::replay::trim::TrimList::default();
        let job = ExportJob { rig, moments, path, mark, follow: false, mode, gaps, scene, plates, phases, graphics, trims, output };
        let report = export::run(job, &Gpu::open(&GpuOptions::default())?, &mut |_| {}, &cancel)?;
        println!("{}: {} frames", report.output.path.display(), report.output.frames);
    }

    // 6. Capture went on all the while, without losing a frame.
    counters(&session);
    let feeds = session.status();
    let dropped: u64 = feeds.iter().map(|feed| feed.dropped.total()).sum();
    println!("{} frames arrived since the mark, {dropped} were dropped", feeds.iter().map(|f| f.received).sum::<u64>() - before);
    anyhow::ensure!(dropped == 0, "frames were dropped; see the counters above");
    anyhow::ensure!(lacking.is_empty(), "the moment lacks {}. Mend those files, or mark within what was recorded", lacking.join(", "));
    Ok(())
}
