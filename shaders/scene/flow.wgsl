// Motion between two frames of one camera, coarse to fine: where each pixel of one frame is in the other. Found by looking, at every level
// of a pyramid, at what the coarser level and the neighbours say.

struct Flow {
    // Of this level, and of the coarser one (0: this is the coarsest).
    width: u32,
    height: u32,
    coarse_width: u32,
    coarse_height: u32,
    // Layer of the frame that motion starts in; it goes to the other one of the two.
    layer: u32,
    // Whole px around the best guess that are all tried.
    reach: u32,
    // First step of the refinement, px.
    step: f32,
    pad: u32,
}

// Storage, not uniform: `gpu::uniform` says why.
@group(0) @binding(0) var<storage, read> flow: Flow;
@group(0) @binding(1) var frames: texture_2d_array<f32>;
@group(0) @binding(2) var<storage, read> guesses: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> motions: array<vec2<f32>>;

// A pixel that looks different by more than this is as bad as any other; so what is covered does not outweigh what is seen.
const MOST_UNLIKE: f32 = 0.12;
// What a px of difference to the neighbours costs, and up to how many px.
const UNEVEN: f32 = 0.0025;
const MOST_UNEVEN_PX: f32 = 4.0;
// Motion is only believed when it looks better than standing still by this.
const STILL_BONUS: f32 = 0.0005;
// So alike nothing moves.
const STILL: f32 = 0.006;

fn texel(at: vec2<i32>, layer: u32) -> vec3<f32> {
    let hi = vec2<i32>(i32(flow.width), i32(flow.height)) - 1;
    return textureLoad(frames, clamp(at, vec2<i32>(0), hi), i32(layer), 0).rgb;
}

// How unlike the surroundings of a pixel are to those of the place that it moves to, 0..MOST_UNLIKE. Outside of the picture everything is unlike.
fn unlike(at: vec2<i32>, motion: vec2<f32>) -> f32 {
    let whole = floor(motion);
    let f = motion - whole;
    let to = at + vec2<i32>(whole);
    let hi = vec2<i32>(i32(flow.width), i32(flow.height)) - 1;
    if any(to < vec2<i32>(0)) || any(to > hi) {
        return MOST_UNLIKE;
    }
    let other = 1u - flow.layer;
    var sum = 0.0;
    for (var dy = -2; dy <= 2; dy++) {
        var left = mix(texel(to + vec2<i32>(-2, dy), other), texel(to + vec2<i32>(-2, dy + 1), other), f.y);
        for (var dx = -2; dx <= 2; dx++) {
            let right = mix(texel(to + vec2<i32>(dx + 1, dy), other), texel(to + vec2<i32>(dx + 1, dy + 1), other), f.y);
            let d = abs(texel(at + vec2<i32>(dx, dy), flow.layer) - mix(left, right, f.x));
            sum += min((d.r + d.g + d.b) / 3.0, MOST_UNLIKE);
            left = right;
        }
    }
    return sum / 25.0;
}

fn guess_at(at: vec2<i32>, size: vec2<u32>) -> vec2<f32> {
    let q = vec2<u32>(clamp(at, vec2<i32>(0), vec2<i32>(size) - 1));
    return guesses[q.y * size.x + q.x];
}

