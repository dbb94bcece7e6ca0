//! The borders of ARCHITECTURE.md, enforced on the text of the sources: arrows between modules point down only, each
//! outside dependency stays behind its border, nothing in the product can panic unexplained, and no file grows too long.
//!
//! The sources are read as text (comments, literals and test code blanked), so this needs neither features nor a build of
//! the module that it judges.
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

mod support {
    pub mod rust_text;
}
use support::rust_text::{Paths, blank, line_of, module_path, without_tests};

/// The layers, top first: the one place where they are written in code. ARCHITECTURE.md shows the same rows (tested below).
const LAYERS: &[&[&str]] = &[
    &["app"],
    &["console", "control"],
    &["engine"],
    &["replay"],
    &["calibrate", "capture", "scene", "view", "sync", "output", "venue"],
    &["link"],
    &["ring", "gpu"],
    &["frame", "rig", "show", "sound"],
    &["time", "geometry", "color", "telemetry", "address"],
];

/// The binary's own module, which is not part of the library: a command line that may call everything.
const BINARY: &str = "cli";

/// Arrows within a row that are wanted: (from, to).
const SIDEWAYS: &[(&str, &str)] = &[("view", "scene")];

/// Modules that may import less than their row allows: (module, what it may import).
const NARROWER: &[(&str, &[&str])] = &[("replay", &["rig", "time", "geometry"])];

/// Outside crates and the modules that may name them; every other module may not.
const OUTSIDE: &[(&[&str], &[&str])] = &[
    (&["wgpu", "naga"], &["gpu", "scene", "view", "venue", "app"]),
    (&["gst", "gst_app", "gst_net", "gst_video"], &["capture", "output"]),
    (&["egui"], &["console", "app"]),
    (&["snow"], &["link"]),
    (&["str0m", "ureq"], &["output"]),
    (&["winit", "egui_winit", "egui_wgpu"], &["app"]),
];

/// `replay` is pure: (module, paths that it may not name).
const FORBIDDEN_PATHS: &[(&str, &[&str])] = &[("replay", &["std::thread", "crossbeam", "parking_lot", "std::fs", "std::net"])];

/// The longest file, and those that may be longer with the reason.
const MAX_LINES: usize = 600;
const LONGER: &[(&str, &str)] = &[("engine/director.rs", "the one owner of the engine's state; splitting it would share that state")];

