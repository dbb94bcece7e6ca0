//! Twin of shaders/scene/tune.wgsl.

use glam::{IVec2, Vec2, Vec3, Vec4, Vec4Swizzles as _};
use volte::{
    gpu::{storage, storage_init, uniform},
    scene::gpu_data::{CameraGpu, TuneGpu},
};

use crate::{
    bench::{Allowed, COLORS, DEPTHS, Depths, GPU, array_view, judge, read, run, tiles},
    camera::{camera_from_world, ideal_of_working, picture_px, working_px, world_from_camera},
    stage::{STAGE, pixels},
};

/// Camera 0 is compared with the splats of the three others.
#[derive(Clone)]
struct Tuning {
    cameras: [CameraGpu; 5],
    depths: Depths,
    stride: u32,
    bias: [f32; 2],
    rate: f32,
}

/// Of one camera: (inverse depth, logit) and Adam's means per point of the grid.
#[derive(Clone)]
struct State {
    values: Vec<[f32; 2]>,
    moments: Vec<[f32; 4]>,
}

struct Splat {
    px: Vec2,
    rho: f32,
    sharpness: f32,
    rgb: Vec3,
    opacity: f32,
    shift: Vec2,
}

fn logit_of(confidence: f32) -> f32 {
    let o = 0.1 + 0.8 * confidence.clamp(0.0, 1.0);
    (o / (1.0 - o)).ln()
}

impl Tuning {
    fn new(stride: u32) -> Self {
        let mut cameras = [STAGE.gpu_cameras[0]; 5];
        for (i, c) in STAGE.gpu_cameras.iter().enumerate() {
            cameras[i] = *c;
        }
        for (i, share) in [0.9, 0.6, 0.3].into_iter().enumerate() {
            cameras[i + 1].working_size[3] = share;
            cameras[i + 1].gain = [1.0 + 0.1 * i as f32, 1.0, 0.9, 0.0];
        }
        Self { cameras, depths: STAGE.solved_depths(), stride, bias: [0.488, 0.142], rate: 0.1 }
    }

    fn changed(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut other = self.clone();
        change(&mut other);
        other
    }

    fn size(&self, camera: usize) -> (u32, u32) {
        let [w, h, ..] = self.cameras[camera].working_size;
        ((w as u32).div_ceil(self.stride), (h as u32).div_ceil(self.stride))
    }

    fn slot_size(&self) -> u32 {
        (1..4).map(|c| self.size(c).0 * self.size(c).1).max().unwrap().max(self.size(0).0 * self.size(0).1)
    }

    fn texel(&self, camera: usize, at: IVec2) -> IVec2 {
        let [w, h, ..] = self.cameras[camera].working_size;
        (at * self.stride as i32 + self.stride as i32 / 2).min(IVec2::new(w as i32, h as i32) - 1)
    }

    fn depth(&self, camera: usize, texel: IVec2) -> [f32; 2] {
        self.depths.at(texel, self.cameras[camera].size_kind_layer[3] as usize)
    }

    fn begin(&self, camera: usize) -> State {
        let (w, h) = self.size(camera);
        let values: Vec<[f32; 2]> = pixels(w, h)
            .map(|(x, y)| {
                let [rho, confidence] = self.depth(camera, self.texel(camera, IVec2::new(x as i32, y as i32)));
                [rho, logit_of(confidence)]
            })
            .collect();
        State { moments: vec![[0.0; 4]; values.len()], values }
    }

    /// The mean of what a camera really shows around a point of its grid.
    fn picture(&self, camera: usize, at: IVec2) -> Vec3 {
        let c = &self.cameras[camera];
        let size = IVec2::new(c.size_kind_layer[0] as i32, c.size_kind_layer[1] as i32);
        let working = IVec2::new(c.working_size[0] as i32, c.working_size[1] as i32);
        let sum: Vec3 = pixels(self.stride, self.stride)
            .map(|(i, j)| {
                let texel = (at * self.stride as i32 + IVec2::new(i as i32, j as i32)).min(working - 1);
                let px = picture_px(c, ideal_of_working(c, texel.as_vec2() + 0.5));
                STAGE.pictures.load(px.as_ivec2().clamp(IVec2::ZERO, size - 1), c.size_kind_layer[3] as usize).xyz()
            })
            .sum();
        sum / (self.stride * self.stride) as f32
    }

