//! ArUco's predefined dictionaries and `AprilTag`'s families: what the inner squares of each marker say.
//!
//! Facts, not code: the markers of OpenCV's `DICT_4X4_1000`, `5X5`, `6X6` and `7X7` (S. Garrido-Jurado et al., "Automatic generation and
//! detection of highly reliable fiducial markers under occlusion", 2014), bits row by row, white = 1. The smaller dictionaries of the same size
//! are their first 50, 100 and 250 markers. The families 36h11, 25h9 and 16h5 are those of E. Olson, "`AprilTag`: A robust and flexible visual
//! fiducial system", 2011, as in AprilRobotics/apriltag (tag36h11.c, tag25h9.c, tag16h5.c; BSD 2-Clause), their bits sorted row by row; Kalibr prints
//! the same.

/// What a marker says, by its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Dictionary {
    /// Inner squares along a side.
    pub bits: usize,
    /// A marker is read where at most so many of its squares are wrong: far less than half of what any two of them differ in.
    pub wrong: u32,
    pub codes: Vec<u64>,
}

const TEXTS: [(usize, &str); 4] = [
    (4, include_str!("../../../assets/aruco/4x4.txt")),
    (5, include_str!("../../../assets/aruco/5x5.txt")),
    (6, include_str!("../../../assets/aruco/6x6.txt")),
    (7, include_str!("../../../assets/aruco/7x7.txt")),
];
/// Name, inner squares along a side, how many may be wrong, codes. Two markers of a family differ in 11, 9 and 5 squares at least; 16h5 is so small that
/// one wrong square in a hundred quadrilaterals of something else would be a marker.
const FAMILIES: [(&str, usize, u32, &str); 3] = [
    ("36h11", 6, 2, include_str!("../../../assets/aruco/april36h11.txt")),
    ("25h9", 5, 2, include_str!("../../../assets/aruco/april25h9.txt")),
    ("16h5", 4, 0, include_str!("../../../assets/aruco/april16h5.txt")),
];
pub(super) const FAMILIES_KNOWN: &str = "36h11, 25h9 and 16h5";
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
        // One wrong bit: a small marker's; the whole board must agree with it anyway.
        (codes.len() == count).then_some(Self { bits, wrong: 1, codes })
    }

    /// `AprilTag`'s family of that name, with or without `tag` or `t`: `36h11`.
    pub fn april(name: &str) -> Option<Self> {
        let name = name.trim().to_ascii_lowercase();
        let (_, bits, wrong, text) = FAMILIES.iter().find(|(known, ..)| name.trim_start_matches(char::is_alphabetic) == *known)?;
        let codes = text.split_whitespace().filter_map(|w| u64::from_str_radix(w, 16).ok()).collect();
        Some(Self { bits: *bits, wrong: *wrong, codes })
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

    #[test]
    fn tags_of_a_family_differ_by_its_distance_whichever_way_they_are_turned() {
        for (name, count, first, distance) in [("36h11", 587, 0xd_5d62_8584, 11), ("tag25h9", 35, 0x155_cbf1, 9), ("t16h5", 30, 0x231b, 5)]
        {
            let d = Dictionary::april(name).unwrap();
            assert_eq!((d.codes.len(), d.codes[0]), (count, first), "{name}");
            let mut least = 99;
            for (i, a) in d.codes.iter().enumerate() {
                let mut turned = *a;
                for turns in 0..4 {
                    for (j, b) in d.codes.iter().enumerate().filter(|(j, _)| *j != i || turns > 0) {
                        let off = (turned ^ b).count_ones();
                        assert!(off >= distance, "{name}: {i} turned by {turns} and {j} differ in {off}");
                        least = least.min(off);
                    }
                    turned = d.turned(turned);
                }
            }
            assert_eq!(least, distance, "{name}");
            // As many wrong squares as are allowed never make one of another.
            assert!(2 * d.wrong < distance);
        }
        assert_eq!(Dictionary::april("36h10"), None);
    }
}
