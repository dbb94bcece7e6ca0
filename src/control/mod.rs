//! Control surfaces: which key asks for which [`Command`] (pure: a key in, a command out), the words of commands, scripts of them, and the ways
//! in from outside: OSC, HTTP, MIDI and input devices.
//!
//! Must not know: windows, egui, how a command is done.

pub mod api;
pub mod http;
pub mod hub;
pub mod mapping;
pub mod osc;
pub mod pickup;
pub mod script;
pub mod server;
pub mod surface;
pub mod text;
pub mod touch;

use crate::{
    engine::{Command, CommandKind, ProgramKind, SecondOrder, Slice, Snapshot},
    replay::{BEST_RATING, EventColor, EventEdit, path::Preset},
};

/// A key, whatever the window system calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is the key of the same name")]
pub enum Key {
    Space,
    Enter,
    Escape,
    Left,
    Right,
    Up,
    Down,
    PageUp,
    PageDown,
    Home,
    End,
    Delete,
    F2,
    F6,
    F7,
    F8,
    F9,
    F10,
    F11,
    /// 0 to 9, from the row or the pad.
    Digit(u8),
    /// Any other key by the character that it types, in lower case.
    Character(char),
}

/// Keys held meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Modifiers {
    /// Shift.
    pub shift: bool,
    /// Control (Command on a Mac).
    pub ctrl: bool,
}

/// What a key does where it depends on the state.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct KeyContext {
    /// The event in preview.
    pub prepared_event: Option<crate::replay::EventId>,
    /// Its colour.
    pub prepared_color: EventColor,
    /// A graphic is half drawn, and no replay is on air: there Esc is the way back to live and nothing else.
    pub is_drawing: bool,
    /// The last position of the arc, gaps.
    pub arc_length: f64,
}

impl KeyContext {
    /// That of a show as it is now.
    pub fn of(snapshot: &Snapshot) -> Self {
        let event = snapshot.preview.as_ref().and_then(|p| snapshot.event(p.event?));
        Self {
            prepared_event: event.map(|e| e.id),
            prepared_color: event.map(|e| e.color).unwrap_or_default(),
            is_drawing: snapshot.graphics.draft.is_some() && !matches!(snapshot.program.kind, ProgramKind::Replay { .. }),
            arc_length: snapshot.arc_length(),
        }
    }
}

/// A step of the arrow keys along the arc, gaps.
pub const ORBIT_STEP_GAPS: f64 = 0.125;
/// A step of the arrow keys off the cameras' curve, metres.
pub const FREE_STEP_M: f64 = 0.1;
/// A step of the arrow keys in time with Shift, frames.
pub const LONG_JOG_FRAMES: i32 = 10;

