//! Which neighbours of the playhead are decoded ahead, and when: a window in time that follows the playhead, as wide as its budget.
//!
//! Pure. It grows in pieces on the side where less is at hand, and a piece is not begun before it is whole: a jog by a frame costs no way through a group of
//! pictures. Must not know: how frames are decoded, where they are kept.

use crate::time::MediaTime;

/// Frames to each side at most: half a second and more at 50 frames a second.
const MOST_FRAMES: i64 = 30;
/// With room for fewer instants than this, nothing is decoded ahead.
const LEAST_INSTANTS: u64 = 4;

/// Where the playhead is, and how far there is anything about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Playhead {
    pub at: MediaTime,
    /// The oldest and the newest instant that there is.
    pub oldest: MediaTime,
    pub newest: MediaTime,
    /// A frame, nanoseconds.
    pub interval_nanos: i64,
    /// Instants for which there is room.
    pub instants: u64,
}

/// The instants whose frames are at hand.
#[derive(Debug, Default)]
pub(super) struct Window {
    covered: Option<(MediaTime, MediaTime)>,
}

impl Window {
    /// The next piece to decode, its ends included; `None` when there is nothing to do.
    pub fn next(&mut self, playhead: &Playhead) -> Option<(MediaTime, MediaTime)> {
        let Playhead { at, oldest, newest, interval_nanos: interval, instants } = *playhead;
        if instants < LEAST_INSTANTS || interval <= 0 {
            return None;
        }
        // Two sides, and a piece on the side that the playhead has come from.
        let reach = ((i64::try_from(instants).unwrap_or(i64::MAX) - 1) * 2 / 5).clamp(1, MOST_FRAMES);
        let piece = (reach + 1) / 2;
        let frames = |nanos: i64| nanos.div_euclid(interval).max(0);
        let Some((from, until)) = self.kept(playhead) else {
            let before = piece.min(frames(at - oldest));
            let after = piece.min(frames(newest - at));
            return Some((at.plus_nanos(-before * interval), at.plus_nanos(after * interval)));
        };
        let lacks = |have: i64, there: i64| reach.min(frames(there)) - frames(have + interval / 2);
        let (before, after) = (lacks(at - from, at - oldest), lacks(until - at, newest - at));
        if before.max(after) < piece {
            return None;
        }
        if after >= before {
            return Some((until.plus_nanos(interval), until.plus_nanos(piece * interval)));
        }
        Some((from.plus_nanos(-piece * interval), from.plus_nanos(-interval)))
    }

    /// What of the window is still there: it follows the playhead, and what is farthest from it has given way.
    fn kept(&mut self, playhead: &Playhead) -> Option<(MediaTime, MediaTime)> {
        let (mut from, mut until) = self.covered?;
        let (at, slack) = (playhead.at, playhead.interval_nanos / 2);
        if at < from.plus_nanos(-slack) || at > until.plus_nanos(slack) {
            self.covered = None;
            return None;
        }
        let most = i64::try_from(playhead.instants).unwrap_or(i64::MAX).saturating_sub(1).saturating_mul(playhead.interval_nanos);
        let too_much = (until - from) - most;
        if too_much > 0 {
            if at - from > until - at {
                from = from.plus_nanos(too_much);
            } else {
                until = until.plus_nanos(-too_much);
            }
        }
        self.covered = Some((from, until));
        self.covered
    }

    /// A piece is decoded.
    pub fn decoded(&mut self, (from, until): (MediaTime, MediaTime)) {
        self.covered = Some(self.covered.map_or((from, until), |(a, b)| (a.min(from), b.max(until))));
    }

    /// The instants that are at hand.
    pub const fn covered(&self) -> Option<(MediaTime, MediaTime)> {
        self.covered
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: i64 = 20_000_000;

    fn at(frame: i64) -> MediaTime {
        MediaTime::from_nanos(frame * FRAME)
    }

    fn playhead(frame: i64, instants: u64) -> Playhead {
        Playhead { at: at(frame), oldest: at(0), newest: at(1000), interval_nanos: FRAME, instants }
    }

    /// Decodes until there is nothing to do; the pieces in frames.
    fn settle(window: &mut Window, playhead: &Playhead) -> Vec<(i64, i64)> {
        let mut pieces = vec![];
        while let Some(piece) = window.next(playhead) {
            window.decoded(piece);
            pieces.push((piece.0.nanos() / FRAME, piece.1.nanos() / FRAME));
            assert!(pieces.len() < 20, "{pieces:?}");
        }
        pieces
    }

    #[test]
    fn it_grows_about_the_playhead_in_pieces_and_stays_within_its_room() {
        let mut window = Window::default();
        let pieces = settle(&mut window, &playhead(500, 26));
        assert_eq!(pieces, [(495, 505), (506, 510), (490, 494)]);
        // A step costs nothing; half of the way does, and the other end has given way when there is no room.
        assert_eq!(settle(&mut window, &playhead(501, 26)), []);
        assert_eq!(settle(&mut window, &playhead(504, 26)), []);
        assert_eq!(settle(&mut window, &playhead(505, 26)), [(511, 515)]);
        assert_eq!(window.covered(), Some((at(490), at(515))));
        assert_eq!(settle(&mut window, &playhead(510, 26)), [(516, 520)]);
        assert_eq!(settle(&mut window, &playhead(511, 26)), []);
        assert_eq!(window.covered(), Some((at(495), at(520))), "26 instants");
        // Elsewhere it begins anew.
        assert_eq!(settle(&mut window, &playhead(100, 26))[0], (95, 105));
    }

    #[test]
    fn it_ends_where_there_is_nothing_and_follows_what_comes() {
        let mut window = Window::default();
        let head = |newest: i64| Playhead { newest: at(newest), ..playhead(500, 26) };
        assert_eq!(settle(&mut window, &head(500)), [(495, 500), (490, 494)]);
        assert_eq!(settle(&mut window, &head(503)), []);
        assert_eq!(settle(&mut window, &head(505)), [(501, 505)]);
        let mut window = Window::default();
        assert_eq!(settle(&mut window, &Playhead { oldest: at(498), ..playhead(500, 26) })[0], (498, 505));
    }

    #[test]
    fn without_room_nothing_is_decoded_ahead() {
        assert_eq!(Window::default().next(&playhead(500, 3)), None);
        assert_eq!(Window::default().next(&Playhead { interval_nanos: 0, ..playhead(500, 30) }), None);
        let mut window = Window::default();
        settle(&mut window, &playhead(500, 1000));
        let (from, until) = window.covered().unwrap();
        assert_eq!((until - from) / FRAME, 2 * MOST_FRAMES, "half a second is enough");
    }
}
