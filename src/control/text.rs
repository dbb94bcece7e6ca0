//! Commands as words: the one language of scripts, of the control API and of what control surfaces are mapped to.
//!
//! Must not know: who says them, files, time.

mod calibrate;
mod graphics;
mod second;
#[cfg(test)]
mod tests;
mod trim;

use crate::{
    engine::{Command, ExportOrder, Matching, Quality, Slice},
    replay::{
        EventColor, EventEdit, EventId,
        operators::{LockChannel, LockOrder},
        path::{Easing, PathChannel, PathEdit, Preset},
        playlist::{ElementId, PlaylistEdit, Towards, Transition},
    },
    sound::FreezeSound,
    time::MediaTime,
};

/// Every command that words can ask for: an example of each, in the order in which an operator meets them.
pub const EXAMPLES: [&str; 83] = [
    "mark",
    "mark-here",
    "in",
    "out",
    "last-5",
    "last-10",
    "undo",
    "redo",
    "take",
    "transition wipe right 0.5",
    "next-transition",
    "return",
    "orbit-to 2.5",
    "orbit-by -0.125",
    "camera-by 1",
    "t-bar 0.5",
    "t-bar-time 0.5",
    "jog -3",
    "jog-to 12.48",
    "pivot-at preview 0.5 0.5",
    "graphic add line 0 0 0 2.5 0 0",
    "graphic-at line preview 0.5 0.5",
    "clean-feed",
    "graphics-to-air",
    "graphic-drop",
    "slice 3 0.25",
    "free-by 0.2 0",
    "free-to 1.5 0.4",
    "event 3",
    "next-event",
    "previous-event",
    "remove-event 3",
    "edit-event 3 rating 4",
    "camera 4",
    "nudge 4 -12.5",
    "move 1",
    "next-move",
    "play",
    "shuttle -1",
    "roll-on",
    "speed 50",
    "speed-by 1",
    "add",
    "template",
    "next-template",
    "save-template Wide",
    "edit-list loop on",
    "play-list",
    "next-element",
    "new-path bounce",
    "next-path",
    "edit-path length 3",
    "scrub-path 1.2",
    "quality air",
    "match common",
    "match shading off",
    "match trim cam03 ev 0.2 kelvin -150 vignette 0.3 contrast -0.05",
    "plates off",
    "slow-motion interpolate",
    "fit-rig off",
    "heat",
    "real-pixels",
    "next-rung",
    "export",
    "exports hold 1",
    "output-add web udp://239.1.2.3:5000",
    "output-remove web",
    "b roll",
    "b take",
    "b roll-on",
    "b return",
    "b camera 2",
    "b speed 33",
    "b transition dissolve 0.5",
    "b output-add web-b udp://239.1.2.4:5000",
    "b output-remove web-b",
    "freeze-sound tail",
    "save-rig",
    "calibrate start charuco:7x10:0.030:0.022:4x4_50",
    "calibrate use",
    "lock program",
    "unlock program",
    "take-over program",
];

/// Why words are no command, with what to write instead.
pub fn what_is_wrong(text: &str) -> String {
    let text: String = text.trim().chars().filter(|c| !c.is_control()).take(80).collect();
    if let Some(rest) = text.strip_prefix("b ") {
        return second::what_is_wrong(rest.trim());
    }
    let name = text.split(' ').next().unwrap_or_default();
    let named = |example: &&&str| example.split(' ').next() == Some(name);
    match EXAMPLES.iter().find(named) {
        Some(example) if example.contains(' ') => format!("{text:?} is no command: {name} is written like `{example}`"),
        Some(_) => format!("{text:?} is no command: nothing follows {name}"),
        None => {
            let near =
                EXAMPLES.iter().find(|e| !name.is_empty() && (e.starts_with(name) || name.starts_with(e.split(' ').next().unwrap_or(e))));
            near.map_or_else(|| format!("{text:?} is no command"), |e| format!("{text:?} is no command; there is `{e}`"))
        }
    }
}

