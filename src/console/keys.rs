//! The map of the keys, over everything.

use egui::{Align2, Color32, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use super::lang::{command, t};
use super::{ConsoleState, style, widgets};
use crate::engine::CommandKind;

const ROW: f32 = 34.0;
/// More rows than this stand in two columns.
const ONE_COLUMN: usize = 16;

/// Draws the overlay; a click puts it away.
pub fn show(ui: &Ui, whole: Rect, state: &mut ConsoleState) {
    ui.painter().rect_filled(whole, 0.0, Color32::from_black_alpha(170));
    let rows: Vec<_> = CommandKind::ALL.iter().filter(|i| !i.shortcut.is_empty()).collect();
    let columns = if rows.len() > ONE_COLUMN { 2 } else { 1 };
    let lines = rows.len().div_ceil(columns);
    let size = vec2((whole.width() - 40.0).min(780.0 * columns as f32), (lines as f32 * ROW + 84.0).min(whole.height() - 20.0));
    let card = Rect::from_center_size(whole.center(), size);
    let response = ui.interact(whole, ui.scope_id().with("keys"), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Window, true, t("keys-map")));
    if response.clicked() {
        state.keys_shown = false;
    }
    ui.painter().rect_filled(card, 8.0, style::PANEL);
    widgets::border(ui, card, 1.0, style::DIM);
    let inner = card.shrink(22.0);
    ui.painter().text(inner.left_top() + vec2(0.0, 8.0), Align2::LEFT_CENTER, t("keys-title"), style::text(19.0), style::TEXT);
    ui.painter().text(inner.right_top() + vec2(0.0, 8.0), Align2::RIGHT_CENTER, t("keys-away"), style::text(12.0), style::DIM);
    let row = ((inner.height() - 36.0) / lines as f32).min(ROW);
    let gap = 24.0;
    let width = (inner.width() - gap * (columns - 1) as f32) / columns as f32;
    let rows: Vec<_> = rows.into_iter().map(|info| command(info.kind)).collect();
    // As wide as the longest of this language, within reason: the names of the keys, then those of the commands.
    let widest = |size: f32, texts: &mut dyn Iterator<Item = &'static str>| {
        texts
            .map(|text| ui.fonts_mut(|f| f.layout_no_wrap(text.to_owned(), style::text(size), style::TEXT)).size().x)
            .fold(0.0_f32, f32::max)
    };
    let keys = (widest(12.5, &mut rows.iter().map(|i| i.shortcut)) + 12.0).min(width * 0.32);
    let names = widest(13.0, &mut rows.iter().map(|i| i.name)).min(width * 0.26);
    for (k, info) in rows.into_iter().enumerate() {
        let left = inner.left() + (width + gap) * (k / lines) as f32;
        let y = inner.top() + 36.0 + row * ((k % lines) as f32 + 0.5);
        let tag = widgets::fitted(ui, info.shortcut, 12.5, style::TEXT, keys - 12.0);
        let band = Rect::from_min_size(pos2(left, y - tag.size().y / 2.0 - 2.0), tag.size() + vec2(12.0, 4.0));
        ui.painter().rect_filled(band, 3.0, style::RAISED);
        ui.painter().galley(band.min + vec2(6.0, 2.0), tag, style::TEXT);
        let name = widgets::fitted(ui, info.name, 13.0, style::TEXT, names);
        ui.painter().galley(pos2(left + keys + 10.0, y - name.size().y / 2.0), name, style::TEXT);
        let room = Rect::from_min_max(pos2(left + keys + names + 22.0, y - row / 2.0), pos2(left + width, y + row / 2.0));
        // Two lines at most, as far as there is room.
        let mut job = egui::text::LayoutJob::simple(info.tooltip.to_owned(), style::text(11.0), style::DIM, room.width());
        job.wrap.max_rows = if row >= 28.0 { 2 } else { 1 };
        let galley = ui.fonts_mut(|f| f.layout_job(job));
        ui.painter().galley(pos2(room.left(), y - galley.size().y / 2.0), galley, style::DIM);
    }
}
