//! `volte rig`: read, check, draw and convert calibrations.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use indicatif::{ProgressBar, ProgressStyle};
use rayon::prelude::*;
use volte::rig::{
    Format, Rig,
    check::{self, Luma, Report, Severity},
    formats, load, pictures,
};

/// What `volte rig` takes.
#[derive(Debug, clap::Subcommand)]
pub enum Args {
    /// Print and draw a rig, and name what is wrong with it and the remedy.
    ///
    /// Reads rig.toml, COLMAP folders (text or binary), transforms.json, aniposelib/Pose2Sim/caliscope TOML, OpenCV
    /// YAML/XML and EasyMocap's folder, Qualisys .qca.txt, Middlebury _par.txt, folders of MVSNet *_cam.txt and MPEG MIV JSON; the
    /// format is found by content. Ends with an error status when the rig cannot be used as it is.
    Check {
        /// The calibration: a file or a folder.
        rig: PathBuf,
        /// The cameras' pictures of one instant (NAME.png or NAME.jpg): their sizes are compared, and points are matched
        /// between neighbours to measure how well the calibration fits.
        #[arg(long, value_name = "DIR")]
        pictures: Option<PathBuf>,
        /// Only these cameras, by name, separated by commas.
        #[arg(long = "use", value_name = "A,B,…", value_delimiter = ',')]
        only: Vec<String>,
        /// Draw the rig from above and from the side.
        #[arg(long, value_name = "OUT.png")]
        draw: Option<PathBuf>,
    },
    /// Find the cameras' clock offsets from what moves in their footage, and write them into a rig file.
    ///
    /// Cameras without genlock saw their frames at slightly different instants than their files say. A moving point that two
    /// neighbours see stands beside its epipolar line by as much as their clocks differ; hundreds of them give offsets to a fraction of a
    /// millisecond, with their uncertainty. Neighbours must stand less than 28 degrees apart.
    Sync(super::sync::Args),
    /// Adjust a rig to what its own pictures show, where that makes it better.
    ///
    /// Points are matched between neighbours and one bundle adjustment moves the cameras until they fit. A fifth of the points is kept out of
    /// it: they, and pictures of hidden cameras, judge whether the rig became better. If not, it says that there is nothing to gain.
    Refine(super::refine::Args),
    /// Look through footage for cameras that were bumped, and solve those again.
    ///
    /// What stands in the hall is learned from the beginning; a look each second says whether each camera still stands where it did, whoever
    /// walks through. A bumped camera is named and solved alone from where the hall's points now appear.
    Watch(super::watch::Args),
    /// Read a rig of any format and write it in another.
    Convert {
        /// The calibration: a file or a folder, of any format that `check` reads.
        rig: PathBuf,
        /// The file to write; for colmap the folder.
        out: PathBuf,
        /// The format to write.
        #[arg(long, value_enum, default_value_t = Target::RigToml)]
        to: Target,
        /// Only these cameras, by name, separated by commas.
        #[arg(long = "use", value_name = "A,B,…", value_delimiter = ',')]
        only: Vec<String>,
        /// The cameras' pictures, for formats that name them or when the rig file does not tell their sizes.
        #[arg(long, value_name = "DIR")]
        pictures: Option<PathBuf>,
        /// Replace what is there.
        #[arg(long)]
        overwrite: bool,
    },
}

/// Formats that are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Target {
    /// Volte's own, with comments.
    #[value(name = "rig.toml")]
    RigToml,
    /// A folder with cameras.txt, images.txt and points3D.txt.
    Colmap,
    /// For nerfstudio and instant-ngp.
    Transforms,
    /// TOML of aniposelib, Pose2Sim and caliscope.
    Anipose,
    /// OpenCV's YAML, a map per camera.
    Opencv,
}

