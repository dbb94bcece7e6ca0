//! Exports of what is prepared: those that are asked for before their frames are there wait for them.
//!
//! Must not know: how a file is written.

use std::{sync::Arc, time::Duration};

use super::{Director, NoticeLevel, SLOW_DEPTH_SIZE_PX, paths::Choice};
use crate::{
    engine::{
        Rolling,
        clip::Clip,
        export::{ExportJob, Moments},
        export_thread::Work,
        level::program_size_px,
        naming::NameFields,
    },
    output::{self, CancelToken, OutputError, OutputSpec},
    replay::{EventId, Readiness, path::Path},
    scene::Quality,
    time::MediaTime,
    view::ViewMode,
};

/// An export waits so long at most for the watch to have looked at its instant.
const LOOK_WITHIN: Duration = Duration::from_secs(2);
/// Exports that wait for their frames.
const MOST_WAITING: usize = 8;

/// An export that was asked for before its frames were there, or were looked at.
#[derive(Debug)]
pub(super) struct Waiting {
    instant: MediaTime,
    /// Where the handle stood.
    from: f64,
    event: Option<EventId>,
    /// The chosen move, and what it is where the frames were there.
    name: String,
    path: Option<Path>,
    /// How fast time runs in it.
    speed_percent: i32,
    /// Its frames are being fetched, though preview does not want them any more.
    asked: bool,
}

impl Director {
    pub(super) fn start_export(&mut self) {
        let Some((instant, from, event)) = self.transport.preview().map(|p| (p.instant, p.position, p.event)) else {
            return self.warn("Nothing is prepared. Mark an instant or choose an event, then export it".to_owned());
        };
        if matches!(self.choice(), Some(Choice::Program(m)) if m.is_plain_roll()) {
            return self.export_roll(instant, from, event);
        }
        let path = self.chosen_path(instant, from, event);
        let path = path.filter(|_| self.moment(instant).is_some());
        let wanted =
            Waiting { instant, from, event, name: self.move_name().to_owned(), path, speed_percent: self.speed_percent, asked: false };
        if self.may_export(&wanted) {
            return self.export(wanted);
        }
        if self.exports_waiting.len() >= MOST_WAITING {
            return self.warn(format!("{MOST_WAITING} exports wait for their frames already. Export again when one of them has begun"));
        }
        self.exports_waiting.push(wanted);
        self.notice(NoticeLevel::Info, "The export begins as soon as the frames of its instant are there and were looked at".to_owned());
    }

    /// The chosen stretch of the camera nearest to the handle, at the chosen speed, as a roll on air would show it.
    fn export_roll(&mut self, instant: MediaTime, from: f64, event: Option<EventId>) {
        let number = self.transport.wrap_position(from.round()).round() as usize;
        let order = self.transport.arc_order();
        let Some(&camera) = order.get(number.min(order.len().saturating_sub(1))) else { return };
        let range = self.prepared_range(instant, event);
        let (begin, end) = range.ends();
        let at = |secs: f64| instant.plus_nanos((secs * 1e9).round() as i64);
        let name = event.and_then(|id| self.transport.events().get(id)).map_or("jog", |e| e.name.as_str());
        let of_camera = self.feeds.rig().cameras.get(camera).map_or("", |c| c.name.as_str());
        let fields = NameFields { event: name, camera: of_camera, at: std::time::SystemTime::now() };
        let clip = Clip {
            feeds: Arc::clone(&self.feeds),
            camera,
            number,
            from: at(begin),
            to: at(end),
            speed_percent: self.speed_percent,
            graphics: self.graphics_of_exports(),
            output: OutputSpec {
                path: self.exports_of.name_for(&self.export_folder, &fields),
                // The clip knows its camera's size.
                width_px: 0,
                height_px: 0,
                rate: self.feeds.rate(),
                codec: None,
                threads: 0,
                overwrite: false,
                sidecar: Some(self.exports_of.header()),
                cancel: CancelToken::default(),
            },
        };
        if let Err(e) = self.exports_of.add(Work::Clip(Box::new(clip))) {
            self.warn(e);
        }
    }

    fn may_export(&self, wanted: &Waiting) -> bool {
        self.moment(wanted.instant).is_some() && self.watch.is_looked_at_within(wanted.instant, LOOK_WITHIN)
    }

