//! Follows one feed live, every frame at full size: what a live program shows.

use std::sync::Arc;

use super::decode::{DecodeError, Decoder, FeedFormats, TimedFrame};
use crate::{
    ring::{FeedId, Ring},
    time::MediaTime,
};

/// Units decoded at a time.
const UNITS: usize = 8;
/// As many may wait without any being left out.
const UNITS_IN_STEP: usize = 3;

/// Decodes one feed as it arrives in the ring. Every unit is decoded once; whoever asks late gets the newest frame.
#[derive(Debug)]
pub struct LiveFollower {
    ring: Arc<Ring>,
    formats: Arc<FeedFormats>,
    feed: FeedId,
    decoder: Option<Decoder>,
    origin: MediaTime,
    next_order: u64,
    /// More units were waiting than are decoded one by one.
    behind: bool,
}

impl LiveFollower {
    /// Follows `feed` from its newest keyframe on.
    pub const fn new(ring: Arc<Ring>, formats: Arc<FeedFormats>, feed: FeedId) -> Self {
        Self { ring, formats, feed, decoder: None, origin: MediaTime::ZERO, next_order: u64::MAX, behind: false }
    }

    /// The feed.
    pub const fn feed(&self) -> FeedId {
        self.feed
    }

    /// Whether, at the last call, more frames were waiting than those that had just arrived.
    pub const fn is_behind(&self) -> bool {
        self.behind
    }

    /// The next frame that has arrived, if there is one. After an error it begins again with the newest keyframe.
    pub fn next_frame(&mut self) -> Result<Option<TimedFrame>, DecodeError> {
        let result = self.advance();
        if result.is_err() {
            self.decoder = None;
            self.next_order = u64::MAX;
        }
        result
    }

    fn advance(&mut self) -> Result<Option<TimedFrame>, DecodeError> {
        if self.next_order == u64::MAX {
            let Some(keyframe) = self.ring.newest_keyframe(self.feed) else { return Ok(None) };
            self.next_order = keyframe.order;
            self.decoder = None;
        }
        let mut units = self.ring.follow(self.feed, self.next_order, UNITS);
        self.behind = units.len() > UNITS_IN_STEP;
        // Frames that came together are shown one after the other; only who is far behind leaves some out.
        if units.len() <= UNITS_IN_STEP {
            units.truncate(1);
        }
        let (Some(first), Some(last)) = (units.first(), units.last()) else { return Ok(None) };
        // Where the ring had to jump, or for the first unit, references begin anew.
        let restarts = first.order != self.next_order || self.decoder.is_none();
        if restarts && !first.keyframe {
            self.next_order = u64::MAX;
            return Ok(None);
        }
        let format = self.formats.get(self.feed, first.format).ok_or(DecodeError::NoFormat)?;
        if self.decoder.as_ref().is_none_or(|d| d.codec() != format.codec) {
            self.decoder = Some(Decoder::new(format.codec, 2)?);
            self.origin = first.pts;
        }
        let Some(decoder) = &mut self.decoder else { return Ok(None) };
        if restarts {
            decoder.flush();
            self.origin = first.pts;
        }
        self.next_order = last.order + 1;
        decoder.feed_live(&units, self.origin, |n| self.formats.get(self.feed, n))
    }
}
