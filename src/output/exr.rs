//! `OpenEXR` pictures: red, green, blue as 16-bit floats in linear light, BT.709 primaries, one scan line after the other, not packed.
//!
//! The layout is that of "`OpenEXR` File Layout" (openexr.com): magic, version 2, attributes, a table of offsets, scan lines with their
//! channels in alphabetical order.

use crate::{color::linear_from_srgb, frame::Picture};

const MAGIC: [u8; 8] = [0x76, 0x2f, 0x31, 0x01, 2, 0, 0, 0];

/// A float of 0…1 as IEEE 754 half, to the nearest; smaller than the smallest normal half becomes subnormal.
fn half(value: f32) -> u16 {
    let bits = value.clamp(0.0, 1.0).to_bits();
    let (exponent, mantissa) = ((bits >> 23) as i32 - 127, (bits & 0x007f_ffff) | 0x0080_0000);
    // Bits that do not fit: 13, and one more for every power of two below the smallest normal half.
    let drop = 13 + (-14 - exponent).max(0);
    if bits == 0 || drop > 24 {
        return 0;
    }
    let rounded = (mantissa + (1 << (drop - 1))) >> drop;
    // The leading one of a normal half carries into its exponent.
    (((exponent + 14).max(0) as u32) << 10).wrapping_add(rounded) as u16
}

fn attribute(out: &mut Vec<u8>, name: &str, kind: &str, value: &[u8]) {
    for text in [name, kind] {
        out.extend_from_slice(text.as_bytes());
        out.push(0);
    }
    out.extend_from_slice(&(value.len() as u32).to_le_bytes());
    out.extend_from_slice(value);
}

/// The bytes of the file.
pub(super) fn coded(picture: &Picture) -> Vec<u8> {
    let (w, h) = (picture.width(), picture.height());
    let mut channels = Vec::new();
    for name in *b"BGR" {
        channels.extend_from_slice(&[name, 0]);
        // Half, not perceptually linear, every pixel.
        for value in [1_u32, 0, 1, 1] {
            channels.extend_from_slice(&value.to_le_bytes());
        }
    }
    channels.push(0);
    let window = [0, 0, w - 1, h - 1].map(u32::to_le_bytes).concat();
    let mut out = MAGIC.to_vec();
    attribute(&mut out, "channels", "chlist", &channels);
    attribute(&mut out, "compression", "compression", &[0]);
    attribute(&mut out, "dataWindow", "box2i", &window);
    attribute(&mut out, "displayWindow", "box2i", &window);
    attribute(&mut out, "lineOrder", "lineOrder", &[0]);
    attribute(&mut out, "pixelAspectRatio", "float", &1_f32.to_le_bytes());
    attribute(&mut out, "screenWindowCenter", "v2f", &[0; 8]);
    attribute(&mut out, "screenWindowWidth", "float", &1_f32.to_le_bytes());
    out.push(0);
    let row_bytes = w as usize * 6;
    let first = out.len() + 8 * h as usize;
    for y in 0..h as usize {
        out.extend_from_slice(&((first + y * (8 + row_bytes)) as u64).to_le_bytes());
    }
    let table: Vec<u16> = (0..=255_u8).map(|v| half(linear_from_srgb(f32::from(v) / 255.0))).collect();
    for (y, row) in picture.rgba().chunks_exact(w as usize * 4).enumerate() {
        out.extend_from_slice(&(y as u32).to_le_bytes());
        out.extend_from_slice(&(row_bytes as u32).to_le_bytes());
        for channel in [2, 1, 0] {
            out.extend(row.chunks_exact(4).flat_map(|p| table[usize::from(p[channel])].to_le_bytes()));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_those_of_the_standard() {
        for (value, bits) in [(0.0, 0), (1.0, 0x3c00), (0.5, 0x3800), (0.333_333_33, 0x3555), (6.103_515_6e-5, 0x0400), (5.960_464_5e-8, 1)]
        {
            assert_eq!(half(value), bits, "{value}");
        }
        // Every colour value is another half, in order.
        let all: Vec<u16> = (0..=255_u8).map(|v| half(linear_from_srgb(f32::from(v) / 255.0))).collect();
        assert!(all.windows(2).all(|w| w[0] < w[1]));
    }
}
