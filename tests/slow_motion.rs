//! Slow motion beyond the cameras' rate, in a running engine: pictures between frames, by choice, and frames that are held.
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::{sync::Arc, time::Duration};

use volte::{
    engine::{Command, Engine, EngineOptions, Feeds, Quality, Snapshot},
    frame::{Picture, metrics::psnr_db},
    replay::Readiness,
    time::MediaTime,
};

mod support {
    pub mod fake_feeds;
}
use support::fake_feeds::FakeFeeds;

/// Nothing here is a matter of speed.
const PATIENCE: Duration = Duration::from_mins(1);
/// Few, so that any machine is in time.
const FPS: u32 = 4;
/// The square's way from frame to frame, px.
const WAY_PX: f64 = 8.0;

fn speckle(x: i64, y: i64, seed: i64) -> f64 {
    let mut h = (x.wrapping_mul(0x9e37_79b9) ^ y.wrapping_mul(0x85eb_ca6b) ^ seed.wrapping_mul(0x2545_f491)) as u32;
    h = (h ^ (h >> 15)).wrapping_mul(0x2c1b_3c6d);
    f64::from((h ^ (h >> 13)) & 0xff)
}

/// A speckled square that goes right over a speckled ground, `frames` after the beginning; it begins anew every eight frames.
fn scene(frames: f64) -> Picture {
    let mut picture = Picture::filled(160, 90, [0, 0, 0, 255]);
    let left = 30.0 + WAY_PX * frames.rem_euclid(8.0);
    for y in 0..90 {
        for x in 0..160 {
            let (u, v) = (f64::from(x) - left, f64::from(y) - 30.0);
            let grey = if (0.0..36.0).contains(&u) && (0.0..30.0).contains(&v) {
                // Linear between its texels: it is seen at any fraction of a pixel.
                let (at, y) = (u / 4.0, (v / 4.0) as i64);
                let share = at - at.floor();
                speckle(at as i64, y, 1) * (1.0 - share) + speckle(at as i64 + 1, y, 1) * share
            } else {
                40.0 + 0.3 * speckle(i64::from(x) / 5, i64::from(y) / 5, 2)
            };
            let at = 4 * (y * 160 + x) as usize;
            picture.rgba_mut()[at..at + 3].fill(grey as u8);
        }
    }
    picture
}

/// Frames that have nothing to do with each other.
fn noise(_: usize, frame: i64) -> Picture {
    let mut picture = Picture::filled(160, 90, [0, 0, 0, 255]);
    for (i, px) in picture.rgba_mut().chunks_exact_mut(4).enumerate() {
        px[..3].fill(speckle(i as i64 % 160, i as i64 / 160, frame) as u8);
    }
    picture
}

struct Show {
    feeds: Arc<FakeFeeds>,
    engine: Engine,
}

impl Show {
    fn start(film: fn(usize, i64) -> Picture, interpolate: bool) -> Self {
        let mut feeds = FakeFeeds::new(3);
        (feeds.fps, feeds.film) = (FPS, film);
        let feeds = Arc::new(feeds);
        let options = EngineOptions { quality: Some(Quality::Draft), interpolate, ..EngineOptions::default() };
        let engine = Engine::start(Arc::clone(&feeds) as Arc<dyn Feeds>, &options).unwrap();
        let show = Self { feeds, engine };
        show.wait("a GPU", |s| !s.gpu.adapter.is_empty());
        show
    }

    fn wait(&self, what: &str, wanted: impl FnMut(&Snapshot) -> bool) -> Arc<Snapshot> {
        self.engine.wait_for(PATIENCE, wanted).unwrap_or_else(|| {
            let s = self.engine.snapshot();
            panic!("{what}: {:?} {:?} {:?} {:?}", s.program.roll, s.slow_motion, s.notices, s.gpu)
        })
    }

    fn send(&self, command: Command) {
        assert!(self.engine.send(command));
    }

    /// A roll goes on air; the instant that it begins at.
    fn roll(&self, speed_percent: i32) -> MediaTime {
        self.send(Command::SetSpeed(speed_percent));
        self.send(Command::Mark);
        self.wait("prepared", |s| s.preview.as_ref().is_some_and(|p| p.readiness >= Readiness::RealCameras));
        let roll = self.engine.snapshot().moves.iter().position(|m| m.name == "Roll").unwrap();
        self.send(Command::SelectMove(roll));
        self.wait("the move", |s| s.chosen_move == roll);
        self.send(Command::Take);
        self.wait("on air", |s| s.program.roll.is_some()).program.roll.unwrap().instant
    }

    /// Time goes on by a frame: the roll by a quarter of one. What is then shown.
    fn step(&self, from: MediaTime, ticks: i64) -> (MediaTime, Arc<Snapshot>) {
        self.feeds.advance_frames(1);
        let at = from.plus_nanos(ticks * 1_000_000_000 / i64::from(4 * FPS));
        let held = from.plus_nanos(ticks / 4 * 1_000_000_000 / i64::from(FPS));
        let s = self.wait("the next picture", |s| {
            let roll = s.program.roll.unwrap();
            let near = |t: MediaTime| roll.instant.distance_nanos(t) < 1_000_000;
            near(at) || !s.slow_motion.interpolate && near(held)
        });
        (at, s)
    }
}

