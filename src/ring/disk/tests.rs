#![allow(clippy::unwrap_used, reason = "tests may fail")]

use std::io::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::ring::{AccessUnit, UnitFlags};
use crate::time::MediaTime;

const FRAME: i64 = 20_000_000;

fn at(frame: i64) -> MediaTime {
    MediaTime::from_nanos(frame * FRAME)
}

fn format() -> SegmentFormat {
    let config = Some((*b"avcC", Bytes::from_static(&[1, 66, 0, 30, 255, 225, 0, 0, 0])));
    SegmentFormat { entry: *b"avc1", config, width_px: 64, height_px: 36, note: "a \"note\"".to_owned() }
}

fn unit(frame: i64, keyframe: bool, size: usize) -> AccessUnit {
    let payload: Vec<u8> = (0..size).map(|i| (frame as usize * 31 + i * 7) as u8).collect();
    AccessUnit::new(at(frame), FRAME as u32, keyframe, payload.into())
}

/// The bytes of a segment, and where each fragment ends.
fn segment_of(fragments: &[Vec<AccessUnit>], closed: bool) -> (Vec<u8>, Vec<usize>) {
    let (mut writer, mut bytes) = SegmentWriter::new("cam01", 7, &format());
    let mut ends = Vec::new();
    for units in fragments {
        bytes.extend(writer.fragment(units).unwrap());
        for unit in units {
            bytes.extend_from_slice(&unit.payload);
        }
        ends.push(bytes.len());
    }
    if closed {
        bytes.extend(writer.tail());
    }
    (bytes, ends)
}

fn same(entry: &UnitEntry, unit: &AccessUnit, bytes: &[u8]) -> bool {
    let mut source = bytes;
    entry.pts == unit.pts
        && entry.duration_nanos == unit.duration_nanos
        && (entry.keyframe, entry.droppable, entry.flags) == (unit.keyframe, unit.droppable, unit.flags)
        && entry.payload(&mut source).unwrap() == Some(unit.payload.clone())
}

fn units() -> impl Strategy<Value = Vec<Vec<AccessUnit>>> {
    let one = (-50_i64..1 << 40, any::<u32>(), any::<(bool, bool, bool, bool, bool)>(), prop::collection::vec(any::<u8>(), 0..60));
    let unit = one.prop_map(|(nanos, duration_nanos, (keyframe, droppable, duplicated, late, damaged), payload)| AccessUnit {
        droppable,
        flags: UnitFlags { duplicated, late, damaged },
        ..AccessUnit::new(MediaTime::from_nanos(nanos), duration_nanos, keyframe, payload.into())
    });
    prop::collection::vec(prop::collection::vec(unit, 1..9), 0..8)
}

