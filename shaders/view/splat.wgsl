// Depth splat: every source pixel writes its inverse depth as seen from the target into that source's own z-buffer.
// Only depth is splatted, never colour. One dispatch per source; buffers laid out [source][y * width + x].
#import view/common.wgsl

struct Splat {
    source: u32,
    // The target's place among the cameras: always 0. The branch on its lens must not hang on a constant place of a uniform: `gpu::uniform`
    // says why.
    onto: u32,
    pad_b: u32,
    pad_c: u32,
}

@group(0) @binding(3) var<storage, read_write> splats: array<atomic<u32>>;
@group(0) @binding(4) var<uniform> splat: Splat;

@compute @workgroup_size(8, 8)
fn scatter(@builtin(global_invocation_id) id: vec3<u32>) {
    let c = cameras[splat.source + 1u];
    if id.x >= u32(c.working_size.x) || id.y >= u32(c.working_size.y) {
        return;
    }
    let d = textureLoad(depths, vec2<i32>(id.xy), i32(c.size_kind_layer.w), 0);
    if d.r <= 0.0 {
        return;
    }
    let t = cameras[splat.onto];
    let ideal = (vec2<f32>(id.xy) + 0.5 - c.working_lens.zw) / c.working_lens.xy;
    let z = 1.0 / d.r;
    let p = camera_from_world(t, world_from_camera(c, vec3<f32>(ideal * z, z)));
    if p.z <= 1e-6 {
        return;
    }
    let px = picture_px(t, p.xy / p.z);
    let scale = t.lens.xy / c.working_lens.xy * (z / p.z);
    let half_size = clamp(scale * 0.55 + 0.05, vec2<f32>(0.5), vec2<f32>(3.0));
    let lo = max(vec2<i32>(ceil(px - half_size - 0.5)), vec2<i32>(0));
    let hi = min(vec2<i32>(floor(px + half_size - 0.5)), vec2<i32>(i32(view.width), i32(view.height)) - 1);
    let code = bitcast<u32>(1.0 / p.z);
    let base = splat.source * view.width * view.height;
    for (var y = lo.y; y <= hi.y; y++) {
        for (var x = lo.x; x <= hi.x; x++) {
            atomicMax(&splats[base + u32(y) * view.width + u32(x)], code);
        }
    }
}
