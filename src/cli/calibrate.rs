//! `volte calibrate`: a rig from nothing but pictures, of a board or of the venue.

mod free;
mod gate;
mod instants;
mod live;
mod wand;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use indicatif::{ProgressBar, ProgressStyle};
use volte::{
    calibrate::board::{
        Board, BoardFailure, BoardOptions, BoardSession, Calibration, Candidate, GATE_PX, LensModel, Light, Tally, calibrate, remedies,
    },
    engine::footage::{self, Footage, FootageError},
    frame::Picture,
    output::CancelToken,
    rig::{self, Camera, Format, Rig, pictures},
};

/// What `volte calibrate` takes.
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("material").required(true).multiple(true)))]
pub struct Args {
    /// The board; without it the rig is solved from the venue's own texture. `charuco:COLUMNSxROWS:SQUARE:MARKER:DICTIONARY` (squares, metres), `chessboard:COLUMNSxROWS:SQUARE`, `aprilgrid:COLUMNSxROWS:TAG:GAP` (tags, metres, share of a tag), a TOML file, or Kalibr's target.yaml.
    ///
    /// For example `charuco:7x10:0.030:0.022:4x4_50`. Squares are counted, not inner corners. Add `:inverted` for white markers on black,
    /// `:legacy` for ChArUco boards of OpenCV before 4.6. `aprilgrid` boards are Kalibr's; add another family (`:25h9`, `:16h5`), `:border1` for tags with a
    /// border of one square, `:plain` without small squares at their corners. Measure a square of what was printed: it gives the rig its scale.
    #[arg(long, value_name = "BOARD")]
    board: Option<String>,
    /// What is printed on the board's other side, so that cameras that face each other see one thing: like --board, but with other markers
    /// (`:from24` begins with marker 24).
    #[arg(long, value_name = "BOARD", requires_all = ["board", "thickness"])]
    back: Option<String>,
    /// From print to print of a board with two sides, metres.
    #[arg(long, value_name = "METRES", requires = "back", allow_negative_numbers = true)]
    thickness: Option<f64>,
    /// Instead of a board: a wand with two lights, one brighter than the other, so many metres from middle to middle; it takes --lenses, and footage: not --live.
    #[arg(long, value_name = "LENGTH_M", conflicts_with_all = ["board", "floor"])]
    wand: Option<f64>,
    /// Instead of a board: one bright ball (or lamp) that is carried through the volume; it takes --lenses, --distance or --points for the scale, and footage: not --live.
    #[arg(long, conflicts_with_all = ["board", "floor", "wand", "live"])]
    ball: bool,
    /// Synchronized video of the board or the venue, one file per camera, whose names become the cameras': a folder or files.
    #[arg(long, value_name = "FOLDER|FILES", num_args = 1.., group = "material")]
    footage: Vec<PathBuf>,
    /// Folders with one picture per camera, each named like its camera; each folder is one instant.
    #[arg(long, value_name = "FOLDER", num_args = 1.., group = "material", conflicts_with = "footage")]
    pictures: Vec<PathBuf>,
    /// The board is carried now, before live cameras: those of a show file, or addresses, each after a name (cam01=rtsp://…); with --footage, its files
    /// play as cameras would. The coach says what is missing and where to hold the board. Enter finishes, f and Enter says that the board lies on the
    /// floor, Ctrl-C cancels and writes nothing.
    #[arg(long, value_name = "SHOW.toml|CAMERA=ADDRESS", num_args = 0.., group = "material", requires = "board", conflicts_with_all = ["pictures", "floor", "wand"])]
    live: Option<Vec<String>>,
    /// With --live: finish by itself as soon as the rig is green.
    #[arg(long, requires = "live")]
    until_green: bool,
    /// How much of the footage to look at, seconds from its start; with --live, when to finish [default: 300; with --live when you say so, 1800 at most].
    #[arg(long)]
    seconds: Option<f64>,
    /// Time from look to look, seconds.
    #[arg(long, default_value_t = 0.25)]
    every: f64,
    /// Only these cameras, by name, separated by commas.
    #[arg(long = "use", value_name = "A,B,…", value_delimiter = ',')]
    only: Vec<String>,
    /// Lenses that are known: a rig of any format with cameras of the same names. They are not changed.
    #[arg(long, value_name = "RIG")]
    lenses: Option<PathBuf>,
    /// What is looked for in a lens that is not given.
    #[arg(long, value_enum, default_value_t = Model::Five)]
    model: Model,
    /// When the board lay on the floor, printed side up: seconds of the footage, or the number of the folder of pictures, from 1. It
    /// becomes the world's floor and origin.
    #[arg(long, value_name = "SECONDS|NUMBER")]
    floor: Option<f64>,
    /// Boards that move further than this from frame to frame count for the lenses only, px: cameras that are not in step see them in different places.
    #[arg(long, default_value_t = 4.0, value_name = "PX")]
    most_motion: f64,
    /// Write the rig (rig.toml); also where cameras are missing in it.
    #[arg(long, value_name = "OUT.toml")]
    out: Option<PathBuf>,
    /// Replace the file of that name.
    #[arg(long)]
    overwrite: bool,
    #[command(flatten)]
    free: free::FreeArgs,
}

