// The venue's picture: a pixel amid one smooth surface is shaded once, a pixel at an edge or with a hard pattern once for
// each of the rays around its centre.

#import venue/types.wgsl
#import venue/lens.wgsl
#import venue/noise.wgsl
#import venue/shapes.wgsl
#import venue/surround.wgsl
#import venue/scene.wgsl
#import venue/materials.wgsl

@group(0) @binding(3) var<storage, read> casters: array<Caster>;
@group(0) @binding(4) var<storage, read> clusters: array<Cluster>;
@group(0) @binding(7) var picture: texture_storage_2d<rgba8unorm, write>;
@group(0) @binding(8) var<storage, read_write> truth: array<vec2<f32>>;
@group(0) @binding(9) var<storage, read_write> hits: array<vec2<u32>>;

const KEY: vec3<f32> = vec3<f32>(0.4364, -0.5237, 0.7317);
const SIDE: vec3<f32> = vec3<f32>(-0.6963, 0.1989, 0.6897);

// Whether a shadow ray comes near the sphere.
fn nears(w: vec3<f32>, radius: f32, l: vec3<f32>) -> bool {
    let along = dot(w, l);
    let reach = radius + 0.05 * max(along, 0.0);
    return along > -radius && dot(w, w) - along * along < reach * reach;
}

// Share of a disc-shaped light in direction `l` that a round cone leaves. w: from the point to the cone's first centre.
fn past(w: vec3<f32>, ba: vec3<f32>, ra: f32, rb: f32, l: vec3<f32>) -> f32 {
    let e = dot(ba, l);
    let s = clamp((e * dot(w, l) - dot(w, ba)) / max(dot(ba, ba) - e * e, 1e-6), 0.0, 1.0);
    let v = w + ba * s;
    let t = dot(v, l);
    if (t <= 0.0) {
        return 1.0;
    }
    let gap = sqrt(max(dot(v, v) - t * t, 0.0)) - mix(ra, rb, s);
    let penumbra = 0.001 + 0.035 * t;
    return smoothstep(-penumbra, penumbra, gap);
}

// What the casters leave of the key light, the side light and the ambient light.
fn open_light(at: vec3<f32>, n: vec3<f32>) -> vec3<f32> {
    let start = at + n * 0.006;
    var left = vec3<f32>(step(0.0, dot(n, KEY)), step(0.0, dot(n, SIDE)), 1.0);
    for (var c = 0u; c < view.counts.y; c++) {
        let s = clusters[c].sphere;
        let w = s.xyz - start;
        let to_key = left.x > 0.004 && nears(w, s.w, KEY);
        let to_side = left.y > 0.004 && nears(w, s.w, SIDE);
        let reach = s.w + 0.7;
        let close = dot(w, w) < reach * reach;
        if (!(to_key || to_side || close)) {
            continue;
        }
        let range = clusters[c].range.xy;
        for (var i = range.x; i < range.x + range.y; i++) {
            let a = casters[i].a;
            let b = casters[i].b;
            let ba = b.xyz - a.xyz;
            let wa = a.xyz - start;
            if (to_key) {
                left.x = min(left.x, past(wa, ba, a.w, b.w, KEY));
            }
            if (to_side) {
                left.y = min(left.y, past(wa, ba, a.w, b.w, SIDE));
            }
            if (close) {
                let s1 = clamp(-dot(wa, ba) / max(dot(ba, ba), 1e-6), 0.0, 1.0);
                let v = wa + ba * s1;
                let d2 = max(dot(v, v), 1e-4);
                let r = mix(a.w, b.w, s1);
                let facing = max(dot(n, v) * inverseSqrt(d2), 0.0);
                left.z *= 1.0 - 0.65 * facing * min(r * r / d2, 1.0);
            }
        }
    }
    return left;
}

fn light(at: vec3<f32>, n: vec3<f32>, d: vec3<f32>, s: Surface) -> vec3<f32> {
    var key = max(dot(n, KEY), 0.0);
    var side = max(dot(n, SIDE), 0.0);
    var open = 1.0;
    if (dot(at.xy, at.xy) < 150.0) {
        let left = open_light(at, n);
        key *= left.x;
        side *= left.y;
        open = left.z;
    }
    // Light that the floor sends back up.
    let sky = mix(vec3<f32>(0.20, 0.20, 0.23), vec3<f32>(0.50, 0.54, 0.62), 0.5 + 0.5 * n.z);
    let key_color = vec3<f32>(1.75, 1.66, 1.50);
    let side_color = vec3<f32>(0.62, 0.70, 0.85);
    var color = s.albedo * (sky * open + key * key_color + side * side_color + vec3<f32>(s.glow));
    let h_key = max(dot(normalize(KEY - d), n), 0.0);
    let h_side = max(dot(normalize(SIDE - d), n), 0.0);
    color += s.gloss * 0.35 * (pow(h_key, 28.0) * step(0.001, key) * key_color * min(key * 3.0, 1.0) + pow(h_side, 28.0) * side_color * min(side * 3.0, 1.0));
    return color;
}

