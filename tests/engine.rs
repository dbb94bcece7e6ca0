//! The engine without a window: commands in, snapshots out, on fake feeds.
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::{sync::Arc, time::Duration};

use volte::{
    engine::{
        Command, Engine, EngineOptions, ExportOrder, ExportState, GpuFault, NoticeLevel, ProgramKind, Quality, Snapshot, preview_size_px,
        program_size_px,
    },
    replay::{
        EventEdit, EventId, Phase, Readiness,
        playlist::{PlaylistEdit, Transition},
    },
    time::MediaTime,
};

mod support {
    pub mod fake_feeds;
}
use support::fake_feeds::{FakeFeeds, color_of, frame_number};

const SOON: Duration = Duration::from_secs(5);
/// The first pipelines on a software adapter take their time.
const LATER: Duration = Duration::from_mins(2);

fn start(n: usize, without_gpu: bool) -> (Arc<FakeFeeds>, Engine) {
    start_at(n, without_gpu, Some(Quality::Draft))
}

fn start_at(n: usize, without_gpu: bool, quality: Option<Quality>) -> (Arc<FakeFeeds>, Engine) {
    let feeds = Arc::new(FakeFeeds::new(n));
    let options = EngineOptions { quality, without_gpu, ..EngineOptions::default() };
    let engine = Engine::start(Arc::clone(&feeds) as Arc<dyn volte::engine::Feeds>, &options).unwrap();
    (feeds, engine)
}

/// The same, with its GPU open.
fn start_on_gpu(n: usize, quality: Quality) -> (Arc<FakeFeeds>, Engine) {
    let (feeds, engine) = start_at(n, false, Some(quality));
    expect(&engine, LATER, "a GPU", |s| !s.gpu.adapter.is_empty());
    (feeds, engine)
}

fn expect(engine: &Engine, timeout: Duration, what: &str, wanted: impl FnMut(&Snapshot) -> bool) -> Arc<Snapshot> {
    engine.wait_for(timeout, wanted).unwrap_or_else(|| {
        let s = engine.snapshot();
        let preview = s.preview.as_ref().map(|p| (p.instant, p.position, p.readiness, p.progress, &p.problem));
        panic!("{what} did not happen: {:?} {preview:?} {:?} {:?} {:?} notices {:?}", s.phase, s.program.kind, s.level, s.gpu, s.notices)
    })
}

fn program_color(s: &Snapshot) -> [u8; 4] {
    s.program.shown.picture.pixel(3, 3)
}

#[test]
fn mark_orbit_take_return_without_a_gpu() {
    let (feeds, engine) = start(6, true);
    let s = expect(&engine, SOON, "live", |s| program_color(s) == color_of(3));
    assert_eq!((s.phase, s.program.kind), (Phase::Live, ProgramKind::Live(3)));
    assert_eq!(s.cameras.len(), 6);
    assert_eq!(s.gaps.len(), 5);

    assert!(engine.send(Command::Mark));
    let s = expect(&engine, SOON, "armed", |s| s.can_take);
    let p = s.preview.as_ref().unwrap();
    assert_eq!((s.phase, p.readiness), (Phase::Armed, Readiness::RealCameras));
    assert_eq!(p.instant.nanos(), 10_000_000_000);
    assert_eq!(*feeds.pinned.lock(), vec![s.events[0].id]);

    // The orbit bar shows the real camera nearest to it.
    assert!(engine.send(Command::SetOrbit(1.2)));
    expect(&engine, SOON, "preview of camera 2", |s| {
        s.preview.as_ref().and_then(|p| p.shown.as_ref()).is_some_and(|shown| shown.picture.pixel(0, 0) == color_of(1))
    });

    // Orbit right from the first camera: program passes all of them in order, and holds at the last.
    assert!(engine.send(Command::SetOrbit(0.0)));
    assert!(engine.send(Command::SelectMove(0)));
    assert!(engine.send(Command::Take));
    expect(&engine, SOON, "on air", |s| s.phase == Phase::OnAir);
    let mut seen = vec![];
    for _ in 0..110 {
        feeds.advance_frames(2);
        let now = volte::engine::Feeds::now(feeds.as_ref());
        let s = expect(&engine, SOON, "the next picture", |s| s.now >= now && matches!(s.program.kind, ProgramKind::Replay { .. }));
        let color = program_color(&s);
        assert_ne!(&color[..3], &[0, 0, 0], "program is black");
        if seen.last() != Some(&color) {
            seen.push(color);
        }
    }
    assert_eq!(seen, (0..6).map(color_of).collect::<Vec<_>>());

    // Choosing a camera while on air changes where the return goes.
    assert!(engine.send(Command::SelectCamera(5)));
    assert!(engine.send(Command::Return));
    let s = expect(&engine, SOON, "live again", |s| s.phase == Phase::Armed && program_color(s) == color_of(5));
    assert_eq!(s.program.kind, ProgramKind::Live(5));
    assert_eq!(s.events[0].takes, 1);
    assert!(engine.send(Command::Return));
    expect(&engine, SOON, "put away", |s| s.phase == Phase::Live && s.preview.is_none());
}

