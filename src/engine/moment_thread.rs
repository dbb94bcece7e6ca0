//! The thread that fetches moments: decoding takes its time, so the engine only says which instant it wants (`latest`). And the one
//! that, while none is wanted, decodes what lies about the playhead (`latest`, too), so that the next one is there before it is wanted.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use crossbeam::channel::Sender;
use parking_lot::{Condvar, Mutex};

use super::{
    feeds::Feeds,
    near::{Playhead, Window},
    retime::IN_TIME_NANOS,
    rig_book::RigBook,
};
use crate::{
    frame::{Moment, Picture},
    time::MediaTime,
};

/// What the moment thread says.
#[derive(Debug)]
pub(super) enum MomentNews {
    /// A moment, or why there is none.
    Moment(MomentReport),
    /// What is at hand about the playhead: the pictures, the nearest first, and the instants.
    Near { pictures: Vec<Arc<Picture>>, covered: Option<(MediaTime, MediaTime)> },
}

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
    /// A moment is being decoded.
    is_busy: bool,
    playhead: Option<Playhead>,
    stop: bool,
}

/// The wanted instant; a newer one replaces the older.
#[derive(Debug, Default)]
pub(super) struct MomentWish {
    wish: Mutex<Wish>,
    posted: Condvar,
    /// Frames on the other side of the instant are wanted too, where cameras are not in time.
    wants_others: AtomicBool,
    /// Nobody has said that what lies about the playhead is not wanted.
    wants_ahead: AtomicBool,
}

impl MomentWish {
    /// Whether frames on both sides of the instant are wanted from now on.
    pub fn want_others(&self, wanted: bool) {
        self.wants_others.store(wanted, Ordering::Relaxed);
    }

    /// Wants this instant and no other.
    pub fn post_latest(&self, instant: MediaTime) {
        self.wish.lock().instant = Some(instant);
        self.posted.notify_all();
    }

    /// Wants no instant.
    pub fn clear(&self) {
        self.wish.lock().instant = None;
        self.posted.notify_all();
    }

    /// The playhead is here; `None`: nothing about it is wanted now.
    pub fn post_playhead_latest(&self, playhead: Option<Playhead>) {
        self.wants_ahead.store(playhead.is_some(), Ordering::Relaxed);
        self.wish.lock().playhead = playhead;
        self.posted.notify_all();
    }

    /// Whether what is decoded ahead has to wait: somebody wants an instant, or nobody wants it any more.
    fn is_wanted(&self) -> bool {
        let wish = self.wish.lock();
        wish.stop || wish.is_busy || wish.instant.is_some() || !self.wants_ahead.load(Ordering::Relaxed)
    }

    /// Ends the thread.
    pub fn stop(&self) {
        self.wish.lock().stop = true;
        self.posted.notify_all();
    }

    fn wait(&self) -> Option<MediaTime> {
        let mut wish = self.wish.lock();
        wish.is_busy = false;
        self.posted.notify_all();
        loop {
            if wish.stop {
                return None;
            }
            if let Some(instant) = wish.instant.take() {
                wish.is_busy = true;
                return Some(instant);
            }
            self.posted.wait(&mut wish);
        }
    }

    /// Waits until the playhead was told and no moment is wanted.
    fn wait_playhead(&self) -> Option<Playhead> {
        let mut wish = self.wish.lock();
        loop {
            if wish.stop {
                return None;
            }
            if wish.instant.is_none()
                && !wish.is_busy
                && let Some(playhead) = wish.playhead.take()
            {
                return Some(playhead);
            }
            self.posted.wait(&mut wish);
        }
    }

    /// There is more to do about this playhead, unless it has moved or nobody wants that any more.
    fn post_playhead_again(&self, playhead: Playhead) {
        if self.wants_ahead.load(Ordering::Relaxed) {
            self.wish.lock().playhead.get_or_insert(playhead);
        }
    }
}

/// Runs until stopped.
pub(super) fn run(feeds: &dyn Feeds, book: &RigBook, wish: &MomentWish, reports: &Sender<MomentNews>) {
    while let Some(instant) = wish.wait() {
        if reports.send(MomentNews::Moment(moment(feeds, book, wish, instant))).is_err() {
            return;
        }
    }
}

/// The same for what lies about the playhead: on a thread of its own, so that a moment never waits for a node that is slow.
pub(super) fn run_ahead(feeds: &dyn Feeds, wish: &MomentWish, reports: &Sender<MomentNews>) {
    let mut window = Window::default();
    while let Some(playhead) = wish.wait_playhead() {
        if let Some(news) = ahead(feeds, wish, &mut window, &playhead)
            && reports.send(news).is_err()
        {
            return;
        }
    }
}

fn moment(feeds: &dyn Feeds, book: &RigBook, wish: &MomentWish, instant: MediaTime) -> MomentReport {
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
    MomentReport { instant, result, secs: begun.elapsed().as_secs_f64() }
}

/// The next piece about the playhead; given up, to be asked for again, as soon as a moment is wanted.
fn ahead(feeds: &dyn Feeds, wish: &MomentWish, window: &mut Window, playhead: &Playhead) -> Option<MomentNews> {
    let piece = window.next(playhead)?;
    let half = playhead.interval_nanos / 2;
    let span = (piece.0.plus_nanos(-half), piece.1.plus_nanos(half + 1));
    let is_decoded = feeds.decode_ahead(playhead.at, span, &|| wish.is_wanted());
    // The next piece, or this one again.
    wish.post_playhead_again(*playhead);
    if !is_decoded {
        return None;
    }
    window.decoded(piece);
    Some(MomentNews::Near { pictures: feeds.near_pictures(), covered: window.covered() })
}
