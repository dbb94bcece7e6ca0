//! Program as its output takes it: a live camera's own frames in step, or the picture that the engine shows.
//!
//! Must not know: sinks, addresses, windows.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::{FeedHealth, Feeds, LivePicture, ProgramKind, Snapshot};
use crate::{
    frame::Picture,
    output::program::{Due, PictureSource},
    time::MediaTime,
};

/// A live picture older than this many frames should have been followed by another.
const OVERDUE_FRAMES: i64 = 4;

/// What belongs together without a cut.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Shot {
    Live(usize),
    Replay(MediaTime),
}

/// The engine's program, picture by picture.
pub(super) struct ProgramPictures {
    feeds: Arc<dyn Feeds>,
    snapshot: Arc<ArcSwap<Snapshot>>,
    shot: Option<Shot>,
    shots: u64,
    /// What went out last.
    last: Option<Arc<Picture>>,
    /// The engine's picture while a camera was live: it is not the replay's.
    live_serial: u64,
    /// The live picture that went out last: its camera and time.
    live: Option<(usize, LivePicture)>,
}

impl ProgramPictures {
    pub fn new(feeds: Arc<dyn Feeds>, snapshot: Arc<ArcSwap<Snapshot>>) -> Self {
        Self { feeds, snapshot, shot: None, shots: 0, last: None, live_serial: 0, live: None }
    }

    fn live(&mut self, snapshot: &Snapshot, place: usize) -> (Option<Arc<Picture>>, Option<i64>, bool) {
        let name = snapshot.cameras.get(place).map(|c| c.name.as_str());
        let camera = name.and_then(|name| self.feeds.rig().cameras.iter().position(|c| c.name == name));
        let now = self.feeds.now();
        let interval_nanos = self.feeds.rate().interval_nanos();
        let due = camera.and_then(|camera| {
            let due = self.feeds.live_picture_due(camera, now)?;
            // A camera that has just become slower is waited for longer; what was shown is not shown again.
            match self.live.take() {
                Some((same, shown)) if same == camera && (1..=3 * interval_nanos).contains(&(shown.time - due.time)) => {
                    Some((camera, shown))
                }
                _ => Some((camera, due)),
            }
        });
        self.live.clone_from(&due);
        match due.map(|(_, live)| live) {
            Some(live) => {
                let age = now - live.time;
                (Some(live.picture), Some(age), age > OVERDUE_FRAMES * interval_nanos)
            }
            None => (None, None, true),
        }
    }
}

impl PictureSource for ProgramPictures {
    fn due(&mut self) -> Due {
        let snapshot = self.snapshot.load_full();
        let program = &snapshot.program;
        let mut synthesized = false;
        let (shot, picture, age_nanos, overdue) = match program.kind {
            ProgramKind::Live(place) => {
                self.live_serial = program.shown.serial;
                let (picture, age, overdue) = self.live(&snapshot, place);
                (Some(Shot::Live(place)), picture, age, overdue)
            }
            ProgramKind::Hold => (self.shot, None, None, true),
            // The replay's first picture is still being made: what went out last stays.
            ProgramKind::Replay { .. } if program.shown.serial == self.live_serial => (self.shot, None, None, false),
            ProgramKind::Replay { instant, solved, .. } => {
                synthesized = solved && program.roll.is_none() && program.report.as_ref().is_some_and(|r| r.synthesized_share > 0.0);
                (Some(Shot::Replay(instant)), Some(Arc::clone(&program.shown.picture)), None, false)
            }
        };
        // A camera that has no picture yet: the one before stays, rather than a slate.
        let picture = picture.or_else(|| self.last.clone());
        let missing = if picture.is_none() { missing(&snapshot) } else { Arc::default() };
        if picture.is_some() && shot != self.shot {
            self.shot = shot;
            self.shots += 1;
        }
        self.last.clone_from(&picture);
        Due { picture, missing, shot: self.shots, synthesized, overdue, age_nanos }
    }
}

/// What the slate says.
fn missing(snapshot: &Snapshot) -> Arc<str> {
    let camera = match snapshot.program.kind {
        ProgramKind::Live(place) => snapshot.cameras.get(place),
        _ => None,
    };
    let delivering = snapshot.cameras.iter().filter(|c| matches!(c.status.health, FeedHealth::Good | FeedHealth::Degraded)).count();
    let all = snapshot.cameras.len();
    match camera {
        Some(camera) => format!("No picture of camera {} yet. {delivering} of {all} cameras deliver.", camera.name).into(),
        None => format!("No picture yet. {delivering} of {all} cameras deliver.").into(),
    }
}

/// The feeds, for an output that starts later.
pub(super) struct OutputFeeds(pub Arc<dyn Feeds>);

impl std::fmt::Debug for OutputFeeds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OutputFeeds")
    }
}

/// Where the output stands, for whoever starts it and whoever shows it.
#[derive(Debug, Default)]
pub(super) struct OutputSlot {
    #[cfg(feature = "gstreamer")]
    running: arc_swap::ArcSwapOption<crate::output::program::ProgramOutput>,
}

impl OutputSlot {
    /// How it is; `None` without an output.
    pub fn status(&self) -> Option<Arc<crate::output::program::ProgramStatus>> {
        #[cfg(feature = "gstreamer")]
        {
            self.running.load().as_ref().map(|output| Arc::new(output.status()))
        }
        #[cfg(not(feature = "gstreamer"))]
        {
            let _ = self;
            None
        }
    }

    /// False without an output.
    #[cfg(feature = "gstreamer")]
    pub fn watch(&self, taker: impl crate::output::program::FrameTaker) -> bool {
        self.running.load().as_ref().map(|output| output.watch(taker)).is_some()
    }

    #[cfg(feature = "gstreamer")]
    pub fn set(&self, output: Option<crate::output::program::ProgramOutput>) {
        // The one before ends here, unless somebody looks at it just now.
        drop(self.running.swap(output.map(Arc::new)));
    }
}
