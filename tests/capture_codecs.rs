//! Pushed pictures through every codec, the ring and back; colour as the stream declares it.
#![cfg(feature = "gstreamer")]
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use volte::capture::{CaptureConfig, CaptureSession, Codec, FeedSource, FeedSpec, FeedState, LiveFrame, Pace, PreviewConfig, PushSettings};
use volte::frame::{Picture, metrics};
use volte::time::{FrameRate, MediaTime};

const RATE: FrameRate = FrameRate::whole(50);

fn config() -> CaptureConfig {
    CaptureConfig { preview: PreviewConfig { enabled: false, ..PreviewConfig::default() }, ..CaptureConfig::default() }
}

/// Smooth colours with a bar that moves: the frame number can be read off the picture.
fn picture(number: i64, width: u32, height: u32) -> Picture {
    let mut rgba = Vec::with_capacity((width * height * 4) as usize);
    for y in 0..height {
        for x in 0..width {
            let bar = (i64::from(x) - number * 6).rem_euclid(i64::from(width)) < 16;
            let base = [40 + x * 150 / width, 60 + y * 120 / height, 180 - x * 90 / width];
            let value = |c: u32| if bar { 220 - c as u8 / 4 } else { c as u8 };
            rgba.extend([value(base[0]), value(base[1]), value(base[2]), 255]);
        }
    }
    Picture::from_rgba(width, height, rgba).unwrap()
}

fn pushed(settings: PushSettings, frames: i64) -> CaptureSession {
    let (width, height) = (settings.width_px, settings.height_px);
    let session = CaptureSession::start(config(), &[FeedSpec::new("venue1", FeedSource::Push(settings))]).unwrap();
    let input = session.input("venue1").unwrap();
    for number in 0..frames {
        input
            .push_frame(MediaTime::from_nanos(RATE.frame_nanos(number)), LiveFrame::Rgba(Arc::new(picture(number, width, height))))
            .unwrap();
        // As a camera: not faster than the encoder takes them.
        assert!(
            session.wait_until(Duration::from_secs(20), |feeds| feeds[0].received as i64 + 7 > number
                || feeds[0].codec.is_none() && number < 7)
        );
    }
    input.finish();
    assert!(session.wait_until(Duration::from_secs(20), |feeds| feeds[0].state == FeedState::Ended), "{:?}", session.status());
    session
}

fn round_trip(settings: PushSettings, least_db: f64) {
    let codec = settings.codec;
    let frames = 30;
    let session = pushed(settings, frames);
    let status = &session.status()[0];
    assert_eq!((status.received as i64, status.dropped.total(), status.duplicated), (frames, 0, 0), "{codec}: {status:?}");
    assert_eq!((status.codec, status.size_px), (Some(codec), Some((320, 180))), "{codec}: {status:?}");
    assert_eq!(status.rate.map(|r| r.fps().round() as i64), Some(50), "{codec}: {status:?}");
    for number in [0, 11, 29] {
        let moment = session.moment(MediaTime::from_nanos(RATE.frame_nanos(number) + 2_000_000));
        assert_eq!(moment.frames.len(), 1, "{codec} {number}: {:?}", moment.left_out);
        assert_eq!(moment.frames[0].error_nanos, -2_000_000, "{codec} {number}");
        let db = metrics::psnr_db(&moment.frames[0].picture, &picture(number, 320, 180), None).unwrap();
        let other = metrics::psnr_db(&moment.frames[0].picture, &picture(number + 1, 320, 180), None).unwrap();
        println!("{codec} frame {number}: {db:.1} dB, neighbour {other:.1} dB");
        assert!(db >= least_db && other < db - 5.0, "{codec} frame {number}: {db:.1} dB, neighbour {other:.1} dB");
    }
}

fn settings(codec: Codec) -> PushSettings {
    PushSettings { bitrate_kbps: 6000, keyframe_every: 12, ..PushSettings::h264(320, 180, RATE) }.with_codec(codec)
}

#[test]
fn h264_round_trip() {
    round_trip(settings(Codec::H264), 32.0);
}

#[test]
fn h264_with_b_frames_round_trip() {
    round_trip(PushSettings { b_frames: 3, ..settings(Codec::H264) }, 32.0);
}

#[test]
fn h265_round_trip() {
    round_trip(settings(Codec::H265), 30.0);
}

#[test]
fn mjpeg_round_trip() {
    round_trip(settings(Codec::Mjpeg), 32.0);
}

