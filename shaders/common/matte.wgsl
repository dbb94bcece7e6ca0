// The matte of a camera (red of its layer) at a position of its picture, bilinear.
fn matte_at(mattes: texture_2d_array<f32>, c: Camera, px: vec2<f32>) -> f32 {
    let hi = vec2<i32>(c.size_kind_layer.xy) - 1;
    let q = px - 0.5;
    let base = vec2<i32>(floor(q));
    let f = q - floor(q);
    let layer = i32(c.size_kind_layer.w);
    let a = textureLoad(mattes, clamp(base, vec2<i32>(0), hi), layer, 0).r;
    let b = textureLoad(mattes, clamp(base + vec2<i32>(1, 0), vec2<i32>(0), hi), layer, 0).r;
    let d = textureLoad(mattes, clamp(base + vec2<i32>(0, 1), vec2<i32>(0), hi), layer, 0).r;
    let e = textureLoad(mattes, clamp(base + vec2<i32>(1, 1), vec2<i32>(0), hi), layer, 0).r;
    return mix(mix(a, b, f.x), mix(d, e, f.x), f.y);
}
