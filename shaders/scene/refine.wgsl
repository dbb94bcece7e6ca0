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

// The four nearest: their weights by colour (summing to less than one), inverse depths and offsets in level-0 px.
struct Around {
    weight: vec4<f32>,
    rho: vec4<f32>,
    dx: vec4<f32>,
    dy: vec4<f32>,
}

fn look_around(at: vec2<i32>, here: vec3<f32>) -> Around {
    let hi = vec2<i32>(i32(solve.width), i32(solve.height)) - 1;
    let l = max(at - vec2<i32>(1, 0), vec2<i32>(0));
    let r = min(at + vec2<i32>(1, 0), hi);
    let u = max(at - vec2<i32>(0, 1), vec2<i32>(0));
    let d = min(at + vec2<i32>(0, 1), hi);
    let cl = textureLoad(level, l, i32(solve.layer), 0).rgb - here;
    let cr = textureLoad(level, r, i32(solve.layer), 0).rgb - here;
    let cu = textureLoad(level, u, i32(solve.layer), 0).rgb - here;
    let cd = textureLoad(level, d, i32(solve.layer), 0).rgb - here;
    let w = exp(vec4<f32>(dot(cl, cl), dot(cr, cr), dot(cu, cu), dot(cd, cd)) * -60.0) + 0.02;
    return Around(
        w / (w.x + w.y + w.z + w.w + 1e-3),
        vec4<f32>(state_at(l).x, state_at(r).x, state_at(u).x, state_at(d).x),
        vec4<f32>(f32(l.x - at.x), f32(r.x - at.x), 0.0, 0.0) * solve.scale,
        vec4<f32>(0.0, 0.0, f32(u.y - at.y), f32(d.y - at.y)) * solve.scale,
    );
}

fn smoothness(around: Around, rho: f32, g: vec2<f32>) -> f32 {
    let expected = rho + g.x * around.dx + g.y * around.dy;
    let steps = abs(around.rho - expected) / (solve.rho_per_px * solve.scale);
    return dot(around.weight, min(steps, vec4<f32>(2.0)));
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
    let around = look_around(at, patch_.color);
    var best = state_in[pixel];
    var best_total = 1e9;
    if best.w >= 0.0 {
        best_total = best.w + solve.smoothness * smoothness(around, best.x, best.yz);
    }
    // Candidate 0: the own plane, if its cost is not known; 1..4 and 5..8: the planes of neighbours near and far, continued to here, those
    // outside the own block of 2x2 first; 9, 10: noise, coarse and fine. In the first pass of a level the near ones inside the block are left out:
    // they come from the same coarser pixels. At the finest level the near ones and the fine noise are enough. One loop, because the
    // matching cost is long: every call is compiled anew. (What only some lanes ask costs all of them in software, which computes what it masks out.)
    let finest = solve.scale < 1.5;
    let last_near = select(4, 2, (solve.iteration & 7u) == 0u);
    let outward = vec2<i32>(id.xy & vec2<u32>(1u)) * 2 - 1;
    let far = 3 + i32(solve.iteration % 3u) * 4;
    var k = select(0, 1, best.w >= 0.0);
    while k < 11 {
        var rho = best.x;
        var g = best.yz;
        var ask = true;
        if k >= 9 {
            // Inverse depth within two px of this level, slope within a fifth of a px per px; or a quarter of both.
            let h = hash(vec3<u32>(id.xy, solve.iteration * 2u + u32(k - 9))) * 2.0 - 1.0;
            rho += h.x * select(0.5, 2.0, k == 9) * solve.rho_per_px * solve.scale;
            g += h.yz * select(0.05, 0.2, k == 9) * solve.rho_per_px;
        } else if k > 0 {
            let m = (k - 1) & 3;
            let o = select(outward, -outward, m > 1) * select(vec2<i32>(1, 0), vec2<i32>(0, 1), (m & 1) == 1) * select(1, far, k > 4);
            let n = at + o;
            ask = all(n >= vec2<i32>(0)) && n.x < i32(solve.width) && n.y < i32(solve.height);
            let s = state_at(n);
            rho = s.x - dot(s.yz, vec2<f32>(o)) * solve.scale;
            g = s.yz;
        }
        rho = clamp(rho, solve.rho_min, solve.rho_max);
        // Too like what we have: not worth asking.
        let like = abs(rho - best.x) < 0.05 * solve.rho_per_px && dot(abs(g - best.yz), vec2<f32>(1.0)) < 0.01 * solve.rho_per_px;
        let soft = solve.smoothness * smoothness(around, rho, g);
        if ask && (k == 0 || (!like && soft < best_total)) {
            let cost = match_cost(patch_, p, rho, g, 4u);
            if cost + soft < best_total {
                best_total = cost + soft;
                best = vec4<f32>(rho, g, cost);
            }
        }
        k = select(k + 1, select(5, 10, finest), k == last_near);
    }
    state_out[pixel] = best;
}
