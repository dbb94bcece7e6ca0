//! Who and what is in the venue at a phase of its loop.

use glam::{Quat, Vec2, Vec3};
use std::f32::consts::{PI, TAU};

use super::build::{Net, Paint, Parts};
use super::dressing::{self, Dressing};
use super::figure::{Look, dress};
use super::layout::material;
use super::skeleton::{Joints, Key, ease, solve};

const WHITE: Vec3 = Vec3::splat(0.72);
const BLACK: Vec3 = Vec3::splat(0.015);
const LIGHT_SKIN: Vec3 = Vec3::new(0.52, 0.29, 0.20);
const TAN_SKIN: Vec3 = Vec3::new(0.36, 0.18, 0.11);
const DARK_SKIN: Vec3 = Vec3::new(0.10, 0.048, 0.028);

const fn rgb(r: f32, g: f32, b: f32) -> Vec3 {
    Vec3::new(r, g, b)
}

/// Phase at which the racket meets the ball.
pub const HIT_PHASE: f32 = 0.48;
const ATHLETE_YAW: f32 = PI - 0.25;

/// The athlete's jump smash.
fn smash() -> Vec<(f32, Key)> {
    let ready = Key {
        pelvis: Vec3::new(0.0, -0.05, 0.86),
        pelvis_turn: Vec3::new(-0.2, 0.25, 0.0),
        chest_turn: Vec3::new(-0.1, 0.25, 0.0),
        head_turn: Vec3::new(0.2, -0.55, 0.0),
        wrists: [Vec3::new(-0.16, 0.36, -0.22), Vec3::new(0.18, 0.36, -0.25)],
        ankles: [Vec3::new(-0.24, 0.12, 0.08), Vec3::new(0.26, -0.10, 0.08)],
        toes: [0.0, 0.25],
        racket: Vec3::new(-0.25, 0.75, 0.65),
    };
    let crouch = Key {
        pelvis: Vec3::new(0.0, -0.02, 0.70),
        pelvis_turn: Vec3::new(-0.7, 0.35, 0.05),
        chest_turn: Vec3::new(-0.35, 0.2, 0.1),
        head_turn: Vec3::new(0.7, -0.7, 0.0),
        wrists: [Vec3::new(-0.30, 0.36, 0.02), Vec3::new(0.36, 0.02, -0.02)],
        ankles: [Vec3::new(-0.22, 0.18, 0.08), Vec3::new(0.24, -0.16, 0.08)],
        toes: [0.05, 0.3],
        racket: Vec3::new(0.2, -0.15, 1.0),
    };
    let takeoff = Key {
        pelvis: Vec3::new(0.0, 0.06, 1.04),
        pelvis_turn: Vec3::new(-0.75, -0.05, 0.1),
        chest_turn: Vec3::new(-0.45, -0.2, 0.15),
        head_turn: Vec3::new(0.8, -0.45, 0.0),
        wrists: [Vec3::new(-0.26, 0.30, 0.42), Vec3::new(0.40, -0.12, 0.14)],
        ankles: [Vec3::new(-0.17, 0.10, 0.17), Vec3::new(0.17, -0.14, 0.17)],
        toes: [0.75, 0.85],
        racket: Vec3::new(0.15, -0.55, 0.9),
    };
    let hang = Key {
        pelvis: Vec3::new(0.0, 0.16, 1.36),
        pelvis_turn: Vec3::new(-0.6, -0.15, 0.12),
        chest_turn: Vec3::new(-0.35, -0.28, 0.2),
        head_turn: Vec3::new(0.6, -0.4, 0.0),
        wrists: [Vec3::new(-0.28, 0.30, 0.44), Vec3::new(0.32, -0.10, 0.26)],
        ankles: [Vec3::new(-0.16, -0.12, 0.60), Vec3::new(0.20, -0.36, 0.72)],
        toes: [0.9, 1.0],
        racket: Vec3::new(-0.2, -0.8, -0.45),
    };
    let hit = Key {
        pelvis: Vec3::new(0.0, 0.24, 1.42),
        pelvis_turn: Vec3::new(-0.1, 0.05, 0.05),
        chest_turn: Vec3::new(0.1, 0.1, -0.18),
        head_turn: Vec3::new(0.0, -0.4, 0.0),
        wrists: [Vec3::new(-0.22, 0.26, -0.10), Vec3::new(0.24, 0.14, 0.50)],
        ankles: [Vec3::new(-0.18, 0.10, 0.62), Vec3::new(0.20, -0.20, 0.66)],
        toes: [0.8, 0.9],
        racket: Vec3::new(-0.08, 0.35, 0.95),
    };
    let follow = Key {
        pelvis: Vec3::new(0.0, 0.32, 1.24),
        pelvis_turn: Vec3::new(0.45, 0.35, -0.1),
        chest_turn: Vec3::new(0.55, 0.4, -0.15),
        head_turn: Vec3::new(-0.5, -0.5, 0.0),
        wrists: [Vec3::new(-0.30, 0.05, -0.22), Vec3::new(-0.12, 0.42, -0.22)],
        ankles: [Vec3::new(-0.20, 0.42, 0.46), Vec3::new(0.20, 0.06, 0.42)],
        toes: [0.35, 0.6],
        racket: Vec3::new(-0.5, 0.5, -0.7),
    };
    let land = Key {
        pelvis: Vec3::new(0.0, 0.34, 0.76),
        pelvis_turn: Vec3::new(0.45, 0.5, 0.0),
        chest_turn: Vec3::new(0.4, 0.3, 0.0),
        head_turn: Vec3::new(-0.4, -0.65, 0.0),
        wrists: [Vec3::new(-0.42, 0.06, -0.25), Vec3::new(-0.24, 0.30, -0.36)],
        ankles: [Vec3::new(-0.24, 0.46, 0.08), Vec3::new(0.24, 0.20, 0.08)],
        toes: [0.0, 0.2],
        racket: Vec3::new(-0.9, -0.1, -0.3),
    };
    let step_back = Key {
        pelvis: Vec3::new(0.0, 0.16, 0.90),
        pelvis_turn: Vec3::new(0.1, 0.3, 0.0),
        chest_turn: Vec3::new(0.1, 0.25, 0.0),
        head_turn: Vec3::new(-0.1, -0.5, 0.0),
        wrists: [Vec3::new(-0.22, 0.32, -0.28), Vec3::new(0.12, 0.36, -0.30)],
        ankles: [Vec3::new(-0.22, 0.30, 0.08), Vec3::new(0.24, -0.02, 0.16)],
        toes: [0.1, 0.5],
        racket: Vec3::new(-0.4, 0.8, 0.3),
    };
    vec![(0.0, ready), (0.17, crouch), (0.30, takeoff), (0.41, hang), (HIT_PHASE, hit), (0.56, follow), (0.68, land), (0.84, step_back)]
}