impl Args {
    /// How much of footage is looked at.
    fn seconds(&self) -> f64 {
        self.seconds.unwrap_or(300.0)
    }
}

/// What of a lens is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Model {
    /// Focal lengths and principal point.
    Pinhole,
    /// And five coefficients of distortion.
    Five,
    /// And eight: wide lenses.
    Eight,
    /// Fisheyes.
    Fisheye,
}

impl Model {
    const fn of_lens(self) -> LensModel {
        match self {
            Self::Pinhole => LensModel::Pinhole,
            Self::Five => LensModel::Five,
            Self::Eight => LensModel::Eight,
            Self::Fisheye => LensModel::Fisheye,
        }
    }
}

/// Runs it.
pub fn run(args: &Args) -> anyhow::Result<()> {
    for (option, value) in [("--seconds", args.seconds()), ("--every", args.every), ("--most-motion", args.most_motion)] {
        if !(value.is_finite() && value >= 0.01) {
            bail!("{option} {value}: give a number above 0");
        }
    }
    if let Some(length_m) = args.wand {
        if let Some(out) = &args.out {
            super::rig::refuse_taken(out, Format::RigToml, args.overwrite)?;
        }
        return wand::run(args, length_m);
    }
    if args.ball {
        if let Some(out) = &args.out {
            super::rig::refuse_taken(out, Format::RigToml, args.overwrite)?;
        }
        return wand::run_ball(args);
    }
    if args.pictures.is_empty() && args.every > 1.0 {
        bail!("--every {}: at most 1, or nobody can tell whether the board was held still between two looks", args.every);
    }
    if let Some(floor) = args.floor {
        let folders = args.pictures.len() as f64;
        let is_there = if args.pictures.is_empty() {
            floor.is_finite() && floor >= 0.0
        } else {
            floor.fract() == 0.0 && floor >= 1.0 && (args.free.per_camera || floor <= folders)
        };
        if !is_there {
            bail!("--floor {floor}: give a time of the footage in seconds, or the number of a folder from 1 to {folders}");
        }
    }
    match &args.out {
        Some(out) => super::rig::refuse_taken(out, Format::RigToml, args.overwrite)?,
        None if args.live.is_some() => bail!("--live: give --out RIG.toml: what is carried live cannot be looked at again"),
        None => {}
    }
    let Some(board) = &args.board else { return free::run(args) };
    args.free.refuse_with("--board")?;
    let read = |text: &str| if Path::new(text).is_file() { Board::load(Path::new(text)) } else { Board::parse(text) };
    let mut board = read(board)?;
    if let (Some(back), Some(thickness_m)) = (&args.back, args.thickness) {
        board = board.two_sided(read(back)?, thickness_m).map_err(|what| anyhow::anyhow!("--back, --thickness: {what}"))?;
    }
    let cancel = super::cancelled_by_ctrl_c()?;
    let lenses = args.lenses.as_ref().map(|file| rig::load(file)).transpose()?;
    if let Some(sources) = &args.live {
        let carried = live::carried(args, board, sources, lenses.as_ref(), &cancel)?;
        return match conclude(args, &carried, lenses.as_ref(), &cancel) {
            // What was carried live cannot be carried again: without a floor it is a rig all the same.
            Err(e)
                if carried.floor_secs.is_some()
                    && matches!(e.downcast_ref(), Some(BoardFailure::NoFloor | BoardFailure::FloorNotLevel { .. })) =>
            {
                eprintln!("{e}. The rig is solved without a floor");
                conclude(args, &Carried { floor_secs: None, ..carried }, lenses.as_ref(), &cancel)
            }
            other => other,
        };
    }
    let (session, frame_secs) =
        if args.pictures.is_empty() { of_footage(args, board, &cancel)? } else { of_folders(args, board, &cancel)? };
    // Folders are counted, footage is timed.
    let floor_secs = args.floor.map(|f| if args.pictures.is_empty() { f } else { f * FOLDER_SECS });
    conclude(args, &Carried { session, frame_secs, floor_secs, offsets_nanos: vec![] }, lenses.as_ref(), &cancel)
}

