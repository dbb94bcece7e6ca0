// Align: where the sources' pictures, brought into the view by its depth, stand a little beside each other (calibration, depth and lenses are never
// exact to a fraction of a pixel), each is moved towards their weighted mean before they are blended. Weights change smoothly along an orbit, so the
// mean and the shifts do; a source that counts alone is its own mean and stays where it is.
#import view/weigh.wgsl

// Per source and pixel: luma (coded, at the view's exposure, a quarter of it) and how much the source counts, before angle; 16 bits each.
@group(0) @binding(8) var<storage, read_write> warped: array<u32>;
// Per pixel: the weighted mean of the sources' luma, and how much they count together.
@group(0) @binding(9) var<storage, read_write> middle: array<vec2<f32>>;
// Per source and node of the grid: px of the view.
@group(0) @binding(10) var<storage, read_write> shifts: array<vec2<f32>>;

// The surroundings of a node: so many samples to each side, so many px apart.
const REACH: i32 = 4;
const STRIDE: i32 = 2;
const ROUNDS: i32 = 2;
// Shrinks shifts towards nothing where the surroundings show no structure: variance of the slope of luma, per px².
const PRIOR: f32 = 2e-4;
// Longest shift, px.
const LONGEST: f32 = 3.0;
// Px of disparity beside the node's surface at which surroundings count half.
const BESIDE: f32 = 4.0;
// Difference of luma at which a sample counts half: what a source does not see, or sees in another light, tells no shift.
const ASTRAY: f32 = 0.1;

@compute @workgroup_size(8, 8)
fn warp(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= view.width || id.y >= view.height {
        return;
    }
    let pixel = id.y * view.width + id.x;
    let ray = ray_of(pixel, id.xy);
    let s0 = surface[pixel];
    let z = 1.0 / clamp(s0.x, view.rho_min, view.rho_max);
    let world = world_from_camera(cameras[0], vec3<f32>(ray * z, z));
    var sum = 0.0;
    var total = 0.0;
    for (var s = 0u; s < view.sources; s++) {
        let c = cameras[s + 1u];
        var said = vec2<f32>(0.0);
        let p = camera_from_world(c, world);
        if p.z > 1e-6 {
            let ideal = p.xy / p.z;
            let px = picture_px(c, ideal);
            let w = weigh(c, ideal, p.z, px, 1.0);
            let coded = fetch_cubic(pictures, px, c.size_kind_layer.xy, i32(c.size_kind_layer.w));
            said = vec2<f32>(luma_of(evened(c, px, coded)), w.visible * w.feather);
        }
        warped[s * view.width * view.height + pixel] = pack2x16unorm(vec2<f32>(0.25, 1.0) * said);
        let weight = c.working_size.w * said.y;
        sum += weight * said.x;
        total += weight;
    }
    middle[pixel] = vec2<f32>(sum / max(total, 1e-12), total);
}

fn index_of(q: vec2<i32>) -> u32 {
    let at = vec2<u32>(clamp(q, vec2<i32>(0), vec2<i32>(i32(view.width), i32(view.height)) - 1));
    return at.y * view.width + at.x;
}

// Value, slope and weight within the four pixels around a position.
fn between(a: vec2<f32>, b: vec2<f32>, c: vec2<f32>, d: vec2<f32>, f: vec2<f32>) -> vec4<f32> {
    let top = mix(a, b, f.x);
    let bottom = mix(c, d, f.x);
    let slope_x = mix(b.x - a.x, d.x - c.x, f.y);
    let said = mix(top, bottom, f.y);
    return vec4<f32>(said.x, slope_x, bottom.x - top.x, said.y);
}

fn source(at: u32) -> vec2<f32> {
    return unpack2x16unorm(warped[at]) * vec2<f32>(4.0, 1.0);
}

