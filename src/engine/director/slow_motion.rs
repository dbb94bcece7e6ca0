//! Slow motion beyond the cameras' rate: pictures between a camera's frames, made ahead, by the operator's choice; what is not there in time, and
//! frames that do not agree, leave the camera's own frame standing.
//!
//! Must not know: how motion is found, how frames are decoded.

use std::time::Instant;

use super::{Director, NoticeLevel};
use crate::{
    engine::{
        LivePicture, RollView, SlowMotionView,
        playing::Playing,
        slow_motion::{BetweenReport, BetweenWish, Betweens, Due, Lies, TRIED_AGAIN},
        strip::Found,
    },
    replay::{Program, playlist::Player},
    time::MediaTime,
};

/// Pictures are made so far ahead for program and for preview that rolls, and for what a take would play, seconds.
const AHEAD_SECS: f64 = 0.6;
const PREPARED_SECS: f64 = 0.3;
/// Time that runs on by at least this share of a frame from tick to tick needs nothing between frames.
const NOT_SLOW: f64 = 0.9;

/// What is known of it.
#[derive(Debug, Default)]
pub(in crate::engine) struct SlowMotion {
    interpolate: bool,
    betweens: Betweens,
    /// Something is wanted of the GPU.
    wants: bool,
    /// The GPU was not in time, or had no memory: since when.
    too_slow: Option<Instant>,
    /// What is due now in preview and on program, and whether it is late so far.
    due: [Option<(MediaTime, bool)>; 2],
    made: u64,
    late: u64,
    unsure: u64,
}

/// What a roll shows.
pub(super) struct Rolled {
    pub picture: LivePicture,
    /// The two frames that it lies between, when no camera made it.
    pub between: Option<[MediaTime; 2]>,
}

impl SlowMotion {
    pub fn new(interpolate: bool) -> Self {
        Self { interpolate, ..Self::default() }
    }

    /// What is due on program, or in preview, and is shown in its place: late is what was not there until the next one was due.
    fn count(&mut self, on_air: bool, at: MediaTime, shown: &Due) {
        let due = &mut self.due[usize::from(on_air)];
        match due {
            Some((before, _)) if *before == at => {}
            Some((before, late)) => {
                self.late += u64::from(*late);
                self.betweens.passed(*late);
                (*before, *late) = (at, true);
            }
            None => *due = Some((at, true)),
        }
        if let Some((_, late)) = due
            && *late
            && *shown != Due::Late
        {
            *late = false;
            match shown {
                Due::Made(_) => self.made += 1,
                _ => self.unsure += 1,
            }
        }
    }
}

impl Director {
    /// The operator's choice; `None` is the other one.
    pub(super) fn choose_slow_motion(&mut self, interpolate: Option<bool>) {
        let interpolate = interpolate.unwrap_or(!self.slow.interpolate);
        if interpolate && self.truth.ladder.real_pixels_only {
            return self.warn(
                "Real pixels only: nothing is interpolated between two frames. Switch that off first (R), then choose slow motion again"
                    .to_owned(),
            );
        }
        if interpolate && self.gpu.problem.is_some() && self.gpu.adapter.is_empty() {
            return self.warn("There is no GPU to interpolate with: slow motion holds the cameras' frames".to_owned());
        }
        self.slow.interpolate = interpolate;
        self.slow.too_slow = None;
        if !interpolate {
            self.slow.betweens.clear();
        }
    }

    /// Whether pictures are made between frames now.
    pub(super) const fn interpolates(&self) -> bool {
        self.slow.interpolate && !self.truth.ladder.real_pixels_only && self.slow.too_slow.is_none() && !self.gpu.adapter.is_empty()
    }

    /// Whether time that runs so fast passes less than a frame from tick to tick.
    pub(super) fn is_slow(&self, speed_percent: i32) -> bool {
        let per_tick = f64::from(speed_percent.abs()) * 0.01 * self.tick_rate().interval_nanos() as f64;
        speed_percent != 0 && per_tick < NOT_SLOW * self.feeds.rate().interval_nanos() as f64
    }

