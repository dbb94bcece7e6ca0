//! The graphics: tools that draw by clicks into pictures, the list, and the clean feed; in the place of the events while it is open.

use std::path::{Path, PathBuf};

use egui::{Color32, Rect, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::lang::{command, say, t, word};
use super::{ConsoleState, Field, event_fields, style, widgets, widgets::ButtonLook};
use crate::{
    engine::{Command, CommandKind, Snapshot},
    replay::graphics::{Graphic, GraphicEdit, GraphicKind},
};

/// What a finger can hit, points.
const ROW: f32 = 28.0;
const TOOL: f32 = 28.0;

/// Colours that a click on a graphic's own steps through; they are told apart with any colour vision (Okabe, Ito, 2008).
const COLORS: [[u8; 3]; 7] = [[255, 212, 0], [255, 255, 255], [230, 159, 0], [86, 180, 233], [0, 158, 115], [213, 94, 0], [204, 121, 167]];

/// What belongs to the window.
#[derive(Debug, Clone, Default)]
pub(super) struct GraphicsDesk {
    pub open: bool,
    /// What clicks draw.
    tool: Option<GraphicKind>,
    /// Words of a bug, or a picture's file.
    words: String,
}

impl GraphicsDesk {
    /// Whether clicks draw.
    pub const fn draws(&self) -> bool {
        self.open && self.tool.is_some()
    }

    /// What a click into a picture asks for.
    pub fn click(&self, camera: Option<usize>, at: [f64; 2]) -> Option<Command> {
        let kind = self.tool.filter(|_| self.open)?;
        let file = (kind == GraphicKind::Image).then(|| PathBuf::from(self.words.trim()));
        Some(Command::DrawGraphic { kind, file: file.filter(|f| !f.as_os_str().is_empty()), camera, at })
    }
}

/// Whether words name a picture.
fn is_file(words: &str) -> bool {
    let ends = |e: &str| Path::new(words).extension().is_some_and(|x| x.eq_ignore_ascii_case(e));
    ["png", "jpg", "jpeg"].into_iter().any(ends)
}

/// Draws the panel.
pub fn show(ui: &mut Ui, snapshot: &Snapshot, state: &mut ConsoleState, out: &mut Vec<Command>) {
    let graphics = &snapshot.graphics;
    let note = match (graphics.draft, state.graphics.tool) {
        (Some((kind, points)), _) => say!("points-of", points = points, all = kind.clicks()),
        (None, Some(kind)) => say!("click-points", count = kind.clicks()),
        (None, None) => t("choose-tool").to_owned(),
    };
    let inner = widgets::panel(ui, t("panel-graphics"), &note);
    let top = Rect::from_min_size(inner.min, vec2(inner.width(), TOOL));
    tools(ui, top, state);
    let field = top.translate(vec2(0.0, TOOL + 4.0));
    words(ui, field, state, out);
    let bottom = Rect::from_min_max(pos2(inner.left(), inner.bottom() - TOOL), inner.max);
    let look = |on: bool| ButtonLook {
        fill: if on { style::ACCENT } else { style::RAISED },
        color: if on { style::ON_COLOR } else { style::TEXT },
        size: 11.5,
        on: false,
    };
    let waits = ButtonLook { fill: style::AMBER, color: style::BACKGROUND, ..look(false) };
    let buttons = [
        (CommandKind::CleanFeed, true, look(graphics.clean), Command::CleanFeed(None)),
        (
            CommandKind::GraphicsToAir,
            graphics.waits_for_take,
            if graphics.waits_for_take { waits } else { look(false) },
            Command::GraphicsToAir,
        ),
        (CommandKind::Graphics, true, look(false), Command::Graphics),
    ];
    let width = (bottom.width() + 4.0) / 3.0;
    for (k, (kind, can, look, command)) in buttons.into_iter().enumerate() {
        let at = Rect::from_min_size(pos2(bottom.left() + k as f32 * width, bottom.top()), vec2(width - 4.0, bottom.height()));
        if widgets::command_button(ui, at, kind, can, look).clicked() {
            out.push(command);
        }
    }
    let list = Rect::from_min_max(pos2(inner.left(), field.bottom() + 4.0), pos2(inner.right(), bottom.top() - 4.0));
    if graphics.graphics.is_empty() {
        return widgets::empty_state(ui, list, t("no-graphics"), t("no-graphics-remedy"));
    }
    ui.scope_builder(egui::UiBuilder::new().max_rect(list), |ui| {
        ui.set_clip_rect(list.intersect(ui.clip_rect()));
        egui::ScrollArea::vertical().auto_shrink([false, false]).show_rows(ui, ROW, graphics.graphics.len(), |ui, rows| {
            ui.spacing_mut().item_spacing.y = 0.0;
            for graphic in graphics.graphics.iter().skip(rows.start).take(rows.len()) {
                row(ui, graphic, out);
            }
        });
    });
}

fn tools(ui: &mut Ui, rect: Rect, state: &mut ConsoleState) {
    let kinds = GraphicKind::ALL.into_iter().filter(|k| k.clicks() > 0);
    let width = (rect.width() + 4.0) / 5.0;
    for (k, kind) in kinds.enumerate() {
        let at = Rect::from_min_size(pos2(rect.left() + k as f32 * width, rect.top()), vec2(width - 4.0, rect.height()));
        let on = state.graphics.tool == Some(kind);
        let look = ButtonLook {
            fill: if on { style::ACCENT } else { style::RAISED },
            color: if on { style::ON_COLOR } else { style::TEXT },
            size: 11.5,
            on: false,
        };
        let response = widgets::big_button(ui, at, &word("graphic", kind.name()), "", true, look);
        if response.clicked() {
            state.graphics.tool = (!on).then_some(kind);
        }
        response.on_hover_text(command(CommandKind::DrawGraphic).tooltip);
    }
}

/// The field for words and files, and the button that makes a bug of them.
fn words(ui: &mut Ui, rect: Rect, state: &mut ConsoleState, out: &mut Vec<Command>) {
    let button = 64.0;
    let field = rect.with_max_x(rect.right() - button - 4.0);
    let mut words = std::mem::take(&mut state.graphics.words);
    let response = event_fields::text_field(ui, field, t("graphic-words"), t("graphic-words-hint"), &mut words);
    if state.focus == Some(Field::Graphic) {
        response.request_focus();
        state.focus = None;
    }
    let entered = response.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter));
    let can = !words.trim().is_empty();
    let look = ButtonLook { fill: style::RAISED, color: style::TEXT, size: 11.5, on: false };
    let at = rect.with_min_x(rect.right() - button);
    let pressed = widgets::big_button(ui, at, t("add-bug"), "", can, look).on_hover_text(t("add-bug-tip")).clicked();
    let is_image = state.graphics.tool == Some(GraphicKind::Image);
    if can && (pressed || entered && !is_image) {
        let text = words.trim().to_owned();
        let bug = Graphic::new(GraphicKind::Bug, vec![]);
        let bug = if is_file(&text) { Graphic { file: Some(text.into()), ..bug } } else { Graphic { text, ..bug } };
        out.push(Command::EditGraphics(GraphicEdit::Add(bug)));
        words.clear();
    }
    state.graphics.words = words;
}

