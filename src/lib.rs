//! # Volte
//!
//! A multi-camera 360° freeze-frame replay engine. Synchronized camera feeds go into a ring; at an instant the frames
//! of all cameras become a moment, the moment is solved into a [`scene`] (depth and confidence per camera), and a
//! [`view`] is synthesized for any virtual camera between the real ones.
//!
//! Modules are layered; arrows point down only (`tests/architecture.rs` enforces it). See ARCHITECTURE.md.

// app, console, control
pub mod app;
#[cfg(feature = "console")]
pub mod console;
pub mod control;
// engine
pub mod engine;
// replay
pub mod replay;
// calibrate, capture, scene, view, sync, output, venue
pub mod calibrate;
#[cfg(feature = "gstreamer")]
pub mod capture;
pub mod output;
pub mod scene;
pub mod sync;
pub mod venue;
pub mod view;
// link
pub mod link;
// ring, gpu
pub mod gpu;
pub mod ring;
// frame, rig, show
pub mod frame;
pub mod rig;
pub mod show;
pub mod sound;
// time, geometry, color, telemetry, address
#[cfg_attr(not(feature = "gstreamer"), allow(dead_code, unused_imports, reason = "only connections need all of it"))]
pub mod address;
pub mod color;
pub mod geometry;
pub mod telemetry;
pub mod time;

/// Every struct that Rust uploads and a shader reads, for the test that compares the two sides.
pub fn shader_structs() -> Vec<gpu::layout::StructLayout> {
    // Each module that has shaders lists its own (`pub(crate) fn shader_structs() -> Vec<StructLayout>`).
    let lists: Vec<Vec<gpu::layout::StructLayout>> = vec![venue::shader_structs(), scene::shader_structs(), view::shader_structs()];
    lists.concat()
}
