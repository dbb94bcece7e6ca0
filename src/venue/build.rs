//! Collecting primitives and their shadow casters.

use glam::{Quat, Vec2, Vec3, Vec4};

use super::layout::{Caster, Cluster, Prim, kind, material};

/// Everything that the shaders draw besides the fixed surround.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Parts {
    /// Primitives.
    pub prims: Vec<Prim>,
    /// Bounding sphere of each primitive.
    pub bounds: Vec<Vec4>,
    /// Shadow casters, grouped.
    pub casters: Vec<Caster>,
    /// Groups of casters.
    pub clusters: Vec<Cluster>,
    /// Whether primitives cast no shadow just now: details inside the shadow of something larger.
    pub shadowless: bool,
}

/// Crossing cords in a frame, metres.
#[derive(Debug, Clone, Copy)]
pub struct Net {
    /// Half the width and half the height.
    pub half: Vec2,
    /// From one cord to the next.
    pub pitch: f32,
    /// Thickness of a cord.
    pub cord: f32,
    /// Whether the frame is an ellipse, else a rectangle.
    pub elliptic: bool,
}

/// What a primitive is made of.
#[derive(Debug, Clone, Copy)]
pub struct Paint {
    /// One of [`material`].
    pub material: u32,
    /// Linear albedo.
    pub color: Vec3,
    /// Second colour.
    pub color2: Vec3,
    /// Flags of the shader (bit 0 foreground, bits 8… number and pattern, or message offset).
    pub flags: u32,
    /// Of the noise.
    pub seed: u32,
}

impl Paint {
    /// One colour.
    pub const fn plain(material: u32, color: Vec3) -> Self {
        Self { material, color, color2: color, flags: 0, seed: 1 }
    }

    /// With a second colour.
    #[must_use]
    pub const fn and(self, color2: Vec3) -> Self {
        Self { color2, ..self }
    }

    /// Painted metal or plastic.
    pub const fn of(color: Vec3) -> Self {
        Self::plain(material::PAINT, color)
    }

    /// Counted in the matte.
    #[must_use]
    pub const fn foreground(self) -> Self {
        Self { flags: self.flags | 1, ..self }
    }

    /// With another noise.
    #[must_use]
    pub const fn seeded(self, seed: u32) -> Self {
        Self { seed, ..self }
    }

    /// With more flags.
    #[must_use]
    pub const fn flagged(self, flags: u32) -> Self {
        Self { flags: self.flags | flags, ..self }
    }
}

/// Cones thinner than this may slip between the rays of neighbouring pixels.
const THIN_M: f32 = 0.016;

fn vec4(v: Vec3, w: f32) -> Vec4 {
    v.extend(w)
}

impl Parts {
    fn push(&mut self, kind: u32, a: Vec4, b: Vec4, axes: Quat, origin: Vec4, paint: Paint, bound: Vec4) {
        self.prims.push(Prim {
            a,
            b,
            q: Vec4::from_array(axes.normalize().to_array()),
            origin,
            color: vec4(paint.color, 0.0),
            color2: vec4(paint.color2, 0.0),
            what: [kind, paint.material, paint.flags, paint.seed],
        });
        self.bounds.push(bound);
    }

    /// A round cone whose texture frame has `axes` and its origin at `origin`; it casts shadow.
    pub fn cone(&mut self, (a, ra): (Vec3, f32), (b, rb): (Vec3, f32), axes: Quat, origin: Vec3, paint: Paint) {
        // One sphere must not contain the other: the shader's cone would not exist.
        let b = if a.distance(b) <= (ra - rb).abs() + 1e-3 { a + Vec3::Z * ((ra - rb).abs() + 2e-3) } else { b };
        let center = (a + b) * 0.5;
        // A negative radius tells the shader that this is thin: always sampled finely.
        let thin = if ra.max(rb) < THIN_M { -1.0 } else { 1.0 };
        let bound = vec4(center, thin * (a.distance(b) * 0.5 + ra.max(rb)));
        self.push(kind::CONE, vec4(a, ra), vec4(b, rb), axes, vec4(origin, 0.0), paint, bound);
        self.cast((a, ra), (b, rb));
    }

