//! Twins of shaders/scene/quads.wgsl, match.wgsl and sweep.wgsl.

use glam::{IVec2, Vec2, Vec3, Vec4, Vec4Swizzles as _};
use volte::{
    gpu::{storage, uniform},
    scene::gpu_data::{PairGpu, SolveGpu},
};

use crate::{
    bench::{Allowed, COLORS, Colors, GPU, Stack, array_view, judge, read, run, tiles},
    stage::{STAGE, pixels},
    wgsl::mix,
};

/// Where a patch is looked at, in strides.
pub const TAPS: [(i32, i32); 13] =
    [(0, 0), (-1, -1), (1, -1), (-1, 1), (1, 1), (-2, 0), (2, 0), (0, -2), (0, 2), (-2, -2), (2, -2), (-2, 2), (2, 2)];

/// A Gaussian of sigma 3 taps; the shader has its values written out.
fn space_weight((x, y): (i32, i32)) -> f32 {
    (-0.055 * (x * x + y * y) as f32).exp()
}

/// What a cost is computed from.
pub struct Matcher<'a> {
    pub solve: SolveGpu,
    pub pairs: &'a [PairGpu],
    pub level: &'a Colors,
}

pub struct Patch {
    pub color: Vec3,
    luma: [f32; 13],
    weight: [f32; 13],
    mean: f32,
    pub variance: f32,
}

impl Matcher<'_> {
    pub fn size(&self) -> IVec2 {
        IVec2::new(self.solve.width as i32, self.solve.height as i32)
    }

    pub fn color(&self, at: IVec2) -> Vec3 {
        self.level.load(at, self.solve.layer as usize).xyz()
    }

    pub fn patch(&self, at: IVec2) -> Patch {
        let color = self.color(at);
        let (mut luma, mut weight) = ([0.0; 13], [0.0; 13]);
        for (k, &tap) in TAPS.iter().enumerate() {
            let q = (at + IVec2::from(tap) * self.solve.stride as i32).clamp(IVec2::ZERO, self.size() - 1);
            let c = self.level.load(q, self.solve.layer as usize);
            luma[k] = c.w;
            weight[k] = (-(c.xyz() - color).length_squared() * 15.0).exp() * space_weight(tap);
        }
        let sum: f32 = weight.iter().sum();
        let mean = luma.iter().zip(&weight).map(|(l, w)| l * w).sum::<f32>() / sum;
        let square = luma.iter().zip(&weight).map(|(l, w)| l * l * w).sum::<f32>() / sum;
        Patch { color, luma, weight, mean, variance: (square - mean * mean).max(0.0) }
    }

    /// Cost of the plane (rho at `p`, slope `g`) in the first `most` sources, `p` in level-0 px.
    pub fn cost(&self, patch: &Patch, p: Vec2, rho: f32, g: Vec2, most: usize) -> f32 {
        let mut costs: Vec<f32> =
            self.pairs.iter().take(most.min(self.solve.sources as usize)).filter_map(|pair| self.cost_in(pair, patch, p, rho, g)).collect();
        costs.sort_by(f32::total_cmp);
        match costs[..] {
            [] => 1.0,
            [only] => only * 0.9 + 0.1,
            [best, second, ..] => mix(best, second, self.solve.second_share),
        }
    }

    fn cost_in(&self, pair: &PairGpu, patch: &Patch, p: Vec2, rho: f32, g: Vec2) -> Option<f32> {
        let scale = self.solve.scale;
        let project = |p: Vec2, rho: f32| {
            let h = Vec4::new(p.x, p.y, 1.0, rho);
            Vec3::new(Vec4::from(pair.row_x).dot(h), Vec4::from(pair.row_y).dot(h), Vec4::from(pair.row_z).dot(h))
        };
        let center = project(p, rho);
        let limit = Vec2::new(pair.size_layer[0], pair.size_layer[1]);
        let uv = center.truncate() / center.z;
        if center.z <= 1e-6 || uv.cmplt(Vec2::ZERO).any() || uv.cmpge(limit).any() {
            return None;
        }
        let fetch = |uv: Vec2| self.level.between((uv / scale).clamp(Vec2::splat(0.5), limit / scale - 0.5), pair.size_layer[2] as usize);
        // How the position moves along x and y of the plane, by differences: the patch is taken to be mapped linearly.
        let along = |step: Vec2| {
            let at = |t: f64| {
                let (x, y) = (f64::from(p.x) + t * f64::from(step.x), f64::from(p.y) + t * f64::from(step.y));
                let rho = f64::from(rho) + t * f64::from(g.dot(step));
                let row = |r: [f32; 4]| f64::from(r[0]) * x + f64::from(r[1]) * y + f64::from(r[2]) + f64::from(r[3]) * rho;
                glam::DVec2::new(row(pair.row_x), row(pair.row_y)) / row(pair.row_z)
            };
            ((at(1e-4) - at(-1e-4)) / 2e-4).as_vec2()
        };
        let (dx, dy) = (along(Vec2::X), along(Vec2::Y));
        let (mut sum, mut b_sum, mut bb_sum, mut ab_sum) = (0.0, 0.0, 0.0, 0.0);
        for (k, &(x, y)) in TAPS.iter().enumerate() {
            let offset = Vec2::new(x as f32, y as f32) * self.solve.stride * scale;
            let b = fetch(uv + dx * offset.x + dy * offset.y).w;
            let w = patch.weight[k];
            sum += w;
            b_sum += w * b;
            bb_sum += w * b * b;
            ab_sum += w * b * patch.luma[k];
        }
        let mean = b_sum / sum;
        let variance = (bb_sum / sum - mean * mean).max(0.0);
        let covariance = ab_sum / sum - mean * patch.mean;
        let ncc = covariance / ((patch.variance + 4e-5) * (variance + 4e-5)).sqrt();
        let difference = (fetch(uv).xyz() - patch.color).length();
        Some((1.0 - ncc) * (1.0 - self.solve.color_weight) + self.solve.color_weight * (difference * 4.0).min(1.0))
    }

    /// The middle of pixel `at`, level-0 px.
    pub fn middle(&self, at: IVec2) -> Vec2 {
        (at.as_vec2() + 0.5) * self.solve.scale
    }

    /// Cost 0..255 per pixel and depth, against the first `most` sources.
    pub fn sweep(&self, most: usize) -> Vec<u8> {
        let mut volume = Vec::new();
        for (x, y) in pixels(self.solve.width, self.solve.height) {
            let at = IVec2::new(x as i32, y as i32);
            let patch = self.patch(at);
            for d in 0..self.solve.depths {
                let rho = self.solve.rho_min + d as f32 * self.solve.rho_step;
                volume.push((self.cost(&patch, self.middle(at), rho, Vec2::ZERO, most) * 200.0).clamp(0.0, 255.0) as u8);
            }
        }
        volume
    }
}