/// A source file below `src/`, its text as written.
struct Source {
    path: String,
    text: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources() -> Vec<Source> {
    let mut folders = vec![root().join("src")];
    let mut files: Vec<PathBuf> = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    assert!(files.len() > 20, "the sources were not found");
    let read = |path: PathBuf| Source {
        path: path.strip_prefix(root().join("src")).unwrap().to_string_lossy().replace('\\', "/"),
        text: fs::read_to_string(path).unwrap(),
    };
    files.into_iter().map(read).collect()
}

/// Files that are compiled for tests only: `#[cfg(test)] mod name;` in their parent.
fn test_only_files(sources: &[Source]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for source in sources {
        let blanked = blank(&source.text);
        let kept = without_tests(&blanked);
        let declared = |text: &str| -> BTreeSet<String> {
            text.split(';')
                .filter_map(|item| item.rsplit_once("mod ").map(|(_, name)| name.trim().to_owned()))
                .filter(|name| name.chars().all(|c| c.is_alphanumeric() || c == '_'))
                .collect()
        };
        for name in declared(&blanked).difference(&declared(&kept)) {
            let folder = match source.path.rsplit_once('/') {
                Some((folder, "mod.rs")) => format!("{folder}/"),
                Some((folder, file)) => format!("{folder}/{}/", file.trim_end_matches(".rs")),
                None if source.path == "lib.rs" || source.path == "main.rs" => String::new(),
                None => format!("{}/", source.path.trim_end_matches(".rs")),
            };
            found.insert(format!("{folder}{name}.rs"));
            found.insert(format!("{folder}{name}/mod.rs"));
        }
    }
    found
}

fn product_sources() -> Vec<Source> {
    let all = sources();
    let tests = test_only_files(&all);
    all.into_iter().filter(|s| !tests.contains(&s.path)).collect()
}

fn row(module: &str) -> Option<usize> {
    LAYERS.iter().position(|row| row.contains(&module))
}

/// Why `from` may not import `to`; `None` when it may.
fn forbidden(from: &str, to: &str) -> Option<String> {
    let (Some(from_row), Some(to_row)) = (row(from), row(to)) else {
        return Some(format!("{} is in no layer", if row(from).is_none() { from } else { to }));
    };
    if from == to || SIDEWAYS.contains(&(from, to)) {
        return None;
    }
    if let Some((_, allowed)) = NARROWER.iter().find(|(module, _)| *module == from)
        && !allowed.contains(&to)
    {
        return Some(format!("{from} may import only {}", allowed.join(", ")));
    }
    match to_row.cmp(&from_row) {
        std::cmp::Ordering::Less => Some("the arrow points up".to_owned()),
        std::cmp::Ordering::Equal => Some("the arrow points sideways".to_owned()),
        std::cmp::Ordering::Greater => None,
    }
}

/// Every wrong arrow of one file: `path:line: from -> to: why`.
fn wrong_arrows(source: &Source) -> Vec<String> {
    let path = module_path(&source.path);
    // lib.rs and the binary stand above all.
    let Some(from) = path.first().filter(|m| *m != BINARY).cloned() else { return Vec::new() };
    let text = without_tests(&blank(&source.text));
    let mut found = Vec::new();
    for reference in Paths::of(&text, &path) {
        let Some(to) = reference.inside_crate() else { continue };
        let problem = match to {
            "*" => Some("a glob of the whole crate hides its arrows".to_owned()),
            to if reference.is_macro && row(to).is_none() => None,
            to => forbidden(&from, to),
        };
        if let Some(problem) = problem {
            found.push(format!("src/{}:{}: {from} -> {to}: {problem}", source.path, line_of(&text, reference.at)));
            found.dedup(); // `engine::{A, B}` is one arrow
        }
    }
    found
}

/// Every outside crate or path that a file names beyond its border.
fn wrong_outsiders(source: &Source) -> Vec<String> {
    let path = module_path(&source.path);
    let Some(module) = path.first().filter(|m| *m != BINARY) else { return Vec::new() };
    let text = without_tests(&blank(&source.text));
    let mut found = Vec::new();
    for reference in Paths::of(&text, &path) {
        let Some(outside) = reference.outside_crate() else { continue };
        let at = line_of(&text, reference.at);
        for (crates, homes) in OUTSIDE {
            if crates.contains(&outside) && !homes.contains(&module.as_str()) {
                found.push(format!("src/{}:{at}: {module} names {outside}, which belongs to {}", source.path, homes.join(", ")));
            }
        }
        for (_, paths) in FORBIDDEN_PATHS.iter().filter(|(m, _)| m == module) {
            let full = reference.names.join("::");
            if paths.iter().any(|p| full == *p || full.starts_with(&format!("{p}::"))) {
                found.push(format!("src/{}:{at}: {module} names {full}", source.path));
            }
        }
    }
    found
}

/// Calls that panic, without a `// PANIC:` comment on the line or in the comment above it that says why it cannot.
fn unexplained_panics(source: &Source) -> Vec<String> {
    const CALLS: &[&str] = &[".unwrap()", ".expect(", "panic!", "todo!", "unimplemented!", "unreachable!"];
    let text = without_tests(&blank(&source.text));
    let written: Vec<_> = source.text.lines().collect();
    let mut found = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let Some(call) = CALLS.iter().find(|call| line.contains(**call)) else { continue };
        let above = written[..at].iter().rev().take_while(|l| l.trim_start().starts_with("//"));
        if !std::iter::once(&written[at]).chain(above).any(|l| l.contains("// PANIC:")) {
            found.push(format!("src/{}:{}: {call}", source.path, at + 1));
        }
    }
    found
}

fn assert_none(what: &str, found: &[String]) {
    assert!(found.is_empty(), "{what}:\n{}", found.join("\n"));
}

#[test]
fn arrows_point_down() {
    assert_none("wrong arrows", &product_sources().iter().flat_map(wrong_arrows).collect::<Vec<_>>());
}

#[test]
fn outside_crates_stay_behind_their_borders() {
    assert_none("over the border", &product_sources().iter().flat_map(wrong_outsiders).collect::<Vec<_>>());
}

#[test]
fn nothing_panics_unexplained() {
    assert_none("may panic", &product_sources().iter().flat_map(unexplained_panics).collect::<Vec<_>>());
}