proptest! {
    /// Cut anywhere: every whole fragment is there, bit for bit, and nothing else.
    #[test]
    fn whatever_is_whole_is_found_after_a_cut(fragments in units(), closed: bool, cut in any::<prop::sample::Index>()) {
        let (bytes, ends) = segment_of(&fragments, closed);
        let cut = cut.index(bytes.len() + 1);
        let mut left = &bytes[..cut];
        let Ok(segment) = read_segment(&mut left) else {
            prop_assert!(ends.first().is_none_or(|end| cut < *end));
            return Ok(());
        };
        let whole: Vec<&AccessUnit> = fragments.iter().zip(&ends).filter(|(_, end)| **end <= cut).flat_map(|(units, _)| units).collect();
        prop_assert_eq!(segment.units.len(), whole.len());
        prop_assert!(segment.units.iter().zip(&whole).all(|(entry, unit)| same(entry, unit, &bytes[..cut])));
        prop_assert!(segment.units.iter().all(|u| !u.after_gap));
        prop_assert_eq!(segment.closed, closed && cut == bytes.len());
        if segment.closed {
            prop_assert_eq!(segment.lost_bytes, 0);
            let (from, until, count) = read_tail(&mut left).unwrap();
            prop_assert_eq!(count as usize, whole.len());
            prop_assert!(segment.span().is_none_or(|span| span == (from, until)));
        }
    }

    /// Bytes overwritten: fragments that were not touched are there, bit for bit; a touched payload is never passed off as whole.
    #[test]
    fn whatever_is_untouched_is_found_after_damage(
        fragments in units(),
        hits in prop::collection::vec((any::<prop::sample::Index>(), 1_u8..), 1..12),
    ) {
        let (bytes, ends) = segment_of(&fragments, true);
        let mut hurt = bytes.clone();
        let hits: Vec<usize> = hits.into_iter().map(|(place, by)| {
            let place = place.index(bytes.len());
            hurt[place] ^= by;
            place
        }).collect();
        let Ok(segment) = read_segment(&mut &hurt[..]) else {
            let first = segment_of(&[], false).0.len();
            prop_assert!(hits.iter().any(|hit| *hit < first), "the beginning is whole, and yet it is not read");
            return Ok(());
        };
        let mut start = segment_of(&[], false).0.len();
        for (units, end) in fragments.iter().zip(&ends) {
            let touched = (start..*end).any(|place| hurt[place] != bytes[place]);
            if !touched {
                for unit in units {
                    let found = segment.units.iter().any(|entry| same(entry, unit, &hurt));
                    let offsets: Vec<_> = segment.units.iter().map(|u| (u.offset, u.len)).collect();
                    prop_assert!(found, "an untouched unit of {start}..{end} is lost: {unit:?}; hits {hits:?}, ends {ends:?}, found {offsets:?}");
                }
            }
            start = *end;
        }
        let all: Vec<&AccessUnit> = fragments.iter().flatten().collect();
        for entry in &segment.units {
            if let Some(payload) = entry.payload(&mut &hurt[..]).unwrap() {
                prop_assert!(all.iter().any(|u| u.payload == payload), "a payload that was never written");
            }
        }
    }

    /// A journal between whose lines anything was written, and that was cut: what is whole of it counts.
    #[test]
    fn whole_lines_of_a_journal_are_kept(
        lines in prop::collection::vec((0_u64..6, any::<bool>(), prop::option::of(prop::collection::vec(any::<u8>(), 0..60))), 0..20),
        tail in prop::collection::vec(any::<u8>(), 0..80),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(journal::FILE_NAME);
        let kept = |id: u64, k: usize| Kept { id, from: at(k as i64), until: at(k as i64 + 1), data: serde_json::json!({ "k": k, "a\n\"b": [null, 0.5] }), shift_nanos: k as i64 % 3 - 1 };
        let (mut wanted, mut past_lines) = (std::collections::BTreeMap::new(), vec![(0, std::collections::BTreeMap::new())]);
        for (k, (id, keeps, rubbish)) in lines.into_iter().enumerate() {
            if let Some(rubbish) = rubbish {
                let mut file = std::fs::OpenOptions::new().create(true).append(true).open(&path).unwrap();
                file.write_all(&[&rubbish[..], b"\n"].concat()).unwrap();
            }
            let mut journal = journal::Journal::open(dir.path()).unwrap();
            if keeps {
                journal.keep(&kept(id, k)).unwrap();
                wanted.insert(id, kept(id, k));
            } else {
                journal.forget(id).unwrap();
                wanted.remove(&id);
            }
            past_lines.push((std::fs::metadata(&path).unwrap().len() as usize, wanted.clone()));
        }
        let whole = std::fs::read(&path).unwrap_or_default();
        let until = cut.map_or(whole.len(), |cut| cut.index(whole.len() + 1));
        std::fs::write(&path, if cut.is_some() { whole[..until].to_vec() } else { [&whole[..], &tail[..]].concat() }).unwrap();
        let past = journal::read(dir.path()).unwrap();
        // A line whose last byte (the end of line) alone is away is whole.
        let (_, wanted) = past_lines.iter().rev().find(|(end, _)| *end <= until + 1).unwrap();
        prop_assert_eq!(&past.kept, wanted);
    }

    /// A journal of anything at all is read, and can be written on.
    #[test]
    fn any_journal_is_read(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(journal::FILE_NAME), &bytes).unwrap();
        let before = journal::read(dir.path()).unwrap();
        let kept = Kept { id: u64::MAX, from: at(1), until: at(2), data: serde_json::Value::Null, shift_nanos: 0 };
        journal::Journal::open(dir.path()).unwrap().keep(&kept).unwrap();
        let after = journal::read(dir.path()).unwrap();
        prop_assert_eq!((after.kept.get(&u64::MAX), after.kept.len()), (Some(&kept), before.kept.len() + 1));
    }

    /// Anything at all: an answer, and no panic.
    #[test]
    fn garbage_is_answered(mut bytes in prop::collection::vec(any::<u8>(), 0..400), with_head: bool) {
        if with_head {
            let mut whole = segment_of(&[], false).0;
            whole.append(&mut bytes);
            bytes = whole;
        }
        let read = read_segment(&mut &bytes[..]);
        prop_assert_eq!(read.is_ok(), with_head);
        let _ = read_tail(&mut &bytes[..]);
    }
}

