//! Runs the sets one after the other and writes the report's folder.
//!
//! A set's pictures are written into a hidden folder and moved to their place when the set is whole; page and scores are written
//! anew after each set, so that a long run can be looked at while it goes on and what is finished survives its end.

use std::{fs, path::Path, time::Instant};

use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};

use super::{
    BenchError, Material, Protocol, Report, Scores, SetResult,
    folder::{self, PAGE, SCORES, Unfinished},
    material::Loaded,
    page,
    report::PictureResult,
};
use crate::{
    calibrate::CalibrateError,
    engine::refine::{Fit, fit},
    engine::truth::{HeldOut, Hidden, Truth, TruthError, TruthMeter},
    frame::{Picture, PictureError},
    gpu::Gpu,
    rig::Rig,
    scene::{SceneError, SceneOptions},
    view::ViewMode,
};

const MADE_BY: &str = concat!("volte bench pictures ", env!("CARGO_PKG_VERSION"));
/// Differences are shown this many times as strong.
pub(super) const DIFFERENCE_GAIN: i32 = 4;
/// In the order in which [`TruthMeter::compare`] returns them.
const MODES: [ViewMode; 3] = [ViewMode::Synthesis, ViewMode::CrossFade, ViewMode::Nearest];

/// How far a run is.
#[derive(Debug, Clone, Copy)]
pub struct Progress<'a> {
    /// The set that runs.
    pub set: &'a str,
    /// Its number, from 0.
    pub index: usize,
    /// Sets in all.
    pub sets: usize,
    /// Of all sets, 0…1.
    pub share: f64,
}

/// Finds the files of all sets, before anything takes time. Missing data sets are all named at once.
pub fn find(protocol: &Protocol, data: &Path, quick: bool) -> Result<Vec<Material>, BenchError> {
    let missing: Vec<&str> = protocol.sets.iter().map(|s| s.data.as_str()).filter(|folder| !data.join(folder).is_dir()).collect();
    if !missing.is_empty() {
        let mut sets = missing.iter().map(|s| format!("\"{s}\"")).collect::<Vec<_>>();
        sets.dedup();
        return Err(BenchError::NoData { sets: sets.join(", "), path: data.into() });
    }
    protocol.sets.iter().map(|spec| Material::find(spec, data).map(|m| if quick { m.quick() } else { m })).collect()
}

