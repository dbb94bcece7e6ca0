//! Drawing the venue on the GPU.

use glam::{DVec3, Vec3, Vec4};
use wgpu::util::DeviceExt as _;

use super::build::Parts;
use super::layout::{CASTERS, CLUSTERS, Caster, Cluster, GLYPH_WORDS, PRIMS, Prim, TILE, TILE_CAPACITY, View, kind};
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
    counts: Counts,
}

/// What the uniform of a dispatch says about its stage.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counts {
    prims: u32,
    cones_end: u32,
    ellipsoids_end: u32,
    clusters: u32,
}

impl Counts {
    pub(super) fn of(parts: &Parts) -> Self {
        let end = |kind: u32| parts.prims.partition_point(|p| p.what[0] <= kind) as u32;
        Self {
            prims: parts.prims.len() as u32,
            cones_end: end(kind::CONE),
            ellipsoids_end: end(kind::ELLIPSOID),
            clusters: parts.clusters.len() as u32,
        }
    }
}

/// Buffers that depend on the size only.
#[derive(Debug)]
struct Target {
    width: u32,
    height: u32,
    samples: u32,
    with_truth: bool,
    /// Rows that the buffers below hold; a larger picture is drawn in bands.
    rows: u32,
    /// Tiles that a list holds.
    capacity: u32,
    tiles: wgpu::Buffer,
    tile_bits: wgpu::Buffer,
    lists: wgpu::Buffer,
    groups: wgpu::Buffer,
    hits: wgpu::Buffer,
    sums: wgpu::Buffer,
    truth: wgpu::Buffer,
    picture: wgpu::Texture,
}

/// Bytes that the samples' hits may take: below the smallest binding limit there is (128 MiB).
const HIT_BYTES: u64 = 96 << 20;

#[derive(Debug)]
struct Kernels {
    cull: Kernel,
    trace: Kernel,
    edges: Kernel,
    list_edges: Kernel,
    samples: Kernel,
    list_classes: Kernel,
    /// In the order of the class bits.
    shades: [Kernel; 4],
    resolve: Kernel,
}

/// The venue on a GPU. One per thread that renders; pictures depend only on camera, time and options.
#[derive(Debug)]
pub struct Venue {
    gpu: Gpu,
    options: VenueOptions,
    kernels: Kernels,
    glyphs: wgpu::Buffer,
    no_groups: wgpu::Buffer,
    messages: Vec<u32>,
    stage: Option<Stage>,
    target: Option<Target>,
}

/// A uniform table: the rows, then zeros up to the shader's fixed size.
fn table<T: bytemuck::Pod>(gpu: &Gpu, label: &str, rows: &[T], room: usize) -> wgpu::Buffer {
    let mut bytes = bytemuck::cast_slice::<T, u8>(&rows[..rows.len().min(room)]).to_vec();
    bytes.resize(room * size_of::<T>(), 0);
    gpu.device.create_buffer_init(&wgpu::util::BufferInitDescriptor {
        label: Some(label),
        contents: &bytes,
        usage: wgpu::BufferUsages::UNIFORM,
    })
}

impl Venue {
    /// Compiles the passes.
    pub fn new(gpu: &Gpu, options: VenueOptions) -> Result<Self, VenueError> {
        let (glyph_words, messages) = font::packed();
        let kernel = |file: &str, entry: &str| Kernel::new(gpu, &format!("venue/{file}.wgsl"), entry, &[]);
        let kernels = Kernels {
            cull: kernel("cull", "cull")?,
            trace: kernel("trace", "trace_centers")?,
            edges: kernel("edges", "find_edges")?,
            list_edges: kernel("lists", "list_edges")?,
            samples: kernel("samples", "trace_samples")?,
            list_classes: kernel("lists", "list_classes")?,
            shades: [
                kernel("shade_floor", "shade_floor")?,
                kernel("shade_stands", "shade_stands")?,
                kernel("shade_rest", "shade_rest")?,
                kernel("shade_prims", "shade_prims")?,
            ],
            resolve: kernel("resolve", "resolve")?,
        };
        Ok(Self {
            gpu: gpu.clone(),
            options,
            kernels,
            glyphs: table(gpu, "venue glyphs", &glyph_words, GLYPH_WORDS),
            no_groups: storage_init(gpu, "venue groups at first", &[0_u32, 1, 1, 0].repeat(5)),
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
            let rows = self.target.as_ref().map_or(h, |t| t.rows);
            for band in bands {
                let mut first_row = band.first_row;
                while first_row < band.end_row {
                    let end_row = (first_row + rows).min(band.end_row);
                    self.record(&mut encoder, camera, Band { first_row, end_row, ..*band }, with_truth, into);
                    first_row = end_row;
                }
            }
            gpu.queue.submit([encoder.finish()]);
            Ok(())
        })?;
        Ok(())
    }

