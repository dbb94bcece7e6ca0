//! Holds a streaming thread back: until the session begins, then until each frame is due, as a camera would.

use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

/// Shared by the streaming thread that waits and whoever starts and stops it.
#[derive(Debug, Default)]
pub(super) struct Pacer {
    state: Mutex<PacerState>,
    wake: Condvar,
}

#[derive(Debug, Default)]
struct PacerState {
    started: bool,
    stopped: bool,
}

impl Pacer {
    /// Waits for the start; false when the session stops meanwhile. A sink that joins a pipeline which is already paused
    /// does not hold its first frames back, so they wait here.
    pub fn wait_for_start(&self) -> bool {
        let mut state = self.state.lock();
        while !state.started && !state.stopped {
            self.wake.wait(&mut state);
        }
        !state.stopped
    }

    /// Waits; false when the session stops meanwhile.
    pub fn wait(&self, nanos: i64) -> bool {
        let mut state = self.state.lock();
        let due = Instant::now() + Duration::from_nanos(u64::try_from(nanos).unwrap_or(0));
        while !state.stopped {
            if nanos <= 0 || self.wake.wait_until(&mut state, due).timed_out() {
                break;
            }
        }
        !state.stopped
    }

    pub fn start(&self) {
        self.state.lock().started = true;
        self.wake.notify_all();
    }

    pub fn stop(&self) {
        self.state.lock().stopped = true;
        self.wake.notify_all();
    }

    pub fn is_stopped(&self) -> bool {
        self.state.lock().stopped
    }
}
