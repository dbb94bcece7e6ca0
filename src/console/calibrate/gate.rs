//! The gate: whether the rig that was solved is fit for air, by which figures, and what would make it better.

use egui::{Align2, Color32, Rect, Shape, Stroke, Ui, pos2, vec2};

use super::{
    super::{
        lang::{current, say, t},
        notices::notice,
        orbit_bar::gap_color,
        style, widgets,
    },
    labeled, paragraph, words,
};
use crate::engine::{CalibrationView, GATE_PX, GapQuality, JudgedRig, Light};

/// The light as a colour and a word.
fn look(light: Light) -> (Color32, &'static str, &'static str) {
    match light {
        Light::Green => (style::PREVIEW, t("gate-green"), t("gate-green-do")),
        Light::Amber => (style::AMBER, t("gate-amber"), t("gate-amber-do")),
        Light::Red => (style::PROGRAM, t("gate-red"), t("gate-red-do")),
    }
}

/// A shape of its own for each light: disc, triangle, cross.
fn lamp(ui: &Ui, center: egui::Pos2, r: f32, light: Light, color: Color32) {
    let paint = ui.painter();
    match light {
        Light::Green => {
            paint.circle_filled(center, r, color);
        }
        Light::Amber => {
            let corners = [vec2(0.0, -r), vec2(r, 0.8 * r), vec2(-r, 0.8 * r)].map(|d| center + d);
            paint.add(Shape::convex_polygon(corners.to_vec(), color, Stroke::NONE));
        }
        Light::Red => {
            for d in [vec2(r, r), vec2(r, -r)] {
                paint.line_segment([center - d * 0.75, center + d * 0.75], Stroke::new(r * 0.4, color));
            }
        }
    }
}

/// Draws it.
pub(super) fn show(ui: &mut Ui, rect: Rect, view: &CalibrationView, judged: &JudgedRig) {
    let head = Rect::from_min_size(rect.min, vec2(rect.width(), (rect.height() * 0.24).clamp(110.0, 220.0)));
    verdict(ui, head, judged);
    let lower = Rect::from_min_max(pos2(rect.left(), head.bottom() + 10.0), rect.max);
    let width = lower.width();
    let cameras = Rect::from_min_size(lower.min, vec2(width * 0.4 - 8.0, lower.height()));
    let gaps = Rect::from_min_size(pos2(lower.left() + width * 0.4, lower.top()), vec2(width * 0.22 - 8.0, lower.height()));
    let remedies = Rect::from_min_max(pos2(lower.left() + width * 0.62, lower.top()), lower.max);
    let rows: Vec<Row> = judged.cameras.iter().map(camera_row).collect();
    table(ui, cameras, t("gate-cameras"), "cameras", &rows);
    let rows: Vec<Row> = judged.gaps.iter().map(gap_row).collect();
    table(ui, gaps, t("gate-gaps"), "gaps", &rows);
    let mut rows: Vec<Row> = judged.remedies.iter().map(|r| Row::told(notice(current(), r).into_owned(), style::TEXT)).collect();
    if let Some(file) = &judged.saved {
        rows.insert(0, Row::told(say!("gate-saved", file = file), style::PREVIEW_TEXT));
    }
    if judged.used.is_some() {
        rows.insert(0, Row::told(t("gate-used").to_owned(), style::PREVIEW_TEXT));
    }
    if rows.is_empty() {
        rows.push(Row::told(t("gate-nothing").to_owned(), style::DIM));
    }
    if view.floor_secs.is_some() && !judged.remedies.iter().any(|r| r.contains("floor")) {
        rows.push(Row::told(t("gate-floor").to_owned(), style::DIM));
    }
    table(ui, remedies, t("gate-remedies"), "remedies", &rows);
}

