//! From a source's own times to house time: the one place where (source time, arrival) becomes house time.
//!
//! Must not know: where units come from, how they are coded, where they go.

use crate::time::{ClockEstimate, MediaTime, SourceClock};

/// Where the times of a feed come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum TimeOrigin {
    /// They are house time already: pushed pictures.
    #[default]
    House,
    /// The container's times; its beginning is put on the house clock.
    Container,
    /// When units arrive here, with the jitter taken out by the stream's own times.
    Arrival,
    /// When the driver of a camera at this machine says that the picture was taken.
    Device,
    /// The sender's wall clock, from its RTCP sender reports.
    SenderReport,
    /// A clock that sender and receiver share, named in the stream (RFC 7273).
    Rfc7273,
    /// The sender's clock as an MPEG transport stream carries it (PCR), put on the house clock by its own arrivals.
    Pcr,
    /// Timecode that the pictures carry (SEI, SDI), one generator for all cameras.
    Timecode,
    /// The same, as a tone on a sound track (LTC).
    Ltc,
}

impl TimeOrigin {
    /// Whether a clock that is not the house's counts these times, and is estimated.
    pub(super) const fn has_own_clock(self) -> bool {
        matches!(self, Self::Arrival | Self::Pcr | Self::Timecode | Self::Ltc | Self::SenderReport | Self::Rfc7273)
    }
}

impl std::fmt::Display for TimeOrigin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::House => "house",
            Self::Container => "container",
            Self::Arrival => "arrival",
            Self::Device => "device",
            Self::SenderReport => "RTCP",
            Self::Rfc7273 => "RFC 7273",
            Self::Pcr => "PCR",
            Self::Timecode => "timecode",
            Self::Ltc => "LTC",
        })
    }
}

/// A step of the source's times beyond this is a new beginning, nanoseconds.
const JUMP_NANOS: i64 = 1_000_000_000;
/// At the beginning units come in bursts; so long the estimate may move fast, nanoseconds.
const ACQUIRE_NANOS: i64 = 2_000_000_000;

/// How house time follows from running time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// Running time is house time: GStreamer's source stamped on arrival by the house clock.
    Running,
    /// The source's times are its own: their arrivals put them on the house clock ([`SourceClock`]). Units are delivered
    /// this much after they arrived, nanoseconds (a jitter buffer).
    ShortestTransit {
        /// Nanoseconds.
        buffered_nanos: i64,
    },
    /// The first unit is now; from there the source's times count. Units are held back until they are due.
    Paced,
}

/// Translates one connection's times. Owned by its streaming thread.
#[derive(Debug)]
pub(super) struct HouseStamp {
    rule: Rule,
    running_zero: MediaTime,
    begun_nanos: Option<i64>,
    /// What is added to source times.
    origin_nanos: i64,
    last_source_nanos: i64,
    clock: SourceClock,
}

impl HouseStamp {
    /// `running_zero` is the house time of the pipeline's running time zero.
    pub fn new(rule: Rule, running_zero: MediaTime) -> Self {
        Self { rule, running_zero, begun_nanos: None, origin_nanos: 0, last_source_nanos: 0, clock: SourceClock::default() }
    }

    /// What is known of the source's clock; `None` where its times are taken as they are.
    pub fn estimate(&self) -> Option<ClockEstimate> {
        matches!(self.rule, Rule::ShortestTransit { .. }).then(|| self.clock.estimate())
    }

    pub const fn rule(&self) -> Rule {
        self.rule
    }

    /// House time of the source's time zero, given a unit of time `source_nanos` (decode time for [`Rule::Paced`], else when it is shown) that arrived at `arrival`.
    pub fn origin(&mut self, source_nanos: i64, arrival: MediaTime) -> MediaTime {
        match self.rule {
            Rule::Running => self.running_zero,
            Rule::Paced => {
                let jumped = (source_nanos - self.last_source_nanos).abs() > JUMP_NANOS;
                if self.begun_nanos.is_none() || jumped {
                    self.begun_nanos = Some(arrival.nanos());
                    self.origin_nanos = arrival.nanos() - source_nanos;
                }
                self.last_source_nanos = source_nanos;
                MediaTime::from_nanos(self.origin_nanos)
            }
            Rule::ShortestTransit { buffered_nanos } => {
                self.follow(source_nanos, arrival.nanos());
                MediaTime::from_nanos(self.origin_nanos - buffered_nanos)
            }
        }
    }

    /// House time of the source's time zero as it was last found; `None` before the first unit.
    pub fn known_origin(&self) -> Option<MediaTime> {
        match self.rule {
            Rule::Running => Some(self.running_zero),
            Rule::Paced => self.begun_nanos.map(|_| MediaTime::from_nanos(self.origin_nanos)),
            Rule::ShortestTransit { buffered_nanos } => self.begun_nanos.map(|_| MediaTime::from_nanos(self.origin_nanos - buffered_nanos)),
        }
    }

