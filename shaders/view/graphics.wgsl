// Graphics: flat shapes that lie or stand in the world, drawn over a view in linear light, one after the other. Each pixel's ray is cut with
// the plane of each shape; what share of the pixel the shape covers follows from its edge's distance in pixels; and where the view's surface
// is nearer, it hides the shape.
#import view/common.wgsl

struct Draw {
    // Shapes.
    count: u32,
    // 1: the view has a background, so `cover` and `behind` hold.
    layered: u32,
    // Inverse depth per px of disparity.
    unit: f32,
    // 1: rays come from the buffer, as `View` says.
    has_rays: u32,
}

struct Shape {
    // Origin in the recentred world; the form: 0 stroke, 1 ring, 2 disc, 3 polygon, 4 picture.
    origin: vec4<f32>,
    // Axes of its plane, of unit length; opacity; unused.
    axis_u: vec4<f32>,
    axis_v: vec4<f32>,
    // Linear light.
    color: vec4<f32>,
    // Stroke: length, half width. Ring: radius, half width. Disc: radius. Polygon: first point, number. Picture: width, height. Metres.
    size: vec4<f32>,
    // Picture: first texel, width, height in texels.
    texels: vec4<u32>,
    // Left, top, right, bottom: where it may be seen, px.
    bounds: vec4<f32>,
}

@group(0) @binding(3) var<storage, read> surface: array<vec2<f32>>;
@group(0) @binding(4) var<storage, read> behind: array<vec2<f32>>;
@group(0) @binding(5) var<storage, read> rays: array<vec2<f32>>;
@group(0) @binding(6) var view_out: texture_storage_2d<rgba8unorm, write>;
// Storage, not uniform: `gpu::uniform` says why.
@group(0) @binding(7) var<storage, read> draw: Draw;
@group(0) @binding(8) var shown: texture_2d<f32>;
@group(0) @binding(9) var<storage, read> shapes: array<Shape>;
@group(0) @binding(10) var<storage, read> points: array<vec2<f32>>;
// Linear light, multiplied with alpha: four times 16 bits.
@group(0) @binding(11) var<storage, read> texels: array<vec2<u32>>;
// The share of the foreground in a view with a background.
@group(0) @binding(12) var<storage, read> cover: array<f32>;

// A surface so many px of disparity nearer than a shape begins to hide it, and hides it.
const NEARER: vec2<f32> = vec2<f32>(1.5, 3.0);
// And it must stand so far off the shape's plane, metres: a floor without structure is solved a little above itself, which along a flat ray is far.
const ABOVE_M: vec2<f32> = vec2<f32>(0.06, 0.16);

fn ray_at(x: i32, y: i32) -> vec2<f32> {
    if draw.has_rays == 1u {
        let q = clamp(vec2<i32>(x, y), vec2<i32>(0), vec2<i32>(i32(view.width), i32(view.height)) - 1);
        return rays[u32(q.y) * view.width + u32(q.x)];
    }
    return (vec2<f32>(f32(x), f32(y)) + 0.5 - cameras[0].lens.zw) / cameras[0].lens.xy;
}

// What is seen of a shape by a ray: its place in the plane, and inverse depth.
fn hit(ray: vec2<f32>, o: vec3<f32>, u: vec3<f32>, v: vec3<f32>) -> vec3<f32> {
    let n = cross(u, v);
    let away = dot(n, o);
    let rho = dot(n, vec3<f32>(ray, 1.0)) / select(away, 1e-9, abs(away) < 1e-9);
    let d = vec3<f32>(ray, 1.0) / rho - o;
    return vec3<f32>(dot(d, u), dot(d, v), rho);
}

// The share of a pixel of that width within `half_width` of an axis at a distance.
fn band(away: f32, half_width: f32, px: f32) -> f32 {
    return clamp(min(away + half_width, 0.5 * px) - max(away - half_width, -0.5 * px), 0.0, px) / px;
}

