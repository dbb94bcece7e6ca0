//! Recording when things go wrong: processes killed at any moment, and disks that are full. Needs ffmpeg and ffprobe.
#![cfg(feature = "gstreamer")]
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use volte::capture::{CaptureConfig, CaptureSession, DiskState, FeedSource, FeedSpec, Pace, PreviewConfig};
use volte::engine::{CapturedFeeds, Engine, EngineOptions, Snapshot};
use volte::ring::RingConfig;
use volte::ring::disk::{DiskConfig, Kept, read_segment};
use volte::time::{FrameRate, MediaTime};

mod support {
    pub mod fake_feeds;
}
use support::fake_feeds::arc_rig;

const NAMES: [&str; 3] = ["cam01", "cam02", "cam03"];
/// Set in the child: the folder that it works in.
const CHILD: &str = "VOLTE_TEST_RECORD_UNTIL_KILLED";

fn ffmpeg(args: &[&str], out: &Path) {
    let status = Command::new("ffmpeg").args(["-v", "error", "-y"]).args(args).arg(out).status();
    assert!(status.expect("ffmpeg is needed: install the package ffmpeg").success());
}

/// Small moving pictures with B-frames, one file per camera.
fn clips(folder: &Path) {
    for (i, name) in NAMES.iter().enumerate() {
        let source = format!("testsrc2=size=160x90:rate=50:duration=4,hue=h={}", 100 * i);
        ffmpeg(
            &["-f", "lavfi", "-i", &source, "-c:v", "libx264", "-g", "25", "-bf", "2", "-pix_fmt", "yuv420p"],
            &folder.join(format!("{name}.mp4")),
        );
    }
}

fn session(folder: &Path, with_files: bool) -> CaptureSession {
    let mut disk = DiskConfig::new(folder.join("recordings"), 1 << 30);
    disk.segment_nanos = 2_000_000_000;
    let config = CaptureConfig {
        preview: PreviewConfig { enabled: false, ..PreviewConfig::default() },
        disk: Some(disk),
        ..CaptureConfig::default()
    };
    let clip = |name: &str| if with_files { folder.join(format!("{name}.mp4")) } else { folder.join("no camera") };
    let specs: Vec<FeedSpec> =
        NAMES.iter().map(|name| FeedSpec::new(*name, FeedSource::File { path: clip(name), pace: Pace::Live { looped: true } })).collect();
    CaptureSession::start(config, &specs).unwrap()
}

fn engine_on(folder: &Path, session: CaptureSession) -> (Arc<CapturedFeeds>, Engine) {
    let feeds = Arc::new(CapturedFeeds::new(arc_rig(3, 12.0), session, Some(FrameRate::whole(50))).unwrap());
    let desk = volte::engine::DeskFiles::of(Some(&folder.join("recordings")), None);
    let options = EngineOptions { without_gpu: true, desk, ..EngineOptions::default() };
    let engine = Engine::start(Arc::clone(&feeds) as Arc<dyn volte::engine::Feeds>, &options).unwrap();
    (feeds, engine)
}

fn unix_nanos() -> u128 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos()
}

