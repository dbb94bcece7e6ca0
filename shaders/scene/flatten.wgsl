// Flatten: what shows no texture tells no depth of its own; where what is like it lies on a large plane of the moment, it lies there too. So does
// what is little trusted, where the pictures speak as well for the plane.
// Planes come from the whole moment (src/scene/flat.rs). Depth layer as in finish.wgsl.
#import scene/match.wgsl

@group(0) @binding(5) var depth_out: texture_storage_2d_array<rg32float, write>;
@group(0) @binding(6) var depth_in: texture_2d_array<f32>;
// Per plane: inverse depth = a x + b y + c at the working pixel (x, y); w: 1 where there is one.
@group(0) @binding(7) var<uniform> planes: array<vec4<f32>, 4>;
// Columns and rows of the grid that is sampled, px between them, place of the first sample.
@group(0) @binding(9) var<uniform> grid: vec4<u32>;
@group(0) @binding(10) var<storage, read_write> samples: array<vec2<f32>>;

// Variance of luma in a patch (0..1, squared) up to which it counts as without texture: a little more than sensor noise.
const FLAT: f32 = 2e-4;
// Share of the like-coloured surroundings that must lie on the plane.
const HELD: f32 = 0.3;
// Colours of two sources that show the same may lie so far from the pixel's.
const ALIKE: f32 = 0.1;
// Confidence of what was put on a plane, at least.
const TRUST: f32 = 0.45;

// What shows texture and is trusted more stays as it is.
const UNSURE: f32 = 0.6;
// The plane may match worse by this much.
const MARGIN: f32 = 0.05;

// Inverse depth and confidence on a grid.
@compute @workgroup_size(8, 8)
fn sample(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= grid.x || id.y >= grid.y {
        return;
    }
    let at = min(id.xy * grid.z + grid.z / 2u, vec2<u32>(solve.width, solve.height) - 1u);
    samples[grid.w + id.y * grid.x + id.x] = textureLoad(depth_in, vec2<i32>(at), i32(solve.layer), 0).rg;
}

// Of the like-coloured 9x9 surroundings (about a thirtieth of the picture to each side), by how much they are trusted: the share that
// lies on the plane, less the share that is seen behind it.
fn company(at: vec2<i32>, color: vec3<f32>, plane: vec3<f32>) -> f32 {
    let hi = vec2<i32>(i32(solve.width), i32(solve.height)) - 1;
    let step = max(i32(max(solve.width, solve.height)) / 110, 2);
    var sum = 0.0;
    var total = 1e-6;
    for (var k = 0; k < 81; k++) {
        let q = at + vec2<i32>(k % 9 - 4, k / 9 - 4) * step;
        let inside = all(q >= vec2<i32>(0)) && all(q <= hi);
        let held = clamp(q, vec2<i32>(0), hi);
        let d = textureLoad(depth_in, held, i32(solve.layer), 0);
        let c = textureLoad(level, held, i32(solve.layer), 0).rgb - color;
        let w = select(0.0, (d.g * d.g + 0.01) * exp(-dot(c, c) * 60.0), inside);
        let e = (d.r - dot(plane, vec3<f32>(vec2<f32>(held) + 0.5, 1.0))) / solve.rho_per_px;
        sum += w * (1.0 / (1.0 + e * e) - select(0.0, 1.0, e < -3.0));
        total += w;
    }
    return sum / total;
}

// How far the colours of the two sources that come nearest to the pixel's lie from it.
fn apart(p: vec2<f32>, rho: f32, color: vec3<f32>) -> f32 {
    var best = 9.0;
    var second = 9.0;
    for (var s = 0u; s < solve.sources; s++) {
        let pair = pairs[s];
        let seen = seen_in(pair, vec4<f32>(p, 1.0, rho));
        let hi = max(pair.size_layer.xy / solve.scale - 1.0, vec2<f32>(0.0));
        let c = source_color(seen.xy / solve.scale - 0.5, hi, i32(pair.size_layer.z)) - color;
        let d = select(9.0, length(c), seen.z > 0.0);
        second = min(second, max(best, d));
        best = min(best, d);
    }
    return select(second, best, solve.sources < 2u);
}

@compute @workgroup_size(8, 8)
fn flatten(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= solve.width || id.y >= solve.height {
        return;
    }
    let at = vec2<i32>(id.xy);
    let p = vec2<f32>(id.xy) + 0.5;
    let own = textureLoad(depth_in, at, i32(solve.layer), 0);
    let patch_ = load_patch(at, i32(solve.stride));
    let is_flat = patch_.variance < FLAT;
    let own_cost = match_cost(patch_, p, own.r, vec2<f32>(0.0), 4u);
    var out = own.rg;
    var best = HELD;
    if is_flat || own.g < UNSURE {
        for (var k = 0; k < 4; k++) {
            let plane = planes[k];
            let rho = dot(plane.xyz, vec3<f32>(p, 1.0));
            if plane.w > 0.5 && rho >= solve.rho_min && rho <= solve.rho_max {
                let held = company(at, patch_.color, plane.xyz);
                var fits = held > best && apart(p, rho, patch_.color) < ALIKE;
                if fits && !is_flat {
                    fits = match_cost(patch_, p, rho, plane.xy, 4u) < own_cost + MARGIN;
                }
                if fits {
                    best = held;
                    out = vec2<f32>(rho, max(own.g, TRUST));
                }
            }
        }
    }
    textureStore(depth_out, at, i32(solve.layer), vec4<f32>(out, 0.0, 0.0));
}
