//! Timecode in coded pictures: the picture timing SEI of H.264, the time code SEI of H.265.
//!
//! GStreamer 1.22 could write the former (`update-timecode`), but ends the message twice, so that decoders complain of it and Chromium plays
//! no HLS with it. So both are written here, by Rec. ITU-T H.264 (D.1.3, D.2.3, with E.1.1 and E.1.2) and H.265 (D.2.27, D.3.27).

use super::Timecode;

/// Payload types (D.1.1 of H.264, D.2.1 of H.265).
const PIC_TIMING: usize = 1;
const TIME_CODE: usize = 136;
/// How long `time_offset` is where no HRD parameters say it (E.2.2).
const TIME_OFFSET_BITS: usize = 24;

/// Puts labels into a stream of access units with start codes.
#[derive(Debug)]
pub(super) struct Labeller {
    is_h265: bool,
    /// Coded frames per second.
    fps: f64,
    is_interlaced: bool,
    /// What the newest sequence parameter set of H.264 says; none where a label cannot be told within it.
    timing: Option<Timing>,
    last: Option<Timecode>,
}

/// What the form of a picture timing message hangs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Timing {
    /// Bits of both delays, where every message has them (`CpbDpbDelaysPresentFlag`).
    delay_bits: Option<usize>,
    time_offset_bits: usize,
    /// (`num_units_in_tick`, `time_scale`).
    tick: (u32, u32),
}

impl Labeller {
    pub fn new(is_h265: bool, fps: f64, is_interlaced: bool) -> Self {
        Self { is_h265, fps, is_interlaced, timing: None, last: None }
    }

    /// The access unit with its label; `None` where it can have none: then it goes out as it is.
    pub fn label(&mut self, unit: &[u8], label: Timecode) -> Option<Vec<u8>> {
        let nals = nals(unit);
        if self.is_h265 {
            let first = nals.iter().position(|nal| nal.first().is_some_and(|b| b >> 1 & 0x3f < 32))?;
            let message = (TIME_CODE, self.time_code(label));
            return Some(joined(&nals, first, None, &[0x4e, 0x01], &[message]));
        }
        for sps in nals.iter().filter(|nal| kind(nal) == 7) {
            self.timing = Timing::of(&unescaped(sps));
        }
        let timing = self.timing?;
        let first = nals.iter().position(|nal| (1..=5).contains(&kind(nal)))?;
        // The encoder's own message says how the picture is built; only the clock is new.
        for (k, nal) in nals.iter().enumerate().take(first).filter(|(_, nal)| kind(nal) == 6) {
            let mut messages = messages(&unescaped(nal))?;
            if let Some((_, payload)) = messages.iter_mut().find(|(kind, _)| *kind == PIC_TIMING) {
                let mut own = Bits::new(payload);
                let delays = match timing.delay_bits {
                    Some(count) => (own.bits(count)?, count),
                    None => (0, 0),
                };
                let pic_struct = own.bits(4)?;
                *payload = self.pic_timing(timing, delays, pic_struct, label)?;
                return Some(joined(&nals, k, Some(k), &[nal[0]], &messages));
            }
        }
        // Delays that nobody told cannot be made up.
        if timing.delay_bits.is_some() {
            return None;
        }
        let payload = self.pic_timing(timing, (0, 0), if self.is_interlaced { 3 } else { 0 }, label)?;
        Some(joined(&nals, first, None, &[6], &[(PIC_TIMING, payload)]))
    }

    /// A label that is not after the one before it is no time since then (`discontinuity_flag`): midnight.
    fn goes_back(&mut self, label: Timecode) -> bool {
        self.last.replace(label).is_some_and(|last| last >= label)
    }