fn run_cycle(phase: f32) -> Key {
    let swing = |offset: f32| {
        let a = (phase + offset) * TAU;
        // Foot: back and up on the return, forward and down on the way through.
        let (x, lift) = (0.24 * a.cos(), (0.26 * a.sin()).max(0.0) + 0.10 * (a.sin()).max(0.0) * (-a.cos()).max(0.0));
        (x, lift)
    };
    let (ly, lz) = swing(0.0);
    let (ry, rz) = swing(0.5);
    let a = phase * TAU;
    Key {
        pelvis: Vec3::new(0.0, 0.0, 0.93 + 0.035 * (2.0 * a).cos()),
        pelvis_turn: Vec3::new(0.12 * a.cos(), 0.06, 0.03 * a.sin()),
        chest_turn: Vec3::new(-0.28 * a.cos(), 0.12, 0.0),
        head_turn: Vec3::new(0.16 * a.cos(), -0.1, 0.0),
        wrists: [
            Vec3::new(-0.24, 0.20 - 0.24 * a.cos(), -0.26 - 0.10 * a.cos()),
            Vec3::new(0.24, 0.20 + 0.24 * a.cos(), -0.26 + 0.10 * a.cos()),
        ],
        ankles: [Vec3::new(-0.10, ly, 0.08 + lz), Vec3::new(0.10, ry, 0.08 + rz)],
        toes: [lz * 1.6, rz * 1.6],
        ..Key::STAND
    }
}

fn person(parts: &mut Parts, key: &Key, place: Vec3, yaw: f32, look: &Look, sway: f32) -> Joints {
    let joints = solve(key, place, yaw, look.scale);
    dress(parts, &joints, look, sway);
    joints
}

