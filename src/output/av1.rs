//! What AV1 streams need beside their encoder: encoders that leave the colour open in the sequence header get it written there.
//!
//! AV1 Bitstream & Decoding Process Specification (2019, errata 1): 5.3 (OBUs), 5.5 (sequence header), 4.10.5 (`leb128`).

use gst::prelude::*;

use super::{OutputSpec, video::element};

/// BT.709 primaries, transfer and matrix: the same number in each of the three tables (6.4.2).
const BT709: [u8; 3] = [1, 1, 1];
/// Chroma stands at the left luma sample, between two lines: as everything else here is made (6.4.2, `CSP_VERTICAL`).
const CHROMA_LEFT: u32 = 1;
const OBU_SEQUENCE_HEADER: u8 = 1;
const OBU_TEMPORAL_DELIMITER: u8 = 2;

/// Bits of a header, the first being the highest.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: usize) -> Option<u32> {
        let mut value = 0;
        for _ in 0..count {
            let byte = self.bytes.get(self.at / 8)?;
            value = value << 1 | u32::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Some(value)
    }

    fn flag(&mut self) -> Option<bool> {
        Some(self.take(1)? == 1)
    }

    /// A number whose leading zeros say how long it is (4.10.3).
    fn skip_uvlc(&mut self) -> Option<()> {
        let mut zeros = 0;
        while !self.flag()? {
            zeros += 1;
        }
        if zeros < 32 {
            self.take(zeros)?;
        }
        Some(())
    }
}

/// What a sequence header begins with, and where it says its colour.
#[derive(Debug, PartialEq, Eq)]
struct Sequence {
    profile: u8,
    /// Level and tier of the first operating point.
    level: u8,
    tier: u8,
    is_deep: bool,
    /// The bit of `color_description_present_flag`.
    flag_bit: usize,
    is_described: bool,
    /// Whether 4:2:0 samples follow, whose place is said.
    has_chroma_place: bool,
}

/// Reads a sequence header up to its colour (5.5.1, 5.5.2).
fn sequence_of(header: &[u8]) -> Option<Sequence> {
    let mut bits = Bits { bytes: header, at: 0 };
    let profile = bits.take(3)?;
    let _still_picture = bits.take(1)?;
    let reduced = bits.flag()?;
    let (level, tier) = if reduced { (bits.take(5)?, 0) } else { skip_operating_points(&mut bits)? };
    let (wide, high) = (bits.take(4)? as usize + 1, bits.take(4)? as usize + 1);
    bits.take(wide)?;
    bits.take(high)?;
    if !reduced && bits.flag()? {
        bits.take(4 + 3)?;
    }
    // 128×128 superblocks, filter intra, intra edge filter.
    bits.take(3)?;
    if !reduced {
        skip_tools(&mut bits)?;
    }
    // Super-resolution, CDEF, restoration.
    bits.take(3)?;
    let is_deep = bits.flag()?;
    if profile == 2 && is_deep {
        bits.take(1)?;
    }
    let is_mono = profile != 1 && bits.flag()?;
    let flag_bit = bits.at;
    let is_described = bits.flag()?;
    Some(Sequence {
        profile: profile as u8,
        level: level as u8,
        tier: tier as u8,
        is_deep,
        flag_bit,
        is_described,
        has_chroma_place: profile == 0 && !is_mono,
    })
}

/// Level and tier of the first.
fn skip_operating_points(bits: &mut Bits<'_>) -> Option<(u32, u32)> {
    let mut first = None;
    let mut delay_bits = None;
    if bits.flag()? {
        bits.take(32)?;
        bits.take(32)?;
        if bits.flag()? {
            bits.skip_uvlc()?;
        }
        if bits.flag()? {
            delay_bits = Some(bits.take(5)? as usize + 1);
            bits.take(32)?;
            bits.take(5 + 5)?;
        }
    }
    let has_display_delay = bits.flag()?;
    for _ in 0..=bits.take(5)? {
        bits.take(12)?;
        let level = bits.take(5)?;
        let tier = if level > 7 { bits.take(1)? } else { 0 };
        first.get_or_insert((level, tier));
        if let Some(delay_bits) = delay_bits
            && bits.flag()?
        {
            bits.take(delay_bits)?;
            bits.take(delay_bits)?;
            bits.take(1)?;
        }
        if has_display_delay && bits.flag()? {
            bits.take(4)?;
        }
    }
    first
}

