//! Time that runs: rolls on program and in preview, their speed, and the cameras' frames that they need ahead.
//!
//! Must not know: how frames are decoded, windows.

use super::{Director, paths::Choice, slow_motion::Rolled};
use crate::{
    engine::{
        RollView, ShownPicture,
        ladder::cut_camera,
        level::program_size_px,
        playing::Playing,
        strip::{ChunkReport, Found, Needs, Strip},
    },
    replay::{
        EventId, Program, Readiness, TransportCommand,
        path::{Path, Roll, Track, roll},
        playlist::Player,
    },
    time::{FrameRate, MediaTime},
};

/// Speeds in percent that are stepped through.
const SPEEDS: [i32; 16] = [-400, -200, -100, -75, -50, -33, -25, -10, 10, 25, 33, 50, 75, 100, 200, 400];
/// The fastest, percent.
pub(super) const FASTEST: i32 = 400;
/// The slowest, percent.
pub(super) const SLOWEST: i32 = 5;
/// Frames are fetched so far ahead on program and in preview, and for what a take would play, seconds.
const AHEAD_SECS: f64 = 2.0;
const PREPARED_SECS: f64 = 1.5;
/// An output that is faster than the cameras by this gets pictures of its own.
const FASTER: f64 = 1.2;
/// Without an event, a roll takes so much of the recording, seconds.
const FREE_ROLL_SECS: f64 = 4.0;

/// Preview that rolls.
#[derive(Debug, Clone)]
pub(in crate::engine) struct PreviewRoll {
    /// House time of its first tick.
    pub origin: Option<MediaTime>,
    from: MediaTime,
    pub speed_percent: i32,
    pub low: MediaTime,
    pub high: MediaTime,
    /// The frame that is shown.
    pub at: MediaTime,
    /// The instant of the picture, and the two frames that it lies between when no camera made it.
    pub shown: MediaTime,
    pub between: Option<[MediaTime; 2]>,
}

impl PreviewRoll {
    /// Where it is so long after its first tick.
    pub fn instant_after(&self, secs: f64) -> MediaTime {
        self.from.plus_nanos((secs * f64::from(self.speed_percent) * 1e7) as i64)
    }
}

/// What a take would play, and of which choice it was made.
#[derive(Debug)]
pub(in crate::engine) struct Prefetch {
    of: (MediaTime, u64, usize, i32),
    pub playing: Option<Playing>,
}

/// The camera (number along the arc) whose own picture is shown at a position and an instant, and the picture, where `find` knows those of a camera
/// (index in the rig).
pub(super) fn found_in(
    mut find: impl FnMut(usize, MediaTime) -> Found,
    order: &[usize],
    closed: bool,
    position: f64,
    at: MediaTime,
    shown: Option<usize>,
) -> (Option<usize>, Found) {
    let mut present = vec![true; order.len()];
    let mut shown = shown;
    while let Some(k) = cut_camera(&present, closed, position, shown) {
        match find(order[k], at) {
            Found::Nothing => {
                present[k] = false;
                shown = None;
            }
            found => return (Some(k), found),
        }
    }
    (None, Found::Nothing)
}

impl Director {
    pub(super) fn chunk_report(&mut self, report: ChunkReport) {
        self.strip.add(report);
    }

    /// Replay pictures are made at this rate: the cameras', or where pictures between frames are made that of a faster output.
    pub(super) fn tick_rate(&self) -> FrameRate {
        let feeds = self.feeds.rate();
        let faster = self.output.rate().filter(|out| self.interpolates() && out.fps() > FASTER * feeds.fps());
        faster.filter(|out| out.fps() <= super::MAX_TICKS_PER_SEC).unwrap_or(feeds)
    }

    pub(super) fn tick_interval(&mut self) -> std::time::Duration {
        let rate = self.tick_rate().fps().clamp(1.0, super::MAX_TICKS_PER_SEC);
        self.governor.set_rate(rate);
        std::time::Duration::from_secs_f64(1.0 / rate)
    }

    /// A time in ticks, seconds.
    pub(super) fn in_frames(&self, nanos: i64) -> f64 {
        let fps = self.tick_rate().fps();
        (nanos as f64 * 1e-9 * fps).round().max(0.0) / fps
    }

