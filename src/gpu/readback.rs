//! Bringing GPU memory back.

use super::{Gpu, GpuError};

impl Gpu {
    /// Copies a whole buffer back and waits for it.
    pub fn read_buffer(&self, buffer: &wgpu::Buffer) -> Result<Vec<u8>, GpuError> {
        let size = buffer.size();
        let staging = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("readback"),
            size,
            usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let mut encoder = self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("readback") });
        encoder.copy_buffer_to_buffer(buffer, 0, &staging, 0, size);
        self.queue.submit([encoder.finish()]);
        self.map_and_take(&staging, <[u8]>::to_vec)
    }

    /// Copies one layer of a 4-byte-per-pixel (or other uncompressed) texture back, rows tightly packed.
    pub fn read_texture(&self, texture: &wgpu::Texture, layer: u32) -> Result<Vec<u8>, GpuError> {
        let (width, height) = (texture.width(), texture.height());
        let texel = texture.format().block_copy_size(None).unwrap_or(4);
        let row = width * texel;
        let padded = row.next_multiple_of(wgpu::COPY_BYTES_PER_ROW_ALIGNMENT);
        let staging = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("readback"),
            size: u64::from(padded) * u64::from(height),
            usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let mut encoder = self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("readback") });
        encoder.copy_texture_to_buffer(
            wgpu::TexelCopyTextureInfo {
                texture,
                mip_level: 0,
                origin: wgpu::Origin3d { x: 0, y: 0, z: layer },
                aspect: wgpu::TextureAspect::All,
            },
            wgpu::TexelCopyBufferInfo {
                buffer: &staging,
                layout: wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(padded), rows_per_image: Some(height) },
            },
            wgpu::Extent3d { width, height, depth_or_array_layers: 1 },
        );
        self.queue.submit([encoder.finish()]);
        self.map_and_take(&staging, |bytes| {
            let mut out = Vec::with_capacity(row as usize * height as usize);
            for line in bytes.chunks_exact(padded as usize) {
                out.extend_from_slice(&line[..row as usize]);
            }
            out
        })
    }

    fn map_and_take<T>(&self, staging: &wgpu::Buffer, take: impl FnOnce(&[u8]) -> T) -> Result<T, GpuError> {
        let problem = |problem: String| GpuError::Run { what: "readback".to_owned(), problem };
        let (sender, receiver) = crossbeam::channel::bounded(1);
        staging.map_async(wgpu::MapMode::Read, .., move |result| {
            // The receiver lives until the end of this function; a failed send means it was dropped by a panic.
            sender.send(result).ok();
        });
        self.wait()?;
        receiver.recv().map_err(|e| problem(e.to_string()))?.map_err(|e| problem(e.to_string()))?;
        let value = {
            let view = staging.get_mapped_range(..).map_err(|e| problem(e.to_string()))?;
            take(&view)
        };
        staging.unmap();
        Ok(value)
    }
}