fn source_at(s: u32, p: vec2<f32>) -> vec4<f32> {
    let first = floor(p);
    let q = vec2<i32>(first);
    let layer = s * view.width * view.height;
    return between(
        source(layer + index_of(q)),
        source(layer + index_of(q + vec2<i32>(1, 0))),
        source(layer + index_of(q + vec2<i32>(0, 1))),
        source(layer + index_of(q + vec2<i32>(1, 1))),
        p - first,
    );
}

fn middle_at(q: vec2<i32>) -> vec4<f32> {
    return between(
        middle[index_of(q)],
        middle[index_of(q + vec2<i32>(1, 0))],
        middle[index_of(q + vec2<i32>(0, 1))],
        middle[index_of(q + vec2<i32>(1, 1))],
        vec2<f32>(0.5),
    );
}

// Lucas and Kanade, "An iterative image registration technique with an application to stereo vision" (1981), with the mean of both slopes; without what is
// merely brighter. z: how much of the source there is.
fn shift_of(s: u32, at: vec2<i32>, own: f32, unit: f32) -> vec3<f32> {
    var d = vec2<f32>(0.0);
    var seen = 0.0;
    for (var round = 0; round < ROUNDS; round++) {
        var n = 1e-6;
        var r = 0.0;
        var g = vec2<f32>(0.0);
        var rg = vec2<f32>(0.0);
        var gg = vec3<f32>(0.0);
        for (var j = -REACH; j <= REACH; j++) {
            for (var i = -REACH; i <= REACH; i++) {
                if i * i + j * j > REACH * REACH {
                    continue;
                }
                let q = at + STRIDE * vec2<i32>(i, j);
                let m = middle_at(q);
                let t = source_at(s, vec2<f32>(q) + 0.5 + d);
                let e = (surface[index_of(q)].x - own) / (BESIDE * unit);
                let diff = m.x - t.x;
                let astray = diff / ASTRAY;
                let near = exp(-2.0 * f32(i * i + j * j) / f32(REACH * REACH));
                let w = m.w * t.w * near / ((1.0 + e * e) * (1.0 + astray * astray));
                let slope = 0.5 * (m.yz + t.yz);
                n += w;
                r += w * diff;
                g += w * slope;
                rg += w * diff * slope;
                gg += w * vec3<f32>(slope.x * slope.x, slope.x * slope.y, slope.y * slope.y);
            }
        }
        if round == 0 {
            seen = n;
        }
        r /= n;
        g /= n;
        // The less is seen, the more it takes.
        let prior = PRIOR * (1.0 + 2.0 / n);
        let b = rg / n - g * r - prior * d;
        let xx = gg.x / n - g.x * g.x + prior;
        let xy = gg.y / n - g.x * g.y;
        let yy = gg.z / n - g.y * g.y + prior;
        d += vec2<f32>(yy * b.x - xy * b.y, xx * b.y - xy * b.x) / max(xx * yy - xy * xy, prior * prior);
        d *= min(1.0, LONGEST / max(length(d), 1e-6));
    }
    return vec3<f32>(d, seen);
}

@compute @workgroup_size(8, 8)
fn align(@builtin(global_invocation_id) id: vec3<u32>) {
    let nodes = vec2<u32>(view.width, view.height) / view.align_step + 2u;
    if any(id.xy >= nodes) {
        return;
    }
    let at = min(vec2<i32>(id.xy * view.align_step), vec2<i32>(i32(view.width), i32(view.height)) - 1);
    let own = surface[index_of(at)].x;
    let unit = cameras[1].working_size.z;
    var d: array<vec3<f32>, 6>;
    var mean = vec2<f32>(0.0);
    var total = 1e-6;
    for (var s = 0u; s < view.sources; s++) {
        d[s] = shift_of(s, at, own, unit);
        let weight = cameras[s + 1u].working_size.w * d[s].z;
        mean += weight * d[s].xy;
        total += weight;
    }
    // All together stay where they are.
    mean /= total;
    for (var s = 0u; s < view.sources; s++) {
        shifts[(s * nodes.y + id.y) * nodes.x + id.x] = d[s].xy - mean;
    }
}
