//! Program B beside program A: both at once with numbers burnt into the pictures, never black whatever is asked of them, and A's frames are the same
//! with B as without.
#![cfg(feature = "gstreamer")]
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use volte::{
    capture::{CaptureConfig, CaptureSession, FeedSource, FeedSpec, LiveFrame, LiveInput, PushSettings},
    engine::{CapturedFeeds, Command, Engine, EngineOptions, Feeds, ProgramKind, ProgramView, SecondOrder, Snapshot},
    output::program::{ChannelOptions, Frame, FrameTaker, Tick},
    replay::{
        EventId,
        operators::{LockChannel, LockOrder, Origin, Way},
        playlist::Transition,
    },
    time::{FrameRate, MediaTime},
};

mod support {
    pub mod fake_feeds;
    pub mod numbers;
    pub mod timed_feeds;
}
use support::fake_feeds::{FakeFeeds, arc_rig, color_of, frame_number};
use support::numbers::{HEIGHT, WIDTH, number_of, numbered};
use support::timed_feeds::{CAMERA, TimedFeeds};

const PATIENCE: Duration = Duration::from_mins(1);
/// A move that rolls, one that stands, and one that needs synthesis.
const ROLL: Command = Command::SelectMove(7);
const HOLD: Command = Command::SelectMove(6);
const ORBIT: Command = Command::SelectMove(0);

fn options(second_channel: bool) -> EngineOptions {
    EngineOptions { without_gpu: true, second_channel, ..EngineOptions::default() }
}

fn start(n: usize, second_channel: bool) -> (Arc<FakeFeeds>, Engine) {
    let feeds = Arc::new(FakeFeeds::new(n));
    let engine = Engine::start(Arc::clone(&feeds) as Arc<dyn Feeds>, &options(second_channel)).unwrap();
    expect(&engine, "live", |s| matches!(s.program.kind, ProgramKind::Live(_)) && s.program.shown_shot == s.program.shot);
    (feeds, engine)
}

fn expect(engine: &Engine, what: &str, wanted: impl FnMut(&Snapshot) -> bool) -> Arc<Snapshot> {
    engine.wait_for(PATIENCE, wanted).unwrap_or_else(|| {
        let s = engine.snapshot();
        let b = s.second.as_ref().map(|b| (b.program.kind, b.program.roll, b.program.shot, b.program.shown_shot));
        panic!("{what} did not happen: {:?} {:?} {:?} {b:?} {:?}", s.phase, s.program.kind, s.program.roll, s.notices)
    })
}

fn b(s: &Snapshot) -> &ProgramView {
    &s.second.as_ref().unwrap().program
}

fn on_b(order: SecondOrder) -> Command {
    Command::Second(order)
}

fn send(engine: &Engine, commands: impl IntoIterator<Item = Command>) {
    for command in commands {
        assert!(engine.send(command));
    }
}

fn told(s: &Snapshot, words: &[&str]) -> bool {
    s.notices.iter().any(|n| words.iter().all(|w| n.text.contains(w)))
}

/// The frame that rolls on a program, as it is burnt into its picture.
fn rolls(program: &ProgramView) -> Option<i64> {
    (program.shown_shot == program.shot).then(|| frame_number(&program.shown.picture)).flatten()
}

/// Which camera a program shows.
fn camera_of(program: &ProgramView) -> Option<usize> {
    let picture = &program.shown.picture;
    let color = picture.pixel(picture.width() / 2, picture.height() / 2);
    (0..6).find(|k| color_of(*k) == color)
}

fn tick(feeds: &FakeFeeds, engine: &Engine, frames: i64) -> Arc<Snapshot> {
    feeds.advance_frames(frames);
    let count = engine.snapshot().program.frames;
    // The one under way may have begun before time went on.
    expect(engine, "ticks", |s| s.program.frames > count + 1)
}