#[test]
fn a_dead_camera_is_named_and_left() {
    let (feeds, engine) = start(5, true);
    expect(&engine, SOON, "live", |s| s.program.kind == ProgramKind::Live(2) && program_color(s) == color_of(2));
    feeds.set_alive(2, false);
    let s = expect(&engine, SOON, "hand over", |s| s.program.kind != ProgramKind::Live(2));
    let next = if s.program.kind == ProgramKind::Live(1) { 1 } else { 3 };
    feeds.advance_frames(1);
    let s = expect(&engine, SOON, "the neighbour's picture", |s| program_color(s) == color_of(next));
    assert!(s.notices.iter().any(|n| n.level == NoticeLevel::Warning && n.text.contains("cam03")), "{:?}", s.notices);
    assert_eq!(s.lost_cameras().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["cam03"]);

    // A moment leaves it out by name; its gaps are bridged.
    assert!(engine.send(Command::Mark));
    let s = expect(&engine, SOON, "armed", |s| s.can_take);
    assert_eq!(s.preview.as_ref().unwrap().left_out[0].0, "cam03");
    assert_eq!(s.gaps.iter().map(|g| g.bridged).collect::<Vec<_>>(), [false, true, true, false]);

    // All cameras gone: the last picture stays and is counted as repeated, never black.
    for camera in 0..5 {
        feeds.set_alive(camera, false);
    }
    let s = expect(&engine, SOON, "hold", |s| s.program.kind == ProgramKind::Hold);
    let color = program_color(&s);
    assert!([1, 3, 0, 4].map(color_of).contains(&color), "{color:?}");
    let repeated = s.program.repeated;
    expect(&engine, SOON, "repeats counted", |s| s.program.repeated > repeated + 3 && program_color(s) == color);
    feeds.set_alive(0, true);
    feeds.advance_frames(1);
    let s = expect(&engine, SOON, "back", |s| s.program.kind == ProgramKind::Live(0) && program_color(s) == color_of(0));
    assert!(s.notices.iter().any(|n| n.level == NoticeLevel::Info && n.text.contains("cam01 is back")), "{:?}", s.notices);
}

#[test]
fn jog_stays_in_the_ring_and_events_are_found_again() {
    let (feeds, engine) = start(4, true);
    assert!(engine.send(Command::JogFrames(-5)));
    let s = expect(&engine, SOON, "jog arms", |s| s.preview.is_some());
    assert_eq!(s.preview.as_ref().unwrap().instant.nanos(), 9_900_000_000);
    assert!(engine.send(Command::JogFrames(1000)));
    expect(&engine, SOON, "head", |s| s.preview.as_ref().is_some_and(|p| p.instant.nanos() == 10_000_000_000));
    assert!(engine.send(Command::JogFrames(-100_000)));
    expect(&engine, SOON, "tail", |s| s.preview.as_ref().is_some_and(|p| p.instant.nanos() == 2_000_000_000));

    assert!(engine.send(Command::Mark));
    feeds.advance_frames(50);
    expect(&engine, SOON, "time", |s| s.now.nanos() >= 11_000_000_000 && s.events.len() == 1);
    assert!(engine.send(Command::Mark));
    expect(&engine, SOON, "two", |s| s.events.len() == 2);
    assert!(engine.send(Command::PreviousEvent));
    let s = expect(&engine, SOON, "first event", |s| s.preview.as_ref().is_some_and(|p| p.event == Some(s.events[0].id)));
    assert_eq!(s.preview.as_ref().unwrap().instant, s.events[0].instant);
    assert!(engine.send(Command::RemoveEvent(s.events[0].id)));
    let s = expect(&engine, SOON, "removed", |s| s.events.len() == 1);
    assert_eq!(*feeds.pinned.lock(), vec![s.events[0].id]);
    assert!(engine.send(Command::SelectEvent(EventId(99))));
    expect(&engine, SOON, "told", |s| s.notices.iter().any(|n| n.text.contains("gone")));
    assert!(engine.send(Command::SelectCamera(44)));
    expect(&engine, SOON, "told", |s| s.notices.iter().any(|n| n.text.contains("no camera 45")));
}

#[test]
fn the_gpu_solves_and_program_shows_the_orbit() {
    let (feeds, engine) = start_on_gpu(4, Quality::Draft);
    assert!(engine.send(Command::Mark));
    expect(&engine, SOON, "real cameras first", |s| s.can_take);
    let s = expect(&engine, LATER, "a solved scene", |s| s.preview.as_ref().is_some_and(|p| p.readiness == Readiness::Solved));
    assert_eq!(s.level.level, Quality::Draft);
    assert!(engine.send(Command::SetOrbit(0.5)));
    let s = expect(&engine, LATER, "a synthesized preview", |s| s.preview.as_ref().is_some_and(|p| p.report.is_some()));
    let shown = s.preview.as_ref().unwrap().shown.clone().unwrap();
    assert_eq!((shown.picture.width(), shown.picture.height()), preview_size_px(Quality::Draft));
    assert!(engine.send(Command::Take));
    feeds.advance_frames(60);
    let s = expect(&engine, LATER, "a synthesized program", |s| s.program.report.is_some());
    assert!(matches!(s.program.kind, ProgramKind::Replay { solved: true, .. }));
    assert_eq!((s.program.shown.picture.width(), s.program.shown.picture.height()), program_size_px(Quality::Draft));
    // The same instant again is there at once: nothing is fetched twice.
    let fetched = feeds.fetched.load(std::sync::atomic::Ordering::SeqCst);
    let id = s.events[0].id;
    assert!(engine.send(Command::Return));
    assert!(engine.send(Command::Return));
    expect(&engine, SOON, "live", |s| s.preview.is_none());
    assert!(engine.send(Command::SelectEvent(id)));
    expect(&engine, SOON, "solved at once", |s| s.preview.as_ref().is_some_and(|p| p.readiness == Readiness::Solved));
    assert_eq!(feeds.fetched.load(std::sync::atomic::Ordering::SeqCst), fetched);
}

