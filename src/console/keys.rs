//! The map of the keys, over everything.

use egui::{Align2, Color32, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use super::{ConsoleState, style, widgets};
use crate::engine::CommandKind;

const ROW: f32 = 34.0;

/// Draws the overlay; a click puts it away.
pub fn show(ui: &Ui, whole: Rect, state: &mut ConsoleState) {
    ui.painter().rect_filled(whole, 0.0, Color32::from_black_alpha(170));
    let rows: Vec<_> = CommandKind::ALL.iter().filter(|i| !i.shortcut.is_empty()).collect();
    let size = vec2((whole.width() - 60.0).min(860.0), (rows.len() as f32 * ROW + 84.0).min(whole.height() - 20.0));
    let card = Rect::from_center_size(whole.center(), size);
    let response = ui.interact(whole, ui.scope_id().with("keys"), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Window, true, "Map of the keys"));
    if response.clicked() {
        state.keys_shown = false;
    }
    ui.painter().rect_filled(card, 8.0, style::PANEL);
    widgets::border(ui, card, 1.0, style::DIM);
    let inner = card.shrink(22.0);
    ui.painter().text(inner.left_top() + vec2(0.0, 8.0), Align2::LEFT_CENTER, "Keys", style::text(19.0), style::TEXT);
    ui.painter().text(
        inner.right_top() + vec2(0.0, 8.0),
        Align2::RIGHT_CENTER,
        "? or a click puts this away",
        style::text(12.0),
        style::DIM,
    );
    let row = ((inner.height() - 36.0) / rows.len() as f32).min(ROW);
    for (k, info) in rows.into_iter().enumerate() {
        let y = inner.top() + 36.0 + row * (k as f32 + 0.5);
        widgets::tag(ui, pos2(inner.left(), y), info.shortcut, style::RAISED, style::TEXT, 13.0);
        ui.painter().text(pos2(inner.left() + 215.0, y), Align2::LEFT_CENTER, info.name, style::text(13.5), style::TEXT);
        let room = Rect::from_min_max(pos2(inner.left() + 320.0, y - row / 2.0), pos2(inner.right(), y + row / 2.0));
        let job = egui::text::LayoutJob::simple(info.tooltip.to_owned(), style::text(12.0), style::DIM, room.width());
        let galley = ui.fonts_mut(|f| f.layout_job(job));
        ui.painter().galley(pos2(room.left(), y - galley.size().y / 2.0), galley, style::DIM);
    }
}
