//! Shapes and noise of the twin.

use glam::{Quat, Vec2, Vec3, Vec4Swizzles as _};

use crate::venue::layout::{Prim, kind};

pub(super) const SKY: u32 = 0xffff_0000;
pub(super) const FLOOR: u32 = 0xffff_0001;
pub(super) const WALL: u32 = 0xffff_0002;
pub(super) const STANDS: u32 = 0xffff_0003;
pub(super) const BACK: u32 = 0xffff_0004;
pub(super) const WALL_RADIUS: f32 = 17.0;
pub(super) const WALL_TOP: f32 = 1.5;
pub(super) const SLOPE: f32 = 1.75;
pub(super) const BACK_RADIUS: f32 = 35.0;
pub(super) const BACK_TOP: f32 = 17.0;

pub(super) type Hit = (f32, u32);

pub(super) fn v3(x: f32, y: f32, z: f32) -> Vec3 {
    Vec3::new(x, y, z)
}

pub(super) fn mix(a: f32, b: f32, t: f32) -> f32 {
    a + (b - a) * t
}

pub(super) fn smooth(a: f32, b: f32, x: f32) -> f32 {
    let t = ((x - a) / (b - a)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

pub(super) fn fract(x: f32) -> f32 {
    x - x.floor()
}

pub(super) fn at_least(edge: f32, x: f32) -> f32 {
    f32::from(u8::from(x >= edge))
}

pub(super) fn hash_u(x: i32, y: i32, z: i32, seed: u32) -> u32 {
    let mut h = (x as u32).wrapping_mul(0x8da6_b343)
        ^ (y as u32).wrapping_mul(0xd816_3841)
        ^ (z as u32).wrapping_mul(0xcb1a_b31f)
        ^ seed.wrapping_mul(0x9e37_79b9);
    h ^= h >> 15;
    h = h.wrapping_mul(0x2c1b_3c6d);
    h ^= h >> 12;
    h = h.wrapping_mul(0x297a_2d39);
    h ^ (h >> 15)
}

pub(super) fn hash(x: i32, y: i32, z: i32, seed: u32) -> f32 {
    (hash_u(x, y, z, seed) >> 8) as f32 / 16_777_216.0
}

pub(super) fn noise3(p: Vec3, seed: u32) -> f32 {
    let f = p.floor();
    let (x, y, z) = (f.x as i32, f.y as i32, f.z as i32);
    let t = p - f;
    let s = t * t * (Vec3::splat(3.0) - 2.0 * t);
    let plane = |k: i32| {
        let low = mix(hash(x, y, z + k, seed), hash(x + 1, y, z + k, seed), s.x);
        let high = mix(hash(x, y + 1, z + k, seed), hash(x + 1, y + 1, z + k, seed), s.x);
        mix(low, high, s.y)
    };
    mix(plane(0), plane(1), s.z) * 2.0 - 1.0
}

pub(super) fn noise2(x: f32, y: f32, seed: u32) -> f32 {
    // A whole z picks one plane of the lattice, the one that the shader's noise2 uses.
    noise3(v3(x, y, 0.0), seed)
}

pub(super) fn detail(cell: f32, fp: f32) -> f32 {
    1.0 - smooth(0.4, 1.0, fp / cell)
}

pub(super) fn band(d: f32, half: f32, fp: f32) -> f32 {
    ((half - d.abs()) / fp + 0.5).clamp(0.0, 1.0)
}

pub(super) fn axes(p: &Prim) -> Quat {
    Quat::from_vec4(p.q)
}

pub(super) fn hit_prim(p: &Prim, o: Vec3, d: Vec3) -> Option<f32> {
    let a = p.a.xyz();
    let shift = (a - o).dot(d);
    let near = o + d * shift;
    if p.what[0] == kind::CONE {
        let (ra, rb) = (p.a.w, p.b.w);
        let ba = p.b.xyz() - a;
        // The hull of two spheres: the sides first, then the caps; in f64, by the definition rather than the shader's form.
        let (oa, ba, d) = (near.as_dvec3() - a.as_dvec3(), ba.as_dvec3(), d.as_dvec3());
        let (ra, rb) = (f64::from(ra), f64::from(rb));
        let length = ba.length();
        let axis = ba / length;
        let sine = (ra - rb) / length;
        let cosine = (1.0 - sine * sine).sqrt();
        // Side: distance to the axis = (ra - h·sine) / cosine … with h along the axis, between the circles where the spheres touch.
        let (h0, h1) = (oa.dot(axis), d.dot(axis));
        let (w0, w1) = (oa - axis * h0, d - axis * h1);
        let slant = sine / cosine;
        let (r0, r1) = (ra / cosine - h0 * slant, -h1 * slant);
        let qa = w1.dot(w1) - r1 * r1;
        let qb = w0.dot(w1) - r0 * r1;
        let qc = w0.dot(w0) - r0 * r0;
        let disc = qb * qb - qa * qc;
        let mut best: Option<f64> = None;
        if disc >= 0.0 && qa.abs() > 1e-12 {
            let t = (-qb - disc.sqrt()) / qa;
            let h = h0 + t * h1;
            if h > ra * sine && h < length + rb * sine {
                best = Some(t);
            }
        }
        for (c, r) in [(glam::DVec3::ZERO, ra), (ba, rb)] {
            let w = oa - c;
            let disc = w.dot(d).powi(2) - w.dot(w) + r * r;
            if disc >= 0.0 {
                let t = -w.dot(d) - disc.sqrt();
                best = Some(best.map_or(t, |b| b.min(t)));
            }
        }
        return best.map(|t| t as f32 + shift);
    }
    let q = axes(p).inverse();
    let (lo, ld) = (q * (near - a), q * d);
    let half = p.b.xyz();
    match p.what[0] {
        kind::ELLIPSOID => {
            let (uo, ud) = (lo / half, ld / half);
            let (dd, od) = (ud.dot(ud), uo.dot(ud));
            let disc = od * od - dd * (uo.dot(uo) - 1.0);
            (disc >= 0.0).then(|| shift + (-od - disc.sqrt()) / dd)
        }
        kind::BOX => {
            let (mut t0, mut t1) = (f32::NEG_INFINITY, f32::INFINITY);
            for i in 0..3 {
                let d = if ld[i].abs() < 1e-9 { 1e-9 } else { ld[i] };
                let (x, y) = ((-half[i] - lo[i]) / d, (half[i] - lo[i]) / d);
                t0 = t0.max(x.min(y));
                t1 = t1.min(x.max(y));
            }
            (t0 <= t1).then_some(t0 + shift)
        }
        _ => {
            let t = -lo.y / if ld.y.abs() < 1e-9 { 1e-9 } else { ld.y };
            let at = lo + ld * t;
            let (e, pitch) = (Vec2::new(at.x / p.b.x, at.z / p.b.y), p.b.z);
            let outside = if p.origin.w > 0.5 { e.length_squared() } else { e.abs().max_element() };
            let cell = |v: f32| (fract(v / pitch + 0.5) - 0.5).abs() * pitch;
            (outside <= 1.0 && cell(at.x).min(cell(at.z)) < p.b.w).then_some(t + shift)
        }
    }
}

pub(super) fn normal_at(p: &Prim, at: Vec3, d: Vec3) -> Vec3 {
    let pa = at - p.a.xyz();
    if p.what[0] == kind::CONE {
        let ba = p.b.xyz() - p.a.xyz();
        let dr = p.a.w - p.b.w;
        let side = ba.dot(ba) - dr * dr;
        let y = pa.dot(ba) - p.a.w * dr;
        return if y <= 0.0 {
            pa.normalize()
        } else if y >= side {
            (at - p.b.xyz()).normalize()
        } else {
            (side * pa - ba * y).normalize()
        };
    }
    let q = axes(p);
    let l = q.inverse() * pa;
    match p.what[0] {
        kind::ELLIPSOID => (q * (l / (p.b.xyz() * p.b.xyz()))).normalize(),
        kind::BOX => {
            let e = (l / p.b.xyz()).abs();
            q * if e.y > e.x && e.y >= e.z {
                Vec3::Y * l.y.signum()
            } else if e.z > e.x {
                Vec3::Z * l.z.signum()
            } else {
                Vec3::X * l.x.signum()
            }
        }
        _ => {
            let n = q * Vec3::Y;
            if n.dot(d) > 0.0 { -n } else { n }
        }
    }
}

pub(super) fn surround(o: Vec3, d: Vec3) -> Hit {
    if d.z < 0.0 {
        let t = -o.z / d.z;
        if (o + d * t).truncate().length() < WALL_RADIUS {
            return (t, FLOOR);
        }
    }
    let a = d.truncate().length_squared().max(1e-9);
    let b = o.truncate().dot(d.truncate());
    let oo = o.truncate().length_squared();
    let leave = |r: f32| (-b + (b * b - a * (oo - r * r)).max(0.0).sqrt()) / a;
    let wall = leave(WALL_RADIUS);
    if o.z + d.z * wall <= WALL_TOP {
        return (wall, WALL);
    }
    let back_z = WALL_TOP + (BACK_RADIUS - WALL_RADIUS) / SLOPE;
    let c = WALL_RADIUS - SLOPE * WALL_TOP + SLOPE * o.z;
    let g = SLOPE * d.z;
    let (qa, qb, qc) = (a - g * g, b - g * c, oo - c * c);
    let disc = qb * qb - qa * qc;
    if disc >= 0.0 && qa.abs() > 1e-7 {
        let (t0, t1) = ((-qb - disc.sqrt()) / qa, (-qb + disc.sqrt()) / qa);
        let t = if t0.min(t1) > wall - 0.01 { t0.min(t1) } else { t0.max(t1) };
        let z = o.z + d.z * t;
        if t > 0.0 && z >= WALL_TOP - 0.01 && z < back_z {
            return (t, STANDS);
        }
    }
    let back = leave(BACK_RADIUS);
    if o.z + d.z * back < BACK_TOP { (back, BACK) } else { (1e20, SKY) }
}