/// In the child: records, marks, and writes down what was received, until it is killed.
fn record_until_killed(folder: &Path) {
    let (feeds, engine) = engine_on(folder, session(folder, true));
    let ring = Arc::clone(feeds.session().ring());
    let mut log = File::options().create(true).append(true).open(folder.join("received.log")).unwrap();
    let begun = Instant::now();
    let mut seen: BTreeMap<usize, u64> = BTreeMap::new();
    let mut marked = false;
    while begun.elapsed() < Duration::from_mins(1) {
        let mut lines = String::new();
        for (feed, name) in ring.feeds() {
            let next = seen.entry(feed.0).or_default();
            for unit in ring.range(feed, MediaTime::from_nanos(i64::MIN), MediaTime::from_nanos(i64::MAX)) {
                if unit.order >= *next {
                    *next = unit.order + 1;
                    let sum = crc32fast::hash(&unit.payload);
                    writeln!(lines, "{name} {} {} {sum} {}", unit.pts.nanos(), unit.payload.len(), unix_nanos()).unwrap();
                }
            }
        }
        log.write_all(lines.as_bytes()).unwrap();
        if !marked && begun.elapsed() > Duration::from_millis(1200) {
            marked = engine.send(volte::engine::Command::Mark) && engine.send(volte::engine::Command::AddElement);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn expect(engine: &Engine, what: &str, wanted: impl FnMut(&Snapshot) -> bool) -> Arc<Snapshot> {
    let found = engine.wait_for(Duration::from_secs(20), wanted);
    found.unwrap_or_else(|| panic!("{what}: {:?} {:?}", engine.snapshot().preview, engine.snapshot().notices))
}

/// Everything on disk: (feed, time) → (bytes, check sum); every file must be readable by ffprobe.
fn on_disk(folder: &Path) -> BTreeMap<(String, i64), (u32, u32)> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(folder.join("recordings")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "mp4") {
            continue;
        }
        let mut file = File::open(&path).unwrap();
        // A file whose process died before its first fragment.
        let segment = read_segment(&mut file).unwrap();
        for unit in &segment.units {
            assert!(unit.payload(&mut file).unwrap().is_some(), "{path:?}: a unit is damaged");
            all.insert((segment.head.feed.clone(), unit.pts.nanos()), (unit.len, unit.crc));
        }
        let out = Command::new("ffprobe")
            .args(["-v", "error", "-count_packets", "-select_streams", "v", "-show_entries", "stream=nb_read_packets", "-of", "csv=p=0"])
            .arg(&path)
            .output()
            .unwrap();
        let packets = String::from_utf8_lossy(&out.stdout).trim().trim_end_matches(',').parse::<usize>().unwrap_or(0);
        // What is torn is at the end; ffprobe may show its first packets.
        assert!(packets >= segment.units.len(), "{path:?}: ffprobe reads {packets} of {} ({:?})", segment.units.len(), out);
    }
    all
}

#[test]
fn a_killed_process_loses_at_most_the_last_second() {
    if let Some(folder) = std::env::var_os(CHILD) {
        return record_until_killed(Path::new(&folder));
    }
    let dir = tempfile::tempdir().unwrap();
    clips(dir.path());
    let mut worst_nanos = 0;
    let mut kept: Vec<(String, i64)> = Vec::new();
    for round in 0..4_u32 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "a_killed_process_loses_at_most_the_last_second"])
            .env(CHILD, dir.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        // A random moment, but after the mark.
        let chance = unix_nanos() as u64 % 1_700;
        std::thread::sleep(Duration::from_millis(2_200 + chance));
        child.kill().unwrap();
        let killed = unix_nanos();
        child.wait().unwrap();

        let disk = on_disk(dir.path());
        let log = std::fs::read_to_string(dir.path().join("received.log")).unwrap();
        let mut checked = 0;
        for line in log.lines() {
            let parts: Vec<&str> = line.split(' ').collect();
            let [name, nanos, len, sum, at] = parts[..] else { continue };
            let Ok(at) = at.parse::<u128>() else { continue };
            let found = disk.get(&(name.to_owned(), nanos.parse().unwrap()));
            if found.is_none() {
                worst_nanos = worst_nanos.max(killed.saturating_sub(at));
            }
            if at + 1_000_000_000 <= killed {
                assert_eq!(
                    found,
                    Some(&(len.parse().unwrap(), sum.parse().unwrap())),
                    "{line}: killed {} ms later",
                    (killed - at) / 1_000_000
                );
                checked += 1;
            }
        }
        assert!(checked > 100, "only {checked} units were received");
        // Nothing that was there goes away with a later session.
        assert!(kept.iter().all(|key| disk.contains_key(key)));
        kept = disk.into_keys().collect();
        std::fs::remove_file(dir.path().join("received.log")).unwrap();

        // A restart finds recordings and marks, and the frames of the mark come from disk.
        let (feeds, engine) = engine_on(dir.path(), session(dir.path(), false));
        let s = expect(&engine, "marks", |s| s.events.len() == round as usize + 1);
        let event = s.events.last().unwrap().clone();
        assert_eq!(event.name, format!("E{:03}", round + 1));
        // So is the playlist, an element of each session.
        assert_eq!(s.playlist.elements.len(), round as usize + 1, "{:?}", s.notices);
        assert!(engine.send(volte::engine::Command::SelectEvent(event.id)));
        let s = expect(&engine, "frames of the mark", |s| s.can_take && s.preview.as_ref().is_some_and(|p| p.instant == event.instant));
        assert!(s.preview.as_ref().unwrap().left_out.is_empty(), "{:?}", s.preview);
        assert!(feeds.session().house_now() > event.instant);
        assert_eq!(feeds.session().moment(event.instant).frames.len(), 3);
        assert_eq!(feeds.session().ring().status().bytes, 0);
    }
    println!("the oldest unit that was lost had been received {:.2} s before the kill", worst_nanos as f64 * 1e-9);
}

