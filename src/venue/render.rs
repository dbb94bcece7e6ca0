//! Drawing the venue on the GPU.

use glam::{DVec3, Vec3, Vec4};

#[cfg(test)]
use super::build::Parts;
use super::layout::{Caster, Cluster, Prim, TILE, TILE_CAPACITY, View};
use super::{VenueError, VenueFrame, VenueOptions, font, world};
use crate::frame::Picture;
use crate::geometry::Distortion;
use crate::gpu::{Gpu, Kernel, storage, storage_init, uniform};
use crate::rig::Camera;
use crate::time::MediaTime;

/// Rows of one dispatch and the time that they see.
#[derive(Debug, Clone, Copy)]
struct Band {
    first_row: u32,
    end_row: u32,
    time: MediaTime,
}

/// Buffers that depend on the time only.
#[derive(Debug)]
struct Stage {
    phase: f32,
    prims: wgpu::Buffer,
    bounds: wgpu::Buffer,
    casters: wgpu::Buffer,
    clusters: wgpu::Buffer,
    prim_count: u32,
    cluster_count: u32,
}

/// Buffers that depend on the size only.
#[derive(Debug)]
struct Target {
    width: u32,
    height: u32,
    with_truth: bool,
    tiles: wgpu::Buffer,
    hits: wgpu::Buffer,
    truth: wgpu::Buffer,
    picture: wgpu::Texture,
}

/// The venue on a GPU. One per thread that renders; pictures depend only on camera, time and options.
#[derive(Debug)]
pub struct Venue {
    gpu: Gpu,
    options: VenueOptions,
    cull: Kernel,
    trace: Kernel,
    shade: Kernel,
    glyphs: wgpu::Buffer,
    messages: Vec<u32>,
    stage: Option<Stage>,
    target: Option<Target>,
}

impl Venue {
    /// Compiles the passes.
    pub fn new(gpu: &Gpu, options: VenueOptions) -> Result<Self, VenueError> {
        let (glyph_words, messages) = font::packed();
        Ok(Self {
            gpu: gpu.clone(),
            options,
            cull: Kernel::new(gpu, "venue/cull.wgsl", "cull", &[])?,
            trace: Kernel::new(gpu, "venue/trace.wgsl", "trace_centers", &[])?,
            shade: Kernel::new(gpu, "venue/shade.wgsl", "shade_pixels", &[])?,
            glyphs: storage_init(gpu, "venue glyphs", &glyph_words),
            messages,
            stage: None,
            target: None,
        })
    }

    /// The options.
    pub const fn options(&self) -> &VenueOptions {
        &self.options
    }

    /// Changes the options (samples, exposure, …) for the frames to come.
    pub fn set_options(&mut self, options: VenueOptions) {
        self.options = options;
        self.stage = None;
    }

    /// The picture with its truth: depth and matte.
    pub fn render(&mut self, camera: &Camera, time: MediaTime) -> Result<VenueFrame, VenueError> {
        let (w, h) = (camera.width_px, camera.height_px);
        self.draw(camera, &[Band { first_row: 0, end_row: h, time }], true, None)?;
        let target = self.target.as_ref().ok_or(VenueError::Size { camera: camera.name.clone(), width: w, height: h })?;
        let picture = Picture::from_rgba(w, h, self.gpu.read_texture(&target.picture, 0)?)?;
        let bytes = self.gpu.read_buffer(&target.truth)?;
        let truth: Vec<[f32; 2]> = bytemuck::pod_collect_to_vec(&bytes[..w as usize * h as usize * 8]);
        Ok(VenueFrame {
            picture,
            depth: truth.iter().map(|t| if t[0] < 0.0 { f32::INFINITY } else { t[0] }).collect(),
            matte: truth.iter().map(|t| (t[1] * 255.0).round() as u8).collect(),
        })
    }

    /// The picture alone.
    pub fn render_picture(&mut self, camera: &Camera, time: MediaTime) -> Result<Picture, VenueError> {
        self.render_rolling(camera, time, 0)
    }

