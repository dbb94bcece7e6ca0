//! The whole console in every state, at two sizes and in every language: the right words are there, everything that can be pressed has a
//! name and is large enough for a finger, nothing lies outside of the window, and no text is missing.
#![cfg(feature = "console")]
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use egui::accesskit::{Action, Role};
use egui_kittest::{
    Harness,
    kittest::{NodeT as _, Queryable as _},
};
use volte::{
    console::{self, ConsoleState, Language, Textures},
    engine::{Command, CommandKind, DiskState, DiskTier, Light, Notice, NoticeLevel, SecondOrder, Snapshot},
    replay::Readiness,
};

mod support {
    pub mod calibration;
    pub mod rust_text;
    pub mod states;
}
use support::{
    calibration,
    states::{State, snapshot, with_second, with_second_live},
};

/// What can happen to a show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Show {
    Idle,
    Live,
    Armed,
    /// Armed, and solved.
    Frozen,
    OnAir,
    CameraLost,
    DiskFull,
    GpuLost,
    /// A board is carried before the cameras.
    Carried,
    /// And a rig came of it.
    Judged,
    /// Program B rolls, and A is live.
    Second,
}

const ALL: [Show; 11] = [
    Show::Idle,
    Show::Live,
    Show::Armed,
    Show::Frozen,
    Show::OnAir,
    Show::CameraLost,
    Show::DiskFull,
    Show::GpuLost,
    Show::Carried,
    Show::Judged,
    Show::Second,
];

fn told(s: &mut Snapshot, text: &str) {
    s.notices = [Notice { id: 1, at: s.now.plus_nanos(-1_000_000_000), level: NoticeLevel::Warning, text: text.to_owned() }].into();
}

fn state(show: Show) -> Snapshot {
    let mut s = snapshot(match show {
        Show::Idle => State::Idle,
        Show::Live | Show::DiskFull | Show::Carried | Show::Judged => State::Live,
        Show::Armed | Show::Frozen | Show::GpuLost | Show::Second => State::Armed,
        Show::OnAir => State::OnAir,
        Show::CameraLost => State::CameraLost,
    });
    match show {
        Show::Frozen => {
            let p = s.preview.as_mut().unwrap();
            (p.readiness, p.progress) = (Readiness::Solved, 1.0);
        }
        Show::Second => s = with_second(s),
        Show::Carried => s.calibration = Some(Arc::new(calibration::carried())),
        Show::Judged => s.calibration = Some(Arc::new(calibration::judged(Light::Amber))),
        Show::DiskFull => {
            s.ring.disk = DiskTier { state: DiskState::Paused, bytes: 8_000_000_000, budget_bytes: 8_000_000_000, ..DiskTier::default() };
            told(&mut s, "Recording: the disk of \"/media/a\" is full: make room on it or give another folder");
        }
        Show::GpuLost => {
            s.gpu.adapter.clear();
            s.gpu.problem = Some("the GPU was lost".to_owned());
            let p = s.preview.as_mut().unwrap();
            (p.readiness, p.progress, p.problem) = (Readiness::RealCameras, 0.0, Some("the GPU was lost".to_owned()));
            told(&mut s, "the GPU was lost. Until then orbits step through the real cameras");
        }
        _ => {}
    }
    s
}

/// Words that a state must show, by their ids.
fn words(show: Show) -> &'static [&'static str] {
    match show {
        Show::Idle => &["next-cameras"],
        Show::Live | Show::Carried | Show::Judged => &["next-live"],
        Show::Armed | Show::Frozen | Show::Second => &["next-armed"],
        Show::OnAir => &["next-on-air"],
        // What was told by the engine stands there in its own words.
        Show::CameraLost | Show::DiskFull | Show::GpuLost => &[],
    }
}

