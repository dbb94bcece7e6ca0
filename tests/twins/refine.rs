//! Twins of shaders/scene/refine.wgsl.

use glam::{IVec2, UVec3, Vec2, Vec3, Vec3Swizzles as _};
use volte::{
    gpu::{storage, storage_init, uniform},
    scene::gpu_data::SolveGpu,
};

use crate::{
    bench::{Allowed, COLORS, GPU, array_view, judge, read, run, tiles},
    matching::{Matcher, packed, pairs_buffer},
    stage::{STAGE, pixels},
};

/// Inverse depth, slope, cost.
type State = [f32; 4];

fn index(m: &SolveGpu, at: IVec2) -> usize {
    at.y as usize * m.width as usize + at.x as usize
}

fn clamped(solve: &SolveGpu, at: IVec2) -> IVec2 {
    at.clamp(IVec2::ZERO, IVec2::new(solve.width as i32, solve.height as i32) - 1)
}

/// pcg3d of Jarzynski and Olano (2020), 0..1.
fn hash(v: UVec3) -> Vec3 {
    let [mut x, mut y, mut z] = v.to_array().map(|v| v.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
    let mut round = || {
        x = x.wrapping_add(y.wrapping_mul(z));
        y = y.wrapping_add(z.wrapping_mul(x));
        z = z.wrapping_add(x.wrapping_mul(y));
    };
    round();
    let mut mixed = [x, y, z].map(|v| v ^ (v >> 16));
    mixed[0] = mixed[0].wrapping_add(mixed[1].wrapping_mul(mixed[2]));
    mixed[1] = mixed[1].wrapping_add(mixed[2].wrapping_mul(mixed[0]));
    mixed[2] = mixed[2].wrapping_add(mixed[0].wrapping_mul(mixed[1]));
    Vec3::from_array(mixed.map(|v| v as f32)) / 4_294_967_296.0
}

fn slopes(solve: &SolveGpu, state: &[State]) -> Vec<State> {
    let smaller = |a: f32, b: f32| if a.abs() < b.abs() { a } else { b };
    pixels(solve.width, solve.height)
        .map(|(x, y)| {
            let at = IVec2::new(x as i32, y as i32);
            let rho = |dx, dy| state[index(solve, clamped(solve, at + IVec2::new(dx, dy)))][0];
            let c = rho(0, 0);
            let g = Vec2::new(smaller(c - rho(-1, 0), rho(1, 0) - c), smaller(c - rho(0, -1), rho(0, 1) - c)) / solve.scale;
            let g = g.clamp(Vec2::splat(-solve.rho_per_px), Vec2::splat(solve.rho_per_px));
            [c, g.x, g.y, -1.0]
        })
        .collect()
}

fn upsample(m: &Matcher<'_>, coarse: &[State], coarse_size: (u32, u32)) -> Vec<State> {
    let hi = IVec2::new(coarse_size.0 as i32, coarse_size.1 as i32) - 1;
    pixels(m.solve.width, m.solve.height)
        .map(|(x, y)| {
            let fine_at = IVec2::new(x as i32, y as i32);
            let q = (fine_at.as_vec2() + 0.5) * 0.5 - 0.5;
            let mut best = ([0.0; 4], f32::INFINITY);
            for (i, j) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
                let at = (q.floor().as_ivec2() + IVec2::new(i, j)).clamp(IVec2::ZERO, hi);
                let fine = (at * 2).min(m.size() - 2).max(IVec2::ZERO);
                let color = (m.color(fine) + m.color(fine + 1)) * 0.5;
                let unlike = (color - m.color(fine_at)).length() + 0.03 * (q - at.as_vec2()).length();
                if unlike < best.1 {
                    let s = coarse[(at.y as u32 * coarse_size.0 + at.x as u32) as usize];
                    let delta = m.middle(fine_at) - (at.as_vec2() + 0.5) * m.solve.scale * 2.0;
                    best = ([s[0] + s[1] * delta.x + s[2] * delta.y, s[1], s[2], -1.0], unlike);
                }
            }
            best.0
        })
        .collect()
}

const CROSS: [(i32, i32); 4] = [(-1, 0), (1, 0), (0, -1), (0, 1)];

fn smoothness(m: &Matcher<'_>, state: &[State], at: IVec2, rho: f32, g: Vec2) -> f32 {
    let (mut sum, mut weight) = (0.0, 1e-3);
    for o in CROSS {
        let n = clamped(&m.solve, at + IVec2::from(o));
        let w = (-(m.color(n) - m.color(at)).length_squared() * 60.0).exp() + 0.02;
        let expected = rho + g.dot((n - at).as_vec2()) * m.solve.scale;
        let off_px = (state[index(&m.solve, n)][0] - expected).abs() / (m.solve.rho_per_px * m.solve.scale);
        sum += w * off_px.min(2.0);
        weight += w;
    }
    sum / weight
}

