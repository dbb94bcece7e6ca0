// Everything that does not move: floor, front wall, stands (a cone), back wall. Analytic, no primitive list.

#import venue/types.wgsl
#import venue/noise.wgsl

const SKY: u32 = 0xffff0000u;
const FLOOR: u32 = 0xffff0001u;
const WALL: u32 = 0xffff0002u;
const STANDS: u32 = 0xffff0003u;
const BACK: u32 = 0xffff0004u;

const WALL_RADIUS: f32 = 17.0;
const WALL_TOP: f32 = 1.5;
const STANDS_SLOPE: f32 = 1.75;
const BACK_RADIUS: f32 = 35.0;
const BACK_TOP: f32 = 17.0;
const ROW: f32 = 0.95;
const SEAT: f32 = 0.58;

struct Hit {
    t: f32,
    id: u32,
}

fn surround(o: vec3<f32>, d: vec3<f32>) -> Hit {
    if (d.z < 0.0) {
        let t = -o.z / d.z;
        let p = o.xy + d.xy * t;
        if (dot(p, p) < WALL_RADIUS * WALL_RADIUS) {
            return Hit(t, FLOOR);
        }
    }
    let a = dot(d.xy, d.xy);
    let b = dot(o.xy, d.xy);
    let oo = dot(o.xy, o.xy);
    let wall = (-b + sqrt(max(b * b - a * (oo - WALL_RADIUS * WALL_RADIUS), 0.0))) / max(a, 1e-9);
    if (o.z + d.z * wall <= WALL_TOP) {
        return Hit(wall, WALL);
    }
    // Radius of the stands at height z: r = c + slope z.
    let back_z = WALL_TOP + (BACK_RADIUS - WALL_RADIUS) / STANDS_SLOPE;
    let c = WALL_RADIUS - STANDS_SLOPE * WALL_TOP + STANDS_SLOPE * o.z;
    let g = STANDS_SLOPE * d.z;
    let qa = a - g * g;
    let qb = b - g * c;
    let qc = oo - c * c;
    let disc = qb * qb - qa * qc;
    if (disc >= 0.0 && abs(qa) > 1e-7) {
        let root = sqrt(disc);
        let t0 = (-qb - root) / qa;
        let t1 = (-qb + root) / qa;
        let near = min(t0, t1);
        let far = max(t0, t1);
        let t = select(far, near, near > wall - 0.01);
        let z = o.z + d.z * t;
        if (t > 0.0 && z >= WALL_TOP - 0.01 && z < back_z) {
            return Hit(t, STANDS);
        }
    }
    let back = (-b + sqrt(max(b * b - a * (oo - BACK_RADIUS * BACK_RADIUS), 0.0))) / max(a, 1e-9);
    if (o.z + d.z * back < BACK_TOP) {
        return Hit(back, BACK);
    }
    return Hit(1e20, SKY);
}

fn floor_albedo(p: vec2<f32>, footprint: f32, seed: u32) -> vec3<f32> {
    let grain = 0.16 * noise2(p * 1.1, seed) * detail(0.9, footprint)
        + 0.14 * noise2(p * 5.3, seed + 1u) * detail(0.19, footprint)
        + 0.20 * noise2(p * 23.0, seed + 2u) * detail(0.043, footprint)
        + 0.26 * noise2(p * 83.0, seed + 3u) * detail(0.012, footprint);
    let q = abs(p);
    var color = vec3<f32>(0.23, 0.055, 0.04);
    var rough = 1.0;
    if (q.x < 6.0 && q.y < 4.0) {
        color = vec3<f32>(0.035, 0.13, 0.30);
        rough = 0.8;
        // The deliberately plain area: fresh paint, no texture at all.
        if (p.x > 1.1 && p.x < 4.3 && p.y > -3.3 && p.y < -1.2) {
            color = vec3<f32>(0.05, 0.20, 0.42);
            rough = 0.0;
        }
    } else if (q.x > 8.2 || q.y > 6.2) {
        color = vec3<f32>(0.045, 0.11, 0.06);
        // Tiles of the surround, 1.2 m.
        let tile = abs(fract(p / 1.2) - 0.5) * 1.2;
        let seam = max(band(0.6 - tile.x, 0.012, footprint), band(0.6 - tile.y, 0.012, footprint));
        let shade = hash(i32(floor(p.x / 1.2)), i32(floor(p.y / 1.2)), 0, seed + 9u);
        color = color * (0.85 + 0.3 * shade) * (1.0 - 0.5 * seam);
    }
    color *= 1.0 + rough * grain;
    // Scuffs and shoe marks.
    let scuff = noise2(vec2<f32>(p.x * 2.1 + p.y * 0.4, p.y * 9.0), seed + 5u);
    color *= 1.0 - rough * 0.35 * smoothstep(0.62, 0.9, scuff);
    // Lines 5 cm wide.
    var line = max(band(q.x - 6.0, 0.03, footprint) * step(q.y, 4.03), band(q.y - 4.0, 0.03, footprint) * step(q.x, 6.03));
    line = max(line, band(p.x, 0.025, footprint) * step(q.y, 4.0));
    line = max(line, band(q.y - 1.05, 0.025, footprint) * step(q.x, 6.0));
    line = max(line, band(length(p) - 1.8, 0.03, footprint));
    line = max(line, band(q.y - 5.2, 0.02, footprint) * step(q.x, 8.2));
    let worn = 0.82 + 0.10 * noise2(p * 31.0, seed + 6u) * detail(0.03, footprint) + 0.06 * noise2(p * 3.0, seed + 7u);
    return mix(color, vec3<f32>(0.80, 0.80, 0.77) * worn, line);
}

