//! The operator's console: egui panels. Pure: an immutable [`Snapshot`] in, [`Command`]s out; pictures come as texture
//! identities that the window supplies, so the panels are drawn and tested without a window, an engine or a camera.
//!
//! Must not know: threads, devices, who draws it.

mod budgets;
mod calibrate;
mod cameras;
mod controls;
mod event_fields;
mod events;
mod graphics;
mod header;
mod jog;
mod keys;
mod lang;
mod layout;
mod monitors;
mod multiview;
mod next_step;
mod notices;
mod operators;
mod orbit_bar;
mod palette;
mod path_editor;
mod playlist;
mod second;
mod status;
mod style;
mod t_bar;
mod timeline;
mod transport;
mod widgets;

pub use controls::{FaderView, SurfaceRow, SurfaceView, SurfaceWish};
pub use lang::Language;
pub use layout::{Arrangement, Layout, Scale, scale_within};
pub use notices::notice;
pub use style::apply as apply_style;

use crate::{
    engine::{Command, ConsoleLook, Snapshot},
    replay::playlist::ElementId,
};

/// A picture that the window has put on the GPU.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PictureTexture {
    /// egui's identity of it.
    pub id: egui::TextureId,
    /// Pixels, across and down.
    pub size_px: [u32; 2],
}

/// The pictures of a snapshot as textures.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Textures {
    /// One per camera along the arc; `None` before its first picture.
    pub cameras: Vec<Option<PictureTexture>>,
    /// The cameras' pictures of the prepared instant, while a pivot is being chosen ([`ConsoleState::picks`]).
    pub frozen: Vec<Option<PictureTexture>>,
    /// Preview.
    pub preview: Option<PictureTexture>,
    /// Program.
    pub program: Option<PictureTexture>,
    /// Program B.
    pub second: Option<PictureTexture>,
}

/// What belongs to the window alone and not to the show.
#[derive(Debug, Clone, Default)]
pub struct ConsoleState {
    /// The language of everything that is shown.
    pub language: Language,
    /// Which panels are shown.
    pub arrangement: Arrangement,
    /// The last one that was chosen by hand, in this session or before.
    chosen: Option<Arrangement>,
    /// How large everything is drawn.
    pub scale: Scale,
    /// The large button of the simple arrangement.
    next_step: next_step::NextStep,
    /// Whether the map of the keys is shown.
    pub keys_shown: bool,
    /// The control surfaces, as the window knows them.
    pub surface: Option<SurfaceView>,
    /// The fader of a surface that waits until it meets what it moves.
    pub fader: Option<FaderView>,
    /// Whether they are shown.
    controls_shown: bool,
    surface_wishes: Vec<SurfaceWish>,
    /// A click into a camera's picture chooses the pivot.
    picks: bool,
    /// The T-bar, and the finger on it.
    t_bar: t_bar::Bar,
    /// What the event list is searched for.
    pub query: String,
    /// The element of the playlist whose controls are shown.
    pub chosen_element: Option<ElementId>,
    /// The command palette, while it is open.
    palette: Option<palette::Palette>,
    /// The graphics.
    graphics: graphics::GraphicsDesk,
    /// The page of the calibration.
    calibration: calibrate::CalibratePage,
    /// The path editor.
    editor: path_editor::EditorState,
    /// The name that is being typed for a template of the playlist.
    naming: Option<String>,
    /// The field that gets the keyboard with the next frame.
    focus: Option<Field>,
    /// What is being typed, and where.
    typing: Option<(Field, u64, String)>,
    /// The part of a jog drag that is not a whole frame yet, in frames.
    jog_rest: f32,
    /// Where the jog wheel stands, radians.
    jog_angle_rad: f32,
}

/// A field to type in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Field {
    Search,
    Name,
    Notes,
    Keywords,
    Palette,
    Template,
    Path,
    Graphic,
    Board,
}

impl ConsoleState {
    /// A new one in a language.
    pub fn speaking(language: Language) -> Self {
        Self { language, ..Self::default() }
    }

    /// The same as it was left; a layout that is asked for now (by the show file, by the command line) comes before the one that was chosen then.
    pub fn opened(language: Language, asked: Option<Arrangement>, left: ConsoleLook) -> Self {
        let chosen = left.layout.and_then(Arrangement::from_name);
        Self {
            language,
            arrangement: asked.or(chosen).unwrap_or_default(),
            chosen,
            scale: left.scale.map_or_else(Scale::default, Scale::of),
            ..Self::default()
        }
    }

