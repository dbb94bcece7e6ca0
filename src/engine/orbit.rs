//! The moves that a take plays: the paths' presets, laid from the prepared position along the arc that there is.

use crate::{
    replay::path::{Key, PATH_VERSION, Path, PathError, Preset, PresetOptions, Roll, Station, Track, freeze_in_roll, roll, roll_through},
    rig::{Camera, Rig},
    time::MediaTime,
};

/// What a move does.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    /// Time stands still.
    Frozen(Preset),
    /// Stays at the prepared position.
    Stay,
    /// Time runs on one camera.
    Roll,
    /// Time runs while it travels.
    RollThrough,
    /// Time runs, stands while it travels, and runs on.
    FreezeInRoll,
}

/// A move that a take plays from the prepared position.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Move {
    pub name: &'static str,
    pub tooltip: &'static str,
    /// Length where time stands still, seconds.
    secs: f64,
    kind: Kind,
    /// +1 to the right, −1 to the left.
    side: f64,
}

const fn a_move(name: &'static str, tooltip: &'static str, secs: f64, kind: Kind, side: f64) -> Move {
    Move { name, tooltip, secs, kind, side }
}

const FULL_TURN: Move = a_move("Full turn", "Once around the ring, again and again", 6.0, Kind::Frozen(Preset::Loop), 1.0);

const MOVES: [Move; 12] = [
    a_move("Orbit right", "From the prepared position along the arc to the right", 4.0, Kind::Frozen(Preset::FreezeOrbit), 1.0),
    a_move("Orbit left", "From the prepared position along the arc to the left", 4.0, Kind::Frozen(Preset::FreezeOrbit), -1.0),
    a_move("Bounce right", "To the right and back", 5.0, Kind::Frozen(Preset::Bounce), 1.0),
    a_move("Bounce left", "To the left and back", 5.0, Kind::Frozen(Preset::Bounce), -1.0),
    a_move("Whip right", "Hold, swing fast to the right, hold", 2.5, Kind::Frozen(Preset::Whip), 1.0),
    a_move("Whip left", "Hold, swing fast to the left, hold", 2.5, Kind::Frozen(Preset::Whip), -1.0),
    a_move("Hold", "Stay at the prepared position", 2.0, Kind::Stay, 0.0),
    a_move("Roll", "Play the event from in to out on the nearest camera, at the chosen speed", 0.0, Kind::Roll, 0.0),
    a_move("Freeze right", "Roll up to the marked instant, freeze and travel right, roll on from there", 3.0, Kind::FreezeInRoll, 1.0),
    a_move("Freeze left", "Roll up to the marked instant, freeze and travel left, roll on from there", 3.0, Kind::FreezeInRoll, -1.0),
    a_move("Travel", "Play the event while the view travels right, from real camera to real camera", 0.0, Kind::RollThrough, 1.0),
    FULL_TURN,
];

/// The moves that an arc allows: the full turn needs a ring.
pub(super) fn moves(closed: bool) -> &'static [Move] {
    static ALL: [Move; 12] = MOVES;
    if closed { &ALL } else { &ALL[..ALL.len() - 1] }
}

/// How long a move of the program takes over a stretch of time, seconds; `None` for names that it has not.
pub(super) fn secs_of_move(name: &str, range: &Roll) -> Option<f64> {
    MOVES.iter().find(|m| m.name == name).map(|m| m.secs(range))
}

/// Whether time runs in a move of that name.
pub(super) fn lets_time_run(name: &str) -> bool {
    MOVES.iter().any(|m| m.name == name && m.rolls())
}

/// The positions of an open arc between the outermost cameras that have a picture. Beyond them there is nothing to show: what a view
/// there would need was not seen by anybody.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Span {
    pub first: f64,
    pub last: f64,
}

impl Span {
    /// By the cameras along the arc that have a picture; `None` on a ring, which has no ends.
    pub fn of(present: &[bool], closed: bool) -> Option<Self> {
        let first = present.iter().position(|&p| p)?;
        let last = present.iter().rposition(|&p| p)?;
        (!closed).then_some(Self { first: first as f64, last: last as f64 })
    }

