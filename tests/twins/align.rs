//! Twins of shaders/view/weigh.wgsl and shaders/view/align.wgsl.

use glam::{IVec2, UVec2, Vec2};
use volte::{
    gpu::{storage, storage_init, uniform},
    scene::gpu_data::CameraGpu,
};

use crate::{
    bench::{Allowed, COLORS, Colors, DEPTHS, GPU, array_view, judge, read, run, tiles},
    camera::{camera_from_world, evened, fetch_cubic, luma_of, picture_px, working_px, world_from_camera},
    splat::{VIEWS, ViewStage, cameras_buffer},
    stage::{STAGE, pixels},
    vote::Surface,
    wgsl::{mix, smoothstep},
};

/// Px between the nodes of the grid.
pub const STEP: u32 = 8;

/// What a source counts for a point, before angle.
pub struct Weighed {
    pub visible: f32,
    /// By distance to the picture's border.
    pub feather: f32,
    /// Distance from the source's own surface, px of disparity.
    pub off_px: f32,
}

/// What the shader has as constants.
#[derive(Clone, Copy)]
struct Rules {
    rounds: usize,
    prior: f32,
    longest: f32,
    beside: f32,
    astray: f32,
}

const RULES: Rules = Rules { rounds: 2, prior: 2e-4, longest: 3.0, beside: 4.0, astray: 0.1 };

/// Luma and weight of every source and their mean, brought into the view.
struct Warped {
    /// Source by source.
    sources: Vec<[f32; 2]>,
    middle: Vec<[f32; 2]>,
}

/// Value, slope, weight.
type Sample = (f32, Vec2, f32);

/// Nodes of the grid over a view.
pub fn nodes(v: &ViewStage) -> (u32, u32) {
    (v.view.width / STEP + 2, v.view.height / STEP + 2)
}

impl ViewStage {
    /// Does something trusted stand clearly nearer within 1.5 px?
    fn in_band(&self, c: &CameraGpu, uv: Vec2, expected: f32) -> f32 {
        let hi = IVec2::new(c.working_size[0] as i32, c.working_size[1] as i32) - 1;
        let around = [(1.5, 0.0), (-1.5, 0.0), (0.0, 1.5), (0.0, -1.5), (1.06, 1.06), (-1.06, 1.06), (1.06, -1.06), (-1.06, -1.06)];
        let nearer = around
            .into_iter()
            .map(|o| {
                let q = (uv + Vec2::from(o)).floor().as_ivec2().clamp(IVec2::ZERO, hi);
                let [rho, confidence] = self.depths.at(q, c.size_kind_layer[3] as usize);
                (rho - expected) / c.working_size[2] * smoothstep(0.1, 0.5, confidence)
            })
            .fold(0.0, f32::max);
        smoothstep(3.0, 6.0, nearer)
    }

    /// `band`: what a source still counts in the boundary band.
    pub fn weigh(&self, c: &CameraGpu, (ideal, z): (Vec2, f32), px: Vec2, trust: f32, band: f32) -> Weighed {
        let size = Vec2::new(c.size_kind_layer[0], c.size_kind_layer[1]);
        let feather = smoothstep(-0.5, (0.02 * size.x).max(2.0), px.min(size - px).min_element());
        if self.view.plane_only == 1 {
            return Weighed { visible: 1.0, feather, off_px: 0.0 };
        }
        let uv = working_px(c, ideal);
        let (off_px, confidence) = self.judge(c, uv, 1.0 / z);
        let off_px = off_px.abs();
        let mut visible = (1.0 - smoothstep(1.0, 4.0, off_px)) * (0.15 + 0.85 * confidence) + 1e-4;
        visible *= mix(1.0, band, self.in_band(c, uv, 1.0 / z));
        visible = mix(1.0, visible, (trust.abs() / self.view.tune[3].max(1e-6)).clamp(0.0, 1.0));
        visible = mix(visible, 1.0, smoothstep(0.97, 0.999, c.working_size[3]));
        Weighed { visible, feather, off_px }
    }

