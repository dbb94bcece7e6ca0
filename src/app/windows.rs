//! Both windows on one event loop: keys and clicks become commands, snapshots become pictures.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use egui_winit::accesskit_winit;
use winit::{
    application::ApplicationHandler,
    dpi::{LogicalSize, PhysicalPosition, PhysicalSize},
    event::{ElementState, KeyEvent, MouseButton, WindowEvent},
    event_loop::{ActiveEventLoop, ControlFlow, EventLoop, EventLoopProxy},
    keyboard::ModifiersState,
    monitor::MonitorHandle,
    window::{Window, WindowId},
};

use super::{
    console_window::ConsoleWindow,
    keys,
    placement::{self, Area},
    program_window::ProgramWindow,
    surface::WindowGpu,
};
use crate::{
    console::{Arrangement, ConsoleState, FaderView, Language, SurfaceRow, SurfaceView, SurfaceWish},
    control::{
        self, KeyContext,
        hub::Recorder,
        surface::{Surface, Waiting},
    },
    engine::{Command, CommandKind, ConsoleLook, Engine, Snapshot},
    replay::{Readiness, operators::Origin},
};

/// Time between frames of the console, at least.
const CONSOLE_INTERVAL: Duration = Duration::from_millis(16);
/// The same on a software adapter, which draws on the processor that decodes and solves.
const CONSOLE_INTERVAL_SOFTWARE: Duration = Duration::from_millis(66);
/// Time between looks at program.
const PROGRAM_INTERVAL: Duration = Duration::from_millis(8);
/// Two clicks within this time are a double click.
const DOUBLE_CLICK: Duration = Duration::from_millis(400);

/// What can go wrong with windows.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// There is no screen.
    #[error("no window can be opened: {0}. Without a screen use `volte demo --headless` or `volte export`")]
    NoDisplay(String),
    /// The GPU cannot draw on a window.
    #[error("the GPU cannot draw windows: {0}. Install a Vulkan driver (Debian and Ubuntu: `apt install mesa-vulkan-drivers`)")]
    Gpu(String),
}

/// How the windows open.
#[derive(Debug, Clone, Default)]
pub struct WindowOptions {
    /// Open the program window in full screen.
    pub program_full_screen: bool,
    /// Do not open the program window.
    pub no_program_window: bool,
    /// Open the console on the page of the calibration.
    pub calibrate: bool,
    /// Which panels the console opens with; `None`: as it was left.
    pub arrangement: Option<Arrangement>,
    /// What the console is written in.
    pub language: Language,
    /// Write every command of the operator down, a line each.
    pub recorder: Option<Recorder>,
    /// The control surfaces, so that the console can show and teach them.
    pub surface: Option<Arc<Surface>>,
    /// Set from outside (Ctrl-C) to close the windows.
    pub quit: Arc<AtomicBool>,
}

/// Whether there seems to be a screen to open windows on.
pub fn has_display() -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|v| !v.is_empty());
    !cfg!(all(unix, not(target_os = "macos"))) || set("DISPLAY") || set("WAYLAND_DISPLAY")
}

/// Opens the windows on a running engine and stays until they are closed.
pub fn run(engine: &Engine, options: WindowOptions) -> Result<(), AppError> {
    if !has_display() {
        return Err(AppError::NoDisplay("neither DISPLAY nor WAYLAND_DISPLAY is set".to_owned()));
    }
    let event_loop = EventLoop::<accesskit_winit::Event>::with_user_event().build().map_err(|e| AppError::NoDisplay(e.to_string()))?;
    let mut app = App {
        readers: event_loop.create_proxy(),
        engine,
        options,
        gpu: None,
        console: None,
        program: None,
        modifiers: ModifiersState::empty(),
        console_due: Instant::now(),
        console_pause: CONSOLE_INTERVAL,
        shown_program: 0,
        last_click: None,
        failed: None,
        left: engine.console_look(),
    };
    event_loop.run_app(&mut app).map_err(|e| AppError::NoDisplay(e.to_string()))?;
    app.failed.map_or(Ok(()), Err)
}

struct App<'a> {
    /// Where screen readers' wishes come in.
    readers: EventLoopProxy<accesskit_winit::Event>,
    engine: &'a Engine,
    options: WindowOptions,
    gpu: Option<WindowGpu>,
    console: Option<ConsoleWindow>,
    program: Option<ProgramWindow>,
    modifiers: ModifiersState,
    console_due: Instant,
    console_pause: Duration,
    shown_program: u64,
    last_click: Option<Instant>,
    failed: Option<AppError>,
    /// How the console was left, as it is kept.
    left: ConsoleLook,
}

