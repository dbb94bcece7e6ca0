//! MPEG immersive video's camera JSON (TMIV, RVS). Its world and camera axes are OMAF's: +x forward, +y left, +z up;
//! `Rotation` is yaw, pitch, roll in degrees about z, y, x; pixel centres at .5. The world is right-handed and is kept.

use glam::{DMat3, DVec3};
use serde::Deserialize;

use super::{Fault, camera, shortened, size_px};
use crate::{geometry::Lens, rig::Rig};

#[derive(Debug, Deserialize)]
struct File {
    cameras: Vec<CameraEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CameraEntry {
    name: String,
    #[serde(default)]
    position: Vec<f64>,
    #[serde(default)]
    rotation: Vec<f64>,
    #[serde(default)]
    resolution: Vec<f64>,
    projection: Option<String>,
    focal: Option<Vec<f64>>,
    // The format's own spelling.
    #[serde(rename = "Principle_point")]
    principle_point: Option<Vec<f64>>,
}

/// OMAF camera axes to ours: right is −y, down is −z, forward is x.
const CAMERA_FROM_OMAF: DMat3 = DMat3::from_cols(DVec3::Z, DVec3::NEG_X, DVec3::NEG_Y);

/// Parses the text.
pub(super) fn parse(text: &str) -> Result<Rig, Fault> {
    let file: File = serde_json::from_str(text).map_err(|e| Fault(e.to_string()))?;
    let mut cameras = Vec::new();
    for c in &file.cameras {
        let at = |what: &str| Fault(format!("camera \"{}\": {what}", shortened(&c.name)));
        if c.name == "viewport" {
            // The test model's virtual camera stands in the same list.
            tracing::warn!("the camera \"viewport\" is the test model's virtual camera and is left out of the rig");
            continue;
        }
        if c.projection.as_deref().is_some_and(|p| p != "Perspective") {
            return Err(at("its projection is not Perspective. Remove it from the file, or convert its pictures to a perspective camera"));
        }
        let ([x, y, z], [yaw, pitch, roll], [w, h]) = (c.position.as_slice(), c.rotation.as_slice(), c.resolution.as_slice()) else {
            return Err(at("expected Position [x, y, z], Rotation [yaw, pitch, roll] and Resolution [w, h]"));
        };
        let (Some([fx, fy]), Some([cx, cy])) = (c.focal.as_deref(), c.principle_point.as_deref()) else {
            return Err(at("expected Focal [fx, fy] and Principle_point [cx, cy]"));
        };
        let world_from_omaf = DMat3::from_rotation_z(yaw.to_radians())
            * DMat3::from_rotation_y(pitch.to_radians())
            * DMat3::from_rotation_x(roll.to_radians());
        let rotation = CAMERA_FROM_OMAF * world_from_omaf.transpose();
        let size = size_px(*w, *h).map_err(|Fault(what)| at(&what))?;
        cameras.push(camera(&c.name, size, Lens::pinhole(*fx, *fy, *cx, *cy), rotation, -(rotation * DVec3::new(*x, *y, *z))));
    }
    Ok(Rig { cameras, points_in_world: Vec::new() })
}
