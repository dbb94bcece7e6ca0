//! The built-in venue: a synthetic sports hall with an athlete in motion, rendered by our own ray-caster on the GPU.
//!
//! It is the demo, the training mode, the tests' ground truth and an open benchmark, so every picture is a function of
//! (camera, time, options) alone, with exact pose, depth and matte, through any lens of [`crate::geometry`].
//!
//! How it is drawn: people and props are some 250 analytic primitives (round cones, ellipsoids, boxes, meshes of cords); floor
//! and stands are closed forms. A culling pass lists the primitives of each 8×8 tile; the render pass casts one ray through
//! the pixel's centre (depth) and some around it (coverage), and lights the hits with two flood lights with soft shadows and
//! ambient occlusion, both in closed form from the round cones. Nothing marches, so a software adapter keeps up.
//!
//! Must not know: capture, GStreamer, the engine. Whoever feeds the pictures into encoders does so from above.

mod build;
mod dataset;
mod dressing;
mod fault_request;
mod faults;
mod figure;
mod font;
mod hard;
mod layout;
mod optics;
mod prepared;
mod render;
mod rigs;
mod sensor;
mod skeleton;
mod sound;
mod stream;
#[cfg(test)]
mod twin;
mod world;

pub use dataset::{Dataset, DatasetError, depth_to_millimetres};
pub use dressing::Dressing;
pub use fault_request::FaultRequest;
pub use faults::{Bump, Fate, FaultError, Faults};
pub use hard::{HARD_SCENES, HardScene};
pub(crate) use layout::shader_structs;
pub use optics::{OpticFaults, Timed, dirt_at, stuck_at};
pub use prepared::{PreparedLoop, SMASH_PHASE, Standpoint};
pub use render::Venue;
pub use rigs::{VenueRig, landmarks_in_world};
pub use sensor::Sensor;
pub use sound::VenueSound;
pub use stream::{StreamEvent, StreamFrame, VenueStream};

use crate::frame::{Picture, PictureError};
use crate::gpu::GpuError;
use crate::time::MediaTime;

/// How the venue is drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct VenueOptions {
    /// Of all textures.
    pub seed: u32,
    /// The action repeats after this long, nanoseconds.
    pub period_nanos: i64,
    /// Rays per pixel besides the one through its centre, 0…16.
    pub samples: u32,
    /// Exposure, stops.
    pub exposure_ev: f32,
    /// What is added to the hall.
    pub dressing: Dressing,
}

impl Default for VenueOptions {
    fn default() -> Self {
        Self { seed: 1, period_nanos: 2_000_000_000, samples: 4, exposure_ev: 0.0, dressing: Dressing::None }
    }
}

impl VenueOptions {
    /// Phase 0…1 of the loop at a time.
    pub fn phase(&self, time: MediaTime) -> f32 {
        let period = self.period_nanos.max(1);
        (time.nanos().rem_euclid(period) as f64 / period as f64) as f32
    }

    /// The loop's length, seconds.
    pub fn period_secs(&self) -> f32 {
        (self.period_nanos.max(1) as f64 * 1e-9) as f32
    }
}

/// A picture with its ground truth.
#[derive(Debug, Clone, PartialEq)]
pub struct VenueFrame {
    /// As a camera sees it.
    pub picture: Picture,
    /// Row-major, metres along the camera's z axis through each pixel's centre; infinity where the sky is.
    pub depth: Vec<f32>,
    /// Row-major coverage by what moves (people, racket, ball): 255 = all of the pixel.
    pub matte: Vec<u8>,
}

/// What can go wrong with the venue.
#[derive(Debug, thiserror::Error)]
pub enum VenueError {
    /// The GPU's word.
    #[error(transparent)]
    Gpu(#[from] GpuError),
    /// The picture's word.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// Impossible picture size.
    #[error("camera {camera:?} has pictures of {width}×{height}: the venue draws from 1×1 to 8192×8192. Change the size in the rig")]
    Size {
        /// The camera.
        camera: String,
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
    },
    /// The texture given does not fit.
    #[error("the venue draws into an Rgba8Unorm storage texture of the camera's size, {width}×{height}. Create the texture so")]
    Texture {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
    },
}
