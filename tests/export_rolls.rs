//! EXPORT of moves in which time runs: the file shows what program shows, frame by frame, camera by camera.
#![cfg(feature = "gstreamer")]
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use volte::{
    engine::{Command, Engine, EngineOptions, ExportOrder, ExportState, Feeds, ProgramKind, Snapshot},
    frame::Picture,
    replay::{Event, Phase},
    time::MediaTime,
};

mod support {
    pub mod fake_feeds;
}
use support::fake_feeds::FakeFeeds;

/// Patience, not a measure.
const LATER: Duration = Duration::from_mins(3);
const CAMERAS: usize = 4;
const FRAME_NANOS: i64 = 20_000_000;
const SIZE_PX: (u32, u32) = (160, 90);
const BAR_PX: u32 = 16;
const BITS: u32 = SIZE_PX.0 / BAR_PX;
/// Frames are told by so many bits of their number.
const FRAME_BITS: u32 = 7;

/// A frame that says in bright and dark bars, from the right, which camera and which frame it is: any codec leaves that as it is.
fn barred(camera: usize, frame: i64) -> Picture {
    let number = (camera as i64) << FRAME_BITS | told(frame);
    let mut picture = Picture::filled(SIZE_PX.0, SIZE_PX.1, [40, 40, 40, 255]);
    for (i, px) in picture.rgba_mut().chunks_exact_mut(4).enumerate() {
        let bit = (SIZE_PX.0 - 1 - i as u32 % SIZE_PX.0) / BAR_PX;
        px[..3].fill(if (number >> bit) & 1 == 1 { 210 } else { 40 });
    }
    picture
}

/// What of a frame's number its bars say.
fn told(frame: i64) -> i64 {
    frame & ((1 << FRAME_BITS) - 1)
}

/// Camera and frame of a picture; `bright` says whether a pixel of its middle row is.
fn read(bright: impl Fn(u32) -> bool) -> (usize, i64) {
    let number: i64 = (0..BITS).map(|bit| i64::from(bright(SIZE_PX.0 - 1 - bit * BAR_PX - BAR_PX / 2)) << bit).sum();
    ((number >> FRAME_BITS) as usize, told(number))
}

/// Camera and frame of every picture of a film, read by somebody else.
fn read_film(file: &Path) -> Vec<(usize, i64)> {
    let out = std::process::Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(file)
        .args(["-f", "rawvideo", "-pix_fmt", "gray", "-"])
        .output()
        .expect("ffmpeg is needed: install the package ffmpeg");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let (width, height) = (SIZE_PX.0 as usize, SIZE_PX.1 as usize);
    out.stdout.chunks_exact(width * height).map(|p| read(|x| p[height / 2 * width + x as usize] > 125)).collect()
}

/// A frame of a sidecar.
#[derive(Debug, serde::Deserialize)]
struct Told {
    instant_nanos: i64,
    position: f64,
    mode: String,
    sources: Vec<(String, f32)>,
    source_nanos: Vec<i64>,
    real_pixels: bool,
}

fn sidecar(file: &Path) -> Vec<Told> {
    let text = std::fs::read_to_string(file.with_extension("json")).unwrap();
    let sidecar: serde_json::Value = serde_json::from_str(&text).unwrap();
    serde_json::from_value(sidecar["frames"].clone()).unwrap()
}

struct Session {
    feeds: Arc<FakeFeeds>,
    engine: Engine,
    event: Event,
    folder: tempfile::TempDir,
}

