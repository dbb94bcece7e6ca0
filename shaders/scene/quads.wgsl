// Packs the luma of every 2x2 texels of a source into one u32, so that the many bilinear samples of the matching cost are one
// load each: on adapters that filter textures in software that is several times faster, and everywhere it is one 32-bit load.
// Layout: [(source * quad_rows + y) * quad_width + x], texels (x, y), (x + 1, y), (x, y + 1), (x + 1, y + 1) from the lowest byte;
// the last column and row repeat themselves.
#import scene/match.wgsl

@group(0) @binding(4) var packed: texture_storage_2d_array<r32uint, write>;

@compute @workgroup_size(8, 8)
fn pack(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= solve.quad_width || id.y >= solve.quad_rows || id.z >= solve.sources {
        return;
    }
    let source = pairs[id.z];
    let hi = vec2<i32>(ceil(source.size_layer.xy / solve.scale)) - 1;
    let at = min(vec2<i32>(id.xy), hi);
    let next = min(vec2<i32>(id.xy) + 1, hi);
    let layer = i32(source.size_layer.z);
    let a = textureLoad(level, at, layer, 0).a;
    let b = textureLoad(level, vec2<i32>(next.x, at.y), layer, 0).a;
    let c = textureLoad(level, vec2<i32>(at.x, next.y), layer, 0).a;
    let d = textureLoad(level, next, layer, 0).a;
    textureStore(packed, vec2<i32>(id.xy), i32(id.z), vec4<u32>(pack4x8unorm(vec4<f32>(a, b, c, d)), 0u, 0u, 0u));
}
