//! Writes segments: one feed's units as fragmented MP4, in nanoseconds, with what MP4 has no place for in boxes of our own.
//!
//! ```text
//! ftyp  uuid(HEAD: feed, epoch, the producer's own description)  moov
//! moof(mfhd traf(tfhd tfdt uuid(UNITS: house time, marks, length, check sum of every unit) trun)) mdat      … again and again
//! uuid(TAIL: from, until, units)                                                       only when it was closed in order
//! ```
//!
//! A fragment is one write; what was written before is never touched again, so a process that dies leaves whole fragments and
//! at most one torn one at the end.

use super::boxes::BoxWriter;
use crate::ring::AccessUnit;
use crate::time::MediaTime;

/// The box with feed, epoch and description.
pub(super) const HEAD_UUID: [u8; 16] = *b"\x9eVolteHead\x01\x8a\x5c\x11\x0b\x2f";
/// The box with a fragment's units.
pub(super) const UNITS_UUID: [u8; 16] = *b"\x9eVolteUnit\x01\x8a\x5c\x11\x0b\x2f";
/// The box that closes a segment.
pub(super) const TAIL_UUID: [u8; 16] = *b"\x9eVolteTail\x01\x8a\x5c\x11\x0b\x2f";
/// Bytes of the closing box.
pub(super) const TAIL_BYTES: usize = 8 + 16 + 8 + 8 + 8 + 4;
/// Bytes per unit in the box of units.
pub(super) const UNIT_BYTES: usize = 8 + 4 + 4 + 1 + 4;
/// Bytes from a fragment's beginning to the first unit's entry: moof, mfhd, traf, tfhd, tfdt, then uuid with version and count.
pub(super) const UNITS_AT: usize = 8 + 16 + 8 + 16 + 20 + 8 + 16 + 4 + 4;

/// Bytes of a fragment before its payload: the box of units ends with a check sum; `trun` and the header of `mdat` follow.
pub(super) const fn fragment_header_bytes(units: usize) -> usize {
    UNITS_AT + units * UNIT_BYTES + 4 + 20 + units * 16 + 8
}

/// Units in one fragment at most.
pub(super) const MAX_UNITS: usize = 4096;
/// Payload bytes of one fragment at most: MP4 counts them in 32 bits, and a fragment is written in one go.
pub(super) const MAX_PAYLOAD_BYTES: u64 = 1 << 30;
/// Ticks per second of all times in the file.
const TIMESCALE: u32 = 1_000_000_000;
/// Frame duration where none is known, nanoseconds.
const UNKNOWN_DURATION_NANOS: u32 = 40_000_000;

/// So much of holes is hidden in a fragment's decode times at most, nanoseconds: times shown are 32 bits from them.
pub(super) const MAX_HIDDEN_NANOS: i64 = 1_500_000_000;

/// Marks of a unit as bits.
pub(super) mod bits {
    pub(in crate::ring::disk) const KEYFRAME: u8 = 1;
    pub(in crate::ring::disk) const DROPPABLE: u8 = 2;
    pub(in crate::ring::disk) const DUPLICATED: u8 = 4;
    pub(in crate::ring::disk) const LATE: u8 = 8;
    pub(in crate::ring::disk) const DAMAGED: u8 = 16;
}

/// How a feed's units are coded, as far as an MP4 file must say it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentFormat {
    /// The sample entry: `avc1`, `hvc1`, `mp4v`, `jpeg`, `apch`, …
    pub entry: [u8; 4],
    /// The codec's own box in it and what is in that: `avcC`, `hvcC`, `esds`.
    pub config: Option<([u8; 4], bytes::Bytes)>,
    /// Picture width, px.
    pub width_px: u32,
    /// Picture height, px.
    pub height_px: u32,
    /// The producer's own description of the stream; comes back unchanged.
    pub note: String,
}

