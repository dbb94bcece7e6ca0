//! Writing the venue as files: pictures, calibration and ground truth, an open benchmark for view synthesis.
//!
//! A folder per instant: `images/` and `transforms.json` (nerfstudio's form, pixel centres at .5), `orbit/` and
//! `transforms_orbit.json` (the truth in the middle of each gap), and with ground truth `depth/` (16-bit PNG, millimetres along
//! the camera's axis, 0 = sky or beyond 65 m) and `matte/` (255 = people, racket and ball) for both.

use std::path::{Path, PathBuf};

use super::{Faults, Sensor, Venue, VenueError, VenueFrame};
use crate::frame::Picture;
use crate::rig::{self, Camera, Rig};
use crate::time::MediaTime;

/// What goes into a data set.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// The cameras that are given.
    pub rig: Rig,
    /// The cameras whose pictures are the truth to compare with (may be empty).
    pub orbit: Rig,
    /// Instants.
    pub times: Vec<MediaTime>,
    /// Whether depth and matte are written too; they are those of perfect cameras.
    pub ground_truth: bool,
    /// What is wrong with each of the given cameras; empty = nothing with any. Only their pictures suffer, as
    /// [`Faults::refuse_in_stills`] allows.
    pub faults: Vec<Faults>,
    /// What the pictures of perfect cameras go through; those of cameras with faults do not.
    pub sensor: Sensor,
}

