//! The watch in the running engine: a camera is bumped in mid-show, is named, left out, solved anew and used again; pictures of
//! `walk`, with the bump as the exact turn of one camera's picture.
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use glam::{DMat3, DVec2, DVec3};
use parking_lot::Mutex;
use volte::{
    engine::{
        Ailment, Command, Engine, EngineOptions, FeedHealth, FeedStatus, Feeds, LivePicture, NoticeLevel, Quality, RingStatus, Snapshot,
        Stand,
    },
    frame::{Moment, MomentFrame, Picture},
    replay::{EventId, Readiness},
    rig::{Camera, Rig, load, pictures},
    time::{FrameRate, MediaTime},
    venue::Faults,
};

mod support {
    pub mod data;
}
use support::data::data;

/// House time runs so many times faster than the clock on the wall.
const FASTER: i64 = 3;
const SIZE_PX: (u32, u32) = (480, 270);
const BUMPED: usize = 2;
const TURN_DEG: f64 = 0.4;

/// Cameras that look at one picture, and one that is bumped.
struct WatchedFeeds {
    rig: Rig,
    begun: Instant,
    /// Before and after the bump.
    pictures: Vec<[Arc<Picture>; 2]>,
    /// When the bump comes, and when somebody turned the camera back.
    bumped: Mutex<Option<MediaTime>>,
    turned_back: Mutex<Option<MediaTime>>,
    /// Pictures with faults of lens and sensor, by camera.
    faulty: Mutex<Vec<Arc<Picture>>>,
}

impl WatchedFeeds {
    fn new() -> Self {
        let rig = load(&data("walk/transforms.json")).unwrap();
        let matched = pictures::match_rig(&rig, &data("walk/images")).unwrap();
        let keep = [3, 4, 5, 6, 7];
        let mut rig = matched.rig.restricted_to(&keep);
        for camera in &mut rig.cameras {
            *camera = camera.scaled_to(SIZE_PX.0, SIZE_PX.1);
        }
        let of = |(k, camera): (usize, &usize)| {
            let picture = Picture::load(&matched.paths[*camera]).unwrap().resized(SIZE_PX.0, SIZE_PX.1);
            let after = if k == BUMPED { turned(&rig.cameras[k], &picture) } else { picture.clone() };
            [Arc::new(picture), Arc::new(after)]
        };
        let pictures = keep.iter().enumerate().map(of).collect();
        Self { rig, begun: Instant::now(), pictures, bumped: Mutex::default(), turned_back: Mutex::default(), faulty: Mutex::default() }
    }

    fn picture(&self, camera: usize, at: MediaTime) -> Arc<Picture> {
        let is_since = |when: &Mutex<Option<MediaTime>>| when.lock().is_some_and(|when| at >= when);
        let picture = &self.pictures[camera][usize::from(is_since(&self.bumped) && !is_since(&self.turned_back))];
        Arc::clone(self.faulty.lock().get(camera).unwrap_or(picture))
    }

    fn newest(&self) -> MediaTime {
        let interval = self.rate().interval_nanos();
        MediaTime::from_nanos(self.now().nanos() / interval * interval)
    }
}

/// What the camera shows after it was turned.
fn turned(camera: &Camera, picture: &Picture) -> Picture {
    let turn = DMat3::from_axis_angle(DVec3::new(0.6, -0.64, 0.48), TURN_DEG.to_radians());
    let (w, h) = (picture.width(), picture.height());
    let mut rgba = Vec::with_capacity((w * h * 4) as usize);
    for y in 0..h {
        for x in 0..w {
            let ray = turn.transpose() * camera.lens.unproject(DVec2::new(f64::from(x) + 0.5, f64::from(y) + 0.5));
            let from = (camera.lens.project(ray).unwrap() - 0.5).clamp(DVec2::ZERO, DVec2::new(f64::from(w) - 1.001, f64::from(h) - 1.001));
            let (cell, share) = (from.floor(), from - from.floor());
            for channel in 0..4 {
                let at = |dx: u32, dy: u32| f64::from(picture.pixel(cell.x as u32 + dx, cell.y as u32 + dy)[channel]);
                let row = |dy: u32| at(0, dy) * (1.0 - share.x) + at(1, dy) * share.x;
                rgba.push((row(0) * (1.0 - share.y) + row(1) * share.y).round() as u8);
            }
        }
    }
    Picture::from_rgba(w, h, rgba).unwrap()
}

