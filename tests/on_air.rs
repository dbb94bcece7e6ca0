//! What is on air is what was taken: graphics, slices and transitions, on fake feeds; what program shows is looked at.
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::{path::Path, sync::Arc, time::Duration};

use volte::{
    engine::{Command, DeskFiles, Engine, EngineOptions, Quality, Slice, Snapshot, StingerSource},
    frame::Picture,
    replay::{
        Readiness,
        graphics::{Corner, Graphic, GraphicEdit, GraphicKind},
        playlist::{PlaylistEdit, Towards, Transition},
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

fn start(n: usize, options: &EngineOptions) -> (Arc<FakeFeeds>, Engine) {
    let feeds = Arc::new(FakeFeeds::new(n));
    let engine = Engine::start(Arc::clone(&feeds) as Arc<dyn volte::engine::Feeds>, options).unwrap();
    (feeds, engine)
}

fn at_desk(folder: &Path) -> EngineOptions {
    let desk = DeskFiles { playlist: None, folder: Some(folder.to_owned()), graphics: None };
    EngineOptions { without_gpu: true, desk, ..EngineOptions::default() }
}

fn expect(engine: &Engine, timeout: Duration, what: &str, wanted: impl FnMut(&Snapshot) -> bool) -> Arc<Snapshot> {
    engine.wait_for(timeout, wanted).unwrap_or_else(|| {
        let s = engine.snapshot();
        panic!("{what} did not happen: {:?} {:?} {:?} {:?}", s.phase, s.program.kind, s.slices, s.notices)
    })
}

fn send(engine: &Engine, commands: impl IntoIterator<Item = Command>) {
    for command in commands {
        assert!(engine.send(command));
    }
}

fn told(s: &Snapshot, words: &[&str]) -> bool {
    s.notices.iter().any(|n| words.iter().all(|w| n.text.contains(w)))
}

/// How many pixels of a corner are not of the picture's own colour.
fn drawn(picture: &Picture, corner: Corner) -> usize {
    let (w, h) = (picture.width(), picture.height());
    let is_in = |x: u32, y: u32| match corner {
        Corner::TopLeft => x < w / 2 && y < h / 2,
        Corner::TopRight => x >= w / 2 && y < h / 2,
        Corner::BottomLeft => x < w / 2 && y >= h / 2,
        Corner::BottomRight => x >= w / 2 && y >= h / 2,
    };
    let own = picture.pixel(w / 2, h / 2);
    (0..w * h).map(|i| (i % w, i / w)).filter(|(x, y)| is_in(*x, *y) && picture.pixel(*x, *y) != own).count()
}

fn on_program(s: &Snapshot, corner: Corner) -> bool {
    drawn(&s.program.shown.picture, corner) > 0
}

fn in_preview(s: &Snapshot, corner: Corner) -> bool {
    s.preview.as_ref().and_then(|p| p.shown.as_ref()).is_some_and(|shown| drawn(&shown.picture, corner) > 0)
}

fn bug(name: &str, corner: Corner) -> Command {
    let bug = Graphic { name: name.to_owned(), text: "HOME 2 : 1".to_owned(), corner, ..Graphic::new(GraphicKind::Bug, vec![]) };
    Command::EditGraphics(GraphicEdit::Add(bug))
}

/// Ticks of the engine, in which time goes on.
fn ticks(feeds: &FakeFeeds, engine: &Engine, count: usize) -> Arc<Snapshot> {
    for _ in 0..count {
        feeds.advance_frames(1);
        let frames = engine.snapshot().program.frames;
        expect(engine, SOON, "a tick", |s| s.program.frames > frames);
    }
    engine.snapshot()
}

#[test]
fn graphics_are_on_air_as_they_were_taken_until_the_operator_says_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let (feeds, engine) = start(4, &at_desk(folder.path()));
    send(&engine, [Command::Mark, bug("score", Corner::TopLeft)]);
    expect(&engine, SOON, "drawn in preview", |s| s.can_take && in_preview(s, Corner::TopLeft));
    send(&engine, [Command::Take]);
    let s = expect(&engine, SOON, "taken with it", |s| on_program(s, Corner::TopLeft));
    assert!(!s.graphics.waits_for_take);
    // Another one, and the first one changed and taken back: in preview alone.
    let id = s.events[0].id;
    send(&engine, [Command::SelectEvent(id), bug("logo", Corner::BottomRight)]);
    let s = expect(&engine, SOON, "in preview", |s| in_preview(s, Corner::BottomRight) && s.graphics.waits_for_take);
    assert!(!on_program(&s, Corner::BottomRight), "it is on air already");
    let s = ticks(&feeds, &engine, 4);
    assert!(on_program(&s, Corner::TopLeft) && !on_program(&s, Corner::BottomRight), "it came on air by itself");
    send(&engine, [Command::Undo, Command::Undo]);
    expect(&engine, SOON, "taken back in preview", |s| s.graphics.graphics.is_empty() && !in_preview(s, Corner::TopLeft));
    assert!(on_program(&ticks(&feeds, &engine, 4), Corner::TopLeft), "undo changed what is on air");
    // By the operator's word, and with the next take.
    send(&engine, [Command::Redo, Command::Redo, Command::GraphicsToAir]);
    let s = expect(&engine, SOON, "put on air", |s| on_program(s, Corner::BottomRight));
    assert!(!s.graphics.waits_for_take);
    send(&engine, [Command::EditGraphics(GraphicEdit::Clear)]);
    expect(&engine, SOON, "none in preview", |s| s.graphics.waits_for_take && !in_preview(s, Corner::TopLeft));
    send(&engine, [Command::Take]);
    expect(&engine, SOON, "none on air", |s| !on_program(s, Corner::TopLeft) && !on_program(s, Corner::BottomRight));
    // Nothing is on air to draw on.
    send(&engine, [Command::Return, Command::GraphicsToAir]);
    expect(&engine, SOON, "told", |s| told(s, &["No replay is on air", "TAKE"]));
}

#[test]
fn a_picture_file_is_read_beside_and_comes_to_the_air_when_it_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let [logo, none] = ["logo.png", "text.png"].map(|n| folder.path().join(n));
    Picture::filled(32, 32, [250, 10, 10, 255]).save(&logo).unwrap();
    std::fs::write(&none, "no picture").unwrap();
    let (_feeds, engine) = start(4, &at_desk(folder.path()));
    let of = |name: &str, file: &Path, corner| {
        let bug = Graphic { name: name.to_owned(), file: Some(file.to_owned()), corner, ..Graphic::new(GraphicKind::Bug, vec![]) };
        Command::EditGraphics(GraphicEdit::Add(bug))
    };
    // The take comes before anybody can have read it.
    send(&engine, [Command::Mark]);
    expect(&engine, SOON, "armed", |s| s.can_take);
    send(&engine, [of("logo", &logo, Corner::TopRight), Command::Take]);
    expect(&engine, SOON, "on air", |s| on_program(s, Corner::TopRight));
    send(&engine, [of("bad", &none, Corner::BottomLeft)]);
    expect(&engine, SOON, "told", |s| told(s, &["not drawn", "text.png"]));
    // The same name, another picture: read anew.
    let red = |s: &Snapshot| {
        s.preview.as_ref().unwrap().shown.as_ref().unwrap().picture.rgba().chunks_exact(4).filter(|p| p[0] > 240 && p[1] < 30).count()
    };
    let id = engine.snapshot().events[0].id;
    send(&engine, [Command::SelectEvent(id)]);
    expect(&engine, SOON, "red in preview", |s| s.preview.as_ref().is_some_and(|p| p.shown.is_some()) && red(s) > 0);
    Picture::filled(32, 32, [10, 10, 250, 255]).save(&logo).unwrap();
    send(&engine, [Command::EditGraphics(GraphicEdit::File("logo".to_owned(), logo.clone()))]);
    expect(&engine, SOON, "blue in preview", |s| red(s) == 0);
    // On air it changes by a take alone.
    let [of_red, of_blue] =
        [0, 2].map(|c| move |s: &Snapshot| s.program.shown.picture.rgba().chunks_exact(4).any(|p| p[c] > 240 && p[2 - c] < 30));
    let later = || {
        let frames = engine.snapshot().program.frames;
        expect(&engine, SOON, "ticks", |s| s.program.frames > frames + 5)
    };
    let s = later();
    assert!(of_red(&s) && !of_blue(&s), "it went on air without TAKE");
    assert!(s.graphics.waits_for_take);
    send(&engine, [Command::GraphicsToAir]);
    expect(&engine, SOON, "blue on air", |s| of_blue(s) && !of_red(s));
    // Half a file takes nothing off the air, nor out of preview.
    std::fs::write(&logo, "half a picture").unwrap();
    send(&engine, [Command::EditGraphics(GraphicEdit::File("logo".to_owned(), logo))]);
    expect(&engine, SOON, "told", |s| told(s, &["keeps the picture", "logo.png"]));
    assert!(of_blue(&later()) && !engine.snapshot().graphics.waits_for_take);
    send(&engine, [Command::GraphicsToAir]);
    assert!(of_blue(&later()), "a file that is no picture took it off the air");
}

