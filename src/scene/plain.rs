//! A plain backdrop: what stands behind the subject in all cameras and is of one colour, or goes gently from one to another (black cloth, a
//! green or white studio). Found in the pictures of a single moment; it serves as their plates.
//!
//! The border of each picture tells the colour, as a smooth function of the place; the backdrop is what has that colour and hangs together
//! with the border. What is of that colour elsewhere (a shadow, a black shirt) may be foreground. Must not know: the GPU, depth.

use rayon::{
    iter::{IndexedParallelIterator as _, IntoParallelRefIterator as _, ParallelIterator as _},
    slice::ParallelSliceMut as _,
};

use super::plate::Plate;
use crate::frame::Picture;

/// Longest side of the pictures that the backdrop is looked for in, px.
const SEARCH_PX: u32 = 160;
/// Width of the border that tells the colour, as a share of the longer side of the search's picture.
const BORDER: f64 = 0.04;
/// Terms of the colour's polynomial: 1, x, y, x², xy, y².
const TERMS: usize = 6;
/// Times that it is fitted, each to what the last one explains.
const FITS: usize = 4;
/// Farther from it than this is no backdrop, code values of the worst channel.
const ALIKE: f64 = 12.0;
/// Root of the mean square distance of the backdrop to it, at most: a wall with a pattern is none.
const EVEN: f64 = 4.0;
/// Share of the border, and of the picture, that it takes at least.
const LEAST_BORDER: f64 = 0.7;
/// See [`LEAST_BORDER`].
const LEAST_PICTURE: f64 = 0.2;
/// How far a pixel of it scatters, code values.
const SPREAD: u8 = 2;

/// A plate per picture; nothing unless all of them show a plain backdrop.
pub fn plates(pictures: &[&Picture]) -> Option<Vec<Plate>> {
    // Nearly every moment ends here, at its first camera, after a look at a few hundred pixels.
    if pictures.iter().any(|p| Small::sparse(p).border_model().is_none()) {
        return None;
    }
    pictures.par_iter().map(|p| plate(p)).collect()
}

/// Colour as a polynomial of the place, per channel; x and y from -1 to 1.
type Model = [[f64; TERMS]; 3];

/// Size of the picture that the backdrop is looked for in.
fn search_size(picture: &Picture) -> (usize, usize) {
    let (w, h) = (picture.width(), picture.height());
    let scale = (f64::from(SEARCH_PX) / f64::from(w.max(h).max(1))).min(1.0);
    let size = |px: u32| ((f64::from(px) * scale).round() as usize).max(1);
    (size(w), size(h))
}

fn terms(x: f64, y: f64) -> [f64; TERMS] {
    [1.0, x, y, x * x, x * y, y * y]
}

fn color(model: &Model, x: f64, y: f64) -> [f64; 3] {
    let t = terms(x, y);
    std::array::from_fn(|c| model[c].iter().zip(&t).map(|(a, b)| a * b).sum())
}

/// Place -1…1 of pixel `k` of `n`.
fn place(k: usize, n: usize) -> f64 {
    (k as f64 + 0.5) / n as f64 * 2.0 - 1.0
}

struct Small {
    picture: Picture,
    w: usize,
    h: usize,
}

impl Small {
    /// A pixel of each cell.
    fn sparse(picture: &Picture) -> Self {
        let (w, h) = search_size(picture);
        let (full_w, full_h) = (picture.width() as usize, picture.height() as usize);
        let of = |i: usize| {
            let (x, y) = ((i % w * 2 + 1) * full_w / (2 * w), (i / w * 2 + 1) * full_h / (2 * h));
            picture.pixel(x.min(full_w - 1) as u32, y.min(full_h - 1) as u32)
        };
        let rgba = (0..w * h).flat_map(of).collect();
        Self { picture: Picture::from_rgba(w as u32, h as u32, rgba).unwrap_or_else(|_| Picture::filled(w as u32, h as u32, [0; 4])), w, h }
    }

    fn border(&self) -> Vec<usize> {
        let (w, h) = (self.w, self.h);
        let ring = ((w.max(h) as f64 * BORDER).ceil() as usize).max(2);
        (0..w * h).filter(|i| i % w < ring || i % w + ring >= w || i / w < ring || i / w + ring >= h).collect()
    }

