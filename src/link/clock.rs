//! How a node's clock relates to the console's: measured over the link by four stamps (the console asks, the node notes when the
//! question came and when the answer left, the console notes when it came back), as NTP does it.
//!
//! A delay on the way makes the round trip longer, never shorter: of every two seconds the shortest round trip counts, and a line
//! through the last two minutes of those tells offset and skew. Half the shortest round trip bounds what a way that is longer in one
//! direction than in the other can hide. The past keeps the relation that was measured then.

use std::collections::VecDeque;

use crate::time::MediaTime;

/// Of so long the shortest round trip counts, nanoseconds.
const BUCKET_NANOS: i64 = 2_000_000_000;
/// So many of those tell the line.
const BUCKETS: usize = 64;
/// Below this, nothing is known of the skew, nanoseconds.
const SKEW_AFTER_NANOS: i64 = 8_000_000_000;
/// Clocks of computers are no worse than this.
const WORST_SKEW: f64 = 200e-6;
/// The relation is written down this often, nanoseconds.
const KNOT_NANOS: i64 = 10_000_000_000;
/// And so many times: two days, then more coarsely.
const KNOTS: usize = 16_384;
/// Reading clocks and waking up costs so much at the least, nanoseconds.
const FLOOR_NANOS: f64 = 20_000.0;
/// Stamps beyond a century are none, nanoseconds.
const CENTURY_NANOS: u64 = 1 << 61;
/// A longer round trip tells nothing, nanoseconds.
const LONGEST_NANOS: i64 = 10_000_000_000;
/// So many answers in a row that contradict the line: the clock was set anew.
const CONTRADICTIONS: u32 = 3;

/// What is known.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ClockReading {
    /// Added to the node's time to get the console's, nanoseconds, now.
    pub offset_nanos: i64,
    /// The offset is no further off than this, nanoseconds.
    pub uncertainty_nanos: i64,
    /// How much faster the console's clock runs, parts per million; `None` as long as it is not known.
    pub skew_ppm: Option<f64>,
    /// The shortest round trip of late, nanoseconds.
    pub round_trip_nanos: i64,
    /// The last one, nanoseconds.
    pub last_round_trip_nanos: i64,
}

#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_field_names, reason = "names carry their unit")]
struct Sample {
    node_nanos: i64,
    offset_nanos: i64,
    delay_nanos: i64,
}

/// Offset over node time.
#[derive(Debug, Clone, Copy)]
struct Line {
    node_nanos: i64,
    offset_nanos: f64,
    slope: f64,
    slope_sigma: f64,
    sigma_nanos: f64,
    is_slope_known: bool,
}

impl Line {
    fn at(&self, node_nanos: i64) -> i64 {
        (self.offset_nanos + self.slope * node_nanos.saturating_sub(self.node_nanos) as f64).round() as i64
    }
}

/// Translates between a node's clock and the console's.
#[derive(Debug, Default)]
pub struct LinkClock {
    best: VecDeque<Sample>,
    /// The bucket being filled: its begin and its best.
    bucket: Option<(i64, Sample)>,
    line: Option<Line>,
    /// (node time, offset), in order.
    knots: Vec<(i64, i64)>,
    last_delay_nanos: i64,
    contradictions: u32,
}

