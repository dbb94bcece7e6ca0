// Strobe: what moved, at another instant, put into a view: the same view of both instants is given, and where the other one shows something before
// what stands still, that is laid in, behind what is nearer and before what is farther.
#import view/common.wgsl

struct Strobe {
    // 1: the other instant has a background, so `cover` says what of it is foreground.
    layered: u32,
    // Inverse depth per px of disparity.
    unit: f32,
    pad_a: u32,
    pad_b: u32,
}

// The picture so far, and of the other instant.
@group(0) @binding(3) var so_far: texture_2d<f32>;
@group(0) @binding(4) var other: texture_2d<f32>;
@group(0) @binding(5) var<storage, read> surface: array<vec2<f32>>;
@group(0) @binding(6) var view_out: texture_storage_2d<rgba8unorm, write>;
// Storage, not uniform: `gpu::uniform` says why.
@group(0) @binding(7) var<storage, read> strobe_step: Strobe;
@group(0) @binding(8) var<storage, read> other_surface: array<vec2<f32>>;
// What stands there without anything of the other instants.
@group(0) @binding(9) var<storage, read> base: array<vec2<f32>>;
@group(0) @binding(10) var<storage, read> cover: array<f32>;
@group(0) @binding(11) var<storage, read_write> surface_out: array<vec2<f32>>;

// So many px of disparity before what stands still it begins to be something that moved, and is.
const MOVED: vec2<f32> = vec2<f32>(2.0, 4.0);
// The same before what was laid in already, where it begins to show.
const BEFORE: vec2<f32> = vec2<f32>(-1.0, 1.0);

@compute @workgroup_size(8, 8)
fn strobe(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= view.width || id.y >= view.height {
        return;
    }
    let at = vec2<i32>(id.xy);
    let hi = vec2<i32>(i32(view.width), i32(view.height)) - 1;
    let pixel = id.y * view.width + id.x;
    // The surroundings count too, so that edges are as soft as those of the view.
    var moved = 0.0;
    var before = 0.0;
    for (var k = 0; k < 9; k++) {
        let o = vec2<i32>(k % 3 - 1, k / 3 - 1);
        let q = clamp(at + o, vec2<i32>(0), hi);
        let i = u32(q.y) * view.width + u32(q.x);
        let w = 0.0625 * f32((2 - abs(o.x)) * (2 - abs(o.y)));
        let s = other_surface[i];
        // What nobody saw was filled from behind.
        let known = select(0.0, 1.0, s.y >= 0.0 && s.x > 0.0);
        moved += w * known * smoothstep(MOVED.x, MOVED.y, (s.x - base[i].x) / strobe_step.unit);
        before += w * smoothstep(BEFORE.x, BEFORE.y, (s.x - surface[i].x) / strobe_step.unit);
    }
    if strobe_step.layered == 1u {
        moved = cover[pixel];
    }
    let share = moved * before;
    let rgb = mix(linear_from_srgb(textureLoad(so_far, at, 0).rgb), linear_from_srgb(textureLoad(other, at, 0).rgb), share);
    textureStore(view_out, at, vec4<f32>(srgb_from_linear(rgb), 1.0));
    surface_out[pixel] = select(surface[pixel], other_surface[pixel], share > 0.5);
}