fn record(store: &Arc<DiskStore>, feed: &str, frames: std::ops::Range<i64>, size: usize) -> FeedLog {
    let mut log = FeedLog::new(Arc::clone(store), feed, 2);
    log.set_format(format()).unwrap();
    for frame in frames {
        assert!(log.push(unit(frame, frame % 10 == 0, size)).unwrap());
        if frame % 25 == 24 {
            log.flush().unwrap();
        }
    }
    log
}

#[test]
fn a_folder_is_found_again_with_what_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = DiskConfig::new(dir.path(), 1 << 30);
    config.segment_nanos = 1_000_000_000;
    let store = Arc::new(DiskStore::open(config.clone(), 1_000_000_000_000).unwrap());
    assert_eq!((store.start(), store.epoch_unix_nanos()), (MediaTime::ZERO, 1_000_000_000_000));
    assert!(matches!(DiskStore::open(config.clone(), 5), Err(DiskError::InUse { .. })));
    let mut log = record(&store, "cam/01", 0..230, 100);
    store.keep(Kept { id: 3, from: at(10), until: at(20), data: serde_json::json!({"name": "E003"}), shift_nanos: 0 }).unwrap();
    store.keep(Kept { id: 4, from: at(30), until: at(40), data: serde_json::Value::Null, shift_nanos: 0 }).unwrap();
    store.forget(4).unwrap();
    log.close().unwrap();
    assert_eq!(store.segments().len(), 5, "{:?}", store.segments());
    let found = store.gop_for("cam/01", at(123).plus_nanos(3_000_000), FRAME).unwrap();
    assert_eq!((found.gop.pts, found.gop.error_nanos, found.gop.units.len()), (at(123), -3_000_000, 4));
    assert_eq!(found.gop.units[0].payload, unit(120, true, 100).payload);
    assert_eq!(found.notes, ["a \"note\""]);
    drop((log, store));

    // A torn line, a foreign file and a cut segment.
    std::fs::OpenOptions::new().append(true).open(dir.path().join("journal.jsonl")).unwrap().write_all(b"{\"keep\":{\"id\":9,").unwrap();
    std::fs::write(dir.path().join("holiday.mp4"), b"\0\0\0\x18ftypmp42").unwrap();
    let last =
        std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().path()).filter(|p| p.to_string_lossy().contains("cam_01")).max().unwrap();
    let len = std::fs::metadata(&last).unwrap().len();
    std::fs::OpenOptions::new().write(true).open(&last).unwrap().set_len(len - 60).unwrap();

    let store = DiskStore::open(config.clone(), 1_000_000_000_000 + 60_000_000_000).unwrap();
    let restored = store.restored();
    assert_eq!((restored.segments, restored.foreign, restored.cut_off, restored.sessions, restored.torn_lines), (5, 1, 1, 1, 1));
    assert_eq!(store.start().nanos(), 60_000_000_000);
    assert_eq!(store.kept().iter().map(|k| (k.id, k.from)).collect::<Vec<_>>(), [(3, at(10))]);
    assert_eq!(store.kept()[0].data["name"], "E003");
    // Frames 0…224 were in whole fragments.
    assert!(store.gop_for("cam/01", at(224), FRAME).is_ok() && store.gop_for("cam/01", at(226), FRAME).is_err());
    let (units, _) = store.range("cam/01", at(95), at(105));
    assert_eq!(units.iter().map(|u| u.pts).collect::<Vec<_>>(), (90..105).map(at).collect::<Vec<_>>());
    drop(store);
    // The wall clock went back: house time does not.
    let store = DiskStore::open(config, 1_000_000_000_000).unwrap();
    assert!(store.start() > at(224) && store.restored().clock_set_back_nanos.is_some());
}

