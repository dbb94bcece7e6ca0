// What the ray through each pixel's centre hits.

#import venue/types.wgsl
#import venue/lens.wgsl
#import venue/scene.wgsl

@group(0) @binding(9) var<storage, read_write> hits: array<vec2<u32>>;

@compute @workgroup_size(8, 8)
fn trace_centers(@builtin(global_invocation_id) id: vec3<u32>) {
    let px = vec2<u32>(id.x, id.y + view.counts.w);
    if (px.x >= view.size.x || px.y >= view.more.x) {
        return;
    }
    let d = normalize(world_from_ideal(ideal_from_px(vec2<f32>(px) + 0.5).xy));
    let hit = trace(view.center.xyz, d, tile_base(px));
    hits[px.y * view.size.x + px.x] = vec2<u32>(bitcast<u32>(hit.t), hit.id);
}
