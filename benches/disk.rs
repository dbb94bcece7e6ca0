//! What recording to disk costs: processor time per access unit, bytes written per payload byte, and how long finding things again takes.
//!
//! `cargo bench --bench disk` (writes about 600 MB into the folder for temporary files and removes them).

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use volte::ring::AccessUnit;
use volte::ring::disk::{DiskConfig, DiskStore, FeedLog, SegmentFormat};
use volte::time::MediaTime;

const FRAME_NANOS: i64 = 16_666_667;
const FEEDS: usize = 16;
const UNITS: i64 = 1800;

/// A keyframe every half second; sizes of 1080p60 at 12 Mbit/s.
fn unit(number: i64, payload: &Bytes) -> AccessUnit {
    let keyframe = number % 30 == 0;
    let size = if keyframe { 140_000 } else { 12_000 + (number * 7919 % 16_000) as usize };
    AccessUnit::new(MediaTime::from_nanos(number * FRAME_NANOS), FRAME_NANOS as u32, keyframe, payload.slice(..size))
}

/// Nanoseconds that this thread has run, where the system tells (Linux).
fn thread_nanos() -> Option<u64> {
    std::fs::read_to_string("/proc/thread-self/schedstat").ok()?.split(' ').next()?.parse().ok()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    let store = Arc::new(DiskStore::open(DiskConfig::new(dir.path(), 4 << 30), 0)?);
    let payload: Bytes = (0..140_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect::<Vec<_>>().into();
    let format = SegmentFormat { entry: *b"avc1", config: None, width_px: 1920, height_px: 1080, note: String::new() };
    let mut logs: Vec<FeedLog> = (0..FEEDS).map(|i| FeedLog::new(Arc::clone(&store), &format!("cam{i:02}"), FEEDS)).collect();
    for log in &mut logs {
        log.set_format(format.clone())?;
    }
    let (begun, before) = (Instant::now(), thread_nanos());
    for number in 0..UNITS {
        for log in &mut logs {
            log.push(unit(number, &payload))?;
            // As the writing thread does, 0.4 s after the first one.
            if number % 24 == 23 {
                log.flush()?;
            }
        }
    }
    for log in &mut logs {
        log.close()?;
    }
    let wall_secs = begun.elapsed().as_secs_f64();
    let units = (FEEDS as i64 * UNITS) as f64;
    let (payload_bytes, file_bytes) = logs.iter().map(FeedLog::written_bytes).fold((0, 0), |(a, b), (p, f)| (a + p, b + f));
    println!(
        "{FEEDS} feeds, {units} units, {:.0} MB in {wall_secs:.2} s ({:.0} MB/s)",
        payload_bytes as f64 * 1e-6,
        payload_bytes as f64 * 1e-6 / wall_secs
    );
    if let (Some(before), Some(after)) = (before, thread_nanos()) {
        println!("processor time per unit, check sum and copy into the system included: {:.1} µs", (after - before) as f64 * 1e-3 / units);
    }
    println!("file bytes / payload bytes: {:.4}", file_bytes as f64 / payload_bytes as f64);

    let instant = MediaTime::from_nanos((UNITS / 2 + 20) * FRAME_NANOS);
    for (feed, what) in [("cam03", "first time"), ("cam03", "again"), ("cam04", "another feed")] {
        let begun = Instant::now();
        let found = store.gop_for(feed, instant, FRAME_NANOS)?;
        println!("a moment's {} units of one feed, {what}: {:.2} ms", found.gop.units.len(), begun.elapsed().as_secs_f64() * 1e3);
    }
    let segments = store.segments().len();
    drop((logs, store));
    let begun = Instant::now();
    let store = DiskStore::look(dir.path())?;
    println!("opening a folder of {segments} files: {:.2} ms ({} found)", begun.elapsed().as_secs_f64() * 1e3, store.restored().segments);
    Ok(())
}
