//! A playlist goes to editing programs.

use std::{fs, process::Command};

use volte::{
    replay::{
        EventList, EventRules,
        playlist::{Element, Playlist, PlaylistEdit, Shot, Transition},
    },
    time::MediaTime,
};

use super::stage;

/// An EDL by its columns, without knowing Volte: records follow each other, a dissolve is no longer than its event.
const EDL: &str = r#"
import re, sys
rate, end, events = int(sys.argv[2]), None, 0
frames = lambda t: (lambda h, m, s, f: ((h * 60 + m) * 60 + s) * rate + f)(*map(int, re.split("[:;]", t)))
for line in open(sys.argv[1]):
    m = re.match(r"(\d{3})  (\S+)\s+V\s+(C|D)\s+(\d{3})?\s*((?:\d\d[:;]){3}\d\d) (\S+) (\S+) (\S+)$", line.rstrip())
    if not m: continue
    source_in, source_out, record_in, record_out = map(frames, m.groups()[4:])
    if record_in == record_out: continue
    assert source_out > source_in and record_in == (end if end is not None else 3600 * rate), line
    assert int(m.group(4) or 0) <= record_out - record_in, line
    end, events = record_out, events + 1
print(events, end - 3600 * rate)
"#;

#[test]
fn a_playlist_goes_to_editing_programs() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let mut events = EventList::default();
    let mut journal = String::new();
    for (id, secs) in [(1, 100.0), (2, 200.0)] {
        let event = events.mark(MediaTime::from_secs_f64(secs), EventRules::default()).clone();
        let (from, until) = event.pinned_range();
        let keep = serde_json::json!({ "keep": { "id": id, "from": from.nanos(), "until": until.nanos(), "data": event } });
        journal += &keep.to_string();
        journal.push('\n');
    }
    let list: Vec<Element> = events.iter().map(|e| Element::of(e, Shot::Angle, 1.0, 50)).collect();
    let first = events.iter().next().unwrap();
    let still = Element { transition: Transition::Dissolve { secs: 0.5 }, ..Element::of(first, Shot::Still { secs: 2.0 }, 0.0, 100) };
    let mut playlist = Playlist::default();
    playlist.apply(&PlaylistEdit::Add([list, vec![still]].concat()));
    fs::create_dir(root.join("final")).unwrap();
    fs::write(root.join("final/journal.jsonl"), journal).unwrap();
    fs::write(root.join("final/playlist.toml"), playlist.to_toml()).unwrap();
    let told = stage::does(root, "playlist final --otio a.otio --edl a.edl --rate 50");
    assert!(told.contains("3 elements"), "{told}");
    let total: u64 = told.split(", ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    let read = Command::new("python3").args(["-c", EDL]).arg(root.join("a.edl")).arg("50").output().unwrap();
    assert_eq!(String::from_utf8_lossy(&read.stdout).trim(), format!("3 {total}"), "{}", String::from_utf8_lossy(&read.stderr));
    let otio: serde_json::Value = serde_json::from_slice(&fs::read(root.join("a.otio")).unwrap()).unwrap();
    assert_eq!((&otio["OTIO_SCHEMA"], &otio["name"]), (&"Timeline.1".into(), &"final".into()));
    assert_eq!(otio["tracks"]["children"][0]["children"].as_array().unwrap().len(), 4);
    stage::refuses(root, "playlist final --edl a.edl", &["a.edl", "--overwrite"]);
    stage::refuses(root, "playlist final", &["--otio", "--edl"]);
    stage::refuses(root, "playlist . --edl b.edl", &["playlist.toml", "recorded into"]);
    if let Some(keep) = std::env::var_os("VOLTE_TEST_PICTURES") {
        for name in ["a.otio", "a.edl"] {
            fs::copy(root.join(name), std::path::Path::new(&keep).join(name)).unwrap();
        }
    }
}
