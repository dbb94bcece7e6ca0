//! The multiview: every feed with tally, health and rate. A click makes it the live camera; while a pivot is chosen the tiles show the
//! prepared instant, and a click says what the orbit turns about. A right click ticks the camera's angle of the prepared event.

use egui::{Align2, Color32, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use super::lang::{say, t};
use super::{ConsoleState, Textures, layout, style, widgets};
use crate::{
    engine::{CameraView, Command, FeedHealth, SecondOrder, Snapshot, Tally},
    replay::EventEdit,
};

/// Draws the panel.
pub fn show(ui: &mut Ui, snapshot: &Snapshot, textures: &Textures, state: &ConsoleState, out: &mut Vec<Command>) {
    let n = snapshot.cameras.len();
    let lost = snapshot.lost_cameras().count();
    let draws = state.graphics.draws();
    let picks = state.picks() && snapshot.preview.as_ref().is_some_and(|p| (draws || p.event.is_some()) && !p.frames.is_empty());
    let note = match (n, lost) {
        _ if picks && draws => t("click-graphic").to_owned(),
        _ if picks => t("click-pivot").to_owned(),
        _ if state.picks() => t("no-pivot-now").to_owned(),
        (0, _) => String::new(),
        (n, 0) => say!("cameras-count", count = n),
        (n, lost) => say!("cameras-lost", count = n, lost = lost),
    };
    let inner = widgets::panel(ui, t("panel-cameras"), &note);
    if n == 0 {
        return widgets::empty_state(ui, inner, t("no-cameras"), t("no-cameras-remedy"));
    }
    let (columns, tile) = layout::grid(inner.size(), n);
    let pitch = vec2((inner.width() / columns as f32).min(tile.x + 8.0), tile.y);
    let left = inner.left() + (inner.width() - pitch.x * columns as f32) / 2.0;
    for (k, camera) in snapshot.cameras.iter().enumerate() {
        let corner = pos2(left + pitch.x * (k % columns) as f32 + (pitch.x - tile.x) / 2.0, inner.top() + pitch.y * (k / columns) as f32);
        let rect = Rect::from_min_size(corner, tile).shrink(2.0);
        let from = if picks { &textures.frozen } else { &textures.cameras };
        let texture = from.get(k).copied().flatten();
        one(ui, rect, k, camera, texture, (snapshot, state, picks), out);
    }
}

fn one(
    ui: &mut Ui,
    rect: Rect,
    k: usize,
    camera: &CameraView,
    texture: Option<super::PictureTexture>,
    (snapshot, state, picks): (&Snapshot, &ConsoleState, bool),
    out: &mut Vec<Command>,
) {
    let lost = camera.status.health == FeedHealth::Lost;
    let response = ui.interact(rect, ui.scope_id().with(("camera", k)), Sense::click());
    let on_program = camera.tally == Tally::Program;
    let prepared = snapshot.preview.as_ref().and_then(|p| snapshot.event(p.event?));
    let ticked = prepared.is_some_and(|e| e.angles.contains(&camera.name));
    response.widget_info(|| {
        let tally = match (camera.tally, camera.on_second) {
            (Tally::Off, false) => "",
            (Tally::Off, true) => " PGM B",
            (Tally::Preview, false) => " PRV",
            (Tally::Preview, true) => " PRV, PGM B",
            (Tally::Program, false) => " PGM",
            (Tally::Program, true) => " PGM, PGM B",
        };
        let tick = if ticked { t("angle-ticked") } else { "" };
        let tally = format!("{tally}{tick}");
        WidgetInfo::selected(Role::Button, !lost, on_program, say!("camera-tile", number = k + 1, name = &camera.name, tally = tally))
    });
    if response.secondary_clicked() && snapshot.graphics.draft.is_some() {
        out.push(Command::DropGraphic);
    } else if let Some(event) = prepared.filter(|_| response.secondary_clicked() && !picks) {
        out.push(Command::EditEvent(event.id, EventEdit::Angle { camera: camera.name.clone(), ticked: !ticked }));
    }
    if response.clicked() && !picks {
        // With Ctrl it is program B's camera.
        let for_second = snapshot.second.is_some() && ui.input(|i| i.modifiers.command);
        out.push(if for_second { Command::Second(SecondOrder::SelectCamera(k)) } else { Command::SelectCamera(k) });
    }
    let label = Rect::from_min_max(pos2(rect.left(), rect.bottom() - 16.0), rect.max);
    let room = Rect::from_min_max(rect.min, pos2(rect.right(), label.top()));
    if let Some(texture) = texture {
        let picture = widgets::picture(ui, room, texture);
        if let Some(pivot) = snapshot.preview.as_ref().and_then(|p| p.pivot.as_ref()) {
            if let Some(share) = pivot.in_cameras.get(k).copied().flatten() {
                widgets::cross(ui, picture, share, true);
            }
            if let Some((_, share)) = pivot.first_click.filter(|(camera, _)| *camera == k) {
                widgets::cross(ui, picture, share, false);
            }
        }
        for share in snapshot.graphics.in_cameras.get(k).into_iter().flatten() {
            widgets::cross(ui, picture, *share, false);
        }
        if let Some(at) =
            response.interact_pointer_pos().filter(|_| picks && response.clicked()).and_then(|at| widgets::share_of(picture, at))
        {
            out.push(state.click(Some(k), at));
        }
    } else {
        ui.painter().rect_filled(room, 2.0, style::BACKGROUND);
        if !lost || picks {
            ui.painter().text(room.center(), Align2::CENTER_CENTER, t("waiting"), style::text(11.0), style::DIM);
        }
    }
    if lost && !picks {
        ui.painter().rect_filled(room, 2.0, Color32::from_black_alpha(170));
        ui.painter().text(room.center(), Align2::CENTER_CENTER, t("no-picture"), style::text(12.5), style::AMBER);
    }
    if ticked {
        widgets::ticked(ui, room.right_top() + vec2(-10.0, 10.0));
    }
    if camera.on_second {
        // On both it shows both: the line below is program A's.
        widgets::tag(ui, room.left_top() + vec2(4.0, 12.0), "B", style::PROGRAM, style::ON_COLOR, 11.0);
    }
    let (fill, color, word) = match camera.tally {
        Tally::Program => (style::PROGRAM, style::ON_COLOR, Some("PGM")),
        Tally::Preview => (style::PREVIEW, style::ON_COLOR, Some("PRV")),
        Tally::Off => (style::RAISED, style::TEXT, None),
    };
    ui.painter().rect_filled(label, 2.0, fill);
    let rate = if lost { t("lost").to_owned() } else { format!("{:.0}", camera.status.fps) };
    let name = format!("{} {}", k + 1, camera.name);
    let rate_font = style::digits(11.0);
    let rate_galley = widgets::elided(ui, &rate, rate_font, color, label.width() * 0.4);
    let mut right = label.right() - 4.0 - rate_galley.size().x;
    ui.painter().galley(pos2(right, label.center().y - rate_galley.size().y / 2.0), rate_galley, color);
    right -= 4.0;
    if let Some(word) = word
        && label.width() > 90.0
    {
        let galley = widgets::elided(ui, word, style::text(11.0), color, 40.0);
        right -= galley.size().x;
        ui.painter().galley(pos2(right, label.center().y - galley.size().y / 2.0), galley, color);
        right -= 4.0;
    }
    widgets::line(
        ui,
        Rect::from_min_max(pos2(label.left() + 4.0, label.top()), pos2(right, label.bottom())),
        &name,
        style::text(11.0),
        color,
    );
    if camera.tally != Tally::Off || camera.on_second {
        widgets::border(ui, rect, 2.0, if camera.on_second { style::PROGRAM } else { fill });
    } else if response.hovered() {
        widgets::border(ui, rect, 1.0, style::ACCENT);
    } else if lost || camera.status.health == FeedHealth::Degraded {
        widgets::border(ui, rect, 1.0, style::AMBER);
    }
    let second = if snapshot.second.is_some() { t("click-second") } else { "" };
    let hint = if snapshot.phase == crate::replay::Phase::OnAir { t("click-returns") } else { t("click-live") };
    if picks {
        response.on_hover_cursor(egui::CursorIcon::Crosshair).on_hover_text(format!(
            "{}. {}",
            camera.name,
            t(if state.graphics.draws() { "click-graphic" } else { "click-pivot" })
        ));
    } else {
        let tick = if prepared.is_some() { t("click-tick") } else { "" };
        response.on_hover_text(format!("{}. {hint} {second} {tick}", camera.name));
    }
}
