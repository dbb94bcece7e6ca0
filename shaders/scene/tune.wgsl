// Tuning: every depth pixel is a small soft splat on its own ray, with its confidence as opacity. The splats of a camera's neighbours are drawn
// into that camera, front to back, and compared with what it really shows; inverse depth and opacity go down the gradient of the
// difference (Adam). A camera's own splats never take part in its own picture: they would always be right.
#import common/camera.wgsl

struct Tune {
    // Of the grid of the camera that is compared, and of the source whose splats are drawn.
    width: u32,
    height: u32,
    source_width: u32,
    source_height: u32,
    // Working px between the points of a grid; slot of the source; splats per slot; number of sources.
    stride: u32,
    slot: u32,
    slot_size: u32,
    sources: u32,
    // How far a step goes, px of disparity and units of the logit; what Adam's means are divided by after so many steps.
    rate: f32,
    bias_mean: f32,
    bias_square: f32,
    pad: f32,
}

@group(0) @binding(0) var<uniform> tune: Tune;
// The camera that is compared, then its sources; working_size.w is how opaque a source is seen from there, 0..1.
@group(0) @binding(1) var<uniform> cameras: array<Camera, 5>;
@group(0) @binding(2) var depths: texture_2d_array<f32>;
@group(0) @binding(3) var pictures: texture_2d_array<f32>;
// Of one camera: inverse depth and logit of the opacity.
@group(0) @binding(4) var<storage, read_write> values: array<vec2<f32>>;
// Of one camera: Adam's means of the gradient, and of its square.
@group(0) @binding(5) var<storage, read_write> moments: array<vec4<f32>>;

// No splat is clearer or more opaque than this, so that all can move.
const LEAST: f32 = 0.1;
const SPAN: f32 = 0.8;

fn logit_of(confidence: f32) -> f32 {
    let o = LEAST + SPAN * clamp(confidence, 0.0, 1.0);
    return log(o / (1.0 - o));
}

// The texel of a source that stands for a point of its grid.
fn texel_of(c: Camera, at: vec2<u32>) -> vec2<i32> {
    return min(vec2<i32>(at * tune.stride + tune.stride / 2u), vec2<i32>(c.working_size.xy) - 1);
}

// What a camera really shows around a point of its grid: the mean over the texels that the point stands for, or what is finer than the grid would
// count as wrong everywhere.
fn real_color(c: Camera, at: vec2<u32>) -> vec3<f32> {
    let hi = vec2<i32>(c.working_size.xy) - 1;
    let hi_picture = vec2<i32>(c.size_kind_layer.xy) - 1;
    var sum = vec3<f32>(0.0);
    for (var k = 0u; k < tune.stride * tune.stride; k++) {
        let texel = min(vec2<i32>(at * tune.stride + vec2<u32>(k % tune.stride, k / tune.stride)), hi);
        let ideal = (vec2<f32>(texel) + 0.5 - c.working_lens.zw) / c.working_lens.xy;
        let px = clamp(vec2<i32>(picture_px(c, ideal)), vec2<i32>(0), hi_picture);
        sum += textureLoad(pictures, px, i32(c.size_kind_layer.w), 0).rgb;
    }
    return sum / f32(tune.stride * tune.stride);
}

@compute @workgroup_size(8, 8)
fn begin(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= tune.source_width || id.y >= tune.source_height {
        return;
    }
    let c = cameras[tune.slot + 1u];
    let d = textureLoad(depths, texel_of(c, id.xy), i32(c.size_kind_layer.w), 0);
    let i = id.y * tune.source_width + id.x;
    values[i] = vec2<f32>(d.r, logit_of(d.g));
    moments[i] = vec4<f32>(0.0);
}

// Per slot and splat: position, px of the grid, inverse depth and inverse variance as seen from the camera; colour, opacity, and how far it
// moves for a px of disparity.
@group(0) @binding(6) var<storage, read_write> spots: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read_write> looks: array<vec4<f32>>;
// Splats by the pixel that holds their middle: lists that end with 0, else slot index + 1.
@group(0) @binding(8) var<storage, read_write> heads: array<atomic<u32>>;
@group(0) @binding(9) var<storage, read_write> links: array<u32>;

