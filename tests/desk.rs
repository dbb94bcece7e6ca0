//! What the operator makes is there again after a restart: the playlist and own templates, as small files.
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::{fs, path::Path, sync::Arc, time::Duration};

use volte::{
    engine::{Command, DeskFiles, Engine, EngineOptions, ExportState, NoticeLevel, Snapshot},
    frame::Picture,
    replay::{
        Event,
        path::{PathChannel, PathEdit, Preset},
        playlist::{PlaylistEdit, Transition},
    },
    time::MediaTime,
};

mod support {
    pub mod fake_feeds;
}
use support::fake_feeds::FakeFeeds;

const SOON: Duration = Duration::from_secs(5);

/// A session at a desk; `events` are those of the recording.
fn session(folder: &Path, events: Vec<Event>) -> (Arc<FakeFeeds>, Engine) {
    let feeds = FakeFeeds::new(5);
    *feeds.restored.lock() = events;
    let feeds = Arc::new(feeds);
    let desk = DeskFiles { playlist: Some(folder.join("playlist.toml")), folder: Some(folder.to_owned()), graphics: None };
    let options = EngineOptions { without_gpu: true, desk, ..EngineOptions::default() };
    let engine = Engine::start(Arc::clone(&feeds) as Arc<dyn volte::engine::Feeds>, &options).unwrap();
    (feeds, engine)
}

fn expect(engine: &Engine, what: &str, wanted: impl FnMut(&Snapshot) -> bool) -> Arc<Snapshot> {
    engine.wait_for(SOON, wanted).unwrap_or_else(|| panic!("{what}: {:?} {:?}", engine.snapshot().playlist, engine.snapshot().notices))
}

fn send(engine: &Engine, commands: impl IntoIterator<Item = Command>) {
    for command in commands {
        assert!(engine.send(command));
    }
}

fn told(s: &Snapshot, words: &[&str]) -> bool {
    s.notices.iter().any(|n| words.iter().all(|w| n.text.contains(w)))
}

/// A mark with a template's elements, one of them changed.
fn make_a_list(engine: &Engine) -> Arc<Snapshot> {
    send(engine, [Command::Mark]);
    expect(engine, "armed", |s| s.can_take);
    send(engine, [Command::ApplyTemplate]);
    let s = expect(engine, "three elements", |s| s.playlist.elements.len() == 3);
    let (first, second) = (s.playlist.elements[0].id, s.playlist.elements[1].id);
    send(
        engine,
        [
            Command::EditPlaylist(PlaylistEdit::Ramp(first, Some(20))),
            Command::EditPlaylist(PlaylistEdit::Transition(second, Transition::Dissolve { secs: 0.7 })),
            Command::EditPlaylist(PlaylistEdit::Hold(second, true)),
            Command::EditPlaylist(PlaylistEdit::Loop(true)),
        ],
    );
    expect(engine, "looped", |s| s.playlist.looped)
}

#[test]
fn a_playlist_and_a_template_outlive_the_session() {
    let dir = tempfile::tempdir().unwrap();
    let (_feeds, engine) = session(dir.path(), vec![]);
    let before = make_a_list(&engine);
    send(&engine, [Command::SaveTemplate("  Corner: wide, orbit  ".to_owned())]);
    let s = expect(&engine, "a template", |s| s.playlist.template == "Corner: wide, orbit");
    assert!(told(&s, &["Corner", "corner--wide--orbit.toml"]), "{:?}", s.notices);
    let events = s.events.to_vec();
    drop(engine);

    let (_feeds, engine) = session(dir.path(), events);
    let s = expect(&engine, "it is there again", |s| s.playlist.elements.len() == 3);
    assert_eq!((&s.playlist.elements, s.playlist.looped), (&before.playlist.elements, true));
    assert_eq!(s.can_undo_redo, (false, false), "what was there is no edit");
    assert!(told(&s, &["again", "3 elements"]));
    // Its own template makes the same list of another event, and identities go on.
    send(&engine, [Command::EditPlaylist(PlaylistEdit::Clear), Command::Mark]);
    expect(&engine, "armed", |s| s.can_take && s.playlist.elements.is_empty());
    let mut names = vec![];
    while engine.snapshot().playlist.template != "Corner: wide, orbit" {
        let now = engine.snapshot().playlist.template.clone();
        assert!(!names.contains(&now), "the template is not among {names:?}");
        names.push(now.clone());
        send(&engine, [Command::NextTemplate]);
        expect(&engine, "the next", |s| s.playlist.template != now);
    }
    send(&engine, [Command::ApplyTemplate]);
    let s = expect(&engine, "made again", |s| s.playlist.elements.len() == 3);
    let plain = |s: &Snapshot| {
        let e = |e: &volte::engine::ElementView| {
            (e.what.clone(), e.camera.clone(), e.speed_percent, e.ramp_percent, e.transition, e.hold, e.secs)
        };
        s.playlist.elements.iter().map(e).collect::<Vec<_>>()
    };
    assert_eq!(plain(&s), plain(&before));
    assert_eq!(s.playlist.elements.iter().map(|e| e.ramp_percent).collect::<Vec<_>>()[0], Some(20));
    assert!(s.playlist.elements.iter().all(|e| before.playlist.elements.iter().all(|b| b.id != e.id)));
    drop(engine);
    let names: Vec<String> = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(names.iter().filter(|n| n.contains("playlist")).count(), 1, "nothing is left beside it: {names:?}");
}

