//! Colour: matrices, ranges and transfer functions.
//!
//! Pictures are decoded with the stream's own matrix, range and transfer; blending happens in linear light.
//! Must not know: textures, feeds.

/// How luma and colour differences were formed (ITU-R BT.601-7, BT.709-6, BT.2020-2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum YuvMatrix {
    /// SD.
    Bt601,
    /// HD.
    Bt709,
    /// UHD.
    Bt2020,
}

impl YuvMatrix {
    /// (Kr, Kb) of the standard.
    pub const fn luma_weights(self) -> (f64, f64) {
        match self {
            Self::Bt601 => (0.299, 0.114),
            Self::Bt709 => (0.2126, 0.0722),
            Self::Bt2020 => (0.2627, 0.0593),
        }
    }
}

/// sRGB code value (0…1) → linear light (IEC 61966-2-1).
pub fn linear_from_srgb(v: f32) -> f32 {
    if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
}

/// Linear light → sRGB code value (IEC 61966-2-1).
pub fn srgb_from_linear(v: f32) -> f32 {
    if v <= 0.003_130_8 { v * 12.92 } else { 1.055 * v.powf(1.0 / 2.4) - 0.055 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn srgb_round_trip() {
        for i in 0..=255_u16 {
            let v = f32::from(i) / 255.0;
            assert!((srgb_from_linear(linear_from_srgb(v)) - v).abs() < 1e-5);
        }
        assert!((linear_from_srgb(0.5) - 0.214_041_14).abs() < 1e-6);
    }
}
