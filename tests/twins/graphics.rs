//! Twin of shaders/view/graphics.wgsl.

use glam::{IVec2, Vec2, Vec3, Vec4};
use volte::{
    gpu::{storage_init, uniform},
    view::{DrawGpu, ShapeGpu},
};

use crate::{
    bench::{Allowed, COLORS, Colors, GPU, judge, run, tiles},
    camera::{camera_from_world, linear_from_srgb, srgb_from_linear},
    splat::{VIEWS, ViewStage, cameras_buffer},
    stage::{noise, pixels},
    vote::Surface,
    wgsl::{mix, smoothstep},
};

/// All that is drawn, and over what.
#[derive(Clone)]
struct Drawing {
    draw: DrawGpu,
    shapes: Vec<ShapeGpu>,
    points: Vec<[f32; 2]>,
    texels: Vec<[u32; 2]>,
    surface: Vec<Surface>,
    behind: Vec<Surface>,
    cover: Vec<f32>,
    shown: Colors,
    /// How many px nearer hides, and how many metres off the plane.
    nearer: Vec2,
    above_m: Vec2,
}

/// A place in a shape's plane, and its inverse depth.
#[derive(Clone, Copy)]
struct Hit {
    at: Vec2,
    rho: f32,
}

fn hit(ray: Vec2, [o, u, v]: [Vec3; 3]) -> Hit {
    let n = u.cross(v);
    let away = n.dot(o);
    let rho = n.dot(ray.extend(1.0)) / if away.abs() < 1e-9 { 1e-9 } else { away };
    let d = ray.extend(1.0) / rho - o;
    Hit { at: Vec2::new(d.dot(u), d.dot(v)), rho }
}

fn band(away: f32, half_width: f32, px: f32) -> f32 {
    ((away + half_width).min(0.5 * px) - (away - half_width).max(-0.5 * px)).clamp(0.0, px) / px
}

fn px_along(way: Vec2, dx: Vec2, dy: Vec2) -> f32 {
    Vec2::new(way.dot(dx), way.dot(dy)).length().max(1e-7)
}

impl Drawing {
    fn polygon(&self, first: usize, count: usize, p: Vec2, dx: Vec2, dy: Vec2) -> f32 {
        let points: Vec<Vec2> = self.points[first..first + count].iter().map(|p| Vec2::from(*p)).collect();
        let (mut nearest, mut away, mut within) = (1e30, Vec2::X, false);
        for i in 0..count {
            let (a, b) = (points[(i + count - 1) % count], points[i]);
            let edge = b - a;
            let q = p - a - edge * ((p - a).dot(edge) / edge.length_squared().max(1e-12)).clamp(0.0, 1.0);
            if q.length_squared() < nearest {
                nearest = q.length_squared();
                away = if nearest < 1e-12 { Vec2::new(edge.y, -edge.x) } else { q };
            }
            within ^= (a.y > p.y) != (b.y > p.y) && p.x < (b.x - a.x) * (p.y - a.y) / (b.y - a.y) + a.x;
        }
        let out = nearest.sqrt() * if within { 1.0 } else { -1.0 };
        (0.5 + out / px_along(away.normalize_or_zero(), dx, dy)).clamp(0.0, 1.0)
    }

    fn texel(&self, s: &ShapeGpu, at: IVec2) -> Vec4 {
        let [first, w, h, _] = s.texels;
        if at.cmplt(IVec2::ZERO).any() || at.x >= w as i32 || at.y >= h as i32 {
            return Vec4::ZERO;
        }
        let [a, b] = self.texels[first as usize + at.y as usize * w as usize + at.x as usize];
        Vec4::from([a & 0xffff, a >> 16, b & 0xffff, b >> 16].map(|v| v as f32 / 65535.0))
    }