/// The command of a key press; `None` when the key has none.
pub fn command_for(key: Key, modifiers: Modifiers, context: &KeyContext) -> Option<Command> {
    let Modifiers { shift, ctrl } = modifiers;
    let jog = |sign: i32| Some(Command::JogFrames(sign * if shift && ctrl { LONG_JOG_FRAMES } else { 1 }));
    Some(match key {
        Key::Space if shift => Command::MarkHere,
        Key::Space => Command::Mark,
        Key::Enter if ctrl => Command::PlayList,
        Key::Enter if shift => Command::RollOn,
        Key::Enter => Command::Take,
        Key::Escape if context.is_drawing => Command::DropGraphic,
        Key::Escape => Command::Return,
        Key::Left if shift => return jog(-1),
        Key::Right if shift => return jog(1),
        Key::Left if ctrl => Command::StepCamera(-1),
        Key::Right if ctrl => Command::StepCamera(1),
        Key::Left => Command::MoveOrbit(-ORBIT_STEP_GAPS),
        Key::Right => Command::MoveOrbit(ORBIT_STEP_GAPS),
        Key::Up | Key::Down if ctrl => {
            let sign = if key == Key::Up { 1.0 } else { -1.0 };
            let (dolly_m, height_m) = if shift { (sign * FREE_STEP_M, 0.0) } else { (0.0, sign * FREE_STEP_M) };
            Command::FreeBy { dolly_m, height_m }
        }
        Key::Up => Command::JogFrames(if shift { LONG_JOG_FRAMES } else { 1 }),
        Key::Down => Command::JogFrames(if shift { -LONG_JOG_FRAMES } else { -1 }),
        Key::Home if ctrl => Command::FreeTo { dolly_m: 0.0, height_m: 0.0 },
        Key::Home => Command::SetOrbit(0.0),
        Key::End => Command::SetOrbit(context.arc_length),
        Key::PageUp => Command::PreviousEvent,
        Key::PageDown => Command::NextEvent,
        Key::Delete => Command::RemoveEvent(context.prepared_event?),
        Key::Digit(d) if ctrl && d <= BEST_RATING => Command::EditEvent(context.prepared_event?, EventEdit::Rating(d)),
        Key::Digit(_) if ctrl => return None,
        Key::F2 => Command::Rename,
        Key::F6 => Command::Second(SecondOrder::Roll),
        Key::F7 => Command::Second(SecondOrder::Take),
        Key::F8 => Command::Second(SecondOrder::RollOn),
        Key::F9 => Command::Second(SecondOrder::Return),
        Key::F10 => Command::SimpleLayout,
        Key::F11 => Command::FullScreenProgram,
        // 1 is the first camera of the arc, 0 the tenth; with Shift the second ten.
        Key::Digit(d) if d <= 9 => Command::SelectCamera(usize::from((d + 9) % 10) + if shift { 10 } else { 0 }),
        Key::Character('?') => Command::ShowKeys,
        Key::Character('z') if ctrl && shift => Command::Redo,
        Key::Character('y') if ctrl => Command::Redo,
        Key::Character('z') if ctrl => Command::Undo,
        Key::Character('f') if ctrl => Command::Search,
        Key::Character('s') if ctrl => Command::SaveTemplate(String::new()),
        Key::Character('x') if !ctrl && shift => Command::PickPivot { camera: None, at: [0.5, 0.5] },
        Key::Character('x') if !ctrl => Command::PivotMode,
        Key::Character('d') if ctrl && !shift => Command::GraphicsToAir,
        Key::Character('d') if !ctrl && shift => Command::CleanFeed(None),
        Key::Character('d') if !ctrl => Command::Graphics,
        Key::Character('s') if !ctrl => Command::Slice(Slice::Switch),
        Key::Character('i') if !ctrl => Command::MarkIn,
        Key::Character('o') if !ctrl => Command::MarkOut,
        Key::Character('b') if ctrl => Command::CalibratePage,
        Key::Character('b') if !ctrl && shift => Command::LastTen,
        Key::Character('b') if !ctrl => Command::LastFive,
        Key::Character('c') if !ctrl => Command::EditEvent(context.prepared_event?, EventEdit::Color(context.prepared_color.next())),
        Key::Character('m') if !ctrl => Command::NextMove,
        Key::Character('w') if !ctrl => Command::NextTransition,
        Key::Character('e') if !ctrl => Command::Export,
        Key::Character('h') if !ctrl => Command::ToggleHeatMap,
        Key::Character('r') if !ctrl => Command::ToggleRealPixels,
        Key::Character('l') if ctrl => Command::Controls,
        Key::Character('l') if !ctrl && shift => Command::NextRung,
        Key::Character('l') if !ctrl => Command::Shuttle(1),
        Key::Character('j') if !ctrl => Command::Shuttle(-1),
        Key::Character('k') if ctrl => Command::Palette,
        Key::Character('k') if !ctrl => Command::Shuttle(0),
        Key::Character('a') if !ctrl => Command::AddElement,
        Key::Character('g') if !ctrl && shift => Command::NextPath,
        Key::Character('g') if !ctrl => Command::PathEditor,
        Key::Character('n') if !ctrl && shift => Command::NewPath(Preset::FreezeOrbit),
        Key::Character('n') if !ctrl => Command::NextElement,
        Key::Character('t') if !ctrl && shift => Command::NextTemplate,
        Key::Character('t') if !ctrl => Command::ApplyTemplate,
        Key::Character('p') if !ctrl => Command::Play,
        Key::Character(',') => Command::StepSpeed(-1),
        Key::Character('.') => Command::StepSpeed(1),
        Key::Digit(_) | Key::Character(_) => return None,
    })
}

