// Vote: of the inverse depths that the sources offer at a target pixel, the foremost that the sources uphold.
// Then repair: outliers by a median over like neighbours, holes from the far side.
#import view/uphold.wgsl

@group(0) @binding(3) var<storage, read> splats: array<u32>;
@group(0) @binding(4) var<storage, read_write> surface: array<vec2<f32>>;
@group(0) @binding(6) var<storage, read> surface_in: array<vec2<f32>>;

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
        let said = uphold(ray, rho[a]);
        score[a] = said.x;
        trust[a] = said.y;
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

// Trust above which a surface may bound a hole: splinters in the middle of one do not.
const CLEAR: f32 = 0.02;

// A 3x3 median against single outliers; holes take the farther of what stands around them.
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
            let v = surface_in[u32(q.y) * view.width + u32(q.x)];
            if v.x > 0.0 && v.y > CLEAR {
                found[k] = vec2<f32>(v.x, 1.0 / f32(r));
                far = min(far, v.x);
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
