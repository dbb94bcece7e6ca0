//! A lesson: an export as a text. It is rendered, written down with the hash of all that it was made of, and rendered again from the
//! text alone, to the same bytes.
//!
//! ```text
//! cargo run --release --example export_recipe -- --rig fox/transforms.json --pictures fox/images --out turns
//! ```
//!
//! On the command line the same is `volte export … --recipe turn.toml`, and then `volte export turn.toml`.

use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use clap::Parser as _;
use volte::{
    engine::{
        MADE_BY, export,
        recipe::{OutputPart, RECIPE_VERSION, Recipe, RenderPart, RigPart, SourcePart, absolute},
    },
    gpu::{Gpu, GpuOptions},
    output::{CancelToken, sha256_of_file},
    replay::{
        path::{Preset, PresetOptions},
        trim::TrimList,
    },
    rig,
    time::FrameRate,
};

/// Rig + pictures → a film, its recipe, and the film again.
#[derive(Debug, clap::Parser)]
struct Args {
    /// The calibration, in any format of the field.
    #[arg(long)]
    rig: PathBuf,
    /// One picture per camera, named like its camera.
    #[arg(long)]
    pictures: PathBuf,
    /// Only these cameras.
    #[arg(long = "use", value_delimiter = ',')]
    only: Vec<String>,
    /// Longest side of the depth maps in pixels: smaller is faster.
    #[arg(long)]
    depth_size: Option<u32>,
    /// Folder for `turn.mp4`, `turn.toml` and `again.mp4`.
    #[arg(long)]
    out: PathBuf,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    std::fs::create_dir_all(&args.out).with_context(|| format!("cannot make the folder {}", args.out.display()))?;

    // 1. The path: half a second along the cameras, while time stands still. A recipe holds it key by key, so that a preset of a later
    //    version cannot change it.
    let cameras = rig::pictures::match_rig(&rig::load(&args.rig)?.only(&args.only)?, &args.pictures)?.rig.cameras.len();
    let to = (cameras - 1) as f64;
    let path = Preset::Bounce.path(&PresetOptions { to, secs: 0.5, hold_secs: 0.1, ring_cameras: cameras, ..PresetOptions::default() });

    // 2. All that is asked for. Encoders write other bytes with another number of threads, so a recipe names it.
    let asked = Recipe {
        version: RECIPE_VERSION,
        made_by: MADE_BY.to_owned(),
        adapter: None,
        rig: RigPart { file: absolute(&args.rig), sha256: None, cameras: args.only },
        source: SourcePart { pictures: Some(absolute(&args.pictures)), ..SourcePart::default() },
        render: RenderPart { depth_size_px: args.depth_size, ..RenderPart::default() },
        output: OutputPart {
            size_px: Some([320, 180]),
            rate: FrameRate::whole(25),
            threads: 2,
            ..OutputPart::new(absolute(&args.out.join("turn.mp4")))
        },
        path,
        graphics: vec![],
        trims: TrimList::default(),
    };

    // 3. Rendered, and stamped: rig and sources get their SHA-256, the adapter its name. Only what was rendered is worth writing down.
    let gpu = Gpu::open(&GpuOptions::default())?;
    let stamped = render(&asked, &gpu)?;
    let text = args.out.join("turn.toml");
    stamped.write(&text, true)?;

    // 4. Months later: the text is all there is. Sources that are others by now are refused by name, before anything is rendered.
    let mut again = Recipe::read(&text)?;
    again.check_sources()?;
    again.output.file = absolute(&args.out.join("again.mp4"));
    render(&again, &gpu)?;

    // 5. On one adapter, with one version, it is the same film.
    let [first, second] = ["turn.mp4", "again.mp4"].map(|name| sha256_of_file(&args.out.join(name)));
    let (first, second) = (first?, second?);
    ensure!(first == second, "the recipe gave another film: {first} and {second}");
    println!("{}: twice {first}", text.display());
    Ok(())
}

/// Renders a recipe, and gives it back with the hashes of what it was made of.
fn render(recipe: &Recipe, gpu: &Gpu) -> anyhow::Result<Recipe> {
    let cancel = CancelToken::default();
    // Sources are opened, plates learned, and whatever takes long tells about it.
    let material = recipe.material(&mut |_told| {}, &cancel)?;
    let (rig, files) = (material.named_rig.clone(), material.files.clone());
    recipe.check_found(&files)?;
    let mut job = material.job(recipe, gpu, &mut |_told| {}, &cancel)?;
    job.output.overwrite = true;
    let stamped = recipe.stamped(&rig, &files, &job, &gpu.info.name)?;
    let report = export::run(job, gpu, &mut |_progress| {}, &cancel)?;
    println!("{}: {} frames", report.output.path.display(), report.output.frames);
    Ok(stamped)
}
