//! What a row of the bench needs from disk: rig and pictures, checked before anything takes time, loaded when it is their turn.
//!
//! Must not know: the GPU, scores.

use std::path::{Path, PathBuf};

use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};

use super::{
    BenchError,
    protocol::{SetSpec, every_second},
};
use crate::{
    frame::Picture,
    rig::{self, Camera, Rig, pictures},
};

/// A camera and where its picture lies.
#[derive(Debug, Clone)]
pub struct Shot {
    /// The camera, fitted to the size at which the set is run.
    pub camera: Camera,
    /// Its picture.
    pub path: PathBuf,
    /// The mask of the subject in it.
    pub mask: Option<PathBuf>,
}

/// A row whose files are all there.
#[derive(Debug, Clone)]
pub struct Material {
    /// The row.
    pub spec: SetSpec,
    /// The rig of the cameras that go in.
    pub rig: Rig,
    /// Their pictures, in the rig's order.
    pub inputs: Vec<Shot>,
    /// The hidden cameras, in order.
    pub hidden: Vec<Shot>,
}

/// Pictures in memory.
#[derive(Debug)]
pub struct Loaded {
    /// In the order of the rig.
    pub inputs: Vec<Picture>,
    /// In the order of [`Material::hidden`].
    pub hidden: Vec<Picture>,
    /// One flag per pixel of each hidden picture, where the set has masks.
    pub masks: Vec<Option<Vec<bool>>>,
}

impl Material {
    /// Finds the files of a row below the data folder (see [`super::find`]), and decides which cameras are hidden.
    pub fn find(spec: &SetSpec, data: &Path) -> Result<Self, BenchError> {
        let folder = data.join(&spec.data);
        let whole = rig::load(&folder.join(&spec.rig))?;
        let names: Vec<String> = whole.cameras.iter().map(|c| c.name.clone()).collect();
        let order = spec.order(&folder, &names)?;
        let keep: Vec<usize> = order.iter().filter_map(|name| whole.index_of(name)).collect();
        let (rig, shots) = shots_of(&whole.restricted_to(&keep), &folder.join(&spec.pictures), spec)?;
        let (inputs, hidden) = if let Some(between) = &spec.between {
            let truth = rig::load(&folder.join(&between.rig))?;
            let (_, mut hidden) = shots_of(&truth, &folder.join(&between.pictures), spec)?;
            hidden.sort_by(|a, b| a.camera.name.cmp(&b.camera.name));
            (shots, hidden)
        } else {
            let held = every_second(shots.len());
            let (hidden, inputs): (Vec<_>, Vec<_>) = shots.into_iter().enumerate().partition(|(i, _)| held.contains(i));
            let shots = |list: Vec<(usize, Shot)>| list.into_iter().map(|(_, shot)| shot).collect::<Vec<_>>();
            (shots(inputs), shots(hidden))
        };
        if hidden.is_empty() || inputs.len() < 2 {
            return Err(BenchError::TooFew { set: spec.id.clone(), cameras: inputs.len() + hidden.len() });
        }
        let mut material = Self {
            rig: Rig { cameras: inputs.iter().map(|s| s.camera.clone()).collect(), points_in_world: rig.points_in_world },
            spec: spec.clone(),
            inputs,
            hidden,
        };
        if let Some(masks) = &spec.masks {
            let masks = folder.join(masks);
            for shot in &mut material.hidden {
                shot.mask = Some(pictures::find(&masks, &shot.camera.name)?);
            }
        }
        Ok(material)
    }

    /// For a look: two neighbours of the hidden cameras in the middle, from the six cameras nearest to either.
    #[must_use]
    pub fn quick(mut self) -> Self {
        let middle = (self.hidden.len() / 2).saturating_sub(1);
        self.hidden = self.hidden.into_iter().skip(middle).take(2).collect();
        let mut by_distance: Vec<(f64, usize)> = Vec::new();
        for (i, input) in self.inputs.iter().enumerate() {
            let own = input.camera.center_in_world();
            let nearest = self.hidden.iter().map(|h| (h.camera.center_in_world() - own).length()).fold(f64::MAX, f64::min);
            by_distance.push((nearest, i));
        }
        by_distance.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut keep: Vec<usize> = by_distance.into_iter().take(6).map(|(_, i)| i).collect();
        keep.sort_unstable();
        self.rig = self.rig.restricted_to(&keep);
        self.inputs = keep.into_iter().map(|i| self.inputs[i].clone()).collect();
        self
    }

    /// Roughly what a run costs, in pixels of all cameras: for the progress of several sets.
    pub fn cost(&self) -> f64 {
        let pixels = |s: &Shot| f64::from(s.camera.width_px) * f64::from(s.camera.height_px);
        self.inputs.iter().map(pixels).sum::<f64>() + 0.2 * self.hidden.iter().map(pixels).sum::<f64>()
    }

    /// Reads the pictures, at the size of the cameras.
    pub fn load(&self) -> Result<Loaded, BenchError> {
        let pictures = |shots: &[Shot]| shots.par_iter().map(picture_of).collect::<Result<Vec<_>, BenchError>>();
        let masks = self.hidden.par_iter().map(mask_of).collect::<Result<Vec<_>, BenchError>>()?;
        Ok(Loaded { inputs: pictures(&self.inputs)?, hidden: pictures(&self.hidden)?, masks })
    }
}

/// A rig with its pictures, scaled to the set's width.
fn shots_of(rig: &Rig, folder: &Path, spec: &SetSpec) -> Result<(Rig, Vec<Shot>), BenchError> {
    let matched = pictures::match_rig(rig, folder)?;
    let mut rig = matched.rig;
    if let Some(width_px) = spec.width_px {
        for camera in &mut rig.cameras {
            let height_px = (f64::from(camera.height_px) * f64::from(width_px) / f64::from(camera.width_px)).round().max(1.0);
            *camera = camera.scaled_to(width_px, height_px as u32);
        }
    }
    let shots = rig.cameras.iter().zip(matched.paths).map(|(camera, path)| Shot { camera: camera.clone(), path, mask: None }).collect();
    Ok((rig, shots))
}

fn picture_of(shot: &Shot) -> Result<Picture, BenchError> {
    Ok(scaled(Picture::load(&shot.path)?, &shot.camera))
}

fn scaled(picture: Picture, camera: &Camera) -> Picture {
    let size = (camera.width_px, camera.height_px);
    if (picture.width(), picture.height()) == size { picture } else { picture.resized(size.0, size.1) }
}

fn mask_of(shot: &Shot) -> Result<Option<Vec<bool>>, BenchError> {
    let Some(path) = &shot.mask else { return Ok(None) };
    let mask = scaled(Picture::load(path)?, &shot.camera);
    let flags: Vec<bool> = mask.rgba().chunks_exact(4).map(|p| p[0] > 127).collect();
    if flags.contains(&true) { Ok(Some(flags)) } else { Err(BenchError::EmptyMask { path: path.clone() }) }
}
