//! `volte calibrate` without a board: from pictures of the venue alone.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use volte::{
    calibrate::{
        LensFreedom,
        board::{Candidate, GATE_PX, Light},
        free::{Click, Distance, FLOOR, Field, Framed, FreeFailure, FreeOptions, FreeRig, Known, framed, free, parse_clicks},
    },
    engine::footage,
    frame::Picture,
    output::CancelToken,
    rig::{self, Camera, Format, Rig, pictures::Folder},
};

use super::{
    Args, bar, give_lenses,
    instants::{Instants, Named},
};

/// What only a calibration without a board takes.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Without a board")]
pub struct FreeArgs {
    /// The folders of --pictures are one per camera, called like it; pictures of one name in them (or of one number, `cam01_0007`, `cam02_0007`) are one instant.
    #[arg(long, requires = "pictures")]
    pub(super) per_camera: bool,
    /// How many instants of the footage are used, spread evenly; all of them are held in memory.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=32))]
    instants: u32,
    /// Field of view across the longer side of the pictures, degrees, of lenses that are not given. Default: several are tried.
    #[arg(long, value_name = "DEGREES")]
    field_of_view: Option<f64>,
    /// Each camera has a lens of its own. Default: cameras with pictures of one size share one.
    #[arg(long)]
    lens_each: bool,
    /// A measured distance in metres between two cameras, or two points of --points. May be given more than once.
    #[arg(long, num_args = 3, value_names = ["FROM", "TO", "METRES"], action = clap::ArgAction::Append)]
    distance: Vec<String>,
    /// Points that were clicked in two cameras or more: a text with a line `CAMERA X Y POINT` each (px from the upper left corner). Lines `point POINT X Y
    /// Z` say where a point is (metres); points called floor… lie on the floor.
    #[arg(long, value_name = "FILE")]
    points: Option<PathBuf>,
    /// The field of play whose points were clicked: athletics, badminton, basketball, football, rugby (both also with a size: `football:100x64`), table-tennis,
    /// tennis or volleyball. docs/calibrate.md names their points.
    #[arg(long, value_name = "FIELD", requires = "points")]
    field: Option<String>,
}

impl FreeArgs {
    /// Nothing of this has a meaning with a board or a wand.
    pub fn refuse_with(&self, target: &str) -> anyhow::Result<()> {
        let given = [
            ("--field-of-view", self.field_of_view.is_some()),
            ("--lens-each", self.lens_each),
            ("--distance", !self.distance.is_empty()),
            ("--points", self.points.is_some()),
            ("--field", self.field.is_some()),
        ];
        match given.iter().find(|g| g.1) {
            Some((option, _)) => bail!("{option} is for calibrations from pictures of the venue alone: leave out {option} or {target}"),
            None => Ok(()),
        }
    }

    fn distances(&self) -> anyhow::Result<Vec<Distance>> {
        let one = |d: &[String]| {
            let m = d[2].parse::<f64>().ok().filter(|m| m.is_finite() && *m > 0.0);
            let m = m.with_context(|| format!("--distance {} {} {}: give the metres as a number above 0", d[0], d[1], d[2]))?;
            Ok(Distance { from: d[0].clone(), to: d[1].clone(), m })
        };
        self.distance.chunks_exact(3).map(one).collect()
    }
}

/// What somebody measured or clicked.
pub(super) struct Asked {
    distances: Vec<Distance>,
    clicks: Vec<Click>,
    known: Vec<Known>,
}

