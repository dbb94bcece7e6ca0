//! What an operator can ask for: one name, one tooltip, one shortcut each, whoever asks (console, keys, control surfaces).

mod kinds;
mod locks;

pub use kinds::{CommandInfo, CommandKind};
pub(super) use locks::{Situation, channels};

use std::path::PathBuf;

use super::ladder::Rung;
use crate::{
    output::program::SinkAddress,
    replay::{
        EventEdit, EventId,
        graphics::{GraphicEdit, GraphicKind},
        operators::{LockChannel, LockOrder},
        path::{PathEdit, Preset},
        playlist::{PlaylistEdit, Transition},
        trim::TrimEdit,
    },
    scene::{Matching, Quality},
    sound::FreezeSound,
    time::MediaTime,
};

/// Which instants of the movement are shown in one picture with the prepared one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slice {
    /// Three phases a quarter of a second apart; or, when there are some, none.
    Switch,
    /// Only the prepared one.
    Off,
    /// So many phases in all, so far apart; the prepared one is the last.
    Phases {
        /// In all.
        count: u32,
        /// From one to the next.
        step_nanos: i64,
    },
    /// That one too.
    At(MediaTime),
    /// The mark of that event too.
    Event(EventId),
}

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
    /// Change the graphics.
    EditGraphics(GraphicEdit),
    /// A point of a new graphic, at this place of a picture, as [`Command::PickPivot`]; with its last point it is there.
    DrawGraphic {
        /// What is drawn.
        kind: GraphicKind,
        /// The picture of an image.
        file: Option<PathBuf>,
        /// The picture that was clicked.
        camera: Option<usize>,
        /// Shares of its width and height, from the top left.
        at: [f64; 2],
    },
    /// Show the graphics, and let clicks into pictures draw them, or no longer (done by the window).
    Graphics,
    /// Other instants of the movement in the same picture.
    Slice(Slice),
    /// Leave the cameras' curve by so much more, metres.
    FreeBy {
        /// Nearer to what it looks at.
        dolly_m: f64,
        /// Higher.
        height_m: f64,
    },
    /// Leave the cameras' curve by so much, metres; by nothing is back on it.
    FreeTo {
        /// Nearer to what it looks at.
        dolly_m: f64,
        /// Higher.
        height_m: f64,
    },
    /// Take graphics off program and exports, or put them on again; `None` is the other way round.
    CleanFeed(Option<bool>),
    /// The replay on air gets the graphics of preview; else they go on air with the next take.
    GraphicsToAir,
    /// Drops the graphic that is half drawn.
    DropGraphic,
    /// How takes and returns change program.
    SetTransition(Transition),
    /// The next kind of that: cut, dissolve, wipe, stingers.
    NextTransition,
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
    /// Learn what does not move and show moments with it (`true`), or not; `None`: the other one.
    SetPlates(Option<bool>),
    /// Slow motion makes pictures between the cameras' frames (`true`), or holds each frame; `None`: the other way.
    SetSlowMotion(Option<bool>),
    /// Whether dark corners and responses of the cameras' own are evened out, too; `None`: the other way.
    SetShading(Option<bool>),
    /// Adjust the rig to what the cameras show where that is better (`true`), or leave it as its file says; `None`: the other way.
    FitRig(Option<bool>),
    /// What is added by hand to the match of a camera.
    TrimMatch {
        /// Its name.
        camera: String,
        /// What is changed.
        edit: TrimEdit,
    },
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
    /// Hold, go on with, cancel or try again an export of the list.
    EditExports(ExportOrder, u32),
    /// Send program to another address from now on, by this name.
    AddOutput {
        /// What it is called.
        name: String,
        /// Where it goes.
        address: SinkAddress,
    },
    /// Send it there no longer.
    RemoveOutput(String),
    /// Something of program B.
    Second(SecondOrder),
    /// What is heard while time stands still; `None` is the next choice.
    SetFreezeSound(Option<FreezeSound>),
    /// Write the rig as it stands now, with cameras that were bumped where they were solved anew, to a file.
    SaveRig,
    /// Begin, finish, save or give up a calibration with a board that is carried before the cameras.
    Calibrate(CalibrateOrder),
    /// Lock a channel of the show for whoever asks, let it go, or take it over from who holds it; `None`: all channels.
    Lock(LockOrder, Option<LockChannel>),
    /// Open or close the page of the calibration (done by the window).
    CalibratePage,
    /// Show or hide the control surfaces, and learn controls there (done by the window).
    Controls,
    /// Change between the whole console and the simple one with one large button (done by the window).
    SimpleLayout,
    /// Open or close the command palette (done by the window).
    Palette,
    /// Show or hide the map of the keys (done by the window).
    ShowKeys,
    /// Switch the program window between full screen and window (done by the window).
    FullScreenProgram,
}

/// What is to be done with a calibration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CalibrateOrder {
    /// Look for this board, as [`crate::calibrate::board::Board::said`] reads it; ` lenses FILE` after it gives lenses that are known.
    Start(String),
    /// Lenses are known from this file, a rig of any format; `none`: all are looked for.
    Lenses(String),
    /// The board lies on the floor now, printed side up.
    Floor,
    /// It is enough: solve the rig.
    Finish,
    /// Carry on with what there is.
    GoOn,
    /// Write the rig beside the show.
    Save,
    /// The running show takes the rig, from now on.
    Use,
    /// Give it up, or put it away when it is done.
    Cancel,
}

