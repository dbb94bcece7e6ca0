//! Budgets: memory and duration of the ring, what marks keep, frames lost, GPU milliseconds against the frame, and the output's
//! sinks.

use egui::{Align2, Color32, Rect, Role, Ui, WidgetInfo, pos2, vec2};

use super::lang::{current, find, say, t, word};
use super::{notices::notice, style, widgets};
use crate::{
    engine::{Command, DiskState, DiskTier, ExportOrder, ExportState, ExportView, LevelCost, NearView, Snapshot},
    output::program::{ProgramStatus, SinkState},
    sound::SoundStatus,
};

/// Rows are not lower than this.
const LEAST_ROW: f32 = 16.0;

/// Rows that a small panel does without, the first first.
const CAN_GO: [&str; 5] = ["budget-near", "budget-per-camera", "budget-solve", "budget-preview", "budget-kept"];

/// One bar: name, figures, share of the budget.
struct Budget<'a> {
    name: &'a str,
    figures: String,
    share: f32,
    color: Color32,
}

/// Green until three quarters, then amber, red beyond the budget.
fn color_of(share: f32) -> Color32 {
    match share {
        s if s > 1.0 => style::PROGRAM,
        s if s > 0.9 => style::AMBER,
        _ => style::ACCENT,
    }
}

/// Draws the panel.
pub fn show(ui: &Ui, snapshot: &Snapshot, out: &mut Vec<Command>) {
    let inner = widgets::panel(ui, t("panel-budgets"), &adapter(snapshot));
    let ring = &snapshot.ring;
    let of = |part: f64, whole: f64| if whole > 0.0 { (part / whole) as f32 } else { 0.0 };
    let held_secs = match (ring.oldest, ring.newest) {
        (Some(a), Some(b)) => (b - a) as f64 * 1e-9,
        _ => 0.0,
    };
    let budget_secs = ring.budget_nanos as f64 * 1e-9;
    let frame_ms = 1000.0 / snapshot.rate.fps();
    let gpu = &snapshot.gpu;
    let ms = |ms: f32| of(f64::from(ms), frame_ms);
    let memory = of(ring.bytes as f64, ring.budget_bytes as f64);
    let pinned = of(ring.pinned_bytes as f64, ring.budget_bytes as f64);
    // Ring bars are meant to be full: only pins squeeze it.
    let mut budgets = vec![
        Budget {
            name: "budget-ring-memory",
            figures: say!("of", part = widgets::bytes(ring.bytes), all = widgets::bytes(ring.budget_bytes)),
            share: memory,
            color: style::ACCENT,
        },
        Budget {
            name: "budget-ring-duration",
            figures: say!("of-secs", part = format!("{held_secs:.0}"), all = format!("{budget_secs:.0}")),
            share: of(held_secs, budget_secs),
            color: style::ACCENT,
        },
        Budget { name: "budget-kept", figures: widgets::bytes(ring.pinned_bytes), share: pinned, color: color_of(pinned / 0.9) },
        Budget {
            name: "budget-program",
            figures: say!("of-ms", part = format!("{:.1}", gpu.program_ms), all = format!("{frame_ms:.0}")),
            share: ms(gpu.program_ms),
            color: color_of(ms(gpu.program_ms)),
        },
        Budget {
            name: "budget-preview",
            figures: say!("of-ms", part = format!("{:.1}", gpu.preview_ms), all = format!("{frame_ms:.0}")),
            share: ms(gpu.preview_ms),
            color: color_of(ms(gpu.preview_ms)),
        },
    ];
    if ring.disk.state != DiskState::Off {
        let used = of(ring.disk.bytes as f64, ring.disk.budget_bytes as f64);
        let color = if ring.disk.state == DiskState::Recording { style::ACCENT } else { style::AMBER };
        budgets.insert(2, Budget { name: "budget-disk", figures: disk_figures(&ring.disk), share: used, color });
    }
    if snapshot.near.budget_bytes > 0 {
        budgets.push(near_row(&snapshot.near));
    }
    let solve = f64::from(gpu.solve_ms);
    let solved = match (solve > 0.0, gpu.meter_ms > 0.0) {
        (true, true) => say!("solve-meter", solve = format!("{solve:.0}"), meter = format!("{:.0}", gpu.meter_ms)),
        (true, false) => format!("{solve:.0} ms"),
        _ => "-".to_owned(),
    };
    budgets.push(Budget { name: "budget-solve", figures: solved, share: of(solve, 1000.0), color: style::ACCENT });
    budgets.push(Budget { name: "budget-per-camera", figures: costs(snapshot), share: 0.0, color: style::ACCENT });

    if let Some(watts) = snapshot.watts {
        budgets.push(Budget { name: "budget-power", figures: format!("{watts:.0} W"), share: 0.0, color: style::ACCENT });
    }
    let names: Vec<String> = snapshot.exports.iter().map(export_name).collect();
    // The newest that are not over, and else the last one.
    let is_open = |e: &&ExportView| !matches!(e.state, ExportState::Done | ExportState::Cancelled);
    let last = snapshot.exports.last().map(|e| e.number);
    let listed = snapshot.exports.iter().zip(&names).filter(|(e, _)| is_open(e) || Some(e.number) == last);
    let listed: Vec<(&ExportView, &String)> = listed.collect();
    budgets.extend(listed.iter().map(|(export, name)| export_row(export, name)));
    let room = ((inner.height() - 18.0) / LEAST_ROW) as usize;
    if let Some(output) = &snapshot.output {
        budgets.extend(outputs(output, room.saturating_sub(budgets.len())));
    }
    // In a small panel, what can be done without goes first.
    for name in CAN_GO {
        if budgets.len() > room {
            budgets.retain(|budget| budget.name != name);
        }
    }

    let dropped: u64 = snapshot.cameras.iter().map(|c| c.status.dropped).sum();
    let level = &snapshot.level;
    let counts = say!(
        "counts",
        dropped = dropped,
        repeated = snapshot.program.repeated,
        level = word("quality", level.level.label()),
        why = &*notice(current(), &level.why)
    );
    let row = ((inner.height() - 18.0) / budgets.len() as f32).clamp(LEAST_ROW, 34.0);
    for (k, budget) in budgets.iter().enumerate() {
        let top = inner.top() + row * k as f32;
        let rect = Rect::from_min_size(pos2(inner.left(), top), vec2(inner.width(), row));
        let y = top + row * 0.36;
        let figures = ui.painter().text(pos2(rect.right(), y), Align2::RIGHT_CENTER, &budget.figures, style::digits(11.5), style::TEXT);
        let name = Rect::from_min_max(pos2(rect.left(), y - 8.0), pos2((figures.left() - 6.0).max(rect.left()), y + 8.0));
        widgets::line(ui, name, find(budget.name), style::text(11.5), style::DIM);
        let bar = Rect::from_min_size(pos2(rect.left(), top + row * 0.72), vec2(rect.width(), (row * 0.18).clamp(3.0, 6.0)));
        widgets::fill_bar(ui, bar, budget.share, budget.color);
        let export = listed.iter().find(|(_, name)| name.as_str() == budget.name).map(|(export, _)| *export);
        let sense = if export.is_some() { egui::Sense::click() } else { egui::Sense::hover() };
        let response = ui.interact(rect, ui.scope_id().with(budget.name), sense);
        if let Some(export) = export {
            let order = if response.secondary_clicked() {
                Some(ExportOrder::Cancel)
            } else if matches!(export.state, ExportState::Waiting | ExportState::Running) {
                response.clicked().then_some(ExportOrder::Hold)
            } else {
                response.clicked().then_some(ExportOrder::Resume)
            };
            out.extend(order.map(|order| Command::EditExports(order, export.number)));
        }
        let response = if export.is_some() { response.on_hover_text(t("export-tip")) } else { response };
        response.widget_info(|| WidgetInfo::labeled(Role::ProgressIndicator, true, format!("{} {}", find(budget.name), budget.figures)));
    }
    let foot = Rect::from_min_max(pos2(inner.left(), inner.bottom() - 15.0), inner.max);
    let color = if dropped + snapshot.program.repeated > 0 { style::AMBER } else { style::DIM };
    widgets::line(ui, foot, &counts, style::text(11.5), color);
}

