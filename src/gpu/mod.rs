//! The GPU: device, shaders, compute kernels, timestamps, readback.
//!
//! Knows nothing of cameras or scenes. One [`Gpu`] per process part that owns pipelines.

mod context;
mod kernel;
pub mod layout;
mod readback;
pub mod shaders;
mod timing;

pub use context::{Gpu, GpuError, GpuOptions};
pub use kernel::{Kernel, storage, storage_init, uniform};
pub use timing::Timer;