// One seat of the crowd: a person or an empty chair, seen from the front.
fn crowd(at: vec3<f32>, footprint: f32, phase: f32, seed: u32) -> vec3<f32> {
    let up = at.z - WALL_TOP;
    let slope = up * sqrt(1.0 + STANDS_SLOPE * STANDS_SLOPE);
    let row = floor(slope / ROW);
    let radius = WALL_RADIUS + STANDS_SLOPE * row * ROW / sqrt(1.0 + STANDS_SLOPE * STANDS_SLOPE);
    let angle = atan2(at.y, at.x);
    let seats = floor(6.2831853 * radius / SEAT);
    let along = (angle / 6.2831853 + 0.5) * seats;
    let seat = floor(along);
    // Aisles with steps.
    let aisle = abs(fract((angle / 6.2831853 + 0.5) * 22.0) - 0.5);
    let y = fract(slope / ROW);
    if (aisle > 0.47) {
        return vec3<f32>(0.10, 0.10, 0.11) * (0.55 + 0.6 * step(0.5, fract(y * 3.0)));
    }
    // The walkway with its light ribbon in the middle of the stands.
    if (row == 9.0) {
        return vec3<f32>(0.02, 0.03, 0.06) + vec3<f32>(0.05, 0.25, 0.5) * band(y - 0.5, 0.22, 0.05);
    }
    let h = hash_u(i32(seat), i32(row), 0, seed + 20u);
    let r1 = f32(h & 255u) / 255.0;
    let r2 = f32((h >> 8u) & 255u) / 255.0;
    let r3 = f32((h >> 16u) & 255u) / 255.0;
    let r4 = f32(h >> 24u) / 255.0;
    let bob = 0.07 * r4 * sin(6.2831853 * (phase * (1.0 + floor(r3 * 2.99)) + r1));
    let x = fract(along) - 0.5;
    let v = y - select(0.0, bob, r4 > 0.55);
    // Chair and step behind everyone.
    var color = vec3<f32>(0.03, 0.05, 0.10) * (0.6 + 0.4 * step(0.25, y));
    color = mix(color, vec3<f32>(0.06, 0.06, 0.065), band(y - 0.04, 0.06, 0.06));
    if (r2 > 0.09) {
        let shirt_hue = fract(r1 * 7.31 + r3);
        var shirt = vec3<f32>(0.32, 0.31, 0.30) * (0.25 + 1.1 * r4);
        if (shirt_hue < 0.28) {
            shirt = vec3<f32>(0.45, 0.05, 0.06) * (0.4 + 0.7 * r4);
        } else if (shirt_hue < 0.5) {
            shirt = vec3<f32>(0.05, 0.12, 0.40) * (0.4 + 0.8 * r4);
        } else if (shirt_hue < 0.62) {
            shirt = vec3<f32>(0.60, 0.45, 0.06);
        } else if (shirt_hue < 0.7) {
            shirt = vec3<f32>(0.05, 0.28, 0.14);
        }
        let skin = mix(vec3<f32>(0.50, 0.28, 0.19), vec3<f32>(0.12, 0.06, 0.04), r3 * r3);
        let center = (r4 - 0.5) * 0.25;
        let body = length(vec2<f32>((x - center) / 0.40, (v - 0.18) / 0.42));
        color = mix(color, shirt * (0.75 + 0.5 * v), 1.0 - smoothstep(0.9, 1.0 + footprint * 2.0, body));
        let head = length(vec2<f32>((x - center) / 0.17, (v - 0.70) / 0.17));
        color = mix(color, skin, 1.0 - smoothstep(0.85, 1.0 + footprint * 4.0, head));
        let hair = length(vec2<f32>((x - center) / 0.18, (v - 0.79) / 0.12));
        color = mix(color, vec3<f32>(0.03, 0.02, 0.015) * (0.5 + 6.0 * r1 * r1), 1.0 - smoothstep(0.85, 1.0 + footprint * 4.0, hair));
        // Raised hands or a scarf, now and then.
        if (r1 > 0.90) {
            color = mix(color, skin, band(abs(x - center) - 0.30, 0.05, 0.06) * step(0.4, v));
        }
    }
    return color;
}
