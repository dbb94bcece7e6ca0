//! What the engine tells the watch: the moments that are looked at before all else, whether somebody waits for a picture, and when it is over.
//!
//! Must not know: how anything is looked at.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use parking_lot::{Condvar, Mutex};

use crate::frame::Moment;

/// Moments that wait to be looked at; beyond, the oldest is dropped.
const CHECKS_DROP_OLDEST: usize = 8;

#[derive(Debug, Default)]
struct Wish {
    /// The most urgent is the last.
    checks: Vec<Arc<Moment>>,
    stop: bool,
}

/// What the engine tells the watch.
#[derive(Debug, Default)]
pub(super) struct WatchDesk {
    wish: Mutex<Wish>,
    posted: Condvar,
    pub(super) busy: AtomicBool,
    pub(super) without_plates: AtomicBool,
}

impl WatchDesk {
    /// This moment is prepared, or goes on air: its pictures are looked at before all others (`drop_oldest`).
    pub fn check_first(&self, moment: Arc<Moment>) {
        let mut wish = self.wish.lock();
        wish.checks.retain(|m| m.instant != moment.instant);
        if wish.checks.len() >= CHECKS_DROP_OLDEST {
            wish.checks.remove(0);
        }
        wish.checks.push(moment);
        drop(wish);
        self.posted.notify_one();
    }

    /// Somebody waits for a picture, or nobody does any more.
    pub fn make_room(&self, wanted: bool) {
        self.busy.store(wanted, Ordering::Relaxed);
    }

    /// Plates are learned, or what was learned is thrown away.
    pub fn learn_plates(&self, wanted: bool) {
        self.without_plates.store(!wanted, Ordering::Relaxed);
    }

    /// Ends the thread.
    pub fn stop(&self) {
        self.wish.lock().stop = true;
        self.posted.notify_all();
    }

    pub fn is_stopped(&self) -> bool {
        self.wish.lock().stop
    }

    /// What is to be checked, waiting for it for so long; `Err` when it is over.
    pub fn wait(&self, patience: Duration) -> Result<Option<Arc<Moment>>, ()> {
        let mut wish = self.wish.lock();
        if wish.checks.is_empty() && !wish.stop {
            self.posted.wait_for(&mut wish, patience);
        }
        if wish.stop { Err(()) } else { Ok(wish.checks.pop()) }
    }
}
