//! Recording to disk: real feeds into files that others read, moments from what memory no longer has, full disks, and processes that
//! are killed. Needs `VOLTE_DATA` (else `../shared/data`), ffprobe and gst-launch-1.0.
#![cfg(feature = "gstreamer")]
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use volte::capture::{
    CaptureConfig, CaptureSession, Codec, DiskState, DiskStatus, FeedSource, FeedSpec, FeedState, FeedStatus, LiveFrame, Pace,
    PreviewConfig, PushSettings,
};
use volte::engine::{
    export::MomentSource as _,
    recording::{Recording, event_of},
};
use volte::frame::{Moment, MomentFrame, Picture, metrics};
use volte::replay::{Event, EventId};
use volte::ring::disk::{DiskConfig, DiskStore, Kept, Segment, read_segment};
use volte::time::{FrameRate, MediaTime};

mod support {
    pub mod data;
    pub mod fake_feeds;
}
use support::data::data;
use support::fake_feeds::arc_rig;

fn config(folder: &Path) -> CaptureConfig {
    CaptureConfig {
        preview: PreviewConfig { enabled: false, ..PreviewConfig::default() },
        disk: Some(DiskConfig::new(folder, 1 << 30)),
        ..CaptureConfig::default()
    }
}

fn file(name: &str, path: PathBuf, pace: Pace) -> FeedSpec {
    FeedSpec::new(name, FeedSource::File { path, pace })
}

fn ended(feeds: &[FeedStatus]) -> bool {
    feeds.iter().all(|f| matches!(f.state, FeedState::Ended | FeedState::Failed))
}

fn segments(folder: &Path) -> Vec<(PathBuf, Segment)> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|e| e == "mp4"));
    paths.sort();
    paths.into_iter().filter_map(|path| Some((path.clone(), read_segment(&mut File::open(&path).unwrap()).ok()?))).collect()
}

/// Packets that ffprobe finds in a file: (time, s; bytes), in the order of the file.
fn probed_packets(path: &Path) -> Vec<(f64, u64)> {
    let out = Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", "v", "-show_entries", "packet=pts_time,size", "-of", "csv=p=0"])
        .arg(path)
        .output()
        .expect("ffprobe is needed: install the package ffmpeg");
    let text = String::from_utf8(out.stdout).unwrap();
    let packets = text.lines().filter_map(|line| {
        let mut parts = line.split(',');
        Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    });
    packets.collect()
}

/// Pictures that a whole decoder pipeline gets out of a file.
fn decoded_by_gstreamer(path: &Path) -> usize {
    let out = Command::new("gst-launch-1.0")
        .args(["-v", "filesrc"])
        .arg(format!("location={}", path.display()))
        .args(["!", "decodebin", "!", "identity", "silent=false", "!", "fakesink", "sync=false"])
        .output()
        .expect("gst-launch-1.0 is needed");
    String::from_utf8_lossy(&out.stdout).matches("identity0: last-message = chain").count()
}

