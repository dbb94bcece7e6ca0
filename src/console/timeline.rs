//! The timeline: what the ring holds, events, the frozen instant and now. A click freezes an instant, the wheel zooms; it follows
//! now. Events that are older than the ring stand beside it, so that they never shrink it.

use egui::{Align2, Color32, Rect, Role, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::lang::{command, say, t};
use super::{style, widgets};
use crate::{
    engine::{Command, CommandKind, Slice, Snapshot},
    replay::{Event, EventId},
    time::MediaTime,
};

/// Distances of the grid, seconds.
const GRID_SECS: [f64; 9] = [1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 300.0, 600.0];

/// The shortest span that the wheel zooms to, seconds.
const CLOSEST_SECS: f64 = 2.0;
/// Width of a kept event's tick in the overview, and the widest overview, points.
const TICK: f32 = 14.0;
const OVERVIEW: f32 = 8.0 * TICK;

/// The part of time that the lane shows.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Window {
    first: MediaTime,
    span_secs: f64,
}

impl Window {
    /// The ring up to now at `zoom` 1; at less, the last part of it, or the part around an instant that would not be seen there. What
    /// marks keep beyond the ring does not stretch it.
    fn new(oldest: MediaTime, last: MediaTime, zoom: f64, frozen: Option<MediaTime>) -> Self {
        let whole_secs = ((last - oldest) as f64 * 1e-9).max(1.0);
        let span_secs = (whole_secs * zoom).clamp(CLOSEST_SECS.min(whole_secs), whole_secs);
        let back = |t: MediaTime, secs: f64| t.plus_nanos(-(secs * 1e9) as i64);
        let begin = back(last, whole_secs);
        let following = back(last, span_secs);
        let first = match frozen {
            Some(t) if t >= begin && t < following => back(t, 0.5 * span_secs).max(begin),
            _ => following,
        };
        Self { first, span_secs }
    }

    fn end(&self) -> MediaTime {
        self.first.plus_nanos((self.span_secs * 1e9) as i64)
    }
}