/// The command of a line of text.
pub fn command_of(text: &str) -> Option<Command> {
    let (name, rest) = text.split_once(' ').unwrap_or((text, ""));
    let rest = rest.trim();
    let number = || rest.parse::<f64>().ok().filter(|n| n.is_finite());
    let whole = || rest.parse::<i32>().ok();
    let id = |word: &str| word.parse::<u64>().ok();
    let share = || number().filter(|share| (0.0..=1.0).contains(share));
    let from_one = || rest.parse::<usize>().ok()?.checked_sub(1);
    if rest.is_empty()
        && let Some(command) = plain(name)
    {
        return Some(command);
    }
    Some(match name {
        "orbit-by" => Command::MoveOrbit(number()?),
        "orbit-to" => Command::SetOrbit(number()?),
        "camera-by" => Command::StepCamera(whole()?),
        "jog" => Command::JogFrames(whole()?),
        "jog-to" => Command::JogTo(MediaTime::from_secs_f64(number()?)),
        "t-bar" => Command::TBar { share: share()?, in_time: false },
        "t-bar-time" => Command::TBar { share: share()?, in_time: true },
        "pivot-at" => {
            let (picture, at) = rest.split_once(' ')?;
            let camera = if picture == "preview" { None } else { Some(picture.parse::<usize>().ok()?.checked_sub(1)?) };
            let at: Vec<f64> = at.split_whitespace().map(str::parse).collect::<Result<_, _>>().ok()?;
            Command::PickPivot { camera, at: at.try_into().ok().filter(|at: &[f64; 2]| at.iter().all(|v| (0.0..=1.0).contains(v)))? }
        }
        "graphic" => Command::EditGraphics(graphics::edit_of(rest)?),
        "graphic-at" => graphics::click_of(rest)?,
        "transition" => Command::SetTransition(transition(&rest.split_whitespace().collect::<Vec<_>>())?),
        "slice" => Command::Slice(slice(rest)?),
        "free-by" => two(rest).map(|[dolly_m, height_m]| Command::FreeBy { dolly_m, height_m })?,
        "free-to" => two(rest).map(|[dolly_m, height_m]| Command::FreeTo { dolly_m, height_m })?,
        "clean-feed" => Command::CleanFeed(Some(["off", "on"].iter().position(|w| *w == rest)? == 1)),
        "event" => Command::SelectEvent(EventId(id(rest)?)),
        "remove-event" => Command::RemoveEvent(EventId(id(rest)?)),
        "camera" => Command::SelectCamera(from_one()?),
        "nudge" => {
            let (camera, ms) = rest.split_once(' ')?;
            let ms = ms.trim().parse::<f64>().ok().filter(|ms| ms.abs() <= 10_000.0)?;
            Command::Nudge { camera: camera.parse::<usize>().ok()?.checked_sub(1)?, by_nanos: (ms * 1e6).round() as i64 }
        }
        "move" => Command::SelectMove(from_one()?),
        "shuttle" => Command::Shuttle(whole()?),
        "speed" => Command::SetSpeed(whole()?),
        "speed-by" => Command::StepSpeed(whole()?),
        "save-template" if !rest.is_empty() => Command::SaveTemplate(rest.to_owned()),
        "new-path" => Command::NewPath(Preset::from_name(rest)?),
        "edit-path" => Command::EditPath(path_edit(rest)?),
        "scrub-path" => Command::ScrubPath(number()?),
        "match" if rest.starts_with("trim ") => trim::command_of(rest.strip_prefix("trim ")?)?,
        "match" if rest == "shading" => Command::SetShading(None),
        "match" if rest.starts_with("shading ") => {
            Command::SetShading(Some(["shading off", "shading on"].iter().position(|w| *w == rest)? == 1))
        }
        "match" => Command::SetMatching(Some(Matching::from_name(rest)?)),
        "plates" => Command::SetPlates(Some(["off", "live"].iter().position(|w| *w == rest)? == 1)),
        "slow-motion" => Command::SetSlowMotion(Some(match rest {
            "interpolate" => true,
            "hold" => false,
            _ => return None,
        })),
        "fit-rig" => Command::FitRig(Some(["off", "on"].iter().position(|w| *w == rest)? == 1)),
        "quality" if rest == "auto" => Command::SetQuality(None),
        "quality" => Command::SetQuality(Some(Quality::from_name(rest)?)),
        "edit-event" => {
            let (event, edit) = rest.split_once(' ')?;
            Command::EditEvent(EventId(id(event)?), event_edit(edit.trim())?)
        }
        "edit-list" => Command::EditPlaylist(list_edit(rest)?),
        "exports" => {
            let (order, number) = rest.split_once(' ')?;
            Command::EditExports(ExportOrder::ALL.into_iter().find(|o| o.name() == order)?, number.trim().parse().ok()?)
        }
        "output-add" => {
            let (name, address) = rest.split_once(' ')?;
            Command::AddOutput { name: name.to_owned(), address: address.trim().parse().ok()? }
        }
        "output-remove" if !rest.is_empty() && !rest.contains(char::is_control) => Command::RemoveOutput(rest.to_owned()),
        "b" => Command::Second(second::order_of(rest)?),
        "freeze-sound" => Command::SetFreezeSound(Some(FreezeSound::from_name(rest)?)),
        "calibrate" => Command::Calibrate(calibrate::order_of(rest)?),
        "lock" | "unlock" | "take-over" => Command::Lock(lock_order(name)?, Some(LockChannel::from_name(rest)?)),
        _ => return None,
    })
}

