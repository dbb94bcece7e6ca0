// Front wall, back wall and sky.

#import venue/types.wgsl
#import venue/scene.wgsl
#import venue/display.wgsl

@group(0) @binding(9) var<storage, read_write> hits: array<vec2<u32>>;
@group(0) @binding(11) var<storage, read_write> sums: array<vec4<f32>>;
@group(0) @binding(12) var<storage, read> lists: array<u32>;

fn shade(o: vec3<f32>, d: vec3<f32>, hit: Hit) -> vec3<f32> {
    if (hit.id == SKY) {
        let up = clamp(d.z, 0.0, 1.0);
        return mix(vec3<f32>(0.10, 0.13, 0.20), vec3<f32>(0.015, 0.025, 0.06), smoothstep(0.2, 0.7, up));
    }
    let at = o + d * hit.t;
    let fp = hit.t * view.center.w;
    let seed = view.more.z;
    if (hit.id == WALL) {
        let n = vec3<f32>(-normalize(at.xy), 0.0);
        let u = atan2(at.y, at.x) * WALL_RADIUS;
        let panel = band(fract(u / 2.4) - 0.5, 0.006, fp / 2.4);
        let stain = 1.0 + 0.2 * noise2(vec2<f32>(u * 1.3, at.z * 3.0), seed + 30u) + 0.15 * noise2(vec2<f32>(u * 9.0, at.z * 9.0), seed + 31u) * detail(0.11, fp);
        let albedo = vec3<f32>(0.10, 0.11, 0.14) * stain * (1.0 - 0.6 * panel) * (0.5 + 0.5 * smoothstep(0.0, 0.5, at.z));
        return albedo * 0.9;
    }
    let u = atan2(at.y, at.x) * BACK_RADIUS;
    let pillar = band(fract(u / 5.5) - 0.5, 0.06, fp / 5.5);
    let dirt = 1.0 + 0.2 * noise2(vec2<f32>(u * 0.7, at.z * 1.7), seed + 32u) + 0.15 * noise2(vec2<f32>(u * 4.0, at.z * 4.0), seed + 33u) * detail(0.25, fp);
    var color = mix(vec3<f32>(0.035, 0.04, 0.055), vec3<f32>(0.09, 0.09, 0.10), pillar) * dirt;
    // Flood lights below the rim.
    let lamp = vec2<f32>((fract(u / 11.0) - 0.5) * 11.0, at.z - 15.6);
    let grid = abs(fract(lamp / 0.55) - 0.5);
    let inside = step(abs(lamp.x), 2.2) * step(abs(lamp.y), 0.8);
    color += vec3<f32>(3.0, 2.9, 2.6) * inside * (1.0 - smoothstep(0.2, 0.42, length(grid)));
    return color;
}

@compute @workgroup_size(8, 8)
fn shade_rest(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let tile = lists[2u * view.kinds.w + group.x];
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
        todo |= select(0u, 1u << sample, class_of(hits[at + sample].y) == CLASS_REST);
    }
    var sum = vec3<f32>(0.0);
    while (todo != 0u) {
        let first = firstTrailingBit(todo);
        let id = hits[at + first].y;
        // All samples on the same surface share one shading, through the centre where that shows it too.
        var same = 0u;
        for (var i = 0u; i <= view.size.w; i++) {
            same |= select(0u, 1u << i, hits[at + i].y == id);
        }
        same &= todo;
        let sample = select(first, 0u, hits[at].y == id);
        let weight = f32(countOneBits(same));
        todo &= ~same;
        let hit = Hit(bitcast<f32>(hits[at + sample].x), id);
        // Averaged as displayed: highlights at edges would win otherwise, and so does a camera's knee.
        sum += weight * display_from_linear(shade(view.center.xyz, ray(px, sample), hit));
    }
    sums[(px.y - view.counts.w) * view.size.x + px.x] += vec4<f32>(sum / f32(n), 0.0);
}
