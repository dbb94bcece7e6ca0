//! What GStreamer's muxers write into files that should not be there.
//!
//! The time of writing, in MP4 and MOV: the same pictures are to give the same bytes.
//! ISO/IEC 14496-12: `mvhd`, `tkhd` and `mdhd` begin with version and flags (4 bytes), then creation and modification time (4 bytes each in
//! version 0, 8 in version 1). Zero says that they are not known.

use std::{
    fs::OpenOptions,
    io::{Error, Read as _, Seek as _, SeekFrom, Write as _},
    path::Path,
};

/// A `moov` of more than this is none of ours, bytes.
const MOST_MOOV_BYTES: u64 = 1 << 30;

/// Sets the times to zero where they stand.
pub(super) fn undate(file: &Path) -> Result<(), Error> {
    let mut file = OpenOptions::new().read(true).write(true).open(file)?;
    let end = file.metadata()?.len();
    let mut at = 0;
    while at + 8 <= end {
        file.seek(SeekFrom::Start(at))?;
        let mut head = [0; 16];
        file.read_exact(&mut head[..8])?;
        let small = u64::from(u32::from_be_bytes([head[0], head[1], head[2], head[3]]));
        let size = match small {
            0 => end - at,
            1 => {
                file.read_exact(&mut head[8..])?;
                head[8..].iter().fold(0, |v, b| v << 8 | u64::from(*b))
            }
            size => size,
        };
        if size < 8 || size > end - at {
            return Err(Error::other("a box of the file has no sensible size"));
        }
        if &head[4..8] == b"moov" && size <= MOST_MOOV_BYTES {
            let mut moov = vec![0; size as usize - 8];
            file.seek(SeekFrom::Start(at + 8))?;
            file.read_exact(&mut moov)?;
            clear(&mut moov);
            file.seek(SeekFrom::Start(at + 8))?;
            return file.write_all(&moov);
        }
        at += size;
    }
    Err(Error::other("the file has no index"))
}

/// GStreamer's Matroska muxer writes a comment as its own caps would quote it: `"two\ words"`. Puts the plain text in its place, and fills up
/// with zeros, which Matroska allows behind texts (RFC 8794, 7.4). Comments stand near the end of the file.
pub(super) fn unquote(file: &Path, comment: &str) -> Result<(), Error> {
    const TAIL_BYTES: u64 = 1 << 20;
    let mut file = OpenOptions::new().read(true).write(true).open(file)?;
    let from = file.metadata()?.len().saturating_sub(TAIL_BYTES);
    file.seek(SeekFrom::Start(from))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    let begin: Vec<u8> = format!("\"{}", comment.split(' ').next().unwrap_or_default()).into_bytes();
    let Some(at) = tail.windows(begin.len()).position(|w| w == begin) else { return Ok(()) };
    let mut length = 1;
    while let Some(byte) = tail.get(at + length).filter(|b| **b != b'"') {
        length += if *byte == b'\\' { 2 } else { 1 };
    }
    let mut plain = comment.as_bytes().to_vec();
    if plain.len() > length + 1 || at + length >= tail.len() {
        return Ok(());
    }
    plain.resize(length + 1, 0);
    file.seek(SeekFrom::Start(from + at as u64))?;
    file.write_all(&plain)
}

/// Every key begins so.
const UNIVERSAL: [u8; 4] = [0x06, 0x0e, 0x2b, 0x34];
/// The key of a timecode component (SMPTE ST 377-1, annex A), and the tags of its start and of whether labels are dropped.
const TIMECODE_COMPONENT: [u8; 16] = [0x06, 0x0e, 0x2b, 0x34, 0x02, 0x53, 0x01, 0x01, 0x0d, 0x01, 0x01, 0x01, 0x01, 0x01, 0x14, 0x00];
const START_TIMECODE: [u8; 4] = [0x15, 0x01, 0, 8];
const DROP_FRAME: [u8; 4] = [0x15, 0x03, 0, 1];

/// GStreamer's MXF muxer begins every timecode at zero. Writes the label of the first frame, as frames since midnight, where zero stands: in every
/// timecode component of the file, found by walking over its KLV triplets (SMPTE ST 336) from its beginning to its end. Returns in how many places.
pub(super) fn label_mxf(file: &Path, first: u64, drops: bool) -> Result<usize, Error> {
    /// A component is far smaller than this.
    const MOST_COMPONENT_BYTES: u64 = 1 << 16;
    let wrong = || Error::other("its parts have no sensible sizes");
    let mut file = OpenOptions::new().read(true).write(true).open(file)?;
    let length = file.metadata()?.len();
    let (mut at, mut places) = (0, 0);
    while at < length {
        let mut head = [0; 25];
        let has = (length - at).min(25) as usize;
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(&mut head[..has])?;
        let more = usize::from(head[16] & 0x7f);
        let (size, own_bytes) = match head[16] {
            0..0x80 => (more as u64, 1),
            _ if (1..=8).contains(&more) => (head[17..17 + more].iter().fold(0, |v, b| v << 8 | u64::from(*b)), 1 + more),
            _ => return Err(wrong()),
        };
        let begin = at + 16 + own_bytes as u64;
        let end = begin.checked_add(size).filter(|end| *end <= length && head.starts_with(&UNIVERSAL)).ok_or_else(wrong)?;
        if head[..16] == TIMECODE_COMPONENT && size <= MOST_COMPONENT_BYTES {
            let mut own = vec![0; size as usize];
            file.seek(SeekFrom::Start(begin))?;
            file.read_exact(&mut own)?;
            if label_component(&mut own, first, drops) {
                places += 1;
                file.seek(SeekFrom::Start(begin))?;
                file.write_all(&own)?;
            }
        }
        at = end;
    }
    Ok(places)
}