    /// What a smooth function explains of the border: first its middle colour, then what is like that. Nothing where it explains too little.
    fn border_model(&self) -> Option<Model> {
        let border = self.border();
        let mut model: Model = [[0.0; TERMS]; 3];
        for (c, terms) in model.iter_mut().enumerate() {
            let mut values: Vec<f64> = border.iter().map(|&i| self.rgb(i)[c]).collect();
            let middle = values.len() / 2;
            values.select_nth_unstable_by(middle, f64::total_cmp);
            terms[0] = values[middle];
        }
        let mut tolerance = 4.0 * ALIKE;
        for _ in 0..FITS {
            let like: Vec<usize> = border.iter().copied().filter(|&i| self.off(&model, i) < tolerance).collect();
            model = fitted(self, &like)?;
            tolerance = (tolerance * 0.5).max(ALIKE);
        }
        let explained = border.iter().filter(|&&i| self.off(&model, i) < ALIKE).count();
        (explained as f64 >= LEAST_BORDER * border.len() as f64).then_some(model)
    }

    fn rgb(&self, i: usize) -> [f64; 3] {
        let p = &self.picture.rgba()[i * 4..i * 4 + 3];
        [f64::from(p[0]), f64::from(p[1]), f64::from(p[2])]
    }

    fn off(&self, model: &Model, i: usize) -> f64 {
        let (own, told) = (self.rgb(i), color(model, place(i % self.w, self.w), place(i / self.w, self.h)));
        (0..3).map(|c| (own[c] - told[c].clamp(0.0, 255.0)).abs()).fold(0.0, f64::max)
    }
}

fn plate(picture: &Picture) -> Option<Plate> {
    let (full_w, full_h) = (picture.width(), picture.height());
    let (w, h) = search_size(picture);
    let small = Small { picture: picture.resized(w as u32, h as u32), w, h };
    let mut model = small.border_model()?;
    let border = small.border();
    let mut found = connected(&small, &model, &border);
    let all: Vec<usize> = (0..w * h).filter(|&i| found[i]).collect();
    model = fitted(&small, &all)?;
    found = connected(&small, &model, &border);
    let all: Vec<f64> = (0..w * h).filter(|&i| found[i]).map(|i| small.off(&model, i)).collect();
    let mean_square = all.iter().map(|e| e * e).sum::<f64>() / all.len().max(1) as f64;
    if (all.len() as f64) < LEAST_PICTURE * (w * h) as f64 || mean_square > EVEN * EVEN {
        return None;
    }
    // What is behind the subject goes on from what is beside it; cells at the outline are mixtures.
    let pure: Vec<bool> = (0..w * h).map(|i| found[i] && around(i, w, h).all(|k| found[k])).collect();
    let behind = filled(&small, &pure)?;
    // At full size: known in the cells that hang together with the border, and one beside them, where the outline runs.
    let near: Vec<bool> = (0..w * h).map(|i| found[i] || around(i, w, h).any(|k| found[k])).collect();
    let (fw, fh) = (full_w as usize, full_h as usize);
    let mut rgba = vec![0; fw * fh * 4];
    rgba.par_chunks_exact_mut(fw * 4).enumerate().for_each(|(y, row)| {
        let (top, bottom, v) = between(y, fh, h);
        for (x, p) in row.chunks_exact_mut(4).enumerate() {
            let (left, right, u) = between(x, fw, w);
            for (c, p) in p.iter_mut().take(3).enumerate() {
                let at = |x: usize, y: usize| behind[y * w + x][c];
                let mix = |a: f64, b: f64, f: f64| a + (b - a) * f;
                let told = mix(mix(at(left, top), at(right, top), u), mix(at(left, bottom), at(right, bottom), u), v);
                *p = told.round().clamp(0.0, 255.0) as u8;
            }
            p[3] = if near[(y * h / fh) * w + x * w / fw] { 255 } else { 0 };
        }
    });
    Some(Plate { picture: Picture::from_rgba(full_w, full_h, rgba).ok()?, spread: vec![SPREAD; fw * fh] })
}

