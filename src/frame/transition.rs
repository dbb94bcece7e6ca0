//! One picture takes the place of another: a wipe with a soft edge, and a stinger, a film with alpha that hides the change.
//!
//! Must not know: why it changes, and when.

use rayon::{
    iter::{IndexedParallelIterator as _, ParallelIterator as _},
    slice::ParallelSliceMut as _,
};

use super::{Picture, dissolve::tables};

/// Width of a wipe's edge, as a share of its way.
const SOFT: f32 = 0.02;
/// Frames whose cover is within this of the largest belong to the stretch in which a stinger hides most.
const AS_FULL: f64 = 0.005;
/// A stinger that covers less than this of the frame leaves the change to be seen.
const FULL: f64 = 0.98;

/// The pixel of `picture` that lies under a pixel of a picture of another size.
fn under(picture: &Picture, (x, y): (usize, usize), (w, h): (usize, usize)) -> usize {
    let (own_w, own_h) = (picture.width() as usize, picture.height() as usize);
    ((y * own_h / h) * own_w + x * own_w / w) * 4
}

/// Every pixel of a picture of the size of `to`, by what says where it comes from.
fn made(to: &Picture, pixel: impl Fn(usize, usize) -> [u8; 4] + Sync) -> Picture {
    let mut out = Picture::filled(to.width(), to.height(), [0, 0, 0, 255]);
    let w = to.width() as usize;
    if w > 0 {
        out.rgba_mut().par_chunks_mut(w * 4).enumerate().for_each(|(y, row)| {
            for (x, px) in row.chunks_exact_mut(4).enumerate() {
                px.copy_from_slice(&pixel(x, y));
            }
        });
    }
    out
}

/// `from` at share 0, `to` at share 1, and between them an edge that runs over the picture in a direction (right and down are positive); in linear
/// light where the edge is soft. The picture has the size of `to`.
pub fn wipe(from: &Picture, to: &Picture, share: f32, [right, down]: [f32; 2]) -> Picture {
    let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 1.0 };
    let (w, h) = (to.width() as usize, to.height() as usize);
    if from.width() == 0 || from.height() == 0 {
        return to.clone();
    }
    let table = tables();
    let (a, b) = (from.rgba(), to.rgba());
    let long = (right.abs() + down.abs()).max(1e-6);
    made(to, |x, y| {
        let (u, v) = ((x as f32 + 0.5) / w as f32 - 0.5, (y as f32 + 0.5) / h as f32 - 0.5);
        let way = 0.5 + (u * right + v * down) / long;
        let there = (((share * (1.0 + SOFT) - way) / SOFT).clamp(0.0, 1.0) * 256.0).round() as u32;
        let (i, j) = (under(from, (x, y), (w, h)), (y * w + x) * 4);
        let mix = |c: usize| match there {
            0 => a[i + c],
            256 => b[j + c],
            _ => {
                let light =
                    u32::from(table.linear[usize::from(a[i + c])]) * (256 - there) + u32::from(table.linear[usize::from(b[j + c])]) * there;
                table.code[(light >> 8) as usize]
            }
        };
        [mix(0), mix(1), mix(2), 255]
    })
}

/// A film with alpha that is laid over program while one picture takes the place of another.
#[derive(Debug)]
pub struct Stinger {
    frames: Vec<Picture>,
    fps: f64,
    cut: usize,
    cover: f64,
}

impl Stinger {
    /// Of its frames, at a rate. The change is in the middle of the longest stretch in which it hides as much as it ever does. `None` without
    /// a frame.
    pub fn new(frames: Vec<Picture>, fps: f64) -> Option<Self> {
        let covers: Vec<f64> = frames.iter().map(cover).collect();
        let cover = covers.iter().copied().max_by(f64::total_cmp)?;
        let is_full = |k: &usize| covers.get(*k).is_some_and(|c| *c >= cover - AS_FULL);
        let (mut cut, mut longest, mut k) = (0, 0, 0);
        while k < covers.len() {
            let run = (k..covers.len()).take_while(is_full).count();
            if run > longest {
                (cut, longest) = (k + run / 2, run);
            }
            k += run.max(1);
        }
        Some(Self { frames, fps: if fps.is_finite() && fps > 0.0 { fps } else { 25.0 }, cut, cover })
    }