#[test]
fn graphics_that_cannot_be_read_are_put_aside_and_clean_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("graphics.toml");
    std::fs::write(&file, "version = 1\nthis is no graphic").unwrap();
    {
        let (_feeds, engine) = start(4, &at_desk(folder.path()));
        expect(&engine, SOON, "told", |s| told(s, &["left out", "graphics.unreadable-1.toml"]));
        assert!(folder.path().join("graphics.unreadable-1.toml").exists());
        send(&engine, [bug("score", Corner::TopLeft), Command::CleanFeed(None)]);
        expect(&engine, SOON, "clean", |s| s.graphics.clean && s.graphics.graphics.len() == 1);
    }
    {
        let (_feeds, engine) = start(4, &at_desk(folder.path()));
        let s = expect(&engine, SOON, "there again", |s| s.graphics.graphics.len() == 1);
        assert!(s.graphics.clean, "CLEAN was forgotten");
        send(&engine, [Command::Mark]);
        expect(&engine, SOON, "armed", |s| s.can_take && in_preview(s, Corner::TopLeft));
        send(&engine, [Command::Take, Command::CleanFeed(Some(false))]);
        // A slate has something in its corners, too.
        expect(&engine, SOON, "not clean", |s| {
            matches!(s.program.kind, volte::engine::ProgramKind::Replay { .. }) && on_program(s, Corner::TopLeft)
        });
    }
    // One of them cannot be drawn: the others are there, and the file as it was is kept.
    let bow = "[[graphic]]\nname = \"bow\"\nkind = \"plane\"\npoints_m = [[0, 0, 0], [1, 1, 0], [1, 0, 0], [0, 1, 0]]\n";
    std::fs::write(&file, format!("{}{bow}", std::fs::read_to_string(&file).unwrap())).unwrap();
    let (_feeds, engine) = start(4, &at_desk(folder.path()));
    let s = expect(&engine, SOON, "told", |s| told(s, &["bow", "cross", "graphics.unreadable-2.toml"]));
    assert_eq!(s.graphics.graphics.len(), 1);
    assert!(!s.graphics.clean);
    drop(engine);
    assert!(std::fs::read_to_string(&file).unwrap().contains("score"), "what was taken over is kept");
}

