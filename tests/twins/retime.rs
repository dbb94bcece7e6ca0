//! Twins of shaders/scene/flow.wgsl and shaders/scene/retime.wgsl.

use glam::{IVec2, Vec2, Vec3, Vec4Swizzles as _};
use volte::{
    gpu::{storage, storage_init, uniform},
    scene::retime::{FlowGpu, RetimeGpu},
};

use crate::{
    bench::{Allowed, COLORS, Colors, GPU, array_view, judge, read, run, tiles},
    camera::fetch_cubic,
    stage::pixels,
};

const SIZE: (u32, u32) = (72, 56);
const AROUND: [IVec2; 8] = [
    IVec2::new(1, 0),
    IVec2::new(-1, 0),
    IVec2::new(0, 1),
    IVec2::new(0, -1),
    IVec2::new(1, 1),
    IVec2::new(-1, 1),
    IVec2::new(1, -1),
    IVec2::new(-1, -1),
];

/// Two frames: a speckled ground that stands, and a speckled disc that moves by (6, −3).
fn frames((width, height): (u32, u32)) -> Colors {
    let speckle = |x: i32, y: i32, seed: u32| {
        let mut h = (x as u32).wrapping_mul(0x9e37_79b9) ^ (y as u32).wrapping_mul(0x85eb_ca6b) ^ seed;
        h = (h ^ (h >> 15)).wrapping_mul(0x2c1b_3c6d);
        ((h ^ (h >> 13)) & 0xff) as u8
    };
    let mut out = Colors::new(width, height, 2);
    for layer in 0..2 {
        let (cx, cy) = if layer == 0 { (30, 28) } else { (36, 25) };
        for (x, y) in pixels(width, height) {
            let (dx, dy) = (x as i32 - cx, y as i32 - cy);
            let disc = dx * dx + dy * dy < 120;
            let v = if disc { speckle(dx / 2, dy / 2, 7) } else { speckle(x as i32 / 3, y as i32 / 3, 1) };
            out.set(x, y, layer, [v, if disc { v / 2 } else { v }, 255 - v, 255]);
        }
    }
    out
}

#[derive(Clone)]
struct Flow {
    frames: Colors,
    level: FlowGpu,
    guesses: Vec<[f32; 2]>,
    /// What a px of difference to the neighbours costs, and what standing still wins.
    prices: [f32; 2],
}

impl Flow {
    fn new(layer: u32) -> Self {
        let (width, height) = SIZE;
        let (coarse_width, coarse_height) = (width.div_ceil(2), height.div_ceil(2));
        // What a coarser level might say: about right in the disc, noise elsewhere, nothing in a corner.
        let sign = if layer == 0 { 1.0 } else { -1.0 };
        let guesses = pixels(coarse_width, coarse_height)
            .map(|(x, y)| match (x, y) {
                (10..=22, 8..=20) => [sign * (3.0 + 0.1 * (x % 3) as f32), sign * -1.5],
                (25.., _) if y % 5 == 0 => [0.5, 0.25 * (x % 4) as f32],
                _ => [0.0; 2],
            })
            .collect();
        let flow = FlowGpu { width, height, coarse_width, coarse_height, layer, reach: 1, step: 0.5, pad: 0 };
        Self { frames: frames(SIZE), level: flow, guesses, prices: [0.0025, 0.0005] }
    }

    fn changed(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut other = self.clone();
        change(&mut other);
        other
    }

    fn texel(&self, at: IVec2, layer: u32) -> Vec3 {
        let hi = IVec2::new(self.level.width as i32, self.level.height as i32) - 1;
        self.frames.load(at.clamp(IVec2::ZERO, hi), layer as usize).xyz()
    }

