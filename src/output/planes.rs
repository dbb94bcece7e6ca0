//! RGBA → planar YUV for encoders: BT.709, limited range, chroma sited left (MPEG-2) and low-passed before it is halved.

use rayon::{
    iter::{IndexedParallelIterator as _, ParallelIterator as _},
    slice::ParallelSliceMut as _,
};

use crate::{color::YuvMatrix, frame::Picture};

/// Three planes in one block: Y, U, V, rows padded to 4 bytes (as GStreamer lays them out).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planes {
    /// The bytes.
    pub data: Vec<u8>,
    /// Bytes from row to row of Y.
    pub luma_stride: usize,
    /// Bytes from row to row of U and V.
    pub chroma_stride: usize,
}

/// R'G'B' (0…255) → Y' and colour differences in units where white is 1 and colour differences span ±0.5.
struct Matrix {
    kr: f32,
    kg: f32,
    kb: f32,
    cb: f32,
    cr: f32,
}

impl Matrix {
    fn bt709() -> Self {
        let (kr, kb) = YuvMatrix::Bt709.luma_weights();
        Self { kr: kr as f32, kg: (1.0 - kr - kb) as f32, kb: kb as f32, cb: (0.5 / (1.0 - kb)) as f32, cr: (0.5 / (1.0 - kr)) as f32 }
    }

    fn luma(&self, [r, g, b]: [f32; 3]) -> f32 {
        (self.kr * r + self.kg * g + self.kb * b) / 255.0
    }

    fn chroma(&self, rgb: [f32; 3]) -> (f32, f32) {
        let y = self.luma(rgb);
        ((rgb[2] / 255.0 - y) * self.cb, (rgb[0] / 255.0 - y) * self.cr)
    }
}

fn rgb(picture: &Picture, x: usize, y: usize) -> [f32; 3] {
    let i = (y * picture.width() as usize + x) * 4;
    let p = &picture.rgba()[i..i + 3];
    [f32::from(p[0]), f32::from(p[1]), f32::from(p[2])]
}

/// R'G'B' low-passed [1 2 1]/4 about column `x`.
fn rgb_around(picture: &Picture, x: usize, y: usize) -> [f32; 3] {
    let last = picture.width() as usize - 1;
    let (l, c, r) = (rgb(picture, x.saturating_sub(1), y), rgb(picture, x, y), rgb(picture, (x + 1).min(last), y));
    std::array::from_fn(|i| 0.25 * l[i] + 0.5 * c[i] + 0.25 * r[i])
}

/// I420, 8 bit, limited range. Odd sides are rounded up, as the format has it.
pub fn planes_420_8bit(picture: &Picture) -> Planes {
    let (w, h) = (picture.width() as usize, picture.height() as usize);
    let (cw, ch) = (w.div_ceil(2), h.div_ceil(2));
    let (luma_stride, chroma_stride) = (w.next_multiple_of(4), cw.next_multiple_of(4));
    let luma_bytes = luma_stride * h.next_multiple_of(2);
    let mut data = vec![0; luma_bytes + 2 * chroma_stride * ch];
    let m = Matrix::bt709();
    let (luma, chroma) = data.split_at_mut(luma_bytes);
    let (u, v) = chroma.split_at_mut(chroma_stride * ch);
    luma.par_chunks_mut(luma_stride * 2).zip(u.par_chunks_mut(chroma_stride)).zip(v.par_chunks_mut(chroma_stride)).enumerate().for_each(
        |(cy, ((luma, u), v))| {
            let rows = [cy * 2, (cy * 2 + 1).min(h - 1)];
            for (row, out) in rows.iter().zip(luma.chunks_mut(luma_stride)) {
                for (x, out) in out[..w].iter_mut().enumerate() {
                    *out = (16.5 + 219.0 * m.luma(rgb(picture, x, *row))) as u8;
                }
            }
            for cx in 0..cw {
                let (a, b) = (rgb_around(picture, cx * 2, rows[0]), rgb_around(picture, cx * 2, rows[1]));
                let (cb, cr) = m.chroma(std::array::from_fn(|i| 0.5 * (a[i] + b[i])));
                u[cx] = (128.5 + 224.0 * cb) as u8;
                v[cx] = (128.5 + 224.0 * cr) as u8;
            }
        },
    );
    Planes { data, luma_stride, chroma_stride }
}

