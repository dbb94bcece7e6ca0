// From linear light to the picture's code values.

#import venue/types.wgsl

// Filmic curve (Narkowicz' rational fit of the ACES curve), then sRGB.
fn display_from_linear(linear: vec3<f32>) -> vec3<f32> {
    let x = max(linear * view.clock.y, vec3<f32>(0.0));
    let y = clamp((x * (2.51 * x + 0.03)) / (x * (2.43 * x + 0.59) + 0.14), vec3<f32>(0.0), vec3<f32>(1.0));
    return select(1.055 * pow(y, vec3<f32>(1.0 / 2.4)) - 0.055, y * 12.92, y <= vec3<f32>(0.0031308));
}
