use super::*;

const GOOD: &str = r#"
name = "Final"
rig = "rig.toml"
quality = "air"

[[feeds]]
camera = "cam01"
address = "srt://10.0.0.1:7001?passphrase=never-shown-1"
offset_ms = -2.5

[[feeds]]
camera = "cam02"
address = "/clips/cam02.mp4?loop"

[ring]
memory_mib = 4096
minutes = 5

[disk]
folder = "recordings"
budget_gb = 500

[export]
folder = "/exports"

[program]
format = "1080p59.94"
dissolve_frames = 5

[[outputs]]
name = "truck"
address = "srt://10.0.0.9:7001?passphrase=never-shown-5"
bitrate_mbps = 12.5

[[outputs]]
address = "program.mkv"
codec = "h265"
sound = "silence"
"#;

fn parse(text: &str) -> Result<Show, ShowError> {
    Show::parse(text, Path::new("/shows/final.toml"))
}

/// The good file with something else in it.
#[track_caller]
fn refused(from: &str, to: &str, line: usize, word: &str) {
    assert!(GOOD.contains(from), "{from}");
    let told = parse(&GOOD.replacen(from, to, 1)).expect_err(to).to_string();
    assert!(told.starts_with(&format!("/shows/final.toml:{line}: ")) && told.contains(word), "{told}");
    assert!(!told.contains("never-shown"), "{told}");
}

#[test]
fn a_show_is_read() {
    let show = parse(GOOD).unwrap();
    assert_eq!((show.name.as_str(), show.rig.as_path()), ("Final", Path::new("/shows/rig.toml")));
    assert_eq!((show.ring_bytes, show.ring_nanos), (Some(4 << 30), Some(300_000_000_000)));
    assert_eq!(show.disk, Some(ShowDisk { folder: "/shows/recordings".into(), budget_bytes: 500_000_000_000, line: 21 }));
    assert_eq!(show.desk_folder, show.file.with_extension("desk"));
    assert_eq!((show.export_folder.as_path(), show.quality.as_deref()), (Path::new("/exports"), Some("air")));
    assert_eq!(show.feeds[0].offset_nanos, -2_500_000);
    assert_eq!((show.feeds[1].camera.as_str(), show.feeds[1].line, show.feeds[1].offset_nanos), ("cam02", 12, 0));
    let program = show.program.unwrap();
    assert_eq!((program.format.as_str(), program.dissolve_frames, program.tick, program.line), ("1080p59.94", 5, false, 27));
    let of = |k: usize| (show.outputs[k].name.as_str(), show.outputs[k].kilobits, show.outputs[k].sound.as_deref(), show.outputs[k].line);
    assert_eq!((of(0), of(1)), (("truck", Some(12_500), None, 32), ("output 2", None, Some("silence"), 36)));
    assert!(!program.second_channel && show.outputs.iter().all(|o| !o.is_second));
    // An output of B asks for it; so does the program.
    let second = parse(&GOOD.replace("sound = \"silence\"", "channel = \"B\"")).unwrap();
    assert_eq!(second.outputs.iter().map(|o| o.is_second).collect::<Vec<_>>(), [false, true]);
    assert!(second.program.is_some_and(|p| p.second_channel));
    let asked = parse(&GOOD.replace("dissolve_frames = 5", "dissolve_frames = 5\nsecond_channel = true")).unwrap();
    assert!(asked.program.is_some_and(|p| p.second_channel) && asked.outputs.iter().all(|o| !o.is_second));
    refused("sound = \"silence\"", "channel = \"C\"", 38, "neither \"A\" nor \"B\"");
    let small = parse("rig = \"r.toml\"\n[[feeds]]\ncamera = \"a\"\naddress = \"a.mp4\"\n").unwrap();
    assert_eq!((small.name.as_str(), small.disk, small.ring_bytes, small.quality), ("final", None, None, None));
}

