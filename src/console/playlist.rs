//! The playlist: what is shown after what. A click chooses an element, a drag moves it; the chosen one's controls stand below.

use egui::{Align2, Color32, Rect, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::lang::{say, t, word};
use super::{ConsoleState, Field, event_fields, style, widgets};
use crate::{
    engine::{Command, CommandKind, ElementView, Snapshot},
    replay::playlist::{PlaylistEdit, Towards, Transition},
    time::{FrameRate, MediaTime, Timecode},
};

/// What a finger can hit, points.
const ROW: f32 = 28.0;
const BUTTONS: f32 = 28.0;
const CONTROLS: f32 = 30.0;
/// Rows that are wider than this have room for the timecode at which they start, points.
const WIDE: f32 = 380.0;
/// Dissolves to choose from, seconds; 0 is a cut.
const STEPS: [Transition; 6] = [
    Transition::Cut,
    Transition::Dissolve { secs: 0.3 },
    Transition::Dissolve { secs: 0.5 },
    Transition::Dissolve { secs: 1.0 },
    Transition::Wipe { secs: 0.5, towards: Towards::Right },
    Transition::Wipe { secs: 0.5, towards: Towards::Left },
];
const SPEEDS: [i32; 11] = [-100, -50, -33, -25, 10, 25, 33, 50, 75, 100, 200];

fn look(on: bool) -> widgets::ButtonLook {
    let (fill, color) = if on { (style::ACCENT, style::ON_COLOR) } else { (style::RAISED, style::TEXT) };
    widgets::ButtonLook { fill, color, size: 11.5, on: false }
}

/// Cells of a line by their shares of it.
fn cells<const N: usize>(line: Rect, shares: [f32; N]) -> [Rect; N] {
    let gap = 3.0;
    let whole: f32 = shares.iter().sum();
    let width = line.width() - gap * (N as f32 - 1.0);
    let mut left = line.left();
    shares.map(|share| {
        let cell = Rect::from_min_size(pos2(left, line.top()), vec2(width * share / whole, line.height()));
        left = cell.right() + gap;
        cell
    })
}

/// Minutes and seconds.
fn clock(secs: f64) -> String {
    let tenths = (secs.max(0.0) * 10.0).round() as u64;
    format!("{}:{:02}.{}", tenths / 600, tenths / 10 % 60, tenths % 10)
}

/// An instant as the timecode of the nearest frame.
fn timecode(at: MediaTime, rate: FrameRate) -> String {
    // A label begins with its frame: what comes next half a frame earlier is the nearest.
    let of_day = at.plus_nanos(-rate.interval_nanos() / 2).nanos().max(0).rem_euclid(86_400_000_000_000).unsigned_abs();
    Timecode::of_frame(Timecode::frame_at(of_day, rate), rate).to_string()
}

/// Draws the panel.
pub fn show(ui: &mut Ui, snapshot: &Snapshot, state: &mut ConsoleState, out: &mut Vec<Command>) {
    let list = &snapshot.playlist;
    let note = match (list.elements.len(), list.elapsed_secs) {
        (0, _) => String::new(),
        (n, None) => say!("elements", count = n, time = clock(list.total_secs)),
        (_, Some(secs)) => {
            let turn = if list.looped && list.total_secs > 0.0 { secs % list.total_secs } else { secs };
            let holds = if list.holds { t("holds") } else { "" };
            say!("list-progress", holds = holds, time = clock(turn), all = clock(list.total_secs))
        }
    };
    let inner = widgets::panel(ui, t("panel-playlist"), &note);
    let top = Rect::from_min_size(inner.min, vec2(inner.width(), BUTTONS));
    if state.naming.is_some() {
        naming(ui, top, state, out);
    } else {
        buttons(ui, top, snapshot, out);
    }
    let chosen = list.elements.iter().position(|e| Some(e.id) == state.chosen_element);
    let bottom = chosen.map_or(inner.bottom(), |k| {
        let line = Rect::from_min_max(pos2(inner.left(), inner.bottom() - CONTROLS), inner.max);
        controls(ui, line, (&list.elements[k], k), &snapshot.stingers_secs, out);
        line.top() - 3.0
    });
    let room = Rect::from_min_max(pos2(inner.left(), top.bottom() + 4.0), pos2(inner.right(), bottom));
    if list.elements.is_empty() {
        let template = say!("playlist-remedy", template = &list.template);
        return widgets::empty_state(ui, room, t("playlist-empty"), &template);
    }
    ui.scope_builder(egui::UiBuilder::new().max_rect(room), |ui| {
        ui.set_clip_rect(room.intersect(ui.clip_rect()));
        egui::ScrollArea::vertical().auto_shrink([false, false]).show_rows(ui, ROW, list.elements.len(), |ui, rows| {
            ui.spacing_mut().item_spacing.y = 0.0;
            for k in rows {
                if let Some(element) = list.elements.get(k) {
                    row(ui, element, (k, list.elements.len()), snapshot.rate, state, out);
                }
            }
        });
    });
}

/// The name of a template that is being made: Enter keeps it, Escape or a click elsewhere leaves it.
fn naming(ui: &mut Ui, line: Rect, state: &mut ConsoleState, out: &mut Vec<Command>) {
    let Some(mut name) = state.naming.take() else { return };
    let response = event_fields::text_field(ui, line, t("template-name"), t("template-name-hint"), &mut name);
    let asked = state.focus == Some(Field::Template);
    if asked {
        state.focus = None;
        response.request_focus();
    }
    if response.lost_focus() {
        if ui.input(|i| i.key_pressed(egui::Key::Enter)) && !name.trim().is_empty() {
            out.push(Command::SaveTemplate(name.trim().to_owned()));
        }
    } else if asked || response.has_focus() {
        state.naming = Some(name);
    }
}

fn buttons(ui: &mut Ui, line: Rect, snapshot: &Snapshot, out: &mut Vec<Command>) {
    let list = &snapshot.playlist;
    let [add, play, next, again, template, save] = cells(line, [0.9, 1.75, 1.05, 1.05, 1.85, 1.0]);
    let prepared = snapshot.preview.as_ref().is_some_and(|p| p.event.is_some());
    let on_air = list.elapsed_secs.is_some();
    if widgets::command_button(ui, add, CommandKind::AddElement, prepared, look(false)).clicked() {
        out.push(Command::AddElement);
    }
    let fill = widgets::ButtonLook { fill: style::PROGRAM, color: style::ON_COLOR, on: on_air, ..look(false) };
    if widgets::command_button(ui, play, CommandKind::PlayList, !list.elements.is_empty(), fill).clicked() {
        out.push(Command::PlayList);
    }
    if widgets::command_button(ui, next, CommandKind::NextElement, on_air, look(list.holds)).clicked() {
        out.push(Command::NextElement);
    }
    let response = widgets::big_button(ui, again, t("loop"), "", true, look(list.looped));
    if response.on_hover_text(t("loop-tip")).clicked() {
        out.push(Command::EditPlaylist(PlaylistEdit::Loop(!list.looped)));
    }
    let response = widgets::command_button(ui, template, CommandKind::ApplyTemplate, prepared, look(false));
    let hint = say!("template-tip", template = &list.template);
    if response.secondary_clicked() {
        out.push(Command::NextTemplate);
    }
    if response.on_hover_text(hint).clicked() {
        out.push(Command::ApplyTemplate);
    }
    if widgets::command_button(ui, save, CommandKind::SaveTemplate, !list.elements.is_empty(), look(false)).clicked() {
        out.push(Command::SaveTemplate(String::new()));
    }
}

fn row(ui: &mut Ui, element: &ElementView, (k, count): (usize, usize), rate: FrameRate, state: &mut ConsoleState, out: &mut Vec<Command>) {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::click_and_drag());
    let rect = rect.shrink2(vec2(0.0, 1.0));
    let is_chosen = state.chosen_element == Some(element.id);
    let name = say!("element", number = k + 1, event = &element.event, what = word("move", &element.what));
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, is_chosen, &name));
    let fill = match () {
        () if element.on_air => style::PROGRAM.gamma_multiply(0.55),
        () if is_chosen => style::ACCENT.gamma_multiply(0.45),
        () if response.hovered() || response.dragged() => style::LINE,
        () => style::RAISED,
    };
    ui.painter().rect_filled(rect, 3.0, fill);
    let y = rect.center().y;
    let mut x = rect.left() + 6.0;
    ui.painter().text(pos2(x, y), Align2::LEFT_CENTER, (k + 1).to_string(), style::digits(11.0), style::DIM);
    x += 18.0;
    // A dissolve: two pictures that cross; a wipe: an edge between them; a stinger: something before both.
    let (c, up, across) = (pos2(x + 4.0, y), vec2(4.0, -4.0), vec2(4.0, 4.0));
    let how = if k == 0 { Transition::Cut } else { element.transition };
    let strokes: &[(egui::Vec2, egui::Vec2)] = match how {
        Transition::Cut => &[],
        Transition::Dissolve { .. } => &[(-up, up), (-across, across)],
        Transition::Wipe { .. } => &[(vec2(0.0, -5.0), vec2(0.0, 5.0)), (vec2(-4.0, 0.0), vec2(4.0, 0.0))],
        Transition::Stinger { .. } => &[
            (vec2(0.0, -5.0), vec2(5.0, 0.0)),
            (vec2(5.0, 0.0), vec2(0.0, 5.0)),
            (vec2(0.0, 5.0), vec2(-5.0, 0.0)),
            (vec2(-5.0, 0.0), vec2(0.0, -5.0)),
        ],
    };
    for (from, to) in strokes {
        ui.painter().line_segment([c + *from, c + *to], Stroke::new(1.2, style::ACCENT));
    }
    x += 14.0;
    let mut right = rect.right() - 30.0;
    right = ui.painter().text(pos2(right, y), Align2::RIGHT_CENTER, clock(element.secs), style::digits(11.5), style::TEXT).left() - 8.0;
    // The list's own timecode begins at nought.
    let starts = timecode(MediaTime::from_secs_f64(element.starts_secs), rate);
    if rect.width() > WIDE {
        right = ui.painter().text(pos2(right, y), Align2::RIGHT_CENTER, &starts, style::digits(11.5), style::DIM).left() - 8.0;
    }
    if element.hold {
        right = ui.painter().text(pos2(right, y), Align2::RIGHT_CENTER, t("hold-short"), style::text(11.0), style::AMBER).left() - 8.0;
    }
    if element.rolls {
        let speed = speed_words(element);
        right = ui.painter().text(pos2(right, y), Align2::RIGHT_CENTER, speed, style::text(11.5), style::TEXT).left() - 8.0;
    }
    let words = format!("{}  {}  {}", element.event, word("move", &element.what), element.camera);
    widgets::line(ui, Rect::from_min_max(pos2(x, rect.top()), pos2(right, rect.bottom())), &words, style::text(12.5), style::TEXT);
    if response.clicked() {
        state.chosen_element = if is_chosen { None } else { Some(element.id) };
    }
    if response.drag_stopped()
        && let Some(at) = response.interact_pointer_pos()
    {
        let to = (k as f32 + ((at.y - y) / ROW).round()).clamp(0.0, count.saturating_sub(1) as f32) as usize;
        if to != k {
            out.push(Command::EditPlaylist(PlaylistEdit::Place(element.id, to)));
        }
    }
    let began = if k > 0 && element.transition.secs() > 0.0 {
        say!("begins-with", how = transition_words(element.transition))
    } else {
        t("begins-cut").to_owned()
    };
    let hold = if element.hold { t("stands-until") } else { "" };
    let of = timecode(element.from, rate);
    response.on_hover_text(say!("element-tip", words = words, began = began, hold = hold, starts = starts, of = of));

    let cross = Rect::from_center_size(pos2(rect.right() - 14.0, y), vec2(28.0, ROW));
    let response = ui.interact(cross, ui.scope_id().with(("take out", element.id.0)), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, say!("take-out", number = k + 1)));
    let color = if response.hovered() { style::TEXT } else { style::DIM };
    for d in [vec2(4.0, 4.0), vec2(4.0, -4.0)] {
        ui.painter().line_segment([cross.center() - d, cross.center() + d], Stroke::new(1.5, color));
    }
    if response.clicked() {
        out.push(Command::EditPlaylist(PlaylistEdit::Remove(element.id)));
    }
    response.on_hover_text(t("take-out-tip"));
}

