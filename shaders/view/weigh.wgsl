// How much a source counts for a point: by soft visibility, confidence, and distance to the picture's border; before angle.
#import view/common.wgsl
#import view/ray.wgsl

@group(0) @binding(3) var<storage, read> surface: array<vec2<f32>>;
@group(0) @binding(4) var pictures: texture_2d_array<f32>;

// How much a source still counts for what it sees in the boundary band beside something nearer: its pixels there are a mixture of both.
const BAND: f32 = 0.1;

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

struct Weighed {
    // Without the border, and the border's share.
    visible: f32,
    feather: f32,
    // Distance from the source's own surface, px of disparity.
    off: f32,
}

// The point at `ideal` and depth `z` of source `c`, seen at `px` of its picture; `trust` of the surface.
fn weigh(c: Camera, ideal: vec2<f32>, z: f32, px: vec2<f32>, trust: f32) -> Weighed {
    let size = c.size_kind_layer.xy;
    let border = min(min(px.x, px.y), min(size.x - px.x, size.y - px.y));
    let feather = smoothstep(-0.5, max(0.02 * size.x, 2.0), border);
    if view.plane_only == 1u {
        return Weighed(1.0, feather, 0.0);
    }
    let uv = working_px(c, ideal);
    let j = judge(c, uv, 1.0 / z);
    let e = abs(j.x);
    var visible = (1.0 - smoothstep(1.0, 4.0, e)) * (0.15 + 0.85 * j.y) + 1e-4;
    visible *= mix(1.0, BAND, in_band(c, uv, 1.0 / z));
    // Where nothing certain is known all sources count by angle alone: a soft cross-fade.
    visible = mix(1.0, visible, clamp(abs(trust) / max(view.tune.w, 1e-6), 0.0, 1.0));
    // A source at the very place of the target sees just what the target sees.
    visible = mix(visible, 1.0, smoothstep(0.97, 0.999, c.working_size.w));
    return Weighed(visible, feather, e);
}
