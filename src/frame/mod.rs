//! Pictures in memory: RGBA for stills and views, planar YUV for decoded video, and how two pictures are compared.
//!
//! Must not know: cameras, GPU, GStreamer.

mod dissolve;
pub(crate) mod gray;
pub mod metrics;
mod moment;
mod picture;
mod transition;
mod yuv;

pub use dissolve::dissolve;
pub use moment::{Moment, MomentFrame};
pub use picture::{Picture, PictureError};
pub use transition::{Stinger, wipe};
pub use yuv::{YuvFormat, YuvFrame, YuvRange};