impl LinkClock {
    /// An answer came: the console's clock when it asked and when the answer came (`t1`, `t4`), the node's when the question came and when
    /// the answer left (`t2`, `t3`), nanoseconds. Stamps that cannot be are passed over.
    pub fn add(&mut self, [t1, t2, t3, t4]: [i64; 4]) {
        let (there, away) = (t4.saturating_sub(t1), t3.saturating_sub(t2));
        let delay_nanos = there.saturating_sub(away);
        let sane = [t1, t2, t3, t4].iter().all(|t| t.unsigned_abs() < CENTURY_NANOS);
        if !sane || there < 0 || away < 0 || !(0..=LONGEST_NANOS).contains(&delay_nanos) {
            return;
        }
        self.last_delay_nanos = delay_nanos;
        let sample = Sample { node_nanos: t2 + away / 2, offset_nanos: (t1 - t2) / 2 + (t4 - t3) / 2, delay_nanos };
        if let Some(line) = &self.line {
            let allowed = delay_nanos / 2 + self.reading().map_or(0, |r| r.uncertainty_nanos) + 20_000_000;
            let contradicts = line.at(sample.node_nanos).abs_diff(sample.offset_nanos) > allowed.unsigned_abs();
            self.contradictions = if contradicts { self.contradictions + 1 } else { 0 };
            if contradicts && self.contradictions < CONTRADICTIONS {
                return;
            }
            if contradicts {
                self.begin_anew();
            }
        }
        let mut closed = false;
        self.bucket = Some(match self.bucket {
            Some((begun, best)) if sample.node_nanos.saturating_sub(begun) < BUCKET_NANOS => {
                (begun, if sample.delay_nanos < best.delay_nanos { sample } else { best })
            }
            other => {
                if let Some((_, best)) = other {
                    self.best.push_back(best);
                    closed = true;
                }
                (sample.node_nanos, sample)
            }
        });
        while self.best.len() > BUCKETS {
            self.best.pop_front();
        }
        self.fit(sample.node_nanos);
        if closed {
            self.write_down(sample.node_nanos);
        }
    }

    /// The node began again, with a clock that goes on from before: what was measured of the past stays.
    pub fn begin_anew(&mut self) {
        self.best.clear();
        self.bucket = None;
        self.contradictions = 0;
    }

    fn fit(&mut self, now_nanos: i64) {
        let samples: Vec<Sample> = self.best.iter().copied().chain(self.bucket.map(|(_, best)| best)).collect();
        let Some(shortest) = samples.iter().map(|s| s.delay_nanos).min() else { return };
        let sigma = |s: &Sample| FLOOR_NANOS + (s.delay_nanos - shortest) as f64 * 0.5;
        // Differences to the newest stay small numbers.
        let (x, y) = (|s: &Sample| (s.node_nanos - now_nanos) as f64, samples[samples.len() - 1].offset_nanos);
        let weight = |s: &Sample| sigma(s).powi(-2);
        let total: f64 = samples.iter().map(weight).sum();
        let mean_x = samples.iter().map(|s| weight(s) * x(s)).sum::<f64>() / total;
        let mean_y = samples.iter().map(|s| weight(s) * (s.offset_nanos - y) as f64).sum::<f64>() / total;
        let spread: f64 = samples.iter().map(|s| weight(s) * (x(s) - mean_x).powi(2)).sum();
        let span = samples.iter().map(|s| s.node_nanos).max().unwrap_or(0) - samples.iter().map(|s| s.node_nanos).min().unwrap_or(0);
        let slope_sigma = if spread > 0.0 { spread.powf(-0.5) } else { f64::INFINITY };
        let is_slope_known = span >= SKEW_AFTER_NANOS && slope_sigma < WORST_SKEW / 4.0;
        self.line = Some(if is_slope_known {
            let covariance: f64 = samples.iter().map(|s| weight(s) * (x(s) - mean_x) * ((s.offset_nanos - y) as f64 - mean_y)).sum();
            let slope = covariance / spread;
            let node_nanos = now_nanos + mean_x as i64;
            Line { node_nanos, offset_nanos: y as f64 + mean_y, slope, slope_sigma, sigma_nanos: total.powf(-0.5), is_slope_known }
        } else {
            // Too short for a slope: the best of them as it is, the older the worse.
            let doubt = |s: &Sample| sigma(s) + WORST_SKEW * x(s).abs();
            let best = samples.iter().min_by(|a, b| doubt(a).total_cmp(&doubt(b))).copied().unwrap_or(samples[0]);
            Line {
                node_nanos: best.node_nanos,
                offset_nanos: best.offset_nanos as f64,
                slope: 0.0,
                slope_sigma: WORST_SKEW,
                sigma_nanos: sigma(&best),
                is_slope_known,
            }
        });
    }