impl Feeds for WatchedFeeds {
    fn rig(&self) -> &Rig {
        &self.rig
    }

    fn now(&self) -> MediaTime {
        MediaTime::from_nanos(10_000_000_000 + FASTER * self.begun.elapsed().as_nanos() as i64)
    }

    fn rate(&self) -> FrameRate {
        FrameRate::whole(25)
    }

    fn status(&self) -> Vec<FeedStatus> {
        let newest = Some(self.newest());
        vec![FeedStatus { health: FeedHealth::Good, fps: 25.0, newest, ..FeedStatus::default() }; self.rig.cameras.len()]
    }

    fn ring(&self) -> RingStatus {
        RingStatus {
            oldest: Some(MediaTime::ZERO),
            newest: Some(self.newest()),
            budget_bytes: 1 << 30,
            budget_nanos: 600_000_000_000,
            ..RingStatus::default()
        }
    }

    fn live_picture(&self, camera: usize) -> Option<LivePicture> {
        Some(LivePicture { picture: self.picture(camera, self.newest()), time: self.newest() })
    }

    fn watch_picture(&self, camera: usize, after: Option<MediaTime>) -> Option<LivePicture> {
        // A keyframe each half second.
        let time = MediaTime::from_nanos(self.now().nanos() / 500_000_000 * 500_000_000);
        after.is_none_or(|after| time > after).then(|| LivePicture { picture: self.picture(camera, time), time })
    }

    fn focus(&self, _camera: usize) {}

    fn moment(&self, instant: MediaTime) -> Result<Moment, String> {
        let mut moment = Moment { instant, ..Moment::default() };
        for (i, camera) in self.rig.cameras.iter().enumerate() {
            let picture = self.picture(i, instant);
            moment.frames.push(MomentFrame { camera: camera.name.clone(), picture, time: instant, error_nanos: 0, retimed: false });
        }
        Ok(moment)
    }

    fn frames(&self, camera: usize, from: MediaTime, until: MediaTime, limit: usize) -> Result<Vec<LivePicture>, String> {
        let times = (0..limit as i64).map(|k| from.plus_nanos(self.rate().frame_nanos(k))).filter(|at| *at < until);
        Ok(times.map(|time| LivePicture { picture: self.picture(camera, time), time }).collect())
    }

    fn pin(&self, _: EventId, _: MediaTime, _: MediaTime) -> Result<(), String> {
        Ok(())
    }

    fn unpin(&self, _: EventId) {}
}

/// A show on these feeds.
struct Show {
    feeds: Arc<WatchedFeeds>,
    engine: Engine,
    bumped: String,
}

impl Show {
    fn start(options: &EngineOptions) -> Self {
        let feeds = Arc::new(WatchedFeeds::new());
        let bumped = feeds.rig.cameras[BUMPED].name.clone();
        let engine = Engine::start(Arc::clone(&feeds) as Arc<dyn Feeds>, options).unwrap();
        Self { feeds, engine, bumped }
    }

    fn stand_of(&self, s: &Snapshot) -> Stand {
        s.cameras.iter().find(|c| c.name == self.bumped).unwrap().stand
    }

    fn wait(&self, what: &str, wanted: impl Fn(&Snapshot) -> bool) -> Arc<Snapshot> {
        self.engine.wait_for(Duration::from_mins(12), wanted).unwrap_or_else(|| {
            let s = self.engine.snapshot();
            panic!("no {what}: {:?}; {:?}", s.cameras.iter().map(|c| c.stand).collect::<Vec<_>>(), s.notices)
        })
    }

