//! Compute kernels and small buffer helpers.

use super::{Gpu, GpuError, shaders};

/// A compiled compute entry point with the bind group layout deduced from the shader (group 0).
#[derive(Debug)]
pub struct Kernel {
    name: String,
    pipeline: wgpu::ComputePipeline,
    layout: wgpu::BindGroupLayout,
}

impl Kernel {
    /// Compiles `entry` of `shader` (path below `shaders/`) with pipeline constants.
    pub fn new(gpu: &Gpu, shader: &str, entry: &str, constants: &[(&str, f64)]) -> Result<Self, GpuError> {
        let text = shaders::source(shader)?;
        let name = format!("{shader}:{entry}");
        gpu.checked(&name, || {
            let module = gpu
                .device
                .create_shader_module(wgpu::ShaderModuleDescriptor { label: Some(shader), source: wgpu::ShaderSource::Wgsl(text.into()) });
            let pipeline = gpu.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some(&name),
                layout: None,
                module: &module,
                entry_point: Some(entry),
                compilation_options: wgpu::PipelineCompilationOptions { constants, zero_initialize_workgroup_memory: false },
                cache: None,
            });
            let layout = pipeline.get_bind_group_layout(0);
            Ok(Self { name: name.clone(), pipeline, layout })
        })
    }

    /// A bind group of `(binding, resource)`.
    pub fn bind(&self, gpu: &Gpu, resources: &[(u32, wgpu::BindingResource<'_>)]) -> wgpu::BindGroup {
        let entries: Vec<_> =
            resources.iter().map(|(binding, resource)| wgpu::BindGroupEntry { binding: *binding, resource: resource.clone() }).collect();
        gpu.device.create_bind_group(&wgpu::BindGroupDescriptor { label: Some(&self.name), layout: &self.layout, entries: &entries })
    }

    /// Records one dispatch of `groups` workgroups.
    pub fn dispatch(&self, encoder: &mut wgpu::CommandEncoder, bind: &wgpu::BindGroup, groups: [u32; 3]) {
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor { label: Some(&self.name), timestamp_writes: None });
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, bind, &[]);
        pass.dispatch_workgroups(groups[0], groups[1], groups[2]);
    }

    /// Records one dispatch of as many workgroups as `groups` holds at `offset_bytes` (three `u32`).
    pub fn dispatch_indirect(&self, encoder: &mut wgpu::CommandEncoder, bind: &wgpu::BindGroup, groups: &wgpu::Buffer, offset_bytes: u64) {
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor { label: Some(&self.name), timestamp_writes: None });
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, bind, &[]);
        pass.dispatch_workgroups_indirect(groups, offset_bytes);
    }

    /// Shader and entry point.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// An uninitialized storage buffer that can be copied from and to.
pub fn storage(gpu: &Gpu, label: &str, bytes: u64) -> wgpu::Buffer {
    gpu.device.create_buffer(&wgpu::BufferDescriptor {
        label: Some(label),
        size: bytes.max(16).next_multiple_of(4),
        usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    })
}

/// A buffer that the queue fills. (Mapping it at creation would panic when the device has just been lost.)
fn filled(gpu: &Gpu, label: &str, contents: &[u8], usage: wgpu::BufferUsages) -> wgpu::Buffer {
    let size = contents.len().next_multiple_of(wgpu::COPY_BUFFER_ALIGNMENT as usize);
    let buffer = gpu.device.create_buffer(&wgpu::BufferDescriptor {
        label: Some(label),
        size: size as u64,
        usage: usage | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    if size == contents.len() {
        gpu.queue.write_buffer(&buffer, 0, contents);
    } else {
        let mut padded = contents.to_vec();
        padded.resize(size, 0);
        gpu.queue.write_buffer(&buffer, 0, &padded);
    }
    buffer
}

/// A storage buffer with contents.
pub fn storage_init<T: bytemuck::NoUninit>(gpu: &Gpu, label: &str, data: &[T]) -> wgpu::Buffer {
    filled(gpu, label, bytemuck::cast_slice(data), wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC)
}

/// A small buffer with contents that every thread reads alike, for a `var<uniform>` or a `var<storage, read>`.
///
/// A branch or a loop that hangs on nothing but constant places of a uniform is dear in software: Mesa's lavapipe (22.3) puts their values
/// into the code, may compile the pass anew for every dispatch, and keeps all that it compiled. Where that was seen (compilations counted over
/// many dispatches), the shader reads the buffer as storage.
pub fn uniform<T: bytemuck::NoUninit>(gpu: &Gpu, label: &str, value: &T) -> wgpu::Buffer {
    filled(gpu, label, bytemuck::bytes_of(value), wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::STORAGE)
}
