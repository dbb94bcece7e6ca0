//! Which command a control of a surface asks for: the table, its text, and learning it by touching.
//!
//! Must not know: devices, files, the engine's state.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    hub::names_prepared,
    text::{EXAMPLES, command_of, what_is_wrong},
    touch::{ControlId, Motion, Touch},
};

/// The version of the text.
const VERSION: u32 = 1;
/// The table of surfaces is no larger.
const MOST: usize = 1000;

/// How an endless knob says which way it was turned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Coding {
    /// 1, 2, … to the right; 127, 126, … to the left.
    #[default]
    Twos,
    /// 65, 66, … to the right; 63, 62, … to the left.
    Offset,
    /// 1, 2, … to the right; 65, 66, … to the left.
    Sign,
}

impl Coding {
    /// Clicks of a value.
    const fn clicks(self, value: i32) -> i32 {
        match self {
            Self::Twos if value > 63 => value - 128,
            Self::Offset => value - 64,
            Self::Sign if value > 63 => 64 - value,
            Self::Twos | Self::Sign => value,
        }
    }
}

/// One line of the table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Binding {
    /// The control: `note 1 60`, `cc 1 7`, `key 304`, …
    pub control: String,
    /// Counts only while this one is held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<String>,
    /// What it asks for; `{}` is the value or the way turned.
    pub command: String,
    /// `{}` where the control stands at its lowest and highest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<[f64; 2]>,
    /// `{}` for one click of an endless knob.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<f64>,
    /// How an endless knob counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coding: Option<Coding>,
    /// The values of the control at its ends, where they are not those of MIDI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends: Option<[i32; 2]>,
    /// Whether a fader takes hold only where it meets what it moves (the standard), or what it moves jumps to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pick_up: Option<bool>,
}

/// What a touch asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// The words.
    pub words: String,
    /// The fader that waits until it meets what it moves.
    pub fader: Option<Fader>,
}

/// Where a fader stands that has to be picked up.
#[derive(Debug, Clone, PartialEq)]
pub struct Fader {
    /// The control.
    pub control: ControlId,
    /// What it moves, with `{}`.
    pub command: String,
    /// `{}` at its ends.
    pub range: [f64; 2],
    /// How far along its way it is, 0…1.
    pub share: f64,
}

/// What is wrong with a table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// It is no table.
    #[error("it is no table of controls: {0}")]
    Form(String),
    /// A line of it is wrong.
    #[error("line {line} of [[controls]]: {problem}")]
    Line {
        /// From 1.
        line: usize,
        /// What is wrong, and what to write.
        problem: String,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    #[serde(default)]
    controls: Vec<Binding>,
}

/// The table, and what of the surface is held now.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Mapping {
    bindings: Vec<(ControlId, Option<ControlId>, Binding)>,
    held: BTreeSet<ControlId>,
    /// Controllers that stand above the middle: they are pressed.
    high: BTreeMap<ControlId, bool>,
}

/// Commands that can be learned, as the table has them: every command of one word, and those that follow a fader or a knob.
pub fn learnable() -> Vec<String> {
    let plain = EXAMPLES.iter().filter(|e| !e.contains(' ')).map(|e| (*e).to_owned());
    let moved = ["t-bar {}", "t-bar-time {}", "orbit-by {}", "jog {}", "speed-by {}"].map(str::to_owned);
    let fixed =
        ["shuttle -1", "shuttle 0", "shuttle 1", "speed 25", "speed 50", "speed 100", "pivot-at preview 0.5 0.5"].map(str::to_owned);
    let numbered = (1..=8).flat_map(|k| [format!("camera {k}"), format!("move {k}")]);
    let rated = (1..=5).map(|k| format!("edit-event prepared rating {k}"));
    plain.chain(moved).chain(fixed).chain(numbered).chain(rated).collect()
}

/// A number as words have it.
fn number(v: f64) -> String {
    format!("{}", (v * 1e4).round() / 1e4)
}

fn is_command(words: &str) -> bool {
    command_of(words).is_some() || names_prepared(words)
}

impl Binding {
    /// A command on a control, with what is usual for the two.
    fn usual(control: ControlId, command: &str) -> Self {
        let follows = command.contains("{}");
        let turns = follows && !command.starts_with("t-bar");
        let step = if command.starts_with("orbit-by") { 0.05 } else { 1.0 };
        Self {
            control: control.to_string(),
            held: None,
            command: command.to_owned(),
            range: (follows && !turns).then_some([0.0, 1.0]),
            step: turns.then_some(step),
            coding: None,
            ends: None,
            pick_up: None,
        }
    }