    fn prepare_target(&mut self, width: u32, height: u32, with_truth: bool) {
        let samples = self.options.samples.min(16);
        if self
            .target
            .as_ref()
            .is_some_and(|t| t.width == width && t.height == height && t.samples == samples && (t.with_truth || !with_truth))
        {
            return;
        }
        let gpu = &self.gpu;
        let row_bytes = u64::from(width) * u64::from(samples + 1) * 8;
        // Whole tiles; and no more tiles than one dimension of a dispatch may have groups.
        let rows_by_memory = (HIT_BYTES / row_bytes) as u32 / TILE * TILE;
        let rows_by_groups = 65_535 / width.div_ceil(TILE) * TILE;
        let rows = rows_by_memory.min(rows_by_groups).max(TILE).min(height.next_multiple_of(TILE));
        let tiles_x = width.div_ceil(TILE);
        let tiles = u64::from(tiles_x) * u64::from(height.div_ceil(TILE));
        let capacity = tiles_x * rows.div_ceil(TILE);
        let picture = gpu.device.create_texture(&wgpu::TextureDescriptor {
            label: Some("venue picture"),
            size: wgpu::Extent3d { width, height, depth_or_array_layers: 1 },
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: wgpu::TextureFormat::Rgba8Unorm,
            usage: wgpu::TextureUsages::STORAGE_BINDING | wgpu::TextureUsages::COPY_SRC | wgpu::TextureUsages::TEXTURE_BINDING,
            view_formats: &[],
        });
        let groups = gpu.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("venue groups"),
            size: 80,
            usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::INDIRECT | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let truth_bytes = if with_truth { u64::from(width) * u64::from(height) * 8 } else { 16 };
        self.target = Some(Target {
            width,
            height,
            samples,
            with_truth,
            rows,
            capacity,
            tiles: storage(gpu, "venue tiles", tiles * u64::from(TILE_CAPACITY + 1) * 4),
            tile_bits: storage(gpu, "venue tile bits", tiles * 4),
            lists: storage(gpu, "venue lists", u64::from(capacity) * 5 * 4),
            groups,
            hits: storage(gpu, "venue hits", row_bytes * u64::from(rows)),
            sums: storage(gpu, "venue sums", u64::from(width) * u64::from(rows) * 16),
            truth: storage(gpu, "venue truth", truth_bytes),
            picture,
        });
    }

    fn prepare_stage(&mut self, time: MediaTime) {
        let phase = self.options.phase(time);
        if self.stage.as_ref().is_some_and(|s| s.phase.to_bits() == phase.to_bits()) {
            return;
        }
        let parts = world::at_phase(phase, self.options.period_secs(), &self.messages, self.options.dressing);
        let gpu = &self.gpu;
        self.stage = Some(Stage {
            phase,
            prims: table::<Prim>(gpu, "venue prims", &parts.prims, PRIMS),
            bounds: table::<Vec4>(gpu, "venue bounds", &parts.bounds, PRIMS),
            casters: table::<Caster>(gpu, "venue casters", &parts.casters, CASTERS),
            clusters: table::<Cluster>(gpu, "venue clusters", &parts.clusters, CLUSTERS),
            counts: Counts::of(&parts),
        });
    }

