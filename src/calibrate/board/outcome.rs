//! What a board calibration takes and what comes of it, with the gate that it has to pass.

use std::fmt;

use glam::{DVec2, DVec3};

use super::{
    adjust::{Deviation, LensModel},
    description::Board,
    graph::Link,
    lens_start::NoLens,
};
use crate::{
    geometry::Lens,
    rig::{Rig, check::Gap},
};

/// A camera to be calibrated.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Its name.
    pub name: String,
    /// Width of its pictures, px.
    pub width_px: u32,
    /// Height of its pictures, px.
    pub height_px: u32,
    /// Its lens where that is known: it is not changed.
    pub lens: Option<Lens>,
}

/// A camera's picture of the board at one instant.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// Which camera.
    pub camera: usize,
    /// Which instant: pictures of one instant show the board in one place.
    pub instant: usize,
    /// Corners by number and where they are, px.
    pub corners: Vec<(usize, DVec2)>,
    /// It moved: good for the camera's lens, but other cameras may have seen it elsewhere.
    pub moving: bool,
    /// How it moved, where the pictures before and after tell.
    pub motion: Option<Motion>,
}

/// How a board moved through a camera's picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Motion {
    /// Corners by number and where they went, px per second.
    pub px_per_sec: Vec<(usize, DVec2)>,
    /// The time of a frame, seconds.
    pub frame_secs: f64,
}

impl Seen {
    /// Of a board that was held still.
    pub const fn still(camera: usize, instant: usize, corners: Vec<(usize, DVec2)>) -> Self {
        Self { camera, instant, corners, moving: false, motion: None }
    }

    /// Whether it shows the board's back.
    pub(super) fn is_of_back(&self, board: &Board) -> bool {
        self.corners.first().is_some_and(|(i, _)| board.is_back(*i))
    }
}

/// What is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BoardOptions {
    /// What of the lenses is looked for.
    pub model: LensModel,
    /// At this instant the board lay on the floor, its printed side up.
    pub floor: Option<usize>,
}

/// Why a sighting was taken out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TakenOut {
    /// The camera.
    pub camera: usize,
    /// The instant.
    pub instant: usize,
    /// How far its corners were from where the other pictures have them, px.
    pub off_px: f64,
}

/// A camera that has no place in the rig.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Unsolved {
    /// Its lens is unknown.
    #[error(transparent)]
    Lens(#[from] NoLens),
    /// Its boards contradict all others.
    #[error(
        "{out} of its {of} boards contradict the other cameras. Is it in step with them (volte rig sync), was the board held still, and is its lens (--lenses) that of these pictures?"
    )]
    Contradicts {
        /// Boards that were taken out.
        out: usize,
        /// Of so many.
        of: usize,
    },
    /// It shares too few boards with the others.
    #[error("it shares too few boards with the other cameras ({best} with {with}, {needed} are needed). {remedy}")]
    Unconnected {
        /// The camera that it shares most with.
        with: String,
        /// How many.
        best: usize,
        /// How many it takes.
        needed: usize,
        /// Where to hold the board.
        remedy: String,
    },
}

/// How a camera fared.
#[derive(Debug, Clone, PartialEq)]
pub struct CameraFit {
    /// Its boards that were used.
    pub boards: usize,
    /// Corners that were used.
    pub corners: usize,
    /// Corners that were taken out.
    pub wrong: usize,
    /// How far corners are seen from where they should be, px.
    pub rms_px: f64,
    /// Standard deviations.
    pub deviation: Deviation,
    /// Why it is not in the rig.
    pub unsolved: Option<Unsolved>,
}

/// What the gate says of a solved rig beside how far its corners are off.
#[derive(Debug, Clone, PartialEq)]
pub struct GateFinding {
    /// How bad: the rig is no better than this. Green: worth knowing.
    pub light: Light,
    /// The cameras concerned, by name; none: the whole rig.
    pub cameras: Vec<String>,
    /// What it is and what to do about it.
    pub what: String,
}

