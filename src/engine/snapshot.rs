//! What everybody but the engine sees of its state: one immutable value, published as a whole. Every list over cameras is in the order of the arc.

mod added;
mod calibration;
mod standing;

pub use added::{
    FreeView, GraphicsView, LockView, MoveView, NearView, OperatorView, OperatorsView, PlatesView, SecondView, SlicesView, SlowMotionView,
};
pub use calibration::{CalibratedCamera, CalibratedLink, CalibrationStage, CalibrationView, JudgedCamera, JudgedGap, JudgedRig};

use std::sync::Arc;

use super::{
    feeds::{FeedStatus, LivePicture, RingStatus},
    ladder::{GapState, gap_at},
    level::LevelView,
};
use crate::{
    calibrate::Ailment,
    frame::Picture,
    output::program::{Keyed, ProgramStatus},
    replay::{
        Event, EventId, Phase, Readiness,
        path::Path,
        playlist::{ElementId, Transition},
        trim::Trim,
    },
    scene::{Match, Shading},
    time::{FrameRate, MediaTime},
    view::ViewReport,
};

/// Where a camera is seen right now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tally {
    /// Nowhere.
    #[default]
    Off,
    /// It is nearest to the prepared position.
    Preview,
    /// It is on program.
    Program,
}

/// Whether a camera stands where the rig says, by what its pictures show.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Stand {
    /// Nobody has looked yet, or it cannot be watched: too little to see in its background, or it is on another machine.
    #[default]
    NotWatched,
    /// It stands.
    Stands,
    /// It shows too little to say: covered, dark, zoomed.
    Unsure,
    /// It was bumped and is left out of replays until it is solved anew.
    Bumped {
        /// How far its picture moved, px.
        shift_px: f64,
        /// It could not be solved so far: it needs a hand.
        needs_hand: bool,
    },
    /// It was bumped, and stands where it was solved anew.
    Solved {
        /// How far it was turned from where it stood before, degrees.
        turned_deg: f64,
        /// How far it was moved, metres.
        moved_m: f64,
    },
}

/// One camera.
#[derive(Debug, Clone, Default)]
pub struct CameraView {
    /// Name.
    pub name: String,
    /// Where it is seen.
    pub tally: Tally,
    /// It is live on program B.
    pub on_second: bool,
    /// Counters and health.
    pub status: FeedStatus,
    /// Whether it stands where the rig says.
    pub stand: Stand,
    /// What else is wrong with its pictures.
    pub ailments: Vec<Ailment>,
    /// How much brighter it shows what others see too, in stops per channel about the middle of all cameras, at the last solved instant.
    pub exposure_stops: Option<[f32; 3]>,
    /// How much of what it shows when nobody is there is known, 0…1; `None` before anything is, and where plates are off.
    pub plate_known: Option<f32>,
    /// What is added by hand to its match.
    pub trim: Trim,
    /// What its lens and response make of the light, where that is not what the others' do, at the last solved instant.
    pub shading: Option<Shading>,
    /// The newest picture.
    pub live: Option<LivePicture>,
}

/// The gap after a camera.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GapView {
    /// Angle, class, score, rung and its reason.
    pub state: GapState,
    /// Whether a camera at one of its ends has no honest frame at the prepared instant, so that it is bridged.
    pub bridged: bool,
}

/// How far the truth meter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TruthProgress {
    /// Cameras that were left out and scored (or cannot be).
    pub measured: usize,
    /// Cameras that can be left out.
    pub of: usize,
}

/// A picture and a number that changes with it.
#[derive(Debug, Clone)]
pub struct ShownPicture {
    /// The picture; opaque.
    pub picture: Arc<Picture>,
    /// Changes when the picture changes.
    pub serial: u64,
}

/// Time that runs, on a camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RollView {
    /// The frame that is shown.
    pub instant: MediaTime,
    /// Percent; 0 while it stands.
    pub speed_percent: i32,
    /// The two frames that the picture was interpolated between; `None`: it is the camera's own frame.
    pub between: Option<[MediaTime; 2]>,
}

/// What the prepared event turns about, and where it is seen. Places are shares of a picture's width and height.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PivotView {
    /// In the world, metres; `None` while only the first of two clicks was made.
    pub at_m: Option<[f64; 3]>,
    /// In the cameras along the arc; `None` where it is outside the picture.
    pub in_cameras: Vec<Option<[f32; 2]>>,
    /// In preview.
    pub in_preview: Option<[f32; 2]>,
    /// The first of two clicks, which waits for the other: the camera's number along the arc, and where.
    pub first_click: Option<(usize, [f32; 2])>,
}