    /// Lets the replay on program go on to now.
    pub(super) fn advance_program(&mut self) {
        let Some(playing) = &self.program.playing else { return };
        let now = self.feeds.now();
        let origin = *self.program.origin.get_or_insert(now);
        let secs = self.in_frames(now - origin);
        if self.program.by_hand.is_none() {
            self.program.player.advance(secs - self.program.ticked_secs, &playing.schedule);
        }
        self.program.ticked_secs = secs;
    }

    /// In and out of the prepared event about the prepared instant; from where it was jogged to, only what lies after it.
    pub(in crate::engine) fn prepared_range(&self, instant: MediaTime, event: Option<EventId>) -> Roll {
        self.range_at(instant, event, self.speed_percent)
    }

    /// The same at another speed than the chosen one.
    pub(super) fn range_at(&self, instant: MediaTime, event: Option<EventId>, speed_percent: i32) -> Roll {
        let speed = f64::from(speed_percent) / 100.0;
        let secs = |t: MediaTime| (t - instant) as f64 * 1e-9;
        let Some(event) = event.and_then(|id| self.transport.events().get(id)) else {
            let (in_secs, out_secs) = if speed < 0.0 { (-FREE_ROLL_SECS, 0.0) } else { (0.0, FREE_ROLL_SECS) };
            return Roll { in_secs, out_secs, speed };
        };
        let jogged = instant != event.instant && event.contains(instant);
        let whole = Roll { in_secs: secs(event.begin), out_secs: secs(event.end), speed };
        match (jogged, speed < 0.0) {
            (true, false) => Roll { in_secs: 0.0, ..whole },
            (true, true) => Roll { out_secs: 0.0, ..whole },
            (false, _) => whole,
        }
    }

    /// A path laid along the rig.
    pub(super) fn laid(&mut self, path: &Path, mark: MediaTime) -> Option<Track> {
        let (width_px, height_px) = program_size_px(self.governor.level());
        match Track::new(path, &self.watch.rig_at(mark), mark, width_px, height_px) {
            Ok(track) => Some(track),
            Err(e) => {
                self.warn(format!("This move cannot be played: {e}. Program holds the prepared position"));
                None
            }
        }
    }

    /// What a take plays: preview's roll from where it is, else the chosen move.
    pub(super) fn playing_for_take(&mut self, anchor: MediaTime, from: f64, event: Option<EventId>) -> Option<Playing> {
        if let Some(rolling) = self.preview.roll.take() {
            let end = if rolling.speed_percent < 0 { rolling.low } else { rolling.high };
            let path = self.plain_roll(from, anchor, rolling.at, end, rolling.speed_percent);
            return Some(Playing::take(self.laid(&path, anchor)?, anchor, true));
        }
        let path = self.chosen_path(anchor, from, event)?;
        let plain = matches!(self.choice(), Some(Choice::Program(m)) if m.is_plain_roll());
        Some(Playing::take(self.laid(&path, anchor)?, anchor, plain))
    }

    /// A roll on the camera nearest to a position.
    pub(super) fn plain_roll(&self, position: f64, anchor: MediaTime, from: MediaTime, to: MediaTime, speed_percent: i32) -> Path {
        let secs = |t: MediaTime| (t - anchor) as f64 * 1e-9;
        let (a, b) = if speed_percent < 0 { (to.min(from), from) } else { (from, to.max(from)) };
        let range = Roll { in_secs: secs(a), out_secs: secs(b), speed: f64::from(speed_percent) / 100.0 };
        roll(self.transport.wrap_position(position.round()), &range)
    }

    /// Program goes on from what it shows: time runs, or stands again.
    pub(super) fn roll_on(&mut self) {
        let Program::Replay(on_air) = self.transport.program().clone() else {
            return self.warn("Nothing is on air to roll on. TAKE a replay first; PLAY rolls preview".to_owned());
        };
        let cue = self.program.playing.as_ref().and_then(|playing| playing.at(&self.program.player));
        let (at, rolls, position) =
            cue.map_or((on_air.instant, false, on_air.from_position), |c| (c.sample.instant, c.speed_percent != 0, c.sample.position));
        self.roll_program(on_air.instant, on_air.event, (at, position), if rolls { None } else { Some(self.speed_percent) });
    }