@compute @workgroup_size(8, 8)
fn draw(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= tune.source_width || id.y >= tune.source_height {
        return;
    }
    let i = id.y * tune.source_width + id.x;
    let value = values[i];
    if value.x <= 0.0 {
        return;
    }
    let c = cameras[tune.slot + 1u];
    let t = cameras[0];
    let ideal = (vec2<f32>(texel_of(c, id.xy)) + 0.5 - c.working_lens.zw) / c.working_lens.xy;
    let z = 1.0 / value.x;
    let p = camera_from_world(t, world_from_camera(c, vec3<f32>(ideal * z, z)));
    if p.z <= 1e-6 {
        return;
    }
    let stride = f32(tune.stride);
    let px = working_px(t, p.xy / p.z) / stride;
    if any(px < vec2<f32>(0.0)) || px.x >= f32(tune.width) || px.y >= f32(tune.height) {
        return;
    }
    let z_moved = 1.0 / (value.x + c.working_size.z);
    let moved = camera_from_world(t, world_from_camera(c, vec3<f32>(ideal * z_moved, z_moved)));
    let shift = working_px(t, moved.xy / max(moved.z, 1e-6)) / stride - px;
    let scale = t.working_lens.xy / c.working_lens.xy * (z / p.z);
    let rgb = real_color(c, id.xy) * pow(c.gain.rgb, vec3<f32>(1.0 / 2.4));
    let opacity = c.working_size.w / (1.0 + exp(-value.y));
    let slot = tune.slot * tune.slot_size + i;
    spots[slot] = vec4<f32>(px, 1.0 / p.z, 1.0 / (0.2 * scale.x * scale.y + 0.25));
    looks[slot] = vec4<f32>(bitcast<f32>(pack4x8unorm(vec4<f32>(rgb, 0.0))), opacity, shift);
    let cell = u32(px.y) * tune.width + u32(px.x);
    links[slot] = atomicExchange(&heads[cell], slot + 1u);
}

@group(0) @binding(10) var<storage, read> heads_in: array<u32>;
@group(0) @binding(11) var<storage, read> spots_in: array<vec4<f32>>;
@group(0) @binding(12) var<storage, read> looks_in: array<vec4<f32>>;
@group(0) @binding(13) var<storage, read> links_in: array<u32>;
// Per slot and splat: gradients of inverse depth and of opacity, in units of 1/65536: whole numbers add up alike in any order.
@group(0) @binding(14) var<storage, read_write> slopes: array<atomic<i32>>;

// Splats that a pixel is mixed of at most: the nearest.
const MOST: u32 = 40u;

// Of the camera that is compared; at its border that of the border.
fn target_color(at: vec2<i32>) -> vec3<f32> {
    return real_color(cameras[0], vec2<u32>(clamp(at, vec2<i32>(0), vec2<i32>(i32(tune.width), i32(tune.height)) - 1)));
}

@compute @workgroup_size(8, 8)
fn descend(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= tune.width || id.y >= tune.height {
        return;
    }
    let at = vec2<i32>(id.xy);
    let here = vec2<f32>(id.xy) + 0.5;
    // The splats that cover the pixel, nearest first.
    var key: array<f32, MOST>;
    var which: array<u32, MOST>;
    var alpha: array<f32, MOST>;
    var n = 0u;
    for (var k = 0; k < 25; k++) {
        let q = at + vec2<i32>(k % 5 - 2, k / 5 - 2);
        if any(q < vec2<i32>(0)) || q.x >= i32(tune.width) || q.y >= i32(tune.height) {
            continue;
        }
        var link = heads_in[u32(q.y) * tune.width + u32(q.x)];
        while link != 0u {
            let slot = link - 1u;
            link = links_in[slot];
            let spot = spots_in[slot];
            let d = here - spot.xy;
            let e = 0.5 * dot(d, d) * spot.w;
            if e > 3.0 || n == MOST && spot.z <= key[MOST - 1u] {
                continue;
            }
            let a = min(looks_in[slot].y * exp(-e), 0.99);
            if a < 0.004 {
                continue;
            }
            var i = min(n, MOST - 1u);
            while i > 0u && key[i - 1u] < spot.z {
                key[i] = key[i - 1u];
                which[i] = which[i - 1u];
                alpha[i] = alpha[i - 1u];
                i--;
            }
            key[i] = spot.z;
            which[i] = slot;
            alpha[i] = a;
            n = min(n + 1u, MOST);
        }
    }
    if n == 0u {
        return;
    }
    var clear = 1.0;
    var sum = vec3<f32>(0.0);
    for (var k = 0u; k < n; k++) {
        sum += clear * alpha[k] * unpack4x8unorm(bitcast<u32>(looks_in[which[k]].x)).rgb;
        clear *= 1.0 - alpha[k];
        if clear < 0.002 {
            n = k + 1u;
        }
    }
    // What no splat covers shows the mean of what is really there: nothing is won by covering it.
    var behind = vec3<f32>(0.0);
    for (var k = 0; k < 9; k++) {
        behind += target_color(at + 2 * vec2<i32>(k % 3 - 1, k / 3 - 1)) / 9.0;
    }
    let wrong = sum + clear * behind - target_color(at);
    let pull = wrong / sqrt(wrong * wrong + 0.0009);
    for (var j = 0u; j < n; j++) {
        let k = n - 1u - j;
        let a = alpha[k];
        let spot = spots_in[which[k]];
        let look = looks_in[which[k]];
        let color = unpack4x8unorm(bitcast<u32>(look.x)).rgb;
        clear /= 1.0 - a;
        // Of the splat's share in this pixel.
        let by_alpha = clear * dot(pull, color - behind) * a;
        behind = mix(behind, color, a);
        let by_shift = by_alpha * spot.w * dot(here - spot.xy, look.zw);
        atomicAdd(&slopes[2u * which[k]], i32(round(clamp(by_shift, -100.0, 100.0) * 65536.0)));
        atomicAdd(&slopes[2u * which[k] + 1u], i32(round(by_alpha * 65536.0)));
    }
}