    fn unlike(&self, at: IVec2, motion: Vec2) -> f32 {
        let to = at + motion.floor().as_ivec2();
        let f = motion - motion.floor();
        if to.cmplt(IVec2::ZERO).any() || to.x >= self.level.width as i32 || to.y >= self.level.height as i32 {
            return 0.12;
        }
        let other = 1 - self.level.layer;
        let between = |q: IVec2| {
            let column = |dx| self.texel(q + IVec2::new(dx, 0), other).lerp(self.texel(q + IVec2::new(dx, 1), other), f.y);
            column(0).lerp(column(1), f.x)
        };
        let window = pixels(5, 5).map(|(x, y)| IVec2::new(x as i32 - 2, y as i32 - 2));
        let sum: f32 = window.map(|d| ((self.texel(at + d, self.level.layer) - between(to + d)).abs().element_sum() / 3.0).min(0.12)).sum();
        sum / 25.0
    }

    fn guess(&self, at: IVec2, (width, height): (u32, u32)) -> Vec2 {
        let q = at.clamp(IVec2::ZERO, IVec2::new(width as i32, height as i32) - 1);
        Vec2::from(self.guesses[(q.y as u32 * width + q.x as u32) as usize])
    }

    fn search(&self) -> Vec<[f32; 2]> {
        let coarse = (self.level.coarse_width, self.level.coarse_height);
        let at_pixel = |(x, y): (u32, u32)| {
            let at = IVec2::new(x as i32, y as i32);
            let still = self.unlike(at, Vec2::ZERO);
            let (mut best, mut cost) = (Vec2::ZERO, still - self.prices[1]);
            let mut consider = |motion: Vec2, price: f32| {
                let c = self.unlike(at, motion) + price;
                if c < cost {
                    (best, cost) = (motion, c);
                }
                best
            };
            let mut around = Vec2::ZERO;
            if coarse.0 > 0 {
                if still < 0.006 && self.guess(at / 2, coarse) == Vec2::ZERO {
                    return [0.0; 2];
                }
                for (dx, dy) in pixels(3, 3) {
                    around = consider(2.0 * self.guess(at / 2 + IVec2::new(dx as i32 - 1, dy as i32 - 1), coarse), 0.0);
                }
            }
            // WGSL rounds halves to the even number.
            let around = Vec2::new(around.x.round_ties_even(), around.y.round_ties_even());
            let reach = self.level.reach as i32;
            let mut found = best;
            for dy in -reach..=reach {
                for dx in -reach..=reach {
                    let d = Vec2::new(dx as f32, dy as f32);
                    let c = self.unlike(at, around + d) + 0.25 * self.prices[0] * d.length();
                    if c < cost {
                        (found, cost) = (around + d, c);
                    }
                }
            }
            found.to_array()
        };
        pixels(self.level.width, self.level.height).map(at_pixel).collect()
    }

    fn spread(&self) -> Vec<[f32; 2]> {
        let size = (self.level.width, self.level.height);
        let at_pixel = |(x, y): (u32, u32)| {
            let at = IVec2::new(x as i32, y as i32);
            let own = self.guess(at, size);
            if own == Vec2::ZERO && AROUND.iter().all(|d| self.guess(at + *d, size) == Vec2::ZERO) {
                return [0.0; 2];
            }
            let uneven = |motion: Vec2| -> f32 {
                self.prices[0] * AROUND[..4].iter().map(|d| (motion - self.guess(at + *d, size)).length().min(4.0)).sum::<f32>()
            };
            let bonus = |motion: Vec2| if motion == Vec2::ZERO { self.prices[1] } else { 0.0 };
            let (mut best, mut cost) = (own, self.unlike(at, own) + uneven(own) - bonus(own));
            for d in AROUND.iter().copied().chain(AROUND.map(|d| 4 * d)) {
                let guess = self.guess(at + d, size);
                let c = self.unlike(at, guess) + uneven(guess) - bonus(guess);
                if c < cost {
                    (best, cost) = (guess, c);
                }
            }
            for step in [1.0, 0.5, 0.25].map(|s| s * self.level.step) {
                let middle = best;
                for d in &AROUND[..4] {
                    let motion = middle + step * d.as_vec2();
                    let c = self.unlike(at, motion) + uneven(motion);
                    if c < cost {
                        (best, cost) = (motion, c);
                    }
                }
            }
            best.to_array()
        };
        pixels(size.0, size.1).map(at_pixel).collect()
    }

