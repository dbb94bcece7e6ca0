//! What an operator can ask for: one name, one tooltip, one shortcut each, whoever asks (console, keys, control surfaces).

use super::ladder::Rung;
use crate::{
    replay::{
        EventEdit, EventId,
        path::{PathEdit, Preset},
        playlist::PlaylistEdit,
    },
    scene::{Matching, Quality},
    time::MediaTime,
};

/// One wish of the operator. Cameras are numbered along the arc, from 0; positions along the arc are in gaps: 0 is the
/// first camera, 1.5 is midway between the second and the third.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Drop a mark at the newest instant and prepare it.
    Mark,
    /// Drop a mark at the instant in preview.
    MarkHere,
    /// In point: of the prepared event, or of the next one.
    MarkIn,
    /// Out point: of the prepared event, or of the one that was begun.
    MarkOut,
    /// Make an event of the last five seconds.
    LastFive,
    /// Make an event of the last ten seconds.
    LastTen,
    /// Change an event.
    EditEvent(EventId, EventEdit),
    /// Turn the moves of the prepared event about what stands at this place of a picture.
    PickPivot {
        /// The picture: a camera's, by its number along the arc; `None` is preview.
        camera: Option<usize>,
        /// Shares of its width and height, from the top left.
        at: [f64; 2],
    },
    /// Let a click into a picture choose the pivot, or no longer (done by the window).
    PivotMode,
    /// Take the last edit back; never what is on air.
    Undo,
    /// Make it again.
    Redo,
    /// Search the events (done by the window).
    Search,
    /// Rename the prepared event (done by the window).
    Rename,
    /// Put the prepared replay on program.
    Take,
    /// Back to live; when nothing is on air, put the preparation away.
    Return,
    /// Move the prepared position along the arc by so many gaps.
    MoveOrbit(f64),
    /// Go to the next (or, negative, the previous) camera along the arc.
    StepCamera(i32),
    /// Put the prepared position at a place of the arc.
    SetOrbit(f64),
    /// Put the T-bar at a share of its way, 0…1.
    TBar {
        /// Where it stands.
        share: f64,
        /// Through the event's time instead of along the path.
        in_time: bool,
    },
    /// Move the prepared instant by so many frames.
    JogFrames(i32),
    /// Freeze this instant.
    JogTo(MediaTime),
    /// Prepare an event.
    SelectEvent(EventId),
    /// Prepare the next event.
    NextEvent,
    /// Prepare the event before.
    PreviousEvent,
    /// Forget an event and free what it kept in the ring.
    RemoveEvent(EventId),
    /// Choose the live camera.
    SelectCamera(usize),
    /// Shift the times of a camera (by its number along the arc), nanoseconds more.
    Nudge {
        /// The camera.
        camera: usize,
        /// Positive: its frames were seen later than its times say.
        by_nanos: i64,
    },
    /// Choose the move that a take plays, by its place in [`super::Snapshot::moves`].
    SelectMove(usize),
    /// Go to the next move.
    NextMove,
    /// Roll preview at the chosen speed, or stop it.
    Play,
    /// Shuttle preview: forwards (positive) or backwards, faster with each; 0 stops it.
    Shuttle(i32),
    /// Let the replay on air roll on from what it shows, or stop it there.
    RollOn,
    /// The speed of the next roll, and of the one that rolls, percent: −400 to 400.
    SetSpeed(i32),
    /// The next faster (or slower) speed.
    StepSpeed(i32),
    /// Put the prepared event with the chosen move at the end of the playlist.
    AddElement,
    /// Add what the chosen template makes of the prepared event.
    ApplyTemplate,
    /// The next template.
    NextTemplate,
    /// Make a template of the playlist, under this name; without a name the window asks for one.
    SaveTemplate(String),
    /// Change the playlist.
    EditPlaylist(PlaylistEdit),
    /// Put the playlist on program, from its beginning; it returns to live at its end.
    PlayList,
    /// On to the next element of the playlist.
    NextElement,
    /// Open or close the path editor (done by the window).
    PathEditor,
    /// Begin an own path from a preset, at the prepared position.
    NewPath(Preset),
    /// Choose the next own path.
    NextPath,
    /// Change the chosen own path.
    EditPath(PathEdit),
    /// Show in preview what the chosen own path shows after so many seconds; time stays frozen.
    ScrubPath(f64),
    /// Choose how good the pictures are; `None` leaves the choice to the engine.
    SetQuality(Option<Quality>),
    /// What becomes of differences in exposure and white between the cameras; `None`: the next choice.
    SetMatching(Option<Matching>),
    /// Show or hide, over preview, how sure each pixel is.
    ToggleHeatMap,
    /// Show nothing but the cameras' own pictures, or go back to the ladder.
    ToggleRealPixels,
    /// Choose the rung of a gap by hand.
    SetRung {
        /// The gap after the camera of this number along the arc.
        gap: usize,
        /// `None` gives it back to its score.
        rung: Option<Rung>,
    },
    /// The next rung for the gap at the prepared position; after the last, by its score again.
    NextRung,
    /// Write the prepared replay to a file.
    Export,
    /// Write the rig as it stands now, with cameras that were bumped where they were solved anew, to a file.
    SaveRig,
    /// Show or hide the control surfaces, and learn controls there (done by the window).
    Controls,
    /// Open or close the command palette (done by the window).
    Palette,
    /// Show or hide the map of the keys (done by the window).
    ShowKeys,
    /// Switch the program window between full screen and window (done by the window).
    FullScreenProgram,
}