    fn ideal(&self, camera: usize, at: IVec2) -> Vec2 {
        ideal_of_working(&self.cameras[camera], self.texel(camera, at).as_vec2() + 0.5)
    }

    fn draw(&self, camera: usize, state: &State) -> Vec<Option<Splat>> {
        let (c, t) = (&self.cameras[camera], &self.cameras[0]);
        let (w, h) = self.size(camera);
        let size = Vec2::new(self.size(0).0 as f32, self.size(0).1 as f32);
        pixels(w, h)
            .zip(&state.values)
            .map(|((x, y), [rho, logit])| {
                let ideal = self.ideal(camera, IVec2::new(x as i32, y as i32));
                let seen = |rho: f32| camera_from_world(t, world_from_camera(c, (ideal / rho).extend(1.0 / rho)));
                let grid = |p: Vec3| working_px(t, p.truncate() / p.z) / self.stride as f32;
                let p = seen(*rho);
                let px = grid(p);
                if p.z <= 1e-6 || px.cmplt(Vec2::ZERO).any() || px.cmpge(size).any() {
                    return None;
                }
                let scale = Vec4::from(t.working_lens).xy() / Vec4::from(c.working_lens).xy() / (rho * p.z);
                let rgb = self.picture(camera, IVec2::new(x as i32, y as i32)) * Vec4::from(c.gain).xyz().powf(1.0 / 2.4);
                Some(Splat {
                    px,
                    rho: 1.0 / p.z,
                    sharpness: 1.0 / (0.2 * scale.x * scale.y + 0.25),
                    rgb: (rgb.clamp(Vec3::ZERO, Vec3::ONE) * 255.0).round() / 255.0,
                    opacity: c.working_size[3] / (1.0 + (-logit).exp()),
                    shift: grid(seen(rho + c.working_size[2])) - px,
                })
            })
            .collect()
    }

    /// Gradients (inverse depth, opacity) per slot and splat.
    fn descend(&self, splats: &[Vec<Option<Splat>>], most: usize) -> Vec<[f32; 2]> {
        let slot_size = self.slot_size() as usize;
        let mut slopes = vec![[0.0_f32; 2]; 4 * slot_size];
        let (w, h) = self.size(0);
        let real = |at: IVec2| self.picture(0, at.clamp(IVec2::ZERO, IVec2::new(w as i32, h as i32) - 1));
        for (x, y) in pixels(w, h) {
            let at = IVec2::new(x as i32, y as i32);
            let here = at.as_vec2() + 0.5;
            let mut covering: Vec<(usize, &Splat, f32)> = vec![];
            for (slot, list) in splats.iter().enumerate() {
                for (i, splat) in list.iter().enumerate() {
                    let Some(splat) = splat else { continue };
                    let e = 0.5 * (here - splat.px).length_squared() * splat.sharpness;
                    let alpha = (splat.opacity * (-e).exp()).min(0.99);
                    if (splat.px.as_ivec2() - at).abs().max_element() <= 2 && e <= 3.0 && alpha >= 0.004 {
                        covering.push((slot * slot_size + i, splat, alpha));
                    }
                }
            }
            covering.sort_by(|a, b| b.1.rho.total_cmp(&a.1.rho));
            covering.truncate(most);
            let (mut clear, mut sum) = (1.0, Vec3::ZERO);
            let mut used = 0;
            for (_, splat, alpha) in &covering {
                sum += clear * alpha * splat.rgb;
                clear *= 1.0 - alpha;
                used += 1;
                if clear < 0.002 {
                    break;
                }
            }
            let mut behind: Vec3 = pixels(3, 3).map(|(i, j)| real(at + 2 * IVec2::new(i as i32 - 1, j as i32 - 1)) / 9.0).sum();
            let wrong = sum + clear * behind - real(at);
            let pull = wrong / (wrong * wrong + 0.0009).map(f32::sqrt);
            for (slot, splat, alpha) in covering[..used].iter().rev() {
                clear /= 1.0 - alpha;
                let by_alpha = clear * pull.dot(splat.rgb - behind) * alpha;
                behind = behind.lerp(splat.rgb, *alpha);
                slopes[*slot][0] += by_alpha * splat.sharpness * (here - splat.px).dot(splat.shift);
                slopes[*slot][1] += by_alpha;
            }
        }
        slopes
    }

