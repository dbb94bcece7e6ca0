//! Twin of shaders/view/veil.wgsl.

use glam::{IVec2, Vec4, Vec4Swizzles as _};
use volte::{
    gpu::{storage, storage_init, uniform},
    view::VeilGpu,
};

use crate::{
    bench::{Allowed, COLORS, Colors, GPU, judge, read, run, tiles},
    splat::{VIEWS, ViewStage, cameras_buffer},
    stage::{noise, pixels},
    vote::Surface,
    wgsl::smoothstep,
};

/// What the shader has as constants.
#[derive(Clone, Copy)]
struct Rules {
    trusted: f32,
    some: f32,
    sigma: f32,
    reach: i32,
}

const RULES: Rules = Rules { trusted: 0.3, some: 0.4, sigma: 3.0, reach: 7 };

impl Rules {
    fn doubt(self, s: Surface) -> f32 {
        1.0 - smoothstep(0.1, self.trusted, s[1].max(0.0))
    }

    fn gather(self, v: &ViewStage, of: VeilGpu, shaded: &Colors, surface: &[Surface]) -> Vec<Vec4> {
        let cell = |(i, j): (u32, u32)| {
            let inside = pixels(of.cell, of.cell).map(|(x, y)| (i * of.cell + x, j * of.cell + y));
            let inside: Vec<(u32, u32)> = inside.filter(|(x, y)| *x < v.view.width && *y < v.view.height).collect();
            let one = |&(x, y): &(u32, u32)| {
                let color = shaded.load(IVec2::new(x as i32, y as i32), 0).xyz().extend(1.0);
                self.doubt(surface[(y * v.view.width + x) as usize]) * color
            };
            inside.iter().map(one).sum::<Vec4>() / inside.len() as f32
        };
        pixels(of.width, of.height).map(cell).collect()
    }

    fn blur(self, of: VeilGpu, from: &[Vec4]) -> Vec<Vec4> {
        let cell = |(x, y): (u32, u32)| {
            let (mut sum, mut total) = (Vec4::ZERO, 0.0);
            for k in -self.reach..=self.reach {
                let (dx, dy) = if of.across == 1 { (k, 0) } else { (0, k) };
                let at = (IVec2::new(x as i32 + dx, y as i32 + dy)).clamp(IVec2::ZERO, IVec2::new(of.width as i32, of.height as i32) - 1);
                let w = (-0.5 * (k * k) as f32 / (self.sigma * self.sigma)).exp();
                sum += w * from[(at.y as u32 * of.width + at.x as u32) as usize];
                total += w;
            }
            sum / total
        };
        pixels(of.width, of.height).map(cell).collect()
    }

    fn lay(self, v: &ViewStage, of: VeilGpu, shaded: &Colors, surface: &[Surface], blurred: &[Vec4]) -> Vec<f32> {
        let at_camera = 1.0 - smoothstep(0.97, 0.999, v.cameras[1].working_size[3]);
        let cell = |x: f32, y: f32| blurred[(y as u32 * of.width + x as u32) as usize];
        let one = |((x, y), s): ((u32, u32), &Surface)| {
            let between = |at: u32, cells: u32| ((at as f32 + 0.5) / of.cell as f32 - 0.5).clamp(0.0, cells as f32 - 1.0);
            let (u, w) = (between(x, of.width), between(y, of.height));
            let (u1, w1) = ((u.floor() + 1.0).min(of.width as f32 - 1.0), (w.floor() + 1.0).min(of.height as f32 - 1.0));
            let top = cell(u.floor(), w.floor()).lerp(cell(u1, w.floor()), u.fract());
            let around = top.lerp(cell(u.floor(), w1).lerp(cell(u1, w1), u.fract()), w.fract());
            let share = smoothstep(self.some, 0.9, around.w) * self.doubt(*s) * at_camera;
            let own = shaded.load(IVec2::new(x as i32, y as i32), 0).xyz();
            own.lerp(around.xyz() / around.w.max(1e-6), share) * 255.0
        };
        pixels(v.view.width, v.view.height).zip(surface).flat_map(|p| one(p).to_array()).collect()
    }
}

/// Stripes with noise.
fn shaded(v: &ViewStage) -> Colors {
    let mut picture = Colors::new(v.view.width, v.view.height, 1);
    for (x, y) in pixels(v.view.width, v.view.height) {
        let ground = if (x / 5 + y / 7) % 2 == 0 { [220.0, 120.0, 60.0] } else { [40.0, 110.0, 180.0] };
        let rgb = ground.map(|c: f32| (c + 40.0 * (noise(x, y, 72) - 0.5)) as u8);
        picture.set(x, y, 0, [rgb[0], rgb[1], rgb[2], 255]);
    }
    picture
}

/// Blocks that are filled, doubted, half doubted and trusted, with single pixels of the contrary.
fn surface(v: &ViewStage) -> Vec<Surface> {
    let trust = |(x, y): (u32, u32)| {
        let block = if noise(x, y, 73) < 0.1 { noise(x, y, 74) } else { noise(x / 24, y / 24, 75) };
        [1.0, [-1.0, 0.05, 0.2, 0.6][(block * 3.99) as usize]]
    };
    pixels(v.view.width, v.view.height).map(trust).collect()
}

