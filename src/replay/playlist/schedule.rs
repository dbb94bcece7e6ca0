//! A playlist laid out in time, and the player that goes through it. Every time has something to show.

/// The shortest slot, seconds.
const SHORTEST_SECS: f64 = 0.04;
/// The longest slot, seconds.
const LONGEST_SECS: f64 = 3600.0;

/// An element in time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slot {
    /// When it begins to be seen, seconds since the start of the list.
    pub start_secs: f64,
    /// How long it lasts by itself, seconds.
    pub secs: f64,
    /// For so long at its beginning the one before is still seen, seconds.
    pub dissolve_secs: f64,
    /// Its end stands until the operator goes on.
    pub hold: bool,
}

impl Slot {
    fn end_secs(&self) -> f64 {
        self.start_secs + self.secs
    }
}

/// A list in time.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Schedule {
    slots: Vec<Slot>,
    looped: bool,
}

/// What is to be seen at a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    /// Which slot.
    pub slot: usize,
    /// Seconds since its beginning.
    pub local_secs: f64,
    /// While it dissolves in: the slot before, seconds since its beginning, and how far the dissolve is, 0…1.
    pub from: Option<(usize, f64, f32)>,
    /// The end of the list is reached.
    pub ended: bool,
}

impl Schedule {
    /// From (length, dissolve at the beginning, hold at the end) of each element. A dissolve is at most half of either element, so that
    /// three are never seen at once.
    pub fn new(elements: impl IntoIterator<Item = (f64, f64, bool)>, looped: bool) -> Self {
        let mut slots: Vec<Slot> = Vec::new();
        for (secs, dissolve_secs, hold) in elements {
            let secs = if secs.is_finite() { secs.clamp(SHORTEST_SECS, LONGEST_SECS) } else { SHORTEST_SECS };
            let (start, dissolve_secs) = match slots.last() {
                None => (0.0, 0.0),
                Some(before) => {
                    let most = 0.5 * before.secs.min(secs);
                    let dissolve = if dissolve_secs.is_finite() { dissolve_secs.clamp(0.0, most) } else { 0.0 };
                    (before.end_secs() - dissolve, dissolve)
                }
            };
            slots.push(Slot { start_secs: start, secs, dissolve_secs, hold });
        }
        Self { slots, looped }
    }

    /// The slots.
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// How long all of it takes without holds, seconds.
    pub fn total_secs(&self) -> f64 {
        self.slots.last().map_or(0.0, Slot::end_secs)
    }

    /// What is to be seen at a time; `None` for an empty list. A looped list goes on with its first element; one that is not looped
    /// stays at the end of its last.
    pub fn at(&self, secs: f64) -> Option<Place> {
        let total = self.total_secs();
        let secs = if secs.is_finite() { secs.max(0.0) } else { 0.0 };
        let secs = if self.looped && total > 0.0 { secs % total } else { secs };
        let slot = self.slots.iter().rposition(|s| s.start_secs <= secs)?;
        let Slot { start_secs, secs: length, dissolve_secs, .. } = self.slots[slot];
        let local_secs = (secs - start_secs).min(length);
        let from = slot.checked_sub(1).filter(|_| local_secs < dissolve_secs).map(|before| {
            let share = ((secs - start_secs) / dissolve_secs).clamp(0.0, 1.0) as f32;
            (before, secs - self.slots[before].start_secs, share)
        });
        Some(Place { slot, local_secs, from, ended: !self.looped && secs >= total })
    }

    /// The time at which a slot that holds is to stop: just before the next one begins to be seen.
    fn hold_secs(&self, slot: usize) -> Option<f64> {
        let this = self.slots.get(slot).filter(|s| s.hold)?;
        let next = self.slots.get(slot + 1).map_or(this.end_secs(), |n| n.start_secs);
        Some((next - 1e-6).max(this.start_secs))
    }

    /// The first time in `from..=to` at which a slot holds; `from` itself where its slot holds already. However short slots are, and however far
    /// apart both times, none is passed over.
    fn first_hold(&self, from: f64, to: f64) -> Option<f64> {
        let (now, total) = (self.at(from)?.slot, self.total_secs());
        let turn = if self.looped && total > 0.0 { (from / total).floor() * total } else { 0.0 };
        let again = (0..now).filter(|_| self.looped).map(|slot| (slot, turn + total));
        (now..self.slots.len())
            .map(|slot| (slot, turn))
            .chain(again)
            .find_map(|(slot, turn)| Some((turn + self.hold_secs(slot)?).max(from)))
            .filter(|hold| *hold <= to)
    }
}

/// Goes through a schedule; time only moves forward, except that a loop begins again.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Player {
    secs: f64,
    left: Option<Left>,
}

/// An element that was left before its end.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Left {
    slot: usize,
    /// When, seconds since the start of the list, and how much of it was passed over, seconds.
    at_secs: f64,
    skipped_secs: f64,
}

impl Player {
    /// At the beginning of a slot; beyond the last it is the last.
    pub fn at_slot(schedule: &Schedule, slot: usize) -> Self {
        let secs = schedule.slots.get(slot).or(schedule.slots.last()).map_or(0.0, |s| s.start_secs + s.dissolve_secs);
        Self { secs, left: None }
    }