/// The map of the keys as rows of (keys, name, what it does), in the order in which an operator meets them.
pub fn key_map() -> Vec<(&'static str, &'static str, &'static str)> {
    CommandKind::ALL.iter().filter(|i| !i.shortcut.is_empty()).map(|i| (i.shortcut, i.name, i.tooltip)).collect()
}

/// Whether two secrets are the same, in a time that does not say where they differ.
fn same_secret(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::EventId;

    const PLAIN: Modifiers = Modifiers { shift: false, ctrl: false };
    const SHIFT: Modifiers = Modifiers { shift: true, ctrl: false };
    const CTRL: Modifiers = Modifiers { shift: false, ctrl: true };

    fn press(key: Key, modifiers: Modifiers) -> Option<Command> {
        command_for(key, modifiers, &KeyContext { prepared_event: Some(EventId(7)), arc_length: 11.0, ..KeyContext::default() })
    }

    #[test]
    fn the_show_runs_on_four_keys() {
        assert_eq!(press(Key::Space, PLAIN), Some(Command::Mark));
        assert_eq!(press(Key::Left, PLAIN), Some(Command::MoveOrbit(-ORBIT_STEP_GAPS)));
        assert_eq!(press(Key::Enter, PLAIN), Some(Command::Take));
        assert_eq!(press(Key::Escape, PLAIN), Some(Command::Return));
    }

    #[test]
    fn time_and_space_do_not_mix() {
        assert_eq!(press(Key::Up, PLAIN), Some(Command::JogFrames(1)));
        assert_eq!(press(Key::Down, SHIFT), Some(Command::JogFrames(-LONG_JOG_FRAMES)));
        assert_eq!(press(Key::Right, SHIFT), Some(Command::JogFrames(1)));
        assert_eq!(press(Key::Right, CTRL), Some(Command::StepCamera(1)));
        assert_eq!(press(Key::End, PLAIN), Some(Command::SetOrbit(11.0)));
    }

    #[test]
    fn digits_count_cameras_as_on_the_keyboard() {
        assert_eq!(press(Key::Digit(1), PLAIN), Some(Command::SelectCamera(0)));
        assert_eq!(press(Key::Digit(0), PLAIN), Some(Command::SelectCamera(9)));
        assert_eq!(press(Key::Digit(6), SHIFT), Some(Command::SelectCamera(15)));
        assert_eq!(press(Key::Digit(12), PLAIN), None);
    }

    #[test]
    fn delete_needs_a_prepared_event_and_other_keys_do_nothing() {
        assert_eq!(press(Key::Delete, PLAIN), Some(Command::RemoveEvent(EventId(7))));
        assert_eq!(command_for(Key::Delete, PLAIN, &KeyContext::default()), None);
        assert_eq!(press(Key::Character('q'), PLAIN), None);
    }

    #[test]
    fn every_shortcut_of_the_map_is_a_key() {
        // Each command that announces a shortcut is reached by some key.
        let named = [
            Key::Space,
            Key::Enter,
            Key::Escape,
            Key::Left,
            Key::Up,
            Key::PageUp,
            Key::PageDown,
            Key::Delete,
            Key::F2,
            Key::F6,
            Key::F7,
            Key::F8,
            Key::F9,
            Key::F10,
            Key::F11,
        ];
        let typed = ('a'..='z').chain("?,.-+".chars()).map(Key::Character).chain([Key::Digit(3)]);
        let keys: Vec<Key> = named.into_iter().chain(typed).collect();
        let drawing = command_for(Key::Escape, PLAIN, &KeyContext { is_drawing: true, ..KeyContext::default() });
        let held = [PLAIN, SHIFT, CTRL, Modifiers { shift: true, ctrl: true }];
        let reached: Vec<_> = keys
            .iter()
            .flat_map(|k| held.map(|m| press(*k, m)))
            .chain([press(Key::Home, CTRL), drawing])
            .flatten()
            .map(|c| c.kind())
            .collect();
        for info in &CommandKind::ALL {
            assert_eq!(!info.shortcut.is_empty(), reached.contains(&info.kind), "{info:?}");
        }
        assert_eq!(key_map().len(), reached.iter().collect::<std::collections::HashSet<_>>().len());
    }
}
