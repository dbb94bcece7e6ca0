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

// Do the neighbours see the same surface? x: support; y: conflict (they see through it). The rest are silent (it is hidden there).
fn witnesses(p: vec2<f32>, rho: f32) -> vec2<f32> {
    var support = 0.0;
    var conflict = 0.0;
    for (var s = 0u; s < solve.sources; s++) {
        let pair = pairs[s];
        let seen = seen_in(pair, vec4<f32>(p, 1.0, rho));
        if seen.z < 0.0 {
            continue;
        }
        let expected = rho / seen.z;
        let unit = pair.size_layer.w;
        // The best of the 2x2 texels around: half a pixel of parallax at a slanted surface is no disagreement.
        let base = vec2<i32>(floor(seen.xy - 0.5));
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
    return vec2<f32>(support, conflict);
}

fn agreement(seen_by: vec2<f32>) -> f32 {
    return clamp(seen_by.x * 0.55, 0.0, 1.0) / (1.0 + 0.35 * seen_by.y);
}

// Where the ray of a pixel meets the surface that a source's map shows, looked for from `rho` on: four steps, each to what the map shows there.
fn met_in(pair: Pair, p: vec2<f32>, rho: f32) -> f32 {
    var r = rho;
    let hi = vec2<i32>(pair.size_layer.xy) - 1;
    for (var k = 0; k < 4; k++) {
        let seen = seen_in(pair, vec4<f32>(p, 1.0, r));
        let q = clamp(vec2<i32>(floor(seen.xy)), vec2<i32>(0), hi);
        let shown = textureLoad(depth_in, q, i32(pair.size_layer.z), 0).r * seen.z;
        r = select(r, clamp(shown, solve.rho_min, solve.rho_max), seen.z > 0.0);
    }
    return r;
}

// Confidence of every pixel. A ghost (little support, and a neighbour sees through it) moves to where a neighbour's surface meets its ray,
// if more neighbours uphold that; with a low confidence, so that repair still has its say. Not where neighbours stand 30 degrees apart or
// more: there their own maps are as often wrong.
@compute @workgroup_size(8, 8)
fn check(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= solve.width || id.y >= solve.height {
        return;
    }
    let at = vec2<i32>(id.xy);
    let d = textureLoad(depth_in, at, i32(solve.layer), 0);
    let p = vec2<f32>(id.xy) + 0.5;
    let seen_by = witnesses(p, d.r);
    let own = agreement(seen_by);
    let photo = 1.0 - smoothstep(0.35, 0.95, d.g);
    var rho = d.r;
    var confidence = clamp(own * (0.35 + 0.65 * photo), 0.0, 1.0);
    if own < 0.3 && seen_by.y > 0.5 && solve.second_share > 0.0 {
        var best = own + 0.25;
        for (var s = 0u; s < solve.sources; s++) {
            let offered = met_in(pairs[s], p, d.r);
            let agreed = agreement(witnesses(p, offered));
            if agreed > best {
                best = agreed;
                rho = offered;
                confidence = max(confidence, agreed * 0.25);
            }
        }
    }
    textureStore(depth_out, at, i32(solve.layer), vec4<f32>(rho, confidence, 0.0, 0.0));
}

// What a pixel around offers to a repair.
struct Offer {
    rho: f32,
    weight: f32,
}

fn offer(at: vec2<i32>, o: vec2<i32>, color: vec3<f32>) -> Offer {
    let hi = vec2<i32>(i32(solve.width), i32(solve.height)) - 1;
    let q = at + o * i32(solve.stride);
    let inside = all(q >= vec2<i32>(0)) && all(q <= hi);
    let held = clamp(q, vec2<i32>(0), hi);
    let n = textureLoad(depth_in, held, i32(solve.layer), 0);
    let c = textureLoad(level, held, i32(solve.layer), 0).rgb - color;
    let weight = (n.g * n.g + 0.002) * exp(-dot(c, c) * 80.0 - 0.08 * f32(dot(o, o)));
    return Offer(n.r, select(0.0, weight, inside));
}

struct Offers {
    rho_a: vec4<f32>,
    rho_b: vec4<f32>,
    rho_c: vec4<f32>,
    weight_a: vec4<f32>,
    weight_b: vec4<f32>,
    weight_c: vec4<f32>,
    // The pixel itself.
    rho: f32,
    weight: f32,
}

// x: how much of the offers upholds inverse depth `rho`; y: their mean, weighted by that.
fn upheld(o: Offers, rho: f32) -> vec2<f32> {
    let unit = 1.0 / (solve.rho_per_px * 1.5);
    let ea = (o.rho_a - rho) * unit;
    let eb = (o.rho_b - rho) * unit;
    let ec = (o.rho_c - rho) * unit;
    let e = (o.rho - rho) * unit;
    let wa = o.weight_a / (1.0 + ea * ea);
    let wb = o.weight_b / (1.0 + eb * eb);
    let wc = o.weight_c / (1.0 + ec * ec);
    let w = o.weight / (1.0 + e * e);
    let support = dot(wa + wb + wc, vec4<f32>(1.0)) + w;
    let sum = dot(wa, o.rho_a) + dot(wb, o.rho_b) + dot(wc, o.rho_c) + w * o.rho;
    return vec2<f32>(support, sum / support);
}

fn better(best: vec2<f32>, o: Offers, rho: f32, weight: f32, least: f32) -> vec2<f32> {
    let found = upheld(o, rho);
    return select(best, found, weight >= least && found.x > best.x);
}

// Repair: an untrusted pixel takes the inverse depth that most of its trusted neighbours of like colour agree on. Thirteen offers
// in the pattern of the matching patch; written out for the same reason.
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
    let a0 = offer(at, vec2<i32>(-1, -1), color);
    let a1 = offer(at, vec2<i32>(1, -1), color);
    let a2 = offer(at, vec2<i32>(-1, 1), color);
    let a3 = offer(at, vec2<i32>(1, 1), color);
    let b0 = offer(at, vec2<i32>(-2, 0), color);
    let b1 = offer(at, vec2<i32>(2, 0), color);
    let b2 = offer(at, vec2<i32>(0, -2), color);
    let b3 = offer(at, vec2<i32>(0, 2), color);
    let c0 = offer(at, vec2<i32>(-2, -2), color);
    let c1 = offer(at, vec2<i32>(2, -2), color);
    let c2 = offer(at, vec2<i32>(-2, 2), color);
    let c3 = offer(at, vec2<i32>(2, 2), color);
    let o = Offers(
        vec4<f32>(a0.rho, a1.rho, a2.rho, a3.rho),
        vec4<f32>(b0.rho, b1.rho, b2.rho, b3.rho),
        vec4<f32>(c0.rho, c1.rho, c2.rho, c3.rho),
        vec4<f32>(a0.weight, a1.weight, a2.weight, a3.weight),
        vec4<f32>(b0.weight, b1.weight, b2.weight, b3.weight),
        vec4<f32>(c0.weight, c1.weight, c2.weight, c3.weight),
        own.r,
        own.g * own.g + 0.002,
    );
    let least = 0.02 * (dot(o.weight_a + o.weight_b + o.weight_c, vec4<f32>(1.0)) + o.weight);
    var best = vec2<f32>(0.0, own.r);
    best = better(best, o, own.r, o.weight, least);
    best = better(best, o, a0.rho, a0.weight, least);
    best = better(best, o, a1.rho, a1.weight, least);
    best = better(best, o, a2.rho, a2.weight, least);
    best = better(best, o, a3.rho, a3.weight, least);
    best = better(best, o, b0.rho, b0.weight, least);
    best = better(best, o, b1.rho, b1.weight, least);
    best = better(best, o, b2.rho, b2.weight, least);
    best = better(best, o, b3.rho, b3.weight, least);
    best = better(best, o, c0.rho, c0.weight, least);
    best = better(best, o, c1.rho, c1.weight, least);
    best = better(best, o, c2.rho, c2.weight, least);
    best = better(best, o, c3.rho, c3.weight, least);
    let trust = clamp(best.x * 0.5, 0.0, 0.5);
    let keep = own.g / (own.g + trust * (1.0 - own.g) + 1e-4);
    let agree = abs(best.y - own.r) < 2.0 * solve.rho_per_px;
    let out_rho = select(select(best.y, own.r, keep > 0.5), mix(best.y, own.r, keep), agree);
    textureStore(depth_out, at, layer, vec4<f32>(out_rho, max(own.g, min(trust, 0.5)), 0.0, 0.0));
}
