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

/// CIE L*a*b* under D65 of an sRGB colour of code values 0…255 (IEC 61966-2-1 primaries, CIE 15:2004).
pub fn lab_from_srgb(rgb: [u8; 3]) -> [f64; 3] {
    let [r, g, b] = rgb.map(|v| f64::from(linear_from_srgb(f32::from(v) / 255.0)));
    let xyz = [
        0.412_456_4 * r + 0.357_576_1 * g + 0.180_437_5 * b,
        0.212_672_9 * r + 0.715_152_2 * g + 0.072_175_0 * b,
        0.019_333_9 * r + 0.119_192_0 * g + 0.950_304_1 * b,
    ];
    let white = [0.950_47, 1.0, 1.088_83];
    let f = |t: f64| if t > (6.0_f64 / 29.0).powi(3) { t.cbrt() } else { t * (29.0_f64 / 6.0).powi(2) / 3.0 + 4.0 / 29.0 };
    let [x, y, z] = std::array::from_fn(|k| f(xyz[k] / white[k]));
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

/// CIEDE2000 difference of two L*a*b* colours; about 1 is just noticeable (Sharma, Wu, Dalal, "The CIEDE2000 color-difference formula",
/// Color Research and Application 30, 2005, equations 2 to 22, all weights 1).
pub fn delta_e_2000(one: [f64; 3], other: [f64; 3]) -> f64 {
    let pi = std::f64::consts::PI;
    let chroma = |c: [f64; 3]| c[1].hypot(c[2]);
    let lopsided = |c: f64| 0.5 * (1.0 - (c.powi(7) / (c.powi(7) + 25.0_f64.powi(7))).sqrt());
    let g = lopsided(0.5 * (chroma(one) + chroma(other)));
    let polar = |c: [f64; 3]| {
        let a = (1.0 + g) * c[1];
        let hue = if a == 0.0 && c[2] == 0.0 { 0.0 } else { c[2].atan2(a).rem_euclid(2.0 * pi) };
        (c[0], a.hypot(c[2]), hue)
    };
    let ((l1, c1, h1), (l2, c2, h2)) = (polar(one), polar(other));
    let is_grey = c1 * c2 == 0.0;
    let turn = match h2 - h1 {
        _ if is_grey => 0.0,
        d if d > pi => d - 2.0 * pi,
        d if d < -pi => d + 2.0 * pi,
        d => d,
    };
    let (dl, dc, dh) = (l2 - l1, c2 - c1, 2.0 * (c1 * c2).sqrt() * (0.5 * turn).sin());
    let (l, c) = (0.5 * (l1 + l2), 0.5 * (c1 + c2));
    let h = match h1 + h2 {
        sum if is_grey => sum,
        sum if (h1 - h2).abs() <= pi => 0.5 * sum,
        sum if sum < 2.0 * pi => 0.5 * (sum + 2.0 * pi),
        sum => 0.5 * (sum - 2.0 * pi),
    };
    let deg = |degrees: f64| degrees.to_radians();
    let t = 1.0 - 0.17 * (h - deg(30.0)).cos() + 0.24 * (2.0 * h).cos() + 0.32 * (3.0 * h + deg(6.0)).cos()
        - 0.20 * (4.0 * h - deg(63.0)).cos();
    let swing = deg(30.0) * (-((h.to_degrees() - 275.0) / 25.0).powi(2)).exp();
    let turned = -(2.0 * swing).sin() * 2.0 * (1.0 - 2.0 * lopsided(c));
    let (sl, sc, sh) = (1.0 + 0.015 * (l - 50.0).powi(2) / (20.0 + (l - 50.0).powi(2)).sqrt(), 1.0 + 0.045 * c, 1.0 + 0.015 * c * t);
    let (dl, dc, dh) = (dl / sl, dc / sc, dh / sh);
    (dl * dl + dc * dc + dh * dh + turned * dc * dh).max(0.0).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_differences_are_those_of_the_published_pairs() {
        // Sharma, Wu, Dalal 2005, table 1.
        let pairs = [
            ([50.0, 2.6772, -79.7751], [50.0, 0.0, -82.7485], 2.0425),
            ([50.0, 3.1571, -77.2803], [50.0, 0.0, -82.7485], 2.8615),
            ([50.0, -1.3802, -84.2814], [50.0, 0.0, -82.7485], 1.0),
            ([50.0, 0.0, 0.0], [50.0, -1.0, 2.0], 2.3669),
            ([50.0, 2.49, -0.001], [50.0, -2.49, 0.0009], 7.1792),
            ([50.0, 2.5, 0.0], [73.0, 25.0, -18.0], 27.1492),
            ([50.0, 2.5, 0.0], [61.0, -5.0, 29.0], 22.8977),
            ([50.0, 2.5, 0.0], [56.0, -27.0, -3.0], 31.9030),
            ([50.0, 2.5, 0.0], [58.0, 24.0, 15.0], 19.4535),
            ([60.2574, -34.0099, 36.2677], [60.4626, -34.1751, 39.4387], 1.2644),
        ];
        for (one, other, expected) in pairs {
            for found in [delta_e_2000(one, other), delta_e_2000(other, one)] {
                assert!((found - expected).abs() < 1e-4, "{one:?} {other:?}: {found}, not {expected}");
            }
        }
        let white = lab_from_srgb([255; 3]);
        assert!((white[0] - 100.0).abs() < 1e-3 && white[1].abs() < 0.02 && white[2].abs() < 0.02, "{white:?}");
        // Lindbloom's calculator: sRGB red is (53.24, 80.09, 67.20).
        let red = lab_from_srgb([255, 0, 0]);
        assert!((red[0] - 53.24).abs() < 0.02 && (red[1] - 80.09).abs() < 0.05 && (red[2] - 67.20).abs() < 0.05, "{red:?}");
    }

    #[test]
    fn srgb_round_trip() {
        for i in 0..=255_u16 {
            let v = f32::from(i) / 255.0;
            assert!((srgb_from_linear(linear_from_srgb(v)) - v).abs() < 1e-5);
        }
        assert!((linear_from_srgb(0.5) - 0.214_041_14).abs() < 1e-6);
    }
}
