//! Units in decode order, cut into groups of pictures.

use std::collections::VecDeque;
use std::collections::vec_deque::Iter;

use super::AccessUnit;
use crate::time::MediaTime;

/// A group of pictures: a keyframe and what follows it in decode order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gop {
    /// Position of the keyframe in its lane, counted from the lane's beginning (what was popped counts too).
    start: u64,
    /// Units.
    pub len: u32,
    /// Payload bytes.
    pub bytes: u64,
    /// The keyframe's time.
    pub pts: MediaTime,
    /// The earliest time in it: earlier than `pts` when it has leading pictures (open group).
    pub earliest: MediaTime,
    /// Where its last picture ends.
    pub end: MediaTime,
    /// Protected.
    pub pinned: bool,
}

/// Groups in a row, oldest first.
#[derive(Debug, Default)]
pub(super) struct Lane {
    units: VecDeque<AccessUnit>,
    gops: VecDeque<Gop>,
    popped: u64,
}

impl Lane {
    pub(super) fn with_capacity(units: usize) -> Self {
        // A quarter as many groups as units: intra-only feeds grow it twice, then never again.
        Self { units: VecDeque::with_capacity(units), gops: VecDeque::with_capacity(units / 4), popped: 0 }
    }

    /// Memory for as many units more as `other` has memory for.
    pub(super) fn reserve_like(&mut self, other: &Self) {
        self.units.reserve(other.units.capacity());
        self.gops.reserve(other.gops.capacity());
    }

    pub(super) fn gops(&self) -> &VecDeque<Gop> {
        &self.gops
    }

    pub(super) fn gops_mut(&mut self) -> impl Iterator<Item = &mut Gop> {
        self.gops.iter_mut()
    }

    pub(super) fn last_gop_mut(&mut self) -> Option<&mut Gop> {
        self.gops.back_mut()
    }

    pub(super) fn units(&self) -> &VecDeque<AccessUnit> {
        &self.units
    }

    /// Units of the group at `index`.
    pub(super) fn units_of(&self, index: usize) -> Iter<'_, AccessUnit> {
        let Some(gop) = self.gops.get(index) else { return self.units.range(0..0) };
        let start = (gop.start - self.popped) as usize;
        self.units.range(start..start + gop.len as usize)
    }

    /// Appends to the last group, or opens one with a keyframe. False when there is no group to append to.
    pub(super) fn push(&mut self, unit: AccessUnit, end: MediaTime) -> bool {
        let size = unit.payload.len() as u64;
        if unit.keyframe {
            let start = self.popped + self.units.len() as u64;
            self.gops.push_back(Gop { start, len: 1, bytes: size, pts: unit.pts, earliest: unit.pts, end, pinned: false });
        } else {
            let Some(gop) = self.gops.back_mut() else { return false };
            gop.len += 1;
            gop.bytes += size;
            gop.earliest = gop.earliest.min(unit.pts);
            gop.end = gop.end.max(end);
        }
        self.units.push_back(unit);
        true
    }

    /// Drops the oldest group.
    pub(super) fn pop(&mut self) -> Option<Gop> {
        let gop = self.gops.pop_front()?;
        self.units.drain(..gop.len as usize);
        self.popped += u64::from(gop.len);
        Some(gop)
    }

    /// Moves the oldest group to the end of `other`, marks and all.
    pub(super) fn move_oldest_to(&mut self, other: &mut Self) {
        let Some(gop) = self.gops.pop_front() else { return };
        let start = other.popped + other.units.len() as u64;
        other.units.extend(self.units.drain(..gop.len as usize));
        other.gops.push_back(Gop { start, ..gop });
        self.popped += u64::from(gop.len);
    }

    pub(super) fn clear(&mut self) {
        self.popped += self.units.len() as u64;
        self.units.clear();
        self.gops.clear();
    }
}
