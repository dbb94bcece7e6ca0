//! The timeline: what the ring holds, events, the frozen instant and now. A click freezes an instant.

use egui::{Align2, Color32, Rect, Role, Sense, Shape, Stroke, Ui, WidgetInfo, pos2};

use super::{style, widgets};
use crate::{
    engine::{Command, CommandKind, Snapshot},
    time::MediaTime,
};

/// Distances of the grid, seconds.
const GRID_SECS: [f64; 9] = [1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 300.0, 600.0];

/// Draws the panel.
pub fn show(ui: &mut Ui, snapshot: &Snapshot, out: &mut Vec<Command>) {
    let (Some(oldest), Some(newest)) = (snapshot.ring.oldest, snapshot.ring.newest) else {
        let inner = widgets::panel(ui, "TIMELINE", "");
        return widgets::empty_state(ui, inner, "Nothing is recorded yet", "Recording begins by itself with the first frame of a camera");
    };
    let held_secs = (newest - oldest) as f64 * 1e-9;
    let inner = widgets::panel(ui, "TIMELINE", &format!("{held_secs:.0} s in the ring    click to freeze an instant"));
    // Events that marks keep may reach further back than the ring.
    let first = snapshot.events.iter().map(|e| e.begin).min().map_or(oldest, |e| e.min(oldest));
    let last = newest.max(snapshot.now);
    let span_secs = ((last - first) as f64 * 1e-9).max(1.0);
    let lane = Rect::from_min_max(pos2(inner.left(), inner.top() + 2.0), pos2(inner.right(), inner.bottom() - 14.0));
    let x_of = |t: MediaTime| lane.left() + ((t - first) as f64 * 1e-9 / span_secs) as f32 * lane.width();
    ui.painter().rect_filled(lane, 2.0, style::BACKGROUND);
    let held = Rect::from_min_max(pos2(x_of(oldest), lane.top()), pos2(x_of(newest), lane.bottom()));
    ui.painter().rect_filled(held, 2.0, style::RAISED);

    let grid = GRID_SECS.into_iter().find(|s| s / span_secs * f64::from(lane.width()) >= 70.0).unwrap_or(1800.0);
    for k in 0..200 {
        let back = grid * f64::from(k);
        if back > span_secs {
            break;
        }
        let x = x_of(last.plus_nanos(-(back * 1e9) as i64));
        ui.painter().vline(x, lane.y_range(), Stroke::new(1.0, style::LINE));
        let label = if k == 0 { "now".to_owned() } else { format!("-{back:.0} s") };
        let align = if k == 0 { Align2::RIGHT_CENTER } else { Align2::CENTER_CENTER };
        ui.painter().text(pos2(x, inner.bottom() - 5.0), align, label, style::text(10.5), style::DIM);
    }

    let response = ui.interact(lane, ui.scope_id().with("lane"), Sense::click_and_drag());
    response.widget_info(|| WidgetInfo::labeled(Role::Slider, true, "Timeline"));

    let prepared = snapshot.preview.as_ref();
    let mut right_most_label = f32::NEG_INFINITY;
    for event in snapshot.events.iter() {
        let on = prepared.is_some_and(|p| p.event == Some(event.id));
        let range =
            Rect::from_min_max(pos2(x_of(event.begin), lane.top() + 5.0), pos2(x_of(event.end).min(lane.right()), lane.bottom() - 5.0));
        let color = if on { style::PREVIEW } else { style::AMBER };
        ui.painter().rect_filled(range, 2.0, color.gamma_multiply(0.28));
        let x = x_of(event.instant);
        ui.painter().vline(x, lane.y_range(), Stroke::new(2.0, style::AMBER));
        ui.painter().add(Shape::convex_polygon(
            vec![pos2(x - 5.0, lane.top()), pos2(x + 5.0, lane.top()), pos2(x, lane.top() + 8.0)],
            style::AMBER,
            Stroke::NONE,
        ));
        if x + 4.0 > right_most_label {
            let used =
                ui.painter().text(pos2(x + 5.0, lane.bottom() - 10.0), Align2::LEFT_CENTER, &event.name, style::text(11.0), style::TEXT);
            right_most_label = used.right();
        }
    }

    if let Some(p) = prepared {
        let x = x_of(p.instant);
        ui.painter().vline(x, lane.top() - 2.0..=lane.bottom() + 2.0, Stroke::new(2.0, style::PREVIEW));
        ui.painter().add(Shape::convex_polygon(
            vec![pos2(x - 6.0, lane.bottom() + 3.0), pos2(x + 6.0, lane.bottom() + 3.0), pos2(x, lane.bottom() - 6.0)],
            style::PREVIEW,
            Stroke::new(1.0, Color32::WHITE),
        ));
    }
    ui.painter().vline(x_of(last).min(lane.right() - 1.0), lane.y_range(), Stroke::new(2.0, style::PROGRAM));

    if (response.clicked() || response.dragged())
        && let Some(at) = response.interact_pointer_pos()
    {
        let share = f64::from((at.x - lane.left()) / lane.width()).clamp(0.0, 1.0);
        let wanted = first.plus_nanos((share * span_secs * 1e9) as i64);
        out.push(Command::JogTo(snap(snapshot, wanted, (span_secs / f64::from(lane.width()) * 5.0 * 1e9) as u64)));
    }
    response.on_hover_text(CommandKind::JogTo.info().tooltip);
}

/// A mark within reach of the pointer, else the nearest whole frame counted from the newest.
fn snap(snapshot: &Snapshot, wanted: MediaTime, reach_nanos: u64) -> MediaTime {
    let near = snapshot.events.iter().map(|e| e.instant).min_by_key(|i| i.distance_nanos(wanted));
    if let Some(instant) = near.filter(|i| i.distance_nanos(wanted) <= reach_nanos) {
        return instant;
    }
    let Some(newest) = snapshot.ring.newest else { return wanted };
    let frames = ((newest - wanted) as f64 / snapshot.rate.interval_nanos().max(1) as f64).round().max(0.0) as i64;
    newest.plus_nanos(-snapshot.rate.frame_nanos(frames))
}