#[test]
fn nothing_that_was_made_is_lost_when_it_cannot_be_taken_over() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("playlist.toml");
    let (_feeds, engine) = session(dir.path(), vec![]);
    let s = make_a_list(&engine);
    let events = s.events.to_vec();
    drop(engine);
    let whole = fs::read_to_string(&file).unwrap();

    // Its events were not recorded: it is put aside, not mixed up with events of the same number.
    let (_feeds, engine) = session(dir.path(), vec![]);
    let s = expect(&engine, "told", |s| told(s, &["3 elements", "playlist.earlier-1.toml"]));
    assert!(s.playlist.elements.is_empty() && s.notices.iter().any(|n| n.level == NoticeLevel::Warning));
    make_a_list(&engine);
    drop(engine);
    assert_eq!(fs::read_to_string(dir.path().join("playlist.earlier-1.toml")).unwrap(), whole);

    // A file that is no playlist, and a template that is none.
    fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    fs::create_dir_all(dir.path().join("templates")).unwrap();
    fs::write(dir.path().join("templates/bad.toml"), "version = 1\nname = \"x\"\n[[element]]\nshot = \"fly\"").unwrap();
    let (_feeds, engine) = session(dir.path(), events);
    let s = expect(&engine, "told", |s| told(s, &["playlist.toml", "not readable", "playlist.unreadable-1.toml"]));
    assert!(s.playlist.elements.is_empty());
    assert!(told(&s, &["bad.toml", "fly", "Mend"]), "{:?}", s.notices);
    assert_eq!(fs::read_to_string(dir.path().join("playlist.unreadable-1.toml")).unwrap(), whole[..whole.len() / 2]);
    // The session goes on, and its list is kept.
    make_a_list(&engine);
    drop(engine);
    assert!(fs::read_to_string(&file).unwrap().contains("dissolve_secs = 0.7"));
}

#[test]
fn a_template_needs_a_list_and_a_name_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let (_feeds, engine) = session(dir.path(), vec![]);
    send(&engine, [Command::SaveTemplate("mine".to_owned())]);
    expect(&engine, "nothing to keep", |s| told(s, &["empty", "template"]));
    make_a_list(&engine);
    let built_in = engine.snapshot().playlist.template.clone();
    send(&engine, [Command::SaveTemplate(built_in), Command::SaveTemplate(" \u{7} ".to_owned())]);
    expect(&engine, "both refused", |s| told(s, &["comes with the program"]) && told(s, &["needs a name"]));
    // The same name takes its place, in the same file.
    send(&engine, [Command::SaveTemplate("mine".to_owned())]);
    expect(&engine, "kept", |s| told(s, &["\"mine\"", "mine.toml"]));
    let first = engine.snapshot().playlist.elements[0].id;
    send(&engine, [Command::EditPlaylist(PlaylistEdit::Speed(first, 75)), Command::SaveTemplate("mine".to_owned())]);
    expect(&engine, "again", |s| s.playlist.elements[0].speed_percent == 75);
    drop(engine);
    let files: Vec<_> = fs::read_dir(dir.path().join("templates")).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(files, [dir.path().join("templates/mine.toml")]);
    assert!(fs::read_to_string(&files[0]).unwrap().contains("speed_percent = 75"));
}

