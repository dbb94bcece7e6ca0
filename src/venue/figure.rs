//! A dressed person from solved joints.

use glam::{Quat, Vec3};

use super::build::{Paint, Parts};
use super::layout::material;
use super::skeleton::Joints;

/// How a person looks.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// Linear albedo of the skin.
    pub skin: Vec3,
    /// Hair.
    pub hair: Vec3,
    /// Shirt and its stripes.
    pub shirt: [Vec3; 2],
    /// Stripes: 0 along, 1 hoops, 2 sash, 3 chest band.
    pub pattern: u32,
    /// Number on chest and back, 0 = none.
    pub number: u32,
    /// Shorts or trousers, and their seam.
    pub shorts: [Vec3; 2],
    /// Whether the legs are covered.
    pub trousers: bool,
    /// Shoes and their stripe.
    pub shoes: [Vec3; 2],
    /// Ponytail.
    pub ponytail: bool,
    /// Size relative to 1.80 m.
    pub scale: f32,
    /// Width relative to the athlete.
    pub girth: f32,
    /// Noise seed.
    pub seed: u32,
}

/// Adds the person's primitives and one cluster of casters.
pub fn dress(parts: &mut Parts, j: &Joints, look: &Look, sway: f32) {
    let first = parts.casters.len();
    let s = look.scale;
    let g = look.girth;
    let paint = |m: u32, c: Vec3, c2: Vec3| Paint::plain(m, c).and(c2).foreground().seeded(look.seed);
    let skin = paint(material::SKIN, look.skin, look.skin);
    let shirt = paint(material::SHIRT, look.shirt[0], look.shirt[1]).flagged(look.pattern << 16);
    let numbered = shirt.flagged(look.number << 8);
    let shorts = paint(material::CLOTH, look.shorts[0], look.shorts[1]);
    let hair = paint(material::HAIR, look.hair, look.hair);
    let shoe = paint(material::SHOE, look.shoes[0], look.shoes[1]);
    let sock = paint(material::CLOTH, Vec3::splat(0.62), Vec3::splat(0.62));

    // A dozen coarse casters stand for the whole person; what is drawn below casts none.
    parts.cast(
        (j.neck + j.chest_axes * Vec3::new(0.0, 0.0, -0.15) * s, 0.145 * s * g),
        (j.pelvis + j.pelvis_axes * Vec3::Z * 0.03 * s, 0.135 * s * g),
    );
    parts.cast((j.arms[0][0].lerp(j.neck, 0.15), 0.062 * s), (j.arms[1][0].lerp(j.neck, 0.15), 0.062 * s));
    parts.cast(
        (j.head + j.head_axes * Vec3::new(0.0, -0.01, 0.04) * s, 0.090 * s),
        (j.head + j.head_axes * Vec3::new(0.0, 0.01, -0.06) * s, 0.065 * s),
    );
    for [shoulder, elbow, wrist] in j.arms {
        parts.cast((shoulder, 0.058 * s), (elbow, 0.040 * s));
        parts.cast((elbow, 0.040 * s), (wrist + (wrist - elbow) * 0.3, 0.030 * s));
    }
    for (side, [hip, knee, ankle]) in j.legs.into_iter().enumerate() {
        let heavy = if look.trousers { 1.0 } else { 0.9 };
        parts.cast((hip, 0.098 * s * g), (knee, 0.064 * s * heavy));
        parts.cast((knee, 0.062 * s * heavy), (ankle, 0.045 * s));
        parts.cast(
            (ankle + j.feet_axes[side] * Vec3::new(0.0, -0.03, -0.04) * s, 0.040 * s),
            (ankle + j.feet_axes[side] * Vec3::new(0.0, 0.15, -0.05) * s, 0.032 * s),
        );
    }
    parts.shadowless = true;

    // Trunk: chest and belly share one texture frame, so that the pattern runs through.
    let chest = j.neck + j.chest_axes * Vec3::new(0.0, 0.0, -0.17) * s;
    let belly = (j.pelvis * 0.55 + j.neck * 0.45) + j.pelvis_axes * Vec3::new(0.0, 0.005, -0.07) * s;
    let wide = |x: f32, y: f32, z: f32| Vec3::new(x * g, y * g, z) * s;
    parts.ellipsoid(chest, wide(0.178, 0.122, 0.215), j.chest_axes, chest, numbered);
    parts.ellipsoid(belly, wide(0.150, 0.108, 0.20), j.chest_axes, chest, numbered);
    let hem = j.pelvis + j.pelvis_axes * Vec3::new(0.0, 0.0, 0.075) * s;
    parts.ellipsoid(hem, wide(0.160, 0.118, 0.105), j.pelvis_axes, chest, shirt);
    parts.ellipsoid(
        j.pelvis + j.pelvis_axes * Vec3::new(0.0, -0.005, -0.03) * s,
        wide(0.163, 0.122, 0.13),
        j.pelvis_axes,
        j.pelvis,
        shorts,
    );
    let [l, r] = [j.arms[0][0], j.arms[1][0]];
    parts.cone(
        (l.lerp(j.neck, 0.1), 0.058 * s),
        (j.neck + j.chest_axes * Vec3::new(-0.02, -0.01, 0.005) * s, 0.068 * s),
        j.chest_axes,
        chest,
        shirt,
    );
    parts.cone(
        (r.lerp(j.neck, 0.1), 0.058 * s),
        (j.neck + j.chest_axes * Vec3::new(0.02, -0.01, 0.005) * s, 0.068 * s),
        j.chest_axes,
        chest,
        shirt,
    );

    // Neck, head, hair.
    let head_point = |x: f32, y: f32, z: f32| j.head + j.head_axes * Vec3::new(x, y, z) * s;
    parts.cone((j.neck, 0.056 * s), (head_point(0.0, -0.015, -0.06), 0.052 * s), j.chest_axes, j.neck, skin);
    let face = paint(material::HEAD, look.skin, look.hair);
    parts.ellipsoid(j.head, Vec3::new(0.074, 0.093, 0.112) * s, j.head_axes, j.head, face);
    parts.ellipsoid(head_point(0.0, 0.028, -0.062), Vec3::new(0.052, 0.058, 0.055) * s, j.head_axes, j.head, face);
    parts.cone((head_point(0.0, 0.088, 0.012), 0.010 * s), (head_point(0.0, 0.104, -0.022), 0.015 * s), j.head_axes, j.head, skin);
    for side in [-1.0, 1.0] {
        parts.ellipsoid(head_point(side * 0.076, 0.0, -0.005), Vec3::new(0.012, 0.022, 0.032) * s, j.head_axes, j.head, skin);
    }
    parts.ellipsoid(head_point(0.0, -0.020, 0.030), Vec3::new(0.082, 0.090, 0.098) * s, j.head_axes, j.head, hair);
    if look.ponytail {
        let tie = head_point(0.0, -0.105, 0.055);
        let tip = tie + j.head_axes * Vec3::new(0.10 * sway, -0.10 - 0.05 * sway.abs(), -0.02 + 0.05 * sway) * s;
        let end = tip + Vec3::new(0.04 * sway, 0.0, -0.15) * s + j.head_axes * Vec3::new(0.05 * sway, -0.03, 0.0) * s;
        parts.cone((tie, 0.026 * s), (tip, 0.036 * s), j.head_axes, j.head, hair);
        parts.cone((tip, 0.036 * s), (end, 0.012 * s), j.head_axes, j.head, hair);
    }

    // Limbs, each with a frame along its bone.
    let along = |a: Vec3, b: Vec3| (b - a).try_normalize().map_or(Quat::IDENTITY, |d| Quat::from_rotation_arc(Vec3::NEG_Z, d));
    for [shoulder, elbow, wrist] in j.arms {
        let (upper, lower) = (along(shoulder, elbow), along(elbow, wrist));
        parts.cone((shoulder, 0.064 * s), (shoulder.lerp(elbow, 0.50), 0.056 * s), upper, shoulder, shirt);
        parts.cone((shoulder, 0.047 * s), (elbow, 0.038 * s), upper, shoulder, skin);
        parts.cone((elbow.lerp(wrist, 0.04), 0.040 * s), (elbow.lerp(wrist, 0.35), 0.041 * s), lower, elbow, skin);
        parts.cone((elbow.lerp(wrist, 0.3), 0.041 * s), (wrist, 0.026 * s), lower, elbow, skin);
        let reach = (wrist - elbow).normalize_or(Vec3::NEG_Z) * s;
        parts.cone((wrist + reach * 0.03, 0.034 * s), (wrist + reach * 0.085, 0.030 * s), lower, wrist, skin);
        parts.cone((wrist - reach * 0.03, 0.0315 * s), (wrist - reach * 0.005, 0.0305 * s), lower, wrist, sock);
    }
    for (side, [hip, knee, ankle]) in j.legs.into_iter().enumerate() {
        let (upper, lower) = (along(hip, knee), along(knee, ankle));
        let shin = |t: f32| knee.lerp(ankle, t);
        // The calf stands out behind the bone.
        let back = j.feet_axes[side] * Vec3::new(0.0, -0.018, 0.0) * s;
        if look.trousers {
            parts.cone((hip, 0.098 * s * g), (knee, 0.072 * s), upper, hip, shorts);
            parts.cone((knee, 0.072 * s), (shin(0.92), 0.062 * s), lower, hip, shorts);
        } else {
            parts.cone((hip, 0.102 * s * g), (hip.lerp(knee, 0.60), 0.092 * s), upper, hip, shorts);
            parts.cone((hip, 0.086 * s), (knee, 0.056 * s), upper, hip, skin);
            parts.cone((knee, 0.056 * s), (shin(0.30) + back, 0.057 * s), lower, knee, skin);
            parts.cone((shin(0.25) + back, 0.057 * s), (shin(0.95), 0.034 * s), lower, knee, skin);
            parts.cone((shin(0.72), 0.046 * s), (ankle, 0.041 * s), lower, knee, sock);
        }
        let foot = |x: f32, y: f32, z: f32| ankle + j.feet_axes[side] * Vec3::new(x, y, z) * s;
        let axes = j.feet_axes[side];
        let origin = foot(0.0, 0.05, -0.045);
        parts.cone((foot(0.0, -0.045, -0.038), 0.041 * s), (foot(0.0, 0.10, -0.045), 0.040 * s), axes, origin, shoe);
        parts.cone((foot(0.0, 0.08, -0.045), 0.040 * s), (foot(0.0, 0.165, -0.055), 0.028 * s), axes, origin, shoe);
        parts.cone((ankle, 0.046 * s), (foot(0.0, 0.06, -0.03), 0.036 * s), axes, origin, shoe);
    }
    parts.shadowless = false;
    parts.cluster(first);
}
