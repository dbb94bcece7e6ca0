//! The pictures that go with a rig: found by the cameras' names, compared with the rig's picture sizes.
//!
//! Must not know: pixels.

use std::path::{Path, PathBuf};

use super::Rig;

/// Why pictures and rig do not go together.
#[derive(Debug, thiserror::Error)]
pub enum PicturesError {
    /// The folder cannot be listed.
    #[error("cannot read the folder of pictures {}: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A camera has no picture.
    #[error("no picture for {cameras} in {} (looked for NAME.png, .jpg, .jpeg). {remedy}", path.display())]
    Missing {
        /// The folder.
        path: PathBuf,
        /// Names of the cameras.
        cameras: String,
        /// What to do.
        remedy: String,
    },
    /// A camera has two pictures that differ in extension or case.
    #[error("camera \"{camera}\" has more than one picture: {} and {}. Remove one", first.display(), second.display())]
    Ambiguous {
        /// The camera's name.
        camera: String,
        /// One picture.
        first: PathBuf,
        /// Another.
        second: PathBuf,
    },
    /// A picture's header cannot be read.
    #[error("{} is not a readable picture: {reason}", path.display())]
    Unreadable {
        /// The picture.
        path: PathBuf,
        /// The decoder's reason.
        reason: String,
    },
    /// A picture has another shape than the rig says.
    #[error(
        "the picture of camera \"{camera}\" is {width_px} × {height_px}, but its rig says {rig_width_px} × {rig_height_px}, which is another shape. \
         Is this the rig of other cameras, or was the picture cropped or turned?"
    )]
    OtherShape {
        /// The camera's name.
        camera: String,
        /// The picture's width.
        width_px: u32,
        /// The picture's height.
        height_px: u32,
        /// The rig's width.
        rig_width_px: u32,
        /// The rig's height.
        rig_height_px: u32,
    },
}

const EXTENSIONS: [&str; 3] = ["png", "jpg", "jpeg"];

/// A folder's pictures, listed once.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// (name without extension, relative to the folder; path), sorted.
    pictures: Vec<(String, PathBuf)>,
}

impl Folder {
    /// Lists the pictures of a folder (and of its sub-folders, one level deep, for rigs that name "left/0001").
    pub fn open(path: &Path) -> Result<Self, PicturesError> {
        let io = |source| PicturesError::Folder { path: path.into(), source };
        let mut pictures = Vec::new();
        for entry in std::fs::read_dir(path).map_err(io)? {
            let entry = entry.map_err(io)?.path();
            if entry.is_dir() {
                let prefix = entry.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
                for inner in std::fs::read_dir(&entry).map_err(io)? {
                    let inner = inner.map_err(io)?.path();
                    pictures.extend(picture_stem(&inner).map(|s| (format!("{prefix}/{s}"), inner)));
                }
            } else {
                pictures.extend(picture_stem(&entry).map(|s| (s, entry)));
            }
        }
        pictures.sort_by_cached_key(|(stem, path)| (stem.to_lowercase(), path.clone()));
        Ok(Self { path: path.into(), pictures })
    }

    /// What its pictures are called, sorted; names that differ in case only are one.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.pictures.iter().map(|(stem, _)| stem.clone()).collect();
        names.sort_by_key(|n| n.to_lowercase());
        names.dedup_by_key(|n| n.to_lowercase());
        names
    }

    /// The picture of a camera.
    pub fn find(&self, camera: &str) -> Result<&Path, PicturesError> {
        self.get(camera)?.ok_or_else(|| self.missing(&[camera]))
    }

    /// The same; `None` where there is none.
    pub fn get(&self, camera: &str) -> Result<Option<&Path>, PicturesError> {
        let wanted = camera.to_lowercase();
        let mut found = self.pictures.iter().filter(|(stem, _)| stem.to_lowercase() == wanted).map(|(_, p)| p.as_path());
        match (found.next(), found.next()) {
            (Some(first), Some(second)) => {
                Err(PicturesError::Ambiguous { camera: camera.into(), first: first.into(), second: second.into() })
            }
            (first, _) => Ok(first),
        }
    }

    fn missing(&self, cameras: &[&str]) -> PicturesError {
        let shown: Vec<String> = cameras.iter().take(8).map(|c| format!("\"{c}\"")).collect();
        let more = if cameras.len() > 8 { format!(" and {} more cameras", cameras.len() - 8) } else { String::new() };
        let remedy = match self.pictures.first() {
            None => "The folder has no pictures at all".into(),
            Some((first, _)) => format!(
                "The folder has {} pictures, the first is \"{first}\": add what is missing, rename, or remove the cameras from the rig",
                self.pictures.len()
            ),
        };
        PicturesError::Missing { path: self.path.clone(), cameras: format!("camera {}{more}", shown.join(", ")), remedy }
    }
}

