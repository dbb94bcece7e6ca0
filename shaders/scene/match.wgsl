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
    // Share of the second-best source in the cost: about a third where neighbours are close; none where they are so far apart that a
    // surface is often seen by one neighbour alone.
    second_share: f32,
    // Width and rows of a source in `quads`.
    quad_width: u32,
    quad_rows: u32,
    pad_a: f32,
}

@group(0) @binding(0) var<uniform> solve: Solve;
@group(0) @binding(1) var<uniform> pairs: array<Pair, 4>;
@group(0) @binding(2) var level: texture_2d_array<f32>;
// Luma of the sources at this level, 2x2 texels to a word (scene/quads.wgsl).
@group(0) @binding(8) var quads: texture_2d_array<u32>;

// The reference patch, loaded once per pixel. Thirteen taps, written out into vectors and scalars: compilers for software adapters keep
// every array in memory, and reading it back there costs more than the sampling of the source.
// Pattern (rows -2..2, columns -2..2):
//   x . x . x
//   . x . x .
//   x . x . x
//   . x . x .
//   x . x . x
struct Patch {
    // Weights and luma: corners at 1, cross at 2, corners at 2 (each in the order of `load_patch`), and the centre's luma; the
    // centre's weight is one.
    weight_a: vec4<f32>,
    weight_b: vec4<f32>,
    weight_c: vec4<f32>,
    luma_a: vec4<f32>,
    luma_b: vec4<f32>,
    luma_c: vec4<f32>,
    luma: f32,
    inv_sum: f32,
    mean: f32,
    variance: f32,
    color: vec3<f32>,
}

fn load_texel(at: vec2<i32>) -> vec4<f32> {
    let hi = vec2<i32>(i32(solve.width), i32(solve.height)) - 1;
    return textureLoad(level, clamp(at, vec2<i32>(0), hi), i32(solve.layer), 0);
}

fn likeness(a: vec4<f32>, b: vec4<f32>, c: vec4<f32>, d: vec4<f32>, center: vec3<f32>) -> vec4<f32> {
    let da = a.rgb - center;
    let db = b.rgb - center;
    let dc = c.rgb - center;
    let dd = d.rgb - center;
    // Colour sigma 0.18 of full scale: keeps the patch on one surface, and no less of that surface than its shading and noise make of it.
    return exp(vec4<f32>(dot(da, da), dot(db, db), dot(dc, dc), dot(dd, dd)) * -15.0);
}

fn load_patch(at: vec2<i32>, stride: i32) -> Patch {
    let center = load_texel(at);
    let a0 = load_texel(at + vec2<i32>(-1, -1) * stride);
    let a1 = load_texel(at + vec2<i32>(1, -1) * stride);
    let a2 = load_texel(at + vec2<i32>(-1, 1) * stride);
    let a3 = load_texel(at + vec2<i32>(1, 1) * stride);
    let b0 = load_texel(at + vec2<i32>(-2, 0) * stride);
    let b1 = load_texel(at + vec2<i32>(2, 0) * stride);
    let b2 = load_texel(at + vec2<i32>(0, -2) * stride);
    let b3 = load_texel(at + vec2<i32>(0, 2) * stride);
    let c0 = load_texel(at + vec2<i32>(-2, -2) * stride);
    let c1 = load_texel(at + vec2<i32>(2, -2) * stride);
    let c2 = load_texel(at + vec2<i32>(-2, 2) * stride);
    let c3 = load_texel(at + vec2<i32>(2, 2) * stride);
    // Space sigma 3 taps.
    let wa = likeness(a0, a1, a2, a3, center.rgb) * 0.895834;
    let wb = likeness(b0, b1, b2, b3, center.rgb) * 0.802519;
    let wc = likeness(c0, c1, c2, c3, center.rgb) * 0.644036;
    let la = vec4<f32>(a0.a, a1.a, a2.a, a3.a);
    let lb = vec4<f32>(b0.a, b1.a, b2.a, b3.a);
    let lc = vec4<f32>(c0.a, c1.a, c2.a, c3.a);
    let one = vec4<f32>(1.0);
    let inv_sum = 1.0 / (1.0 + dot(wa, one) + dot(wb, one) + dot(wc, one));
    let mean = (center.a + dot(wa, la) + dot(wb, lb) + dot(wc, lc)) * inv_sum;
    let square = (center.a * center.a + dot(wa, la * la) + dot(wb, lb * lb) + dot(wc, lc * lc)) * inv_sum;
    return Patch(wa, wb, wc, la, lb, lc, center.a, inv_sum, mean, max(square - mean * mean, 0.0), center.rgb);
}

// Luma of a source at `uv` (texel centres at whole numbers).
fn source_luma(uv: vec2<f32>, hi: vec2<f32>, source: i32) -> f32 {
    let at = clamp(uv, vec2<f32>(0.0), hi);
    let base = floor(at);
    let f = at - base;
    let texels = unpack4x8unorm(textureLoad(quads, vec2<i32>(base), source, 0).x);
    let rows = mix(texels.xz, texels.yw, f.x);
    return mix(rows.x, rows.y, f.y);
}

// Colour of a source at `uv` (texel centres at whole numbers), in full precision: a sampler's steps of 1/256 differ from device to device.
fn source_color(uv: vec2<f32>, hi: vec2<f32>, layer: i32) -> vec3<f32> {
    let at = clamp(uv, vec2<f32>(0.0), hi);
    let base = floor(at);
    let f = at - base;
    let a = vec2<i32>(base);
    let b = min(a + 1, vec2<i32>(hi));
    let top = mix(textureLoad(level, a, layer, 0).rgb, textureLoad(level, vec2<i32>(b.x, a.y), layer, 0).rgb, f.x);
    let low = mix(textureLoad(level, vec2<i32>(a.x, b.y), layer, 0).rgb, textureLoad(level, b, layer, 0).rgb, f.x);
    return mix(top, low, f.y);
}

