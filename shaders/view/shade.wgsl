// Shade: colour fetched backwards from the sources, weighted by angle, soft visibility, confidence and distance to the
// picture's border; blended in linear light.
#import view/common.wgsl

@group(0) @binding(3) var<storage, read> surface: array<vec2<f32>>;
@group(0) @binding(4) var pictures: texture_2d_array<f32>;
@group(0) @binding(5) var<storage, read> rays: array<vec2<f32>>;
@group(0) @binding(6) var view_out: texture_storage_2d<rgba8unorm, write>;
// Pixels that are filled, pixels that mix cameras.
@group(0) @binding(7) var<storage, read_write> tally: array<atomic<u32>, 2>;

// How much a source still counts for what it sees in the boundary band beside something nearer: its pixels there are a mixture of both.
const BAND: f32 = 0.1;

// How much a source that is brighter than the view still counts where its picture is clipped: nobody knows how bright it is there.
const CLIPPED: f32 = 0.02;

// 1 where a picture's value says no more than "at least so bright", and the view would show the difference.
fn is_clipped(coded: vec3<f32>, gain: vec3<f32>) -> f32 {
    let brightest = max(coded.r, max(coded.g, coded.b));
    return smoothstep(0.96, 0.99, brightest) * (1.0 - smoothstep(0.85, 0.97, min(gain.r, min(gain.g, gain.b))));
}

// 1 where within 1.5 px of the working position something trusted stands clearly in front of the expected inverse depth.
fn in_band(c: Camera, uv: vec2<f32>, expected: f32) -> f32 {
    let hi = vec2<i32>(c.working_size.xy) - 1;
    var nearer = 0.0;
    for (var k = 0; k < 8; k++) {
        let m = k & 3;
        let straight = select(vec2<f32>(0.0, select(1.5, -1.5, m == 3)), vec2<f32>(select(1.5, -1.5, m == 1), 0.0), m < 2);
        let diagonal = vec2<f32>(select(1.06, -1.06, (m & 1) == 1), select(1.06, -1.06, m > 1));
        let q = clamp(vec2<i32>(floor(uv + select(diagonal, straight, k < 4))), vec2<i32>(0), hi);
        let d = textureLoad(depths, q, i32(c.size_kind_layer.w), 0);
        nearer = max(nearer, (d.r - expected) / c.working_size.z * smoothstep(0.1, 0.5, d.g));
    }
    return smoothstep(3.0, 6.0, nearer);
}

@compute @workgroup_size(8, 8)
fn shade(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= view.width || id.y >= view.height {
        return;
    }
    let pixel = id.y * view.width + id.x;
    var ray = (vec2<f32>(id.xy) + 0.5 - cameras[0].lens.zw) / cameras[0].lens.xy;
    if view.has_rays == 1u {
        ray = rays[pixel];
    }
    let s0 = surface[pixel];
    let z = 1.0 / clamp(s0.x, view.rho_min, view.rho_max);
    let world = world_from_camera(cameras[0], vec3<f32>(ray * z, z));
    var color: array<vec3<f32>, 6>;
    var weight: array<f32, 6>;
    var fallback = vec3<f32>(0.0);
    var fallback_total = 0.0;
    for (var s = 0u; s < view.sources; s++) {
        let c = cameras[s + 1u];
        weight[s] = 0.0;
        let p = camera_from_world(c, world);
        if p.z <= 1e-6 {
            continue;
        }
        let ideal = p.xy / p.z;
        let px = picture_px(c, ideal);
        let size = c.size_kind_layer.xy;
        let coded = fetch_cubic(pictures, px, size, i32(c.size_kind_layer.w));
        let rgb = linear_from_srgb(coded) * c.gain.rgb;
        color[s] = rgb;
        let border = min(min(px.x, px.y), min(size.x - px.x, size.y - px.y));
        let feather = smoothstep(-0.5, max(0.02 * size.x, 2.0), border);
        let angular = c.working_size.w;
        var visible = 1.0;
        if view.plane_only == 0u {
            let uv = working_px(c, ideal);
            let j = judge(c, uv, 1.0 / p.z);
            let e = abs(j.x);
            visible = (1.0 - smoothstep(1.0, 4.0, e)) * (0.15 + 0.85 * j.y) + 1e-4;
            visible *= mix(1.0, BAND, in_band(c, uv, 1.0 / p.z));
            // Where nothing certain is known all sources count by angle alone: a soft cross-fade.
            visible = mix(1.0, visible, clamp(abs(s0.y) / max(view.tune.w, 1e-6), 0.0, 1.0));
            // A source at the very place of the target sees just what the target sees.
            visible = mix(visible, 1.0, smoothstep(0.97, 0.999, angular));
            let last_resort = angular * (feather + 1e-4) * exp(-0.5 * min(e, 30.0)) + 1e-9 * angular;
            fallback += last_resort * rgb;
            fallback_total += last_resort;
        }
        weight[s] = angular * visible * (feather + 1e-5) * mix(1.0, CLIPPED, is_clipped(coded, c.gain.rgb));
    }
    var sum = vec3<f32>(0.0);
    var sum_weight = 0.0;
    var largest = 0.0;
    for (var s = 0u; s < view.sources; s++) {
        if weight[s] <= 0.0 {
            continue;
        }
        sum += weight[s] * color[s];
        sum_weight += weight[s];
        largest = max(largest, weight[s]);
    }
    var rgb = sum / max(sum_weight, 1e-12);
    if sum_weight < 1e-3 && view.plane_only == 0u && fallback_total > 0.0 {
        rgb = mix(fallback / fallback_total, rgb, sum_weight / 1e-3);
    }
    if sum_weight <= 0.0 {
        // The target looks away from all that any camera sees: the nearest camera's picture as it is, never black.
        let c = cameras[1];
        rgb = linear_from_srgb(fetch_cubic(pictures, picture_px(c, ray), c.size_kind_layer.xy, i32(c.size_kind_layer.w))) * c.gain.rgb;
    }
    if s0.y < 0.0 {
        atomicAdd(&tally[0], 1u);
    }
    if largest < 0.999 * sum_weight {
        atomicAdd(&tally[1], 1u);
    }
    textureStore(view_out, vec2<i32>(id.xy), vec4<f32>(srgb_from_linear(rgb), 1.0));
}
