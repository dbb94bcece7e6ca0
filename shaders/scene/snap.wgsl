// Snap: the depth of a moment brought to its mattes. What the matte calls background takes the plate's depth, but for a fringe beside
// foreground. Foreground keeps its own where that lies before the plate and inside the visual hull (no camera that looks there sees
// background), else takes that of foreground around it. Writes the depth of the moment, and that of its background alone. Depth layers:
// r = inverse depth (1/m along z), 0 = unknown; g = confidence.
#import common/camera.wgsl
#import common/matte.wgsl

struct Snap {
    // fx, fy, cx, cy of the plate's working picture, px.
    plate_lens: vec4<f32>,
    // Its width and height; its layer, below zero where the camera has no plate; number of neighbours.
    plate_size: vec4<f32>,
}

@group(0) @binding(0) var<uniform> snap_step: Snap;
// The camera itself, then its neighbours.
@group(0) @binding(1) var<uniform> cameras: array<Camera, 5>;
@group(0) @binding(2) var depths: texture_2d_array<f32>;
@group(0) @binding(3) var plate_depths: texture_2d_array<f32>;
// Alpha: confidence.
@group(0) @binding(4) var plate_pictures: texture_2d_array<f32>;
@group(0) @binding(5) var mattes: texture_2d_array<f32>;
@group(0) @binding(6) var depth_out: texture_storage_2d_array<rg32float, write>;
@group(0) @binding(7) var background_out: texture_storage_2d_array<rg32float, write>;

// Least matte, among the cameras that look there, of a point of the foreground.
const HULL: f32 = 0.25;
// Half width of the fringe beside foreground, px of the picture: its mixed pixels keep the depth of what is nearer, and the view ends it
// softly by the mattes.
const FRINGE: f32 = 3.0;

// Whether the point at inverse depth `rho` may be foreground, by the neighbours: the least matte of those that look there.
fn hull(ideal: vec2<f32>, rho: f32) -> f32 {
    let world = world_from_camera(cameras[0], vec3<f32>(ideal / rho, 1.0 / rho));
    var least = 1.0;
    for (var s = 1u; s <= u32(snap_step.plate_size.w); s++) {
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

// Before the plate and inside the hull.
fn may_be(ideal: vec2<f32>, rho: f32, plate: f32) -> bool {
    return rho > 0.0 && rho > plate - cameras[0].working_size.z && hull(ideal, rho) >= HULL;
}

@compute @workgroup_size(8, 8)
fn snap(@builtin(global_invocation_id) id: vec3<u32>) {
    let c = cameras[0];
    if id.x >= u32(c.working_size.x) || id.y >= u32(c.working_size.y) {
        return;
    }
    let at = vec2<i32>(id.xy);
    let layer = i32(c.size_kind_layer.w);
    let unit = c.working_size.z;
    let ideal = (vec2<f32>(id.xy) + 0.5 - c.working_lens.zw) / c.working_lens.xy;
    let px = picture_px(c, ideal);
    let own = textureLoad(depths, at, layer, 0).rg;
    var plate = vec2<f32>(0.0);
    if snap_step.plate_size.z >= 0.0 {
        let plate_layer = i32(snap_step.plate_size.z);
        let uv = vec2<i32>(floor(ideal * snap_step.plate_lens.xy + snap_step.plate_lens.zw));
        let texel = clamp(vec2<i32>(floor(px)), vec2<i32>(0), vec2<i32>(c.size_kind_layer.xy) - 1);
        let known = textureLoad(plate_pictures, texel, plate_layer, 0).a;
        let found = textureLoad(plate_depths, clamp(uv, vec2<i32>(0), vec2<i32>(snap_step.plate_size.xy) - 1), plate_layer, 0).rg;
        // What the moment sees behind the plate for sure is not hidden by it: the plate is a ghost there.
        let ghost = own.g > 0.5 && own.r < found.r - 3.0 * unit;
        plate = select(vec2<f32>(0.0), found, known >= 0.5 && !ghost);
    }
    let matte = matte_at(mattes, c, px);
    if matte < 0.5 {
        var beside = 0.0;
        for (var k = 0; k < 8; k++) {
            let way = 0.7853982 * f32(k);
            beside = max(beside, matte_at(mattes, c, px + FRINGE * vec2<f32>(cos(way), sin(way))));
        }
        if beside >= 0.5 {
            let keeps = plate.r <= 0.0 || own.r > plate.r - unit;
            textureStore(depth_out, at, layer, vec4<f32>(select(plate, own, keeps), 0.0, 0.0));
            textureStore(background_out, at, layer, vec4<f32>(plate, 0.0, 0.0));
            return;
        }
        let take = plate.r > 0.0 && abs(own.r - plate.r) > unit && (own.r > plate.r || plate.g > own.g);
        let out = select(own, plate, take);
        textureStore(depth_out, at, layer, vec4<f32>(out, 0.0, 0.0));
        textureStore(background_out, at, layer, vec4<f32>(out, 0.0, 0.0));
        return;
    }
    textureStore(background_out, at, layer, vec4<f32>(plate, 0.0, 0.0));
    if plate.r <= 0.0 || may_be(ideal, own.r, plate.r) {
        textureStore(depth_out, at, layer, vec4<f32>(own, 0.0, 0.0));
        return;
    }
    // Foreground around it, near and far.
    let hi = vec2<i32>(c.working_size.xy) - 1;
    var best = vec2<f32>(own.r, 0.3 * own.g);
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
        if weight > best_weight && matte_at(mattes, c, picture_px(c, q_ideal)) >= 0.5 && other.r > plate.r + 2.0 * unit && may_be(ideal, other.r, plate.r) {
            best_weight = weight;
            best = vec2<f32>(other.r, 0.5 * other.g);
        }
    }
    textureStore(depth_out, at, layer, vec4<f32>(best, 0.0, 0.0));
}
