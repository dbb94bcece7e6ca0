//! Twins of shaders/scene/flatten.wgsl.

use glam::{DVec3, IVec2, Vec2, Vec3, Vec3Swizzles as _, Vec4Swizzles as _};
use volte::{
    gpu::{storage_init, uniform},
    scene::gpu_data::{PairGpu, SolveGpu},
};

use crate::{
    bench::{Allowed, COLORS, Colors, DEPTHS, Depths, GPU, array_view, judge, read, run, tiles},
    matching::{Matcher, packed, pairs_buffer},
    stage::{STAGE, pixels},
};

/// Inverse depth and confidence.
type Depth = [f32; 2];

/// What decides, as in the shader.
#[derive(Clone, Copy)]
struct Rules {
    flat: f32,
    held: f32,
    alike: f32,
    unsure: f32,
    margin: f32,
    behind: f32,
}

const RULES: Rules = Rules { flat: 2e-4, held: 0.3, alike: 0.1, unsure: 0.6, margin: 0.05, behind: 1.0 };

/// (a, b, c): inverse depth of the stage's wall in working px of camera `i`; `forward_m` before where it is.
fn wall(i: usize, forward_m: f64) -> Vec3 {
    let stage = &*STAGE;
    let (camera, w) = (&stage.cameras[i], &stage.working[i]);
    let world_from_camera = camera.camera_from_world.inverse();
    let eye = world_from_camera.apply(DVec3::ZERO);
    let rho = |x: f64, y: f64| {
        let ray = DVec3::new((x - w.lens[2]) / w.lens[0], (y - w.lens[3]) / w.lens[1], 1.0);
        (world_from_camera.apply(ray) - eye).y / (1.6 - forward_m - eye.y)
    };
    let c = rho(0.0, 0.0);
    Vec3::new((rho(1.0, 0.0) - c) as f32, (rho(0.0, 1.0) - c) as f32, c as f32)
}

struct Flattener<'a> {
    matcher: Matcher<'a>,
    depths: &'a Depths,
    planes: &'a [Vec3],
    rules: Rules,
}

impl Flattener<'_> {
    fn depth(&self, at: IVec2) -> Depth {
        self.depths.at(at, self.matcher.solve.layer as usize)
    }

    fn company(&self, at: IVec2, color: Vec3, plane: Vec3) -> f32 {
        let size = self.matcher.size();
        let step = (size.max_element() / 110).max(2);
        let around = (-4..=4).flat_map(|y| (-4..=4).map(move |x| IVec2::new(x, y)));
        let (mut sum, mut total) = (0.0, 1e-6);
        for q in around.map(|o| at + o * step).filter(|q| q.cmpge(IVec2::ZERO).all() && q.cmplt(size).all()) {
            let [rho, confidence] = self.depth(q);
            let unlike = (self.matcher.color(q) - color).length_squared();
            let w = (confidence * confidence + 0.01) * (-unlike * 60.0).exp();
            let e = (rho - plane.dot((q.as_vec2() + 0.5).extend(1.0))) / self.matcher.solve.rho_per_px;
            sum += w * (1.0 / (1.0 + e * e) - if e < -3.0 { self.rules.behind } else { 0.0 });
            total += w;
        }
        sum / total
    }

    fn apart(&self, p: Vec2, rho: f32, color: Vec3) -> f32 {
        let mut all: Vec<f32> = self
            .matcher
            .pairs
            .iter()
            .map(|pair| {
                let [w, h, layer, _] = pair.size_layer;
                let inside = |uv: &Vec2| uv.cmpge(Vec2::ZERO).all() && uv.x < w && uv.y < h;
                pair.map(p.to_array(), rho).map(|(uv, _)| Vec2::from(uv)).filter(inside).map_or(9.0, |uv| {
                    // Within the picture, not the layer.
                    let at = uv.clamp(Vec2::splat(0.5), Vec2::new(w, h) - 0.5);
                    (self.matcher.level.between(at, layer as usize).xyz() - color).length()
                })
            })
            .collect();
        all.sort_by(f32::total_cmp);
        all[1]
    }

    fn run(&self) -> Vec<Depth> {
        let solve = &self.matcher.solve;
        pixels(solve.width, solve.height)
            .map(|(x, y)| {
                let at = IVec2::new(x as i32, y as i32);
                let p = at.as_vec2() + 0.5;
                let own = self.depth(at);
                let patch = self.matcher.patch(at);
                let is_flat = patch.variance < self.rules.flat;
                if !is_flat && own[1] >= self.rules.unsure {
                    return own;
                }
                let cost = |rho: f32| self.matcher.cost(&patch, p, rho, Vec2::ZERO, 4);
                let (mut out, mut best) = (own, self.rules.held);
                for plane in self.planes {
                    let rho = plane.dot(p.extend(1.0));
                    let held = self.company(at, patch.color, *plane);
                    let fits = (solve.rho_min..=solve.rho_max).contains(&rho)
                        && held > best
                        && self.apart(p, rho, patch.color) < self.rules.alike
                        && (is_flat || self.matcher.cost(&patch, p, rho, plane.xy(), 4) < cost(own[0]) + self.rules.margin);
                    if fits {
                        best = held;
                        out = [rho, own[1].max(0.45)];
                    }
                }
                out
            })
            .collect()
    }
}