/// The commands that are one word.
fn plain(name: &str) -> Option<Command> {
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
        "next-event" => Command::NextEvent,
        "previous-event" => Command::PreviousEvent,
        "next-move" => Command::NextMove,
        "play" => Command::Play,
        "roll-on" => Command::RollOn,
        "add" => Command::AddElement,
        "template" => Command::ApplyTemplate,
        "next-template" => Command::NextTemplate,
        "play-list" => Command::PlayList,
        "next-element" => Command::NextElement,
        "next-path" => Command::NextPath,
        "match" => Command::SetMatching(None),
        "plates" => Command::SetPlates(None),
        "slow-motion" => Command::SetSlowMotion(None),
        "fit-rig" => Command::FitRig(None),
        "clean-feed" => Command::CleanFeed(None),
        "next-transition" => Command::NextTransition,
        "graphics-to-air" => Command::GraphicsToAir,
        "graphic-drop" => Command::DropGraphic,
        "slice" => Command::Slice(Slice::Switch),
        "heat" => Command::ToggleHeatMap,
        "real-pixels" => Command::ToggleRealPixels,
        "next-rung" => Command::NextRung,
        "export" => Command::Export,
        "freeze-sound" => Command::SetFreezeSound(None),
        "save-rig" => Command::SaveRig,
        _ => Command::Lock(lock_order(name)?, None),
    })
}

const LOCK_ORDERS: [(LockOrder, &str); 3] = [(LockOrder::Lock, "lock"), (LockOrder::Unlock, "unlock"), (LockOrder::TakeOver, "take-over")];

fn lock_order(name: &str) -> Option<LockOrder> {
    LOCK_ORDERS.iter().find(|(_, word)| *word == name).map(|(order, _)| *order)
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

/// `cut`, `dissolve 0.5`, `wipe right 0.5`, `stinger 1`.
fn transition(words: &[&str]) -> Option<Transition> {
    let secs = |word: &str| word.parse::<f64>().ok().filter(|s| s.is_finite() && *s > 0.0);
    Some(match *words {
        ["cut"] => Transition::Cut,
        ["dissolve", length] => Transition::Dissolve { secs: secs(length)? },
        ["wipe", towards, length] => {
            Transition::Wipe { secs: secs(length)?, towards: Towards::ALL.into_iter().find(|t| t.name() == towards)? }
        }
        // As long as its film.
        ["stinger", number] => Transition::Stinger { secs: 0.0, number: number.parse().ok().filter(|n| *n > 0)? },
        _ => return None,
    })
}

fn text_of_transition(how: Transition) -> String {
    match how {
        Transition::Cut => "cut".to_owned(),
        Transition::Dissolve { secs } => format!("dissolve {secs}"),
        Transition::Wipe { secs, towards } => format!("wipe {} {secs}", towards.name()),
        Transition::Stinger { number, .. } => format!("stinger {number}"),
    }
}

/// What follows `slice`: `3 0.25`, `at 12.48`, `event 2`, `off`.
fn slice(text: &str) -> Option<Slice> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let secs = |word: &str| word.parse::<f64>().ok().filter(|v| v.is_finite());
    Some(match *words.as_slice() {
        ["off"] => Slice::Off,
        ["at", at] => Slice::At(MediaTime::from_secs_f64(secs(at)?)),
        ["event", id] => Slice::Event(EventId(id.parse().ok()?)),
        [count, step] => {
            let count = count.parse().ok().filter(|n| (2..=13).contains(n))?;
            let step = secs(step.trim_end_matches('s')).filter(|s| (0.001..=60.0).contains(s))?;
            Slice::Phases { count, step_nanos: (step * 1e9).round() as i64 }
        }
        _ => return None,
    })
}

