//! Counters and span timings shared by all parts: lock-free to write, cheap to snapshot.
//!
//! Must not know: who reads them.

mod energy;

pub use energy::{Energy, EnergyMeter, PowerMeter};

use std::sync::atomic::{AtomicU64, Ordering};

/// A monotonically growing count, written by one or many threads.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds one.
    pub fn add_one(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// Adds `n`.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// Replaces the value (for gauges).
    pub fn set(&self, n: u64) {
        self.0.store(n, Ordering::Relaxed);
    }

    /// The value now.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Seconds per named stage, in the order in which stages first ran.
#[derive(Debug, Clone, Default, serde::Serialize)]
#[serde(transparent)]
pub struct StageTimes(Vec<(String, f64)>);

impl StageTimes {
    /// Adds `secs` to `stage`.
    pub fn add(&mut self, stage: &str, secs: f64) {
        match self.0.iter_mut().find(|(name, _)| name == stage) {
            Some((_, total)) => *total += secs,
            None => self.0.push((stage.to_owned(), secs)),
        }
    }

    /// Adds every stage of `other`.
    pub fn merge(&mut self, other: &Self) {
        for (name, secs) in &other.0 {
            self.add(name, *secs);
        }
    }

    /// (stage, seconds) in the order of first use.
    pub fn iter(&self) -> impl Iterator<Item = (&str, f64)> {
        self.0.iter().map(|(n, s)| (n.as_str(), *s))
    }

    /// Sum over all stages, seconds.
    pub fn total_secs(&self) -> f64 {
        self.0.iter().map(|(_, s)| s).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_accumulate_in_order() {
        let mut t = StageTimes::default();
        t.add("sweep", 1.0);
        t.add("sgm", 0.5);
        t.add("sweep", 1.0);
        assert_eq!(t.iter().collect::<Vec<_>>(), vec![("sweep", 2.0), ("sgm", 0.5)]);
        assert!((t.total_secs() - 2.5).abs() < 1e-12);
    }
}
