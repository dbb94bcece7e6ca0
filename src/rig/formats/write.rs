//! Writing rigs: our own `rig.toml`, COLMAP text, `transforms.json`, aniposelib TOML and OpenCV YAML. A rig appears complete or not at all, also where it is
//! three files in a folder.

use std::{
    fmt::Write as _,
    io,
    path::{Path, PathBuf},
};

use glam::DQuat;
use serde_json::json;

use super::{Fault, Format, RigError, export, refuse_unusable, rig_toml};
use crate::{
    geometry::{Distortion, Lens},
    rig::{Camera, Rig},
};

/// Saves a rig as `rig.toml`, COLMAP text (`path` is a folder), `transforms.json`, aniposelib TOML or OpenCV YAML; pictures are called NAME.png. A rig that is
/// there is replaced; see [`taken`].
pub fn save(rig: &Rig, path: &Path, format: Format) -> Result<(), RigError> {
    let pictures: Vec<String> = rig.cameras.iter().map(|c| format!("{}.png", c.name)).collect();
    save_with_pictures(rig, path, format, &pictures)
}

/// [`save`] with the picture paths that COLMAP text and `transforms.json` name, one per camera.
pub fn save_with_pictures(rig: &Rig, path: &Path, format: Format, pictures: &[String]) -> Result<(), RigError> {
    let fault = |Fault(what)| RigError::NotExpressible { path: path.into(), format, what };
    refuse_unusable(rig).map_err(fault)?;
    if let Some(c) = rig.cameras.iter().find(|c| c.width_px == 0 || c.height_px == 0) {
        return Err(fault(Fault(format!(
            "the picture size of camera \"{}\" is not known. Give the folder of its pictures (--pictures DIR)",
            c.name
        ))));
    }
    if pictures.len() != rig.cameras.len() {
        return Err(fault(Fault(format!("{} picture names for {} cameras", pictures.len(), rig.cameras.len()))));
    }
    match format {
        Format::RigToml => write_file(path, &rig_toml::write(rig)),
        Format::Transforms => write_file(path, &transforms(rig, pictures).map_err(fault)?),
        Format::ColmapText => {
            let [cameras, images, points] = colmap(rig, pictures);
            write_folder(path, &[("cameras.txt", &cameras), ("points3D.txt", &points), ("images.txt", &images)])
        }
        Format::AniposeToml => write_file(path, &export::anipose(rig)),
        Format::OpenCv => write_file(path, &export::opencv(rig).map_err(fault)?),
        other => Err(fault(Fault(format!(
            "Volte does not write {other}. It writes rig.toml, COLMAP text, transforms.json, aniposelib TOML and OpenCV YAML"
        )))),
    }
}

/// A rig as `rig.toml` has it, to the last bit of every number: what tells two rigs apart, whatever formats they came in.
pub fn text_of_rig(rig: &Rig) -> String {
    rig_toml::write(rig)
}

/// The file or folder that saving as `format` to `path` would replace, if there is one.
pub fn taken(path: &Path, format: Format) -> Option<PathBuf> {
    if format != Format::ColmapText {
        return path.symlink_metadata().is_ok().then(|| path.to_owned());
    }
    if path.symlink_metadata().is_ok_and(|m| !m.is_dir() && !path.is_dir()) {
        return Some(path.to_owned());
    }
    // Readers take the binary files of a folder before the text.
    let names = ["cameras.txt", "images.txt", "points3D.txt", "cameras.bin", "images.bin", "points3D.bin"];
    names.iter().map(|name| path.join(name)).find(|file| file.symlink_metadata().is_ok())
}

/// Writes a file and makes sure that it is on the disk as it was meant.
fn write_checked(path: &Path, text: &str) -> io::Result<()> {
    use std::io::Write as _;
    let mut file = std::fs::File::create(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    if std::fs::read(path)? == text.as_bytes() { Ok(()) } else { Err(io::Error::other("what was read back is not what was written")) }
}

fn write_file(path: &Path, text: &str) -> Result<(), RigError> {
    let part = beside(path);
    let result = write_checked(&part, text).and_then(|()| std::fs::rename(&part, path));
    if result.is_err() {
        // The first error is the one to tell.
        std::fs::remove_file(&part).ok();
    }
    result.map_err(|source| RigError::Io { action: "write", path: path.into(), source })
}

/// `NAME.part` in the same folder.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".part");
    path.with_file_name(name)
}

