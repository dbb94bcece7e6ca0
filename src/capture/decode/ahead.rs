//! Neighbours in time, decoded before anybody asks: all frames of all cameras in a span, once each, several cameras in parallel.
//!
//! A camera's frames of a span cost one way through its group of pictures, however many they are. Nothing is decoded that is at hand already.
//! Threads of its own, half as many as there are cores: a moment that is wanted meanwhile has all others, and this ends with the frame in hand.

use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};
use std::sync::Arc;

use super::{DecodeError, MomentDecoder, NearStatus};
use crate::frame::Picture;
use crate::ring::{AccessUnit, FeedId};
use crate::time::MediaTime;

/// Frames of one camera that one span holds at most, whatever its rate.
const MOST_FRAMES: usize = 64;

/// `None` where no threads are to be had: then the thread that asks does it alone.
fn own_threads() -> Option<rayon::ThreadPool> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let pool = rayon::ThreadPoolBuilder::new().num_threads((cores / 2).max(1)).thread_name(|k| format!("near {k}")).build();
    pool.inspect_err(|why| tracing::warn!(%why, "no threads of its own for what is decoded ahead")).ok()
}

impl MomentDecoder {
    /// How many bytes of decoded pictures may stay about the playhead; 0 (the beginning) is none.
    pub fn set_near_budget(&self, bytes: u64) {
        self.near.lock().set_budget(bytes);
    }

    /// The playhead is here from now on: what is farthest from it is let go first.
    pub fn set_playhead(&self, playhead: MediaTime) {
        self.near.lock().set_playhead(playhead);
    }

    /// What is held about the playhead.
    pub fn near(&self) -> NearStatus {
        self.near.lock().status()
    }

    /// The pictures about the playhead, the nearest first.
    pub fn near_pictures(&self) -> Vec<Arc<Picture>> {
        self.near.lock().nearest_first()
    }

    /// Decodes what is not at hand of all cameras' honest frames with `from ≤ time < until`. Gives up between two frames as soon as `give_up`
    /// says so (which is asked before each); false then. A camera that has nothing there, or fails, is nobody's concern yet.
    pub fn decode_ahead(&self, from: MediaTime, until: MediaTime, give_up: &(dyn Fn() -> bool + Sync)) -> bool {
        if !self.near.lock().is_on() {
            return true;
        }
        // Nodes are waited for here, not where everybody's pictures are decoded.
        let units_of = |(feed, _)| if give_up() { None } else { Some((feed, self.range(feed, from, until).ok()?)) };
        let spans: Vec<(FeedId, Vec<AccessUnit>)> = self.ring.feeds().into_iter().filter_map(units_of).collect();
        let decode = |(feed, units): (FeedId, Vec<AccessUnit>)| {
            if give_up() {
                return false;
            }
            if let Err(why) = self.decode_missing(feed, &units, (from, until), give_up) {
                tracing::debug!(feed = feed.0, %why, "nothing is decoded ahead");
            }
            true
        };
        let all: Vec<bool> = match self.ahead.get_or_init(own_threads) {
            Some(pool) => pool.install(|| spans.into_par_iter().map(decode).collect()),
            None => spans.into_iter().map(decode).collect(),
        };
        all.into_iter().all(|done| done) && !give_up()
    }

    fn decode_missing(
        &self,
        feed: FeedId,
        units: &[AccessUnit],
        (from, until): (MediaTime, MediaTime),
        give_up: &dyn Fn() -> bool,
    ) -> Result<(), DecodeError> {
        let honest = units.iter().filter(|u| u.pts >= from && u.pts < until && u.flags.is_honest());
        let near = self.near.lock();
        let mut times: Vec<MediaTime> = honest.map(|u| u.pts).filter(|time| !near.has(feed, *time)).collect();
        drop(near);
        times.sort_unstable();
        times.dedup();
        times.truncate(MOST_FRAMES);
        let is_wanted = |time: MediaTime| times.binary_search(&time).is_ok();
        let Some(end) = units.iter().rposition(|u| is_wanted(u.pts)) else { return Ok(()) };
        // From the keyframe that the first of them needs; one more where pictures lead their keyframe.
        let first = units.iter().position(|u| is_wanted(u.pts)).unwrap_or(0);
        let keys: Vec<usize> = (0..=first).rev().filter(|k| units[*k].keyframe).take(2).collect();
        let begin = match keys[..] {
            [key, before] if units[key..=end].iter().any(|u| u.pts < units[key].pts) => before,
            [key, ..] => key,
            [] => 0,
        };
        let needed: Vec<AccessUnit> = units[begin..=end].iter().filter(|u| !u.droppable || is_wanted(u.pts)).cloned().collect();
        for timed in self.decode_units_unless(feed, &needed, &is_wanted, give_up)? {
            if let Some(picture) = timed.frame.to_picture() {
                self.near.lock().put(feed, timed.time, &Arc::new(picture));
            }
        }
        Ok(())
    }

    /// A camera's honest frames with `from ≤ time < until` in order of time, at most `limit`, where all of them are at hand.
    pub fn at_hand(&self, feed: FeedId, from: MediaTime, until: MediaTime, limit: usize) -> Option<Vec<(Arc<Picture>, MediaTime)>> {
        if !self.near.lock().is_on() || self.nodes.as_ref().is_some_and(|nodes| nodes.has(feed)) {
            return None;
        }
        let units = self.ring.range(feed, from, until);
        // Where memory begins later, what comes before is on disk: this would be a part that looks whole.
        let interval_nanos = self.ring.interval_nanos(feed).unwrap_or(0);
        if self.disk.get().is_some() && units.first().is_none_or(|unit| unit.pts > from.plus_nanos(interval_nanos)) {
            return None;
        }
        let mut times: Vec<MediaTime> =
            units.iter().filter(|u| u.pts >= from && u.pts < until && u.flags.is_honest()).map(|u| u.pts).collect();
        times.sort_unstable();
        times.dedup();
        times.truncate(limit);
        if times.is_empty() {
            return None;
        }
        let near = self.near.lock();
        times.into_iter().map(|time| Some((near.get(feed, time)?, time))).collect()
    }
}
