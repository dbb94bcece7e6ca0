//! `volte rig watch`: cameras that were bumped, found in footage and solved again.

use std::{collections::BTreeSet, path::PathBuf};

use anyhow::{Context as _, bail};
use volte::{
    calibrate::{Look, Watch},
    engine::footage::Footage,
    frame::Picture,
    output::CancelToken,
    rig::{self, Format, Rig},
};

use super::refine::{fit, moment_of, of_folders};

/// What `volte rig watch` takes.
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("material").required(true)))]
pub struct Args {
    /// The calibration: a file or a folder, of any format that `check` reads.
    rig: PathBuf,
    /// Folders with one picture per camera, each named like its camera, each folder one instant: the first is what is learned from.
    #[arg(long, value_name = "FOLDER", num_args = 2.., group = "material")]
    pictures: Vec<PathBuf>,
    /// Synchronized video, one file per camera, each named like its camera: a folder or files. Its first two looks are learned from.
    #[arg(long, value_name = "FOLDER|FILES", num_args = 1.., group = "material")]
    footage: Vec<PathBuf>,
    /// How much of the footage to look at, seconds from its start.
    #[arg(long, default_value_t = 60.0)]
    seconds: f64,
    /// Time from look to look, seconds.
    #[arg(long, default_value_t = 1.0)]
    every: f64,
    /// Only these cameras, by name, separated by commas.
    #[arg(long = "use", value_name = "A,B,…", value_delimiter = ',')]
    only: Vec<String>,
    /// Write the rig with bumped cameras where they stand at the end (rig.toml).
    #[arg(long, value_name = "OUT.toml")]
    out: Option<PathBuf>,
    /// Replace the file of that name.
    #[arg(long)]
    overwrite: bool,
}

/// Runs it.
pub fn run(args: &Args) -> anyhow::Result<()> {
    for (option, value) in [("--seconds", args.seconds), ("--every", args.every)] {
        if !(value.is_finite() && value >= 0.04) {
            bail!("{option} {value}: give seconds, e.g. 1");
        }
    }
    if let Some(out) = &args.out {
        super::rig::refuse_taken(out, Format::RigToml, args.overwrite)?;
    }
    let mut rig = rig::load(&args.rig)?.only(&args.only).context("--use")?;
    let cancel = super::cancelled_by_ctrl_c()?;
    let mut unsolved = BTreeSet::new();
    let mut unsure = BTreeSet::new();
    let bumps = if args.pictures.is_empty() {
        in_footage(&mut rig, args, (&mut unsolved, &mut unsure), &cancel)?
    } else {
        in_folders(&mut rig, args, (&mut unsolved, &mut unsure), &cancel)?
    };
    match bumps {
        0 if unsure.is_empty() => println!("no camera was bumped"),
        0 => println!("no camera was seen to be bumped"),
        1 => println!("1 bump"),
        n => println!("{n} bumps"),
    }
    if !unsure.is_empty() {
        let names = unsure.into_iter().collect::<Vec<_>>().join(", ");
        println!(
            "{names}: too little to see in its last picture: nobody knows whether it stands. Is it covered, dark, or turned far away?"
        );
    }
    if let Some(out) = &args.out {
        rig::save(&rig, out, Format::RigToml)?;
        println!("the rig at the end written to {}", out.display());
    }
    if !unsolved.is_empty() {
        let names = unsolved.into_iter().collect::<Vec<_>>().join(", ");
        bail!("{names}: moved, and not solved again: what is known of it is where it was. Calibrate it anew, or leave it out with --use");
    }
    Ok(())
}

/// Cameras that moved and are not solved again, and those that show too little.
type Doubted<'a> = (&'a mut BTreeSet<String>, &'a mut BTreeSet<String>);

