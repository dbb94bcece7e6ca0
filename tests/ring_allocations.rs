//! What the ring allocates when it is full: nothing. The payload is the only memory that a unit brings.
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use allocation_counter::measure;
use bytes::Bytes;
use volte::ring::{AccessUnit, FeedId, Push, Ring, RingConfig, UnitFlags};
use volte::time::MediaTime;

const FRAME: i64 = 16_666_667;
/// Two seconds of 60 frames.
const CONFIG: RingConfig = RingConfig { budget_bytes: 1 << 20, duration_nanos: 2_000_000_000, detect_repeats: true };

fn at(frame: i64) -> MediaTime {
    MediaTime::from_nanos(frame * FRAME)
}

/// Puts one unit in; how often memory was asked for on the way, its payload not counted.
fn push(ring: &Ring, feed: FeedId, frame: i64, group: i64) -> u64 {
    let payload = Bytes::from(vec![frame as u8; 100 + (frame % 900) as usize]);
    let unit = AccessUnit::new(at(frame), FRAME as u32, frame % group == 0, payload);
    let mut outcome = None;
    let asked = measure(|| outcome = Some(ring.push(feed, unit))).count_total;
    assert_eq!(outcome, Some(Push::Stored(UnitFlags::default())), "frame {frame}");
    asked
}

/// How often memory was asked for by 10 000 pushes into a full ring of two feeds; `pin_every` frames a pin begins that lasts 30.
fn asked(group: i64, pin_every: Option<i64>) -> u64 {
    let ring = Ring::new(CONFIG);
    let feeds = [ring.add_feed("cam01", FRAME), ring.add_feed("cam02", FRAME)];
    let mut asked = 0;
    for frame in 0..5500 {
        if let Some(every) = pin_every.filter(|every| frame > 500 && frame % every == 0) {
            // One in three reaches back, the others are for what comes.
            let from = if frame % (3 * every) == 0 { frame - 40 } else { frame + 20 };
            ring.pin(at(from), at(from + 30));
        }
        for feed in feeds {
            let count = push(&ring, feed, frame, group);
            // Until then it fills.
            asked += if frame < 500 { 0 } else { count };
        }
    }
    let status = ring.status();
    assert!(status.feeds.iter().all(|f| f.evicted > 4000 && f.units > 100), "it is not full: {status:?}");
    assert_eq!(pin_every.is_some(), status.pinned_bytes > 0, "{status:?}");
    asked
}

#[test]
fn ten_thousand_pushes_ask_for_no_memory() {
    for group in [10, 60, 1] {
        assert_eq!(asked(group, None), 0, "groups of {group}");
    }
}

#[test]
fn nor_do_they_while_pins_keep_units() {
    for group in [10, 60, 1] {
        assert_eq!(asked(group, Some(700)), 0, "groups of {group}");
    }
}

#[test]
fn an_allocation_would_be_seen() {
    let mut kept = Vec::new();
    assert_eq!(measure(|| kept.push(Bytes::from(vec![1_u8; 100]))).count_total, 2);
}
