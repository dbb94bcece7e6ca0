// What the ray through each pixel's centre hits.

#import venue/types.wgsl
#import venue/scene.wgsl

@group(0) @binding(9) var<storage, read_write> hits: array<vec2<u32>>;

@compute @workgroup_size(8, 8)
fn trace_centers(@builtin(global_invocation_id) id: vec3<u32>) {
    let px = vec2<u32>(id.x, id.y + view.counts.w);
    if (px.x >= view.size.x || px.y >= view.more.x) {
        return;
    }
    let hit = trace(view.center.xyz, ray(px, 0u), tile_base(px));
    hits[hit_base(px)] = vec2<u32>(bitcast<u32>(hit.t), hit.id);
}