/// The two cells of `cells` between whose middles pixel `k` of `n` lies, and how far it is from the first to the second.
fn between(k: usize, n: usize, cells: usize) -> (usize, usize, f64) {
    let at = ((k as f64 + 0.5) * cells as f64 / n as f64 - 0.5).clamp(0.0, (cells - 1) as f64);
    let first = at as usize;
    (first, (first + 1).min(cells - 1), at - first as f64)
}

/// The colours of the known cells, and smoothly between them where they are not known (a pyramid of what is known, pulled back down:
/// Gortler et al. 1996).
fn filled(small: &Small, known: &[bool]) -> Option<Vec<[f64; 3]>> {
    struct Level {
        w: usize,
        h: usize,
        /// Colour times weight, weight.
        cells: Vec<[f64; 4]>,
    }
    let cells = known.iter().enumerate().map(|(i, known)| {
        let [r, g, b] = small.rgb(i);
        if *known { [r, g, b, 1.0] } else { [0.0; 4] }
    });
    let mut levels = vec![Level { w: small.w, h: small.h, cells: cells.collect() }];
    while let Some(fine) = levels.last().filter(|l| l.w > 1 || l.h > 1) {
        let (w, h) = (fine.w.div_ceil(2), fine.h.div_ceil(2));
        let mut cells = vec![[0.0; 4]; w * h];
        for (i, c) in fine.cells.iter().enumerate() {
            let to = &mut cells[(i / fine.w / 2) * w + i % fine.w / 2];
            for k in 0..4 {
                to[k] += c[k];
            }
        }
        for c in &mut cells {
            let most = c[3].max(1.0);
            *c = c.map(|v| v / most);
        }
        levels.push(Level { w, h, cells });
    }
    let coarsest = levels.pop()?;
    let mut above = (
        coarsest.w,
        coarsest.h,
        coarsest.cells.iter().map(|c| (c[3] > 0.0).then(|| [0, 1, 2].map(|k| c[k] / c[3]))).collect::<Option<Vec<_>>>()?,
    );
    while let Some(level) = levels.pop() {
        let (aw, ah, coarse) = &above;
        let color = |i: usize| {
            let c = level.cells[i];
            let (left, right, u) = between(i % level.w, level.w, *aw);
            let (top, bottom, v) = between(i / level.w, level.h, *ah);
            std::array::from_fn(|k| {
                let at = |x: usize, y: usize| coarse[y * aw + x][k];
                let mix = |a: f64, b: f64, f: f64| a + (b - a) * f;
                let told = mix(mix(at(left, top), at(right, top), u), mix(at(left, bottom), at(right, bottom), u), v);
                c[k] + told * (1.0 - c[3])
            })
        };
        above = (level.w, level.h, (0..level.cells.len()).map(color).collect());
    }
    Some(above.2)
}

fn around(i: usize, w: usize, h: usize) -> impl Iterator<Item = usize> {
    let (x, y) = ((i % w) as isize, (i / w) as isize);
    [(-1, 0), (1, 0), (0, -1), (0, 1)]
        .into_iter()
        .map(move |(dx, dy)| (x + dx, y + dy))
        .filter(move |&(x, y)| x >= 0 && y >= 0 && x < w as isize && y < h as isize)
        .map(move |(x, y)| y as usize * w + x as usize)
}

/// What is like the model and hangs together with the border.
fn connected(small: &Small, model: &Model, border: &[usize]) -> Vec<bool> {
    let mut found = vec![false; small.w * small.h];
    let mut next: Vec<usize> = Vec::new();
    for &i in border {
        if small.off(model, i) < ALIKE && !found[i] {
            found[i] = true;
            next.push(i);
        }
    }
    while let Some(i) = next.pop() {
        for k in around(i, small.w, small.h) {
            if !found[k] && small.off(model, k) < ALIKE {
                found[k] = true;
                next.push(k);
            }
        }
    }
    found
}

