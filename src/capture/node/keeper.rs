//! Under which numbers a node's disk keeps the events of its consoles. Events are numbered by their console, and two consoles' numbers are alike: on
//! disk each event has a number made of both, so that nobody overwrites or forgets what another one keeps.
//!
//! A console that is started again has another number and tells its events again: what is kept already, word for word, is not kept twice.
//!
//! Must not know: disks, connections.

use std::collections::BTreeMap;

use parking_lot::Mutex;

use crate::ring::disk::Kept;

/// Events whose numbers are remembered.
const REMEMBERED: usize = 16_384;

/// The numbers in use, by console and its number of the event.
#[derive(Debug, Default)]
pub(super) struct Keeper(Mutex<BTreeMap<(u64, u64), u64>>);

impl Keeper {
    /// The number on disk for what console `event.0` calls `event.1`; `there` is what the disk keeps, `is_here` tells who is connected.
    pub fn number(&self, event: (u64, u64), data: &serde_json::Value, there: &[Kept], is_here: impl Fn(u64) -> bool) -> u64 {
        let mut numbers = self.0.lock();
        if let Some(number) = numbers.get(&event) {
            return *number;
        }
        let taken = |number: u64| numbers.iter().any(|((console, _), used)| *used == number && is_here(*console));
        let own = of(event);
        let told_before = there.iter().find(|kept| kept.data == *data && !taken(kept.id)).map(|kept| kept.id);
        let number = told_before.unwrap_or(own);
        numbers.retain(|_, used| *used != number);
        if numbers.len() >= REMEMBERED {
            numbers.retain(|(console, _), _| is_here(*console));
        }
        // What is not remembered is found again, since it is made the same way.
        if numbers.len() < REMEMBERED || number != own {
            numbers.insert(event, number);
        }
        number
    }

    /// The number of what is kept no longer.
    pub fn forget(&self, event: (u64, u64)) -> u64 {
        self.0.lock().remove(&event).unwrap_or_else(|| of(event))
    }
}

/// A number of 64 bits, the same at any time; two events have one in common with the likelihood of 2⁻⁶⁴ (splitmix64, Steele et al. 2014).
fn of((console, id): (u64, u64)) -> u64 {
    mixed(mixed(console).wrapping_add(id))
}

fn mixed(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ value >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ value >> 31
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::time::MediaTime;

    fn kept(id: u64, data: &serde_json::Value) -> Kept {
        Kept { id, from: MediaTime::ZERO, until: MediaTime::ZERO, data: data.clone(), shift_nanos: 0 }
    }

    #[test]
    fn two_consoles_events_of_one_number_are_both_kept_and_forgotten_apart() {
        let (keeper, both) = (Keeper::default(), |_| true);
        let (smash, serve) = (json!({"label": "smash"}), json!({"label": "serve"}));
        let first = keeper.number((7, 3), &smash, &[], both);
        let disk = [kept(first, &smash)];
        let second = keeper.number((8, 3), &serve, &disk, both);
        assert_ne!(first, second);
        // The same words of both are two events while both are here.
        let third = keeper.number((8, 4), &smash, &disk, both);
        assert!(third != first && third != second);
        // Words that were edited stay the same event.
        assert_eq!(keeper.number((7, 3), &json!({"label": "smash, Li"}), &disk, both), first);
        assert_eq!((keeper.forget((8, 3)), keeper.forget((7, 3))), (second, first));
    }

    #[test]
    fn what_is_told_again_is_kept_once() {
        let keeper = Keeper::default();
        let smash = json!({"label": "smash"});
        let first = keeper.number((7, 3), &smash, &[], |_| true);
        let disk = [kept(first, &smash)];
        // The console is started again, and has another number.
        let only = |here: u64| move |console| console == here;
        assert_eq!(keeper.number((9, 1), &smash, &disk, only(9)), first);
        assert_eq!(keeper.forget((9, 1)), first);
        // The node is started again: it remembers nothing.
        let keeper = Keeper::default();
        assert_eq!(keeper.number((7, 3), &json!("edited"), &disk, only(7)), first);
        assert_eq!(Keeper::default().number((9, 1), &smash, &disk, only(9)), first);
        assert_eq!(Keeper::default().forget((7, 3)), first);
        // Number 3 of a disk that an older version wrote.
        assert_eq!(keeper.number((9, 1), &json!("old"), &[kept(3, &json!("old"))], only(9)), 3);
    }

    #[test]
    fn numbers_differ() {
        let mut all: Vec<u64> = (0..100).flat_map(|console| (0..100).map(move |id| of((console, id)))).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 10_000);
    }
}