/// Draws the panel.
pub fn show(ui: &mut Ui, snapshot: &Snapshot, out: &mut Vec<Command>) {
    let (Some(oldest), Some(newest)) = (snapshot.ring.oldest, snapshot.ring.newest) else {
        let inner = widgets::panel(ui, t("panel-timeline"), "");
        return widgets::empty_state(ui, inner, t("nothing-recorded"), t("recording-begins"));
    };
    let held_secs = (newest - oldest) as f64 * 1e-9;
    let zoom_id = ui.scope_id().with("zoom");
    let zoom: f64 = ui.data(|d| d.get_temp(zoom_id)).unwrap_or(1.0);
    let prepared = snapshot.preview.as_ref();
    let last = newest.max(snapshot.now);
    let window = Window::new(oldest, last, zoom, prepared.map(|p| p.instant));
    let shown = if zoom < 1.0 { say!("timeline-shown", secs = format!("{:.0}", window.span_secs)) } else { String::new() };
    let inner = widgets::panel(ui, t("panel-timeline"), &say!("timeline-note", secs = format!("{held_secs:.0}"), shown = shown));
    // What only marks keep stands beside the ring, in order but not to scale: it may be hours old.
    let kept: Vec<&Event> = snapshot.events.iter().filter(|e| e.instant < oldest).collect();
    let strip = (kept.len() as f32 * TICK + 4.0).min(OVERVIEW.min(0.3 * inner.width()));
    let left = if kept.is_empty() { inner.left() } else { inner.left() + strip + 6.0 };
    let lane = Rect::from_min_max(pos2(left, inner.top() + 2.0), pos2(inner.right(), inner.bottom() - 14.0));
    if !kept.is_empty() {
        let strip = Rect::from_min_max(pos2(inner.left(), lane.top()), pos2(left - 6.0, lane.bottom()));
        overview(ui, &kept, strip, prepared.and_then(|p| p.event), out);
    }
    let x_of = |t: MediaTime| lane.left() + ((t - window.first) as f64 * 1e-9 / window.span_secs) as f32 * lane.width();
    ui.painter().rect_filled(lane, 2.0, style::BACKGROUND);
    let held = Rect::from_min_max(pos2(x_of(oldest).max(lane.left()), lane.top()), pos2(x_of(newest).min(lane.right()), lane.bottom()));
    ui.painter().rect_filled(held, 2.0, style::RAISED);
    grid(ui, &window, last, lane, inner.bottom() - 5.0);

    let response = ui.interact(lane, ui.scope_id().with("lane"), Sense::click_and_drag());
    response.widget_info(|| WidgetInfo::labeled(Role::Slider, true, t("timeline")));

    let painter = ui.painter().with_clip_rect(lane.expand2(vec2(6.0, 4.0)).intersect(ui.clip_rect()));
    let mut right_most_label = f32::NEG_INFINITY;
    for event in snapshot.events.iter().filter(|e| e.end >= window.first && e.begin <= window.end() && e.instant >= oldest) {
        let on = prepared.is_some_and(|p| p.event == Some(event.id));
        let range = Rect::from_min_max(
            pos2(x_of(event.begin).max(lane.left()), lane.top() + 5.0),
            pos2(x_of(event.end).min(lane.right()), lane.bottom() - 5.0),
        );
        let color = if on { style::PREVIEW } else { style::AMBER };
        painter.rect_filled(range, 2.0, color.gamma_multiply(0.28));
        if event.instant < window.first || event.instant > window.end() {
            continue;
        }
        let x = x_of(event.instant);
        painter.vline(x, lane.y_range(), Stroke::new(2.0, style::AMBER));
        painter.add(Shape::convex_polygon(
            vec![pos2(x - 5.0, lane.top()), pos2(x + 5.0, lane.top()), pos2(x, lane.top() + 8.0)],
            style::AMBER,
            Stroke::NONE,
        ));
        if x + 4.0 > right_most_label {
            let used = painter.text(pos2(x + 5.0, lane.bottom() - 10.0), Align2::LEFT_CENTER, &event.name, style::text(11.0), style::TEXT);
            right_most_label = used.right();
        }
    }

    if let Some(from) = snapshot.pending_in.filter(|t| *t <= window.end()) {
        // An in point that waits for its out reaches up to now.
        let open = Rect::from_min_max(
            pos2(x_of(from).max(lane.left()), lane.top() + 5.0),
            pos2(x_of(last).min(lane.right()), lane.bottom() - 5.0),
        );
        painter.rect_filled(open, 2.0, style::AMBER.gamma_multiply(0.15));
        widgets::border(ui, open, 1.0, style::AMBER);
        painter.text(open.left_center() + vec2(4.0, 0.0), Align2::LEFT_CENTER, t("timeline-in"), style::text(11.0), style::AMBER);
    }

    if let Some(p) = prepared.filter(|p| p.instant >= window.first && p.instant <= window.end()) {
        let x = x_of(p.instant);
        painter.vline(x, lane.top() - 2.0..=lane.bottom() + 2.0, Stroke::new(2.0, style::PREVIEW));
        painter.add(Shape::convex_polygon(
            vec![pos2(x - 6.0, lane.bottom() + 3.0), pos2(x + 6.0, lane.bottom() + 3.0), pos2(x, lane.bottom() - 6.0)],
            style::PREVIEW,
            Stroke::new(1.0, Color32::WHITE),
        ));
    }
    if window.end() >= last {
        ui.painter().vline(x_of(last).min(lane.right() - 1.0), lane.y_range(), Stroke::new(2.0, style::PROGRAM));
    }

    // The other instants of the picture: a tick that points down, hollow until it is in.
    for at in &snapshot.slices.instants {
        let (x, y) = (x_of(*at), lane.top() + 2.0);
        if lane.x_range().contains(x) {
            let points = vec![pos2(x - 5.0, y), pos2(x + 5.0, y), pos2(x, y + 9.0)];
            let fill = if snapshot.slices.ready.contains(at) { style::ACCENT } else { Color32::TRANSPARENT };
            ui.painter().add(egui::Shape::convex_polygon(points, fill, Stroke::new(1.5, style::ACCENT)));
        }
    }

    if (response.clicked() || response.dragged())
        && let Some(at) = response.interact_pointer_pos()
    {
        let share = f64::from((at.x - lane.left()) / lane.width()).clamp(0.0, 1.0);
        let wanted = window.first.plus_nanos((share * window.span_secs * 1e9) as i64);
        let at = snap(snapshot, wanted, (window.span_secs / f64::from(lane.width()) * 5.0 * 1e9) as u64);
        if !ui.input(|i| i.modifiers.shift) {
            out.push(Command::JogTo(at));
        } else if response.clicked() {
            out.push(Command::Slice(Slice::At(at)));
        }
    }
    let wheel = if response.hovered() { ui.input(|i| i.smooth_scroll_delta.y) } else { 0.0 };
    if wheel != 0.0 {
        let closest = CLOSEST_SECS / held_secs.max(CLOSEST_SECS);
        ui.data_mut(|d| d.insert_temp(zoom_id, (zoom * f64::from(-wheel * 0.004).exp()).clamp(closest, 1.0)));
    }
    response.on_hover_text(command(CommandKind::JogTo).tooltip);
}

