//! `volte export`: pictures or footage, a rig and a path in; a video or a sequence of pictures out.

use std::path::{Path as FilePath, PathBuf};

use anyhow::{Context as _, bail};
use indicatif::{ProgressBar, ProgressStyle};
use volte::{
    engine::{
        GapQuality, GapState, MADE_BY,
        export::{self, ExportProgress, ExportStage},
        interchange::{self, MomentForm},
        recipe::{Mode, OutputPart, Plates, RECIPE_VERSION, Recipe, RenderPart, RigPart, SourcePart, Told, absolute},
        retime::RetimePolicy,
    },
    gpu::{Gpu, GpuOptions},
    output::{self, CancelToken, Codec, CredentialFiles},
    replay::{
        graphics::{Graphic, GraphicList},
        path::{Aspect, Path, Preset, PresetOptions, shorter_way},
        trim::TrimList,
    },
    rig::{self, Rig},
    scene::{Matching, Quality},
    time::FrameRate,
};

/// What `volte export` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, group(clap::ArgGroup::new("material").required(true)))]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own on the command line")]
pub struct Args {
    /// Recipes (written by --recipe), rendered one after the other: everything is in them; beside a single one --out, --overwrite, --no-sidecar and --recipe may be given beside it.
    #[arg(value_name = "RECIPE.toml", num_args = 1.., group = "material", conflicts_with_all = [
        "rig", "at", "only", "path", "from", "to", "seconds", "hold", "speed", "stabilize", "rate", "size", "crop", "pivot", "codec", "mode",
        "quality", "depth_size", "plates", "retime", "sound", "save_path", "graphics", "matching", "no_shading", "trims",
        "slices", "certificates", "key",
    ])]
    again: Vec<PathBuf>,
    /// The calibration of the cameras, in any format that `volte rig check` reads.
    #[arg(long, required_unless_present = "again")]
    rig: Option<PathBuf>,
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
    /// Shape of the frame: 9:16, 1:1, 4:5, 16:9 …; it follows the pivot inside the cameras' pictures and is drawn at full sharpness. Without
    /// --size as large as the cameras' pictures allow.
    #[arg(long, value_name = "W:H")]
    crop: Option<Aspect>,
    /// Look at this point of the world, metres, instead of where the cameras look; crops follow it.
    #[arg(long, value_name = "X,Y,Z", value_parser = parse_point, allow_hyphen_values = true)]
    pivot: Option<Point>,
    /// The file: .mp4, .mkv, .mov, .mxf, .gif, .webp, a page to drag (.html), or a sequence such as shot_%04d.png. Or the moment itself, for other programs: a folder
    /// (moment/) with frames and poses for COLMAP, nerfstudio and splat trainers; points (.ply, .glb); a mesh (.mesh.glb); Gaussians (.gs.ply, .splat).
    #[arg(long, required_unless_present = "again")]
    out: Option<PathBuf>,
    /// h264, h265, av1, prores, mjpeg, gif, png, jpeg or exr; default by the file's name.
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
    /// The camera whose footage carries the sound: at the path's speed in its own pitch (silence below 20 %).
    #[arg(long, value_name = "CAMERA", requires = "footage")]
    sound: Option<String>,
    /// What is heard of it while time stands still: live, silence or tail (fades within 1.2 s).
    #[arg(long, value_name = "live|silence|tail", requires = "sound", value_parser = ["live", "silence", "tail"])]
    freeze_sound: Option<String>,
    /// Also write a recipe: a text that says everything, with the hashes of the rig and of the sources; `volte export FILE.toml` renders it again.
    #[arg(long, value_name = "FILE.toml")]
    recipe: Option<PathBuf>,
    /// Replace files of that name.
    #[arg(long)]
    overwrite: bool,
    /// Do not write NAME.json, which says what every frame was made of.
    #[arg(long)]
    no_sidecar: bool,
    /// Put content credentials (C2PA) into the file, signed with the key of these certificates (PEM, the signer's own first).
    #[arg(long, value_name = "FILE.pem", requires = "key", conflicts_with = "no_sidecar")]
    certificates: Option<PathBuf>,
    /// The private key that belongs to --certificates (PEM, PKCS #8): read when the export begins, and neither shown nor copied.
    #[arg(long, value_name = "FILE", requires = "certificates")]
    key: Option<PathBuf>,
    /// Show other instants of the movement in the same picture (strobe), each hidden by what is nearer: 3x0.25 is three phases, a quarter of a
    /// second apart, the last at the instant; or seconds since it: -0.5,-0.25,0.3.
    #[arg(long, value_name = "NxSECONDS|SECONDS,…", allow_hyphen_values = true, value_parser = parse_slices)]
    slices: Option<Slices>,
    /// Draw the graphics of this file into the scene: the console keeps them as graphics.toml in its desk (docs/operator.md).
    #[arg(long, value_name = "FILE.toml")]
    graphics: Option<PathBuf>,
    /// What becomes of differences in exposure and white between the cameras: glide, common or off.
    #[arg(long = "match", value_name = "glide|common|off", default_value = "glide", value_parser = super::parse_matching)]
    matching: Matching,
    /// Leave dark corners and responses of the cameras' own; else the match evens them out.
    #[arg(long)]
    no_shading: bool,
    /// What was added by hand to the match of the cameras: the console keeps it as trims.toml in its desk (docs/operator.md).
    #[arg(long, value_name = "FILE.toml")]
    trims: Option<PathBuf>,
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
  volte export --rig rig.toml --pictures shot12 --path bounce --crop 9:16 --out phone.mp4
  volte export --rig rig.toml --pictures shot12 --path loop --rate 15 --size 1280x720 --out turn.html
  volte export --rig rig.toml --pictures shot12 --from cam03 --to cam11 --stabilize --out shot12_%04d.png
  volte export --rig rig.toml --recording /recordings/final --at E003 --out e003/       frames and poses for splat trainers
  volte export --rig rig.toml --pictures shot12 --out shot12.splat                      the moment as Gaussians";

