//! `volte demo`: the built-in venue as live feeds, in the console or, headless, into a file.

use std::{
    cell::Cell,
    io::IsTerminal as _,
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use indicatif::{ProgressBar, ProgressStyle};
use volte::{
    app,
    capture::{SoundFrom, SoundSettings},
    engine::{
        CapturedFeeds, Command, Engine, EngineOptions, Feeds, Quality,
        export::{self, ExportJob, ExportProgress, ExportStage, Moments},
        venue_feeds::{VenueFeedOptions, VenueFeeder, VenueMode, VenueShow},
    },
    gpu::{Gpu, GpuOptions},
    output::{self, OutputSpec, SidecarHeader},
    replay::path::{Preset, PresetOptions},
    time::FrameRate,
    venue::{FaultRequest, Faults, SMASH_PHASE, VenueOptions, VenueRig},
    view::ViewMode,
};

use super::console::Desk;

/// What `volte demo` takes.
#[derive(Debug, clap::Args)]
#[command(long_about = ABOUT, after_help = EXAMPLES)]
pub struct Args {
    /// How many cameras stand around the athlete.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(2..=100))]
    cameras: u16,
    /// Degrees from the first camera to the last; 360 closes the ring.
    #[arg(long, default_value_t = 90.0)]
    span: f64,
    /// Size of the cameras' pictures, e.g. 640x360; by default what this machine can draw in time.
    #[arg(long, value_parser = super::export::parse_size)]
    size: Option<(u32, u32)>,
    /// Frames per second of the cameras; by default what this machine can draw in time.
    #[arg(long)]
    rate: Option<FrameRate>,
    /// What is wrong with a camera: CAMERA:FAULT=VALUE with commas between faults, e.g. cam04:offset=80ms,ev=-0.5 or
    /// all:drop=0.02. May be given more than once; `all` or `*` is every camera. Faults: offset, skew, kelvin, ev, noise, shot,
    /// rolling, drop, late, duplicate, bump, dies, flash (with a beep), calibration, seed (docs/venue.md says what each means).
    #[arg(long = "fault", value_name = "CAMERA:FAULTS")]
    faults: Vec<FaultRequest>,
    /// This camera (counted from 1) dies after so many seconds: 5:20. May be given more than once.
    #[arg(long = "dies", value_name = "CAMERA:SECONDS", value_parser = parse_death)]
    deaths: Vec<(usize, f64)>,
    /// No windows: mark an instant, write the orbit around it to a file, and end. The default where there is no screen.
    #[arg(long)]
    headless: bool,
    /// The file of the headless demo.
    #[arg(long, default_value = "volte_demo.mp4")]
    out: PathBuf,
    /// Replace the file of the headless demo if it is there.
    #[arg(long)]
    overwrite: bool,
    /// Length of the headless orbit, seconds.
    #[arg(long, default_value_t = 4.0)]
    seconds: f64,
    #[command(flatten)]
    pub desk: Desk,
}

impl Args {
    /// The demo as it is without options, at this desk.
    pub fn at(desk: Desk) -> Self {
        Self {
            cameras: 16,
            span: 90.0,
            size: None,
            rate: None,
            faults: vec![],
            deaths: vec![],
            headless: false,
            overwrite: false,
            out: PathBuf::from("volte_demo.mp4"),
            seconds: 4.0,
            desk,
        }
    }
}

const ABOUT: &str = "\
Show Volte on its built-in venue: no cameras, no data needed.

An athlete in motion is drawn for every camera, encoded as a camera would, recorded into the ring and frozen from there: \
the way of real footage, with nothing left out. With a screen the console opens; without one the orbit around one instant \
is written to a file.";

const EXAMPLES: &str = "\
Examples:
  volte demo                                    sixteen cameras, the console
  volte demo --cameras 24 --span 360            a closed ring
  volte demo --dies 5:20 --dies 6:25            two cameras die on air: see what the console says
  volte demo --fault cam02:bump=10s/0.02 --fault all:drop=0.02,noise=2
                                                somebody kicks a tripod, and all cameras lose frames and are noisy
  volte demo --headless --out orbit.mp4         no window: an orbit in a file";

fn parse_death(text: &str) -> Result<(usize, f64), String> {
    let wrong = || format!("{text:?} is not of the form CAMERA:SECONDS, e.g. 5:20");
    let (camera, secs) = text.split_once(':').ok_or_else(wrong)?;
    match (camera.trim().parse::<usize>(), secs.trim().parse::<f64>()) {
        (Ok(camera), Ok(secs)) if camera >= 1 && secs.is_finite() && secs >= 0.0 => Ok((camera - 1, secs)),
        _ => Err(wrong()),
    }
}

/// Runs it.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let headless = args.headless || !app::has_display();
    if headless {
        // What can be wrong with the words comes before what takes time.
        output::container_and_codec(&args.out, None)?;
        if !args.overwrite && args.out.symlink_metadata().is_ok() {
            return Err(output::OutputError::Exists { path: args.out.clone() }.into());
        }
        if !args.headless {
            eprintln!("There is no screen: the demo writes an orbit to {}.", args.out.display());
        }
    }
    if !(args.span.is_finite() && (5.0..=360.0).contains(&args.span)) {
        bail!("--span {}: cameras stand on 5 to 360 degrees", args.span);
    }
    if !(args.seconds.is_finite() && (0.1..=600.0).contains(&args.seconds)) {
        bail!("--seconds {}: an orbit lasts from 0.1 s to ten minutes", args.seconds);
    }
    let faults = faults(args)?;
    let gpu = Gpu::open(&GpuOptions::default())?;
    let progress = Progress::new();
    let mut capture = args.desk.capture();
    // Program shows the cameras at their own size; the multiview is content with less.
    capture.preview.max_fps = 12.0;
    capture.sound = (!headless).then(|| SoundSettings::new(SoundFrom::Pushed("venue".to_owned())));
    let options = VenueFeedOptions {
        cameras: usize::from(args.cameras),
        span_deg: args.span,
        size_px: args.size,
        rate: args.rate,
        faults,
        capture,
        // The film needs one instant, the console shows the action meanwhile.
        first_frames: if headless { 2 } else { 5 },
        ..VenueFeedOptions::default()
    };
    progress.stage("drawing");
    let begun = Instant::now();
    let show = VenueShow::start(&gpu, &options, |share| progress.share(share))?;
    progress.clear();
    let VenueShow { rig, rate, session, feeder } = show;
    let (width, height) = rig.cameras.first().map_or((0, 0), |c| (c.width_px, c.height_px));
    let cameras = rig.cameras.len();
    if feeder.mode() == VenueMode::Prepared {
        eprintln!(
            "{} is too slow to draw {cameras} cameras live: they have {width}x{height} at {rate} frames a second, drawn ahead ({:.0} s).{}",
            gpu.info.name,
            begun.elapsed().as_secs_f64(),
            if args.size.is_none() { " --size and --rate choose otherwise." } else { "" }
        );
    }
    drop(gpu);
    let feeds = Arc::new(CapturedFeeds::new(rig, session, Some(rate))?.with_work_to_put_off(Arc::clone(feeder.put_off())));
    if headless {
        return write_orbit(args, feeds, feeder, &progress);
    }
    let done = args.desk.open(Arc::clone(&feeds) as Arc<dyn Feeds>, None);
    // Who feeds stops before who is fed.
    drop(feeder);
    drop(feeds);
    done
}

