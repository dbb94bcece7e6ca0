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

/// How far off the curve, metres.
#[derive(Debug, Default)]
pub(in crate::engine) struct FreeState {
    /// As it was asked for: small steps of a wheel add up.
    asked: (f64, f64),
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

/// To the centimetre, so that what was left is reached again; never beyond the ends.
fn in_cm(v: f64, low: f64, high: f64) -> f64 {
    let rounded = (v * 100.0).round() / 100.0;
    if rounded > high {
        (high * 100.0).floor() / 100.0
    } else if rounded < low {
        (low * 100.0).ceil() / 100.0
    } else {
        rounded
    }
}

impl Director {
    pub(super) fn free_by(&mut self, dolly_m: f64, height_m: f64) {
        let (dolly, height) = self.free.asked;
        self.free_to(dolly + dolly_m, height + height_m);
    }

    pub(super) fn free_to(&mut self, dolly_m: f64, height_m: f64) {
        if !(dolly_m.is_finite() && height_m.is_finite()) {
            return;
        }
        self.free.asked = (dolly_m, height_m);
        self.keep_within();
        self.prefetch = None;
    }

    /// What was asked for, as far as it goes from where preview stands: another event, or another camera, may be nearer.
    pub(super) fn keep_within(&mut self) {
        let (dolly_m, height_m) = self.free.asked;
        if (dolly_m, height_m) == (0.0, 0.0) && !self.free.is_free() {
            return;
        }
        let distance = self.distance_m();
        let (near, far, high) = (NEAREST * distance, FARTHEST * distance, HIGHEST * distance);
        let within = (dolly_m.clamp(-far, near), height_m.clamp(-high, high));
        if within != (dolly_m, height_m) {
            self.free.asked = within;
            self.notice(
                NoticeLevel::Info,
                format!("The free camera ends here: {near:.1} m nearer, {far:.1} m farther, {high:.1} m up or down. Beyond, no camera has seen enough"),
            );
        }
        let offsets = (in_cm(within.0, -far, near), in_cm(within.1, -high, high));
        if offsets != self.free.offsets() {
            (self.free.dolly_m, self.free.height_m) = offsets;
            self.prefetch = None;
        }
    }

    /// From the cameras' curve to what is looked at, metres.
    fn distance_m(&self) -> f64 {
        let event = self.transport.preview().and_then(|p| self.transport.events().get(p.event?));
        let pivot = event.and_then(Event::pivot_m).map(DVec3::from_array);
        let at = self.position();
        let eye = orbit::camera_at(&self.watch.rig_now(), at, (16, 9), None).map(|c| c.center_in_world()).ok();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_whole_centimetres_within_their_ends() {
        for (v, wanted) in [(0.004, 0.0), (0.006, 0.01), (2.336, 2.34), (2.3479, 2.34), (-1.006, -1.0), (-0.0049, 0.0)] {
            let found = in_cm(v, -1.0049, 2.3479);
            assert!((found - wanted).abs() < 1e-12, "{v}: {found}");
            assert!((-1.0049..=2.3479).contains(&found));
        }
        // Ten small steps are one large one.
        let steps: f64 = (0..10).map(|_| 0.003).sum();
        assert!((in_cm(steps, -1.0, 1.0) - 0.03).abs() < 1e-12);
    }
}