/// What a segment says about itself.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SegmentHead {
    /// The feed.
    pub feed: String,
    /// Wall clock at house time zero, nanoseconds since 1970 (UTC).
    pub epoch_unix_nanos: i64,
    /// Picture width, px.
    pub width_px: u32,
    /// Picture height, px.
    pub height_px: u32,
    /// The producer's own description of the stream.
    pub note: String,
}

/// Why units cannot be written as a fragment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{units} units of {bytes} bytes are too much for one fragment; write smaller ones")]
pub struct FragmentTooLarge {
    /// Units.
    pub units: usize,
    /// Payload bytes.
    pub bytes: u64,
}

/// Makes the bytes of one segment. Where they go is the caller's business.
#[derive(Debug, Clone)]
pub struct SegmentWriter {
    sequence: u32,
    /// House time of decode time zero, nanoseconds, and how far decode times are ahead of the sorted times.
    origin: Option<(i64, i64)>,
    next_decode_nanos: i64,
    from: MediaTime,
    until: MediaTime,
    units: u64,
}

impl SegmentWriter {
    /// A segment and the bytes that it begins with.
    pub fn new(feed: &str, epoch_unix_nanos: i64, format: &SegmentFormat) -> (Self, Vec<u8>) {
        let head = SegmentHead {
            feed: feed.to_owned(),
            epoch_unix_nanos,
            width_px: format.width_px,
            height_px: format.height_px,
            note: format.note.clone(),
        };
        let writer = Self {
            sequence: 0,
            origin: None,
            next_decode_nanos: 0,
            from: MediaTime::from_nanos(i64::MAX),
            until: MediaTime::from_nanos(i64::MIN),
            units: 0,
        };
        (writer, beginning(&head, format))
    }

    /// Time of the earliest unit and end of the last one so far.
    pub fn span(&self) -> Option<(MediaTime, MediaTime)> {
        (self.units > 0).then_some((self.from, self.until))
    }

    /// Units so far.
    pub const fn units(&self) -> u64 {
        self.units
    }

    /// The bytes of the next fragment up to its payload; the units' payloads follow them in order.
    pub fn fragment(&mut self, units: &[AccessUnit]) -> Result<Vec<u8>, FragmentTooLarge> {
        let payload_bytes: u64 = units.iter().map(|u| u.payload.len() as u64).sum();
        if units.len() > MAX_UNITS || payload_bytes > MAX_PAYLOAD_BYTES {
            return Err(FragmentTooLarge { units: units.len(), bytes: payload_bytes });
        }
        let decode_nanos = self.decode_times(units);
        let (origin_nanos, _) = self.origin.unwrap_or_default();
        self.sequence = self.sequence.wrapping_add(1);
        let mut w = BoxWriter::with_capacity(256 + units.len() * (UNIT_BYTES + 16));
        let mut offset_at = 0;
        w.boxed(*b"moof", |w| {
            w.full(*b"mfhd", 0, 0, |w| w.u32(self.sequence));
            w.boxed(*b"traf", |w| {
                w.full(*b"tfhd", 0, 0x02_0000, |w| w.u32(1));
                w.full(*b"tfdt", 1, 0, |w| w.u64(decode_nanos.first().map_or(0, |t| t.unsigned_abs())));
                w.boxed(*b"uuid", |w| units_box(w, units));
                w.full(*b"trun", 1, 0x0f01, |w| {
                    w.u32(units.len() as u32);
                    offset_at = w.bytes.len();
                    w.u32(0);
                    for (i, unit) in units.iter().enumerate() {
                        let step = decode_nanos.get(i + 1).map_or(nominal_nanos(unit), |next| next - decode_nanos[i]);
                        w.u32(u32::try_from(step).unwrap_or(u32::MAX));
                        w.u32(unit.payload.len() as u32);
                        w.u32(sample_flags(unit));
                        let shift = unit.pts.nanos().saturating_sub(origin_nanos).saturating_sub(decode_nanos[i]);
                        w.u32(shift.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32 as u32);
                    }
                });
            });
        });
        let data_offset = w.bytes.len() as u32 + 8;
        w.bytes[offset_at..offset_at + 4].copy_from_slice(&data_offset.to_be_bytes());
        w.u32(payload_bytes as u32 + 8);
        w.put(b"mdat");
        for unit in units {
            self.from = self.from.min(unit.pts);
            self.until = self.until.max(unit.pts.plus_nanos(i64::from(unit.duration_nanos.max(1))));
        }
        self.units += units.len() as u64;
        Ok(w.bytes)
    }

