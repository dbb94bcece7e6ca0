//! What a console remembers of a remote camera: translated times, so that a frame has the same time whenever it comes, and ranges
//! that were fetched, so that what rolls is fetched once.

use std::collections::{BTreeMap, VecDeque};

use crate::ring::AccessUnit;
use crate::time::MediaTime;

/// Times kept: more than a minute of 60 frames a second. Older ones are translated by what is final.
const TIMES: usize = 4096;
/// Payload bytes of fetched ranges, per node.
const CACHE_BYTES: u64 = 96 << 20;

/// Translated times, by the node's.
#[derive(Debug, Default)]
pub(super) struct Times(BTreeMap<i64, MediaTime>);

impl Times {
    /// The time of what the node saw at `at`: as it was told before, or else as `translate` says now.
    pub fn of(&mut self, at: i64, translate: impl FnOnce() -> Option<MediaTime>) -> Option<MediaTime> {
        if let Some(known) = self.0.get(&at) {
            return Some(*known);
        }
        let time = translate()?;
        self.0.insert(at, time);
        while self.0.len() > TIMES {
            self.0.pop_first();
        }
        Some(time)
    }

    /// The node's time of a frame that was told.
    pub fn node_time_of(&self, time: MediaTime) -> Option<i64> {
        // Both orders are the same, but for jumps of a clock: near the end, where marks are.
        self.0.iter().rev().take(512).find(|(_, t)| **t == time).map(|(at, _)| *at)
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }
}

/// A fetched range of one camera.
#[derive(Debug)]
struct Run {
    camera: usize,
    from: MediaTime,
    until: MediaTime,
    bytes: u64,
    units: Vec<AccessUnit>,
}

/// Fetched ranges, the one used last at the end.
#[derive(Debug, Default)]
pub(super) struct Cache {
    runs: VecDeque<Run>,
    bytes: u64,
}

impl Cache {
    /// Units of a range that is there as a whole.
    pub fn range(&mut self, camera: usize, from: MediaTime, until: MediaTime) -> Option<Vec<AccessUnit>> {
        let at = self.runs.iter().position(|r| r.camera == camera && r.from <= from && until <= r.until)?;
        let run = self.runs.remove(at)?;
        let end = run.units.iter().rposition(|u| u.pts < until).map_or(0, |last| last + 1);
        // From the last keyframe before it, or one more where pictures lead their keyframe.
        let keys: Vec<usize> = run.units[..end].iter().enumerate().filter(|(_, u)| u.keyframe && u.pts <= from).map(|(k, _)| k).collect();
        let begin = match keys[..] {
            [.., before, last] if run.units[last..end].iter().any(|u| u.pts < run.units[last].pts) => before,
            [.., last] => last,
            [] => 0,
        };
        let units = run.units[begin..end.max(begin)].to_vec();
        self.runs.push_back(run);
        Some(units)
    }

    /// A range came. It is whole up to `until`.
    pub fn put(&mut self, camera: usize, (from, until): (MediaTime, MediaTime), units: Vec<AccessUnit>) {
        let bytes = units.iter().map(|u| u.payload.len() as u64).sum();
        // What it covers is not kept twice.
        self.drop_where(|r| r.camera == camera && from <= r.from && r.until <= until);
        self.bytes += bytes;
        self.runs.push_back(Run { camera, from, until, bytes, units });
        while self.bytes > CACHE_BYTES
            && let Some(oldest) = self.runs.pop_front()
        {
            self.bytes -= oldest.bytes;
        }
    }

    fn drop_where(&mut self, is_old: impl Fn(&Run) -> bool) {
        self.runs.retain(|r| !is_old(r));
        self.bytes = self.runs.iter().map(|r| r.bytes).sum();
    }

    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn t(i: i64) -> MediaTime {
        MediaTime::from_nanos(i)
    }

    fn unit(i: i64, key: bool, bytes: usize) -> AccessUnit {
        AccessUnit::new(t(i), 10, key, vec![0; bytes].into())
    }

    #[test]
    fn a_frame_keeps_its_time() {
        let mut times = Times::default();
        assert_eq!(times.of(5, || Some(t(105))), Some(t(105)));
        assert_eq!(times.of(5, || Some(t(999))), Some(t(105)));
        assert_eq!(times.node_time_of(t(105)), Some(5));
        assert_eq!(times.of(6, || None), None);
        for i in 0..3 * TIMES as i64 {
            assert!(times.of(i * 10, || Some(t(i))).is_some());
        }
        assert!(times.0.len() <= TIMES);
    }

    #[test]
    fn ranges_are_found_with_what_they_need_and_are_bounded() {
        let mut cache = Cache::default();
        let units: Vec<AccessUnit> = (0..30).map(|i| unit(i * 10, i % 10 == 0, 100)).collect();
        cache.put(1, (t(5), t(290)), units);
        let times = |units: Vec<AccessUnit>| units.iter().map(|u| u.pts.nanos()).collect::<Vec<_>>();
        assert_eq!(times(cache.range(1, t(120), t(141)).unwrap()), [100, 110, 120, 130, 140]);
        assert!(
            cache.range(0, t(120), t(141)).is_none() && cache.range(1, t(0), t(9)).is_none() && cache.range(1, t(200), t(291)).is_none()
        );
        // A picture that leads its keyframe needs the group before.
        let open = vec![unit(0, true, 1), unit(10, false, 1), unit(40, true, 1), unit(20, false, 1), unit(50, false, 1)];
        cache.put(2, (t(0), t(60)), open);
        assert_eq!(times(cache.range(2, t(45), t(55)).unwrap()), [0, 10, 40, 20, 50]);
        for k in 0..40 {
            cache.put(3, (t(1000 * k), t(1000 * k + 900)), vec![unit(1000 * k, true, 10 << 20)]);
        }
        assert!(cache.bytes <= CACHE_BYTES && cache.runs.len() < 12);
        assert!(cache.range(1, t(120), t(141)).is_none());
        cache.put(3, (t(0), t(1_000_000)), vec![unit(0, true, 7)]);
        assert_eq!((cache.runs.len(), cache.bytes), (1, 7));
    }
}
