//! What the engine needs of live feeds and their ring, as a trait: cameras through GStreamer, the built-in venue and the fakes
//! of tests are all the same to it. Every method returns at once except those that say otherwise.

use std::sync::Arc;

use crate::{
    frame::{Moment, Picture},
    replay::{Event, EventId},
    rig::Rig,
    ring::disk::DiskState,
    sound::SoundInput,
    time::{FrameRate, MediaTime},
};

/// A picture that was live, with its house time.
#[derive(Debug, Clone)]
pub struct LivePicture {
    /// The picture.
    pub picture: Arc<Picture>,
    /// House time of the frame.
    pub time: MediaTime,
}

/// How a feed is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FeedHealth {
    /// Nothing has arrived yet.
    #[default]
    Waiting,
    /// Frames arrive.
    Good,
    /// Frames arrive, but some were dropped, late or doubled in the last seconds.
    Degraded,
    /// Frames have stopped.
    Lost,
}

/// What is known about one feed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FeedStatus {
    /// How it is.
    pub health: FeedHealth,
    /// What is wrong and the remedy, if anything.
    pub note: String,
    /// Frames per second that arrive.
    pub fps: f64,
    /// Access units received.
    pub received: u64,
    /// Dropped.
    pub dropped: u64,
    /// Duplicated.
    pub duplicated: u64,
    /// Late.
    pub late: u64,
    /// Offset of the camera's clock to house time, nanoseconds.
    pub offset_nanos: i64,
    /// Where its times come from and how its own clock runs, in words; empty when nothing is known.
    pub clock: String,
    /// House time of the newest frame.
    pub newest: Option<MediaTime>,
}

/// What is recorded on disk.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct DiskTier {
    /// Whether there is recording.
    pub state: DiskState,
    /// Bytes held.
    pub bytes: u64,
    /// Bytes allowed.
    pub budget_bytes: u64,
    /// Oldest instant on disk.
    pub oldest: Option<MediaTime>,
    /// Seconds until the oldest is deleted for the newest.
    pub secs_left: Option<f64>,
}

/// What the ring holds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct RingStatus {
    /// Bytes held.
    pub bytes: u64,
    /// Bytes allowed.
    pub budget_bytes: u64,
    /// Bytes that marks keep.
    pub pinned_bytes: u64,
    /// Oldest instant that can be frozen.
    pub oldest: Option<MediaTime>,
    /// Newest instant for which every delivering camera has a frame.
    pub newest: Option<MediaTime>,
    /// Longest history allowed, nanoseconds.
    pub budget_nanos: i64,
    /// The same on disk.
    pub disk: DiskTier,
}

