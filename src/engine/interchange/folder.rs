//! The frames of a moment with their poses, in a folder that splat trainers and reconstruction programs read as it is.

use std::{fmt::Write as _, path::Path};

use rayon::iter::{IndexedParallelIterator as _, IntoParallelRefIterator as _, ParallelIterator as _};

use super::{ExportError, SurfacePoint, model, whole};
use crate::{
    frame::Picture,
    output::OutputError,
    rig::{self, Rig},
};

/// Points that trainers begin with, at most.
const MOST_POINTS: usize = 200_000;

/// What is written into the folder.
pub(super) const PARTS: [&str; 4] = ["images", "sparse", "transforms.json", "points.ply"];

/// `images/NAME.png`, `sparse/0/*.txt`, `transforms.json`, `points.ply`.
pub(super) fn write(target: &Path, rig: &Rig, pictures: &[&Picture], points: &[SurfacePoint]) -> Result<(), ExportError> {
    let (part, old) = (target.join(".part"), target.join(".old"));
    let io = |source: std::io::Error| OutputError::Io { path: target.to_owned(), source };
    // What a run that was killed left behind.
    for rest in [&part, &old] {
        if rest.is_dir() {
            std::fs::remove_dir_all(rest).map_err(io)?;
        }
    }
    let written = fill(&part, rig, pictures, points).and_then(|()| {
        std::fs::create_dir(&old).map_err(io)?;
        for name in PARTS {
            let to = target.join(name);
            // What an older export left goes only after the new is in its place; everything else in the folder stays.
            if to.symlink_metadata().is_ok() {
                std::fs::rename(&to, old.join(name)).map_err(io)?;
            }
            if let Err(source) = std::fs::rename(part.join(name), &to) {
                std::fs::rename(old.join(name), &to).ok();
                return Err(io(source).into());
            }
        }
        std::fs::remove_dir_all(&old).map_err(io)?;
        Ok(())
    });
    // Best effort: the first error is the one to tell. A folder that was made for nothing goes too; one with something in it stays.
    std::fs::remove_dir_all(&part).ok();
    if written.is_err() {
        std::fs::remove_dir(target).ok();
    }
    written
}

fn fill(part: &Path, rig: &Rig, pictures: &[&Picture], points: &[SurfacePoint]) -> Result<(), ExportError> {
    let io = |source: std::io::Error| OutputError::Io { path: part.to_owned(), source };
    let broken = |e: rig::RigError| OutputError::Io { path: part.to_owned(), source: std::io::Error::other(e.to_string()) };
    let (images, sparse) = (part.join("images"), part.join("sparse/0"));
    std::fs::create_dir_all(&images).map_err(io)?;
    std::fs::create_dir_all(&sparse).map_err(io)?;
    rig.cameras.par_iter().zip(pictures).try_for_each(|(c, p)| p.save(&images.join(format!("{}.png", c.name))))?;
    let bare = Rig { cameras: rig.cameras.clone(), points_in_world: vec![] };
    let names = |folder: &str| rig.cameras.iter().map(|c| format!("{folder}{}.png", c.name)).collect::<Vec<_>>();
    rig::save_with_pictures(&bare, &sparse, rig::Format::ColmapText, &names("")).map_err(broken)?;
    let transforms = part.join("transforms.json");
    rig::save_with_pictures(&bare, &transforms, rig::Format::Transforms, &names("images/")).map_err(broken)?;
    // Trainers look there for the points that they begin with.
    let text = std::fs::read_to_string(&transforms).map_err(io)?;
    let mut json: serde_json::Value = serde_json::from_str(&text).map_err(|e| io(std::io::Error::other(e)))?;
    json["ply_file_path"] = "points.ply".into();
    whole(&transforms, format!("{json:#}\n").as_bytes())?;
    let step = points.len().div_ceil(MOST_POINTS).max(1);
    let few: Vec<SurfacePoint> = points.iter().step_by(step).copied().collect();
    whole(&part.join("points.ply"), &model::points_ply(&few))?;
    let mut text = String::from("# POINT3D_ID X Y Z R G B ERROR TRACK[] as (IMAGE_ID, POINT2D_IDX)\n");
    for (i, p) in few.iter().enumerate() {
        let ([x, y, z], [r, g, b]) = (p.p_in_world, p.rgb);
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{} {x:?} {y:?} {z:?} {r} {g} {b} 0", i + 1);
    }
    whole(&sparse.join("points3D.txt"), text.as_bytes())?;
    Ok(())
}
