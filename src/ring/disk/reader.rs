//! Reads segments back, whatever happened to them: cut off anywhere, overwritten, or not ours at all. Nothing is allocated by a
//! length that the file claims, every entry is covered by a check sum, and after a damaged place the next whole fragment is found.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};

use super::boxes::header;
use super::segment::{
    HEAD_UUID, MAX_UNITS, SegmentHead, TAIL_BYTES, TAIL_UUID, UNIT_BYTES, UNITS_AT, UNITS_UUID, bits, fragment_header_bytes,
};
use crate::ring::UnitFlags;
use crate::time::MediaTime;

/// Bytes of a segment's description at most.
const MAX_HEAD_BYTES: u64 = 1 << 20;
/// Bytes searched at a time for the next fragment after a damaged place.
const SEARCH_BYTES: usize = 64 << 10;

/// Bytes with a length, readable anywhere: a file, or memory in tests.
pub trait ByteSource {
    /// Bytes there are.
    fn size(&self) -> io::Result<u64>;

    /// Fills `into` from `offset` on; an error when there is less.
    fn read_at(&mut self, offset: u64, into: &mut [u8]) -> io::Result<()>;
}

impl ByteSource for File {
    fn size(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&mut self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        self.seek(SeekFrom::Start(offset))?;
        self.read_exact(into)
    }
}

impl ByteSource for &[u8] {
    fn size(&self) -> io::Result<u64> {
        Ok(self.len() as u64)
    }

