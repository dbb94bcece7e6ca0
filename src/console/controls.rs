//! The control surfaces, over everything: which control asks for which command, and learning it: choose a command, touch a control.

use egui::{Align2, Color32, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use super::lang::{command, say, t};
use super::{ConsoleState, style, widgets};
use crate::engine::CommandKind;

const ROW: f32 = 32.0;

/// A command that a control can ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SurfaceRow {
    /// Its words, `{}` where it follows a fader or a knob.
    pub words: String,
    /// Which command that is, for its name.
    pub kind: Option<CommandKind>,
    /// The control that asks for it.
    pub control: Option<String>,
}

/// The surfaces as the window knows them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SurfaceView {
    /// Every command that can be learned.
    pub rows: Vec<SurfaceRow>,
    /// The words that wait for a touch.
    pub learning: Option<String>,
    /// What was touched last.
    pub last: Option<String>,
    /// What is wrong.
    pub problem: Option<String>,
}

/// A fader that stands elsewhere than what it moves, and waits until it meets it.
#[derive(Debug, Clone, PartialEq)]
pub struct FaderView {
    /// The control.
    pub control: String,
    /// Which command it asks for.
    pub kind: Option<CommandKind>,
    /// Where it stands, as a share of its way.
    pub at: f64,
    /// Where it takes hold.
    pub to: f64,
    /// It moves the T-bar: in space (`false`) or in time.
    pub t_bar: Option<bool>,
}

/// What the operator wants of the surfaces; the window does it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SurfaceWish {
    /// The next touch is for these words; `None` stops waiting.
    Learn(Option<String>),
    /// No control asks for these words any more.
    Forget(String),
}

/// Draws the overlay.
pub(super) fn show(ui: &mut Ui, whole: Rect, state: &mut ConsoleState) {
    if !state.controls_shown {
        return;
    }
    ui.painter().rect_filled(whole, 0.0, Color32::from_black_alpha(150));
    let beside = ui.interact(whole, ui.scope_id().with("controls"), Sense::click());
    beside.widget_info(|| WidgetInfo::labeled(Role::Window, true, t("controls")));
    let card = Rect::from_center_size(whole.center(), vec2((whole.width() - 60.0).min(760.0), (whole.height() - 60.0).min(860.0)));
    ui.painter().rect_filled(card, 8.0, style::PANEL);
    widgets::border(ui, card, 1.0, style::DIM);
    // Nothing under the card takes its clicks.
    let within = ui.interact(card, ui.scope_id().with("controls card"), Sense::click());
    within.widget_info(|| WidgetInfo::labeled(Role::Window, true, t("controls")));
    let inner = card.shrink(16.0);
    ui.painter().text(inner.left_top() + vec2(0.0, 8.0), Align2::LEFT_CENTER, t("controls"), style::text(19.0), style::TEXT);
    let view = state.surface.clone().unwrap_or_default();
    let (note, color) = match (&view.learning, &view.problem, &view.last) {
        (Some(words), ..) => (say!("controls-touch", command = words), style::AMBER),
        (None, Some(problem), _) => (problem.clone(), style::AMBER),
        (None, None, Some(last)) => (say!("controls-last", control = last), style::DIM),
        (None, None, None) => (t("controls-hint").to_owned(), style::DIM),
    };
    let line = Rect::from_min_size(inner.min + vec2(0.0, 24.0), vec2(inner.width(), 20.0));
    widgets::line(ui, line, &note, style::text(13.0), color);
    ui.interact(line, ui.scope_id().with("controls note"), Sense::hover()).widget_info(|| WidgetInfo::labeled(Role::Label, true, &note));
    let list = Rect::from_min_max(pos2(inner.left(), line.bottom() + 8.0), inner.max);
    if view.rows.is_empty() {
        widgets::empty_state(ui, list, t("no-controls"), t("no-controls-remedy"));
    }
    let mut wish = None;
    ui.scope_builder(egui::UiBuilder::new().max_rect(list), |ui| {
        ui.set_clip_rect(list.intersect(ui.clip_rect()));
        egui::ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            let (rect, _) = ui.allocate_exact_size(vec2(list.width() - 12.0, view.rows.len() as f32 * ROW), Sense::hover());
            for (k, row) in view.rows.iter().enumerate() {
                let at = Rect::from_min_size(rect.min + vec2(0.0, k as f32 * ROW), vec2(rect.width(), ROW - 2.0));
                if ui.is_rect_visible(at) {
                    wish = one(ui, at, row, view.learning.as_deref()).or(wish.take());
                }
            }
        });
    });
    if let Some(wish) = wish {
        state.surface_wishes.push(wish);
    } else if beside.clicked() && beside.interact_pointer_pos().is_some_and(|at| !card.contains(at)) {
        state.close_controls();
    }
}

fn one(ui: &mut Ui, at: Rect, row: &SurfaceRow, learning: Option<&str>) -> Option<SurfaceWish> {
    let waits = learning == Some(row.words.as_str());
    let cross = Rect::from_min_max(pos2(at.right() - ROW, at.top()), at.max);
    let body = Rect::from_min_max(at.min, pos2(cross.left() - 4.0, at.bottom()));
    let response = ui.interact(body, ui.scope_id().with(("control", &row.words)), Sense::click());
    let label = match &row.control {
        Some(control) => say!("control-of", command = &row.words, control = control),
        None => say!("control-none", command = &row.words),
    };
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, waits, &label));
    if waits || response.hovered() {
        ui.painter().rect_filled(body, 4.0, if waits { style::AMBER.gamma_multiply(0.35) } else { style::RAISED });
    }
    let half = body.width() * 0.3;
    let cell = |from: f32, to: f32| Rect::from_min_max(pos2(body.left() + from, body.top()), pos2(body.left() + to, body.bottom()));
    let name = row.kind.map_or("", |kind| command(kind).name);
    widgets::line(ui, cell(8.0, half), name, style::text(13.0), style::TEXT);
    widgets::line(ui, cell(half + 8.0, body.width() - 120.0), &row.words, style::digits(12.0), style::DIM);
    let mut wish = response.clicked().then(|| SurfaceWish::Learn((!waits).then(|| row.words.clone())));
    if let Some(control) = &row.control {
        widgets::line(ui, cell(body.width() - 116.0, body.width()), control, style::text(13.0), style::AMBER);
        let response = ui.interact(cross, ui.scope_id().with(("forget", &row.words)), Sense::click());
        response.widget_info(|| WidgetInfo::labeled(Role::Button, true, say!("control-forget", command = &row.words)));
        let c = cross.center();
        for d in [vec2(5.0, 5.0), vec2(5.0, -5.0)] {
            ui.painter().line_segment([c - d, c + d], egui::Stroke::new(1.5, if response.hovered() { style::TEXT } else { style::DIM }));
        }
        if response.clicked() {
            wish = Some(SurfaceWish::Forget(row.words.clone()));
        }
    }
    wish
}
