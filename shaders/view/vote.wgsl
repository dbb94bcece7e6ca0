// Vote: of the inverse depths that the sources offer at a target pixel, the foremost that the sources uphold.
// Then repair: outliers by a median over like neighbours, holes from the far side.
#import view/common.wgsl

@group(0) @binding(3) var<storage, read> splats: array<u32>;
@group(0) @binding(4) var<storage, read_write> surface: array<vec2<f32>>;
@group(0) @binding(5) var<storage, read> rays: array<vec2<f32>>;
@group(0) @binding(6) var<storage, read> surface_in: array<vec2<f32>>;
@group(0) @binding(7) var pictures: texture_2d_array<f32>;

fn ray_of(pixel: u32, at: vec2<u32>) -> vec2<f32> {
    if view.has_rays == 1u {
        return rays[pixel];
    }
    return (vec2<f32>(at) + 0.5 - cameras[0].lens.zw) / cameras[0].lens.xy;
}

@compute @workgroup_size(8, 8)
fn vote(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= view.width || id.y >= view.height {
        return;
    }
    let pixel = id.y * view.width + id.x;
    if view.plane_only == 1u {
        surface[pixel] = vec2<f32>(view.rho_pivot, 1.0);
        return;
    }
    let ray = ray_of(pixel, id.xy);
    let count = view.width * view.height;
    var rho: array<f32, 6>;
    var score: array<f32, 6>;
    // How sure: the support as a share of the sources that could see the point at all.
    var trust: array<f32, 6>;
    var best_score = -1e9;
    for (var a = 0u; a < view.sources; a++) {
        let code = splats[a * count + pixel];
        rho[a] = bitcast<f32>(code);
        score[a] = -1e9;
        if code == 0u {
            continue;
        }
        let z = 1.0 / rho[a];
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
                // Near enough to the gain in linear light; exact where there is none.
                let rgb = textureLoad(pictures, at, i32(c.size_kind_layer.w), 0).rgb * pow(c.gain.rgb, vec3<f32>(1.0 / 2.4));
                let weight = (w + 0.02) * near;
                seen += weight;
                mean += weight * rgb;
                square += weight * dot(rgb, rgb);
            }
        }
        mean /= seen;
        let spread = sqrt(max(square / seen - dot(mean, mean), 0.0));
        trust[a] = (support - view.tune.y * conflict) / witnesses;
        score[a] = support - view.tune.y * conflict - view.tune.z * min(spread * 5.0, 1.0) * support;
        best_score = max(best_score, score[a]);
    }
    // The foremost of those that come near the best.
    var chosen = vec2<f32>(0.0, 0.0);
    for (var a = 0u; a < view.sources; a++) {
        if score[a] > -1e8 && score[a] >= best_score - max(view.tune.x * abs(best_score), 0.005) && rho[a] > chosen.x {
            chosen = vec2<f32>(rho[a], max(trust[a], 0.001));
        }
    }
    surface[pixel] = chosen;
}

// Weighted median over 3x3 for pixels that few uphold; holes take the farther of what stands around them.
@compute @workgroup_size(8, 8)
fn mend(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= view.width || id.y >= view.height {
        return;
    }
    let pixel = id.y * view.width + id.x;
    let own = surface_in[pixel];
    if view.plane_only == 1u {
        surface[pixel] = own;
        return;
    }
    let hi = vec2<i32>(i32(view.width), i32(view.height)) - 1;
    let at = vec2<i32>(id.xy);
    if own.x > 0.0 {
        // Median of the 3x3 that have a surface.
        var values: array<f32, 9>;
        var n = 0;
        for (var k = 0; k < 9; k++) {
            let q = at + vec2<i32>(k % 3 - 1, k / 3 - 1);
            if any(q < vec2<i32>(0)) || any(q > hi) {
                continue;
            }
            let v = surface_in[u32(q.y) * view.width + u32(q.x)].x;
            if v <= 0.0 {
                continue;
            }
            var i = n;
            while i > 0 && values[i - 1] > v {
                values[i] = values[i - 1];
                i--;
            }
            values[i] = v;
            n++;
        }
        let median = values[n / 2];
        // Within a px of disparity the own value is the finer one.
        let unit = cameras[1].working_size.z;
        let out_value = select(own.x, median, abs(median - own.x) > 1.0 * unit);
        surface[pixel] = vec2<f32>(out_value, own.y);
        return;
    }
    // Hole: first surface in eight directions.
    var found: array<vec2<f32>, 8>;
    var far = 1e9;
    for (var k = 0; k < 8; k++) {
        let dir = vec2<i32>(i32(round(cos(f32(k) * 0.7853982))), i32(round(sin(f32(k) * 0.7853982))));
        found[k] = vec2<f32>(0.0);
        for (var r = 1; r <= 96; r++) {
            let q = at + dir * r;
            if any(q < vec2<i32>(0)) || any(q > hi) {
                break;
            }
            let v = surface_in[u32(q.y) * view.width + u32(q.x)].x;
            if v > 0.0 {
                found[k] = vec2<f32>(v, 1.0 / f32(r));
                far = min(far, v);
                break;
            }
        }
    }
    var sum = 0.0;
    var weight = 0.0;
    let unit = cameras[1].working_size.z * 3.0;
    for (var k = 0; k < 8; k++) {
        if found[k].x > 0.0 && found[k].x < far + unit {
            sum += found[k].x * found[k].y;
            weight += found[k].y;
        }
    }
    // Negative score: filled.
    surface[pixel] = vec2<f32>(select(view.rho_pivot, sum / max(weight, 1e-9), weight > 0.0), -1.0);
}
