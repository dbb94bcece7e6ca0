//! Cameras' own pictures around the instants that roll: decoded ahead in chunks by a thread of their own, kept within a budget.
//!
//! `latest`: the list of wanted chunks is replaced as a whole; the chunk that is being decoded is finished. What is due soonest has
//! the memory: a wish that would not fit is not decoded, and what is kept only for later gives way first. Must not know: what is done
//! with the pictures, who chose the instants.

use std::collections::{BTreeMap, BTreeSet};

use crossbeam::channel::Sender;
use parking_lot::{Condvar, Mutex};

use super::{Feeds, LivePicture};
use crate::time::{FrameRate, MediaTime};

/// Frames of a chunk.
const CHUNK_FRAMES: i64 = 10;
/// Neighbouring chunks of a camera are decoded in one go, so many at most: where keyframes are far apart, every decoding begins far
/// back.
const CHUNKS_AT_ONCE: usize = 4;
/// Pictures kept, bytes: 1.2 s of one camera of 1080p50.
const BUDGET_BYTES: usize = 512 << 20;
/// So many chunks are kept whatever they take: what is shown, what comes next, and what it dissolves from.
const LEAST_CHUNKS: usize = 3;
/// A picture is looked for this share of a frame later than asked, so that stamps which jitter do not flicker between two frames.
pub(super) const BIAS_FRAMES: f64 = 0.17;
/// Two pictures that are farther apart than this, frames, have lost one between them.
const MOST_APART_FRAMES: f64 = 1.6;
/// A chunk that could not be decoded is tried again after so many others.
const RETRY: u64 = 20;

/// Some frames of a camera (index in the rig).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ChunkKey {
    pub camera: usize,
    pub index: i64,
}

/// A chunk to decode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ChunkWish {
    pub key: ChunkKey,
    pub from: MediaTime,
    pub until: MediaTime,
    /// Whether nothing will be added to it: the newest frame lies after it.
    pub whole: bool,
}

/// What the thread reports.
#[derive(Debug)]
pub(super) struct ChunkReport {
    pub wish: ChunkWish,
    pub result: Result<Vec<LivePicture>, String>,
}

#[derive(Debug, Default)]
struct Wishes {
    wanted: Vec<ChunkWish>,
    /// By thread: cameras of this machine, and those of others.
    doing: [Vec<ChunkKey>; 2],
    stop: bool,
}

/// The wanted chunks, most urgent first.
#[derive(Debug, Default)]
pub(super) struct StripWish {
    wishes: Mutex<Wishes>,
    posted: Condvar,
}

impl StripWish {
    /// Replaces what is wanted.
    pub fn post_latest(&self, wanted: Vec<ChunkWish>) {
        let mut wishes = self.wishes.lock();
        let Wishes { doing, wanted: now_wanted, .. } = &mut *wishes;
        *now_wanted = wanted;
        now_wanted.retain(|w| !doing.iter().flatten().any(|key| *key == w.key));
        drop(wishes);
        self.posted.notify_all();
    }

    /// Ends the thread.
    pub fn stop(&self) {
        self.wishes.lock().stop = true;
        self.posted.notify_all();
    }

    /// The most urgent chunk that is this thread's with its wanted neighbours, in order of time.
    fn wait(&self, of: usize, is_mine: &dyn Fn(usize) -> bool) -> Option<Vec<ChunkWish>> {
        let mut wishes = self.wishes.lock();
        wishes.doing[of].clear();
        loop {
            if wishes.stop {
                return None;
            }
            if let Some(first) = wishes.wanted.iter().position(|w| is_mine(w.key.camera)) {
                let mut run = vec![wishes.wanted.remove(first)];
                while run.len() < CHUNKS_AT_ONCE {
                    let (first, last) = (run[0].key, run[run.len() - 1].key);
                    let touches =
                        |w: &ChunkWish| w.key.camera == first.camera && (w.key.index == last.index + 1 || w.key.index + 1 == first.index);
                    let Some(at) = wishes.wanted.iter().position(touches) else { break };
                    let wish = wishes.wanted.remove(at);
                    run.insert(if wish.key < first { 0 } else { run.len() }, wish);
                }
                wishes.doing[of] = run.iter().map(|w| w.key).collect();
                return Some(run);
            }
            self.posted.wait(&mut wishes);
        }
    }
}