/// The texts of a language by id, without those that want values.
fn texts(tag: &str) -> BTreeMap<String, String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("assets/lang/{tag}.ftl"));
    let text = std::fs::read_to_string(file).unwrap();
    let mut all = BTreeMap::new();
    let mut last = String::new();
    for line in text.lines().filter(|l| !l.starts_with('#')) {
        let Some((id, words)) = line.split_once(" = ") else { continue };
        let id = if let Some(attribute) = id.strip_prefix("    .") {
            format!("{last}.{attribute}")
        } else {
            id.clone_into(&mut last);
            id.to_owned()
        };
        assert!(all.insert(id.clone(), words.to_owned()).is_none(), "{tag}: {id} comes twice");
    }
    all
}

/// Whether a label is no text of its language: the bare id, or the English text that stands in for a missing one.
fn missing_text(
    label: &str,
    named: &BTreeSet<String>,
    english: &BTreeMap<String, String>,
    own: &BTreeMap<String, String>,
) -> Option<&'static str> {
    // Ids of several words are no words of anybody.
    if label.contains('-') && named.contains(label) {
        return Some("is a text that is missing");
    }
    let is_own = own.values().any(|text| text == label);
    let stands_in = english.iter().any(|(id, text)| text == label && own.get(id) != Some(text));
    (stands_in && !is_own).then_some("is not in its language")
}

#[test]
fn a_missing_text_is_seen() {
    let (named, english, mut french) = (named_ids(), texts("en"), texts("fr"));
    let told = |label: &str, own: &BTreeMap<String, String>| missing_text(label, &named, &english, own);
    assert_eq!(told("panel-timeline", &french), Some("is a text that is missing"));
    assert_eq!(told(&french["panel-timeline"], &french), None);
    assert_eq!(told(&english["panel-timeline"], &english), None);
    // The English text where the French one was forgotten.
    assert_eq!(told(&english["panel-timeline"], &french), Some("is not in its language"));
    french.remove("panel-timeline");
    assert_eq!(told(&english["panel-timeline"], &french), Some("is not in its language"));
    assert_eq!(told("Corner kick, first half", &french), None);
}

struct Seen {
    label: String,
    role: Role,
    rect: egui::Rect,
    pressed: bool,
}

/// Everything in the tree of the console.
fn seen(s: &Snapshot, language: Language, size: egui::Vec2, open: Option<&Command>) -> Vec<Seen> {
    let s = s.clone();
    let mut state = ConsoleState::speaking(language);
    if let Some(open) = open {
        state.obey(open);
    }
    let textures = Textures { cameras: vec![None; s.cameras.len()], ..Textures::default() };
    let mut harness =
        Harness::builder().with_size(size).with_pixels_per_point(1.0).with_context_setup(console::apply_style).build_ui(move |ui| {
            let whole = egui::Rect::from_min_size(egui::Pos2::ZERO, size);
            ui.scope_builder(egui::UiBuilder::new().max_rect(whole), |ui| {
                console::show(ui, &s, &textures, &mut state);
            });
        });
    harness.run_steps(3);
    let mut all = Vec::new();
    for node in harness.root().children_recursive() {
        let at = node.accesskit_node();
        let label = at.label().or_else(|| at.value()).unwrap_or_default();
        let pressed = matches!(at.role(), Role::Button | Role::Slider | Role::TextInput);
        // What can be reached by hand or by keys needs a name, whatever it is.
        let reached = pressed || [Action::Click, Action::Focus].iter().any(|action| at.data().supports_action(*action));
        // Pieces of a text field: the field itself has the name.
        // A scroll bar says by its role what it is.
        if matches!(at.role(), Role::TextRun | Role::ScrollBar) || label.is_empty() && !reached {
            continue;
        }
        all.push(Seen { label, role: at.role(), rect: node.rect(), pressed });
    }
    all
}

