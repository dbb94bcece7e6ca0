//! Who else works on the show, and what is locked: a button in the top line that opens the list. While nobody else is there and nothing is
//! locked there is no button: who works alone needs none.
//!
//! Must not know: how locks are kept.

use egui::{Popup, Rect, Ui, vec2};

use super::lang::{command, say, t, word};
use super::{style, widgets};
use crate::{
    engine::{Command, CommandKind, LockView, OperatorsView, Snapshot},
    replay::operators::{Holder, LockChannel, LockOrder},
};

/// The widest that the button gets, points.
const WIDEST: f32 = 300.0;
/// Narrower than this there is no button.
const NARROWEST: f32 = 60.0;

fn holder(lock: &LockView) -> String {
    match &lock.holder {
        Holder::Console => t("lock-console").to_owned(),
        Holder::Operator(name) if lock.away => say!("lock-away", who = name),
        Holder::Operator(name) => name.to_string(),
    }
}

/// What the button says: the locks, or who is there.
fn in_words(view: &OperatorsView) -> String {
    if view.locks.is_empty() {
        let names: Vec<&str> = view.operators.iter().map(|o| o.name.as_str()).collect();
        return say!("lock-operators", who = names.join(", "));
    }
    let lock = |l: &LockView| say!("lock-held", channel = word("lock", l.channel.name()), who = holder(l));
    view.locks.iter().map(lock).collect::<Vec<_>>().join(", ")
}

/// Draws the button at the left end of `room`, and the list while it is open.
pub(super) fn show(ui: &mut Ui, room: Rect, snapshot: &Snapshot, out: &mut Vec<Command>) {
    let view = &snapshot.operators;
    if view.locks.is_empty() && view.operators.is_empty() || room.width() < NARROWEST {
        return;
    }
    let words = in_words(view);
    let wide = ui.painter().layout_no_wrap(words.clone(), style::text(12.5), style::TEXT).size().x + 18.0;
    let rect = Rect::from_min_size(room.min, vec2(wide.min(room.width()).min(WIDEST), room.height()));
    let others = view.locks.iter().any(|l| l.holder != Holder::Console);
    let (fill, color) = if others { (style::AMBER, style::ON_COLOR) } else { (style::RAISED, style::TEXT) };
    let response = widgets::big_button(ui, rect, &words, "", true, widgets::ButtonLook { fill, color, size: 12.5, on: false });
    Popup::menu(&response).show(|ui| {
        for channel in LockChannel::ALL.into_iter().filter(|c| *c != LockChannel::ProgramB || snapshot.second.is_some()) {
            row(ui, channel, view.lock(channel), out);
        }
    });
    response.on_hover_text(t("lock-tip"));
}

/// A channel: whose it is, and what the console can do about it.
fn row(ui: &mut Ui, channel: LockChannel, lock: Option<&LockView>, out: &mut Vec<Command>) {
    let name = word("lock", channel.name());
    let whose = lock.map_or_else(|| t("lock-free").to_owned(), holder);
    let (kind, order) = match lock.map(|l| &l.holder) {
        None => (CommandKind::Lock, LockOrder::Lock),
        Some(Holder::Console) => (CommandKind::Unlock, LockOrder::Unlock),
        Some(Holder::Operator(_)) => (CommandKind::TakeOver, LockOrder::TakeOver),
    };
    let info = command(kind);
    let button = egui::Button::new(say!("lock-do", what = info.name, channel = &name)).min_size(vec2(170.0, 32.0));
    ui.horizontal(|ui| {
        if ui.add(button).on_hover_text(info.tooltip).clicked() {
            out.push(Command::Lock(order, Some(channel)));
        }
        ui.label(say!("lock-held", channel = &name, who = whose));
    });
}