/// All that may be wrong is read before the work begins.
pub(super) fn asked(own: &FreeArgs) -> anyhow::Result<Asked> {
    let distances = own.distances()?;
    let (clicks, mut known) = match &own.points {
        Some(file) => {
            let text = std::fs::read_to_string(file).with_context(|| format!("--points {}", file.display()))?;
            parse_clicks(&text).with_context(|| format!("--points {}", file.display()))?
        }
        None => (vec![], vec![]),
    };
    if let Some(name) = &own.field {
        let field = Field::named(name).context("--field")?;
        println!("{}: {}", field.id, field.source);
        known.extend(field.points.into_iter().map(|p| Known { name: p.name, p_in_world: p.p_in_world }));
    }
    let in_a_distance = |name: &str| distances.iter().any(|d| d.from == name || d.to == name);
    let is_known = |name: &str| name.starts_with(FLOOR) || known.iter().any(|k| k.name == name) || in_a_distance(name);
    if let Some(click) = clicks.iter().find(|c| !is_known(&c.name)) {
        let known: Vec<&str> = known.iter().map(|k| k.name.as_str()).collect();
        let of = own.field.as_ref().map_or_else(String::new, |field| format!(" of {field}"));
        bail!(
            "--points: nobody says where the point {} is. Call it {FLOOR}… if it lies on the floor, name it in a --distance, add a line \"point {} X Y Z\" \
             in metres, or write one of the names{of}: {}",
            click.name,
            click.name,
            if known.is_empty() { "there are none without --field".to_owned() } else { known.join(", ") }
        );
    }
    Ok(Asked { distances, clicks, known })
}

impl Asked {
    /// Clicks are in cameras that there are.
    pub(super) fn check(&self, names: &[&str]) -> anyhow::Result<()> {
        if let Some(click) = self.clicks.iter().find(|c| !names.contains(&c.camera.as_str())) {
            bail!("--points: a click is in camera {}, of which there are no pictures. There are {}", click.camera, names.join(", "));
        }
        Ok(())
    }
}

/// Runs it.
pub fn run(args: &Args) -> anyhow::Result<()> {
    if args.floor.is_some() {
        bail!("--floor is for boards. Without one, click points on the floor and name them in --points");
    }
    let own = &args.free;
    if let Some(deg) = own.field_of_view.filter(|d| !(2.0..=150.0).contains(d)) {
        bail!("--field-of-view {deg}: give degrees between 2 and 150");
    }
    let asked = asked(own)?;
    let lenses = args.lenses.as_ref().map(|l| rig::load(l)).transpose()?;
    let cancel = super::super::cancelled_by_ctrl_c()?;
    let (names, moments) = if !args.footage.is_empty() {
        of_footage(args, &cancel)?
    } else if own.per_camera {
        of_camera_folders(args, &cancel)?
    } else {
        of_moment_folders(args, &cancel)?
    };
    asked.check(&names.iter().map(String::as_str).collect::<Vec<_>>())?;
    let mut candidates = candidates(&names, &moments)?;
    if let Some(lenses) = &lenses {
        give_lenses(&mut candidates, lenses, false)?;
    }
    let options = FreeOptions {
        lens: if own.lens_each { LensFreedom::Each } else { LensFreedom::Shared },
        field_of_view_deg: own.field_of_view,
        fine: true,
    };
    let seen: Vec<Vec<Option<&Picture>>> = moments.iter().map(|m| m.iter().map(Option::as_ref).collect()).collect();
    let bar = bar("solving the rig", 1000)?;
    let solved = free(&candidates, &seen, &options, &mut |share| {
        bar.set_position((share * 1000.0) as u64);
        !cancel.is_cancelled()
    });
    bar.finish_and_clear();
    conclude(args, &candidates, solved, asked)
}

/// Gives the rig scale and axes, tells how it is, and writes it.
pub(super) fn conclude(args: &Args, candidates: &[Candidate], solved: Result<FreeRig, FreeFailure>, asked: Asked) -> anyhow::Result<()> {
    let solved = match solved {
        Err(FreeFailure::Cancelled) => bail!("cancelled; nothing was written"),
        other => other?,
    };
    let Asked { distances, clicks, known } = asked;
    // A camera that could not be joined takes its clicks along, not the rig.
    let is_solved = |camera: &str| solved.rig.index_of(camera).is_some() || candidates.iter().all(|c| c.name != camera);
    let (clicks, left_out): (Vec<_>, Vec<_>) = clicks.into_iter().partition(|c| is_solved(&c.camera));
    let (distances, unknown): (Vec<_>, Vec<_>) = distances.into_iter().partition(|d| is_solved(&d.from) && is_solved(&d.to));
    let framed = framed(&solved.rig, &clicks, &known, &distances);
    let framed = framed.context("the cameras are solved, but scale and axes are not, so nothing is written: mend that and run it again")?;
    print_solved(candidates, &solved);
    for c in left_out {
        println!("- the click of {} in {} is left out: that camera is not in the rig", c.name, c.camera);
    }
    for d in unknown {
        println!("- the distance from {} to {} is left out: one of them is not in the rig", d.from, d.to);
    }
    print_framed(&framed);
    for line in solved.remedies(candidates).iter().chain(&solved.notes).chain(&framed.notes) {
        println!("- {line}");
    }
    if let Some(out) = &args.out {
        rig::save(&framed.rig, out, Format::RigToml)?;
        println!("{} of {} cameras written to {}", framed.rig.cameras.len(), candidates.len(), out.display());
    }
    if solved.light() == Light::Red {
        bail!("the rig is not fit for air: see the lines above");
    }
    Ok(())
}

