//! A calibration that is under way: what the coach says, how every camera fares, and how good the rig is that came of it. Cameras by their
//! number along the arc.
//!
//! Must not know: who looks, who draws it.

use crate::{
    calibrate::board::{Advice, Light, Rejection},
    engine::{board_looks::Refusal, ladder::GapQuality},
    time::MediaTime,
};

/// A calibration with a board that is carried before the cameras.
#[derive(Debug, Clone, PartialEq)]
pub struct CalibrationView {
    /// The board, as the operator said it.
    pub board: String,
    /// The file of known lenses, as the operator said it; empty without one.
    pub lenses: String,
    /// How far it is.
    pub stage: CalibrationStage,
    /// Since the first look, seconds.
    pub secs: f64,
    /// How much of what a rig takes is there, 0…1.
    pub share: f32,
    /// The one next thing to do.
    pub advice: Advice,
    /// A rig can be solved of what there is.
    pub is_enough: bool,
    /// Why a camera that the advice is about gave nothing a moment ago.
    pub reason: Option<(String, Rejection)>,
    /// What else is to be said: nobody gives pictures, a camera changed its size.
    pub told: Option<String>,
    /// When the board lay on the floor, seconds.
    pub floor_secs: Option<f64>,
    /// The cameras.
    pub cameras: Vec<CalibratedCamera>,
    /// Pairs of cameras that share boards.
    pub links: Vec<CalibratedLink>,
}

/// How far a calibration is.
#[derive(Debug, Clone, PartialEq)]
pub enum CalibrationStage {
    /// It could not be begun, or nothing could be solved of it: why, and what to do.
    Refused(String),
    /// The cameras are looked at.
    Looking {
        /// Somebody waits for a picture: looking goes on afterwards.
        waits: bool,
    },
    /// What was carried is not enough to solve: why. Looking can go on.
    Failed(String),
    /// The rig is being solved; how far, 0…1.
    Solving(f32),
    /// It is solved.
    Judged(Box<JudgedRig>),
}

/// How a camera fares while the board is carried.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CalibratedCamera {
    /// Its name.
    pub name: String,
    /// Boards held still, each in another place.
    pub boards: usize,
    /// Boards that its lens takes.
    pub needed: usize,
    /// Boards that were turned to a side.
    pub turned: usize,
    /// Boards that were tipped up or down.
    pub tipped: usize,
    /// Corners per cell of its picture, row by row ([`crate::calibrate::board::CELLS`]).
    pub cells: Vec<u32>,
    /// It saw the board in the newest look.
    pub sees: bool,
    /// Pictures looked at.
    pub pictures: usize,
    /// The last picture that gave nothing: seconds ago, and why.
    pub rejected: Option<(f64, Rejection)>,
    /// Why its picture could not be looked at at all.
    pub refused: Option<Refusal>,
    /// Its lens was given.
    pub knows_lens: bool,
    /// Pictures that gave nothing, by the short reason ([`Rejection::short`]), without those in which nothing of a board was seen.
    pub reasons: Vec<(&'static str, usize)>,
}

/// What two cameras share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CalibratedLink {
    /// Camera, by number.
    pub from: usize,
    /// Camera, by number; the larger one.
    pub to: usize,
    /// Boards held still that both saw at one instant.
    pub shared: usize,
    /// They tie the two together.
    pub holds: bool,
}

/// A rig that was solved, before the gate.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgedRig {
    /// Fit for air, or not.
    pub light: Light,
    /// How far corners are seen from where they should be, px.
    pub rms_px: f64,
    /// 95 % are within, px.
    pub p95_px: f64,
    /// Within each camera, between the cameras, px; whether that is in step.
    pub step_px: Option<(f64, f64, bool)>,
    /// The cameras.
    pub cameras: Vec<JudgedCamera>,
    /// The gaps along the arc of the rig that was solved; empty where its cameras make none.
    pub gaps: Vec<JudgedGap>,
    /// What would make it better, the most pressing first.
    pub remedies: Vec<String>,
    /// The time of a frame, milliseconds, where boards in motion told the cameras' clocks.
    pub frame_ms: Option<f64>,
    /// The file that it was written to.
    pub saved: Option<String>,
    /// The show uses it, from this instant on.
    pub used: Option<MediaTime>,
}

/// How well a camera was solved.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct JudgedCamera {
    /// Its name.
    pub name: String,
    /// Boards that were used.
    pub boards: usize,
    /// Boards that contradict the others.
    pub taken_out: usize,
    /// How far its corners are off, px.
    pub rms_px: f64,
    /// Deviation of its place, millimetres.
    pub place_mm: f64,
    /// Its focal length and the deviation of it, px; a lens that was given has none.
    pub focal_px: Option<(f64, f64)>,
    /// By how much later than the others' its pictures of one instant were taken, and the deviation of that, milliseconds; where boards in
    /// motion told it.
    pub clock_ms: Option<(f64, f64)>,
    /// Pictures that were looked at, and boards found in them.
    pub pictures: usize,
    /// Boards found.
    pub found: usize,
    /// Pictures that gave nothing, by the short reason.
    pub reasons: Vec<(&'static str, usize)>,
    /// Why it is not in the rig.
    pub unsolved: Option<String>,
}

/// A gap of the rig that was solved.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgedGap {
    /// The camera before it.
    pub from: String,
    /// The camera after it.
    pub to: String,
    /// How far they stand from each other about the subject, degrees.
    pub degrees: f64,
    /// How much more the near end of the subject moves between their pictures than its far end, px.
    pub disparity_px: Option<f64>,
    /// What can be expected of views between them, by that; measured only when a moment is solved with this rig.
    pub quality: GapQuality,
}