#[test]
fn b_has_a_live_camera_a_roll_a_still_and_a_return_of_its_own() {
    let (feeds, engine) = start(4, true);
    let s = expect(&engine, "B is live", |s| camera_of(b(s)).is_some() && b(s).shown_shot == b(s).shot);
    assert_eq!((b(&s).kind, s.program.kind), (ProgramKind::Live(2), ProgramKind::Live(2)));
    assert!(s.cameras[2].on_second && s.cameras[2].tally == volte::engine::Tally::Program, "it is on both");
    send(&engine, [on_b(SecondOrder::SelectCamera(0)), Command::LastFive]);
    let s = expect(&engine, "camera 1 on B", |s| b(s).kind == ProgramKind::Live(0) && camera_of(b(s)) == Some(0) && s.can_take);
    assert_eq!(s.program.kind, ProgramKind::Live(2));
    assert!(s.cameras[0].on_second && !s.cameras[2].on_second);
    // From in to out at 100 %, each frame once, while A stays live.
    send(&engine, [Command::SetOrbit(3.0), on_b(SecondOrder::SetSpeed(100)), on_b(SecondOrder::Roll)]);
    // The first frame is at hand, in the moment that is prepared; a fake's has no number there.
    let s = expect(&engine, "the first frame", |s| b(s).shown_shot == b(s).shot && camera_of(b(s)) == Some(3));
    let first = s.events[0].begin.nanos() / 20_000_000;
    assert_eq!(b(&s).roll.map(|r| r.instant), Some(s.events[0].begin));
    // Time runs from the next frame of the channel on.
    tick(&feeds, &engine, 0);
    for k in 1..=20 {
        feeds.advance_frames(1);
        expect(&engine, "the next frame", |s| rolls(b(s)) == Some(first + k));
    }
    assert_eq!(engine.snapshot().program.kind, ProgramKind::Live(2));
    // Slow motion from there on, backwards, a stop, and on again.
    send(&engine, [on_b(SecondOrder::SetSpeed(50))]);
    expect(&engine, "50 %", |s| b(s).roll.is_some_and(|r| r.speed_percent == 50));
    let at = rolls(b(&engine.snapshot())).unwrap();
    for k in 1..=10 {
        feeds.advance_frames(2);
        expect(&engine, "half as fast", |s| rolls(b(s)) == Some(at + k));
    }
    send(&engine, [on_b(SecondOrder::RollOn)]);
    expect(&engine, "it stands", |s| b(s).roll.is_some_and(|r| r.speed_percent == 0));
    tick(&feeds, &engine, 30);
    assert_eq!(rolls(b(&engine.snapshot())), Some(at + 10), "it stood");
    send(&engine, [on_b(SecondOrder::SetSpeed(-100)), on_b(SecondOrder::RollOn)]);
    expect(&engine, "backwards", |s| b(s).roll.is_some_and(|r| r.speed_percent == -100));
    for k in 1..=10 {
        feeds.advance_frames(1);
        expect(&engine, "backwards", |s| rolls(b(s)) == Some(at + 10 - k));
    }
    // What is on B is not removed; its end holds; a return leads to its own camera.
    send(&engine, [Command::RemoveEvent(EventId(s.events[0].id.0))]);
    expect(&engine, "told", |s| told(s, &["program B", "Return B"]));
    send(&engine, [on_b(SecondOrder::Return)]);
    expect(&engine, "live again", |s| b(s).kind == ProgramKind::Live(0) && camera_of(b(s)) == Some(0));
    // A still of the nearest camera, and preview's roll.
    send(&engine, [HOLD, Command::SetOrbit(1.2), on_b(SecondOrder::Take)]);
    let s = expect(&engine, "a still", |s| matches!(b(s).kind, ProgramKind::Replay { .. }) && camera_of(b(s)) == Some(1));
    assert_eq!((b(&s).shown_shot, b(&s).roll.map(|r| r.speed_percent)), (b(&s).shot, Some(0)));
    assert_eq!(s.events[0].takes, 2, "takes of both channels count");
    send(&engine, [Command::Play, Command::SetSpeed(200)]);
    expect(&engine, "preview rolls", |s| s.preview.as_ref().is_some_and(|p| p.roll.is_some_and(|r| r.speed_percent == 200)));
    send(&engine, [on_b(SecondOrder::Take)]);
    expect(&engine, "preview's roll", |s| b(s).roll.is_some_and(|r| r.speed_percent == 200));
    assert_eq!(engine.snapshot().program.kind, ProgramKind::Live(2), "A was not touched");
    assert_eq!(engine.snapshot().program.shot, 0);
}

