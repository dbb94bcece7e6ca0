//! Preview (PRV) and program (PGM): what is prepared and what goes out.

use egui::{Align2, Color32, Rect, Ui, pos2, vec2};

use super::lang::{current, say, t, word};
use super::{ConsoleState, PictureTexture, Textures, notices::notice, orbit_bar, style, widgets};
use crate::{
    engine::{Command, HEAT_LEGEND, PreviewView, ProgramKind, RollView, Slice, Snapshot},
    replay::Readiness,
    time::MediaTime,
    view::ViewMode,
};

/// The frame of a monitor: title with tally, picture, border. Returns the room of the picture.
pub(super) fn frame(ui: &Ui, title: &str, what: &str, tally: Option<Color32>, note: &str) -> Rect {
    let rect = ui.max_rect();
    ui.painter().rect_filled(rect, style::CORNER, style::PANEL);
    let bar = Rect::from_min_max(rect.min, pos2(rect.right(), rect.top() + 24.0));
    if let Some(color) = tally {
        ui.painter().rect_filled(bar, style::CORNER, color);
    }
    let strong = if tally.is_some() { style::ON_COLOR } else { style::TEXT };
    let used = ui.painter().text(bar.left_center() + vec2(10.0, 0.0), Align2::LEFT_CENTER, title, style::text(15.0), strong);
    let used = ui.painter().text(used.right_center() + vec2(12.0, 0.0), Align2::LEFT_CENTER, what, style::text(13.0), strong);
    let galley = widgets::elided(ui, note, style::digits(12.5), strong, bar.right() - used.right() - 24.0);
    ui.painter().galley(pos2(bar.right() - 10.0 - galley.size().x, bar.center().y - galley.size().y / 2.0), galley, strong);
    ui.interact(bar, ui.scope_id().with("title"), egui::Sense::hover())
        .widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, format!("{title} {what}")));
    if let Some(color) = tally {
        widgets::border(ui, rect, 2.0, color);
    }
    Rect::from_min_max(pos2(rect.left() + 2.0, bar.bottom()), pos2(rect.right() - 2.0, rect.bottom() - 2.0))
}

/// Text on a dark band at the bottom of a picture.
fn caption(ui: &Ui, room: Rect, left: &str, right: &str, right_color: Color32) {
    let band = Rect::from_min_max(pos2(room.left(), room.bottom() - 24.0), room.max);
    ui.painter().rect_filled(band, 0.0, Color32::from_black_alpha(165));
    ui.painter().text(band.left_center() + vec2(8.0, 0.0), Align2::LEFT_CENTER, left, style::text(13.0), style::TEXT);
    ui.painter().text(band.right_center() - vec2(8.0, 0.0), Align2::RIGHT_CENTER, right, style::text(13.0), right_color);
}

/// The picture of a monitor; returns where it is, and how it is touched.
fn picture(ui: &Ui, room: Rect, texture: PictureTexture, label: &str, sense: egui::Sense) -> (Rect, egui::Response) {
    let rect = widgets::picture(ui, room, texture);
    let response = ui.interact(room, ui.scope_id().with("picture"), sense);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, label));
    (rect, response)
}

/// Preview's picture with the pivot in it; a click chooses another one.
fn preview_picture(ui: &Ui, room: Rect, texture: PictureTexture, snapshot: &Snapshot, state: &ConsoleState, out: &mut Vec<Command>) {
    let Some(p) = &snapshot.preview else { return };
    // Without an event there is nothing to keep a pivot; while time runs a point would be of another instant.
    let may_pick = (p.event.is_some() || state.graphics.draws()) && p.roll.is_none();
    let sense = if may_pick { egui::Sense::click() } else { egui::Sense::hover() };
    let (rect, response) = picture(ui, room, texture, t("preview-picture"), sense);
    if let Some(share) = p.pivot.as_ref().and_then(|pivot| pivot.in_preview).filter(|_| p.roll.is_none()) {
        widgets::cross(ui, rect, share, true);
    }
    for share in snapshot.graphics.in_preview.iter().filter(|_| p.roll.is_none()) {
        widgets::cross(ui, rect, *share, false);
    }
    if may_pick
        && response.clicked()
        && let Some(at) = response.interact_pointer_pos().and_then(|at| widgets::share_of(rect, at))
    {
        out.push(state.click(None, at));
    }
    if response.secondary_clicked() && snapshot.graphics.draft.is_some() {
        out.push(Command::DropGraphic);
    }
    // The wheel leaves the cameras' curve: nearer and farther, with Shift higher and lower.
    if p.roll.is_none() && response.hovered() {
        let by = ui.input(|i| i.smooth_scroll_delta);
        let step = |points: f32| f64::from(points / 100.0 * 0.2);
        if by != egui::Vec2::ZERO {
            out.push(Command::FreeBy { dolly_m: step(by.y), height_m: step(by.x) });
        }
    }
    if may_pick {
        response.on_hover_cursor(egui::CursorIcon::Crosshair);
    }
}

