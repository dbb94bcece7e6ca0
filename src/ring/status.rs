//! What the operator sees of the ring.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Ring, lane::Lane};
use crate::time::MediaTime;

/// Two seconds of 60 fps, and a little: with more to decode, a freeze is felt to be slow after a mark.
const LONG_GROUP_UNITS: u64 = 125;

/// One feed's share of the ring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RingFeedStatus {
    /// The feed.
    pub name: Arc<str>,
    /// Payload bytes.
    pub bytes: u64,
    /// Payload bytes that pins protect.
    pub pinned_bytes: u64,
    /// Access units.
    pub units: u64,
    /// Keyframes.
    pub keyframes: u64,
    /// Units of the longest group of pictures: so many are decoded at most for a moment.
    pub longest_group_units: u64,
    /// Time of the oldest keyframe of the unbroken history up to now.
    pub oldest: Option<MediaTime>,
    /// End of the newest frame.
    pub newest: Option<MediaTime>,
    /// Units evicted to make room.
    pub evicted: u64,
    /// Units refused because pins fill the budget.
    pub refused_pins_full: u64,
    /// Units refused because their keyframe is missing or their clock went back.
    pub refused_other: u64,
    /// How often the group being written had to go: the budget is too small for this feed's keyframe interval.
    pub starved: u64,
}

/// The ring at a glance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RingStatus {
    /// Payload bytes allowed.
    pub budget_bytes: u64,
    /// Payload bytes held.
    pub bytes: u64,
    /// Payload bytes that pins protect.
    pub pinned_bytes: u64,
    /// Pins.
    pub pins: usize,
    /// History allowed, nanoseconds.
    pub duration_nanos: i64,
    /// Per feed, in order.
    pub feeds: Vec<RingFeedStatus>,
}

impl RingStatus {
    /// Pins leave less than a tenth of the budget to the live history.
    pub const fn pins_fill_budget(&self) -> bool {
        self.pinned_bytes > self.budget_bytes - self.budget_bytes / 10
    }

    /// The time span that every feed with units covers without a hole, if there is one.
    pub fn common_span(&self) -> Option<(MediaTime, MediaTime)> {
        let from = self.feeds.iter().filter_map(|feed| feed.oldest).max()?;
        let until = self.feeds.iter().filter_map(|feed| feed.newest).min()?;
        (from < until).then_some((from, until))
    }

    /// What is wrong with single feeds, in words that name the remedy and stay the same while it is so.
    pub fn feed_warnings(&self) -> Vec<String> {
        let mut out = Vec::new();
        for feed in &self.feeds {
            if feed.longest_group_units > LONG_GROUP_UNITS {
                out.push(format!(
                    "{}: its keyframes are more than {LONG_GROUP_UNITS} frames apart, and all frames since the last one are decoded for a freeze. Set the camera's keyframe interval to a second or less, or have its feed encoded anew (intra = true in the show file)",
                    feed.name
                ));
            }
            if feed.refused_pins_full > 0 {
                out.push(format!("{}: frames were refused because marks fill the ring", feed.name));
            }
            if feed.starved > 0 {
                out.push(format!("{}: the ring is smaller than one group of pictures; raise the budget or shorten keyframes", feed.name));
            }
        }
        out
    }

    /// What is wrong, in words that name the remedy; empty when all is well.
    pub fn warnings(&self) -> Vec<String> {
        let mut out = Vec::new();
        if self.pins_fill_budget() {
            out.push(format!(
                "marks hold {} of the ring's {} MiB: export or release marks, or raise the budget, else new frames are refused",
                self.pinned_bytes >> 20,
                self.budget_bytes >> 20
            ));
        }
        out.extend(self.feed_warnings());
        out
    }
}

fn sum(lane: &Lane, of: impl Fn(&super::lane::Gop) -> u64) -> u64 {
    lane.gops().iter().map(of).sum()
}

impl Ring {
    /// A snapshot; each feed's lock is held for a walk over its keyframes.
    pub fn status(&self) -> RingStatus {
        let feeds: Vec<_> = self
            .feeds
            .load()
            .iter()
            .map(|feed| {
                let track = feed.track.lock();
                let (kept, live) = (track.kept(), track.live());
                RingFeedStatus {
                    name: Arc::clone(&feed.name),
                    bytes: sum(kept, |gop| gop.bytes) + sum(live, |gop| gop.bytes),
                    pinned_bytes: track.pinned_bytes(),
                    units: (kept.units().len() + live.units().len()) as u64,
                    keyframes: (kept.gops().len() + live.gops().len()) as u64,
                    longest_group_units: kept.gops().iter().chain(live.gops()).map(|gop| u64::from(gop.len)).max().unwrap_or(0),
                    oldest: track.oldest_unbroken(),
                    newest: live.gops().back().map(|gop| gop.end),
                    evicted: feed.evicted.get(),
                    refused_pins_full: feed.refused_pins_full.get(),
                    refused_other: feed.refused_other.get(),
                    starved: feed.starved.get(),
                }
            })
            .collect();
        RingStatus {
            budget_bytes: self.config.budget_bytes,
            bytes: self.bytes.load(Ordering::Relaxed),
            pinned_bytes: feeds.iter().map(|feed| feed.pinned_bytes).sum(),
            pins: self.pins.lock().len(),
            duration_nanos: self.config.duration_nanos,
            feeds,
        }
    }
}
