//! A moment put on the GPU without a solve: real pictures with no depth, which is there at once and enough for views that are not
//! synthesized; or with depth that is known from elsewhere, which is the yardstick for a solve.

use super::{
    Match, Plan, Scene, SceneError, Shading,
    solver::{array_texture, check_input},
};
use crate::{frame::Picture, gpu::Gpu, rig::Rig, telemetry::StageTimes};

/// Where nothing stands, a known depth is this share of the smallest inverse depth of the plan: behind everything.
const BEHIND_ALL: f64 = 0.25;

impl Scene {
    /// The moment without a solve, for [`crate::view::ViewMode::Nearest`] and [`crate::view::ViewMode::CrossFade`], which look at no
    /// depth. `pictures[i]` belongs to `rig.cameras[i]` and has its size. A synthesis of it finds no surface anywhere and is a
    /// cross-fade at best.
    pub fn without_depth(gpu: &Gpu, rig: &Rig, pictures: &[&Picture]) -> Result<Self, SceneError> {
        check_input(rig, pictures, gpu)?;
        Ok(gpu.checked("uploading pictures", || Ok(upload(gpu, rig, pictures, None)))?)
    }

    /// The moment with depth that is known instead of solved (of a renderer, a laser scanner), all of it trusted.
    ///
    /// `depths_m[i]` belongs to `rig.cameras[i]`: row-major, of the camera's size, metres along its z axis through the centre of each
    /// pixel of the *undistorted* picture (the pinhole of the camera's fx, fy, cx, cy). Infinity: nothing stands there. Not a number,
    /// zero or less: unknown.
    pub fn with_depth(gpu: &Gpu, rig: &Rig, pictures: &[&Picture], depths_m: &[&[f32]]) -> Result<Self, SceneError> {
        check_input(rig, pictures, gpu)?;
        if depths_m.len() != rig.cameras.len() {
            return Err(SceneError::Input(format!("{} depth maps for a rig of {} cameras", depths_m.len(), rig.cameras.len())));
        }
        for (camera, depth) in rig.cameras.iter().zip(depths_m) {
            if depth.len() != camera.width_px as usize * camera.height_px as usize {
                return Err(SceneError::Input(format!(
                    "the depth of camera {:?} has {} values, its picture {}×{} px. Give one per pixel",
                    camera.name,
                    depth.len(),
                    camera.width_px,
                    camera.height_px
                )));
            }
        }
        Ok(gpu.checked("uploading pictures and depth", || Ok(upload(gpu, rig, pictures, Some(depths_m))))?)
    }
}

/// Pictures, and depths or a texel in their place.
fn upload(gpu: &Gpu, rig: &Rig, pictures: &[&Picture], depths_m: Option<&[&[f32]]>) -> Scene {
    let plan = Plan::new(rig, None);
    let layers = rig.cameras.len() as u32;
    let largest = |side: fn(&Picture) -> u32| pictures.iter().map(|p| side(p)).max().unwrap_or(1);
    let size = (largest(Picture::width), largest(Picture::height));
    let texture = array_texture(gpu, "pictures", size, layers, wgpu::TextureFormat::Rgba8Unorm);
    let depth_size = if depths_m.is_some() { size } else { (1, 1) };
    let depths = array_texture(gpu, "known depths", depth_size, layers, wgpu::TextureFormat::Rg32Float);
    for (layer, picture) in pictures.iter().enumerate() {
        let layer_size = (picture.width(), picture.height());
        write_layer(gpu, &texture, layer, layer_size, picture.rgba());
        if let Some(depth_m) = depths_m.and_then(|d| d.get(layer)) {
            let behind = (plan.rho_range.0 * BEHIND_ALL) as f32;
            let texels: Vec<[f32; 2]> = depth_m.iter().map(|&z| if z > 0.0 { [(1.0 / z).max(behind), 1.0] } else { [0.0; 2] }).collect();
            write_layer(gpu, &depths, layer, layer_size, bytemuck::cast_slice(&texels));
        }
    }
    Scene {
        rig: rig.clone(),
        exposures: vec![[0.0; 3]; rig.cameras.len()],
        shadings: vec![Shading::default(); rig.cameras.len()],
        matching: Match::default(),
        by_hand: vec![],
        plan,
        pictures: texture,
        depths,
        thorough: false,
        aligned: true,
        times: StageTimes::default(),
        match_secs: 0.0,
        background: None,
    }
}

/// Writes one layer of an array texture from its upper left corner; rows are as wide as the given size.
pub(super) fn write_layer(gpu: &Gpu, texture: &wgpu::Texture, layer: usize, (width, height): (u32, u32), bytes: &[u8]) {
    let texel_bytes = texture.format().block_copy_size(None).unwrap_or(4);
    gpu.queue.write_texture(
        wgpu::TexelCopyTextureInfo {
            texture,
            mip_level: 0,
            origin: wgpu::Origin3d { x: 0, y: 0, z: layer as u32 },
            aspect: wgpu::TextureAspect::All,
        },
        bytes,
        wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(width * texel_bytes), rows_per_image: Some(height) },
        wgpu::Extent3d { width, height, depth_or_array_layers: 1 },
    );
}