fn skip_tools(bits: &mut Bits<'_>) -> Option<()> {
    // Compound prediction (two), warped motion, dual filter.
    bits.take(4)?;
    let has_order = bits.flag()?;
    if has_order {
        bits.take(2)?;
    }
    let chooses_screen_content = bits.flag()?;
    let has_screen_content = chooses_screen_content || bits.flag()?;
    if has_screen_content && !bits.flag()? {
        bits.take(1)?;
    }
    if has_order {
        bits.take(3)?;
    }
    Some(())
}

/// The same header with that colour in it; `None` where it cannot be read.
fn described(header: &[u8], color: [u8; 3]) -> Option<Vec<u8>> {
    let place = sequence_of(header)?;
    let bit = |at: usize| header.get(at / 8).map(|byte| byte >> (7 - at % 8) & 1 == 1);
    let mut bits: Vec<bool> = (0..place.flag_bit).map_while(bit).collect();
    bits.push(true);
    bits.extend(color.iter().flat_map(|byte| (0..8).rev().map(move |k| byte >> k & 1 == 1)));
    let mut rest = place.flag_bit + 1 + if place.is_described { 24 } else { 0 };
    // The range stays as the encoder says it.
    bits.push(bit(rest)?);
    rest += 1;
    if place.has_chroma_place {
        bits.extend((0..2).rev().map(|k| CHROMA_LEFT >> k & 1 == 1));
        rest += 2;
    }
    // Three whole bytes more or none: the padding at the end stays right.
    bits.extend((rest..header.len() * 8).map_while(bit));
    Some(bits.chunks(8).map(|byte| byte.iter().enumerate().fold(0, |v, (k, on)| v | u8::from(*on) << (7 - k))).collect())
}

/// A number of seven bits a byte, the lowest first.
fn leb128(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut value = 0_usize;
    for (k, byte) in bytes.iter().take(5).enumerate() {
        value |= usize::from(byte & 0x7f) << (7 * k);
        if byte & 0x80 == 0 {
            return Some((value, k + 1));
        }
    }
    None
}

fn to_leb128(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        bytes.push(if value > 0 { low | 0x80 } else { low });
        if value == 0 {
            return bytes;
        }
    }
}

/// The pieces of a temporal unit: where each begins, where its payload does, and where it ends.
fn pieces(unit: &[u8]) -> Option<Vec<(usize, usize, usize)>> {
    let (mut all, mut at) = (Vec::new(), 0);
    while at < unit.len() {
        let head = unit[at];
        // Extension, then size.
        let head_bytes = 1 + usize::from(head & 4 != 0);
        let (size, size_bytes) =
            if head & 2 == 0 { (unit.len().checked_sub(at + head_bytes)?, 0) } else { leb128(unit.get(at + head_bytes..)?)? };
        let begin = at + head_bytes + size_bytes;
        let end = begin.checked_add(size).filter(|end| *end <= unit.len())?;
        all.push((at, begin, end));
        at = end;
    }
    Some(all)
}

const fn kind(head: u8) -> u8 {
    head >> 3 & 15
}

/// A temporal unit whose sequence headers say that colour; `None` where it has none, or is none.
fn with_color(unit: &[u8], color: [u8; 3]) -> Option<Vec<u8>> {
    let (mut out, mut changed) = (Vec::with_capacity(unit.len() + 8), false);
    for (at, begin, end) in pieces(unit)? {
        let head = unit[at];
        let new = if kind(head) == OBU_SEQUENCE_HEADER { described(&unit[begin..end], color) } else { None };
        if let Some(new) = new {
            out.extend(&unit[at..=at + usize::from(head & 4 != 0)]);
            if head & 2 != 0 {
                out.extend(to_leb128(new.len()));
            }
            out.extend(new);
            changed = true;
        } else {
            out.extend(&unit[at..end]);
        }
    }
    changed.then_some(out)
}

