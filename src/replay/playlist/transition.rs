//! How one picture takes the place of another: an element's, a take's, a return's.
//!
//! Must not know: pictures.

/// The longest, seconds; of stingers, which are as long as their films, the longest film.
const LONGEST_SECS: f64 = 5.0;
const LONGEST_STINGER_SECS: f64 = 300.0;
/// As operators step through them, seconds.
const USUAL_SECS: f64 = 0.5;

/// Where the edge of a wipe goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Towards {
    /// From left to right.
    #[default]
    Right,
    /// From right to left.
    Left,
    /// From top to bottom.
    Down,
    /// From bottom to top.
    Up,
}

impl Towards {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Right, Self::Left, Self::Down, Self::Up];

    /// As written in commands and files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::Left => "left",
            Self::Down => "down",
            Self::Up => "up",
        }
    }

    /// To the right and down.
    pub const fn direction(self) -> [f32; 2] {
        match self {
            Self::Right => [1.0, 0.0],
            Self::Left => [-1.0, 0.0],
            Self::Down => [0.0, 1.0],
            Self::Up => [0.0, -1.0],
        }
    }
}

/// How one picture takes the place of another.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Transition {
    /// At once.
    #[default]
    Cut,
    /// Over the end of what goes, in linear light.
    Dissolve {
        /// Seconds.
        secs: f64,
    },
    /// Behind an edge that runs over the picture.
    Wipe {
        /// Seconds.
        secs: f64,
        /// Where the edge goes.
        towards: Towards,
    },
    /// Behind a film with alpha.
    Stinger {
        /// Seconds: as long as the film.
        secs: f64,
        /// Which film of the show, from 1.
        number: u8,
    },
}

impl Transition {
    /// The same with values that can be shown.
    #[must_use]
    pub fn tidied(self) -> Self {
        let within_or = |secs: f64, most: f64| (secs.is_finite() && secs > 0.0).then_some(secs.min(most));
        let within = |secs| within_or(secs, LONGEST_SECS);
        match self {
            Self::Dissolve { secs } => within(secs).map_or(Self::Cut, |secs| Self::Dissolve { secs }),
            Self::Wipe { secs, towards } => within(secs).map_or(Self::Cut, |secs| Self::Wipe { secs, towards }),
            // Cut shorter, its film would play too fast.
            Self::Stinger { secs, number } => {
                within_or(secs, LONGEST_STINGER_SECS).map_or(Self::Cut, |secs| Self::Stinger { secs, number })
            }
            Self::Cut => Self::Cut,
        }
    }

    /// From its length, and what is written down beside it.
    pub fn of(secs: f64, wipe: Option<Towards>, stinger: Option<u8>) -> Self {
        match (stinger, wipe) {
            (Some(number), _) => Self::Stinger { secs, number },
            (None, Some(towards)) => Self::Wipe { secs, towards },
            (None, None) => Self::Dissolve { secs },
        }
        .tidied()
    }

    /// Where its edge goes, if it is a wipe.
    pub const fn wipe(self) -> Option<Towards> {
        match self {
            Self::Wipe { towards, .. } => Some(towards),
            _ => None,
        }
    }

    /// Which stinger it is, if it is one.
    pub const fn stinger(self) -> Option<u8> {
        match self {
            Self::Stinger { number, .. } => Some(number),
            _ => None,
        }
    }

    /// Seconds; 0 for a cut.
    pub const fn secs(self) -> f64 {
        match self {
            Self::Cut => 0.0,
            Self::Dissolve { secs } | Self::Wipe { secs, .. } | Self::Stinger { secs, .. } => secs,
        }
    }

    /// The next kind, where the show has stingers of these lengths: cut, dissolve, wipe, each stinger, and again.
    #[must_use]
    pub fn next_kind(self, stingers_secs: &[f64]) -> Self {
        let stinger =
            |k: usize| stingers_secs.get(k).zip(u8::try_from(k + 1).ok()).map(|(secs, number)| Self::Stinger { secs: *secs, number });
        match self {
            Self::Cut => Self::Dissolve { secs: USUAL_SECS },
            Self::Dissolve { .. } => Self::Wipe { secs: USUAL_SECS, towards: Towards::Right },
            Self::Wipe { .. } => stinger(0).unwrap_or(Self::Cut),
            Self::Stinger { number, .. } => stinger(usize::from(number)).unwrap_or(Self::Cut),
        }
    }

    /// As it is called in lists for other programs: `wipe right`, `stinger 2`.
    pub fn words(self) -> String {
        match self {
            Self::Cut => "cut".to_owned(),
            Self::Dissolve { .. } => "dissolve".to_owned(),
            Self::Wipe { towards, .. } => format!("wipe {}", towards.name()),
            Self::Stinger { number, .. } => format!("stinger {number}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_kinds_are_stepped_through_and_only_a_film_is_longer_than_a_dissolve_may_be() {
        let stingers = [1.0, 9.0];
        let mut seen = vec![];
        let mut now = Transition::Cut;
        for _ in 0..6 {
            now = now.next_kind(&stingers).tidied();
            assert!(now.secs() <= LONGEST_SECS || now == Transition::Stinger { secs: 9.0, number: 2 });
            seen.push(now.words());
        }
        assert_eq!(seen, ["dissolve", "wipe right", "stinger 1", "stinger 2", "cut", "dissolve"]);
        assert_eq!(Transition::Wipe { secs: 0.5, towards: Towards::Up }.next_kind(&[]), Transition::Cut);
        for wrong in [f64::NAN, -1.0, 0.0] {
            assert_eq!(Transition::Wipe { secs: wrong, towards: Towards::Up }.tidied(), Transition::Cut);
            assert_eq!(Transition::Stinger { secs: wrong, number: 1 }.tidied(), Transition::Cut);
        }
    }
}
