//! What views make of the differences between the cameras: a choice, and what is added by hand.
//!
//! Must not know: how the differences are measured, how pictures are made.

/// What becomes of differences in exposure and white between the cameras, in views between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Matching {
    /// They glide: at a camera the view has that camera's own, between two it goes over from one to the other.
    #[default]
    Glide,
    /// All views have the exposure and white in the middle of all cameras, so that an orbit does not pulse. At a camera the view differs from its
    /// picture by that.
    Common,
    /// The cameras are blended as they are.
    Off,
}

impl Matching {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Glide, Self::Common, Self::Off];

    /// As written in settings and commands.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Glide => "glide",
            Self::Common => "common",
            Self::Off => "off",
        }
    }

    /// The one of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|m| m.name() == name)
    }
}

/// All that is chosen for the match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Match {
    /// Of exposure and white.
    pub level: Matching,
    /// Whether dark corners and responses of the cameras' own are evened out, too.
    pub shading: bool,
}

impl Default for Match {
    fn default() -> Self {
        Matching::default().into()
    }
}

impl From<Matching> for Match {
    /// With shading.
    fn from(level: Matching) -> Self {
        Self { level, shading: true }
    }
}

/// What is added by hand to a camera's share of views.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ByHand {
    /// By how many stops red, green and blue are brighter.
    pub stops: [f32; 3],
    /// By how many stops its corners are brighter, growing with the square of the distance from the middle.
    pub corner_stops: f32,
    /// How much steeper its response is about a middle grey: stops per stop.
    pub contrast: f32,
}