#[test]
fn prores_round_trip() {
    round_trip(settings(Codec::ProRes), 34.0);
}

#[test]
fn raw_is_kept_intra_only() {
    round_trip(settings(Codec::Raw), 34.0);
    let session = pushed(settings(Codec::Raw), 10);
    let ring = session.ring().status();
    assert_eq!((ring.feeds[0].units, ring.feeds[0].keyframes), (10, 10));
}

#[test]
fn wrong_pictures_are_refused_by_name() {
    let session = CaptureSession::start(config(), &[FeedSpec::new("venue1", FeedSource::Push(settings(Codec::H264)))]).unwrap();
    let input = session.input("venue1").unwrap();
    let wrong = input.push_frame(MediaTime::ZERO, LiveFrame::Rgba(Arc::new(picture(0, 64, 64)))).unwrap_err().to_string();
    assert!(wrong.contains("venue1") && wrong.contains("64×64"), "{wrong}");
    assert!(input.push_frame(MediaTime::from_nanos(-5), LiveFrame::Rgba(Arc::new(picture(0, 320, 180)))).is_err());
    let odd = FeedSpec::new("odd", FeedSource::Push(PushSettings { width_px: 321, ..settings(Codec::H264) }));
    assert!(CaptureSession::start(config(), &[odd]).unwrap_err().to_string().contains("odd"));
}

#[test]
fn a_slow_encoder_drops_the_oldest_and_counts() {
    let big = PushSettings { width_px: 1920, height_px: 1080, ..settings(Codec::H265) };
    let session = CaptureSession::start(config(), &[FeedSpec::new("venue1", FeedSource::Push(big))]).unwrap();
    let input = session.input("venue1").unwrap();
    let frame = Arc::new(picture(0, 1920, 1080));
    let began = std::time::Instant::now();
    for number in 0..60 {
        input.push_frame(MediaTime::from_nanos(RATE.frame_nanos(number)), LiveFrame::Rgba(Arc::clone(&frame))).unwrap();
    }
    // Never waits: a 1080p H.265 encoder on two cores needs far longer for 60 pictures.
    assert!(began.elapsed() < Duration::from_millis(500), "{:?}", began.elapsed());
    assert!(session.status()[0].dropped.overload > 20, "{:?}", session.status());
}

#[test]
fn lost_late_and_repeated_pictures_are_counted_and_left_out() {
    let mut spec = FeedSpec::new("venue1", FeedSource::Push(settings(Codec::Mjpeg)));
    spec.late_after_nanos = Some(400_000_000);
    let session = CaptureSession::start(config(), &[spec]).unwrap();
    let input = session.input("venue1").unwrap();
    let mut sent = Vec::new();
    for number in 0..20_i64 {
        std::thread::sleep(Duration::from_millis(20));
        // 5 is lost; 9 is the picture of 8 again; 14 comes with a time half a second old.
        let shown = if number == 9 { 8 } else { number };
        let time = session.house_now();
        sent.push(time);
        if number != 5 {
            input.push_frame(time, LiveFrame::Rgba(Arc::new(picture(shown, 320, 180)))).unwrap();
        }
    }
    input.finish();
    assert!(session.wait_until(Duration::from_secs(10), |feeds| feeds[0].state == FeedState::Ended));
    let status = &session.status()[0];
    assert_eq!(status.duplicated, 1, "{status:?}");
    assert!(status.dropped.missing >= 1, "{status:?}");
    let moment = session.moment(sent[9]);
    assert!(moment.frames.is_empty() && moment.left_out[0].1.contains("repetition"), "{moment:?}");
    assert!(session.moment(sent[5]).frames.is_empty());
    assert_eq!(session.moment(sent[15]).frames.len(), 1, "{:?}", session.moment(sent[15]).left_out);
}

