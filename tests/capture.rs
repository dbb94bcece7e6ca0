//! Capture → ring → moment on real footage. Needs `VOLTE_DATA` (else `../shared/data`).
#![cfg(feature = "gstreamer")]
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use volte::capture::{CaptureConfig, CaptureSession, FeedSource, FeedSpec, FeedState, FeedStatus, Pace, PreviewConfig};
use volte::frame::{Picture, metrics};
use volte::ring::RingConfig;
use volte::time::MediaTime;

mod support {
    pub mod data;
}
use support::data::data;

fn config() -> CaptureConfig {
    CaptureConfig { preview: PreviewConfig { enabled: false, ..PreviewConfig::default() }, ..CaptureConfig::default() }
}

fn balance() -> Vec<PathBuf> {
    (1..=4).map(|i| data(&format!("balance/cam0{i}.mp4"))).collect()
}

fn fast(path: &Path) -> FeedSpec {
    let name = path.file_stem().unwrap().to_string_lossy().into_owned();
    FeedSpec::new(name, FeedSource::File { path: path.to_owned(), pace: Pace::AsFastAsPossible })
}

fn ended(feeds: &[FeedStatus]) -> bool {
    feeds.iter().all(|f| matches!(f.state, FeedState::Ended | FeedState::Failed))
}

/// Frame `index` of a file, as the reference decoder shows it.
fn reference_frame(path: &Path, index: usize, matrix: &str) -> Picture {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("frame.png");
    let filter = format!(
        "select=eq(n\\,{index}),scale=in_color_matrix={matrix}:in_range=tv:flags=bilinear+accurate_rnd+full_chroma_int+full_chroma_inp,format=rgb24"
    );
    let status = Command::new("ffmpeg")
        .args(["-v", "error", "-threads", "1", "-i"])
        .arg(path)
        .args(["-vf", &filter, "-vsync", "0", "-frames:v", "1", "-y"])
        .arg(&out)
        .status()
        .expect("the ffmpeg command is needed as the reference decoder: install the package ffmpeg");
    assert!(status.success());
    Picture::load(&out).unwrap()
}

#[test]
fn b_frames_decode_to_the_frame_of_that_time() {
    let files = balance();
    let session = CaptureSession::start(config(), &[fast(&files[0]), fast(&files[2])]).unwrap();
    assert!(session.wait_until(Duration::from_secs(30), ended), "{:?}", session.status());
    for status in session.status() {
        assert_eq!((status.received, status.dropped.total(), status.state), (100, 0, FeedState::Ended), "{status:?}");
    }
    let first = session.ring().status().feeds[0].oldest.unwrap();
    // 7: a B-frame; 40, 41: neighbours; 99: the last.
    for index in [0_usize, 7, 41, 99] {
        let instant = first.plus_nanos(index as i64 * 16_666_667);
        let moment = session.moment(instant);
        assert!(moment.left_out.is_empty() && moment.frames.len() == 2, "{:?}", moment.left_out);
        for (frame, path) in moment.frames.iter().zip([&files[0], &files[2]]) {
            assert!(frame.error_nanos.abs() < 1_000_000, "{}", frame.error_nanos);
            let right = metrics::psnr_db(&frame.picture, &reference_frame(path, index, "bt709"), None).unwrap();
            assert!(right >= 40.0, "frame {index} of {path:?}: {right:.1} dB");
            let neighbour = if index == 0 { 1 } else { index - 1 };
            let wrong = metrics::psnr_db(&frame.picture, &reference_frame(path, neighbour, "bt709"), None).unwrap();
            assert!(wrong < right - 1.0, "frame {index} of {path:?}: {right:.1} dB, its neighbour {wrong:.1} dB");
            println!("frame {index} of {}: {right:.1} dB, neighbour {wrong:.1} dB", path.display());
        }
    }
    // After the end there is no honest frame, and the reason is said by name.
    let late = session.moment(first.plus_nanos(3_000_000_000));
    assert!(late.frames.is_empty() && late.left_out.len() == 2 && late.left_out[0].1.contains("ms away"), "{:?}", late.left_out);
}