    fn gpu(&self, entry: &str) -> Vec<f32> {
        let frames = array_view(&self.frames.upload(COLORS));
        let out = storage(&GPU, "motions", 8 * u64::from(self.level.width * self.level.height));
        run(
            "scene/flow.wgsl",
            entry,
            &[
                (0, uniform(&GPU, "flow", &self.level).as_entire_binding()),
                (1, wgpu::BindingResource::TextureView(&frames)),
                (2, storage_init(&GPU, "guesses", &self.guesses).as_entire_binding()),
                (3, out.as_entire_binding()),
            ],
            tiles(self.level.width, self.level.height),
        );
        read(&out)
    }
}

fn flat(motions: &[[f32; 2]]) -> Vec<f32> {
    motions.concat()
}

#[test]
fn search() {
    for layer in [0, 1] {
        let flow = Flow::new(layer);
        let twin = flow.search();
        let wrong = [
            ("motion from the other frame", flat(&flow.changed(|f| f.level.layer = 1 - layer).search())),
            ("the coarser level's guesses", flat(&flow.changed(|f| f.guesses.fill([0.0; 2])).search())),
            ("a wider reach", flat(&flow.changed(|f| f.level.reach = 4).search())),
        ];
        judge("flow search", &flow.gpu("search"), &flat(&twin), Allowed { tolerance: 1e-4, share: 0.01 }, &wrong);
    }
    let coarsest = Flow::new(0).changed(|f| (f.level.coarse_width, f.level.coarse_height, f.level.reach) = (0, 0, 6));
    let found = coarsest.search();
    let middle = found[(28 * SIZE.0 + 30) as usize];
    assert_eq!(middle, [6.0, -3.0], "the disc moves so");
    let wrong = [("a shorter reach", flat(&coarsest.changed(|f| f.level.reach = 3).search()))];
    judge("flow search, coarsest", &coarsest.gpu("search"), &flat(&found), Allowed { tolerance: 1e-4, share: 0.01 }, &wrong);
}

#[test]
fn spread() {
    let mut flow = Flow::new(0);
    flow.guesses = flow.search();
    // Here and there something else, that the neighbours outvote or not.
    for (i, guess) in flow.guesses.iter_mut().enumerate().filter(|(i, _)| i % 5 == 0) {
        *guess = [guess[0] + 0.4 - 0.1 * (i % 9) as f32, guess[1] + 0.25];
    }
    let wrong = [
        ("neighbours that cost ten times as much", flat(&flow.changed(|f| f.prices[0] *= 10.0).spread())),
        ("larger steps", flat(&flow.changed(|f| f.level.step = 2.0).spread())),
        ("what nobody said", flat(&flow.changed(|f| f.guesses.fill([0.0; 2])).spread())),
    ];
    judge("flow spread", &flow.gpu("spread"), &flat(&flow.spread()), Allowed { tolerance: 1e-4, share: 0.01 }, &wrong);
}

#[test]
fn halve() {
    let flow = Flow::new(1);
    let (width, height) = (flow.level.coarse_width, flow.level.coarse_height);
    let out = Colors::new(width, height, 2).upload(COLORS);
    run(
        "scene/flow.wgsl",
        "halve",
        &[
            (0, uniform(&GPU, "flow", &flow.level).as_entire_binding()),
            (1, wgpu::BindingResource::TextureView(&array_view(&flow.frames.upload(COLORS)))),
            (4, wgpu::BindingResource::TextureView(&array_view(&out))),
        ],
        tiles(width, height),
    );
    let gpu: Vec<f32> = Colors::read(&out, 1).iter().flat_map(|p| p.map(f32::from)).collect();
    let twin = |layer: u32| -> Vec<f32> {
        pixels(width, height)
            .flat_map(|(x, y)| {
                let four =
                    [(0, 0), (1, 0), (0, 1), (1, 1)].map(|(i, j)| flow.texel(IVec2::new((2 * x + i) as i32, (2 * y + j) as i32), layer));
                let mean = 0.25 * four.into_iter().sum::<Vec3>() * 255.0;
                [mean.x, mean.y, mean.z, 255.0]
            })
            .collect()
    };
    judge("flow halve", &gpu, &twin(1), Allowed { tolerance: 0.6, share: 0.0 }, &[("the other frame", twin(0))]);
}

