//! The program output: one picture per tick of the output's own clock, in one fixed format, for as long as it runs.
//!
//! Whatever happens before it, a picture goes out: the newest one there is, the last one again (counted), or before any a slate
//! that says what is missing. Threads: `program` owns the clock; it waits for nobody but the clock, and whoever takes its frames
//! drops the oldest when it is behind. Each encoder (`encode …`) and each sink (`sink …`) has a thread and a pipeline of its own.
//!
//! Must not know: cameras, replays, who chose the picture.

mod address;
mod canvas;
mod channel;
mod clock;
#[cfg(feature = "gstreamer")]
mod dash;
mod destination;
#[cfg(feature = "gstreamer")]
mod elements;
#[cfg(feature = "gstreamer")]
mod encoder;
mod format;
#[cfg(feature = "gstreamer")]
mod fragments;
#[cfg(feature = "gstreamer")]
mod labels;
#[cfg(feature = "gstreamer")]
mod outputs;
#[cfg(feature = "gstreamer")]
mod queue;
#[cfg(feature = "gstreamer")]
mod sink;
#[cfg(feature = "gstreamer")]
mod sink_chain;
mod status;
#[cfg(feature = "gstreamer")]
mod track;
#[cfg(feature = "gstreamer")]
mod weave;
#[cfg(feature = "gstreamer")]
mod whip;

pub use crate::time::Timecode;
pub use address::{Container, RtpForm, SinkAddress, SinkAddressError, SinkCodec, SinkKind, SrtSide};
pub use channel::{
    Channel, ChannelError, ChannelOptions, ChannelStatus, Cover, Due, Frame, FrameTaker, Keyed, PictureSource, Signal, TakerId, Tick,
};
pub use clock::TickClock;
pub use destination::Meeting;
#[cfg(feature = "gstreamer")]
pub use elements::{SinkSupport, encoder_support, sink_support};
pub use format::{FormatError, ProgramFormat};
#[cfg(feature = "gstreamer")]
pub use outputs::{ProgramOutput, SinkId};
pub use status::{ProgramStatus, SinkState, SinkStatus};

/// So many sinks an output has at most: each is a thread, a pipeline and two seconds of coded pictures.
pub const MOST_SINKS: usize = 16;

/// A sink that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkSpec {
    /// Its name.
    pub name: String,
    /// Where it goes.
    pub address: SinkAddress,
    /// How it is coded.
    pub codec: SinkCodec,
    /// Bits per second of video, thousands, where the codec has a rate.
    pub kilobits: u32,
    /// What is heard in it.
    pub sound: SinkSound,
    /// Which pictures.
    pub signal: Signal,
}

/// What a sink carries besides pictures, where it can.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SinkSound {
    /// The program's sound if there is an input; RTMP carries a track in any case, because servers want one.
    #[default]
    Auto,
    /// No track.
    None,
    /// A silent track.
    Silence,
    /// The program's sound.
    Program,
}

impl SinkSpec {
    /// With what is usual for the address.
    pub fn new(name: impl Into<String>, address: SinkAddress) -> Self {
        Self { name: name.into(), codec: address.codecs()[0], address, kilobits: 8000, sound: SinkSound::Auto, signal: Signal::Program }
    }

    /// Whether it may go out beside another: not into one folder, and not to one port.
    pub fn check_beside(&self, other: &Self) -> Result<(), Meeting> {
        let Some((place, remedy)) = self.address.meets(&other.address) else { return Ok(()) };
        Err(Meeting { name: self.name.clone(), other: other.name.clone(), place, remedy })
    }

    /// Whether a program of this format can go out so.
    pub fn check(&self, format: ProgramFormat) -> Result<(), ChannelError> {
        if format.is_interlaced && !self.codec.has_fields() {
            return Err(ChannelError::NoFields { codec: self.codec.name(), format });
        }
        if format.is_interlaced && !self.address.takes_fields() {
            return Err(ChannelError::NoFieldsInBrowsers(format));
        }
        Ok(())
    }
}
