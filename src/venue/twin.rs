//! The ray-caster again, in plain Rust and without tiles, passes or tricks: what the shaders must agree with.

use glam::{DVec2, Vec2, Vec3, Vec4, Vec4Swizzles as _};

mod cast;

use cast::{
    BACK, BACK_RADIUS, FLOOR, Hit, SKY, SLOPE, STANDS, WALL, WALL_RADIUS, WALL_TOP, at_least, axes, band, detail, fract, hash, hash_u,
    hit_prim, mix, noise2, noise3, normal_at, smooth, surround, v3,
};

use super::build::Parts;
use super::layout::{Prim, material};
use super::{VenueOptions, font, world};
use crate::frame::Picture;
use crate::rig::Camera;
use crate::time::MediaTime;

const KEY: Vec3 = Vec3::new(0.4364, -0.5237, 0.7317);
const SIDE: Vec3 = Vec3::new(-0.6963, 0.1989, 0.6897);
struct Twin {
    parts: Parts,
    glyphs: Vec<u32>,
    phase: f32,
    seed: u32,
    exposure: f32,
    center: Vec3,
    px_rad: f32,
}

struct Surface {
    albedo: Vec3,
    gloss: f32,
    glow: f32,
}

impl Twin {
    fn trace(&self, o: Vec3, d: Vec3) -> Hit {
        let mut best = surround(o, d);
        for (k, p) in self.parts.prims.iter().enumerate() {
            if let Some(t) = hit_prim(p, o, d)
                && t > 0.01
                && t < best.0
            {
                best = (t, k as u32);
            }
        }
        best
    }

    fn floor(&self, x: f32, y: f32, fp: f32) -> Vec3 {
        let seed = self.seed;
        let grain = 0.16 * noise2(x * 1.1, y * 1.1, seed) * detail(0.9, fp)
            + 0.14 * noise2(x * 5.3, y * 5.3, seed + 1) * detail(0.19, fp)
            + 0.20 * noise2(x * 23.0, y * 23.0, seed + 2) * detail(0.043, fp)
            + 0.26 * noise2(x * 83.0, y * 83.0, seed + 3) * detail(0.012, fp);
        let (qx, qy) = (x.abs(), y.abs());
        let (mut color, mut rough) = (v3(0.23, 0.055, 0.04), 1.0);
        if qx < 6.0 && qy < 4.0 {
            (color, rough) = (v3(0.035, 0.13, 0.30), 0.8);
            if x > 1.1 && x < 4.3 && y > -3.3 && y < -1.2 {
                (color, rough) = (v3(0.05, 0.20, 0.42), 0.0);
            }
        } else if qx > 8.2 || qy > 6.2 {
            let tile = |v: f32| 0.6 - (fract(v / 1.2) - 0.5).abs() * 1.2;
            let seam = band(tile(x), 0.012, fp).max(band(tile(y), 0.012, fp));
            let shade = hash((x / 1.2).floor() as i32, (y / 1.2).floor() as i32, 0, seed + 9);
            color = v3(0.045, 0.11, 0.06) * (0.85 + 0.3 * shade) * (1.0 - 0.5 * seam);
        }
        color *= 1.0 + rough * grain;
        color *= 1.0 - rough * 0.35 * smooth(0.62, 0.9, noise2(x * 2.1 + y * 0.4, y * 9.0, seed + 5));
        let line = (band(qx - 6.0, 0.03, fp) * at_least(qy, 4.03))
            .max(band(qy - 4.0, 0.03, fp) * at_least(qx, 6.03))
            .max(band(x, 0.025, fp) * at_least(qy, 4.0))
            .max(band(qy - 1.05, 0.025, fp) * at_least(qx, 6.0))
            .max(band(x.hypot(y) - 1.8, 0.03, fp))
            .max(band(qy - 5.2, 0.02, fp) * at_least(qx, 8.2));
        let worn = 0.82 + 0.10 * noise2(x * 31.0, y * 31.0, seed + 6) * detail(0.03, fp) + 0.06 * noise2(x * 3.0, y * 3.0, seed + 7);
        color.lerp(v3(0.80, 0.80, 0.77) * worn, line)
    }