fn racket(parts: &mut Parts, j: &Joints, s: f32) -> Vec3 {
    let first = parts.casters.len();
    let [_, elbow, wrist] = j.arms[1];
    let hand = wrist + (wrist - elbow).normalize_or(Vec3::NEG_Z) * 0.06 * s;
    let up = j.racket;
    // The face looks along the chest's forward as far as the direction allows.
    let forward = j.chest_axes * Vec3::new(0.25, 1.0, -0.1);
    let normal = (forward - up * forward.dot(up)).try_normalize().unwrap_or_else(|| up.any_orthonormal_vector());
    let across = normal.cross(up);
    let axes = Quat::from_mat3(&glam::Mat3::from_cols(across, normal, up));
    let grip = Paint::of(BLACK).foreground();
    let frame = Paint::of(rgb(0.75, 0.06, 0.05)).foreground();
    parts.bar(hand - up * 0.08, hand + up * 0.12, 0.017, grip);
    let (half_x, half_z) = (0.125, 0.168);
    let center = hand + up * (0.30 + half_z);
    for side in [-1.0, 1.0] {
        parts.bar(hand + up * 0.12, center - up * half_z * 0.80 + across * (side * half_x * 0.6), 0.010, frame);
    }
    let rim = |i: usize| {
        let a = TAU * i as f32 / 16.0;
        center + across * (half_x * a.cos()) + up * (half_z * a.sin())
    };
    parts.shadowless = true;
    for i in 0..16 {
        parts.bar(rim(i), rim(i + 1), 0.0105, frame);
    }
    parts.shadowless = false;
    for i in 0..8 {
        parts.cast((rim(2 * i), 0.0105), (rim(2 * i + 2), 0.0105));
    }
    let cord = Paint::plain(material::CORD, rgb(0.75, 0.78, 0.62)).foreground();
    parts.mesh(center, axes, Net { half: Vec2::new(half_x, half_z), pitch: 0.020, cord: 0.0013, elliptic: true }, cord);
    parts.cluster(first);
    center
}

fn athlete_look() -> Look {
    Look {
        skin: LIGHT_SKIN,
        hair: rgb(0.085, 0.035, 0.014),
        shirt: [rgb(0.80, 0.78, 0.72), rgb(0.62, 0.025, 0.035)],
        pattern: 0,
        number: 24,
        shorts: [rgb(0.03, 0.04, 0.12), rgb(0.60, 0.03, 0.04)],
        trousers: false,
        shoes: [rgb(0.72, 0.72, 0.68), rgb(0.75, 0.05, 0.05)],
        ponytail: true,
        scale: 0.985,
        girth: 0.94,
        seed: 101,
    }
}