    /// A caster alone.
    pub fn cast(&mut self, (a, ra): (Vec3, f32), (b, rb): (Vec3, f32)) {
        if !self.shadowless {
            self.casters.push(Caster { a: vec4(a, ra), b: vec4(b, rb) });
        }
    }

    /// A bar of constant radius.
    pub fn bar(&mut self, a: Vec3, b: Vec3, radius: f32, paint: Paint) {
        let axes = (b - a).try_normalize().map_or(Quat::IDENTITY, |d| Quat::from_rotation_arc(Vec3::X, d));
        self.cone((a, radius), (b, radius), axes, a, paint);
    }

    /// An ellipsoid; it casts the shadow of its box.
    pub fn ellipsoid(&mut self, center: Vec3, half: Vec3, axes: Quat, origin: Vec3, paint: Paint) {
        self.push(kind::ELLIPSOID, vec4(center, 0.0), vec4(half, 0.0), axes, vec4(origin, 0.0), paint, vec4(center, half.max_element()));
        self.cast_box(center, half, axes);
    }

    /// A box; it casts shadow only with [`Self::cast_box`].
    pub fn cuboid(&mut self, center: Vec3, half: Vec3, axes: Quat, paint: Paint) {
        let thin = if half.min_element() < THIN_M && half.length() < 2.0 { -1.0 } else { 1.0 };
        self.push(kind::BOX, vec4(center, 0.0), vec4(half, 0.0), axes, vec4(center, 0.0), paint, vec4(center, thin * half.length()));
    }

    /// The shadow of a box, as that of a round cone along its longest axis.
    pub fn cast_box(&mut self, center: Vec3, half: Vec3, axes: Quat) {
        let long = if half.x >= half.y && half.x >= half.z {
            Vec3::X
        } else if half.y >= half.z {
            Vec3::Y
        } else {
            Vec3::Z
        };
        let length = half.dot(long);
        let radius = (half.element_sum() - length) * 0.5;
        let arm = axes * long * (length - radius).max(0.002);
        self.cast((center - arm, radius), (center + arm, radius));
    }

    /// A plane of crossing cords, in the local xz plane; no shadow.
    pub fn mesh(&mut self, center: Vec3, axes: Quat, net: Net, paint: Paint) {
        let Net { half, pitch, cord, elliptic } = net;
        let bound = if elliptic { half.x.max(half.y) } else { half.x.hypot(half.y) };
        self.push(
            kind::MESH,
            vec4(center, 0.0),
            Vec4::new(half.x, half.y, pitch, cord),
            axes,
            vec4(center, f32::from(u8::from(elliptic))),
            paint,
            vec4(center, -(bound + 0.002)),
        );
    }

    /// Orders the primitives by kind, as the shaders walk them.
    pub fn sort(&mut self) {
        let mut order: Vec<usize> = (0..self.prims.len()).collect();
        // Boxes and meshes share a loop.
        order.sort_by_key(|&i| self.prims[i].what[0].min(kind::BOX));
        self.prims = order.iter().map(|&i| self.prims[i]).collect();
        self.bounds = order.iter().map(|&i| self.bounds[i]).collect();
    }

    /// Closes the group of casters begun at `first`.
    pub fn cluster(&mut self, first: usize) {
        let group = &self.casters[first..];
        if group.is_empty() {
            return;
        }
        let ends = || group.iter().flat_map(|c| [c.a, c.b]);
        let (low, high) = ends().fold((Vec3::INFINITY, Vec3::NEG_INFINITY), |(l, h), e| (l.min(e.truncate()), h.max(e.truncate())));
        let center = (low + high) * 0.5;
        let radius = ends().map(|e| e.truncate().distance(center) + e.w).fold(0.0, f32::max);
        self.clusters.push(Cluster { sphere: vec4(center, radius), range: [first as u32, group.len() as u32, 0, 0] });
    }
}
