//! The event list: one row per event, over all cameras. A click prepares it; search on top, the prepared event's fields below.

use egui::{Align2, Color32, Rect, Role, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::lang::{command, say, t, word};
use super::{ConsoleState, Field, event_fields, style, widgets};
use crate::{
    engine::{Command, CommandKind, ProgramKind, Snapshot},
    replay::{Event, EventColor},
};

/// What a finger can hit, points.
const ROW: f32 = 28.0;
const SEARCH: f32 = 28.0;
/// From this height on there is room for fields that a finger can hit.
const TALL: f32 = 190.0;
/// A panel lower than this has no room for the fields.
const LOWEST_WITH_FIELDS: f32 = 130.0;

/// The colour on the screen.
pub(super) const fn color_of(color: EventColor) -> Color32 {
    match color {
        EventColor::None => style::DIM,
        EventColor::Red => style::PROGRAM,
        EventColor::Amber => style::AMBER,
        EventColor::Green => style::PREVIEW,
        EventColor::Blue => style::ACCENT,
        EventColor::Violet => Color32::from_rgb(176, 120, 232),
    }
}

/// The colour as a shape of its own, so that it is told without colour too: ring, square, triangle, disc, diamond, bar.
pub(super) fn color_mark(ui: &Ui, c: egui::Pos2, r: f32, color: EventColor) {
    let (paint, fill) = (ui.painter(), color_of(color));
    match color {
        EventColor::None => drop(paint.circle_stroke(c, r * 0.8, Stroke::new(1.0, style::LINE))),
        EventColor::Red => drop(paint.rect_filled(Rect::from_center_size(c, vec2(r * 1.7, r * 1.7)), 1.0, fill)),
        EventColor::Amber => {
            let points = vec![c + vec2(0.0, -r), c + vec2(r, r * 0.8), c + vec2(-r, r * 0.8)];
            paint.add(Shape::convex_polygon(points, fill, Stroke::NONE));
        }
        EventColor::Green => drop(paint.circle_filled(c, r, fill)),
        EventColor::Blue => {
            let points = vec![c + vec2(0.0, -r * 1.15), c + vec2(r * 1.15, 0.0), c + vec2(0.0, r * 1.15), c + vec2(-r * 1.15, 0.0)];
            paint.add(Shape::convex_polygon(points, fill, Stroke::NONE));
        }
        EventColor::Violet => drop(paint.rect_filled(Rect::from_center_size(c, vec2(r * 2.0, r * 0.9)), 1.0, fill)),
    }
}

/// A star; hollow when it is not given.
pub(super) fn star(ui: &Ui, c: egui::Pos2, r: f32, given: bool) {
    let point = |k: usize| {
        let radius = if k.is_multiple_of(2) { r } else { r * 0.45 };
        c + egui::Vec2::angled(std::f32::consts::PI * (k as f32 / 5.0 - 0.5)) * radius
    };
    // Its five points and its middle, so that every part is convex.
    for k in 0..5 {
        let tip = vec![c, point(2 * k + 9), point(2 * k), point(2 * k + 1)];
        ui.painter().add(Shape::convex_polygon(tip, if given { style::AMBER } else { style::LINE }, Stroke::NONE));
    }
}

/// Draws the panel.
pub fn show(ui: &mut Ui, snapshot: &Snapshot, state: &mut ConsoleState, out: &mut Vec<Command>) {
    let found: Vec<&Event> = snapshot.events.iter().rev().filter(|e| e.matches(&state.query)).collect();
    let note = match (snapshot.events.len(), state.query.trim().is_empty()) {
        (0, _) => String::new(),
        (all, true) => format!("{all}"),
        (all, false) => say!("of", part = found.len(), all = all),
    };
    let inner = widgets::panel(ui, t("panel-events"), &note);
    if snapshot.events.is_empty() {
        return widgets::empty_state(ui, inner, t("no-events"), t("no-events-remedy"));
    }
    let top = Rect::from_min_size(inner.min, vec2(inner.width(), SEARCH));
    search(ui, top, snapshot, state, out);
    let prepared = snapshot.preview.as_ref().and_then(|p| snapshot.event(p.event?));
    let with_fields = prepared.filter(|_| inner.height() >= LOWEST_WITH_FIELDS);
    let bottom = with_fields.map_or(inner.bottom(), |event| {
        let rect = Rect::from_min_max(
            pos2(inner.left(), inner.bottom() - if inner.height() >= TALL { event_fields::TALL } else { event_fields::HEIGHT }),
            inner.max,
        );
        event_fields::show(ui, rect, event, state, out);
        rect.top() - 4.0
    });
    let list = Rect::from_min_max(pos2(inner.left(), top.bottom() + 4.0), pos2(inner.right(), bottom));
    if found.is_empty() {
        return widgets::empty_state(ui, list, t("nothing-found"), t("clear-search"));
    }
    let on_air = match snapshot.program.kind {
        ProgramKind::Replay { instant, .. } => Some(instant),
        _ => None,
    };
    ui.scope_builder(egui::UiBuilder::new().max_rect(list), |ui| {
        ui.set_clip_rect(list.intersect(ui.clip_rect()));
        egui::ScrollArea::vertical().auto_shrink([false, false]).show_rows(ui, ROW, found.len(), |ui, rows| {
            ui.spacing_mut().item_spacing.y = 0.0;
            // The newest mark is on top.
            for event in found.iter().skip(rows.start).take(rows.len()) {
                row(ui, event, prepared.is_some_and(|p| p.id == event.id), on_air == Some(event.instant), out);
            }
        });
    });
}

/// The search field, undo and redo.
fn search(ui: &mut Ui, rect: Rect, snapshot: &Snapshot, state: &mut ConsoleState, out: &mut Vec<Command>) {
    let button = 44.0;
    let field = Rect::from_min_max(rect.min, pos2(rect.right() - 2.0 * (button + 4.0), rect.bottom()));
    let hint = t("search-hint");
    let mut query = state.query.clone();
    let response = event_fields::text_field(ui, field, t("search-events"), hint, &mut query);
    if state.focus == Some(Field::Search) {
        response.request_focus();
        state.focus = None;
    }
    if response.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Escape)) {
        query.clear();
    }
    response.on_hover_text(command(CommandKind::Search).tooltip);
    state.query = query;
    let look = widgets::ButtonLook { fill: style::RAISED, color: style::TEXT, size: 11.5, on: false };
    let (undo, redo) = snapshot.can_undo_redo;
    for (k, kind, can, command) in [(1, CommandKind::Undo, undo, Command::Undo), (0, CommandKind::Redo, redo, Command::Redo)] {
        let right = rect.right() - k as f32 * (button + 4.0);
        let at = Rect::from_min_max(pos2(right - button, rect.top()), pos2(right, rect.bottom()));
        if widgets::command_button(ui, at, kind, can, look).clicked() {
            out.push(command);
        }
    }
}