impl Target {
    pub(super) const fn format(self) -> Format {
        match self {
            Self::RigToml => Format::RigToml,
            Self::Colmap => Format::ColmapText,
            Self::Transforms => Format::Transforms,
            Self::Anipose => Format::AniposeToml,
            Self::Opencv => Format::OpenCv,
        }
    }
}

/// What is there is replaced only when that is asked for, and a folder never by a file.
pub(super) fn refuse_taken(out: &Path, format: Format, overwrite: bool) -> anyhow::Result<()> {
    let Some(taken) = formats::taken(out, format) else { return refuse_unwritable(out, format) };
    match (format == Format::ColmapText, taken.is_dir()) {
        (false, true) => bail!("{} is a folder: {format} is one file. Name it, e.g. {}", out.display(), out.join("rig.toml").display()),
        (true, _) if taken == out => bail!("{} is a file: {format} is three files in a folder. Name a folder", out.display()),
        _ => {}
    }
    if taken.extension().is_some_and(|e| e == "bin") {
        bail!("{} is there, and readers take it before the text files. Choose another folder, or remove the .bin files", taken.display());
    }
    anyhow::ensure!(overwrite, "{} exists. Choose another name, or allow to replace it (--overwrite)", taken.display());
    refuse_unwritable(out, format)
}

/// Tried before the work, not after it.
fn refuse_unwritable(out: &Path, format: Format) -> anyhow::Result<()> {
    // Where a rig is a folder, it is made with those around it.
    let makes_folders = format == Format::ColmapText;
    let mut around = out.ancestors().skip(1).map(|f| if f.as_os_str().is_empty() { Path::new(".") } else { f });
    let folder = around.find(|f| f.is_dir() || !makes_folders).unwrap_or(Path::new("."));
    anyhow::ensure!(
        folder.is_dir(),
        "cannot write {}: there is no folder {}. Make it, or choose another place",
        out.display(),
        folder.display()
    );
    let tried = (1..10).find_map(|k| {
        let file = folder.join(format!(".volte-tries-{}-{k}", std::process::id()));
        match std::fs::OpenOptions::new().write(true).create_new(true).open(&file) {
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => None,
            made => Some(made.and_then(|_| std::fs::remove_file(&file))),
        }
    });
    tried.unwrap_or(Ok(())).with_context(|| format!("cannot write {}: choose a folder in which this user may write", out.display()))
}

/// Runs it.
pub fn run(args: Args) -> anyhow::Result<()> {
    match args {
        Args::Sync(args) => super::sync::run(&args),
        Args::Refine(args) => super::refine::run(&args),
        Args::Watch(args) => super::watch::run(&args),
        Args::Check { rig, only, pictures, draw } => check_rig(&rig, &only, pictures.as_deref(), draw.as_deref()),
        Args::Convert { rig, out, to, only, pictures, overwrite } => {
            refuse_taken(&out, to.format(), overwrite)?;
            convert(&rig, &only, &out, to, pictures.as_deref())
        }
    }
}