    /// What a camera (number along the arc) shows at an instant of a roll, where `held` is its frame.
    pub(super) fn rolled(&mut self, on_air: bool, camera: Option<usize>, at: MediaTime, speed_percent: i32, held: LivePicture) -> Rolled {
        let real = |picture| Rolled { picture, between: None };
        if !self.interpolates() || !self.is_slow(speed_percent) {
            return real(held);
        }
        let Some(&camera) = camera.and_then(|k| self.transport.arc_order().get(k)) else { return real(held) };
        let (frames, share) = match self.strip.around(camera, at).map(|frames| Lies::of(frames, at)) {
            Some(Lies::Between(frames, share)) => (frames, share),
            Some(Lies::At(frame)) => return real(frame),
            None => return real(held),
        };
        let between = frames.each_ref().map(|f| f.time);
        let due = self.slow.betweens.find(camera, between, share);
        self.slow.count(on_air, at, &due);
        match due {
            Due::Made(picture) => Rolled { picture: LivePicture { picture, time: at }, between: Some(between) },
            Due::Unsure => {
                // The nearer of the two: neither is of this instant.
                let [before, after] = frames;
                real(if share > 0.5 { after } else { before })
            }
            Due::Late => real(held),
        }
    }

    /// Whether a frame lies behind the picture between frames that is shown, in the direction of time.
    pub(super) fn steps_back(&self, shown: RollView, at: MediaTime, speed_percent: i32) -> bool {
        let by = (shown.instant - at) * i64::from(speed_percent.signum());
        let made = self.slow.interpolate && !self.truth.ladder.real_pixels_only;
        made && shown.between.is_some() && (1..self.feeds.rate().interval_nanos()).contains(&by)
    }

    /// Asks for the pictures between frames that are due next: on program, in preview that rolls, and for what a take would play.
    pub(super) fn want_betweens(&mut self) {
        let on_air = matches!(self.transport.program(), Program::Replay(_));
        // What was too slow is tried once more, but never under a replay that is on air.
        if self.slow.too_slow.is_some_and(|since| since.elapsed() > TRIED_AGAIN) && !on_air {
            self.slow.too_slow = None;
            self.slow.betweens.forget_cost();
        }
        if !self.interpolates() {
            if std::mem::take(&mut self.slow.wants) {
                self.board.post_betweens_latest(vec![]);
            }
            return;
        }
        let mut wishes = Vec::new();
        if let (Program::Replay(_), Some(playing)) = (self.transport.program(), &self.program.playing) {
            self.betweens_of(playing, &self.program.player, (AHEAD_SECS, true), self.program.cut, &mut wishes);
        }
        let due_on_air = wishes.len();
        self.betweens_of_preview(&mut wishes);
        let due = wishes.len();
        if let Some(cueing) = &self.cueing {
            self.betweens_of(&cueing.playing, &cueing.player, (PREPARED_SECS, false), None, &mut wishes);
        }
        if let Some(playing) = self.prefetch.as_ref().and_then(|p| p.playing.as_ref()) {
            self.betweens_of(playing, &Player::default(), (PREPARED_SECS, false), None, &mut wishes);
        }
        // What a take would play is not due at any time: only what runs can be too much. What is prepared tells what it will be.
        let per_sec = match (due_on_air, due) {
            (0, 0) => wishes.len() as f64 / PREPARED_SECS,
            _ => due as f64 / AHEAD_SECS,
        };
        if !wishes.is_empty() && self.slow.betweens.is_too_much(per_sec) {
            return self.hold_since_too_slow(per_sec);
        }
        let missing = self.slow.betweens.choose(wishes);
        self.slow.wants = true;
        self.board.post_betweens_latest(missing);
    }

    fn hold_since_too_slow(&mut self, per_sec: f64) {
        self.slow.too_slow = Some(Instant::now());
        self.board.post_betweens_latest(vec![]);
        let ms = self.slow.betweens.cost_secs().unwrap_or(0.0) * 1e3;
        self.notice(
            NoticeLevel::Info,
            format!(
                "The GPU takes {ms:.0} ms for a picture between two frames, and {per_sec:.0} a second are due: slow motion holds the cameras' frames. `slow-motion hold` asks for none"
            ),
        );
    }

