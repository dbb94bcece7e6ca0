//! Ratios measured side by side on this machine, on real footage:
//! moment decode against `ffmpeg` decoding the same groups of pictures, and the processor time of capture against
//! `gst-launch-1.0` parsing the same feed.
//!
//! `cargo bench --bench moment`. Needs `VOLTE_DATA` (else `../shared/data`), `ffmpeg` and `gst-launch-1.0`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use volte::capture::{CaptureConfig, CaptureSession, FeedSource, FeedSpec, FeedState, Pace, PreviewConfig};
use volte::ring::RingConfig;

#[path = "../tests/support/data.rs"]
mod data;

const ROUNDS: usize = 5;
/// The frame whose moment is decoded: three quarters into the single group of pictures of the footage.
const FRAME: i64 = 75;

fn main() -> anyhow::Result<()> {
    let files: Vec<PathBuf> = (1..=4).map(|i| data::data(&format!("balance/cam0{i}.mp4"))).collect();
    moment(&files)?;
    capture(&files[0])
}

fn config() -> CaptureConfig {
    CaptureConfig { preview: PreviewConfig { enabled: false, ..PreviewConfig::default() }, ..CaptureConfig::default() }
}

fn captured(files: &[PathBuf]) -> anyhow::Result<CaptureSession> {
    captured_within(files, RingConfig::default().budget_bytes)
}

fn captured_within(files: &[PathBuf], budget_bytes: u64) -> anyhow::Result<CaptureSession> {
    let specs: Vec<FeedSpec> = files
        .iter()
        .enumerate()
        .map(|(i, path)| FeedSpec::new(format!("cam{i}"), FeedSource::File { path: path.clone(), pace: Pace::AsFastAsPossible }))
        .collect();
    let ring = RingConfig { budget_bytes, ..RingConfig::default() };
    let session = CaptureSession::start(CaptureConfig { ring, ..config() }, &specs)?;
    anyhow::ensure!(
        session.wait_until(Duration::from_secs(30), |f| f.iter().all(|f| f.state == FeedState::Ended)),
        "{:?}",
        session.status()
    );
    Ok(session)
}

/// Median of the wall times; mean of the processor times, whose clock is coarse.
fn typical(costs: &[Cost]) -> Cost {
    let mut wall: Vec<f64> = costs.iter().map(|c| c.wall).collect();
    wall.sort_by(f64::total_cmp);
    Cost { wall: wall.get(wall.len() / 2).copied().unwrap_or(f64::NAN), cpu: costs.iter().map(|c| c.cpu).sum::<f64>() / costs.len() as f64 }
}

fn moment(files: &[PathBuf]) -> anyhow::Result<()> {
    let session = captured(files)?;
    let first = session.ring().status().feeds[0].oldest.unwrap_or_default();
    let instant = first.plus_nanos(FRAME * 16_666_667);
    let decoder = session.decoder();
    let cold = Instant::now();
    decoder.decode_planes(instant);
    let cold = cold.elapsed().as_secs_f64();
    let (mut planes, mut pictures, mut alone, mut together) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        planes.push(timed(|| {
            anyhow::ensure!(decoder.decode_planes(instant).iter().all(|(_, r)| r.is_ok()), "a camera is missing");
            Ok(())
        })?);
        pictures.push(timed(|| {
            anyhow::ensure!(decoder.decode(instant).frames.len() == files.len(), "a camera is missing");
            Ok(())
        })?);
        // ffmpeg decodes the same groups up to the same frame: one file after the other with all cores, or all at once.
        alone.push(timed(|| files.iter().try_for_each(|file| wait(ffmpeg(file, FRAME + 1, 0)?)))?);
        together.push(timed(|| {
            let running = files.iter().map(|file| ffmpeg(file, FRAME + 1, 1)).collect::<anyhow::Result<Vec<_>>>()?;
            running.into_iter().try_for_each(wait)
        })?);
    }
    let units: usize =
        session.ring().feeds().iter().filter_map(|(id, _)| Some(session.ring().gop_for(*id, instant).ok()?.units.len())).sum();
    let (planes, pictures, alone, together) = (typical(&planes), typical(&pictures), typical(&alone), typical(&together));
    println!("moment of {} cameras, frame {FRAME}: {units} units decoded of {}", files.len(), (FRAME + 1) * files.len() as i64);
    println!("  the first time, cold: {:.1} ms", cold * 1e3);
    for (name, cost) in
        [("planes", planes), ("pictures (RGBA)", pictures), ("ffmpeg, one by one", alone), ("ffmpeg, all at once", together)]
    {
        println!(
            "  {name:<20} {:7.1} ms, {:7.1} ms of processor; planes / this: {:.2}, processor {:.2}",
            cost.wall * 1e3,
            cost.cpu * 1e3,
            planes.wall / cost.wall,
            planes.cpu / cost.cpu
        );
    }
    println!("  target: planes / ffmpeg <= 1.10");
    Ok(())
}