    /// H.264, D.1.3.
    fn pic_timing(&mut self, timing: Timing, (delays, delay_bits): (u64, usize), pic_struct: u64, label: Timecode) -> Option<Vec<u8>> {
        // Table D-1: how many clocks there are.
        let clocks = match pic_struct {
            0..=2 => 1,
            3 | 4 | 7 => 2,
            5 | 6 | 8 => 3,
            _ => return None,
        };
        // Whether a frame is two ticks: n_frames × num_units_in_tick × (1 + nuit_field_based_flag) / time_scale is a time (D-1).
        let ticks = f64::from(timing.tick.1) / (f64::from(timing.tick.0) * self.fps);
        let by_fields = match ticks {
            1.9..2.1 => true,
            0.9..1.1 => false,
            _ => return None,
        };
        let mut out = BitWriter::default();
        out.put(delays, delay_bits);
        out.put(pic_struct, 4);
        // The first clock is the frame's; the other fields have none of their own.
        out.put(1, 1);
        out.put(u64::from(self.is_interlaced), 2);
        out.put(u64::from(by_fields), 1);
        out.put(counting_type(label), 5);
        self.count(&mut out, label, 8);
        out.put(0, timing.time_offset_bits);
        out.put(0, clocks - 1);
        Some(out.payload())
    }

    /// H.265, D.2.27.
    fn time_code(&mut self, label: Timecode) -> Vec<u8> {
        let mut out = BitWriter::default();
        // One clock, which is there and counts frames.
        out.put(0b0110, 4);
        out.put(counting_type(label), 5);
        self.count(&mut out, label, 9);
        // No offset.
        out.put(0, 5);
        out.payload()
    }

    /// What both have alike.
    fn count(&mut self, out: &mut BitWriter, label: Timecode, frame_bits: usize) {
        // Whole, with hours.
        out.put(1, 1);
        out.put(u64::from(self.goes_back(label)), 1);
        // Labels were left out in front of this one, as the counting type has it: frames 0 and 1.
        let follows_gap = label.drop_frame && label.frames == 2 && label.seconds == 0 && !label.minutes.is_multiple_of(10);
        out.put(u64::from(follows_gap && self.fps < 31.0), 1);
        out.put(u64::from(label.frames), frame_bits);
        out.put(u64::from(label.seconds), 6);
        out.put(u64::from(label.minutes), 6);
        out.put(u64::from(label.hours), 5);
    }
}

/// Table D-3: nothing left out, or the two lowest of every minute but each tenth. At 59.94 four are left out, for which the table has only
/// "unspecified" (6), which GStreamer does not take for drop-frame; it reads and writes 4 there as well.
const fn counting_type(label: Timecode) -> u64 {
    if label.drop_frame { 4 } else { 0 }
}

fn kind(nal: &[u8]) -> u8 {
    nal.first().map_or(0, |b| b & 0x1f)
}

/// The units between start codes, without the zeros that lead up to the next.
fn nals(stream: &[u8]) -> Vec<&[u8]> {
    let mut starts = Vec::new();
    let mut at = 0;
    while at + 3 <= stream.len() {
        // The third byte says how far the next start code can be.
        match stream[at + 2] {
            1 if stream[at] == 0 && stream[at + 1] == 0 => {
                starts.push(at + 3);
                at += 3;
            }
            0 => at += 1,
            _ => at += 3,
        }
    }
    let mut units = Vec::with_capacity(starts.len());
    for (k, from) in starts.iter().enumerate() {
        let end = starts.get(k + 1).map_or(stream.len(), |next| next - 3);
        let mut unit = &stream[*from..end];
        while let [rest @ .., 0] = unit {
            unit = rest;
        }
        units.push(unit);
    }
    units
}

/// The units with one more in front of unit `at`, or in the place of another.
fn joined(nals: &[&[u8]], at: usize, instead_of: Option<usize>, head: &[u8], messages: &[(usize, Vec<u8>)]) -> Vec<u8> {
    let mut out = Vec::with_capacity(nals.iter().map(|nal| nal.len() + 4).sum::<usize>() + 64);
    for (k, nal) in nals.iter().enumerate() {
        if k == at {
            out.extend([0, 0, 0, 1]);
            escape(&sei(head, messages), &mut out);
        }
        if instead_of != Some(k) {
            out.extend([0, 0, 0, 1]);
            out.extend_from_slice(nal);
        }
    }
    out
}

