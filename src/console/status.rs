//! The status line, and toasts for what needs a hand.

use egui::{Color32, Rect, Role, Ui, WidgetInfo, pos2, vec2};

use super::lang::{command, current, say, t};
use super::{FaderView, notices::notice, style, widgets};
use crate::engine::{Notice, NoticeLevel, Snapshot};

/// A toast stays so long, nanoseconds.
const TOAST_NANOS: i64 = 7_000_000_000;
const TOASTS: usize = 3;

/// Draws the status line.
pub fn show(ui: &Ui, snapshot: &Snapshot, fader: Option<&FaderView>) {
    let inner = widgets::panel(ui, "", "");
    let (text, color) = match (fader, snapshot.notices.last()) {
        // A hand is on it just now.
        (Some(fader), _) => {
            let name = fader.kind.map_or("", |kind| command(kind).name);
            let percent = |share: f64| format!("{:.0}", share * 100.0);
            (say!("fader-waits", control = &fader.control, command = name, at = percent(fader.at), to = percent(fader.to)), style::AMBER)
        }
        (None, Some(n)) => {
            (format!("{}  {}", n.at, notice(current(), &n.text)), if n.level == NoticeLevel::Warning { style::AMBER } else { style::DIM })
        }
        (None, None) => (next_step(snapshot).to_owned(), style::DIM),
    };
    widgets::line(ui, inner, &text, style::text(12.5), color);
    ui.interact(inner, ui.scope_id().with("status"), egui::Sense::hover())
        .widget_info(|| WidgetInfo::labeled(Role::Label, true, say!("status", text = &text)));
}

/// What to do next, for those who are new.
fn next_step(snapshot: &Snapshot) -> &'static str {
    use crate::replay::Phase;
    match (snapshot.cameras.is_empty(), snapshot.phase) {
        (true, _) => t("next-cameras"),
        (_, Phase::Live) => t("next-live"),
        (_, Phase::Armed) => t("next-armed"),
        (_, Phase::OnAir) => t("next-on-air"),
    }
}

/// Draws the warnings of the last seconds, newest on top.
pub fn toasts(ui: &Ui, room: Rect, snapshot: &Snapshot) {
    let fresh = |n: &&Notice| n.level == NoticeLevel::Warning && snapshot.now - n.at < TOAST_NANOS;
    let mut top = room.top();
    for told in snapshot.notices.iter().rev().filter(fresh).take(TOASTS) {
        let text = notice(current(), &told.text).into_owned();
        let job = egui::text::LayoutJob::simple(text, style::text(13.5), style::TEXT, room.width() - 44.0);
        let galley = ui.fonts_mut(|f| f.layout_job(job));
        let rect = Rect::from_min_size(pos2(room.left(), top), vec2(room.width(), galley.size().y + 18.0));
        if rect.bottom() > room.bottom() {
            break;
        }
        ui.painter().rect_filled(rect.translate(vec2(0.0, 2.0)), 5.0, Color32::from_black_alpha(120));
        ui.painter().rect_filled(rect, 5.0, Color32::from_rgb(52, 42, 22));
        widgets::border(ui, rect, 1.0, style::AMBER);
        let c = pos2(rect.left() + 18.0, rect.center().y);
        let triangle = vec![c + vec2(0.0, -8.0), c + vec2(8.0, 6.0), c + vec2(-8.0, 6.0)];
        ui.painter().add(egui::Shape::convex_polygon(triangle, style::AMBER, egui::Stroke::NONE));
        ui.painter().text(c + vec2(0.0, 1.0), egui::Align2::CENTER_CENTER, "!", style::text(12.0), Color32::BLACK);
        ui.painter().galley(pos2(rect.left() + 34.0, rect.top() + 9.0), galley, style::TEXT);
        top = rect.bottom() + 6.0;
    }
}