/// Writes files into a folder: all of them, or none. A folder that is there keeps what else is in it.
fn write_folder(folder: &Path, files: &[(&str, &str)]) -> Result<(), RigError> {
    let is_new = !folder.is_dir();
    // Inside a folder that is there: it may be a disk of its own, and names do not move from disk to disk.
    let part = if is_new { beside(folder) } else { folder.join("volte.part") };
    let written = std::fs::create_dir_all(&part)
        .and_then(|()| files.iter().try_for_each(|(name, text)| write_checked(&part.join(name), text)))
        .and_then(|()| if is_new { std::fs::rename(&part, folder) } else { move_into(&part, folder, files) });
    if written.is_err() {
        // The first error is the one to tell.
        std::fs::remove_dir_all(&part).ok();
    }
    written.map_err(|source| RigError::Io { action: "write", path: folder.into(), source })
}

/// Moves files into a folder; when one cannot be moved, those that are new there go again.
fn move_into(part: &Path, folder: &Path, files: &[(&str, &str)]) -> io::Result<()> {
    let mut added = Vec::new();
    for (name, _) in files {
        let target = folder.join(name);
        let was_there = target.exists();
        if let Err(problem) = std::fs::rename(part.join(name), &target) {
            for file in &added {
                std::fs::remove_file(file).ok();
            }
            return Err(problem);
        }
        if !was_there {
            added.push(target);
        }
    }
    std::fs::remove_dir(part)
}

/// COLMAP's model and parameters of a lens.
fn colmap_model(lens: &Lens) -> (&'static str, Vec<f64>) {
    let mut v = vec![lens.fx_px, lens.fy_px, lens.cx_px, lens.cy_px];
    let model = match lens.distortion {
        Distortion::None => "PINHOLE",
        Distortion::BrownConrady { k, p } if k[2..].iter().all(|k| *k == 0.0) => {
            v.extend([k[0], k[1], p[0], p[1]]);
            "OPENCV"
        }
        Distortion::BrownConrady { k, p } => {
            v.extend([k[0], k[1], p[0], p[1], k[2], k[3], k[4], k[5]]);
            "FULL_OPENCV"
        }
        Distortion::Fisheye { k } => {
            v.extend(k);
            "OPENCV_FISHEYE"
        }
    };
    (model, v)
}

fn colmap(rig: &Rig, pictures: &[String]) -> [String; 3] {
    let join = |v: &[f64]| v.iter().map(|x| format!("{x:?}")).collect::<Vec<_>>().join(" ");
    let mut cameras = String::from("# CAMERA_ID MODEL WIDTH HEIGHT PARAMS[]\n");
    let mut images = String::from("# IMAGE_ID QW QX QY QZ TX TY TZ CAMERA_ID NAME\n# POINTS2D[] as (X, Y, POINT3D_ID)\n");
    let mut points = String::from("# POINT3D_ID X Y Z R G B ERROR TRACK[] as (IMAGE_ID, POINT2D_IDX)\n");
    for (i, (c, picture)) in rig.cameras.iter().zip(pictures).enumerate() {
        let (model, params) = colmap_model(&c.lens);
        // Writing to a String cannot fail.
        let _ = writeln!(cameras, "{} {model} {} {} {}", i + 1, c.width_px, c.height_px, join(&params));
        let q = DQuat::from_mat3(&c.camera_from_world.rotation).normalize();
        let q = if q.w < 0.0 { -q } else { q };
        let t = c.camera_from_world.translation;
        let _ = writeln!(images, "{} {} {} {picture}\n", i + 1, join(&[q.w, q.x, q.y, q.z, t.x, t.y, t.z]), i + 1);
    }
    for (i, p) in rig.points_in_world.iter().enumerate() {
        let _ = writeln!(points, "{} {} 128 128 128 0", i + 1, join(&p.to_array()));
    }
    [cameras, images, points]
}

