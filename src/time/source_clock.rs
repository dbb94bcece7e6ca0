//! From a camera's own stamps to house time, by watching when they arrive.
//!
//! Every source counts time with a crystal of its own: tens of parts per million off, which is half a frame after ten
//! minutes. What arrives is *stamp + transit*, and transit is never shorter than the wire: its **lower envelope** over time is a
//! straight line whose slope is the skew of the two crystals and whose height is the offset (plus the shortest transit, which
//! no arrival can tell from an offset; pictures can). The method is the one of RFC 5905 and of
//! Moon, Skelly and Towsley, "Estimation and removal of clock skew from network delay measurements" (INFOCOM 1999): minima
//! per bin, a line through them.
//!
//! The translation is smooth: it slews by at most 500 ppm towards the estimate, so that frame distances stay what
//! they were, and jumps only where the source itself jumped.
//!
//! Must not know: where stamps come from, frames, threads. Allocates nothing after it is made.

use std::collections::VecDeque;

use super::MediaTime;

/// One minimum of transit is kept per so much house time, nanoseconds.
const BIN_NANOS: i64 = 500_000_000;
/// Bins that the line goes through: four minutes and a quarter.
const BINS: usize = 512;
/// Frames' times are moved towards the estimate by no more than this.
const SLEW_PPM: f64 = 500.0;
/// In the first seconds there are no frame distances to keep: the translation follows the minimum at once.
const ACQUIRE_NANOS: i64 = 2_000_000_000;
/// A stamp that comes so much before the earliest possible cannot be: the source's clock was set forward, nanoseconds.
const JUMP_NANOS: i64 = 100_000_000;
/// Stamps go back by less than this when frames come in decode order, nanoseconds.
const REORDER_NANOS: i64 = 1_000_000_000;
/// Transit that stays longer than [`JUMP_NANOS`] over this many bins is no congestion: the clock was set back.
const LATE_BINS: u32 = 6;
/// A line needs this much time to have a slope that means something, nanoseconds.
const SKEW_AFTER_NANOS: i64 = 5_000_000_000;

/// What is known of a source's clock.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ClockEstimate {
    /// House time minus the source's stamp now, nanoseconds; the shortest transit is part of it.
    pub offset_nanos: i64,
    /// The source's clock is slow by so many parts per million (its offset grows); `None` in the first seconds.
    pub skew_ppm: Option<f64>,
    /// Standard deviation of the skew, ppm, from the scatter of the line.
    pub skew_sigma_ppm: f64,
    /// Transit beyond the shortest, mean over the last frames, nanoseconds.
    pub jitter_nanos: i64,
    /// Times that the source's clock was set, or its stamps began anew.
    pub jumps: u64,
}

/// House times and distances, nanoseconds.
#[derive(Debug, Clone, Copy)]
struct Bin {
    /// Begins here.
    from: i64,
    /// Where in it the shortest transit was.
    at: i64,
    /// Arrival minus stamp there.
    delta: i64,
}

/// A line `delta = height + slope · (t − middle)`.
#[derive(Debug, Clone, Copy, Default)]
struct Line {
    middle_nanos: i64,
    /// Relative to `base_nanos`.
    base_nanos: i64,
    height_nanos: f64,
    /// Nanoseconds per nanosecond.
    slope: f64,
    slope_sigma: f64,
}

impl Line {
    fn at(&self, house_nanos: i64) -> i64 {
        let t = house_nanos.saturating_sub(self.middle_nanos) as f64;
        self.base_nanos.saturating_add((self.height_nanos + self.slope * t).round() as i64)
    }
}

/// Translates one source's stamps. One owner: the feed's own streaming thread.
#[derive(Debug)]
pub struct SourceClock {
    bins: VecDeque<Bin>,
    since_nanos: i64,
    newest_stamp_nanos: i64,
    line: Line,
    /// What is added to stamps now, and when that was decided.
    applied_nanos: i64,
    applied_at_nanos: i64,
    jitter_nanos: f64,
    late_bins: u32,
    jumps: u64,
}

impl Default for SourceClock {
    fn default() -> Self {
        Self {
            bins: VecDeque::with_capacity(BINS),
            since_nanos: 0,
            newest_stamp_nanos: i64::MIN,
            line: Line::default(),
            applied_nanos: 0,
            applied_at_nanos: 0,
            jitter_nanos: 0.0,
            late_bins: 0,
            jumps: 0,
        }
    }
}

impl SourceClock {
    /// House time of a frame stamped `stamp_nanos` by its source that arrived at `arrival`. Never fails: stamps that cannot
    /// be, begin the estimate anew ([`ClockEstimate::jumps`]).
    pub fn house_time(&mut self, stamp_nanos: i64, arrival: MediaTime) -> MediaTime {
        let now = arrival.nanos();
        let delta = now.saturating_sub(stamp_nanos);
        if self.bins.is_empty() {
            self.begin(now, delta);
        } else {
            let went_back = stamp_nanos < self.newest_stamp_nanos.saturating_sub(REORDER_NANOS);
            let set_forward = delta < self.line.at(now).saturating_sub(JUMP_NANOS);
            if went_back || set_forward || self.late_bins >= LATE_BINS {
                self.jumps += 1;
                self.begin(now, delta);
                self.newest_stamp_nanos = stamp_nanos;
            }
        }
        self.newest_stamp_nanos = self.newest_stamp_nanos.max(stamp_nanos);
        self.note(now, delta);
        self.slew(now);
        let excess = delta.saturating_sub(self.line.at(now)).clamp(0, 60_000_000_000) as f64;
        self.jitter_nanos += (excess - self.jitter_nanos) / 64.0;
        MediaTime::from_nanos(stamp_nanos.saturating_add(self.applied_nanos))
    }

