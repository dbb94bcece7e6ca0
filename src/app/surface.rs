//! The windows' GPU device, and a surface that copes with all its states.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use winit::window::Window;

use super::AppError;

/// Device and queue for windows. Everything made of it is made anew when it is lost.
#[derive(Debug)]
pub(super) struct WindowGpu {
    instance: wgpu::Instance,
    adapter: wgpu::Adapter,
    pub device: wgpu::Device,
    pub queue: wgpu::Queue,
    lost: Arc<AtomicBool>,
}

impl WindowGpu {
    /// A device that can draw on `window`.
    pub fn open(window: &Arc<Window>) -> Result<Self, AppError> {
        let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
        descriptor.backends = wgpu::Backends::VULKAN | wgpu::Backends::METAL | wgpu::Backends::DX12;
        let instance = wgpu::Instance::new(descriptor);
        let surface = instance.create_surface(Arc::clone(window)).map_err(|e| AppError::Gpu(e.to_string()))?;
        let options = wgpu::RequestAdapterOptions {
            power_preference: wgpu::PowerPreference::HighPerformance,
            compatible_surface: Some(&surface),
            ..wgpu::RequestAdapterOptions::default()
        };
        let adapter = pollster::block_on(instance.request_adapter(&options)).map_err(|e| AppError::Gpu(e.to_string()))?;
        let offered = adapter.limits();
        let limits = wgpu::Limits { max_texture_dimension_2d: offered.max_texture_dimension_2d.min(16384), ..wgpu::Limits::default() };
        let (device, queue) = pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor {
            label: Some("windows"),
            required_limits: limits.using_resolution(offered),
            ..wgpu::DeviceDescriptor::default()
        }))
        .map_err(|e| AppError::Gpu(e.to_string()))?;
        let lost = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&lost);
        device.set_device_lost_callback(move |reason, message| {
            if reason != wgpu::DeviceLostReason::Destroyed {
                tracing::error!(?reason, message, "the windows' GPU device was lost");
                flag.store(true, Ordering::SeqCst);
            }
        });
        // A window that draws wrong is better than one that is gone.
        device.on_uncaptured_error(Arc::new(|e: wgpu::Error| tracing::error!(%e, "window drawing")));
        Ok(Self { instance, adapter, device, queue, lost })
    }

    /// Whether it has to be opened anew.
    pub fn is_lost(&self) -> bool {
        self.lost.load(Ordering::SeqCst)
    }

    /// Software adapters draw on the processor: draw less often.
    pub fn is_software(&self) -> bool {
        self.adapter.get_info().device_type == wgpu::DeviceType::Cpu
    }
}

/// Begins to draw on a frame of black.
pub(super) fn pass_on_black<'e>(encoder: &'e mut wgpu::CommandEncoder, view: &wgpu::TextureView, label: &str) -> wgpu::RenderPass<'e> {
    encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
        label: Some(label),
        color_attachments: &[Some(wgpu::RenderPassColorAttachment {
            view,
            resolve_target: None,
            depth_slice: None,
            ops: wgpu::Operations { load: wgpu::LoadOp::Clear(wgpu::Color::BLACK), store: wgpu::StoreOp::Store },
        })],
        ..wgpu::RenderPassDescriptor::default()
    })
}

/// A window's surface.
#[derive(Debug)]
pub(super) struct WindowSurface {
    window: Arc<Window>,
    surface: wgpu::Surface<'static>,
    config: wgpu::SurfaceConfiguration,
}

/// What became of a wish for a frame.
pub(super) enum Frame {
    /// Draw on it, then hand it to [`WindowSurface::present`].
    Ready(wgpu::SurfaceTexture),
    /// Nothing to draw on now; try again later.
    Skip,
}

impl WindowSurface {
    /// A configured surface; `vsync` waits for the screen.
    pub fn new(gpu: &WindowGpu, window: &Arc<Window>, vsync: bool) -> Result<Self, AppError> {
        let surface = gpu.instance.create_surface(Arc::clone(window)).map_err(|e| AppError::Gpu(e.to_string()))?;
        let size = window.inner_size();
        let capabilities = surface.get_capabilities(&gpu.adapter);
        // Pictures and panels are made of display code values: an sRGB surface would encode them twice.
        let format = capabilities.formats.iter().copied().find(|f| !f.is_srgb()).or_else(|| capabilities.formats.first().copied());
        let default = surface.get_default_config(&gpu.adapter, size.width.max(1), size.height.max(1));
        let (Some(format), Some(default)) = (format, default) else {
            return Err(AppError::Gpu("the adapter cannot draw on this window".to_owned()));
        };
        let present_mode = if vsync { wgpu::PresentMode::AutoVsync } else { wgpu::PresentMode::AutoNoVsync };
        let config = wgpu::SurfaceConfiguration { format, present_mode, view_formats: vec![], ..default };
        surface.configure(&gpu.device, &config);
        Ok(Self { window: Arc::clone(window), surface, config })
    }

    /// Format of the frames.
    pub const fn format(&self) -> wgpu::TextureFormat {
        self.config.format
    }

    /// Size of the frames, px.
    pub const fn size_px(&self) -> [u32; 2] {
        [self.config.width, self.config.height]
    }

    /// Follows the window's size; a minimized window keeps the old one.
    pub fn resize(&mut self, gpu: &WindowGpu, width_px: u32, height_px: u32) {
        let most = gpu.device.limits().max_texture_dimension_2d;
        let (width_px, height_px) = (width_px.min(most), height_px.min(most));
        if width_px > 0 && height_px > 0 && (width_px, height_px) != (self.config.width, self.config.height) {
            self.config.width = width_px;
            self.config.height = height_px;
            self.surface.configure(&gpu.device, &self.config);
        }
    }

    /// The next frame to draw on.
    pub fn frame(&mut self, gpu: &WindowGpu) -> Frame {
        match self.surface.get_current_texture() {
            wgpu::CurrentSurfaceTexture::Success(frame) => Frame::Ready(frame),
            wgpu::CurrentSurfaceTexture::Suboptimal(frame) => {
                // Still drawable; the next frame gets the window's real size.
                let size = self.window.inner_size();
                if (size.width, size.height) == (self.config.width, self.config.height) {
                    return Frame::Ready(frame);
                }
                drop(frame);
                self.resize(gpu, size.width, size.height);
                Frame::Skip
            }
            wgpu::CurrentSurfaceTexture::Timeout | wgpu::CurrentSurfaceTexture::Occluded => Frame::Skip,
            wgpu::CurrentSurfaceTexture::Outdated => {
                let size = self.window.inner_size();
                self.resize(gpu, size.width, size.height);
                self.surface.configure(&gpu.device, &self.config);
                Frame::Skip
            }
            wgpu::CurrentSurfaceTexture::Lost => {
                match gpu.instance.create_surface(Arc::clone(&self.window)) {
                    Ok(surface) => {
                        self.surface = surface;
                        self.surface.configure(&gpu.device, &self.config);
                    }
                    Err(e) => tracing::warn!(%e, "the window's surface cannot be made anew yet"),
                }
                Frame::Skip
            }
            wgpu::CurrentSurfaceTexture::Validation => {
                tracing::warn!("the window's surface refused a frame; it is configured anew");
                self.surface.configure(&gpu.device, &self.config);
                Frame::Skip
            }
        }
    }

    /// Shows a frame.
    pub fn present(&self, gpu: &WindowGpu, frame: wgpu::SurfaceTexture) {
        self.window.pre_present_notify();
        gpu.queue.present(frame);
    }
}
