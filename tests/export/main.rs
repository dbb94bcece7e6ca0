//! Exports as a whole: crops, recipes, provenance and interchange, on a small drawn stage with known geometry, judged by other programs.
#![cfg(all(feature = "console", feature = "gstreamer"))]
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

#[cfg(feature = "credentials")]
mod credentials;
mod crops;
mod decoders;
mod hostile;
mod interchange;
mod matches;
mod memory;
mod playlists;
mod provenance;
mod recipes;
mod stage;