/// The light, what it means, and the figures against the gate.
fn verdict(ui: &Ui, rect: Rect, judged: &JudgedRig) {
    let (color, word, meaning) = look(judged.light);
    let r = rect.height() * 0.3;
    lamp(ui, pos2(rect.left() + r + 6.0, rect.top() + r + 8.0), r, judged.light, color);
    let left = rect.left() + 2.0 * r + 28.0;
    let size = (rect.height() * 0.32).clamp(30.0, 64.0);
    let at = ui.painter().text(pos2(left, rect.top()), Align2::LEFT_TOP, word, style::text(size), color);
    let beside = Rect::from_min_max(pos2(at.right() + 20.0, rect.top() + size * 0.2), pos2(rect.right(), at.bottom()));
    paragraph(ui, beside, meaning, ((size * 0.42).clamp(14.0, 24.0), 12.0), style::TEXT);
    let solved = judged.cameras.iter().filter(|c| c.unsolved.is_none()).count();
    let figures = [
        (say!("gate-rms", px = format!("{:.2}", judged.rms_px), gate = format!("{:.1}", GATE_PX.0)), judged.rms_px <= GATE_PX.0),
        (say!("gate-p95", px = format!("{:.2}", judged.p95_px), gate = format!("{:.1}", GATE_PX.1)), judged.p95_px <= GATE_PX.1),
        (say!("gate-solved", solved = solved, all = judged.cameras.len()), solved == judged.cameras.len()),
    ];
    let step = judged.step_px.map(|(alone, together, is_in_step)| {
        let (alone, together) = (format!("{alone:.2}"), format!("{together:.2}"));
        let text = if is_in_step {
            say!("gate-in-step", alone = alone, together = together)
        } else {
            say!("gate-out-of-step", alone = alone, together = together)
        };
        (text, is_in_step)
    });
    let clocks = match judged.frame_ms {
        Some(frame) => {
            let most = judged.cameras.iter().filter_map(|c| c.clock_ms).map(|(ms, _)| ms.abs()).fold(0.0, f64::max);
            (say!("gate-clocks", ms = format!("{most:.1}"), frame = format!("{frame:.1}")), most <= frame / 4.0)
        }
        None => (t("gate-no-clocks").to_owned(), true),
    };
    let mut all = vec![word.to_owned(), meaning.to_owned()];
    let figures: Vec<(String, bool)> = figures.into_iter().chain(step).chain([clocks]).collect();
    all.extend(figures.iter().map(|(text, _)| text.clone()));
    // As large as they fit beneath.
    let below = Rect::from_min_max(pos2(left, at.bottom() + 4.0), rect.max);
    let mut line = (below.height() / 2.0).clamp(12.0, 34.0);
    while line > 12.0 && rows_of(ui, &figures, line, below.width()) as f32 * line > below.height() {
        line -= 1.0;
    }
    let mut at = below.min;
    for (text, is_good) in figures {
        let color = if is_good { style::TEXT } else { style::AMBER };
        let galley = widgets::elided(ui, &text, style::text(line * 0.66), color, below.width());
        if at.x > below.left() && at.x + galley.size().x > below.right() {
            at = pos2(below.left(), at.y + line);
        }
        let width = galley.size().x;
        ui.painter().galley(at, galley, color);
        at.x += width + FIGURES_APART;
    }
    labeled(ui, rect, "verdict", &all.join(". "));
}

/// Between two figures in a row, points.
const FIGURES_APART: f32 = 28.0;

/// How many rows the figures take.
fn rows_of(ui: &Ui, figures: &[(String, bool)], line: f32, width: f32) -> usize {
    let (mut rows, mut x) = (1, 0.0);
    for (text, _) in figures {
        let wide = widgets::elided(ui, text, style::text(line * 0.66), style::TEXT, width).size().x;
        if x > 0.0 && x + wide > width {
            (rows, x) = (rows + 1, 0.0);
        }
        x += wide + FIGURES_APART;
    }
    rows
}

/// A line of a table, or several.
struct Row {
    text: String,
    color: Color32,
    mark: Option<Color32>,
    /// What else is known, beneath and smaller.
    detail: String,
}

impl Row {
    const fn told(text: String, color: Color32) -> Self {
        Self { text, color, mark: None, detail: String::new() }
    }
}

