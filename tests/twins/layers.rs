//! Twins of shaders/scene/snap.wgsl, shaders/scene/carve.wgsl and shaders/view/compose.wgsl, which take a moment apart and put it together
//! again.

use glam::{IVec2, Vec2, Vec3};
use volte::{
    gpu::{storage_init, uniform},
    scene::{CarveGpu, SnapGpu, gpu_data::CameraGpu},
};

use crate::{
    bench::{Allowed, COLORS, Colors, DEPTHS, Depths, GPU, Stack, array_view, judge, read, run, tiles},
    camera::{camera_from_world, ideal_of_working, linear_from_srgb, picture_px, srgb_from_linear, working_px, world_from_camera},
    splat::{VIEWS, ViewStage, cameras_buffer},
    stage::{BALL, STAGE, noise, pixels},
    vote::Surface,
    wgsl::{mix, smoothstep},
};

/// The mattes of the ball, soft at the edge, with a hole and a speck; red counts.
fn mattes() -> Colors {
    let mut mattes = Colors::new(128, 96, 4);
    for (i, c) in STAGE.cameras.iter().enumerate() {
        let center = c.project(BALL.0).unwrap();
        let radius = c.lens.fx_px * BALL.1 / c.camera_from_world.apply(BALL.0).z;
        for (x, y) in pixels(c.width_px, c.height_px) {
            let away = (f64::from(x) + 0.5 - center.x).hypot(f64::from(y) + 0.5 - center.y);
            let mut matte = ((radius - away) / 3.0 + 0.5).clamp(0.0, 1.0);
            if (x / 9 + y / 7 + i as u32).is_multiple_of(17) {
                matte = 1.0 - matte;
            }
            mattes.set(x, y, i, [(matte * 255.0).round() as u8, 7, 9, 255]);
        }
    }
    mattes
}

fn size_of(c: &CameraGpu) -> Vec2 {
    Vec2::new(c.size_kind_layer[0], c.size_kind_layer[1])
}

/// Bilinear, clamped at the border of the picture.
fn matte_at(mattes: &Colors, c: &CameraGpu, px: Vec2) -> f32 {
    let q = px - 0.5;
    let (base, t) = (q.floor(), q - q.floor());
    let tap = |dx, dy| {
        let at = (base.as_ivec2() + IVec2::new(dx, dy)).clamp(IVec2::ZERO, size_of(c).as_ivec2() - 1);
        mattes.load(at, c.size_kind_layer[3] as usize).x
    };
    mix(mix(tap(0, 0), tap(1, 0), t.x), mix(tap(0, 1), tap(1, 1), t.x), t.y)
}

/// All that a snap of one camera reads.
struct Snap {
    /// The camera, then its neighbours.
    cameras: Vec<CameraGpu>,
    step: SnapGpu,
    depths: Depths,
    plates: Depths,
    plate_pictures: Colors,
    mattes: Colors,
    hull: f32,
    fringe: f32,
    ghosts: bool,
}

impl Snap {
    fn new(i: usize) -> Self {
        let stage = &*STAGE;
        let mut cameras = vec![stage.gpu_cameras[i]];
        cameras.extend(stage.gpu_cameras.iter().enumerate().filter(|(k, _)| *k != i).map(|(_, c)| *c));
        let mut plates = stage.truth.clone();
        let mut plate_pictures = Colors::new(128, 96, 4);
        for (k, layer) in plates.layers.iter_mut().enumerate() {
            for (p, d) in layer.iter_mut().enumerate() {
                // Here and there a ghost, nearer than what the moment sees.
                let ghost = noise(p as u32 / 8, 2, k as u32) < 0.1;
                *d = [if ghost { 0.32 } else { d[0].min(0.2) }, noise(p as u32, 1, k as u32)];
            }
            for (x, y) in pixels(128, 96) {
                plate_pictures.set(x, y, k, [1, 2, 3, if noise(x / 8, y / 8, k as u32) < 0.15 { 40 } else { 250 }]);
            }
        }
        let w = &stage.working[i];
        Self {
            cameras,
            step: SnapGpu { plate_lens: w.lens.map(|v| v as f32), plate_size: [w.width_px as f32, w.height_px as f32, i as f32, 3.0] },
            depths: stage.solved_depths(),
            plates,
            plate_pictures,
            mattes: mattes(),
            hull: 0.25,
            fringe: 3.0,
            ghosts: true,
        }
    }

