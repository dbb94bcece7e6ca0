//! Boards as cameras would see them.
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use glam::DVec2;
use volte::{calibrate::board::Board, frame::Picture, geometry::Pose, rig::Camera};

/// Deterministic, −1 to 1.
pub fn noise(seed: u64) -> f64 {
    let h = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let h = (h ^ (h >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    2.0 * (((h ^ (h >> 27)) >> 11) as f64 / (1_u64 << 53) as f64) - 1.0
}

/// How a picture is taken.
#[derive(Clone, Copy)]
pub struct Shot {
    pub seed: u64,
    /// Deviation of the grain, code values.
    pub grain: f64,
    /// Width over which the lens blurs, px.
    pub blur_px: f64,
    pub dark: f64,
    pub bright: f64,
    /// Width of the white margin about the board, in squares.
    pub margin: f64,
    /// The wall behind it.
    pub wall: f64,
}

pub const CLEAN: Shot = Shot { seed: 1, grain: 2.0, blur_px: 1.2, dark: 30.0, bright: 200.0, margin: 0.5, wall: 90.0 };

/// The board as the camera sees it, through its true lens: a gray wall behind it, 16 samples or more per pixel in a window of `blur_px`.
pub fn drawn(board: &Board, camera: &Camera, world_from_board: &Pose, shot: Shot) -> Picture {
    let (w, h) = (camera.width_px as usize, camera.height_px as usize);
    let board_from_camera = camera.camera_from_world.then_from(world_from_board).inverse();
    let size = board.size_m();
    let margin = shot.margin * board.square_m;
    let is_on_board = |p: DVec2, pad: f64| p.cmpgt(DVec2::splat(-pad)).all() && p.cmplt(size + pad).all();
    let outline: Vec<DVec2> = [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)]
        .iter()
        .filter_map(|(x, y)| {
            let p = 0.5 * size + DVec2::new(x * (0.5 * size.x + margin), y * (0.5 * size.y + margin));
            camera.project(world_from_board.apply(p.extend(0.0)))
        })
        .collect();
    let low = outline.iter().fold(DVec2::INFINITY, |a, p| a.min(*p)) - 4.0;
    let high = outline.iter().fold(DVec2::NEG_INFINITY, |a, p| a.max(*p)) + 4.0;
    let on_board = |px: DVec2| -> Option<DVec2> {
        let ray = board_from_camera.rotation * camera.lens.unproject(px);
        let t = -board_from_camera.translation.z / ray.z;
        let p = (board_from_camera.translation + ray * t).truncate();
        // A little beyond its edge, for pixels that it covers in part.
        (t > 0.0 && is_on_board(p, margin + 0.1 * board.square_m)).then_some(p)
    };
    let mut rgba = Vec::with_capacity(w * h * 4);
    for y in 0..h {
        for x in 0..w {
            let wall = shot.wall + 20.0 * (x as f64 * 0.013).sin() + 10.0 * (y as f64 * 0.031).cos();
            let middle = DVec2::new(x as f64 + 0.5, y as f64 + 0.5);
            let mut value = wall;
            if middle.cmpge(low).all() && middle.cmple(high).all() {
                // The plane is followed by differences: the lens hardly bends within a pixel.
                if let (Some(p), Some(px), Some(py)) = (on_board(middle), on_board(middle + DVec2::X), on_board(middle + DVec2::Y)) {
                    let n = if shot.blur_px > 3.0 { 10 } else { 4 };
                    let mut sum = 0.0;
                    for i in 0..n * n {
                        let d = (DVec2::new(f64::from(i % n), f64::from(i / n)) + 0.5 - 0.5 * f64::from(n)) * (shot.blur_px / f64::from(n));
                        let at = p + (px - p) * d.x + (py - p) * d.y;
                        sum += match is_on_board(at, margin) {
                            false => wall,
                            true if board.is_dark_at(at) => shot.dark,
                            true => shot.bright,
                        };
                    }
                    value = sum / f64::from(n * n);
                }
            }
            let seed = shot.seed.wrapping_mul(1 << 24) + (y * w + x) as u64 * 3;
            let grain = shot.grain * (noise(seed) + noise(seed + 1) + noise(seed + 2));
            let v = (value + grain).round().clamp(0.0, 255.0) as u8;
            rgba.extend([v, v, v, 255]);
        }
    }
    Picture::from_rgba(camera.width_px, camera.height_px, rgba).unwrap()
}
