//! Commands as text: what an operator did, one line each, written down and done again; and small shows for tests.
//!
//! A line is `at 12.5 take` (seconds since the start), `+0.5 take` (seconds after the line before), `take` (at once) or
//! `until on-air` (waits for a state). `#` begins a comment. Must not know: windows, files.

use std::time::{Duration, Instant};

use crate::{
    engine::{Command, Engine, Quality, Snapshot},
    replay::{
        EventColor, EventEdit, EventId, Phase, Readiness,
        path::{Easing, PathChannel, PathEdit, Preset},
        playlist::{ElementId, PlaylistEdit, Transition},
    },
    time::MediaTime,
};

/// A state is waited for so long.
const WITHIN: Duration = Duration::from_mins(2);

/// What is wrong with a script.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// A line is no command.
    #[error("line {line}: {problem}. docs/operator.md lists the commands")]
    Line {
        /// From 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// A state did not come.
    #[error("line {line}: the state {state:?} did not come within {} s. Now: {now}", WITHIN.as_secs())]
    Never {
        /// From 1.
        line: usize,
        /// The state.
        state: &'static str,
        /// What is instead.
        now: String,
    },
    /// The engine did not take a command.
    #[error("line {line}: the engine is behind and did not take the command. Run it on a faster machine")]
    Behind {
        /// From 1.
        line: usize,
    },
}

/// A state that can be waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// Pictures arrive.
    Recording,
    /// What is prepared can be taken.
    Armed,
    /// It is solved.
    Ready,
    /// A replay is on program.
    OnAir,
    /// Time runs on program.
    Rolling,
    /// A replay stands on program: its move has ended, or it was stopped.
    Standing,
    /// Program is live.
    Live,
}

impl Until {
    const ALL: [(Self, &'static str); 7] = [
        (Self::Recording, "recording"),
        (Self::Armed, "armed"),
        (Self::Ready, "ready"),
        (Self::OnAir, "on-air"),
        (Self::Rolling, "rolling"),
        (Self::Standing, "standing"),
        (Self::Live, "live"),
    ];

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(u, _)| *u == self).map_or("", |(_, name)| name)
    }

    fn is_so(self, s: &Snapshot) -> bool {
        let on_air = s.phase == Phase::OnAir;
        match self {
            Self::Recording => s.ring.newest.is_some() && s.cameras.iter().any(|c| c.live.is_some()),
            Self::Armed => s.can_take,
            Self::Ready => s.preview.as_ref().is_some_and(|p| p.readiness == Readiness::Solved),
            Self::OnAir => on_air,
            Self::Rolling => on_air && s.program.roll.is_some_and(|r| r.speed_percent != 0),
            Self::Standing => {
                let ended = matches!(s.program.kind, crate::engine::ProgramKind::Replay { progress, .. } if progress >= 1.0);
                on_air && ended && s.program.roll.is_none_or(|r| r.speed_percent == 0)
            }
            Self::Live => !on_air,
        }
    }
}

/// When a step is made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum When {
    /// Seconds since the start.
    At(f64),
    /// Seconds after the step before.
    After(f64),
}

/// What it does.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// A command.
    Do(Command),
    /// Waits.
    Wait(Until),
}

/// A line of a script: its number from 1, when, what.
pub type Line = (usize, When, Step);

/// Reads a script.
pub fn parse(text: &str) -> Result<Vec<Line>, ScriptError> {
    let mut lines = Vec::new();
    for (k, full) in text.lines().enumerate() {
        let line = k + 1;
        let wrong = |problem: String| ScriptError::Line { line, problem };
        let words = full.split('#').next().unwrap_or_default().trim();
        if words.is_empty() {
            continue;
        }
        let secs = |word: &str| {
            word.parse::<f64>().ok().filter(|s| s.is_finite() && *s >= 0.0).ok_or_else(|| wrong(format!("{word:?} is no time in seconds")))
        };
        let (when, rest) = if let Some(rest) = words.strip_prefix("at ") {
            let (time, rest) = rest.trim().split_once(' ').ok_or_else(|| wrong("there is no command after the time".to_owned()))?;
            (When::At(secs(time)?), rest.trim())
        } else if let Some(rest) = words.strip_prefix('+') {
            let (time, rest) = rest.split_once(' ').ok_or_else(|| wrong("there is no command after the time".to_owned()))?;
            (When::After(secs(time)?), rest.trim())
        } else {
            (When::After(0.0), words)
        };
        let step = match rest.strip_prefix("until ") {
            Some(state) => {
                let known = Until::ALL.iter().map(|(_, name)| *name).collect::<Vec<_>>().join(", ");
                let found = Until::ALL.iter().find(|(_, name)| *name == state.trim());
                Step::Wait(found.ok_or_else(|| wrong(format!("{state:?} is no state; there are {known}")))?.0)
            }
            None => Step::Do(command_of(rest).ok_or_else(|| wrong(format!("{rest:?} is no command")))?),
        };
        lines.push((line, when, step));
    }
    Ok(lines)
}

