//! What waits between an encoder and a sink: bounded, drop-oldest, never beginning in the middle of a group of pictures.

use std::{collections::VecDeque, time::Duration};

use parking_lot::{Condvar, Mutex};

/// Encoders that count in frames or milliseconds give times back so far off, nanoseconds.
const ROUNDED_NANOS: u64 = 1_000_000;

/// One coded frame.
#[derive(Debug, Clone)]
pub(super) struct Unit {
    /// Its bytes, shared with everybody who sends them; stamped with the output's time.
    pub buffer: gst::Buffer,
    /// What they are.
    pub caps: gst::Caps,
    /// Time of its frame since the output began, nanoseconds.
    pub pts_nanos: u64,
    /// Whether a receiver can begin with it.
    pub key: bool,
}

/// What [`SinkQueue::pop`] found.
#[derive(Debug)]
pub(super) enum Popped {
    Unit(Unit),
    Nothing,
    Stopped,
}

#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "they are independent of each other")]
struct State {
    units: VecDeque<Unit>,
    open: bool,
    stopped: bool,
    /// Units up to this time are still taken; then it is over.
    last_nanos: Option<u64>,
    /// That one has come.
    complete: bool,
    /// Nothing is taken before the next keyframe.
    wait_key: bool,
    /// That is because something was dropped, not because it was just opened.
    after_drop: bool,
    dropped: u64,
    missed: u64,
    /// The receiver cannot go on without a keyframe.
    key_asked: bool,
}

/// A sink's queue.
#[derive(Debug)]
pub(super) struct SinkQueue {
    state: Mutex<State>,
    wake: Condvar,
    capacity: usize,
}

impl SinkQueue {
    pub fn new(capacity: usize) -> Self {
        Self { state: Mutex::default(), wake: Condvar::new(), capacity: capacity.max(2) }
    }

    /// Never waits.
    pub fn push(&self, unit: Unit) {
        let mut state = self.state.lock();
        let state = &mut *state;
        if let Some(last) = state.last_nanos {
            if unit.pts_nanos + ROUNDED_NANOS >= last {
                state.complete = true;
                self.wake.notify_all();
            }
            if unit.pts_nanos > last + ROUNDED_NANOS {
                return;
            }
        }
        if !state.open {
            state.missed += 1;
            return;
        }
        if state.wait_key && !unit.key {
            *(if state.after_drop { &mut state.dropped } else { &mut state.missed }) += 1;
            return;
        }
        (state.wait_key, state.after_drop) = (false, false);
        state.units.push_back(unit);
        if state.units.len() > self.capacity {
            // The oldest group goes as a whole: what is left of it could not be decoded.
            state.units.pop_front();
            state.dropped += 1;
            while state.units.front().is_some_and(|u| !u.key) {
                state.units.pop_front();
                state.dropped += 1;
            }
            if state.units.is_empty() {
                (state.wait_key, state.after_drop) = (true, true);
            }
        }
        self.wake.notify_all();
    }

    /// The oldest unit, once there is one.
    pub fn pop(&self, patience: Duration) -> Popped {
        let mut state = self.state.lock();
        if state.units.is_empty() && !state.stopped && !state.complete {
            self.wake.wait_for(&mut state, patience);
        }
        match (state.stopped, state.units.pop_front()) {
            (true, _) => Popped::Stopped,
            (_, Some(unit)) => Popped::Unit(unit),
            _ if state.complete => Popped::Stopped,
            _ => Popped::Nothing,
        }
    }

    /// Waits; false when it was stopped.
    pub fn rest(&self, time: Duration) -> bool {
        let until = std::time::Instant::now() + time;
        let mut state = self.state.lock();
        while !state.stopped && state.last_nanos.is_none() && !self.wake.wait_until(&mut state, until).timed_out() {}
        !state.stopped && state.last_nanos.is_none()
    }

    /// What was shown until `last_nanos` is still taken, once it is coded; then it stops.
    pub fn finish(&self, last_nanos: u64) {
        let mut state = self.state.lock();
        if state.last_nanos.is_none() {
            state.last_nanos = Some(last_nanos);
        }
        self.wake.notify_all();
    }

    /// From the next keyframe on, units are kept.
    pub fn open(&self) {
        let mut state = self.state.lock();
        (state.open, state.wait_key, state.after_drop) = (true, true, false);
    }

    /// From a keyframe on that is asked for, units are kept: the one before may be a second old.
    pub fn open_with_new_key(&self) {
        self.open();
        self.ask_key();
    }

    /// Units go by, this one and all that come.
    pub fn close_after(&self, _taken: Unit) {
        self.close();
        self.state.lock().missed += 1;
    }

