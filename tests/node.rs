//! Capture nodes as processes of their own, behind a bad network: all cameras on one time, the right frames, and who goes comes back.
#![cfg(feature = "gstreamer")]
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use volte::capture::NodeStatus;
use volte::engine::production::Production;
use volte::engine::{CapturedFeeds, Command, Engine, EngineOptions, FeedHealth, Feeds as _, ProgramKind, SecondOrder, Snapshot};
use volte::frame::Moment;
use volte::link::LinkKey;
use volte::replay::EventId;
use volte::show::Show;
use volte::time::MediaTime;

mod support {
    pub mod nodes;
    pub mod numbers;
    pub mod peers;
}
use support::nodes::{BadWay, FPS, NodeProcess, films, play, read, rig_text};
use support::peers::{Peer, port};

const PATIENCE: Duration = Duration::from_mins(1);
const FRAME_NANOS: i64 = 1_000_000_000 / FPS as i64;
/// Camera `k` shows pictures of camera number `k`.
const CAMERAS: [&str; 4] = ["here", "east1", "east2", "west"];

fn write(folder: &Path, name: &str, text: &str) -> std::path::PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn feed(camera: &str, port: u16) -> String {
    format!("[[feeds]]\ncamera = {camera:?}\naddress = \"udp://127.0.0.1:{port}\"\n")
}

fn node_of_show(name: &str, port: u16, key: &LinkKey, cameras: &[&str]) -> String {
    format!("[[nodes]]\nname = {name:?}\naddress = \"127.0.0.1:{port}\"\nkey = \"{}\"\ncameras = {cameras:?}\n", key.to_hex())
}

fn open(folder: &Path, name: &str, text: &str) -> CapturedFeeds {
    let show = Show::load(&write(folder, name, text)).unwrap();
    let production = Production::of_show(&show).unwrap();
    let session = production.start().unwrap();
    CapturedFeeds::new(production.rig, session, None).unwrap()
}

/// Two nodes, the way to one of them bad, and a console.
struct Stage {
    folder: tempfile::TempDir,
    _cameras: Peer,
    east_file: std::path::PathBuf,
    west_file: std::path::PathBuf,
    east: NodeProcess,
    west: NodeProcess,
    way: BadWay,
    ports: [u16; 2],
    keys: [LinkKey; 2],
    feeds: CapturedFeeds,
}

const EAST_PRETENDS: [&str; 2] = ["--pretend-offset-ms=123456.7", "--pretend-ppm=120"];

fn stage() -> Stage {
    let films = films();
    let folder = tempfile::tempdir().unwrap();
    let keys = [LinkKey::random().unwrap(), LinkKey::random().unwrap()];
    let udp: Vec<u16> = (0..4).map(|_| port()).collect();
    let ports = [port(), port()];
    let file = |name: &str, k: usize, feeds: String| {
        let text = format!("[node]\nlisten = \"127.0.0.1:{}\"\nkey = \"{}\"\n{feeds}", ports[k], keys[k].to_hex());
        write(folder.path(), name, &text)
    };
    let east_file = file("east.toml", 0, feed("east1", udp[1]) + &feed("east2", udp[2]));
    let west_file = file("west.toml", 1, feed("west", udp[3]));
    let east = NodeProcess::start(&east_file, &EAST_PRETENDS);
    let west = NodeProcess::start(&west_file, &[]);
    let way = BadWay::to(ports[0], 15);
    write(folder.path(), "rig.toml", &rig_text(&CAMERAS));
    let text = format!(
        "rig = \"rig.toml\"\n{}{}{}",
        feed("here", udp[0]),
        node_of_show("east", way.port, &keys[0], &["east1", "east2"]),
        node_of_show("west", ports[1], &keys[1], &["west"])
    );
    let cameras = play(films, &udp);
    let feeds = open(folder.path(), "final.toml", &text);
    Stage { folder, _cameras: cameras, east_file, west_file, east, west, way, ports, keys, feeds }
}

impl Stage {
    fn wait(&self, what: &str, done: impl Fn(&CapturedFeeds) -> bool) -> Duration {
        let began = Instant::now();
        while !done(&self.feeds) {
            assert!(began.elapsed() < PATIENCE, "{what}: {:#?}\n{:#?}", self.feeds.status(), self.feeds.session().nodes());
            std::thread::sleep(Duration::from_millis(10));
        }
        began.elapsed()
    }

