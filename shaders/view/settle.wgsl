// Settle: every pixel asks again, now with its surroundings: of its own inverse depth and the two that its surroundings uphold most, it
// takes the one that sources and surroundings together speak for. Splinters and dust at silhouettes go; thin structures that
// the sources agree on stay. Reads one surface, writes the other.
#import view/uphold.wgsl

struct Settle {
    // Between the 5x5 pixels looked at.
    stride: u32,
    // 1: the trust of each pixel is weighed anew by its surroundings (once is enough).
    weigh: u32,
    pad_b: u32,
    pad_c: u32,
}

@group(0) @binding(3) var<uniform> settle_step: Settle;
@group(0) @binding(4) var<storage, read_write> surface: array<vec2<f32>>;
@group(0) @binding(6) var<storage, read> surface_in: array<vec2<f32>>;

// Trust above which a pixel is not asked at all: thin structures have few surroundings of their own.
const SURE: f32 = 0.15;
// How much the surroundings speak beside the sources.
const SURROUNDINGS: f32 = 0.3;
// Share of the best support of the surroundings from which on a pixel is left as it is.
const ENOUGH: f32 = 0.9;

// The trust of a pixel among its 7x7 surroundings, two px apart: no higher than the trust of those that share its surface, and the
// lower the fewer they are. Scattered depth is wrong depth, even where some source upholds it; but not where all do.
fn weighed(at: vec2<i32>, own: vec2<f32>) -> f32 {
    let hi = vec2<i32>(i32(view.width), i32(view.height)) - 1;
    let unit = cameras[1].working_size.z;
    var asked = 1e-6;
    var like = 1e-6;
    var trust = 0.0;
    for (var k = 0; k < 49; k++) {
        let q = at + vec2<i32>(k % 7 - 3, k / 7 - 3) * 2;
        if k != 24 && all(q >= vec2<i32>(0)) && all(q <= hi) {
            let v = surface_in[u32(q.y) * view.width + u32(q.x)];
            let e = (v.x - own.x) / (3.0 * unit);
            let w = 1.0 / (1.0 + e * e);
            asked += 1.0;
            like += w;
            trust += w * max(v.y, 0.0);
        }
    }
    let doubted = min(own.y, trust / like) * smoothstep(0.1, 0.7, like / asked);
    return select(max(mix(doubted, own.y, smoothstep(0.5, 0.9, own.y)), 0.0), own.y, own.y < 0.0);
}

// The surface of a pixel, of its own (which is little trusted) and what its surroundings offer.
fn chosen(id: vec2<u32>, own: vec2<f32>) -> vec2<f32> {
    let hi = vec2<i32>(i32(view.width), i32(view.height)) - 1;
    let stride = i32(settle_step.stride);
    let unit = cameras[1].working_size.z;
    var rho: array<f32, 25>;
    var weight: array<f32, 25>;
    var total = 0.0;
    for (var k = 0; k < 25; k++) {
        let o = vec2<i32>(k % 5 - 2, k / 5 - 2);
        let q = vec2<i32>(id) + o * stride;
        let in_picture = all(q >= vec2<i32>(0)) && all(q <= hi);
        let held = clamp(q, vec2<i32>(0), hi);
        let v = surface_in[u32(held.y) * view.width + u32(held.x)];
        let trust = clamp(v.y, 0.0, 1.0);
        rho[k] = v.x;
        weight[k] = select(0.0, (trust * trust + 0.01) * exp(-0.12 * f32(dot(o, o))), in_picture && v.x > 0.0);
        total += weight[k];
    }
    // For each: how much of the surroundings upholds it, and their mean weighted by that.
    var support: array<f32, 25>;
    var mean: array<f32, 25>;
    var first = 12;
    for (var k = 0; k < 25; k++) {
        var sum = 0.0;
        var sum_rho = 0.0;
        for (var j = 0; j < 25; j++) {
            let e = (rho[j] - rho[k]) / (1.5 * unit);
            let w = weight[j] / (1.0 + e * e);
            sum += w;
            sum_rho += w * rho[j];
        }
        support[k] = select(0.0, sum, weight[k] > 0.0);
        mean[k] = sum_rho / sum;
        if support[k] > support[first] {
            first = k;
        }
    }
    if support[12] >= ENOUGH * support[first] {
        return own;
    }
    // The best of those that differ from the first.
    var second = 12;
    for (var k = 0; k < 25; k++) {
        if abs(rho[k] - rho[first]) > 3.0 * unit && support[k] > support[second] {
            second = k;
        }
    }
    let ray = ray_of(id.y * view.width + id.x, id);
    var best = own;
    var best_score = uphold(ray, own.x).x + SURROUNDINGS * support[12] / total;
    for (var c = 0; c < 2; c++) {
        let k = select(second, first, c == 0);
        if abs(mean[k] - own.x) > 0.5 * unit {
            let said = uphold(ray, mean[k]);
            let score = said.x + SURROUNDINGS * support[k] / total;
            if score > best_score {
                best_score = score;
                // What was filled stays marked as filled unless a source upholds it.
                best = vec2<f32>(mean[k], select(max(said.y, 0.001), own.y, own.y < 0.0 && said.y <= 0.0));
            }
        }
    }
    return best;
}

@compute @workgroup_size(8, 8)
fn settle(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= view.width || id.y >= view.height {
        return;
    }
    let pixel = id.y * view.width + id.x;
    var out = surface_in[pixel];
    if out.x > 0.0 {
        if out.y <= SURE {
            out = chosen(id.xy, out);
        }
        if settle_step.weigh == 1u {
            out.y = weighed(vec2<i32>(id.xy), out);
        }
    }
    surface[pixel] = out;
}
