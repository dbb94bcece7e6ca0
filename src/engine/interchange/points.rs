//! The solved surface as points: one per pixel of depth that is trusted, each place once.

use glam::{DVec2, DVec3};
use rayon::{
    iter::{IntoParallelIterator as _, ParallelExtend as _, ParallelIterator as _},
    slice::ParallelSliceMut as _,
};

use crate::{
    frame::Picture,
    gpu::Gpu,
    scene::{Scene, SceneError},
};

/// A point of the surface.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SurfacePoint {
    /// World, metres.
    pub p_in_world: [f32; 3],
    /// As displayed.
    pub rgb: [u8; 3],
    /// 0…1.
    pub confidence: f32,
    /// How large a pixel of the camera that saw it is there, metres.
    pub footprint_m: f32,
}

/// Two points nearer than this share of a pixel's size at the arc's centre are one: the surer of them stays.
const SAME_PLACE: f64 = 0.75;

/// The points of a scene whose confidence is at least that; `pictures` are those it was solved from. Sorted by place.
pub fn surface_points(scene: &Scene, gpu: &Gpu, pictures: &[&Picture], least: f32) -> Result<Vec<SurfacePoint>, SceneError> {
    let mut all: Vec<([i32; 3], SurfacePoint)> = vec![];
    // A pixel's size where the cameras look.
    let center = scene.plan.center_in_world;
    let sizes = scene.rig.cameras.iter().zip(&scene.plan.working);
    let mut pixel_m: Vec<f64> = sizes.map(|(c, w)| c.camera_from_world.apply(center).z.abs() / w.lens[0]).collect();
    pixel_m.sort_by(f64::total_cmp);
    let cell_m = pixel_m.get(pixel_m.len() / 2).map_or(1e-3, |m| (m * SAME_PLACE).max(1e-9));
    for (i, (camera, picture)) in scene.rig.cameras.iter().zip(pictures).enumerate() {
        let depth = scene.read_depth(gpu, i)?;
        let working = scene.plan.working[i];
        let world_from_camera = camera.camera_from_world.inverse();
        let width = working.width_px as usize;
        let point = |k: usize| -> Option<([i32; 3], SurfacePoint)> {
            let [rho, confidence] = depth[k];
            if !(rho > 1e-9 && confidence >= least) {
                return None;
            }
            let z = 1.0 / f64::from(rho);
            let [fx, fy, cx, cy] = working.lens;
            let (x, y) = ((k % width) as f64 + 0.5, (k / width) as f64 + 0.5);
            let p_in_camera = DVec3::new((x - cx) / fx, (y - cy) / fy, 1.0) * z;
            let p = world_from_camera.apply(p_in_camera);
            let rgb = color_at(picture, camera.lens.project(p_in_camera)?)?;
            // Coordinates from the centre, so that places are told apart wherever the world's origin is.
            let cell = ((p - center) / cell_m).floor();
            if cell.abs().max_element() > 1e9 {
                return None;
            }
            let footprint_m = (z / fx) as f32;
            let point = SurfacePoint { p_in_world: p.as_vec3().to_array(), rgb, confidence: confidence.min(1.0), footprint_m };
            Some(([cell.x as i32, cell.y as i32, cell.z as i32], point))
        };
        all.par_extend((0..depth.len()).into_par_iter().filter_map(point));
    }
    // The surest of a place first; then by what else there is, so that the order is the same every time.
    let order =
        |p: &SurfacePoint| (std::cmp::Reverse(p.confidence.to_bits()), p.footprint_m.to_bits(), p.rgb, p.p_in_world.map(f32::to_bits));
    all.par_sort_unstable_by_key(|(cell, p)| (*cell, order(p)));
    all.dedup_by_key(|(cell, _)| *cell);
    Ok(all.into_iter().map(|(_, p)| p).collect())
}

/// The colour at a place of a picture, between its pixels; `None` outside.
fn color_at(picture: &Picture, px: DVec2) -> Option<[u8; 3]> {
    let (w, h) = (picture.width(), picture.height());
    if !(px.x >= 0.0 && px.y >= 0.0 && px.x < f64::from(w) && px.y < f64::from(h)) {
        return None;
    }
    let (x, y) = ((px.x - 0.5).max(0.0), (px.y - 0.5).max(0.0));
    let (x0, y0) = (x as u32, y as u32);
    let (x1, y1) = ((x0 + 1).min(w - 1), (y0 + 1).min(h - 1));
    let (u, v) = (x.fract(), y.fract());
    let [a, b, c, d] = [(x0, y0), (x1, y0), (x0, y1), (x1, y1)].map(|(x, y)| picture.pixel(x, y).map(f64::from));
    let mix = |k: usize| (a[k] * (1.0 - u) + b[k] * u) * (1.0 - v) + (c[k] * (1.0 - u) + d[k] * u) * v;
    Some([mix(0), mix(1), mix(2)].map(|v| (v + 0.5) as u8))
}
