//! The ladder along the path of an export: which camera is rendered in which gap.
//!
//! Must not know: how views are made, files.

use super::ladder::{GapState, Rung, cut_camera, gap_at};
use crate::{
    replay::path::{PathSample, Track},
    rig::{self, Camera, Rig},
};

/// The ladder along the path of an export.
pub(super) struct OnLadder<'a> {
    gaps: &'a [GapState],
    rig: &'a Rig,
    track: &'a Track,
    arc: Option<rig::Arc>,
    /// The camera that a cut shows.
    shown: Option<usize>,
}

impl<'a> OnLadder<'a> {
    pub fn new(gaps: &'a [GapState], rig: &'a Rig, track: &'a Track) -> Self {
        // Gaps of another arc say nothing about this one.
        let arc = rig::Arc::fit(rig).ok().filter(|arc| arc.gap_count() == gaps.len());
        Self { gaps: if arc.is_some() { gaps } else { &[] }, rig, track, arc, shown: None }
    }

    /// The camera to render for a sample, and its gap; on a cut the nearest real camera of those that are present.
    pub fn target(&mut self, sample: &PathSample, at_secs: f64, present: &Rig) -> (Camera, Option<&'a GapState>) {
        let Some(arc) = &self.arc else { return (sample.camera.clone(), None) };
        let n = arc.order.len() as f64;
        let position = if arc.closed { sample.position.rem_euclid(n) } else { sample.position };
        let gap = gap_at(position, self.gaps.len()).map(|k| &self.gaps[k]);
        if gap.is_none_or(|g| g.rung != Rung::Cut) {
            return (sample.camera.clone(), gap);
        }
        let there: Vec<bool> = arc.order.iter().map(|&i| present.camera(&self.rig.cameras[i].name).is_some()).collect();
        self.shown = cut_camera(&there, arc.closed, position, self.shown);
        let station = self.shown.and_then(|k| self.track.station(k, at_secs));
        (station.unwrap_or_else(|| sample.camera.clone()), gap)
    }
}