type Moments = Vec<Vec<Option<Picture>>>;

fn chosen(names: &[String], args: &Args) -> anyhow::Result<Rig> {
    let all = Rig { cameras: names.iter().map(|n| Camera::unposed(n)).collect(), points_in_world: vec![] };
    let rig = all.only(&args.only).context("--use")?;
    println!("{} cameras: {}", rig.cameras.len(), rig.cameras.iter().map(|c| c.name.as_str()).collect::<Vec<_>>().join(", "));
    Ok(rig)
}

fn names_of(rig: &Rig) -> Vec<String> {
    rig.cameras.iter().map(|c| c.name.clone()).collect()
}

fn of_footage(args: &Args, cancel: &CancelToken) -> anyhow::Result<(Vec<String>, Moments)> {
    let unposed = chosen(&footage::camera_names(&args.footage)?, args)?;
    let mut footage = super::begun(&unposed, args, cancel)?;
    let (from, until) = footage.span();
    let count = i64::from(args.free.instants);
    let mut moments = Vec::new();
    for k in 0..count {
        anyhow::ensure!(!cancel.is_cancelled(), "cancelled; nothing was written");
        // In the middles of equal parts.
        let nanos = (until - from) / (2 * count) * (2 * k + 1);
        moments.push(super::super::refine::moment_of(&mut footage, &unposed, from.plus_nanos(nanos))?);
    }
    Ok((names_of(&unposed), moments))
}

fn of_moment_folders(args: &Args, cancel: &CancelToken) -> anyhow::Result<(Vec<String>, Moments)> {
    let folders = args.pictures.iter().map(|f| Folder::open(f)).collect::<Result<Vec<_>, _>>()?;
    let mut names: Vec<String> = folders.iter().flat_map(Folder::names).collect();
    names.sort_by_key(|n| n.to_lowercase());
    names.dedup_by_key(|n| n.to_lowercase());
    let names = names_of(&chosen(&names, args)?);
    let mut moments = Vec::new();
    for folder in &folders {
        anyhow::ensure!(!cancel.is_cancelled(), "cancelled; nothing was written");
        moments.push(super::pictures_of(folder, &names)?);
    }
    Ok((names, moments))
}

pub(super) fn of_camera_folders(args: &Args, cancel: &CancelToken) -> anyhow::Result<(Vec<String>, Moments)> {
    let name = |f: &Path| f.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let mut folders: Vec<PathBuf> = args.pictures.clone();
    if let [one] = &args.pictures[..] {
        let inner = std::fs::read_dir(one).with_context(|| format!("--pictures {}", one.display()))?;
        folders = inner.filter_map(|e| Some(e.ok()?.path())).filter(|p| p.is_dir()).collect();
        folders.sort();
    }
    let names = names_of(&chosen(&folders.iter().map(|f| name(f)).collect::<Vec<_>>(), args)?);
    let mut opened = Vec::new();
    for camera in &names {
        let path = folders.iter().find(|f| name(f) == *camera).with_context(|| format!("{camera} has no folder"))?;
        opened.push(Folder::open(path)?);
    }
    let called: Vec<Named> = names.iter().cloned().zip(opened.iter().map(Folder::names)).collect();
    let instants = Instants::of(&called).map_err(anyhow::Error::msg)?;
    println!("{}", instants.told(&names.iter().map(String::as_str).collect::<Vec<_>>()));
    if let Some(warning) = instants.warning() {
        eprintln!("warning: {warning}");
    }
    let mut moments: Moments = Vec::new();
    for instant in &instants.pictures {
        anyhow::ensure!(!cancel.is_cancelled(), "cancelled; nothing was written");
        let of_camera = |(i, picture): (usize, &Option<usize>)| {
            picture.map(|k| anyhow::Ok(Picture::load(opened[i].find(&called[i].1[k])?)?)).transpose()
        };
        moments.push(instant.iter().enumerate().map(of_camera).collect::<Result<_, _>>()?);
    }
    Ok((names, moments))
}