/// Where a position is, by the cameras at hand.
pub fn place(snapshot: &Snapshot, position: f64) -> String {
    let n = snapshot.cameras.len();
    if n == 0 {
        return String::new();
    }
    let base = (position.floor() as usize) % n;
    let share = position - position.floor();
    let name = |k: usize| snapshot.cameras[k % n].name.as_str();
    if share < 0.005 {
        say!("place-at", camera = name(base))
    } else if share > 0.995 {
        say!("place-at", camera = name(base + 1))
    } else {
        say!("place-between", from = name(base), to = name(base + 1), percent = format!("{:.0}", share * 100.0))
    }
}

/// How long ago an instant was.
fn ago(now: MediaTime, instant: MediaTime) -> String {
    format!("-{:.1} s", (now - instant) as f64 * 1e-9)
}

/// How time runs, and whether pictures between the cameras' frames are made for it: not from picture to picture, which nobody could read.
fn rolls(snapshot: &Snapshot, roll: RollView) -> String {
    let slow = &snapshot.slow_motion;
    let is_made = roll.between.is_some() || slow.interpolate && !slow.too_slow && roll.speed_percent.abs() < 100;
    if is_made { say!("rolling-made", speed = roll.speed_percent) } else { say!("rolling", speed = roll.speed_percent) }
}

fn state_of(snapshot: &Snapshot, p: &PreviewView) -> (String, Color32) {
    if let Some(roll) = p.roll {
        return (rolls(snapshot, roll), style::AMBER);
    }
    match (p.readiness, &p.problem, &p.report) {
        (Readiness::Fetching, Some(_), _) => (t("not-available").to_owned(), style::PROGRAM),
        (Readiness::Fetching, None, _) => (t("fetching").to_owned(), style::AMBER),
        (Readiness::RealCameras, Some(_), _) => (t("real-only").to_owned(), style::AMBER),
        // The cameras around the orbit bar are solved before the others.
        (Readiness::RealCameras, None, Some(_)) => {
            (say!("synthesized-solving", percent = format!("{:.0}", p.progress * 100.0)), style::AMBER)
        }
        (Readiness::RealCameras, None, None) if p.progress > 0.0 => {
            (say!("real-solving", percent = format!("{:.0}", p.progress * 100.0)), style::AMBER)
        }
        (Readiness::RealCameras, None, _) => (t("real-cameras").to_owned(), style::AMBER),
        (Readiness::Solved, _, Some(report)) => {
            (say!("ready-share", percent = format!("{:.0}", report.synthesized_share * 100.0)), Color32::from_rgb(120, 214, 150))
        }
        (Readiness::Solved, _, None) => (t("ready").to_owned(), Color32::from_rgb(120, 214, 150)),
    }
}

/// How true the picture at the prepared position is, and on which rung: top right in preview; below it the legend of the heat map.
fn truth_meter(ui: &Ui, room: Rect, snapshot: &Snapshot, p: &PreviewView) {
    let Some(gap) = snapshot.gap_at(p.position) else { return };
    let share = p.position - p.position.floor();
    // Turned about a pivot of its own, a view at a camera is not that camera's picture.
    let turned = p.pivot.as_ref().is_some_and(|pivot| pivot.at_m.is_some()) || snapshot.free.is_free();
    let at_camera = !(0.005..=0.995).contains(&share) && !turned;
    let (text, fill) = match &gap.state.score {
        // At a camera every rung shows its own picture.
        _ if p.roll.is_some_and(|r| r.between.is_some()) => (t("between-frames").to_owned(), style::RAISED),
        _ if at_camera || p.roll.is_some() || p.readiness < Readiness::Solved || snapshot.real_pixels_only => {
            (t("real-pixels").to_owned(), style::RAISED)
        }
        Some(score) => (format!("{:.1} dB   {}", score.db, word("rung", gap.state.rung.label())), orbit_bar::gap_color(gap.state.quality)),
        None => (say!("not-measured", rung = word("rung", gap.state.rung.label())), style::RAISED),
    };
    let width = ui.fonts_mut(|f| f.layout_no_wrap(text.clone(), style::text(12.5), style::TEXT)).size().x + 12.0;
    let rect = widgets::tag(ui, pos2(room.right() - 8.0 - width, room.top() + 16.0), &text, fill, style::ON_COLOR, 12.5);
    ui.interact(rect, ui.scope_id().with("truth"), egui::Sense::hover())
        .widget_info(|| egui::WidgetInfo::labeled(egui::Role::Meter, true, say!("truth", text = &text)));
    if !snapshot.heat_map || p.report.is_none() {
        return;
    }
    let mut y = rect.bottom() + 12.0;
    for (_, [r, g, b], words) in HEAT_LEGEND {
        let words = word("heat", words);
        let band = Rect::from_min_max(pos2(room.right() - 92.0, y - 8.0), pos2(room.right() - 8.0, y + 8.0));
        ui.painter().rect_filled(band, 0.0, Color32::from_black_alpha(165));
        ui.painter().rect_filled(Rect::from_center_size(pos2(band.left() + 10.0, y), vec2(10.0, 10.0)), 2.0, Color32::from_rgb(r, g, b));
        ui.painter().text(pos2(band.left() + 20.0, y), Align2::LEFT_CENTER, &*words, style::text(11.0), style::TEXT);
        y += 16.0;
    }
}