/// A temporal unit as files have it: without its delimiter, which the container's own index stands for.
pub(super) fn bare_sample(unit: &[u8]) -> Option<Vec<u8>> {
    let pieces = pieces(unit)?;
    let kept = pieces.iter().filter(|(at, ..)| kind(unit[*at]) != OBU_TEMPORAL_DELIMITER);
    Some(kept.flat_map(|(at, _, end)| unit[*at..*end].iter().copied()).collect())
}

/// The configuration record of files (`av1C`) for a stream of 8 bit 4:2:0 that begins with this unit.
pub(super) fn configuration(unit: &[u8]) -> Option<Vec<u8>> {
    let (at, begin, end) = pieces(unit)?.into_iter().find(|(at, ..)| kind(unit[*at]) == OBU_SEQUENCE_HEADER)?;
    let sequence = sequence_of(&unit[begin..end]).filter(|s| s.has_chroma_place && !s.is_deep)?;
    // Both halves of the chroma, and where it stands.
    let looks = sequence.tier << 7 | 0b1100 | CHROMA_LEFT as u8;
    Some([&[0x81, sequence.profile << 5 | sequence.level, looks, 0], &unit[at..end]].concat())
}

/// Lets an encoder's stream say BT.709.
pub(super) fn tag_bt709(encoder: &gst::Element) {
    tag_color(encoder, BT709);
}

/// Lets an encoder's stream say its colour: primaries, transfer, matrix (ISO/IEC 23091-2).
pub(super) fn tag_color(encoder: &gst::Element, color: [u8; 3]) {
    let Some(pad) = encoder.static_pad("src") else { return };
    pad.add_probe(gst::PadProbeType::BUFFER, move |_pad, info| {
        if let Some(gst::PadProbeData::Buffer(buffer)) = &mut info.data {
            let tagged = buffer.map_readable().ok().and_then(|map| with_color(&map, color));
            if let Some(tagged) = tagged {
                let mut new = gst::Buffer::from_mut_slice(tagged);
                if let Some(own) = new.get_mut() {
                    let kept = gst::BufferCopyFlags::FLAGS | gst::BufferCopyFlags::TIMESTAMPS | gst::BufferCopyFlags::META;
                    if let Err(error) = buffer.copy_into(own, kept, ..) {
                        tracing::debug!(%error, "a coded picture keeps its own colour");
                        return gst::PadProbeReturn::Ok;
                    }
                }
                *buffer = new;
            }
        }
        gst::PadProbeReturn::Ok
    });
}