/// What is wrong with each camera.
fn faults(args: &Args) -> anyhow::Result<Vec<(usize, Faults)>> {
    let names: Vec<String> =
        VenueRig::arc(usize::from(args.cameras), args.span, 6.0, (16, 9)).cameras.into_iter().map(|c| c.name).collect();
    let mut asked = args.faults.clone();
    for (camera, secs) in &args.deaths {
        let name = names.get(*camera).with_context(|| format!("--dies {}: there are {} cameras", camera + 1, names.len()))?;
        asked.push(FaultRequest::death(name, *secs));
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    Ok(FaultRequest::resolve(&asked, &names).context("--fault")?.into_iter().enumerate().collect())
}

/// How far the demo is: a bar in a terminal, else a line whenever something begins or another quarter is done.
struct Progress {
    bar: Option<ProgressBar>,
    /// What is done, and its last quarter that was told.
    told: Cell<(&'static str, u32)>,
    begun: Instant,
}

impl Progress {
    fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(1000);
            // The template is a constant that is known to be right; without it the bar is plain.
            if let Ok(style) = ProgressStyle::with_template("{msg:10} {bar:40} {percent:>3} %  {elapsed}") {
                bar.set_style(style);
            }
            bar
        });
        Self { bar, told: Cell::new(("", 0)), begun: Instant::now() }
    }

    fn stage(&self, name: &'static str) {
        if self.told.get().0 == name {
            return;
        }
        self.told.set((name, 0));
        if let Some(bar) = &self.bar {
            bar.set_message(name);
            bar.set_position(0);
        } else {
            eprintln!("{:4.0} s  {name}", self.begun.elapsed().as_secs_f64());
        }
    }

    fn share(&self, share: f64) {
        if let Some(bar) = &self.bar {
            bar.set_position((share * 1000.0) as u64);
            return;
        }
        let (name, told) = self.told.get();
        let quarter = (share.clamp(0.0, 1.0) * 4.0) as u32;
        if quarter > told {
            self.told.set((name, quarter));
            eprintln!("{:4.0} s  {name}, {} %", self.begun.elapsed().as_secs_f64(), quarter * 25);
        }
    }

    fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
            bar.reset();
        }
    }
}