/// Inverse depths in px of disparity, then confidences.
fn values(solve: &SolveGpu, depths: &[Depth]) -> Vec<f32> {
    depths.iter().map(|d| d[0] / solve.rho_per_px).chain(depths.iter().map(|d| d[1])).collect()
}

/// The stage with little texture on the left (each surface of its own colour), and all of it on the right.
fn plain() -> Colors {
    let stage = &*STAGE;
    let mut level = stage.levels[0].clone();
    for (i, w) in stage.working.iter().enumerate() {
        let wall = wall(i, 0.0);
        for (x, y) in pixels(w.width_px, w.height_px) {
            let at = IVec2::new(x as i32, y as i32);
            let is_wall = (wall.dot((at.as_vec2() + 0.5).extend(1.0)) - stage.truth.at(at, i)[0]).abs() < 0.5 * w.rho_per_px as f32;
            let mean = if is_wall { [77.0, 115.0, 128.0, 108.0] } else { [166.0, 102.0, 64.0, 113.0] };
            let share = if x < level.width / 2 { 0.06 } else { 1.0 };
            let own = level.at(at, i);
            level.set(x, y, i, std::array::from_fn(|k| (mean[k] + share * (f32::from(own[k]) - mean[k])).round() as u8));
        }
    }
    level
}