fn candidates(names: &[String], moments: &[Vec<Option<Picture>>]) -> anyhow::Result<Vec<Candidate>> {
    let one = |(i, name): (usize, &String)| {
        let first = moments.iter().find_map(|m| m[i].as_ref());
        let p = first.with_context(|| format!("{name} has no picture at any instant: leave it out with --use, or add its pictures"))?;
        Ok(Candidate { name: name.clone(), width_px: p.width(), height_px: p.height(), lens: None })
    };
    names.iter().enumerate().map(one).collect()
}

fn print_solved(cameras: &[Candidate], solved: &FreeRig) {
    let wide = cameras.iter().map(|c| c.name.chars().count()).max().unwrap_or(0).max(6);
    println!(
        "{:wide$}  {:>6}  {:>9}  {:>5}  {:>7}  {:>9}  {:>8}  shares points with",
        "camera", "spots", "sightings", "wrong", "rms px", "focal px", "± deg"
    );
    for (i, (c, fit)) in cameras.iter().zip(&solved.cameras).enumerate() {
        let Some(camera) = solved.rig.camera(&c.name) else {
            println!("{:wide$}  {:>6}  not solved", c.name, fit.spots);
            continue;
        };
        let mut links: Vec<_> = solved.links.iter().filter(|l| l.from == i || l.to == i).collect();
        links.sort_by_key(|l| std::cmp::Reverse(l.points));
        let link = |l: &&volte::calibrate::free::FreeLink| {
            format!("{} ({}, {:.0}°)", cameras[if l.from == i { l.to } else { l.from }].name, l.points, l.angle_deg)
        };
        println!(
            "{:wide$}  {:>6}  {:>9}  {:>5}  {:>7.3}  {:>9.1}  {:>8}  {}",
            c.name,
            fit.spots,
            fit.sightings,
            fit.wrong,
            fit.rms_px,
            camera.lens.fx_px,
            fit.rotation_sigma_rad.map_or_else(|| "–".into(), |r| format!("{:.3}", r.to_degrees())),
            links.iter().take(3).map(link).collect::<Vec<_>>().join(", ")
        );
    }
    println!("\nwhere the points lie that hold each camera:");
    for (c, fit) in cameras.iter().zip(&solved.cameras).filter(|(_, f)| f.unjoined.is_none()) {
        println!("{}: in {:.0} % of the picture", c.name, 100.0 * fit.coverage.covered());
        for row in fit.coverage.heat_map() {
            println!("    {row}");
        }
    }
    super::gate::print_gaps(&solved.rig, &solved.gate().1);
    let light = match solved.light() {
        Light::Green => "green",
        Light::Amber => "amber",
        Light::Red => "red",
    };
    let e = &solved.errors;
    println!(
        "\n{light}: {} of {} cameras, {} points, rms {:.3} px (gate {}), 95 % within {:.3} px (gate {}){}",
        solved.rig.cameras.len(),
        cameras.len(),
        solved.points,
        e.rms_px,
        GATE_PX.0,
        e.p95_px,
        GATE_PX.1,
        if solved.held_out.is_some() { " of points that the adjustment did not know" } else { "" }
    );
}

fn print_framed(framed: &Framed) {
    for p in &framed.points {
        let off_m = p.off_m.map_or_else(String::new, |m| format!(", {m:.3} m from where it should be"));
        println!("point {}: {} clicks, the worst {:.1} px off{off_m}", p.name, p.clicks, p.off_px);
    }
}
