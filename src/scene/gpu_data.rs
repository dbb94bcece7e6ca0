//! The structures that scene and view shaders share with Rust, field by field as in `shaders/`.

use bytemuck::{Pod, Zeroable};
use glam::{DMat3, DVec3};

use crate::{
    geometry::{Distortion, Pose},
    gpu::layout::{ShaderStruct as _, StructLayout},
    rig::Camera,
};

/// `Camera` of shaders/common/camera.wgsl.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
pub struct CameraGpu {
    /// Rows of `camera_from_world` (rotation, translation).
    pub row_x: [f32; 4],
    /// See `row_x`.
    pub row_y: [f32; 4],
    /// See `row_x`.
    pub row_z: [f32; 4],
    /// fx, fy, cx, cy of the real picture, px.
    pub lens: [f32; 4],
    /// k1, k2, p1, p2, or fisheye k1…k4.
    pub distortion_a: [f32; 4],
    /// k3, k4, k5, k6.
    pub distortion_b: [f32; 4],
    /// Width, height, kind of distortion, layer.
    pub size_kind_layer: [f32; 4],
    /// fx, fy, cx, cy of the working picture, px.
    pub working_lens: [f32; 4],
    /// Working width and height, inverse depth per px, angular weight.
    pub working_size: [f32; 4],
    /// What its linear light is multiplied with to match the target's exposure (red, green, blue, unused).
    pub gain: [f32; 4],
    /// Its rim (stops lost by ρ² and ρ⁴), and what is added to its response (stops by the stops that it shows about a middle grey, and by their
    /// square) so that it is the target's.
    pub look: [f32; 4],
}

/// `Pair` of shaders/scene/match.wgsl.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
pub struct PairGpu {
    /// Row of M, and of b.
    pub row_x: [f32; 4],
    /// See `row_x`.
    pub row_y: [f32; 4],
    /// See `row_x`.
    pub row_z: [f32; 4],
    /// Working width and height of the source, its layer, its inverse depth per px.
    pub size_layer: [f32; 4],
}

/// `Solve` of shaders/scene/match.wgsl.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
pub struct SolveGpu {
    /// Size of the reference at this level, px.
    pub width: u32,
    /// See `width`.
    pub height: u32,
    /// Layer of the reference.
    pub layer: u32,
    /// Number of hypotheses.
    pub depths: u32,
    /// Smallest inverse depth.
    pub rho_min: f32,
    /// Between hypotheses.
    pub rho_step: f32,
    /// Level-0 px per px of this level.
    pub scale: f32,
    /// Inverse depth per level-0 px of disparity.
    pub rho_per_px: f32,
    /// Iteration (seeds the noise).
    pub iteration: u32,
    /// Px of this level between taps.
    pub stride: f32,
    /// Weight of the smoothness term.
    pub smoothness: f32,
    /// Share of the absolute colour difference in the cost.
    pub color_weight: f32,
    /// Largest inverse depth.
    pub rho_max: f32,
    /// Number of source pairs.
    pub sources: u32,
    /// SGM's small penalty.
    pub p1: f32,
    /// SGM's large penalty.
    pub p2: f32,
    /// Share of the second-best source in the cost.
    pub second_share: f32,
    /// Width of a source in the packed luma.
    pub quad_width: u32,
    /// Rows of a source in the packed luma.
    pub quad_rows: u32,
    /// Unused.
    pub pad_a: f32,
}

/// `Prepare` of shaders/scene/prepare.wgsl.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
pub struct PrepareGpu {
    /// Index of the camera.
    pub camera: u32,
    /// Written width, px.
    pub width: u32,
    /// Written height, px.
    pub height: u32,
    /// Samples per axis; or (height << 16 | width) of the finer level.
    pub samples: u32,
}

/// `Tune` of shaders/scene/tune.wgsl.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
pub struct TuneGpu {
    /// Of the grid of the camera that is compared.
    pub width: u32,
    /// See `width`.
    pub height: u32,
    /// Of the grid of the source.
    pub source_width: u32,
    /// See `source_width`.
    pub source_height: u32,
    /// Working px between the points of a grid.
    pub stride: u32,
    /// Slot of the source.
    pub slot: u32,
    /// Splats per slot.
    pub slot_size: u32,
    /// Number of sources.
    pub sources: u32,
    /// How far a step goes, px of disparity and units of the logit.
    pub rate: f32,
    /// What Adam's mean of the gradient is divided by.
    pub bias_mean: f32,
    /// What Adam's mean of its square is divided by.
    pub bias_square: f32,
    /// Unused.
    pub pad: f32,
}

crate::shader_struct!(TuneGpu as "Tune" in "scene/tune.wgsl" {
    width, height, source_width, source_height, stride, slot, slot_size, sources, rate, bias_mean, bias_square, pad,
});
crate::shader_struct!(CameraGpu as "Camera" in "scene/prepare.wgsl" {
    row_x, row_y, row_z, lens, distortion_a, distortion_b, size_kind_layer, working_lens, working_size, gain, look,
});
crate::shader_struct!(PairGpu as "Pair" in "scene/sweep.wgsl" { row_x, row_y, row_z, size_layer });
crate::shader_struct!(SolveGpu as "Solve" in "scene/sweep.wgsl" {
    width, height, layer, depths, rho_min, rho_step, scale, rho_per_px, iteration, stride, smoothness, color_weight, rho_max, sources, p1, p2,
    second_share, quad_width, quad_rows, pad_a,
});
crate::shader_struct!(PrepareGpu as "Prepare" in "scene/prepare.wgsl" { camera, width, height, samples });