    fn read_at(&mut self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let part = start.checked_add(into.len()).and_then(|end| self.get(start..end));
        into.copy_from_slice(part.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

/// Why a file is not a segment.
#[derive(Debug, thiserror::Error)]
pub enum SegmentError {
    /// It cannot be read.
    #[error("cannot be read: {0}. Check the disk")]
    Io(#[from] io::Error),
    /// Somebody else's file, or its beginning is damaged.
    #[error("is not a recording of this program, or its beginning is damaged; it is left alone")]
    Foreign,
}

/// One unit in a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnitEntry {
    /// House time.
    pub pts: MediaTime,
    /// How long it is shown, nanoseconds.
    pub duration_nanos: u32,
    /// Decoding can start here.
    pub keyframe: bool,
    /// No other unit needs it.
    pub droppable: bool,
    /// Marks.
    pub flags: UnitFlags,
    /// Units before this one are missing.
    pub after_gap: bool,
    /// Where its payload begins in the file.
    pub offset: u64,
    /// Payload bytes.
    pub len: u32,
    /// Check sum of the payload.
    pub crc: u32,
}

impl UnitEntry {
    /// The payload; `None` when it is no longer what was written.
    pub fn payload(&self, source: &mut impl ByteSource) -> io::Result<Option<bytes::Bytes>> {
        // The length was checked against the file when the entry was read; the file may have been cut since.
        if self.offset.saturating_add(u64::from(self.len)) > source.size()? {
            return Ok(None);
        }
        let mut payload = vec![0; self.len as usize];
        source.read_at(self.offset, &mut payload)?;
        Ok((crc32fast::hash(&payload) == self.crc).then(|| payload.into()))
    }
}

/// A segment's contents without the payloads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// What it says about itself.
    pub head: SegmentHead,
    /// Units of whole fragments, in decode order.
    pub units: Vec<UnitEntry>,
    /// Bytes at its end that belong to no whole fragment (it was cut off), or between fragments (it is damaged).
    pub lost_bytes: u64,
    /// It was closed in order.
    pub closed: bool,
}

impl Segment {
    /// Earliest time and end of the last frame.
    pub fn span(&self) -> Option<(MediaTime, MediaTime)> {
        let from = self.units.iter().map(|u| u.pts).min()?;
        let until = self.units.iter().map(|u| u.pts.plus_nanos(i64::from(u.duration_nanos.max(1)))).max()?;
        Some((from, until))
    }
}

/// What the beginning of a segment says, and where its fragments begin.
pub fn read_head(source: &mut impl ByteSource) -> Result<(SegmentHead, u64), SegmentError> {
    let size = source.size()?;
    let mut offset = 0;
    let mut head = None;
    // ftyp, uuid, moov: three boxes, in this order.
    for _ in 0..3 {
        let (len, kind, header_len) = box_at(source, offset, size).ok_or(SegmentError::Foreign)?;
        // No check sum covers the length of moov: where the first fragment begins is looked for.
        if &kind == b"moov" {
            return Ok((head.ok_or(SegmentError::Foreign)?, next_fragment(source, offset + header_len, size)));
        }
        let end = offset.checked_add(len).filter(|end| *end <= size).ok_or(SegmentError::Foreign)?;
        match &kind {
            b"ftyp" => {}
            b"uuid" if head.is_none() && (24..MAX_HEAD_BYTES).contains(&len) => {
                let mut bytes = vec![0; (len - header_len) as usize];
                source.read_at(offset + header_len, &mut bytes)?;
                head = parse_head(&bytes);
            }
            _ => return Err(SegmentError::Foreign),
        }
        offset = end;
    }
    Err(SegmentError::Foreign)
}

fn parse_head(bytes: &[u8]) -> Option<SegmentHead> {
    let rest = bytes.strip_prefix(&HEAD_UUID)?;
    let (sum, json) = rest.split_at_checked(4)?;
    (crc32fast::hash(json) == u32::from_be_bytes(sum.try_into().ok()?)).then(|| serde_json::from_slice(json).ok())?
}

fn box_at(source: &mut impl ByteSource, offset: u64, size: u64) -> Option<(u64, [u8; 4], u64)> {
    let mut bytes = [0; 16];
    let there = size.saturating_sub(offset).min(16) as usize;
    source.read_at(offset, &mut bytes[..there]).ok()?;
    header(&bytes[..there])
}

/// What a segment that was closed in order spans: (from, until, units), from its last bytes alone.
pub fn read_tail(source: &mut impl ByteSource) -> Option<(MediaTime, MediaTime, u64)> {
    let at = source.size().ok()?.checked_sub(TAIL_BYTES as u64)?;
    let mut bytes = [0; TAIL_BYTES];
    source.read_at(at, &mut bytes).ok()?;
    let (len, kind, _) = header(&bytes)?;
    let (body, sum) = bytes[8..].split_at_checked(TAIL_BYTES - 12)?;
    let right = len == TAIL_BYTES as u64 && &kind == b"uuid" && crc32fast::hash(body) == be_u32(sum, 0)?;
    let body = body.strip_prefix(&TAIL_UUID).filter(|_| right)?;
    let time = |at| be_u64(body, at).map(|v| MediaTime::from_nanos(v as i64));
    Some((time(0)?, time(8)?, be_u64(body, 16)?))
}

/// Reads everything but the payloads. Whole fragments are always found, whatever lies between them.
pub fn read_segment(source: &mut impl ByteSource) -> Result<Segment, SegmentError> {
    let (head, first) = read_head(source)?;
    let size = source.size()?;
    let mut segment = Segment { head, units: Vec::new(), lost_bytes: 0, closed: false };
    let mut offset = first;
    let mut expected = 1_u32;
    while offset < size {
        if let Some((fragment, end)) = fragment_at(source, offset, size) {
            let start = segment.units.len();
            segment.units.extend(fragment.units);
            if let Some(unit) = segment.units.get_mut(start) {
                unit.after_gap = fragment.sequence != expected;
            }
            expected = fragment.sequence.wrapping_add(1);
            offset = end;
        } else if offset + TAIL_BYTES as u64 == size && read_tail(source).is_some() {
            segment.closed = true;
            break;
        } else {
            let next = next_fragment(source, offset + 1, size);
            segment.lost_bytes += next - offset;
            offset = next;
        }
    }
    Ok(segment)
}

struct Fragment {
    sequence: u32,
    units: Vec<UnitEntry>,
}

/// The fragment at `offset` and where it ends; `None` unless it is there as a whole.
fn fragment_at(source: &mut impl ByteSource, offset: u64, size: u64) -> Option<(Fragment, u64)> {
    let mut start = [0; UNITS_AT];
    source.read_at(offset, &mut start).ok()?;
    let (_, kind, _) = header(&start)?;
    // Our own writer's layout, byte for byte: what is not so was not written by it.
    let (_, mfhd, _) = header(&start[8..])?;
    let (_, traf, _) = header(&start[24..])?;
    let (units_len, uuid, 8) = header(&start[68..])? else { return None };
    let ours = &kind == b"moof" && &mfhd == b"mfhd" && &traf == b"traf" && &uuid == b"uuid" && start[76..92] == UNITS_UUID;
    let sequence = be_u32(&start, 20)?;
    let count = be_u32(&start, 96)? as usize;
    if !ours || count > MAX_UNITS || units_len != (8 + 16 + 8 + count * UNIT_BYTES + 4) as u64 {
        return None;
    }
    let mut entries = vec![0; count * UNIT_BYTES + 4];
    source.read_at(offset + UNITS_AT as u64, &mut entries).ok()?;
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&start[92..]);
    hasher.update(&entries[..count * UNIT_BYTES]);
    if hasher.finalize() != be_u32(&entries, count * UNIT_BYTES)? {
        return None;
    }
    // The length of the fragment's header follows from the count, which is covered by the check sum.
    let mut at = offset.checked_add((fragment_header_bytes(count)) as u64)?;
    let mut units = Vec::with_capacity(count);
    for entry in entries.chunks_exact(UNIT_BYTES).take(count) {
        let len = be_u32(entry, 12)?;
        let has = |bit: u8| entry[16] & bit != 0;
        units.push(UnitEntry {
            pts: MediaTime::from_nanos(be_u64(entry, 0)? as i64),
            duration_nanos: be_u32(entry, 8)?,
            keyframe: has(bits::KEYFRAME),
            droppable: has(bits::DROPPABLE),
            flags: UnitFlags { duplicated: has(bits::DUPLICATED), late: has(bits::LATE), damaged: has(bits::DAMAGED) },
            after_gap: false,
            offset: at,
            len,
            crc: be_u32(entry, 17)?,
        });
        at = at.checked_add(u64::from(len))?;
    }
    (at <= size).then_some((Fragment { sequence, units }, at))
}

/// Where the next box that calls itself a fragment begins, at or after `from`; `size` when there is none.
fn next_fragment(source: &mut impl ByteSource, from: u64, size: u64) -> u64 {
    let mut chunk = vec![0; SEARCH_BYTES];
    let mut at = from;
    while at < size {
        let there = (size - at).min(SEARCH_BYTES as u64) as usize;
        if source.read_at(at, &mut chunk[..there]).is_err() {
            return size;
        }
        // Length, letters, and the letters of the first box within.
        let found = chunk[..there].windows(16).position(|w| &w[4..8] == b"moof" && &w[12..16] == b"mfhd");
        if let Some(place) = found {
            return at + place as u64;
        }
        if there < SEARCH_BYTES {
            return size;
        }
        at += (there - 15) as u64;
    }
    size
}

fn be_u32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn be_u64(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_be_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}