/// Decodes temporal units: how many pictures they are, each of the right size.
pub(super) fn read_back(units: Vec<Vec<u8>>, spec: &OutputSpec) -> Result<u64, String> {
    let (w, h) = (spec.width_px as i32, spec.height_px as i32);
    let caps = gst::Caps::builder("video/x-av1").field("stream-format", "obu-stream").field("alignment", "tu");
    let source = gst_app::AppSrc::builder().caps(&caps.build()).format(gst::Format::Time).is_live(false).max_buffers(0).build();
    let sink = gst_app::AppSink::builder().sync(false).max_buffers(4).build();
    let parts = [
        source.clone().upcast(),
        element("av1parse").map_err(|e| e.to_string())?,
        element("av1dec").map_err(|e| e.to_string())?,
        sink.clone().upcast(),
    ];
    let pipeline = gst::Pipeline::new();
    pipeline.add_many(&parts).and_then(|()| gst::Element::link_many(&parts)).map_err(|e| e.to_string())?;
    let read = || -> Result<u64, String> {
        pipeline.set_state(gst::State::Playing).map_err(|e| e.to_string())?;
        for (k, unit) in units.into_iter().enumerate() {
            let mut buffer = gst::Buffer::from_mut_slice(unit);
            if let Some(own) = buffer.get_mut() {
                own.set_pts(gst::ClockTime::from_nseconds(spec.rate.frame_nanos(k as i64).max(0) as u64));
            }
            source.push_buffer(buffer).map_err(|e| e.to_string())?;
        }
        source.end_of_stream().map_err(|e| e.to_string())?;
        let (mut frames, mut idle) = (0, 0);
        while !sink.is_eos() {
            if spec.cancel.is_cancelled() {
                return Err("cancelled".to_owned());
            }
            let Some(sample) = sink.try_pull_sample(gst::ClockTime::from_mseconds(200)) else {
                idle += 1;
                let error = pipeline.bus().and_then(|bus| bus.timed_pop_filtered(gst::ClockTime::ZERO, &[gst::MessageType::Error]));
                if error.is_some() || idle > 150 {
                    return Err(format!("picture {frames} cannot be decoded"));
                }
                continue;
            };
            idle = 0;
            let size = sample.caps().and_then(|c| c.structure(0)).map(|s| (s.get::<i32>("width").ok(), s.get::<i32>("height").ok()));
            if size != Some((Some(w), Some(h))) {
                return Err(format!("picture {frames} has another size"));
            }
            frames += 1;
        }
        Ok(frames)
    };
    let read = read();
    if let Err(error) = pipeline.set_state(gst::State::Null) {
        tracing::warn!(%error, "the verifier does not stop cleanly");
    }
    read
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What libaom 3.6 writes before the first picture of 320×180, realtime: a temporal delimiter and a sequence header.
    const OF_LIBAOM: [u8; 16] = [0x12, 0x00, 0x0a, 0x0c, 0x00, 0x00, 0x00, 0x04, 0x3c, 0xfe, 0xcf, 0x81, 0xb5, 0xf2, 0x00, 0x80];

    #[test]
    fn a_header_that_is_silent_about_colour_says_bt709_afterwards() {
        let unit = [OF_LIBAOM.as_slice(), &[0x32, 0x03, 7, 8, 9]].concat();
        let tagged = with_color(&unit, BT709).unwrap();
        // Three bytes more, in the header and nowhere else.
        assert_eq!((tagged.len(), tagged[3]), (unit.len() + 3, 0x0f));
        assert_eq!(tagged[tagged.len() - 5..], [0x32, 0x03, 7, 8, 9]);
        let place = sequence_of(&tagged[4..19]).unwrap();
        assert!(place.is_described && place.has_chroma_place);
        let mut bits = Bits { bytes: &tagged[4..19], at: place.flag_bit + 1 };
        assert_eq!((bits.take(24), bits.take(1), bits.take(2)), (Some(0x01_01_01), Some(0), Some(CHROMA_LEFT)));
        let record = configuration(&tagged).unwrap();
        assert_eq!((&record[..4], &record[4..]), (&[0x81, 0, 0x0d, 0][..], &tagged[2..19]));
        // Nothing else is in the rest than was before; a second time changes nothing.
        assert_eq!(with_color(&tagged, BT709).unwrap(), tagged);
    }

    #[test]
    fn rubbish_and_units_without_a_header_stay_as_they_are() {
        assert_eq!(with_color(&[0x12, 0x00, 0x32, 0x01, 5], BT709), None);
        assert_eq!(with_color(&[], BT709), None);
        for end in 0..OF_LIBAOM.len() {
            let mut cut = OF_LIBAOM[..end].to_vec();
            with_color(&cut, BT709);
            cut.extend([0xff; 9]);
            with_color(&cut, BT709);
        }
        assert_eq!(bare_sample(&[0x12, 0x00, 0x32, 0x01, 5]), Some(vec![0x32, 0x01, 5]));
        assert_eq!(leb128(&to_leb128(300)), Some((300, 2)));
        assert_eq!(leb128(&[0xff; 9]), None);
    }
}
