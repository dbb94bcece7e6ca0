//! Fragmented MP4 taken apart: the header, then segment after segment, each with its time. What the muxer gives is read as it comes.
//!
//! ISO/IEC 14496-12: boxes (4.2), `mdhd` (8.4.2), `tfhd`, `trun` and `tfdt` (8.8.7, 8.8.8, 8.8.12). Names of codecs: RFC 6381, ISO/IEC 14496-15
//! annex E, AV1 Codec ISO Media File Format Binding 5.
//!
//! Must not know: GStreamer, where segments go.

use std::fmt::Write as _;

/// A segment of more than this is none of ours, bytes.
const MOST_BYTES: usize = 512 << 20;

/// What comes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fragment {
    /// What players need before all segments.
    Header {
        /// The boxes.
        bytes: Vec<u8>,
        /// Ticks a second.
        timescale: u32,
        /// The codec, as lists for players name it.
        codec: String,
    },
    /// A segment.
    Segment {
        /// The boxes.
        bytes: Vec<u8>,
        /// When it begins, ticks.
        begin: u64,
        /// How long it is, ticks.
        length: u64,
    },
}

/// Takes a stream of bytes apart.
#[derive(Debug, Default)]
pub(super) struct Splitter {
    waiting: Vec<u8>,
    header: Vec<u8>,
    /// A fragment's description, whose pictures come next.
    described: Vec<u8>,
}

/// Name and content of the boxes within `data`.
fn boxes(mut data: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    std::iter::from_fn(move || {
        let (head, _) = data.split_at_checked(8)?;
        let size = number(head, 0, 4)? as usize;
        let own = data.get(8..size)?;
        let name = head[4..].try_into().ok()?;
        data = data.get(size..)?;
        Some((name, own))
    })
}

/// The content of the first box of that path.
fn find<'a>(data: &'a [u8], path: &[&[u8; 4]]) -> Option<&'a [u8]> {
    path.iter().try_fold(data, |data, name| boxes(data).find(|(n, _)| n == *name).map(|(_, own)| own))
}

fn number(data: &[u8], at: usize, bytes: usize) -> Option<u64> {
    Some(data.get(at..at + bytes)?.iter().fold(0, |v, b| v << 8 | u64::from(*b)))
}

impl Splitter {
    /// The next bytes of the stream, and what is whole by now.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<Fragment>, String> {
        self.waiting.extend_from_slice(bytes);
        let (mut out, mut at) = (Vec::new(), 0);
        while let Some(size) = number(&self.waiting, at, 4).filter(|_| self.waiting.len() >= at + 8) {
            let size = size as usize;
            if !(8..=MOST_BYTES).contains(&size) {
                return Err("the muxer gives boxes without a sensible size".to_owned());
            }
            let Some(whole) = self.waiting.get(at..at + size) else { break };
            match &whole[4..8] {
                b"ftyp" => self.header = whole.to_vec(),
                b"moov" => {
                    self.header.extend_from_slice(whole);
                    out.push(header(std::mem::take(&mut self.header)).ok_or("the muxer gives a header that cannot be read")?);
                }
                b"moof" => self.described = whole.to_vec(),
                b"mdat" if !self.described.is_empty() => {
                    let mut bytes = std::mem::take(&mut self.described);
                    let (begin, length) = times(&bytes).ok_or("the muxer gives a segment without times")?;
                    bytes.extend_from_slice(whole);
                    out.push(Fragment::Segment { bytes, begin, length });
                }
                // What the muxer adds at the end is for players of files.
                _ => {}
            }
            at += size;
        }
        self.waiting.drain(..at);
        Ok(out)
    }
}

fn header(bytes: Vec<u8>) -> Option<Fragment> {
    let media = find(&bytes, &[b"moov", b"trak", b"mdia"])?;
    let times = find(media, &[b"mdhd"])?;
    let timescale = number(times, if times.first() == Some(&1) { 20 } else { 12 }, 4)? as u32;
    let entries = find(media, &[b"minf", b"stbl", b"stsd"])?;
    let codec = codec_of(boxes(entries.get(8..)?).next()?)?;
    Some(Fragment::Header { bytes, timescale, codec })
}

/// The codec of a sample entry.
fn codec_of((name, entry): ([u8; 4], &[u8])) -> Option<String> {
    // Behind what all pictures have.
    let own = |kind: &[u8; 4]| find(entry.get(78..)?, &[kind]);
    let name = String::from_utf8(name.to_vec()).ok()?;
    Some(match name.as_str() {
        "avc1" | "avc3" => {
            let record = own(b"avcC")?;
            format!("{name}.{:02x}{:02x}{:02x}", record.get(1)?, record.get(2)?, record.get(3)?)
        }
        "hvc1" | "hev1" => {
            let record = own(b"hvcC")?;
            let (first, compatible) = (*record.get(1)?, (number(record, 2, 4)? as u32).reverse_bits());
            let space = ["", "A", "B", "C"][usize::from(first >> 6)];
            let tier = if first & 0x20 == 0 { 'L' } else { 'H' };
            let constraints = record.get(6..12)?;
            let used = constraints.iter().rposition(|b| *b != 0).map_or(0, |last| last + 1);
            let mut text = format!("{name}.{space}{}.{compatible:X}.{tier}{}", first & 0x1f, record.get(12)?);
            for byte in &constraints[..used] {
                write!(text, ".{byte:X}").ok()?;
            }
            text
        }
        "av01" => {
            let record = own(b"av1C")?;
            let (first, second) = (*record.get(1)?, *record.get(2)?);
            let bits = if second & 0x40 == 0 { 8 } else { 10 };
            let tier = if second & 0x80 == 0 { 'M' } else { 'H' };
            format!("av01.{}.{:02}{tier}.{bits:02}", first >> 5, first & 0x1f)
        }
        "mp4a" => "mp4a.40.2".to_owned(),
        _ => name,
    })
}