    fn may_be(&self, ideal: Vec2, rho: f32, plate: f32) -> bool {
        if rho <= 0.0 || rho <= plate - self.cameras[0].working_size[2] {
            return false;
        }
        let world = world_from_camera(&self.cameras[0], (ideal / rho).extend(1.0 / rho));
        let least = self.cameras[1..].iter().filter_map(|c| {
            let p = camera_from_world(c, world);
            let px = picture_px(c, p.truncate() / p.z);
            let looks = p.z > 1e-6 && px.cmpge(Vec2::ZERO).all() && px.cmplt(size_of(c)).all();
            looks.then(|| matte_at(&self.mattes, c, px))
        });
        least.fold(1.0, f32::min) >= self.hull
    }

    /// Depth of the moment, and of its background, of the camera's pixels.
    fn twin(&self) -> Vec<f32> {
        let c = &self.cameras[0];
        let layer = c.size_kind_layer[3] as usize;
        let unit = c.working_size[2];
        let hi = IVec2::new(c.working_size[0] as i32, c.working_size[1] as i32) - 1;
        let mut out = Vec::new();
        for (x, y) in pixels(c.working_size[0] as u32, c.working_size[1] as u32) {
            let at = IVec2::new(x as i32, y as i32);
            let ideal = ideal_of_working(c, at.as_vec2() + 0.5);
            let px = picture_px(c, ideal);
            let own = self.depths.at(at, layer);
            let texel = px.floor().as_ivec2().clamp(IVec2::ZERO, size_of(c).as_ivec2() - 1);
            let found = self.plates.at(working_px(c, ideal).floor().as_ivec2().clamp(IVec2::ZERO, hi), layer);
            let ghost = self.ghosts && own[1] > 0.5 && own[0] < found[0] - 3.0 * unit;
            let known = self.plate_pictures.load(texel, layer).w >= 0.5 && !ghost;
            let plate = if known { found } else { [0.0; 2] };
            let (moment, behind) = if matte_at(&self.mattes, c, px) < 0.5 {
                let around = (0..8).map(|k| Vec2::from_angle(std::f32::consts::FRAC_PI_4 * k as f32));
                let beside = around.map(|way| matte_at(&self.mattes, c, px + self.fringe * way)).fold(0.0, f32::max);
                if beside >= 0.5 {
                    (if !known || own[0] > plate[0] - unit { own } else { plate }, plate)
                } else {
                    let takes = known && (own[0] - plate[0]).abs() > unit && (own[0] > plate[0] || plate[1] > own[1]);
                    let depth = if takes { plate } else { own };
                    (depth, depth)
                }
            } else if !known || self.may_be(ideal, own[0], plate[0]) {
                (own, plate)
            } else {
                let (mut best, mut most) = ([own[0], 0.3 * own[1]], 0.0);
                for r in [1.0, 2.0, 4.0, 8.0] {
                    for k in 0..8 {
                        let way = Vec2::from_angle(std::f32::consts::FRAC_PI_4 * k as f32) * r;
                        // Halves do not occur: 0.707 times a power of two.
                        let q = at + way.round().as_ivec2();
                        if q.cmplt(IVec2::ZERO).any() || q.cmpgt(hi).any() {
                            continue;
                        }
                        let other = self.depths.at(q, layer);
                        let weight = (other[1] * other[1] + 0.01) / r;
                        let in_matte = matte_at(&self.mattes, c, picture_px(c, ideal_of_working(c, q.as_vec2() + 0.5))) >= 0.5;
                        let before = other[0] > plate[0] + 2.0 * unit;
                        if weight > most && in_matte && before && self.may_be(ideal, other[0], plate[0]) {
                            (best, most) = ([other[0], 0.5 * other[1]], weight);
                        }
                    }
                }
                (best, plate)
            };
            out.extend(moment.into_iter().chain(behind));
        }
        out
    }

