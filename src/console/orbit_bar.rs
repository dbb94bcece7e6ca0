//! The orbit bar: the arc unrolled. Physical cameras are ticks, gaps are coloured by what they allow, and the handle is the
//! prepared position: drag it by hand.

use egui::{Align2, Color32, Rect, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::{monitors, style, widgets};
use crate::engine::{Command, FeedHealth, GapQuality, ProgramKind, Snapshot, Tally};

fn gap_color(quality: GapQuality) -> Color32 {
    match quality {
        GapQuality::Full => Color32::from_rgb(52, 120, 190),
        GapQuality::Fair => Color32::from_rgb(176, 134, 46),
        GapQuality::Wide => Color32::from_rgb(150, 72, 52),
    }
}

/// Draws the panel.
pub fn show(ui: &mut Ui, snapshot: &Snapshot, out: &mut Vec<Command>) {
    let note = gap_note(snapshot);
    let inner = widgets::panel(ui, "ORBIT", &note);
    let n = snapshot.cameras.len();
    let length = snapshot.arc_length();
    if n < 2 || snapshot.gaps.is_empty() {
        return widgets::empty_state(
            ui,
            inner,
            "No orbit",
            "The rig needs two cameras that look at a common subject: check it with `volte rig check`",
        );
    }
    let track = Rect::from_min_max(pos2(inner.left() + 14.0, inner.top() + 6.0), pos2(inner.right() - 14.0, inner.bottom() - 18.0));
    let x_of = |position: f64| track.left() + (position / length) as f32 * track.width();
    let lane = Rect::from_min_max(pos2(track.left(), track.center().y - 7.0), pos2(track.right(), track.center().y + 7.0));

    for (k, gap) in snapshot.gaps.iter().enumerate() {
        let cell = Rect::from_min_max(pos2(x_of(k as f64) + 1.0, lane.top()), pos2(x_of(k as f64 + 1.0) - 1.0, lane.bottom()));
        ui.painter().rect_filled(cell, 2.0, gap_color(gap.quality));
        // Shape besides colour: fair has one line, wide has two, a bridged gap is hatched.
        let lines: &[f32] = match gap.quality {
            GapQuality::Full => &[],
            GapQuality::Fair => &[0.5],
            GapQuality::Wide => &[0.33, 0.67],
        };
        for share in lines {
            let y = cell.top() + cell.height() * share;
            ui.painter().hline(cell.x_range(), y, Stroke::new(1.5, style::PANEL));
        }
        if gap.bridged {
            let mut x = cell.left();
            while x < cell.right() {
                let to = (x + cell.height()).min(cell.right());
                ui.painter().line_segment([pos2(x, cell.bottom()), pos2(to, cell.bottom() - (to - x))], Stroke::new(2.0, Color32::BLACK));
                x += 8.0;
            }
        }
        if cell.width() > 26.0 && track.height() > 44.0 {
            ui.painter().text(
                pos2(cell.center().x, cell.top() - 8.0),
                Align2::CENTER_CENTER,
                format!("{:.0}°", gap.degrees),
                style::text(10.5),
                style::DIM,
            );
        }
    }

    let step = (n as f32 * 22.0 / track.width()).ceil().max(1.0) as usize;
    for (k, camera) in snapshot.cameras.iter().enumerate() {
        let x = x_of(k as f64);
        let lost = camera.status.health == FeedHealth::Lost;
        let color = match camera.tally {
            Tally::Program => style::PROGRAM,
            Tally::Preview => style::PREVIEW,
            Tally::Off if lost => style::AMBER,
            Tally::Off => style::TEXT,
        };
        ui.painter().vline(
            x,
            lane.top() - 3.0..=lane.bottom() + 3.0,
            Stroke::new(if camera.tally == Tally::Off { 2.0 } else { 3.0 }, color),
        );
        if lost {
            let c = pos2(x, lane.center().y);
            for d in [vec2(4.0, 4.0), vec2(4.0, -4.0)] {
                ui.painter().line_segment([c - d, c + d], Stroke::new(2.0, style::AMBER));
            }
        }
        if k % step == 0 {
            ui.painter().text(pos2(x, inner.bottom() - 5.0), Align2::CENTER_CENTER, (k + 1).to_string(), style::text(11.5), color);
        }
    }
    if snapshot.closed {
        ui.painter().text(pos2(track.right(), inner.bottom() - 5.0), Align2::CENTER_CENTER, "1", style::text(11.5), style::DIM);
    }

    if let ProgramKind::Replay { position, .. } = snapshot.program.kind {
        let x = x_of(position);
        ui.painter().add(Shape::convex_polygon(
            vec![pos2(x, lane.top() - 1.0), pos2(x - 6.0, lane.top() - 11.0), pos2(x + 6.0, lane.top() - 11.0)],
            style::PROGRAM,
            Stroke::new(1.0, Color32::WHITE),
        ));
    }

    let id = ui.scope_id().with("orbit handle");
    let response = ui.interact(track.expand2(vec2(12.0, 4.0)), id, Sense::click_and_drag());
    response.widget_info(|| WidgetInfo::slider(true, snapshot.position, "Orbit position"));
    let handle = x_of(snapshot.position);
    let color = if snapshot.preview.is_some() { style::PREVIEW } else { style::DIM };
    let active = response.dragged() || response.hovered();
    let body = Rect::from_center_size(pos2(handle, lane.center().y), vec2(14.0, lane.height() + if active { 22.0 } else { 18.0 }));
    ui.painter().rect_filled(body, 4.0, color);
    widgets::border(ui, body, if active { 2.0 } else { 1.0 }, Color32::WHITE);
    ui.painter().vline(handle, body.top() + 4.0..=body.bottom() - 4.0, Stroke::new(1.0, Color32::from_white_alpha(140)));
    if (response.dragged() || response.clicked())
        && let Some(at) = response.interact_pointer_pos()
    {
        let share = f64::from((at.x - track.left()) / track.width());
        // On a ring the end of the bar is its beginning; stay just before it.
        let last = if snapshot.closed { length - 1e-3 } else { length };
        out.push(Command::SetOrbit((share * length).clamp(0.0, last)));
    }
    response.on_hover_cursor(egui::CursorIcon::ResizeHorizontal);
}

/// What the position means, in words.
fn gap_note(snapshot: &Snapshot) -> String {
    let place = monitors::place(snapshot, snapshot.position);
    let at = snapshot.position.floor() as usize;
    match snapshot.gaps.get(at.min(snapshot.gaps.len().saturating_sub(1))) {
        Some(gap) => {
            let bridged = if gap.bridged { ", bridged: a camera is missing" } else { "" };
            format!("{place}    gap {:.1}° {}{bridged}", gap.degrees, gap.quality.label())
        }
        None => place,
    }
}
