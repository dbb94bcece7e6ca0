//! Rigs for the tools of the field: aniposelib's TOML and OpenCV's YAML. Both put the first pixel's centre at (0, 0).
//!
//! Must not know: how files are written whole.

use std::fmt::Write as _;

use glam::{DMat3, DQuat};

use super::{Fault, HALF_PX};
use crate::{
    geometry::Distortion,
    rig::{Camera, Rig},
};

/// OpenCV's order: k1 k2 p1 p2 k3, and k4 k5 k6 where there are any; of a fisheye k1 … k4.
fn coefficients(c: &Camera) -> Vec<f64> {
    match c.lens.distortion {
        Distortion::None => vec![0.0; 5],
        Distortion::BrownConrady { k, p } => {
            let mut d = vec![k[0], k[1], p[0], p[1], k[2]];
            if k[3..].iter().any(|k| *k != 0.0) {
                d.extend(&k[3..]);
            }
            d
        }
        Distortion::Fisheye { k } => k.to_vec(),
    }
}

fn matrix(c: &Camera) -> [f64; 9] {
    let l = &c.lens;
    [l.fx_px, 0.0, l.cx_px - HALF_PX, 0.0, l.fy_px, l.cy_px - HALF_PX, 0.0, 0.0, 1.0]
}

const fn is_fisheye(c: &Camera) -> bool {
    matches!(c.lens.distortion, Distortion::Fisheye { .. })
}

/// Rust's shortest digits that read back to the bit; always with a point or an exponent, as TOML and YAML want a float.
fn list(values: &[f64]) -> String {
    values.iter().map(|v| format!("{v:?}")).collect::<Vec<_>>().join(", ")
}

/// Rodrigues' vector of a rotation.
fn rotation_vector(r: DMat3) -> [f64; 3] {
    DQuat::from_mat3(&r).normalize().to_scaled_axis().to_array()
}

/// aniposelib's TOML (also Pose2Sim's and caliscope's).
pub(super) fn anipose(rig: &Rig) -> String {
    let mut out = String::from("# Written by Volte. Metres; pixels with the first one's centre at (0, 0).\n");
    for (i, c) in rig.cameras.iter().enumerate() {
        let (m, pose) = (matrix(c), &c.camera_from_world);
        // Writing to a string cannot fail.
        let _ = write!(
            out,
            "\n[cam_{i}]\nname = {}\nsize = [{}, {}]\nmatrix = [[{}], [{}], [{}]]\ndistortions = [{}]\nrotation = [{}]\ntranslation = [{}]\nfisheye = {}\n",
            toml::Value::String(c.name.clone()),
            c.width_px,
            c.height_px,
            list(&m[..3]),
            list(&m[3..6]),
            list(&m[6..]),
            list(&coefficients(c)),
            list(&rotation_vector(pose.rotation)),
            list(&pose.translation.to_array()),
            is_fisheye(c)
        );
    }
    out.push_str("\n[metadata]\nadjusted = false\nerror = 0.0\n");
    out
}

/// OpenCV's FileStorage in YAML, a map per camera.
pub(super) fn opencv(rig: &Rig) -> Result<String, Fault> {
    let mut out = String::from("%YAML:1.0\n---\n");
    for c in &rig.cameras {
        let plain = |ch: char| ch.is_ascii_alphanumeric() || ch == '_' || ch == '-';
        if !c.name.starts_with(|ch: char| ch.is_ascii_alphabetic() || ch == '_') || !c.name.chars().all(plain) {
            return Err(Fault(format!(
                "OpenCV's storage wants names of letters, digits, _ and - that begin with a letter, and a camera is called \"{}\". Rename it",
                c.name
            )));
        }
        let pose = &c.camera_from_world;
        let d = coefficients(c);
        let rows = pose.rotation.transpose().to_cols_array();
        let model = if is_fisheye(c) { "fisheye" } else { "pinhole" };
        let _ =
            write!(out, "{}:\n   image_width: {}\n   image_height: {}\n   distortion_model: {model}\n", c.name, c.width_px, c.height_px);
        for (key, shape, data) in [
            ("camera_matrix", (3, 3), list(&matrix(c))),
            ("distortion_coefficients", (1, d.len()), list(&d)),
            ("rotation_matrix", (3, 3), list(&rows)),
            ("translation_vector", (3, 1), list(&pose.translation.to_array())),
        ] {
            let _ = write!(
                out,
                "   {key}: !!opencv-matrix\n      rows: {}\n      cols: {}\n      dt: d\n      data: [ {data} ]\n",
                shape.0, shape.1
            );
        }
    }
    Ok(out)
}
