//! `volte rig refine`: a rig adjusted to its own pictures.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use indicatif::{ProgressBar, ProgressStyle};
use volte::{
    calibrate::{LensFreedom, RefineOptions, Refined, Verdict, refine},
    engine::{
        export::MomentSource as _,
        footage::Footage,
        refine::{SynthesisScores, synthesis_scores},
    },
    frame::Picture,
    gpu::{Gpu, GpuOptions},
    output::CancelToken,
    rig::{self, Camera, Format, Rig, pictures},
    time::MediaTime,
};

/// What `volte rig refine` takes.
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("material").required(true)))]
pub struct Args {
    /// The calibration: a file or a folder, of any format that `check` reads.
    rig: PathBuf,
    /// Folders with one picture per camera, each named like its camera; each folder is one instant.
    #[arg(long, value_name = "FOLDER", num_args = 1.., group = "material")]
    pictures: Vec<PathBuf>,
    /// Synchronized video, one file per camera, each named like its camera: a folder or files.
    #[arg(long, value_name = "FOLDER|FILES", num_args = 1.., group = "material")]
    footage: Vec<PathBuf>,
    /// How much of the footage to look at, seconds from its start.
    #[arg(long, default_value_t = 20.0)]
    seconds: f64,
    /// At how many instants of the footage, spread evenly.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=32))]
    instants: u32,
    /// What of the lenses may change too: nothing, one correction for all cameras that have the same lens in the rig, or one for each.
    #[arg(long, value_enum, default_value_t = Lens::Keep)]
    lens: Lens,
    /// Cameras that stay as they are, separated by commas.
    #[arg(long, value_name = "A,B,…", value_delimiter = ',')]
    keep: Vec<String>,
    /// Only these cameras, by name, separated by commas.
    #[arg(long = "use", value_name = "A,B,…", value_delimiter = ',')]
    only: Vec<String>,
    /// Judge by the matched points alone, without synthesizing hidden cameras (which takes a GPU).
    #[arg(long)]
    no_synthesis: bool,
    /// Write the rig (rig.toml): the adjusted one, or where nothing is gained the one that came in.
    #[arg(long, value_name = "OUT.toml")]
    out: Option<PathBuf>,
    /// Replace the file of that name.
    #[arg(long)]
    overwrite: bool,
}

/// What of the lenses is adjusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Lens {
    /// Nothing.
    Keep,
    /// One correction for all cameras of one lens.
    Shared,
    /// One for each camera.
    Each,
}

/// Hidden cameras are synthesized at so many instants at most.
const MOST_JUDGED: usize = 3;

/// The pictures of some moments, `[moment][camera]`.
pub(super) type Moments = Vec<Vec<Option<Picture>>>;

/// Runs it.
pub fn run(args: &Args) -> anyhow::Result<()> {
    if !(args.seconds.is_finite() && args.seconds > 0.0) {
        bail!("--seconds {}: give how much of the footage to look at, e.g. 20", args.seconds);
    }
    if let Some(out) = &args.out {
        super::rig::refuse_taken(out, Format::RigToml, args.overwrite)?;
    }
    let chosen = rig::load(&args.rig)?.only(&args.only).context("--use")?;
    let mut rig = chosen.clone();
    let cancel = super::cancelled_by_ctrl_c()?;
    let moments = if args.pictures.is_empty() { of_footage(&mut rig, args, &cancel)? } else { of_folders(&mut rig, &args.pictures)? };
    let options = RefineOptions {
        lens: match args.lens {
            Lens::Keep => LensFreedom::Keep,
            Lens::Shared => LensFreedom::Shared,
            Lens::Each => LensFreedom::Each,
        },
        keep: rig.indices_of(&args.keep).context("--keep")?,
        ..RefineOptions::default()
    };
    let seen: Vec<Vec<Option<&Picture>>> = moments.iter().map(|m| m.iter().map(Option::as_ref).collect()).collect();
    let bar = bar("adjusting the rig")?;
    let refined = refine(&rig, &seen, &options, &mut |share| {
        bar.set_position((share * 1000.0) as u64);
        !cancel.is_cancelled()
    });
    bar.finish_and_clear();
    let refined = refined?;
    print_points(&rig, &refined);
    let mut better = refined.verdict == Verdict::Better;
    if better && !args.no_synthesis {
        // Spread over the instants: what holds at one of them may not at another.
        let judged = seen.len().min(MOST_JUDGED);
        let instants = (0..judged).map(|k| &seen[k * seen.len() / judged]);
        let all = instants.map(|seen| synthesis(&rig, &refined.adjusted, seen, &cancel)).collect::<Result<Vec<_>, _>>()?;
        match SynthesisScores::mean(all.into_iter().flatten()) {
            Some(scores) => {
                println!(
                    "{} hidden cameras, synthesized: {:.2} dB before, {:.2} dB after",
                    scores.hidden, scores.before_db, scores.after_db
                );
                if scores.is_worse() {
                    println!("the points agree better, but the pictures become worse: the rig stays as it was");
                    better = false;
                }
            }
            None => println!("too few cameras to hide one between two: judged by the points alone"),
        }
    }
    if let Some(out) = &args.out {
        // Some rigs come without the sizes of pictures, which no file of ours can be without.
        let is_whole = chosen.cameras.iter().all(|c| c.width_px > 0 && c.height_px > 0);
        let as_it_was = if is_whole { &chosen } else { &rig };
        rig::save(if better { &refined.adjusted } else { as_it_was }, out, Format::RigToml)?;
        println!("the {} written to {}", if better { "adjusted rig" } else { "rig as it was" }, out.display());
    }
    Ok(())
}

