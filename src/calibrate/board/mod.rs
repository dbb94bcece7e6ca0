//! Rigs from nothing: a board, or a wand with two lights, that is carried through the volume.
//!
//! Must not know: feeds, GPUs, the command line.

mod adjust;
mod chess;
mod coach;
#[cfg(test)]
mod coach_tests;
mod corners;
mod coverage;
mod description;
mod detect;
mod dictionary;
mod graph;
mod lens_start;
mod markers;
mod plane;
mod pose;
mod session;
mod sides;
mod solve;
mod tags;
#[cfg(test)]
mod tests;
mod wand;

pub use adjust::{Deviation, LensModel};
pub use coach::{Advice, Coach, CoachedCamera, GOOD_BOARDS, GOOD_SHARED, LEAST_TILTED, SharedBoards};
pub use coverage::{CELLS, Part};
pub use description::{Board, BoardError};
pub use detect::{Detection, Rejection, detect};
pub use graph::{LEAST_SHARED, Link};
pub use lens_start::NoLens;
pub(in crate::calibrate) use plane::{apply as through_plane, homography};
pub(in crate::calibrate) use pose::settled;
pub use session::{BoardSession, Looked, OtherSize, Sightings, Tally, remedies};
pub use solve::{BoardFailure, BoardOptions, Calibration, CameraFit, Candidate, GATE_PX, Light, Seen, TakenOut, Unsolved, calibrate};
pub use wand::{NoWand, WandSession, WandTally};
