//! The path editor: presets and the path's own buttons above, the plan of the rig with the path on it left, one channel over time with its
//! key frames right, the chosen key frame's controls below.

mod graph;
mod plan;

use egui::{Align2, Rect, Ui, pos2, vec2};

use super::lang::{command, say, t};
use super::{ConsoleState, Field, event_fields, style, widgets};
use crate::{
    engine::{Command, CommandKind, PathsView, Snapshot},
    replay::path::{Easing, Path, PathChannel, PathEdit, Preset},
};

/// What a finger can hit, points.
const ROW: f32 = 28.0;
const GAP: f32 = 4.0;

/// What the editor remembers between frames.
#[derive(Debug, Clone, Default)]
pub(super) struct EditorState {
    /// Whether it is open.
    pub open: bool,
    /// The channel in the graph, by its place in [`PathChannel::ALL`].
    channel: usize,
    /// The key frame whose controls are shown.
    key: Option<usize>,
    /// The name that is being typed.
    naming: Option<String>,
}

impl EditorState {
    fn channel(&self) -> PathChannel {
        PathChannel::ALL.get(self.channel).copied().unwrap_or(PathChannel::Position)
    }
}

fn look(on: bool) -> widgets::ButtonLook {
    let (fill, color) = if on { (style::ACCENT, style::ON_COLOR) } else { (style::RAISED, style::TEXT) };
    widgets::ButtonLook { fill, color, size: 12.0, on: false }
}

/// Cells of a line, all alike.
fn cells(line: Rect, count: usize) -> impl Iterator<Item = Rect> {
    let width = (line.width() - GAP * count.saturating_sub(1) as f32) / count.max(1) as f32;
    (0..count).map(move |k| Rect::from_min_size(pos2(line.left() + (width + GAP) * k as f32, line.top()), vec2(width, line.height())))
}

/// What a preset is called on its button.
fn preset_name(preset: Preset) -> &'static str {
    match preset {
        Preset::FreezeOrbit => t("preset-freeze-orbit"),
        Preset::Bounce => t("preset-bounce"),
        Preset::Whip => t("preset-whip"),
        Preset::Loop => t("preset-360-loop"),
        Preset::RollThrough => t("preset-roll-through"),
        Preset::Slow => t("preset-slow"),
        Preset::JumpFreeze => t("preset-jump--freeze"),
        Preset::PunchIn => t("preset-punch-in"),
        Preset::SlowOrbit => t("preset-slow-orbit"),
    }
}

/// A value with its unit.
fn value_text(channel: PathChannel, value: f64) -> String {
    match channel {
        PathChannel::Position => format!("{:.2}", value + 1.0),
        PathChannel::Instant => format!("{value:+.2} s"),
        PathChannel::Zoom => format!("{value:.2}x"),
        PathChannel::Height | PathChannel::Dolly => format!("{value:+.2} m"),
        PathChannel::Roll => format!("{value:+.0}°"),
    }
}

const fn step_of(channel: PathChannel) -> f64 {
    match channel {
        PathChannel::Position => 0.25,
        PathChannel::Instant => 0.04,
        PathChannel::Zoom | PathChannel::Height | PathChannel::Dolly => 0.1,
        PathChannel::Roll => 5.0,
    }
}

fn channel_name(channel: PathChannel) -> &'static str {
    match channel {
        PathChannel::Position => t("channel-where"),
        PathChannel::Instant => t("channel-when"),
        PathChannel::Zoom => t("channel-zoom"),
        PathChannel::Height => t("channel-height"),
        PathChannel::Dolly => t("channel-dolly"),
        PathChannel::Roll => t("channel-roll"),
    }
}

fn ease_name(ease: Easing) -> &'static str {
    match ease {
        Easing::EaseInOut => t("ease-in-and-out"),
        Easing::Linear => t("ease-even"),
        Easing::EaseIn => t("ease-starts-gently"),
        Easing::EaseOut => t("ease-stops-gently"),
        Easing::Smooth => t("ease-runs-through"),
    }
}