/// Runs until stopped, for the cameras of this machine or for those that are `remote`: who waits for the network holds up nobody else.
pub(super) fn run(feeds: &dyn Feeds, wish: &StripWish, remote: bool, reports: &Sender<ChunkReport>) {
    while let Some(run) = wish.wait(usize::from(remote), &|camera| feeds.is_remote(camera) == remote) {
        let (Some(first), Some(last)) = (run.first(), run.last()) else { continue };
        let result = feeds.frames(first.key.camera, first.from, last.until, 4 * CHUNK_FRAMES as usize * run.len());
        for wish in run {
            let of_chunk = |all: &Vec<LivePicture>| all.iter().filter(|p| p.time >= wish.from && p.time < wish.until).cloned().collect();
            let result = result.as_ref().map(of_chunk).map_err(Clone::clone);
            if reports.send(ChunkReport { wish, result }).is_err() {
                return;
            }
        }
    }
}

#[derive(Debug)]
struct Held {
    pictures: Vec<LivePicture>,
    whole: bool,
    /// Why there are none.
    failed: bool,
    bytes: usize,
    used: u64,
}

/// Chunks that will be needed, the one that is due first in front.
#[derive(Debug, Default)]
pub(super) struct Needs {
    chunks: Vec<ChunkWish>,
    listed: BTreeSet<ChunkKey>,
}

/// The pictures at hand.
#[derive(Debug)]
pub(super) struct Strip {
    rate: FrameRate,
    chunks: BTreeMap<ChunkKey, Held>,
    clock: u64,
    budget_bytes: usize,
    /// The largest chunk so far: what one that is not decoded yet may take.
    chunk_bytes: usize,
    /// What is needed and fits, the one that is due first in front.
    needed: Vec<ChunkKey>,
}

/// What is known about a camera's picture at an instant.
#[derive(Debug, Clone)]
pub(super) enum Found {
    /// It.
    Picture(LivePicture),
    /// It is not decoded yet.
    NotYet,
    /// The camera has none there.
    Nothing,
}

impl Strip {
    pub const fn new(rate: FrameRate) -> Self {
        Self { rate, chunks: BTreeMap::new(), clock: 0, budget_bytes: BUDGET_BYTES, chunk_bytes: 0, needed: Vec::new() }
    }

    fn chunk_nanos(&self) -> i64 {
        self.rate.frame_nanos(CHUNK_FRAMES).max(1)
    }

    /// The instant by which a picture must have been seen to be the one at `at`.
    fn biased(&self, at: MediaTime) -> MediaTime {
        at.plus_nanos((self.rate.interval_nanos() as f64 * BIAS_FRAMES) as i64)
    }

    /// The chunk that holds an instant, cut at the newest frame; `None` where nothing is recorded yet.
    fn wish(&self, camera: usize, index: i64, newest: MediaTime) -> Option<ChunkWish> {
        let chunk = self.chunk_nanos();
        let (from, until) = (MediaTime::from_nanos(index * chunk), MediaTime::from_nanos((index + 1) * chunk));
        (from <= newest).then(|| ChunkWish { key: ChunkKey { camera, index }, from, until, whole: until <= newest })
    }

    /// Adds the chunk of a camera's picture at `at` to what is needed.
    pub fn need(&self, camera: usize, at: MediaTime, newest: MediaTime, needs: &mut Needs) {
        let index = self.biased(at).nanos().div_euclid(self.chunk_nanos());
        let Some(wish) = self.wish(camera, index, newest) else { return };
        if needs.listed.insert(wish.key) {
            needs.chunks.push(wish);
        }
    }

    /// Whether a chunk need not be decoded (again). The newest one grows: it is followed closely where it is due soon.
    fn serves(&self, wish: &ChunkWish, newest: MediaTime, is_soon: bool) -> bool {
        self.chunks.get(&wish.key).is_some_and(|held| {
            if held.failed {
                return self.clock < held.used + RETRY;
            }
            let lag = self.rate.frame_nanos(if is_soon { 1 } else { CHUNK_FRAMES / 2 });
            held.whole || !wish.whole && held.pictures.last().is_some_and(|p| newest - p.time < lag)
        })
    }

    /// From now on these are needed: as many of them as fit keep their place. What of them must be decoded, most urgent first.
    pub fn choose(&mut self, needs: Needs, newest: MediaTime) -> Vec<ChunkWish> {
        let (mut bytes, mut missing) = (0, Vec::new());
        self.needed.clear();
        for wish in needs.chunks {
            bytes += match self.chunks.get(&wish.key) {
                Some(held) if held.whole => held.bytes,
                _ => self.chunk_bytes,
            };
            let is_soon = self.needed.len() < LEAST_CHUNKS;
            if bytes > self.budget_bytes && !is_soon {
                break;
            }
            self.needed.push(wish.key);
            if !self.serves(&wish, newest, is_soon) {
                missing.push(wish);
            }
        }
        missing
    }

    /// What gives way first: of what nobody needs, what was not used for longest; else what is due last.
    fn least_needed(&self) -> Option<ChunkKey> {
        let idle = self.chunks.iter().filter(|(key, _)| !self.needed.contains(key));
        let idle = idle.min_by_key(|(_, held)| held.used).map(|(key, _)| *key);
        idle.or_else(|| self.needed.iter().rev().find(|key| self.chunks.contains_key(key)).copied())
    }

