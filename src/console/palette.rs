//! The command palette: every command by its one name, found by typing, run by Enter or a click.

use egui::{Align2, Color32, Key, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use super::lang::{command, say, t};
use super::{ConsoleState, Field, event_fields, style, widgets};
use crate::engine::{Command, CommandInfo, CommandKind, Snapshot};

const ROW: f32 = 30.0;
const ROWS: usize = 12;
/// Room of a name, points.
const NAME: f32 = 150.0;

/// What is typed, and the row that Enter runs.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Palette {
    query: String,
    row: usize,
}

/// The commands that a query finds and that can be run by name, those whose name begins with it first.
fn found(query: &str) -> Vec<CommandInfo> {
    let query = query.trim().to_lowercase();
    let score = |info: &CommandInfo| {
        let (name, tooltip) = (info.name.to_lowercase(), info.tooltip.to_lowercase());
        match () {
            () if name.starts_with(&query) => Some(0),
            () if name.contains(&query) => Some(1),
            () if query.split_whitespace().all(|word| name.contains(word) || tooltip.contains(word)) => Some(2),
            () => None,
        }
    };
    let mut list: Vec<_> = CommandKind::ALL
        .iter()
        .map(|i| command(i.kind))
        .filter(|i| i.kind.by_name().is_some())
        .filter_map(|i| Some((score(&i)?, i)))
        .collect();
    list.sort_by_key(|(score, _)| *score);
    list.into_iter().map(|(_, info)| info).collect()
}

/// Draws the overlay.
pub(super) fn show(ui: &mut Ui, whole: Rect, snapshot: &Snapshot, state: &mut ConsoleState, out: &mut Vec<Command>) {
    let Some(mut palette) = state.palette.take() else { return };
    ui.painter().rect_filled(whole, 0.0, Color32::from_black_alpha(120));
    // Nothing under it takes a click; a click beside it puts it away.
    let beside = ui.interact(whole, ui.scope_id().with("palette"), Sense::click());
    beside.widget_info(|| WidgetInfo::labeled(Role::Window, true, t("palette")));
    let width = (whole.width() - 60.0).min(720.0);
    let height = ROWS as f32 * ROW + 60.0;
    let card = Rect::from_center_size(pos2(whole.center().x, whole.top() + 70.0 + 0.5 * height), vec2(width, height));
    ui.painter().rect_filled(card, 8.0, style::PANEL);
    widgets::border(ui, card, 1.0, style::DIM);
    let inner = card.shrink(12.0);
    let field = Rect::from_min_size(inner.min, vec2(inner.width(), 28.0));
    let before = palette.query.clone();
    let response = event_fields::text_field(ui, field, t("find-command"), t("find-hint"), &mut palette.query);
    if state.focus == Some(Field::Palette) {
        state.focus = None;
        response.request_focus();
    }
    if palette.query != before {
        palette.row = 0;
    }
    let list = found(&palette.query);
    let (up, down, enter, escape) =
        ui.input(|i| (i.key_pressed(Key::ArrowUp), i.key_pressed(Key::ArrowDown), i.key_pressed(Key::Enter), i.key_pressed(Key::Escape)));
    let last = list.len().saturating_sub(1);
    palette.row = (palette.row + usize::from(down)).saturating_sub(usize::from(up)).min(last);
    let mut run = list.get(palette.row).filter(|_| enter).map(|i| i.kind);
    let first = palette.row.saturating_sub(ROWS - 1);
    for (k, info) in list.iter().enumerate().skip(first).take(ROWS) {
        let rect = Rect::from_min_size(pos2(inner.left(), field.bottom() + 8.0 + (k - first) as f32 * ROW), vec2(inner.width(), ROW - 2.0));
        let row = ui.interact(rect, ui.scope_id().with(("command", info.name)), Sense::click());
        row.widget_info(|| WidgetInfo::selected(Role::Button, true, k == palette.row, say!("run", command = info.name)));
        if k == palette.row || row.hovered() {
            ui.painter().rect_filled(rect, 4.0, if k == palette.row { style::ACCENT.gamma_multiply(0.4) } else { style::RAISED });
        }
        let y = rect.center().y;
        let name = widgets::fitted(ui, info.name, 13.5, style::TEXT, NAME);
        ui.painter().galley(pos2(rect.left() + 8.0, y - name.size().y / 2.0), name, style::TEXT);
        let keys = ui.painter().text(pos2(rect.right() - 8.0, y), Align2::RIGHT_CENTER, info.shortcut, style::text(12.0), style::AMBER);
        let words = Rect::from_min_max(pos2(rect.left() + NAME + 20.0, rect.top()), pos2(keys.left() - 10.0, rect.bottom()));
        widgets::line(ui, words, info.tooltip, style::text(11.5), style::DIM);
        if row.clicked() {
            run = Some(info.kind);
        }
    }
    if list.is_empty() {
        let room = Rect::from_min_max(pos2(inner.left(), field.bottom()), inner.max);
        widgets::empty_state(ui, room, t("no-command"), t("no-command-remedy"));
    }
    if let Some(kind) = run {
        let remove = snapshot.preview.as_ref().and_then(|p| p.event).map(Command::RemoveEvent);
        out.extend(if kind == CommandKind::RemoveEvent { remove } else { kind.by_name() });
    } else if !escape && (!beside.clicked() || beside.interact_pointer_pos().is_none_or(|at| card.contains(at))) {
        state.palette = Some(palette);
    }
}
