// The matching cost: bilaterally weighted ZNCC over a slanted patch, mean of the better half of the sources.
// Geometry in inverse depth: for a reference pixel p and inverse depth rho, v = M p + rho b, position v.xy / v.z.

struct Pair {
    // Rows of M (xyz) and b (w), between working pictures at level 0.
    row_x: vec4<f32>,
    row_y: vec4<f32>,
    row_z: vec4<f32>,
    // Width and height of the source's working picture at level 0; its layer; inverse depth per px in the source.
    size_layer: vec4<f32>,
}

struct Solve {
    // Size of the reference at this level.
    width: u32,
    height: u32,
    layer: u32,
    depths: u32,
    rho_min: f32,
    rho_step: f32,
    // Level-0 pixels per pixel of this level.
    scale: f32,
    // Inverse depth per level-0 pixel of disparity.
    rho_per_px: f32,
    iteration: u32,
    stride: f32,
    smoothness: f32,
    color_weight: f32,
    rho_max: f32,
    sources: u32,
    p1: f32,
    p2: f32,
    // Share of the second-best source in the cost: half where neighbours are close; none where they are so far apart that a
    // surface is often seen by one neighbour alone.
    second_share: f32,
    pad_a: f32,
    pad_b: f32,
    pad_c: f32,
}

@group(0) @binding(0) var<uniform> solve: Solve;
@group(0) @binding(1) var<storage, read> pairs: array<Pair>;
@group(0) @binding(2) var level: texture_2d_array<f32>;
@group(0) @binding(3) var bilinear: sampler;

// The reference patch, loaded once per pixel. Thirteen taps, written out: indexing a constant array makes the compiler copy it
// at every tap. Pattern (rows -2..2, columns -2..2):
//   x . x . x
//   . x . x .
//   x . x . x
//   . x . x .
//   x . x . x
struct Patch {
    sum: f32,
    mean: f32,
    variance: f32,
    color: vec3<f32>,
}

var<private> patch_luma: array<f32, 13>;
var<private> patch_weight: array<f32, 13>;

struct Sums {
    w: f32,
    a: f32,
    aa: f32,
}

fn load_tap(at: vec2<i32>, hi: vec2<i32>, center: vec3<f32>, space: f32, k: u32, sums: Sums) -> Sums {
    let c = textureLoad(level, clamp(at, vec2<i32>(0), hi), i32(solve.layer), 0);
    let d = c.rgb - center;
    // Colour sigma 0.12 of full scale, space sigma 3 taps: keeps the patch on one surface.
    let w = exp(-dot(d, d) * 35.0) * space;
    patch_luma[k] = c.a;
    patch_weight[k] = w;
    return Sums(sums.w + w, sums.a + w * c.a, sums.aa + w * c.a * c.a);
}

fn load_patch(at: vec2<i32>, stride: i32) -> Patch {
    let hi = vec2<i32>(i32(solve.width), i32(solve.height)) - 1;
    let center = textureLoad(level, at, i32(solve.layer), 0).rgb;
    var s = Sums(0.0, 0.0, 0.0);
    s = load_tap(at + vec2<i32>(0, 0) * stride, hi, center, 1.000000, 0u, s);
    s = load_tap(at + vec2<i32>(-1, -1) * stride, hi, center, 0.895834, 1u, s);
    s = load_tap(at + vec2<i32>(1, -1) * stride, hi, center, 0.895834, 2u, s);
    s = load_tap(at + vec2<i32>(-1, 1) * stride, hi, center, 0.895834, 3u, s);
    s = load_tap(at + vec2<i32>(1, 1) * stride, hi, center, 0.895834, 4u, s);
    s = load_tap(at + vec2<i32>(-2, 0) * stride, hi, center, 0.802519, 5u, s);
    s = load_tap(at + vec2<i32>(2, 0) * stride, hi, center, 0.802519, 6u, s);
    s = load_tap(at + vec2<i32>(0, -2) * stride, hi, center, 0.802519, 7u, s);
    s = load_tap(at + vec2<i32>(0, 2) * stride, hi, center, 0.802519, 8u, s);
    s = load_tap(at + vec2<i32>(-2, -2) * stride, hi, center, 0.644036, 9u, s);
    s = load_tap(at + vec2<i32>(2, -2) * stride, hi, center, 0.644036, 10u, s);
    s = load_tap(at + vec2<i32>(-2, 2) * stride, hi, center, 0.644036, 11u, s);
    s = load_tap(at + vec2<i32>(2, 2) * stride, hi, center, 0.644036, 12u, s);
    let mean = s.a / s.w;
    return Patch(s.w, mean, max(s.aa / s.w - mean * mean, 0.0), center);
}