/// Which command, without its arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is the command of the same name")]
pub enum CommandKind {
    Mark,
    MarkHere,
    MarkIn,
    MarkOut,
    LastFive,
    LastTen,
    EditEvent,
    PivotMode,
    PickPivot,
    Undo,
    Redo,
    Search,
    Rename,
    Take,
    Return,
    MoveOrbit,
    StepCamera,
    SetOrbit,
    TBar,
    JogFrames,
    JogTo,
    SelectEvent,
    NextEvent,
    PreviousEvent,
    RemoveEvent,
    SelectCamera,
    Nudge,
    SelectMove,
    NextMove,
    Play,
    Shuttle,
    RollOn,
    SetSpeed,
    StepSpeed,
    AddElement,
    ApplyTemplate,
    NextTemplate,
    SaveTemplate,
    EditPlaylist,
    PlayList,
    NextElement,
    PathEditor,
    NewPath,
    NextPath,
    EditPath,
    ScrubPath,
    SetQuality,
    SetMatching,
    ToggleHeatMap,
    ToggleRealPixels,
    SetRung,
    NextRung,
    Export,
    SaveRig,
    Controls,
    Palette,
    ShowKeys,
    FullScreenProgram,
}

/// How a command is presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommandInfo {
    /// The command.
    pub kind: CommandKind,
    /// Its one name, on buttons and in the map of the keys.
    pub name: &'static str,
    /// What it does, one sentence.
    pub tooltip: &'static str,
    /// Its keys; empty when it has none.
    pub shortcut: &'static str,
}

impl CommandKind {
    /// How many there are.
    pub const COUNT: usize = 58;