/// What is decoded about the playhead: on the GPU where it keeps some, else in memory; and how far it reaches to both sides.
fn near_row(near: &NearView) -> Budget<'static> {
    let (part, all) = if near.gpu_budget_bytes > 0 { (near.gpu_bytes, near.gpu_budget_bytes) } else { (near.bytes, near.budget_bytes) };
    // The bar shows of how much: the row is too narrow for both.
    let (part_text, before, after) = (widgets::bytes(part), format!("{:.1}", near.before_secs), format!("{:.1}", near.after_secs));
    let figures = match (part, near.gpu_budget_bytes) {
        (0, _) => "–".to_owned(),
        (_, 0) => say!("near-in-memory", part = part_text, before = before, after = after),
        _ => say!("near-on-gpu", part = part_text, before = before, after = after),
    };
    Budget { name: "budget-near", figures, share: (part as f64 / all.max(1) as f64) as f32, color: style::ACCENT }
}

/// What is on disk, and how long the room lasts.
fn disk_figures(disk: &DiskTier) -> String {
    let room = match (disk.state, disk.secs_left) {
        (DiskState::Failed, _) => return t("not-recorded").to_owned(),
        (DiskState::Paused, _) => t("paused").to_owned(),
        (_, Some(secs)) if secs >= 5400.0 => say!("hours-left", hours = format!("{:.0}", secs / 3600.0)),
        (_, Some(secs)) if secs >= 60.0 => say!("minutes-left", minutes = format!("{:.0}", secs / 60.0)),
        (_, Some(_)) => t("oldest-replaced").to_owned(),
        (_, None) => String::new(),
    };
    say!("disk-figures", part = widgets::bytes(disk.bytes), all = widgets::bytes(disk.budget_bytes), room = room)
}