    fn changed(&self, change: impl FnOnce(&mut Self)) -> Vec<f32> {
        let mut other = Self {
            cameras: self.cameras.clone(),
            depths: self.depths.clone(),
            plates: self.plates.clone(),
            plate_pictures: self.plate_pictures.clone(),
            mattes: self.mattes.clone(),
            ..*self
        };
        change(&mut other);
        other.twin()
    }
}

#[test]
fn snap_agrees_with_its_twin() {
    // One with a distorted lens, one whose picture does not fill its layer.
    for i in [1, 3] {
        let snap = Snap::new(i);
        let outs = [Depths::new(64, 48, 4).upload(DEPTHS), Depths::new(64, 48, 4).upload(DEPTHS)];
        let cameras: [CameraGpu; 5] = std::array::from_fn(|k| snap.cameras.get(k).copied().unwrap_or(snap.cameras[0]));
        let views = [
            snap.depths.upload(DEPTHS),
            snap.plates.upload(DEPTHS),
            snap.plate_pictures.upload(COLORS),
            snap.mattes.upload(COLORS),
            outs[0].clone(),
            outs[1].clone(),
        ]
        .map(|t| array_view(&t));
        let (step, cameras) = (uniform(&GPU, "snap", &snap.step), uniform(&GPU, "cameras", &cameras));
        let mut resources = vec![(0, step.as_entire_binding()), (1, cameras.as_entire_binding())];
        resources.extend(views.iter().enumerate().map(|(k, v)| (k as u32 + 2, wgpu::BindingResource::TextureView(v))));
        let (w, h) = STAGE.size(i, 0);
        run("scene/snap.wgsl", "snap", &resources, tiles(w, h));
        let layers = outs.map(|t| Stack::<[f32; 2]>::read(&t, i as u32));
        let found: Vec<f32> = pixels(w, h).flat_map(|(x, y)| layers.each_ref().map(|d| d[(y * 64 + x) as usize])).flatten().collect();
        judge(
            "snap",
            &found,
            &snap.twin(),
            Allowed { tolerance: 1e-4, share: 0.004 },
            &[
                ("no visual hull", snap.changed(|s| s.hull = -1.0)),
                ("no fringe", snap.changed(|s| s.fringe = 0.0)),
                ("ghosts believed", snap.changed(|s| s.ghosts = false)),
                ("a plate that knows everything", snap.changed(|s| s.plate_pictures.layers[i].iter_mut().for_each(|p| p[3] = 255))),
                ("neighbours turned by 4°", snap.changed(|s| s.cameras[1..].iter_mut().for_each(|c| c.row_x[2] += 0.07))),
                ("a matte moved by 3 px", snap.changed(|s| s.mattes.layers[i].rotate_right(3))),
            ],
        );
    }
}

/// All that a carving of one camera reads.
#[derive(Clone)]
struct Carve {
    cameras: Vec<CameraGpu>,
    step: CarveGpu,
    depths: Depths,
    mattes: Colors,
    hull: f32,
    fringe: f32,
    moved: f32,
    steps: usize,
}

impl Carve {
    fn new(i: usize) -> Self {
        let snap = Snap::new(i);
        Self {
            cameras: snap.cameras,
            step: CarveGpu { rho_min: 0.05, rho_max: 0.6, neighbours: 3.0, pad_a: 0.0 },
            depths: snap.depths,
            mattes: snap.mattes,
            hull: 0.25,
            fringe: 4.0,
            moved: 0.3,
            steps: 64,
        }
    }

    fn may_be(&self, ideal: Vec2, rho: f32, least: f32) -> bool {
        let world = world_from_camera(&self.cameras[0], (ideal / rho).extend(1.0 / rho));
        let seen = self.cameras[1..].iter().filter_map(|c| {
            let p = camera_from_world(c, world);
            let px = picture_px(c, p.truncate() / p.z);
            let looks = p.z > 1e-6 && px.cmpge(Vec2::ZERO).all() && px.cmplt(size_of(c)).all();
            looks.then(|| matte_at(&self.mattes, c, px))
        });
        rho > 0.0 && seen.fold(1.0, f32::min) >= least
    }

