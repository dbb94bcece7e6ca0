//! The operator's own paths, and the edits of the one that is chosen. After any edit every path is one that can be laid and played.
//!
//! Must not know: rigs (it is told how many cameras there are, and whether they close a ring), files, pictures.

use super::{Easing, Key, Path, PathError, Station, curve::KeyCurve};

/// More paths, and more key frames in one, are not taken.
pub const MOST_PATHS: usize = 100;
/// See [`MOST_PATHS`].
pub const MOST_KEYS: usize = 64;
/// Key frames are not nearer to each other, seconds.
pub const LEAST_APART_SECS: f64 = 0.04;
const LONGEST_SECS: f64 = 120.0;
const LONGEST_NAME: usize = 60;
/// Instants are not farther from the mark, seconds.
const FARTHEST_SECS: f64 = 600.0;
/// On a ring, not more turns either way.
const MOST_TURNS: f64 = 8.0;

/// The arc as far as positions care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArcSpan {
    /// Cameras along it.
    pub cameras: usize,
    /// Whether they close a ring.
    pub closed: bool,
}

impl ArcSpan {
    /// The place along the arc that is nearest, gaps; 0 if it is no number.
    pub fn nearest(self, position: f64) -> f64 {
        let n = self.cameras as f64;
        let (low, high) = if self.closed { (-MOST_TURNS * n, MOST_TURNS * n) } else { (0.0, (n - 1.0).max(0.0)) };
        if position.is_finite() { position.clamp(low, high) } else { 0.0 }
    }
}

/// A value of a key frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PathChannel {
    /// Where along the arc, gaps.
    Position,
    /// Which instant, seconds since the mark.
    Instant,
    /// Focal length over the physical one.
    Zoom,
    /// Above the cameras' curve, metres.
    Height,
    /// Nearer to what it looks at than the cameras' curve, metres.
    Dolly,
    /// Degrees, clockwise in the picture.
    Roll,
}

impl PathChannel {
    /// All, in the order of the editor.
    pub const ALL: [Self; 6] = [Self::Position, Self::Instant, Self::Zoom, Self::Height, Self::Dolly, Self::Roll];

    /// Its name in commands.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Position => "position",
            Self::Instant => "instant",
            Self::Zoom => "zoom",
            Self::Height => "height",
            Self::Dolly => "dolly",
            Self::Roll => "roll",
        }
    }

    /// What a key frame has of it.
    pub fn of(self, key: &Key) -> f64 {
        match self {
            Self::Position => position_of(&key.camera),
            Self::Instant => key.instant_secs,
            Self::Zoom => key.zoom,
            Self::Height => key.height_m,
            Self::Dolly => key.dolly_m,
            Self::Roll => key.roll_deg,
        }
    }

    fn put(self, key: &mut Key, value: f64, arc: ArcSpan) {
        if !value.is_finite() {
            return;
        }
        match self {
            Self::Position => key.camera = Station::Position(arc.nearest(value)),
            Self::Instant => key.instant_secs = value.clamp(-FARTHEST_SECS, FARTHEST_SECS),
            Self::Zoom => key.zoom = value.clamp(0.25, 8.0),
            Self::Height => key.height_m = value.clamp(-20.0, 20.0),
            Self::Dolly => key.dolly_m = value.clamp(-20.0, 20.0),
            Self::Roll => key.roll_deg = value.clamp(-360.0, 360.0),
        }
    }
}

/// Own paths have their places as numbers; a name would need the rig.
const fn position_of(station: &Station) -> f64 {
    if let Station::Position(p) = station { *p } else { 0.0 }
}

/// A change of the chosen path, or of the list; each can be taken back.
#[derive(Debug, Clone, PartialEq)]
pub enum PathEdit {
    /// Adds a path and chooses it.
    Add(Path),
    /// Takes the chosen one out.
    Remove,
    /// Its name; two paths have not the same.
    Name(String),
    /// Its length, seconds; key frames are stretched.
    Length(f64),
    /// Whether the end continues with the start; on a ring only.
    Looped(bool),
    /// Aim exactly at the pivot.
    Stabilize(bool),
    /// A key frame on the curve, at seconds since the start.
    AddKey(f64),
    /// Takes a key frame out, by its number from 0; one stays.
    RemoveKey(usize),
    /// When a key frame is, seconds since the start; it stays between its neighbours.
    At(usize, f64),
    /// What it shows.
    Set(usize, PathChannel, f64),
    /// When a key frame is, and what it shows there, in one step.
    Move {
        /// Its number, from 0.
        key: usize,
        /// As [`PathEdit::At`].
        at_secs: f64,
        /// As [`PathEdit::Set`].
        channel: PathChannel,
        /// The value.
        value: f64,
    },
    /// What it looks at, metres in the world; `None` is the event's pivot or the arc's centre.
    Pivot(usize, Option<[f64; 3]>),
    /// How the curve runs from it to the next one.
    Ease(usize, Easing),
}

