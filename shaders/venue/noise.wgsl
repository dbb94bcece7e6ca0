// Value noise on an integer hash: the same bits on every adapter and in the Rust twin.

fn hash_u(x: i32, y: i32, z: i32, seed: u32) -> u32 {
    var h = bitcast<u32>(x) * 0x8da6b343u ^ bitcast<u32>(y) * 0xd8163841u ^ bitcast<u32>(z) * 0xcb1ab31fu ^ seed * 0x9e3779b9u;
    h ^= h >> 15u;
    h *= 0x2c1b3c6du;
    h ^= h >> 12u;
    h *= 0x297a2d39u;
    h ^= h >> 15u;
    return h;
}

fn hash(x: i32, y: i32, z: i32, seed: u32) -> f32 {
    return f32(hash_u(x, y, z, seed) >> 8u) / 16777216.0;
}

// -1..1, wavelength about two cells.
fn noise2(p: vec2<f32>, seed: u32) -> f32 {
    let f = floor(p);
    let c = vec2<i32>(f);
    let t = p - f;
    let s = t * t * (3.0 - 2.0 * t);
    let low = mix(hash(c.x, c.y, 0, seed), hash(c.x + 1, c.y, 0, seed), s.x);
    let high = mix(hash(c.x, c.y + 1, 0, seed), hash(c.x + 1, c.y + 1, 0, seed), s.x);
    return mix(low, high, s.y) * 2.0 - 1.0;
}

fn noise3(p: vec3<f32>, seed: u32) -> f32 {
    let f = floor(p);
    let c = vec3<i32>(f);
    let t = p - f;
    let s = t * t * (3.0 - 2.0 * t);
    var plane = array<f32, 2>(0.0, 0.0);
    for (var k = 0; k < 2; k++) {
        let low = mix(hash(c.x, c.y, c.z + k, seed), hash(c.x + 1, c.y, c.z + k, seed), s.x);
        let high = mix(hash(c.x, c.y + 1, c.z + k, seed), hash(c.x + 1, c.y + 1, c.z + k, seed), s.x);
        plane[k] = mix(low, high, s.y);
    }
    return mix(plane[0], plane[1], s.z) * 2.0 - 1.0;
}

// Weight of detail with cells of `cell` metres seen with pixels of `footprint` metres: none below Nyquist.
fn detail(cell: f32, footprint: f32) -> f32 {
    return 1.0 - smoothstep(0.4, 1.0, footprint / cell);
}

// Share of a pixel `footprint` wide that lies inside a band |d| < half.
fn band(d: f32, half_width: f32, footprint: f32) -> f32 {
    return clamp((half_width - abs(d)) / footprint + 0.5, 0.0, 1.0);
}
