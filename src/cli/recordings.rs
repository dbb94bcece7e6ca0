//! `volte recordings`: what a recording folder holds.

use std::{collections::BTreeMap, path::PathBuf};

use volte::{
    engine::recording::event_of,
    ring::disk::{DiskStore, SegmentEntry},
    time::MediaTime,
};

/// Between two files of a feed, more than this is a hole, nanoseconds.
const HOLE_NANOS: i64 = 500_000_000;

/// What `volte recordings` takes.
#[derive(Debug, clap::Args)]
#[command(long_about = ABOUT)]
pub struct Args {
    /// The folder that was given to --record.
    folder: PathBuf,
}

const ABOUT: &str = "\
List what a recording folder holds: feeds, spans without holes, events, damage.

Times are house time: since the first session that recorded there. Nothing in the folder is changed.";

/// Runs it.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let store = DiskStore::look(&args.folder)?;
    let restored = store.restored();
    let (bytes, _, _) = store.totals();
    if restored.segments == 0 && restored.sessions == 0 && store.kept().is_empty() {
        let foreign = if restored.foreign > 0 { format!(", but {} files of others", restored.foreign) } else { String::new() };
        anyhow::bail!("{:?}: no recording here{foreign}. Give the folder that was recorded into", args.folder);
    }
    println!("{}: {} files, {:.1} MB, {} sessions", args.folder.display(), restored.segments, bytes as f64 * 1e-6, restored.sessions);
    if store.epoch_unix_nanos() != 0 {
        println!("House time zero: {:.3} s after 1970 (UTC)", store.epoch_unix_nanos() as f64 * 1e-9);
    }
    let mut feeds: BTreeMap<String, Vec<SegmentEntry>> = BTreeMap::new();
    for segment in store.segments() {
        feeds.entry(segment.feed.to_string()).or_default().push(segment);
    }
    for (feed, segments) in &mut feeds {
        segments.sort_by_key(|s| s.from);
        let (bytes, units) = segments.iter().fold((0, 0), |(bytes, units), s| (bytes + s.bytes, units + s.units));
        println!("{feed}: {units} frames, {:.1} MB", bytes as f64 * 1e-6);
        for (from, until) in spans(segments) {
            println!("  {from} to {until}  ({:.1} s)", (until - from) as f64 * 1e-9);
        }
    }
    let events = store.kept();
    println!("{} events", events.len());
    for kept in events {
        let (id, from, until) = (kept.id, kept.from, kept.until);
        match event_of(kept) {
            Some(event) => println!("  {} at {}, kept {from} to {until}, on air {} times", event.name, event.instant, event.takes),
            None => println!("  number {id}, kept {from} to {until}"),
        }
    }
    for segment in feeds.values().flatten().filter(|s| s.lost_bytes > 0) {
        println!("{}: {} bytes belong to no whole fragment (cut off or damaged)", segment.path.display(), segment.lost_bytes);
    }
    if restored.foreign > 0 {
        println!("{} files are none of these, or damaged at their beginning: left alone", restored.foreign);
    }
    if restored.torn_lines > 0 {
        println!("{} lines of the journal cannot be read", restored.torn_lines);
    }
    Ok(())
}

/// Stretches without holes.
fn spans(segments: &[SegmentEntry]) -> Vec<(MediaTime, MediaTime)> {
    let mut out: Vec<(MediaTime, MediaTime)> = Vec::new();
    for segment in segments.iter().filter(|s| s.units > 0) {
        match out.last_mut() {
            Some((_, until)) if segment.from - *until <= HOLE_NANOS => *until = segment.until.max(*until),
            _ => out.push((segment.from, segment.until)),
        }
    }
    out
}
