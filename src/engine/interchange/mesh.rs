//! The solved surface as a mesh with the cameras' own pictures on it, as glTF binary: what web pages and headsets show.
//!
//! Each camera's depth map is a net of triangles, torn where its depths are those of two surfaces. Where several cameras see a triangle, the
//! one that has the most pixels of it keeps it.

use std::collections::HashMap;

use glam::{DVec2, DVec3};
use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};
use serde_json::{Value, json};

use super::model::{floats, glb_of, upright};
use crate::{
    frame::Picture,
    gpu::Gpu,
    scene::{Scene, SceneError, gpu_data::Working},
};

/// Corners of a camera's net at most: fine detail is the picture's, and headsets draw all cameras' nets at once.
const MOST_CORNERS: usize = 65_000;
/// Two corners are of one surface while their depths differ by less than so many pixels' sizes: a floor seen at 7°.
const STEEPEST: f64 = 8.0;
/// Two cameras see the same place where their inverse depths differ by less than this share.
const SAME_SURFACE: f64 = 0.015;
/// Another camera takes a triangle over when it has so many times the pixels of it: less, and both keep it, so that no hole opens between them.
const CLEARLY_MORE: f64 = 1.1;
/// JPEG quality of the pictures.
const QUALITY: u8 = 90;

/// What of the surface one camera shows.
#[derive(Debug)]
pub(super) struct Net {
    name: String,
    /// World, metres.
    corners: Vec<[f32; 3]>,
    /// Places in its picture, 0…1 from the upper left.
    uv: Vec<[f32; 2]>,
    /// Counter-clockwise, seen from the camera.
    triangles: Vec<[u32; 3]>,
    picture: usize,
}

/// A camera's depth as it was solved.
struct Seen<'a> {
    working: &'a Working,
    camera: &'a crate::rig::Camera,
    /// Inverse depth (1/m) and confidence.
    depth: Vec<[f32; 2]>,
    least: f32,
}

impl Seen<'_> {
    fn rho(&self, x: usize, y: usize) -> Option<f64> {
        let [rho, confidence] = *self.depth.get(y * self.working.width_px as usize + x)?;
        (rho > 1e-9 && confidence >= self.least).then_some(f64::from(rho))
    }

    /// A corner in the camera's own axes.
    fn corner(&self, x: usize, y: usize) -> Option<DVec3> {
        let [fx, fy, cx, cy] = self.working.lens;
        Some(DVec3::new((x as f64 + 0.5 - cx) / fx, (y as f64 + 0.5 - cy) / fy, 1.0) / self.rho(x, y)?)
    }

    /// Where it sees a place of the world, px, when that is the surface that it sees there.
    fn sees(&self, p_in_world: DVec3) -> Option<DVec2> {
        let p = self.camera.camera_from_world.apply(p_in_world);
        let [fx, fy, cx, cy] = self.working.lens;
        let px = DVec2::new(fx * p.x / p.z + cx, fy * p.y / p.z + cy);
        let inside = p.z > 1e-6 && px.x >= 0.0 && px.y >= 0.0 && px.x < f64::from(self.working.width_px);
        let rho = inside.then(|| self.rho(px.x as usize, px.y as usize))??;
        ((1.0 / p.z - rho).abs() < SAME_SURFACE * rho).then_some(px)
    }
}

/// Twice the area of a triangle of a picture, positive where its front is seen.
fn area_px([a, b, c]: [DVec2; 3]) -> f64 {
    -(b - a).perp_dot(c - a)
}

/// The nets of all cameras that show something; `least` is the least confidence.
pub(super) fn nets(scene: &Scene, gpu: &Gpu, least: f32) -> Result<Vec<Net>, SceneError> {
    let seen = |(i, camera): (usize, _)| -> Result<Seen<'_>, SceneError> {
        Ok(Seen { working: &scene.plan.working[i], camera, depth: scene.read_depth(gpu, i)?, least })
    };
    let seen: Vec<Seen<'_>> = scene.rig.cameras.iter().enumerate().map(seen).collect::<Result<_, _>>()?;
    let nets: Vec<Net> = (0..seen.len()).into_par_iter().map(|i| net(&seen, i)).collect();
    Ok(nets.into_iter().filter(|net| !net.triangles.is_empty()).collect())
}