fn picture_stem(path: &Path) -> Option<String> {
    let extension = path.extension()?.to_str()?.to_lowercase();
    (EXTENSIONS.contains(&extension.as_str()) && path.is_file())
        .then(|| path.file_stem().map(|s| s.to_string_lossy().into_owned()))
        .flatten()
}

/// The picture of a camera in a folder: its name with the extension png, jpg or jpeg in any case.
pub fn find(folder: &Path, camera: &str) -> Result<PathBuf, PicturesError> {
    Folder::open(folder)?.find(camera).map(Path::to_path_buf)
}

/// Width and height of a picture file, px, from its header.
pub fn size_of(path: &Path) -> Result<(u32, u32), PicturesError> {
    let unreadable = |reason: String| PicturesError::Unreadable { path: path.into(), reason };
    image::ImageReader::open(path)
        .and_then(image::ImageReader::with_guessed_format)
        .map_err(|e| unreadable(e.to_string()))?
        .into_dimensions()
        .map_err(|e| unreadable(e.to_string()))
}

/// A rig with its pictures.
#[derive(Debug, Clone)]
pub struct Matched {
    /// The rig, fitted to the pictures' sizes.
    pub rig: Rig,
    /// The picture of each camera of `rig`.
    pub paths: Vec<PathBuf>,
    /// What was done that the user should know, one sentence each.
    pub notices: Vec<String>,
}

/// Finds every camera's picture and fits the rig to them.
///
/// A camera without a picture is an error. One exception, with a notice: some rig files describe a larger set than the
/// folder at hand. When every picture of the folder belongs to a camera and at least 8 cameras and a fifth of them all
/// have none, the rig is restricted to those that have.
pub fn match_rig(rig: &Rig, folder: &Path) -> Result<Matched, PicturesError> {
    let listed = Folder::open(folder)?;
    let mut notices = Vec::new();
    let (mut keep, mut paths, mut without) = (Vec::new(), Vec::new(), Vec::new());
    for (i, camera) in rig.cameras.iter().enumerate() {
        match listed.get(&camera.name)? {
            Some(path) => {
                keep.push(i);
                paths.push(path.to_path_buf());
            }
            None => without.push(camera.name.as_str()),
        }
    }
    if !without.is_empty() {
        let all_claimed = listed.pictures.len() == paths.len();
        let larger_set = all_claimed && keep.len() >= 2 && without.len() >= 8 && without.len() * 5 >= rig.cameras.len();
        if !larger_set {
            return Err(listed.missing(&without));
        }
        notices.push(format!(
            "the rig file describes {} cameras of which {} have a picture: the others are left out",
            rig.cameras.len(),
            keep.len()
        ));
    }
    if listed.pictures.len() > paths.len() {
        notices.push(format!(
            "{} pictures in {} belong to none of these cameras and are not used",
            listed.pictures.len() - paths.len(),
            folder.display()
        ));
    }
    let mut rig = rig.restricted_to(&keep);
    let sizes = rig
        .cameras
        .iter()
        .zip(&paths)
        .map(|(c, path)| size_of(path).map(|(w, h)| (c.name.clone(), w, h)))
        .collect::<Result<Vec<_>, _>>()?;
    notices.extend(fit_to_pictures(&mut rig, &sizes)?);
    Ok(Matched { rig, paths, notices })
}

