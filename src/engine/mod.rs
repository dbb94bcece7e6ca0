//! The engine: owns the state and joins the parts below it into jobs.
//!
//! [`Engine`] runs live: [`Command`]s in, one immutable [`Snapshot`] out. Must not know: windows, panels, command lines.

pub mod bench;
mod board;
pub mod board_looks;
mod board_thread;
#[cfg(feature = "gstreamer")]
mod captured;
#[cfg(feature = "gstreamer")]
pub mod claps;
mod clip;
#[cfg(feature = "gstreamer")]
pub mod clocks;
mod command;
mod desk;
mod director;
pub mod export;
mod export_ladder;
mod export_rolls;
mod export_sound;
mod export_thread;
mod export_told;
mod feeds;
#[cfg(feature = "gstreamer")]
mod following;
#[cfg(feature = "gstreamer")]
pub mod footage;
pub mod gaps;
mod gpu_thread;
pub(crate) mod graphics;
mod heat;
pub mod interchange;
mod ladder;
mod level;
mod live;
#[cfg(feature = "gstreamer")]
mod live_history;
mod live_plates;
mod meter;
mod moment_thread;
pub mod naming;
mod near;
mod orbit;
mod pick;
mod plate_judge;
pub mod plates;
mod playing;
#[cfg(feature = "gstreamer")]
pub mod preflight;
#[cfg(feature = "gstreamer")]
pub mod production;
#[cfg_attr(not(feature = "gstreamer"), allow(dead_code, reason = "only an output needs all of it"))]
mod program;
mod publish;
#[cfg(feature = "gstreamer")]
pub mod recipe;
#[cfg(feature = "gstreamer")]
pub mod recording;
pub mod refine;
#[cfg(feature = "gstreamer")]
mod remote_looks;
pub mod retime;
mod rig_book;
mod slow_motion;
mod snapshot;
mod stingers;
mod strip;
mod trims;
#[cfg(feature = "gstreamer")]
pub mod venue_feeds;

/// This program and its version.
pub const MADE_BY: &str = concat!("volte ", env!("CARGO_PKG_VERSION"));

pub use crate::calibrate::Ailment;
pub use crate::calibrate::board::{Advice, CELLS, GATE_PX, GOOD_BOARDS, LEAST_SHARED, LEAST_TILTED, Light, Part, Rejection};
pub use crate::ring::disk::DiskState;
pub use crate::scene::{Match, Matching, Quality, Shading};
pub use board_looks::Refusal;
#[cfg(feature = "gstreamer")]
pub use captured::CapturedFeeds;
pub use command::{CalibrateOrder, Command, CommandInfo, CommandKind, ExportOrder, SecondOrder, Slice};
pub use desk::{ConsoleLook, DeskFiles};
pub use export_rolls::Rolling;
pub use export_sound::SourceSound;
pub use feeds::{DiskTier, FeedHealth, FeedStatus, Feeds, LivePicture, RingStatus};
pub use heat::HEAT_LEGEND;
pub use ladder::{GapQuality, GapScore, GapState, Ladder, Rung, RungReason, can_be_hidden, gap_scores};
pub use level::{LevelCost, LevelView, preview_size_px, program_size_px};
pub use live::{Engine, EngineError, EngineHandle, EngineOptions, GpuFault, LockedOut, NotDone};
pub use plate_judge::PlatesVerdict;
pub use snapshot::{
    CalibratedCamera, CalibratedLink, CalibrationStage, CalibrationView, CameraView, ElementView, ExportState, ExportView, FreeView,
    GapView, GpuView, GraphicsView, JudgedCamera, JudgedGap, JudgedRig, LockView, MoveView, NearView, Notice, NoticeLevel, OperatorView,
    OperatorsView, PathPoint, PathsView, PivotView, PlatesView, PlaylistView, PreviewView, ProgramKind, ProgramView, RollView, SecondView,
    ShownPicture, SlicesView, SlowMotionView, Snapshot, Stand, Tally, TruthProgress, slate,
};
pub use stingers::StingerSource;
pub mod truth;
mod watch_desk;
mod watch_health;
mod watch_thread;