    fn follow(&self, camera: usize, state: &State, slopes: &[[f32; 2]]) -> State {
        let mut next = state.clone();
        let (w, h) = self.size(camera);
        let unit = self.cameras[camera].working_size[2];
        for (i, (x, y)) in pixels(w, h).enumerate() {
            let ([rho, logit], [mx, my, vx, vy]) = (state.values[i], state.moments[i]);
            let [a, b] = slopes[i];
            let b = b / (1.0 + logit.exp());
            let mean = [0.8 * mx + 0.2 * a, 0.8 * my + 0.2 * b];
            let square = [0.95 * vx + 0.05 * a * a, 0.95 * vy + 0.05 * b * b];
            let step = |k: usize| (self.rate * mean[k] / self.bias[0] / ((square[k] / self.bias[1]).sqrt() + 1e-4)).clamp(-1.0, 1.0);
            let [first, _] = self.depth(camera, self.texel(camera, IVec2::new(x as i32, y as i32)));
            next.moments[i] = [mean[0], mean[1], square[0], square[1]];
            next.values[i] =
                [(rho - step(0) * unit).clamp(first - 6.0 * unit, first + 6.0 * unit).max(0.1 * first), (logit - step(1)).clamp(-6.0, 5.0)];
        }
        next
    }

    /// The depth map of a camera with what its grid has learned, row by row.
    fn end(&self, camera: usize, state: &State) -> Vec<[f32; 2]> {
        let c = &self.cameras[camera];
        let (w, h) = self.size(camera);
        pixels(c.working_size[0] as u32, c.working_size[1] as u32)
            .map(|(x, y)| {
                let own = self.depth(camera, IVec2::new(x as i32, y as i32));
                let g = (Vec2::new(x as f32, y as f32) - (self.stride / 2) as f32) / self.stride as f32;
                let f = g - g.floor();
                let mut learned = Vec2::ZERO;
                for (i, j) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
                    let q = (g.floor().as_ivec2() + IVec2::new(i, j)).clamp(IVec2::ZERO, IVec2::new(w as i32, h as i32) - 1);
                    let there = self.depth(camera, self.texel(camera, q));
                    let e = (there[0] - own[0]) / (2.0 * c.working_size[2]);
                    let along = |o: i32, f: f32| if o == 1 { f } else { 1.0 - f };
                    let share = along(i, f.x) * along(j, f.y);
                    let weight = share / (1.0 + e * e);
                    let value = state.values[(q.y * w as i32 + q.x) as usize];
                    learned += weight * (Vec2::from(value) - Vec2::new(there[0], logit_of(there[1])));
                }
                let opacity = 1.0 / (1.0 + (-(logit_of(own[1]) + learned.y)).exp());
                [(own[0] + learned.x).max(0.1 * own[0]), ((opacity - 0.1) / 0.8).clamp(0.0, 1.0)]
            })
            .collect()
    }

    fn parameters(&self, slot: u32) -> TuneGpu {
        let (size, source) = (self.size(0), self.size(slot as usize + 1));
        TuneGpu {
            width: size.0,
            height: size.1,
            source_width: source.0,
            source_height: source.1,
            stride: self.stride,
            slot,
            slot_size: self.slot_size(),
            sources: 3,
            rate: self.rate,
            bias_mean: self.bias[0],
            bias_square: self.bias[1],
            pad: 0.0,
        }
    }
}

fn flat<const N: usize>(values: &[[f32; N]], scale: [f32; N]) -> Vec<f32> {
    values.iter().flat_map(|v| (0..N).map(|k| v[k] * scale[k]).collect::<Vec<_>>()).collect()
}

