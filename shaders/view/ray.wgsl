// Where a pixel of the view looks: ideal normalized coordinates.
#import view/common.wgsl

@group(0) @binding(5) var<storage, read> rays: array<vec2<f32>>;

fn ray_of(pixel: u32, at: vec2<u32>) -> vec2<f32> {
    if view.has_rays == 1u {
        return rays[pixel];
    }
    return (vec2<f32>(at) + 0.5 - cameras[0].lens.zw) / cameras[0].lens.xy;
}