fn camera_row(c: &crate::engine::JudgedCamera) -> Row {
    let mut detail = Vec::new();
    match (c.focal_px, &c.unsolved) {
        (_, Some(_)) => {}
        (Some((px, off)), None) => detail.push(say!("gate-lens", px = format!("{px:.1}"), off = format!("{off:.1}"))),
        (None, None) => detail.push(t("gate-lens-given").to_owned()),
    }
    if let Some((ms, off)) = c.clock_ms {
        detail.push(say!("gate-clock", ms = format!("{ms:+.1}"), off = format!("{off:.1}")));
    }
    let reasons = words::reasons(&c.reasons);
    detail.push(say!("gate-pictures", found = c.found, pictures = c.pictures) + if reasons.is_empty() { "" } else { ": " } + &reasons);
    let detail = detail.join(" · ");
    if let Some(why) = &c.unsolved {
        let text = format!("{}: {}", c.name, notice(current(), why));
        return Row { text, color: style::AMBER, mark: Some(style::PROGRAM), detail };
    }
    let text = say!("gate-camera", camera = &c.name, boards = c.boards, px = format!("{:.2}", c.rms_px), mm = format!("{:.1}", c.place_mm));
    if c.taken_out == 0 {
        return Row { text, color: style::TEXT, mark: Some(style::PREVIEW), detail };
    }
    Row { text: format!("{text} · {}", say!("gate-taken-out", count = c.taken_out)), color: style::TEXT, mark: Some(style::AMBER), detail }
}

fn gap_row(g: &crate::engine::JudgedGap) -> Row {
    let class = match g.quality {
        GapQuality::Good => t("class-good"),
        GapQuality::Fair => t("class-fair"),
        GapQuality::Poor => t("class-poor"),
    };
    let disparity = g.disparity_px.map_or_else(String::new, |px| format!(", {px:.0} px"));
    let text = say!("gate-gap", from = &g.from, to = &g.to, degrees = format!("{:.0}", g.degrees), class = class) + &disparity;
    let (color, detail) = if g.quality == GapQuality::Poor { (style::AMBER, t("gate-too-wide")) } else { (style::TEXT, "") };
    Row { text, color, mark: Some(gap_color(g.quality)), detail: detail.to_owned() }
}

/// Rows under a title, as many as there are.
fn table(ui: &mut Ui, rect: Rect, title: &str, salt: &str, rows: &[Row]) {
    let size = (rect.height() * 0.036).clamp(13.0, 18.0);
    ui.painter().text(rect.min, Align2::LEFT_TOP, title, style::text(size * 0.85), style::DIM);
    let list = Rect::from_min_max(pos2(rect.left(), rect.top() + size * 1.5), rect.max);
    let builder = egui::UiBuilder::new().max_rect(list).id_salt(("gate", salt));
    ui.scope_builder(builder, |ui| {
        ui.set_clip_rect(list.intersect(ui.clip_rect()));
        egui::ScrollArea::vertical().id_salt(salt).auto_shrink([false, false]).show(ui, |ui| {
            for (k, row) in rows.iter().enumerate() {
                let mut job = egui::text::LayoutJob::simple(row.text.clone(), style::text(size), row.color, list.width() - 30.0);
                if !row.detail.is_empty() {
                    let small = egui::TextFormat::simple(style::text(size * 0.82), style::DIM);
                    job.append(&format!("\n{}", row.detail), 0.0, small);
                }
                let galley = ui.fonts_mut(|f| f.layout_job(job));
                let (at, _) = ui.allocate_exact_size(vec2(list.width() - 10.0, galley.size().y + 4.0), egui::Sense::hover());
                if let Some(mark) = row.mark {
                    ui.painter().rect_filled(Rect::from_min_size(at.min + vec2(0.0, 3.0), vec2(5.0, at.height() - 8.0)), 2.0, mark);
                }
                let left = if row.mark.is_some() { 14.0 } else { 0.0 };
                ui.painter().galley(at.min + vec2(left, 0.0), galley, row.color);
                let told = if row.detail.is_empty() { row.text.clone() } else { format!("{}. {}", row.text, row.detail) };
                labeled(ui, at.intersect(list), (salt, k), &told);
            }
        });
    });
}