/// The command of a line of text.
pub fn command_of(text: &str) -> Option<Command> {
    let (name, rest) = text.split_once(' ').unwrap_or((text, ""));
    let rest = rest.trim();
    let number = || rest.parse::<f64>().ok().filter(|n| n.is_finite());
    let whole = || rest.parse::<i32>().ok();
    let id = |word: &str| word.parse::<u64>().ok();
    let from_one = || rest.parse::<usize>().ok()?.checked_sub(1);
    Some(match name {
        "mark" => Command::Mark,
        "mark-here" => Command::MarkHere,
        "in" => Command::MarkIn,
        "out" => Command::MarkOut,
        "last-5" => Command::LastFive,
        "last-10" => Command::LastTen,
        "undo" => Command::Undo,
        "redo" => Command::Redo,
        "take" => Command::Take,
        "return" => Command::Return,
        "orbit-by" => Command::MoveOrbit(number()?),
        "orbit-to" => Command::SetOrbit(number()?),
        "camera-by" => Command::StepCamera(whole()?),
        "jog" => Command::JogFrames(whole()?),
        "jog-to" => Command::JogTo(MediaTime::from_secs_f64(number()?)),
        "event" => Command::SelectEvent(EventId(id(rest)?)),
        "next-event" => Command::NextEvent,
        "previous-event" => Command::PreviousEvent,
        "remove-event" => Command::RemoveEvent(EventId(id(rest)?)),
        "camera" => Command::SelectCamera(from_one()?),
        "nudge" => {
            let (camera, ms) = rest.split_once(' ')?;
            let ms = ms.trim().parse::<f64>().ok().filter(|ms| ms.abs() <= 10_000.0)?;
            Command::Nudge { camera: camera.parse::<usize>().ok()?.checked_sub(1)?, by_nanos: (ms * 1e6).round() as i64 }
        }
        "move" => Command::SelectMove(from_one()?),
        "next-move" => Command::NextMove,
        "play" => Command::Play,
        "shuttle" => Command::Shuttle(whole()?),
        "roll-on" => Command::RollOn,
        "speed" => Command::SetSpeed(whole()?),
        "speed-by" => Command::StepSpeed(whole()?),
        "add" => Command::AddElement,
        "template" => Command::ApplyTemplate,
        "next-template" => Command::NextTemplate,
        "save-template" if !rest.is_empty() => Command::SaveTemplate(rest.to_owned()),
        "play-list" => Command::PlayList,
        "next-element" => Command::NextElement,
        "new-path" => Command::NewPath(Preset::from_name(rest)?),
        "next-path" => Command::NextPath,
        "edit-path" => Command::EditPath(path_edit(rest)?),
        "scrub-path" => Command::ScrubPath(number()?),
        "quality" if rest == "auto" => Command::SetQuality(None),
        "quality" => Command::SetQuality(Some(Quality::from_name(rest)?)),
        "heat" => Command::ToggleHeatMap,
        "real-pixels" => Command::ToggleRealPixels,
        "next-rung" => Command::NextRung,
        "export" => Command::Export,
        "save-rig" => Command::SaveRig,
        "edit-event" => {
            let (event, edit) = rest.split_once(' ')?;
            Command::EditEvent(EventId(id(event)?), event_edit(edit.trim())?)
        }
        "edit-list" => Command::EditPlaylist(list_edit(rest)?),
        _ => return None,
    })
}