fn check_rig(path: &Path, only: &[String], folder: Option<&Path>, drawing: Option<&Path>) -> anyhow::Result<()> {
    if let Some(out) = drawing
        && out.extension().is_none_or(|e| !e.eq_ignore_ascii_case("png"))
    {
        bail!("--draw {}: the drawing is a PNG. Name it so, e.g. {}", out.display(), out.with_extension("png").display());
    }
    let (format, _) = formats::detect(path)?;
    let mut rig = formats::read(path)?.only(only)?;
    let mut notices = Vec::new();
    let mut found = Vec::new();
    if let Some(folder) = folder {
        let matched = pictures::match_rig(&rig, folder)?;
        (rig, notices, found) = (matched.rig, matched.notices, matched.paths);
    }
    let mut report = check::check(&rig);
    if let Some(arc) = report.arc.clone().filter(|_| !found.is_empty()) {
        let luma = found
            .par_iter()
            .map(|p| {
                let gray = image::open(p).with_context(|| format!("cannot read the picture {}", p.display()))?.to_luma8();
                Ok(Luma::new(gray.width() as usize, gray.height() as usize, gray.as_raw()))
            })
            .collect::<anyhow::Result<Vec<_>>>()?;
        let bar = ProgressBar::new(100).with_style(ProgressStyle::with_template("matching points {bar:32} {percent} %")?);
        let residuals = check::epipolar_residuals(&rig, &luma, &arc, &report.gaps, &|done| bar.set_position((done * 100.0) as u64));
        bar.finish_and_clear();
        report.add_residuals(&rig, residuals);
    }
    say(&text(path, format, &rig, &report, &notices))?;
    if let Some(out) = drawing {
        let title = path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned());
        write_png(&check::draw(&rig, &report, &title), out)?;
        say(&format!("\nDrawn: {}\n", out.display()))?;
    }
    let errors = report.findings.iter().filter(|f| f.severity == Severity::Error).count();
    anyhow::ensure!(errors == 0, "the rig cannot be used as it is: {errors} error{}, see above", if errors == 1 { "" } else { "s" });
    Ok(())
}

/// Prints; a reader that has seen enough (`| head`) is no fault.
fn say(text: &str) -> anyhow::Result<()> {
    use std::io::{ErrorKind, Write as _};
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => Err(e).context("cannot write the report"),
        _ => Ok(()),
    }
}

/// The report as aligned text.
fn text(path: &Path, format: Format, rig: &Rig, report: &Report, notices: &[String]) -> String {
    let mut out = vec![format!("{}  ({format}, {} cameras, {} points)", path.display(), rig.cameras.len(), rig.points_in_world.len())];
    out.extend(notices.iter().map(|n| format!("  note: {n}")));
    out.push(String::new());
    let wide = rig.cameras.iter().map(|c| c.name.chars().count()).max().unwrap_or(0).max(6);
    out.push(format!("{:wide$}  {:>11}  {:>17}  {:>17}  {:>23}   {}", "camera", "picture", "focal px", "centre px", "position m", "lens"));
    for c in &rig.cameras {
        let p = c.center_in_world();
        let size = if c.width_px == 0 { "?".to_owned() } else { format!("{} × {}", c.width_px, c.height_px) };
        let l = &c.lens;
        out.push(format!(
            "{:wide$}  {size:>11}  {:>8.1} {:>8.1}  {:>8.1} {:>8.1}  {:>7.3} {:>7.3} {:>7.3}   {}",
            c.name,
            l.fx_px,
            l.fy_px,
            l.cx_px,
            l.cy_px,
            p.x,
            p.y,
            p.z,
            lens_words(&l.distortion)
        ));
    }
    out.push(String::new());
    if let Some(arc) = &report.arc {
        let shape = if arc.closed {
            "closed ring".to_owned()
        } else {
            format!("open arc of {:.1}°", arc.azimuth_rad.last().copied().unwrap_or(0.0).to_degrees())
        };
        let (c, u) = (arc.center_in_world, arc.up_in_world);
        out.push(format!("arc      {shape}, radius {:.3} m", arc.radius_m));
        out.push(format!("subject  {:.3} {:.3} {:.3} m, up {:.3} {:.3} {:.3}", c.x, c.y, c.z, u.x, u.y, u.z));
        out.push(String::new());
        let with_residuals = report.gaps.iter().any(|g| g.residual.is_some());
        let heading = if with_residuals { "  residual px  matches" } else { "" };
        out.push(format!("{:w$}  degrees  baseline m  disparity px  synthesis{heading}", "gap", w = 2 * wide + 3));
        for g in &report.gaps {
            let pair = format!("{:wide$} – {:wide$}", rig.cameras[g.from].name, rig.cameras[g.to].name);
            let residual = match g.residual {
                Some(r) => format!("  {:>11.2}  {:>7}", r.median_px, r.matches),
                None if with_residuals => format!("  {:>11}  {:>7}", "–", "few"),
                None => String::new(),
            };
            out.push(
                format!("{pair}  {:>7.2}  {:>10.3}  {:>12.0}  {:9}{residual}", g.degrees, g.baseline_m, g.disparity_px, g.verdict)
                    .trim_end()
                    .to_owned(),
            );
        }
        out.push(String::new());
    }
    if report.findings.is_empty() {
        out.push("Nothing wrong found.".into());
    }
    for f in &report.findings {
        let who = match f.cameras.len() {
            0 => String::new(),
            n if n > 6 => format!("{} and {} more: ", f.cameras[..5].join(", "), n - 5),
            _ => format!("{}: ", f.cameras.join(", ")),
        };
        out.push(format!("{:8} {who}{}", f.severity, f.what));
        out.push(format!("         → {}", f.remedy));
    }
    out.join("\n") + "\n"
}