    fn node(&self, name: &str) -> NodeStatus {
        self.feeds.session().nodes().into_iter().find(|n| n.name == name).unwrap()
    }

    fn all_good(&self) -> Duration {
        self.wait("all cameras are there", |f| {
            f.session().nodes().iter().all(|n| n.is_here) && f.status().iter().all(|s| s.health == FeedHealth::Good)
        })
    }

    /// An instant at which the camera here saw a frame, so long ago.
    fn instant(&self, ago: Duration) -> MediaTime {
        let newest = self.feeds.status()[0].newest.unwrap();
        let wanted = newest.plus_nanos(-(ago.as_nanos() as i64));
        let moment = self.feeds.session().ring().nearest(volte::ring::FeedId(0), wanted).unwrap();
        moment.unit.pts
    }
}

/// Which cameras show which frame; each must be itself.
fn frames_of(moment: &Moment) -> Vec<(String, u16)> {
    let number = |f: &volte::frame::MomentFrame| {
        let (camera, frame) = read(&f.picture).unwrap_or_else(|| panic!("{} shows no number", f.camera));
        assert_eq!(CAMERAS[usize::from(camera)], f.camera, "a camera shows another one's picture");
        (f.camera.clone(), frame)
    };
    moment.frames.iter().map(number).collect()
}

#[track_caller]
fn assert_one_instant(moment: &Moment, cameras: &[&str]) -> u16 {
    let frames = frames_of(moment);
    let names: Vec<&str> = frames.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, cameras, "left out: {:?}", moment.left_out);
    let number = frames[0].1;
    // Stamps are arrivals: on a machine that is busy with other things one may be half a frame late.
    let errors = || moment.frames.iter().map(|f| f.error_nanos).collect::<Vec<_>>();
    assert!(frames.iter().all(|(_, n)| n.abs_diff(number) <= 1), "{frames:?}: {:?}", errors());
    for frame in &moment.frames {
        assert!(frame.error_nanos.abs() <= FRAME_NANOS * 17 / 32 + 1_000, "{}: {} ns", frame.camera, frame.error_nanos);
    }
    number
}

