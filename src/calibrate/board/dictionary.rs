//! ArUco's predefined dictionaries: what the inner squares of each marker say.
//!
//! Facts, not code: the markers of OpenCV's `DICT_4X4_1000`, `5X5`, `6X6` and `7X7` (S. Garrido-Jurado et al., "Automatic generation and
//! detection of highly reliable fiducial markers under occlusion", 2014), bits row by row, white = 1. The smaller dictionaries of the same size
//! are their first 50, 100 and 250 markers.

/// What a marker says, by its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Dictionary {
    /// Inner squares along a side.
    pub bits: usize,
    pub codes: Vec<u64>,
}

const TEXTS: [(usize, &str); 4] = [
    (4, include_str!("../../../assets/aruco/4x4.txt")),
    (5, include_str!("../../../assets/aruco/5x5.txt")),
    (6, include_str!("../../../assets/aruco/6x6.txt")),
    (7, include_str!("../../../assets/aruco/7x7.txt")),
];
pub(super) const KNOWN: &str = "4x4_50, 4x4_100, 4x4_250, 4x4_1000, and the same of 5x5, 6x6 and 7x7";

impl Dictionary {
    /// By its name, with or without `DICT_`: `4x4_50`.
    pub fn by_name(name: &str) -> Option<Self> {
        let name = name.trim().to_ascii_lowercase();
        let (size, count) = name.strip_prefix("dict_").unwrap_or(&name).split_once('_')?;
        let (side, other) = size.split_once('x')?;
        let bits: usize = side.parse().ok().filter(|_| side == other)?;
        let count: usize = count.parse().ok().filter(|n| [50, 100, 250, 1000].contains(n))?;
        let (_, text) = TEXTS.iter().find(|(n, _)| *n == bits)?;
        let codes: Vec<u64> = text.split_whitespace().filter_map(|w| u64::from_str_radix(w, 16).ok()).take(count).collect();
        (codes.len() == count).then_some(Self { bits, codes })
    }

    /// The marker among `allowed` whose bits differ from `code` in at most `wrong` places, and by how many quarter turns the picture must be
    /// turned counter-clockwise to have it upright.
    pub fn find(&self, code: u64, allowed: &[u32], wrong: u32) -> Option<(u32, u8)> {
        let mut turned = code;
        let mut best: Option<(u32, u32, u8)> = None;
        for turns in 0..4 {
            for id in allowed {
                let Some(known) = self.codes.get(*id as usize) else { continue };
                let off = (known ^ turned).count_ones();
                if off <= wrong && best.is_none_or(|(least, ..)| off < least) {
                    best = Some((off, *id, turns));
                }
            }
            turned = self.turned(turned);
        }
        best.map(|(_, id, turns)| (id, turns))
    }

    /// A code as it reads when the picture is turned by a quarter counter-clockwise.
    fn turned(&self, code: u64) -> u64 {
        let n = self.bits;
        let at = |row: usize, column: usize| code >> (n * n - 1 - (row * n + column)) & 1;
        // Counter-clockwise: what was the last column becomes the first row.
        (0..n * n).fold(0, |sum, i| sum << 1 | at(i % n, n - 1 - i / n))
    }

    /// A code as a mirror shows it.
    pub fn mirrored(&self, code: u64) -> u64 {
        let n = self.bits;
        (0..n * n).fold(0, |sum, i| sum << 1 | (code >> (n * n - 1 - (i / n * n + n - 1 - i % n)) & 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_are_opencvs_and_read_from_any_side() {
        let d = Dictionary::by_name("DICT_4X4_50").unwrap();
        // The first marker of OpenCV's predefined_dictionaries.hpp is {181, 50}: 0xb5, 0x32.
        assert_eq!((d.bits, d.codes.len(), d.codes[0]), (4, 50, 0xb532));
        let all: Vec<u32> = (0..50).collect();
        for id in [0_u32, 7, 49] {
            let mut code = d.codes[id as usize];
            assert_eq!(d.find(code ^ 0x10, &all, 1), Some((id, 0)));
            for k in 1..4 {
                code = d.turned(code);
                assert_eq!(d.find(code, &all, 0), Some((id, 4 - k)));
            }
            assert_eq!(d.turned(code), d.codes[id as usize]);
            assert_ne!(d.mirrored(code), code);
            assert_eq!(d.mirrored(d.mirrored(code)), code);
        }
        for (name, bits) in [("5x5_100", 5), ("6x6_250", 6), ("dict_7x7_1000", 7)] {
            assert_eq!(Dictionary::by_name(name).map(|d| d.bits), Some(bits));
        }
        for name in ["4x4", "8x8_50", "4x5_50", "4x4_51", ""] {
            assert_eq!(Dictionary::by_name(name), None, "{name}");
        }
    }
}