#[test]
fn what_follows_is_decoded_once_and_is_the_same() {
    let path = &balance()[0];
    let session = CaptureSession::start(config(), &[fast(path)]).unwrap();
    assert!(session.wait_until(Duration::from_secs(30), ended), "{:?}", session.status());
    let feed = volte::ring::FeedId(0);
    let first = session.ring().status().feeds[0].oldest.unwrap();
    let frame = |k: i64| first.plus_nanos(k * 16_666_667 - 4_000_000);
    let decoder = session.decoder();
    let same = |from: i64, until: i64, limit: usize, frames: i64| {
        let onward = decoder.decode_onward(feed, frame(from), frame(until), limit).unwrap();
        let range = decoder.decode_range(feed, frame(from), frame(until), limit).unwrap();
        assert_eq!(onward.len() as i64, frames, "{from}..{until}");
        let alike = |(a, b): (&volte::capture::TimedFrame, &volte::capture::TimedFrame)| a.time == b.time && a.frame.data == b.frame.data;
        assert!(onward.len() == range.len() && onward.iter().zip(&range).all(alike), "{from}..{until}");
    };
    // All of it in pieces, the last of them overlapping as they do where recording goes on.
    for from in (0..100).step_by(10) {
        same(from, from + 10, 40, 10);
    }
    let before = decoder.units_decoded();
    for from in (0..100).step_by(10) {
        assert_eq!(decoder.decode_onward(feed, frame(from), frame(from + 10), 40).unwrap().len(), 10);
    }
    let cost = decoder.units_decoded() - before;
    assert!((100..=110).contains(&cost), "{cost} units for 100 frames");
    // Two that roll at once do not send each other back to a keyframe (the second one begins by decoding up to its first frame).
    let before = decoder.units_decoded();
    std::thread::scope(|both| {
        for begin in [0, 50] {
            both.spawn(move || {
                for from in (begin..begin + 50).step_by(5) {
                    assert_eq!(decoder.decode_onward(feed, frame(from), frame(from + 5), 40).unwrap().len(), 5);
                }
            });
        }
    });
    let cost = decoder.units_decoded() - before;
    println!("{cost} units for twice 50 frames, 50 frames apart");
    assert!((100..=175).contains(&cost), "{cost} units for twice 50 frames");
    // Piece by piece with newer frames, a jump ahead, back again, a limit, nothing at all, and all at once.
    for (from, until, limit, frames) in [
        (20, 24, 40, 4),
        (20, 28, 40, 8),
        (20, 30, 40, 10),
        (70, 75, 40, 5),
        (31, 33, 40, 2),
        (33, 60, 5, 5),
        (40, 40, 40, 0),
        (0, 120, 200, 100),
    ] {
        same(from, until, limit, frames);
    }
    assert!(decoder.decode_onward(feed, frame(300), frame(310), 40).unwrap().is_empty());
}

#[test]
fn a_feed_that_is_made_intra_has_nothing_but_keyframes_and_the_same_pictures_at_the_same_times() {
    let path = &balance()[0];
    let spec = FeedSpec { make_intra: true, ..fast(path) };
    let session = CaptureSession::start(config(), &[spec, FeedSpec { name: "as it is".into(), ..fast(path) }]).unwrap();
    assert!(session.wait_until(Duration::from_mins(1), ended), "{:?}", session.status());
    let ring = session.ring().status();
    let units = |feed: usize| session.ring().range(volte::ring::FeedId(feed), MediaTime::ZERO, MediaTime::from_nanos(i64::MAX / 4));
    assert!(units(0).iter().all(|u| u.keyframe) && !units(1).iter().all(|u| u.keyframe));
    assert_eq!(ring.feeds[0].longest_group_units, 1);
    let times = |feed: usize| {
        let mut times: Vec<i64> = units(feed).iter().map(|u| u.pts.nanos()).collect();
        times.sort_unstable();
        times
    };
    assert_eq!(times(0), times(1));
    let moment = session.moment(ring.feeds[0].oldest.unwrap().plus_nanos(41 * 16_666_667));
    assert_eq!(moment.frames.len(), 2, "{:?}", moment.left_out);
    let db = metrics::psnr_db(&moment.frames[0].picture, &moment.frames[1].picture, None).unwrap();
    assert!((36.0..90.0).contains(&db), "{db:.1} dB");
}