    /// How long it lasts.
    pub fn secs(&self) -> f64 {
        self.frames.len() as f64 / self.fps
    }

    /// Whether it hides the change.
    pub fn hides(&self) -> bool {
        self.cover >= FULL
    }

    /// The share of it at which `to` takes the place of `from`, 0…1.
    pub fn cut_share(&self) -> f32 {
        self.cut as f32 / self.frames.len() as f32
    }

    /// `from` with its first frames over it, then `to` with its last ones; in linear light, opaque, of the size of `to`.
    pub fn mixed(&self, from: &Picture, to: &Picture, share: f32) -> Picture {
        let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 1.0 };
        let k = ((share * self.frames.len() as f32) as usize).min(self.frames.len() - 1);
        let below = if k < self.cut { from } else { to };
        let over = &self.frames[k];
        let (w, h) = (to.width() as usize, to.height() as usize);
        if below.width() == 0 || below.height() == 0 || share >= 1.0 {
            return to.clone();
        }
        let table = tables();
        let (film, ground) = (over.rgba(), below.rgba());
        let same = (over.width() as usize, over.height() as usize) == (w, h);
        made(to, |x, y| {
            let i = under(below, (x, y), (w, h));
            // Light times alpha, and alpha.
            let (light, alpha) = if same {
                let p = &film[(y * w + x) * 4..][..4];
                let alpha = u32::from(p[3]);
                ([0, 1, 2].map(|c| u32::from(table.linear[usize::from(p[c])]) * alpha), alpha * 256)
            } else {
                sampled(over, (x, y), (w, h))
            };
            if alpha == 0 {
                return [ground[i], ground[i + 1], ground[i + 2], 255];
            }
            let [r, g, b] = [0, 1, 2].map(|c| {
                let below = u64::from(table.linear[usize::from(ground[i + c])]) * u64::from(255 * 256 - alpha);
                let own = u64::from(light[c]) * if same { 256 } else { 1 };
                table.code[(((below + own) / (255 * 256)) as usize).min(table.code.len() - 1)]
            });
            [r, g, b, 255]
        })
    }
}

/// The share of a frame that is hidden.
fn cover(frame: &Picture) -> f64 {
    let sum: u64 = frame.rgba().chunks_exact(4).map(|p| u64::from(p[3])).sum();
    sum as f64 / (255.0 * (frame.rgba().len() / 4).max(1) as f64)
}