#[test]
fn a_half_drawn_graphic_is_dropped_and_small_steps_of_the_wheel_add_up() {
    let (_feeds, engine) = start(4, &EngineOptions { quality: Some(Quality::Draft), ..EngineOptions::default() });
    expect(&engine, LATER, "a GPU", |s| !s.gpu.adapter.is_empty());
    send(&engine, [Command::Mark]);
    expect(&engine, LATER, "solved", |s| s.preview.as_ref().is_some_and(|p| p.readiness == Readiness::Solved && p.shown.is_some()));
    send(&engine, [Command::DrawGraphic { kind: GraphicKind::Line, file: None, camera: Some(1), at: [0.5, 0.5] }]);
    expect(&engine, LATER, "one point", |s| s.graphics.draft.is_some());
    send(&engine, [Command::DropGraphic]);
    expect(&engine, SOON, "dropped", |s| s.graphics.draft.is_none() && s.graphics.graphics.is_empty());
    // A wheel gives steps of millimetres.
    send(&engine, (0..10).map(|_| Command::FreeBy { dolly_m: 0.003, height_m: 0.0 }));
    expect(&engine, SOON, "3 cm nearer", |s| (s.free.dolly_m - 0.03).abs() < 1e-9);
    // What looks at something nearer ends earlier.
    send(&engine, [Command::FreeTo { dolly_m: 2.0, height_m: 0.0 }]);
    let s = expect(&engine, SOON, "2 m nearer", |s| (s.free.dolly_m - 2.0).abs() < 1e-9);
    let eye = [6.0, 0.0, 1.6];
    let near = volte::replay::EventEdit::Pivot(Some(eye.map(|v: f64| (v * 1e3) as i32 - 1500)));
    send(&engine, [Command::EditEvent(s.events[0].id, near)]);
    let s = expect(&engine, SOON, "held back", |s| s.free.dolly_m < 1.9 && told(s, &["free camera ends here"]));
    assert!(s.free.dolly_m > 0.0, "{:?}", s.free);
}

