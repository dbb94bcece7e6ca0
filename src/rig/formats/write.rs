//! Writing rigs: our own `rig.toml`, COLMAP text and `transforms.json`. Every file appears complete or not at all.

use std::{fmt::Write as _, path::Path};

use glam::DQuat;
use serde_json::json;

use super::{Fault, Format, RigError, refuse_unusable, rig_toml};
use crate::{
    geometry::{Distortion, Lens},
    rig::{Camera, Rig},
};

/// Saves a rig as `rig.toml`, COLMAP text (`path` is a folder) or `transforms.json`; pictures are called NAME.png.
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
            std::fs::create_dir_all(path).map_err(|source| RigError::Io { action: "create", path: path.into(), source })?;
            let [cameras, images, points] = colmap(rig, pictures);
            write_file(&path.join("cameras.txt"), &cameras)?;
            write_file(&path.join("points3D.txt"), &points)?;
            write_file(&path.join("images.txt"), &images)
        }
        other => Err(fault(Fault(format!("Volte does not write {other}. It writes rig.toml, COLMAP text and transforms.json")))),
    }
}

fn write_file(path: &Path, text: &str) -> Result<(), RigError> {
    let io = |source| RigError::Io { action: "write", path: path.into(), source };
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".part");
    let part = path.with_file_name(name);
    let result = std::fs::write(&part, text).and_then(|()| std::fs::rename(&part, path));
    if result.is_err() {
        // The first error is the one to tell.
        let _ = std::fs::remove_file(&part);
    }
    result.map_err(io)
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