    /// Depth of the moment, and of its backdrop, of the camera's pixels.
    fn twin(&self) -> Vec<f32> {
        let c = &self.cameras[0];
        let layer = c.size_kind_layer[3] as usize;
        let hi = IVec2::new(c.working_size[0] as i32, c.working_size[1] as i32) - 1;
        let ways = || (0..8).map(|k| Vec2::from_angle(std::f32::consts::FRAC_PI_4 * k as f32));
        let mut out = Vec::new();
        for (x, y) in pixels(c.working_size[0] as u32, c.working_size[1] as u32) {
            let at = IVec2::new(x as i32, y as i32);
            let ideal = ideal_of_working(c, at.as_vec2() + 0.5);
            let px = picture_px(c, ideal);
            let own = self.depths.at(at, layer);
            let is_backdrop = matte_at(&self.mattes, c, px) < 0.5;
            let beside = ways().map(|way| matte_at(&self.mattes, c, px + self.fringe * way)).fold(0.0, f32::max);
            if is_backdrop && beside < 0.5 {
                out.extend([0.0, 1.0, own[0], own[1]]);
                continue;
            }
            let least = if is_backdrop { 0.02_f32.min(self.hull) } else { self.hull };
            let depth = if self.may_be(ideal, own[0], least) {
                own
            } else {
                let (mut best, mut most) = ([0.0; 2], 0.0);
                for r in [1.0, 2.0, 4.0, 8.0] {
                    for way in ways() {
                        let q = at + (way * r).round().as_ivec2();
                        if q.cmplt(IVec2::ZERO).any() || q.cmpgt(hi).any() {
                            continue;
                        }
                        let other = self.depths.at(q, layer);
                        let weight = (other[1] * other[1] + 0.01) / r;
                        let in_matte = matte_at(&self.mattes, c, picture_px(c, ideal_of_working(c, q.as_vec2() + 0.5))) >= 0.5;
                        if weight > most && in_matte && self.may_be(ideal, other[0], least) {
                            (best, most) = ([other[0], self.moved * other[1]], weight);
                        }
                    }
                }
                if most <= 0.0 {
                    let mut nearest = 1e9;
                    for k in 0..self.steps {
                        let rho = mix(self.step.rho_min, self.step.rho_max, (k as f32 + 0.5) / self.steps as f32);
                        if (rho - own[0]).abs() < nearest && self.may_be(ideal, rho, least) {
                            (nearest, best) = ((rho - own[0]).abs(), [rho, 0.0]);
                        }
                    }
                }
                best
            };
            out.extend([depth[0], depth[1], 0.0, 0.0]);
        }
        out
    }

    fn changed(&self, change: impl FnOnce(&mut Self)) -> Vec<f32> {
        let mut other = self.clone();
        change(&mut other);
        other.twin()
    }
}

#[test]
fn carve_agrees_with_its_twin() {
    for i in [1, 3] {
        let carve = Carve::new(i);
        let outs = [Depths::new(64, 48, 4).upload(DEPTHS), Depths::new(64, 48, 4).upload(DEPTHS)];
        let cameras: [CameraGpu; 5] = std::array::from_fn(|k| carve.cameras.get(k).copied().unwrap_or(carve.cameras[0]));
        let views = [carve.depths.upload(DEPTHS), carve.mattes.upload(COLORS), outs[0].clone(), outs[1].clone()].map(|t| array_view(&t));
        let (step, cameras) = (uniform(&GPU, "carve", &carve.step), uniform(&GPU, "cameras", &cameras));
        let mut resources = vec![(0, step.as_entire_binding()), (1, cameras.as_entire_binding())];
        resources.extend(views.iter().enumerate().map(|(k, v)| (k as u32 + 2, wgpu::BindingResource::TextureView(v))));
        let (w, h) = STAGE.size(i, 0);
        run("scene/carve.wgsl", "carve", &resources, tiles(w, h));
        let layers = outs.map(|t| Stack::<[f32; 2]>::read(&t, i as u32));
        let found: Vec<f32> = pixels(w, h).flat_map(|(x, y)| layers.each_ref().map(|d| d[(y * 64 + x) as usize])).flatten().collect();
        judge(
            "carve",
            &found,
            &carve.twin(),
            Allowed { tolerance: 1e-4, share: 0.004 },
            &[
                ("no visual hull", carve.changed(|s| s.hull = -1.0)),
                ("no fringe", carve.changed(|s| s.fringe = 0.0)),
                ("what was moved is trusted", carve.changed(|s| s.moved = 1.0)),
                ("no search along the ray", carve.changed(|s| s.steps = 0)),
                ("neighbours turned by 4°", carve.changed(|s| s.cameras[1..].iter_mut().for_each(|c| c.row_x[2] += 0.07))),
                ("a matte moved by 3 px", carve.changed(|s| s.mattes.layers[i].rotate_right(3))),
            ],
        );
    }
}