    fn problem(&self) -> Option<String> {
        if ControlId::from_words(&self.control).is_none() {
            return Some(format!("{:?} is no control; write one like `note 1 60`, `cc 1 7`, `bend 1`, `key 304`, `dial 7`", self.control));
        }
        if let Some(held) = self.held.as_ref().filter(|held| ControlId::from_words(held).is_none()) {
            return Some(format!("held = {held:?} is no control; write one like `note 1 60`"));
        }
        let follows = self.command.contains("{}");
        if follows != (self.range.is_some() || self.step.is_some()) || self.range.is_some() && self.step.is_some() {
            return Some(format!(
                "{:?}: a command with {{}} wants either range = [0, 1] (a fader) or step = 1 (an endless knob), and only such a one",
                self.command
            ));
        }
        if self.range.iter().flatten().chain(&self.step).any(|v| !v.is_finite()) || self.ends.is_some_and(|[a, b]| a == b) {
            return Some("range and step are finite numbers, and ends = [LOW, HIGH] differ".to_owned());
        }
        if self.pick_up.is_some() && self.range.is_none() {
            return Some("pick_up is for a fader: a command with {} and range = [0, 1]".to_owned());
        }
        // Somewhere on its way it must be a command.
        let tried = match (self.range, self.step) {
            (Some([low, _]), _) => self.command.replace("{}", &number(low)),
            (_, Some(step)) => self.command.replace("{}", &number(step)),
            _ => self.command.clone(),
        };
        (!is_command(&tried)).then(|| what_is_wrong(&tried))
    }

    /// How far along its way a fader is that stands at a value.
    fn share(&self, value: i32, full: i32) -> f64 {
        let [a, b] = self.ends.unwrap_or([0, full]).map(f64::from);
        ((f64::from(value) - a) / (b - a)).clamp(0.0, 1.0)
    }

    fn fader(&self, control: ControlId, motion: Motion, full: i32) -> Option<Fader> {
        let Motion::Value(value) = motion else { return None };
        let range = self.range.filter(|_| self.pick_up != Some(false))?;
        Some(Fader { control, command: self.command.clone(), range, share: self.share(value, full) })
    }

    /// The words for a touch; `None` where it asks for nothing.
    fn words(&self, motion: Motion, pressed: Option<bool>, full: i32) -> Option<String> {
        match (self.range, self.step, motion) {
            (None, None, _) => (pressed == Some(true)).then(|| self.command.clone()),
            (Some([low, high]), _, Motion::Value(value)) => {
                Some(self.command.replace("{}", &number(low + (high - low) * self.share(value, full))))
            }
            (Some([low, high]), _, Motion::Press(on)) => Some(self.command.replace("{}", &number(if on { high } else { low }))),
            (_, Some(step), Motion::Value(value)) => {
                let clicks = self.coding.unwrap_or_default().clicks(value);
                (clicks != 0).then(|| self.command.replace("{}", &number(step * f64::from(clicks))))
            }
            (_, Some(step), Motion::Turn(by)) => Some(self.command.replace("{}", &number(step * f64::from(by)))),
            (_, Some(step), Motion::Press(on)) => on.then(|| self.command.replace("{}", &number(step))),
            (Some(_), _, Motion::Turn(_)) => None,
        }
    }
}

impl Mapping {
    /// From the text of a file.
    pub fn from_toml(text: &str) -> Result<Self, MappingError> {
        let file: File = toml::from_str(text).map_err(|e| MappingError::Form(e.message().lines().next().unwrap_or_default().to_owned()))?;
        if file.version != VERSION {
            return Err(MappingError::Form(format!("version = {} is not {VERSION}", file.version)));
        }
        let mut mapping = Self::default();
        for (k, binding) in file.controls.into_iter().take(MOST).enumerate() {
            let problem = binding.problem();
            match (problem, ControlId::from_words(&binding.control)) {
                (None, Some(control)) => {
                    let held = binding.held.as_deref().and_then(ControlId::from_words);
                    mapping.bindings.push((control, held, binding));
                }
                (problem, _) => return Err(MappingError::Line { line: k + 1, problem: problem.unwrap_or_default() }),
            }
        }
        Ok(mapping)
    }

    /// As the text of a file.
    pub fn to_toml(&self) -> String {
        let file = File { version: VERSION, controls: self.bindings.iter().map(|(_, _, b)| b.clone()).collect() };
        // Plain values always have a text.
        toml::to_string(&file).unwrap_or_default()
    }

    /// The table.
    pub fn bindings(&self) -> impl Iterator<Item = &Binding> {
        self.bindings.iter().map(|(_, _, b)| b)
    }