/// How fast it runs, and at its end where that is another speed.
fn speed_words(element: &ElementView) -> String {
    match element.ramp_percent.filter(|end| *end != element.speed_percent) {
        Some(end) => format!("{} > {end} %", element.speed_percent),
        None => format!("{} %", element.speed_percent),
    }
}

/// What a transition is called.
pub(super) fn transition_words(how: Transition) -> String {
    let secs = format!("{:.1}", how.secs());
    match how {
        Transition::Cut => t("cut").to_owned(),
        Transition::Dissolve { .. } => say!("dissolve", secs = secs),
        Transition::Wipe { towards, .. } => say!("wipe", towards = word("towards", towards.name()), secs = secs),
        Transition::Stinger { number, .. } => say!("stinger", number = number),
    }
}

/// The next one of those that are stepped through, or the one before.
fn step_transition(now: Transition, stingers_secs: &[f64], back: bool) -> Transition {
    let there = stingers_secs.iter().enumerate().filter(|(_, secs)| **secs > 0.0);
    let stingers = there.map(|(k, secs)| Transition::Stinger { secs: *secs, number: k as u8 + 1 }.tidied());
    let all: Vec<Transition> = STEPS.into_iter().chain(stingers).collect();
    // One that is none of them comes after the last shorter one of its kind.
    let is_same = |t: &Transition| std::mem::discriminant(t) == std::mem::discriminant(&now) && t.secs() <= now.secs() + 1e-6;
    let at = all.iter().position(|t| *t == now).or_else(|| all.iter().rposition(is_same)).unwrap_or(0);
    all[(at + if back { all.len() - 1 } else { 1 }) % all.len()]
}

