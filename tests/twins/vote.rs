//! Twins of shaders/view/vote.wgsl, uphold.wgsl and settle.wgsl.

use glam::{IVec2, Vec2, Vec3, Vec4Swizzles as _};
use volte::gpu::{storage, storage_init, uniform};

use crate::{
    bench::{Allowed, COLORS, DEPTHS, GPU, array_view, judge, read, run, tiles},
    camera::{camera_from_world, evened, picture_px, working_px, world_from_camera},
    splat::{VIEWS, ViewStage, cameras_buffer},
    stage::{STAGE, noise, pixels},
    wgsl::{mix, smoothstep},
};

/// Inverse depth (0 = none) and trust (negative = filled).
pub type Surface = [f32; 2];

struct Candidate {
    rho: f32,
    score: f32,
    trust: f32,
}

impl ViewStage {
    /// What the sources say of the point at inverse depth `rho` on a ray of the target.
    fn candidate(&self, ray: Vec2, rho: f32) -> Candidate {
        let world = world_from_camera(&self.cameras[0], (ray / rho).extend(1.0 / rho));
        let (mut support, mut conflict, mut witnesses) = (0.0, 0.0, 0.03);
        let (mut seen, mut mean, mut square) = (1e-6, Vec3::ZERO, 0.0);
        for c in &self.cameras[1..=self.view.sources as usize] {
            let p = camera_from_world(c, world);
            if p.z <= 1e-6 {
                continue;
            }
            let ideal = p.truncate() / p.z;
            let uv = working_px(c, ideal);
            let [w, h, _, weight] = c.working_size;
            if uv.cmplt(Vec2::ZERO).any() || uv.cmpge(Vec2::new(w, h)).any() {
                continue;
            }
            let (off_px, confidence) = self.judge(c, uv, 1.0 / p.z);
            let near = 1.0 - smoothstep(0.8, 3.0, off_px.abs());
            support += weight * near * (0.1 + confidence);
            if off_px < 3.0 {
                witnesses += weight;
            }
            if off_px < -2.0 {
                conflict += weight * confidence;
            }
            if near > 0.0 {
                let size = IVec2::new(c.size_kind_layer[0] as i32, c.size_kind_layer[1] as i32);
                let at = picture_px(c, ideal).as_ivec2().clamp(IVec2::ZERO, size - 1);
                let rgb = evened(c, at.as_vec2() + 0.5, STAGE.pictures.load(at, c.size_kind_layer[3] as usize).xyz());
                let share = (weight + 0.02) * near;
                seen += share;
                mean += share * rgb;
                square += share * rgb.length_squared();
            }
        }
        mean /= seen;
        let spread = (square / seen - mean.length_squared()).max(0.0).sqrt();
        let [_, conflict_weight, color_weight, _] = self.view.tune;
        let upheld = support - conflict_weight * conflict;
        Candidate { rho, score: upheld - color_weight * (spread * 5.0).min(1.0) * support, trust: upheld / witnesses }
    }

    /// The score alone.
    pub fn upheld_score(&self, ray: Vec2, rho: f32) -> f32 {
        self.candidate(ray, rho).score
    }

    fn vote(&self, splats: &[f32]) -> Vec<Surface> {
        pixels(self.view.width, self.view.height)
            .enumerate()
            .map(|(pixel, (x, y))| {
                if self.view.plane_only == 1 {
                    return [self.view.rho_pivot, 1.0];
                }
                let ray = self.ray(x, y);
                let offered: Vec<Candidate> = (0..self.view.sources as usize)
                    .map(|s| splats[s * self.pixel_count() + pixel])
                    .filter(|rho| *rho > 0.0)
                    .map(|rho| self.candidate(ray, rho))
                    .collect();
                let best = offered.iter().map(|c| c.score).fold(-1e9, f32::max);
                offered
                    .iter()
                    .filter(|c| c.score >= best - (self.view.tune[0] * best.abs()).max(0.005))
                    .max_by(|a, b| a.rho.total_cmp(&b.rho))
                    .map_or([0.0; 2], |c| [c.rho, c.trust.max(0.001)])
            })
            .collect()
    }