    /// Asks the encoder for a keyframe.
    pub fn ask_key(&self) {
        self.state.lock().key_asked = true;
    }

    /// Whether one was asked for since the last question.
    pub fn take_key_asked(&self) -> bool {
        std::mem::take(&mut self.state.lock().key_asked)
    }

    /// Units go by; they are counted as missed.
    pub fn close(&self) {
        let mut state = self.state.lock();
        state.open = false;
        state.missed += state.units.len() as u64;
        state.units.clear();
    }

    pub fn is_finishing(&self) -> bool {
        self.state.lock().last_nanos.is_some()
    }

    pub fn stop(&self) {
        self.state.lock().stopped = true;
        self.wake.notify_all();
    }

    pub fn is_stopped(&self) -> bool {
        self.state.lock().stopped
    }

    /// (dropped, missed) units.
    pub fn losses(&self) -> (u64, u64) {
        let state = self.state.lock();
        (state.dropped, state.missed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(n: u64, group: u64) -> Unit {
        Unit { buffer: gst::Buffer::new(), caps: gst::Caps::new_any(), pts_nanos: n, key: n.is_multiple_of(group) }
    }

    fn drain(queue: &SinkQueue) -> Vec<u64> {
        std::iter::from_fn(|| match queue.pop(Duration::ZERO) {
            Popped::Unit(unit) => Some(unit.pts_nanos),
            _ => None,
        })
        .collect()
    }

    #[test]
    fn it_begins_with_a_keyframe_and_drops_whole_groups() {
        gst::init().unwrap();
        let queue = SinkQueue::new(10);
        queue.push(unit(0, 4));
        queue.open();
        (1..6).for_each(|n| queue.push(unit(n, 4)));
        assert_eq!((drain(&queue), queue.losses()), (vec![4, 5], (0, 4)));
        // Nobody takes any: the newest whole groups stay.
        (6..30).for_each(|n| queue.push(unit(n, 4)));
        let left = drain(&queue);
        assert_eq!(left, (20..30).collect::<Vec<_>>());
        assert_eq!(queue.losses(), (14, 4));
        // A group longer than the queue: nothing that cannot be decoded.
        (30..60).for_each(|n| queue.push(unit(n, 32)));
        assert_eq!(drain(&queue), Vec::<u64>::new());
        (60..66).for_each(|n| queue.push(unit(n, 32)));
        assert_eq!(drain(&queue), [64, 65]);
    }

    #[test]
    fn what_goes_by_while_it_is_closed_is_missed_and_it_opens_with_a_keyframe_that_is_asked_for() {
        gst::init().unwrap();
        let queue = SinkQueue::new(10);
        queue.open();
        (0..3).for_each(|n| queue.push(unit(n, 4)));
        let Popped::Unit(first) = queue.pop(Duration::ZERO) else { panic!("there are three") };
        queue.close_after(first);
        // Three times as many as it holds.
        (3..34).for_each(|n| queue.push(unit(n, 4)));
        assert!(matches!(queue.pop(Duration::ZERO), Popped::Nothing));
        assert!(!queue.take_key_asked());
        queue.open_with_new_key();
        (34..38).for_each(|n| queue.push(unit(n, 4)));
        assert_eq!((drain(&queue), queue.losses()), (vec![36, 37], (0, 36)));
        assert!(queue.take_key_asked() && !queue.take_key_asked());
    }

    #[test]
    fn it_stops_at_once() {
        let queue = SinkQueue::new(4);
        queue.stop();
        assert!(matches!(queue.pop(Duration::from_secs(10)), Popped::Stopped));
        assert!(!queue.rest(Duration::from_secs(10)));
    }

    #[test]
    fn it_finishes_with_the_last_unit_that_was_shown() {
        gst::init().unwrap();
        let queue = SinkQueue::new(100);
        let unit = |n: u64| Unit { pts_nanos: n * 20_000_000, ..unit(n, 4) };
        queue.open();
        (0..6).for_each(|n| queue.push(unit(n)));
        queue.finish(8 * 20_000_000);
        assert!(!queue.rest(Duration::from_secs(10)));
        let mut got = drain(&queue);
        assert!(matches!(queue.pop(Duration::ZERO), Popped::Nothing), "the encoder still has two");
        (6..12).for_each(|n| queue.push(unit(n)));
        got.extend(drain(&queue));
        assert_eq!(got, (0..9).map(|n| n * 20_000_000).collect::<Vec<_>>());
        assert!(matches!(queue.pop(Duration::from_secs(10)), Popped::Stopped));
    }
}
