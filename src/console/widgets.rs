//! Small things that several panels draw.

use egui::{Align2, Color32, CornerRadius, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};

use super::lang::{command, t};
use super::{PictureTexture, style};
use crate::engine::CommandKind;

/// Inner margin of a panel, points.
const MARGIN: f32 = 8.0;

/// A white tick on a dark disc, 16 points across.
pub fn ticked(ui: &Ui, at: egui::Pos2) {
    ui.painter().circle_filled(at, 8.0, egui::Color32::from_black_alpha(190));
    let stroke = egui::Stroke::new(2.0, egui::Color32::WHITE);
    ui.painter().line_segment([at + vec2(-4.0, 0.0), at + vec2(-1.0, 3.5)], stroke);
    ui.painter().line_segment([at + vec2(-1.0, 3.5), at + vec2(4.5, -3.5)], stroke);
}

/// Draws a panel over the whole of `ui`'s rectangle, with a title line, and returns the rectangle inside.
pub fn panel(ui: &Ui, title: &str, note: &str) -> Rect {
    let rect = ui.max_rect();
    ui.painter().rect_filled(rect, style::CORNER, style::PANEL);
    let inner = rect.shrink(MARGIN);
    if title.is_empty() {
        return inner;
    }
    let baseline = pos2(inner.left(), inner.top() + 6.0);
    let used = ui.painter().text(baseline, Align2::LEFT_CENTER, title, style::text(11.5), style::DIM);
    if !note.is_empty() {
        let room = inner.right() - used.right() - 10.0;
        let galley = elided(ui, note, style::text(11.5), style::DIM, room);
        ui.painter().galley(pos2(inner.right() - galley.size().x, baseline.y - galley.size().y / 2.0), galley, style::DIM);
    }
    Rect::from_min_max(pos2(inner.left(), inner.top() + 18.0), inner.max)
}

/// One line of text, cut with an ellipsis at `width`.
pub fn elided(ui: &Ui, text: &str, font: egui::FontId, color: Color32, width: f32) -> std::sync::Arc<egui::Galley> {
    let mut job = egui::text::LayoutJob::simple_singleline(text.to_owned(), font, color);
    job.wrap = egui::text::TextWrapping::truncate_at_width(width.max(0.0));
    ui.fonts_mut(|f| f.layout_job(job))
}

/// One line of text as large as asked for, or as small as fits (not below 0.7 of it; then it is cut).
pub fn fitted(ui: &Ui, text: &str, size: f32, color: Color32, width: f32) -> std::sync::Arc<egui::Galley> {
    let galley = ui.fonts_mut(|f| f.layout_no_wrap(text.to_owned(), style::text(size), color));
    let share = (width / galley.size().x.max(1.0)).min(1.0);
    match share {
        1.0 => galley,
        share => elided(ui, text, style::text((size * share.max(0.7)).max(9.0).floor()), color, width),
    }
}

/// A line of text in a rectangle, left, vertically centred, cut at its end.
pub fn line(ui: &Ui, rect: Rect, text: &str, font: egui::FontId, color: Color32) {
    let galley = elided(ui, text, font, color, rect.width());
    ui.painter().galley(pos2(rect.left(), rect.center().y - galley.size().y / 2.0), galley, color);
}

/// What an empty panel says: what is missing, and what to do.
pub fn empty_state(ui: &Ui, rect: Rect, what: &str, remedy: &str) {
    let c = rect.center();
    for (text, size, color, dy) in [(what, 15.0, style::TEXT, -11.0), (remedy, 12.5, style::DIM, 11.0)] {
        let mut job = egui::text::LayoutJob::simple(text.to_owned(), style::text(size), color, (rect.width() - 8.0).max(10.0));
        job.halign = egui::Align::Center;
        let galley = ui.fonts_mut(|f| f.layout_job(job));
        let y = if dy < 0.0 { c.y + dy - galley.size().y / 2.0 } else { c.y + dy - 8.0 };
        ui.painter().galley(pos2(c.x, y), galley, color);
    }
}

/// A filled tag with text; returns its rectangle.
pub fn tag(ui: &Ui, left_center: egui::Pos2, text: &str, fill: Color32, color: Color32, size: f32) -> Rect {
    let galley = ui.fonts_mut(|f| f.layout_no_wrap(text.to_owned(), style::text(size), color));
    let rect = Rect::from_min_size(pos2(left_center.x, left_center.y - galley.size().y / 2.0 - 2.0), galley.size() + vec2(12.0, 4.0));
    ui.painter().rect_filled(rect, 3.0, fill);
    ui.painter().galley(rect.min + vec2(6.0, 2.0), galley, color);
    rect
}

/// The largest rectangle of the picture's shape inside `room`, centred.
pub fn letterbox(room: Rect, size_px: [u32; 2]) -> Rect {
    let (w, h) = (size_px[0].max(1) as f32, size_px[1].max(1) as f32);
    let scale = (room.width() / w).min(room.height() / h);
    Rect::from_center_size(room.center(), vec2(w, h) * scale)
}

/// Draws a picture letterboxed in `room`, and returns where it is.
pub fn picture(ui: &Ui, room: Rect, texture: PictureTexture) -> Rect {
    ui.painter().rect_filled(room, 2.0, Color32::from_rgb(6, 7, 9));
    let rect = letterbox(room, texture.size_px);
    ui.painter().image(texture.id, rect, Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0)), Color32::WHITE);
    rect
}

