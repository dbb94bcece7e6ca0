//! The health of every camera in numbers: rate, losses, lateness, clock. What is wrong comes first, by name.

use egui::{Align2, Color32, Rect, Role, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::{style, widgets};
use crate::engine::{CameraView, Command, CommandKind, FeedHealth, Snapshot};

const ROW: f32 = 20.0;

/// Draws the panel.
pub fn show(ui: &mut Ui, snapshot: &Snapshot, out: &mut Vec<Command>) {
    let good = snapshot.cameras.iter().filter(|c| c.status.health == FeedHealth::Good).count();
    let n = snapshot.cameras.len();
    let note = match (n, snapshot.house_clock.as_str()) {
        (0, _) => String::new(),
        (n, "") => format!("{good} of {n} good"),
        (n, clock) => format!("{good} of {n} good · {clock}"),
    };
    let inner = widgets::panel(ui, "CAMERA HEALTH", &note);
    if n == 0 {
        return widgets::empty_state(ui, inner, "No cameras", "Their rates, losses and clocks appear here");
    }
    let head = Rect::from_min_size(inner.min, vec2(inner.width(), 16.0));
    for (title, x) in ["fps", "drop", "late", "dup", "clock ms"].into_iter().zip(columns(head)) {
        ui.painter().text(pos2(x, head.center().y), Align2::RIGHT_CENTER, title, style::text(10.5), style::DIM);
    }
    let body = Rect::from_min_max(pos2(inner.left(), head.bottom()), inner.max);
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by_key(|&k| match snapshot.cameras[k].status.health {
        FeedHealth::Lost => 0,
        FeedHealth::Degraded => 1,
        FeedHealth::Waiting | FeedHealth::Good => 2,
    });
    ui.scope_builder(egui::UiBuilder::new().max_rect(body), |ui| {
        egui::ScrollArea::vertical().auto_shrink([false, false]).show_rows(ui, ROW, n, |ui, rows| {
            ui.spacing_mut().item_spacing.y = 0.0;
            for &k in order.iter().skip(rows.start).take(rows.len()) {
                row(ui, k, &snapshot.cameras[k], out);
            }
        });
    });
}

/// Right edges of the number columns.
fn columns(row: Rect) -> [f32; 5] {
    let r = row.right() - 4.0;
    let w = row.width();
    [r - w * 0.49, r - w * 0.37, r - w * 0.265, r - w * 0.17, r]
}

fn row(ui: &mut Ui, k: usize, camera: &CameraView, out: &mut Vec<Command>) {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::click());
    let s = &camera.status;
    let (color, word) = match s.health {
        FeedHealth::Good => (style::TEXT, "good"),
        FeedHealth::Degraded => (style::AMBER, "degraded"),
        FeedHealth::Lost => (style::AMBER, "LOST"),
        FeedHealth::Waiting => (style::DIM, "waiting"),
    };
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("Health of {}: {word}", camera.name)));
    if s.health == FeedHealth::Lost {
        ui.painter().rect_filled(rect, 2.0, style::AMBER.gamma_multiply(0.18));
    }
    let c = pos2(rect.left() + 8.0, rect.center().y);
    match s.health {
        // Shapes besides colours: disc, triangle, cross, ring.
        FeedHealth::Good => {
            ui.painter().circle_filled(c, 4.0, style::PREVIEW);
        }
        FeedHealth::Degraded => {
            let points = vec![c + vec2(0.0, -5.0), c + vec2(5.0, 4.0), c + vec2(-5.0, 4.0)];
            ui.painter().add(Shape::convex_polygon(points, style::AMBER, Stroke::NONE));
        }
        FeedHealth::Lost => {
            for d in [vec2(4.0, 4.0), vec2(4.0, -4.0)] {
                ui.painter().line_segment([c - d, c + d], Stroke::new(2.5, style::AMBER));
            }
        }
        FeedHealth::Waiting => {
            ui.painter().circle_stroke(c, 4.0, Stroke::new(1.5, style::DIM));
        }
    }
    let numbers = columns(rect);
    let name = Rect::from_min_max(pos2(rect.left() + 18.0, rect.top()), pos2(numbers[0] - 30.0, rect.bottom()));
    widgets::line(ui, name, &format!("{} {}", k + 1, camera.name), style::text(12.0), color);
    let count = |n: u64| if n == 0 { "-".to_owned() } else { n.to_string() };
    let loud = |n: u64| if n == 0 { style::DIM } else { style::AMBER };
    let cells: [(String, Color32); 5] = [
        (if s.health == FeedHealth::Lost { "LOST".to_owned() } else { format!("{:.1}", s.fps) }, color),
        (count(s.dropped), loud(s.dropped)),
        (count(s.late), loud(s.late)),
        (count(s.duplicated), loud(s.duplicated)),
        (format!("{:+.1}", s.offset_nanos as f64 * 1e-6), style::DIM),
    ];
    for ((text, color), x) in cells.into_iter().zip(numbers) {
        ui.painter().text(pos2(x, rect.center().y), Align2::RIGHT_CENTER, text, style::digits(11.5), color);
    }
    if response.clicked() {
        out.push(Command::SelectCamera(k));
    }
    let note = if s.note.is_empty() {
        format!("{}: {word}. {} frames received", camera.name, s.received)
    } else {
        format!("{}: {}", camera.name, s.note)
    };
    let note = if s.clock.is_empty() { note } else { format!("{note}\n{}", s.clock) };
    response.context_menu(|ui| nudges(ui, k, camera, out));
    response.on_hover_text(note);
}

/// Shifts of a camera's clock.
fn nudges(ui: &mut Ui, k: usize, camera: &CameraView, out: &mut Vec<Command>) {
    ui.label(format!("{}: times shifted by {:+.1} ms", camera.name, camera.status.offset_nanos as f64 * 1e-6));
    ui.horizontal(|ui| {
        for ms in [-10_i64, -1, 1, 10] {
            let button = egui::Button::new(format!("{ms:+} ms")).min_size(vec2(52.0, 32.0));
            if ui.add(button).on_hover_text(CommandKind::Nudge.info().tooltip).clicked() {
                out.push(Command::Nudge { camera: k, by_nanos: ms * 1_000_000 });
            }
        }
    });
}