fn decoded_by_ffmpeg(path: &Path) -> usize {
    let out = Command::new("ffmpeg").args(["-v", "error", "-i"]).arg(path).args(["-vsync", "0", "-f", "framecrc", "-"]).output().unwrap();
    assert!(out.stderr.is_empty(), "{path:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).lines().filter(|line| !line.starts_with('#')).count()
}

/// What a segment holds is what others find in it.
fn others_read(path: &Path, segment: &Segment) {
    let packets = probed_packets(path);
    assert_eq!(packets.len(), segment.units.len(), "{path:?}: ffprobe");
    let first = packets.iter().map(|p| p.0).fold(f64::INFINITY, f64::min);
    let begin = segment.span().unwrap().0;
    for ((secs, bytes), unit) in packets.iter().zip(&segment.units) {
        assert_eq!(*bytes, u64::from(unit.len), "{path:?}");
        let error = secs - first - (unit.pts - begin) as f64 * 1e-9;
        assert!(error.abs() < 2e-6, "{path:?}: {secs} s is {error} s off");
    }
    assert_eq!(decoded_by_ffmpeg(path), segment.units.len(), "{path:?}: ffmpeg");
    assert_eq!(decoded_by_gstreamer(path), segment.units.len(), "{path:?}: gst-launch-1.0");
}

#[test]
fn files_are_read_by_others_and_moments_come_from_disk_after_a_restart() {
    let (dir, clips) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    // A byte stream, whose parameter sets are in front of its keyframes.
    let stream = clips.path().join("cam02.ts");
    let copied =
        Command::new("ffmpeg").args(["-v", "error", "-i"]).arg(data("balance/cam02.mp4")).args(["-c", "copy"]).arg(&stream).status();
    assert!(copied.expect("ffmpeg is needed: install the package ffmpeg").success());
    let specs = [
        file("cam01", data("balance/cam01.mp4"), Pace::AsFastAsPossible),
        file("cam03", data("balance/cam03.mp4"), Pace::AsFastAsPossible),
        file("stream", stream, Pace::AsFastAsPossible),
        file("mpeg4", data("charuco/cam_0.mp4"), Pace::AsFastAsPossible),
    ];
    let session = CaptureSession::start(config(dir.path()), &specs).unwrap();
    assert!(session.wait_until(Duration::from_secs(30), ended), "{:?}", session.status());
    let first = session.ring().status().feeds[0].oldest.unwrap();
    let instant = first.plus_nanos(41 * 16_666_667);
    let in_memory = session.moment(instant);
    let received: Vec<u64> = session.status().iter().map(|f| f.received).collect();
    let ring = session.ring().clone();
    drop(session);
    let on_disk = segments(dir.path());
    assert_eq!(on_disk.len(), 4);
    for (path, segment) in &on_disk {
        assert!(segment.closed && segment.lost_bytes == 0);
        let feed = ring.feed_named(&segment.head.feed).unwrap();
        assert_eq!(segment.units.len() as u64, received[feed.0]);
        let units = ring.range(feed, MediaTime::from_nanos(i64::MIN), MediaTime::from_nanos(i64::MAX));
        let mut source = File::open(path).unwrap();
        for (entry, unit) in segment.units.iter().zip(&units) {
            assert_eq!((entry.pts, entry.flags, entry.droppable, entry.keyframe), (unit.pts, unit.flags, unit.droppable, unit.keyframe));
            let payload = entry.payload(&mut source).unwrap().unwrap();
            if segment.head.feed == "stream" && unit.payload.starts_with(&[0, 0, 0, 1]) {
                assert!(payload.len() >= unit.payload.len() - 16 && !payload.starts_with(&[0, 0, 0, 1]), "it is length-prefixed");
            } else {
                assert_eq!(payload, unit.payload);
            }
        }
        others_read(path, segment);
    }
    // Another session, whose memory knows nothing of it.
    std::thread::sleep(Duration::from_millis(1500));
    let again = CaptureSession::start(config(dir.path()), &specs).unwrap();
    assert!(again.house_now() > instant, "house time goes on");
    let from_disk = again.moment(instant);
    assert_eq!(from_disk.frames.len(), in_memory.frames.len(), "{:?}", from_disk.left_out);
    for (a, b) in from_disk.frames.iter().zip(&in_memory.frames) {
        assert_eq!((&a.camera, a.time, a.error_nanos), (&b.camera, b.time, b.error_nanos));
        assert!(a.picture.rgba() == b.picture.rgba(), "{}: another picture", a.camera);
    }
    taken_from_the_folder(dir.path(), instant, &in_memory);
    // Neither memory nor disk has it: said by name.
    let nothing = again.moment(first.plus_nanos(-5_000_000_000));
    assert!(nothing.frames.is_empty() && nothing.left_out.len() == 4, "{:?}", nothing.left_out);
    assert!(again.wait_until(Duration::from_secs(30), ended));
    // New recordings do not touch the old ones.
    let later = again.ring().status().feeds[0].oldest.unwrap().plus_nanos(41 * 16_666_667);
    assert_eq!(again.moment(later).frames.len(), in_memory.frames.len());
}

/// An export takes the same pictures from the folder, while the other session records into it.
fn taken_from_the_folder(folder: &Path, instant: MediaTime, in_memory: &Moment) {
    let rig = arc_rig(3, 12.0);
    let two = rig.restricted_to(&[0, 2]);
    let at = format!("{}.{:09}", instant.nanos() / 1_000_000_000, instant.nanos() % 1_000_000_000);
    let mut recording = Recording::open(&two, folder, &at, (-0.1, 0.1)).unwrap();
    assert_eq!(recording.mark(), instant);
    assert_eq!(recording.size_px("cam03"), Some((1088, 1920)));
    let (from, until) = recording.span();
    assert!(from < instant && instant < until && until - from < 3_000_000_000, "{from} to {until}");
    let taken = recording.moment_at(instant).unwrap();
    assert_eq!(taken.frames.len(), 2, "{:?}", taken.left_out);
    for a in &taken.frames {
        let b = in_memory.frames.iter().find(|b| b.camera == a.camera).unwrap();
        assert!(a.time == b.time && a.picture.rgba() == b.picture.rgba(), "{}: another picture", a.camera);
    }
    let others =
        recording.other_side(&Moment { instant: instant.plus_nanos(4_000_000), frames: off(&taken, -4_000_000), ..Moment::default() });
    let after: Vec<_> = others.iter().map(|o| o.as_ref().map(|(_, time)| (*time - instant) / 1_000_000)).collect();
    assert_eq!(after, [Some(16), Some(16)]);
    let refused = |rig, at: &str, span| Recording::open(rig, folder, at, span).unwrap_err().to_string();
    assert!(refused(&rig, &at, (0.0, 0.0)).contains("cam02"), "no recording of that camera");
    assert!(refused(&two, "E007", (0.0, 0.0)).contains("no events"));
    assert!(refused(&two, &at, (0.0, 60.0)).contains("cam01 00:00:0"));
    assert!(Recording::open(&two, Path::new("/nowhere"), &at, (0.0, 0.0)).unwrap_err().to_string().contains("/nowhere"));
}

/// The frames as if they had been off the instant by so much.
fn off(moment: &Moment, error_nanos: i64) -> Vec<MomentFrame> {
    moment.frames.iter().map(|f| MomentFrame { error_nanos, ..f.clone() }).collect()
}

fn push_frames(session: &CaptureSession, name: &str, count: i64, rate: FrameRate) {
    let input = session.input(name).unwrap();
    let start = session.house_now().nanos() / 1_000_000 * 1_000_000;
    for i in 0..count {
        let mut picture = Picture::filled(128, 72, [40, 90, 160, 255]);
        for (k, px) in picture.rgba_mut().chunks_exact_mut(4).enumerate() {
            px[0] = ((k as i64 * 3 + i * 11) % 251) as u8;
        }
        let time = MediaTime::from_nanos(start + i * rate.interval_nanos());
        input.push_frame(time, LiveFrame::Rgba(std::sync::Arc::new(picture))).unwrap();
        std::thread::sleep(Duration::from_millis(20));
    }
    input.finish();
}

#[test]
fn every_codec_of_pushed_feeds_goes_to_disk_and_back() {
    for codec in [Codec::H264, Codec::H265, Codec::Mjpeg, Codec::ProRes, Codec::Raw] {
        let dir = tempfile::tempdir().unwrap();
        let rate = FrameRate::whole(50);
        let settings = PushSettings { keyframe_every: 10, ..PushSettings::h264(128, 72, rate) }.with_codec(codec);
        let specs = [FeedSpec::new("a", FeedSource::Push(settings))];
        let session = CaptureSession::start(config(dir.path()), &specs).unwrap();
        push_frames(&session, "a", 40, rate);
        assert!(
            session.wait_until(Duration::from_secs(20), |f| f[0].received + f[0].dropped.overload >= 40),
            "{codec}: {:?}",
            session.status()
        );
        // A slow encoder drops some: an instant of which there is a frame.
        let (begin, end) = (MediaTime::from_nanos(i64::MIN), MediaTime::from_nanos(i64::MAX));
        let units = session.ring().range(session.status()[0].id, begin, end);
        let middle = units[units.len() / 2].pts;
        let (in_memory, received) = (session.moment(middle), session.status()[0].received);
        drop(session);
        let on_disk = segments(dir.path());
        assert_eq!((on_disk.len(), on_disk[0].1.units.len() as u64), (1, received), "{codec}");
        others_read(&on_disk[0].0, &on_disk[0].1);
        let again = CaptureSession::start(config(dir.path()), &specs).unwrap();
        let from_disk = again.moment(middle);
        assert_eq!(from_disk.frames.len(), 1, "{codec}: {:?}", from_disk.left_out);
        let psnr = metrics::psnr_db(&from_disk.frames[0].picture, &in_memory.frames[0].picture, None).unwrap();
        assert!(psnr > 60.0, "{codec}: {psnr} dB");
    }
}

#[test]
fn others_read_the_frame_rate_of_a_recording_with_a_hole() {
    let dir = tempfile::tempdir().unwrap();
    let rate = FrameRate::whole(50);
    let specs = [FeedSpec::new("a", FeedSource::Push(PushSettings { keyframe_every: 10, ..PushSettings::h264(128, 72, rate) }))];
    let session = CaptureSession::start(config(dir.path()), &specs).unwrap();
    let input = session.input("a").unwrap();
    let start = session.house_now().nanos() / 1_000_000 * 1_000_000;
    // Camera hiccup: one frame, 0.28 s nothing, twenty frames; all in the time of one fragment.
    for i in std::iter::once(0).chain(15..35) {
        let picture = std::sync::Arc::new(Picture::filled(128, 72, [40, 90, i as u8 * 5, 255]));
        input.push_frame(MediaTime::from_nanos(start + i * rate.interval_nanos()), LiveFrame::Rgba(picture)).unwrap();
        std::thread::sleep(Duration::from_millis(8));
    }
    input.finish();
    assert!(session.wait_until(Duration::from_secs(20), ended), "{:?}", session.status());
    drop(session);
    let on_disk = segments(dir.path());
    let (path, segment) = &on_disk[0];
    assert!(segment.units.windows(2).any(|w| w[1].pts - w[0].pts > 200_000_000), "there is no hole");
    others_read(path, segment);
    let out = Command::new("gst-launch-1.0")
        .args(["-v", "filesrc"])
        .arg(format!("location={}", path.display()))
        .args(["!", "qtdemux", "!", "fakesink", "sync=false"])
        .output()
        .expect("gst-launch-1.0 is needed");
    let told = String::from_utf8_lossy(&out.stdout);
    assert!(told.contains("framerate=(fraction)50/1"), "{told}");
}

/// Pictures of one camera, each another one, until it is dropped.
struct Pushing(Arc<AtomicBool>, Option<JoinHandle<()>>);

impl Pushing {
    fn into(session: &CaptureSession, name: &str) -> Self {
        let (input, clock) = (session.input(name).unwrap(), session.clock().clone());
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let push = move || {
            for i in 0_u32.. {
                if stopped.load(Ordering::Relaxed) {
                    return input.finish();
                }
                let mut picture = Picture::filled(128, 72, [40, 90, 160, 255]);
                for (k, px) in picture.rgba_mut().chunks_exact_mut(4).enumerate() {
                    px[0] = ((k as u32 * 3 + i * 11) % 251) as u8;
                }
                input.push_frame(clock.now(), LiveFrame::Rgba(Arc::new(picture))).unwrap();
                std::thread::sleep(Duration::from_millis(20));
            }
        };
        Self(stop, Some(std::thread::Builder::new().name("camera".to_owned()).spawn(push).unwrap()))
    }
}

impl Drop for Pushing {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
        self.1.take().unwrap().join().ok();
    }
}

