//! What the other threads report: decoded moments, scenes and pictures of the GPU, exports. The director's part that turns
//! them into transport commands.
//!
//! Must not know: windows, how a solve is done.

use std::sync::Arc;

use super::{Director, MOMENTS, pictures::Asked};
use crate::{
    engine::{
        NoticeLevel, ShownPicture,
        export_thread::ExportNews,
        gpu_thread::GpuReport,
        moment_thread::{MomentNews, MomentReport},
    },
    replay::{Program, Readiness, TransportCommand},
    scene::Quality,
    telemetry::StageTimes,
};

impl Director {
    pub(super) fn moment_news(&mut self, news: MomentNews) {
        match news {
            MomentNews::Moment(report) => self.moment_report(report),
            MomentNews::Near { pictures, covered } => self.near_decoded(pictures, covered),
        }
    }

    fn moment_report(&mut self, report: MomentReport) {
        let MomentReport { instant, result, secs } = report;
        if self.slice_decoded(instant, &result) {
            return;
        }
        match result {
            Ok(moment) => {
                // A camera may have been bumped while this was on its way.
                let moment = self.without_bumped(&moment);
                tracing::debug!(%instant, secs, frames = moment.frames.len(), "moment decoded");
                let on_air = self.on_air_instant();
                self.moments.retain(|m| m.instant != instant);
                if self.moments.len() >= MOMENTS {
                    let evict = self.moments.iter().position(|m| Some(m.instant) != on_air).unwrap_or(0);
                    self.moments.remove(evict);
                }
                self.moments.push(Arc::clone(&moment));
                if self.transport.preview().is_some_and(|p| p.instant == instant) {
                    self.apply(TransportCommand::MomentReady(instant));
                    self.watch.look_first(Arc::clone(&moment));
                    self.start_solving(moment);
                    self.look_around();
                } else if self.export_waits_for(instant) {
                    self.watch.look_first(moment);
                }
            }
            Err(why) => {
                self.exports_without(instant, &why);
                self.apply(TransportCommand::PrepareFailed { instant, why, fatal: true });
            }
        }
    }

