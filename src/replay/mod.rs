//! Replay: events, transport and paths. Pure: values in, values out.
//!
//! Must not know: GPU, threads, GStreamer, windows.

mod edit;
mod event;
pub mod graphics;
pub mod operators;
pub mod path;
pub mod playlist;
mod transport;
pub mod trim;

pub use edit::EventEdit;
pub use event::{BEST_RATING, Event, EventColor, EventId, EventList, EventRules};
pub use transport::{
    Effect, NO_SECOND, OnAir, Phase, Prepared, Program, Readiness, SecondCommand, SecondProgram, Transport, TransportCommand,
};