#[test]
#[allow(clippy::too_many_lines, reason = "five passes, each from what the one before has left")]
fn tune_agrees_with_its_twin() {
    for stride in [1, 2] {
        let t = Tuning::new(stride);
        let slot_size = u64::from(t.slot_size());
        let depths = array_view(&t.depths.upload(DEPTHS));
        let pictures = array_view(&STAGE.pictures.upload(COLORS));
        let cameras = uniform(&GPU, "cameras", &t.cameras);
        let buffer = |bytes: u64| storage_init(&GPU, "zero", &vec![0_u8; bytes as usize]);
        let (spots, looks, links) = (buffer(64 * slot_size), buffer(64 * slot_size), buffer(16 * slot_size));
        let (heads, slopes) = (buffer(4 * slot_size), buffer(32 * slot_size));
        let first: Vec<State> = (1..4).map(|c| t.begin(c)).collect();
        let mut states = vec![];
        for (slot, start) in first.iter().enumerate() {
            let n = start.values.len() as u64;
            let (values, moments) = (storage(&GPU, "values", 8 * n), storage(&GPU, "moments", 16 * n));
            let tune = uniform(&GPU, "tune", &t.parameters(slot as u32));
            let groups = tiles(t.size(slot + 1).0, t.size(slot + 1).1);
            run(
                "scene/tune.wgsl",
                "begin",
                &[
                    (0, tune.as_entire_binding()),
                    (1, cameras.as_entire_binding()),
                    (2, wgpu::BindingResource::TextureView(&depths)),
                    (4, values.as_entire_binding()),
                    (5, moments.as_entire_binding()),
                ],
                groups,
            );
            judge(
                "tune: begin",
                &flat(&read::<[f32; 2]>(&values), [1000.0, 1.0]),
                &flat(&start.values, [1000.0, 1.0]),
                Allowed { tolerance: 1e-4, share: 0.0 },
                &[(
                    "another texel of the grid",
                    flat(&t.changed(|t| t.depths.layers.iter_mut().for_each(|l| l.rotate_left(1))).begin(slot + 1).values, [1000.0, 1.0]),
                )],
            );
            run(
                "scene/tune.wgsl",
                "draw",
                &[
                    (0, tune.as_entire_binding()),
                    (1, cameras.as_entire_binding()),
                    (3, wgpu::BindingResource::TextureView(&pictures)),
                    (4, values.as_entire_binding()),
                    (6, spots.as_entire_binding()),
                    (7, looks.as_entire_binding()),
                    (8, heads.as_entire_binding()),
                    (9, links.as_entire_binding()),
                ],
                groups,
            );
            states.push((values, moments, tune, groups));
        }
        let splats = |t: &Tuning| -> Vec<Vec<Option<Splat>>> { (0..3).map(|s| t.draw(s + 1, &first[s])).collect() };
        let own = splats(&t);
        // Every splat is in exactly one list, at most.
        let mut linked: Vec<u32> = read::<u32>(&heads).into_iter().chain(read::<u32>(&links)).filter(|l| *l != 0).collect();
        linked.sort_unstable();
        let mut expected: Vec<u32> = (0_u32..)
            .zip(&own)
            .flat_map(|(s, list)| (0_u32..).zip(list).filter(|(_, l)| l.is_some()).map(move |(i, _)| (s, i)))
            .map(|(s, i)| s * t.slot_size() + i + 1)
            .collect();
        expected.sort_unstable();
        let missing = expected.iter().filter(|l| linked.binary_search(l).is_err()).count();
        assert!(
            linked.windows(2).all(|w| w[0] < w[1]) && missing < 5 && linked.len() < expected.len() + 5,
            "{missing} of {}",
            expected.len()
        );
        run(
            "scene/tune.wgsl",
            "descend",
            &[
                (0, states[0].2.as_entire_binding()),
                (1, cameras.as_entire_binding()),
                (3, wgpu::BindingResource::TextureView(&pictures)),
                (10, heads.as_entire_binding()),
                (11, spots.as_entire_binding()),
                (12, looks.as_entire_binding()),
                (13, links.as_entire_binding()),
                (14, slopes.as_entire_binding()),
            ],
            tiles(t.size(0).0, t.size(0).1),
        );
        let found: Vec<[f32; 2]> = read::<[i32; 2]>(&slopes).into_iter().map(|s| s.map(|v| v as f32 / 65536.0)).collect();
        let twin = t.descend(&own, 40);
        let wrong = |change: fn(&mut Tuning)| {
            let t = t.changed(change);
            flat(&t.descend(&splats(&t), 40), [1.0; 2])
        };
        judge(
            "tune: descend",
            &flat(&found, [1.0; 2]),
            &flat(&twin, [1.0; 2]),
            // Splats of like depth may lie in either order, and a hair's breadth decides whether one takes part.
            Allowed { tolerance: 0.02, share: 0.01 },
            &[
                ("fewer splats per pixel", flat(&t.descend(&own, 8), [1.0; 2])),
                ("another gain", wrong(|t| t.cameras[2].gain = [1.5; 4])),
                ("a source seen more", wrong(|t| t.cameras[2].working_size[3] = 0.9)),
                ("a pose off by 2 cm", wrong(|t| t.cameras[1].row_x[3] += 0.02)),
            ],
        );
        for (slot, (values, moments, tune, groups)) in states.iter().enumerate() {
            run(
                "scene/tune.wgsl",
                "follow",
                &[
                    (0, tune.as_entire_binding()),
                    (1, cameras.as_entire_binding()),
                    (2, wgpu::BindingResource::TextureView(&depths)),
                    (4, values.as_entire_binding()),
                    (5, moments.as_entire_binding()),
                    (15, slopes.as_entire_binding()),
                ],
                *groups,
            );
            // From the gradients that the GPU had found: Adam would make much of a small difference.
            let from = slot * slot_size as usize;
            let own = &found[from..from + first[slot].values.len()];
            let next = |t: &Tuning| flat(&t.follow(slot + 1, &first[slot], own).values, [1000.0, 1.0]);
            let state = t.follow(slot + 1, &first[slot], own);
            judge(
                "tune: follow",
                &flat(&read::<[f32; 2]>(values), [1000.0, 1.0]),
                &next(&t),
                Allowed { tolerance: 1e-3, share: 0.0 },
                &[
                    ("half the step", next(&t.changed(|t| t.rate *= 0.5))),
                    ("no correction of the start", next(&t.changed(|t| t.bias = [1.0; 2]))),
                ],
            );
            judge(
                "tune: means",
                &flat(&read::<[f32; 4]>(moments), [1.0; 4]),
                &flat(&state.moments, [1.0; 4]),
                Allowed { tolerance: 1e-4, share: 0.0 },
                &[("none", vec![0.0; 4 * state.moments.len()])],
            );
            let out = t.depths.upload(DEPTHS);
            let out_view = array_view(&out);
            let c = &t.cameras[slot + 1];
            run(
                "scene/tune.wgsl",
                "end",
                &[
                    (0, tune.as_entire_binding()),
                    (1, cameras.as_entire_binding()),
                    (2, wgpu::BindingResource::TextureView(&depths)),
                    (4, values.as_entire_binding()),
                    (16, wgpu::BindingResource::TextureView(&out_view)),
                ],
                tiles(c.working_size[0] as u32, c.working_size[1] as u32),
            );
            let layer = c.size_kind_layer[3] as u32;
            let whole = Depths::read(&out, layer);
            let map: Vec<[f32; 2]> =
                pixels(c.working_size[0] as u32, c.working_size[1] as u32).map(|(x, y)| whole[(y * t.depths.width + x) as usize]).collect();
            judge(
                "tune: end",
                &flat(&map, [1000.0, 1.0]),
                &flat(&t.end(slot + 1, &state), [1000.0, 1.0]),
                Allowed { tolerance: 2e-3, share: 0.0 },
                &[("nothing learned", flat(&t.end(slot + 1, &first[slot]), [1000.0, 1.0]))],
            );
        }
        assert!(read::<i32>(&slopes).iter().all(|s| *s == 0), "the gradients are not cleared for the next camera");
    }
}
