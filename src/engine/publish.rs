//! How the director's state becomes a snapshot.

use std::sync::Arc;

use super::{CameraView, GapView, MoveView, PreviewView, ProgramKind, ProgramView, RollView, Snapshot, Tally, director::Director, orbit};
use crate::replay::Program;

impl Director {
    /// The state as everybody else sees it.
    pub(super) fn snapshot(&mut self) -> Snapshot {
        self.published += 1;
        let order = self.transport.arc_order();
        let number_of = |camera: usize| order.iter().position(|&c| c == camera).unwrap_or(0);
        let on_program = match self.transport.program() {
            Program::Live { camera } => Some(*camera),
            _ => None,
        };
        let on_second = match self.transport.second().map(|second| &second.program) {
            Some(Program::Live { camera }) => Some(*camera),
            _ => None,
        };
        let on_preview = self.transport.preview().and_then(|p| self.transport.camera_at(p.position));
        let cameras: Arc<[CameraView]> = order
            .iter()
            .map(|&i| CameraView {
                name: self.feeds.rig().cameras[i].name.clone(),
                tally: match () {
                    () if on_program == Some(i) => Tally::Program,
                    () if on_preview == Some(i) => Tally::Preview,
                    () => Tally::Off,
                },
                on_second: on_second == Some(i),
                status: self.status.get(i).cloned().unwrap_or_default(),
                stand: self.watch.stand(i),
                ailments: self.watch.ailments(i).to_vec(),
                exposure_stops: self.matching.exposure(i),
                plate_known: self.plates.known(i),
                trim: self.matching.trims.of(&self.feeds.rig().cameras[i].name),
                shading: self.matching.shading(i),
                live: self.feeds.live_picture(i),
            })
            .collect();
        let moment = self.transport.preview().and_then(|p| self.moment(p.instant));
        let left_out = moment.as_ref().map(|m| m.left_out.clone()).unwrap_or_default();
        let gaps = self.truth.ladder.gaps().iter().enumerate().map(|(k, state)| {
            let ends = [&cameras[k], &cameras[(k + 1) % cameras.len()]];
            let bridged = ends.iter().any(|c| left_out.iter().any(|(name, _)| *name == c.name));
            GapView { state: *state, bridged }
        });
        let gaps: Arc<[GapView]> = gaps.collect();
        let frame_of = |i: &usize| {
            let name = &self.feeds.rig().cameras[*i].name;
            Some(Arc::clone(&moment.as_ref()?.frames.iter().find(|f| f.camera == *name)?.picture))
        };
        let preview = self.transport.preview().map(|p| PreviewView {
            event: p.event,
            instant: p.instant,
            position: p.position,
            readiness: p.readiness,
            progress: self.preview.progress,
            problem: p.problem.clone(),
            report: self.preview.report.clone(),
            left_out,
            shown: self.preview.shown.clone(),
            roll: self.preview.roll.as_ref().map(|r| RollView { instant: r.at, speed_percent: r.speed_percent, between: r.between }),
            path_share: self.path_share(),
            pivot: self.pivot_view(),
            frames: if moment.is_some() { order.iter().map(frame_of).collect() } else { vec![] },
        });
        let (instant, event) = self.transport.preview().map_or((crate::time::MediaTime::ZERO, None), |p| (p.instant, p.event));
        let range = self.prepared_range(instant, event);
        let kind = match self.transport.program() {
            Program::Live { camera } => ProgramKind::Live(number_of(*camera)),
            Program::Hold => ProgramKind::Hold,
            Program::Replay(on_air) => ProgramKind::Replay {
                instant: on_air.instant,
                position: self.program.position,
                progress: self.program.progress,
                solved: on_air.solved,
            },
        };
        let paths = self.paths_view();
        let own_move = paths.path.as_ref().map(|path| MoveView {
            name: path.name.clone(),
            tooltip: "Your own path; PATH (G) edits it".to_owned(),
            secs: path.duration_secs,
        });
        Snapshot {
            serial: self.published,
            now: self.feeds.now(),
            house_clock: self.feeds.house_clock(),
            rate: self.feeds.rate(),
            phase: self.transport.phase(),
            cameras,
            closed: self.closed(),
            gaps,
            truth: self.truth_progress(),
            matching: self.matching.choice,
            plates: self.plates_view(),
            heat_map: self.truth.heat_map,
            real_pixels_only: self.truth.ladder.real_pixels_only,
            ring: self.feeds.ring(),
            near: self.near_view(),
            events: self.transport.events().iter().cloned().collect(),
            pending_in: self.transport.pending_in(),
            can_undo_redo: self.transport.can_undo_redo(),
            preview,
            position: self.position(),
            playlist: Arc::new(self.playlist_view()),
            speed_percent: self.speed_percent,
            slow_motion: self.slow_motion_view(),
            transition: self.program.transition,
            stingers_secs: self.stingers.lengths_secs(),
            can_take: self.transport.can_take(),
            program: ProgramView {
                kind,
                report: self.program.report.clone(),
                shown: self.program.shown.clone(),
                shot: self.program.shot,
                shown_shot: self.program.shown_shot,
                mixes: self.program.changing.is_some(),
                waits: self.waits_for_change(),
                keyed: self.program.keyed.clone(),
                slices: self.on_air_instant().map_or_else(Vec::new, |at| self.slices_on_air(at)),
                roll: self.program.roll,
                repeated: self.program.repeated,
                frames: self.program.frames,
            },
            second: self.second_view(),
            paths,
            free: self.free_view(),
            slices: Arc::new(self.slices_view()),
            graphics: Arc::new(self.graphics_view()),
            calibration: self.calibration.view(),
            moves: orbit::moves(self.closed())
                .iter()
                .map(|m| MoveView { name: m.name.to_owned(), tooltip: m.tooltip.to_owned(), secs: m.secs(&range) })
                .chain(own_move)
                .collect(),
            chosen_move: self.chosen_move,
            level: self.governor.view(),
            gpu: self.gpu.clone(),
            operators: Arc::new(self.operators_view()),
            notices: self.notices.iter().cloned().collect(),
            output: self.output.status(),
            export: self.exports_of.current(),
            exports: self.exports_of.view().into(),
            watts: self.power.watts(),
        }
    }
}
