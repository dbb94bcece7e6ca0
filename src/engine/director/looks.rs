//! Looks of those who look on: a view of the prepared instant from their own place along the arc; preview and program stay as they are.
//!
//! Must not know: who looks, windows.

use super::Director;
use crate::{
    engine::{
        board::LookWish,
        ladder::{Rung, cut_camera},
        live::LookAsk,
        orbit,
    },
    replay::{Event, Readiness},
};

impl Director {
    /// Asks for a look, or answers at once where a real camera's picture is it.
    pub(super) fn look(&mut self, ask: LookAsk) {
        // Who asked may have gone: then nobody is told.
        let Some((instant, readiness, event)) = self.transport.preview().map(|p| (p.instant, p.readiness, p.event)) else {
            ask.answer.try_send(Err("nothing is prepared to look at".to_owned())).ok();
            return;
        };
        let present = self.present(instant);
        let position = self.transport.wrap_position(if ask.position.is_finite() { ask.position } else { 0.0 });
        let position = orbit::Span::of(&present, self.closed()).map_or(position, |span| span.nearest(position));
        let rung = self.truth.ladder.at(position).map_or(Rung::Synthesis, |g| g.rung);
        if readiness == Readiness::Solved && rung != Rung::Cut && !self.truth.ladder.real_pixels_only {
            let pivot = event.and_then(|id| self.transport.events().get(id)).and_then(Event::pivot_m);
            let size_px = (ask.width_px, (ask.width_px * 9 / 16).max(1));
            if let Ok(target) = orbit::camera_at(&self.watch.rig_at(instant), position, size_px, pivot) {
                return self.board.post_look_latest(LookWish {
                    instant,
                    target,
                    mode: rung.mode(),
                    graphics: self.drawing(false).1,
                    answer: ask.answer,
                });
            }
        }
        let picture = cut_camera(&present, self.closed(), position, None).and_then(|k| self.real_picture(instant, k));
        ask.answer.try_send(picture.ok_or_else(|| "the frames of this instant are not there yet".to_owned())).ok();
    }
}
