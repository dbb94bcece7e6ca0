//! The T-bar between the monitors: the path under the finger, from its beginning (top) to its end. TIME, or Ctrl meanwhile, moves it through
//! the event's time instead.

use egui::{Align2, Rect, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::lang::{command, t};
use super::{ConsoleState, style, widgets};
use crate::{
    engine::{Command, CommandKind, Snapshot},
    replay::Phase,
};

/// Height of the switch, points.
const SWITCH: f32 = 34.0;
/// Height of the lever, points: a finger's.
const LEVER: f32 = 30.0;

/// The bar as the window knows it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Bar {
    /// It moves in time.
    in_time: bool,
    grip: Grip,
}

/// How a finger holds the lever.
#[derive(Debug, Clone, Copy, Default)]
enum Grip {
    #[default]
    No,
    /// So far below the lever's middle, points: the lever moves as the finger does, and does not jump under it.
    Held(f32),
    /// On air it came down beside the lever, which waits for it.
    Beside,
}

/// Draws the panel.
pub fn show(ui: &mut Ui, snapshot: &Snapshot, state: &mut ConsoleState, out: &mut Vec<Command>) {
    let rect = ui.max_rect();
    ui.painter().rect_filled(rect, style::CORNER, style::PANEL);
    let inner = rect.shrink2(vec2(5.0, 6.0));
    let switch = Rect::from_min_max(pos2(inner.left(), inner.bottom() - SWITCH), inner.max);
    let look = |on: bool| widgets::ButtonLook {
        fill: if on { style::AMBER } else { style::RAISED },
        color: if on { egui::Color32::BLACK } else { style::TEXT },
        size: 11.5,
        on: false,
    };
    let label = t("t-bar-time");
    if widgets::big_button(ui, switch, label, "", true, look(state.t_bar.in_time))
        .on_hover_text(format!("{}. {}", command(CommandKind::TBar).tooltip, t("t-bar-time-tip")))
        .clicked()
    {
        state.t_bar.in_time = !state.t_bar.in_time;
    }
    let in_time = state.t_bar.in_time != ui.input(|i| i.modifiers.command);
    let slot = Rect::from_min_max(inner.min, pos2(inner.right(), switch.top() - 6.0));
    let way = Rect::from_min_max(slot.min + vec2(0.0, LEVER / 2.0), slot.max - vec2(0.0, LEVER / 2.0));
    let stands = snapshot.t_bar(in_time);
    let can = stands.is_some() && !snapshot.gaps.is_empty();
    let response = ui.interact(slot, ui.scope_id().with("t-bar"), if can { Sense::click_and_drag() } else { Sense::hover() });
    response.widget_info(|| WidgetInfo::slider(can, stands.unwrap_or(0.0), command(CommandKind::TBar).name));
    let groove = Rect::from_center_size(way.center(), vec2(6.0, way.height()));
    ui.painter().rect_filled(groove, 3.0, style::BACKGROUND);
    for k in 0..=4 {
        let y = way.top() + way.height() * k as f32 / 4.0;
        ui.painter().hline(slot.left() + 2.0..=slot.left() + 8.0, y, Stroke::new(1.0, style::DIM));
    }
    let mut share = stands.unwrap_or(0.0);
    let y_of = |share: f64| way.top() + way.height() * share as f32;
    let beside_is_grip = snapshot.phase != Phase::OnAir;
    if let Some(at) = response.interact_pointer_pos().filter(|_| can) {
        let away = at.y - y_of(share);
        let is_on_lever = away.abs() <= LEVER / 2.0;
        state.t_bar.grip = match state.t_bar.grip {
            Grip::No if is_on_lever => Grip::Held(away),
            // Where nothing is on air a finger beside the lever calls it; on air a slip must not make program jump.
            Grip::No if beside_is_grip => Grip::Held(0.0),
            Grip::No | Grip::Beside if !is_on_lever => Grip::Beside,
            Grip::Beside => Grip::Held(away),
            grip => grip,
        };
        if let Grip::Held(below) = state.t_bar.grip
            && (response.dragged() || response.clicked() && !is_on_lever)
        {
            share = f64::from(((at.y - below - way.top()) / way.height().max(1.0)).clamp(0.0, 1.0));
            out.push(Command::TBar { share, in_time });
        }
    }
    if !response.is_pointer_button_down_on() {
        state.t_bar.grip = Grip::No;
    }
    let on_air = snapshot.phase == Phase::OnAir;
    let color = match (can, in_time, on_air) {
        (false, ..) => style::RAISED,
        (true, true, _) => style::AMBER,
        (true, false, true) => style::PROGRAM,
        (true, false, false) => style::PREVIEW,
    };
    let lever = Rect::from_center_size(pos2(slot.center().x, y_of(share)), vec2(slot.width(), LEVER));
    ui.painter().rect_filled(lever, 5.0, color);
    widgets::border(ui, lever, if response.dragged() || response.hovered() { 2.0 } else { 1.0 }, egui::Color32::WHITE);
    // Shape besides colour: an arrow along the path, a clock's hands in time.
    let c = lever.center();
    let ink = if in_time { egui::Color32::BLACK } else { style::ON_COLOR };
    if in_time {
        ui.painter().circle_stroke(c, 8.0, Stroke::new(1.5, ink));
        ui.painter().line_segment([c, c - vec2(0.0, 6.0)], Stroke::new(1.5, ink));
        ui.painter().line_segment([c, c + vec2(4.0, 0.0)], Stroke::new(1.5, ink));
    } else {
        ui.painter().text(c, Align2::CENTER_CENTER, if on_air { "PGM" } else { "PRV" }, style::text(11.0), ink);
    }
    // The fader of a surface that stands elsewhere: hollow, with the way that it has to go.
    if let Some(fader) = state.fader.as_ref().filter(|f| f.t_bar == Some(in_time)) {
        let y = y_of(fader.at);
        let ghost = Rect::from_center_size(pos2(slot.center().x, y), vec2(slot.width(), LEVER * 0.6));
        widgets::border(ui, ghost, 2.0, style::AMBER);
        let (from, to) = (pos2(slot.center().x, y), pos2(slot.center().x, y_of(share)));
        ui.painter().arrow(from, to - from, Stroke::new(2.0, style::AMBER));
        ui.interact(ghost, ui.scope_id().with("t-bar fader"), Sense::hover())
            .widget_info(|| WidgetInfo::labeled(egui::Role::Label, true, t("t-bar-fader")));
    }
    // Its tooltip is the switch's: here it would cover program.
    if can {
        response.on_hover_cursor(egui::CursorIcon::ResizeVertical);
    }
}