pub fn parse_size(text: &str) -> Result<(u32, u32), String> {
    let wrong = || format!("{text:?} is no size. Write width x height, e.g. 1920x1080");
    let (w, h) = text.split_once(['x', 'X', '×']).ok_or_else(wrong)?;
    match (w.trim().parse(), h.trim().parse()) {
        (Ok(w), Ok(h)) => Ok((w, h)),
        _ => Err(wrong()),
    }
}

/// A point of the world, metres.
#[derive(Debug, Clone, Copy)]
struct Point([f64; 3]);

fn parse_point(text: &str) -> Result<Point, String> {
    let values: Option<Vec<f64>> = text.split(',').map(|v| v.trim().parse().ok().filter(|v: &f64| v.abs() < 1e5)).collect();
    let point = values.and_then(|v| <[f64; 3]>::try_from(v).ok());
    point.map(Point).ok_or_else(|| format!("{text:?} is no point. Write x,y,z in metres, e.g. 0.2,-1,1.1"))
}

/// Other instants, seconds since the instant.
#[derive(Debug, Clone, PartialEq)]
struct Slices(Vec<f64>);

fn parse_slices(text: &str) -> Result<Slices, String> {
    let wrong = || format!("{text:?} are no slices. Write 3x0.25, or seconds such as -0.5,-0.25");
    let number = |word: &str| word.trim().parse::<f64>().ok().filter(|v| v.is_finite());
    if let Some((count, secs)) = text.split_once('x') {
        let count = count.trim().parse::<u32>().ok().filter(|n| (2..=13).contains(n)).ok_or_else(wrong)?;
        let secs = number(secs).filter(|s| *s > 0.0).ok_or_else(wrong)?;
        return Ok(Slices((1..count).rev().map(|k| -f64::from(k) * secs).collect()));
    }
    let all: Option<Vec<f64>> = text.split(',').map(number).collect();
    all.filter(|v| v.iter().all(|s| *s != 0.0)).map(Slices).ok_or_else(wrong)
}

fn parse_codec(text: &str) -> Result<Codec, String> {
    let known = || Codec::ALL.map(Codec::name).join(", ");
    Codec::from_name(text).ok_or_else(|| format!("{text:?} is no codec. Known: {}", known()))
}

