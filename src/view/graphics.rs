//! Draws flat shapes of the world over a view: in the right perspective, hidden by what stands before them.
//!
//! Must not know: who wants them, and what they mean.

use std::sync::Arc;

use glam::{DVec2, DVec3};

use super::{View, ViewError, ViewMode, ViewSynthesizer, sources, synthesizer};
use crate::{
    color::linear_from_srgb,
    frame::Picture,
    gpu::{Gpu, Kernel, storage, storage_init, uniform},
    rig::Camera,
    scene::Scene,
};

/// `Draw` of shaders/view/graphics.wgsl.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
pub struct DrawGpu {
    /// Shapes.
    pub count: u32,
    /// 1: the view has a background.
    pub layered: u32,
    /// Inverse depth per px of disparity, 1/m.
    pub unit: f32,
    /// 1: the target's rays are given, 0: it is a pinhole.
    pub has_rays: u32,
}

crate::shader_struct!(DrawGpu as "Draw" in "view/graphics.wgsl" { count, layered, unit, has_rays });

/// `Shape` of shaders/view/graphics.wgsl; its comments say what stands where.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
pub struct ShapeGpu {
    /// In the recentred world, metres; form.
    pub origin: [f32; 4],
    /// First axis; opacity.
    pub axis_u: [f32; 4],
    /// Second axis.
    pub axis_v: [f32; 4],
    /// Linear light.
    pub color: [f32; 4],
    /// Metres, by form.
    pub size: [f32; 4],
    /// First texel, width, height.
    pub texels: [u32; 4],
    /// Left, top, right, bottom, px.
    pub bounds: [f32; 4],
}

crate::shader_struct!(ShapeGpu as "Shape" in "view/graphics.wgsl" { origin, axis_u, axis_v, color, size, texels, bounds });

/// A picture with alpha as it is drawn into a view: linear light multiplied with alpha, in its own and ever smaller sizes.
#[derive(Debug)]
pub struct Artwork {
    /// (width, height, first texel) of each size, the largest first.
    levels: Vec<(u32, u32, usize)>,
    texels: Vec<[u32; 2]>,
}

impl Artwork {
    /// Of a picture.
    pub fn new(picture: &Picture) -> Self {
        let light: [f32; 256] = std::array::from_fn(|v| linear_from_srgb(v as f32 / 255.0));
        let of = |p: &[u8]| {
            let alpha = f32::from(p[3]) / 255.0;
            [light[usize::from(p[0])] * alpha, light[usize::from(p[1])] * alpha, light[usize::from(p[2])] * alpha, alpha]
        };
        let mut level: Vec<[f32; 4]> = picture.rgba().chunks_exact(4).map(of).collect();
        let (mut w, mut h) = (picture.width(), picture.height());
        let (mut levels, mut texels) = (vec![], vec![]);
        loop {
            levels.push((w, h, texels.len()));
            let word = |a: f32, b: f32| (a.clamp(0.0, 1.0) * 65535.0).round() as u32 | ((b.clamp(0.0, 1.0) * 65535.0).round() as u32) << 16;
            texels.extend(level.iter().map(|[r, g, b, a]| [word(*r, *g), word(*b, *a)]));
            if w.max(h) <= 1 {
                return Self { levels, texels };
            }
            let (half_w, half_h) = (w.div_ceil(2), h.div_ceil(2));
            let at = |x: u32, y: u32| level[(y.min(h - 1) * w + x.min(w - 1)) as usize];
            let mean = |i: u32| {
                let (x, y) = (2 * (i % half_w), 2 * (i / half_w));
                let four = [at(x, y), at(x + 1, y), at(x, y + 1), at(x + 1, y + 1)];
                std::array::from_fn(|c| four.iter().map(|t| t[c]).sum::<f32>() * 0.25)
            };
            level = (0..half_w * half_h).map(mean).collect();
            (w, h) = (half_w, half_h);
        }
    }

    /// What it takes of memory.
    pub fn bytes(&self) -> usize {
        self.texels.len() * size_of::<[u32; 2]>()
    }