    /// What of it the next session shall find again: what was chosen by hand.
    pub fn look(&self) -> ConsoleLook {
        let scale = self.scale.wanted();
        ConsoleLook { layout: self.chosen.map(Arrangement::name), scale: ((scale - 1.0).abs() > 1e-4).then_some(scale) }
    }

    /// Whether the path editor is open.
    pub const fn edits_path(&self) -> bool {
        self.editor.open
    }

    /// Whether a click into a camera's picture chooses the pivot or draws, so that the pictures of the prepared instant are wanted.
    pub const fn picks(&self) -> bool {
        self.picks || self.graphics.draws()
    }

    /// What a click into a picture of the prepared instant (a camera's, by its number along the arc; `None` is preview) asks for.
    fn click(&self, camera: Option<usize>, at: [f64; 2]) -> Command {
        self.graphics.click(camera, at).unwrap_or(Command::PickPivot { camera, at })
    }

    /// Whether the control surfaces are shown, so that [`ConsoleState::surface`] is wanted.
    pub const fn shows_controls(&self) -> bool {
        self.controls_shown
    }

    /// What the operator wants of the control surfaces; the window does it.
    pub fn take_surface_wishes(&mut self) -> Vec<SurfaceWish> {
        std::mem::take(&mut self.surface_wishes)
    }

    /// Puts them away; nothing is learned any more.
    fn close_controls(&mut self) {
        self.controls_shown = false;
        self.surface_wishes.push(SurfaceWish::Learn(None));
    }

    /// What Escape puts away before it means anything to the show, topmost first.
    pub fn top(&self) -> Option<Command> {
        match () {
            () if self.keys_shown => Some(Command::ShowKeys),
            () if self.controls_shown => Some(Command::Controls),
            () if self.calibration.open => Some(Command::CalibratePage),
            () if self.picks => Some(Command::PivotMode),
            () => None,
        }
    }

    /// Whether a command is the window's own and not the engine's.
    pub const fn owns(command: &Command) -> bool {
        match command {
            Command::ShowKeys
            | Command::Search
            | Command::Rename
            | Command::Palette
            | Command::PivotMode
            | Command::Graphics
            | Command::Controls
            | Command::SimpleLayout
            | Command::CalibratePage
            | Command::PathEditor => true,
            // Without a name, the window asks for one.
            Command::SaveTemplate(name) => name.is_empty(),
            _ => false,
        }
    }

    /// Does what a command of the window's own asks for.
    pub fn obey(&mut self, command: &Command) {
        match command {
            Command::PathEditor => self.editor.open = !self.editor.open,
            Command::CalibratePage => {
                self.calibration.open = !self.calibration.open;
                self.focus = self.calibration.open.then_some(Field::Board);
            }
            Command::SimpleLayout => {
                self.arrangement = self.arrangement.other();
                self.chosen = Some(self.arrangement);
            }
            Command::PivotMode => self.picks = !self.picks,
            Command::Graphics => self.graphics.open = !self.graphics.open,
            Command::Controls if self.controls_shown => self.close_controls(),
            Command::Controls => self.controls_shown = true,
            Command::ShowKeys => self.keys_shown = !self.keys_shown,
            Command::Palette => {
                self.palette = if self.palette.is_some() { None } else { Some(palette::Palette::default()) };
                self.focus = self.palette.is_some().then_some(Field::Palette);
            }
            Command::SaveTemplate(name) if name.is_empty() => {
                self.arrangement = Arrangement::Whole;
                self.naming = Some(String::new());
                self.focus = Some(Field::Template);
            }
            // What is typed needs the panel where it stands.
            Command::Search | Command::Rename => {
                self.arrangement = Arrangement::Whole;
                self.focus = Some(if *command == Command::Search { Field::Search } else { Field::Name });
            }
            _ => {}
        }
    }
}

/// One panel, for those who draw them one at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the panel of the same name")]
pub enum Panel {
    Header,
    Preview,
    TBar,
    Program,
    OrbitBar,
    Transport,
    Jog,
    Multiview,
    Timeline,
    Events,
    Playlist,
    Cameras,
    Budgets,
    Status,
    /// In the place of the multiview and the timeline, while it is open.
    PathEditor,
    /// In the place of the events, while it is open.
    Graphics,
    /// In the place of nearly everything, while it is open.
    Calibrate,
    /// Beside the multiview and the timeline, where the show has a program B.
    Second,
    /// The large button of the simple arrangement, in the place of the hands.
    NextStep,
}

