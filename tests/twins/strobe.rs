//! Twin of shaders/view/strobe.wgsl.

use glam::{IVec2, Vec2, Vec3};
use volte::{
    gpu::{storage_init, uniform},
    view::StrobeGpu,
};

use crate::{
    bench::{Allowed, COLORS, Colors, GPU, judge, read, run, tiles},
    camera::{linear_from_srgb, srgb_from_linear},
    splat::{VIEWS, ViewStage},
    stage::{noise, pixels},
    vote::Surface,
    wgsl::smoothstep,
};

#[derive(Clone)]
struct Strobe {
    step: StrobeGpu,
    so_far: Colors,
    other: Colors,
    surface: Vec<Surface>,
    other_surface: Vec<Surface>,
    base: Vec<Surface>,
    cover: Vec<f32>,
    moved: Vec2,
    before: Vec2,
}

impl Strobe {
    /// Code values, then the surface in units of 1e-3/m.
    fn twin(&self, v: &ViewStage) -> Vec<f32> {
        let hi = IVec2::new(v.view.width as i32, v.view.height as i32) - 1;
        let (mut colors, mut surfaces) = (vec![], vec![]);
        for (pixel, (x, y)) in pixels(v.view.width, v.view.height).enumerate() {
            let here = IVec2::new(x as i32, y as i32);
            let (mut moved, mut before) = (0.0, 0.0);
            for (j, i) in (-1..=1).flat_map(|j: i32| (-1..=1).map(move |i: i32| (j, i))) {
                let q = (here + IVec2::new(i, j)).clamp(IVec2::ZERO, hi);
                let at = (q.y * (hi.x + 1) + q.x) as usize;
                let w = ((2 - i.abs()) * (2 - j.abs())) as f32 / 16.0;
                let s = self.other_surface[at];
                let off = |low: f32| (s[0] - low) / self.step.unit;
                if s[1] >= 0.0 && s[0] > 0.0 {
                    moved += w * smoothstep(self.moved.x, self.moved.y, off(self.base[at][0]));
                }
                before += w * smoothstep(self.before.x, self.before.y, off(self.surface[at][0]));
            }
            let share = before * if self.step.layered == 1 { self.cover[pixel] } else { moved };
            let rgb: Vec3 =
                linear_from_srgb(self.so_far.load(here, 0).truncate()).lerp(linear_from_srgb(self.other.load(here, 0).truncate()), share);
            colors.extend((srgb_from_linear(rgb) * 255.0).to_array());
            surfaces.push(if share > 0.5 { self.other_surface[pixel][0] } else { self.surface[pixel][0] } * 1000.0);
        }
        colors.into_iter().chain(surfaces).collect()
    }

    fn run(&self, v: &ViewStage) -> Vec<f32> {
        let flat = |t: &wgpu::Texture| t.create_view(&wgpu::TextureViewDescriptor::default());
        let out = Colors::new(v.view.width, v.view.height, 1).upload(COLORS);
        let surface = storage_init(&GPU, "out", &vec![[0.0_f32; 2]; v.pixel_count()]);
        run(
            "view/strobe.wgsl",
            "strobe",
            &[
                (0, uniform(&GPU, "view", &v.view).as_entire_binding()),
                (3, wgpu::BindingResource::TextureView(&flat(&self.so_far.upload(COLORS)))),
                (4, wgpu::BindingResource::TextureView(&flat(&self.other.upload(COLORS)))),
                (5, storage_init(&GPU, "surface", &self.surface).as_entire_binding()),
                (6, wgpu::BindingResource::TextureView(&flat(&out))),
                (7, uniform(&GPU, "strobe", &self.step).as_entire_binding()),
                (8, storage_init(&GPU, "other", &self.other_surface).as_entire_binding()),
                (9, storage_init(&GPU, "base", &self.base).as_entire_binding()),
                (10, storage_init(&GPU, "cover", &self.cover).as_entire_binding()),
                (11, surface.as_entire_binding()),
            ],
            tiles(v.view.width, v.view.height),
        );
        let colors = Colors::read(&out, 0);
        assert!(colors.iter().all(|p| p[3] == 255), "a hole");
        let surfaces = read::<Surface>(&surface).into_iter().map(|s| s[0] * 1000.0);
        colors.iter().flat_map(|p| [p[0], p[1], p[2]]).map(f32::from).chain(surfaces).collect()
    }

    fn changed(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut other = self.clone();
        change(&mut other);
        other
    }
}

#[test]
fn strobe_agrees_with_its_twin() {
    let v = &VIEWS[1];
    let n = v.pixel_count() as u32;
    let colors = |seed: u32| {
        let mut c = Colors::new(v.view.width, v.view.height, 1);
        pixels(v.view.width, v.view.height)
            .for_each(|(x, y)| c.set(x, y, 0, [0, 1, 2, 3].map(|k| (noise(x / 2, y / 2, seed + k) * 255.0) as u8)));
        c
    };
    let unit = v.cameras[1].working_size[2];
    // Patches of every order of base, what is there already, and the other instant; some of it filled.
    let patches = |seed: u32, scale: f32| -> Vec<Surface> {
        (0..n)
            .map(|i| {
                let (x, y) = (i % v.view.width, i / v.view.width);
                let filled = noise(x / 6, y / 6, seed + 1) < 0.15;
                [0.2 + scale * unit * (noise(x / 9, y / 9, seed) * 8.0 + 0.4 * noise(x, y, seed)), if filled { -0.5 } else { 0.6 }]
            })
            .collect()
    };
    let base = patches(10, 0.5);
    let surface = base.iter().zip(patches(20, 1.0)).map(|(a, b)| if a[0] > b[0] { *a } else { b }).collect();
    let flat = Strobe {
        step: StrobeGpu { layered: 0, unit, pad_a: 0, pad_b: 0 },
        so_far: colors(70),
        other: colors(80),
        surface,
        other_surface: patches(30, 1.2),
        base,
        cover: (0..n).map(|i| noise(i / 5, 4, 4)).collect(),
        moved: Vec2::new(2.0, 4.0),
        before: Vec2::new(-1.0, 1.0),
    };
    for s in [flat.changed(|s| s.step.layered = 1), flat] {
        judge(
            "strobe",
            &s.run(v),
            &s.twin(v),
            Allowed { tolerance: 1.1, share: 0.003 },
            &[
                ("the other instant hidden by nothing", s.changed(|s| s.before = Vec2::new(-1e4, -9e3)).twin(v)),
                ("nearer and farther changed", s.changed(|s| std::mem::swap(&mut s.surface, &mut s.other_surface)).twin(v)),
                ("pictures changed", s.changed(|s| std::mem::swap(&mut s.so_far, &mut s.other)).twin(v)),
                (
                    "what was filled taken for what moved",
                    s.changed(|s| {
                        s.step.layered = 1 - s.step.layered;
                        s.other_surface.iter_mut().for_each(|o| o[1] = o[1].abs());
                    })
                    .twin(v),
                ),
            ],
        );
    }
}
