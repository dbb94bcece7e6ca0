//! The operator's own paths: begun from presets, edited, looked along in preview, and played like any other move.
//!
//! Must not know: how they are drawn, files.

use std::sync::Arc;

use super::Director;
use crate::{
    engine::{PathPoint, PathsView, orbit},
    replay::{
        Event,
        path::{Path, PathEdit, Preset, PresetOptions, Roll, Track},
        playlist::Shot,
    },
    rig::Camera,
    time::MediaTime,
};

/// Points of a path that are drawn.
const POINTS: usize = 120;
/// How far a path begun on an open arc travels, gaps, and its length, seconds.
const SECS: f64 = 4.0;

/// What is drawn of the chosen path, and of which path it was made.
#[derive(Debug, Default)]
pub(super) struct Drawn {
    of: Option<Path>,
    view: Arc<PathsView>,
}

/// A move that a take can play: one of the program's, or the operator's chosen path.
pub(super) enum Choice<'a> {
    Program(&'static orbit::Move),
    Own(&'a Path),
}

impl Director {
    /// Moves of the program, and the chosen own path.
    pub(in crate::engine) fn move_count(&self) -> usize {
        orbit::moves(self.closed()).len() + usize::from(self.transport.paths().chosen().is_some())
    }

    /// The chosen move.
    pub(super) fn choice(&self) -> Option<Choice<'_>> {
        let own = || self.transport.paths().chosen().map(Choice::Own);
        orbit::moves(self.closed()).get(self.chosen_move).map(Choice::Program).or_else(own)
    }

    /// The move of that name: the operator's own comes first.
    pub(super) fn choice_named(&self, name: &str) -> Option<Choice<'_>> {
        let own = self.transport.paths().named(name).map(Choice::Own);
        own.or_else(|| orbit::moves(self.closed()).iter().find(|m| m.name == name).map(Choice::Program))
    }

    /// The path of a move from a position, at an instant of an event.
    pub(super) fn path_of(&self, choice: &Choice<'_>, from: f64, instant: MediaTime, event: Option<&Event>, range: &Roll) -> Path {
        let span = orbit::Span::of(&self.present(instant), self.closed());
        let path = match choice {
            Choice::Program(m) => m.path(from, self.transport.arc_order().len(), span, range),
            Choice::Own(path) => match span {
                Some(span) => (*path).clone().within(span.first, span.last),
                None => (*path).clone(),
            },
        };
        match event.and_then(Event::pivot_m) {
            Some(pivot) => path.about(pivot),
            None => path,
        }
    }

    pub(super) fn new_path(&mut self, preset: Preset) {
        let n = self.transport.arc_order().len();
        let from = self.position();
        let to = if self.closed() {
            from + n as f64 / 3.0
        } else {
            let last = n.saturating_sub(1) as f64;
            // To the farther end.
            if from > 0.5 * last { 0.0 } else { last }
        };
        let secs = if preset == Preset::Whip { 2.5 } else { SECS };
        let options = PresetOptions { from, to, secs, hold_secs: 0.3, speed: 0.25, ring_cameras: n, stabilize: false };
        self.edit_path(&PathEdit::Add(preset.path(&options)));
    }

    pub(super) fn next_path(&mut self) {
        if self.transport.paths().chosen().is_none() {
            return self.warn("There is no path of your own yet. Begin one from a preset in the path editor (G)".to_owned());
        }
        self.transport.step_path(1);
        self.path_changed();
        self.chosen_move = self.move_count() - 1;
    }

    pub(super) fn edit_path(&mut self, edit: &PathEdit) {
        if let Some(name) = self.transport.paths().chosen().map(|path| path.name.clone())
            && matches!(edit, PathEdit::Name(_) | PathEdit::Remove)
            && self.transport.playlist().elements().iter().any(|e| matches!(&e.shot, Shot::Move(shown) if *shown == name))
        {
            return self.warn(format!("The playlist shows the path {name:?}. Take it out there before renaming or removing it"));
        }
        if let PathEdit::Name(name) = edit
            && orbit::moves(self.closed()).iter().any(|m| m.name == name.trim())
        {
            return self.warn(format!("{name:?} is a move of the program. Choose another name"));
        }
        match self.transport.edit_path(edit) {
            Ok(()) => {
                self.path_changed();
                // What is being made is what a take plays.
                let own = self.transport.paths().chosen().is_some();
                self.chosen_move = if own { self.move_count() - 1 } else { self.chosen_move.min(self.move_count() - 1) };
            }
            Err(e) => self.warn(e.to_string()),
        }
    }

    /// What was made of the chosen path is made anew.
    pub(super) fn path_changed(&mut self) {
        self.prefetch = None;
        if self.preview.scrub_secs.is_some() {
            self.preview.asked = None;
        }
        self.chosen_move = self.chosen_move.min(self.move_count() - 1);
    }

    pub(super) fn scrub_path(&mut self, secs: f64) {
        let Some(path) = self.transport.paths().chosen() else { return };
        let secs = if secs.is_finite() { secs.clamp(0.0, path.duration_secs) } else { 0.0 };
        if self.transport.preview().is_none() {
            return self.warn("Nothing is frozen to look at along the path. Mark an instant (Space) or choose an event".to_owned());
        }
        self.stop_preview();
        if let Some((position, _)) = self.scrubbed(secs, (16, 9)) {
            self.apply(crate::replay::TransportCommand::SetOrbit(position));
            self.preview.scrub_secs = Some(secs);
            self.preview.asked = None;
        }
    }

    /// How far along the chosen path preview is looked at.
    pub(in crate::engine) fn path_share(&self) -> Option<f64> {
        let (secs, path) = (self.preview.scrub_secs?, self.transport.paths().chosen()?);
        (path.duration_secs > 0.0).then(|| (secs / path.duration_secs).clamp(0.0, 1.0))
    }

    /// Where the chosen path is after so long, and its camera.
    fn scrubbed(&self, secs: f64, (width_px, height_px): (u32, u32)) -> Option<(f64, Camera)> {
        let path = self.transport.paths().chosen()?;
        let p = self.transport.preview()?;
        let event = p.event.and_then(|id| self.transport.events().get(id));
        let still = Roll { in_secs: 0.0, out_secs: 0.0, speed: 1.0 };
        let path = self.freed(self.path_of(&Choice::Own(path), p.position, p.instant, event, &still));
        let sample = Track::new(&path, &self.watch.rig_at(p.instant), p.instant, width_px, height_px).ok()?.sample(secs);
        Some((sample.position, sample.camera))
    }

    /// The camera that preview looks through: that of the path that is scrubbed, or the one at a position, which turns towards the event's
    /// pivot.
    pub(super) fn preview_camera(&self, position: f64, size_px: (u32, u32)) -> Option<Camera> {
        if let Some((_, camera)) = self.preview.scrub_secs.and_then(|secs| self.scrubbed(secs, size_px)) {
            return Some(camera);
        }
        let p = self.transport.preview()?;
        let event = p.event.and_then(|id| self.transport.events().get(id));
        let (dolly_m, height_m) = self.free.offsets();
        let rig = self.watch.rig_at(p.instant);
        let camera = orbit::freed_camera_at(&rig, position, size_px, event.and_then(Event::pivot_m), (dolly_m, height_m));
        camera.inspect_err(|e| tracing::debug!(%e, "no virtual camera")).ok()
    }

    /// The paths as everybody else sees them; drawn again only when the chosen one has changed.
    pub(in crate::engine) fn paths_view(&mut self) -> Arc<PathsView> {
        let list = self.transport.paths();
        let is_same = self.drawn.of.as_ref() == list.chosen() && self.drawn.view.names.len() == list.paths().len();
        if is_same && !self.drawn.view.cameras_m.is_empty() {
            return Arc::clone(&self.drawn.view);
        }
        let path = list.chosen().cloned();
        let mut view = PathsView {
            names: list.paths().iter().map(|p| p.name.clone()).collect(),
            chosen: path.is_some().then(|| list.chosen_index()),
            path: path.clone(),
            ..PathsView::default()
        };
        let rig = &self.watch.rig_now();
        let standing = crate::replay::path::still(0.0, 0.0, 1.0);
        if let Ok(track) = Track::new(&standing, rig, MediaTime::ZERO, 16, 9) {
            let order = self.transport.arc_order();
            view.cameras_m = order.iter().map(|k| track.on_plan(rig.cameras[*k].center_in_world())).collect();
        }
        if let Some(path) = &path {
            match Track::new(path, rig, MediaTime::ZERO, 16, 9) {
                Ok(track) => {
                    let point = |k: usize| {
                        let at_secs = path.duration_secs * k as f64 / (POINTS - 1) as f64;
                        // A loop's very end is its beginning.
                        let at = if path.looped { at_secs.min(path.duration_secs * (1.0 - 1e-9)) } else { at_secs };
                        let s = track.sample(at);
                        let values = track.values(at);
                        PathPoint {
                            at_secs,
                            eye_m: track.on_plan(s.camera.center_in_world()),
                            values: [s.position, (s.instant - MediaTime::ZERO) as f64 * 1e-9, s.zoom, values.0, values.1, values.2],
                        }
                    };
                    view.points = (0..POINTS).map(point).collect();
                }
                Err(e) => view.problem = Some(e.to_string()),
            }
        }
        self.drawn = Drawn { of: path, view: Arc::new(view) };
        Arc::clone(&self.drawn.view)
    }
}