/// The new state and the total cost of each pixel.
fn refine(m: &Matcher<'_>, state: &[State]) -> (Vec<State>, Vec<f32>) {
    let solve = &m.solve;
    let unit = solve.rho_per_px;
    pixels(solve.width, solve.height)
        .map(|(x, y)| {
            let at = IVec2::new(x as i32, y as i32);
            let patch = m.patch(at);
            let soft = |rho, g| solve.smoothness * smoothness(m, state, at, rho, g);
            let mut best = state[index(solve, at)];
            let slope = |s: State| Vec2::new(s[1], s[2]);
            if best[3] < 0.0 {
                best[3] = m.cost(&patch, m.middle(at), best[0], slope(best), 4);
            }
            let mut total = best[3] + soft(best[0], slope(best));
            let mut offer = |best: &mut State, rho: f32, g: Vec2| {
                let soft = soft(rho, g);
                if soft >= total {
                    return;
                }
                let cost = m.cost(&patch, m.middle(at), rho, g, 4);
                if cost + soft < total {
                    total = cost + soft;
                    *best = [rho, g.x, g.y, cost];
                }
            };
            let far = 3 + (solve.iteration % 3) as i32 * 4;
            // At the finest level the near neighbours and the fine noise are enough.
            let finest = solve.scale < 1.5;
            // Those outside the own block of 2×2 first.
            let outward = (at & 1) * 2 - 1;
            let around = [IVec2::new(outward.x, 0), IVec2::new(0, outward.y), IVec2::new(-outward.x, 0), IVec2::new(0, -outward.y)];
            let near_count = if solve.iteration.is_multiple_of(8) { 2 } else { 4 };
            for (reach, count) in if finest { vec![(1, near_count)] } else { vec![(1, near_count), (far, 4)] } {
                for o in around.iter().take(count) {
                    let o = *o * reach;
                    if clamped(solve, at + o) != at + o {
                        continue;
                    }
                    let s = state[index(solve, at + o)];
                    let rho = (s[0] - slope(s).dot(o.as_vec2()) * solve.scale).clamp(solve.rho_min, solve.rho_max);
                    let alike = (rho - best[0]).abs() < 0.05 * unit && (slope(s) - slope(best)).abs().element_sum() < 0.01 * unit;
                    if !alike {
                        offer(&mut best, rho, slope(s));
                    }
                }
            }
            for (k, (reach_px, slope_px)) in [(2.0, 0.2), (0.5, 0.05)].into_iter().enumerate().skip(usize::from(finest)) {
                let h = hash(UVec3::new(x, y, solve.iteration * 2 + k as u32)) * 2.0 - 1.0;
                let rho = (best[0] + h.x * reach_px * unit * solve.scale).clamp(solve.rho_min, solve.rho_max);
                let g = slope(best) + h.yz() * slope_px * unit;
                offer(&mut best, rho, g);
            }
            (best, total)
        })
        .unzip()
}

/// The planes in px of disparity, so that one tolerance serves: inverse depth, then slopes.
fn planes(solve: &SolveGpu, state: &[State]) -> Vec<f32> {
    (0..3).flat_map(|k| state.iter().map(move |s| s[k] / solve.rho_per_px)).collect()
}

#[test]
fn slopes_agree_with_their_twin() {
    let stage = &*STAGE;
    let solve = stage.parameters(3, 1);
    // Rough enough that some slopes are cut off.
    let state = stage.rough_state(3, 1, 3.0);
    let out = storage(&GPU, "out", state.len() as u64 * 16);
    run(
        "scene/refine.wgsl",
        "slopes",
        &[
            (0, uniform(&GPU, "solve", &solve).as_entire_binding()),
            (4, storage_init(&GPU, "in", &state).as_entire_binding()),
            (5, out.as_entire_binding()),
        ],
        tiles(solve.width, solve.height),
    );
    let found: Vec<State> = read(&out);
    assert!(found.iter().all(|s| s[3] == -1.0));
    let twin = |solve| planes(&solve, &slopes(&solve, &state));
    judge(
        "slopes",
        &planes(&solve, &found),
        &twin(solve),
        Allowed { tolerance: 1e-4, share: 0.0 },
        &[("another scale", twin(SolveGpu { scale: 1.0, ..solve }))],
    );
}

