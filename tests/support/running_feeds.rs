//! Cameras before a hall in a house time that runs faster than the clock on the wall: a frame each 25th of a second, a keyframe each half second.
#![allow(dead_code, reason = "each test uses its part")]

use std::{ops::Deref, sync::Arc, time::Instant};

use volte::{
    engine::{FeedHealth, FeedStatus, Feeds, LivePicture, RingStatus},
    frame::{Moment, MomentFrame, Picture},
    replay::EventId,
    rig::Rig,
    time::{FrameRate, MediaTime},
};

/// From keyframe to keyframe.
pub const KEYFRAME_NANOS: i64 = 500_000_000;

/// What the cameras of a test show.
pub trait Cameras: Send + Sync + 'static {
    /// As the rig file has them.
    fn rig(&self) -> &Rig;

    /// What one of them shows.
    fn picture(&self, camera: usize, at: MediaTime) -> Arc<Picture>;

    /// The same in a moment.
    fn in_moment(&self, camera: usize, instant: MediaTime) -> Arc<Picture> {
        self.picture(camera, instant)
    }

    /// Whether the watch gets this keyframe.
    fn hands(&self, _camera: usize, _keyframe: MediaTime) -> bool {
        true
    }
}

/// The feeds of these cameras.
pub struct RunningFeeds<C> {
    begun: Instant,
    faster: i64,
    cameras: C,
}

impl<C: Cameras> RunningFeeds<C> {
    /// House time begins now and runs so many times faster.
    pub fn new(faster: i64, cameras: C) -> Self {
        Self { begun: Instant::now(), faster, cameras }
    }

    /// When the newest frame was taken.
    pub fn newest(&self) -> MediaTime {
        let interval = self.rate().interval_nanos();
        MediaTime::from_nanos(self.now().nanos() / interval * interval)
    }
}

impl<C> Deref for RunningFeeds<C> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.cameras
    }
}

impl<C: Cameras> Feeds for RunningFeeds<C> {
    fn rig(&self) -> &Rig {
        self.cameras.rig()
    }

    fn now(&self) -> MediaTime {
        MediaTime::from_nanos(10_000_000_000 + self.faster * self.begun.elapsed().as_nanos() as i64)
    }

    fn rate(&self) -> FrameRate {
        FrameRate::whole(25)
    }

    fn status(&self) -> Vec<FeedStatus> {
        let newest = Some(self.newest());
        vec![FeedStatus { health: FeedHealth::Good, fps: 25.0, newest, ..FeedStatus::default() }; self.cameras.rig().cameras.len()]
    }

    fn ring(&self) -> RingStatus {
        RingStatus {
            oldest: Some(MediaTime::ZERO),
            newest: Some(self.newest()),
            budget_bytes: 1 << 30,
            budget_nanos: 600_000_000_000,
            ..RingStatus::default()
        }
    }

    fn live_picture(&self, camera: usize) -> Option<LivePicture> {
        Some(LivePicture { picture: self.cameras.picture(camera, self.newest()), time: self.newest() })
    }

    fn watch_picture(&self, camera: usize, after: Option<MediaTime>) -> Option<LivePicture> {
        let time = MediaTime::from_nanos(self.now().nanos() / KEYFRAME_NANOS * KEYFRAME_NANOS);
        let is_new = after.is_none_or(|after| time > after) && self.cameras.hands(camera, time);
        is_new.then(|| LivePicture { picture: self.cameras.picture(camera, time), time })
    }

    fn focus(&self, _camera: usize) {}

    fn moment(&self, instant: MediaTime) -> Result<Moment, String> {
        let mut moment = Moment { instant, ..Moment::default() };
        for (i, camera) in self.cameras.rig().cameras.iter().enumerate() {
            let picture = self.cameras.in_moment(i, instant);
            moment.frames.push(MomentFrame { camera: camera.name.clone(), picture, time: instant, error_nanos: 0, retimed: false });
        }
        Ok(moment)
    }

    fn frames(&self, camera: usize, from: MediaTime, until: MediaTime, limit: usize) -> Result<Vec<LivePicture>, String> {
        let times = (0..limit as i64).map(|k| from.plus_nanos(self.rate().frame_nanos(k))).filter(|at| *at < until);
        Ok(times.map(|time| LivePicture { picture: self.cameras.picture(camera, time), time }).collect())
    }

    fn pin(&self, _: EventId, _: MediaTime, _: MediaTime) -> Result<(), String> {
        Ok(())
    }

    fn unpin(&self, _: EventId) {}
}