fn event_edit(text: &str) -> Option<EventEdit> {
    let (what, value) = text.split_once(' ').unwrap_or((text, ""));
    let at = || value.parse::<f64>().ok().filter(|v| v.is_finite()).map(MediaTime::from_secs_f64);
    Some(match what {
        "name" => EventEdit::Name(value.to_owned()),
        "rating" => EventEdit::Rating(value.parse().ok()?),
        "colour" => EventEdit::Color(EventColor::ALL.into_iter().find(|c| c.name() == value)?),
        "notes" => EventEdit::Notes(value.to_owned()),
        "keywords" => EventEdit::Keywords(value.split(',').map(|w| w.trim().to_owned()).filter(|w| !w.is_empty()).collect()),
        "in" => EventEdit::In(at()?),
        "out" => EventEdit::Out(at()?),
        "tick" => EventEdit::Angle { camera: value.to_owned(), ticked: true },
        "pivot" if value == "none" => EventEdit::Pivot(None),
        "pivot" => EventEdit::Pivot(Some(three(value)?.map(|m| (m * 1e3).round() as i32))),
        "untick" => EventEdit::Angle { camera: value.to_owned(), ticked: false },
        _ => return None,
    })
}

/// Three numbers.
fn three(text: &str) -> Option<[f64; 3]> {
    let values: Vec<f64> = text.split_whitespace().map(str::parse).collect::<Result<_, _>>().ok()?;
    values.try_into().ok().filter(|v: &[f64; 3]| v.iter().all(|v| v.abs() < 1e5))
}

/// Key frames are numbered from 1.
fn path_edit(text: &str) -> Option<PathEdit> {
    let (what, value) = text.split_once(' ').unwrap_or((text, ""));
    let value = value.trim();
    let number = |word: &str| word.parse::<f64>().ok().filter(|n| n.is_finite());
    let key = |word: &str| word.parse::<usize>().ok()?.checked_sub(1);
    let on = |word: &str| ["off", "on"].iter().position(|w| *w == word).map(|k| k == 1);
    Some(match what {
        "remove" if value.is_empty() => PathEdit::Remove,
        "name" if !value.is_empty() => PathEdit::Name(value.to_owned()),
        "length" => PathEdit::Length(number(value)?),
        "loop" => PathEdit::Looped(on(value)?),
        "steady" => PathEdit::Stabilize(on(value)?),
        "add-key" => PathEdit::AddKey(number(value)?),
        "remove-key" => PathEdit::RemoveKey(key(value)?),
        "key" => {
            let mut words = value.splitn(3, ' ');
            let (k, what, value) = (key(words.next()?)?, words.next()?, words.next()?.trim());
            match what {
                "at" => PathEdit::At(k, number(value)?),
                "move" => {
                    let mut words = value.split_whitespace();
                    let (at_secs, channel, value) = (number(words.next()?)?, words.next()?, number(words.next()?)?);
                    PathEdit::Move { key: k, at_secs, channel: PathChannel::ALL.into_iter().find(|c| c.name() == channel)?, value }
                }
                "ease" => PathEdit::Ease(k, Easing::ALL.into_iter().find(|e| e.name() == value)?),
                "pivot" if value == "none" => PathEdit::Pivot(k, None),
                "pivot" => PathEdit::Pivot(k, Some(three(value)?)),
                channel => PathEdit::Set(k, PathChannel::ALL.into_iter().find(|c| c.name() == channel)?, number(value)?),
            }
        }
        _ => return None,
    })
}

fn path_text(edit: &PathEdit) -> Option<String> {
    let on = |value: bool| if value { "on" } else { "off" };
    Some(match edit {
        PathEdit::Add(_) => return None,
        PathEdit::Remove => "remove".to_owned(),
        PathEdit::Name(name) => format!("name {}", name.replace(['#', '\n', '\r'], " ")),
        PathEdit::Length(secs) => format!("length {secs}"),
        PathEdit::Looped(value) => format!("loop {}", on(*value)),
        PathEdit::Stabilize(value) => format!("steady {}", on(*value)),
        PathEdit::AddKey(secs) => format!("add-key {secs}"),
        PathEdit::RemoveKey(k) => format!("remove-key {}", k + 1),
        PathEdit::At(k, secs) => format!("key {} at {secs}", k + 1),
        PathEdit::Set(k, channel, value) => format!("key {} {} {value}", k + 1, channel.name()),
        PathEdit::Move { key, at_secs, channel, value } => format!("key {} move {at_secs} {} {value}", key + 1, channel.name()),
        PathEdit::Pivot(k, None) => format!("key {} pivot none", k + 1),
        PathEdit::Pivot(k, Some([x, y, z])) => format!("key {} pivot {x} {y} {z}", k + 1),
        PathEdit::Ease(k, ease) => format!("key {} ease {}", k + 1, ease.name()),
    })
}

