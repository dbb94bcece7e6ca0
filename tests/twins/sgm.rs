//! Twins of shaders/scene/sgm.wgsl.

use glam::{IVec2, Vec3};
use volte::{
    gpu::{storage, storage_init, uniform},
    scene::gpu_data::SolveGpu,
};

use crate::{
    bench::{Allowed, COLORS, GPU, array_view, judge, read, run, tiles},
    matching::Matcher,
    stage::{STAGE, noise, pixels},
};

pub const DIRECTIONS: [(i32, i32); 8] = [(1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, -1), (1, -1), (-1, 1)];

/// Aggregated cost along one direction, from the definition: L(p, d) = C(p, d) + min(L(q, d), L(q, d±1) + P1, min L(q) +
/// P2) − min L(q), where q is the pixel before p, if there is one.
fn along(m: &Matcher<'_>, volume: &[u8], step: (i32, i32)) -> Vec<f32> {
    let depths = m.solve.depths as usize;
    let size = m.size();
    let mut lines = vec![0.0_f32; volume.len()];
    let mut order: Vec<(u32, u32)> = pixels(m.solve.width, m.solve.height).collect();
    // The pixel before must be done before.
    if step.1 < 0 || (step.1 == 0 && step.0 < 0) {
        order.reverse();
    }
    for (x, y) in order {
        let at = IVec2::new(x as i32, y as i32);
        let before = at - IVec2::from(step);
        let base = (y * m.solve.width + x) as usize * depths;
        let first = before.cmplt(IVec2::ZERO).any() || before.cmpge(size).any();
        let last: Vec<f32> = if first {
            vec![]
        } else {
            let b = (before.y * size.x + before.x) as usize * depths;
            lines[b..b + depths].to_vec()
        };
        let low = last.iter().copied().fold(f32::INFINITY, f32::min);
        let edge: Vec3 = if first { Vec3::ZERO } else { m.color(at) - m.color(before) };
        let p2 = (m.solve.p2 / (1.0 + edge.length() * 20.0)).max(m.solve.p1 * 1.5);
        for d in 0..depths {
            let mut value = f32::from(volume[base + d]);
            if !first {
                let neighbour = |d: Option<usize>| d.and_then(|d| last.get(d)).map_or(f32::INFINITY, |v| v + m.solve.p1);
                value += last[d].min(low + p2).min(neighbour(d.checked_sub(1))).min(neighbour(Some(d + 1))) - low;
            }
            lines[base + d] = value;
        }
    }
    lines
}

/// Whole numbers, added up over the directions.
fn aggregate(m: &Matcher<'_>, volume: &[u8], directions: &[(i32, i32)]) -> Vec<u32> {
    let mut sums = vec![0; volume.len()];
    for &step in directions {
        sums.iter_mut().zip(along(m, volume, step)).for_each(|(sum, v)| *sum += v as u32);
    }
    sums
}

/// Inverse depth of the least sum, by a parabola between its neighbours.
fn select_best(solve: &SolveGpu, sums: &[u32]) -> Vec<f32> {
    sums.chunks_exact(solve.depths as usize)
        .map(|s| {
            let best = (0..s.len()).min_by_key(|&d| s[d]).unwrap();
            let mut offset = 0.0;
            if best > 0 && best + 1 < s.len() {
                let (l, c, r) = (s[best - 1] as f32, s[best] as f32, s[best + 1] as f32);
                let curve = l - 2.0 * c + r;
                if curve > 0.0 {
                    offset = (0.5 * (l - r) / curve).clamp(-0.5, 0.5);
                }
            }
            solve.rho_min + (best as f32 + offset) * solve.rho_step
        })
        .collect()
}

fn floats(sums: &[u32]) -> Vec<f32> {
    sums.iter().map(|v| *v as f32).collect()
}

/// Costs with a preference that moves over the picture, and noise.
fn some_volume(solve: &SolveGpu) -> Vec<u8> {
    pixels(solve.width, solve.height)
        .flat_map(|(x, y)| {
            (0..solve.depths).map(move |d| {
                let middle = 12.0 + 6.0 * ((x + y) as f32 * 0.2).sin();
                ((d as f32 - middle).abs() * 9.0 + noise(x, y, d) * 60.0).min(255.0) as u8
            })
        })
        .collect()
}