#[test]
fn a_rate_that_is_not_true_is_not_believed() {
    let dir = tempfile::tempdir().unwrap();
    let made = dir.path().join("cam01.ts");
    // 25 frames a second that call themselves 250.
    let status = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", "testsrc2=size=160x96:rate=250:duration=0.3", "-c:v", "libx264", "-g", "25", "-bf", "0"])
        .args(["-bsf:v", "setts=ts=TS*10", "-y"])
        .arg(&made)
        .status()
        .expect("the ffmpeg command is needed: install the package ffmpeg");
    assert!(status.success());
    let session = CaptureSession::start(config(), &[fast(&made)]).unwrap();
    assert!(session.wait_until(Duration::from_secs(30), ended), "{:?}", session.status());
    let feed = &session.status()[0];
    assert!((feed.rate.unwrap().fps() - 25.0).abs() < 0.5, "{feed:?}");
    assert!(feed.last_error.as_ref().is_some_and(|e| e.contains("250")), "the stream does say 250, or the test shows nothing: {feed:?}");
    // Half a frame beside a frame it is still that camera's frame.
    let first = session.ring().status().feeds[0].oldest.unwrap();
    assert!(session.moment(first.plus_nanos(1_015_000_000)).left_out.is_empty());
}

#[test]
fn an_instant_is_frozen_while_four_live_feeds_go_on() {
    let specs: Vec<FeedSpec> = balance().into_iter().map(|path| FeedSpec::live_file(path, true)).collect();
    let session = CaptureSession::start(config(), &specs).unwrap();
    // Two rounds of the file and a bit, so that the instant lies in an earlier round.
    assert!(session.wait_until(Duration::from_secs(30), |feeds| feeds.iter().all(|f| f.received >= 210)), "{:?}", session.status());
    let before: u64 = session.status().iter().map(|f| f.received).sum();
    let instant = session.house_now().plus_nanos(-2_000_000_000);
    let moment = session.moment(instant);
    assert_eq!(moment.frames.len(), 4, "{:?}", moment.left_out);
    // Synchronized files: all cameras show the same time.
    let times: Vec<MediaTime> = moment.frames.iter().map(|f| f.time).collect();
    assert!(times.iter().all(|t| t.distance_nanos(times[0]) < 1_000_000), "{times:?}");
    assert!(moment.frames.iter().all(|f| f.error_nanos.abs() <= 8_400_000 && f.picture.width() == 1088));
    assert!(session.wait_until(Duration::from_secs(30), |feeds| feeds.iter().map(|f| f.received).sum::<u64>() > before + 200));
    for status in session.status() {
        assert_eq!((status.dropped.total(), status.duplicated, status.late, status.damaged), (0, 0, 0, 0), "{status:?}");
        assert_eq!(status.state, FeedState::Live);
        assert!(status.loops >= 2);
    }
}

#[test]
fn mpeg4_of_other_rate_and_clock_offset_align() {
    let mut specs: Vec<FeedSpec> = (0..2).map(|i| fast(&data(&format!("charuco/cam_{i}.mp4")))).collect();
    specs[1].clock_offset_nanos = 50_000_000;
    let session = CaptureSession::start(config(), &specs).unwrap();
    assert!(session.wait_until(Duration::from_secs(30), ended), "{:?}", session.status());
    let ring = session.ring().status();
    assert_eq!(ring.feeds[1].oldest.unwrap() - ring.feeds[0].oldest.unwrap(), 50_000_000);
    let first = ring.feeds[0].oldest.unwrap();
    // Frame 20: between keyframes at 12 and 24.
    let moment = session.moment(first.plus_nanos(20 * 166_666_667));
    assert_eq!(moment.frames.len(), 2, "{:?}", moment.left_out);
    assert!((moment.frames[1].error_nanos - 50_000_000).abs() < 1_000, "{}", moment.frames[1].error_nanos);
    let right = metrics::psnr_db(&moment.frames[0].picture, &reference_frame(&data("charuco/cam_0.mp4"), 20, "bt709"), None).unwrap();
    assert!(right >= 40.0, "{right:.1} dB");
}