/// The pairs as the shaders want them: always four.
pub fn pairs_buffer(pairs: &[PairGpu]) -> wgpu::Buffer {
    let four: [PairGpu; 4] = std::array::from_fn(|k| pairs.get(k).copied().unwrap_or(bytemuck::Zeroable::zeroed()));
    uniform(&GPU, "pairs", &four)
}

/// The luma of the sources as `scene/quads.wgsl` packs it.
pub fn packed(solve: &SolveGpu, pairs: &[PairGpu], level: &Colors) -> wgpu::Texture {
    let texture = Stack::<u32>::new(solve.quad_width, solve.quad_rows, pairs.len()).upload(wgpu::TextureFormat::R32Uint);
    let [x, y, _] = tiles(solve.quad_width, solve.quad_rows);
    run(
        "scene/quads.wgsl",
        "pack",
        &[
            (0, uniform(&GPU, "solve", solve).as_entire_binding()),
            (1, pairs_buffer(pairs).as_entire_binding()),
            (2, wgpu::BindingResource::TextureView(&array_view(&level.upload(COLORS)))),
            (4, wgpu::BindingResource::TextureView(&array_view(&texture))),
        ],
        [x, y, pairs.len() as u32],
    );
    texture
}

#[test]
fn pack_agrees_with_its_twin() {
    let stage = &*STAGE;
    // Camera 3, the smaller one, is a source: its last column and row are not those of the texture.
    for (i, level) in [(1, 0), (2, 1)] {
        let (solve, pairs, picture) = (stage.parameters(i, level), stage.pairs(i), &stage.levels[level as usize]);
        let texture = packed(&solve, &pairs, picture);
        for (s, pair) in pairs.iter().enumerate() {
            let layer = pair.size_layer[2] as usize;
            let size = stage.size(layer, level);
            let twin: Vec<f32> = pixels(solve.quad_width, solve.quad_rows)
                .flat_map(|(x, y)| {
                    [(0, 0), (1, 0), (0, 1), (1, 1)].map(|(dx, dy)| {
                        let at = IVec2::new((x + dx).min(size.0 - 1) as i32, (y + dy).min(size.1 - 1) as i32);
                        f32::from(picture.at(at, layer)[3])
                    })
                })
                .collect();
            let found: Vec<f32> =
                Stack::<u32>::read(&texture, s as u32).iter().flat_map(|word| word.to_le_bytes().map(f32::from)).collect();
            let mut wrong = twin.clone();
            wrong.rotate_left(1);
            let exact = Allowed { tolerance: 0.0, share: 0.0 };
            judge(&format!("pack, camera {i}, source {s}"), &found, &twin, exact, &[("texels in another order", wrong)]);
        }
    }
}