#[test]
fn a_path_is_made_undone_played_and_kept() {
    let dir = tempfile::tempdir().unwrap();
    let (_feeds, engine) = session(dir.path(), vec![]);
    send(&engine, [Command::Mark, Command::SetOrbit(0.0)]);
    let built_in = expect(&engine, "armed", |s| s.can_take).moves.len();
    send(&engine, [Command::NewPath(Preset::FreezeOrbit), Command::EditPath(PathEdit::Name("Round the net".to_owned()))]);
    send(&engine, [Command::EditPath(PathEdit::Length(1.0)), Command::EditPath(PathEdit::Set(0, PathChannel::Zoom, 1.5))]);
    let s =
        expect(&engine, "it is the move of the next take", |s| s.moves.last().is_some_and(|m| m.name == "Round the net" && m.secs == 1.0));
    assert_eq!((s.moves.len(), s.chosen_move), (built_in + 1, built_in));
    assert!(s.paths.points.len() > 50 && s.paths.cameras_m.len() == 5 && s.paths.problem.is_none(), "{:?}", s.paths);
    let before = s.paths.path.clone().unwrap();
    assert_eq!(before.keys[0].zoom, 1.5);
    send(&engine, [Command::EditPath(PathEdit::RemoveKey(1)), Command::Undo]);
    let s = expect(&engine, "taken back", |s| s.can_undo_redo.1);
    assert_eq!(s.paths.path.as_ref(), Some(&before));
    // A loop needs a ring, and the error says so.
    send(&engine, [Command::EditPath(PathEdit::Looped(true))]);
    expect(&engine, "refused", |s| told(s, &["closed ring", "bounce"]));
    // Looked along in preview: it stands where the path ends; the handle takes it back.
    send(&engine, [Command::ScrubPath(9.0)]);
    expect(&engine, "the path's end", |s| (s.position - 4.0).abs() < 1e-9);
    send(&engine, [Command::MoveOrbit(-4.0)]);
    expect(&engine, "back", |s| s.position == 0.0);
    // It goes into the playlist by its name, and on air from its first to its last camera.
    send(&engine, [Command::AddElement]);
    let s = expect(&engine, "an element", |s| s.playlist.elements.len() == 1);
    assert_eq!((s.playlist.elements[0].what.as_str(), s.playlist.elements[0].secs), ("Round the net", 1.0));
    send(&engine, [Command::Take]);
    expect(&engine, "on air", |s| s.phase == volte::replay::Phase::OnAir);
    let events = engine.snapshot().events.to_vec();
    drop(engine);

    fs::write(dir.path().join("paths/named.toml"), "version = 1\nname = \"by names\"\nduration_secs = 2.0\nkey = [{ at_secs = 0.0, camera = \"cam02\" }, { at_secs = 2.0, camera = \"cam05\" }]").unwrap();
    fs::write(
        dir.path().join("paths/other.toml"),
        "version = 1\nname = \"x\"\nduration_secs = 2.0\nkey = [{ at_secs = 0.0, camera = \"north\" }]",
    )
    .unwrap();
    let (_feeds, engine) = session(dir.path(), events);
    let s = expect(&engine, "there again", |s| s.paths.names.len() == 2);
    assert!(told(&s, &["other.toml", "north", "cam01"]), "{:?}", s.notices);
    assert_eq!(s.playlist.elements[0].secs, 1.0, "the list finds its path");
    assert!(s.paths.names.contains(&"by names".to_owned()) && s.paths.path.as_ref() == Some(&before), "{:?}", s.paths.names);
    // One that names cameras stands at their places along the arc.
    send(&engine, [Command::NextPath]);
    let s = expect(&engine, "the other path", |s| s.paths.path.as_ref().is_some_and(|p| p.name == "by names"));
    let by_names: Vec<f64> = s.paths.path.iter().flat_map(|p| p.keys.iter().map(|k| PathChannel::Position.of(k))).collect();
    assert_eq!(by_names, [1.0, 4.0]);
    // What is taken out goes from its folder, and comes back with undo.
    while engine.snapshot().paths.path.as_ref().is_none_or(|p| p.name != "Round the net") {
        let now = engine.snapshot().paths.chosen;
        send(&engine, [Command::NextPath]);
        expect(&engine, "the next", |s| s.paths.chosen != now);
    }
    let file = dir.path().join("paths/round-the-net.toml");
    assert!(file.exists());
    // The list shows it: neither is it removed nor renamed.
    send(&engine, [Command::EditPath(PathEdit::Remove), Command::EditPath(PathEdit::Name("Another".to_owned()))]);
    expect(&engine, "refused", |s| told(s, &["playlist shows the path", "Round the net"]));
    send(&engine, [Command::EditPlaylist(PlaylistEdit::Clear), Command::EditPath(PathEdit::Name("Orbit right".to_owned()))]);
    let s = expect(&engine, "a move of the program", |s| told(s, &["is a move of the program"]));
    assert_eq!(s.paths.names.len(), 2);
    send(&engine, [Command::EditPath(PathEdit::Remove)]);
    expect(&engine, "gone", |s| s.paths.names.len() == 1);
    let begun = std::time::Instant::now();
    while file.exists() && begun.elapsed() < SOON {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(!file.exists());
    send(&engine, [Command::Undo]);
    expect(&engine, "back", |s| s.paths.path.as_ref() == Some(&before));
    drop(engine);
    assert!(file.exists());
}

#[test]
fn a_trim_is_taken_back_and_done_again_and_the_file_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let (feeds, engine) = session(dir.path(), vec![]);
    let cameras: Vec<String> = volte::engine::Feeds::rig(feeds.as_ref()).cameras.iter().map(|c| c.name.clone()).collect();
    let trim = |k: usize, ev: f32| Command::TrimMatch {
        camera: cameras[k].clone(),
        edit: volte::replay::trim::TrimEdit { ev: Some(ev), ..Default::default() },
    };
    let are = |wanted: [f32; 2]| {
        let names = [cameras[1].clone(), cameras[3].clone()];
        move |s: &Snapshot| {
            let ev = |name: &String| s.cameras.iter().find(|c| c.name == *name).unwrap().trim.ev;
            names.iter().zip(wanted).all(|(name, wanted)| (ev(name) - wanted).abs() < 1e-6)
        }
    };
    send(&engine, [trim(1, 0.25), trim(3, -0.4), trim(1, 0.5)]);
    expect(&engine, "trimmed", are([0.5, -0.4]));
    send(&engine, [Command::Undo]);
    expect(&engine, "one back", are([0.25, -0.4]));
    send(&engine, [Command::Undo]);
    expect(&engine, "two back", are([0.25, 0.0]));
    send(&engine, [Command::Redo]);
    expect(&engine, "one again", are([0.25, -0.4]));
    drop(engine);
    let (_feeds, engine) = session(dir.path(), vec![]);
    expect(&engine, "as it was left", are([0.25, -0.4]));
    // What an earlier session left is no edit of this one.
    send(&engine, [Command::Undo, trim(0, 0.1)]);
    expect(&engine, "the next edit", |s| s.cameras.iter().any(|c| (c.trim.ev - 0.1).abs() < 1e-6));
    assert!(are([0.25, -0.4])(&engine.snapshot()));
}

