//! Points as the bytes of other programs' files: PLY, Gaussian PLY, `.splat`, glTF binary.

use glam::DVec3;
use serde_json::{Value, json};

use super::SurfacePoint;
use crate::color::linear_from_srgb;

/// The zeroth spherical harmonic, 1/(2√π): Kerbl et al., "3D Gaussian Splatting for Real-Time Radiance Field Rendering", 2023, store
/// colour as (c − ½)/this.
const SH_C0: f32 = 0.282_094_79;
/// Standard deviation of a Gaussian over the size of its pixel: neighbours melt into each other, and edges stay.
const SIGMA_PER_FOOTPRINT: f32 = 0.6;

pub(super) fn floats(out: &mut Vec<u8>, values: &[f32]) {
    out.extend(values.iter().flat_map(|v| v.to_le_bytes()));
}

/// Binary PLY 1.0: x y z, red green blue, confidence, footprint.
pub(super) fn points_ply(points: &[SurfacePoint]) -> Vec<u8> {
    let mut out = format!(
        "ply\nformat binary_little_endian 1.0\ncomment made by {}; metres, colour as displayed (sRGB)\nelement vertex {}\n\
         property float x\nproperty float y\nproperty float z\nproperty uchar red\nproperty uchar green\nproperty uchar blue\n\
         property float confidence\nproperty float footprint_m\nend_header\n",
        crate::engine::MADE_BY,
        points.len()
    )
    .into_bytes();
    for p in points {
        floats(&mut out, &p.p_in_world);
        out.extend_from_slice(&p.rgb);
        floats(&mut out, &[p.confidence, p.footprint_m]);
    }
    out
}

/// Opacity of a Gaussian: as sure as its surface, and never so that a trainer could not move it.
fn opacity(p: &SurfacePoint) -> f32 {
    p.confidence.clamp(0.05, 0.98)
}

/// Binary PLY with the fields that trainers and viewers of Gaussians use; round ones, without view-dependent colour.
pub(super) fn gaussians_ply(points: &[SurfacePoint]) -> Vec<u8> {
    let names = "x y z nx ny nz f_dc_0 f_dc_1 f_dc_2 opacity scale_0 scale_1 scale_2 rot_0 rot_1 rot_2 rot_3";
    let properties = names.split(' ').map(|name| format!("property float {name}")).collect::<Vec<_>>().join("\n");
    let mut out = format!(
        "ply\nformat binary_little_endian 1.0\ncomment made by {}\nelement vertex {}\n{properties}\nend_header\n",
        crate::engine::MADE_BY,
        points.len()
    )
    .into_bytes();
    for p in points {
        let o = opacity(p);
        let scale = (SIGMA_PER_FOOTPRINT * p.footprint_m).max(1e-9).ln();
        floats(&mut out, &p.p_in_world);
        floats(&mut out, &[0.0; 3]);
        floats(&mut out, &p.rgb.map(|v| (f32::from(v) / 255.0 - 0.5) / SH_C0));
        floats(&mut out, &[(o / (1.0 - o)).ln(), scale, scale, scale, 1.0, 0.0, 0.0, 0.0]);
    }
    out
}

/// `.splat`: position, scale (3 floats each), colour with opacity, rotation (4 bytes each); large and sure ones first, as viewers load it.
pub(super) fn splat(points: &[SurfacePoint]) -> Vec<u8> {
    let mut order: Vec<&SurfacePoint> = points.iter().collect();
    order.sort_by(|a, b| (b.footprint_m * opacity(b)).total_cmp(&(a.footprint_m * opacity(a))));
    let mut out = Vec::with_capacity(points.len() * 32);
    for p in order {
        floats(&mut out, &p.p_in_world);
        floats(&mut out, &[SIGMA_PER_FOOTPRINT * p.footprint_m; 3]);
        out.extend_from_slice(&[p.rgb[0], p.rgb[1], p.rgb[2], (opacity(p) * 255.0 + 0.5) as u8]);
        // No turn: w = 1.
        out.extend_from_slice(&[255, 128, 128, 128]);
    }
    out
}

/// glTF 2.0 binary: one mesh of points with linear colours; a node turns the world so that `up` is +y, as glTF has it.
pub(super) fn glb(points: &[SurfacePoint], up_in_world: DVec3) -> Vec<u8> {
    let mut data = Vec::with_capacity(points.len() * 20);
    for p in points {
        floats(&mut data, &p.p_in_world);
    }
    let colors = data.len();
    for p in points {
        let linear = p.rgb.map(|v| (linear_from_srgb(f32::from(v) / 255.0).clamp(0.0, 1.0) * 65_535.0 + 0.5) as u16);
        data.extend([linear[0], linear[1], linear[2], u16::MAX].iter().flat_map(|v| v.to_le_bytes()));
    }
    let bound =
        |pick: fn(f32, f32) -> f32, begin: f32| points.iter().fold([begin; 3], |b, p| std::array::from_fn(|k| pick(b[k], p.p_in_world[k])));
    let scene = json!({
        "asset": { "version": "2.0", "generator": crate::engine::MADE_BY },
        "scene": 0,
        "scenes": [{ "nodes": [0] }],
        "nodes": [{ "mesh": 0, "rotation": upright(up_in_world) }],
        "meshes": [{ "primitives": [{ "mode": 0, "attributes": { "POSITION": 0, "COLOR_0": 1 } }] }],
        "accessors": [
            { "bufferView": 0, "componentType": 5126, "count": points.len(), "type": "VEC3",
              "min": bound(f32::min, f32::MAX), "max": bound(f32::max, f32::MIN) },
            { "bufferView": 1, "componentType": 5123, "normalized": true, "count": points.len(), "type": "VEC4" },
        ],
        "bufferViews": [
            { "buffer": 0, "byteOffset": 0, "byteLength": colors, "target": 34962 },
            { "buffer": 0, "byteOffset": colors, "byteLength": data.len() - colors, "target": 34962 },
        ],
        "buffers": [{ "byteLength": data.len() }],
    });
    glb_of(&scene, data)
}

/// The turn of a node that makes `up` +y, as glTF has it.
pub(super) fn upright(up_in_world: DVec3) -> [f64; 4] {
    glam::DQuat::from_rotation_arc(up_in_world.try_normalize().unwrap_or(DVec3::Y), DVec3::Y).to_array()
}

/// A glTF scene and its one buffer as a binary file.
pub(super) fn glb_of(scene: &Value, mut data: Vec<u8>) -> Vec<u8> {
    let mut text = scene.to_string().into_bytes();
    text.resize(text.len().next_multiple_of(4), b' ');
    data.resize(data.len().next_multiple_of(4), 0);
    let words = |values: [u32; 2]| values.map(u32::to_le_bytes).concat();
    let total = 12 + 8 + text.len() + 8 + data.len();
    [
        b"glTF".to_vec(),
        words([2, total as u32]),
        words([text.len() as u32, 0x4E4F_534A]),
        text,
        words([data.len() as u32, 0x004E_4942]),
        data,
    ]
    .concat()
}