#[test]
fn every_state_at_every_size_in_every_language_is_whole() {
    let (named, english) = (named_ids(), texts("en"));
    let mut problems = BTreeSet::new();
    for language in Language::all() {
        let texts = texts(language.tag());
        for show in ALL {
            let s = state(show);
            let opened = [
                Command::PathEditor,
                Command::Graphics,
                Command::ShowKeys,
                Command::Palette,
                Command::Controls,
                Command::CalibratePage,
                Command::SimpleLayout,
            ];
            let looks = [([1920.0, 1080.0], None), ([3840.0, 2160.0], None)];
            for (size, open) in looks.into_iter().chain(opened.iter().map(|open| ([1920.0, 1080.0], Some(open)))) {
                let whole = egui::Rect::from_min_size(egui::Pos2::ZERO, size.into());
                let all = seen(&s, language, size.into(), open);
                let at = format!("{show:?} {} {size:?} {open:?}", language.tag());
                let simple = open == Some(&Command::SimpleLayout);
                // The page of the calibration and the simple console have less without a camera.
                let least = if show == Show::Idle && (simple || open == Some(&Command::CalibratePage)) { 12 } else { 30 };
                assert!(all.len() > least, "{at}: only {} labels", all.len());
                let has = |wanted: &str| all.iter().any(|n| n.label.contains(wanted));
                for id in words(show) {
                    assert!(has(&texts[*id]), "{at}: {:?} is not there", texts[*id]);
                }
                for notice in s.notices.iter() {
                    let told = console::notice(language, &notice.text);
                    assert!(has(&told), "{at}: {told:?} is not told");
                }
                // The state in one word, besides the colour.
                let phase = s.phase.label().to_lowercase().replace(' ', "-");
                assert!(has(&texts[&format!("phase-{phase}")]), "{at}: no state");
                if open == Some(&Command::CalibratePage) {
                    let wanted = match show {
                        Show::Idle => "calib-back",
                        Show::Carried => "calib-finish",
                        Show::Judged => "gate-amber",
                        _ => "calib-start",
                    };
                    assert!(has(&texts[wanted]), "{at}: {wanted}");
                }
                if simple {
                    let next = match s.phase {
                        volte::replay::Phase::Live => "next-step-mark",
                        volte::replay::Phase::Armed => "next-step-take",
                        volte::replay::Phase::OnAir => "next-step-return",
                    };
                    assert!(has(&texts[next]) && has(&texts["whole-console"]), "{at}: no way on or out");
                }
                // What has no panel in the simple console is told by its notice, above.
                if show == Show::DiskFull && !simple {
                    assert!(has(&texts["paused"]), "{at}: the disk");
                }
                if show == Show::CameraLost && !simple {
                    assert!(has(&texts["health-lost"]), "{at}: the camera");
                }
                for n in &all {
                    let mut wrong = |what: &str| {
                        problems.insert(format!("{} {}x{} {:?} {what}: {:?}", language.tag(), size[0], size[1], n.role, n.label));
                    };
                    if n.label.trim().is_empty() {
                        wrong("has no name");
                    }
                    if let Some(what) = missing_text(&n.label, &named, &english, &texts) {
                        wrong(what);
                    }
                    if n.label.contains("{ $") || n.label.contains("{$") {
                        wrong("lacks a value");
                    }
                    if !whole.expand(0.5).contains_rect(n.rect) && n.rect.area() > 0.0 {
                        wrong("lies outside");
                    }
                    // A row of a list may be cut at its end; a star stands in a row of five.
                    let begins = |id: &str| n.label.starts_with(texts[id].split(" {").next().unwrap_or_default());
                    let in_list = ["remove-event", "event", "element", "take-out", "health-of", "kept-event"].into_iter().any(begins);
                    let least = egui::vec2(if begins("rate") { 21.5 } else { 27.5 }, 27.5);
                    if n.pressed && n.role == Role::Button && !in_list && (n.rect.width() < least.x || n.rect.height() < least.y) {
                        wrong(&format!("is too small for a finger {:.0}x{:.0}", n.rect.width(), n.rect.height()));
                    }
                }
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.into_iter().collect::<Vec<_>>().join("\n"));
}

#[test]
fn the_same_things_can_be_pressed_in_every_language() {
    for show in ALL {
        let s = state(show);
        let of = |language| {
            let all = seen(&s, language, egui::vec2(1600.0, 900.0), Some(&Command::PathEditor));
            let mut places: Vec<String> = all.iter().map(|n| format!("{:?} {:?}", n.role, n.rect.min.round())).collect();
            places.sort();
            places
        };
        let english = of(Language::default());
        for language in Language::all() {
            let other = of(language);
            assert_eq!(english.len(), other.len(), "{show:?} {}", language.tag());
        }
    }
}

#[test]
fn every_language_has_every_text_and_commands_are_called_as_they_are() {
    let english = texts("en");
    assert!(english.len() > 250, "{}", english.len());
    for info in &CommandKind::ALL {
        let mut id = "command".to_owned();
        for c in format!("{:?}", info.kind).chars() {
            if c.is_ascii_uppercase() {
                id.push('-');
            }
            id.push(c.to_ascii_lowercase());
        }
        assert_eq!(english.get(&id).map(String::as_str), Some(info.name), "{id}");
        assert_eq!(english.get(&format!("{id}.tip")).map(String::as_str), Some(info.tooltip), "{id}");
    }
    let values =
        |text: &str| text.match_indices("{ $").map(|(k, _)| text[k + 3..].split(' ').next().unwrap().to_owned()).collect::<BTreeSet<_>>();
    for language in Language::all() {
        let other = texts(language.tag());
        let missing: Vec<_> = english.keys().filter(|id| !other.contains_key(*id)).collect();
        let beyond: Vec<_> = other.keys().filter(|id| !english.contains_key(*id)).collect();
        assert!(missing.is_empty() && beyond.is_empty(), "{}: missing {missing:?}, beyond {beyond:?}", language.tag());
        for (id, text) in &english {
            assert_eq!(values(text), values(&other[id]), "{}: {id}", language.tag());
        }
        // What the parser reads is what stands there.
        assert_eq!(language.ids().len(), other.len(), "{}: a line is not readable", language.tag());
    }
    assert_eq!(Language::from_tag("fr_CA.UTF-8").map(Language::tag), Some("fr"));
    assert_eq!(Language::from_tag("tlh"), None);
}

/// Ids that the sources name, by how they name them.
fn named_ids() -> BTreeSet<String> {
    fn files(folder: &Path, all: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { files(&path, all) } else { all.push(path) }
        }
    }
    let mut sources = Vec::new();
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/console"), &mut sources);
    let mut named = BTreeSet::new();
    for file in sources.iter().filter(|f| !f.ends_with("lang.rs")) {
        let text = std::fs::read_to_string(file).unwrap();
        for begin in [" t(\"", "(t(\"", "!t(\"", "&t(\"", "[t(\"", "say!(\"", "\"budget-"] {
            for (at, found) in text.match_indices(begin) {
                let at = if begin.contains("budget") { at + 1 } else { at + found.len() };
                named.insert(text[at..].split('"').next().unwrap().to_owned());
            }
        }
        // One of several, chosen before it is looked up.
        for (at, _) in text.match_indices("-unsure\"") {
            named.insert(text[..at + "-unsure".len()].rsplit('"').next().unwrap().to_owned());
        }
        // On a line of its own.
        for (at, found) in text.match_indices("say!(\n") {
            if let Some(rest) = text[at + found.len()..].trim_start().strip_prefix('"') {
                named.insert(rest.split('"').next().unwrap().to_owned());
            }
        }
    }
    named
}

#[test]
fn every_text_that_the_sources_name_is_there_and_none_is_idle() {
    let (english, named) = (texts("en"), named_ids());
    let unknown: Vec<_> = named.iter().filter(|id| !english.contains_key(*id)).collect();
    assert!(unknown.is_empty(), "named and not there: {unknown:?}");
    // Found by a word of the engine's.
    let by_word = [
        "command-", "move-", "tip-", "rung-", "class-", "why-", "phase-", "quality-", "colour-", "sink-", "heat-", "keyname-", "export-",
        "freeze-", "graphic-", "towards-", "trim-", "lock-",
    ];
    let idle: Vec<_> = english.keys().filter(|id| !named.contains(*id) && !by_word.iter().any(|w| id.starts_with(w))).collect();
    assert!(idle.is_empty(), "there and not named: {idle:?}");
}

/// Texts that go on in the next line, in one.
fn joined(text: &str) -> String {
    let mut pieces = text.split("\\\n");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |all, piece| all + piece.trim_start())
}