// Linear light towards the camera.
fn shade(o: vec3<f32>, d: vec3<f32>, hit: Hit) -> vec3<f32> {
    if (hit.id == SKY) {
        let up = clamp(d.z, 0.0, 1.0);
        return mix(vec3<f32>(0.10, 0.13, 0.20), vec3<f32>(0.015, 0.025, 0.06), smoothstep(0.2, 0.7, up));
    }
    let at = o + d * hit.t;
    let fp = hit.t * view.center.w;
    let seed = view.more.z;
    if (hit.id == FLOOR) {
        let stretched = fp * inverseSqrt(max(-d.z, 0.05));
        let albedo = floor_albedo(at.xy, stretched, seed);
        return light(at, vec3<f32>(0.0, 0.0, 1.0), d, Surface(albedo, 0.12, 0.0));
    }
    if (hit.id == WALL) {
        let n = vec3<f32>(-normalize(at.xy), 0.0);
        let u = atan2(at.y, at.x) * WALL_RADIUS;
        let panel = band(fract(u / 2.4) - 0.5, 0.006, fp / 2.4);
        let stain = 1.0 + 0.2 * noise2(vec2<f32>(u * 1.3, at.z * 3.0), seed + 30u) + 0.15 * noise2(vec2<f32>(u * 9.0, at.z * 9.0), seed + 31u) * detail(0.11, fp);
        let albedo = vec3<f32>(0.10, 0.11, 0.14) * stain * (1.0 - 0.6 * panel) * (0.5 + 0.5 * smoothstep(0.0, 0.5, at.z));
        return albedo * 0.9;
    }
    if (hit.id == STANDS) {
        return crowd(at, fp, view.clock.x, seed) * (0.62 - 0.012 * (at.z - WALL_TOP) * 2.0);
    }
    if (hit.id == BACK) {
        let u = atan2(at.y, at.x) * BACK_RADIUS;
        let pillar = band(fract(u / 5.5) - 0.5, 0.06, fp / 5.5);
        let dirt = 1.0 + 0.2 * noise2(vec2<f32>(u * 0.7, at.z * 1.7), seed + 32u) + 0.15 * noise2(vec2<f32>(u * 4.0, at.z * 4.0), seed + 33u) * detail(0.25, fp);
        var color = mix(vec3<f32>(0.035, 0.04, 0.055), vec3<f32>(0.09, 0.09, 0.10), pillar) * dirt;
        // Flood lights below the rim.
        let lamp = vec2<f32>((fract(u / 11.0) - 0.5) * 11.0, at.z - 15.6);
        let grid = abs(fract(lamp / 0.55) - 0.5);
        let inside = step(abs(lamp.x), 2.2) * step(abs(lamp.y), 0.8);
        color += vec3<f32>(3.0, 2.9, 2.6) * inside * smoothstep(0.42, 0.2, length(grid));
        return color;
    }
    let p = prims[hit.id];
    let n = normal_at(p, at, d);
    let facing = clamp(-dot(n, d), 0.15, 1.0);
    return light(at, n, d, surface(p, at, n, fp * inverseSqrt(facing)));
}

// Filmic curve (Narkowicz' rational fit of the ACES curve), then sRGB.
fn display_from_linear(linear: vec3<f32>) -> vec3<f32> {
    let x = max(linear * view.clock.y, vec3<f32>(0.0));
    let y = clamp((x * (2.51 * x + 0.03)) / (x * (2.43 * x + 0.59) + 0.14), vec3<f32>(0.0), vec3<f32>(1.0));
    return select(1.055 * pow(y, vec3<f32>(1.0 / 2.4)) - 0.055, y * 12.92, y <= vec3<f32>(0.0031308));
}

@compute @workgroup_size(8, 8)
fn shade_pixels(@builtin(global_invocation_id) id: vec3<u32>) {
    let px = vec2<u32>(id.x, id.y + view.counts.w);
    if (px.x >= view.size.x || px.y >= view.more.x) {
        return;
    }
    let at = px.y * view.size.x + px.x;
    let base = tile_base(px);
    let o = view.center.xyz;
    let ideal = ideal_from_px(vec2<f32>(px) + 0.5);
    let d0 = normalize(world_from_ideal(ideal.xy));
    let stored = hits[at];
    let center = Hit(bitcast<f32>(stored.x), stored.y);
    // Neighbours of the same dispatch; a tile with thin things is an edge throughout.
    let left = hits[at - select(0u, 1u, px.x > 0u)].y;
    let right = hits[at + select(0u, 1u, px.x + 1u < view.size.x)].y;
    let above = hits[at - select(0u, view.size.x, px.y > view.counts.w)].y;
    let below = hits[at + select(0u, view.size.x, px.y + 1u < view.more.x)].y;
    let thin = (tiles[base] & 0x10000u) != 0u;
    let edge = thin || left != center.id || right != center.id || above != center.id || below != center.id;
    var sharp = center.id == STANDS;
    var foreground = 0.0;
    if (center.id < SKY) {
        let what = prims[center.id].what;
        sharp = is_sharp(what.y);
        foreground = f32(what.z & 1u);
    }
    let n = min(view.size.w, 16u);
    var color = vec3<f32>(0.0);
    if (n == 0u || !(edge || sharp)) {
        color = display_from_linear(shade(o, d0, center));
    } else {
        foreground = 0.0;
        for (var i = 1u; i <= n; i++) {
            // A low-discrepancy (R2) set around the centre.
            let offset = fract(vec2<f32>(0.75487767, 0.56984029) * f32(i) + 0.5) - 0.5;
            let step_px = offset / view.focal.xy;
            let d = normalize(world_from_ideal(ideal.xy + ideal.by_x * step_px.x + ideal.by_y * step_px.y));
            var hit = center;
            if (edge) {
                hit = trace(o, d, base);
            } else {
                hit = retrace(o, d, center.id);
            }
            if (hit.id < SKY) {
                foreground += f32(prims[hit.id].what.z & 1u);
            }
            // Averaged as displayed: highlights at edges would win otherwise, and so does a camera's knee.
            color += display_from_linear(shade(o, d, hit));
        }
        color /= f32(n);
        foreground /= f32(n);
    }
    textureStore(picture, px, vec4<f32>(color, 1.0));
    if (view.more.y == 1u) {
        let z = center.t * dot(d0, view.z_in_world.xyz);
        truth[at] = vec2<f32>(select(z, -1.0, center.id == SKY), foreground);
    }
}
