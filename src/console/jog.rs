//! The jog wheel: time by hand. One tooth of the wheel is one frame.

use egui::{Align2, Rect, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::lang::{command, say, t};
use super::{ConsoleState, style, widgets};
use crate::engine::{Command, CommandKind, Snapshot};

/// Angle of the wheel for one frame, radians: 24 frames are a turn.
const FRAME_RAD: f32 = std::f32::consts::TAU / 24.0;

/// Height of the line with the speed, points.
const SPEED: f32 = 32.0;

/// What a click on the speed does, and how slow motion fares.
fn slow_motion_tip(snapshot: &Snapshot) -> String {
    let slow = &snapshot.slow_motion;
    let now = match (slow.interpolate, slow.too_slow) {
        (false, _) => t("slow-holds").to_owned(),
        (true, true) => t("slow-too-slow").to_owned(),
        (true, false) => say!("slow-makes", made = slow.made, late = slow.late, unsure = slow.unsure),
    };
    format!("{}\n{now}\n{}", say!("turns-round", what = command(CommandKind::SetSpeed).tooltip), t("slow-switch"))
}

/// Play, speed and roll on.
fn speed(ui: &mut Ui, rect: Rect, snapshot: &Snapshot, out: &mut Vec<Command>) {
    let look = |on| widgets::ButtonLook {
        fill: if on { style::PREVIEW } else { style::RAISED },
        color: if on { style::ON_COLOR } else { style::TEXT },
        size: 12.0,
        on: false,
    };
    let gap = 3.0;
    let share = (rect.width() - 4.0 * gap) / 10.0;
    let mut left = rect.left();
    let mut place = |shares: f32| {
        let cell = Rect::from_min_size(pos2(left, rect.top()), vec2(share * shares, rect.height()));
        left += share * shares + gap;
        cell
    };
    let rolls = snapshot.preview.as_ref().is_some_and(|p| p.roll.is_some());
    if widgets::command_button(ui, place(2.4), CommandKind::Play, snapshot.preview.is_some(), look(rolls)).clicked() {
        out.push(Command::Play);
    }
    let hint = say!("with-keys", what = command(CommandKind::StepSpeed).tooltip, keys = command(CommandKind::StepSpeed).shortcut);
    if widgets::big_button(ui, place(1.1), "-", "", true, look(false)).on_hover_text(&hint).clicked() {
        out.push(Command::StepSpeed(-1));
    }
    // Pictures between the cameras' frames, or the frames alone.
    let made = if snapshot.slow_motion.interpolate { " ~" } else { "" };
    let label = format!("{} %{made}", snapshot.speed_percent);
    let response = widgets::big_button(ui, place(2.4), &label, "", true, widgets::ButtonLook { color: style::AMBER, ..look(false) });
    let response = response.on_hover_text(slow_motion_tip(snapshot));
    if response.clicked() {
        out.push(Command::SetSpeed(-snapshot.speed_percent));
    }
    if response.secondary_clicked() {
        out.push(Command::SetSlowMotion(None));
    }
    if widgets::big_button(ui, place(1.1), "+", "", true, look(false)).on_hover_text(&hint).clicked() {
        out.push(Command::StepSpeed(1));
    }
    let on_air = snapshot.phase == crate::replay::Phase::OnAir;
    let program_rolls = snapshot.program.roll.is_some_and(|r| r.speed_percent != 0);
    let fill = if program_rolls { style::PROGRAM } else { style::RAISED };
    let rect = place(3.0);
    if widgets::command_button(ui, rect, CommandKind::RollOn, on_air, widgets::ButtonLook { fill, ..look(false) }).clicked() {
        out.push(Command::RollOn);
    }
}

/// Draws the panel.
pub fn show(ui: &mut Ui, snapshot: &Snapshot, state: &mut ConsoleState, out: &mut Vec<Command>) {
    let offset = snapshot.preview.as_ref().and_then(|p| {
        let event = snapshot.event(p.event?)?;
        let frames = ((p.instant - event.instant) as f64 / snapshot.rate.interval_nanos().max(1) as f64).round() as i64;
        Some(if frames == 0 {
            say!("on-event", event = &event.name)
        } else {
            say!("event-frames", event = &event.name, frames = format!("{frames:+}"))
        })
    });
    let inner = widgets::panel(ui, t("panel-jog"), offset.as_deref().unwrap_or(""));
    let (inner, low) = inner.split_top_bottom_at_y(inner.bottom() - SPEED);
    speed(ui, Rect::from_min_max(pos2(low.left(), low.top() + 4.0), low.max), snapshot, out);
    let can_jog = snapshot.ring.newest.is_some() || snapshot.preview.is_some();
    let side = inner.height().min(inner.width() * 0.45);
    let wheel = Rect::from_center_size(pos2(inner.center().x, inner.center().y), vec2(side, side));
    let response = ui.interact(wheel, ui.scope_id().with("wheel"), if can_jog { Sense::drag() } else { Sense::hover() });
    response.widget_info(|| WidgetInfo::labeled(Role::Slider, can_jog, t("jog-wheel")));
    if response.dragged()
        && let Some(at) = response.interact_pointer_pos()
    {
        let (now, before) = (at - wheel.center(), at - response.drag_delta() - wheel.center());
        if now.length() > 4.0 && before.length() > 4.0 {
            let turn = normalized(now.angle() - before.angle());
            state.jog_angle_rad = normalized(state.jog_angle_rad + turn);
            state.jog_rest += turn / FRAME_RAD;
            let frames = state.jog_rest.trunc();
            if frames != 0.0 {
                state.jog_rest -= frames;
                out.push(Command::JogFrames(frames as i32));
            }
        }
    }
    let c = wheel.center();
    let radius = side / 2.0 - 1.0;
    ui.painter().circle(c, radius, style::RAISED, Stroke::new(if response.dragged() { 2.0 } else { 1.0 }, style::DIM));
    for k in 0..24 {
        let direction = egui::Vec2::angled(state.jog_angle_rad + k as f32 * FRAME_RAD);
        let (inner_r, width) = if k % 6 == 0 { (radius * 0.82, 2.0) } else { (radius * 0.9, 1.0) };
        ui.painter().line_segment([c + direction * inner_r, c + direction * (radius - 2.0)], Stroke::new(width, style::DIM));
    }
    let dimple = c + egui::Vec2::angled(state.jog_angle_rad - std::f32::consts::FRAC_PI_2) * radius * 0.55;
    ui.painter().circle(dimple, radius * 0.16, style::BACKGROUND, Stroke::new(1.0, style::DIM));
    if can_jog {
        response.on_hover_text(command(CommandKind::JogFrames).tooltip).on_hover_cursor(egui::CursorIcon::Grab);
    }

    let look = widgets::ButtonLook { fill: style::RAISED, color: style::TEXT, size: 14.0, on: false };
    let room = (inner.width() - side) / 2.0 - 8.0;
    let button = vec2(((room - 4.0) / 2.0).min(64.0), inner.height().min(40.0));
    for (k, frames) in [-10, -1, 1, 10].into_iter().enumerate() {
        let x = match k {
            0 => wheel.left() - 8.0 - 2.0 * button.x - 4.0,
            1 => wheel.left() - 8.0 - button.x,
            2 => wheel.right() + 8.0,
            _ => wheel.right() + 8.0 + button.x + 4.0,
        };
        let rect = Rect::from_min_size(pos2(x, inner.center().y - button.y / 2.0), button);
        if widgets::big_button(ui, rect, &format!("{frames:+}"), "", can_jog, look)
            .on_hover_text(say!("frames", frames = format!("{frames:+}")))
            .clicked()
        {
            out.push(Command::JogFrames(frames));
        }
    }
    if !can_jog {
        ui.painter().text(c, Align2::CENTER_CENTER, t("no-frames"), style::text(11.0), style::DIM);
    }
}

/// An angle between −π and π.
fn normalized(angle_rad: f32) -> f32 {
    let turn = std::f32::consts::TAU;
    (angle_rad + turn / 2.0).rem_euclid(turn) - turn / 2.0
}

#[cfg(test)]
mod tests {
    use super::normalized;

    #[test]
    fn a_turn_over_the_seam_is_small() {
        let (before, after) = (3.1_f32, -3.1_f32);
        assert!((normalized(after - before) - 0.083).abs() < 1e-2);
    }
}
