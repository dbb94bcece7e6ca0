//! The formats in which the field hands over its calibrations: one file each, autodetected by content.
//!
//! A format's own pixel convention and axes are converted here, once. [`load`] gives a rig that is safe to use or an
//! error that names the camera; [`read`] gives the rig as it is written, however broken, for `volte rig check`.
//! Must not know: pictures' pixels, what a rig is used for.

mod anipose;
mod colmap;
mod colmap_binary;
mod export;
mod middlebury;
mod miv;
mod mvsnet;
mod opencv;
mod qualisys;
mod rig_toml;
#[cfg(test)]
mod tests;
mod transforms;
mod write;
mod xml;

pub use write::{save, save_with_pictures, taken, text_of_rig};

use std::{
    fmt,
    path::{Path, PathBuf},
};

use glam::{DMat3, DVec3};

use super::{Camera, Rig};
use crate::geometry::{Distortion, Lens, Pose};

/// The largest rig file that is read, bytes: a sparse reconstruction's points are the big part.
const MAX_FILE_BYTES: u64 = 2 << 30;

/// A rig file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// COLMAP text: a folder with `cameras.txt`, `images.txt`, maybe `points3D.txt`.
    ColmapText,
    /// COLMAP binary: a folder with `cameras.bin`, `images.bin`, maybe `points3D.bin`.
    ColmapBinary,
    /// `transforms.json` of nerfstudio and instant-ngp.
    Transforms,
    /// TOML of aniposelib, Pose2Sim and caliscope.
    AniposeToml,
    /// Middlebury multi-view `_par.txt`.
    Middlebury,
    /// OpenCV's FileStorage, YAML or XML: EasyMocap's pair (`path` is the folder), stereo, or single files.
    OpenCv,
    /// MVSNet's `*_cam.txt`, one file or a folder of them.
    MvsNet,
    /// Camera JSON of MPEG immersive video (TMIV, RVS).
    Miv,
    /// Qualisys `.qca.txt` (XML).
    Qualisys,
    /// Volte's own `rig.toml`.
    RigToml,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ColmapText => "COLMAP text",
            Self::ColmapBinary => "COLMAP binary",
            Self::Transforms => "transforms.json",
            Self::AniposeToml => "aniposelib/Pose2Sim/caliscope TOML",
            Self::Middlebury => "Middlebury _par.txt",
            Self::OpenCv => "OpenCV YAML/XML",
            Self::MvsNet => "MVSNet cam.txt",
            Self::Miv => "MPEG MIV camera JSON",
            Self::Qualisys => "Qualisys .qca.txt",
            Self::RigToml => "rig.toml",
        })
    }
}

/// Why a rig cannot be read, used or written.
#[derive(Debug, thiserror::Error)]
pub enum RigError {
    /// The file system refused.
    #[error("cannot {action} {}: {source}. {}", path.display(), remedy(source))]
    Io {
        /// "read", "write", …
        action: &'static str,
        /// File or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// No format fits.
    #[error("{}: {what}", path.display())]
    Unknown {
        /// File or folder.
        path: PathBuf,
        /// What was found and what would be understood.
        what: String,
    },
    /// The format is known, the content is not as it should be.
    #[error("{} ({format}): {what}", path.display())]
    Parse {
        /// File or folder.
        path: PathBuf,
        /// The detected format.
        format: Format,
        /// What is wrong where, with the remedy.
        what: String,
    },
    /// The file is well-formed but its cameras cannot be used.
    #[error("{}: {what}", path.display())]
    Unusable {
        /// File or folder.
        path: PathBuf,
        /// The first finding, with the remedy.
        what: String,
    },
    /// The rig cannot be expressed in that format.
    #[error("cannot write {} as {format}: {what}", path.display())]
    NotExpressible {
        /// File or folder.
        path: PathBuf,
        /// The format asked for.
        format: Format,
        /// What does not fit, with the remedy.
        what: String,
    },
}

/// What to do when the system refuses.
fn remedy(source: &std::io::Error) -> &'static str {
    use std::io::ErrorKind;
    match source.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "Make room on this disk, or choose another; nothing was left there",
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => "Check the permissions, or choose a folder of your own",
        ErrorKind::NotFound => "Check the path",
        _ => "Check the path and the disk",
    }
}

/// What is wrong in a file's content; the path and format are added by [`read`].
#[derive(Debug)]
struct Fault(String);

