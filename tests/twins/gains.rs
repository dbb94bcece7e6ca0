//! Twin of shaders/scene/gains.wgsl.

use glam::{IVec2, Vec2, Vec4Swizzles as _};
use volte::{
    gpu::{storage, uniform},
    scene::{
        gains::{self, BINS, PER_STOP},
        gpu_data::{PairGpu, SolveGpu},
    },
};

use crate::{
    bench::{Allowed, COLORS, Colors, DEPTHS, Depths, GPU, array_view, judge, read, run, tiles},
    camera::linear_from_srgb,
    matching::pairs_buffer,
    stage::{STAGE, Stage},
};

const STRIDE: u32 = gains::SOLVED.stride_px;

fn compare(solve: &SolveGpu, pairs: &[PairGpu], level: &Colors, depths: &Depths) -> Vec<f32> {
    let mut counts = vec![0.0; pairs.len() * 3 * BINS];
    let own_layer = solve.layer as usize;
    for y in (STRIDE / 2..solve.height).step_by(STRIDE as usize) {
        for x in (STRIDE / 2..solve.width).step_by(STRIDE as usize) {
            let at = IVec2::new(x as i32, y as i32);
            let [rho, trust] = depths.at(at, own_layer);
            if trust < 0.5 {
                continue;
            }
            let own = linear_from_srgb(level.load(at, own_layer).xyz());
            for (s, pair) in pairs.iter().enumerate() {
                let Some((uv, z)) = pair.map([x as f32 + 0.5, y as f32 + 0.5], rho) else { continue };
                let [w, h, layer, unit] = pair.size_layer;
                if uv[0] < 0.0 || uv[1] < 0.0 || uv[0] >= w || uv[1] >= h {
                    continue;
                }
                let q = Vec2::from(uv).floor().as_ivec2();
                let [found, trust] = depths.at(q, layer as usize);
                if trust < 0.5 || (found - rho / z).abs() > 1.5 * unit {
                    continue;
                }
                let other = linear_from_srgb(level.load(q, layer as usize).xyz());
                if own.min(other).min_element() < 0.004 || own.max(other).max_element() > 0.92 {
                    continue;
                }
                for channel in 0..3 {
                    let stops = (own[channel] / other[channel]).log2();
                    let bin = (stops * PER_STOP as f32 + BINS as f32 * 0.5 + 0.5).floor().clamp(0.0, BINS as f32 - 1.0);
                    counts[(s * 3 + channel) * BINS + bin as usize] += 1.0;
                }
            }
        }
    }
    counts
}

/// As the product asks for it: every fourth pixel.
fn parameters(stage: &Stage, i: usize) -> SolveGpu {
    SolveGpu { stride: STRIDE as f32, ..stage.parameters(i, 0) }
}

fn on_the_gpu(stage: &Stage, i: usize, level: &Colors, depths: &Depths) -> Vec<f32> {
    let (solve, pairs) = (parameters(stage, i), stage.pairs(i));
    let counts = storage(&GPU, "counts", (pairs.len() * 3 * BINS * 4) as u64);
    run(
        "scene/gains.wgsl",
        "compare",
        &[
            (0, uniform(&GPU, "solve", &solve).as_entire_binding()),
            (1, pairs_buffer(&pairs).as_entire_binding()),
            (2, wgpu::BindingResource::TextureView(&array_view(&level.upload(COLORS)))),
            (4, counts.as_entire_binding()),
            (6, wgpu::BindingResource::TextureView(&array_view(&depths.upload(DEPTHS)))),
        ],
        tiles(solve.width.div_ceil(STRIDE), solve.height.div_ceil(STRIDE)),
    );
    read::<u32>(&counts).iter().map(|c| *c as f32).collect()
}

