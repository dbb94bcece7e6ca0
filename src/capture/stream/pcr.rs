//! The sender's clock in an MPEG transport stream: its program clock reference (ISO/IEC 13818-1, 2.4.3.5), 27 million ticks a second.
//!
//! A reference is sent many times a second, by itself rather than with a picture: how large pictures are does not move it, as it moves their arrival.
//! Its own [`SourceClock`] says when it was; packets go on to the demuxer with that time instead of their arrival, so that what comes out
//! counts by the sender's clock, on the house clock, without the network's jitter.
//!
//! Must not know: elements, pictures.

use crate::time::{ClockEstimate, MediaTime, SourceClock};

const PACKET: usize = 188;
const SYNC: u8 = 0x47;
/// Ticks of the reference until it begins again: 2³³ of 90 kHz, 26.5 hours.
const WRAP_TICKS: i64 = (1 << 33) * 300;
const TICKS_PER_SEC: i128 = 27_000_000;
/// Another stream's reference is taken when the followed one has not come for so long, nanoseconds: the programme has changed.
const SILENT_NANOS: i64 = 1_000_000_000;

/// Follows the clock of one stream.
#[derive(Debug, Default)]
pub(super) struct PcrClock {
    clock: SourceClock,
    /// Which stream carries it, and when it was heard.
    pid: Option<(u16, i64)>,
    /// The last reference as it came, and counted on over its wrap.
    last: Option<(i64, i64)>,
    seen: u64,
    /// The beginning of a packet whose end is still to come.
    rest: Vec<u8>,
}

impl PcrClock {
    /// Takes what arrived at `arrival`; when the newest reference in it was, in house time. `None` where there is none. Packets may be cut
    /// anywhere: what a stream of bytes (HTTP, a pipe) delivers knows nothing of them.
    pub fn take(&mut self, bytes: &[u8], arrival: MediaTime) -> Option<MediaTime> {
        let mut newest = None;
        let joined = self.join(bytes);
        let mut bytes = joined.as_deref().unwrap_or(bytes);
        loop {
            bytes = aligned(bytes);
            let Some((packet, after)) = bytes.split_at_checked(PACKET) else { break };
            bytes = after;
            let Some(Reference { pid, ticks, begins_anew }) = reference(packet) else { continue };
            match &mut self.pid {
                Some((followed, heard)) if *followed == pid => *heard = arrival.nanos(),
                Some((_, heard)) if arrival.nanos().saturating_sub(*heard) < SILENT_NANOS => continue,
                _ => {
                    self.pid = Some((pid, arrival.nanos()));
                    self.begin_anew();
                }
            }
            if begins_anew {
                self.begin_anew();
            }
            let stamp = self.counted(ticks);
            self.seen += 1;
            newest = Some(self.clock.house_time(nanos(stamp), arrival));
        }
        // Less than a packet.
        self.rest = bytes.to_vec();
        newest
    }

    /// What came, behind what was left of the last; `None` where nothing was.
    fn join(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        if self.rest.is_empty() {
            return None;
        }
        let mut joined = std::mem::take(&mut self.rest);
        joined.extend_from_slice(bytes);
        Some(joined)
    }

    /// Another count: what was known of the one before says nothing of it.
    fn begin_anew(&mut self) {
        if self.last.take().is_some() {
            self.clock.restart();
        }
    }

    /// Over the wrap: the nearest to the one before.
    fn counted(&mut self, ticks: i64) -> i64 {
        let counted = match self.last {
            None => ticks,
            Some((before, counted)) => {
                let step = (ticks - before + WRAP_TICKS / 2).rem_euclid(WRAP_TICKS) - WRAP_TICKS / 2;
                counted + step
            }
        };
        self.last = Some((ticks, counted));
        counted
    }

    /// What is known of the sender's clock; `None` before the third reference.
    pub fn estimate(&self) -> Option<ClockEstimate> {
        (self.seen > 2).then(|| self.clock.estimate())
    }
}

/// From where packets begin: at a mark that another one follows after a packet, as far as there is so much.
fn aligned(bytes: &[u8]) -> &[u8] {
    let begins = |at: usize| bytes[at] == SYNC && bytes.get(at + PACKET).is_none_or(|next| *next == SYNC);
    let at = (0..bytes.len()).find(|at| begins(*at)).unwrap_or(bytes.len());
    &bytes[at..]
}

fn nanos(ticks: i64) -> i64 {
    (i128::from(ticks) * 1_000_000_000 / TICKS_PER_SEC) as i64
}

/// A program clock reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Reference {
    /// The stream that it belongs to.
    pid: u16,
    ticks: i64,
    /// The sender says that its count is another one from here on (`discontinuity_indicator`): a splice.
    begins_anew: bool,
}