impl ViewStage {
    /// Share of the pixels around that have a surface.
    fn company(&self, surface: &[Surface], at: IVec2, stride: i32) -> f32 {
        let hi = IVec2::new(self.view.width as i32, self.view.height as i32) - 1;
        let around = (0..49).map(|k| (at + IVec2::new(k % 7 - 3, k / 7 - 3) * stride).clamp(IVec2::ZERO, hi));
        around.filter(|q| surface[(q.y * (hi.x + 1) + q.x) as usize][1] >= 0.0).count() as f32 / 49.0
    }

    /// Share of the foreground before a plain backdrop.
    fn before_plain(&self, surface: &[Surface], mattes: &Colors, (at, world): (IVec2, Vec3), s: Surface) -> f32 {
        if s[1] < 0.0 {
            return smoothstep(0.6, 0.85, self.company(surface, at, 2).max(self.company(surface, at, 5)));
        }
        let seen = self.cameras[1..=self.view.sources as usize].iter().filter_map(|c| {
            let p = camera_from_world(c, world);
            let px = picture_px(c, p.truncate() / p.z);
            let looks = p.z > 1e-6 && c.working_size[3] >= 0.02 && px.cmpge(Vec2::ZERO).all() && px.cmplt(size_of(c)).all();
            looks.then(|| matte_at(mattes, c, px))
        });
        let kept = smoothstep(0.35, 0.65, self.company(surface, at, 2));
        smoothstep(0.0, 0.2, seen.fold(1.0, f32::min)) * mix(kept, 1.0, smoothstep(0.1, 0.3, s[1]))
    }

    /// Code values of the composed view with the share of the foreground after each, and how many pixels stay filled.
    fn compose(&self, surface: &[Surface], behind: &[Surface], shown: &Colors, background: &Colors, mattes: &Colors) -> (Vec<f32>, u32) {
        let v = &self.view;
        let (mut rgb, mut filled) = (vec![], 0);
        for (i, (x, y)) in pixels(v.width, v.height).enumerate() {
            let (s, b) = (surface[i], behind[i]);
            let at = IVec2::new(x as i32, y as i32);
            let own = shown.load(at, 0).truncate();
            let is_plain = v.plain_backdrop == 1;
            if !is_plain && (b[1] < 0.0 || b[0] <= 0.0) {
                filled += u32::from(s[1] < 0.0);
                rgb.extend((own * 255.0).extend(255.0).to_array());
                continue;
            }
            let z = 1.0 / s[0].clamp(v.rho_min, v.rho_max);
            let world = world_from_camera(&self.cameras[0], (self.ray(x, y) * z).extend(z));
            let (mut sum, mut total) = (1e-6, 1e-6);
            for c in &self.cameras[1..=v.sources as usize] {
                let p = camera_from_world(c, world);
                let px = picture_px(c, p.truncate() / p.z);
                if p.z > 1e-6 && px.cmpge(Vec2::ZERO).all() && px.cmplt(size_of(c)).all() {
                    sum += c.working_size[3] * matte_at(mattes, c, px);
                    total += c.working_size[3];
                }
            }
            let share = if s[1] < 0.0 { 0.0 } else { smoothstep(0.1, 0.6, sum / total) };
            let share = if is_plain { self.before_plain(surface, mattes, (at, world), s) } else { share };
            let share = mix(share, 1.0, smoothstep(0.97, 0.999, self.cameras[1].working_size[3]));
            let mixed: Vec3 = linear_from_srgb(background.load(at, 0).truncate()).lerp(linear_from_srgb(own), share);
            rgb.extend((srgb_from_linear(mixed) * 255.0).extend(share * 255.0).to_array());
        }
        (rgb, filled)
    }
}