    /// Every command, in the order in which an operator meets them.
    pub const ALL: [CommandInfo; Self::COUNT] = [
        info(
            Self::Mark,
            "MARK",
            "Freeze the newest instant of all cameras, keep it in the ring as an event and prepare it in preview",
            "Space",
        ),
        info(Self::MarkHere, "MARK HERE", "Make an event of the instant in preview, wherever it was jogged to", "Shift+Space"),
        info(
            Self::MarkIn,
            "IN",
            "In point: of the prepared event where preview stands; with none prepared, of a new event at the newest instant",
            "I",
        ),
        info(Self::MarkOut, "OUT", "Out point, likewise; it completes an event that IN began and prepares its beginning", "O"),
        info(Self::LastFive, "LAST 5 S", "Make an event of the last five seconds and prepare its beginning", "B"),
        info(Self::LastTen, "LAST 10 S", "Make an event of the last ten seconds and prepare its beginning", "Shift+B"),
        info(
            Self::EditEvent,
            "Edit event",
            "Rate the prepared event, or give it the next colour; name, keywords and notes are under the list",
            "Ctrl+0 … 5, C",
        ),
        info(
            Self::PivotMode,
            "PIVOT",
            "Click the athlete in preview or in any camera's picture of the instant: the orbit turns about that point; again: done",
            "X",
        ),
        info(Self::PickPivot, "Pivot here", "Turn about what stands in the middle of preview, or where you click in it", "Shift+X"),
        info(Self::Rename, "Rename", "Type another name for the prepared event", "F2"),
        info(Self::Search, "Search", "Search the events: words, colours, cameras; *3 is a rating of three or more", "Ctrl+F"),
        info(Self::Undo, "Undo", "Take the last edit back; never what is on air", "Ctrl+Z"),
        info(Self::Redo, "Redo", "Make the edit again that was taken back", "Ctrl+Shift+Z"),
        info(Self::Take, "TAKE", "Put the prepared replay on program", "Enter"),
        info(Self::Return, "RETURN", "Back to live; when nothing is on air, put the preparation away", "Esc"),
        info(Self::MoveOrbit, "Orbit", "Move along the arc, an eighth of a gap at a time", "Left / Right"),
        info(Self::StepCamera, "Next camera", "Move along the arc to the next real camera", "Ctrl+Left / Ctrl+Right"),
        info(Self::SetOrbit, "Orbit to", "Drag the orbit bar to put preview at any place of the arc", ""),
        info(
            Self::TBar,
            "T-bar",
            "The path by hand: along the arc in preview, along the move on air; with Ctrl through the event's time",
            "",
        ),
        info(Self::JogFrames, "Jog", "Move the frozen instant by one frame; with Shift by ten", "Up / Down, Shift+Left / Right"),
        info(Self::JogTo, "Jog to", "Click the timeline to freeze that instant", ""),
        info(Self::SelectEvent, "Prepare", "Prepare this event in preview", ""),
        info(Self::NextEvent, "Next event", "Prepare the next event of the list", "Page down"),
        info(Self::PreviousEvent, "Previous event", "Prepare the event before in the list", "Page up"),
        info(Self::RemoveEvent, "Remove", "Forget this event and free what it kept in the ring", "Delete"),
        info(
            Self::SelectCamera,
            "Live camera",
            "Choose the camera that is live, or to which a replay returns; with Shift 11 to 20",
            "1 … 9, 0",
        ),
        info(
            Self::Nudge,
            "Nudge",
            "Shift a camera's times by milliseconds against the others, from now on; in the menu of its line in CAMERA HEALTH",
            "",
        ),
        info(Self::SelectMove, "Move", "Choose the move that a take plays", ""),
        info(Self::NextMove, "Next move", "Go to the next move that a take plays", "M"),
        info(Self::Play, "PLAY", "Roll preview through the event at the chosen speed, on the nearest camera; again: stop there", "P"),
        info(
            Self::Shuttle,
            "Shuttle",
            "J backwards, L forwards, faster each time up to 400 %; K stops, and prepares that instant",
            "J, K, L",
        ),
        info(
            Self::RollOn,
            "ROLL ON",
            "Let the replay on air roll on from what it shows, at the chosen speed; again: stop it there",
            "Shift+Enter",
        ),
        info(Self::SetSpeed, "Speed", "Speed of rolls, -400 to 400 %; it also changes the one that rolls", ""),
        info(Self::StepSpeed, "Slower, faster", "The next speed from -400 to 400 %", ", ."),
        info(Self::AddElement, "ADD", "Put the prepared event with the chosen move and speed at the end of the playlist", "A"),
        info(
            Self::PlayList,
            "PLAY LIST",
            "Put the playlist on program from its beginning; at its end program returns to live",
            "Ctrl+Enter",
        ),
        info(Self::NextElement, "NEXT", "On to the next element of the playlist, also where one holds", "N"),
        info(Self::ApplyTemplate, "TEMPLATE", "Add what the chosen template makes of the prepared event", "T"),
        info(Self::NextTemplate, "Next template", "Choose the next template", "Shift+T"),
        info(
            Self::SaveTemplate,
            "SAVE",
            "Make a template of the playlist, for any event: type its name, then Enter; it is kept as a small text",
            "Ctrl+S",
        ),
        info(
            Self::EditPlaylist,
            "Edit playlist",
            "Order, speed, transition and hold of the elements, and whether the list begins again",
            "",
        ),
        info(Self::PathEditor, "PATH", "Open or close the path editor: your own moves, drawn on the plan of the rig", "G"),
        info(Self::NewPath, "New path", "Begin a path of your own from a preset, at the prepared position", "Shift+N"),
        info(Self::NextPath, "Next path", "Choose the next of your own paths", "Shift+G"),
        info(
            Self::EditPath,
            "Edit path",
            "Key frames of the chosen path: where, when, zoom, height, roll, easing; its name, length and loop",
            "",
        ),
        info(Self::ScrubPath, "Scrub path", "Look along the chosen path in preview, at the frozen instant", ""),
        info(Self::SetQuality, "Quality", "Choose how good and how costly the pictures are; Auto takes what is in time", ""),
        info(
            Self::SetMatching,
            "Match",
            "Exposure and white of the cameras: glide from one to the next, all at a common level, or as they are",
            "",
        ),
        info(Self::ToggleHeatMap, "Heat", "Show or hide, over preview, how sure each pixel is", "H"),
        info(
            Self::ToggleRealPixels,
            "Real pixels",
            "Nothing but the cameras' own pictures, in preview, on air and in exports; again: back to the ladder",
            "R",
        ),
        info(Self::SetRung, "Rung", "Choose what a gap shows: full synthesis, soft fade or cut", ""),
        info(Self::NextRung, "Ladder", "Choose by hand what this gap shows: synthesis, soft fade, cut, then by its score again", "Shift+L"),
        info(Self::Export, "EXPORT", "Write the prepared replay to a file beside the show", "E"),
        info(
            Self::SaveRig,
            "Save rig",
            "Write the rig as it stands now, with bumped cameras where they were solved anew, to a file beside the show",
            "",
        ),
        info(Self::Controls, "Controls", "MIDI, jog shuttles, game pads: what asks for what; learn it by touching", "Ctrl+L"),
        info(Self::Palette, "Commands", "Find a command by typing and run it", "Ctrl+K"),
        info(Self::ShowKeys, "Keys", "Show or hide the map of the keys", "?"),
        info(Self::FullScreenProgram, "Full screen", "Program window: full screen or window", "F11"),
    ];

