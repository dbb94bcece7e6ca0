// The primitives of the scene and the nearest hit of a ray among those of its tile.

#import venue/types.wgsl
#import venue/shapes.wgsl
#import venue/surround.wgsl

@group(0) @binding(2) var<storage, read> bounds: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> tiles: array<u32>;

fn tile_base(px: vec2<u32>) -> u32 {
    return ((px.y / TILE) * view.counts.z + px.x / TILE) * (TILE_CAPACITY + 1u);
}

// The nearest primitive; `best` is what is hit without any.
fn trace(o: vec3<f32>, d: vec3<f32>, base: u32) -> Hit {
    var best = surround(o, d);
    let listed = tiles[base] & 0xffffu;
    let all = listed > TILE_CAPACITY;
    let n = select(listed, view.counts.x, all);
    for (var i = 0u; i < n; i++) {
        var k = i;
        if (!all) {
            k = tiles[base + 1u + i];
        }
        let s = bounds[k];
        let w = s.xyz - o;
        let along = dot(w, d);
        if (dot(w, w) - along * along > s.w * s.w || along - abs(s.w) > best.t) {
            continue;
        }
        let t = hit_prim(k, o, d);
        if (t > 0.01 && t < best.t) {
            best = Hit(t, k);
        }
    }
    return best;
}

// The ray again, when it is known what it hits.
fn retrace(o: vec3<f32>, d: vec3<f32>, id: u32) -> Hit {
    if (id >= SKY) {
        return surround(o, d);
    }
    return Hit(hit_prim(id, o, d), id);
}
