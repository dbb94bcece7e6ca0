//! Twins of shaders/view/smooth.wgsl.

use glam::{UVec2, Vec2};
use volte::gpu::{storage, storage_init, uniform};

use crate::{
    bench::{Allowed, GPU, judge, read, run, tiles},
    splat::VIEWS,
    stage::{noise, pixels},
    vote::{Surface, values},
};

/// (weight, weight · inverse depth).
type Known = [f32; 2];

/// A surface pixel as the pyramid counts it.
fn known_of(s: Surface) -> Known {
    let w = if s[0] > 0.0 && s[1] > 0.0 { s[1] * s[1] } else { 0.0 };
    [w, w * s[0]]
}

fn halved((w, h): (u32, u32)) -> (u32, u32) {
    (w.div_ceil(2), h.div_ceil(2))
}

/// A quarter of the sum of each 2×2; what lies outside counts nothing.
fn reduce(fine: &[Known], size: (u32, u32)) -> Vec<Known> {
    let half = halved(size);
    pixels(half.0, half.1)
        .map(|(x, y)| {
            let inside = pixels(2, 2).map(|(i, j)| (x * 2 + i, y * 2 + j)).filter(|(x, y)| *x < size.0 && *y < size.1);
            let sum: Vec2 = inside.map(|(x, y)| Vec2::from(fine[(y * size.0 + x) as usize])).sum();
            (sum * 0.25).to_array()
        })
        .collect()
}

/// The coarser level at a pixel of the finer one, bilinear.
fn above(coarse: &[Known], size: (u32, u32), x: u32, y: u32) -> Vec2 {
    let hi = UVec2::from(size) - 1;
    let q = ((Vec2::new(x as f32, y as f32) + 0.5) * 0.5 - 0.5).clamp(Vec2::ZERO, hi.as_vec2());
    let (b, t) = (q.floor().as_uvec2(), q.fract());
    let at = |dx, dy| {
        let p = (b + UVec2::new(dx, dy)).min(hi);
        Vec2::from(coarse[(p.y * size.0 + p.x) as usize])
    };
    at(0, 0).lerp(at(1, 0), t.x).lerp(at(0, 1).lerp(at(1, 1), t.x), t.y)
}

fn spread(own: &[Known], coarse: &[Known], size: (u32, u32)) -> Vec<Known> {
    pixels(size.0, size.1)
        .zip(own)
        .map(|((x, y), o)| {
            let a = above(coarse, halved(size), x, y);
            (Vec2::from(*o) + a * (0.02 / a.x.max(1e-12)) * (1.0 - (o[0] / 0.2).min(1.0))).to_array()
        })
        .collect()
}

fn lean(surface: &[Surface], coarse: &[Known], size: (u32, u32), weak: f32) -> Vec<Surface> {
    pixels(size.0, size.1)
        .zip(surface)
        .map(|((x, y), s)| {
            let a = above(coarse, halved(size), x, y);
            if a.x > 0.0 && s[1] >= 0.0 && s[1] < weak { [a.y / a.x, s[1]] } else { *s }
        })
        .collect()
}

const SIZE: (u32, u32) = (37, 26);
const ALLOWED: Allowed = Allowed { tolerance: 2e-6, share: 0.0 };

fn some_known(size: (u32, u32), seed: u32) -> Vec<Known> {
    pixels(size.0, size.1)
        .map(|(x, y)| {
            let w = if noise(x / 5, y / 5, seed) < 0.3 { 0.0 } else { 0.4 * noise(x, y, seed + 1) };
            [w, w * (0.2 + 0.2 * noise(x, y, seed + 2))]
        })
        .collect()
}

fn sizes(coarse: (u32, u32), fine: (u32, u32)) -> wgpu::Buffer {
    uniform(&GPU, "level", &[coarse.0, coarse.1, fine.0, fine.1])
}

fn flat(v: &[Known]) -> Vec<f32> {
    v.as_flattened().to_vec()
}

#[test]
fn gather_and_reduce_agree_with_their_twins() {
    let half = halved(SIZE);
    let surface: Vec<Surface> = pixels(SIZE.0, SIZE.1)
        .map(|(x, y)| {
            let trust = [noise(x, y, 1), -1.0, 0.0][(noise(x, y, 2) * 3.0) as usize];
            [if noise(x, y, 3) < 0.1 { 0.0 } else { 0.3 }, trust]
        })
        .collect();
    let counted: Vec<Known> = surface.iter().map(|s| known_of(*s)).collect();
    let all: Vec<Known> = surface.iter().map(|s| [s[1].abs(), s[1].abs() * s[0]]).collect();
    let known = some_known(SIZE, 10);
    for (entry, input, twin, wrong) in [
        ("gather", &surface, reduce(&counted, SIZE), reduce(&all, SIZE)),
        ("reduce", &known, reduce(&known, SIZE), reduce(&known.iter().rev().copied().collect::<Vec<_>>(), SIZE)),
    ] {
        let out = storage(&GPU, "coarse", u64::from(half.0 * half.1) * 8);
        run(
            "view/smooth.wgsl",
            entry,
            &[
                (3, sizes(half, SIZE).as_entire_binding()),
                (4, storage_init(&GPU, "fine", input).as_entire_binding()),
                (5, out.as_entire_binding()),
            ],
            tiles(half.0, half.1),
        );
        judge(entry, &flat(&read::<Known>(&out)), &flat(&twin), ALLOWED, &[("other input", flat(&wrong))]);
    }
}

#[test]
fn spread_agrees_with_its_twin() {
    let half = halved(SIZE);
    let (own, coarse) = (some_known(SIZE, 20), some_known(half, 30));
    let out = storage_init(&GPU, "own", &own);
    run(
        "view/smooth.wgsl",
        "spread",
        &[
            (3, sizes(half, SIZE).as_entire_binding()),
            (6, storage_init(&GPU, "above", &coarse).as_entire_binding()),
            (7, out.as_entire_binding()),
        ],
        tiles(SIZE.0, SIZE.1),
    );
    let shifted: Vec<Known> = coarse.iter().cycle().skip(1).take(coarse.len()).copied().collect();
    judge(
        "spread",
        &flat(&read::<Known>(&out)),
        &flat(&spread(&own, &coarse, SIZE)),
        ALLOWED,
        &[("nothing spread", flat(&own)), ("the coarse level shifted", flat(&spread(&own, &shifted, SIZE)))],
    );
}

#[test]
fn lean_agrees_with_its_twin() {
    let v = &VIEWS[1];
    let size = (v.view.width, v.view.height);
    let half = halved(size);
    let (surface, coarse) = (v.some_surface(), some_known(half, 50));
    let out = storage_init(&GPU, "surface", &surface);
    run(
        "view/smooth.wgsl",
        "lean",
        &[
            (0, uniform(&GPU, "view", &v.view).as_entire_binding()),
            (3, sizes(half, size).as_entire_binding()),
            (6, storage_init(&GPU, "above", &coarse).as_entire_binding()),
            (8, out.as_entire_binding()),
        ],
        tiles(size.0, size.1),
    );
    let twin = |weak| values(&lean(&surface, &coarse, size, weak));
    judge(
        "lean",
        &values(&read::<Surface>(&out)),
        &twin(v.view.tune[3]),
        Allowed { tolerance: 0.001, share: 0.0 },
        &[("nothing leans", values(&surface)), ("another limit", twin(0.03))],
    );
}