#[test]
fn nodes_give_moments_go_and_come_back() {
    let mut stage = stage();
    stage.all_good();
    std::thread::sleep(Duration::from_millis(1500));

    // One instant of all cameras, the right frames, though one node's clock is two minutes off and runs too fast.
    let began = Instant::now();
    let at = stage.instant(Duration::from_millis(800));
    let first = assert_one_instant(&stage.feeds.moment(at).unwrap(), &CAMERAS);
    let took = began.elapsed();
    println!("a moment over the bad way took {took:?}");
    let same = |ago: u64| {
        let moment = stage.feeds.moment(stage.instant(Duration::from_millis(ago))).unwrap();
        let frames = frames_of(&moment);
        frames.len() == 4 && frames.iter().all(|(_, n)| *n == frames[0].1)
    };
    let exact = (0..10).filter(|k| same(500 + 40 * k)).count();
    println!("{exact} of 10 instants show the same frame of all cameras");
    assert!(exact >= 6, "{exact}");
    // The watch gets whole pictures of a node's camera: the right ones, seldom, and none while somebody waits.
    let looked = (0..CAMERAS.len()).find(|k| stage.feeds.is_remote(*k)).unwrap();
    stage.feeds.make_room(true);
    assert!(stage.feeds.watch_picture(looked, None).is_none());
    stage.feeds.make_room(false);
    let picture = stage.feeds.watch_picture(looked, None).unwrap();
    let (camera, _) = read(&picture.picture).unwrap();
    let behind = stage.feeds.now().nanos() - picture.time.nanos();
    assert!(usize::from(camera) == looked && behind > 0, "{camera} {behind}");
    assert!(stage.feeds.watch_picture(looked, Some(picture.time)).is_none(), "it is fetched all the time");
    let (east, west) = (stage.node("east"), stage.node("west"));
    println!("{}\n{}", east.clock_in_words(), west.clock_in_words());
    // What a camera's times are made from is told by its node.
    let told = |f: &CapturedFeeds| f.status()[looked].clock.clone();
    stage.wait("the clock of a camera there", |f| told(f).contains("via node") && told(f).contains("time from"));
    let clock = east.clock.unwrap();
    assert!(clock.round_trip_nanos >= 30_000_000 && clock.uncertainty_nanos < 30_000_000, "{clock:?}");
    assert!(west.clock.unwrap().uncertainty_nanos < 2_000_000, "{west:?}");

    // Small pictures of all, by the same time.
    stage.wait("small pictures", |f| {
        (0..4).all(|c| f.live_picture(c).is_some_and(|p| read(&p.picture).is_some_and(|(k, _)| usize::from(k) == c)))
    });

    // A mark keeps its range there as well.
    assert_eq!((stage.node("east").pinned_bytes, stage.node("west").pinned_bytes), (0, 0));
    stage.feeds.pin(EventId(7), at.plus_nanos(-200_000_000), at).unwrap();
    stage.wait("pins on both nodes", |f| f.session().nodes().iter().all(|n| n.pinned_bytes > 0));

    // A node dies: its cameras are away, by name, and nobody else notices.
    let before = stage.feeds.session().status()[0].clone();
    stage.west.kill();
    let noticed = stage.wait("the loss is seen", |f| f.status()[3].health == FeedHealth::Lost);
    println!("the loss of a node is seen after {noticed:?}");
    assert!(noticed < Duration::from_secs(3), "{noticed:?}");
    let note = stage.feeds.status()[3].note.clone();
    assert!(note.contains("west") && note.contains("volte node"), "{note}");
    let began = Instant::now();
    let moment = stage.feeds.moment(stage.instant(Duration::from_millis(500))).unwrap();
    let took = began.elapsed();
    assert_one_instant(&moment, &CAMERAS[..3]);
    assert!(
        moment.left_out.len() == 1 && moment.left_out[0].0 == "west" && moment.left_out[0].1.contains("\"west\""),
        "{:?}",
        moment.left_out
    );
    assert!(took < Duration::from_secs(1), "nobody waits for a node that is away: {took:?}");

    // The way to the other breaks; it goes on recording.
    stage.way.cut(true);
    stage.wait("the cut is seen", |f| f.status()[1].health == FeedHealth::Lost);
    std::thread::sleep(Duration::from_millis(1500));
    let during = stage.instant(Duration::from_millis(400));
    stage.west = NodeProcess::start(&stage.west_file, &[]);
    stage.way.cut(false);
    println!("all are back after {:?}", stage.all_good());
    let second = assert_one_instant(&stage.feeds.moment(during).unwrap(), &CAMERAS[..3]);
    // What was marked before the cut is there, at the time that it had.
    let again = stage.feeds.moment(at).unwrap();
    assert_eq!(assert_one_instant(&again, &CAMERAS[..3]), first);
    let frames = ((during - at) as f64 / FRAME_NANOS as f64).round() as i64;
    assert!((i64::from(second) - i64::from(first) - frames).abs() <= 1, "{first}, {second}, {frames} frames apart");
    stage.wait("pins are told again", |_| stage.node("east").pinned_bytes > 0);
    stage.feeds.unpin(EventId(7));
    stage.wait("and released", |f| f.session().nodes().iter().all(|n| n.pinned_bytes == 0));
    std::thread::sleep(Duration::from_millis(1500));
    let moment = stage.feeds.moment(stage.instant(Duration::from_millis(600))).unwrap();
    let frames = frames_of(&moment);
    assert_eq!(frames.len(), 4, "{:?}", moment.left_out);
    // The node that began anew judges its camera's times by few arrivals yet.
    assert!(frames.iter().all(|(_, n)| n.abs_diff(frames[0].1) <= 1), "{frames:?}");

    // The camera here never noticed.
    let after = stage.feeds.session().status()[0].clone();
    assert_eq!(
        (after.dropped.total(), after.damaged, after.reconnects),
        (before.dropped.total(), before.damaged, before.reconnects),
        "{after:?}"
    );
    assert!(after.received > before.received + 50);
    let _ = (&stage.east, &stage.east_file);
}

