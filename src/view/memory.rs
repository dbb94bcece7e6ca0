//! How much GPU memory a view takes beside its scene, from the same sizes that the synthesizer allocates.

use super::{align, veil::VeilGpu};
use crate::gpu::Gpu;

/// Offered depth per source and pixel.
pub(super) const SPLAT_BYTES: u64 = 4;
/// (inverse depth, trust) per pixel.
pub(super) const SURFACE_BYTES: u64 = 8;
/// Share of the foreground per pixel of a view with a background.
pub(super) const COVER_BYTES: u64 = 4;
/// Ray of a distorted target per pixel.
const RAY_BYTES: u64 = 8;
/// The picture, as it is shaded and without specks.
const COLOR_BYTES: u64 = 4;

/// GPU memory of a view, bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ViewMemory {
    /// While it is made, reading back included.
    pub bytes: u64,
    /// The largest storage buffer that is bound.
    pub binding_bytes: u64,
}

impl ViewMemory {
    /// Of a view of that size from so many sources.
    pub const fn of((width_px, height_px): (u32, u32), sources: u64) -> Self {
        let pixels = width_px as u64 * height_px as u64;
        let splats = SPLAT_BYTES * sources * pixels;
        let surface = SURFACE_BYTES * pixels;
        // Two surfaces, the pyramid above the smooth one (a third of its finest level), and one that is read back.
        let surfaces = 2 * surface + surface / 3 + surface;
        let veil = VeilGpu::of((width_px, height_px)).bytes();
        let larger = if splats > surface { splats } else { surface };
        Self {
            bytes: splats
                + surfaces
                + align::shifts_bytes((width_px, height_px), sources)
                + (RAY_BYTES + 2 * COLOR_BYTES) * pixels
                + 2 * veil,
            binding_bytes: if larger > veil { larger } else { veil },
        }
    }
}

impl ViewMemory {
    /// The same where the scene has a background: its picture and surface wait while the moment is synthesized, and then both are put
    /// together in a third picture.
    #[must_use]
    pub const fn with_background(self, (width_px, height_px): (u32, u32)) -> Self {
        let pixels = width_px as u64 * height_px as u64;
        Self { bytes: self.bytes + (SURFACE_BYTES + COVER_BYTES + 2 * COLOR_BYTES) * pixels, ..self }
    }
}

/// How many sources a view may have so that no buffer is larger than this GPU binds; zero where the picture itself is too large.
pub(super) fn most_sources(gpu: &Gpu, (width_px, height_px): (u32, u32)) -> usize {
    let pixels = (u64::from(width_px) * u64::from(height_px)).max(1);
    let most_bytes = gpu.device.limits().max_storage_buffer_binding_size;
    // The least that is bound for one source.
    if ViewMemory::of((width_px, height_px), 1).binding_bytes > most_bytes {
        0
    } else {
        usize::try_from(most_bytes / (pixels * SPLAT_BYTES)).unwrap_or(usize::MAX)
    }
}