/// A window that is not shown yet.
fn window(event_loop: &ActiveEventLoop, title: &str, place: Area, smallest: LogicalSize<f64>) -> Result<Arc<Window>, AppError> {
    let attributes = Window::default_attributes()
        .with_title(title)
        .with_inner_size(PhysicalSize::new(place.width_px, place.height_px))
        .with_position(PhysicalPosition::new(place.x_px, place.y_px))
        .with_min_inner_size(smallest)
        .with_visible(false);
    event_loop.create_window(attributes).map(Arc::new).map_err(|e| AppError::NoDisplay(e.to_string()))
}

/// The control surfaces as the console shows them.
fn surface_view(surface: &Surface) -> SurfaceView {
    let shown = surface.shown();
    let row = |words: String| {
        let control = shown.bindings.iter().find(|(command, _)| *command == words).map(|(_, control)| control.clone());
        // An example of what follows a knob says which command that is.
        let example = words.replace("{}", "1").replace("prepared", "1");
        SurfaceRow { kind: control::text::command_of(&example).map(|c| c.kind()), control, words }
    };
    let others = shown.bindings.iter().map(|(command, _)| command.clone());
    let mut words = control::mapping::learnable();
    words.extend(others);
    let mut seen = std::collections::BTreeSet::new();
    words.retain(|w| seen.insert(w.clone()));
    SurfaceView { rows: words.into_iter().map(row).collect(), learning: shown.learning, last: shown.last, problem: shown.problem }
}

/// The fader that waits until it meets what it moves.
fn fader_view(surface: &Surface, snapshot: &Snapshot) -> Option<FaderView> {
    let Waiting { control, command, at, to } = surface.waiting(snapshot)?;
    let kind = control::text::command_of(&command.replace("{}", "1")).map(|c| c.kind());
    let t_bar = matches!(kind, Some(CommandKind::TBar)).then(|| command.starts_with("t-bar-time"));
    Some(FaderView { control, kind, at, to, t_bar })
}

fn area(monitor: &MonitorHandle) -> Area {
    let (at, size) = (monitor.position(), monitor.size());
    Area { x_px: at.x, y_px: at.y, width_px: size.width, height_px: size.height }
}

/// Places of the windows on the monitors at hand.
fn places(event_loop: &ActiveEventLoop, with_program: bool) -> (Area, Option<Area>) {
    let first = event_loop.primary_monitor().or_else(|| event_loop.available_monitors().next());
    // Without a word about monitors the system places the windows.
    let Some(first) = first else {
        let screen = Area { x_px: 0, y_px: 0, width_px: 1600, height_px: 900 };
        return placement::places(screen, 1.0, None, with_program);
    };
    let other = event_loop.available_monitors().find(|m| *m != first).map(|m| area(&m));
    placement::places(area(&first), first.scale_factor(), other, with_program)
}

