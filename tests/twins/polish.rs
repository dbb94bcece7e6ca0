//! Twin of shaders/view/polish.wgsl.

use glam::{IVec2, Vec2, Vec3, Vec4Swizzles as _};
use volte::{
    gpu::{storage, storage_init, uniform},
    scene::gpu_data::CameraGpu,
    view::PolishGpu,
};

use crate::{
    bench::{Allowed, COLORS, DEPTHS, GPU, array_view, judge, read, run, tiles},
    camera::{camera_from_world, picture_px, working_px, world_from_camera},
    splat::{VIEWS, ViewStage, cameras_buffer},
    stage::{STAGE, pixels},
    vote::{Surface, values},
    wgsl::smoothstep,
};

/// What the shader has as constants.
#[derive(Clone, Copy)]
struct Rules {
    sure: f32,
    upheld: f32,
    seen: f32,
}

const RULES: Rules = Rules { sure: 0.15, upheld: 0.4, seen: 0.6 };

/// Between the centres of the picture's pixels, held at its border.
fn bilinear(c: &CameraGpu, px: Vec2) -> Vec3 {
    let hi = IVec2::new(c.size_kind_layer[0] as i32, c.size_kind_layer[1] as i32) - 1;
    let base = (px - 0.5).floor();
    let t = px - 0.5 - base;
    let tap = |dx, dy| {
        let at = (base.as_ivec2() + IVec2::new(dx, dy)).clamp(IVec2::ZERO, hi);
        STAGE.pictures.load(at, c.size_kind_layer[3] as usize).xyz()
    };
    let row = |dy| tap(0, dy).lerp(tap(1, dy), t.x);
    row(0).lerp(row(1), t.y)
}

impl ViewStage {
    /// How much the pictures disagree over the patch moved by `delta`, and how much of the sources takes part.
    fn disagreement(&self, surface: &[Surface], here: IVec2, own: f32, delta: f32) -> (f32, f32) {
        let size = IVec2::new(self.view.width as i32, self.view.height as i32);
        let unit = self.cameras[1].working_size[2];
        let point = |q: IVec2, rho: f32| world_from_camera(&self.cameras[0], (self.ray(q.x as u32, q.y as u32) / rho).extend(1.0 / rho));
        let sources = &self.cameras[1..=self.view.sources as usize];
        let middle = point(here, own + delta);
        let shares: Vec<f32> = sources
            .iter()
            .map(|c| {
                let p = camera_from_world(c, middle);
                let uv = working_px(c, p.truncate() / p.z);
                let [w, h, _, weight] = c.working_size;
                if p.z <= 1e-6 || uv.cmplt(Vec2::ZERO).any() || uv.cmpge(Vec2::new(w, h)).any() {
                    return 0.0;
                }
                let (off_px, confidence) = self.judge(c, uv, 1.0 / p.z);
                (weight + 0.05) * (1.0 - smoothstep(1.5, 4.0, off_px) * smoothstep(0.05, 0.4, confidence))
            })
            .collect();
        let (mut sum, mut weights) = (0.0, 1e-6);
        for (dy, dx) in (-1..=1).flat_map(|j| (-1..=1).map(move |i| (j, i))) {
            let q = here + IVec2::new(dx, dy);
            if q.cmplt(IVec2::ZERO).any() || q.cmpge(size).any() {
                continue;
            }
            let there = surface[(q.y * size.x + q.x) as usize][0];
            let e = (there - own) / (3.0 * unit);
            let world = point(q, if e.abs() < 1.0 { there } else { own } + delta);
            let (mut mean, mut square, mut seen) = (Vec3::ZERO, 0.0, 1e-6);
            for (c, share) in sources.iter().zip(&shares).filter(|(_, share)| **share > 0.0) {
                let p = camera_from_world(c, world);
                let rgb = bilinear(c, picture_px(c, p.truncate() / p.z.max(1e-6))) * Vec3::from_slice(&c.gain).powf(1.0 / 2.4);
                mean += *share * rgb;
                square += share * rgb.length_squared();
                seen += share;
            }
            mean /= seen;
            let w = 1.0 / (1.0 + e * e) / (1.0 + 0.3 * (dx * dx + dy * dy) as f32);
            sum += w * (square / seen - mean.length_squared()).max(0.0).sqrt();
            weights += w;
        }
        (sum / weights, shares.iter().sum())
    }