/// Where in a picture a click was, shares from its top left; `None` beside it.
pub fn share_of(picture: Rect, at: egui::Pos2) -> Option<[f64; 2]> {
    let share = (at - picture.min) / picture.size();
    (picture.contains(at) && share.is_finite()).then(|| [share.x, share.y].map(|v| f64::from(v.clamp(0.0, 1.0))))
}

/// The pivot in a picture: a cross with an open middle, so that what it marks is seen; `sure` is drawn whole, the first of two clicks as a ring.
pub fn cross(ui: &Ui, picture: Rect, share: [f32; 2], sure: bool) {
    let c = picture.min + picture.size() * vec2(share[0], share[1]);
    let r = (picture.height() * 0.07).clamp(9.0, 20.0);
    for (width, color) in [(5.0, Color32::from_black_alpha(220)), (2.0, style::AMBER)] {
        let stroke = Stroke::new(width, color);
        if sure {
            for d in [vec2(1.0, 0.0), vec2(-1.0, 0.0), vec2(0.0, 1.0), vec2(0.0, -1.0)] {
                ui.painter().line_segment([c + d * r * 0.3, c + d * r], stroke);
            }
        } else {
            ui.painter().circle_stroke(c, r * 0.7, stroke);
        }
    }
}

/// A border inside a rectangle.
pub fn border(ui: &Ui, rect: Rect, width: f32, color: Color32) {
    ui.painter().rect_stroke(rect, CornerRadius::same(3), Stroke::new(width, color), StrokeKind::Inside);
}

/// How a big button looks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ButtonLook {
    /// Fill while it can be pressed.
    pub fill: Color32,
    /// Text while it can be pressed.
    pub color: Color32,
    /// Size of the text, points.
    pub size: f32,
    /// Drawn pressed in: it is on.
    pub on: bool,
}

/// A button for a command: its name, its shortcut in small, its tooltip. Painted by hand, so that it is as large as its rectangle.
pub fn command_button(ui: &mut Ui, rect: Rect, kind: CommandKind, enabled: bool, look: ButtonLook) -> Response {
    let info = command(kind);
    let why = if enabled { String::new() } else { t("not-now").to_owned() };
    let response = big_button(ui, rect, info.name, info.shortcut, enabled, look);
    response.on_hover_text(format!("{}{why}", info.tooltip))
}

/// A button of any size with a label, and a smaller line under it.
pub fn big_button(ui: &mut Ui, rect: Rect, label: &str, under: &str, enabled: bool, look: ButtonLook) -> Response {
    let sense = if enabled { Sense::click() } else { Sense::hover() };
    let id = ui.scope_id().with(("button", label));
    let response = ui.interact(rect, id, sense);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, enabled, label));
    let (fill, color) = if enabled { (look.fill, look.color) } else { (style::RAISED.gamma_multiply(0.6), style::DIM.gamma_multiply(0.7)) };
    let fill = if response.is_pointer_button_down_on() {
        fill.gamma_multiply(0.7)
    } else if response.hovered() && enabled {
        fill.lerp_to_gamma(Color32::WHITE, 0.08)
    } else {
        fill
    };
    ui.painter().rect_filled(rect, style::CORNER, fill);
    if look.on {
        border(ui, rect, 2.0, Color32::WHITE);
    }
    if response.has_focus() {
        border(ui, rect, 2.0, style::ACCENT);
    }
    let has_under = !under.is_empty() && rect.height() > 48.0;
    let c = rect.center() - if has_under { vec2(0.0, look.size * 0.42) } else { vec2(0.0, 0.0) };
    let galley = fitted(ui, label, look.size, color, rect.width() - 6.0);
    ui.painter().galley(c - galley.size() / 2.0, galley, color);
    if has_under {
        let at = pos2(rect.center().x, c.y + look.size * 0.62 + 8.0);
        ui.painter().text(at, Align2::CENTER_CENTER, under, style::text(11.0), color.gamma_multiply(0.75));
    }
    response
}

/// A bar that fills from the left; values beyond one fill it.
pub fn fill_bar(ui: &Ui, rect: Rect, share: f32, color: Color32) {
    ui.painter().rect_filled(rect, 2.0, style::RAISED);
    let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
    if share > 0.0 {
        let filled = Rect::from_min_size(rect.min, vec2((rect.width() * share).max(2.0), rect.height()));
        ui.painter().rect_filled(filled, 2.0, color);
    }
}

/// Bytes for people.
pub fn bytes(n: u64) -> String {
    match n {
        0..1_000_000 => format!("{:.0} kB", n as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.0} MB", n as f64 / 1e6),
        _ => format!("{:.2} GB", n as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_read_well() {
        assert_eq!([bytes(999), bytes(12_300_000), bytes(2_147_483_648)], ["1 kB", "12 MB", "2.15 GB"]);
    }

    #[test]
    fn a_letterbox_keeps_the_shape() {
        let room = Rect::from_min_size(pos2(0.0, 0.0), vec2(160.0, 100.0));
        let r = letterbox(room, [9, 16]);
        assert!((r.height() - 100.0).abs() < 1e-3 && (r.width() - 56.25).abs() < 1e-3);
        assert!(letterbox(room, [0, 0]).width() > 0.0);
    }
}