/// Sets start and kind in a local set: items of a tag (2 bytes), a length (2) and a value. Whether both stand in it.
fn label_component(own: &mut [u8], first: u64, drops: bool) -> bool {
    let (mut at, mut set) = (0, 0);
    while at + 4 <= own.len() {
        let size = usize::from(u16::from_be_bytes([own[at + 2], own[at + 3]]));
        let tag = [own[at], own[at + 1], own[at + 2], own[at + 3]];
        let Some(value) = own.get_mut(at + 4..at + 4 + size) else { return false };
        match tag {
            START_TIMECODE => value.copy_from_slice(&first.to_be_bytes()),
            DROP_FRAME => value.copy_from_slice(&[u8::from(drops)]),
            _ => {
                at += 4 + size;
                continue;
            }
        }
        (at, set) = (at + 4 + size, set + 1);
    }
    set == 2
}

/// Walks through boxes.
fn clear(mut boxes: &mut [u8]) {
    while boxes.len() >= 8 {
        let size = u32::from_be_bytes([boxes[0], boxes[1], boxes[2], boxes[3]]) as usize;
        if size < 8 || size > boxes.len() {
            return;
        }
        let (this, rest) = std::mem::take(&mut boxes).split_at_mut(size);
        let (name, body) = this[4..].split_at_mut(4);
        match &*name {
            b"trak" | b"mdia" => clear(body),
            b"mvhd" | b"tkhd" | b"mdhd" => {
                let times = if body.first() == Some(&1) { 16 } else { 8 };
                if let Some(times) = body.get_mut(4..4 + times) {
                    times.fill(0);
                }
            }
            _ => {}
        }
        boxes = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(name: &str, body: &[u8]) -> Vec<u8> {
        [&(body.len() as u32 + 8).to_be_bytes()[..], name.as_bytes(), body].concat()
    }

    #[test]
    fn a_comment_is_plain_text() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a.mkv");
        std::fs::write(&file, br#"<<"volte\ 1:\ all\,\ real">>"#).unwrap();
        unquote(&file, "volte 1: all, real").unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), b"<<volte 1: all, real\0\0\0\0\0\0>>");
        std::fs::write(&file, b"nothing").unwrap();
        unquote(&file, "volte 1").unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), b"nothing");
    }

    #[test]
    fn the_timecode_of_an_mxf_begins_where_it_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a.mxf");
        let klv = |key: [u8; 16], long: bool, value: &[u8]| {
            let size = value.len() as u32;
            let length = if long { [&[0x84][..], &size.to_be_bytes()].concat() } else { vec![size as u8] };
            [&key[..], &length, value].concat()
        };
        let other = {
            let mut key = TIMECODE_COMPONENT;
            key[14] = 9;
            key
        };
        let set = |start: u64, drops: u8| {
            [&[0x3c, 0x0a, 0, 2, 1, 2][..], &START_TIMECODE, &start.to_be_bytes(), &DROP_FRAME, &[drops], &[0x15, 0x02, 0, 1, 7]].concat()
        };
        // Bytes within a picture that look like a component are none, and metadata may stand anywhere.
        let picture = [vec![2; 700_000], klv(TIMECODE_COMPONENT, false, &set(0, 0)), vec![3; 700_000]].concat();
        let whole = |start: u64, drops: u8| {
            let own = |long| klv(TIMECODE_COMPONENT, long, &set(start, drops));
            [klv(other, false, &[1; 40]), own(false), klv(other, true, &picture), own(true), klv(other, true, &vec![5; 300_000])].concat()
        };
        std::fs::write(&file, whole(0, 0)).unwrap();
        assert_eq!(label_mxf(&file, 90_000, true).unwrap(), 2);
        assert!(std::fs::read(&file).unwrap() == whole(90_000, 1));
        std::fs::write(&file, klv(other, true, &picture)).unwrap();
        assert_eq!(label_mxf(&file, 1, false).unwrap(), 0);
        // One that is no such file, and one that was cut.
        for broken in [&[9; 100][..], &whole(0, 0)[..400], &TIMECODE_COMPONENT] {
            std::fs::write(&file, broken).unwrap();
            assert!(label_mxf(&file, 1, false).is_err());
        }
    }

    #[test]
    fn only_the_times_are_taken_out() {
        let head = |version: u8, times: usize| [&[version, 0, 0, 7][..], &vec![9; times], &[5; 12]].concat();
        let with = |mvhd: &[u8], tkhd: &[u8], mdhd: &[u8]| {
            let trak = boxed("trak", &[boxed("tkhd", tkhd), boxed("mdia", &boxed("mdhd", mdhd))].concat());
            [boxed("ftyp", b"isom"), boxed("moov", &[boxed("mvhd", mvhd), trak].concat()), boxed("mdat", &[9; 64])].concat()
        };
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a.mp4");
        std::fs::write(&file, with(&head(0, 8), &head(0, 8), &head(1, 16))).unwrap();
        undate(&file).unwrap();
        let none = |version: u8, times: usize| [&[version, 0, 0, 7][..], &vec![0; times], &[5; 12]].concat();
        assert_eq!(std::fs::read(&file).unwrap(), with(&none(0, 8), &none(0, 8), &none(1, 16)));
        for broken in [&b"\0\0\0\x04moov"[..], b"\0\0\0\xffmoov", b""] {
            std::fs::write(&file, broken).unwrap();
            assert!(undate(&file).is_err());
        }
    }
}