#[test]
fn files_are_short() {
    let found: Vec<_> = sources()
        .iter()
        .filter(|s| s.text.lines().count() > MAX_LINES && !LONGER.iter().any(|(path, _)| *path == s.path))
        .map(|s| format!("src/{}: {} lines", s.path, s.text.lines().count()))
        .collect();
    assert_none(&format!("longer than {MAX_LINES} lines; split them by what they know"), &found);
    for (path, reason) in LONGER {
        assert!(!reason.is_empty() && sources().iter().any(|s| s.path == *path), "{path} is excused but gone");
    }
}

#[test]
fn every_module_has_a_layer() {
    let lib = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let declared: BTreeSet<String> = blank(&lib)
        .lines()
        .filter_map(|l| l.trim().strip_prefix("pub mod ").or_else(|| l.trim().strip_prefix("mod ")).map(str::to_owned))
        .map(|l| l.trim_end_matches(';').to_owned())
        .collect();
    assert!(declared.len() > 7, "lib.rs was not understood: {declared:?}");
    for module in &declared {
        assert!(row(module).is_some(), "module {module} has no layer: add it to LAYERS and to ARCHITECTURE.md");
    }
    // No file may lie outside a declared module, where no rule would see it.
    for source in sources() {
        if let Some(module) = module_path(&source.path).first().filter(|m| *m != BINARY) {
            assert!(declared.contains(module), "src/{} belongs to no module of lib.rs", source.path);
        }
    }
    let mut seen = BTreeSet::new();
    for module in LAYERS.iter().copied().flatten() {
        assert!(seen.insert(module), "{module} has two layers");
    }
}

#[test]
fn architecture_page_shows_the_same_layers() {
    let page = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let block = page.split("```layers\n").nth(1).and_then(|rest| rest.split("```").next()).expect("ARCHITECTURE.md has a ```layers block");
    let rows: Vec<Vec<&str>> = block.lines().map(|l| l.split('|').next().unwrap_or_default().split_whitespace().collect()).collect();
    assert_eq!(rows, LAYERS, "the rows of ARCHITECTURE.md and LAYERS differ");
    for module in LAYERS.iter().copied().flatten() {
        assert!(page.contains(&format!("| `{module}` |")), "ARCHITECTURE.md does not say what {module} is for");
    }
}

mod can_fail {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source { path: path.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn upward_arrows_are_seen_however_they_are_written() {
        for text in [
            "use crate::engine::Command;",
            "use crate::{time::Instant, engine::{self, Command}};",
            "use crate::{\n    geometry::{Pose, lens::{Lens}},\n    engine as e,\n};",
            "pub(crate) use crate::engine;",
            "use super::super::engine::Command;",
            "use super::{super::engine, arc};",
            "fn f() -> crate::engine::Command { todo() }",
            "fn f() { let x = crate::engine::run::<u8>(1); }",
            "use volte::engine::Command;",
            "macro_rules! m { () => { $crate::engine::run() } }",
            "mod inner { use super::super::super::engine::run; }",
            "use crate::*;",
            "use ::volte::engine;",
        ] {
            assert_eq!(wrong_arrows(&source("rig/arc.rs", text)).len(), 1, "{text}");
        }
    }