// One tap of a source: adds to (sum b, sum b*b, sum a*b).
fn match_tap(v: vec3<f32>, inv_scale: f32, hi: vec2<f32>, inv_dims: vec2<f32>, layer: i32, k: u32, sums: vec3<f32>) -> vec3<f32> {
    let uv = clamp(v.xy * (inv_scale / v.z), vec2<f32>(0.5), hi);
    let b = textureSampleLevel(level, bilinear, uv * inv_dims, layer, 0.0).a;
    let wb = patch_weight[k] * b;
    return sums + vec3<f32>(wb, wb * b, wb * patch_luma[k]);
}

// Cost 0..~1.2 of plane (rho at p, slope g per level-0 px). p in level-0 px of the reference.
fn match_cost(patch_: Patch, p: vec2<f32>, rho: f32, g: vec2<f32>) -> f32 {
    let inv_dims = 1.0 / vec2<f32>(textureDimensions(level));
    let inv_scale = 1.0 / solve.scale;
    let reach = solve.stride * solve.scale;
    let h = vec4<f32>(p, 1.0, rho);
    var best = 4.0;
    var second = 4.0;
    var count = 0u;
    let inv_sum = 1.0 / patch_.sum;
    for (var s = 0u; s < solve.sources; s++) {
        let row_x = pairs[s].row_x;
        let row_y = pairs[s].row_y;
        let row_z = pairs[s].row_z;
        let limit = pairs[s].size_layer.xy;
        let layer = i32(pairs[s].size_layer.z);
        // v is affine in the tap offset: three vectors serve all taps.
        let v0 = vec3<f32>(dot(row_x, h), dot(row_y, h), dot(row_z, h));
        if v0.z <= 1e-6 {
            continue;
        }
        let uv0 = v0.xy / v0.z;
        if any(uv0 < vec2<f32>(0.0)) || any(uv0 >= limit) {
            continue;
        }
        let b = vec3<f32>(row_x.w, row_y.w, row_z.w);
        let vx = (vec3<f32>(row_x.x, row_y.x, row_z.x) + b * g.x) * reach;
        let vy = (vec3<f32>(row_x.y, row_y.y, row_z.y) + b * g.y) * reach;
        let hi = limit * inv_scale - 0.5;
        let center = textureSampleLevel(level, bilinear, clamp(uv0 * inv_scale, vec2<f32>(0.5), hi) * inv_dims, layer, 0.0);
        var t = vec3<f32>(center.a, center.a * center.a, center.a * patch_luma[0]) * patch_weight[0];
        t = match_tap(v0 - vx - vy, inv_scale, hi, inv_dims, layer, 1u, t);
        t = match_tap(v0 + vx - vy, inv_scale, hi, inv_dims, layer, 2u, t);
        t = match_tap(v0 - vx + vy, inv_scale, hi, inv_dims, layer, 3u, t);
        t = match_tap(v0 + vx + vy, inv_scale, hi, inv_dims, layer, 4u, t);
        t = match_tap(v0 - vx * 2.0, inv_scale, hi, inv_dims, layer, 5u, t);
        t = match_tap(v0 + vx * 2.0, inv_scale, hi, inv_dims, layer, 6u, t);
        t = match_tap(v0 - vy * 2.0, inv_scale, hi, inv_dims, layer, 7u, t);
        t = match_tap(v0 + vy * 2.0, inv_scale, hi, inv_dims, layer, 8u, t);
        t = match_tap(v0 - vx * 2.0 - vy * 2.0, inv_scale, hi, inv_dims, layer, 9u, t);
        t = match_tap(v0 + vx * 2.0 - vy * 2.0, inv_scale, hi, inv_dims, layer, 10u, t);
        t = match_tap(v0 - vx * 2.0 + vy * 2.0, inv_scale, hi, inv_dims, layer, 11u, t);
        t = match_tap(v0 + vx * 2.0 + vy * 2.0, inv_scale, hi, inv_dims, layer, 12u, t);
        let mean = t.x * inv_sum;
        let variance = max(t.y * inv_sum - mean * mean, 0.0);
        let covariance = t.z * inv_sum - mean * patch_.mean;
        // The floor is sensor noise (about 1.5 code values): a flat patch tells nothing and costs the middle.
        let ncc = covariance * inverseSqrt((patch_.variance + 4e-5) * (variance + 4e-5));
        let difference = center.rgb - patch_.color;
        let cost = (1.0 - ncc) * (1.0 - solve.color_weight) + solve.color_weight * min(length(difference) * 4.0, 1.0);
        count++;
        second = min(second, max(best, cost));
        best = min(best, cost);
    }
    if count == 0u {
        return 1.0;
    }
    if count == 1u {
        return best * 0.9 + 0.1;
    }
    return mix(best, second, solve.second_share);
}
