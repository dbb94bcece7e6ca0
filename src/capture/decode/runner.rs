//! A decoder that stays with a feed and goes on where it was: what rolls is decoded once, however long its groups of pictures.
//!
//! Must not know: rings, who shows the frames.

use super::{DecodeError, Decoder, StreamFormat, TimedFrame};
use crate::{
    capture::Codec,
    ring::{AccessUnit, FeedId},
    time::MediaTime,
};

/// Frames that were given out and are kept, should they be asked for again with newer ones.
const KEPT: usize = 12;
/// Units that are fed beyond the last frame wanted for what the decoder holds back: the most that H.264 and H.265 reorder.
pub(super) const REORDERED: usize = 16;

/// One feed's decoder and how far it is.
#[derive(Debug)]
pub(super) struct Runner {
    pub feed: FeedId,
    decoder: Decoder,
    /// Time from which it counts.
    origin: MediaTime,
    /// The last unit that went in: its place in decode order, and its time, since places are counted anew in each file; `None`: it begins with
    /// a keyframe.
    fed: Option<(u64, MediaTime)>,
    /// Frames that came out, in order of time.
    ready: Vec<TimedFrame>,
    /// Units that went in since it was asked.
    count: u64,
}

impl Runner {
    /// A runner at its beginning.
    pub fn new(feed: FeedId, decoder: Decoder) -> Self {
        Self { feed, decoder, origin: MediaTime::ZERO, fed: None, ready: Vec::new(), count: 0 }
    }

    pub const fn codec(&self) -> Codec {
        self.decoder.codec()
    }

    /// Units that went in since the last call.
    pub fn take_count(&mut self) -> u64 {
        std::mem::take(&mut self.count)
    }

    fn has(&self, time: MediaTime) -> bool {
        self.ready.binary_search_by_key(&time, |frame| frame.time).is_ok()
    }

    /// Where in `units` (consecutive, in decode order, the first a keyframe) it goes on; 0 is anew.
    pub fn goes_on_at(&self, units: &[AccessUnit], times: &[MediaTime]) -> usize {
        let (Some((fed, fed_pts)), Some(first)) = (self.fed, units.first()) else { return 0 };
        // What it has gone through must lead up to them without a hole.
        let Some(at) = (fed + 1).checked_sub(first.order).and_then(|n| usize::try_from(n).ok()).filter(|n| *n <= units.len()) else {
            return 0;
        };
        if at == 0 || units[at - 1].pts != fed_pts {
            return 0;
        }
        // Whatever is wanted of what went in already must be at hand, or still to come.
        let comes = |time: MediaTime| self.has(time) || self.decoder.owes(time, self.origin);
        let is_at_hand = units[..at].iter().all(|u| times.binary_search(&u.pts).is_err() || comes(u.pts));
        if is_at_hand { at } else { 0 }
    }

    /// The frames of `times` (in order). `units` are consecutive, in decode order and begin with a keyframe; those from `end` on lie after
    /// what is wanted and are fed only as far as the decoder holds frames back. Every frame from the first of `times` on is kept
    /// as far as it comes out.
    pub fn decode(
        &mut self,
        units: &[AccessUnit],
        end: usize,
        times: &[MediaTime],
        format_of: impl Fn(u16) -> Option<StreamFormat>,
    ) -> Result<Vec<TimedFrame>, DecodeError> {
        let (Some(first), Some(from)) = (units.first(), times.first().copied()) else { return Ok(Vec::new()) };
        self.ready.retain(|frame| frame.time >= from);
        let mut at = self.goes_on_at(units, times);
        if at == 0 {
            self.decoder.begin_anew();
            self.ready.clear();
            self.origin = first.pts;
        }
        // From here on it is only as good as what follows.
        self.fed = None;
        // Who is wanted decides; what is neither wanted nor needed by others is not decoded.
        let wanted = |time: MediaTime| time >= from;
        let mut held = times.iter().any(|time| !self.has(*time));
        while at < units.len() {
            let next = if at < end { end } else { at + 1 };
            let piece: Vec<AccessUnit> = units[at..next].iter().filter(|u| !u.droppable || u.pts >= from).cloned().collect();
            self.count += piece.len() as u64;
            let came = self.decoder.feed_on(&piece, self.origin, &wanted, &format_of)?;
            self.add(came);
            at = next;
            held = times.iter().any(|time| !self.has(*time));
            if at >= end && !held {
                break;
            }
        }
        self.fed = units[..at].last().map(|u| (u.order, u.pts));
        if held && units.len() < end + REORDERED {
            // Nothing follows yet.
            let rest = self.decoder.drain(self.origin)?;
            self.add(rest);
            self.fed = None;
        }
        let found = times.iter().filter_map(|time| self.ready.iter().find(|frame| frame.time == *time).cloned()).collect();
        let last = times.last().copied().unwrap_or(from);
        let beyond = self.ready.iter().filter(|frame| frame.time > last).count();
        let surplus = self.ready.len().saturating_sub(KEPT + beyond);
        self.ready.drain(..surplus);
        Ok(found)
    }

    fn add(&mut self, frames: Vec<TimedFrame>) {
        self.ready.extend(frames);
        self.ready.sort_by_key(|frame| frame.time);
        self.ready.dedup_by_key(|frame| frame.time);
    }
}