/// One sample per place and source, as `surfaces` writes them.
fn surfaces(solve: &SolveGpu, pairs: &[PairGpu], level: &Colors, depths: &Depths) -> Vec<f32> {
    let (stride, own_layer) = (solve.stride as u32, solve.layer as usize);
    let mut out = Vec::new();
    for y in 0..solve.height / stride {
        for x in 0..solve.width / stride {
            let at = IVec2::new((x * stride + stride / 2) as i32, (y * stride + stride / 2) as i32);
            let [rho, trust] = depths.at(at, own_layer);
            let own = linear_from_srgb(level.load(at, own_layer).xyz());
            for s in 0..4 {
                let found = || {
                    let pair = pairs.get(s).filter(|_| trust >= 0.5)?;
                    let (uv, z) = pair.map([at.x as f32 + 0.5, at.y as f32 + 0.5], rho)?;
                    let [w, h, layer, unit] = pair.size_layer;
                    let q = Vec2::from(uv).floor().as_ivec2();
                    if uv[0] < 0.0 || uv[1] < 0.0 || uv[0] >= w || uv[1] >= h {
                        return None;
                    }
                    let [found, trust] = depths.at(q, layer as usize);
                    let other = linear_from_srgb(level.load(q, layer as usize).xyz());
                    let is_one = trust >= 0.5 && (found - rho / z).abs() <= 1.5 * unit;
                    let is_clear = own.min(other).min_element() >= 0.004 && own.max(other).max_element() <= 0.92;
                    (is_one && is_clear).then(|| [own.x, own.y, own.z, uv[0], other.x, other.y, other.z, uv[1]])
                };
                out.extend(found().unwrap_or([-1.0; 8]));
            }
        }
    }
    out
}

#[test]
fn surfaces_agree_with_its_twin() {
    let stage = &*STAGE;
    let (mut solve, pairs) = (stage.parameters(0, 0), stage.pairs(0));
    solve.stride = 3.0;
    let places = (solve.width / 3) * (solve.height / 3);
    let samples = storage(&GPU, "samples", u64::from(places) * 4 * 32);
    run(
        "scene/gains.wgsl",
        "surfaces",
        &[
            (0, uniform(&GPU, "solve", &solve).as_entire_binding()),
            (1, pairs_buffer(&pairs).as_entire_binding()),
            (2, wgpu::BindingResource::TextureView(&array_view(&stage.levels[0].upload(COLORS)))),
            (5, samples.as_entire_binding()),
            (6, wgpu::BindingResource::TextureView(&array_view(&stage.truth.upload(DEPTHS)))),
        ],
        tiles(solve.width / 3, solve.height / 3),
    );
    let twin = |solve: &SolveGpu, level: &Colors| surfaces(solve, &pairs, level, &stage.truth);
    let other_grid = SolveGpu { rho_min: solve.rho_min, sources: 1, ..solve };
    let fewer = surfaces(&other_grid, &pairs[..1], &stage.levels[0], &stage.truth);
    let mut darker = stage.levels[0].clone();
    darker.layers[0].iter_mut().for_each(|p| p[1] /= 2);
    judge(
        "surfaces",
        &read::<f32>(&samples),
        &twin(&solve, &stage.levels[0]),
        Allowed { tolerance: 0.02, share: 0.01 },
        &[("one source only", fewer), ("a darker camera", twin(&solve, &darker))],
    );
}

#[test]
fn compare_agrees_with_its_twin_and_finds_the_exposure() {
    let stage = &*STAGE;
    // The first camera half a stop darker in linear light.
    let mut level = stage.levels[0].clone();
    for px in &mut level.layers[0] {
        for v in &mut px[..3] {
            let linear = linear_from_srgb(glam::Vec3::splat(f32::from(*v) / 255.0)).x * 0.5_f32.sqrt();
            *v = (crate::camera::srgb_from_linear(glam::Vec3::splat(linear)).x * 255.0).round() as u8;
        }
    }
    let (solve, pairs) = (stage.parameters(0, 0), stage.pairs(0));
    let gpu = on_the_gpu(stage, 0, &level, &stage.truth);
    let twin = |solve: &SolveGpu, pairs: &[PairGpu], level: &Colors| compare(solve, pairs, level, &stage.truth);
    let moved = |change: fn(&mut PairGpu)| {
        let mut pairs = pairs.clone();
        pairs.iter_mut().for_each(change);
        twin(&solve, &pairs, &level)
    };
    judge(
        "compare",
        &gpu,
        &twin(&solve, &pairs, &level),
        Allowed { tolerance: 1.0, share: 0.01 },
        &[
            ("the pictures without a difference", twin(&solve, &pairs, &stage.levels[0])),
            ("a shift by two px", moved(|p| p.row_x[2] += 2.0)),
        ],
    );
    for s in 0..pairs.len() {
        // The stage is small: as many counts as a real picture would have.
        let counts: Vec<u32> = gpu[s * 3 * BINS..(s * 3 + 1) * BINS].iter().map(|c| *c as u32 * 20).collect();
        let found = gains::ratio(0, s + 1, &counts, &gains::SOLVED).unwrap();
        // Coarse pixels of a fine texture scatter, which shrinks the difference.
        assert!((-0.55..-0.35).contains(&found.stops), "source {s}: {found:?}");
    }
}