    fn warp(&self, surface: &[Surface], pictures: &Colors, band: f32) -> Warped {
        let v = &self.view;
        let sources = &self.cameras[1..=v.sources as usize];
        let mut out = Warped { sources: vec![[0.0; 2]; self.pixel_count() * sources.len()], middle: vec![] };
        for (k, ((x, y), s)) in pixels(v.width, v.height).zip(surface).enumerate() {
            let z = 1.0 / s[0].clamp(v.rho_min, v.rho_max);
            let world = world_from_camera(&self.cameras[0], (self.ray(x, y) * z).extend(z));
            let (mut sum, mut total) = (0.0, 0.0);
            for (i, c) in sources.iter().enumerate() {
                let p = camera_from_world(c, world);
                if p.z <= 1e-6 {
                    continue;
                }
                let ideal = p.truncate() / p.z;
                let px = picture_px(c, ideal);
                let w = self.weigh(c, (ideal, p.z), px, 1.0, band);
                let coded = fetch_cubic(pictures, px, Vec2::new(c.size_kind_layer[0], c.size_kind_layer[1]), c.size_kind_layer[3] as usize);
                let said = [luma_of(evened(c, px, coded)), w.visible * w.feather];
                out.sources[i * self.pixel_count() + k] = said;
                sum += c.working_size[3] * said[1] * said[0];
                total += c.working_size[3] * said[1];
            }
            out.middle.push([sum / total.max(1e-12), total]);
        }
        out
    }

    /// Within the four pixels around `p` (whole numbers are the pixels' centres) of a plane of (value, weight).
    fn sample(&self, plane: &[[f32; 2]], p: Vec2) -> Sample {
        let hi = IVec2::new(self.view.width as i32, self.view.height as i32) - 1;
        let first = p.floor();
        let f = p - first;
        let at = |dx, dy| {
            let q = (first.as_ivec2() + IVec2::new(dx, dy)).clamp(IVec2::ZERO, hi);
            Vec2::from(plane[(q.y * (hi.x + 1) + q.x) as usize])
        };
        let (a, b, c, d) = (at(0, 0), at(1, 0), at(0, 1), at(1, 1));
        let (top, bottom) = (a.lerp(b, f.x), c.lerp(d, f.x));
        let said = top.lerp(bottom, f.y);
        (said.x, Vec2::new(mix(b.x - a.x, d.x - c.x, f.y), bottom.x - top.x), said.y)
    }

    /// The shift of a source at a node, and how much of the source there is.
    fn shift_of(&self, plane: &[[f32; 2]], middle: &[[f32; 2]], surface: &[Surface], at: IVec2, rules: Rules) -> (Vec2, f32) {
        let hi = IVec2::new(self.view.width as i32, self.view.height as i32) - 1;
        let rho = |q: IVec2| {
            let q = q.clamp(IVec2::ZERO, hi);
            surface[(q.y * (hi.x + 1) + q.x) as usize][0]
        };
        let around = || {
            (-4..=4).flat_map(|j| (-4..=4).map(move |i| IVec2::new(i, j))).filter(|o| o.length_squared() <= 16).map(|o| {
                let e = (rho(at + 2 * o) - rho(at)) / (rules.beside * self.cameras[1].working_size[2]);
                (at + 2 * o, (-2.0 * o.length_squared() as f32 / 16.0).exp() / (1.0 + e * e))
            })
        };
        let mut d = Vec2::ZERO;
        let mut seen = 0.0;
        for round in 0..rules.rounds {
            // Weight, slope, difference of every sample with the source moved by `d`.
            let samples: Vec<(f32, Vec2, f32)> = around()
                .map(|(q, near)| {
                    let m = self.sample(middle, q.as_vec2() + 0.5);
                    let t = self.sample(plane, q.as_vec2() + 0.5 + d);
                    let diff = m.0 - t.0;
                    (m.2 * t.2 * near / (1.0 + (diff / rules.astray).powi(2)), 0.5 * (m.1 + t.1), diff)
                })
                .collect();
            let total = 1e-6 + samples.iter().map(|s| s.0).sum::<f32>();
            if round == 0 {
                seen = total;
            }
            let mean = |of: &dyn Fn(Vec2, f32) -> f32| samples.iter().map(|s| s.0 * of(s.1, s.2)).sum::<f32>() / total;
            let (gx, gy, r) = (mean(&|g, _| g.x), mean(&|g, _| g.y), mean(&|_, r| r));
            let prior = rules.prior * (1.0 + 2.0 / total);
            let xx = mean(&|g, _| g.x * g.x) - gx * gx + prior;
            let xy = mean(&|g, _| g.x * g.y) - gx * gy;
            let yy = mean(&|g, _| g.y * g.y) - gy * gy + prior;
            let b = Vec2::new(mean(&|g, r| g.x * r) - gx * r, mean(&|g, r| g.y * r) - gy * r) - prior * d;
            d += Vec2::new(yy * b.x - xy * b.y, xx * b.y - xy * b.x) / (xx * yy - xy * xy).max(prior * prior);
            d *= (rules.longest / d.length().max(1e-6)).min(1.0);
        }
        (d, seen)
    }