#[test]
fn kept_trims_are_told_at_the_start_and_a_file_that_nobody_can_read_is_never_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("trims.toml");
    let (feeds, engine) = session(dir.path(), vec![]);
    let camera = volte::engine::Feeds::rig(feeds.as_ref()).cameras[1].name.clone();
    assert!(!told(&engine.snapshot(), &["earlier session"]));
    let edit = |ev: f32| volte::replay::trim::TrimEdit { ev: Some(ev), ..Default::default() };
    let has = |s: &Snapshot, ev: f32| (s.cameras.iter().find(|c| c.name == camera).unwrap().trim.ev - ev).abs() < 1e-6;
    send(&engine, [Command::TrimMatch { camera: camera.clone(), edit: edit(0.25) }]);
    expect(&engine, "trimmed", |s| has(s, 0.25));
    drop(engine);
    let (_feeds, engine) = session(dir.path(), vec![]);
    expect(&engine, "told", |s| told(s, &["Trims of an earlier session", &camera, "reset"]) && has(s, 0.25));
    drop(engine);
    // Of no use, and nowhere to put it: it stays, and what is trimmed now is not written over it.
    fs::write(&file, "[cam\nev = 0.5").unwrap();
    for k in 1..10_000 {
        fs::write(dir.path().join(format!("trims.unreadable-{k}.toml")), "").unwrap();
    }
    let (_feeds, engine) = session(dir.path(), vec![]);
    expect(&engine, "told", |s| told(s, &["cannot be put aside", "stays as it is"]));
    send(&engine, [Command::TrimMatch { camera: camera.clone(), edit: edit(0.1) }]);
    expect(&engine, "trimmed all the same", |s| has(s, 0.1));
    drop(engine);
    assert_eq!(fs::read_to_string(&file).unwrap(), "[cam\nev = 0.5");
}