    fn crowd(&self, at: Vec3, fp: f32) -> Vec3 {
        let (row_m, seat_m, tau) = (0.95, 0.58, std::f32::consts::TAU);
        let slant = (1.0 + SLOPE * SLOPE).sqrt();
        let slope = (at.z - WALL_TOP) * slant;
        let row = (slope / row_m).floor();
        let seats = (tau * (WALL_RADIUS + SLOPE * row * row_m / slant) / seat_m).floor();
        let around = at.y.atan2(at.x) / tau + 0.5;
        let along = around * seats;
        let y = fract(slope / row_m);
        if (fract(around * 22.0) - 0.5).abs() > 0.47 {
            return v3(0.10, 0.10, 0.11) * (0.55 + 0.6 * at_least(0.5, fract(y * 3.0)));
        }
        if (row - 9.0).abs() < 0.5 {
            return v3(0.02, 0.03, 0.06) + v3(0.05, 0.25, 0.5) * band(y - 0.5, 0.22, 0.05);
        }
        let h = hash_u(along.floor() as i32, row as i32, 0, self.seed + 20);
        let r = |k: u32| ((h >> (8 * k)) & 255) as f32 / 255.0;
        let (r1, r2, r3, r4) = (r(0), r(1), r(2), r(3));
        let bob = 0.07 * r4 * (tau * (self.phase * (1.0 + (r3 * 2.99).floor()) + r1)).sin();
        let x = fract(along) - 0.5;
        let v = y - if r4 > 0.55 { bob } else { 0.0 };
        let mut color = v3(0.03, 0.05, 0.10) * (0.6 + 0.4 * at_least(0.25, y));
        color = color.lerp(v3(0.06, 0.06, 0.065), band(y - 0.04, 0.06, 0.06));
        if r2 > 0.09 {
            let hue = fract(r1 * 7.31 + r3);
            let shirt = if hue < 0.28 {
                v3(0.45, 0.05, 0.06) * (0.4 + 0.7 * r4)
            } else if hue < 0.5 {
                v3(0.05, 0.12, 0.40) * (0.4 + 0.8 * r4)
            } else if hue < 0.62 {
                v3(0.60, 0.45, 0.06)
            } else if hue < 0.7 {
                v3(0.05, 0.28, 0.14)
            } else {
                v3(0.32, 0.31, 0.30) * (0.25 + 1.1 * r4)
            };
            let skin = v3(0.50, 0.28, 0.19).lerp(v3(0.12, 0.06, 0.04), r3 * r3);
            let center = (r4 - 0.5) * 0.25;
            let blob = |w: f32, c: f32, h: f32| ((x - center) / w).hypot((v - c) / h);
            color = color.lerp(shirt * (0.75 + 0.5 * v), 1.0 - smooth(0.9, 1.0 + fp * 2.0, blob(0.40, 0.18, 0.42)));
            color = color.lerp(skin, 1.0 - smooth(0.85, 1.0 + fp * 4.0, blob(0.17, 0.70, 0.17)));
            let hair = v3(0.03, 0.02, 0.015) * (0.5 + 6.0 * r1 * r1);
            color = color.lerp(hair, 1.0 - smooth(0.85, 1.0 + fp * 4.0, blob(0.18, 0.79, 0.12)));
            if r1 > 0.90 {
                color = color.lerp(skin, band((x - center).abs() - 0.30, 0.05, 0.06) * at_least(0.4, v));
            }
        }
        color
    }

    fn glyph(&self, glyph: u32, column: i32, row: i32) -> f32 {
        if !(0..5).contains(&column) || !(0..7).contains(&row) {
            return 0.0;
        }
        let bit = (row * 5 + column) as u32;
        ((self.glyphs[(glyph * 2 + bit / 32) as usize] >> (bit % 32)) & 1) as f32
    }

    fn message(&self, at: u32, x: f32, y: f32) -> f32 {
        let n = self.glyphs[at as usize] as i32;
        let wrapped = (x.floor() as i32).rem_euclid(n * 6);
        self.glyph(self.glyphs[at as usize + 1 + (wrapped / 6) as usize], wrapped % 6, y.floor() as i32)
    }

    fn number(&self, number: u32, x: f32, y: f32) -> f32 {
        let (column, row) = (x.floor() as i32, y.floor() as i32);
        match number / 10 {
            0 => self.glyph(number, column - 3, row),
            tens if column < 6 => self.glyph(tens, column, row),
            _ => self.glyph(number % 10, column - 6, row),
        }
    }