impl Fault {
    fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

fn bytes_of(path: &Path) -> Result<Vec<u8>, RigError> {
    let io = |source| RigError::Io { action: "read", path: path.into(), source };
    let size = std::fs::metadata(path).map_err(io)?.len();
    if size > MAX_FILE_BYTES {
        return Err(RigError::Unknown { path: path.into(), what: format!("{size} bytes is too large for a rig file") });
    }
    if size == 0 {
        return Err(RigError::Unknown { path: path.into(), what: "the file is empty (0 bytes). Export the calibration again".into() });
    }
    std::fs::read(path).map_err(io)
}

fn text_of(path: &Path) -> Result<String, RigError> {
    let bytes = bytes_of(path)?;
    text(&bytes).map(str::to_owned).map_err(|e| RigError::Unknown { path: path.into(), what: e.0 })
}

/// UTF-8 without a byte order mark.
fn text(bytes: &[u8]) -> Result<&str, Fault> {
    let text = std::str::from_utf8(bytes).map_err(|e| Fault(format!("not a text file ({e})")))?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// The format of a file's content.
fn detect_content(bytes: &[u8]) -> Result<Format, Fault> {
    let text = text(bytes)?;
    let start = text.trim_start();
    if start.starts_with('{') {
        return if start.contains("\"frames\"") {
            Ok(Format::Transforms)
        } else if start.contains("\"cameras\"") && start.contains("\"Position\"") {
            Ok(Format::Miv)
        } else {
            Err(Fault::new("a JSON file without \"frames\" (transforms.json) or \"cameras\" (MPEG MIV)"))
        };
    }
    if opencv::looks_like(start) {
        return Ok(Format::OpenCv);
    }
    if start.starts_with('<') {
        return if qualisys::looks_like(start) {
            Ok(Format::Qualisys)
        } else {
            Err(Fault::new("an XML file that is neither OpenCV's (<opencv_storage>) nor Qualisys' (<calibration>)"))
        };
    }
    if mvsnet::looks_like(start) {
        return Ok(Format::MvsNet);
    }
    if rig_toml::looks_like(start) {
        return Ok(Format::RigToml);
    }
    if middlebury::looks_like(start) {
        return Ok(Format::Middlebury);
    }
    if anipose::looks_like(start) {
        return Ok(Format::AniposeToml);
    }
    Err(Fault::new(format!("not a rig file that Volte knows. It reads: {KNOWN}")))
}

const KNOWN: &str = "rig.toml, COLMAP (text or binary folder), transforms.json, aniposelib/Pose2Sim/caliscope TOML, \
     OpenCV YAML/XML (EasyMocap's intri.yml + extri.yml in a folder), Qualisys .qca.txt, Middlebury _par.txt, MVSNet *_cam.txt (a folder), MPEG MIV camera JSON";

/// Finds the format of a file or folder, and the path that the format's reader wants.
pub fn detect(path: &Path) -> Result<(Format, PathBuf), RigError> {
    let metadata = std::fs::metadata(path).map_err(|source| RigError::Io { action: "read", path: path.into(), source })?;
    if metadata.is_dir() {
        return detect_folder(path);
    }
    let name = path.file_name().map(|n| n.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    if matches!(name.as_str(), "cameras.txt" | "images.txt" | "points3d.txt" | "cameras.bin" | "images.bin" | "points3d.bin") {
        let folder = match path.parent() {
            Some(p) if !p.as_os_str().is_empty() => p,
            _ => Path::new("."),
        };
        if let Some(found) = colmap_in(folder) {
            return Ok(found);
        }
    }
    match detect_content(&bytes_of(path)?) {
        Ok(format) => Ok((format, path.into())),
        Err(Fault(what)) => Err(RigError::Unknown { path: path.into(), what }),
    }
}

fn colmap_in(folder: &Path) -> Option<(Format, PathBuf)> {
    let has = |name: &str| folder.join(name).is_file();
    if has("cameras.bin") && has("images.bin") {
        Some((Format::ColmapBinary, folder.into()))
    } else if has("cameras.txt") && has("images.txt") {
        Some((Format::ColmapText, folder.into()))
    } else {
        None
    }
}

fn detect_folder(folder: &Path) -> Result<(Format, PathBuf), RigError> {
    for sub in ["", "sparse/0", "sparse", "colmap/sparse/0"] {
        let sub = if sub.is_empty() { folder.to_path_buf() } else { folder.join(sub) };
        if let Some(found) = colmap_in(&sub) {
            return Ok(found);
        }
    }
    if pair_in(folder).is_some() {
        return Ok((Format::OpenCv, folder.into()));
    }
    for sub in [folder.to_path_buf(), folder.join("cams")] {
        if !cam_files(&sub).is_empty() {
            return Ok((Format::MvsNet, sub));
        }
    }
    for name in ["rig.toml", "transforms.json"] {
        if folder.join(name).is_file() {
            return detect(&folder.join(name));
        }
    }
    let candidates = candidates_in(folder);
    let what = if candidates.is_empty() {
        format!("no rig in this folder. Volte reads: {KNOWN}")
    } else {
        format!("no rig in this folder has a name that is found by itself. Give one of its files: {}", candidates.join(", "))
    };
    Err(RigError::Unknown { path: folder.into(), what })
}

/// Files of a folder and of the folders in it that are calibrations by their content, at most six, as paths below the folder.
fn candidates_in(folder: &Path) -> Vec<String> {
    const EXTENSIONS: [&str; 6] = ["json", "toml", "yml", "yaml", "xml", "txt"];
    const MAX_BYTES: u64 = 4 << 20;
    let entries = |folder: &Path| -> Vec<PathBuf> {
        let mut paths: Vec<PathBuf> =
            std::fs::read_dir(folder).into_iter().flatten().filter_map(|e| Some(e.ok()?.path())).take(4096).collect();
        paths.sort();
        paths
    };
    let is_candidate = |path: &Path| {
        let known = path.extension().is_some_and(|e| EXTENSIONS.iter().any(|k| e.eq_ignore_ascii_case(k)));
        known
            && std::fs::metadata(path).is_ok_and(|m| m.is_file() && (1..MAX_BYTES).contains(&m.len()))
            && std::fs::read(path).is_ok_and(|bytes| detect_content(&bytes).is_ok())
    };
    let (folders, files): (Vec<_>, Vec<_>) = entries(folder).into_iter().partition(|p| p.is_dir());
    let below = folders.iter().take(32).flat_map(|f| entries(f));
    let all = files.into_iter().chain(below).take(512).filter(|p| is_candidate(p)).take(6);
    all.map(|p| p.strip_prefix(folder).unwrap_or(&p).display().to_string()).collect()
}

/// The pair of intrinsics and extrinsics of EasyMocap or of OpenCV's stereo sample.
fn pair_in(folder: &Path) -> Option<[PathBuf; 2]> {
    [("intri", "extri"), ("intrinsics", "extrinsics")]
        .iter()
        .flat_map(|(a, b)| ["yml", "yaml", "xml"].map(|e| [folder.join(format!("{a}.{e}")), folder.join(format!("{b}.{e}"))]))
        .find(|pair| pair.iter().all(|p| p.is_file()))
}

/// MVSNet's files in a folder, sorted by name.
fn cam_files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|e| Some(e.ok()?.path()))
        .filter(|p| p.file_name().is_some_and(|n| n.to_string_lossy().ends_with("_cam.txt")))
        .collect();
    files.sort();
    files
}

/// Reads a rig as it is written, without asking whether its cameras can be used. For `volte rig check`; everything else
/// wants [`load`].
pub fn read(path: &Path) -> Result<Rig, RigError> {
    let (format, path) = detect(path)?;
    read_as(format, &path)
}

fn read_as(format: Format, path: &Path) -> Result<Rig, RigError> {
    let fault = |Fault(what)| RigError::Parse { path: path.into(), format, what };
    match format {
        Format::ColmapText => {
            let points = path.join("points3D.txt");
            let points =
                if points.is_file() && std::fs::metadata(&points).is_ok_and(|m| m.len() > 0) { Some(text_of(&points)?) } else { None };
            colmap::parse(&text_of(&path.join("cameras.txt"))?, &text_of(&path.join("images.txt"))?, points.as_deref()).map_err(fault)
        }
        Format::ColmapBinary => {
            let points = path.join("points3D.bin");
            let points = if points.is_file() { Some(bytes_of(&points)?) } else { None };
            colmap_binary::parse(&bytes_of(&path.join("cameras.bin"))?, &bytes_of(&path.join("images.bin"))?, points.as_deref())
                .map_err(fault)
        }
        Format::Transforms => transforms::parse(&text_of(path)?, path.parent()).map_err(fault),
        Format::AniposeToml => anipose::parse(&text_of(path)?).map_err(fault),
        Format::Middlebury => middlebury::parse(&text_of(path)?).map_err(fault),
        Format::OpenCv => {
            // Either file of a pair stands for both.
            let folder = if path.is_dir() { Some(path) } else { path.parent() };
            match folder.and_then(pair_in).filter(|pair| path.is_dir() || pair.iter().any(|p| p == path)) {
                Some([a, b]) => opencv::parse(&[&text_of(&a)?, &text_of(&b)?]).map_err(fault),
                None => opencv::parse(&[&text_of(path)?]).map_err(fault),
            }
        }
        Format::MvsNet => {
            let files = if path.is_dir() { cam_files(path) } else { vec![path.to_path_buf()] };
            let cameras = files
                .iter()
                .map(|file| {
                    let name = mvsnet::name_of(&file.file_name().unwrap_or_default().to_string_lossy());
                    mvsnet::parse(&text_of(file)?, &name).map_err(fault)
                })
                .collect::<Result<_, _>>()?;
            Ok(Rig { cameras, points_in_world: Vec::new() })
        }
        Format::Miv => miv::parse(&text_of(path)?).map_err(fault),
        Format::Qualisys => qualisys::parse(&text_of(path)?).map_err(fault),
        Format::RigToml => rig_toml::parse(&text_of(path)?).map_err(fault),
    }
}

/// Loads a rig from a file or folder of any known format. Every camera of the result is usable: finite, with a positive
/// focal length, a proper rotation and a unique name. Cameras of formats that do not tell the picture size have the
/// size 0 × 0 until [`super::fit_to_pictures`].
pub fn load(path: &Path) -> Result<Rig, RigError> {
    let rig = read(path)?;
    refuse_unusable(&rig).map_err(|Fault(what)| RigError::Unusable { path: path.into(), what })?;
    Ok(rig)
}

fn refuse_unusable(rig: &Rig) -> Result<(), Fault> {
    if rig.cameras.is_empty() {
        return Err(Fault::new("there is no camera in it. Export the calibration again"));
    }
    for c in &rig.cameras {
        let l = &c.lens;
        let numbers = [l.fx_px, l.fy_px, l.cx_px, l.cy_px];
        let d: &[f64] = match &l.distortion {
            Distortion::None => &[],
            Distortion::BrownConrady { k, p } => &[k.as_slice(), p].concat(),
            Distortion::Fisheye { k } => k,
        };
        let pose = &c.camera_from_world;
        if !numbers.iter().chain(d).all(|v| v.is_finite()) || !pose.rotation.is_finite() || !pose.translation.is_finite() {
            return Err(Fault(format!("camera \"{}\" has a value that is not a number. Calibrate this camera again or remove it", c.name)));
        }
        // Far beyond every lens and every stadium: arithmetic on such numbers loses the camera.
        let largest = |values: &[f64]| values.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
        if largest(&numbers) > 1e7 || largest(d) > 1e5 || pose.translation.abs().max_element() > 1e8 {
            return Err(Fault(format!(
                "camera \"{}\" has a value beyond every measure (focal length or centre over 1e7 px, distortion over 1e5, or 1e8 m away). Check the file for damage, or calibrate this camera again",
                c.name
            )));
        }
        if l.fx_px <= 0.0 || l.fy_px <= 0.0 {
            return Err(Fault(format!(
                "camera \"{}\" has the focal length {} × {} px; it must be positive. Calibrate its lens again",
                c.name, l.fx_px, l.fy_px
            )));
        }
        if pose.rotation.determinant() <= 0.0 {
            return Err(Fault(format!(
                "camera \"{}\": its rotation is mirrored (determinant {:.3}). Check the axes of the export: they must be right-handed",
                c.name,
                pose.rotation.determinant()
            )));
        }
        if !pose.is_rigid() {
            let lengths = pose.rotation.transpose().to_cols_array_2d().map(|row| DVec3::from_array(row).length());
            return Err(Fault(format!(
                "camera \"{}\": its matrix is not a rotation, it stretches or shears (the rows have the lengths {:.3}, {:.3}, {:.3}; they must be 1). Export the rotation alone, without a scale",
                c.name, lengths[0], lengths[1], lengths[2]
            )));
        }
    }
    let mut names: Vec<&str> = rig.cameras.iter().map(|c| c.name.as_str()).collect();
    names.sort_unstable();
    match names.windows(2).find(|w| w[0] == w[1]) {
        Some(w) => Err(Fault(format!("two cameras are called \"{}\". Give each camera a name of its own", w[0]))),
        None => Ok(()),
    }
}

/// The file stem that names a camera: of `images/IMG_1.jpg`, `IMG_1`.
fn stem(path: &str) -> String {
    let file = path.rsplit(['/', '\\']).next().unwrap_or(path);
    match file.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() && is_extension(extension) => stem.into(),
        _ => file.into(),
    }
}

