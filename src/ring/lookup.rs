//! What a camera saw at an instant, and what must be decoded to see it.

use std::collections::vec_deque::Iter;

use super::lane::Gop;
use super::track::Track;
use super::{AccessUnit, FeedId, Ring, UnitFlags};
use crate::time::MediaTime;

/// Frame interval assumed when neither the unit nor the feed says one, nanoseconds (25 fps).
const UNKNOWN_INTERVAL_NANOS: i64 = 40_000_000;
/// Units copied per hold of a feed's lock.
const UNITS_PER_HOLD: usize = 512;

/// Why a feed has no honest frame at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Dishonest {
    /// No such feed.
    #[error("there is no such feed")]
    UnknownFeed,
    /// The feed has delivered nothing that is still there.
    #[error("the ring holds no frame of it")]
    Empty,
    /// The nearest frame is too far away in time: dropped, not yet there, or no longer there.
    #[error(
        "its nearest frame is {:.1} ms away, more than the {:.1} ms that its frame rate allows (frame lost, not yet recorded or already overwritten)",
        *error_nanos as f64 * 1e-6, *allowed_nanos as f64 * 1e-6
    )]
    TooFar {
        /// `time − instant` of the nearest honest frame.
        error_nanos: i64,
        /// Largest |error| allowed.
        allowed_nanos: i64,
    },
    /// There is a frame at that instant, but it must not be used.
    #[error("its frame at that instant is {}", flags_in_words(*flags))]
    Marked {
        /// The marks.
        flags: UnitFlags,
    },
    /// The keyframe that the frame needs is not in the ring.
    #[error("the keyframe that its frame needs is no longer in the ring; let the ring reach further back or shorten the keyframe interval")]
    NoKeyframe,
}

fn flags_in_words(flags: UnitFlags) -> &'static str {
    if flags.damaged {
        "damaged (its source lost data)"
    } else if flags.duplicated {
        "a repetition of the one before (the camera or its link stalled)"
    } else {
        "too late (its time cannot be trusted)"
    }
}

/// The unit nearest to an instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nearest {
    /// The unit.
    pub unit: AccessUnit,
    /// `unit.pts − instant`, nanoseconds.
    pub error_nanos: i64,
    /// Largest |error| for which the unit is the camera's frame at that instant, nanoseconds.
    pub allowed_nanos: i64,
}

/// What to decode to see one frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GopForInstant {
    /// In decode order, beginning with a keyframe; the last one is the frame itself. Units that nothing needed refers to
    /// are left out.
    pub units: Vec<AccessUnit>,
    /// Time of the frame.
    pub pts: MediaTime,
    /// `pts − instant`, nanoseconds.
    pub error_nanos: i64,
}

/// Half a frame interval, plus a thirty-second of it for jittering timestamps, plus a microsecond for rounding: the nearest
/// frame of a free-running camera is never further away than half an interval.
pub(crate) const fn allowed_error_nanos(interval_nanos: i64) -> i64 {
    interval_nanos / 2 + interval_nanos / 32 + 1_000
}

impl Track {
    fn gop_count(&self) -> usize {
        self.kept().gops().len() + self.live().gops().len()
    }

    fn gop(&self, index: usize) -> Option<&Gop> {
        let kept = self.kept().gops().len();
        if index < kept { self.kept().gops().get(index) } else { self.live().gops().get(index - kept) }
    }