#[test]
fn the_veil_agrees_with_its_twin() {
    let floats = |cells: &[Vec4]| cells.iter().flat_map(Vec4::to_array).collect::<Vec<f32>>();
    let exact = Allowed { tolerance: 2e-5, share: 0.0 };
    for (v, cell) in VIEWS.iter().flat_map(|v| [(v, 1), (v, 3)]) {
        let (shaded, surface) = (shaded(v), surface(v));
        let of = VeilGpu { cell, width: v.view.width.div_ceil(cell), height: v.view.height.div_ceil(cell), across: 1 };
        let alone = v.changed(|v| v.cameras[1].working_size[3] = 0.9995);
        let (picture, trust) = (shaded.upload(COLORS), storage_init(&GPU, "surface", &surface));
        let picture = picture.create_view(&wgpu::TextureViewDescriptor::default());
        let view = uniform(&GPU, "view", &v.view);
        let small = || storage(&GPU, "veil", 16 * u64::from(of.width * of.height));
        let (gathered, across, down) = (small(), small(), small());
        run(
            "view/veil.wgsl",
            "gather",
            &[
                (0, view.as_entire_binding()),
                (3, trust.as_entire_binding()),
                (4, wgpu::BindingResource::TextureView(&picture)),
                (5, uniform(&GPU, "veil", &of).as_entire_binding()),
                (8, gathered.as_entire_binding()),
            ],
            tiles(of.width, of.height),
        );
        let twin = RULES.gather(v, of, &shaded, &surface);
        let bolder = Rules { trusted: 0.15, ..RULES };
        let everything: Vec<Surface> = vec![[1.0, 0.0]; surface.len()];
        judge(
            "veil gather",
            &read::<f32>(&gathered),
            &floats(&twin),
            exact,
            &[
                ("half doubted ones not doubted", floats(&bolder.gather(v, of, &shaded, &surface))),
                ("all doubted", floats(&RULES.gather(v, of, &shaded, &everything))),
            ],
        );
        let mut before = twin;
        for (step, from, to) in [(of, &gathered, &across), (VeilGpu { across: 0, ..of }, &across, &down)] {
            run(
                "view/veil.wgsl",
                "blur",
                &[(5, uniform(&GPU, "veil", &step).as_entire_binding()), (7, from.as_entire_binding()), (8, to.as_entire_binding())],
                tiles(of.width, of.height),
            );
            let twin = RULES.blur(step, &before);
            judge(
                "veil blur",
                &read::<f32>(to),
                &floats(&twin),
                exact,
                &[
                    ("nothing blurred", floats(&before)),
                    ("the other way", floats(&RULES.blur(VeilGpu { across: 1 - step.across, ..of }, &before))),
                    ("a sharper blur", floats(&Rules { sigma: 2.5, ..RULES }.blur(step, &before))),
                ],
            );
            before = twin;
        }
        for v in [v, &alone] {
            let out = Colors::new(v.view.width, v.view.height, 1).upload(COLORS);
            run(
                "view/veil.wgsl",
                "lay",
                &[
                    (0, view.as_entire_binding()),
                    (1, cameras_buffer(&v.cameras).as_entire_binding()),
                    (3, trust.as_entire_binding()),
                    (4, wgpu::BindingResource::TextureView(&picture)),
                    (5, uniform(&GPU, "veil", &of).as_entire_binding()),
                    (6, wgpu::BindingResource::TextureView(&out.create_view(&wgpu::TextureViewDescriptor::default()))),
                    (7, down.as_entire_binding()),
                ],
                tiles(v.view.width, v.view.height),
            );
            let found: Vec<f32> = Colors::read(&out, 0).iter().flat_map(|p| [p[0], p[1], p[2]]).map(f32::from).collect();
            let as_shaded: Vec<f32> = shaded.layers[0].iter().flat_map(|p| [p[0], p[1], p[2]]).map(f32::from).collect();
            if v.cameras[1].working_size[3] > 0.99 {
                assert_eq!(found, as_shaded, "a camera's own picture is touched");
                continue;
            }
            let trusted = surface.iter().zip(found.chunks(3).zip(as_shaded.chunks(3))).filter(|(s, _)| s[1] > 0.3);
            assert!(trusted.clone().count() > 100 && trusted.clone().all(|(_, (a, b))| a == b), "what is trusted is covered");
            let lay = |rules: Rules| rules.lay(v, of, &shaded, &surface, &before);
            judge(
                "veil",
                &found,
                &lay(RULES),
                Allowed { tolerance: 1.1, share: 0.0003 },
                &[
                    ("no veil", as_shaded),
                    ("half doubted ones left", lay(bolder)),
                    ("a veil that begins earlier", lay(Rules { some: 0.1, ..RULES })),
                    ("its colour not divided", {
                        let dim: Vec<Vec4> = before.iter().map(|c| (c.xyz() * 0.8).extend(c.w)).collect();
                        RULES.lay(v, of, &shaded, &surface, &dim)
                    }),
                ],
            );
        }
    }
}
