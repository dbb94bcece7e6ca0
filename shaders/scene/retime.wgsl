// The picture between two frames of one camera: every pixel of either frame goes its share of its way, and where it arrives it is drawn.
#import common/color.wgsl

struct Retime {
    // Of the pictures, and of the grid that motion is known on.
    width: u32,
    height: u32,
    grid_width: u32,
    grid_height: u32,
    // Px of the picture per px of the grid.
    scale: f32,
    // How far from frame 0 to frame 1, 0..1.
    share: f32,
    // Frame whose pixels are sent on their way.
    layer: u32,
    // What nobody knows is faded from frame to frame (1), or the nearer frame's (0).
    fade: u32,
}

// Storage, not uniform: `gpu::uniform` says why.
@group(0) @binding(0) var<storage, read> retime: Retime;
@group(0) @binding(1) var frames: texture_2d_array<f32>;
// Motion from frame 0 to 1, and from 1 to 0, px of the grid.
@group(0) @binding(2) var<storage, read> there: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read> back: array<vec2<f32>>;
// Who arrives at a pixel of the grid: priority in the upper 8 bits, then the index of the pixel that it came from, plus one.
@group(0) @binding(4) var<storage, read_write> from_there: array<atomic<u32>>;
@group(0) @binding(5) var<storage, read_write> from_back: array<atomic<u32>>;

// A way and the way back that miss each other by more than this, px of the grid and share of the way, were not both found.
const MISSED_PX: f32 = 1.0;
const MISSED_SHARE: f32 = 0.1;
// Slower than this stands still, px of the picture.
const STILL_PX: f32 = 0.12;
// Faster than this covers what is behind it in one frame and not in the other, px of the picture.
const COVER_PX: f32 = 0.8;
// Of a pixel and its eight neighbours so many go the same way, or none of them is believed.
const LEAST_COMPANY: i32 = 5;
// Frames that differ by this where they should show the same are not blended.
const DOUBT: f32 = 0.06;
// Pixels of the two frames that differ by more than this, in one of the colours, have moved.
const DIFFERS: f32 = 0.04;

fn there_at(at: vec2<i32>) -> vec2<f32> {
    let hi = vec2<i32>(i32(retime.grid_width), i32(retime.grid_height)) - 1;
    let q = clamp(at, vec2<i32>(0), hi);
    return there[u32(q.y) * retime.grid_width + u32(q.x)];
}

fn back_at(at: vec2<i32>) -> vec2<f32> {
    let hi = vec2<i32>(i32(retime.grid_width), i32(retime.grid_height)) - 1;
    let q = clamp(at, vec2<i32>(0), hi);
    return back[u32(q.y) * retime.grid_width + u32(q.x)];
}

// Motion of a pixel of either frame, and whether the way back agrees and the neighbours go the same way.
struct Way {
    motion: vec2<f32>,
    found: bool,
}

fn way_of(at: vec2<i32>, first: bool) -> Way {
    var motion = back_at(at);
    if first {
        motion = there_at(at);
    }
    let arrived = at + vec2<i32>(round(motion));
    var returned = there_at(arrived);
    if first {
        returned = back_at(arrived);
    }
    let allowed = MISSED_PX + MISSED_SHARE * length(motion);
    var found = length(motion + returned) < allowed;
    var company = 0;
    for (var k = 0; k < 9; k++) {
        let q = at + vec2<i32>(k % 3 - 1, k / 3 - 1);
        var other = back_at(q);
        if first {
            other = there_at(q);
        }
        company += select(0, 1, length(other - motion) < allowed);
    }
    found = found && company >= LEAST_COMPANY;
    return Way(motion, found);
}

@compute @workgroup_size(8, 8)
fn send(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= retime.grid_width || id.y >= retime.grid_height {
        return;
    }
    let at = vec2<i32>(id.xy);
    let first = retime.layer == 0u;
    let way = way_of(at, first);
    let goal = vec2<i32>(round(vec2<f32>(at) + select(1.0 - retime.share, retime.share, first) * way.motion));
    if !way.found || any(goal < vec2<i32>(0)) || goal.x >= i32(retime.grid_width) || goal.y >= i32(retime.grid_height) {
        return;
    }
    // What moves is in front of what stands, as far as one can tell without depth.
    let priority = min(u32(length(way.motion) * 4.0), 254u) + 1u;
    let word = priority << 24u | (id.y * retime.grid_width + id.x + 1u);
    let cell = u32(goal.y) * retime.grid_width + u32(goal.x);
    if first {
        atomicMax(&from_there[cell], word);
    } else {
        atomicMax(&from_back[cell], word);
    }
}

@group(0) @binding(6) var<storage, read> arrived_there: array<u32>;
@group(0) @binding(7) var<storage, read> arrived_back: array<u32>;
@group(0) @binding(8) var between: texture_storage_2d_array<rgba8unorm, write>;

