// Real picture -> undistorted working picture at level 0 (rgb, luma in alpha), brought to the exposure of the others where they differ much,
// and its pyramid by 2x2 means.
#import common/camera.wgsl
#import common/color.wgsl

struct Prepare {
    camera: u32,
    // Size of the level that is written.
    width: u32,
    height: u32,
    // Samples per axis per working pixel (1 when the working picture is as large as the real one).
    samples: u32,
}

@group(0) @binding(0) var<uniform> prepare: Prepare;
@group(0) @binding(1) var<storage, read> cameras: array<Camera>;
@group(0) @binding(2) var pictures: texture_2d_array<f32>;
@group(0) @binding(3) var level_out: texture_storage_2d_array<rgba8unorm, write>;

@compute @workgroup_size(8, 8)
fn undistort(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= prepare.width || id.y >= prepare.height {
        return;
    }
    let c = cameras[prepare.camera];
    let layer = i32(c.size_kind_layer.w);
    var sum = vec3<f32>(0.0);
    let n = prepare.samples;
    for (var j = 0u; j < n; j++) {
        for (var i = 0u; i < n; i++) {
            let p = vec2<f32>(id.xy) + (vec2<f32>(f32(i), f32(j)) + 0.5) / f32(n);
            let ideal = (p - c.working_lens.zw) / c.working_lens.xy;
            sum += fetch_cubic(pictures, picture_px(c, ideal), c.size_kind_layer.xy, layer);
        }
    }
    var rgb = sum / f32(n * n);
    // Exactly the picture where nothing is to be evened.
    if any(c.gain.rgb != vec3<f32>(1.0)) {
        rgb = srgb_from_linear(linear_from_srgb(max(rgb, vec3<f32>(0.0))) * c.gain.rgb);
    }
    textureStore(level_out, vec2<i32>(id.xy), layer, vec4<f32>(rgb, luma_of(rgb)));
}

@group(0) @binding(4) var level_in: texture_2d_array<f32>;

@compute @workgroup_size(8, 8)
fn halve(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= prepare.width || id.y >= prepare.height {
        return;
    }
    let c = cameras[prepare.camera];
    let layer = i32(c.size_kind_layer.w);
    let hi = vec2<i32>(i32(prepare.samples & 0xffffu), i32(prepare.samples >> 16u)) - 1;
    let b = vec2<i32>(id.xy) * 2;
    let sum = textureLoad(level_in, min(b, hi), layer, 0) + textureLoad(level_in, min(b + vec2<i32>(1, 0), hi), layer, 0)
        + textureLoad(level_in, min(b + vec2<i32>(0, 1), hi), layer, 0) + textureLoad(level_in, min(b + vec2<i32>(1, 1), hi), layer, 0);
    textureStore(level_out, vec2<i32>(id.xy), layer, sum * 0.25);
}