    /// The source said that its stamps begin anew: the next one begins the estimate.
    pub fn restart(&mut self) {
        if !self.bins.is_empty() {
            self.jumps += 1;
        }
        self.bins.clear();
        self.newest_stamp_nanos = i64::MIN;
        self.late_bins = 0;
    }

    /// What is known now.
    pub fn estimate(&self) -> ClockEstimate {
        let span = self.bins.back().zip(self.bins.front()).map_or(0, |(b, a)| b.at - a.at);
        ClockEstimate {
            offset_nanos: self.applied_nanos,
            skew_ppm: (span >= SKEW_AFTER_NANOS).then_some(self.line.slope * 1e6),
            skew_sigma_ppm: self.line.slope_sigma * 1e6,
            jitter_nanos: self.jitter_nanos as i64,
            jumps: self.jumps,
        }
    }

    fn begin(&mut self, now: i64, delta: i64) {
        self.bins.clear();
        self.since_nanos = now;
        self.late_bins = 0;
        self.line = Line { middle_nanos: now, base_nanos: delta, ..Line::default() };
        self.applied_nanos = delta;
        self.applied_at_nanos = now;
    }

    /// Puts a transit into its bin; a finished bin moves the line.
    fn note(&mut self, now: i64, delta: i64) {
        match self.bins.back_mut() {
            // Arrivals are taken in order; one from before the bin belongs to it as well.
            Some(bin) if now.saturating_sub(bin.from) < BIN_NANOS => {
                if delta < bin.delta {
                    (bin.at, bin.delta) = (now, delta);
                    if now - self.since_nanos < ACQUIRE_NANOS {
                        self.fit();
                    }
                }
            }
            last => {
                if let Some(done) = last.copied() {
                    let late = done.delta.saturating_sub(self.line.at(done.at)) > JUMP_NANOS;
                    self.late_bins = if late { self.late_bins + 1 } else { 0 };
                    if late {
                        // Congestion, or a clock set back: it is no part of the line until it is known which.
                        self.bins.pop_back();
                    }
                }
                if self.bins.len() == BINS {
                    self.bins.pop_front();
                }
                self.bins.push_back(Bin { from: now, at: now, delta });
                self.fit();
            }
        }
    }

    /// A line through the finished bins' minima by least squares, those that lie high counting less (Huber's weights: a bin in which
    /// every frame was held up says little of the wire).
    fn fit(&mut self) {
        let acquiring = self.bins.back().is_some_and(|b| b.at - self.since_nanos < ACQUIRE_NANOS);
        // The bin that is still filling has too high a minimum.
        let count = if acquiring { self.bins.len() } else { self.bins.len() - 1 };
        let bins = || self.bins.iter().take(count);
        let (Some(first), Some(last)) = (bins().next(), bins().next_back()) else { return };
        let (base, middle) = (first.delta, i64::midpoint(first.at, last.at));
        let at = |b: &Bin| ((b.at - middle) as f64, b.delta.saturating_sub(base) as f64);
        let lowest = bins().map(|b| b.delta.saturating_sub(base)).min().unwrap_or(0) as f64;
        if last.at - first.at < ACQUIRE_NANOS {
            self.line = Line { middle_nanos: middle, base_nanos: base, height_nanos: lowest, slope: 0.0, slope_sigma: 0.0 };
            return;
        }
        let (mut height, mut slope, mut scale, mut sigma) = (0.0, 0.0, f64::INFINITY, 0.0);
        for _ in 0..6 {
            let (mut w0, mut wt, mut wtt, mut wd, mut wtd) = (0.0, 0.0, 0.0, 0.0, 0.0);
            for b in bins() {
                let (t, d) = at(b);
                let above = d - height - slope * t;
                let w = if above > scale { scale / above } else { 1.0 };
                (w0, wt, wtt, wd, wtd) = (w0 + w, wt + w * t, wtt + w * t * t, wd + w * d, wtd + w * t * d);
            }
            let det = w0 * wtt - wt * wt;
            if det <= 0.0 {
                break;
            }
            slope = (w0 * wtd - wt * wd) / det;
            height = (wd - slope * wt) / w0;
            let mean = bins().map(|b| (at(b).1 - height - slope * at(b).0).abs()).sum::<f64>() / count as f64;
            scale = mean.max(1_000.0);
            sigma = scale * 1.25 * (w0 / det).sqrt();
        }
        self.line = Line { middle_nanos: middle, base_nanos: base, height_nanos: height, slope, slope_sigma: sigma };
    }

