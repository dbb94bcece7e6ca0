//! The pivot of the prepared event by a click into a picture: the depth of the solved scene there, or the meeting of the rays of two
//! clicks where no scene is solved.
//!
//! Must not know: windows, how a scene is looked at.

use glam::DVec3;

use super::{Director, NoticeLevel};
use crate::{
    engine::{
        board::PickWish,
        pick::{self, NoMeeting},
        snapshot::PivotView,
    },
    replay::{Event, EventEdit, EventId, Readiness, TransportCommand},
    rig::Camera,
    time::MediaTime,
};

/// What a click left behind.
#[derive(Debug, Default)]
pub(in crate::engine) struct Picking {
    /// The event that a point is looked for.
    looks: Option<EventId>,
    /// The graphic that a point is looked for.
    pub(super) draws: bool,
    /// The first of two clicks.
    first: Option<First>,
}

/// The first of two clicks: the second one is in another camera's picture.
#[derive(Debug)]
struct First {
    event: EventId,
    instant: MediaTime,
    camera: String,
    ray: (DVec3, DVec3),
    /// Number along the arc, and where in its picture, shares.
    shown: Option<(usize, [f32; 2])>,
}

impl Director {
    /// A click into the picture of a camera (number along the arc; `None` is preview), in shares of its width and height.
    pub(super) fn pick_pivot(&mut self, camera: Option<usize>, at: [f64; 2]) {
        if !at.iter().all(|share| (0.0..=1.0).contains(share)) {
            return self.warn("That place is not in the picture: give shares of its width and height from 0 to 1".to_owned());
        }
        let Some((instant, readiness, event)) = self.transport.preview().map(|p| (p.instant, p.readiness, p.event)) else {
            return self.warn("Nothing is prepared to turn about. Mark an instant (Space) or choose an event, then click again".to_owned());
        };
        let Some(event) = event else {
            return self.warn("A pivot belongs to an event, and this instant has none. Mark it (Shift+Space), then click again".to_owned());
        };
        if self.preview.roll.is_some() {
            return self.warn("Preview rolls. Stop it (K), then click again".to_owned());
        }
        let Some(eye) = self.eye(camera, instant) else {
            let which = camera.map_or_else(|| "Preview".to_owned(), |k| format!("Camera {}", k + 1));
            return self.warn(format!("{which} has no picture of this instant to click in. Choose another picture"));
        };
        let at_px = [at[0] * f64::from(eye.width_px), at[1] * f64::from(eye.height_px)];
        if readiness == Readiness::Solved {
            self.picking = Picking { looks: Some(event), ..Picking::default() };
            return self.board.post_pick_latest(PickWish { instant, eye, at_px });
        }
        let Some(ray) = pick::ray(&eye, at_px) else { return };
        let waits = self.picking.first.take().filter(|f| f.event == event && f.instant == instant && f.camera != eye.name);
        match waits.map(|first| pick::meeting(first.ray, ray)) {
            None => {
                let text = format!("{}: now click the same point in the picture of another camera, a few places away", eye.name);
                let shown = camera.map(|k| (k, at.map(|share| share as f32)));
                self.picking.first = Some(First { event, instant, camera: eye.name, ray, shown });
                self.notice(NoticeLevel::Info, text);
            }
            Some(Ok(point)) => self.set_pivot(event, point),
            Some(Err(why)) => {
                let why = match why {
                    NoMeeting::Parallel => "The two cameras look along the same line".to_owned(),
                    NoMeeting::Behind => "The two clicks meet behind a camera".to_owned(),
                    NoMeeting::Apart(m) => format!("The two clicks miss each other by {m:.2} m"),
                };
                self.warn(format!("{why}: no pivot. Click the same point of the athlete in two pictures, a few cameras apart"));
            }
        }
    }

    /// The camera through which a picture was taken or made, with the size of the picture's own lens.
    pub(super) fn eye(&self, camera: Option<usize>, instant: MediaTime) -> Option<Camera> {
        let Some(k) = camera else { return self.preview.eye.clone() };
        let rig = self.watch.rig_at(instant);
        let eye = rig.cameras.get(*self.transport.arc_order().get(k)?)?;
        self.moment(instant)?.frames.iter().any(|f| f.camera == eye.name).then(|| eye.clone())
    }

    /// What the GPU thread found where somebody clicked.
    pub(super) fn picked(&mut self, wish: &PickWish, found: Result<Option<f64>, String>) {
        let draws = std::mem::take(&mut self.picking.draws);
        let Some(event) = self.picking.looks.take().map(Some).or(draws.then_some(None)) else { return };
        let point = match found {
            Ok(Some(rho)) => pick::point_at(&wish.eye, wish.at_px, rho),
            Ok(None) => None,
            Err(why) => return self.warn(format!("The point was not looked for: {why}. Click again")),
        };
        match (point, event) {
            (Some(point), Some(event)) => self.set_pivot(event, point),
            (Some(point), None) => self.add_point(point),
            (None, None) => {
                self.warn("There is nothing there that the cameras agree on: no point. Click a place with some structure".to_owned());
            }
            (None, Some(_)) => {
                self.warn("There is nothing there that the cameras agree on: no pivot. Click on the athlete's body".to_owned());
            }
        }
    }

    fn set_pivot(&mut self, event: EventId, point: DVec3) {
        let Some(name) = self.transport.events().get(event).map(|e| e.name.clone()) else { return };
        let [x, y, z] = point.to_array();
        if point.abs().max_element() >= 1e5 {
            return self.warn("That point is farther away than a pivot can be. Click on the athlete's body".to_owned());
        }
        let millimetres = point.to_array().map(|m| (m * 1e3).round() as i32);
        self.apply(TransportCommand::Edit(event, EventEdit::Pivot(Some(millimetres))));
        self.notice(NoticeLevel::Info, format!("{name} turns about {x:.2} {y:.2} {z:.2} m. Ctrl+Z takes it back"));
    }

    /// The prepared event's pivot as everybody else sees it.
    pub(in crate::engine) fn pivot_view(&self) -> Option<PivotView> {
        let prepared = self.transport.preview()?;
        let first = self.picking.first.as_ref().filter(|f| Some(f.event) == prepared.event && f.instant == prepared.instant);
        let at_m = prepared.event.and_then(|id| self.transport.events().get(id)).and_then(Event::pivot_m);
        if at_m.is_none() && first.is_none() {
            return None;
        }
        let share = |camera: &Camera| {
            let px = camera.project(DVec3::from_array(at_m?)).filter(|px| camera.contains_px(*px))?;
            Some([(px.x / f64::from(camera.width_px)) as f32, (px.y / f64::from(camera.height_px)) as f32])
        };
        let rig = self.watch.rig_at(prepared.instant);
        let cameras = &rig.cameras;
        Some(PivotView {
            at_m,
            in_cameras: self.transport.arc_order().iter().map(|&i| share(&cameras[i])).collect(),
            in_preview: self.preview.eye.as_ref().and_then(share),
            first_click: first.and_then(|f| f.shown),
        })
    }
}
