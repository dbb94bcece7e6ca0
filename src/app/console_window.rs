//! The console's window: egui on winit and wgpu.

use std::sync::Arc;

use egui_winit::accesskit_winit;
use winit::{
    event::WindowEvent,
    event_loop::{ActiveEventLoop, EventLoopProxy},
    window::Window,
};

use super::{
    AppError,
    pictures::PictureSlot,
    surface::{Frame, WindowGpu, WindowSurface, pass_on_black},
};
use crate::{
    console::{self, ConsoleState, Textures},
    engine::{Command, Snapshot},
};

/// Window, interface state and what it draws with.
pub(super) struct ConsoleWindow {
    pub window: Arc<Window>,
    pub state: ConsoleState,
    surface: WindowSurface,
    context: egui::Context,
    input: egui_winit::State,
    renderer: egui_wgpu::Renderer,
    cameras: Vec<PictureSlot>,
    frozen: Vec<PictureSlot>,
    preview: PictureSlot,
    program: PictureSlot,
    second: PictureSlot,
    /// A screen reader has asked.
    is_read: bool,
}

impl ConsoleWindow {
    /// Draws on `window` with `gpu`; `state` comes from the window before, if the device was lost.
    pub fn new(gpu: &WindowGpu, window: Arc<Window>, mut state: ConsoleState) -> Result<Self, AppError> {
        state.scale.begin();
        let surface = WindowSurface::new(gpu, &window, false)?;
        let context = egui::Context::default();
        console::apply_style(&context);
        let most = gpu.device.limits().max_texture_dimension_2d as usize;
        let scale = Some(window.scale_factor() as f32);
        let input = egui_winit::State::new(context.clone(), egui::ViewportId::ROOT, window.as_ref(), scale, window.theme(), Some(most));
        let renderer = egui_wgpu::Renderer::new(&gpu.device, surface.format(), egui_wgpu::RendererOptions::default());
        Ok(Self {
            window,
            state,
            surface,
            context,
            input,
            renderer,
            cameras: Vec::new(),
            frozen: Vec::new(),
            preview: PictureSlot::new(),
            program: PictureSlot::new(),
            second: PictureSlot::new(),
            is_read: false,
        })
    }

    /// Hands the names of everything over to screen readers that ask for them. The window must never have been shown: what is shown has been looked at already.
    pub fn speak_to_readers(&mut self, event_loop: &ActiveEventLoop, proxy: EventLoopProxy<accesskit_winit::Event>) {
        self.input.init_accesskit(event_loop, &self.window, proxy);
    }

    /// What screen readers were told by the window before, if the device was lost: it is the same window.
    pub fn keep_speaking(&mut self, before: Option<accesskit_winit::Adapter>, asked: bool) {
        self.input.accesskit = before;
        self.is_read = asked;
        if asked {
            self.context.enable_accesskit();
        }
    }

    /// Takes what speaks to screen readers out of this one, and whether they have asked.
    pub fn stop_speaking(&mut self) -> (Option<accesskit_winit::Adapter>, bool) {
        (self.input.accesskit.take(), self.is_read)
    }

    /// A screen reader has come, wants something done, or is gone.
    pub fn on_reader(&mut self, event: accesskit_winit::WindowEvent) {
        match event {
            accesskit_winit::WindowEvent::InitialTreeRequested => {
                self.is_read = true;
                self.context.enable_accesskit();
            }
            accesskit_winit::WindowEvent::ActionRequested(request) => self.input.on_accesskit_action_request(request),
            accesskit_winit::WindowEvent::AccessibilityDeactivated => {
                self.is_read = false;
                self.context.disable_accesskit();
            }
        }
    }

    /// Whether the operator types into a field.
    pub fn is_typing(&self) -> bool {
        self.context.text_edit_focused()
    }

