// Polish: the surface moved to where the sources' pictures agree best. At a pixel that is not sure, a handful of inverse depths (around its own,
// and those of its surroundings) are judged by what the sources show over a small patch that moves as one; another is taken only
// where it is clearly better. Reads one surface, writes the other.
#import view/uphold.wgsl

struct Polish {
    // Between the pixel and the nearer four whose inverse depth is tried, px; the farther four stand three times as far.
    reach_px: u32,
    // Step of the offsets, px of disparity.
    offset_px: f32,
    pad_a: u32,
    pad_b: u32,
}

@group(0) @binding(3) var<uniform> polish_step: Polish;
@group(0) @binding(4) var<storage, read_write> surface: array<vec2<f32>>;
@group(0) @binding(6) var<storage, read> surface_in: array<vec2<f32>>;

// Trust above which a pixel is left as it is.
const SURE: f32 = 0.15;
// How much what the depths of the sources say counts beside what their pictures say.
const UPHELD: f32 = 0.4;
// Of the views that see the pixel as it is, so many must see it where it would go.
const SEEN: f32 = 0.6;

fn fetch_linear(c: Camera, px: vec2<f32>) -> vec3<f32> {
    let hi = vec2<i32>(c.size_kind_layer.xy) - 1;
    let q = px - 0.5;
    let b = vec2<i32>(floor(q));
    let f = q - floor(q);
    let layer = i32(c.size_kind_layer.w);
    let b0 = clamp(b, vec2<i32>(0), hi);
    let b1 = clamp(b + 1, vec2<i32>(0), hi);
    let top = mix(textureLoad(pictures, b0, layer, 0).rgb, textureLoad(pictures, vec2<i32>(b1.x, b0.y), layer, 0).rgb, f.x);
    let low = mix(textureLoad(pictures, vec2<i32>(b0.x, b1.y), layer, 0).rgb, textureLoad(pictures, b1, layer, 0).rgb, f.x);
    return mix(top, low, f.y);
}

// Mean disagreement of the sources over the patch when it is moved by `delta`; x: cost, y: sources that take part.
fn disagreement(at: vec2<i32>, own: f32, delta: f32) -> vec2<f32> {
    let hi = vec2<i32>(i32(view.width), i32(view.height)) - 1;
    let unit = cameras[1].working_size.z;
    // Which sources may see it: nothing known stands clearly in front of the middle.
    var share: array<f32, 6>;
    var total = 0.0;
    var gain: array<vec3<f32>, 6>;
    {
        let z = 1.0 / (own + delta);
        let world = world_from_camera(cameras[0], vec3<f32>(ray_of(u32(at.y) * view.width + u32(at.x), vec2<u32>(at)) * z, z));
        for (var s = 0u; s < view.sources; s++) {
            let c = cameras[s + 1u];
            share[s] = 0.0;
            let p = camera_from_world(c, world);
            if p.z > 1e-6 {
                let uv = working_px(c, p.xy / p.z);
                if inside(uv, c.working_size.xy) {
                    let j = judge(c, uv, 1.0 / p.z);
                    // In front of it: hidden, unless nobody trusts that.
                    let hidden = smoothstep(1.5, 4.0, j.x) * smoothstep(0.05, 0.4, j.y);
                    share[s] = (c.working_size.w + 0.05) * (1.0 - hidden);
                }
            }
            total += share[s];
            gain[s] = pow(c.gain.rgb, vec3<f32>(1.0 / 2.4));
        }
    }
    var sum = 0.0;
    var weight = 1e-6;
    for (var dy = -1; dy <= 1; dy++) {
        for (var dx = -1; dx <= 1; dx++) {
            let q = at + vec2<i32>(dx, dy);
            if any(q < vec2<i32>(0)) || any(q > hi) {
                continue;
            }
            let pixel = u32(q.y) * view.width + u32(q.x);
            let there = surface_in[pixel].x;
            let e = (there - own) / (3.0 * unit);
            let same = 1.0 / (1.0 + e * e);
            // What is of the same surface keeps its slope; the rest is taken as facing the view.
            let rho = select(own, there, abs(e) < 1.0) + delta;
            let z = 1.0 / rho;
            let world = world_from_camera(cameras[0], vec3<f32>(ray_of(pixel, vec2<u32>(q)) * z, z));
            var mean = vec3<f32>(0.0);
            var square = 0.0;
            var seen = 1e-6;
            for (var s = 0u; s < view.sources; s++) {
                if share[s] <= 0.0 {
                    continue;
                }
                let c = cameras[s + 1u];
                let p = camera_from_world(c, world);
                let rgb = fetch_linear(c, picture_px(c, p.xy / max(p.z, 1e-6))) * gain[s];
                mean += share[s] * rgb;
                square += share[s] * dot(rgb, rgb);
                seen += share[s];
            }
            mean /= seen;
            let w = same / (1.0 + 0.3 * f32(dx * dx + dy * dy));
            sum += w * sqrt(max(square / seen - dot(mean, mean), 0.0));
            weight += w;
        }
    }
    return vec2<f32>(sum / weight, total);
}

@compute @workgroup_size(8, 8)
fn polish(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= view.width || id.y >= view.height {
        return;
    }
    let pixel = id.y * view.width + id.x;
    let own = surface_in[pixel];
    surface[pixel] = own;
    if own.x <= 0.0 || own.y > SURE {
        return;
    }
    let unit = cameras[1].working_size.z;
    let at = vec2<i32>(id.xy);
    let hi = vec2<i32>(i32(view.width), i32(view.height)) - 1;
    let first = disagreement(at, own.x, 0.0);
    let ray = ray_of(pixel, id.xy);
    var best = 0.0;
    var best_cost = first.x - UPHELD * uphold(ray, own.x).x;
    for (var k = 0; k < 12; k++) {
        var delta = 0.0;
        if k < 4 {
            delta = f32(select(k - 2, k - 1, k > 1)) * polish_step.offset_px * unit;
        } else {
            let m = k & 3;
            let dir = select(vec2<i32>(0, select(1, -1, m == 3)), vec2<i32>(select(1, -1, m == 1), 0), m < 2);
            let q = clamp(at + dir * i32(polish_step.reach_px) * select(1, 3, k >= 8), vec2<i32>(0), hi);
            delta = surface_in[u32(q.y) * view.width + u32(q.x)].x - own.x;
            if abs(delta) < 0.25 * unit || abs(delta) > 60.0 * unit {
                continue;
            }
        }
        let rho = own.x + delta;
        if rho <= 0.0 {
            continue;
        }
        let said = disagreement(at, own.x, delta);
        let cost = said.x - UPHELD * uphold(ray, rho).x;
        if cost < best_cost && said.y > SEEN * first.y {
            best_cost = cost;
            best = delta;
        }
    }
    surface[pixel] = vec2<f32>(own.x + best, own.y);
}
