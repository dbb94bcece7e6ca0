//! The engine: owns the state and joins the parts below it into jobs.
//!
//! Must not know: windows, panels, command lines.

pub mod export;
