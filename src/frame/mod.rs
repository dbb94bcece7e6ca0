//! Pictures in memory: RGBA for stills and views, planar YUV for decoded video, and how two pictures are compared.
//!
//! Must not know: cameras, GPU, GStreamer.

pub mod metrics;
mod moment;
mod picture;
mod yuv;

pub use moment::{Moment, MomentFrame};
pub use picture::{Picture, PictureError};
pub use yuv::{YuvFormat, YuvFrame, YuvRange};