fn row(ui: &mut Ui, event: &Event, is_prepared: bool, is_on_air: bool, out: &mut Vec<Command>) {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::click());
    let rect = rect.shrink2(vec2(0.0, 1.0));
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, is_prepared, say!("event", event = &event.name)));
    let fill = match (is_on_air, is_prepared) {
        (true, _) => style::PROGRAM.gamma_multiply(0.55),
        (_, true) => style::PREVIEW.gamma_multiply(0.55),
        _ if response.hovered() => style::LINE,
        _ => style::RAISED,
    };
    ui.painter().rect_filled(rect, 3.0, fill);
    let y = rect.center().y;
    color_mark(ui, pos2(rect.left() + 11.0, y), 5.0, event.color);
    let word = match (is_on_air, is_prepared, event.takes) {
        (true, ..) => "PGM".to_owned(),
        (_, true, _) => "PRV".to_owned(),
        (.., 0) => String::new(),
        (.., 1) => t("taken").to_owned(),
        (.., n) => say!("taken-times", count = n),
    };
    let mut right = rect.right() - 28.0;
    right = ui.painter().text(pos2(right, y), Align2::RIGHT_CENTER, word, style::text(11.5), style::TEXT).left() - 6.0;
    if event.rating > 0 {
        let digit = ui.painter().text(pos2(right, y), Align2::RIGHT_CENTER, event.rating.to_string(), style::text(11.5), style::TEXT);
        star(ui, pos2(digit.left() - 7.0, y), 5.5, true);
        right = digit.left() - 18.0;
    }
    // The time gives way to the name.
    let name = Rect::from_min_max(pos2(rect.left() + 22.0, rect.top()), pos2(right, rect.bottom()));
    let galley = widgets::elided(ui, &event.name, style::text(13.5), style::TEXT, name.width());
    let time = ui.fonts_mut(|f| f.layout_no_wrap(event.instant.to_string(), style::digits(12.0), style::TEXT));
    if galley.size().x + time.size().x + 14.0 <= name.width() {
        let x = (name.left() + 56.0).max(name.left() + galley.size().x + 10.0).min(name.right() - time.size().x);
        ui.painter().galley(pos2(x, y - time.size().y / 2.0), time, style::TEXT);
    }
    ui.painter().galley(pos2(name.left(), y - galley.size().y / 2.0), galley, style::TEXT);
    if response.clicked() {
        out.push(Command::SelectEvent(event.id));
    }
    response.on_hover_text(hover(event));
    remove_button(ui, rect, event, is_on_air, out);
}

/// Everything that a row has no room for.
fn hover(event: &Event) -> String {
    let mut lines = vec![
        command(CommandKind::SelectEvent).tooltip.to_owned(),
        say!("event-span", event = &event.name, time = event.instant, secs = format!("{:.1}", event.length_nanos() as f64 * 1e-9)),
    ];
    if event.rating > 0 || event.color != EventColor::None {
        lines.push(say!("event-rated", rating = event.rating, colour = word("colour", event.color.name())));
    }
    for (what, text) in
        [(t("keywords"), event.keywords.join(", ")), (t("angles"), event.angles.join(", ")), (t("notes"), event.notes.clone())]
    {
        if !text.is_empty() {
            lines.push(format!("{what}: {text}"));
        }
    }
    lines.join("\n")
}

fn remove_button(ui: &Ui, row: Rect, event: &Event, is_on_air: bool, out: &mut Vec<Command>) {
    let rect = Rect::from_center_size(pos2(row.right() - 14.0, row.center().y), vec2(28.0, ROW));
    // Also on air it takes the click, so that the row under it does not.
    let response = ui.interact(rect, ui.scope_id().with(("remove", event.id.0)), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, !is_on_air, say!("remove-event", event = &event.name)));
    let color = match (is_on_air, response.hovered()) {
        (true, _) => Color32::TRANSPARENT,
        (_, true) => style::TEXT,
        _ => style::DIM,
    };
    for d in [vec2(4.0, 4.0), vec2(4.0, -4.0)] {
        ui.painter().line_segment([rect.center() - d, rect.center() + d], Stroke::new(1.5, color));
    }
    if response.clicked() && !is_on_air {
        out.push(Command::RemoveEvent(event.id));
    }
    response.on_hover_text(command(CommandKind::RemoveEvent).tooltip);
}
