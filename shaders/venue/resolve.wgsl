// The finished picture, and its truth: depth of the centre ray and coverage by the foreground.

#import venue/types.wgsl
#import venue/scene.wgsl

@group(0) @binding(7) var picture: texture_storage_2d<rgba8unorm, write>;
@group(0) @binding(8) var<storage, read_write> truth: array<vec2<f32>>;
@group(0) @binding(9) var<storage, read_write> hits: array<vec2<u32>>;
@group(0) @binding(11) var<storage, read_write> sums: array<vec4<f32>>;

@compute @workgroup_size(8, 8)
fn resolve(@builtin(global_invocation_id) id: vec3<u32>) {
    let px = vec2<u32>(id.x, id.y + view.counts.w);
    if (px.x >= view.size.x || px.y >= view.more.x) {
        return;
    }
    let sum = sums[(px.y - view.counts.w) * view.size.x + px.x];
    textureStore(picture, px, vec4<f32>(sum.rgb, 1.0));
    if (view.more.y == 1u) {
        let hit = hits[hit_base(px)];
        let z = bitcast<f32>(hit.x) * dot(ray(px, 0u), view.z_in_world.xyz);
        truth[px.y * view.size.x + px.x] = vec2<f32>(select(z, -1.0, hit.y == SKY), sum.a);
    }
}