    fn record(&mut self, encoder: &mut wgpu::CommandEncoder, camera: &Camera, band: Band, with_truth: bool, into: Option<&wgpu::Texture>) {
        self.prepare_stage(band.time);
        let (Some(stage), Some(target)) = (&self.stage, &self.target) else { return };
        let (gpu, k) = (&self.gpu, &self.kernels);
        let rows = [band.first_row, band.end_row];
        let view = uniform(gpu, "venue view", &view(camera, &self.options, stage.phase, stage.counts, rows, target.capacity, with_truth));
        let texture_view = into.unwrap_or(&target.picture).create_view(&wgpu::TextureViewDescriptor::default());
        let resource = |binding: u32| {
            let buffer = match binding {
                0 => &view,
                1 => &stage.prims,
                2 => &stage.bounds,
                3 => &stage.casters,
                4 => &stage.clusters,
                5 => &target.tiles,
                6 => &self.glyphs,
                7 => return (7, wgpu::BindingResource::TextureView(&texture_view)),
                8 => &target.truth,
                9 => &target.hits,
                10 => &target.tile_bits,
                11 => &target.sums,
                12 => &target.lists,
                _ => &target.groups,
            };
            (binding, buffer.as_entire_binding())
        };
        let bind = |kernel: &Kernel, bindings: &[u32]| kernel.bind(gpu, &bindings.iter().map(|b| resource(*b)).collect::<Vec<_>>());
        let tile_rows = (band.end_row - band.first_row).div_ceil(TILE);
        let tiles_x = target.width.div_ceil(TILE);
        let per_pixel = [tiles_x, tile_rows, 1];
        let per_tile = [(tiles_x * tile_rows).div_ceil(64), 1, 1];

        encoder.clear_buffer(&target.tile_bits, 0, None);
        encoder.copy_buffer_to_buffer(&self.no_groups, 0, &target.groups, 0, 80);
        k.cull.dispatch(encoder, &bind(&k.cull, &[0, 1, 2, 5]), per_tile);
        k.trace.dispatch(encoder, &bind(&k.trace, &[0, 1, 5, 9]), per_pixel);
        k.edges.dispatch(encoder, &bind(&k.edges, &[0, 1, 5, 9, 10, 11]), per_pixel);
        k.list_edges.dispatch(encoder, &bind(&k.list_edges, &[0, 10, 12, 13]), per_tile);
        k.samples.dispatch_indirect(encoder, &bind(&k.samples, &[0, 1, 5, 9, 10, 11, 12]), &target.groups, 64);
        k.list_classes.dispatch(encoder, &bind(&k.list_classes, &[0, 10, 12, 13]), per_tile);
        let bindings: [&[u32]; 4] = [&[0, 3, 4, 9, 11, 12], &[0, 9, 11, 12], &[0, 9, 11, 12], &[0, 1, 3, 4, 6, 9, 11, 12]];
        for (class, (shade, bindings)) in k.shades.iter().zip(bindings).enumerate() {
            shade.dispatch_indirect(encoder, &bind(shade, bindings), &target.groups, class as u64 * 16);
        }
        k.resolve.dispatch(encoder, &bind(&k.resolve, &[0, 7, 8, 9, 11]), per_pixel);
    }
}

/// The uniform of one dispatch.
pub(super) fn view(
    camera: &Camera,
    options: &VenueOptions,
    phase: f32,
    counts: Counts,
    rows: [u32; 2],
    capacity: u32,
    with_truth: bool,
) -> View {
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
        x_in_world: axis(world_from_camera.x_axis),
        y_in_world: axis(world_from_camera.y_axis),
        z_in_world: axis(world_from_camera.z_axis),
        center: center.extend((1.0 / lens.fx_px) as f32),
        focal: Vec4::new(lens.fx_px as f32, lens.fy_px as f32, lens.cx_px as f32, lens.cy_px as f32),
        k_low: Vec4::new(k[0] as f32, k[1] as f32, k[2] as f32, k[3] as f32),
        k_high: Vec4::new(k[4] as f32, k[5] as f32, p[0] as f32, p[1] as f32),
        size: [camera.width_px, camera.height_px, kind, options.samples.min(16)],
        counts: [counts.prims, counts.clusters, camera.width_px.div_ceil(TILE), rows[0]],
        more: [rows[1], u32::from(with_truth), options.seed, 0],
        kinds: [counts.cones_end, counts.ellipsoids_end, counts.prims, capacity],
        clock: Vec4::new(phase, 2_f32.powf(options.exposure_ev), 0.0, 0.0),
    }
}