    fn polish(&self, surface: &[Surface], step: PolishGpu, rules: Rules) -> Vec<Surface> {
        let hi = IVec2::new(self.view.width as i32, self.view.height as i32) - 1;
        let unit = self.cameras[1].working_size[2];
        pixels(self.view.width, self.view.height)
            .zip(surface)
            .map(|((x, y), own)| {
                if own[0] <= 0.0 || own[1] > rules.sure {
                    return *own;
                }
                let here = IVec2::new(x as i32, y as i32);
                let ray = self.ray(x, y);
                let (cost, seen) = self.disagreement(surface, here, own[0], 0.0);
                let mut best = (0.0, cost - rules.upheld * self.upheld_score(ray, own[0]));
                let around =
                    [1, 3].into_iter().flat_map(|far| [(1, 0), (-1, 0), (0, 1), (0, -1)].map(|d| IVec2::from(d) * far)).filter_map(|o| {
                        let q = (here + o * step.reach_px as i32).clamp(IVec2::ZERO, hi);
                        let delta = surface[(q.y * (hi.x + 1) + q.x) as usize][0] - own[0];
                        (0.25 * unit..=60.0 * unit).contains(&delta.abs()).then_some(delta)
                    });
                for delta in [-2.0, -1.0, 1.0, 2.0].map(|k| k * step.offset_px * unit).into_iter().chain(around) {
                    if own[0] + delta <= 0.0 {
                        continue;
                    }
                    let (cost, sees) = self.disagreement(surface, here, own[0], delta);
                    let total = cost - rules.upheld * self.upheld_score(ray, own[0] + delta);
                    if total < best.1 && sees > rules.seen * seen {
                        best = (delta, total);
                    }
                }
                [own[0] + best.0, own[1]]
            })
            .collect()
    }
}

#[test]
fn polish_agrees_with_its_twin() {
    let step = PolishGpu { reach_px: 3, offset_px: 0.5, pad_a: 0, pad_b: 0 };
    for v in &*VIEWS {
        let surface_in = v.some_surface();
        let surface = storage(&GPU, "surface", v.pixel_count() as u64 * 8);
        run(
            "view/polish.wgsl",
            "polish",
            &[
                (0, uniform(&GPU, "view", &v.view).as_entire_binding()),
                (1, cameras_buffer(&v.cameras).as_entire_binding()),
                (2, wgpu::BindingResource::TextureView(&array_view(&v.depths.upload(DEPTHS)))),
                (3, uniform(&GPU, "polish", &step).as_entire_binding()),
                (4, surface.as_entire_binding()),
                (5, storage_init(&GPU, "rays", &v.rays).as_entire_binding()),
                (6, storage_init(&GPU, "in", &surface_in).as_entire_binding()),
                (7, wgpu::BindingResource::TextureView(&array_view(&STAGE.pictures.upload(COLORS)))),
            ],
            tiles(v.view.width, v.view.height),
        );
        let twin = |step: PolishGpu, rules: Rules| values(&v.polish(&surface_in, step, rules));
        judge(
            "polish",
            &values(&read::<Surface>(&surface)),
            &twin(step, RULES),
            // A hair's breadth decides between two candidates.
            Allowed { tolerance: 0.01, share: 0.005 },
            &[
                ("as it was", values(&surface_in)),
                ("every pixel asked", twin(step, Rules { sure: 9.0, ..RULES })),
                ("pictures alone", twin(step, Rules { upheld: 0.0, ..RULES })),
                ("coarser steps", twin(PolishGpu { offset_px: 1.0, ..step }, RULES)),
                ("a longer reach", twin(PolishGpu { reach_px: 4, ..step }, RULES)),
                ("another gain", values(&v.changed(|v| v.cameras[2].gain = [1.6; 4]).polish(&surface_in, step, RULES))),
            ],
        );
    }
}
