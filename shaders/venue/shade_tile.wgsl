// Shades one class of surface over the tiles that show it. The file that imports this brings
// `shade(o, d, hit)`: linear light that comes from a hit along a ray.

#import venue/types.wgsl
#import venue/scene.wgsl
#import venue/display.wgsl

@group(0) @binding(9) var<storage, read_write> hits: array<vec2<u32>>;
@group(0) @binding(11) var<storage, read_write> sums: array<vec4<f32>>;
@group(0) @binding(12) var<storage, read> lists: array<u32>;

// `together`: samples of a pixel on the same surface share one shading. `class_bit`'s place is also its list's number.
fn shade_tile(class_bit: u32, together: bool, group: vec3<u32>, local: vec3<u32>) {
    let tile = lists[firstTrailingBit(class_bit) * view.kinds.w + group.x];
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
        todo |= select(0u, 1u << sample, class_of(hits[at + sample].y) == class_bit);
    }
    var sum = vec3<f32>(0.0);
    while (todo != 0u) {
        var sample = firstTrailingBit(todo);
        let id = hits[at + sample].y;
        var same = 1u << sample;
        if (together) {
            for (var i = 0u; i <= view.size.w; i++) {
                same |= select(0u, 1u << i, hits[at + i].y == id);
            }
            same &= todo;
            // Through the centre where that shows it too.
            sample = select(sample, 0u, hits[at].y == id);
        }
        let weight = f32(countOneBits(same));
        todo &= ~same;
        let hit = Hit(bitcast<f32>(hits[at + sample].x), id);
        // Averaged as displayed: highlights at edges would win otherwise, and so does a camera's knee.
        sum += weight * display_from_linear(shade(view.center.xyz, ray(px, sample), hit));
    }
    sums[(px.y - view.counts.w) * view.size.x + px.x] += vec4<f32>(sum / f32(n), 0.0);
}