#[test]
fn upsample_agrees_with_its_twin() {
    let stage = &*STAGE;
    for i in [1, 3] {
        let solve = stage.parameters(i, 0);
        let coarse_size = stage.size(i, 1);
        let coarse = stage.rough_state(i, 1, 0.6);
        let out = storage(&GPU, "out", u64::from(solve.width * solve.height) * 16);
        run(
            "scene/refine.wgsl",
            "upsample",
            &[
                (0, uniform(&GPU, "solve", &solve).as_entire_binding()),
                (2, wgpu::BindingResource::TextureView(&array_view(&stage.levels[0].upload(COLORS)))),
                (4, storage_init(&GPU, "in", &coarse).as_entire_binding()),
                (5, out.as_entire_binding()),
                (6, uniform(&GPU, "coarse", &[coarse_size.0, coarse_size.1, 0, 0]).as_entire_binding()),
            ],
            tiles(solve.width, solve.height),
        );
        let twin = |solve, level| planes(&solve, &upsample(&Matcher { solve, pairs: &[], level }, &coarse, coarse_size));
        let mut gray = stage.levels[0].clone();
        gray.layers.iter_mut().flatten().for_each(|c| *c = [128; 4]);
        judge(
            &format!("upsample, camera {i}"),
            &planes(&solve, &read::<State>(&out)),
            &twin(solve, &stage.levels[0]),
            Allowed { tolerance: 1e-4, share: 0.002 },
            &[("a gray picture", twin(solve, &gray)), ("another scale", twin(SolveGpu { scale: 1.5, ..solve }, &stage.levels[0]))],
        );
    }
}

#[test]
fn refine_agrees_with_its_twin() {
    let stage = &*STAGE;
    // The first pass of a level (iterations in multiples of eight) asks other neighbours than later ones.
    for (i, level, stride, iteration) in [(1, 1, 1.0, 2), (1, 1, 1.0, 8), (3, 0, 2.0, 1), (3, 0, 2.0, 0)] {
        let solve = SolveGpu { stride, iteration, ..stage.parameters(i, level) };
        let (pairs, picture) = (stage.pairs(i), &stage.levels[level as usize]);
        let state = stage.rough_state(i, level, 1.5);
        let out = storage(&GPU, "out", state.len() as u64 * 16);
        run(
            "scene/refine.wgsl",
            "refine",
            &[
                (0, uniform(&GPU, "solve", &solve).as_entire_binding()),
                (1, pairs_buffer(&pairs).as_entire_binding()),
                (2, wgpu::BindingResource::TextureView(&array_view(&picture.upload(COLORS)))),
                (4, storage_init(&GPU, "in", &state).as_entire_binding()),
                (5, out.as_entire_binding()),
                (8, wgpu::BindingResource::TextureView(&array_view(&packed(&solve, &pairs, picture)))),
            ],
            tiles(solve.width, solve.height),
        );
        let found: Vec<State> = read(&out);
        let matcher = |solve| Matcher { solve, pairs: &pairs, level: picture };
        let twin = |solve| refine(&matcher(solve), &state);
        let (own, own_total) = twin(solve);
        let planes_of = |solve| planes(&solve, &twin(solve).0);
        let name = format!("refine, camera {i}, level {level}, iteration {iteration}");
        judge(
            &name,
            &planes(&solve, &found),
            &planes(&solve, &own),
            // Where two planes cost nearly the same, a cost that differs by a thousandth chooses the other one.
            Allowed { tolerance: 2e-3, share: 0.06 },
            &[
                ("another seed", planes_of(SolveGpu { iteration: solve.iteration + 1, ..solve })),
                ("no smoothness", planes_of(SolveGpu { smoothness: 0.0, ..solve })),
                ("a missing source", planes_of(SolveGpu { sources: 2, ..solve })),
            ],
        );
        // Whatever was chosen: its cost is what the twin finds for it, and its total no worse than the twin's own.
        let m = matcher(solve);
        let costs: Vec<(f32, f32)> = pixels(solve.width, solve.height)
            .map(|(x, y)| {
                let at = IVec2::new(x as i32, y as i32);
                let s = found[index(&solve, at)];
                let g = Vec2::new(s[1], s[2]);
                let cost = m.cost(&m.patch(at), m.middle(at), s[0], g, 4);
                (cost, cost + solve.smoothness * smoothness(&m, &state, at, s[0], g))
            })
            .collect();
        let (cost, total): (Vec<f32>, Vec<f32>) = costs.into_iter().unzip();
        let reported: Vec<f32> = found.iter().map(|s| s[3]).collect();
        let worse: Vec<f32> = reported.iter().map(|v| v * 1.05 + 0.02).collect();
        judge(&format!("{name}, cost"), &reported, &cost, Allowed { tolerance: 0.02, share: 0.01 }, &[("5 % more", worse)]);
        let worse: Vec<f32> = own_total.iter().map(|v| v * 1.05 + 0.02).collect();
        judge(&format!("{name}, total"), &total, &own_total, Allowed { tolerance: 0.02, share: 0.02 }, &[("5 % more", worse)]);
        // It refines: nearer to the truth than before.
        let error = |state: &[State]| {
            let off = |(x, y): (u32, u32)| {
                let truth = stage.truth.at(IVec2::new((x << level) as i32, (y << level) as i32), i)[0];
                (state[(y * solve.width + x) as usize][0] - truth).abs() / solve.rho_per_px
            };
            pixels(solve.width, solve.height).map(off).sum::<f32>() / state.len() as f32
        };
        println!("{name}: {:.3} px off before, {:.3} px after", error(&state), error(&found));
        assert!(error(&found) < error(&state), "{name}");
    }
}