    fn picture(&self, s: &ShapeGpu, p: Vec2, dx: Vec2, dy: Vec2) -> Vec4 {
        let mut sum = Vec4::ZERO;
        for k in 0..16 {
            let o = (Vec2::new((k & 3) as f32, (k >> 2) as f32) + 0.5) * 0.25 - 0.5;
            let q = p + o.x * dx + o.y * dy;
            let at = Vec2::new(q.x / s.size[0] * s.texels[1] as f32, (1.0 - q.y / s.size[1]) * s.texels[2] as f32) - 0.5;
            let (base, f) = (at.floor().as_ivec2(), at - at.floor());
            let row = |y| self.texel(s, base + IVec2::new(0, y)).lerp(self.texel(s, base + IVec2::new(1, y)), f.x);
            sum += row(0).lerp(row(1), f.y);
        }
        sum / 16.0
    }

    fn seen(&self, v: &ViewStage, here: IVec2, h: Hit, [hx, hy]: [Hit; 2], rays: [Vec2; 3], plane: [Vec3; 3]) -> f32 {
        let n = plane[1].cross(plane[2]);
        let away = n.dot(plane[0]);
        let hi = IVec2::new(v.view.width as i32, v.view.height as i32) - 1;
        let hides = |nearest: f32, ray: Vec2, rho: f32| {
            let above = (away - n.dot(ray.extend(1.0)) / nearest.max(1e-6)) * away.signum();
            smoothstep(self.nearer.x, self.nearer.y, (nearest - rho) / self.draw.unit) * smoothstep(self.above_m.x, self.above_m.y, above)
        };
        let index = |q: IVec2| (q.y * (hi.x + 1) + q.x) as usize;
        let (mut hidden, mut far) = (0.0, 0.0);
        for (j, i) in (-1..=1).flat_map(|j: i32| (-1..=1).map(move |i: i32| (j, i))) {
            let q = (here + IVec2::new(i, j)).clamp(IVec2::ZERO, hi);
            let w = ((2 - i.abs()) * (2 - j.abs())) as f32 / 16.0;
            let (i, j) = (i as f32, j as f32);
            let rho = h.rho + (hx.rho - h.rho) * i + (hy.rho - h.rho) * j;
            let ray = rays[0] + rays[1] * i + rays[2] * j;
            hidden += w * hides(self.surface[index(q)][0], ray, rho);
            far += w * hides(self.behind[index(q)][0], ray, rho);
        }
        if self.draw.layered == 0 { 1.0 - hidden } else { 1.0 - mix(far, hidden.max(far), self.cover[index(here)]) }
    }

