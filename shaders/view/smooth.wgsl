// A smooth surface for where nothing certain is known: a pyramid of (weight, weight * inverse depth), built up by sums of 2x2 and
// pulled back down; then a pixel leans on it as far as its own vote is weak. Uncertain parts become a soft cross-fade instead
// of splinters.
#import view/common.wgsl

struct Level {
    width: u32,
    height: u32,
    fine_width: u32,
    fine_height: u32,
}

@group(0) @binding(3) var<uniform> smooth_level: Level;
@group(0) @binding(4) var<storage, read> fine: array<vec2<f32>>;
@group(0) @binding(5) var<storage, read_write> coarse: array<vec2<f32>>;

// surface (inverse depth, score) -> (weight, weight * inverse depth), at half size.
@compute @workgroup_size(8, 8)
fn gather(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= smooth_level.width || id.y >= smooth_level.height {
        return;
    }
    var sum = vec2<f32>(0.0);
    for (var k = 0u; k < 4u; k++) {
        let x = id.x * 2u + (k & 1u);
        let y = id.y * 2u + (k >> 1u);
        if x < smooth_level.fine_width && y < smooth_level.fine_height {
            let s = fine[y * smooth_level.fine_width + x];
            let w = select(0.0, s.y * s.y, s.x > 0.0 && s.y > 0.0);
            sum += vec2<f32>(w, w * s.x);
        }
    }
    coarse[id.y * smooth_level.width + id.x] = sum * 0.25;
}

@compute @workgroup_size(8, 8)
fn reduce(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= smooth_level.width || id.y >= smooth_level.height {
        return;
    }
    var sum = vec2<f32>(0.0);
    for (var k = 0u; k < 4u; k++) {
        let x = id.x * 2u + (k & 1u);
        let y = id.y * 2u + (k >> 1u);
        if x < smooth_level.fine_width && y < smooth_level.fine_height {
            sum += fine[y * smooth_level.fine_width + x];
        }
    }
    coarse[id.y * smooth_level.width + id.x] = sum * 0.25;
}

@group(0) @binding(6) var<storage, read> above: array<vec2<f32>>;
@group(0) @binding(7) var<storage, read_write> own: array<vec2<f32>>;

fn above_at(p: vec2<f32>) -> vec2<f32> {
    // Bilinear over the coarser level (its size is in width, height).
    let q = clamp(p * 0.5 - 0.5, vec2<f32>(0.0), vec2<f32>(f32(smooth_level.width), f32(smooth_level.height)) - 1.0);
    let b = vec2<u32>(q);
    let f = q - vec2<f32>(b);
    let x1 = min(b.x + 1u, smooth_level.width - 1u);
    let y1 = min(b.y + 1u, smooth_level.height - 1u);
    let top = mix(above[b.y * smooth_level.width + b.x], above[b.y * smooth_level.width + x1], f.x);
    let bottom = mix(above[y1 * smooth_level.width + b.x], above[y1 * smooth_level.width + x1], f.x);
    return mix(top, bottom, f.y);
}

// Adds to a level what the coarser one knows, the less the more it knows itself.
@compute @workgroup_size(8, 8)
fn spread(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= smooth_level.fine_width || id.y >= smooth_level.fine_height {
        return;
    }
    let i = id.y * smooth_level.fine_width + id.x;
    let a = above_at(vec2<f32>(id.xy) + 0.5);
    let o = own[i];
    // The coarser level counts as much as a twentieth of full trust.
    let known = max(a.x, 1e-12);
    own[i] = o + a * (0.02 / known) * (1.0 - min(o.x / 0.2, 1.0));
}

@group(0) @binding(8) var<storage, read_write> surface: array<vec2<f32>>;

// The surface itself: keeps its score; a weak vote takes the smooth inverse depth.
@compute @workgroup_size(8, 8)
fn lean(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= smooth_level.fine_width || id.y >= smooth_level.fine_height {
        return;
    }
    let i = id.y * smooth_level.fine_width + id.x;
    let s = surface[i];
    let a = above_at(vec2<f32>(id.xy) + 0.5);
    if a.x <= 0.0 {
        return;
    }
    if s.y >= 0.0 && s.y < view.tune.w {
        surface[i] = vec2<f32>(a.y / a.x, s.y);
    }
}