#[test]
fn events_are_made_of_ranges_edited_and_written_down() {
    let (feeds, engine) = start(4, true);
    expect(&engine, SOON, "live", |s| s.ring.newest.is_some());
    assert!(engine.send(Command::MarkIn));
    expect(&engine, SOON, "in", |s| s.pending_in.is_some());
    feeds.advance_frames(100);
    expect(&engine, SOON, "time", |s| s.now.nanos() >= 12_000_000_000);
    assert!(engine.send(Command::MarkOut));
    let s = expect(&engine, SOON, "an event", |s| s.events.len() == 1 && s.preview.is_some());
    let e = &s.events[0];
    assert_eq!((e.begin.nanos(), e.end.nanos()), (10_000_000_000, 12_000_000_000));
    // The ring begins at two seconds: ten back is cut there.
    assert!(engine.send(Command::LastTen));
    assert!(engine.send(Command::LastFive));
    let s = expect(&engine, SOON, "three", |s| s.events.len() == 3);
    assert_eq!(s.events[1].begin.nanos(), 2_000_000_000);
    assert_eq!(s.events[2].length_nanos(), 5_000_000_000);
    let id = s.events[2].id;
    assert!(engine.send(Command::EditEvent(id, EventEdit::Name("Offside".to_owned()))));
    assert!(engine.send(Command::EditEvent(id, EventEdit::Rating(3))));
    expect(&engine, SOON, "edited", |s| s.event(id).is_some_and(|e| e.name == "Offside" && e.rating == 3) && s.can_undo_redo.0);
    assert_eq!(feeds.remembered.lock().last().map(|e| (e.name.clone(), e.rating)), Some(("Offside".to_owned(), 3)));
    assert!(engine.send(Command::Undo));
    expect(&engine, SOON, "undone", |s| s.event(id).is_some_and(|e| e.rating == 0) && s.can_undo_redo == (true, true));
    assert_eq!(feeds.remembered.lock().last().map(|e| e.rating), Some(0), "the journal follows");
}

/// Program's frames (camera, number) while time goes on, one step of frames after another; each must be new or the same, never black.
fn rolled(feeds: &FakeFeeds, engine: &Engine, steps: usize) -> Vec<(usize, i64)> {
    let mut seen: Vec<(usize, i64)> = vec![];
    for _ in 0..steps {
        feeds.advance_frames(1);
        let now = volte::engine::Feeds::now(feeds);
        let frames = engine.snapshot().program.frames;
        let s = expect(engine, SOON, "a tick", |s| s.now >= now && s.program.frames > frames);
        let color = program_color(&s);
        assert!(s.phase == Phase::OnAir && color[0] >= 60, "{color:?} {:?}", s.program.kind);
        let camera = (0..9).find(|k| color_of(*k) == color).unwrap();
        if let Some(number) = frame_number(&s.program.shown.picture)
            && seen.last() != Some(&(camera, number))
        {
            seen.push((camera, number));
        }
    }
    seen
}

#[test]
fn time_rolls_on_program_frame_by_frame_at_its_speed() {
    let (feeds, engine) = start(6, true);
    // An event from 5 to 10 s: frames 250 to 500 of the feeds.
    expect(&engine, SOON, "live", |s| s.ring.newest.is_some());
    assert!(engine.send(Command::LastFive));
    assert!(engine.send(Command::SetOrbit(2.2)));
    assert!(engine.send(Command::SelectMove(7)));
    assert!(engine.send(Command::SetSpeed(100)));
    let s = expect(&engine, SOON, "armed", |s| s.can_take && s.speed_percent == 100);
    assert_eq!((s.moves[7].name.as_str(), s.moves[7].secs), ("Roll", 5.0));
    // What a take needs is fetched before it.
    std::thread::sleep(Duration::from_millis(300));
    assert!(engine.send(Command::Take));
    expect(&engine, SOON, "on air", |s| s.phase == Phase::OnAir);
    let seen = rolled(&feeds, &engine, 60);
    assert!(seen.len() > 50 && seen.iter().all(|f| f.0 == 2), "the nearest camera: {seen:?}");
    assert!(seen.windows(2).all(|f| f[1].1 == f[0].1 + 1), "every frame once, in order: {seen:?}");
    assert!((250..256).contains(&seen[0].1), "from its in point: {seen:?}");

    // Half speed under way: each frame stands for two ticks; backwards it goes back.
    assert!(engine.send(Command::SetSpeed(50)));
    expect(&engine, SOON, "slower", |s| s.program.roll.is_some_and(|r| r.speed_percent == 50));
    let slow = rolled(&feeds, &engine, 40);
    assert!((19..=22).contains(&slow.len()) && slow.windows(2).all(|f| f[1].1 == f[0].1 + 1), "{slow:?}");
    assert!(engine.send(Command::SetSpeed(-200)));
    expect(&engine, SOON, "backwards", |s| s.program.roll.is_some_and(|r| r.speed_percent == -200));
    let back = rolled(&feeds, &engine, 20);
    assert!(back.len() > 15 && back.windows(2).all(|f| f[1].1 == f[0].1 - 2), "{back:?}");

    // It stands where it is stopped, goes on, and holds at the out point.
    assert!(engine.send(Command::RollOn));
    let s = expect(&engine, SOON, "stands", |s| s.program.roll.is_some_and(|r| r.speed_percent == 0));
    let stood = frame_number(&s.program.shown.picture).unwrap();
    assert!(rolled(&feeds, &engine, 10).iter().all(|f| f.1 == stood));
    assert!(engine.send(Command::SetSpeed(400)));
    assert!(engine.send(Command::RollOn));
    expect(&engine, SOON, "on", |s| s.program.roll.is_some_and(|r| r.speed_percent == 400));
    let end = rolled(&feeds, &engine, 90);
    assert_eq!(end.last(), Some(&(2, 500)), "{end:?}");
    assert!(engine.send(Command::Return));
    expect(&engine, SOON, "live", |s| matches!(s.program.kind, ProgramKind::Live(_)) && s.program.roll.is_none());
}

