// Coarse plane sweep: cost 0..255 of every inverse depth at every pixel, four depths packed in a u32.
// Volume layout: [(y * width + x) * depths/4 + d/4].
#import scene/match.wgsl

@group(0) @binding(4) var<storage, read_write> volume: array<u32>;

fn sweep_over(id: vec3<u32>, sources: u32) {
    if id.x >= solve.width || id.y >= solve.height {
        return;
    }
    let patch_ = load_patch(vec2<i32>(id.xy), i32(solve.stride));
    let p = (vec2<f32>(id.xy) + 0.5) * solve.scale;
    let base = (id.y * solve.width + id.x) * (solve.depths / 4u);
    for (var d4 = 0u; d4 < solve.depths / 4u; d4++) {
        var packed = 0u;
        for (var i = 0u; i < 4u; i++) {
            let rho = solve.rho_min + f32(d4 * 4u + i) * solve.rho_step;
            let cost = match_cost(patch_, p, rho, vec2<f32>(0.0), sources);
            packed |= u32(clamp(cost * 200.0, 0.0, 255.0)) << (i * 8u);
        }
        volume[base + d4] = packed;
    }
}

// Against the two nearest neighbours.
@compute @workgroup_size(8, 8)
fn sweep(@builtin(global_invocation_id) id: vec3<u32>) {
    sweep_over(id, 2u);
}

// Against all four, where the two nearest look elsewhere.
@compute @workgroup_size(8, 8)
fn sweep_all(@builtin(global_invocation_id) id: vec3<u32>) {
    sweep_over(id, 4u);
}
