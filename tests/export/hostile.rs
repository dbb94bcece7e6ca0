//! Texts from outside that a replay is made from: a recipe, graphics, trims and templates, with lines gone, doubled, cut and filled with
//! nonsense, are read or refused in words; what is read can be written and read again.

use std::{cell::RefCell, collections::BTreeSet};

use proptest::prelude::*;
use volte::{
    engine::recipe::Recipe,
    replay::{
        graphics::{GraphicList, KeptGraphics},
        playlist::Template,
        trim::TrimList,
    },
};

use super::stage;

const GRAPHICS: &str = r##"version = 1
clean = true
[[graphic]]
name = "ring"
kind = "circle"
points_m = [[0.0, 1.0, 0.0], [2.5, 1.0, 0.0]]
color = "#ffcc00"
opacity = 0.8
width_m = 0.1
[[graphic]]
name = "score"
kind = "bug"
width_m = 0.1
text = "2 : 1"
shown = false
"##;

const TRIMS: &str = "[cam00]\nev = 0.25\nkelvin = -300.0\ntint = 2.0\nvignette = 0.1\ncontrast = 0.2\n[\"cam \\\"two\\\"\"]\nev = -1.0\n";

const TEMPLATE: &str = r#"version = 1
name = "wide, orbit, close"
[[element]]
shot = "angle"
camera = "middle"
speed_percent = 50
from_secs = -2.0
to_secs = 0.5
[[element]]
shot = "move"
move = "Orbit right"
dissolve_secs = 0.4
[[element]]
shot = "angle"
camera = "cam03"
speed_percent = -33
"#;

/// What stands for a value.
const VALUES: [&str; 20] = [
    "nan",
    "-inf",
    "1e300",
    "1e-300",
    "0",
    "-1",
    "0.0",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551615",
    "\"\"",
    "\"\\u0000\"",
    "\"nan\"",
    "\"../../x\"",
    "[]",
    "[[], {}]",
    "[nan, nan, nan]",
    "{}",
    "true",
    "1979-05-27T07:32:00Z",
];

/// One thing that goes wrong with a text.
#[derive(Debug, Clone)]
enum Harm {
    Value(usize, usize),
    Gone(usize),
    Twice(usize),
    Cut(usize),
    Byte(usize, u8),
}

fn harms() -> impl Strategy<Value = Vec<Harm>> {
    let any_place = 0..100_000usize;
    let harm = prop_oneof![
        6 => (any_place.clone(), 0..VALUES.len()).prop_map(|(line, value)| Harm::Value(line, value)),
        1 => any_place.clone().prop_map(Harm::Gone),
        1 => any_place.clone().prop_map(Harm::Twice),
        1 => any_place.clone().prop_map(Harm::Cut),
        1 => (any_place, any::<u8>()).prop_map(|(at, byte)| Harm::Byte(at, byte)),
    ];
    prop::collection::vec(harm, 1..4)
}

fn harmed(text: &str, harms: &[Harm]) -> String {
    let mut text = text.to_owned();
    for harm in harms {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let count = lines.len().max(1);
        match *harm {
            _ if lines.is_empty() => {}
            Harm::Value(line, value) => {
                if let Some((key, _)) = lines[line % count].clone().split_once('=') {
                    lines[line % count] = format!("{key}= {}", VALUES[value]);
                }
            }
            Harm::Gone(line) => drop(lines.remove(line % count)),
            Harm::Twice(line) => lines.insert(line % count, lines[line % count].clone()),
            Harm::Cut(at) => {
                let mut bytes = text.clone().into_bytes();
                bytes.truncate(at % bytes.len().max(1));
                lines = String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect();
            }
            Harm::Byte(at, byte) => {
                let mut bytes = text.clone().into_bytes();
                let at = at % bytes.len().max(1);
                bytes[at] = byte;
                lines = String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect();
            }
        }
        text = lines.join("\n");
    }
    text
}

/// Harms a text many times; `reads` says whether it could be read, and panics where something is wrong. Both must come about, or this shows nothing.
fn harm_often(cases: u32, text: &str, reads: impl Fn(&str) -> bool) {
    assert!(reads(text), "the text is not even good without harm: {text}");
    let seen = RefCell::new(BTreeSet::new());
    proptest!(ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }, |(harms in harms())| {
        seen.borrow_mut().insert(reads(&harmed(text, &harms)));
    });
    assert_eq!(seen.into_inner().len(), 2, "harmed texts were all read, or all refused");
}

#[test]
fn a_harmed_recipe_is_read_or_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    stage::written(root, &stage::rig(3.0), glam::DVec3::ZERO);
    stage::does(
        root,
        "export --rig rig.toml --pictures pictures --use cam1,cam2 --seconds 0.2 --hold 0 --rate 20 --mode nearest --out a_%02d.png --recipe a.toml",
    );
    let text = std::fs::read_to_string(root.join("a.toml")).unwrap();
    let (file, again) = (root.join("harmed.toml"), root.join("again.toml"));
    harm_often(600, &text, |text| {
        std::fs::write(&file, text).unwrap();
        match Recipe::read(&file) {
            Ok(recipe) => {
                recipe.write(&again, true).unwrap();
                // Compared as texts: a number that is none is not even itself.
                assert_eq!(format!("{:?}", Recipe::read(&again).unwrap()), format!("{recipe:?}"));
                true
            }
            Err(e) => {
                assert!(!e.to_string().is_empty());
                false
            }
        }
    });
}

#[test]
fn harmed_graphics_trims_and_templates_are_read_or_refused_in_words() {
    harm_often(2000, GRAPHICS, |text| {
        let all = GraphicList::from_toml(text);
        let kept = KeptGraphics::from_toml(text);
        // What is left out is told; where nothing is, both read the same.
        if let (Ok(all), Ok(kept)) = (&all, &kept) {
            assert_eq!(format!("{all:?}"), format!("{:?}", kept.list));
        }
        if let Ok(all) = &all {
            let again = GraphicList::from_toml(&all.to_toml().unwrap()).unwrap();
            assert_eq!(format!("{again:?}"), format!("{all:?}"));
        }
        all.is_ok()
    });
    harm_often(2000, TRIMS, |text| {
        let Ok(trims) = TrimList::from_toml(text) else { return false };
        let written = trims.to_toml();
        let again = TrimList::from_toml(&written).unwrap_or_else(|e| panic!("{e}: {written}"));
        assert_eq!(again.to_toml(), written);
        true
    });
    harm_often(2000, TEMPLATE, |text| {
        let Ok(template) = Template::from_toml(text) else { return false };
        let again = Template::from_toml(&template.to_toml()).unwrap();
        assert_eq!(format!("{again:?}"), format!("{template:?}"));
        true
    });
}