/// Wall time and processor time (ours and our children's), seconds. On a busy machine only the second one tells.
#[derive(Clone, Copy)]
struct Cost {
    wall: f64,
    cpu: f64,
}

fn timed(work: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<Cost> {
    let total = || cpu_secs().map_or(f64::NAN, |(own, children)| own + children);
    let (began, before) = (Instant::now(), total());
    work()?;
    Ok(Cost { wall: began.elapsed().as_secs_f64(), cpu: total() - before })
}

fn ffmpeg(file: &Path, frames: i64, threads: u32) -> anyhow::Result<std::process::Child> {
    let (frames, threads) = (frames.to_string(), threads.to_string());
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-threads", &threads, "-i"]).arg(file);
    Ok(command.args(["-frames:v", &frames, "-f", "null", "-"]).stdout(Stdio::null()).spawn()?)
}

fn wait(mut child: std::process::Child) -> anyhow::Result<()> {
    anyhow::ensure!(child.wait()?.success(), "ffmpeg failed");
    Ok(())
}

/// Processor seconds of this process and of its finished children.
fn cpu_secs() -> Option<(f64, f64)> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<f64> = stat.rsplit(')').next()?.split_whitespace().skip(11).take(4).filter_map(|f| f.parse().ok()).collect();
    let [user, system, child_user, child_system] = fields[..] else { return None };
    Some(((user + system) / 100.0, (child_user + child_system) / 100.0))
}

/// Many files one after the other, in turns: the processor time of short runs is too coarse to compare.
fn capture(file: &Path) -> anyhow::Result<()> {
    const ROUNDS: usize = 6;
    let dir = tempfile::tempdir()?;
    let long = dir.path().join("long.mp4");
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-stream_loop", "199", "-i"])
        .arg(file)
        .args(["-c", "copy", "-y"])
        .arg(&long)
        .status()?;
    anyhow::ensure!(made.success(), "ffmpeg cannot make a long file");
    // A ring that fills takes every page anew; one that is full, as after minutes of a show, uses memory again, and that is far away from the processor
    // unless the ring is as small as its cache: there only what is done to a unit counts.
    let rings = [("while the ring fills", RingConfig::default().budget_bytes), ("full, 8 MiB", 8 << 20), ("full, 0.9 MB", 900_000)];
    let (mut spent, mut units, mut reference) = ([0.0; 3], 0, 0.0);
    for _ in 0..ROUNDS {
        for ((_, budget_bytes), spent) in rings.iter().zip(&mut spent) {
            let before = cpu_secs().map_or(f64::NAN, |(own, _)| own);
            let session = captured_within(std::slice::from_ref(&long), *budget_bytes)?;
            units = session.status()[0].received;
            drop(session);
            *spent += cpu_secs().map_or(f64::NAN, |(own, _)| own) - before;
        }
        let child_before = cpu_secs().map_or(f64::NAN, |(_, child)| child);
        let location = format!("location={}", long.display());
        let parsed = Command::new("gst-launch-1.0")
            .args(["-q", "filesrc", &location, "!", "qtdemux", "!", "h264parse", "!", "fakesink", "sync=false"])
            .stdout(Stdio::null())
            .status()?;
        anyhow::ensure!(parsed.success(), "gst-launch-1.0 failed");
        reference += cpu_secs().map_or(f64::NAN, |(_, child)| child) - child_before;
    }
    let each = |secs: f64| secs * 1e6 / (units as f64 * ROUNDS as f64);
    println!("capture, {ROUNDS} times {units} units: gst-launch {reference:.2} s of processor time, {:.1} µs each", each(reference));
    for ((name, _), spent) in rings.iter().zip(spent) {
        println!("  {name:<20} {spent:.2} s, {:.1} µs each: ratio {:.2} (target <= 1.15)", each(spent), spent / reference);
    }
    Ok(())
}