    #[test]
    fn good_arrows_pass() {
        for text in [
            "use crate::{time::Instant, geometry::{Pose, lens::Lens}};",
            "use super::{Camera, super::rig::Rig};",
            "// use crate::engine::Command;\n/* crate::engine */ const S: &str = \"crate::engine\";",
            "const S: &str = r#\"crate::engine \" \"#; const C: char = '\"'; fn f<'a>(x: &'a str) {}",
            "#[cfg(test)]\nmod tests { use crate::engine::Command; fn f() { { } } }",
            "crate::shader_struct!(A as \"A\" in \"x.wgsl\" { a });",
        ] {
            assert_eq!(wrong_arrows(&source("rig/arc.rs", text)), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn the_line_is_right() {
        let found = wrong_arrows(&source("rig/arc.rs", "//! Words.\n\nuse crate::{\n    time::A,\n    engine::B,\n};\n"));
        assert_eq!(found, ["src/rig/arc.rs:5: rig -> engine: the arrow points up"]);
    }

    #[test]
    fn sideways_and_unknown_arrows_are_seen() {
        assert_eq!(wrong_arrows(&source("capture/mod.rs", "use crate::scene::Scene;")).len(), 1);
        assert_eq!(wrong_arrows(&source("scene/mod.rs", "use crate::view::View;")).len(), 1);
        assert_eq!(wrong_arrows(&source("view/mod.rs", "use crate::scene::Scene;")).len(), 0);
        assert_eq!(wrong_arrows(&source("engine/mod.rs", "use crate::helpers::x;")).len(), 1);
        assert_eq!(wrong_arrows(&source("replay/mod.rs", "use crate::gpu::Gpu;")).len(), 1);
        assert_eq!(wrong_arrows(&source("newcomer.rs", "use crate::time::Instant;")).len(), 1);
    }

    #[test]
    fn outsiders_are_seen() {
        assert_eq!(wrong_outsiders(&source("console/mod.rs", "use wgpu::Device;")).len(), 1);
        assert_eq!(wrong_outsiders(&source("console/mod.rs", "use egui::{Ui, Sense};")).len(), 0);
        assert_eq!(wrong_outsiders(&source("replay/path.rs", "fn f(x: &gst::Element) {}")).len(), 1);
        assert_eq!(wrong_outsiders(&source("replay/path.rs", "use std::{fmt, thread};")).len(), 1);
        assert_eq!(wrong_outsiders(&source("control/osc.rs", "use {std::fmt, ::egui::Key};")).len(), 1);
        assert_eq!(wrong_outsiders(&source("gpu/mod.rs", "fn f() { wgpu::Device::x(); }")).len(), 0);
        assert_eq!(wrong_outsiders(&source("rig/mod.rs", "fn f() { self.gst::x(); let gst = 1; }")).len(), 1);
    }

    #[test]
    fn panics_are_seen() {
        assert_eq!(unexplained_panics(&source("rig/a.rs", "fn f() { x.unwrap(); }\nfn g() { y\n.expect(\"z\"); panic!() }")).len(), 2);
        assert_eq!(unexplained_panics(&source("rig/a.rs", "// PANIC: never, x is set above\nfn f() { x.unwrap(); }")).len(), 0);
        assert_eq!(
            unexplained_panics(&source("rig/a.rs", "fn f() { x.unwrap_or(1); }\n#[cfg(test)]\nmod t { fn f() { x.unwrap() } }")).len(),
            0
        );
    }

    #[test]
    fn test_files_are_known() {
        let files = [source("rig/mod.rs", "#[cfg(test)]\nmod checks;\nmod arc;"), source("time.rs", "#[cfg(test)] mod tests;")];
        let found = test_only_files(&files);
        assert!(found.contains("rig/checks.rs") && found.contains("time/tests.rs"), "{found:?}");
        assert!(!found.contains("rig/arc.rs"));
    }
}

/// A comparison is worth what shows it: each test that docs/compare.md names is there, in the file that it names.
#[test]
fn every_test_that_the_comparison_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/compare.md")).unwrap();
    let is_word = |s: &str| !s.is_empty() && s.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    let text_of = |folder: &Path| -> String {
        let (mut folders, mut text) = (vec![folder.to_owned()], String::new());
        while let Some(path) = folders.pop() {
            match fs::read_dir(&path) {
                Ok(entries) => folders.extend(entries.map(|e| e.unwrap().path())),
                Err(_) if path.extension().is_some_and(|e| e == "rs") => text.push_str(&fs::read_to_string(&path).unwrap()),
                Err(_) => {}
            }
        }
        text
    };
    let has = |text: &str, test: &str, begins: bool| text.contains(&if begins { format!("fn {test}") } else { format!("fn {test}(") });
    let (mut named, mut missing) = (0, vec![]);
    for quoted in page.split('`').skip(1).step_by(2) {
        let (file, test) = quoted.split_once(": ").map_or((None, quoted), |(file, test)| (Some(file), test));
        let (test, begins) = test.strip_suffix('…').map_or((test, false), |test| (test, true));
        if !is_word(test) || quoted == "file: test" || file.is_none() && test.matches('_').count() < 3 {
            continue;
        }
        let text = match file {
            Some(file) if is_word(file) => {
                format!(
                    "{}{}",
                    fs::read_to_string(root.join(format!("tests/{file}.rs"))).unwrap_or_default(),
                    text_of(&root.join("tests").join(file))
                )
            }
            Some(_) => continue,
            None => text_of(&root.join("tests")) + &text_of(&root.join("src")),
        };
        named += 1;
        if !has(&text, test, begins) {
            missing.push(quoted);
        }
    }
    assert!(missing.is_empty(), "docs/compare.md names tests that are not there: {missing:?}");
    assert!(named > 30, "{named}");
    assert!(!has("fn other()", "a_test_that_is_not_there", false));
}
