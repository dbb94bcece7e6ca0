//! One camera's frames as they come, with its faults.

use std::sync::Arc;

use super::faults::{Fate, Faults};
use super::{Venue, VenueError};
use crate::frame::Picture;
use crate::rig::Camera;
use crate::time::{FrameRate, MediaTime};

/// One frame as a feed delivers it.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamFrame {
    /// Counted from the beginning, dropped frames included.
    pub index: i64,
    /// The camera's own stamp.
    pub pts: MediaTime,
    /// How long after `pts` it arrives, nanoseconds; 0 when in time.
    pub late_by_nanos: i64,
    /// Whether it repeats the picture before.
    pub is_duplicate: bool,
    /// The picture.
    pub picture: Arc<Picture>,
}

/// What a camera does at one frame of its clock.
#[derive(Debug, Clone, PartialEq)]
pub enum StreamEvent {
    /// A frame.
    Frame(StreamFrame),
    /// The frame of this index was lost on its way.
    Dropped(i64),
    /// The camera is dead: nothing comes any more.
    Dead,
}

/// The frames of one camera, in order. It holds no GPU: frames are asked for with the [`Venue`] that draws them, or with
/// pictures drawn before.
#[derive(Debug, Clone)]
pub struct VenueStream {
    in_rig: Camera,
    faults: Faults,
    rate: FrameRate,
    start: MediaTime,
    index: i64,
    before: Option<Arc<Picture>>,
}

impl VenueStream {
    /// A stream whose first frame is stamped `start`; `in_rig` is the camera as the rig file has it.
    pub const fn new(in_rig: Camera, faults: Faults, rate: FrameRate, start: MediaTime) -> Self {
        Self { in_rig, faults, rate, start, index: 0, before: None }
    }

    /// The stamp of the next frame.
    pub fn next_pts(&self) -> MediaTime {
        self.start.plus_nanos(self.rate.frame_nanos(self.index))
    }

    /// Passes over `frames` frames: nobody was there to take them.
    pub const fn skip(&mut self, frames: i64) {
        self.index = self.index.saturating_add(frames);
    }

    /// The camera as the rig file has it.
    pub const fn camera_in_rig(&self) -> &Camera {
        &self.in_rig
    }

    /// The camera's faults.
    pub const fn faults(&self) -> &Faults {
        &self.faults
    }

    /// The next frame that arrives, dropped ones skipped; `None` when the camera is dead (or drops everything).
    pub fn next_frame(&mut self, venue: &mut Venue) -> Result<Option<StreamFrame>, VenueError> {
        for _ in 0..10_000 {
            match self.step(venue)? {
                StreamEvent::Frame(frame) => return Ok(Some(frame)),
                StreamEvent::Dropped(_) => {}
                StreamEvent::Dead => break,
            }
        }
        Ok(None)
    }

    /// What happens at the next frame of the camera's clock.
    pub fn step(&mut self, venue: &mut Venue) -> Result<StreamEvent, VenueError> {
        self.step_with(|camera, time, rolling_nanos| venue.render_rolling(camera, time, rolling_nanos).map(Arc::new))
    }

    /// The same with a drawer of one's own: (camera as it stands, time that the first row shows, rolling shutter) → picture.
    pub fn step_with<E>(&mut self, draw: impl FnOnce(&Camera, MediaTime, i64) -> Result<Arc<Picture>, E>) -> Result<StreamEvent, E> {
        let (index, pts) = (self.index, self.next_pts());
        if !self.faults.is_alive(pts) {
            return Ok(StreamEvent::Dead);
        }
        self.index += 1;
        let fate = self.faults.fate(index);
        if fate == Fate::Dropped {
            return Ok(StreamEvent::Dropped(index));
        }
        let late_by_nanos = if let Fate::Late(nanos) = fate { nanos } else { 0 };
        let (picture, is_duplicate) = if let (Some(before), Fate::Duplicate) = (&self.before, fate) {
            (Arc::clone(before), true)
        } else {
            let camera = self.faults.true_camera(&self.in_rig, pts);
            let mut picture = draw(&camera, self.faults.shown_time(pts), self.faults.rolling_shutter_nanos)?;
            if self.faults.touches_pixels() {
                self.faults.degrade_at(Arc::make_mut(&mut picture), index, pts);
            }
            if self.faults.flashes(pts, self.rate) {
                picture = Arc::new(Picture::filled(picture.width(), picture.height(), [255; 4]));
            }
            (picture, false)
        };
        self.before = Some(Arc::clone(&picture));
        Ok(StreamEvent::Frame(StreamFrame { index, pts, late_by_nanos, is_duplicate, picture }))
    }
}