#[derive(Clone)]
struct Between {
    frames: Colors,
    there: Vec<[f32; 2]>,
    back: Vec<[f32; 2]>,
    retime: RetimeGpu,
    company: usize,
    doubt: f32,
}

impl Between {
    /// A grid of half the pictures' size, motion of the disc with some of it wrong.
    fn new() -> Self {
        let (width, height) = SIZE;
        let (grid_width, grid_height) = (width / 2, height / 2);
        let disc = |x: u32, y: u32, cx: i32, cy: i32| (x as i32 * 2 + 1 - cx).pow(2) + (y as i32 * 2 + 1 - cy).pow(2) < 120;
        let field = |cx, cy, motion: [f32; 2]| -> Vec<[f32; 2]> {
            pixels(grid_width, grid_height)
                .map(|(x, y)| match (disc(x, y, cx, cy), (x + 3 * y) % 23) {
                    (_, 0) => [4.0, 2.5],
                    (true, _) => motion,
                    _ => [0.0; 2],
                })
                .collect()
        };
        Self {
            frames: frames(SIZE),
            there: field(30, 28, [3.0, -1.5]),
            back: field(36, 25, [-3.0, 1.5]),
            retime: RetimeGpu { width, height, grid_width, grid_height, scale: 2.0, share: 0.3, layer: 0, fade: 0 },
            company: 5,
            doubt: 0.06,
        }
    }

    fn changed(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut other = self.clone();
        change(&mut other);
        other
    }

    fn motion(&self, at: IVec2, first: bool) -> Vec2 {
        let q = at.clamp(IVec2::ZERO, IVec2::new(self.retime.grid_width as i32, self.retime.grid_height as i32) - 1);
        let i = (q.y as u32 * self.retime.grid_width + q.x as u32) as usize;
        Vec2::from(if first { self.there[i] } else { self.back[i] })
    }

    fn way(&self, at: IVec2, first: bool) -> (Vec2, bool) {
        let motion = self.motion(at, first);
        let arrived = at + IVec2::new(motion.x.round_ties_even() as i32, motion.y.round_ties_even() as i32);
        let allowed = 1.0 + 0.1 * motion.length();
        let company = pixels(3, 3)
            .filter(|(x, y)| (self.motion(at + IVec2::new(*x as i32 - 1, *y as i32 - 1), first) - motion).length() < allowed)
            .count();
        (motion, (motion + self.motion(arrived, !first)).length() < allowed && company >= self.company)
    }

    fn send(&self, first: bool) -> Vec<u32> {
        let (width, height) = (self.retime.grid_width, self.retime.grid_height);
        let mut arrived = vec![0; (width * height) as usize];
        for (x, y) in pixels(width, height) {
            let at = IVec2::new(x as i32, y as i32);
            let (motion, found) = self.way(at, first);
            let share = if first { self.retime.share } else { 1.0 - self.retime.share };
            let goal = at.as_vec2() + share * motion;
            let goal = IVec2::new(goal.x.round_ties_even() as i32, goal.y.round_ties_even() as i32);
            if !found || goal.cmplt(IVec2::ZERO).any() || goal.x >= width as i32 || goal.y >= height as i32 {
                continue;
            }
            let priority = ((motion.length() * 4.0) as u32).min(254) + 1;
            let cell = &mut arrived[(goal.y as u32 * width + goal.x as u32) as usize];
            *cell = (*cell).max(priority << 24 | (y * width + x + 1));
        }
        arrived
    }

