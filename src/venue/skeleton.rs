//! Articulated people: a few key poses, eased through time, and two-bone inverse kinematics for the limbs.
//!
//! Person frame: +x to the person's right, +y forward, +z up, origin on the floor; metres, for a person of 1.80 m.

use glam::{Quat, Vec3};

/// A pose as an animator writes it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Key {
    /// Pelvis centre in the person frame.
    pub pelvis: Vec3,
    /// Turn of the pelvis about up, lean forward, lean to the right, radians.
    pub pelvis_turn: Vec3,
    /// The same for the chest, relative to the pelvis.
    pub chest_turn: Vec3,
    /// The same for the head, relative to the chest.
    pub head_turn: Vec3,
    /// Wrists (left, right) relative to the middle of the shoulders, in the chest's frame.
    pub wrists: [Vec3; 2],
    /// Ankles (left, right) in the person frame.
    pub ankles: [Vec3; 2],
    /// Pitch of the feet (left, right): positive = toes down, radians.
    pub toes: [f32; 2],
    /// Direction of the racket in the chest's frame (need not be unit).
    pub racket: Vec3,
}

fn turn(t: Vec3) -> Quat {
    // Yaw to the left is positive about up; lean forward tips +z towards +y; lean right tips +z towards +x.
    Quat::from_rotation_z(t.x) * Quat::from_rotation_x(-t.y) * Quat::from_rotation_y(t.z)
}

impl Key {
    /// Standing at ease.
    pub const STAND: Self = Self {
        pelvis: Vec3::new(0.0, 0.0, 0.955),
        pelvis_turn: Vec3::ZERO,
        chest_turn: Vec3::new(0.0, 0.05, 0.0),
        head_turn: Vec3::ZERO,
        wrists: [Vec3::new(-0.27, 0.08, -0.52), Vec3::new(0.27, 0.08, -0.52)],
        ankles: [Vec3::new(-0.13, 0.0, 0.08), Vec3::new(0.13, 0.02, 0.08)],
        toes: [0.0, 0.0],
        racket: Vec3::new(0.2, 0.8, -0.3),
    };

    fn to_array(self) -> [f32; 35] {
        let mut out = [0.0; 35];
        let vectors = [
            self.pelvis,
            self.pelvis_turn,
            self.chest_turn,
            self.head_turn,
            self.wrists[0],
            self.wrists[1],
            self.ankles[0],
            self.ankles[1],
            self.racket,
        ];
        for (slot, v) in out.chunks_exact_mut(3).zip(vectors) {
            slot.copy_from_slice(&v.to_array());
        }
        out[27] = self.toes[0];
        out[28] = self.toes[1];
        out
    }

    fn from_array(a: &[f32; 35]) -> Self {
        let v = |i: usize| Vec3::new(a[i * 3], a[i * 3 + 1], a[i * 3 + 2]);
        Self {
            pelvis: v(0),
            pelvis_turn: v(1),
            chest_turn: v(2),
            head_turn: v(3),
            wrists: [v(4), v(5)],
            ankles: [v(6), v(7)],
            racket: v(8),
            toes: [a[27], a[28]],
        }
    }
}

/// The pose at `phase` (0…1, periodic) of keys at increasing phases: cubic Hermite with finite-difference tangents.
pub fn ease(keys: &[(f32, Key)], phase: f32) -> Key {
    let n = keys.len();
    if n == 0 {
        return Key::STAND;
    }
    let phase = phase.rem_euclid(1.0);
    let after = keys.iter().position(|(p, _)| *p > phase).unwrap_or(0);
    let at = |i: usize| keys[(after + n + i - 2) % n];
    let gap = |a: f32, b: f32| (b - a).rem_euclid(1.0).max(1e-3);
    let ((p0, k0), (p1, k1), (p2, k2), (p3, k3)) = (at(0), at(1), at(2), at(3));
    let (h0, h1, h2) = (gap(p0, p1), gap(p1, p2), gap(p2, p3));
    let t = ((phase - p1).rem_euclid(1.0) / h1).clamp(0.0, 1.0);
    let (k0, k1, k2, k3) = (k0.to_array(), k1.to_array(), k2.to_array(), k3.to_array());
    let mut out = [0.0; 35];
    for (i, o) in out.iter_mut().enumerate() {
        let m1 = (k2[i] - k0[i]) / (h0 + h1) * h1;
        let m2 = (k3[i] - k1[i]) / (h1 + h2) * h1;
        let (t2, t3) = (t * t, t * t * t);
        *o = (2.0 * t3 - 3.0 * t2 + 1.0) * k1[i] + (t3 - 2.0 * t2 + t) * m1 + (3.0 * t2 - 2.0 * t3) * k2[i] + (t3 - t2) * m2;
    }
    Key::from_array(&out)
}

