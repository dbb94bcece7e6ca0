// Propagation and refinement of slanted planes (PatchMatch: Barnes 2009, Bleyer 2011; here with deterministic hash noise and a
// smoothness term over colour), Jacobi style: reads one state, writes the other.
// State per pixel: inverse depth, its slope per level-0 px (x, y), photometric cost (negative: not computed yet).
#import scene/match.wgsl

@group(0) @binding(4) var<storage, read> state_in: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> state_out: array<vec4<f32>>;
// Size of the coarser level in xy (upsample only).
@group(0) @binding(6) var<uniform> coarse: vec4<u32>;

fn hash(v: vec3<u32>) -> vec3<f32> {
    // pcg3d (Jarzynski & Olano 2020).
    var x = v * 1664525u + 1013904223u;
    x.x += x.y * x.z;
    x.y += x.z * x.x;
    x.z += x.x * x.y;
    x ^= x >> vec3<u32>(16u);
    x.x += x.y * x.z;
    x.y += x.z * x.x;
    x.z += x.x * x.y;
    return vec3<f32>(x) * (1.0 / 4294967296.0);
}

// Slopes from the inverse depths of the state itself, each side's smaller difference (keeps steps out).
@compute @workgroup_size(8, 8)
fn slopes(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= solve.width || id.y >= solve.height {
        return;
    }
    let at = vec2<i32>(id.xy);
    let c = state_at(at);
    let l = c.x - state_at(at - vec2<i32>(1, 0)).x;
    let r = state_at(at + vec2<i32>(1, 0)).x - c.x;
    let u = c.x - state_at(at - vec2<i32>(0, 1)).x;
    let d = state_at(at + vec2<i32>(0, 1)).x - c.x;
    let g = vec2<f32>(select(r, l, abs(l) < abs(r)), select(d, u, abs(u) < abs(d))) / solve.scale;
    let limit = solve.rho_per_px * 1.0;
    state_out[id.y * solve.width + id.x] = vec4<f32>(c.x, clamp(g, vec2<f32>(-limit), vec2<f32>(limit)), -1.0);
}

fn state_at(at: vec2<i32>) -> vec4<f32> {
    let q = clamp(at, vec2<i32>(0), vec2<i32>(i32(solve.width), i32(solve.height)) - 1);
    return state_in[u32(q.y) * solve.width + u32(q.x)];
}

@compute @workgroup_size(8, 8)
fn upsample(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= solve.width || id.y >= solve.height {
        return;
    }
    // Of the four coarse pixels around, take the plane of the one most alike in colour.
    let here = textureLoad(level, vec2<i32>(id.xy), i32(solve.layer), 0).rgb;
    let q = (vec2<f32>(id.xy) + 0.5) * 0.5 - 0.5;
    let b = vec2<i32>(floor(q));
    var best = vec4<f32>(0.0);
    var best_d = 1e9;
    for (var j = 0; j < 2; j++) {
        for (var i = 0; i < 2; i++) {
            let at = clamp(b + vec2<i32>(i, j), vec2<i32>(0), vec2<i32>(coarse.xy) - 1);
            let fine = min(at * 2, vec2<i32>(i32(solve.width), i32(solve.height)) - 2);
            let c = (textureLoad(level, max(fine, vec2<i32>(0)), i32(solve.layer), 0).rgb
                + textureLoad(level, max(fine + vec2<i32>(1, 1), vec2<i32>(0)), i32(solve.layer), 0).rgb) * 0.5;
            let near = length(q - vec2<f32>(at));
            let d = length(c - here) + 0.03 * near;
            if d < best_d {
                best_d = d;
                let s = state_in[u32(at.y) * coarse.x + u32(at.x)];
                let delta = ((vec2<f32>(id.xy) + 0.5) * solve.scale) - (vec2<f32>(at) + 0.5) * solve.scale * 2.0;
                best = vec4<f32>(s.x + dot(s.yz, delta), s.yz, -1.0);
            }
        }
    }
    state_out[id.y * solve.width + id.x] = best;
}