/// Live feeds with their ring.
pub trait Feeds: Send + Sync + 'static {
    /// The calibrated cameras; every index below is an index of it.
    fn rig(&self) -> &Rig;

    /// House time now.
    fn now(&self) -> MediaTime;

    /// Nominal rate of the feeds.
    fn rate(&self) -> FrameRate;

    /// One per camera.
    fn status(&self) -> Vec<FeedStatus>;

    /// The ring.
    fn ring(&self) -> RingStatus;

    /// The newest picture of a camera, at a size of the feed's choice; `None` before the first.
    fn live_picture(&self, camera: usize) -> Option<LivePicture>;

    /// The newest picture of a camera at its full size; `None` until there is one, which takes a moment after [`Feeds::focus`].
    fn live_full(&self, camera: usize) -> Option<LivePicture> {
        self.live_picture(camera)
    }

    /// The picture of the camera in focus that an output shall show at `now`, at full size: every one once, in step, however unevenly
    /// they come; `None` until there is one. Feeds that keep no past give the newest. The camera that had the focus before goes on
    /// until the new one has a picture.
    fn live_picture_due(&self, camera: usize, _now: MediaTime) -> Option<LivePicture> {
        self.live_full(camera)
    }

    /// A camera's newest picture at full size that is cheap to get (its last keyframe), if it is newer than `after`: for the watch, on a
    /// thread of its own. `None` too where these feeds cannot be watched, and for a while where a picture is dear.
    fn watch_picture(&self, _camera: usize, _after: Option<MediaTime>) -> Option<LivePicture> {
        None
    }

    /// A camera's picture nearest to an instant, at full size, without taking anything from what is on air. Takes its time (decoding); called on a
    /// thread of its own. Feeds that know nothing better take moments.
    fn picture_at(&self, camera: usize, instant: MediaTime) -> Option<LivePicture> {
        let name = &self.rig().cameras.get(camera)?.name;
        let frame = self.moment(instant).ok()?.frames.into_iter().find(|f| f.camera == *name && !f.retimed)?;
        Some(LivePicture { picture: frame.picture, time: frame.time })
    }

    /// This camera is on program: its pictures are wanted at full rate and size.
    fn focus(&self, camera: usize);

    /// The same for program B; `None`: for nobody. What A has in focus goes on as it was.
    fn focus_second(&self, _camera: Option<usize>) {}

    /// Somebody waits for a picture (`true`) or nobody does any more: work of the feeds that has time waits meanwhile. Capture
    /// itself never waits.
    fn make_room(&self, _wanted: bool) {}

    /// The frames of all cameras at an instant. Takes its time (decoding); called on a thread of its own.
    fn moment(&self, instant: MediaTime) -> Result<Moment, String>;

    /// How many bytes of decoded pictures may be kept about the playhead. Feeds that keep none do nothing.
    fn set_near_budget(&self, _bytes: u64) {}

    /// Decodes what lies in a span (from … until) about the playhead, so that [`Feeds::moment`] has it at hand; gives up, and says false, as soon as
    /// `give_up` says so. Takes its time; called on a thread of its own.
    fn decode_ahead(&self, _playhead: MediaTime, _span: (MediaTime, MediaTime), _give_up: &(dyn Fn() -> bool + Sync)) -> bool {
        true
    }

    /// The pictures that are kept about the playhead, the nearest first.
    fn near_pictures(&self) -> Vec<Arc<Picture>> {
        Vec::new()
    }

    /// Bytes of those, and bytes allowed.
    fn near_bytes(&self) -> (u64, u64) {
        (0, 0)
    }

    /// A camera's own pictures with `from ≤ time < until`, at most `limit`, in order of time. Takes its time (decoding); called on a
    /// thread of its own. Feeds that know nothing better take moments.
    fn frames(&self, camera: usize, from: MediaTime, until: MediaTime, limit: usize) -> Result<Vec<LivePicture>, String> {
        let name = self.rig().cameras.get(camera).map(|c| c.name.clone()).ok_or_else(|| format!("there is no camera {camera}"))?;
        let interval = self.rate().interval_nanos().max(1);
        let mut pictures: Vec<LivePicture> = Vec::new();
        let mut at = from;
        while at < until && pictures.len() < limit {
            let found = self.moment(at)?.frames.into_iter().find(|f| f.camera == name);
            if let Some(frame) = found.filter(|f| f.time >= from && f.time < until && pictures.last().is_none_or(|p| p.time < f.time)) {
                pictures.push(LivePicture { picture: frame.picture, time: frame.time });
            }
            at = at.plus_nanos(interval);
        }
        Ok(pictures)
    }

    /// Keeps a range in the ring until it is released; an error says what is wrong with that and the remedy.
    fn pin(&self, event: EventId, begin: MediaTime, end: MediaTime) -> Result<(), String>;

    /// Writes an event down, new or changed, where a restart finds it. Without such a place nothing happens.
    fn remember(&self, _event: &Event) -> Result<(), String> {
        Ok(())
    }

    /// Events that earlier sessions wrote down.
    fn restored(&self) -> Vec<Event> {
        Vec::new()
    }

    /// Whether a camera's past must be fetched from another machine.
    fn is_remote(&self, _camera: usize) -> bool {
        false
    }

    /// For each frame of a moment the same camera's one on the other side of its instant; empty where feeds do not know.
    fn other_side(&self, _moment: &Moment) -> Vec<Option<(Arc<Picture>, MediaTime)>> {
        Vec::new()
    }

    /// Whose clock house time is counted by, in a few words; empty where nobody asked.
    fn house_clock(&self) -> String {
        String::new()
    }

    /// Shifts a camera's times by so much more, nanoseconds; its whole offset then. What is recorded stays.
    fn nudge(&self, _camera: usize, _by_nanos: i64) -> Result<i64, String> {
        Err("these feeds have no clocks of their own".to_owned())
    }

    /// What is wrong with recording, clock and feeds, and the remedy; empty when all is well.
    fn warnings(&self) -> Vec<String> {
        Vec::new()
    }

    /// The sound of the venue, on the house clock; `None` without an input.
    fn sound(&self) -> Option<Arc<SoundInput>> {
        None
    }

    /// Releases it, and what was written down of it.
    fn unpin(&self, event: EventId);
}
