// What surfaces look like: albedo and gloss of every material, in its own texture frame.

#import venue/types.wgsl
#import venue/noise.wgsl
#import venue/shapes.wgsl
#import venue/surround.wgsl

// 5x7 glyphs (two words each, bit 0 = top left, row-major), then messages: length, glyph indices.
@group(0) @binding(6) var<uniform> glyphs: GlyphTable;

fn glyph_word(i: u32) -> u32 {
    return glyphs.all[i / 4u][i % 4u];
}

const SKIN: u32 = 0u;
const SHIRT: u32 = 1u;
const CLOTH: u32 = 2u;
const HAIR: u32 = 3u;
const SHOE: u32 = 4u;
const PAINT: u32 = 5u;
const STRIPED: u32 = 6u;
const BOARD: u32 = 7u;
const CORD: u32 = 8u;
const BALL: u32 = 9u;
const HEAD: u32 = 10u;

struct Surface {
    albedo: vec3<f32>,
    gloss: f32,
    glow: f32,
}

// Whether the glyph's cell at (column, row from the top) is set.
fn glyph_cell(glyph: u32, column: i32, row: i32) -> f32 {
    if (column < 0 || column > 4 || row < 0 || row > 6) {
        return 0.0;
    }
    let bit = u32(row * 5 + column);
    return f32((glyph_word(glyph * 2u + bit / 32u) >> (bit % 32u)) & 1u);
}

// Mean of four taps across the footprint: letters have no analytic filter.
fn message_soft(message: u32, x: f32, y: f32, fp: f32) -> f32 {
    let h = 0.25 * fp;
    return 0.25 * (message_cell(message, x - h, y - h) + message_cell(message, x + h, y - h)
        + message_cell(message, x - h, y + h) + message_cell(message, x + h, y + h));
}

fn number_soft(number: u32, x: f32, y: f32, fp: f32) -> f32 {
    let h = 0.25 * fp;
    return 0.25 * (number_cell(number, x - h, y - h) + number_cell(number, x + h, y - h)
        + number_cell(number, x - h, y + h) + number_cell(number, x + h, y + h));
}

// A message that repeats along x; x to the right and y down in cells.
fn message_cell(message: u32, x: f32, y: f32) -> f32 {
    let n = i32(glyph_word(message));
    let column = i32(floor(x));
    let wrapped = ((column % (n * 6)) + n * 6) % (n * 6);
    return glyph_cell(glyph_word(message + 1u + u32(wrapped / 6)), wrapped % 6, i32(floor(y)));
}

fn number_cell(number: u32, x: f32, y: f32) -> f32 {
    let column = i32(floor(x));
    let tens = number / 10u;
    if (tens == 0u) {
        return glyph_cell(number, column - 3, i32(floor(y)));
    }
    if (column < 6) {
        return glyph_cell(tens, column, i32(floor(y)));
    }
    return glyph_cell(number % 10u, column - 6, i32(floor(y)));
}

fn shirt(p: Prim, x: vec3<f32>, fp: f32) -> vec3<f32> {
    let seed = p.what.w;
    let number = (p.what.z >> 8u) & 255u;
    let pattern = (p.what.z >> 16u) & 255u;
    var stripe = 0.0;
    if (pattern == 0u) {
        stripe = band(fract(x.x / 0.09 + 0.5) - 0.5, 0.22, fp / 0.09);
    } else if (pattern == 1u) {
        stripe = band(fract(x.z / 0.11) - 0.5, 0.25, fp / 0.11);
    } else if (pattern == 2u) {
        stripe = band(x.x * 0.8 + x.z * 0.6 + 0.02, 0.05, fp);
    } else {
        stripe = band(x.z - 0.12, 0.05, fp);
    }
    var color = mix(p.color.rgb, p.color2.rgb, stripe);
    if (number > 0u) {
        // Number on back and chest: 2.2 cm cells.
        let side = select(1.0, -1.0, x.y < 0.0);
        let cells = vec2<f32>(-side * x.x / 0.0215 + 5.5, (0.115 - x.z) / 0.0215);
        let plate = step(abs(x.x), 0.135) * step(abs(x.z - 0.04), 0.095);
        let on = number_soft(number, cells.x, cells.y, fp / 0.0215) * step(0.045, abs(x.y));
        let contrast = select(vec3<f32>(0.85), vec3<f32>(0.02), dot(p.color.rgb, vec3<f32>(0.4)) > 0.35);
        color = mix(mix(color, p.color.rgb, plate * step(0.045, abs(x.y))), contrast, on);
    }
    // Folds, then weave.
    let folds = 0.22 * noise3(x * vec3<f32>(17.0, 17.0, 9.0), seed) * detail(0.08, fp)
        + 0.16 * noise3(x * 47.0, seed + 1u) * detail(0.021, fp)
        + 0.16 * noise3(x * 190.0, seed + 2u) * detail(0.0053, fp);
    return color * (1.0 + folds);
}

