//! Adapter and device.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// What can go wrong with the GPU.
#[derive(Debug, thiserror::Error)]
pub enum GpuError {
    /// No usable adapter.
    #[error(
        "no GPU adapter{wanted}. Install a Vulkan driver (Debian and Ubuntu: `apt install mesa-vulkan-drivers libvulkan1` gives the software one). Adapters seen: {seen}"
    )]
    NoAdapter {
        /// ` whose name contains "…"` or empty.
        wanted: String,
        /// Names of what was found.
        seen: String,
    },
    /// The device was refused.
    #[error("the GPU adapter {adapter:?} gave no device: {source}")]
    NoDevice {
        /// Adapter name.
        adapter: String,
        /// The driver's word.
        source: wgpu::RequestDeviceError,
    },
    /// A shader file is missing or does not compile.
    #[error("shader {name:?}: {problem}")]
    Shader {
        /// Path below `shaders/`.
        name: String,
        /// What is wrong.
        problem: String,
    },
    /// The driver reported an error while recording or running.
    #[error("GPU error in {what}: {problem}")]
    Run {
        /// The job.
        what: String,
        /// The driver's word.
        problem: String,
    },
    /// There is not enough memory on the device.
    #[error(
        "the GPU has no memory left for {what} ({problem}). Close other programs that use it, lower the quality level, or use fewer or smaller cameras"
    )]
    OutOfMemory {
        /// The job.
        what: String,
        /// The driver's word.
        problem: String,
    },
    /// The device was lost (driver reset, unplugged).
    #[error(
        "the GPU device was lost ({0}). It is recreated at the next job; if this repeats, update the driver or lower the quality level"
    )]
    Lost(String),
}

/// A device that has not finished its work after so long hangs. No job of ours takes a tenth of that.
const ANSWER: Duration = Duration::from_secs(30);
/// A software adapter shares its processor with everything else.
const ANSWER_SOFTWARE: Duration = Duration::from_mins(15);

/// How to choose the adapter.
#[derive(Debug, Clone, Default)]
pub struct GpuOptions {
    /// Only adapters whose name contains this (case-insensitive). Also read from `VOLTE_ADAPTER`.
    pub adapter_name: Option<String>,
}

/// Device, queue and what the adapter can do. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Gpu {
    /// The instance, for surfaces.
    pub instance: wgpu::Instance,
    /// The adapter.
    pub adapter: wgpu::Adapter,
    /// The device.
    pub device: wgpu::Device,
    /// Its queue.
    pub queue: wgpu::Queue,
    /// Adapter name, backend, driver.
    pub info: wgpu::AdapterInfo,
    /// Whether timestamps can be taken.
    pub has_timestamps: bool,
    lost: Arc<AtomicBool>,
}

/// The backends that run compute shaders well; OpenGL is left out even where another crate compiled it in.
fn instance() -> wgpu::Instance {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = wgpu::Backends::VULKAN | wgpu::Backends::METAL | wgpu::Backends::DX12;
    wgpu::Instance::new(descriptor)
}

