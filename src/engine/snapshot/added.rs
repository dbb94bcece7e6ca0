//! What is shown besides the prepared instant as it was seen: graphics, the free camera, other instants, what stands behind it.
//!
//! Must not know: who made it, how it is drawn.

use std::sync::Arc;

use super::ProgramView;
use crate::{
    engine::PlatesVerdict,
    output::program::ProgramStatus,
    replay::{
        graphics::{Graphic, GraphicKind},
        operators::{Holder, LockChannel, OperatorName},
        playlist::Transition,
    },
    time::MediaTime,
};

/// Program B.
#[derive(Debug, Clone)]
pub struct SecondView {
    /// What it shows.
    pub program: ProgramView,
    /// Its live camera, or the one to which its replay returns, by its number along the arc.
    pub live_camera: usize,
    /// Speed of its next roll, percent.
    pub speed_percent: i32,
    /// How its takes and returns change it.
    pub transition: Transition,
    /// Its output and sinks, while there is one.
    pub output: Option<Arc<ProgramStatus>>,
}

/// A move that a take can play.
#[derive(Debug, Clone, PartialEq)]
pub struct MoveView {
    /// Name.
    pub name: String,
    /// What it does.
    pub tooltip: String,
    /// Length, seconds.
    pub secs: f64,
}

/// The graphics. Places are shares of a picture's width and height.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GraphicsView {
    /// All of them, in the order in which they are drawn.
    pub graphics: Vec<Graphic>,
    /// They are off program and exports.
    pub clean: bool,
    /// A replay is on air with other graphics than those of preview.
    pub waits_for_take: bool,
    /// What is being drawn by clicks, and how many points it has.
    pub draft: Option<(GraphicKind, usize)>,
    /// Its points in preview.
    pub in_preview: Vec<[f32; 2]>,
    /// Its points in the cameras along the arc.
    pub in_cameras: Vec<Vec<[f32; 2]>>,
}

/// How far preview and the moves that stand in time are off the cameras' curve.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct FreeView {
    /// Nearer to what it looks at, metres.
    pub dolly_m: f64,
    /// Higher, metres.
    pub height_m: f64,
    /// Share of preview's pixels that no camera honestly upholds, 0…1; `None` until preview shows it.
    pub unsure_share: Option<f32>,
}

impl FreeView {
    /// Whether it is off the curve.
    pub fn is_free(&self) -> bool {
        self.dolly_m != 0.0 || self.height_m != 0.0
    }
}

/// Other instants in the prepared picture.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SlicesView {
    /// The instants, oldest first.
    pub instants: Vec<MediaTime>,
    /// Those of them that are in the picture.
    pub ready: Vec<MediaTime>,
}

/// Decoded pictures of all cameras about the playhead, in memory and on the GPU: a jog among them decodes and uploads nothing.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct NearView {
    /// In memory, bytes.
    pub bytes: u64,
    /// Allowed there; 0: none are kept.
    pub budget_bytes: u64,
    /// On the GPU, bytes.
    pub gpu_bytes: u64,
    /// Allowed there; 0: none are kept (no GPU, one that is a processor, or its memory has run out).
    pub gpu_budget_bytes: u64,
    /// How far they reach before the prepared instant, seconds.
    pub before_secs: f64,
    /// And after it.
    pub after_secs: f64,
    /// Pictures that were uploaded for a solve on this device.
    pub uploaded: u64,
    /// Pictures that a solve had on the GPU already.
    pub copied: u64,
}

/// Plates: what the cameras see when nobody is there.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct PlatesView {
    /// They are learned and used.
    pub live: bool,
    /// Cameras whose plates the GPU has.
    pub cameras: usize,
    /// What hidden cameras say of the prepared moment with and without them; `None` before they were asked.
    pub verdict: Option<PlatesVerdict>,
    /// The prepared moment is shown with them: by its own verdict or, until that is there, by that of the moment before.
    pub shown: bool,
}

/// A channel of the show that somebody has locked.
#[derive(Debug, Clone, PartialEq)]
pub struct LockView {
    /// What.
    pub channel: LockChannel,
    /// Who.
    pub holder: Holder,
    /// For so long, seconds.
    pub held_secs: f64,
    /// The holder has not been heard for long: others may take it over.
    pub away: bool,
}

/// An operator who said a name.
#[derive(Debug, Clone, PartialEq)]
pub struct OperatorView {
    /// The name.
    pub name: OperatorName,
    /// Silent for so long, seconds.
    pub silent_secs: f64,
    /// For long enough that others may take over.
    pub away: bool,
}

/// Who works on the show besides the console, and what is locked.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OperatorsView {
    /// The locks.
    pub locks: Vec<LockView>,
    /// Those who said a name, by it.
    pub operators: Vec<OperatorView>,
}

impl OperatorsView {
    /// The lock of a channel.
    pub fn lock(&self, channel: LockChannel) -> Option<&LockView> {
        self.locks.iter().find(|lock| lock.channel == channel)
    }
}

/// Slow motion beyond the cameras' rate.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct SlowMotionView {
    /// Pictures between the cameras' frames are made; else each frame stands until the next one.
    pub interpolate: bool,
    /// They are to be made, and for now the GPU cannot.
    pub too_slow: bool,
    /// What one takes, milliseconds; `None` until that is known.
    pub picture_ms: Option<f32>,
    /// Shown so far.
    pub made: u64,
    /// Frames that stood because the picture was not there in time.
    pub late: u64,
    /// Frames that stood because the two about the instant do not agree.
    pub unsure: u64,
}