    /// Code values.
    fn twin(&self, v: &ViewStage) -> Vec<f32> {
        let hi = IVec2::new(v.view.width as i32, v.view.height as i32) - 1;
        let ray = |x: i32, y: i32| {
            if v.view.has_rays == 1 {
                let q = IVec2::new(x, y).clamp(IVec2::ZERO, hi);
                return v.ray(q.x as u32, q.y as u32);
            }
            let lens = Vec4::from(v.cameras[0].lens);
            (Vec2::new(x as f32, y as f32) + 0.5 - Vec2::new(lens.z, lens.w)) / Vec2::new(lens.x, lens.y)
        };
        let mut out = vec![];
        for (x, y) in pixels(v.view.width, v.view.height) {
            let here = IVec2::new(x as i32, y as i32);
            let own = ray(here.x, here.y);
            let across = 0.5 * (ray(here.x + 1, here.y) - ray(here.x - 1, here.y));
            let down = 0.5 * (ray(here.x, here.y + 1) - ray(here.x, here.y - 1));
            let mut rgb = linear_from_srgb(self.shown.load(here, 0).truncate());
            let middle = here.as_vec2() + 0.5;
            for s in &self.shapes {
                if middle.x < s.bounds[0] || middle.y < s.bounds[1] || middle.x > s.bounds[2] || middle.y > s.bounds[3] {
                    continue;
                }
                let [origin, u, v_axis] = [s.origin, s.axis_u, s.axis_v].map(|a| Vec3::from_slice(&a));
                let o = camera_from_world(&v.cameras[0], origin);
                let plane = [o, camera_from_world(&v.cameras[0], origin + u) - o, camera_from_world(&v.cameras[0], origin + v_axis) - o];
                let [h, hx, hy] = [own, own + across, own + down].map(|r| hit(r, plane));
                if h.rho <= 1e-4 || hx.rho <= 1e-5 || hy.rho <= 1e-5 {
                    continue;
                }
                let (p, dx, dy) = (h.at, hx.at - h.at, hy.at - h.at);
                let r = p.length();
                let outwards = p / r.max(1e-9);
                let color = Vec3::from_slice(&s.color).extend(1.0);
                let light = match s.origin[3] as u32 {
                    0 => {
                        let along = band((p.x - 0.5 * s.size[0]).abs(), 0.5 * s.size[0], px_along(Vec2::X, dx, dy));
                        color * along * band(p.y.abs(), s.size[1], px_along(Vec2::Y, dx, dy))
                    }
                    1 => color * band((r - s.size[0]).abs(), s.size[1], px_along(outwards, dx, dy)),
                    2 => color * (0.5 + (s.size[0] - r) / px_along(outwards, dx, dy)).clamp(0.0, 1.0),
                    3 => color * self.polygon(s.size[0] as usize, s.size[1] as usize, p, dx, dy),
                    _ => self.picture(s, p, dx, dy),
                };
                let light = light * s.axis_u[3] * self.seen(v, here, h, [hx, hy], [own, across, down], plane);
                rgb = rgb * (1.0 - light.w) + light.truncate();
            }
            out.extend((srgb_from_linear(rgb) * 255.0).to_array());
        }
        out
    }

    fn changed(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut other = self.clone();
        change(&mut other);
        other
    }

    fn draw(&self, v: &ViewStage) -> Vec<f32> {
        let flat = |t: &wgpu::Texture| t.create_view(&wgpu::TextureViewDescriptor::default());
        let out = Colors::new(v.view.width, v.view.height, 1).upload(COLORS);
        run(
            "view/graphics.wgsl",
            "graphics",
            &[
                (0, uniform(&GPU, "view", &v.view).as_entire_binding()),
                (1, cameras_buffer(&v.cameras).as_entire_binding()),
                (3, storage_init(&GPU, "surface", &self.surface).as_entire_binding()),
                (4, storage_init(&GPU, "behind", &self.behind).as_entire_binding()),
                (5, storage_init(&GPU, "rays", &v.rays).as_entire_binding()),
                (6, wgpu::BindingResource::TextureView(&flat(&out))),
                (7, uniform(&GPU, "draw", &self.draw).as_entire_binding()),
                (8, wgpu::BindingResource::TextureView(&flat(&self.shown.upload(COLORS)))),
                (9, storage_init(&GPU, "shapes", &self.shapes).as_entire_binding()),
                (10, storage_init(&GPU, "points", &self.points).as_entire_binding()),
                (11, storage_init(&GPU, "texels", &self.texels).as_entire_binding()),
                (12, storage_init(&GPU, "cover", &self.cover).as_entire_binding()),
            ],
            tiles(v.view.width, v.view.height),
        );
        let pixels = Colors::read(&out, 0);
        assert!(pixels.iter().all(|p| p[3] == 255), "a hole");
        pixels.iter().flat_map(|p| [p[0], p[1], p[2]]).map(f32::from).collect()
    }
}

