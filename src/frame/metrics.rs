//! How true a picture is: PSNR over RGB and SSIM over luma, defined as the project's scoring script defines them.
//!
//! SSIM: Wang et al. 2004, 11×11 Gaussian window (σ = 1.5), reflected borders, K1 = 0.01, K2 = 0.03, luma of BT.601.

use rayon::iter::{IndexedParallelIterator as _, IntoParallelIterator as _, ParallelIterator as _};
use rayon::slice::ParallelSliceMut as _;

use super::Picture;

/// Two pictures of different size cannot be compared.
#[derive(Debug, thiserror::Error)]
#[error("cannot compare a picture of {}×{} with one of {}×{}", a.0, a.1, b.0, b.1)]
pub struct SizeMismatch {
    /// Width and height of the first.
    pub a: (u32, u32),
    /// Width and height of the second.
    pub b: (u32, u32),
}

fn same_size(a: &Picture, b: &Picture) -> Result<(), SizeMismatch> {
    let (sa, sb) = ((a.width(), a.height()), (b.width(), b.height()));
    if sa == sb { Ok(()) } else { Err(SizeMismatch { a: sa, b: sb }) }
}

/// Peak signal-to-noise ratio in dB over RGB of 8 bits; identical pictures give 99 dB.
/// With `mask` (one flag per pixel, row-major), over the flagged pixels only.
pub fn psnr_db(a: &Picture, b: &Picture, mask: Option<&[bool]>) -> Result<f64, SizeMismatch> {
    same_size(a, b)?;
    let (mut sum, mut count) = (0_u64, 0_u64);
    for (i, (pa, pb)) in a.rgba().chunks_exact(4).zip(b.rgba().chunks_exact(4)).enumerate() {
        if mask.is_some_and(|m| !m.get(i).copied().unwrap_or(false)) {
            continue;
        }
        for c in 0..3 {
            let d = i64::from(pa[c]) - i64::from(pb[c]);
            sum += (d * d) as u64;
        }
        count += 3;
    }
    if sum == 0 || count == 0 {
        return Ok(99.0);
    }
    Ok(10.0 * (255.0 * 255.0 / (sum as f64 / count as f64)).log10())
}

fn luma(p: &Picture) -> Vec<f64> {
    p.rgba().chunks_exact(4).map(|p| 0.299 * f64::from(p[0]) + 0.587 * f64::from(p[1]) + 0.114 * f64::from(p[2])).collect()
}

fn blur(x: &[f64], w: usize, h: usize) -> Vec<f64> {
    let mut k: Vec<f64> = (-5..=5).map(|i| (-0.5 * (f64::from(i) / 1.5).powi(2)).exp()).collect();
    let sum: f64 = k.iter().sum();
    for v in &mut k {
        *v /= sum;
    }
    let reflect = |i: isize, n: usize| -> usize {
        if n == 1 {
            return 0;
        }
        let period = 2 * (n as isize - 1);
        let i = i.rem_euclid(period);
        if i < n as isize { i as usize } else { (period - i) as usize }
    };
    let mut rows = vec![0.0; w * h];
    rows.par_chunks_mut(w).enumerate().for_each(|(y, row)| {
        for (x0, out) in row.iter_mut().enumerate() {
            *out = k.iter().enumerate().map(|(i, kv)| kv * x[y * w + reflect(x0 as isize + i as isize - 5, w)]).sum();
        }
    });
    let mut out = vec![0.0; w * h];
    out.par_chunks_mut(w).enumerate().for_each(|(y, row)| {
        for (x0, out) in row.iter_mut().enumerate() {
            *out = k.iter().enumerate().map(|(i, kv)| kv * rows[reflect(y as isize + i as isize - 5, h) * w + x0]).sum();
        }
    });
    out
}

/// Mean structural similarity over luma (1 = identical).
pub fn ssim(a: &Picture, b: &Picture) -> Result<f64, SizeMismatch> {
    same_size(a, b)?;
    let (w, h) = (a.width() as usize, a.height() as usize);
    let (c1, c2) = ((0.01 * 255.0_f64).powi(2), (0.03 * 255.0_f64).powi(2));
    let (x, y) = (luma(a), luma(b));
    let product = |p: &[f64], q: &[f64]| p.iter().zip(q).map(|(u, v)| u * v).collect::<Vec<_>>();
    let planes: Vec<Vec<f64>> =
        [x.clone(), y.clone(), product(&x, &x), product(&y, &y), product(&x, &y)].into_par_iter().map(|p| blur(&p, w, h)).collect();
    let sum: f64 = (0..w * h)
        .map(|i| {
            let (mx, my) = (planes[0][i], planes[1][i]);
            let (vx, vy, vxy) = (planes[2][i] - mx * mx, planes[3][i] - my * my, planes[4][i] - mx * my);
            ((2.0 * mx * my + c1) * (2.0 * vxy + c2)) / ((mx * mx + my * my + c1) * (vx + vy + c2))
        })
        .sum();
    Ok(sum / (w * h) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(seed: u32) -> Picture {
        let mut s = seed;
        let rgba = (0..48 * 32 * 4)
            .map(|i| {
                s = s.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                if i % 4 == 3 { 255 } else { (s >> 24) as u8 }
            })
            .collect();
        Picture::from_rgba(48, 32, rgba).unwrap()
    }

    #[test]
    fn identical_and_wrong_pictures_are_told_apart() {
        let a = noise(1);
        assert!((psnr_db(&a, &a, None).unwrap() - 99.0).abs() < 1e-9);
        assert!((ssim(&a, &a).unwrap() - 1.0).abs() < 1e-9);
        let b = noise(2);
        assert!(psnr_db(&a, &b, None).unwrap() < 10.0);
        assert!(ssim(&a, &b).unwrap() < 0.2);
        assert!(psnr_db(&a, &Picture::filled(4, 4, [0; 4]), None).is_err());
    }

    #[test]
    fn psnr_of_a_known_error() {
        // A constant error of 16 levels: 10·log10(255²/256) = 24.05 dB.
        let a = Picture::filled(8, 8, [100, 100, 100, 255]);
        let b = Picture::filled(8, 8, [116, 116, 116, 255]);
        assert!((psnr_db(&a, &b, None).unwrap() - 24.048_4).abs() < 1e-3);
        // The mask leaves out what it must.
        let mut c = a.clone();
        c.rgba_mut()[0] = 255;
        let mut mask = vec![true; 64];
        mask[0] = false;
        assert!((psnr_db(&a, &c, Some(&mask)).unwrap() - 99.0).abs() < 1e-9);
    }
}