/// The same code values, declared as BT.601 and as BT.709, limited and full: four different pictures, each the right one.
#[test]
fn colour_is_decoded_as_the_stream_declares() {
    let dir = tempfile::tempdir().unwrap();
    let make = |name: &str, matrix: &str, range: &str| {
        let path = dir.path().join(name);
        let status = Command::new("ffmpeg")
            .args([
                "-v",
                "error",
                "-f",
                "lavfi",
                "-i",
                "color=c=0x30A050:size=320x180:rate=50:duration=0.5,format=yuv420p,geq=lum=100:cb=90:cr=170",
            ])
            .args(["-c:v", "libx264", "-qp", "0", "-colorspace", matrix, "-color_primaries", "bt709", "-color_trc", "bt709"])
            .args(["-color_range", range, "-y"])
            .arg(&path)
            .status()
            .expect("the ffmpeg command is needed: install the package ffmpeg");
        assert!(status.success());
        path
    };
    let shown = |path: &Path| {
        let file = FeedSource::File { path: path.to_owned(), pace: Pace::AsFastAsPossible };
        let session = CaptureSession::start(config(), &[FeedSpec::new("c", file)]).unwrap();
        assert!(session.wait_until(Duration::from_secs(20), |f| f[0].state == FeedState::Ended), "{:?}", session.status());
        let first = session.ring().status().feeds[0].oldest.unwrap();
        let moment = session.moment(first);
        assert_eq!(moment.frames.len(), 1, "{:?}", moment.left_out);
        moment.frames[0].picture.pixel(160, 90)
    };
    // By hand from the standards' equations.
    let expected = |kr: f64, kb: f64, full: bool| {
        let (y, u, v) =
            if full { (100.0, -38.0, 42.0) } else { ((100.0 - 16.0) * 255.0 / 219.0, -38.0 * 255.0 / 224.0, 42.0 * 255.0 / 224.0) };
        let (r, b) = (y + (2.0 - 2.0 * kr) * v, y + (2.0 - 2.0 * kb) * u);
        let g = (y - kr * r - kb * b) / (1.0 - kr - kb);
        [r, g, b].map(|c: f64| c.round().clamp(0.0, 255.0) as i32)
    };
    for (name, matrix, range, kr, kb, full) in [
        ("601.mp4", "smpte170m", "tv", 0.299, 0.114, false),
        ("709.mp4", "bt709", "tv", 0.2126, 0.0722, false),
        ("709full.mp4", "bt709", "pc", 0.2126, 0.0722, true),
        ("2020.mp4", "bt2020nc", "tv", 0.2627, 0.0593, false),
    ] {
        let (got, want) = (shown(&make(name, matrix, range)), expected(kr, kb, full));
        println!("{name}: {got:?}, wanted {want:?}");
        assert!((0..3).all(|c| (i32::from(got[c]) - want[c]).abs() <= 2), "{name}: {got:?}, wanted {want:?}");
    }
}

#[test]
fn uncompressed_files_and_transport_streams_are_understood() {
    let dir = tempfile::tempdir().unwrap();
    for (name, args) in [
        ("raw.avi", &["-c:v", "rawvideo", "-pix_fmt", "yuv420p"][..]),
        ("h264.ts", &["-c:v", "libx264", "-g", "10", "-bf", "2", "-pix_fmt", "yuv420p"][..]),
        ("h265.mkv", &["-c:v", "libx265", "-g", "10", "-pix_fmt", "yuv420p", "-x265-params", "log-level=error"][..]),
        ("prores.mov", &["-c:v", "prores_ks", "-pix_fmt", "yuv422p10le"][..]),
        ("mjpeg.avi", &["-c:v", "mjpeg", "-q:v", "2", "-pix_fmt", "yuvj420p"][..]),
        ("h264.h264", &["-c:v", "libx264", "-g", "10", "-bf", "0", "-pix_fmt", "yuv420p"][..]),
    ] {
        let path = dir.path().join(name);
        let made = Command::new("ffmpeg")
            .args(["-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=1.6"])
            .args(args)
            .arg("-y")
            .arg(&path)
            .status()
            .expect("the ffmpeg command is needed: install the package ffmpeg");
        assert!(made.success(), "{name}");
        let file = FeedSource::File { path, pace: Pace::AsFastAsPossible };
        let session = CaptureSession::start(config(), &[FeedSpec::new(name, file)]).unwrap();
        let ended = session.wait_until(Duration::from_secs(20), |f| matches!(f[0].state, FeedState::Ended | FeedState::Failed));
        let status = session.status();
        assert!(ended && status[0].state == FeedState::Ended, "{name}: {status:?}");
        assert_eq!((status[0].received, status[0].dropped.total()), (40, 0), "{name}: {status:?}");
        let first = session.ring().status().feeds[0].oldest.unwrap();
        for number in [0, 17, 39] {
            let moment = session.moment(first.plus_nanos(number * 40_000_000));
            assert_eq!(moment.frames.len(), 1, "{name} {number}: {:?}", moment.left_out);
            assert!(moment.frames[0].error_nanos.abs() < 1_100_000, "{name} {number}: {}", moment.frames[0].error_nanos);
        }
    }
}