// How unlike the two frames are where a pixel would come from and go to.
fn disagreement(px: vec2<f32>, motion: vec2<f32>) -> f32 {
    let size = vec2<f32>(f32(retime.width), f32(retime.height));
    var sum = 0.0;
    let sides = array<vec2<f32>, 5>(
        vec2<f32>(0.0), vec2<f32>(1.0, 0.0), vec2<f32>(-1.0, 0.0), vec2<f32>(0.0, 1.0), vec2<f32>(0.0, -1.0),
    );
    for (var k = 0; k < 5; k++) {
        let side = sides[k];
        let a = fetch_cubic(frames, px + side - retime.share * motion, size, 0);
        let b = fetch_cubic(frames, px + side + (1.0 - retime.share) * motion, size, 1);
        let d = abs(a - b);
        sum += d.r + d.g + d.b;
    }
    return sum / 15.0;
}

// How many pixels differ between the two frames, and of how many of them nobody can say where they come from and go to.
@group(0) @binding(9) var<storage, read_write> tally: array<atomic<u32>, 2>;
var<workgroup> of_group: array<atomic<u32>, 2>;

// The picture's pixel, and whether anybody knows whence.
struct Found {
    rgb: vec3<f32>,
    known: bool,
}

fn found_at(at_px: vec2<i32>) -> Found {
    let px = vec2<f32>(at_px) + 0.5;
    let size = vec2<f32>(f32(retime.width), f32(retime.height));
    let at = vec2<i32>(px / retime.scale);
    let hi = vec2<i32>(i32(retime.grid_width), i32(retime.grid_height)) - 1;
    // The one that arrives here with the highest priority, or else near here.
    var word = 0u;
    var from_first = true;
    for (var k = 0; k < 9; k++) {
        // The middle first: where somebody arrives, the neighbours are not asked.
        let q = clamp(at + vec2<i32>((k + 4) % 9 % 3 - 1, (k + 4) % 9 / 3 - 1), vec2<i32>(0), hi);
        let cell = u32(q.y) * retime.grid_width + u32(q.x);
        let a = arrived_there[cell];
        let b = arrived_back[cell];
        if a >> 24u > word >> 24u {
            word = a;
            from_first = true;
        }
        if b >> 24u > word >> 24u {
            word = b;
            from_first = false;
        }
        if k == 0 && word != 0u {
            break;
        }
    }
    let near = select(0, 1, retime.share > 0.5);
    let own = textureLoad(frames, at_px, near, 0).rgb;
    if word == 0u {
        // Nobody arrives: it was covered in one of the frames by what has gone on from here, or will come here. The other one shows it.
        let gone = way_of(at, near == 0);
        let coming = way_of(at, near == 1);
        let covered = gone.found && length(gone.motion) * retime.scale > COVER_PX;
        let free = !(coming.found && length(coming.motion) * retime.scale > COVER_PX);
        if covered && free {
            return Found(textureLoad(frames, at_px, 1 - near, 0).rgb, true);
        }
        if retime.fade == 1u {
            return Found(mix(textureLoad(frames, at_px, 0, 0).rgb, textureLoad(frames, at_px, 1, 0).rgb, retime.share), false);
        }
        return Found(own, false);
    }
    let index = i32((word & 0xffffffu) - 1u);
    let source = vec2<i32>(index % i32(retime.grid_width), index / i32(retime.grid_width));
    let motion = retime.scale * select(-back_at(source), there_at(source), from_first);
    if length(motion) <= STILL_PX {
        return Found(own, false);
    }
    let a = fetch_cubic(frames, px - retime.share * motion, size, 0);
    let b = fetch_cubic(frames, px + (1.0 - retime.share) * motion, size, 1);
    // Both see it: the nearer frame counts more, and alone where the two do not agree.
    let far = select(retime.share, 1.0 - retime.share, retime.share > 0.5);
    let doubt = clamp(disagreement(px, motion) / DOUBT, 0.0, 1.0);
    let rgb = mix(select(a, b, near == 1), select(b, a, near == 1), far * (1.0 - doubt));
    return Found(rgb, doubt < 1.0);
}

@compute @workgroup_size(8, 8)
fn gather(@builtin(global_invocation_id) id: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    if local < 2u {
        atomicStore(&of_group[local], 0u);
    }
    workgroupBarrier();
    if id.x < retime.width && id.y < retime.height {
        let at = vec2<i32>(id.xy);
        let found = found_at(at);
        textureStore(between, at, 0, vec4<f32>(found.rgb, 1.0));
        let d = abs(textureLoad(frames, at, 0, 0).rgb - textureLoad(frames, at, 1, 0).rgb);
        if max(d.r, max(d.g, d.b)) > DIFFERS {
            atomicAdd(&of_group[0], 1u);
            if !found.known {
                atomicAdd(&of_group[1], 1u);
            }
        }
    }
    workgroupBarrier();
    if local < 2u {
        let sum = atomicLoad(&of_group[local]);
        if sum > 0u {
            atomicAdd(&tally[local], sum);
        }
    }
}