/// What is asked of program B, the second channel.
#[derive(Debug, Clone, PartialEq)]
pub enum SecondOrder {
    /// Put preview's roll on it, or the prepared instant with the chosen move, where that shows nothing but cameras' own pictures.
    Take,
    /// Roll the prepared event on it from its beginning, on the camera nearest to the prepared position.
    Roll,
    /// Let its replay roll on from what it shows, or stop it there.
    RollOn,
    /// Back to its live camera.
    Return,
    /// Choose its live camera, by the number along the arc.
    SelectCamera(usize),
    /// The speed of its next roll, and of the one that runs, percent: −400 to 400.
    SetSpeed(i32),
    /// How its takes and returns change it.
    SetTransition(Transition),
    /// Send it to another address from now on, by this name.
    AddOutput {
        /// What it is called.
        name: String,
        /// Where it goes.
        address: SinkAddress,
    },
    /// Send it there no longer.
    RemoveOutput(String),
}

impl SecondOrder {
    /// Which command this is.
    pub const fn kind(&self) -> CommandKind {
        match self {
            Self::Take => CommandKind::TakeB,
            Self::Roll => CommandKind::RollB,
            Self::RollOn => CommandKind::RollOnB,
            Self::Return => CommandKind::ReturnB,
            Self::SelectCamera(_) => CommandKind::SelectCameraB,
            Self::SetSpeed(_) => CommandKind::SetSpeedB,
            Self::SetTransition(_) => CommandKind::SetTransitionB,
            Self::AddOutput { .. } => CommandKind::AddOutputB,
            Self::RemoveOutput(_) => CommandKind::RemoveOutputB,
        }
    }
}

/// What can be done with an export of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportOrder {
    /// Let it wait.
    Hold,
    /// Let it go on; one that failed or was cancelled begins again.
    Resume,
    /// End it; nothing is left of its file.
    Cancel,
}

impl ExportOrder {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Hold, Self::Resume, Self::Cancel];

    /// Its word in scripts.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Resume => "resume",
            Self::Cancel => "cancel",
        }
    }
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
            Self::EditGraphics(_) => CommandKind::EditGraphics,
            Self::DrawGraphic { .. } => CommandKind::DrawGraphic,
            Self::Graphics => CommandKind::Graphics,
            Self::CleanFeed(_) => CommandKind::CleanFeed,
            Self::GraphicsToAir => CommandKind::GraphicsToAir,
            Self::DropGraphic => CommandKind::DropGraphic,
            Self::SetTransition(_) => CommandKind::SetTransition,
            Self::NextTransition => CommandKind::NextTransition,
            Self::Slice(_) => CommandKind::Slice,
            Self::FreeBy { .. } => CommandKind::FreeBy,
            Self::FreeTo { .. } => CommandKind::FreeTo,
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
            Self::SetPlates(_) => CommandKind::SetPlates,
            Self::SetSlowMotion(_) => CommandKind::SetSlowMotion,
            Self::FitRig(_) => CommandKind::FitRig,
            Self::SetShading(_) => CommandKind::SetShading,
            Self::TrimMatch { .. } => CommandKind::TrimMatch,
            Self::ToggleHeatMap => CommandKind::ToggleHeatMap,
            Self::ToggleRealPixels => CommandKind::ToggleRealPixels,
            Self::SetRung { .. } => CommandKind::SetRung,
            Self::NextRung => CommandKind::NextRung,
            Self::Export => CommandKind::Export,
            Self::EditExports(..) => CommandKind::EditExports,
            Self::AddOutput { .. } => CommandKind::AddOutput,
            Self::RemoveOutput(_) => CommandKind::RemoveOutput,
            Self::Second(order) => order.kind(),
            Self::SetFreezeSound(_) => CommandKind::SetFreezeSound,
            Self::SaveRig => CommandKind::SaveRig,
            Self::Calibrate(_) => CommandKind::Calibrate,
            Self::Lock(LockOrder::Lock, _) => CommandKind::Lock,
            Self::Lock(LockOrder::Unlock, _) => CommandKind::Unlock,
            Self::Lock(LockOrder::TakeOver, _) => CommandKind::TakeOver,
            Self::CalibratePage => CommandKind::CalibratePage,
            Self::Controls => CommandKind::Controls,
            Self::SimpleLayout => CommandKind::SimpleLayout,
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
                // Esc drops what is half drawn while no replay is on air, and is the way back to live else (`control`).
                let by_context = [a.kind, b.kind] == [CommandKind::DropGraphic, CommandKind::Return];
                assert!(a.shortcut.is_empty() || a.shortcut != b.shortcut || by_context, "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn a_command_knows_its_kind() {
        assert_eq!(Command::MoveOrbit(1.0).kind().info().name, "Orbit");
        assert_eq!(Command::FullScreenProgram.kind().info().shortcut, "F11");
    }
}