fn others(parts: &mut Parts, phase: f32) {
    let a = phase * TAU;
    let base = athlete_look();
    // The partner: side steps behind the athlete, arms rising to block.
    let rise = 0.5 - 0.5 * (a - 0.6).cos();
    let step = 0.16 * a.sin();
    let partner = Key {
        pelvis: Vec3::new(0.0, 0.0, 0.86 + 0.08 * rise),
        pelvis_turn: Vec3::new(0.15 * a.sin(), 0.22 - 0.15 * rise, 0.0),
        chest_turn: Vec3::new(0.1 * a.sin(), 0.15, 0.0),
        head_turn: Vec3::new(0.0, -0.35, 0.0),
        wrists: [Vec3::new(-0.30, 0.26, -0.20 + 0.62 * rise), Vec3::new(0.30, 0.26, -0.20 + 0.62 * rise)],
        ankles: [
            Vec3::new(-0.22 + step * 0.4, 0.06, 0.08 + 0.05 * (2.0 * a).sin().max(0.0)),
            Vec3::new(0.22 + step * 0.4, -0.02, 0.08 + 0.05 * (-(2.0 * a).sin()).max(0.0)),
        ],
        toes: [0.1, 0.1],
        ..Key::STAND
    };
    let look = Look {
        skin: DARK_SKIN,
        hair: rgb(0.012, 0.010, 0.009),
        shirt: [rgb(0.04, 0.10, 0.42), rgb(0.75, 0.62, 0.06)],
        pattern: 1,
        number: 7,
        shorts: [rgb(0.55, 0.55, 0.56), rgb(0.04, 0.10, 0.42)],
        shoes: [rgb(0.05, 0.25, 0.55), rgb(0.75, 0.75, 0.1)],
        ponytail: false,
        scale: 1.04,
        girth: 1.03,
        seed: 201,
        ..base
    };
    person(parts, &partner, Vec3::new(0.95 + step, 1.05, 0.0), PI + 0.35, &look, 0.0);

    // Two who warm up on the spot.
    let look = Look {
        skin: TAN_SKIN,
        hair: rgb(0.02, 0.012, 0.008),
        shirt: [rgb(0.65, 0.16, 0.02), rgb(0.05, 0.05, 0.05)],
        pattern: 2,
        number: 11,
        shorts: [rgb(0.02, 0.02, 0.022), rgb(0.65, 0.16, 0.02)],
        shoes: [rgb(0.6, 0.6, 0.6), rgb(0.02, 0.5, 0.2)],
        ponytail: true,
        scale: 0.95,
        girth: 0.92,
        seed: 301,
        ..base
    };
    person(parts, &run_cycle(phase * 3.0), Vec3::new(-1.55, 1.25 + 0.12 * a.sin(), 0.0), PI - 0.5, &look, (a * 3.0).sin());
    let look = Look {
        skin: LIGHT_SKIN,
        hair: rgb(0.32, 0.20, 0.07),
        shirt: [rgb(0.05, 0.30, 0.12), rgb(0.70, 0.70, 0.66)],
        pattern: 3,
        number: 3,
        shorts: [rgb(0.70, 0.70, 0.66), rgb(0.05, 0.30, 0.12)],
        ponytail: false,
        scale: 1.0,
        girth: 1.0,
        seed: 401,
        ..base
    };
    person(parts, &run_cycle(phase * 3.0 + 0.37), Vec3::new(2.55, 1.75, 0.0), PI + 0.9, &look, 0.0);

    // The coach: hands on the hips, looks after the ball.
    let coach = Key {
        pelvis: Vec3::new(0.02 * a.sin(), 0.0, 0.95),
        chest_turn: Vec3::new(0.12 * a.sin(), 0.05, 0.02),
        head_turn: Vec3::new(0.55 * (a + 0.8).sin(), -0.15 + 0.15 * a.cos(), 0.0),
        wrists: [Vec3::new(-0.22, 0.06, -0.44), Vec3::new(0.22, 0.06, -0.44)],
        ankles: [Vec3::new(-0.2, 0.0, 0.08), Vec3::new(0.2, 0.04, 0.08)],
        ..Key::STAND
    };
    let look = Look {
        skin: TAN_SKIN,
        hair: rgb(0.16, 0.15, 0.14),
        shirt: [rgb(0.10, 0.10, 0.11), rgb(0.55, 0.55, 0.55)],
        pattern: 3,
        number: 0,
        shorts: [rgb(0.035, 0.035, 0.04), rgb(0.5, 0.5, 0.5)],
        trousers: true,
        shoes: [BLACK, WHITE],
        ponytail: false,
        scale: 1.0,
        girth: 1.14,
        seed: 501,
    };
    person(parts, &coach, Vec3::new(-2.75, 0.25, 0.0), PI + 1.2, &look, 0.0);

    // The photographer kneels; a box and a lens before the face.
    let kneel = Key {
        pelvis: Vec3::new(0.0, -0.05, 0.52),
        pelvis_turn: Vec3::new(0.0, 0.2, 0.0),
        chest_turn: Vec3::new(0.06 * a.sin(), 0.15, 0.0),
        head_turn: Vec3::new(0.0, -0.1, 0.0),
        wrists: [Vec3::new(-0.07, 0.30, 0.10), Vec3::new(0.10, 0.27, 0.12)],
        ankles: [Vec3::new(-0.13, 0.24, 0.08), Vec3::new(0.13, -0.36, 0.09)],
        toes: [0.0, 1.1],
        ..Key::STAND
    };
    let look = Look {
        skin: LIGHT_SKIN,
        hair: rgb(0.05, 0.03, 0.02),
        shirt: [rgb(0.60, 0.55, 0.05), rgb(0.60, 0.55, 0.05)],
        pattern: 3,
        number: 86,
        shorts: [rgb(0.05, 0.07, 0.13), rgb(0.04, 0.05, 0.10)],
        trousers: true,
        shoes: [rgb(0.12, 0.08, 0.05), WHITE],
        ponytail: false,
        scale: 1.0,
        girth: 1.05,
        seed: 601,
    };
    let j = person(parts, &kneel, Vec3::new(3.35, 0.35, 0.0), PI * 0.5 + 0.25, &look, 0.0);
    let at = |y: f32, z: f32| j.head + j.head_axes * Vec3::new(0.0, y, z);
    let body = Paint::of(rgb(0.02, 0.02, 0.022)).foreground();
    parts.cuboid(at(0.19, 0.02), Vec3::new(0.075, 0.045, 0.055), j.head_axes, body);
    parts.bar(at(0.22, 0.015), at(0.46, 0.005), 0.048, Paint::of(rgb(0.55, 0.55, 0.53)).foreground());
    let last = parts.casters.len() - 1;
    parts.cluster(last);

    // A small ball kid in front, low, so that the athlete's feet are hidden from some cameras.
    let clap = 0.5 + 0.5 * (a * 4.0).sin();
    let crouching = Key {
        pelvis: Vec3::new(0.0, -0.12, 0.46),
        pelvis_turn: Vec3::new(0.0, 0.5, 0.0),
        chest_turn: Vec3::new(0.1 * a.sin(), 0.2, 0.0),
        head_turn: Vec3::new(0.2 * a.sin(), -0.6, 0.0),
        wrists: [Vec3::new(-0.05 - 0.12 * clap, 0.36, -0.18), Vec3::new(0.05 + 0.12 * clap, 0.36, -0.18)],
        ankles: [Vec3::new(-0.15, 0.06, 0.08), Vec3::new(0.15, 0.10, 0.08)],
        toes: [0.3, 0.3],
        ..Key::STAND
    };
    let look = Look {
        skin: LIGHT_SKIN,
        hair: rgb(0.22, 0.08, 0.02),
        shirt: [rgb(0.55, 0.04, 0.22), rgb(0.75, 0.75, 0.70)],
        pattern: 1,
        number: 0,
        shorts: [rgb(0.10, 0.10, 0.12), WHITE],
        ponytail: false,
        scale: 0.80,
        girth: 0.95,
        seed: 701,
        ..base
    };
    person(parts, &crouching, Vec3::new(1.55, -1.0, 0.0), 1.0, &look, 0.0);
}

