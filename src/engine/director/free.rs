//! The free camera: how far preview, and the moves in which time stands, leave the cameras' curve; where that ends, and why.
//!
//! Must not know: how pictures are made, windows.

use glam::DVec3;

use super::{Director, NoticeLevel};
use crate::{
    engine::{FreeView, orbit},
    replay::{Event, path::Path},
};

/// Between the curve and what is looked at, the free camera goes this share of the way at most: nearer, the cameras' pixels are larger than its own.
const NEAREST: f64 = 0.6;
/// Away from it, this share of the distance.
const FARTHEST: f64 = 0.5;
/// Up and down, this share of the distance: beyond, it would see tops and undersides that no camera has seen.
const HIGHEST: f64 = 0.35;

/// How far off the curve.
#[derive(Debug, Default)]
pub(in crate::engine) struct FreeState {
    dolly_m: f64,
    height_m: f64,
}

impl FreeState {
    /// Nearer and higher, metres.
    pub const fn offsets(&self) -> (f64, f64) {
        (self.dolly_m, self.height_m)
    }

    /// Whether it is off the curve.
    pub fn is_free(&self) -> bool {
        self.offsets() != (0.0, 0.0)
    }
}

impl Director {
    pub(super) fn free_by(&mut self, dolly_m: f64, height_m: f64) {
        self.free_to(self.free.dolly_m + dolly_m, self.free.height_m + height_m);
    }

    pub(super) fn free_to(&mut self, dolly_m: f64, height_m: f64) {
        if !(dolly_m.is_finite() && height_m.is_finite()) {
            return;
        }
        let distance = self.distance_m();
        let clamped = |v: f64, low: f64, high: f64| {
            // To the centimetre, so that what was left is reached again.
            let v = (v * 100.0).round() / 100.0;
            (v.clamp(low, high), !(low..=high).contains(&v))
        };
        let (dolly, stops_near) = clamped(dolly_m, -FARTHEST * distance, NEAREST * distance);
        let (height, stops_high) = clamped(height_m, -HIGHEST * distance, HIGHEST * distance);
        if stops_near || stops_high {
            let (near, far, high) = (NEAREST * distance, FARTHEST * distance, HIGHEST * distance);
            self.notice(
                NoticeLevel::Info,
                format!("The free camera ends here: {near:.1} m nearer, {far:.1} m farther, {high:.1} m up or down. Beyond, no camera has seen enough"),
            );
        }
        (self.free.dolly_m, self.free.height_m) = (dolly, height);
        self.prefetch = None;
    }

    /// From the cameras' curve to what is looked at, metres.
    fn distance_m(&self) -> f64 {
        let event = self.transport.preview().and_then(|p| self.transport.events().get(p.event?));
        let pivot = event.and_then(Event::pivot_m).map(DVec3::from_array);
        let at = self.position();
        let eye = orbit::camera_at(self.feeds.rig(), at, (16, 9), None).map(|c| c.center_in_world()).ok();
        match (eye, pivot.or(self.arc.as_ref().map(|a| a.center_in_world))) {
            (Some(eye), Some(pivot)) => (pivot - eye).length(),
            _ => 0.0,
        }
    }

    /// A path in which time stands still, so far off the curve; others show real cameras, which stand where they stand.
    pub(super) fn freed(&self, path: Path) -> Path {
        if self.free.is_free() && path.is_frozen() { path.freed(self.free.dolly_m, self.free.height_m) } else { path }
    }

    /// The free camera as everybody else sees it.
    pub(in crate::engine) fn free_view(&self) -> FreeView {
        let unsure_share = self.preview.report.as_ref().and_then(|r| r.unsure_share);
        FreeView { dolly_m: self.free.dolly_m, height_m: self.free.height_m, unsure_share }
    }
}