    /// The two pictures of a camera about an instant, where they are at hand and none is missing between them.
    pub fn around(&self, camera: usize, at: MediaTime) -> Option<[LivePicture; 2]> {
        let index = at.nanos().div_euclid(self.chunk_nanos());
        let near = (index - 1..=index + 1).filter_map(|index| self.chunks.get(&ChunkKey { camera, index })).flat_map(|held| &held.pictures);
        let before = near.clone().filter(|p| p.time <= at).max_by_key(|p| p.time)?;
        let after = near.filter(|p| p.time > at).min_by_key(|p| p.time)?;
        let is_next = (after.time - before.time) as f64 <= MOST_APART_FRAMES * self.rate.interval_nanos() as f64;
        is_next.then(|| [before.clone(), after.clone()])
    }

    /// Whether a camera is known to have nothing there.
    pub fn lacks(&self, camera: usize, at: MediaTime) -> bool {
        let index = self.biased(at).nanos().div_euclid(self.chunk_nanos());
        self.chunks.get(&ChunkKey { camera, index }).is_some_and(|held| held.failed)
    }

    /// A chunk was decoded, or could not be.
    pub fn add(&mut self, report: ChunkReport) {
        let ChunkReport { wish, result } = report;
        self.clock += 1;
        let pictures = result.unwrap_or_else(|why| {
            tracing::debug!(?wish, why, "no pictures to roll");
            Vec::new()
        });
        let bytes = pictures.iter().map(|p| p.picture.rgba().len()).sum();
        self.chunk_bytes = self.chunk_bytes.max(bytes);
        let failed = pictures.is_empty();
        self.chunks.insert(wish.key, Held { pictures, whole: wish.whole, failed, bytes, used: self.clock });
        let mut total: usize = self.chunks.values().map(|h| h.bytes).sum();
        while total > self.budget_bytes && self.chunks.len() > LEAST_CHUNKS {
            let Some(freed) = self.least_needed().and_then(|key| self.chunks.remove(&key)) else { break };
            total -= freed.bytes;
        }
    }

    /// A camera's picture at an instant: the last one that was seen by then.
    pub fn find(&mut self, camera: usize, at: MediaTime) -> Found {
        let index = self.biased(at).nanos().div_euclid(self.chunk_nanos());
        self.clock += 1;
        let clock = self.clock;
        if let Some(held) = self.chunks.get_mut(&ChunkKey { camera, index }).filter(|held| !held.failed) {
            held.used = clock;
        }
        self.look(camera, at)
    }