fn row(ui: &mut Ui, g: &Graphic, out: &mut Vec<Command>) {
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::hover());
    let rect = rect.shrink2(vec2(0.0, 1.0));
    ui.painter().rect_filled(rect, 3.0, style::RAISED);
    let button = |k: f32, left: bool| {
        let x = if left { rect.left() + 14.0 } else { rect.right() - 14.0 - k * 30.0 };
        Rect::from_center_size(pos2(x, rect.center().y), vec2(28.0, ROW))
    };
    let paint = ui.painter().clone();
    // Its colour; a click takes the next one.
    let at = button(0.0, true);
    let response = ui.interact(at, ui.scope_id().with(("graphic colour", &g.name)), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, say!("graphic-colour", name = &g.name)));
    let [r, green, b] = g.color;
    paint.rect_filled(Rect::from_center_size(at.center(), vec2(14.0, 14.0)), 3.0, Color32::from_rgb(r, green, b));
    if response.clicked() {
        let next = COLORS.iter().position(|c| *c == g.color).map_or(0, |k| (k + 1) % COLORS.len());
        out.push(Command::EditGraphics(GraphicEdit::Color(g.name.clone(), COLORS[next])));
    }
    response.on_hover_text(t("next-colour"));

    let at = button(1.0, false);
    let response = ui.interact(at, ui.scope_id().with(("graphic shown", &g.name)), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, g.shown, say!("graphic-shown", name = &g.name)));
    let color = if g.shown { style::TEXT } else { style::DIM };
    // An eye; struck through when it is closed.
    let c = at.center();
    paint.circle_stroke(c, 7.0, Stroke::new(1.5, color));
    if g.shown {
        paint.circle_filled(c, 3.0, color);
    } else {
        paint.line_segment([c - vec2(8.0, 8.0), c + vec2(8.0, 8.0)], Stroke::new(1.5, style::AMBER));
    }
    if response.clicked() {
        out.push(Command::EditGraphics(GraphicEdit::Show(g.name.clone(), !g.shown)));
    }
    response.on_hover_text(t("show-hide"));

    let at = button(0.0, false);
    let response = ui.interact(at, ui.scope_id().with(("graphic remove", &g.name)), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, say!("graphic-remove", name = &g.name)));
    for d in [vec2(4.0, 4.0), vec2(4.0, -4.0)] {
        let color = if response.hovered() { style::TEXT } else { style::DIM };
        paint.line_segment([at.center() - d, at.center() + d], Stroke::new(1.5, color));
    }
    if response.clicked() {
        out.push(Command::EditGraphics(GraphicEdit::Remove(g.name.clone())));
    }
    response.on_hover_text(t("take-graphic-out"));

    let what = match g.kind {
        GraphicKind::Line | GraphicKind::Distance => format!("{:.2} m", g.length_m()),
        GraphicKind::Circle => format!("r {:.2} m", g.length_m()),
        GraphicKind::Plane => say!("corners", count = g.points_m.len()),
        GraphicKind::Bug if g.file.is_none() => g.text.clone(),
        GraphicKind::Image | GraphicKind::Bug => {
            g.file.as_ref().and_then(|f| f.file_name()).map_or_else(String::new, |n| n.to_string_lossy().into_owned())
        }
    };
    let text = Rect::from_min_max(pos2(rect.left() + 32.0, rect.top()), pos2(rect.right() - 62.0, rect.bottom()));
    let color = if g.shown { style::TEXT } else { style::DIM };
    widgets::line(ui, text, &format!("{}   {what}", g.name), style::text(12.5), color);
}
