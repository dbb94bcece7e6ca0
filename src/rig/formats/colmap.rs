//! COLMAP text: `cameras.txt`, `images.txt`, `points3D.txt`. Camera axes and pixel convention are ours already.
//! (COLMAP documentation, "Output Format" and "Camera Models".)

use std::collections::HashMap;

use glam::{DMat3, DQuat, DVec3};

use super::{Fault, brown, camera, fisheye, names_of, numbers, shortened};
use crate::{
    geometry::{Distortion, Lens},
    rig::Rig,
};

/// Parameter counts by COLMAP's model name; the order is that of the model ids.
pub(super) const MODELS: [(&str, usize); 11] = [
    ("SIMPLE_PINHOLE", 3),
    ("PINHOLE", 4),
    ("SIMPLE_RADIAL", 4),
    ("RADIAL", 5),
    ("OPENCV", 8),
    ("OPENCV_FISHEYE", 8),
    ("FULL_OPENCV", 12),
    ("FOV", 5),
    ("SIMPLE_RADIAL_FISHEYE", 4),
    ("RADIAL_FISHEYE", 5),
    ("THIN_PRISM_FISHEYE", 12),
];

/// A lens of `cameras.txt`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shared {
    pub size_px: (u32, u32),
    pub lens: Lens,
}

/// One picture of `images.txt`.
#[derive(Debug)]
pub(super) struct Image {
    pub path: String,
    pub camera_id: u32,
    /// w, x, y, z.
    pub q: [f64; 4],
    pub t: DVec3,
}

/// The lens of a model.
pub(super) fn lens(model: &str, v: &[f64]) -> Result<Lens, Fault> {
    let Some((_, n)) = MODELS.iter().find(|(m, _)| *m == model) else {
        return Err(Fault(format!("unknown camera model \"{}\"", shortened(model))));
    };
    if v.len() != *n {
        return Err(Fault(format!("camera model {model} has {n} parameters, found {}", v.len())));
    }
    let one_focal = |distortion| Lens { distortion, ..Lens::pinhole(v[0], v[0], v[1], v[2]) };
    let two_focal = |distortion| Lens { distortion, ..Lens::pinhole(v[0], v[1], v[2], v[3]) };
    Ok(match model {
        "SIMPLE_PINHOLE" => one_focal(Distortion::None),
        "PINHOLE" => two_focal(Distortion::None),
        "SIMPLE_RADIAL" => one_focal(brown([v[3], 0.0, 0.0, 0.0, 0.0, 0.0], [0.0; 2])),
        "RADIAL" => one_focal(brown([v[3], v[4], 0.0, 0.0, 0.0, 0.0], [0.0; 2])),
        "OPENCV" => two_focal(brown([v[4], v[5], 0.0, 0.0, 0.0, 0.0], [v[6], v[7]])),
        "OPENCV_FISHEYE" => two_focal(fisheye(&v[4..8])),
        "FULL_OPENCV" => two_focal(brown([v[4], v[5], v[8], v[9], v[10], v[11]], [v[6], v[7]])),
        "SIMPLE_RADIAL_FISHEYE" | "RADIAL_FISHEYE" => one_focal(fisheye(&v[3..])),
        _ => {
            return Err(Fault(format!(
                "camera model {model} is not supported. Undistort with COLMAP's image_undistorter, or calibrate with OPENCV, FULL_OPENCV or OPENCV_FISHEYE"
            )));
        }
    })
}