// How wide a pixel is in the plane, along a direction of it.
fn px_along(along: vec2<f32>, dx: vec2<f32>, dy: vec2<f32>) -> f32 {
    return max(length(vec2<f32>(dot(along, dx), dot(along, dy))), 1e-7);
}

// The share of a pixel inside a polygon.
fn inside_polygon(first: u32, count: u32, p: vec2<f32>, dx: vec2<f32>, dy: vec2<f32>) -> f32 {
    var nearest = 1e30;
    var away = vec2<f32>(1.0, 0.0);
    var within = false;
    var a = points[first + count - 1u];
    for (var i = 0u; i < count; i++) {
        let b = points[first + i];
        let edge = b - a;
        let w = p - a;
        let q = w - edge * clamp(dot(w, edge) / max(dot(edge, edge), 1e-12), 0.0, 1.0);
        let d = dot(q, q);
        if d < nearest {
            nearest = d;
            // On the edge itself its normal is the way out.
            away = select(q, vec2<f32>(edge.y, -edge.x), d < 1e-12);
        }
        if (a.y > p.y) != (b.y > p.y) && p.x < (b.x - a.x) * (p.y - a.y) / (b.y - a.y) + a.x {
            within = !within;
        }
        a = b;
    }
    let d = sqrt(nearest);
    let px = px_along(away / max(length(away), 1e-12), dx, dy);
    return clamp(0.5 + select(-d, d, within) / px, 0.0, 1.0);
}

fn texel(s: Shape, x: i32, y: i32) -> vec4<f32> {
    if x < 0 || y < 0 || x >= i32(s.texels.y) || y >= i32(s.texels.z) {
        return vec4<f32>(0.0);
    }
    let t = texels[s.texels.x + u32(y) * s.texels.y + u32(x)];
    return vec4<f32>(unpack2x16unorm(t.x), unpack2x16unorm(t.y));
}

// A picture's light over a pixel: sixteen places, each between four texels.
fn light_of_picture(s: Shape, p: vec2<f32>, dx: vec2<f32>, dy: vec2<f32>) -> vec4<f32> {
    var sum = vec4<f32>(0.0);
    for (var k = 0; k < 16; k++) {
        let o = (vec2<f32>(f32(k & 3), f32(k >> 2)) + 0.5) * 0.25 - 0.5;
        let q = p + o.x * dx + o.y * dy;
        let at = vec2<f32>(q.x / s.size.x, 1.0 - q.y / s.size.y) * vec2<f32>(f32(s.texels.y), f32(s.texels.z)) - 0.5;
        let b = vec2<i32>(floor(at));
        let f = at - floor(at);
        let top = mix(texel(s, b.x, b.y), texel(s, b.x + 1, b.y), f.x);
        let low = mix(texel(s, b.x, b.y + 1), texel(s, b.x + 1, b.y + 1), f.x);
        sum += mix(top, low, f.y);
    }
    return sum / 16.0;
}

// How much a surface along a ray hides a point at inverse depth `rho` of a plane (normal and its distance along it).
fn hides(nearest: f32, ray: vec2<f32>, rho: f32, plane: vec4<f32>) -> f32 {
    let above = (plane.w - dot(plane.xyz, vec3<f32>(ray, 1.0)) / max(nearest, 1e-6)) * sign(plane.w);
    return smoothstep(NEARER.x, NEARER.y, (nearest - rho) / draw.unit) * smoothstep(ABOVE_M.x, ABOVE_M.y, above);
}

