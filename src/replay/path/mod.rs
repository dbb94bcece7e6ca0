//! A path: a curve in space × time. It says where the virtual camera is and which instant it shows.
//!
//! Freeze-and-orbit, bounce, whip, loop and roll-through are presets of the same curve. A [`Path`] is a list of key
//! frames and knows no rig; [`Track`] is a path laid along a rig and gives a camera for any time.
//! Must not know: pictures, GPU, files other than its own small text.

mod crop;
mod curve;
mod list;
mod presets;
mod rolls;
mod spline;
mod track;

pub use crop::{Aspect, AspectError};
pub use list::{ArcSpan, LEAST_APART_SECS, MOST_KEYS, MOST_PATHS, PathChannel, PathEdit, PathList};
pub use presets::{Preset, PresetOptions, shorter_way};
pub use rolls::{Roll, SLOWEST, freeze_in_roll, ramped_roll, roll, roll_through, still};
pub use track::{PathSample, Track};

use crate::{rig::ArcError, time::FrameRate};

/// Version of the path text that this program reads and writes.
pub const PATH_VERSION: u32 = 1;

/// What is wrong with a path, or with laying it along a rig.
#[derive(Debug, thiserror::Error)]
pub enum PathError {
    /// The text is no path.
    #[error("the path is not readable: {0}")]
    Syntax(#[from] toml::de::Error),
    /// Writing the text failed.
    #[error("the path cannot be written as text: {0}")]
    Write(#[from] toml::ser::Error),
    /// Made by another version.
    #[error("the path is of version {found}, this program reads version {PATH_VERSION}. Save it again with this program")]
    Version {
        /// The text's version.
        found: u32,
    },
    /// A value makes no sense.
    #[error("the path {name:?}: {problem}")]
    Invalid {
        /// Name of the path.
        name: String,
        /// What is wrong, and the remedy.
        problem: String,
    },
    /// A key frame names a camera that the rig has not.
    #[error("the path names the camera {camera:?}, which the rig has not. It has: {known}")]
    UnknownCamera {
        /// The name.
        camera: String,
        /// Names of the rig.
        known: String,
    },
    /// The path leaves the arc.
    #[error("the path goes to position {position}, but the arc is open and ends at {last}. Stay between 0 and {last}, or use a bounce")]
    OffTheArc {
        /// Fractional camera index asked for.
        position: f64,
        /// Index of the last camera.
        last: usize,
    },
    /// The rig has no arc.
    #[error(transparent)]
    Arc(#[from] ArcError),
}

/// A place along the arc.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(untagged)]
pub enum Station {
    /// Fractional index in the arc's order: 0 is its first camera, 2.5 the middle between the third and the fourth.
    /// On a closed ring of n cameras, n is the first camera again, one turn later; negative turns the other way.
    Position(f64),
    /// At the camera of that name.
    Camera(String),
    /// Angle along the arc from its first camera as seen from the centre.
    Angle(AngleAlongArc),
}

/// An angle along the arc.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AngleAlongArc {
    /// Degrees.
    pub angle_deg: f64,
}

/// How the curve runs from one key frame to the next.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Easing {
    /// Starts and stops gently.
    #[default]
    EaseInOut,
    /// Constant speed.
    Linear,
    /// Starts gently, arrives at twice the mean speed.
    EaseIn,
    /// Starts at twice the mean speed, stops gently.
    EaseOut,
    /// Runs through its key frames without stopping; never overshoots a key frame's value.
    Smooth,
}

impl Easing {
    /// All, in the order in which they are gone through.
    pub const ALL: [Self; 5] = [Self::EaseInOut, Self::Linear, Self::EaseIn, Self::EaseOut, Self::Smooth];

    /// Its name in path files and commands.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EaseInOut => "ease_in_out",
            Self::Linear => "linear",
            Self::EaseIn => "ease_in",
            Self::EaseOut => "ease_out",
            Self::Smooth => "smooth",
        }
    }

    /// The next one; after the last, the first again.
    #[must_use]
    pub fn next(self) -> Self {
        let at = Self::ALL.iter().position(|e| *e == self).unwrap_or(0);
        Self::ALL[(at + 1) % Self::ALL.len()]
    }
}