/// A sentence that the engine does not say any more would never be told in French.
#[test]
fn every_notice_that_is_translated_is_in_the_sources() {
    fn read(folder: &Path, all: &mut String) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { read(&path, all) } else { all.push_str(&std::fs::read_to_string(path).unwrap()) }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = String::new();
    read(&root.join("src/engine"), &mut sources);
    read(&root.join("src/replay"), &mut sources);
    read(&root.join("src/frame"), &mut sources);
    read(&root.join("src/calibrate/board"), &mut sources);
    read(&root.join("src/rig/check"), &mut sources);
    read(&root.join("src/ring"), &mut sources);
    read(&root.join("src/capture"), &mut sources);
    read(&root.join("src/output/program"), &mut sources);
    let sources = joined(&sources).replace("\\\"", "\"");
    let file = std::fs::read_to_string(root.join("assets/lang/fr.notices")).unwrap();
    let lines = file.lines().filter(|l| !l.is_empty() && !l.starts_with(['#', '=']));
    let literals = |line: &str| line.split('{').map(|p| p.split_once('}').map_or(p, |(_, after)| after).to_owned()).collect::<Vec<_>>();
    let mut count = 0;
    for line in lines {
        count += 1;
        let idle: Vec<String> = literals(line).into_iter().filter(|l| l.len() > 6 && !sources.contains(l.as_str())).collect();
        assert!(idle.is_empty(), "the engine never says {idle:?} of {line:?}");
    }
    assert!(count > 60, "{count}");
}

