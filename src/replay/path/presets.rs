//! The operator's usual paths, as key frames.

use super::{Easing, Key, PATH_VERSION, Path, Station};

/// The operator's usual paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// Time stands still; hold, travel from → to, hold.
    FreezeOrbit,
    /// Time stands still; from → to → from.
    Bounce,
    /// Time stands still; hold, a very fast swing that pulls in a little, hold.
    Whip,
    /// Time stands still; one full turn of a closed ring at constant speed; the last frame continues with the first.
    Loop,
    /// Time runs at `speed` while the camera travels from → to.
    RollThrough,
    /// Time runs at `speed`, the camera stays.
    Slow,
    /// Time runs at `speed` up to the mark; there it stops, and the view jumps from → to.
    JumpFreeze,
    /// Time stands still; hold, then twice as near at once, hold.
    PunchIn,
    /// Time runs at `speed` about the mark while the camera travels from → to at constant speed.
    SlowOrbit,
}

impl Preset {
    /// All presets.
    pub const ALL: [Self; 9] = [
        Self::FreezeOrbit,
        Self::Bounce,
        Self::Whip,
        Self::Loop,
        Self::RollThrough,
        Self::Slow,
        Self::JumpFreeze,
        Self::PunchIn,
        Self::SlowOrbit,
    ];

    /// The name on the command line and in the console.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FreezeOrbit => "freeze-orbit",
            Self::Bounce => "bounce",
            Self::Whip => "whip",
            Self::Loop => "loop",
            Self::RollThrough => "roll-through",
            Self::Slow => "slow",
            Self::JumpFreeze => "jump-freeze",
            Self::PunchIn => "punch-in",
            Self::SlowOrbit => "slow-orbit",
        }
    }

    /// The preset of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.name() == name)
    }

    /// The key frames of the preset.
    pub fn path(self, options: &PresetOptions) -> Path {
        let PresetOptions { from, to, secs, hold_secs, speed, .. } = *options;
        let secs = if secs.is_finite() { secs.clamp(0.04, 3600.0) } else { 4.0 };
        // Holds never eat more than two thirds of the path.
        let hold = if hold_secs.is_finite() { hold_secs.clamp(0.0, secs / 3.0) } else { 0.0 };
        let at = |t: f64, p: f64| Key::new(t, Station::Position(p));
        let start = if hold > 1e-6 { vec![at(0.0, from), at(hold, from)] } else { vec![at(0.0, from)] };
        let with_end = |mut keys: Vec<Key>, p: f64| {
            keys.push(at(secs - hold, p));
            if hold > 1e-6 {
                keys.push(at(secs, p));
            }
            keys
        };
        let keys = match self {
            Self::FreezeOrbit => with_end(start, to),
            Self::Bounce => {
                let mut keys = start;
                keys.push(at(secs * 0.5, to));
                with_end(keys, from)
            }
            Self::Whip => {
                let (t0, t1) = (secs * 0.35, secs * 0.65);
                let pulled = |t: f64, p: f64| Key { zoom: 1.12, ..at(t, p) };
                vec![at(0.0, from), at(t0, from), pulled(t1, to), pulled(secs, to)]
            }
            Self::Loop => vec![at(0.0, from).eased(Easing::Linear), at(secs, from + options.ring_cameras as f64)],
            Self::RollThrough => {
                // Space is eased, time must not be: two key frames cannot have two easings, so the camera's easing is
                // written out as a smooth curve through its quarter points.
                let eased = |u: f64| u * u * (3.0 - 2.0 * u);
                (0..=8)
                    .map(|i| f64::from(i) / 8.0)
                    .map(|u| at(secs * u, from + (to - from) * eased(u)).showing(secs * u * speed).eased(Easing::Smooth))
                    .collect()
            }
            Self::JumpFreeze => {
                let (rolls, jumps) = (secs * 0.4, (secs * 0.1).min(0.2));
                vec![at(0.0, from).showing(-rolls * speed).eased(Easing::Linear), at(rolls, from), at(rolls + jumps, to), at(secs, to)]
            }
            Self::PunchIn => {
                let (t0, t1) = (secs * 0.4, secs * 0.5);
                let near = |t: f64| Key { zoom: 2.0, ..at(t, from) };
                vec![at(0.0, from), at(t0, from), near(t1), near(secs)]
            }
            Self::SlowOrbit => {
                let half = secs * speed * 0.5;
                vec![at(0.0, from).showing(-half).eased(Easing::Linear), at(secs, to).showing(half)]
            }
            Self::Slow => vec![at(0.0, from).eased(Easing::Linear), at(secs, from).showing(secs * speed)],
        };
        Path {
            version: PATH_VERSION,
            name: self.name().to_owned(),
            duration_secs: secs,
            looped: self == Self::Loop,
            stabilize: options.stabilize,
            keys,
        }
    }
}

/// What a preset leaves open.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PresetOptions {
    /// Start, fractional index in the arc's order.
    pub from: f64,
    /// End, fractional index in the arc's order (unused by loop, slow and punch-in).
    pub to: f64,
    /// Length in seconds.
    pub secs: f64,
    /// Hold at either end, seconds.
    pub hold_secs: f64,
    /// How fast time runs for roll-through, slow, jump-freeze and slow-orbit: 1 = as it was.
    pub speed: f64,
    /// Number of cameras of the closed ring, for the loop.
    pub ring_cameras: usize,
    /// See [`Path::stabilize`].
    pub stabilize: bool,
}

impl Default for PresetOptions {
    fn default() -> Self {
        Self { from: 0.0, to: 1.0, secs: 4.0, hold_secs: 0.4, speed: 0.25, ring_cameras: 0, stabilize: false }
    }
}

/// `to` or the same camera one turn earlier or later, whichever is nearer to `from` on a closed ring of `cameras`.
pub fn shorter_way(from: f64, to: f64, cameras: usize, closed: bool) -> f64 {
    let n = cameras as f64;
    if !closed || n < 1.0 {
        return to;
    }
    to - n * ((to - from) / n).round()
}