    /// Decode times, nanoseconds since the segment's own zero: the units' times sorted, early enough that none is decoded after it
    /// is shown, and never the same twice. Within a fragment, a hole does not show in them, only in the times shown: other readers take the
    /// frame rate from the steps. The next fragment begins where it belongs.
    fn decode_times(&mut self, units: &[AccessUnit]) -> Vec<i64> {
        let mut sorted: Vec<i64> = units.iter().map(|u| u.pts.nanos()).collect();
        sorted.sort_unstable();
        let (origin, ahead) = *self.origin.get_or_insert_with(|| {
            let late = sorted.iter().zip(units).map(|(sorted, u)| sorted.saturating_sub(u.pts.nanos())).max().unwrap_or(0).max(0);
            (sorted.first().copied().unwrap_or(0).saturating_sub(late), late)
        });
        let mut next = self.next_decode_nanos;
        let mut steps: Vec<i64> = sorted.windows(2).map(|w| w[1].saturating_sub(w[0])).collect();
        let middle = steps.len() / 2;
        // Where the stream says another rate than it has, the distances know better.
        let usual = if steps.len() < 3 { 0 } else { *steps.select_nth_unstable(middle).1 };
        let mut hole = 0_i64;
        let mut times: Vec<i64> = Vec::with_capacity(sorted.len());
        for (i, t) in sorted.iter().enumerate() {
            if i > 0 {
                let (step, nominal) = (t.saturating_sub(sorted[i - 1]), nominal_nanos(&units[i - 1]).max(usual));
                // Twice the interval is one frame that is missing; jitter is less than half an interval.
                let missing = step.saturating_sub(nominal);
                if missing > nominal / 2 && hole.saturating_add(missing) <= MAX_HIDDEN_NANOS {
                    hole += missing;
                }
            }
            let at = t.saturating_sub(hole).saturating_sub(ahead).saturating_sub(origin).max(next);
            next = at.saturating_add(1);
            times.push(at);
        }
        self.next_decode_nanos = next;
        times
    }

    /// The box that closes the segment: who reads it later need not walk through it to know what it spans.
    pub fn tail(&self) -> Vec<u8> {
        let mut w = BoxWriter::with_capacity(TAIL_BYTES);
        w.boxed(*b"uuid", |w| {
            w.put(&TAIL_UUID);
            w.u64(self.from.nanos() as u64);
            w.u64(self.until.nanos() as u64);
            w.u64(self.units);
            let sum = crc32fast::hash(&w.bytes[8..]);
            w.u32(sum);
        });
        w.bytes
    }
}

fn nominal_nanos(unit: &AccessUnit) -> i64 {
    i64::from(if unit.duration_nanos > 0 { unit.duration_nanos } else { UNKNOWN_DURATION_NANOS })
}

fn units_box(w: &mut BoxWriter, units: &[AccessUnit]) {
    w.put(&UNITS_UUID);
    let start = w.bytes.len();
    w.u32(1); // version
    w.u32(units.len() as u32);
    for unit in units {
        w.u64(unit.pts.nanos() as u64);
        w.u32(unit.duration_nanos);
        w.u32(unit.payload.len() as u32);
        w.u8(unit_bits(unit));
        w.u32(crc32fast::hash(&unit.payload));
    }
    let sum = crc32fast::hash(&w.bytes[start..]);
    w.u32(sum);
}

fn unit_bits(unit: &AccessUnit) -> u8 {
    [
        (unit.keyframe, bits::KEYFRAME),
        (unit.droppable, bits::DROPPABLE),
        (unit.flags.duplicated, bits::DUPLICATED),
        (unit.flags.late, bits::LATE),
        (unit.flags.damaged, bits::DAMAGED),
    ]
    .iter()
    .fold(0, |sum, (is, bit)| if *is { sum | bit } else { sum })
}