fn in_folders(rig: &mut Rig, args: &Args, mut doubted: Doubted<'_>, cancel: &CancelToken) -> anyhow::Result<usize> {
    let moments = of_folders(rig, &args.pictures)?;
    let mut watch = learned(rig, &moments[..1], cancel)?;
    let mut bumps = 0;
    for (seen, folder) in moments.iter().zip(&args.pictures).skip(1) {
        bumps += looked(&mut watch, rig, seen, &folder.display().to_string(), &mut doubted)?;
    }
    Ok(bumps)
}

fn in_footage(rig: &mut Rig, args: &Args, mut doubted: Doubted<'_>, cancel: &CancelToken) -> anyhow::Result<usize> {
    let mut footage = Footage::beginning(rig, &args.footage, args.seconds, cancel)?;
    let (from, until) = footage.span();
    let step_nanos = (args.every * 1e9) as i64;
    let at = |k: i64| from.plus_nanos(k * step_nanos);
    let mut first = vec![moment_of(&mut footage, rig, at(0))?];
    if at(1) <= until {
        first.push(moment_of(&mut footage, rig, at(1))?);
    }
    fit(rig, &first)?;
    let mut watch = learned(rig, &first, cancel)?;
    let (mut bumps, mut k) = (0, first.len() as i64);
    drop(first);
    while at(k) <= until {
        anyhow::ensure!(!cancel.is_cancelled(), "cancelled; nothing was written");
        let seen = moment_of(&mut footage, rig, at(k))?;
        bumps += looked(&mut watch, rig, &seen, &format!("{:.2} s", k as f64 * args.every), &mut doubted)?;
        k += 1;
    }
    Ok(bumps)
}

fn learned(rig: &Rig, moments: &[Vec<Option<Picture>>], cancel: &CancelToken) -> anyhow::Result<Watch> {
    let seen: Vec<Vec<Option<&Picture>>> = moments.iter().map(|m| m.iter().map(Option::as_ref).collect()).collect();
    let watch = Watch::learn(rig, &seen, &mut |_| !cancel.is_cancelled())?;
    for (i, camera) in rig.cameras.iter().enumerate() {
        println!("{:<16} {:>4} points", camera.name, watch.points(i));
    }
    Ok(watch)
}

/// One look at every camera; how many were bumped.
fn looked(
    watch: &mut Watch,
    rig: &mut Rig,
    seen: &[Option<Picture>],
    when: &str,
    (unsolved, unsure): &mut Doubted<'_>,
) -> anyhow::Result<usize> {
    let mut bumps = 0;
    for (i, picture) in seen.iter().enumerate() {
        let Some(picture) = picture else { continue };
        anyhow::ensure!(
            (picture.width(), picture.height()) == (rig.cameras[i].width_px, rig.cameras[i].height_px),
            "{when}: {} has a picture of another size than at first. Watch it from there on, with --use for the others",
            rig.cameras[i].name
        );
        let name = &rig.cameras[i].name;
        match watch.look(i, picture) {
            Look::Stands { .. } => {
                unsolved.remove(name);
                unsure.remove(name);
            }
            Look::Unsure { found, of } => {
                unsure.insert(name.clone());
                println!("{when}: {name} shows too little to say whether it stands ({found} of {of} points)");
            }
            Look::Moved { shift_px, .. } => {
                unsure.remove(name);
                bumps += 1;
                println!("{when}: {name} was bumped, its picture moved by {shift_px:.1} px");
                match watch.resolve(i, picture) {
                    Ok(r) => {
                        println!(
                            "{when}: {name} is solved again: turned by {:.3}°, moved by {:.1} mm; {} points fit to {:.2} px",
                            r.turned_rad.to_degrees(),
                            r.moved_m * 1e3,
                            r.points,
                            r.median_px
                        );
                        watch.accept(i, &r, picture);
                        bumps -= usize::from(unsolved.remove(name));
                        rig.cameras[i] = r.camera;
                    }
                    Err(e) => {
                        // One bump, however many looks find it unsolved.
                        bumps -= usize::from(!unsolved.insert(name.clone()));
                        println!("{when}: {e}");
                    }
                }
            }
        }
    }
    Ok(bumps)
}
