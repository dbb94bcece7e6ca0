//! The sender's clock in RTP (RFC 3550, 5.1): every packet says when its picture was sampled, in ticks of the sender's own clock.
//!
//! GStreamer's jitter buffer puts these times on the house clock; how fast the sender counts and how much the network jitters it does not tell. Here the
//! first packet of every picture is set against its arrival, by the same [`SourceClock`] as all other sources. Nothing is stamped by it.
//!
//! Must not know: elements, pictures.

use crate::time::{ClockEstimate, MediaTime, SourceClock};

/// Bytes of the fixed header.
const HEADER: usize = 12;
/// Packets of RTCP that come by the same port have these for a payload type (RFC 5761, 4).
const RTCP: std::ops::RangeInclusive<u8> = 64..=95;
/// Another sender's times are taken when the followed one has been silent for so long, nanoseconds.
const SILENT_NANOS: i64 = 1_000_000_000;

/// Follows the clock of one sender.
#[derive(Debug, Default)]
pub(super) struct RtpClock {
    clock: SourceClock,
    /// Who sends (SSRC), and when it was heard.
    sender: Option<(u32, i64)>,
    /// Ticks a second.
    rate: Option<u32>,
    /// The last time as it came, and counted on over its wrap.
    last: Option<(u32, i64)>,
    seen: u64,
}

impl RtpClock {
    /// Takes a packet that arrived at `arrival`; `rate` tells how many ticks a second its times count, and is asked once for each sender. True when
    /// it is the first of a picture.
    pub fn take(&mut self, packet: &[u8], rate: impl Fn() -> Option<u32>, arrival: MediaTime) -> bool {
        let Some((ssrc, ticks)) = times_of(packet) else { return false };
        let now = arrival.nanos();
        match &mut self.sender {
            Some((followed, heard)) if *followed == ssrc => *heard = now,
            Some((_, heard)) if now.saturating_sub(*heard) < SILENT_NANOS => return false,
            _ => {
                // Another count: what was known of the one before says nothing of it.
                (self.sender, self.rate) = (Some((ssrc, now)), None);
                if self.last.take().is_some() {
                    self.clock.restart();
                }
            }
        }
        let Some(rate) = self.rate.or_else(&rate) else { return false };
        self.rate = Some(rate);
        let counted = match self.last {
            // The same picture goes on.
            Some((before, _)) if before == ticks => return false,
            // Over the wrap: the nearest to the one before.
            Some((before, counted)) => counted + i64::from(ticks.wrapping_sub(before).cast_signed()),
            None => i64::from(ticks),
        };
        self.last = Some((ticks, counted));
        self.seen += 1;
        let stamp = i128::from(counted) * 1_000_000_000 / i128::from(rate);
        self.clock.house_time(i64::try_from(stamp).unwrap_or(i64::MAX), arrival);
        true
    }

    /// What is known of the sender's clock; `None` before the third picture.
    pub fn estimate(&self) -> Option<ClockEstimate> {
        (self.seen > 2).then(|| self.clock.estimate())
    }
}

