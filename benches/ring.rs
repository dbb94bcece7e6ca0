//! What the ring costs per access unit beyond its payload: the target is 10 µs.
//!
//! `cargo bench --bench ring` (the payload is made outside of the measured time).

use std::hint::black_box;

use bytes::Bytes;
use criterion::{BatchSize, Criterion};
use volte::ring::{AccessUnit, FeedId, Ring, RingConfig};
use volte::time::MediaTime;

const FRAME_NANOS: i64 = 16_666_667;

/// A keyframe every half second; sizes of 1080p60 at 12 Mbit/s.
fn unit(number: i64) -> AccessUnit {
    let keyframe = number % 30 == 0;
    let size = if keyframe { 140_000 } else { 12_000 + (number * 7919 % 16_000) as usize };
    // Virtual memory only: the bench measures bookkeeping.
    AccessUnit::new(MediaTime::from_nanos(number * FRAME_NANOS), FRAME_NANOS as u32, keyframe, Bytes::from(vec![0; size]))
}

fn filled(feeds: usize, budget_bytes: u64) -> (Ring, Vec<FeedId>) {
    let ring = Ring::new(RingConfig { budget_bytes, ..RingConfig::default() });
    let ids: Vec<FeedId> = (0..feeds).map(|i| ring.add_feed(&format!("cam{i:02}"), FRAME_NANOS)).collect();
    for number in 0..600 {
        for id in &ids {
            ring.push(*id, unit(number));
        }
    }
    (ring, ids)
}

fn main() {
    // First, while the process has no freed memory that could be used again unseen.
    resident();
    let mut criterion = Criterion::default().configure_from_args().sample_size(50);
    for feeds in [1, 16, 100] {
        // Full: every push evicts as much as it brings.
        let (ring, ids) = filled(feeds, 3_000_000 * feeds as u64);
        let mut number = 600 * ids.len();
        criterion.bench_function(&format!("push, {feeds} feeds, full ring"), |bencher| {
            bencher.iter_batched(
                || {
                    let item = (ids[number % feeds], unit((number / feeds) as i64));
                    number += 1;
                    item
                },
                |(id, unit)| black_box(ring.push(id, unit)),
                BatchSize::PerIteration,
            );
        });
        let status = ring.status();
        assert!(status.bytes <= status.budget_bytes && status.feeds.iter().all(|f| f.refused_other == 0), "{status:?}");
    }
    let (ring, ids) = filled(16, 400 << 20);
    let middle = MediaTime::from_nanos(314 * FRAME_NANOS);
    criterion.bench_function("nearest", |bencher| bencher.iter(|| black_box(ring.nearest(ids[7], middle))));
    criterion.bench_function("gop_for, 15 units", |bencher| bencher.iter(|| black_box(ring.gop_for(ids[7], middle))));
    criterion.bench_function("status, 16 feeds", |bencher| bencher.iter(|| black_box(ring.status())));
    criterion.final_summary();
}

/// Resident memory against payload, where the system tells (Linux).
fn resident() {
    let pages = || -> Option<u64> { std::fs::read_to_string("/proc/self/statm").ok()?.split(' ').nth(1)?.parse().ok() };
    let Some(before) = pages() else { return };
    let ring = Ring::new(RingConfig { budget_bytes: 512 << 20, ..RingConfig::default() });
    let ids: Vec<FeedId> = (0..16).map(|i| ring.add_feed(&format!("cam{i:02}"), FRAME_NANOS)).collect();
    // Three times round, so that freed memory has been used again.
    for number in 0..4000 {
        for id in &ids {
            let mut unit = unit(number);
            unit.payload = Bytes::from(vec![number as u8 | 1; unit.payload.len()]);
            ring.push(*id, unit);
        }
    }
    let bytes = ring.status().bytes;
    let grown = (pages().unwrap_or(0).saturating_sub(before)) * 4096;
    println!("resident memory / payload: {:.3} ({} MiB of payload)", grown as f64 / bytes as f64, bytes >> 20);
}
