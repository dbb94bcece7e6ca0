//! What is on program as a function of time: the track that a take plays, or a playlist's tracks one after the other.
//!
//! Must not know: pictures, who decodes them.

use crate::{
    replay::{
        EventId,
        path::{PathSample, Track},
        playlist::{ElementId, Place, Player, Schedule, Transition},
    },
    time::MediaTime,
};

/// One track.
#[derive(Debug, Clone)]
pub(super) struct Segment {
    pub track: Track,
    /// The instant whose scene may be solved: at it views between the cameras can be shown.
    pub anchor: MediaTime,
    /// Its element of the playlist and its event; `None` for a take.
    pub element: Option<(ElementId, EventId)>,
    /// How it begins, after the one before it.
    pub transition: Transition,
}

/// A replay that plays.
#[derive(Debug, Clone)]
pub(super) struct Playing {
    pub segments: Vec<Segment>,
    pub schedule: Schedule,
    /// It is nothing but a roll on one camera, so that its speed may be changed under way.
    pub plain: bool,
}

/// What is to be seen at one time of it.
#[derive(Debug, Clone)]
pub(super) struct Cue {
    pub anchor: MediaTime,
    pub sample: PathSample,
    /// Elapsed share of the track, 0…1.
    pub progress: f32,
    /// Percent; 0 where time stands.
    pub speed_percent: i32,
}

/// Over so long the speed is measured, seconds.
const SPEED_OVER_SECS: f64 = 0.01;

impl Playing {
    /// A take.
    pub fn take(track: Track, anchor: MediaTime, plain: bool) -> Self {
        let schedule = Schedule::new([(track.path().duration_secs, 0.0, false)], false);
        Self { segments: vec![Segment { track, anchor, element: None, transition: Transition::Cut }], schedule, plain }
    }

    /// Whether it is a playlist.
    pub fn is_list(&self) -> bool {
        self.segments.first().is_some_and(|s| s.element.is_some())
    }

    /// Where it is so long from where the player is.
    pub fn place(&self, player: &Player, ahead_secs: f64) -> Option<Place> {
        let mut place = player.place(ahead_secs, &self.schedule)?;
        if !self.is_list() {
            // A take holds at its end, or goes on over and over, by its own track.
            place.local_secs = player.secs() + ahead_secs;
        }
        Some(place)
    }

    /// What is to be seen of one track so long after its beginning.
    pub fn cue(&self, slot: usize, secs: f64) -> Option<Cue> {
        let Segment { track, anchor, .. } = self.segments.get(slot)?;
        let whole = track.path().duration_secs;
        let sample = track.sample(secs);
        let ended = secs >= whole && !track.path().looped;
        let nanos = track.sample(secs + SPEED_OVER_SECS).instant - sample.instant;
        let speed_percent = if ended { 0 } else { (nanos as f64 * 1e-9 / SPEED_OVER_SECS * 100.0).round() as i32 };
        Some(Cue { anchor: *anchor, progress: (secs / whole).clamp(0.0, 1.0) as f32, sample, speed_percent })
    }

    /// What is to be seen where the player is, in front.
    pub fn at(&self, player: &Player) -> Option<Cue> {
        let place = self.place(player, 0.0)?;
        self.cue(place.slot, place.local_secs)
    }
}

impl Cue {
    /// Whether this is the anchor's own instant, at the rate of the feeds.
    pub fn is_at_anchor(&self, interval_nanos: i64) -> bool {
        self.sample.instant.distance_nanos(self.anchor) * 2 < interval_nanos.unsigned_abs()
    }
}