/// I422, 10 bit in little-endian 16-bit words, limited range.
pub fn planes_422_10bit(picture: &Picture) -> Planes {
    let (w, h) = (picture.width() as usize, picture.height() as usize);
    let cw = w.div_ceil(2);
    let (luma_stride, chroma_stride) = ((w * 2).next_multiple_of(4), (cw * 2).next_multiple_of(4));
    let luma_bytes = luma_stride * h;
    let mut data = vec![0; luma_bytes + 2 * chroma_stride * h];
    let m = Matrix::bt709();
    let (luma, chroma) = data.split_at_mut(luma_bytes);
    let (u, v) = chroma.split_at_mut(chroma_stride * h);
    luma.par_chunks_mut(luma_stride).zip(u.par_chunks_mut(chroma_stride)).zip(v.par_chunks_mut(chroma_stride)).enumerate().for_each(
        |(y, ((luma, u), v))| {
            for x in 0..w {
                let code = (64.5 + 876.0 * m.luma(rgb(picture, x, y))) as u16;
                luma[x * 2..x * 2 + 2].copy_from_slice(&code.to_le_bytes());
            }
            for cx in 0..cw {
                let (cb, cr) = m.chroma(rgb_around(picture, cx * 2, y));
                u[cx * 2..cx * 2 + 2].copy_from_slice(&((512.5 + 896.0 * cb) as u16).to_le_bytes());
                v[cx * 2..cx * 2 + 2].copy_from_slice(&((512.5 + 896.0 * cr) as u16).to_le_bytes());
            }
        },
    );
    Planes { data, luma_stride, chroma_stride }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{YuvFormat, YuvFrame, YuvRange, metrics::psnr_db};

    fn smooth(w: u32, h: u32) -> Picture {
        let rgba = (0..w * h)
            .flat_map(|i| {
                let (x, y) = ((i % w) as f32, (i / w) as f32);
                let s = |f: f32, p: f32| (128.0 + 120.0 * (f * x + p + 0.02 * y).sin()) as u8;
                [s(0.031, 0.0), s(0.047, 1.0), s(0.023, 2.0), 255]
            })
            .collect();
        Picture::from_rgba(w, h, rgba).unwrap()
    }

    #[test]
    fn primaries_have_the_standard_codes() {
        // ITU-R BT.709-6 table: 75 % bars would do, 100 % is easier to check by hand.
        for (rgb, yuv8, yuv10) in [
            ([255, 255, 255], [235, 128, 128], [940, 512, 512]),
            ([0, 0, 0], [16, 128, 128], [64, 512, 512]),
            ([255, 0, 0], [63, 102, 240], [250, 409, 960]),
            ([0, 255, 0], [173, 42, 26], [691, 167, 105]),
            ([0, 0, 255], [32, 240, 118], [127, 960, 471]),
        ] {
            let p = Picture::filled(8, 4, [rgb[0], rgb[1], rgb[2], 255]);
            let a = planes_420_8bit(&p).data;
            assert_eq!([a[0], a[32], a[40]], yuv8, "{rgb:?}");
            let b = planes_422_10bit(&p).data;
            let at = |i: usize| u16::from_le_bytes([b[i], b[i + 1]]);
            assert_eq!([at(0), at(64), at(96)], yuv10, "{rgb:?}");
        }
    }

    #[test]
    fn the_decoder_gets_the_picture_back() {
        let p = smooth(160, 96);
        let planes = planes_420_8bit(&p);
        let frame = YuvFrame {
            width: 160,
            height: 96,
            format: YuvFormat::I420,
            matrix: YuvMatrix::Bt709,
            range: YuvRange::Limited,
            data: planes.data.clone().into(),
        };
        let db = psnr_db(&frame.to_picture().unwrap(), &p, None).unwrap();
        assert!(db > 46.0, "{db}");
        // A wrong matrix is seen at once.
        let wrong = YuvFrame { matrix: YuvMatrix::Bt601, ..frame };
        assert!(psnr_db(&wrong.to_picture().unwrap(), &p, None).unwrap() < 35.0);
    }
}
