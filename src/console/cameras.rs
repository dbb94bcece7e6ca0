//! The health of every camera in numbers: rate, losses, lateness, clock. What is wrong comes first, by name.

use egui::{Align2, Color32, Rect, Role, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::lang::{command, current, say, t};
use super::{notices::notice, style, widgets};
use crate::{
    engine::{Ailment, CameraView, Command, CommandKind, FeedHealth, Shading, Snapshot, Stand},
    replay::trim::{Trim, TrimEdit},
};

/// What a finger can hit, points.
const ROW: f32 = 28.0;

/// Draws the panel.
pub fn show(ui: &mut Ui, snapshot: &Snapshot, out: &mut Vec<Command>) {
    let good = snapshot.cameras.iter().filter(|c| c.status.health == FeedHealth::Good).count();
    let n = snapshot.cameras.len();
    let note = match (n, snapshot.house_clock.as_str()) {
        (0, _) => String::new(),
        (n, "") => say!("cameras-good", good = good, all = n),
        (n, clock) => format!("{} · {clock}", say!("cameras-good", good = good, all = n)),
    };
    let inner = widgets::panel(ui, t("panel-health"), &note);
    if n == 0 {
        return widgets::empty_state(ui, inner, t("no-cameras"), t("health-empty"));
    }
    let head = Rect::from_min_size(inner.min, vec2(inner.width(), 16.0));
    for (title, x) in [t("head-fps"), t("head-drop"), t("head-late"), t("head-dup"), t("head-clock")].into_iter().zip(columns(head)) {
        ui.painter().text(pos2(x, head.center().y), Align2::RIGHT_CENTER, title, style::text(10.5), style::DIM);
    }
    let body = Rect::from_min_max(pos2(inner.left(), head.bottom()), inner.max);
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by_key(|&k| match (snapshot.cameras[k].status.health, snapshot.cameras[k].stand) {
        (FeedHealth::Lost, _) => 0,
        (_, Stand::Bumped { .. }) => 1,
        (FeedHealth::Degraded, _) => 2,
        _ if !snapshot.cameras[k].ailments.is_empty() => 2,
        (FeedHealth::Waiting | FeedHealth::Good, _) => 3,
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
    let is_bumped = matches!(camera.stand, Stand::Bumped { .. });
    let ailment = camera.ailments.first();
    let (color, state_word) = match s.health {
        FeedHealth::Lost => (style::AMBER, t("health-lost")),
        _ if is_bumped => (style::AMBER, t("health-bumped")),
        FeedHealth::Good | FeedHealth::Degraded if ailment.is_some() => (style::AMBER, ailment.map_or("", word_of)),
        FeedHealth::Good => (style::TEXT, t("health-good")),
        FeedHealth::Degraded => (style::AMBER, t("health-degraded")),
        FeedHealth::Waiting => (style::DIM, t("health-waiting")),
    };
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, say!("health-of", camera = &camera.name, state = state_word)));
    if s.health == FeedHealth::Lost || is_bumped {
        ui.painter().rect_filled(rect, 2.0, style::AMBER.gamma_multiply(0.18));
    }
    let c = pos2(rect.left() + 8.0, rect.center().y);
    match s.health {
        // Shapes besides colours: disc, triangle, cross, ring, a camera's frame that is askew, a spotted lens.
        FeedHealth::Good | FeedHealth::Degraded if is_bumped => {
            let corners = [vec2(-3.0, -5.5), vec2(5.5, -2.5), vec2(3.0, 5.5), vec2(-5.5, 2.5)].map(|d| c + d);
            ui.painter().add(Shape::closed_line(corners.to_vec(), Stroke::new(1.8, style::AMBER)));
        }
        FeedHealth::Good if ailment.is_some() => {
            // A lens with a spot on it.
            ui.painter().circle_stroke(c, 5.0, Stroke::new(1.8, style::AMBER));
            ui.painter().circle_filled(c + vec2(1.0, -1.0), 1.8, style::AMBER);
        }
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
        (
            if s.health == FeedHealth::Lost || is_bumped || ailment.is_some() { state_word.to_owned() } else { format!("{:.1}", s.fps) },
            color,
        ),
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
        say!("health-tip", camera = &camera.name, state = state_word, count = s.received)
    } else {
        format!("{}: {}", camera.name, notice(current(), &s.note))
    };
    let note = format!("{note}\n{}", stand_in_words(camera.stand));
    let note = camera.ailments.iter().fold(note, |note, a| format!("{note}\n{}", in_words(a)));
    let note = match camera.exposure_stops {
        Some([red, green, blue]) => {
            let percent = |stops: f32| format!("{:+.0}", (stops.exp2() - 1.0) * 100.0);
            let tip = say!("exposure-tip", ev = format!("{green:+.2}"), red = percent(red - green), blue = percent(blue - green));
            format!("{note}\n{tip}")
        }
        None => note,
    };
    let note = match camera.plate_known {
        Some(known) => format!("{note}\n{}", say!("plate-tip", percent = format!("{:.0}", known * 100.0))),
        None => note,
    };
    let note = match camera.shading {
        Some(shading) => {
            let corner = format!("{:.1}", shading.corner_stops());
            format!("{note}\n{}", say!("shading-tip", corner = corner, contrast = format!("{:+.0}", shading.curve[0] * 100.0)))
        }
        None => note,
    };
    let note = if s.clock.is_empty() { note } else { format!("{note}\n{}", s.clock) };
    let note = if camera.trim.is_none() { note } else { format!("{note}\n{}", trim_in_words(camera)) };
    response.context_menu(|ui| {
        nudges(ui, k, camera, out);
        trims(ui, camera, out);
    });
    response.on_hover_ui(|ui| {
        ui.label(note);
        if let Some(shading) = camera.shading {
            curves(ui, &shading);
        }
    });
}

/// The camera's response against the common one, and the light from its middle to its corner, drawn small.
fn curves(ui: &mut Ui, shading: &Shading) {
    const SIDE: f32 = 72.0;
    let (whole, _) = ui.allocate_exact_size(vec2(2.0 * SIDE + 10.0, SIDE), Sense::hover());
    let stroke = |color| Stroke::new(1.5, color);
    let field = |k: f32| Rect::from_min_size(whole.min + vec2(k * (SIDE + 10.0), 0.0), vec2(SIDE, SIDE));
    let draw = |rect: Rect, color, at: &dyn Fn(f32) -> [f32; 2]| {
        let points = (0..=24).map(|k| at(k as f32 / 24.0)).map(|[x, y]| pos2(rect.left() + x * SIDE, rect.bottom() - y * SIDE));
        ui.painter().add(egui::Shape::line(points.collect(), stroke(color)));
    };
    for k in [0.0, 1.0] {
        ui.painter().rect_stroke(field(k), 0.0, Stroke::new(1.0, style::DIM), egui::StrokeKind::Inside);
    }
    // Along both axes five stops below the middle grey to two above: as it should be, and as it shows it.
    let share = |stops: f32| ((stops + 5.0) / 7.0).clamp(0.0, 1.0);
    draw(field(0.0), style::DIM, &|t| [t, t]);
    draw(field(0.0), style::AMBER, &|t| {
        let shown = 7.0 * t - 5.0;
        [share(shown - shading.added_stops(shown)), share(shown)]
    });
    // From the middle to the corner; the whole height is all light.
    draw(field(1.0), style::DIM, &|t| [t, 0.98]);
    draw(field(1.0), style::AMBER, &|t| [t, 0.98 * shading.light_at(t * t)]);
}

/// Whether the camera stands, for the tip.
fn stand_in_words(stand: Stand) -> String {
    match stand {
        Stand::NotWatched => t("stand-not-watched").to_owned(),
        Stand::Stands => t("stand-stands").to_owned(),
        Stand::Unsure => t("stand-unsure").to_owned(),
        Stand::Bumped { shift_px, needs_hand: false } => say!("stand-bumped", px = format!("{shift_px:.1}")),
        Stand::Bumped { shift_px, needs_hand: true } => say!("stand-needs-hand", px = format!("{shift_px:.1}")),
        Stand::Solved { turned_deg, moved_m } => {
            say!("stand-solved", degrees = format!("{turned_deg:.2}"), mm = format!("{:.0}", moved_m * 1e3))
        }
    }
}

/// What is wrong with its pictures, in a word.
fn word_of(ailment: &Ailment) -> &'static str {
    match ailment {
        Ailment::Blurred { .. } => t("health-blurred"),
        Ailment::Dirty { .. } => t("health-dirty"),
        Ailment::Flickers { .. } => t("health-flickers"),
        Ailment::StuckPixels { .. } => t("health-stuck"),
    }
}