    /// Width over height.
    pub fn aspect(&self) -> f64 {
        self.levels.first().map_or(1.0, |(w, h, _)| f64::from(*w) / f64::from((*h).max(1)))
    }

    /// The smallest size that has at least as many texels across as it is shown with pixels.
    fn level_for(&self, shown_px: f64) -> (u32, u32, usize) {
        let fits = self.levels.iter().rev().find(|(w, h, _)| f64::from((*w).max(*h)) >= shown_px);
        fits.or(self.levels.first()).copied().unwrap_or((1, 1, 0))
    }
}

/// What a shape is in its own plane: metres along its first and second axis, from its origin.
#[derive(Debug, Clone)]
pub enum Form {
    /// A straight stroke from the origin along the first axis.
    Stroke {
        /// Its length.
        length_m: f64,
        /// To both sides.
        half_width_m: f64,
    },
    /// A circle about the origin.
    Ring {
        /// To the middle of its line.
        radius_m: f64,
        /// To both sides.
        half_width_m: f64,
    },
    /// A filled circle.
    Disc {
        /// Its radius.
        radius_m: f64,
    },
    /// A filled polygon.
    Polygon(Vec<DVec2>),
    /// A picture whose lower left corner is the origin.
    Picture {
        /// The picture.
        artwork: Arc<Artwork>,
        /// Along the first axis.
        width_m: f64,
        /// Along the second axis.
        height_m: f64,
    },
}

/// A flat shape in the world.
#[derive(Debug, Clone)]
pub struct Shape {
    /// Where it begins.
    pub origin_in_world: DVec3,
    /// The axes of its plane: of unit length, at a right angle.
    pub axes_in_world: [DVec3; 2],
    /// What it is there.
    pub form: Form,
    /// sRGB code values; a picture has its own.
    pub color: [u8; 3],
    /// 0…1.
    pub opacity: f32,
}

impl Shape {
    /// The corners of what it covers, in its plane.
    fn corners(&self) -> Vec<DVec2> {
        let boxed = |low: DVec2, high: DVec2| vec![low, DVec2::new(high.x, low.y), high, DVec2::new(low.x, high.y)];
        match &self.form {
            Form::Stroke { length_m, half_width_m } => boxed(DVec2::new(0.0, -half_width_m), DVec2::new(*length_m, *half_width_m)),
            Form::Ring { radius_m, half_width_m } => boxed(-DVec2::splat(radius_m + half_width_m), DVec2::splat(radius_m + half_width_m)),
            Form::Disc { radius_m } => boxed(-DVec2::splat(*radius_m), DVec2::splat(*radius_m)),
            Form::Polygon(points) => points.clone(),
            Form::Picture { width_m, height_m, .. } => boxed(DVec2::ZERO, DVec2::new(*width_m, *height_m)),
        }
    }

    /// Where it may be seen (left, top, right, bottom, px): everywhere, where part of it is behind the camera.
    fn bounds(&self, target: &Camera) -> [f64; 4] {
        let [u, v] = self.axes_in_world;
        let corners: Vec<DVec3> = self.corners().into_iter().map(|c| self.origin_in_world + u * c.x + v * c.y).collect();
        let mut bounds = [f64::MAX, f64::MAX, f64::MIN, f64::MIN];
        for (k, a) in corners.iter().enumerate() {
            let b = corners[(k + 1) % corners.len()];
            // A lens that bends lines bends them outwards between the corners too.
            for step in 0..8 {
                let p = a.lerp(b, f64::from(step) / 8.0);
                let ahead = target.camera_from_world.apply(p).z > 0.05;
                let Some(px) = target.project(p).filter(|px| ahead && px.is_finite()) else {
                    return [f64::MIN, f64::MIN, f64::MAX, f64::MAX];
                };
                bounds = [bounds[0].min(px.x), bounds[1].min(px.y), bounds[2].max(px.x), bounds[3].max(px.y)];
            }
        }
        [bounds[0] - 2.0, bounds[1] - 2.0, bounds[2] + 2.0, bounds[3] + 2.0]
    }
}