    fn surface(&self, p: &Prim, at: Vec3, n: Vec3, fp: f32) -> Surface {
        let q = axes(p).inverse();
        let x = q * (at - p.origin.xyz());
        let (c1, c2, seed, flags) = (p.color.xyz(), p.color2.xyz(), p.what[3], p.what[2]);
        let dull = |albedo: Vec3, gloss: f32| Surface { albedo, gloss, glow: 0.0 };
        match p.what[1] {
            material::SKIN => {
                dull(c1 * (1.0 + 0.12 * noise3(x * 26.0, seed) + 0.10 * noise3(x * 120.0, seed + 1) * detail(0.008, fp)), 0.25)
            }
            material::SHIRT => dull(self.shirt(p, x, fp), 0.05),
            material::CLOTH => {
                let seam = (band(x.x, 0.006, fp) + band(x.x.abs() - 0.03, 0.008, fp)).min(1.0);
                let folds = 0.20 * noise3(x * v3(21.0, 21.0, 11.0), seed)
                    + 0.16 * noise3(x * 60.0, seed + 1) * detail(0.017, fp)
                    + 0.16 * noise3(x * 210.0, seed + 2) * detail(0.005, fp);
                dull(c1.lerp(c2, seam) * (1.0 + folds), 0.05)
            }
            material::HAIR => {
                let strands = 0.5 * noise3(x * v3(150.0, 150.0, 18.0), seed) * detail(0.007, fp)
                    + 0.4 * noise3(x * v3(48.0, 48.0, 9.0), seed + 1) * detail(0.02, fp);
                dull(c1 * (1.0 + strands), 0.35)
            }
            material::SHOE => {
                let lace = band(fract(x.y / 0.022) - 0.5, 0.2, fp / 0.022) * at_least(0.0, x.z) * at_least(x.x.abs(), 0.022);
                let upper = c1.lerp(c2, lace.max(band(x.x + x.y * 0.4, 0.012, fp)));
                dull(upper.lerp(Vec3::splat(0.7), at_least(x.z, -0.012)), 0.3)
            }
            material::STRIPED => {
                let worn = 1.0 + 0.08 * noise3(x * 40.0, seed) + 0.08 * noise3(x * 9.0, seed + 1);
                dull(c1.lerp(c2, band(fract(x.x / 0.30) - 0.5, 0.25, fp / 0.30)) * worn, 0.4)
            }
            material::BOARD => {
                let facing = (q * n).y;
                if facing.abs() < 0.5 {
                    return dull(Vec3::splat(0.25), 0.2);
                }
                let mut color = c1.lerp(c2, 0.18 * smooth(-0.4, 0.4, x.z + 0.25 * (x.x * 2.2).sin()));
                let (u, v) = (-x.x * facing.signum() / 0.078 + 900.0, (0.27 - x.z) / 0.078);
                let h = 0.25 * fp / 0.078;
                let taps = [(-h, -h), (h, -h), (-h, h), (h, h)];
                color = color.lerp(c2, 0.25 * taps.iter().map(|(a, b)| self.message(flags >> 8, u + a, v + b)).sum::<f32>());
                let edge = band(x.z.abs() - p.b.z, 0.025, fp).max(band(x.x.abs() - p.b.x, 0.012, fp));
                color = color.lerp(Vec3::splat(0.5), edge);
                let dust =
                    1.0 + 0.08 * noise2(x.x * 6.0, x.z * 6.0, seed) + 0.06 * noise2(x.x * 31.0, x.z * 31.0, seed + 1) * detail(0.03, fp);
                Surface { albedo: color * dust, gloss: 0.15, glow: 0.35 }
            }
            material::CORD => dull(c1, 0.1),
            material::BALL => {
                let r = x.normalize();
                let felt = 1.0 + 0.20 * noise3(x * 300.0, seed) * detail(0.0033, fp) + 0.1 * noise3(x * 90.0, seed);
                dull(c1.lerp(c2, band(r.z * 0.62 + r.x * r.y * 1.25, 0.07, fp / 0.033)) * felt, 0.03)
            }
            material::HEAD => dull(face(p, x, fp), 0.22),
            _ => dull(c1 * (1.0 + 0.07 * noise3(x * 14.0, seed) + 0.07 * noise3(x * 70.0, seed + 1) * detail(0.014, fp)), 0.5),
        }
    }