    /// The same for somebody else: it does not count as used.
    pub fn look(&self, camera: usize, at: MediaTime) -> Found {
        let by = self.biased(at);
        let index = by.nanos().div_euclid(self.chunk_nanos());
        let Some(held) = self.chunks.get(&ChunkKey { camera, index }) else { return Found::NotYet };
        let seen = |held: &Held| held.pictures.iter().rev().find(|p| p.time <= by).cloned();
        let first = held.pictures.first().cloned();
        // Before its first picture, the last one of the chunk before is still the one; without that, the first is nearest.
        let found = seen(held).or_else(|| seen(self.chunks.get(&ChunkKey { camera, index: index - 1 })?)).or(first);
        found.map_or(Found::Nothing, Found::Picture)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::frame::Picture;

    fn at(frame: i64) -> MediaTime {
        MediaTime::from_nanos(frame * 20_000_000)
    }

    fn report(wish: ChunkWish, frames: impl Iterator<Item = i64>) -> ChunkReport {
        let picture = |k: i64| LivePicture { picture: Arc::new(Picture::filled(4, 4, [k as u8, 1, 1, 255])), time: at(k) };
        ChunkReport { wish, result: Ok(frames.map(picture).collect()) }
    }

    fn missing(strip: &mut Strip, camera: usize, frame: i64, newest: MediaTime) -> Vec<ChunkWish> {
        let mut needs = Needs::default();
        strip.need(camera, at(frame), newest, &mut needs);
        strip.choose(needs, newest)
    }

    #[test]
    fn pictures_are_found_by_their_instant_and_wanted_once() {
        let mut strip = Strip::new(FrameRate::whole(50));
        let newest = at(1000);
        let mut needs = Needs::default();
        for frame in 100..120 {
            strip.need(2, at(frame), newest, &mut needs);
        }
        let list = strip.choose(needs, newest);
        assert_eq!(list.iter().map(|w| (w.key.index, w.whole)).collect::<Vec<_>>(), [(10, true), (11, true)]);
        assert!(matches!(strip.find(2, at(104)), Found::NotYet));
        strip.add(report(list[0], 100..110));
        for frame in 100..110 {
            // A stamp a little late is the same frame; half a frame later it still is.
            for nanos in [0, -2_000_000, 9_000_000] {
                let Found::Picture(p) = strip.find(2, at(frame).plus_nanos(nanos)) else { panic!("{frame}") };
                assert_eq!(p.time, at(frame), "{nanos}");
            }
        }
        assert!(missing(&mut strip, 2, 104, newest).is_empty());
        assert_eq!(missing(&mut strip, 3, 104, newest).len(), 1, "another camera");
    }

    #[test]
    fn neighbours_are_decoded_in_one_go_in_order_of_time() {
        let strip = Strip::new(FrameRate::whole(50));
        let wish = StripWish::default();
        // Backwards: the later chunk is the more urgent one.
        let of = |camera: usize, index: i64| strip.wish(camera, index, at(999)).unwrap();
        wish.post_latest(vec![of(0, 7), of(1, 3), of(0, 6), of(0, 4), of(0, 8)]);
        let indices = |run: Vec<ChunkWish>| run.iter().map(|w| (w.key.camera, w.key.index)).collect::<Vec<_>>();
        assert_eq!(wish.wait(0, &|_| true).map(indices), Some(vec![(0, 6), (0, 7), (0, 8)]));
        wish.post_latest(vec![of(1, 3), of(0, 4)]);
        assert_eq!(wish.wait(0, &|_| true).map(indices), Some(vec![(1, 3)]));
        // Another thread's are left to it.
        wish.post_latest(vec![of(5, 2), of(1, 3)]);
        assert_eq!(wish.wait(1, &|camera| camera == 5).map(indices), Some(vec![(5, 2)]));
        // What is being decoded is not begun again.
        wish.post_latest(vec![of(1, 3), of(5, 2)]);
        assert!(wish.wishes.lock().wanted.is_empty());
    }

    #[test]
    fn what_is_not_there_is_told_and_the_newest_part_grows() {
        let mut strip = Strip::new(FrameRate::whole(50));
        let list = missing(&mut strip, 0, 103, at(104));
        assert!(!list[0].whole);
        strip.add(report(list[0], 100..104));
        assert_eq!(missing(&mut strip, 0, 107, at(109)).len(), 1, "more has come");
        assert!(missing(&mut strip, 0, 300, at(109)).is_empty(), "the future is not asked for");
        let grown = missing(&mut strip, 0, 107, at(109))[0];
        strip.add(report(grown, 100..110));
        assert_eq!(missing(&mut strip, 0, 107, at(120)).len(), 1, "it is whole now, and was not");
        // A camera without frames there.
        let empty = strip.wish(1, 10, at(999)).unwrap();
        let before = strip.wish(1, 9, at(999)).unwrap();
        strip.add(ChunkReport { wish: empty, result: Err("dead".to_owned()) });
        strip.add(ChunkReport { wish: before, result: Ok(vec![]) });
        assert!(matches!(strip.find(1, at(104)), Found::Nothing));
        assert!(missing(&mut strip, 1, 104, at(999)).is_empty(), "not asked again at once");
    }

    #[test]
    fn a_small_memory_decodes_nothing_twice_and_keeps_what_is_due() {
        let mut strip = Strip::new(FrameRate::whole(50));
        // Room for four chunks; the look ahead wants ten of one camera and ten of another one for later.
        strip.budget_bytes = 4 * CHUNK_FRAMES as usize * 4 * 4 * 4;
        let newest = at(9_999);
        let mut decoded: BTreeMap<ChunkKey, usize> = BTreeMap::new();
        for frame in 100..400 {
            let mut needs = Needs::default();
            for ahead in 0..100 {
                strip.need(0, at(frame + ahead), newest, &mut needs);
            }
            for ahead in 0..100 {
                strip.need(1, at(frame + ahead), newest, &mut needs);
            }
            // One chunk is decoded per frame, the most urgent one.
            if let Some(wish) = strip.choose(needs, newest).first().copied() {
                *decoded.entry(wish.key).or_default() += 1;
                let first = wish.key.index * CHUNK_FRAMES;
                strip.add(report(wish, first..first + CHUNK_FRAMES));
            }
            let held: usize = strip.chunks.values().map(|h| h.bytes).sum();
            assert!(held <= strip.budget_bytes, "{held} bytes at frame {frame}");
            assert!(matches!(strip.find(0, at(frame)), Found::Picture(p) if p.time == at(frame)), "frame {frame}");
        }
        assert!(decoded.values().all(|n| *n == 1), "{decoded:?}");
        assert!(decoded.keys().filter(|k| k.camera == 0).count() >= 30);
    }
}