#[test]
fn a_file_that_is_no_text_is_not_looked_for_elsewhere() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), b"name = \"\xff\"").unwrap();
    let told = Show::load(file.path()).unwrap_err().to_string();
    assert!(told.contains("UTF-8, or name another file") && !told.contains("Check the path"), "{told}");
    assert!(Show::load(&file.path().join("x")).unwrap_err().to_string().contains("Check the path"));
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    refused("minutes = 5", "minuten = 5", 17, "minuten");
    refused("offset_ms = -2.5", "offset = -2.5", 9, "offset");
    refused("offset_ms = -2.5", "offset_ms = nan", 9, "milliseconds");
    refused("offset_ms = -2.5", "offset_ms = \"srt://x?passphrase=never-shown-2\"", 9, "string");
    refused("camera = \"cam02\"", "camera = \"cam01\"", 12, "line 7");
    refused("camera = \"cam02\"", "camera = \"\"", 12, "empty");
    refused("camera = \"cam02\"", "camera = \"srt://x?passphrase=never-shown-3\"", 12, "is an address");
    refused("offset_ms = -2.5", "\"srt://x?passphrase=never-shown-4\" = 1", 9, "unknown field `***`, expected");
    refused("camera = \"cam02\"", "camera = 2", 12, "integer");
    refused("memory_mib = 4096", "memory_mib = 4", 16, "between 16");
    refused("budget_gb = 500", "budget_gb = 0", 21, "between 1");
    refused("budget_gb = 500", "", 19, "budget_gb");
    for alone in ["certificates = \"a.pem\"", "key = \"a.key\""] {
        refused("folder = \"/exports\"", &format!("folder = \"/exports\"\n{alone}"), 25, "go together");
    }
    let both = GOOD.replace("folder = \"/exports\"", "certificates = \"a.pem\"\nkey = \"/k/a.key\"");
    assert_eq!(parse(&both).unwrap().export_credentials, Some(("/shows/a.pem".into(), "/k/a.key".into(), 24)));
    refused("quality = \"air\"", "quality = \"best\"", 4, "draft, air, hero");
    refused("rig = \"rig.toml\"", "", 1, "rig");
    refused("passphrase=never-shown-1\"", "passphrase=never-shown-1", 8, "docs/show.md");
    refused("offset_ms = -2.5", "offset_ms -2.5", 9, "expected `=`");
    refused("format = \"1080p59.94\"", "size = 3", 27, "size");
    refused("dissolve_frames = 5", "dissolve_frames = 5000", 28, "between 0");
    refused("[program]\nformat = \"1080p59.94\"\ndissolve_frames = 5\n", "", 29, "outputs need a format");
    refused("sound = \"silence\"", "sound = \"silence\"\nsignal = \"alpha\"", 39, "signal is none of");
    assert_eq!(parse(&GOOD.replace("sound = \"silence\"", "signal = \"key\"")).unwrap().outputs[1].signal.as_deref(), Some("key"));
    refused("bitrate_mbps = 12.5", "bitrate_mbps = 0.01", 33, "between 0.1");
    refused("name = \"truck\"", "name = \"srt://x?passphrase=never-shown-6\"", 31, "no name");
    refused("codec = \"h265\"", "name = \"truck\"", 37, "line 32");
    refused("sound = \"silence\"", "sound = \"loud\"", 38, "none of");
    let none = parse("rig = \"r\"\nfeeds = []\n").unwrap_err().to_string();
    assert!(none.contains("no feeds"), "{none}");
    let missing = Show::load(Path::new("/nowhere/show.toml")).unwrap_err().to_string();
    assert!(missing.contains("/nowhere/show.toml"), "{missing}");
}

/// All mistakes of the good file with these changed: line, and a word of each.
#[track_caller]
fn all_of(changes: &[(&str, &str)], expected: &[(usize, &str)]) -> Option<Show> {
    let text = changes.iter().fold(GOOD.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    });
    let (show, mistakes) = Show::examine(&text, Path::new("/shows/final.toml"));
    let told: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    for (told, (line, word)) in told.iter().zip(expected) {
        assert!(told.starts_with(&format!("/shows/final.toml:{line}: ")) && told.contains(word), "{told}: not {line}, {word}");
        assert!(!told.contains("never-shown"), "{told}");
    }
    show
}

#[test]
fn every_mistake_is_told_not_only_the_first() {
    // Of every kind: unknown keys, wrong types, wrong words, numbers out of bounds, names that come twice.
    let show = all_of(
        &[
            ("quality = \"air\"", "quality = \"best\""),
            ("offset_ms = -2.5", "offset = -2.5"),
            ("camera = \"cam02\"", "camera = 2"),
            ("minutes = 5", "minuten = 5"),
            ("memory_mib = 4096", "memory_mib = 4"),
            ("budget_gb = 500", "budget_gb = \"500\""),
            ("dissolve_frames = 5", "dissolve_frames = 5000"),
            ("bitrate_mbps = 12.5", "bitrate_mbps = 0.01"),
            ("sound = \"silence\"", "sound = \"loud\""),
        ],
        &[
            (4, "quality"),
            (9, "unknown field `offset`"),
            (12, "integer"),
            (16, "memory_mib = 4"),
            (17, "minuten"),
            (21, "string"),
            (28, "dissolve_frames = 5000"),
            (33, "bitrate_mbps"),
            (38, "sound is none of"),
        ],
    );
    // What is right is there for who looks on.
    let show = show.unwrap();
    assert_eq!((show.feeds.len(), show.feeds[0].camera.as_str(), show.outputs.len(), show.disk), (1, "cam01", 2, None));
}

