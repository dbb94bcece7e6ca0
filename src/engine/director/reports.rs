//! What the other threads report: decoded moments, scenes and pictures of the GPU, exports. The director's part that turns
//! them into transport commands.
//!
//! Must not know: windows, how a solve is done.

use std::sync::Arc;

use super::{Director, MOMENTS};
use crate::{
    engine::{NoticeLevel, Quality, ShownPicture, export_thread::ExportNews, gpu_thread::GpuReport, moment_thread::MomentReport},
    replay::{Program, TransportCommand},
};

impl Director {
    pub(super) fn moment_report(&mut self, report: MomentReport) {
        let MomentReport { instant, result, secs } = report;
        match result {
            Ok(moment) => {
                tracing::debug!(%instant, secs, frames = moment.frames.len(), "moment decoded");
                let on_air = match self.transport.program() {
                    Program::Replay(on_air) => Some(on_air.instant),
                    _ => None,
                };
                self.moments.retain(|m| m.instant != instant);
                if self.moments.len() >= MOMENTS {
                    let evict = self.moments.iter().position(|m| Some(m.instant) != on_air).unwrap_or(0);
                    self.moments.remove(evict);
                }
                self.moments.push(Arc::clone(&moment));
                if self.transport.preview().is_some_and(|p| p.instant == instant) {
                    self.apply(TransportCommand::MomentReady(instant));
                    self.start_solving(moment);
                }
            }
            Err(why) => self.apply(TransportCommand::PrepareFailed { instant, why, fatal: true }),
        }
    }

    pub(super) fn gpu_report(&mut self, report: GpuReport) {
        match report {
            GpuReport::Opened { adapter, is_software, again } => {
                self.gpu.problem = None;
                if again {
                    self.gpu.recoveries += 1;
                    self.notice(NoticeLevel::Info, format!("The GPU {adapter} is back"));
                    // Scenes went with the device.
                    self.transport.forget_scenes();
                    self.preview.asked = None;
                }
                self.gpu.adapter = adapter;
                self.solves_slowly = is_software;
                if self.auto_quality {
                    self.set_quality(if is_software { Quality::Draft } else { Quality::Full });
                }
                if let Some(moment) = self.transport.preview().map(|p| p.instant).and_then(|at| self.moment(at)) {
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
            GpuReport::PartSolved { instant, secs } => {
                if self.transport.preview().is_some_and(|p| p.instant == instant) {
                    tracing::info!("{instant}: the cameras around the orbit bar are solved, {secs:.1} s");
                    self.preview.part_solved = true;
                    self.preview.asked = None;
                }
            }
            GpuReport::Solved { instant, secs, stages } => {
                if secs > 0.0 {
                    tracing::info!("{instant}: all cameras are solved, {secs:.1} s");
                    self.gpu.solve_ms = (secs * 1e3) as f32;
                    self.gpu.stages = stages.iter().map(|(name, secs)| (name.to_owned(), (secs * 1e3) as f32)).collect();
                }
                if self.transport.preview().is_some_and(|p| p.instant == instant) {
                    self.preview.progress = 1.0;
                    self.preview.asked = None;
                    if let Some(moment) = self.moment(instant) {
                        self.start_measuring(moment);
                    }
                }
                self.apply(TransportCommand::SceneReady(instant));
            }
            GpuReport::Measured { instant, camera, result, secs } => {
                self.gpu.meter_ms = (secs * 1e3) as f32;
                self.measured(instant, camera, result);
            }
            GpuReport::SolveFailed { instant, why } => self.apply(TransportCommand::PrepareFailed { instant, why, fatal: false }),
            GpuReport::Rendered { program: true, instant, picture, report, secs } => {
                self.gpu.program_ms = (secs * 1e3) as f32;
                if matches!(self.transport.program(), Program::Replay(on_air) if on_air.instant == instant) {
                    self.program.report = Some(report);
                    self.show_program(picture);
                }
            }
            GpuReport::Rendered { program: false, instant, picture, report, secs } => {
                self.gpu.preview_ms = (secs * 1e3) as f32;
                if self.transport.preview().is_some_and(|p| p.instant == instant) {
                    let serial = self.next_serial();
                    self.preview.report = Some(report);
                    self.preview.shown = Some(ShownPicture { picture, serial });
                }
            }
            GpuReport::RenderFailed { program: true, instant, why } => {
                if matches!(self.transport.program(), Program::Replay(on_air) if on_air.instant == instant) {
                    self.apply(TransportCommand::ProgramFault(why));
                }
            }
            GpuReport::RenderFailed { program: false, instant, why } => {
                self.apply(TransportCommand::PrepareFailed { instant, why, fatal: false });
            }
        }
    }

    pub(super) fn export_news(&mut self, news: ExportNews) {
        match news {
            ExportNews::Progress(progress) => {
                if let Some(export) = &mut self.export {
                    export.progress = progress;
                }
            }
            ExportNews::Done { path, frames } => {
                self.export = None;
                self.notice(NoticeLevel::Info, format!("Exported {frames} frames to {}", path.display()));
            }
            ExportNews::Failed(why) => {
                self.export = None;
                self.warn(format!("The export was not written: {why}"));
            }
        }
    }
}