#[test]
fn faulty_files_say_what_is_wrong_and_do_not_stop_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let good = &balance()[0];
    let bytes = std::fs::read(good).unwrap();
    let make = |name: &str, data: &[u8]| {
        let path = dir.path().join(name);
        std::fs::write(&path, data).unwrap();
        path
    };
    let unknown = dir.path().join("unknown_codec.avi");
    let vp3 = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", "testsrc=size=64x64:duration=1", "-c:v", "asv1", "-y"])
        .arg(&unknown)
        .status()
        .expect("the ffmpeg command is needed: install the package ffmpeg");
    assert!(vp3.success());
    // With its index in front, half a file plays up to where it is cut.
    let indexed = dir.path().join("indexed.mp4");
    let copied = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(good)
        .args(["-c", "copy", "-movflags", "+faststart", "-y"])
        .arg(&indexed)
        .status()
        .expect("the ffmpeg command is needed: install the package ffmpeg");
    assert!(copied.success());
    let indexed = std::fs::read(&indexed).unwrap();
    let faulty = [
        (make("cut.mp4", &indexed[..indexed.len() / 2]), "truncated"),
        (make("empty.mp4", b""), "0 bytes"),
        (make("half.mp4", &bytes[..bytes.len() / 2]), "truncated"),
        (make("head.mp4", &bytes[..40]), "damaged"),
        (make("text.mp4", "this is not a video. ".repeat(400).as_bytes()), "not a video"),
        (dir.path().join("missing.mp4"), "cannot open"),
        (unknown, "codec"),
    ];
    let mut specs: Vec<FeedSpec> = faulty.iter().map(|(path, _)| fast(path)).collect();
    specs.push(fast(good));
    let session = CaptureSession::start(config(), &specs).unwrap();
    assert!(session.wait_until(Duration::from_secs(30), ended), "{:?}", session.status());
    let status = session.status();
    for ((path, word), status) in faulty.iter().zip(&status) {
        let why = status.last_error.clone().unwrap_or_default();
        println!("{}: {why}", status.name);
        assert_eq!(status.state, FeedState::Failed, "{path:?}: {why}");
        assert!(why.contains(word), "{path:?}: {why}");
    }
    assert_eq!((status[7].state, status[7].received), (FeedState::Ended, 100));
    // The moment names those who are missing.
    let first = session.ring().status().feeds[7].oldest.unwrap();
    let moment = session.moment(first);
    assert_eq!(moment.frames.len() + moment.left_out.len(), 8);
    assert!(moment.left_out.iter().any(|(name, why)| name == "empty" && why.contains("0 bytes")), "{:?}", moment.left_out);
}

#[test]
fn a_damaged_stream_never_panics() {
    // Noise over the coded pictures: whatever comes out, it comes with a reason or as a picture.
    let dir = tempfile::tempdir().unwrap();
    let mut bytes = std::fs::read(&balance()[1]).unwrap();
    let mut seed = 7_u32;
    let len = bytes.len();
    for _ in 0..2000 {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let at = 5000 + seed as usize % (len - 20_000);
        bytes[at] ^= (seed >> 24) as u8;
    }
    let path = dir.path().join("noise.mp4");
    std::fs::write(&path, &bytes).unwrap();
    let session = CaptureSession::start(config(), &[fast(&path)]).unwrap();
    session.wait_until(Duration::from_secs(20), ended);
    if let Some(first) = session.ring().status().feeds[0].oldest {
        for index in [0, 30, 60, 99] {
            let moment = session.moment(first.plus_nanos(index * 16_666_667));
            assert_eq!(moment.frames.len() + moment.left_out.len(), 1);
        }
    }
}