    /// Hands an event to egui.
    pub fn on_event(&mut self, gpu: &WindowGpu, event: &WindowEvent) {
        if let WindowEvent::Resized(size) = event {
            self.surface.resize(gpu, size.width, size.height);
        }
        let _ = self.input.on_window_event(&self.window, event);
    }

    /// Draws the snapshot and returns what the operator asked for.
    pub fn draw(&mut self, gpu: &WindowGpu, snapshot: &Snapshot) -> Vec<Command> {
        let textures = self.upload(gpu, snapshot);
        let raw = self.input.take_egui_input(&self.window);
        let mut commands = Vec::new();
        // egui's own keys (Ctrl and plus, minus) ask for another scale: none that would cut what has to be seen.
        let scale = self.context.zoom_factor();
        let size_px = self.surface.size_px().map(|v| v as f32 / self.window.scale_factor() as f32);
        let within = self.state.scale.follow(scale, size_px.into());
        if within != scale {
            self.context.set_zoom_factor(within);
        }
        let state = &mut self.state;
        let output = self.context.run_ui(raw, |ui| commands.extend(console::show(ui, snapshot, &textures, state)));
        self.input.handle_platform_output(&self.window, output.platform_output);
        let jobs = self.context.tessellate(output.shapes, output.pixels_per_point);
        #[expect(clippy::iter_over_hash_type, reason = "each texture is uploaded alone: their order shows nowhere")]
        for (id, deltas) in &output.textures_delta.set {
            for delta in deltas {
                self.renderer.update_texture(&gpu.device, &gpu.queue, *id, delta);
            }
        }
        if let Frame::Ready(frame) = self.surface.frame(gpu) {
            let screen = egui_wgpu::ScreenDescriptor { size_in_pixels: self.surface.size_px(), pixels_per_point: output.pixels_per_point };
            let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("console") });
            let extra = self.renderer.update_buffers(&gpu.device, &gpu.queue, &mut encoder, &jobs, &screen);
            let view = frame.texture.create_view(&wgpu::TextureViewDescriptor::default());
            let pass = pass_on_black(&mut encoder, &view, "console");
            self.renderer.render(&mut pass.forget_lifetime(), &jobs, &screen);
            gpu.queue.submit(extra.into_iter().chain([encoder.finish()]));
            self.surface.present(gpu, frame);
        }
        #[expect(clippy::iter_over_hash_type, reason = "each texture is freed alone: their order shows nowhere")]
        for id in &output.textures_delta.free {
            self.renderer.free_texture(id);
        }
        commands
    }

    fn upload(&mut self, gpu: &WindowGpu, snapshot: &Snapshot) -> Textures {
        let (device, queue, renderer) = (&gpu.device, &gpu.queue, &mut self.renderer);
        self.cameras.resize_with(snapshot.cameras.len(), PictureSlot::new);
        let cameras = snapshot
            .cameras
            .iter()
            .zip(&mut self.cameras)
            .map(|(camera, slot)| slot.show_in_egui(device, queue, renderer, &camera.live.as_ref()?.picture))
            .collect();
        // Only while somebody clicks in them: they have the cameras' own size.
        let frames = snapshot.preview.as_ref().filter(|_| self.state.picks()).map_or(&[][..], |p| &p.frames);
        self.frozen.resize_with(frames.len(), PictureSlot::new);
        let frozen = frames.iter().zip(&mut self.frozen).map(|(p, slot)| slot.show_in_egui(device, queue, renderer, p.as_ref()?)).collect();
        let shown = snapshot.preview.as_ref().and_then(|p| p.shown.as_ref());
        Textures {
            cameras,
            frozen,
            preview: shown.and_then(|s| self.preview.show_in_egui(device, queue, renderer, &s.picture)),
            program: self.program.show_in_egui(device, queue, renderer, &snapshot.program.shown.picture),
            second: snapshot
                .second
                .as_ref()
                .and_then(|second| self.second.show_in_egui(device, queue, renderer, &second.program.shown.picture)),
        }
    }
}