    fn shirt(&self, p: &Prim, x: Vec3, fp: f32) -> Vec3 {
        let (c1, c2, seed) = (p.color.xyz(), p.color2.xyz(), p.what[3]);
        let (number, pattern) = ((p.what[2] >> 8) & 255, (p.what[2] >> 16) & 255);
        let stripe = match pattern {
            0 => band(fract(x.x / 0.09 + 0.5) - 0.5, 0.22, fp / 0.09),
            1 => band(fract(x.z / 0.11) - 0.5, 0.25, fp / 0.11),
            2 => band(x.x * 0.8 + x.z * 0.6 + 0.02, 0.05, fp),
            _ => band(x.z - 0.12, 0.05, fp),
        };
        let mut color = c1.lerp(c2, stripe);
        if number > 0 {
            let side = if x.y < 0.0 { -1.0 } else { 1.0 };
            let (u, v, h) = (-side * x.x / 0.0215 + 5.5, (0.115 - x.z) / 0.0215, 0.25 * fp / 0.0215);
            let on_body = at_least(0.045, x.y.abs());
            let plate = at_least(x.x.abs(), 0.135) * at_least((x.z - 0.04).abs(), 0.095);
            let taps = [(-h, -h), (h, -h), (-h, h), (h, h)];
            let on = 0.25 * taps.iter().map(|(a, b)| self.number(number, u + a, v + b)).sum::<f32>() * on_body;
            let contrast = if c1.element_sum() * 0.4 > 0.35 { 0.02 } else { 0.85 };
            color = color.lerp(c1, plate * on_body).lerp(Vec3::splat(contrast), on);
        }
        let folds = 0.22 * noise3(x * v3(17.0, 17.0, 9.0), seed) * detail(0.08, fp)
            + 0.16 * noise3(x * 47.0, seed + 1) * detail(0.021, fp)
            + 0.16 * noise3(x * 190.0, seed + 2) * detail(0.0053, fp);
        color * (1.0 + folds)
    }

    /// What the casters leave of key, side and ambient light; every caster is asked, no cluster skips any.
    fn open_light(&self, at: Vec3, n: Vec3) -> Vec3 {
        let start = at + n * 0.006;
        let mut left = v3(at_least(0.0, n.dot(KEY)), at_least(0.0, n.dot(SIDE)), 1.0);
        for cluster in &self.parts.clusters {
            let s = cluster.sphere;
            let close = (s.xyz() - start).length() < s.w + 0.7;
            let first = cluster.range[0] as usize;
            for c in &self.parts.casters[first..first + cluster.range[1] as usize] {
                let (wa, ba) = (c.a.xyz() - start, c.b.xyz() - c.a.xyz());
                for (share, l) in [(0, KEY), (1, SIDE)] {
                    let e = ba.dot(l);
                    let s1 = ((e * wa.dot(l) - wa.dot(ba)) / (ba.dot(ba) - e * e).max(1e-6)).clamp(0.0, 1.0);
                    let v = wa + ba * s1;
                    let t = v.dot(l);
                    if t > 0.0 {
                        let gap = (v.dot(v) - t * t).max(0.0).sqrt() - mix(c.a.w, c.b.w, s1);
                        let penumbra = 0.001 + 0.035 * t;
                        left[share] = left[share].min(smooth(-penumbra, penumbra, gap));
                    }
                }
                if close {
                    let s1 = (-wa.dot(ba) / ba.dot(ba).max(1e-6)).clamp(0.0, 1.0);
                    let v = wa + ba * s1;
                    let d2 = v.dot(v).max(1e-4);
                    let r = mix(c.a.w, c.b.w, s1);
                    left.z *= 1.0 - 0.65 * (n.dot(v) / d2.sqrt()).max(0.0) * (r * r / d2).min(1.0);
                }
            }
        }
        left
    }

    fn light(&self, at: Vec3, n: Vec3, d: Vec3, s: &Surface) -> Vec3 {
        let (mut key, mut side, mut open) = (n.dot(KEY).max(0.0), n.dot(SIDE).max(0.0), 1.0);
        if at.truncate().length_squared() < 150.0 {
            let left = self.open_light(at, n);
            key *= left.x;
            side *= left.y;
            open = left.z;
        }
        let sky = v3(0.20, 0.20, 0.23).lerp(v3(0.50, 0.54, 0.62), 0.5 + 0.5 * n.z);
        let (key_color, side_color) = (v3(1.75, 1.66, 1.50), v3(0.62, 0.70, 0.85));
        let shine = |l: Vec3| (l - d).normalize().dot(n).max(0.0).powf(28.0);
        s.albedo * (sky * open + key * key_color + side * side_color + Vec3::splat(s.glow))
            + s.gloss
                * 0.35
                * (shine(KEY) * at_least(0.001, key) * key_color * (key * 3.0).min(1.0) + shine(SIDE) * side_color * (side * 3.0).min(1.0))
    }

