// How much brighter a camera shows a surface than its neighbours do: one histogram of log2(own / neighbour) in linear light per
// neighbour and channel, over every `solve.stride`th pixel in both directions of those whose depth both uphold (src/scene/gains.rs takes the medians).
#import scene/match.wgsl
#import common/color.wgsl

const BINS: u32 = 128u;
// Bins per stop; the middle bin is no difference.
const PER_STOP: f32 = 16.0;

// [(source * 3 + channel) * BINS + bin]
@group(0) @binding(4) var<storage, read_write> counts: array<atomic<u32>>;
// Per place and source: linear light here and where there is across, px; linear light there and where there is down. Negative: nothing to compare.
@group(0) @binding(5) var<storage, read_write> samples: array<vec4<f32>>;
@group(0) @binding(6) var depths: texture_2d_array<f32>;

// What a neighbour shows of a surface.
struct There {
    light: vec3<f32>,
    px: vec2<f32>,
    // It sees that surface, and neither shows it black or clipped.
    tells: bool,
}

// `h`: the place in the own picture and its inverse depth; `own`: what is seen there.
fn shown_there(s: u32, h: vec4<f32>, own: vec3<f32>) -> There {
    let pair = pairs[s];
    let seen = seen_in(pair, h);
    if seen.z < 0.0 {
        return There(vec3<f32>(0.0), seen.xy, false);
    }
    let q = vec2<i32>(floor(seen.xy));
    let n = textureLoad(depths, q, i32(pair.size_layer.z), 0);
    let other = linear_from_srgb(textureLoad(level, q, i32(pair.size_layer.z), 0).rgb);
    let is_same = n.g >= 0.5 && abs(n.r - h.w / seen.z) <= 1.5 * pair.size_layer.w;
    // Black tells nothing, and what is clipped tells a lie.
    let tells = all(min(own, other) >= vec3<f32>(0.004)) && all(max(own, other) <= vec3<f32>(0.92));
    return There(other, seen.xy, is_same && tells);
}

@compute @workgroup_size(8, 8)
fn compare(@builtin(global_invocation_id) id: vec3<u32>) {
    let stride = u32(solve.stride);
    let at = id.xy * stride + stride / 2u;
    if at.x >= solve.width || at.y >= solve.height {
        return;
    }
    let d = textureLoad(depths, vec2<i32>(at), i32(solve.layer), 0);
    if d.g < 0.5 {
        return;
    }
    let own = linear_from_srgb(textureLoad(level, vec2<i32>(at), i32(solve.layer), 0).rgb);
    let h = vec4<f32>(vec2<f32>(at) + 0.5, 1.0, d.r);
    for (var s = 0u; s < solve.sources; s++) {
        let there = shown_there(s, h, own);
        if !there.tells {
            continue;
        }
        let stops = log2(own / there.light);
        let bin = vec3<u32>(clamp(floor(stops * PER_STOP + f32(BINS) * 0.5 + 0.5), vec3<f32>(0.0), vec3<f32>(f32(BINS) - 1.0)));
        atomicAdd(&counts[(s * 3u) * BINS + bin.x], 1u);
        atomicAdd(&counts[(s * 3u + 1u) * BINS + bin.y], 1u);
        atomicAdd(&counts[(s * 3u + 2u) * BINS + bin.z], 1u);
    }
}

// Single surfaces for dark rims and responses (src/scene/shading.rs): one place per `solve.stride` in both directions.
@compute @workgroup_size(8, 8)
fn surfaces(@builtin(global_invocation_id) id: vec3<u32>) {
    let stride = u32(solve.stride);
    let places = vec2<u32>(solve.width, solve.height) / stride;
    if any(id.xy >= places) {
        return;
    }
    let at = id.xy * stride + stride / 2u;
    let first = (id.y * places.x + id.x) * 8u;
    let d = textureLoad(depths, vec2<i32>(at), i32(solve.layer), 0);
    let own = linear_from_srgb(textureLoad(level, vec2<i32>(at), i32(solve.layer), 0).rgb);
    let h = vec4<f32>(vec2<f32>(at) + 0.5, 1.0, d.r);
    for (var s = 0u; s < 4u; s++) {
        samples[first + 2u * s] = vec4<f32>(-1.0);
        samples[first + 2u * s + 1u] = vec4<f32>(-1.0);
        if s >= solve.sources || d.g < 0.5 {
            continue;
        }
        let there = shown_there(s, h, own);
        if !there.tells {
            continue;
        }
        samples[first + 2u * s] = vec4<f32>(own, there.px.x);
        samples[first + 2u * s + 1u] = vec4<f32>(there.light, there.px.y);
    }
}
