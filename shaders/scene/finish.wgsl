// From the planes of one camera to its depth layer, cross-view consistency, and edge-aware repair of what is not trusted.
// Depth layer: r = inverse depth (1/m along z), g = confidence 0..1 (before `check`: photometric cost).
#import scene/match.wgsl

@group(0) @binding(4) var<storage, read> state: array<vec4<f32>>;
@group(0) @binding(5) var depth_out: texture_storage_2d_array<rg32float, write>;
@group(0) @binding(6) var depth_in: texture_2d_array<f32>;

@compute @workgroup_size(8, 8)
fn store(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= solve.width || id.y >= solve.height {
        return;
    }
    let s = state[id.y * solve.width + id.x];
    textureStore(depth_out, vec2<i32>(id.xy), i32(solve.layer), vec4<f32>(s.x, s.w, 0.0, 0.0));
}

// Does the neighbour see the same surface? Support, conflict (it sees through our surface) or silence (it is hidden there).
@compute @workgroup_size(8, 8)
fn check(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= solve.width || id.y >= solve.height {
        return;
    }
    let at = vec2<i32>(id.xy);
    let d = textureLoad(depth_in, at, i32(solve.layer), 0);
    let p = vec2<f32>(id.xy) + 0.5;
    var support = 0.0;
    var conflict = 0.0;
    for (var s = 0u; s < solve.sources; s++) {
        let pair = pairs[s];
        let h = vec4<f32>(p, 1.0, d.r);
        let v = vec3<f32>(dot(pair.row_x, h), dot(pair.row_y, h), dot(pair.row_z, h));
        if v.z <= 1e-6 {
            continue;
        }
        let uv = v.xy / v.z;
        if any(uv < vec2<f32>(0.0)) || any(uv >= pair.size_layer.xy) {
            continue;
        }
        let expected = d.r / v.z;
        let unit = pair.size_layer.w;
        // The best of the 2x2 texels around: half a pixel of parallax at a slanted surface is no disagreement.
        let base = vec2<i32>(floor(uv - 0.5));
        let hi = vec2<i32>(pair.size_layer.xy) - 1;
        var signed_error = 1e9;
        for (var k = 0; k < 4; k++) {
            let q = clamp(base + vec2<i32>(k & 1, k >> 1), vec2<i32>(0), hi);
            let e = (textureLoad(depth_in, q, i32(pair.size_layer.z), 0).r - expected) / unit;
            if abs(e) < abs(signed_error) {
                signed_error = e;
            }
        }
        if abs(signed_error) < 2.0 {
            support += 1.0 - smoothstep(0.7, 2.0, abs(signed_error));
        } else if signed_error < 0.0 {
            conflict += 1.0;
        }
    }
    let photo = 1.0 - smoothstep(0.35, 0.95, d.g);
    let agreed = clamp(support * 0.55, 0.0, 1.0) / (1.0 + 0.35 * conflict);
    let confidence = clamp(agreed * (0.35 + 0.65 * photo), 0.0, 1.0);
    textureStore(depth_out, at, i32(solve.layer), vec4<f32>(d.r, confidence, 0.0, 0.0));
}

// Repair: an untrusted pixel takes the inverse depth that most of its trusted neighbours of like colour agree on.
@compute @workgroup_size(8, 8)
fn repair(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= solve.width || id.y >= solve.height {
        return;
    }
    let at = vec2<i32>(id.xy);
    let layer = i32(solve.layer);
    let own = textureLoad(depth_in, at, layer, 0);
    if own.g > 0.55 {
        textureStore(depth_out, at, layer, own);
        return;
    }
    let color = textureLoad(level, at, layer, 0).rgb;
    let hi = vec2<i32>(i32(solve.width), i32(solve.height)) - 1;
    let stride = i32(solve.stride);
    var rho: array<f32, 25>;
    var weight: array<f32, 25>;
    var total = 0.0;
    for (var k = 0; k < 25; k++) {
        let o = vec2<i32>(k % 5 - 2, k / 5 - 2);
        let q = at + o * stride;
        if any(q < vec2<i32>(0)) || any(q > hi) {
            weight[k] = 0.0;
            continue;
        }
        let n = textureLoad(depth_in, q, layer, 0);
        let c = textureLoad(level, q, layer, 0).rgb - color;
        rho[k] = n.r;
        weight[k] = (n.g * n.g + 0.002) * exp(-dot(c, c) * 80.0 - 0.08 * f32(dot(o, o)));
        total += weight[k];
    }
    var best = own.r;
    var best_support = 0.0;
    let unit = 1.0 / (solve.rho_per_px * 1.5);
    for (var a = 0; a < 25; a++) {
        if weight[a] < 0.02 * total {
            continue;
        }
        var support = 0.0;
        var mean = 0.0;
        for (var b = 0; b < 25; b++) {
            let e = (rho[b] - rho[a]) * unit;
            let w = weight[b] / (1.0 + e * e);
            support += w;
            mean += w * rho[b];
        }
        if support > best_support {
            best_support = support;
            best = mean / support;
        }
    }
    let trust = clamp(best_support * 0.25, 0.0, 0.5);
    let keep = own.g / (own.g + trust * (1.0 - own.g) + 1e-4);
    let agree = abs(best - own.r) < 2.0 * solve.rho_per_px;
    let out_rho = select(select(best, own.r, keep > 0.5), mix(best, own.r, keep), agree);
    textureStore(depth_out, at, layer, vec4<f32>(out_rho, max(own.g, min(trust, 0.5)), 0.0, 0.0));
}