impl App<'_> {
    fn open(&mut self, event_loop: &ActiveEventLoop) -> Result<(), AppError> {
        let (console, program) = places(event_loop, !self.options.no_program_window);
        let console = window(event_loop, "Volte", console, LogicalSize::new(960.0, 600.0))?;
        let gpu = WindowGpu::open(&console)?;
        self.console_pause = if gpu.is_software() { CONSOLE_INTERVAL_SOFTWARE } else { CONSOLE_INTERVAL };
        let mut state = ConsoleState::opened(self.options.language, self.options.arrangement, self.left);
        if self.options.calibrate {
            state.obey(&Command::CalibratePage);
        }
        let mut console = ConsoleWindow::new(&gpu, console, state)?;
        console.speak_to_readers(event_loop, self.readers.clone());
        console.window.set_visible(true);
        self.console = Some(console);
        self.gpu = Some(gpu);
        match program {
            Some(place) => self.open_program(event_loop, place)?,
            None if self.options.no_program_window => {}
            None => tracing::info!("no room for the program window beside the console: F11 opens it"),
        }
        if self.options.program_full_screen {
            if self.program.is_none() && !self.options.no_program_window {
                self.open_program_anywhere(event_loop)?;
            }
            if let Some(program) = &self.program {
                program.toggle_full_screen();
            }
        }
        // Keys go to the console, whichever window was opened last.
        if let Some(console) = &self.console {
            console.window.focus_window();
        }
        Ok(())
    }

    fn open_program(&mut self, event_loop: &ActiveEventLoop, place: Area) -> Result<(), AppError> {
        let Some(gpu) = &self.gpu else { return Ok(()) };
        let program = window(event_loop, "Volte program", place, LogicalSize::new(160.0, 90.0))?;
        let program = ProgramWindow::new(gpu, program)?;
        program.window.set_visible(true);
        self.program = Some(program);
        Ok(())
    }

    /// Asked for, so even where it covers the console.
    fn open_program_anywhere(&mut self, event_loop: &ActiveEventLoop) -> Result<(), AppError> {
        let (console, program) = places(event_loop, true);
        let place = program.unwrap_or(Area { width_px: console.width_px / 2, height_px: console.width_px / 2 * 9 / 16, ..console });
        self.open_program(event_loop, place)
    }

    /// Device lost: the same windows with a new device.
    fn reopen_gpu(&mut self) -> Result<(), AppError> {
        let (Some(mut console), program) = (self.console.take(), self.program.take()) else { return Ok(()) };
        let (readers, are_there) = console.stop_speaking();
        let (window, state) = (Arc::clone(&console.window), console.state.clone());
        let program_window = program.as_ref().map(|p| Arc::clone(&p.window));
        // Everything made of the old device goes before the new one comes.
        drop((console, program));
        self.gpu = None;
        let gpu = WindowGpu::open(&window)?;
        let mut console = ConsoleWindow::new(&gpu, window, state)?;
        console.keep_speaking(readers, are_there);
        self.console = Some(console);
        if let Some(window) = program_window {
            self.program = Some(ProgramWindow::new(&gpu, window)?);
        }
        self.gpu = Some(gpu);
        Ok(())
    }

    fn give_up(&mut self, event_loop: &ActiveEventLoop, problem: AppError) {
        self.failed = Some(problem);
        event_loop.exit();
    }

    fn ask(&mut self, event_loop: &ActiveEventLoop, command: Command) {
        if let Some(recorder) = &self.options.recorder {
            recorder.tell(&Origin::default(), &command);
        }
        match command {
            command if ConsoleState::owns(&command) => {
                if let Some(console) = &mut self.console {
                    console.state.obey(&command);
                    if command == Command::ShowKeys {
                        tracing::info!(
                            "operator: ShowKeys: the list of keys is {}",
                            if console.state.keys_shown { "shown" } else { "hidden" }
                        );
                    } else {
                        tracing::info!("operator: {command:?}");
                    }
                }
            }
            Command::FullScreenProgram => match &self.program {
                Some(program) => {
                    let full = program.toggle_full_screen();
                    tracing::info!("operator: FullScreenProgram: program {}", if full { "fills the screen" } else { "is a window" });
                }
                None => match self.open_program_anywhere(event_loop) {
                    Ok(()) => tracing::info!("operator: FullScreenProgram: the program window opens"),
                    Err(e) => tracing::warn!(%e, "the program window does not open"),
                },
            },
            command => {
                let name = command.kind().info().name;
                if !self.engine.send(command) {
                    tracing::warn!(name, "the engine is behind; the command was not taken");
                }
            }
        }
        // What was asked for is seen at once.
        self.console_due = Instant::now();
    }

    fn on_key(&mut self, event_loop: &ActiveEventLoop, event: &KeyEvent) -> bool {
        let Some(key) = keys::key(event.physical_key, &event.logical_key) else { return false };
        if event.repeat && !keys::may_repeat(key) {
            return true;
        }
        if key == control::Key::Escape
            && let Some(top) = self.console.as_ref().filter(|c| !c.is_typing()).and_then(|c| c.state.top())
        {
            self.ask(event_loop, top);
            return true;
        }
        // Who types a name types letters, not commands.
        if self.console.as_ref().is_some_and(ConsoleWindow::is_typing) && key != control::Key::F11 {
            return false;
        }
        let context = KeyContext::of(&self.engine.snapshot());
        match control::command_for(key, keys::modifiers(self.modifiers), &context) {
            Some(command) => {
                self.ask(event_loop, command);
                true
            }
            None => false,
        }
    }

    fn draw_console(&mut self, event_loop: &ActiveEventLoop) {
        let begun = Instant::now();
        let snapshot = self.engine.snapshot();
        let (Some(gpu), Some(console)) = (&self.gpu, &mut self.console) else { return };
        if let Some(surface) = self.options.surface.as_ref().filter(|_| console.state.shows_controls()) {
            console.state.surface = Some(surface_view(surface));
        }
        console.state.fader = self.options.surface.as_ref().and_then(|surface| fader_view(surface, &snapshot));
        let commands = console.draw(gpu, &snapshot);
        let look = console.state.look();
        // An engine that is behind is told with the next picture.
        if look != self.left && self.engine.keep_console_look(look) {
            self.left = look;
        }
        for wish in console.state.take_surface_wishes() {
            let Some(surface) = &self.options.surface else { continue };
            match wish {
                SurfaceWish::Learn(words) => surface.learn(words),
                SurfaceWish::Forget(words) => surface.forget(&words),
            }
        }
        // Drawing takes at most half of the time and, while it would take it from a solve on the same processor, a fifth.
        let solving = snapshot.preview.as_ref().is_some_and(|p| p.readiness < Readiness::Solved && p.progress > 0.0 && p.problem.is_none());
        let rests = if solving && gpu.is_software() { 4 } else { 1 };
        self.console_due = Instant::now() + self.console_pause.max(begun.elapsed() * rests);
        for command in commands {
            self.ask(event_loop, command);
        }
    }
}