/// Fits the rig to its pictures' real sizes, (camera name, width, height): fills sizes that the rig's format does not
/// know, and scales a camera whose pictures have another size but the same shape (within 1 px). Returns what was
/// scaled, in words.
pub fn fit_to_pictures(rig: &mut Rig, sizes: &[(String, u32, u32)]) -> Result<Vec<String>, PicturesError> {
    let mut scaled: Vec<(u32, u32, u32, u32, Vec<String>)> = Vec::new();
    for camera in &mut rig.cameras {
        let Some((_, w, h)) = sizes.iter().find(|(name, w, h)| *name == camera.name && *w > 0 && *h > 0) else {
            return Err(PicturesError::Missing {
                path: PathBuf::from("the given pictures"),
                cameras: format!("camera \"{}\"", camera.name),
                remedy: "Add it, or remove the camera from the rig".into(),
            });
        };
        let (w, h) = (*w, *h);
        let (rw, rh) = (camera.width_px, camera.height_px);
        if rw == 0 || rh == 0 {
            camera.width_px = w;
            camera.height_px = h;
        } else if (rw, rh) != (w, h) {
            let expected_height = f64::from(w) * f64::from(rh) / f64::from(rw);
            let expected_width = f64::from(h) * f64::from(rw) / f64::from(rh);
            if (expected_height - f64::from(h)).abs() > 1.0 && (expected_width - f64::from(w)).abs() > 1.0 {
                return Err(PicturesError::OtherShape {
                    camera: camera.name.clone(),
                    width_px: w,
                    height_px: h,
                    rig_width_px: rw,
                    rig_height_px: rh,
                });
            }
            *camera = camera.scaled_to(w, h);
            match scaled.iter_mut().find(|s| (s.0, s.1, s.2, s.3) == (rw, rh, w, h)) {
                Some(s) => s.4.push(camera.name.clone()),
                None => scaled.push((rw, rh, w, h, vec![camera.name.clone()])),
            }
        }
    }
    Ok(scaled
        .into_iter()
        .map(|(rw, rh, w, h, names)| {
            let who = if names.len() <= 4 { names.join(", ") } else { format!("{} cameras", names.len()) };
            format!("the rig is for {rw} × {rh} pictures, these are {w} × {h}: the lenses of {who} were scaled")
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        geometry::{Lens, Pose},
        rig::Camera,
    };

    fn rig(sizes: &[(u32, u32)]) -> Rig {
        let cameras = sizes
            .iter()
            .enumerate()
            .map(|(i, (w, h))| Camera {
                name: format!("Cam{i}"),
                width_px: *w,
                height_px: *h,
                lens: Lens::pinhole(100.0, 110.0, 50.0, 40.0),
                camera_from_world: Pose::IDENTITY,
                clock_offset_nanos: 0,
            })
            .collect();
        Rig { cameras, points_in_world: vec![] }
    }

    fn picture(folder: &Path, name: &str, w: u32, h: u32) {
        image::RgbImage::new(w, h).save(folder.join(name)).unwrap();
    }

    #[test]
    fn sizes_are_filled_scaled_or_refused() {
        let mut r = rig(&[(0, 0), (100, 80)]);
        let sizes = |h| vec![("Cam0".to_owned(), 64, 48), ("Cam1".to_owned(), 200, h)];
        let notices = fit_to_pictures(&mut r, &sizes(160)).unwrap();
        assert_eq!((r.cameras[0].width_px, r.cameras[0].lens.fx_px), (64, 100.0));
        assert_eq!((r.cameras[1].width_px, r.cameras[1].lens.fx_px, r.cameras[1].lens.cy_px), (200, 200.0, 80.0));
        assert_eq!(notices.len(), 1);
        assert!(notices[0].contains("Cam1"), "{notices:?}");
        let e = fit_to_pictures(&mut rig(&[(0, 0), (100, 80)]), &sizes(163)).unwrap_err();
        assert!(e.to_string().contains("\"Cam1\" is 200 × 163"), "{e}");
        let e = fit_to_pictures(&mut rig(&[(0, 0), (0, 0), (0, 0)]), &sizes(160)).unwrap_err();
        assert!(e.to_string().contains("Cam2"), "{e}");
    }

    #[test]
    fn pictures_are_found_and_missing_ones_named() {
        let dir = tempfile::tempdir().unwrap();
        picture(dir.path(), "cam0.PNG", 100, 80);
        picture(dir.path(), "Cam1.jpg", 100, 80);
        std::fs::write(dir.path().join("notes.txt"), "x").unwrap();
        assert!(find(dir.path(), "Cam0").unwrap().ends_with("cam0.PNG"));
        let m = match_rig(&rig(&[(100, 80), (100, 80)]), dir.path()).unwrap();
        assert!(m.paths[1].ends_with("Cam1.jpg") && m.notices.is_empty());
        let e = match_rig(&rig(&[(100, 80); 3]), dir.path()).unwrap_err().to_string();
        assert!(e.contains("\"Cam2\"") && !e.contains("\"Cam1\""), "{e}");
        // A rig that describes a larger set; but not when the folder has a stranger's picture.
        let m = match_rig(&rig(&[(0, 0); 10]), dir.path()).unwrap();
        assert_eq!((m.rig.cameras.len(), m.notices.len()), (2, 1));
        picture(dir.path(), "stranger.png", 100, 80);
        assert!(match_rig(&rig(&[(0, 0); 10]), dir.path()).is_err());
        assert_eq!(match_rig(&rig(&[(100, 80)]), dir.path()).unwrap().notices.len(), 1);
        picture(dir.path(), "cam0.jpeg", 100, 80);
        assert!(matches!(find(dir.path(), "Cam0"), Err(PicturesError::Ambiguous { .. })));
        std::fs::write(dir.path().join("cam1.jpg"), "").unwrap();
        std::fs::remove_file(dir.path().join("Cam1.jpg")).unwrap();
        let e = size_of(&find(dir.path(), "cam1").unwrap()).unwrap_err();
        assert!(e.to_string().contains("cam1.jpg"), "{e}");
    }
}
