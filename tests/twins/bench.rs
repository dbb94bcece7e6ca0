//! Running one pass on the GPU, textures that both sides can read, and the comparison.

use std::sync::LazyLock;

use glam::{IVec2, Vec2, Vec4};
use volte::gpu::{Gpu, GpuOptions, Kernel};

pub static GPU: LazyLock<Gpu> = LazyLock::new(|| Gpu::open(&GpuOptions::default()).unwrap());

/// A texture array as the CPU sees it; layers are row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct Stack<T> {
    pub width: u32,
    pub height: u32,
    pub layers: Vec<Vec<T>>,
}

impl<T: Copy + Default + bytemuck::Pod> Stack<T> {
    pub fn new(width: u32, height: u32, layers: usize) -> Self {
        Self { width, height, layers: vec![vec![T::default(); (width * height) as usize]; layers] }
    }

    pub fn at(&self, at: IVec2, layer: usize) -> T {
        assert!(at.x >= 0 && at.y >= 0 && at.x < self.width as i32 && at.y < self.height as i32, "{at} is outside of the texture");
        self.layers[layer][(at.y as u32 * self.width + at.x as u32) as usize]
    }

    pub fn set(&mut self, x: u32, y: u32, layer: usize, value: T) {
        self.layers[layer][(y * self.width + x) as usize] = value;
    }

    pub fn upload(&self, format: wgpu::TextureFormat) -> wgpu::Texture {
        let size = wgpu::Extent3d { width: self.width, height: self.height, depth_or_array_layers: self.layers.len() as u32 };
        let texture = GPU.device.create_texture(&wgpu::TextureDescriptor {
            label: Some("stack"),
            size,
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format,
            usage: wgpu::TextureUsages::TEXTURE_BINDING
                | wgpu::TextureUsages::STORAGE_BINDING
                | wgpu::TextureUsages::COPY_DST
                | wgpu::TextureUsages::COPY_SRC,
            view_formats: &[],
        });
        let all: Vec<T> = self.layers.concat();
        GPU.queue.write_texture(
            texture.as_image_copy(),
            bytemuck::cast_slice(&all),
            wgpu::TexelCopyBufferLayout {
                offset: 0,
                bytes_per_row: Some(self.width * size_of::<T>() as u32),
                rows_per_image: Some(self.height),
            },
            size,
        );
        texture
    }

    /// One layer of a texture of this kind.
    pub fn read(texture: &wgpu::Texture, layer: u32) -> Vec<T> {
        bytemuck::pod_collect_to_vec(&GPU.read_texture(texture, layer).unwrap())
    }
}

pub type Colors = Stack<[u8; 4]>;
pub type Depths = Stack<[f32; 2]>;
pub const COLORS: wgpu::TextureFormat = wgpu::TextureFormat::Rgba8Unorm;
pub const DEPTHS: wgpu::TextureFormat = wgpu::TextureFormat::Rg32Float;

impl Colors {
    pub fn load(&self, at: IVec2, layer: usize) -> Vec4 {
        Vec4::from_array(self.at(at, layer).map(|v| f32::from(v) / 255.0))
    }

    /// Bilinear between pixel centres, clamped at the border of the texture, at a position in px.
    pub fn between(&self, px: Vec2, layer: usize) -> Vec4 {
        let q = px - 0.5;
        let base = q.floor();
        let t = q - base;
        let tap = |dx, dy| {
            let at = base.as_ivec2() + IVec2::new(dx, dy);
            self.load(at.clamp(IVec2::ZERO, IVec2::new(self.width as i32, self.height as i32) - 1), layer)
        };
        let (top, bottom) = (tap(0, 0).lerp(tap(1, 0), t.x), tap(0, 1).lerp(tap(1, 1), t.x));
        top.lerp(bottom, t.y)
    }
}

pub fn array_view(texture: &wgpu::Texture) -> wgpu::TextureView {
    texture.create_view(&wgpu::TextureViewDescriptor { dimension: Some(wgpu::TextureViewDimension::D2Array), ..Default::default() })
}