/// Every form: before, in and behind the ball, level and upright.
fn shapes() -> Vec<ShapeGpu> {
    let everywhere = [-1e6, -1e6, 1e6, 1e6];
    let shape = |form: f32, origin: [f32; 3], [u, v]: [[f32; 3]; 2], size: [f32; 2], opacity: f32| ShapeGpu {
        origin: [origin[0], origin[1], origin[2], form],
        axis_u: [u[0], u[1], u[2], opacity],
        axis_v: [v[0], v[1], v[2], 0.0],
        color: [0.9 - 0.2 * form, 0.2 * form, 0.4, 1.0],
        size: [size[0], size[1], 0.0, 0.0],
        texels: [3, 5, 4, 0],
        bounds: everywhere,
    };
    let (level, upright) = ([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]);
    vec![
        shape(3.0, [0.0, 0.0, -0.5], level, [2.0, 5.0], 0.6),
        // Far thinner than a pixel, and wider.
        shape(0.0, [-1.5, 1.2, 0.3], upright, [3.0, 0.004], 1.0),
        ShapeGpu { bounds: [3.0, 0.0, 60.0, 40.0], ..shape(0.0, [-1.2, -0.6, -0.3], level, [2.4, 0.06], 1.0) },
        shape(1.0, [0.15, 0.0, 0.05], level, [1.1, 0.05], 0.9),
        shape(2.0, [0.9, 1.0, 0.5], upright, [0.35, 0.0], 0.5),
        shape(4.0, [-0.9, 0.4, -0.2], upright, [0.9, 0.7], 0.8),
    ]
}

#[test]
fn graphics_agree_with_their_twin() {
    for v in &*VIEWS {
        let n = v.pixel_count() as u32;
        let mut shown = Colors::new(v.view.width, v.view.height, 1);
        pixels(v.view.width, v.view.height)
            .for_each(|(x, y)| shown.set(x, y, 0, [0, 1, 2, 3].map(|k| (noise(x / 3, y / 3, 40 + k) * 255.0) as u8)));
        let texels = (0..30_u32).map(|i| [noise(i, 1, 9), noise(i, 2, 9)].map(|v| (v * 4e9) as u32)).collect();
        let flat = Drawing {
            draw: DrawGpu { count: 6, layered: 0, unit: v.cameras[1].working_size[2], has_rays: v.view.has_rays },
            shapes: shapes(),
            points: [[9.0, 9.0]; 2].into_iter().chain([[-1.4, -1.0], [1.3, -1.2], [0.2, -0.3], [1.5, 1.1], [-1.2, 0.9]]).collect(),
            texels,
            surface: v.some_surface(),
            behind: (0..n).map(|i| [if noise(i / 7, 3, 3) < 0.2 { 0.3 } else { 0.18 }, 0.5]).collect(),
            cover: (0..n).map(|i| noise(i / 4, 8, 8)).collect(),
            shown,
            nearer: Vec2::new(1.5, 3.0),
            above_m: Vec2::new(0.06, 0.16),
        };
        for d in [flat.changed(|d| d.draw.layered = 1), flat] {
            judge(
                "graphics",
                &d.draw(v),
                &d.twin(v),
                Allowed { tolerance: 1.1, share: 0.004 },
                &[
                    ("a line 2 cm lower", d.changed(|d| d.shapes[1].origin[2] -= 0.02).twin(v)),
                    ("a ring of half the width", d.changed(|d| d.shapes[3].size[1] *= 0.5).twin(v)),
                    ("one corner of the plane elsewhere", d.changed(|d| d.points[4] = [0.1, -0.6]).twin(v)),
                    ("a picture upside down", d.changed(|d| d.texels[3..23].reverse()).twin(v)),
                    ("nothing hidden", d.changed(|d| d.nearer = Vec2::new(1e3, 2e3)).twin(v)),
                    ("hidden by what is a little above", d.changed(|d| d.above_m = Vec2::new(-1.0, -0.5)).twin(v)),
                    (
                        "hidden by what lies in it",
                        d.changed(|d| (d.nearer, d.above_m) = (Vec2::new(-3.0, -1.5), Vec2::new(-1.0, -0.5))).twin(v),
                    ),
                    ("a disc that covers", d.changed(|d| d.shapes[4].axis_u[3] = 1.0).twin(v)),
                ],
            );
        }
    }
}
