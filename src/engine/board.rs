//! The board between the engine and its GPU thread: what is wanted now, by discipline. Posting never waits.
//!
//! `latest`: one slot each for the program picture, the preview picture and the solve; a newer wish replaces the older.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::{Condvar, Mutex};

use crate::{frame::Moment, rig::Camera, time::MediaTime};

/// A picture to render from the scene of an instant.
#[derive(Debug, Clone)]
pub(super) struct ViewWish {
    /// The scene's instant.
    pub instant: MediaTime,
    /// The virtual camera.
    pub target: Camera,
}

/// A moment to solve.
#[derive(Debug, Clone)]
pub(super) struct SolveWish {
    /// The frames.
    pub moment: Arc<Moment>,
    /// Longest side of the depth maps, px.
    pub depth_size_px: Option<u32>,
    /// Cameras (indices in the rig) to solve first and alone, so that their part of the arc has pictures early; empty for none.
    pub first: Vec<usize>,
}

/// One job, most urgent first.
#[derive(Debug)]
pub(super) enum Job {
    Program(ViewWish),
    Preview(ViewWish),
    Solve(SolveWish),
    Stop,
}

#[derive(Debug, Default)]
struct Wishes {
    program: Option<ViewWish>,
    preview: Option<ViewWish>,
    solve: Option<SolveWish>,
    /// The scene that must not be evicted.
    on_air: Option<MediaTime>,
    /// The instant that preview wants; a running solve of another one is cancelled.
    preparing: Option<MediaTime>,
    stop: bool,
}

/// The board.
#[derive(Debug, Default)]
pub(super) struct Board {
    wishes: Mutex<Wishes>,
    posted: Condvar,
}

impl Board {
    /// Replaces the wanted program picture; true when an older wish was never served.
    pub fn post_program_latest(&self, wish: ViewWish) -> bool {
        let missed = self.wishes.lock().program.replace(wish).is_some();
        self.posted.notify_one();
        missed
    }

    /// Replaces the wanted preview picture.
    pub fn post_preview_latest(&self, wish: ViewWish) {
        self.wishes.lock().preview = Some(wish);
        self.posted.notify_one();
    }

    /// Replaces the wanted solve.
    pub fn post_solve_latest(&self, wish: SolveWish) {
        let mut wishes = self.wishes.lock();
        wishes.preparing = Some(wish.moment.instant);
        wishes.solve = Some(wish);
        drop(wishes);
        self.posted.notify_one();
    }

    /// Says which instant preview wants from now on; work for another one is dropped.
    pub fn prepare_only(&self, instant: Option<MediaTime>) {
        let mut wishes = self.wishes.lock();
        wishes.preparing = instant;
        if wishes.solve.as_ref().is_some_and(|s| Some(s.moment.instant) != instant) {
            wishes.solve = None;
        }
        if wishes.preview.as_ref().is_some_and(|v| Some(v.instant) != instant) {
            wishes.preview = None;
        }
    }

    /// Says which scene is on air.
    pub fn set_on_air(&self, instant: Option<MediaTime>) {
        let mut wishes = self.wishes.lock();
        wishes.on_air = instant;
        if instant.is_none() {
            wishes.program = None;
        }
    }

    /// The scene that is on air.
    pub fn on_air(&self) -> Option<MediaTime> {
        self.wishes.lock().on_air
    }

    /// Whether a solve of this instant is still wanted.
    pub fn wants(&self, instant: MediaTime) -> bool {
        let wishes = self.wishes.lock();
        !wishes.stop && wishes.preparing == Some(instant)
    }

    /// The pictures that may overtake a running solve.
    pub fn take_view(&self) -> Option<Job> {
        let mut wishes = self.wishes.lock();
        wishes.program.take().map(Job::Program).or_else(|| wishes.preview.take().map(Job::Preview))
    }

    /// Waits for the most urgent job.
    pub fn wait(&self) -> Job {
        let mut wishes = self.wishes.lock();
        loop {
            if wishes.stop {
                return Job::Stop;
            }
            if let Some(wish) = wishes.program.take() {
                return Job::Program(wish);
            }
            if let Some(wish) = wishes.preview.take() {
                return Job::Preview(wish);
            }
            if let Some(wish) = wishes.solve.take() {
                return Job::Solve(wish);
            }
            self.posted.wait(&mut wishes);
        }
    }

    /// Waits for at most `timeout` and says whether the GPU thread shall end.
    pub fn wait_stopped(&self, timeout: Duration) -> bool {
        let mut wishes = self.wishes.lock();
        let until = Instant::now() + timeout;
        while !wishes.stop {
            if self.posted.wait_until(&mut wishes, until).timed_out() {
                break;
            }
        }
        wishes.stop
    }

    /// Asks the GPU thread to end.
    pub fn stop(&self) {
        self.wishes.lock().stop = true;
        self.posted.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::{Lens, Pose};

    fn view(nanos: i64) -> ViewWish {
        let target = Camera {
            name: "virtual".to_owned(),
            width_px: 16,
            height_px: 9,
            lens: Lens::pinhole(10.0, 10.0, 8.0, 4.5),
            camera_from_world: Pose::IDENTITY,
            clock_offset_nanos: 0,
        };
        ViewWish { instant: MediaTime::from_nanos(nanos), target }
    }

    fn solve(nanos: i64) -> SolveWish {
        let moment = Moment { instant: MediaTime::from_nanos(nanos), ..Moment::default() };
        SolveWish { moment: Arc::new(moment), depth_size_px: None, first: vec![] }
    }

    #[test]
    fn program_comes_before_preview_and_the_latest_wins() {
        let board = Board::default();
        board.post_solve_latest(solve(1));
        board.post_preview_latest(view(1));
        assert!(!board.post_program_latest(view(2)));
        assert!(board.post_program_latest(view(3)), "a missed program picture is told");
        assert!(matches!(board.wait(), Job::Program(v) if v.instant.nanos() == 3));
        assert!(matches!(board.wait(), Job::Preview(_)));
        assert!(matches!(board.wait(), Job::Solve(_)));
        board.stop();
        assert!(matches!(board.wait(), Job::Stop));
    }

    #[test]
    fn what_is_not_wanted_any_more_is_dropped() {
        let board = Board::default();
        board.post_solve_latest(solve(1));
        board.post_preview_latest(view(1));
        assert!(board.wants(MediaTime::from_nanos(1)));
        board.prepare_only(Some(MediaTime::from_nanos(2)));
        assert!(!board.wants(MediaTime::from_nanos(1)));
        assert!(board.take_view().is_none());
        board.post_program_latest(view(9));
        board.set_on_air(None);
        assert!(board.take_view().is_none(), "a return takes back the program picture");
        board.stop();
        assert!(matches!(board.wait(), Job::Stop));
    }
}
