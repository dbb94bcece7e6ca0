//! The yardstick for steadiness: plain depth warping, as a textbook has it (Fehn 2004), on the processor.
//!
//! One camera's solved depth goes into a z-buffer of the target; where it landed, colour is fetched back from that camera's picture
//! (bilinear); a pixel that nothing landed on takes the colour of the farther of the two surfaces that bound the hole in its row. No
//! second opinion on a depth, no confidence, no soft edge. Lenses without distortion only: the built-in venue's.

use glam::{DVec2, DVec3};

use crate::{frame::Picture, rig::Camera};

/// A camera with its picture and its depth.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// Where it stands.
    pub camera: &'a Camera,
    /// What it saw.
    pub picture: &'a Picture,
    /// Inverse depth along its z axis, 1/m, per pixel; 0 = unknown.
    pub rho: &'a [f32],
}

/// A warped picture.
#[derive(Debug)]
pub struct Warped {
    /// Opaque everywhere.
    pub picture: Picture,
    /// Per pixel: whether a surface landed on it.
    pub known: Vec<bool>,
}

impl Warped {
    /// Pixels that nothing landed on.
    pub fn holes(&self) -> usize {
        self.known.iter().filter(|k| !**k).count()
    }
}

/// Two warped pictures blended, the second with this share; a pixel that only one of them knows is that one's.
pub fn blend(a: &Warped, b: &Warped, share_of_b: f64) -> Warped {
    let mut out = Warped { picture: a.picture.clone(), known: Vec::with_capacity(a.known.len()) };
    let pixels = out.picture.rgba_mut().chunks_exact_mut(4).zip(b.picture.rgba().chunks_exact(4));
    for ((o, q), (&in_a, &in_b)) in pixels.zip(a.known.iter().zip(&b.known)) {
        let share = match (in_a, in_b) {
            (true, false) => 0.0,
            (false, true) => 1.0,
            _ => share_of_b,
        };
        for c in 0..3 {
            o[c] = (f64::from(o[c]) * (1.0 - share) + f64::from(q[c]) * share).round() as u8;
        }
        out.known.push(in_a || in_b);
    }
    out
}

/// The picture of `target` from one camera alone.
pub fn warp(source: &Source<'_>, target: &Camera) -> Warped {
    let (w, h) = (target.width_px as usize, target.height_px as usize);
    let surface = splat(source, target);
    let world_from_target = target.camera_from_world.inverse();
    let mut out = Picture::filled(target.width_px, target.height_px, [0, 0, 0, 255]);
    for y in 0..h {
        let row = &surface[y * w..(y + 1) * w];
        let mut colors: Vec<[u8; 3]> = vec![[0; 3]; w];
        for (x, &rho) in row.iter().enumerate().filter(|(_, rho)| **rho > 0.0) {
            let ray = target.lens.unproject(DVec2::new(x as f64 + 0.5, y as f64 + 0.5));
            let p_in_world = world_from_target.apply(ray / ray.z / f64::from(rho));
            colors[x] = source.camera.project(p_in_world).map_or([0; 3], |px| bilinear(source.picture, px));
        }
        for x in 0..w {
            let from = if row[x] > 0.0 {
                Some(x)
            } else {
                let left = (0..x).rev().find(|&k| row[k] > 0.0);
                let right = (x + 1..w).find(|&k| row[k] > 0.0);
                match (left, right) {
                    (Some(l), Some(r)) => Some(if row[l] <= row[r] { l } else { r }),
                    (l, r) => l.or(r),
                }
            };
            let at = (y * w + x) * 4;
            // A row with nothing in it stays black: one such row in a run is the end of the baseline's score, as it should be.
            out.rgba_mut()[at..at + 3].copy_from_slice(&from.map_or([0; 3], |k| colors[k]));
        }
    }
    Warped { picture: out, known: surface.iter().map(|rho| *rho > 0.0).collect() }
}