// From the coarser level: the best of what it says around here, then of everything within reach, then in fractions of a pixel.
@compute @workgroup_size(8, 8)
fn search(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= flow.width || id.y >= flow.height {
        return;
    }
    let at = vec2<i32>(id.xy);
    let index = id.y * flow.width + id.x;
    let still = unlike(at, vec2<f32>(0.0));
    var best = vec2<f32>(0.0);
    var cost = still - STILL_BONUS;
    if flow.coarse_width > 0u {
        let size = vec2<u32>(flow.coarse_width, flow.coarse_height);
        if still < STILL && all(guess_at(at / 2, size) == vec2<f32>(0.0)) {
            motions[index] = best;
            return;
        }
        for (var k = 0; k < 9; k++) {
            let guess = 2.0 * guess_at(at / 2 + vec2<i32>(k % 3 - 1, k / 3 - 1), size);
            let c = unlike(at, guess);
            if c < cost {
                cost = c;
                best = guess;
            }
        }
    }
    let reach = i32(flow.reach);
    let around = round(best);
    for (var dy = -reach; dy <= reach; dy++) {
        for (var dx = -reach; dx <= reach; dx++) {
            let motion = around + vec2<f32>(f32(dx), f32(dy));
            // A longer way must pay.
            let c = unlike(at, motion) + 0.25 * UNEVEN * length(vec2<f32>(f32(dx), f32(dy)));
            if c < cost {
                cost = c;
                best = motion;
            }
        }
    }
    motions[index] = best;
}

// What a motion costs beside those of the four neighbours.
fn uneven(at: vec2<i32>, motion: vec2<f32>) -> f32 {
    let size = vec2<u32>(flow.width, flow.height);
    var sum = 0.0;
    for (var k = 0; k < 4; k++) {
        sum += min(length(motion - guess_at(at + around_of(k), size)), MOST_UNEVEN_PX);
    }
    return UNEVEN * sum;
}

// Tries what the neighbours say, near and far, and then smaller and smaller steps.
@compute @workgroup_size(8, 8)
fn spread(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= flow.width || id.y >= flow.height {
        return;
    }
    let at = vec2<i32>(id.xy);
    let index = id.y * flow.width + id.x;
    let size = vec2<u32>(flow.width, flow.height);
    var best = guesses[index];
    var lively = any(best != vec2<f32>(0.0));
    for (var k = 0; k < 8; k++) {
        lively = lively || any(guess_at(at + around_of(k), size) != vec2<f32>(0.0));
    }
    if !lively {
        motions[index] = best;
        return;
    }
    var cost = unlike(at, best) + uneven(at, best) - select(0.0, STILL_BONUS, all(best == vec2<f32>(0.0)));
    for (var k = 0; k < 16; k++) {
        let far = select(1, 4, k > 7);
        let guess = guess_at(at + far * around_of(k % 8), size);
        let c = unlike(at, guess) + uneven(at, guess) - select(0.0, STILL_BONUS, all(guess == vec2<f32>(0.0)));
        if c < cost {
            cost = c;
            best = guess;
        }
    }
    var step = flow.step;
    for (var round = 0; round < 3; round++) {
        let middle = best;
        for (var k = 0; k < 4; k++) {
            let motion = middle + step * vec2<f32>(around_of(k));
            let c = unlike(at, motion) + uneven(at, motion);
            if c < cost {
                cost = c;
                best = motion;
            }
        }
        step *= 0.5;
    }
    motions[index] = best;
}

// The eight neighbours, the four nearest first.
fn around_of(k: i32) -> vec2<i32> {
    let all_around = array<vec2<i32>, 8>(
        vec2<i32>(1, 0), vec2<i32>(-1, 0), vec2<i32>(0, 1), vec2<i32>(0, -1),
        vec2<i32>(1, 1), vec2<i32>(-1, 1), vec2<i32>(1, -1), vec2<i32>(-1, -1),
    );
    return all_around[k];
}

// The next coarser level: means of 2x2.
@group(0) @binding(4) var coarser: texture_storage_2d_array<rgba8unorm, write>;

@compute @workgroup_size(8, 8)
fn halve(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= flow.coarse_width || id.y >= flow.coarse_height {
        return;
    }
    let b = vec2<i32>(id.xy) * 2;
    let sum = texel(b, flow.layer) + texel(b + vec2<i32>(1, 0), flow.layer) + texel(b + vec2<i32>(0, 1), flow.layer)
        + texel(b + vec2<i32>(1, 1), flow.layer);
    textureStore(coarser, vec2<i32>(id.xy), i32(flow.layer), vec4<f32>(0.25 * sum, 1.0));
}