/// Two numbers.
fn two(text: &str) -> Option<[f64; 2]> {
    let values: Vec<f64> = text.split_whitespace().map(str::parse).collect::<Result<_, _>>().ok()?;
    values.try_into().ok().filter(|v: &[f64; 2]| v.iter().all(|v| v.abs() < 1e3))
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
        ["ramp", element, "off"] => PlaylistEdit::Ramp(id(element)?, None),
        ["ramp", element, percent] => PlaylistEdit::Ramp(id(element)?, Some(percent.parse().ok()?)),
        ["speed", element, percent] => PlaylistEdit::Speed(id(element)?, percent.parse().ok()?),
        [kind @ ("cut" | "dissolve" | "wipe" | "stinger"), element, ref rest @ ..] => {
            PlaylistEdit::Transition(id(element)?, transition(&[&[kind], rest].concat())?)
        }
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
        Command::PickPivot { camera, at: [x, y] } => {
            let picture = camera.map_or_else(|| "preview".to_owned(), |k| (k + 1).to_string());
            format!("pivot-at {picture} {x} {y}")
        }
        Command::EditGraphics(edit) => format!("graphic {}", graphics::text_of(edit)?.replace(['#', '\n', '\r'], " ")),
        Command::DrawGraphic { kind, file, camera, at } => graphics::text_of_click(*kind, file.as_deref(), *camera, *at)?,
        Command::Slice(slice) => match slice {
            Slice::Switch => "slice".to_owned(),
            Slice::Off => "slice off".to_owned(),
            Slice::Phases { count, step_nanos } => format!("slice {count} {}", *step_nanos as f64 * 1e-9),
            Slice::At(at) => format!("slice at {:.9}", at.secs_f64()),
            Slice::Event(id) => format!("slice event {}", id.0),
        },
        Command::FreeBy { dolly_m, height_m } => format!("free-by {dolly_m} {height_m}"),
        Command::FreeTo { dolly_m, height_m } => format!("free-to {dolly_m} {height_m}"),
        Command::CleanFeed(None) => "clean-feed".to_owned(),
        Command::SetTransition(how) => format!("transition {}", text_of_transition(*how)),
        Command::NextTransition => "next-transition".to_owned(),
        Command::GraphicsToAir => "graphics-to-air".to_owned(),
        Command::DropGraphic => "graphic-drop".to_owned(),
        Command::CleanFeed(Some(clean)) => format!("clean-feed {}", on(*clean)),
        Command::TBar { share, in_time } => format!("{} {share}", if *in_time { "t-bar-time" } else { "t-bar" }),
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
        Command::SetMatching(None) => "match".to_owned(),
        Command::FitRig(None) => "fit-rig".to_owned(),
        Command::FitRig(Some(on)) => format!("fit-rig {}", if *on { "on" } else { "off" }),
        Command::SetPlates(None) => "plates".to_owned(),
        Command::SetPlates(Some(live)) => format!("plates {}", if *live { "live" } else { "off" }),
        Command::SetSlowMotion(None) => "slow-motion".to_owned(),
        Command::SetSlowMotion(Some(made)) => format!("slow-motion {}", if *made { "interpolate" } else { "hold" }),
        Command::SetShading(None) => "match shading".to_owned(),
        Command::SetShading(Some(shading)) => format!("match shading {}", on(*shading)),
        Command::TrimMatch { camera, edit } => trim::text_of(camera, edit)?,
        Command::SetMatching(Some(matching)) => format!("match {}", matching.name()),
        Command::ToggleHeatMap => "heat".to_owned(),
        Command::ToggleRealPixels => "real-pixels".to_owned(),
        Command::NextRung => "next-rung".to_owned(),
        Command::Export => "export".to_owned(),
        Command::EditExports(order, number) => format!("exports {} {number}", order.name()),
        // Its secrets are not written down: whoever runs it again has to put them in.
        Command::AddOutput { name, address } => format!("output-add {name} {}", address.label()),
        Command::RemoveOutput(name) => format!("output-remove {name}"),
        Command::Second(order) => second::text_of(order),
        Command::SetFreezeSound(None) => "freeze-sound".to_owned(),
        Command::SetFreezeSound(Some(freeze)) => format!("freeze-sound {}", freeze.name()),
        Command::SaveRig => "save-rig".to_owned(),
        Command::Calibrate(order) => calibrate::text_of(order)?,
        Command::Lock(order, channel) => {
            let word = LOCK_ORDERS.iter().find(|(o, _)| o == order).map(|(_, word)| *word)?;
            channel.map_or_else(|| word.to_owned(), |channel| format!("{word} {}", channel.name()))
        }
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
            PlaylistEdit::Ramp(id, Some(percent)) => format!("edit-list ramp {} {percent}", id.0),
            PlaylistEdit::Ramp(id, None) => format!("edit-list ramp {} off", id.0),
            PlaylistEdit::Transition(id, how) => {
                let words = text_of_transition(*how);
                let (kind, rest) = words.split_once(' ').unwrap_or((&words, ""));
                format!("edit-list {kind} {} {rest}", id.0).trim_end().to_owned()
            }
            PlaylistEdit::Hold(id, value) => format!("edit-list hold {} {}", id.0, on(*value)),
        },
        Command::SetRung { .. }
        | Command::Search
        | Command::Rename
        | Command::Palette
        | Command::PivotMode
        | Command::Graphics
        | Command::Controls
        | Command::SimpleLayout
        | Command::CalibratePage
        | Command::PathEditor
        | Command::ShowKeys
        | Command::FullScreenProgram => return None,
    })
}
