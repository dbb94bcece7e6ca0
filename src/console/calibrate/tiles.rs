//! Every camera while the board is carried: its picture, where in it corners were seen, how many boards, and what it sees now or why not.

use egui::{Color32, Rect, Stroke, StrokeKind, Ui, pos2, vec2};

use super::{
    super::{
        Textures,
        lang::{say, t},
        style, widgets,
    },
    labeled, words,
};
use crate::engine::{Advice, CELLS, CalibratedCamera, CalibrationView, LEAST_TILTED};

/// A reason is told in full for so long, seconds; then with its age.
const FRESH_SECS: f64 = 5.0;

/// Columns and the size of a tile: as large as possible, with the lines under its picture.
fn grid(room: egui::Vec2, cameras: usize) -> (usize, egui::Vec2, f32) {
    let (mut best, mut widest) = ((1, vec2(0.0, 0.0), 0.0), 0.0);
    for columns in 1..=cameras.max(1) {
        let rows = cameras.max(1).div_ceil(columns);
        let (w, h) = (room.x / columns as f32, room.y / rows as f32);
        let line = (w * 0.055).clamp(11.0, 17.0);
        let fit = w.min((h - 2.4 * line - 6.0).max(1.0) * 16.0 / 9.0);
        if fit > widest {
            (best, widest) = ((columns, vec2(w, h), line), fit);
        }
    }
    best
}

/// Draws them.
pub(super) fn show(ui: &Ui, rect: Rect, view: &CalibrationView, textures: &Textures) {
    let (columns, size, line) = grid(rect.size(), view.cameras.len());
    for (k, camera) in view.cameras.iter().enumerate() {
        let (row, column) = (k / columns, k % columns);
        let at = Rect::from_min_size(rect.min + vec2(size.x * column as f32, size.y * row as f32), size - vec2(6.0, 4.0));
        tile(ui, at, line, camera, view, textures.cameras.get(k).copied().flatten());
    }
}

fn tile(ui: &Ui, rect: Rect, line: f32, camera: &CalibratedCamera, view: &CalibrationView, texture: Option<super::super::PictureTexture>) {
    let room = Rect::from_min_max(rect.min, pos2(rect.right(), rect.bottom() - 2.4 * line));
    let shape = texture.map_or([16, 9], |t| t.size_px);
    let picture = match texture {
        Some(texture) => widgets::picture(ui, room, texture),
        None => widgets::letterbox(room, shape),
    };
    heat(ui, picture, &camera.cells);
    if let Advice::Cover { camera: meant, part } = &view.advice
        && *meant == camera.name
    {
        let third = picture.size() / 3.0;
        let at = picture.min + third * vec2(part.column.min(2) as f32, part.row.min(2) as f32);
        ui.painter().rect_stroke(Rect::from_min_size(at, third), 2.0, Stroke::new(4.0, style::TEXT), StrokeKind::Inside);
    }
    let (now, color) = sees(camera);
    if camera.sees {
        widgets::border(ui, picture, 4.0, style::PREVIEW);
    } else if color == style::AMBER {
        widgets::border(ui, picture, 2.0, style::AMBER);
    }
    let counts = if camera.knows_lens {
        say!("calib-counts-lens", boards = camera.boards)
    } else {
        say!("calib-counts", boards = camera.boards, turned = camera.turned, tipped = camera.tipped)
    };
    let first = Rect::from_min_size(pos2(rect.left(), room.bottom() + 2.0), vec2(rect.width(), line * 1.2));
    let name = widgets::elided(ui, &camera.name, style::text(line), style::TEXT, first.width() * 0.5);
    let width = name.size().x;
    ui.painter().galley(first.min, name, style::TEXT);
    let is_tilted = camera.knows_lens || camera.turned >= LEAST_TILTED && camera.tipped >= LEAST_TILTED;
    let enough = camera.boards >= camera.needed && is_tilted;
    let words = Rect::from_min_max(pos2(first.left() + width + 8.0, first.top()), first.max);
    widgets::line(ui, words, &counts, style::text(line * 0.86), if enough { style::PREVIEW_TEXT } else { style::DIM });
    let second = first.translate(vec2(0.0, line * 1.15));
    widgets::line(ui, second, &now, style::text(line * 0.86), color);
    let reasons = words::reasons(&camera.reasons);
    let mut label = say!("calib-camera", camera = &camera.name, counts = counts, now = now);
    if !reasons.is_empty() {
        label = format!("{label}. {}", say!("calib-reasons", reasons = &reasons));
    }
    let tile = labeled(ui, rect, ("camera", &camera.name), &label);
    if !reasons.is_empty() {
        tile.on_hover_text(say!("calib-reasons", reasons = reasons));
    }
}

/// Dark where nothing was seen; the more corners, the more it shines.
fn heat(ui: &Ui, picture: Rect, cells: &[u32]) {
    let (across, down) = CELLS;
    let size = picture.size() / vec2(across as f32, down as f32);
    for (i, count) in cells.iter().enumerate().take(across * down) {
        let at = Rect::from_min_size(picture.min + size * vec2((i % across) as f32, (i / across) as f32), size);
        let color = match count {
            0 => Color32::from_black_alpha(140),
            1..6 => Color32::from_rgba_unmultiplied(86, 180, 233, 50),
            6..25 => Color32::from_rgba_unmultiplied(86, 180, 233, 100),
            _ => Color32::from_rgba_unmultiplied(86, 180, 233, 150),
        };
        // What is dark is dark without seams: a grid would hide the picture.
        ui.painter().rect_filled(if *count == 0 { at } else { at.shrink(0.5) }, 0.0, color);
    }
}

/// What it sees now, or why not.
fn sees(camera: &CalibratedCamera) -> (String, Color32) {
    match (&camera.refused, &camera.rejected) {
        (Some(why), _) => (words::refusal(*why), style::AMBER),
        _ if camera.sees => (t("calib-sees").to_owned(), style::PREVIEW_TEXT),
        _ if camera.pictures == 0 => (t("calib-no-picture").to_owned(), style::AMBER),
        (None, Some((ago, why))) => {
            let is_empty = matches!(why, crate::engine::Rejection::NoBoard);
            match () {
                () if is_empty => (words::rejection(why), style::DIM),
                () if *ago < FRESH_SECS => (words::rejection(why), style::AMBER),
                () => (say!("calib-ago", secs = format!("{ago:.0}"), why = words::rejection(why)), style::DIM),
            }
        }
        (None, None) => (t("reject-no-board").to_owned(), style::DIM),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_are_as_large_as_possible_and_stay_inside() {
        for (n, columns) in [(1, 1), (4, 2), (12, 4)] {
            let room = vec2(940.0, 480.0);
            let (found, size, line) = grid(room, n);
            assert_eq!(found, columns, "{n}");
            assert!(size.x * columns as f32 <= room.x + 0.1 && size.y * n.div_ceil(columns) as f32 <= room.y + 0.1 && line > 10.0);
        }
    }
}