    /// The position inside that is nearest.
    pub fn nearest(self, position: f64) -> f64 {
        position.clamp(self.first, self.last)
    }
}

impl Move {
    /// Whether it does nothing but let time run on one camera.
    pub fn is_plain_roll(&self) -> bool {
        self.kind == Kind::Roll
    }

    /// Whether it lets time run.
    pub fn rolls(&self) -> bool {
        matches!(self.kind, Kind::Roll | Kind::RollThrough | Kind::FreezeInRoll)
    }

    /// How long it takes over a stretch of time, seconds.
    pub fn secs(&self, range: &Roll) -> f64 {
        match self.kind {
            Kind::Frozen(_) | Kind::Stay => self.secs,
            Kind::Roll | Kind::RollThrough => range.secs(),
            Kind::FreezeInRoll => self.path(0.0, 2, Some(Span { first: 0.0, last: 1.0 }), range).duration_secs,
        }
    }

    /// The path of the move from a position, on an arc of `n` cameras, within the `span` that has pictures, over a stretch of time about
    /// the mark.
    pub fn path(&self, from: f64, n: usize, span: Option<Span>, range: &Roll) -> Path {
        // Where time runs, it is real cameras that are seen.
        let from = if self.rolls() { from.round() } else { from };
        let (from, to) = match span {
            None => {
                let third = n as f64 / 3.0;
                (from, from + self.side * if self.rolls() { third.round() } else { third })
            }
            Some(span) => (span.nearest(from), if self.side > 0.0 { span.last } else { span.first }),
        };
        match self.kind {
            Kind::Frozen(preset) if preset == Preset::Loop || (to - from).abs() > 1e-6 => {
                let options = PresetOptions { from, to, secs: self.secs, hold_secs: 0.3, ring_cameras: n, ..PresetOptions::default() };
                preset.path(&options)
            }
            Kind::Frozen(_) | Kind::Stay => standing(from, self.secs),
            Kind::Roll => roll(from, range),
            Kind::RollThrough => roll_through(from, to, range),
            Kind::FreezeInRoll => freeze_in_roll(from, to, self.secs, range),
        }
    }
}

fn standing(position: f64, secs: f64) -> Path {
    Path {
        version: PATH_VERSION,
        name: "hold".to_owned(),
        duration_secs: secs,
        looped: false,
        stabilize: false,
        keys: vec![Key::new(0.0, Station::Position(position))],
    }
}

/// The virtual camera at a position along the arc, turned towards a pivot (world, metres) if there is one.
pub(super) fn camera_at(rig: &Rig, position: f64, size_px: (u32, u32), pivot_m: Option<[f64; 3]>) -> Result<Camera, PathError> {
    freed_camera_at(rig, position, size_px, pivot_m, (0.0, 0.0))
}

/// The same, so much nearer and higher than the cameras' curve, metres.
pub(super) fn freed_camera_at(
    rig: &Rig,
    position: f64,
    size_px: (u32, u32),
    pivot_m: Option<[f64; 3]>,
    (dolly_m, height_m): (f64, f64),
) -> Result<Camera, PathError> {
    let path = standing(position, 1.0).freed(dolly_m, height_m);
    let path = match pivot_m {
        Some(pivot) => path.about(pivot),
        None => path,
    };
    let track = Track::new(&path, rig, MediaTime::ZERO, size_px.0, size_px.1)?;
    Ok(track.sample(0.0).camera)
}

/// Cameras of a [`Part`]: the sources of the views in its middle and their neighbours.
const PART_CAMERAS: usize = 6;

/// Neighbouring cameras around a position that are solved first, and the positions which that serves.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Part {
    /// Indices in the rig.
    pub cameras: Vec<usize>,
    /// Positions along the arc, gaps; on a ring `to` may lie beyond its end.
    from: f64,
    to: f64,
    /// Length of the ring, gaps; `None` for an open arc.
    turn: Option<f64>,
}