#[test]
fn aggregate_agrees_with_its_twin() {
    let stage = &*STAGE;
    let solve = stage.parameters(3, 1);
    let matcher = |solve| Matcher { solve, pairs: &[], level: &stage.levels[1] };
    let volume = some_volume(&solve);
    let level = array_view(&stage.levels[1].upload(COLORS));
    let (w, h) = (solve.width, solve.height);
    let run_with = |entry: &str, lines_per_group: u32, directions: &[(i32, i32)]| {
        let sums = storage(&GPU, "sums", u64::from(w * h * solve.depths) * 2);
        for (k, &(x, y)) in directions.iter().enumerate() {
            let lines = if y == 0 {
                h
            } else if x == 0 {
                w
            } else {
                w + h - 1
            };
            run(
                "scene/sgm.wgsl",
                entry,
                &[
                    (0, uniform(&GPU, "solve", &solve).as_entire_binding()),
                    (2, wgpu::BindingResource::TextureView(&level)),
                    (4, storage_init(&GPU, "volume", &volume).as_entire_binding()),
                    (5, sums.as_entire_binding()),
                    (6, uniform(&GPU, "direction", &[x, y, k as i32, 0]).as_entire_binding()),
                ],
                [lines.div_ceil(lines_per_group), 1, 1],
            );
        }
        read::<u16>(&sums)
    };
    let run_along = |directions: &[(i32, i32)]| run_with("aggregate", 16, directions).into_iter().map(f32::from).collect::<Vec<f32>>();
    // A workgroup per line gives the same bytes, in every direction and in their sum.
    for directions in DIRECTIONS.iter().map(std::slice::from_ref).chain([&DIRECTIONS[..]]) {
        let (narrow, wide) = (run_with("aggregate", 16, directions), run_with("aggregate_wide", 1, directions));
        assert!(narrow == wide, "the variants differ along {directions:?}");
    }
    assert!(run_with("aggregate_wide", 1, &DIRECTIONS[..1]) != run_with("aggregate", 16, &DIRECTIONS[1..2]), "the comparison sees nothing");
    for (k, &direction) in DIRECTIONS.iter().enumerate() {
        judge(
            &format!("aggregate {direction:?}"),
            &run_along(&[direction]),
            &floats(&aggregate(&matcher(solve), &volume, &[direction])),
            // A sum is cut to a whole number: it may fall to either side.
            Allowed { tolerance: 1.0, share: 0.0 },
            &[
                ("the opposite direction", floats(&aggregate(&matcher(solve), &volume, &[DIRECTIONS[k ^ 1]]))),
                ("another P1", floats(&aggregate(&matcher(SolveGpu { p1: 9.0, ..solve }), &volume, &[direction]))),
                ("another P2", floats(&aggregate(&matcher(SolveGpu { p2: 40.0, ..solve }), &volume, &[direction]))),
            ],
        );
    }
    judge(
        "aggregate, all directions",
        &run_along(&DIRECTIONS),
        &floats(&aggregate(&matcher(solve), &volume, &DIRECTIONS)),
        Allowed { tolerance: 4.0, share: 0.0 },
        &[("a missing direction", floats(&aggregate(&matcher(solve), &volume, &DIRECTIONS[..7])))],
    );
}

#[test]
fn select_best_agrees_with_its_twin() {
    let stage = &*STAGE;
    let solve = stage.parameters(3, 1);
    let matcher = Matcher { solve, pairs: &[], level: &stage.levels[1] };
    let mut sums = aggregate(&matcher, &some_volume(&solve), &DIRECTIONS[..4]);
    // The least at either end, and the same everywhere (then the first).
    let depths = solve.depths as usize;
    sums[0] = 0;
    sums[2 * depths - 1] = 0;
    sums[2 * depths..3 * depths].fill(7);
    let state = storage(&GPU, "state", u64::from(solve.width * solve.height) * 16);
    run(
        "scene/sgm.wgsl",
        "select_best",
        &[
            (0, uniform(&GPU, "solve", &solve).as_entire_binding()),
            (5, storage_init(&GPU, "sums", &sums.iter().map(|v| *v as u16).collect::<Vec<u16>>()).as_entire_binding()),
            (7, state.as_entire_binding()),
        ],
        tiles(solve.width, solve.height),
    );
    let state: Vec<[f32; 4]> = read(&state);
    assert!(state.iter().all(|s| s[1..] == [0.0, 0.0, -1.0]));
    let mut without_parabola = select_best(&solve, &sums);
    for r in &mut without_parabola {
        *r = solve.rho_min + ((*r - solve.rho_min) / solve.rho_step).round() * solve.rho_step;
    }
    let mut raised = sums.clone();
    raised[5 * depths..6 * depths].reverse();
    judge(
        "select_best",
        &state.iter().map(|s| s[0]).collect::<Vec<_>>(),
        &select_best(&solve, &sums),
        Allowed { tolerance: 1e-6, share: 0.0 },
        &[("whole steps", without_parabola), ("one pixel's sums reversed", select_best(&solve, &raised))],
    );
}
