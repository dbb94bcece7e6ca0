//! When the watch looks at the health of which camera, and what is new about it.
//!
//! Must not know: how an ailment is found, who is told.

use std::time::{Duration, Instant};

use super::{Feeds, LivePicture};
use crate::{
    calibrate::{Ailment, Checkup},
    frame::Picture,
    time::MediaTime,
};

/// A camera's pictures are judged this often, nanoseconds of house time.
const LOOK_EVERY_NANOS: i64 = 1_500_000_000;
/// Frames in a row that flicker is looked for in, and how often that is done.
const BURST: usize = 16;
const BURST_EVERY: Duration = Duration::from_secs(4);
/// A burst takes at most one part in so many of the time.
const BURST_SHARE: u32 = 25;
/// A figure that changes by less than this share of itself is not told again.
const NEWS: f32 = 0.3;

/// The health of all cameras as it was told.
#[derive(Debug)]
pub(super) struct HealthWatch {
    checkup: Checkup,
    looked: Vec<Option<MediaTime>>,
    told: Vec<Vec<Ailment>>,
    /// Bursts that each camera has had, and when the last one was.
    bursts: Vec<u64>,
    burst_at: Option<Instant>,
    /// What the last burst took, and whether that was already asked for.
    burst_took: Duration,
    burst_is_news: bool,
}

impl HealthWatch {
    pub fn new(cameras: usize) -> Self {
        Self {
            checkup: Checkup::new(cameras),
            looked: vec![None; cameras],
            told: vec![Vec::new(); cameras],
            bursts: vec![0; cameras],
            burst_at: None,
            burst_took: Duration::ZERO,
            burst_is_news: false,
        }
    }

    /// The camera stands elsewhere now.
    pub fn moved(&mut self, camera: usize) {
        self.checkup.moved(camera);
    }

    /// Looks at a camera's newest picture, and now and then at its last frames. What is wrong with it, if that is news.
    pub fn look(&mut self, feeds: &dyn Feeds, camera: usize, live: &LivePicture) -> Option<Vec<Ailment>> {
        let is_due = self.looked[camera].is_none_or(|was| live.time.nanos() - was.nanos() >= LOOK_EVERY_NANOS);
        if !is_due {
            return None;
        }
        self.looked[camera] = Some(live.time);
        self.checkup.look(camera, &live.picture, live.time);
        self.burst(feeds, camera, live.time);
        let now = self.checkup.ailments(camera);
        let was = &self.told[camera];
        let is_same = was.len() == now.len() && was.iter().zip(&now).all(|(a, b)| a.is_like(b) && !is_news(a, b));
        if is_same {
            return None;
        }
        self.told[camera].clone_from(&now);
        Some(now)
    }

    /// What a burst took since this was last asked: it has a share of the time of its own.
    pub fn burst_took(&mut self) -> Duration {
        if std::mem::take(&mut self.burst_is_news) { self.burst_took } else { Duration::ZERO }
    }

    fn burst(&mut self, feeds: &dyn Feeds, camera: usize, time: MediaTime) {
        // Of a node's camera every frame would be fetched.
        if feeds.is_remote(camera) {
            self.bursts[camera] = u64::MAX;
            return;
        }
        // Whose turn it is: who has had the fewest, and at once who is in doubt.
        let is_turn = self.bursts[camera] <= self.bursts.iter().copied().min().unwrap_or(0) || self.checkup.wants_burst(camera);
        if !is_turn || self.burst_at.is_some_and(|at| at.elapsed() < BURST_EVERY.max(self.burst_took * BURST_SHARE)) {
            return;
        }
        let begun = Instant::now();
        self.bursts[camera] += 1;
        let from = time.plus_nanos(-feeds.rate().interval_nanos() * BURST as i64);
        match feeds.frames(camera, from, time, BURST) {
            Ok(frames) => {
                let pictures: Vec<&Picture> = frames.iter().map(|f| f.picture.as_ref()).collect();
                self.checkup.look_at_burst(camera, &pictures);
            }
            Err(why) => tracing::debug!(camera, "no frames to look for flicker in: {why}"),
        }
        (self.burst_at, self.burst_took, self.burst_is_news) = (Some(Instant::now()), begun.elapsed(), true);
    }
}

/// Whether one kind of ailment became another figure.
fn is_news(was: &Ailment, now: &Ailment) -> bool {
    let differ = |a: f32, b: f32| (a - b).abs() > NEWS * a.abs().max(b.abs());
    match (was, now) {
        (Ailment::Blurred { detail_percent: a }, Ailment::Blurred { detail_percent: b })
        | (Ailment::Dirty { share_percent: a, .. }, Ailment::Dirty { share_percent: b, .. })
        | (Ailment::Flickers { percent: a }, Ailment::Flickers { percent: b }) => differ(*a, *b),
        (Ailment::StuckPixels { count: a, .. }, Ailment::StuckPixels { count: b, .. }) => a != b,
        _ => true,
    }
}