fn parse_mode(text: &str) -> Result<Mode, String> {
    match text {
        "synthesis" => Ok(Mode::Synthesis),
        "soft-fade" => Ok(Mode::SoftFade),
        "cross-fade" => Ok(Mode::CrossFade),
        "nearest" => Ok(Mode::Nearest),
        "ladder" => Ok(Mode::Ladder),
        _ => Err(format!("{text:?} is no mode. Known: synthesis, soft-fade, cross-fade, nearest, ladder")),
    }
}

/// Runs it: one export, or all recipes one after the other.
pub fn run(args: &Args) -> anyhow::Result<()> {
    // Once for all recipes: a process listens for Ctrl-C once.
    let cancel = super::cancelled_by_ctrl_c()?;
    let [_, _, ..] = args.again[..] else { return run_one(args, args.again.first(), &cancel) };
    if args.out.is_some() || args.recipe.is_some() {
        bail!("--out and --recipe are for a single recipe: several would be written over each other");
    }
    let mut failed = Vec::new();
    for (k, file) in args.again.iter().enumerate() {
        println!("{} of {}: {}", k + 1, args.again.len(), file.display());
        if let Err(e) = run_one(args, Some(file), &cancel) {
            eprintln!("error: {}: {e:#}", file.display());
            failed.push(file.display().to_string());
            // One Ctrl-C is for all that were asked for, not for the one that happens to be rendered.
            if cancel.is_cancelled() {
                bail!("cancelled after {} of {} recipes", k + 1 - failed.len(), args.again.len());
            }
        }
    }
    anyhow::ensure!(failed.is_empty(), "{} of {} recipes were not rendered: {}", failed.len(), args.again.len(), failed.join(", "));
    Ok(())
}

fn run_one(args: &Args, again: Option<&PathBuf>, cancel: &CancelToken) -> anyhow::Result<()> {
    let recipe = if let Some(file) = again {
        let mut recipe = Recipe::read(file)?;
        if let Some(out) = &args.out {
            recipe.output.file.clone_from(out);
        }
        recipe.output.sidecar &= !args.no_sidecar;
        // Before anything that takes time: nothing is rendered from what is not the same.
        recipe.rig()?;
        recipe.check_sources()?;
        if recipe.made_by != MADE_BY {
            eprintln!("note: the recipe was made by {}, this is {MADE_BY}: pictures may differ", recipe.made_by);
        }
        recipe
    } else {
        asked(args)?
    };
    let form = MomentForm::of(&recipe.output.file);
    if form.is_none() {
        output::container_and_codec(&recipe.output.file, recipe.output.codec)?;
    } else if args.recipe.is_some() {
        bail!("--recipe is for films, pictures and pages. What a moment is handed over as follows from its sources alone");
    }
    if let Some(file) = &args.recipe {
        refuse_unwritable(file, args.overwrite)?;
    }
    if form.is_some() {
        refuse_without_meaning(args, &recipe)?;
    }
    recipe.credentials()?;
    if form == Some(MomentForm::Folder) {
        refuse_own_source(&recipe)?;
    }
    // Sources may have taken long to read, and the next steps take longer.
    if cancel.is_cancelled() {
        bail!("cancelled; nothing was written");
    }
    let bar = ProgressBar::new(1000);
    bar.set_style(ProgressStyle::with_template("{msg:10} {bar:40} {percent:>3} %  {elapsed}  {prefix}")?);
    let mut told = |t: Told<'_>| tell(&bar, t);
    let material = recipe.material(&mut told, cancel)?;
    if recipe.render.mode == Mode::Synthesis {
        warn_of_wide_gaps(&material.rig);
    }
    material.size_px(&recipe)?;
    let (named_rig, files) = (material.named_rig.clone(), material.files.clone());
    recipe.check_found(&files)?;
    let gpu = Gpu::open(&GpuOptions::default())?;
    if let Some(adapter) = recipe.adapter.as_ref().filter(|a| **a != gpu.info.name) {
        bar.suspend(|| {
            eprintln!("note: the recipe was made on {adapter}, this is {}: pictures may differ in their last bits", gpu.info.name);
        });
    }
    let mut job = material.job(&recipe, &gpu, &mut told, cancel)?;
    job.output.overwrite = args.overwrite;
    if let Some(form) = form {
        bar.set_message("depth");
        let report = interchange::write_moment(job, form, &gpu, &mut |share| bar.set_position((share * 1000.0) as u64), cancel);
        bar.finish_and_clear();
        let report = report?;
        println!("{}: {} points, {} cameras", report.path.display(), report.points, report.cameras);
        for (camera, why) in &report.left_out {
            println!("left out: {camera}: {why}");
        }
        return Ok(());
    }
    let stamped = match &args.recipe {
        Some(_) => Some(recipe.stamped(&named_rig, &files, &job, &gpu.info.name)?),
        None => None,
    };
    let report = export::run(job, &gpu, &mut |p| show(&bar, p), cancel);
    bar.finish_and_clear();
    let report = report?;
    let mib = report.output.bytes as f64 / 1_048_576.0;
    println!("{}: {} frames, {mib:.1} MiB", report.output.path.display(), report.output.frames);
    if let (Some(file), Some(recipe)) = (&args.recipe, stamped) {
        recipe.write(file, args.overwrite)?;
        println!("{}: renders it again", file.display());
    }
    let secs = report.secs.iter().map(|(stage, secs)| format!("{stage} {secs:.2} s")).collect::<Vec<_>>().join(", ");
    println!("{secs} ({})", gpu.info.name);
    for (camera, why) in &report.left_out {
        println!("left out: {camera}: {why}");
    }
    Ok(())
}

