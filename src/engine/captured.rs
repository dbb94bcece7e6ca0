//! Live feeds through GStreamer as the engine sees them: a capture session with the rig that it belongs to.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use super::{
    DiskTier, EngineError, FeedHealth, FeedStatus, Feeds, LivePicture, RingStatus, following::Following, recording::event_of,
    remote_looks::RemoteLooks,
};
use crate::{
    capture::{self, CaptureSession, FeedState},
    frame::{Moment, Picture},
    replay::{Event, EventId},
    rig::Rig,
    ring::{FeedId, PinId, disk::Kept},
    sound::SoundInput,
    time::{FrameRate, MediaTime},
};

/// A live feed without a new frame for so long is lost, nanoseconds.
const LOST_AFTER_NANOS: i64 = 1_000_000_000;
/// What is said of it.
const SILENT: &str = "no frame for a second. Check the camera, its cable and its power";
/// Rates and faults are judged over this time.
const WINDOW: Duration = Duration::from_secs(3);
/// Status of capture and ring is taken at most this often.
const STATUS_AGE: Duration = Duration::from_millis(40);
/// The watch looks at the last keyframe while that is no older, nanoseconds.
const LONG_GROUP_NANOS: i64 = 1_000_000_000;
/// How long the first frame may take before a rate is assumed.
const RATE_TIMEOUT: Duration = Duration::from_secs(5);

/// A running capture session and its rig.
#[derive(Debug)]
pub struct CapturedFeeds {
    rig: Rig,
    rate: FrameRate,
    session: Arc<CaptureSession>,
    /// The feed of each camera of the rig; `None` when no feed has its name.
    feeds: Vec<Option<FeedId>>,
    pins: Mutex<BTreeMap<EventId, PinId>>,
    status: Mutex<Status>,
    focus: Following,
    /// The same for program B, where there is one: what A has in focus does not wait for it.
    second: Mutex<Option<Following>>,
    /// Set while the feeds' source shall put off what has time.
    put_off: Option<Arc<AtomicBool>>,
    remote_looks: RemoteLooks,
}

#[derive(Debug)]
struct Status {
    taken: Option<Instant>,
    feeds: Vec<FeedStatus>,
    ring: RingStatus,
    /// What is wrong with single feeds, in words.
    feed_warnings: Vec<String>,
    /// Per camera: (when, received, faults).
    history: Vec<VecDeque<(Instant, u64, u64)>>,
}

impl CapturedFeeds {
    /// The session's feeds, matched with the rig's cameras by name. `rate` is the nominal rate; `None` waits for a feed to tell.
    pub fn new(rig: Rig, session: CaptureSession, rate: Option<FrameRate>) -> Result<Self, EngineError> {
        let session = Arc::new(session);
        let feeds: Vec<Option<FeedId>> = rig.cameras.iter().map(|c| session.ring().feed_named(&c.name)).collect();
        let declared = || session.status().iter().filter_map(|s| s.rate).max_by(|a, b| a.fps().total_cmp(&b.fps()));
        let rate = rate.unwrap_or_else(|| {
            session.wait_until(RATE_TIMEOUT, |feeds| feeds.iter().any(|s| s.rate.is_some()));
            declared().unwrap_or(FrameRate::whole(25))
        });
        let focus = Following::start("live", &session, &feeds)?;
        let history = vec![VecDeque::new(); rig.cameras.len()];
        let status = Mutex::new(Status { taken: None, feeds: Vec::new(), ring: RingStatus::default(), feed_warnings: Vec::new(), history });
        let remote_looks = RemoteLooks::new(rig.cameras.len());
        Ok(Self { rig, rate, session, feeds, pins: Mutex::default(), status, focus, second: Mutex::default(), put_off: None, remote_looks })
    }

    /// With a source that has work to put off while somebody waits for a picture: the flag is set meanwhile.
    #[must_use]
    pub fn with_work_to_put_off(mut self, put_off: Arc<AtomicBool>) -> Self {
        self.put_off = Some(put_off);
        self
    }

    /// The session.
    pub fn session(&self) -> &Arc<CaptureSession> {
        &self.session
    }

    fn with_status<T>(&self, read: impl FnOnce(&Status) -> T) -> T {
        let mut status = self.status.lock();
        if status.taken.is_none_or(|at| at.elapsed() >= STATUS_AGE) {
            self.take_status(&mut status);
        }
        read(&status)
    }