/// Preview.
#[derive(Debug, Clone)]
pub struct PreviewView {
    /// The event that it came from.
    pub event: Option<EventId>,
    /// The frozen instant.
    pub instant: MediaTime,
    /// Position along the arc, gaps.
    pub position: f64,
    /// How far it is.
    pub readiness: Readiness,
    /// Progress of the solve, 0…1.
    pub progress: f32,
    /// Why it does not go further.
    pub problem: Option<String>,
    /// What went into the picture.
    pub report: Option<ViewReport>,
    /// (camera, why) without an honest frame at the instant.
    pub left_out: Vec<(String, String)>,
    /// The picture.
    pub shown: Option<ShownPicture>,
    /// Time runs: a camera's own frame away from the prepared instant.
    pub roll: Option<RollView>,
    /// Where on the chosen own path preview stands, 0…1; `None`: it is on the arc.
    pub path_share: Option<f64>,
    /// What the event turns about, where that was said.
    pub pivot: Option<PivotView>,
    /// The cameras' own pictures of the instant, along the arc; empty until they are decoded.
    pub frames: Vec<Option<Arc<Picture>>>,
}

/// What program shows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ProgramKind {
    /// A live camera, by its number along the arc.
    Live(usize),
    /// The last picture, repeated: no camera delivers.
    Hold,
    /// A replay.
    Replay {
        /// The frozen instant.
        instant: MediaTime,
        /// Position along the arc, gaps.
        position: f64,
        /// Elapsed share of the move, 0…1; 1 holds at its end.
        progress: f32,
        /// Between the cameras (`true`) or stepping through real cameras.
        solved: bool,
    },
}

/// An element of the playlist.
#[derive(Debug, Clone, PartialEq)]
pub struct ElementView {
    /// Identity.
    pub id: ElementId,
    /// Name of its event.
    pub event: String,
    /// What it shows: a roll, a still, or a move by its name.
    pub what: String,
    /// The camera nearest to where it begins.
    pub camera: String,
    /// Whether time runs, so that the speed counts.
    pub rolls: bool,
    /// Percent.
    pub speed_percent: i32,
    /// For a camera's own frames: percent at their end.
    pub ramp_percent: Option<i32>,
    /// How it begins.
    pub transition: Transition,
    /// Its end stands until the operator goes on.
    pub hold: bool,
    /// How long it lasts by itself, seconds.
    pub secs: f64,
    /// When it begins to be seen, seconds since the start of the list, without holds.
    pub starts_secs: f64,
    /// The instant that it begins with.
    pub from: MediaTime,
    /// It is on program.
    pub on_air: bool,
}

/// The playlist.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PlaylistView {
    /// The elements in their order.
    pub elements: Vec<ElementView>,
    /// All of it, without holds, seconds.
    pub total_secs: f64,
    /// While it is on program: seconds since its start.
    pub elapsed_secs: Option<f64>,
    /// An element stands at its end until the operator goes on.
    pub holds: bool,
    /// Over and over.
    pub looped: bool,
    /// The template that is chosen.
    pub template: String,
}

/// A point of a path that is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PathPoint {
    /// Seconds since its beginning.
    pub at_secs: f64,
    /// Where the virtual camera is on the plan, metres from the arc's centre.
    pub eye_m: [f64; 2],
    /// The channels in the order of [`crate::replay::path::PathChannel::ALL`].
    pub values: [f64; 6],
}

/// The operator's own paths.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PathsView {
    /// Their names.
    pub names: Vec<String>,
    /// The chosen one's number, from 0.
    pub chosen: Option<usize>,
    /// The chosen one; its key frames stand at numbers along the arc.
    pub path: Option<Path>,
    /// The chosen one laid along the rig, evenly in time.
    pub points: Vec<PathPoint>,
    /// Why it cannot be laid.
    pub problem: Option<String>,
    /// The cameras along the arc on the plan, metres from the arc's centre.
    pub cameras_m: Vec<[f64; 2]>,
}

/// Program.
#[derive(Debug, Clone)]
pub struct ProgramView {
    /// What it shows.
    pub kind: ProgramKind,
    /// What is measured of the replay's picture.
    pub report: Option<ViewReport>,
    /// The picture; there always is one.
    pub shown: ShownPicture,
    /// Counts cuts: a camera, a take, a return. A playlist is one take.
    pub shot: u64,
    /// The shot that the picture belongs to: until the first picture of a new one is there, that of the one before.
    pub shown_shot: u64,
    /// It is on its way from one shot to the next: `shown` is both.
    pub mixes: bool,
    /// What comes has not been seen yet: `shown` is still what goes.
    pub waits: bool,
    /// What of `shown` is a replay's.
    pub keyed: Option<Keyed>,
    /// Other instants in its picture, as they were taken.
    pub slices: Vec<MediaTime>,
    /// A replay away from its frozen instant: a camera's own frame, or a picture between two of them.
    pub roll: Option<RollView>,
    /// Frames that were due and repeated the last picture.
    pub repeated: u64,
    /// Frames that were due.
    pub frames: u64,
}

