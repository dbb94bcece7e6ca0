//! The plain-Rust twin of every GPU pass of scene and view, and its comparison with the pass on a small stage.
//!
//! A twin is written for reading, pixel by pixel, in single precision as the shader; it is the pass's definition when
//! the two disagree. Each comparison also shows that it would fail: the twin is run once more with something wrong.
//! When a shader is changed on purpose, its twin is changed with it.
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

mod align;
mod bench;
mod camera;
mod finish;
mod flatten;
mod gains;
mod graphics;
mod layers;
mod matching;
mod polish;
mod prepare;
mod refine;
mod retime;
mod sgm;
mod shade;
mod smooth;
mod specks;
mod splat;
mod stage;
mod strobe;
mod tune;
mod veil;
mod vote;
mod wgsl;