impl Session {
    /// An event is marked, and preview stands at the first camera.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut feeds = FakeFeeds::new(CAMERAS);
        (feeds.film, feeds.films_moments) = (barred, true);
        let feeds = Arc::new(feeds);
        // The export has a device of its own; program shows real cameras, so that its pictures can be read.
        let options = EngineOptions { without_gpu: true, export_folder: Some(folder.path().to_owned()), ..EngineOptions::default() };
        let engine = Engine::start(Arc::clone(&feeds) as Arc<dyn Feeds>, &options).unwrap();
        engine.wait_for(LATER, |s| s.ring.newest.is_some()).unwrap();
        for command in [Command::Mark, Command::SetOrbit(0.0)] {
            assert!(engine.send(command));
        }
        let s = engine.wait_for(LATER, |s| s.can_take && s.position.abs() < 1e-9).unwrap();
        Self { feeds, engine, event: s.events[0].clone(), folder }
    }

    fn expect(&self, what: &str, wanted: impl FnMut(&Snapshot) -> bool) -> Arc<Snapshot> {
        self.engine.wait_for(LATER, wanted).unwrap_or_else(|| {
            let s = self.engine.snapshot();
            panic!("{what} did not happen: {:?} {:?} {:?}", s.program.kind, s.exports, s.notices)
        })
    }

    fn chooses(&self, name: &str, speed_percent: i32) {
        let chosen = self.engine.snapshot().moves.iter().position(|m| m.name == name).unwrap();
        assert!(self.engine.send(Command::SelectMove(chosen)) && self.engine.send(Command::SetSpeed(speed_percent)));
        self.expect("the move", |s| s.chosen_move == chosen && s.speed_percent == speed_percent);
    }

    /// Exports what is prepared as number so; time goes on beyond the event's end meanwhile.
    fn exported(&self, number: usize) -> PathBuf {
        assert!(self.engine.send(Command::Export));
        self.expect("in the list", |s| s.exports.len() == number);
        while self.feeds.now() < self.event.end.plus_nanos(FRAME_NANOS * 20) {
            self.feeds.advance_frames(1);
        }
        let s = self.expect("its end", |s| matches!(s.exports[number - 1].state, ExportState::Done | ExportState::Failed));
        assert_eq!(s.exports[number - 1].state, ExportState::Done, "{:?}", s.notices);
        PathBuf::from(&s.exports[number - 1].path)
    }

    /// What program shows of the replay, frame by frame, until it stands at its end.
    fn on_air(&self, frames: usize) -> Vec<(usize, i64)> {
        assert!(self.engine.send(Command::Take));
        let of = |s: &Snapshot| {
            let picture = &s.program.shown.picture;
            let replay = matches!(s.program.kind, ProgramKind::Replay { .. }) && s.program.shown_shot == s.program.shot;
            (replay && (picture.width(), picture.height()) == SIZE_PX).then(|| read(|x| picture.pixel(x, SIZE_PX.1 / 2)[0] > 125))
        };
        let begun = Instant::now();
        let mut shown: Vec<(usize, i64)> = Vec::new();
        while shown.len() < frames {
            let s = self.engine.snapshot();
            if let Some(picture) = of(&s).filter(|p| shown.last() != Some(p)) {
                shown.push(picture);
                if shown.len() == 1 {
                    // Its clock begins with the tick after the take.
                    self.expect("its first ticks", |now| now.program.frames > s.program.frames + 3);
                }
                self.feeds.advance_frames(1);
            }
            assert!(begun.elapsed() < LATER, "program stands at {:?} of {shown:?}", s.program.kind);
            thread::sleep(Duration::from_millis(1));
        }
        assert!(self.engine.send(Command::Return));
        self.expect("off the air", |s| s.phase != Phase::OnAir);
        shown
    }
}

/// A frame's number by its time, as a camera that has one each 20 ms shows it at an instant.
fn frame_at(instant_nanos: i64) -> i64 {
    (instant_nanos + FRAME_NANOS / 10).div_euclid(FRAME_NANOS)
}

/// The picture is what the sidecar says, and that is a camera's own frame of the instant.
fn is_own_frame(told_of: &Told, seen: (usize, i64)) {
    let frame = frame_at(told_of.instant_nanos);
    assert_eq!(seen, (told_of.position as usize, told(frame)), "{told_of:?}");
    assert_eq!(told_of.sources, [(format!("cam{:02}", seen.0 + 1), 1.0)]);
    assert_eq!(
        (told_of.source_nanos.as_slice(), told_of.mode.as_str(), told_of.real_pixels),
        ([frame * FRAME_NANOS].as_slice(), "nearest", true)
    );
}