    fn shade(&self, o: Vec3, d: Vec3, (t, id): Hit) -> Vec3 {
        let at = o + d * t;
        let fp = t * self.px_rad;
        let seed = self.seed;
        match id {
            SKY => v3(0.10, 0.13, 0.20).lerp(v3(0.015, 0.025, 0.06), smooth(0.2, 0.7, d.z.clamp(0.0, 1.0))),
            FLOOR => {
                let albedo = self.floor(at.x, at.y, fp / (-d.z).max(0.05).sqrt());
                self.light(at, Vec3::Z, d, &Surface { albedo, gloss: 0.12, glow: 0.0 })
            }
            WALL => {
                let u = at.y.atan2(at.x) * WALL_RADIUS;
                let panel = band(fract(u / 2.4) - 0.5, 0.006, fp / 2.4);
                let stain =
                    1.0 + 0.2 * noise2(u * 1.3, at.z * 3.0, seed + 30) + 0.15 * noise2(u * 9.0, at.z * 9.0, seed + 31) * detail(0.11, fp);
                v3(0.10, 0.11, 0.14) * stain * (1.0 - 0.6 * panel) * (0.5 + 0.5 * smooth(0.0, 0.5, at.z)) * 0.9
            }
            STANDS => self.crowd(at, fp) * (0.62 - 0.024 * (at.z - WALL_TOP)),
            BACK => {
                let u = at.y.atan2(at.x) * BACK_RADIUS;
                let pillar = band(fract(u / 5.5) - 0.5, 0.06, fp / 5.5);
                let dirt =
                    1.0 + 0.2 * noise2(u * 0.7, at.z * 1.7, seed + 32) + 0.15 * noise2(u * 4.0, at.z * 4.0, seed + 33) * detail(0.25, fp);
                let lamp = Vec2::new((fract(u / 11.0) - 0.5) * 11.0, at.z - 15.6);
                let grid = Vec2::new((fract(lamp.x / 0.55) - 0.5).abs(), (fract(lamp.y / 0.55) - 0.5).abs());
                let inside = at_least(lamp.x.abs(), 2.2) * at_least(lamp.y.abs(), 0.8);
                v3(0.035, 0.04, 0.055).lerp(v3(0.09, 0.09, 0.10), pillar) * dirt
                    + v3(3.0, 2.9, 2.6) * inside * (1.0 - smooth(0.2, 0.42, grid.length()))
            }
            k => {
                let p = &self.parts.prims[k as usize];
                let n = normal_at(p, at, d);
                let surface = self.surface(p, at, n, fp / (-n.dot(d)).clamp(0.15, 1.0).sqrt());
                self.light(at, n, d, &surface)
            }
        }
    }

    fn display(&self, linear: Vec3) -> Vec3 {
        let curve = |v: f32| {
            let x = (v * self.exposure).max(0.0);
            crate::color::srgb_from_linear(((x * (2.51 * x + 0.03)) / (x * (2.43 * x + 0.59) + 0.14)).clamp(0.0, 1.0))
        };
        v3(curve(linear.x), curve(linear.y), curve(linear.z))
    }
}

fn face(p: &Prim, x: Vec3, fp: f32) -> Vec3 {
    let (skin, seed) = (p.color.xyz(), p.what[3]);
    let mut color = skin * (1.0 + 0.10 * noise3(x * 30.0, seed) + 0.10 * noise3(x * 140.0, seed + 1) * detail(0.007, fp));
    if x.y > 0.0 {
        let side = x.x.abs();
        color *= Vec3::ONE - v3(0.0, 0.18, 0.15) * (1.0 - smooth(0.0, 0.035, (side - 0.045).hypot(x.z + 0.03)));
        let (ex, ey) = ((side - 0.032) / 0.015, (x.z - 0.018) / 0.008);
        color = color.lerp(Vec3::splat(0.62), 1.0 - smooth(0.8, 1.2, ex.hypot(ey)));
        color = color.lerp(Vec3::splat(0.02), 1.0 - smooth(0.3, 0.6, ex.hypot(ey * 0.6)));
        let brow = ((side - 0.034) / 0.022).hypot((x.z - 0.038) / 0.006);
        color = color.lerp(p.color2.xyz(), 0.85 * (1.0 - smooth(0.7, 1.2, brow)));
        let mouth = (x.x / 0.026).hypot((x.z + 0.058) / 0.008);
        color = color.lerp(skin * v3(0.75, 0.35, 0.35), 1.0 - smooth(0.7, 1.2, mouth));
    }
    color
}

