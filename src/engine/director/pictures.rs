//! What program and preview show now: the director's part that follows the transport with pictures.
//!
//! Must not know: commands, windows.

use std::sync::Arc;

use super::{Director, UNDERRUN_INTERVALS};
use crate::{
    engine::{ShownPicture, board::ViewWish, orbit},
    frame::Picture,
    replay::{Program, Readiness, TransportCommand},
    time::MediaTime,
};

impl Director {
    /// Brings program up to date: a newer live picture, or the next picture of the move.
    pub(super) fn refresh_program(&mut self) {
        match self.transport.program().clone() {
            Program::Live { camera } => {
                if let Some(live) = self.feeds.live_picture(camera)
                    && self.program.live_time != Some((camera, live.time))
                {
                    self.program.live_time = Some((camera, live.time));
                    self.show_program(live.picture);
                } else if self.program.changed.elapsed().as_secs_f64() > UNDERRUN_INTERVALS / self.feeds.rate().fps() {
                    self.program.repeated += 1;
                }
            }
            Program::Hold => self.program.repeated += 1,
            Program::Replay(on_air) => {
                let elapsed_secs = ((self.feeds.now() - on_air.started) as f64 * 1e-9).max(0.0);
                let sample = self.program.playing.as_ref().map(|track| {
                    let progress = (elapsed_secs / track.path().duration_secs).min(1.0) as f32;
                    (track.sample(elapsed_secs), progress)
                });
                let position = sample.as_ref().map_or(on_air.from_position, |(s, _)| s.position);
                self.program.position = self.transport.wrap_position(position);
                self.program.progress = sample.as_ref().map_or(1.0, |(_, progress)| *progress);
                if self.program.asked == Some((on_air.instant, position, on_air.solved)) {
                    return;
                }
                self.program.asked = Some((on_air.instant, position, on_air.solved));
                if let (true, Some((sample, _))) = (on_air.solved, sample) {
                    if self.board.post_program_latest(ViewWish { instant: on_air.instant, target: sample.camera }) {
                        self.program.repeated += 1;
                    }
                } else if let Some(picture) = self.real_picture(on_air.instant, position) {
                    if !Arc::ptr_eq(&picture, &self.program.shown.picture) {
                        self.show_program(picture);
                    }
                } else {
                    self.apply(TransportCommand::ProgramFault("the frames of this instant are gone. Mark it again".to_owned()));
                }
            }
        }
    }

    /// Brings preview up to date with its instant and position.
    pub(super) fn refresh_preview(&mut self) {
        let Some(p) = self.transport.preview() else { return };
        let (instant, position, readiness) = (p.instant, p.position, p.readiness);
        if readiness < Readiness::RealCameras {
            return;
        }
        let size_px = self.quality.preview_size_px();
        let part_serves = self.preview.part_solved && self.preview.part.as_ref().is_some_and(|part| part.covers(position));
        let target = if readiness == Readiness::Solved || part_serves {
            match orbit::camera_at(self.feeds.rig(), position, size_px) {
                Ok(camera) => Some(camera),
                Err(e) => {
                    tracing::debug!(%e, "no virtual camera");
                    None
                }
            }
        } else {
            None
        };
        let asked = (instant, position, size_px, target.is_some());
        if self.preview.asked == Some(asked) {
            return;
        }
        self.preview.asked = Some(asked);
        if let Some(target) = target {
            self.board.post_preview_latest(ViewWish { instant, target });
        } else if let Some(picture) = self.real_picture(instant, position)
            && self.preview.shown.as_ref().is_none_or(|s| !Arc::ptr_eq(&s.picture, &picture))
        {
            let serial = self.next_serial();
            self.preview.report = None;
            self.preview.shown = Some(ShownPicture { picture, serial });
        }
    }

    /// The real picture of an instant nearest to a position.
    pub(super) fn real_picture(&self, instant: MediaTime, position: f64) -> Option<Arc<Picture>> {
        let moment = self.moment(instant)?;
        let order = self.transport.arc_order();
        let n = order.len() as f64;
        let closed = self.closed();
        let distance = |k: usize| {
            let straight = (k as f64 - position).abs();
            if closed { straight.min(n - straight) } else { straight }
        };
        let cameras = &self.feeds.rig().cameras;
        order
            .iter()
            .enumerate()
            .filter_map(|(k, &i)| {
                let frame = moment.frames.iter().find(|f| f.camera == cameras[i].name)?;
                Some((distance(k), frame))
            })
            .min_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, frame)| Arc::clone(&frame.picture))
    }
}