/// A key frame.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// Seconds since the start of the path.
    pub at_secs: f64,
    /// Where on the arc.
    pub camera: Station,
    /// Which instant, seconds since the mark (negative = before it).
    #[serde(default)]
    pub instant_secs: f64,
    /// Focal length over the physical one; 1 = as the cameras see.
    #[serde(default = "one")]
    pub zoom: f64,
    /// Raised above the cameras' curve along the arc's up axis, metres.
    #[serde(default)]
    pub height_m: f64,
    /// Nearer to what it looks at than the cameras' curve, metres; negative is farther away.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub dolly_m: f64,
    /// Roll about the optical axis, degrees, clockwise in the picture.
    #[serde(default)]
    pub roll_deg: f64,
    /// World point that takes the place of the arc's centre, metres; the virtual camera turns towards it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pivot_m: Option<[f64; 3]>,
    /// How the curve runs from here to the next key frame.
    #[serde(default)]
    pub ease: Easing,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands references")]
fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

const fn one() -> f64 {
    1.0
}

impl Key {
    /// A key frame at `at_secs` that stands at `camera`, everything else neutral.
    pub const fn new(at_secs: f64, camera: Station) -> Self {
        Self {
            at_secs,
            camera,
            instant_secs: 0.0,
            zoom: 1.0,
            height_m: 0.0,
            dolly_m: 0.0,
            roll_deg: 0.0,
            pivot_m: None,
            ease: Easing::EaseInOut,
        }
    }

    /// The same with another easing.
    #[must_use]
    pub fn eased(self, ease: Easing) -> Self {
        Self { ease, ..self }
    }

    /// The same at another instant, seconds since the mark.
    #[must_use]
    pub fn showing(self, instant_secs: f64) -> Self {
        Self { instant_secs, ..self }
    }
}

/// A curve in space × time.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Path {
    /// [`PATH_VERSION`].
    pub version: u32,
    /// Name, for the operator.
    pub name: String,
    /// Length in seconds; after the last key frame the path holds.
    pub duration_secs: f64,
    /// Whether the end continues with the start.
    #[serde(default)]
    pub looped: bool,
    /// Aim exactly at the pivot with a constant size of the subject, so that cameras placed by hand do not wobble.
    #[serde(default)]
    pub stabilize: bool,
    /// Key frames, times strictly increasing.
    #[serde(rename = "key")]
    pub keys: Vec<Key>,
}

impl Path {
    /// Reads the text form.
    ///
    /// ```
    /// let path = volte::replay::path::Path::from_toml(r#"
    /// version = 1
    /// name = "from the left"
    /// duration_secs = 2.0
    /// [[key]]
    /// at_secs = 0.0
    /// camera = 0
    /// [[key]]
    /// at_secs = 2.0
    /// camera = "cam07"
    /// "#)?;
    /// assert_eq!(path.keys.len(), 2);
    /// # Ok::<(), volte::replay::path::PathError>(())
    /// ```
    pub fn from_toml(text: &str) -> Result<Self, PathError> {
        #[derive(serde::Deserialize)]
        struct Head {
            version: Option<u32>,
        }
        // The version first: a text of another version may have other fields, and its version is the better message.
        if let Ok(Head { version: Some(found) }) = toml::from_str::<Head>(text)
            && found != PATH_VERSION
        {
            return Err(PathError::Version { found });
        }
        let path: Self = toml::from_str(text)?;
        path.check()?;
        Ok(path)
    }

    /// The text form.
    pub fn to_toml(&self) -> Result<String, PathError> {
        self.check()?;
        Ok(toml::to_string(self)?)
    }

    /// Number of output frames at `rate`: at least one; a loop's last frame is the one *before* its first.
    pub fn frame_count(&self, rate: FrameRate) -> u64 {
        ((self.duration_secs * rate.fps()).round() as u64).max(1)
    }

