//! A live camera followed at full rate and size, on a thread of its own: what a program passes through.
//!
//! Must not know: who is on air, commands.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use super::{EngineError, LivePicture, live_history::LiveHistory};
use crate::{
    capture::{CaptureSession, LiveFollower},
    ring::FeedId,
    time::MediaTime,
};

/// A camera that comes into focus is shown after so long, even if it has not caught up with its newest frame.
const CATCH_UP: Duration = Duration::from_secs(1);

/// What the thread that decodes the live camera shares.
#[derive(Debug, Default)]
struct Focus {
    /// The camera, as an index of the rig.
    camera: AtomicUsize,
    /// By camera: the one that is followed, and while it catches up the one before it.
    histories: Mutex<BTreeMap<usize, LiveHistory>>,
    stop: AtomicBool,
}

/// The thread; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Following {
    focus: Arc<Focus>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Following {
    /// Begins to follow the first of a session's feeds (by the cameras of the rig).
    pub fn start(name: &str, session: &Arc<CaptureSession>, feeds: &[Option<FeedId>]) -> Result<Self, EngineError> {
        let focus = Arc::new(Focus::default());
        let (shared, session, feeds) = (Arc::clone(&focus), Arc::clone(session), feeds.to_vec());
        let thread = thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || follow(&session, &feeds, &shared))
            .map_err(|source| EngineError::Thread { name: name.to_owned(), source })?;
        Ok(Self { focus, thread: Some(thread) })
    }

    /// This camera from now on; the one before goes on until it has caught up.
    pub fn set(&self, camera: usize) {
        self.focus.camera.store(camera, Ordering::Relaxed);
    }

    /// The newest picture of a camera that is followed.
    pub fn newest(&self, camera: usize) -> Option<LivePicture> {
        self.focus.histories.lock().get(&camera)?.newest(camera)
    }

    /// The one that is due at `now`.
    pub fn due(&self, camera: usize, now: MediaTime, interval_nanos: i64) -> Option<LivePicture> {
        self.focus.histories.lock().get(&camera)?.due(camera, now, interval_nanos)
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.focus.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::warn!("a live thread ended by panic");
        }
    }
}

/// A camera that is followed.
struct Followed {
    camera: usize,
    follower: LiveFollower,
    since: Instant,
    /// After an error it is left alone for a while; who is on air beside it does not wait.
    retry_at: Instant,
}

impl Followed {
    /// Its next picture, if there is one.
    fn next(&mut self) -> Option<LivePicture> {
        if Instant::now() < self.retry_at {
            return None;
        }
        match self.follower.next_frame() {
            Ok(timed) => timed.and_then(|timed| Some(LivePicture { picture: Arc::new(timed.frame.to_picture()?), time: timed.time })),
            Err(e) => {
                tracing::debug!("live picture: {e}");
                self.retry_at = Instant::now() + Duration::from_millis(100);
                None
            }
        }
    }
}

/// Decodes the camera in focus, every frame at full size ("latest"). After a change of focus the camera before goes on until the new
/// one, which begins at its last keyframe, has caught up.
fn follow(session: &CaptureSession, feeds: &[Option<FeedId>], focus: &Focus) {
    let (mut current, mut coming): (Option<Followed>, Option<Followed>) = (None, None);
    while !focus.stop.load(Ordering::Relaxed) {
        let wanted = focus.camera.load(Ordering::Relaxed);
        if current.as_ref().is_none_or(|f| f.camera != wanted) {
            if coming.as_ref().is_none_or(|f| f.camera != wanted) {
                coming = feeds.get(wanted).copied().flatten().map(|feed| Followed {
                    camera: wanted,
                    follower: LiveFollower::new(Arc::clone(session.ring()), Arc::clone(session.formats()), feed),
                    since: Instant::now(),
                    retry_at: Instant::now(),
                });
            }
        } else {
            coming = None;
        }
        let mut idle = true;
        if let Some((followed, picture)) = current.as_mut().and_then(|f| f.next().map(|picture| (f, picture))) {
            idle = false;
            focus.push(followed.camera, picture, session.house_now());
        }
        if let Some((followed, picture)) = coming.as_mut().and_then(|f| f.next().map(|picture| (f, picture))) {
            idle = false;
            // Pictures of the past are gone through; the operator waits for what is now.
            let has_caught_up = !followed.follower.is_behind() || followed.since.elapsed() > CATCH_UP;
            if has_caught_up {
                focus.push(followed.camera, picture, session.house_now());
                current = coming.take();
                focus.histories.lock().retain(|camera, _| *camera == wanted);
            }
        }
        if idle {
            thread::sleep(Duration::from_millis(4));
        }
    }
}

impl Focus {
    fn push(&self, camera: usize, picture: LivePicture, now: MediaTime) {
        self.histories.lock().entry(camera).or_default().push(camera, picture, now);
    }
}
