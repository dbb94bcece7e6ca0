//! Moments at the exact instant: cameras that saw their nearest frame before or after it get the picture that they would have
//! made, where that is truer.
//!
//! Whether it is, hidden cameras decide ([`measured`]): every camera is synthesized from its neighbours, once from the nearest frames and
//! once from interpolated ones. Must not know: files, windows, how motion is found.

use std::sync::Arc;

use super::{
    SourceSound,
    export::{ExportError, MomentSource, present},
    ladder::can_be_hidden,
    meter::MomentMeter,
};
use crate::{
    frame::{Moment, Picture},
    gpu::Gpu,
    output::OutputError,
    rig::{Arc as RigArc, Rig},
    scene::{Quality, Retimer, SceneSolver},
    time::MediaTime,
    view::ViewSynthesizer,
};

/// Nearer than this to the instant a frame is taken for it, nanoseconds: an athlete's fastest limb moves two millimetres.
const LEAST_NANOS: i64 = 200_000;

/// Cameras that are nearer to the instant than this are in time, nanoseconds: nothing is measured then.
pub const IN_TIME_NANOS: i64 = 1_000_000;

/// Whether moments are interpolated to their very instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetimePolicy {
    /// Never: the cameras' nearest frames.
    Off,
    /// Always, where a camera has a frame on either side.
    On,
    /// Where hidden cameras say that it is truer.
    #[default]
    Auto,
}

impl std::str::FromStr for RetimePolicy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "off" => Ok(Self::Off),
            "on" => Ok(Self::On),
            "auto" => Ok(Self::Auto),
            _ => Err(format!("{text:?} is none of auto, on, off")),
        }
    }
}

/// A source of moments at the exact instant.
pub struct RetimedSource {
    source: Box<dyn MomentSource>,
    gpu: Gpu,
    retimer: Retimer,
}

impl std::fmt::Debug for RetimedSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RetimedSource")
    }
}

impl RetimedSource {
    /// Compiles the pipelines. `source` must know the other side ([`MomentSource::other_side`]).
    pub fn new(gpu: &Gpu, source: Box<dyn MomentSource>) -> Result<Self, ExportError> {
        Ok(Self { source, gpu: gpu.clone(), retimer: Retimer::new(gpu)? })
    }

    /// The source as it was.
    pub fn into_inner(self) -> Box<dyn MomentSource> {
        self.source
    }
}

impl MomentSource for RetimedSource {
    fn sound(&self) -> Option<SourceSound> {
        self.source.sound()
    }

    fn moment_at(&mut self, instant: MediaTime) -> Result<Moment, String> {
        let moment = self.source.moment_at(instant)?;
        let others = self.source.other_side(&moment);
        retimed(&self.gpu, &self.retimer, moment, &others).map_err(|e| e.to_string())
    }
}

/// The moment with every frame that is not of its instant replaced by the picture between it and `others` (as
/// [`MomentSource::other_side`] gives them); frames without another side stay.
pub fn retimed(
    gpu: &Gpu,
    retimer: &Retimer,
    mut moment: Moment,
    others: &[Option<(Arc<Picture>, MediaTime)>],
) -> Result<Moment, ExportError> {
    for (frame, other) in moment.frames.iter_mut().zip(others) {
        let Some((picture, time)) = other else { continue };
        let way = *time - frame.time;
        if frame.error_nanos.abs() < LEAST_NANOS
            || way == 0
            || (picture.width(), picture.height()) != (frame.picture.width(), frame.picture.height())
        {
            continue;
        }
        let share = -frame.error_nanos as f64 / way as f64;
        if !(0.0..=1.0).contains(&share) {
            continue;
        }
        frame.picture = Arc::new(retimer.between(gpu, [&frame.picture, picture], share as f32)?.picture);
        (frame.time, frame.error_nanos, frame.retimed) = (moment.instant, 0, true);
    }
    Ok(moment)
}

/// What hidden cameras say about interpolation in time at an instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RetimeVerdict {
    /// Frame farthest from the instant, nanoseconds.
    pub worst_error_nanos: i64,
    /// Mean leave-one-out PSNR from the nearest frames, and from interpolated ones, dB; `None` where nothing had to be measured.
    pub scores_db: Option<(f64, f64)>,
}

impl RetimeVerdict {
    /// Whether interpolated frames are truer.
    pub fn pays(&self) -> bool {
        self.scores_db.is_some_and(|(nearest, retimed)| retimed > nearest)
    }
}

/// Measures whether interpolation in time pays at `instant`: every camera is hidden once with each kind of frame. All frames within
/// `enough_nanos` of the instant need no measurement. `progress` gets 0…1 and returns false to cancel.
pub fn measured(
    gpu: &Gpu,
    rig: &Rig,
    source: &mut dyn MomentSource,
    instant: MediaTime,
    enough_nanos: i64,
    progress: &mut dyn FnMut(f32) -> bool,
) -> Result<RetimeVerdict, ExportError> {
    let told = |problem| ExportError::Moment { instant, problem };
    let nearest = source.moment_at(instant).map_err(told)?;
    let worst_error_nanos = nearest.worst_error_nanos();
    let others = source.other_side(&nearest);
    let nothing = RetimeVerdict { worst_error_nanos, scores_db: None };
    if worst_error_nanos <= enough_nanos || others.iter().all(Option::is_none) {
        return Ok(nothing);
    }
    let exact = retimed(gpu, &Retimer::new(gpu)?, nearest.clone(), &others)?;
    let arc = RigArc::fit(rig).map_err(|e| ExportError::Gaps(e.to_string()))?;
    let (mut solver, mut synthesizer) = (SceneSolver::new(gpu)?, ViewSynthesizer::new(gpu)?);
    let mut sums = [0.0; 2];
    let mut count = 0;
    for (kind, moment) in [&nearest, &exact].into_iter().enumerate() {
        let now = present(rig, moment, instant)?;
        let pictures: Vec<&Picture> = now.pictures.iter().map(AsRef::as_ref).collect();
        let meter = MomentMeter::new(&now.rig, &pictures)?;
        let own = |k: usize| now.rig.cameras.iter().position(|c| c.name == rig.cameras[arc.order[k]].name);
        let n = arc.order.len();
        let there: Vec<bool> = (0..n).map(|k| own(k).is_some()).collect();
        count = 0;
        for k in 0..n {
            if !progress((kind * n + k) as f32 / (2 * n) as f32) {
                return Err(OutputError::Cancelled.into());
            }
            if let Some(hidden) = own(k)
                && can_be_hidden(&there, arc.closed, k)
            {
                sums[kind] += meter.score(&mut solver, &mut synthesizer, hidden, Quality::Air, &mut |_| true)?.psnr_db;
                count += 1;
            }
        }
    }
    if count == 0 {
        return Ok(nothing);
    }
    let [a, b] = sums.map(|sum| sum / f64::from(count));
    Ok(RetimeVerdict { worst_error_nanos, scores_db: Some((a, b)) })
}