/// A unit of messages (H.264, 7.3.2.3 and 7.3.2.3.1; H.265 has the same).
fn sei(head: &[u8], messages: &[(usize, Vec<u8>)]) -> Vec<u8> {
    let mut out = head.to_vec();
    let long = |out: &mut Vec<u8>, number: usize| {
        out.extend(std::iter::repeat_n(0xff, number / 255));
        out.push((number % 255) as u8);
    };
    for (kind, payload) in messages {
        long(&mut out, *kind);
        long(&mut out, payload.len());
        out.extend_from_slice(payload);
    }
    // rbsp_trailing_bits
    out.push(0x80);
    out
}

/// What an SEI unit of H.264 holds; `None` where it is broken.
fn messages(unit: &[u8]) -> Option<Vec<(usize, Vec<u8>)>> {
    fn long(rest: &mut &[u8]) -> Option<usize> {
        let mut number = 0;
        loop {
            let (byte, after) = rest.split_first()?;
            *rest = after;
            number += usize::from(*byte);
            if *byte != 0xff {
                return Some(number);
            }
        }
    }
    let (mut rest, mut found) = (unit.get(1..)?, Vec::new());
    while !matches!(rest, [] | [0x80]) {
        let (kind, size) = (long(&mut rest)?, long(&mut rest)?);
        found.push((kind, rest.get(..size)?.to_vec()));
        rest = &rest[size..];
    }
    Some(found)
}

/// Without emulation prevention (7.3.1).
fn unescaped(nal: &[u8]) -> Vec<u8> {
    let (mut out, mut zeros) = (Vec::with_capacity(nal.len()), 0);
    for byte in nal {
        if zeros >= 2 && *byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if *byte == 0 { zeros + 1 } else { 0 };
        out.push(*byte);
    }
    out
}

/// With emulation prevention (7.4.1): nothing in it looks like a start code.
fn escape(unit: &[u8], out: &mut Vec<u8>) {
    let mut zeros = 0;
    for byte in unit {
        if zeros >= 2 && *byte <= 3 {
            out.push(3);
            zeros = 0;
        }
        zeros = if *byte == 0 { zeros + 1 } else { 0 };
        out.push(*byte);
    }
}

impl Timing {
    /// From a sequence parameter set (7.3.2.1.1 and E.1.1); `None` where it leaves no room for a clock.
    fn of(sps: &[u8]) -> Option<Self> {
        let profile = *sps.get(1)?;
        let mut bits = Bits::new(sps.get(4..)?);
        bits.ue()?;
        if matches!(profile, 44 | 83 | 86 | 100 | 110 | 118 | 122 | 128 | 134 | 135 | 138 | 139 | 244) {
            let chroma = bits.ue()?;
            if chroma == 3 {
                bits.bits(1)?;
            }
            bits.ue()?;
            bits.ue()?;
            bits.bits(1)?;
            if bits.flag()? {
                for list in 0..if chroma == 3 { 12 } else { 8 } {
                    if bits.flag()? {
                        bits.skip_scaling_list(if list < 6 { 16 } else { 64 })?;
                    }
                }
            }
        }
        bits.ue()?;
        match bits.ue()? {
            0 => {
                bits.ue()?;
            }
            1 => {
                bits.bits(1)?;
                bits.ue()?;
                bits.ue()?;
                for _ in 0..bits.ue()?.min(255) {
                    bits.ue()?;
                }
            }
            _ => {}
        }
        bits.ue()?;
        bits.bits(1)?;
        bits.ue()?;
        bits.ue()?;
        // frame_mbs_only_flag, or one more.
        if !bits.flag()? {
            bits.bits(1)?;
        }
        bits.bits(1)?;
        if bits.flag()? {
            bits.ue()?;
            bits.ue()?;
            bits.ue()?;
            bits.ue()?;
        }
        if bits.flag()? { Self::of_vui(&mut bits) } else { None }
    }