/// The files whose sentences become notices: the director's, and those of what it is told.
const TELLING: [&str; 37] = [
    "ring/status.rs",
    "capture/stream/shared_clock.rs",
    "calibrate/board/clocks.rs",
    "calibrate/board/gate.rs",
    "calibrate/board/graph.rs",
    "calibrate/board/lens_model.rs",
    "calibrate/board/lens_start.rs",
    "calibrate/board/outcome.rs",
    "calibrate/board/sides.rs",
    "calibrate/board/solve.rs",
    "rig/check/faults.rs",
    "rig/check/mod.rs",
    "engine/board_looks.rs",
    "engine/board_thread.rs",
    "engine/director.rs",
    "engine/director",
    "engine/captured.rs",
    "engine/desk.rs",
    "engine/desk",
    "engine/export.rs",
    "engine/export_thread.rs",
    "engine/feeds.rs",
    "engine/gpu_thread.rs",
    "engine/gpu_thread",
    "engine/graphics",
    "engine/level.rs",
    "engine/moment_thread.rs",
    "engine/program.rs",
    "engine/stingers.rs",
    "engine/refine.rs",
    "engine/watch_health.rs",
    "engine/watch_thread.rs",
    "replay/edit.rs",
    "replay/graphics",
    "replay/path",
    "replay/playlist",
    "replay/transport",
];

/// Sentences of these files that no notice says.
const UNTOLD: [(&str, &str); 18] = [
    ("disagrees with all its neighbours", "of pictures, which the gate has not"),
    ("Calibrate this camera again, or leave it out", "of pictures, which the gate has not"),
    ("the pictures contradict the calibration", "of pictures, which the gate has not"),
    ("Was a camera moved or zoomed after calibration?", "of pictures, which the gate has not"),
    ("matched points lie beside their epipolar lines", "of pictures, which the gate has not"),
    ("Edges will ghost between these cameras", "of pictures, which the gate has not"),
    ("too few matching points between the pictures", "of pictures, which the gate has not"),
    ("Normal for wide gaps, dark or smooth pictures", "of pictures, which the gate has not"),
    ("never saw the board", "by which remedies are sorted"),
    ("switched off: orbits step", "said beside the GPU, not as a notice"),
    ("nothing is prepared to look at", "an answer to a producer's page"),
    ("the frames of this instant are not there yet", "an answer to a producer's page"),
    ("in point set", "a line of the log"),
    ("no in point waits", "a line of the log"),
    ("No picture", "written on the slate that goes out"),
    ("# Graphics in the scene", "the first line of a file"),
    ("{0:?} is no shape of a frame", "said on the command line"),
    ("freeze in the roll", "the name of a path"),
];