/// Who sent a packet, and when its picture was sampled, ticks; `None` for what is no RTP.
fn times_of(packet: &[u8]) -> Option<(u32, u32)> {
    let header: &[u8; HEADER] = packet.first_chunk()?;
    let of = |from: usize| u32::from_be_bytes([header[from], header[from + 1], header[from + 2], header[from + 3]]);
    (header[0] >> 6 == 2 && !RTCP.contains(&(header[1] & 0x7f))).then(|| (of(8), of(4)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: u32 = 90_000;

    fn packet(ssrc: u32, ticks: u32) -> Vec<u8> {
        [&[0x80, 96, 0, 1][..], &ticks.to_be_bytes(), &ssrc.to_be_bytes(), &[7; 20]].concat()
    }

    /// Deterministic noise in 0..1.
    fn noise(seed: u64) -> f64 {
        let mut h = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        h = (h ^ (h >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        ((h ^ (h >> 29)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// `secs` of 50 pictures a second, five packets each over 4 ms, by a clock that is `ppm` fast and begins at `first` ticks, through a mean of 5 ms of
    /// jitter (exponential). In the order of decoding where `reordered`: a picture before the two that refer to it.
    fn follow(clock: &mut RtpClock, ppm: f64, first: u32, secs: i64, reordered: bool) {
        for k in 0..secs * 50 {
            let shown = match k % 3 {
                _ if !reordered || k == 0 => k,
                1 => k + 2,
                _ => k - 1,
            };
            let ticks = (shown as f64 * 0.02 * f64::from(RATE) * (1.0 + ppm * 1e-6)).round() as i64;
            let held = -5e6 * (1.0 - noise(k as u64 + 11)).ln();
            for part in 0..5 {
                let arrival = 1_000_000_000 + k * 20_000_000 + part * 800_000 + held as i64;
                let is_first = clock.take(&packet(77, first.wrapping_add(ticks as u32)), || Some(RATE), MediaTime::from_nanos(arrival));
                assert_eq!(is_first, part == 0, "picture {k}, packet {part}");
            }
        }
    }

    #[test]
    fn skew_within_5_ppm_and_jitter_after_a_minute_of_pictures() {
        for (ppm, first, reordered) in
            [(50.0, 5, false), (-50.0, 5, false), (0.0, 5, false), (50.0, 5, true), (50.0, u32::MAX - 900_000, false)]
        {
            let mut clock = RtpClock::default();
            follow(&mut clock, ppm, first, 60, reordered);
            let estimate = clock.estimate().unwrap();
            let skew = estimate.skew_ppm.unwrap();
            // A clock that is fast has an offset that shrinks.
            assert!((skew + ppm).abs() < 5.0, "{skew} ppm for {}, first {first}, reordered {reordered}: {estimate:?}", -ppm);
            assert_eq!(estimate.jumps, 0, "a count that wraps is no jump");
            // The mean of the jitter; pictures out of their order come up to three later than their times.
            let most = if reordered { 60_000_000 } else { 9_000_000 };
            assert!((2_500_000..most).contains(&estimate.jitter_nanos), "{estimate:?}");
        }
    }

    #[test]
    fn another_sender_is_followed_when_the_first_is_silent() {
        let mut clock = RtpClock::default();
        let at = |clock: &mut RtpClock, ssrc: u32, millis: i64| {
            let ticks = (millis * 90) as u32;
            clock.take(&packet(ssrc, ticks.wrapping_add(ssrc << 20)), || Some(RATE), MediaTime::from_nanos(millis * 1_000_000))
        };
        assert!((0..50).all(|k| at(&mut clock, 1, k * 20)));
        assert!(!at(&mut clock, 2, 1000), "two at once");
        assert!((50..100).all(|k| at(&mut clock, 1, k * 20)));
        assert!((150..300).all(|k| at(&mut clock, 2, k * 20)));
        assert_eq!(clock.estimate().unwrap().jumps, 1);
    }

    #[test]
    fn what_is_no_packet_of_pictures_says_nothing() {
        let mut clock = RtpClock::default();
        let mut take = |packet: &[u8], rate| clock.take(packet, || rate, MediaTime::ZERO);
        assert!(!take(&packet(1, 2)[..11], Some(RATE)) && !take(&[], Some(RATE)));
        let mut report = packet(1, 2);
        report[1] = 200;
        assert!(!take(&report, Some(RATE)), "a sender report");
        report[0] = 0x40;
        report[1] = 96;
        assert!(!take(&report, Some(RATE)), "another version");
        // Until it is known how fast it counts.
        assert!(!take(&packet(1, 2), None) && take(&packet(1, 2), Some(RATE)));
        assert_eq!(clock.estimate(), None);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_break_it(
            packets in proptest::collection::vec((proptest::collection::vec(proptest::num::u8::ANY, 0..40), 0_i64..1 << 40), 0..60),
            rate in 1_u32..,
        ) {
            let (mut clock, mut now) = (RtpClock::default(), 0_i64);
            for (mut bytes, step) in packets {
                now += step;
                if let Some(first) = bytes.first_mut() {
                    *first = 0x80 | *first & 0x3f;
                }
                clock.take(&bytes, || Some(rate), MediaTime::from_nanos(now));
            }
            proptest::prop_assert!(clock.estimate().is_none_or(|e| e.jitter_nanos >= 0));
        }
    }
}