    /// Program from an instant and a position on: at a speed, or standing.
    fn roll_program(&mut self, anchor: MediaTime, event: Option<EventId>, (at, position): (MediaTime, f64), speed: Option<i32>) {
        let path = match speed {
            Some(speed) => self.plain_roll(position, anchor, at, self.roll_end(event, at, speed), speed),
            None => crate::replay::path::still(self.transport.wrap_position(position.round()), (at - anchor) as f64 * 1e-9, 1.0),
        };
        let Some(track) = self.laid(&path, anchor) else { return };
        self.start_clock(Some(Playing::take(track, anchor, true)));
        self.program.asked = None;
        let now = self.feeds.now();
        self.apply(TransportCommand::Restart { now });
    }

    /// Where a roll from an instant of an event ends.
    pub(super) fn roll_end(&self, event: Option<EventId>, at: MediaTime, speed_percent: i32) -> MediaTime {
        let event = event.and_then(|id| self.transport.events().get(id));
        let free = at.plus_nanos((FREE_ROLL_SECS * 1e9) as i64 * i64::from(speed_percent.signum()));
        let end = event.map_or(free, |e| if speed_percent < 0 { e.begin } else { e.end });
        // Beyond the out point it goes on as far as there is something.
        match (speed_percent < 0, self.newest(), self.oldest()) {
            (false, Some(newest), _) if end <= at => newest,
            (true, _, Some(oldest)) if end >= at => oldest,
            _ => end,
        }
    }

    /// The speed of the next roll, and of the plain roll that is on program or in preview.
    pub(super) fn set_speed(&mut self, percent: i32) {
        let sign = if percent < 0 { -1 } else { 1 };
        self.speed_percent = percent.abs().clamp(SLOWEST, FASTEST) * sign;
        let speed = self.speed_percent;
        if let Some(at) = self.preview.roll.as_ref().map(|r| r.at) {
            self.preview_from(at, speed);
        }
        if let Program::Replay(on_air) = self.transport.program().clone()
            && let Some(cue) = self.program.playing.as_ref().filter(|p| p.plain).and_then(|p| p.at(&self.program.player))
            && cue.speed_percent != 0
        {
            self.roll_program(on_air.instant, on_air.event, (cue.sample.instant, cue.sample.position), Some(speed));
        }
    }

    /// The next speed of the ladder.
    pub(super) fn step_speed(&mut self, by: i32) {
        let now = self.speed_percent;
        let next = if by > 0 { SPEEDS.into_iter().find(|s| *s > now) } else { SPEEDS.into_iter().rev().find(|s| *s < now) };
        self.set_speed(next.unwrap_or(now));
    }

    /// Preview rolls at the chosen speed, or stands.
    pub(super) fn play(&mut self) {
        if self.preview.roll.is_some() {
            return self.stop_preview();
        }
        let Some((instant, event)) = self.transport.preview().map(|p| (p.instant, p.event)) else {
            return self.warn("Nothing is prepared to play. Mark an instant, choose an event or click the timeline first".to_owned());
        };
        let range = self.prepared_range(instant, event);
        let from = instant.plus_nanos((range.ends().0 * 1e9) as i64);
        self.preview_from(from, self.speed_percent);
    }

    /// Shuttle: faster forwards, faster backwards, or stop.
    pub(super) fn shuttle(&mut self, by: i32) {
        let now = self.preview.roll.as_ref().map_or(0, |r| r.speed_percent);
        let Some(at) =
            self.preview.roll.as_ref().map(|r| r.at).or_else(|| self.transport.preview().map(|p| p.instant)).or_else(|| self.newest())
        else {
            return;
        };
        if by == 0 {
            return self.stop_preview();
        }
        let sign = by.signum();
        let speed = if now.signum() == sign { (now.abs().max(50) * 2).min(FASTEST) * sign } else { 100 * sign };
        if self.transport.preview().is_none() {
            self.jog_to(at);
        }
        self.preview_from(at, speed);
    }