/// The reference in a packet.
fn reference(packet: &[u8]) -> Option<Reference> {
    let at = |k: usize| packet.get(k).copied().unwrap_or(0);
    // An adaptation field of seven bytes at least, with the flag of a reference.
    if packet.len() < 12 || at(0) != SYNC || at(1) & 0x80 != 0 || at(3) & 0x20 == 0 || at(4) < 7 || at(5) & 0x10 == 0 {
        return None;
    }
    let pid = u16::from(at(1) & 0x1f) << 8 | u16::from(at(2));
    let base = (6..10).fold(0_i64, |n, k| n << 8 | i64::from(at(k))) << 1 | i64::from(at(10) >> 7);
    let extension = i64::from(at(10) & 1) << 8 | i64::from(at(11));
    Some(Reference { pid, ticks: base * 300 + extension, begins_anew: at(5) & 0x80 != 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(pid: u16, ticks: i64) -> Vec<u8> {
        let (base, extension) = (ticks / 300, ticks % 300);
        let mut p = vec![0xff; PACKET];
        p[..6].copy_from_slice(&[SYNC, (pid >> 8) as u8, pid as u8, 0x30, 7, 0x10]);
        (0..4).for_each(|k| p[6 + k] = (base >> (25 - 8 * k)) as u8);
        p[10] = ((base & 1) << 7) as u8 | 0x7e | (extension >> 8) as u8;
        p[11] = extension as u8;
        p
    }

    #[test]
    fn a_reference_is_read_as_it_is_written() {
        for ticks in [0, 1, 299, 300, 27_000_000, WRAP_TICKS - 1] {
            assert_eq!(reference(&packet(0x1abc, ticks)), Some(Reference { pid: 0x1abc, ticks, begins_anew: false }));
        }
        let mut without = packet(5, 7);
        without[5] = 0;
        assert_eq!(reference(&without), None);
        let mut payload_only = packet(5, 7);
        payload_only[3] = 0x10;
        assert_eq!(reference(&payload_only), None);
        assert_eq!(reference(&packet(5, 7)[..8]), None);
    }

    #[test]
    fn it_is_followed_over_its_wrap_through_jitter_and_through_a_change_of_programme() {
        let mut clock = PcrClock::default();
        // 40 ppm fast; the wrap comes after ten seconds.
        let mut worst = 0;
        for k in 0..1500_i64 {
            let sent = k * 20_000_000;
            let ticks = (WRAP_TICKS - 270_000_000 + (sent as f64 * 0.027 * 1.000_04) as i64).rem_euclid(WRAP_TICKS);
            let jitter = (k * 7919 % 100) * (k * 104_729 % 100) * 1000;
            let at = clock.take(&[packet(256, ticks), packet(8, 5)].concat(), MediaTime::from_nanos(sent + jitter)).unwrap();
            if k > 200 {
                worst = worst.max((at.nanos() - sent).abs());
            }
        }
        let estimate = clock.estimate().unwrap();
        assert_eq!(estimate.jumps, 0);
        assert!((estimate.skew_ppm.unwrap() + 40.0).abs() < 5.0, "{estimate:?}");
        assert!(worst < 600_000, "{worst} ns");
        // Another programme, after a second.
        let mut at = |k: i64| clock.take(&packet(300, k * 540_000), MediaTime::from_nanos(30_000_000_000 + k * 20_000_000));
        assert_eq!(at(0), None);
        assert!(at(60).is_some());
    }

    #[test]
    fn a_splice_that_is_told_is_followed_at_once() {
        for told in [true, false] {
            let (mut clock, mut worst) = (PcrClock::default(), 0);
            for k in 0..1000_i64 {
                let sent = k * 20_000_000;
                // Half a second back after ten.
                let ticks = 2_700_000_000 + sent * 27 / 1000 - if k >= 500 { 13_500_000 } else { 0 };
                let mut packet = packet(256, ticks);
                if told && k == 500 {
                    packet[5] |= 0x80;
                }
                let at = clock.take(&packet, MediaTime::from_nanos(sent + k * 7919 % 5 * 1_000_000)).unwrap();
                worst = worst.max((at.nanos() - sent).abs());
            }
            assert_eq!(clock.estimate().unwrap().jumps, 1);
            assert_eq!(worst < 40_000_000, told, "{worst} ns");
        }
    }

    #[test]
    fn packets_that_are_cut_anywhere_say_the_same() {
        let stream: Vec<u8> = (0..600).flat_map(|k| packet(if k % 3 == 0 { 256 } else { 300 }, k * 540_000)).collect();
        let told = |pieces: Vec<&[u8]>| {
            let (mut clock, mut arrived) = (PcrClock::default(), 0_usize);
            let times: Vec<MediaTime> = pieces
                .into_iter()
                .filter_map(|piece| {
                    arrived += piece.len();
                    // As the bytes take their time: a packet in 20 ms.
                    clock.take(piece, MediaTime::from_nanos((arrived as i64) * 20_000_000 / PACKET as i64))
                })
                .collect();
            (clock.seen, times.last().copied())
        };
        let whole = told(stream.chunks(PACKET).collect());
        assert_eq!(whole.0, 200);
        for size in [1, 100, 189, 1000, 4096] {
            let (seen, last) = told(stream.chunks(size).collect());
            let off = last.unwrap().nanos() - whole.1.unwrap().nanos();
            assert!(seen == 200 && off.abs() < 500_000_000, "{size}: {seen} references, {off} ns");
        }
        // Bytes that are no packet before, and a hole in the middle: found again.
        let (hole, mut torn) = (300 * PACKET + 50, vec![0; 77]);
        torn.extend_from_slice(&stream[..hole]);
        torn.extend_from_slice(&stream[hole + 1000..]);
        assert!((195..=198).contains(&told(torn.chunks(1400).collect()).0), "{:?}", told(torn.chunks(1400).collect()));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_break_it(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..1000), at in 0_i64..1 << 60) {
            let mut clock = PcrClock::default();
            let marked: Vec<u8> = bytes.iter().enumerate().map(|(k, b)| if k % PACKET == 0 { SYNC } else { *b }).collect();
            clock.take(&bytes, MediaTime::from_nanos(at));
            clock.take(&marked, MediaTime::from_nanos(at + 1));
        }
    }
}
