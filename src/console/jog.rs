//! The jog wheel: time by hand. One tooth of the wheel is one frame.

use egui::{Align2, Rect, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::{ConsoleState, style, widgets};
use crate::engine::{Command, CommandKind, Snapshot};

/// Angle of the wheel for one frame, radians: 24 frames are a turn.
const FRAME_RAD: f32 = std::f32::consts::TAU / 24.0;

/// Draws the panel.
pub fn show(ui: &mut Ui, snapshot: &Snapshot, state: &mut ConsoleState, out: &mut Vec<Command>) {
    let offset = snapshot.preview.as_ref().and_then(|p| {
        let event = snapshot.event(p.event?)?;
        let frames = ((p.instant - event.instant) as f64 / snapshot.rate.interval_nanos().max(1) as f64).round() as i64;
        Some(if frames == 0 { format!("on {}", event.name) } else { format!("{} {frames:+} frames", event.name) })
    });
    let inner = widgets::panel(ui, "JOG  time", offset.as_deref().unwrap_or(""));
    let can_jog = snapshot.ring.newest.is_some() || snapshot.preview.is_some();
    let side = inner.height().min(inner.width() * 0.45);
    let wheel = Rect::from_center_size(pos2(inner.center().x, inner.center().y), vec2(side, side));
    let response = ui.interact(wheel, ui.scope_id().with("wheel"), if can_jog { Sense::drag() } else { Sense::hover() });
    response.widget_info(|| WidgetInfo::labeled(Role::Slider, can_jog, "Jog wheel"));
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
        response.on_hover_text(CommandKind::JogFrames.info().tooltip).on_hover_cursor(egui::CursorIcon::Grab);
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
        if widgets::big_button(ui, rect, &format!("{frames:+}"), "", can_jog, look).on_hover_text(format!("{frames:+} frames")).clicked() {
            out.push(Command::JogFrames(frames));
        }
    }
    if !can_jog {
        ui.painter().text(c, Align2::CENTER_CENTER, "no frames yet", style::text(11.0), style::DIM);
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
