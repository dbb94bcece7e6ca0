//! Twin of shaders/view/specks.wgsl.

use glam::{IVec2, Vec3, Vec4Swizzles as _};
use volte::gpu::{storage_init, uniform};

use crate::{
    bench::{Allowed, COLORS, Colors, GPU, judge, run, tiles},
    splat::{VIEWS, ViewStage, cameras_buffer},
    stage::{noise, pixels},
    vote::Surface,
    wgsl::smoothstep,
};

/// What the shader has as constants.
#[derive(Clone, Copy)]
struct Rules {
    sure: f32,
    few: usize,
    many: usize,
}

const RULES: Rules = Rules { sure: 0.3, few: 3, many: 14 };
const APART: f32 = 0.16;
const WITHIN: f32 = 0.095;

fn distance(a: Vec3, b: Vec3) -> f32 {
    (a - b).abs().max_element()
}

/// Ground of two colours that meet in the middle, with noise; and on it specks of one, two and five pixels.
fn shaded(v: &ViewStage) -> Colors {
    let mut picture = Colors::new(v.view.width, v.view.height, 1);
    for (x, y) in pixels(v.view.width, v.view.height) {
        let ground = if x < v.view.width / 2 { [200.0, 120.0, 90.0] } else { [60.0, 110.0, 160.0] };
        let mut rgb = ground.map(|c: f32| (c + 16.0 * (noise(x, y, 70) - 0.5)) as u8);
        // The size of a speck by its cell of 8 px.
        let size = (noise(x / 8, y / 8, 71) * 4.0) as u32;
        let (i, j) = (x % 8, y % 8);
        let within = match size {
            1 => i == 3 && j == 3,
            2 => (3..5).contains(&i) && j == 3,
            3 => (2..7).contains(&i) && j == 3,
            _ => false,
        };
        if within {
            rgb = [25, 30, 28];
        }
        picture.set(x, y, 0, [rgb[0], rgb[1], rgb[2], 255]);
    }
    picture
}

impl ViewStage {
    /// Code values, and how many pixels were wiped.
    fn wipe(&self, shaded: &Colors, surface: &[Surface], rules: Rules) -> (Vec<f32>, usize) {
        let hi = IVec2::new(self.view.width as i32, self.view.height as i32) - 1;
        let sure = rules.sure * (1.0 - smoothstep(0.97, 0.999, self.cameras[1].working_size[3]));
        let mut wiped = 0;
        let mut wipe = |(x, y): (u32, u32), s: &Surface| {
            let at = IVec2::new(x as i32, y as i32);
            let own = shaded.load(at, 0).xyz();
            if s[1].max(0.0) >= sure {
                return own;
            }
            let around: Vec<Vec3> = (-2..=2)
                .flat_map(|j| (-2..=2).map(move |i| IVec2::new(i, j)))
                .map(|o| shaded.load((at + o).clamp(IVec2::ZERO, hi), 0).xyz())
                .collect();
            if around.iter().filter(|c| distance(**c, own) < APART).count() > rules.few + 1 {
                return own;
            }
            let mut middle = around.iter().sum::<Vec3>() / 25.0;
            for _ in 0..4 {
                let weight = |c: Vec3| 1.0 / (1.0 + (distance(c, middle) / WITHIN).powi(4));
                middle = around.iter().map(|c| weight(*c) * *c).sum::<Vec3>() / around.iter().map(|c| weight(*c)).sum::<f32>();
            }
            let ground: Vec<Vec3> = around.into_iter().filter(|c| distance(*c, middle) < WITHIN).collect();
            if ground.len() < rules.many || distance(own, middle) <= APART {
                return own;
            }
            wiped += 1;
            ground.iter().sum::<Vec3>() / ground.len() as f32
        };
        let values = pixels(self.view.width, self.view.height).zip(surface).flat_map(|(at, s)| (wipe(at, s) * 255.0).to_array()).collect();
        (values, wiped)
    }
}

#[test]
fn specks_agree_with_their_twin() {
    for v in &*VIEWS {
        let shaded = shaded(v);
        let mut surface = v.some_surface();
        for (k, s) in surface.iter_mut().enumerate() {
            // Filled, doubted, trusted by rows of specks.
            s[1] = [-1.0, 0.1, 0.25, 0.6][k / (v.view.width as usize * 8) % 4];
        }
        let alone = v.changed(|v| v.cameras[1].working_size[3] = 0.9995);
        for v in [v, &alone] {
            let out = Colors::new(v.view.width, v.view.height, 1).upload(COLORS);
            run(
                "view/specks.wgsl",
                "wipe",
                &[
                    (0, uniform(&GPU, "view", &v.view).as_entire_binding()),
                    (1, cameras_buffer(&v.cameras).as_entire_binding()),
                    (3, storage_init(&GPU, "surface", &surface).as_entire_binding()),
                    (4, wgpu::BindingResource::TextureView(&shaded.upload(COLORS).create_view(&wgpu::TextureViewDescriptor::default()))),
                    (6, wgpu::BindingResource::TextureView(&out.create_view(&wgpu::TextureViewDescriptor::default()))),
                ],
                tiles(v.view.width, v.view.height),
            );
            let pixels = Colors::read(&out, 0);
            assert!(pixels.iter().all(|p| p[3] == 255), "a hole");
            let found: Vec<f32> = pixels.iter().flat_map(|p| [p[0], p[1], p[2]]).map(f32::from).collect();
            let (twin, wiped) = v.wipe(&shaded, &surface, RULES);
            let as_shaded: Vec<f32> = shaded.layers[0].iter().flat_map(|p| [p[0], p[1], p[2]]).map(f32::from).collect();
            let allowed = Allowed { tolerance: 1.1, share: 0.0003 };
            if v.cameras[1].working_size[3] > 0.99 {
                assert!(wiped == 0 && found == as_shaded, "a camera's own picture is touched");
                continue;
            }
            assert!(wiped > 20, "{wiped} specks of the stage were wiped");
            let wrong = |rules: Rules| v.wipe(&shaded, &surface, rules).0;
            judge(
                "specks",
                &found,
                &twin,
                allowed,
                &[
                    ("nothing wiped", as_shaded),
                    ("trusted ones wiped", wrong(Rules { sure: 0.7, ..RULES })),
                    ("larger ones wiped", wrong(Rules { few: 5, ..RULES })),
                    ("only single ones wiped", wrong(Rules { few: 0, ..RULES })),
                ],
            );
        }
    }
}