    fn take_status(&self, status: &mut Status) {
        let now = Instant::now();
        let house_now = self.session.house_now();
        let all = self.session.status();
        let mut newest: Option<MediaTime> = None;
        let Status { history, feeds, .. } = status;
        *feeds = self
            .feeds
            .iter()
            .zip(history)
            .map(|(feed, history)| match feed.and_then(|id| all.iter().find(|s| s.id == id)) {
                Some(s) => {
                    let status = judge(s, history, now, house_now);
                    if matches!(status.health, FeedHealth::Good | FeedHealth::Degraded) {
                        newest = match (newest, status.newest) {
                            (Some(a), Some(b)) => Some(a.min(b)),
                            (a, b) => a.or(b),
                        };
                    }
                    status
                }
                None => FeedStatus {
                    health: FeedHealth::Lost,
                    note: "no feed has the name of this camera. Name the feed like the camera of the rig".to_owned(),
                    ..FeedStatus::default()
                },
            })
            .collect();
        for (status, feed) in feeds.iter_mut().zip(&self.feeds) {
            if let Some(node) = feed.and_then(|feed| self.session.node_of(feed)) {
                status.clock = format!("{}\n{}", node.clock_in_words(), status.clock);
                if status.note == SILENT {
                    // A pulled wire looks like a camera that is silent, until the node itself does not answer.
                    status.note = format!(
                        "node {:?} ({}): no frame for a second. Check the network to it, its power, and the camera there",
                        node.name, node.address
                    );
                }
            }
        }
        let ring = self.session.ring().status();
        status.feed_warnings = ring.feed_warnings();
        // Of a feed that goes on; whose stream is away is told as lost.
        let ails = |s: &capture::FeedStatus| Some(format!("{}: {}", s.name, s.last_error.as_ref().filter(|_| s.state == FeedState::Live)?));
        status.feed_warnings.extend(all.iter().filter_map(ails));
        status.ring = RingStatus {
            bytes: ring.bytes,
            budget_bytes: ring.budget_bytes,
            pinned_bytes: ring.pinned_bytes,
            oldest: oldest_of(feeds, &self.feeds, |id| {
                if self.session.is_remote(id) { self.session.oldest_on_node(id) } else { ring.feeds.get(id.0)?.oldest }
            }),
            newest,
            budget_nanos: ring.duration_nanos,
            disk: disk_tier(&self.session.disk_status()),
        };
        status.taken = Some(now);
    }
}

/// The oldest instant of which a delivering camera has a frame: neither a camera that came late nor one that went long ago sets it.
fn oldest_of(feeds: &[FeedStatus], ids: &[Option<FeedId>], oldest: impl Fn(FeedId) -> Option<MediaTime>) -> Option<MediaTime> {
    let of = |id: &Option<FeedId>| oldest((*id)?);
    let delivers = |s: &FeedStatus| matches!(s.health, FeedHealth::Good | FeedHealth::Degraded);
    let delivering = feeds.iter().zip(ids).filter(|(s, _)| delivers(s)).filter_map(|(_, id)| of(id)).min();
    delivering.or_else(|| ids.iter().filter_map(of).min())
}

fn disk_tier(disk: &capture::DiskStatus) -> DiskTier {
    DiskTier { state: disk.state, bytes: disk.bytes, budget_bytes: disk.budget_bytes, oldest: disk.oldest, secs_left: disk.secs_left }
}

/// Health of a feed from its counters.
fn judge(s: &capture::FeedStatus, history: &mut VecDeque<(Instant, u64, u64)>, now: Instant, house_now: MediaTime) -> FeedStatus {
    let faults = s.dropped.total() + s.late + s.duplicated + s.damaged;
    history.push_back((now, s.received, faults));
    while history.len() > 2 && history.front().is_some_and(|(at, ..)| now - *at > WINDOW) {
        history.pop_front();
    }
    let (fps, fresh_faults) = match history.front() {
        Some((at, received, old)) if now > *at => {
            (s.received.saturating_sub(*received) as f64 / (now - *at).as_secs_f64(), faults.saturating_sub(*old))
        }
        _ => (0.0, 0),
    };
    let silent = s.newest.is_some_and(|at| house_now - at > LOST_AFTER_NANOS + s.delay_nanos.max(0));
    let (health, note) = match s.state {
        FeedState::Starting => (FeedHealth::Waiting, String::new()),
        FeedState::Reconnecting => (FeedHealth::Lost, s.last_error.clone().unwrap_or_else(|| "it is away; connecting again".to_owned())),
        FeedState::Failed => (FeedHealth::Lost, s.last_error.clone().unwrap_or_else(|| "it cannot go on".to_owned())),
        FeedState::Ended => (FeedHealth::Lost, "its file is at its end. Start again, or loop it".to_owned()),
        FeedState::Live if silent => (FeedHealth::Lost, SILENT.to_owned()),
        FeedState::Live if fresh_faults > 0 => {
            (FeedHealth::Degraded, format!("{fresh_faults} frames dropped, late or repeated in the last {} s", WINDOW.as_secs()))
        }
        FeedState::Live if let Some(why) = &s.last_error => (FeedHealth::Degraded, why.clone()),
        FeedState::Live if s.newest.is_none() => (FeedHealth::Waiting, String::new()),
        FeedState::Live => (FeedHealth::Good, String::new()),
    };
    FeedStatus {
        health,
        note,
        fps,
        received: s.received,
        dropped: s.dropped.total(),
        duplicated: s.duplicated,
        late: s.late,
        offset_nanos: s.clock_offset_nanos,
        clock: s.clock_in_words(),
        newest: s.newest,
    }
}

