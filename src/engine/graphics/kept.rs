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
    /// Where the picture that is being made began to ask.
    begun: u64,
}

impl<K, V> Default for Kept<K, V> {
    fn default() -> Self {
        Self { values: HashMap::new(), bytes: 0, now: 0, begun: u64::MAX }
    }
}

impl<K: Eq + Hash + Clone, V> Kept<K, V> {
    /// Another picture begins to be made: what it asks for stays until the next one begins, whatever room that takes. Else what needs more
    /// than there is would be made anew with every picture.
    pub const fn begin(&mut self) {
        self.begun = self.now + 1;
    }

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
            && let Some(oldest) = self.oldest()
        {
            self.bytes -= self.values.remove(&oldest).map_or(0, |(_, bytes, _)| bytes);
        }
        self.bytes += bytes;
        self.values.insert(key, (Arc::clone(&value), bytes, self.now));
        value
    }

    /// What nobody asked for the longest, and not for the picture that is being made.
    fn oldest(&self) -> Option<K> {
        let free = self.values.iter().filter(|(_, (.., used))| *used < self.begun);
        free.min_by_key(|(_, (.., used))| *used).map(|(key, _)| key.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_picture_needs_is_made_once_whatever_it_takes() {
        let (mut kept, mut made) = (Kept::default(), 0);
        for _ in 0..2 {
            kept.begin();
            for key in 0..3 {
                kept.get(key, || {
                    made += 1;
                    (key, |_: &u32| 88_000_000)
                });
            }
        }
        assert_eq!((made, kept.bytes), (3, 264_000_000));
        // The next one needs others: those go.
        kept.begin();
        for key in 10..13 {
            kept.get(key, || (key, |_: &u32| 88_000_000));
        }
        assert_eq!((kept.values.len(), kept.bytes), (3, 264_000_000));
    }

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
