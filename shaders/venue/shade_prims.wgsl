// People and props.

#import venue/shade_tile.wgsl
#import venue/shapes.wgsl
#import venue/light.wgsl

fn shade(o: vec3<f32>, d: vec3<f32>, hit: Hit) -> vec3<f32> {
    let at = o + d * hit.t;
    let p = prims.all[hit.id];
    let n = normal_at(p, at, d);
    let fp = hit.t * view.center.w * inverseSqrt(clamp(-dot(n, d), 0.15, 1.0));
    return light(at, n, d, surface(p, at, n, fp));
}

@compute @workgroup_size(8, 8)
fn shade_prims(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    shade_tile(CLASS_PRIMS, true, group, local);
}
