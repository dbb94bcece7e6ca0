// What all view passes share: the target, its chosen sources, and how a source judges a point.
#import common/camera.wgsl
#import common/color.wgsl
#import common/light.wgsl

struct View {
    width: u32,
    height: u32,
    // Number of sources used (the first ones of `sources`).
    sources: u32,
    // 1: rays come from the buffer (distorted target), 0: from the pinhole.
    has_rays: u32,
    // Inverse depth of the plane through the pivot that faces the target, and the scene's bounds.
    rho_pivot: f32,
    rho_min: f32,
    rho_max: f32,
    // 0 synthesis, 1 plane only (cross-fade, nearest).
    plane_only: u32,
    tune: vec4<f32>,
    // Px between the nodes of the grid of shifts (align.wgsl); 0: sources are not moved.
    align_step: u32,
    // 1: what is behind the moment is a plain backdrop.
    plain_backdrop: u32,
    pad_b: u32,
    pad_c: u32,
}

@group(0) @binding(0) var<uniform> view: View;
// Target camera first, then the sources by falling weight (weight in working_size.w). Uniform: a software adapter reads it once for
// all lanes where the index is a constant.
@group(0) @binding(1) var<uniform> cameras: array<Camera, 7>;
@group(0) @binding(2) var depths: texture_2d_array<f32>;

// The source's stored inverse depth against the expected one at working position `uv`, in px of disparity: ~0 same surface,
// > 0 something stands in front, < 0 the source sees through. y: confidence of the texel chosen.
fn judge(c: Camera, uv: vec2<f32>, expected: f32) -> vec2<f32> {
    let base = vec2<i32>(floor(uv - 0.5));
    let hi = vec2<i32>(c.working_size.xy) - 1;
    let unit = c.working_size.z;
    var error = 1e9;
    var confidence = 0.0;
    for (var k = 0; k < 4; k++) {
        let q = clamp(base + vec2<i32>(k & 1, k >> 1), vec2<i32>(0), hi);
        let d = textureLoad(depths, q, i32(c.size_kind_layer.w), 0);
        let e = (d.r - expected) / unit;
        if abs(e) < abs(error) {
            error = e;
            confidence = d.g;
        }
    }
    return vec2<f32>(error, confidence);
}

fn inside(uv: vec2<f32>, size: vec2<f32>) -> bool {
    return all(uv >= vec2<f32>(0.0)) && all(uv < size);
}