/// Draws the panel.
pub(super) fn show(ui: &mut Ui, snapshot: &Snapshot, state: &mut ConsoleState, out: &mut Vec<Command>) {
    let paths = &snapshot.paths;
    let note = match (&paths.path, paths.chosen, &paths.problem) {
        (Some(_), _, Some(problem)) => problem.clone(),
        (Some(path), Some(k), None) => {
            say!("path-note", name = &path.name, number = k + 1, all = paths.names.len(), secs = format!("{:.1}", path.duration_secs))
        }
        _ => String::new(),
    };
    let inner = widgets::panel(ui, t("panel-path"), &note);
    let line = |k: usize| Rect::from_min_size(inner.min + vec2(0.0, (ROW + GAP) * k as f32), vec2(inner.width(), ROW));
    presets(ui, line(0), snapshot, out);
    let body = Rect::from_min_max(pos2(inner.left(), line(1).top()), inner.max);
    let Some(path) = &paths.path else {
        return widgets::empty_state(ui, body, t("no-path"), t("no-path-remedy"));
    };
    if state.editor.naming.is_some() {
        naming(ui, line(1), &path.name, state, out);
    } else {
        whole(ui, line(1), path, snapshot, state, out);
    }
    let rest = Rect::from_min_max(pos2(inner.left(), line(2).top()), inner.max);
    let plan_width = rest.height().min(rest.width() * 0.4);
    let plan = Rect::from_min_size(rest.min, vec2(plan_width, rest.height()));
    let right = Rect::from_min_max(pos2(plan.right() + 2.0 * GAP, rest.top()), rest.max);
    plan::show(ui, plan, snapshot, path, &mut state.editor, out);
    let tabs = Rect::from_min_size(right.min, vec2((right.width() * 0.12).clamp(62.0, 96.0), right.height()));
    channels(ui, tabs, &mut state.editor);
    let keys = Rect::from_min_max(pos2(tabs.right() + GAP, right.bottom() - ROW), right.max);
    let room = Rect::from_min_max(pos2(tabs.right() + GAP, right.top()), pos2(right.right(), keys.top() - GAP));
    graph::show(ui, room, snapshot, path, &mut state.editor, out);
    key_controls(ui, keys, path, &mut state.editor, out);
}

fn presets(ui: &mut Ui, line: Rect, snapshot: &Snapshot, out: &mut Vec<Command>) {
    for (preset, cell) in Preset::ALL.into_iter().zip(cells(line, Preset::ALL.len())) {
        let fits = preset != Preset::Loop || snapshot.closed;
        let response = widgets::big_button(ui, cell, preset_name(preset), "", fits, look(false));
        let why = if fits { "" } else { t("ring-only") };
        if response.on_hover_text(format!("{}: {}{why}", command(CommandKind::NewPath).tooltip, preset.name())).clicked() {
            out.push(Command::NewPath(preset));
        }
    }
}

/// The name that is being typed: Enter keeps it, Escape or a click elsewhere leaves it.
fn naming(ui: &mut Ui, line: Rect, was: &str, state: &mut ConsoleState, out: &mut Vec<Command>) {
    let Some(mut name) = state.editor.naming.take() else { return };
    let response = event_fields::text_field(ui, line, t("path-name"), &say!("path-name-hint", name = was), &mut name);
    let asked = state.focus == Some(Field::Path);
    if asked {
        state.focus = None;
        response.request_focus();
    }
    if response.lost_focus() {
        if ui.input(|i| i.key_pressed(egui::Key::Enter)) && !name.trim().is_empty() {
            out.push(Command::EditPath(PathEdit::Name(name.trim().to_owned())));
        }
    } else if asked || response.has_focus() {
        state.editor.naming = Some(name);
    }
}

/// What concerns the whole path.
fn whole(ui: &mut Ui, line: Rect, path: &Path, snapshot: &Snapshot, state: &mut ConsoleState, out: &mut Vec<Command>) {
    let mut edit = |edit| out.push(Command::EditPath(edit));
    let several = snapshot.paths.names.len() > 1;
    for (k, cell) in cells(line, 8).enumerate() {
        match k {
            0 => {
                if widgets::big_button(ui, cell, t("next-path"), "", several, look(false))
                    .on_hover_text(tip(CommandKind::NextPath))
                    .clicked()
                {
                    state.editor.key = None;
                    out.push(Command::NextPath);
                    return;
                }
            }
            1 => {
                if widgets::big_button(ui, cell, t("name"), "", true, look(false)).on_hover_text(t("name-tip")).clicked() {
                    state.editor.naming = Some(String::new());
                    state.focus = Some(Field::Path);
                }
            }
            2 | 4 => {
                let (label, hint, by) = if k == 2 { (t("shorter"), t("shorter-tip"), -0.5) } else { (t("longer"), t("longer-tip"), 0.5) };
                let clear = widgets::ButtonLook { color: egui::Color32::TRANSPARENT, ..look(false) };
                let response = widgets::big_button(ui, cell, label, "", true, clear);
                ui.painter().text(cell.center(), Align2::CENTER_CENTER, if k == 2 { "-" } else { "+" }, style::text(15.0), style::TEXT);
                if response.on_hover_text(hint).clicked() {
                    edit(PathEdit::Length(path.duration_secs + by));
                }
            }
            3 => {
                ui.painter().text(
                    cell.center(),
                    Align2::CENTER_CENTER,
                    format!("{:.1} s", path.duration_secs),
                    style::digits(13.0),
                    style::AMBER,
                );
            }
            5 => {
                let response = widgets::big_button(ui, cell, t("loop-path"), "", snapshot.closed || path.looped, look(path.looped));
                if response.on_hover_text(t("loop-path-tip")).clicked() {
                    edit(PathEdit::Looped(!path.looped));
                }
            }
            6 => {
                let response = widgets::big_button(ui, cell, t("steady"), "", true, look(path.stabilize));
                if response.on_hover_text(t("steady-tip")).clicked() {
                    edit(PathEdit::Stabilize(!path.stabilize));
                }
            }
            _ => {
                let response = widgets::big_button(ui, cell, t("remove-path"), "", true, look(false));
                if response.on_hover_text(t("remove-path-tip")).clicked() {
                    state.editor.key = None;
                    edit(PathEdit::Remove);
                }
            }
        }
    }
}

