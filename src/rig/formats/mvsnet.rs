//! MVSNet's `*_cam.txt`: the word `extrinsic` with a 4 × 4 camera-from-world matrix, `intrinsic` with K, and a depth
//! range that is not ours to use. Pixel centres at (0, 0); no picture size.

use glam::{DMat3, DVec3};

use super::{Fault, HALF_PX, camera, numbers, refuse_skew};
use crate::{geometry::Lens, rig::Camera};

pub(super) fn looks_like(text: &str) -> bool {
    text.split_whitespace().next() == Some("extrinsic")
}

/// The camera's name: the file name without `_cam.txt`.
pub(super) fn name_of(file_name: &str) -> String {
    file_name.strip_suffix("_cam.txt").map_or_else(|| super::stem(file_name), str::to_owned)
}

/// Parses one camera.
pub(super) fn parse(text: &str, name: &str) -> Result<Camera, Fault> {
    let at = |Fault(what)| Fault(format!("camera \"{name}\": {what}"));
    let rest = text.trim_start().strip_prefix("extrinsic").ok_or_else(|| at(Fault::new("it must start with the word extrinsic")))?;
    let (extrinsic, rest) =
        rest.split_once("intrinsic").ok_or_else(|| at(Fault::new("the word intrinsic is missing: the file is truncated")))?;
    let e = numbers(extrinsic).map_err(at)?;
    let k: Vec<&str> = rest.split_whitespace().take(9).collect();
    let k = numbers(&k.join(" ")).map_err(at)?;
    if e.len() != 16 || k.len() != 9 {
        return Err(at(Fault(format!("expected 16 extrinsic and 9 intrinsic numbers, found {} and {}", e.len(), k.len()))));
    }
    refuse_skew(k[1], k[0]).map_err(at)?;
    let rotation = DMat3::from_cols_array_2d(&[[e[0], e[4], e[8]], [e[1], e[5], e[9]], [e[2], e[6], e[10]]]);
    let lens = Lens::pinhole(k[0], k[4], k[2] + HALF_PX, k[5] + HALF_PX);
    Ok(camera(name, (0, 0), lens, rotation, DVec3::new(e[3], e[7], e[11])))
}
