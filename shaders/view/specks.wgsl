// Specks: a pixel or two of another colour in the middle of what is all alike, on a surface that is little trusted: dust of wrong depth or of a
// source that does not see the point. They take the colour of what lies around. What is trusted, and what has company of its own, stays.
#import view/common.wgsl

@group(0) @binding(3) var<storage, read> surface: array<vec2<f32>>;
@group(0) @binding(4) var shaded: texture_2d<f32>;
@group(0) @binding(6) var view_out: texture_storage_2d<rgba8unorm, write>;

// What is trusted more is left as it is.
const SURE: f32 = 0.3;
// Farther apart in any channel (coded, 0..1): another colour. The colours of what lies around differ by less than WITHIN from their middle.
const APART: f32 = 0.16;
const WITHIN: f32 = 0.095;
// Of the 5x5 surroundings: so few of the own colour are a speck, so many of one colour are the ground that it lies on.
const FEW: f32 = 3.0;
const MANY: f32 = 14.0;

fn distance_of(a: vec3<f32>, b: vec3<f32>) -> f32 {
    let d = abs(a - b);
    return max(d.r, max(d.g, d.b));
}

@compute @workgroup_size(8, 8)
fn wipe(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= view.width || id.y >= view.height {
        return;
    }
    let at = vec2<i32>(id.xy);
    let hi = vec2<i32>(i32(view.width), i32(view.height)) - 1;
    let own = textureLoad(shaded, at, 0).rgb;
    var out = own;
    // At a camera's very place the view is that camera's picture.
    let sure = SURE * (1.0 - smoothstep(0.97, 0.999, cameras[1].working_size.w));
    if max(surface[id.y * view.width + id.x].y, 0.0) < sure {
        var around: array<vec3<f32>, 25>;
        // The pixel itself is one of them.
        var like = -1.0;
        var middle = vec3<f32>(0.0);
        for (var k = 0; k < 25; k++) {
            let q = clamp(at + vec2<i32>(k % 5 - 2, k / 5 - 2), vec2<i32>(0), hi);
            around[k] = textureLoad(shaded, q, 0).rgb;
            like += select(0.0, 1.0, distance_of(around[k], own) < APART);
            middle += around[k] / 25.0;
        }
        if like <= FEW {
            // The middle of most of them, by weights that forget the rest.
            for (var round = 0; round < 4; round++) {
                var sum = vec3<f32>(0.0);
                var total = 0.0;
                for (var k = 0; k < 25; k++) {
                    let e = distance_of(around[k], middle) / WITHIN;
                    let w = 1.0 / (1.0 + e * e * e * e);
                    sum += w * around[k];
                    total += w;
                }
                middle = sum / total;
            }
            var ground = vec3<f32>(0.0);
            var many = 0.0;
            for (var k = 0; k < 25; k++) {
                let w = select(0.0, 1.0, distance_of(around[k], middle) < WITHIN);
                ground += w * around[k];
                many += w;
            }
            if many >= MANY && distance_of(own, middle) > APART {
                out = ground / many;
            }
        }
    }
    textureStore(view_out, at, vec4<f32>(out, 1.0));
}