    fn write_down(&mut self, now_nanos: i64) {
        let Some(line) = self.line else { return };
        match self.knots.last() {
            Some((last, _)) if now_nanos.saturating_sub(*last) < KNOT_NANOS => return,
            _ => self.knots.push((now_nanos, line.at(now_nanos))),
        }
        if self.knots.len() > KNOTS {
            // The older half at half the density.
            let mut place = 0;
            self.knots.retain(|_| {
                place += 1;
                place > KNOTS / 2 || place % 2 == 0
            });
        }
    }

    fn offset_at(&self, node_nanos: i64) -> Option<i64> {
        let line = self.line?;
        let after = self.knots.partition_point(|(at, _)| *at <= node_nanos);
        Some(match (after.checked_sub(1).map(|k| self.knots[k]), self.knots.get(after)) {
            (Some((a, from)), Some((b, to))) => {
                let share = (node_nanos - a) as f64 / (b - a).max(1) as f64;
                from + ((to - from) as f64 * share).round() as i64
            }
            // Before anything was measured: as the clocks have run since.
            (None, Some((first, offset))) => offset + (line.slope * (node_nanos - first) as f64).round() as i64,
            (_, None) => line.at(node_nanos),
        })
    }

    /// The console's time of a node's time; `None` before the first answer.
    pub fn console_from_node(&self, node_nanos: i64) -> Option<MediaTime> {
        Some(MediaTime::from_nanos(node_nanos.saturating_add(self.offset_at(node_nanos)?)))
    }

    /// The node's time of a console's time, nanoseconds.
    pub fn node_from_console(&self, time: MediaTime) -> Option<i64> {
        let mut node = time.nanos().saturating_sub(self.line?.offset_nanos as i64);
        // Offsets change by less than a thousandth of the time: this converges at once.
        for _ in 0..3 {
            node = time.nanos().saturating_sub(self.offset_at(node)?);
        }
        Some(node)
    }