    fn wait_until_watched(&self) {
        self.wait("watch", |s| s.cameras.iter().all(|c| c.stand == Stand::Stands));
    }

    /// The bump comes now.
    fn bump(&self) -> MediaTime {
        let now = self.feeds.now();
        *self.feeds.bumped.lock() = Some(now);
        now
    }

    /// Freezes an instant; the cameras that are left out of it, with the reasons.
    fn left_out(&self, instant: MediaTime) -> Vec<(String, String)> {
        assert!(self.engine.send(Command::JogTo(instant)));
        let is_there = |s: &Snapshot| s.preview.as_ref().is_some_and(|p| p.instant == instant && p.readiness >= Readiness::RealCameras);
        self.wait("moment", is_there).preview.as_ref().unwrap().left_out.clone()
    }

    /// How true the two gaps at the bumped camera are at an instant, by the truth meter: the worse one, dB.
    fn truth_db(&self, instant: MediaTime) -> f64 {
        self.left_out(instant);
        let s = self.wait("score", |s| {
            s.preview.as_ref().is_some_and(|p| p.instant == instant && p.readiness == Readiness::Solved)
                && s.truth.of > 0
                && s.truth.measured == s.truth.of
        });
        let db = |gap: usize| s.gaps[gap].state.score.unwrap().db;
        db(BUMPED - 1).min(db(BUMPED))
    }
}

#[test]
fn a_camera_that_is_bumped_in_mid_show_is_left_out_solved_anew_and_used_again() {
    let show = Show::start(&EngineOptions { without_gpu: true, ..EngineOptions::default() });
    show.wait_until_watched();
    let before = show.feeds.newest();
    assert_eq!(show.left_out(before), []);

    let at = show.bump();
    let s = show.wait("bump", |s| matches!(show.stand_of(s), Stand::Bumped { .. }));
    println!("noticed {:.2} s after it (house time)", (s.now.nanos() - at.nanos()) as f64 * 1e-9);
    assert!(s.notices.iter().any(|n| n.text.contains(&show.bumped) && n.text.contains("was bumped")), "{:?}", s.notices);
    assert!(s.cameras.iter().filter(|c| c.name != show.bumped).all(|c| c.stand == Stand::Stands), "only one was");
    let s = show.wait("place", |s| matches!(show.stand_of(s), Stand::Solved { .. }));
    let Stand::Solved { turned_deg, moved_m } = show.stand_of(&s) else { unreachable!() };
    println!("solved {:.2} s after it: {turned_deg:.3}°, {:.1} mm", (s.now.nanos() - at.nanos()) as f64 * 1e-9, moved_m * 1e3);
    assert!((turned_deg - TURN_DEG).abs() < 0.03 && moved_m < 0.02, "{turned_deg}° of {TURN_DEG}°, {moved_m} m");

    // All of now, none of the bump itself, all of before.
    let solved = show.feeds.newest();
    assert_eq!(show.left_out(solved), []);
    let left_out = show.left_out(at.plus_nanos(40_000_000));
    assert!(left_out.len() == 1 && left_out[0].0 == show.bumped && left_out[0].1.contains("bumped"), "{left_out:?}");
    assert_eq!(show.left_out(before), []);

    // Somebody turns it back: the same again.
    *show.feeds.turned_back.lock() = Some(show.feeds.now());
    show.wait("way back", |s| matches!(show.stand_of(s), Stand::Bumped { .. }));
    let s = show.wait("place", |s| matches!(show.stand_of(s), Stand::Solved { .. }));
    assert!(s.cameras.iter().filter(|c| c.name != show.bumped).all(|c| c.stand == Stand::Stands));
    assert_eq!(show.left_out(show.feeds.newest()), []);
}

