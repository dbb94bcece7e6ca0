// Shade: colour fetched backwards from the sources, weighted by angle, soft visibility, confidence and distance to the
// picture's border; blended in linear light.
#import view/weigh.wgsl

@group(0) @binding(6) var view_out: texture_storage_2d<rgba8unorm, write>;
// Pixels that are filled, pixels that mix cameras.
@group(0) @binding(7) var<storage, read_write> tally: array<atomic<u32>, 2>;
// Per source and node of the grid: px of the view.
@group(0) @binding(8) var<storage, read> shifts: array<vec2<f32>>;

// How much a source that is brighter than the view still counts where its picture is clipped: nobody knows how bright it is there.
const CLIPPED: f32 = 0.02;

// 1 where a picture's value says no more than "at least so bright", and the view would show the difference.
fn is_clipped(coded: vec3<f32>, gain: vec3<f32>) -> f32 {
    let brightest = max(coded.r, max(coded.g, coded.b));
    return smoothstep(0.96, 0.99, brightest) * (1.0 - smoothstep(0.85, 0.97, min(gain.r, min(gain.g, gain.b))));
}

// How far a source is moved at a pixel: between the four nodes around it, px of the view.
fn shift_at(s: u32, at: vec2<u32>) -> vec2<f32> {
    let nodes = vec2<u32>(view.width, view.height) / view.align_step + 2u;
    let node = at / view.align_step;
    let f = vec2<f32>(at % view.align_step) / f32(view.align_step);
    let k = (s * nodes.y + node.y) * nodes.x + node.x;
    return mix(mix(shifts[k], shifts[k + 1u], f.x), mix(shifts[k + nodes.x], shifts[k + nodes.x + 1u], f.x), f.y);
}

@compute @workgroup_size(8, 8)
fn shade(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= view.width || id.y >= view.height {
        return;
    }
    let pixel = id.y * view.width + id.x;
    let ray = ray_of(pixel, id.xy);
    let s0 = surface[pixel];
    let z = 1.0 / clamp(s0.x, view.rho_min, view.rho_max);
    let world = world_from_camera(cameras[0], vec3<f32>(ray * z, z));
    // The darker corners of the view's own lens.
    let rim = rim_of(cameras[0], vec2<f32>(id.xy) + 0.5, vec2<f32>(f32(view.width), f32(view.height)));
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
        let angular = c.working_size.w;
        let seen = weigh(c, ideal, p.z, px, s0.y);
        var from_px = px;
        if view.align_step > 0u {
            let moved_ray = ray + shift_at(s, id.xy) / cameras[0].lens.xy;
            let moved = camera_from_world(c, world_from_camera(cameras[0], vec3<f32>(moved_ray * z, z)));
            from_px = picture_px(c, moved.xy / max(moved.z, 1e-6));
        }
        let coded = fetch_cubic(pictures, from_px, size, i32(c.size_kind_layer.w));
        let light = linear_from_srgb(coded);
        let rgb = light * gain_of(c, from_px, light) * rim;
        color[s] = rgb;
        if view.plane_only == 0u {
            let last_resort = angular * (seen.feather + 1e-4) * exp(-0.5 * min(seen.off, 30.0)) + 1e-9 * angular;
            fallback += last_resort * rgb;
            fallback_total += last_resort;
        }
        weight[s] = angular * seen.visible * (seen.feather + 1e-5) * mix(1.0, CLIPPED, is_clipped(coded, c.gain.rgb));
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
        let px = picture_px(c, ray);
        let light = linear_from_srgb(fetch_cubic(pictures, px, c.size_kind_layer.xy, i32(c.size_kind_layer.w)));
        rgb = light * gain_of(c, px, light) * rim;
    }
    if s0.y < 0.0 {
        atomicAdd(&tally[0], 1u);
    }
    if largest < 0.999 * sum_weight {
        atomicAdd(&tally[1], 1u);
    }
    textureStore(view_out, vec2<i32>(id.xy), vec4<f32>(srgb_from_linear(rgb), 1.0));
}