fn list_edit(text: &str) -> Option<PlaylistEdit> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let id = |word: &str| Some(ElementId(word.parse().ok()?));
    let on = |word: &str| match word {
        "on" => Some(true),
        "off" => Some(false),
        _ => None,
    };
    Some(match words[..] {
        ["clear"] => PlaylistEdit::Clear,
        ["loop", value] => PlaylistEdit::Loop(on(value)?),
        ["remove", element] => PlaylistEdit::Remove(id(element)?),
        ["place", element, to] => PlaylistEdit::Place(id(element)?, to.parse().ok()?),
        ["speed", element, percent] => PlaylistEdit::Speed(id(element)?, percent.parse().ok()?),
        ["cut", element] => PlaylistEdit::Transition(id(element)?, Transition::Cut),
        ["dissolve", element, secs] => PlaylistEdit::Transition(id(element)?, Transition::Dissolve { secs: secs.parse().ok()? }),
        ["hold", element, value] => PlaylistEdit::Hold(id(element)?, on(value)?),
        _ => return None,
    })
}

/// A command as a line of text; `None` for those that only a window or a program can ask for.
pub fn text_of(command: &Command) -> Option<String> {
    let on = |value: bool| if value { "on" } else { "off" };
    Some(match command {
        Command::Mark => "mark".to_owned(),
        Command::MarkHere => "mark-here".to_owned(),
        Command::MarkIn => "in".to_owned(),
        Command::MarkOut => "out".to_owned(),
        Command::LastFive => "last-5".to_owned(),
        Command::LastTen => "last-10".to_owned(),
        Command::Undo => "undo".to_owned(),
        Command::Redo => "redo".to_owned(),
        Command::Take => "take".to_owned(),
        Command::Return => "return".to_owned(),
        Command::MoveOrbit(by) => format!("orbit-by {by}"),
        Command::SetOrbit(to) => format!("orbit-to {to}"),
        Command::StepCamera(by) => format!("camera-by {by}"),
        Command::JogFrames(frames) => format!("jog {frames}"),
        Command::JogTo(at) => format!("jog-to {:.9}", at.secs_f64()),
        Command::SelectEvent(id) => format!("event {}", id.0),
        Command::NextEvent => "next-event".to_owned(),
        Command::PreviousEvent => "previous-event".to_owned(),
        Command::RemoveEvent(id) => format!("remove-event {}", id.0),
        Command::SelectCamera(k) => format!("camera {}", k + 1),
        Command::Nudge { camera, by_nanos } => format!("nudge {} {}", camera + 1, *by_nanos as f64 * 1e-6),
        Command::SelectMove(k) => format!("move {}", k + 1),
        Command::NextMove => "next-move".to_owned(),
        Command::Play => "play".to_owned(),
        Command::Shuttle(by) => format!("shuttle {by}"),
        Command::RollOn => "roll-on".to_owned(),
        Command::SetSpeed(percent) => format!("speed {percent}"),
        Command::StepSpeed(by) => format!("speed-by {by}"),
        Command::AddElement => "add".to_owned(),
        Command::ApplyTemplate => "template".to_owned(),
        Command::NextTemplate => "next-template".to_owned(),
        // Without a name a window asks for one.
        Command::SaveTemplate(name) if name.trim().is_empty() => return None,
        Command::SaveTemplate(name) => format!("save-template {}", name.replace(['#', '\n', '\r'], " ")),
        Command::PlayList => "play-list".to_owned(),
        Command::NextElement => "next-element".to_owned(),
        Command::NewPath(preset) => format!("new-path {}", preset.name()),
        Command::NextPath => "next-path".to_owned(),
        Command::EditPath(edit) => format!("edit-path {}", path_text(edit)?),
        Command::ScrubPath(secs) => format!("scrub-path {secs}"),
        Command::SetQuality(None) => "quality auto".to_owned(),
        Command::SetQuality(Some(level)) => format!("quality {}", level.label().to_lowercase()),
        Command::ToggleHeatMap => "heat".to_owned(),
        Command::ToggleRealPixels => "real-pixels".to_owned(),
        Command::NextRung => "next-rung".to_owned(),
        Command::Export => "export".to_owned(),
        Command::SaveRig => "save-rig".to_owned(),
        Command::EditEvent(id, edit) => {
            let edit = match edit {
                EventEdit::Name(name) => format!("name {name}"),
                EventEdit::Rating(rating) => format!("rating {rating}"),
                EventEdit::Color(color) => format!("colour {}", color.name()),
                EventEdit::Notes(notes) => format!("notes {notes}"),
                EventEdit::Keywords(words) => format!("keywords {}", words.join(", ")),
                EventEdit::In(at) => format!("in {:.9}", at.secs_f64()),
                EventEdit::Out(at) => format!("out {:.9}", at.secs_f64()),
                EventEdit::Pivot(None) => "pivot none".to_owned(),
                EventEdit::Pivot(Some(mm)) => {
                    let [x, y, z] = mm.map(|v| f64::from(v) * 1e-3);
                    format!("pivot {x:.3} {y:.3} {z:.3}")
                }
                EventEdit::Angle { camera, ticked: true } => format!("tick {camera}"),
                EventEdit::Angle { camera, ticked: false } => format!("untick {camera}"),
            };
            // A comment sign or a line end would be read as something else.
            format!("edit-event {} {}", id.0, edit.replace(['#', '\n', '\r'], " "))
        }
        Command::EditPlaylist(edit) => match edit {
            PlaylistEdit::Add(_) => return None,
            PlaylistEdit::Clear => "edit-list clear".to_owned(),
            PlaylistEdit::Loop(value) => format!("edit-list loop {}", on(*value)),
            PlaylistEdit::Remove(id) => format!("edit-list remove {}", id.0),
            PlaylistEdit::Place(id, to) => format!("edit-list place {} {to}", id.0),
            PlaylistEdit::Speed(id, percent) => format!("edit-list speed {} {percent}", id.0),
            PlaylistEdit::Transition(id, Transition::Cut) => format!("edit-list cut {}", id.0),
            PlaylistEdit::Transition(id, Transition::Dissolve { secs }) => format!("edit-list dissolve {} {secs}", id.0),
            PlaylistEdit::Hold(id, value) => format!("edit-list hold {} {}", id.0, on(*value)),
        },
        Command::SetRung { .. }
        | Command::Search
        | Command::Rename
        | Command::Palette
        | Command::PathEditor
        | Command::ShowKeys
        | Command::FullScreenProgram => return None,
    })
}