impl Gpu {
    /// Opens the best adapter: discrete before integrated before software; `VOLTE_ADAPTER` or the options narrow the choice.
    pub fn open(options: &GpuOptions) -> Result<Self, GpuError> {
        let instance = instance();
        let wanted = options.adapter_name.clone().or_else(|| std::env::var("VOLTE_ADAPTER").ok()).filter(|s| !s.is_empty());
        let mut adapters = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all()));
        let seen = adapters.iter().map(|a| a.get_info().name).collect::<Vec<_>>().join(", ");
        let rank = |a: &wgpu::Adapter| match a.get_info().device_type {
            wgpu::DeviceType::DiscreteGpu => 0,
            wgpu::DeviceType::IntegratedGpu => 1,
            wgpu::DeviceType::VirtualGpu => 2,
            wgpu::DeviceType::Other => 3,
            wgpu::DeviceType::Cpu => 4,
        };
        adapters.sort_by_key(rank);
        let adapter = adapters
            .into_iter()
            .find(|a| wanted.as_ref().is_none_or(|w| a.get_info().name.to_lowercase().contains(&w.to_lowercase())))
            .ok_or_else(|| GpuError::NoAdapter {
                wanted: wanted.map(|w| format!(" whose name contains {w:?}")).unwrap_or_default(),
                seen: if seen.is_empty() { "none".to_owned() } else { seen },
            })?;
        Self::from_adapter(instance, adapter)
    }

    /// Name and kind of every adapter that can be seen.
    pub fn adapters() -> Vec<(String, String)> {
        let instance = instance();
        let adapters = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all()));
        adapters
            .iter()
            .map(|a| {
                let info = a.get_info();
                let kind = match info.device_type {
                    wgpu::DeviceType::DiscreteGpu => "discrete",
                    wgpu::DeviceType::IntegratedGpu => "integrated",
                    wgpu::DeviceType::VirtualGpu => "virtual",
                    wgpu::DeviceType::Cpu => "software",
                    wgpu::DeviceType::Other => "unknown kind",
                };
                (info.name, format!("{kind}, {:?}, {}", info.backend, info.driver_info))
            })
            .collect()
    }

    fn from_adapter(instance: wgpu::Instance, adapter: wgpu::Adapter) -> Result<Self, GpuError> {
        let info = adapter.get_info();
        let optional = wgpu::Features::TIMESTAMP_QUERY | wgpu::Features::TIMESTAMP_QUERY_INSIDE_ENCODERS;
        let required_features = adapter.features() & optional;
        let has_timestamps = required_features.contains(optional);
        // The portable profile: what every desktop adapter gives, plus texture size and binding room when there is more.
        let offered = adapter.limits();
        let required_limits = wgpu::Limits {
            max_texture_dimension_2d: offered.max_texture_dimension_2d.min(16384),
            max_storage_buffer_binding_size: offered.max_storage_buffer_binding_size.min(1 << 30),
            max_buffer_size: offered.max_buffer_size.min(1 << 32),
            max_storage_buffers_per_shader_stage: offered.max_storage_buffers_per_shader_stage.min(16),
            max_texture_array_layers: offered.max_texture_array_layers.min(2048),
            ..wgpu::Limits::default()
        };
        let (device, queue) = pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor {
            label: Some("volte"),
            required_features,
            required_limits,
            memory_hints: wgpu::MemoryHints::Performance,
            ..wgpu::DeviceDescriptor::default()
        }))
        .map_err(|source| GpuError::NoDevice { adapter: info.name.clone(), source })?;
        let lost = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&lost);
        device.set_device_lost_callback(move |reason, message| {
            tracing::error!(?reason, message, "GPU device lost");
            flag.store(true, Ordering::SeqCst);
        });
        tracing::debug!(adapter = info.name, backend = ?info.backend, driver = info.driver_info, "GPU opened");
        // Errors outside of `checked` (a read-back when the device is lost) must not end the program: the call that follows fails.
        device.on_uncaptured_error(Arc::new(|e: wgpu::Error| tracing::error!(%e, "GPU")));
        Ok(Self { instance, adapter, device, queue, info, has_timestamps, lost })
    }

    /// Whether the device was lost; then open a new [`Gpu`].
    pub fn is_lost(&self) -> bool {
        self.lost.load(Ordering::SeqCst)
    }

    /// Whether this is a software rasterizer (strategies differ).
    pub fn is_software(&self) -> bool {
        self.info.device_type == wgpu::DeviceType::Cpu
    }

    /// Runs `f` and turns any GPU validation, memory or internal error raised meanwhile into a `Result`.
    pub fn checked<T>(&self, what: &str, f: impl FnOnce() -> Result<T, GpuError>) -> Result<T, GpuError> {
        let validation = self.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let memory = self.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let value = f();
        let memory = pollster::block_on(memory.pop());
        let validation = pollster::block_on(validation.pop());
        if self.is_lost() {
            return Err(GpuError::Lost(what.to_owned()));
        }
        if let Some(e) = memory {
            return Err(GpuError::OutOfMemory { what: what.to_owned(), problem: e.to_string() });
        }
        if let Some(e) = validation {
            return Err(GpuError::Run { what: what.to_owned(), problem: e.to_string() });
        }
        value
    }

    /// Waits until all submitted work is done. A device that does not answer counts as lost.
    pub fn wait(&self) -> Result<(), GpuError> {
        let timeout = if self.is_software() { ANSWER_SOFTWARE } else { ANSWER };
        match self.device.poll(wgpu::PollType::Wait { submission_index: None, timeout: Some(timeout) }) {
            Ok(_) => Ok(()),
            Err(wgpu::PollError::Timeout) => {
                self.lost.store(true, Ordering::SeqCst);
                Err(GpuError::Lost(format!("no answer for {} s", timeout.as_secs())))
            }
            Err(e) => Err(GpuError::Run { what: "waiting for the GPU".to_owned(), problem: e.to_string() }),
        }
    }

    /// Bytes that live on the device now, as its allocator counts them; `None` where it does not.
    pub fn allocated_bytes(&self) -> Option<u64> {
        self.device.generate_allocator_report().map(|report| report.total_allocated_bytes)
    }

    /// Asks the driver for far more memory than there is. It fails; for rehearsals of that.
    pub fn exhaust(&self) -> Result<(), GpuError> {
        let limits = self.device.limits();
        let side = limits.max_texture_dimension_2d;
        self.checked("a rehearsal", || {
            let _too_much = self.device.create_texture(&wgpu::TextureDescriptor {
                label: Some("too much"),
                size: wgpu::Extent3d { width: side, height: side, depth_or_array_layers: limits.max_texture_array_layers },
                mip_level_count: 1,
                sample_count: 1,
                dimension: wgpu::TextureDimension::D2,
                format: wgpu::TextureFormat::Rgba32Float,
                usage: wgpu::TextureUsages::COPY_DST,
                view_formats: &[],
            });
            Ok(())
        })
    }
}
