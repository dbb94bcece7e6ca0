//! A moment: the frames of all cameras at one instant.

use std::sync::Arc;

use super::Picture;
use crate::time::MediaTime;

/// One camera's frame nearest to the instant.
#[derive(Debug, Clone)]
pub struct MomentFrame {
    /// The camera's name.
    pub camera: String,
    /// The decoded picture.
    pub picture: Arc<Picture>,
    /// House time of the frame.
    pub time: MediaTime,
    /// `time − instant`, nanoseconds.
    pub error_nanos: i64,
    /// No camera made this picture: it was interpolated between two frames, for the instant itself.
    pub retimed: bool,
}

/// The frames of all cameras at an instant; cameras without an honest frame are left out by name.
#[derive(Debug, Clone, Default)]
pub struct Moment {
    /// The instant.
    pub instant: MediaTime,
    /// One per camera that has an honest frame.
    pub frames: Vec<MomentFrame>,
    /// (camera, why) of those left out.
    pub left_out: Vec<(String, String)>,
}
