//! The top line: what state the show is in, house time, quality, help.

use egui::{Align2, Rect, Ui, pos2, vec2};

use super::lang::{command, current, say, t, word};
use super::{ConsoleState, notices::notice, operators, style, widgets};
use crate::{
    engine::{Command, CommandKind, Quality, Snapshot},
    replay::Phase,
};

/// The colour of a phase.
pub fn phase_color(phase: Phase) -> egui::Color32 {
    match phase {
        Phase::Live => style::ACCENT,
        Phase::Armed => style::PREVIEW,
        Phase::OnAir => style::PROGRAM,
    }
}

/// What the buttons at the right end take, points: keys, path, a space, four levels, and the spaces between.
const BUTTONS: f32 = 64.0 + 64.0 + 2.0 + 4.0 * 50.0 + 7.0 * 6.0;

/// Draws the panel.
pub fn show(ui: &mut Ui, snapshot: &Snapshot, state: &ConsoleState, out: &mut Vec<Command>) {
    let inner = widgets::panel(ui, "", "").shrink2(vec2(2.0, 0.0));
    let y = inner.center().y;
    let name = ui.painter().text(pos2(inner.left(), y), Align2::LEFT_CENTER, "VOLTE", style::text(20.0), style::TEXT);
    let tag = Rect::from_min_size(pos2(name.right() + 16.0, y - 13.0), vec2(92.0, 26.0));
    let fill = phase_color(snapshot.phase);
    ui.painter().rect_filled(tag, 4.0, fill);
    ui.painter().text(tag.center(), Align2::CENTER_CENTER, word("phase", snapshot.phase.label()), style::text(15.0), style::ON_COLOR);
    ui.interact(tag, ui.scope_id().with("phase"), egui::Sense::hover())
        .widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, say!("state", state = word("phase", snapshot.phase.label()))));

    let rate = say!("house-time", fps = snapshot.rate);
    let now = snapshot.now.to_string();
    let width = |text: &str, font: egui::FontId| ui.painter().layout_no_wrap(text.to_owned(), font, style::TEXT).size().x;
    // In the middle, or where that is too narrow as far left as the buttons ask for.
    let room = 0.5 * width(&now, style::digits(22.0)) + width(&rate, style::text(11.0)) + 22.0;
    let middle = inner.center().x.min(inner.right() - BUTTONS - room);
    let clock = ui.painter().text(pos2(middle, y), Align2::CENTER_CENTER, now, style::digits(22.0), style::TEXT);
    let rate = ui.painter().text(pos2(clock.right() + 10.0, y + 3.0), Align2::LEFT_CENTER, rate, style::text(11.0), style::DIM);

    let free = Rect::from_min_max(pos2(tag.right() + 14.0, y - 14.0), pos2(clock.left() - 14.0, y + 14.0));
    operators::show(ui, free, snapshot, out);

    let mut right = inner.right();
    let mut place = |width: f32| {
        let rect = Rect::from_min_max(pos2(right - width, y - 14.0), pos2(right, y + 14.0));
        right -= width + 6.0;
        rect
    };
    let look = |on| widgets::ButtonLook {
        fill: if on { style::ACCENT } else { style::RAISED },
        color: if on { style::ON_COLOR } else { style::TEXT },
        size: 13.0,
        on: false,
    };
    if widgets::command_button(ui, place(64.0), CommandKind::ShowKeys, true, look(state.keys_shown)).clicked() {
        out.push(Command::ShowKeys);
    }
    if widgets::command_button(ui, place(64.0), CommandKind::PathEditor, true, look(state.edits_path())).clicked() {
        out.push(Command::PathEditor);
    }
    place(2.0);
    // What the operator chose is bright; what the engine chose for itself is outlined.
    let level = &snapshot.level;
    for choice in Quality::ALL.map(Some).into_iter().rev().chain([None]) {
        let name = choice.map_or(std::borrow::Cow::Borrowed(t("quality-auto")), |level| word("quality", level.label()));
        let look = widgets::ButtonLook { on: level.chosen.is_none() && choice == Some(level.level), ..look(level.chosen == choice) };
        let response = widgets::big_button(ui, place(50.0), &name, "", true, look);
        let hint = say!(
            "quality-now",
            what = command(CommandKind::SetQuality).tooltip,
            level = word("quality", level.level.label()),
            why = &*notice(current(), &level.why)
        );
        if response.on_hover_text(hint).clicked() {
            out.push(Command::SetQuality(choice));
        }
    }
    let label = place(54.0);
    // A narrow console has no room for the word; its buttons say what they are.
    let word = ui.painter().layout_no_wrap(t("quality").to_owned(), style::text(12.0), style::DIM);
    let at = pos2(label.right() - word.size().x, label.center().y - word.size().y / 2.0);
    if at.x > rate.right() + 8.0 {
        ui.painter().galley(at, word, style::DIM);
    }
}
