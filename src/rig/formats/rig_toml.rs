//! Our own `rig.toml`: versioned, commented, and strict: an unknown key is an error. Reading back what was written gives
//! the same rig to the last bit.

use std::fmt::Write as _;

use glam::{DMat3, DVec3};
use serde::Deserialize;

use super::{Fault, camera, shortened};
use crate::{
    geometry::{Distortion, Lens},
    rig::Rig,
};

const VERSION: i64 = 1;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: i64,
    #[serde(default)]
    camera: Vec<CameraTable>,
    #[serde(default)]
    scene: SceneTable,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CameraTable {
    name: String,
    size_px: [u32; 2],
    focal_px: [f64; 2],
    center_px: [f64; 2],
    distortion: Option<DistortionTable>,
    rotation: [[f64; 3]; 3],
    translation_m: [f64; 3],
    #[serde(default)]
    clock_offset_nanos: i64,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "model", rename_all = "snake_case", deny_unknown_fields)]
enum DistortionTable {
    BrownConrady { k: [f64; 6], p: [f64; 2] },
    Fisheye { k: [f64; 4] },
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct SceneTable {
    #[serde(default)]
    points_m: Vec<[f64; 3]>,
}

pub(super) fn looks_like(text: &str) -> bool {
    let head = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    text.lines().find(head).is_some_and(|l| l.trim_start().starts_with("version")) && text.contains("[[camera]]")
}

/// Parses the text.
pub(super) fn parse(text: &str) -> Result<Rig, Fault> {
    let table: toml::Table = text.parse().map_err(|e: toml::de::Error| Fault(e.to_string()))?;
    match table.get("version").and_then(toml::Value::as_integer) {
        Some(VERSION) => {}
        Some(v) => {
            return Err(Fault(format!(
                "version {v} is not known, this Volte reads version {VERSION}. Update Volte, or convert the rig again"
            )));
        }
        None => return Err(Fault::new("version = 1 is missing")),
    }
    let file: File = toml::from_str(text).map_err(|e| Fault(e.to_string()))?;
    debug_assert_eq!(file.version, VERSION);
    let cameras = file
        .camera
        .into_iter()
        .map(|c| {
            let [w, h] = c.size_px;
            let size = super::size_px(f64::from(w), f64::from(h))
                .map_err(|Fault(what)| Fault(format!("camera \"{}\": {what}", shortened(&c.name))))?;
            let distortion = match c.distortion {
                None => Distortion::None,
                Some(DistortionTable::BrownConrady { k, p }) => Distortion::BrownConrady { k, p },
                Some(DistortionTable::Fisheye { k }) => Distortion::Fisheye { k },
            };
            let lens = Lens { distortion, ..Lens::pinhole(c.focal_px[0], c.focal_px[1], c.center_px[0], c.center_px[1]) };
            let mut out =
                camera(c.name, size, lens, DMat3::from_cols_array_2d(&c.rotation).transpose(), DVec3::from_array(c.translation_m));
            out.clock_offset_nanos = c.clock_offset_nanos;
            Ok(out)
        })
        .collect::<Result<_, Fault>>()?;
    Ok(Rig { cameras, points_in_world: file.scene.points_m.into_iter().map(DVec3::from_array).collect() })
}

/// The text of a rig; the caller has checked that every number is finite.
pub(super) fn write(rig: &Rig) -> String {
    let mut out = String::from(
        "# A rig of Volte: the calibrated cameras. Lengths in metres, pictures in pixels.\n\
         # rotation (row by row) and translation_m map world points into camera axes: +x right, +y down, +z forward.\n\
         # center_px: the first pixel's centre is at (0.5, 0.5); calibrations with (0, 0) there need 0.5 added.\n\
         # distortion: OpenCV's numbers, brown_conrady { k = [k1 … k6], p = [p1, p2] } or fisheye { k = [k1 … k4] }; none if left out.\n\
         # clock_offset_nanos: add to the camera's timestamps to get house time; 0 if left out.\n\
         # An unknown key is an error. `volte rig check` explains what is wrong with a rig.\n\n",
    );
    // Writing to a String cannot fail.
    let _ = writeln!(out, "version = {VERSION}");
    for c in &rig.cameras {
        let l = &c.lens;
        let _ = writeln!(out, "\n[[camera]]\nname = {}", toml::Value::String(c.name.clone()));
        let _ = writeln!(out, "size_px = [{}, {}]", c.width_px, c.height_px);
        let _ = writeln!(out, "focal_px = {}", list(&[l.fx_px, l.fy_px]));
        let _ = writeln!(out, "center_px = {}", list(&[l.cx_px, l.cy_px]));
        let _ = match &l.distortion {
            Distortion::None => Ok(()),
            Distortion::BrownConrady { k, p } => {
                writeln!(out, "distortion = {{ model = \"brown_conrady\", k = {}, p = {} }}", list(k), list(p))
            }
            Distortion::Fisheye { k } => writeln!(out, "distortion = {{ model = \"fisheye\", k = {} }}", list(k)),
        };
        let r = c.camera_from_world.rotation.transpose().to_cols_array_2d();
        let _ = writeln!(out, "rotation = [\n  {},\n  {},\n  {},\n]", list(&r[0]), list(&r[1]), list(&r[2]));
        let _ = writeln!(out, "translation_m = {}", list(&c.camera_from_world.translation.to_array()));
        if c.clock_offset_nanos != 0 {
            let _ = writeln!(out, "clock_offset_nanos = {}", c.clock_offset_nanos);
        }
    }
    if !rig.points_in_world.is_empty() {
        out.push_str("\n# Points of the scene, if the calibration found some: they bound the depth search.\n[scene]\npoints_m = [\n");
        for p in &rig.points_in_world {
            let _ = writeln!(out, "  {},", list(&p.to_array()));
        }
        out.push_str("]\n");
    }
    out
}

/// Shortest digits that read back to the same number.
fn list(v: &[f64]) -> String {
    let words: Vec<String> = v.iter().map(|x| format!("{x:?}")).collect();
    format!("[{}]", words.join(", "))
}
