//! The thread that fetches moments: decoding takes its time, so the engine only says which instant it wants (`latest`).

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use crossbeam::channel::Sender;
use parking_lot::{Condvar, Mutex};

use super::{feeds::Feeds, retime::IN_TIME_NANOS, rig_book::RigBook};
use crate::{frame::Moment, time::MediaTime};

/// What the moment thread reports.
#[derive(Debug)]
pub(super) struct MomentReport {
    /// The instant that was wanted.
    pub instant: MediaTime,
    /// The frames, or why there are none.
    pub result: Result<Arc<Moment>, String>,
    /// Seconds that it took.
    pub secs: f64,
}

#[derive(Debug, Default)]
struct Wish {
    instant: Option<MediaTime>,
    stop: bool,
}

/// The wanted instant; a newer one replaces the older.
#[derive(Debug, Default)]
pub(super) struct MomentWish {
    wish: Mutex<Wish>,
    posted: Condvar,
    /// Frames on the other side of the instant are wanted too, where cameras are not in time.
    wants_others: AtomicBool,
}

impl MomentWish {
    /// Whether frames on both sides of the instant are wanted from now on.
    pub fn want_others(&self, wanted: bool) {
        self.wants_others.store(wanted, Ordering::Relaxed);
    }

    /// Wants this instant and no other.
    pub fn post_latest(&self, instant: MediaTime) {
        self.wish.lock().instant = Some(instant);
        self.posted.notify_one();
    }

    /// Wants nothing.
    pub fn clear(&self) {
        self.wish.lock().instant = None;
    }

    /// Ends the thread.
    pub fn stop(&self) {
        self.wish.lock().stop = true;
        self.posted.notify_all();
    }

    fn wait(&self) -> Option<MediaTime> {
        let mut wish = self.wish.lock();
        loop {
            if wish.stop {
                return None;
            }
            if let Some(instant) = wish.instant.take() {
                return Some(instant);
            }
            self.posted.wait(&mut wish);
        }
    }
}

/// Runs until stopped.
pub(super) fn run(feeds: &dyn Feeds, book: &RigBook, wish: &MomentWish, reports: &Sender<MomentReport>) {
    while let Some(instant) = wish.wait() {
        let begun = std::time::Instant::now();
        let result = feeds.moment(instant).map(|moment| book.honest(moment)).and_then(|moment| {
            if moment.frames.is_empty() {
                let why: Vec<String> = moment.left_out.iter().map(|(camera, why)| format!("{camera}: {why}")).collect();
                let why = if why.is_empty() { "the ring holds nothing there".to_owned() } else { why.join("; ") };
                return Err(format!("No camera has a frame at {instant}: {why}. Choose a newer instant"));
            }
            let late = moment.worst_error_nanos() > IN_TIME_NANOS && wish.wants_others.load(Ordering::Relaxed);
            let others = if late { feeds.other_side(&moment) } else { Vec::new() };
            Ok(Arc::new(Moment { others, ..moment }))
        });
        if reports.send(MomentReport { instant, result, secs: begun.elapsed().as_secs_f64() }).is_err() {
            return;
        }
    }
}