fn transforms(rig: &Rig, pictures: &[String]) -> Result<String, Fault> {
    let models = rig.cameras.iter().map(transforms_model).collect::<Result<Vec<_>, _>>()?;
    let strongest = ["OPENCV_FISHEYE", "OPENCV", "PINHOLE"].into_iter().find(|m| models.contains(m)).unwrap_or("PINHOLE");
    if strongest == "OPENCV_FISHEYE" && models.iter().any(|m| *m != strongest) {
        return Err(Fault::new("fisheye and perspective lenses in one transforms.json. Convert to rig.toml or colmap"));
    }
    let frames: Vec<_> = rig
        .cameras
        .iter()
        .zip(pictures)
        .map(|(c, picture)| {
            let l = &c.lens;
            let r = c.camera_from_world.rotation.transpose();
            let (x, y, z, o) = (r.x_axis, -r.y_axis, -r.z_axis, c.center_in_world());
            let mut frame = json!({
                "file_path": picture, "w": c.width_px, "h": c.height_px,
                "fl_x": l.fx_px, "fl_y": l.fy_px, "cx": l.cx_px, "cy": l.cy_px,
                "transform_matrix": [[x.x, y.x, z.x, o.x], [x.y, y.y, z.y, o.y], [x.z, y.z, z.z, o.z], [0.0, 0.0, 0.0, 1.0]],
            });
            let (k, p): (&[f64], &[f64]) = match &l.distortion {
                Distortion::None => (&[], &[]),
                Distortion::BrownConrady { k, p } => (k, p),
                Distortion::Fisheye { k } => (k, &[]),
            };
            let keys = ["k1", "k2", "k3", "k4", "k5", "k6"].iter().zip(k).chain(["p1", "p2"].iter().zip(p));
            for (key, value) in keys.filter(|(_, v)| **v != 0.0) {
                frame[*key] = json!(value);
            }
            frame
        })
        .collect();
    serde_json::to_string_pretty(&json!({ "camera_model": strongest, "frames": frames })).map_err(|e| Fault(e.to_string()))
}

fn transforms_model(c: &Camera) -> Result<&'static str, Fault> {
    Ok(match c.lens.distortion {
        Distortion::None => "PINHOLE",
        Distortion::BrownConrady { k, .. } if k[3..].iter().all(|k| *k == 0.0) => "OPENCV",
        Distortion::BrownConrady { .. } => {
            return Err(Fault(format!(
                "camera \"{}\" has the rational distortion k4…k6, which other readers of transforms.json do not know. Convert to rig.toml or colmap",
                c.name
            )));
        }
        Distortion::Fisheye { .. } => "OPENCV_FISHEYE",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_written_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("sparse");
        let files = [("cameras.txt", "a"), ("points3D.txt", "b"), ("images.txt", "c")];
        write_folder(&folder, &files).unwrap();
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 3);
        assert_eq!(taken(&folder, Format::ColmapText), Some(folder.join("cameras.txt")));
        assert_eq!(taken(&dir.path().join("new"), Format::ColmapText), None);
        // Again into the folder, which holds something else by now.
        std::fs::write(folder.join("notes.md"), "n").unwrap();
        write_folder(&folder, &[("cameras.txt", "A"), ("points3D.txt", "B"), ("images.txt", "C")]).unwrap();
        assert_eq!(std::fs::read_to_string(folder.join("images.txt")).unwrap(), "C");
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 4);
        // The second file cannot be written: neither is the first.
        for target in [dir.path().join("other"), dir.path().join("there")] {
            if target.ends_with("there") {
                std::fs::create_dir(&target).unwrap();
            }
            let told = write_folder(&target, &[("cameras.txt", "a"), ("no/such/place.txt", "b")]).unwrap_err().to_string();
            assert!(told.contains(target.to_str().unwrap()), "{told}");
            assert!(!target.join("cameras.txt").exists() && !target.join("volte.part").exists());
        }
        assert!(!dir.path().join("other").exists());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2, "nothing is left behind");
    }

    #[test]
    fn what_the_disk_says_comes_with_a_remedy() {
        let told = |kind: io::ErrorKind| RigError::Io { action: "write", path: "y".into(), source: kind.into() }.to_string();
        assert!(told(io::ErrorKind::StorageFull).contains("room"), "{}", told(io::ErrorKind::StorageFull));
        assert!(told(io::ErrorKind::PermissionDenied).contains("permission"));
    }
}
