// The crowd in the stands: hard patterns, so every sample is shaded.

#import venue/shade_tile.wgsl

fn shade(o: vec3<f32>, d: vec3<f32>, hit: Hit) -> vec3<f32> {
    let at = o + d * hit.t;
    return crowd(at, hit.t * view.center.w, view.clock.x, view.more.z) * (0.62 - 0.024 * (at.z - WALL_TOP));
}

@compute @workgroup_size(8, 8)
fn shade_stands(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    shade_tile(CLASS_STANDS, false, group, local);
}