/// Runs one pass to its end.
pub fn run(shader: &str, entry: &str, resources: &[(u32, wgpu::BindingResource<'_>)], groups: [u32; 3]) {
    let kernel = Kernel::new(&GPU, shader, entry, &[]).unwrap();
    GPU.checked(kernel.name(), || {
        let mut encoder = GPU.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        kernel.dispatch(&mut encoder, &kernel.bind(&GPU, resources), groups);
        GPU.queue.submit([encoder.finish()]);
        GPU.wait()
    })
    .unwrap();
}

pub fn tiles(width: u32, height: u32) -> [u32; 3] {
    [width.div_ceil(8), height.div_ceil(8), 1]
}

/// What a storage buffer holds.
pub fn read<T: bytemuck::Pod>(buffer: &wgpu::Buffer) -> Vec<T> {
    bytemuck::pod_collect_to_vec(&GPU.read_buffer(buffer).unwrap())
}

/// How far two results may differ.
#[derive(Debug, Clone, Copy)]
pub struct Allowed {
    /// Difference of one value that counts as none.
    pub tolerance: f32,
    /// Share of the values that may differ by more: where a choice between near equals falls the other way.
    pub share: f64,
}

/// Says in words how the results differ if they differ by more than is allowed.
pub fn compare(gpu: &[f32], twin: &[f32], allowed: Allowed) -> Result<String, String> {
    if gpu.len() != twin.len() || gpu.is_empty() {
        return Err(format!("{} values against {}", gpu.len(), twin.len()));
    }
    let (mut beyond, mut worst, mut sum) = (0_usize, 0.0_f32, 0.0_f64);
    let mut first = None;
    for (k, (a, b)) in gpu.iter().zip(twin).enumerate() {
        let d = (a - b).abs();
        // Not a number is never alike.
        if d <= allowed.tolerance {
            sum += f64::from(d);
        } else {
            beyond += 1;
            first.get_or_insert((k, *a, *b));
        }
        worst = worst.max(d);
    }
    let share = beyond as f64 / gpu.len() as f64;
    let words = format!(
        "{beyond} of {} values ({:.2} %) differ by more than {}; the worst by {worst}; the others by {:.2e} in the mean; first (index, GPU, twin): {first:?}",
        gpu.len(),
        share * 100.0,
        allowed.tolerance,
        sum / (gpu.len() - beyond).max(1) as f64
    );
    if share > allowed.share { Err(words) } else { Ok(words) }
}

/// The pass agrees with its twin, and with no twin that has something wrong.
pub fn judge(pass: &str, gpu: &[f32], twin: &[f32], allowed: Allowed, wrong: &[(&str, Vec<f32>)]) {
    match compare(gpu, twin, allowed) {
        Ok(words) => println!("{pass}: {words}"),
        Err(words) => panic!("{pass}: {words}"),
    }
    assert!(twin.iter().any(|v| *v != twin[0]), "{pass}: the twin's result is all the same, it shows nothing");
    assert!(!wrong.is_empty(), "{pass}: nothing shows that the comparison can fail");
    for (what, wrong) in wrong {
        assert!(compare(gpu, wrong, allowed).is_err(), "{pass}: the comparison does not see {what}");
    }
}

#[test]
fn the_comparison_can_fail() {
    let strict = Allowed { tolerance: 0.1, share: 0.25 };
    assert!(compare(&[1.0, 2.0], &[1.0, 2.05], strict).is_ok());
    assert!(compare(&[1.0, 2.0], &[1.0, 2.2], strict).is_err());
    assert!(compare(&[1.0, 2.0, 3.0, 4.0], &[1.0, 2.0, 3.0, 9.0], strict).is_ok());
    assert!(compare(&[1.0, f32::NAN], &[1.0, f32::NAN], strict).is_err());
    assert!(compare(&[1.0], &[1.0, 2.0], strict).is_err());
    assert!(compare(&[], &[], strict).is_err());
}