/// The paths and which one is chosen.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PathList {
    paths: Vec<Path>,
    chosen: usize,
}

impl PathList {
    /// All paths.
    pub fn paths(&self) -> &[Path] {
        &self.paths
    }

    /// The chosen one.
    pub fn chosen(&self) -> Option<&Path> {
        self.paths.get(self.chosen)
    }

    /// Its number, from 0.
    pub const fn chosen_index(&self) -> usize {
        self.chosen
    }

    /// The path of that name.
    pub fn named(&self, name: &str) -> Option<&Path> {
        self.paths.iter().find(|p| p.name == name)
    }

    /// Chooses the next path (`by` = 1), or one before.
    pub fn step(&mut self, by: i32) {
        if !self.paths.is_empty() {
            self.chosen = (self.chosen as i64 + i64::from(by)).rem_euclid(self.paths.len() as i64) as usize;
        }
    }

    fn free_name(&self, name: &str, but: Option<usize>) -> String {
        let name: String = name.trim().chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect();
        let name = if name.trim().is_empty() { "path".to_owned() } else { name.trim().to_owned() };
        let is_free = |n: &str| self.paths.iter().enumerate().all(|(k, p)| Some(k) == but || p.name != n);
        if is_free(&name) {
            return name;
        }
        (2..=MOST_PATHS + 2).map(|k| format!("{name} {k}")).find(|n| is_free(n)).unwrap_or(name)
    }

    /// Makes a change; what names a key frame that is not there changes nothing, what makes no sense is an error.
    pub fn apply(&mut self, edit: &PathEdit, arc: ArcSpan) -> Result<(), PathError> {
        let invalid = |name: &str, problem: &str| Err(PathError::Invalid { name: name.to_owned(), problem: problem.to_owned() });
        match edit {
            PathEdit::Add(path) => {
                path.check()?;
                if self.paths.len() >= MOST_PATHS {
                    return invalid(&path.name, "there are a hundred paths already. Remove one first");
                }
                if path.looped && !arc.closed {
                    return invalid(&path.name, "a loop needs a closed ring of cameras, and these stand on an open arc. Use a bounce");
                }
                if path.keys.len() > MOST_KEYS {
                    return invalid(&path.name, "it has more than 64 key frames. Take some out of its file");
                }
                let mut path = Path { name: self.free_name(&path.name, None), ..path.clone() };
                for key in &mut path.keys {
                    let at = position_of(&key.camera);
                    PathChannel::Position.put(key, at, arc);
                }
                self.paths.push(path);
                self.chosen = self.paths.len() - 1;
                return Ok(());
            }
            PathEdit::Remove => {
                if self.chosen < self.paths.len() {
                    self.paths.remove(self.chosen);
                    self.chosen = self.chosen.min(self.paths.len().saturating_sub(1));
                }
                return Ok(());
            }
            _ => {}
        }
        let Some(was) = self.chosen().cloned() else {
            return invalid("none", "no path is chosen. Begin one from a preset");
        };
        let path = match edit {
            PathEdit::Name(name) => Path { name: self.free_name(name, Some(self.chosen)), ..was },
            PathEdit::Looped(true) if !arc.closed => {
                return invalid(&was.name, "a loop needs a closed ring of cameras, and these stand on an open arc. Use a bounce");
            }
            PathEdit::Move { key, at_secs, channel, value } => {
                edited(edited(was, &PathEdit::At(*key, *at_secs), arc), &PathEdit::Set(*key, *channel, *value), arc)
            }
            edit => edited(was, edit, arc),
        };
        path.check()?;
        self.paths[self.chosen] = path;
        Ok(())
    }
}

