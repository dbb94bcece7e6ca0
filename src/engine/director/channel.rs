//! What belongs to one channel (preview, program) beyond the transport's own state. What channels share (feeds, moments, strip, board, notices) stays
//! the director's own: a second program would be a second [`ProgramState`] with a transport of its own.
//!
//! Must not know: commands, what other channels show.

use std::{sync::Arc, time::Instant};

use super::{mend, orbit, pictures::Asked, rolls, t_bar, transitions};
use crate::{
    engine::{RollView, ShownPicture, ladder::Rung, playing::Playing},
    frame::Picture,
    output::program::Keyed,
    replay::{
        playlist::{Player, Transition},
        trim::TrimList,
    },
    rig::Camera,
    scene::Match,
    time::MediaTime,
    view::ViewReport,
};

/// What preview shows beyond the transport's own state.
#[derive(Debug, Default)]
pub(in crate::engine) struct PreviewState {
    pub progress: f32,
    pub report: Option<ViewReport>,
    pub shown: Option<ShownPicture>,
    /// The part of the arc that is solved first.
    pub(super) part: Option<orbit::Part>,
    /// Whether it is.
    pub(super) part_solved: bool,
    pub(super) asked: Option<Asked>,
    /// Preview looks along the chosen path, so long after its beginning.
    pub(super) scrub_secs: Option<f64>,
    /// Time runs.
    pub roll: Option<rolls::PreviewRoll>,
    /// The camera that a cut shows, by its number along the arc.
    pub(super) cut: Option<usize>,
    /// What the picture was asked for through, virtual or real.
    pub(super) eye: Option<Camera>,
}

/// What program shows beyond the transport's own state.
#[derive(Debug)]
pub(in crate::engine) struct ProgramState {
    pub shown: ShownPicture,
    /// What of it is a replay's.
    pub keyed: Option<Keyed>,
    /// Cuts so far, and the one that the picture belongs to.
    pub shot: u64,
    pub shown_shot: u64,
    /// When the last cut was made.
    pub(super) cut_at: Instant,
    pub report: Option<ViewReport>,
    pub position: f64,
    pub progress: f32,
    pub repeated: u64,
    pub frames: u64,
    pub(super) changed: Instant,
    pub(super) asked: Option<Asked>,
    /// Until when the last picture stays because the GPU is opened anew.
    pub(super) held_until: Option<Instant>,
    /// It has no scene and is to have one.
    pub(super) mend: Option<mend::Mend>,
    /// See [`PreviewState::cut`].
    pub(super) cut: Option<usize>,
    /// The rungs of the gaps when the take was made.
    pub(super) rungs: Vec<Rung>,
    /// What becomes of differences between the cameras, as it was chosen then.
    pub(super) matching: Match,
    /// And what was added to it by hand.
    pub(super) trims: Arc<TrimList>,
    pub(super) trims_number: u64,
    pub(super) live_time: Option<(usize, MediaTime)>,
    /// The path that is on air.
    pub(super) playing: Option<Playing>,
    /// House time of its first tick, and how far it was let go on since, seconds.
    pub(super) origin: Option<MediaTime>,
    pub(super) ticked_secs: f64,
    pub(super) player: Player,
    /// The T-bar moves it, not the clock.
    pub(super) by_hand: Option<t_bar::ByHand>,
    /// The element of the playlist that is in front.
    pub(super) slot: usize,
    /// The replay's own newest picture, and whether it was shown.
    pub(super) layer: Option<Arc<Picture>>,
    pub(super) layer_is_new: bool,
    /// The last picture of the element before.
    pub(super) outgoing: Option<Arc<Picture>>,
    /// What the picture in front takes the place of.
    pub(super) mixing: Option<transitions::Mixing>,
    /// How takes and returns change program; whether one was asked for just now; the one that is under way.
    pub transition: Transition,
    pub(super) is_asked: bool,
    pub changing: Option<transitions::Changing>,
    /// The frame that is shown while time runs.
    pub roll: Option<RollView>,
}

impl ProgramState {
    /// Before the first picture: a slate, so that nothing is ever black.
    pub fn new(slate: Picture, matching: Match) -> Self {
        Self {
            shown: ShownPicture { picture: Arc::new(slate), serial: 1 },
            report: None,
            position: 0.0,
            progress: 0.0,
            repeated: 0,
            frames: 0,
            shot: 0,
            shown_shot: 0,
            keyed: None,
            cut_at: Instant::now(),
            changed: Instant::now(),
            asked: None,
            held_until: None,
            mend: None,
            cut: None,
            rungs: Vec::new(),
            matching,
            trims: Arc::default(),
            trims_number: 0,
            live_time: None,
            playing: None,
            origin: None,
            ticked_secs: 0.0,
            player: Player::default(),
            by_hand: None,
            slot: 0,
            layer: None,
            layer_is_new: false,
            outgoing: None,
            mixing: None,
            transition: Transition::default(),
            is_asked: false,
            changing: None,
            roll: None,
        }
    }
}
