//! Senders whose times wrap, or jump by hours: real programs on loopback, pictures that say their number. Nothing that came is lost untold, and time goes on.
#![cfg(feature = "gstreamer")]
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::path::Path;
use std::time::{Duration, Instant};

use volte::capture::{CaptureConfig, CaptureSession, FeedSource, FeedSpec, FeedStatus, PreviewConfig};
use volte::ring::RingConfig;
use volte::time::MediaTime;

mod support {
    pub mod nodes;
    pub mod numbers;
    pub mod peers;
}
use support::nodes::{FPS, film, read};
use support::peers::{Peer, port};

const PATIENCE: Duration = Duration::from_mins(1);
const FRAME_NANOS: i64 = 1_000_000_000 / FPS as i64;
/// An hour of house time is far more than any test lasts.
const EVER: MediaTime = MediaTime::from_nanos(3_600_000_000_000);

/// What carries the pictures.
const WAYS: [&str; 2] = ["MPEG-TS", "RTP"];

fn start() -> (CaptureSession, [u16; 2]) {
    let ports = [port(), port()];
    let addresses = [format!("udp://127.0.0.1:{}", ports[0]), format!("rtp://127.0.0.1:{}?encoding=h264", ports[1])];
    let specs: Vec<FeedSpec> =
        WAYS.iter().zip(addresses).map(|(name, address)| FeedSpec::new(*name, FeedSource::parse(&address).unwrap())).collect();
    let ring = RingConfig { budget_bytes: 256 << 20, ..RingConfig::default() };
    let config = CaptureConfig { ring, preview: PreviewConfig { enabled: false, ..PreviewConfig::default() }, ..CaptureConfig::default() };
    (CaptureSession::start(config, &specs).unwrap(), ports)
}

#[track_caller]
fn wait(session: &CaptureSession, what: &str, done: impl Fn(&FeedStatus) -> bool) {
    assert!(session.wait_until(PATIENCE, |f| f.iter().all(&done)), "{what}: {:#?}", session.status());
}

/// Every unit that came is in the ring or counted as left out, and house times are those of now.
#[track_caller]
fn assert_told(session: &CaptureSession, feed: usize) -> FeedStatus {
    let until = Instant::now() + PATIENCE;
    loop {
        let (status, ring) = (session.status()[feed].clone(), session.ring().status().feeds[feed].clone());
        let left_out = status.dropped.total() - status.dropped.missing;
        // A unit may be on its way between two looks.
        if status.received == session.status()[feed].received && status.received == ring.units + ring.evicted + left_out {
            let age = session.house_now() - status.newest.unwrap();
            assert!((-100_000_000..5_000_000_000).contains(&age), "its newest picture is {age} ns old: {status:?}");
            return status;
        }
        assert!(Instant::now() < until, "some are lost untold: {status:#?} {ring:#?}");
        std::thread::sleep(Duration::from_millis(7));
    }
}

/// Number and house time of every picture in the ring.
fn pictures(session: &CaptureSession, feed: &FeedStatus) -> Vec<(u16, MediaTime)> {
    let frames = session.decoder().decode_range(feed.id, MediaTime::ZERO, EVER, 10_000).unwrap();
    frames.iter().map(|f| (read(&f.frame.to_picture().unwrap()).expect("a picture without its number").1, f.time)).collect()
}

/// Each picture once, in order, as far apart in time as their numbers say.
#[track_caller]
fn assert_in_time(pictures: &[(u16, MediaTime)]) {
    for pair in pictures.windows(2) {
        let (step, frames) = (pair[1].1 - pair[0].1, i64::from(pair[1].0) - i64::from(pair[0].0));
        // The estimate of the sender's clock settles in the first seconds.
        assert!(frames >= 1 && (step - frames * FRAME_NANOS).abs() < FRAME_NANOS * 3 / 4, "{step} ns between {pair:?}");
    }
}

/// A film as MPEG-TS, whose times begin at `from_secs` of the sender's clock.
fn transport_stream(film: &Path, port: u16, from_secs: f64) -> Peer {
    let muxer = "-muxdelay 0 -muxpreload 0 -flush_packets 1 -f mpegts";
    Peer::ffmpeg(&format!(
        "-re -stream_loop -1 -i {} -c copy -output_ts_offset {from_secs} {muxer} udp://127.0.0.1:{port}?pkt_size=1316",
        film.display()
    ))
}