/// Why a data set was not written.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// Drawing failed.
    #[error(transparent)]
    Venue(#[from] VenueError),
    /// The calibration could not be written.
    #[error(transparent)]
    Rig(#[from] rig::RigError),
    /// A picture could not be written.
    #[error(transparent)]
    Picture(#[from] crate::frame::PictureError),
    /// The folder holds something already.
    #[error("the folder {0:?} exists and is not empty. Give a new one, or remove it first")]
    Exists(PathBuf),
    /// A file operation failed.
    #[error("cannot {action} {path:?}: {source}. Check that the folder is writable and has room")]
    Io {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// The system's word.
        source: std::io::Error,
    },
    /// A depth or matte picture could not be written.
    #[error("cannot write {path:?}: {source}. Check that the folder is writable and has room")]
    Truth {
        /// The file.
        path: PathBuf,
        /// The encoder's word.
        source: image::ImageError,
    },
    /// A fault that single pictures cannot show.
    #[error(transparent)]
    Fault(#[from] super::FaultError),
    /// All cameras are dead.
    #[error("at {0} every camera is dead, there is nothing to draw. Give an earlier time, or let a camera live")]
    AllDead(MediaTime),
    /// The progress callback said stop.
    #[error("stopped; nothing was left behind")]
    Cancelled,
}

impl Dataset {
    /// Pictures that will be drawn.
    pub fn picture_count(&self) -> usize {
        self.times.iter().map(|t| self.alive(*t).len() + self.orbit.cameras.len()).sum()
    }

    /// The given cameras that still deliver at `time`, as indices.
    fn alive(&self, time: MediaTime) -> Vec<usize> {
        (0..self.rig.cameras.len()).filter(|&i| self.faults.get(i).is_none_or(|f| f.is_alive(time))).collect()
    }

    /// Draws everything into `dir`, which appears complete or not at all. `progress` is told how many pictures are done and
    /// returns whether to go on.
    pub fn write(&self, venue: &mut Venue, dir: &Path, mut progress: impl FnMut(usize) -> bool) -> Result<(), DatasetError> {
        let io = |action, path: &Path| {
            let path = path.to_owned();
            move |source| DatasetError::Io { action, path, source }
        };
        self.faults.iter().try_for_each(Faults::refuse_in_stills)?;
        if let Some(time) = self.times.iter().find(|t| !self.rig.cameras.is_empty() && self.alive(**t).is_empty()) {
            return Err(DatasetError::AllDead(*time));
        }
        if dir.exists() && std::fs::read_dir(dir).map_err(io("read", dir))?.next().is_some() {
            return Err(DatasetError::Exists(dir.to_owned()));
        }
        let mut name = dir.file_name().unwrap_or_default().to_os_string();
        name.push(".part");
        let part = dir.with_file_name(name);
        std::fs::create_dir_all(&part).map_err(io("create", &part))?;
        let result = self.write_all(venue, &part, &mut progress).and_then(|()| {
            if dir.exists() {
                std::fs::remove_dir(dir).map_err(io("replace", dir))?;
            }
            std::fs::rename(&part, dir).map_err(io("name", dir))
        });
        if result.is_err() {
            // The first error is the one to tell.
            std::fs::remove_dir_all(&part).ok();
        }
        result
    }

    fn write_all(&self, venue: &mut Venue, dir: &Path, progress: &mut impl FnMut(usize) -> bool) -> Result<(), DatasetError> {
        let mut done = 0;
        for (i, time) in self.times.iter().enumerate() {
            let at = if self.times.len() == 1 { dir.to_owned() } else { dir.join(format!("t{i:03}")) };
            let alive = self.alive(*time);
            let given = self.rig.restricted_to(&alive);
            let own: Vec<Option<&Faults>> = alive.iter().map(|&i| self.faults.get(i)).collect();
            let perfect = vec![None; self.orbit.cameras.len()];
            for (rig, faults, folder, file) in
                [(&given, own, "images", "transforms.json"), (&self.orbit, perfect, "orbit", "transforms_orbit.json")]
            {
                if rig.cameras.is_empty() {
                    continue;
                }
                let truth = |kind: &str| if folder == "images" { at.join(kind) } else { at.join(format!("{folder}_{kind}")) };
                let mut folders = vec![at.join(folder)];
                if self.ground_truth {
                    folders.extend([truth("depth"), truth("matte")]);
                }
                for folder in &folders {
                    std::fs::create_dir_all(folder).map_err(|source| DatasetError::Io {
                        action: "create",
                        path: folder.clone(),
                        source,
                    })?;
                }
                for (camera, faults) in rig.cameras.iter().zip(faults) {
                    if !progress(done) {
                        return Err(DatasetError::Cancelled);
                    }
                    let faults = faults.filter(|f| **f != Faults { seed: f.seed, ..Faults::default() });
                    let picture_path = at.join(folder).join(format!("{}.png", camera.name));
                    if self.ground_truth {
                        let frame = venue.expose(camera, *time, &self.sensor)?;
                        if faults.is_none() {
                            frame.picture.save(&picture_path)?;
                        }
                        save_truth(
                            &frame,
                            &truth("depth").join(format!("{}.png", camera.name)),
                            &truth("matte").join(format!("{}.png", camera.name)),
                        )?;
                    } else if faults.is_none() {
                        venue.expose(camera, *time, &self.sensor)?.picture.save(&picture_path)?;
                    }
                    if let Some(faults) = faults {
                        faulty_picture(venue, camera, faults, *time, i)?.save(&picture_path)?;
                    }
                    done += 1;
                }
                let pictures: Vec<String> = rig.cameras.iter().map(|c| format!("{folder}/{}.png", c.name)).collect();
                rig::save_with_pictures(rig, &at.join(file), rig::Format::Transforms, &pictures)?;
            }
        }
        progress(done);
        Ok(())
    }
}

/// The picture that a camera with faults makes of an instant: the `index`th of its kind, for its noise.
fn faulty_picture(venue: &mut Venue, in_rig: &Camera, faults: &Faults, time: MediaTime, index: usize) -> Result<Picture, VenueError> {
    let camera = faults.true_camera(in_rig, time);
    let mut picture = venue.render_rolling(&camera, faults.shown_time(time), faults.rolling_shutter_nanos)?;
    faults.degrade_at(&mut picture, index as i64, time);
    Ok(picture)
}

/// Millimetres for a 16-bit PNG: 0 where there is no surface or it is too far.
pub fn depth_to_millimetres(depth_m: f32) -> u16 {
    let mm = (depth_m * 1000.0).round();
    if mm.is_finite() && mm <= 65_535.0 { mm as u16 } else { 0 }
}

fn save_truth(frame: &VenueFrame, depth_path: &Path, matte_path: &Path) -> Result<(), DatasetError> {
    let (w, h) = (frame.picture.width(), frame.picture.height());
    let truth = |path: &Path| {
        let path = path.to_owned();
        move |source| DatasetError::Truth { path, source }
    };
    let depth: Vec<u8> = frame.depth.iter().flat_map(|d| depth_to_millimetres(*d).to_ne_bytes()).collect();
    image::save_buffer_with_format(depth_path, &depth, w, h, image::ExtendedColorType::L16, image::ImageFormat::Png)
        .map_err(truth(depth_path))?;
    image::save_buffer_with_format(matte_path, &frame.matte, w, h, image::ExtendedColorType::L8, image::ImageFormat::Png)
        .map_err(truth(matte_path))
}
