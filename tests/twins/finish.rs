//! Twins of shaders/scene/finish.wgsl.

use glam::{IVec2, Vec3, Vec4Swizzles as _};
use volte::{
    gpu::{storage_init, uniform},
    scene::gpu_data::{PairGpu, SolveGpu},
};

use crate::{
    bench::{Allowed, COLORS, Colors, DEPTHS, Depths, GPU, array_view, judge, run, tiles},
    matching::{TAPS, pairs_buffer},
    stage::{STAGE, pixels},
    wgsl::{mix, smoothstep},
};

/// Inverse depth and confidence.
type Depth = [f32; 2];

/// The value of the 2×2 texels around `uv` that is nearest to `expected`: how far it is off, and its confidence.
pub fn nearest_around(depths: &Depths, uv: glam::Vec2, size: IVec2, layer: usize, expected: f32) -> (f32, f32) {
    let base = (uv - 0.5).floor().as_ivec2();
    [(0, 0), (1, 0), (0, 1), (1, 1)]
        .map(|o| depths.at((base + IVec2::from(o)).clamp(IVec2::ZERO, size - 1), layer))
        .map(|d| (d[0] - expected, d[1]))
        .into_iter()
        .min_by(|a, b| a.0.abs().total_cmp(&b.0.abs()))
        .unwrap()
}

/// How far a check goes: confidence alone, or also where neighbours see the surface of what they see through.
#[derive(Clone, Copy, PartialEq)]
enum Ghosts {
    Stay,
    Move,
}

fn check(solve: &SolveGpu, pairs: &[PairGpu], depths: &Depths, ghosts: Ghosts) -> Vec<Depth> {
    pixels(solve.width, solve.height)
        .map(|(x, y)| {
            let p = [x as f32 + 0.5, y as f32 + 0.5];
            let [rho, photometric] = depths.at(IVec2::new(x as i32, y as i32), solve.layer as usize);
            let seen_in = |pair: &PairGpu, rho: f32| {
                let [w, h, layer, unit] = pair.size_layer;
                let (uv, z) = pair.map(p, rho)?;
                let inside = uv[0] >= 0.0 && uv[1] >= 0.0 && uv[0] < w && uv[1] < h;
                inside.then(|| (glam::Vec2::from(uv), z, IVec2::new(w as i32, h as i32), layer as usize, unit))
            };
            // Agreement of the neighbours, and how many see through.
            let judge = |rho: f32| {
                let (mut support, mut conflict) = (0.0, 0.0);
                for (uv, z, size, layer, unit) in pairs.iter().filter_map(|pair| seen_in(pair, rho)) {
                    let off_px = nearest_around(depths, uv, size, layer, rho / z).0 / unit;
                    if off_px.abs() < 2.0 {
                        support += 1.0 - smoothstep(0.7, 2.0, off_px.abs());
                    } else if off_px < 0.0 {
                        conflict += 1.0;
                    }
                }
                ((support * 0.55_f32).clamp(0.0, 1.0) / (1.0 + 0.35 * conflict), conflict)
            };
            let photo = 1.0 - smoothstep(0.35, 0.95, photometric);
            let (own, conflict) = judge(rho);
            let mut out = [rho, (own * (0.35 + 0.65 * photo)).clamp(0.0, 1.0)];
            if ghosts == Ghosts::Move && own < 0.3 && conflict > 0.0 && solve.second_share > 0.0 {
                let mut most = own + 0.25;
                for pair in pairs {
                    let mut met = rho;
                    for _ in 0..4 {
                        if let Some((uv, z, _, layer, _)) = seen_in(pair, met) {
                            met = (depths.at(uv.floor().as_ivec2(), layer)[0] * z).clamp(solve.rho_min, solve.rho_max);
                        }
                    }
                    let (agreed, _) = judge(met);
                    if agreed > most {
                        most = agreed;
                        out = [met, out[1].max(agreed * 0.25)];
                    }
                }
            }
            out
        })
        .collect()
}