/// Extensions of pictures and videos; "v1.2" has none.
fn is_extension(e: &str) -> bool {
    (1..=5).contains(&e.len()) && e.chars().all(|c| c.is_ascii_alphanumeric()) && e.chars().any(|c| c.is_ascii_alphabetic())
}

/// Names of the pictures: their stems where these are unique, else the paths without extension ("left/0001").
fn names_of(paths: &[String]) -> Vec<String> {
    let stems: Vec<String> = paths.iter().map(|p| stem(p)).collect();
    let mut sorted: Vec<&String> = stems.iter().collect();
    sorted.sort_unstable();
    if sorted.windows(2).all(|w| w[0] != w[1]) {
        return stems;
    }
    paths
        .iter()
        .zip(&stems)
        .map(|(p, s)| {
            let p = p.replace('\\', "/");
            let p = p.trim_start_matches("./");
            match p.rsplit_once('/') {
                Some((folder, _)) => format!("{folder}/{s}"),
                None => s.clone(),
            }
        })
        .collect()
}

/// How far the numbers of a rotation may lie beside the nearest proper rotation: numbers with two digits after the point pass, a
/// scale of 3 % in one axis does not.
const ROTATION_TOLERANCE: f64 = 0.02;

/// The nearest proper rotation, where the matrix is one but for the rounding of its numbers ([`ROTATION_TOLERANCE`]); else the
/// matrix as it is.
fn unrounded(matrix: DMat3) -> DMat3 {
    let off = |r: &DMat3| (*r - matrix).to_cols_array().iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    Pose::orthonormalized(matrix).filter(|r| off(r) <= ROTATION_TOLERANCE).unwrap_or(matrix)
}

