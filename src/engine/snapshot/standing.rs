//! Where what a fader may follow stands now: the T-bar, the place along the arc, the speeds.
//!
//! Must not know: surfaces, windows.

use super::{ProgramKind, Snapshot};
use crate::{replay::EventId, time::MediaTime};

impl Snapshot {
    /// Where the T-bar stands, as a share of its way (0…1), in space or through the event's time; `None` where there is nothing to move.
    pub fn t_bar(&self, in_time: bool) -> Option<f64> {
        let share_of = |at: MediaTime, id: EventId| {
            let event = self.event(id)?;
            Some(((at - event.begin) as f64 / ((event.end - event.begin) as f64).max(1.0)).clamp(0.0, 1.0))
        };
        match (self.program.kind, &self.preview) {
            (ProgramKind::Replay { progress, .. }, _) if !in_time || self.program.roll.is_some() => Some(f64::from(progress)),
            (ProgramKind::Replay { instant, .. }, _) => share_of(instant, self.events.iter().find(|e| e.instant == instant)?.id),
            (_, Some(p)) if in_time => share_of(p.roll.map_or(p.instant, |r| r.instant), p.event?),
            (_, None) if in_time => None,
            (_, Some(p)) if p.path_share.is_some() => p.path_share,
            _ => Some((self.position / self.arc_length().max(1e-6)).clamp(0.0, 1.0)),
        }
    }

    /// The smallest step of the T-bar, as a share of its way: in preview's time it stands on whole frames.
    pub fn t_bar_grain(&self, in_time: bool) -> f64 {
        let event = self.preview.as_ref().and_then(|p| self.event(p.event?));
        match (self.program.kind, event) {
            (ProgramKind::Live(_) | ProgramKind::Hold, Some(event)) if in_time => {
                self.rate.interval_nanos() as f64 / ((event.end - event.begin) as f64).max(1.0)
            }
            _ => 0.0,
        }
    }
}