/// A film as RTP, whose times begin at `from_ticks` of 90 kHz; always the same sender by its numbers.
fn packets(film: &Path, port: u16, from_ticks: u32) -> Peer {
    Peer::gst(&format!(
        "filesrc location={} ! qtdemux ! h264parse config-interval=-1 ! rtph264pay pt=96 ssrc=77 timestamp-offset={from_ticks} ! udpsink host=127.0.0.1 port={port} sync=true",
        film.display()
    ))
}

/// How often the film is played: a machine that is too busy to fetch what comes over loopback loses some here and there, the wrap would lose it each time.
const RUNS: usize = 6;

#[test]
fn times_that_wrap_are_no_jump() {
    let dir = tempfile::tempdir().unwrap();
    let film = film(dir.path(), 0, 600);
    for run in 1..=RUNS {
        let (session, ports) = start();
        // 33 bits of 90 kHz are full after 26.5 hours, 32 bits of RTP after 13.3: both three seconds from now.
        let _senders =
            [transport_stream(&film, ports[0], (1_u64 << 33) as f64 / 90_000.0 - 3.0), packets(&film, ports[1], u32::MAX - 3 * 90_000)];
        wait(&session, "it does not go on", |f| f.received > 7 * u64::from(FPS));
        let mut all_came = true;
        for (feed, name) in WAYS.iter().enumerate() {
            let status = assert_told(&session, feed);
            let pictures = pictures(&session, &status);
            println!("{name}: {} pictures over the wrap, {:?}, {}", pictures.len(), status.dropped, status.clock_in_words());
            assert_in_time(&pictures);
            let refused = status.dropped.total() - status.dropped.missing;
            assert_eq!((refused, status.reconnects, status.duplicated), (0, 0, 0), "{status:?}");
            assert!(status.source_clock.is_some_and(|clock| clock.jumps == 0), "{status:?}");
            let unbroken = pictures.windows(2).all(|pair| pair[1].0 == pair[0].0 + 1);
            all_came &= unbroken && pictures.len() >= 6 * FPS as usize && status.dropped.missing == 0;
        }
        if all_came {
            return;
        }
        println!("run {run}: packets were lost");
    }
    panic!("pictures were lost in each of {RUNS} runs");
}

/// Senders that begin anew by another clock, hours ahead, then hours behind, while nobody hangs up.
#[test]
fn times_that_jump_by_hours_are_followed() {
    let dir = tempfile::tempdir().unwrap();
    let film = film(dir.path(), 0, 600);
    let (session, ports) = start();
    for hours in [5, 12, 1] {
        let before: Vec<u64> = session.status().iter().map(|f| f.received).collect();
        let secs = 3600.0 * f64::from(hours);
        let _senders = [transport_stream(&film, ports[0], secs), packets(&film, ports[1], (secs * 90_000.0) as u64 as u32)];
        // A keyframe comes each second.
        wait(&session, "it does not go on", |f| f.received >= before[f.id.0] + 4 * u64::from(FPS));
        for feed in 0..WAYS.len() {
            let status = assert_told(&session, feed);
            let (name, clock) = (&status.name, status.clock_in_words());
            println!("{name}, {hours} h: {} units, {} reconnects, {:?}, {clock}", status.received, status.reconnects, status.dropped);
        }
    }
    for feed in 0..WAYS.len() {
        let status = assert_told(&session, feed);
        let pictures = pictures(&session, &status);
        // Three films from their beginning.
        let begins = pictures.windows(2).filter(|pair| pair[1].0 < pair[0].0).count();
        assert_eq!(begins, 2, "{pictures:?}");
        let in_step = pictures.windows(2).filter(|pair| pair[1].0 == pair[0].0 + 1).count();
        println!("{}: {} pictures of {}, {in_step} follow each other", status.name, pictures.len(), status.received);
        assert!(pictures.windows(2).all(|pair| pair[1].1 > pair[0].1), "time went back: {pictures:?}");
        // What is not shown is what came while a new clock was found, and each has its reason.
        let (shown, left_out) = (pictures.len() as u64, status.dropped.total() - status.dropped.missing);
        assert!(shown + left_out + status.duplicated + status.damaged + status.late >= status.received, "{shown}: {status:?}");
        assert!(status.received - shown <= u64::from(FPS), "{shown}: {status:?}");
    }
}