/// When a fragment begins and how long it is.
fn times(moof: &[u8]) -> Option<(u64, u64)> {
    let track = find(moof, &[b"moof", b"traf"])?;
    let decode = find(track, &[b"tfdt"])?;
    let begin = number(decode, 4, if decode.first() == Some(&1) { 8 } else { 4 })?;
    let defaults = find(track, &[b"tfhd"])?;
    let flags = number(defaults, 1, 3)?;
    // Behind the track's number: base offset, sample description.
    let at = 8 + if flags & 1 == 0 { 0 } else { 8 } + if flags & 2 == 0 { 0 } else { 4 };
    let standard = if flags & 8 == 0 { None } else { number(defaults, at, 4) };
    let mut length = 0;
    for (_, run) in boxes(track).filter(|(name, _)| name == b"trun") {
        let (flags, count) = (number(run, 1, 3)?, number(run, 4, 4)?);
        let field = |flag: u64| usize::from(flags & flag != 0) * 4;
        let first = 8 + field(0x1) + field(0x4);
        let stride = field(0x100) + field(0x200) + field(0x400) + field(0x800);
        length += if flags & 0x100 == 0 {
            count * standard?
        } else {
            (0..count as usize).map(|k| number(run, first + k * stride, 4)).sum::<Option<u64>>()?
        };
    }
    Some((begin, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(name: [u8; 4], parts: &[&[u8]]) -> Vec<u8> {
        let data = parts.concat();
        [&(data.len() as u32 + 8).to_be_bytes()[..], &name, &data].concat()
    }

    fn segment(begin: u64, lengths: &[u32]) -> Vec<u8> {
        let decode = boxed(*b"tfdt", &[&[1, 0, 0, 0], &begin.to_be_bytes()]);
        let defaults = boxed(*b"tfhd", &[&[0; 4], &[0, 0, 0, 1]]);
        let samples: Vec<u8> = lengths.iter().flat_map(|l| [l.to_be_bytes(), [0, 0, 0, 9]].concat()).collect();
        let run = boxed(*b"trun", &[&[0, 0, 3, 1], &(lengths.len() as u32).to_be_bytes(), &[0; 4], &samples]);
        let moof = boxed(*b"moof", &[&boxed(*b"mfhd", &[&[0; 8]]), &boxed(*b"traf", &[&defaults, &decode, &run])]);
        [moof, boxed(*b"mdat", &[&[7; 30]])].concat()
    }

    #[test]
    fn segments_come_out_whole_however_they_come_in() {
        let stream = [boxed(*b"styp", &[b"msdh"]), segment(500, &[20, 20, 21]), segment(561, &[20])].concat();
        let wanted = [(500, 61), (561, 20)];
        for step in [1, 7, 64, stream.len()] {
            let mut splitter = Splitter::default();
            let out: Vec<Fragment> = stream.chunks(step).flat_map(|part| splitter.push(part).unwrap()).collect();
            let times: Vec<_> = out
                .iter()
                .map(|f| match f {
                    Fragment::Segment { begin, length, bytes } => {
                        assert_eq!(&bytes[4..8], b"moof");
                        (*begin, *length)
                    }
                    Fragment::Header { .. } => panic!("{f:?}"),
                })
                .collect();
            assert_eq!(times, wanted, "{step}");
        }
        assert!(Splitter::default().push(&[0, 0, 0, 3, 0, 0, 0, 0]).is_err());
        // A segment without its times is told, and rubbish is no panic.
        assert!(Splitter::default().push(&[boxed(*b"moof", &[&[0xff; 40]]), boxed(*b"mdat", &[&[0]])].concat()).is_err());
    }

    #[test]
    fn codecs_have_the_names_that_players_ask_for() {
        let entry = |record: &[u8; 4], data: &[u8]| [vec![0; 78], boxed(*record, &[data])].concat();
        let name = |kind: &[u8; 4], record: &[u8; 4], data: &[u8]| codec_of((*kind, &entry(record, data)));
        assert_eq!(name(b"avc1", b"avcC", &[1, 0x64, 0, 0x1f]).as_deref(), Some("avc1.64001f"));
        assert_eq!(name(b"av01", b"av1C", &[0x81, 4, 0]).as_deref(), Some("av01.0.04M.08"));
        let main = [1, 1, 0x60, 0, 0, 0, 0xb0, 0, 0, 0, 0, 0, 93];
        assert_eq!(name(b"hvc1", b"hvcC", &main).as_deref(), Some("hvc1.1.6.L93.B0"));
        assert_eq!(name(b"avc1", b"avcC", &[1]), None);
        assert_eq!(codec_of((*b"mp4a", &[])).as_deref(), Some("mp4a.40.2"));
    }
}