fn floats(volume: &[u8]) -> Vec<f32> {
    volume.iter().map(|v| f32::from(*v)).collect()
}

#[test]
fn sweep_agrees_with_its_twin() {
    let stage = &*STAGE;
    // (camera, level, stride, share of the second-best source): camera 3 is the smaller one, camera 0 has its neighbours on one side.
    for (i, level, stride, second_share, entry, most) in
        [(1, 1, 1.0, 0.35, "sweep", 2), (3, 1, 1.0, 0.2, "sweep", 2), (0, 0, 2.0, 0.0, "sweep", 2), (1, 1, 1.0, 0.35, "sweep_all", 4)]
    {
        let solve = SolveGpu { stride, second_share, ..stage.parameters(i, level) };
        let (pairs, picture) = (stage.pairs(i), &stage.levels[level as usize]);
        let volume = storage(&GPU, "volume", u64::from(solve.width * solve.height * solve.depths));
        run(
            "scene/sweep.wgsl",
            entry,
            &[
                (0, uniform(&GPU, "solve", &solve).as_entire_binding()),
                (1, pairs_buffer(&pairs).as_entire_binding()),
                (2, wgpu::BindingResource::TextureView(&array_view(&picture.upload(COLORS)))),
                (4, volume.as_entire_binding()),
                (8, wgpu::BindingResource::TextureView(&array_view(&packed(&solve, &pairs, picture)))),
            ],
            tiles(solve.width, solve.height),
        );
        let twin = |solve: SolveGpu, pairs: &[PairGpu]| floats(&Matcher { solve, pairs, level: picture }.sweep(most));
        let own = twin(solve, &pairs);
        // The twin is right on its own account: the least cost is mostly at the true depth.
        let hits = pixels(solve.width, solve.height)
            .filter(|&(x, y)| {
                let base = ((y * solve.width + x) * solve.depths) as usize;
                let costs = &own[base..base + solve.depths as usize];
                let best = (0..costs.len()).min_by(|a, b| costs[*a].total_cmp(&costs[*b])).unwrap();
                let truth = stage.truth.at(IVec2::new((x << level) as i32, (y << level) as i32), i)[0];
                (solve.rho_min + best as f32 * solve.rho_step - truth).abs() < 2.0 * solve.rho_per_px * solve.scale
            })
            .count();
        let share = hits as f64 / f64::from(solve.width * solve.height);
        assert!(share > 0.6, "camera {i}: only {share:.2} of the pixels find their depth");
        let mut moved = pairs.clone();
        moved[0].row_x[3] *= 1.03;
        judge(
            &format!("{entry}, camera {i}, level {level}"),
            &floats(&read::<u8>(&volume)),
            &own,
            Allowed { tolerance: 1.0, share: 0.002 },
            &[
                ("another weight of colour", twin(SolveGpu { color_weight: 0.2, ..solve }, &pairs)),
                ("a missing source", twin(SolveGpu { sources: most.min(pairs.len()) as u32 - 1, ..solve }, &pairs)),
                ("a baseline 3 % longer", twin(solve, &moved)),
                ("depths shifted by half a step", twin(SolveGpu { rho_min: solve.rho_min + 0.5 * solve.rho_step, ..solve }, &pairs)),
                ("another share of the second-best source", twin(SolveGpu { second_share: second_share + 0.2, ..solve }, &pairs)),
                ("another stride", twin(SolveGpu { stride: 3.0 - stride, ..solve }, &pairs)),
            ],
        );
    }
}
