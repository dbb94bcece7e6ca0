//! What stands in the hall besides what always does: things that are hard for view synthesis and that the plain show would not have.

use glam::{Quat, Vec3};

use super::build::{Paint, Parts};
use super::layout::material;
use super::skeleton::Joints;

/// What is added to the hall.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dressing {
    /// Nothing.
    #[default]
    None,
    /// The athlete's hair is loose: strands of 4 mm in the air.
    LooseHair,
    /// A plain wall of one colour behind the athlete, without any texture.
    PlainWall,
    /// The athlete has not come in yet: no athlete, no racket, no ball.
    BeforeEntrance,
    /// Three black lacquered balls: no texture of their own, and highlights that wander as the viewer does.
    Lacquer,
}

/// Half sizes and centre of the plain wall, metres.
pub(super) const WALL: (Vec3, Vec3) = (Vec3::new(0.0, 4.3, 1.45), Vec3::new(3.4, 0.04, 1.45));
/// Centres and radii of the lacquered balls, metres.
pub(super) const BALLS: [(Vec3, f32); 3] =
    [(Vec3::new(-0.95, -1.0, 0.36), 0.36), (Vec3::new(0.55, -1.45, 0.28), 0.28), (Vec3::new(0.95, -0.3, 1.35), 0.24)];
/// Radius of a strand, metres.
const STRAND_M: f32 = 0.002;
const STRANDS: u32 = 36;

/// Loose strands from the back of the head, three points each.
pub(super) fn strands(j: &Joints, scale: f32) -> Vec<[Vec3; 3]> {
    // Low-discrepancy, so that no two strands lie on each other.
    let spread = |i: u32, step: f32| (i as f32 * step).fract() * 2.0 - 1.0;
    (0..STRANDS)
        .map(|i| {
            let (a, b, c) = (spread(i, 0.618_034), spread(i, 0.754_877), spread(i, 0.569_84));
            let out = Vec3::new(0.9 * a, -0.75 + 0.35 * c, 0.35 + 0.75 * b).normalize();
            let root = out * Vec3::new(0.078, 0.088, 0.095);
            let bend = root + out * (0.13 + 0.04 * c);
            let tip = bend + (out * 0.10 + Vec3::new(0.05 * b, -0.07, -0.06 + 0.05 * a));
            [root, bend, tip].map(|p| j.head + j.head_axes * p * scale)
        })
        .collect()
}

/// Adds it. `athlete`: the joints and the size of the athlete, with the colour of the hair.
pub(super) fn add(parts: &mut Parts, dressing: Dressing, (joints, scale, hair): (&Joints, f32, Vec3)) {
    let first = parts.casters.len();
    match dressing {
        Dressing::None | Dressing::BeforeEntrance => return,
        Dressing::LooseHair => {
            // Too thin for shadows.
            parts.shadowless = true;
            let paint = Paint::plain(material::HAIR, hair * 1.6).foreground().seeded(171);
            for [root, bend, tip] in strands(joints, scale) {
                parts.bar(root, bend, STRAND_M, paint);
                parts.bar(bend, tip, STRAND_M, paint);
            }
            parts.shadowless = false;
        }
        Dressing::PlainWall => {
            let (center, half) = WALL;
            // The material of cords is the only one without grain.
            parts.cuboid(center, half, Quat::IDENTITY, Paint::plain(material::CORD, Vec3::new(0.46, 0.44, 0.40)));
            parts.cast_box(center, half, Quat::IDENTITY);
        }
        Dressing::Lacquer => {
            for (center, radius) in BALLS {
                let paint = Paint::of(Vec3::new(0.012, 0.012, 0.016)).seeded(55);
                parts.ellipsoid(center, Vec3::splat(radius), Quat::IDENTITY, center, paint);
            }
        }
    }
    parts.cluster(first);
}
