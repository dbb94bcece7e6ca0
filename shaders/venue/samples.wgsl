// All samples of the pixels that need them, over the listed tiles.

#import venue/types.wgsl
#import venue/scene.wgsl

@group(0) @binding(9) var<storage, read_write> hits: array<vec2<u32>>;
@group(0) @binding(10) var<storage, read_write> tile_bits: array<atomic<u32>>;
@group(0) @binding(11) var<storage, read_write> sums: array<vec4<f32>>;
@group(0) @binding(12) var<storage, read> lists: array<u32>;

@compute @workgroup_size(8, 8)
fn trace_samples(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let tile = lists[4u * view.kinds.w + group.x];
    let px = vec2<u32>(tile % view.counts.z, tile / view.counts.z) * TILE + local.xy;
    if (px.x >= view.size.x || px.y >= view.more.x) {
        return;
    }
    let at = hit_base(px);
    if (hits[at + 1u].y == ONE_SAMPLE) {
        return;
    }
    let base = tile_base(px);
    var foreground = 0.0;
    var classes = 0u;
    for (var i = 1u; i <= view.size.w; i++) {
        let hit = trace(view.center.xyz, ray(px, i), base);
        hits[at + i] = vec2<u32>(bitcast<u32>(hit.t), hit.id);
        classes |= class_of(hit.id);
        foreground += select(0.0, f32(prims.all[min(hit.id, 511u)].what.z & 1u), hit.id < SKY);
    }
    sums[(px.y - view.counts.w) * view.size.x + px.x].w = foreground / f32(view.size.w);
    atomicOr(&tile_bits[tile], classes);
}
