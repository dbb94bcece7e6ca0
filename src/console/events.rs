//! The event list: one row per mark, over all cameras. A click prepares it.

use egui::{Align2, Color32, Rect, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::{style, widgets};
use crate::engine::{Command, CommandKind, ProgramKind, Snapshot};

const ROW: f32 = 26.0;

/// Draws the panel.
pub fn show(ui: &mut Ui, snapshot: &Snapshot, out: &mut Vec<Command>) {
    let note = if snapshot.events.is_empty() { String::new() } else { format!("{}", snapshot.events.len()) };
    let inner = widgets::panel(ui, "EVENTS", &note);
    if snapshot.events.is_empty() {
        return widgets::empty_state(ui, inner, "No events yet", "Each MARK (Space) adds one over all cameras");
    }
    let on_air = match snapshot.program.kind {
        ProgramKind::Replay { instant, .. } => Some(instant),
        _ => None,
    };
    let prepared = snapshot.preview.as_ref().and_then(|p| p.event);
    ui.scope_builder(egui::UiBuilder::new().max_rect(inner), |ui| {
        egui::ScrollArea::vertical().auto_shrink([false, false]).show_rows(ui, ROW, snapshot.events.len(), |ui, rows| {
            ui.spacing_mut().item_spacing.y = 0.0;
            // The newest mark is on top.
            for event in snapshot.events.iter().rev().skip(rows.start).take(rows.len()) {
                let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::click());
                let rect = rect.shrink2(vec2(0.0, 1.0));
                let is_prepared = prepared == Some(event.id);
                let is_on_air = on_air == Some(event.instant);
                response.widget_info(|| WidgetInfo::selected(Role::Button, true, is_prepared, format!("Event {}", event.name)));
                let fill = match (is_on_air, is_prepared) {
                    (true, _) => style::PROGRAM.gamma_multiply(0.55),
                    (_, true) => style::PREVIEW.gamma_multiply(0.55),
                    _ if response.hovered() => style::LINE,
                    _ => style::RAISED,
                };
                ui.painter().rect_filled(rect, 3.0, fill);
                let y = rect.center().y;
                ui.painter().text(pos2(rect.left() + 8.0, y), Align2::LEFT_CENTER, &event.name, style::text(13.5), style::TEXT);
                ui.painter().text(
                    pos2(rect.left() + 58.0, y),
                    Align2::LEFT_CENTER,
                    event.instant.to_string(),
                    style::digits(12.0),
                    style::TEXT,
                );
                let word = match (is_on_air, is_prepared, event.takes) {
                    (true, ..) => "PGM".to_owned(),
                    (_, true, _) => "PRV".to_owned(),
                    (.., 0) => String::new(),
                    (.., 1) => "taken".to_owned(),
                    (.., n) => format!("taken {n}x"),
                };
                ui.painter().text(pos2(rect.right() - 30.0, y), Align2::RIGHT_CENTER, word, style::text(11.5), style::TEXT);
                if response.clicked() {
                    out.push(Command::SelectEvent(event.id));
                }
                response.on_hover_text(CommandKind::SelectEvent.info().tooltip);
                remove_button(ui, rect, event, is_on_air, out);
            }
        });
    });
}

fn remove_button(ui: &Ui, row: Rect, event: &crate::replay::Event, is_on_air: bool, out: &mut Vec<Command>) {
    let rect = Rect::from_center_size(pos2(row.right() - 14.0, row.center().y), vec2(20.0, 20.0));
    // Also on air it takes the click, so that the row under it does not.
    let response = ui.interact(rect, ui.scope_id().with(("remove", event.id.0)), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, !is_on_air, format!("Remove {}", event.name)));
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
    response.on_hover_text(CommandKind::RemoveEvent.info().tooltip);
}