fn edited(was: Path, edit: &PathEdit, arc: ArcSpan) -> Path {
    let mut path = was;
    let last = path.keys.len() - 1;
    // A loop's first and last key frame are one.
    let mut leads = 0;
    match edit {
        PathEdit::Length(secs) if secs.is_finite() => {
            let least = LEAST_APART_SECS * path.keys.len() as f64;
            // Stretching must not bring two key frames together.
            let closest = path.keys.windows(2).map(|k| k[1].at_secs - k[0].at_secs).fold(f64::INFINITY, f64::min);
            let least = least.max(if closest.is_finite() { path.duration_secs * LEAST_APART_SECS / closest } else { 0.0 });
            // What a file brought along may be closer, or longer, than what is made here: it may stay so.
            let secs = secs.clamp(least.min(path.duration_secs), LONGEST_SECS.max(path.duration_secs));
            let factor = secs / path.duration_secs;
            for key in &mut path.keys {
                key.at_secs = (key.at_secs * factor).min(secs);
            }
            path.duration_secs = secs;
        }
        PathEdit::Looped(looped) => {
            path.looped = *looped;
            if *looped {
                path.keys[0].at_secs = 0.0;
                let has_room = path.keys.len() < MOST_KEYS && path.duration_secs - path.keys[last].at_secs >= LEAST_APART_SECS;
                if last == 0 || has_room {
                    let key = Key { at_secs: path.duration_secs, ..path.keys[0].clone() };
                    path.keys.push(key);
                } else {
                    path.keys[last].at_secs = path.duration_secs;
                }
            }
        }
        PathEdit::Stabilize(on) => path.stabilize = *on,
        PathEdit::AddKey(at) if at.is_finite() && path.keys.len() < MOST_KEYS => add_key(&mut path, *at),
        PathEdit::RemoveKey(k) if *k <= last && last > 0 && !(path.looped && (*k == 0 || *k == last)) => {
            path.keys.remove(*k);
        }
        PathEdit::At(k, at) if *k <= last && at.is_finite() && !(path.looped && (*k == 0 || *k == last)) => {
            let low = if *k == 0 { 0.0 } else { path.keys[*k - 1].at_secs + LEAST_APART_SECS };
            let high = if *k == last { path.duration_secs } else { path.keys[*k + 1].at_secs - LEAST_APART_SECS };
            if low <= high {
                path.keys[*k].at_secs = at.clamp(low, high);
            }
        }
        PathEdit::Set(k, channel, value) if *k <= last => {
            channel.put(&mut path.keys[*k], *value, arc);
            leads = *k;
        }
        PathEdit::Pivot(k, pivot) if *k <= last && pivot.is_none_or(|p| p.iter().all(|v| v.abs() < 1e5)) => {
            path.keys[*k].pivot_m = *pivot;
            leads = *k;
        }
        PathEdit::Ease(k, ease) if *k <= last => path.keys[*k].ease = *ease,
        _ => {}
    }
    if path.looped {
        seal(&mut path, leads, arc);
    }
    path
}

/// A key frame on the curve as it is; the curve runs through it without stopping.
fn add_key(path: &mut Path, at: f64) {
    let at = at.clamp(0.0, path.duration_secs);
    let after = path.keys.partition_point(|k| k.at_secs <= at);
    let near = |k: Option<&Key>| k.is_some_and(|k| (k.at_secs - at).abs() < LEAST_APART_SECS);
    if near(after.checked_sub(1).and_then(|k| path.keys.get(k))) || near(path.keys.get(after)) {
        return;
    }
    let center = |key: &Key| key.pivot_m;
    let values = path.keys.iter().map(|k| PathChannel::ALL.map(|c| if c == PathChannel::Zoom { k.zoom.ln() } else { c.of(k) })).collect();
    let [position, instant_secs, ln_zoom, height_m, dolly_m, roll_deg] = KeyCurve::new(path, values).at(at);
    let before = after.checked_sub(1);
    let pivot_m = match (before.and_then(|k| center(&path.keys[k])), path.keys.get(after).and_then(center)) {
        (Some(a), Some(b)) => {
            let (from, to) = (before.map_or(at, |k| path.keys[k].at_secs), path.keys[after].at_secs);
            let u = (at - from) / (to - from).max(1e-9);
            Some(std::array::from_fn(|c| a[c] + (b[c] - a[c]) * u))
        }
        (a, b) => a.or(b),
    };
    let ease = before.map_or(Easing::EaseInOut, |k| path.keys[k].ease);
    let through = if ease == Easing::Linear { Easing::Linear } else { Easing::Smooth };
    if let (Some(k), true) = (before, after < path.keys.len()) {
        path.keys[k].ease = through;
    }
    let key = Key {
        at_secs: at,
        camera: Station::Position(position),
        instant_secs,
        zoom: ln_zoom.exp(),
        height_m,
        dolly_m,
        roll_deg,
        pivot_m,
        ease: through,
    };
    path.keys.insert(after, key);
}

/// The first and the last key frame of a loop are the same, whole turns apart; the one that was changed leads.
fn seal(path: &mut Path, leads: usize, arc: ArcSpan) {
    let last = path.keys.len() - 1;
    let n = arc.cameras.max(1) as f64;
    let (from, to) = if leads == last { (last, 0) } else { (0, last) };
    let model = path.keys[from].clone();
    let turns = ((position_of(&path.keys[to].camera) - position_of(&model.camera)) / n).round();
    let turns = turns.clamp(-MOST_TURNS, MOST_TURNS);
    let (at_secs, ease) = (path.keys[to].at_secs, path.keys[to].ease);
    let mut at = position_of(&model.camera) + turns * n;
    // Not beyond the most turns: else the two would be cut to different places.
    while arc.nearest(at) != at {
        at -= n * at.signum();
    }
    path.keys[to] = Key { at_secs, ease, camera: Station::Position(at), ..model };
}
