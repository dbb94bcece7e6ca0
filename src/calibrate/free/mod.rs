//! Rigs from nothing but pictures of the venue: no target at all.
//!
//! Spots of texture are found in every picture (`spots`) and matched between pictures that have something in common (`pairing`); pairs
//! of cameras say how they stand to each other (`two`, `roots`); from the best pair the rig grows camera by camera (`grow`, `place`), and the
//! bundle adjustment that refines any rig settles it. Scale, floor and axes come from known distances or from points of a field of
//! play (`frame`, `field`). Where the venue shows no texture, a bright ball that is carried through it does (`ball`).
//!
//! Must not know: feeds, GPUs, the command line.

mod ball;
mod field;
mod frame;
mod grow;
mod mirror;
mod pairing;
mod place;
mod roots;
mod solve;
mod spots;
mod tracks;
mod two;
mod whole;

pub use ball::ball;
pub use field::{Field, FieldPoint, UnknownField, fields};
pub use frame::{Click, Distance, FLOOR, FrameFailure, Framed, Known, ParseClicks, PointFit, framed, parse_clicks};
pub use whole::{FreeFit, FreeLink, FreeRig, free};

use super::{CalibrateError, LensFreedom};

/// How to solve.
#[derive(Debug, Clone, PartialEq)]
pub struct FreeOptions {
    /// Of lenses that are not given: whether cameras with pictures of one size share one ([`LensFreedom::Shared`]) or have each its own. `Keep`
    /// leaves them at the field of view.
    pub lens: LensFreedom,
    /// Field of view across the longer side of the pictures, degrees, of lenses that are not given; `None` tries several.
    pub field_of_view_deg: Option<f64>,
    /// Whether corners are matched once more along the lines of the solved rig and everything adjusted to them.
    pub fine: bool,
}

impl Default for FreeOptions {
    fn default() -> Self {
        Self { lens: LensFreedom::Shared, field_of_view_deg: None, fine: true }
    }
}

/// Why a camera is not in the rig.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unjoined {
    /// Nothing to go by.
    #[error(
        "only {spots} spots of texture in its pictures ({} are needed). Switch the hall's lights on, aim it so that stands, boards or markings are in the picture, or calibrate with a board",
        solve::LEAST_SPOTS
    )]
    NoTexture {
        /// How many there are.
        spots: usize,
    },
    /// It hardly ever saw the ball.
    #[error(
        "it saw the ball at {seen} instants ({} are needed). Carry it before this camera, and see above why it was not found",
        solve::LEAST_SIGHTINGS
    )]
    NoBall {
        /// How often.
        seen: usize,
    },
    /// It saw the ball, but hardly where a camera of the rig saw it too.
    #[error(
        "it saw the ball together with {with} at {shared} instants, and too few of them agree ({needed} are needed). Carry it where both see it; are they in step?"
    )]
    BallApart {
        /// The camera of the rig that it shares most with.
        with: String,
        /// At how many instants both saw it.
        shared: usize,
        /// How many that agree it takes.
        needed: usize,
    },
    /// It shares nothing with any other.
    #[error(
        "nothing that it sees is found in another camera's picture (the likeliest is {with}; {needed} matches that agree are needed). Take one more picture from half-way between them, or put something with texture where both look"
    )]
    NoLink {
        /// Its likeliest neighbour.
        with: String,
        /// Matches that it takes.
        needed: usize,
    },
    /// It shows the world in a mirror.
    #[error(
        "its picture is mirrored: turned left to right, {matches} spots of it agree with {with}, as it comes only {as_it_is}. Switch the mirror (flip) off in the camera"
    )]
    Mirrored {
        /// The camera of the rig that it agrees with.
        with: String,
        /// Matches that agree once it is turned round.
        matches: usize,
        /// Those that agree as it comes.
        as_it_is: usize,
    },
    /// It shares too little, or nothing whose place is known.
    #[error(
        "it shares {matches} spots with {with}, but sees too few points whose place is known to stand anywhere. Take one more picture from half-way to {with}, or more instants"
    )]
    NotPlaced {
        /// Its best neighbour.
        with: String,
        /// Matches with it.
        matches: usize,
        /// Points that it sees.
        points: usize,
    },
}

/// Why there is no rig.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FreeFailure {
    /// Too few pictures.
    #[error("pictures of {0} cameras are too few: three at least are needed, better a dozen, at most 20° from neighbour to neighbour")]
    TooFewCameras(usize),
    /// A moment with another number of pictures than there are cameras.
    #[error("the moment {moment} has {pictures} pictures for {cameras} cameras")]
    PictureCount {
        /// Which moment, from 0.
        moment: usize,
        /// How many it has.
        pictures: usize,
        /// How many cameras there are.
        cameras: usize,
    },
    /// A picture of another size than that of its camera.
    #[error("{camera}: pictures of {}×{} and of {}×{} px. Calibrate with the size that you shoot", sizes.0.0, sizes.0.1, sizes.1.0, sizes.1.1)]
    OtherSize {
        /// The camera.
        camera: String,
        /// The two sizes.
        sizes: ((u32, u32), (u32, u32)),
    },
    /// A ball tells no lens.
    #[error("{0}: its lens is not known, and a ball alone does not tell it. Give lenses with --lenses RIG")]
    NoLens(String),
    /// No two cameras saw the ball often enough together.
    #[error(
        "no two cameras saw the ball together often enough: the likeliest, {from} and {to}, at {shared} instants of which too few agree ({needed} are needed). Carry it longer, up and down too, where neighbours see it together; are the cameras in step, and the lenses theirs?"
    )]
    NoBallTogether {
        /// One of the likeliest pair.
        from: String,
        /// The other one.
        to: String,
        /// At how many instants both saw it.
        shared: usize,
        /// How many have to agree.
        needed: usize,
    },
    /// Smooth or dark pictures.
    #[error(
        "the pictures show too little texture to find anything again: {} have fewer than {} spots. Switch the lights on, open the aperture, let stands, boards or markings be in the picture, or calibrate with a board (--board)",
        cameras.join(", "), solve::LEAST_SPOTS
    )]
    NoTexture {
        /// Those with too little.
        cameras: Vec<String>,
    },
    /// No two cameras agree.
    #[error(
        "no two cameras see enough of the same: the likeliest, {from} and {to}, have {matches} matches and too few of them agree ({needed} are needed). Cameras more than 25° apart look different: take more pictures from between them"
    )]
    NoBeginning {
        /// One of the likeliest pair.
        from: String,
        /// The other one.
        to: String,
        /// Their matches.
        matches: usize,
        /// Matches that have to agree.
        needed: usize,
    },
    /// A wall, a floor.
    #[error(
        "all that the cameras share lies in one plane, which tells neither depth{}. Let something that stands out from it be in the pictures (stands, goals, people that hold still)",
        if *lens_known { "" } else { " nor the focal length; give the lenses too (--lenses)" }
    )]
    Flat {
        /// Whether the lenses were given.
        lens_known: bool,
    },
    /// A camera that was only turned.
    #[error(
        "the pictures are turned against each other but taken from one place: there is no depth in that. Each camera needs a place of its own; pictures of one camera that pans do not make a rig"
    )]
    OnePlace,
    /// The adjustment failed, or was cancelled by it.
    #[error(transparent)]
    Calibrate(CalibrateError),
    /// The caller cancelled.
    #[error("cancelled")]
    Cancelled,
}

impl From<CalibrateError> for FreeFailure {
    fn from(e: CalibrateError) -> Self {
        match e {
            CalibrateError::Cancelled => Self::Cancelled,
            other => Self::Calibrate(other),
        }
    }
}
