//! From a stream's caps to what an MP4 file must say of it; byte streams become length-prefixed, with their parameter sets in front.

use bytes::Bytes;

use crate::capture::Codec;
use crate::capture::decode::StreamFormat;
use crate::ring::AccessUnit;
use crate::ring::disk::SegmentFormat;

/// What the producer writes into a segment about its stream, to make a decoder for it later.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(in crate::capture) struct Note {
    pub codec: Codec,
    pub caps: String,
}

impl Note {
    pub(in crate::capture) fn of(codec: Codec, caps: &gst::Caps) -> String {
        // An enum and a string always become JSON.
        serde_json::to_string(&Self { codec, caps: caps.to_string() }).unwrap_or_default()
    }

    /// The stream's format, if the note is one of ours.
    pub(in crate::capture) fn read(text: &str) -> Option<StreamFormat> {
        let note: Self = serde_json::from_str(text).ok()?;
        let caps: gst::Caps = note.caps.parse().ok()?;
        Some(StreamFormat { codec: note.codec, caps: (caps.size() == 1).then_some(caps)? })
    }
}

/// Packs the units of one stream for MP4.
#[derive(Debug)]
pub(super) struct Packer {
    stream: StreamFormat,
    /// The stream is a byte stream; its parameter sets so far, by type and in order of arrival.
    sets: Option<Vec<Vec<u8>>>,
    format: Option<SegmentFormat>,
}

impl Packer {
    /// For a stream; why it cannot be recorded, in words.
    pub(super) fn new(stream: StreamFormat) -> Result<Self, String> {
        let structure = stream.caps.structure(0).ok_or("its caps are empty")?;
        let text = |name: &str| structure.get::<String>(name).unwrap_or_default();
        let codec_data = codec_data(structure);
        let is_byte_stream = !["avc", "avc3", "hvc1", "hev1"].contains(&text("stream-format").as_str());
        let (entry, config): ([u8; 4], Option<([u8; 4], Bytes)>) = match (structure.name().as_str(), codec_data) {
            ("video/x-h264" | "video/x-h265", _) if is_byte_stream => return Ok(Self { stream, sets: Some(Vec::new()), format: None }),
            ("video/x-h264", Some(data)) => (*b"avc1", Some((*b"avcC", data))),
            ("video/x-h265", Some(data)) => (*b"hvc1", Some((*b"hvcC", data))),
            ("image/jpeg", _) => (*b"jpeg", None),
            ("video/x-prores", _) => (prores(&text("variant")).ok_or("its ProRes variant is unknown")?, None),
            ("video/mpeg" | "video/x-divx", Some(data)) => (*b"mp4v", Some((*b"esds", esds(&data)))),
            // The headers are in front of its first picture, where decoders find them.
            ("video/mpeg" | "video/x-divx", None) => (*b"mp4v", Some((*b"esds", esds(&[])))),
            (name, _) => {
                return Err(format!("{name} without codec headers has no place in MP4; record it as H.264, H.265, MJPEG or ProRes"));
            }
        };
        let format = Some(segment_format(entry, config, stream.codec, &stream.caps));
        Ok(Self { stream, sets: None, format })
    }

    /// Goes on where `previous` was when only the caps of a byte stream changed: its parameter sets are still good.
    pub(super) fn after(mut self, previous: Option<Self>) -> Self {
        if let (Some(sets), Some(previous)) = (&mut self.sets, previous)
            && previous.stream.codec == self.stream.codec
        {
            *sets = previous.sets.unwrap_or_default();
            self.format = previous.format;
        }
        self
    }

    /// A unit as it goes into the file, and the format if it is a new one. `None` for a unit before its parameter sets.
    pub(super) fn pack(&mut self, unit: AccessUnit) -> Option<(AccessUnit, Option<SegmentFormat>)> {
        let Some(sets) = &mut self.sets else {
            return Some((unit, self.format.take()));
        };
        let h265 = self.stream.codec == Codec::H265;
        let nals: Vec<&[u8]> = nals(&unit.payload).collect();
        if unit.keyframe {
            let found: Vec<Vec<u8>> = nals.iter().filter(|nal| is_parameter_set(nal, h265)).map(|nal| nal.to_vec()).collect();
            if !found.is_empty() && found != *sets {
                let config = if h265 { hvcc(&found) } else { avcc(&found) };
                if let Some(config) = config {
                    *sets = found;
                    let mut caps = self.stream.caps.clone();
                    if let Some(structure) = caps.make_mut().structure_mut(0) {
                        structure.set("stream-format", if h265 { "hvc1" } else { "avc" });
                        structure.set("codec_data", gst::Buffer::from_slice(config.clone()));
                    }
                    let (entry, kind) = if h265 { (*b"hvc1", *b"hvcC") } else { (*b"avc1", *b"avcC") };
                    self.format = Some(segment_format(entry, Some((kind, config.into())), self.stream.codec, &caps));
                }
            }
        }
        if sets.is_empty() {
            return None;
        }
        let mut payload = Vec::with_capacity(unit.payload.len() + 4 * nals.len());
        for nal in nals {
            payload.extend_from_slice(&(nal.len() as u32).to_be_bytes());
            payload.extend_from_slice(nal);
        }
        Some((AccessUnit { payload: payload.into(), ..unit }, self.format.take()))
    }
}