#[test]
fn a_moment_marked_right_after_the_bump_is_looked_at_before_anybody_else_notices() {
    let show = Show::start(&EngineOptions { without_gpu: true, ..EngineOptions::default() });
    show.wait_until_watched();
    let at = show.bump();
    // The first frame after it.
    let instant = at.plus_nanos(40_000_000);
    show.wait("frame", |s| s.now > instant);
    show.left_out(instant);
    let s = show.wait("word on the moment", |s| s.preview.as_ref().is_some_and(|p| !p.left_out.is_empty()));
    let preview = s.preview.as_ref().unwrap();
    assert!(preview.instant == instant && preview.left_out.len() == 1 && preview.left_out[0].0 == show.bumped, "{:?}", preview.left_out);
    assert!(preview.readiness >= Readiness::RealCameras, "the others are there");
}

#[test]
fn pictures_with_the_bumped_camera_are_as_true_as_before_and_unwatched_they_are_not() {
    let options = |without_watch| EngineOptions { quality: Some(Quality::Draft), without_watch, ..EngineOptions::default() };
    let show = Show::start(&options(false));
    show.wait_until_watched();
    let before = show.truth_db(show.feeds.newest());
    show.bump();
    show.wait("place", |s| matches!(show.stand_of(s), Stand::Solved { .. }));
    let solved = show.truth_db(show.feeds.newest());
    drop(show);
    let unwatched = Show::start(&options(true));
    let at = unwatched.bump().plus_nanos(40_000_000);
    unwatched.wait("frame", |s| s.now > at);
    let wrong = unwatched.truth_db(at);
    println!("hidden cameras: {before:.2} dB before, {solved:.2} dB solved anew, {wrong:.2} dB unwatched");
    assert!((solved - before).abs() < 0.5 && wrong < before - 1.0, "{before} {solved} {wrong}");
    assert!(unwatched.engine.snapshot().cameras.iter().all(|c| c.stand == Stand::NotWatched));
}

#[test]
fn a_camera_out_of_focus_is_named_with_the_remedy_and_forgotten_when_it_is_mended() {
    let show = Show::start(&EngineOptions { without_gpu: true, ..EngineOptions::default() });
    show.wait_until_watched();
    let names: Vec<String> = show.feeds.rig.cameras.iter().map(|c| c.name.clone()).collect();
    let ailments = |s: &Snapshot, camera: usize| s.cameras.iter().find(|c| c.name == names[camera]).unwrap().ailments.clone();
    // The healthy show is learned: nothing is said.
    let learned = show.feeds.now().plus_nanos(14_000_000_000);
    let s = show.wait("time to learn", |s| s.now > learned);
    assert!((0..names.len()).all(|i| ailments(&s, i).is_empty()), "{:?}", s.notices);

    let lists = ["blur=0s/2", "", "", "", ""];
    let faults: Vec<Faults> = lists.iter().map(|list| list.parse().unwrap()).collect();
    let with = |(faults, pictures): (&Faults, &[Arc<Picture>; 2])| {
        let mut picture = Picture::clone(&pictures[0]);
        faults.degrade_at(&mut picture, 0, MediaTime::ZERO);
        Arc::new(picture)
    };
    *show.feeds.faulty.lock() = faults.iter().zip(&show.feeds.pictures).map(with).collect();
    let wanted = [(0, |a: &Ailment| matches!(a, Ailment::Blurred { .. }), "out of focus")];
    let s = show.wait("word on the focus", |s| wanted.iter().all(|(i, is, _)| ailments(s, *i).iter().any(is)));
    for (i, is, words) in wanted {
        assert!(ailments(&s, i).iter().all(is), "{:?}", ailments(&s, i));
        let told = s.notices.iter().any(|n| n.level == NoticeLevel::Warning && n.text.contains(&names[i]) && n.text.contains(words));
        assert!(told, "{words}: {:?}", s.notices);
    }
    assert_eq!(ailments(&s, 2), [], "the others are healthy");

    show.feeds.faulty.lock().clear();
    let s = show.wait("mended cameras", |s| (0..names.len()).all(|i| ailments(s, i).is_empty()));
    assert!(s.notices.iter().any(|n| n.text.contains("is sharp again")), "{:?}", s.notices);
}