#[test]
fn a_roll_freezes_travels_and_rolls_on() {
    let (feeds, engine) = start(5, true);
    expect(&engine, SOON, "live", |s| s.ring.newest.is_some());
    // A mark at 10 s: in at 7, out at 11.
    assert!(engine.send(Command::Mark));
    assert!(engine.send(Command::SetOrbit(1.0)));
    assert!(engine.send(Command::SelectMove(8)));
    assert!(engine.send(Command::SetSpeed(200)));
    expect(&engine, SOON, "armed", |s| s.can_take && s.speed_percent == 200);
    feeds.advance_frames(100);
    std::thread::sleep(Duration::from_millis(300));
    assert!(engine.send(Command::Take));
    let mut cameras = vec![];
    let (mut frozen, mut rolls) = (0, 0);
    for _ in 0..300 {
        feeds.advance_frames(1);
        let frames = engine.snapshot().program.frames;
        let s = expect(&engine, SOON, "a tick", |s| s.program.frames > frames);
        let color = program_color(&s);
        assert!(color[0] >= 60, "program is black");
        let Some(roll) = s.program.roll else {
            frozen += 1;
            if let Some(k) = (0..5).find(|k| color_of(*k) == color)
                && frame_number(&s.program.shown.picture).is_none()
                && cameras.last() != Some(&k)
                && s.phase == Phase::OnAir
            {
                cameras.push(k);
            }
            continue;
        };
        let before_freeze = roll.instant.nanos() < 10_000_000_000;
        assert_eq!(
            color,
            color_of(if before_freeze { 1 } else { 4 }),
            "{roll:?} {:?} {:?} {frozen} {rolls}",
            s.program.kind,
            frame_number(&s.program.shown.picture)
        );
        rolls += 1;
    }
    assert!(cameras.ends_with(&[2, 3, 4]), "it travels while it is frozen: {cameras:?}");
    assert!(frozen > 150 && rolls > 80, "{frozen} {rolls}");
    let s = engine.snapshot();
    assert_eq!(s.program.roll.map(|r| r.instant.nanos()), Some(11_000_000_000), "it holds at the out point");
}

#[test]
fn a_playlist_plays_dissolves_holds_and_returns_to_live() {
    let (feeds, engine) = start(4, true);
    expect(&engine, SOON, "live", |s| s.ring.newest.is_some());
    assert!(engine.send(Command::LastFive));
    expect(&engine, SOON, "armed", |s| s.can_take);
    // Camera 1 at double speed, then camera 4, dissolved, with a hold at its end, then a still of camera 2.
    assert!(engine.send(Command::SelectMove(7)));
    assert!(engine.send(Command::SetSpeed(400)));
    assert!(engine.send(Command::SetOrbit(0.0)));
    assert!(engine.send(Command::AddElement));
    assert!(engine.send(Command::SetOrbit(3.0)));
    assert!(engine.send(Command::AddElement));
    assert!(engine.send(Command::SelectMove(6)));
    assert!(engine.send(Command::SetOrbit(1.0)));
    assert!(engine.send(Command::AddElement));
    let s = expect(&engine, SOON, "three elements", |s| s.playlist.elements.len() == 3);
    let ids: Vec<_> = s.playlist.elements.iter().map(|e| e.id).collect();
    assert!(engine.send(Command::EditPlaylist(PlaylistEdit::Transition(ids[1], Transition::Dissolve { secs: 0.4 }))));
    assert!(engine.send(Command::EditPlaylist(PlaylistEdit::Hold(ids[1], true))));
    let s = expect(&engine, SOON, "edited", |s| s.playlist.elements[1].hold);
    assert!((s.playlist.total_secs - (1.25 + 1.25 - 0.4 + 2.0)).abs() < 1e-6, "{}", s.playlist.total_secs);
    // Each says when it starts in the list, and with which instant: from in, and the mark.
    let starts: Vec<f64> = s.playlist.elements.iter().map(|e| e.starts_secs).collect();
    assert!(starts.iter().zip([0.0, 0.85, 2.1]).all(|(is, wanted)| (is - wanted).abs() < 1e-6), "{starts:?}");
    let from: Vec<_> = s.playlist.elements.iter().map(|e| e.from).collect();
    assert_eq!(from, [s.events[0].begin, s.events[0].begin, s.events[0].instant]);
    // What it shows cannot be removed.
    assert!(engine.send(Command::RemoveEvent(s.events[0].id)));
    expect(&engine, SOON, "told", |s| s.events.len() == 1 && told(s, &["playlist"]));

    assert!(engine.send(Command::PlayList));
    expect(&engine, SOON, "on air", |s| s.phase == Phase::OnAir && s.playlist.elapsed_secs.is_some());
    let run = |frames: usize| {
        let mut colors: Vec<[u8; 4]> = vec![];
        for _ in 0..frames {
            feeds.advance_frames(1);
            let count = engine.snapshot().program.frames;
            let s = expect(&engine, SOON, "a tick", |s| s.program.frames > count);
            let color = program_color(&s);
            assert!(color[0] >= 60 && color[3] == 255, "program is black: {color:?}");
            if colors.last() != Some(&color) {
                colors.push(color);
            }
        }
        colors
    };
    let seen = run(130);
    // From camera 1 through the dissolve (red rises, green falls) to camera 4, where it holds.
    let (first, last) = (color_of(0), color_of(3));
    assert_eq!((seen[0], seen[seen.len() - 1]), (first, last), "{seen:?}");
    assert!(seen.len() > 8 && seen.windows(2).all(|c| c[1][0] >= c[0][0] && c[1][1] <= c[0][1]), "{seen:?}");
    // Linear light: at half of the dissolve there is more light than half of the code values.
    assert!(seen.iter().any(|c| c[0] > first[0] && c[0] < last[0]));
    let s = expect(&engine, SOON, "it holds", |s| s.playlist.holds);
    assert_eq!(s.playlist.elements.iter().map(|e| e.on_air).collect::<Vec<_>>(), [false, true, false]);
    assert_eq!(run(60), [last], "as long as it takes");
    assert!(engine.send(Command::NextElement));
    expect(&engine, SOON, "the still", |s| s.playlist.elements[2].on_air);
    run(20);
    assert_eq!(program_color(&engine.snapshot()), color_of(1));
    // At its end it returns to live by itself.
    for _ in 0..100 {
        feeds.advance_frames(1);
        std::thread::sleep(Duration::from_millis(8));
    }
    let s = expect(&engine, SOON, "live", |s| matches!(s.program.kind, ProgramKind::Live(_)) && s.playlist.elapsed_secs.is_none());
    assert_eq!(s.events[0].takes, 3);
    // Taken out, and back.
    assert!(engine.send(Command::EditPlaylist(PlaylistEdit::Clear)));
    expect(&engine, SOON, "empty", |s| s.playlist.elements.is_empty());
    assert!(engine.send(Command::Undo));
    expect(&engine, SOON, "back", |s| s.playlist.elements.len() == 3);
}

