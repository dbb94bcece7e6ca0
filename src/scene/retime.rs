//! The picture that a camera would have made between two of its frames: motion-compensated interpolation on the GPU.
//!
//! A camera that runs freely saw its nearest frame up to half a frame before or after the instant. Motion between its two
//! frames about the instant is searched coarse to fine (`shaders/scene/flow.wgsl`), both ways; then every pixel of either
//! frame goes its share of the way (`shaders/scene/retime.wgsl`). What both frames see is blended, the nearer one counting
//! more; what only one sees is taken from it; what stands still is the nearer frame's own pixel, untouched.
//!
//! Must not know: clocks, cameras' poses, the solve.

use bytemuck::{Pod, Zeroable};

use super::{
    SceneError,
    solver::{array_texture, tiles, view},
    upload::write_layer,
};
use crate::{
    frame::Picture,
    gpu::{Gpu, Kernel, storage, uniform},
};

/// Motion is searched on pictures of at most this side, px; larger ones are halved. What a finer search would add is less than a
/// pixel's worth of a picture that moves.
const MOST_SIDE_PX: u32 = 1000;
/// The coarsest level's shorter side is at least this, px.
const LEAST_SIDE_PX: u32 = 20;
/// Levels up to this side are searched exhaustively around the best guess: what is small and fast is on no coarser level, px.
const WIDE_SIDE_PX: u32 = 170;
/// How far around the best guess: on such levels, and on finer ones, px.
const REACH_PX: [u32; 2] = [5, 1];
/// Rounds of spreading per level.
const SPREADS: u32 = 3;

/// `Flow` of shaders/scene/flow.wgsl.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
pub struct FlowGpu {
    /// Of this level, px.
    pub width: u32,
    /// See `width`.
    pub height: u32,
    /// Of the coarser level, px; 0 at the coarsest.
    pub coarse_width: u32,
    /// See `coarse_width`.
    pub coarse_height: u32,
    /// Frame that motion starts in.
    pub layer: u32,
    /// Whole px around the best guess that are tried.
    pub reach: u32,
    /// First step of the refinement, px.
    pub step: f32,
    /// Unused.
    pub pad: u32,
}

crate::shader_struct!(FlowGpu as "Flow" in "scene/flow.wgsl" { width, height, coarse_width, coarse_height, layer, reach, step, pad });

/// `Retime` of shaders/scene/retime.wgsl.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
pub struct RetimeGpu {
    /// Of the pictures, px.
    pub width: u32,
    /// See `width`.
    pub height: u32,
    /// Of the grid of motion.
    pub grid_width: u32,
    /// See `grid_width`.
    pub grid_height: u32,
    /// Picture px per grid px.
    pub scale: f32,
    /// From frame 0 to frame 1.
    pub share: f32,
    /// Frame whose pixels are sent.
    pub layer: u32,
    /// What nobody knows is faded from frame to frame (1), or the nearer frame's (0).
    pub fade: u32,
}

crate::shader_struct!(RetimeGpu as "Retime" in "scene/retime.wgsl" { width, height, grid_width, grid_height, scale, share, layer, fade });

/// Motion between two frames of one camera, there and back, on the GPU.
#[derive(Debug)]
pub struct Motion {
    frames: wgpu::Texture,
    size: (u32, u32),
    grid: (u32, u32),
    motions: [wgpu::Buffer; 2],
}

/// What is shown where nobody can say what moved whither.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missed {
    /// The nearer frame's own pixel: sharp, and of another instant. For what is matched with other cameras.
    Nearer,
    /// The two frames faded into each other: for what is looked at.
    Faded,
}

/// A picture between two frames, and how far it can be trusted.
#[derive(Debug, Clone, PartialEq)]
pub struct Between {
    /// It.
    pub picture: Picture,
    /// Pixels that differ between the two frames, 0…1.
    pub moving_share: f32,
    /// Pixels that differ and of which nobody can say where they come from and go to, 0…1: see [`Missed`].
    pub missed_share: f32,
}

/// Where nobody knows more than this share of what moves, the picture is no better than the nearer frame.
const MOST_MISSED: f32 = 0.5;
/// Where less than this share of the picture moves, nobody sees what is missed.
const LEAST_MOVING: f32 = 0.0005;

impl Between {
    /// Whether the two frames agree on what happened between them, so that the picture is worth more than the nearer frame.
    pub fn agrees(&self) -> bool {
        self.moving_share < LEAST_MOVING || self.missed_share <= MOST_MISSED * self.moving_share
    }
}

fn check(share: f32) -> Result<(), SceneError> {
    if (0.0..=1.0).contains(&share) {
        return Ok(());
    }
    Err(SceneError::Input(format!("a share of {share} between two frames; it goes from 0 to 1")))
}

