//! How much GPU memory a solve takes, from the same sizes that the solver allocates; `tests/gpu_memory.rs` compares it with what the
//! device's allocator counts.

use super::{
    Plan, Scene, SceneOptions,
    plan::{MAX_NEIGHBOURS, largest},
    solver, tune,
};
use crate::{gpu::Gpu, rig::Rig};

/// Bytes per pixel of the solver's state of one camera: a slanted plane and its cost. The largest binding of a solve.
pub(super) const STATE_BYTES: u64 = 16;
/// Pictures and working pictures are `Rgba8Unorm`.
const COLOR_BYTES: u64 = 4;
/// Depth maps are `Rg32Float`.
const DEPTH_BYTES: u64 = 8;
/// A word of packed luma.
const QUAD_BYTES: u64 = 4;
/// Sum of the costs over the directions, per hypothesis of the coarse search.
const SUM_BYTES: u64 = 2;
/// The same with the cost itself, a byte.
const VOLUME_BYTES: u64 = SUM_BYTES + 1;
/// Smaller depth maps than this are not offered to save memory, px.
const SMALLEST_PX: u32 = 160;

/// GPU memory of a solve, bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// While the pictures are uploaded.
    pub upload_bytes: u64,
    /// While the depth of the cameras is searched, one after the other.
    pub search_bytes: u64,
    /// While the cameras are checked against each other.
    pub check_bytes: u64,
    /// While a thorough solve is tuned; else zero.
    pub tune_bytes: u64,
    /// What stays: the scene.
    pub scene_bytes: u64,
    /// The largest storage buffer that is bound.
    pub binding_bytes: u64,
}

impl Memory {
    /// Of a solve of the cameras of `rig`.
    pub fn of(rig: &Rig, options: &SceneOptions) -> Self {
        let plan = Plan::new(rig, options.max_depth_size_px);
        let n = rig.cameras.len();
        let pixels = |(w, h): (u32, u32)| u64::from(w) * u64::from(h);
        // An array has layers of the size of its largest camera.
        let layers = |size: (u32, u32)| pixels(size) * n as u64;
        let pictures = COLOR_BYTES * layers(largest(rig.cameras.iter().map(|c| (c.width_px, c.height_px))));
        let level = |l: u32| COLOR_BYTES * layers(plan.layer_size(l));
        let levels: u64 = (0..=plan.levels).map(level).sum();
        let depths = DEPTH_BYTES * layers(plan.layer_size(0));
        let most_pixels = |l: u32| (0..n).map(|i| pixels(plan.level_size(i, l))).max().unwrap_or(1);
        let coarse = plan.levels - 1;
        let found = STATE_BYTES * (0..n).map(|i| pixels(plan.level_size(i, coarse))).sum::<u64>();
        let states = 2 * STATE_BYTES * most_pixels(0) + found;
        let quads: u64 = (0..plan.levels).map(|l| QUAD_BYTES * most_pixels(l) * MAX_NEIGHBOURS as u64).sum();
        // Hypotheses of the range that the rig allows; the one that is found is narrower. (The range is searched one level further down.)
        let cells = |l: u32| (0..n).map(|i| pixels(plan.level_size(i, l)) * u64::from(plan.depth_count(i, l))).max().unwrap_or(1);
        let cells = cells(plan.levels - 1).max(cells(plan.levels));
        Self {
            // The queue holds a copy of all pictures until the first submission is done.
            upload_bytes: 2 * pictures + levels + depths,
            search_bytes: pictures + levels + depths + states + quads + VOLUME_BYTES * cells,
            // The exposures, rims and responses at its end.
            check_bytes: pictures + level(0) + 2 * depths + solver::shading_bytes(&plan),
            tune_bytes: if options.thorough { pictures + depths + tune::bytes(&plan, depths) } else { 0 },
            scene_bytes: pictures + depths,
            binding_bytes: (STATE_BYTES * most_pixels(0)).max(SUM_BYTES * cells),
        }
    }

    /// What a background adds to the scene of a rig ([`crate::scene::Layering`]), bytes: pictures, depth, mattes. While it is made there are
    /// twice as many, because the queue holds a copy of what is uploaded, and the depth before.
    pub fn background_bytes(rig: &Rig, options: &SceneOptions) -> u64 {
        let (w, h) = largest(rig.cameras.iter().map(|c| (c.width_px, c.height_px)));
        Self::of(rig, options).scene_bytes + u64::from(w) * u64::from(h) * rig.cameras.len() as u64
    }

    /// The most at any time.
    pub fn peak_bytes(&self) -> u64 {
        self.upload_bytes.max(self.search_bytes).max(self.check_bytes).max(self.tune_bytes)
    }
}

impl SceneOptions {
    /// These options with depth maps as small as it takes for a solve to stay within `most_bytes`, and its bindings within
    /// `most_binding_bytes`. (The pictures themselves are never made smaller: what they alone need is needed.)
    #[must_use]
    pub fn fitted(self, rig: &Rig, most_bytes: u64, most_binding_bytes: u64) -> Self {
        let mut options = self;
        let own = rig.cameras.iter().map(|c| c.width_px.max(c.height_px)).max().unwrap_or(1);
        loop {
            let memory = Memory::of(rig, &options);
            let size = options.max_depth_size_px.map_or(own, |most| most.min(own));
            if memory.peak_bytes() <= most_bytes && memory.binding_bytes <= most_binding_bytes || size <= SMALLEST_PX {
                return options;
            }
            // By a sixteenth at a time, in multiples of eight.
            options.max_depth_size_px = Some((size - (size / 16).max(8)).next_multiple_of(8).min(size - 1).max(SMALLEST_PX));
        }
    }
}

impl Scene {
    /// What the scene takes on the GPU, bytes.
    pub fn bytes(&self) -> u64 {
        let of = |t: &wgpu::Texture| {
            let texel = t.format().block_copy_size(None).unwrap_or(4);
            u64::from(t.width()) * u64::from(t.height()) * u64::from(t.depth_or_array_layers()) * u64::from(texel)
        };
        let behind = self.background.as_ref().map_or(0, |b| of(&b.mattes) + b.scene.bytes());
        of(&self.pictures) + of(&self.depths) + behind
    }
}

/// The largest storage buffer that may be bound, bytes.
pub(super) fn most_binding_bytes(gpu: &Gpu) -> u64 {
    gpu.device.limits().max_storage_buffer_binding_size
}
