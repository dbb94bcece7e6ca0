//! Whose events a node keeps on its disk. Events are numbered by their console: two consoles' numbers would collide, and one would forget what the
//! other keeps. So it is one console's at a time: the first one's, while it is connected.
//!
//! Must not know: disks, connections.

use parking_lot::Mutex;

/// One console's place.
#[derive(Debug, Default)]
pub(super) struct Keeper(Mutex<Held>);

#[derive(Debug, Default)]
struct Held {
    by: Option<u64>,
    /// The console that was refused last.
    refused: Option<u64>,
}

impl Keeper {
    /// Whether `console` may keep and forget events; `is_here` tells who is connected. A console that takes over from one that went, or that began anew
    /// under another number, may.
    pub fn admits(&self, console: u64, is_here: impl Fn(u64) -> bool) -> bool {
        let mut held = self.0.lock();
        if held.by.is_some_and(|by| by != console && is_here(by)) {
            if held.refused.replace(console) != Some(console) {
                tracing::warn!("a second console wants to keep its events on this node's disk: they are kept in memory only");
            }
            return false;
        }
        held.by = Some(console);
        if held.refused == Some(console) {
            held.refused = None;
        }
        true
    }

    /// What is to be told while somebody who is refused is connected.
    pub fn warning(&self, is_here: impl Fn(u64) -> bool) -> Option<String> {
        let held = self.0.lock();
        held.refused.filter(|console| is_here(*console))?;
        held.by.filter(|by| is_here(*by))?;
        Some(
            "Recording: two consoles keep events on this node, and its disk keeps only those of the first that came; the other's are in memory only. \
             Close one of them"
                .to_owned(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_console_keeps_until_it_goes() {
        let keeper = Keeper::default();
        let both = |_| true;
        assert!(keeper.admits(7, both) && keeper.admits(7, both));
        assert_eq!(keeper.warning(both), None);
        assert!(!keeper.admits(8, both) && keeper.admits(7, both));
        assert!(keeper.warning(both).is_some_and(|w| w.contains("Close one")));
        // The second one alone is no reason to worry, and takes over.
        let second = |console| console == 8;
        assert_eq!(keeper.warning(second), None);
        assert!(keeper.admits(8, second));
        assert_eq!(keeper.warning(both), None);
        assert!(!keeper.admits(7, both));
    }
}