/// How far off the curve it looks, and how much of the picture nobody upholds; a click is back on the curve. Returns its height.
fn free_tag(ui: &Ui, at: egui::Pos2, snapshot: &Snapshot, out: &mut Vec<Command>) -> f32 {
    let free = &snapshot.free;
    let sure = match free.unsure_share {
        None => String::new(),
        Some(share) => {
            let word = if share > 0.35 {
                "much-unsure"
            } else if share > 0.15 {
                "some-unsure"
            } else {
                "little-unsure"
            };
            say!("unsure", percent = format!("{:.0}", share * 100.0), word = t(word))
        }
    };
    let text = say!("free-camera", dolly = format!("{:+.1}", free.dolly_m), height = format!("{:+.1}", free.height_m), sure = sure);
    let (fill, color) = match free.unsure_share {
        Some(share) if share > 0.35 => (style::PROGRAM, style::ON_COLOR),
        Some(share) if share > 0.15 => (style::AMBER, Color32::BLACK),
        _ => (style::ACCENT, style::ON_COLOR),
    };
    let rect = widgets::tag(ui, at, &text, fill, color, 12.0);
    let response = ui.interact(rect.expand2(vec2(0.0, 4.0)), ui.scope_id().with("free"), egui::Sense::click());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &text));
    if response.clicked() {
        out.push(Command::FreeTo { dolly_m: 0.0, height_m: 0.0 });
    }
    response.on_hover_text(t("back-on-arc"));
    24.0
}

/// Draws preview.
pub fn preview(ui: &Ui, snapshot: &Snapshot, textures: &Textures, state: &ConsoleState, out: &mut Vec<Command>) {
    let Some(p) = &snapshot.preview else {
        let room = frame(ui, "PRV", t("empty"), None, "");
        let remedy = if snapshot.events.is_empty() { t("press-mark") } else { t("press-mark-or-choose") };
        return widgets::empty_state(ui, room, t("nothing-prepared"), remedy);
    };
    let name = p.event.and_then(|id| snapshot.event(id)).map_or(t("free-jog"), |e| e.name.as_str());
    let instant = p.roll.map_or(p.instant, |r| r.instant);
    let note = format!("{instant}  {}", ago(snapshot.now, instant));
    let room = frame(ui, "PRV", name, Some(style::PREVIEW), &note);
    match textures.preview {
        Some(texture) if p.shown.is_some() => preview_picture(ui, room, texture, snapshot, state, out),
        _ => match &p.problem {
            Some(problem) => widgets::empty_state(ui, room, t("instant-not-available"), &notice(current(), problem)),
            None => widgets::empty_state(ui, room, t("fetching-all"), t("appears-by-itself")),
        },
    }
    let (state, color) = state_of(snapshot, p);
    caption(ui, room, &place(snapshot, p.position), &state, color);
    if p.readiness < Readiness::Solved && p.progress > 0.0 && p.problem.is_none() && p.roll.is_none() {
        let bar = Rect::from_min_size(pos2(room.left(), room.bottom() - 28.0), vec2(room.width(), 4.0));
        widgets::fill_bar(ui, bar, p.progress, style::AMBER);
    }
    if p.shown.is_some() {
        truth_meter(ui, room, snapshot, p);
    }
    let mut top = room.top() + 16.0;
    let missing: Vec<&str> = p.left_out.iter().map(|(camera, _)| camera.as_str()).collect();
    if !missing.is_empty() {
        let text =
            if missing.len() > 4 { say!("cameras-missing", count = missing.len()) } else { say!("without", cameras = missing.join(", ")) };
        widgets::tag(ui, pos2(room.left() + 8.0, top), &text, style::AMBER, Color32::BLACK, 12.0);
        top += 24.0;
    }
    let slices = &snapshot.slices;
    if !slices.instants.is_empty() {
        let (ready, all) = (slices.ready.len() + 1, slices.instants.len() + 1);
        let text = if ready == all { say!("phases", count = all) } else { say!("phases-solving", ready = ready, count = all) };
        let fill = if ready == all { style::ACCENT } else { style::AMBER };
        let color = if ready == all { style::ON_COLOR } else { Color32::BLACK };
        let rect = widgets::tag(ui, pos2(room.left() + 8.0, top), &text, fill, color, 12.0);
        let response = ui.interact(rect.expand2(vec2(0.0, 4.0)), ui.scope_id().with("slices"), egui::Sense::click());
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &text));
        if response.clicked() {
            out.push(Command::Slice(Slice::Off));
        }
        response.on_hover_text(t("slices-off"));
        top += 24.0;
    }
    if snapshot.free.is_free() {
        top += free_tag(ui, pos2(room.left() + 8.0, top), snapshot, out);
    }
    if let (Some(problem), true) = (&p.problem, p.shown.is_some()) {
        let galley = widgets::elided(ui, &notice(current(), problem), style::text(12.0), style::TEXT, room.width() - 28.0);
        let band = Rect::from_min_size(pos2(room.left() + 8.0, top - 11.0), galley.size() + vec2(12.0, 6.0));
        ui.painter().rect_filled(band, 3.0, Color32::from_black_alpha(190));
        ui.painter().galley(band.min + vec2(6.0, 3.0), galley, style::TEXT);
    }
}

