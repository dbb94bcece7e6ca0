//! Capture: feeds come in, access units stamped with house time go into the ring, moments come out.
//!
//! GStreamer's streaming threads never block here: parse, stamp, hand over to the ring, return. A [`CaptureSession`] owns
//! the feeds, the [`HouseClock`] and the [`crate::ring::Ring`]; it tells how each feed fares ([`FeedStatus`]), gives
//! [`LiveInput`]s to whoever makes pictures itself (the built-in venue), and decodes [`crate::frame::Moment`]s.
//!
//! Must not know: scenes, views, the console. Pictures are decoded to system memory; the GPU's owner uploads them.

mod address;
mod chain;
mod clock;
mod codec;
mod decode;
mod embedded;
mod error;
mod feed;
mod file;
mod follow;
mod images;
mod ingest;
mod inlet;
mod node;
mod pacer;
mod packages;
mod preview;
mod push;
mod rate;
mod record;
mod session;
mod sound;
mod stamp;
mod stream;
mod support;

pub use address::{
    Endpoint, ReferenceClock, ReferenceServer, RtpPayload, RtspClock, RtspTransport, Secret, SrtMode, StreamKind, StreamSource, Taken,
    TimeWish, V4l2Format,
};
pub use clock::{ClockReference, HouseClock, HouseClockStatus};
pub use codec::{Codec, CodecSupport, codec_support};
pub use decode::{DecodeError, FeedFormats, MomentDecoder, NearStatus, TimedFrame, decode_moment};
pub use error::CaptureError;
pub use feed::{DropCounts, FeedSource, FeedSpec, FeedState, FeedStatus, Pace};
pub use follow::LiveFollower;
pub use node::{NodeServer, NodeServerConfig, NodeSpec, NodeStatus, PretendClock};
pub use packages::remedy_for_element;
pub use preview::{PreviewConfig, PreviewFrame};
pub use push::{LiveFrame, LiveInput, PushSettings};
pub use record::{DiskDrops, DiskFeedStatus, DiskState, DiskStatus};
pub use session::{CaptureConfig, CaptureSession};
pub use sound::{SoundFrom, SoundSettings};
pub use stamp::TimeOrigin;
pub use support::{SourceSupport, missing_elements, source_support};

/// Initialises GStreamer; any number of times.
pub fn init() -> Result<(), CaptureError> {
    gst::init().map_err(|source| CaptureError::Init { reason: source.to_string() })
}