/// The output, and a row for each of its sinks; where there is no room for that, one for all of them.
fn outputs(output: &ProgramStatus, rows: usize) -> Vec<Budget<'_>> {
    let channel = &output.channel;
    let latency = channel.latency_nanos.map_or_else(String::new, |nanos| format!("   {:.0} ms", nanos as f64 * 1e-6));
    let lost = channel.underruns + channel.skipped;
    let late = if lost > 0 { say!("late-count", count = lost) } else { String::new() };
    let first = Budget {
        name: "budget-output",
        figures: format!("{}{latency}{late}", channel.timecode),
        share: 1.0,
        color: if channel.skipped > 0 || channel.slates == channel.frames { style::AMBER } else { style::ACCENT },
    };
    let sound = sound_row(&output.sound);
    let rows = rows.saturating_sub(usize::from(sound.is_some()));
    let first: Vec<Budget<'_>> = std::iter::once(first).chain(sound).collect();
    if output.sinks.len() + 1 > rows.max(2) {
        let (all, good) = (output.sinks.len(), output.sinks.iter().filter(|s| s.state == SinkState::Running).count());
        let (figures, color) = sinks(output);
        let all = Budget { name: "budget-sinks", figures, share: good as f32 / all as f32, color };
        return first.into_iter().chain([all]).collect();
    }
    let rows = output.sinks.iter().map(|sink| {
        let good = sink.state == SinkState::Running;
        let lost = sink.dropped + sink.missed;
        let figures = say!(
            "sink-figures",
            state = word("sink", sink.state.word()),
            rate = format!("{:.1}", sink.bits_per_sec as f64 * 1e-6),
            lost = lost
        );
        let color = if good { style::ACCENT } else { style::AMBER };
        Budget { name: &sink.name, figures, share: f32::from(u8::from(good)), color }
    });
    first.into_iter().chain(rows).collect()
}

/// All sinks of an output in a few words, and the colour for that.
pub(super) fn sinks(output: &ProgramStatus) -> (String, Color32) {
    let away: Vec<&str> = output.sinks.iter().filter(|s| s.state != SinkState::Running).map(|s| s.name.as_str()).collect();
    let all = output.sinks.len();
    match away.len() {
        0 => (say!("sinks-running", count = all), style::ACCENT),
        gone => (say!("sinks-away", good = all - gone, all = all, away = away.join(", ")), style::AMBER),
    }
}

/// How loud program is: the bar is the short-term loudness from −59 LUFS up, green about −23, amber where it peaks.
fn sound_row(sound: &SoundStatus) -> Option<Budget<'static>> {
    if sound.input.is_empty() {
        return None;
    }
    let loud = &sound.loudness;
    let one = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |v| format!("{v:.1}"));
    let late = if sound.underruns > 0 { say!("late-count", count = sound.underruns) } else { String::new() };
    let freeze = word("freeze", sound.freeze.name());
    let figures = format!("{} / {} / {} LUFS   {freeze}{late}", one(loud.momentary), one(loud.short_term), one(loud.integrated));
    let share = loud.short_term.map_or(0.0, |s| ((s + 59.0) / 59.0) as f32);
    let bad = sound.problem.is_some() || loud.true_peak_db.is_some_and(|p| p > -1.0);
    Some(Budget { name: "budget-sound", figures, share, color: if bad { style::AMBER } else { style::ACCENT } })
}

/// The file's name with its number in the list.
fn export_name(export: &ExportView) -> String {
    let name = std::path::Path::new(&export.path).file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    format!("{}  {name}", export.number)
}

fn export_row<'a>(export: &ExportView, name: &'a str) -> Budget<'a> {
    let state = word("export", export.state.name());
    let figures = match export.state {
        ExportState::Running | ExportState::Held => format!("{state}   {:.0} %", export.progress * 100.0),
        _ => state.into_owned(),
    };
    let color = if export.state == ExportState::Failed { style::AMBER } else { style::ACCENT };
    Budget { name, figures, share: export.progress, color }
}

/// What a camera has cost at each level.
fn costs(snapshot: &Snapshot) -> String {
    let known = |c: &LevelCost| c.solve_secs_per_camera.map(|secs| format!("{} {:.0} ms", word("quality", c.level.label()), secs * 1e3));
    let known: Vec<String> = snapshot.level.costs.iter().filter_map(known).collect();
    if known.is_empty() { "-".to_owned() } else { known.join(", ") }
}

fn adapter(snapshot: &Snapshot) -> String {
    match (&snapshot.gpu.problem, snapshot.gpu.adapter.is_empty()) {
        (Some(_), _) => t("no-gpu").to_owned(),
        (None, true) => t("gpu-warms").to_owned(),
        (None, false) => snapshot.gpu.adapter.clone(),
    }
}