/// Joints in the world.
#[derive(Debug, Clone, Copy)]
pub struct Joints {
    /// Pelvis centre.
    pub pelvis: Vec3,
    /// `world_from_pelvis`.
    pub pelvis_axes: Quat,
    /// Middle between the shoulders.
    pub neck: Vec3,
    /// `world_from_chest`.
    pub chest_axes: Quat,
    /// Centre of the head.
    pub head: Vec3,
    /// `world_from_head`.
    pub head_axes: Quat,
    /// Shoulder, elbow, wrist; left and right.
    pub arms: [[Vec3; 3]; 2],
    /// Hip, knee, ankle; left and right.
    pub legs: [[Vec3; 3]; 2],
    /// `world_from_foot`; +y towards the toes.
    pub feet_axes: [Quat; 2],
    /// Direction of the racket, unit.
    pub racket: Vec3,
}

/// The middle joint and the reached end of two bones from `root` towards `target`, bending towards `pole`.
fn two_bones(root: Vec3, target: Vec3, upper: f32, lower: f32, pole: Vec3) -> (Vec3, Vec3) {
    let reach = target - root;
    let far = reach.length().clamp((upper - lower).abs() + 0.02, (upper + lower) * 0.998);
    let dir = reach.try_normalize().unwrap_or(Vec3::NEG_Z);
    let along = (upper * upper - lower * lower + far * far) / (2.0 * far);
    let aside = (upper * upper - along * along).max(0.0).sqrt();
    let bend = (pole - dir * pole.dot(dir)).try_normalize().unwrap_or_else(|| dir.any_orthonormal_vector());
    (root + dir * along + bend * aside, root + dir * far)
}

/// Solves the joints of a person standing at `place` (floor), facing `yaw` radians left of world +y, `scale` of 1.80 m.
pub fn solve(key: &Key, place: Vec3, yaw: f32, scale: f32) -> Joints {
    let body = Quat::from_rotation_z(yaw);
    let world = |p: Vec3| place + body * (p * scale);
    let pelvis_axes = body * turn(key.pelvis_turn);
    let chest_axes = pelvis_axes * turn(key.chest_turn);
    let head_axes = chest_axes * turn(key.head_turn);
    let pelvis = world(key.pelvis);
    let spine = chest_axes.lerp(pelvis_axes, 0.5);
    let neck = pelvis + spine * Vec3::new(0.0, 0.0, 0.50 * scale);
    let head = neck + chest_axes * Vec3::new(0.0, 0.015, 0.085) * scale + head_axes * Vec3::new(0.0, 0.02, 0.13) * scale;
    let limb = |side: usize| if side == 0 { -1.0_f32 } else { 1.0 };
    let arms = [0, 1].map(|side| {
        let shoulder = neck + chest_axes * Vec3::new(limb(side) * 0.19, 0.0, -0.03) * scale;
        let wrist = neck + chest_axes * (key.wrists[side] * scale);
        let pole = chest_axes * Vec3::new(limb(side) * 0.7, -0.7, -0.6);
        let (elbow, wrist) = two_bones(shoulder, wrist, 0.30 * scale, 0.27 * scale, pole);
        [shoulder, elbow, wrist]
    });
    let legs = [0, 1].map(|side| {
        let hip = pelvis + pelvis_axes * Vec3::new(limb(side) * 0.095, 0.0, -0.05) * scale;
        let pole = pelvis_axes * Vec3::new(limb(side) * 0.18, 1.0, 0.1);
        let (knee, ankle) = two_bones(hip, world(key.ankles[side]), 0.435 * scale, 0.435 * scale, pole);
        [hip, knee, ankle]
    });
    let feet_axes = [0, 1]
        .map(|side| body * Quat::from_rotation_z(-limb(side) * 0.12 + key.pelvis_turn.x * 0.6) * Quat::from_rotation_x(-key.toes[side]));
    let racket = (chest_axes * key.racket).try_normalize().unwrap_or(Vec3::Y);
    Joints { pelvis, pelvis_axes, neck, chest_axes, head, head_axes, arms, legs, feet_axes, racket }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bones_keep_their_lengths_and_keys_are_met() {
        let bent = Key { pelvis: Vec3::new(0.1, 0.0, 0.7), ..Key::STAND };
        let keys = [(0.0, Key::STAND), (0.3, bent), (0.7, Key::STAND)];
        assert!((ease(&keys, 0.3).pelvis - bent.pelvis).length() < 1e-5);
        assert!((ease(&keys, 1.0).pelvis - ease(&keys, 0.0).pelvis).length() < 1e-5);
        for i in 0..50 {
            let j = solve(&ease(&keys, i as f32 / 50.0), Vec3::new(1.0, 2.0, 0.0), 0.7, 1.0);
            for leg in j.legs {
                assert!((leg[0].distance(leg[1]) - 0.435).abs() < 1e-4);
                assert!((leg[1].distance(leg[2]) - 0.435).abs() < 1e-4);
            }
            assert!(j.head.z > j.pelvis.z);
        }
    }
}