fn tip(kind: CommandKind) -> String {
    let info = command(kind);
    format!("{}. {}", info.shortcut, info.tooltip)
}

/// The channel that the graph shows.
fn channels(ui: &mut Ui, column: Rect, editor: &mut EditorState) {
    let count = PathChannel::ALL.len() as f32;
    let height = ((column.height() - GAP * (count - 1.0)) / count).min(ROW + 8.0);
    for (k, channel) in PathChannel::ALL.into_iter().enumerate() {
        let top = column.top() + (height + GAP) * k as f32;
        let rect = Rect::from_min_size(pos2(column.left(), top), vec2(column.width(), height));
        let response = widgets::big_button(ui, rect, channel_name(channel), "", true, look(editor.channel == k));
        if response.clicked() {
            editor.channel = k;
        }
    }
}

/// The chosen key frame: its value, time and easing.
fn key_controls(ui: &mut Ui, line: Rect, path: &Path, editor: &mut EditorState, out: &mut Vec<Command>) {
    let chosen = editor.key.filter(|k| *k < path.keys.len());
    let channel = editor.channel();
    let mut edit = |edit| out.push(Command::EditPath(edit));
    let Some((k, key)) = chosen.map(|k| (k, &path.keys[k])) else {
        editor.key = None;
        let hint = t("path-hint");
        return widgets::line(ui, line, hint, style::text(11.5), style::DIM);
    };
    let value = channel.of(key);
    let all: [(&str, &str, bool, Option<PathEdit>); 6] = [
        (t("key-earlier"), t("key-earlier-tip"), true, Some(PathEdit::At(k, key.at_secs - 0.1))),
        (t("key-later"), t("key-later-tip"), true, Some(PathEdit::At(k, key.at_secs + 0.1))),
        (t("key-lower"), t("key-lower-tip"), true, Some(PathEdit::Set(k, channel, value - step_of(channel)))),
        (t("key-higher"), t("key-higher-tip"), true, Some(PathEdit::Set(k, channel, value + step_of(channel)))),
        (ease_name(key.ease), t("ease-tip"), k + 1 < path.keys.len(), Some(PathEdit::Ease(k, key.ease.next()))),
        (t("key-out"), t("key-out-tip"), path.keys.len() > 1, Some(PathEdit::RemoveKey(k))),
    ];
    let mut cells = cells(line, 8);
    for (n, (label, hint, enabled, asked)) in all.into_iter().enumerate() {
        // The figure stands after the two pairs that change it.
        if (n == 2 || n == 4)
            && let Some(cell) = cells.next()
        {
            let text = if n == 2 { format!("{:.2} s", key.at_secs) } else { value_text(channel, value) };
            ui.painter().text(cell.center(), Align2::CENTER_CENTER, text, style::digits(12.5), style::AMBER);
        }
        let Some(cell) = cells.next() else { return };
        let drawn = if n < 4 { widgets::ButtonLook { color: egui::Color32::TRANSPARENT, ..look(false) } } else { look(false) };
        let response = widgets::big_button(ui, cell, label, "", enabled, drawn);
        if n < 4 {
            arrow(ui, cell, n);
        }
        if response.on_hover_text(hint).clicked()
            && let Some(asked) = asked
        {
            if matches!(asked, PathEdit::RemoveKey(_)) {
                editor.key = None;
            }
            edit(asked);
        }
    }
}

/// Earlier, later, lower, higher.
fn arrow(ui: &Ui, cell: Rect, which: usize) {
    let toward = [vec2(-1.0, 0.0), vec2(1.0, 0.0), vec2(0.0, 1.0), vec2(0.0, -1.0)][which];
    let (c, side) = (cell.center(), toward.rot90());
    let points = vec![c + toward * 5.0, c - toward * 4.0 + side * 5.0, c - toward * 4.0 - side * 5.0];
    ui.painter().add(egui::Shape::convex_polygon(points, style::TEXT, egui::Stroke::NONE));
}

/// A key frame: a diamond, filled when it is chosen.
fn diamond(ui: &Ui, at: egui::Pos2, chosen: bool, hovered: bool) {
    let r = if hovered { 8.0 } else { 6.5 };
    let points = vec![at + vec2(0.0, -r), at + vec2(r, 0.0), at + vec2(0.0, r), at + vec2(-r, 0.0)];
    let fill = if chosen { style::AMBER } else { style::PANEL };
    ui.painter().add(egui::Shape::convex_polygon(points, fill, egui::Stroke::new(2.0, style::AMBER)));
}

/// The drawn point at a time.
fn at_time(paths: &PathsView, secs: f64) -> Option<&crate::engine::PathPoint> {
    paths.points.iter().min_by(|a, b| (a.at_secs - secs).abs().total_cmp(&(b.at_secs - secs).abs()))
}