@group(0) @binding(15) var<storage, read_write> slopes_in: array<i32>;

const KEEP_MEAN: f32 = 0.8;
const KEEP_SQUARE: f32 = 0.95;
// As far as a splat may go from where the solve put it, px of disparity.
const FARTHEST: f32 = 6.0;

@compute @workgroup_size(8, 8)
fn follow(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= tune.source_width || id.y >= tune.source_height {
        return;
    }
    let c = cameras[tune.slot + 1u];
    let i = id.y * tune.source_width + id.x;
    let slot = tune.slot * tune.slot_size + i;
    let value = values[i];
    let clear = 1.0 / (1.0 + exp(value.y));
    let slope = vec2<f32>(f32(slopes_in[2u * slot]), f32(slopes_in[2u * slot + 1u]) * clear) / 65536.0;
    slopes_in[2u * slot] = 0;
    slopes_in[2u * slot + 1u] = 0;
    let before = moments[i];
    let mean = mix(slope, before.xy, KEEP_MEAN);
    let square = mix(slope * slope, before.zw, KEEP_SQUARE);
    moments[i] = vec4<f32>(mean, square);
    let step = tune.rate * (mean / tune.bias_mean) / (sqrt(square / tune.bias_square) + 1e-4);
    let first = textureLoad(depths, texel_of(c, id.xy), i32(c.size_kind_layer.w), 0).r;
    let unit = c.working_size.z;
    if first > 0.0 {
        let moved = clamp(value.x - clamp(step.x, -1.0, 1.0) * unit, first - FARTHEST * unit, first + FARTHEST * unit);
        values[i] = vec2<f32>(max(moved, 0.1 * first), clamp(value.y - clamp(step.y, -1.0, 1.0), -6.0, 5.0));
    }
}

@group(0) @binding(16) var depth_out: texture_storage_2d_array<rg32float, write>;

// The depth map with what its grid has learned: between the points of the grid from those on the same surface; where there is none it stays.
@compute @workgroup_size(8, 8)
fn end(@builtin(global_invocation_id) id: vec3<u32>) {
    let c = cameras[tune.slot + 1u];
    if id.x >= u32(c.working_size.x) || id.y >= u32(c.working_size.y) {
        return;
    }
    let layer = i32(c.size_kind_layer.w);
    let own = textureLoad(depths, vec2<i32>(id.xy), layer, 0).rg;
    let hi = vec2<i32>(i32(tune.source_width), i32(tune.source_height)) - 1;
    // Texels of the grid lie where `texel_of` says.
    let g = (vec2<f32>(id.xy) - f32(tune.stride / 2u)) / f32(tune.stride);
    let base = floor(g);
    let f = g - base;
    var learned = vec2<f32>(0.0);
    for (var k = 0; k < 4; k++) {
        let o = vec2<i32>(k & 1, k >> 1);
        let q = clamp(vec2<i32>(base) + o, vec2<i32>(0), hi);
        let there = textureLoad(depths, texel_of(c, vec2<u32>(q)), layer, 0).rg;
        let e = (there.r - own.r) / (2.0 * c.working_size.z);
        let w = select(1.0 - f.x, f.x, o.x == 1) * select(1.0 - f.y, f.y, o.y == 1) / (1.0 + e * e);
        learned += w * (values[u32(q.y) * tune.source_width + u32(q.x)] - vec2<f32>(there.r, logit_of(there.g)));
    }
    let confidence = (1.0 / (1.0 + exp(-(logit_of(own.g) + learned.y))) - LEAST) / SPAN;
    let out = select(own, vec2<f32>(max(own.r + learned.x, 0.1 * own.r), clamp(confidence, 0.0, 1.0)), own.r > 0.0);
    textureStore(depth_out, vec2<i32>(id.xy), layer, vec4<f32>(out, 0.0, 0.0));
}