/// Least squares over the pixels `at`; nothing where there are too few.
fn fitted(small: &Small, at: &[usize]) -> Option<Model> {
    if at.len() < 8 * TERMS {
        return None;
    }
    let mut normal = [[0.0; TERMS]; TERMS];
    let mut right = [[0.0; TERMS]; 3];
    for &i in at {
        let t = terms(place(i % small.w, small.w), place(i / small.w, small.h));
        let rgb = small.rgb(i);
        for a in 0..TERMS {
            for b in 0..TERMS {
                normal[a][b] += t[a] * t[b];
            }
            for c in 0..3 {
                right[c][a] += t[a] * rgb[c];
            }
        }
    }
    // What the place hardly tells stays small.
    for (k, row) in normal.iter_mut().enumerate() {
        row[k] += if k == 0 { 1e-9 } else { 1e-3 * at.len() as f64 };
    }
    let mut out = [[0.0; TERMS]; 3];
    for c in 0..3 {
        out[c] = solved(normal, right[c])?;
    }
    Some(out)
}

/// Gauss with pivots.
fn solved(mut a: [[f64; TERMS]; TERMS], mut b: [f64; TERMS]) -> Option<[f64; TERMS]> {
    for k in 0..TERMS {
        let pivot = (k..TERMS).max_by(|&i, &j| a[i][k].abs().total_cmp(&a[j][k].abs()))?;
        a.swap(k, pivot);
        b.swap(k, pivot);
        if a[k][k].abs() < 1e-12 {
            return None;
        }
        for i in k + 1..TERMS {
            let f = a[i][k] / a[k][k];
            let upper = a[k];
            for (to, from) in a[i].iter_mut().zip(upper).skip(k) {
                *to -= f * from;
            }
            b[i] -= f * b[k];
        }
    }
    let mut x = [0.0; TERMS];
    for k in (0..TERMS).rev() {
        let rest: f64 = (k + 1..TERMS).map(|j| a[k][j] * x[j]).sum();
        x[k] = (b[k] - rest) / a[k][k];
    }
    Some(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A studio that goes from grey to green with noise, a disc of another colour in it, and in the disc a patch of the studio's colour.
    fn studio(pattern: u8) -> Picture {
        let of = |i: usize| {
            let (x, y) = (i % 320, i / 320);
            let noise = ((i * 2_654_435_761) >> 7) as u8 % 5;
            let away = (x as f64 - 150.0).hypot(y as f64 - 100.0);
            let wall =
                [90 + (x / 16) as u8, 120 + (y / 8) as u8, 80].map(|v| v + noise + if (x / 20 + y / 20) % 2 == 0 { pattern } else { 0 });
            if (12.0..=50.0).contains(&away) { [200, 60 + (x % 40) as u8, 90, 255] } else { [wall[0], wall[1], wall[2], 255] }
        };
        Picture::from_rgba(320, 180, (0..320 * 180).flat_map(of).collect()).unwrap()
    }

    #[test]
    fn a_studio_is_known_around_the_subject_and_not_within() {
        let picture = studio(0);
        let found = plates(&[&picture, &picture]).unwrap();
        for plate in &found {
            let at = |x: u32, y: u32| plate.picture.pixel(x, y);
            // Around: known, and of the studio's colour, to its noise.
            for (x, y) in [(3, 3), (310, 170), (150, 40), (220, 100)] {
                let (own, told) = (picture.pixel(x, y), at(x, y));
                assert!(told[3] == 255 && (0..3).all(|c| own[c].abs_diff(told[c]) <= 5), "{x},{y}: {own:?} {told:?}");
            }
            // What has its colour inside the subject may be foreground.
            assert_eq!(at(150, 100)[3], 0);
            // Behind the subject it goes on.
            assert!(at(110, 100)[0].abs_diff(98) < 8 && at(110, 100)[1].abs_diff(134) < 8, "{:?}", at(110, 100));
        }
    }

    #[test]
    fn a_pattern_or_one_camera_with_a_hall_behind_it_is_no_plain_backdrop() {
        let (plain, pattern) = (studio(0), studio(40));
        assert!(plates(&[&pattern, &pattern]).is_none());
        assert!(plates(&[&plain, &pattern]).is_none() && plates(&[&pattern, &plain]).is_none());
        // A subject that fills the picture leaves nothing to know it by.
        let close = Picture::from_rgba(
            64,
            64,
            (0..64 * 64).flat_map(|i| [(i % 64 * 4) as u8, (i / 64 * 4) as u8, (i * 7 % 251) as u8, 255]).collect(),
        );
        assert!(plates(&[&close.unwrap()]).is_none());
        assert!(plates(&[&Picture::filled(1, 1, [0, 0, 0, 255])]).is_none());
    }
}