#[test]
fn a_small_ring_keeps_its_bounds_and_its_marks() {
    let files = balance();
    let ring = RingConfig { budget_bytes: 3_000_000, ..RingConfig::default() };
    let session = CaptureSession::start(CaptureConfig { ring, ..config() }, &[FeedSpec::live_file(&files[0], true)]).unwrap();
    assert!(session.wait_until(Duration::from_secs(30), |feeds| feeds[0].received >= 30), "{:?}", session.status());
    let marked = session.ring().status().feeds[0].oldest.unwrap();
    let pin = session.ring().pin(marked, marked.plus_nanos(200_000_000));
    assert!(session.wait_until(Duration::from_secs(30), |feeds| feeds[0].received >= 520), "{:?}", session.status());
    let status = session.ring().status();
    assert!(status.bytes <= 3_000_000 && status.feeds[0].evicted > 0 && status.pinned_bytes > 0, "{status:?}");
    assert_eq!(session.moment(marked).frames.len(), 1);
    assert!(session.ring().unpin(pin));
}

#[test]
fn small_live_pictures_follow_every_feed() {
    let specs: Vec<FeedSpec> = balance()[..2].iter().map(|path| FeedSpec::live_file(path, true)).collect();
    let session = CaptureSession::start(CaptureConfig { preview: PreviewConfig::default(), ..config() }, &specs).unwrap();
    let feeds = session.ring().feeds();
    let seen = |after: MediaTime| feeds.iter().all(|(id, _)| session.preview(*id).is_some_and(|p| p.time > after));
    assert!(session.wait_until(Duration::from_secs(20), |_| seen(MediaTime::ZERO)), "{:?}", session.status());
    let picture = session.preview(feeds[0].0).unwrap().picture.clone();
    assert!(picture.width() <= 320 && picture.height() * 1088 / 1920 <= picture.width() + 2, "{}×{}", picture.width(), picture.height());
    // They go on, and show what the camera sees.
    let before = session.preview(feeds[1].0).unwrap().time;
    assert!(session.wait_until(Duration::from_secs(20), |_| seen(before.plus_nanos(500_000_000))));
    let preview = session.preview(feeds[0].0).unwrap();
    let frame = session.moment(preview.time).frames[0].picture.resized(preview.picture.width(), preview.picture.height());
    let db = metrics::psnr_db(&frame, &preview.picture, None).unwrap();
    assert!(db > 20.0, "{db:.1} dB");
    assert_eq!(session.status().iter().map(|f| f.dropped.total()).sum::<u64>(), 0);
}

#[test]
fn a_hundred_cameras_are_one_moment() {
    let dir = tempfile::tempdir().unwrap();
    let clip = dir.path().join("clip.mp4");
    let words =
        "-v error -nostdin -f lavfi -t 4 -i testsrc2=size=160x90:rate=5 -pix_fmt yuv420p -c:v libx264 -preset ultrafast -g 5 -bf 0 -y";
    assert!(Command::new("ffmpeg").args(words.split_whitespace()).arg(&clip).status().unwrap().success());
    let source = FeedSource::File { path: clip, pace: Pace::Live { looped: true } };
    let specs: Vec<FeedSpec> = (1..=100).map(|k| FeedSpec::new(format!("cam{k:03}"), source.clone())).collect();
    let session = CaptureSession::start(config(), &specs).unwrap();
    // Over the end of the file, and on.
    assert!(session.wait_until(Duration::from_mins(1), |f| f.iter().all(|f| f.received > 22 && f.loops > 0)), "{:?}", session.status());
    let status = session.status();
    assert!(status.iter().all(|f| f.state == FeedState::Live), "{status:?}");
    assert_eq!(status.iter().map(|f| f.dropped.total() + f.damaged + f.duplicated).sum::<u64>(), 0, "{status:?}");
    let instant = status.iter().filter_map(|f| f.newest).min().unwrap();
    let begun = std::time::Instant::now();
    let moment = session.moment(instant);
    println!("100 cameras in {:.0} ms", begun.elapsed().as_secs_f64() * 1e3);
    assert!(moment.left_out.is_empty() && moment.frames.len() == 100, "{:?}", moment.left_out);
    // Each at that instant, to half of its interval.
    assert!(moment.frames.iter().all(|f| f.error_nanos.abs() <= 107_000_000));
    assert!(moment.frames.iter().all(|f| (f.picture.width(), f.picture.height()) == (160, 90)));
}