impl Panel {
    /// All panels.
    pub const ALL: [Self; 19] = [
        Self::Header,
        Self::Preview,
        Self::TBar,
        Self::Program,
        Self::OrbitBar,
        Self::Transport,
        Self::Jog,
        Self::Multiview,
        Self::Timeline,
        Self::Events,
        Self::Playlist,
        Self::Cameras,
        Self::Budgets,
        Self::Status,
        Self::PathEditor,
        Self::Graphics,
        Self::Calibrate,
        Self::Second,
        Self::NextStep,
    ];

    /// Draws the panel into the whole of `ui`'s rectangle.
    pub fn show(self, ui: &mut egui::Ui, snapshot: &Snapshot, textures: &Textures, state: &mut ConsoleState, out: &mut Vec<Command>) {
        lang::set(state.language);
        match self {
            Self::Header => header::show(ui, snapshot, state, out),
            Self::Preview => monitors::preview(ui, snapshot, textures, state, out),
            Self::TBar => t_bar::show(ui, snapshot, state, out),
            Self::Program => monitors::program(ui, snapshot, textures),
            Self::OrbitBar => orbit_bar::show(ui, snapshot, state, out),
            Self::Transport => transport::show(ui, snapshot, out),
            Self::Jog => jog::show(ui, snapshot, state, out),
            Self::Multiview => multiview::show(ui, snapshot, textures, state, out),
            Self::Timeline => timeline::show(ui, snapshot, out),
            Self::Events => events::show(ui, snapshot, state, out),
            Self::Playlist => playlist::show(ui, snapshot, state, out),
            Self::Cameras => cameras::show(ui, snapshot, out),
            Self::Budgets => budgets::show(ui, snapshot, out),
            Self::Status => status::show(ui, snapshot, state.fader.as_ref()),
            Self::PathEditor => path_editor::show(ui, snapshot, state, out),
            Self::Graphics => graphics::show(ui, snapshot, state, out),
            Self::Calibrate => calibrate::show(ui, snapshot, textures, state, out),
            Self::Second => second::show(ui, snapshot, textures, out),
            Self::NextStep => next_step::show(ui, snapshot, state, out),
        }
    }
}

/// Draws the whole console into `ui` and returns what the operator asked for.
pub fn show(ui: &mut egui::Ui, snapshot: &Snapshot, textures: &Textures, state: &mut ConsoleState) -> Vec<Command> {
    let mut out = Vec::new();
    let whole = ui.max_rect();
    ui.painter().rect_filled(whole, 0.0, style::BACKGROUND);
    let layout = match () {
        () if state.calibration.open => Layout::with_calibration(whole),
        () if state.editor.open => Layout::with_editor(whole, snapshot.cameras.len()),
        // Graphics are drawn in a list that the simple arrangement has no room for.
        () if state.arrangement == Arrangement::Simple && !state.graphics.open => Layout::simple(whole, snapshot.cameras.len()),
        () => Layout::of(whole, snapshot.cameras.len()),
    };
    let layout = if snapshot.second.is_some() { layout.with_second() } else { layout };
    for (panel, rect) in layout.panels() {
        let panel = if panel == Panel::Events && state.graphics.open { Panel::Graphics } else { panel };
        let builder = egui::UiBuilder::new().max_rect(rect).id_salt(("panel", panel as u8));
        ui.scope_builder(builder, |ui| {
            ui.set_clip_rect(rect.expand(1.0).intersect(ui.clip_rect()));
            panel.show(ui, snapshot, textures, state, &mut out);
        });
    }
    lang::set(state.language);
    status::toasts(ui, layout.toasts(), snapshot);
    if state.keys_shown {
        keys::show(ui, whole, state);
    }
    controls::show(ui, whole, state);
    palette::show(ui, whole, snapshot, state, &mut out);
    // The window's own wishes are answered here; the rest goes to the engine.
    for command in out.iter().filter(|c| ConsoleState::owns(c)) {
        state.obey(command);
    }
    out.retain(|c| !ConsoleState::owns(c));
    out
}