    fn slew(&mut self, now: i64) {
        let wanted = self.line.at(now);
        if now - self.since_nanos < ACQUIRE_NANOS {
            self.applied_nanos = wanted;
        } else {
            let most = ((now - self.applied_at_nanos).max(0) as f64 * SLEW_PPM * 1e-6) as i64;
            self.applied_nanos = self.applied_nanos.saturating_add(wanted.saturating_sub(self.applied_nanos).clamp(-most, most));
        }
        self.applied_at_nanos = self.applied_at_nanos.max(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Deterministic noise in 0..1.
    fn noise(seed: u64) -> f64 {
        let mut h = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        h = (h ^ (h >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        ((h ^ (h >> 29)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A camera of 50 fps behind a network: skew, offset, 3 ms of wire, exponential jitter of 2 ms, now and then 40 ms.
    fn arrivals(skew_ppm: f64, offset_nanos: i64, secs: i64, seed: u64) -> impl Iterator<Item = (i64, MediaTime, MediaTime)> {
        (0..secs * 50).map(move |i| {
            let house = 1_000_000_000 + i * 20_000_000;
            let stamp = house - offset_nanos - (house as f64 * skew_ppm * 1e-6) as i64;
            let mut transit = 3e6 - 2e6 * (1.0 - noise(seed + i as u64)).ln();
            if noise(seed ^ (i as u64 * 7 + 3)) > 0.98 {
                transit += 4e7;
            }
            (stamp, MediaTime::from_nanos(house), MediaTime::from_nanos(house + transit as i64))
        })
    }

    #[test]
    fn skew_within_5_ppm_and_time_within_a_millisecond_of_the_wire_after_a_minute() {
        for (skew, offset, seed) in [(50.0, 0, 1), (-50.0, 7_000_000_000, 2), (12.0, -3_600_000_000_000, 3), (0.0, 20_000_000, 4)] {
            let mut clock = SourceClock::default();
            let mut worst = 0_i64;
            let mut before: Option<(i64, MediaTime)> = None;
            for (i, (stamp, house, arrival)) in arrivals(skew, offset, 60, seed * 1000).enumerate() {
                let got = clock.house_time(stamp, arrival);
                if i > 500 {
                    worst = worst.max((got - house - 3_000_000).abs());
                    let (stamp_before, got_before) = before.unwrap();
                    let stretch = ((got - got_before) - (stamp - stamp_before)).abs();
                    assert!(stretch <= 200_000, "frame distances stay what they were: {stretch} ns");
                }
                before = Some((stamp, got));
            }
            let estimate = clock.estimate();
            let got = estimate.skew_ppm.unwrap();
            assert!((got - skew).abs() < 5.0, "{got} ppm for {skew}");
            assert!((got - skew).abs() < 6.0 * estimate.skew_sigma_ppm.max(0.05), "{got} ± {}", estimate.skew_sigma_ppm);
            assert!(worst < 1_000_000, "{worst} ns beside the wire");
            assert_eq!(estimate.jumps, 0);
            assert!((1_000_000..9_000_000).contains(&estimate.jitter_nanos), "{}", estimate.jitter_nanos);
        }
    }

    #[test]
    fn a_clock_that_is_set_begins_anew_and_a_congested_one_does_not() {
        let feed: Vec<_> = arrivals(20.0, 0, 30, 9).collect();
        for (step_nanos, jumps) in [(3_600_000_000_000, 1), (-3_600_000_000_000, 1), (400_000_000, 1), (-400_000_000, 1), (0, 0)] {
            let mut clock = SourceClock::default();
            let mut last = 0;
            for (i, (stamp, house, arrival)) in feed.iter().enumerate() {
                let stamp = if i >= 600 { stamp + step_nanos } else { *stamp };
                last = clock.house_time(stamp, *arrival) - *house;
            }
            assert_eq!(clock.estimate().jumps, jumps, "step {step_nanos}");
            assert!((last - 3_000_000).abs() < 1_500_000, "step {step_nanos}: {last}");
        }
        // Two seconds held up somewhere on the way, then all at once: the stamps are still true.
        let mut clock = SourceClock::default();
        for (i, (stamp, house, arrival)) in feed.iter().enumerate() {
            let arrival = if (600..700).contains(&i) { feed[700].2 } else { *arrival };
            let got = clock.house_time(*stamp, arrival);
            if i >= 600 {
                assert!((got - *house - 3_000_000).abs() < 1_500_000, "frame {i}");
            }
        }
        assert_eq!(clock.estimate().jumps, 0);
    }

    proptest::proptest! {
        #[test]
        fn nothing_that_a_source_says_breaks_it(stamps in proptest::collection::vec((proptest::num::i64::ANY, 0_i64..1 << 40), 1..200)) {
            let mut clock = SourceClock::default();
            let mut now = 0_i64;
            for (stamp, step) in stamps {
                now += step;
                clock.house_time(stamp, MediaTime::from_nanos(now));
            }
            proptest::prop_assert!(clock.estimate().jitter_nanos >= 0);
        }
    }
}
