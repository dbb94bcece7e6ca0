//! The truth meter of one moment: what a camera's picture would have been worth, had the camera not been there.
//!
//! Small pictures, so that a whole moment is scored in the background while the operator works. The protocol is *honest
//! leave-one-out*: the hidden camera is in nothing. Depth is solved anew from its nearest neighbours without it, and the view is
//! voted and coloured without it. (Reusing the moment's own scene would be cheaper and flattering: its depth has seen the
//! hidden picture.) It is pessimistic about what the operator sees: with a camera hidden, the gap to bridge is twice as wide.
//! Must not know: threads, who asked, what the score decides.

use super::truth::TruthError;
use crate::{
    frame::{Picture, metrics},
    rig::{Camera, Rig},
    scene::{Quality, SceneOptions, SceneSolver},
    view::{ViewMode, ViewSynthesizer},
};

/// Longest side of the pictures that are compared, px, whatever the quality level: so that scores of different shows mean the same.
pub const METER_SIZE_PX: u32 = 320;
/// Neighbours that a hidden camera is synthesized from: the four sources of a view, and one more on each side for their depth.
const NEAREST: usize = 6;
/// Fewer covered pixels than this share say nothing about the picture: then all pixels count.
const MIN_COVERED_SHARE: f64 = 0.1;

/// One camera, hidden, synthesized from its neighbours and compared with its real picture at [`METER_SIZE_PX`].
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct CameraScore {
    /// PSNR of full synthesis, dB over RGB, over the pixels for which a neighbour offered a surface.
    pub psnr_db: f64,
    /// PSNR of the soft fade ([`ViewMode::SoftFade`]) over the same pixels, dB.
    pub soft_psnr_db: f64,
    /// PSNR of the plain cross-fade ([`ViewMode::CrossFade`]) over the same pixels, dB: what these cameras give without any depth, and so
    /// how hard the scene is.
    pub fade_psnr_db: f64,
    /// SSIM of full synthesis over luma, whole picture.
    pub ssim: f64,
    /// Share of pixels that no neighbour offered a surface for, 0…1: they were filled and are not in the PSNR.
    pub filled_share: f64,
}

/// The pictures of a moment, reduced, with their cameras.
#[derive(Debug)]
pub struct MomentMeter {
    rig: Rig,
    pictures: Vec<Picture>,
}

impl MomentMeter {
    /// Reduces the pictures; `pictures[i]` belongs to `rig.cameras[i]` and has its size.
    pub fn new(rig: &Rig, pictures: &[&Picture]) -> Result<Self, TruthError> {
        use rayon::iter::{IndexedParallelIterator as _, IntoParallelRefIterator as _, ParallelIterator as _};
        if rig.cameras.len() != pictures.len() {
            return Err(TruthError::Input(format!("{} pictures for a rig of {} cameras", pictures.len(), rig.cameras.len())));
        }
        let reduced: Vec<(Camera, Picture)> = rig
            .cameras
            .par_iter()
            .zip(pictures)
            .map(|(camera, picture)| {
                let longest = f64::from(picture.width().max(picture.height()));
                let scale = (f64::from(METER_SIZE_PX) / longest).min(1.0);
                let size = |px: u32| ((f64::from(px) * scale).round() as u32).max(1);
                let (width_px, height_px) = (size(picture.width()), size(picture.height()));
                (camera.scaled_to(width_px, height_px), picture.resized(width_px, height_px))
            })
            .collect();
        let (cameras, pictures) = reduced.into_iter().unzip();
        Ok(Self { rig: Rig { cameras, points_in_world: rig.points_in_world.clone() }, pictures })
    }

    /// The reduced cameras.
    pub const fn rig(&self) -> &Rig {
        &self.rig
    }

    /// Their pictures.
    pub(super) fn picture(&self, camera: usize) -> &Picture {
        &self.pictures[camera]
    }

    /// How the meter solves at a level.
    #[allow(clippy::unused_self, reason = "the size is the meter's matter")]
    pub(super) fn options(&self, level: Quality) -> SceneOptions {
        SceneOptions { max_depth_size_px: Some(METER_SIZE_PX), ..level.scene() }
    }

    /// The cameras that a hidden one is synthesized from, in the rig's order.
    pub(super) fn inputs_around(&self, hidden: usize) -> Result<Vec<usize>, TruthError> {
        let cameras = &self.rig.cameras;
        let Some(target) = cameras.get(hidden) else {
            return Err(TruthError::Input(format!("camera {hidden} of {} is not in this moment", cameras.len())));
        };
        let distance = |i: usize| (cameras[i].center_in_world() - target.center_in_world()).length();
        let mut inputs: Vec<usize> = (0..cameras.len()).filter(|i| *i != hidden).collect();
        inputs.sort_by(|&a, &b| distance(a).total_cmp(&distance(b)));
        inputs.truncate(NEAREST);
        if inputs.len() < 2 {
            return Err(TruthError::Input(format!("only {} cameras remain beside {:?}; two are needed", inputs.len(), target.name)));
        }
        inputs.sort_unstable();
        Ok(inputs)
    }

    /// Hides camera `hidden` (index in [`Self::rig`]), synthesizes it from its nearest remaining
    /// neighbours with the refinement of `level`, and compares. `progress` gets 0…1 between the steps and returns false to cancel.
    pub fn score(
        &self,
        solver: &mut SceneSolver,
        synthesizer: &mut ViewSynthesizer,
        hidden: usize,
        level: Quality,
        progress: &mut dyn FnMut(f32) -> bool,
    ) -> Result<CameraScore, TruthError> {
        let inputs = self.inputs_around(hidden)?;
        let (target, real) = (&self.rig.cameras[hidden], self.picture(hidden));
        let kept: Vec<&Picture> = inputs.iter().map(|&i| &self.pictures[i]).collect();
        let options = self.options(level);
        let scene = solver.solve(&self.rig.restricted_to(&inputs), &kept, &options, &mut |p| progress(p * 0.9))?;
        let view = synthesizer.render(&scene, target, ViewMode::Synthesis)?;
        let trust = view.read_trust(synthesizer.gpu())?;
        let picture = view.read(synthesizer.gpu())?;
        let soft = synthesizer.render(&scene, target, ViewMode::SoftFade)?.read(synthesizer.gpu())?;
        let fade = synthesizer.render(&scene, target, ViewMode::CrossFade)?.read(synthesizer.gpu())?;
        progress(1.0);

        let covered: Vec<bool> = trust.iter().map(|t| *t >= 0.0).collect();
        let filled_share = 1.0 - covered.iter().filter(|c| **c).count() as f64 / covered.len().max(1) as f64;
        let mask = (1.0 - filled_share >= MIN_COVERED_SHARE).then_some(covered.as_slice());
        let mismatch = |e: metrics::SizeMismatch| TruthError::Input(e.to_string());
        Ok(CameraScore {
            psnr_db: metrics::psnr_db(real, &picture, mask).map_err(mismatch)?,
            soft_psnr_db: metrics::psnr_db(real, &soft, mask).map_err(mismatch)?,
            fade_psnr_db: metrics::psnr_db(real, &fade, mask).map_err(mismatch)?,
            ssim: metrics::ssim(real, &picture).map_err(mismatch)?,
            filled_share,
        })
    }
}
