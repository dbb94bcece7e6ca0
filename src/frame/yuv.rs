//! Decoded video: 8-bit planar YUV in system memory.

use crate::color::YuvMatrix;
use crate::frame::Picture;
use rayon::{
    iter::{IndexedParallelIterator as _, ParallelIterator as _},
    slice::ParallelSliceMut as _,
};

/// Memory layout of a [`YuvFrame`]'s bytes; planes are tightly packed (no row padding), in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum YuvFormat {
    /// Y, then interleaved UV at half size (4:2:0).
    Nv12,
    /// Y, U, V; U and V at half size (4:2:0).
    I420,
    /// Y, U, V; U and V at half width (4:2:2).
    I422,
    /// Y, U, V at full size.
    I444,
}

/// Code range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum YuvRange {
    /// 16…235 / 16…240 (studio).
    Limited,
    /// 0…255.
    Full,
}

/// One decoded frame with the colorimetry that its stream declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct YuvFrame {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Layout of `data`.
    pub format: YuvFormat,
    /// Matrix of the stream.
    pub matrix: YuvMatrix,
    /// Range of the stream.
    pub range: YuvRange,
    /// The planes, tightly packed in order.
    pub data: bytes::Bytes,
}

impl YuvFrame {
    /// (width, height) of the chroma planes.
    pub const fn chroma_size(&self) -> (u32, u32) {
        match self.format {
            YuvFormat::Nv12 | YuvFormat::I420 => (self.width.div_ceil(2), self.height.div_ceil(2)),
            YuvFormat::I422 => (self.width.div_ceil(2), self.height),
            YuvFormat::I444 => (self.width, self.height),
        }
    }

    /// Bytes that `data` must have.
    pub const fn expected_bytes(&self) -> usize {
        let (cw, ch) = self.chroma_size();
        self.width as usize * self.height as usize + 2 * cw as usize * ch as usize
    }

    /// Converts to RGBA on the CPU (reference and fallback path; chroma is sited left, MPEG-2 style, and interpolated
    /// linearly). `None` when `data` is too short.
    pub fn to_picture(&self) -> Option<Picture> {
        if self.data.len() < self.expected_bytes() {
            return None;
        }
        let (w, h) = (self.width as usize, self.height as usize);
        let (cw, ch) = (self.chroma_size().0 as usize, self.chroma_size().1 as usize);
        let (kr, kb) = self.matrix.luma_weights();
        let (y_scale, y_offset, c_scale) = match self.range {
            YuvRange::Limited => (255.0 / 219.0, 16.0, 255.0 / 224.0),
            YuvRange::Full => (1.0, 0.0, 1.0),
        };
        let (rv, bu) = ((2.0 - 2.0 * kr) * c_scale, (2.0 - 2.0 * kb) * c_scale);
        let kg = 1.0 - kr - kb;
        let (gu, gv) = (-kb / kg * bu, -kr / kg * rv);
        let (rv, bu, gu, gv, y_scale) = (rv as f32, bu as f32, gu as f32, gv as f32, y_scale as f32);
        let luma = &self.data[..w * h];
        let chroma = &self.data[w * h..];
        let sample = |plane: usize, x: usize, y: usize| -> f32 {
            let i = match self.format {
                YuvFormat::Nv12 => (y * cw + x) * 2 + plane,
                _ => plane * cw * ch + y * cw + x,
            };
            f32::from(chroma[i])
        };
        let mut rgba = vec![255_u8; w * h * 4];
        let half_x = cw != w;
        let half_y = ch != h;
        let convert_row = |(y, row): (usize, &mut [u8])| {
            // Vertical siting is midway between two luma rows for 4:2:0.
            let cy = if half_y { (y as f32 - 0.5) * 0.5 } else { y as f32 };
            let y0 = cy.floor().max(0.0) as usize;
            let y1 = (y0 + 1).min(ch - 1);
            let y0 = y0.min(ch - 1);
            let fy = (cy - y0 as f32).clamp(0.0, 1.0);
            for x in 0..w {
                let cx = if half_x { x as f32 * 0.5 } else { x as f32 };
                let x0 = (cx as usize).min(cw - 1);
                let x1 = (x0 + 1).min(cw - 1);
                let fx = cx - x0 as f32;
                let at = |p: usize| {
                    let top = sample(p, x0, y0) * (1.0 - fx) + sample(p, x1, y0) * fx;
                    let bottom = sample(p, x0, y1) * (1.0 - fx) + sample(p, x1, y1) * fx;
                    top * (1.0 - fy) + bottom * fy - 128.0
                };
                let (u, v) = (at(0), at(1));
                let l = (f32::from(luma[y * w + x]) - y_offset) * y_scale;
                let px = &mut row[x * 4..x * 4 + 3];
                px[0] = (l + rv * v).round().clamp(0.0, 255.0) as u8;
                px[1] = (l + gu * u + gv * v).round().clamp(0.0, 255.0) as u8;
                px[2] = (l + bu * u).round().clamp(0.0, 255.0) as u8;
            }
        };
        rgba.par_chunks_mut(w * 4).enumerate().for_each(convert_row);
        Picture::from_rgba(self.width, self.height, rgba).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn primaries_decode_by_their_own_matrix() {
        // BT.709 limited red: Y = 16 + 219·0.2126 = 62.6, Cb = 128 − 224·0.2126/1.8556 = 102.3, Cr = 240.
        let frame = |matrix, y, u, v| YuvFrame {
            width: 2,
            height: 2,
            format: YuvFormat::Nv12,
            matrix,
            range: YuvRange::Limited,
            data: bytes::Bytes::from(vec![y, y, y, y, u, v]),
        };
        let red = frame(YuvMatrix::Bt709, 63, 102, 240).to_picture().unwrap().pixel(0, 0);
        assert!(red[0] >= 254 && red[1] <= 2 && red[2] <= 2, "{red:?}");
        // The same code values under BT.601 are another colour: the matrix is honoured.
        let other = frame(YuvMatrix::Bt601, 63, 102, 240).to_picture().unwrap().pixel(0, 0);
        assert_ne!(red, other);
        let short = YuvFrame { data: bytes::Bytes::from_static(&[0; 5]), ..frame(YuvMatrix::Bt709, 0, 0, 0) };
        assert!(short.to_picture().is_none());
    }
}