#[test]
fn a_whole_show_runs_from_its_commands() {
    let script = "
        # live, mark, path, preview, take, roll on, return
        until recording
        mark
        until armed
        orbit-to 1
        move 9          # Freeze right
        speed 400
        play
        +0.3 shuttle 0
        event 1
        until armed
        edit-event 1 name Goal
        +0.2 take
        until on-air
        until rolling
        until standing
        roll-on
        until rolling
        return
        until live
    ";
    let lines = volte::control::script::parse(script).unwrap();
    let (feeds, engine) = start(5, true);
    let done = std::sync::atomic::AtomicBool::new(false);
    let mut seen = vec![];
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                feeds.advance_frames(1);
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        let told = |_: usize, _: &volte::control::script::Step, s: &Snapshot| seen.push((s.phase, program_color(s)));
        let ran = volte::control::script::run(&engine, &lines, told, || false);
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        ran.unwrap();
    });
    assert!(seen.iter().all(|(_, color)| color[0] >= 60), "never black: {seen:?}");
    assert!(seen.iter().any(|(phase, _)| *phase == Phase::OnAir));
    let s = engine.snapshot();
    assert_eq!((s.phase, s.events.len(), s.events[0].takes, s.events[0].name.as_str()), (Phase::Armed, 1, 1, "Goal"));
}

#[test]
fn a_template_makes_a_list_of_any_event() {
    let (feeds, engine) = start(5, true);
    expect(&engine, SOON, "live", |s| s.ring.newest.is_some());
    assert!(engine.send(Command::PlayList));
    expect(&engine, SOON, "empty", |s| told(s, &["empty"]));
    assert!(engine.send(Command::Mark));
    feeds.advance_frames(60);
    expect(&engine, SOON, "armed", |s| s.can_take);
    assert!(engine.send(Command::ApplyTemplate));
    let s = expect(&engine, SOON, "three elements", |s| s.playlist.elements.len() == 3);
    let told: Vec<_> = s.playlist.elements.iter().map(|e| (e.what.as_str(), e.camera.as_str(), e.speed_percent)).collect();
    assert_eq!(told, [("Roll", "cam01", 50), ("Orbit right", "cam01", 50), ("Roll", "cam05", 33)]);
    assert!((s.playlist.elements[0].secs - 6.0).abs() < 1e-6, "wide at half speed up to the mark");
    assert!(engine.send(Command::Undo));
    expect(&engine, SOON, "at once", |s| s.playlist.elements.is_empty());
    // A list that begins with the frozen instant in preview begins with the pictures that are at hand.
    assert!(engine.send(Command::SelectMove(0)));
    assert!(engine.send(Command::SetOrbit(0.0)));
    assert!(engine.send(Command::AddElement));
    expect(&engine, SOON, "an element", |s| s.playlist.elements.len() == 1);
    assert!(engine.send(Command::PlayList));
    let s = expect(&engine, SOON, "on air", |s| s.phase == Phase::OnAir && s.playlist.elements[0].on_air);
    assert_ne!(program_color(&s)[..3], [0, 0, 0]);
}

