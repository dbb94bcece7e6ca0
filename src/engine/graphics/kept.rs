//! What was made of pictures and words once and is wanted again and again: the newest of it, as much as there is room for.
//!
//! Must not know: what it is.

use std::{collections::HashMap, hash::Hash, sync::Arc};

/// All values of one kind take about so much memory, bytes.
const MOST_BYTES: usize = 256_000_000;

/// Values by their keys.
#[derive(Debug)]
pub(super) struct Kept<K, V> {
    values: HashMap<K, (Arc<V>, usize, u64)>,
    bytes: usize,
    /// Counts what was asked for.
    now: u64,
}

impl<K, V> Default for Kept<K, V> {
    fn default() -> Self {
        Self { values: HashMap::new(), bytes: 0, now: 0 }
    }
}

impl<K: Eq + Hash + Clone, V> Kept<K, V> {
    /// The value of a key; `make` makes it where there is none, and says how its bytes are counted. What nobody asked for the longest goes.
    pub fn get<B: Fn(&V) -> usize>(&mut self, key: K, make: impl FnOnce() -> (V, B)) -> Arc<V> {
        self.now += 1;
        if let Some((value, _, used)) = self.values.get_mut(&key) {
            *used = self.now;
            return Arc::clone(value);
        }
        let (value, count) = make();
        let (bytes, value) = (count(&value), Arc::new(value));
        while self.bytes + bytes > MOST_BYTES
            && let Some(oldest) = self.values.iter().min_by_key(|(_, (.., used))| *used).map(|(key, _)| key.clone())
        {
            self.bytes -= self.values.remove(&oldest).map_or(0, |(_, bytes, _)| bytes);
        }
        self.bytes += bytes;
        self.values.insert(key, (Arc::clone(&value), bytes, self.now));
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_kept_within_the_room() {
        let mut kept = Kept::default();
        let third = |_: &u32| MOST_BYTES / 3;
        for key in [1, 2, 3, 1, 4] {
            assert_eq!(*kept.get(key, || (key, third)), key);
        }
        assert!(kept.bytes <= MOST_BYTES && kept.values.len() == 3);
        let mut there: Vec<_> = kept.values.keys().copied().collect();
        there.sort_unstable();
        assert_eq!(there, [1, 3, 4], "2 was wanted the longest ago");
        // What is larger than all the room is made and kept alone.
        kept.get(9, || (9, |_: &u32| 2 * MOST_BYTES));
        assert_eq!(kept.values.len(), 1);
        kept.get(1, || (1, third));
        assert_eq!(kept.values.len(), 1);
    }
}
