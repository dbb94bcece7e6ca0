//! Replay: events, transport and paths. Pure: values in, values out.
//!
//! Must not know: GPU, threads, GStreamer, windows.

mod event;
pub mod path;
mod transport;

pub use event::{Event, EventId, EventList, EventRules};
pub use transport::{Effect, OnAir, Phase, Prepared, Program, Readiness, Transport, TransportCommand};
