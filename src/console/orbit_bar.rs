//! The orbit bar: the arc unrolled. Physical cameras are ticks, gaps are coloured by what they allow (filled when measured, hollow
//! while only estimated from the angle) and say their rung of the ladder; the handle is the prepared position: drag it by hand.

use egui::{Align2, Color32, Rect, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::lang::{say, t, word};
use super::{ConsoleState, monitors, style, widgets};
use crate::engine::{Command, CommandKind, FeedHealth, GapQuality, GapView, ProgramKind, Rung, RungReason, Snapshot, Tally};

/// Room of the switches in the title line, points.
const SWITCHES: [(CommandKind, f32); 5] = [
    (CommandKind::Graphics, 72.0),
    (CommandKind::PivotMode, 58.0),
    (CommandKind::NextRung, 64.0),
    (CommandKind::ToggleHeatMap, 64.0),
    (CommandKind::ToggleRealPixels, 86.0),
];

/// The colour of a class, on the bar and in the read-out.
pub(super) fn gap_color(quality: GapQuality) -> Color32 {
    match quality {
        GapQuality::Good => Color32::from_rgb(52, 120, 190),
        GapQuality::Fair => Color32::from_rgb(176, 134, 46),
        GapQuality::Poor => Color32::from_rgb(150, 72, 52),
    }
}

/// The switches of the ladder, right in the title line; returns their left edge.
fn switches(ui: &mut Ui, inner: Rect, snapshot: &Snapshot, state: &ConsoleState, out: &mut Vec<Command>) -> f32 {
    let by_hand = snapshot.gap_at(snapshot.position).is_some_and(|g| g.state.why == RungReason::Operator);
    let mut right = inner.right();
    for (kind, width) in SWITCHES.into_iter().rev() {
        let (on, command) = match kind {
            CommandKind::PivotMode => (state.picks, Command::PivotMode),
            CommandKind::Graphics => (state.graphics.open, Command::Graphics),
            CommandKind::ToggleHeatMap => (snapshot.heat_map, Command::ToggleHeatMap),
            CommandKind::ToggleRealPixels => (snapshot.real_pixels_only, Command::ToggleRealPixels),
            _ => (by_hand, Command::NextRung),
        };
        let rect = Rect::from_min_max(pos2(right - width, inner.top() - 25.0), pos2(right, inner.top() + 3.0));
        right -= width + 4.0;
        let look = widgets::ButtonLook {
            fill: if on { style::ACCENT } else { style::RAISED },
            color: if on { style::ON_COLOR } else { style::TEXT },
            size: 11.5,
            on: false,
        };
        if widgets::command_button(ui, rect, kind, !snapshot.gaps.is_empty(), look).clicked() {
            out.push(command);
        }
    }
    right
}

/// The words in a gap's field and above it.
fn gap_words(gap: &GapView) -> (String, String) {
    let rung = match gap.state.rung {
        Rung::Synthesis => t("short-full"),
        Rung::SoftFade => t("short-soft"),
        Rung::Cut => t("short-cut"),
    };
    let by_hand = if gap.state.why == RungReason::Operator { "*" } else { "" };
    let figure = match gap.state.score {
        Some(score) => format!("{:.1} dB", score.db),
        None => format!("{:.0}°", gap.state.degrees),
    };
    (format!("{rung}{by_hand}"), figure)
}

/// Draws the panel.
pub fn show(ui: &mut Ui, snapshot: &Snapshot, state: &ConsoleState, out: &mut Vec<Command>) {
    let inner = widgets::panel(ui, t("panel-orbit"), "");
    let note_right = switches(ui, inner, snapshot, state, out) - 8.0;
    let note = Rect::from_min_max(pos2(inner.left() + 52.0, inner.top() - 20.0), pos2(note_right, inner.top() - 2.0));
    widgets::line(ui, note, &gap_note(snapshot), style::text(11.5), style::DIM);
    let n = snapshot.cameras.len();
    let length = snapshot.arc_length();
    if n < 2 || snapshot.gaps.is_empty() {
        return widgets::empty_state(ui, inner, t("no-orbit"), t("no-orbit-remedy"));
    }
    let track = Rect::from_min_max(pos2(inner.left() + 14.0, inner.top() + 6.0), pos2(inner.right() - 14.0, inner.bottom() - 18.0));
    let x_of = |position: f64| track.left() + (position / length) as f32 * track.width();
    let lane = Rect::from_min_max(pos2(track.left(), track.center().y - 7.0), pos2(track.right(), track.center().y + 7.0));

    for (k, gap) in snapshot.gaps.iter().enumerate() {
        let cell = Rect::from_min_max(pos2(x_of(k as f64) + 1.0, lane.top()), pos2(x_of(k as f64 + 1.0) - 1.0, lane.bottom()));
        let color = gap_color(gap.state.quality);
        // Measured is filled; an estimate is hollow.
        if gap.state.score.is_some() {
            ui.painter().rect_filled(cell, 2.0, color);
        } else {
            ui.painter().rect_filled(cell, 2.0, color.gamma_multiply(0.25));
            widgets::border(ui, cell, 1.5, color);
        }
        let (rung, figure) = gap_words(gap);
        if cell.width() > 26.0 {
            ui.painter().text(cell.center(), Align2::CENTER_CENTER, rung, style::text(10.5), style::TEXT);
        } else {
            // No room for words, and never colour alone: fair has one line, poor has two.
            let lines: &[f32] = match gap.state.quality {
                GapQuality::Good => &[],
                GapQuality::Fair => &[0.5],
                GapQuality::Poor => &[0.33, 0.67],
            };
            for share in lines {
                let y = cell.top() + cell.height() * share;
                ui.painter().hline(cell.x_range(), y, Stroke::new(1.5, style::PANEL));
            }
        }
        if gap.bridged {
            let mut x = cell.left();
            while x < cell.right() {
                let to = (x + cell.height()).min(cell.right());
                ui.painter().line_segment([pos2(x, cell.bottom()), pos2(to, cell.bottom() - (to - x))], Stroke::new(2.0, Color32::BLACK));
                x += 8.0;
            }
        }
        if cell.width() > 26.0 && track.height() > 44.0 {
            ui.painter().text(pos2(cell.center().x, cell.top() - 8.0), Align2::CENTER_CENTER, figure, style::text(10.5), style::DIM);
        }
    }

    let step = (n as f32 * 22.0 / track.width()).ceil().max(1.0) as usize;
    for (k, camera) in snapshot.cameras.iter().enumerate() {
        let x = x_of(k as f64);
        let lost = camera.status.health == FeedHealth::Lost;
        let color = match camera.tally {
            Tally::Program => style::PROGRAM,
            Tally::Preview => style::PREVIEW,
            Tally::Off if lost => style::AMBER,
            Tally::Off => style::TEXT,
        };
        ui.painter().vline(
            x,
            lane.top() - 3.0..=lane.bottom() + 3.0,
            Stroke::new(if camera.tally == Tally::Off { 2.0 } else { 3.0 }, color),
        );
        if lost {
            let c = pos2(x, lane.center().y);
            for d in [vec2(4.0, 4.0), vec2(4.0, -4.0)] {
                ui.painter().line_segment([c - d, c + d], Stroke::new(2.0, style::AMBER));
            }
        }
        if k % step == 0 {
            ui.painter().text(pos2(x, inner.bottom() - 5.0), Align2::CENTER_CENTER, (k + 1).to_string(), style::text(11.5), color);
        }
    }
    if snapshot.closed {
        ui.painter().text(pos2(track.right(), inner.bottom() - 5.0), Align2::CENTER_CENTER, "1", style::text(11.5), style::DIM);
    }

    if let ProgramKind::Replay { position, .. } = snapshot.program.kind {
        let x = x_of(position);
        ui.painter().add(Shape::convex_polygon(
            vec![pos2(x, lane.top() - 1.0), pos2(x - 6.0, lane.top() - 11.0), pos2(x + 6.0, lane.top() - 11.0)],
            style::PROGRAM,
            Stroke::new(1.0, Color32::WHITE),
        ));
    }

    let id = ui.scope_id().with("orbit handle");
    let response = ui.interact(track.expand2(vec2(12.0, 4.0)), id, Sense::click_and_drag());
    response.widget_info(|| WidgetInfo::slider(true, snapshot.position, t("orbit-position")));
    let handle = x_of(snapshot.position);
    let color = if snapshot.preview.is_some() { style::PREVIEW } else { style::DIM };
    let active = response.dragged() || response.hovered();
    let body = Rect::from_center_size(pos2(handle, lane.center().y), vec2(14.0, lane.height() + if active { 22.0 } else { 18.0 }));
    ui.painter().rect_filled(body, 4.0, color);
    widgets::border(ui, body, if active { 2.0 } else { 1.0 }, Color32::WHITE);
    ui.painter().vline(handle, body.top() + 4.0..=body.bottom() - 4.0, Stroke::new(1.0, Color32::from_white_alpha(140)));
    if (response.dragged() || response.clicked())
        && let Some(at) = response.interact_pointer_pos()
    {
        let share = f64::from((at.x - track.left()) / track.width());
        // On a ring the end of the bar is its beginning; stay just before it.
        let last = if snapshot.closed { length - 1e-3 } else { length };
        out.push(Command::SetOrbit((share * length).clamp(0.0, last)));
    }
    response.on_hover_cursor(egui::CursorIcon::ResizeHorizontal);
}

/// What the position means, in words.
fn gap_note(snapshot: &Snapshot) -> String {
    let place = monitors::place(snapshot, snapshot.position);
    let Some(gap) = snapshot.gap_at(snapshot.position) else { return place };
    let state = &gap.state;
    let bridged = if gap.bridged { t("bridged") } else { "" };
    let measured = match &state.score {
        Some(score) => {
            let worse = snapshot.cameras.get(score.worse_end).map_or("", |c| c.name.as_str());
            say!("measured-at", db = format!("{:.1}", score.db), camera = worse, class = word("class", state.quality.label()))
        }
        None => format!("~{}", word("class", state.quality.label())),
    };
    let done = snapshot.truth;
    let progress = if done.measured < done.of { say!("measured-of", done = done.measured, all = done.of) } else { String::new() };
    format!(
        "{place}    {:.1}° {measured}: {} ({}){bridged}{progress}",
        state.degrees,
        word("rung", state.rung.label()),
        word("why", state.why.label())
    )
}