    /// What a touch asks for.
    pub fn touched(&mut self, touch: Touch) -> Vec<Asked> {
        let Touch { control, motion } = touch;
        // A controller that passes its middle is pressed or released, once.
        let full = if matches!(control, ControlId::Bend { .. }) { 16383 } else { 127 };
        let pressed = match motion {
            Motion::Press(on) => Some(on),
            Motion::Value(value) => {
                // An axis passes the middle of its own ends; near the middle nothing changes, so that noise there asks for nothing.
                let [a, b] =
                    self.bindings.iter().find(|(c, ..)| *c == control).and_then(|(.., b)| b.ends).unwrap_or([0, full]).map(i64::from);
                let (share, was) = ((i64::from(value) - a) as f64 / (b - a) as f64, self.high.get(&control).copied().unwrap_or(false));
                let high = if was { share > 0.45 } else { share > 0.55 };
                (self.high.insert(control, high).unwrap_or(false) != high).then_some(high)
            }
            Motion::Turn(_) => None,
        };
        match pressed {
            Some(true) => drop(self.held.insert(control)),
            Some(false) => drop(self.held.remove(&control)),
            None => {}
        }
        let of = |with: bool| self.bindings.iter().filter(move |(c, held, _)| *c == control && held.is_some() == with);
        let is_held = |(_, held, _): &&(ControlId, Option<ControlId>, Binding)| held.is_some_and(|h| self.held.contains(&h));
        let modified: Vec<_> = of(true).filter(is_held).collect();
        let all = if modified.is_empty() { of(false).collect() } else { modified };
        let asked = |b: &Binding| Some(Asked { words: b.words(motion, pressed, full)?, fader: b.fader(control, motion, full) });
        all.into_iter().filter_map(|(_, _, binding)| asked(binding)).collect()
    }

    /// Puts a command on the control that was touched, in the place of what it did before; false where the touch was a release.
    pub fn learn(&mut self, touch: Touch, command: &str) -> bool {
        if touch.motion == Motion::Press(false) {
            return false;
        }
        let binding = Binding::usual(touch.control, command);
        if binding.problem().is_some() {
            return false;
        }
        self.bindings.retain(|(control, held, b)| !(*control == touch.control && held.is_none()) && b.command != command);
        self.bindings.push((touch.control, None, binding));
        true
    }