#[test]
fn what_b_cannot_show_is_refused_by_name_with_the_remedy() {
    let (_feeds, engine) = start(4, true);
    send(&engine, [on_b(SecondOrder::Take), on_b(SecondOrder::RollOn), on_b(SecondOrder::SelectCamera(9))]);
    expect(&engine, "told", |s| {
        told(s, &["Nothing is prepared for B", "MARK"]) && told(s, &["Nothing is on program B", "ROLL B"]) && told(s, &["no camera 10"])
    });
    send(&engine, [Command::Mark, ORBIT]);
    expect(&engine, "armed", |s| s.can_take);
    send(&engine, [on_b(SecondOrder::Take)]);
    let s = expect(&engine, "told", |s| told(s, &["Orbit right needs views between", "ROLL B", "program A"]));
    assert_eq!((b(&s).kind, b(&s).shot), (ProgramKind::Live(2), 0));
    // Another operator's channel; a return is everybody's.
    let [anna, bo] = ["anna", "bo"].map(|name| Origin::named(Way::Http, name.parse().unwrap()));
    let handle = engine.handle();
    handle.ask(anna.clone(), Command::Lock(LockOrder::Lock, Some(LockChannel::ProgramB))).unwrap();
    let why = handle.ask(bo.clone(), on_b(SecondOrder::Roll)).unwrap_err().to_string();
    assert!(why.contains("anna has locked program-b"), "{why}");
    handle.ask(anna, on_b(SecondOrder::Roll)).unwrap();
    handle.ask(bo.clone(), on_b(SecondOrder::Return)).unwrap();
    handle.ask(bo, Command::Take).unwrap();
    // A show without B.
    let (_feeds, engine) = start(4, false);
    send(&engine, [on_b(SecondOrder::Roll)]);
    let s = expect(&engine, "told", |s| told(s, &["no program B", "second_channel = true"]));
    assert!(s.second.is_none());
}

/// A frame's place in the output, and its number.
type Numbered = (u64, Option<u16>);

/// Every frame that goes out.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<Numbered>>>);

impl FrameTaker for Seen {
    fn take(&mut self, frame: &Arc<Frame>, tick: Tick) {
        self.0.lock().push((tick.index, number_of(&frame.as_ref().as_ref()[..(WIDTH * HEIGHT) as usize])));
    }
}