#[test]
fn slices_are_on_air_as_they_were_taken() {
    let (feeds, engine) = start(4, &EngineOptions { quality: Some(Quality::Draft), ..EngineOptions::default() });
    expect(&engine, LATER, "a GPU", |s| !s.gpu.adapter.is_empty());
    send(&engine, [Command::Mark]);
    let s = expect(&engine, LATER, "solved", |s| s.preview.as_ref().is_some_and(|p| p.readiness == Readiness::Solved && p.shown.is_some()));
    let (at, id) = (s.preview.as_ref().unwrap().instant, s.events[0].id);
    let before = at.plus_nanos(-200_000_000);
    send(&engine, [Command::SelectMove(6), Command::SetOrbit(1.0), Command::Slice(Slice::At(before))]);
    expect(&engine, LATER, "a slice", |s| s.slices.ready == [before]);
    send(&engine, [Command::Take]);
    expect(&engine, LATER, "taken with it", |s| s.program.slices == [before] && s.program.report.is_some());
    send(&engine, [Command::SelectEvent(id)]);
    expect(&engine, LATER, "prepared again", |s| s.preview.as_ref().is_some_and(|p| p.readiness == Readiness::Solved));
    // Out of preview, and others into it: nothing on air changes, not one picture.
    let shown = ticks(&feeds, &engine, 60).program.shown.serial;
    send(&engine, [Command::Slice(Slice::Off)]);
    expect(&engine, SOON, "none in preview", |s| s.slices.instants.is_empty());
    let s = ticks(&feeds, &engine, 4);
    assert_eq!((s.program.slices.as_slice(), s.program.shown.serial), ([before].as_slice(), shown));
    let other = at.plus_nanos(-400_000_000);
    send(&engine, [Command::Slice(Slice::At(other))]);
    expect(&engine, LATER, "another one", |s| s.slices.ready == [other]);
    let s = ticks(&feeds, &engine, 4);
    assert_eq!((s.program.slices.as_slice(), s.program.shown.serial), ([before].as_slice(), shown));
    // The next take has what preview has.
    send(&engine, [Command::Take]);
    expect(&engine, LATER, "the other one on air", |s| s.program.slices == [other]);
    send(&engine, [Command::Return]);
    expect(&engine, SOON, "none on air", |s| s.program.slices.is_empty());
}

/// The colours at the left and the right of program.
type Sides = ([u8; 4], [u8; 4]);

fn sides(s: &Snapshot) -> Sides {
    let picture = &s.program.shown.picture;
    let (w, y) = (picture.width(), picture.height() / 2);
    (picture.pixel(w / 8, y), picture.pixel(w - 1 - w / 8, y))
}

/// What the sides of program show, tick by tick.
fn seen(feeds: &FakeFeeds, engine: &Engine, count: usize) -> Vec<Sides> {
    let one = |_| {
        let s = ticks(feeds, engine, 1);
        let darkest = s.program.shown.picture.rgba().chunks_exact(4).map(|p| p[0].max(p[1]).max(p[2])).min().unwrap();
        assert!(darkest > 40, "program is black somewhere");
        sides(&s)
    };
    (0..count).map(one).collect()
}

