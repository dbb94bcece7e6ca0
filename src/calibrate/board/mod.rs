//! Rigs from nothing: a board, or a wand with two lights, that is carried through the volume.
//!
//! Must not know: feeds, GPUs, the command line.

mod adjust;
mod chess;
mod corners;
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
pub use description::{Board, BoardError};
pub use detect::{Detection, Rejection, detect};
pub use graph::Link;
pub use lens_start::NoLens;
pub(in crate::calibrate) use plane::{apply as through_plane, homography};
pub(in crate::calibrate) use pose::settled;
pub use session::{BoardSession, CELLS, OtherSize, Sightings, Tally, remedies};
pub use solve::{BoardFailure, BoardOptions, Calibration, CameraFit, Candidate, GATE_PX, Light, Seen, TakenOut, Unsolved, calibrate};
pub use wand::{NoWand, WandSession, WandTally};