    fn preview_from(&mut self, from: MediaTime, speed_percent: i32) {
        let Some(newest) = self.newest() else { return };
        let event = self.transport.preview().and_then(|p| self.transport.events().get(p.event?));
        let ring = (self.oldest().unwrap_or(from), newest);
        // Inside of an event it is the event that plays; outside of it, all that there is.
        let (low, high) = match event {
            Some(e) if e.contains(from) => (e.begin, e.end.min(newest)),
            Some(e) => (ring.0.min(e.pinned_range().0), ring.1),
            None => ring,
        };
        self.preview.roll = Some(PreviewRoll { origin: None, from, speed_percent, low, high, at: from, shown: from, between: None });
        self.preview.asked = None;
    }

    /// Preview stands where it is, and is prepared there.
    pub(super) fn stop_preview(&mut self) {
        let Some(rolling) = self.preview.roll.take() else { return };
        let shown = self.preview.shown.clone();
        self.apply(TransportCommand::SetInstant(rolling.at));
        // The picture stays until the frozen one is there.
        if self.preview.shown.is_none() {
            self.preview.shown = shown;
        }
        self.preview.asked = None;
    }

    /// The camera (number along the arc) whose own picture is shown at a position and an instant, and the picture.
    pub(super) fn rolling_picture(&mut self, position: f64, at: MediaTime, shown: Option<usize>) -> (Option<usize>, Found) {
        let (order, closed) = (self.transport.arc_order(), self.closed());
        found_in(|camera, at| self.strip.find(camera, at), order, closed, position, at, shown)
    }

    /// Program at an instant at which no scene is solved: the nearest camera's own frame; until it is decoded, the last picture.
    pub(super) fn show_rolling(&mut self, at: MediaTime, speed_percent: i32) {
        let (camera, found) = self.rolling_picture(self.program.position, at, self.program.cut);
        self.program.cut = camera.or(self.program.cut);
        self.program.report = None;
        self.show_rolled(camera, at, speed_percent, found);
    }

    /// Preview's roll by one tick; false when it does not roll.
    pub(super) fn roll_preview(&mut self) -> bool {
        let Some(mut rolling) = self.preview.roll.clone() else { return false };
        if self.transport.preview().is_none_or(|p| p.readiness < Readiness::RealCameras && self.preview.shown.is_none()) {
            return false;
        }
        let now = self.feeds.now();
        let origin = *rolling.origin.get_or_insert(now);
        let wanted = rolling.instant_after(self.in_frames(now - origin));
        let at = wanted.clamp(rolling.low.min(rolling.high), rolling.high);
        let (camera, found) = self.rolling_picture(self.position(), at, self.preview.cut);
        self.preview.cut = camera.or(self.preview.cut);
        if let Found::Picture(held) = found {
            // It stands at a camera's own frame when it stops.
            rolling.at = held.time;
            let Rolled { picture: live, between } = self.rolled(false, camera, at, rolling.speed_percent, held);
            let shown = RollView { instant: rolling.shown, speed_percent: rolling.speed_percent, between: rolling.between };
            let live = if self.steps_back(shown, live.time, rolling.speed_percent) { None } else { Some(live) };
            if let Some(live) = &live {
                (rolling.shown, rolling.between) = (live.time, between);
            }
            self.preview.report = None;
            if let Some(picture) = live.map(|live| self.with_bugs(&live.picture, false))
                && self.preview.shown.as_ref().is_none_or(|s| !std::sync::Arc::ptr_eq(&s.picture, &picture))
            {
                let serial = self.next_serial();
                self.preview.shown = Some(ShownPicture { picture, serial });
            }
        }
        self.preview.roll = Some(rolling);
        if at != wanted {
            self.stop_preview();
        }
        true
    }

    /// The camera (number along the arc) that will be shown at a position and an instant, as far as is known.
    pub(super) fn camera_for(&self, position: f64, at: MediaTime, shown: Option<usize>) -> Option<usize> {
        self.camera_in(&self.strip, position, at, shown)
    }

    /// The same by what another strip knows.
    pub(super) fn camera_in(&self, strip: &Strip, position: f64, at: MediaTime, shown: Option<usize>) -> Option<usize> {
        let order = self.transport.arc_order();
        let present: Vec<bool> = order.iter().map(|camera| !strip.lacks(*camera, at)).collect();
        cut_camera(&present, self.closed(), position, shown)
    }