const BITS: i64 = 12;
const BAR_PX: u32 = 16;

/// A frame that says in bright and dark bars, from the right, which camera and which frame it is: any codec leaves that as it is.
fn barred(camera: usize, frame: i64) -> Picture {
    let number = ((camera as i64 + 1) << 9) | (frame % 512);
    let mut picture = Picture::filled(BAR_PX * BITS as u32, 32, [40, 40, 40, 255]);
    let width = picture.width();
    for (i, px) in picture.rgba_mut().chunks_exact_mut(4).enumerate() {
        let bit = (width - 1 - i as u32 % width) / BAR_PX;
        px[..3].fill(if (number >> bit) & 1 == 1 { 210 } else { 40 });
    }
    picture
}

/// (camera, frame) of every picture of a film, read by somebody else.
fn read_bars(file: &Path) -> Vec<(i64, i64)> {
    let out = std::process::Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(file)
        .args(["-f", "rawvideo", "-pix_fmt", "gray", "-"])
        .output()
        .expect("ffmpeg is needed: install the package ffmpeg");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let width = (BAR_PX * BITS as u32) as usize;
    let number = |picture: &[u8]| {
        (0..BITS as usize).map(|bit| i64::from(picture[16 * width + width - 1 - bit * BAR_PX as usize - 8] > 125) << bit).sum::<i64>()
    };
    out.stdout.chunks_exact(width * 32).map(number).map(|n| ((n >> 9) - 1, n & 511)).collect()
}

#[test]
fn an_event_is_exported_as_a_plain_roll_of_one_camera() {
    let folder = tempfile::tempdir().unwrap();
    let mut feeds = FakeFeeds::new(5);
    feeds.film = barred;
    let feeds = Arc::new(feeds);
    // No GPU: a camera's own frames need none.
    let options = EngineOptions { without_gpu: true, export_folder: Some(folder.path().to_owned()), ..EngineOptions::default() };
    let engine = Engine::start(Arc::clone(&feeds) as Arc<dyn volte::engine::Feeds>, &options).unwrap();
    expect(&engine, "live", |s| s.ring.newest.is_some());
    let roll = engine.snapshot().moves.iter().position(|m| m.name == "Roll").unwrap();
    send(&engine, [Command::Mark, Command::SelectMove(roll), Command::SetOrbit(3.0)]);
    let s = expect(&engine, "armed", |s| s.can_take && s.chosen_move == roll && (s.position - 3.0).abs() < 1e-9);
    // 3 s before and 1 s after: the end is still to come.
    let event = s.events[0].clone();
    let frame_of = |at: MediaTime| at.nanos() / 20_000_000;
    let (first, end) = (frame_of(event.begin), frame_of(event.end));
    assert_eq!(end - first, 200);
    let exported = |number: usize, speed: i32| {
        send(&engine, [Command::SetSpeed(speed), Command::Export]);
        expect(&engine, "in the list", |s| s.exports.len() == number);
        // Time goes on beyond the event's end.
        feeds.advance_frames(70);
        let s = engine.wait_for(Duration::from_mins(1), |s| matches!(s.exports[number - 1].state, ExportState::Done | ExportState::Failed));
        let s = s.unwrap_or_else(|| panic!("{:?} {:?}", engine.snapshot().exports, engine.snapshot().notices));
        assert_eq!(s.exports[number - 1].state, ExportState::Done, "{:?}", s.notices);
        std::path::PathBuf::from(&s.exports[number - 1].path)
    };
    // Half speed: every frame twice, from in to out, of that camera alone.
    let half = exported(1, 50);
    assert_eq!(read_bars(&half), (first..end).flat_map(|k| [(3, k % 512); 2]).collect::<Vec<_>>());
    let text = fs::read_to_string(half.with_extension("json")).unwrap();
    let sidecar: serde_json::Value = serde_json::from_str(&text).unwrap();
    let frames = sidecar["frames"].as_array().unwrap();
    assert_eq!((frames.len(), &sidecar["cameras"]), (400, &serde_json::json!(["cam04"])));
    assert!(frames.iter().all(|f| f["real_pixels"] == true && f["sources"][0][0] == "cam04" && f["position"] == 3.0), "{text:.2000}");
    assert_eq!(frames[399]["source_nanos"][0], (end - 1) * 20_000_000);
    // Backwards at full speed, from another camera.
    send(&engine, [Command::SetOrbit(0.0)]);
    expect(&engine, "moved", |s| s.position.abs() < 1e-9);
    let back = exported(2, -100);
    let wanted: Vec<_> = (0..200).map(|k| (0, (end - k) % 512)).collect();
    assert_eq!(read_bars(&back), wanted);
    // A camera without frames there is named, and nothing is left behind.
    feeds.set_alive(0, false);
    send(&engine, [Command::Export]);
    let s = expect(&engine, "it is told", told_failed);
    assert!(s.exports[2].state == ExportState::Failed && !Path::new(&s.exports[2].path).exists(), "{:?}", s.exports);
}