/// Runs a script on an engine; `told` hears of every line when it is done. Ends early when `cancelled`.
pub fn run(
    engine: &Engine,
    lines: &[Line],
    mut told: impl FnMut(usize, &Step, &Snapshot),
    cancelled: impl Fn() -> bool,
) -> Result<(), ScriptError> {
    let begun = Instant::now();
    for (line, when, step) in lines {
        let line = *line;
        let due = match when {
            When::At(secs) => begun + Duration::from_secs_f64(secs.min(1e6)),
            When::After(secs) => Instant::now() + Duration::from_secs_f64(secs.min(1e6)),
        };
        while Instant::now() < due && !cancelled() {
            std::thread::sleep(due.saturating_duration_since(Instant::now()).min(Duration::from_millis(20)));
        }
        if cancelled() {
            return Ok(());
        }
        match step {
            Step::Do(command) => {
                let before = engine.snapshot().serial;
                if !engine.send(command.clone()) {
                    return Err(ScriptError::Behind { line });
                }
                // What comes next sees what this one did.
                let _ = engine.wait_for(Duration::from_secs(1), |s| s.serial > before + 1);
            }
            Step::Wait(until) => {
                let came = engine.wait_for(WITHIN, |s| until.is_so(s) || cancelled());
                if came.is_none() {
                    let s = engine.snapshot();
                    let now = format!("{}, {:?}, notices {:?}", s.phase.label(), s.program.kind, s.notices.last().map(|n| &n.text));
                    return Err(ScriptError::Never { line, state: until.name(), now });
                }
            }
        }
        told(line, step, &engine.snapshot());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_down_is_read_again() {
        let at = MediaTime::from_nanos(12_345_678_901);
        let id = ElementId(4);
        let all = [
            Command::Mark,
            Command::LastTen,
            Command::MoveOrbit(-0.125),
            Command::SetOrbit(2.375),
            Command::JogTo(at),
            Command::SelectCamera(0),
            Command::SelectMove(7),
            Command::Nudge { camera: 3, by_nanos: -12_345_678 },
            Command::SetSpeed(-400),
            Command::Shuttle(-1),
            Command::SetQuality(None),
            Command::SetQuality(Some(Quality::Hero)),
            Command::EditEvent(EventId(3), EventEdit::Name("Goal by 9".to_owned())),
            Command::EditEvent(EventId(3), EventEdit::Keywords(vec!["a".to_owned(), "b c".to_owned()])),
            Command::EditEvent(EventId(3), EventEdit::Color(EventColor::Violet)),
            Command::EditEvent(EventId(3), EventEdit::Out(at)),
            Command::EditPlaylist(PlaylistEdit::Transition(id, Transition::Dissolve { secs: 0.5 })),
            Command::EditPlaylist(PlaylistEdit::Place(id, 2)),
            Command::EditPlaylist(PlaylistEdit::Hold(id, true)),
            Command::EditPlaylist(PlaylistEdit::Clear),
            Command::PlayList,
            Command::SaveTemplate("Wide, close".to_owned()),
            Command::EditEvent(EventId(3), EventEdit::Pivot(Some([-1250, 3, 900]))),
            Command::NewPath(Preset::PunchIn),
            Command::NextPath,
            Command::ScrubPath(1.25),
            Command::EditPath(PathEdit::Name("Round the net".to_owned())),
            Command::EditPath(PathEdit::Length(3.5)),
            Command::EditPath(PathEdit::Looped(true)),
            Command::EditPath(PathEdit::Stabilize(false)),
            Command::EditPath(PathEdit::AddKey(0.8)),
            Command::EditPath(PathEdit::RemoveKey(2)),
            Command::EditPath(PathEdit::At(0, 0.25)),
            Command::EditPath(PathEdit::Move { key: 1, at_secs: 0.5, channel: PathChannel::Zoom, value: 1.5 }),
            Command::EditPath(PathEdit::Set(1, PathChannel::Instant, -0.04)),
            Command::EditPath(PathEdit::Set(1, PathChannel::Position, 3.125)),
            Command::EditPath(PathEdit::Pivot(1, Some([0.5, -1.0, 1.25]))),
            Command::EditPath(PathEdit::Pivot(1, None)),
            Command::EditPath(PathEdit::Ease(0, Easing::EaseOut)),
            Command::EditPath(PathEdit::Remove),
            Command::RollOn,
        ];
        for command in all {
            let text = text_of(&command).unwrap();
            assert_eq!(command_of(&text), Some(command), "{text}");
        }
    }

    #[test]
    fn a_script_has_times_states_and_comments() {
        let lines = parse("# a show\nuntil recording\nat 2.5 mark # now\n\n+0.5 take\nreturn\n").unwrap();
        assert_eq!(
            lines,
            [
                (2, When::After(0.0), Step::Wait(Until::Recording)),
                (3, When::At(2.5), Step::Do(Command::Mark)),
                (5, When::After(0.5), Step::Do(Command::Take)),
                (6, When::After(0.0), Step::Do(Command::Return)),
            ]
        );
        for (text, word) in [
            ("mark\nfly", "line 2"),
            ("until lunch", "on-air"),
            ("at x take", "no time"),
            ("speed fast", "no command"),
            ("+1", "no command"),
        ] {
            let told = parse(text).unwrap_err().to_string();
            assert!(told.contains(word), "{told}");
        }
    }
}