fn repair(solve: &SolveGpu, level: &Colors, depths: &Depths) -> Vec<Depth> {
    let layer = solve.layer as usize;
    let size = IVec2::new(solve.width as i32, solve.height as i32);
    pixels(solve.width, solve.height)
        .map(|(x, y)| {
            let at = IVec2::new(x as i32, y as i32);
            let own = depths.at(at, layer);
            if own[1] > 0.55 {
                return own;
            }
            let color: Vec3 = level.load(at, layer).xyz();
            // Inverse depth and weight of the thirteen that lie in the picture.
            let around: Vec<(f32, f32)> = TAPS
                .map(IVec2::from)
                .into_iter()
                .map(|o| (o, at + o * solve.stride as i32))
                .filter(|(_, q)| q.cmpge(IVec2::ZERO).all() && q.cmplt(size).all())
                .map(|(o, q)| {
                    let [rho, confidence] = depths.at(q, layer);
                    let unlike = (level.load(q, layer).xyz() - color).length_squared();
                    (rho, (confidence * confidence + 0.002) * (-unlike * 80.0 - 0.08 * o.length_squared() as f32).exp())
                })
                .collect();
            let total: f32 = around.iter().map(|a| a.1).sum();
            let (mut best, mut best_support) = (own[0], 0.0);
            for candidate in around.iter().filter(|a| a.1 >= 0.02 * total) {
                let (mut support, mut sum) = (0.0, 0.0);
                for (rho, weight) in &around {
                    let e = (rho - candidate.0) / (solve.rho_per_px * 1.5);
                    let w = weight / (1.0 + e * e);
                    support += w;
                    sum += w * rho;
                }
                if support > best_support {
                    best_support = support;
                    best = sum / support;
                }
            }
            let trust = (best_support * 0.5_f32).clamp(0.0, 0.5);
            let keep = own[1] / (own[1] + trust * (1.0 - own[1]) + 1e-4);
            let rho = if (best - own[0]).abs() < 2.0 * solve.rho_per_px {
                mix(best, own[0], keep)
            } else if keep > 0.5 {
                own[0]
            } else {
                best
            };
            [rho, own[1].max(trust)]
        })
        .collect()
}

/// Inverse depths in px of disparity, then confidences.
fn values(solve: &SolveGpu, depths: &[Depth]) -> Vec<f32> {
    let rho = depths.iter().map(|d| d[0] / solve.rho_per_px);
    rho.chain(depths.iter().map(|d| d[1])).collect()
}

/// The written part of a layer.
fn used(solve: &SolveGpu, texture: &wgpu::Texture) -> Vec<Depth> {
    let all = Depths { width: texture.width(), height: texture.height(), layers: vec![Depths::read(texture, solve.layer)] };
    pixels(solve.width, solve.height).map(|(x, y)| all.at(IVec2::new(x as i32, y as i32), 0)).collect()
}

#[test]
fn store_agrees_with_its_twin() {
    let stage = &*STAGE;
    let solve = stage.parameters(3, 0);
    let mut state = stage.rough_state(3, 0, 1.0);
    state.iter_mut().enumerate().for_each(|(k, s)| s[3] = k as f32 * 1e-3);
    let out = Depths::new(64, 48, 4).upload(DEPTHS);
    run(
        "scene/finish.wgsl",
        "store",
        &[
            (0, uniform(&GPU, "solve", &solve).as_entire_binding()),
            (4, storage_init(&GPU, "state", &state).as_entire_binding()),
            (5, wgpu::BindingResource::TextureView(&array_view(&out))),
        ],
        tiles(solve.width, solve.height),
    );
    let twin: Vec<Depth> = state.iter().map(|s| [s[0], s[3]]).collect();
    let mut wrong = twin.clone();
    wrong.swap(3, 4);
    let exact = Allowed { tolerance: 0.0, share: 0.0 };
    judge("store", &values(&solve, &used(&solve, &out)), &values(&solve, &twin), exact, &[("two pixels swapped", values(&solve, &wrong))]);
    assert!(Depths::read(&out, 2).iter().all(|d| *d == [0.0, 0.0]), "another layer was written");
}