    /// The command that is meant by its name alone; `None` for those that need more than that, or that a position says. For the
    /// event in preview, whoever runs it names the event.
    pub const fn by_name(self) -> Option<Command> {
        Some(match self {
            Self::Mark => Command::Mark,
            Self::MarkHere => Command::MarkHere,
            Self::MarkIn => Command::MarkIn,
            Self::MarkOut => Command::MarkOut,
            Self::LastFive => Command::LastFive,
            Self::LastTen => Command::LastTen,
            Self::PivotMode => Command::PivotMode,
            Self::PickPivot => Command::PickPivot { camera: None, at: [0.5, 0.5] },
            Self::Undo => Command::Undo,
            Self::Redo => Command::Redo,
            Self::Search => Command::Search,
            Self::Rename => Command::Rename,
            Self::Take => Command::Take,
            Self::Return => Command::Return,
            Self::StepCamera => Command::StepCamera(1),
            Self::NextEvent => Command::NextEvent,
            Self::PreviousEvent => Command::PreviousEvent,
            Self::RemoveEvent => Command::RemoveEvent(EventId(0)),
            Self::NextMove => Command::NextMove,
            Self::Play => Command::Play,
            Self::RollOn => Command::RollOn,
            Self::AddElement => Command::AddElement,
            Self::ApplyTemplate => Command::ApplyTemplate,
            Self::NextTemplate => Command::NextTemplate,
            Self::SaveTemplate => Command::SaveTemplate(String::new()),
            Self::PlayList => Command::PlayList,
            Self::NextElement => Command::NextElement,
            Self::PathEditor => Command::PathEditor,
            Self::NewPath => Command::NewPath(Preset::FreezeOrbit),
            Self::NextPath => Command::NextPath,
            Self::SetQuality => Command::SetQuality(None),
            Self::SetMatching => Command::SetMatching(None),
            Self::ToggleHeatMap => Command::ToggleHeatMap,
            Self::ToggleRealPixels => Command::ToggleRealPixels,
            Self::NextRung => Command::NextRung,
            Self::Export => Command::Export,
            Self::SaveRig => Command::SaveRig,
            Self::Controls => Command::Controls,
            Self::ShowKeys => Command::ShowKeys,
            Self::FullScreenProgram => Command::FullScreenProgram,
            Self::EditEvent
            | Self::MoveOrbit
            | Self::SetOrbit
            | Self::TBar
            | Self::JogFrames
            | Self::JogTo
            | Self::SelectEvent
            | Self::SelectCamera
            | Self::Nudge
            | Self::SelectMove
            | Self::Shuttle
            | Self::SetSpeed
            | Self::StepSpeed
            | Self::EditPlaylist
            | Self::EditPath
            | Self::ScrubPath
            | Self::SetRung
            | Self::Palette => return None,
        })
    }

    /// How it is presented.
    pub fn info(self) -> &'static CommandInfo {
        static ALL: [CommandInfo; CommandKind::COUNT] = CommandKind::ALL;
        // The table holds every kind (a test walks the enum); the first entry is never the fallback in practice.
        ALL.iter().find(|i| i.kind == self).unwrap_or(&ALL[0])
    }
}

