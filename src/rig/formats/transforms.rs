//! `transforms.json` of nerfstudio and instant-ngp: camera-to-world matrices with OpenGL axes (+y up, −z forward),
//! intrinsics shared or per frame, pixel centres at .5.

use std::path::{Path, PathBuf};

use glam::{DMat3, DVec3};
use serde::Deserialize;

use super::{Fault, brown, camera, fisheye, names_of, shortened, size_px, unrounded};
use crate::{geometry::Lens, rig::Rig};

/// Intrinsics; those of a frame win over the shared ones, value by value. Unknown keys are other tools' business.
#[derive(Debug, Clone, Default, Deserialize)]
struct Intrinsics {
    camera_model: Option<String>,
    is_fisheye: Option<bool>,
    w: Option<f64>,
    h: Option<f64>,
    fl_x: Option<f64>,
    fl_y: Option<f64>,
    camera_angle_x: Option<f64>,
    camera_angle_y: Option<f64>,
    cx: Option<f64>,
    cy: Option<f64>,
    k1: Option<f64>,
    k2: Option<f64>,
    k3: Option<f64>,
    k4: Option<f64>,
    k5: Option<f64>,
    k6: Option<f64>,
    p1: Option<f64>,
    p2: Option<f64>,
}

#[derive(Debug, Deserialize)]
struct Frame {
    file_path: String,
    transform_matrix: Vec<Vec<f64>>,
    #[serde(flatten)]
    own: Intrinsics,
}

#[derive(Debug, Deserialize)]
struct File {
    #[serde(flatten)]
    shared: Intrinsics,
    frames: Vec<Frame>,
}

/// Parses the text; `folder` is where picture paths start, to learn a missing picture size.
pub(super) fn parse(text: &str, folder: Option<&Path>) -> Result<Rig, Fault> {
    let file: File = serde_json::from_str(text).map_err(|e| {
        let nan = if text.contains("NaN") { ". The file has NaN in it: a camera was not solved; calibrate again" } else { "" };
        Fault(format!("{e}{nan}"))
    })?;
    let names = names_of(&file.frames.iter().map(|f| f.file_path.clone()).collect::<Vec<_>>());
    let mut cameras = Vec::new();
    for (frame, name) in file.frames.iter().zip(names) {
        let at = |Fault(what)| Fault(format!("frame \"{}\": {what}", shortened(&frame.file_path)));
        let (size, lens) = intrinsics(&file.shared, &frame.own, || picture_size(folder?, &frame.file_path)).map_err(at)?;
        let m = &frame.transform_matrix;
        if !(3..=4).contains(&m.len()) || m.iter().any(|row| row.len() != 4) {
            return Err(at(Fault::new("transform_matrix must have 4 × 4 numbers")));
        }
        let column = |c: usize| DVec3::new(m[0][c], m[1][c], m[2][c]);
        // OpenGL's camera has +y up and looks along −z: turn its y and z around.
        let world_from_camera = DMat3::from_cols(column(0), -column(1), -column(2));
        // A common scale in the matrix (some exporters) is not part of the rotation.
        let scale = world_from_camera.determinant().cbrt();
        let rotation = unrounded(if scale > 1e-6 { world_from_camera * (1.0 / scale) } else { world_from_camera }).transpose();
        cameras.push(camera(name, size, lens, rotation, -(rotation * column(3))));
    }
    Ok(Rig { cameras, points_in_world: Vec::new() })
}

fn intrinsics(shared: &Intrinsics, own: &Intrinsics, picture_size: impl Fn() -> Option<(u32, u32)>) -> Result<((u32, u32), Lens), Fault> {
    macro_rules! get {
        ($name:ident) => {
            own.$name.or(shared.$name)
        };
    }
    let size = match (get!(w), get!(h)) {
        (Some(w), Some(h)) => size_px(w, h)?,
        _ => picture_size().unwrap_or((0, 0)),
    };
    let (w, h) = (f64::from(size.0), f64::from(size.1));
    let known = size.0 > 0;
    let from_angle = |extent: f64, angle: Option<f64>| angle.filter(|_| known).map(|a| 0.5 * extent / (0.5 * a).tan());
    // A frame's own angle is stronger than a shared focal length.
    let fx = own.fl_x.or_else(|| from_angle(w, own.camera_angle_x)).or(shared.fl_x).or_else(|| from_angle(w, shared.camera_angle_x));
    let fy = own.fl_y.or_else(|| from_angle(h, own.camera_angle_y)).or(shared.fl_y).or_else(|| from_angle(h, shared.camera_angle_y));
    let no_size =
        "the file has no w and h, and the picture is not there to tell. Add \"w\" and \"h\" to the file, or put the pictures beside it";
    let Some(fx) = fx.or(fy) else {
        let angle = get!(camera_angle_x).is_some();
        return Err(Fault::new(if angle { no_size } else { "no focal length: neither fl_x nor camera_angle_x is given" }));
    };
    let fy = fy.unwrap_or(fx);
    let centre = |given: Option<f64>, extent: f64| given.or(known.then_some(0.5 * extent)).ok_or_else(|| Fault::new(no_size));
    let mut lens = Lens::pinhole(fx, fy, centre(get!(cx), w)?, centre(get!(cy), h)?);
    let k: [f64; 6] = [get!(k1), get!(k2), get!(k3), get!(k4), get!(k5), get!(k6)].map(Option::unwrap_or_default);
    let p = [get!(p1), get!(p2)].map(Option::unwrap_or_default);
    let model = own.camera_model.as_deref().or(shared.camera_model.as_deref()).unwrap_or("OPENCV");
    lens.distortion = match model.to_ascii_uppercase().as_str() {
        "OPENCV_FISHEYE" | "SIMPLE_RADIAL_FISHEYE" | "RADIAL_FISHEYE" | "FISHEYE" => fisheye(&k),
        _ if get!(is_fisheye) == Some(true) => fisheye(&k),
        // Ours when more than nerfstudio's and instant-ngp's models is needed.
        "FULL_OPENCV" => brown(k, p),
        "OPENCV" | "PINHOLE" | "SIMPLE_PINHOLE" | "SIMPLE_RADIAL" | "RADIAL" | "PERSPECTIVE" => {
            if k[3] != 0.0 {
                return Err(Fault::new(
                    "k4 of a perspective lens (an r⁸ term) is not supported. Calibrate with k1…k3, p1, p2, or say camera_model OPENCV_FISHEYE",
                ));
            }
            brown([k[0], k[1], k[2], 0.0, 0.0, 0.0], p)
        }
        other => {
            return Err(Fault(format!("camera_model \"{}\" is not supported. Use PINHOLE, OPENCV or OPENCV_FISHEYE", shortened(other))));
        }
    };
    Ok((size, lens))
}

/// The size of the picture that a frame names, with or without its extension.
fn picture_size(folder: &Path, file_path: &str) -> Option<(u32, u32)> {
    let base = folder.join(file_path);
    let with = |extension: &str| {
        let mut name = base.clone().into_os_string();
        name.push(extension);
        PathBuf::from(name)
    };
    [base.clone(), with(".png"), with(".jpg"), with(".jpeg"), with(".PNG"), with(".JPG")]
        .into_iter()
        .find(|p| p.is_file())
        .and_then(|p| image::ImageReader::open(p).ok()?.with_guessed_format().ok()?.into_dimensions().ok())
}