impl Seen {
    /// Waits until a frame of this camera went out that satisfies `wanted`.
    fn until(&self, what: &str, camera: u16, wanted: impl Fn(u16) -> bool) {
        let begun = std::time::Instant::now();
        while !self.0.lock().last().is_some_and(|(_, n)| n.is_some_and(|n| n / CAMERA == camera && wanted(n % CAMERA))) {
            assert!(begun.elapsed() < PATIENCE, "{what}: {:?}", self.0.lock().last());
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// (camera, frames) one after the other: a new entry where the camera changes or time steps back. No frame is missing, and none is black.
    fn shots(&self) -> Vec<(u16, Vec<u16>)> {
        let seen = self.0.lock();
        assert!(seen.windows(2).all(|w| w[1].0 == w[0].0 + 1), "a frame is missing");
        let mut shots: Vec<(u16, Vec<u16>)> = Vec::new();
        for (at, number) in seen.iter() {
            let number = number.unwrap_or_else(|| panic!("frame {at} is none of ours"));
            let (camera, frame) = (number / CAMERA, number % CAMERA);
            match shots.last_mut() {
                Some((same, frames)) if *same == camera && frames.last().is_some_and(|last| frame >= *last) => frames.push(frame),
                _ => shots.push((camera, vec![frame])),
            }
        }
        shots
    }
}

#[test]
fn both_outputs_show_different_things_at_once() {
    let feeds = Arc::new(TimedFeeds::new(arc_rig(4, 18.0)).telling_cameras());
    let engine = Engine::start(Arc::clone(&feeds) as Arc<dyn Feeds>, &options(true)).unwrap();
    let format = ChannelOptions::new("320x180p50".parse().unwrap());
    engine.start_output(&format, vec![]).unwrap();
    engine.start_second_output(&format, vec![]).unwrap();
    let (on_air, on_second) = (Seen::default(), Seen::default());
    assert!(engine.watch_output(on_air.clone()) && engine.watch_second_output(on_second.clone()));
    let frame_of = |at| feeds.number_at(at) % CAMERA;
    on_air.until("A is live", 2, |_| true);
    send(&engine, [on_b(SecondOrder::SelectCamera(0)), Command::LastFive]);
    on_second.until("B is live", 0, |_| true);
    let s = expect(&engine, "armed", |s| s.can_take && s.events.len() == 1);
    let (begin, mark) = (frame_of(s.events[0].begin), frame_of(s.preview.as_ref().unwrap().instant));
    // B rolls camera 4 from the in point on, A freezes camera 2 there, each while the other goes on.
    send(&engine, [on_b(SecondOrder::SetSpeed(100)), Command::SetOrbit(3.0), on_b(SecondOrder::Roll)]);
    on_second.until("B rolls", 3, |n| n > begin + 10);
    send(&engine, [HOLD, Command::SetOrbit(1.0), Command::Take]);
    on_air.until("A stands", 1, |n| n == mark);
    on_second.until("B rolls on", 3, |n| n > begin + 40);
    send(&engine, [on_b(SecondOrder::Return)]);
    on_second.until("B is live again", 0, |_| true);
    let before = on_air.0.lock().len();
    on_air.until("A still stands", 1, |n| n == mark);
    assert!(on_air.0.lock()[..before].last().unwrap().1 == Some(CAMERA + mark));
    send(&engine, [Command::Return]);
    on_air.until("A is live again", 2, |n| n > mark + 60);
    on_second.until("B went on", 0, |_| true);
    drop(engine);
    let shots = on_air.shots();
    let cameras: Vec<u16> = shots.iter().map(|(camera, _)| *camera).collect();
    assert_eq!(cameras, [2, 1, 2], "A: {shots:?}");
    assert!(shots[1].1.iter().all(|n| *n == mark), "A stood: {:?}", shots[1]);
    let shots = on_second.shots();
    let cameras: Vec<u16> = shots.iter().map(|(camera, _)| *camera).collect();
    // Before anything was asked of it, it was live where A is.
    assert!(cameras == [2, 0, 3, 0] || cameras == [0, 3, 0], "B: {cameras:?}");
    let rolled = &shots[shots.len() - 2].1;
    assert_eq!(rolled[0], begin, "the roll begins with the in point: {rolled:?}");
    let steps: Vec<u16> = rolled.windows(2).map(|w| w[1] - w[0]).collect();
    println!("B rolled {} frames, {} of them once and in order", rolled.len(), steps.iter().filter(|s| **s == 1).count());
    assert!(rolled[rolled.len() - 1] > begin + 40);
}

/// Cameras that are captured, coded and decoded, with their numbers burnt in: they are pushed until this is dropped.
struct Captured {
    feeds: Arc<CapturedFeeds>,
    stop: Arc<AtomicBool>,
    pushing: Option<std::thread::JoinHandle<()>>,
}

impl Captured {
    fn start(cameras: u16) -> Self {
        let rate = FrameRate::whole(25);
        let mut rig = arc_rig(cameras.into(), 12.0);
        rig.cameras.iter_mut().for_each(|c| (c.width_px, c.height_px) = (WIDTH, HEIGHT));
        let settings = PushSettings { keyframe_every: 10, ..PushSettings::h264(WIDTH, HEIGHT, rate) };
        let specs: Vec<FeedSpec> = rig.cameras.iter().map(|c| FeedSpec::new(&c.name, FeedSource::Push(settings.clone()))).collect();
        let session = CaptureSession::start(CaptureConfig::default(), &specs).unwrap();
        let inputs: Vec<LiveInput> = rig.cameras.iter().map(|c| session.input(&c.name).unwrap()).collect();
        let feeds = Arc::new(CapturedFeeds::new(rig, session, Some(rate)).unwrap());
        let stop = Arc::new(AtomicBool::new(false));
        let (clock, stopped) = (Arc::clone(&feeds), Arc::clone(&stop));
        let push = move || {
            // The number of a frame is its time.
            let mut frame = clock.now().nanos() / rate.interval_nanos() + 1;
            while !stopped.load(Ordering::Relaxed) {
                let time = MediaTime::from_nanos(frame * rate.interval_nanos());
                while clock.now() < time {
                    std::thread::sleep(Duration::from_millis(1));
                }
                for (k, input) in (0..).zip(&inputs) {
                    let picture = numbered(CAMERA * k + (frame % i64::from(CAMERA)) as u16);
                    input.push_frame(time, LiveFrame::Rgba(Arc::new(picture))).unwrap();
                }
                frame += 1;
            }
        };
        let pushing = Some(std::thread::Builder::new().name("push".to_owned()).spawn(push).unwrap());
        Self { feeds, stop, pushing }
    }

    fn number_at(&self, at: MediaTime) -> u16 {
        ((at.nanos() / self.feeds.rate().interval_nanos()) % i64::from(CAMERA)) as u16
    }
}

impl Drop for Captured {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(pushing) = self.pushing.take() {
            pushing.join().unwrap();
        }
    }
}

#[test]
fn captured_cameras_are_live_and_roll_on_both_at_once() {
    let captured = Captured::start(3);
    let engine = Engine::start(Arc::clone(&captured.feeds) as Arc<dyn Feeds>, &options(true)).unwrap();
    let format = ChannelOptions::new("320x180p25".parse().unwrap());
    expect(&engine, "cameras", |s| s.ring.newest.is_some() && s.cameras.iter().all(|c| c.live.is_some()));
    send(&engine, [Command::SelectCamera(2), on_b(SecondOrder::SelectCamera(0))]);
    expect(&engine, "both live", |s| {
        s.program.kind == ProgramKind::Live(2)
            && b(s).kind == ProgramKind::Live(0)
            && s.program.shown_shot == s.program.shot
            && b(s).shown_shot == b(s).shot
    });
    engine.start_output(&format, vec![]).unwrap();
    engine.start_second_output(&format, vec![]).unwrap();
    let (on_air, on_second) = (Seen::default(), Seen::default());
    assert!(engine.watch_output(on_air.clone()) && engine.watch_second_output(on_second.clone()));
    on_air.until("A is live", 2, |_| true);
    on_second.until("B is live", 0, |_| true);
    std::thread::sleep(Duration::from_secs(2));
    // A goes to B's camera and leaves it: B goes on.
    send(&engine, [Command::SelectCamera(0)]);
    on_air.until("A has B's camera", 0, |_| true);
    std::thread::sleep(Duration::from_millis(500));
    send(&engine, [Command::SelectCamera(2), Command::Mark]);
    on_air.until("A is back", 2, |_| true);
    let s = expect(&engine, "armed", |s| s.can_take && s.events.len() == 1);
    let begin = captured.number_at(s.events[0].begin);
    send(&engine, [on_b(SecondOrder::SetSpeed(100)), Command::SetOrbit(1.0), on_b(SecondOrder::Roll)]);
    on_second.until("B rolls", 1, |n| n >= begin + 20);
    send(&engine, [on_b(SecondOrder::Return)]);
    on_second.until("B is live again", 0, |_| true);
    drop(engine);
    let (a, b) = (on_air.shots(), on_second.shots());
    assert_eq!(a.iter().map(|(camera, _)| *camera).collect::<Vec<_>>(), [2, 0, 2], "A: {a:?}");
    assert_eq!(b.iter().map(|(camera, _)| *camera).collect::<Vec<_>>(), [0, 1, 0], "B: {b:?}");
    assert_eq!(b[1].1[0], begin, "the roll begins with the in point: {:?}", b[1]);
    println!(
        "A went out with {} frames, B with {}",
        a.iter().map(|s| s.1.len()).sum::<usize>(),
        b.iter().map(|s| s.1.len()).sum::<usize>()
    );
}

/// A show on A of live, roll, return, a take with a dissolve; what program A showed at each frame, with the shots and pictures that were repeated.
fn show_on_a(second_channel: bool) -> Vec<(u64, Vec<u8>)> {
    let (feeds, engine) = start(5, second_channel);
    send(&engine, [Command::LastFive, ROLL, Command::SetSpeed(100), Command::SetOrbit(3.0)]);
    let s = expect(&engine, "armed", |s| s.can_take && s.chosen_move == 7 && s.position > 2.9);
    let begin = s.events[0].begin.nanos() / 20_000_000;
    let mut shown = Vec::new();
    for k in 0..70_i64 {
        let ask = match k {
            3 => vec![Command::SelectCamera(1)],
            8 => vec![Command::Take],
            30 | 62 => vec![Command::Return],
            40 => vec![Command::SetTransition(Transition::Dissolve { secs: 0.3 }), HOLD, Command::Take],
            _ => vec![],
        };
        let wanted = ask.len();
        send(&engine, ask);
        if second_channel {
            send(
                &engine,
                match k % 10 {
                    1 => vec![on_b(SecondOrder::SelectCamera(k as usize / 10 % 5))],
                    2 => vec![on_b(SecondOrder::SetTransition(Transition::Dissolve { secs: 0.1 })), on_b(SecondOrder::SetSpeed(-200))],
                    4 => vec![on_b(SecondOrder::Roll)],
                    6 => vec![on_b(SecondOrder::RollOn)],
                    7 => vec![on_b(SecondOrder::SetSpeed(300)), on_b(SecondOrder::RollOn)],
                    9 => vec![on_b(SecondOrder::Return)],
                    _ => vec![],
                },
            );
        }
        if wanted > 0 {
            // Obeyed at the time at which it was sent.
            tick(&feeds, &engine, 0);
        }
        let s = tick(&feeds, &engine, 1);
        let s = if (8..30).contains(&k) { expect(&engine, "the frame", |s| rolls(&s.program) == Some(begin + k - 7)) } else { s };
        shown.push((s.program.shot, s.program.shown.picture.rgba().to_vec()));
    }
    if second_channel {
        assert!(b(&engine.snapshot()).shot > 15, "B did something");
    }
    shown
}

#[test]
fn the_frames_of_a_are_the_same_with_b_as_without() {
    let (without, with) = (show_on_a(false), show_on_a(true));
    assert_eq!(without.iter().map(|(shot, _)| *shot).max(), Some(5));
    let differs = without.iter().zip(&with).position(|(a, b)| a != b);
    assert_eq!(differs, None, "{:?}", differs.map(|k| (without[k].0, with[k].0, &without[k].1[..8], &with[k].1[..8])));
}

#[test]
fn no_sequence_of_commands_blackens_either_program() {
    let (feeds, engine) = start(4, true);
    let mut random = 7_u32;
    let mut below = |n: u32| {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (random >> 8) % n
    };
    let (mut replays, mut serial) = ([0, 0], 0);
    for _ in 0..400 {
        let k = below(4) as usize;
        let speed = [-400, -50, 33, 100, 400][below(5) as usize];
        let how = [Transition::Cut, Transition::Dissolve { secs: 0.1 }, Transition::Dissolve { secs: 0.5 }][below(3) as usize];
        match below(22) {
            0 => feeds.set_alive(k, below(3) > 0),
            1 => (0..4).for_each(|k| feeds.set_alive(k, true)),
            2 => send(&engine, [Command::Mark]),
            3 => send(&engine, [Command::LastFive]),
            4 => send(&engine, [Command::Take]),
            5 => send(&engine, [Command::Return]),
            6 => send(&engine, [Command::SelectCamera(k)]),
            7 => send(&engine, [ROLL]),
            8 => send(&engine, [HOLD]),
            9 => send(&engine, [Command::SetOrbit(k as f64)]),
            10 => send(&engine, [Command::SetTransition(how)]),
            11 | 12 => send(&engine, [on_b(SecondOrder::Roll)]),
            13 => send(&engine, [on_b(SecondOrder::Take)]),
            14 => send(&engine, [on_b(SecondOrder::Return)]),
            15 => send(&engine, [on_b(SecondOrder::SelectCamera(k))]),
            16 => send(&engine, [on_b(SecondOrder::SetSpeed(speed))]),
            17 => send(&engine, [on_b(SecondOrder::RollOn)]),
            18 => send(&engine, [on_b(SecondOrder::SetTransition(how))]),
            19 => send(&engine, [Command::RemoveEvent(EventId(u64::from(below(5))))]),
            20 => send(&engine, [Command::Play]),
            _ => send(&engine, [Command::Undo]),
        }
        let s = tick(&feeds, &engine, i64::from(below(3)));
        for (program, replays) in [&s.program, b(&s)].into_iter().zip(&mut replays) {
            let picture = &program.shown.picture;
            let color = picture.pixel(picture.width() / 2, picture.height() / 2);
            assert!(color[0] >= 60 && color[3] == 255, "black: {color:?} {:?} {:?}", program.kind, program.roll);
            if let ProgramKind::Live(k) = program.kind {
                assert!(k < 4);
            }
            *replays += u32::from(matches!(program.kind, ProgramKind::Replay { .. }));
        }
        assert!(b(&s).shown.serial >= serial, "B's pictures are told by their numbers");
        serial = b(&s).shown.serial;
    }
    assert!(replays.iter().all(|n| *n > 20), "{replays:?}");
}