fn lens_words(d: &volte::geometry::Distortion) -> String {
    use volte::geometry::Distortion;
    let list = |v: &[f64]| {
        let end = v.iter().rposition(|x| *x != 0.0).map_or(0, |i| i + 1);
        v[..end].iter().map(|x| format!("{x:.4}")).collect::<Vec<_>>().join(" ")
    };
    match d {
        Distortion::None => "pinhole".into(),
        Distortion::BrownConrady { k, p } if p == &[0.0, 0.0] => format!("k {}", list(k)),
        Distortion::BrownConrady { k, p } => format!("k {} p {}", list(k), list(p)),
        Distortion::Fisheye { k } => format!("fisheye k {}", list(k)),
    }
}

/// Complete or not at all.
fn write_png(picture: &image::RgbImage, out: &Path) -> anyhow::Result<()> {
    let mut name = out.file_name().context("--draw needs a file name")?.to_os_string();
    name.push(".part");
    let part = out.with_file_name(name);
    let written = picture
        .save_with_format(&part, image::ImageFormat::Png)
        .map_err(anyhow::Error::from)
        .and_then(|()| Ok(std::fs::rename(&part, out)?));
    if written.is_err() {
        std::fs::remove_file(&part).ok();
    }
    written.with_context(|| format!("cannot write {}", out.display()))
}

fn convert(path: &Path, only: &[String], out: &Path, to: Target, folder: Option<&Path>) -> anyhow::Result<()> {
    let mut rig = load(path)?.only(only)?;
    let mut names: Vec<String> = rig.cameras.iter().map(|c| format!("{}.png", c.name)).collect();
    if let Some(folder) = folder {
        let matched = pictures::match_rig(&rig, folder)?;
        matched.notices.iter().for_each(|n| println!("note: {n}"));
        rig = matched.rig;
        // COLMAP's names are relative to a picture folder of its own; transforms.json's to the file.
        let beside = out.parent().unwrap_or(Path::new(""));
        let relative =
            |p: &Path| p.strip_prefix(if to == Target::Colmap { folder } else { beside }).unwrap_or(p).to_string_lossy().replace('\\', "/");
        names = matched.paths.iter().map(|p| relative(p)).collect();
    } else if matches!(to, Target::Colmap | Target::Transforms) {
        println!("note: the pictures are called NAME.png in it; give their folder with --pictures for their real names");
    }
    let format = to.format();
    if format != Format::RigToml && rig.cameras.iter().any(|c| c.clock_offset_nanos != 0) {
        println!("note: {format} cannot hold clock offsets, they are lost in it");
    }
    if !matches!(format, Format::RigToml | Format::ColmapText) && !rig.points_in_world.is_empty() {
        println!("note: {format} cannot hold the {} points of the scene, they are lost in it", rig.points_in_world.len());
    }
    formats::save_with_pictures(&rig, out, format, &names)?;
    println!("{} cameras written to {} ({format})", rig.cameras.len(), out.display());
    Ok(())
}