fn told_failed(s: &Snapshot) -> bool {
    s.exports.len() == 3 && told(s, &["The export was not written", "the camera has died"])
}

/// The console as a session opens it.
#[cfg(feature = "console")]
fn opened(engine: &Engine, asked: Option<volte::console::Arrangement>) -> volte::console::ConsoleState {
    volte::console::ConsoleState::opened(volte::console::Language::default(), asked, engine.console_look())
}

#[cfg(feature = "console")]
#[test]
fn the_console_opens_as_it_was_left_and_a_file_that_is_not_understood_is_told() {
    use volte::console::Arrangement::{Simple, Whole};
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("console.toml");
    {
        let (_feeds, engine) = session(folder.path(), vec![]);
        let mut console = opened(&engine, None);
        assert_eq!((console.arrangement, console.scale.wanted()), (Whole, 1.0));
        console.obey(&Command::SimpleLayout);
        console.scale.follow(1.3, egui::vec2(3840.0, 2160.0));
        assert!(engine.keep_console_look(console.look()));
    }
    {
        let (_feeds, engine) = session(folder.path(), vec![]);
        let console = opened(&engine, None);
        assert_eq!((console.arrangement, console.scale.wanted()), (Simple, 1.3));
        // Who asks for another layout gets it for this time, and what was chosen by hand stays.
        let asked = opened(&engine, Some(Whole));
        assert_eq!((asked.arrangement, asked.look()), (Whole, console.look()));
        // What is typed brings the whole console for now: nobody has chosen it.
        let mut searched = console;
        searched.obey(&Command::Search);
        assert_eq!((searched.arrangement, searched.look()), (Whole, asked.look()));
    }
    for (k, (text, word)) in
        [("half a te", "expected"), ("version = 9\nscale = 1.2", "version 9"), ("version = 1\nscale = 0", "scale = 0")].iter().enumerate()
    {
        fs::write(&file, text).unwrap();
        let (_feeds, engine) = session(folder.path(), vec![]);
        let aside = format!("console.unreadable-{}.toml", k + 1);
        expect(&engine, "told", |s| told(s, &["opens as at first", word, &aside]));
        assert_eq!(fs::read_to_string(folder.path().join(aside)).unwrap(), *text);
        let mut console = opened(&engine, None);
        assert_eq!((console.arrangement, console.scale.wanted()), (Whole, 1.0));
        // It is kept anew.
        console.obey(&Command::SimpleLayout);
        assert!(engine.keep_console_look(console.look()));
        drop(engine);
        let (_feeds, engine) = session(folder.path(), vec![]);
        assert_eq!(opened(&engine, None).arrangement, Simple);
    }
}