    /// Per source and node, px of the view.
    fn align(&self, warped: &Warped, surface: &[Surface], rules: Rules) -> Vec<Vec2> {
        let (columns, rows) = nodes(self);
        let hi = UVec2::new(self.view.width, self.view.height) - 1;
        let sources: Vec<&[[f32; 2]]> = warped.sources.chunks(self.pixel_count()).collect();
        let mut out = vec![Vec2::ZERO; (columns * rows) as usize * sources.len()];
        for (k, (x, y)) in pixels(columns, rows).enumerate() {
            let at = (UVec2::new(x, y) * STEP).min(hi).as_ivec2();
            let found: Vec<(Vec2, f32)> = sources.iter().map(|p| self.shift_of(p, &warped.middle, surface, at, rules)).collect();
            let weights: Vec<f32> = self.cameras[1..].iter().zip(&found).map(|(c, f)| c.working_size[3] * f.1).collect();
            let mean = found.iter().zip(&weights).map(|(f, w)| *w * f.0).sum::<Vec2>() / (1e-6 + weights.iter().sum::<f32>());
            for (s, f) in found.iter().enumerate() {
                out[s * (columns * rows) as usize + k] = f.0 - mean;
            }
        }
        out
    }
}

fn flat(shifts: &[Vec2]) -> Vec<f32> {
    shifts.iter().flat_map(Vec2::to_array).collect()
}

