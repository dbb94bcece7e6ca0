//! What is wanted of the GPU thread, one value each. Must not know: what comes first.

use std::sync::Arc;

use crossbeam::channel::Sender;

use crate::{
    engine::{graphics::Drawing, live::GpuFault, live_plates::PlateSet, slow_motion::BetweenWish},
    frame::{Moment, Picture},
    replay::trim::TrimList,
    rig::Camera,
    scene::{Match, Quality},
    time::MediaTime,
    view::ViewMode,
};

/// A picture to render from the scene of an instant.
#[derive(Debug, Clone)]
pub(in crate::engine) struct ViewWish {
    /// The scene's instant.
    pub instant: MediaTime,
    /// The virtual camera.
    pub target: Camera,
    /// How.
    pub mode: ViewMode,
    /// With the heat map over it.
    pub heat: bool,
    /// With the share of pixels that nobody upholds.
    pub weigh: bool,
    /// What becomes of differences between the cameras.
    pub matching: Match,
    /// What is added by hand.
    pub trims: Arc<TrimList>,
    /// What is drawn into the scene.
    pub graphics: Option<Arc<Drawing>>,
    /// Other instants in the same picture.
    pub slices: Vec<MediaTime>,
}

/// A point that somebody clicked at, to be found in the scene of an instant.
#[derive(Debug, Clone)]
pub(in crate::engine) struct PickWish {
    /// The scene's instant.
    pub instant: MediaTime,
    /// What was looked through.
    pub eye: Camera,
    /// Where, px of that camera.
    pub at_px: [f64; 2],
}

/// A view for somebody who looks on; dropped unanswered when a newer one comes.
#[derive(Debug)]
pub(in crate::engine) struct LookWish {
    /// The scene's instant.
    pub instant: MediaTime,
    /// The virtual camera.
    pub target: Camera,
    /// How.
    pub mode: ViewMode,
    /// What is drawn into the scene.
    pub graphics: Option<Arc<Drawing>>,
    /// Who waits.
    pub answer: Sender<Result<Arc<Picture>, String>>,
}

/// A moment to solve.
#[derive(Debug, Clone)]
pub(in crate::engine) struct SolveWish {
    /// The frames.
    pub moment: Arc<Moment>,
    /// How well.
    pub level: Quality,
    /// Differs from wish to wish: a solve that goes on when another one is wanted, even of the same instant, is dropped.
    pub serial: u64,
    /// Cameras (indices in the rig) to solve first and alone, so that their part of the arc has pictures early; empty for none.
    pub first: Vec<usize>,
    /// It may have the plates that made the moment before truer.
    pub plates: bool,
    /// It is not what is in preview but what is on air and has no scene.
    pub for_air: bool,
}

/// Another instant of the picture in preview, to be solved and kept beside it.
#[derive(Debug, Clone)]
pub(in crate::engine) struct PhaseWish {
    /// The frames.
    pub moment: Arc<Moment>,
    /// How well.
    pub level: Quality,
    /// Of the slices that it belongs to.
    pub serial: u64,
}

/// Pictures about the playhead that solves will want, the nearest first.
#[derive(Debug, Clone)]
pub(in crate::engine) struct NearWish {
    /// The pictures.
    pub pictures: Arc<[Arc<Picture>]>,
    /// So much of the GPU's memory may be taken.
    pub budget_bytes: u64,
}

/// Cameras of a moment to score by leaving each out.
#[derive(Debug, Clone)]
pub(in crate::engine) struct MeasureWish {
    /// The frames.
    pub moment: Arc<Moment>,
    /// Indices in the rig; the first is measured next.
    pub cameras: Vec<usize>,
}

/// A solved moment to solve better, and to keep so if the cameras say that it is.
#[derive(Debug, Clone)]
pub(in crate::engine) struct RefineWish {
    /// The frames.
    pub moment: Arc<Moment>,
    /// Indices in the rig of the cameras that judge, by being left out.
    pub judges: Vec<usize>,
}

/// A solved moment to be shown with plates, if the cameras say that it is truer so.
#[derive(Debug, Clone)]
pub(in crate::engine) struct LayerWish {
    /// The frames.
    pub moment: Arc<Moment>,
    /// The plates.
    pub set: Arc<PlateSet>,
    /// Indices in the rig of the cameras that judge, by being left out.
    pub judges: Vec<usize>,
}

/// One job, most urgent first.
#[derive(Debug)]
pub(in crate::engine) enum Job {
    Program(ViewWish),
    Preview(ViewWish),
    /// A picture between two frames of a camera.
    Between(Box<BetweenWish>),
    /// Other instants are wanted in pictures than before.
    KeepPhases,
    Pick(PickWish),
    Solve(SolveWish),
    /// Solve what is on air.
    Mend(SolveWish),
    Phase(PhaseWish),
    /// Let what is kept near go: somebody else has no memory left.
    Spare,
    /// For somebody who looks on.
    Look(LookWish),
    /// Keep these pictures on the GPU.
    Near(NearWish),
    /// Score this camera.
    Measure(Arc<Moment>, usize),
    Layer(LayerWish),
    Refine(RefineWish),
    /// Solve these plates.
    Plates(Arc<PlateSet>),
    /// Plates are not wanted any more.
    DropPlates,
    /// Something breaks, for rehearsal.
    Fault(GpuFault),
    Stop,
}