/// The texts between quotes of a source, without its tests, comments, log lines and reasons.
fn literals(text: &str) -> Vec<String> {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let blank = support::rust_text::blank(text);
    let (bytes, mut found, mut at) = (text.as_bytes(), Vec::new(), 0);
    while at < bytes.len() {
        // What was blanked begins with the sign that says what it is.
        if bytes[at] == blank.as_bytes()[at] {
            at += 1;
            continue;
        }
        let rest = &bytes[at..];
        let end_of = |close: u8, from: usize| {
            let mut k = from;
            while k < rest.len() && rest[k] != close {
                k += if rest[k] == b'\\' { 2 } else { 1 };
            }
            k + 1
        };
        let length = match rest[0] {
            b'/' => end_of(b'\n', 1),
            quote @ (b'"' | b'\'') => end_of(quote, 1),
            // Raw texts are none for operators.
            _ => rest.iter().zip(&blank.as_bytes()[at..]).take_while(|(a, b)| a != b || **a == b' ' || **a == b'\n').count(),
        };
        let statement = &blank[blank[..at].rfind([';', '{', '}']).map_or(0, |k| k + 1)..at];
        if rest[0] == b'"' && !["tracing::", "reason =", "expect(", "include_str!"].iter().any(|w| statement.contains(w)) {
            found.push(joined(&text[at + 1..at + length - 1]).replace("\\\"", "\"").replace("\\n", "\n"));
        }
        at += length;
    }
    found
}

/// A sentence with something in its holes.
fn filled(literal: &str) -> String {
    let (mut out, mut rest) = (String::new(), literal);
    while let Some(open) = rest.find('{') {
        out.push_str(&rest[..open]);
        if rest[open..].starts_with("{{") {
            out.push('{');
            rest = &rest[open + 2..];
            continue;
        }
        out.push('7');
        rest = rest[open..].split_once('}').map_or("", |(_, after)| after);
    }
    (out + rest).replace("}}", "}")
}

/// Every sentence that a notice may say has its French line, or is named above: none is forgotten.
#[test]
fn every_sentence_that_a_notice_may_say_is_there_in_french() {
    let french = Language::from_tag("fr").unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    for name in TELLING {
        let path = root.join(name);
        assert!(path.exists(), "{name}");
        let mut folders = vec![path];
        while let Some(path) = folders.pop() {
            if path.is_dir() {
                folders.extend(std::fs::read_dir(path).unwrap().map(|e| e.unwrap().path()));
            } else if path.file_name().unwrap() != "tests.rs" {
                files.push(path);
            }
        }
    }
    let (mut untold, mut told, mut missing) = (vec![false; UNTOLD.len()], 0, Vec::new());
    for file in files {
        for literal in literals(&std::fs::read_to_string(&file).unwrap()) {
            let text = filled(&literal);
            let words = text.split_whitespace().filter(|w| w.chars().filter(|c| c.is_alphabetic()).count() > 1).count();
            if words < 3 {
                continue;
            }
            if console::notice(french, &text) != text {
                told += 1;
            } else if let Some(k) = UNTOLD.iter().position(|(begin, _)| literal.starts_with(begin)) {
                untold[k] = true;
            } else {
                missing.push(format!("{}: {literal}", file.display()));
            }
        }
    }
    assert!(missing.is_empty(), "no line in assets/lang/fr.notices:\n{}", missing.join("\n"));
    assert!(told > 150, "{told}");
    let idle: Vec<_> = UNTOLD.iter().zip(untold).filter(|(_, found)| !found).map(|(u, _)| u).collect();
    assert!(idle.is_empty(), "nothing begins with {idle:?} any more");
}