    /// The picture between frames of a camera (number along the arc) at an instant, where one is needed.
    fn between(&self, camera: Option<usize>, at: MediaTime, on_air: bool) -> Option<BetweenWish> {
        let camera = *self.transport.arc_order().get(camera?)?;
        match Lies::of(self.strip.around(camera, at)?, at) {
            Lies::Between(frames, share) => Some(BetweenWish { camera, frames, share, on_air }),
            Lies::At(_) => None,
        }
    }

    fn betweens_of(
        &self,
        playing: &Playing,
        player: &Player,
        (ahead_secs, on_air): (f64, bool),
        shown: Option<usize>,
        wishes: &mut Vec<BetweenWish>,
    ) {
        let rate = self.tick_rate();
        let mut shown = shown;
        for k in 0..(ahead_secs * rate.fps()).ceil() as i64 {
            let Some(place) = playing.place(player, rate.frame_nanos(k) as f64 * 1e-9) else { return };
            let Some(cue) = playing.cue(place.slot, place.local_secs) else { return };
            if self.stands(&cue) && self.moment(cue.anchor).is_some() {
                continue;
            }
            let position = self.transport.wrap_position(cue.sample.position);
            shown = self.camera_for(position, cue.sample.instant, shown);
            if self.is_slow(cue.speed_percent) {
                wishes.extend(self.between(shown, cue.sample.instant, on_air));
            }
        }
    }

    fn betweens_of_preview(&self, wishes: &mut Vec<BetweenWish>) {
        let Some(rolling) = self.preview.roll.as_ref().filter(|r| self.is_slow(r.speed_percent)) else { return };
        let rate = self.tick_rate();
        let gone = rolling.origin.map_or(0.0, |origin| self.in_frames(self.feeds.now() - origin));
        let mut shown = self.preview.cut;
        for k in 0..(AHEAD_SECS * rate.fps()).ceil() as i64 {
            let at = rolling.instant_after(gone + rate.frame_nanos(k) as f64 * 1e-9);
            if at < rolling.low || at > rolling.high {
                return;
            }
            shown = self.camera_for(self.position(), at, shown);
            wishes.extend(self.between(shown, at, false));
        }
    }

    /// The GPU has made a picture between two frames, or cannot.
    pub(super) fn between_made(&mut self, report: BetweenReport) {
        self.board.between_made();
        let BetweenReport { wish, result, secs } = report;
        match result {
            Ok(picture) => self.slow.betweens.add(&wish, picture, secs),
            // A lost device is told by itself, and comes back.
            Err(why) => {
                tracing::warn!(why, "no picture between two frames");
                self.slow.too_slow = Some(Instant::now());
                if self.gpu.problem.is_none() {
                    self.warn(format!("Slow motion holds the cameras' frames for a while: {why}"));
                }
            }
        }
    }

    /// The roll on program and its picture.
    pub(super) fn show_rolled(&mut self, camera: Option<usize>, at: MediaTime, speed_percent: i32, found: Found) {
        let Found::Picture(held) = found else {
            self.program.repeated += 1;
            return;
        };
        let Rolled { picture: live, between } = self.rolled(true, camera, at, speed_percent, held);
        // Where the next picture between two frames is late, the one before stays: its frame would be a step back.
        if self.program.roll.is_some_and(|shown| self.steps_back(shown, live.time, speed_percent)) {
            return;
        }
        self.program.roll = Some(RollView { instant: live.time, speed_percent, between });
        self.program.asked = Some(super::pictures::Asked::Real { instant: live.time, camera: camera.unwrap_or(0), graphics: 0 });
        self.put_layer(&live.picture);
    }

    /// What everybody sees of it.
    pub(in crate::engine) fn slow_motion_view(&self) -> SlowMotionView {
        SlowMotionView {
            interpolate: self.slow.interpolate && !self.truth.ladder.real_pixels_only,
            too_slow: self.slow.too_slow.is_some(),
            picture_ms: self.slow.betweens.cost_secs().map(|secs| (secs * 1e3) as f32),
            made: self.slow.made,
            late: self.slow.late,
            unsure: self.slow.unsure,
        }
    }
}