    /// The picture, and how many pixels differ between the frames and how many of these are nobody's.
    fn gather(&self) -> (Vec<f32>, [f32; 2]) {
        let arrived = [self.send(true), self.send(false)];
        let (width, height) = (self.retime.grid_width as i32, self.retime.grid_height as i32);
        let (share, scale) = (self.retime.share, self.retime.scale);
        let near = usize::from(share > 0.5);
        let size = Vec2::new(self.retime.width as f32, self.retime.height as f32);
        let fetch = |px: Vec2, layer: usize| fetch_cubic(&self.frames, px, size, layer);
        let at_pixel = |(x, y): (u32, u32)| {
            let px = Vec2::new(x as f32, y as f32) + 0.5;
            let at = (px / scale).as_ivec2();
            let (mut word, mut from_first) = (0_u32, true);
            for k in 0..9 {
                let k = (k + 4) % 9;
                let q = (at + IVec2::new(k % 3 - 1, k / 3 - 1)).clamp(IVec2::ZERO, IVec2::new(width, height) - 1);
                for (first, from) in [true, false].into_iter().zip(&arrived) {
                    let other = from[(q.y * width + q.x) as usize];
                    if other >> 24 > word >> 24 {
                        (word, from_first) = (other, first);
                    }
                }
                if k == 4 && word != 0 {
                    break;
                }
            }
            let own = |layer: usize| self.frames.load(IVec2::new(x as i32, y as i32), layer).xyz();
            if word == 0 {
                let covers = |first: bool| {
                    let (motion, found) = self.way(at, first);
                    found && motion.length() * scale > 0.8
                };
                let is_known = covers(near == 0) && !covers(near == 1);
                if !is_known && self.retime.fade == 1 {
                    return (own(0).lerp(own(1), share), false);
                }
                return (own(if is_known { 1 - near } else { near }), is_known);
            }
            let index = (word & 0xff_ffff) as i32 - 1;
            let source = IVec2::new(index % width, index / width);
            let motion = scale * if from_first { self.motion(source, true) } else { -self.motion(source, false) };
            if motion.length() <= 0.12 {
                return (own(near), false);
            }
            let seen = |px: Vec2| [fetch(px - share * motion, 0), fetch(px + (1.0 - share) * motion, 1)];
            let sides = [Vec2::ZERO, Vec2::X, -Vec2::X, Vec2::Y, -Vec2::Y];
            let unlike: f32 = sides.iter().map(|d| seen(px + *d)).map(|[a, b]| (a - b).abs().element_sum()).sum::<f32>() / 15.0;
            let pair = seen(px);
            let doubt = (unlike / self.doubt).clamp(0.0, 1.0);
            (pair[near].lerp(pair[1 - near], share.min(1.0 - share) * (1.0 - doubt)), doubt < 1.0)
        };
        let (mut out, mut tally) = (Vec::new(), [0.0; 2]);
        for (x, y) in pixels(self.retime.width, self.retime.height) {
            let (rgb, is_known) = at_pixel((x, y));
            out.extend(rgb.to_array().map(|v| v * 255.0));
            let [a, b] = [0, 1].map(|layer| self.frames.load(IVec2::new(x as i32, y as i32), layer).xyz());
            if (a - b).abs().max_element() > 0.04 {
                tally[0] += 1.0;
                tally[1] += f32::from(u8::from(!is_known));
            }
        }
        (out, tally)
    }

    fn gpu_send(&self, layer: u32) -> wgpu::Buffer {
        let cells = 4 * u64::from(self.retime.grid_width * self.retime.grid_height);
        let arrived = [storage(&GPU, "there", cells), storage(&GPU, "back", cells)];
        run(
            "scene/retime.wgsl",
            "send",
            &[
                (0, uniform(&GPU, "retime", &RetimeGpu { layer, ..self.retime }).as_entire_binding()),
                (2, storage_init(&GPU, "there", &self.there).as_entire_binding()),
                (3, storage_init(&GPU, "back", &self.back).as_entire_binding()),
                (4, arrived[0].as_entire_binding()),
                (5, arrived[1].as_entire_binding()),
            ],
            tiles(self.retime.grid_width, self.retime.grid_height),
        );
        let [there, back] = arrived;
        if layer == 0 { there } else { back }
    }

