// Compose: the moment over its background. Where no source sees what the view sees, and where the mattes of the sources say that only
// background is there, the background shows; before it the foreground ends softly, as in those mattes.
#import view/common.wgsl
#import common/matte.wgsl

@group(0) @binding(3) var<storage, read> surface: array<vec2<f32>>;
@group(0) @binding(4) var<storage, read> behind: array<vec2<f32>>;
@group(0) @binding(5) var<storage, read> rays: array<vec2<f32>>;
@group(0) @binding(6) var view_out: texture_storage_2d<rgba8unorm, write>;
// Pixels that are filled, pixels that mix cameras.
@group(0) @binding(7) var<storage, read_write> tally: array<atomic<u32>, 2>;
@group(0) @binding(8) var shown: texture_2d<f32>;
@group(0) @binding(9) var background: texture_2d<f32>;
@group(0) @binding(10) var mattes: texture_2d_array<f32>;
// The share of the foreground, for what is drawn between it and the background.
@group(0) @binding(11) var<storage, read_write> cover: array<f32>;

// What the mattes of the sources say of a point: the mean by angle.
fn coverage(world: vec3<f32>) -> f32 {
    var sum = 1e-6;
    var total = 1e-6;
    for (var s = 0u; s < view.sources; s++) {
        let c = cameras[s + 1u];
        let p = camera_from_world(c, world);
        if p.z <= 1e-6 {
            continue;
        }
        let px = picture_px(c, p.xy / p.z);
        if inside(px, c.size_kind_layer.xy) {
            let w = c.working_size.w;
            sum += w * matte_at(mattes, c, px);
            total += w;
        }
    }
    return sum / total;
}

// The least that a matte of the sources says of a point: before a plain backdrop, where mattes are sure, one that sees backdrop there is
// enough to know that nothing stands there.
fn least_coverage(world: vec3<f32>) -> f32 {
    var least = 1.0;
    for (var s = 0u; s < view.sources; s++) {
        let c = cameras[s + 1u];
        let p = camera_from_world(c, world);
        if p.z <= 1e-6 || c.working_size.w < 0.02 {
            continue;
        }
        let px = picture_px(c, p.xy / p.z);
        if inside(px, c.size_kind_layer.xy) {
            least = min(least, matte_at(mattes, c, px));
        }
    }
    return least;
}

// How much of what is around a pixel has a surface: what stands alone in the backdrop and is not trusted is no subject, and a hole in the
// subject is no backdrop.
fn company(at: vec2<i32>, stride: i32) -> f32 {
    let hi = vec2<i32>(i32(view.width), i32(view.height)) - 1;
    var sum = 0.0;
    for (var k = 0; k < 49; k++) {
        let q = clamp(at + vec2<i32>(k % 7 - 3, k / 7 - 3) * stride, vec2<i32>(0), hi);
        sum += select(0.0, 1.0, surface[u32(q.y) * view.width + u32(q.x)].y >= 0.0);
    }
    return sum / 49.0;
}

// Share of the foreground before a plain backdrop.
fn before_plain(at: vec2<i32>, ray: vec2<f32>, s: vec2<f32>) -> f32 {
    if s.y < 0.0 {
        return smoothstep(0.6, 0.85, max(company(at, 2), company(at, 5)));
    }
    let kept = smoothstep(0.35, 0.65, company(at, 2));
    let z = 1.0 / clamp(s.x, view.rho_min, view.rho_max);
    let covered = least_coverage(world_from_camera(cameras[0], vec3<f32>(ray * z, z)));
    return smoothstep(0.0, 0.2, covered) * mix(kept, 1.0, smoothstep(0.1, 0.3, s.y));
}

@compute @workgroup_size(8, 8)
fn compose(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= view.width || id.y >= view.height {
        return;
    }
    let pixel = id.y * view.width + id.x;
    let at = vec2<i32>(id.xy);
    let s = surface[pixel];
    let b = behind[pixel];
    let own = textureLoad(shown, at, 0).rgb;
    // Nobody knows what is behind. (A plain backdrop goes on from what is beside it.)
    if view.plain_backdrop == 0u && (b.y < 0.0 || b.x <= 0.0) {
        if s.y < 0.0 {
            atomicAdd(&tally[0], 1u);
        }
        textureStore(view_out, at, vec4<f32>(own, 1.0));
        cover[pixel] = 1.0;
        return;
    }
    var ray = (vec2<f32>(id.xy) + 0.5 - cameras[0].lens.zw) / cameras[0].lens.xy;
    if view.has_rays == 1u {
        ray = rays[pixel];
    }
    let z = 1.0 / clamp(s.x, view.rho_min, view.rho_max);
    let covered = coverage(world_from_camera(cameras[0], vec3<f32>(ray * z, z)));
    // The moment's own pixels at an edge are mixtures already: a share of one half is taken for foreground.
    var share = select(smoothstep(0.1, 0.6, covered), 0.0, s.y < 0.0);
    if view.plain_backdrop == 1u {
        share = before_plain(at, ray, s);
    }
    // At a camera's very place the view is that camera's picture.
    share = mix(share, 1.0, smoothstep(0.97, 0.999, cameras[1].working_size.w));
    cover[pixel] = share;
    let rgb = mix(linear_from_srgb(textureLoad(background, at, 0).rgb), linear_from_srgb(own), share);
    textureStore(view_out, at, vec4<f32>(srgb_from_linear(rgb), 1.0));
}
