//! OpenCV's FileStorage, YAML and XML: EasyMocap's `intri.yml` + `extri.yml`, `stereo_calib`'s `M1 D1 M2 D2 R T`, one map
//! per camera, or one camera. Poses map world to camera; pixel centres at (0, 0).

use glam::{DMat3, DVec3};
use yaml_rust2::{Yaml, YamlLoader};

use super::{
    Fault, HALF_PX, camera, fisheye, opencv_distortion, refuse_skew, rodrigues, shortened, size_px,
    xml::{self, Element},
};
use crate::{
    geometry::Lens,
    rig::{Camera, Rig},
};

/// What a FileStorage holds, as far as a calibration needs it.
#[derive(Debug, Clone)]
enum Node {
    Numbers(Vec<f64>),
    Words(Vec<String>),
    Map(Map),
}

type Map = Vec<(String, Node)>;

pub(super) fn looks_like(text: &str) -> bool {
    let start = text.trim_start();
    start.starts_with("%YAML") || start.contains("<opencv_storage") || start.contains("!!opencv-matrix")
}

/// Parses one storage, or the pair of intrinsics and extrinsics.
pub(super) fn parse(texts: &[&str]) -> Result<Rig, Fault> {
    let mut map = Map::new();
    for text in texts {
        map.extend(storage(text)?);
    }
    let cameras = if map.iter().any(|(k, _)| k.starts_with("K_")) {
        named(&map)?
    } else if find(&map, &["M2", "K2", "cameraMatrix2", "camera_matrix_2", "camera_matrix2"]).is_some() {
        stereo(&map)?
    } else if find(&map, MATRIX).is_some() {
        vec![one("camera", &map, Some((DMat3::IDENTITY, DVec3::ZERO)))?]
    } else {
        let per_camera: Vec<(&str, &Map)> = map
            .iter()
            .filter_map(|(k, n)| match n {
                Node::Map(m) if find(m, MATRIX).is_some() => Some((k.as_str(), m)),
                _ => None,
            })
            .collect();
        if per_camera.is_empty() {
            return Err(Fault::new(
                "no camera matrix found (K_NAME, M1/M2, camera_matrix, or one map per camera). Is this a file of extrinsics only? Give the folder that has both",
            ));
        }
        per_camera.into_iter().map(|(name, m)| one(name, m, None)).collect::<Result<_, _>>()?
    };
    Ok(Rig { cameras, points_in_world: Vec::new() })
}

const MATRIX: &[&str] = &["camera_matrix", "cameraMatrix", "Camera_Matrix", "K", "M", "intrinsic", "intrinsics", "intrinsic_matrix"];
const DISTORTION: &[&str] = &["distortion_coefficients", "distCoeffs", "Distortion_Coefficients", "dist_coeffs", "dist", "D", "distortion"];
const ROTATION: &[&str] = &["Rot", "rotation_matrix", "rotation", "Rotation", "R", "rvec"];
const TRANSLATION: &[&str] = &["T", "t", "translation", "Translation", "tvec", "translation_vector"];
const WIDTH: &[&str] = &["image_width", "image_Width", "width", "W"];
const HEIGHT: &[&str] = &["image_height", "image_Height", "height", "H"];

fn find<'a>(map: &'a Map, keys: &[&str]) -> Option<&'a [f64]> {
    keys.iter().find_map(|key| {
        map.iter().find_map(|(k, n)| match n {
            Node::Numbers(v) if k == key => Some(v.as_slice()),
            _ => None,
        })
    })
}

fn build(name: &str, k: &[f64], d: &[f64], is_fisheye: bool, pose: (DMat3, DVec3), size: Option<(f64, f64)>) -> Result<Camera, Fault> {
    let at = |Fault(what)| Fault(format!("camera \"{}\": {what}", shortened(name)));
    let [fx, skew, cx, _, fy, cy, _, _, _] = k else {
        return Err(at(Fault(format!("its matrix has {} numbers, expected 3 × 3", k.len()))));
    };
    refuse_skew(*skew, *fx).map_err(at)?;
    let distortion = if is_fisheye { fisheye(d) } else { opencv_distortion(d).map_err(at)? };
    let lens = Lens { distortion, ..Lens::pinhole(*fx, *fy, cx + HALF_PX, cy + HALF_PX) };
    let size = size.map_or(Ok((0, 0)), |(w, h)| size_px(w, h)).map_err(at)?;
    Ok(camera(name, size, lens, pose.0, pose.1))
}

