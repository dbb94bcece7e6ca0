//! How true the in-between pictures are: real cameras are hidden, synthesized from the rest, and compared.
//!
//! Must not know: files, windows.

use crate::{
    frame::{Picture, metrics},
    rig::Rig,
    scene::{SceneError, SceneOptions, SceneSolver},
    telemetry::StageTimes,
    view::{ViewError, ViewMode, ViewReport, ViewSynthesizer},
};

/// Cameras around a hidden one that its scene is solved from when every camera is hidden in turn: the sources of a view and
/// their neighbours. Farther cameras have no influence on the picture.
const NEAREST: usize = 8;

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

/// One hidden camera, synthesized and scored.
#[derive(Debug)]
pub struct HeldOut {
    /// Index in the rig.
    pub camera: usize,
    /// The synthesized picture.
    pub picture: Picture,
    /// PSNR against the real picture, dB over RGB.
    pub psnr_db: f64,
    /// SSIM over luma.
    pub ssim: f64,
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
        let mut truth = Truth::default();
        self.run(rig, pictures, &inputs, hold, mode, &mut truth, progress)?;
        Ok(truth)
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
            self.run(rig, pictures, &inputs, &[held], mode, &mut truth, &mut part)?;
        }
        Ok(truth)
    }

    #[allow(clippy::too_many_arguments, reason = "a private step of the two public runs")]
    fn run(
        &mut self,
        rig: &Rig,
        pictures: &[&Picture],
        inputs: &[usize],
        hold: &[usize],
        mode: ViewMode,
        truth: &mut Truth,
        progress: &mut dyn FnMut(f32) -> bool,
    ) -> Result<(), TruthError> {
        if inputs.len() < 2 {
            return Err(TruthError::Input(format!(
                "only {} of {} cameras would remain to synthesize from; hide fewer cameras",
                inputs.len(),
                rig.cameras.len()
            )));
        }
        let kept: Vec<&Picture> = inputs.iter().map(|&i| pictures[i]).collect();
        let scene = self.solver.solve(&rig.restricted_to(inputs), &kept, &self.options, progress)?;
        truth.solve_times.merge(&scene.times);
        for &camera in hold {
            let view = self.synthesizer.render(&scene, &rig.cameras[camera], mode)?;
            truth.view_times.merge(self.synthesizer.last_times());
            let picture = view.read(self.synthesizer.gpu())?;
            let score = |e: metrics::SizeMismatch| TruthError::Input(e.to_string());
            truth.held_out.push(HeldOut {
                camera,
                psnr_db: metrics::psnr_db(pictures[camera], &picture, None).map_err(score)?,
                ssim: metrics::ssim(pictures[camera], &picture).map_err(score)?,
                picture,
                report: view.report,
            });
        }
        Ok(())
    }
}
