// Semi-global aggregation (Hirschmueller 2008), one thread per line, P2 lowered on colour edges; then winner takes all with
// a parabola. Sums are 16 bits, two depths to a word: eight directions of at most 255 + P2 each fit.
#import scene/match.wgsl

@group(0) @binding(4) var<storage, read> volume: array<u32>;
@group(0) @binding(5) var<storage, read_write> sums: array<u32>;
@group(0) @binding(6) var<uniform> direction: vec4<i32>;
@group(0) @binding(7) var<storage, read_write> state: array<vec4<f32>>;

// Room for the most depths that the solver ever asks for (`MAX_DEPTHS` in Rust).
var<private> line: array<f32, 256>;

fn start_of(line_index: i32, size: vec2<i32>, step: vec2<i32>) -> vec2<i32> {
    // Lines start on the border that they leave: first the row (or the column), then the other border for diagonals.
    if step.y == 0 {
        return vec2<i32>(select(size.x - 1, 0, step.x > 0), line_index);
    }
    let y0 = select(size.y - 1, 0, step.y > 0);
    if step.x == 0 || line_index < size.x {
        return vec2<i32>(line_index, y0);
    }
    let k = line_index - size.x + 1;
    return vec2<i32>(select(size.x - 1, 0, step.x > 0), select(size.y - 1 - k, k, step.y > 0));
}

@compute @workgroup_size(16)
fn aggregate(@builtin(global_invocation_id) id: vec3<u32>) {
    let size = vec2<i32>(i32(solve.width), i32(solve.height));
    let step = direction.xy;
    var lines = size.x;
    if step.y == 0 {
        lines = size.y;
    } else if step.x != 0 {
        lines = size.x + size.y - 1;
    }
    if i32(id.x) >= lines {
        return;
    }
    var at = start_of(i32(id.x), size, step);
    let layer = i32(solve.layer);
    let quads = solve.depths / 4u;
    var low = 0.0;
    var first = true;
    var last_color = vec3<f32>(0.0);
    loop {
        if any(at < vec2<i32>(0)) || any(at >= size) {
            break;
        }
        let pixel = u32(at.y) * solve.width + u32(at.x);
        let color = textureLoad(level, at, layer, 0).rgb;
        let edge = length(color - last_color);
        last_color = color;
        let p2 = max(solve.p2 / (1.0 + edge * 20.0), solve.p1 * 1.5);
        var next_low = 1e9;
        var below = 1e9;
        var here = line[0];
        for (var q = 0u; q < quads; q++) {
            let packed = volume[pixel * quads + q];
            var totals = vec2<u32>(0u);
            for (var i = 0u; i < 4u; i++) {
                let d = q * 4u + i;
                let cost = f32((packed >> (i * 8u)) & 255u);
                var value = cost;
                var above = 1e9;
                if d + 1u < solve.depths {
                    above = line[d + 1u];
                }
                if !first {
                    value += min(min(here, low + p2), min(below, above) + solve.p1) - low;
                }
                below = here;
                here = above;
                line[d] = value;
                next_low = min(next_low, value);
                if i < 2u {
                    totals.x += u32(value) << (i * 16u);
                } else {
                    totals.y += u32(value) << (i * 16u - 32u);
                }
            }
            let word = (pixel * quads + q) * 2u;
            if direction.z != 0 {
                totals += vec2<u32>(sums[word], sums[word + 1u]);
            }
            sums[word] = totals.x;
            sums[word + 1u] = totals.y;
        }
        low = next_low;
        first = false;
        at += step;
    }
}

// The same sums, byte for byte, with a workgroup per line and four hypotheses per thread: for adapters with thousands of lanes, where a
// thread per line leaves most of them idle. The loop's bounds are in workgroup memory, so that it is plain that all threads agree.
var<workgroup> wide_steps: u32;
var<workgroup> wide_turn: u32;
var<workgroup> wide_line: array<vec4<f32>, 64>;
// Least of a pixel and of the one before, as the bits of a float that is not negative: their order is the same.
var<workgroup> wide_lows: array<atomic<u32>, 2>;

fn steps_of(begin: i32, size: i32, step: i32) -> i32 {
    return select(select(0x7fffffff, begin + 1, step < 0), size - begin, step > 0);
}