/// A recipe that cannot be written is told before everything is rendered.
fn refuse_unwritable(file: &FilePath, overwrite: bool) -> anyhow::Result<()> {
    if !overwrite && file.symlink_metadata().is_ok() {
        bail!("{} is there already. Choose another name for --recipe, or say --overwrite", file.display());
    }
    let folder = file.parent().filter(|f| !f.as_os_str().is_empty()).unwrap_or(FilePath::new("."));
    if !folder.is_dir() {
        bail!("--recipe {}: there is no folder {}", file.display(), folder.display());
    }
    Ok(())
}

/// A moment for other programs has frames and poses as they are: what is asked for films must not be dropped without a word.
fn refuse_without_meaning(args: &Args, recipe: &Recipe) -> anyhow::Result<()> {
    let asked = [
        ("--size", args.size.is_some()),
        ("--crop", args.crop.is_some()),
        ("--codec", args.codec.is_some()),
        ("--pivot", args.pivot.is_some()),
        ("--certificates", recipe.output.credentials.is_some()),
        ("--mode", recipe.render.mode != Mode::Synthesis),
        ("--plates", recipe.render.plates != Plates::Off),
    ];
    if let Some((flag, _)) = asked.into_iter().find(|(_, is_asked)| *is_asked) {
        bail!("{flag} says nothing about a moment that is handed over as {}: leave it out", recipe.output.file.display());
    }
    Ok(())
}

/// A folder that would be written over what it is made from.
fn refuse_own_source(recipe: &Recipe) -> anyhow::Result<()> {
    let real = |path: &FilePath| path.canonicalize().ok();
    let Some(target) = real(&recipe.output.file) else { return Ok(()) };
    let source = &recipe.source;
    let sources = source.pictures.iter().chain(&source.footage).chain(&source.recording).chain([&recipe.rig.file]);
    for path in sources.filter_map(|path| real(path)) {
        let is_inside = ["images", "sparse", "transforms.json", "points.ply"].iter().any(|part| path.starts_with(target.join(part)));
        if is_inside || path == target {
            bail!("{} is made from {}, which it would replace. Write to another folder", target.display(), path.display());
        }
    }
    Ok(())
}