#[test]
fn damage_in_the_middle_of_a_closed_file_is_found_by_looking() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(DiskStore::open(DiskConfig::new(dir.path(), 1 << 30), 0).unwrap());
    record(&store, "a", 0..100, 100).close().unwrap();
    let path = store.segments()[0].path.clone();
    drop(store);
    assert_eq!(DiskStore::look(dir.path()).unwrap().segments()[0].lost_bytes, 0);
    let mut bytes = std::fs::read(&path).unwrap();
    let second = bytes.windows(4).enumerate().filter(|(_, w)| w == b"moof").nth(1).unwrap().0;
    bytes[second + 100] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let looked = DiskStore::look(dir.path()).unwrap();
    let segment = &looked.segments()[0];
    assert!(segment.lost_bytes > 0 && segment.units == 75 && looked.restored().cut_off == 1, "{segment:?}");
}

#[test]
fn a_hole_in_a_fragment_is_no_long_frame() {
    // One frame, 15 missing, then the rest: in the order of decoding, with pictures that are shown before what they refer to.
    let frames = [0, 16, 18, 17, 20, 19];
    let units: Vec<AccessUnit> = frames.iter().map(|f| unit(*f, *f == 0, 10)).collect();
    let (mut writer, _) = SegmentWriter::new("a", 0, &format());
    let number = |bytes: &[u8], at: usize| i64::from(i32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()));
    let mut last_decode = -1;
    for units in [&units[..], &[unit(21, true, 10), unit(22, false, 10)]] {
        let bytes = writer.fragment(units).unwrap();
        let place = |kind: &[u8]| bytes.windows(4).position(|w| w == kind).unwrap();
        let mut decode = i64::from_be_bytes(bytes[place(b"tfdt") + 8..][..8].try_into().unwrap());
        assert!(decode > last_decode, "decode times rise");
        for (i, unit) in units.iter().enumerate() {
            let at = place(b"trun") + 16 + 16 * i;
            assert!((0..=FRAME).contains(&number(&bytes, at)), "{i}: {}", number(&bytes, at));
            assert_eq!(decode + number(&bytes, at + 12), unit.pts.nanos() + FRAME, "{i} is shown when it was");
            last_decode = decode;
            decode += number(&bytes, at);
        }
    }
}

