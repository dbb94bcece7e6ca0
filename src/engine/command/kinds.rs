//! The commands by their kind: one name, one tooltip and one shortcut each.
//!
//! Must not know: what a command does.

use super::{Command, SecondOrder, Slice};
use crate::replay::{EventId, operators::LockOrder, path::Preset};

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
    EditGraphics,
    DrawGraphic,
    Graphics,
    CleanFeed,
    GraphicsToAir,
    DropGraphic,
    SetTransition,
    NextTransition,
    Slice,
    FreeBy,
    FreeTo,
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
    SetPlates,
    SetSlowMotion,
    SetShading,
    FitRig,
    TrimMatch,
    ToggleHeatMap,
    ToggleRealPixels,
    SetRung,
    NextRung,
    Export,
    EditExports,
    AddOutput,
    RemoveOutput,
    RollB,
    TakeB,
    RollOnB,
    ReturnB,
    SelectCameraB,
    SetSpeedB,
    SetTransitionB,
    AddOutputB,
    RemoveOutputB,
    SetFreezeSound,
    SaveRig,
    CalibratePage,
    Calibrate,
    Lock,
    Unlock,
    TakeOver,
    Controls,
    SimpleLayout,
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
    pub const COUNT: usize = 93;

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
        info(
            Self::Graphics,
            "GRAPHICS",
            "Lines, planes, circles, distances and pictures in the scene, and a score bug: the list, and clicks into pictures that draw; again: done",
            "D",
        ),
        info(Self::DrawGraphic, "Draw", "Click the points of a graphic in preview or in cameras' pictures of the solved instant", ""),
        info(Self::EditGraphics, "Edit graphics", "Add, remove, show and hide graphics; their colour, width, words, place and picture", ""),
        info(
            Self::CleanFeed,
            "CLEAN",
            "Clean feed: no graphics on program and in exports; preview keeps them. Again: graphics are back",
            "Shift+D",
        ),
        info(
            Self::GraphicsToAir,
            "TO AIR",
            "Put the graphics of preview on the replay that is on air; otherwise they go on air with the next TAKE",
            "Ctrl+D",
        ),
        info(Self::DropGraphic, "Drop graphic", "Drop the graphic that is half drawn; a right click into a picture does it too", "Esc"),
        info(Self::Rename, "Rename", "Type another name for the prepared event", "F2"),
        info(Self::Search, "Search", "Search the events: words, colours, cameras; *3 is a rating of three or more", "Ctrl+F"),
        info(Self::Undo, "Undo", "Take the last edit back; never what is on air", "Ctrl+Z"),
        info(Self::Redo, "Redo", "Make the edit again that was taken back", "Ctrl+Shift+Z"),
        info(
            Self::Slice,
            "SLICES",
            "Three phases of the movement in one picture, a quarter of a second apart; Shift+click the timeline for others; again: one instant",
            "S",
        ),
        info(
            Self::FreeBy,
            "Free camera",
            "Leave the cameras' curve: higher and lower, with Shift nearer and farther; the wheel over preview does it too",
            "Ctrl+Up / Down, Ctrl+Shift+Up / Down",
        ),
        info(Self::FreeTo, "On the arc", "Back from the free camera to the cameras' curve", "Ctrl+Home"),
        info(Self::Take, "TAKE", "Put the prepared replay on program", "Enter"),
        info(Self::NextTransition, "TRANSITION", "How TAKE and RETURN change program: cut, dissolve, wipe or a stinger; the next one", "W"),
        info(Self::SetTransition, "Transition to", "Cut, dissolve, wipe or stinger, with its length", ""),
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
        info(
            Self::SetPlates,
            "Plates",
            "Learn what does not move, and show moments with it where that is truer; or solve every moment alone",
            "",
        ),
        info(
            Self::SetSlowMotion,
            "Slow motion",
            "What is shown between a camera's frames in slow motion: pictures made from both, or the frame held; nothing is made under real pixels",
            "",
        ),
        info(Self::FitRig, "Fit rig", "Adjust the rig to what the cameras show where that is better, or leave it as its file says", ""),
        info(Self::SetShading, "Shading", "Even out dark corners and responses of the cameras' own, or leave them", ""),
        info(
            Self::TrimMatch,
            "Trim",
            "Exposure, warm or cold, magenta or green, dark corners and contrast of a camera by hand, on top of the match",
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
        info(Self::EditExports, "Exports", "Hold, resume or cancel an export of the list", ""),
        info(Self::AddOutput, "Add output", "Send program to another address from now on", ""),
        info(Self::RemoveOutput, "Remove output", "Send program there no longer; the others do not notice", ""),
        info(
            Self::RollB,
            "ROLL B",
            "Roll the prepared event on program B from in to out, on the nearest camera, at B's speed; program A does not notice",
            "F6",
        ),
        info(
            Self::TakeB,
            "TAKE B",
            "Put preview's roll on program B, or the prepared instant with the move Roll or Hold; orbits need program A",
            "F7",
        ),
        info(Self::RollOnB, "ROLL ON B", "Let the replay on program B roll on from what it shows; again: stop it there", "F8"),
        info(Self::ReturnB, "RETURN B", "Program B goes back to its live camera", "F9"),
        info(Self::SelectCameraB, "Live camera B", "Choose the camera that is live on program B, or to which its replay returns", ""),
        info(Self::SetSpeedB, "Speed B", "Speed of rolls on program B, -400 to 400 %; it also changes the one that rolls there", ""),
        info(Self::SetTransitionB, "Transition B", "How TAKE B, ROLL B and RETURN B change program B, with its length", ""),
        info(Self::AddOutputB, "Add output B", "Send program B to another address from now on", ""),
        info(Self::RemoveOutputB, "Remove output B", "Send program B there no longer; the others do not notice", ""),
        info(Self::SetFreezeSound, "Freeze sound", "What is heard while time stands still: live, silence or a tail", ""),
        info(
            Self::SaveRig,
            "Save rig",
            "Write the rig as it stands now, with bumped cameras where they were solved anew, to a file beside the show",
            "",
        ),
        info(
            Self::CalibratePage,
            "CALIBRATE",
            "A rig from a board that is carried before the cameras: the coach says what is missing, the gate how good it is",
            "Ctrl+B",
        ),
        info(
            Self::Calibrate,
            "Calibration",
            "Begin a calibration with this board, give lenses, say that it lies on the floor, finish, carry on, save the rig, use it, or cancel",
            "",
        ),
        info(
            Self::Lock,
            "LOCK",
            "Lock a channel of the show for yourself: program, program-b, preview, desk, graphics, rig or outputs; from the list of commands, all of them",
            "",
        ),
        info(Self::Unlock, "UNLOCK", "Let go what you have locked; the console lets go what anybody has locked", ""),
        info(
            Self::TakeOver,
            "TAKE OVER",
            "Get what another has locked: at the console at any time, elsewhere when the other has been silent for ten seconds",
            "",
        ),
        info(Self::Controls, "Controls", "MIDI, jog shuttles, game pads: what asks for what; learn it by touching", "Ctrl+L"),
        info(
            Self::SimpleLayout,
            "SIMPLE",
            "One large button that always does the next step, with the monitors and the cameras; again: the whole console",
            "F10",
        ),
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
            Self::Graphics => Command::Graphics,
            Self::CleanFeed => Command::CleanFeed(None),
            Self::GraphicsToAir => Command::GraphicsToAir,
            Self::DropGraphic => Command::DropGraphic,
            Self::NextTransition => Command::NextTransition,
            Self::Slice => Command::Slice(Slice::Switch),
            Self::FreeTo => Command::FreeTo { dolly_m: 0.0, height_m: 0.0 },
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
            Self::SetPlates => Command::SetPlates(None),
            Self::SetSlowMotion => Command::SetSlowMotion(None),
            Self::SetShading => Command::SetShading(None),
            Self::FitRig => Command::FitRig(None),
            Self::ToggleHeatMap => Command::ToggleHeatMap,
            Self::ToggleRealPixels => Command::ToggleRealPixels,
            Self::NextRung => Command::NextRung,
            Self::Export => Command::Export,
            Self::RollB => Command::Second(SecondOrder::Roll),
            Self::TakeB => Command::Second(SecondOrder::Take),
            Self::RollOnB => Command::Second(SecondOrder::RollOn),
            Self::ReturnB => Command::Second(SecondOrder::Return),
            Self::SetFreezeSound => Command::SetFreezeSound(None),
            Self::SaveRig => Command::SaveRig,
            Self::CalibratePage => Command::CalibratePage,
            Self::Lock => Command::Lock(LockOrder::Lock, None),
            Self::Unlock => Command::Lock(LockOrder::Unlock, None),
            Self::TakeOver => Command::Lock(LockOrder::TakeOver, None),
            Self::Controls => Command::Controls,
            Self::SimpleLayout => Command::SimpleLayout,
            Self::ShowKeys => Command::ShowKeys,
            Self::FullScreenProgram => Command::FullScreenProgram,
            Self::EditEvent
            | Self::Calibrate
            | Self::EditExports
            | Self::AddOutput
            | Self::RemoveOutput
            | Self::SelectCameraB
            | Self::SetSpeedB
            | Self::SetTransitionB
            | Self::AddOutputB
            | Self::RemoveOutputB
            | Self::EditGraphics
            | Self::SetTransition
            | Self::DrawGraphic
            | Self::FreeBy
            | Self::MoveOrbit
            | Self::SetOrbit
            | Self::TBar
            | Self::JogFrames
            | Self::JogTo
            | Self::SelectEvent
            | Self::SelectCamera
            | Self::Nudge
            | Self::TrimMatch
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