fn bar(what: &str) -> anyhow::Result<ProgressBar> {
    let bar = ProgressBar::new(1000);
    bar.set_style(ProgressStyle::with_template(&format!("{what} {{bar:40}} {{percent:>3}} %  {{elapsed}}"))?);
    Ok(bar)
}

/// Each folder a moment; the rig is fitted to the first folder's pictures, and the others must be of the same sizes.
pub(super) fn of_folders(rig: &mut Rig, folders: &[PathBuf]) -> anyhow::Result<Moments> {
    let mut moments = Vec::new();
    for (k, folder) in folders.iter().enumerate() {
        let matched = pictures::match_rig(rig, folder)?;
        matched.notices.iter().for_each(|n| println!("note: {n}"));
        anyhow::ensure!(
            k == 0 || matched.rig.cameras.len() == rig.cameras.len(),
            "{} has pictures of {} cameras, the first folder of {}. Give folders with the same cameras",
            folder.display(),
            matched.rig.cameras.len(),
            rig.cameras.len()
        );
        *rig = matched.rig;
        moments.push(matched.paths.iter().map(|p| Picture::load(p).map(Some)).collect::<Result<Vec<_>, _>>()?);
    }
    Ok(moments)
}

/// Instants of footage; the rig is fitted to the pictures' sizes.
fn of_footage(rig: &mut Rig, args: &Args, cancel: &CancelToken) -> anyhow::Result<Moments> {
    let mut footage = Footage::beginning(rig, &args.footage, args.seconds, cancel)?;
    let (from, until) = footage.span();
    let n = i64::from(args.instants);
    let mut moments: Moments = Vec::new();
    for k in 0..n {
        anyhow::ensure!(!cancel.is_cancelled(), "cancelled; nothing was written");
        moments.push(moment_of(&mut footage, rig, from.plus_nanos((until - from) / (2 * n) * (2 * k + 1)))?);
    }
    fit(rig, &moments)?;
    Ok(moments)
}

/// What the rig's cameras saw at an instant of footage.
pub(super) fn moment_of(footage: &mut Footage, rig: &Rig, instant: MediaTime) -> anyhow::Result<Vec<Option<Picture>>> {
    let moment = footage.moment_at(instant).map_err(anyhow::Error::msg)?;
    let of = |c: &Camera| moment.frames.iter().find(|f| f.camera == c.name).map(|f| Picture::clone(&f.picture));
    Ok(rig.cameras.iter().map(of).collect())
}

/// Fits the rig to the sizes of its pictures.
pub(super) fn fit(rig: &mut Rig, moments: &[Vec<Option<Picture>>]) -> anyhow::Result<()> {
    let size = |i: usize| moments.iter().find_map(|m| m[i].as_ref()).map_or((0, 0), |p| (p.width(), p.height()));
    let sizes: Vec<(String, u32, u32)> = rig.cameras.iter().enumerate().map(|(i, c)| (c.name.clone(), size(i).0, size(i).1)).collect();
    rig::fit_to_pictures(rig, &sizes)?.iter().for_each(|n| println!("note: {n}"));
    Ok(())
}

fn synthesis(before: &Rig, after: &Rig, pictures: &[Option<&Picture>], cancel: &CancelToken) -> anyhow::Result<Option<SynthesisScores>> {
    let gpu = Gpu::open(&GpuOptions::default()).context("hidden cameras are synthesized on a GPU; --no-synthesis does without")?;
    let bar = bar("synthesizing hidden cameras")?;
    let scores = synthesis_scores(&gpu, before, after, pictures, &mut |share| {
        bar.set_position((share * 1000.0) as u64);
        !cancel.is_cancelled()
    });
    bar.finish_and_clear();
    Ok(scores?)
}

fn print_points(rig: &Rig, r: &Refined) {
    let wide = rig.cameras.iter().map(|c| c.name.chars().count()).max().unwrap_or(0).max(6);
    println!("{:wide$}  {:>6}  {:>5}  {:>17}  {:>15}  {:>16}", "camera", "points", "wrong", "turned °", "moved mm", "rms px");
    for (camera, c) in rig.cameras.iter().zip(&r.cameras) {
        let (Some(turned_sigma), Some(moved_sigma)) = (c.rotation_sigma_rad, c.center_sigma_m) else {
            println!("{:wide$}  {:>6}  {:>5}  kept as it was", camera.name, c.sightings, c.wrong);
            continue;
        };
        println!(
            "{:wide$}  {:>6}  {:>5}  {:>8.4} ± {:.4}  {:>7.2} ± {:>5.2}  {:>6.2} → {:>6.2}",
            camera.name,
            c.sightings,
            c.wrong,
            c.turned_rad.to_degrees(),
            turned_sigma.to_degrees(),
            c.moved_m * 1e3,
            moved_sigma * 1e3,
            c.rms_before_px,
            c.rms_after_px
        );
    }
    println!("\n{} points, each seen to ± {:.2} px", r.points, r.sighting_sigma_px);
    println!(
        "points that were kept out of it, {} sightings ({} more fit neither rig), px from where they should be seen:",
        r.before.sightings, r.wrong_held_out
    );
    for (what, e) in [("before", r.before), ("after", r.after)] {
        println!("  {what:<7} median {:.3}  rms {:.3}  95 % within {:.3}", e.median_px, e.rms_px, e.p95_px);
    }
    match r.verdict {
        Verdict::Better => println!("better by {:.3} px in the median", r.before.median_px - r.after.median_px),
        Verdict::NothingToGain => println!("nothing to gain: the rig fits its pictures as well as they can tell"),
    }
}
