// The primitives of the scene and the nearest hit of a ray among those of its tile.

#import venue/types.wgsl
#import venue/lens.wgsl
#import venue/shapes.wgsl
#import venue/surround.wgsl

@group(0) @binding(5) var<storage, read> tiles: array<u32>;

fn tile_base(px: vec2<u32>) -> u32 {
    return ((px.y / TILE) * view.counts.z + px.x / TILE) * (TILE_CAPACITY + 1u);
}

fn listed(base: u32, i: u32, all: bool) -> u32 {
    return select(tiles[base + 1u + i], i, all);
}

fn nearer(best: Hit, t: f32, k: u32) -> Hit {
    let closer = t > 0.01 && t < best.t;
    return Hit(select(best.t, t, closer), select(best.id, k, closer));
}

// What the ray hits first. One loop per kind: a software adapter runs both sides of every branch, but stops a loop.
fn trace(o: vec3<f32>, d: vec3<f32>, base: u32) -> Hit {
    var best = surround(o, d);
    let header = tiles[base];
    let all = header == TILE_OVERFLOW;
    let cones = select(header & 255u, view.kinds.x, all);
    let ellipsoids = select((header >> 8u) & 255u, view.kinds.y, all);
    let flats = select((header >> 16u) & 255u, view.kinds.z, all);
    for (var i = 0u; i < cones; i++) {
        let k = listed(base, i, all);
        best = nearer(best, hit_cone(prims.all[k].a, prims.all[k].b, o, d), k);
    }
    for (var i = cones; i < ellipsoids; i++) {
        let k = listed(base, i, all);
        best = nearer(best, hit_ellipsoid(k, o, d), k);
    }
    for (var i = ellipsoids; i < flats; i++) {
        let k = listed(base, i, all);
        best = nearer(best, hit_flat(k, o, d), k);
    }
    return best;
}

// Where the samples of a pixel of this dispatch begin: its centre's hit, then `samples` more.
fn hit_base(px: vec2<u32>) -> u32 {
    return ((px.y - view.counts.w) * view.size.x + px.x) * (view.size.w + 1u);
}

fn tile_index(px: vec2<u32>) -> u32 {
    return (px.y / TILE) * view.counts.z + px.x / TILE;
}

fn class_of(id: u32) -> u32 {
    if (id == FLOOR) {
        return CLASS_FLOOR;
    }
    if (id == STANDS) {
        return CLASS_STANDS;
    }
    return select(CLASS_PRIMS, CLASS_REST, id >= SKY);
}

// Offset of sample i in pixels: 0 is the centre, the others a low-discrepancy (R2) set around it.
fn sample_offset(i: u32) -> vec2<f32> {
    let offset = fract(vec2<f32>(0.75487767, 0.56984029) * f32(i) + 0.5) - 0.5;
    return select(offset, vec2<f32>(0.0), i == 0u);
}

fn ray(px: vec2<u32>, i: u32) -> vec3<f32> {
    let ideal = ideal_from_px(vec2<f32>(px) + 0.5);
    let step_px = sample_offset(i) / view.focal.xy;
    return normalize(world_from_ideal(ideal.xy + ideal.by_x * step_px.x + ideal.by_y * step_px.y));
}
