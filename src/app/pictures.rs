//! Pictures on the windows' device: uploaded when they change, never otherwise.

use std::sync::Arc;

use crate::{console::PictureTexture, frame::Picture};

/// A texture that follows a picture.
#[derive(Debug)]
pub(super) struct PictureSlot {
    texture: Option<wgpu::Texture>,
    shown: Option<Arc<Picture>>,
    id: Option<egui::TextureId>,
}

impl PictureSlot {
    /// Nothing yet.
    pub const fn new() -> Self {
        Self { texture: None, shown: None, id: None }
    }

    /// Uploads `picture` unless it is what is there already; true when the texture itself is a new one.
    pub fn show(&mut self, device: &wgpu::Device, queue: &wgpu::Queue, picture: &Arc<Picture>) -> bool {
        if self.shown.as_ref().is_some_and(|p| Arc::ptr_eq(p, picture)) {
            return false;
        }
        let most = device.limits().max_texture_dimension_2d;
        if picture.width() > most || picture.height() > most {
            tracing::warn!(width = picture.width(), height = picture.height(), "the picture is larger than this GPU's textures");
            return false;
        }
        let size = wgpu::Extent3d { width: picture.width(), height: picture.height(), depth_or_array_layers: 1 };
        let fits = self.texture.as_ref().is_some_and(|t| t.size() == size);
        if !fits {
            self.texture = Some(device.create_texture(&wgpu::TextureDescriptor {
                label: Some("picture"),
                size,
                mip_level_count: 1,
                sample_count: 1,
                dimension: wgpu::TextureDimension::D2,
                format: wgpu::TextureFormat::Rgba8Unorm,
                usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
                view_formats: &[],
            }));
        }
        if let Some(texture) = &self.texture {
            queue.write_texture(
                texture.as_image_copy(),
                picture.rgba(),
                wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(4 * size.width), rows_per_image: Some(size.height) },
                size,
            );
        }
        self.shown = Some(Arc::clone(picture));
        !fits
    }

    /// The same for egui.
    pub fn show_in_egui(
        &mut self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        renderer: &mut egui_wgpu::Renderer,
        picture: &Arc<Picture>,
    ) -> Option<PictureTexture> {
        let is_new = self.show(device, queue, picture);
        let texture = self.texture.as_ref()?;
        let view = || texture.create_view(&wgpu::TextureViewDescriptor::default());
        let id = match self.id {
            Some(id) => {
                if is_new {
                    renderer.update_egui_texture_from_wgpu_texture(device, &view(), wgpu::FilterMode::Linear, id);
                }
                id
            }
            None => renderer.register_native_texture(device, &view(), wgpu::FilterMode::Linear),
        };
        self.id = Some(id);
        Some(PictureTexture { id, size_px: [texture.width(), texture.height()] })
    }

    /// The texture.
    pub const fn texture(&self) -> Option<&wgpu::Texture> {
        self.texture.as_ref()
    }
}