/// Marks an instant through the engine, as the console does, and writes the orbit around it.
fn write_orbit(args: &Args, feeds: Arc<CapturedFeeds>, feeder: VenueFeeder, progress: &Progress) -> anyhow::Result<()> {
    let cancel = super::cancelled_by_ctrl_c()?;
    let options = EngineOptions { quality: args.desk.quality, without_gpu: true, ..EngineOptions::default() };
    let engine = Engine::start(Arc::clone(&feeds) as Arc<dyn Feeds>, &options)?;
    progress.stage("recording");
    let recorded = |s: &volte::engine::Snapshot| matches!((s.ring.oldest, s.ring.newest), (Some(a), Some(b)) if b - a > 1_500_000_000);
    let live = engine.wait_for(Duration::from_mins(1), |s| recorded(s) || cancel.is_cancelled());
    live.context("the venue's feeds deliver nothing after a minute. Is the machine very busy? Try --cameras 8 --size 320x180")?;
    // The smash makes the better picture; it comes round every two seconds.
    let action = VenueOptions::default();
    let smashes = |s: &volte::engine::Snapshot| s.ring.newest.is_some_and(|at| (0.0..0.1).contains(&(action.phase(at) - SMASH_PHASE)));
    engine.wait_for(Duration::from_secs(6), |s| smashes(s) || cancel.is_cancelled());
    // What is drawn must do for the loop: from here on everything works for the picture.
    feeder.put_off().store(true, Ordering::Relaxed);
    progress.stage("decoding");
    if !engine.send(Command::Mark) {
        bail!("the engine is too far behind to mark");
    }
    let armed = engine.wait_for(Duration::from_mins(1), |s| s.can_take || cancel.is_cancelled());
    let snapshot = armed.context("the frames of the mark were not decoded within a minute")?;
    if cancel.is_cancelled() {
        bail!("cancelled; nothing was written");
    }
    let instant = snapshot.preview.as_ref().map(|p| p.instant).context("the mark is gone")?;
    let moment = feeds.moment(instant).map_err(anyhow::Error::msg)?;
    for (camera, why) in &moment.left_out {
        eprintln!("left out: {camera}: {why}");
    }
    let rig = feeds.rig().clone();
    let n = rig.cameras.len();
    let (preset, to) = if snapshot.closed { (Preset::Loop, n as f64) } else { (Preset::FreezeOrbit, (n - 1) as f64) };
    let path = preset.path(&PresetOptions { from: 0.0, to, secs: args.seconds, ring_cameras: n, ..PresetOptions::default() });
    let (width_px, height_px) = rig.cameras.first().map_or((640, 360), |c| (c.width_px & !1, c.height_px & !1));
    let gpu = Gpu::open(&GpuOptions::default())?;
    let quality = args.desk.quality.unwrap_or(if gpu.is_software() { Quality::Draft } else { Quality::Air });
    // The moment is in hand: recording may stop. Who feeds stops before who is fed.
    drop(engine);
    drop(feeder);
    drop(feeds);
    let job = ExportJob {
        rig,
        moments: Moments::One(moment),
        path,
        mark: instant,
        follow: false,
        mode: ViewMode::Synthesis,
        gaps: vec![],
        scene: quality.scene(),
        plates: vec![],
        phases: vec![],
        graphics: vec![],
        trims: volte::replay::trim::TrimList::default(),
        output: OutputSpec {
            path: args.out.clone(),
            width_px,
            height_px,
            rate: FrameRate::whole(25),
            codec: None,
            threads: 0,
            overwrite: args.overwrite,
            sidecar: Some(SidecarHeader::default()),
            cancel: cancel.clone(),
        },
    };
    let mut tell = |p: ExportProgress| {
        progress.stage(match p.stage {
            ExportStage::Solving => "depth",
            ExportStage::Rendering => "frames",
            ExportStage::Finishing => "finishing",
        });
        progress.share(f64::from(p.share));
    };
    progress.stage("depth");
    let report = export::run(job, &gpu, &mut tell, &cancel);
    progress.clear();
    let report = report?;
    for (stage, secs) in report.secs.iter() {
        tracing::info!("{stage}: {secs:.1} s");
    }
    println!(
        "{}: {} frames of {width_px}x{height_px}, an orbit over {n} cameras at {instant}, synthesized on {}",
        report.output.path.display(),
        report.output.frames,
        gpu.info.name
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::parse_death;

    #[test]
    fn deaths_are_counted_from_one() {
        assert_eq!(parse_death("5:20"), Ok((4, 20.0)));
        assert!(parse_death("0:20").is_err() && parse_death("5").is_err() && parse_death("5:nan").is_err());
    }
}