fn net(seen: &[Seen<'_>], i: usize) -> Net {
    let own = &seen[i];
    let (width, height) = (own.working.width_px as usize, own.working.height_px as usize);
    let step = ((width * height) as f64 / MOST_CORNERS as f64).sqrt().ceil().max(1.0) as usize;
    let world_from_camera = own.camera.camera_from_world.inverse();
    let mut net = Net { name: own.camera.name.clone(), corners: vec![], uv: vec![], triangles: vec![], picture: i };
    let mut numbers: HashMap<(usize, usize), u32> = HashMap::new();
    let size = DVec2::new(f64::from(own.camera.width_px), f64::from(own.camera.height_px));
    for y in (0..height.saturating_sub(step)).step_by(step) {
        for x in (0..width.saturating_sub(step)).step_by(step) {
            let [a, b, c, d] = [(x, y), (x, y + step), (x + step, y), (x + step, y + step)];
            for at in [[a, b, c], [c, b, d]] {
                let [Some(p), Some(q), Some(r)] = at.map(|(x, y)| own.corner(x, y)) else { continue };
                let (near, far) = (p.z.min(q.z).min(r.z), p.z.max(q.z).max(r.z));
                if far - near > STEEPEST * step as f64 * near / own.working.lens[0] {
                    continue;
                }
                let in_world = [p, q, r].map(|p| world_from_camera.apply(p));
                let own_px = at.map(|(x, y)| DVec2::new(x as f64, y as f64));
                if seen.iter().enumerate().any(|(k, other)| k != i && takes_over(other, in_world, own, own_px)) {
                    continue;
                }
                let uv = [p, q, r].map(|p| own.camera.lens.project(p).map(|px| px / size));
                let [Some(_), Some(_), Some(_)] = uv else { continue };
                let corner = |k: usize| {
                    *numbers.entry(at[k]).or_insert_with(|| {
                        net.corners.push(in_world[k].as_vec3().to_array());
                        net.uv.push(uv[k].unwrap_or_default().as_vec2().to_array());
                        (net.corners.len() - 1) as u32
                    })
                };
                let triangle = [0, 1, 2].map(corner);
                net.triangles.push(triangle);
            }
        }
    }
    net
}

/// Whether another camera sees the whole triangle, from its front, and with clearly more of its own picture's pixels.
fn takes_over(other: &Seen<'_>, in_world: [DVec3; 3], own: &Seen<'_>, own_px: [DVec2; 3]) -> bool {
    let [Some(a), Some(b), Some(c)] = in_world.map(|p| other.sees(p)) else { return false };
    // Depth maps may have other sizes than the pictures that are shown.
    let scale = |seen: &Seen<'_>| (f64::from(seen.camera.width_px) / f64::from(seen.working.width_px)).powi(2);
    area_px([a, b, c]) * scale(other) > CLEARLY_MORE * area_px(own_px) * scale(own)
}

/// How many corners there are.
pub(super) fn corners(nets: &[Net]) -> usize {
    nets.iter().map(|net| net.corners.len()).sum()
}

/// glTF 2.0 binary: one mesh, of which each camera's net is a part with its picture on it, not lit once more (`KHR_materials_unlit`).
/// `None` where a picture cannot be coded.
pub(super) fn glb(nets: &[Net], pictures: &[&Picture], up_in_world: DVec3) -> Option<Vec<u8>> {
    let (mut data, mut views, mut accessors) = (Vec::new(), Vec::<Value>::new(), Vec::<Value>::new());
    let mut view = |data: &mut Vec<u8>, bytes: &[u8], target: Option<u32>| {
        let mut view = json!({ "buffer": 0, "byteOffset": data.len(), "byteLength": bytes.len() });
        if let Some(target) = target {
            view["target"] = target.into();
        }
        data.extend_from_slice(bytes);
        data.resize(data.len().next_multiple_of(4), 0);
        views.push(view);
        views.len() - 1
    };
    let (mut parts, mut images) = (Vec::new(), Vec::new());
    for (k, net) in nets.iter().enumerate() {
        let mut bytes = Vec::new();
        net.corners.iter().for_each(|p| floats(&mut bytes, p));
        let bound = |pick: fn(f32, f32) -> f32, begin: f32| net.corners.iter().fold([begin; 3], |b, p| [0, 1, 2].map(|k| pick(b[k], p[k])));
        let places = view(&mut data, &bytes, Some(34962));
        accessors.push(json!({ "bufferView": places, "componentType": 5126, "count": net.corners.len(), "type": "VEC3",
                               "min": bound(f32::min, f32::MAX), "max": bound(f32::max, f32::MIN) }));
        bytes.clear();
        net.uv.iter().for_each(|uv| floats(&mut bytes, uv));
        let uv = view(&mut data, &bytes, Some(34962));
        accessors.push(json!({ "bufferView": uv, "componentType": 5126, "count": net.uv.len(), "type": "VEC2" }));
        bytes.clear();
        bytes.extend(net.triangles.iter().flatten().flat_map(|v| v.to_le_bytes()));
        let indices = view(&mut data, &bytes, Some(34963));
        accessors.push(json!({ "bufferView": indices, "componentType": 5125, "count": net.triangles.len() * 3, "type": "SCALAR" }));
        let jpeg = view(&mut data, &pictures.get(net.picture)?.to_jpeg(QUALITY)?, None);
        images.push(json!({ "bufferView": jpeg, "mimeType": "image/jpeg", "name": net.name }));
        parts.push(json!({ "attributes": { "POSITION": 3 * k, "TEXCOORD_0": 3 * k + 1 }, "indices": 3 * k + 2, "material": k }));
    }
    let material = |(k, net): (usize, &Net)| {
        let look = json!({ "baseColorTexture": { "index": k }, "metallicFactor": 0, "roughnessFactor": 1 });
        json!({ "name": net.name, "pbrMetallicRoughness": look, "extensions": { "KHR_materials_unlit": {} } })
    };
    let scene = json!({
        "asset": { "version": "2.0", "generator": crate::engine::MADE_BY },
        "extensionsUsed": ["KHR_materials_unlit"],
        "scene": 0,
        "scenes": [{ "nodes": [0] }],
        "nodes": [{ "mesh": 0, "rotation": upright(up_in_world) }],
        "meshes": [{ "primitives": parts }],
        "materials": nets.iter().enumerate().map(material).collect::<Vec<_>>(),
        "textures": (0..nets.len()).map(|k| json!({ "source": k, "sampler": 0 })).collect::<Vec<_>>(),
        "images": images,
        // Linear with smaller pictures, and no repetition at the edges.
        "samplers": [{ "magFilter": 9729, "minFilter": 9987, "wrapS": 33071, "wrapT": 33071 }],
        "accessors": accessors,
        "bufferViews": views,
        "buffers": [{ "byteLength": data.len() }],
    });
    Some(glb_of(&scene, data))
}
