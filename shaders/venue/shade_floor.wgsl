// The floor.

#import venue/shade_tile.wgsl
#import venue/light.wgsl

fn shade(o: vec3<f32>, d: vec3<f32>, hit: Hit) -> vec3<f32> {
    let at = o + d * hit.t;
    let stretched = hit.t * view.center.w * inverseSqrt(max(-d.z, 0.05));
    let albedo = floor_albedo(at.xy, stretched, view.more.z);
    return light(at, vec3<f32>(0.0, 0.0, 1.0), d, Surface(albedo, 0.12, 0.0));
}

@compute @workgroup_size(8, 8)
fn shade_floor(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    shade_tile(CLASS_FLOOR, true, group, local);
}