#[test]
fn check_agrees_with_its_twin() {
    let stage = &*STAGE;
    let depths = stage.solved_depths();
    let texture = array_view(&depths.upload(DEPTHS));
    for i in 0..4 {
        let (solve, pairs) = (stage.parameters(i, 0), stage.pairs(i));
        let out = Depths::new(64, 48, 4).upload(DEPTHS);
        run(
            "scene/finish.wgsl",
            "check",
            &[
                (0, uniform(&GPU, "solve", &solve).as_entire_binding()),
                (1, pairs_buffer(&pairs).as_entire_binding()),
                (5, wgpu::BindingResource::TextureView(&array_view(&out))),
                (6, wgpu::BindingResource::TextureView(&texture)),
            ],
            tiles(solve.width, solve.height),
        );
        let twin = |pairs: &[PairGpu]| values(&solve, &check(&solve, pairs, &depths, Ghosts::Move));
        let changed = |change: fn(&mut PairGpu)| {
            let mut pairs = pairs.clone();
            pairs.iter_mut().for_each(change);
            twin(&pairs)
        };
        judge(
            &format!("check, camera {i}"),
            &values(&solve, &used(&solve, &out)),
            &twin(&pairs),
            Allowed { tolerance: 2e-3, share: 0.002 },
            &[
                ("a missing source", twin(&pairs[1..])),
                ("ghosts that stay", values(&solve, &check(&solve, &pairs, &depths, Ghosts::Stay))),
                (
                    "a wide rig",
                    values(
                        &SolveGpu { second_share: 0.0, ..solve },
                        &check(&SolveGpu { second_share: 0.0, ..solve }, &pairs, &depths, Ghosts::Move),
                    ),
                ),
                ("another unit", changed(|p| p.size_layer[3] *= 1.2)),
                ("a shift by a px", changed(|p| p.row_x[2] += 1.0)),
                ("a baseline 5 % longer", changed(|p| p.row_x[3] *= 1.05)),
            ],
        );
        // What is moved is moved towards the truth, mostly.
        let (stayed, moved) = (check(&solve, &pairs, &depths, Ghosts::Stay), used(&solve, &out));
        let (mut better, mut worse) = (0, 0);
        for ((x, y), (a, b)) in pixels(solve.width, solve.height).zip(stayed.iter().zip(&moved)) {
            let truth = stage.truth.at(IVec2::new(x as i32, y as i32), i)[0];
            let gain_px = ((a[0] - truth).abs() - (b[0] - truth).abs()) / solve.rho_per_px;
            better += u32::from(gain_px > 0.5);
            worse += u32::from(gain_px < -0.5);
        }
        println!("check, camera {i}: {better} pixels nearer to the truth, {worse} farther");
        assert!(better > 10 && better > 4 * worse, "camera {i}: {better} pixels nearer to the truth, {worse} farther");
    }
}

#[test]
fn repair_agrees_with_its_twin() {
    let stage = &*STAGE;
    let depths = stage.solved_depths();
    let texture = array_view(&depths.upload(DEPTHS));
    let level = array_view(&stage.levels[0].upload(COLORS));
    for (i, stride) in [(1, 1.0), (3, 4.0)] {
        let solve = SolveGpu { stride, ..stage.parameters(i, 0) };
        let out = Depths::new(64, 48, 4).upload(DEPTHS);
        run(
            "scene/finish.wgsl",
            "repair",
            &[
                (0, uniform(&GPU, "solve", &solve).as_entire_binding()),
                (2, wgpu::BindingResource::TextureView(&level)),
                (5, wgpu::BindingResource::TextureView(&array_view(&out))),
                (6, wgpu::BindingResource::TextureView(&texture)),
            ],
            tiles(solve.width, solve.height),
        );
        let twin = |solve: SolveGpu, level: &Colors| repair(&solve, level, &depths);
        let own = twin(solve, &stage.levels[0]);
        let changed =
            pixels(solve.width, solve.height).zip(&own).filter(|((x, y), d)| depths.at(IVec2::new(*x as i32, *y as i32), i) != **d).count();
        assert!(changed * 10 > own.len(), "only {changed} pixels are repaired at all");
        let mut gray = stage.levels[0].clone();
        gray.layers.iter_mut().flatten().for_each(|c| *c = [128; 4]);
        judge(
            &format!("repair, camera {i}, stride {stride}"),
            &values(&solve, &used(&solve, &out)),
            &values(&solve, &own),
            Allowed { tolerance: 2e-3, share: 0.004 },
            &[
                ("another stride", values(&solve, &twin(SolveGpu { stride: stride + 1.0, ..solve }, &stage.levels[0]))),
                ("a gray picture", values(&solve, &twin(solve, &gray))),
                (
                    "no repair",
                    values(
                        &solve,
                        &pixels(solve.width, solve.height).map(|(x, y)| depths.at(IVec2::new(x as i32, y as i32), i)).collect::<Vec<_>>(),
                    ),
                ),
            ],
        );
    }
}
