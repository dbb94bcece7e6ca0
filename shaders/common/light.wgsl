// What lens, response and exposure of a source make of its light, against the view's.
#import common/camera.wgsl
#import common/color.wgsl

// Responses are known within so many stops about a middle grey (src/scene/shading.rs).
const CURVE_LOW: f32 = -6.0;
const CURVE_HIGH: f32 = 2.5;
const MIDDLE: f32 = 0.18;

// Square of the distance from a picture's middle, 1 in its corners.
fn rho2_of(px: vec2<f32>, size: vec2<f32>) -> f32 {
    let d = px - 0.5 * size;
    return 4.0 * dot(d, d) / dot(size, size);
}

// Light that a rim leaves there, of 1 in the middle.
fn rim_of(c: Camera, px: vec2<f32>, size: vec2<f32>) -> f32 {
    let rho2 = rho2_of(px, size);
    return exp2(-(c.look.x + c.look.y * rho2) * rho2);
}

// What the linear light that a source shows at `px` is multiplied with, so that it is as the view shows it in its middle.
fn gain_of(c: Camera, px: vec2<f32>, light: vec3<f32>) -> vec3<f32> {
    // Exactly the exposure's where there is nothing else.
    if all(c.look == vec4<f32>(0.0)) {
        return c.gain.rgb;
    }
    let lifted = 1.0 / rim_of(c, px, c.size_kind_layer.xy);
    let v = clamp(log2(max(light * lifted / MIDDLE, vec3<f32>(1e-4))), vec3<f32>(CURVE_LOW), vec3<f32>(CURVE_HIGH));
    return c.gain.rgb * lifted * exp2((c.look.w * v + c.look.z) * v);
}

// A coded value of a source as the view shows it: near enough to the gain in linear light for comparing; exact where there is none.
fn evened(c: Camera, px: vec2<f32>, coded: vec3<f32>) -> vec3<f32> {
    if all(c.look == vec4<f32>(0.0)) {
        return coded * pow(c.gain.rgb, vec3<f32>(1.0 / 2.4));
    }
    return coded * pow(gain_of(c, px, linear_from_srgb(coded)), vec3<f32>(1.0 / 2.4));
}