    /// What is to be seen so many seconds from now, unless a hold or the operator comes between. An element that was left early goes
    /// on from where it was while the next one dissolves in.
    pub fn place(&self, ahead_secs: f64, schedule: &Schedule) -> Option<Place> {
        let secs = self.secs + ahead_secs.max(0.0);
        let mut place = schedule.at(secs)?;
        if let (Some((slot, local_secs, _)), Some(left)) = (&mut place.from, self.left)
            && *slot == left.slot
            && secs - left.at_secs <= schedule.slots[place.slot].dissolve_secs
        {
            *local_secs -= left.skipped_secs;
        }
        Some(place)
    }

    /// Seconds since the start of the list.
    pub const fn secs(&self) -> f64 {
        self.secs
    }

    /// Lets so many seconds go by; stops where a slot holds.
    pub fn advance(&mut self, by_secs: f64, schedule: &Schedule) {
        let by = if by_secs.is_finite() { by_secs.max(0.0) } else { 0.0 };
        self.secs = schedule.first_hold(self.secs, self.secs + by).unwrap_or(self.secs + by);
    }

    /// Whether a hold stops it.
    pub fn holds(&self, schedule: &Schedule) -> bool {
        let Some(place) = schedule.at(self.secs) else { return false };
        !place.ended
            && schedule.hold_secs(place.slot).is_some_and(|hold| schedule.slots[place.slot].start_secs + place.local_secs >= hold - 1e-3)
    }

    /// On to the next element: at once, with its transition. After the last one a looped list begins again, another ends.
    pub fn next(&mut self, schedule: &Schedule) {
        let Some(place) = schedule.at(self.secs) else { return };
        let total = schedule.total_secs();
        let turn = if schedule.looped && total > 0.0 { (self.secs / total).floor() * total } else { 0.0 };
        let next = schedule.slots.get(place.slot + 1).map_or(total, |s| s.start_secs);
        let target = (turn + next).max(self.secs);
        self.left = Some(Left { slot: place.slot, at_secs: target, skipped_secs: target - self.secs });
        self.secs = target;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dissolves_overlap_and_holds_stop() {
        let s = Schedule::new([(4.0, 1.0, false), (2.0, 3.0, true), (1.0, 0.0, false)], false);
        // The dissolve is at most half of the shorter one.
        assert_eq!(s.slots().iter().map(|s| (s.start_secs, s.dissolve_secs)).collect::<Vec<_>>(), [(0.0, 0.0), (3.0, 1.0), (5.0, 0.0)]);
        assert!((s.total_secs() - 6.0).abs() < 1e-9);
        let p = s.at(3.25).unwrap();
        assert_eq!((p.slot, p.from), (1, Some((0, 3.25, 0.25))));
        let mut player = Player::default();
        player.advance(4.5, &s);
        player.advance(100.0, &s);
        assert!(player.holds(&s) && (player.secs() - 5.0).abs() < 1e-3, "{player:?}");
        player.next(&s);
        assert_eq!(s.at(player.secs()).unwrap().slot, 2);
        player.advance(1.0, &s);
        assert!(s.at(player.secs()).unwrap().ended);
    }

    #[test]
    fn no_hold_is_passed_over() {
        // A held still of 40 ms, at 24 pictures a second and after a stall.
        for (steps, step) in [(200, 1.0 / 24.0), (3, 5.0)] {
            let s = Schedule::new([(2.0, 0.0, false), (0.04, 0.0, true), (3.0, 0.0, false)], true);
            let mut player = Player::default();
            (0..steps).for_each(|_| player.advance(step, &s));
            assert!(player.holds(&s) && s.at(player.secs()).unwrap().slot == 1, "{player:?}");
            player.next(&s);
            assert_eq!(s.at(player.secs()).unwrap().slot, 2);
            // In the next turn.
            (0..steps).for_each(|_| player.advance(step, &s));
            assert!(player.holds(&s) && (player.secs() - s.total_secs() - 2.04).abs() < 1e-3, "{player:?}");
        }
    }

    #[test]
    fn what_is_left_early_goes_on_while_the_next_dissolves_in() {
        let s = Schedule::new([(10.0, 0.0, false), (4.0, 1.0, false), (2.0, 0.0, false)], true);
        // In the second turn.
        for turn in [0.0, s.total_secs()] {
            let mut player = Player::default();
            player.advance(turn + 2.0, &s);
            assert_eq!(player.place(0.5, &s).unwrap().local_secs, 2.5, "ahead");
            player.next(&s);
            for step in [0.0, 0.4] {
                let p = player.place(step, &s).unwrap();
                let (slot, secs, share) = p.from.unwrap();
                assert!(p.slot == 1 && slot == 0 && (secs - 2.0 - step).abs() < 1e-9 && (f64::from(share) - step).abs() < 1e-6, "{p:?}");
            }
            // By itself it dissolves from its own end.
            player.advance(s.total_secs(), &s);
            let p = player.place(0.25, &s).unwrap();
            assert!((p.from.unwrap().1 - 9.25).abs() < 1e-9, "{p:?}");
        }
    }

    #[test]
    fn an_empty_list_shows_nothing_and_a_loop_goes_on() {
        assert_eq!(Schedule::default().at(1.0), None);
        let s = Schedule::new([(1.0, 0.0, false), (1.0, 0.5, true)], true);
        let mut player = Player::default();
        player.advance(1.2, &s);
        player.advance(9.0, &s);
        assert!(player.holds(&s));
        player.next(&s);
        assert_eq!(s.at(player.secs()).unwrap().slot, 0, "from the beginning: {player:?}");
        player.advance(0.7, &s);
        player.advance(9.0, &s);
        assert!(player.holds(&s), "it holds again in the next turn");
    }
}