impl fmt::Display for GateFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.cameras.is_empty() { f.write_str(&self.what) } else { write!(f, "{}: {}", self.cameras.join(", "), self.what) }
    }
}

/// A camera's clock against the others', from boards in motion.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClockOff {
    /// So much later than the others' pictures of one instant were its own taken, seconds.
    pub secs: f64,
    /// Standard deviation, seconds.
    pub sigma_secs: f64,
    /// Boards in motion that tell it.
    pub boards: usize,
    /// The time of a frame, seconds.
    pub frame_secs: f64,
}

/// Fit for air, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Light {
    /// Good.
    Green,
    /// Usable; better is within reach.
    Amber,
    /// Not usable.
    Red,
}

/// What came out.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    /// The cameras that were solved, in the order of the candidates.
    pub rig: Rig,
    /// One for each candidate.
    pub cameras: Vec<CameraFit>,
    /// All pairs of candidates.
    pub links: Vec<Link>,
    /// Boards that were taken out.
    pub taken_out: Vec<TakenOut>,
    /// How far corners are seen from where they should be, px.
    pub rms_px: f64,
    /// 95 % are within, px.
    pub p95_px: f64,
    /// How far corners are off in one direction, px: within each camera alone, and between the cameras before lenses were adjusted for both; and whether
    /// that is about as well (else the board moved while they looked, or they are not in step). `None` where nobody can tell (a wand).
    pub step_px: Option<(f64, f64, bool)>,
    /// Of a two-sided board: where the back's print is against where its description has it, metres along the front's axes, where that is
    /// more than a ruler leaves open. The rig is solved with the back where it is.
    pub back_off_m: Option<DVec3>,
    /// What is to be said of it as a whole: the floor, weak links.
    pub notes: Vec<String>,
    /// What is wrong or doubtful beside how far corners are off: lenses, clocks, boards that contradict, gaps. The worst first.
    pub findings: Vec<GateFinding>,
    /// The gaps between neighbours of the solved rig and what synthesis can do with them; cameras by index in the rig.
    pub gaps: Vec<Gap>,
    /// For each candidate its clock against the others', where boards in motion told.
    pub clocks: Vec<Option<ClockOff>>,
    /// The candidate against which deviations of places are told.
    pub reference: Option<usize>,
}

/// Why there is nothing.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum BoardFailure {
    /// No two cameras could be solved together.
    #[error("no two cameras could be put together. {0}")]
    Nothing(String),
    /// The floor was not seen.
    #[error("the board was not used at the instant of --floor by any camera. Choose an instant at which it is seen lying")]
    NoFloor,
    /// It did not lie.
    #[error(
        "at the instant of --floor the board does not lie: its face looks {tilt_deg:.0}° away from the cameras' up. Choose the instant at which it lies, printed side up"
    )]
    FloorNotLevel {
        /// How far off.
        tilt_deg: f64,
    },
    /// The caller cancelled.
    #[error("cancelled")]
    Cancelled,
}

/// The gate: at most so much RMS and within 95 %, px.
pub const GATE_PX: (f64, f64) = (0.5, 1.0);

impl Calibration {
    /// Green within the gate with all cameras and no finding; amber up to twice that; red else. Never better than the worst finding.
    pub fn light(&self) -> Light {
        let found = self.findings.iter().map(|f| f.light).max().unwrap_or(Light::Green);
        self.fit_light().max(found)
    }

    pub(super) fn fit_light(&self) -> Light {
        let all = self.cameras.iter().all(|c| c.unsolved.is_none());
        let taken_out = |i: usize| self.taken_out.iter().filter(|t| t.camera == i).count();
        let contradicts = self.cameras.iter().enumerate().any(|(i, c)| taken_out(i) > 2 && taken_out(i) * 3 > c.boards);
        if !all || self.rms_px > 2.0 * GATE_PX.0 || self.p95_px > 2.0 * GATE_PX.1 {
            Light::Red
        } else if contradicts || self.back_off_m.is_some() || self.rms_px > GATE_PX.0 || self.p95_px > GATE_PX.1 {
            Light::Amber
        } else {
            Light::Green
        }
    }
}