/// A board that was carried, from wherever its pictures came.
struct Carried {
    session: BoardSession,
    frame_secs: f64,
    floor_secs: Option<f64>,
    /// Clock offsets that cameras have already; none without live cameras.
    offsets_nanos: Vec<i64>,
}

/// Solves what hangs together, tells how it is, and writes it.
fn conclude(args: &Args, carried: &Carried, lenses: Option<&Rig>, cancel: &CancelToken) -> anyhow::Result<()> {
    let Carried { session, frame_secs, floor_secs, offsets_nanos } = carried;
    let (sightings, floor) = session.sightings(*frame_secs, args.most_motion, *floor_secs);
    let told = floor.and_then(|i| sightings.secs.get(i)).copied().zip(*floor_secs);
    if let Some((found, asked)) = told.filter(|(found, asked)| (found - asked).abs() > args.every.max(0.5)) {
        bail!("--floor: nothing was looked at near {asked:.1} s; the nearest look is at {found:.1} s. Give a time within --seconds");
    }
    if floor_secs.is_some() && floor.is_none() {
        bail!(BoardFailure::NoFloor);
    }
    let mut cameras = session.cameras().to_vec();
    if let Some(lenses) = lenses {
        give_lenses(&mut cameras, lenses, args.live.is_some())?;
    }
    print_tallies(&cameras, &sightings.tallies);
    if sightings.seen.is_empty() {
        let else_seen = session.what_else().unwrap_or_else(|| "The reasons are in the table above; check --board first".into());
        bail!("the board was found in no picture. {else_seen}");
    }
    let options = BoardOptions { model: args.model.of_lens(), floor };
    let bar = bar("solving the rig", 1000)?;
    let solved = calibrate(session.board(), &cameras, &sightings.seen, &options, &mut |share| {
        bar.set_position((share * 1000.0) as u64);
        !cancel.is_cancelled()
    });
    bar.finish_and_clear();
    let mut solved = match solved {
        Err(BoardFailure::Cancelled) => bail!("cancelled; nothing was written"),
        other => other?,
    };
    for (c, offset) in cameras.iter().zip(offsets_nanos) {
        if let Some(camera) = solved.rig.cameras.iter_mut().find(|k| k.name == c.name) {
            camera.clock_offset_nanos = *offset;
        }
    }
    print_solved(&cameras, &solved, ["boards", "corners"], &|instant| sightings.secs[instant]);
    let light = solved.light();
    for line in remedies(&solved, &cameras, &sightings.tallies).into_iter().chain(solved.notes.clone()) {
        println!("- {line}");
    }
    if let Some(out) = &args.out {
        let saved = rig::save(&solved.rig, out, Format::RigToml);
        let written = saved.as_ref().map_or_else(|_| elsewhere(&solved.rig, out), |()| Some(out.clone()));
        if let Some(file) = written {
            println!("{} of {} cameras written to {}", solved.rig.cameras.len(), cameras.len(), file.display());
        }
        saved?;
    }
    if light == Light::Red {
        bail!("the rig is not fit for air: see the lines above");
    }
    Ok(())
}

/// What was carried cannot be carried again: where the rig's place is gone, it is kept somewhere else.
fn elsewhere(rig: &Rig, out: &Path) -> Option<PathBuf> {
    let name = out.file_name().unwrap_or(std::ffi::OsStr::new("rig.toml"));
    let unix_secs = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs();
    let name = format!("{unix_secs}-{}", name.to_string_lossy());
    [PathBuf::from("."), std::env::temp_dir()]
        .iter()
        .map(|folder| folder.join(&name))
        .find(|file| rig::save(rig, file, Format::RigToml).is_ok())
}

fn bar(what: &str, steps: u64) -> anyhow::Result<ProgressBar> {
    let bar = ProgressBar::new(steps);
    bar.set_style(ProgressStyle::with_template(&format!("{what} {{bar:40}} {{percent:>3}} %  {{elapsed}}  {{msg}}"))?);
    Ok(bar)
}

/// The footage; where a camera's cannot be read, how to go on without it is said.
fn begun(unposed: &Rig, args: &Args, cancel: &CancelToken) -> anyhow::Result<Footage> {
    Footage::beginning(unposed, &args.footage, args.seconds(), cancel).map_err(|e| match &e {
        FootageError::Feed { camera, .. } => anyhow::anyhow!("{e}. To go on without {camera}, name the others: --use A,B,…"),
        _ => e.into(),
    })
}