    fn of_vui(bits: &mut Bits<'_>) -> Option<Self> {
        // aspect_ratio_idc: Extended_SAR.
        if bits.flag()? && bits.bits(8)? == 255 {
            bits.bits(32)?;
        }
        if bits.flag()? {
            bits.bits(1)?;
        }
        if bits.flag()? {
            bits.bits(4)?;
            if bits.flag()? {
                bits.bits(24)?;
            }
        }
        if bits.flag()? {
            bits.ue()?;
            bits.ue()?;
        }
        let mut tick = None;
        if bits.flag()? {
            let [units, scale] = [bits.bits(32)?, bits.bits(32)?].map(u32::try_from);
            bits.bits(1)?;
            tick = Some((units.ok()?, scale.ok()?)).filter(|(units, scale)| *units > 0 && *scale > 0);
        }
        let (mut delay_bits, mut time_offset_bits) = (None, TIME_OFFSET_BITS);
        for _nal_then_vcl in 0..2 {
            if bits.flag()? {
                // E.1.2
                let count = bits.ue()?.min(31) + 1;
                bits.bits(8)?;
                for _ in 0..count {
                    bits.ue()?;
                    bits.ue()?;
                    bits.bits(1)?;
                }
                bits.bits(5)?;
                let lengths = [bits.bits(5)?, bits.bits(5)?].map(|less_one| less_one as usize + 1);
                delay_bits = Some(lengths[0] + lengths[1]);
                time_offset_bits = bits.bits(5)? as usize;
            }
        }
        if delay_bits.is_some() {
            // low_delay_hrd_flag
            bits.bits(1)?;
        }
        let has_structure = bits.flag()?;
        has_structure.then_some(Self { delay_bits, time_offset_bits, tick: tick? })
    }
}

/// Reads bits.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Bits<'a> {
    const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    fn bits(&mut self, count: usize) -> Option<u64> {
        (0..count).try_fold(0, |value, _| {
            let byte = self.bytes.get(self.at / 8)?;
            let bit = byte >> (7 - self.at % 8) & 1;
            self.at += 1;
            Some(value << 1 | u64::from(bit))
        })
    }

    fn flag(&mut self) -> Option<bool> {
        self.bits(1).map(|bit| bit == 1)
    }

    /// An Exp-Golomb number (9.1).
    fn ue(&mut self) -> Option<u64> {
        let mut zeros = 0;
        while self.bits(1)? == 0 {
            zeros += 1;
            if zeros > 32 {
                return None;
            }
        }
        Some((1 << zeros) - 1 + self.bits(zeros)?)
    }

    /// 7.3.2.1.1.1.
    fn skip_scaling_list(&mut self, size: usize) -> Option<()> {
        let (mut last, mut next) = (8_i64, 8_i64);
        for _ in 0..size {
            if next != 0 {
                let code = self.ue()? as i64;
                let delta = if code % 2 == 1 { (code + 1) / 2 } else { -(code / 2) };
                next = (last + delta).rem_euclid(256);
            }
            last = if next == 0 { last } else { next };
        }
        Some(())
    }
}

/// Writes bits.
#[derive(Debug, Default)]
struct BitWriter {
    bytes: Vec<u8>,
    count: usize,
}

impl BitWriter {
    fn put(&mut self, value: u64, count: usize) {
        for k in (0..count).rev() {
            if self.count.is_multiple_of(8) {
                self.bytes.push(0);
            }
            if let Some(last) = self.bytes.last_mut() {
                *last |= ((value >> k & 1) as u8) << (7 - self.count % 8);
            }
            self.count += 1;
        }
    }

    /// Whole bytes: where bits are left, a one and then zeros (D.1.1).
    fn payload(mut self) -> Vec<u8> {
        if !self.count.is_multiple_of(8) {
            self.put(1, 1);
        }
        self.bytes
    }
}

#[cfg(test)]
mod tests;