    /// The same path about another event's pivot, metres in the world: what looked at the first pivot that is keyed, or at the arc's
    /// centre, looks there; pivots keep their distances to each other.
    #[must_use]
    pub fn about(mut self, pivot_m: [f64; 3]) -> Self {
        let first = self.keys.iter().find_map(|k| k.pivot_m);
        for key in &mut self.keys {
            key.pivot_m = Some(match (key.pivot_m, first) {
                (Some(own), Some(first)) => std::array::from_fn(|c| pivot_m[c] + (own[c] - first[c])),
                _ => pivot_m,
            });
        }
        self
    }

    /// The same path, all of it so much nearer to what it looks at and higher, metres.
    #[must_use]
    pub fn freed(mut self, dolly_m: f64, height_m: f64) -> Self {
        for key in &mut self.keys {
            key.dolly_m += dolly_m;
            key.height_m += height_m;
        }
        self
    }

    /// The same path between two places of the arc: what lies beyond stops there.
    #[must_use]
    pub fn within(mut self, first: f64, last: f64) -> Self {
        for key in &mut self.keys {
            if let Station::Position(p) = &mut key.camera {
                *p = p.clamp(first, last.max(first));
            }
        }
        self
    }

    /// The same path with its key frames at these places along the arc.
    #[must_use]
    pub fn placed(mut self, positions: &[f64]) -> Self {
        for (key, p) in self.keys.iter_mut().zip(positions) {
            key.camera = Station::Position(*p);
        }
        self
    }

    /// Whether time stands still along the whole path.
    pub fn is_frozen(&self) -> bool {
        self.keys.windows(2).all(|k| (k[0].instant_secs - k[1].instant_secs).abs() < 1e-9)
    }

    /// Whether all values make sense.
    pub fn check(&self) -> Result<(), PathError> {
        let invalid = |problem: String| Err(PathError::Invalid { name: self.name.clone(), problem });
        if self.version != PATH_VERSION {
            return Err(PathError::Version { found: self.version });
        }
        let Some(last) = self.keys.last() else {
            return invalid("it has no key frame. Add at least one [[key]]".into());
        };
        if !(self.duration_secs.is_finite() && self.duration_secs > 0.0 && self.duration_secs <= 3600.0) {
            return invalid(format!("its length of {} s is not between 0 and 3600 s", self.duration_secs));
        }
        for (i, key) in self.keys.iter().enumerate() {
            let place = match &key.camera {
                Station::Position(p) => *p,
                Station::Angle(a) => a.angle_deg,
                Station::Camera(_) => 0.0,
            };
            let pivot = key.pivot_m.unwrap_or_default();
            let numbers =
                [key.at_secs, place, key.instant_secs, key.zoom, key.height_m, key.dolly_m, key.roll_deg, pivot[0], pivot[1], pivot[2]];
            if numbers.iter().any(|v| !v.is_finite()) {
                return invalid(format!("key frame {i} has a value that is not a number"));
            }
            if place.abs() > 1e6 || key.instant_secs.abs() > 1e6 {
                return invalid(format!("key frame {i} is a million cameras, degrees or seconds away"));
            }
            if !(0.05..=20.0).contains(&key.zoom) {
                return invalid(format!("key frame {i} zooms by {}. Stay between 0.05 and 20", key.zoom));
            }
            if key.at_secs < 0.0 {
                return invalid(format!("key frame {i} lies before the start. Times count from 0"));
            }
        }
        if let Some(i) = self.keys.windows(2).position(|k| k[1].at_secs - k[0].at_secs < 1e-6) {
            return invalid(format!("key frame {} is not later than the one before it. Sort the key frames by time", i + 1));
        }
        if last.at_secs > self.duration_secs + 1e-9 {
            return invalid(format!("its last key frame at {} s lies after its end at {} s", last.at_secs, self.duration_secs));
        }
        if self.looped && ((last.at_secs - self.duration_secs).abs() > 1e-9 || self.keys[0].at_secs > 0.0 || self.keys.len() < 2) {
            return invalid("a loop needs a key frame at 0 and one at its very end".into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
