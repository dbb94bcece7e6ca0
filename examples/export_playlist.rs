//! A lesson: a playlist leaves the machine. Each element is rendered as a film of its own, numbered in the list's order, and the list
//! itself goes beside them as `OpenTimelineIO` and as EDL, for the editing program that puts them together.
//!
//! ```text
//! cargo run --release --example export_playlist -- --rig Calib.toml --footage videos/ --at 0.6,1.0 --out list
//! ```
//!
//! Of a recording the list alone is `volte playlist FOLDER --otio list.otio --edl list.edl`.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Parser as _;
use volte::{
    engine::{
        MADE_BY, export,
        interchange::ListExport,
        recipe::{OutputPart, RECIPE_VERSION, Recipe, RenderPart, RigPart, SourcePart, absolute},
    },
    gpu::{Gpu, GpuOptions},
    output::CancelToken,
    replay::{
        EventList, EventRules,
        path::{Preset, PresetOptions},
        playlist::{Element, Playlist, PlaylistEdit, Shot, Transition},
        trim::TrimList,
    },
    time::{FrameRate, MediaTime},
};

/// Rig + footage + instants → a film per element, and the list of them.
#[derive(Debug, clap::Parser)]
struct Args {
    /// The calibration, in any format of the field.
    #[arg(long)]
    rig: PathBuf,
    /// Synchronized video, one file per camera, each named like its camera: a folder or files.
    #[arg(long, num_args = 1..)]
    footage: Vec<PathBuf>,
    /// The marks, seconds since the footage's first frame.
    #[arg(long, value_delimiter = ',', default_value = "0.6,1.0")]
    at: Vec<f64>,
    /// Where the stills stand along the arc: 1.5 is in the middle between its second and its third camera.
    #[arg(long, default_value_t = 1.5)]
    position: f64,
    /// Longest side of the depth maps in pixels: smaller is faster.
    #[arg(long)]
    depth_size: Option<u32>,
    /// Folder for the films and the lists.
    #[arg(long)]
    out: PathBuf,
}

const RATE: FrameRate = FrameRate::whole(25);

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    std::fs::create_dir_all(&args.out).with_context(|| format!("cannot make the folder {}", args.out.display()))?;

    // 1. Events are marks with a range about them; the operator drops them while the show runs.
    let mut events = EventList::default();
    let rules = EventRules { before_nanos: 80_000_000, after_nanos: 120_000_000, guard_nanos: 0 };
    for secs in &args.at {
        events.mark(MediaTime::from_secs_f64(*secs), rules);
    }

    // 2. Of each event two elements: its range at half speed from a real camera, then the frozen moment from where no camera stands,
    //    dissolved to.
    let mut list = Playlist::default();
    for event in &events {
        let slow = Element::of(event, Shot::Angle, args.position.floor(), 50);
        let frozen = Element {
            transition: Transition::Dissolve { secs: 0.12 },
            ..Element::of(event, Shot::Still { secs: 0.4 }, args.position, 100)
        };
        list.apply(&PlaylistEdit::Add(vec![slow, frozen]));
    }

    // 3. A film per element. What a film is made of is a recipe, as everywhere.
    let gpu = Gpu::open(&GpuOptions::default())?;
    let cancel = CancelToken::default();
    for (k, element) in list.elements().iter().enumerate() {
        let recipe = recipe_of(element, &args, k + 1);
        let material = recipe.material(&mut |_told| {}, &cancel)?;
        let mut job = material.job(&recipe, &gpu, &mut |_told| {}, &cancel)?;
        job.output.overwrite = true;
        let report = export::run(job, &gpu, &mut |_progress| {}, &cancel)?;
        println!("{}: {} frames", report.output.path.display(), report.output.frames);
    }

    // 4. The list. Moves of the operator's own would be asked for their length; here is none.
    let laid = ListExport::new(&list, &events, RATE, "balance", &|_own_move| None);
    std::fs::write(args.out.join("list.otio"), format!("{:#}\n", laid.to_otio()))?;
    std::fs::write(args.out.join("list.edl"), laid.to_edl())?;
    println!("{}: {} elements, {} frames", args.out.join("list.edl").display(), list.elements().len(), laid.frames());
    Ok(())
}

/// What an element shows, as an export.
fn recipe_of(element: &Element, args: &Args, number: usize) -> Recipe {
    let speed = f64::from(element.speed_percent) * 0.01;
    // Time runs from the in point, or stands at the mark.
    let (preset, instant, secs) = match element.shot {
        Shot::Still { secs } => (Preset::FreezeOrbit, element.mark, secs),
        _ => (Preset::Slow, element.begin, (element.end - element.begin) as f64 * 1e-9 / speed),
    };
    let options = PresetOptions { from: element.position, to: element.position, secs, hold_secs: 0.0, speed, ..PresetOptions::default() };
    Recipe {
        version: RECIPE_VERSION,
        made_by: MADE_BY.to_owned(),
        adapter: None,
        rig: RigPart { file: absolute(&args.rig), sha256: None, cameras: vec![] },
        source: SourcePart {
            footage: args.footage.iter().map(|file| absolute(file)).collect(),
            at: Some(format!("{:.3}", instant.secs_f64())),
            ..SourcePart::default()
        },
        render: RenderPart { depth_size_px: args.depth_size, ..RenderPart::default() },
        output: OutputPart {
            size_px: Some([180, 320]),
            rate: RATE,
            threads: 2,
            ..OutputPart::new(absolute(&args.out.join(format!("{number:03}.mp4"))))
        },
        path: preset.path(&options),
        graphics: vec![],
        trims: TrimList::default(),
    }
}