#[test]
fn what_travels_while_time_runs_is_exported_as_it_is_on_air() {
    let session = Session::new();
    session.chooses("Travel", 100);
    let file = session.exported(1);
    let (frames, film) = (sidecar(&file), read_film(&file));
    assert_eq!((frames.len(), film.len()), (200, 200));
    for (k, (frame, seen)) in frames.iter().zip(&film).enumerate() {
        assert_eq!(frame.instant_nanos, session.event.begin.nanos() + k as i64 * FRAME_NANOS, "frame {k}");
        is_own_frame(frame, *seen);
    }
    // From the first camera to the last, each after the one before it.
    let mut cameras: Vec<usize> = film.iter().map(|(camera, _)| *camera).collect();
    cameras.dedup();
    assert_eq!(cameras, [0, 1, 2, 3]);
    assert_eq!(session.on_air(200), film, "program showed something else");
    // Backwards, four times as fast.
    session.chooses("Travel", -400);
    let file = session.exported(2);
    let frames = sidecar(&file);
    assert_eq!(frames.len(), 50);
    for (k, (frame, seen)) in frames.iter().zip(read_film(&file)).enumerate() {
        assert_eq!(frame.instant_nanos, session.event.end.nanos() - 4 * k as i64 * FRAME_NANOS, "frame {k}");
        is_own_frame(frame, seen);
    }
    // A camera that is gone is passed over, as on air: its neighbour shows the instant.
    session.feeds.set_alive(1, false);
    session.chooses("Travel", 100);
    let file = session.exported(3);
    let film = read_film(&file);
    let mut cameras: Vec<usize> = film.iter().map(|(camera, _)| *camera).collect();
    cameras.dedup();
    assert_eq!(cameras, [0, 2, 3]);
    assert!(film.iter().enumerate().all(|(k, seen)| seen.1 == told(frame_at(session.event.begin.nanos()) + k as i64)), "{film:?}");
}

#[test]
fn a_freeze_in_the_roll_is_exported_with_the_orbit_in_its_middle() {
    let session = Session::new();
    session.chooses("Freeze right", 200);
    let file = session.exported(1);
    let (frames, film) = (sidecar(&file), read_film(&file));
    // 3 s at twice the speed, 0.2 s, 3 s and 0.2 s of freeze, 1 s at twice the speed.
    assert_eq!((frames.len(), film.len()), (75 + 170 + 25, 75 + 170 + 25));
    let (mark, begin) = (session.event.instant.nanos(), session.event.begin.nanos());
    for (k, (frame, seen)) in frames.iter().zip(&film).enumerate() {
        let wanted = match k {
            0..75 => begin + 2 * k as i64 * FRAME_NANOS,
            75..245 => mark,
            _ => mark + 2 * (k as i64 - 245) * FRAME_NANOS,
        };
        assert_eq!(frame.instant_nanos, wanted, "frame {k}");
        match k {
            75..85 => assert_eq!(*seen, (0, told(frame_at(mark))), "the first camera's picture, frozen: {frame:?}"),
            235..245 => assert_eq!(*seen, (3, told(frame_at(mark))), "the last camera's picture, frozen: {frame:?}"),
            0..75 | 245.. => is_own_frame(frame, *seen),
            // Between the cameras: of two of them.
            _ => assert!(frame.source_nanos.iter().all(|t| *t == mark), "{frame:?}"),
        }
    }
    let orbit = &frames[85..235];
    assert!(orbit.windows(2).all(|w| w[0].position <= w[1].position), "it travels one way");
    let between = orbit.iter().filter(|f| f.sources.len() > 1 && (f.position - f.position.round()).abs() > 0.05).count();
    assert!(between > 100, "only {between} frames are from between the cameras");
}

#[test]
fn an_export_of_a_roll_is_cancelled_and_waits_for_the_end_of_its_event() {
    let session = Session::new();
    session.chooses("Travel", 100);
    assert!(session.engine.send(Command::Export));
    // The event's end is still to come, so the file cannot be done.
    let s = session.expect("it runs", |s| s.exports.first().is_some_and(|e| e.state == ExportState::Running));
    assert!(session.feeds.now() < session.event.end && s.exports[0].progress < 0.1, "{:?}", s.exports);
    assert!(session.engine.send(Command::EditExports(ExportOrder::Cancel, s.exports[0].number)));
    session.expect("cancelled", |s| {
        s.exports[0].state == ExportState::Cancelled && s.notices.iter().any(|n| n.text.contains("was cancelled"))
    });
    let left: Vec<_> = std::fs::read_dir(session.folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(left.is_empty(), "{left:?}");
    // Again, and to the end.
    assert!(session.engine.send(Command::EditExports(ExportOrder::Resume, 1)));
    session.expect("it runs again", |s| s.exports[0].state == ExportState::Running);
    session.feeds.advance_frames(80);
    session.expect("written", |s| s.exports[0].state == ExportState::Done);
    assert_eq!(read_film(Path::new(&session.engine.snapshot().exports[0].path)).len(), 200);
    assert_eq!(session.engine.snapshot().ring.newest.map(|t| t >= MediaTime::from_nanos(session.event.end.nanos())), Some(true));
}
