//! Pictures of cameras on capture nodes for the watch: each is fetched with its whole group of pictures over the network, so seldom, and not while
//! somebody waits for a picture. Moments that are prepared are looked at anyway.
//!
//! Must not know: how a picture is fetched, who looks at it.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use super::LivePicture;
use crate::time::MediaTime;

/// A camera that was looked at is looked at again after so long, nanoseconds of media time.
const EVERY_NANOS: i64 = 10_000_000_000;
/// Who asks for whatever picture there is gets one that is no older than this, nanoseconds; nothing is fetched more often.
const FRESH_NANOS: i64 = 1_500_000_000;
const PAUSE: Duration = Duration::from_millis(1500);
/// A node is asked for what it surely has by now, nanoseconds before its newest frame.
const BEHIND_NANOS: i64 = 500_000_000;

/// The last one of a camera.
#[derive(Debug, Default)]
struct Fetched {
    asked: Option<Instant>,
    picture: Option<LivePicture>,
}

/// Of all cameras, by index in the rig.
#[derive(Debug)]
pub(super) struct RemoteLooks {
    fetched: Vec<Mutex<Fetched>>,
    is_busy: AtomicBool,
}

impl RemoteLooks {
    pub fn new(cameras: usize) -> Self {
        Self { fetched: (0..cameras).map(|_| Mutex::default()).collect(), is_busy: AtomicBool::new(false) }
    }

    /// Somebody waits for a picture, or nobody does any more.
    pub fn make_room(&self, wanted: bool) {
        self.is_busy.store(wanted, Ordering::Relaxed);
    }

    /// A picture that is newer than `after`, if it is time for one: `newest` is the time of the node's newest frame.
    pub fn picture(
        &self,
        camera: usize,
        after: Option<MediaTime>,
        newest: MediaTime,
        fetch: impl FnOnce(MediaTime) -> Option<LivePicture>,
    ) -> Option<LivePicture> {
        let mut fetched = self.fetched.get(camera)?.lock();
        let at = newest.plus_nanos(-BEHIND_NANOS);
        match (after, &fetched.picture) {
            (Some(after), _) if at.nanos() - after.nanos() < EVERY_NANOS => return None,
            (None, Some(kept)) if at.nanos() - kept.time.nanos() < FRESH_NANOS => return Some(kept.clone()),
            _ => {}
        }
        if self.is_busy.load(Ordering::Relaxed) || fetched.asked.is_some_and(|asked| asked.elapsed() < PAUSE) {
            return None;
        }
        fetched.picture = fetch(at);
        // Counted from the answer: a node that is slow is asked less often.
        fetched.asked = Some(Instant::now());
        fetched.picture.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, sync::Arc};

    use super::*;
    use crate::frame::Picture;

    #[test]
    fn a_nodes_camera_is_looked_at_seldom_and_not_while_somebody_waits() {
        let looks = RemoteLooks::new(2);
        let count = Cell::new(0);
        let at = |secs: f64| MediaTime::from_secs_f64(secs);
        let ask = |after: Option<f64>, newest: f64| {
            let fetch = |time| {
                count.set(count.get() + 1);
                Some(LivePicture { picture: Arc::new(Picture::filled(4, 4, [9; 4])), time })
            };
            looks.picture(0, after.map(at), at(newest), fetch).map(|p| p.time.nanos() as f64 * 1e-9)
        };
        // Nobody waits on the clock here.
        let forget_pause = || looks.fetched[0].lock().asked = None;
        looks.make_room(true);
        assert_eq!((ask(None, 20.5), count.get()), (None, 0), "somebody waits");
        looks.make_room(false);
        assert_eq!((ask(None, 20.5), count.get()), (Some(20.0), 1));
        assert_eq!((ask(None, 21.0), count.get()), (Some(20.0), 1), "who asks again soon gets the same");
        assert_eq!((ask(None, 22.5), count.get()), (None, 1), "no node is asked twice in a row");
        forget_pause();
        assert_eq!((ask(None, 22.5), count.get()), (Some(22.0), 2));
        forget_pause();
        assert_eq!((ask(Some(22.0), 32.0), count.get()), (None, 2));
        assert_eq!((ask(Some(22.0), 32.6), count.get()), (Some(32.1), 3));
        assert!(looks.picture(5, None, at(1.0), |_| None).is_none(), "no such camera");
    }
}
