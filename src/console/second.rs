//! Program B (PGM B): what the second channel shows, and its own buttons. Nothing here touches program A.
//!
//! Must not know: how either is made.

use egui::{Rect, Role, Ui, WidgetInfo, pos2, vec2};

use super::lang::{command, say, t};
use super::{Textures, budgets, monitors, style, widgets};
use crate::engine::{Command, CommandKind, ProgramKind, SecondOrder, SecondView, Snapshot};

/// Height of a row of buttons, points: a finger's.
const ROW: f32 = 30.0;
const GAP: f32 = 4.0;
/// Speeds that its buttons step through, percent; others by words.
const SPEEDS: [i32; 9] = [-100, -50, -25, 10, 25, 33, 50, 75, 100];

/// Draws the panel.
pub fn show(ui: &mut Ui, snapshot: &Snapshot, textures: &Textures, out: &mut Vec<Command>) {
    let Some(second) = &snapshot.second else {
        let room = monitors::frame(ui, "PGM B", "", None, "");
        return widgets::empty_state(ui, room, t("second-none"), t("second-none-remedy"));
    };
    let name = |k: usize| snapshot.cameras.get(k).map_or_else(String::new, |c| c.name.clone());
    let (what, note) = match second.program.kind {
        ProgramKind::Live(k) => (say!("live-camera", camera = name(k)), String::new()),
        ProgramKind::Hold => (t("held").to_owned(), String::new()),
        ProgramKind::Replay { position, instant, .. } => {
            (monitors::place(snapshot, position), second.program.roll.map_or(instant, |r| r.instant).to_string())
        }
    };
    let room = monitors::frame(ui, "PGM B", &what, Some(style::PROGRAM), &note);
    let buttons = Rect::from_min_max(pos2(room.left() + GAP, room.bottom() - 2.0 * ROW - 2.0 * GAP), room.max - vec2(GAP, GAP));
    let room = Rect::from_min_max(room.min, pos2(room.right(), buttons.top() - GAP));
    match textures.second {
        Some(texture) => {
            widgets::picture(ui, room, texture);
            ui.interact(room, ui.scope_id().with("picture"), egui::Sense::hover())
                .widget_info(|| WidgetInfo::labeled(Role::Image, true, t("second-picture")));
        }
        None => widgets::empty_state(ui, room, t("waiting-first"), ""),
    }
    if let Some(output) = second.output.as_ref().filter(|output| !output.sinks.is_empty()) {
        let (text, fill) = budgets::sinks(output);
        let rect = widgets::tag(ui, room.left_top() + vec2(6.0, 14.0), &text, fill, style::ON_COLOR, 11.0);
        ui.interact(rect, ui.scope_id().with("sinks"), egui::Sense::hover()).widget_info(|| WidgetInfo::labeled(Role::Label, true, &text));
    }
    if let ProgramKind::Replay { progress, .. } = second.program.kind {
        let bar = Rect::from_min_max(pos2(room.left(), room.bottom() - 4.0), room.max);
        widgets::fill_bar(ui, bar, progress, style::PROGRAM);
    }
    orders(ui, buttons, snapshot, second, out);
}

/// What is asked of it: the roll and the take, on and back; then its live camera and its speed.
fn orders(ui: &mut Ui, room: Rect, snapshot: &Snapshot, second: &SecondView, out: &mut Vec<Command>) {
    let on_air = matches!(second.program.kind, ProgramKind::Replay { .. });
    let cell = vec2((room.width() - 3.0 * GAP) / 4.0, ROW);
    let at = |k: usize, row: usize| Rect::from_min_size(room.min + vec2((cell.x + GAP) * k as f32, (ROW + GAP) * row as f32), cell);
    let first = [
        (CommandKind::RollB, SecondOrder::Roll, snapshot.can_take, style::PROGRAM),
        (CommandKind::TakeB, SecondOrder::Take, snapshot.can_take, style::PROGRAM),
        (CommandKind::RollOnB, SecondOrder::RollOn, on_air, style::RAISED),
        (CommandKind::ReturnB, SecondOrder::Return, on_air, style::ACCENT),
    ];
    for (k, (kind, order, can, fill)) in first.into_iter().enumerate() {
        let look = widgets::ButtonLook { fill, color: style::ON_COLOR, size: 13.0, on: false };
        let info = command(kind);
        let response = widgets::big_button(ui, at(k, 0), info.name, "", can, look);
        if response.on_hover_text(format!("{}. {}", info.shortcut, info.tooltip)).clicked() {
            out.push(Command::Second(order));
        }
    }
    let n = snapshot.cameras.len();
    let camera = |forward: bool| match (second.live_camera, forward) {
        (k, true) if k + 1 < n => Some(k + 1),
        (_, true) if snapshot.closed => Some(0),
        (0, false) if snapshot.closed => n.checked_sub(1),
        (k, false) => k.checked_sub(1),
        _ => None,
    };
    let now = second.speed_percent;
    let slower = SPEEDS.into_iter().rev().find(|s| *s < now);
    let faster = SPEEDS.into_iter().find(|s| *s > now);
    let percent = |speed: Option<i32>| say!("second-speed", speed = speed.unwrap_or(now));
    let steps = [
        (t("second-camera-left").to_owned(), CommandKind::SelectCameraB, camera(false).map(SecondOrder::SelectCamera)),
        (t("second-camera-right").to_owned(), CommandKind::SelectCameraB, camera(true).map(SecondOrder::SelectCamera)),
        (format!("− {}", percent(slower)), CommandKind::SetSpeedB, slower.map(SecondOrder::SetSpeed)),
        (format!("+ {}", percent(faster)), CommandKind::SetSpeedB, faster.map(SecondOrder::SetSpeed)),
    ];
    for (k, (label, kind, order)) in steps.into_iter().enumerate() {
        let look = widgets::ButtonLook { fill: style::RAISED, color: style::TEXT, size: 12.0, on: false };
        let response = widgets::big_button(ui, at(k, 1), &label, "", order.is_some(), look);
        let tip = if kind == CommandKind::SetSpeedB { say!("second-speed-now", speed = now) } else { command(kind).tooltip.to_owned() };
        if response.on_hover_text(tip).clicked()
            && let Some(order) = order
        {
            out.push(Command::Second(order));
        }
    }
}
