// What the sources say of the surface at inverse depth `rho` on `ray`.
#import view/common.wgsl
#import view/ray.wgsl

@group(0) @binding(7) var pictures: texture_2d_array<f32>;

// x: score: support - conflict - disagreement in colour; y: trust: how sure, the support as a share of the sources that could see
// the point at all.
fn uphold(ray: vec2<f32>, rho: f32) -> vec2<f32> {
    let z = 1.0 / rho;
    let world = world_from_camera(cameras[0], vec3<f32>(ray * z, z));
    var support = 0.0;
    var conflict = 0.0;
    var witnesses = 0.03;
    // Weighted sums of colour and its square over the sources that uphold the point: their disagreement.
    var seen = 1e-6;
    var mean = vec3<f32>(0.0);
    var square = 0.0;
    for (var s = 0u; s < view.sources; s++) {
        let c = cameras[s + 1u];
        let p = camera_from_world(c, world);
        if p.z <= 1e-6 {
            continue;
        }
        let ideal = p.xy / p.z;
        let uv = working_px(c, ideal);
        if !inside(uv, c.working_size.xy) {
            continue;
        }
        let j = judge(c, uv, 1.0 / p.z);
        let w = c.working_size.w;
        let near = 1.0 - smoothstep(0.8, 3.0, abs(j.x));
        support += w * near * (0.1 + j.y);
        witnesses += w * select(0.0, 1.0, j.x < 3.0);
        if j.x < -2.0 {
            conflict += w * j.y;
        }
        if near > 0.0 {
            let at = clamp(vec2<i32>(picture_px(c, ideal)), vec2<i32>(0), vec2<i32>(c.size_kind_layer.xy) - 1);
            let rgb = evened(c, vec2<f32>(at) + 0.5, textureLoad(pictures, at, i32(c.size_kind_layer.w), 0).rgb);
            let weight = (w + 0.02) * near;
            seen += weight;
            mean += weight * rgb;
            square += weight * dot(rgb, rgb);
        }
    }
    mean /= seen;
    let spread = sqrt(max(square / seen - dot(mean, mean), 0.0));
    return vec2<f32>(
        support - view.tune.y * conflict - view.tune.z * min(spread * 5.0, 1.0) * support,
        (support - view.tune.y * conflict) / witnesses,
    );
}
