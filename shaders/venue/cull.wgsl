// For each tile of 8x8 pixels: which primitives its rays may meet. One thread per tile; a cone around the tile's rays
// against each primitive's bounding sphere, so any lens works; then, because the spheres of a net and of a bar are nearly
// empty, the middle ray against the primitive itself, grown by as much as the cone has grown where it leaves the sphere.

#import venue/types.wgsl
#import venue/lens.wgsl
#import venue/shapes.wgsl

@group(0) @binding(2) var<uniform> bounds: BoundTable;
@group(0) @binding(5) var<storage, read_write> tiles: array<u32>;

// Whether the ray passes within `grown` of a round cone.
fn passes_cone(k: u32, o: vec3<f32>, d: vec3<f32>, grown: f32) -> bool {
    let a = prims.all[k].a;
    let b = prims.all[k].b;
    let ba = b.xyz - a.xyz;
    let oa = a.xyz - o;
    // The point of the segment nearest to the ray's line: both seen along the ray.
    let ba_side = ba - d * dot(ba, d);
    let oa_side = oa - d * dot(oa, d);
    let at = clamp(-dot(oa_side, ba_side) / max(dot(ba_side, ba_side), 1e-9), 0.0, 1.0);
    return length(oa_side + ba_side * at) <= max(a.w, b.w) + grown;
}

// The same for a box or a mesh, which is a box without height.
fn passes_flat(k: u32, o: vec3<f32>, d: vec3<f32>, grown: f32) -> bool {
    let size = prims.all[k].b;
    let is_mesh = prims.all[k].what.x == KIND_MESH;
    let half_size = select(size.xyz, vec3<f32>(size.x, 0.0, size.y), is_mesh) + grown;
    let lo = rotate_back(prims.all[k].q, o - prims.all[k].a.xyz);
    let ld = rotate_back(prims.all[k].q, d);
    let safe = select(ld, vec3<f32>(1e-9), abs(ld) < vec3<f32>(1e-9));
    let mid = -lo / safe;
    let reach = abs(half_size / safe);
    let near = mid - reach;
    let far = mid + reach;
    return max(near.x, max(near.y, near.z)) <= min(far.x, min(far.y, far.z));
}

@compute @workgroup_size(64)
fn cull(@builtin(global_invocation_id) id: vec3<u32>) {
    let first_tile_row = view.counts.w / TILE;
    let tiles_x = view.counts.z;
    let tile_rows = (view.more.x - view.counts.w + TILE - 1u) / TILE;
    if (id.x >= tiles_x * tile_rows) {
        return;
    }
    let tx = id.x % tiles_x;
    let ty = id.x / tiles_x + first_tile_row;
    let corner = vec2<f32>(f32(tx * TILE), f32(ty * TILE));
    let axis = normalize(world_from_ideal(ideal_from_px(corner + 0.5 * f32(TILE)).xy));
    var widest = 0.0;
    for (var i = 0u; i < 9u; i++) {
        let px = corner + vec2<f32>(f32(i % 3u), f32(i / 3u)) * (0.5 * f32(TILE));
        widest = max(widest, length(cross(axis, normalize(world_from_ideal(ideal_from_px(px).xy)))));
    }
    // 15 % and a tenth of a pixel more than the outermost of the nine rays.
    let spread = min(asin(clamp(widest, 0.0, 1.0)) * 1.15 + 0.1 * view.center.w, 1.5);
    let sin_spread = sin(spread);
    let cos_spread = cos(spread);
    let base = (ty * tiles_x + tx) * (TILE_CAPACITY + 1u);
    var count = 0u;
    var thin = 0u;
    var ends = vec2<u32>(0u);
    for (var k = 0u; k < view.counts.x; k++) {
        let s = bounds.all[k];
        let c = s.xyz - view.center.xyz;
        let along = dot(c, axis);
        let aside = sqrt(max(dot(c, c) - along * along, 0.0));
        // Distance of the sphere's centre to the cone's surface, negative inside.
        let away = aside * cos_spread - along * sin_spread;
        let radius = abs(s.w);
        var may_meet = away <= radius && along + radius > 0.0;
        if (may_meet) {
            // As wide as the cone is where it leaves the sphere; a millimetre more for f32.
            let grown = (along + radius) * sin_spread / cos_spread + 0.001;
            if (k < view.kinds.x) {
                may_meet = passes_cone(k, view.center.xyz, axis, grown);
            } else if (k >= view.kinds.y) {
                may_meet = passes_flat(k, view.center.xyz, axis, grown);
            }
        }
        if (may_meet) {
            if (count < TILE_CAPACITY) {
                tiles[base + 1u + count] = k;
            }
            count += 1u;
            // A negative radius says that the primitive is thin.
            thin |= select(0u, 1u, s.w < 0.0);
            ends += vec2<u32>(select(0u, 1u, k < view.kinds.x), select(0u, 1u, k < view.kinds.y));
        }
    }
    tiles[base] = select(ends.x | (ends.y << 8u) | (count << 16u) | (thin << 24u), TILE_OVERFLOW, count > TILE_CAPACITY);
}
