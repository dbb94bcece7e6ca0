//! What the operator sees of the ring.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{
    Ring,
    lane::{Gop, Lane},
};
use crate::time::MediaTime;

/// What a freeze costs is frames, however fast they came: two seconds of 60 fps, and a little. With more to decode it is felt to be slow
/// after a mark.
const LONG_GROUP_UNITS: u64 = 125;
/// What a camera that (re)connects, or lost a packet, costs is seconds, however few frames they are: until the next keyframe nothing of it can
/// be decoded. Two, as many cameras have them from the factory, and a little.
const LONG_GROUP_NANOS: i64 = 2_100_000_000;

/// How far a feed's keyframes are apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyframeDistance {
    /// Access units from one keyframe to the next: so many are decoded at most for a moment.
    pub units: u64,
    /// Nanoseconds from one keyframe to the next: so long nothing is seen of a feed that has just come.
    pub nanos: i64,
    /// The next keyframe is still to come: it is more than this.
    pub at_least: bool,
}

impl KeyframeDistance {
    /// Whether a moment is slow for it, or a camera that comes back is waited for.
    pub const fn is_long(&self) -> bool {
        self.units > LONG_GROUP_UNITS || self.nanos > LONG_GROUP_NANOS
    }

    /// What an operator should know of keyframes that are too far apart, and the remedy; the same words as long as the distance is the same.
    pub fn warning(&self) -> Option<String> {
        let secs = self.nanos as f64 * 1e-9;
        self.is_long().then(|| {
            format!(
                "its keyframes are {self} apart. A freeze decodes up to so many frames, and after a lost packet or a new connection nothing is seen of it for up to {secs:.1} s. Set the camera's keyframe interval to a second or less; where it cannot be set, intra = true in the show file has every frame encoded anew on arrival, which makes freezes quick"
            )
        })
    }

    /// Of a group that is being written, by frames that are `interval_nanos` apart: where the limit is, once it is passed. Its own length changes
    /// with every frame, and a warning shall not.
    fn passed(units: u64, nanos: i64, interval_nanos: i64) -> Self {
        let here = Self { units, nanos, at_least: true };
        if !here.is_long() || interval_nanos <= 0 {
            return here;
        }
        let by_time = u64::try_from(LONG_GROUP_NANOS / interval_nanos).unwrap_or(0);
        let units = by_time.clamp(1, LONG_GROUP_UNITS);
        // One more than the limit: it is passed.
        let units = units + 1;
        Self { units, nanos: units as i64 * interval_nanos, at_least: true }
    }
}

impl std::fmt::Display for KeyframeDistance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let more = if self.at_least { "at least " } else { "" };
        let frames = if self.units == 1 { "frame" } else { "frames" };
        write!(f, "{more}{} {frames} ({:.1} s)", self.units, self.nanos as f64 * 1e-9)
    }
}

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
    /// How far its keyframes are apart where farthest, by two groups in a row (a lost keyframe is no setting); `None` before the first.
    pub keyframe_distance: Option<KeyframeDistance>,
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
            if let Some(warning) = feed.keyframe_distance.and_then(|distance| distance.warning()) {
                out.push(format!("{}: {warning}", feed.name));
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

/// How long a group lasts, nanoseconds: no longer than its frames, for a camera that was away in the middle of it.
const fn lasts(gop: &Gop, interval_nanos: i64) -> i64 {
    let spans = gop.end.nanos().saturating_sub(gop.pts.nanos());
    let frames = (gop.len as i64).saturating_mul(interval_nanos);
    if interval_nanos > 0 && frames < spans { frames } else { spans }
}

/// So many times as long as whole groups before the one that is being written has lost no keyframes: the camera sends none.
const NONE_COMES: u32 = 3;

/// How far keyframes are apart where farthest: what two groups in a row reach, since one that is long alone lost a keyframe on its way. The one that
/// is being written tells where it is longer than it may be, and what came before it does not say that a keyframe was lost.
fn keyframe_distance(kept: &Lane, live: &Lane, interval_nanos: i64) -> Option<KeyframeDistance> {
    let of = |gop: &Gop| KeyframeDistance { units: u64::from(gop.len), nanos: lasts(gop, interval_nanos), at_least: false };
    let reach = |d: &KeyframeDistance| (d.is_long(), d.units, d.nanos);
    let mut whole = kept.gops().iter().chain(live.gops().iter().take(live.gops().len().saturating_sub(1))).map(of);
    let first = whole.next();
    let (mut last, mut longest) = (first, None);
    for group in whole {
        let both = last.map(|last| std::cmp::min_by_key(last, group, reach));
        longest = longest.into_iter().chain(both).max_by_key(reach);
        last = Some(group);
    }
    // One group alone is all that is known.
    let longest = longest.or(first);
    let Some(open) = live.gops().back() else { return longest };
    let (so_far, passed) = (of(open), KeyframeDistance::passed(u64::from(open.len), lasts(open, interval_nanos), interval_nanos));
    let is_told = match (longest, last) {
        (Some(longest), _) if longest.is_long() => false,
        (Some(_), Some(last)) if last.is_long() => passed.is_long(),
        (Some(longest), _) => {
            passed.is_long()
                && so_far.units > longest.units.saturating_mul(u64::from(NONE_COMES))
                && so_far.nanos > longest.nanos.saturating_mul(i64::from(NONE_COMES))
        }
        (None, _) => true,
    };
    if is_told { Some(passed) } else { longest }
}

fn sum(lane: &Lane, of: impl Fn(&Gop) -> u64) -> u64 {
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
                let interval_nanos = feed.interval_nanos.load(Ordering::Relaxed);
                RingFeedStatus {
                    name: Arc::clone(&feed.name),
                    bytes: sum(kept, |gop| gop.bytes) + sum(live, |gop| gop.bytes),
                    pinned_bytes: track.pinned_bytes(),
                    units: (kept.units().len() + live.units().len()) as u64,
                    keyframes: (kept.gops().len() + live.gops().len()) as u64,
                    longest_group_units: kept.gops().iter().chain(live.gops()).map(|gop| u64::from(gop.len)).max().unwrap_or(0),
                    keyframe_distance: keyframe_distance(kept, live, interval_nanos),
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