/// The source's surfaces as the target sees them: inverse depth, the nearest wins, 0 where none landed.
fn splat(source: &Source<'_>, target: &Camera) -> Vec<f32> {
    let (w, h) = (target.width_px as usize, target.height_px as usize);
    let mut out = vec![0.0_f32; w * h];
    let target_from_source = target.camera_from_world.then_from(&source.camera.camera_from_world.inverse());
    let across = source.camera.width_px as usize;
    for (i, &rho) in source.rho.iter().enumerate().filter(|(_, rho)| **rho > 0.0) {
        let ray = source.camera.lens.unproject(DVec2::new((i % across) as f64 + 0.5, (i / across) as f64 + 0.5));
        let p: DVec3 = target_from_source.apply(ray / ray.z / f64::from(rho));
        let Some(px) = target.lens.project(p) else { continue };
        let rho_in_target = (1.0 / p.z) as f32;
        // A footprint of a little more than a pixel, so that turned surfaces have no cracks.
        let half = 0.6 + 0.25 * (f64::from(rho_in_target / rho) - 1.0).max(0.0);
        let span = |v: f64, n: usize| {
            let (lo, hi) = ((v - half - 0.5).ceil().max(0.0), (v + half - 0.5).floor().min(n as f64 - 1.0));
            (lo <= hi).then_some(lo as usize..=hi as usize)
        };
        let (Some(xs), Some(ys)) = (span(px.x, w), span(px.y, h)) else { continue };
        for y in ys {
            for x in xs.clone() {
                let place = &mut out[y * w + x];
                *place = place.max(rho_in_target);
            }
        }
    }
    out
}

fn bilinear(picture: &Picture, px: DVec2) -> [u8; 3] {
    let last = DVec2::new(f64::from(picture.width() - 1), f64::from(picture.height() - 1));
    let p = (px - 0.5).clamp(DVec2::ZERO, last);
    let base = p.floor();
    let f = p - base;
    let (x, y) = (base.x as u32, base.y as u32);
    let (x1, y1) = ((x + 1).min(picture.width() - 1), (y + 1).min(picture.height() - 1));
    let corners = [(x, y, (1.0 - f.x) * (1.0 - f.y)), (x1, y, f.x * (1.0 - f.y)), (x, y1, (1.0 - f.x) * f.y), (x1, y1, f.x * f.y)];
    std::array::from_fn(|c| corners.iter().map(|&(x, y, k)| f64::from(picture.pixel(x, y)[c]) * k).sum::<f64>().round() as u8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::{Lens, Pose};

    fn camera(x_m: f64) -> Camera {
        Camera {
            name: "c".to_owned(),
            width_px: 40,
            height_px: 20,
            lens: Lens::pinhole(40.0, 40.0, 20.0, 10.0),
            camera_from_world: Pose { rotation: glam::DMat3::IDENTITY, translation: DVec3::new(-x_m, 0.0, 0.0) },
            clock_offset_nanos: 0,
        }
    }

    /// Columns of their own grey; a bar (columns 18…21) at 2 m before a wall at 4 m.
    fn scene() -> (Picture, Vec<f32>) {
        let mut picture = Picture::filled(40, 20, [0, 0, 0, 255]);
        for (i, p) in picture.rgba_mut().chunks_exact_mut(4).enumerate() {
            let x = (i % 40) as u8;
            p[..3].fill(if (18..22).contains(&x) { 255 } else { x * 4 });
        }
        (picture, (0..800).map(|i| if (18..22).contains(&(i % 40)) { 0.5 } else { 0.25 }).collect())
    }

    #[test]
    fn at_the_camera_it_is_the_picture() {
        let (picture, rho) = scene();
        let own = camera(0.0);
        let warped = warp(&Source { camera: &own, picture: &picture, rho: &rho }, &own);
        assert_eq!(warped.holes(), 0);
        assert!(crate::frame::metrics::psnr_db(&warped.picture, &picture, None).unwrap() > 50.0);
    }

    #[test]
    fn near_things_move_twice_as_far_and_uncover_the_wall() {
        let (picture, rho) = scene();
        // 0.2 m to the right: the wall moves 40 × 0.2 / 4 = 2 px to the left, the bar 4 px.
        let warped = warp(&Source { camera: &camera(0.0), picture: &picture, rho: &rho }, &camera(0.2));
        let row: Vec<u8> = (0..40).map(|x| warped.picture.pixel(x, 10)[0]).collect();
        assert_eq!(row[14..18], [255; 4], "{row:?}");
        assert_eq!((row[10], row[25]), (48, 108), "the wall moved by two: {row:?}");
        // Behind the bar and beyond the picture's edge nothing is known; the hole takes the wall's colour, never the bar's.
        assert!((60..=100).contains(&warped.holes()), "{}", warped.holes());
        assert!(row[18..20].iter().all(|v| *v < 120), "{row:?}");
        // Another that knows those pixels fills them; where both know, they are mixed.
        let other = Warped { picture: Picture::filled(40, 20, [200, 0, 0, 255]), known: vec![true; 800] };
        let both = blend(&warped, &other, 0.25);
        assert_eq!((both.picture.pixel(18, 10)[0], both.picture.pixel(10, 10)[0], both.holes()), (200, 86, 0));
    }
}