/// The ball: a lob that the racket meets at [`HIT_PHASE`], then gone towards −y.
fn ball(parts: &mut Parts, at_hit: Vec3, phase: f32, period_secs: f32) {
    let t = (phase - HIT_PHASE) * period_secs;
    let (velocity, gravity) = if t < 0.0 { (Vec3::new(0.3, 2.6, -5.2), -9.81) } else { (Vec3::new(-3.0, -23.0, -3.2), -9.81) };
    let mut p = at_hit + velocity * t + Vec3::Z * (0.5 * gravity * t * t);
    if p.truncate().length() > 11.5 {
        return;
    }
    if p.z < 0.034 {
        // One bounce that keeps half the speed.
        p.z = 0.034 + (0.034 - p.z) * 0.5;
    }
    let spin = Quat::from_axis_angle(Vec3::new(0.6, 0.64, 0.48), t * 22.0);
    let first = parts.casters.len();
    parts.ellipsoid(p, Vec3::splat(0.034), spin, p, Paint::plain(material::BALL, rgb(0.55, 0.62, 0.04)).and(WHITE).foreground().seeded(9));
    parts.cluster(first);
}

fn props(parts: &mut Parts, messages: &[u32]) {
    // High bar.
    let first = parts.casters.len();
    let steel = Paint::of(rgb(0.45, 0.46, 0.48));
    for x in [-1.25, 1.25] {
        parts.bar(Vec3::new(x, 2.35, 0.03), Vec3::new(x, 2.35, 2.45), 0.028, Paint::of(rgb(0.62, 0.50, 0.04)));
        parts.bar(Vec3::new(x, 1.95, 0.03), Vec3::new(x, 2.75, 0.03), 0.03, Paint::of(rgb(0.06, 0.06, 0.07)));
    }
    parts.bar(Vec3::new(-1.25, 2.35, 2.45), Vec3::new(1.25, 2.35, 2.45), 0.014, steel);
    parts.cluster(first);

    // Hurdle.
    let first = parts.casters.len();
    let axes = Quat::from_rotation_z(0.55);
    let at = |x: f32, y: f32, z: f32| Vec3::new(-1.7, -0.75, 0.0) + axes * Vec3::new(x, y, z);
    let slat = Paint::plain(material::STRIPED, WHITE).and(rgb(0.65, 0.03, 0.04));
    let half = Vec3::new(0.59, 0.012, 0.036);
    parts.cuboid(at(0.0, 0.0, 0.92), half, axes, slat);
    parts.cast_box(at(0.0, 0.0, 0.92), half, axes);
    for x in [-0.52, 0.52] {
        parts.bar(at(x, 0.02, 0.02), at(x, 0.02, 0.90), 0.014, Paint::of(WHITE));
        parts.bar(at(x, 0.02, 0.018), at(x, 0.62, 0.018), 0.016, Paint::of(rgb(0.05, 0.05, 0.06)));
    }
    parts.bar(at(-0.52, 0.02, 0.35), at(0.52, 0.02, 0.35), 0.010, steel);
    parts.cluster(first);

    // Net with posts and tape.
    let first = parts.casters.len();
    let cord = Paint::plain(material::CORD, rgb(0.03, 0.03, 0.035));
    let net = Net { half: Vec2::new(4.6, 0.42), pitch: 0.055, cord: 0.0022, elliptic: false };
    parts.mesh(Vec3::new(0.0, 3.1, 0.50), Quat::IDENTITY, net, cord);
    let half = Vec3::new(4.6, 0.006, 0.03);
    parts.cuboid(Vec3::new(0.0, 3.1, 0.95), half, Quat::IDENTITY, Paint::of(WHITE));
    parts.cast_box(Vec3::new(0.0, 3.1, 0.95), half, Quat::IDENTITY);
    for x in [-4.6, 4.6] {
        parts.bar(Vec3::new(x, 3.1, 0.0), Vec3::new(x, 3.1, 1.0), 0.04, Paint::of(rgb(0.03, 0.12, 0.06)));
    }
    parts.bar(Vec3::new(0.0, 3.1, 0.05), Vec3::new(0.0, 3.1, 0.94), 0.018, Paint::of(WHITE));
    parts.cluster(first);

    // Markers and a bench with a bag.
    let first = parts.casters.len();
    for (x, y) in [(-3.4, -1.9), (-0.4, 2.1), (4.9, 1.2), (-4.6, 2.6)] {
        parts.cone(
            (Vec3::new(x, y, 0.05), 0.075),
            (Vec3::new(x, y, 0.27), 0.018),
            Quat::IDENTITY,
            Vec3::new(x, y, 0.1),
            Paint::of(rgb(0.75, 0.17, 0.02)),
        );
    }
    let (bench, half) = (Vec3::new(-4.9, 3.9, 0.44), Vec3::new(0.9, 0.19, 0.03));
    parts.cuboid(bench, half, Quat::IDENTITY, Paint::of(rgb(0.38, 0.20, 0.08)));
    parts.cast_box(bench, half, Quat::IDENTITY);
    for x in [-5.6, -4.2] {
        parts.cuboid(Vec3::new(x, 3.9, 0.21), Vec3::new(0.03, 0.16, 0.21), Quat::IDENTITY, Paint::of(rgb(0.08, 0.08, 0.09)));
    }
    parts.ellipsoid(
        Vec3::new(-4.6, 3.9, 0.60),
        Vec3::new(0.30, 0.15, 0.15),
        Quat::from_rotation_z(0.2),
        Vec3::new(-4.6, 3.9, 0.6),
        Paint::plain(material::CLOTH, rgb(0.35, 0.03, 0.05)).and(WHITE),
    );
    parts.cluster(first);

    // Boards all around, facing the middle.
    let colors = [
        [rgb(0.02, 0.06, 0.30), rgb(0.85, 0.85, 0.85)],
        [rgb(0.75, 0.72, 0.68), rgb(0.55, 0.02, 0.03)],
        [rgb(0.50, 0.02, 0.03), rgb(0.85, 0.80, 0.30)],
        [rgb(0.02, 0.02, 0.025), rgb(0.10, 0.65, 0.85)],
        [rgb(0.03, 0.25, 0.10), rgb(0.80, 0.80, 0.75)],
        [rgb(0.75, 0.45, 0.02), rgb(0.02, 0.02, 0.02)],
    ];
    let (count, radius) = (22, 12.5_f32);
    let half_x = radius * (PI / count as f32).tan() - 0.03;
    for i in 0..count {
        let azimuth = TAU * (i as f32 + 0.25) / count as f32;
        let axes = Quat::from_rotation_z(azimuth - PI * 0.5);
        let center = Vec3::new(azimuth.cos() * radius, azimuth.sin() * radius, 0.47);
        let k = (i * 5) % 6;
        let message = messages[k % messages.len()];
        let paint = Paint::plain(material::BOARD, colors[k][0]).and(colors[k][1]).flagged(message << 8).seeded(800 + i as u32);
        parts.cuboid(center, Vec3::new(half_x, 0.06, 0.45), axes, paint);
    }
}