/// The picture with one ray per pixel, and the depth along the camera's axis.
pub fn draw(camera: &Camera, options: &VenueOptions, time: MediaTime) -> (Picture, Vec<f32>) {
    let (glyphs, messages) = font::packed();
    let phase = options.phase(time);
    let twin = Twin {
        parts: world::at_phase(phase, options.period_secs(), &messages, options.dressing),
        glyphs,
        phase,
        seed: options.seed,
        exposure: 2_f32.powf(options.exposure_ev),
        center: camera.center_in_world().as_vec3(),
        px_rad: (1.0 / camera.lens.fx_px) as f32,
    };
    let world_from_camera = camera.camera_from_world.rotation.transpose();
    let (mut rgba, mut depth) = (Vec::new(), Vec::new());
    for y in 0..camera.height_px {
        for x in 0..camera.width_px {
            let ray = world_from_camera * camera.lens.unproject(DVec2::new(f64::from(x) + 0.5, f64::from(y) + 0.5));
            let d = (ray / ray.length()).as_vec3();
            let hit = twin.trace(twin.center, d);
            let shown = twin.display(twin.shade(twin.center, d, hit));
            rgba.extend(Vec4::from((shown, 1.0)).to_array().map(|v| (v.clamp(0.0, 1.0) * 255.0).round() as u8));
            depth.push(if hit.1 == SKY { f32::INFINITY } else { hit.0 / ray.length() as f32 });
        }
    }
    (Picture::from_rgba(camera.width_px, camera.height_px, rgba).unwrap(), depth)
}

#[test]
fn the_shaders_draw_what_plain_rust_draws() {
    use crate::frame::metrics::psnr_db;
    use crate::geometry::Distortion;
    use crate::gpu::{Gpu, GpuOptions};
    use crate::venue::{Dressing, Venue, VenueRig};

    let gpu = Gpu::open(&GpuOptions::default()).unwrap();
    // One ray per pixel: what samples add is an average of the same.
    let options = VenueOptions { samples: 0, ..VenueOptions::default() };
    let mut venue = Venue::new(&gpu, options.clone()).unwrap();
    let place = VenueRig::of_size(160, 90);
    let distorted =
        VenueRig { distortion: Distortion::BrownConrady { k: [-0.2, 0.05, 0.0, 0.0, 0.0, 0.0], p: [0.001, -0.002] }, ..place.clone() };
    let fisheye =
        VenueRig { distortion: Distortion::Fisheye { k: [-0.02, 0.01, -0.003, 0.0004] }, fov_rad: 1.4, height_m: 0.5, ..place.clone() };
    let cases = [
        (place.on_arc(4, 80.0).cameras.remove(1), 0.97, Dressing::PlainWall),
        (distorted.on_ring(5).cameras.remove(3), 0.3, Dressing::LooseHair),
        (fisheye.on_arc(1, 0.0).cameras.remove(0), 1.3, Dressing::Lacquer),
    ];
    for (camera, secs, dressing) in cases {
        let options = VenueOptions { dressing, ..options.clone() };
        venue.set_options(options.clone());
        let time = MediaTime::from_secs_f64(secs);
        let gpu_frame = venue.render(&camera, time).unwrap();
        let (picture, depth) = draw(&camera, &options, time);
        // A ray that falls on the edge of a letter may land on either side: one such pixel in a thousand is forgiven.
        let pairs = gpu_frame.picture.rgba().chunks_exact(4).zip(picture.rgba().chunks_exact(4));
        let same: Vec<bool> = pairs.map(|(a, b)| a.iter().zip(b).all(|(a, b)| a.abs_diff(*b) < 40)).collect();
        let flipped = same.iter().filter(|s| !**s).count();
        assert!(flipped * 1000 < same.len(), "{flipped}");
        let db = psnr_db(&gpu_frame.picture, &picture, Some(&same)).unwrap();
        let off = depth.iter().zip(&gpu_frame.depth).filter(|(a, b)| !(a == b || ((**a - **b) / **a).abs() < 1e-3)).count();
        println!("{db:.1} dB without {flipped} pixels, depth differs at {off} of {} pixels", depth.len());
        assert!(db >= 45.0, "{db}");
        assert!(off * 1000 < depth.len(), "{off}");
        // The measure can fail: a twentieth of a second later is another picture.
        let (later, _) = draw(&camera, &options, time.plus_nanos(50_000_000));
        assert!(psnr_db(&gpu_frame.picture, &later, None).unwrap() < 40.0);
    }
}