/// Draws program.
pub fn program(ui: &Ui, snapshot: &Snapshot, textures: &Textures) {
    let live = |k: usize| snapshot.cameras.get(k).map_or_else(|| t("live").to_owned(), |c| say!("live-camera", camera = &c.name));
    let (what, left, right) = match snapshot.program.kind {
        ProgramKind::Live(k) => (live(k), String::new(), String::new()),
        ProgramKind::Hold => (t("held").to_owned(), t("nobody-delivers").to_owned(), String::new()),
        ProgramKind::Replay { position, solved, progress, .. } => {
            let roll =
                snapshot.program.roll.map(|roll| if roll.speed_percent == 0 { t("stands").to_owned() } else { rolls(snapshot, roll) });
            let state = match (progress >= 1.0, solved) {
                (true, _) => t("hold-at-end").to_owned(),
                (false, true) => match snapshot.program.report.as_ref().map(|r| r.mode) {
                    Some(ViewMode::SoftFade) => say!("percent-soft", percent = format!("{:.0}", progress * 100.0)),
                    Some(ViewMode::Nearest) => say!("percent-cut", percent = format!("{:.0}", progress * 100.0)),
                    _ => format!("{:.0} %", progress * 100.0),
                },
                (false, false) => say!("percent-real", percent = format!("{:.0}", progress * 100.0)),
            };
            (t("replay").to_owned(), place(snapshot, position), roll.unwrap_or(state))
        }
    };
    let note = match snapshot.program.kind {
        ProgramKind::Replay { instant, .. } => snapshot.program.roll.map_or(instant, |r| r.instant).to_string(),
        _ if snapshot.program.repeated > 0 => say!("repeated", count = snapshot.program.repeated),
        _ => String::new(),
    };
    let room = frame(ui, "PGM", &what, Some(style::PROGRAM), &note);
    match textures.program {
        Some(texture) => drop(picture(ui, room, texture, t("program-picture"), egui::Sense::hover())),
        None => widgets::empty_state(ui, room, t("waiting-first"), t("bars-until")),
    }
    if !left.is_empty() {
        caption(ui, room, &left, &right, style::TEXT);
    }
    if snapshot.graphics.clean {
        let (text, fill) = (t("clean-feed"), style::ACCENT);
        let rect = widgets::tag(ui, pos2(room.left() + 8.0, room.top() + 16.0), text, fill, style::ON_COLOR, 12.0);
        ui.interact(rect, ui.scope_id().with("clean"), egui::Sense::hover())
            .widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, text));
    }
    if let ProgramKind::Replay { progress, .. } = snapshot.program.kind {
        let bar = Rect::from_min_size(pos2(room.left(), room.bottom() - 28.0), vec2(room.width(), 4.0));
        widgets::fill_bar(ui, bar, progress, style::PROGRAM);
    }
}