#[test]
fn a_mistake_is_told_once_and_not_what_follows_from_it() {
    // The misspelt address is not a missing one as well; the format of an unknown type is not missing for the outputs.
    all_of(
        &[("address = \"/clips", "adress = \"/clips"), ("format = \"1080p59.94\"", "format = 1080")],
        &[(13, "adress"), (27, "integer")],
    );
    all_of(&[("rig = \"rig.toml\"", "rig = 3"), ("[disk]", "[disc]")], &[(3, "integer"), (19, "disc")]);
    // No TOML, at two places, and a wrong word behind them.
    all_of(
        &[
            ("passphrase=never-shown-1\"", "passphrase=never-shown-1"),
            ("minutes = 5", "minutes 5"),
            ("sound = \"silence\"", "sound = \"loud\""),
        ],
        &[(8, "docs/show.md"), (17, "docs/show.md"), (38, "sound")],
    );
    // A value over several lines of a key that nobody knows.
    let many = "cameras = [\n  \"srt://x?passphrase=never-shown-7\",\n  2,\n]\nminutes = 5000";
    all_of(&[("minutes = 5", many), ("quality = \"air\"", "quality = \"best\"")], &[(4, "quality"), (17, "cameras")]);
    all_of(&[("budget_gb = 500", ""), ("camera = \"cam02\"", "")], &[(11, "missing field `camera`"), (19, "budget_gb")]);
    let (show, told) = Show::examine("x = \"\"\"\n[[feeds]]\n", Path::new("s.toml"));
    assert!(show.is_none() && told.len() == 1, "{told:?}");
}

mod any_text {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn never_panics(cut in 0_usize..400, noise in "\\PC{0,20}") {
            let at = (0..=cut.min(super::GOOD.len())).rev().find(|i| super::GOOD.is_char_boundary(*i)).unwrap_or(0);
            let _ = super::parse(&format!("{}{noise}{}", &super::GOOD[..at], &super::GOOD[at..]));
        }
    }
}

#[test]
fn who_may_give_commands_is_checked() {
    let with = |control: &str| Show::parse(&format!("{GOOD}\n[control]\n{control}\n"), Path::new("/shows/final.toml"));
    let show = with("http = \"127.0.0.1:8700\"\nosc = \"[::1]:9000\"\nsurfaces = [\"/dev/snd/midiC1D0\"]").unwrap();
    assert_eq!((show.control.http.unwrap().port(), show.control.osc.unwrap().port(), show.control.surfaces.len()), (8700, 9000, 1));
    assert_eq!(Show::parse(GOOD, Path::new("/shows/final.toml")).unwrap().control, ShowControl::default(), "off by default");
    assert!(with("http = \"0.0.0.0:8700\"\ntoken = \"never-shown-12345\"").is_ok());
    let show = with("token = \"never-shown-12345\"\noperators = { anna = \"annas-never-1234\" }").unwrap();
    assert_eq!(show.control.operators[0].0, "anna");
    for (control, word) in [
        ("http = \"0.0.0.0:8700\"", "can be reached from other machines"),
        ("osc = \"9000\"", "osc is no address"),
        ("http = \"0.0.0.0:8700\"\ntoken = \"never\"", "shorter than 12"),
        ("http = \"127.0.0.1:8700\"\ntoken = \"never shown 12345\"", "a space"),
        ("operators = { anna = \"annas-never-1234\" }", "the show has none"),
        ("token = \"never-shown-12345\"\noperators = { anna = \"never\" }", "shorter than 12"),
        ("token = \"never-shown-12345\"\noperators = { anna = \"never-shown-12345\" }", "the same token"),
        ("token = \"never-shown-12345\"\noperators = { console = \"annas-never-1234\" }", "own desk"),
        ("midi = true", "midi"),
    ] {
        let told = with(control).unwrap_err().to_string();
        assert!(told.contains(word) && told.contains("final.toml:") && !told.contains("never"), "{told}");
    }
}

#[test]
fn the_layout_of_the_console_is_whole_or_simple() {
    let with = |layout: &str| parse(&format!("layout = \"{layout}\"\nrig = \"r.toml\"\n[[feeds]]\ncamera = \"a\"\naddress = \"a.mp4\"\n"));
    assert_eq!(["whole", "simple"].map(|layout| with(layout).unwrap().layout.unwrap()), ["whole", "simple"]);
    assert_eq!(parse(GOOD).unwrap().layout, None);
    let told = with("tiny").unwrap_err().to_string();
    assert!(told.starts_with("/shows/final.toml:1: ") && told.contains("\"tiny\" is none of whole, simple"), "{told}");
}

#[test]
fn a_show_has_as_many_stingers_as_there_are_digits() {
    let with = |count: usize| {
        let films = vec!["{ folder = \"sweep\" }"; count].join(", ");
        parse(&format!("rig = \"r.toml\"\n[[feeds]]\ncamera = \"a\"\naddress = \"a.mp4\"\n[graphics]\nstingers = [{films}]\n"))
    };
    assert_eq!((with(0).unwrap().stingers.len(), with(MOST_STINGERS).unwrap().stingers.len()), (0, 9));
    let told = with(10).unwrap_err().to_string();
    assert!(told.starts_with("/shows/final.toml:6: ") && told.contains("10 stingers"), "{told}");
}