fn heavy_clip(folder: &Path) -> PathBuf {
    let path = folder.join("heavy.mkv");
    ffmpeg(
        &[
            "-f",
            "lavfi",
            "-i",
            "testsrc2=size=640x360:rate=50:duration=2,noise=alls=60:allf=t",
            "-c:v",
            "mjpeg",
            "-q:v",
            "3",
            "-pix_fmt",
            "yuvj420p",
        ],
        &path,
    );
    path
}

#[test]
fn a_full_disk_is_said_costs_the_oldest_and_not_the_memory() {
    let (dir, small) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let clip = heavy_clip(dir.path());
    let mounted =
        Command::new("mount").args(["-t", "tmpfs", "-o", "size=16m", "tmpfs"]).arg(small.path()).output().is_ok_and(|o| o.status.success());
    if !mounted {
        println!("this user may not mount a small disk: not tested");
        return;
    }
    let result = std::panic::catch_unwind(|| fill(small.path(), &clip));
    let _ = Command::new("umount").arg("-l").arg(small.path()).status();
    result.unwrap();
}

fn fill(folder: &Path, clip: &Path) {
    let mut disk = DiskConfig::new(folder, 1 << 30);
    disk.segment_nanos = 500_000_000;
    let config = CaptureConfig {
        ring: RingConfig { budget_bytes: 256 << 20, ..RingConfig::default() },
        preview: PreviewConfig { enabled: false, ..PreviewConfig::default() },
        disk: Some(disk),
        ..CaptureConfig::default()
    };
    let spec = |name: &str| FeedSpec::new(name, FeedSource::File { path: clip.to_owned(), pace: Pace::Live { looped: true } });
    let session = CaptureSession::start(config, &[spec("a"), spec("b")]).unwrap();
    let wait = |what: &str, wanted: &dyn Fn(&volte::capture::DiskStatus) -> bool| {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !wanted(&session.disk_status()) {
            assert!(Instant::now() < deadline, "{what}: {:?}", session.disk_status());
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    // Full: the oldest goes, recording goes on.
    wait("old segments are deleted", &|s| s.deleted_segments >= 6);
    let status = session.disk_status();
    assert_eq!((status.state, status.feeds[0].dropped.total()), (DiskState::Recording, 0), "{status:?}");
    assert!(status.bytes <= 16 << 20, "{status:?}");
    // Nothing may be deleted any more: it pauses and says so; memory goes on.
    let (begin, end) = (MediaTime::from_nanos(0), MediaTime::from_nanos(i64::MAX));
    session.keep(Kept { id: 1, from: begin, until: end, data: serde_json::Value::Null, shift_nanos: 0 }).unwrap();
    wait("it pauses", &|s| s.state == DiskState::Paused && s.feeds[0].dropped.full > 0);
    let text = session.disk_status().problem.unwrap();
    assert!(text.contains("is full") && text.contains("make room"), "{text}");
    let received = session.status()[0].received;
    assert!(session.wait_until(Duration::from_secs(10), |f| f[0].received > received + 50));
    for status in session.status() {
        assert_eq!(status.dropped.total(), 0, "{status:?}");
    }
    // Room again: it goes on by itself.
    session.forget(1).unwrap();
    let units = session.disk_status().feeds[0].units;
    wait("it goes on", &|s| s.state == DiskState::Recording && s.feeds[0].units > units + 20);
    drop(session);
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "mp4") {
            let segment = read_segment(&mut File::open(&path).unwrap()).unwrap();
            assert_eq!(segment.lost_bytes, 0, "{path:?} was left torn");
        }
    }
}