fn codec_data(structure: &gst::StructureRef) -> Option<Bytes> {
    let buffer = structure.get::<gst::Buffer>("codec_data").ok()?;
    let map = buffer.map_readable().ok()?;
    (!map.is_empty()).then(|| Bytes::copy_from_slice(&map))
}

fn segment_format(entry: [u8; 4], config: Option<([u8; 4], Bytes)>, codec: Codec, caps: &gst::Caps) -> SegmentFormat {
    let side = |name: &str| caps.structure(0).and_then(|s| s.get::<i32>(name).ok()).and_then(|v| u32::try_from(v).ok()).unwrap_or(0);
    SegmentFormat { entry, config, width_px: side("width"), height_px: side("height"), note: Note::of(codec, caps) }
}

fn prores(variant: &str) -> Option<[u8; 4]> {
    match variant {
        "proxy" => Some(*b"apco"),
        "lt" => Some(*b"apcs"),
        "standard" | "" => Some(*b"apcn"),
        "hq" => Some(*b"apch"),
        "4444" => Some(*b"ap4h"),
        "4444xq" => Some(*b"ap4x"),
        _ => None,
    }
}

/// MPEG-4 part 1's description of a part 2 stream with these headers.
fn esds(headers: &[u8]) -> Bytes {
    let descriptor = |tag: u8, inside: &[u8]| {
        let len = inside.len() as u32;
        let mut out = vec![tag, (len >> 21) as u8 | 0x80, (len >> 14) as u8 | 0x80, (len >> 7) as u8 | 0x80, len as u8 & 0x7f];
        out.extend_from_slice(inside);
        out
    };
    let mut decoder = vec![0x20, 0x11]; // MPEG-4 visual, a video stream
    decoder.extend_from_slice(&[0; 11]);
    if !headers.is_empty() {
        decoder.extend(descriptor(5, headers));
    }
    let mut stream = vec![0, 1, 0];
    stream.extend(descriptor(4, &decoder));
    stream.extend(descriptor(6, &[2]));
    let mut out = vec![0; 4];
    out.extend(descriptor(3, &stream));
    out.into()
}

/// What lies between start codes, without the zeros around it.
fn nals(stream: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = start_code(stream).map_or(&[][..], |at| &stream[at + 3..]);
    std::iter::from_fn(move || {
        while !rest.is_empty() {
            let end = start_code(rest);
            let (nal, next) = end.map_or((rest, &[][..]), |at| (&rest[..at], &rest[at + 3..]));
            rest = next;
            let len = nal.iter().rposition(|b| *b != 0).map_or(0, |last| last + 1);
            if len > 0 {
                return Some(&nal[..len]);
            }
        }
        None
    })
}

fn start_code(bytes: &[u8]) -> Option<usize> {
    // Looks at every third byte: between start codes most are greater than 1.
    let mut i = 2;
    while i < bytes.len() {
        match bytes[i] {
            0 => i += 1,
            1 if bytes[i - 1] == 0 && bytes[i - 2] == 0 => return Some(i - 2),
            _ => i += 3,
        }
    }
    None
}

const fn h265_type(nal: &[u8]) -> u8 {
    if nal.is_empty() { 0 } else { nal[0] >> 1 & 0x3f }
}

const fn is_parameter_set(nal: &[u8], h265: bool) -> bool {
    if nal.is_empty() {
        return false;
    }
    if h265 { matches!(h265_type(nal), 32..=34) } else { matches!(nal[0] & 0x1f, 7 | 8) }
}

/// Reads bits of a parameter set without its emulation prevention bytes.
struct Bits {
    bytes: Vec<u8>,
    at: usize,
}

impl Bits {
    fn new(nal: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(nal.len());
        for (i, b) in nal.iter().enumerate() {
            if !(*b == 3 && i >= 2 && nal[i - 1] == 0 && nal[i - 2] == 0) {
                bytes.push(*b);
            }
        }
        Self { bytes, at: 0 }
    }