#[test]
fn the_next_element_in_the_middle_of_a_wipe_does_not_bring_live_back() {
    let (feeds, engine) = start(4, &EngineOptions { without_gpu: true, ..EngineOptions::default() });
    // Two stills of other cameras than the live one.
    for (k, position) in [(1, 0.0), (2, 1.0)] {
        ticks(&feeds, &engine, 30);
        send(&engine, [Command::Mark, Command::SetOrbit(position), Command::SelectMove(6)]);
        expect(&engine, SOON, "armed", |s| s.can_take && s.events.len() == k && (s.position - position).abs() < 1e-9);
        send(&engine, [Command::AddElement]);
        expect(&engine, SOON, "in the list", |s| s.playlist.elements.len() == k);
    }
    let live = sides(&engine.snapshot()).0;
    assert!(live != color_of(0) && live != color_of(1));
    send(&engine, [Command::SetTransition(Transition::Wipe { secs: 1.0, towards: Towards::Right }), Command::PlayList]);
    expect(&engine, SOON, "on its way", |s| s.program.mixes);
    let mut way = vec![];
    while way.last().is_none_or(|w: &Sides| w.0 == live) {
        assert!(way.len() < 60, "no wipe: {way:?}");
        way.extend(seen(&feeds, &engine, 1));
    }
    send(&engine, [Command::NextElement]);
    let way = seen(&feeds, &engine, 60);
    assert!(way.iter().all(|w| w.0 != live), "live came back: {way:?}");
    assert!(way[0].1 == live && way.last() == Some(&(color_of(1), color_of(1))), "{way:?}");
}

#[test]
fn a_take_wipes_and_a_return_goes_behind_a_stinger() {
    const FILM: [u8; 4] = [240, 240, 60, 255];
    let folder = tempfile::tempdir().unwrap();
    let film = folder.path().join("sweep");
    std::fs::create_dir(&film).unwrap();
    // A bar from the left that covers all, and goes to the right.
    for (k, (from, until)) in [(0, 0), (0, 8), (0, 16), (0, 16), (0, 16), (8, 16), (16, 16)].into_iter().enumerate() {
        let mut picture = Picture::filled(16, 9, [0, 0, 0, 0]);
        for (i, px) in picture.rgba_mut().chunks_exact_mut(4).enumerate() {
            if (from..until).contains(&(i % 16)) {
                px.copy_from_slice(&FILM);
            }
        }
        picture.save(&film.join(format!("{k:03}.png"))).unwrap();
    }
    let stingers = vec![StingerSource { folder: film, fps: Some(25.0) }, StingerSource { folder: folder.path().join("none"), fps: None }];
    let (feeds, engine) = start(4, &EngineOptions { without_gpu: true, stingers, ..EngineOptions::default() });
    expect(&engine, SOON, "read", |s| s.stingers_secs.first().is_some_and(|secs| *secs > 0.0) && told(s, &["none", "PNG"]));
    send(&engine, [Command::SetTransition(Transition::Stinger { secs: 0.0, number: 3 })]);
    let s = expect(&engine, SOON, "told", |s| told(s, &["no stinger 3", "2"]));
    assert_eq!(s.transition, Transition::Cut);

    send(&engine, [Command::Mark, Command::SetOrbit(0.0), Command::SelectMove(6)]);
    send(&engine, [Command::SetTransition(Transition::Wipe { secs: 0.2, towards: Towards::Right })]);
    let s = expect(&engine, SOON, "armed", |s| s.can_take && s.position.abs() < 1e-9 && s.transition.secs() > 0.0);
    let (live, taken) = (sides(&s).0, color_of(0));
    assert_ne!(live, taken);
    send(&engine, [Command::Take]);
    expect(&engine, SOON, "on its way", |s| s.program.mixes);
    let way = seen(&feeds, &engine, 14);
    // The new picture comes from the left; each side changes once.
    assert!(way.contains(&(taken, live)), "no wipe: {way:?}");
    assert_eq!(*way.last().unwrap(), (taken, taken), "{way:?}");
    let changes = |side: fn(&Sides) -> [u8; 4]| way.windows(2).filter(|w| side(&w[0]) != side(&w[1])).count();
    assert!(changes(|w| w.0) <= 3 && changes(|w| w.1) <= 3, "{way:?}");
    assert!(!engine.snapshot().program.mixes);

    send(&engine, [Command::SetTransition(Transition::Stinger { secs: 0.0, number: 1 })]);
    expect(&engine, SOON, "chosen", |s| (s.transition.secs() - 0.28).abs() < 1e-9);
    send(&engine, [Command::Return]);
    expect(&engine, SOON, "on its way back", |s| s.program.mixes);
    let way = seen(&feeds, &engine, 18);
    for (what, sides) in
        [("old beside the film", (FILM, taken)), ("nothing but the film", (FILM, FILM)), ("new beside the film", (live, FILM))]
    {
        assert!(way.contains(&sides), "{what}: {way:?}");
    }
    assert!(!way.contains(&(FILM, live)) && !way.contains(&(taken, FILM)), "the change was seen: {way:?}");
    assert_eq!(*way.last().unwrap(), (live, live));
    // A camera is chosen with a cut, as ever; and so is what nobody asked for.
    send(&engine, [Command::SelectCamera(0)]);
    let s = expect(&engine, SOON, "cut", |s| sides(s) == (taken, taken));
    assert!(!s.program.mixes);
}