    fn follow(&mut self, source_nanos: i64, arrival_nanos: i64) {
        let step = source_nanos.saturating_sub(self.last_source_nanos);
        self.last_source_nanos = source_nanos;
        let jumps = self.clock.estimate().jumps;
        let wanted = self.clock.house_time(source_nanos, MediaTime::from_nanos(arrival_nanos)) - MediaTime::from_nanos(source_nanos);
        let jumped = self.clock.estimate().jumps != jumps;
        let Some(begun) = self.begun_nanos.filter(|_| !jumped) else {
            self.begun_nanos = Some(arrival_nanos);
            self.origin_nanos = wanted;
            return;
        };
        // Frames keep their order while the estimate settles; afterwards it moves slowly by itself.
        let acquiring = arrival_nanos.saturating_sub(begun) < ACQUIRE_NANOS;
        let most = step.clamp(0, JUMP_NANOS) / if acquiring { 2 } else { 256 };
        self.origin_nanos = self.origin_nanos.saturating_add(wanted.saturating_sub(self.origin_nanos).clamp(-most, most));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: i64 = 40_000_000;

    fn at(nanos: i64) -> MediaTime {
        MediaTime::from_nanos(nanos)
    }

    #[test]
    fn jitter_and_a_burst_at_the_start_leave_the_shortest_transit() {
        let mut stamp = HouseStamp::new(Rule::ShortestTransit { buffered_nanos: 0 }, MediaTime::ZERO);
        let mut last = i64::MIN;
        for k in 0..500_i64 {
            let source = 7_000_000_000 + k * FRAME;
            // The first ten units come together; later ones with up to 20 ms of jitter.
            let due = 1_000_000_000 + k * FRAME;
            let arrival = due.max(1_000_000_000 + 9 * FRAME) + (k * 7_919 % 20) * 1_000_000;
            let house = source + stamp.origin(source, at(arrival)).nanos();
            assert!(house > last, "frame {k} went back");
            last = house;
            if k > 60 {
                assert!((house - due).abs() < 2_000_000, "frame {k}: {} ns off", house - due);
            }
        }
    }

    #[test]
    fn pictures_that_are_sent_before_they_are_shown_are_not_seen_in_the_future() {
        let mut stamp = HouseStamp::new(Rule::ShortestTransit { buffered_nanos: 0 }, MediaTime::ZERO);
        // I B B P B B P … in the order of decoding: P before the two pictures that refer to it.
        for k in 0..600_i64 {
            let shown = match k % 3 {
                _ if k == 0 => 0,
                1 => k + 2,
                _ => k - 1,
            };
            let arrival = 5_000_000_000 + k * FRAME + 2_000_000;
            let house = shown * FRAME + stamp.origin(shown * FRAME, at(arrival)).nanos();
            if k > 60 {
                assert!(house <= arrival + 100_000, "picture {shown} is seen {} ns after it came", house - arrival);
                assert!(house >= arrival - 4 * FRAME, "picture {shown} is seen {} ns before it came", arrival - house);
            }
        }
    }

    #[test]
    fn a_jump_of_the_sources_times_is_a_new_beginning() {
        let mut stamp = HouseStamp::new(Rule::ShortestTransit { buffered_nanos: 5 }, MediaTime::ZERO);
        for k in 0..50 {
            stamp.origin(k * FRAME, at(k * FRAME + 3_000_000));
        }
        for jump in [95_443 * 1_000_000_000, 0] {
            let house = jump + stamp.origin(jump, at(9_000_000_000)).nanos();
            assert_eq!(house, 9_000_000_000 - 5);
        }
    }

    #[test]
    fn drift_is_followed_upwards_and_downwards() {
        for ppm in [-200_i64, 200] {
            let mut stamp = HouseStamp::new(Rule::ShortestTransit { buffered_nanos: 0 }, MediaTime::ZERO);
            for k in 0..6000_i64 {
                let arrival = k * (FRAME + FRAME * ppm / 1_000_000);
                let house = k * FRAME + stamp.origin(k * FRAME, at(arrival)).nanos();
                assert!((house - arrival).abs() < 5_000_000, "{ppm} ppm, frame {k}: {}", house - arrival);
            }
        }
    }

    #[test]
    fn paced_sources_begin_now() {
        let mut stamp = HouseStamp::new(Rule::Paced, MediaTime::ZERO);
        assert_eq!(stamp.origin(500, at(10_000)).nanos(), 9_500);
        assert_eq!(stamp.origin(500 + FRAME, at(10_001)).nanos(), 9_500);
        assert_eq!(HouseStamp::new(Rule::Running, at(3)).origin(5, at(7)), at(3));
    }
}