/// Between four pixels of a film of another size: light times alpha in steps of 256, and alpha in the same.
fn sampled(film: &Picture, (x, y): (usize, usize), (w, h): (usize, usize)) -> ([u32; 3], u32) {
    let table = tables();
    let rgba = film.rgba();
    let at = |k: usize, n: usize, of: u32| {
        let place = ((k as f32 + 0.5) * of as f32 / n as f32 - 0.5).clamp(0.0, of as f32 - 1.0);
        let low = place as usize;
        (low, (low + 1).min(of as usize - 1), ((place - low as f32) * 16.0).round() as u32)
    };
    let ((x0, x1, u), (y0, y1, v)) = (at(x, w, film.width()), at(y, h, film.height()));
    let four = [(x0, y0, (16 - u) * (16 - v)), (x1, y0, u * (16 - v)), (x0, y1, (16 - u) * v), (x1, y1, u * v)];
    let (mut light, mut alpha) = ([0_u32; 3], 0);
    for (x, y, weight) in four {
        let p = &rgba[(y * film.width() as usize + x) * 4..][..4];
        let own = u32::from(p[3]) * weight;
        if own > 0 {
            alpha += own;
            for c in 0..3 {
                light[c] += u32::from(table.linear[usize::from(p[c])]) * own;
            }
        }
    }
    (light, alpha)
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: [u8; 4] = [200, 40, 40, 255];
    const B: [u8; 4] = [40, 40, 200, 255];

    #[test]
    fn a_wipe_begins_and_ends_with_its_pictures_and_its_edge_runs_its_way() {
        let (a, b) = (Picture::filled(100, 60, A), Picture::filled(100, 60, B));
        for towards in [[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]] {
            assert_eq!(wipe(&a, &b, 0.0, towards), a, "{towards:?}");
            assert_eq!(wipe(&a, &b, 1.0, towards), b, "{towards:?}");
            let half = wipe(&a, &b, 0.5, towards);
            let at = |sign: f32| ((50.0 + sign * 40.0 * towards[0]) as u32, (30.0 + sign * 25.0 * towards[1]) as u32);
            let (new, old) = (at(-1.0), at(1.0));
            assert_eq!((half.pixel(new.0, new.1), half.pixel(old.0, old.1)), (B, A), "{towards:?}");
        }
        // Never back, and never black at the edge.
        let reds: Vec<u8> = (0..=50).map(|k| wipe(&a, &b, k as f32 / 50.0, [1.0, 0.0]).pixel(50, 30)[0]).collect();
        assert!(reds.windows(2).all(|r| r[1] <= r[0]) && reds[0] == 200 && reds[50] == 40, "{reds:?}");
        let small = wipe(&Picture::filled(10, 6, A), &b, 0.5, [1.0, 0.0]);
        assert_eq!((small.width(), small.pixel(90, 30)), (100, A));
    }

    /// A bar that comes, covers all for three frames, and goes.
    fn film(w: u32, h: u32) -> Vec<Picture> {
        let frame = |cover: u32| {
            let mut picture = Picture::filled(w, h, [0, 0, 0, 0]);
            for (i, px) in picture.rgba_mut().chunks_exact_mut(4).enumerate() {
                if (i as u32 % w) < cover * w / 4 {
                    px.copy_from_slice(&[10, 250, 10, 255]);
                }
            }
            picture
        };
        [0, 1, 2, 3, 4, 4, 4, 3, 1, 0].map(frame).to_vec()
    }

    #[test]
    fn a_stinger_hides_the_change() {
        let (a, b) = (Picture::filled(40, 20, A), Picture::filled(40, 20, B));
        for size in [(40, 20), (80, 40), (16, 8)] {
            let stinger = Stinger::new(film(size.0, size.1), 10.0).unwrap();
            assert!(stinger.hides() && (stinger.secs() - 1.0).abs() < 1e-9 && (stinger.cut_share() - 0.5).abs() < 1e-6);
            assert_eq!(stinger.mixed(&a, &b, 0.0), a);
            assert_eq!(stinger.mixed(&a, &b, 1.0), b);
            // Old before, new after, and only the film at the change.
            assert_eq!(stinger.mixed(&a, &b, 0.25).pixel(39, 10), A);
            assert_eq!(stinger.mixed(&a, &b, 0.25).pixel(2, 10), [10, 250, 10, 255]);
            assert_eq!(stinger.mixed(&a, &b, 0.85).pixel(39, 10), B);
            for share in [0.45, 0.55] {
                assert!(stinger.mixed(&a, &b, share).rgba().chunks_exact(4).all(|p| p == [10, 250, 10, 255]), "{size:?} {share}");
            }
        }
        assert!(Stinger::new(vec![], 25.0).is_none());
        let thin = Stinger::new(film(40, 20).into_iter().take(2).collect(), 25.0).unwrap();
        assert!(!thin.hides(), "a quarter of the frame hides nothing");
    }

    #[test]
    fn light_adds_up_under_half_alpha() {
        let half = Stinger::new(vec![Picture::filled(4, 4, [255, 255, 255, 128])], 25.0).unwrap();
        let black = Picture::filled(4, 4, [0, 0, 0, 255]);
        let mixed = half.mixed(&black, &black, 0.5).pixel(1, 1)[0];
        assert!(mixed.abs_diff(188) <= 1, "{mixed}");
        let other = half.mixed(&black, &Picture::filled(9, 7, [0, 0, 0, 255]), 0.5).pixel(4, 3)[0];
        assert!(other.abs_diff(188) <= 1, "{other}");
    }
}