#[test]
fn elements_of_a_playlist_wipe() {
    let (feeds, engine) = start(4, &EngineOptions { without_gpu: true, ..EngineOptions::default() });
    expect(&engine, SOON, "live", |s| s.ring.newest.is_some());
    send(&engine, [Command::LastFive]);
    expect(&engine, SOON, "armed", |s| s.can_take);
    send(&engine, [Command::SelectMove(7), Command::SetSpeed(400), Command::SetOrbit(0.0), Command::AddElement]);
    send(&engine, [Command::SetOrbit(3.0), Command::AddElement]);
    let s = expect(&engine, SOON, "two elements", |s| s.playlist.elements.len() == 2);
    let how = Transition::Wipe { secs: 0.3, towards: Towards::Left };
    send(&engine, [Command::EditPlaylist(PlaylistEdit::Transition(s.playlist.elements[1].id, how)), Command::PlayList]);
    expect(&engine, SOON, "on air", |s| s.playlist.elapsed_secs.is_some() && s.playlist.elements[1].transition == how);
    let way = seen(&feeds, &engine, 80);
    let (first, last) = (color_of(0), color_of(3));
    assert!(way.contains(&(first, first)) && way.contains(&(first, last)) && way.contains(&(last, last)), "{way:?}");
    assert!(!way.contains(&(last, first)), "it goes to the left: {way:?}");
}

#[test]
fn the_speed_of_an_element_ramps_to_that_of_its_end() {
    let (feeds, engine) = start(4, &EngineOptions { without_gpu: true, ..EngineOptions::default() });
    expect(&engine, SOON, "live", |s| s.ring.newest.is_some());
    send(&engine, [Command::LastFive]);
    expect(&engine, SOON, "armed", |s| s.can_take);
    send(&engine, [Command::SelectMove(7), Command::SetSpeed(400), Command::SetOrbit(2.0), Command::AddElement]);
    let s = expect(&engine, SOON, "an element", |s| s.playlist.elements.len() == 1);
    let (event, id) = (s.events[0].clone(), s.playlist.elements[0].id);
    let ramp = |end| Command::EditPlaylist(PlaylistEdit::Ramp(id, end));
    // Against its direction there is no ramp, only its speed; without one it is as it was.
    send(&engine, [ramp(Some(-200))]);
    expect(&engine, SOON, "forwards", |s| s.playlist.elements[0].ramp_percent == Some(200));
    send(&engine, [ramp(None)]);
    expect(&engine, SOON, "none", |s| s.playlist.elements[0].ramp_percent == Some(400) && (s.playlist.total_secs - 1.25).abs() < 1e-9);
    send(&engine, [ramp(Some(100))]);
    // 5 s at 250 % on the average.
    let s = expect(&engine, SOON, "a ramp", |s| s.playlist.elements[0].ramp_percent == Some(100));
    assert!((s.playlist.total_secs - 2.0).abs() < 1e-9, "{}", s.playlist.total_secs);
    send(&engine, [Command::PlayList]);
    let of = |s: &Snapshot| s.program.shot.eq(&s.program.shown_shot).then(|| frame_number(&s.program.shown.picture)).flatten();
    // It begins with the marked instant, whose picture says no number.
    let s = expect(&engine, LATER, "on air", |s| s.playlist.elapsed_secs.is_some() && s.program.shot == s.program.shown_shot);
    // Its clock begins with the tick after.
    let frames = s.program.frames;
    expect(&engine, LATER, "ticks", |s| s.program.frames > frames + 3);
    for tick in 1..98 {
        feeds.advance_frames(1);
        let t = f64::from(tick) * 0.02;
        // The integral of a speed that goes from 4 to 1 in 2 s, a tenth of a frame at most beside it.
        let wanted = (event.begin - MediaTime::ZERO) as f64 * 1e-9 + 4.0 * t - 0.75 * t * t;
        let frame = wanted / 0.02;
        expect(&engine, LATER, &format!("tick {tick}: frame {frame:.2}"), |s| {
            of(s).is_some_and(|shown| (-0.27..=0.93).contains(&(frame - shown as f64)))
        });
    }
    feeds.advance_frames(10);
    expect(&engine, LATER, "live again", |s| s.playlist.elapsed_secs.is_none());
}

