// Front wall, back wall and sky.

#import venue/shade_tile.wgsl

fn shade(o: vec3<f32>, d: vec3<f32>, hit: Hit) -> vec3<f32> {
    if (hit.id == SKY) {
        let up = clamp(d.z, 0.0, 1.0);
        return mix(vec3<f32>(0.10, 0.13, 0.20), vec3<f32>(0.015, 0.025, 0.06), smoothstep(0.2, 0.7, up));
    }
    let at = o + d * hit.t;
    let fp = hit.t * view.center.w;
    let seed = view.more.z;
    if (hit.id == WALL) {
        let n = vec3<f32>(-normalize(at.xy), 0.0);
        let u = atan2(at.y, at.x) * WALL_RADIUS;
        let panel = band(fract(u / 2.4) - 0.5, 0.006, fp / 2.4);
        let stain = 1.0 + 0.2 * noise2(vec2<f32>(u * 1.3, at.z * 3.0), seed + 30u) + 0.15 * noise2(vec2<f32>(u * 9.0, at.z * 9.0), seed + 31u) * detail(0.11, fp);
        let albedo = vec3<f32>(0.10, 0.11, 0.14) * stain * (1.0 - 0.6 * panel) * (0.5 + 0.5 * smoothstep(0.0, 0.5, at.z));
        return albedo * 0.9;
    }
    let u = atan2(at.y, at.x) * BACK_RADIUS;
    let pillar = band(fract(u / 5.5) - 0.5, 0.06, fp / 5.5);
    let dirt = 1.0 + 0.2 * noise2(vec2<f32>(u * 0.7, at.z * 1.7), seed + 32u) + 0.15 * noise2(vec2<f32>(u * 4.0, at.z * 4.0), seed + 33u) * detail(0.25, fp);
    var color = mix(vec3<f32>(0.035, 0.04, 0.055), vec3<f32>(0.09, 0.09, 0.10), pillar) * dirt;
    // Flood lights below the rim.
    let lamp = vec2<f32>((fract(u / 11.0) - 0.5) * 11.0, at.z - 15.6);
    let grid = abs(fract(lamp / 0.55) - 0.5);
    let inside = step(abs(lamp.x), 2.2) * step(abs(lamp.y), 0.8);
    color += vec3<f32>(3.0, 2.9, 2.6) * inside * (1.0 - smoothstep(0.2, 0.42, length(grid)));
    return color;
}

@compute @workgroup_size(8, 8)
fn shade_rest(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    shade_tile(CLASS_REST, true, group, local);
}
