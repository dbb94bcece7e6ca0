//! Feeds without cameras, clock or GStreamer: every picture is one flat colour that says which camera and which frame it is.
#![allow(dead_code, reason = "each test uses its part")]

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering},
};

use glam::DVec3;
use parking_lot::Mutex;
use volte::{
    engine::{FeedHealth, FeedStatus, Feeds, LivePicture, RingStatus},
    frame::{Moment, MomentFrame, Picture},
    geometry::{Lens, Pose},
    replay::{Event, EventId},
    rig::{Camera, Rig},
    time::{FrameRate, MediaTime},
};

/// The fake; `now` moves only when told to.
#[derive(Debug)]
pub struct FakeFeeds {
    rig: Rig,
    now_nanos: AtomicI64,
    alive: Vec<AtomicBool>,
    /// Events that are pinned.
    pub pinned: Mutex<Vec<EventId>>,
    /// What was written down, in order.
    pub remembered: Mutex<Vec<Event>>,
    /// What an earlier session wrote down.
    pub restored: Mutex<Vec<Event>>,
    /// The camera that is wanted at full rate.
    pub focused: AtomicUsize,
    /// Moments that were fetched.
    pub fetched: AtomicUsize,
    /// While somebody holds it, moments take their time.
    pub gate: Mutex<()>,
    /// Frames a second.
    pub fps: u32,
    /// What a camera sees at a frame, where it is no flat colour.
    pub film: fn(usize, i64) -> Picture,
    /// Moments are of the film, too; else each camera's picture is one flat colour.
    pub films_moments: bool,
}

/// A rig of `n` cameras on an arc of `degrees` around the origin's athlete.
pub fn arc_rig(n: usize, degrees: f64) -> Rig {
    let target = DVec3::new(0.0, 0.0, 1.0);
    let cameras = (0..n)
        .map(|i| {
            let a = (degrees * (i as f64 / (n - 1) as f64 - 0.5)).to_radians();
            let eye = target + DVec3::new(6.0 * a.cos(), 6.0 * a.sin(), 0.6);
            Camera {
                name: format!("cam{:02}", i + 1),
                width_px: 160,
                height_px: 90,
                lens: Lens::pinhole(150.0, 150.0, 80.0, 45.0),
                camera_from_world: Pose::look_at(eye, target, DVec3::Z).unwrap(),
                clock_offset_nanos: 0,
            }
        })
        .collect();
    Rig { cameras, points_in_world: vec![] }
}

/// The colour of a camera; no two alike, none dark.
pub fn color_of(camera: usize) -> [u8; 4] {
    [60 + 20 * (camera as u8 % 9), 220 - 15 * (camera as u8 % 9), 90, 255]
}

/// A frame that rolls: the camera's colour, and the frame's number in the first pixel.
pub fn frame_picture(camera: usize, frame: i64) -> Picture {
    let mut picture = Picture::filled(16, 9, color_of(camera));
    picture.rgba_mut()[..3].copy_from_slice(&[(frame >> 8) as u8, frame as u8, 77]);
    picture
}

/// The number of a frame that rolls.
pub fn frame_number(picture: &Picture) -> Option<i64> {
    let [high, low, tag, _] = picture.pixel(0, 0);
    (tag == 77).then_some(i64::from(high) << 8 | i64::from(low))
}

impl FakeFeeds {
    /// `n` cameras on an arc of 6° steps, ten seconds after the start.
    pub fn new(n: usize) -> Self {
        Self {
            rig: arc_rig(n, 6.0 * (n - 1) as f64),
            now_nanos: AtomicI64::new(10_000_000_000),
            alive: (0..n).map(|_| AtomicBool::new(true)).collect(),
            pinned: Mutex::default(),
            remembered: Mutex::default(),
            restored: Mutex::default(),
            focused: AtomicUsize::new(usize::MAX),
            fetched: AtomicUsize::new(0),
            gate: Mutex::default(),
            fps: 50,
            film: frame_picture,
            films_moments: false,
        }
    }

    /// Moves time.
    pub fn advance_frames(&self, frames: i64) {
        self.now_nanos.fetch_add(self.rate().frame_nanos(frames), Ordering::SeqCst);
    }