impl ApplicationHandler<accesskit_winit::Event> for App<'_> {
    fn resumed(&mut self, event_loop: &ActiveEventLoop) {
        if self.console.is_none()
            && let Err(e) = self.open(event_loop)
        {
            self.give_up(event_loop, e);
        }
    }

    fn window_event(&mut self, event_loop: &ActiveEventLoop, id: WindowId, event: WindowEvent) {
        let is_console = self.console.as_ref().is_some_and(|c| c.window.id() == id);
        match &event {
            WindowEvent::CloseRequested => {
                if is_console {
                    event_loop.exit();
                } else {
                    // F11 opens it again.
                    self.program = None;
                }
                return;
            }
            WindowEvent::ModifiersChanged(modifiers) => self.modifiers = modifiers.state(),
            #[expect(clippy::collapsible_match, reason = "a guard with a side effect would hide that the key is acted upon")]
            WindowEvent::KeyboardInput { event: key, is_synthetic: false, .. } if key.state == ElementState::Pressed => {
                if self.on_key(event_loop, key) {
                    return;
                }
            }
            WindowEvent::MouseInput { state: ElementState::Pressed, button: MouseButton::Left, .. } if !is_console => {
                let now = Instant::now();
                if self.last_click.is_some_and(|at| now - at < DOUBLE_CLICK) {
                    self.last_click = None;
                    self.ask(event_loop, Command::FullScreenProgram);
                } else {
                    self.last_click = Some(now);
                }
            }
            _ => {}
        }
        let Some(gpu) = &self.gpu else { return };
        if is_console {
            if let Some(console) = &mut self.console {
                console.on_event(gpu, &event);
            }
            match event {
                WindowEvent::RedrawRequested => self.draw_console(event_loop),
                WindowEvent::CursorMoved { .. } => {}
                _ => self.console_due = Instant::now(),
            }
        } else if let Some(program) = &mut self.program
            && program.window.id() == id
        {
            if event == WindowEvent::RedrawRequested {
                let shown = self.engine.snapshot().program.shown.clone();
                program.draw(gpu, &shown.picture);
                self.shown_program = shown.serial;
            } else if !matches!(event, WindowEvent::CursorMoved { .. }) {
                program.on_event(gpu, &event);
            }
        }
    }

    fn user_event(&mut self, _: &ActiveEventLoop, event: accesskit_winit::Event) {
        if let Some(console) = &mut self.console
            && console.window.id() == event.window_id
        {
            console.on_reader(event.window_event);
            self.console_due = Instant::now();
        }
    }

    fn about_to_wait(&mut self, event_loop: &ActiveEventLoop) {
        if self.options.quit.load(Ordering::Relaxed) {
            event_loop.exit();
            return;
        }
        if self.gpu.as_ref().is_some_and(WindowGpu::is_lost)
            && let Err(e) = self.reopen_gpu()
        {
            self.give_up(event_loop, e);
            return;
        }
        let now = Instant::now();
        if let Some(program) = &self.program
            && (program.stale || self.engine.snapshot().program.shown.serial != self.shown_program)
        {
            program.window.request_redraw();
        }
        if now >= self.console_due
            && let Some(console) = &self.console
        {
            self.console_due = now + self.console_pause;
            console.window.request_redraw();
        }
        event_loop.set_control_flow(ControlFlow::WaitUntil(self.console_due.min(now + PROGRAM_INTERVAL)));
    }
}
