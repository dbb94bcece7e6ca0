//! Replay: events, transport and paths. Pure: values in, values out.
//!
//! Must not know: GPU, threads, GStreamer, windows.

pub mod path;