/// The GPU as the operator sees it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GpuView {
    /// Adapter; empty while it opens or when there is none.
    pub adapter: String,
    /// Why there is none, with the remedy.
    pub problem: Option<String>,
    /// Milliseconds of the last program picture.
    pub program_ms: f32,
    /// Milliseconds of the last preview picture.
    pub preview_ms: f32,
    /// Milliseconds of the last solve.
    pub solve_ms: f32,
    /// GPU milliseconds per stage of the last solve, where the adapter can measure them.
    pub stages: Vec<(String, f32)>,
    /// Milliseconds of the truth meter's last step: one camera left out, solved and compared.
    pub meter_ms: f32,
    /// How often the device was lost and opened anew.
    pub recoveries: u32,
}

/// How urgent a notice is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeLevel {
    /// Good to know.
    Info,
    /// Needs a hand.
    Warning,
}

/// A line for the operator.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// Grows with each notice.
    pub id: u64,
    /// House time.
    pub at: MediaTime,
    /// How urgent.
    pub level: NoticeLevel,
    /// What happened and the remedy.
    pub text: String,
}

/// Where an export of the list stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ExportState {
    /// Others are before it.
    #[default]
    Waiting,
    /// It is being written.
    Running,
    /// It waits until it is told to go on.
    Held,
    /// It is written.
    Done,
    /// It is not; nothing was left behind.
    Failed,
    /// It was given up; nothing was left behind.
    Cancelled,
}

impl ExportState {
    /// Its word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Held => "held",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// An export of the list.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ExportView {
    /// Its number.
    pub number: u32,
    /// Where it stands.
    pub state: ExportState,
    /// Where it goes.
    pub path: String,
    /// 0…1.
    pub progress: f32,
}

/// The state, as a whole.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "they are independent switches, each shown by itself")]
pub struct Snapshot {
    /// Grows with each publication.
    pub serial: u64,
    /// House time.
    pub now: MediaTime,
    /// Whose clock that is, in a few words.
    pub house_clock: String,
    /// Rate of the feeds.
    pub rate: FrameRate,
    /// The state in one word.
    pub phase: Phase,
    /// The cameras along the arc.
    pub cameras: Arc<[CameraView]>,
    /// Whether the arc is a ring.
    pub closed: bool,
    /// The gaps along the arc: one fewer than cameras, or as many on a ring; empty without an arc.
    pub gaps: Arc<[GapView]>,
    /// How far the truth meter is with the moment that the gaps are of.
    pub truth: TruthProgress,
    /// What becomes of differences in exposure and white between the cameras.
    pub matching: Match,
    /// What is known of what does not move.
    pub plates: PlatesView,
    /// Whether preview shows how sure each pixel is.
    pub heat_map: bool,
    /// Whether nothing but the cameras' own pictures is shown.
    pub real_pixels_only: bool,
    /// The ring.
    pub ring: RingStatus,
    /// Decoded pictures about the playhead.
    pub near: NearView,
    /// Events, oldest mark first.
    pub events: Arc<[Event]>,
    /// An in point that waits for its out.
    pub pending_in: Option<MediaTime>,
    /// Whether there is an edit to take back, and one to make again.
    pub can_undo_redo: (bool, bool),
    /// Preview; `None` when nothing is prepared.
    pub preview: Option<PreviewView>,
    /// Where the orbit bar stands, gaps (also while nothing is prepared).
    pub position: f64,
    /// The playlist.
    pub playlist: Arc<PlaylistView>,
    /// How takes and returns change program.
    pub transition: Transition,
    /// The length of each stinger, seconds; 0 for one that is not there.
    pub stingers_secs: Vec<f64>,
    /// Speed of the next roll, percent.
    pub speed_percent: i32,
    /// Pictures between the cameras' frames.
    pub slow_motion: SlowMotionView,
    /// Whether a take would be obeyed.
    pub can_take: bool,
    /// Program.
    pub program: ProgramView,
    /// Program B, where the show has one.
    pub second: Option<SecondView>,
    /// The operator's own paths.
    pub paths: Arc<PathsView>,
    /// The free camera.
    pub free: FreeView,
    /// Other instants in the prepared picture.
    pub slices: Arc<SlicesView>,
    /// The graphics.
    pub graphics: Arc<GraphicsView>,
    /// The calibration that is under way.
    pub calibration: Option<Arc<CalibrationView>>,
    /// Moves that a take can play: the program's, and last the chosen own path.
    pub moves: Arc<[MoveView]>,
    /// The chosen one.
    pub chosen_move: usize,
    /// The quality level, why this one, and what each costs.
    pub level: LevelView,
    /// The GPU.
    pub gpu: GpuView,
    /// Who works on the show besides the console, and what is locked.
    pub operators: Arc<OperatorsView>,
    /// The last notices, oldest first.
    pub notices: Arc<[Notice]>,
    /// The export that is being written.
    pub export: Option<ExportView>,
    /// All exports of the list, oldest first.
    pub exports: Arc<[ExportView]>,
    /// What the machine takes now, watts; `None` where it does not say.
    pub watts: Option<f64>,
    /// The program output and its sinks, while there is one.
    pub output: Option<Arc<ProgramStatus>>,
}