@compute @workgroup_size(64)
fn aggregate_wide(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let size = vec2<i32>(i32(solve.width), i32(solve.height));
    let step = direction.xy;
    let begin = start_of(i32(group.x), size, step);
    let layer = i32(solve.layer);
    let quads = solve.depths / 4u;
    if lane == 0u {
        wide_steps = u32(max(min(steps_of(begin.x, size.x, step.x), steps_of(begin.y, size.y, step.y)), 0));
        wide_turn = 0u;
        atomicStore(&wide_lows[0], 0x7f000000u);
        atomicStore(&wide_lows[1], 0x7f000000u);
    }
    workgroupBarrier();
    loop {
        if wide_turn >= wide_steps {
            break;
        }
        let turn = wide_turn;
        let first = turn == 0u;
        let at = begin + step * i32(turn);
        let pixel = u32(at.y) * solve.width + u32(at.x);
        let color = textureLoad(level, at, layer, 0).rgb;
        let last_color = textureLoad(level, select(at - step, at, first), layer, 0).rgb;
        let edge = length(color - last_color);
        let p2 = max(solve.p2 / (1.0 + edge * 20.0), solve.p1 * 1.5);
        let low = bitcast<f32>(atomicLoad(&wide_lows[(turn + 1u) & 1u]));
        var old = vec4<f32>(0.0);
        var below = 1e9;
        var above = 1e9;
        if lane < quads {
            old = wide_line[lane];
            if lane > 0u {
                below = wide_line[lane - 1u].w;
            }
            if lane + 1u < quads {
                above = wide_line[lane + 1u].x;
            }
        }
        workgroupBarrier();
        if lane == 0u {
            wide_turn = turn + 1u;
            // For the next pixel; nobody asks for it any more in this one.
            atomicStore(&wide_lows[(turn + 1u) & 1u], 0x7f000000u);
        }
        if lane < quads {
            let packed = volume[pixel * quads + lane];
            var value = vec4<f32>(f32(packed & 255u), f32((packed >> 8u) & 255u), f32((packed >> 16u) & 255u), f32(packed >> 24u));
            if !first {
                let beneath = vec4<f32>(below, old.xyz);
                let over = vec4<f32>(old.yzw, above);
                value += min(min(old, vec4<f32>(low + p2)), min(beneath, over) + solve.p1) - low;
            }
            wide_line[lane] = value;
            atomicMin(&wide_lows[turn & 1u], bitcast<u32>(min(min(value.x, value.y), min(value.z, value.w))));
            let whole = vec4<u32>(value);
            var totals = vec2<u32>(whole.x + (whole.y << 16u), whole.z + (whole.w << 16u));
            let word = (pixel * quads + lane) * 2u;
            if direction.z != 0 {
                totals += vec2<u32>(sums[word], sums[word + 1u]);
            }
            sums[word] = totals.x;
            sums[word + 1u] = totals.y;
        }
        workgroupBarrier();
    }
}

fn sum_at(pixel: u32, d: u32) -> u32 {
    return (sums[pixel * (solve.depths / 2u) + d / 2u] >> ((d & 1u) * 16u)) & 0xffffu;
}

@compute @workgroup_size(8, 8)
fn select_best(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= solve.width || id.y >= solve.height {
        return;
    }
    let pixel = id.y * solve.width + id.x;
    var best = 0u;
    var best_sum = 0xffffffffu;
    for (var d = 0u; d < solve.depths; d++) {
        let s = sum_at(pixel, d);
        if s < best_sum {
            best_sum = s;
            best = d;
        }
    }
    var offset = 0.0;
    if best > 0u && best + 1u < solve.depths {
        let l = f32(sum_at(pixel, best - 1u));
        let c = f32(best_sum);
        let r = f32(sum_at(pixel, best + 1u));
        let curve = l - 2.0 * c + r;
        if curve > 0.0 {
            offset = clamp(0.5 * (l - r) / curve, -0.5, 0.5);
        }
    }
    state[pixel] = vec4<f32>(solve.rho_min + (f32(best) + offset) * solve.rho_step, 0.0, 0.0, -1.0);
}