#[test]
fn preview_plays_shuttles_and_stands_where_it_is_stopped() {
    let (feeds, engine) = start(4, true);
    expect(&engine, SOON, "live", |s| s.ring.newest.is_some());
    assert!(engine.send(Command::LastFive));
    expect(&engine, SOON, "armed", |s| s.can_take);
    assert!(engine.send(Command::SetSpeed(100)));
    assert!(engine.send(Command::Play));
    let rolls = |least: i64| move |s: &Snapshot| s.preview.as_ref().and_then(|p| p.roll).is_some_and(|r| r.instant.nanos() >= least);
    expect(&engine, SOON, "it rolls", rolls(5_000_000_000));
    for _ in 0..50 {
        feeds.advance_frames(1);
        std::thread::sleep(Duration::from_millis(10));
    }
    let s = expect(&engine, SOON, "a second later", rolls(5_900_000_000));
    assert!(s.preview.as_ref().unwrap().instant.nanos() == 5_000_000_000 && s.phase == Phase::Armed);
    // It stands on a whole frame, and that is prepared.
    assert!(engine.send(Command::Shuttle(0)));
    let s =
        expect(&engine, SOON, "it stands", |s| s.preview.as_ref().is_some_and(|p| p.roll.is_none() && p.instant.nanos() > 5_800_000_000));
    let p = s.preview.as_ref().unwrap();
    assert!(p.shown.is_some() && p.event.is_some() && p.instant.nanos() % 20_000_000 == 0, "{p:?}");
    expect(&engine, SOON, "ready", |s| s.can_take);
    // Backwards to the in point, where it stops by itself.
    assert!(engine.send(Command::Shuttle(-1)));
    assert!(engine.send(Command::Shuttle(-1)));
    expect(&engine, SOON, "backwards", |s| s.preview.as_ref().and_then(|p| p.roll).is_some_and(|r| r.speed_percent == -200));
    for _ in 0..60 {
        feeds.advance_frames(1);
        std::thread::sleep(Duration::from_millis(10));
    }
    expect(&engine, SOON, "at its in point", |s| {
        s.preview.as_ref().is_some_and(|p| p.roll.is_none() && p.instant.nanos() == 5_000_000_000)
    });
}

fn is_solved(s: &Snapshot) -> bool {
    s.preview.as_ref().is_some_and(|p| p.readiness == Readiness::Solved)
}

fn told(s: &Snapshot, words: &[&str]) -> bool {
    s.notices.iter().any(|n| words.iter().all(|w| n.text.contains(w)))
}

#[test]
fn a_lost_gpu_is_opened_again_one_level_lower_and_program_keeps_its_picture() {
    let (feeds, engine) = start_on_gpu(4, Quality::Air);
    assert!(engine.send(Command::Mark));
    assert!(engine.send(Command::SetOrbit(0.5)));
    expect(&engine, LATER, "a solved scene", is_solved);
    assert!(engine.send(Command::Take));
    feeds.advance_frames(30);
    let s = expect(&engine, LATER, "a synthesized program", |s| s.program.report.is_some());
    assert_eq!(s.level.level, Quality::Air);
    let size = |s: &Snapshot| (s.program.shown.picture.width(), s.program.shown.picture.height());
    assert_eq!(size(&s), program_size_px(Quality::Air));

    engine.rehearse(GpuFault::DeviceLost);
    let s = expect(&engine, LATER, "the loss is told", |s| told(s, &["lost", "Draft", "driver"]));
    // Never black, never live, never another camera's picture: the last one stays.
    assert!(s.phase == Phase::OnAir && size(&s) == program_size_px(Quality::Air) && s.program.report.is_some(), "{:?}", s.program.kind);
    let s = expect(&engine, LATER, "it goes on by itself", |s| s.gpu.recoveries == 1 && is_solved(s));
    assert_eq!((s.level.level, s.level.chosen, s.phase), (Quality::Draft, None, Phase::OnAir));
    feeds.advance_frames(30);
    let s = expect(&engine, LATER, "a new program picture", |s| size(s) == program_size_px(Quality::Draft));
    assert!(matches!(s.program.kind, ProgramKind::Replay { solved: true, .. }), "{:?}", s.program.kind);
    assert!(s.notices.iter().all(|n| !n.text.contains("returned to live")), "{:?}", s.notices);

    // Once more, while preview is elsewhere: it is solved for preview, and then for program.
    let on_air = s.preview.as_ref().unwrap().instant;
    assert!(engine.send(Command::JogFrames(-7)));
    expect(&engine, LATER, "another instant in preview", |s| is_solved(s) && s.preview.as_ref().unwrap().instant != on_air);
    engine.rehearse(GpuFault::DeviceLost);
    let s = expect(&engine, LATER, "both", |s| {
        s.gpu.recoveries == 2 && is_solved(s) && matches!(s.program.kind, ProgramKind::Replay { solved: true, .. })
    });
    assert!(s.preview.as_ref().unwrap().instant != on_air && s.phase == Phase::OnAir);
}

#[test]
fn an_export_that_is_asked_for_too_early_waits_for_its_frames_also_when_preview_has_moved_on() {
    let (feeds, engine, folder) = {
        let (feeds, folder) = (Arc::new(FakeFeeds::new(3)), tempfile::tempdir().unwrap());
        let options = EngineOptions { without_gpu: true, export_folder: Some(folder.path().to_owned()), ..EngineOptions::default() };
        let engine = Engine::start(Arc::clone(&feeds) as Arc<dyn volte::engine::Feeds>, &options).unwrap();
        (feeds, engine, folder)
    };
    // The first instant is being fetched, and takes its time; the second is exported before it is there.
    let slow = feeds.gate.lock();
    assert!(engine.send(Command::JogTo(MediaTime::from_secs_f64(4.0))));
    expect(&engine, SOON, "the first is fetched", |_| feeds.fetched.load(std::sync::atomic::Ordering::SeqCst) == 1);
    assert!(engine.send(Command::Mark) && engine.send(Command::Export));
    let s = expect(&engine, SOON, "that it is accepted", |s| told(s, &["The export begins as soon as the frames"]));
    assert!(s.exports.is_empty(), "{:?}", s.exports);
    // Nobody wants the second any more but the export.
    assert!(engine.send(Command::JogTo(MediaTime::from_secs_f64(5.0))));
    expect(&engine, SOON, "preview elsewhere", |s| s.preview.as_ref().is_some_and(|p| p.instant == MediaTime::from_secs_f64(5.0)));
    drop(slow);
    let s = expect(&engine, LATER, "the export", |s| s.exports.len() == 1);
    assert!(
        s.preview.as_ref().unwrap().instant == MediaTime::from_secs_f64(5.0) && s.exports[0].path.contains(folder.path().to_str().unwrap())
    );
    assert!(engine.send(Command::EditExports(ExportOrder::Cancel, 1)));
    expect(&engine, LATER, "its end", |s| s.exports[0].state != ExportState::Running);
}