    /// What is known now.
    pub fn reading(&self) -> Option<ClockReading> {
        let line = self.line?;
        let (_, newest) = self.bucket?;
        let shortest = self.best.iter().map(|s| s.delay_nanos).chain([newest.delay_nanos]).min()?;
        let age = newest.node_nanos.saturating_sub(line.node_nanos).unsigned_abs() as f64;
        Some(ClockReading {
            offset_nanos: line.at(newest.node_nanos),
            uncertainty_nanos: shortest / 2 + (line.sigma_nanos + line.slope_sigma.min(WORST_SKEW) * age) as i64,
            skew_ppm: line.is_slope_known.then_some(line.slope * 1e6),
            round_trip_nanos: shortest,
            last_round_trip_nanos: self.last_delay_nanos,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: f64 = 1e9;

    /// Numbers without a pattern, 0…1.
    fn noise(state: &mut u64) -> f64 {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*state >> 40) as f64 / (1_u64 << 24) as f64
    }

    /// Asks four times a second from console second `from` to `until`; the node's clock is `offset` behind and runs slower by `ppm`.
    fn ask(clock: &mut LinkClock, (from, until): (f64, f64), (offset, ppm): (f64, f64), (delay, jitter): (f64, f64)) {
        let node = |console: f64| ((console * (1.0 - ppm * 1e-6)) * SECOND - offset * SECOND) as i64;
        let (mut at, mut state) = (from, 7);
        while at < until {
            let (out, back) = (delay / 2.0 + jitter * noise(&mut state).powi(2), delay / 2.0 + jitter * noise(&mut state).powi(2));
            let ends = at + out + 50e-6 + back;
            clock.add([(at * SECOND) as i64, node(at + out), node(at + out + 50e-6), (ends * SECOND) as i64]);
            at += 0.25;
        }
    }

    fn error_nanos(clock: &LinkClock, console: f64, (offset, ppm): (f64, f64)) -> i64 {
        let node = ((console * (1.0 - ppm * 1e-6)) * SECOND - offset * SECOND) as i64;
        clock.console_from_node(node).unwrap().nanos() - (console * SECOND) as i64
    }

    #[test]
    fn a_skewed_node_behind_a_restless_link_is_put_in_its_place() {
        let (mut clock, truth) = (LinkClock::default(), (4321.5, 60.0));
        ask(&mut clock, (0.0, 2.0), truth, (0.03, 0.04));
        let early = clock.reading().unwrap();
        assert!(early.skew_ppm.is_none());
        assert!(error_nanos(&clock, 2.0, truth).abs() <= early.uncertainty_nanos, "{early:?}");
        ask(&mut clock, (2.0, 120.0), truth, (0.03, 0.04));
        let reading = clock.reading().unwrap();
        assert!((reading.skew_ppm.unwrap() - 60.0).abs() < 10.0, "{reading:?}");
        let error = error_nanos(&clock, 120.0, truth);
        assert!(error.abs() < 1_000_000 && error.abs() <= reading.uncertainty_nanos, "{error} ns, {reading:?}");
        assert!((30_000_000..32_000_000).contains(&reading.round_trip_nanos), "{reading:?}");
        assert!(reading.uncertainty_nanos < 17_000_000, "{reading:?}");
        // On a quiet wire it is a matter of microseconds.
        let mut clock = LinkClock::default();
        ask(&mut clock, (0.0, 60.0), truth, (0.0003, 0.0001));
        let (error, reading) = (error_nanos(&clock, 60.0, truth), clock.reading().unwrap());
        assert!(error.abs() < 50_000 && reading.uncertainty_nanos < 250_000, "{error} ns, {reading:?}");
        assert!((reading.skew_ppm.unwrap() - 60.0).abs() < 2.0, "{reading:?}");
    }

    #[test]
    fn the_past_keeps_the_relation_of_then_and_both_directions_agree() {
        let (mut clock, truth) = (LinkClock::default(), (-17.0, 100.0));
        ask(&mut clock, (0.0, 3600.0), truth, (0.001, 0.002));
        for console in [60.0, 1000.0, 2345.6, 3599.0] {
            let error = error_nanos(&clock, console, truth);
            // With today's offset it would be 100 ppm of an hour: 360 ms.
            assert!(error.abs() < 500_000, "{console} s: {error} ns");
            let node = clock.node_from_console(MediaTime::from_secs_f64(console)).unwrap();
            let back = clock.console_from_node(node).unwrap();
            assert!(back.distance_nanos(MediaTime::from_secs_f64(console)) < 2_000, "{console} s comes back as {back}");
        }
        assert!(clock.knots.len() < 400, "{}", clock.knots.len());
    }

    #[test]
    fn a_clock_that_is_set_anew_is_followed_and_single_liars_are_not() {
        let mut clock = LinkClock::default();
        ask(&mut clock, (0.0, 20.0), (5.0, 0.0), (0.002, 0.0));
        clock.add([20_000_000_000, 0, 0, 20_001_000_000]);
        assert!(error_nanos(&clock, 20.0, (5.0, 0.0)).abs() < 100_000, "one answer that contradicts all others");
        ask(&mut clock, (20.25, 25.0), (-3.0, 0.0), (0.002, 0.0));
        assert!(error_nanos(&clock, 25.0, (-3.0, 0.0)).abs() < 100_000, "{:?}", clock.reading());
    }

    proptest! {
        #[test]
        fn no_stamps_break_it(stamps in prop::collection::vec(any::<[i64; 4]>(), 0..50), near in prop::collection::vec((0_i64..1 << 40, -1000_i64..1000), 0..50), t in any::<i64>()) {
            let mut clock = LinkClock::default();
            for s in stamps {
                clock.add(s);
            }
            for (at, d) in near {
                clock.add([at, at.wrapping_mul(d), at.wrapping_mul(d) + 5, at + 10]);
            }
            let _ = clock.reading();
            let _ = clock.console_from_node(t);
            let _ = clock.node_from_console(MediaTime::from_nanos(t));
        }
    }
}
