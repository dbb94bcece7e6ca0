//! The fields of the prepared event: colour, name, rating, notes, keywords. What is typed is asked for when the field is left.

use egui::{Align2, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use super::lang::{command, say, t, word};
use super::{ConsoleState, Field, events, style, widgets};
use crate::{
    engine::{Command, CommandKind},
    replay::{BEST_RATING, Event, EventEdit},
};

/// Height of the fields, points.
pub(super) const HEIGHT: f32 = 56.0;
/// The same where there is room for a finger.
pub(super) const TALL: f32 = 66.0;

/// A field with a label for those who do not see it.
pub(super) fn text_field(ui: &mut Ui, rect: Rect, label: &str, hint: &str, text: &mut String) -> egui::Response {
    let edit = egui::TextEdit::singleline(text)
        .hint_text(egui::RichText::new(hint).color(style::DIM).size(12.0))
        .font(style::text(12.5))
        .margin(egui::Margin::symmetric(6, 3))
        .align(egui::Align2::LEFT_CENTER)
        .id_salt(label)
        .desired_width(rect.width());
    let response = ui.put(rect, edit);
    ui.ctx().accesskit_node_builder(response.id, |node| node.set_label(label.to_owned()));
    response
}

/// A field whose text is an event's; gives the new text when it is left.
fn edited(ui: &mut Ui, rect: Rect, which: (Field, &str, &str), event: &Event, current: &str, state: &mut ConsoleState) -> Option<String> {
    let (field, label, hint) = which;
    let is_mine = |typing: &(Field, u64, String)| typing.0 == field && typing.1 == event.id.0;
    let mut text = state.typing.as_ref().filter(|t| is_mine(t)).map_or_else(|| current.to_owned(), |t| t.2.clone());
    let response = text_field(ui, rect, label, hint, &mut text);
    if state.focus == Some(field) {
        response.request_focus();
        state.focus = None;
        // What is typed takes the place of what was there.
        let mut cursor = egui::text_edit::TextEditState::load(ui.ctx(), response.id).unwrap_or_default();
        let end = egui::text::CCursor::new(text.chars().count());
        cursor.cursor.set_char_range(Some(egui::text::CCursorRange::two(egui::text::CCursor::new(0), end)));
        cursor.store(ui.ctx(), response.id);
    }
    if response.lost_focus() {
        state.typing = None;
        let dropped = ui.input(|i| i.key_pressed(egui::Key::Escape));
        return (!dropped && text != current).then_some(text);
    }
    if response.has_focus() {
        state.typing = Some((field, event.id.0, text));
    } else if state.typing.as_ref().is_some_and(is_mine) {
        state.typing = None;
    }
    None
}

/// Draws the fields.
pub(super) fn show(ui: &mut Ui, rect: Rect, event: &Event, state: &mut ConsoleState, out: &mut Vec<Command>) {
    ui.painter().hline(rect.x_range(), rect.top(), egui::Stroke::new(1.0, style::LINE));
    let line = (rect.height() - 4.0) / 2.0;
    let first = Rect::from_min_size(rect.min + vec2(0.0, 4.0), vec2(rect.width(), line - 2.0));
    let second = first.translate(vec2(0.0, line));
    let star = if line > 28.0 { 22.0 } else { 17.0 };

    let chip = Rect::from_min_size(first.min, vec2(28.0, first.height()));
    let response = ui.interact(chip, ui.scope_id().with("colour"), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, say!("colour", colour = word("colour", event.color.name()))));
    ui.painter().rect_filled(chip, 3.0, if response.hovered() { style::LINE } else { style::RAISED });
    events::color_mark(ui, chip.center(), 6.0, event.color);
    if response.clicked() {
        out.push(Command::EditEvent(event.id, EventEdit::Color(event.color.next())));
    }
    response.on_hover_text(say!("colour-tip", colour = word("colour", event.color.name())));

    let length = format!("{:.1} s", event.length_nanos() as f64 * 1e-9);
    let used = ui.painter().text(first.right_center(), Align2::RIGHT_CENTER, length, style::digits(12.0), style::DIM);
    let stars =
        Rect::from_min_max(pos2(used.left() - 8.0 - star * f32::from(BEST_RATING), first.top()), pos2(used.left() - 8.0, first.bottom()));
    for k in 1..=BEST_RATING {
        let at = Rect::from_min_size(pos2(stars.left() + star * f32::from(k - 1), stars.top()), vec2(star, stars.height()));
        let response = ui.interact(at, ui.scope_id().with(("star", k)), Sense::click());
        response.widget_info(|| WidgetInfo::selected(Role::Button, true, event.rating >= k, say!("rate", stars = k)));
        events::star(ui, at.center(), if response.hovered() { 8.0 } else { 7.0 }, event.rating >= k);
        if response.clicked() {
            // The star that it has takes it away.
            let rating = if event.rating == k { 0 } else { k };
            out.push(Command::EditEvent(event.id, EventEdit::Rating(rating)));
        }
        response.on_hover_text(format!("Ctrl+{k}. {}", command(CommandKind::EditEvent).tooltip));
    }
    let name = Rect::from_min_max(pos2(chip.right() + 4.0, first.top()), pos2(stars.left() - 6.0, first.bottom()));
    if let Some(text) = edited(ui, name, (Field::Name, t("event-name"), t("hint-name")), event, &event.name, state) {
        out.push(Command::EditEvent(event.id, EventEdit::Name(text)));
    }
    let notes = Rect::from_min_max(second.min, pos2(second.left() + second.width() * 0.56, second.bottom()));
    if let Some(text) = edited(ui, notes, (Field::Notes, t("event-notes"), t("notes")), event, &event.notes, state) {
        out.push(Command::EditEvent(event.id, EventEdit::Notes(text)));
    }
    let words = Rect::from_min_max(pos2(notes.right() + 4.0, second.top()), second.max);
    if let Some(text) =
        edited(ui, words, (Field::Keywords, t("event-keywords"), t("hint-keywords")), event, &event.keywords.join(", "), state)
    {
        let words = text.split(',').map(|w| w.trim().to_owned()).filter(|w| !w.is_empty()).collect();
        out.push(Command::EditEvent(event.id, EventEdit::Keywords(words)));
    }
    widgets::border(ui, chip, 1.0, style::LINE);
}
