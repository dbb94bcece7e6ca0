// Two flood lights with soft shadows and ambient light with occlusion, in closed form from the casters.

#import venue/types.wgsl
#import venue/materials.wgsl

@group(0) @binding(3) var<uniform> casters: CasterTable;
@group(0) @binding(4) var<uniform> clusters: ClusterTable;

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
        let s = clusters.all[c].sphere;
        let w = s.xyz - start;
        let to_key = left.x > 0.004 && nears(w, s.w, KEY);
        let to_side = left.y > 0.004 && nears(w, s.w, SIDE);
        let reach = s.w + 0.7;
        let close = dot(w, w) < reach * reach;
        if (!(to_key || to_side || close)) {
            continue;
        }
        let range = clusters.all[c].range.xy;
        for (var i = range.x; i < range.x + range.y; i++) {
            let a = casters.all[i].a;
            let b = casters.all[i].b;
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
