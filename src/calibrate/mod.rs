//! A rig adjusted to what its own pictures show.
//!
//! A calibration that was good on Monday is off on Tuesday: a tripod settles, a lens warms up, somebody leans on a rail. The
//! pictures tell by how much. Corners are matched between neighbouring cameras along the lines that the known rig draws ([`refine`] begins
//! there), each becomes a point of the scene, and one robust bundle adjustment moves cameras and points until they fit (Triggs et al.,
//! "Bundle adjustment: a modern synthesis", 1999). A fifth of the points is kept out of it: they alone judge whether the rig became
//! better, and where it did not, the rig stays as it was.
//!
//! Units: pixels of the cameras' pictures, metres, radians. World and scale are those of the rig that comes in: rotation, scale and centre of
//! all cameras together stay (`gauge`), and cameras that were bumped do not drag the others along.
//!
//! Must not know: feeds, rings, GPUs, threads' names, the command line.

pub mod board;
mod bundle;
pub mod free;
mod gauge;
mod health;
mod judge;
mod linear;
mod matching;
mod refine;
#[cfg(test)]
mod tests;
mod triangulate;
mod watch;

pub use bundle::LensFreedom;
pub use health::{Ailment, Checkup};
pub use judge::Errors;
pub use refine::{CameraChange, RefineOptions, Refined, Verdict, refine};
pub use watch::{Look, ResolveError, Resolved, Watch};

/// Why a rig cannot be adjusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CalibrateError {
    /// Too few cameras.
    #[error("only {0} cameras have pictures; at least two are needed. Add pictures, or cameras")]
    TooFewCameras(usize),
    /// Not the rig of these pictures.
    #[error("the moment {moment} has {pictures} pictures for {cameras} cameras")]
    PictureCount {
        /// Which moment, from 0.
        moment: usize,
        /// How many it has.
        pictures: usize,
        /// How many the rig has.
        cameras: usize,
    },
    /// A picture of another size than the rig says.
    #[error(
        "the picture of camera {camera:?} is {width_px} × {height_px}, its rig says {rig_width_px} × {rig_height_px}. Fit the rig to the pictures first"
    )]
    PictureSize {
        /// The camera.
        camera: String,
        /// The picture's width.
        width_px: u32,
        /// The picture's height.
        height_px: u32,
        /// The rig's width.
        rig_width_px: u32,
        /// The rig's height.
        rig_height_px: u32,
    },
    /// The cameras look nowhere together.
    #[error("the cameras do not look at a common subject, so none has neighbours. Check the rig with `volte rig check`")]
    NoSubject,
    /// Hardly anything was matched.
    #[error(
        "only {tracks} points were found in more than one camera; {needed} are needed. Use pictures with texture (hall lights on, people out of the way), \
         several instants, or cameras that stand closer"
    )]
    TooFewMatches {
        /// How many points.
        tracks: usize,
        /// How many it takes.
        needed: usize,
    },
    /// The cameras fall into groups that share nothing.
    #[error(transparent)]
    Unconnected(Box<MissingLink>),
    /// The equations have no solution.
    #[error(
        "the adjustment found no solution: the points do not determine the cameras. Use pictures with more texture, or several instants"
    )]
    NoSolution,
    /// The caller cancelled.
    #[error("cancelled")]
    Cancelled,
}

/// Cameras that hang together with none of the others, and where the link is missing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{} {} too few points with the other cameras (the closest pair, {from} – {to}, has {shared} of the {needed} that are needed). Put a camera between \
     them or something with texture where both look, or leave them as the rig has them with --keep {}",
    cameras.join(", "),
    if cameras.len() == 1 { "shares" } else { "share" },
    cameras.join(",")
)]
pub struct MissingLink {
    /// The smaller group, by name.
    pub cameras: Vec<String>,
    /// Of that group, next to the others.
    pub from: String,
    /// Of the others, next to that group.
    pub to: String,
    /// Points that the pair shares.
    pub shared: usize,
    /// Points that it takes.
    pub needed: usize,
}
