//! Feeds of a real clock without cameras: every camera shows the number of the frame that is newest now.
#![allow(dead_code, reason = "each test uses its part")]

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
    newest: Mutex<Option<(i64, Arc<Picture>)>>,
}

impl TimedFeeds {
    pub fn new(rig: Rig) -> Self {
        Self { rig, begun: Instant::now(), newest: Mutex::default() }
    }

    /// The number of the frame at an instant.
    pub fn number_at(&self, at: MediaTime) -> u16 {
        (at.nanos() / self.rate().interval_nanos()) as u16
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
        FrameRate::whole(50)
    }

    fn status(&self) -> Vec<FeedStatus> {
        let newest = Some(self.now());
        vec![FeedStatus { health: FeedHealth::Good, fps: 50.0, newest, ..FeedStatus::default() }; self.rig.cameras.len()]
    }

    fn ring(&self) -> RingStatus {
        let interval = self.rate().interval_nanos();
        RingStatus {
            oldest: Some(MediaTime::ZERO),
            newest: Some(MediaTime::from_nanos(self.now().nanos() / interval * interval)),
            budget_bytes: 1 << 30,
            budget_nanos: 600_000_000_000,
            ..RingStatus::default()
        }
    }

    fn live_picture(&self, _camera: usize) -> Option<LivePicture> {
        let frame = self.now().nanos() / self.rate().interval_nanos();
        let mut newest = self.newest.lock();
        if newest.as_ref().is_none_or(|(k, _)| *k != frame) {
            *newest = Some((frame, Arc::new(numbered(frame as u16))));
        }
        let picture = newest.as_ref().map(|(_, picture)| Arc::clone(picture))?;
        Some(LivePicture { picture, time: MediaTime::from_nanos(self.rate().frame_nanos(frame)) })
    }

    fn focus(&self, _camera: usize) {}

    fn moment(&self, instant: MediaTime) -> Result<Moment, String> {
        let mut moment = Moment { instant, ..Moment::default() };
        for camera in &self.rig.cameras {
            let picture = Arc::new(numbered(self.number_at(instant)));
            moment.frames.push(MomentFrame { camera: camera.name.clone(), picture, time: instant, error_nanos: 0, retimed: false });
        }
        Ok(moment)
    }

    fn pin(&self, _event: EventId, _begin: MediaTime, _end: MediaTime) -> Result<(), String> {
        Ok(())
    }

    fn unpin(&self, _event: EventId) {}
}