/// Lines back from now.
fn grid(ui: &Ui, window: &Window, last: MediaTime, lane: Rect, label_y: f32) {
    let per_sec = f64::from(lane.width()) / window.span_secs;
    let step = GRID_SECS.into_iter().find(|s| s * per_sec >= 70.0).unwrap_or(1800.0);
    let right_secs = (last - window.end()) as f64 * 1e-9;
    let from = (right_secs.max(0.0) / step).ceil() as i64;
    for k in from..from + 200 {
        let back = step * k as f64;
        if back - right_secs > window.span_secs {
            break;
        }
        let x = lane.right() - ((back - right_secs) * per_sec) as f32;
        ui.painter().vline(x, lane.y_range(), Stroke::new(1.0, style::LINE));
        let label = if k == 0 { t("now").to_owned() } else { format!("-{back:.0} s") };
        let align = if k == 0 { Align2::RIGHT_CENTER } else { Align2::CENTER_CENTER };
        ui.painter().text(pos2(x, label_y), align, label, style::text(10.5), style::DIM);
    }
}

/// The events that are older than the ring: a tick each, the newest that have room; a click prepares one.
fn overview(ui: &Ui, kept: &[&Event], strip: Rect, prepared: Option<EventId>, out: &mut Vec<Command>) {
    ui.painter().rect_filled(strip, 2.0, style::BACKGROUND);
    let room = ((strip.width() - 4.0) / TICK).max(1.0) as usize;
    let shown = &kept[kept.len().saturating_sub(room)..];
    for (k, event) in shown.iter().enumerate() {
        let tick = Rect::from_min_size(pos2(strip.left() + 2.0 + k as f32 * TICK, strip.top()), vec2(TICK, strip.height()));
        let response = ui.interact(tick, ui.scope_id().with(("kept", event.id.0)), Sense::click());
        response.widget_info(|| WidgetInfo::labeled(Role::Button, true, say!("kept-event", event = &event.name)));
        let color = if prepared == Some(event.id) { style::PREVIEW } else { style::AMBER };
        let fill = color.gamma_multiply(if response.hovered() { 0.6 } else { 0.28 });
        ui.painter().rect_filled(tick.shrink2(vec2(2.0, 5.0)), 2.0, fill);
        ui.painter().vline(tick.center().x, tick.y_range(), Stroke::new(2.0, color));
        if response.clicked() {
            out.push(Command::SelectEvent(event.id));
        }
        response.on_hover_text(say!("kept-tip", event = &event.name, time = event.instant));
    }
    let label = if shown.len() < kept.len() { say!("kept-of", shown = shown.len(), all = kept.len()) } else { t("kept").to_owned() };
    ui.painter().text(pos2(strip.left(), strip.bottom() + 9.0), Align2::LEFT_CENTER, label, style::text(10.5), style::DIM);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lane_shows_the_ring_however_old_events_are_and_follows_now() {
        let at = MediaTime::from_secs_f64;
        let (oldest, last) = (at(1000.0), at(1060.0));
        let all = Window::new(oldest, last, 1.0, None);
        assert_eq!((all.first, all.end()), (oldest, last));
        // A kept event of an hour ago is prepared: the lane stays where it is.
        assert_eq!(Window::new(oldest, last, 1.0, Some(at(-2600.0))), all);
        let close = Window::new(oldest, last, 0.1, None);
        assert_eq!((close.first, close.end()), (at(1054.0), last));
        assert_eq!(Window::new(oldest, last, 0.1, Some(at(1055.0))), close, "what is seen does not move it");
        assert_eq!(Window::new(oldest, last, 0.1, Some(at(1020.0))).first, at(1017.0), "what is not seen comes into the middle");
        assert_eq!(Window::new(oldest, last, 0.1, Some(at(1001.0))).first, oldest);
        assert_eq!(Window::new(oldest, last, 1e-9, None).span_secs, CLOSEST_SECS);
        assert_eq!(Window::new(oldest, oldest, 1.0, None).span_secs, 1.0);
    }
}
