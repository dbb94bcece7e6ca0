// For each tile of 8x8 pixels: which primitives its rays may meet. One thread per tile; a cone around the tile's rays
// against each primitive's bounding sphere, so any lens works.

#import venue/types.wgsl
#import venue/lens.wgsl

@group(0) @binding(2) var<uniform> bounds: BoundTable;
@group(0) @binding(5) var<storage, read_write> tiles: array<u32>;

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
        if (away <= abs(s.w) && along + abs(s.w) > 0.0) {
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