fn pose(r: Option<&[f64]>, t: Option<&[f64]>) -> Option<(DMat3, DVec3)> {
    let r = match r? {
        [x, y, z] => rodrigues(DVec3::new(*x, *y, *z)),
        m if m.len() == 9 => DMat3::from_cols_slice(m).transpose(),
        _ => return None,
    };
    match t? {
        [x, y, z] => Some((r, DVec3::new(*x, *y, *z))),
        _ => None,
    }
}

fn size_of(map: &Map) -> Option<(f64, f64)> {
    match find(map, &["image_size", "imageSize", "size"]) {
        Some([w, h]) => Some((*w, *h)),
        _ => Some((*find(map, WIDTH)?.first()?, *find(map, HEIGHT)?.first()?)),
    }
}

fn one(name: &str, map: &Map, default_pose: Option<(DMat3, DVec3)>) -> Result<Camera, Fault> {
    let pose = pose(find(map, ROTATION), find(map, TRANSLATION))
        .or(default_pose)
        .ok_or_else(|| Fault(format!("camera \"{}\" has no rotation (3 or 9 numbers) and translation", shortened(name))))?;
    let says_fisheye = map.iter().any(|(k, n)| match n {
        Node::Words(w) => k.contains("model") && w.iter().any(|w| w.contains("fisheye") || w.contains("equidistant")),
        Node::Numbers(v) => k == "fisheye" && v.first().is_some_and(|v| *v != 0.0),
        Node::Map(_) => false,
    });
    build(name, find(map, MATRIX).unwrap_or_default(), find(map, DISTORTION).unwrap_or_default(), says_fisheye, pose, size_of(map))
}

/// EasyMocap: `K_NAME`, `dist_NAME`, `Rot_NAME` (matrix) or `R_NAME` (Rodrigues), `T_NAME`, sometimes `H_NAME` and `W_NAME`.
fn named(map: &Map) -> Result<Vec<Camera>, Fault> {
    let mut names: Vec<&str> = Vec::new();
    for name in map.iter().filter_map(|(k, _)| k.strip_prefix("K_")) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
        .into_iter()
        .map(|name| {
            let get = |prefix: &str| find(map, &[&format!("{prefix}_{name}")]);
            let pose = pose(get("Rot").or_else(|| get("R")), get("T")).ok_or_else(|| {
                Fault(format!(
                    "camera \"{}\" has K_ but no Rot_ or R_ and T_: put intri.yml and extri.yml into one folder and give that folder",
                    shortened(name)
                ))
            })?;
            let size = get("W").and_then(|w| w.first()).zip(get("H").and_then(|h| h.first())).map(|(w, h)| (*w, *h));
            build(name, get("K").unwrap_or_default(), get("dist").or_else(|| get("D")).unwrap_or_default(), false, pose, size)
        })
        .collect()
}