/// The roll runs ahead by `n` ticks: how true its pictures are, and how true held frames would be, dB.
fn scores(show: &Show, from: MediaTime, ticks: std::ops::Range<i64>) -> Vec<(i64, f64, f64, bool)> {
    ticks
        .map(|k| {
            let (at, s) = show.step(from, k);
            let frames = at.nanos() as f64 * 1e-9 * f64::from(FPS);
            let (truth, held) = (scene(frames), scene(frames.floor()));
            let score = |p: &Picture| psnr_db(p, &truth, None).unwrap();
            (k, score(&s.program.shown.picture), score(&held), s.program.roll.unwrap().between.is_some())
        })
        .collect()
}

#[test]
fn slow_motion_on_air_makes_the_pictures_between_the_frames_and_holds_them_when_told() {
    let show = Show::start(|_, frame| scene(frame as f64), true);
    let from = show.roll(25);
    let made = scores(&show, from, 1..10);
    for (k, got, held, between) in &made {
        println!("tick {k}: {got:.1} dB, the frame held {held:.1} dB, between frames {between}");
        assert_eq!(*between, k % 4 != 0, "tick {k}");
        assert!(k % 4 == 0 || *got > held + 2.0, "tick {k}: {got:.1} dB against {held:.1}");
    }
    let s = show.engine.snapshot();
    assert!(s.slow_motion.interpolate && s.slow_motion.made >= 6 && s.slow_motion.unsure == 0, "{:?}", s.slow_motion);
    // Held at once, and nothing between frames any more.
    show.send(Command::SetSlowMotion(Some(false)));
    show.wait("held", |s| !s.slow_motion.interpolate);
    for k in 10..11 {
        let (_, s) = show.step(from, k);
        assert_eq!(s.program.roll.unwrap().between, None, "tick {k}");
    }
    // Real pixels take it back, and refuse it.
    show.send(Command::SetSlowMotion(Some(true)));
    // Between the same two frames.
    show.feeds.advance_frames(1);
    show.wait("interpolated", |s| s.program.roll.is_some_and(|r| r.between.is_some()));
    show.send(Command::ToggleRealPixels);
    show.wait("real pixels", |s| s.program.roll.is_some_and(|r| r.between.is_none()) && !s.slow_motion.interpolate);
    show.send(Command::SetSlowMotion(Some(true)));
    show.wait("refused", |s| s.notices.iter().any(|n| n.text.starts_with("Real pixels only: nothing is interpolated")));
    assert!(!show.engine.snapshot().slow_motion.interpolate);
}

#[test]
fn frames_that_do_not_agree_are_held_and_counted() {
    let show = Show::start(noise, true);
    let from = show.roll(25);
    for k in 1..8 {
        show.feeds.advance_frames(1);
        // The nearer of the two frames.
        let nearer = from.plus_nanos((k + 1) / 4 * 1_000_000_000 / i64::from(FPS));
        let unsure = (k - k / 4).cast_unsigned();
        let s = show.wait("a frame", |s| {
            s.program.roll.is_some_and(|r| r.instant.distance_nanos(nearer) < 1_000_000) && s.slow_motion.unsure >= unsure
        });
        assert_eq!(s.program.roll.unwrap().between, None, "tick {k}");
    }
    let s = show.engine.snapshot();
    assert!(s.slow_motion.made == 0 && s.slow_motion.unsure == 6, "{:?}", s.slow_motion);
}

/// As 50 from 25: twice as many pictures as the cameras give, at full speed.
#[cfg(feature = "gstreamer")]
#[test]
fn an_output_of_twice_the_cameras_rate_gets_a_true_picture_between_every_two_frames() {
    let show = Show::start(|_, frame| scene(frame as f64), true);
    let format = format!("160x90p{}", 2 * FPS).parse().unwrap();
    show.engine.start_output(&volte::output::program::ChannelOptions::new(format), vec![]).unwrap();
    show.wait("an output", |s| s.output.is_some());
    let from = show.roll(100);
    let half = 1_000_000_000 / i64::from(2 * FPS);
    // The square begins anew between the sixth and the eighth.
    for k in 1..7 {
        show.feeds.advance_nanos(half);
        let at = from.plus_nanos(k * half);
        let s = show.wait("the next picture", |s| s.program.roll.is_some_and(|r| r.instant.distance_nanos(at) < 1_000_000));
        let frames = at.nanos() as f64 * 1e-9 * f64::from(FPS);
        let (truth, held) = (scene(frames), scene(frames.floor()));
        let score = |p: &Picture| psnr_db(p, &truth, None).unwrap();
        let (got, held) = (score(&s.program.shown.picture), score(&held));
        println!("tick {k}: {got:.1} dB, the frame held {held:.1} dB");
        assert_eq!(s.program.roll.unwrap().between.is_some(), k % 2 == 1, "tick {k}");
        assert!(k % 2 == 0 || got > held + 2.0, "tick {k}: {got:.1} dB against {held:.1}");
    }
    // Held by choice: nothing but the cameras' own frames, each as long as it lasts.
    show.send(Command::SetSlowMotion(Some(false)));
    show.wait("held", |s| !s.slow_motion.interpolate);
    for _ in 0..2 {
        show.feeds.advance_nanos(2 * half);
        let now = volte::engine::Feeds::now(show.feeds.as_ref());
        let s = show.wait("a frame of the camera", |s| s.now >= now && s.program.roll.is_some_and(|r| r.between.is_none()));
        let frame = s.program.roll.unwrap().instant.nanos() as f64 * 1e-9 * f64::from(FPS);
        assert!((frame - frame.round()).abs() < 1e-3 && *s.program.shown.picture == scene(frame.round()), "{frame}");
    }
}
