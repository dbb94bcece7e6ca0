//! TOML of aniposelib, Pose2Sim and caliscope: one table per camera with OpenCV's numbers; the rotation is a Rodrigues
//! vector or a 3 × 3 matrix; pixel centres at (0, 0).

use glam::{DMat3, DVec3};
use toml::{Table, Value};

use super::{Fault, HALF_PX, camera, fisheye, opencv_distortion, rodrigues, shortened, size_px};
use crate::{geometry::Lens, rig::Rig};

pub(super) fn looks_like(text: &str) -> bool {
    text.parse::<Table>().is_ok_and(|t| sections(&t).iter().any(|(_, s)| is_camera(s)))
}

fn is_camera(section: &Table) -> bool {
    section.contains_key("matrix") || section.contains_key("distortions")
}

/// The tables that may be cameras: at the top (aniposelib, Pose2Sim) and under `cameras` (caliscope).
fn sections(file: &Table) -> Vec<(&String, &Table)> {
    let nested = file.get("cameras").and_then(Value::as_table).into_iter().flatten();
    file.iter().chain(nested).filter_map(|(key, v)| Some((key, v.as_table()?))).collect()
}

/// Parses the text.
pub(super) fn parse(text: &str) -> Result<Rig, Fault> {
    let file: Table = text.parse().map_err(|e: toml::de::Error| Fault(e.to_string()))?;
    let mut cameras = Vec::new();
    for (key, section) in sections(&file) {
        if !is_camera(section) {
            continue;
        }
        let at = |Fault(what)| Fault(format!("camera [{}]: {what}", shortened(key)));
        if section.get("ignore").and_then(Value::as_bool) == Some(true) {
            tracing::warn!("camera [{}] says ignore = true and is left out of the rig", shortened(key));
            continue;
        }
        let name = section.get("name").and_then(Value::as_str).unwrap_or(key);
        let list = |field: &str| match section.get(field) {
            Some(v) => flat(v).ok_or_else(|| at(Fault(format!("{field} is not a list of numbers")))),
            None => Err(at(Fault(format!("{field} is missing. A camera needs size, matrix, distortions, rotation and translation")))),
        };
        let (size, m, t, r) = (list("size")?, list("matrix")?, list("translation")?, list("rotation")?);
        let d = if section.contains_key("distortions") { list("distortions")? } else { Vec::new() };
        let ([w, h], [fx, skew, cx, _, fy, cy, ..], [tx, ty, tz]) = (size.as_slice(), m.as_slice(), t.as_slice()) else {
            return Err(at(Fault::new("expected size [w, h], matrix 3 × 3 and translation [x, y, z]")));
        };
        super::refuse_skew(*skew, *fx).map_err(at)?;
        let is_fisheye = section.get("fisheye").and_then(Value::as_bool) == Some(true);
        let distortion = if is_fisheye { fisheye(&d) } else { opencv_distortion(&d).map_err(at)? };
        let lens = Lens { distortion, ..Lens::pinhole(*fx, *fy, cx + HALF_PX, cy + HALF_PX) };
        let rotation = match r.len() {
            3 => rodrigues(DVec3::new(r[0], r[1], r[2])),
            9 => DMat3::from_cols_slice(&r).transpose(),
            n => return Err(at(Fault(format!("rotation has {n} numbers; it must be a Rodrigues vector (3) or a matrix (9)")))),
        };
        cameras.push(camera(name, size_px(*w, *h).map_err(at)?, lens, rotation, DVec3::new(*tx, *ty, *tz)));
    }
    Ok(Rig { cameras, points_in_world: Vec::new() })
}

/// Numbers of a list or a list of lists (at most one nesting; TOML's own parser bounds the depth).
fn flat(v: &Value) -> Option<Vec<f64>> {
    let number = |v: &Value| v.as_float().or_else(|| v.as_integer().map(|i| i as f64));
    let mut out = Vec::new();
    for e in v.as_array()? {
        match (number(e), e.as_array()) {
            (Some(n), _) => out.push(n),
            (None, Some(row)) => {
                for e in row {
                    out.push(number(e)?);
                }
            }
            (None, None) => return None,
        }
    }
    Some(out)
}