impl Part {
    /// The part around `position` of an arc in this order; `None` where it would be nearly everything.
    pub fn around(position: f64, order: &[usize], closed: bool) -> Option<Self> {
        let n = order.len();
        if n < PART_CAMERAS + 2 || !position.is_finite() {
            return None;
        }
        let begin = (position - (PART_CAMERAS - 1) as f64 * 0.5).round();
        if closed {
            let first = begin.rem_euclid(n as f64);
            let cameras = (0..PART_CAMERAS).map(|k| order[(first as usize + k) % n]).collect();
            return Some(Self { cameras, from: first + 1.0, to: first + (PART_CAMERAS - 2) as f64, turn: Some(n as f64) });
        }
        let first = begin.clamp(0.0, (n - PART_CAMERAS) as f64) as usize;
        let end = first + PART_CAMERAS;
        // The outermost cameras lack neighbours, unless nothing stands beyond.
        let from = if first == 0 { 0.0 } else { (first + 1) as f64 };
        let to = if end == n { (n - 1) as f64 } else { (end - 2) as f64 };
        Some(Self { cameras: order[first..end].to_vec(), from, to, turn: None })
    }

    /// Whether a view at this position has all that it needs.
    pub fn covers(&self, position: f64) -> bool {
        let inside = |p: f64| (self.from..=self.to).contains(&p);
        inside(position) || self.turn.is_some_and(|turn| inside(position + turn) || inside(position - turn))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_part_around_a_position_covers_it() {
        for closed in [false, true] {
            let order: Vec<usize> = (0..16).rev().collect();
            let length = if closed { 16.0 } else { 15.0 };
            for k in 0..=160 {
                let position = length * f64::from(k) / 160.0;
                let part = Part::around(position, &order, closed).unwrap();
                assert!(part.covers(position), "{position} {part:?}");
                assert!(!part.covers((position + 8.0) % length), "{position} {part:?}");
                assert_eq!(part.cameras.len(), PART_CAMERAS);
            }
        }
        let ends = Part::around(0.0, &(0..16).collect::<Vec<_>>(), false).unwrap();
        assert_eq!((ends.cameras, ends.from, ends.to), ((0..6).collect(), 0.0, 4.0));
        assert!(Part::around(3.0, &(0..7).collect::<Vec<_>>(), false).is_none());
    }

    #[test]
    fn every_move_is_a_valid_path_from_everywhere() {
        for closed in [false, true] {
            let span = Span::of(&[true; 12], closed);
            for m in moves(closed) {
                for (from, speed) in [(0.0, 0.5), (3.5, -1.0), (11.0, 4.0)] {
                    let range = Roll { in_secs: -3.0, out_secs: 1.0, speed };
                    let path = m.path(from, 12, span, &range);
                    path.check().unwrap();
                    assert!((path.duration_secs - m.secs(&range)).abs() < 1e-9, "{}", m.name);
                    assert_eq!(path.is_frozen(), !m.rolls(), "{}", m.name);
                }
            }
        }
        assert_eq!(moves(true).len(), moves(false).len() + 1);
    }

    #[test]
    fn an_orbit_that_has_no_room_holds() {
        let path = moves(false)[0].path(11.0, 12, Span::of(&[true; 12], false), &Roll { in_secs: 0.0, out_secs: 0.0, speed: 1.0 });
        assert_eq!(path.keys.len(), 1);
    }

    #[test]
    fn an_orbit_ends_at_the_outermost_camera_that_has_a_picture() {
        let mut present = [true; 12];
        (present[0], present[10], present[11]) = (false, false, false);
        let span = Span::of(&present, false);
        let end = |m: &Move, from| {
            let path = m.path(from, 12, span, &Roll { in_secs: 0.0, out_secs: 0.0, speed: 1.0 });
            let Station::Position(at) = path.keys.last().unwrap().camera else { panic!("{path:?}") };
            at
        };
        assert_eq!((end(&moves(false)[0], 4.0), end(&moves(false)[1], 4.0)), (9.0, 1.0));
        // A position out there is not shown either.
        let hold = moves(false).iter().find(|m| m.name == "Hold").unwrap();
        assert_eq!(end(hold, 11.0), 9.0);
        assert_eq!(Span::of(&present, true), None);
        assert_eq!(Span::of(&[false; 3], false), None);
    }
}