    fn bits(&mut self, count: usize) -> Option<u32> {
        let mut value = 0;
        for _ in 0..count {
            let byte = self.bytes.get(self.at / 8)?;
            value = value << 1 | u32::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Some(value)
    }

    /// An Exp-Golomb number.
    fn number(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while self.bits(1)? == 0 {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        Some((1_u32 << zeros) - 1 + self.bits(zeros)?)
    }
}

/// ISO/IEC 14496-15: what a decoder must know of an H.264 stream before its first picture.
fn avcc(sets: &[Vec<u8>]) -> Option<Vec<u8>> {
    let of = |kind: u8| sets.iter().filter(move |nal| nal[0] & 0x1f == kind);
    let sps = of(7).next()?;
    let (profile, compatible, level) = (*sps.get(1)?, *sps.get(2)?, *sps.get(3)?);
    let mut out = vec![1, profile, compatible, level, 0xff, 0xe0 | of(7).count().min(31) as u8];
    let put = |out: &mut Vec<u8>, nal: &Vec<u8>| {
        out.extend_from_slice(&(nal.len() as u16).to_be_bytes());
        out.extend_from_slice(nal);
    };
    of(7).take(31).for_each(|nal| put(&mut out, nal));
    out.push(of(8).count().min(255) as u8);
    of(8).next()?;
    of(8).take(255).for_each(|nal| put(&mut out, nal));
    if matches!(profile, 100 | 110 | 122 | 144) {
        let mut bits = Bits::new(&sps[4..]);
        bits.number()?;
        let chroma = bits.number()?;
        if chroma == 3 {
            bits.bits(1)?;
        }
        out.extend([0xfc | chroma as u8 & 3, 0xf8 | bits.number()? as u8 & 7, 0xf8 | bits.number()? as u8 & 7, 0]);
    }
    Some(out)
}

/// The same for H.265.
fn hvcc(sets: &[Vec<u8>]) -> Option<Vec<u8>> {
    let of = |kind: u8| sets.iter().filter(move |nal| h265_type(nal) == kind);
    let mut bits = Bits::new(of(33).next()?.get(2..)?);
    bits.bits(4)?;
    let sub_layers = bits.bits(3)?;
    let nested = bits.bits(1)?;
    let mut out = vec![1];
    for _ in 0..12 {
        out.push(bits.bits(8)? as u8);
    }
    let mut present = Vec::new();
    if sub_layers > 0 {
        for layer in 0..8 {
            let flags = bits.bits(2)?;
            if layer < sub_layers {
                present.push(flags);
            }
        }
    }
    for flags in present {
        let skip = if flags & 2 != 0 { 88 } else { 0 } + if flags & 1 != 0 { 8 } else { 0 };
        for _ in 0..skip {
            bits.bits(1)?;
        }
    }
    bits.number()?;
    let chroma = bits.number()?;
    if chroma == 3 {
        bits.bits(1)?;
    }
    bits.number()?;
    bits.number()?;
    if bits.bits(1)? == 1 {
        for _ in 0..4 {
            bits.number()?;
        }
    }
    let (luma, in_chroma) = (bits.number()?, bits.number()?);
    out.extend([0xf0, 0, 0xfc, 0xfc | chroma as u8 & 3, 0xf8 | luma as u8 & 7, 0xf8 | in_chroma as u8 & 7, 0, 0]);
    out.push(((sub_layers as u8 + 1) & 7) << 3 | (nested as u8) << 2 | 3);
    out.push(3);
    for kind in 32..=34 {
        out.push(0x80 | kind);
        out.extend_from_slice(&(of(kind).count() as u16).to_be_bytes());
        for nal in of(kind) {
            out.extend_from_slice(&(nal.len() as u16).to_be_bytes());
            out.extend_from_slice(nal);
        }
    }
    (of(32).count() > 0 && of(34).count() > 0).then_some(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn byte_streams_are_cut_at_start_codes() {
        let stream = [0, 0, 0, 1, 9, 0xf0, 0, 0, 1, 0x67, 1, 2, 0, 0, 0, 1, 0x68, 5, 0, 0, 1, 0x65, 0, 3, 4, 0];
        let cut: Vec<&[u8]> = nals(&stream).collect();
        assert_eq!(cut, [&[9, 0xf0][..], &[0x67, 1, 2], &[0x68, 5], &[0x65, 0, 3, 4]]);
        assert_eq!(nals(&[1, 2, 3]).count(), 0);
    }

    proptest! {
        #[test]
        fn nothing_that_arrives_is_a_panic(bytes in prop::collection::vec(prop_oneof![4 => 0_u8..4, 1 => any::<u8>()], 0..200)) {
            let mut sets: Vec<Vec<u8>> = nals(&bytes).map(<[u8]>::to_vec).collect();
            prop_assert!(sets.iter().all(|nal| !nal.is_empty()));
            // As if they were parameter sets.
            for kinds in [[0x67, 0x68, 0x67], [0x40, 0x42, 0x44]] {
                sets.iter_mut().zip(kinds.iter().cycle()).for_each(|(nal, kind)| nal[0] = *kind);
                let _ = (avcc(&sets), hvcc(&sets));
            }
        }
    }
}
