// Carve: the depth of a moment before a plain backdrop, brought to its mattes. The backdrop itself has no surface: inverse depth 0, for sure,
// so that views see through whatever is claimed to stand before it. What is foreground lies in the visual hull: where no camera that looks
// there sees backdrop. Depth layers: r = inverse depth (1/m along z); g = confidence.
#import common/camera.wgsl
#import common/matte.wgsl

struct Carve {
    // Bounds of the scene's inverse depth, 1/m; number of neighbours.
    rho_min: f32,
    rho_max: f32,
    neighbours: f32,
    pad_a: f32,
}

@group(0) @binding(0) var<uniform> carve_step: Carve;
// The camera itself, then its neighbours.
@group(0) @binding(1) var<uniform> cameras: array<Camera, 5>;
@group(0) @binding(2) var depths: texture_2d_array<f32>;
@group(0) @binding(3) var mattes: texture_2d_array<f32>;
@group(0) @binding(4) var depth_out: texture_storage_2d_array<rg32float, write>;
@group(0) @binding(5) var background_out: texture_storage_2d_array<rg32float, write>;

// Least matte, among the cameras that look there, of a point of the foreground.
const HULL: f32 = 0.25;
// Half width of the fringe beside foreground, px of the picture: its mixed pixels keep the depth of what is nearer, and the view ends it
// softly by the mattes.
const FRINGE: f32 = 4.0;
// Confidence that remains to what had to be moved into the hull.
const MOVED: f32 = 0.3;
// Steps along a ray in search of the hull.
const STEPS: i32 = 64;

// Whether the point at inverse depth `rho` may be foreground, by the neighbours: the least matte of those that look there.
fn hull(ideal: vec2<f32>, rho: f32) -> f32 {
    let world = world_from_camera(cameras[0], vec3<f32>(ideal / rho, 1.0 / rho));
    var least = 1.0;
    for (var s = 1u; s <= u32(carve_step.neighbours); s++) {
        let c = cameras[s];
        let p = camera_from_world(c, world);
        if p.z <= 1e-6 {
            continue;
        }
        let px = picture_px(c, p.xy / p.z);
        if all(px >= vec2<f32>(0.0)) && all(px < c.size_kind_layer.xy) {
            least = min(least, matte_at(mattes, c, px));
        }
    }
    return least;
}

fn may_be(ideal: vec2<f32>, rho: f32, least: f32) -> bool {
    return rho > 0.0 && hull(ideal, rho) >= least;
}

@compute @workgroup_size(8, 8)
fn carve(@builtin(global_invocation_id) id: vec3<u32>) {
    let c = cameras[0];
    if id.x >= u32(c.working_size.x) || id.y >= u32(c.working_size.y) {
        return;
    }
    let at = vec2<i32>(id.xy);
    let layer = i32(c.size_kind_layer.w);
    let ideal = (vec2<f32>(id.xy) + 0.5 - c.working_lens.zw) / c.working_lens.xy;
    let px = picture_px(c, ideal);
    let own = textureLoad(depths, at, layer, 0).rg;
    var least = HULL;
    if matte_at(mattes, c, px) < 0.5 {
        least = 0.02;
        var beside = 0.0;
        for (var k = 0; k < 8; k++) {
            let way = 0.7853982 * f32(k);
            beside = max(beside, matte_at(mattes, c, px + FRINGE * vec2<f32>(cos(way), sin(way))));
        }
        if beside < 0.5 {
            textureStore(depth_out, at, layer, vec4<f32>(0.0, 1.0, 0.0, 0.0));
            textureStore(background_out, at, layer, vec4<f32>(own, 0.0, 0.0));
            return;
        }
    }
    textureStore(background_out, at, layer, vec4<f32>(0.0));
    if may_be(ideal, own.r, least) {
        textureStore(depth_out, at, layer, vec4<f32>(own, 0.0, 0.0));
        return;
    }
    // Foreground around it, near and far.
    let hi = vec2<i32>(c.working_size.xy) - 1;
    var best = vec2<f32>(0.0);
    var best_weight = 0.0;
    for (var k = 0; k < 32; k++) {
        let r = f32(1 << u32(k / 8));
        let way = 0.7853982 * f32(k % 8);
        let q = at + vec2<i32>(i32(round(cos(way) * r)), i32(round(sin(way) * r)));
        if any(q < vec2<i32>(0)) || any(q > hi) {
            continue;
        }
        let other = textureLoad(depths, q, layer, 0).rg;
        let q_ideal = (vec2<f32>(q) + 0.5 - c.working_lens.zw) / c.working_lens.xy;
        let weight = (other.g * other.g + 0.01) / r;
        if weight > best_weight && matte_at(mattes, c, picture_px(c, q_ideal)) >= 0.5 && may_be(ideal, other.r, least) {
            best_weight = weight;
            best = vec2<f32>(other.r, MOVED * other.g);
        }
    }
    if best_weight <= 0.0 {
        // Where its ray is in the hull nearest to where it was.
        var nearest = 1e9;
        for (var k = 0; k < STEPS; k++) {
            let rho = mix(carve_step.rho_min, carve_step.rho_max, (f32(k) + 0.5) / f32(STEPS));
            if abs(rho - own.r) < nearest && may_be(ideal, rho, least) {
                nearest = abs(rho - own.r);
                best = vec2<f32>(rho, 0.0);
            }
        }
    }
    textureStore(depth_out, at, layer, vec4<f32>(best, 0.0, 0.0));
}
