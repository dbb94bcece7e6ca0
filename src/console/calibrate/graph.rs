//! The cameras in their order and what ties them together: whole lines are links, dashed ones have begun, dots say that there is none yet.

use egui::{Align2, Pos2, Rect, Shape, Stroke, Ui, pos2, vec2};

use super::{
    super::{lang::say, style, widgets},
    labeled,
};
use crate::engine::{Advice, CalibrationView, LEAST_SHARED};

/// Draws it.
pub(super) fn show(ui: &Ui, rect: Rect, view: &CalibrationView) {
    let n = view.cameras.len();
    ui.painter().rect_filled(rect, style::CORNER, style::BACKGROUND);
    let step = rect.width() / n.max(1) as f32;
    let r = (step * 0.22).clamp(6.0, (rect.height() * 0.19).min(24.0));
    let y = rect.bottom() - r - 22.0;
    let at = |k: usize| pos2(rect.left() + step * (k as f32 + 0.5), y);
    let of = |a: usize, b: usize| view.links.iter().find(|l| (l.from, l.to) == (a.min(b), a.max(b)));
    // Who is meant by the advice is ringed.
    let meant = |name: &str| match &view.advice {
        Advice::Link { from, to, .. } => name == from || name == to,
        Advice::Mirror { camera }
        | Advice::OtherBoard { camera, .. }
        | Advice::Show { camera, .. }
        | Advice::Turn { camera, .. }
        | Advice::Tip { camera, .. }
        | Advice::NoPicture { camera }
        | Advice::Cover { camera, .. } => name == camera,
        Advice::Begin | Advice::Enough => false,
    };
    let paint = ui.painter().with_clip_rect(rect);
    // Beyond neighbours: arcs, the longer the higher; those that hold, and those that have begun.
    for l in view.links.iter().filter(|l| l.to > l.from + 1) {
        let (a, b) = (at(l.from), at(l.to));
        let lift = ((l.to - l.from) as f32 / n.max(2) as f32).sqrt() * (y - rect.top() - r) * 1.7;
        let top = pos2(f32::midpoint(a.x, b.x), y - r - lift);
        let stroke = if l.holds { Stroke::new(2.0, style::PREVIEW) } else { Stroke::new(1.0, style::AMBER.gamma_multiply(0.6)) };
        let curve = [a - vec2(0.0, r), top, b - vec2(0.0, r)];
        paint.add(egui::epaint::QuadraticBezierShape::from_points_stroke(curve, false, egui::Color32::TRANSPARENT, stroke));
    }
    for k in 0..n.saturating_sub(1) {
        let ends = [at(k) + vec2(r, 0.0), at(k + 1) - vec2(r, 0.0)];
        match of(k, k + 1) {
            Some(l) if l.holds => {
                paint.line_segment(ends, Stroke::new(4.0, style::PREVIEW));
            }
            Some(l) => {
                dashed(&paint, ends, 7.0, Stroke::new(2.5, style::AMBER));
                let text = format!("{}/{LEAST_SHARED}", l.shared);
                paint.text(pos2(f32::midpoint(ends[0].x, ends[1].x), y + 5.0), Align2::CENTER_TOP, text, style::text(13.0), style::AMBER);
            }
            None => dashed(&paint, ends, 3.0, Stroke::new(1.5, style::DIM.gamma_multiply(0.7))),
        }
    }
    for (k, c) in view.cameras.iter().enumerate() {
        let is_tied = view.links.iter().any(|l| l.holds && (l.from == k || l.to == k));
        let fill = match () {
            () if is_tied => style::PREVIEW,
            () if c.boards > 0 => style::AMBER,
            () => style::RAISED,
        };
        paint.circle_filled(at(k), r, fill);
        if meant(&c.name) {
            paint.circle_stroke(at(k), r + 4.0, Stroke::new(3.0, style::TEXT));
        }
        if c.sees {
            // It sees the board now.
            paint.circle_filled(at(k), r * 0.42, style::ON_COLOR);
        }
        let name = widgets::elided(ui, &c.name, style::text(13.0), style::TEXT, step - 4.0);
        paint.galley(pos2(at(k).x - name.size().x / 2.0, y + r + 4.0), name, style::TEXT);
    }
    labeled(ui, rect, "links", &in_words(view));
}

fn dashed(paint: &egui::Painter, ends: [Pos2; 2], length: f32, stroke: Stroke) {
    paint.extend(Shape::dashed_line(&ends, stroke, length, 5.0));
}

/// What hangs together, and what has begun.
fn in_words(view: &CalibrationView) -> String {
    let name = |k: usize| view.cameras.get(k).map_or("", |c| c.name.as_str());
    let list = |holds: bool| {
        let of = view.links.iter().filter(|l| l.holds == holds);
        of.map(|l| format!("{}-{} {}", name(l.from), name(l.to), l.shared)).collect::<Vec<_>>().join(", ")
    };
    let or_none = |text: String| if text.is_empty() { "-".to_owned() } else { text };
    say!("calib-links", linked = or_none(list(true)), begun = or_none(list(false)))
}