const UNSEEN: f32 = 4.0;

// Cost 0..~1.2 of the plane (h: reference pixel, 1, inverse depth; slope g) in source `s`, or UNSEEN.
fn match_source(patch_: Patch, h: vec4<f32>, g: vec2<f32>, s: u32) -> f32 {
    let row_x = pairs[s].row_x;
    let row_y = pairs[s].row_y;
    let row_z = pairs[s].row_z;
    let limit = pairs[s].size_layer.xy;
    let layer = i32(pairs[s].size_layer.z);
    let inv_scale = 1.0 / solve.scale;
    let reach = solve.stride * solve.scale;
    let v0 = vec3<f32>(dot(row_x, h), dot(row_y, h), dot(row_z, h));
    if v0.z <= 1e-6 {
        return UNSEEN;
    }
    let uv0 = v0.xy / v0.z;
    if any(uv0 < vec2<f32>(0.0)) || any(uv0 >= limit) {
        return UNSEEN;
    }
    // The projection is linearized at the centre: over two px the error is far below a hundredth of a px.
    let per_rho = vec3<f32>(row_x.w, row_y.w, row_z.w);
    let to_texel = reach * inv_scale / v0.z;
    let vx = vec3<f32>(row_x.x, row_y.x, row_z.x) + per_rho * g.x;
    let vy = vec3<f32>(row_x.y, row_y.y, row_z.y) + per_rho * g.y;
    let jx = (vx.xy - uv0 * vx.z) * to_texel;
    let jy = (vy.xy - uv0 * vy.z) * to_texel;
    let hi = max(limit * inv_scale - 1.0, vec2<f32>(0.0));
    let at = uv0 * inv_scale - 0.5;
    let center = source_color(at, hi, layer);
    let o = source_luma(at, hi, i32(s));
    let e = jx + jy;
    let f = jx - jy;
    let a = vec4<f32>(source_luma(at - e, hi, i32(s)), source_luma(at + f, hi, i32(s)), source_luma(at - f, hi, i32(s)), source_luma(at + e, hi, i32(s)));
    let b = vec4<f32>(
        source_luma(at - jx * 2.0, hi, i32(s)),
        source_luma(at + jx * 2.0, hi, i32(s)),
        source_luma(at - jy * 2.0, hi, i32(s)),
        source_luma(at + jy * 2.0, hi, i32(s)),
    );
    let c = vec4<f32>(
        source_luma(at - e * 2.0, hi, i32(s)),
        source_luma(at + f * 2.0, hi, i32(s)),
        source_luma(at - f * 2.0, hi, i32(s)),
        source_luma(at + e * 2.0, hi, i32(s)),
    );
    let wa = patch_.weight_a * a;
    let wb = patch_.weight_b * b;
    let wc = patch_.weight_c * c;
    let one = vec4<f32>(1.0);
    let mean = (o + dot(wa, one) + dot(wb, one) + dot(wc, one)) * patch_.inv_sum;
    let square = (o * o + dot(wa, a) + dot(wb, b) + dot(wc, c)) * patch_.inv_sum;
    let product = (o * patch_.luma + dot(wa, patch_.luma_a) + dot(wb, patch_.luma_b) + dot(wc, patch_.luma_c)) * patch_.inv_sum;
    let variance = max(square - mean * mean, 0.0);
    let covariance = product - mean * patch_.mean;
    // The floor is sensor noise (about 1.5 code values): a flat patch tells nothing and costs the middle.
    let ncc = covariance * inverseSqrt((patch_.variance + 4e-5) * (variance + 4e-5));
    let difference = center - patch_.color;
    return (1.0 - ncc) * (1.0 - solve.color_weight) + solve.color_weight * min(length(difference) * 4.0, 1.0);
}

// Where a source sees a reference point (h: pixel, 1, inverse depth): position in level-0 px, and its depth there over the
// reference's; the latter is negative where it does not.
fn seen_in(pair: Pair, h: vec4<f32>) -> vec3<f32> {
    let v = vec3<f32>(dot(pair.row_x, h), dot(pair.row_y, h), dot(pair.row_z, h));
    if v.z <= 1e-6 {
        return vec3<f32>(-1.0);
    }
    let uv = v.xy / v.z;
    let outside = any(uv < vec2<f32>(0.0)) || any(uv >= pair.size_layer.xy);
    return vec3<f32>(uv, select(v.z, -1.0, outside));
}

// The cost of the best source, mixed with the second best's. p in level-0 px of the reference.
// Sources are written out: with a constant index a software adapter reads a pair once, not once per lane (several times faster).
fn match_cost(patch_: Patch, p: vec2<f32>, rho: f32, g: vec2<f32>, most: u32) -> f32 {
    let h = vec4<f32>(p, 1.0, rho);
    var best = UNSEEN;
    var second = UNSEEN;
    if solve.sources > 0u {
        best = match_source(patch_, h, g, 0u);
    }
    if solve.sources > 1u {
        let cost = match_source(patch_, h, g, 1u);
        second = max(best, cost);
        best = min(best, cost);
    }
    if most > 2u && solve.sources > 2u {
        let cost = match_source(patch_, h, g, 2u);
        second = min(second, max(best, cost));
        best = min(best, cost);
    }
    if most > 3u && solve.sources > 3u {
        let cost = match_source(patch_, h, g, 3u);
        second = min(second, max(best, cost));
        best = min(best, cost);
    }
    if best >= UNSEEN {
        return 1.0;
    }
    if second >= UNSEEN {
        return best * 0.9 + 0.1;
    }
    return mix(best, second, solve.second_share);
}