impl Snapshot {
    /// Number of positions along the arc: the largest position is this (exclusive on a ring, inclusive on an open arc).
    pub fn arc_length(&self) -> f64 {
        let n = self.cameras.len();
        if self.closed { n as f64 } else { n.saturating_sub(1) as f64 }
    }

    /// The gap at a position along the arc.
    pub fn gap_at(&self, position: f64) -> Option<&GapView> {
        gap_at(position, self.gaps.len()).and_then(|k| self.gaps.get(k))
    }

    /// The event of that identity.
    pub fn event(&self, id: EventId) -> Option<&Event> {
        self.events.iter().find(|e| e.id == id)
    }

    /// Cameras without pictures, by name.
    pub fn lost_cameras(&self) -> impl Iterator<Item = &CameraView> {
        self.cameras.iter().filter(|c| c.status.health == super::FeedHealth::Lost)
    }

    /// Before anything is known: for windows that open before the engine does, and for tests.
    pub fn empty() -> Self {
        Self {
            serial: 0,
            now: MediaTime::ZERO,
            house_clock: String::new(),
            rate: FrameRate::whole(25),
            phase: Phase::Live,
            cameras: Arc::from([]),
            closed: false,
            gaps: Arc::from([]),
            truth: TruthProgress::default(),
            matching: Match::default(),
            plates: PlatesView::default(),
            heat_map: false,
            real_pixels_only: false,
            ring: RingStatus::default(),
            near: NearView::default(),
            events: Arc::from([]),
            pending_in: None,
            can_undo_redo: (false, false),
            preview: None,
            position: 0.0,
            playlist: Arc::default(),
            transition: Transition::Cut,
            stingers_secs: vec![],
            speed_percent: 50,
            slow_motion: SlowMotionView::default(),
            can_take: false,
            program: ProgramView {
                kind: ProgramKind::Hold,
                report: None,
                shown: ShownPicture { picture: Arc::new(slate(640, 360)), serial: 0 },
                shot: 0,
                shown_shot: 0,
                mixes: false,
                waits: false,
                keyed: None,
                slices: vec![],
                roll: None,
                repeated: 0,
                frames: 0,
            },
            second: None,
            paths: Arc::default(),
            free: FreeView::default(),
            slices: Arc::default(),
            graphics: Arc::default(),
            calibration: None,
            moves: Arc::from([]),
            chosen_move: 0,
            level: LevelView::default(),
            gpu: GpuView::default(),
            operators: Arc::default(),
            notices: Arc::from([]),
            export: None,
            exports: Arc::from([]),
            watts: None,
            output: None,
        }
    }
}

/// What program shows before the first picture ever arrives: 75 % colour bars over a grey ramp, so that the output is seen to
/// work and is not black.
pub fn slate(width_px: u32, height_px: u32) -> Picture {
    const BARS: [[u8; 3]; 7] = [[191, 191, 191], [191, 191, 0], [0, 191, 191], [0, 191, 0], [191, 0, 191], [191, 0, 0], [0, 0, 191]];
    let mut picture = Picture::filled(width_px.max(1), height_px.max(1), [16, 16, 16, 255]);
    let (w, h) = (picture.width() as usize, picture.height() as usize);
    for (i, px) in picture.rgba_mut().chunks_exact_mut(4).enumerate() {
        let (x, y) = (i % w, i / w);
        if y * 4 < h * 3 {
            px[..3].copy_from_slice(&BARS[(x * BARS.len() / w).min(BARS.len() - 1)]);
        } else {
            let level = 32 + (x * 192 / w) as u8;
            px[..3].copy_from_slice(&[level, level, level]);
        }
    }
    picture
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slate_is_not_black_anywhere() {
        for (w, h) in [(640, 360), (1, 1), (0, 0), (7, 3)] {
            let slate = slate(w, h);
            assert!(slate.rgba().chunks_exact(4).all(|p| p[..3].iter().any(|&v| v > 16) && p[3] == 255));
        }
    }
}