    fn units_of(&self, index: usize) -> Iter<'_, AccessUnit> {
        let kept = self.kept().gops().len();
        if index < kept { self.kept().units_of(index) } else { self.live().units_of(index - kept) }
    }

    /// Groups whose keyframe is at or before `time`.
    fn gops_until(&self, time: MediaTime) -> usize {
        let kept = self.kept().gops();
        let in_kept = kept.partition_point(|gop| gop.pts <= time);
        if in_kept < kept.len() { in_kept } else { in_kept + self.live().gops().partition_point(|gop| gop.pts <= time) }
    }

    /// Groups whose keyframe came no later than the unit of that order.
    fn gops_until_order(&self, order: u64) -> usize {
        let came = |g: usize| self.units_of(g).next().is_some_and(|keyframe| keyframe.order <= order);
        let (mut low, mut high) = (0, self.gop_count());
        while low < high {
            let middle = usize::midpoint(low, high);
            if came(middle) { low = middle + 1 } else { high = middle }
        }
        low
    }

    /// (group, place in the group) of the unit nearest to `instant` that `accept`s.
    fn nearest_by(&self, instant: MediaTime, accept: impl Fn(&AccessUnit) -> bool) -> Option<(usize, usize, u64)> {
        let after = self.gops_until(instant);
        // Several groups to each side: intra-only feeds have one unit per group, and some of those may be marked.
        let candidates = after.saturating_sub(4)..(after + 3).min(self.gop_count());
        candidates
            .flat_map(|g| self.units_of(g).enumerate().map(move |(i, unit)| (g, i, unit)))
            .filter(|(_, _, unit)| accept(unit))
            .map(|(g, i, unit)| (g, i, unit.pts.distance_nanos(instant)))
            .min_by_key(|(_, _, distance)| *distance)
    }

    fn honest_at(&self, instant: MediaTime, interval_nanos: i64) -> Result<(usize, usize, i64, i64), Dishonest> {
        let allowed_for = |unit: &AccessUnit| {
            let own = i64::from(unit.duration_nanos);
            let known = if interval_nanos > 0 { interval_nanos } else { own };
            allowed_error_nanos(if known > 0 { known } else { UNKNOWN_INTERVAL_NANOS })
        };
        let Some((g, i, _)) = self.nearest_by(instant, |unit| unit.flags.is_honest()).or_else(|| self.nearest_by(instant, |_| true)) else {
            return Err(Dishonest::Empty);
        };
        let unit = self.units_of(g).nth(i).ok_or(Dishonest::Empty)?;
        let (error_nanos, allowed_nanos) = (unit.pts - instant, allowed_for(unit));
        if unit.flags.is_honest() && error_nanos.abs() <= allowed_nanos {
            return Ok((g, i, error_nanos, allowed_nanos));
        }
        // Say why: the frame may be there, only marked.
        if let Some((g, i, _)) = self.nearest_by(instant, |_| true)
            && let Some(unit) = self.units_of(g).nth(i)
            && !unit.flags.is_honest()
            && (unit.pts - instant).abs() <= allowed_for(unit)
        {
            return Err(Dishonest::Marked { flags: unit.flags });
        }
        Err(Dishonest::TooFar { error_nanos, allowed_nanos })
    }

    /// Time of the oldest keyframe from which on nothing is missing up to now.
    pub(super) fn oldest_unbroken(&self) -> Option<MediaTime> {
        let mut oldest = self.live().gops().front()?.pts;
        for gop in self.kept().gops().iter().rev() {
            if gop.end < oldest {
                break;
            }
            oldest = gop.pts;
        }
        Some(oldest)
    }

    /// See [`Ring::gop_for`].
    pub(super) fn gop_for(&self, instant: MediaTime, interval_nanos: i64) -> Result<GopForInstant, Dishonest> {
        let (g, i, error_nanos, _) = self.honest_at(instant, interval_nanos)?;
        let gop = *self.gop(g).ok_or(Dishonest::Empty)?;
        let target = self.units_of(g).nth(i).ok_or(Dishonest::Empty)?;
        let pts = target.pts;
        let mut units = Vec::with_capacity(i + 1);
        if pts < gop.pts {
            let before = g.checked_sub(1).ok_or(Dishonest::NoKeyframe)?;
            if self.gop(before).is_none_or(|previous| previous.end < gop.earliest) {
                return Err(Dishonest::NoKeyframe);
            }
            units.extend(self.units_of(before).filter(|unit| !unit.droppable).cloned());
        }
        units.extend(self.units_of(g).take(i).filter(|unit| !unit.droppable).cloned());
        units.push(target.clone());
        Ok(GopForInstant { units, pts, error_nanos })
    }

    /// See [`Ring::range`].
    pub(super) fn range(&self, from: MediaTime, until: MediaTime) -> Vec<AccessUnit> {
        let (mut out, mut last_order) = (Vec::new(), None);
        while !self.range_piece(from, until, &mut last_order, &mut out) {}
        out
    }

    /// The next piece of a range, after the group whose keyframe is of `last_order`: two keyframes may have one time. True when it was the last one.
    fn range_piece(&self, from: MediaTime, until: MediaTime, last_order: &mut Option<u64>, out: &mut Vec<AccessUnit>) -> bool {
        let mut g = if let Some(order) = *last_order {
            self.gops_until_order(order)
        } else {
            let first = self.gops_until(from);
            // Leading pictures may reach before their keyframe; the group before them comes along.
            let leads = self.gop(first).is_some_and(|gop| gop.earliest >= from);
            if leads && first > 0 && self.gop(first - 1).is_some_and(|gop| gop.end <= from) { first } else { first.saturating_sub(1) }
        };
        let before = out.len();
        while let Some(gop) = self.gop(g) {
            if gop.earliest >= until {
                break;
            }
            if out.len() - before >= UNITS_PER_HOLD {
                return false;
            }
            let wanted = self.units_of(g).rposition(|unit| unit.pts < until).map_or(0, |last| last + 1);
            out.extend(self.units_of(g).take(wanted).cloned());
            *last_order = self.units_of(g).next().map(|keyframe| keyframe.order);
            g += 1;
        }
        true
    }
}