impl Feeds for CapturedFeeds {
    fn sound(&self) -> Option<Arc<SoundInput>> {
        self.session.sound().cloned()
    }

    fn rig(&self) -> &Rig {
        &self.rig
    }

    fn now(&self) -> MediaTime {
        self.session.house_now()
    }

    fn rate(&self) -> FrameRate {
        self.rate
    }

    fn status(&self) -> Vec<FeedStatus> {
        self.with_status(|s| s.feeds.clone())
    }

    fn ring(&self) -> RingStatus {
        self.with_status(|s| s.ring)
    }

    fn live_picture(&self, camera: usize) -> Option<LivePicture> {
        let focused = self.live_full(camera);
        if focused.is_some() {
            return focused;
        }
        let preview = self.session.preview((*self.feeds.get(camera)?)?)?;
        Some(LivePicture { picture: Arc::clone(&preview.picture), time: preview.time })
    }

    fn live_full(&self, camera: usize) -> Option<LivePicture> {
        self.focus.newest(camera).or_else(|| self.second.lock().as_ref()?.newest(camera))
    }

    fn live_picture_due(&self, camera: usize, now: MediaTime) -> Option<LivePicture> {
        let interval_nanos = self.rate.interval_nanos();
        self.focus.due(camera, now, interval_nanos).or_else(|| self.second.lock().as_ref()?.due(camera, now, interval_nanos))
    }

    fn watch_picture(&self, camera: usize, after: Option<MediaTime>) -> Option<LivePicture> {
        let feed = self.feeds.get(camera).copied().flatten()?;
        if self.session.is_remote(feed) {
            let newest = self.with_status(|s| s.feeds.get(camera)?.newest)?;
            return self.remote_looks.picture(camera, after, newest, |at| self.picture_at(camera, at));
        }
        let keyframe = self.session.ring().newest_keyframe(feed)?.pts;
        let newest = self.with_status(|s| s.feeds.get(camera)?.newest)?;
        // Where keyframes are far apart, the way from the last one to now is gone.
        let time = if newest.nanos() - keyframe.nanos() > LONG_GROUP_NANOS { newest } else { keyframe };
        if after.is_some_and(|after| time <= after) {
            return None;
        }
        let (timed, _) = self.session.decoder().decode_frame(feed, time).ok()?;
        Some(LivePicture { picture: Arc::new(timed.frame.to_picture()?), time: timed.time })
    }

    fn picture_at(&self, camera: usize, instant: MediaTime) -> Option<LivePicture> {
        let feed = self.feeds.get(camera).copied().flatten()?;
        let (timed, _) = self.session.decoder().decode_frame(feed, instant).ok()?;
        Some(LivePicture { picture: Arc::new(timed.frame.to_picture()?), time: timed.time })
    }

    fn focus(&self, camera: usize) {
        self.focus.set(camera);
        if let Some(feed) = self.feeds.get(camera).copied().flatten() {
            self.session.watch(feed);
        }
    }

    fn focus_second(&self, camera: Option<usize>) {
        let mut second = self.second.lock();
        if second.is_none() && camera.is_some() {
            match Following::start("live B", &self.session, &self.feeds) {
                Ok(following) => *second = Some(following),
                Err(e) => tracing::warn!("program B shows small live pictures: {e}"),
            }
        }
        if let Some(following) = &*second {
            following.set(camera.unwrap_or(usize::MAX));
        }
        self.session.watch_second(camera.and_then(|camera| self.feeds.get(camera).copied().flatten()));
    }