/// `stereo_calib`: the first camera is the world.
fn stereo(map: &Map) -> Result<Vec<Camera>, Fault> {
    let get = |which: u8, stems: &[&str]| {
        let keys: Vec<String> = stems.iter().map(|s| format!("{s}{which}")).collect();
        find(map, &keys.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let right = pose(find(map, &["R", "rotation"]), find(map, &["T", "translation"])).ok_or_else(|| {
        Fault::new("a stereo pair without R and T: put intrinsics.yml and extrinsics.yml into one folder and give that folder")
    })?;
    let matrices = ["M", "K", "cameraMatrix", "camera_matrix_", "camera_matrix"];
    let distortions = ["D", "distCoeffs", "dist_coeffs_", "dist", "distortion"];
    [(1, (DMat3::IDENTITY, DVec3::ZERO)), (2, right)]
        .into_iter()
        .map(|(which, pose)| {
            build(
                &format!("camera{which}"),
                get(which, &matrices).unwrap_or_default(),
                get(which, &distortions).unwrap_or_default(),
                false,
                pose,
                size_of(map),
            )
        })
        .collect()
}

fn storage(text: &str) -> Result<Map, Fault> {
    if text.trim_start().starts_with('<') {
        let root = xml::parse(text)?;
        return Ok(map_of_xml(&root));
    }
    refuse_hostile_yaml(text)?;
    // OpenCV's "%YAML:1.0" is not YAML: the directive must read "%YAML 1.0".
    let body: String = text.lines().filter(|l| !l.starts_with("%YAML")).flat_map(|l| [l, "\n"]).collect();
    let documents = YamlLoader::load_from_str(&body).map_err(|e| Fault(e.to_string()))?;
    match documents.into_iter().next() {
        Some(Yaml::Hash(hash)) => Ok(map_of_yaml(hash)),
        _ => Err(Fault::new("not a map of keys and values")),
    }
}

/// Deep nesting and aliases (which multiply when expanded) have no place in a calibration.
fn refuse_hostile_yaml(text: &str) -> Result<(), Fault> {
    let mut depth = 0_i32;
    for line in text.lines() {
        let lead = line.chars().take_while(|c| matches!(c, ' ' | '\t' | '-' | '?' | ':')).filter(|c| !matches!(c, ' ' | '\t')).count();
        if lead > 16 && !line.starts_with("---") || line.len() - line.trim_start().len() > 64 {
            return Err(Fault::new("YAML is nested too deeply for a calibration"));
        }
        for c in line.chars() {
            depth += i32::from(matches!(c, '[' | '{')) - i32::from(matches!(c, ']' | '}'));
            if depth > 16 {
                return Err(Fault::new("YAML is nested too deeply for a calibration"));
            }
            if c == '&' || c == '*' {
                return Err(Fault::new("YAML anchors and aliases are not read. Write the values out"));
            }
        }
        depth = depth.max(0);
    }
    Ok(())
}

fn map_of_yaml(hash: yaml_rust2::yaml::Hash) -> Map {
    hash.into_iter()
        .filter_map(|(key, value)| {
            let key = match key {
                Yaml::String(s) | Yaml::Real(s) => s,
                Yaml::Integer(i) => i.to_string(),
                _ => return None,
            };
            Some((key, node_of_yaml(value)?))
        })
        .collect()
}

fn node_of_yaml(value: Yaml) -> Option<Node> {
    match value {
        Yaml::Hash(mut hash) => match hash.remove(&Yaml::String("data".into())) {
            Some(data) => node_of_yaml(data),
            None => Some(Node::Map(map_of_yaml(hash))),
        },
        Yaml::Array(items) => {
            let mut flat = Vec::new();
            for item in &items {
                match item {
                    Yaml::Array(row) => flat.extend(row),
                    item => flat.push(item),
                }
            }
            let numbers: Option<Vec<f64>> = flat.iter().map(|y| number(y)).collect();
            Some(numbers.map_or_else(|| Node::Words(flat.iter().filter_map(|y| y.as_str().map(str::to_owned)).collect()), Node::Numbers))
        }
        Yaml::String(s) => Some(s.parse::<f64>().map_or_else(|_| Node::Words(vec![s.clone()]), |v| Node::Numbers(vec![v]))),
        scalar => number(&scalar).map(|v| Node::Numbers(vec![v])),
    }
}

fn number(y: &Yaml) -> Option<f64> {
    match y {
        Yaml::Integer(i) => Some(*i as f64),
        // OpenCV writes "1." and ".Nan".
        Yaml::Real(s) | Yaml::String(s) => s.parse().ok().or_else(|| s.to_ascii_lowercase().contains(".nan").then_some(f64::NAN)),
        _ => None,
    }
}

fn map_of_xml(root: &Element) -> Map {
    root.children.iter().map(|e| (e.name.clone(), node_of_xml(e))).collect()
}

/// The reader has bounded the depth.
fn node_of_xml(e: &Element) -> Node {
    if let Some(data) = e.child("data") {
        return node_of_xml(data);
    }
    if !e.children.is_empty() && e.children.iter().any(|c| c.name != "_") {
        return Node::Map(map_of_xml(e));
    }
    let texts: Vec<&str> = if e.children.is_empty() { vec![&e.text] } else { e.children.iter().map(|c| c.text.as_str()).collect() };
    let words: Vec<String> = texts.iter().flat_map(|t| t.split_whitespace()).map(|w| w.trim_matches('"').to_owned()).collect();
    let numbers: Option<Vec<f64>> = words.iter().map(|w| number(&Yaml::String(w.clone()))).collect();
    numbers.map_or(Node::Words(words), Node::Numbers)
}
