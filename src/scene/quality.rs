//! Quality levels: what a solve may cost. The one notion of quality that the console, exports and the demo share.

use super::{Match, Matching, SceneOptions};

/// How good and how costly the pictures are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quality {
    /// Small depth, pictures blended as they are: for software rendering, weak machines, and as what is left when nothing else can be afforded.
    #[default]
    Draft,
    /// Depth at the cameras' own size: what goes on air.
    Air,
    /// As `Air` with three times the passes of refinement at the finest level, depth and confidence tuned by the pictures, and polished views: in software
    /// several times the time, for 0.5 to 1.4 dB (docs/synthesis.md).
    Hero,
}

/// As the operator finds it.
const AS_USUAL: Match = Match { level: Matching::Glide, shading: true };

impl Quality {
    /// All, cheapest first.
    pub const ALL: [Self; 3] = [Self::Draft, Self::Air, Self::Hero];

    /// As shown to the operator.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Draft => "Draft",
            Self::Air => "Air",
            Self::Hero => "Hero",
        }
    }

    /// The level of that name, in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|q| q.label().eq_ignore_ascii_case(name))
    }

    /// The level below.
    pub const fn lower(self) -> Option<Self> {
        match self {
            Self::Draft => None,
            Self::Air => Some(Self::Draft),
            Self::Hero => Some(Self::Air),
        }
    }

    /// How a scene of this level is solved.
    pub const fn scene(self) -> SceneOptions {
        match self {
            Self::Draft => {
                SceneOptions { max_depth_size_px: Some(320), thorough: false, plain: true, has_plates: false, matching: AS_USUAL }
            }
            Self::Air => SceneOptions { max_depth_size_px: None, thorough: false, plain: false, has_plates: false, matching: AS_USUAL },
            Self::Hero => SceneOptions { max_depth_size_px: None, thorough: true, plain: false, has_plates: false, matching: AS_USUAL },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_ordered_and_found_by_name() {
        for pair in Quality::ALL.windows(2) {
            assert!(pair[0] < pair[1] && pair[1].lower() == Some(pair[0]));
        }
        assert_eq!(Quality::Draft.lower(), None);
        assert_eq!(Quality::from_name("HERO"), Some(Quality::Hero));
        assert_eq!(Quality::from_name("full"), None);
        assert!(Quality::Hero.scene().thorough && Quality::Air.scene() == SceneOptions::default());
        assert!(Quality::ALL.map(|q| q.scene().plain) == [true, false, false]);
    }
}