/// A camera whose rotation is freed of rounding; a mirrored, stretched or singular one stays as it is, for
/// [`load`] to refuse and `check` to explain.
fn camera(name: impl Into<String>, (width_px, height_px): (u32, u32), lens: Lens, rotation: DMat3, translation: DVec3) -> Camera {
    let rotation = unrounded(rotation);
    Camera { name: name.into(), width_px, height_px, lens, camera_from_world: Pose { rotation, translation }, clock_offset_nanos: 0 }
}

/// The half pixel between a convention with the first pixel's centre at (0, 0) and ours.
const HALF_PX: f64 = 0.5;

/// OpenCV's distortion vector k1 k2 p1 p2 [k3 [k4 k5 k6 [s1…s4 [τx τy]]]].
fn opencv_distortion(d: &[f64]) -> Result<Distortion, Fault> {
    if d.len() > 8 && d[8..].iter().any(|v| *v != 0.0) {
        return Err(Fault::new(
            "thin-prism or tilt distortion (more than 8 coefficients) is not supported. Calibrate with at most k1…k6, p1, p2",
        ));
    }
    let at = |i: usize| d.get(i).copied().unwrap_or(0.0);
    let (k, p) = ([at(0), at(1), at(4), at(5), at(6), at(7)], [at(2), at(3)]);
    Ok(brown(k, p))
}

