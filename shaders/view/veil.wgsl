// Veil: where nothing around is trusted, the picture goes out of focus instead of showing shards of wrong depth. A small picture of what is
// doubted alone, blurred, is laid over it; what is trusted neither shines into it nor is covered.
#import view/common.wgsl

struct Veil {
    // Pixels of the view per cell of the small picture, and its size.
    cell: u32,
    width: u32,
    height: u32,
    // 1: along rows, 0: along columns.
    across: u32,
}

@group(0) @binding(3) var<storage, read> surface: array<vec2<f32>>;
@group(0) @binding(4) var shaded: texture_2d<f32>;
@group(0) @binding(5) var<uniform> veil: Veil;
@group(0) @binding(6) var view_out: texture_storage_2d<rgba8unorm, write>;
// Colour (coded) times doubt, doubt.
@group(0) @binding(7) var<storage, read> doubted: array<vec4<f32>>;
@group(0) @binding(8) var<storage, read_write> blurred: array<vec4<f32>>;

// Trust at which a pixel is doubted wholly, and from which on it is not.
const DOUBTED: f32 = 0.1;
const TRUSTED: f32 = 0.3;
// Share of doubt around from which on the veil is there, and at which it is whole.
const SOME: f32 = 0.4;
const ALL: f32 = 0.9;
// Cells that the blur reaches, and its standard deviation, cells.
const REACH: i32 = 7;
const SIGMA: f32 = 3.0;

fn doubt(pixel: u32) -> f32 {
    return 1.0 - smoothstep(DOUBTED, TRUSTED, max(surface[pixel].y, 0.0));
}

@compute @workgroup_size(8, 8)
fn gather(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= veil.width || id.y >= veil.height {
        return;
    }
    let begin = id.xy * veil.cell;
    let end = min(begin + veil.cell, vec2<u32>(view.width, view.height));
    var sum = vec4<f32>(0.0);
    for (var y = begin.y; y < end.y; y++) {
        for (var x = begin.x; x < end.x; x++) {
            let m = doubt(y * view.width + x);
            sum += m * vec4<f32>(textureLoad(shaded, vec2<i32>(i32(x), i32(y)), 0).rgb, 1.0);
        }
    }
    let pixels = (end - begin).x * (end - begin).y;
    blurred[id.y * veil.width + id.x] = sum / f32(max(pixels, 1u));
}

@compute @workgroup_size(8, 8)
fn blur(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= veil.width || id.y >= veil.height {
        return;
    }
    let hi = vec2<i32>(i32(veil.width), i32(veil.height)) - 1;
    let step = select(vec2<i32>(0, 1), vec2<i32>(1, 0), veil.across == 1u);
    var sum = vec4<f32>(0.0);
    var total = 0.0;
    for (var k = -REACH; k <= REACH; k++) {
        let q = clamp(vec2<i32>(id.xy) + k * step, vec2<i32>(0), hi);
        let w = exp(-0.5 * f32(k * k) / (SIGMA * SIGMA));
        sum += w * doubted[u32(q.y) * veil.width + u32(q.x)];
        total += w;
    }
    blurred[id.y * veil.width + id.x] = sum / total;
}

// The small picture at a pixel, between its cells.
fn veil_at(at: vec2<u32>) -> vec4<f32> {
    let hi = vec2<f32>(f32(veil.width), f32(veil.height)) - 1.0;
    let q = clamp((vec2<f32>(at) + 0.5) / f32(veil.cell) - 0.5, vec2<f32>(0.0), hi);
    let b = vec2<u32>(q);
    let f = q - vec2<f32>(b);
    let x1 = min(b.x + 1u, veil.width - 1u);
    let y1 = min(b.y + 1u, veil.height - 1u);
    let top = mix(doubted[b.y * veil.width + b.x], doubted[b.y * veil.width + x1], f.x);
    let bottom = mix(doubted[y1 * veil.width + b.x], doubted[y1 * veil.width + x1], f.x);
    return mix(top, bottom, f.y);
}

@compute @workgroup_size(8, 8)
fn lay(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= view.width || id.y >= view.height {
        return;
    }
    let at = vec2<i32>(id.xy);
    let own = textureLoad(shaded, at, 0).rgb;
    let around = veil_at(id.xy);
    var share = smoothstep(SOME, ALL, around.a) * doubt(id.y * view.width + id.x);
    // At a camera's very place the view is that camera's picture.
    share *= 1.0 - smoothstep(0.97, 0.999, cameras[1].working_size.w);
    textureStore(view_out, at, vec4<f32>(mix(own, around.rgb / max(around.a, 1e-6), share), 1.0));
}
