//! The picture bench: every development set run by one protocol, scored, compared with what others reach, and shown.
//!
//! [`Protocol`] says which sets there are and which cameras are hidden; [`run`] finds the files, hides, synthesizes and scores, and writes a
//! folder with a page to look at. Must not know: windows, command lines.

#[cfg(feature = "gstreamer")]
pub mod cameras;
mod folder;
mod material;
mod page;
mod protocol;
mod report;
mod run;
pub mod venue;

pub use material::{Loaded, Material, Shot};
pub use protocol::{Between, Order, Protocol, Recorded, RecordedPeers, SetSpec, every_second};
pub use report::{Means, PictureResult, Report, Scores, SetResult};
pub use run::{Progress, find, run};

use std::path::PathBuf;

use super::truth::TruthError;
use crate::{
    frame::{PictureError, metrics::SizeMismatch},
    replay::path::PathError,
    rig::{RigError, pictures::PicturesError},
    scene::SceneError,
    venue::VenueError,
    view::ViewError,
};

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// A table of sets cannot be used.
    #[error("the table of sets {}: {what}", path.display())]
    Protocol {
        /// The table.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// A set that the table does not have.
    #[error("there is no set {name:?}. There are: {known}")]
    NoSuchSet {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// Sets' folders are missing.
    #[error(
        "missing below {}: {sets}. Give the folder that holds the sets with --data DIR or VOLTE_DATA, or name the sets that you have with --only",
        path.display()
    )]
    NoData {
        /// The missing folders.
        sets: String,
        /// Where they were looked for.
        path: PathBuf,
    },
    /// The list of a set's cameras cannot be used.
    #[error("the list of cameras {}: {what}", path.display())]
    Order {
        /// The list.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// Nothing could be hidden.
    #[error("the set {set:?} has only {cameras} cameras: at least three are needed to hide one between two")]
    TooFew {
        /// The set.
        set: String,
        /// How many.
        cameras: usize,
    },
    /// A mask without a subject.
    #[error("the mask {} is empty: nothing is marked as the subject. Mend it, or run the set without masks", path.display())]
    EmptyMask {
        /// The mask.
        path: PathBuf,
    },
    /// The calibration cannot be read.
    #[error(transparent)]
    Rig(#[from] RigError),
    /// Rig and pictures do not go together.
    #[error(transparent)]
    Pictures(#[from] PicturesError),
    /// A picture cannot be read or written.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// The GPU does not start.
    #[error(transparent)]
    Start(Box<TruthError>),
    /// Synthesis failed.
    #[error("set {set:?}: {source}")]
    Truth {
        /// The set.
        set: String,
        /// Why.
        source: Box<TruthError>,
    },
    /// A rig cannot be adjusted, or the caller cancelled.
    #[error(transparent)]
    Refine(Box<crate::calibrate::CalibrateError>),
    /// The report cannot be written.
    #[error("cannot write {}: {source}. Check that the folder is writable and has room, or give another with --out", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The folder holds something else.
    #[error("{} holds other files than a report of this bench. Give an empty or new folder with --out", path.display())]
    NotOurs {
        /// The folder.
        path: PathBuf,
    },
    /// The caller cancelled.
    #[error("cancelled after {done} of {of}{kept}")]
    Cancelled {
        /// Sets (or parts) that were finished.
        done: usize,
        /// In all.
        of: usize,
        /// Where the finished ones are.
        kept: String,
    },
    /// A part that the venue bench does not have.
    #[error("there is no part or scene {name:?}. There are the parts {known}, and the scenes {scenes}")]
    NoSuchPart {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
        /// Single scenes that there are.
        scenes: String,
    },
    /// The venue cannot be drawn.
    #[error(transparent)]
    Venue(#[from] VenueError),
    /// A moment of the venue cannot be solved, or the caller cancelled.
    #[error(transparent)]
    Scene(#[from] SceneError),
    /// A view of the venue failed.
    #[error(transparent)]
    View(#[from] ViewError),
    /// A virtual camera has no place on the arc.
    #[error(transparent)]
    Path(#[from] PathError),
    /// Two pictures do not compare.
    #[error(transparent)]
    Size(#[from] SizeMismatch),
}