    /// The trust of a pixel among its surroundings.
    fn weighed(&self, surface: &[Surface], here: IVec2, own: Surface) -> f32 {
        let size = IVec2::new(self.view.width as i32, self.view.height as i32);
        let unit = self.cameras[1].working_size[2];
        let (mut asked, mut like, mut trust) = (1e-6, 1e-6, 0.0);
        for o in (-3..=3).flat_map(|j| (-3..=3).map(move |i| IVec2::new(i, j))) {
            let q = here + o * 2;
            if o == IVec2::ZERO || q.cmplt(IVec2::ZERO).any() || q.cmpge(size).any() {
                continue;
            }
            let [rho, said] = surface[(q.y * size.x + q.x) as usize];
            let w = 1.0 / (1.0 + ((rho - own[0]) / (3.0 * unit)).powi(2));
            asked += 1.0;
            like += w;
            trust += w * said.max(0.0);
        }
        let doubted = own[1].min(trust / like) * smoothstep(0.1, 0.7, like / asked);
        if own[1] < 0.0 { own[1] } else { mix(doubted, own[1], smoothstep(0.5, 0.9, own[1])).max(0.0) }
    }

    fn settle(&self, surface: &[Surface], stride: i32, weigh: bool, sure: f32) -> Vec<Surface> {
        let size = IVec2::new(self.view.width as i32, self.view.height as i32);
        let unit = self.cameras[1].working_size[2];
        pixels(self.view.width, self.view.height)
            .zip(surface)
            .map(|((x, y), own)| {
                if own[0] <= 0.0 {
                    return *own;
                }
                let finished = |s: Surface| {
                    if weigh { [s[0], self.weighed(surface, IVec2::new(x as i32, y as i32), s)] } else { s }
                };
                // Inverse depth and weight of those around that have a surface, the pixel itself among them.
                let mut around = vec![];
                let mut own_index = 0;
                for (j, i) in (-2..=2).flat_map(|j| (-2..=2).map(move |i| (j, i))) {
                    let q = IVec2::new(x as i32, y as i32) + IVec2::new(i, j) * stride;
                    if q.cmplt(IVec2::ZERO).any() || q.cmpge(size).any() {
                        continue;
                    }
                    let [rho, trust] = surface[(q.y * size.x + q.x) as usize];
                    if rho > 0.0 {
                        if (i, j) == (0, 0) {
                            own_index = around.len();
                        }
                        around.push((rho, (trust.clamp(0.0, 1.0).powi(2) + 0.01) * (-0.12 * (i * i + j * j) as f32).exp()));
                    }
                }
                let total: f32 = around.iter().map(|a| a.1).sum();
                // (support, mean) of each.
                let upheld: Vec<(f32, f32)> = around
                    .iter()
                    .map(|(rho, _)| {
                        let (sum, sum_rho) = around.iter().fold((0.0, 0.0), |(s, r), (other, weight)| {
                            let w = weight / (1.0 + ((other - rho) / (1.5 * unit)).powi(2));
                            (s + w, r + w * other)
                        });
                        (sum, sum_rho / sum)
                    })
                    .collect();
                let best_of = |usable: &dyn Fn(usize) -> bool| {
                    (0..around.len()).filter(|k| usable(*k)).fold(own_index, |b, k| if upheld[k].0 > upheld[b].0 { k } else { b })
                };
                let first = best_of(&|_| true);
                if own[1] > sure || upheld[own_index].0 >= 0.9 * upheld[first].0 {
                    return finished(*own);
                }
                let second = best_of(&|k| (around[k].0 - around[first].0).abs() > 3.0 * unit);
                let ray = self.ray(x, y);
                let mut best = (*own, self.candidate(ray, own[0]).score + 0.3 * upheld[own_index].0 / total);
                for k in [first, second] {
                    let (support, mean) = upheld[k];
                    if (mean - own[0]).abs() > 0.5 * unit {
                        let c = self.candidate(ray, mean);
                        if c.score + 0.3 * support / total > best.1 {
                            let filled = own[1] < 0.0 && c.trust <= 0.0;
                            best = ([mean, if filled { own[1] } else { c.trust.max(0.001) }], c.score + 0.3 * support / total);
                        }
                    }
                }
                finished(best.0)
            })
            .collect()
    }

