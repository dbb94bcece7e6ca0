//! Decoded pictures about the playhead: frames that were decoded for a moment, and their neighbours in time that were decoded ahead, within a
//! budget of bytes. What is farthest from the playhead in time goes first.
//!
//! A frame is known by its feed and its own time, so whoever asks for an instant that it belongs to has it: a jog, a click on the timeline, a
//! roll. Which frame that is, the ring says every time anew. Must not know: decoders, GPUs, why the playhead is where it is.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::frame::Picture;
use crate::ring::FeedId;
use crate::time::MediaTime;

/// What is held about the playhead.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NearStatus {
    /// Bytes of decoded pictures.
    pub bytes: u64,
    /// Bytes allowed; 0: nothing is kept.
    pub budget_bytes: u64,
    /// Pictures, of all cameras together.
    pub pictures: usize,
}

/// The pictures, in order of time.
#[derive(Debug, Default)]
pub(super) struct Near {
    held: BTreeMap<(MediaTime, usize), Arc<Picture>>,
    bytes: u64,
    budget_bytes: u64,
    playhead: MediaTime,
}

const fn bytes_of(picture: &Picture) -> u64 {
    picture.width() as u64 * picture.height() as u64 * 4
}

impl Near {
    pub fn set_budget(&mut self, bytes: u64) {
        self.budget_bytes = bytes;
        self.keep_within();
    }

    /// From now on nearness is measured from here.
    pub const fn set_playhead(&mut self, playhead: MediaTime) {
        self.playhead = playhead;
    }

    pub const fn is_on(&self) -> bool {
        self.budget_bytes > 0
    }

    pub fn get(&self, feed: FeedId, time: MediaTime) -> Option<Arc<Picture>> {
        self.held.get(&(time, feed.0)).cloned()
    }

    pub fn has(&self, feed: FeedId, time: MediaTime) -> bool {
        self.held.contains_key(&(time, feed.0))
    }

    /// Keeps a picture; where there is no room, what is farther away gives way, or the picture itself is not kept.
    pub fn put(&mut self, feed: FeedId, time: MediaTime, picture: &Arc<Picture>) {
        if !self.is_on() {
            return;
        }
        self.bytes += bytes_of(picture);
        if let Some(before) = self.held.insert((time, feed.0), Arc::clone(picture)) {
            self.bytes -= bytes_of(&before);
        }
        self.keep_within();
    }

    fn keep_within(&mut self) {
        while self.bytes > self.budget_bytes {
            let ends = (self.held.first_key_value(), self.held.last_key_value());
            let (Some((first, _)), Some((last, _))) = ends else { return };
            let far = if self.playhead - first.0 > last.0 - self.playhead { *first } else { *last };
            if let Some(gone) = self.held.remove(&far) {
                self.bytes -= bytes_of(&gone);
            }
        }
    }

    /// All pictures, those nearest to the playhead first.
    pub fn nearest_first(&self) -> Vec<Arc<Picture>> {
        let mut all: Vec<_> = self.held.iter().map(|((time, _), picture)| (time.distance_nanos(self.playhead), picture)).collect();
        all.sort_by_key(|(distance, _)| *distance);
        all.into_iter().map(|(_, picture)| Arc::clone(picture)).collect()
    }

    pub fn status(&self) -> NearStatus {
        NearStatus { bytes: self.bytes, budget_bytes: self.budget_bytes, pictures: self.held.len() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTES: u64 = 4 * 4 * 4;

    fn at(frame: i64) -> MediaTime {
        MediaTime::from_nanos(frame * 20_000_000)
    }

    fn picture(k: i64) -> Arc<Picture> {
        Arc::new(Picture::filled(4, 4, [k as u8, 0, 0, 255]))
    }

    #[test]
    fn what_is_farthest_from_the_playhead_goes_first_and_the_budget_holds() {
        let mut near = Near::default();
        near.put(FeedId(0), at(5), &picture(5));
        assert_eq!(near.status(), NearStatus::default(), "without a budget nothing is kept");
        near.set_budget(10 * BYTES);
        near.set_playhead(at(50));
        for frame in 0..100 {
            for feed in 0..2 {
                near.put(FeedId(feed), at(frame), &picture(frame));
                assert!(near.status().bytes <= 10 * BYTES);
            }
        }
        let held: Vec<i64> = near.held.keys().filter(|k| k.1 == 0).map(|k| k.0.nanos() / 20_000_000).collect();
        assert_eq!(held, [48, 49, 50, 51, 52]);
        assert_eq!(near.nearest_first().iter().take(2).map(|p| p.rgba()[0]).collect::<Vec<_>>(), [50, 50]);
        assert_eq!(near.get(FeedId(1), at(51)).map(|p| p.rgba()[0]), Some(51));
        assert!(near.get(FeedId(1), at(53)).is_none() && near.get(FeedId(2), at(51)).is_none());
        // The playhead moves on: what is new there takes the place of what is left behind.
        near.set_playhead(at(54));
        near.put(FeedId(0), at(54), &picture(54));
        assert!(near.has(FeedId(0), at(54)) && near.status().bytes <= 10 * BYTES);
        assert_eq!(near.held.keys().filter(|k| k.0 == at(48)).count(), 1);
        // The same again is no more; a smaller budget holds at once.
        near.put(FeedId(0), at(54), &picture(54));
        assert_eq!((near.status().pictures, near.status().bytes), (10, 10 * BYTES));
        near.set_budget(3 * BYTES);
        assert_eq!(near.status().pictures, 3);
        near.set_budget(0);
        assert_eq!((near.status().bytes, near.held.len()), (0, 0));
    }
}
