//! The plan of the rig from above, with the path on it and its key frames to drag along the arc.

use egui::{Align2, Pos2, Rect, Role, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::{EditorState, ROW, at_time, diamond, value_text};
use crate::console::lang::{say, t};
use crate::{
    console::style,
    engine::{Command, FeedHealth, Snapshot, Tally},
    replay::path::{Path, PathChannel, PathEdit, shorter_way},
};

/// From metres to points.
struct View {
    middle_m: [f64; 2],
    center: Pos2,
    points_per_m: f32,
}

impl View {
    /// Everything that is drawn fits.
    fn of(rect: Rect, all_m: impl Iterator<Item = [f64; 2]>) -> Self {
        let (mut low, mut high) = ([0.0_f64; 2], [0.0_f64; 2]);
        for p in all_m.filter(|p| p.iter().all(|v| v.is_finite())) {
            for c in 0..2 {
                (low[c], high[c]) = (low[c].min(p[c]), high[c].max(p[c]));
            }
        }
        let size = [(high[0] - low[0]).max(0.1), (high[1] - low[1]).max(0.1)];
        let inner = rect.shrink(24.0);
        let points_per_m = (inner.width() / size[0] as f32).min(inner.height() / size[1] as f32).max(1e-3);
        Self { middle_m: [0.5 * (low[0] + high[0]), 0.5 * (low[1] + high[1])], center: rect.center(), points_per_m }
    }

    fn at(&self, p_m: [f64; 2]) -> Pos2 {
        let d = [p_m[0] - self.middle_m[0], p_m[1] - self.middle_m[1]];
        self.center + vec2(d[0] as f32, -d[1] as f32) * self.points_per_m
    }
}

/// The place along the arc whose camera line is nearest to a point, gaps.
fn nearest(cameras: &[Pos2], closed: bool, at: Pos2) -> f64 {
    let n = cameras.len();
    let spans = if closed { n } else { n.saturating_sub(1) };
    let on = |k: usize| {
        let (a, b) = (cameras[k], cameras[(k + 1) % n]);
        let along = b - a;
        let u = ((at - a).dot(along) / along.length_sq().max(1e-6)).clamp(0.0, 1.0);
        ((a + along * u).distance_sq(at), k as f64 + f64::from(u))
    };
    (0..spans).map(on).min_by(|a, b| a.0.total_cmp(&b.0)).map_or(0.0, |(_, p)| p)
}

/// Key frames at one place, side by side: each further out than the one before, so that a finger has each of them.
fn apart(places: &[Option<Pos2>], center: Pos2) -> Vec<Option<Pos2>> {
    let near = |a: Pos2, b: Pos2| a.distance(b) < ROW * 0.6;
    let mut laid: Vec<Option<Pos2>> = Vec::new();
    for place in places {
        laid.push(place.map(|mut at| {
            let away = at - center;
            let out = if away.length() > 1.0 { away.normalized() } else { vec2(0.0, -1.0) };
            for _ in 0..places.len() {
                if !laid.iter().flatten().any(|other| near(*other, at)) {
                    break;
                }
                at += out * (ROW * 0.75);
            }
            at
        }));
    }
    laid
}

/// Draws it.
pub(super) fn show(ui: &mut Ui, rect: Rect, snapshot: &Snapshot, path: &Path, editor: &mut EditorState, out: &mut Vec<Command>) {
    let paths = &snapshot.paths;
    ui.painter().rect_filled(rect, 3.0, style::BACKGROUND);
    let plan = ui.interact(rect, ui.scope_id().with("plan"), Sense::hover());
    plan.widget_info(|| WidgetInfo::labeled(Role::Image, true, say!("plan", count = paths.cameras_m.len())));
    let view = View::of(rect, paths.cameras_m.iter().copied().chain(paths.points.iter().map(|p| p.eye_m)));
    let cameras: Vec<Pos2> = paths.cameras_m.iter().map(|p| view.at(*p)).collect();
    // The athlete: a cross.
    let center = view.at([0.0, 0.0]);
    for d in [vec2(6.0, 0.0), vec2(0.0, 6.0)] {
        ui.painter().line_segment([center - d, center + d], Stroke::new(1.5, style::DIM));
    }
    let every = (cameras.len() / 24 + 1).max(1);
    for (k, (at, camera)) in cameras.iter().zip(snapshot.cameras.iter()).enumerate() {
        let color = match camera.tally {
            Tally::Program => style::PROGRAM,
            Tally::Preview => style::PREVIEW,
            Tally::Off if camera.status.health == FeedHealth::Lost => style::AMBER,
            Tally::Off => style::TEXT,
        };
        let inward = (center - *at).normalized();
        let points = vec![*at + inward * 6.0, *at - inward * 4.0 + inward.rot90() * 5.0, *at - inward * 4.0 - inward.rot90() * 5.0];
        ui.painter().add(Shape::convex_polygon(points, color, Stroke::NONE));
        if k % every == 0 {
            ui.painter().text(*at - inward * 15.0, Align2::CENTER_CENTER, (k + 1).to_string(), style::text(10.5), color);
        }
    }
    let drawn: Vec<Pos2> = paths.points.iter().map(|p| view.at(p.eye_m)).collect();
    ui.painter().add(Shape::line(drawn, Stroke::new(2.5, style::ACCENT)));
    // Time along the path, so that holds and speed are seen: a dot each half second.
    for k in 0..(path.duration_secs * 2.0).ceil().min(240.0) as i32 {
        if let Some(point) = at_time(paths, f64::from(k) * 0.5) {
            ui.painter().circle_filled(view.at(point.eye_m), 2.0, style::TEXT);
        }
    }
    if cameras.len() < 2 {
        return;
    }
    let places: Vec<Option<Pos2>> = path.keys.iter().map(|key| at_time(paths, key.at_secs).map(|p| view.at(p.eye_m))).collect();
    for (k, (key, place)) in path.keys.iter().zip(apart(&places, center)).enumerate() {
        let Some(place) = place else { continue };
        if let Some(anchor) = places[k].filter(|anchor| *anchor != place) {
            ui.painter().line_segment([anchor, place], Stroke::new(1.0, style::AMBER.gamma_multiply(0.6)));
        }
        let response =
            ui.interact(Rect::from_center_size(place, vec2(ROW, ROW)), ui.scope_id().with(("plan key", k)), Sense::click_and_drag());
        let chosen = editor.key == Some(k);
        let now = PathChannel::Position.of(key);
        let label = say!("plan-key", number = k + 1, place = value_text(PathChannel::Position, now));
        response.widget_info(|| WidgetInfo::selected(Role::Button, true, chosen, &label));
        let mut at = place;
        if let Some(pointer) = response.interact_pointer_pos().filter(|_| response.dragged() || response.drag_stopped()) {
            let position = shorter_way(now, nearest(&cameras, snapshot.closed, pointer), cameras.len(), snapshot.closed);
            let (a, u) = (position.floor(), (position - position.floor()) as f32);
            let camera = |p: f64| cameras[(p.rem_euclid(cameras.len() as f64) as usize).min(cameras.len() - 1)];
            at = camera(a).lerp(camera(a + 1.0), if snapshot.closed || a + 1.0 < cameras.len() as f64 { u } else { 0.0 });
            ui.painter().line_segment([place, at], Stroke::new(1.0, style::AMBER));
            if response.drag_stopped() {
                editor.key = Some(k);
                out.push(Command::EditPath(PathEdit::Set(k, PathChannel::Position, position)));
            }
        }
        diamond(ui, at, chosen, response.hovered() || response.dragged());
        if response.clicked() {
            editor.key = if chosen { None } else { Some(k) };
            out.push(Command::ScrubPath(key.at_secs));
        }
        response.on_hover_text(say!("plan-key-tip", key = label));
    }
    let shows = Rect::from_min_max(pos2(rect.left() + 6.0, rect.bottom() - 18.0), pos2(rect.right() - 6.0, rect.bottom() - 2.0));
    crate::console::widgets::line(ui, shows, t("plan-note"), style::text(10.5), style::DIM);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_at_one_place_lie_side_by_side() {
        let center = pos2(100.0, 100.0);
        let same = Some(pos2(100.0, 160.0));
        let laid = apart(&[same, None, same, Some(pos2(20.0, 100.0)), same], center);
        assert_eq!((laid[0], laid[1], laid[3]), (same, None, Some(pos2(20.0, 100.0))), "what has room stays");
        let all: Vec<Pos2> = laid.into_iter().flatten().collect();
        for (k, a) in all.iter().enumerate() {
            assert!(all[k + 1..].iter().all(|b| a.distance(*b) >= ROW * 0.6), "{all:?}");
        }
        assert!(all[1].y > 170.0 && all[3].y > all[1].y, "outwards: {all:?}");
        // Also in the very middle.
        assert!(apart(&[Some(center), Some(center)], center)[1].is_some_and(|p| p.distance(center) > 10.0));
    }

    #[test]
    fn a_pointer_finds_its_place_along_the_arc() {
        let square = [pos2(0.0, 0.0), pos2(10.0, 0.0), pos2(10.0, 10.0), pos2(0.0, 10.0)];
        assert_eq!(nearest(&square, false, pos2(5.0, -3.0)), 0.5);
        assert_eq!(nearest(&square, false, pos2(-20.0, 0.0)), 0.0);
        assert_eq!(nearest(&square, false, pos2(-20.0, 10.0)), 3.0);
        assert_eq!(nearest(&square, true, pos2(-1.0, 5.0)), 3.5);
    }
}
