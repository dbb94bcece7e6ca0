//! One channel of the path over its time: the curve, and its key frames to drag.

use egui::{Align2, Rect, Role, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::{EditorState, ROW, channel_name, diamond, value_text};
use crate::console::lang::say;
use crate::{
    console::{style, widgets},
    engine::{Command, Snapshot},
    replay::path::{Path, PathChannel, PathEdit},
};

/// Room for the figures at the left and for the seconds below, points.
const LEFT: f32 = 52.0;
const BELOW: f32 = 16.0;

/// The values that are shown: those of the path with some room, or all places of an open arc.
pub(super) fn range(snapshot: &Snapshot, path: &Path, channel: PathChannel, which: usize) -> (f64, f64) {
    let drawn = snapshot.paths.points.iter().map(|p| p.values[which]);
    let all = path.keys.iter().map(|k| channel.of(k)).chain(drawn);
    let (low, high) = all.filter(|v| v.is_finite()).fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
    let (low, high) = if low <= high { (low, high) } else { (0.0, 0.0) };
    let (least, room): (f64, f64) = match channel {
        PathChannel::Position if !snapshot.closed => return (0.0, snapshot.arc_length().max(1.0)),
        PathChannel::Position => (2.0, 0.5),
        PathChannel::Instant => (0.4, 0.1),
        PathChannel::Zoom | PathChannel::Height | PathChannel::Dolly => (0.5, 0.25),
        PathChannel::Roll => (20.0, 10.0),
    };
    let room = room.max((high - low) * 0.08);
    let (low, high) = (low - room, high + room);
    let missing = (least - (high - low)).max(0.0) * 0.5;
    (low - missing, high + missing)
}

/// Draws it.
pub(super) fn show(ui: &mut Ui, rect: Rect, snapshot: &Snapshot, path: &Path, editor: &mut EditorState, out: &mut Vec<Command>) {
    let channel = editor.channel();
    let which = editor.channel;
    ui.painter().rect_filled(rect, 3.0, style::BACKGROUND);
    let lane = Rect::from_min_max(rect.min + vec2(LEFT, 8.0), rect.max - vec2(14.0, BELOW));
    if lane.width() < 40.0 || lane.height() < 20.0 {
        return;
    }
    let (low, high) = range(snapshot, path, channel, which);
    let x_of = |secs: f64| lane.left() + (secs / path.duration_secs) as f32 * lane.width();
    let y_of = |value: f64| lane.bottom() - ((value - low) / (high - low)) as f32 * lane.height();
    let secs_at = |x: f32| f64::from(((x - lane.left()) / lane.width()).clamp(0.0, 1.0)) * path.duration_secs;
    let value_at = |y: f32| low + f64::from(((lane.bottom() - y) / lane.height()).clamp(0.0, 1.0)) * (high - low);

    for k in 0..=4 {
        let value = low + (high - low) * f64::from(k) / 4.0;
        let y = y_of(value);
        ui.painter().hline(lane.x_range(), y, Stroke::new(1.0, style::LINE));
        if k % 2 == 0 || lane.height() > 110.0 {
            ui.painter().text(pos2(lane.left() - 6.0, y), Align2::RIGHT_CENTER, value_text(channel, value), style::text(10.5), style::DIM);
        }
    }
    let step = [0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0].into_iter().find(|s| path.duration_secs / s <= 12.0).unwrap_or(60.0);
    for k in 0..=(path.duration_secs / step + 1e-6).floor() as i32 {
        let secs = f64::from(k) * step;
        ui.painter().vline(x_of(secs), lane.y_range(), Stroke::new(1.0, style::LINE.gamma_multiply(0.6)));
        let label = format!("{secs:.*} s", usize::from(step < 1.0));
        ui.painter().text(pos2(x_of(secs), rect.bottom() - 7.0), Align2::CENTER_CENTER, label, style::text(10.5), style::DIM);
    }
    // Where time runs and where it stands is seen under every channel.
    if path.keys.windows(2).any(|k| (k[0].instant_secs - k[1].instant_secs).abs() > 1e-9) {
        for pair in snapshot.paths.points.windows(2).filter(|p| (p[1].values[1] - p[0].values[1]).abs() > 1e-6) {
            let band = Rect::from_min_max(pos2(x_of(pair[0].at_secs), lane.bottom() - 3.0), pos2(x_of(pair[1].at_secs), lane.bottom()));
            ui.painter().rect_filled(band, 0.0, style::PREVIEW);
        }
    }
    let curve: Vec<_> = snapshot.paths.points.iter().map(|p| pos2(x_of(p.at_secs), y_of(p.values[which]))).collect();
    ui.painter().add(Shape::line(curve, Stroke::new(2.0, style::ACCENT)));

    let response = ui.interact(lane.expand(6.0), ui.scope_id().with("path graph"), Sense::click_and_drag());
    response.widget_info(|| WidgetInfo::labeled(Role::Slider, true, say!("path-graph", channel = channel_name(channel))));
    if let Some(at) = response.interact_pointer_pos() {
        if response.double_clicked() {
            out.push(Command::EditPath(PathEdit::AddKey(secs_at(at.x))));
        } else if response.clicked() || response.dragged() {
            out.push(Command::ScrubPath(secs_at(at.x)));
            ui.painter().vline(at.x.clamp(lane.left(), lane.right()), lane.y_range(), Stroke::new(1.5, style::PREVIEW));
        }
    }

    for (k, key) in path.keys.iter().enumerate() {
        let place = pos2(x_of(key.at_secs), y_of(channel.of(key)));
        let hit = Rect::from_center_size(place, vec2(ROW, ROW));
        let response = ui.interact(hit, ui.scope_id().with(("path key", k)), Sense::click_and_drag());
        let chosen = editor.key == Some(k);
        let label = say!(
            "path-key",
            number = k + 1,
            secs = format!("{:.2}", key.at_secs),
            channel = channel_name(channel),
            value = value_text(channel, channel.of(key))
        );
        response.widget_info(|| WidgetInfo::selected(Role::Button, true, chosen, &label));
        let mut at = place;
        if let Some(pointer) = response.interact_pointer_pos().filter(|_| response.dragged() || response.drag_stopped()) {
            at = pos2(pointer.x.clamp(lane.left(), lane.right()), pointer.y.clamp(lane.top(), lane.bottom()));
            ui.painter().line_segment([place, at], Stroke::new(1.0, style::AMBER));
            let (secs, value) = (secs_at(at.x), value_at(at.y));
            let words = format!("{secs:.2} s   {}", value_text(channel, value));
            let galley = widgets::elided(ui, &words, style::digits(11.5), style::AMBER, 200.0);
            let x = (at.x + 12.0).min(lane.right() - galley.size().x);
            ui.painter().galley(pos2(x, (at.y - 22.0).max(lane.top())), galley, style::AMBER);
            if response.drag_stopped() {
                editor.key = Some(k);
                out.push(Command::EditPath(PathEdit::Move { key: k, at_secs: secs, channel, value }));
            }
        }
        diamond(ui, at, chosen, response.hovered() || response.dragged());
        if response.clicked() {
            editor.key = if chosen { None } else { Some(k) };
            out.push(Command::ScrubPath(key.at_secs));
        }
        response.on_hover_text(label);
    }
}