#[test]
fn align_agrees_with_its_twin() {
    for v in &*VIEWS {
        let mut v = v.changed(|v| v.view.align_step = STEP);
        // Two cameras look a pixel beside what is said of them.
        v.cameras[1].lens[2] += 0.8;
        v.cameras[2].lens[3] -= 1.1;
        let surface = {
            let mut surface = v.some_surface();
            surface.iter_mut().filter(|s| s[0] <= 0.0).for_each(|s| *s = [0.22, -1.0]);
            surface
        };
        let count = v.pixel_count();
        let warped = storage(&GPU, "warped", count as u64 * 4 * 4);
        let middle = storage(&GPU, "middle", count as u64 * 8);
        let parameters = uniform(&GPU, "view", &v.view);
        let surface_buffer = storage_init(&GPU, "surface", &surface);
        run(
            "view/align.wgsl",
            "warp",
            &[
                (0, parameters.as_entire_binding()),
                (1, cameras_buffer(&v.cameras).as_entire_binding()),
                (2, wgpu::BindingResource::TextureView(&array_view(&v.depths.upload(DEPTHS)))),
                (3, surface_buffer.as_entire_binding()),
                (4, wgpu::BindingResource::TextureView(&array_view(&STAGE.pictures.upload(COLORS)))),
                (5, storage_init(&GPU, "rays", &v.rays).as_entire_binding()),
                (8, warped.as_entire_binding()),
                (9, middle.as_entire_binding()),
            ],
            tiles(v.view.width, v.view.height),
        );
        let found = Warped {
            sources: read::<[u16; 2]>(&warped)
                .into_iter()
                .map(|[luma, weight]| [4.0 * f32::from(luma) / 65535.0, f32::from(weight) / 65535.0])
                .collect(),
            middle: read(&middle),
        };
        let values = |w: &Warped| w.sources.iter().chain(&w.middle).flatten().copied().collect::<Vec<f32>>();
        let wrong = |change: fn(&mut ViewStage)| values(&v.changed(change).warp(&surface, &STAGE.pictures, 0.1));
        judge(
            "align: warp",
            &values(&found),
            &values(&v.warp(&surface, &STAGE.pictures, 0.1)),
            // Which of four depths is nearest may be a hair's breadth.
            Allowed { tolerance: 0.002, share: 0.003 },
            &[
                ("a picture shifted by half a px", wrong(|v| v.cameras[1].lens[2] += 0.5)),
                ("a source 5 % brighter", wrong(|v| v.cameras[1].gain[1] *= 1.05)),
                ("a rim that stays", wrong(|v| v.cameras[1].look[0] -= 0.4)),
                ("other weights of the sources", wrong(|v| v.cameras[2].working_size[3] *= 0.8)),
                ("no boundary band", values(&v.warp(&surface, &STAGE.pictures, 1.0))),
            ],
        );

        let (columns, rows) = nodes(&v);
        let shifts = storage(&GPU, "shifts", u64::from(columns * rows) * 4 * 8);
        run(
            "view/align.wgsl",
            "align",
            &[
                (0, parameters.as_entire_binding()),
                (1, cameras_buffer(&v.cameras).as_entire_binding()),
                (3, surface_buffer.as_entire_binding()),
                (8, warped.as_entire_binding()),
                (9, middle.as_entire_binding()),
                (10, shifts.as_entire_binding()),
            ],
            tiles(columns, rows),
        );
        // From the same planes: the rounding to 16 bits is none of this pass.
        let twin = v.align(&found, &surface, RULES);
        let wrong = |rules: Rules| flat(&v.align(&found, &surface, rules));
        judge(
            "align",
            &read::<f32>(&shifts),
            &flat(&twin),
            Allowed { tolerance: 0.01, share: 0.003 },
            &[
                ("nothing moved", vec![0.0; twin.len() * 2]),
                ("the wrong way", twin.iter().flat_map(|d| (-*d).to_array()).collect()),
                ("one round too few", wrong(Rules { rounds: 1, ..RULES })),
                ("ten times the prior", wrong(Rules { prior: 2e-3, ..RULES })),
                ("a shorter bound", wrong(Rules { longest: 0.2, ..RULES })),
                ("surroundings of any depth", wrong(Rules { beside: 1e6, ..RULES })),
                ("what differs counts the same", wrong(Rules { astray: 1e6, ..RULES })),
            ],
        );
        assert!(twin.iter().all(|d| d.is_finite() && d.length() <= 2.0 * RULES.longest), "a shift is out of bounds");
        // What was moved apart comes together.
        let mean_of =
            |s: usize| twin[s * (columns * rows) as usize..][..(columns * rows) as usize].iter().sum::<Vec2>() / (columns * rows) as f32;
        let apart = mean_of(0) - mean_of(1);
        println!("shifts of the two in the mean: {} and {}", mean_of(0), mean_of(1));
        assert!(apart.x.abs() > 0.05 && apart.y.abs() > 0.05, "nothing comes together: {apart}");
    }
}

#[test]
fn smooth_ground_and_a_source_alone_are_not_moved() {
    let v = VIEWS[1].changed(|v| v.view.align_step = STEP);
    let surface = vec![[0.22, 1.0]; v.pixel_count()];
    // One colour everywhere, a little brighter in every camera.
    let mut plain = STAGE.pictures.clone();
    for (i, layer) in plain.layers.iter_mut().enumerate() {
        layer.fill([90 + 3 * i as u8, 120, 80, 255]);
    }
    let moved = |v: &ViewStage, pictures: &Colors| v.align(&v.warp(&surface, pictures, 0.1), &surface, RULES);
    let longest = |shifts: &[Vec2]| shifts.iter().map(|d| d.length()).fold(0.0, f32::max);
    assert!(longest(&moved(&v, &plain)) < 0.02, "{}", longest(&moved(&v, &plain)));
    let alone = v.changed(|v| v.cameras[1..].iter_mut().zip([1.0, 0.0, 0.0, 0.0]).for_each(|(c, w)| c.working_size[3] = w));
    let shifts = moved(&alone, &STAGE.pictures);
    let first = &shifts[..shifts.len() / 4];
    assert!(longest(first) < 0.01, "{}", longest(first));
    // Else they are.
    assert!(longest(&moved(&v, &STAGE.pictures)) > 0.1);
}
