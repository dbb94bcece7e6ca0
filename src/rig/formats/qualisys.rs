//! Qualisys `.qca.txt`, XML: rows of the transform are the camera's axes (+x right, +y up, −z forward), positions in mm,
//! lens numbers in 1/64 px with the first pixel's centre at (0, 0).

use glam::{DMat3, DVec3};

use super::{Fault, HALF_PX, camera, opencv_distortion, refuse_skew, shortened, size_px, xml};
use crate::{geometry::Lens, rig::Rig};

const SUBPIXELS: f64 = 64.0;

pub(super) fn looks_like(text: &str) -> bool {
    text.contains("<calibration") && text.contains("<transform")
}

/// Parses the text.
pub(super) fn parse(text: &str) -> Result<Rig, Fault> {
    let root = xml::parse(text)?;
    let list = root.child("cameras").ok_or_else(|| Fault::new("<cameras> is missing"))?;
    let mut cameras = Vec::new();
    for c in list.children.iter().filter(|c| c.name == "camera") {
        let name = c.attribute("serial").unwrap_or("?");
        let at = |what: String| Fault(format!("camera \"{}\": {what}", shortened(name)));
        if c.attribute("active") == Some("0") {
            tracing::warn!("camera \"{}\" says active=\"0\" and is left out of the rig", shortened(name));
            continue;
        }
        let get = |element: &str, attribute: &str| {
            let text =
                c.child(element).and_then(|e| e.attribute(attribute)).ok_or_else(|| at(format!("<{element} {attribute}=…> is missing")))?;
            text.trim().parse::<f64>().map_err(|e| at(format!("{element} {attribute} = \"{}\": {e}", shortened(text))))
        };
        let optional = |attribute: &str| {
            if c.child("intrinsic").and_then(|e| e.attribute(attribute)).is_some() { get("intrinsic", attribute) } else { Ok(0.0) }
        };
        if c.attribute("viewrotation").is_some_and(|r| r.trim() != "0") {
            return Err(at("its view is rotated (viewrotation). Export the calibration and the video without view rotation".into()));
        }
        let (left, top) = (get("fov_video", "left")?, get("fov_video", "top")?);
        let size = size_px(get("fov_video", "right")? - left + 1.0, get("fov_video", "bottom")? - top + 1.0).map_err(|Fault(w)| at(w))?;
        let px = |attribute: &str| Ok::<_, Fault>(get("intrinsic", attribute)? / SUBPIXELS);
        let (fx, fy) = (px("focalLengthU")?, px("focalLengthV")?);
        refuse_skew(optional("skew")? / SUBPIXELS, fx).map_err(|Fault(w)| at(w))?;
        let d = ["radialDistortion1", "radialDistortion2", "tangentalDistortion1", "tangentalDistortion2", "radialDistortion3"];
        let d = d.into_iter().map(optional).collect::<Result<Vec<_>, _>>()?;
        let lens = Lens {
            distortion: opencv_distortion(&d)?,
            ..Lens::pinhole(fx, fy, px("centerPointU")? - left + HALF_PX, px("centerPointV")? - top + HALF_PX)
        };
        let row = |i: usize| {
            let get = |j: usize| get("transform", &format!("r{i}{j}"));
            Ok::<_, Fault>(DVec3::new(get(1)?, get(2)?, get(3)?))
        };
        let rotation = DMat3::from_cols(row(1)?, -row(2)?, -row(3)?).transpose();
        let center = DVec3::new(get("transform", "x")?, get("transform", "y")?, get("transform", "z")?) / 1000.0;
        cameras.push(camera(name, size, lens, rotation, -(rotation * center)));
    }
    Ok(Rig { cameras, points_in_world: Vec::new() })
}
