//! When did each camera really see its frames? The pictures themselves tell.
//!
//! Two calibrated cameras see a moving point on corresponding epipolar lines at every instant, but only at the *same*
//! instant. When one camera's stamps are off by δ, the point stands `velocity · δ` beside its line. So every moving
//! point that two neighbours share is a small clock, and some hundreds of them give offsets far below a frame
//! ([`observe`]), with an uncertainty that is measured and not assumed ([`solve`]). The idea of geometry as a clock is old: see
//! Sinha and Pollefeys, "Synchronization and calibration of camera networks from silhouettes" (ICPR 2004), and Elhayek et al.,
//! "Spatio-temporal motion tracking with unsynchronized cameras" (CVPR 2012).
//!
//! Steps: moving corners are tracked through three frames of each camera (`motion`), matched between neighbours where position,
//! velocity and look agree, and one robust least-squares problem is solved over all pairs and bursts: an offset and, over
//! longer spans, a skew per camera.
//!
//! What it cannot do: see motion that runs along the epipolar lines (the uncertainty says so), match neighbours that
//! look at the athlete from very different sides ([`MAX_ANGLE_DEG`]), or tell a constant offset of *all* cameras.
//!
//! Must not know: feeds, rings, GPUs, threads' names.

pub mod clap;
pub mod flash;
mod motion;
mod observe;
mod solve;

pub use observe::{Match, observe};
pub use solve::{CameraClock, Solution, SyncError, solve};

use std::sync::Arc;

use crate::{frame::Picture, rig::Camera, time::MediaTime};

/// Neighbours that see the athlete from directions further apart than this are not matched, degrees.
pub const MAX_ANGLE_DEG: f64 = 28.0;

/// One camera's three consecutive frames about an instant.
#[derive(Debug, Clone)]
pub struct CameraBurst {
    /// The camera, at the pictures' size or any other of the same shape.
    pub camera: Camera,
    /// Stamps as the camera (or its feed) tells them, ascending, and pictures of one size.
    pub frames: [(MediaTime, Arc<Picture>); 3],
}

/// What all cameras saw about one instant: one entry per camera of the rig, `None` where a camera has no three frames there.
pub type Burst = Vec<Option<CameraBurst>>;