#[test]
fn compose_agrees_with_its_twin() {
    let mattes = mattes();
    for v in &*VIEWS {
        let alone =
            |v: &mut ViewStage| v.cameras[1..].iter_mut().zip([0.985, 0.005, 0.005, 0.005]).for_each(|(c, w)| c.working_size[3] = w);
        for v in [v.clone(), v.changed(alone), v.changed(|v| v.view.plain_backdrop = 1)] {
            let mut surface = v.some_surface();
            surface.iter_mut().filter(|s| s[0] <= 0.0).for_each(|s| *s = [0.22, -1.0]);
            let behind: Vec<Surface> =
                (0..v.pixel_count() as u32).map(|i| if noise(i / 5, 3, 3) < 0.2 { [0.2, -1.0] } else { [0.2, 0.5] }).collect();
            let colors = |seed: u32| {
                let mut c = Colors::new(v.view.width, v.view.height, 1);
                pixels(v.view.width, v.view.height)
                    .for_each(|(x, y)| c.set(x, y, 0, [0, 1, 2, 3].map(|k| (noise(x, y, seed + k) * 255.0) as u8)));
                c
            };
            let (shown, background) = (colors(70), colors(80));
            let flat = |t: &wgpu::Texture| t.create_view(&wgpu::TextureViewDescriptor::default());
            let out = Colors::new(v.view.width, v.view.height, 1).upload(COLORS);
            let tally = storage_init(&GPU, "tally", &[0_u32; 2]);
            let cover = storage_init(&GPU, "cover", &vec![0.0_f32; v.pixel_count()]);
            run(
                "view/compose.wgsl",
                "compose",
                &[
                    (0, uniform(&GPU, "view", &v.view).as_entire_binding()),
                    (1, cameras_buffer(&v.cameras).as_entire_binding()),
                    (3, storage_init(&GPU, "surface", &surface).as_entire_binding()),
                    (4, storage_init(&GPU, "behind", &behind).as_entire_binding()),
                    (5, storage_init(&GPU, "rays", &v.rays).as_entire_binding()),
                    (6, wgpu::BindingResource::TextureView(&flat(&out))),
                    (7, tally.as_entire_binding()),
                    (8, wgpu::BindingResource::TextureView(&flat(&shown.upload(COLORS)))),
                    (9, wgpu::BindingResource::TextureView(&flat(&background.upload(COLORS)))),
                    (10, wgpu::BindingResource::TextureView(&array_view(&mattes.upload(COLORS)))),
                    (11, cover.as_entire_binding()),
                ],
                tiles(v.view.width, v.view.height),
            );
            let pixels = Colors::read(&out, 0);
            assert!(pixels.iter().all(|p| p[3] == 255), "a hole");
            let found: Vec<f32> = pixels
                .iter()
                .zip(read::<f32>(&cover))
                .flat_map(|(p, c)| [f32::from(p[0]), f32::from(p[1]), f32::from(p[2]), c * 255.0])
                .collect();
            let (twin, filled) = v.compose(&surface, &behind, &shown, &background, &mattes);
            let none = Colors::new(128, 96, 4);
            let other = v.changed(|v| v.view.plain_backdrop = 1 - v.view.plain_backdrop);
            let sure: Vec<Surface> = surface.iter().map(|s| [s[0], s[1].abs()]).collect();
            judge(
                "compose",
                &found,
                &twin,
                Allowed { tolerance: 1.1, share: 0.003 },
                &[
                    ("empty mattes", v.compose(&surface, &behind, &shown, &background, &none).0),
                    ("holes shown as they were filled", v.compose(&sure, &behind, &shown, &background, &mattes).0),
                    (
                        "a source moved by 5 cm",
                        v.changed(|v| v.cameras[1].row_x[3] += 0.05).compose(&surface, &behind, &shown, &background, &mattes).0,
                    ),
                    ("the other kind of backdrop", other.compose(&surface, &behind, &shown, &background, &mattes).0),
                    ("another background", v.compose(&surface, &behind, &shown, &shown, &mattes).0),
                ],
            );
            assert_eq!(read::<u32>(&tally)[0], filled, "filled pixels");
            assert!(filled > 0 || v.view.plain_backdrop == 1);
        }
    }
}
