//! What a console remembers of a remote camera: translated times, so that a frame has the same time whenever it comes, and ranges
//! that were fetched, so that what rolls is fetched once.

use std::collections::{BTreeMap, VecDeque};

use crate::ring::{AccessUnit, GopForInstant, allowed_error_nanos};
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

    /// What must be decoded to see the honest frame at an instant, where a range that is there tells for sure which one that is. Whatever is
    /// wrong there, the node says better.
    pub fn gop_for(&mut self, camera: usize, instant: MediaTime, interval_nanos: i64) -> Option<GopForInstant> {
        let reach = allowed_error_nanos(interval_nanos);
        if interval_nanos <= 0 {
            return None;
        }
        let mut units = self.range(camera, instant.plus_nanos(-reach), instant.plus_nanos(reach + 1))?;
        let honest = units.iter().enumerate().filter(|(_, u)| u.flags.is_honest());
        let (at, nearest) = honest.min_by_key(|(_, u)| u.pts.distance_nanos(instant))?;
        let pts = nearest.pts;
        let is_whole = units.first()?.keyframe && units.windows(2).all(|pair| pair[1].order == pair[0].order + 1);
        if pts.distance_nanos(instant) > reach.unsigned_abs() || !is_whole {
            return None;
        }
        units.truncate(at + 1);
        units.retain(|u| !u.droppable || u.pts == pts);
        Some(GopForInstant { units, pts, error_nanos: pts - instant })
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
        assert!(cache.gop_for(3, t(100_000), 20_000).is_none(), "nothing is near");
        assert_eq!((cache.runs.len(), cache.bytes), (1, 7));
    }

    #[test]
    fn a_frame_that_was_fetched_is_found_again_only_where_that_is_sure() {
        const MS: i64 = 1_000_000;
        let numbered = |k: i64| AccessUnit { order: k as u64, droppable: k % 2 == 1, ..unit(k * 20 * MS, k % 10 == 0, 9) };
        let mut cache = Cache::default();
        cache.put(0, (t(0), t(600 * MS)), (0..30).map(numbered).collect());
        let times = |gop: &GopForInstant| gop.units.iter().map(|u| u.pts.nanos() / (20 * MS)).collect::<Vec<_>>();
        let gop = cache.gop_for(0, t(268 * MS), 20 * MS).unwrap();
        assert_eq!((gop.pts, gop.error_nanos, times(&gop)), (t(260 * MS), -8 * MS, vec![10, 12, 13]));
        // At the end of the range the nearest frame may be one that is not there; elsewhere nobody knows anything.
        assert!(cache.gop_for(0, t(595 * MS), 20 * MS).is_none() && cache.gop_for(1, t(260 * MS), 20 * MS).is_none());
        assert!(cache.gop_for(0, t(260 * MS), 0).is_none());
        // What is marked is not it, and a hole may hide what it refers to.
        let mut units: Vec<AccessUnit> = (0..30).map(numbered).collect();
        units[13].flags.late = true;
        cache.put(1, (t(0), t(600 * MS)), units.clone());
        assert!(cache.gop_for(1, t(260 * MS), 20 * MS).is_none());
        units.remove(12);
        cache.put(2, (t(0), t(600 * MS)), units);
        assert!(cache.gop_for(2, t(280 * MS), 20 * MS).is_none() && cache.gop_for(2, t(220 * MS), 20 * MS).is_some());
    }
}