    /// Takes a command off every control; whether one had it.
    pub fn forget(&mut self, command: &str) -> bool {
        let before = self.bindings.len();
        self.bindings.retain(|(_, _, b)| b.command != command);
        self.bindings.len() < before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = r#"
        version = 1
        [[controls]]
        control = "note 1 60"
        command = "mark"
        [[controls]]
        control = "cc 1 7"
        command = "t-bar {}"
        range = [0, 1]
        [[controls]]
        control = "cc 1 7"
        held = "note 1 61"
        command = "t-bar-time {}"
        range = [1, 0]
        [[controls]]
        control = "cc 1 16"
        command = "jog {}"
        step = 1
        [[controls]]
        control = "cc 1 17"
        command = "orbit-by {}"
        step = 0.05
        coding = "offset"
        [[controls]]
        control = "cc 1 64"
        command = "take"
        [[controls]]
        control = "axis 0"
        command = "t-bar {}"
        range = [0, 1]
        ends = [-100, 100]
        [[controls]]
        control = "dial 7"
        command = "jog {}"
        step = -1
    "#;

    fn touch(control: &str, motion: Motion) -> Touch {
        Touch { control: ControlId::from_words(control).unwrap(), motion }
    }

    fn said(map: &mut Mapping, touch: Touch) -> Vec<String> {
        map.touched(touch).into_iter().map(|asked| asked.words).collect()
    }

    #[test]
    fn faders_say_where_they_stand_unless_they_are_to_jump() {
        let mut map = Mapping::from_toml(TABLE).unwrap();
        let fader = |map: &mut Mapping, control: &str, value| map.touched(touch(control, Motion::Value(value))).remove(0).fader;
        let asked = fader(&mut map, "axis 0", 50).unwrap();
        assert_eq!((asked.command.as_str(), asked.range, asked.share), ("t-bar {}", [0.0, 1.0], 0.75));
        assert_eq!(fader(&mut map, "cc 1 16", 3), None, "an endless knob stands nowhere");
        let jumps = TABLE.replacen("range = [0, 1]", "range = [0, 1]\n        pick_up = false", 1);
        let mut map = Mapping::from_toml(&jumps).unwrap();
        assert_eq!(fader(&mut map, "cc 1 7", 50), None);
        assert_eq!(Mapping::from_toml(&map.to_toml()).unwrap().bindings().nth(1).unwrap().pick_up, Some(false), "and it is kept");
    }

    #[test]
    fn touches_become_words() {
        let mut map = Mapping::from_toml(TABLE).unwrap();
        let mut words = |control: &str, motion| said(&mut map, touch(control, motion)).join(";");
        assert_eq!(words("note 1 60", Motion::Press(true)), "mark");
        assert_eq!(words("note 1 60", Motion::Press(false)), "");
        assert_eq!(words("note 1 59", Motion::Press(true)), "");
        assert_eq!(words("cc 1 7", Motion::Value(0)), "t-bar 0");
        assert_eq!(words("cc 1 7", Motion::Value(127)), "t-bar 1");
        assert_eq!(words("cc 1 7", Motion::Value(64)), "t-bar 0.5039");
        // The modifier.
        assert_eq!(words("note 1 61", Motion::Press(true)), "");
        assert_eq!(words("cc 1 7", Motion::Value(127)), "t-bar-time 0");
        assert_eq!(words("note 1 61", Motion::Press(false)), "");
        assert_eq!(words("cc 1 7", Motion::Value(127)), "t-bar 1");
        // Endless knobs.
        assert_eq!(words("cc 1 16", Motion::Value(2)), "jog 2");
        assert_eq!(words("cc 1 16", Motion::Value(127)), "jog -1");
        assert_eq!(words("cc 1 17", Motion::Value(64)), "");
        assert_eq!(words("cc 1 17", Motion::Value(62)), "orbit-by -0.1");
        // A pedal asks once, however often it says that it is down.
        assert_eq!(words("cc 1 64", Motion::Value(127)), "take");
        assert_eq!(words("cc 1 64", Motion::Value(120)), "");
        assert_eq!(words("cc 1 64", Motion::Value(0)), "");
        assert_eq!(words("cc 1 64", Motion::Value(127)), "take");
        assert_eq!(words("axis 0", Motion::Value(-100)), "t-bar 0");
        assert_eq!(words("axis 0", Motion::Value(900)), "t-bar 1");
        assert_eq!(words("dial 7", Motion::Turn(3)), "jog -3");
    }

    #[test]
    fn a_table_is_read_as_it_was_written_and_faults_are_named() {
        let map = Mapping::from_toml(TABLE).unwrap();
        assert_eq!(Mapping::from_toml(&map.to_toml()).unwrap(), map);
        for (was, is, word) in [
            ("\"note 1 60\"", "\"key\"", "is no control"),
            ("\"mark\"", "\"marc\"", "\"marc\" is no command"),
            ("command = \"mark\"", "command = \"orbit-to {}\"", "a command with {} wants"),
            ("held = \"note 1 61\"", "held = \"shift\"", "held = \"shift\" is no control"),
            ("step = 0.05", "step = nan", "finite"),
            ("ends = [-100, 100]", "ends = [7, 7]", "differ"),
            ("step = 0.05", "step = 0.05\npick_up = true", "pick_up is for a fader"),
            ("version = 1", "version = 9", "version = 9"),
            ("range = [0, 1]", "rnge = [0, 1]", "rnge"),
        ] {
            let told = Mapping::from_toml(&TABLE.replacen(was, is, 1)).unwrap_err().to_string();
            assert!(told.contains(word), "{told}");
        }
    }

    #[test]
    fn learning_puts_a_command_on_what_is_touched() {
        let mut map = Mapping::default();
        let fader = |value| touch("cc 1 7", Motion::Value(value));
        assert!(map.learn(fader(3), "t-bar {}"));
        assert_eq!(said(&mut map, fader(127)), ["t-bar 1"]);
        assert!(!map.learn(touch("note 1 60", Motion::Press(false)), "mark"), "a release is not what was meant");
        assert!(map.learn(touch("note 1 60", Motion::Press(true)), "mark"));
        assert_eq!(said(&mut map, touch("note 1 60", Motion::Press(true))), ["mark"]);
        // Another command on the same control, and the same command on another control, replace.
        assert!(map.learn(touch("note 1 60", Motion::Press(true)), "take"));
        assert!(map.learn(touch("note 1 62", Motion::Press(true)), "take"));
        assert_eq!(said(&mut map, touch("note 1 60", Motion::Press(true))), Vec::<String>::new());
        assert_eq!(said(&mut map, touch("note 1 62", Motion::Press(true))), ["take"]);
        assert!(!map.learn(touch("note 1 1", Motion::Press(true)), "fly"));
        assert!(map.forget("take") && !map.forget("take"));
        assert_eq!(map.bindings().count(), 1);
    }

    #[test]
    fn everything_that_can_be_learned_is_a_command() {
        let all = learnable();
        assert!(all.len() > 50);
        for command in all {
            let binding = Binding::usual(ControlId::Key(1), &command);
            assert_eq!(binding.problem(), None, "{command}");
        }
    }
}