/// The athlete's joints and size at `phase` (0…1) of the loop.
pub fn athlete_at(phase: f32) -> (Joints, f32) {
    let scale = athlete_look().scale;
    (solve(&ease(&smash(), phase), Vec3::new(-0.1, 0.25, 0.0), ATHLETE_YAW, scale), scale)
}

/// Everything at `phase` (0…1) of the loop. `messages` are the offsets of [`super::font::packed`].
pub fn at_phase(phase: f32, period_secs: f32, messages: &[u32], dressing: Dressing) -> Parts {
    let mut parts = Parts::default();
    let look = athlete_look();
    let sway = (phase * TAU * 2.0).sin();
    let (joints, scale) = athlete_at(phase);
    if dressing != Dressing::BeforeEntrance {
        dress(&mut parts, &joints, &look, sway);
        racket(&mut parts, &joints, scale);
        let mut scratch = Parts::default();
        let at_hit = racket(&mut scratch, &athlete_at(HIT_PHASE).0, scale);
        ball(&mut parts, at_hit, phase, period_secs);
    }
    others(&mut parts, phase);
    props(&mut parts, messages);
    dressing::add(&mut parts, dressing, (&joints, scale, look.hair));
    parts.sort();
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::venue::layout::{CASTERS, CLUSTERS, PRIMS};

    #[test]
    fn the_loop_closes_and_everyone_stays_in_the_venue() {
        let (_, messages) = super::super::font::packed();
        let a = at_phase(0.0, 2.0, &messages, Dressing::None);
        let b = at_phase(0.999_999, 2.0, &messages, Dressing::None);
        assert!(a.prims.len() > 150 && a.clusters.len() > 8, "{} {}", a.prims.len(), a.clusters.len());
        let room = (a.prims.len() <= PRIMS, a.casters.len() <= CASTERS, a.clusters.len() <= CLUSTERS);
        assert_eq!(room, (true, true, true), "{} {} {}", a.prims.len(), a.casters.len(), a.clusters.len());
        // The last primitives do not depend on whether the ball is there; the first are the athlete's.
        for (p, q) in a.prims.iter().zip(&b.prims).take(30) {
            assert!((p.a - q.a).length() < 1e-3);
        }
        let dressings = [Dressing::None, Dressing::LooseHair, Dressing::PlainWall, Dressing::Lacquer];
        for i in 0..40_u8 {
            let parts = at_phase(f32::from(i) / 40.0, 2.0, &messages, dressings[usize::from(i) % 4]);
            let room = (parts.prims.len() <= PRIMS, parts.casters.len() <= CASTERS, parts.clusters.len() <= CLUSTERS);
            assert_eq!(room, (true, true, true), "{} {} {}", parts.prims.len(), parts.casters.len(), parts.clusters.len());
            assert_eq!(parts.prims.len(), parts.bounds.len());
            let covered: u32 = parts.clusters.iter().map(|c| c.range[1]).sum();
            assert_eq!(covered as usize, parts.casters.len());
            for (p, s) in parts.prims.iter().zip(&parts.bounds) {
                assert!(p.a.is_finite() && p.b.is_finite() && p.q.is_finite() && s.is_finite());
                assert!(s.z + s.w.abs() > -0.1, "below the floor: {p:?}");
            }
        }
    }

    #[test]
    fn the_racket_meets_the_ball() {
        let (_, messages) = super::super::font::packed();
        let parts = at_phase(HIT_PHASE, 2.0, &messages, Dressing::None);
        let ball = parts.prims.iter().find(|p| p.what[1] == material::BALL).unwrap();
        let strings = parts.prims.iter().find(|p| p.what[1] == material::CORD && p.origin.w > 0.5).unwrap();
        assert!((ball.a - strings.a).truncate().length() < 1e-3);
        assert!(ball.a.z > 2.2, "{}", ball.a.z);
    }
}
