//! The last pictures of the live camera, and which of them is due: frames come unevenly, and an output shall show each of them
//! once, in step.
//!
//! Must not know: where pictures come from. Pure.

use std::collections::VecDeque;

use super::LivePicture;
use crate::time::MediaTime;

/// Pictures that are kept.
const KEPT: usize = 6;
/// Arrivals that the delay is judged by.
const ARRIVALS: usize = 64;
/// Added to the delay, nanoseconds: whoever looks is not exact either.
const MARGIN_NANOS: i64 = 2_000_000;

/// The past of one camera's pictures.
#[derive(Debug, Default)]
pub(super) struct LiveHistory {
    camera: usize,
    recent: VecDeque<LivePicture>,
    /// From the time of a picture until it was there, nanoseconds.
    lags: VecDeque<i64>,
}

impl LiveHistory {
    /// A picture is there, at `now`.
    pub fn push(&mut self, camera: usize, picture: LivePicture, now: MediaTime) {
        let goes_back = self.recent.back().is_some_and(|last| picture.time <= last.time);
        if camera != self.camera || goes_back {
            self.camera = camera;
            self.recent.clear();
            self.lags.clear();
        }
        self.lags.push_back(now - picture.time);
        if self.lags.len() > ARRIVALS {
            self.lags.pop_front();
        }
        self.recent.push_back(picture);
        if self.recent.len() > KEPT {
            self.recent.pop_front();
        }
    }

    /// How long after its time a picture is shown, so that the latest of them are in time as well; unsteadiness beyond one and a
    /// half frames is not waited for.
    fn delay_nanos(&self, interval_nanos: i64) -> i64 {
        let least = self.lags.iter().copied().min().unwrap_or(0);
        let most = self.lags.iter().copied().max().unwrap_or(0);
        least + (most - least).min(interval_nanos * 3 / 2) + MARGIN_NANOS
    }

    /// The newest picture of the camera; `None` before the first.
    pub fn newest(&self, camera: usize) -> Option<LivePicture> {
        (camera == self.camera).then(|| self.recent.back().cloned()).flatten()
    }

    /// The picture of the camera that is due at `now`; `None` before the first.
    pub fn due(&self, camera: usize, now: MediaTime, interval_nanos: i64) -> Option<LivePicture> {
        if camera != self.camera {
            return None;
        }
        let until = now.plus_nanos(-self.delay_nanos(interval_nanos));
        self.recent.iter().rev().find(|p| p.time <= until).or_else(|| self.recent.front()).cloned()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{frame::Picture, time::FrameRate};

    fn live(nanos: i64) -> LivePicture {
        LivePicture { picture: Arc::new(Picture::filled(1, 1, [0; 4])), time: MediaTime::from_nanos(nanos) }
    }

    /// What an output of the same rate shows of a camera whose pictures arrive up to `jitter` frames late, and how old it is.
    fn shown(jitter: f64, phase: f64) -> (Vec<i64>, i64) {
        let rate = FrameRate::whole(50);
        let mut history = LiveHistory::default();
        let (mut out, mut oldest, mut seed, mut k) = (Vec::new(), 0, 1_u64, 0);
        let mut arrival = None;
        for tick in 0..1000 {
            let now = rate.frame_nanos(tick) + (rate.interval_nanos() as f64 * phase) as i64;
            loop {
                let at = *arrival.get_or_insert_with(|| {
                    seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    rate.frame_nanos(k) + (rate.interval_nanos() as f64 * (0.3 + jitter * (seed >> 40) as f64 / (1 << 24) as f64)) as i64
                });
                if at > now {
                    break;
                }
                history.push(3, live(rate.frame_nanos(k)), MediaTime::from_nanos(at));
                (k, arrival) = (k + 1, None);
            }
            // The first hundred find the delay.
            if let Some(due) = history.due(3, MediaTime::from_nanos(now), rate.interval_nanos()).filter(|_| tick > 100) {
                oldest = oldest.max(now - due.time.nanos());
                out.push(due.time.nanos() / rate.interval_nanos());
            }
        }
        (out, oldest)
    }

    #[test]
    fn every_picture_is_shown_once_however_unevenly_they_come() {
        for (jitter, phase) in [(0.0, 0.0), (0.0, 0.299), (0.0, 0.31), (0.4, 0.5), (0.9, 0.05), (0.9, 0.95), (1.3, 0.6)] {
            let (numbers, oldest) = shown(jitter, phase);
            assert!(numbers.windows(2).all(|w| w[1] == w[0] + 1), "jitter {jitter}, phase {phase}: {numbers:?}");
            assert!(oldest <= 60_000_000, "jitter {jitter}: {oldest} ns are more than three frames");
        }
    }

    #[test]
    fn another_camera_begins_anew() {
        let mut history = LiveHistory::default();
        history.push(1, live(100), MediaTime::from_nanos(200));
        assert!(history.due(2, MediaTime::from_nanos(1000), 10).is_none());
        history.push(2, live(50), MediaTime::from_nanos(300));
        assert_eq!(history.newest(2).map(|p| p.time.nanos()), Some(50));
        assert!(history.newest(1).is_none());
        // Time that goes back (footage that begins again) keeps nothing from before.
        history.push(2, live(10), MediaTime::from_nanos(400));
        assert_eq!(history.due(2, MediaTime::from_nanos(0), 10).map(|p| p.time.nanos()), Some(10));
    }
}
