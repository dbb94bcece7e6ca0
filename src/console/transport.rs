//! MARK, TAKE, RETURN and the move that a take plays.

use egui::{Rect, Ui, pos2, vec2};

use super::lang::{command, say, t, word};
use super::{playlist::transition_words, style, widgets};
use crate::{
    engine::{Command, CommandKind, Snapshot},
    replay::Phase,
};

/// Draws the panel.
pub fn show(ui: &mut Ui, snapshot: &Snapshot, out: &mut Vec<Command>) {
    let inner = widgets::panel(ui, "", "");
    let gap = 8.0;
    let big = ((inner.width() - 4.0 * gap) * 0.125).clamp(84.0, 190.0);
    let small = (inner.width() * 0.14).clamp(96.0, 160.0);
    let mut left = inner.left();
    let mut place = |width: f32| {
        let rect = Rect::from_min_size(pos2(left, inner.top()), vec2(width, inner.height()));
        left += width + gap;
        rect
    };
    let look = |fill, color, on| widgets::ButtonLook { fill, color, size: 24.0, on };

    let can_mark = snapshot.cameras.iter().any(|c| c.live.is_some());
    if widgets::command_button(ui, place(big), CommandKind::Mark, can_mark, look(style::AMBER, egui::Color32::BLACK, false)).clicked() {
        out.push(Command::Mark);
    }
    ranges(ui, place(small), snapshot, can_mark, out);
    let take = widgets::command_button(
        ui,
        place(big),
        CommandKind::Take,
        snapshot.can_take,
        look(style::PROGRAM, style::ON_COLOR, snapshot.phase == Phase::OnAir),
    );
    if take.clicked() {
        out.push(Command::Take);
    }
    let can_return = snapshot.phase != Phase::Live;
    if widgets::command_button(ui, place(big), CommandKind::Return, can_return, look(style::ACCENT, style::ON_COLOR, false)).clicked() {
        out.push(Command::Return);
    }

    let rest = Rect::from_min_max(pos2(left, inner.top()), inner.max);
    moves(ui, rest, snapshot, out);
}

/// In, out and the last seconds: two by two.
fn ranges(ui: &mut Ui, rect: Rect, snapshot: &Snapshot, can_mark: bool, out: &mut Vec<Command>) {
    let gap = 4.0;
    let cell = (rect.size() - vec2(gap, gap)) / 2.0;
    let all = [
        (CommandKind::MarkIn, command(CommandKind::MarkIn).name, Command::MarkIn),
        (CommandKind::MarkOut, command(CommandKind::MarkOut).name, Command::MarkOut),
        (CommandKind::LastFive, t("short-last-five"), Command::LastFive),
        (CommandKind::LastTen, t("short-last-ten"), Command::LastTen),
    ];
    for (k, (kind, label, asked)) in all.into_iter().enumerate() {
        let at = rect.min + vec2((cell.x + gap) * (k % 2) as f32, (cell.y + gap) * (k / 2) as f32);
        // An in point that waits is seen.
        let waits = kind == CommandKind::MarkIn && snapshot.pending_in.is_some();
        let look = widgets::ButtonLook {
            fill: if waits { style::AMBER } else { style::RAISED },
            color: if waits { egui::Color32::BLACK } else { style::AMBER },
            size: 14.0,
            on: false,
        };
        let info = command(kind);
        let rect = Rect::from_min_size(at, cell);
        let response =
            widgets::big_button(ui, rect, info.name, "", can_mark, widgets::ButtonLook { color: egui::Color32::TRANSPARENT, ..look });
        let color = if can_mark { look.color } else { style::DIM.gamma_multiply(0.7) };
        let galley = widgets::fitted(ui, label, 14.0, color, rect.width() - 4.0);
        ui.painter().galley(rect.center() - galley.size() / 2.0, galley, color);
        if response.on_hover_text(format!("{}. {}", info.shortcut, info.tooltip)).clicked() {
            out.push(asked);
        }
    }
}

/// The choice of moves in two columns, and the export.
fn moves(ui: &mut Ui, rect: Rect, snapshot: &Snapshot, out: &mut Vec<Command>) {
    let gap = 4.0;
    let count = snapshot.moves.len() + 2;
    // As many as have room for their words, so that a finger hits them.
    let columns = (((rect.width() + gap) / (82.0 + gap)) as usize).clamp(2, 6);
    let rows = count.div_ceil(columns).max(1);
    let cell = vec2((rect.width() - gap * (columns - 1) as f32) / columns as f32, (rect.height() - gap * (rows - 1) as f32) / rows as f32);
    let at = |k: usize| {
        let (row, column) = (k / columns, k % columns);
        Rect::from_min_size(rect.min + vec2((cell.x + gap) * column as f32, (cell.y + gap) * row as f32), cell)
    };
    for (k, m) in snapshot.moves.iter().enumerate() {
        let on = k == snapshot.chosen_move;
        let look = widgets::ButtonLook {
            fill: if on { style::ACCENT } else { style::RAISED },
            color: if on { style::ON_COLOR } else { style::TEXT },
            size: 13.0,
            on: false,
        };
        let response = widgets::big_button(ui, at(k), &word("move", &m.name), "", true, look);
        if response.on_hover_text(say!("move-tip", what = word("tip", &m.tooltip), secs = format!("{:.1}", m.secs))).clicked() {
            out.push(Command::SelectMove(k));
        }
    }
    let look = widgets::ButtonLook { fill: style::RAISED, color: style::TEXT, size: 13.0, on: false };
    let how = say!("take-by", how = transition_words(snapshot.transition));
    let lit = if snapshot.transition.secs() > 0.0 { widgets::ButtonLook { color: style::AMBER, ..look } } else { look };
    let info = command(CommandKind::NextTransition);
    let response = widgets::big_button(ui, at(count - 2), &how, "", true, lit);
    if response.on_hover_text(format!("{}. {}", info.shortcut, info.tooltip)).clicked() {
        out.push(Command::NextTransition);
    }
    let rect = at(count - 1);
    if widgets::command_button(ui, rect, CommandKind::Export, snapshot.can_take, look).clicked() {
        out.push(Command::Export);
    }
    if let Some(export) = &snapshot.export {
        let bar = Rect::from_min_max(pos2(rect.left(), rect.bottom() - 4.0), rect.max);
        widgets::fill_bar(ui, bar, export.progress, style::ACCENT);
    }
}
