//! `volte export`: pictures or footage, a rig and a path in; a video or a sequence of pictures out.

use std::path::{Path as FilePath, PathBuf};

use anyhow::{Context as _, bail};
use indicatif::{ProgressBar, ProgressStyle};
use volte::{
    engine::{
        GapQuality, GapState,
        export::{self, ExportJob, ExportProgress, ExportStage, MomentSource, Moments},
        footage::Footage,
        gaps, plates,
        recording::Recording,
        retime::{self, RetimePolicy, RetimedSource},
    },
    gpu::{Gpu, GpuOptions},
    output::{self, CancelToken, Codec, OutputSpec, SidecarHeader},
    replay::path::{Path, Preset, PresetOptions, shorter_way},
    rig::{self, Rig},
    scene::{Quality, SceneOptions},
    time::{FrameRate, MediaTime},
    view::ViewMode,
};

/// What `volte export` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, group(clap::ArgGroup::new("material").required(true)))]
pub struct Args {
    /// The calibration of the cameras, in any format that `volte rig check` reads.
    #[arg(long)]
    rig: PathBuf,
    /// Folder with one picture per camera, each named like its camera.
    #[arg(long, value_name = "FOLDER", group = "material")]
    pictures: Option<PathBuf>,
    /// Synchronized video, one file per camera, each named like its camera: a folder or files. Needs --at.
    #[arg(long, value_name = "FOLDER|FILES", num_args = 1.., requires = "at", group = "material")]
    footage: Vec<PathBuf>,
    /// A folder that was recorded into (`volte recordings` lists what it holds), also while recording goes on. Needs --at.
    #[arg(long, value_name = "FOLDER", requires = "at", group = "material")]
    recording: Option<PathBuf>,
    /// The instant: in footage seconds since its first frame; in a recording house time (seconds or HH:MM:SS.mmm), or an event's name.
    #[arg(long, value_name = "SECONDS|TIME|EVENT", conflicts_with = "pictures")]
    at: Option<String>,
    /// Only these cameras of the rig, separated by commas.
    #[arg(long = "use", value_delimiter = ',', value_name = "CAMERAS")]
    only: Vec<String>,
    /// freeze-orbit, bounce, whip, loop, roll-through, slow, or a path file (.toml).
    #[arg(long, default_value = "freeze-orbit")]
    path: String,
    /// Where the path starts: a camera's name, or a position along the arc (0 = its first camera, 2.5 = between two).
    #[arg(long, value_name = "CAMERA")]
    from: Option<String>,
    /// Where the path ends.
    #[arg(long, value_name = "CAMERA")]
    to: Option<String>,
    /// Length in seconds.
    #[arg(long, default_value_t = 4.0)]
    seconds: f64,
    /// How long to hold at either end, seconds.
    #[arg(long, default_value_t = 0.4)]
    hold: f64,
    /// How fast time runs in roll-through and slow; 1 = as it was.
    #[arg(long, default_value_t = 0.25)]
    speed: f64,
    /// Aim at the subject with a constant size, so that cameras placed by hand do not wobble.
    #[arg(long)]
    stabilize: bool,
    /// Frames per second: 50, 59.94 or 60000/1001.
    #[arg(long, default_value = "50")]
    rate: FrameRate,
    /// Size of the output in pixels, e.g. 1920x1080; cropped, never letterboxed. Default: as the cameras.
    #[arg(long, value_parser = parse_size)]
    size: Option<(u32, u32)>,
    /// The file: .mp4, .mkv, .mov, a page to drag (.html), or a sequence such as shot_%04d.png.
    #[arg(long)]
    out: PathBuf,
    /// h264, h265, prores, png or jpeg; default by the file's name.
    #[arg(long, value_parser = parse_codec)]
    codec: Option<Codec>,
    /// synthesis, soft-fade, cross-fade, nearest (real pixels only); or ladder: measures every gap first and shows full synthesis, a
    /// soft fade or a cut, as true as the gap allows.
    #[arg(long, default_value = "synthesis", value_parser = parse_mode)]
    mode: Mode,
    /// draft (small depth, fast), air (depth as large as the pictures), hero (depth tuned by the pictures: half to one dB more for several times the solve).
    #[arg(long, default_value = "air", value_parser = super::parse_quality)]
    quality: Quality,
    /// Longest side of the depth maps in pixels, whatever the quality: smaller is faster.
    #[arg(long, value_name = "PIXELS", value_parser = clap::value_parser!(u32).range(16..))]
    depth_size: Option<u32>,
    /// What the cameras see when nobody is there, for what nobody sees at the instant and for clean outlines: auto (learned from footage of
    /// 4 s and more), learn (from any footage), off, or a folder with a picture of the empty stage per camera.
    #[arg(long, value_name = "auto|learn|off|FOLDER", default_value = "off")]
    plates: String,
    /// Cameras that did not see the very instant get the picture between their two frames about it: on, off, or auto (where hidden
    /// cameras say that it is truer). With footage only; slow motion then has as many phases as frames.
    #[arg(long, value_name = "auto|on|off", default_value = "off")]
    retime: RetimePolicy,
    /// Replace files of that name.
    #[arg(long)]
    overwrite: bool,
    /// Do not write NAME.json, which says what every frame was made of.
    #[arg(long)]
    no_sidecar: bool,
    /// Also write the path as a text file, to edit and use with --path.
    #[arg(long, value_name = "FILE.toml")]
    save_path: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  volte export --rig fox/transforms.json --pictures fox/images --path bounce --seconds 6 --out fox.mp4
  volte export --rig rig.toml --pictures shot12 --path loop --rate 59.94 --size 1920x1080 --out turn.mov
  volte export --rig rig.toml --recording /recordings/final --at E003 --out e003.mp4
  volte export --rig Calib.toml --footage videos/ --at 12.48 --path roll-through --speed 0.5 --out turn.mkv
  volte export --rig rig.toml --pictures shot12 --path loop --rate 15 --size 1280x720 --out turn.html
  volte export --rig rig.toml --pictures shot12 --from cam03 --to cam11 --stabilize --out shot12_%04d.png";

pub fn parse_size(text: &str) -> Result<(u32, u32), String> {
    let wrong = || format!("{text:?} is no size. Write width x height, e.g. 1920x1080");
    let (w, h) = text.split_once(['x', 'X', '×']).ok_or_else(wrong)?;
    match (w.trim().parse(), h.trim().parse()) {
        (Ok(w), Ok(h)) => Ok((w, h)),
        _ => Err(wrong()),
    }
}

fn parse_codec(text: &str) -> Result<Codec, String> {
    Codec::from_name(text).ok_or_else(|| format!("{text:?} is no codec. Known: h264, h265, prores, png, jpeg"))
}

/// How to show what is between the cameras.
#[derive(Debug, Clone, Copy)]
enum Mode {
    Everywhere(ViewMode),
    Ladder,
}

fn parse_mode(text: &str) -> Result<Mode, String> {
    match text {
        "synthesis" => Ok(Mode::Everywhere(ViewMode::Synthesis)),
        "soft-fade" => Ok(Mode::Everywhere(ViewMode::SoftFade)),
        "cross-fade" => Ok(Mode::Everywhere(ViewMode::CrossFade)),
        "nearest" => Ok(Mode::Everywhere(ViewMode::Nearest)),
        "ladder" => Ok(Mode::Ladder),
        _ => Err(format!("{text:?} is no mode. Known: synthesis, soft-fade, cross-fade, nearest, ladder")),
    }
}

/// The moments at their exact instants, where that is wanted and truer.
fn retimed(
    args: &Args,
    gpu: &Gpu,
    rig: &Rig,
    moments: Moments,
    mark: MediaTime,
    bar: &ProgressBar,
    cancel: &CancelToken,
) -> anyhow::Result<Moments> {
    let Moments::Any(mut source) = moments else {
        if args.retime == RetimePolicy::On {
            bail!("--retime on needs --footage or --recording: a single picture of each camera has no frame before and after it");
        }
        if args.retime == RetimePolicy::Auto {
            bar.suspend(|| println!("retime: no, a single picture of each camera has no frame before and after it"));
        }
        return Ok(moments);
    };
    // Real pixels only is a promise.
    if args.retime == RetimePolicy::Off {
        return Ok(Moments::Any(source));
    }
    if matches!(args.mode, Mode::Everywhere(ViewMode::Nearest)) {
        bar.suspend(|| println!("retime: no, --mode nearest promises real pixels only"));
        return Ok(Moments::Any(source));
    }
    if args.retime == RetimePolicy::Auto {
        bar.set_message("in time?");
        let verdict = retime::measured(gpu, rig, source.as_mut(), mark, retime::IN_TIME_NANOS, &mut |share| {
            bar.set_position((share * 1000.0) as u64);
            !cancel.is_cancelled()
        })?;
        let worst_ms = verdict.worst_error_nanos as f64 * 1e-6;
        bar.suspend(|| match verdict.scores_db {
            None => println!("retime: no need, the farthest frame is {worst_ms:.2} ms from the instant"),
            Some((nearest, exact)) => println!(
                "retime: {}, the farthest frame is {worst_ms:.2} ms from the instant; hidden cameras {nearest:.2} dB from nearest frames, {exact:.2} dB from interpolated ones",
                if verdict.pays() { "yes" } else { "no" }
            ),
        });
        if !verdict.pays() {
            return Ok(Moments::Any(source));
        }
    }
    Ok(Moments::Any(Box::new(RetimedSource::new(gpu, source)?)))
}

/// Runs it.
pub fn run(args: Args) -> anyhow::Result<()> {
    // Everything that can be wrong with the words comes before everything that takes time.
    output::container_and_codec(&args.out, args.codec)?;
    if !(args.seconds.is_finite() && (0.02..=3600.0).contains(&args.seconds)) {
        bail!("--seconds {}: a path lasts from 0.02 s to an hour", args.seconds);
    }
    if args.retime == RetimePolicy::On && matches!(args.mode, Mode::Everywhere(ViewMode::Nearest)) {
        bail!("--mode nearest promises real pixels only, and --retime on interpolates between frames. Leave one of the two out");
    }
    let rig = rig::load(&args.rig)?.only(&args.only).context("--use")?;
    let cancel = super::cancelled_by_ctrl_c()?;
    let material = if args.pictures.is_some() {
        pictures(&args, &rig)?
    } else if let Some(folder) = &args.recording {
        recording(&args, &rig, folder, &cancel)?
    } else {
        footage(&args, &rig, &cancel)?
    };
    let Material { rig, moments, path, mark, plates } = material;
    if !plates.is_empty() {
        println!("plates: {} of {} cameras", plates.len(), rig.cameras.len());
    }
    if let Some(file) = &args.save_path {
        std::fs::write(file, path.to_toml()?).with_context(|| format!("cannot write {}", file.display()))?;
    }
    let own = rig.cameras.first().map_or((1920, 1080), |c| (c.width_px & !1, c.height_px & !1));
    let (width_px, height_px) = args.size.unwrap_or(own);
    let gpu = Gpu::open(&GpuOptions::default())?;
    let bar = ProgressBar::new(1000);
    bar.set_style(ProgressStyle::with_template("{msg:10} {bar:40} {percent:>3} %  {elapsed}  {prefix}")?);
    // Before the gaps are measured: they are to be judged by the pictures that are shown.
    let mut moments = retimed(&args, &gpu, &rig, moments, mark, &bar, &cancel)?;
    let (mode, gaps) = match args.mode {
        Mode::Everywhere(mode) => {
            if mode == ViewMode::Synthesis {
                warn_of_wide_gaps(&rig);
            }
            (mode, vec![])
        }
        Mode::Ladder => {
            bar.set_message("gaps");
            let gaps = gaps::measured(&gpu, &rig, &mut moments, mark, &mut |share| {
                bar.set_position((share * 1000.0) as u64);
                !cancel.is_cancelled()
            })?;
            bar.suspend(|| print_gaps(&rig, &gaps));
            (ViewMode::Synthesis, gaps)
        }
    };
    let job = ExportJob {
        rig,
        moments,
        path,
        mark,
        mode,
        gaps,
        scene: match args.depth_size {
            Some(size_px) => SceneOptions { max_depth_size_px: Some(size_px), ..args.quality.scene() },
            None => args.quality.scene(),
        },
        plates,
        output: OutputSpec {
            path: args.out,
            width_px,
            height_px,
            rate: args.rate,
            codec: args.codec,
            overwrite: args.overwrite,
            sidecar: (!args.no_sidecar).then(SidecarHeader::default),
            cancel: cancel.clone(),
        },
    };
    let report = export::run(job, &gpu, &mut |p| show(&bar, p), &cancel);
    bar.finish_and_clear();
    let report = report?;
    let mib = report.output.bytes as f64 / 1_048_576.0;
    println!("{}: {} frames, {mib:.1} MiB", report.output.path.display(), report.output.frames);
    let secs = report.secs.iter().map(|(stage, secs)| format!("{stage} {secs:.2} s")).collect::<Vec<_>>().join(", ");
    println!("{secs} ({})", gpu.info.name);
    for (camera, why) in &report.left_out {
        println!("left out: {camera}: {why}");
    }
    Ok(())
}

/// The names of the cameras at the ends of the gaps along an arc.
fn ends_of_gaps(rig: &Rig, arc: &rig::Arc) -> Vec<String> {
    let n = arc.order.len();
    (0..arc.gap_count()).map(|k| [k, (k + 1) % n].map(|k| rig.cameras[arc.order[k]].name.as_str()).join("–")).collect()
}

fn warn_of_wide_gaps(rig: &Rig) {
    let Ok(arc) = rig::Arc::fit(rig) else { return };
    let wide: Vec<String> = ends_of_gaps(rig, &arc)
        .into_iter()
        .enumerate()
        .map(|(k, ends)| (arc.gap_rad(rig, k).to_degrees(), ends))
        .filter(|(degrees, _)| GapQuality::of_degrees(*degrees) == GapQuality::Poor)
        .map(|(degrees, ends)| format!("{ends} {degrees:.0}°"))
        .collect();
    if !wide.is_empty() {
        eprintln!(
            "warning: too far apart to trust what is synthesized between them: {}. --mode ladder measures every gap and shows what it allows; --mode cross-fade blends",
            wide.join(", ")
        );
    }
}

fn print_gaps(rig: &Rig, gaps: &[GapState]) {
    let Ok(arc) = rig::Arc::fit(rig) else { return };
    for (ends, gap) in ends_of_gaps(rig, &arc).iter().zip(gaps) {
        let score = gap.score.map_or_else(|| "-".to_owned(), |s| format!("{:.1} dB", s.db));
        println!("{ends:<24} {:5.1}°  {score:>8}  {} ({})", gap.degrees, gap.rung.label(), gap.why.label());
    }
}

/// What the pictures or the footage give.
struct Material {
    rig: Rig,
    moments: Moments,
    path: Path,
    mark: MediaTime,
    plates: Vec<plates::NamedPlate>,
}

fn pictures(args: &Args, rig: &Rig) -> anyhow::Result<Material> {
    let folder = args.pictures.as_deref().context("--pictures is missing")?;
    let matched = rig::pictures::match_rig(rig, folder)?;
    for notice in &matched.notices {
        eprintln!("note: {notice}");
    }
    let path = path_of(args, &matched.rig)?;
    let moments = Moments::One(export::moment_of_pictures(&matched.rig, &matched.paths)?);
    let plates = match args.plates.as_str() {
        "auto" | "off" => vec![],
        "learn" => bail!("--plates learn needs --footage: pictures have no past. Give a folder with pictures of the empty stage"),
        folder => plates::given(&matched.rig, FilePath::new(folder)).context("--plates")?,
    };
    Ok(Material { rig: matched.rig, moments, path, mark: MediaTime::ZERO, plates })
}

fn footage(args: &Args, rig: &Rig, cancel: &CancelToken) -> anyhow::Result<Material> {
    let at = args.at.as_ref().and_then(|at| at.parse().ok()).filter(|at: &f64| at.is_finite()).context("--at is missing or no number")?;
    let path = path_of(args, rig)?;
    let span = span_of(&path);
    let mut footage = Footage::open(rig, &args.footage, at, span, cancel)?;
    let mark = footage.mark();
    for feed in footage.status() {
        tracing::info!(feed = %feed.name, codec = ?feed.codec, size = ?feed.size_px, frames = feed.received, "read");
    }
    // Formats that do not say how large the pictures are learn it from the footage.
    let mut rig = rig.clone();
    for camera in rig.cameras.iter_mut().filter(|c| c.width_px == 0 || c.height_px == 0) {
        if let Some((w, h)) = footage.status().iter().find(|f| *f.name == *camera.name).and_then(|f| f.size_px) {
            (camera.width_px, camera.height_px) = (w, h);
        }
    }
    let span = footage.span();
    let plates = plates_of(args, &rig, &mut footage, span, cancel)?;
    Ok(Material { rig, moments: Moments::Any(Box::new(footage)), path, mark, plates })
}

/// From a recording folder.
fn recording(args: &Args, rig: &Rig, folder: &FilePath, cancel: &CancelToken) -> anyhow::Result<Material> {
    let at = args.at.as_deref().context("--at is missing")?;
    let path = path_of(args, rig)?;
    let mut recording = Recording::open(rig, folder, at, span_of(&path))?;
    let mark = recording.mark();
    let mut rig = rig.clone();
    for camera in rig.cameras.iter_mut().filter(|c| c.width_px == 0 || c.height_px == 0) {
        if let Some((w, h)) = recording.size_px(&camera.name) {
            (camera.width_px, camera.height_px) = (w, h);
        }
    }
    let span = recording.span();
    let plates = plates_of(args, &rig, &mut recording, span, cancel)?;
    Ok(Material { rig, moments: Moments::Any(Box::new(recording)), path, mark, plates })
}

/// The earliest and the latest instant of a path, seconds about the mark.
fn span_of(path: &Path) -> (f64, f64) {
    let instants = || path.keys.iter().map(|k| k.instant_secs);
    (instants().fold(f64::MAX, f64::min), instants().fold(f64::MIN, f64::max))
}

fn plates_of(
    args: &Args,
    rig: &Rig,
    source: &mut dyn MomentSource,
    (from, until): (MediaTime, MediaTime),
    cancel: &CancelToken,
) -> anyhow::Result<Vec<plates::NamedPlate>> {
    let plates = match args.plates.as_str() {
        "off" => vec![],
        "auto" if !plates::is_long_enough(from, until) => vec![],
        "auto" | "learn" => plates::learned(source, rig, (from, until), &mut || !cancel.is_cancelled())?,
        folder => plates::given(rig, FilePath::new(folder)).context("--plates")?,
    };
    if args.plates == "learn" && plates.is_empty() {
        bail!(
            "--plates learn: no camera has a plate; the warnings say why. Give longer footage, or a folder with pictures of the empty stage"
        );
    }
    Ok(plates)
}

fn show(bar: &ProgressBar, p: ExportProgress) {
    bar.set_message(match p.stage {
        ExportStage::Solving => "depth",
        ExportStage::Rendering => "frames",
        ExportStage::Finishing => "finishing",
    });
    bar.set_prefix(format!("{}/{} frames", p.frames_done, p.frames));
    bar.set_position((f64::from(p.share) * 1000.0) as u64);
}

fn path_of(args: &Args, rig: &Rig) -> anyhow::Result<Path> {
    let Some(preset) = Preset::from_name(&args.path) else {
        if FilePath::new(&args.path).extension().is_none_or(|e| !e.eq_ignore_ascii_case("toml")) {
            let known = Preset::ALL.map(Preset::name).join(", ");
            bail!("--path {:?} is neither a preset ({known}) nor a .toml file", args.path);
        }
        let text = std::fs::read_to_string(&args.path).with_context(|| format!("cannot read the path file {:?}", args.path))?;
        let mut path = Path::from_toml(&text).with_context(|| format!("in the path file {:?}", args.path))?;
        path.stabilize |= args.stabilize;
        return Ok(path);
    };
    let arc = rig::Arc::fit(rig)?;
    let last = arc.order.len() - 1;
    let station = |word: &Option<String>, otherwise: f64| -> anyhow::Result<f64> {
        let Some(word) = word else { return Ok(otherwise) };
        if let Some(i) = rig.index_of(word) {
            return Ok(arc.order.iter().position(|&o| o == i).unwrap_or(0) as f64);
        }
        word.parse().ok().filter(|p: &f64| p.is_finite()).with_context(|| {
            let names = arc.order.iter().map(|&i| rig.cameras[i].name.as_str()).collect::<Vec<_>>().join(", ");
            format!("{word:?} is neither a camera nor a position from 0 to {last}. Along the arc stand: {names}")
        })
    };
    let from = station(&args.from, 0.0)?;
    let to = shorter_way(from, station(&args.to, last as f64)?, arc.order.len(), arc.closed && args.to.is_some());
    Ok(preset.path(&PresetOptions {
        from,
        to,
        secs: args.seconds,
        hold_secs: args.hold,
        speed: args.speed,
        ring_cameras: arc.order.len(),
        stabilize: args.stabilize,
    }))
}
