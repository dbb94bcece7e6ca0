//! Decoded pictures that are on the GPU before anybody solves them: a solve then copies there instead of uploading.
//!
//! A picture is known by its place in memory, which nothing else takes as long as it is listed here. The list goes with its device. Must not know: whose
//! pictures these are, why they are near.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
};

use parking_lot::Mutex;

use super::{SceneSolver, solver::array_texture, upload::write_layer};
use crate::{
    frame::Picture,
    gpu::{Gpu, GpuError},
};

/// A picture on the GPU.
#[derive(Debug)]
struct Kept {
    /// Its place stays taken, its pixels need not stay in memory.
    picture: Weak<Picture>,
    texture: wgpu::Texture,
}

#[derive(Debug, Default)]
struct Table {
    kept: HashMap<usize, Kept>,
    bytes: u64,
    uploaded: u64,
    copied: u64,
}

/// What became of pictures that were to be solved, so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ResidentCounts {
    /// Uploaded for a solve, because they were not here.
    pub uploaded: u64,
    /// Here already, and copied on the GPU.
    pub copied: u64,
}

/// The pictures on the GPU; clones are the same list.
#[derive(Debug, Clone, Default)]
pub struct Resident(Arc<Mutex<Table>>);

/// What a picture takes, bytes.
pub const fn picture_bytes(picture: &Picture) -> u64 {
    picture.width() as u64 * picture.height() as u64 * 4
}

fn place(picture: &Picture) -> usize {
    std::ptr::from_ref(picture).addr()
}

impl Resident {
    /// Keeps those of these pictures that are here, and lets all others go.
    pub fn keep_only(&self, pictures: &[Arc<Picture>]) {
        let wanted: std::collections::HashSet<usize> = pictures.iter().map(|p| place(p)).collect();
        let mut table = self.0.lock();
        table.kept.retain(|place, _| wanted.contains(place));
        table.bytes = table.kept.values().map(|k| u64::from(k.texture.width()) * u64::from(k.texture.height()) * 4).sum();
    }

    /// Whether a picture is here.
    pub fn has(&self, picture: &Arc<Picture>) -> bool {
        self.0.lock().kept.contains_key(&place(picture))
    }

    /// Uploads a picture.
    pub fn add(&self, gpu: &Gpu, picture: &Arc<Picture>) -> Result<(), GpuError> {
        let size = (picture.width(), picture.height());
        let texture = gpu.checked("keeping a picture near the playhead", || {
            let texture = array_texture(gpu, "near picture", size, 1, wgpu::TextureFormat::Rgba8Unorm);
            write_layer(gpu, &texture, 0, size, picture.rgba());
            // What the queue holds until then is not kept.
            gpu.queue.submit([]);
            Ok(texture)
        })?;
        let mut table = self.0.lock();
        if table.kept.insert(place(picture), Kept { picture: Arc::downgrade(picture), texture }).is_none() {
            table.bytes += picture_bytes(picture);
        }
        Ok(())
    }

    /// Lets all go; whether there were any.
    pub fn clear(&self) -> bool {
        let mut table = self.0.lock();
        table.bytes = 0;
        let had = !table.kept.is_empty();
        table.kept.clear();
        had
    }

    /// Bytes on the GPU.
    pub fn bytes(&self) -> u64 {
        self.0.lock().bytes
    }

    /// What solves took from here, and what not.
    pub fn counts(&self) -> ResidentCounts {
        let table = self.0.lock();
        ResidentCounts { uploaded: table.uploaded, copied: table.copied }
    }

    /// Writes pictures into the layers of an array texture, one each.
    pub(super) fn write(&self, gpu: &Gpu, texture: &wgpu::Texture, pictures: &[&Picture]) {
        let mut table = self.0.lock();
        let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("near pictures") });
        for (layer, picture) in pictures.iter().enumerate() {
            let size = (picture.width(), picture.height());
            let here = table.kept.get(&place(picture)).filter(|kept| std::ptr::eq(kept.picture.as_ptr(), *picture));
            if let Some(kept) = here {
                let origin = |z: u32| wgpu::Origin3d { x: 0, y: 0, z };
                let of =
                    |texture, z| wgpu::TexelCopyTextureInfo { texture, mip_level: 0, origin: origin(z), aspect: wgpu::TextureAspect::All };
                let extent = wgpu::Extent3d { width: size.0, height: size.1, depth_or_array_layers: 1 };
                encoder.copy_texture_to_texture(of(&kept.texture, 0), of(texture, layer as u32), extent);
                table.copied += 1;
            } else {
                write_layer(gpu, texture, layer, size, picture.rgba());
                table.uploaded += 1;
            }
        }
        gpu.queue.submit([encoder.finish()]);
    }
}

impl SceneSolver {
    /// The pictures that are kept for its solves.
    pub fn resident(&self) -> Resident {
        self.resident.clone()
    }
}