/// As ISO/IEC 14496-12 has it: what the sample depends on, what depends on it, and whether it is a place to begin.
const fn sample_flags(unit: &AccessUnit) -> u32 {
    if unit.keyframe {
        0x0200_0000
    } else if unit.droppable {
        0x0181_0000
    } else {
        0x0101_0000
    }
}

fn beginning(head: &SegmentHead, format: &SegmentFormat) -> Vec<u8> {
    let mut w = BoxWriter::with_capacity(1024);
    w.boxed(*b"ftyp", |w| {
        w.put(b"iso6");
        w.u32(0);
        w.put(b"iso6mp41");
    });
    w.boxed(*b"uuid", |w| {
        w.put(&HEAD_UUID);
        // A struct of strings and numbers always becomes JSON.
        let json = serde_json::to_vec(head).unwrap_or_default();
        w.u32(crc32fast::hash(&json));
        w.put(&json);
    });
    w.boxed(*b"moov", |w| {
        w.full(*b"mvhd", 0, 0, |w| {
            w.zeros(8);
            w.u32(1000);
            w.u32(0);
            w.u32(0x1_0000);
            w.u16(0x100);
            w.zeros(10);
            w.matrix();
            w.zeros(24);
            w.u32(2);
        });
        w.boxed(*b"trak", |w| track(w, format));
        w.boxed(*b"mvex", |w| {
            w.full(*b"trex", 0, 0, |w| {
                w.u32(1);
                w.u32(1);
                w.zeros(12);
            });
        });
    });
    w.bytes
}

fn track(w: &mut BoxWriter, format: &SegmentFormat) {
    w.full(*b"tkhd", 0, 3, |w| {
        w.zeros(8);
        w.u32(1);
        w.zeros(4 + 4 + 8 + 2 + 2 + 2 + 2);
        w.matrix();
        w.u32(format.width_px.min(0xffff) << 16);
        w.u32(format.height_px.min(0xffff) << 16);
    });
    w.boxed(*b"mdia", |w| {
        w.full(*b"mdhd", 0, 0, |w| {
            w.zeros(8);
            w.u32(TIMESCALE);
            w.u32(0);
            w.u16(0x55c4); // no language
            w.u16(0);
        });
        w.full(*b"hdlr", 0, 0, |w| {
            w.u32(0);
            w.put(b"vide");
            w.zeros(12);
            w.put(b"Volte\0");
        });
        w.boxed(*b"minf", |w| {
            w.full(*b"vmhd", 0, 1, |w| w.zeros(8));
            w.boxed(*b"dinf", |w| {
                w.full(*b"dref", 0, 0, |w| {
                    w.u32(1);
                    w.full(*b"url ", 0, 1, |_| {});
                });
            });
            w.boxed(*b"stbl", |w| {
                w.full(*b"stsd", 0, 0, |w| {
                    w.u32(1);
                    w.boxed(format.entry, |w| sample_entry(w, format));
                });
                w.full(*b"stts", 0, 0, |w| w.u32(0));
                w.full(*b"stsc", 0, 0, |w| w.u32(0));
                w.full(*b"stsz", 0, 0, |w| w.u64(0));
                w.full(*b"stco", 0, 0, |w| w.u32(0));
            });
        });
    });
}

fn sample_entry(w: &mut BoxWriter, format: &SegmentFormat) {
    w.zeros(6);
    w.u16(1);
    w.zeros(16);
    w.u16(format.width_px.min(0xffff) as u16);
    w.u16(format.height_px.min(0xffff) as u16);
    w.u32(0x48_0000);
    w.u32(0x48_0000);
    w.u32(0);
    w.u16(1);
    w.zeros(32);
    w.u16(24);
    w.u16(0xffff);
    if let Some((kind, inside)) = &format.config {
        w.boxed(*kind, |w| w.put(inside));
    }
}