/// Runs the sets, adds their rows to `empty`, and writes `out`: `index.html`, `scores.json` and a folder of pictures per set. `finished` is told each row when
/// it is there; the run ends when `progress` returns false.
pub fn run(
    sets: &[Material],
    empty: Report,
    gpu: &Gpu,
    out: &Path,
    refine: bool,
    progress: &mut dyn FnMut(Progress<'_>) -> bool,
    finished: &mut dyn FnMut(&SetResult),
) -> Result<Report, BenchError> {
    folder::prepare(out, "volte bench pictures")?;
    let mut meter = TruthMeter::new(gpu, SceneOptions::default()).map_err(|e| BenchError::Start(Box::new(e)))?;
    let mut report = Report { made_by: MADE_BY.to_owned(), adapter: gpu.info.name.clone(), ..empty };
    let whole: f64 = sets.iter().map(Material::cost).sum();
    let mut before = 0.0;
    for (index, material) in sets.iter().enumerate() {
        let mut part = |p: f32| {
            let share = (before + material.cost() * f64::from(p)) / whole;
            progress(Progress { set: &material.spec.id, index, sets: sets.len(), share })
        };
        match one(material, refine, &mut meter, out, &mut part) {
            Err(e) if is_cancelled(&e) => {
                let kept = if index > 0 { format!("; those are in {}", out.display()) } else { String::new() };
                if index == 0 {
                    // Leave nothing that was not there; fails when it holds something, and that is right.
                    fs::remove_dir(out).ok();
                }
                return Err(BenchError::Cancelled { done: index, of: sets.len(), kept });
            }
            other => report.sets.push(other?),
        }
        finished(&report.sets[index]);
        write_report(&report, out)?;
        before += material.cost();
    }
    Ok(report)
}

fn is_cancelled(e: &BenchError) -> bool {
    match e {
        BenchError::Truth { source, .. } => matches!(**source, TruthError::Scene(SceneError::Cancelled)),
        BenchError::Refine(source) => matches!(**source, CalibrateError::Cancelled),
        _ => false,
    }
}

fn one(
    material: &Material,
    refine: bool,
    meter: &mut TruthMeter,
    out: &Path,
    progress: &mut dyn FnMut(f32) -> bool,
) -> Result<SetResult, BenchError> {
    let failed = |source: TruthError| BenchError::Truth { set: material.spec.id.clone(), source: Box::new(source) };
    if !progress(0.0) {
        return Err(failed(SceneError::Cancelled.into()));
    }
    let loaded = material.load()?;
    let inputs: Vec<&Picture> = loaded.inputs.iter().collect();
    let hidden: Vec<Hidden<'_>> = material
        .hidden
        .iter()
        .zip(loaded.hidden.iter().zip(&loaded.masks))
        .map(|(shot, (truth, mask))| Hidden { camera: &shot.camera, truth, mask: mask.as_deref() })
        .collect();
    let started = Instant::now();
    let rig = if refine { refined(&material.rig, &inputs, progress)? } else { material.rig.clone() };
    let truth = meter.compare(&rig, &inputs, &hidden, &MODES, progress).map_err(failed)?;
    let seconds = started.elapsed().as_secs_f64();
    let pictures = write_set(material, &loaded, &truth, out)?;
    let names = material.inputs.iter().map(|s| s.camera.name.clone()).collect();
    Ok(SetResult { seconds, gpu_solve: truth.solve_times, gpu_views: truth.view_times, ..SetResult::new(&material.spec, names, pictures) })
}

/// The rig of the cameras that go in, adjusted to what they show: the hidden ones have no part in it, and stay where their file says.
fn refined(rig: &Rig, inputs: &[&Picture], progress: &mut dyn FnMut(f32) -> bool) -> Result<Rig, BenchError> {
    let fitted = fit(rig, &[inputs.iter().copied().map(Some).collect()], &mut |_| progress(0.0));
    match fitted.map_err(|e| BenchError::Refine(Box::new(e)))? {
        Fit::Better(refined) => {
            tracing::info!(before_px = refined.before.median_px, after_px = refined.after.median_px, "the rig is adjusted");
            Ok(refined.rig)
        }
        Fit::AsItIs => Ok(rig.clone()),
        Fit::Unknown(why) => {
            tracing::info!("the rig stays as it is: {why}");
            Ok(rig.clone())
        }
    }
}

/// Writes the pictures of a set; the folder appears when it is whole.
fn write_set(material: &Material, loaded: &Loaded, truth: &Truth, out: &Path) -> Result<Vec<PictureResult>, BenchError> {
    let id = &material.spec.id;
    let place = out.join(id);
    let unfinished = Unfinished(out.join(format!(".{id}.part")));
    for folder in ["real", "synthesized", "cross-fade", "difference", "mask"] {
        if folder != "mask" || material.spec.masks.is_some() {
            let folder = unfinished.0.join(folder);
            fs::create_dir_all(&folder).map_err(|source| BenchError::Write { path: folder, source })?;
        }
    }
    let files = file_names(material.hidden.iter().map(|s| s.camera.name.as_str()));
    let rows: Vec<PictureResult> = (0..material.hidden.len())
        .into_par_iter()
        .map(|i| {
            let of = |mode: usize| &truth.held_out[i * MODES.len() + mode];
            let (volte, cross_fade, nearest) = (of(0), of(1), of(2));
            let real = &loaded.hidden[i];
            let at = |folder: &str, extension: &str| unfinished.0.join(folder).join(format!("{}.{extension}", files[i]));
            real.save(&at("real", "png"))?;
            volte.picture.save(&at("synthesized", "png"))?;
            cross_fade.picture.save(&at("cross-fade", "png"))?;
            difference(real, &volte.picture).save(&at("difference", "jpg"))?;
            if let Some(mask) = &loaded.masks[i] {
                picture_of(mask, real).save(&at("mask", "png"))?;
            }
            Ok(PictureResult {
                camera: material.hidden[i].camera.name.clone(),
                file: files[i].clone(),
                width_px: real.width(),
                height_px: real.height(),
                volte: scores(volte),
                cross_fade: scores(cross_fade),
                nearest: scores(nearest),
                view: volte.report.clone(),
            })
        })
        .collect::<Result<_, PictureError>>()?;
    fs::rename(&unfinished.0, &place).map_err(|source| BenchError::Write { path: place, source })?;
    Ok(rows)
}

fn scores(held: &HeldOut) -> Scores {
    Scores { psnr_db: held.psnr_db, ssim: held.ssim, mask_db: held.mask_psnr_db }
}

/// How far two pictures of the same size are apart, [`DIFFERENCE_GAIN`] times as strong.
pub(super) fn difference(a: &Picture, b: &Picture) -> Picture {
    let mut out = a.clone();
    for (o, p) in out.rgba_mut().chunks_exact_mut(4).zip(b.rgba().chunks_exact(4)) {
        for c in 0..3 {
            o[c] = ((i32::from(o[c]) - i32::from(p[c])).abs() * DIFFERENCE_GAIN).min(255) as u8;
        }
    }
    out
}

fn picture_of(mask: &[bool], like: &Picture) -> Picture {
    let mut out = Picture::filled(like.width(), like.height(), [0, 0, 0, 255]);
    for (o, _) in out.rgba_mut().chunks_exact_mut(4).zip(mask).filter(|(_, m)| **m) {
        o[..3].fill(255);
    }
    out
}

/// Cameras' names as names of files and parts of addresses, still different from each other.
fn file_names<'a>(cameras: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for camera in cameras {
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '_' };
        let mut name: String = camera.chars().map(plain).collect();
        while names.contains(&name) || name.is_empty() {
            name.push('_');
        }
        names.push(name);
    }
    names
}

fn write_report(report: &Report, out: &Path) -> Result<(), BenchError> {
    let text =
        serde_json::to_string_pretty(report).map_err(|e| BenchError::Write { path: out.join(SCORES), source: std::io::Error::other(e) })?;
    folder::replace(&out.join(SCORES), &text)?;
    folder::replace(&out.join(PAGE), &page::html(report))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_stay_apart() {
        assert_eq!(file_names(["left/0001", "left.0001", "käse", ""].into_iter()), ["left_0001", "left_0001_", "k_se", "_"]);
    }

    #[test]
    fn differences_are_absolute_and_amplified() {
        let (a, b) = (Picture::filled(2, 1, [100, 50, 0, 255]), Picture::filled(2, 1, [90, 60, 200, 255]));
        assert_eq!(difference(&a, &b).pixel(1, 0), [40, 40, 255, 255]);
        assert_eq!(difference(&a, &a).pixel(0, 0), [0, 0, 0, 255]);
    }
}
