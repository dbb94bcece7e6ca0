//! A camera that is turned about its own centre, as its picture shows it.
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use glam::{DMat3, DVec2};
use volte::{frame::Picture, rig::Camera};

/// What a camera shows after it was turned about its own centre: the exact turn of its picture, bilinear.
pub fn turned(camera: &Camera, picture: &Picture, turn: DMat3) -> Picture {
    let (w, h) = (picture.width(), picture.height());
    let most = DVec2::new(f64::from(w), f64::from(h)) - 1.001;
    let mut rgba = Vec::with_capacity((w * h * 4) as usize);
    for (y, x) in (0..h).flat_map(|y| (0..w).map(move |x| (y, x))) {
        let ray = turn.transpose() * camera.lens.unproject(DVec2::new(f64::from(x) + 0.5, f64::from(y) + 0.5));
        let from = (camera.lens.project(ray).unwrap() - 0.5).clamp(DVec2::ZERO, most);
        let (cell, share) = (from.floor(), from - from.floor());
        for channel in 0..4 {
            let at = |dx: u32, dy: u32| f64::from(picture.pixel(cell.x as u32 + dx, cell.y as u32 + dy)[channel]);
            let row = |dy: u32| at(0, dy) * (1.0 - share.x) + at(1, dy) * share.x;
            rgba.push((row(0) * (1.0 - share.y) + row(1) * share.y).round() as u8);
        }
    }
    Picture::from_rgba(w, h, rgba).unwrap()
}