fn one_pushed() -> [FeedSpec; 1] {
    let settings = PushSettings { keyframe_every: 10, ..PushSettings::h264(128, 72, FrameRate::whole(50)) };
    [FeedSpec::new("a", FeedSource::Push(settings))]
}

fn wait_for_disk(session: &CaptureSession, what: &str, done: impl Fn(&DiskStatus) -> bool) {
    let until = Instant::now() + Duration::from_mins(1);
    while !done(&session.disk_status()) {
        assert!(Instant::now() < until, "{what}: {:?}", session.disk_status());
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A mark at the newest frame that is on disk for certain; what is seen there.
fn mark(session: &CaptureSession, id: u64) -> (Event, Moment) {
    let instant = session.status()[0].newest.unwrap();
    if let Some(units) = session.disk_status().feeds.first().map(|feed| feed.units) {
        wait_for_disk(session, "it is not recorded", |disk| disk.feeds[0].units > units + 40);
    }
    let near = |nanos| instant.plus_nanos(nanos);
    let (begin, end) = (near(-100_000_000), near(100_000_000));
    let event = Event { id: EventId(id), name: format!("mark {id}"), instant, begin, end, ..Event::default() };
    let data = serde_json::to_value(&event).unwrap();
    session.keep(Kept { id, from: begin, until: end, data, shift_nanos: 0 }).unwrap();
    let seen = session.moment(instant);
    assert_eq!(seen.frames.len(), 1, "{:?}", seen.left_out);
    (event, seen)
}

#[track_caller]
fn assert_same(seen: &Moment, before: &Moment) {
    assert_eq!(seen.frames.len(), 1, "{:?}", seen.left_out);
    assert!(seen.frames[0].picture.rgba() == before.frames[0].picture.rgba(), "another picture");
}

#[test]
fn recording_that_cannot_begin_says_why_and_begins_as_soon_as_it_can() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("disk");
    std::fs::write(&folder, "what stands where the disk is to be mounted").unwrap();
    let session = CaptureSession::start(config(&folder), &one_pushed()).unwrap();
    let status = session.disk_status();
    assert!(status.state == DiskState::Failed && status.problem.as_ref().is_some_and(|p| p.contains("tried again")), "{status:?}");
    let pushing = Pushing::into(&session, "a");
    assert!(session.wait_until(Duration::from_mins(1), |f| f[0].received > 50), "capture goes on: {:?}", session.status());
    let (early, _) = mark(&session, 1);
    std::thread::sleep(Duration::from_millis(700));
    assert_eq!(session.disk_status().state, DiskState::Failed);

    std::fs::remove_file(&folder).unwrap();
    wait_for_disk(&session, "it does not begin", |disk| disk.state == DiskState::Recording && disk.feeds[0].units > 0);
    let told = session.disk_status().warnings();
    assert!(told.len() == 1 && told[0].contains("are not on disk"), "{told:?}");
    let (late, seen) = mark(&session, 2);
    drop((pushing, session));

    let again = CaptureSession::start(config(&folder), &one_pushed()).unwrap();
    let kept: Vec<Event> = again.disk().unwrap().kept().into_iter().filter_map(event_of).collect();
    assert_eq!(kept, [early, late.clone()]);
    assert_same(&again.moment(late.instant), &seen);
    assert!(again.house_now() > late.instant);
}

#[test]
fn who_starts_again_at_once_finds_what_the_program_before_kept() {
    let dir = tempfile::tempdir().unwrap();
    let before = DiskStore::open(DiskConfig::new(dir.path(), 1 << 30), 0).unwrap();
    let (from, until) = (MediaTime::ZERO, MediaTime::from_nanos(1_000_000_000));
    before.keep(Kept { id: 7, from, until, data: serde_json::Value::Null, shift_nanos: 0 }).unwrap();
    let end = move || {
        std::thread::sleep(Duration::from_millis(200));
        drop(before);
    };
    let ending = std::thread::Builder::new().name("ending".to_owned()).spawn(end).unwrap();
    let session = CaptureSession::start(config(dir.path()), &one_pushed()).unwrap();
    ending.join().unwrap();
    assert_eq!(session.disk_status().state, DiskState::Recording, "{:?}", session.disk_status());
    assert_eq!(session.disk().unwrap().kept().len(), 1);
    assert!(session.disk_status().late_secs.is_none() && session.house_now() > until, "house time goes on");
}

/// The second program began before the first one ended; both have their own house time and a mark number 1.
#[test]
fn a_folder_that_comes_free_keeps_what_both_programs_recorded_and_marked() {
    let dir = tempfile::tempdir().unwrap();
    let first = CaptureSession::start(config(dir.path()), &one_pushed()).unwrap();
    let pushing = Pushing::into(&first, "a");
    assert!(first.wait_until(Duration::from_mins(1), |f| f[0].received > 50), "{:?}", first.status());
    let (of_first, seen_by_first) = mark(&first, 1);

    let second = CaptureSession::start(config(dir.path()), &one_pushed()).unwrap();
    let status = second.disk_status();
    assert!(status.state == DiskState::Failed && status.problem.as_ref().is_some_and(|p| p.contains("another program")), "{status:?}");
    let pushing_too = Pushing::into(&second, "a");
    assert!(second.wait_until(Duration::from_mins(1), |f| f[0].received > 50), "{:?}", second.status());
    let (early, _) = mark(&second, 1);
    drop((pushing, first));
    wait_for_disk(&second, "it does not begin", |disk| disk.state == DiskState::Recording && disk.feeds[0].units > 0);
    let began = second.disk_status().oldest.unwrap();
    assert!(began > early.instant && began <= second.house_now(), "{began} is no time of this session");
    let (late, seen) = mark(&second, 2);
    // Memory forgets, the disk does not.
    second.ring().clear_feed(second.status()[0].id);
    assert_same(&second.moment(late.instant), &seen);
    drop((pushing_too, second));

    let third = CaptureSession::start(config(dir.path()), &one_pushed()).unwrap();
    let kept: Vec<Event> = third.disk().unwrap().kept().into_iter().filter_map(event_of).collect();
    let named: Vec<(u64, &str)> = kept.iter().map(|event| (event.id.0, &*event.name)).collect();
    assert_eq!(named, [(1, "mark 1"), (2, "mark 1"), (3, "mark 2")]);
    assert_eq!(kept[0], of_first);
    assert_same(&third.moment(kept[0].instant), &seen_by_first);
    assert_same(&third.moment(kept[2].instant), &seen);
    assert_eq!(kept[2].instant - kept[1].instant, late.instant - early.instant);
    assert!(kept[1].instant > kept[0].instant && third.house_now() > kept[2].instant);
}