fn face(p: Prim, x: vec3<f32>, fp: f32) -> vec3<f32> {
    var color = p.color.rgb * (1.0 + 0.10 * noise3(x * 30.0, p.what.w) + 0.10 * noise3(x * 140.0, p.what.w + 1u) * detail(0.007, fp));
    if (x.y > 0.0) {
        let side = abs(x.x);
        color *= vec3<f32>(1.0) - vec3<f32>(0.0, 0.18, 0.15) * (1.0 - smoothstep(0.0, 0.035, length(vec2<f32>(side - 0.045, x.z + 0.03))));
        let eye = vec2<f32>((side - 0.032) / 0.015, (x.z - 0.018) / 0.008);
        color = mix(color, vec3<f32>(0.62), 1.0 - smoothstep(0.8, 1.2, length(eye)));
        color = mix(color, vec3<f32>(0.02), 1.0 - smoothstep(0.3, 0.6, length(eye * vec2<f32>(1.0, 0.6))));
        let brow = vec2<f32>((side - 0.034) / 0.022, (x.z - 0.038) / 0.006);
        color = mix(color, p.color2.rgb, 0.85 * (1.0 - smoothstep(0.7, 1.2, length(brow))));
        let mouth = vec2<f32>(x.x / 0.026, (x.z + 0.058) / 0.008);
        color = mix(color, p.color.rgb * vec3<f32>(0.75, 0.35, 0.35), 1.0 - smoothstep(0.7, 1.2, length(mouth)));
    }
    return color;
}

fn board(p: Prim, x: vec3<f32>, n_in_texture: vec3<f32>, fp: f32) -> Surface {
    let message = p.what.z >> 8u;
    var color = mix(p.color.rgb, p.color2.rgb, 0.18 * smoothstep(-0.4, 0.4, x.z + 0.25 * sin(x.x * 2.2)));
    if (abs(n_in_texture.y) < 0.5) {
        return Surface(vec3<f32>(0.25), 0.2, 0.0);
    }
    // The front faces -y in the board's frame, so x runs to the right as seen from there.
    let cells = vec2<f32>(x.x * sign(-n_in_texture.y) / 0.078 + 900.0, (0.27 - x.z) / 0.078);
    color = mix(color, p.color2.rgb, message_soft(message, cells.x, cells.y, fp / 0.078));
    let edge = max(band(abs(x.z) - p.b.z, 0.025, fp), band(abs(x.x) - p.b.x, 0.012, fp));
    color = mix(color, vec3<f32>(0.5), edge);
    let dust = 1.0 + 0.08 * noise2(x.xz * 6.0, p.what.w) + 0.06 * noise2(x.xz * 31.0, p.what.w + 1u) * detail(0.03, fp);
    return Surface(color * dust, 0.15, 0.35);
}

fn surface(p: Prim, at: vec3<f32>, n: vec3<f32>, fp: f32) -> Surface {
    let x = rotate_back(p.q, at - p.origin.xyz);
    let seed = p.what.w;
    switch p.what.y {
        case 0u: {
            let mottle = 1.0 + 0.12 * noise3(x * 26.0, seed) + 0.10 * noise3(x * 120.0, seed + 1u) * detail(0.008, fp);
            return Surface(p.color.rgb * mottle, 0.25, 0.0);
        }
        case 1u: {
            return Surface(shirt(p, x, fp), 0.05, 0.0);
        }
        case 2u: {
            let seam = band(x.x, 0.006, fp) + band(abs(x.x) - 0.03, 0.008, fp);
            let folds = 0.20 * noise3(x * vec3<f32>(21.0, 21.0, 11.0), seed) + 0.16 * noise3(x * 60.0, seed + 1u) * detail(0.017, fp)
                + 0.16 * noise3(x * 210.0, seed + 2u) * detail(0.005, fp);
            return Surface(mix(p.color.rgb, p.color2.rgb, min(seam, 1.0)) * (1.0 + folds), 0.05, 0.0);
        }
        case 3u: {
            let strands = 0.5 * noise3(x * vec3<f32>(150.0, 150.0, 18.0), seed) * detail(0.007, fp)
                + 0.4 * noise3(x * vec3<f32>(48.0, 48.0, 9.0), seed + 1u) * detail(0.02, fp);
            return Surface(p.color.rgb * (1.0 + strands), 0.35, 0.0);
        }
        case 4u: {
            let sole = step(x.z, -0.012);
            let lace = band(fract(x.y / 0.022) - 0.5, 0.2, fp / 0.022) * step(0.0, x.z) * step(abs(x.x), 0.022);
            return Surface(mix(mix(p.color.rgb, p.color2.rgb, max(lace, band(x.x + x.y * 0.4, 0.012, fp))), vec3<f32>(0.7), sole), 0.3, 0.0);
        }
        case 6u: {
            let stripe = band(fract(x.x / 0.30) - 0.5, 0.25, fp / 0.30);
            let worn = 1.0 + 0.08 * noise3(x * 40.0, seed) + 0.08 * noise3(x * 9.0, seed + 1u);
            return Surface(mix(p.color.rgb, p.color2.rgb, stripe) * worn, 0.4, 0.0);
        }
        case 7u: {
            return board(p, x, rotate_back(p.q, n), fp);
        }
        case 8u: {
            return Surface(p.color.rgb, 0.1, 0.0);
        }
        case 9u: {
            let r = normalize(x);
            let seam = band(r.z * 0.62 + r.x * r.y * 1.25, 0.07, fp / 0.033);
            let felt = 1.0 + 0.20 * noise3(x * 300.0, seed) * detail(0.0033, fp) + 0.1 * noise3(x * 90.0, seed);
            return Surface(mix(p.color.rgb, p.color2.rgb, seam) * felt, 0.03, 0.0);
        }
        case 10u: {
            return Surface(face(p, x, fp), 0.22, 0.0);
        }
        default: {
            let worn = 1.0 + 0.07 * noise3(x * 14.0, seed) + 0.07 * noise3(x * 70.0, seed + 1u) * detail(0.014, fp);
            return Surface(p.color.rgb * worn, 0.5, 0.0);
        }
    }
}