impl Ring {
    /// The honest unit nearest to `instant`, if it is near enough to be the camera's frame at that instant.
    pub fn nearest(&self, feed: FeedId, instant: MediaTime) -> Result<Nearest, Dishonest> {
        let feeds = self.feeds.load();
        let feed = feeds.get(feed.0).ok_or(Dishonest::UnknownFeed)?;
        let interval = feed.interval_nanos.load(std::sync::atomic::Ordering::Relaxed);
        let track = feed.track.lock();
        let (g, i, error_nanos, allowed_nanos) = track.honest_at(instant, interval)?;
        let unit = track.units_of(g).nth(i).cloned().ok_or(Dishonest::Empty)?;
        Ok(Nearest { unit, error_nanos, allowed_nanos })
    }

    /// The units to decode, in decode order, to see the honest frame at `instant`: from the last keyframe before it up to
    /// the frame itself. What follows the frame in decode order is never needed, since a frame refers only to units decoded
    /// before it; a frame that precedes its keyframe in time (a leading picture) needs the group before as well.
    pub fn gop_for(&self, feed: FeedId, instant: MediaTime) -> Result<GopForInstant, Dishonest> {
        let feeds = self.feeds.load();
        let feed = feeds.get(feed.0).ok_or(Dishonest::UnknownFeed)?;
        let interval = feed.interval_nanos.load(std::sync::atomic::Ordering::Relaxed);
        let track = feed.track.lock();
        track.gop_for(instant, interval)
    }

    /// Every unit of the feed with `from ≤ time < until`, with those needed to decode them, in decode order.
    pub fn range(&self, feed: FeedId, from: MediaTime, until: MediaTime) -> Vec<AccessUnit> {
        let feeds = self.feeds.load();
        let Some(feed) = feeds.get(feed.0) else { return Vec::new() };
        let mut out: Vec<AccessUnit> = Vec::new();
        let mut last_order = None;
        // Let go of the lock between pieces, so that a long range does not hold up the feed.
        while !feed.track.lock().range_piece(from, until, &mut last_order, &mut out) {}
        out
    }

    /// Units with `order ≥ from_order`, in decode order, at most `limit`; for readers that follow the feed live.
    /// When the reader has fallen behind by more than a group of pictures, begins with the newest keyframe instead.
    pub fn follow(&self, feed: FeedId, from_order: u64, limit: usize) -> Vec<AccessUnit> {
        let feeds = self.feeds.load();
        let Some(feed) = feeds.get(feed.0) else { return Vec::new() };
        let track = feed.track.lock();
        let gops = track.live().gops().len();
        let Some(newest) = gops.checked_sub(1) else { return Vec::new() };
        let key_order = |g: usize| track.live().units_of(g).next().map(|unit| unit.order);
        let newest_key = key_order(newest).unwrap_or(0);
        let units = track.live().units();
        let start = if from_order >= newest_key {
            from_order
        } else {
            // Still within the group before the newest: go on there, else jump.
            match newest.checked_sub(1).and_then(key_order) {
                Some(previous) if from_order > previous => from_order,
                _ => newest_key,
            }
        };
        let first = units.partition_point(|unit| unit.order < start);
        units.range(first..).take(limit).cloned().collect()
    }

    /// The newest keyframe of a feed.
    pub fn newest_keyframe(&self, feed: FeedId) -> Option<AccessUnit> {
        let feeds = self.feeds.load();
        let track = feeds.get(feed.0)?.track.lock();
        let newest = track.live().gops().len().checked_sub(1)?;
        track.live().units_of(newest).next().cloned()
    }
}
