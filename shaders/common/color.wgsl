// sRGB transfer (IEC 61966-2-1) and a bicubic picture fetch.
fn linear_from_srgb(v: vec3<f32>) -> vec3<f32> {
    return select(pow((v + 0.055) / 1.055, vec3<f32>(2.4)), v / 12.92, v <= vec3<f32>(0.04045));
}

fn srgb_from_linear(v: vec3<f32>) -> vec3<f32> {
    let c = max(v, vec3<f32>(0.0));
    return select(1.055 * pow(c, vec3<f32>(1.0 / 2.4)) - 0.055, c * 12.92, c <= vec3<f32>(0.0031308));
}

fn luma_of(c: vec3<f32>) -> f32 {
    return dot(c, vec3<f32>(0.299, 0.587, 0.114));
}

// Catmull-Rom weights of the four texels around fraction t.
fn cubic_weights(t: f32) -> vec4<f32> {
    let t2 = t * t;
    let t3 = t2 * t;
    return vec4<f32>(-0.5 * t + t2 - 0.5 * t3, 1.0 - 2.5 * t2 + 1.5 * t3, 0.5 * t + 2.0 * t2 - 1.5 * t3, -0.5 * t2 + 0.5 * t3);
}

// Bicubic (Catmull-Rom) fetch at pixel position `px` of a layer whose used size is `size`; exact at pixel centres.
fn fetch_cubic(picture: texture_2d_array<f32>, px: vec2<f32>, size: vec2<f32>, layer: i32) -> vec3<f32> {
    let q = clamp(px, vec2<f32>(0.5), size - 0.5) - 0.5;
    let base = floor(q);
    let f = q - base;
    let wx = cubic_weights(f.x);
    let wy = cubic_weights(f.y);
    let hi = vec2<i32>(size) - 1;
    let b = vec2<i32>(base);
    var sum = vec3<f32>(0.0);
    for (var j = 0; j < 4; j++) {
        let y = clamp(b.y + j - 1, 0, hi.y);
        var row = vec3<f32>(0.0);
        row += wx.x * textureLoad(picture, vec2<i32>(clamp(b.x - 1, 0, hi.x), y), layer, 0).rgb;
        row += wx.y * textureLoad(picture, vec2<i32>(clamp(b.x, 0, hi.x), y), layer, 0).rgb;
        row += wx.z * textureLoad(picture, vec2<i32>(clamp(b.x + 1, 0, hi.x), y), layer, 0).rgb;
        row += wx.w * textureLoad(picture, vec2<i32>(clamp(b.x + 2, 0, hi.x), y), layer, 0).rgb;
        sum += wy[j] * row;
    }
    return clamp(sum, vec3<f32>(0.0), vec3<f32>(1.0));
}
