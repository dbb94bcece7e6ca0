//! What the operator makes is there again after a restart: the playlist and own templates, as small files.
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::{fs, path::Path, sync::Arc, time::Duration};

use volte::{
    engine::{Command, DeskFiles, Engine, EngineOptions, NoticeLevel, Snapshot},
    replay::{
        Event,
        playlist::{PlaylistEdit, Transition},
    },
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
    let desk = DeskFiles::of(None, Some(folder));
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
    let second = s.playlist.elements[1].id;
    send(
        engine,
        [
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
        let e = |e: &volte::engine::ElementView| (e.what.clone(), e.camera.clone(), e.speed_percent, e.dissolve_secs, e.hold, e.secs);
        s.playlist.elements.iter().map(e).collect::<Vec<_>>()
    };
    assert_eq!(plain(&s), plain(&before));
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
