// The crowd in the stands: hard patterns, so every sample is shaded.

#import venue/types.wgsl
#import venue/scene.wgsl
#import venue/display.wgsl

@group(0) @binding(9) var<storage, read_write> hits: array<vec2<u32>>;
@group(0) @binding(11) var<storage, read_write> sums: array<vec4<f32>>;
@group(0) @binding(12) var<storage, read> lists: array<u32>;

fn shade(o: vec3<f32>, d: vec3<f32>, hit: Hit) -> vec3<f32> {
    let at = o + d * hit.t;
    return crowd(at, hit.t * view.center.w, view.clock.x, view.more.z) * (0.62 - 0.024 * (at.z - WALL_TOP));
}

@compute @workgroup_size(8, 8)
fn shade_stands(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let tile = lists[1u * view.kinds.w + group.x];
    let px = vec2<u32>(tile % view.counts.z, tile / view.counts.z) * TILE + local.xy;
    if (px.x >= view.size.x || px.y >= view.more.x) {
        return;
    }
    let at = hit_base(px);
    let one = view.size.w == 0u || hits[at + min(view.size.w, 1u)].y == ONE_SAMPLE;
    let n = select(view.size.w, 1u, one);
    // Bit i: sample i shows this class and is not yet shaded.
    var todo = 0u;
    for (var i = 0u; i < n; i++) {
        let sample = i + select(1u, 0u, one);
        todo |= select(0u, 1u << sample, class_of(hits[at + sample].y) == CLASS_STANDS);
    }
    var sum = vec3<f32>(0.0);
    while (todo != 0u) {
        let first = firstTrailingBit(todo);
        let id = hits[at + first].y;
        let sample = first;
        let weight = 1.0;
        todo &= todo - 1u;
        let hit = Hit(bitcast<f32>(hits[at + sample].x), id);
        // Averaged as displayed: highlights at edges would win otherwise, and so does a camera's knee.
        sum += weight * display_from_linear(shade(view.center.xyz, ray(px, sample), hit));
    }
    sums[(px.y - view.counts.w) * view.size.x + px.x] += vec4<f32>(sum / f32(n), 0.0);
}
