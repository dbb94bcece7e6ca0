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
}

@group(0) @binding(0) var<uniform> solve: Solve;
@group(0) @binding(1) var<storage, read> pairs: array<Pair>;
@group(0) @binding(2) var level: texture_2d_array<f32>;
@group(0) @binding(3) var bilinear: sampler;

override SOURCES: u32 = 4u;
const TAPS: u32 = 13u;
const TAP_AT = array<vec2<f32>, 13>(
    vec2<f32>(0.0, 0.0), vec2<f32>(-1.0, -1.0), vec2<f32>(1.0, -1.0), vec2<f32>(-1.0, 1.0), vec2<f32>(1.0, 1.0),
    vec2<f32>(-2.0, 0.0), vec2<f32>(2.0, 0.0), vec2<f32>(0.0, -2.0), vec2<f32>(0.0, 2.0),
    vec2<f32>(-2.0, -2.0), vec2<f32>(2.0, -2.0), vec2<f32>(-2.0, 2.0), vec2<f32>(2.0, 2.0));

// The reference patch, loaded once per pixel.
struct Patch {
    luma: array<f32, 13>,
    weight: array<f32, 13>,
    sum: f32,
    mean: f32,
    variance: f32,
    color: vec3<f32>,
}

fn load_patch(at: vec2<i32>, stride: i32) -> Patch {
    var patch_: Patch;
    let hi = vec2<i32>(i32(solve.width), i32(solve.height)) - 1;
    let layer = i32(solve.layer);
    let center = textureLoad(level, at, layer, 0);
    patch_.color = center.rgb;
    var sw = 0.0;
    var sa = 0.0;
    var saa = 0.0;
    for (var k = 0u; k < TAPS; k++) {
        let o = TAP_AT[k];
        let c = textureLoad(level, clamp(at + vec2<i32>(o) * stride, vec2<i32>(0), hi), layer, 0);
        let d = c.rgb - center.rgb;
        // Colour sigma 0.12 of full scale, space sigma 3 taps: keeps the patch on one surface.
        let w = exp(-dot(d, d) * 35.0 - dot(o, o) * 0.055);
        patch_.luma[k] = c.a;
        patch_.weight[k] = w;
        sw += w;
        sa += w * c.a;
        saa += w * c.a * c.a;
    }
    patch_.sum = sw;
    patch_.mean = sa / sw;
    patch_.variance = max(saa / sw - patch_.mean * patch_.mean, 0.0);
    return patch_;
}

// Cost 0..~1.2 of plane (rho at p, slope g per level-0 px). p in level-0 px of the reference.
fn match_cost(patch_: Patch, p: vec2<f32>, rho: f32, g: vec2<f32>) -> f32 {
    let dims = vec2<f32>(textureDimensions(level));
    let inv_scale = 1.0 / solve.scale;
    let reach = solve.stride * solve.scale;
    var best = 4.0;
    var second = 4.0;
    var count = 0u;
    for (var s = 0u; s < SOURCES; s++) {
        if s >= solve.sources {
            break;
        }
        let pair = pairs[s];
        let limit = pair.size_layer.xy;
        let layer = i32(pair.size_layer.z);
        // v is affine in the tap offset: three vectors serve all taps.
        let v0 = vec3<f32>(dot(pair.row_x, vec4<f32>(p, 1.0, rho)), dot(pair.row_y, vec4<f32>(p, 1.0, rho)), dot(pair.row_z, vec4<f32>(p, 1.0, rho)));
        let b = vec3<f32>(pair.row_x.w, pair.row_y.w, pair.row_z.w);
        let vx = (vec3<f32>(pair.row_x.x, pair.row_y.x, pair.row_z.x) + b * g.x) * reach;
        let vy = (vec3<f32>(pair.row_x.y, pair.row_y.y, pair.row_z.y) + b * g.y) * reach;
        if v0.z <= 1e-6 {
            continue;
        }
        let uv0 = v0.xy / v0.z;
        if any(uv0 < vec2<f32>(0.0)) || any(uv0 >= limit) {
            continue;
        }
        var sb = 0.0;
        var sbb = 0.0;
        var sab = 0.0;
        let hi = limit * inv_scale - 0.5;
        var center_color = vec3<f32>(0.0);
        for (var k = 0u; k < TAPS; k++) {
            let o = TAP_AT[k];
            let v = v0 + vx * o.x + vy * o.y;
            let uv = clamp(v.xy / v.z * inv_scale, vec2<f32>(0.5), hi);
            let c = textureSampleLevel(level, bilinear, uv / dims, layer, 0.0);
            if k == 0u {
                center_color = c.rgb;
            }
            let w = patch_.weight[k];
            sb += w * c.a;
            sbb += w * c.a * c.a;
            sab += w * c.a * patch_.luma[k];
        }
        let mean = sb / patch_.sum;
        let variance = max(sbb / patch_.sum - mean * mean, 0.0);
        let covariance = sab / patch_.sum - mean * patch_.mean;
        // The floor is sensor noise (about 1.5 code values): a flat patch tells nothing and costs the middle.
        let ncc = covariance / sqrt((patch_.variance + 4e-5) * (variance + 4e-5));
        let difference = center_color - patch_.color;
        let cost = (1.0 - ncc) * (1.0 - solve.color_weight) + solve.color_weight * min(sqrt(dot(difference, difference)) * 4.0, 1.0);
        count++;
        if cost < best {
            second = best;
            best = cost;
        } else if cost < second {
            second = cost;
        }
    }
    if count == 0u {
        return 1.0;
    }
    if count == 1u {
        return best * 0.9 + 0.1;
    }
    return 0.5 * (best + second);
}