#[test]
fn a_nodes_camera_is_live_at_full_rate_and_rolls() {
    let stage = stage();
    stage.all_good();
    stage.feeds.focus(1);
    stage.wait("the camera is live", |f| f.live_full(1).is_some());
    let (mut seen, until) = (Vec::new(), Instant::now() + Duration::from_secs(3));
    while Instant::now() < until {
        let live = stage.feeds.live_full(1).unwrap();
        let (camera, frame) = read(&live.picture).unwrap();
        assert_eq!(camera, 1);
        if seen.last() != Some(&frame) {
            seen.push(frame);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let in_order = seen.windows(2).filter(|w| w[1] == w[0] + 1).count();
    println!("live: {} frames in 3 s, {in_order} in order", seen.len());
    assert!(seen.len() >= 65 && in_order + 4 >= seen.len() - 1, "{seen:?}");
    // Another one: the first goes on until it is there.
    stage.feeds.focus(2);
    stage.wait("the other camera is live", |f| f.live_full(2).is_some_and(|p| read(&p.picture).is_some_and(|(k, _)| k == 2)));

    // A roll in pieces, as the engine asks for them: every frame once, though it is far away.
    let begin = stage.instant(Duration::from_secs(3)).plus_nanos(-FRAME_NANOS / 2);
    let fetched = stage.node("east").fetched_bytes;
    let (mut rolled, mut at) = (Vec::new(), begin);
    let began = Instant::now();
    for _ in 0..10 {
        let next = at.plus_nanos(5 * FRAME_NANOS);
        let frames = stage.feeds.frames(1, at, next, 16).unwrap();
        rolled.extend(frames.iter().map(|f| read(&f.picture).unwrap()));
        at = next;
    }
    println!("50 frames rolled in {:?}, {} kB fetched", began.elapsed(), (stage.node("east").fetched_bytes - fetched) / 1000);
    // One more or less: arrivals are not exactly a frame apart.
    assert!((49..=51).contains(&rolled.len()), "{rolled:?}");
    assert!(rolled.windows(2).all(|w| w[1] == (1, w[0].1 + 1)), "{rolled:?}");
    let here = stage.feeds.frames(0, begin, begin.plus_nanos(FRAME_NANOS), 4).unwrap();
    assert!(read(&here[0].picture).unwrap().1.abs_diff(rolled[0].1) <= 1, "the same instant here and there");

    // A jog: what lies about the playhead is fetched in one go, then nothing crosses the network and nothing is decoded.
    let decoder = Arc::clone(stage.feeds.session().decoder());
    let middle = stage.instant(Duration::from_secs(2));
    let jog = |frames: i64| frames_of(&stage.feeds.moment(middle.plus_nanos(frames * FRAME_NANOS)).unwrap());
    decoder.set_near_budget(256 << 20);
    let reach = 4 * FRAME_NANOS + FRAME_NANOS / 2;
    assert!(stage.feeds.decode_ahead(middle, (middle.plus_nanos(-reach), middle.plus_nanos(reach)), &|| false));
    let cost = || (stage.node("east").fetched_bytes, stage.node("west").fetched_bytes, decoder.units_decoded());
    let before = cost();
    let jogged: Vec<_> = (-3..=3).map(jog).collect();
    assert_eq!(cost(), before, "a jogged frame was fetched or decoded again");
    decoder.set_near_budget(0);
    let fetched: Vec<_> = (-3..=3).map(jog).collect();
    assert!(cost().0 == before.0 && cost().2 > before.2, "decoded again, of what was fetched");
    assert_eq!(jogged, fetched);
    assert!(jogged.iter().all(|frames| frames.len() == CAMERAS.len()), "{jogged:?}");

    // A wrong key is told by name, with what helps, and harms nobody.
    let text = format!(
        "rig = \"rig.toml\"\n{}{}{}",
        node_of_show("direct", stage.ports[0], &stage.keys[0], &["here"]),
        node_of_show("east", stage.way.port, &stage.keys[1], &["east1"]),
        node_of_show("west", stage.ports[1], &stage.keys[1], &["east2", "west"])
    );
    let other = open(stage.folder.path(), "other.toml", &text);
    let began = Instant::now();
    while other.status()[3].health != FeedHealth::Good || other.status()[1].note.is_empty() || other.status()[2].note.is_empty() {
        assert!(began.elapsed() < PATIENCE, "{:#?}", other.status());
        std::thread::sleep(Duration::from_millis(20));
    }
    let note = other.status()[1].note.clone();
    assert!(note.contains("\"east\"") && note.contains("key") && note.contains("--new-key"), "{note}");
    let note = other.status()[2].note.clone();
    assert!(note.contains("no camera of this name") && note.contains("it has west"), "{note}");
    // Over the bad way the node's clock is known as well as it says: the direct way tells.
    let epochs = stage.feeds.now() - other.now();
    let direct = other.session().nodes()[0].clock.unwrap();
    let bad = stage.node("east").clock.unwrap();
    let (error, sure) = (bad.offset_nanos - (direct.offset_nanos + epochs), bad.uncertainty_nanos + direct.uncertainty_nanos);
    println!("clock over the bad way: {} µs off, ± {} µs said; {:?} ppm", error / 1000, sure / 1000, bad.skew_ppm);
    assert!(error.abs() < sure + 1_000_000 && error.abs() < 12_000_000, "{bad:?} {direct:?}");
    assert!(other.warnings().iter().any(|w| w.contains("east")));
    assert_eq!(stage.feeds.status()[1].health, FeedHealth::Good);
}

/// Program B on cameras of nodes: live, and a roll from the in point on, while A stays with the camera here; a node that dies does not take B with it.
#[test]
fn program_b_is_live_and_rolls_on_cameras_of_nodes_and_outlives_one() {
    let stage = stage();
    stage.all_good();
    let Stage { feeds, folder: _folder, _cameras, east: _east, mut west, way: _way, .. } = stage;
    let options = EngineOptions { second_channel: true, without_gpu: true, without_watch: true, ..EngineOptions::default() };
    let engine = Engine::start(Arc::new(feeds), &options).unwrap();
    let send = |command| assert!(engine.send(command));
    let wait = |what: &str, wanted: &dyn Fn(&Snapshot) -> bool| {
        engine.wait_for(Duration::from_mins(1), |s| wanted(s)).unwrap_or_else(|| {
            let s = engine.snapshot();
            panic!("{what}: A {:?}, B {:?}, {:?}", s.program.kind, s.second.as_ref().map(|b| b.program.kind), s.notices)
        })
    };
    let b = |s: &Snapshot| s.second.as_ref().map(|b| b.program.clone()).unwrap();
    // Camera and frame on each program.
    let of_a = |s: &Snapshot| read(&s.program.shown.picture);
    let of_b = |s: &Snapshot| read(&b(s).shown.picture);
    let s = wait("pictures of all", &|s| s.cameras.len() == 4 && s.cameras.iter().all(|c| c.live.is_some()));
    let number = |name: &str| s.cameras.iter().position(|c| c.name == name).unwrap();
    let (here, east, west_camera) = (number("here"), number("east1"), number("west"));
    send(Command::SelectCamera(here));
    send(Command::Second(SecondOrder::SelectCamera(east)));
    let s = wait("both live", &|s| of_a(s).is_some_and(|(k, _)| k == 0) && of_b(s).is_some_and(|(k, _)| k == 1));
    // Both run, each with its own.
    let (at_a, at_b) = (of_a(&s).unwrap().1, of_b(&s).unwrap().1);
    wait("both go on", &|s| of_a(s).is_some_and(|(k, n)| k == 0 && n > at_a + 25) && of_b(s).is_some_and(|(k, n)| k == 1 && n > at_b + 25));
    // The other node's camera rolls on B from the in point of what was marked here.
    send(Command::SetOrbit(west_camera as f64));
    send(Command::LastFive);
    let s = wait("armed", &|s| s.can_take && s.events.len() == 1);
    let event = s.events[0].clone();
    send(Command::Second(SecondOrder::SetSpeed(100)));
    send(Command::SetOrbit(west_camera as f64));
    wait("at the camera", &|s| (s.position - west_camera as f64).abs() < 1e-9);
    send(Command::Second(SecondOrder::Roll));
    let s = wait("B rolls", &|s| b(s).roll.is_some() && of_b(s).is_some_and(|(k, _)| k == 3));
    let (first, at) = (of_b(&s).unwrap().1, b(&s).roll.unwrap().instant);
    assert!(at.distance_nanos(event.begin) < 1_000_000_000, "it begins at {at}, the event at {}", event.begin);
    let s = wait("it runs", &|s| of_b(s).is_some_and(|(k, n)| k == 3 && n > first + 20));
    assert_eq!(of_a(&s).map(|(k, _)| k), Some(0), "A is where it was");
    send(Command::Second(SecondOrder::Return));
    send(Command::Second(SecondOrder::SelectCamera(west_camera)));
    wait("live there", &|s| b(s).kind == ProgramKind::Live(west_camera) && of_b(s).is_some_and(|(k, _)| k == 3));
    // Its node dies: B goes to a neighbour, and never shows anything that is no camera's.
    west.kill();
    wait("a neighbour", &|s| {
        assert!(of_b(s).is_some(), "B shows no camera");
        matches!(b(s).kind, ProgramKind::Live(k) if k != west_camera) && of_b(s).is_some_and(|(k, _)| k != 3)
    });
}
