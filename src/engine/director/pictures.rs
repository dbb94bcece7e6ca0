//! What program and preview show now: the director's part that follows the transport with pictures.
//!
//! Must not know: commands, windows.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{Director, UNDERRUN_INTERVALS};
use crate::{
    engine::{
        ShownPicture,
        board::ViewWish,
        ladder::{Rung, cut_camera, gap_at},
        level::{preview_size_px, program_size_px},
        orbit,
        playing::Cue,
    },
    frame::Picture,
    replay::{Program, Readiness, TransportCommand},
    rig::Camera,
    scene::Match,
    time::MediaTime,
};

/// After a cut to a live camera its picture at full size is waited for so long.
pub(in crate::engine) const FULL_SIZE_WITHIN: Duration = Duration::from_secs(1);

/// What was last asked for or shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Asked {
    /// A camera's own picture, by its number along the arc.
    Real { instant: MediaTime, camera: usize, graphics: u64 },
    /// A view from the scene.
    View {
        instant: MediaTime,
        position: f64,
        rung: Rung,
        size_px: (u32, u32),
        heat: bool,
        matching: Match,
        trims: u64,
        camera: u64,
        graphics: u64,
        slices: u64,
    },
}

/// A number that differs where two virtual cameras differ.
fn number_of(camera: &Camera) -> u64 {
    let Camera { lens, camera_from_world: pose, .. } = camera;
    let mut values = vec![lens.fx_px, lens.fy_px, lens.cx_px, lens.cy_px];
    values.extend(pose.translation.to_array());
    values.extend(pose.rotation.to_cols_array());
    fnv(values.into_iter().map(f64::to_bits))
}

/// A number that differs where instants differ.
fn number_of_instants(instants: &[MediaTime]) -> u64 {
    fnv(instants.iter().map(|at| at.nanos().cast_unsigned()))
}

/// FNV-1a, word by word.
fn fnv(words: impl Iterator<Item = u64>) -> u64 {
    words.fold(0xcbf2_9ce4_8422_2325, |hash: u64, word| (hash ^ word).wrapping_mul(0x0100_0000_01b3))
}

impl Director {
    /// Brings program up to date: a newer live picture, or the next picture of the move.
    pub(super) fn refresh_program(&mut self) {
        match self.transport.program().clone() {
            Program::Live { camera } if self.change_to_live(camera) => {}
            Program::Live { camera } => {
                // After a cut rather the picture before than a small one.
                let waits = self.program.shown_shot != self.program.shot;
                let small = || self.feeds.live_picture(camera).filter(|_| !waits || self.program.cut_at.elapsed() > FULL_SIZE_WITHIN);
                if let Some(live) = self.feeds.live_full(camera).or_else(small)
                    && self.program.live_time != Some((camera, live.time))
                {
                    self.program.live_time = Some((camera, live.time));
                    self.show_program(live.picture, None);
                } else if self.program.changed.elapsed().as_secs_f64() > UNDERRUN_INTERVALS / self.feeds.rate().fps() {
                    self.program.repeated += 1;
                }
            }
            Program::Hold => self.program.repeated += 1,
            Program::Replay(_) => {
                let place = self.program.playing.as_ref().and_then(|playing| playing.place(&self.program.player, 0.0));
                if place.as_ref().is_some_and(|place| !self.follow_list(place)) {
                    return;
                }
                self.change_replay();
                let cue = place.and_then(|place| self.program.playing.as_ref()?.cue(place.slot, place.local_secs));
                let Program::Replay(on_air) = self.transport.program().clone() else { return };
                let position = cue.as_ref().map_or(on_air.from_position, |c| c.sample.position);
                self.program.position = self.transport.wrap_position(position);
                self.program.progress = cue.as_ref().map_or(1.0, |c| c.progress);
                if let Some(cue) = cue.as_ref().filter(|c| !self.stands(c) || self.moment(c.anchor).is_none()) {
                    self.program.held_until = None;
                    self.show_rolling(cue.sample.instant, cue.speed_percent);
                    return self.compose();
                }
                self.program.roll = None;
                if self.waits_for_look(on_air.instant) {
                    self.program.repeated += 1;
                    return;
                }
                let solved = on_air.solved;
                if solved || self.program.held_until.is_some_and(|until| until <= Instant::now()) {
                    self.program.held_until = None;
                }
                if self.program.held_until.is_some() {
                    self.program.repeated += 1;
                    return;
                }
                // The level may have changed since the take.
                let (width_px, height_px) = program_size_px(self.governor.level());
                let target =
                    cue.filter(|_| solved && !self.truth.ladder.real_pixels_only).map(|c| c.sample.camera.scaled_to(width_px, height_px));
                self.show_replay(on_air.instant, target);
                self.compose();
            }
        }
    }

    /// Whether program shows its anchor there: time that runs slowly passes it as any other instant.
    pub(super) fn stands(&self, cue: &Cue) -> bool {
        let runs = self.interpolates() && self.is_slow(cue.speed_percent);
        cue.is_at_anchor(self.feeds.rate().interval_nanos() / if runs { 8 } else { 1 })
    }