    /// The same by less than a frame.
    pub fn advance_nanos(&self, nanos: i64) {
        self.now_nanos.fetch_add(nanos, Ordering::SeqCst);
    }

    /// A camera dies or comes back.
    pub fn set_alive(&self, camera: usize, alive: bool) {
        self.alive[camera].store(alive, Ordering::SeqCst);
    }

    fn is_alive(&self, camera: usize) -> bool {
        self.alive[camera].load(Ordering::SeqCst)
    }

    fn newest(&self) -> MediaTime {
        let interval = self.rate().interval_nanos();
        MediaTime::from_nanos(self.now_nanos.load(Ordering::SeqCst) / interval * interval)
    }
}

impl Feeds for FakeFeeds {
    fn rig(&self) -> &Rig {
        &self.rig
    }

    fn now(&self) -> MediaTime {
        MediaTime::from_nanos(self.now_nanos.load(Ordering::SeqCst))
    }

    fn rate(&self) -> FrameRate {
        FrameRate::whole(self.fps)
    }

    fn status(&self) -> Vec<FeedStatus> {
        (0..self.rig.cameras.len())
            .map(|i| FeedStatus {
                health: if self.is_alive(i) { FeedHealth::Good } else { FeedHealth::Lost },
                fps: if self.is_alive(i) { 50.0 } else { 0.0 },
                newest: Some(self.newest()),
                ..FeedStatus::default()
            })
            .collect()
    }

    fn ring(&self) -> RingStatus {
        RingStatus {
            bytes: 10 << 20,
            budget_bytes: 100 << 20,
            oldest: Some(MediaTime::from_secs_f64(2.0)),
            newest: Some(self.newest()),
            budget_nanos: 60_000_000_000,
            ..RingStatus::default()
        }
    }

    fn live_picture(&self, camera: usize) -> Option<LivePicture> {
        self.is_alive(camera).then(|| LivePicture { picture: Arc::new(Picture::filled(16, 9, color_of(camera))), time: self.newest() })
    }

    fn focus(&self, camera: usize) {
        self.focused.store(camera, Ordering::SeqCst);
    }

    fn moment(&self, instant: MediaTime) -> Result<Moment, String> {
        self.fetched.fetch_add(1, Ordering::SeqCst);
        drop(self.gate.lock());
        let mut moment = Moment { instant, ..Moment::default() };
        for (i, camera) in self.rig.cameras.iter().enumerate() {
            if self.is_alive(i) {
                let frame = instant.nanos() / self.rate().interval_nanos();
                let picture = if self.films_moments { (self.film)(i, frame) } else { Picture::filled(160, 90, color_of(i)) };
                let picture = Arc::new(picture);
                moment.frames.push(MomentFrame { camera: camera.name.clone(), picture, time: instant, error_nanos: 0, retimed: false });
            } else {
                moment.left_out.push((camera.name.clone(), "the camera has died".to_owned()));
            }
        }
        Ok(moment)
    }

    fn frames(&self, camera: usize, from: MediaTime, until: MediaTime, limit: usize) -> Result<Vec<LivePicture>, String> {
        if !self.is_alive(camera) {
            return Err("the camera has died".to_owned());
        }
        let interval = self.rate().interval_nanos();
        let first = from.nanos().div_euclid(interval) + i64::from(from.nanos().rem_euclid(interval) != 0);
        let frames = (first..).take_while(|k| k * interval < until.nanos() && k * interval <= self.newest().nanos()).take(limit);
        Ok(frames.map(|k| LivePicture { picture: Arc::new((self.film)(camera, k)), time: MediaTime::from_nanos(k * interval) }).collect())
    }

    fn pin(&self, event: EventId, begin: MediaTime, end: MediaTime) -> Result<(), String> {
        assert!(begin < end);
        let mut pinned = self.pinned.lock();
        pinned.retain(|e| *e != event);
        pinned.push(event);
        Ok(())
    }

    fn remember(&self, event: &Event) -> Result<(), String> {
        self.remembered.lock().push(event.clone());
        Ok(())
    }

    fn restored(&self) -> Vec<Event> {
        self.restored.lock().clone()
    }

    fn unpin(&self, event: EventId) {
        self.pinned.lock().retain(|e| *e != event);
    }
}
