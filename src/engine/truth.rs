//! How true the in-between pictures are: real cameras are hidden, synthesized from the rest, and compared.
//!
//! Must not know: files, windows.

use crate::{
    frame::{Picture, metrics},
    gpu::Gpu,
    rig::{Camera, Rig},
    scene::{Scene, SceneError, SceneOptions, SceneSolver},
    telemetry::StageTimes,
    view::{ViewError, ViewMode, ViewReport, ViewSynthesizer},
};

pub use super::meter::{CameraScore, METER_SIZE_PX, MomentMeter};

/// Cameras around a hidden one that its scene is solved from when every camera is hidden in turn: the sources of a view and
/// their neighbours. Farther cameras have no influence on the picture.
const NEAREST: usize = 8;

/// Share of a run's progress that the solve takes; the views are cheap.
const SOLVE_SHARE: f32 = 0.85;

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum TruthError {
    /// The solve failed.
    #[error(transparent)]
    Scene(#[from] SceneError),
    /// The view failed.
    #[error(transparent)]
    View(#[from] ViewError),
    /// Too few cameras remain.
    #[error("{0}")]
    Input(String),
}

/// A camera whose picture is known and not used.
#[derive(Debug, Clone, Copy)]
pub struct Hidden<'a> {
    /// Where it stands, its lens and size.
    pub camera: &'a Camera,
    /// What it really saw, of the camera's size.
    pub truth: &'a Picture,
    /// The subject, one flag per pixel: scored apart.
    pub mask: Option<&'a [bool]>,
}

/// One hidden camera, synthesized and scored.
#[derive(Debug)]
pub struct HeldOut {
    /// Index in the rig; of [`TruthMeter::compare`], in the list of hidden cameras.
    pub camera: usize,
    /// The synthesized picture.
    pub picture: Picture,
    /// PSNR against the real picture, dB over RGB.
    pub psnr_db: f64,
    /// SSIM over luma.
    pub ssim: f64,
    /// PSNR inside the mask, dB, where there is one.
    pub mask_psnr_db: Option<f64>,
    /// What went into the view.
    pub report: ViewReport,
}

/// All scores of a run.
#[derive(Debug, Default)]
pub struct Truth {
    /// Per hidden camera.
    pub held_out: Vec<HeldOut>,
    /// GPU seconds per stage of all solves.
    pub solve_times: StageTimes,
    /// GPU seconds per stage of all views.
    pub view_times: StageTimes,
}

/// Solver and synthesizer, kept warm between runs.
#[derive(Debug)]
pub struct TruthMeter {
    /// Solves scenes.
    pub solver: SceneSolver,
    /// Renders views.
    pub synthesizer: ViewSynthesizer,
    /// Quality of the solves.
    pub options: SceneOptions,
}

impl TruthMeter {
    /// Compiles the pipelines of both.
    pub fn new(gpu: &Gpu, options: SceneOptions) -> Result<Self, TruthError> {
        Ok(Self { solver: SceneSolver::new(gpu)?, synthesizer: ViewSynthesizer::new(gpu)?, options })
    }

    /// Hides all of `hold` together and synthesizes each from the rest.
    pub fn hold_together(
        &mut self,
        rig: &Rig,
        pictures: &[&Picture],
        hold: &[usize],
        mode: ViewMode,
        progress: &mut dyn FnMut(f32) -> bool,
    ) -> Result<Truth, TruthError> {
        let inputs: Vec<usize> = (0..rig.cameras.len()).filter(|i| !hold.contains(i)).collect();
        self.part_of(rig, pictures, &inputs, hold, mode, progress)
    }

    /// Hides each camera in turn and synthesizes it from all the others.
    pub fn each_in_turn(
        &mut self,
        rig: &Rig,
        pictures: &[&Picture],
        mode: ViewMode,
        progress: &mut dyn FnMut(f32) -> bool,
    ) -> Result<Truth, TruthError> {
        let mut truth = Truth::default();
        let n = rig.cameras.len();
        let centers: Vec<_> = rig.cameras.iter().map(crate::rig::Camera::center_in_world).collect();
        for held in 0..n {
            let mut inputs: Vec<usize> = (0..n).filter(|&i| i != held).collect();
            inputs.sort_by(|&a, &b| (centers[a] - centers[held]).length().total_cmp(&(centers[b] - centers[held]).length()));
            inputs.truncate(NEAREST);
            inputs.sort_unstable();
            let mut part = |p: f32| progress((held as f32 + p) / n as f32);
            let one = self.part_of(rig, pictures, &inputs, &[held], mode, &mut part)?;
            truth.held_out.extend(one.held_out);
            truth.solve_times.merge(&one.solve_times);
            truth.view_times.merge(&one.view_times);
        }
        Ok(truth)
    }

    /// `hold` of a rig from `inputs` of the same rig.
    fn part_of(
        &mut self,
        rig: &Rig,
        pictures: &[&Picture],
        inputs: &[usize],
        hold: &[usize],
        mode: ViewMode,
        progress: &mut dyn FnMut(f32) -> bool,
    ) -> Result<Truth, TruthError> {
        let kept: Vec<&Picture> = inputs.iter().map(|&i| pictures[i]).collect();
        let hidden: Vec<Hidden<'_>> = hold.iter().map(|&i| Hidden { camera: &rig.cameras[i], truth: pictures[i], mask: None }).collect();
        let mut truth = self.compare(&rig.restricted_to(inputs), &kept, &hidden, &[mode], progress)?;
        for held in &mut truth.held_out {
            held.camera = hold[held.camera];
        }
        Ok(truth)
    }

    /// Synthesizes cameras that are not of the rig, each in every mode (camera by camera, the modes in their order), from
    /// the pictures of all cameras of the rig. `progress` rises to 1; when it returns false the run ends with
    /// [`SceneError::Cancelled`].
    pub fn compare(
        &mut self,
        rig: &Rig,
        pictures: &[&Picture],
        hidden: &[Hidden<'_>],
        modes: &[ViewMode],
        progress: &mut dyn FnMut(f32) -> bool,
    ) -> Result<Truth, TruthError> {
        if rig.cameras.len() < 2 {
            return Err(TruthError::Input(format!(
                "only {} of the cameras would remain to synthesize from; hide fewer cameras",
                rig.cameras.len()
            )));
        }
        // Depth is for synthesis only.
        let scene = if modes.iter().any(|m| m.needs_depth()) {
            self.solver.solve(rig, pictures, &self.options, &mut |p| progress(p * SOLVE_SHARE))?
        } else {
            Scene::without_depth(self.synthesizer.gpu(), rig, pictures)?
        };
        let mut truth = Truth { solve_times: scene.times.clone(), ..Truth::default() };
        for (camera, hide) in hidden.iter().enumerate() {
            for &mode in modes {
                let view = self.synthesizer.render(&scene, hide.camera, mode)?;
                truth.view_times.merge(self.synthesizer.last_times());
                let picture = view.read(self.synthesizer.gpu())?;
                let score = |e: metrics::SizeMismatch| TruthError::Input(format!("{}: {e}", hide.camera.name));
                truth.held_out.push(HeldOut {
                    camera,
                    psnr_db: metrics::psnr_db(hide.truth, &picture, None).map_err(score)?,
                    ssim: metrics::ssim(hide.truth, &picture).map_err(score)?,
                    mask_psnr_db: hide.mask.map(|m| metrics::psnr_db(hide.truth, &picture, Some(m))).transpose().map_err(score)?,
                    picture,
                    report: view.report,
                });
            }
            let done = (camera + 1) as f32 / hidden.len() as f32;
            if !progress(SOLVE_SHARE + (1.0 - SOLVE_SHARE) * done) {
                return Err(SceneError::Cancelled.into());
            }
        }
        Ok(truth)
    }
}