#[test]
fn without_gpu_memory_the_level_goes_down_and_at_last_the_real_cameras_remain() {
    let (_feeds, engine) = start_on_gpu(4, Quality::Air);
    engine.rehearse(GpuFault::OutOfMemory);
    assert!(engine.send(Command::Mark));
    let s = expect(&engine, LATER, "solved all the same", is_solved);
    assert_eq!((s.level.level, s.gpu.recoveries), (Quality::Draft, 0), "{:?}", s.notices);
    assert!(told(&s, &["no memory", "Draft", "Close other programs"]), "{:?}", s.notices);
    // There is no lower level: the instant is shown by its real cameras, with the remedy.
    engine.rehearse(GpuFault::OutOfMemory);
    assert!(engine.send(Command::JogFrames(-7)));
    let s = expect(&engine, LATER, "the problem", |s| s.preview.as_ref().is_some_and(|p| p.problem.is_some()));
    let p = s.preview.as_ref().unwrap();
    assert!(p.problem.as_ref().unwrap().contains("no memory left") && p.readiness == Readiness::RealCameras, "{p:?}");
    assert!(s.can_take);
    // And the next instant is solved again.
    assert!(engine.send(Command::JogFrames(-7)));
    expect(&engine, LATER, "the next instant", is_solved);
}

#[test]
fn a_solved_moment_is_refined_in_the_background_and_judged() {
    let (_feeds, engine) = start_on_gpu(5, Quality::Hero);
    assert!(engine.send(Command::Mark));
    assert!(engine.send(Command::SetOrbit(1.5)));
    let s = expect(&engine, LATER, "the first picture", is_solved);
    let cost = |s: &Snapshot, level: Quality| s.level.costs.iter().find(|c| c.level == level).and_then(|c| c.solve_secs_per_camera);
    // First at air, at once; hero is not waited for.
    assert_eq!((s.level.level, s.level.chosen), (Quality::Air, Some(Quality::Hero)));
    assert!(cost(&s, Quality::Air).is_some_and(|secs| secs > 0.0) && cost(&s, Quality::Hero).is_none(), "{:?}", s.level);
    // Nothing is refined while a replay is on air.
    assert!(engine.send(Command::Take));
    expect(&engine, SOON, "on air", |s| s.phase == Phase::OnAir);
    std::thread::sleep(Duration::from_secs(2));
    assert!(!told(&engine.snapshot(), &["efined to Hero"]));
    assert!(engine.send(Command::Return));
    let s = expect(&engine, LATER, "the verdict", |s| told(s, &["efined to Hero", "dB"]));
    // The cost is counted where the moment was solved, and not where the judges saw no gain.
    assert_eq!(cost(&s, Quality::Hero).is_some(), told(&s, &["Refined to Hero"]), "{:?} {:?}", s.notices, s.level);
    assert!(is_solved(&s));
    // By hand it stays, however slow; on automatic the engine knows from preview that program would be late.
    assert!(!told(&s, &["Quality goes down"]) && s.program.frames > 0);
    assert!(engine.send(Command::SetQuality(None)));
    let s = expect(&engine, SOON, "the level goes down", |s| s.level.level == Quality::Draft);
    assert!(told(&s, &["Quality goes down to Draft", "program picture", "20 ms", "by hand"]), "{:?}", s.notices);
}

/// Where a camera sees a point, shares of its picture.
fn seen_at(rig: &volte::rig::Rig, camera: usize, point: [f64; 3]) -> [f64; 2] {
    let c = &rig.cameras[camera];
    let px = c.project(point.into()).unwrap();
    [px.x / f64::from(c.width_px), px.y / f64::from(c.height_px)]
}