/// The pipeline, and the pictures that were last drawn.
#[derive(Debug)]
pub(super) struct GraphicsPass {
    kernel: Kernel,
    /// The pictures, where the texels of each begin, and the buffer.
    artworks: Vec<(Arc<Artwork>, usize)>,
    texels: wgpu::Buffer,
}

impl GraphicsPass {
    pub(super) fn new(gpu: &Gpu) -> Result<Self, ViewError> {
        Ok(Self {
            kernel: Kernel::new(gpu, "view/graphics.wgsl", "graphics", &[])?,
            artworks: vec![],
            texels: storage(gpu, "no texels", 16),
        })
    }

    /// Has the pictures of these shapes on the GPU.
    fn load(&mut self, gpu: &Gpu, shapes: &[Shape]) -> Result<(), ViewError> {
        let mut wanted: Vec<&Arc<Artwork>> = vec![];
        for shape in shapes {
            if let Form::Picture { artwork, .. } = &shape.form
                && !wanted.iter().any(|w| Arc::ptr_eq(w, artwork))
            {
                wanted.push(artwork);
            }
        }
        if wanted.iter().all(|w| self.artworks.iter().any(|(a, _)| Arc::ptr_eq(a, w))) {
            return Ok(());
        }
        let bytes = wanted.iter().map(|w| w.texels.len() as u64 * 8).sum::<u64>();
        if bytes > gpu.device.limits().max_storage_buffer_binding_size {
            return Err(ViewError::Input(format!(
                "the pictures of the graphics take {} MiB, more than this GPU binds. Take smaller ones",
                bytes >> 20
            )));
        }
        let mut texels: Vec<[u32; 2]> = vec![];
        self.artworks.clear();
        for artwork in wanted {
            self.artworks.push((Arc::clone(artwork), texels.len()));
            texels.extend_from_slice(&artwork.texels);
        }
        self.texels = storage_init(gpu, "texels", &texels);
        Ok(())
    }

    /// The shapes as the shader wants them, and the points of polygons.
    fn shapes(&self, shapes: &[Shape], target: &Camera, origin: DVec3) -> (Vec<ShapeGpu>, Vec<[f32; 2]>) {
        let mut points: Vec<[f32; 2]> = vec![];
        let mut out = vec![];
        let (w, h) = (f64::from(target.width_px), f64::from(target.height_px));
        for shape in shapes {
            let bounds = shape.bounds(target);
            if bounds[2] < 0.0 || bounds[3] < 0.0 || bounds[0] > w || bounds[1] > h {
                continue;
            }
            let mut texels = [0; 4];
            let (form, size) = match &shape.form {
                Form::Stroke { length_m, half_width_m } => (0.0, [*length_m, *half_width_m]),
                Form::Ring { radius_m, half_width_m } => (1.0, [*radius_m, *half_width_m]),
                Form::Disc { radius_m } => (2.0, [*radius_m, 0.0]),
                Form::Polygon(polygon) => {
                    let first = points.len();
                    points.extend(polygon.iter().map(|p| [p.x as f32, p.y as f32]));
                    (3.0, [first as f64, polygon.len() as f64])
                }
                Form::Picture { artwork, width_m, height_m } => {
                    let Some((_, first)) = self.artworks.iter().find(|(a, _)| Arc::ptr_eq(a, artwork)) else { continue };
                    let shown_px = (bounds[2] - bounds[0]).max(bounds[3] - bounds[1]).min(1e5);
                    // Sixteen places are looked at per pixel: twice as fine a size as the pixels.
                    let (width, height, begin) = artwork.level_for(2.0 * shown_px);
                    texels = [(first + begin) as u32, width, height, 0];
                    (4.0, [*width_m, *height_m])
                }
            };
            let o = (shape.origin_in_world - origin).as_vec3();
            let [u, v] = shape.axes_in_world;
            let (u, v) = (u.as_vec3(), v.as_vec3());
            let [r, g, b] = shape.color.map(|c| linear_from_srgb(f32::from(c) / 255.0));
            out.push(ShapeGpu {
                origin: [o.x, o.y, o.z, form],
                axis_u: [u.x, u.y, u.z, shape.opacity.clamp(0.0, 1.0)],
                axis_v: [v.x, v.y, v.z, 0.0],
                color: [r, g, b, 1.0],
                size: [size[0] as f32, size[1] as f32, 0.0, 0.0],
                texels,
                bounds: bounds.map(|v| v.clamp(-1e6, 1e6) as f32),
            });
        }
        (out, points)
    }
}

