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
    /// For each of the frames the same camera's one on the other side of the instant, and when it was seen; empty where nobody asked.
    pub others: Vec<Option<(Arc<Picture>, MediaTime)>>,
}

impl Moment {
    /// How far the farthest frame is from the instant, nanoseconds.
    pub fn worst_error_nanos(&self) -> i64 {
        self.frames.iter().map(|f| f.error_nanos.saturating_abs()).max().unwrap_or(0)
    }
}