/// What the words ask for, as a recipe.
fn asked(args: &Args) -> anyhow::Result<Recipe> {
    // Everything that can be wrong with the words comes before everything that takes time.
    let (Some(file), Some(out)) = (&args.rig, &args.out) else {
        bail!("--rig and --out are missing. Give them, or a recipe: volte export recipe.toml");
    };
    if MomentForm::of(out).is_none() {
        output::container_and_codec(out, args.codec)?;
    }
    if !(args.seconds.is_finite() && (0.02..=3600.0).contains(&args.seconds)) {
        bail!("--seconds {}: a path lasts from 0.02 s to an hour", args.seconds);
    }
    let rig = rig::load(file)?.only(&args.only).context("--use")?;
    // Pictures may be of a part of a larger rig: the path runs along those that there are.
    let rig = match &args.pictures {
        Some(folder) => rig::pictures::match_rig(&rig, folder)?.rig,
        None => rig,
    };
    let path = path_of(args, &rig)?;
    if let Some(file) = &args.save_path {
        std::fs::write(file, path.to_toml()?).with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(Recipe {
        version: RECIPE_VERSION,
        made_by: MADE_BY.to_owned(),
        adapter: None,
        rig: RigPart { file: absolute(file), sha256: None, cameras: args.only.clone() },
        source: SourcePart {
            pictures: args.pictures.as_deref().map(absolute),
            footage: args.footage.iter().map(|p| absolute(p)).collect(),
            recording: args.recording.as_deref().map(absolute),
            at: args.at.clone(),
            instant_nanos: None,
            sound: args.sound.clone(),
            freeze_sound: args.freeze_sound.clone(),
            files: vec![],
        },
        render: RenderPart {
            mode: args.mode,
            quality: args.quality,
            depth_size_px: args.depth_size,
            plates: match Plates::from(args.plates.clone()) {
                Plates::Folder(folder) => Plates::Folder(absolute(&folder)),
                other => other,
            },
            retime: args.retime,
            matching: (args.matching != Matching::default()).then_some(args.matching),
            no_shading: args.no_shading,
            slices_secs: args.slices.clone().map_or_else(Vec::new, |s| s.0),
        },
        output: OutputPart {
            size_px: args.size.map(|(w, h)| [w, h]),
            crop: args.crop,
            rate: args.rate,
            codec: args.codec,
            // What x264 takes by itself, but written down: another number would give other bytes.
            threads: std::thread::available_parallelism().map_or(4, |n| (n.get() * 3 / 2) as u32).min(16),
            sidecar: !args.no_sidecar,
            credentials: args
                .certificates
                .as_ref()
                .zip(args.key.as_ref())
                .map(|(certificates, key)| CredentialFiles { certificates: absolute(certificates), key: absolute(key) }),
            ..OutputPart::new(absolute(out))
        },
        path,
        graphics: match &args.graphics {
            Some(file) => graphics_of(file)?,
            None => vec![],
        },
        trims: match &args.trims {
            Some(file) => trims_of(file)?,
            None => TrimList::default(),
        },
    })
}

/// The trims of a file, as the console keeps them.
fn trims_of(file: &FilePath) -> anyhow::Result<TrimList> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read the trims {}", file.display()))?;
    TrimList::from_toml(&text).map_err(|why| anyhow::anyhow!("in {}: {why}", file.display()))
}

/// The graphics of a file, as the console keeps them.
fn graphics_of(file: &FilePath) -> anyhow::Result<Vec<Graphic>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read the graphics {}", file.display()))?;
    let list = GraphicList::from_toml(&text).with_context(|| format!("in {}", file.display()))?;
    let folder = absolute(file).parent().map(FilePath::to_owned).unwrap_or_default();
    Ok(list.all().iter().map(|g| Graphic { file: g.file.as_ref().map(|f| folder.join(f)), ..g.clone() }).collect())
}

fn tell(bar: &ProgressBar, told: Told<'_>) {
    match told {
        Told::Note(text) => bar.suspend(|| eprintln!("note: {text}")),
        Told::Decision(text) => bar.suspend(|| println!("{text}")),
        Told::Progress(stage, share) => {
            bar.set_message(stage);
            bar.set_position((share * 1000.0) as u64);
        }
        Told::Gaps(rig, gaps) => bar.suspend(|| print_gaps(rig, gaps)),
    }
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
    let path = plain_path_of(args, rig)?;
    Ok(match args.pivot {
        Some(Point(pivot)) => path.about(pivot),
        None => path,
    })
}

fn plain_path_of(args: &Args, rig: &Rig) -> anyhow::Result<Path> {
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
