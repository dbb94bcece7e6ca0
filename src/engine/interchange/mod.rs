//! A moment handed over to other programs: its frames with their poses (COLMAP, nerfstudio), its solved surface as points, as Gaussians, as
//! glTF. Whoever trains splats goes on from the one; whoever shows things in a browser or a headset takes the other.
//!
//! A file or folder appears complete or not at all. Must not know: windows, command lines, how depth is solved.

mod folder;
mod lists;
mod mesh;
mod model;
mod points;

pub use lists::ListExport;
pub use points::{SurfacePoint, surface_points};

use std::path::{Path, PathBuf};

use super::export::{ExportError, ExportJob, Moments, moment_at, present};
use crate::{
    frame::Picture,
    gpu::Gpu,
    output::{CancelToken, OutputError},
    rig::{Arc, Rig},
    scene::SceneSolver,
};

/// What a moment is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MomentForm {
    /// A folder: `images/`, `sparse/0/` (COLMAP text), `transforms.json` (nerfstudio), `points.ply`.
    Folder,
    /// `.ply`: points with colour and confidence.
    Points,
    /// `.gs.ply`: 3D Gaussians as the trainers write them.
    Gaussians,
    /// `.splat`: 3D Gaussians, 32 bytes each.
    Splat,
    /// `.mesh.glb`: a glTF binary of triangles with the cameras' pictures on them.
    Mesh,
    /// `.glb`: a glTF binary of coloured points.
    Glb,
}

impl MomentForm {
    /// The form that a name asks for; `None` for names of films, pictures and pages.
    pub fn of(path: &Path) -> Option<Self> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        match name.rsplit_once('.').map(|(_, extension)| extension) {
            Some("ply") if name.ends_with(".gs.ply") => Some(Self::Gaussians),
            Some("ply") => Some(Self::Points),
            Some("splat") => Some(Self::Splat),
            Some("glb") if name.ends_with(".mesh.glb") => Some(Self::Mesh),
            Some("glb") => Some(Self::Glb),
            // Only what says so is a folder: a name without an ending is a slip more often.
            _ if path.to_string_lossy().ends_with(['/', std::path::MAIN_SEPARATOR]) || path.is_dir() => Some(Self::Folder),
            _ => None,
        }
    }
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MomentReport {
    /// The file or folder.
    pub path: PathBuf,
    /// Points, Gaussians, or the mesh's corners.
    pub points: usize,
    /// Cameras with a frame.
    pub cameras: usize,
    /// (camera, why) of those without.
    pub left_out: Vec<(String, String)>,
}

/// Below this confidence a surface is not handed over.
pub const LEAST_CONFIDENCE: f32 = 0.35;

/// Solves the moment at the job's mark and writes it as `form` to the path of its output; the job's path, mode and rate do not matter.
///
/// # Errors
/// Where the moment has fewer than two cameras, the GPU fails, something of that name is there and may not be replaced, or the caller cancels.
pub fn write_moment(
    mut job: ExportJob,
    form: MomentForm,
    gpu: &Gpu,
    progress: &mut dyn FnMut(f32),
    cancel: &CancelToken,
) -> Result<MomentReport, ExportError> {
    let target = job.output.path.clone();
    let taken = match form {
        MomentForm::Folder => folder::PARTS.map(|part| target.join(part)).to_vec(),
        _ => vec![target.clone()],
    };
    if let Some(path) = taken.into_iter().find(|path| path.symlink_metadata().is_ok() && !job.output.overwrite) {
        return Err(OutputError::Exists { path }.into());
    }
    let moment = moment_at(&mut job.moments, job.mark)?;
    job.moments = Moments::One(moment.clone());
    let now = present(&job.rig, &moment, job.mark)?;
    let pictures: Vec<&Picture> = now.pictures.iter().map(AsRef::as_ref).collect();
    let scene = SceneSolver::new(gpu)?.solve(&now.rig, &pictures, &job.scene, &mut |share| {
        progress(share);
        !cancel.is_cancelled()
    })?;
    let report = |points| MomentReport { path: target.clone(), points, cameras: now.rig.cameras.len(), left_out: now.left_out.clone() };
    if form == MomentForm::Mesh {
        let nets = mesh::nets(&scene, gpu, LEAST_CONFIDENCE)?;
        let unreadable = || OutputError::Io { path: target.clone(), source: std::io::Error::other("a picture cannot be coded as JPEG") };
        let bytes = mesh::glb(&nets, &pictures, up_of(&now.rig)).ok_or_else(unreadable)?;
        if cancel.is_cancelled() {
            return Err(OutputError::Cancelled.into());
        }
        whole(&target, &bytes)?;
        return Ok(report(mesh::corners(&nets)));
    }
    let points = surface_points(&scene, gpu, &pictures, LEAST_CONFIDENCE)?;
    if cancel.is_cancelled() {
        return Err(OutputError::Cancelled.into());
    }
    match form {
        MomentForm::Folder => folder::write(&target, &now.rig, &pictures, &points)?,
        MomentForm::Points => whole(&target, &model::points_ply(&points))?,
        MomentForm::Gaussians => whole(&target, &model::gaussians_ply(&points))?,
        MomentForm::Splat => whole(&target, &model::splat(&points))?,
        // A mesh has been written above; the two share their container.
        MomentForm::Glb | MomentForm::Mesh => whole(&target, &model::glb(&points, up_of(&now.rig)))?,
    }
    Ok(report(points.len()))
}

/// Up, as the cameras hold it.
fn up_of(rig: &Rig) -> glam::DVec3 {
    Arc::fit(rig).map_or(glam::DVec3::Z, |arc| arc.up_in_world)
}

/// Writes a file whole or not at all.
fn whole(target: &Path, bytes: &[u8]) -> Result<(), OutputError> {
    let io = |source: std::io::Error| OutputError::Io { path: target.to_owned(), source };
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let part = target.with_file_name(format!(".{name}.part"));
    let written = std::fs::File::create(&part)
        .and_then(|mut file| std::io::Write::write_all(&mut file, bytes).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&part, target));
    if written.is_err() {
        // The first error is the one to tell.
        std::fs::remove_file(&part).ok();
    }
    written.map_err(io)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_is_wanted() {
        let of = |name: &str| MomentForm::of(Path::new(name));
        assert_eq!(of("a.ply"), Some(MomentForm::Points));
        assert_eq!(of("a.gs.ply"), Some(MomentForm::Gaussians));
        assert_eq!(of("A.SPLAT"), Some(MomentForm::Splat));
        assert_eq!(of("b/a.glb"), Some(MomentForm::Glb));
        assert_eq!(of("moment/"), Some(MomentForm::Folder));
        for film in ["a.mp4", "a_%04d.png", "moment", "a.html"] {
            assert_eq!(of(film), None, "{film}");
        }
    }
}