#[test]
fn the_oldest_goes_first_and_what_is_kept_stays() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = DiskConfig::new(dir.path(), 400_000);
    config.segment_nanos = 1_000_000_000;
    let store = Arc::new(DiskStore::open(config, 0).unwrap());
    store.keep(Kept { id: 1, from: at(60), until: at(70), data: serde_json::Value::Null, shift_nanos: 0 }).unwrap();
    let mut logs: Vec<FeedLog> = ["a", "b"].iter().map(|feed| FeedLog::new(Arc::clone(&store), feed, 2)).collect();
    for log in &mut logs {
        log.set_format(format()).unwrap();
    }
    for frame in 0..2000 {
        for log in &mut logs {
            log.push(unit(frame, frame % 10 == 0, 400)).unwrap();
            if frame % 25 == 24 {
                log.flush().unwrap();
            }
            let on_disk: u64 = std::fs::read_dir(dir.path())
                .unwrap()
                .map(|e| e.unwrap())
                .filter(|e| e.path().extension().is_some_and(|e| e == "mp4"))
                .map(|e| e.metadata().unwrap().len())
                .sum();
            assert!(on_disk <= 400_000 && on_disk == store.totals().0, "{on_disk}");
        }
    }
    for feed in ["a", "b"] {
        assert!(store.gop_for(feed, at(65), FRAME).is_ok() && store.gop_for(feed, at(300), FRAME).is_err());
        assert!(store.gop_for(feed, at(1900), FRAME).is_ok());
    }
    // Each feed reaches equally far back.
    let oldest = |feed: &str| store.segments().iter().filter(|s| &*s.feed == feed && s.from > at(100)).map(|s| s.from).min().unwrap();
    assert!(oldest("a").distance_nanos(oldest("b")) <= 1_500_000_000);
    // When everything is kept, nothing is deleted: it is said.
    store.keep(Kept { id: 2, from: at(0), until: at(1 << 30), data: serde_json::Value::Null, shift_nanos: 0 }).unwrap();
    let full = (2000..4000).find_map(|frame| logs[0].push(unit(frame, true, 4000)).and_then(|_| logs[0].flush()).err());
    assert!(matches!(full, Some(DiskError::KeptFillBudget { .. })), "{full:?}");
    store.forget(2).unwrap();
    logs[0].push(unit(5000, true, 400)).unwrap();
    logs[0].flush().unwrap();
    assert!(store.gop_for("a", at(5000), FRAME).is_ok());
}

#[test]
fn a_new_description_waits_for_a_keyframe_and_new_headers_do_not() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(DiskStore::open(DiskConfig::new(dir.path(), 1 << 30), 0).unwrap());
    let mut log = FeedLog::new(Arc::clone(&store), "a", 1);
    log.set_format(format()).unwrap();
    for frame in 0..60 {
        if frame == 15 {
            log.set_format(SegmentFormat { note: "another".to_owned(), ..format() }).unwrap();
        }
        if frame == 45 {
            log.set_format(SegmentFormat { config: None, ..format() }).unwrap();
        }
        // After new headers, what refers to units before them cannot be used.
        assert_eq!(log.push(unit(frame, frame % 10 == 0, 10)).unwrap(), !(45..50).contains(&frame), "{frame}");
    }
    log.close().unwrap();
    let mut segments = store.segments();
    segments.sort_by_key(|s| s.from);
    assert_eq!(segments.iter().map(|s| (s.from, s.units)).collect::<Vec<_>>(), [(at(0), 20), (at(20), 25), (at(50), 10)]);
    let (units, notes) = store.range("a", at(0), at(60));
    assert_eq!((units.len(), notes.len()), (55, 2));
    assert!(store.gop_for("a", at(47), FRAME).is_err() && store.gop_for("a", at(44), FRAME).is_ok());
}

#[test]
fn written_bytes_are_hardly_more_than_payload() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(DiskStore::open(DiskConfig::new(dir.path(), 1 << 30), 0).unwrap());
    let mut log = record(&store, "a", 0..1500, 7000);
    log.close().unwrap();
    let (payload, written) = log.written_bytes();
    assert_eq!(payload, 1500 * 7000);
    assert!(written as f64 / payload as f64 <= 1.02, "{}", written as f64 / payload as f64);
}
