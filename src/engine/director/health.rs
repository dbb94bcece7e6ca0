//! What is wrong with the cameras' pictures, in words for the operator: which camera, what, and what to do about it.
//!
//! Must not know: how it is found.

use super::Director;
use crate::{calibrate::Ailment, engine::NoticeLevel};

/// What to tell of a new ailment.
fn told(name: &str, ailment: &Ailment) -> String {
    match ailment {
        Ailment::Blurred { detail_percent } => format!(
            "{name} is out of focus or shakes: {detail_percent:.0} % of its fine detail is left. Focus it again, and see that its mount is tight"
        ),
        Ailment::Dirty { at: [x, y], share_percent } => {
            let (right, down) = (x * 100.0, y * 100.0);
            format!(
                "{name} has a dirty or wet lens, {right:.0} % from the left and {down:.0} % from the top ({share_percent:.0} % of its picture). Clean the lens of {name}"
            )
        }
        Ailment::Flickers { percent } => format!(
            "The light of {name} flickers by {percent:.1} %. Set its shutter in step with the mains: 1/50 or 1/100 s at 50 Hz, 1/60 or 1/120 s at 60 Hz"
        ),
        Ailment::StuckPixels { count, at: [x, y] } => {
            format!("{name} has {count} dead or stuck pixels, the first at {x}, {y}. Run its pixel correction with the lens covered")
        }
    }
}

/// What to tell when it is mended.
fn mended(name: &str, ailment: &Ailment) -> String {
    match ailment {
        Ailment::Blurred { .. } => format!("{name} is sharp again"),
        Ailment::Dirty { .. } => format!("The lens of {name} is clean again"),
        Ailment::Flickers { .. } => format!("The light of {name} is steady again"),
        Ailment::StuckPixels { .. } => format!("{name} has no stuck pixels any more"),
    }
}

impl Director {
    /// What is wrong with a camera's pictures now.
    pub(super) fn health_report(&mut self, camera: usize, now: &[Ailment]) {
        let Some(name) = self.feeds.rig().cameras.get(camera).map(|c| c.name.clone()) else { return };
        let before = self.watch.replace_ailments(camera, now.to_vec());
        for ailment in now.iter().filter(|a| !before.iter().any(|b| b.is_like(a))) {
            self.warn(told(&name, ailment));
        }
        for ailment in before.iter().filter(|b| !now.iter().any(|a| a.is_like(b))) {
            self.notice(NoticeLevel::Info, mended(&name, ailment));
        }
    }
}