    fn mend(&self, surface: &[Surface]) -> Vec<Surface> {
        if self.view.plane_only == 1 {
            return surface.to_vec();
        }
        let size = IVec2::new(self.view.width as i32, self.view.height as i32);
        let unit = self.cameras[1].working_size[2];
        let at = |p: IVec2| (p.cmpge(IVec2::ZERO).all() && p.cmplt(size).all()).then(|| surface[(p.y * size.x + p.x) as usize]);
        pixels(self.view.width, self.view.height)
            .map(|(x, y)| {
                let here = IVec2::new(x as i32, y as i32);
                let own = surface[(y * self.view.width + x) as usize];
                if own[0] > 0.0 {
                    let mut around: Vec<f32> =
                        (0..9).filter_map(|k| at(here + IVec2::new(k % 3 - 1, k / 3 - 1))).map(|s| s[0]).filter(|rho| *rho > 0.0).collect();
                    around.sort_by(f32::total_cmp);
                    let median = around[around.len() / 2];
                    return [if (median - own[0]).abs() > unit { median } else { own[0] }, own[1]];
                }
                // The first surface in each of eight directions: inverse depth and steps to it.
                let found: Vec<(f32, f32)> = [(1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1)]
                    .into_iter()
                    .filter_map(|dir| {
                        (1..=96)
                            .map_while(|r| at(here + IVec2::from(dir) * r).map(|s| (s, r as f32)))
                            .find(|(s, _)| s[0] > 0.0 && s[1] > 0.02)
                    })
                    .map(|(s, r)| (s[0], r))
                    .collect();
                let far = found.iter().map(|f| f.0).fold(1e9, f32::min);
                let behind = found.iter().filter(|f| f.0 < far + 3.0 * unit);
                let (sum, weight) = behind.fold((0.0, 0.0), |(s, w), (rho, r)| (s + rho / r, w + 1.0 / r));
                [if weight > 0.0 { sum / weight } else { self.view.rho_pivot }, -1.0]
            })
            .collect()
    }

    /// A surface with outliers and a hole, as a vote leaves it.
    pub fn some_surface(&self) -> Vec<Surface> {
        let mut surface = self.vote(&self.scatter());
        for ((x, y), s) in pixels(self.view.width, self.view.height).zip(&mut surface) {
            if noise(x, y, 90) < 0.05 {
                s[0] *= 0.7 + 0.6 * noise(x, y, 91);
            }
            let in_hole = (20..33).contains(&x) && (14..22).contains(&y);
            if in_hole || noise(x, y, 92) < 0.05 {
                *s = [0.0; 2];
            }
            if noise(x / 4, y / 4, 93) < 0.2 {
                s[1] = s[1].min(0.04);
            }
        }
        surface
    }
}

/// Inverse depths in units of 1e-3/m, then trust.
pub fn values(surface: &[Surface]) -> Vec<f32> {
    surface.iter().map(|s| s[0] * 1000.0).chain(surface.iter().map(|s| s[1])).collect()
}

#[test]
fn vote_agrees_with_its_twin() {
    for v in &*VIEWS {
        let splats = v.scatter();
        let surface = storage(&GPU, "surface", v.pixel_count() as u64 * 8);
        let run_vote = |view: &volte::view::ViewGpu| {
            run(
                "view/vote.wgsl",
                "vote",
                &[
                    (0, uniform(&GPU, "view", view).as_entire_binding()),
                    (1, cameras_buffer(&v.cameras).as_entire_binding()),
                    (2, wgpu::BindingResource::TextureView(&array_view(&v.depths.upload(DEPTHS)))),
                    (3, storage_init(&GPU, "splats", &splats).as_entire_binding()),
                    (4, surface.as_entire_binding()),
                    (5, storage_init(&GPU, "rays", &v.rays).as_entire_binding()),
                    (7, wgpu::BindingResource::TextureView(&array_view(&STAGE.pictures.upload(COLORS)))),
                ],
                tiles(view.width, view.height),
            );
            read::<Surface>(&surface)
        };
        let found = run_vote(&v.view);
        let wrong = |change: fn(&mut ViewStage)| values(&v.changed(change).vote(&splats));
        judge(
            "vote",
            &values(&found),
            &values(&v.vote(&splats)),
            // A hair's breadth decides which texel is nearest, and whether a candidate is near enough to the best.
            Allowed { tolerance: 0.01, share: 0.002 },
            &[
                ("another weight of conflict", wrong(|v| v.view.tune[1] = 0.4)),
                ("another weight of colour", wrong(|v| v.view.tune[2] = 0.3)),
                ("always the best", wrong(|v| v.view.tune[0] = 0.0)),
                ("a source with another weight", wrong(|v| v.cameras[2].working_size[3] *= 1.2)),
                ("a pose off by 2 cm", wrong(|v| v.cameras[1].row_x[3] += 0.02)),
            ],
        );
        let plane = volte::view::ViewGpu { plane_only: 1, ..v.view };
        assert!(run_vote(&plane).iter().all(|s| *s == [v.view.rho_pivot, 1.0]), "cross-fade is not on the pivot's plane");
    }
}