/// What the scene uploads, for the test that compares it with the shaders.
pub(crate) fn shader_structs() -> Vec<StructLayout> {
    vec![
        CameraGpu::LAYOUT,
        PairGpu::LAYOUT,
        SolveGpu::LAYOUT,
        PrepareGpu::LAYOUT,
        super::SnapGpu::LAYOUT,
        super::CarveGpu::LAYOUT,
        TuneGpu::LAYOUT,
        super::retime::FlowGpu::LAYOUT,
        super::retime::RetimeGpu::LAYOUT,
    ]
}

/// How a camera is mapped to its working picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Working {
    /// Width at level 0, px.
    pub width_px: u32,
    /// Height at level 0, px.
    pub height_px: u32,
    /// fx, fy, cx, cy at level 0, px.
    pub lens: [f64; 4],
    /// Inverse depth that moves a point by 1 px in a typical neighbour, 1/m.
    pub rho_per_px: f64,
}

fn row(r: DVec3, w: f64) -> [f32; 4] {
    [r.x as f32, r.y as f32, r.z as f32, w as f32]
}

impl CameraGpu {
    /// `world_origin` is subtracted from the world so that single precision suffices.
    pub fn new(camera: &Camera, world_origin: DVec3, working: &Working, layer: u32, weight: f32) -> Self {
        let Pose { rotation, .. } = camera.camera_from_world;
        let t = camera.camera_from_world.apply(world_origin);
        let l = &camera.lens;
        let (kind, a, b) = match l.distortion {
            Distortion::None => (0.0, [0.0; 4], [0.0; 4]),
            Distortion::BrownConrady { k, p } => {
                (1.0, [k[0] as f32, k[1] as f32, p[0] as f32, p[1] as f32], [k[2] as f32, k[3] as f32, k[4] as f32, k[5] as f32])
            }
            Distortion::Fisheye { k } => (2.0, k.map(|v| v as f32), [0.0; 4]),
        };
        Self {
            row_x: row(rotation.row(0), t.x),
            row_y: row(rotation.row(1), t.y),
            row_z: row(rotation.row(2), t.z),
            lens: [l.fx_px as f32, l.fy_px as f32, l.cx_px as f32, l.cy_px as f32],
            distortion_a: a,
            distortion_b: b,
            size_kind_layer: [camera.width_px as f32, camera.height_px as f32, kind, layer as f32],
            working_lens: working.lens.map(|v| v as f32),
            working_size: [working.width_px as f32, working.height_px as f32, working.rho_per_px as f32, weight],
            gain: [1.0; 4],
            look: [0.0; 4],
        }
    }
}

impl PairGpu {
    /// Maps reference pixels and inverse depth to the source: `v = K_s R K_r⁻¹ p + ρ K_s t` with `(R, t) = source_from_reference`.
    pub fn new(reference: (&Camera, &Working), source: (&Camera, &Working), source_layer: u32) -> Self {
        let source_from_reference = source.0.camera_from_world.then_from(&reference.0.camera_from_world.inverse());
        let k = |w: &Working| {
            DMat3::from_cols(DVec3::new(w.lens[0], 0.0, 0.0), DVec3::new(0.0, w.lens[1], 0.0), DVec3::new(w.lens[2], w.lens[3], 1.0))
        };
        let m = k(source.1) * source_from_reference.rotation * k(reference.1).inverse();
        let b = k(source.1) * source_from_reference.translation;
        Self {
            row_x: row(m.row(0), b.x),
            row_y: row(m.row(1), b.y),
            row_z: row(m.row(2), b.z),
            size_layer: [source.1.width_px as f32, source.1.height_px as f32, source_layer as f32, source.1.rho_per_px as f32],
        }
    }

    /// Position in the source and depth ratio `z_source/z_reference` of reference pixel `p` at inverse depth `rho`.
    pub fn map(&self, p: [f32; 2], rho: f32) -> Option<([f32; 2], f32)> {
        let dot = |r: &[f32; 4]| r[0] * p[0] + r[1] * p[1] + r[2] + r[3] * rho;
        let z = dot(&self.row_z);
        (z > 1e-6).then(|| ([dot(&self.row_x) / z, dot(&self.row_y) / z], z))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Lens;

    fn camera(eye: DVec3) -> Camera {
        Camera {
            name: "c".into(),
            width_px: 640,
            height_px: 360,
            lens: Lens::pinhole(600.0, 610.0, 320.0, 180.0),
            camera_from_world: Pose::look_at(eye, DVec3::ZERO, DVec3::Z).unwrap(),
            clock_offset_nanos: 0,
        }
    }

    #[test]
    fn a_pair_maps_as_projection_does() {
        let (a, b) = (camera(DVec3::new(4.0, 0.0, 1.0)), camera(DVec3::new(3.8, 1.0, 1.2)));
        let w = Working { width_px: 640, height_px: 360, lens: [600.0, 610.0, 320.0, 180.0], rho_per_px: 1e-3 };
        let pair = PairGpu::new((&a, &w), (&b, &w), 1);
        let p_in_world = DVec3::new(0.3, -0.2, 0.4);
        let pa = a.project(p_in_world).unwrap();
        let rho = 1.0 / a.camera_from_world.apply(p_in_world).z;
        let pb = b.project(p_in_world).unwrap();
        let (uv, z_ratio) = pair.map([pa.x as f32, pa.y as f32], rho as f32).unwrap();
        assert!((f64::from(uv[0]) - pb.x).abs() < 1e-2 && (f64::from(uv[1]) - pb.y).abs() < 1e-2);
        let z_b = b.camera_from_world.apply(p_in_world).z;
        assert!((f64::from(z_ratio) - z_b * rho).abs() < 1e-4);
    }
}
