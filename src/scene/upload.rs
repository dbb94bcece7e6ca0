//! A moment on the GPU as it is: real pictures, no depth. Enough for views that are not synthesized, and there at once.

use super::{
    Plan, Scene, SceneError,
    solver::{array_texture, check_input},
};
use crate::{frame::Picture, gpu::Gpu, rig::Rig, telemetry::StageTimes};

impl Scene {
    /// The moment without a solve, for [`crate::view::ViewMode::Nearest`] and [`crate::view::ViewMode::CrossFade`], which look at no
    /// depth. `pictures[i]` belongs to `rig.cameras[i]` and has its size. A synthesis of it finds no surface anywhere and is a
    /// cross-fade at best.
    pub fn without_depth(gpu: &Gpu, rig: &Rig, pictures: &[&Picture]) -> Result<Self, SceneError> {
        check_input(rig, pictures, gpu)?;
        let layers = rig.cameras.len() as u32;
        let largest = |side: fn(&Picture) -> u32| pictures.iter().map(|p| side(p)).max().unwrap_or(1);
        let size = (largest(Picture::width), largest(Picture::height));
        let scene = gpu.checked("uploading pictures", || {
            let texture = array_texture(gpu, "pictures", size, layers, wgpu::TextureFormat::Rgba8Unorm);
            for (layer, picture) in pictures.iter().enumerate() {
                gpu.queue.write_texture(
                    wgpu::TexelCopyTextureInfo {
                        texture: &texture,
                        mip_level: 0,
                        origin: wgpu::Origin3d { x: 0, y: 0, z: layer as u32 },
                        aspect: wgpu::TextureAspect::All,
                    },
                    picture.rgba(),
                    wgpu::TexelCopyBufferLayout {
                        offset: 0,
                        bytes_per_row: Some(picture.width() * 4),
                        rows_per_image: Some(picture.height()),
                    },
                    wgpu::Extent3d { width: picture.width(), height: picture.height(), depth_or_array_layers: 1 },
                );
            }
            Ok(Self {
                rig: rig.clone(),
                exposures: vec![[0.0; 3]; rig.cameras.len()],
                plan: Plan::new(rig, None),
                pictures: texture,
                depths: array_texture(gpu, "no depths", (1, 1), layers, wgpu::TextureFormat::Rg32Float),
                times: StageTimes::default(),
            })
        })?;
        Ok(scene)
    }
}