#[test]
fn flatten_agrees_with_its_twin() {
    let stage = &*STAGE;
    let (level, depths) = (plain(), stage.solved_depths());
    for i in 0..4 {
        let solve = SolveGpu { stride: 2.0, ..stage.parameters(i, 0) };
        let pairs: Vec<PairGpu> = stage.pairs(i);
        // The wall, and a plane that nothing lies on.
        let planes = [wall(i, 0.0), wall(i, 1.2)];
        let mut rows = [[0.0_f32; 4]; 4];
        for (row, plane) in rows.iter_mut().zip(planes) {
            *row = plane.extend(1.0).to_array();
        }
        let out = Depths::new(64, 48, 4).upload(DEPTHS);
        run(
            "scene/flatten.wgsl",
            "flatten",
            &[
                (0, uniform(&GPU, "solve", &solve).as_entire_binding()),
                (1, pairs_buffer(&pairs).as_entire_binding()),
                (2, wgpu::BindingResource::TextureView(&array_view(&level.upload(COLORS)))),
                (5, wgpu::BindingResource::TextureView(&array_view(&out))),
                (6, wgpu::BindingResource::TextureView(&array_view(&depths.upload(DEPTHS)))),
                (7, uniform(&GPU, "planes", &rows).as_entire_binding()),
                (8, wgpu::BindingResource::TextureView(&array_view(&packed(&solve, &pairs, &level)))),
            ],
            tiles(solve.width, solve.height),
        );
        let all = Depths { width: out.width(), height: out.height(), layers: vec![Depths::read(&out, solve.layer)] };
        let found: Vec<Depth> = pixels(solve.width, solve.height).map(|(x, y)| all.at(IVec2::new(x as i32, y as i32), 0)).collect();
        let twin = |planes: &[Vec3], rules: Rules| {
            let matcher = Matcher { solve, pairs: &pairs, level: &level };
            values(&solve, &Flattener { matcher, depths: &depths, planes, rules }.run())
        };
        judge(
            &format!("flatten, camera {i}"),
            &values(&solve, &found),
            &twin(&planes, RULES),
            // A hair's breadth decides whether a pixel is put there.
            Allowed { tolerance: 2e-3, share: 0.006 },
            &[
                ("no planes", twin(&[], RULES)),
                ("a wall 20 cm nearer", twin(&[wall(i, 0.2)], RULES)),
                ("nothing is flat", twin(&planes, Rules { flat: 0.0, ..RULES })),
                ("company is not asked for", twin(&planes, Rules { held: -9.0, ..RULES })),
                ("colours are not asked for", twin(&planes, Rules { alike: 99.0, held: 0.1, ..RULES })),
                ("texture is not asked for", twin(&planes, Rules { flat: 9.0, ..RULES })),
                ("all are unsure", twin(&planes, Rules { unsure: 9.0, ..RULES })),
            ],
        );
        // What is moved comes nearer to the truth, mostly.
        let (mut better, mut worse) = (0, 0);
        for ((x, y), after) in pixels(solve.width, solve.height).zip(&found) {
            let at = IVec2::new(x as i32, y as i32);
            let off_px = |d: Depth| (d[0] - stage.truth.at(at, i)[0]).abs() / solve.rho_per_px;
            let gain_px = off_px(depths.at(at, i)) - off_px(*after);
            better += u32::from(gain_px > 0.5);
            worse += u32::from(gain_px < -0.5);
        }
        println!("flatten, camera {i}: {better} pixels nearer to the truth, {worse} farther");
        assert!(better > 20 && better > 4 * worse, "camera {i}: {better} pixels nearer to the truth, {worse} farther");
    }
}

#[test]
fn samples_agree_with_their_twin() {
    let stage = &*STAGE;
    let depths = stage.solved_depths();
    let solve = stage.parameters(3, 0);
    let grid = [solve.width.div_ceil(5), solve.height.div_ceil(5), 5, 7];
    let count = (7 + grid[0] * grid[1]) as usize;
    let samples = storage_init(&GPU, "samples", &vec![[-1.0_f32; 2]; count]);
    run(
        "scene/flatten.wgsl",
        "sample",
        &[
            (0, uniform(&GPU, "solve", &solve).as_entire_binding()),
            (6, wgpu::BindingResource::TextureView(&array_view(&depths.upload(DEPTHS)))),
            (9, uniform(&GPU, "grid", &grid).as_entire_binding()),
            (10, samples.as_entire_binding()),
        ],
        tiles(grid[0], grid[1]),
    );
    let twin = |offset: i32| -> Vec<f32> {
        let of_grid = pixels(grid[0], grid[1]).flat_map(|(x, y)| {
            let last = IVec2::new(solve.width as i32, solve.height as i32) - 1;
            depths.at((IVec2::new(x as i32, y as i32) * 5 + offset).min(last), 3)
        });
        std::iter::repeat_n(-1.0, 14).chain(of_grid).collect()
    };
    let found: Vec<f32> = read::<[f32; 2]>(&samples).concat();
    judge("flat samples", &found, &twin(2), Allowed { tolerance: 0.0, share: 0.0 }, &[("a px beside", twin(3))]);
}