/// The controls of the chosen element.
fn controls(ui: &mut Ui, line: Rect, (element, k): (&ElementView, usize), stingers_secs: &[f64], out: &mut Vec<Command>) {
    let [slower, speed, faster, transition, hold, up, down] = cells(line, [0.8, 1.7, 0.8, 2.2, 1.3, 0.9, 0.9]);
    let id = element.id;
    let mut edit = |edit| out.push(Command::EditPlaylist(edit));
    let stepped = |now: i32, by: i32| {
        if by > 0 { SPEEDS.into_iter().find(|s| *s > now) } else { SPEEDS.into_iter().rev().find(|s| *s < now) }.unwrap_or(now)
    };
    let step = |by: i32| stepped(element.speed_percent, by);
    // Time never turns round on its way: the end goes on in the direction of the beginning.
    let ramp = |end: i32, by: i32| {
        let to = stepped(end, by);
        PlaylistEdit::Ramp(id, (to != element.speed_percent && to.signum() == element.speed_percent.signum()).then_some(to))
    };
    let small = widgets::ButtonLook { size: 13.0, ..look(false) };
    let response = widgets::big_button(ui, slower, "-", "", element.rolls, small).on_hover_text(t("slower"));
    if let (true, Some(end)) = (response.secondary_clicked(), element.ramp_percent) {
        edit(ramp(end, -1));
    }
    if response.clicked() {
        edit(PlaylistEdit::Speed(id, step(-1)));
    }
    let color = if element.rolls { style::AMBER } else { Color32::TRANSPARENT };
    ui.painter().text(speed.center(), Align2::CENTER_CENTER, speed_words(element), style::text(11.5), color);
    let response = widgets::big_button(ui, faster, "+", "", element.rolls, small).on_hover_text(t("faster"));
    if let (true, Some(end)) = (response.secondary_clicked(), element.ramp_percent) {
        edit(ramp(end, 1));
    }
    if response.clicked() {
        edit(PlaylistEdit::Speed(id, step(1)));
    }
    let response =
        widgets::big_button(ui, transition, &transition_words(element.transition), "", k > 0, look(element.transition.secs() > 0.0));
    let back = response.secondary_clicked() && k > 0;
    if response.on_hover_text(t("transition-tip")).clicked() || back {
        edit(PlaylistEdit::Transition(id, step_transition(element.transition, stingers_secs, back)));
    }
    if widgets::big_button(ui, hold, t("hold"), "", true, look(element.hold)).on_hover_text(t("hold-tip")).clicked() {
        edit(PlaylistEdit::Hold(id, !element.hold));
    }
    for (rect, label, up) in [(up, t("earlier"), true), (down, t("later"), false)] {
        let response = widgets::big_button(ui, rect, label, "", true, widgets::ButtonLook { color: Color32::TRANSPARENT, ..look(false) });
        let (c, d) = (rect.center(), if up { -4.0 } else { 4.0 });
        let points = vec![c + vec2(0.0, d), c + vec2(5.0, -d * 0.6), c + vec2(-5.0, -d * 0.6)];
        ui.painter().add(egui::Shape::convex_polygon(points, style::TEXT, Stroke::NONE));
        if response.on_hover_text(label).clicked() {
            edit(PlaylistEdit::Place(id, if up { k.saturating_sub(1) } else { k + 1 }));
        }
    }
}
