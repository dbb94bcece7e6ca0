//! Feeds of a real clock without cameras: every camera shows the number of the frame that is newest now.
#![allow(dead_code, reason = "each test uses its part")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use volte::{
    engine::{FeedHealth, FeedStatus, Feeds, LivePicture, RingStatus},
    frame::{Moment, MomentFrame, Picture},
    replay::EventId,
    rig::Rig,
    time::{FrameRate, MediaTime},
};

use super::numbers::numbered;

/// The fake.
pub struct TimedFeeds {
    rig: Rig,
    begun: Instant,
    rate: FrameRate,
    /// By camera, where those differ.
    newest: Mutex<BTreeMap<usize, (i64, Arc<Picture>)>>,
    /// A picture says which camera it is of as well.
    tells_camera: bool,
}

/// Numbers of cameras begin at multiples of this.
pub const CAMERA: u16 = 1 << 13;

impl TimedFeeds {
    pub fn new(rig: Rig) -> Self {
        Self::with_rate(rig, FrameRate::whole(50))
    }

    /// Cameras of another rate.
    pub fn with_rate(rig: Rig, rate: FrameRate) -> Self {
        Self { rig, begun: Instant::now(), rate, newest: Mutex::default(), tells_camera: false }
    }

    /// Cameras of which each has numbers of its own: from `camera * CAMERA` on.
    #[must_use]
    pub fn telling_cameras(self) -> Self {
        Self { tells_camera: true, ..self }
    }

    /// What is burnt into a camera's frame.
    fn burnt(&self, camera: usize, frame: i64) -> u16 {
        if self.tells_camera { frame as u16 % CAMERA + CAMERA * camera as u16 } else { frame as u16 }
    }

    /// The frame that is newest at a time.
    fn frame_at(&self, at: MediaTime) -> i64 {
        let rate = self.rate();
        // Times of frames are whole nanoseconds, rounded down.
        let about = (i128::from(at.nanos() + 1) * i128::from(rate.numerator()) / (i128::from(rate.denominator()) * 1_000_000_000)) as i64;
        if rate.frame_nanos(about + 1) <= at.nanos() { about + 1 } else { about }
    }

    /// The number of the frame at an instant.
    pub fn number_at(&self, at: MediaTime) -> u16 {
        self.frame_at(at) as u16
    }
}

impl Feeds for TimedFeeds {
    fn rig(&self) -> &Rig {
        &self.rig
    }

    fn now(&self) -> MediaTime {
        MediaTime::from_nanos(self.begun.elapsed().as_nanos() as i64 + 10_000_000_000)
    }

    fn rate(&self) -> FrameRate {
        self.rate
    }

    fn status(&self) -> Vec<FeedStatus> {
        let newest = Some(self.now());
        vec![FeedStatus { health: FeedHealth::Good, fps: self.rate.fps(), newest, ..FeedStatus::default() }; self.rig.cameras.len()]
    }

    fn ring(&self) -> RingStatus {
        let newest = self.rate().frame_nanos(self.frame_at(self.now()));
        RingStatus {
            oldest: Some(MediaTime::ZERO),
            newest: Some(MediaTime::from_nanos(newest)),
            budget_bytes: 1 << 30,
            budget_nanos: 600_000_000_000,
            ..RingStatus::default()
        }
    }

    fn live_picture(&self, camera: usize) -> Option<LivePicture> {
        let frame = self.frame_at(self.now());
        let mut newest = self.newest.lock();
        let key = if self.tells_camera { camera } else { 0 };
        if newest.get(&key).is_none_or(|(k, _)| *k != frame) {
            newest.insert(key, (frame, Arc::new(numbered(self.burnt(camera, frame)))));
        }
        let picture = newest.get(&key).map(|(_, picture)| Arc::clone(picture))?;
        Some(LivePicture { picture, time: MediaTime::from_nanos(self.rate().frame_nanos(frame)) })
    }

    fn focus(&self, _camera: usize) {}

    fn moment(&self, instant: MediaTime) -> Result<Moment, String> {
        let mut moment = Moment { instant, ..Moment::default() };
        for (k, camera) in self.rig.cameras.iter().enumerate() {
            let picture = Arc::new(numbered(self.burnt(k, self.frame_at(instant))));
            moment.frames.push(MomentFrame { camera: camera.name.clone(), picture, time: instant, error_nanos: 0, retimed: false });
        }
        Ok(moment)
    }

    fn pin(&self, _event: EventId, _begin: MediaTime, _end: MediaTime) -> Result<(), String> {
        Ok(())
    }

    fn unpin(&self, _event: EventId) {}
}