fn smoothness(at: vec2<i32>, here: vec3<f32>, rho: f32, g: vec2<f32>) -> f32 {
    var sum = 0.0;
    var weight = 1e-3;
    for (var k = 0; k < 4; k++) {
        let o = select(vec2<i32>(0, select(-1, 1, k == 3)), vec2<i32>(select(-1, 1, k == 1), 0), k < 2);
        let n = clamp(at + o, vec2<i32>(0), vec2<i32>(i32(solve.width), i32(solve.height)) - 1);
        let c = textureLoad(level, n, i32(solve.layer), 0).rgb - here;
        let w = exp(-dot(c, c) * 60.0) + 0.02;
        let s = state_in[u32(n.y) * solve.width + u32(n.x)];
        let expected = rho + dot(g, vec2<f32>(n - at)) * solve.scale;
        sum += w * min(abs(s.x - expected) / (solve.rho_per_px * solve.scale), 2.0);
        weight += w;
    }
    return sum / weight;
}

@compute @workgroup_size(8, 8)
fn refine(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= solve.width || id.y >= solve.height {
        return;
    }
    let at = vec2<i32>(id.xy);
    let pixel = id.y * solve.width + id.x;
    let patch_ = load_patch(at, i32(solve.stride));
    let p = (vec2<f32>(id.xy) + 0.5) * solve.scale;
    var best = state_in[pixel];
    if best.w < 0.0 {
        best.w = match_cost(patch_, p, best.x, best.yz);
    }
    var best_total = best.w + solve.smoothness * smoothness(at, patch_.color, best.x, best.yz);
    // A flat patch tells nothing: smoothness alone decides, so the data need not be asked often.
    let far = 3 + i32(solve.iteration % 3u) * 4;
    for (var k = 0; k < 8; k++) {
        let reach = select(1, far, k >= 4);
        let m = k & 3;
        let o = select(vec2<i32>(0, select(-1, 1, m == 3)), vec2<i32>(select(-1, 1, m == 1), 0), m < 2) * reach;
        let n = at + o;
        if any(n < vec2<i32>(0)) || n.x >= i32(solve.width) || n.y >= i32(solve.height) {
            continue;
        }
        let s = state_in[u32(n.y) * solve.width + u32(n.x)];
        let rho = clamp(s.x - dot(s.yz, vec2<f32>(o)) * solve.scale, solve.rho_min, solve.rho_max);
        // Too like what we have: not worth asking.
        if abs(rho - best.x) < 0.05 * solve.rho_per_px && dot(abs(s.yz - best.yz), vec2<f32>(1.0)) < 0.01 * solve.rho_per_px {
            continue;
        }
        let soft = solve.smoothness * smoothness(at, patch_.color, rho, s.yz);
        if soft >= best_total {
            continue;
        }
        let cost = match_cost(patch_, p, rho, s.yz);
        if cost + soft < best_total {
            best_total = cost + soft;
            best = vec4<f32>(rho, s.yz, cost);
        }
    }
    // Two perturbations: inverse depth within two px of this level, slope within a third of a px per px.
    for (var k = 0u; k < 2u; k++) {
        let h = hash(vec3<u32>(id.xy, solve.iteration * 2u + k)) * 2.0 - 1.0;
        let amplitude = select(0.5, 2.0, k == 0u) * solve.rho_per_px * solve.scale;
        let rho = clamp(best.x + h.x * amplitude, solve.rho_min, solve.rho_max);
        let g = best.yz + h.yz * select(0.05, 0.2, k == 0u) * solve.rho_per_px;
        let soft = solve.smoothness * smoothness(at, patch_.color, rho, g);
        if soft >= best_total {
            continue;
        }
        let cost = match_cost(patch_, p, rho, g);
        if cost + soft < best_total {
            best_total = cost + soft;
            best = vec4<f32>(rho, g, cost);
        }
    }
    state_out[pixel] = best;
}