    /// The picture of a sensor whose rows are read one after another, the last `readout_nanos` after the first, which sees
    /// `time`. Time advances in steps of 8 rows.
    pub fn render_rolling(&mut self, camera: &Camera, time: MediaTime, readout_nanos: i64) -> Result<Picture, VenueError> {
        let h = camera.height_px;
        let bands = if readout_nanos == 0 {
            vec![Band { first_row: 0, end_row: h, time }]
        } else {
            (0..h.div_ceil(TILE))
                .map(|k| {
                    let (first_row, end_row) = (k * TILE, ((k + 1) * TILE).min(h));
                    let middle = f64::from(first_row + end_row) * 0.5 / f64::from(h);
                    Band { first_row, end_row, time: time.plus_nanos((readout_nanos as f64 * middle) as i64) }
                })
                .collect()
        };
        self.draw(camera, &bands, false, None)?;
        let target = self.target.as_ref().ok_or_else(|| VenueError::Size {
            camera: camera.name.clone(),
            width: camera.width_px,
            height: camera.height_px,
        })?;
        Ok(Picture::from_rgba(camera.width_px, camera.height_px, self.gpu.read_texture(&target.picture, 0)?)?)
    }

    /// Draws into a texture of the camera's size, `Rgba8Unorm` with `STORAGE_BINDING`, without reading anything back.
    pub fn render_into(&mut self, camera: &Camera, time: MediaTime, texture: &wgpu::Texture) -> Result<(), VenueError> {
        let right = texture.width() == camera.width_px
            && texture.height() == camera.height_px
            && texture.format() == wgpu::TextureFormat::Rgba8Unorm
            && texture.usage().contains(wgpu::TextureUsages::STORAGE_BINDING);
        if !right {
            return Err(VenueError::Texture { width: camera.width_px, height: camera.height_px });
        }
        self.draw(camera, &[Band { first_row: 0, end_row: camera.height_px, time }], false, Some(texture))
    }

    fn draw(&mut self, camera: &Camera, bands: &[Band], with_truth: bool, into: Option<&wgpu::Texture>) -> Result<(), VenueError> {
        let (w, h) = (camera.width_px, camera.height_px);
        if w == 0 || h == 0 || w > 8192 || h > 8192 {
            return Err(VenueError::Size { camera: camera.name.clone(), width: w, height: h });
        }
        let gpu = self.gpu.clone();
        gpu.checked("venue", || {
            self.prepare_target(w, h, with_truth);
            let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("venue") });
            for band in bands {
                self.record(&mut encoder, camera, *band, with_truth, into);
            }
            gpu.queue.submit([encoder.finish()]);
            Ok(())
        })?;
        Ok(())
    }

    fn prepare_target(&mut self, width: u32, height: u32, with_truth: bool) {
        if self.target.as_ref().is_some_and(|t| t.width == width && t.height == height && (t.with_truth || !with_truth)) {
            return;
        }
        let tiles = u64::from(width.div_ceil(TILE)) * u64::from(height.div_ceil(TILE));
        let picture = self.gpu.device.create_texture(&wgpu::TextureDescriptor {
            label: Some("venue picture"),
            size: wgpu::Extent3d { width, height, depth_or_array_layers: 1 },
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: wgpu::TextureFormat::Rgba8Unorm,
            usage: wgpu::TextureUsages::STORAGE_BINDING | wgpu::TextureUsages::COPY_SRC | wgpu::TextureUsages::TEXTURE_BINDING,
            view_formats: &[],
        });
        let truth_bytes = if with_truth { u64::from(width) * u64::from(height) * 8 } else { 16 };
        self.target = Some(Target {
            width,
            height,
            with_truth,
            tiles: storage(&self.gpu, "venue tiles", tiles * u64::from(TILE_CAPACITY + 1) * 4),
            hits: storage(&self.gpu, "venue hits", u64::from(width) * u64::from(height) * 8),
            truth: storage(&self.gpu, "venue truth", truth_bytes),
            picture,
        });
    }

    fn prepare_stage(&mut self, time: MediaTime) {
        let phase = self.options.phase(time);
        if self.stage.as_ref().is_some_and(|s| s.phase.to_bits() == phase.to_bits()) {
            return;
        }
        let parts = world::at_phase(phase, self.options.period_secs(), &self.messages);
        self.stage = Some(Stage {
            phase,
            prims: storage_init::<Prim>(&self.gpu, "venue prims", &parts.prims),
            bounds: storage_init::<Vec4>(&self.gpu, "venue bounds", &parts.bounds),
            casters: storage_init::<Caster>(&self.gpu, "venue casters", &parts.casters),
            clusters: storage_init::<Cluster>(&self.gpu, "venue clusters", &parts.clusters),
            prim_count: parts.prims.len() as u32,
            cluster_count: parts.clusters.len() as u32,
        });
    }

    fn record(&mut self, encoder: &mut wgpu::CommandEncoder, camera: &Camera, band: Band, with_truth: bool, into: Option<&wgpu::Texture>) {
        self.prepare_stage(band.time);
        let (Some(stage), Some(target)) = (&self.stage, &self.target) else { return };
        let view =
            view(camera, &self.options, stage.phase, [stage.prim_count, stage.cluster_count], [band.first_row, band.end_row], with_truth);
        let gpu = &self.gpu;
        let view_buffer = uniform(gpu, "venue view", &view);
        let cull = self.cull.bind(
            gpu,
            &[(0, view_buffer.as_entire_binding()), (2, stage.bounds.as_entire_binding()), (5, target.tiles.as_entire_binding())],
        );
        let tile_rows = (band.end_row - band.first_row).div_ceil(TILE);
        self.cull.dispatch(encoder, &cull, [(target.width.div_ceil(TILE) * tile_rows).div_ceil(64), 1, 1]);
        let groups = [target.width.div_ceil(TILE), tile_rows, 1];
        let trace = self.trace.bind(
            gpu,
            &[
                (0, view_buffer.as_entire_binding()),
                (1, stage.prims.as_entire_binding()),
                (2, stage.bounds.as_entire_binding()),
                (5, target.tiles.as_entire_binding()),
                (9, target.hits.as_entire_binding()),
            ],
        );
        self.trace.dispatch(encoder, &trace, groups);
        let texture = into.unwrap_or(&target.picture);
        let texture_view = texture.create_view(&wgpu::TextureViewDescriptor::default());
        let shade = self.shade.bind(
            gpu,
            &[
                (0, view_buffer.as_entire_binding()),
                (1, stage.prims.as_entire_binding()),
                (2, stage.bounds.as_entire_binding()),
                (3, stage.casters.as_entire_binding()),
                (4, stage.clusters.as_entire_binding()),
                (5, target.tiles.as_entire_binding()),
                (6, self.glyphs.as_entire_binding()),
                (7, wgpu::BindingResource::TextureView(&texture_view)),
                (8, target.truth.as_entire_binding()),
                (9, target.hits.as_entire_binding()),
            ],
        );
        self.shade.dispatch(encoder, &shade, groups);
    }

    /// The primitives of a time, for the tests' own ray-caster.
    #[cfg(test)]
    pub(super) fn parts(&self, time: MediaTime) -> Parts {
        world::at_phase(self.options.phase(time), self.options.period_secs(), &self.messages)
    }
}