impl ViewSynthesizer {
    /// Draws the shapes, in their order, over a view of `target` that was rendered from this scene; they are hidden by what stands before them.
    /// A scene without depth is refused: nobody would know what hides what.
    pub fn draw(&mut self, scene: &Scene, target: &Camera, view: &mut View, shapes: &[Shape]) -> Result<(), ViewError> {
        if shapes.is_empty() {
            return Ok(());
        }
        if !scene.has_depth() {
            return Err(ViewError::Input("graphics in the scene need its depth: render in another mode".to_owned()));
        }
        let gpu = self.gpu().clone();
        self.graphics.load(&gpu, shapes)?;
        // A view through a plane has no surface of its own: what hides what is known all the same.
        let flat = matches!(view.report.mode, ViewMode::CrossFade | ViewMode::Nearest);
        let seen = if flat { Some(self.render(scene, target, ViewMode::Synthesis)?) } else { None };
        let depth = seen.as_ref().unwrap_or(view);
        let (list, points) = self.graphics.shapes(shapes, target, scene.plan.center_in_world);
        if list.is_empty() {
            return Ok(());
        }
        let chosen = sources::choose(scene, target, ViewMode::Synthesis);
        let unit = chosen.first().map_or(1.0, |(i, _)| scene.plan.working[*i].rho_per_px) as f32;
        let size = (target.width_px, target.height_px);
        let nothing = || storage(&gpu, "nothing", 16);
        let has_rays = !target.lens.distortion.is_none();
        let draw = DrawGpu { count: list.len() as u32, layered: u32::from(depth.layers.is_some()), unit, has_rays: u32::from(has_rays) };
        let (behind, cover) = depth.layers.clone().unwrap_or_else(|| (nothing(), nothing()));
        let points = if points.is_empty() { nothing() } else { storage_init(&gpu, "points", &points) };
        let parameters = uniform(&gpu, "view", &synthesizer::parameters_of(scene, target, ViewMode::Synthesis, chosen.len()));
        let cameras = uniform(&gpu, "view cameras", &synthesizer::cameras_of(scene, target, ViewMode::Synthesis, &[]));
        let rays = self.rays_of(target, has_rays);
        let out = synthesizer::picture_texture(&gpu, size);
        let flat_view = |t: &wgpu::Texture| t.create_view(&wgpu::TextureViewDescriptor::default());
        let (out_view, shown) = (flat_view(&out), flat_view(&view.texture));
        let bind = self.graphics.kernel.bind(
            &gpu,
            &[
                (0, parameters.as_entire_binding()),
                (1, cameras.as_entire_binding()),
                (3, depth.surface.as_entire_binding()),
                (4, behind.as_entire_binding()),
                (5, rays.as_entire_binding()),
                (6, wgpu::BindingResource::TextureView(&out_view)),
                (7, uniform(&gpu, "draw", &draw).as_entire_binding()),
                (8, wgpu::BindingResource::TextureView(&shown)),
                (9, storage_init(&gpu, "shapes", &list).as_entire_binding()),
                (10, points.as_entire_binding()),
                (11, self.graphics.texels.as_entire_binding()),
                (12, cover.as_entire_binding()),
            ],
        );
        gpu.checked("drawing graphics", || {
            let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("graphics") });
            self.graphics.kernel.dispatch(&mut encoder, &bind, [size.0.div_ceil(8), size.1.div_ceil(8), 1]);
            gpu.queue.submit([encoder.finish()]);
            Ok(())
        })?;
        view.texture = out;
        Ok(())
    }
}
