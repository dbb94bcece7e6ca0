//! The program's windows: the operator's console, and the clean program window beside it.
//!
//! The windows have a GPU device of their own: a lost or busy device of the engine never freezes them, and the pictures that
//! they show are the same that outputs get.

#[cfg(feature = "console")]
mod console_window;
#[cfg(feature = "console")]
mod keys;
#[cfg(feature = "console")]
mod pictures;
#[cfg(feature = "console")]
mod placement;
#[cfg(feature = "console")]
mod program_window;
#[cfg(feature = "console")]
mod surface;
#[cfg(feature = "console")]
mod windows;

#[cfg(feature = "console")]
pub use crate::console::{Arrangement, Language};
#[cfg(feature = "console")]
pub use windows::{AppError, WindowOptions, has_display, run};