    /// Frames from where a replay is on, as far ahead as asked.
    fn want_of(&self, playing: &Playing, player: &Player, ahead_secs: f64, shown: Option<usize>, newest: MediaTime, needs: &mut Needs) {
        let (rate, order) = (self.feeds.rate(), self.transport.arc_order());
        let mut shown = shown;
        for k in 0..(ahead_secs * rate.fps()).ceil() as i64 {
            let Some(place) = playing.place(player, rate.frame_nanos(k) as f64 * 1e-9) else { return };
            let in_front = playing.cue(place.slot, place.local_secs);
            // While one dissolves into the other, both are needed.
            let behind = place.from.and_then(|(slot, secs, _)| playing.cue(slot, secs));
            for (cue, is_in_front) in in_front.into_iter().map(|c| (c, true)).chain(behind.into_iter().map(|c| (c, false))) {
                // The frames of a moment that is at hand are not needed twice.
                if self.stands(&cue) && self.moment(cue.anchor).is_some() {
                    continue;
                }
                let position = self.transport.wrap_position(cue.sample.position);
                let camera = self.camera_for(position, cue.sample.instant, if is_in_front { shown } else { None });
                if is_in_front {
                    shown = camera;
                }
                if let Some(camera) = camera.and_then(|k| order.get(k)) {
                    self.strip.need(*camera, cue.sample.instant, newest, needs);
                    if self.interpolates() {
                        self.strip.need(*camera, cue.sample.instant.plus_nanos(rate.interval_nanos()), newest, needs);
                    }
                }
            }
        }
    }

    /// Asks for the frames that are needed next: on program, in preview, and for what a take would play.
    pub(super) fn want_frames(&mut self) {
        let Some(newest) = self.newest() else { return };
        let mut needs = Needs::default();
        if let (Program::Replay(_), Some(playing)) = (self.transport.program(), &self.program.playing) {
            self.want_of(playing, &self.program.player, AHEAD_SECS, self.program.cut, newest, &mut needs);
        }
        if let Some(rolling) = &self.preview.roll {
            let order = self.transport.arc_order();
            let mut shown = self.preview.cut;
            let rate = self.feeds.rate();
            for frame in 0..(AHEAD_SECS * rate.fps()).ceil() as i64 {
                let at = rolling.at.plus_nanos(rate.frame_nanos(frame) * i64::from(rolling.speed_percent) / 100);
                if at < rolling.low || at > rolling.high {
                    break;
                }
                shown = self.camera_for(self.position(), at, shown);
                if let Some(camera) = shown.and_then(|k| order.get(k)) {
                    self.strip.need(*camera, at, newest, &mut needs);
                }
            }
        }
        if let Some(cueing) = &self.cueing {
            self.want_of(&cueing.playing, &cueing.player, PREPARED_SECS, None, newest, &mut needs);
        }
        self.refresh_prefetch();
        if let Some(playing) = self.prefetch.as_ref().and_then(|p| p.playing.as_ref()) {
            self.want_of(playing, &Player::default(), PREPARED_SECS, None, newest, &mut needs);
        }
        self.strip_wish.post_latest(self.strip.choose(needs, newest));
    }

    /// Lays out what a take would play, when the choice has changed.
    fn refresh_prefetch(&mut self) {
        let prepared = self.transport.preview().filter(|p| p.readiness >= Readiness::RealCameras);
        let Some((instant, position, event)) = prepared.map(|p| (p.instant, p.position, p.event)) else {
            self.prefetch = None;
            return;
        };
        let of = (instant, position.to_bits(), self.chosen_move, self.speed_percent);
        if self.prefetch.as_ref().is_some_and(|p| p.of == of) {
            return;
        }
        // Without an arc nothing can be played; a take says so.
        let path = self.chosen_path(instant, position, event).filter(|path| self.arc.is_some() && !path.is_frozen());
        let track = path.and_then(|path| self.laid(&path, instant));
        self.prefetch = Some(Prefetch { of, playing: track.map(|track| Playing::take(track, instant, false)) });
    }
}