// 1 where nothing stands before a point of a shape at inverse depth `rho`, which grows by `slope` per px, as rays do by the columns of `turn`. The surfaces of the eight pixels
// around count too, so that the edge of who stands before it is as soft as the edges of the view.
fn seen(at: vec2<i32>, rho: f32, slope: vec2<f32>, ray: vec2<f32>, turn: mat2x2<f32>, plane: vec4<f32>) -> f32 {
    let hi = vec2<i32>(i32(view.width), i32(view.height)) - 1;
    var hidden = 0.0;
    var far = 0.0;
    for (var k = 0; k < 9; k++) {
        let o = vec2<i32>(k % 3 - 1, k / 3 - 1);
        let q = clamp(at + o, vec2<i32>(0), hi);
        let pixel = u32(q.y) * view.width + u32(q.x);
        let w = 0.0625 * f32((2 - abs(o.x)) * (2 - abs(o.y)));
        let here = rho + dot(slope, vec2<f32>(o));
        let along = ray + turn * vec2<f32>(o);
        hidden += w * hides(surface[pixel].x, along, here, plane);
        if draw.layered == 1u {
            far += w * hides(behind[pixel].x, along, here, plane);
        }
    }
    if draw.layered == 0u {
        return 1.0 - hidden;
    }
    // The foreground hides it as far as it covers the pixel; what is behind, where that is seen.
    let share = cover[u32(at.y) * view.width + u32(at.x)];
    return 1.0 - mix(far, max(hidden, far), share);
}

@compute @workgroup_size(8, 8)
fn graphics(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= view.width || id.y >= view.height {
        return;
    }
    let at = vec2<i32>(id.xy);
    let middle = vec2<f32>(id.xy) + 0.5;
    let ray = ray_at(at.x, at.y);
    // Half the way to the neighbours on both sides.
    let across = 0.5 * (ray_at(at.x + 1, at.y) - ray_at(at.x - 1, at.y));
    let down = 0.5 * (ray_at(at.x, at.y + 1) - ray_at(at.x, at.y - 1));
    var rgb = linear_from_srgb(textureLoad(shown, at, 0).rgb);
    for (var k = 0u; k < draw.count; k++) {
        let s = shapes[k];
        if any(middle < s.bounds.xy) || any(middle > s.bounds.zw) {
            continue;
        }
        let o = camera_from_world(cameras[0], s.origin.xyz);
        let u = camera_from_world(cameras[0], s.origin.xyz + s.axis_u.xyz) - o;
        let v = camera_from_world(cameras[0], s.origin.xyz + s.axis_v.xyz) - o;
        let h = hit(ray, o, u, v);
        let hx = hit(ray + across, o, u, v);
        let hy = hit(ray + down, o, u, v);
        // Behind the camera, or beyond the horizon of the plane.
        if h.z <= 1e-4 || hx.z <= 1e-5 || hy.z <= 1e-5 {
            continue;
        }
        let p = h.xy;
        let dx = hx.xy - p;
        let dy = hy.xy - p;
        var light = vec4<f32>(s.color.rgb, 1.0);
        let form = u32(s.origin.w);
        if form == 0u {
            let half_length = 0.5 * s.size.x;
            light *= band(abs(p.x - half_length), half_length, px_along(vec2<f32>(1.0, 0.0), dx, dy));
            light *= band(abs(p.y), s.size.y, px_along(vec2<f32>(0.0, 1.0), dx, dy));
        } else if form == 1u {
            let r = length(p);
            light *= band(abs(r - s.size.x), s.size.y, px_along(p / max(r, 1e-9), dx, dy));
        } else if form == 2u {
            let r = length(p);
            light *= clamp(0.5 + (s.size.x - r) / px_along(p / max(r, 1e-9), dx, dy), 0.0, 1.0);
        } else if form == 3u {
            light *= inside_polygon(u32(s.size.x), u32(s.size.y), p, dx, dy);
        } else {
            light = light_of_picture(s, p, dx, dy);
        }
        light *= s.axis_u.w;
        if light.a <= 0.0 {
            continue;
        }
        let n = cross(u, v);
        light *= seen(at, h.z, vec2<f32>(hx.z - h.z, hy.z - h.z), ray, mat2x2<f32>(across, down), vec4<f32>(n, dot(n, o)));
        rgb = rgb * (1.0 - light.a) + light.rgb;
    }
    textureStore(view_out, at, vec4<f32>(srgb_from_linear(rgb), 1.0));
}
