//! One feed's history: what is live and evictable, and what pins keep beyond it.

use super::lane::{Gop, Lane};
use super::{AccessUnit, Push, Refusal, UnitFlags};
use crate::time::MediaTime;

/// How many units back a repeated time is looked for: more than any codec's reordering.
const REORDER_DEPTH: usize = 20;

/// `from ≤ time < until`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub from: MediaTime,
    pub until: MediaTime,
}

/// What eviction gave back.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Freed {
    pub bytes: u64,
    pub units: u64,
    /// The group that is being written had to go: the budget is smaller than a group of pictures.
    pub was_open: bool,
}

impl Freed {
    fn add(&mut self, gop: &Gop) {
        self.bytes += gop.bytes;
        self.units += u64::from(gop.len);
    }
}

/// Two lanes: `kept` holds pinned groups that the live lane has outgrown; every group of `kept` is older than every group
/// of `live`. The front of `live` is never a pinned group unless it is the one being written.
#[derive(Debug)]
pub(super) struct Track {
    kept: Lane,
    live: Lane,
    pins: Vec<Span>,
    next_order: u64,
    pinned_bytes: u64,
    /// The latest time of all that was ever stored.
    latest: MediaTime,
    /// A unit that others refer to was refused: nothing decodes until the next keyframe.
    broken: bool,
}

impl Track {
    pub(super) fn with_capacity(units: usize, pins: Vec<Span>) -> Self {
        Self {
            kept: Lane::default(),
            live: Lane::with_capacity(units),
            pins,
            next_order: 0,
            pinned_bytes: 0,
            latest: MediaTime::from_nanos(i64::MIN),
            broken: true,
        }
    }

    pub(super) fn kept(&self) -> &Lane {
        &self.kept
    }

    pub(super) fn live(&self) -> &Lane {
        &self.live
    }

    pub(super) const fn pinned_bytes(&self) -> u64 {
        self.pinned_bytes
    }

    /// End of the oldest evictable group, nanoseconds; `i64::MAX` when there is none.
    pub(super) fn oldest_end_nanos(&self) -> i64 {
        self.live.gops().front().filter(|gop| !gop.pinned).map_or(i64::MAX, |gop| gop.end.nanos())
    }

    /// A unit is missing: what refers to it is useless.
    pub(super) fn break_chain(&mut self) {
        self.broken = true;
    }

    pub(super) fn push(&mut self, mut unit: AccessUnit, interval_nanos: i64, detect_repeats: bool) -> Push {
        if unit.keyframe {
            let newest = self.live.gops().back().or_else(|| self.kept.gops().back());
            if newest.is_some_and(|gop| unit.pts < gop.pts) {
                self.broken = true;
                return Push::Refused(Refusal::TimeWentBack);
            }
            self.broken = false;
            // What it says of itself or not: everything after it needs it.
            unit.droppable = false;
        } else if self.broken || self.live.gops().is_empty() {
            return Push::Refused(Refusal::NoKeyframe);
        }
        let interval = if unit.duration_nanos > 0 { i64::from(unit.duration_nanos) } else { interval_nanos };
        unit.flags.duplicated |= self.repeats(&unit, interval, detect_repeats);
        unit.order = self.next_order;
        self.next_order += 1;
        let (flags, size, keyframe): (UnitFlags, u64, bool) = (unit.flags, unit.payload.len() as u64, unit.keyframe);
        let end = unit.pts.plus_nanos(interval.max(1));
        self.latest = self.latest.max(unit.pts);
        if keyframe {
            self.close_last_gop(unit.pts);
        }
        if !self.live.push(unit, end) {
            return Push::Refused(Refusal::NoKeyframe);
        }
        let pins = &self.pins;
        if let Some(gop) = self.live.last_gop_mut() {
            let was = gop.pinned;
            gop.pinned = was || touches(pins, gop);
            self.pinned_bytes += match (was, gop.pinned) {
                (true, _) => size,
                (false, true) => gop.bytes,
                (false, false) => 0,
            };
        }
        if keyframe {
            self.keep_pinned_front();
        }
        Push::Stored(flags)
    }

    /// Leading pictures of the next group may need this one: it reaches up to the next keyframe.
    fn close_last_gop(&mut self, next_key: MediaTime) {
        let pins = &self.pins;
        if let Some(gop) = self.live.last_gop_mut() {
            gop.end = gop.end.max(next_key);
            if !gop.pinned && touches(pins, gop) {
                gop.pinned = true;
                self.pinned_bytes += gop.bytes;
            }
        }
    }

    fn repeats(&self, unit: &AccessUnit, interval_nanos: i64, detect_repeats: bool) -> bool {
        let tolerance = (interval_nanos / 4).max(0).unsigned_abs();
        let units = self.live.units();
        // Most are later than all before them: nothing has to be looked through.
        let is_latest = unit.pts.nanos().saturating_sub(self.latest.nanos()) > i64::try_from(tolerance).unwrap_or(i64::MAX);
        let same_time = || units.iter().rev().take(REORDER_DEPTH).any(|u| u.pts.distance_nanos(unit.pts) <= tolerance);
        // Same length first: comparing bytes is the exception, not the rule.
        let same_picture = || units.back().is_some_and(|u| u.keyframe && unit.keyframe && u.payload == unit.payload);
        (!is_latest && same_time()) || (detect_repeats && same_picture())
    }

    /// Moves pinned groups out of eviction's way; the group being written stays.
    fn keep_pinned_front(&mut self) {
        while self.live.gops().len() > 1 && self.live.gops().front().is_some_and(|gop| gop.pinned) {
            self.live.move_oldest_to(&mut self.kept);
        }
    }

    /// Drops the oldest group that is not pinned.
    pub(super) fn evict_oldest(&mut self) -> Freed {
        let mut freed = Freed::default();
        if self.live.gops().front().is_some_and(|gop| !gop.pinned) {
            freed.was_open = self.live.gops().len() == 1;
            if let Some(gop) = self.live.pop() {
                freed.add(&gop);
            }
            self.broken |= freed.was_open;
        }
        self.keep_pinned_front();
        freed
    }

    /// Takes the new list of pins; groups kept only by a pin that is gone are dropped.
    pub(super) fn set_pins(&mut self, pins: Vec<Span>) -> Freed {
        self.pins = pins;
        self.pinned_bytes = 0;
        for gop in self.live.gops_mut().chain(self.kept.gops_mut()) {
            gop.pinned = touches(&self.pins, gop);
            if gop.pinned {
                self.pinned_bytes += gop.bytes;
            }
        }
        let mut freed = Freed::default();
        if self.kept.gops().iter().any(|gop| !gop.pinned) {
            let mut still_kept = Lane::default();
            while let Some(gop) = self.kept.gops().front().copied() {
                if gop.pinned {
                    self.kept.move_oldest_to(&mut still_kept);
                } else {
                    self.kept.pop();
                    freed.add(&gop);
                }
            }
            self.kept = still_kept;
        }
        if !self.pins.is_empty() {
            // What pins will keep moves over while units arrive, and an arrival shall not wait for memory.
            self.kept.reserve_like(&self.live);
        }
        self.keep_pinned_front();
        freed
    }

    pub(super) fn clear(&mut self) -> Freed {
        let mut freed = Freed::default();
        self.live.gops().iter().chain(self.kept.gops()).for_each(|gop| freed.add(gop));
        self.live.clear();
        self.kept.clear();
        self.pinned_bytes = 0;
        self.broken = true;
        freed
    }
}

fn touches(pins: &[Span], gop: &Gop) -> bool {
    pins.iter().any(|pin| gop.earliest < pin.until && pin.from < gop.end)
}
