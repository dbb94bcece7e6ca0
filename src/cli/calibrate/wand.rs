//! `volte calibrate --wand LENGTH` and `--ball`: cameras of known lenses, from a wand with two lights or one bright ball that is carried through
//! the volume.

use anyhow::bail;
use volte::{
    calibrate::{
        board::{BoardFailure, Candidate, Light, WandSession, WandTally},
        free::ball,
    },
    engine::footage,
    output::CancelToken,
    rig::{self, Camera, Format, Rig, pictures},
};

use super::{Args, bar, give_lenses, print_solved};

/// Runs it.
pub(super) fn run(args: &Args, length_m: f64) -> anyhow::Result<()> {
    if !(0.02..=10.0).contains(&length_m) {
        bail!("--wand {length_m}: give the distance between the middles of its two lights in metres, e.g. 0.5");
    }
    args.free.refuse_with("--wand")?;
    let Some(lenses) = &args.lenses else {
        bail!("--wand takes known lenses: give --lenses RIG (of a calibration with a board: `volte calibrate --board …`)");
    };
    let lenses = rig::load(lenses)?;
    let cancel = super::super::cancelled_by_ctrl_c()?;
    let mut session = if args.pictures.is_empty() { of_footage(args, length_m, &cancel)? } else { of_folders(args, length_m, &cancel)? };
    give_lenses(session.cameras_mut(), &lenses, false)?;
    let cameras = session.cameras_mut().to_vec();
    print_tallies(&cameras, &session.tallies(), "wands");
    let bar = bar("solving the rig", 1000)?;
    let solved = session.calibrate(&mut |share| {
        bar.set_position((share * 1000.0) as u64);
        !cancel.is_cancelled()
    });
    bar.finish_and_clear();
    let solved = match solved {
        Err(BoardFailure::Cancelled) => bail!("cancelled; nothing was written"),
        other => other?,
    };
    print_solved(&cameras, &solved, ["wands", "lights"], &|instant| session.secs(instant));
    for (c, why) in cameras.iter().zip(&solved.cameras).filter_map(|(c, fit)| Some((c, fit.unsolved.as_ref()?))) {
        println!("- {}: {why}", c.name);
    }
    solved.findings.iter().for_each(|f| println!("- {f}"));
    solved.notes.iter().for_each(|note| println!("- {note}"));
    if let Some(out) = &args.out {
        rig::save(&solved.rig, out, Format::RigToml)?;
        println!("{} of {} cameras written to {}", solved.rig.cameras.len(), cameras.len(), out.display());
    }
    if solved.light() == Light::Red {
        bail!("the rig is not fit for air: see the lines above");
    }
    Ok(())
}

/// The same with one bright ball, which tells no scale.
pub(super) fn run_ball(args: &Args) -> anyhow::Result<()> {
    let asked = super::free::asked(&args.free)?;
    let Some(lenses) = &args.lenses else {
        bail!("--ball takes known lenses: give --lenses RIG (of a calibration with a board: `volte calibrate --board …`)");
    };
    let lenses = rig::load(lenses)?;
    let cancel = super::super::cancelled_by_ctrl_c()?;
    let mut session = if args.pictures.is_empty() { of_footage(args, 1.0, &cancel)? } else { of_folders(args, 1.0, &cancel)? };
    give_lenses(session.cameras_mut(), &lenses, false)?;
    let cameras = session.cameras_mut().to_vec();
    asked.check(&cameras.iter().map(|c| c.name.as_str()).collect::<Vec<_>>())?;
    let (sights, tallies) = session.ball();
    print_tallies(&cameras, &tallies, "balls");
    let bar = bar("solving the rig", 1000)?;
    let solved = ball(&cameras, &sights, &mut |share| {
        bar.set_position((share * 1000.0) as u64);
        !cancel.is_cancelled()
    });
    bar.finish_and_clear();
    super::free::conclude(args, &cameras, solved, asked)
}

fn print_tallies(cameras: &[Candidate], tallies: &[WandTally], things: &str) {
    for (c, tally) in cameras.iter().zip(tallies) {
        println!("{}: {} {things} in {} pictures", c.name, tally.found, tally.pictures);
        for (why, count) in &tally.without {
            println!("    {count} × {}", why.remedy());
        }
    }
}

/// The cameras of that material, without places.
fn unposed(names: &[String], args: &Args) -> anyhow::Result<(Rig, Vec<String>)> {
    let all = Rig { cameras: names.iter().map(|n| Camera::unposed(n)).collect(), points_in_world: vec![] }.only(&args.only)?;
    let names: Vec<String> = all.cameras.iter().map(|c| c.name.clone()).collect();
    anyhow::ensure!(names.len() > 1, "one camera alone is no rig: give the takes of two at least");
    println!("{} cameras: {}", names.len(), names.join(", "));
    Ok((all, names))
}

fn of_footage(args: &Args, length_m: f64, cancel: &CancelToken) -> anyhow::Result<WandSession> {
    let (rig, names) = unposed(&footage::camera_names(&args.footage)?, args)?;
    let mut footage = super::begun(&rig, args, cancel)?;
    let (from, until) = footage.span();
    let looks = (((until - from) as f64 * 1e-9) / args.every).floor() as i64 + 1;
    let mut session = WandSession::new(length_m, &names);
    let bar = bar("looking for lights", looks.unsigned_abs())?;
    for k in 0..looks {
        anyhow::ensure!(!cancel.is_cancelled(), "cancelled; nothing was written");
        let secs = k as f64 * args.every;
        let moment = super::super::refine::moment_of(&mut footage, &rig, from.plus_nanos((secs * 1e9) as i64))?;
        let seen = session.look(secs, &moment.iter().map(Option::as_ref).collect::<Vec<_>>());
        bar.set_message(format!("{secs:.1} s: bright in {seen} of {}", names.len()));
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(session)
}

fn of_folders(args: &Args, length_m: f64, cancel: &CancelToken) -> anyhow::Result<WandSession> {
    let folders = args.pictures.iter().map(|f| pictures::Folder::open(f)).collect::<Result<Vec<_>, _>>()?;
    let mut names: Vec<String> = folders.iter().flat_map(pictures::Folder::names).collect();
    names.sort_by_key(|n| n.to_lowercase());
    names.dedup_by_key(|n| n.to_lowercase());
    let (_, names) = unposed(&names, args)?;
    let mut session = WandSession::new(length_m, &names);
    for (k, folder) in folders.iter().enumerate() {
        anyhow::ensure!(!cancel.is_cancelled(), "cancelled; nothing was written");
        let loaded = super::pictures_of(folder, &names)?;
        session.look((k + 1) as f64, &loaded.iter().map(Option::as_ref).collect::<Vec<_>>());
    }
    Ok(session)
}