#[test]
fn two_clicks_make_a_pivot_where_no_scene_is_solved() {
    let (feeds, engine) = start(6, true);
    let rig = volte::engine::Feeds::rig(feeds.as_ref()).clone();
    let pick = |camera, at| assert!(engine.send(Command::PickPivot { camera, at }));
    let told = |word: &str| {
        expect(&engine, SOON, word, |s| s.notices.last().is_some_and(|n| n.text.contains(word)));
    };
    pick(Some(1), [0.5, 0.5]);
    told("Nothing is prepared");
    assert!(engine.send(Command::JogFrames(-5)));
    expect(&engine, SOON, "a free instant", |s| s.can_take);
    pick(Some(1), [0.5, 0.5]);
    told("belongs to an event");
    assert!(engine.send(Command::Mark));
    let s = expect(&engine, SOON, "armed", |s| s.can_take && s.events.len() == 1);
    assert_eq!(s.preview.as_ref().unwrap().frames.iter().flatten().count(), 6, "the pictures to click in");
    pick(Some(9), [0.5, 0.5]);
    told("Camera 10 has no picture");
    pick(Some(1), [0.5, 1.5]);
    told("not in the picture");

    let point = [0.2, -0.3, 1.4];
    pick(Some(1), seen_at(&rig, 1, point));
    told("cam02: now click the same point");
    let s = engine.snapshot();
    let pivot = s.preview.as_ref().unwrap().pivot.clone().unwrap();
    assert!(pivot.at_m.is_none() && pivot.first_click.is_some_and(|(camera, _)| camera == 1));
    pick(Some(4), seen_at(&rig, 4, point));
    let s = expect(&engine, SOON, "a pivot", |s| s.events[0].pivot_mm.is_some());
    let found = s.events[0].pivot_mm.unwrap();
    assert!(found.iter().zip(point).all(|(mm, m)| (f64::from(*mm) * 1e-3 - m).abs() < 0.002), "{found:?}");
    let s = expect(&engine, SOON, "a cross in every picture", |s| s.preview.as_ref().is_some_and(|p| p.pivot.is_some()));
    let pivot = s.preview.as_ref().unwrap().pivot.clone().unwrap();
    for (camera, share) in pivot.in_cameras.iter().enumerate() {
        let (share, truth) = (share.unwrap(), seen_at(&rig, camera, point));
        assert!((f64::from(share[0]) - truth[0]).abs() < 0.002 && (f64::from(share[1]) - truth[1]).abs() < 0.002, "{camera}");
    }
    assert!(pivot.first_click.is_none() && pivot.in_preview.is_some());
    assert!(engine.send(Command::Undo));
    expect(&engine, SOON, "undone", |s| s.events[0].pivot_mm.is_none() && s.preview.as_ref().is_some_and(|p| p.pivot.is_none()));

    // Rays that do not meet, and rays that meet behind the cameras, are told and change nothing.
    pick(Some(1), seen_at(&rig, 1, point));
    pick(Some(4), seen_at(&rig, 4, [0.2, -0.3, 2.4]));
    told("miss each other by");
    pick(Some(0), [0.02, 0.5]);
    pick(Some(5), [0.98, 0.5]);
    let s = expect(&engine, SOON, "behind", |s| s.notices.last().is_some_and(|n| n.text.contains("no pivot. Click the same point")));
    let text = &s.notices.last().unwrap().text;
    assert!(text.contains("behind a camera") || text.contains("miss each other"), "{text}");
    assert!(s.events[0].pivot_mm.is_none());
}

#[test]
fn the_t_bar_moves_program_in_space_and_in_time() {
    let (feeds, engine) = start(6, true);
    let bar = |share, in_time| assert!(engine.send(Command::TBar { share, in_time }));
    expect(&engine, SOON, "live", |s| s.ring.newest.is_some());
    bar(0.5, true);
    expect(&engine, SOON, "told", |s| s.notices.iter().any(|n| n.text.contains("No event is prepared for the T-bar")));
    assert!(engine.send(Command::Mark));
    let s = expect(&engine, SOON, "armed", |s| s.can_take);
    let event = s.events[0].clone();
    // In preview: along the arc, and through the event, on whole frames.
    bar(0.5, false);
    expect(&engine, SOON, "the middle of the arc", |s| (s.position - 2.5).abs() < 1e-9);
    bar(0.25, true);
    let quarter = event.begin.plus_nanos((event.end - event.begin) / 4);
    let s = expect(&engine, SOON, "a quarter of the event", |s| s.preview.as_ref().is_some_and(|p| p.instant != event.instant));
    assert!(s.preview.as_ref().unwrap().instant.distance_nanos(quarter) <= 20_000_000);
    assert!(engine.send(Command::SelectEvent(event.id)));
    assert!(engine.send(Command::SetOrbit(0.0)));
    assert!(engine.send(Command::SelectMove(0)));
    expect(&engine, SOON, "armed again", |s| s.can_take && s.preview.as_ref().is_some_and(|p| p.instant == event.instant));
    assert!(engine.send(Command::Take));
    expect(&engine, SOON, "on air", |s| s.phase == Phase::OnAir);
    let at = |wanted: f64| {
        let s = expect(
            &engine,
            SOON,
            "the bar's place",
            |s| matches!(s.program.kind, ProgramKind::Replay { position, .. } if (position - wanted).abs() < 0.05),
        );
        assert_eq!(program_color(&s), color_of(wanted.round() as usize), "{wanted}");
    };
    bar(1.0, false);
    at(5.0);
    // Backwards as well, and the clock moves nothing while the hand is on it.
    bar(0.0, false);
    at(0.0);
    feeds.advance_frames(100);
    let now = volte::engine::Feeds::now(feeds.as_ref());
    expect(&engine, SOON, "time", |s| s.now >= now);
    at(0.0);
    bar(1.0, false);
    at(5.0);
    // In time: that camera's own frames, from the event's beginning to its end.
    let frame = |at: volte::time::MediaTime| at.nanos() / 20_000_000;
    for share in [0.5, 0.0] {
        bar(share, true);
        let wanted = event.begin.plus_nanos(((event.end.min(now) - event.begin) as f64 * share) as i64);
        let s = expect(&engine, SOON, "a frame of that time", |s| {
            s.program.roll.is_some_and(|r| r.instant.distance_nanos(wanted) <= 20_000_000)
                && frame_number(&s.program.shown.picture) == s.program.roll.map(|r| frame(r.instant))
        });
        assert_eq!(program_color(&s), color_of(5), "still the last camera");
    }
    // And back in space at the frozen instant.
    bar(0.0, false);
    expect(&engine, SOON, "space", |s| s.program.roll.is_none());
    at(0.0);
    assert!(engine.send(Command::Return));
    expect(&engine, SOON, "live", |s| s.phase != Phase::OnAir);
}