    fn gpu_gather(&self) -> (Vec<f32>, [f32; 2]) {
        let tally = storage(&GPU, "tally", 8);
        let out = Colors::new(self.retime.width, self.retime.height, 1).upload(COLORS);
        run(
            "scene/retime.wgsl",
            "gather",
            &[
                (0, uniform(&GPU, "retime", &self.retime).as_entire_binding()),
                (1, wgpu::BindingResource::TextureView(&array_view(&self.frames.upload(COLORS)))),
                (2, storage_init(&GPU, "there", &self.there).as_entire_binding()),
                (3, storage_init(&GPU, "back", &self.back).as_entire_binding()),
                (6, self.gpu_send(0).as_entire_binding()),
                (7, self.gpu_send(1).as_entire_binding()),
                (8, wgpu::BindingResource::TextureView(&array_view(&out))),
                (9, tally.as_entire_binding()),
            ],
            tiles(self.retime.width, self.retime.height),
        );
        let counts: Vec<u32> = read(&tally);
        (Colors::read(&out, 0).iter().flat_map(|p| [p[0], p[1], p[2]].map(f32::from)).collect(), [counts[0] as f32, counts[1] as f32])
    }
}

#[test]
fn send() {
    let between = Between::new();
    let words = |arrived: &[u32]| -> Vec<f32> { arrived.iter().flat_map(|w| [(w >> 24) as f32, (w & 0xff_ffff) as f32]).collect() };
    for (layer, first) in [(0, true), (1, false)] {
        let wrong = [
            ("the other frame", words(&between.send(!first))),
            ("another share", words(&between.changed(|b| b.retime.share = 0.9).send(first))),
            ("pixels that need all their neighbours", words(&between.changed(|b| b.company = 9).send(first))),
        ];
        let gpu: Vec<u32> = read(&between.gpu_send(layer));
        judge("retime send", &words(&gpu), &words(&between.send(first)), Allowed { tolerance: 0.0, share: 0.002 }, &wrong);
    }
}

#[test]
fn gather() {
    for share in [0.3, 0.8] {
        let between = Between::new().changed(|b| b.retime.share = share);
        let wrong = [
            ("another share", between.changed(|b| b.retime.share = 0.5).gather().0),
            ("frames that are never doubted", between.changed(|b| b.doubt = 1e6).gather().0),
            ("frames without motion", between.changed(|b| b.there.fill([0.0; 2])).gather().0),
        ];
        let ((gpu, gpu_tally), (twin, tally)) = (between.gpu_gather(), between.gather());
        judge("retime gather", &gpu, &twin, Allowed { tolerance: 1.01, share: 0.004 }, &wrong);
        // How many differ, and how many of them nobody knows: a pixel on the edge of a threshold may be counted or not.
        let wrong = [
            ("motion of nobody", between.changed(|b| b.there.fill([0.0; 2])).gather().1.to_vec()),
            ("frames that are never doubted", between.changed(|b| b.doubt = 1e6).gather().1.to_vec()),
        ];
        println!("tally {gpu_tally:?}, of the twin {tally:?}");
        judge("retime tally", &gpu_tally, &tally, Allowed { tolerance: 6.0, share: 0.0 }, &wrong);
    }
}

#[test]
fn what_nobody_knows_is_faded_or_the_nearer_frames() {
    for fade in [0, 1] {
        // Every second cell is wrong: nobody has company enough to be believed.
        let between = Between::new().changed(|b| {
            (b.retime.share, b.retime.fade) = (0.4, fade);
            b.there.iter_mut().chain(&mut b.back).step_by(2).for_each(|motion| *motion = [9.0, 7.0]);
        });
        let wrong = [("the other way of showing it", between.changed(|b| b.retime.fade = 1 - fade).gather().0)];
        let ((gpu, gpu_tally), (twin, tally)) = (between.gpu_gather(), between.gather());
        judge("retime gather, unknown", &gpu, &twin, Allowed { tolerance: 1.01, share: 0.004 }, &wrong);
        assert!(tally[1] > 0.5 * tally[0] && (gpu_tally[1] - tally[1]).abs() <= 6.0, "{gpu_tally:?} {tally:?}");
    }
}