const fn info(kind: CommandKind, name: &'static str, tooltip: &'static str, shortcut: &'static str) -> CommandInfo {
    CommandInfo { kind, name, tooltip, shortcut }
}

impl Command {
    /// Which command this is.
    pub const fn kind(&self) -> CommandKind {
        match self {
            Self::Mark => CommandKind::Mark,
            Self::MarkHere => CommandKind::MarkHere,
            Self::MarkIn => CommandKind::MarkIn,
            Self::MarkOut => CommandKind::MarkOut,
            Self::LastFive => CommandKind::LastFive,
            Self::LastTen => CommandKind::LastTen,
            Self::EditEvent(..) => CommandKind::EditEvent,
            Self::PickPivot { .. } => CommandKind::PickPivot,
            Self::PivotMode => CommandKind::PivotMode,
            Self::Undo => CommandKind::Undo,
            Self::Redo => CommandKind::Redo,
            Self::Search => CommandKind::Search,
            Self::Rename => CommandKind::Rename,
            Self::Take => CommandKind::Take,
            Self::Return => CommandKind::Return,
            Self::MoveOrbit(_) => CommandKind::MoveOrbit,
            Self::StepCamera(_) => CommandKind::StepCamera,
            Self::SetOrbit(_) => CommandKind::SetOrbit,
            Self::TBar { .. } => CommandKind::TBar,
            Self::JogFrames(_) => CommandKind::JogFrames,
            Self::JogTo(_) => CommandKind::JogTo,
            Self::SelectEvent(_) => CommandKind::SelectEvent,
            Self::NextEvent => CommandKind::NextEvent,
            Self::PreviousEvent => CommandKind::PreviousEvent,
            Self::RemoveEvent(_) => CommandKind::RemoveEvent,
            Self::SelectCamera(_) => CommandKind::SelectCamera,
            Self::Nudge { .. } => CommandKind::Nudge,
            Self::SelectMove(_) => CommandKind::SelectMove,
            Self::NextMove => CommandKind::NextMove,
            Self::Play => CommandKind::Play,
            Self::Shuttle(_) => CommandKind::Shuttle,
            Self::RollOn => CommandKind::RollOn,
            Self::SetSpeed(_) => CommandKind::SetSpeed,
            Self::StepSpeed(_) => CommandKind::StepSpeed,
            Self::AddElement => CommandKind::AddElement,
            Self::ApplyTemplate => CommandKind::ApplyTemplate,
            Self::NextTemplate => CommandKind::NextTemplate,
            Self::SaveTemplate(_) => CommandKind::SaveTemplate,
            Self::EditPlaylist(_) => CommandKind::EditPlaylist,
            Self::PlayList => CommandKind::PlayList,
            Self::NextElement => CommandKind::NextElement,
            Self::PathEditor => CommandKind::PathEditor,
            Self::NewPath(_) => CommandKind::NewPath,
            Self::NextPath => CommandKind::NextPath,
            Self::EditPath(_) => CommandKind::EditPath,
            Self::ScrubPath(_) => CommandKind::ScrubPath,
            Self::SetQuality(_) => CommandKind::SetQuality,
            Self::SetMatching(_) => CommandKind::SetMatching,
            Self::ToggleHeatMap => CommandKind::ToggleHeatMap,
            Self::ToggleRealPixels => CommandKind::ToggleRealPixels,
            Self::SetRung { .. } => CommandKind::SetRung,
            Self::NextRung => CommandKind::NextRung,
            Self::Export => CommandKind::Export,
            Self::SaveRig => CommandKind::SaveRig,
            Self::Controls => CommandKind::Controls,
            Self::Palette => CommandKind::Palette,
            Self::ShowKeys => CommandKind::ShowKeys,
            Self::FullScreenProgram => CommandKind::FullScreenProgram,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_its_own_name_tooltip_and_shortcut() {
        for (k, a) in CommandKind::ALL.iter().enumerate() {
            assert_eq!(a.kind.info(), a);
            assert!(!a.name.is_empty() && a.tooltip.len() > 10, "{a:?}");
            for b in &CommandKind::ALL[k + 1..] {
                assert_ne!(a.kind, b.kind);
                assert_ne!(a.name, b.name);
                assert!(a.shortcut.is_empty() || a.shortcut != b.shortcut, "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn a_command_knows_its_kind() {
        assert_eq!(Command::MoveOrbit(1.0).kind().info().name, "Orbit");
        assert_eq!(Command::FullScreenProgram.kind().info().shortcut, "F11");
    }
}