    pub(super) fn gpu_report(&mut self, report: GpuReport) {
        match report {
            GpuReport::Opened { adapter, is_software, again } => {
                self.gpu.problem = None;
                if again {
                    self.gpu.recoveries += 1;
                    self.slices_lost();
                    self.plates_lost();
                    self.notice(NoticeLevel::Info, format!("The GPU {adapter} is back"));
                }
                self.gpu.adapter = adapter;
                self.solves_slowly = is_software;
                self.governor.opened(is_software, again);
                self.near_again();
                tracing::info!("quality {}: {}", self.governor.level().label(), self.governor.view().why);
                if let Some(moment) = self.prepared_moment() {
                    self.start_solving(moment);
                }
            }
            GpuReport::NoDevice { why } => {
                self.gpu.adapter.clear();
                self.gpu.problem = Some(why.clone());
                self.apply(TransportCommand::ProgramFault(why.clone()));
                self.warn(format!("{why}. Until then orbits step through the real cameras"));
            }
            GpuReport::Progress { instant, progress } => {
                if self.transport.preview().is_some_and(|p| p.instant == instant) {
                    self.preview.progress = progress;
                }
            }
            // One of frames that are not believed any more.
            GpuReport::PartSolved { serial, .. } | GpuReport::Solved { serial, .. } if serial != self.solving => {}
            GpuReport::PartSolved { instant, secs, .. } => {
                if self.transport.preview().is_some_and(|p| p.instant == instant) {
                    tracing::info!("{instant}: the cameras around the orbit bar are solved, {secs:.1} s");
                    self.preview.part_solved = true;
                    self.preview.asked = None;
                }
            }
            GpuReport::Solved { instant, level, cameras, secs, stages, exposures, shadings, plates, .. } => {
                self.matched(exposures);
                self.matching.set_shadings(shadings);
                self.plates.assume(instant, plates);
                if secs > 0.0 {
                    self.count_solve(level, cameras, secs, &stages);
                    tracing::info!("{instant}: all cameras are solved, {secs:.1} s");
                    self.gpu.solve_ms = (secs * 1e3) as f32;
                    self.gpu.stages = stages.iter().map(|(name, secs)| (name.to_owned(), (secs * 1e3) as f32)).collect();
                }
                if self.transport.preview().is_some_and(|p| p.instant == instant) {
                    self.preview.progress = 1.0;
                    self.preview.asked = None;
                    if let Some(moment) = self.moment(instant) {
                        self.start_measuring(Arc::clone(&moment));
                        self.start_layering(&moment);
                        self.start_refining(&moment);
                    }
                }
                self.apply(TransportCommand::SceneReady(instant));
            }
            GpuReport::Refined { instant, kept, air_db, hero_db, cameras, secs, stages } => {
                self.count_solve(Quality::Hero, cameras, secs, &stages);
                self.refined(instant, kept, (air_db, hero_db));
            }
            GpuReport::Mended { instant, serial, result } => self.mended(instant, serial, result),
            GpuReport::PlatesSolved { number, result, secs } => self.plates_solved(number, result, secs),
            GpuReport::Layered { instant, set, verdict, secs } => {
                tracing::debug!(%instant, secs, "plates were tried");
                self.layered(instant, set, verdict);
            }
            GpuReport::PlatesLetGo => self.plates_let_go(),
            GpuReport::Near { bytes, counts, is_off } => self.near_on_gpu(bytes, counts, is_off),
            GpuReport::Picked { wish, found } => self.picked(&wish, found),
            GpuReport::Phase { instant, serial, result } => self.slice_solved(instant, serial, result),
            GpuReport::Between(report) => self.between_made(*report),
            GpuReport::GraphicsProblem(why) => self.graphics_problem(&why),
            GpuReport::Lost => self.gpu_lost(),
            GpuReport::OutOfMemory { instant, picture, program, why } => self.out_of_memory(instant, picture, program, why),
            GpuReport::Measured { instant, camera, result, secs } => {
                self.gpu.meter_ms = (secs * 1e3) as f32;
                self.measured(instant, camera, result);
            }
            GpuReport::TimingJudged { pays, worst_error_nanos, nearest_db, exact_db } => {
                self.moment_wish.want_others(pays);
                let ms = worst_error_nanos as f64 * 1e-6;
                let told = if pays {
                    format!(
                        "Cameras saw their frames up to {ms:.1} ms beside the instant. Frames interpolated to it are truer: hidden cameras {nearest_db:.1} → {exact_db:.1} dB; from the next mark on they are used"
                    )
                } else {
                    format!(
                        "Cameras saw their frames up to {ms:.1} ms beside the instant. Frames interpolated to it are not truer: hidden cameras {nearest_db:.1} → {exact_db:.1} dB"
                    )
                };
                self.notice(NoticeLevel::Info, told);
            }
            GpuReport::SolveFailed { instant, why } => self.apply(TransportCommand::PrepareFailed { instant, why, fatal: false }),
            GpuReport::Rendered { program: true, instant, picture, report, layered, secs } => {
                self.gpu.program_ms = (secs * 1e3) as f32;
                self.governor.viewed((picture.width(), picture.height()), secs, layered);
                // Not one that was asked for before time rolled on.
                let is_wanted = matches!(self.program.asked, Some(Asked::View { instant: asked, .. }) if asked == instant);
                if is_wanted && matches!(self.transport.program(), Program::Replay(on_air) if on_air.instant == instant) {
                    self.program.report = Some(report);
                    self.put_layer(&picture);
                    self.compose();
                }
            }
            GpuReport::Rendered { program: false, instant, picture, report, layered, secs } => {
                self.gpu.preview_ms = (secs * 1e3) as f32;
                self.governor.viewed((picture.width(), picture.height()), secs, layered);
                if self.transport.preview().is_some_and(|p| p.instant == instant) {
                    let serial = self.next_serial();
                    self.preview.report = Some(report);
                    let picture = self.with_bugs(&picture, false);
                    self.preview.shown = Some(ShownPicture { picture, serial });
                }
            }
            // What is lost is told by itself; program keeps its last picture.
            GpuReport::RenderFailed { is_lost: true, .. } => {}
            GpuReport::RenderFailed { program: true, instant, why, .. } => {
                if matches!(self.transport.program(), Program::Replay(on_air) if on_air.instant == instant && on_air.solved) {
                    self.apply(TransportCommand::ProgramFault(why));
                }
            }
            GpuReport::RenderFailed { program: false, instant, why, .. } => {
                // A picture that was asked for before its scene was lost is not missed.
                if self.preview.part_solved || self.transport.preview().is_some_and(|p| p.readiness == Readiness::Solved) {
                    self.apply(TransportCommand::PrepareFailed { instant, why, fatal: false });
                }
            }
        }
    }

    /// Books what a solve of all cameras has cost.
    fn count_solve(&mut self, level: Quality, cameras: usize, secs: f64, stages: &StageTimes) {
        let gpu_secs = stages.total_secs();
        self.governor.solved(level, cameras, if gpu_secs > 0.0 { gpu_secs } else { secs });
    }

    pub(super) fn export_news(&mut self, news: ExportNews) {
        match news {
            ExportNews::Rig(Ok(path)) => self.notice(
                NoticeLevel::Info,
                format!("The rig as it stands is written to {}; give that file to the show next time", path.display()),
            ),
            ExportNews::Rig(Err(why)) => self.warn(format!("The rig was not written: {why}")),
            ExportNews::Calibrated(saved) => self.calibrated_rig_written(saved),
            news => match self.exports_of.note(news) {
                Ok(None) => {}
                Ok(Some(done)) => self.notice(NoticeLevel::Info, done),
                Err(why) => self.warn(why),
            },
        }
    }
}