    /// Begins those whose frames are there, and has those fetched that preview has left before they were.
    pub(super) fn advance_exports(&mut self) {
        if self.exports_waiting.is_empty() {
            return;
        }
        let (ready, waiting): (Vec<_>, Vec<_>) = std::mem::take(&mut self.exports_waiting).into_iter().partition(|w| self.may_export(w));
        self.exports_waiting = waiting;
        for wanted in ready {
            self.export(wanted);
        }
        let fetching = self.transport.preview().is_some_and(|p| p.readiness < Readiness::RealCameras && p.problem.is_none());
        if fetching || self.slices.is_fetching() || self.exports_waiting.iter().any(|w| w.asked) {
            return;
        }
        let missing = self.exports_waiting.iter().position(|w| self.moment(w.instant).is_none());
        if let Some(next) = missing.and_then(|at| self.exports_waiting.get_mut(at)) {
            next.asked = true;
            self.moment_wish.post_latest(next.instant);
        }
    }

    /// Another instant is fetched, or none: what was asked for here is asked for again.
    pub(super) fn exports_ask_again(&mut self) {
        self.exports_waiting.iter_mut().for_each(|w| w.asked = false);
    }

    /// Whether an export waits for the frames of an instant.
    pub(super) fn export_waits_for(&self, instant: MediaTime) -> bool {
        self.exports_waiting.iter().any(|w| w.instant == instant)
    }

    /// There are no frames at an instant.
    pub(super) fn exports_without(&mut self, instant: MediaTime, why: &str) {
        let before = self.exports_waiting.len();
        self.exports_waiting.retain(|w| w.instant != instant);
        if self.exports_waiting.len() != before {
            self.warn(format!("The export was not written: {why}"));
        }
    }

    fn export(&mut self, wanted: Waiting) {
        let Waiting { instant, from, event, name, path, speed_percent, .. } = wanted;
        let path = path.or_else(|| {
            let range = self.range_at(instant, event, speed_percent);
            let event = event.and_then(|id| self.transport.events().get(id));
            Some(self.freed(self.path_of(&self.choice_named(&name)?, from, instant, event, &range)))
        });
        let (Some(moment), Some(path)) = (self.moment(instant), path) else {
            return self.warn("The move of the export is gone. Choose a move and export again".to_owned());
        };
        // Why it cannot be laid is told there.
        let Some(track) = self.laid(&path, instant) else { return };
        let name = event.and_then(|id| self.transport.events().get(id)).map_or("jog", |e| e.name.as_str());
        // A file is for good: it has the cameras' own size and the best depth, whatever preview can afford.
        let own_size_px = moment.frames.iter().map(|f| (f.picture.width(), f.picture.height())).max_by_key(|(w, h)| w * h);
        let (width_px, height_px) = own_size_px.map_or_else(|| program_size_px(self.governor.level()), |(w, h)| (w & !1, h & !1));
        let mut scene = if self.governor.view().chosen == Some(Quality::Hero) { Quality::Hero.scene() } else { Quality::Air.scene() };
        scene.matching = self.matching.choice;
        if self.solves_slowly {
            scene.max_depth_size_px = Some(SLOW_DEPTH_SIZE_PX);
        }
        let camera = self.transport.camera_at(from).and_then(|i| self.feeds.rig().cameras.get(i)).map_or("", |c| c.name.as_str());
        let file = self.exports_of.name_for(&self.export_folder, &NameFields { event: name, camera, at: std::time::SystemTime::now() });
        let ((width_px, height_px), rate) = match output::fitted(&file, (width_px, height_px), self.feeds.rate()) {
            Ok(fitted) => fitted,
            Err(OutputError::Size { width, height, problem }) => {
                return self.warn(format!(
                    "{width}×{height} px cannot be exported under this name: {problem}. Give `[export] name` in the show file another ending"
                ));
            }
            Err(e) => return self.warn(e.to_string()),
        };
        let job = ExportJob {
            rig: self.watch.rig_at(instant).as_ref().clone(),
            moments: if track.path().is_frozen() {
                Moments::One(moment.as_ref().clone())
            } else {
                let (order, closed) = (self.transport.arc_order(), self.closed());
                Moments::AsOnAir(Box::new(Rolling::new(Arc::clone(&self.feeds), moment.as_ref().clone(), order, closed)))
            },
            path: track.path().clone(),
            mark: instant,
            follow: false,
            mode: ViewMode::Synthesis,
            gaps: self.truth.ladder.gaps().to_vec(),
            scene,
            plates: self.plates_of(instant),
            phases: self.slice_moments(instant),
            graphics: self.graphics_of_exports(),
            trims: self.transport.trims().clone(),
            output: OutputSpec {
                path: file,
                width_px,
                height_px,
                rate,
                codec: None,
                threads: 0,
                overwrite: false,
                sidecar: Some(self.exports_of.header()),
                cancel: CancelToken::default(),
            },
        };
        if let Err(e) = self.exports_of.add(Work::Moments(Box::new(job))) {
            self.warn(e);
        }
    }
}
