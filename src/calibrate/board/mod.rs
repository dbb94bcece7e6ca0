//! Rigs from nothing: a board, or a wand with two lights, that is carried through the volume.
//!
//! Must not know: feeds, GPUs, the command line.

mod adjust;
mod chess;
mod clocks;
mod coach;
#[cfg(test)]
mod coach_tests;
mod corners;
mod coverage;
mod description;
mod detect;
mod dictionary;
mod gate;
#[cfg(test)]
mod gate_tests;
mod graph;
mod lens_model;
mod lens_start;
mod markers;
mod outcome;
mod plane;
mod pose;
mod session;
mod sides;
mod solve;
mod tags;
#[cfg(test)]
mod tests;
mod unread;
mod wand;

pub use adjust::{Deviation, LensModel};
pub use coach::{Advice, Coach, CoachedCamera, GOOD_BOARDS, GOOD_SHARED, LEAST_TILTED, SharedBoards};
pub use coverage::{CELLS, Part};
pub use description::{Board, BoardError};
pub use detect::{Detection, Rejection, detect};
pub(in crate::calibrate) use gate::of_rig;
pub use graph::{LEAST_SHARED, Link};
pub use lens_start::NoLens;
pub use outcome::{
    BoardFailure, BoardOptions, Calibration, CameraFit, Candidate, ClockOff, GATE_PX, GateFinding, Light, Motion, Seen, TakenOut, Unsolved,
};
pub(in crate::calibrate) use plane::{apply as through_plane, homography};
pub(in crate::calibrate) use pose::settled;
pub use session::{BoardSession, Looked, OtherSize, Sightings, Tally, remedies};
pub use solve::calibrate;
pub use wand::{NoWand, WandSession, WandTally};