    /// The replay's picture at the program's position: a view for `target` on the rung of its gap, or without one the nearest
    /// camera's own picture.
    fn show_replay(&mut self, instant: MediaTime, target: Option<Camera>) {
        let position = self.program.position;
        // The rungs are those of the take: a score that comes while on air changes nothing there.
        let rung = gap_at(position, self.program.rungs.len()).map_or(Rung::Synthesis, |k| self.program.rungs[k]);
        // Several instants are in no camera's own picture.
        let rung = if self.slices_on_air(instant).is_empty() { rung } else { Rung::Synthesis };
        let size_px = program_size_px(self.governor.level());
        let (target, position) = match target {
            Some(target) if rung != Rung::Cut => (Some(target), position),
            target => {
                self.program.cut = cut_camera(&self.present(instant), self.closed(), position, self.program.cut);
                let station = self.program.cut.map_or(position, |k| k as f64);
                // On a cut the camera is shown as it stands there.
                (target.map(|t| orbit::camera_at(&self.watch.rig_at(instant), station, size_px, None).unwrap_or(t)), station)
            }
        };
        // As it was taken: a choice that is made while on air changes nothing there.
        let matching = self.program.matching;
        let (graphics, drawing) = self.drawing(true);
        let slices = self.slices_on_air(instant);
        let asked = match &target {
            Some(target) => Asked::View {
                instant,
                position,
                rung,
                size_px,
                heat: false,
                matching,
                trims: self.program.trims_number,
                camera: number_of(target),
                graphics,
                slices: number_of_instants(&slices),
            },
            None => Asked::Real { instant, camera: position as usize, graphics },
        };
        if self.program.asked == Some(asked) {
            return;
        }
        self.program.asked = Some(asked);
        if let Some(target) = target {
            if self.board.post_program_latest(ViewWish {
                instant,
                target,
                mode: rung.mode(),
                heat: false,
                weigh: false,
                matching,
                trims: Arc::clone(&self.program.trims),
                graphics: drawing,
                slices,
            }) {
                self.program.repeated += 1;
            }
        } else if let Some(picture) = self.real_picture(instant, position as usize) {
            self.program.report = None;
            self.put_layer(&picture);
        } else {
            self.apply(TransportCommand::ProgramFault("the frames of this instant are gone. Mark it again".to_owned()));
        }
    }

    /// Brings preview up to date with its instant and position.
    pub(super) fn refresh_preview(&mut self) {
        if self.roll_preview() {
            return;
        }
        let Some(p) = self.transport.preview() else { return };
        let (instant, position, readiness) = (p.instant, p.position, p.readiness);
        if readiness < Readiness::RealCameras {
            return;
        }
        let position = orbit::Span::of(&self.present(instant), self.closed()).map_or(position, |span| span.nearest(position));
        let size_px = preview_size_px(self.governor.level());
        let part_serves = self.preview.part_solved && self.preview.part.as_ref().is_some_and(|part| part.covers(position));
        let ladder = &self.truth.ladder;
        let rung = ladder.at(position).map_or(Rung::Synthesis, |g| g.rung);
        let rung = if self.slices_of(instant).is_empty() { rung } else { Rung::Synthesis };
        let solved = (readiness == Readiness::Solved || part_serves) && !ladder.real_pixels_only;
        let station = if solved && rung != Rung::Cut {
            position
        } else {
            self.preview.cut = cut_camera(&self.present(instant), self.closed(), position, self.preview.cut);
            let Some(k) = self.preview.cut else { return };
            k as f64
        };
        let target = solved
            .then(|| match rung {
                Rung::Cut => orbit::camera_at(&self.watch.rig_at(instant), station, size_px, None).ok(),
                _ => self.preview_camera(station, size_px),
            })
            .flatten();
        let (heat, matching) = (self.truth.heat_map, self.matching.choice);
        let (graphics, drawing) = self.drawing(false);
        let slices = self.slices_of(instant);
        let asked = match &target {
            Some(target) => Asked::View {
                instant,
                position: station,
                rung,
                size_px,
                heat,
                matching,
                trims: self.matching.trims_number,
                camera: number_of(target),
                graphics,
                slices: number_of_instants(&slices),
            },
            None => Asked::Real { instant, camera: station.round() as usize, graphics },
        };
        if self.preview.asked == Some(asked) {
            return;
        }
        self.preview.asked = Some(asked);
        let real =
            || self.transport.arc_order().get(station.round() as usize).and_then(|&i| self.watch.rig_at(instant).cameras.get(i).cloned());
        self.preview.eye = target.clone().or_else(real);
        if let Some(target) = target {
            self.board.post_preview_latest(ViewWish {
                instant,
                target,
                mode: rung.mode(),
                heat,
                weigh: self.free.is_free(),
                matching,
                trims: Arc::clone(&self.matching.trims),
                graphics: drawing,
                slices,
            });
        } else if let Some(picture) = self.real_picture(instant, station.round() as usize).map(|p| self.with_bugs(&p, false))
            && self.preview.shown.as_ref().is_none_or(|s| !Arc::ptr_eq(&s.picture, &picture))
        {
            let serial = self.next_serial();
            self.preview.report = None;
            self.preview.shown = Some(ShownPicture { picture, serial });
        }
    }

    /// The picture of a camera (number along the arc) at an instant.
    pub(super) fn real_picture(&self, instant: MediaTime, camera: usize) -> Option<Arc<Picture>> {
        let moment = self.moment(instant)?;
        let name = &self.feeds.rig().cameras[*self.transport.arc_order().get(camera)?].name;
        moment.frames.iter().find(|f| f.camera == *name).map(|f| Arc::clone(&f.picture))
    }
}