/// The pipelines of motion and interpolation.
#[derive(Debug)]
pub struct Retimer {
    halve: Kernel,
    search: Kernel,
    spread: Kernel,
    send: Kernel,
    gather: Kernel,
}

impl Retimer {
    /// Compiles the pipelines.
    pub fn new(gpu: &Gpu) -> Result<Self, SceneError> {
        let flow = |entry| Kernel::new(gpu, "scene/flow.wgsl", entry, &[]);
        let retime = |entry| Kernel::new(gpu, "scene/retime.wgsl", entry, &[]);
        Ok(Self {
            halve: flow("halve")?,
            search: flow("search")?,
            spread: flow("spread")?,
            send: retime("send")?,
            gather: retime("gather")?,
        })
    }

    /// The picture `share` of the way from `frames[0]` (0) to `frames[1]` (1), of their size. Frames of different sizes and shares
    /// that are no number from 0 to 1 are an input error.
    pub fn between(&self, gpu: &Gpu, frames: [&Picture; 2], share: f32) -> Result<Between, SceneError> {
        check(share)?;
        self.draw(gpu, &self.motion_between(gpu, frames)?, share, Missed::Nearer)
    }

    /// Motion between two frames of one camera, from which any number of pictures can be drawn. Frames of different sizes are an input
    /// error.
    pub fn motion_between(&self, gpu: &Gpu, frames: [&Picture; 2]) -> Result<Motion, SceneError> {
        let size = (frames[0].width(), frames[0].height());
        if size != (frames[1].width(), frames[1].height()) {
            return Err(SceneError::Input(format!(
                "two frames of one camera have {}×{} and {}×{} px: its format changed between them",
                size.0,
                size.1,
                frames[1].width(),
                frames[1].height()
            )));
        }
        Ok(gpu.checked("searching for motion between two frames", || {
            let texture = array_texture(gpu, "frames", size, 2, wgpu::TextureFormat::Rgba8Unorm);
            for (layer, frame) in frames.iter().enumerate() {
                write_layer(gpu, &texture, layer, size, frame.rgba());
            }
            let mut levels = vec![(size, texture)];
            let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("motion") });
            while levels[levels.len() - 1].0.0.min(levels[levels.len() - 1].0.1) >= 2 * LEAST_SIDE_PX {
                let coarser = self.halved(gpu, &mut encoder, &levels[levels.len() - 1]);
                levels.push(coarser);
            }
            let grid_level = levels.iter().position(|((w, h), _)| *w.max(h) <= MOST_SIDE_PX).unwrap_or(levels.len() - 1);
            let motions = [0, 1].map(|layer| self.motion(gpu, &mut encoder, &levels, grid_level, layer));
            gpu.queue.submit([encoder.finish()]);
            let grid = levels[grid_level].0;
            Ok(Motion { frames: levels.swap_remove(0).1, size, grid, motions })
        })?)
    }

    /// The picture `share` of the way along a motion. A share that is no number from 0 to 1 is an input error.
    pub fn draw(&self, gpu: &Gpu, motion: &Motion, share: f32, missed: Missed) -> Result<Between, SceneError> {
        check(share)?;
        let (bytes, tally) = gpu.checked("interpolating between two frames", || {
            let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("retime") });
            let tally = storage(gpu, "tally", 8);
            let between = self.move_pixels(gpu, &mut encoder, motion, (share, missed), &tally);
            gpu.queue.submit([encoder.finish()]);
            Ok((gpu.read_texture(&between, 0)?, gpu.read_buffer(&tally)?))
        })?;
        let (width, height) = motion.size;
        let picture = Picture::from_rgba(width, height, bytes).map_err(|e| SceneError::Input(e.to_string()))?;
        let whole = (width * height).max(1) as f32;
        let count = |k: usize| tally.get(4 * k..4 * k + 4).map_or(0, bytemuck::pod_read_unaligned::<u32>) as f32;
        Ok(Between { picture, moving_share: count(0) / whole, missed_share: count(1) / whole })
    }

    fn halved(
        &self,
        gpu: &Gpu,
        encoder: &mut wgpu::CommandEncoder,
        (size, finer): &((u32, u32), wgpu::Texture),
    ) -> ((u32, u32), wgpu::Texture) {
        let half = (size.0.div_ceil(2), size.1.div_ceil(2));
        let coarser = array_texture(gpu, "frames, halved", half, 2, wgpu::TextureFormat::Rgba8Unorm);
        for layer in 0..2 {
            let flow = FlowGpu { coarse_width: half.0, coarse_height: half.1, ..flow_of(*size, layer) };
            let bind = self.halve.bind(
                gpu,
                &[
                    (0, uniform(gpu, "flow", &flow).as_entire_binding()),
                    (1, wgpu::BindingResource::TextureView(&view(finer))),
                    (4, wgpu::BindingResource::TextureView(&view(&coarser))),
                ],
            );
            self.halve.dispatch(encoder, &bind, tiles(half));
        }
        (half, coarser)
    }

    /// Motion from frame `layer` to the other one, on the grid of `grid_level`.
    fn motion(
        &self,
        gpu: &Gpu,
        encoder: &mut wgpu::CommandEncoder,
        levels: &[((u32, u32), wgpu::Texture)],
        grid_level: usize,
        layer: u32,
    ) -> wgpu::Buffer {
        let field = |(w, h): (u32, u32)| storage(gpu, "motion", 8 * u64::from(w) * u64::from(h));
        let mut coarse = (field((1, 1)), (0, 0));
        for (size, frames) in levels[grid_level..].iter().rev() {
            let wide = size.0.max(size.1) <= WIDE_SIDE_PX;
            let flow = FlowGpu {
                coarse_width: coarse.1.0,
                coarse_height: coarse.1.1,
                reach: REACH_PX[usize::from(!wide)],
                ..flow_of(*size, layer)
            };
            let (frames, flow) = (view(frames), uniform(gpu, "flow", &flow));
            let mut pair = [field(*size), field(*size)];
            let run = |kernel: &Kernel, encoder: &mut wgpu::CommandEncoder, from: &wgpu::Buffer, to: &wgpu::Buffer| {
                let bind = kernel.bind(
                    gpu,
                    &[
                        (0, flow.as_entire_binding()),
                        (1, wgpu::BindingResource::TextureView(&frames)),
                        (2, from.as_entire_binding()),
                        (3, to.as_entire_binding()),
                    ],
                );
                kernel.dispatch(encoder, &bind, tiles(*size));
            };
            run(&self.search, encoder, &coarse.0, &pair[0]);
            for _ in 0..SPREADS {
                run(&self.spread, encoder, &pair[0], &pair[1]);
                pair.swap(0, 1);
            }
            let [found, _] = pair;
            coarse = (found, *size);
        }
        coarse.0
    }

    fn move_pixels(
        &self,
        gpu: &Gpu,
        encoder: &mut wgpu::CommandEncoder,
        Motion { frames, size, grid, motions }: &Motion,
        (share, missed): (f32, Missed),
        tally: &wgpu::Buffer,
    ) -> wgpu::Texture {
        let (size, grid) = (*size, *grid);
        let cells = 4 * u64::from(grid.0) * u64::from(grid.1);
        let arrived = [storage(gpu, "arrived", cells), storage(gpu, "arrived", cells)];
        for buffer in &arrived {
            encoder.clear_buffer(buffer, 0, None);
        }
        encoder.clear_buffer(tally, 0, None);
        let retime = |layer| {
            let scale = size.0 as f32 / grid.0 as f32;
            let (width, height, grid_width, grid_height) = (size.0, size.1, grid.0, grid.1);
            uniform(
                gpu,
                "retime",
                &RetimeGpu { width, height, grid_width, grid_height, scale, share, layer, fade: u32::from(missed == Missed::Faded) },
            )
        };
        for layer in 0..2 {
            let bind = self.send.bind(
                gpu,
                &[
                    (0, retime(layer).as_entire_binding()),
                    (2, motions[0].as_entire_binding()),
                    (3, motions[1].as_entire_binding()),
                    (4, arrived[0].as_entire_binding()),
                    (5, arrived[1].as_entire_binding()),
                ],
            );
            self.send.dispatch(encoder, &bind, tiles(grid));
        }
        let between = array_texture(gpu, "between", size, 1, wgpu::TextureFormat::Rgba8Unorm);
        let bind = self.gather.bind(
            gpu,
            &[
                (0, retime(0).as_entire_binding()),
                (1, wgpu::BindingResource::TextureView(&view(frames))),
                (2, motions[0].as_entire_binding()),
                (3, motions[1].as_entire_binding()),
                (6, arrived[0].as_entire_binding()),
                (7, arrived[1].as_entire_binding()),
                (8, wgpu::BindingResource::TextureView(&view(&between))),
                (9, tally.as_entire_binding()),
            ],
        );
        self.gather.dispatch(encoder, &bind, tiles(size));
        between
    }
}

const fn flow_of((width, height): (u32, u32), layer: u32) -> FlowGpu {
    FlowGpu { width, height, coarse_width: 0, coarse_height: 0, layer, reach: 0, step: 0.5, pad: 0 }
}