/// Looks through footage; the seconds of a frame come with it.
fn of_footage(args: &Args, board: Board, cancel: &CancelToken) -> anyhow::Result<(BoardSession, f64)> {
    let names = footage::camera_names(&args.footage)?;
    let unposed =
        Rig { cameras: names.iter().map(|n| Camera::unposed(n)).collect(), points_in_world: vec![] }.only(&args.only).context("--use")?;
    let names: Vec<String> = unposed.cameras.iter().map(|c| c.name.clone()).collect();
    anyhow::ensure!(names.len() > 1, "one camera alone is no rig: give the footage of two at least");
    println!("{} cameras: {}", names.len(), names.join(", "));
    let mut footage = begun(&unposed, args, cancel)?;
    let frame_secs = footage.status().iter().filter_map(|f| Some(f.rate?.interval_nanos() as f64 * 1e-9)).fold(0.0, f64::max);
    let (from, until) = footage.span();
    let looks = (((until - from) as f64 * 1e-9) / args.every).floor() as i64 + 1;
    let mut session = BoardSession::new(board, &names);
    let bar = bar("looking for the board", looks.unsigned_abs())?;
    for k in 0..looks {
        anyhow::ensure!(!cancel.is_cancelled(), "cancelled; nothing was written");
        let secs = k as f64 * args.every;
        let moment = super::refine::moment_of(&mut footage, &unposed, from.plus_nanos((secs * 1e9) as i64))?;
        let pictures: Vec<Option<&Picture>> = moment.iter().map(Option::as_ref).collect();
        let seen = session.look(secs, &pictures)?;
        bar.set_message(format!("{secs:.1} s: seen by {seen} of {}", names.len()));
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok((session, if frame_secs > 0.0 { frame_secs } else { 0.04 }))
}

/// Each folder an instant (or a camera), ten seconds apart: nothing is known of motion.
fn of_folders(args: &Args, board: Board, cancel: &CancelToken) -> anyhow::Result<(BoardSession, f64)> {
    if args.free.per_camera {
        let (names, moments) = free::of_camera_folders(args, cancel)?;
        anyhow::ensure!(
            names.len() > 1,
            "one folder alone is no rig: give the folders of two cameras at least, or one folder that holds them"
        );
        let mut session = BoardSession::new(board, &names);
        let bar = bar("looking for the board", moments.len() as u64)?;
        for (k, moment) in moments.iter().enumerate() {
            anyhow::ensure!(!cancel.is_cancelled(), "cancelled; nothing was written");
            session.look((k + 1) as f64 * FOLDER_SECS, &moment.iter().map(Option::as_ref).collect::<Vec<_>>())?;
            bar.inc(1);
        }
        bar.finish_and_clear();
        return Ok((session, 0.04));
    }
    let mut names: Vec<String> = Vec::new();
    let folders = args.pictures.iter().map(|f| pictures::Folder::open(f)).collect::<Result<Vec<_>, _>>()?;
    for name in folders.iter().flat_map(pictures::Folder::names) {
        if !names.iter().any(|n| n.to_lowercase() == name.to_lowercase()) {
            names.push(name);
        }
    }
    names.sort();
    let unposed =
        Rig { cameras: names.iter().map(|n| Camera::unposed(n)).collect(), points_in_world: vec![] }.only(&args.only).context("--use")?;
    let names: Vec<String> = unposed.cameras.iter().map(|c| c.name.clone()).collect();
    anyhow::ensure!(
        names.len() > 1,
        "the folders have pictures of {} cameras; a rig takes two at least, one picture NAME.png each",
        names.len()
    );
    println!("{} cameras: {}", names.len(), names.join(", "));
    let mut session = BoardSession::new(board, &names);
    let bar = bar("looking for the board", folders.len() as u64)?;
    for (k, folder) in folders.iter().enumerate() {
        anyhow::ensure!(!cancel.is_cancelled(), "cancelled; nothing was written");
        let loaded = pictures_of(folder, &names)?;
        let seen = session.look((k + 1) as f64 * FOLDER_SECS, &loaded.iter().map(Option::as_ref).collect::<Vec<_>>())?;
        bar.set_message(format!("folder {}: seen by {seen} of {}", k + 1, names.len()));
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok((session, 0.04))
}

/// A folder's picture of each camera; `None` where it has none.
fn pictures_of(folder: &pictures::Folder, names: &[String]) -> anyhow::Result<Vec<Option<Picture>>> {
    names.iter().map(|name| Ok(folder.get(name)?.map(Picture::load).transpose()?)).collect()
}

/// Folders count as so far apart, seconds.
const FOLDER_SECS: f64 = 10.0;

/// What does not fit is refused, but not where pictures cannot be taken again: those cameras' lenses are then found from the board.
fn give_lenses(cameras: &mut [Candidate], known: &Rig, is_live: bool) -> anyhow::Result<()> {
    let mut given = 0;
    for c in cameras.iter_mut() {
        // Pictures are found whatever their names' case is; so are lenses.
        let Some(k) = known.camera_like(&c.name).filter(|_| c.width_px > 0) else { continue };
        let Some(lens) = k.lens_for((c.width_px, c.height_px)) else {
            if is_live {
                eprintln!("--lenses: {} has pictures of another shape there; its lens is found from the board", c.name);
                continue;
            }
            bail!(
                "--lenses: {} has {} × {} px there and {} × {} px here, which is another shape",
                c.name,
                k.width_px,
                k.height_px,
                c.width_px,
                c.height_px
            );
        };
        c.lens = Some(lens);
        given += 1;
    }
    anyhow::ensure!(given > 0 || is_live, "--lenses: none of its cameras has a name of the footage's. Rename them there");
    println!("{given} of {} lenses are given", cameras.len());
    Ok(())
}

fn print_tallies(cameras: &[Candidate], tallies: &[Tally]) {
    for (c, t) in cameras.iter().zip(tallies) {
        println!(
            "\n{}: {} boards in {} pictures, {} of them held still; corners in {:.0} % of the picture",
            c.name,
            t.found,
            t.pictures,
            t.found - t.moving,
            100.0 * t.covered()
        );
        for row in t.heat_map() {
            println!("    {row}");
        }
        for (n, why) in t.rejected.values() {
            println!("    {n} × {why}");
        }
    }
    println!();
}

/// `things` that were carried: boards or wands, which have corners or lights.
fn print_solved(cameras: &[Candidate], solved: &Calibration, [things, parts]: [&str; 2], secs: &dyn Fn(usize) -> f64) {
    let wide = cameras.iter().map(|c| c.name.chars().count()).max().unwrap_or(0).max(6);
    println!(
        "{:wide$}  {:>6}  {:>7}  {:>5}  {:>7}  {:>16}  {:>24}  {:>10}  {:>12}",
        "camera", things, parts, "wrong", "rms px", "focal px", "principal point px", "place ± mm", "rotation ± °"
    );
    for (c, fit) in cameras.iter().zip(&solved.cameras) {
        let Some(camera) = solved.rig.camera(&c.name) else {
            println!("{:wide$}  not solved", c.name);
            continue;
        };
        let focal = format!("{:.1} ± {:.1}", camera.lens.fx_px, fit.deviation.focal_px);
        println!(
            "{:wide$}  {:>6}  {:>7}  {:>5}  {:>7.3}  {focal:>16}  {:>24}  {:>10.2}  {:>12.4}",
            c.name,
            fit.boards,
            fit.corners,
            fit.wrong,
            fit.rms_px,
            gate::center(&camera.lens, &fit.deviation),
            fit.deviation.place_m * 1e3,
            fit.deviation.rotation_rad.to_degrees()
        );
    }
    if let Some(first) = solved.reference.and_then(|i| cameras.get(i)) {
        println!("± of places and rotations are told against {}.", first.name);
    }
    println!("\n{things} that pairs of cameras share (those that agree):");
    print!("{:wide$}", "");
    for c in &cameras[1..] {
        print!("  {:>wide$}", c.name);
    }
    println!();
    for i in 0..cameras.len() - 1 {
        print!("{:wide$}", cameras[i].name);
        for j in 1..cameras.len() {
            let link = solved.links.iter().find(|l| (l.from, l.to) == (i, j));
            let text = link.map_or(String::new(), |l| if l.holds() { l.agreeing.to_string() } else { format!("{} –", l.agreeing) });
            print!("  {text:>wide$}");
        }
        println!();
    }
    for t in &solved.taken_out {
        println!("taken out: {} at {:.2} s, {:.1} px from where the others have it", cameras[t.camera].name, secs(t.instant), t.off_px);
    }
    gate::print(&cameras.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), solved);
    let light = light_word(solved.light());
    println!(
        "\n{light}: {} of {} cameras, rms {:.3} px (gate {}), 95 % within {:.3} px (gate {})",
        solved.rig.cameras.len(),
        cameras.len(),
        solved.rms_px,
        GATE_PX.0,
        solved.p95_px,
        GATE_PX.1
    );
}

const fn light_word(light: Light) -> &'static str {
    match light {
        Light::Green => "green",
        Light::Amber => "amber",
        Light::Red => "red",
    }
}