/// The uniform of one dispatch.
pub(super) fn view(camera: &Camera, options: &VenueOptions, phase: f32, counts: [u32; 2], rows: [u32; 2], with_truth: bool) -> View {
    let world_from_camera = camera.camera_from_world.rotation.transpose();
    let axis = |v: DVec3| v.as_vec3().extend(0.0);
    let (kind, k, p) = match camera.lens.distortion {
        Distortion::None => (0, [0.0; 6], [0.0; 2]),
        Distortion::BrownConrady { k, p } => (1, k, p),
        Distortion::Fisheye { k } => (2, [k[0], k[1], k[2], k[3], 0.0, 0.0], [0.0; 2]),
    };
    let center: Vec3 = camera.center_in_world().as_vec3();
    let lens = &camera.lens;
    View {
        axes_in_world: [axis(world_from_camera.x_axis), axis(world_from_camera.y_axis), axis(world_from_camera.z_axis)],
        center: center.extend((1.0 / lens.fx_px) as f32),
        focal: Vec4::new(lens.fx_px as f32, lens.fy_px as f32, lens.cx_px as f32, lens.cy_px as f32),
        k_low: Vec4::new(k[0] as f32, k[1] as f32, k[2] as f32, k[3] as f32),
        k_high: Vec4::new(k[4] as f32, k[5] as f32, p[0] as f32, p[1] as f32),
        size: [camera.width_px, camera.height_px, kind, options.samples.min(16)],
        counts: [counts[0], counts[1], camera.width_px.div_ceil(TILE), rows[0]],
        more: [rows[1], u32::from(with_truth), options.seed, 0],
        clock: Vec4::new(phase, 2_f32.powf(options.exposure_ev), 0.0, 0.0),
    }
}