/// Joins pictures and lenses to a rig.
pub(super) fn assemble(lenses: &HashMap<u32, Shared>, images: &[Image], points_in_world: Vec<DVec3>) -> Result<Rig, Fault> {
    let names = names_of(&images.iter().map(|i| i.path.clone()).collect::<Vec<_>>());
    let cameras = images
        .iter()
        .zip(names)
        .map(|(image, name)| {
            let shared = lenses.get(&image.camera_id).ok_or_else(|| {
                Fault(format!(
                    "picture \"{}\" uses camera {}, which cameras.txt/.bin does not have",
                    shortened(&image.path),
                    image.camera_id
                ))
            })?;
            let [w, x, y, z] = image.q;
            let rotation = DMat3::from_quat(DQuat::from_xyzw(x, y, z, w) * (1.0 / (w * w + x * x + y * y + z * z).sqrt()));
            Ok(camera(name, shared.size_px, shared.lens, rotation, image.t))
        })
        .collect::<Result<_, Fault>>()?;
    Ok(Rig { cameras, points_in_world })
}

/// Parses the three files' texts.
pub(super) fn parse(cameras_txt: &str, images_txt: &str, points_txt: Option<&str>) -> Result<Rig, Fault> {
    let mut lenses = HashMap::new();
    for (n, line) in lines(cameras_txt) {
        let at = |what: String| Fault(format!("cameras.txt line {n}: {what}"));
        let words: Vec<&str> = line.split_whitespace().collect();
        if words.is_empty() {
            continue;
        }
        if words.len() < 5 {
            return Err(at("expected CAMERA_ID MODEL WIDTH HEIGHT PARAMS…".into()));
        }
        let id: u32 = words[0].parse().map_err(|e| at(format!("camera id \"{}\": {e}", shortened(words[0]))))?;
        let head = numbers(&words[2..4].join(" ")).map_err(|Fault(w)| at(w))?;
        let params = numbers(&words[4..].join(" ")).map_err(|Fault(w)| at(w))?;
        let size_px = super::size_px(head[0], head[1]).map_err(|Fault(w)| at(w))?;
        let lens = lens(words[1], &params).map_err(|Fault(w)| at(w))?;
        if lenses.insert(id, Shared { size_px, lens }).is_some() {
            return Err(at(format!("camera id {id} appears twice")));
        }
    }
    let mut images = Vec::new();
    let mut rest = lines(images_txt).peekable();
    while let Some((n, line)) = rest.next() {
        let at = |what: String| Fault(format!("images.txt line {n}: {what}"));
        if line.trim().is_empty() {
            continue;
        }
        let mut words = line.split_whitespace();
        let head: Vec<&str> = words.by_ref().take(9).collect();
        let path = words.collect::<Vec<_>>().join(" ");
        if head.len() < 9 || path.is_empty() {
            return Err(at("expected IMAGE_ID QW QX QY QZ TX TY TZ CAMERA_ID NAME".into()));
        }
        let v = numbers(&head[1..8].join(" ")).map_err(|Fault(w)| at(w))?;
        let camera_id = head[8].parse().map_err(|e| at(format!("camera id \"{}\": {e}", shortened(head[8]))))?;
        images.push(Image { path, camera_id, q: [v[0], v[1], v[2], v[3]], t: DVec3::new(v[4], v[5], v[6]) });
        // The second line of a picture lists its 2D points and may be empty; some tools leave it out.
        if rest.peek().is_some_and(|(_, next)| is_points_line(next)) {
            rest.next();
        }
    }
    let mut points = Vec::new();
    for (n, line) in points_txt.map(lines).into_iter().flatten() {
        if line.trim().is_empty() {
            continue;
        }
        let head = line.split_whitespace().skip(1).take(3).collect::<Vec<_>>().join(" ");
        match numbers(&head).as_deref() {
            Ok([x, y, z]) => points.push(DVec3::new(*x, *y, *z)),
            _ => return Err(Fault(format!("points3D.txt line {n}: expected POINT3D_ID X Y Z …"))),
        }
    }
    assemble(&lenses, &images, points)
}

fn is_points_line(line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    words.len().is_multiple_of(3) && words.iter().all(|w| w.parse::<f64>().is_ok())
}

/// Numbered lines without comments.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(i, l)| (i + 1, l)).filter(|(_, l)| !l.trim_start().starts_with('#'))
}