/// The middle of a picture.
fn middle(picture: &Picture) -> [i32; 3] {
    let [r, g, b, _] = picture.pixel(picture.width() / 2, picture.height() / 2).map(i32::from);
    [r, g, b]
}

#[test]
fn exposure_shading_and_trims_are_on_air_as_they_were_taken_until_the_replay_ends() {
    let (feeds, engine) = start(3, &EngineOptions { quality: Some(Quality::Draft), ..EngineOptions::default() });
    expect(&engine, LATER, "a GPU", |s| !s.gpu.adapter.is_empty());
    // Between the second and the third camera, which are of different colours.
    send(&engine, [Command::Mark, Command::SetOrbit(1.5)]);
    let solved = |s: &Snapshot| s.preview.as_ref().is_some_and(|p| p.readiness == Readiness::Solved);
    expect(&engine, LATER, "solved", solved);
    send(&engine, [Command::Take]);
    feeds.advance_frames(2);
    // By hand, at one place of the move: what was asked for before may be on its way still, so it is asked for again.
    let on_air = |share: f64| {
        let mut seen = [0; 3];
        for k in 0..3 {
            let serial = engine.snapshot().program.shown.serial;
            send(&engine, [Command::TBar { share: share + 1e-6 * f64::from(k), in_time: false }]);
            let s = expect(&engine, LATER, "a picture", |s| s.program.shown.serial != serial && s.program.report.is_some());
            seen = middle(&s.program.shown.picture);
        }
        seen
    };
    expect(&engine, LATER, "on air", |s| s.program.report.is_some());
    let taken = on_air(0.3);
    let in_preview = |s: &Snapshot| s.preview.as_ref().and_then(|p| p.shown.as_ref()).map(|shown| middle(&shown.picture));
    let before = in_preview(&engine.snapshot());
    // Another match, no shading, and one camera two stops brighter: preview has them at once, program has not.
    let cameras: Vec<String> = volte::engine::Feeds::rig(feeds.as_ref()).cameras.iter().map(|c| c.name.clone()).collect();
    let bright = |ev: f32| volte::replay::trim::TrimEdit { ev: Some(ev), ..Default::default() };
    send(&engine, [Command::SetMatching(Some(volte::scene::Matching::Off)), Command::SetShading(Some(false))]);
    send(&engine, cameras.iter().map(|camera| Command::TrimMatch { camera: camera.clone(), edit: bright(1.0) }));
    let brighter = |a: [i32; 3], b: [i32; 3]| a.iter().zip(b).map(|(a, b)| b - a).sum::<i32>();
    expect(&engine, LATER, "seen in preview", |s| {
        in_preview(s).zip(before).is_some_and(|(now, before)| s.cameras.iter().all(|c| c.trim.ev > 0.9) && brighter(before, now) > 60)
    });
    let apart = |a: [i32; 3], b: [i32; 3]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).max().unwrap_or(0);
    let still = on_air(0.301);
    assert!(apart(taken, still) <= 3, "program has changed: {taken:?} {still:?}");
    // Undone and done again while on air: nothing of it either.
    send(&engine, [Command::Undo, Command::Redo]);
    let still = on_air(0.302);
    assert!(apart(taken, still) <= 3, "program has changed: {taken:?} {still:?}");
    // The next take has them.
    send(&engine, [Command::Return]);
    expect(&engine, LATER, "live", |s| matches!(s.program.kind, volte::engine::ProgramKind::Live(_)));
    send(&engine, [Command::Take]);
    expect(&engine, LATER, "on air again", |s| matches!(s.program.kind, volte::engine::ProgramKind::Replay { solved: true, .. }));
    let now = on_air(0.3);
    assert!(brighter(taken, now) > 60, "{taken:?} {now:?}");
}