fn brown(k: [f64; 6], p: [f64; 2]) -> Distortion {
    let distortion = Distortion::BrownConrady { k, p };
    if distortion.is_none() { Distortion::None } else { distortion }
}

/// OpenCV's fisheye coefficients k1…k4.
fn fisheye(d: &[f64]) -> Distortion {
    let at = |i: usize| d.get(i).copied().unwrap_or(0.0);
    Distortion::Fisheye { k: [at(0), at(1), at(2), at(3)] }
}

/// Rodrigues vector to matrix.
fn rodrigues(v: DVec3) -> DMat3 {
    DMat3::from_quat(glam::DQuat::from_scaled_axis(v))
}

/// A picture size as it comes from a file (often as a float).
fn size_px(w: f64, h: f64) -> Result<(u32, u32), Fault> {
    let one = |v: f64| ((1.0..=131_072.0).contains(&v) && v.fract() == 0.0).then_some(v as u32);
    one(w).zip(one(h)).ok_or_else(|| Fault(format!("picture size {w} × {h} is not a size in pixels")))
}

/// A lens here has no skew; a tenth of a pixel across the picture is nothing, more is an error.
fn refuse_skew(skew: f64, fx: f64) -> Result<(), Fault> {
    if skew.abs() > 1e-4 * fx.abs() {
        return Err(Fault(format!("the lens has a skew of {skew}. Calibrate without skew: real sensors have none")));
    }
    Ok(())
}

/// The numbers of a line; the fault names the word that is none.
fn numbers(line: &str) -> Result<Vec<f64>, Fault> {
    line.split_whitespace().map(|w| w.parse().map_err(|e| Fault(format!("\"{}\" is not a number ({e})", shortened(w))))).collect()
}

/// For quoting a file's content in a message.
fn shortened(s: &str) -> String {
    if s.chars().count() > 40 { s.chars().take(40).chain(['…']).collect() } else { s.into() }
}