    fn make_room(&self, wanted: bool) {
        self.remote_looks.make_room(wanted);
        if let Some(put_off) = &self.put_off {
            put_off.store(wanted, Ordering::Relaxed);
        }
    }

    fn moment(&self, instant: MediaTime) -> Result<Moment, String> {
        Ok(self.session.moment(instant))
    }

    fn set_near_budget(&self, bytes: u64) {
        self.session.decoder().set_near_budget(bytes);
    }

    fn decode_ahead(&self, playhead: MediaTime, (from, until): (MediaTime, MediaTime), give_up: &(dyn Fn() -> bool + Sync)) -> bool {
        self.session.decoder().set_playhead(playhead);
        self.session.decoder().decode_ahead(from, until, give_up)
    }

    fn near_pictures(&self) -> Vec<Arc<Picture>> {
        self.session.decoder().near_pictures()
    }

    fn near_bytes(&self) -> (u64, u64) {
        let near = self.session.decoder().near();
        (near.bytes, near.budget_bytes)
    }

    fn frames(&self, camera: usize, from: MediaTime, until: MediaTime, limit: usize) -> Result<Vec<LivePicture>, String> {
        let feed = self.feeds.get(camera).copied().flatten().ok_or("no feed has the name of this camera")?;
        if let Some(at_hand) = self.session.decoder().at_hand(feed, from, until, limit) {
            return Ok(at_hand.into_iter().map(|(picture, time)| LivePicture { picture, time }).collect());
        }
        let frames = self.session.decoder().decode_onward(feed, from, until, limit).map_err(|e| e.to_string())?;
        let picture = |timed: capture::TimedFrame| Some(LivePicture { picture: Arc::new(timed.frame.to_picture()?), time: timed.time });
        Ok(frames.into_iter().filter_map(picture).collect())
    }

    fn pin(&self, event: EventId, begin: MediaTime, end: MediaTime) -> Result<(), String> {
        let pin = self.session.ring().pin(begin, end);
        self.session.pin_on_nodes(event.0, begin, end);
        if let Some(old) = self.pins.lock().insert(event, pin) {
            self.session.ring().unpin(old);
        }
        if self.session.ring().status().pins_fill_budget() {
            return Err("marks fill the ring, soon nothing new can be recorded. Remove events, or give the ring more memory".to_owned());
        }
        Ok(())
    }

    fn remember(&self, event: &Event) -> Result<(), String> {
        let (from, until) = event.pinned_range();
        let data = serde_json::to_value(event).map_err(|e| e.to_string())?;
        self.session.keep(Kept { id: event.id.0, from, until, data, shift_nanos: 0 })
    }

    fn restored(&self) -> Vec<Event> {
        let kept = self.session.disk().map(|disk| disk.kept()).unwrap_or_default();
        kept.into_iter().filter_map(event_of).collect()
    }

    fn is_remote(&self, camera: usize) -> bool {
        self.feeds.get(camera).copied().flatten().is_some_and(|feed| self.session.is_remote(feed))
    }

    fn other_side(&self, moment: &Moment) -> Vec<Option<(Arc<Picture>, MediaTime)>> {
        self.session.decoder().other_side(moment)
    }

    fn house_clock(&self) -> String {
        self.session.clock().status().to_string()
    }

    fn nudge(&self, camera: usize, by_nanos: i64) -> Result<i64, String> {
        let feed = self.feeds.get(camera).copied().flatten().ok_or("no feed has the name of this camera")?;
        self.session.nudge(feed, by_nanos)
    }

    fn warnings(&self) -> Vec<String> {
        let mut warnings: Vec<String> = self.session.disk_status().warnings().into_iter().map(|w| format!("Recording: {w}")).collect();
        warnings.extend(self.session.clock().status().problem.map(|problem| format!("House clock: {problem}")));
        let of_node = |n: capture::NodeStatus| Some(format!("Node {}: {}", n.name, n.problem?));
        warnings.extend(self.session.nodes().into_iter().filter_map(of_node));
        warnings.extend(self.with_status(|s| s.feed_warnings.clone()));
        warnings
    }

    fn unpin(&self, event: EventId) {
        if let Err(why) = self.session.forget(event.0) {
            tracing::warn!("a removed mark comes back after a restart: {why}");
        }
        if let Some(pin) = self.pins.lock().remove(&event) {
            self.session.ring().unpin(pin);
        }
    }
}