/// The same with its figures and the remedy, for the tip.
fn in_words(ailment: &Ailment) -> String {
    match ailment {
        Ailment::Blurred { detail_percent } => say!("ailment-blurred", percent = format!("{detail_percent:.0}")),
        Ailment::Dirty { at: [x, y], share_percent } => {
            say!("ailment-dirty", x = format!("{:.0}", x * 100.0), y = format!("{:.0}", y * 100.0), percent = format!("{share_percent:.0}"))
        }
        Ailment::Flickers { percent } => say!("ailment-flickers", percent = format!("{percent:.1}")),
        Ailment::StuckPixels { count, at: [x, y] } => say!("ailment-stuck", count = *count, x = x.to_string(), y = y.to_string()),
    }
}

/// What is added by hand to the camera's match, for the tip and the menu.
fn trim_in_words(camera: &CameraView) -> String {
    let Trim { ev, kelvin, tint, vignette, contrast } = camera.trim;
    say!(
        "trim-of",
        camera = &camera.name,
        ev = format!("{ev:+.2}"),
        kelvin = format!("{kelvin:+.0}"),
        tint = format!("{tint:+.2}"),
        vignette = format!("{vignette:+.2}"),
        contrast = format!("{contrast:+.2}"),
    )
}

/// Trims of a camera's match.
fn trims(ui: &mut Ui, camera: &CameraView, out: &mut Vec<Command>) {
    ui.separator();
    ui.label(trim_in_words(camera));
    let now = camera.trim;
    // Steps are counted from whole ones, so that there and back is back.
    let step = |value: f32, by: f32, unit: f32| ((value / unit).round() + by) * unit;
    let rows: [(&str, [(String, TrimEdit); 4]); 5] = [
        (
            "trim-ev",
            [-5.0, -1.0, 1.0, 5.0]
                .map(|n| (format!("{:+.2}", n * 0.05), TrimEdit { ev: Some(step(now.ev, n, 0.05)), ..TrimEdit::default() })),
        ),
        (
            "trim-kelvin",
            [-5.0, -1.0, 1.0, 5.0]
                .map(|n| (format!("{:+.0}", n * 50.0), TrimEdit { kelvin: Some(step(now.kelvin, n, 50.0)), ..TrimEdit::default() })),
        ),
        (
            "trim-tint",
            [-5.0, -1.0, 1.0, 5.0]
                .map(|n| (format!("{:+.2}", n * 0.01), TrimEdit { tint: Some(step(now.tint, n, 0.01)), ..TrimEdit::default() })),
        ),
        (
            "trim-vignette",
            [-5.0, -1.0, 1.0, 5.0]
                .map(|n| (format!("{:+.2}", n * 0.05), TrimEdit { vignette: Some(step(now.vignette, n, 0.05)), ..TrimEdit::default() })),
        ),
        (
            "trim-contrast",
            [-5.0, -1.0, 1.0, 5.0]
                .map(|n| (format!("{:+.2}", n * 0.01), TrimEdit { contrast: Some(step(now.contrast, n, 0.01)), ..TrimEdit::default() })),
        ),
    ];
    let tip = command(CommandKind::TrimMatch).tooltip;
    let mut button = |ui: &mut Ui, label: String, edit: TrimEdit| {
        if ui.add(egui::Button::new(label).min_size(vec2(52.0, 32.0))).on_hover_text(tip).clicked() {
            out.push(Command::TrimMatch { camera: camera.name.clone(), edit });
        }
    };
    for (title, steps) in rows {
        ui.label(t(title));
        ui.horizontal(|ui| {
            for (label, edit) in steps {
                button(ui, label, edit);
            }
        });
    }
    button(ui, t("trim-reset").to_owned(), TrimEdit::RESET);
}

/// Shifts of a camera's clock.
fn nudges(ui: &mut Ui, k: usize, camera: &CameraView, out: &mut Vec<Command>) {
    ui.label(say!("nudged", camera = &camera.name, ms = format!("{:+.1}", camera.status.offset_nanos as f64 * 1e-6)));
    ui.horizontal(|ui| {
        for ms in [-10_i64, -1, 1, 10] {
            let button = egui::Button::new(format!("{ms:+} ms")).min_size(vec2(52.0, 32.0));
            if ui.add(button).on_hover_text(command(CommandKind::Nudge).tooltip).clicked() {
                out.push(Command::Nudge { camera: k, by_nanos: ms * 1_000_000 });
            }
        }
    });
}