#[test]
fn a_sentence_without_its_french_line_is_noticed() {
    let source = "fn f() { self.warn(format!(\"The {} is \\\"away\\\" now: {why}\")); // \"no text of ours\"\n tracing::info!(\"a line of the log\"); }\n#[cfg(test)]\nmod tests { \"not this one either\" }";
    let found = literals(source);
    assert_eq!(found, ["The {} is \"away\" now: {why}"]);
    assert_eq!(filled(&found[0]), "The 7 is \"away\" now: 7");
    assert_eq!(filled("written {{event}} {0:?}"), "written {event} 7");
    let french = Language::from_tag("fr").unwrap();
    assert_eq!(console::notice(french, &filled(&found[0])), filled(&found[0]), "nobody has translated it");
}

#[test]
fn a_click_in_french_is_the_same_command() {
    let s = state(Show::Armed);
    let french = Language::from_tag("fr").unwrap();
    let commands = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
    let asked = std::rc::Rc::clone(&commands);
    let mut state = ConsoleState::speaking(french);
    let textures = Textures { cameras: vec![None; s.cameras.len()], ..Textures::default() };
    let s = Arc::new(s);
    let mut harness =
        Harness::builder().with_size(egui::vec2(1600.0, 900.0)).with_context_setup(console::apply_style).build_ui(move |ui| {
            let commands = console::show(ui, &s, &textures, &mut state);
            asked.borrow_mut().extend(commands);
        });
    harness.run_steps(2);
    for (label, command) in
        [("MARQUER", Command::Mark), ("TAKE", Command::Take), ("RETOUR", Command::Return), ("JOUER LISTE", Command::PlayList)]
    {
        harness.get_by_label(label).click();
        harness.run_steps(2);
        assert_eq!(commands.borrow_mut().drain(..).collect::<Vec<_>>(), [command], "{label}");
    }
}

#[test]
fn program_b_has_buttons_of_its_own_and_its_tally_stands_beside_that_of_a() {
    for (tag, labels) in [
        ("en", ["ROLL B", "TAKE B", "ROLL ON B", "RETURN B", "‹ camera", "camera ›", "− 33 %", "+ 75 %"]),
        ("fr", ["LIRE SUR B", "TAKE B", "RELANCER B", "RETOUR B", "‹ caméra", "caméra ›", "− 33 %", "+ 75 %"]),
    ] {
        let s = state(Show::Second);
        let cameras = s.cameras.len();
        let shown = std::rc::Rc::new(std::cell::RefCell::new(s));
        let drawn = std::rc::Rc::clone(&shown);
        let commands = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
        let asked = std::rc::Rc::clone(&commands);
        let mut state = ConsoleState::speaking(Language::from_tag(tag).unwrap());
        let textures = Textures { cameras: vec![None; cameras], ..Textures::default() };
        let mut harness =
            Harness::builder().with_size(egui::vec2(1280.0, 720.0)).with_context_setup(console::apply_style).build_ui(move |ui| {
                let commands = console::show(ui, &drawn.borrow(), &textures, &mut state);
                asked.borrow_mut().extend(commands);
            });
        harness.run_steps(2);
        let orders = [
            SecondOrder::Roll,
            SecondOrder::Take,
            SecondOrder::RollOn,
            SecondOrder::Return,
            SecondOrder::SelectCamera(5),
            SecondOrder::SelectCamera(7),
            SecondOrder::SetSpeed(33),
            SecondOrder::SetSpeed(75),
        ];
        for (label, order) in labels.into_iter().zip(orders) {
            harness.get_by_label(label).click();
            harness.run_steps(2);
            assert_eq!(commands.borrow_mut().drain(..).collect::<Vec<_>>(), [Command::Second(order)], "{label}");
        }
        // B rolls: no camera is live on it. Then the seventh is live on both.
        assert!(harness.query_by_label_contains("PGM, PGM B").is_none());
        *shown.borrow_mut() = with_second_live(snapshot(State::Live));
        harness.run_steps(2);
        harness.get_by_label_contains("PGM, PGM B");
    }
}