/// Trust above which a pixel is not asked.
const SURE: f32 = 0.15;

#[test]
fn settle_agrees_with_its_twin() {
    for v in &*VIEWS {
        // Holes, and holes that were filled.
        let mut surface_in = v.some_surface();
        surface_in.iter_mut().step_by(3).filter(|s| s[0] <= 0.0).for_each(|s| *s = [0.2, -1.0]);
        let surface = storage(&GPU, "surface", v.pixel_count() as u64 * 8);
        for (stride, weigh) in [(1, false), (2, false), (1, true)] {
            run(
                "view/settle.wgsl",
                "settle",
                &[
                    (0, uniform(&GPU, "view", &v.view).as_entire_binding()),
                    (1, cameras_buffer(&v.cameras).as_entire_binding()),
                    (2, wgpu::BindingResource::TextureView(&array_view(&v.depths.upload(DEPTHS)))),
                    (3, uniform(&GPU, "settle", &[stride as u32, u32::from(weigh), 0, 0]).as_entire_binding()),
                    (4, surface.as_entire_binding()),
                    (5, storage_init(&GPU, "rays", &v.rays).as_entire_binding()),
                    (6, storage_init(&GPU, "in", &surface_in).as_entire_binding()),
                    (7, wgpu::BindingResource::TextureView(&array_view(&STAGE.pictures.upload(COLORS)))),
                ],
                tiles(v.view.width, v.view.height),
            );
            let found: Vec<Surface> = read(&surface);
            let wrong = |change: fn(&mut ViewStage)| values(&v.changed(change).settle(&surface_in, stride, weigh, SURE));
            judge(
                "settle",
                &values(&found),
                &values(&v.settle(&surface_in, stride, weigh, SURE)),
                // A hair's breadth decides between two candidates.
                Allowed { tolerance: 0.01, share: 0.005 },
                &[
                    ("as it was", values(&surface_in)),
                    ("finer steps of depth", wrong(|v| v.cameras[1].working_size[2] *= 0.7)),
                    ("every pixel asked", values(&v.settle(&surface_in, stride, weigh, 9.0))),
                    ("trust weighed or not", values(&v.settle(&surface_in, stride, !weigh, SURE))),
                    ("a larger stride", values(&v.settle(&surface_in, stride + 1, weigh, SURE))),
                ],
            );
        }
    }
}

#[test]
fn mend_agrees_with_its_twin() {
    for v in &*VIEWS {
        // A whole one, and one on which nothing is known.
        for surface_in in [v.some_surface(), vec![[0.0; 2]; v.pixel_count()]] {
            let surface = storage(&GPU, "surface", v.pixel_count() as u64 * 8);
            run(
                "view/vote.wgsl",
                "mend",
                &[
                    (0, uniform(&GPU, "view", &v.view).as_entire_binding()),
                    (1, cameras_buffer(&v.cameras).as_entire_binding()),
                    (4, surface.as_entire_binding()),
                    (6, storage_init(&GPU, "in", &surface_in).as_entire_binding()),
                ],
                tiles(v.view.width, v.view.height),
            );
            let found: Vec<Surface> = read(&surface);
            assert!(found.iter().all(|s| s[0] > 0.0), "a hole is left");
            let mut wrong = v.mend(&surface_in);
            wrong.iter_mut().filter(|s| s[1] < 0.0).for_each(|s| s[0] *= 1.01);
            let unmended = surface_in.clone();
            judge(
                "mend",
                &values(&found),
                &values(&v.mend(&surface_in)),
                Allowed { tolerance: 0.001, share: 0.0 },
                &[("holes filled 1 % nearer", values(&wrong)), ("no mending", values(&unmended))],
            );
        }
    }
}
